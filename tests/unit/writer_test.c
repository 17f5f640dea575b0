/* src/base/writer.h */
#include "base/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void put_numbers(struct wr *w)
{
	wr_u8(w, 0x81);
	wr_u16(w, 0x8283);
	wr_u24(w, 0x848586);
	wr_u32(w, 0x8788898a);
	wr_u48(w, UINT64_C(0x8b8c8d8e8f90));
	wr_u64(w, UINT64_C(0x9192939495969798));
}

static void put_vectors(struct wr *w)
{
	wr_vec8(w, span_of("a", 1));
	wr_vec16(w, span_of("bc", 2));
	wr_vec24(w, span_of("def", 3));
	wr_vec8(w, span_of(NULL, 0));
}

static void put_nested(struct wr *w)
{
	size_t outer = wr_open16(w), middle = wr_open24(w), inner = wr_open8(w);
	wr_u8(w, 1);
	wr_close8(w, inner);
	wr_close24(w, middle);
	wr_bytes(w, span_of("xy", 2));
	wr_close16(w, outer);
}

static const struct {
	const char *name;
	void (*put)(struct wr *w);
	const char *bytes;
	size_t n;
} cases[] = {
	{"numbers", put_numbers,
	 "\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98", 24},
	{"vectors", put_vectors, "\1a\0\2bc\0\0\3def\0", 13},
	{"nested marks", put_nested, "\0\7\0\0\2\1\1xy", 9},
};

static void writes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t out[64];
		struct wr w = wr_of(out, sizeof out);
		cases[i].put(&w);
		if (!wr_ok(&w) || !span_equal(wr_span(&w), span_of(cases[i].bytes, cases[i].n)))
			fail_msg("%s", cases[i].name);
	}
}

/* In every buffer that is too small the error sticks and nothing is written behind the end. */
static void notices_overflow(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (size_t cap = 0; cap <= cases[i].n; cap++) {
			uint8_t *out = malloc(cap ? cap : 1);
			struct wr w = wr_of(out, cap);
			assert_non_null(out);
			cases[i].put(&w);
			if (wr_ok(&w) != (cap == cases[i].n) || w.n > cap)
				fail_msg("%s in %zu bytes", cases[i].name, cap);
			free(out);
		}
}

static void error_sticks(void **state)
{
	uint8_t out[4] = {0};
	struct wr w = wr_of(out, sizeof out);
	(void)state;
	wr_u8(&w, 1);
	wr_bytes(&w, span_of("abcd", 4));
	assert_false(wr_ok(&w));
	wr_u8(&w, 2);
	assert_false(wr_ok(&w));
	assert_null(wr_reserve(&w, 1));
	assert_int_equal(w.n, 1);
	assert_memory_equal(out, "\1\0\0\0", 4);
}

static void reserves(void **state)
{
	uint8_t out[4];
	struct wr w = wr_of(out, sizeof out);
	(void)state;
	assert_ptr_equal(wr_reserve(&w, 1), out);
	assert_ptr_equal(wr_reserve(&w, 3), out + 1);
	assert_true(wr_ok(&w));
	assert_null(wr_reserve(&w, 1));
	assert_false(wr_ok(&w));
	w = wr_of(out, sizeof out);
	assert_null(wr_reserve(&w, SIZE_MAX));
	assert_false(wr_ok(&w));
}

static void notices_long_vectors(void **state)
{
	static const struct {
		const char *name;
		void (*put)(struct wr *w, struct span s);
		size_t max;
	} vectors[] = {
		{"8", wr_vec8, 0xff},
		{"16", wr_vec16, 0xffff},
		{"24", wr_vec24, 0xffffff},
	};
	enum { N = 0x1000000 };
	uint8_t *in = calloc(1, N), *out = malloc(N + 3);
	(void)state;
	assert_true(in && out);
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		struct wr w = wr_of(out, N + 3);
		vectors[i].put(&w, span_of(in, vectors[i].max));
		if (!wr_ok(&w) || out[0] != 0xff)
			fail_msg("%s: the longest is refused", vectors[i].name);
		w = wr_of(out, N + 3);
		vectors[i].put(&w, span_of(in, vectors[i].max + 1));
		if (wr_ok(&w))
			fail_msg("%s: a longer one is written", vectors[i].name);
	}
	free(in);
	free(out);
}

static void writes_nothing(void **state)
{
	struct wr w = wr_of(NULL, 0);
	(void)state;
	wr_bytes(&w, span_of(NULL, 0));
	assert_true(wr_ok(&w) && wr_span(&w).n == 0);
	wr_u8(&w, 1);
	assert_false(wr_ok(&w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes),   cmocka_unit_test(notices_overflow),	    cmocka_unit_test(error_sticks),
		cmocka_unit_test(reserves), cmocka_unit_test(notices_long_vectors), cmocka_unit_test(writes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
