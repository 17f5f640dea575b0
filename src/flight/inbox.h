/* inbox.h - handshake messages out of fragments (RFC 6347 4.2.2, 4.2.3, RFC 9147 5.2, 5.5): any order, any overlap,
 * bounded memory.
 *
 * A message that arrives whole and in order is lent as a view of the datagram, without a copy. Everything else is kept
 * in pieces charged to bytes received, never to a length somebody claimed. Messages are keyed by message_seq; type and
 * length are those of the first fragment, and a fragment at odds with them is dropped; except that pieces that came in
 * plaintext are displaced: by a fragment of a protected epoch, and in plaintext by one at odds with them and by a whole
 * message. So no forged piece keeps out a message for longer than until the peer repeats it. When the budget is used
 * up, the messages farthest ahead make room for earlier ones, so that what lies ahead never keeps the next message out.
 */
#ifndef TERN_FLIGHT_INBOX_H
#define TERN_FLIGHT_INBOX_H

#include "base/error.h"
#include "wire/handshake.h"

#define INBOX_WINDOW 12 /* messages ahead of the next that are kept: the longest flight */

struct message {
	uint8_t type;
	uint16_t seq, epoch;
	struct span body;
};

struct inbox_slot; /* inbox.c */

struct inbox {
	const tern_allocator *heap;
	struct inbox_slot *slots; /* a list, of INBOX_WINDOW messages at most */
	uint32_t next; /* message_seq of the next message to hand out; 2^16: all are used up, nothing is taken any more
			*/
	uint32_t budget, used; /* bytes of heap */
	uint32_t message_max;
	struct message lent; /* the next one, whole: a view, or the copy that inbox_keep made of it */
	bool has_view, has_whole;
};

void inbox_init(struct inbox *in, const tern_allocator *heap, uint32_t first_seq, uint32_t budget,
		uint32_t message_max);
void inbox_free(struct inbox *in);

/* TERN_DROP_NONE when kept or lent. Else FRAGMENT (under keys: at odds with an earlier fragment; or of another epoch,
 * or longer than message_max, or an empty piece of a message that is not empty), OLD_MESSAGE (message_seq before next,
 * or bytes we have), FUTURE_MESSAGE, BUDGET. At most one view is outstanding: call inbox_next until it says false after
 * each put. */
tern_drop inbox_put(struct inbox *in, const struct fragment *f, uint16_t epoch);

/* The next message in order if it is complete; the same again until inbox_done or inbox_discard. */
bool inbox_next(struct inbox *in, struct message *out);
/* Whether pieces of this message are kept. */
bool inbox_has(const struct inbox *in, uint32_t seq);
/* Whether pieces of any message are kept that came in this epoch. */
bool inbox_holds(const struct inbox *in, uint16_t epoch);
/* Of the next message: how many pieces are at hand that others in front of them keep from being of use. RFC 9147 7.1.
 */
size_t inbox_gaps(const struct inbox *in);
/* It has been processed. */
void inbox_done(struct inbox *in);
/* It is not to be believed: forget its bytes, go on expecting its message_seq. */
void inbox_discard(struct inbox *in);
/* The datagram goes away: keep a copy of what is lent. NO_MEMORY or BUDGET. */
tern_error inbox_keep(struct inbox *in);

#endif
