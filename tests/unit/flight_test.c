/* src/flight/flight.c, src/flight/plan.c. RFC 6347 4.1.1, 4.1.1.1, 4.2.3, RFC 9147 4.3, 4.4, 5.5, 5.8.2. */
#include "flight/flight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "flight/inbox.h"
#include "unit/layers.h"

#define MS UINT64_C(1000000)
#define EVENTS_MAX 2000

struct fixture {
	struct layers l;
	struct arena arena;
	struct flight f;
	tern_time now;
	tern_trace events[EVENTS_MAX];
	size_t num_events;
	char layout[2000]; /* of the last transmission: type:offset+length per record, | between datagrams */
	size_t longest; /* datagram of it */
};

static struct fixture x;

static void note(void *user, const tern_conn *conn, const tern_trace *event)
{
	(void)conn;
	assert_ptr_equal(user, &x);
	assert_true(x.num_events < EVENTS_MAX);
	x.events[x.num_events++] = *event;
}

static uint8_t pattern[70000];

static void set_up(uint16_t mtu, size_t arena_cap)
{
	const tern_timers timers = {.first_ns = 1000 * MS, .cap_ns = 60000 * MS, .max_tries = 4, .no_jitter = true};
	memset(&x, 0, sizeof x);
	for (size_t i = 0; i < sizeof pattern; i++)
		pattern[i] = (uint8_t)(i * 11 + i / 256);
	layers_open(&x.l, &provider_stub, 64);
	layers_key(&x.l, 1, AEAD_AES_128_GCM);
	arena_init(&x.arena, &heap_default, NULL, 0, arena_cap);
	x.now.mono_ns = 5000 * MS;
	flight_init(&x.f, &x.arena, &timers, mtu, (struct tracer){note, &x, NULL});
}

static void tear_down(void)
{
	arena_free(&x.arena);
	layers_close(&x.l);
}

struct row {
	uint8_t type; /* 0: ChangeCipherSpec */
	uint16_t epoch;
	size_t n;
};

static void add(const struct row *rows, size_t num)
{
	uint16_t seq = 0;
	for (size_t i = 0; i < num; i++) {
		struct outgoing m = {CONTENT_HANDSHAKE, rows[i].type, 0, rows[i].epoch,
				     span_of(pattern + i, rows[i].n)};
		if (rows[i].type == 0)
			m.content_type = CONTENT_CHANGE_CIPHER_SPEC;
		else
			m.message_seq = seq++;
		assert_int_equal(flight_add(&x.f, &m), TERN_OK);
	}
}

/* One datagram; its records are noted in the layout and its bytes given to in, which may be NULL. */
static size_t take_one(struct inbox *in)
{
	static uint8_t bytes[65535];
	struct datagram d = {bytes, 0};
	struct record r;
	size_t at = strlen(x.layout), len;
	assert_int_equal(flight_take(&x.f, &x.l.a, bytes, sizeof bytes, &len, 0, x.now), TERN_OK);
	assert_true(len <= x.f.mtu);
	d.n = len;
	x.longest = len > x.longest ? len : x.longest;
	if (len && at)
		at += (size_t)snprintf(x.layout + at, sizeof x.layout - at, "| ");
	while (record_next(&x.l.b, &d, &r)) {
		struct rd rd = rd_of(span_of(r.p, r.n));
		struct fragment f;
		assert_int_equal(r.drop, TERN_DROP_NONE);
		if (r.type == CONTENT_CHANGE_CIPHER_SPEC) {
			at += (size_t)snprintf(x.layout + at, sizeof x.layout - at, "ccs ");
			continue;
		}
		assert_true(get_fragment(&rd, &f) && rd_end(&rd));
		at += (size_t)snprintf(x.layout + at, sizeof x.layout - at, "%u:%u+%zu ", f.type, f.offset, f.body.n);
		assert_true(at < sizeof x.layout);
		if (in)
			assert_int_equal(inbox_put(in, &f, r.epoch), TERN_DROP_NONE);
		if (in)
			assert_int_equal(inbox_keep(in), TERN_OK);
	}
	return len;
}

static void take_all(struct inbox *in)
{
	x.layout[0] = 0;
	x.longest = 0;
	for (size_t i = 0; flight_sends(&x.f); i++) {
		assert_true(i < 2000);
		assert_true(take_one(in) > 0);
	}
	assert_int_equal(take_one(in), 0);
}

static const struct row flight4[] = {{SERVER_HELLO, 0, 90},
				     {CERTIFICATE, 0, 600},
				     {SERVER_KEY_EXCHANGE, 0, 145},
				     {SERVER_HELLO_DONE, 0, 0}};
static const struct row flight5[] = {
	{CERTIFICATE, 0, 300}, {CLIENT_KEY_EXCHANGE, 0, 66}, {CERTIFICATE_VERIFY, 0, 76}, {0, 0, 1}, {FINISHED, 1, 12}};
static const struct row flight6[] = {{NEW_SESSION_TICKET, 0, 170}, {0, 0, 1}, {FINISHED, 1, 12}};

#define ROWS(rows) rows, sizeof rows / sizeof rows[0]

static void layouts(void **state)
{
	static const struct row hello[] = {{CLIENT_HELLO, 0, 200}};
	static const struct row finished[] = {{0, 0, 1}, {FINISHED, 1, 12}};
	static const struct row barely[] = {{SERVER_HELLO, 0, 1119}, {CERTIFICATE, 0, 40}};
	static const struct row not_quite[] = {{SERVER_HELLO, 0, 1118}, {CERTIFICATE, 0, 40}};
	static const struct row whole_small[] = {{SERVER_HELLO, 0, 1125}, {CLIENT_KEY_EXCHANGE, 0, 25}};
	static const struct row long_finished[] = {{NEW_SESSION_TICKET, 0, 1086}, {FINISHED, 1, 48}};
	static const struct row huge[] = {{CERTIFICATE, 0, 20000}};
	static const struct {
		const char *name;
		const struct row *rows;
		size_t num;
		uint16_t mtu;
		const char *layout;
	} cases[] = {
		{"hello", ROWS(hello), 1200, "1:0+200 "},
		{"flight 4 in one", ROWS(flight4), 1200, "2:0+90 11:0+600 12:0+145 14:0+0 "},
		{"flight 4 in three", ROWS(flight4), 400, "2:0+90 11:0+260 | 11:260+340 | 12:0+145 14:0+0 "},
		{"flight 5 in one", ROWS(flight5), 1200, "11:0+300 16:0+66 15:0+76 ccs 20:0+12 "},
		{"flight 6, MTU 256", ROWS(flight6), 256, "4:0+170 ccs | 20:0+12 "},
		{"flight 6, least MTU", ROWS(flight6), 96, "4:0+71 | 4:71+71 | 4:142+28 ccs | 20:0+12 "},
		{"MTU below the least", ROWS(flight6), 10, "4:0+71 | 4:71+71 | 4:142+28 ccs | 20:0+12 "},
		{"change and Finished", ROWS(finished), 96, "ccs 20:0+12 "},
		{"a piece of 31 bytes is not worth it", ROWS(barely), 1200, "2:0+1119 | 11:0+40 "},
		{"a piece of 32 bytes is", ROWS(not_quite), 1200, "2:0+1118 11:0+32 | 11:32+8 "},
		{"a whole message of 25 bytes is", ROWS(whole_small), 1200, "2:0+1125 16:0+25 "},
		{"Finished stays whole", ROWS(long_finished), 1200, "4:0+1086 | 20:0+48 "},
		{"longest record alone", ROWS(huge), 16400, "11:0+16372 | 11:16372+3628 "},
		{"longest record", ROWS(huge), 60000, "11:0+16372 11:16372+3628 "},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		set_up(cases[i].mtu, 65536);
		add(cases[i].rows, cases[i].num);
		assert_int_equal(flight_send(&x.f, true), TERN_OK);
		take_all(NULL);
		if (strcmp(x.layout, cases[i].layout) != 0)
			fail_msg("%s: %s", cases[i].name, x.layout);
		tear_down();
	}
}

static void check_delivered(struct inbox *in, const struct row *rows, size_t num)
{
	for (size_t i = 0; i < num; i++) {
		struct message m;
		if (rows[i].type == 0)
			continue;
		if (!inbox_next(in, &m) || m.type != rows[i].type || m.epoch != rows[i].epoch ||
		    !span_equal(m.body, span_of(pattern + i, rows[i].n)))
			fail_msg("MTU %u, message %zu: %s", x.f.mtu, i, x.layout);
		inbox_done(in);
	}
}

/* Whatever the MTU, everything arrives, a retransmission looks the same, and record numbers are fresh. */
static void every_mtu(void **state)
{
	static const struct {
		const struct row *rows;
		size_t num;
	} flights[] = {{ROWS(flight4)}, {ROWS(flight5)}, {ROWS(flight6)}};
	(void)state;
	for (uint16_t mtu = 96; mtu < 1300; mtu++) {
		for (size_t k = 0; k < 3; k++) {
			char first[sizeof x.layout];
			struct inbox in;
			uint64_t numbers;
			set_up(mtu, 65536);
			add(flights[k].rows, flights[k].num);
			assert_int_equal(flight_send(&x.f, true), TERN_OK);
			inbox_init(&in, &heap_default, 0, 65536, 4096);
			take_all(&in);
			check_delivered(&in, flights[k].rows, flights[k].num);
			inbox_free(&in);
			if (strstr(x.layout, "20:0+") && !strstr(x.layout, "20:0+12 "))
				fail_msg("MTU %u: Finished split: %s", mtu, x.layout);
			strcpy(first, x.layout);
			numbers = x.l.a.plain_seq + x.l.a.out.next_seq;
			x.now.mono_ns = flight_deadline(&x.f);
			assert_int_equal(flight_tick(&x.f, x.now), TERN_OK);
			take_all(NULL);
			assert_string_equal(first, x.layout);
			assert_int_equal(x.l.a.plain_seq + x.l.a.out.next_seq, 2 * numbers);
			tear_down();
		}
	}
}

static size_t count(tern_trace_kind kind)
{
	size_t n = 0;
	for (size_t i = 0; i < x.num_events; i++)
		n += x.events[i].kind == kind;
	return n;
}

static void traces(void **state)
{
	const tern_trace *e = x.events;
	(void)state;
	set_up(400, 65536);
	add(ROWS(flight6));
	assert_int_equal(flight_send(&x.f, true), TERN_OK);
	take_all(NULL);
	assert_int_equal(x.num_events, 4);
	assert_int_equal(e[0].kind, TERN_TRACE_SENT);
	assert_int_equal(e[0].content_type, 22);
	assert_int_equal(e[0].message_type, NEW_SESSION_TICKET);
	assert_int_equal(e[0].message_len, 170);
	assert_int_equal(e[0].fragment_len, 170);
	assert_int_equal(e[0].length, 170 + 25);
	assert_int_equal(e[1].content_type, 20);
	assert_int_equal(e[1].record_seq, 1);
	assert_int_equal(e[1].message_len, 0);
	assert_int_equal(e[2].epoch, 1);
	assert_int_equal(e[2].record_seq, 0);
	assert_int_equal(e[2].message_seq, 1);
	assert_int_equal(e[2].length, 24 + 37);
	assert_false(e[0].retransmission || e[1].retransmission || e[2].retransmission);
	assert_int_equal(e[3].kind, TERN_TRACE_TIMER);
	assert_int_equal(e[3].timeout_ns, 1000 * MS);
	x.now.mono_ns += 1000 * MS;
	assert_int_equal(flight_tick(&x.f, x.now), TERN_OK);
	assert_int_equal(e[4].kind, TERN_TRACE_TIMEOUT);
	take_all(NULL);
	assert_true(e[5].retransmission && e[6].retransmission && e[7].retransmission);
	assert_int_equal(e[8].timeout_ns, 2000 * MS);
	tear_down();
}

static void giving_up(void **state)
{
	uint64_t wait = 1000 * MS;
	(void)state;
	set_up(1200, 65536);
	assert_int_equal(flight_deadline(&x.f), TERN_NEVER);
	add(ROWS(flight4));
	assert_int_equal(flight_deadline(&x.f), TERN_NEVER);
	assert_int_equal(flight_send(&x.f, true), TERN_OK);
	for (size_t i = 0; i < 4; i++, wait *= 2) {
		assert_int_equal(flight_deadline(&x.f), TERN_NEVER);
		take_all(NULL);
		assert_int_equal(x.f.state, FLIGHT_WAITING);
		assert_int_equal(flight_deadline(&x.f), x.now.mono_ns + wait);
		x.now.mono_ns += wait - 1;
		assert_int_equal(flight_tick(&x.f, x.now), TERN_OK);
		assert_false(flight_sends(&x.f));
		x.now.mono_ns += 1;
		assert_int_equal(flight_tick(&x.f, x.now), i < 3 ? TERN_OK : TERN_ERROR_TIMEOUT);
	}
	assert_int_equal(x.f.retransmissions, 3);
	assert_int_equal(count(TERN_TRACE_TIMEOUT), 4);
	tear_down();
}

static void lowering_the_mtu(void **state)
{
	static const struct {
		const char *name;
		uint16_t mtu;
		size_t body;
		uint16_t want[4]; /* after so many timeouts */
	} cases[] = {
		{"default", 1200, 3000, {1200, 1200, 600, 300}},
		{"to the floor", 700, 3000, {700, 700, 350, 256}},
		{"at the floor", 256, 3000, {256, 256, 256, 256}},
		{"below the floor", 250, 3000, {250, 250, 125, 96}},
		{"small datagrams are not the trouble", 1200, 200, {1200, 1200, 1200, 1200}},
		{"datagrams just at the floor", 1200, 231, {1200, 1200, 1200, 1200}},
		{"datagrams above the floor are", 1200, 400, {1200, 1200, 600, 300}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct row row = {CERTIFICATE, 0, cases[i].body};
		size_t changes = 0;
		set_up(cases[i].mtu, 65536);
		x.f.max_tries = 6;
		add(&row, 1);
		assert_int_equal(flight_send(&x.f, true), TERN_OK);
		for (size_t k = 0; k < 4; k++) {
			uint16_t before = x.f.mtu;
			take_all(NULL);
			x.now.mono_ns = flight_deadline(&x.f);
			assert_int_equal(flight_tick(&x.f, x.now), TERN_OK);
			if (x.f.mtu != cases[i].want[k])
				fail_msg("%s: %zu: %u", cases[i].name, k, x.f.mtu);
			changes += x.f.mtu != before;
		}
		take_all(NULL);
		assert_true(x.longest <= x.f.mtu);
		assert_int_equal(count(TERN_TRACE_MTU), changes);
		tear_down();
	}
}

/* Who knows the path has said so: patience begins anew. */
static void mtu_told_while_nobody_answers(void **state)
{
	static const uint16_t told[] = {0, 1100, 0, 900, 901, 0, 0}, want[] = {1200, 1100, 1100, 900, 901, 901, 450};
	struct row row = {CERTIFICATE, 0, 3000};
	(void)state;
	set_up(1200, 65536);
	x.f.max_tries = 12;
	add(&row, 1);
	assert_int_equal(flight_send(&x.f, true), TERN_OK);
	for (size_t k = 0; k < sizeof told / sizeof told[0]; k++) {
		take_all(NULL);
		if (told[k])
			flight_set_mtu(&x.f, told[k]);
		x.now.mono_ns = flight_deadline(&x.f);
		assert_int_equal(flight_tick(&x.f, x.now), TERN_OK);
		if (x.f.mtu != want[k])
			fail_msg("timeout %zu: %u", k, x.f.mtu);
	}
	tear_down();
}

static void mtu_set_in_between(void **state)
{
	struct inbox in;
	(void)state;
	set_up(300, 65536);
	add(ROWS(flight4));
	assert_int_equal(flight_send(&x.f, true), TERN_OK);
	assert_true(take_one(NULL) > 0);
	flight_set_mtu(&x.f, 200);
	inbox_init(&in, &heap_default, 0, 65536, 4096);
	take_all(&in);
	assert_true(x.longest <= 200);
	check_delivered(&in, ROWS(flight4));
	inbox_free(&in);
	tear_down();
}

static void round_trip(void **state)
{
	static const struct {
		const char *name;
		uint64_t pending_ms, want_ms;
		bool again;
	} cases[] = {
		{"learned", 0, 120, false},
		{"less what we waited ourselves", 70, 50, false},
		{"all of it was our own", 120, 0, false},
		{"not from what was sent twice", 0, 0, true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		set_up(1200, 65536);
		add(ROWS(flight4));
		assert_int_equal(flight_send(&x.f, true), TERN_OK);
		take_all(NULL);
		if (cases[i].again) {
			x.now.mono_ns = flight_deadline(&x.f);
			assert_int_equal(flight_tick(&x.f, x.now), TERN_OK);
			take_all(NULL);
		}
		x.now.mono_ns += 120 * MS;
		flight_answered(&x.f, cases[i].pending_ms * MS, x.now);
		if (x.f.rto.rtt_ns != cases[i].want_ms * MS)
			fail_msg("%s: %llu", cases[i].name, (unsigned long long)x.f.rto.rtt_ns);
		assert_int_equal(x.f.state, FLIGHT_PREPARING);
		assert_int_equal(x.f.num_messages, 0);
		assert_int_equal(x.f.rto.fired, 0);
		assert_int_equal(flight_deadline(&x.f), TERN_NEVER);
		/* The next flight goes out as if nothing had been. */
		add(ROWS(flight6));
		assert_int_equal(flight_send(&x.f, false), TERN_OK);
		take_all(NULL);
		assert_string_equal(x.layout, "4:0+170 ccs 20:0+12 ");
		assert_int_equal(x.f.state, FLIGHT_FINISHED);
		assert_int_equal(flight_deadline(&x.f), TERN_NEVER);
		tear_down();
	}
}

static void clock_that_goes_back(void **state)
{
	(void)state;
	set_up(1200, 65536);
	add(ROWS(flight4));
	assert_int_equal(flight_send(&x.f, true), TERN_OK);
	take_all(NULL);
	x.now.mono_ns -= 1;
	flight_answered(&x.f, 0, x.now);
	assert_int_equal(x.f.rto.rtt_ns, 0);
	tear_down();
}

/* An answer that comes when half of a retransmission is out tells nothing about the round trip. */
static void answered_while_sending(void **state)
{
	(void)state;
	set_up(400, 65536);
	add(ROWS(flight4));
	assert_int_equal(flight_send(&x.f, true), TERN_OK);
	take_all(NULL);
	x.now.mono_ns = flight_deadline(&x.f);
	assert_int_equal(flight_tick(&x.f, x.now), TERN_OK);
	assert_true(take_one(NULL) > 0);
	flight_answered(&x.f, 0, x.now);
	assert_int_equal(x.f.rto.rtt_ns, 0);
	assert_false(flight_sends(&x.f));
	tear_down();
}

/* RFC 9147 7.2: the first record of the answer stands for an ACK of everything, where there are ACKs. */
static void answer_begins(void **state)
{
	(void)state;
	for (int remembers = 0; remembers < 2; remembers++) {
		set_up(1200, 65536);
		x.f.remembers = remembers;
		flight_answer_begins(&x.f, 0, x.now); /* nothing was said */
		assert_int_equal(x.f.state, FLIGHT_PREPARING);
		add(ROWS(flight4));
		assert_int_equal(flight_send(&x.f, true), TERN_OK);
		take_all(NULL);
		x.now.mono_ns += 120 * MS;
		flight_answer_begins(&x.f, 20 * MS, x.now);
		assert_int_equal(x.f.state, remembers ? FLIGHT_FINISHED : FLIGHT_WAITING);
		assert_int_equal(flight_deadline(&x.f) == TERN_NEVER, remembers);
		assert_int_equal(x.f.rto.rtt_ns, remembers ? 100 * MS : 0);
		x.now.mono_ns += 400 * MS;
		flight_repeat(&x.f, 0, x.now);
		assert_int_equal(flight_sends(&x.f), !remembers);
		flight_answered(&x.f, 20 * MS, x.now);
		assert_int_equal(x.f.state, FLIGHT_PREPARING);
		assert_int_equal(x.f.rto.rtt_ns, remembers ? 100 * MS : 0);
		tear_down();
	}
}

static void repeating(void **state)
{
	static const bool awaits[] = {true, false};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		set_up(1200, 65536);
		flight_repeat(&x.f, 0, x.now);
		assert_false(flight_sends(&x.f));
		add(ROWS(flight4));
		assert_int_equal(flight_send(&x.f, awaits[i]), TERN_OK);
		take_all(NULL);
		/* A crowd of repeats neither sends more than four times a timeout nor uses up the tries. */
		for (size_t k = 0; k < 100; k++) {
			uint32_t before = x.f.retransmissions;
			flight_repeat(&x.f, 0, x.now);
			assert_false(flight_sends(&x.f));
			x.now.mono_ns += 250 * MS - 1;
			flight_repeat(&x.f, 0, x.now);
			assert_false(flight_sends(&x.f));
			x.now.mono_ns += 1;
			flight_repeat(&x.f, 0, x.now);
			assert_true(flight_sends(&x.f));
			assert_int_equal(flight_deadline(&x.f), TERN_NEVER);
			take_all(NULL);
			assert_int_equal(x.f.retransmissions, before + 1);
			assert_int_equal(x.f.rto.fired, 0);
			assert_int_equal(flight_deadline(&x.f), awaits[i] ? x.now.mono_ns + 1000 * MS : TERN_NEVER);
		}
		x.now.mono_ns += 1000 * MS;
		assert_int_equal(flight_tick(&x.f, x.now), TERN_OK);
		assert_int_equal(flight_sends(&x.f), awaits[i]);
		tear_down();
	}
}

static void all_or_nothing(void **state)
{
	uint8_t bytes[1200];
	size_t len;
	(void)state;
	set_up(1200, 65536);
	add(ROWS(flight5));
	assert_int_equal(flight_take(&x.f, &x.l.a, bytes, sizeof bytes, &len, 0, x.now), TERN_OK);
	assert_int_equal(len, 0);
	assert_int_equal(flight_send(&x.f, true), TERN_OK);
	assert_int_equal(flight_take(&x.f, &x.l.a, bytes, sizeof bytes - 1, &len, 0, x.now),
			 TERN_ERROR_BUFFER_TOO_SMALL);
	assert_int_equal(len, 0);
	assert_int_equal(x.l.a.plain_seq, 0);
	/* The last record of the datagram cannot be sealed. */
	x.l.pool.seal_limit = 1;
	x.l.a.out.next_seq = 1;
	assert_int_equal(flight_take(&x.f, &x.l.a, bytes, sizeof bytes, &len, 0, x.now), TERN_ERROR_LIMIT);
	assert_int_equal(len, 0);
	assert_true(flight_sends(&x.f));
	assert_int_equal(x.f.tries, 0);
	assert_int_equal(count(TERN_TRACE_TIMER), 0);
	x.l.pool.seal_limit = 0;
	take_all(NULL);
	assert_string_equal(x.layout, "11:0+300 16:0+66 15:0+76 ccs 20:0+12 ");
	tear_down();
}

static void refusals(void **state)
{
	struct outgoing m = {CONTENT_HANDSHAKE, FINISHED, 0, 0, span_of(pattern, 12)};
	uint8_t bytes[1200];
	size_t len;
	(void)state;
	set_up(1200, 0);
	assert_int_equal(flight_send(&x.f, true), TERN_ERROR_INTERNAL);
	for (size_t i = 0; i < FLIGHT_MESSAGES; i++)
		assert_int_equal(flight_add(&x.f, &m), TERN_OK);
	assert_int_equal(flight_add(&x.f, &m), TERN_ERROR_BUDGET);
	assert_int_equal(flight_send(&x.f, true), TERN_OK);
	assert_int_equal(flight_send(&x.f, true), TERN_ERROR_INTERNAL);
	assert_int_equal(flight_add(&x.f, &m), TERN_ERROR_INTERNAL);
	/* No room for the plan. */
	assert_int_equal(flight_take(&x.f, &x.l.a, bytes, sizeof bytes, &len, 0, x.now), TERN_ERROR_BUDGET);
	assert_int_equal(len, 0);
	x.arena.cap = 65536;
	take_all(NULL);
	tear_down();
}

/* The plan of a smaller MTU is longer; the arena holds both and no more. */
static void plans_are_reused(void **state)
{
	struct row row = {CERTIFICATE, 0, 3000};
	size_t used;
	(void)state;
	set_up(1200, 65536);
	add(&row, 1);
	assert_int_equal(flight_send(&x.f, true), TERN_OK);
	take_all(NULL);
	used = x.arena.used + x.arena.left;
	for (size_t i = 0; i < 50; i++) {
		x.now.mono_ns += 10000 * MS;
		flight_repeat(&x.f, 0, x.now);
		take_all(NULL);
		flight_answered(&x.f, 0, x.now);
		add(&row, 1);
		assert_int_equal(flight_send(&x.f, true), TERN_OK);
		take_all(NULL);
	}
	assert_int_equal(x.arena.used + x.arena.left, used);
	tear_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layouts),
		cmocka_unit_test(every_mtu),
		cmocka_unit_test(traces),
		cmocka_unit_test(giving_up),
		cmocka_unit_test(lowering_the_mtu),
		cmocka_unit_test(mtu_told_while_nobody_answers),
		cmocka_unit_test(mtu_set_in_between),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(clock_that_goes_back),
		cmocka_unit_test(answered_while_sending),
		cmocka_unit_test(answer_begins),
		cmocka_unit_test(repeating),
		cmocka_unit_test(all_or_nothing),
		cmocka_unit_test(refusals),
		cmocka_unit_test(plans_are_reused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
