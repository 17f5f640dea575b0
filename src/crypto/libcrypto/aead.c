/* The five AEADs by EVP. Records of DTLS 1.2 go in the form that EVP has for TLS 1.2, which costs about half of the
 * general one for short records; tickets and all else in the general form. Both give the same bytes. */
#include <limits.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "crypto/libcrypto/libcrypto.h"

/* FORM_NONE: a new key, or something went wrong. */
enum form { FORM_NONE, FORM_TLS12, FORM_GENERAL };

struct aead_key {
	struct crypto *crypto;
	EVP_CIPHER_CTX *ctx;
	const struct aead_alg *alg; /* NULL: ctx has no cipher yet */
	bool opening; /* the direction ctx was last used in */
	enum form form; /* and the form */
	bool has_iv; /* TLS 1.2: ctx goes on from iv */
	uint8_t iv[AEAD_NONCE]; /* the nonce GCM makes next, or its front; CCM's front; what ChaCha20 adds numbers to */
	EVP_CIPHER_CTX *mask_ctx; /* NULL until a record number key comes */
	enum mask_id mask; /* whose the record number key is */
	uint8_t key[AEAD_KEY_MAX];
};

static const char *const cipher_names[NUM_AEADS] = {
	[AEAD_AES_128_GCM] = "AES-128-GCM",
	[AEAD_AES_256_GCM] = "AES-256-GCM",
	[AEAD_CHACHA20_POLY1305] = "ChaCha20-Poly1305",
	[AEAD_AES_128_CCM] = "AES-128-CCM",
	[AEAD_AES_128_CCM_8] = "AES-128-CCM",
};

static const char *const mask_names[NUM_MASKS] = {
	[MASK_AES_128] = "AES-128-ECB",
	[MASK_AES_256] = "AES-256-ECB",
	[MASK_CHACHA20] = "ChaCha20",
};

static const enum mask_id mask_ids[NUM_AEADS] = {
	[AEAD_AES_128_GCM] = MASK_AES_128,	  [AEAD_AES_256_GCM] = MASK_AES_256,
	[AEAD_CHACHA20_POLY1305] = MASK_CHACHA20, [AEAD_AES_128_CCM] = MASK_AES_128,
	[AEAD_AES_128_CCM_8] = MASK_AES_128,
};

tern_error libcrypto_aeads_open(struct crypto *c)
{
	for (size_t i = 0; i < NUM_AEADS; i++) {
		c->ciphers[i] = EVP_CIPHER_fetch(NULL, cipher_names[i], NULL);
		if (!c->ciphers[i])
			return TERN_ERROR_CRYPTO;
	}
	for (size_t i = 0; i < NUM_MASKS; i++) {
		c->masks[i] = EVP_CIPHER_fetch(NULL, mask_names[i], NULL);
		if (!c->masks[i])
			return TERN_ERROR_CRYPTO;
	}
	return TERN_OK;
}

void libcrypto_aeads_close(struct crypto *c)
{
	for (size_t i = 0; i < NUM_AEADS; i++)
		EVP_CIPHER_free(c->ciphers[i]);
	for (size_t i = 0; i < NUM_MASKS; i++)
		EVP_CIPHER_free(c->masks[i]);
	heap_free(c->heap, c->scratch, SCRATCH_LEN);
}

tern_error libcrypto_aead_new(struct crypto *c, struct aead_key **k)
{
	struct aead_key *new = heap_alloc(c->heap, sizeof *new);
	if (!new)
		return TERN_ERROR_NO_MEMORY;
	new->crypto = c;
	new->mask = MASK_NONE;
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
	EVP_CIPHER_CTX_free(k->mask_ctx);
	heap_free(c->heap, k, sizeof *k);
}

static bool is_ccm(const struct aead_alg *alg)
{
	return alg->id == AEAD_AES_128_CCM || alg->id == AEAD_AES_128_CCM_8;
}

static bool is_chacha(const struct aead_alg *alg)
{
	return alg->id == AEAD_CHACHA20_POLY1305;
}

/* CCM wants the lengths of nonce and tag before the key. */
static bool set_cipher(struct aead_key *k, const struct aead_alg *alg)
{
	return EVP_CIPHER_CTX_reset(k->ctx) &&
	       EVP_EncryptInit_ex2(k->ctx, k->crypto->ciphers[alg->id], NULL, NULL, NULL) &&
	       EVP_CIPHER_CTX_ctrl(k->ctx, EVP_CTRL_AEAD_SET_IVLEN, AEAD_NONCE, NULL) > 0 &&
	       (!is_ccm(alg) || EVP_CIPHER_CTX_ctrl(k->ctx, EVP_CTRL_AEAD_SET_TAG, alg->tag_len, NULL) > 0);
}

static void clear_mask(struct aead_key *k)
{
	if (k->mask != MASK_NONE)
		EVP_CIPHER_CTX_reset(k->mask_ctx);
	k->mask = MASK_NONE;
}

/* ECB keeps no state between blocks, and ChaCha20 gets all of it with its IV: the context serves every record. */
static bool set_mask(struct aead_key *k, enum mask_id mask, const uint8_t *sn_key)
{
	if (!k->mask_ctx)
		k->mask_ctx = EVP_CIPHER_CTX_new();
	if (!k->mask_ctx)
		return false;
	if (k->mask != mask) {
		clear_mask(k);
		if (!EVP_EncryptInit_ex2(k->mask_ctx, k->crypto->masks[mask], NULL, NULL, NULL) ||
		    !EVP_CIPHER_CTX_set_padding(k->mask_ctx, 0))
			return false;
	}
	k->mask = mask;
	if (EVP_EncryptInit_ex2(k->mask_ctx, NULL, sn_key, NULL, NULL))
		return true;
	clear_mask(k);
	return false;
}

tern_error libcrypto_aead_set(struct aead_key *k, const struct aead_alg *alg, const uint8_t *key, const uint8_t *sn_key)
{
	struct crypto *c = k->crypto;
	if (!c->scratch) {
		c->scratch = heap_alloc(c->heap, SCRATCH_LEN);
		if (!c->scratch)
			return TERN_ERROR_NO_MEMORY;
	}
	if (k->alg != alg) {
		k->alg = NULL;
		if (!set_cipher(k, alg))
			return libcrypto_fail(TERN_ERROR_CRYPTO);
		k->alg = alg;
		k->form = FORM_NONE;
	}
	if (k->form != FORM_TLS12)
		k->form = FORM_NONE;
	k->opening = false;
	k->has_iv = false;
	memcpy(k->key, key, alg->key_len);
	if (!EVP_EncryptInit_ex2(k->ctx, NULL, key, NULL, NULL))
		return libcrypto_fail(TERN_ERROR_CRYPTO);
	if (!sn_key)
		clear_mask(k);
	else if (!set_mask(k, mask_ids[alg->id], sn_key))
		return libcrypto_fail(TERN_ERROR_CRYPTO);
	return TERN_OK;
}

/* CCM in OpenSSL chooses its code for one direction when the key is set, and computes a wrong tag in the other: turning
 * around sets the key again. A connection's keys have one direction each. */
static bool turn(struct aead_key *k, bool opening, const uint8_t *nonce)
{
	const uint8_t *key = opening != k->opening && is_ccm(k->alg) ? k->key : NULL;
	k->opening = opening;
	k->has_iv = false;
	return EVP_CipherInit_ex(k->ctx, NULL, NULL, key, nonce, !opening) == 1;
}

/* Every initialisation of EVP's costs as much as a short record. GCM and ChaCha20 take a whole nonce, and with it the
 * tag to be checked, as parameters of TLS 1.2 too; -1 is EVP's length for GCM's. */
static bool set_nonce(struct aead_key *k, const uint8_t *nonce, uint8_t *tag)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_IV_FIXED, (void *)nonce,
						  is_chacha(k->alg) ? AEAD_NONCE : (size_t)-1),
		OSSL_PARAM_construct_end(),
		OSSL_PARAM_construct_end(),
	};
	if (tag)
		params[1] = OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, k->alg->tag_len);
	return EVP_CIPHER_CTX_set_params(k->ctx, params) == 1;
}

static bool set_tag(struct aead_key *k, uint8_t *tag)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, k->alg->tag_len),
		OSSL_PARAM_construct_end(),
	};
	return EVP_CIPHER_CTX_set_params(k->ctx, params) == 1;
}

/* The general form. CCM leaves TLS 1.2's only by a reset. tag: to be checked; NULL when sealing. */
static bool start(struct aead_key *k, bool opening, const uint8_t *nonce, uint8_t *tag)
{
	enum form last = k->form;
	k->form = FORM_GENERAL;
	if (last == FORM_GENERAL && opening == k->opening && !is_ccm(k->alg))
		return set_nonce(k, nonce, tag);
	if (last == FORM_TLS12 && is_ccm(k->alg)) {
		if (!set_cipher(k, k->alg) || !EVP_EncryptInit_ex2(k->ctx, NULL, k->key, NULL, NULL))
			return false;
		k->opening = false;
	}
	return turn(k, opening, nonce) && (!tag || set_tag(k, tag));
}

/* ctx makes nonces from iv on. EVP_CIPHER_CTX_ctrl's -1 stands for all of it. */
static bool start_iv(struct aead_key *k, bool opening, const uint8_t *iv)
{
	int n = is_ccm(k->alg) ? EVP_CCM_TLS_FIXED_IV_LEN : is_chacha(k->alg) ? AEAD_NONCE : -1;
	if (!turn(k, opening, iv) || EVP_CIPHER_CTX_ctrl(k->ctx, EVP_CTRL_AEAD_SET_IV_FIXED, n, (void *)iv) <= 0)
		return false;
	memcpy(k->iv, iv, AEAD_NONCE);
	k->has_iv = true;
	return true;
}

/* Whatever state ctx is in, the next start initialises it. */
static void spoiled(struct aead_key *k)
{
	if (k->form == FORM_GENERAL)
		k->form = FORM_NONE;
}

/* EVP_Cipher is one call down to the provider where EVP_CipherUpdate looks at much else before it. Additional data: out
 * NULL. */
static bool pass(struct aead_key *k, uint8_t *out, const uint8_t *in, size_t n)
{
	return EVP_Cipher(k->ctx, out, in, (unsigned)n) >= 0;
}

/* The end of GCM and ChaCha20, in the general form: makes or checks the tag. Not EVP_Cipher without input, which the
 * ChaCha20 of libcrypto 3.0.20 takes for nothing to do. */
static bool finish(struct aead_key *k)
{
	uint8_t none[AEAD_TAG_MAX];
	int len;
	return EVP_CipherFinal_ex(k->ctx, none, &len) == 1;
}

/* What CCM must know before the additional data. */
static bool announce(struct aead_key *k, size_t n)
{
	int len;
	return EVP_CipherUpdate(k->ctx, NULL, &len, NULL, (int)n) == 1;
}

static bool get_tag(struct aead_key *k, uint8_t *tag)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, k->alg->tag_len),
		OSSL_PARAM_construct_end(),
	};
	return EVP_CIPHER_CTX_get_params(k->ctx, params) == 1;
}

/* ---- the form of TLS 1.2: nonce, additional data, text and tag in one call ---- */

#define AAD12 13 /* RFC 5246 6.2.3.3; begins with epoch and sequence number */
#define NUMBER 8 /* bytes of these: added to ChaCha20's IV (RFC 7905 2), else the back of the nonces we make */
#define FIXED (AEAD_NONCE - NUMBER)

static bool is_tls12(const struct aead_key *k, bool opening, const uint8_t *nonce, struct span aad, size_t n)
{
	return aad.n == AAD12 && n <= SCRATCH_LEN - NUMBER - AEAD_TAG_MAX &&
	       (size_t)(aad.p[AAD12 - 2] << 8 | aad.p[AAD12 - 1]) == n &&
	       (opening || is_chacha(k->alg) || memcmp(nonce + FIXED, aad.p, NUMBER) == 0);
}

/* Bytes of the explicit nonce, which EVP has in front of the text. */
static size_t front12(const struct aead_key *k)
{
	return is_chacha(k->alg) ? 0 : NUMBER;
}

/* What ctx needs for this nonce, if it does not have it from the record before. GCM counts the nonces it makes. */
static bool set_iv12(struct aead_key *k, bool opening, const uint8_t *nonce, const uint8_t *number)
{
	bool whole = is_chacha(k->alg) || (!opening && !is_ccm(k->alg));
	uint8_t iv[AEAD_NONCE];
	memcpy(iv, nonce, sizeof iv);
	for (size_t i = 0; is_chacha(k->alg) && i < NUMBER; i++)
		iv[FIXED + i] ^= number[i];
	if (opening == k->opening && k->has_iv && memcmp(k->iv, iv, whole ? AEAD_NONCE : FIXED) == 0)
		return true;
	return start_iv(k, opening, iv);
}

static void count_nonce(struct aead_key *k)
{
	for (size_t i = AEAD_NONCE; i-- > FIXED && ++k->iv[i] == 0;)
		;
}

/* n bytes of text between the front and the tag. The length in EVP's additional data is the record's: with the front,
 * and when opening with the tag. */
static bool crypt12(struct aead_key *k, bool opening, const uint8_t *nonce, struct span aad, uint8_t *out,
		    const uint8_t *in, size_t n)
{
	uint8_t data[AAD12];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_AAD, data, sizeof data),
		OSSL_PARAM_construct_end(),
	};
	size_t len = front12(k) + n + (opening ? k->alg->tag_len : 0);
	memcpy(data, aad.p, sizeof data);
	data[AAD12 - 2] = (uint8_t)(len >> 8);
	data[AAD12 - 1] = (uint8_t)len;
	if (!set_iv12(k, opening, nonce, aad.p))
		return false;
	k->form = FORM_TLS12;
	return EVP_CIPHER_CTX_set_params(k->ctx, params) == 1 && pass(k, out, in, front12(k) + n + k->alg->tag_len);
}

/* GCM and CCM want to work in place, behind the explicit nonce. They write what they used there. */
static bool seal12(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *out, const uint8_t *in, size_t n)
{
	uint8_t *scratch = k->crypto->scratch;
	if (is_chacha(k->alg))
		return crypt12(k, false, nonce, aad, out, in, n);
	memcpy(scratch + NUMBER, in, n);
	if (!crypt12(k, false, nonce, aad, scratch, scratch, n) || memcmp(scratch, nonce + FIXED, NUMBER) != 0) {
		wipe(scratch, NUMBER + n);
		return false;
	}
	if (!is_ccm(k->alg))
		count_nonce(k);
	memcpy(out, scratch + NUMBER, n + k->alg->tag_len);
	return true;
}

/* EVP wipes its output when the tag is wrong, so the output goes elsewhere first. */
static bool open12(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *p, size_t n)
{
	uint8_t *scratch = k->crypto->scratch;
	const uint8_t *in = p;
	if (!is_chacha(k->alg)) {
		memcpy(scratch, nonce + FIXED, NUMBER);
		memcpy(scratch + NUMBER, p, n + k->alg->tag_len);
		in = scratch;
	}
	if (!crypt12(k, true, nonce, aad, scratch, in, n))
		return false;
	memcpy(p, scratch + front12(k), n);
	wipe(scratch, front12(k) + n);
	return true;
}

/* ---- the general form ---- */

static bool seal(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *out, const uint8_t *in, size_t n)
{
	bool ccm = is_ccm(k->alg);
	return start(k, false, nonce, NULL) && (!ccm || announce(k, n)) &&
	       (aad.n == 0 || pass(k, NULL, aad.p, aad.n)) && pass(k, out, in, n) && (ccm || finish(k)) &&
	       get_tag(k, out + n);
}

tern_error libcrypto_aead_seal(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *out,
			       const uint8_t *in, size_t n)
{
	if (n > INT_MAX || aad.n > INT_MAX)
		return TERN_ERROR_USAGE;
	if (!n)
		in = out;
	if (is_tls12(k, false, nonce, aad, n) ? seal12(k, nonce, aad, out, in, n) : seal(k, nonce, aad, out, in, n))
		return TERN_OK;
	spoiled(k);
	return libcrypto_fail(TERN_ERROR_CRYPTO);
}

/* EVP writes the plaintext before it looks at the tag; after a failure the same key stream restores the ciphertext. */
static bool open_stream(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *p, size_t n, uint8_t *tag)
{
	if (!start(k, true, nonce, tag) || (aad.n && !pass(k, NULL, aad.p, aad.n)) || !pass(k, p, p, n))
		return false;
	if (finish(k))
		return true;
	if (start(k, false, nonce, NULL))
		pass(k, p, p, n);
	return false;
}

/* EVP wipes its output when the tag is wrong, so the output goes elsewhere first. */
static bool open_ccm(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *p, size_t n, uint8_t *tag)
{
	uint8_t *scratch = k->crypto->scratch;
	if (n > SCRATCH_LEN || !start(k, true, nonce, tag) || !announce(k, n) ||
	    (aad.n && !pass(k, NULL, aad.p, aad.n)) || !pass(k, scratch, p, n))
		return false;
	memcpy(p, scratch, n);
	wipe(scratch, n);
	return true;
}

bool libcrypto_aead_open(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *p, size_t n)
{
	size_t tag_len = k->alg->tag_len;
	bool ok;
	if (n < tag_len || n > INT_MAX || aad.n > INT_MAX)
		return false;
	n -= tag_len;
	if (is_tls12(k, true, nonce, aad, n))
		ok = open12(k, nonce, aad, p, n);
	else if (is_ccm(k->alg))
		ok = open_ccm(k, nonce, aad, p, n, p + n);
	else
		ok = open_stream(k, nonce, aad, p, n, p + n);
	if (!ok) {
		spoiled(k);
		libcrypto_fail(TERN_ERROR_CRYPTO);
	}
	return ok;
}

/* For ChaCha20 the sample is block counter and nonce: RFC 9147 4.2.3. */
tern_error libcrypto_aead_mask(struct aead_key *k, const uint8_t sample[16], uint8_t mask[16])
{
	static const uint8_t zeros[16];
	bool is_stream = k->mask == MASK_CHACHA20;
	if (k->mask == MASK_NONE)
		return TERN_ERROR_INTERNAL;
	if ((is_stream && !EVP_EncryptInit_ex2(k->mask_ctx, NULL, NULL, sample, NULL)) ||
	    EVP_Cipher(k->mask_ctx, mask, is_stream ? zeros : sample, 16) < 0)
		return libcrypto_fail(TERN_ERROR_CRYPTO);
	return TERN_OK;
}
