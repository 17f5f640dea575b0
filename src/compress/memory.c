#include "compress/memory.h"

#include "base/span.h"

#define FRONT 16 /* holds the size, and keeps the alignment */

void *compress_alloc(void *memory, size_t n)
{
	struct compress_memory *m = memory;
	uint8_t *p;
	if (m->left < FRONT || n > m->left - FRONT)
		return NULL;
	n += FRONT;
	p = m->heap->alloc(m->heap->user, n);
	if (!p) {
		m->ran_out = true;
		return NULL;
	}
	m->left -= n;
	memcpy(p, &n, sizeof n);
	return p + FRONT;
}

void compress_free(void *memory, void *p)
{
	struct compress_memory *m = memory;
	uint8_t *start;
	size_t n;
	if (!p)
		return;
	start = (uint8_t *)p - FRONT;
	memcpy(&n, start, sizeof n);
	m->left += n;
	heap_free(m->heap, start, n);
}
