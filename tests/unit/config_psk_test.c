/* src/connection/config_psk.c */
#include "handshake/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof(a)[0])

static void arguments(void **state)
{
	static const uint8_t bytes[65536];
	static const struct {
		const char *name;
		const void *identity;
		size_t identity_len;
		const void *key;
		size_t key_len;
		tern_error error;
	} cases[] = {
		{"shortest", bytes, 1, bytes, 1, TERN_OK},
		{"longest", bytes, 65535, bytes, 64, TERN_OK},
		{"identity too long", bytes, 65536, bytes, 1, TERN_ERROR_USAGE},
		{"identity empty", bytes, 0, bytes, 1, TERN_ERROR_USAGE},
		{"no identity", NULL, 1, bytes, 1, TERN_ERROR_USAGE},
		{"key too long", bytes, 1, bytes, 65, TERN_ERROR_USAGE},
		{"key empty", bytes, 1, bytes, 0, TERN_ERROR_USAGE},
		{"no key", bytes, 1, NULL, 1, TERN_ERROR_USAGE},
		{"there already", "there", 5, bytes, 1, TERN_ERROR_USAGE},
		{"beginning of one there", "ther", 4, bytes, 1, TERN_OK},
	};
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		tern_config *c = tern_config_new(NULL);
		size_t expected = cases[i].error == TERN_OK ? 2 : 1;
		assert_int_equal(tern_config_add_psk(c, "there", 5, "key", 3), TERN_OK);
		if (tern_config_add_psk(c, cases[i].identity, cases[i].identity_len, cases[i].key, cases[i].key_len) !=
		    cases[i].error)
			fail_msg("%s: error", cases[i].name);
		if (c->num_psks != expected || !span_equal(c->psks[0].identity, span_of("there", 5)) ||
		    !span_equal(c->psks[0].key, span_of("key", 3)))
			fail_msg("%s: effect", cases[i].name);
		if (expected == 2 &&
		    (!span_equal(c->psks[1].identity, span_of(cases[i].identity, cases[i].identity_len)) ||
		     !span_equal(c->psks[1].key, span_of(cases[i].key, cases[i].key_len))))
			fail_msg("%s: bytes", cases[i].name);
		tern_config_free(c);
	}
}

static void up_to_16(void **state)
{
	tern_config *c = tern_config_new(NULL);
	(void)state;
	for (uint8_t i = 0; i < CONFIG_PSKS; i++)
		assert_int_equal(tern_config_add_psk(c, &i, 1, "key", 3), TERN_OK);
	assert_int_equal(tern_config_add_psk(c, "another", 7, "key", 3), TERN_ERROR_USAGE);
	assert_int_equal(c->num_psks, 16);
	tern_config_free(c);
}

static void hint(void **state)
{
	static const uint8_t bytes[65536];
	tern_config *c = tern_config_new(NULL);
	(void)state;
	assert_int_equal(tern_config_set_psk_hint(c, bytes, 65535), TERN_OK);
	assert_int_equal(c->psk_hint.n, 65535);
	assert_int_equal(tern_config_set_psk_hint(c, bytes, 65536), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_set_psk_hint(c, NULL, 1), TERN_ERROR_USAGE);
	assert_int_equal(c->psk_hint.n, 65535);
	assert_int_equal(tern_config_set_psk_hint(c, "other", 5), TERN_OK);
	assert_true(span_equal(c->psk_hint, span_of("other", 5)));
	tern_config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments),
		cmocka_unit_test(up_to_16),
		cmocka_unit_test(hint),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
