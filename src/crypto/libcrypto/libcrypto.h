/* libcrypto.h - what the files of the libcrypto provider (OpenSSL >= 3.0) share. Nothing is fetched from OpenSSL per
 * record; whatever a handshake can share with the next one is kept in struct crypto. */
#ifndef TERN_CRYPTO_LIBCRYPTO_LIBCRYPTO_H
#define TERN_CRYPTO_LIBCRYPTO_LIBCRYPTO_H

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/heap.h"
#include "crypto/crypto.h"

#define RANDOM_BATCH 4096 /* a page */

/* A curve of prime order, with scratch objects. */
struct curve {
	EC_GROUP *group;
	EC_POINT *point, *result;
	size_t field_len; /* bytes of a coordinate and of a scalar */
};

enum curve_id { CURVE_P256, CURVE_P384, NUM_CURVES };

/* What makes the masks of record numbers: RFC 9147 4.2.3. */
enum mask_id { MASK_AES_128, MASK_AES_256, MASK_CHACHA20, NUM_MASKS, MASK_NONE = NUM_MASKS };

struct crypto {
	const tern_allocator *heap;
	EVP_CIPHER *ciphers[NUM_AEADS];
	EVP_CIPHER *masks[NUM_MASKS];
	uint8_t *scratch; /* SCRATCH_LEN bytes once a key has been set */
	struct curve curves[NUM_CURVES];
	BN_CTX *bn;
	BIGNUM *scalar;
	EVP_PKEY_CTX *x25519; /* makes keys */
	const struct scheme_alg *sign_scheme; /* what sign_ctx is ready for; NULL: nothing */
	EVP_PKEY_CTX *sign_ctx;
	void *accelerator; /* of a provider that does the AEADs in another way; NULL: none */
	bool asked_accelerator;
	tern_random_fn *random_fn;
	void *random_user;
	struct random_batch *batch; /* NULL: every draw goes to libcrypto */
};

#define SCRATCH_LEN 20480 /* longer than any record */

struct private_key {
	const tern_allocator *heap;
	EVP_PKEY *pkey;
	enum key_type type;
};

struct peer_chain {
	const tern_allocator *heap;
	unsigned references; /* all of one pool, hence of one thread */
	X509 *leaf; /* NULL: a raw public key */
	STACK_OF(X509) * others; /* NULL once held */
	EVP_PKEY *pkey;
	enum key_type type;
	const struct scheme_alg *verify_scheme; /* what verify_ctx is ready for; NULL: nothing */
	EVP_PKEY_CTX *verify_ctx;
};

struct trust {
	X509_STORE *store;
};

/* Clears OpenSSL's error queue, which the application may share, and returns error. */
tern_error libcrypto_fail(tern_error error);

/* hash.c */
extern const struct hash_alg libcrypto_sha256, libcrypto_sha384, libcrypto_sha512;

/* random.c */
void libcrypto_random_open(struct crypto *c);
void libcrypto_random_close(struct crypto *c);
tern_error libcrypto_random(struct crypto *c, uint8_t *out, size_t n);
void libcrypto_set_random(struct crypto *c, tern_random_fn *random_fn, void *user);

/* aead.c */
tern_error libcrypto_aeads_open(struct crypto *c);
void libcrypto_aeads_close(struct crypto *c);
tern_error libcrypto_aead_new(struct crypto *c, struct aead_key **k);
void libcrypto_aead_free(struct crypto *c, struct aead_key *k);
tern_error libcrypto_aead_set(struct aead_key *k, const struct aead_alg *alg, const uint8_t *key,
			      const uint8_t *sn_key);
tern_error libcrypto_aead_seal(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *out,
			       const uint8_t *in, size_t n);
bool libcrypto_aead_open(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *p, size_t n);
tern_error libcrypto_aead_mask(struct aead_key *k, const uint8_t sample[16], uint8_t mask[16]);

/* groups.c */
extern const struct group_alg *const libcrypto_groups[];
tern_error libcrypto_groups_open(struct crypto *c);
void libcrypto_groups_close(struct crypto *c);

/* mlkem.c */
#define MLKEM768_SEED 64
#define MLKEM768_PUBLIC 1184
#define MLKEM768_CIPHERTEXT 1088
#define MLKEM768_SECRET 32
bool libcrypto_mlkem768_available(void);
/* A fresh seed and the encapsulation key of its key pair. */
tern_error libcrypto_mlkem768_offer(struct crypto *c, uint8_t *seed, uint8_t *public);
/* ILLEGAL_PARAMETER for what is no encapsulation key. */
tern_error libcrypto_mlkem768_answer(struct crypto *c, struct span public, uint8_t *ciphertext, uint8_t *secret);
/* ILLEGAL_PARAMETER for a wrong length. */
tern_error libcrypto_mlkem768_finish(const uint8_t *seed, struct span ciphertext, uint8_t *secret);

/* keys.c */
/* False when the type or the size is not supported. */
bool libcrypto_key_type(const EVP_PKEY *pkey, enum key_type *type);
tern_error libcrypto_sign(struct crypto *c, struct private_key *key, const struct scheme_alg *scheme, struct span tbs,
			  uint8_t *signature, size_t *len);
tern_error libcrypto_verify(struct crypto *c, struct peer_chain *peer, const struct scheme_alg *scheme, struct span tbs,
			    struct span signature);

/* credential.c */
tern_error libcrypto_credential_load(const tern_allocator *heap, struct credential_pem *out, struct span chain_pem,
				     struct span key_pem);
void libcrypto_private_key_free(struct private_key *key);

/* pem.c */
/* The certificates among the blocks of a PEM text, in order, other blocks skipped. BAD_PEM without any certificate,
 * BAD_CERTIFICATE_FILE when a block is damaged. The caller frees with libcrypto_certificates_free. */
tern_error libcrypto_pem_certificates(STACK_OF(X509) * *out, struct span pem);
/* The first private key. BAD_PEM, BAD_KEY_FILE, ENCRYPTED_KEY; never asks for a passphrase. */
tern_error libcrypto_pem_private_key(EVP_PKEY **out, struct span pem);
void libcrypto_certificates_free(STACK_OF(X509) * certificates);

/* chain.c */
tern_error libcrypto_chain_parse(struct crypto *c, struct peer_chain **out, const struct span *chain, size_t n,
				 bool raw_key);
void libcrypto_chain_free(struct crypto *c, struct peer_chain *chain);
struct peer_chain *libcrypto_chain_hold(struct peer_chain *chain);
enum key_type libcrypto_chain_key_type(const struct peer_chain *chain);
tern_error libcrypto_chain_check(struct crypto *c, struct peer_chain *chain, const struct trust *trust,
				 enum purpose purpose, int64_t unix_s, int64_t *expires_unix_s);
tern_error libcrypto_chain_check_name(struct crypto *c, const struct peer_chain *chain, struct span name);

/* trust.c */
tern_error libcrypto_trust_add(struct trust **trust, struct span pem);
tern_error libcrypto_trust_add_system(struct trust **trust);
void libcrypto_trust_free(struct trust *trust);

/* Of a struct provider all but its name, its context and the AEADs. */
#define LIBCRYPTO_BESIDES_AEADS                                                                                        \
	.hash = {[HASH_SHA256] = &libcrypto_sha256,                                                                    \
		 [HASH_SHA384] = &libcrypto_sha384,                                                                    \
		 [HASH_SHA512] = &libcrypto_sha512},                                                                   \
	.groups = libcrypto_groups, .random = libcrypto_random, .set_random = libcrypto_set_random,                    \
	.credential_load = libcrypto_credential_load, .private_key_free = libcrypto_private_key_free,                  \
	.sign = libcrypto_sign, .verify = libcrypto_verify, .chain_parse = libcrypto_chain_parse,                      \
	.chain_free = libcrypto_chain_free, .chain_hold = libcrypto_chain_hold,                                        \
	.chain_key_type = libcrypto_chain_key_type, .chain_check = libcrypto_chain_check,                              \
	.chain_check_name = libcrypto_chain_check_name, .trust_add = libcrypto_trust_add,                              \
	.trust_add_system = libcrypto_trust_add_system, .trust_free = libcrypto_trust_free

#endif
