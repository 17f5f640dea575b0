/* record.h - the DTLS 1.2 record header (RFC 6347 4.1), with a connection ID too (RFC 9146 4). The unified header of
 * RFC 9147 4 comes beside it. */
#ifndef TERN_WIRE_RECORD_H
#define TERN_WIRE_RECORD_H

#include "base/reader.h"
#include "base/writer.h"

#define RECORD12_HEADER 13
#define RECORD_PLAINTEXT_MAX 16384 /* 2^14, RFC 5246 6.2.1 */
#define RECORD_SEQ_MAX ((UINT64_C(1) << 48) - 1)

enum content_type {
	CONTENT_CHANGE_CIPHER_SPEC = 20,
	CONTENT_ALERT = 21,
	CONTENT_HANDSHAKE = 22,
	CONTENT_APPLICATION_DATA = 23,
	CONTENT_TLS12_CID = 25, /* RFC 9146 4 */
	CONTENT_ACK = 26, /* RFC 9147 7 */
	CONTENT_RETURN_ROUTABILITY_CHECK = 27 /* RFC 9853 4 */
};

#define VERSION_DTLS10 0xfeff
#define VERSION_DTLS12 0xfefd
#define VERSION_DTLS13 0xfefc

struct record12 {
	uint8_t type;
	uint16_t version, epoch;
	uint64_t seq; /* 48 bits */
	struct span cid; /* empty in the usual form; with one the header is as much longer */
	struct span fragment;
};

/* The next record of a datagram, header and fragment. Any type and version. */
MUST_CHECK bool get_record12(struct rd *r, struct record12 *out);
/* One with a connection ID of cid_len bytes. */
MUST_CHECK bool get_record12_cid(struct rd *r, size_t cid_len, struct record12 *out);
#define RECORD12_CID_AT 11 /* where the connection ID begins */
/* The header alone, for a fragment of length bytes that follows. */
void put_record12_header(struct wr *w, const struct record12 *in, uint16_t length);

#endif
