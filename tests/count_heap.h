/* count_heap.h - an allocator that counts and fails on demand; it aborts when what comes back is not wiped or not of
 * the size that was asked for. Used by tests and by fuzz targets. */
#ifndef TERN_TESTS_COUNT_HEAP_H
#define TERN_TESTS_COUNT_HEAP_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"

struct count_heap {
	size_t live, blocks; /* bytes and allocations not freed */
	size_t peak; /* bytes, at the worst moment */
	size_t allocs; /* so far */
	size_t fail_at; /* the allocation that fails; 0: none */
	bool fail_on; /* and all after it */
};

#define COUNT_HEAP_FRONT 16

static void *count_heap_alloc(void *user, size_t n)
{
	struct count_heap *h = user;
	uint8_t *p;
	h->allocs++;
	if (h->allocs == h->fail_at || (h->fail_on && h->fail_at && h->allocs > h->fail_at))
		return NULL;
	p = malloc(n + COUNT_HEAP_FRONT);
	if (!p)
		abort();
	memcpy(p, &n, sizeof n);
	memset(p + COUNT_HEAP_FRONT, 0xa5, n);
	h->live += n;
	h->peak = h->live > h->peak ? h->live : h->peak;
	h->blocks++;
	return p + COUNT_HEAP_FRONT;
}

static void count_heap_free(void *user, void *p, size_t n)
{
	struct count_heap *h = user;
	uint8_t *start = (uint8_t *)p - COUNT_HEAP_FRONT;
	size_t asked;
	memcpy(&asked, start, sizeof asked);
	if (asked != n)
		abort();
	for (size_t i = 0; i < n; i++)
		if (start[COUNT_HEAP_FRONT + i])
			abort();
	h->live -= n;
	h->blocks--;
	free(start);
}

static inline tern_allocator count_heap_allocator(struct count_heap *h)
{
	return (tern_allocator){count_heap_alloc, count_heap_free, h};
}

#endif
