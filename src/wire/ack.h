/* ack.h - the ACK message (RFC 9147 7). */
#ifndef TERN_WIRE_ACK_H
#define TERN_WIRE_ACK_H

#include "base/reader.h"
#include "base/writer.h"

struct record_number {
	uint64_t epoch, seq;
};

/* The body of an ACK record: a list to be walked with get_record_number. False when malformed; empty is legal. */
MUST_CHECK bool get_ack(struct rd *r, struct rd *numbers);
MUST_CHECK bool get_record_number(struct rd *numbers, struct record_number *out);
void put_ack(struct wr *w, const struct record_number *numbers, size_t num);

#endif
