/* pcg.h - random numbers that repeat: PCG32 (XSH RR), one state word; {seed} is a good enough
 * start where one sequence is all. */
#ifndef TERN_TESTS_PCG_H
#define TERN_TESTS_PCG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pcg {
	uint64_t state;
};

static inline uint32_t pcg_next(struct pcg *p)
{
	uint64_t s = p->state;
	uint32_t x = (uint32_t)(((s >> 18) ^ s) >> 27), turn = (uint32_t)(s >> 59);
	p->state = s * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return x >> turn | x << (-turn & 31);
}

/* stream: an independent sequence for every user of one seed. */
static inline void pcg_seed(struct pcg *p, uint64_t seed, uint64_t stream)
{
	p->state = seed * UINT64_C(0x9e3779b97f4a7c15) ^ (stream + 1) * UINT64_C(0xbf58476d1ce4e5b9);
	(void)pcg_next(p);
	p->state += seed;
	(void)pcg_next(p);
}

/* 0 to n - 1; n 0 gives 0. */
static inline uint32_t pcg_below(struct pcg *p, uint32_t n)
{
	return (uint32_t)((uint64_t)pcg_next(p) * n >> 32);
}

static inline bool pcg_percent(struct pcg *p, uint32_t percent)
{
	return pcg_below(p, 100) < percent;
}

static inline void pcg_fill(struct pcg *p, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(pcg_next(p) >> 24);
}

#endif
