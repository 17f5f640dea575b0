/* heap.h - the caller's allocator. Every allocation of the library goes through here. */
#ifndef TERN_BASE_HEAP_H
#define TERN_BASE_HEAP_H

#include "tern/tern.h"

/* n zeroed bytes, or NULL. */
void *heap_alloc(const tern_allocator *heap, size_t n);

/* Wipes and frees; p may be NULL. n is what was asked for. */
void heap_free(const tern_allocator *heap, void *p, size_t n);

/* A copy of n bytes; NULL when memory is out (never for n = 0: then one byte is allocated). */
void *heap_copy(const tern_allocator *heap, const void *p, size_t n);
void heap_free_copy(const tern_allocator *heap, void *p, size_t n); /* frees what heap_copy(n) gave */

/* malloc and free. */
extern const tern_allocator heap_default;

#endif
