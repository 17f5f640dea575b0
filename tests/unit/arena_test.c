/* src/base/arena.c, src/base/heap.c */
#include "base/arena.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "count_heap.h"

static void check_fresh(const uint8_t *p, size_t n)
{
	assert_non_null(p);
	assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p[i], 0);
}

static void uses_the_first_block_first(void **state)
{
	alignas(max_align_t) uint8_t first[256];
	struct count_heap c = {0};
	tern_allocator heap = count_heap_allocator(&c);
	struct arena a;
	uint8_t *p, *q;
	(void)state;
	memset(first, 0xa5, sizeof first);
	arena_init(&a, &heap, first + 1, sizeof first - 1, 100000);
	p = arena_alloc(&a, 3);
	q = arena_alloc(&a, 100);
	check_fresh(p, 3);
	check_fresh(q, 100);
	assert_true(p > first && q >= p + 3 && q + 100 <= first + sizeof first);
	assert_int_equal(c.allocs, 0);
	p = arena_alloc(&a, 200);
	check_fresh(p, 200);
	assert_true(p < first || p >= first + sizeof first);
	assert_int_equal(c.blocks, 1);
	assert_int_equal(a.used, c.live);
	arena_free(&a);
	assert_int_equal(c.blocks, 0);
}

/* Fills all that it got and finds it again; overlapping pieces would show. */
static void pieces_do_not_overlap(void **state)
{
	struct count_heap c = {0};
	tern_allocator heap = count_heap_allocator(&c);
	struct arena a;
	uint8_t *pieces[200];
	(void)state;
	arena_init(&a, &heap, NULL, 0, 100000);
	for (size_t i = 0; i < 200; i++) {
		pieces[i] = arena_alloc(&a, i + 1);
		check_fresh(pieces[i], i + 1);
		memset(pieces[i], (int)(i + 1), i + 1);
	}
	for (size_t i = 0; i < 200; i++)
		for (size_t j = 0; j <= i; j++)
			assert_int_equal(pieces[i][j], i + 1);
	assert_true(c.blocks > 1 && c.blocks < 20);
	assert_int_equal(a.used, c.live);
	arena_free(&a);
	assert_int_equal(c.blocks, 0);
}

static void keeps_to_its_cap(void **state)
{
	static const struct {
		const char *name;
		size_t cap, n;
		bool ok;
	} cases[] = {
		{"no heap at all", 0, 1, false},
		{"less than a block", 1000, 1, false},
		{"a large piece", 10000, 9000, true},
		{"a piece as large as the cap, and its block's head", 10000, 10000, false},
		{"a piece larger than the cap", 10000, 10001, false},
		{"the largest piece", 10000, SIZE_MAX, false},
		{"almost the largest piece", 10000, SIZE_MAX - 16, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct count_heap c = {0};
		tern_allocator heap = count_heap_allocator(&c);
		struct arena a;
		arena_init(&a, &heap, NULL, 0, cases[i].cap);
		if ((arena_alloc(&a, cases[i].n) != NULL) != cases[i].ok || (!cases[i].ok && c.allocs))
			fail_msg("%s", cases[i].name);
		arena_free(&a);
		assert_int_equal(c.blocks, 0);
	}
}

static void ends_at_its_cap(void **state)
{
	struct count_heap c = {0};
	tern_allocator heap = count_heap_allocator(&c);
	struct arena a;
	size_t n = 0;
	(void)state;
	arena_init(&a, &heap, NULL, 0, 10000);
	while (n < 1000 && arena_alloc(&a, 100))
		n++;
	assert_true(n >= 60 && n < 100);
	assert_true(c.live <= 10000);
	assert_null(arena_alloc(&a, 100));
	arena_free(&a);
	assert_int_equal(c.blocks, 0);
}

static void survives_failure(void **state)
{
	struct count_heap c = {.fail_at = 1, .fail_on = true};
	tern_allocator heap = count_heap_allocator(&c);
	struct arena a;
	struct span copy;
	(void)state;
	arena_init(&a, &heap, NULL, 0, 100000);
	assert_null(arena_alloc(&a, 10));
	copy = arena_copy(&a, span_of("abc", 3));
	assert_true(copy.p == NULL && copy.n == 0);
	assert_int_equal(a.used, 0);
	c.fail_at = 0;
	check_fresh(arena_alloc(&a, 10), 10);
	arena_free(&a);
	assert_int_equal(c.blocks, 0);
}

static void copies(void **state)
{
	uint8_t source[3] = {1, 2, 3};
	struct count_heap c = {0};
	tern_allocator heap = count_heap_allocator(&c);
	struct arena a;
	struct span copy, empty;
	(void)state;
	arena_init(&a, &heap, NULL, 0, 100000);
	copy = arena_copy(&a, span_of(source, 3));
	empty = arena_copy(&a, span_of(NULL, 0));
	source[0] = 9;
	assert_true(span_equal(copy, span_of("\1\2\3", 3)));
	assert_true(empty.p != NULL && empty.n == 0);
	arena_free(&a);
	arena_free(&a);
	assert_int_equal(c.blocks, 0);
}

/* Nothing asked for is still a place, in an arena that has none yet. */
static void empty_pieces(void **state)
{
	struct count_heap c = {0};
	tern_allocator heap = count_heap_allocator(&c);
	struct arena a;
	(void)state;
	arena_init(&a, &heap, NULL, 0, 100000);
	assert_non_null(arena_alloc(&a, 0));
	arena_free(&a);
	assert_int_equal(c.blocks, 0);
}

static void heap_calls(void **state)
{
	struct count_heap c = {0};
	tern_allocator heap = count_heap_allocator(&c);
	uint8_t *p = heap_alloc(&heap, 10), *q = heap_copy(&heap, "abc", 3), *r = heap_copy(&heap, NULL, 0);
	(void)state;
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(p[i], 0);
	assert_memory_equal(q, "abc", 3);
	assert_non_null(r);
	memset(p, 1, 10);
	heap_free(&heap, p, 10);
	heap_free_copy(&heap, q, 3);
	heap_free_copy(&heap, r, 0);
	heap_free(&heap, NULL, 5);
	assert_int_equal(c.blocks, 0);
	c.fail_at = c.allocs + 1;
	c.fail_on = true;
	assert_null(heap_alloc(&heap, 1));
	assert_null(heap_copy(&heap, "a", 1));
	p = heap_alloc(&heap_default, 4);
	assert_non_null(p);
	heap_free(&heap_default, p, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uses_the_first_block_first),
		cmocka_unit_test(pieces_do_not_overlap),
		cmocka_unit_test(keeps_to_its_cap),
		cmocka_unit_test(ends_at_its_cap),
		cmocka_unit_test(survives_failure),
		cmocka_unit_test(copies),
		cmocka_unit_test(empty_pieces),
		cmocka_unit_test(heap_calls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
