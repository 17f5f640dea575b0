#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto_check.h"

/* Numbers and names as registered, RFC 8446 4.2.3. */
static const struct {
	const char *name;
	uint16_t id;
	enum key_type key;
	enum hash_id prehash;
	bool pss;
} cases[] = {
	{"rsa_pkcs1_sha256", 0x0401, KEY_RSA, HASH_SHA256, false},
	{"rsa_pkcs1_sha384", 0x0501, KEY_RSA, HASH_SHA384, false},
	{"rsa_pkcs1_sha512", 0x0601, KEY_RSA, HASH_SHA512, false},
	{"ecdsa_secp256r1_sha256", 0x0403, KEY_P256, HASH_SHA256, false},
	{"ecdsa_secp384r1_sha384", 0x0503, KEY_P384, HASH_SHA384, false},
	{"rsa_pss_rsae_sha256", 0x0804, KEY_RSA, HASH_SHA256, true},
	{"rsa_pss_rsae_sha384", 0x0805, KEY_RSA, HASH_SHA384, true},
	{"rsa_pss_rsae_sha512", 0x0806, KEY_RSA, HASH_SHA512, true},
	{"ed25519", 0x0807, KEY_ED25519, HASH_NONE, false},
	{"rsa_pss_pss_sha256", 0x0809, KEY_RSA_PSS, HASH_SHA256, true},
	{"rsa_pss_pss_sha384", 0x080a, KEY_RSA_PSS, HASH_SHA384, true},
	{"rsa_pss_pss_sha512", 0x080b, KEY_RSA_PSS, HASH_SHA512, true},
};

static void test_table(void **state)
{
	(void)state;
	assert_int_equal(num_schemes, NUM(cases));
	for (size_t i = 0; i < NUM(cases); i++) {
		const struct scheme_alg *s = scheme_by_id(cases[i].id);
		if (!s)
			fail_msg("%s: not found", cases[i].name);
		assert_string_equal(s->name, cases[i].name);
		check_true(cases[i].name, s->id == cases[i].id && s->key == cases[i].key);
		check_true(cases[i].name, s->prehash == cases[i].prehash && s->pss == cases[i].pss);
	}
}

static void test_unknown(void **state)
{
	/* SHA-1 in all its forms, P-521, Ed448, GREASE. */
	static const uint16_t ids[] = {0, 0x0201, 0x0203, 0x0603, 0x0808, 0x0a0a, 0xffff};
	(void)state;
	for (size_t i = 0; i < NUM(ids); i++)
		if (scheme_by_id(ids[i]))
			fail_msg("%04x: found", ids[i]);
}

static const struct {
	const char *name;
	uint16_t id;
	unsigned keys; /* bits by key_type */
} fits[] = {
	{"ecdsa_secp256r1_sha256", 0x0403, 1 << KEY_P256 | 1 << KEY_P384},
	{"ecdsa_secp384r1_sha384", 0x0503, 1 << KEY_P256 | 1 << KEY_P384},
	{"ed25519", 0x0807, 1 << KEY_ED25519},
	{"rsa_pss_rsae_sha256", 0x0804, 1 << KEY_RSA},
	{"rsa_pss_pss_sha256", 0x0809, 1 << KEY_RSA_PSS},
	{"rsa_pkcs1_sha256", 0x0401, 1 << KEY_RSA},
};

static void test_fits_key12(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(fits); i++)
		for (unsigned key = 0; key < NUM_KEY_TYPES; key++)
			check_true(fits[i].name, scheme_fits_key12(scheme_by_id(fits[i].id), (enum key_type)key) ==
							 ((fits[i].keys >> key & 1) != 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_fits_key12),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
