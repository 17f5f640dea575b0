/* schedules.h - a bounded cache of expanded AEAD keys, one per pool. Connections keep raw keys only; an expanded key is
 * rebuilt on use (about 140 ns) when it has been pushed out. */
#ifndef TERN_CRYPTO_SCHEDULES_H
#define TERN_CRYPTO_SCHEDULES_H

#include "crypto/crypto.h"

#define SCHEDULES_DEFAULT 1024

/* A raw key in a connection. */
struct raw_key {
	uint64_t id; /* unique in the pool; 0: no key */
	union { /* the key, then that for record numbers, as long, in DTLS 1.3 */
		uint8_t here[AEAD_KEY_MAX];
		uint8_t *far; /* allocated, where they find no room here */
	};
	uint8_t iv[AEAD_NONCE]; /* as derived: fixed_iv_len12 bytes in DTLS 1.2 */
	uint16_t slot; /* where the expanded key was last */
	uint8_t aead; /* enum aead_id */
	bool has_sn;
};

static inline const struct aead_alg *raw_key_aead(const struct raw_key *k)
{
	return &aead_algs[k->aead];
}

const uint8_t *raw_key_bytes(const struct raw_key *k);
/* The record number key; NULL: none. */
const uint8_t *raw_key_sn(const struct raw_key *k);

struct schedules;

tern_error schedules_new(struct schedules **s, const struct provider *provider, struct crypto *crypto,
			 const tern_allocator *heap, size_t slots);
void schedules_free(struct schedules *s);

/* Gives the raw key, which is zeroed but for its IV, its id and its keys; sn NULL: none for record numbers. NO_MEMORY,
 * and nothing changed, only where both are longer than 16 bytes. */
tern_error schedules_adopt(struct schedules *s, struct raw_key *k, const struct aead_alg *alg, const uint8_t *key,
			   const uint8_t *sn);
/* Forgets the expanded key, whose object serves again, and wipes the raw one. */
void schedules_drop(struct schedules *s, struct raw_key *k);
/* The expanded key; valid until the next call on s. */
tern_error schedules_get(struct schedules *s, struct raw_key *k, struct aead_key **out);

#endif
