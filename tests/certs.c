#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "certs.h"

#define YEAR INT64_C(31536000)

static EVP_PKEY *rsa_keys[2]; /* slow to make, so they serve a whole program */

static EVP_PKEY *make_rsa(size_t i, const char *type)
{
	if (!rsa_keys[i])
		rsa_keys[i] = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	if (i == 1 && EVP_PKEY_get_base_id(rsa_keys[1]) == EVP_PKEY_RSA) {
		EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
		EVP_PKEY *pss = NULL;
		assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048), 1);
		assert_int_equal(EVP_PKEY_generate(ctx, &pss), 1);
		EVP_PKEY_CTX_free(ctx);
		EVP_PKEY_free(rsa_keys[1]);
		rsa_keys[1] = pss;
	}
	EVP_PKEY_up_ref(rsa_keys[i]);
	return rsa_keys[i];
}

static EVP_PKEY *make_key(enum cert_key key)
{
	switch (key) {
	case CERT_P256:
		return EVP_EC_gen("P-256");
	case CERT_P384:
		return EVP_EC_gen("P-384");
	case CERT_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case CERT_RSA:
		return make_rsa(0, "RSA");
	default:
		return make_rsa(1, "RSA-PSS");
	}
}

void certs_cleanup(void)
{
	EVP_PKEY_free(rsa_keys[0]);
	EVP_PKEY_free(rsa_keys[1]);
	rsa_keys[0] = rsa_keys[1] = NULL;
}

static void add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	if (!value)
		return;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static void damage(X509 *x)
{
	const ASN1_BIT_STRING *signature;
	X509_get0_signature(&signature, NULL, x);
	((ASN1_BIT_STRING *)(uintptr_t)signature)->data[signature->length / 2] ^= 1;
}

static size_t to_text(BIO *bio, char *out, size_t cap, size_t at)
{
	int n = BIO_read(bio, out + at, (int)(cap - 1 - at));
	assert_true(n > 0);
	out[at + (size_t)n] = 0;
	BIO_free(bio);
	return at + (size_t)n;
}

static void write_pem(struct cert *c, const struct cert *issuer)
{
	BIO *bio = BIO_new(BIO_s_mem());
	assert_int_equal(PEM_write_bio_X509(bio, c->x), 1);
	c->pem_len = to_text(bio, c->pem, sizeof c->pem, 0);
	/* A root is known to its friends already. */
	if (issuer && X509_NAME_cmp(X509_get_subject_name(issuer->x), X509_get_issuer_name(issuer->x)) != 0) {
		memcpy(c->pem + c->pem_len, issuer->pem, issuer->pem_len + 1);
		c->pem_len += issuer->pem_len;
	}
	bio = BIO_new(BIO_s_mem());
	assert_int_equal(PEM_write_bio_PrivateKey(bio, c->pkey, NULL, NULL, 0, NULL, NULL), 1);
	c->key_len = to_text(bio, c->key, sizeof c->key, 0);
}

void cert_make(struct cert *out, const struct cert_options *o)
{
	static long serial = 1;
	const char *name = o->name ? o->name : "peer";
	int64_t from = o->from || o->to ? o->from : -YEAR, to = o->from || o->to ? o->to : YEAR;
	X509 *x = X509_new();
	EVP_PKEY *signer;
	memset(out, 0, sizeof *out);
	out->x = x;
	out->pkey = make_key(o->key);
	assert_non_null(out->pkey);
	signer = o->issuer ? o->issuer->pkey : out->pkey;
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
	ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(NOW_S + from));
	ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(NOW_S + to));
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(o->issuer ? o->issuer->x : x));
	X509_set_pubkey(x, out->pkey);
	add_extension(x, x, NID_basic_constraints, o->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_extension(x, x, NID_subject_alt_name, o->san);
	add_extension(x, x, NID_key_usage, o->key_usage);
	add_extension(x, x, NID_ext_key_usage, o->extended_key_usage);
	assert_true(X509_sign(x, signer, EVP_PKEY_get_base_id(signer) == EVP_PKEY_ED25519 ? NULL : EVP_sha256()) > 0);
	if (o->damaged)
		damage(x);
	write_pem(out, o->issuer);
}

void cert_free(struct cert *c)
{
	X509_free(c->x);
	EVP_PKEY_free(c->pkey);
	memset(c, 0, sizeof *c);
}

void cert_fingerprint_text(const struct cert *c, char out[TERN_FINGERPRINT_TEXT])
{
	assert_int_equal(tern_cert_fingerprint(out, c->pem, c->pem_len), TERN_OK);
}
