/* stub.h - a provider that costs next to nothing, repeats itself exactly, and still notices every changed bit. It keeps
 * no secret from anybody: for the simulator and the fuzzers only, never installed.
 *
 * Certificates are any bytes; the first one names the key type: 'E' P-256, '3' P-384, 'D' Ed25519, 'R' RSA.
 * Certificate, public key and private key are all the same bytes. A text that contains "expired" has expired; it is for
 * every name it contains; its issuer is itself. */
#ifndef TERN_CRYPTO_STUB_STUB_H
#define TERN_CRYPTO_STUB_STUB_H

#include "base/heap.h"
#include "crypto/crypto.h"

struct crypto {
	const tern_allocator *heap;
	uint64_t counter; /* of random numbers drawn */
	tern_random_fn *random_fn;
	void *random_user;
};

/* A bijection of 64 bits in which every input bit moves about half of the output bits (splitmix64). */
static inline uint64_t stub_scramble(uint64_t v)
{
	v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
	return v ^ v >> 31;
}

/* Up to 8 bytes as a number, and back; in the order of the least significant byte first, on every machine. */
static inline uint64_t stub_load(const uint8_t *p, size_t n)
{
	uint64_t v = 0;
	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static inline void stub_store(uint8_t *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

/* hash.c */
extern const struct hash_alg stub_sha256, stub_sha384, stub_sha512;

/* A digest of n bytes (at most HASH_MAX) over the parts and their lengths. */
void stub_digest(uint8_t *out, size_t n, const struct span *parts, size_t num_parts);

/* aead.c */
tern_error stub_aead_new(struct crypto *c, struct aead_key **k);
void stub_aead_free(struct crypto *c, struct aead_key *k);
tern_error stub_aead_set(struct aead_key *k, const struct aead_alg *alg, const uint8_t *key, const uint8_t *sn_key);
tern_error stub_aead_seal(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *out, const uint8_t *in,
			  size_t n);
bool stub_aead_open(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *p, size_t n);
tern_error stub_aead_mask(struct aead_key *k, const uint8_t sample[16], uint8_t mask[16]);

/* groups.c */
extern const struct group_alg *const stub_groups[];

/* provider.c */
tern_error stub_random(struct crypto *c, uint8_t *out, size_t n);

/* certificates.c */
tern_error stub_credential_load(const tern_allocator *heap, struct credential_pem *out, struct span chain_pem,
				struct span key_pem);
void stub_private_key_free(struct private_key *key);
tern_error stub_sign(struct crypto *c, struct private_key *key, const struct scheme_alg *scheme, struct span tbs,
		     uint8_t *signature, size_t *len);
tern_error stub_verify(struct crypto *c, struct peer_chain *peer, const struct scheme_alg *scheme, struct span tbs,
		       struct span signature);
tern_error stub_chain_parse(struct crypto *c, struct peer_chain **out, const struct span *chain, size_t n,
			    bool raw_key);
void stub_chain_free(struct crypto *c, struct peer_chain *chain);
struct peer_chain *stub_chain_hold(struct peer_chain *chain);
enum key_type stub_chain_key_type(const struct peer_chain *chain);
tern_error stub_chain_check(struct crypto *c, struct peer_chain *chain, const struct trust *trust, enum purpose purpose,
			    int64_t unix_s, int64_t *expires_unix_s);
tern_error stub_chain_check_name(struct crypto *c, const struct peer_chain *chain, struct span name);
tern_error stub_trust_add(struct trust **trust, struct span pem);
tern_error stub_trust_add_system(struct trust **trust);
void stub_trust_free(struct trust *trust);

#endif
