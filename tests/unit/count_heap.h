/* count_heap.h - an allocator that counts, aborts when a size at free is not the one at alloc, and fails on demand.
 * Used by tests and by fuzz targets. */
#ifndef TERN_TESTS_COUNT_HEAP_H
#define TERN_TESTS_COUNT_HEAP_H

#include <stdlib.h>
#include <string.h>

#include "base/heap.h"

struct count_heap {
	size_t live, blocks; /* bytes and allocations not freed */
	size_t allocs; /* so far */
	size_t fail_at; /* the allocation that fails; 0: none */
};

#define COUNT_HEAP_FRONT 16

static void *count_heap_alloc(void *user, size_t n)
{
	struct count_heap *h = user;
	uint8_t *p;
	if (++h->allocs == h->fail_at)
		return NULL;
	p = malloc(n + COUNT_HEAP_FRONT);
	if (!p)
		abort();
	memcpy(p, &n, sizeof n);
	h->live += n;
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
	h->live -= n;
	h->blocks--;
	free(start);
}

static inline tern_allocator count_heap_allocator(struct count_heap *h)
{
	return (tern_allocator){count_heap_alloc, count_heap_free, h};
}

#endif
