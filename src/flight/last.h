/* last.h - the last flight of a DTLS 1.2 handshake after the handshake's memory is gone: kept for 2 MSL or until
 * application data proves that the peer has it, and sent again when the peer repeats its Finished (RFC 6347 4.2.4). */
#ifndef TERN_FLIGHT_LAST_H
#define TERN_FLIGHT_LAST_H

#include "flight/flight.h"

#define LAST_LIFETIME_NS (UINT64_C(240) * 1000000000) /* 2 MSL of RFC 793 */

struct last_flight; /* one allocation of at most 400 bytes for flights without a long ticket */

/* A compact copy of f's messages. NULL when memory is out. */
struct last_flight *last_new(const tern_allocator *heap, const struct flight *f, tern_time now);
void last_free(const tern_allocator *heap, struct last_flight *l);

/* The peer repeats its Finished: offer the flight again (eight times at once, then once per 100 ms). */
void last_repeat(struct last_flight *l, tern_time now);
bool last_sends(const struct last_flight *l);
tern_error last_take(struct last_flight *l, struct record_layer *records, uint8_t *out, size_t cap, size_t *len,
		     struct tracer trace);
void last_set_mtu(struct last_flight *l, uint16_t mtu); /* at least MTU_MIN; datagrams from now on fit it */
uint64_t last_expires_ns(const struct last_flight *l);

#endif
