#include "crypto/stub/stub.h"

struct aead_key {
	const struct aead_alg *alg;
	uint8_t key[AEAD_KEY_MAX];
	uint8_t sn_key[AEAD_KEY_MAX];
	bool has_sn;
};

tern_error stub_aead_new(struct crypto *c, struct aead_key **k)
{
	*k = heap_alloc(c->heap, sizeof **k);
	return *k ? TERN_OK : TERN_ERROR_NO_MEMORY;
}

void stub_aead_free(struct crypto *c, struct aead_key *k)
{
	heap_free(c->heap, k, sizeof *k);
}

tern_error stub_aead_set(struct aead_key *k, const struct aead_alg *alg, const uint8_t *key, const uint8_t *sn_key)
{
	k->alg = alg;
	memset(k->key, 0, sizeof k->key);
	memcpy(k->key, key, alg->key_len);
	memset(k->sn_key, 0, sizeof k->sn_key);
	k->has_sn = sn_key;
	if (sn_key)
		memcpy(k->sn_key, sn_key, alg->key_len);
	return TERN_OK;
}

static void key_stream(const struct aead_key *k, const uint8_t *nonce, uint8_t *out, const uint8_t *in, size_t n)
{
	struct span parts[2] = {span_of(k->key, k->alg->key_len), span_of(nonce, AEAD_NONCE)};
	uint8_t seed[8];
	uint64_t start;
	stub_digest(seed, sizeof seed, parts, 2);
	start = stub_load(seed, sizeof seed);
	for (size_t i = 0; i < n; i += 8) {
		size_t part = n - i < 8 ? n - i : 8;
		stub_store(out + i, stub_load(in + i, part) ^ stub_scramble(start + i), part);
	}
}

/* Over the ciphertext, so that a forgery is found before a byte has changed. */
static void make_tag(const struct aead_key *k, const uint8_t *nonce, struct span aad, struct span ciphertext,
		     uint8_t *tag)
{
	uint8_t id = (uint8_t)k->alg->id;
	struct span parts[5] = {span_of(&id, 1), span_of(k->key, k->alg->key_len), span_of(nonce, AEAD_NONCE), aad,
				ciphertext};
	stub_digest(tag, k->alg->tag_len, parts, 5);
}

tern_error stub_aead_seal(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *out, const uint8_t *in,
			  size_t n)
{
	key_stream(k, nonce, out, in, n);
	make_tag(k, nonce, aad, span_of(out, n), out + n);
	return TERN_OK;
}

bool stub_aead_open(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *p, size_t n)
{
	uint8_t tag[AEAD_TAG_MAX];
	if (n < k->alg->tag_len)
		return false;
	n -= k->alg->tag_len;
	make_tag(k, nonce, aad, span_of(p, n), tag);
	if (memcmp(tag, p + n, k->alg->tag_len) != 0)
		return false;
	key_stream(k, nonce, p, p, n);
	return true;
}

tern_error stub_aead_mask(struct aead_key *k, const uint8_t sample[16], uint8_t mask[16])
{
	struct span parts[2] = {span_of(k->sn_key, k->alg->key_len), span_of(sample, 16)};
	if (!k->has_sn)
		return TERN_ERROR_INTERNAL;
	stub_digest(mask, 16, parts, 2);
	return TERN_OK;
}
