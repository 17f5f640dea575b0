/* schedule13.h - the key schedule of DTLS 1.3 as pure functions (RFC 8446 7.1 to 7.5, RFC 9147 5.9).
 *
 * start gives the early secret, advance the handshake secret, master the master secret; from each of them secrets are
 * derived by label and transcript. prefix: "dtls13", without a space; the known answers of RFC 8448 have "tls13 ".
 * Secrets and digests are hash->len bytes, at most SECRET13_MAX. */
#ifndef TERN_HANDSHAKE_SCHEDULE13_H
#define TERN_HANDSHAKE_SCHEDULE13_H

#include "crypto/prf.h"

#define SECRET13_MAX 48 /* SHA-384 */

struct schedule13 {
	const struct hash_alg *hash;
	const char *prefix;
	uint8_t secret[SECRET13_MAX]; /* early, handshake or master; the owner wipes it */
	struct hmac_key key; /* of secret, from which several are derived */
};

/* To the early secret. psk: empty for none. */
void schedule13_start(struct schedule13 *s, const struct hash_alg *hash, const char *prefix, struct span psk);
/* From the early secret: "ext binder", "res binder" or "imp binder" (RFC 9258 5.2). */
void schedule13_binder_key(const struct schedule13 *s, uint8_t *out, const char *label);
/* From the early to the handshake secret. shared: empty for none, as with a PSK alone. */
void schedule13_advance(struct schedule13 *s, struct span shared);
/* From the handshake to the master secret. */
void schedule13_master(struct schedule13 *s);
/* Derive-Secret with the digest of a transcript: "c e traffic", "e exp master"; "c hs traffic", "s hs traffic";
 * "c ap traffic", "s ap traffic", "exp master", "res master". */
void schedule13_secret(const struct schedule13 *s, uint8_t *out, const char *label, const uint8_t *digest);

/* key and sn: key_len bytes each; iv: AEAD_NONCE bytes. */
void schedule13_traffic_keys(const struct hash_alg *hash, const char *prefix, const uint8_t *secret, uint8_t *key,
			     size_t key_len, uint8_t *iv, uint8_t *sn);
/* The verify_data of Finished under a traffic secret; the binder under a binder key. */
void schedule13_finished(const struct hash_alg *hash, const char *prefix, uint8_t *out, const uint8_t *base_secret,
			 const uint8_t *digest);
/* The next application traffic secret, in place. */
void schedule13_update(const struct hash_alg *hash, const char *prefix, uint8_t *secret);
/* The PSK of a ticket. nonce: at most 255 bytes. */
void schedule13_resumption_psk(const struct hash_alg *hash, const char *prefix, uint8_t *out, const uint8_t *res_master,
			       struct span nonce);
/* An external PSK for another KDF whose hash is n bytes long; hash: the external PSK's own (RFC 9258 5.1). out: n
 * bytes.
 */
void schedule13_import(const struct hash_alg *hash, const char *prefix, uint8_t *out, size_t n, struct span epsk,
		       struct span imported_identity);
/* n at most 255 * hash->len; label at most 255 bytes less the prefix. No context and an empty one are the same. */
void schedule13_exporter(const struct hash_alg *hash, const char *prefix, uint8_t *out, size_t n,
			 const uint8_t *exp_master, const char *label, struct span context);

#endif
