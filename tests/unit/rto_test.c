/* src/flight/rto.c. RFC 6347 4.2.4.1, RFC 9147 5.8.2. */
#include "flight/rto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

static struct rto make(uint64_t first_ms, uint64_t cap_ms, bool learns, bool jitters)
{
	tern_timers t = {.first_ns = first_ms * MS, .cap_ns = cap_ms * MS, .no_rtt = !learns, .no_jitter = !jitters};
	struct rto r;
	rto_init(&r, &t);
	return r;
}

static void timeouts(void **state)
{
	static const struct {
		const char *name;
		uint64_t first_ms, cap_ms, rtt_ms;
		uint32_t fired;
		uint64_t want_ms;
		uint32_t steady_tries;
	} cases[] = {
		{"first", 1000, 60000, 0, 0, 1000, 1},
		{"doubled", 1000, 60000, 0, 1, 2000, 1},
		{"doubled four times", 1000, 60000, 0, 4, 16000, 1},
		{"cap", 1000, 60000, 0, 6, 60000, 1},
		{"cap for ever", 1000, 60000, 0, UINT32_MAX, 60000, 1},
		{"one and a half round trips", 1000, 60000, 200, 0, 300, 1},
		{"doubled from there", 1000, 60000, 200, 2, 1200, 1},
		{"long round trip", 1000, 60000, 4000, 0, 6000, 1},
		{"floor", 1000, 60000, 1, 0, 50, 1},
		{"floor doubled", 1000, 60000, 1, 1, 100, 1},
		{"first below the floor", 10, 60000, 1, 0, 10, 1},
		{"first below the floor, round trip unknown", 10, 60000, 0, 0, 10, 1},
		{"cap below the floor", 1000, 20, 1, 0, 20, 1},
		{"steady", 400, 60000, 0, 4, 400, 5},
		{"steady, with the round trip", 400, 60000, 100, 4, 150, 5},
		{"doubled after that", 400, 60000, 0, 5, 800, 5},
		{"doubled twice after that", 400, 60000, 0, 6, 1600, 5},
		{"cap after that", 400, 60000, 0, UINT32_MAX, 60000, 5},
		{"never doubled", 400, 60000, 0, 254, 400, 255},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct rto r = make(cases[i].first_ms, cases[i].cap_ms, true, false);
		uint64_t got;
		if (cases[i].rtt_ms)
			rto_sample(&r, cases[i].rtt_ms * MS);
		r.fired = cases[i].fired;
		r.steady_tries = cases[i].steady_tries;
		got = rto_timeout(&r, 0xffffffff);
		if (got != cases[i].want_ms * MS)
			fail_msg("%s: %llu", cases[i].name, (unsigned long long)got);
	}
}

static void jitter(void **state)
{
	struct rto r = make(1000, 2000, true, true);
	uint64_t least = UINT64_MAX, most = 0;
	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		uint64_t t = rto_timeout(&r, i * 2654435761u);
		least = t < least ? t : least;
		most = t > most ? t : most;
	}
	assert_int_equal(least, 1000 * MS);
	assert_int_equal(most, 1100 * MS);
	r.fired = 5;
	assert_true(rto_timeout(&r, 1000) >= 2000 * MS && rto_timeout(&r, 1000) <= 2200 * MS);
}

static void learning(void **state)
{
	struct rto r = make(1000, 60000, true, false);
	(void)state;
	rto_sample(&r, 80 * MS);
	assert_int_equal(r.rtt_ns, 80 * MS);
	rto_sample(&r, 160 * MS);
	assert_int_equal(r.rtt_ns, 90 * MS);
	for (size_t i = 0; i < 100; i++)
		rto_sample(&r, 160 * MS);
	assert_true(r.rtt_ns >= 159 * MS && r.rtt_ns <= 160 * MS);
	rto_back_off(&r);
	rto_back_off(&r);
	assert_int_equal(r.fired, 2);
	rto_reset(&r);
	assert_int_equal(r.fired, 0);
	r = make(1000, 60000, false, false);
	rto_sample(&r, 80 * MS);
	assert_int_equal(rto_timeout(&r, 0), 1000 * MS);
}

static void extremes(void **state)
{
	tern_timers t = {.first_ns = UINT64_MAX / 2, .cap_ns = UINT64_MAX};
	struct rto r;
	(void)state;
	rto_init(&r, &t);
	r.fired = 3;
	assert_int_equal(rto_timeout(&r, 0xffffffff), UINT64_MAX);
	r.fired = 0;
	rto_sample(&r, UINT64_MAX);
	rto_sample(&r, UINT64_MAX);
	assert_true(rto_timeout(&r, 0xffffffff) >= UINT64_MAX / 4);
	rto_init(&r, &t);
	rto_sample(&r, 0);
	assert_int_equal(rto_timeout(&r, 0), RTO_FLOOR_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timeouts),
		cmocka_unit_test(jitter),
		cmocka_unit_test(learning),
		cmocka_unit_test(extremes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
