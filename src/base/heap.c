#include "base/heap.h"

#include <stdlib.h>

#include "base/span.h"

static void *default_alloc(void *user, size_t n)
{
	(void)user;
	return malloc(n);
}

static void default_free(void *user, void *p, size_t n)
{
	(void)user;
	(void)n;
	free(p);
}

const tern_allocator heap_default = {default_alloc, default_free, NULL};

void *heap_alloc(const tern_allocator *heap, size_t n)
{
	void *p = heap->alloc(heap->user, n);
	if (p)
		memset(p, 0, n);
	return p;
}

void heap_free(const tern_allocator *heap, void *p, size_t n)
{
	if (!p)
		return;
	wipe(p, n);
	heap->free(heap->user, p, n);
}

void *heap_copy(const tern_allocator *heap, const void *p, size_t n)
{
	void *copy = heap->alloc(heap->user, n ? n : 1);
	if (copy && n)
		memcpy(copy, p, n);
	return copy;
}

void heap_free_copy(const tern_allocator *heap, void *p, size_t n)
{
	heap_free(heap, p, n ? n : 1);
}
