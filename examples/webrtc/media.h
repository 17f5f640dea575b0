/* media.h - SRTP with libsrtp2, keyed by a DTLS connection, and a mirror for what comes through it.
 *
 * The mirror sends every packet back under another SSRC: the peer's, with the first bit turned over. Reports and
 * requests of RTCP are mirrored likewise, so that a browser which asks the mirror for a key frame asks itself. */
#ifndef WEBRTC_MEDIA_H
#define WEBRTC_MEDIA_H

#include <tern/tern.h>

#define MEDIA_ROOM 160 /* bytes that a packet may grow by (SRTP_MAX_TRAILER_LEN + 4) */

struct media;

/* Once per process. */
bool media_init(void);
/* NULL: no profile was agreed on, or libsrtp2 does not have it. dtls_client: whether we are that. */
struct media *media_new(const tern_conn *conn, bool dtls_client);
void media_free(struct media *media);

/* Opens an SRTP or SRTCP packet in place and seals its mirror image, at *len bytes with MEDIA_ROOM behind. False: it is
 * forged, a repetition, or nothing to be mirrored. */
bool media_mirror(struct media *media, uint8_t *packet, size_t *len, tern_packet kind);

/* The mirror's SSRC for one of the peer's. */
static inline uint32_t media_mirrored(uint32_t ssrc)
{
	return ssrc ^ UINT32_C(0x80000000);
}

#endif
