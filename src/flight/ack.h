/* ack.h - what we owe the peer in acknowledgements (RFC 9147 7.1): the handshake records of its current flight that
 * were kept or processed, and when to tell. */
#ifndef TERN_FLIGHT_ACK_H
#define TERN_FLIGHT_ACK_H

#include "base/writer.h"
#include "tern/tern.h"
#include "wire/ack.h"

#define ACK_RECORDS 32 /* kept; beyond that the oldest give way */

struct acks {
	const tern_allocator *heap;
	uint64_t *records; /* epoch in the upper 16 bits, number in the lower 48 */
	uint64_t deadline_ns; /* to be sent then; TERN_NEVER: not armed */
	uint8_t num, room; /* records that are there, and that there is memory for: for none while num is 0 */
	bool due; /* to be sent now */
	uint8_t repeats; /* of the last ACK, since something new was noted */
};

/* Ended by acks_clear. */
void acks_init(struct acks *a, const tern_allocator *heap);
/* A record whose handshake messages were all kept, processed, or had before. Never one that was dropped. Not noted when
 * memory is out: then it is the peer's to send again. */
void acks_note(struct acks *a, uint16_t epoch, uint64_t seq);
/* A sign of disruption, or a flight that nothing else acknowledges: tell at once. */
void acks_hurry(struct acks *a);
/* Part of a flight is here: tell in a quarter of the timeout if the rest does not come. Armed once: further records do
 * not push it back. */
void acks_arm(struct acks *a, uint64_t timeout_ns, tern_time now);
/* After the handshake: tell in wait_ns, so that what follows shares the ACK; at once for 0. */
void acks_share(struct acks *a, uint64_t wait_ns, tern_time now);
/* Nothing more comes that could share it: tell at once if anything is to be told. */
void acks_flush(struct acks *a);
/* It was sent, and may be lost while a peer without a timer of its own waits for it: tell again after the timeout,
 * doubled each time until something new comes. */
void acks_again(struct acks *a, uint64_t timeout_ns, tern_time now);
void acks_tick(struct acks *a, tern_time now);
/* Nothing was to be told for a while: what was told need not be named again, and its memory goes. */
void acks_rest(struct acks *a);
/* The start of the next flight, or our answer, acknowledges all of it. What is empty holds no memory. */
void acks_clear(struct acks *a);
/* The body of an ACK in increasing order of at most cap bytes; sent records stay noted for the next. */
void acks_put(struct acks *a, struct wr *w);

#endif
