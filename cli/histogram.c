/* histogram.c - each power of two is cut into 32 equal parts. */
#include "histogram.h"

#include <stddef.h>

static size_t bucket_of(uint64_t ns)
{
	unsigned shift = 0;

	while (ns >> shift >= 2 * HISTOGRAM_PARTS)
		shift++;
	size_t bucket = (size_t)shift * HISTOGRAM_PARTS + (size_t)(ns >> shift);
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The largest duration that falls into it. */
static uint64_t end_of(size_t bucket)
{
	size_t shift = bucket < 2 * HISTOGRAM_PARTS ? 0 : bucket / HISTOGRAM_PARTS - 1;
	uint64_t part = bucket - shift * HISTOGRAM_PARTS;

	return ((part + 1) << shift) - 1;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
	h->num++;
	h->buckets[bucket_of(ns)]++;
	if (ns > h->max_ns)
		h->max_ns = ns;
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
	uint64_t left = (uint64_t)(q * (double)h->num);

	if (left >= h->num)
		return h->max_ns;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (left < h->buckets[i])
			return end_of(i) < h->max_ns ? end_of(i) : h->max_ns;
		left -= h->buckets[i];
	}
	return h->max_ns;
}
