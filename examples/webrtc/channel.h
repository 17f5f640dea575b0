/* channel.h - data channels (RFC 8831, RFC 8832) with libusrsctp: every message that comes in goes back. */
#ifndef WEBRTC_CHANNEL_H
#define WEBRTC_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

struct channels;

/* Sends an SCTP packet through the DTLS connection that peer has. */
typedef void channels_send_fn(void *peer, const void *packet, size_t len);

/* Once per process. */
void channels_init(channels_send_fn *send);
/* The SCTP association of one peer; packet_max: what fits a record. NULL: none can be made. */
struct channels *channels_new(void *peer, unsigned port, size_t packet_max);
void channels_free(struct channels *channels);
/* What came in a record. */
void channels_receive(struct channels *channels, const void *packet, size_t len);
/* Lets time pass for all of them. */
void channels_tick(uint32_t elapsed_ms);

#endif
