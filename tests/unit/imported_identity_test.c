/* src/wire/imported_identity.c */
#include "wire/imported_identity.h"

#include "wire_check.h"

RECODE(recode, imported_identity, get_imported_identity, put_imported_identity)

static void round_trips(void **state)
{
	static const struct {
		const char *name, *hex;
	} cases[] = {
		{"no context", "0002 6964 0000 fefc 0001"},	 {"context", "0002 6964 0003 637478 fefc 0002"},
		{"shortest identity", "0001 00 0000 fefc 0001"}, {"another protocol", "0002 6964 0000 0304 0001"},
		{"a KDF to come", "0002 6964 0000 fefc ffff"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check_message_hex(cases[i].name, recode, cases[i].hex, NO_PREFIX);
}

static void fields(void **state)
{
	struct bytes in = unhex("0002 6964 0003 637478 fefc 0002");
	struct rd r = rd_of(span_of_bytes(&in));
	struct imported_identity v;
	(void)state;
	assert_true(get_imported_identity(&r, &v));
	check_span(v.external, "6964");
	check_span(v.context, "637478");
	assert_int_equal(v.protocol, 0xfefc);
	assert_int_equal(v.kdf, KDF_HKDF_SHA384);
}

static void refused(void **state)
{
	static const struct {
		const char *name, *hex;
	} cases[] = {
		{"nothing", ""},
		{"identity empty", "0000 0000 fefc 0001"},
		{"identity passes the end", "000b 6964 0000 fefc 0001"},
		{"context passes the end", "0002 6964 0005 fefc 0001"},
		{"a byte short", "0002 6964 0000 fefc 00"},
		{"a byte more", "0002 6964 0000 fefc 0001 00"},
		{"a plain identity", "6465766963652d31"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check_refused(cases[i].name, recode, cases[i].hex);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(fields),
		cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
