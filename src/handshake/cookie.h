/* cookie.h - the stateless cookie of RFC 6347 4.2.1: slot id, then HMAC-SHA256 (shortened to 16 bytes) over the peer's
 * address and the parameters of its ClientHello (version, random, suites, compression). */
#ifndef TERN_HANDSHAKE_COOKIE_H
#define TERN_HANDSHAKE_COOKIE_H

#include "crypto/prf.h"
#include "handshake/keyring.h"
#include "wire/hello.h"

#define COOKIE_LEN 17

/* What a pool keeps of the keyring so that a cookie costs two hash runs. */
struct cookie_keys {
	uint64_t generation;
	struct {
		bool valid;
		uint8_t id;
		struct hmac_key key;
	} slot[2]; /* current, previous */
};

/* Brings keys up to date with the ring. */
void cookie_keys_refresh(struct cookie_keys *keys, tern_keyring *ring, const struct hash_alg *sha256);
void cookie_make(const struct cookie_keys *keys, uint8_t out[COOKIE_LEN], const struct client_hello *hello,
		 const tern_path *path);
bool cookie_valid(const struct cookie_keys *keys, const struct client_hello *hello, const tern_path *path);

#endif
