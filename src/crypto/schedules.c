#include "crypto/schedules.h"

#include "base/heap.h"

struct slot {
	struct aead_key *key; /* made at first use */
	const struct aead_alg *alg; /* key was last set for */
	uint64_t id; /* of the raw key it was expanded from; 0: none */
	size_t next_spare; /* in the list of dropped slots: index + 1, 0 at its end */
	bool used; /* again, since the hand last passed */
};

struct schedules {
	const struct provider *provider;
	struct crypto *crypto;
	const tern_allocator *heap;
	uint64_t last_id;
	size_t num, hand;
	size_t spare; /* dropped slots, whose objects serve again: index + 1 of the first, 0 none */
	struct slot slots[];
};

static size_t size_of(size_t slots)
{
	return sizeof(struct schedules) + slots * sizeof(struct slot);
}

tern_error schedules_new(struct schedules **s, const struct provider *provider, struct crypto *crypto,
			 const tern_allocator *heap, size_t slots)
{
	struct schedules *new;
	if (slots == 0 || slots > UINT16_MAX)
		return TERN_ERROR_USAGE;
	new = heap_alloc(heap, size_of(slots));
	if (!new)
		return TERN_ERROR_NO_MEMORY;
	new->provider = provider;
	new->crypto = crypto;
	new->heap = heap;
	new->num = slots;
	*s = new;
	return TERN_OK;
}

static void slot_free(struct schedules *s, struct slot *slot)
{
	if (slot->key)
		s->provider->aead_free(s->crypto, slot->key);
	*slot = (struct slot){0};
}

/* An object costs more to make than a key to expand, so it is kept: another key takes the place of the one to forget,
 * and of its record number key. */
static void slot_forget(struct schedules *s, struct slot *slot, bool has_sn)
{
	static const uint8_t zeros[AEAD_KEY_MAX];
	if (s->provider->aead_set(slot->key, slot->alg, zeros, has_sn ? zeros : NULL) != TERN_OK)
		slot_free(s, slot);
	slot->id = 0;
	slot->used = false;
	slot->next_spare = s->spare;
	s->spare = (size_t)(slot - s->slots) + 1;
}

void schedules_free(struct schedules *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->num; i++)
		slot_free(s, &s->slots[i]);
	heap_free(s->heap, s, size_of(s->num));
}

static size_t bytes_of(const struct aead_alg *alg, bool has_sn)
{
	return has_sn ? 2u * alg->key_len : alg->key_len;
}

static bool is_far(const struct raw_key *k)
{
	return bytes_of(raw_key_aead(k), k->has_sn) > sizeof k->here;
}

const uint8_t *raw_key_bytes(const struct raw_key *k)
{
	return is_far(k) ? k->far : k->here;
}

const uint8_t *raw_key_sn(const struct raw_key *k)
{
	return k->has_sn ? raw_key_bytes(k) + raw_key_aead(k)->key_len : NULL;
}

tern_error schedules_adopt(struct schedules *s, struct raw_key *k, const struct aead_alg *alg, const uint8_t *key,
			   const uint8_t *sn)
{
	uint8_t *at = k->here;
	if (bytes_of(alg, sn) > sizeof k->here) {
		at = heap_alloc(s->heap, bytes_of(alg, sn));
		if (!at)
			return TERN_ERROR_NO_MEMORY;
		k->far = at;
	}
	memcpy(at, key, alg->key_len);
	if (sn)
		memcpy(at + alg->key_len, sn, alg->key_len);
	k->aead = (uint8_t)alg->id;
	k->has_sn = sn != NULL;
	k->id = ++s->last_id;
	k->slot = 0;
	return TERN_OK;
}

void schedules_drop(struct schedules *s, struct raw_key *k)
{
	if (k->id && k->slot < s->num && s->slots[k->slot].id == k->id)
		slot_forget(s, &s->slots[k->slot], k->has_sn);
	if (k->id && is_far(k))
		heap_free(s->heap, k->far, bytes_of(raw_key_aead(k), k->has_sn));
	wipe(k, sizeof *k);
}

/* A dropped slot; else by second chance: the first from the hand on that was not used again since the hand last passed.
 * Keys that are used once pass through without pushing out those in constant use. */
static size_t victim(struct schedules *s)
{
	size_t i = s->spare;
	if (i) {
		s->spare = s->slots[i - 1].next_spare;
		return i - 1;
	}
	while (s->slots[s->hand].used) {
		s->slots[s->hand].used = false;
		s->hand = (s->hand + 1) % s->num;
	}
	i = s->hand;
	s->hand = (i + 1) % s->num;
	return i;
}

static tern_error expand(struct schedules *s, struct raw_key *k, size_t i)
{
	struct slot *slot = &s->slots[i];
	slot->id = 0;
	if (!slot->key)
		TRY(s->provider->aead_new(s->crypto, &slot->key));
	TRY(s->provider->aead_set(slot->key, raw_key_aead(k), raw_key_bytes(k), raw_key_sn(k)));
	slot->alg = raw_key_aead(k);
	slot->id = k->id;
	k->slot = (uint16_t)i;
	return TERN_OK;
}

tern_error schedules_get(struct schedules *s, struct raw_key *k, struct aead_key **out)
{
	if (k->id == 0)
		return TERN_ERROR_INTERNAL;
	if (k->slot < s->num && s->slots[k->slot].id == k->id)
		s->slots[k->slot].used = true;
	else
		TRY(expand(s, k, victim(s)));
	*out = s->slots[k->slot].key;
	return TERN_OK;
}
