/* src/handshake/suites.c. RFC 6347 4.1.2.2. */
#include "handshake/suites.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof(a)[0])

/* Typed from the RFCs' own tables. */
static const struct {
	const char *name;
	uint16_t id;
} registry[] = {
	{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0xc02b}, /* RFC 5289 3.2 */
	{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 0xc02c},
	{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0xc02f},
	{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 0xc030},
	{"TLS_ECDHE_ECDSA_WITH_AES_128_CCM", 0xc0ac}, /* RFC 7251 2 */
	{"TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", 0xc0ae},
	{"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 0xcca8}, /* RFC 7905 3 */
	{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", 0xcca9},
	{"TLS_PSK_WITH_CHACHA20_POLY1305_SHA256", 0xccab},
	{"TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256", 0xccac},
	{"TLS_PSK_WITH_AES_128_GCM_SHA256", 0x00a8}, /* RFC 5487 2 */
	{"TLS_PSK_WITH_AES_256_GCM_SHA384", 0x00a9},
	{"TLS_PSK_WITH_AES_128_CCM", 0xc0a4}, /* RFC 6655 4 */
	{"TLS_PSK_WITH_AES_128_CCM_8", 0xc0a8},
	{"TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256", 0xd001}, /* RFC 8442 3 */
	{"TLS_ECDHE_PSK_WITH_AES_256_GCM_SHA384", 0xd002},
	{"TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256", 0xd003},
	{"TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256", 0xd005},
	{"TLS_AES_128_GCM_SHA256", 0x1301}, /* RFC 8446 B.4 */
	{"TLS_AES_256_GCM_SHA384", 0x1302},
	{"TLS_CHACHA20_POLY1305_SHA256", 0x1303},
	{"TLS_AES_128_CCM_SHA256", 0x1304},
	{"TLS_AES_128_CCM_8_SHA256", 0x1305},
};

static void table_is_the_registry(void **state)
{
	(void)state;
	assert_int_equal(num_suites, LEN(registry));
	for (size_t i = 0; i < LEN(registry); i++) {
		const struct suite *s = suite_by_id(registry[i].id);
		if (!s)
			fail_msg("%s is missing", registry[i].name);
		assert_string_equal(s->name, registry[i].name);
	}
}

static bool has(const char *name, const char *part)
{
	return strstr(name, part) != NULL;
}

static enum aead_id aead_of(const char *name)
{
	if (has(name, "CHACHA20"))
		return AEAD_CHACHA20_POLY1305;
	if (has(name, "CCM_8"))
		return AEAD_AES_128_CCM_8;
	if (has(name, "CCM"))
		return AEAD_AES_128_CCM;
	return has(name, "AES_256") ? AEAD_AES_256_GCM : AEAD_AES_128_GCM;
}

/* A suite's name says all of its parts. */
static void parts_follow_from_the_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < num_suites; i++) {
		const struct suite *s = &suites[i];
		enum suite_auth auth = has(s->name, "_ECDSA_") ? AUTH_ECDSA
				       : has(s->name, "_RSA_") ? AUTH_RSA
							       : AUTH_PSK;
		if (s->version != (has(s->name, "_WITH_") ? 0xfefd : 0xfefc))
			fail_msg("%s is of another version", s->name);
		if (s->psk != has(s->name, "PSK") || s->ecdhe != has(s->name, "ECDHE") || s->auth != auth ||
		    s->aead != aead_of(s->name) || s->hash != (has(s->name, "SHA384") ? HASH_SHA384 : HASH_SHA256) ||
		    s->by_name_only != has(s->name, "CCM_8"))
			fail_msg("%s has a wrong part", s->name);
	}
}

static void unknown_ids(void **state)
{
	static const struct {
		const char *name;
		uint16_t id;
	} cases[] = {
		{"TLS_NULL_WITH_NULL_NULL", 0x0000},	      {"TLS_RSA_WITH_AES_128_CBC_SHA", 0x002f},
		{"TLS_SHA256_SHA256, of 1.3", 0xc0b4},	      {"TLS_EMPTY_RENEGOTIATION_INFO_SCSV", 0x00ff},
		{"TLS_ECDHE_ECDSA_WITH_AES_256_CCM", 0xc0ad},
	};
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++)
		if (suite_by_id(cases[i].id))
			fail_msg("%s is known", cases[i].name);
}

static void keys(void **state)
{
	static const struct {
		const char *name;
		uint16_t suite;
		bool fits[NUM_KEY_TYPES]; /* P-256, P-384, Ed25519, RSA, RSA-PSS */
	} cases[] = {
		{"ECDSA", 0xc02b, {true, true, true, false, false}},
		{"RSA", 0xc02f, {false, false, false, true, true}},
		{"PSK", 0x00a8, {false, false, false, false, false}},
		{"ECDHE_PSK", 0xd001, {false, false, false, false, false}},
	};
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++)
		for (int key = 0; key < NUM_KEY_TYPES; key++)
			if (suite_fits_key(suite_by_id(cases[i].suite), (enum key_type)key) != cases[i].fits[key])
				fail_msg("%s with key type %d", cases[i].name, key);
}

#define A "TLS_PSK_WITH_AES_128_CCM_8"
#define B "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"

static void suite_lists(void **state)
{
	static const struct {
		const char *name, *list;
		size_t max;
		tern_error error;
		size_t num;
		uint16_t first, last;
	} cases[] = {
		{"one", A, 8, TERN_OK, 1, 0xc0a8, 0xc0a8},
		{"order is kept", B "," A, 8, TERN_OK, 2, 0xc02b, 0xc0a8},
		{"exactly as many as fit", A "," B, 2, TERN_OK, 2, 0xc0a8, 0xc02b},
		{"one too many", A "," B, 1, TERN_ERROR_USAGE, 0, 0, 0},
		{"twice", A "," B "," A, 8, TERN_ERROR_UNKNOWN_NAME, 0, 0, 0},
		{"nothing", "", 8, TERN_ERROR_UNKNOWN_NAME, 0, 0, 0},
		{"comma at the end", A ",", 8, TERN_ERROR_UNKNOWN_NAME, 0, 0, 0},
		{"comma in front", "," A, 8, TERN_ERROR_UNKNOWN_NAME, 0, 0, 0},
		{"two commas", A ",," B, 8, TERN_ERROR_UNKNOWN_NAME, 0, 0, 0},
		{"space", A ", " B, 8, TERN_ERROR_UNKNOWN_NAME, 0, 0, 0},
		{"beginning of a name", "TLS_PSK_WITH_AES_128_CCM_", 8, TERN_ERROR_UNKNOWN_NAME, 0, 0, 0},
		{"more than a name", A "X", 8, TERN_ERROR_UNKNOWN_NAME, 0, 0, 0},
		{"OpenSSL's name", "PSK-AES128-CCM8", 8, TERN_ERROR_UNKNOWN_NAME, 0, 0, 0},
		{"no list", NULL, 8, TERN_ERROR_USAGE, 0, 0, 0},
	};
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		uint16_t ids[8] = {0};
		size_t num = 77;
		tern_error error = suites_from_names(cases[i].list, ids, cases[i].max, &num);
		if (error != cases[i].error)
			fail_msg("%s: %s", cases[i].name, tern_error_name(error));
		if (num != (error == TERN_OK ? cases[i].num : 77))
			fail_msg("%s: %zu ids", cases[i].name, num);
		if (error == TERN_OK && (ids[0] != cases[i].first || ids[num - 1] != cases[i].last))
			fail_msg("%s: wrong ids", cases[i].name);
	}
}

static void group_and_scheme_lists(void **state)
{
	uint16_t ids[4];
	size_t num;
	(void)state;
	assert_int_equal(groups_from_names("x25519,secp256r1,secp384r1", &provider_libcrypto, ids, 4, &num), TERN_OK);
	assert_int_equal(num, 3);
	assert_int_equal(ids[0], 29);
	assert_int_equal(ids[1], 23);
	assert_int_equal(ids[2], 24);
	assert_int_equal(groups_from_names("ffdhe2048", &provider_libcrypto, ids, 4, &num), TERN_ERROR_UNKNOWN_NAME);
	assert_int_equal(schemes_from_names("ed25519,ecdsa_secp256r1_sha256", ids, 4, &num), TERN_OK);
	assert_int_equal(num, 2);
	assert_int_equal(ids[0], 0x0807);
	assert_int_equal(ids[1], 0x0403);
	assert_int_equal(schemes_from_names("rsa_pkcs1_sha1", ids, 4, &num), TERN_ERROR_UNKNOWN_NAME);
}

static void groups_by_id(void **state)
{
	(void)state;
	for (const struct group_alg *const *g = provider_libcrypto.groups; *g; g++)
		assert_ptr_equal(group_by_id(&provider_libcrypto, (*g)->id),
				 !(*g)->available || (*g)->available() ? *g : NULL);
	assert_null(group_by_id(&provider_libcrypto, 0));
	assert_null(group_by_id(&provider_libcrypto, 0x0a0a));
}

static bool never(void)
{
	return false;
}

static bool always(void)
{
	return true;
}

/* What cannot be done at run time is not known by number or by name. */
static void groups_at_run_time(void **state)
{
	static const struct group_alg there = {.id = 1, .name = "there", .available = always};
	static const struct group_alg absent = {.id = 2, .name = "absent", .available = never};
	static const struct group_alg *const groups[] = {&there, &absent, NULL};
	struct provider some = provider_libcrypto;
	uint16_t ids[2];
	size_t num = 7;
	(void)state;
	some.groups = groups;
	assert_ptr_equal(group_by_id(&some, 1), &there);
	assert_null(group_by_id(&some, 2));
	assert_int_equal(groups_from_names("there", &some, ids, 2, &num), TERN_OK);
	assert_true(num == 1 && ids[0] == 1);
	assert_int_equal(groups_from_names("there,absent", &some, ids, 2, &num), TERN_ERROR_UNKNOWN_NAME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_the_registry), cmocka_unit_test(parts_follow_from_the_name),
		cmocka_unit_test(unknown_ids),		 cmocka_unit_test(keys),
		cmocka_unit_test(suite_lists),		 cmocka_unit_test(group_and_scheme_lists),
		cmocka_unit_test(groups_by_id),		 cmocka_unit_test(groups_at_run_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
