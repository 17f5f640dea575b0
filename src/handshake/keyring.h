/* keyring.h - cookie and ticket keys of a server or a cluster: current and previous, with ids on the wire. Replaced
 * atomically; readers take a copy and hold no lock while they use it. */
#ifndef TERN_HANDSHAKE_KEYRING_H
#define TERN_HANDSHAKE_KEYRING_H

#include "crypto/crypto.h"

struct keyring_slot {
	bool valid;
	uint8_t id; /* on the wire, chooses the slot; derived from the keys */
	uint8_t cookie_key[32];
	uint8_t ticket_id[8]; /* in front of a ticket */
	uint8_t ticket_key[32]; /* AES-256-GCM */
};

struct keyring_keys {
	struct keyring_slot current, previous;
};

/* sha256 makes keys and ids of the secret: equal secrets give equal keys and ids on all members of a cluster. A secret
 * shorter than KEYRING_SECRET_MIN is USAGE. The keyring starts with one reference. */
#define KEYRING_SECRET_MIN 32
tern_error keyring_new_from(tern_keyring **keyring, const tern_allocator *heap, const struct hash_alg *sha256,
			    struct span secret);
/* What was current becomes previous. The secret that is current already changes nothing: told twice, a cluster member
 * does not lose the previous keys. */
tern_error keyring_rotate_to(tern_keyring *keyring, const struct hash_alg *sha256, struct span secret);

/* A copy of the keys as they are now; wipe it after use. */
void keyring_read(tern_keyring *keyring, struct keyring_keys *out);
tern_keyring *keyring_hold(tern_keyring *keyring); /* one more reference; tern_keyring_free drops one */
/* Counts replacements: lets a pool keep what it made of the keys until they change. */
uint64_t keyring_generation(tern_keyring *keyring);

#endif
