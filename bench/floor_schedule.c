/* The hashing that a handshake cannot do without, by bare SHA-256: each key of HMAC is padded once, and each message of
 * HMAC lies there in one piece. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <string.h>

#include <openssl/sha.h>

#include "floor.h"

#define HASH 32

struct hmac {
	SHA256_CTX inner, outer;
};

static void hmac_key(struct hmac *k, const uint8_t *key)
{
	uint8_t block[64];
	memset(block, 0x36, sizeof block);
	for (size_t i = 0; i < HASH; i++)
		block[i] ^= key[i];
	SHA256_Init(&k->inner);
	SHA256_Update(&k->inner, block, sizeof block);
	for (size_t i = 0; i < sizeof block; i++)
		block[i] ^= 0x36 ^ 0x5c;
	SHA256_Init(&k->outer);
	SHA256_Update(&k->outer, block, sizeof block);
}

/* Over n bytes, whatever they are. */
static void hmac(const struct hmac *k, size_t n, uint8_t *out)
{
	static const uint8_t text[160];
	SHA256_CTX s = k->inner;
	SHA256_Update(&s, text, n);
	SHA256_Final(out, &s);
	s = k->outer;
	SHA256_Update(&s, out, HASH);
	SHA256_Final(out, &s);
}

static void hash_messages(SHA256_CTX *hash, unsigned n)
{
	static const uint8_t messages[2048];
	SHA256_Init(hash);
	SHA256_Update(hash, messages, n);
}

static void digest(const SHA256_CTX *hash, uint8_t *out)
{
	SHA256_CTX s = *hash;
	SHA256_Final(out, &s);
}

/* ---- DTLS 1.2 ---- */

/* blocks of output from a seed of n bytes, label included: RFC 5246 5. */
static void prf(const struct hmac *k, size_t n, int blocks, uint8_t *out)
{
	hmac(k, n, out);
	for (int i = 0; i < blocks; i++) {
		if (i)
			hmac(k, HASH, out);
		hmac(k, HASH + n, out);
	}
}

/* Transcript; master secret unless it is resumed; key block; two Finished. */
static void schedule12(const struct scenario *s, const uint8_t *secret)
{
	SHA256_CTX hash;
	struct hmac k;
	uint8_t out[HASH];
	hash_messages(&hash, s->hashed);
	digest(&hash, out);
	if (!s->ticket) {
		hmac_key(&k, secret);
		prf(&k, 22 + HASH, 2, out);
	}
	hmac_key(&k, secret);
	prf(&k, 13 + 64, s->aead == BENCH_CHACHA ? 3 : 2, out);
	prf(&k, 15 + HASH, 1, out);
	prf(&k, 15 + HASH, 1, out);
}

/* ---- DTLS 1.3 ---- */

/* HKDF-Expand-Label with a digest of the transcript or without one: the label and one byte of counter. */
#define WITH_DIGEST (2 + 1 + 6 + 12 + 1 + HASH + 1)
#define WITHOUT_DIGEST (2 + 1 + 6 + 3 + 1 + 1)

/* num secrets from the one that out holds. */
static void derive(struct hmac *k, int num, uint8_t *out)
{
	hmac_key(k, out);
	for (int i = 0; i < num; i++)
		hmac(k, WITH_DIGEST, out);
}

/* HKDF-Extract with what derive made as salt. */
static void extract(struct hmac *k, uint8_t *out)
{
	hmac_key(k, out);
	hmac(k, HASH, out);
}

/* Key, IV and record number key; a key of 32 bytes is one block too. */
static void traffic_keys(struct hmac *k, uint8_t *out)
{
	hmac_key(k, out);
	for (int i = 0; i < 3; i++)
		hmac(k, WITHOUT_DIGEST, out);
}

static void finished(struct hmac *k, uint8_t *out)
{
	hmac_key(k, out);
	hmac(k, HASH, out);
}

/* The early secret without a PSK, and the salt from it, are constants. */
static void early(const struct scenario *s, const uint8_t *secret, uint8_t *out)
{
	struct hmac k;
	if (s->certificate && !s->ticket)
		return;
	memcpy(out, secret, HASH);
	extract(&k, out); /* the padded key of no salt is a constant, too small a thing to take off */
	derive(&k, 2, out); /* the binder's key, and the salt */
	finished(&k, out); /* the binder's own key, */
	finished(&k, out); /* and the binder */
}

/* RFC 8446 7.1 to 7.3: three secrets of the handshake stage, five of the master stage with the salt before it, four
 * sets of traffic keys, two Finished. */
static void schedule13(const struct scenario *s, const uint8_t *secret)
{
	SHA256_CTX hash;
	struct hmac k;
	uint8_t out[HASH] = {0};
	hash_messages(&hash, s->hashed);
	for (int i = 0; i < 4; i++) /* ServerHello, both Finished, and before the server's */
		digest(&hash, out);
	if (s->certificate && !s->ticket)
		digest(&hash, out); /* CertificateVerify */
	early(s, secret, out);
	extract(&k, out);
	derive(&k, 3, out);
	extract(&k, out);
	derive(&k, 4, out);
	for (int i = 0; i < 4; i++) {
		traffic_keys(&k, out);
		if (i < 2) {
			hmac(&k, WITHOUT_DIGEST, out);
			finished(&k, out);
		}
	}
	if (s->ticket) {
		hmac_key(&k, out);
		hmac(&k, WITHOUT_DIGEST, out); /* the PSK of the new ticket */
	}
}

void floor_schedule(const struct scenario *s, const uint8_t *secret)
{
	if (s->dtls13)
		schedule13(s, secret);
	else
		schedule12(s, secret);
}
