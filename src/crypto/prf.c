#include "crypto/prf.h"

static void pad_block(struct hash_state *s, const struct hash_alg *hash, const uint8_t *key, uint8_t pad)
{
	uint8_t block[HASH_BLOCK_MAX];
	for (size_t i = 0; i < hash->block; i++)
		block[i] = key[i] ^ pad;
	hash->init(s);
	hash->update(s, block, hash->block);
	wipe(block, sizeof block);
}

void hmac_key_init(struct hmac_key *k, const struct hash_alg *hash, struct span key)
{
	uint8_t padded[HASH_BLOCK_MAX] = {0};
	if (key.n > hash->block) {
		hash->init(&k->inner);
		hash->update(&k->inner, key.p, key.n);
		hash->final(&k->inner, padded);
	} else if (key.n) {
		memcpy(padded, key.p, key.n);
	}
	k->hash = hash;
	pad_block(&k->inner, hash, padded, 0x36);
	pad_block(&k->outer, hash, padded, 0x5c);
	wipe(padded, sizeof padded);
}

void hmac_key_wipe(struct hmac_key *k)
{
	wipe(k, sizeof *k);
}

void hmac(const struct hmac_key *k, uint8_t *out, const struct span *parts, size_t num_parts)
{
	uint8_t digest[HASH_MAX];
	struct hash_state s = k->inner;
	for (size_t i = 0; i < num_parts; i++)
		if (parts[i].n)
			k->hash->update(&s, parts[i].p, parts[i].n);
	k->hash->final(&s, digest);
	s = k->outer;
	k->hash->update(&s, digest, k->hash->len);
	k->hash->final(&s, out);
	wipe(&s, sizeof s);
	wipe(digest, sizeof digest);
}

void prf12_keyed(const struct hmac_key *k, uint8_t *out, size_t n, const char *label, struct span seed1,
		 struct span seed2)
{
	size_t len = k->hash->len;
	uint8_t a[HASH_MAX], block[HASH_MAX];
	struct span seed[4] = {span_of(a, len), span_of(label, strlen(label)), seed1, seed2};
	hmac(k, a, seed + 1, 3);
	while (n) {
		size_t part = n < len ? n : len;
		hmac(k, block, seed, 4);
		memcpy(out, block, part);
		out += part;
		n -= part;
		if (n)
			hmac(k, a, seed, 1);
	}
	wipe(a, sizeof a);
	wipe(block, sizeof block);
}

void prf12(const struct hash_alg *hash, uint8_t *out, size_t n, struct span secret, const char *label,
	   struct span seed1, struct span seed2)
{
	struct hmac_key k;
	hmac_key_init(&k, hash, secret);
	prf12_keyed(&k, out, n, label, seed1, seed2);
	hmac_key_wipe(&k);
}
