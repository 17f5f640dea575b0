/* layers.h - two record layers that share keys: what a writes, b reads. */
#ifndef TERN_TESTS_LAYERS_H
#define TERN_TESTS_LAYERS_H

#include <stdlib.h>

#include "base/heap.h"
#include "record/protect.h"

struct layers {
	const struct provider *provider;
	struct crypto *crypto;
	struct record_pool pool;
	struct record_layer a, b;
};

#define MUST(expr)                                                                                                     \
	do {                                                                                                           \
		if ((expr) != TERN_OK)                                                                                 \
			abort();                                                                                       \
	} while (0)

static inline void layers_open(struct layers *l, const struct provider *provider, uint16_t window)
{
	l->provider = provider;
	MUST(provider->open(&l->crypto, &heap_default));
	l->pool = (struct record_pool){.provider = provider, .heap = &heap_default, .window_size = window};
	MUST(schedules_new(&l->pool.schedules, provider, l->crypto, &heap_default, 8));
	record_init(&l->a, &protection12, &l->pool);
	record_init(&l->b, &protection12, &l->pool);
}

/* Keys for epoch, writing at a and reading at b. */
static inline void layers_key(struct layers *l, uint16_t epoch, enum aead_id id)
{
	static const uint8_t key[AEAD_KEY_MAX] = "an example key of thirty-two by", iv[AEAD_NONCE] = "example iv.";
	static const uint8_t sn_key[AEAD_KEY_MAX] = "another key for record numbers.";
	const struct aead_alg *aead = &aead_algs[id];
	bool is13 = l->a.protection == &protection13;
	struct epoch_key k = {aead, key, span_of(iv, is13 ? AEAD_NONCE : aead->fixed_iv_len12), is13 ? sn_key : NULL};
	MUST(record_set_write(&l->a, epoch, &k));
	MUST(record_set_read(&l->b, epoch, &k));
}

/* Speaks DTLS 1.3 from now on; before any key. */
static inline void layers_use13(struct layers *l)
{
	l->a.protection = l->b.protection = &protection13;
}

/* A record of a with this number, whatever number is next and whether the key may seal so many. Its length. */
static inline size_t layers_seal_at(struct layers *l, uint64_t seq, bool last, struct span payload, uint8_t *out)
{
	const struct protection *p = l->a.protection;
	struct write_epoch *e = &l->a.out;
	struct span cid = cids_at(&l->a.cids, CID_PEERS, 0);
	struct outgoing_record r = {.seq = seq, .payload = payload, .cid = cid, .type = 23, .last = last};
	struct aead_key *key;
	MUST(schedules_get(l->pool.schedules, &e->key, &key));
	MUST(p->seal(l->provider, key, e, &r, out));
	return p->front(e, cid.n, last) + payload.n + p->back(e, cid.n, payload.n);
}

static inline void layers_close(struct layers *l)
{
	record_free(&l->a);
	record_free(&l->b);
	schedules_free(l->pool.schedules);
	l->provider->close(l->crypto);
}

static inline bool limit_near(const struct record_layer *l)
{
	return record_out_near(l, 0) || record_in_near(l, 0);
}

#endif
