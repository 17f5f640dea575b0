/* ML-KEM-768 (FIPS 203), which libcrypto has from 3.5 on. Only functions and types of 3.0 are used, and names for the
 * rest: whether it is there shows at run time. */
#include <openssl/params.h>

#include "crypto/libcrypto/libcrypto.h"

#define NAME "ML-KEM-768"
#define ENCAPSULATION_RANDOM 32

bool libcrypto_mlkem768_available(void)
{
	EVP_KEM *kem = EVP_KEM_fetch(NULL, NAME, NULL);
	if (!kem)
		libcrypto_fail(TERN_ERROR_CRYPTO);
	EVP_KEM_free(kem);
	return kem != NULL;
}

/* A parameter list of one octet string; providers only read it. */
static void one_param(OSSL_PARAM params[2], const char *name, const uint8_t *p, size_t n)
{
	params[0] = OSSL_PARAM_construct_octet_string(name, (void *)p, n);
	params[1] = OSSL_PARAM_construct_end();
}

/* The key pair of a seed; NULL on failure. */
static EVP_PKEY *expand(const uint8_t *seed)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, NAME, NULL);
	EVP_PKEY *key = NULL;
	OSSL_PARAM params[2];
	one_param(params, "seed", seed, MLKEM768_SEED);
	if (ctx && EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_CTX_set_params(ctx, params) == 1)
		(void)EVP_PKEY_generate(ctx, &key); /* leaves NULL when it fails */
	EVP_PKEY_CTX_free(ctx);
	return key;
}

tern_error libcrypto_mlkem768_offer(struct crypto *c, uint8_t *seed, uint8_t *public)
{
	size_t len = MLKEM768_PUBLIC;
	EVP_PKEY *key;
	bool ok;
	TRY(libcrypto_random(c, seed, MLKEM768_SEED));
	key = expand(seed);
	ok = key && EVP_PKEY_get_raw_public_key(key, public, &len) == 1 && len == MLKEM768_PUBLIC;
	EVP_PKEY_free(key);
	return ok ? TERN_OK : libcrypto_fail(TERN_ERROR_CRYPTO);
}

/* params: NULL, or the random bytes to use. */
static bool encapsulate(EVP_PKEY *peer, const OSSL_PARAM *params, uint8_t *ciphertext, uint8_t *secret)
{
	size_t ciphertext_len = MLKEM768_CIPHERTEXT, secret_len = MLKEM768_SECRET;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, peer, NULL);
	bool ok = ctx && EVP_PKEY_encapsulate_init(ctx, params) == 1 &&
		  EVP_PKEY_encapsulate(ctx, ciphertext, &ciphertext_len, secret, &secret_len) == 1 &&
		  ciphertext_len == MLKEM768_CIPHERTEXT && secret_len == MLKEM768_SECRET;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

/* libcrypto draws its own random bytes unless the application has a source. */
tern_error libcrypto_mlkem768_answer(struct crypto *c, struct span public, uint8_t *ciphertext, uint8_t *secret)
{
	uint8_t random[ENCAPSULATION_RANDOM] = {0};
	OSSL_PARAM params[2];
	EVP_PKEY *peer;
	bool ok;
	if (public.n != MLKEM768_PUBLIC)
		return TERN_ERROR_ILLEGAL_PARAMETER;
	if (c->random_fn)
		TRY(libcrypto_random(c, random, sizeof random));
	one_param(params, "ikme", random, sizeof random);
	peer = EVP_PKEY_new_raw_public_key_ex(NULL, NAME, NULL, public.p, public.n);
	if (!peer) /* a coefficient beyond the modulus: FIPS 203 7.2 */
		return libcrypto_fail(TERN_ERROR_ILLEGAL_PARAMETER);
	ok = encapsulate(peer, c->random_fn ? params : NULL, ciphertext, secret);
	wipe(random, sizeof random);
	EVP_PKEY_free(peer);
	return ok ? TERN_OK : libcrypto_fail(TERN_ERROR_CRYPTO);
}

/* A ciphertext that was not made for the key gives another secret, not an error: FIPS 203 6.3. */
tern_error libcrypto_mlkem768_finish(const uint8_t *seed, struct span ciphertext, uint8_t *secret)
{
	size_t len = MLKEM768_SECRET;
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key;
	bool ok;
	if (ciphertext.n != MLKEM768_CIPHERTEXT)
		return TERN_ERROR_ILLEGAL_PARAMETER;
	key = expand(seed);
	ctx = key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
	ok = ctx && EVP_PKEY_decapsulate_init(ctx, NULL) == 1 &&
	     EVP_PKEY_decapsulate(ctx, secret, &len, ciphertext.p, ciphertext.n) == 1 && len == MLKEM768_SECRET;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok ? TERN_OK : libcrypto_fail(TERN_ERROR_CRYPTO);
}
