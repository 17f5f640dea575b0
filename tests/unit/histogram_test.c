/* cli/histogram.c */
#include "../../cli/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct histogram h;

static void near(uint64_t got, uint64_t want)
{
	if (got < want || got > want + want / 31)
		fail_msg("%llu, not %llu", (unsigned long long)got, (unsigned long long)want);
}

static void nothing(void **state)
{
	(void)state;
	memset(&h, 0, sizeof h);
	assert_int_equal(histogram_quantile(&h, 0.5), 0);
	assert_int_equal(histogram_quantile(&h, 1), 0);
}

static void one_of_each_size(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		uint64_t ns = i < 63 ? UINT64_C(1) << i : UINT64_MAX;
		memset(&h, 0, sizeof h);
		histogram_add(&h, ns);
		assert_int_equal(histogram_quantile(&h, 0), ns);
		assert_int_equal(histogram_quantile(&h, 1), ns);
	}
}

static void a_thousand(void **state)
{
	static const double quantiles[] = {0.001, 0.1, 0.5, 0.9, 0.99, 0.999};
	(void)state;
	for (uint64_t scale = 1; scale < 1000000000; scale *= 7) {
		memset(&h, 0, sizeof h);
		for (uint64_t i = 0; i < 1000; i++)
			histogram_add(&h, (i * 389 % 1000 + 1) * scale); /* 1 to 1000, in disorder */
		for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++)
			near(histogram_quantile(&h, quantiles[i]), (uint64_t)(quantiles[i] * 1000 + 1) * scale);
		assert_int_equal(histogram_quantile(&h, 1), 1000 * scale);
		assert_int_equal(h.num, 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing),
		cmocka_unit_test(one_of_each_size),
		cmocka_unit_test(a_thousand),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
