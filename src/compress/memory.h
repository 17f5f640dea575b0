/* memory.h - a tern_allocator as decompressors want one, which free without a size; and no more than a budget. */
#ifndef TERN_COMPRESS_MEMORY_H
#define TERN_COMPRESS_MEMORY_H

#include "base/heap.h"

struct compress_memory {
	const tern_allocator *heap;
	size_t left; /* bytes that may still be allocated */
	bool ran_out; /* of the heap, not of the budget */
};

void *compress_alloc(void *memory, size_t n); /* NULL: memory ran out, or the budget */
void compress_free(void *memory, void *p);

#endif
