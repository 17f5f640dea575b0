/* keyring.c - the public constructors: they bring what handshake/keyring.c takes from outside, a hash and random bytes.
 */
#include "handshake/keyring.h"
#include "base/heap.h"

static tern_error random_secret(const struct provider *p, uint8_t *out, size_t n)
{
	struct crypto *c;
	tern_error error;
	TRY(p->open(&c, &heap_default));
	error = p->random(c, out, n);
	p->close(c);
	return error;
}

/* The secret as given, or a random one made in room. */
static tern_error secret_of(struct span *out, uint8_t room[KEYRING_SECRET_MIN], const void *secret, size_t len)
{
	if (secret) {
		*out = span_of(secret, len);
		return TERN_OK;
	}
	if (len)
		return TERN_ERROR_USAGE;
	TRY(random_secret(&provider_libcrypto, room, KEYRING_SECRET_MIN));
	*out = span_of(room, KEYRING_SECRET_MIN);
	return TERN_OK;
}

tern_error tern_keyring_new(tern_keyring **keyring, const void *secret, size_t len)
{
	uint8_t room[KEYRING_SECRET_MIN];
	struct span from;
	tern_error error;
	if (!keyring)
		return TERN_ERROR_USAGE;
	TRY(secret_of(&from, room, secret, len));
	error = keyring_new_from(keyring, &heap_default, provider_libcrypto.hash[HASH_SHA256], from);
	wipe(room, sizeof room);
	return error;
}

/* RFC 9147 5.1: the lifetimes of keys overlap. */
tern_error tern_keyring_rotate(tern_keyring *keyring, const void *secret, size_t len)
{
	uint8_t room[KEYRING_SECRET_MIN];
	struct span from;
	tern_error error;
	if (!keyring)
		return TERN_ERROR_USAGE;
	TRY(secret_of(&from, room, secret, len));
	error = keyring_rotate_to(keyring, provider_libcrypto.hash[HASH_SHA256], from);
	wipe(room, sizeof room);
	return error;
}
