/* src/flight/flight.c: acknowledgements in plaintext, which may be anybody's */
#include "flight/flight.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "unit/layers.h"

#define MS UINT64_C(1000000)

struct fixture {
	struct layers l;
	struct arena arena;
	struct flight f;
	tern_time now;
};

static struct fixture x;

/* A plaintext message and one under keys, sent once. */
static void set_up(void)
{
	const tern_timers timers = {.first_ns = 1000 * MS, .cap_ns = 60000 * MS, .max_tries = 6, .no_jitter = true};
	static const uint8_t bytes[60];
	memset(&x, 0, sizeof x);
	layers_open(&x.l, &provider_stub, 64);
	layers_use13(&x.l);
	layers_key(&x.l, 2, AEAD_AES_128_GCM);
	arena_init(&x.arena, &heap_default, NULL, 0, 65536);
	x.now.mono_ns = 5000 * MS;
	flight_init(&x.f, &x.arena, &timers, 1200, (struct tracer){0});
	x.f.remembers = true;
	for (uint16_t i = 0; i < 2; i++) {
		struct outgoing m = {CONTENT_HANDSHAKE, CERTIFICATE, i, (uint16_t)(2 * i),
				     span_of(bytes, sizeof bytes)};
		assert_int_equal(flight_add(&x.f, &m), TERN_OK);
	}
	assert_int_equal(flight_send(&x.f, true), TERN_OK);
}

static void tear_down(void)
{
	arena_free(&x.arena);
	layers_close(&x.l);
}

/* How many records went out. */
static unsigned take(void)
{
	uint64_t before = x.l.a.plain_seq + x.l.a.out.next_seq;
	uint8_t out[1200];
	size_t len;
	while (flight_sends(&x.f))
		assert_int_equal(flight_take(&x.f, &x.l.a, out, sizeof out, &len, 0, x.now), TERN_OK);
	return (unsigned)(x.l.a.plain_seq + x.l.a.out.next_seq - before);
}

static void ack(bool plain, bool first, bool second)
{
	if (plain)
		flight_acks_plain(&x.f);
	if (first)
		flight_acked(&x.f, 0, x.l.a.plain_seq - 1, x.now);
	if (second)
		flight_acked(&x.f, 2, x.l.a.out.next_seq - 1, x.now);
	flight_acks_end(&x.f, x.now);
}

static void expire(void)
{
	x.now.mono_ns = flight_deadline(&x.f);
	assert_int_equal(flight_tick(&x.f, x.now), TERN_OK);
}

static void the_rest_first_then_all(void **state)
{
	(void)state;
	set_up();
	assert_int_equal(take(), 2);
	ack(true, true, false);
	assert_int_equal(take(), 1);
	expire();
	assert_int_equal(take(), 2);
	tear_down();
}

static void never_finished(void **state)
{
	(void)state;
	set_up();
	assert_int_equal(take(), 2);
	ack(true, true, true);
	assert_int_equal(x.f.state, FLIGHT_WAITING);
	assert_int_equal(take(), 0);
	assert_int_equal(flight_deadline(&x.f), x.now.mono_ns + 60000 * MS);
	x.now.mono_ns += 5000 * MS;
	ack(true, true, true); /* nothing new: not put off */
	assert_int_equal(flight_deadline(&x.f), x.now.mono_ns + 55000 * MS);
	expire();
	assert_int_equal(take(), 2);
	tear_down();
}

static void the_peer_repeats_itself(void **state)
{
	(void)state;
	set_up();
	assert_int_equal(take(), 2);
	ack(true, true, true);
	x.now.mono_ns += 500 * MS;
	flight_repeat(&x.f, 0, x.now);
	assert_int_equal(take(), 2);
	tear_down();
}

static void keys_settle_it(void **state)
{
	(void)state;
	set_up();
	assert_int_equal(take(), 2);
	ack(true, true, false);
	assert_int_equal(take(), 1);
	ack(false, false, true);
	assert_int_equal(x.f.state, FLIGHT_FINISHED);
	assert_true(flight_deadline(&x.f) == TERN_NEVER);
	tear_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rest_first_then_all),
		cmocka_unit_test(never_finished),
		cmocka_unit_test(the_peer_repeats_itself),
		cmocka_unit_test(keys_settle_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
