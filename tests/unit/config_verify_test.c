/* src/connection/config_verify.c */
#include "handshake/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof(a)[0])

#define COLONS "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"
#define PLAIN "00112233445566778899aabbccddeeff"

static const uint8_t digest[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
				 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

static void fingerprints(void **state)
{
	static const struct {
		const char *name, *text;
		enum hash_id hash; /* HASH_NONE: refused */
	} cases[] = {
		{"as RFC 8122 has it", "sha-256 " COLONS ":" COLONS, HASH_SHA256},
		{"colon behind the name", "sha-256:" COLONS ":" COLONS, HASH_SHA256},
		{"without colons", "sha-256:" PLAIN PLAIN, HASH_SHA256},
		{"name in capitals", "SHA-256:" PLAIN PLAIN, HASH_SHA256},
		{"SHA-384", "sha-384 " COLONS ":" COLONS ":" COLONS, HASH_SHA384},
		{"SHA-512", "sha-512:" PLAIN PLAIN PLAIN PLAIN, HASH_SHA512},
		{"empty", "", HASH_NONE},
		{"name alone", "sha-256", HASH_NONE},
		{"no digest", "sha-256:", HASH_NONE},
		{"no name", PLAIN PLAIN, HASH_NONE},
		{"SHA-1", "sha-1:" COLONS ":00:11:22:33", HASH_NONE},
		{"MD5", "md5:" COLONS, HASH_NONE},
		{"unknown hash", "sha-999:" PLAIN PLAIN, HASH_NONE},
		{"name goes on", "sha-2567:" PLAIN PLAIN, HASH_NONE},
		{"another separator", "sha-256=" PLAIN PLAIN, HASH_NONE},
		{"a byte short", "sha-256:" COLONS ":00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE", HASH_NONE},
		{"a byte long", "sha-256:" PLAIN PLAIN "00", HASH_NONE},
		{"half a byte long", "sha-256:" PLAIN PLAIN "0", HASH_NONE},
		{"half a byte short", "sha-256:" PLAIN "00112233445566778899aabbccddeef", HASH_NONE},
		{"colon at the end", "sha-256:" COLONS ":" COLONS ":", HASH_NONE},
		{"colon in front", "sha-256::" COLONS ":" COLONS, HASH_NONE},
		{"one colon missing", "sha-256:" COLONS COLONS, HASH_NONE},
		{"one colon only", "sha-256:" PLAIN ":" PLAIN, HASH_NONE},
		{"not hex", "sha-256:" PLAIN "0011223344556677889gaabbccddeeff", HASH_NONE},
		{"space at the end", "sha-256:" PLAIN PLAIN " ", HASH_NONE},
		{"SHA-384 too short", "sha-384:" PLAIN PLAIN, HASH_NONE},
	};
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		tern_config *c = tern_config_new(NULL);
		bool good = cases[i].hash != HASH_NONE;
		if (tern_config_add_fingerprint(c, cases[i].text) != (good ? TERN_OK : TERN_ERROR_BAD_FINGERPRINT))
			fail_msg("%s: error", cases[i].name);
		if (c->num_fingerprints != good || config_can_verify(c) != good)
			fail_msg("%s: effect", cases[i].name);
		if (good && c->fingerprints[0].hash != cases[i].hash)
			fail_msg("%s: hash", cases[i].name);
		for (size_t k = 0; good && k < provider_libcrypto.hash[cases[i].hash]->len; k += sizeof digest)
			if (memcmp(c->fingerprints[0].digest + k, digest, sizeof digest))
				fail_msg("%s: digest", cases[i].name);
		tern_config_free(c);
	}
}

static void too_many(void **state)
{
	tern_config *c = tern_config_new(NULL);
	(void)state;
	for (size_t i = 0; i < CONFIG_FINGERPRINTS; i++)
		assert_int_equal(tern_config_add_fingerprint(c, "sha-256:" PLAIN PLAIN), TERN_OK);
	assert_int_equal(tern_config_add_fingerprint(c, "sha-256:" PLAIN PLAIN), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_add_fingerprint(c, NULL), TERN_ERROR_USAGE);
	assert_int_equal(c->num_fingerprints, CONFIG_FINGERPRINTS);
	tern_config_free(c);
}

/* A provider that has made a store when it fails. */
static int stores_freed;

static tern_error failing_add(struct trust **trust, struct span pem)
{
	(void)pem;
	if (!*trust)
		TRY(provider_stub.trust_add_system(trust));
	return TERN_ERROR_NO_MEMORY;
}

static void counting_free(struct trust *trust)
{
	stores_freed++;
	provider_stub.trust_free(trust);
}

static void trust(void **state)
{
	static const uint8_t zeros[32];
	struct provider failing = provider_stub;
	tern_config *c = tern_config_new(NULL);
	(void)state;
	failing.trust_add = failing_add;
	failing.trust_free = counting_free;
	assert_int_equal(config_set_provider(c, &failing), TERN_OK);
	assert_int_equal(tern_config_add_trust(c, NULL, 3), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_add_trust(c, "pem", 0), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_add_trust(c, "pem", (size_t)1 << 25), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_add_trust(c, "pem", 3), TERN_ERROR_NO_MEMORY);
	assert_null(c->trust);
	assert_int_equal(stores_freed, 1);
	assert_memory_equal(c->trust_digest, zeros, sizeof zeros);

	assert_int_equal(tern_config_set_system_trust(c), TERN_OK);
	assert_non_null(c->trust);
	assert_int_equal(tern_config_add_trust(c, "pem", 3), TERN_ERROR_NO_MEMORY);
	assert_non_null(c->trust);
	assert_int_equal(stores_freed, 1);
	tern_config_free(c);
	assert_int_equal(stores_freed, 2);
}

/* With the real provider. */
static void not_pem(void **state)
{
	tern_config *c = tern_config_new(NULL);
	(void)state;
	assert_int_equal(tern_config_add_trust(c, "no PEM", 6), TERN_ERROR_BAD_PEM);
	assert_null(c->trust);
	assert_false(config_can_verify(c));
	tern_config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fingerprints),
		cmocka_unit_test(too_many),
		cmocka_unit_test(trust),
		cmocka_unit_test(not_pem),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
