/* random.h - numbers for tests that must repeat: PCG32. */
#ifndef TERN_TESTS_RANDOM_H
#define TERN_TESTS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

static inline uint32_t random_u32(struct random *r)
{
	uint64_t old = r->state;
	uint32_t shifted = (uint32_t)((old >> 18 ^ old) >> 27), turn = (uint32_t)(old >> 59);
	r->state = old * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return shifted >> turn | shifted << (-turn & 31);
}

/* 0 to n - 1; n is not 0. */
static inline uint32_t random_below(struct random *r, uint32_t n)
{
	return (uint32_t)((uint64_t)random_u32(r) * n >> 32);
}

static inline void random_fill(struct random *r, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)random_u32(r);
}

#endif
