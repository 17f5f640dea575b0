#include "handshake/keyring.h"

#include <stdatomic.h>

#include "base/heap.h"
#include "crypto/prf.h"

struct tern_keyring {
	tern_allocator heap;
	atomic_uint references;
	atomic_flag lock; /* of keys */
	_Atomic uint64_t generation;
	struct keyring_keys keys;
};

/* A spinlock is enough: it guards the copying of some 200 bytes, nothing under it blocks, calls out or takes another
 * lock, and writers come once in hours. It spares the library a dependency on a thread library. */
static void lock(tern_keyring *k)
{
	while (atomic_flag_test_and_set_explicit(&k->lock, memory_order_acquire))
		;
}

static void unlock(tern_keyring *k)
{
	atomic_flag_clear_explicit(&k->lock, memory_order_release);
}

/* ---- Keys from a secret ---- */

static void derive(const struct hmac_key *secret, const char *label, uint8_t *out, size_t n)
{
	uint8_t whole[HASH_MAX];
	struct span part = span_of(label, strlen(label));
	hmac(secret, whole, &part, 1);
	memcpy(out, whole, n);
	wipe(whole, sizeof whole);
}

static void slot_from(struct keyring_slot *slot, const struct hash_alg *sha256, struct span secret)
{
	struct hmac_key k;
	hmac_key_init(&k, sha256, secret);
	*slot = (struct keyring_slot){.valid = true};
	derive(&k, "tern cookie id", &slot->id, sizeof slot->id);
	derive(&k, "tern cookie key", slot->cookie_key, sizeof slot->cookie_key);
	derive(&k, "tern ticket id", slot->ticket_id, sizeof slot->ticket_id);
	derive(&k, "tern ticket key", slot->ticket_key, sizeof slot->ticket_key);
	hmac_key_wipe(&k);
}

static bool same_slot(const struct keyring_slot *a, const struct keyring_slot *b)
{
	return span_equal_secret(span_of(a->ticket_key, sizeof a->ticket_key),
				 span_of(b->ticket_key, sizeof b->ticket_key));
}

tern_error keyring_new_from(tern_keyring **keyring, const tern_allocator *heap, const struct hash_alg *sha256,
			    struct span secret)
{
	tern_keyring *k;
	if (!secret.p || secret.n < KEYRING_SECRET_MIN)
		return TERN_ERROR_USAGE;
	k = heap_alloc(heap, sizeof *k);
	if (!k)
		return TERN_ERROR_NO_MEMORY;
	k->heap = *heap;
	atomic_init(&k->references, 1);
	atomic_flag_clear(&k->lock);
	atomic_init(&k->generation, 1);
	slot_from(&k->keys.current, sha256, secret);
	*keyring = k;
	return TERN_OK;
}

tern_error keyring_rotate_to(tern_keyring *keyring, const struct hash_alg *sha256, struct span secret)
{
	struct keyring_slot next;
	if (!secret.p || secret.n < KEYRING_SECRET_MIN)
		return TERN_ERROR_USAGE;
	slot_from(&next, sha256, secret);
	lock(keyring);
	if (!same_slot(&next, &keyring->keys.current)) {
		keyring->keys.previous = keyring->keys.current;
		keyring->keys.current = next;
		atomic_fetch_add(&keyring->generation, 1);
	}
	unlock(keyring);
	wipe(&next, sizeof next);
	return TERN_OK;
}

/* ---- Use ---- */

void keyring_read(tern_keyring *keyring, struct keyring_keys *out)
{
	lock(keyring);
	*out = keyring->keys;
	unlock(keyring);
}

uint64_t keyring_generation(tern_keyring *keyring)
{
	return atomic_load(&keyring->generation);
}

tern_keyring *keyring_hold(tern_keyring *keyring)
{
	atomic_fetch_add(&keyring->references, 1);
	return keyring;
}

void tern_keyring_free(tern_keyring *keyring)
{
	tern_allocator heap;
	if (!keyring || atomic_fetch_sub(&keyring->references, 1) != 1)
		return;
	heap = keyring->heap;
	heap_free(&heap, keyring, sizeof *keyring);
}
