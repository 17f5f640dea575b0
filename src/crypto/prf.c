#include "crypto/prf.h"

#include "base/writer.h"

/* key: HASH_BLOCK_MAX bytes, so that compilers know how often. */
static void pad_block(struct hash_state *s, const struct hash_alg *hash, const uint8_t *key, uint8_t pad)
{
	uint8_t block[HASH_BLOCK_MAX];
	for (size_t i = 0; i < HASH_BLOCK_MAX; i++)
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

void hkdf_extract(const struct hash_alg *hash, uint8_t *out, struct span salt, struct span ikm)
{
	struct hmac_key k;
	hmac_key_init(&k, hash, salt); /* an empty key is padded to the zeros that stand for no salt */
	hmac(&k, out, &ikm, 1);
	hmac_key_wipe(&k);
}

/* What is hashed is HkdfLabel (RFC 8446 7.1) between the block before and the counter (RFC 5869 2.3), in one piece: a
 * hash takes three bytes as slowly as sixty. */
void hkdf_expand_label_keyed(const struct hmac_key *k, uint8_t *out, size_t n, const char *prefix, const char *label,
			     struct span context)
{
	size_t len = k->hash->len, prefix_len = strlen(prefix), label_len = strlen(label);
	uint8_t text[HASH_MAX + 2 + 1 + HKDF_LABEL_MAX + 1 + 255 + 1], block[HASH_MAX], counter = 1;
	struct wr w = wr_of(text + len, sizeof text - len);
	wr_u16(&w, (uint16_t)n);
	wr_u8(&w, (uint8_t)(prefix_len + label_len));
	wr_bytes(&w, span_of(prefix, prefix_len));
	wr_bytes(&w, span_of(label, label_len));
	wr_vec8(&w, context);
	for (; n; counter++) {
		struct span message = counter == 1 ? span_of(text + len, w.n + 1) : span_of(text, len + w.n + 1);
		size_t part = n < len ? n : len;
		text[len + w.n] = counter;
		hmac(k, block, &message, 1);
		memcpy(out, block, part);
		memcpy(text, block, len);
		out += part;
		n -= part;
	}
	wipe(text, len);
	wipe(block, sizeof block);
}

void hkdf_expand_label(const struct hash_alg *hash, uint8_t *out, size_t n, struct span secret, const char *prefix,
		       const char *label, struct span context)
{
	struct hmac_key k;
	hmac_key_init(&k, hash, secret);
	hkdf_expand_label_keyed(&k, out, n, prefix, label, context);
	hmac_key_wipe(&k);
}
