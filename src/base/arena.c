#include "base/arena.h"

#include <stdalign.h>

#define BLOCK_MIN ((size_t)2048)
#define ALIGN (alignof(max_align_t))

struct arena_block {
	alignas(max_align_t) struct arena_block *next;
	size_t n; /* bytes asked of the heap */
};

void arena_init(struct arena *a, const tern_allocator *heap, void *first, size_t n, size_t cap)
{
	*a = (struct arena){.heap = heap, .p = first, .left = first ? n : 0, .cap = cap};
}

void arena_free(struct arena *a)
{
	struct arena_block *b = a->blocks;
	while (b) {
		struct arena_block *next = b->next;
		heap_free(a->heap, b, b->n);
		b = next;
	}
	*a = (struct arena){0};
}

static bool grow(struct arena *a, size_t n)
{
	size_t want = sizeof(struct arena_block) + (n > BLOCK_MIN ? n : BLOCK_MIN);
	struct arena_block *b;
	if (n > a->cap || want > a->cap - a->used)
		return false;
	b = heap_alloc(a->heap, want);
	if (!b)
		return false;
	b->next = a->blocks;
	b->n = want;
	a->blocks = b;
	a->used += want;
	a->p = (uint8_t *)(b + 1);
	a->left = want - sizeof *b;
	return true;
}

void *arena_alloc(struct arena *a, size_t n)
{
	size_t pad = (size_t)(-(uintptr_t)a->p & (ALIGN - 1));
	uint8_t *p;
	if (!a->p || a->left < pad || a->left - pad < n) {
		if (!grow(a, n))
			return NULL;
		pad = 0;
	}
	p = a->p + pad;
	a->p = p + n;
	a->left -= pad + n;
	memset(p, 0, n);
	return p;
}

struct span arena_copy(struct arena *a, struct span s)
{
	uint8_t *p = arena_alloc(a, s.n ? s.n : 1);
	if (!p)
		return span_of(NULL, 0);
	if (s.n)
		memcpy(p, s.p, s.n);
	return span_of(p, s.n);
}
