/* src/flight/post.c */
#include "flight/post.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "count_heap.h"
#include "unit/layers.h"

#define MS UINT64_C(1000000)
#define BODY_MAX 3000

static struct layers l;
static struct count_heap h;
static tern_allocator heap;
static tern_time now;
static uint8_t bytes[BODY_MAX];
static uint64_t last_seq; /* reported */
static size_t records;

static void note(void *user, const tern_conn *conn, const tern_trace *event)
{
	(void)user;
	(void)conn;
	if (event->kind != TERN_TRACE_SENT)
		return;
	last_seq = event->record_seq;
	records++;
}

static struct post *make(uint16_t mtu, size_t n, uint64_t rtt_ns)
{
	const tern_timers timers = {.first_ns = 1000 * MS, .cap_ns = 60000 * MS, .max_tries = 6, .no_jitter = true};
	const struct outgoing m = {CONTENT_HANDSHAKE, NEW_SESSION_TICKET, 9, 3, span_of(bytes, n)};
	struct post *p;
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(i * 7);
	p = post_new(&heap, &timers, mtu, (struct tracer){note, NULL, NULL}, &m, 1, rtt_ns);
	memset(bytes, 0, sizeof bytes); /* the body was copied */
	return p;
}

static void set_up(void)
{
	memset(&h, 0, sizeof h);
	heap = count_heap_allocator(&h);
	now.mono_ns = 77 * MS;
	layers_open(&l, &provider_stub, 64);
	layers_use13(&l);
	layers_key(&l, 3, AEAD_AES_128_GCM);
}

static void tear_down(void)
{
	layers_close(&l);
	assert_int_equal(h.live, 0);
}

/* One transmission; every byte of the message must be in it. */
static void take_all(struct post *p, size_t n)
{
	size_t total = 0;
	for (size_t i = 0; flight_sends(&p->flight); i++) {
		uint8_t out[1500];
		struct datagram d = {out, 0};
		struct record r;
		assert_true(i < 1000);
		assert_int_equal(flight_take(&p->flight, &l.a, out, sizeof out, &d.n, 0, now), TERN_OK);
		assert_true(d.n > 0 && d.n <= p->flight.mtu);
		while (record_next(&l.b, &d, &r)) {
			struct rd rd = rd_of(span_of(r.p, r.n));
			struct fragment f;
			assert_int_equal(r.drop, TERN_DROP_NONE);
			assert_int_equal(r.epoch, 3);
			assert_true(get_fragment(&rd, &f) && rd_end(&rd));
			assert_int_equal(f.type, NEW_SESSION_TICKET);
			assert_int_equal(f.message_seq, 9);
			assert_int_equal(f.length, n);
			for (size_t k = 0; k < f.body.n; k++)
				assert_int_equal(f.body.p[k], (uint8_t)((f.offset + k) * 7));
			total += f.body.n;
		}
	}
	assert_int_equal(total, n);
}

static void acknowledged(void **state)
{
	static const struct {
		const char *name;
		uint16_t mtu;
		size_t n, transmissions;
		uint64_t rtt_ms, want_timeout_ms;
		bool one_allocation;
	} cases[] = {
		{"key update", 1200, 1, 1, 0, 1000, true},
		{"nothing in it", 1200, 0, 1, 0, 1000, true},
		{"ticket", 1200, 300, 1, 0, 1000, true},
		{"after loss", 1200, 300, 2, 0, 2000, true},
		{"the round trip is known", 1200, 300, 1, 200, 300, true},
		{"in fragments", 400, 1000, 1, 0, 1000, true},
		{"in fragments that get smaller", 1200, 1000, 5, 0, 16000, true},
		{"the least MTU", 96, 1000, 2, 0, 2000, true},
		{"long", 96, BODY_MAX, 4, 0, 8000, true},
		{"long, in fragments that get smaller", 1200, BODY_MAX, 5, 0, 16000, true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct post *p;
		set_up();
		p = make(cases[i].mtu, cases[i].n, cases[i].rtt_ms * MS);
		assert_non_null(p);
		assert_int_equal(p->type, NEW_SESSION_TICKET);
		for (size_t k = 0; k < cases[i].transmissions; k++) {
			if (k) {
				now.mono_ns = flight_deadline(&p->flight);
				assert_int_equal(flight_tick(&p->flight, now), TERN_OK);
			}
			records = 0;
			take_all(p, cases[i].n);
		}
		if (flight_deadline(&p->flight) != now.mono_ns + cases[i].want_timeout_ms * MS)
			fail_msg("%s: %llu", cases[i].name, (unsigned long long)flight_deadline(&p->flight));
		assert_int_equal(p->flight.state, FLIGHT_WAITING);
		for (uint64_t k = 0; k < records; k++)
			flight_acked(&p->flight, 3, last_seq - k, now);
		flight_acks_end(&p->flight, now);
		assert_int_equal(p->flight.state, FLIGHT_FINISHED);
		assert_int_equal(flight_deadline(&p->flight), TERN_NEVER);
		if (cases[i].one_allocation != (h.blocks == 1))
			fail_msg("%s: %zu allocations", cases[i].name, h.blocks);
		post_free(&heap, p);
		tear_down();
	}
}

/* MTUs that never come back to what was: the plans take from the heap, and all of it is freed. */
static void many_plans(void **state)
{
	struct post *p;
	(void)state;
	set_up();
	p = make(1200, BODY_MAX, 0);
	assert_non_null(p);
	for (uint16_t mtu = 1200; mtu >= 96; mtu = (uint16_t)(mtu - 16)) {
		flight_set_mtu(&p->flight, mtu);
		take_all(p, BODY_MAX);
		now.mono_ns += 100000 * MS;
		flight_repeat(&p->flight, 0, now);
	}
	assert_true(h.blocks > 1);
	assert_true(h.live < 250000);
	post_free(&heap, p);
	tear_down();
}

static void out_of_memory(void **state)
{
	(void)state;
	set_up();
	h.fail_at = 1;
	assert_null(make(1200, 300, 0));
	post_free(&heap, NULL);
	tear_down();
}

static void memory(void **state)
{
	struct post *p;
	(void)state;
	set_up();
	p = make(1200, 1, 0);
	assert_non_null(p);
	printf("one byte to be acknowledged: %zu bytes\n", h.live);
	assert_true(h.live <= 1024);
	post_free(&heap, p);
	tear_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(acknowledged),
		cmocka_unit_test(many_plans),
		cmocka_unit_test(out_of_memory),
		cmocka_unit_test(memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
