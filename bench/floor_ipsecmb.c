/* The AEADs alone, by intel-ipsec-mb. */
#include <stdlib.h>
#include <string.h>

#include "floor.h"

#ifdef TERN_HAS_IPSECMB
#define NO_COMPAT_IMB_API_053
#include <intel-ipsec-mb.h>

#define NONCE 12
#define SAMPLE 16

struct floor_mb {
	IMB_MGR *manager;
	enum bench_aead id;
	struct gcm_key_data *gcm;
	_Alignas(16) uint8_t round_keys[15 * 16], unused[15 * 16];
	uint8_t key[32];
};

struct floor_mb *floor_mb_new(const struct scenario *s)
{
	struct floor_mb *mb = aligned_alloc(64, (sizeof *mb + 63) / 64 * 64);
	IMB_ARCH arch;
	if (!mb)
		bench_die("out of memory");
	memset(mb, 0, sizeof *mb);
	mb->id = s->aead;
	mb->manager = alloc_mb_mgr(0);
	mb->gcm = aligned_alloc(64, (sizeof *mb->gcm + 63) / 64 * 64);
	if (!mb->manager || !mb->gcm)
		bench_die("out of memory");
	init_mb_mgr_auto(mb->manager, &arch);
	floor_mb_expand(mb);
	return mb;
}

void floor_mb_free(struct floor_mb *mb)
{
	free_mb_mgr(mb->manager);
	free(mb->gcm);
	free(mb);
}

void floor_mb_expand(struct floor_mb *mb)
{
	if (mb->id != BENCH_GCM)
		return;
	IMB_AES128_GCM_PRE(mb->manager, mb->key, mb->gcm);
	IMB_AES_KEYEXP_128(mb->manager, mb->key, mb->round_keys, mb->unused);
}

static bool chacha(const struct floor_mb *mb, bool opening, uint8_t *p, size_t n, const uint8_t *nonce,
		   const uint8_t *aad, size_t aad_len, uint8_t *tag)
{
	IMB_JOB *job = IMB_GET_NEXT_JOB(mb->manager);
	job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
	job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
	job->cipher_direction = opening ? IMB_DIR_DECRYPT : IMB_DIR_ENCRYPT;
	job->chain_order = opening ? IMB_ORDER_HASH_CIPHER : IMB_ORDER_CIPHER_HASH;
	job->enc_keys = mb->key;
	job->key_len_in_bytes = sizeof mb->key;
	job->src = job->dst = p;
	job->cipher_start_src_offset_in_bytes = job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_cipher_in_bytes = job->msg_len_to_hash_in_bytes = n;
	job->iv = nonce;
	job->iv_len_in_bytes = NONCE;
	job->u.CHACHA20_POLY1305.aad = aad;
	job->u.CHACHA20_POLY1305.aad_len_in_bytes = aad_len;
	job->auth_tag_output = tag;
	job->auth_tag_output_len_in_bytes = 16;
	job = IMB_SUBMIT_JOB_NOCHECK(mb->manager);
	return job && job->status == IMB_STATUS_COMPLETED;
}

bool floor_mb_crypt(struct floor_mb *mb, bool opening, uint8_t *p, size_t n, uint64_t number, size_t aad_len)
{
	uint8_t nonce[NONCE] = {0}, aad[13] = {0}, tag[16];
	struct gcm_context_data context;
	memcpy(nonce, &number, sizeof number);
	memcpy(aad, &number, aad_len < sizeof number ? aad_len : sizeof number);
	if (mb->id == BENCH_CHACHA) {
		if (!chacha(mb, opening, p, n, nonce, aad, aad_len, opening ? tag : p + n))
			return false;
	} else if (opening) {
		IMB_AES128_GCM_DEC(mb->manager, mb->gcm, &context, p, p, n, nonce, aad, aad_len, tag, sizeof tag);
	} else {
		IMB_AES128_GCM_ENC(mb->manager, mb->gcm, &context, p, p, n, nonce, aad, aad_len, p + n, sizeof tag);
	}
	return !opening || memcmp(tag, p + n, sizeof tag) == 0;
}

void floor_mb_mask(struct floor_mb *mb, const uint8_t *sample, uint8_t *mask)
{
	static const uint8_t zeros[SAMPLE];
	IMB_AES128_CFB_ONE(mb->manager, mask, zeros, sample, mb->round_keys, SAMPLE);
}

#endif
