/* src/connection/config_psk.c */
#include "count_heap.h"
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

static void up_to_32(void **state)
{
	tern_config *c = tern_config_new(NULL);
	(void)state;
	for (uint8_t i = 0; i < CONFIG_PSKS; i++)
		assert_int_equal(tern_config_add_psk(c, &i, 1, "key", 3), TERN_OK);
	assert_int_equal(tern_config_add_psk(c, "another", 7, "key", 3), TERN_ERROR_USAGE);
	assert_int_equal(c->num_psks, CONFIG_PSKS);
	tern_config_free(c);
}

static void import_arguments(void **state)
{
	static const uint8_t bytes[65536];
	const tern_external_psk good = {.size = sizeof good,
					.identity = bytes,
					.key = bytes,
					.context = bytes,
					.identity_len = 4,
					.key_len = 16,
					.context_len = 4};
	static const struct {
		const char *name;
		size_t identity_len, key_len, context_len;
		bool no_identity, no_key, no_context, bad_size, bad_hash;
		tern_error error;
	} cases[] = {
		{"usual", 4, 16, 4, .error = TERN_OK},
		{"no context", 4, 16, 0, .no_context = true, .error = TERN_OK},
		{"longest", 65535 - 8 - 4, 64, 4, .error = TERN_OK},
		{"too long together", 65535 - 8 - 3, 64, 4, .error = TERN_ERROR_USAGE},
		{"context too long", 4, 16, (size_t)-1, .error = TERN_ERROR_USAGE},
		{"identity empty", 0, 16, 4, .error = TERN_ERROR_USAGE},
		{"no identity", 4, 16, 4, .no_identity = true, .error = TERN_ERROR_USAGE},
		{"key empty", 4, 0, 4, .error = TERN_ERROR_USAGE},
		{"key too long", 4, 65, 4, .error = TERN_ERROR_USAGE},
		{"no key", 4, 16, 4, .no_key = true, .error = TERN_ERROR_USAGE},
		{"context missing", 4, 16, 4, .no_context = true, .error = TERN_ERROR_USAGE},
		{"size", 4, 16, 4, .bad_size = true, .error = TERN_ERROR_USAGE},
		{"hash", 4, 16, 4, .bad_hash = true, .error = TERN_ERROR_USAGE},
	};
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		tern_config *c = tern_config_new(NULL);
		tern_external_psk psk = good;
		psk.identity_len = cases[i].identity_len;
		psk.key_len = cases[i].key_len;
		psk.context_len = cases[i].context_len;
		psk.identity = cases[i].no_identity ? NULL : good.identity;
		psk.key = cases[i].no_key ? NULL : good.key;
		psk.context = cases[i].no_context ? NULL : good.context;
		psk.size = good.size - (cases[i].bad_size ? 8 : 0);
		psk.hash = cases[i].bad_hash ? (tern_psk_hash)2 : TERN_PSK_SHA384;
		if (tern_config_import_psk(c, &psk) != cases[i].error)
			fail_msg("%s: error", cases[i].name);
		if (c->num_psks != (cases[i].error == TERN_OK ? 2 : 0))
			fail_msg("%s: effect", cases[i].name);
		if (cases[i].error == TERN_OK && tern_config_import_psk(c, &psk) != TERN_ERROR_USAGE)
			fail_msg("%s: twice", cases[i].name);
		tern_config_free(c);
	}
}

/* Both entries or none, whichever allocation fails and however little room is left. */
static void import_all_or_nothing(void **state)
{
	const tern_external_psk psk = {
		.size = sizeof psk, .identity = "id", .key = "key", .identity_len = 2, .key_len = 3};
	struct count_heap heap = {0};
	tern_allocator allocator = count_heap_allocator(&heap);
	tern_config *c = tern_config_new(&allocator);
	(void)state;
	assert_int_equal(tern_config_import_psk(c, NULL), TERN_ERROR_USAGE);
	for (size_t fail = 1; fail <= 5; fail++) {
		heap.fail_at = heap.allocs + fail;
		assert_int_equal(tern_config_import_psk(c, &psk), TERN_ERROR_NO_MEMORY);
		assert_int_equal(c->num_psks, 0);
	}
	heap.fail_at = 0;
	for (uint8_t i = 0; i < CONFIG_PSKS - 1; i++)
		assert_int_equal(tern_config_add_psk(c, &i, 1, "key", 3), TERN_OK);
	assert_int_equal(tern_config_import_psk(c, &psk), TERN_ERROR_USAGE);
	assert_int_equal(c->num_psks, CONFIG_PSKS - 1);
	tern_config_free(c);
	assert_int_equal(heap.live, 0);
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
		cmocka_unit_test(up_to_32),
		cmocka_unit_test(import_arguments),
		cmocka_unit_test(import_all_or_nothing),
		cmocka_unit_test(hint),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
