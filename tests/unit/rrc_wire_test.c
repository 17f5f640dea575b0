/* src/wire/rrc.c */
#include "wire/rrc.h"

#include "wire_check.h"

RECODE(recode, rrc, get_rrc, put_rrc)

static void round_trips(void **state)
{
	static const struct {
		const char *name, *hex;
	} cases[] = {
		{"path_challenge", "00 0102030405060708"},
		{"path_response", "01 0000000000000000"},
		{"path_drop", "02 ffffffffffffffff"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bytes b = unhex(cases[i].hex), out = {.n = 0};
		struct rd r = rd_of(span_of_bytes(&b));
		struct wr w = wr_of(out.p, sizeof out.p);
		assert_true(recode(&r, &w) && rd_end(&r) && wr_ok(&w));
		check_span(wr_span(&w), cases[i].hex);
	}
}

/* Of types that are not known yet nothing is known, not even their length: RFC 9853 4. */
static void unknown_types(void **state)
{
	static const struct {
		const char *hex, *rest;
	} cases[] = {{"03", ""}, {"03 01", "01"}, {"fe 0102030405060708 09", "0102030405060708 09"}, {"ff", ""}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bytes b = unhex(cases[i].hex);
		struct rd r = rd_of(span_of_bytes(&b));
		struct rrc v;
		assert_true(get_rrc(&r, &v) && rd_end(&r));
		assert_int_equal(v.type, b.p[0]);
		check_span(v.cookie, cases[i].rest);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *name, *hex;
	} cases[] = {
		{"nothing", ""},
		{"a type alone", "00"},
		{"a byte short", "00 01020304050607"},
		{"a byte too many", "01 0102030405060708 09"},
		{"two messages", "02 0102030405060708 02 0102030405060708"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check_refused(cases[i].name, recode, cases[i].hex);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(unknown_types),
		cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
