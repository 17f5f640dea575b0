/* src/compress/memory.c */
#include "compress/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "count_heap.h"

#define BUDGET 1000

static void within_the_budget(void **state)
{
	struct count_heap heap = {0};
	tern_allocator allocator = count_heap_allocator(&heap);
	struct compress_memory memory = {&allocator, BUDGET, false};
	uint8_t *a, *b;
	(void)state;
	assert_null(compress_alloc(&memory, BUDGET));
	assert_null(compress_alloc(&memory, SIZE_MAX));
	a = compress_alloc(&memory, BUDGET / 2);
	assert_non_null(a);
	memset(a, 1, BUDGET / 2);
	assert_null(compress_alloc(&memory, BUDGET / 2));
	b = compress_alloc(&memory, BUDGET / 4);
	assert_non_null(b);
	assert_true(heap.live <= BUDGET);
	compress_free(&memory, a);
	a = compress_alloc(&memory, BUDGET / 2); /* what was freed counts no longer */
	assert_non_null(a);
	compress_free(&memory, NULL);
	compress_free(&memory, b);
	compress_free(&memory, a);
	assert_int_equal(memory.left, BUDGET);
	assert_int_equal(heap.live, 0);
	assert_false(memory.ran_out);
}

static void aligned(void **state)
{
	struct count_heap heap = {0};
	tern_allocator allocator = count_heap_allocator(&heap);
	struct compress_memory memory = {&allocator, BUDGET, false};
	void *p = compress_alloc(&memory, 1);
	(void)state;
	assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
	compress_free(&memory, p);
}

static void out_of_memory_is_told_apart(void **state)
{
	struct count_heap heap = {.fail_at = 1};
	tern_allocator allocator = count_heap_allocator(&heap);
	struct compress_memory memory = {&allocator, BUDGET, false};
	(void)state;
	assert_null(compress_alloc(&memory, 8));
	assert_true(memory.ran_out);
	assert_int_equal(memory.left, BUDGET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(within_the_budget),
		cmocka_unit_test(aligned),
		cmocka_unit_test(out_of_memory_is_told_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
