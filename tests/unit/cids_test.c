/* src/record/cids.c */
#include "record/cids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "count_heap.h"
#include "pcg.h"

static const tern_allocator *heap_of(struct count_heap *heap, tern_allocator *room)
{
	*room = count_heap_allocator(heap);
	return room;
}

/* One of at most 8 bytes each way takes no memory. */
static void memory(void **state)
{
	uint8_t bytes[CID_MAX];
	(void)state;
	memset(bytes, 7, sizeof bytes);
	for (size_t n = 1; n <= CID_MAX; n++) {
		struct count_heap counted = {0};
		tern_allocator room;
		const tern_allocator *heap = heap_of(&counted, &room);
		struct cids c = {0};
		assert_int_equal(cids_add(&c, heap, CID_OURS, span_of(bytes, n)), TERN_OK);
		assert_int_equal(cids_add(&c, heap, CID_PEERS, span_of(bytes, n)), TERN_OK);
		assert_true((counted.live > 0) == (n > 8));
		assert_true(span_equal(cids_at(&c, CID_OURS, 0), span_of(bytes, n)));
		assert_int_equal(cids_at(&c, CID_OURS, 1).n, 0);
		cids_free(&c, heap);
		assert_int_equal(counted.live, 0);
		assert_int_equal(c.len[CID_OURS] + c.len[CID_PEERS], 0);
	}
}

static void refused(void **state)
{
	struct count_heap counted = {.fail_at = 1};
	tern_allocator room;
	const tern_allocator *heap = heap_of(&counted, &room);
	uint8_t bytes[CID_MAX + 1] = {1};
	struct cids c = {0};
	(void)state;
	assert_int_equal(cids_add(&c, heap, CID_OURS, span_of(bytes, 0)), TERN_ERROR_INTERNAL);
	assert_int_equal(cids_add(&c, heap, CID_OURS, span_of(bytes, CID_MAX + 1)), TERN_ERROR_INTERNAL);
	assert_int_equal(cids_add(&c, heap, CID_OURS, span_of(bytes, 9)), TERN_ERROR_NO_MEMORY);
	assert_int_equal(cids_num(&c, CID_OURS), 0);
	counted.fail_at = 0;
	for (size_t i = 0; i < CIDS_MAX; i++)
		assert_int_equal(cids_add(&c, heap, CID_OURS, span_of(bytes, i + 1)), TERN_OK);
	assert_int_equal(cids_add(&c, heap, CID_OURS, span_of(bytes, 9)), TERN_ERROR_BUDGET);
	assert_int_equal(cids_add(&c, heap, CID_PEERS, span_of(bytes, 9)), TERN_OK);
	cids_free(&c, heap);
	assert_int_equal(counted.live, 0);
}

/* Against a plain array, with IDs of all lengths that begin with their number. */
static void as_a_list(void **state)
{
	static const size_t lengths[] = {1, 8, 9, 20, 255};
	struct count_heap counted = {0};
	tern_allocator room;
	const tern_allocator *heap = heap_of(&counted, &room);
	struct pcg rng;
	uint8_t list[2][CIDS_MAX][CID_MAX], next = 0;
	size_t lens[2][CIDS_MAX], num[2] = {0, 0}, i;
	struct cids c = {0};
	(void)state;
	pcg_seed(&rng, 9146, 1);
	for (int step = 0; step < 20000; step++) {
		enum cid_owner o = (enum cid_owner)pcg_below(&rng, 2);
		size_t n = lengths[pcg_below(&rng, 5)];
		if (num[o] < CIDS_MAX && pcg_below(&rng, 9) < 5) {
			memset(list[o][num[o]], next, n);
			assert_int_equal(cids_add(&c, heap, o, span_of(list[o][num[o]], n)), TERN_OK);
			lens[o][num[o]++] = n;
			next = (uint8_t)(next + 1) % 200;
		} else if (num[o]) {
			cids_drop_first(&c, heap, o);
			num[o]--;
			memmove(list[o][0], list[o][1], num[o] * sizeof list[o][0]);
			memmove(&lens[o][0], &lens[o][1], num[o] * sizeof lens[o][0]);
		}
		assert_int_equal(cids_num(&c, o), num[o]);
		for (size_t k = 0; k < num[o]; k++)
			assert_true(span_equal(cids_at(&c, o, k), span_of(list[o][k], lens[o][k])));
		if (num[CID_OURS]) {
			size_t k = pcg_below(&rng, (uint32_t)num[CID_OURS]);
			assert_true(cids_match(&c, span_of(list[CID_OURS][k], lens[CID_OURS][k]), &i));
			assert_int_equal(list[CID_OURS][i][0], list[CID_OURS][k][0]);
			assert_false(cids_match(&c, span_of("\377", 1), &i));
		}
	}
	cids_free(&c, heap);
	assert_int_equal(counted.live, 0);
}

/* What is shorter than one of ours does not match it, whatever follows in memory. */
static void match(void **state)
{
	struct count_heap counted = {0};
	tern_allocator room;
	const tern_allocator *heap = heap_of(&counted, &room);
	struct cids c = {0};
	size_t i = 9;
	(void)state;
	assert_false(cids_match(&c, span_of("abc", 3), &i));
	assert_int_equal(cids_add(&c, heap, CID_OURS, span_of("abcd", 4)), TERN_OK);
	assert_int_equal(cids_add(&c, heap, CID_OURS, span_of("xy", 2)), TERN_OK);
	assert_int_equal(cids_add(&c, heap, CID_PEERS, span_of("z", 1)), TERN_OK);
	assert_false(cids_match(&c, span_of("abcd", 3), &i));
	assert_false(cids_match(&c, span_of("abce", 4), &i));
	assert_false(cids_match(&c, span_of("z", 1), &i));
	assert_true(cids_match(&c, span_of("abcdef", 6), &i));
	assert_int_equal(i, 0);
	assert_true(cids_match(&c, span_of("xyz", 3), &i));
	assert_int_equal(i, 1);
	cids_free(&c, heap);
}

/* Which were left behind, and when the replaced ones are done with. */
static void moves(void **state)
{
	struct count_heap counted = {0};
	tern_allocator room;
	const tern_allocator *heap = heap_of(&counted, &room);
	struct cids c = {0};
	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(cids_add(&c, heap, CID_OURS, span_of(&"abcd"[i], 1)), TERN_OK);
	cids_note(&c, 3);
	assert_false(c.moved); /* none is replaced */
	c.replaced = 2;
	cids_note(&c, 1);
	assert_false(c.moved);
	assert_int_equal(c.used, 1);
	cids_note(&c, 2);
	assert_true(c.moved);
	cids_drop_first(&c, heap, CID_OURS);
	assert_int_equal(c.replaced, 1);
	assert_int_equal(c.used, 1);
	cids_drop_first(&c, heap, CID_OURS);
	assert_int_equal(c.replaced, 0);
	assert_int_equal(c.used, 0);
	assert_true(span_equal(cids_at(&c, CID_OURS, c.used), span_of("c", 1)));
	cids_drop_first(&c, heap, CID_OURS);
	assert_int_equal(c.used, 0);
	cids_free(&c, heap);
	assert_int_equal(counted.live, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory), cmocka_unit_test(refused), cmocka_unit_test(as_a_list),
		cmocka_unit_test(match),  cmocka_unit_test(moves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
