/* src/connection/config_credentials.c */
#include "handshake/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof(a)[0])

static const char cert_pem[] = "-----BEGIN CERTIFICATE-----\n"
			       "MIIBdDCCARugAwIBAgIUE+HnYyedS2+5IoJde3IqjMxWcFwwCgYIKoZIzj0EAwIw\n"
			       "DzENMAsGA1UEAwwEdGVybjAgFw0yNjExMjEyMDA5NTNaGA8yMDgxMDgyNDIwMDk1\n"
			       "M1owDzENMAsGA1UEAwwEdGVybjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABAaT\n"
			       "cvI6C+t5aBfvhBJCk5CNpX37X+/opCThi1IVgm6l4pBKgpwXVqEU3LHoBLKyKJEZ\n"
			       "4c2XPsIS2oBvOuANfrKjUzBRMB0GA1UdDgQWBBQXDSyXUujcqdBXzPoPW6PDTK6/\n"
			       "YzAfBgNVHSMEGDAWgBQXDSyXUujcqdBXzPoPW6PDTK6/YzAPBgNVHRMBAf8EBTAD\n"
			       "AQH/MAoGCCqGSM49BAMCA0cAMEQCIHpIhMbqRItQihfUAWMt/j2sjVyM53FtDFzs\n"
			       "knmMeaDRAiBfjuYLLaL5aaX6yv9xytprsmdsSDfszSwL9vcqjXxliQ==\n"
			       "-----END CERTIFICATE-----\n";
static const char key_pem[] = "-----BEGIN EC PRIVATE KEY-----\n"
			      "MHcCAQEEIL+iIJ8K79zY6kjJXzO2uVZ+WvSsNV8OLrSAOmtVrYvNoAoGCCqGSM49\n"
			      "AwEHoUQDQgAEBpNy8joL63loF++EEkKTkI2lfftf7+ikJOGLUhWCbqXikEqCnBdW\n"
			      "oRTcsegEsrIokRnhzZc+whLagG864A1+sg==\n"
			      "-----END EC PRIVATE KEY-----\n";
static const char other_key_pem[] = "-----BEGIN EC PRIVATE KEY-----\n"
				    "MHcCAQEEIIGuA6QOktJ4AxJtIhDguHuENHppcHkl7dPrmk5TNFNhoAoGCCqGSM49\n"
				    "AwEHoUQDQgAEB3rXAj85Jb8+SUKE2/W+TZuFXapfunFg19EhPGzCZD7n8xOip74O\n"
				    "pJ05ZQlY4VhRDXnemMyf3Ac+0abziEm+zA==\n"
				    "-----END EC PRIVATE KEY-----\n";

static tern_error sign(void *user, tern_conn *conn, uint64_t job, uint16_t scheme, const uint8_t *tbs, size_t tbs_len,
		       uint8_t *signature, size_t cap, size_t *len)
{
	(void)user, (void)conn, (void)job, (void)scheme, (void)tbs, (void)tbs_len, (void)signature, (void)cap,
		(void)len;
	return TERN_PENDING;
}

#define TEXT(pem) pem, sizeof pem - 1

static void keypairs(void **state)
{
	static const struct {
		const char *name;
		const void *chain;
		size_t chain_len;
		const void *key;
		size_t key_len;
		tern_error error;
	} cases[] = {
		{"pair", TEXT(cert_pem), TEXT(key_pem), TERN_OK},
		{"another key", TEXT(cert_pem), TEXT(other_key_pem), TERN_ERROR_KEY_MISMATCH},
		{"chain is no PEM", TEXT("chain"), TEXT(key_pem), TERN_ERROR_BAD_PEM},
		{"key is no PEM", TEXT(cert_pem), TEXT("key"), TERN_ERROR_BAD_PEM},
		{"swapped", TEXT(key_pem), TEXT(cert_pem), TERN_ERROR_BAD_PEM},
		{"no chain", NULL, 9, TEXT(key_pem), TERN_ERROR_USAGE},
		{"empty chain", cert_pem, 0, TEXT(key_pem), TERN_ERROR_USAGE},
		{"no key", TEXT(cert_pem), NULL, 9, TERN_ERROR_USAGE},
		{"empty key", TEXT(cert_pem), key_pem, 0, TERN_ERROR_USAGE},
		{"chain far too long", cert_pem, (size_t)1 << 25, TEXT(key_pem), TERN_ERROR_USAGE},
		{"key far too long", TEXT(cert_pem), key_pem, SIZE_MAX, TERN_ERROR_USAGE},
	};
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		tern_config *c = tern_config_new(NULL);
		tern_error error =
			tern_config_add_keypair(c, cases[i].chain, cases[i].chain_len, cases[i].key, cases[i].key_len);
		if (error != cases[i].error || c->num_credentials != (error == TERN_OK))
			fail_msg("%s: %s", cases[i].name, tern_error_name(error));
		tern_config_free(c);
	}
}

static void kinds(void **state)
{
	tern_config *c = tern_config_new(NULL);
	const struct credential *pair = &c->credentials[0], *raw = &c->credentials[1], *signer = &c->credentials[2];
	int mark;
	(void)state;
	assert_int_equal(tern_config_add_keypair(c, TEXT(cert_pem), TEXT(key_pem)), TERN_OK);
	assert_int_equal(tern_config_add_raw_key(c, TEXT(key_pem)), TERN_OK);
	assert_int_equal(tern_config_add_signer(c, TEXT(cert_pem), sign, &mark), TERN_OK);
	assert_int_equal(c->num_credentials, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(c->credentials[i].key_type, KEY_P256);

	assert_int_equal(pair->num_chain, 1);
	assert_false(pair->raw);
	assert_non_null(pair->key);
	assert_null(pair->sign);
	assert_int_equal(raw->num_chain, 0);
	assert_true(raw->raw);
	assert_non_null(raw->key);
	assert_true(span_equal(raw->spki, pair->spki));
	assert_int_equal(signer->num_chain, 1);
	assert_null(signer->key);
	assert_ptr_equal(signer->sign, sign);
	assert_ptr_equal(signer->sign_user, &mark);

	assert_int_equal(tern_config_add_signer(c, TEXT(cert_pem), NULL, NULL), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_add_signer(c, NULL, 0, sign, NULL), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_add_raw_key(c, NULL, 0), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_add_raw_key(c, TEXT(cert_pem)), TERN_ERROR_BAD_PEM);
	assert_int_equal(c->num_credentials, 3);
	tern_config_free(c);
}

static void limits(void **state)
{
	static const struct {
		const char *name, *schemes;
		bool raw, issuers;
		tern_error error;
	} cases[] = {
		{"schemes", "ecdsa_secp256r1_sha256,ed25519", false, false, TERN_OK},
		{"issuers", NULL, false, true, TERN_OK},
		{"schemes of a raw key", "ed25519", true, false, TERN_OK},
		{"issuers of a raw key", NULL, true, true, TERN_ERROR_USAGE},
		{"unknown scheme", "ecdsa_sha1", false, false, TERN_ERROR_UNKNOWN_NAME},
	};
	tern_config *c = tern_config_new(NULL);
	(void)state;
	assert_int_equal(tern_config_limit_credential(c, NULL, false), TERN_ERROR_USAGE);
	tern_config_free(c);
	for (size_t i = 0; i < LEN(cases); i++) {
		c = tern_config_new(NULL);
		assert_int_equal(cases[i].raw ? tern_config_add_raw_key(c, TEXT(key_pem))
					      : tern_config_add_keypair(c, TEXT(cert_pem), TEXT(key_pem)),
				 TERN_OK);
		if (tern_config_limit_credential(c, cases[i].schemes, cases[i].issuers) != cases[i].error)
			fail_msg("%s", cases[i].name);
		assert_int_equal(c->credentials[0].only_named_issuers, cases[i].issuers && !cases[i].error);
		assert_int_equal(c->credentials[0].schemes.num > 0, cases[i].schemes && !cases[i].error);
		tern_config_free(c);
	}
}

static void up_to_4(void **state)
{
	tern_config *c = tern_config_new(NULL);
	(void)state;
	for (int i = 0; i < CONFIG_CREDENTIALS; i++)
		assert_int_equal(tern_config_add_keypair(c, TEXT(cert_pem), TEXT(key_pem)), TERN_OK);
	assert_int_equal(tern_config_add_keypair(c, TEXT(cert_pem), TEXT(key_pem)), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_add_raw_key(c, TEXT(key_pem)), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_add_signer(c, TEXT(cert_pem), sign, NULL), TERN_ERROR_USAGE);
	assert_int_equal(c->num_credentials, 4);
	tern_config_free(c);
}

static void trusted(void **state)
{
	tern_config *c = tern_config_new(NULL);
	(void)state;
	assert_int_equal(tern_config_add_trust(c, TEXT(cert_pem)), TERN_OK);
	assert_true(config_can_verify(c));
	tern_config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keypairs), cmocka_unit_test(kinds),   cmocka_unit_test(limits),
		cmocka_unit_test(up_to_4),  cmocka_unit_test(trusted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
