#include "sim/ledger.h"

#include "crypto/stub/stub.h"
#include "wire/ack.h"
#include "wire/handshake.h"
#include "wire/record.h"

#define FORGOTTEN 3 /* a flight recognizes the records of its last four transmissions */

void ledger_start(struct ledger *l, struct invariants *inv)
{
	l->inv = inv;
	l->run++;
	l->num_fragments = 0;
	l->num_received = 0;
	l->reported = LEDGER_RECORDS;
}

void ledger_next(struct ledger *l)
{
	l->reported = LEDGER_RECORDS;
}

/* ---- records that came ---- */

static size_t slot_of(const struct ledger *l, uint64_t serial, uint64_t epoch, uint64_t seq, uint64_t *hash)
{
	size_t i;
	*hash = stub_scramble(stub_scramble(serial << 16 ^ epoch) ^ seq);
	i = *hash & (LEDGER_RECORDS - 1);
	while (l->received_run[i] == l->run && l->received[i] != *hash)
		i = (i + 1) & (LEDGER_RECORDS - 1);
	return i;
}

static void note_received(struct ledger *l, uint64_t serial, const tern_trace *t)
{
	uint64_t hash;
	size_t i = slot_of(l, serial, t->epoch, t->record_seq, &hash);
	l->reported = i;
	if (l->received_run[i] == l->run) {
		l->received_kept[i]++;
		return;
	}
	if (l->num_received++ > LEDGER_RECORDS / 2) {
		invariants_fail(l->inv, "more than %d records came in one run", LEDGER_RECORDS / 2);
		return;
	}
	l->received_kept[i] = 1;
	l->received_lost[i] = false;
	l->received[i] = hash;
	l->received_run[i] = l->run;
}

/* What was dropped for want of room, or because it fits nothing, has to come again: RFC 9147 7. */
static void note_dropped(struct ledger *l, uint64_t serial, const tern_trace *t)
{
	uint64_t hash;
	size_t i = slot_of(l, serial, t->epoch, t->record_seq, &hash);
	bool again =
		t->drop == TERN_DROP_BUDGET || t->drop == TERN_DROP_FUTURE_MESSAGE || t->drop == TERN_DROP_FRAGMENT;
	/* One that was never opened has no number. */
	if (l->received_run[i] != l->run || !again || t->content_type != CONTENT_HANDSHAKE)
		return;
	/* A fragment that cannot be read is not reported first. */
	l->received_kept[i] = (uint16_t)(l->received_kept[i] - (l->reported == i));
	l->reported = LEDGER_RECORDS;
	l->received_lost[i] = true;
}

static bool next_number(struct rd *numbers, struct record_number *n)
{
	return rd_left(numbers) && get_record_number(numbers, n);
}

static void check_sent_ack(struct ledger *l, uint64_t serial, struct span body)
{
	struct rd r = rd_of(body), numbers;
	struct record_number n;
	uint64_t hash;
	if (!get_ack(&r, &numbers) || !rd_end(&r)) {
		invariants_fail(l->inv, "connection %u sent a malformed ACK", (unsigned)serial);
		return;
	}
	while (next_number(&numbers, &n)) {
		size_t i = slot_of(l, serial, n.epoch, n.seq, &hash);
		if (l->received_run[i] != l->run)
			invariants_fail(l->inv, "connection %u acknowledged record %u/%llu, which never came",
					(unsigned)serial, (unsigned)n.epoch, (unsigned long long)n.seq);
		else if (l->received_lost[i] && (n.epoch || !l->received_kept[i]))
			invariants_fail(l->inv, "connection %u acknowledged record %u/%llu, which it dropped",
					(unsigned)serial, (unsigned)n.epoch, (unsigned long long)n.seq);
	}
}

void ledger_plain_ack(struct ledger *l, uint64_t serial, struct span body)
{
	check_sent_ack(l, serial, body);
}

/* ---- handshake messages on their way ---- */

static bool overlap(const struct sent_fragment *a, const struct sent_fragment *b)
{
	if (a->serial != b->serial || a->message_seq != b->message_seq)
		return false;
	return a->len == 0 || b->len == 0 || (a->offset < b->offset + b->len && b->offset < a->offset + a->len);
}

/* How often a message was sent again after one of its fragments: as often as that piece of it which went most often,
 * for what plaintext acknowledged is left out once. */
static unsigned sent_later(const struct ledger *l, size_t at)
{
	const struct sent_fragment *f = &l->fragments[at];
	unsigned most = 0;
	for (size_t i = at + 1; i < l->num_fragments; i++) {
		const struct sent_fragment *piece = &l->fragments[i];
		unsigned times = 1;
		if (piece->serial != f->serial || piece->message_seq != f->message_seq)
			continue;
		for (size_t k = i + 1; k < l->num_fragments; k++)
			times += overlap(&l->fragments[k], piece);
		most = times > most ? times : most;
	}
	return most;
}

static void acknowledge(struct ledger *l, size_t at)
{
	struct sent_fragment *f = &l->fragments[at];
	f->binding |= f->type != CLIENT_HELLO && sent_later(l, at) < FORGOTTEN;
	f->acked = true;
}

static void take_ack(struct ledger *l, uint64_t serial, struct span body)
{
	struct rd r = rd_of(body), numbers;
	struct record_number n;
	if (!get_ack(&r, &numbers))
		return;
	while (next_number(&numbers, &n)) {
		for (size_t i = l->num_fragments; i--;) {
			const struct sent_fragment *f = &l->fragments[i];
			if (f->serial != serial || f->epoch != n.epoch || f->seq != n.seq)
				continue;
			acknowledge(l, i);
			break;
		}
	}
}

static void note_sent(struct ledger *l, uint64_t serial, const tern_trace *t)
{
	struct sent_fragment f = {.serial = serial,
				  .seq = t->record_seq,
				  .offset = t->fragment_offset,
				  .len = t->fragment_len,
				  .epoch = t->epoch,
				  .message_seq = t->message_seq,
				  .type = t->message_type};
	for (size_t i = 0; i < l->num_fragments && t->retransmission; i++)
		if (l->fragments[i].binding && overlap(&l->fragments[i], &f))
			invariants_fail(l->inv, "connection %u sent message %u again, which was acknowledged",
					(unsigned)serial, t->message_seq);
	if (l->num_fragments == LEDGER_FRAGMENTS)
		invariants_fail(l->inv, "more than %d fragments sent in one run", LEDGER_FRAGMENTS);
	else
		l->fragments[l->num_fragments++] = f;
}

/* The KeyUpdate of the epoch before. */
static void check_new_keys(struct ledger *l, uint64_t serial, uint16_t epoch)
{
	for (size_t i = l->num_fragments; i--;) {
		const struct sent_fragment *f = &l->fragments[i];
		if (f->serial == serial && f->type == KEY_UPDATE && f->epoch + 1 == epoch && f->acked)
			return;
	}
	invariants_fail(l->inv, "connection %u sends in epoch %u, and no KeyUpdate to it was acknowledged",
			(unsigned)serial, epoch);
}

void ledger_trace(struct ledger *l, uint64_t serial, const tern_trace *t)
{
	struct invariants *inv = l->inv;
	if (t->kind == TERN_TRACE_RECEIVED) {
		note_received(l, serial, t);
		if (t->content_type == CONTENT_ACK && t->epoch)
			take_ack(l, serial, span_of(inv->opened.bytes, inv->opened.n));
	} else if (t->kind == TERN_TRACE_DROPPED) {
		note_dropped(l, serial, t);
	} else if (t->kind == TERN_TRACE_SENT && t->content_type == CONTENT_HANDSHAKE) {
		note_sent(l, serial, t);
	} else if (t->kind == TERN_TRACE_SENT && t->content_type == CONTENT_ACK && t->epoch) {
		check_sent_ack(l, serial, span_of(inv->acked.bytes, inv->acked.n));
	} else if (t->kind == TERN_TRACE_KEYS && t->writing && t->epoch > 3) {
		check_new_keys(l, serial, t->epoch);
	}
}
