/* src/connection/hello_slots.c: first hellos in fragments, before anything is known of who sends them. */
#include "connection/hello_slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/heap.h"

#define N 300
#define S UINT64_C(1000000000)

static struct hello_slots *slots;
static struct hmac_key key;
static uint8_t hello[N], other[N];
static tern_time now;

static int set_up(void **state)
{
	(void)state;
	slots = hello_slots_new(&heap_default);
	assert_non_null(slots);
	hmac_key_init(&key, provider_libcrypto.hash[HASH_SHA256], span_of("secret", 6));
	for (size_t i = 0; i < N; i++) {
		hello[i] = (uint8_t)(i * 7);
		other[i] = (uint8_t)(i * 7 + 1);
	}
	now = (tern_time){S, 0};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	hello_slots_free(&heap_default, slots);
	return 0;
}

static tern_path path_of(unsigned who)
{
	tern_path p = {.remote = {.len = 31}};
	p.remote.bytes[30] = (uint8_t)who; /* the last byte of the longest address counts too */
	p.remote.bytes[29] = (uint8_t)(who >> 8);
	return p;
}

/* Whether the fragment completes a hello, which is then checked to be this one. */
static bool put_in(unsigned who, uint16_t seq, uint64_t record, const uint8_t *of, size_t from, size_t to)
{
	struct fragment whole, f = {.type = 1,
				    .length = N,
				    .message_seq = seq,
				    .offset = (uint32_t)from,
				    .body = span_of(of + from, to - from)};
	tern_path path = path_of(who);
	if (!hello_slots_put(slots, &key, &path, &f, record, (uint32_t)(from + who), now, &whole))
		return false;
	assert_int_equal(whole.offset, 0);
	assert_int_equal(whole.length, N);
	assert_int_equal(whole.message_seq, seq);
	assert_true(span_equal(whole.body, span_of(of, N)));
	return true;
}

static bool put_seq(unsigned who, uint16_t seq, const uint8_t *of, size_t from, size_t to)
{
	return put_in(who, seq, 7, of, from, to);
}

static bool put(unsigned who, const uint8_t *of, size_t from, size_t to)
{
	return put_seq(who, 0, of, from, to);
}

static void fragments_in_any_order_with_repeats_and_overlaps(void **state)
{
	static const struct {
		const char *name;
		size_t parts[4][2];
		size_t num;
	} cases[] = {
		{"in order", {{0, 100}, {100, 200}, {200, N}}, 3},
		{"in reverse", {{200, N}, {100, 200}, {0, 100}}, 3},
		{"the middle last", {{200, N}, {0, 100}, {100, 200}}, 3},
		{"twice", {{0, 150}, {0, 150}, {150, N}}, 3},
		{"overlapping", {{0, 160}, {140, 260}, {250, N}}, 3},
		{"inside another", {{0, 200}, {50, 60}, {199, N}}, 3},
		{"a byte at the end", {{0, N - 1}, {N - 1, N}}, 2},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (size_t k = 0; k < cases[i].num; k++)
			if (put(1, hello, cases[i].parts[k][0], cases[i].parts[k][1]) != (k + 1 == cases[i].num))
				fail_msg("%s: part %zu", cases[i].name, k);
}

static void hellos_of_different_senders_do_not_mix(void **state)
{
	(void)state;
	assert_false(put(1, hello, 0, 150));
	assert_false(put(2, other, 150, N));
	assert_false(put_seq(1, 1, other, 150, N));
	assert_true(put(1, hello, 150, N));
	assert_true(put(2, other, 0, 150));
	assert_true(put_seq(1, 1, other, 0, 150));
}

static void new_hello_of_the_same_sender_does_not_mix_with_the_old(void **state)
{
	(void)state;
	assert_false(put(1, hello, 0, 150));
	assert_false(put(1, other, 0, 150)); /* other bytes: begins anew */
	assert_true(put(1, other, 150, N));
	assert_false(put(1, hello, 0, 150));
	now.mono_ns += 11 * S; /* long ago: begins anew */
	assert_false(put(1, other, 150, N));
	assert_true(put(1, other, 0, 150));
}

/* What is left of one hello, then a fragment of the next from that address: they must not become one. */
static void record_numbers_tell_hellos_apart(void **state)
{
	static const struct {
		const char *name;
		uint64_t old_record, new_record; /* of the old hello's end, the new one's start */
		uint64_t wait_ms;
		size_t split;
		bool together;
	} cases[] = {
		{"overtaken by its neighbor", 1, 0, 0, 150, true},
		{"sent again later", 1, 2, 3000, 150, true},
		{"overtaken by the third of three", 7, 5, 100, 100, true},
		{"the client begins afresh", 5, 0, 0, 150, false},
		{"of the transmission before", 7, 4, 0, 150, false},
		{"overtaken for too long", 1, 0, 1001, 150, false},
		{"too late", 1, 2, 10001, 150, false},
	};
	(void)state;
	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t last = cases[i].split == 150 ? 150 : 200;
		bool whole;
		assert_false(put_in(i, 0, cases[i].old_record, hello, last, N));
		now.mono_ns += cases[i].wait_ms * 1000000;
		if (last == 200)
			assert_false(put_in(i, 0, cases[i].old_record - 1, hello, 100, 200));
		whole = put_in(i, 0, cases[i].new_record, cases[i].together ? hello : other, 0, cases[i].split);
		if (whole != cases[i].together)
			fail_msg("%s", cases[i].name);
		if (!whole && !put_in(i, 0, cases[i].new_record + 1, other, last, N))
			fail_msg("%s: the next hello does not come through", cases[i].name);
	}
}

/* A late copy of what is known does not make the rest of it unknown, by which the next hello is told apart. */
static void late_copy_changes_nothing(void **state)
{
	(void)state;
	assert_false(put_in(1, 0, 3, hello, 0, 150));
	assert_true(put_in(1, 0, 4, hello, 150, N));
	assert_false(put_in(1, 0, 0, hello, 0, 150));
	assert_false(put_in(1, 0, 1, other, 150, N));
	assert_true(put_in(1, 0, 0, other, 0, 150));
}

static void fragments_that_cannot_be(void **state)
{
	static const struct {
		const char *name;
		uint32_t length, offset, n;
	} cases[] = {
		{"too long", HELLO_MAX + 1, 0, 10}, {"empty", N, 10, 0},
		{"beyond the end", N, N - 5, 6},    {"longer than all", 5, 0, 6},
		{"offset wraps", N, UINT32_MAX, 6},
	};
	tern_path path = path_of(1);
	struct fragment whole;
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fragment f = {.type = 1,
				     .length = cases[i].length,
				     .offset = cases[i].offset,
				     .body = span_of(hello, cases[i].n)};
		if (hello_slots_put(slots, &key, &path, &f, 0, 0, now, &whole))
			fail_msg("%s", cases[i].name);
	}
	assert_false(put(1, hello, 0, 150)); /* and nothing is broken */
	assert_true(put(1, hello, 150, N));
}

/* Lone first fragments from everywhere: whoever sends all of his at once gets through. */
static void flood_of_lone_fragments(void **state)
{
	unsigned through = 0;
	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		assert_false(put(2 + i, other, 0, 150));
		if (i % 100 == 0) {
			assert_false(put(1, hello, 0, 150));
			through += put(1, hello, 150, N);
		}
	}
	assert_int_equal(through, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(fragments_in_any_order_with_repeats_and_overlaps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(hellos_of_different_senders_do_not_mix, set_up, tear_down),
		cmocka_unit_test_setup_teardown(new_hello_of_the_same_sender_does_not_mix_with_the_old, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(record_numbers_tell_hellos_apart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(late_copy_changes_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(fragments_that_cannot_be, set_up, tear_down),
		cmocka_unit_test_setup_teardown(flood_of_lone_fragments, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
