/* mint_test.c - making certificates: what is made verifies by libcrypto, and what cannot be made says why. */
#include "tern/cert.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const tern_time now = {0, 1700000000};

struct made {
	char cert[TERN_CERT_PEM_MAX], key[TERN_KEY_PEM_MAX];
	size_t cert_len, key_len;
};

static tern_error make(struct made *made, const tern_cert_options *options)
{
	return tern_cert_make(made->cert, &made->cert_len, made->key, &made->key_len, options, now);
}

static X509 *parse(const struct made *made)
{
	BIO *bio = BIO_new_mem_buf(made->cert, (int)made->cert_len);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(x);
	return x;
}

static bool key_fits(const struct made *made, X509 *x)
{
	BIO *bio = BIO_new_mem_buf(made->key, (int)made->key_len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	bool fits = X509_check_private_key(x, key) == 1;

	EVP_PKEY_free(key);
	BIO_free(bio);
	return fits;
}

static int verify(X509 *x, X509 *anchor, int purpose, int64_t at)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();

	X509_STORE_add_cert(store, anchor);
	X509_STORE_CTX_init(context, store, x, NULL);
	X509_STORE_CTX_set_purpose(context, purpose);
	X509_STORE_CTX_set_time(context, X509_V_FLAG_X509_STRICT, (time_t)at);
	X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_X509_STRICT);
	X509_verify_cert(context);
	int error = X509_STORE_CTX_get_error(context);
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	return error;
}

static void every_key_type_makes_a_pair(void **state)
{
	static const struct {
		const char *name;
		tern_key_type type;
	} cases[] = {
		{"P-256", TERN_KEY_P256},
		{"P-384", TERN_KEY_P384},
		{"Ed25519", TERN_KEY_ED25519},
		{"RSA 3072", TERN_KEY_RSA3072},
	};
	static const char *const names[] = {"a.example", "*.b.example", "127.0.0.1", "::1"};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		tern_cert_options options = {.size = sizeof options, .key_type = cases[i].type, .names = names};
		struct made made;
		tern_cert_info info;
		print_message("%s\n", cases[i].name);
		options.num_names = sizeof names / sizeof names[0];
		options.days = 10;
		assert_int_equal(make(&made, &options), TERN_OK);
		assert_int_equal(made.cert_len, strlen(made.cert));
		X509 *x = parse(&made);
		assert_true(key_fits(&made, x));
		assert_int_equal(X509_check_host(x, "a.example", 0, 0, NULL), 1);
		assert_int_equal(X509_check_host(x, "c.b.example", 0, 0, NULL), 1);
		assert_int_equal(X509_check_host(x, "c.example", 0, 0, NULL), 0);
		assert_int_equal(X509_check_ip_asc(x, "::1", 0), 1);
		assert_int_equal(tern_cert_describe(&info, made.cert, made.cert_len, 0), TERN_OK);
		assert_string_equal(info.key_type, cases[i].name);
		assert_string_equal(info.subject, "CN=a.example");
		assert_true(info.self_issued && !info.ca);
		assert_int_equal(info.not_before_unix_s, now.unix_s - 300);
		assert_int_equal(info.not_after_unix_s, now.unix_s + 10 * 86400);
		X509_free(x);
	}
}

static void issued_certificates_verify(void **state)
{
	static const char *const ca_names[] = {"Test CA"}, *const leaf_names[] = {"leaf.example"};
	static const tern_key_type types[] = {TERN_KEY_P256, TERN_KEY_P384, TERN_KEY_ED25519};

	(void)state;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		struct made ca, leaf;
		tern_cert_options options = {.size = sizeof options, .key_type = types[i], .names = ca_names};
		options.num_names = 1;
		options.days = 30;
		options.ca = true;
		assert_int_equal(make(&ca, &options), TERN_OK);
		options.names = leaf_names;
		options.ca = false;
		options.issuer_pem = ca.cert;
		options.issuer_len = ca.cert_len;
		options.issuer_key_pem = ca.key;
		options.issuer_key_len = ca.key_len;
		assert_int_equal(make(&leaf, &options), TERN_OK);
		X509 *anchor = parse(&ca), *x = parse(&leaf);
		assert_int_equal(verify(x, anchor, X509_PURPOSE_SSL_SERVER, now.unix_s), X509_V_OK);
		assert_int_equal(verify(x, anchor, X509_PURPOSE_SSL_CLIENT, now.unix_s), X509_V_OK);
		assert_int_equal(verify(x, anchor, X509_PURPOSE_SSL_SERVER, now.unix_s + 31 * 86400),
				 X509_V_ERR_CERT_HAS_EXPIRED);
		X509_free(x);
		X509_free(anchor);
	}
}

static void what_cannot_be_made_says_why(void **state)
{
	static const char *const good[] = {"localhost"}, *const space[] = {"a b"}, *const dots[] = {"a..b"};
	static const char *const empty[] = {""}, *const dash[] = {"-a"};
	struct made ca, other, end;
	tern_cert_options options = {.size = sizeof options, .names = good, .num_names = 1, .days = 1, .ca = true};

	(void)state;
	assert_int_equal(make(&ca, &options), TERN_OK);
	assert_int_equal(make(&other, &options), TERN_OK);
	options.ca = false;
	assert_int_equal(make(&end, &options), TERN_OK);
	const struct {
		const char *name;
		tern_error error;
		size_t size, num_names;
		uint32_t days;
		const char *const *names;
		const char *issuer, *issuer_key;
	} cases[] = {
		{"size", TERN_ERROR_USAGE, 1, 1, 1, good, NULL, NULL},
		{"no name", TERN_ERROR_USAGE, sizeof options, 0, 1, good, NULL, NULL},
		{"too many names", TERN_ERROR_USAGE, sizeof options, 65, 1, good, NULL, NULL},
		{"no days", TERN_ERROR_USAGE, sizeof options, 1, 0, good, NULL, NULL},
		{"too many days", TERN_ERROR_USAGE, sizeof options, 1, 36501, good, NULL, NULL},
		{"issuer without key", TERN_ERROR_USAGE, sizeof options, 1, 1, good, ca.cert, NULL},
		{"key without issuer", TERN_ERROR_USAGE, sizeof options, 1, 1, good, NULL, ca.key},
		{"space in a name", TERN_ERROR_UNKNOWN_NAME, sizeof options, 1, 1, space, NULL, NULL},
		{"empty label", TERN_ERROR_UNKNOWN_NAME, sizeof options, 1, 1, dots, NULL, NULL},
		{"empty name", TERN_ERROR_UNKNOWN_NAME, sizeof options, 1, 1, empty, NULL, NULL},
		{"leading dash", TERN_ERROR_UNKNOWN_NAME, sizeof options, 1, 1, dash, NULL, NULL},
		{"issuer no PEM", TERN_ERROR_BAD_CERTIFICATE_FILE, sizeof options, 1, 1, good, "x", ca.key},
		{"issuer no CA", TERN_ERROR_BAD_CERTIFICATE_FILE, sizeof options, 1, 1, good, end.cert, end.key},
		{"key no PEM", TERN_ERROR_BAD_KEY_FILE, sizeof options, 1, 1, good, ca.cert, "x"},
		{"another CA's key", TERN_ERROR_KEY_MISMATCH, sizeof options, 1, 1, good, ca.cert, other.key},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct made made;
		print_message("%s\n", cases[i].name);
		options = (tern_cert_options){.size = cases[i].size,
					      .names = cases[i].names,
					      .num_names = cases[i].num_names,
					      .days = cases[i].days,
					      .issuer_pem = cases[i].issuer,
					      .issuer_len = cases[i].issuer ? strlen(cases[i].issuer) : 0,
					      .issuer_key_pem = cases[i].issuer_key,
					      .issuer_key_len = cases[i].issuer_key ? strlen(cases[i].issuer_key) : 0};
		assert_int_equal(make(&made, &options), cases[i].error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_type_makes_a_pair),
		cmocka_unit_test(issued_certificates_verify),
		cmocka_unit_test(what_cannot_be_made_says_why),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
