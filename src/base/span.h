/* span.h - a borrowed run of bytes. Never owns; lifetime is the owner's. */
#ifndef TERN_BASE_SPAN_H
#define TERN_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A test that has memcheck watch secrets (tests/secret) is told here what may be known. */
#ifdef TERN_CONSTTIME
#include <valgrind/memcheck.h>
#define DECLASSIFY(p, n) (void)VALGRIND_MAKE_MEM_DEFINED(p, n)
#else
#define DECLASSIFY(p, n) (void)0
#endif

struct span {
	const uint8_t *p;
	size_t n;
};

static inline struct span span_of(const void *p, size_t n)
{
	return (struct span){p, n};
}

static inline bool span_equal(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* For secrets: time depends on the lengths only. */
static inline bool span_equal_secret(struct span a, struct span b)
{
	uint8_t different = 0;
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		different |= (uint8_t)(a.p[i] ^ b.p[i]);
	DECLASSIFY(&different, sizeof different);
	return different == 0;
}

/* A memset that is not optimized away: the compiler must assume that the empty statement reads the bytes. */
static inline void wipe(void *p, size_t n)
{
#if defined(__GNUC__)
	if (!n)
		return;
	memset(p, 0, n);
	__asm__ __volatile__("" : : "r"(p) : "memory");
#else
	volatile uint8_t *v = p;
	while (n--)
		*v++ = 0;
#endif
}

#endif
