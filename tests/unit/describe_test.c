/* describe_test.c - looking at certificates: PEM and DER, several in a file, fingerprints, and bytes that are none. */
#include "tern/cert.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const tern_time now = {0, 1700000000};

struct files {
	char pem[2 * TERN_CERT_PEM_MAX + 64]; /* text and two certificates */
	size_t pem_len;
	unsigned char der[4096]; /* of the first */
	size_t der_len;
};

static void make_files(struct files *files)
{
	static const char *const names[2][1] = {{"one.example"}, {"two.example"}};
	char key[TERN_KEY_PEM_MAX];
	size_t key_len;

	files->pem_len = (size_t)sprintf(files->pem, "a line of text\n");
	for (int i = 0; i < 2; i++) {
		tern_cert_options options = {.size = sizeof options, .names = names[i], .num_names = 1, .days = 1};
		char pem[TERN_CERT_PEM_MAX];
		size_t len;
		assert_int_equal(tern_cert_make(pem, &len, key, &key_len, &options, now), TERN_OK);
		memcpy(files->pem + files->pem_len, pem, len);
		files->pem_len += len;
	}
	BIO *bio = BIO_new_mem_buf(files->pem, (int)files->pem_len);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	unsigned char *p = files->der;
	files->der_len = (size_t)i2d_X509(x, &p);
	X509_free(x);
	BIO_free(bio);
}

static void several_in_a_file(void **state)
{
	struct files files;
	tern_cert_info info;

	(void)state;
	make_files(&files);
	assert_int_equal(tern_cert_describe(&info, files.pem, files.pem_len, 0), TERN_OK);
	assert_string_equal(info.subject, "CN=one.example");
	assert_int_equal(tern_cert_describe(&info, files.pem, files.pem_len, 1), TERN_OK);
	assert_string_equal(info.subject, "CN=two.example");
	assert_string_equal(info.names, "DNS:two.example");
	assert_int_equal(tern_cert_describe(&info, files.pem, files.pem_len, 2), TERN_ERROR_BAD_PEM);
	assert_int_equal(tern_cert_describe(&info, files.der, files.der_len, 0), TERN_OK);
	assert_string_equal(info.subject, "CN=one.example");
	assert_int_equal(tern_cert_describe(&info, files.der, files.der_len, 1), TERN_ERROR_BAD_PEM);
}

static void the_fingerprint_is_that_of_the_der(void **state)
{
	struct files files;
	unsigned char digest[32];
	char expected[TERN_FINGERPRINT_TEXT], text[TERN_FINGERPRINT_TEXT], *p = expected;
	tern_cert_info info;

	(void)state;
	make_files(&files);
	EVP_Digest(files.der, files.der_len, digest, NULL, EVP_sha256(), NULL);
	p += sprintf(p, "sha-256:");
	for (int i = 0; i < 32; i++)
		p += sprintf(p, i ? ":%02X" : "%02X", digest[i]);
	assert_int_equal(tern_cert_fingerprint(text, files.pem, files.pem_len), TERN_OK);
	assert_string_equal(text, expected);
	assert_int_equal(tern_cert_fingerprint(text, files.der, files.der_len), TERN_OK);
	assert_string_equal(text, expected);
	assert_int_equal(tern_cert_describe(&info, files.pem, files.pem_len, 0), TERN_OK);
	assert_string_equal(info.fingerprint, expected);
}

static void bytes_that_are_no_certificate(void **state)
{
	struct files files;
	char text[TERN_FINGERPRINT_TEXT];
	tern_cert_info info;

	(void)state;
	make_files(&files);
	/* Every proper prefix of the DER; a PEM file that ends before its first certificate does. */
	for (size_t n = 0; n < files.der_len; n++)
		assert_int_equal(tern_cert_fingerprint(text, files.der, n), TERN_ERROR_BAD_PEM);
	assert_int_equal(tern_cert_describe(&info, files.pem, 200, 0), TERN_ERROR_BAD_PEM);
	assert_int_equal(tern_cert_describe(&info, "", 0, 0), TERN_ERROR_BAD_PEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_in_a_file),
		cmocka_unit_test(the_fingerprint_is_that_of_the_der),
		cmocka_unit_test(bytes_that_are_no_certificate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
