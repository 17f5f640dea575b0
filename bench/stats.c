#include <stdlib.h>
#include <time.h>

#include "bench.h"

static uint64_t overhead_ns;

uint64_t cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t cpu_ns_overhead(void)
{
	return overhead_ns;
}

void samples_add(struct samples *s, double value)
{
	if (s->num < SAMPLES_MAX)
		s->values[s->num++] = value;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double samples_median(struct samples *s)
{
	size_t half = s->num / 2;
	if (s->num == 0)
		return 0;
	qsort(s->values, s->num, sizeof s->values[0], compare);
	return s->num % 2 ? s->values[half] : (s->values[half - 1] + s->values[half]) / 2;
}

void stats_calibrate(void)
{
	struct samples s = {0};
	for (size_t i = 0; i < SAMPLES_MAX; i++) {
		uint64_t start = cpu_ns();
		samples_add(&s, (double)(cpu_ns() - start));
	}
	overhead_ns = (uint64_t)samples_median(&s);
}
