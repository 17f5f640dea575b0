/* keys13.h - the DTLS 1.3 key schedule as a handshake runs through it: secrets into epochs (RFC 8446 7.1, RFC
 * 9147 6.1). */
#ifndef TERN_HANDSHAKE_KEYS13_H
#define TERN_HANDSHAKE_KEYS13_H

#include "handshake/handshake.h"

#define DTLS13_PREFIX "dtls13" /* RFC 9147 5.9 */

enum { EPOCH_EARLY = 1, EPOCH_HANDSHAKE = 2, EPOCH_DATA = 3 };

/* After the ClientHello with this digest: the client writes, the server reads epoch 1. early: the early secret. */
tern_error keys13_early(struct handshake *hs, const struct schedule13 *early, const struct suite *suite,
			const uint8_t *digest);
/* After ServerHello: the handshake secrets from the shared secret, and epoch 2 both ways. */
tern_error keys13_handshake(struct handshake *hs);
/* After the server's Finished: application and exporter secrets; the server writes, the client reads and writes epoch 3
 * from here on. */
tern_error keys13_application(struct handshake *hs);
/* After the client's Finished: the resumption secret; the server reads epoch 3 (RFC 9147 5.8.1). Early data is over. */
tern_error keys13_done(struct handshake *hs);

/* One direction of the record layer gets the keys of secret. */
tern_error keys13_install(struct record_layer *records, const struct suite *suite, const struct hash_alg *hash,
			  const uint8_t *secret, uint16_t epoch, bool write);

/* hash->len bytes for the Finished of sender over the transcript so far. */
void keys13_finished(const struct handshake *hs, enum role sender, uint8_t *out);

tern_error keys13_export(const struct provider *p, const struct outcome *o, uint8_t *out, size_t n, const char *label,
			 struct span context, bool has_context);

#endif
