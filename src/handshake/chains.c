#include "handshake/chains.h"

#include "base/heap.h"
#include "base/writer.h"

#define LIFETIME_NS (CHAIN_LIFETIME_S * UINT64_C(1000000000))

struct remembered {
	struct peer_chain *chain; /* NULL: free */
	uint8_t id[CHAIN_ID_LEN];
	tern_time since;
	int64_t expires_unix_s;
	uint64_t used; /* the count of look-ups when it was last of use */
};

struct chains {
	const struct provider *provider;
	struct crypto *crypto;
	const tern_allocator *heap;
	uint64_t count;
	size_t num;
	struct remembered slots[];
};

static size_t size_of(size_t num)
{
	return sizeof(struct chains) + num * sizeof(struct remembered);
}

tern_error chains_new(struct chains **c, const struct provider *provider, struct crypto *crypto,
		      const tern_allocator *heap, size_t num)
{
	struct chains *new;
	if (num == 0 || num > CHAINS_MAX)
		return TERN_ERROR_USAGE;
	new = heap_alloc(heap, size_of(num));
	if (!new)
		return TERN_ERROR_NO_MEMORY;
	new->provider = provider;
	new->crypto = crypto;
	new->heap = heap;
	new->num = num;
	*c = new;
	return TERN_OK;
}

static void forget(struct chains *c, struct remembered *r)
{
	if (r->chain)
		c->provider->chain_free(c->crypto, r->chain);
	*r = (struct remembered){0};
}

void chains_free(struct chains *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->num; i++)
		forget(c, &c->slots[i]);
	heap_free(c->heap, c, size_of(c->num));
}

/* Each part behind its length, so that no two chains are the same text. */
void chains_id(const struct provider *provider, const uint8_t settings[16], enum purpose purpose,
	       const struct span *chain, size_t n, uint8_t id[CHAIN_ID_LEN])
{
	const struct hash_alg *h = provider->hash[HASH_SHA256];
	const uint8_t what[2] = {(uint8_t)purpose, (uint8_t)n};
	struct hash_state s;
	h->init(&s);
	h->update(&s, settings, 16);
	h->update(&s, what, sizeof what);
	for (size_t i = 0; i < n; i++) {
		uint8_t length[4];
		wr_store(length, sizeof length, chain[i].n);
		h->update(&s, length, sizeof length);
		h->update(&s, chain[i].p, chain[i].n);
	}
	h->final(&s, id);
}

/* A clock that went back says nothing of the time in between. */
static bool holds(const struct remembered *r, tern_time now)
{
	return now.unix_s >= r->since.unix_s && now.unix_s - r->since.unix_s < CHAIN_LIFETIME_S &&
	       now.unix_s < r->expires_unix_s && now.mono_ns >= r->since.mono_ns &&
	       now.mono_ns - r->since.mono_ns < LIFETIME_NS;
}

static struct remembered *find(struct chains *c, const uint8_t *id)
{
	for (size_t i = 0; i < c->num; i++)
		if (c->slots[i].chain && memcmp(c->slots[i].id, id, CHAIN_ID_LEN) == 0)
			return &c->slots[i];
	return NULL;
}

struct peer_chain *chains_find(struct chains *c, const uint8_t id[CHAIN_ID_LEN], tern_time now)
{
	struct remembered *r = find(c, id);
	if (!r)
		return NULL;
	if (!holds(r, now)) {
		forget(c, r);
		return NULL;
	}
	r->used = ++c->count;
	return c->provider->chain_hold(r->chain);
}

/* A free one has never been used. */
static struct remembered *least_used(struct chains *c)
{
	struct remembered *r = &c->slots[0];
	for (size_t i = 1; i < c->num; i++)
		if (c->slots[i].used < r->used)
			r = &c->slots[i];
	return r;
}

void chains_note(struct chains *c, const uint8_t id[CHAIN_ID_LEN], struct peer_chain *chain, int64_t expires_unix_s,
		 tern_time now)
{
	struct remembered *r = find(c, id);
	if (!r)
		r = least_used(c);
	forget(c, r);
	r->chain = c->provider->chain_hold(chain);
	memcpy(r->id, id, CHAIN_ID_LEN);
	r->since = now;
	r->expires_unix_s = expires_unix_s;
	r->used = ++c->count;
}
