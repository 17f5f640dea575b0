/* histogram.h - how often which duration was seen, within 3 %, in a fixed few kilobytes. */
#ifndef TERN_CLI_HISTOGRAM_H
#define TERN_CLI_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_PARTS = 32, HISTOGRAM_BUCKETS = 60 * HISTOGRAM_PARTS };

struct histogram {
	uint64_t num, max_ns;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t ns);
/* The duration that the share q (0 to 1) of all does not exceed; 0 when there are none. */
uint64_t histogram_quantile(const struct histogram *h, double q);

#endif
