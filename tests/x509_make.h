/* x509_make.h - keys and certificates made with libcrypto while the test runs. Include after crypto_check.h. */
#ifndef TESTS_X509_MAKE_H
#define TESTS_X509_MAKE_H

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#define TEST_NOW INT64_C(1900000000) /* 2030-03-17; no test looks at the clock */
#define TEST_DAY INT64_C(86400)

/* A text in memory. */
struct text {
	char *p;
	size_t n;
};

static inline struct span text_bytes(struct text t)
{
	return span_of(t.p, t.n);
}

/* Takes what was written into bio, and frees bio. */
static inline struct text text_take(BIO *bio)
{
	char *p;
	struct text t = {.n = (size_t)BIO_get_mem_data(bio, &p)};
	t.p = malloc(t.n + 1);
	if (t.n)
		memcpy(t.p, p, t.n);
	t.p[t.n] = 0;
	BIO_free(bio);
	return t;
}

static inline EVP_PKEY *make_rsa_pss(void)
{
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	check_true("RSA-PSS", EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048) == 1 &&
				      EVP_PKEY_generate(ctx, &key) == 1);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* kind: "P-256", "P-384", "P-521", "ED25519", "RSA" (2048), "RSA-1024", "RSA-PSS". */
static inline EVP_PKEY *make_key(const char *kind)
{
	EVP_PKEY *key;
	if (strncmp(kind, "P-", 2) == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);
	else if (strcmp(kind, "RSA-PSS") == 0)
		key = make_rsa_pss();
	else if (strncmp(kind, "RSA", 3) == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)(kind[3] ? 1024 : 2048));
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, kind);
	check_true(kind, key != NULL);
	return key;
}

static inline struct text key_pem(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	check_true("key PEM", PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
	return text_take(bio);
}

static inline struct text certificate_pem(X509 *x)
{
	BIO *bio = BIO_new(BIO_s_mem());
	check_true("certificate PEM", PEM_write_bio_X509(bio, x) == 1);
	return text_take(bio);
}

/* What a certificate says; zeroes are left out of it. */
struct recipe {
	const char *cn, *san, *basic_constraints, *key_usage, *ext_key_usage;
	int64_t from_days, days; /* from TEST_NOW; days 0: from -1 to 30 */
	bool v1, sha1;
};

static inline void add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	if (!value)
		return;
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	check_true(value, e && X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
}

static inline void add_extensions(X509 *x, X509 *issuer, const struct recipe *r)
{
	add_extension(x, issuer, NID_subject_key_identifier, "hash");
	add_extension(x, issuer, NID_basic_constraints, r->basic_constraints);
	add_extension(x, issuer, NID_key_usage, r->key_usage);
	add_extension(x, issuer, NID_ext_key_usage, r->ext_key_usage);
	add_extension(x, issuer, NID_subject_alt_name, r->san);
}

/* A certificate for key. issuer NULL: self-signed with key; otherwise signed with issuer_key. */
static inline X509 *make_certificate(const struct recipe *r, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
	static long serial = 1;
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	EVP_PKEY *signer = issuer ? issuer_key : key;
	const EVP_MD *md = EVP_PKEY_get_base_id(signer) == EVP_PKEY_ED25519 ? NULL
			   : r->sha1					    ? EVP_sha1()
									    : EVP_sha256();
	int64_t from = r->days ? r->from_days : -1, days = r->days ? r->days : 31;
	X509_set_version(x, r->v1 ? X509_VERSION_1 : X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)r->cn, -1, -1, 0);
	X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer) : name);
	ASN1_TIME_set(X509_getm_notBefore(x), TEST_NOW + from * TEST_DAY);
	ASN1_TIME_set(X509_getm_notAfter(x), TEST_NOW + (from + days) * TEST_DAY);
	X509_set_pubkey(x, key);
	if (!r->v1)
		add_extensions(x, issuer ? issuer : x, r);
	check_true(r->cn, X509_sign(x, signer, md) > 0);
	return x;
}

static inline void check_queue(const char *name)
{
	if (ERR_peek_error())
		fail_msg("%s: left an error in OpenSSL's queue", name);
}

#endif
