/* The low-level calls, deprecated as they are, keep the whole state in plain bytes: a snapshot of a transcript is an
 * assignment, and nothing is allocated or fetched. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "crypto/libcrypto/libcrypto.h"

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct hash_state), "SHA256_CTX fits");
_Static_assert(sizeof(SHA512_CTX) <= sizeof(struct hash_state), "SHA512_CTX fits");
_Static_assert(_Alignof(SHA512_CTX) <= _Alignof(struct hash_state), "SHA512_CTX is aligned");

/* These calls cannot fail: init and update do not look at anything, final only at the digest length set by init. */

static void sha256_init(struct hash_state *s)
{
	SHA256_Init((void *)s->opaque);
}

static void sha256_update(struct hash_state *s, const uint8_t *p, size_t n)
{
	SHA256_Update((void *)s->opaque, p, n);
}

static void sha256_final(struct hash_state *s, uint8_t *out)
{
	SHA256_Final(out, (void *)s->opaque);
}

static void sha384_init(struct hash_state *s)
{
	SHA384_Init((void *)s->opaque);
}

static void sha512_init(struct hash_state *s)
{
	SHA512_Init((void *)s->opaque);
}

static void sha512_update(struct hash_state *s, const uint8_t *p, size_t n)
{
	SHA512_Update((void *)s->opaque, p, n);
}

static void sha512_final(struct hash_state *s, uint8_t *out)
{
	SHA512_Final(out, (void *)s->opaque);
}

const struct hash_alg libcrypto_sha256 = {HASH_SHA256, 32, 64, sha256_init, sha256_update, sha256_final};
const struct hash_alg libcrypto_sha384 = {HASH_SHA384, 48, 128, sha384_init, sha512_update, sha512_final};
const struct hash_alg libcrypto_sha512 = {HASH_SHA512, 64, 128, sha512_init, sha512_update, sha512_final};
