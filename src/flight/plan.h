/* plan.h - how messages are cut into fragments and packed into datagrams (RFC 6347 4.1.1, 4.2.3, RFC 9147 4.3, 5.5).
 * One fragment is one record; a datagram holds as many records as fit. A message is split only where a datagram ends,
 * and only when a useful piece of it fits. */
#ifndef TERN_FLIGHT_PLAN_H
#define TERN_FLIGHT_PLAN_H

#include "flight/flight.h"

/* One record to be. */
struct piece {
	uint32_t offset, len; /* of the message's body */
	uint8_t message;
};

/* Where the cutting stands; starts as {0}. */
struct plan_at {
	uint32_t offset;
	uint32_t used; /* bytes of the datagram so far */
	uint8_t message;
};

/* Bytes of the record that holds p. */
size_t plan_record_len(const struct record_layer *records, const struct outgoing *messages, const struct piece *p);

/* The next piece; *fresh when it starts a datagram. False at the end, or when the MTU holds no piece at all. */
bool plan_next(struct plan_at *at, struct piece *out, bool *fresh, const struct record_layer *records,
	       const struct outgoing *messages, size_t num_messages, uint16_t mtu);

/* Appends the record for p to w, in its message's epoch (RFC 9147 4.2.1), and reports it. *seq: the record's number;
 * may be NULL. */
tern_error plan_put(const struct piece *p, struct record_layer *records, const struct outgoing *messages, struct wr *w,
		    const struct tracer *trace, bool retransmission, uint64_t *seq);

void trace_report(const struct tracer *trace, const tern_trace *event);

#endif
