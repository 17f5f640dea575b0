/* crypto.h - the seam between the protocol and whoever does the mathematics.
 *
 * Algorithms are const structs; protocol code compares no algorithm and asks no provider which one it is. A provider is
 * a const struct of functions over a context that belongs to one pool (one thread). Providers: libcrypto, ipsecmb (the
 * same with records by intel-ipsec-mb; the default where it is built in), stub (instant, deterministic, still
 * authenticating; for the simulator and the fuzzers). */
#ifndef TERN_CRYPTO_CRYPTO_H
#define TERN_CRYPTO_CRYPTO_H

#include "base/error.h"
#include "base/span.h"

/* ---- Hash ---- */

#define HASH_MAX 64 /* longest digest */
#define HASH_BLOCK_MAX 128

enum hash_id { HASH_NONE, HASH_SHA256, HASH_SHA384, HASH_SHA512, NUM_HASHES };

/* A running hash. Plain bytes: a snapshot is an assignment. */
struct hash_state {
	_Alignas(16) uint8_t opaque[224];
};

struct hash_alg {
	enum hash_id id;
	uint8_t len, block;
	void (*init)(struct hash_state *s);
	void (*update)(struct hash_state *s, const uint8_t *p, size_t n);
	void (*final)(struct hash_state *s, uint8_t *out); /* len bytes; s is used up */
};

/* ---- AEAD ---- */

#define AEAD_KEY_MAX 32
#define AEAD_NONCE 12
#define AEAD_TAG_MAX 16

enum aead_id {
	AEAD_AES_128_GCM,
	AEAD_AES_256_GCM,
	AEAD_CHACHA20_POLY1305,
	AEAD_AES_128_CCM,
	AEAD_AES_128_CCM_8,
	NUM_AEADS
};

/* The parameters, the same for every provider; aead_algs[] in aead.c. */
struct aead_alg {
	enum aead_id id;
	const char *name;
	uint8_t key_len, tag_len;
	uint8_t fixed_iv_len12; /* DTLS 1.2: bytes of IV from the key block, 4 or 12 */
	uint8_t explicit_len12; /* DTLS 1.2: bytes of nonce on the wire, 8 or 0 */
	uint64_t seal_limit; /* records under one key, RFC 9147 4.5.3; fewer than there are record numbers */
	uint64_t forgery_limit, forgery_limit12; /* failed opens under one key, RFC 9147 4.5.3, RFC 9325 4.4 */
};
extern const struct aead_alg aead_algs[NUM_AEADS];

struct aead_key; /* an expanded key: the provider's */

/* ---- Groups, as key encapsulation: offer, answer, finish ---- */

#define GROUP_SHARE_MAX 1216 /* X25519MLKEM768, the client's */
#define GROUP_SECRET_MAX 64

struct group_private {
	uint8_t bytes[96]; /* X25519MLKEM768: the key of X25519, then the seed of ML-KEM */
};

struct crypto; /* a provider's context */

struct group_alg {
	uint16_t id; /* IANA NamedGroup */
	const char *name; /* IANA name */
	uint16_t offer_len, answer_len, secret_len;
	bool only13; /* has no place in DTLS 1.2 */
	bool (*available)(void); /* whether it can be done at run time; NULL: always */
	/* A fresh private key and the share to offer (offer_len bytes). */
	tern_error (*offer)(struct crypto *c, struct group_private *priv, uint8_t *share);
	/* To a peer's offer: the answering share and the secret. ILLEGAL_PARAMETER for a bad share. */
	tern_error (*answer)(struct crypto *c, struct span offer, uint8_t *share, uint8_t *secret);
	/* The secret from the answer to our offer. ILLEGAL_PARAMETER for a bad share, or an all-zero X25519 result. */
	tern_error (*finish)(struct crypto *c, const struct group_private *priv, struct span answer, uint8_t *secret);
};

/* ---- Signatures ---- */

#define SIGNATURE_MAX 512 /* RSA-4096 */

enum key_type { KEY_P256, KEY_P384, KEY_ED25519, KEY_RSA, KEY_RSA_PSS, NUM_KEY_TYPES };

/* A TLS SignatureScheme; schemes[] in scheme.c. */
struct scheme_alg {
	uint16_t id; /* IANA SignatureScheme */
	const char *name; /* IANA name */
	enum key_type key;
	enum hash_id prehash; /* what is signed is a digest by this hash; HASH_NONE: the message itself */
	bool pss;
};
extern const struct scheme_alg schemes[];
extern const size_t num_schemes;
const struct scheme_alg *scheme_by_id(uint16_t id); /* NULL: not supported */

/* In DTLS 1.2 an ECDSA scheme names only the hash: P-256 and P-384 keys may use either. RFC 8446 4.2.3. */
bool scheme_fits_key12(const struct scheme_alg *scheme, enum key_type key);

struct private_key; /* the provider's */
struct peer_chain; /* a parsed certificate chain or raw public key: the provider's */
struct trust; /* trust anchors: the provider's */

enum purpose { PURPOSE_SERVER, PURPOSE_CLIENT }; /* what the peer's certificate must be good for */

/* Certificates and keys from PEM, for a config. */
#define CHAIN_MAX 8
struct credential_pem {
	struct span
		chain[CHAIN_MAX]; /* DER, leaf first; heap copies (heap_copy) the caller frees with heap_free_copy */
	size_t num_chain;
	struct private_key *key; /* NULL when key_pem was empty */
	enum key_type key_type;
	struct span spki; /* DER SubjectPublicKeyInfo of the leaf or of the key; a heap copy */
};

/* ---- Provider ---- */

struct provider {
	const char *name;
	const struct hash_alg *hash[NUM_HASHES]; /* by hash_id; [HASH_NONE] is NULL */
	const struct group_alg *const *groups; /* those it may be able to do, NULL at the end; see available */

	/* A context for one pool. */
	tern_error (*open)(struct crypto **c, const tern_allocator *heap);
	void (*close)(struct crypto *c);

	/* Random bytes (batched; wiped as used; dropped after a fork). random_fn replaces the source when not NULL. */
	tern_error (*random)(struct crypto *c, uint8_t *out, size_t n);
	void (*set_random)(struct crypto *c, tern_random_fn *random_fn, void *user);

	/* An object that holds one expanded key at a time. */
	tern_error (*aead_new)(struct crypto *c, struct aead_key **k);
	void (*aead_free)(struct crypto *c, struct aead_key *k);
	/* sn_key: the record number key of DTLS 1.3, as long as key; NULL in DTLS 1.2. */
	tern_error (*aead_set)(struct aead_key *k, const struct aead_alg *alg, const uint8_t *key,
			       const uint8_t *sn_key);
	/* n bytes of plaintext at in to n + tag_len bytes at out; out equals in or does not overlap it. */
	tern_error (*aead_seal)(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *out,
				const uint8_t *in, size_t n);
	/* In place: n bytes of ciphertext and tag at p become n - tag_len bytes of plaintext. False, and p unchanged,
	 * when authentication fails or n < tag_len. */
	bool (*aead_open)(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *p, size_t n);
	/* The record number mask from the first 16 bytes of the ciphertext: AES-ECB or ChaCha20 under sn_key, RFC 9147
	 * 4.2.3. */
	tern_error (*aead_mask)(struct aead_key *k, const uint8_t sample[16], uint8_t mask[16]);

	/* Keys and certificates. Errors are of class INPUT. A chain without key and a key without chain are both
	 * allowed; with both, they must match. */
	tern_error (*credential_load)(const tern_allocator *heap, struct credential_pem *out, struct span chain_pem,
				      struct span key_pem);
	void (*private_key_free)(struct private_key *key);

	/* signature: at least SIGNATURE_MAX bytes. tbs as scheme->prehash says. */
	tern_error (*sign)(struct crypto *c, struct private_key *key, const struct scheme_alg *scheme, struct span tbs,
			   uint8_t *signature, size_t *len);
	/* BAD_SIGNATURE when wrong. */
	tern_error (*verify)(struct crypto *c, struct peer_chain *peer, const struct scheme_alg *scheme,
			     struct span tbs, struct span signature);

	/* The peer's certificates (DER, leaf first), or with raw_key one SubjectPublicKeyInfo. CERTIFICATE_MALFORMED or
	 * CERTIFICATE_UNSUPPORTED_KEY. The leaf's key usage must allow signing: else CERTIFICATE_KEY_USAGE. */
	tern_error (*chain_parse)(struct crypto *c, struct peer_chain **out, const struct span *chain, size_t n,
				  bool raw_key);
	void (*chain_free)(struct crypto *c, struct peer_chain *chain);
	/* Another reference to the same chain; each is ended by chain_free. Nothing is checked against trust any more:
	 * the certificates behind the leaf are let go. */
	struct peer_chain *(*chain_hold)(struct peer_chain *chain);
	enum key_type (*chain_key_type)(const struct peer_chain *chain);
	/* Path building and checks against trust at unix_s, names left out. Errors of class AUTH, each cause its own.
	 * *expires_unix_s: the first second at which one of the certificates that were used is not valid any more. */
	tern_error (*chain_check)(struct crypto *c, struct peer_chain *chain, const struct trust *trust,
				  enum purpose purpose, int64_t unix_s, int64_t *expires_unix_s);
	/* Whether the leaf is for name, a host name or an IP literal: else CERTIFICATE_NAME. */
	tern_error (*chain_check_name)(struct crypto *c, const struct peer_chain *chain, struct span name);

	/* Anchors are added to *trust, made when NULL. INPUT errors. */
	tern_error (*trust_add)(struct trust **trust, struct span pem);
	tern_error (*trust_add_system)(struct trust **trust);
	void (*trust_free)(struct trust *trust);
};

extern const struct provider provider_libcrypto;
#ifdef TERN_HAS_IPSECMB
extern const struct provider provider_ipsecmb;
bool provider_ipsecmb_available(void); /* on this processor; else it leaves everything to libcrypto */
#define PROVIDER_DEFAULT (&provider_ipsecmb)
#else
#define PROVIDER_DEFAULT (&provider_libcrypto)
#endif
extern const struct provider provider_stub; /* linked into tests only */

#endif
