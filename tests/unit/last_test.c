/* src/flight/last.c. RFC 6347 4.2.4. */
#include "flight/last.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "count_heap.h"
#include "unit/layers.h"

#define MS UINT64_C(1000000)

static struct layers l;
static struct arena arena;
static struct flight f;
static struct count_heap h;
static tern_allocator heap;
static tern_time now;
static uint8_t ticket[1000], verify[] = "verify data";
static size_t sent_records, again_records;

static void note(void *user, const tern_conn *conn, const tern_trace *event)
{
	(void)user;
	(void)conn;
	sent_records += event->kind == TERN_TRACE_SENT;
	again_records += event->kind == TERN_TRACE_SENT && event->retransmission;
}

static const struct tracer tracer = {note, NULL, NULL};

static void set_up(uint16_t mtu, size_t ticket_len)
{
	const tern_timers timers = {.first_ns = 1000 * MS, .cap_ns = 60000 * MS, .max_tries = 4};
	const struct outgoing messages[] = {
		{CONTENT_HANDSHAKE, NEW_SESSION_TICKET, 7, 0, span_of(ticket, ticket_len)},
		{CONTENT_CHANGE_CIPHER_SPEC, 0, 0, 0, span_of("\1", 1)},
		{CONTENT_HANDSHAKE, FINISHED, 8, 1, span_of(verify, sizeof verify)},
	};
	memset(&h, 0, sizeof h);
	heap = count_heap_allocator(&h);
	sent_records = again_records = 0;
	now.mono_ns = 77 * MS;
	layers_open(&l, &provider_stub, 64);
	layers_key(&l, 1, AEAD_AES_128_GCM);
	arena_init(&arena, &heap_default, NULL, 0, 65536);
	flight_init(&f, &arena, &timers, mtu, (struct tracer){NULL, NULL, NULL});
	for (size_t i = ticket_len ? 0 : 1; i < 3; i++)
		assert_int_equal(flight_add(&f, &messages[i]), TERN_OK);
	assert_int_equal(flight_send(&f, false), TERN_OK);
}

static void tear_down(void)
{
	arena_free(&arena);
	layers_close(&l);
	assert_int_equal(h.live, 0);
}

/* The plaintext of the records of a datagram, one after the other. */
static size_t opened(uint8_t *out, uint8_t *bytes, size_t n)
{
	struct datagram d = {bytes, n};
	struct record r;
	size_t len = 0;
	while (record_next(&l.b, &d, &r)) {
		assert_int_equal(r.drop, TERN_DROP_NONE);
		memcpy(out + len, r.p, r.n);
		len += r.n;
	}
	return len;
}

/* What the last flight sends is what the flight sent, datagram for datagram, after the flight's memory is gone. */
static void same_as_the_flight(void **state)
{
	static const struct {
		uint16_t mtu;
		size_t ticket_len, datagrams;
	} cases[] = {{1200, 0, 1}, {1200, 180, 1}, {96, 0, 1}, {96, 180, 4}, {256, 1000, 5}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		static uint8_t first[8][1200], bytes[1200], plain[1200];
		size_t first_len[8], num = 0, len;
		struct last_flight *last;
		set_up(cases[i].mtu, cases[i].ticket_len);
		for (; flight_sends(&f); num++) {
			assert_int_equal(flight_take(&f, &l.a, bytes, sizeof bytes, &len, 0, now), TERN_OK);
			first_len[num] = opened(first[num], bytes, len);
		}
		assert_int_equal(num, cases[i].datagrams);
		last = last_new(&heap, &f, now);
		assert_non_null(last);
		arena_free(&arena);
		memset(&f, 0xee, sizeof f);
		assert_false(last_sends(last));
		last_repeat(last, now);
		for (size_t k = 0; k < num; k++) {
			assert_true(last_sends(last));
			last_repeat(last, now);
			assert_int_equal(last_take(last, &l.a, bytes, sizeof bytes, &len, tracer), TERN_OK);
			assert_true(len <= cases[i].mtu);
			assert_int_equal(opened(plain, bytes, len), first_len[k]);
			assert_memory_equal(plain, first[k], first_len[k]);
		}
		assert_false(last_sends(last));
		assert_int_equal(last_take(last, &l.a, bytes, sizeof bytes, &len, tracer), TERN_OK);
		assert_int_equal(len, 0);
		assert_true(sent_records > 1);
		assert_int_equal(again_records, sent_records);
		last_free(&heap, last);
		tear_down();
	}
}

static void times(void **state)
{
	uint8_t bytes[1200];
	struct last_flight *last;
	size_t len;
	(void)state;
	set_up(1200, 0);
	assert_int_equal(flight_take(&f, &l.a, bytes, sizeof bytes, &len, 0, now), TERN_OK);
	last = last_new(&heap, &f, now);
	assert_non_null(last);
	assert_int_equal(last_expires_ns(last), now.mono_ns + LAST_LIFETIME_NS);
	for (size_t i = 0; i < 11; i++) {
		last_repeat(last, now);
		assert_true(last_sends(last));
		last_repeat(last, now);
		assert_int_equal(last_take(last, &l.a, bytes, 1199, &len, tracer), TERN_ERROR_BUFFER_TOO_SMALL);
		assert_int_equal(len, 0);
		assert_int_equal(last_take(last, &l.a, bytes, sizeof bytes, &len, tracer), TERN_OK);
		assert_true(len > 0);
		if (i < 7) /* eight at once */
			continue;
		now.mono_ns += 100 * MS - 1;
		last_repeat(last, now);
		assert_false(last_sends(last));
		now.mono_ns += 1;
	}
	/* Keys that are used up: an error, and nothing else has changed. */
	last_repeat(last, now);
	l.pool.seal_limit = 1;
	assert_int_equal(last_take(last, &l.a, bytes, sizeof bytes, &len, tracer), TERN_ERROR_LIMIT);
	assert_int_equal(len, 0);
	assert_true(last_sends(last));
	last_free(&heap, last);
	last_free(&heap, NULL);
	tear_down();
}

/* A flight that had not been sent to its end goes out from here, and for the first time. */
static void unsent(void **state)
{
	uint8_t bytes[1200];
	struct last_flight *last;
	size_t len;
	(void)state;
	set_up(1200, 0);
	last = last_new(&heap, &f, now);
	assert_non_null(last);
	assert_true(last_sends(last));
	assert_int_equal(last_take(last, &l.a, bytes, sizeof bytes, &len, tracer), TERN_OK);
	assert_int_equal(sent_records, 2);
	assert_int_equal(again_records, 0);
	now.mono_ns += 100 * MS;
	last_repeat(last, now);
	assert_int_equal(last_take(last, &l.a, bytes, sizeof bytes, &len, tracer), TERN_OK);
	assert_int_equal(again_records, 2);
	last_free(&heap, last);
	tear_down();
}

static void memory(void **state)
{
	struct last_flight *last;
	(void)state;
	set_up(1200, 200);
	last = last_new(&heap, &f, now);
	assert_non_null(last);
	assert_int_equal(h.blocks, 1);
	print_message("last flight with a ticket of 200 bytes: %zu bytes\n", h.live);
	assert_true(h.live <= 400);
	last_free(&heap, last);
	h.fail_at = h.allocs + 1;
	assert_null(last_new(&heap, &f, now));
	tear_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_the_flight),
		cmocka_unit_test(times),
		cmocka_unit_test(unsent),
		cmocka_unit_test(memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
