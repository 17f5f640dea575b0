/* schedules.h - a bounded cache of expanded AEAD keys, one per pool. Connections keep raw keys only; an expanded key is
 * rebuilt on use (about 140 ns) when it has been pushed out. */
#ifndef TERN_CRYPTO_SCHEDULES_H
#define TERN_CRYPTO_SCHEDULES_H

#include "crypto/crypto.h"

#define SCHEDULES_DEFAULT 1024

/* A raw key in a connection. */
struct raw_key {
	uint8_t key[AEAD_KEY_MAX];
	uint8_t sn[AEAD_KEY_MAX]; /* DTLS 1.3: the record number key */
	bool has_sn;
	uint8_t iv[AEAD_NONCE]; /* as derived: fixed_iv_len12 bytes in DTLS 1.2 */
	uint32_t slot; /* where the expanded key was last */
	uint64_t id; /* unique in the pool; 0: no key */
};

struct schedules;

tern_error schedules_new(struct schedules **s, const struct provider *provider, struct crypto *crypto,
			 const tern_allocator *heap, size_t slots);
void schedules_free(struct schedules *s);

/* Gives the raw key its id. */
void schedules_adopt(struct schedules *s, struct raw_key *k);
/* Forgets the expanded key, whose object serves again, and wipes the raw one. */
void schedules_drop(struct schedules *s, struct raw_key *k);
/* The expanded key; valid until the next call on s. */
tern_error schedules_get(struct schedules *s, struct raw_key *k, const struct aead_alg *alg, struct aead_key **out);

#endif
