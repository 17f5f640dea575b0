#include <limits.h>

#include "crypto/libcrypto/libcrypto.h"

struct aead_key {
	struct crypto *crypto;
	EVP_CIPHER_CTX *ctx;
	const struct aead_alg *alg; /* NULL: ctx has no cipher yet */
	bool opening; /* the direction ctx was last used in */
	uint8_t key[AEAD_KEY_MAX];
};

static const char *const cipher_names[NUM_AEADS] = {
	[AEAD_AES_128_GCM] = "AES-128-GCM",
	[AEAD_AES_256_GCM] = "AES-256-GCM",
	[AEAD_CHACHA20_POLY1305] = "ChaCha20-Poly1305",
	[AEAD_AES_128_CCM] = "AES-128-CCM",
	[AEAD_AES_128_CCM_8] = "AES-128-CCM",
};

tern_error libcrypto_aeads_open(struct crypto *c)
{
	for (size_t i = 0; i < NUM_AEADS; i++) {
		c->ciphers[i] = EVP_CIPHER_fetch(NULL, cipher_names[i], NULL);
		if (!c->ciphers[i])
			return TERN_ERROR_CRYPTO;
	}
	return TERN_OK;
}

void libcrypto_aeads_close(struct crypto *c)
{
	for (size_t i = 0; i < NUM_AEADS; i++)
		EVP_CIPHER_free(c->ciphers[i]);
	heap_free(c->heap, c->scratch, SCRATCH_LEN);
}

tern_error libcrypto_aead_new(struct crypto *c, struct aead_key **k)
{
	struct aead_key *new = heap_alloc(c->heap, sizeof *new);
	if (!new)
		return TERN_ERROR_NO_MEMORY;
	new->crypto = c;
	new->ctx = EVP_CIPHER_CTX_new();
	if (!new->ctx) {
		heap_free(c->heap, new, sizeof *new);
		return libcrypto_fail(TERN_ERROR_NO_MEMORY);
	}
	*k = new;
	return TERN_OK;
}

void libcrypto_aead_free(struct crypto *c, struct aead_key *k)
{
	if (!k)
		return;
	EVP_CIPHER_CTX_free(k->ctx);
	heap_free(c->heap, k, sizeof *k);
}

static bool is_ccm(const struct aead_alg *alg)
{
	return alg->id == AEAD_AES_128_CCM || alg->id == AEAD_AES_128_CCM_8;
}

/* CCM wants the lengths of nonce and tag before the key. */
static bool set_cipher(struct aead_key *k, const struct aead_alg *alg)
{
	return EVP_CIPHER_CTX_reset(k->ctx) &&
	       EVP_EncryptInit_ex2(k->ctx, k->crypto->ciphers[alg->id], NULL, NULL, NULL) &&
	       EVP_CIPHER_CTX_ctrl(k->ctx, EVP_CTRL_AEAD_SET_IVLEN, AEAD_NONCE, NULL) > 0 &&
	       (!is_ccm(alg) || EVP_CIPHER_CTX_ctrl(k->ctx, EVP_CTRL_AEAD_SET_TAG, alg->tag_len, NULL) > 0);
}

tern_error libcrypto_aead_set(struct aead_key *k, const struct aead_alg *alg, const uint8_t *key)
{
	struct crypto *c = k->crypto;
	if (is_ccm(alg) && !c->scratch) {
		c->scratch = heap_alloc(c->heap, SCRATCH_LEN);
		if (!c->scratch)
			return TERN_ERROR_NO_MEMORY;
	}
	if (k->alg != alg) {
		k->alg = NULL;
		if (!set_cipher(k, alg))
			return libcrypto_fail(TERN_ERROR_CRYPTO);
		k->alg = alg;
	}
	k->opening = false;
	memcpy(k->key, key, alg->key_len);
	if (!EVP_EncryptInit_ex2(k->ctx, NULL, key, NULL, NULL))
		return libcrypto_fail(TERN_ERROR_CRYPTO);
	return TERN_OK;
}

/* CCM in OpenSSL chooses its code for one direction when the key is set, and computes a wrong tag in the other: turning
 * around sets the key again. A connection's keys have one direction each. */
static bool start(struct aead_key *k, bool opening, const uint8_t *nonce)
{
	const uint8_t *key = opening != k->opening && is_ccm(k->alg) ? k->key : NULL;
	k->opening = opening;
	return EVP_CipherInit_ex(k->ctx, NULL, NULL, key, nonce, !opening) == 1;
}

static bool seal(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *out, const uint8_t *in, int n)
{
	int len;
	return start(k, false, nonce) && (!is_ccm(k->alg) || EVP_EncryptUpdate(k->ctx, NULL, &len, NULL, n)) &&
	       (aad.n == 0 || EVP_EncryptUpdate(k->ctx, NULL, &len, aad.p, (int)aad.n)) &&
	       EVP_EncryptUpdate(k->ctx, out, &len, in, n) && EVP_EncryptFinal_ex(k->ctx, out + n, &len) &&
	       EVP_CIPHER_CTX_ctrl(k->ctx, EVP_CTRL_AEAD_GET_TAG, k->alg->tag_len, out + n) > 0;
}

tern_error libcrypto_aead_seal(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *out,
			       const uint8_t *in, size_t n)
{
	if (n > INT_MAX || aad.n > INT_MAX)
		return TERN_ERROR_USAGE;
	if (!seal(k, nonce, aad, out, n ? in : out, (int)n))
		return libcrypto_fail(TERN_ERROR_CRYPTO);
	return TERN_OK;
}

/* EVP writes the plaintext before it looks at the tag; after a failure the same key stream restores the ciphertext. */
static bool open_stream(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *p, int n, uint8_t *tag)
{
	uint8_t none[1];
	int len;
	if (!start(k, true, nonce) || (aad.n && !EVP_DecryptUpdate(k->ctx, NULL, &len, aad.p, (int)aad.n)) ||
	    EVP_CIPHER_CTX_ctrl(k->ctx, EVP_CTRL_AEAD_SET_TAG, k->alg->tag_len, tag) <= 0 ||
	    !EVP_DecryptUpdate(k->ctx, p, &len, p, n))
		return false;
	if (EVP_DecryptFinal_ex(k->ctx, none, &len))
		return true;
	if (start(k, false, nonce))
		EVP_EncryptUpdate(k->ctx, p, &len, p, n);
	return false;
}

/* EVP wipes its output when the tag is wrong, so the output goes elsewhere first. */
static bool open_ccm(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *p, int n, uint8_t *tag)
{
	uint8_t *scratch = k->crypto->scratch;
	int len;
	if (n > SCRATCH_LEN || !start(k, true, nonce) ||
	    EVP_CIPHER_CTX_ctrl(k->ctx, EVP_CTRL_AEAD_SET_TAG, k->alg->tag_len, tag) <= 0 ||
	    !EVP_DecryptUpdate(k->ctx, NULL, &len, NULL, n) ||
	    (aad.n && !EVP_DecryptUpdate(k->ctx, NULL, &len, aad.p, (int)aad.n)) ||
	    !EVP_DecryptUpdate(k->ctx, scratch, &len, p, n))
		return false;
	memcpy(p, scratch, (size_t)n);
	OPENSSL_cleanse(scratch, (size_t)n);
	return true;
}

bool libcrypto_aead_open(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *p, size_t n)
{
	size_t tag_len = k->alg->tag_len;
	bool ok;
	if (n < tag_len || n > INT_MAX || aad.n > INT_MAX)
		return false;
	n -= tag_len;
	ok = is_ccm(k->alg) ? open_ccm(k, nonce, aad, p, (int)n, p + n) : open_stream(k, nonce, aad, p, (int)n, p + n);
	if (!ok)
		libcrypto_fail(TERN_ERROR_CRYPTO);
	return ok;
}
