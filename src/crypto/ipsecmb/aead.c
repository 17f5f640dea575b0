/* GCM by the library's direct calls, ChaCha20-Poly1305 by its jobs, which are twice as quick as its direct calls for
 * short records and complete at once. CCM goes to libcrypto: a job alone takes longer than EVP. So do the masks of
 * record numbers that no call of the library makes: it has one for a single block of AES-128 alone. */
#include "crypto/ipsecmb/ipsecmb.h"

enum by { BY_LIBCRYPTO, BY_GCM, BY_CHACHA };
enum mask { MASK_BY_NONE, MASK_BY_AES_128, MASK_BY_LIBCRYPTO };

#define GCM_ALIGN 64
#define GCM_ROOM (sizeof(struct gcm_key_data) + GCM_ALIGN - 1)
#define BLOCK 16
#define ROUND_KEYS (11 * BLOCK)

struct aead_key {
	struct crypto *crypto;
	enum by by;
	enum mask mask;
	aes_gcm_enc_dec_t seal, open; /* GCM, of this length of key */
	struct gcm_key_data *gcm; /* in room */
	uint8_t *room; /* GCM_ROOM bytes; NULL until a key of GCM comes */
	struct aead_key *other; /* libcrypto's; NULL until it is needed */
	uint8_t sn[ROUND_KEYS + BLOCK - 1]; /* of AES-128, at a multiple of a block in here */
	uint8_t key[AEAD_KEY_MAX]; /* ChaCha20 */
};

tern_error ipsecmb_aead_new(struct crypto *c, struct aead_key **k)
{
	struct aead_key *new = heap_alloc(c->heap, sizeof *new);
	if (!new)
		return TERN_ERROR_NO_MEMORY;
	new->crypto = c;
	*k = new;
	return TERN_OK;
}

void ipsecmb_aead_free(struct crypto *c, struct aead_key *k)
{
	if (!k)
		return;
	libcrypto_aead_free(c, k->other);
	heap_free(c->heap, k->room, GCM_ROOM);
	heap_free(c->heap, k, sizeof *k);
}

static enum by by_whom(IMB_MGR *m, const struct aead_alg *alg)
{
	if (!m)
		return BY_LIBCRYPTO;
	if (alg->id == AEAD_AES_128_GCM || alg->id == AEAD_AES_256_GCM)
		return BY_GCM;
	return alg->id == AEAD_CHACHA20_POLY1305 ? BY_CHACHA : BY_LIBCRYPTO;
}

static tern_error set_gcm(struct aead_key *k, IMB_MGR *m, const struct aead_alg *alg, const uint8_t *key)
{
	bool is_256 = alg->id == AEAD_AES_256_GCM;
	if (!k->room) {
		k->room = heap_alloc(k->crypto->heap, GCM_ROOM);
		if (!k->room)
			return TERN_ERROR_NO_MEMORY;
		k->gcm = (void *)(((uintptr_t)k->room + GCM_ALIGN - 1) & ~(uintptr_t)(GCM_ALIGN - 1));
	}
	(is_256 ? m->gcm256_pre : m->gcm128_pre)(key, k->gcm);
	k->seal = is_256 ? m->gcm256_enc : m->gcm128_enc;
	k->open = is_256 ? m->gcm256_dec : m->gcm128_dec;
	return TERN_OK;
}

static tern_error set_libcrypto(struct aead_key *k, const struct aead_alg *alg, const uint8_t *key,
				const uint8_t *sn_key)
{
	if (!k->other)
		TRY(libcrypto_aead_new(k->crypto, &k->other));
	return libcrypto_aead_set(k->other, alg, key, sn_key);
}

static uint8_t *round_keys(struct aead_key *k)
{
	return (uint8_t *)(((uintptr_t)k->sn + BLOCK - 1) & ~(uintptr_t)(BLOCK - 1));
}

static void set_aes_128(struct aead_key *k, IMB_MGR *m, const uint8_t *sn_key)
{
	_Alignas(BLOCK) uint8_t unused[ROUND_KEYS];
	IMB_AES_KEYEXP_128(m, sn_key, round_keys(k), unused);
	wipe(unused, sizeof unused);
}

static enum mask mask_by(IMB_MGR *m, const struct aead_alg *alg, const uint8_t *sn_key)
{
	if (!sn_key)
		return MASK_BY_NONE;
	return m && alg->key_len == BLOCK ? MASK_BY_AES_128 : MASK_BY_LIBCRYPTO;
}

/* Nothing of the key before stays, whoever had it. */
static void forget(struct aead_key *k, enum by next, enum mask next_mask)
{
	if (k->by == BY_GCM && next != BY_GCM)
		wipe(k->room, GCM_ROOM);
	wipe(k->key, sizeof k->key);
	wipe(k->sn, sizeof k->sn);
	if (k->other && next != BY_LIBCRYPTO && next_mask != MASK_BY_LIBCRYPTO) {
		libcrypto_aead_free(k->crypto, k->other);
		k->other = NULL;
	}
}

tern_error ipsecmb_aead_set(struct aead_key *k, const struct aead_alg *alg, const uint8_t *key, const uint8_t *sn_key)
{
	IMB_MGR *m = ipsecmb_manager(k->crypto);
	enum by by = by_whom(m, alg);
	enum mask mask = mask_by(m, alg, sn_key);
	forget(k, by, mask);
	k->by = by;
	k->mask = MASK_BY_NONE;
	if (by == BY_GCM)
		TRY(set_gcm(k, m, alg, key));
	else if (by == BY_CHACHA)
		memcpy(k->key, key, alg->key_len);
	if (by == BY_LIBCRYPTO || mask == MASK_BY_LIBCRYPTO)
		TRY(set_libcrypto(k, alg, key, mask == MASK_BY_LIBCRYPTO ? sn_key : NULL));
	if (mask == MASK_BY_AES_128)
		set_aes_128(k, m, sn_key);
	k->mask = mask;
	return TERN_OK;
}

/* Where nothing else is under way a job of this kind is complete when it is submitted. */
static bool chacha(struct aead_key *k, IMB_CIPHER_DIRECTION direction, const uint8_t *nonce, struct span aad,
		   uint8_t *out, const uint8_t *in, size_t n, uint8_t *tag)
{
	IMB_MGR *m = k->crypto->accelerator;
	IMB_JOB *job = IMB_GET_NEXT_JOB(m);
	job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
	job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
	job->cipher_direction = direction;
	job->chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
	job->enc_keys = k->key;
	job->key_len_in_bytes = sizeof k->key;
	job->src = in;
	job->dst = out;
	job->cipher_start_src_offset_in_bytes = 0;
	job->msg_len_to_cipher_in_bytes = n;
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_hash_in_bytes = n;
	job->iv = nonce;
	job->iv_len_in_bytes = AEAD_NONCE;
	job->u.CHACHA20_POLY1305.aad = aad.p;
	job->u.CHACHA20_POLY1305.aad_len_in_bytes = aad.n;
	job->auth_tag_output = tag;
	job->auth_tag_output_len_in_bytes = AEAD_TAG_MAX;
	job = IMB_SUBMIT_JOB_NOCHECK(m);
	return job && job->status == IMB_STATUS_COMPLETED;
}

tern_error ipsecmb_aead_seal(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *out, const uint8_t *in,
			     size_t n)
{
	struct gcm_context_data context;
	if (k->by == BY_LIBCRYPTO)
		return libcrypto_aead_seal(k->other, nonce, aad, out, in, n);
	if (k->by == BY_CHACHA)
		return chacha(k, IMB_DIR_ENCRYPT, nonce, aad, out, n ? in : out, n, out + n) ? TERN_OK
											     : TERN_ERROR_CRYPTO;
	k->seal(k->gcm, &context, out, in, n, nonce, aad.p, aad.n, out + n, AEAD_TAG_MAX);
	return TERN_OK;
}

/* The tag comes with the plaintext; if it is the wrong one, the same key stream gives back what was there. */
static bool differ(const uint8_t *a, const uint8_t *b)
{
	uint64_t x[2], y[2];
	memcpy(x, a, sizeof x);
	memcpy(y, b, sizeof y);
	x[0] = (x[0] ^ y[0]) | (x[1] ^ y[1]);
	return x[0] != 0;
}

bool ipsecmb_aead_open(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *p, size_t n)
{
	struct gcm_context_data context;
	uint8_t tag[AEAD_TAG_MAX];
	if (k->by == BY_LIBCRYPTO)
		return libcrypto_aead_open(k->other, nonce, aad, p, n);
	if (n < AEAD_TAG_MAX)
		return false;
	n -= AEAD_TAG_MAX;
	if (k->by == BY_CHACHA) {
		if (!chacha(k, IMB_DIR_DECRYPT, nonce, aad, p, p, n, tag))
			return false;
	} else {
		k->open(k->gcm, &context, p, p, n, nonce, aad.p, aad.n, tag, AEAD_TAG_MAX);
	}
	if (!differ(tag, p + n))
		return true;
	if (k->by == BY_CHACHA)
		chacha(k, IMB_DIR_ENCRYPT, nonce, aad, p, p, n, tag);
	else
		k->seal(k->gcm, &context, p, p, n, nonce, aad.p, aad.n, tag, AEAD_TAG_MAX);
	return false;
}

/* CFB of zeros is the block itself. */
tern_error ipsecmb_aead_mask(struct aead_key *k, const uint8_t sample[16], uint8_t mask[16])
{
	static const uint8_t zeros[BLOCK];
	IMB_MGR *m = k->crypto->accelerator;
	if (k->mask == MASK_BY_LIBCRYPTO)
		return libcrypto_aead_mask(k->other, sample, mask);
	if (k->mask != MASK_BY_AES_128)
		return TERN_ERROR_INTERNAL;
	IMB_AES128_CFB_ONE(m, mask, zeros, sample, round_keys(k), BLOCK);
	return TERN_OK;
}
