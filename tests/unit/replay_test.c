/* src/record/replay.c. RFC 6347 4.1.2.6, RFC 9147 4.5.1. */
#include "record/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "count_heap.h"
#include "pcg.h"

#define STEPS 8

static void tables(void **state)
{
	/* Marks the numbers in order, each only if it checks as said. */
	static const struct {
		const char *name;
		uint16_t size;
		struct {
			uint64_t seq;
			tern_drop want;
		} steps[STEPS];
		size_t num;
	} cases[] = {
		{"first number may be anything", 64, {{0, TERN_DROP_NONE}, {0, TERN_DROP_REPLAYED}}, 2},
		{"late ones within the window",
		 64,
		 {{63, TERN_DROP_NONE}, {0, TERN_DROP_NONE}, {0, TERN_DROP_REPLAYED}, {63, TERN_DROP_REPLAYED}},
		 4},
		{"left edge",
		 64,
		 {{64, TERN_DROP_NONE}, {0, TERN_DROP_TOO_OLD}, {1, TERN_DROP_NONE}, {1, TERN_DROP_REPLAYED}},
		 4},
		{"jump of exactly the window",
		 64,
		 {{0, TERN_DROP_NONE}, {64, TERN_DROP_NONE}, {0, TERN_DROP_TOO_OLD}, {1, TERN_DROP_NONE}},
		 4},
		{"jump of the window less one",
		 64,
		 {{0, TERN_DROP_NONE}, {63, TERN_DROP_NONE}, {0, TERN_DROP_REPLAYED}, {1, TERN_DROP_NONE}},
		 4},
		{"greatest number of DTLS 1.2",
		 64,
		 {{(UINT64_C(1) << 48) - 1, TERN_DROP_NONE},
		  {(UINT64_C(1) << 48) - 1, TERN_DROP_REPLAYED},
		  {(UINT64_C(1) << 48) - 64, TERN_DROP_NONE},
		  {(UINT64_C(1) << 48) - 65, TERN_DROP_TOO_OLD}},
		 4},
		{"wide: edges",
		 128,
		 {{128, TERN_DROP_NONE},
		  {0, TERN_DROP_TOO_OLD},
		  {1, TERN_DROP_NONE},
		  {1, TERN_DROP_REPLAYED},
		  {129, TERN_DROP_NONE},
		  {1, TERN_DROP_TOO_OLD},
		  {2, TERN_DROP_NONE},
		  {128, TERN_DROP_REPLAYED}},
		 8},
		{"wide: jump clears all",
		 8192,
		 {{5, TERN_DROP_NONE}, {5 + 8192, TERN_DROP_NONE}, {5, TERN_DROP_TOO_OLD}, {6, TERN_DROP_NONE}},
		 4},
		{"off",
		 REPLAY_OFF,
		 {{7, TERN_DROP_NONE},
		  {7, TERN_DROP_NONE},
		  {0, TERN_DROP_NONE},
		  {900, TERN_DROP_NONE},
		  {1, TERN_DROP_NONE}},
		 5},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct replay w;
		assert_int_equal(replay_init(&w, cases[i].size, &heap_default), TERN_OK);
		for (size_t k = 0; k < cases[i].num; k++) {
			tern_drop got = replay_check(&w, cases[i].size, cases[i].steps[k].seq);
			if (got != cases[i].steps[k].want)
				fail_msg("%s: step %zu: %s", cases[i].name, k, tern_drop_sentence(got));
			if (got == TERN_DROP_NONE)
				replay_mark(&w, cases[i].size, cases[i].steps[k].seq);
		}
		replay_free(&w, cases[i].size, &heap_default);
	}
}

/* The twin: one byte per number. */
#define NUMBERS 65536
static uint8_t seen[NUMBERS];

static tern_drop twin(uint64_t highest, bool any, uint16_t size, uint64_t seq)
{
	if (any && seq <= highest && highest - seq >= size)
		return TERN_DROP_TOO_OLD;
	return seen[seq] ? TERN_DROP_REPLAYED : TERN_DROP_NONE;
}

static uint64_t pick(struct pcg *r, uint64_t highest, uint16_t size)
{
	uint64_t near = highest + pcg_below(r, 6);
	switch (pcg_below(r, 8)) {
	case 0:
		return highest + pcg_below(r, 2u * size);
	case 1:
	case 2:
		return near;
	default:
		near = pcg_below(r, size + 8u);
		return near > highest ? 0 : highest - near;
	}
}

static void model(void **state)
{
	static const uint16_t sizes[] = {64, 128, 192, 1024, 8192};
	(void)state;
	for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
		for (uint64_t seed = 0; seed < 8; seed++) {
			struct pcg r = {seed * 77 + s};
			struct replay w;
			uint64_t highest = 0;
			bool any = false;
			memset(seen, 0, sizeof seen);
			assert_int_equal(replay_init(&w, sizes[s], &heap_default), TERN_OK);
			for (size_t i = 0; i < 20000; i++) {
				uint64_t seq = pick(&r, highest, sizes[s]);
				tern_drop want, got;
				if (seq >= NUMBERS)
					break;
				want = twin(highest, any, sizes[s], seq);
				got = replay_check(&w, sizes[s], seq);
				if (got != want)
					fail_msg("size %u seed %u step %zu", sizes[s], (unsigned)seed, i);
				/* One in four fails authentication and leaves no mark. */
				if (got != TERN_DROP_NONE || pcg_below(&r, 4) == 0)
					continue;
				replay_mark(&w, sizes[s], seq);
				seen[seq] = 1;
				highest = seq > highest ? seq : highest;
				any = true;
			}
			replay_free(&w, sizes[s], &heap_default);
		}
	}
}

static void memory(void **state)
{
	struct count_heap h = {.fail_at = 1};
	tern_allocator heap = count_heap_allocator(&h);
	struct replay w;
	(void)state;
	assert_int_equal(replay_init(&w, 64, &heap), TERN_OK);
	assert_int_equal(h.allocs, 0);
	replay_free(&w, 64, &heap);
	assert_int_equal(replay_init(&w, 128, &heap), TERN_ERROR_NO_MEMORY);
	replay_free(&w, 128, &heap);
	assert_int_equal(replay_init(&w, 8192, &heap), TERN_OK);
	assert_int_equal(h.live, 1024);
	replay_free(&w, 8192, &heap);
	assert_int_equal(h.live, 0);
	assert_true(sizeof(struct replay) <= 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables),
		cmocka_unit_test(model),
		cmocka_unit_test(memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
