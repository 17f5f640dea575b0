/* schedule12.h - from premaster secret to keys in DTLS 1.2 (RFC 5246 6.3, 8.1, 7.4.9; RFC 7627; RFC 5705). */
#ifndef TERN_HANDSHAKE_SCHEDULE12_H
#define TERN_HANDSHAKE_SCHEDULE12_H

#include "handshake/handshake.h"

#define FINISHED12_LEN 12

/* After ClientKeyExchange is in the transcript: the master secret (extended when negotiated) from hs->premaster, which
 * is wiped, then schedule12_keys. */
tern_error schedule12_kex_done(struct handshake *hs);
/* Keys of epoch 1 for both directions into the record layer, and the key log line. */
tern_error schedule12_keys(struct handshake *hs);
/* What each role writes with in epoch 1 (RFC 5246 6.3), by role, with its bytes in block. */
#define KEY_BLOCK12 (2 * (AEAD_KEY_MAX + AEAD_NONCE))
void schedule12_key_block(struct epoch_key keys[2], uint8_t block[KEY_BLOCK12], const struct aead_alg *aead,
			  const struct hmac_key *master, const uint8_t *client_random, const uint8_t *server_random);

/* FINISHED12_LEN bytes for the Finished of this sender over the transcript so far. */
void schedule12_finished(const struct handshake *hs, enum role sender, uint8_t *out);
/* RFC 5705 4. has_context tells an empty context from none. */
tern_error schedule12_export(const struct provider *p, const struct outcome *o, uint8_t *out, size_t n,
			     const char *label, struct span context, bool has_context);

#endif
