/* post.h - post-handshake messages, each a reliable flight of its own (RFC 9147 5.8.4). */
#ifndef TERN_FLIGHT_POST_H
#define TERN_FLIGHT_POST_H

#include "flight/flight.h"

struct post {
	struct post *next;
	uint8_t type; /* message_type */
	struct flight flight;
	/* one allocation: an arena for the plan and the message's bytes follow. Only plans for several MTUs of a long
	 * message, or for very short fragments, take more, from the heap. */
};

/* A flight of this one message (its body is copied), ready to be taken, awaiting acknowledgement: FINISHED when it has
 * it. rtt_ns: as known so far; 0: unknown. NULL: no memory. */
struct post *post_new(const tern_allocator *heap, const tern_timers *timers, uint16_t mtu, struct tracer trace,
		      const struct outgoing *message, uint64_t rtt_ns);
void post_free(const tern_allocator *heap, struct post *p);

#endif
