#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "crypto/libcrypto/libcrypto.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 4096

/* A curve given by its parameters is not allowed in certificates (RFC 5480 2.1.1), even where they are those of a named
 * one. */
static bool curve_type(const EVP_PKEY *pkey, enum key_type *type)
{
	char name[32];
	int explicit = 0;
	if (EVP_PKEY_get_group_name(pkey, name, sizeof name, NULL) != 1 ||
	    EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit) != 1 || explicit)
		return false;
	if (strcmp(name, "prime256v1") == 0)
		*type = KEY_P256;
	else if (strcmp(name, "secp384r1") == 0)
		*type = KEY_P384;
	else
		return false;
	return true;
}

bool libcrypto_key_type(const EVP_PKEY *pkey, enum key_type *type)
{
	int bits = EVP_PKEY_get_bits(pkey);
	switch (EVP_PKEY_get_base_id(pkey)) {
	case EVP_PKEY_EC:
		return curve_type(pkey, type);
	case EVP_PKEY_ED25519:
		*type = KEY_ED25519;
		return true;
	case EVP_PKEY_RSA:
		*type = KEY_RSA;
		return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
	case EVP_PKEY_RSA_PSS:
		*type = KEY_RSA_PSS;
		return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
	default:
		return false;
	}
}

static const EVP_MD *md_of(enum hash_id id)
{
	switch (id) {
	case HASH_SHA256:
		return EVP_sha256();
	case HASH_SHA384:
		return EVP_sha384();
	case HASH_SHA512:
		return EVP_sha512();
	default:
		return NULL;
	}
}

/* ECDSA signs the digest as it is. For PSS the salt is as long as the digest, RFC 8446 4.2.3. */
static bool set_scheme(EVP_PKEY_CTX *ctx, const struct scheme_alg *scheme)
{
	const EVP_MD *md = md_of(scheme->prehash);
	if (scheme->key != KEY_RSA && scheme->key != KEY_RSA_PSS)
		return true;
	if (!scheme->pss)
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
		       EVP_PKEY_CTX_set_signature_md(ctx, md) > 0;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_signature_md(ctx, md) > 0 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) > 0 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0;
}

/* Making a context costs several us, so the last one is kept. Keys belong to the config, which the pool of c holds:
 * what has the same address is the same key. */
static EVP_PKEY_CTX *sign_ctx(struct crypto *c, const struct private_key *key, const struct scheme_alg *scheme)
{
	if (c->sign_scheme == scheme && EVP_PKEY_CTX_get0_pkey(c->sign_ctx) == key->pkey)
		return c->sign_ctx;
	EVP_PKEY_CTX_free(c->sign_ctx);
	c->sign_scheme = NULL;
	c->sign_ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
	if (!c->sign_ctx || EVP_PKEY_sign_init(c->sign_ctx) != 1 || !set_scheme(c->sign_ctx, scheme))
		return NULL;
	c->sign_scheme = scheme;
	return c->sign_ctx;
}

static bool sign_digest(struct crypto *c, const struct private_key *key, const struct scheme_alg *scheme,
			struct span tbs, uint8_t *signature, size_t *len)
{
	EVP_PKEY_CTX *ctx = sign_ctx(c, key, scheme);
	return ctx && EVP_PKEY_sign(ctx, signature, len, tbs.p, tbs.n) == 1;
}

static bool sign_message(EVP_PKEY *pkey, struct span tbs, uint8_t *signature, size_t *len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		  EVP_DigestSign(ctx, signature, len, tbs.p, tbs.n) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

tern_error libcrypto_sign(struct crypto *c, struct private_key *key, const struct scheme_alg *scheme, struct span tbs,
			  uint8_t *signature, size_t *len)
{
	bool ok;
	if (!scheme_fits_key12(scheme, key->type))
		return TERN_ERROR_INTERNAL;
	*len = SIGNATURE_MAX;
	ok = scheme->prehash == HASH_NONE ? sign_message(key->pkey, tbs, signature, len)
					  : sign_digest(c, key, scheme, tbs, signature, len);
	return ok ? TERN_OK : libcrypto_fail(TERN_ERROR_CRYPTO);
}

/* Kept with the key, for a chain that is remembered. */
static EVP_PKEY_CTX *verify_ctx(struct peer_chain *peer, const struct scheme_alg *scheme)
{
	if (peer->verify_scheme == scheme)
		return peer->verify_ctx;
	EVP_PKEY_CTX_free(peer->verify_ctx);
	peer->verify_scheme = NULL;
	peer->verify_ctx = EVP_PKEY_CTX_new(peer->pkey, NULL);
	if (!peer->verify_ctx || EVP_PKEY_verify_init(peer->verify_ctx) != 1 || !set_scheme(peer->verify_ctx, scheme))
		return NULL;
	peer->verify_scheme = scheme;
	return peer->verify_ctx;
}

static bool verify_digest(struct peer_chain *peer, const struct scheme_alg *scheme, struct span tbs,
			  struct span signature)
{
	EVP_PKEY_CTX *ctx = verify_ctx(peer, scheme);
	return ctx && EVP_PKEY_verify(ctx, signature.p, signature.n, tbs.p, tbs.n) == 1;
}

static bool verify_message(EVP_PKEY *pkey, struct span tbs, struct span signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		  EVP_DigestVerify(ctx, signature.p, signature.n, tbs.p, tbs.n) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

tern_error libcrypto_verify(struct crypto *c, struct peer_chain *peer, const struct scheme_alg *scheme, struct span tbs,
			    struct span signature)
{
	bool ok;
	(void)c;
	if (!scheme_fits_key12(scheme, peer->type))
		return TERN_ERROR_BAD_SIGNATURE;
	ok = scheme->prehash == HASH_NONE ? verify_message(peer->pkey, tbs, signature)
					  : verify_digest(peer, scheme, tbs, signature);
	return ok ? TERN_OK : libcrypto_fail(TERN_ERROR_BAD_SIGNATURE);
}
