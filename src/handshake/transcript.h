/* transcript.h - the handshake messages both sides have seen, hashed as one (RFC 5246 7.4.9, RFC 6347 4.2.6: with the
 * header of an unfragmented message). Until the hash is chosen, and while a signature over all messages may come, the
 * messages themselves are kept too. */
#ifndef TERN_HANDSHAKE_TRANSCRIPT_H
#define TERN_HANDSHAKE_TRANSCRIPT_H

#include "base/arena.h"
#include "crypto/crypto.h"

struct kept_message;

struct transcript {
	struct arena *arena;
	const struct hash_alg *hash; /* NULL: not chosen */
	struct hash_state state;
	struct kept_message *first, *last;
	size_t kept_bytes;
	uint8_t header; /* bytes of each message's header that are hashed: all 12 in DTLS 1.2, 4 in 1.3 (RFC 9147 5.2)
			 */
	bool keeps;
};

void transcript_init(struct transcript *t, struct arena *arena);
/* in_arena: body stays where it is as long as the arena; else it is copied where it must be kept. BUDGET. */
tern_error transcript_add(struct transcript *t, uint8_t type, uint16_t message_seq, struct span body, bool in_arena);
/* Forgets everything: a HelloVerifyRequest came. */
void transcript_restart(struct transcript *t);
/* The hash and the version are known: what is kept is hashed. */
void transcript_choose(struct transcript *t, const struct hash_alg *hash, uint8_t header);
/* DTLS 1.3, before a HelloRetryRequest is added: all so far (the first ClientHello) becomes a message_hash of this
 * digest (RFC 8446 4.4.1). */
tern_error transcript_fold(struct transcript *t, const uint8_t *digest);
/* The digest as if the first n bytes of body, of a message of this type and of whole length, came next: for PSK binders
 * (RFC 8446 4.2.11.2). */
void transcript_digest_with(const struct transcript *t, const struct hash_alg *hash, uint8_t type, struct span body,
			    size_t n, uint8_t *out);
/* No signature over all messages will come. */
void transcript_release(struct transcript *t);
/* The digest so far; by the chosen hash, or while messages are kept by any. */
void transcript_digest(const struct transcript *t, const struct hash_alg *hash, uint8_t *out);
/* While messages are kept: all of them in one piece. p NULL: BUDGET. */
struct span transcript_messages(const struct transcript *t);

#endif
