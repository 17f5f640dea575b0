/* ipsecmb.h - what the files of the ipsecmb provider share: libcrypto's, but that records are sealed and opened by
 * intel-ipsec-mb where the processor is one it is made for. */
#ifndef TERN_CRYPTO_IPSECMB_IPSECMB_H
#define TERN_CRYPTO_IPSECMB_IPSECMB_H

#define NO_COMPAT_IMB_API_053 /* without it macros of its names break libcrypto's headers */
#include <intel-ipsec-mb.h>

#include "crypto/libcrypto/libcrypto.h"

/* manager.c */
/* The manager of this context, made at the first call: it tests itself then, which takes some milliseconds. NULL: the
 * processor lacks something, there is no memory, or the library failed its test. */
IMB_MGR *ipsecmb_manager(struct crypto *c);
void ipsecmb_manager_free(struct crypto *c);

/* aead.c; libcrypto does what there is no manager for. */
tern_error ipsecmb_aead_new(struct crypto *c, struct aead_key **k);
void ipsecmb_aead_free(struct crypto *c, struct aead_key *k);
tern_error ipsecmb_aead_set(struct aead_key *k, const struct aead_alg *alg, const uint8_t *key, const uint8_t *sn_key);
tern_error ipsecmb_aead_seal(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *out, const uint8_t *in,
			     size_t n);
bool ipsecmb_aead_open(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *p, size_t n);
tern_error ipsecmb_aead_mask(struct aead_key *k, const uint8_t sample[16], uint8_t mask[16]);

#endif
