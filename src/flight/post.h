/* post.h - post-handshake messages in reliable flights of their own (RFC 9147 5.8.4): one message each, but for a
 * client's authentication, which is up to three. */
#ifndef TERN_FLIGHT_POST_H
#define TERN_FLIGHT_POST_H

#include "flight/flight.h"

struct post {
	struct post *next;
	uint8_t type; /* message_type of the first */
	struct flight flight;
	/* one allocation: an arena for the plan and the messages' bytes follow. Only plans for several MTUs of long
	 * messages, or for very short fragments, take more, from the heap. */
};

/* A flight of these messages, one at least (their bodies are copied), ready to be taken, awaiting acknowledgement:
 * FINISHED when it has it. rtt_ns: as known so far; 0: unknown. NULL: no memory. */
struct post *post_new(const tern_allocator *heap, const tern_timers *timers, uint16_t mtu, struct tracer trace,
		      const struct outgoing *messages, size_t num, uint64_t rtt_ns);
void post_free(const tern_allocator *heap, struct post *p);

#endif
