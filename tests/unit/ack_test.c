/* src/flight/ack.c. RFC 9147 7.1. */
#include "flight/ack.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/heap.h"
#include "count_heap.h"
#include "pcg.h"

#define MS UINT64_C(1000000)
#define ALL (2 + 16 * ACK_RECORDS)

static tern_time at(uint64_t ms)
{
	return (tern_time){.mono_ns = ms * MS};
}

/* What acks_put says in cap bytes; epoch * 1000 + seq each. */
static size_t told(struct acks *a, size_t cap, uint64_t *out)
{
	uint8_t bytes[ALL + 100];
	struct wr w = wr_of(bytes, cap);
	struct rd r, numbers;
	struct record_number n;
	size_t num = 0;
	acks_put(a, &w);
	assert_true(wr_ok(&w));
	r = rd_of(wr_span(&w));
	assert_true(get_ack(&r, &numbers) && rd_end(&r));
	while (get_record_number(&numbers, &n))
		out[num++] = n.epoch * 1000 + n.seq;
	assert_true(rd_end(&numbers));
	return num;
}

static void what_is_told(void **state)
{
	static const struct {
		const char *name;
		uint64_t noted[40];
		size_t num_noted, cap;
		uint64_t told[40];
		size_t num_told;
	} cases[] = {
		{"nothing", {0}, 0, ALL, {0}, 0},
		{"one", {2005}, 1, ALL, {2005}, 1},
		{"in order", {0, 1, 2000}, 3, ALL, {0, 1, 2000}, 3},
		{"by epoch, then by number", {2001, 7, 3000, 2000, 3}, 5, ALL, {3, 7, 2000, 2001, 3000}, 5},
		{"duplicates", {2001, 2001, 2000, 2001, 2000}, 5, ALL, {2000, 2001}, 2},
		{"same number, other epoch", {2001, 3001, 1}, 3, ALL, {1, 2001, 3001}, 3},
		{"no room", {2001, 2000}, 2, 17, {0}, 0},
		{"room for none", {2001, 2000}, 2, 2, {0}, 0},
		{"room for the newest", {2001, 2000}, 2, 33, {2000}, 1},
		{"room for two of three", {2005, 2001, 2003}, 3, 34, {2001, 2003}, 2},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct acks a;
		uint64_t got[ACK_RECORDS];
		acks_init(&a, &heap_default);
		for (size_t k = 0; k < cases[i].num_noted; k++)
			acks_note(&a, (uint16_t)(cases[i].noted[k] / 1000), cases[i].noted[k] % 1000);
		/* Twice: what was told stays noted. */
		for (size_t k = 0; k < 2; k++) {
			if (told(&a, cases[i].cap, got) != cases[i].num_told ||
			    memcmp(got, cases[i].told, cases[i].num_told * sizeof got[0]) != 0)
				fail_msg("%s", cases[i].name);
		}
		acks_clear(&a);
	}
}

static void not_even_empty(void **state)
{
	struct acks a;
	uint8_t byte;
	struct wr w = wr_of(&byte, 1);
	(void)state;
	acks_init(&a, &heap_default);
	acks_note(&a, 2, 0);
	acks_put(&a, &w);
	assert_false(wr_ok(&w));
	acks_clear(&a);
}

/* What stands in the datagram before the ACK takes room from it. */
static void behind_other_bytes(void **state)
{
	struct acks a;
	uint8_t bytes[10 + 2 + 16 + 15];
	struct wr w = wr_of(bytes, sizeof bytes);
	(void)state;
	acks_init(&a, &heap_default);
	acks_note(&a, 2, 8);
	acks_note(&a, 2, 9);
	wr_bytes(&w, span_of("0123456789", 10));
	acks_put(&a, &w);
	assert_true(wr_ok(&w));
	assert_int_equal(w.n, 10 + 2 + 16);
	assert_int_equal(bytes[w.n - 1], 9);
	acks_clear(&a);
}

/* The list stays for minutes beside an idle connection. Without memory for more of it what is there stays. */
static void a_few_take_little(void **state)
{
	struct count_heap heap = {.fail_at = 2};
	tern_allocator allocator = count_heap_allocator(&heap);
	uint64_t got[ACK_RECORDS];
	struct acks a;
	(void)state;
	acks_init(&a, &allocator);
	for (uint64_t seq = 0; seq < 4; seq++)
		acks_note(&a, 2, seq);
	assert_int_equal(heap.live, 4 * sizeof(uint64_t));
	acks_note(&a, 2, 4);
	assert_int_equal(told(&a, ALL, got), 4);
	assert_int_equal(got[3], 2003);
	acks_note(&a, 2, 5);
	assert_int_equal(told(&a, ALL, got), 5);
	assert_int_equal(got[4], 2005);
	assert_int_equal(heap.blocks, 1);
	acks_clear(&a);
	assert_int_equal(heap.live, 0);
}

/* Against a list that keeps everything. */
static void oldest_give_way(void **state)
{
	struct pcg r = {.state = 7};
	(void)state;
	for (size_t round = 0; round < 300; round++) {
		uint64_t list[200], got[ACK_RECORDS];
		size_t num = 0, notes = pcg_below(&r, 150), kept, cap = 2 + pcg_below(&r, ALL);
		struct acks a;
		acks_init(&a, &heap_default);
		for (size_t i = 0; i < notes; i++) {
			uint64_t v = pcg_below(&r, 4) * 1000 + pcg_below(&r, 60);
			bool known = false;
			for (size_t k = num > ACK_RECORDS ? num - ACK_RECORDS : 0; k < num; k++)
				known |= list[k] == v;
			if (!known)
				list[num++] = v;
			acks_note(&a, (uint16_t)(v / 1000), v % 1000);
		}
		kept = num < ACK_RECORDS ? num : ACK_RECORDS;
		kept = kept < (cap - 2) / 16 ? kept : (cap - 2) / 16;
		assert_int_equal(told(&a, cap, got), kept);
		for (size_t i = 0; i < kept; i++) {
			size_t found = 0;
			assert_true(i == 0 || got[i - 1] < got[i]);
			for (size_t k = num - kept; k < num; k++)
				found += list[k] == got[i];
			assert_int_equal(found, 1);
		}
		acks_clear(&a);
	}
}

static void when(void **state)
{
	struct acks a;
	uint64_t got[ACK_RECORDS];
	(void)state;
	acks_init(&a, &heap_default);
	assert_false(a.due);
	assert_int_equal(a.deadline_ns, TERN_NEVER);
	acks_tick(&a, at(100000));
	assert_false(a.due);
	acks_note(&a, 2, 1);
	acks_arm(&a, 400 * MS, at(1000));
	assert_int_equal(a.deadline_ns, 1100 * MS);
	acks_arm(&a, 400 * MS, at(1050));
	assert_int_equal(a.deadline_ns, 1100 * MS);
	acks_tick(&a, (tern_time){.mono_ns = 1100 * MS - 1});
	assert_false(a.due);
	acks_tick(&a, at(1100));
	assert_true(a.due);
	assert_int_equal(a.deadline_ns, TERN_NEVER);
	/* Already due: nothing to arm. */
	acks_arm(&a, 400 * MS, at(1200));
	assert_int_equal(a.deadline_ns, TERN_NEVER);
	assert_int_equal(told(&a, ALL, got), 1);
	assert_false(a.due);
	/* Told and armed anew; a hurry comes first. */
	acks_arm(&a, 400 * MS, at(1300));
	acks_hurry(&a);
	assert_true(a.due);
	assert_int_equal(a.deadline_ns, TERN_NEVER);
	assert_int_equal(told(&a, ALL, got), 1);
	/* Told before the timer: it is off. */
	acks_arm(&a, 400 * MS, at(1400));
	assert_int_equal(told(&a, ALL, got), 1);
	assert_int_equal(a.deadline_ns, TERN_NEVER);
	acks_arm(&a, 400 * MS, at(1500));
	acks_hurry(&a);
	acks_clear(&a);
	assert_false(a.due);
	assert_int_equal(a.num, 0);
	assert_int_equal(a.deadline_ns, TERN_NEVER);
	acks_arm(&a, TERN_NEVER, (tern_time){.mono_ns = TERN_NEVER - 5});
	assert_int_equal(a.deadline_ns, TERN_NEVER - 1);
	acks_clear(&a);
}

/* Several messages share an ACK. */
static void shared(void **state)
{
	struct acks a;
	(void)state;
	acks_init(&a, &heap_default);
	acks_flush(&a);
	assert_false(a.due);
	acks_note(&a, 3, 0);
	acks_share(&a, 100 * MS, at(1000));
	acks_share(&a, 100 * MS, at(1050));
	assert_false(a.due);
	assert_int_equal(a.deadline_ns, 1100 * MS);
	acks_flush(&a);
	assert_true(a.due);
	assert_int_equal(a.deadline_ns, TERN_NEVER);
	acks_clear(&a);
	acks_share(&a, 0, at(1200));
	assert_true(a.due);
}

/* An ACK that may be lost is told again, ever more rarely, until there is something new to tell. */
static void again(void **state)
{
	static const uint64_t waits[] = {400, 800, 1600, 3200, 6400, 12800, 25600, 25600};
	struct acks a;
	uint64_t got[ACK_RECORDS];
	(void)state;
	acks_init(&a, &heap_default);
	acks_note(&a, 2, 7);
	for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
		acks_again(&a, 400 * MS, at(1000));
		assert_int_equal(a.deadline_ns, (1000 + waits[i]) * MS);
		acks_tick(&a, at(1000 + waits[i]));
		assert_true(a.due);
		assert_int_equal(told(&a, ALL, got), 1);
	}
	acks_note(&a, 2, 7);
	acks_again(&a, 400 * MS, at(1000));
	assert_int_equal(a.deadline_ns, (1000 + 25600) * MS);
	acks_note(&a, 2, 8);
	acks_again(&a, 400 * MS, at(1000));
	assert_int_equal(a.deadline_ns, (1000 + 400) * MS);
	acks_again(&a, UINT64_C(1) << 50, (tern_time){.mono_ns = TERN_NEVER - 5});
	assert_int_equal(a.deadline_ns, TERN_NEVER - 1);
	acks_clear(&a);
}

/* What was told is named again in what is told soon after; once nothing is to be told, it is forgotten. */
static void rest(void **state)
{
	static const struct {
		const char *name;
		bool notes, hurries, arms, tells;
		size_t kept;
	} cases[] = {
		{"nothing noted", false, false, false, false, 0},
		{"due", true, true, false, false, 1},
		{"armed", true, false, true, false, 1},
		{"told", true, true, false, true, 0},
		{"told and armed anew", true, true, true, true, 1},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct count_heap heap = {0};
		tern_allocator allocator = count_heap_allocator(&heap);
		uint64_t got[ACK_RECORDS];
		struct acks a;
		acks_init(&a, &allocator);
		if (cases[i].notes)
			acks_note(&a, 3, 5);
		if (cases[i].hurries)
			acks_hurry(&a);
		if (cases[i].tells)
			assert_int_equal(told(&a, ALL, got), 1);
		if (cases[i].arms)
			acks_arm(&a, 400 * MS, at(1000));
		acks_rest(&a);
		if (heap.blocks != cases[i].kept || a.num != cases[i].kept || told(&a, ALL, got) != cases[i].kept)
			fail_msg("%s", cases[i].name);
		acks_clear(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_told),
		cmocka_unit_test(not_even_empty),
		cmocka_unit_test(behind_other_bytes),
		cmocka_unit_test(a_few_take_little),
		cmocka_unit_test(oldest_give_way),
		cmocka_unit_test(when),
		cmocka_unit_test(shared),
		cmocka_unit_test(again),
		cmocka_unit_test(rest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
