/* src/flight/flight.c: acknowledgements of DTLS 1.3. RFC 9147 5.8.1, 7.2. */
#include "flight/flight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "pcg.h"
#include "unit/layers.h"

#define MS UINT64_C(1000000)
#define SENT_MAX 20000

struct fixture {
	struct layers l;
	struct arena arena;
	struct flight f;
	tern_time now;
	tern_trace sent[SENT_MAX]; /* every record, in order */
	size_t num_sent, start; /* of the last transmission */
	size_t timeouts;
	char layout[4000]; /* of the last transmission: message_seq:offset+length per record, | between datagrams */
};

static struct fixture x;
static uint8_t pattern[20000];

static void note(void *user, const tern_conn *conn, const tern_trace *event)
{
	(void)user;
	(void)conn;
	x.timeouts += event->kind == TERN_TRACE_TIMEOUT;
	if (event->kind != TERN_TRACE_SENT)
		return;
	assert_true(x.num_sent < SENT_MAX);
	x.sent[x.num_sent++] = *event;
}

static void set_up(uint16_t mtu, size_t arena_cap)
{
	const tern_timers timers = {.first_ns = 1000 * MS, .cap_ns = 60000 * MS, .max_tries = 6, .no_jitter = true};
	memset(&x, 0, sizeof x);
	layers_open(&x.l, &provider_stub, 64);
	layers_use13(&x.l);
	layers_key(&x.l, 2, AEAD_AES_128_GCM);
	arena_init(&x.arena, &heap_default, NULL, 0, arena_cap);
	x.now.mono_ns = 5000 * MS;
	flight_init(&x.f, &x.arena, &timers, mtu, (struct tracer){note, &x, NULL});
	x.f.remembers = true;
}

static void tear_down(void)
{
	arena_free(&x.arena);
	layers_close(&x.l);
}

struct row {
	uint16_t epoch;
	size_t n;
};

static void send_rows(const struct row *rows, size_t num)
{
	for (size_t i = 0; i < num; i++) {
		struct outgoing m = {CONTENT_HANDSHAKE, CERTIFICATE, (uint16_t)i, rows[i].epoch,
				     span_of(pattern, rows[i].n)};
		assert_int_equal(flight_add(&x.f, &m), TERN_OK);
	}
	assert_int_equal(flight_send(&x.f, true), TERN_OK);
}

static size_t take_one(void)
{
	static uint8_t bytes[65535];
	size_t len, from = x.num_sent, at = strlen(x.layout);
	assert_int_equal(flight_take(&x.f, &x.l.a, bytes, sizeof bytes, &len, 0, x.now), TERN_OK);
	assert_true(len <= x.f.mtu);
	assert_int_equal(len > 0, x.num_sent > from);
	for (size_t i = from; i < x.num_sent; i++) {
		const tern_trace *e = &x.sent[i];
		at += (size_t)snprintf(x.layout + at, sizeof x.layout - at, "%s%u:%u+%u ", i == from && at ? "| " : "",
				       e->message_seq, e->fragment_offset, e->fragment_len);
		assert_true(at < sizeof x.layout);
	}
	return len;
}

static void begin(void)
{
	x.layout[0] = 0;
	x.start = x.num_sent;
}

static void take_all(void)
{
	begin();
	for (size_t i = 0; flight_sends(&x.f); i++) {
		assert_true(i < 2000);
		assert_true(take_one() > 0);
	}
	assert_int_equal(x.f.state, FLIGHT_WAITING);
}

/* The record, counted from the first one ever sent. */
static void acked(size_t index)
{
	flight_acked(&x.f, x.sent[index].epoch, x.sent[index].record_seq, x.now);
}

static void expect_layout(const char *name, const char *layout)
{
	if (strcmp(x.layout, layout) != 0)
		fail_msg("%s: %s", name, x.layout);
}

static void expire(void)
{
	x.now.mono_ns = flight_deadline(&x.f);
	assert_int_equal(flight_tick(&x.f, x.now), TERN_OK);
	assert_true(flight_sends(&x.f));
}

static const struct row server[] = {{0, 90}, {2, 600}, {2, 0}, {2, 36}};

#define ROWS(rows) rows, sizeof rows / sizeof rows[0]

static void partly(void **state)
{
	static const struct {
		const char *name;
		const char *acked; /* one digit for each record */
	} cases[] = {
		{"the first", "0"},
		{"a fragment", "1"},
		{"the other fragment", "2"},
		{"both fragments", "12"},
		{"the empty message", "3"},
		{"the last", "4"},
		{"all but one", "0234"},
		{"all but the empty message", "4210"},
		{"out of order and twice", "43034"},
		{"everything", "01234"},
		{"everything, backwards", "43210"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char want[500] = "", got[500] = "";
		size_t num = 5, left = 0;
		set_up(400, 65536);
		send_rows(ROWS(server));
		take_all();
		expect_layout(cases[i].name, "0:0+90 1:0+251 | 1:251+349 | 2:0+0 3:0+36 ");
		x.now.mono_ns += 10 * MS;
		for (const char *p = cases[i].acked; *p; p++)
			acked((size_t)(*p - '0'));
		assert_false(flight_sends(&x.f));
		flight_acks_end(&x.f, x.now);
		for (size_t k = 0; k < num; k++)
			left += !strchr(cases[i].acked, '0' + (int)k);
		assert_int_equal(flight_sends(&x.f), left > 0);
		assert_int_equal(x.f.state, left ? FLIGHT_SENDING : FLIGHT_FINISHED);
		if (left)
			take_all();
		assert_int_equal(flight_deadline(&x.f), left ? x.now.mono_ns + 1000 * MS : TERN_NEVER);
		assert_int_equal(x.f.retransmissions, left > 0);
		/* The same pieces, without those that are acknowledged. */
		for (size_t k = 0; k < num; k++) {
			const tern_trace *e = &x.sent[k];
			if (!strchr(cases[i].acked, '0' + (int)k))
				sprintf(want + strlen(want), "%u:%u+%u ", e->message_seq, e->fragment_offset,
					e->fragment_len);
		}
		for (size_t k = num; k < x.num_sent; k++) {
			const tern_trace *e = &x.sent[k];
			assert_true(e->retransmission);
			sprintf(got + strlen(got), "%u:%u+%u ", e->message_seq, e->fragment_offset, e->fragment_len);
		}
		if (strcmp(want, got) != 0)
			fail_msg("%s: %s instead of %s", cases[i].name, got, want);
		tear_down();
	}
}

/* What is left of several datagrams fits one. */
static void repacked(void **state)
{
	static const struct row rows[] = {{2, 300}, {2, 50}, {2, 300}, {2, 50}, {2, 300}, {2, 50}};
	(void)state;
	set_up(400, 65536);
	send_rows(ROWS(rows));
	take_all();
	for (size_t i = 0; i < x.num_sent; i++) {
		if (x.sent[i].fragment_len >= 200)
			acked(i);
	}
	flight_acks_end(&x.f, x.now);
	take_all();
	assert_null(strchr(x.layout, '|'));
	assert_true(x.num_sent - x.start >= 3);
	tear_down();
}

static void finished(void **state)
{
	static const struct {
		const char *name;
		bool again;
		uint64_t want_ms;
	} cases[] = {{"sent once", false, 80}, {"sent twice", true, 0}};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		set_up(400, 65536);
		send_rows(ROWS(server));
		take_all();
		if (cases[i].again) {
			expire();
			take_all();
		}
		x.now.mono_ns += 80 * MS;
		for (size_t k = 0; k < 5; k++)
			acked(k);
		flight_acks_end(&x.f, x.now);
		assert_int_equal(x.f.state, FLIGHT_FINISHED);
		assert_int_equal(flight_deadline(&x.f), TERN_NEVER);
		if (x.f.rto.rtt_ns != cases[i].want_ms * MS)
			fail_msg("%s: %llu", cases[i].name, (unsigned long long)x.f.rto.rtt_ns);
		/* Nothing brings it back. */
		x.now.mono_ns += 100000 * MS;
		flight_repeat(&x.f, 0, x.now);
		assert_int_equal(flight_tick(&x.f, x.now), TERN_OK);
		acked(0);
		flight_acks_end(&x.f, x.now);
		flight_acks_end(&x.f, x.now);
		assert_int_equal(x.f.state, FLIGHT_FINISHED);
		/* The answer is no second round trip. */
		flight_answered(&x.f, 0, x.now);
		assert_int_equal(x.f.state, FLIGHT_PREPARING);
		assert_int_equal(x.f.rto.rtt_ns, cases[i].want_ms * MS);
		tear_down();
	}
}

/* An ACK of what an earlier transmission brought says nothing of the last one, which is still under way. */
static void older_transmission(void **state)
{
	(void)state;
	set_up(400, 65536);
	send_rows(ROWS(server));
	take_all();
	expire();
	take_all();
	acked(0);
	flight_acks_end(&x.f, x.now);
	assert_false(flight_sends(&x.f));
	x.now.mono_ns += 500 * MS - 1;
	acked(1);
	flight_acks_end(&x.f, x.now);
	assert_false(flight_sends(&x.f));
	x.now.mono_ns += 1;
	acked(2);
	flight_acks_end(&x.f, x.now);
	assert_true(flight_sends(&x.f));
	take_all();
	expect_layout("third", "2:0+0 3:0+36 ");
	/* Any transmission's number will do. */
	acked(3);
	acked(9);
	flight_acks_end(&x.f, x.now);
	assert_int_equal(x.f.state, FLIGHT_FINISHED);
	tear_down();
}

static void four_transmissions_are_known(void **state)
{
	size_t starts[6];
	(void)state;
	set_up(400, 65536);
	x.f.max_tries = 20;
	send_rows(ROWS(server));
	for (size_t i = 0; i < 6; i++) {
		take_all();
		assert_int_equal(x.num_sent - x.start, 5);
		starts[i] = x.start;
		if (i < 5) {
			x.now.mono_ns += 100000 * MS;
			flight_repeat(&x.f, 0, x.now);
		}
	}
	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < 5; k++)
			acked(starts[i] + k);
	}
	x.now.mono_ns += 900 * MS;
	flight_acks_end(&x.f, x.now);
	assert_false(flight_sends(&x.f));
	for (size_t k = 0; k < 5; k++)
		acked(starts[2 + k % 4] + k);
	flight_acks_end(&x.f, x.now);
	assert_int_equal(x.f.state, FLIGHT_FINISHED);
	tear_down();
}

/* When the table grows for a longer plan, what it had forgotten stays forgotten. */
static void forgotten_is_forgotten(void **state)
{
	static const struct row rows[] = {{0, 600}};
	(void)state;
	set_up(1200, 65536);
	send_rows(ROWS(rows));
	for (size_t i = 0; i < 6; i++) {
		take_all();
		x.now.mono_ns += 100000 * MS;
		flight_repeat(&x.f, 0, x.now);
	}
	flight_set_mtu(&x.f, 200);
	take_all();
	assert_int_equal(x.num_sent - x.start, 4);
	x.now.mono_ns += 900 * MS;
	acked(0);
	acked(1);
	flight_acks_end(&x.f, x.now);
	assert_int_equal(x.f.state, FLIGHT_WAITING);
	acked(2);
	flight_acks_end(&x.f, x.now);
	assert_int_equal(x.f.state, FLIGHT_FINISHED);
	tear_down();
}

static void after_mtu_change(void **state)
{
	static const struct row rows[] = {{2, 600}};
	static const struct {
		const char *name;
		uint16_t mtu, then;
		const char *before; /* records of the first transmission acknowledged before the MTU changes, */
		const char *after; /* and after the second one */
		const char *second, *third; /* layouts */
	} cases[] = {
		{"smaller", 400, 200, "", "", "0:0+166 | 0:166+166 | 0:332+166 | 0:498+102 ", NULL},
		{"smaller, the first known", 400, 200, "0", "", "0:366+166 | 0:532+68 ", NULL},
		{"smaller, the last known", 400, 200, "1", "", "0:0+166 | 0:166+166 | 0:332+34 ", NULL},
		{"smaller, the first known later", 400, 200, "", "0", "0:0+166 | 0:166+166 | 0:332+166 | 0:498+102 ",
		 "0:366+132 | 0:498+102 "},
		{"smaller, the last known later", 400, 200, "", "1", "0:0+166 | 0:166+166 | 0:332+166 | 0:498+102 ",
		 "0:0+166 | 0:166+166 | 0:332+34 "},
		{"larger", 200, 1200, "", "", "0:0+600 ", NULL},
		{"larger, the middle known", 200, 1200, "12", "", "0:0+166 0:498+102 ", NULL},
		{"larger, the middle known later", 200, 1200, "", "12", "0:0+600 ", "0:0+166 0:498+102 "},
		{"larger, pieces known later", 200, 1200, "", "13", "0:0+600 ", "0:0+166 0:332+166 "},
		{"larger, some known before and others later", 200, 1200, "0", "2", "0:166+434 ",
		 "0:166+166 0:498+102 "},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		set_up(cases[i].mtu, 65536);
		send_rows(ROWS(rows));
		take_all();
		for (const char *p = cases[i].before; *p; p++)
			acked((size_t)(*p - '0'));
		flight_acks_end(&x.f, x.now);
		flight_set_mtu(&x.f, cases[i].then);
		if (!flight_sends(&x.f))
			expire();
		take_all();
		expect_layout(cases[i].name, cases[i].second);
		for (const char *p = cases[i].after; *p; p++)
			acked((size_t)(*p - '0'));
		flight_acks_end(&x.f, x.now);
		expire();
		take_all();
		expect_layout(cases[i].name, cases[i].third ? cases[i].third : cases[i].second);
		for (size_t k = x.start; k < x.num_sent; k++)
			acked(k);
		flight_acks_end(&x.f, x.now);
		assert_int_equal(x.f.state, FLIGHT_FINISHED);
		tear_down();
	}
}

/* Loss alone lowers the MTU; acknowledgements neither hasten nor put off the end. */
static void lost_everything(void **state)
{
	static const struct row rows[] = {{2, 3000}};
	(void)state;
	set_up(1200, 65536);
	send_rows(ROWS(rows));
	take_all();
	for (size_t i = 1; i < 6; i++) {
		expire();
		take_all();
	}
	assert_true(x.f.mtu < 1200);
	acked(x.start);
	flight_acks_end(&x.f, x.now);
	take_all();
	assert_int_equal(x.f.rto.fired, 5);
	x.now.mono_ns = flight_deadline(&x.f);
	assert_int_equal(flight_tick(&x.f, x.now), TERN_ERROR_TIMEOUT);
	tear_down();
}

/* What is left of a flight of long datagrams may be short: no reason to suspect the MTU. */
static void short_rest(void **state)
{
	static const struct row rows[] = {{2, 1000}, {2, 1000}, {2, 36}};
	(void)state;
	set_up(1200, 65536);
	send_rows(ROWS(rows));
	take_all();
	for (size_t i = 0; i + 1 < x.num_sent; i++)
		acked(i);
	flight_acks_end(&x.f, x.now);
	take_all();
	for (size_t i = 1; i < 6; i++) {
		expire();
		take_all();
	}
	expect_layout("rest", "2:0+36 ");
	assert_int_equal(x.f.mtu, 1200);
	tear_down();
}

static void ignored(void **state)
{
	(void)state;
	set_up(400, 65536);
	/* Before anything is sent. */
	flight_acked(&x.f, 0, 0, x.now);
	flight_acks_end(&x.f, x.now);
	flight_acks_end(&x.f, x.now);
	assert_int_equal(x.f.state, FLIGHT_PREPARING);
	send_rows(ROWS(server));
	flight_acked(&x.f, 0, 0, x.now);
	flight_acks_end(&x.f, x.now);
	take_all();
	flight_answered(&x.f, 0, x.now);
	/* Another flight: the numbers of the one before are not its own. */
	send_rows(ROWS(server));
	take_all();
	x.now.mono_ns += 900 * MS;
	for (size_t i = 0; i < 5; i++)
		acked(i);
	for (uint64_t seq = 0; seq < 100; seq++) {
		flight_acked(&x.f, 1, seq, x.now);
		flight_acked(&x.f, 3, seq, x.now);
		flight_acked(&x.f, 2, x.sent[9].record_seq + 1 + seq, x.now);
	}
	flight_acked(&x.f, 2, UINT64_MAX, x.now);
	flight_acked(&x.f, UINT16_MAX, 0, x.now);
	flight_acks_end(&x.f, x.now);
	assert_false(flight_sends(&x.f));
	expire();
	take_all();
	assert_int_equal(x.num_sent - x.start, 5);
	tear_down();
}

/* Numbers told before, or none: the rest goes out at most four times a timeout, and the tries are not used up. */
static void storms(void **state)
{
	static const struct {
		const char *name;
		bool empty;
		size_t most;
	} cases[] = {{"duplicates", false, 1}, {"empty", true, 1 + 40}};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		set_up(400, 65536);
		send_rows(ROWS(server));
		take_all();
		for (size_t k = 0; k < 10000; k++) {
			x.now.mono_ns += MS;
			if (!cases[i].empty)
				acked(0);
			flight_acks_end(&x.f, x.now);
			if (flight_sends(&x.f))
				take_all();
			/* The timer is no part of this. */
			x.f.deadline_ns = TERN_NEVER;
		}
		if (x.f.retransmissions > cases[i].most || x.f.retransmissions < cases[i].most - 1)
			fail_msg("%s: %u", cases[i].name, x.f.retransmissions);
		assert_int_equal(x.f.rto.fired, 0);
		tear_down();
	}
}

/* A flight of many datagrams, each acknowledged by itself as it arrives. */
static void one_by_one(void **state)
{
	static const struct row rows[] = {{2, 15000}};
	size_t num;
	(void)state;
	set_up(200, 65536);
	send_rows(ROWS(rows));
	take_all();
	num = x.num_sent;
	assert_true(num > 80);
	for (size_t k = 0; k < num; k++) {
		acked(k);
		flight_acks_end(&x.f, x.now);
		if (flight_sends(&x.f))
			take_all();
	}
	assert_int_equal(x.f.state, FLIGHT_FINISHED);
	assert_int_equal(x.f.retransmissions, 1);
	tear_down();
}

static void while_sending(void **state)
{
	(void)state;
	set_up(400, 65536);
	send_rows(ROWS(server));
	take_all();
	expire();
	/* What is still to come is left out; what went out already is not begun again. */
	begin();
	assert_true(take_one() > 0);
	acked(2);
	acked(4);
	flight_acks_end(&x.f, x.now);
	assert_true(flight_sends(&x.f));
	assert_true(take_one() > 0);
	assert_int_equal(x.f.state, FLIGHT_WAITING);
	assert_int_equal(x.num_sent - x.start, 3);
	assert_int_equal(x.sent[x.num_sent - 1].message_seq, 2);
	/* All that is still to come is acknowledged: the transmission is over. */
	expire();
	begin();
	flight_set_mtu(&x.f, 200);
	assert_true(take_one() > 0);
	acked(1);
	acked(3);
	flight_acks_end(&x.f, x.now);
	assert_int_equal(x.f.state, FLIGHT_WAITING);
	assert_int_equal(flight_deadline(&x.f), x.now.mono_ns + 4000 * MS);
	/* And so is the flight. */
	expire();
	acked(0);
	flight_acks_end(&x.f, x.now);
	assert_int_equal(x.f.state, FLIGHT_FINISHED);
	assert_int_equal(flight_deadline(&x.f), TERN_NEVER);
	assert_int_equal(x.f.rto.rtt_ns, 0);
	tear_down();
}

/* DTLS 1.2 pays nothing for it. */
static void not_remembering(void **state)
{
	size_t used;
	(void)state;
	set_up(400, 65536);
	x.f.remembers = false;
	send_rows(ROWS(server));
	take_all();
	assert_null(x.f.sent);
	used = x.arena.used - x.arena.left;
	x.now.mono_ns += 900 * MS;
	acked(0);
	flight_acks_end(&x.f, x.now);
	flight_acks_end(&x.f, x.now);
	assert_int_equal(x.f.state, FLIGHT_WAITING);
	/* The version is known now: what is sent from here on is recognized. */
	x.f.remembers = true;
	expire();
	take_all();
	assert_true(x.arena.used - x.arena.left > used);
	acked(0);
	flight_acks_end(&x.f, x.now);
	assert_false(flight_sends(&x.f));
	acked(x.start);
	flight_acks_end(&x.f, x.now);
	assert_true(flight_sends(&x.f));
	take_all();
	assert_int_equal(x.num_sent - x.start, 4);
	tear_down();
}

static void memory_runs_out(void **state)
{
	static const struct row rows[] = {{2, 15000}};
	uint8_t bytes[200];
	size_t len;
	(void)state;
	/* Room for the plan of 91 pieces, not for 364 records. */
	set_up(200, 4096);
	send_rows(ROWS(rows));
	assert_int_equal(flight_take(&x.f, &x.l.a, bytes, sizeof bytes, &len, 0, x.now), TERN_ERROR_BUDGET);
	assert_int_equal(len, 0);
	x.arena.cap = 65536;
	take_all();
	/* No room to split a piece: it stays whole, and is sent so. */
	flight_set_mtu(&x.f, 16400);
	x.f.mtu = 16400;
	expire();
	take_all();
	expect_layout("one", "0:0+15000 ");
	x.f.cap_planned = 1;
	x.arena.cap = 0;
	x.arena.left = 0;
	acked(5);
	flight_acks_end(&x.f, x.now);
	expire();
	take_all();
	expect_layout("stays whole", "0:0+15000 ");
	/* With memory it does not. */
	x.arena.cap = 1000000;
	x.now.mono_ns += 1000 * MS;
	acked(5);
	flight_acks_end(&x.f, x.now);
	take_all();
	expect_layout("split", "0:0+830 0:996+14004 ");
	tear_down();
}

/* ---- against a naive model: which bytes of which message the peer has */

#define MODEL_MESSAGES 6
#define MODEL_BYTES 3000

struct model {
	struct row rows[MODEL_MESSAGES];
	size_t num, seen; /* records looked at so far */
	bool has[MODEL_MESSAGES][MODEL_BYTES + 1]; /* one more byte for each: messages without bytes count too */
	uint32_t stamp[MODEL_MESSAGES][MODEL_BYTES + 1]; /* the transmission that carried it last */
	uint32_t transmission;
};

static struct model model;

/* Whether the byte belongs to what the record carried; an empty message is its byte 0. */
static size_t span_end(const tern_trace *e)
{
	return e->fragment_offset + (e->message_len ? e->fragment_len : 1);
}

static void model_look(void)
{
	for (; model.seen < x.num_sent; model.seen++) {
		const tern_trace *e = &x.sent[model.seen];
		for (size_t k = e->fragment_offset; k < span_end(e); k++) {
			if (model.has[e->message_seq][k])
				fail_msg("byte %zu of message %u is sent again: %s", k, e->message_seq, x.layout);
			model.stamp[e->message_seq][k] = model.transmission;
		}
	}
}

static bool model_complete(void)
{
	bool all = true;
	for (size_t i = 0; i < model.num; i++) {
		for (size_t k = 0; k < (model.rows[i].n ? model.rows[i].n : 1); k++)
			all &= model.has[i][k];
	}
	return all;
}

static void model_check(void)
{
	bool finished = x.f.state == FLIGHT_FINISHED;
	assert_int_equal(finished, model_complete());
	assert_int_equal(flight_deadline(&x.f) != TERN_NEVER, x.f.state == FLIGHT_WAITING);
	if (x.f.state != FLIGHT_WAITING)
		return;
	for (size_t i = 0; i < model.num; i++) {
		for (size_t k = 0; k < (model.rows[i].n ? model.rows[i].n : 1); k++) {
			if (!model.has[i][k] && model.stamp[i][k] != model.transmission)
				fail_msg("byte %zu of message %zu is left out: %s", k, i, x.layout);
		}
	}
}

static void model_ack(struct pcg *r, size_t num)
{
	for (size_t i = 0; i < num; i++) {
		size_t index = x.num_sent - 1 - pcg_below(r, x.f.num_known);
		const tern_trace *e = &x.sent[index];
		for (size_t k = e->fragment_offset; k < span_end(e); k++)
			model.has[e->message_seq][k] = true;
		acked(index);
	}
	flight_acks_end(&x.f, x.now);
}

static void model_step(struct pcg *r)
{
	enum flight_state before = x.f.state;
	x.layout[0] = 0;
	switch (pcg_below(r, 8)) {
	case 0:
		if (x.num_sent)
			model_ack(r, 1 + pcg_below(r, 4));
		break;
	case 1:
		flight_acked(&x.f, (uint16_t)pcg_below(r, 4), UINT64_C(1) << (20 + pcg_below(r, 44)), x.now);
		flight_acks_end(&x.f, x.now);
		break;
	case 2:
		flight_acks_end(&x.f, x.now);
		break;
	case 3:
		flight_set_mtu(&x.f, (uint16_t)(96 + pcg_below(r, pcg_below(r, 2) ? 200 : 1300)));
		break;
	case 4:
		x.now.mono_ns += pcg_below(r, 1000) * MS;
		assert_int_equal(flight_tick(&x.f, x.now), TERN_OK);
		break;
	case 5:
		flight_repeat(&x.f, 0, x.now);
		break;
	default:
		if (flight_sends(&x.f))
			assert_true(take_one() > 0);
	}
	if (before == FLIGHT_WAITING && x.f.state == FLIGHT_SENDING)
		model.transmission++;
	model_look();
	model_check();
}

static void against_the_model(void **state)
{
	struct pcg r = {.state = 20};
	(void)state;
	for (size_t round = 0; round < 400; round++) {
		size_t steps = pcg_below(&r, 150);
		memset(&model, 0, sizeof model);
		model.transmission = 1;
		set_up((uint16_t)(96 + pcg_below(&r, 1300)), 4000000);
		x.f.max_tries = 100000;
		x.f.rto.cap_ns = 1000 * MS;
		model.num = 1 + pcg_below(&r, MODEL_MESSAGES);
		for (size_t i = 0; i < model.num; i++) {
			size_t most = pcg_below(&r, 3) ? 300 : MODEL_BYTES;
			model.rows[i].epoch = pcg_below(&r, 3) ? 2 : 0;
			model.rows[i].n = pcg_below(&r, 6) ? pcg_below(&r, (uint32_t)most) : 0;
		}
		send_rows(model.rows, model.num);
		for (size_t i = 0; i < steps; i++)
			model_step(&r);
		/* From here on half of everything arrives, and the flight comes to its end. */
		for (size_t i = 0; x.f.state != FLIGHT_FINISHED; i++) {
			assert_true(i < 3000);
			x.layout[0] = 0;
			if (flight_sends(&x.f)) {
				assert_true(take_one() > 0);
			} else {
				x.now.mono_ns = flight_deadline(&x.f);
				model_ack(&r, 1 + (x.f.cap_sent < 100 ? 0 : x.f.cap_sent / 50));
				assert_int_equal(flight_tick(&x.f, x.now), TERN_OK);
				model.transmission += x.f.state == FLIGHT_SENDING;
			}
			model_look();
			model_check();
		}
		tear_down();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(partly),
		cmocka_unit_test(repacked),
		cmocka_unit_test(finished),
		cmocka_unit_test(older_transmission),
		cmocka_unit_test(four_transmissions_are_known),
		cmocka_unit_test(forgotten_is_forgotten),
		cmocka_unit_test(after_mtu_change),
		cmocka_unit_test(lost_everything),
		cmocka_unit_test(short_rest),
		cmocka_unit_test(ignored),
		cmocka_unit_test(storms),
		cmocka_unit_test(one_by_one),
		cmocka_unit_test(while_sending),
		cmocka_unit_test(not_remembering),
		cmocka_unit_test(memory_runs_out),
		cmocka_unit_test(against_the_model),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
