/* arena.h - memory that lives exactly as long as one handshake: bump allocation from a first block that came with the
 * owner, then from blocks of the heap, up to a cap; freed and wiped as a whole. */
#ifndef TERN_BASE_ARENA_H
#define TERN_BASE_ARENA_H

#include "base/heap.h"
#include "base/span.h"

struct arena_block;

struct arena {
	const tern_allocator *heap;
	uint8_t *p; /* next free byte of the current block */
	size_t left; /* bytes left in it */
	size_t used; /* bytes taken from the heap */
	size_t cap; /* most bytes to take from the heap */
	struct arena_block *blocks;
};

/* first: n bytes for a start, owned by the caller, or NULL. */
void arena_init(struct arena *a, const tern_allocator *heap, void *first, size_t n, size_t cap);
void arena_free(struct arena *a);

/* n zeroed bytes, aligned for anything; NULL when the cap is reached or memory is out. */
void *arena_alloc(struct arena *a, size_t n);

/* A copy of s; p is NULL when there is no room (and never otherwise). */
struct span arena_copy(struct arena *a, struct span s);

#endif
