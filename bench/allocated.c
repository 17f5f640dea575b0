/* Counts what is asked of the heap, by standing in front of it. */
#include <stddef.h>

#include "wire.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer)
#define HEAP_IS_TAKEN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define HEAP_IS_TAKEN
#endif

static uint64_t bytes;

uint64_t wire_allocated(void)
{
	return bytes;
}

#ifdef HEAP_IS_TAKEN
const bool wire_counts_allocations = false;
#else
const bool wire_counts_allocations = true;

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t num, size_t n);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
	bytes += n;
	return __libc_malloc(n);
}

void *calloc(size_t num, size_t n)
{
	bytes += num * n;
	return __libc_calloc(num, n);
}

void *realloc(void *p, size_t n)
{
	bytes += n;
	return __libc_realloc(p, n);
}
#endif
