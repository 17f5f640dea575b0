/* prf.h - HMAC (RFC 2104), the TLS 1.2 PRF (RFC 5246 5) and HKDF (RFC 5869) over any hash of the seam. Allocates
 * nothing: a keyed HMAC is two hash snapshots. */
#ifndef TERN_CRYPTO_PRF_H
#define TERN_CRYPTO_PRF_H

#include "crypto/crypto.h"

struct hmac_key {
	const struct hash_alg *hash;
	struct hash_state inner, outer; /* after the padded key */
};

void hmac_key_init(struct hmac_key *k, const struct hash_alg *hash, struct span key);
void hmac_key_wipe(struct hmac_key *k);

/* out: hash->len bytes of HMAC over the parts in order. */
void hmac(const struct hmac_key *k, uint8_t *out, const struct span *parts, size_t num_parts);

/* PRF(secret, label, seed1 + seed2)[0..n). */
void prf12(const struct hash_alg *hash, uint8_t *out, size_t n, struct span secret, const char *label,
	   struct span seed1, struct span seed2);

/* The same for a secret that serves more than once. */
void prf12_keyed(const struct hmac_key *k, uint8_t *out, size_t n, const char *label, struct span seed1,
		 struct span seed2);

/* HKDF (RFC 5869) as TLS 1.3 uses it (RFC 8446 7.1). prefix: "dtls13" (RFC 9147 5.9), or "tls13 " for known answers.
 * out: hash->len bytes. An empty salt is none. */
void hkdf_extract(const struct hash_alg *hash, uint8_t *out, struct span salt, struct span ikm);
/* n at most 255 * hash->len; prefix and label at most HKDF_LABEL_MAX bytes together, RFC 8446 7.1; context at most 255.
 * out may be where secret lies. */
#define HKDF_LABEL_MAX 255
void hkdf_expand_label(const struct hash_alg *hash, uint8_t *out, size_t n, struct span secret, const char *prefix,
		       const char *label, struct span context);

/* The same for a secret that serves more than once. */
void hkdf_expand_label_keyed(const struct hmac_key *k, uint8_t *out, size_t n, const char *prefix, const char *label,
			     struct span context);

#endif
