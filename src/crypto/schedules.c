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
	if (slots == 0 || slots > UINT32_MAX / sizeof(struct slot))
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

const uint8_t *raw_key_sn(const struct raw_key *k)
{
	if (!k->has_sn)
		return NULL;
	return k->far_sn ? k->far_sn : k->key + sizeof k->key / 2;
}

tern_error schedules_adopt(struct schedules *s, struct raw_key *k, const uint8_t *key, const uint8_t *sn, size_t len)
{
	if (sn && len > sizeof k->key / 2) {
		k->far_sn = heap_copy(s->heap, sn, len);
		if (!k->far_sn)
			return TERN_ERROR_NO_MEMORY;
		k->far_len = (uint8_t)len;
	} else if (sn) {
		memcpy(k->key + sizeof k->key / 2, sn, len);
	}
	memcpy(k->key, key, len);
	k->has_sn = sn != NULL;
	k->id = ++s->last_id;
	k->slot = 0;
	return TERN_OK;
}

void schedules_drop(struct schedules *s, struct raw_key *k)
{
	if (k->id && k->slot < s->num && s->slots[k->slot].id == k->id)
		slot_forget(s, &s->slots[k->slot], k->has_sn);
	heap_free_copy(s->heap, k->far_sn, k->far_len);
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

static tern_error expand(struct schedules *s, struct raw_key *k, const struct aead_alg *alg, size_t i)
{
	struct slot *slot = &s->slots[i];
	slot->id = 0;
	if (!slot->key)
		TRY(s->provider->aead_new(s->crypto, &slot->key));
	TRY(s->provider->aead_set(slot->key, alg, k->key, raw_key_sn(k)));
	slot->alg = alg;
	slot->id = k->id;
	k->slot = (uint32_t)i;
	return TERN_OK;
}

tern_error schedules_get(struct schedules *s, struct raw_key *k, const struct aead_alg *alg, struct aead_key **out)
{
	if (k->id == 0)
		return TERN_ERROR_INTERNAL;
	if (k->slot < s->num && s->slots[k->slot].id == k->id)
		s->slots[k->slot].used = true;
	else
		TRY(expand(s, k, alg, victim(s)));
	*out = s->slots[k->slot].key;
	return TERN_OK;
}
