/* flight.h - our flight of messages on its way to the peer: the state machine of RFC 6347 4.2.4 and RFC 9147 5.8.1.
 *
 *   PREPARING --flight_send--> SENDING --all taken--> WAITING --flight_answered--> PREPARING
 *                                 ^                      |                (or FINISHED when no answer is awaited)
 *                                 +-- timer, or the peer repeats itself (flight_repeat) --+
 *
 * Message bytes, message_seq and fragment boundaries stay the same over retransmissions while the MTU does; every
 * transmission is sealed under fresh record numbers. A plan of fragments is made once per MTU; transmissions walk it,
 * packing whole fragments into datagrams. In DTLS 1.3 what is acknowledged leaves the plan, byte by byte, and
 * acknowledgement of everything leads from SENDING or WAITING to FINISHED. */
#ifndef TERN_FLIGHT_FLIGHT_H
#define TERN_FLIGHT_FLIGHT_H

#include "base/arena.h"
#include "flight/rto.h"
#include "record/record.h"
#include "wire/handshake.h"

#define FLIGHT_MESSAGES 12
#define MTU_MIN 96

/* Where records are reported. */
struct tracer {
	tern_trace_fn *fn; /* NULL: nowhere */
	void *user;
	const tern_conn *conn;
};

struct outgoing {
	uint8_t content_type; /* handshake, or change_cipher_spec (which has neither type nor seq) */
	uint8_t type;
	uint16_t message_seq, epoch;
	struct span body; /* lives in the arena until the flight is answered; sealed again from here */
};

enum flight_state { FLIGHT_PREPARING, FLIGHT_SENDING, FLIGHT_WAITING, FLIGHT_FINISHED };

struct piece; /* one fragment: plan.h */
struct sent_record; /* a record number and the bytes it carried: flight.c */

struct flight {
	enum flight_state state;
	struct outgoing messages[FLIGHT_MESSAGES];
	uint8_t num_messages;
	bool awaits_answer;
	uint16_t mtu, planned_mtu;
	uint32_t mtu_fired; /* what rto.fired was when the MTU was told */
	uint16_t longest; /* datagram of the last transmission */
	uint16_t frame; /* what the plan takes records and message headers to add to a fragment at most */
	struct piece *plan; /* what is not acknowledged, in order */
	uint16_t num_planned, cap_planned, cursor;
	bool remembers; /* set by the owner once the version acknowledges; records sent before that are not recognized
			 */
	struct sent_record *sent; /* a ring: the newest num_known of num_sent, each at its index modulo cap_sent */
	uint32_t cap_sent, num_sent, num_known;
	uint32_t num_before; /* num_sent when the last transmission began */
	struct {
		bool numbers; /* it had some */
		bool news; /* some of them acknowledged what was open */
		bool recent; /* news of the last transmission */
		bool plain; /* it came in plaintext */
	} ack; /* the one being read */
	bool doubtful; /* some of it was acknowledged in plaintext alone */
	struct arena *arena;
	struct rto rto;
	uint32_t tries, max_tries;
	uint64_t sent_ns; /* last complete transmission */
	uint64_t first_sent_ns; /* first one, for the round trip */
	uint64_t deadline_ns; /* TERN_NEVER: not armed */
	bool keeps_mtu; /* loss does not lower it */
	bool external; /* the caller repeats what is sent, and no timer is armed */
	uint32_t retransmissions; /* of the whole handshake */
	struct tracer trace;
};

void flight_init(struct flight *f, struct arena *arena, const tern_timers *timers, uint16_t mtu, struct tracer trace);

/* PREPARING: one more message. body must stay until the flight is answered. BUDGET when the flight is full. */
tern_error flight_add(struct flight *f, const struct outgoing *message);

/* The flight is complete: it is offered to flight_take from now on. */
tern_error flight_send(struct flight *f, bool awaits_answer);

/* Fills one datagram of at most f->mtu bytes with whole records (RFC 6347 4.1.1, 4.2.3, RFC 9147 4.3, 5.5); *len 0 when
 * nothing is to be sent. cap below the MTU: BUFFER_TOO_SMALL
 * and no change. After the last datagram of a transmission the timer is armed. random: for the jitter. */
tern_error flight_take(struct flight *f, struct record_layer *records, uint8_t *out, size_t cap, size_t *len,
		       uint32_t random, tern_time now);
bool flight_sends(const struct flight *f); /* whether flight_take would give a datagram */

/* Whether it was begun and awaits its answer or acknowledgement still. */
static inline bool flight_is_on_its_way(const struct flight *f)
{
	return f->state == FLIGHT_SENDING || f->state == FLIGHT_WAITING;
}

/* The peer's answer is complete (its flight made us go on): stop the timer, learn the round trip, less the pending_ns
 * we waited ourselves, unless we retransmitted; back to PREPARING, empty. */
void flight_answered(struct flight *f, uint64_t pending_ns, tern_time now);

/* DTLS 1.3: the peer's answer has begun to come, which acknowledges the whole flight (RFC 9147 7.2): as if an ACK had
 * named all of it. The rest of the answer is the peer's to repeat. */
void flight_answer_begins(struct flight *f, uint64_t pending_ns, tern_time now);

/* The peer repeated its last flight, so ours was lost: send again, unless that was done less than a quarter of the
 * timeout ago, or all of it is acknowledged. The timer's count of tries stays. */
void flight_repeat(struct flight *f, uint32_t random, tern_time now);

/* The caller asks for another transmission. Nothing unless one is WAITING; it is no try. */
void flight_again(struct flight *f);

/* Whether the caller repeats it in place of the timer. A flight that is WAITING is sent again when that begins, and
 * gets its timer, counted from now, when it ends. */
void flight_set_external(struct flight *f, bool external, uint32_t random, tern_time now);

/* After flight_tick said TIMEOUT: tries are counted from the start again. Nothing else has an effect. */
void flight_revive(struct flight *f);

/* DTLS 1.3: the peer has record seq of epoch, so the bytes it carried are not sent again, whatever the transmission and
 * the MTU they were sent with. Numbers that are not of this flight, or older than its last four transmissions, are
 * ignored, and so is everything unless f->remembers. */
void flight_acked(struct flight *f, uint16_t epoch, uint64_t seq, tern_time now);

/* The ACK being read came in plaintext. Anybody can have sent it, so what it says is left out of what is sent at once,
 * but it never finishes the flight: when the timer fires or the peer repeats itself, all is sent again; until an ACK
 * under keys says something new. When nothing is left, the timer is set to its longest, once: the peer may need time.
 */
void flight_acks_plain(struct flight *f);

/* After the last record number of one ACK; one without numbers is legal. Nothing is left: FINISHED, the timer is off,
 * and the round trip is learned if there was one transmission. Otherwise the rest is sent again: at once when the ACK
 * told something new of the last transmission; when it told news of older ones alone, or was empty, unless the last
 * transmission is less than a quarter of the timeout ago. The timer's count of tries stays. */
void flight_acks_end(struct flight *f, tern_time now);

/* The timer: TIMEOUT when max_tries transmissions are used up (repeats the peer asked for do not count). After 3
 * unanswered ones since the flight began or the MTU was told, halves the MTU towards a floor of 256 (or MTU_MIN if the
 * MTU is below; more where connection IDs are long), making a new plan, if it is not kept, a datagram of the flight is
 * longer than that floor and the flight is no ClientHello. RFC 6347 4.1.1.1, RFC 9147 4.4. */
tern_error flight_tick(struct flight *f, tern_time now);
uint64_t flight_deadline(const struct flight *f);

/* Under which keys the peer can read now. What makes those of a new epoch may be in the flight itself: as long as it
 * has not been sent once, that is the epoch of what comes next; afterwards otherwise. */
uint16_t flight_told_epoch(const struct flight *f, uint16_t otherwise);
/* A first timeout in place of the one in use; a timer that runs is set anew from when it was started. */
void flight_set_timeout(struct flight *f, uint64_t first_ns, uint32_t random);

void flight_set_mtu(struct flight *f, uint16_t mtu);

#endif
