/* What DTLS 1.3 forbids must be noticed. */
#include "sim/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "wire/ack.h"
#include "wire/handshake.h"

enum act { END, SEND, RECEIVE, DROP, DROP_OLD, SEND_ACK, RECEIVE_ACK, NEW_KEYS };

/* serial 0 is the one that acts if nothing else is said. */
struct line {
	enum act act;
	uint8_t type; /* SEND: of the message */
	uint16_t epoch, seq; /* of the record; ACK: that it names */
	uint16_t offset, len, message_seq;
	uint8_t serial;
};

static void put_number(struct ack_body *body, const struct line *line)
{
	struct record_number n = {line->epoch, line->seq};
	struct wr w = wr_of(body->bytes, sizeof body->bytes);
	put_ack(&w, &n, 1);
	body->n = w.n;
}

static void play(struct ledger *l, const struct line *line)
{
	tern_trace t = {.kind = TERN_TRACE_SENT,
			.content_type = CONTENT_HANDSHAKE,
			.message_type = line->type,
			.retransmission = true,
			.epoch = line->epoch,
			.record_seq = line->seq,
			.message_seq = line->message_seq,
			.fragment_offset = line->offset,
			.fragment_len = line->len};
	if (line->act == RECEIVE || line->act == RECEIVE_ACK)
		t.kind = TERN_TRACE_RECEIVED;
	if (line->act == DROP || line->act == DROP_OLD) {
		t.kind = TERN_TRACE_DROPPED;
		t.drop = line->act == DROP ? TERN_DROP_BUDGET : TERN_DROP_OLD_MESSAGE;
	}
	if (line->act == SEND_ACK || line->act == RECEIVE_ACK) {
		put_number(line->act == SEND_ACK ? &l->inv->acked : &l->inv->opened, line);
		t.content_type = CONTENT_ACK;
		t.epoch = 3;
		t.record_seq = 1000;
	}
	if (line->act == NEW_KEYS) {
		t.kind = TERN_TRACE_KEYS;
		t.writing = true;
	}
	ledger_trace(l, line->serial, &t);
}

static void test_ledger(void **state)
{
	static const struct {
		const char *name;
		struct line lines[8];
		const char *says;
	} cases[] = {
		{"ACK for what came", {{RECEIVE, .epoch = 2, .seq = 7}, {SEND_ACK, .epoch = 2, .seq = 7}}, ""},
		{"ACK for nothing", {{RECEIVE, .epoch = 2, .seq = 7}, {SEND_ACK, .epoch = 2, .seq = 8}}, "never came"},
		{"ACK for another epoch",
		 {{RECEIVE, .epoch = 2, .seq = 7}, {SEND_ACK, .epoch = 3, .seq = 7}},
		 "never came"},
		{"ACK for what another got",
		 {{RECEIVE, .epoch = 2, .seq = 7, .serial = 1}, {SEND_ACK, .epoch = 2, .seq = 7}},
		 "never came"},
		{"ACK for what was dropped",
		 {{RECEIVE, .epoch = 2, .seq = 7}, {DROP, .epoch = 2, .seq = 7}, {SEND_ACK, .epoch = 2, .seq = 7}},
		 "which it dropped"},
		{"ACK for a message that came before",
		 {{RECEIVE, .epoch = 2, .seq = 7}, {DROP_OLD, .epoch = 2, .seq = 7}, {SEND_ACK, .epoch = 2, .seq = 7}},
		 ""},
		{"ACK for plaintext that came again",
		 {{RECEIVE, .seq = 7}, {DROP, .seq = 7}, {RECEIVE, .seq = 7}, {SEND_ACK, .seq = 7}},
		 ""},
		{"ACK for plaintext under whose number something else came",
		 {{RECEIVE, .seq = 7}, {RECEIVE, .seq = 7}, {DROP, .seq = 7}, {SEND_ACK, .seq = 7}},
		 ""},
		{"ACK for plaintext under whose number something unreadable came",
		 {{RECEIVE, .seq = 7},
		  {DROP, .seq = 7},
		  {RECEIVE, .seq = 7},
		  {RECEIVE, .seq = 8},
		  {DROP, .seq = 7},
		  {SEND_ACK, .seq = 7}},
		 ""},
		{"ACK for plaintext that was dropped twice",
		 {{RECEIVE, .seq = 7}, {DROP, .seq = 7}, {RECEIVE, .seq = 7}, {DROP, .seq = 7}, {SEND_ACK, .seq = 7}},
		 "which it dropped"},
		{"sent again", {{SEND, FINISHED, 2, 1, 0, 10, 4, 0}, {SEND, FINISHED, 2, 2, 0, 10, 4, 0}}, ""},
		{"sent again after its ACK",
		 {{SEND, FINISHED, 2, 1, 0, 10, 4, 0},
		  {RECEIVE_ACK, .epoch = 2, .seq = 1},
		  {SEND, FINISHED, 2, 2, 0, 10, 4, 0}},
		 "sent message 4 again"},
		{"a byte of it sent again",
		 {{SEND, FINISHED, 2, 1, 0, 10, 4, 0},
		  {RECEIVE_ACK, .epoch = 2, .seq = 1},
		  {SEND, FINISHED, 2, 2, 9, 10, 4, 0}},
		 "sent message 4 again"},
		{"the rest sent again",
		 {{SEND, FINISHED, 2, 1, 0, 10, 4, 0},
		  {RECEIVE_ACK, .epoch = 2, .seq = 1},
		  {SEND, FINISHED, 2, 2, 10, 10, 4, 0}},
		 ""},
		{"another message sent again",
		 {{SEND, FINISHED, 2, 1, 0, 10, 4, 0},
		  {RECEIVE_ACK, .epoch = 2, .seq = 1},
		  {SEND, FINISHED, 2, 2, 0, 10, 5, 0}},
		 ""},
		{"the ACK was another's",
		 {{SEND, FINISHED, 2, 1, 0, 10, 4, 0},
		  {RECEIVE_ACK, .epoch = 2, .seq = 1, .serial = 1},
		  {SEND, FINISHED, 2, 2, 0, 10, 4, 0}},
		 ""},
		{"a hello sent again after its ACK",
		 {{SEND, CLIENT_HELLO, 0, 1, 0, 10, 0, 0},
		  {RECEIVE_ACK, .epoch = 0, .seq = 1},
		  {SEND, CLIENT_HELLO, 0, 2, 0, 10, 0, 0}},
		 ""},
		{"its ACK came too late",
		 {{SEND, FINISHED, 2, 1, 0, 10, 4, 0},
		  {SEND, FINISHED, 2, 2, 0, 10, 4, 0},
		  {SEND, FINISHED, 2, 3, 0, 10, 4, 0},
		  {SEND, FINISHED, 2, 4, 0, 10, 4, 0},
		  {RECEIVE_ACK, .epoch = 2, .seq = 1},
		  {SEND, FINISHED, 2, 5, 0, 10, 4, 0}},
		 ""},
		{"new keys",
		 {{SEND, KEY_UPDATE, 3, 1, 0, 1, 4, 0}, {RECEIVE_ACK, .epoch = 3, .seq = 1}, {NEW_KEYS, .epoch = 4}},
		 ""},
		{"new keys without ACK",
		 {{SEND, KEY_UPDATE, 3, 1, 0, 1, 4, 0}, {NEW_KEYS, .epoch = 4}},
		 "no KeyUpdate"},
		{"new keys by the ACK of before",
		 {{SEND, KEY_UPDATE, 3, 1, 0, 1, 4, 0}, {RECEIVE_ACK, .epoch = 3, .seq = 1}, {NEW_KEYS, .epoch = 5}},
		 "no KeyUpdate"},
	};
	static struct invariants inv;
	static struct ledger ledger;
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		invariants_start(&inv);
		ledger_start(&ledger, &inv);
		for (const struct line *line = cases[i].lines; line->act != END; line++)
			play(&ledger, line);
		if (inv.failed != (cases[i].says[0] != 0) || !strstr(inv.what, cases[i].says))
			fail_msg("%s: \"%s\"", cases[i].name, inv.what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ledger),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
