/* describe.c - looks at certificates for people (tern/cert.h): names, validity, key, fingerprint. Everything a
 * certificate says is text from strangers and is made printable. */
#include "tern/cert.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* The index-th certificate; NULL when there is none. */
static X509 *read_certificate(const void *bytes, size_t len, size_t index)
{
	const unsigned char *der = bytes;
	X509 *x = NULL;

	if (len == 0 || len > INT32_MAX)
		return NULL;
	if (index == 0 && (x = d2i_X509(NULL, &der, (long)len)) != NULL)
		return x;
	BIO *bio = BIO_new_mem_buf(bytes, (int)len);
	for (size_t i = 0; bio && i <= index; i++) {
		X509_free(x);
		x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		if (!x)
			break;
	}
	BIO_free(bio);
	return x;
}

static void copy_printable(char *out, size_t cap, const char *from, size_t len)
{
	size_t n = len < cap ? len : cap - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = from[i] >= 0x20 && from[i] < 0x7f ? from[i] : '?';
	out[n] = 0;
}

static void copy_bio(char *out, size_t cap, BIO *bio)
{
	char *bytes = NULL;
	long n = BIO_get_mem_data(bio, &bytes);

	copy_printable(out, cap, bytes, n > 0 ? (size_t)n : 0);
	(void)BIO_reset(bio);
}

static void describe_names(BIO *bio, X509 *x)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		if (i > 0)
			BIO_puts(bio, ", ");
		GENERAL_NAME_print(bio, sk_GENERAL_NAME_value(names, i));
	}
	GENERAL_NAMES_free(names);
}

static void describe_key(char *out, size_t cap, X509 *x)
{
	EVP_PKEY *key = X509_get0_pubkey(x);

	if (!key)
		snprintf(out, cap, "unknown");
	else if (EVP_PKEY_is_a(key, "EC"))
		snprintf(out, cap, "P-%d", EVP_PKEY_get_bits(key));
	else if (EVP_PKEY_is_a(key, "ED25519"))
		snprintf(out, cap, "Ed25519");
	else
		snprintf(out, cap, "%s %d", EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
}

static int64_t unix_time(const ASN1_TIME *t)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days = 0, seconds = 0;
	bool ok = epoch && ASN1_TIME_diff(&days, &seconds, epoch, t) == 1;

	ASN1_TIME_free(epoch);
	return ok ? (int64_t)days * 86400 + seconds : 0;
}

static tern_error fingerprint(char *out, X509 *x)
{
	unsigned char digest[32];
	unsigned n = sizeof digest;
	char *p = out + sprintf(out, "sha-256:");

	if (X509_digest(x, EVP_sha256(), digest, &n) != 1)
		return TERN_ERROR_CRYPTO;
	for (size_t i = 0; i < sizeof digest; i++)
		p += sprintf(p, i ? ":%02X" : "%02X", digest[i]);
	return TERN_OK;
}

tern_error tern_cert_fingerprint(char out[TERN_FINGERPRINT_TEXT], const void *certificate, size_t len)
{
	X509 *x = read_certificate(certificate, len, 0);
	tern_error error = x ? fingerprint(out, x) : TERN_ERROR_BAD_PEM;

	X509_free(x);
	ERR_clear_error();
	return error;
}

static tern_error describe(tern_cert_info *info, X509 *x, BIO *bio)
{
	X509_NAME_print_ex(bio, X509_get_subject_name(x), 0, XN_FLAG_RFC2253);
	copy_bio(info->subject, sizeof info->subject, bio);
	X509_NAME_print_ex(bio, X509_get_issuer_name(x), 0, XN_FLAG_RFC2253);
	copy_bio(info->issuer, sizeof info->issuer, bio);
	describe_names(bio, x);
	copy_bio(info->names, sizeof info->names, bio);
	describe_key(info->key_type, sizeof info->key_type, x);
	info->not_before_unix_s = unix_time(X509_get0_notBefore(x));
	info->not_after_unix_s = unix_time(X509_get0_notAfter(x));
	info->ca = X509_check_ca(x) == 1;
	info->self_issued = X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0;
	return fingerprint(info->fingerprint, x);
}

tern_error tern_cert_describe(tern_cert_info *info, const void *certificate, size_t len, size_t index)
{
	X509 *x = read_certificate(certificate, len, index);
	BIO *bio = x ? BIO_new(BIO_s_mem()) : NULL;
	tern_error error = x ? TERN_ERROR_NO_MEMORY : TERN_ERROR_BAD_PEM;

	memset(info, 0, sizeof *info);
	if (bio)
		error = describe(info, x, bio);
	BIO_free(bio);
	X509_free(x);
	ERR_clear_error();
	return error;
}
