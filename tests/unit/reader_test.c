/* src/base/reader.h, src/base/span.h */
#include "base/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint8_t sample[] = {0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88};

static bool u8(struct rd *r, uint64_t *out)
{
	uint8_t v = (uint8_t)*out;
	bool ok = rd_u8(r, &v);
	*out = v;
	return ok;
}

static bool u16(struct rd *r, uint64_t *out)
{
	uint16_t v = (uint16_t)*out;
	bool ok = rd_u16(r, &v);
	*out = v;
	return ok;
}

static bool u24(struct rd *r, uint64_t *out)
{
	uint32_t v = (uint32_t)*out;
	bool ok = rd_u24(r, &v);
	*out = v;
	return ok;
}

static bool u32(struct rd *r, uint64_t *out)
{
	uint32_t v = (uint32_t)*out;
	bool ok = rd_u32(r, &v);
	*out = v;
	return ok;
}

static bool u48(struct rd *r, uint64_t *out)
{
	return rd_u48(r, out);
}

static bool u64(struct rd *r, uint64_t *out)
{
	return rd_u64(r, out);
}

static const struct {
	const char *name;
	bool (*get)(struct rd *r, uint64_t *out);
	size_t size;
	uint64_t value;
} numbers[] = {
	{"u8", u8, 1, 0x81},
	{"u16", u16, 2, 0x8182},
	{"u24", u24, 3, 0x818283},
	{"u32", u32, 4, 0x81828384},
	{"u48", u48, 6, UINT64_C(0x818283848586)},
	{"u64", u64, 8, UINT64_C(0x8182838485868788)},
};

static void reads_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		uint8_t *copy = malloc(numbers[i].size);
		uint64_t v = 0;
		struct rd r;
		assert_non_null(copy);
		memcpy(copy, sample, numbers[i].size);
		r = rd_of(span_of(copy, numbers[i].size));
		if (!numbers[i].get(&r, &v) || v != numbers[i].value || !rd_end(&r))
			fail_msg("%s", numbers[i].name);
		free(copy);
	}
}

static void refuses_short_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		for (size_t n = 0; n < numbers[i].size; n++) {
			struct rd r = rd_of(span_of(sample, n));
			uint64_t v = 0x5a;
			if (numbers[i].get(&r, &v) || v != 0x5a || r.p != sample)
				fail_msg("%s of %zu bytes", numbers[i].name, n);
		}
}

static void reads_vectors(void **state)
{
	static const struct {
		const char *name;
		bool (*get)(struct rd *r, struct span *out);
		size_t prefix;
		uint8_t bytes[8];
		size_t n;
		bool ok;
		size_t length;
	} cases[] = {
		{"8: empty", rd_span8, 1, {0}, 1, true, 0},
		{"8: two bytes", rd_span8, 1, {2, 7, 8}, 3, true, 2},
		{"8: with a rest", rd_span8, 1, {2, 7, 8, 9}, 4, true, 2},
		{"8: no length", rd_span8, 1, {0}, 0, false, 0},
		{"8: one short", rd_span8, 1, {3, 7, 8}, 3, false, 0},
		{"8: longest of nothing", rd_span8, 1, {255}, 1, false, 0},
		{"16: empty", rd_span16, 2, {0, 0}, 2, true, 0},
		{"16: two bytes", rd_span16, 2, {0, 2, 7, 8}, 4, true, 2},
		{"16: half a length", rd_span16, 2, {0}, 1, false, 0},
		{"16: one short", rd_span16, 2, {0, 3, 7, 8}, 4, false, 0},
		{"16: high byte counts", rd_span16, 2, {1, 1, 7}, 3, false, 0},
		{"24: empty", rd_span24, 3, {0, 0, 0}, 3, true, 0},
		{"24: two bytes", rd_span24, 3, {0, 0, 2, 7, 8}, 5, true, 2},
		{"24: part of a length", rd_span24, 3, {0, 0}, 2, false, 0},
		{"24: high byte counts", rd_span24, 3, {1, 0, 1, 7}, 4, false, 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct rd r = rd_of(span_of(cases[i].bytes, cases[i].n));
		struct span v = span_of(sample, 5);
		if (cases[i].get(&r, &v) != cases[i].ok)
			fail_msg("%s", cases[i].name);
		if (!cases[i].ok && (v.p != sample || v.n != 5 || r.p != cases[i].bytes))
			fail_msg("%s: something was changed", cases[i].name);
		if (cases[i].ok && (v.p != cases[i].bytes + cases[i].prefix || v.n != cases[i].length ||
				    rd_left(&r) != cases[i].n - cases[i].prefix - v.n))
			fail_msg("%s: other bytes", cases[i].name);
	}
}

static void reads_bytes(void **state)
{
	struct rd r = rd_of(span_of(sample, 4));
	struct span v = {0};
	(void)state;
	assert_true(rd_bytes(&r, 3, &v));
	assert_true(v.p == sample && v.n == 3 && rd_left(&r) == 1);
	assert_false(rd_bytes(&r, 2, &v));
	assert_false(rd_bytes(&r, SIZE_MAX, &v));
	assert_true(v.p == sample && v.n == 3 && rd_left(&r) == 1 && !rd_end(&r));
	v = rd_rest(&r);
	assert_true(v.p == sample + 3 && v.n == 1 && rd_left(&r) == 1);
	assert_true(rd_bytes(&r, 1, &v) && rd_end(&r) && rd_rest(&r).n == 0);
	assert_true(rd_bytes(&r, 0, &v) && v.n == 0);
}

static void reads_nothing(void **state)
{
	struct rd r = rd_of(span_of(NULL, 0));
	struct span v = span_of(sample, 1);
	uint8_t number = 9;
	(void)state;
	assert_true(rd_end(&r) && rd_left(&r) == 0 && rd_rest(&r).n == 0);
	assert_false(rd_u8(&r, &number));
	assert_false(rd_span8(&r, &v));
	assert_true(number == 9 && v.n == 1);
	assert_true(rd_bytes(&r, 0, &v) && v.n == 0 && rd_end(&r));
}

static void compares_spans(void **state)
{
	static const struct {
		const char *name, *a, *b;
		size_t a_len, b_len;
		bool equal;
	} cases[] = {
		{"empty", "x", "y", 0, 0, true},	   {"null", NULL, NULL, 0, 0, true},
		{"null and empty", NULL, "", 0, 0, true},  {"same", "abc", "abc", 3, 3, true},
		{"first byte", "abc", "xbc", 3, 3, false}, {"last byte", "abc", "abd", 3, 3, false},
		{"prefix", "abc", "abc", 3, 2, false},	   {"empty and one", "", "a", 0, 1, false},
		{"one bit", "\x01", "\x81", 1, 1, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct span a = span_of(cases[i].a, cases[i].a_len), b = span_of(cases[i].b, cases[i].b_len);
		if (span_equal(a, b) != cases[i].equal || span_equal(b, a) != cases[i].equal)
			fail_msg("%s", cases[i].name);
		if (span_equal_secret(a, b) != cases[i].equal || span_equal_secret(b, a) != cases[i].equal)
			fail_msg("%s, as secrets", cases[i].name);
	}
}

static void wipes(void **state)
{
	uint8_t b[5] = {1, 2, 3, 4, 5};
	const uint8_t want[5] = {1, 0, 0, 0, 5};
	(void)state;
	wipe(b + 1, 3);
	assert_memory_equal(b, want, sizeof b);
	wipe(b, 0);
	assert_memory_equal(b, want, sizeof b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_numbers), cmocka_unit_test(refuses_short_numbers),
		cmocka_unit_test(reads_vectors), cmocka_unit_test(reads_bytes),
		cmocka_unit_test(reads_nothing), cmocka_unit_test(compares_spans),
		cmocka_unit_test(wipes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
