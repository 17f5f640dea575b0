/* The AEADs alone. Both forms work in place; nothing is fetched, parsed or allocated. */
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "floor.h"

#define NONCE 12
#define AAD12 13
#define EXPLICIT 8
#define HEADER13 3
#define SAMPLE 16

struct floor_aead {
	struct floor_mb *mb; /* NULL: by libcrypto */
	enum bench_aead id;
	bool dtls13;
	EVP_CIPHER *cipher, *mask_cipher;
	EVP_CIPHER_CTX *ctx[2], *mask; /* [1] opens */
	size_t tag_len;
	uint8_t key[32];
};

static void check(bool ok, const char *what)
{
	if (!ok)
		bench_die(what);
}

/* From here on ctx makes the nonces of DTLS 1.2. */
static bool start_tls12(const struct floor_aead *a, EVP_CIPHER_CTX *ctx)
{
	static const int fixed[] = {[BENCH_GCM] = -1, [BENCH_CHACHA] = NONCE, [BENCH_CCM8] = 4};
	uint8_t iv[NONCE] = {0};
	return EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IV_FIXED, fixed[a->id], iv) == 1;
}

static EVP_CIPHER_CTX *open_ctx(const struct floor_aead *a, bool opening)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	check(ctx && EVP_CipherInit_ex2(ctx, a->cipher, NULL, NULL, !opening, NULL) == 1 &&
		      EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, NONCE, NULL) == 1,
	      "EVP_CipherInit");
	if (a->id == BENCH_CCM8)
		check(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)a->tag_len, NULL) == 1, "tag length");
	check(EVP_CipherInit_ex2(ctx, NULL, a->key, NULL, !opening, NULL) == 1 && (a->dtls13 || start_tls12(a, ctx)),
	      "key");
	return ctx;
}

static void open_evp(struct floor_aead *a, const struct scenario *s)
{
	static const char *const names[] = {"AES-128-GCM", "ChaCha20-Poly1305", "AES-128-CCM"};
	a->cipher = EVP_CIPHER_fetch(NULL, names[s->aead], NULL);
	check(a->cipher != NULL, "EVP_CIPHER_fetch");
	a->ctx[0] = open_ctx(a, false);
	a->ctx[1] = open_ctx(a, true);
}

static void open_mask(struct floor_aead *a, const struct scenario *s)
{
	a->mask_cipher = EVP_CIPHER_fetch(NULL, s->aead == BENCH_CHACHA ? "ChaCha20" : "AES-128-ECB", NULL);
	a->mask = EVP_CIPHER_CTX_new();
	check(a->mask_cipher && a->mask && EVP_EncryptInit_ex2(a->mask, a->mask_cipher, a->key, NULL, NULL) == 1 &&
		      EVP_CIPHER_CTX_set_padding(a->mask, 0) == 1,
	      "the mask");
}

struct floor_aead *floor_aead_new(const struct scenario *s)
{
	struct floor_aead *a = calloc(1, sizeof *a);
	check(a != NULL, "out of memory");
	a->id = s->aead;
	a->dtls13 = s->dtls13;
	a->tag_len = s->aead == BENCH_CCM8 ? 8 : 16;
	open_mask(a, s);
#ifdef TERN_HAS_IPSECMB
	if (bench_by_ipsecmb(s)) {
		a->mb = floor_mb_new(s);
		return a;
	}
#endif
	open_evp(a, s);
	return a;
}

void floor_aead_free(struct floor_aead *a)
{
#ifdef TERN_HAS_IPSECMB
	if (a->mb)
		floor_mb_free(a->mb);
#endif
	EVP_CIPHER_CTX_free(a->ctx[0]);
	EVP_CIPHER_CTX_free(a->ctx[1]);
	EVP_CIPHER_CTX_free(a->mask);
	EVP_CIPHER_free(a->cipher);
	EVP_CIPHER_free(a->mask_cipher);
	free(a);
}

void floor_aead_expand(struct floor_aead *a, bool opening)
{
#ifdef TERN_HAS_IPSECMB
	if (a->mb) {
		floor_mb_expand(a->mb);
		return;
	}
#endif
	check(EVP_CipherInit_ex2(a->ctx[opening], NULL, a->key, NULL, !opening, NULL) == 1 &&
		      (!a->dtls13 || EVP_EncryptInit_ex2(a->mask, NULL, a->key, NULL, NULL) == 1),
	      "key");
}

/* The form of TLS 1.2: libcrypto makes nonces and takes all of a record in one call. */
static bool crypt12(const struct floor_aead *a, bool opening, uint8_t *p, size_t n, uint64_t number)
{
	uint8_t aad[AAD12] = {0};
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_AAD, aad, sizeof aad),
		OSSL_PARAM_construct_end(),
	};
	size_t front = a->id == BENCH_CHACHA ? 0 : EXPLICIT;
	size_t len = front + n + (opening ? a->tag_len : 0);
	memcpy(aad, &number, sizeof number);
	aad[AAD12 - 2] = (uint8_t)(len >> 8);
	aad[AAD12 - 1] = (uint8_t)len;
	return EVP_CIPHER_CTX_set_params(a->ctx[opening], params) == 1 &&
	       EVP_Cipher(a->ctx[opening], p, p, (unsigned)(front + n + a->tag_len)) > 0;
}

/* The nonce, and the tag that must come out. -1 is EVP's own length for a whole nonce; CCM knows no other way than an
 * initialisation. */
static bool start13(const struct floor_aead *a, bool opening, uint8_t *nonce, uint8_t *tag, size_t n)
{
	EVP_CIPHER_CTX *ctx = a->ctx[opening];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_IV_FIXED, nonce,
						  a->id == BENCH_GCM ? (size_t)-1 : NONCE),
		OSSL_PARAM_construct_end(),
		OSSL_PARAM_construct_end(),
	};
	if (a->id == BENCH_CCM8) {
		if (EVP_CipherInit_ex2(ctx, NULL, NULL, nonce, !opening, NULL) != 1)
			return false;
		params[0] = OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, a->tag_len);
		return (!opening || EVP_CIPHER_CTX_set_params(ctx, params) == 1) &&
		       EVP_CipherUpdate(ctx, NULL, &(int){0}, NULL, (int)n) == 1;
	}
	if (opening)
		params[1] = OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, a->tag_len);
	return EVP_CIPHER_CTX_set_params(ctx, params) == 1;
}

static bool crypt13(const struct floor_aead *a, bool opening, uint8_t *p, size_t n, uint64_t number)
{
	EVP_CIPHER_CTX *ctx = a->ctx[opening];
	uint8_t nonce[NONCE] = {0}, header[HEADER13] = {0}, none[16];
	OSSL_PARAM tag[] = {
		OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, p + n, a->tag_len),
		OSSL_PARAM_construct_end(),
	};
	memcpy(nonce, &number, sizeof number);
	return start13(a, opening, nonce, p + n, n) && EVP_Cipher(ctx, NULL, header, sizeof header) >= 0 &&
	       EVP_Cipher(ctx, p, p, (unsigned)n) >= 0 &&
	       (a->id == BENCH_CCM8 || EVP_CipherFinal_ex(ctx, none, &(int){0}) == 1) &&
	       (opening || EVP_CIPHER_CTX_get_params(ctx, tag) == 1);
}

/* The mask of a record number, RFC 9147 4.2.3. */
static bool mask(const struct floor_aead *a, const uint8_t *sample)
{
	static const uint8_t zeros[SAMPLE];
	uint8_t out[SAMPLE];
	bool chacha = a->id == BENCH_CHACHA;
#ifdef TERN_HAS_IPSECMB
	if (a->mb && !chacha) {
		floor_mb_mask(a->mb, sample, out);
		return true;
	}
#endif
	return (!chacha || EVP_EncryptInit_ex2(a->mask, NULL, NULL, sample, NULL) == 1) &&
	       EVP_Cipher(a->mask, out, chacha ? zeros : sample, SAMPLE) >= 0;
}

bool floor_aead_crypt(struct floor_aead *a, bool opening, uint8_t *p, size_t n, uint64_t number)
{
	bool ok;
	n += a->dtls13; /* the content type */
	if (a->dtls13 && opening && !mask(a, p))
		return false;
#ifdef TERN_HAS_IPSECMB
	if (a->mb)
		ok = floor_mb_crypt(a->mb, opening, p, n, number, a->dtls13 ? HEADER13 : AAD12);
	else
#endif
		ok = a->dtls13 ? crypt13(a, opening, p, n, number) : crypt12(a, opening, p, n, number);
	return ok && (!a->dtls13 || opening || mask(a, p));
}
