/* agreed.h - what stays of a handshake in its connection. The secrets of DTLS 1.2 and those by SHA-256 lie in the
 * connection itself, and names as far as there is room behind them; all else is one allocation of its size. */
#ifndef TERN_CONNECTION_AGREED_H
#define TERN_CONNECTION_AGREED_H

#include "handshake/handshake.h"

#define AGREED_HERE 128

struct agreed {
	const struct suite *suite; /* NULL before completion: then nothing else is of use */
	uint8_t *far; /* what finds no room here */
	uint16_t group_id, scheme_id, srtp_id; /* 0: none */
	uint16_t psk_identity_len;
	uint8_t compression_id; /* 0: none */
	uint8_t alpn_len, server_name_len;
	uint8_t num_secrets, secret_len;
	uint8_t early, early_reason;
	bool extended_master_secret : 1, resumed : 1, peer_authenticated : 1, has_peer_fingerprint : 1, rrc : 1;
	bool may_show_peer : 1; /* there is room for a fingerprint */
	uint8_t here[AGREED_HERE]; /* secrets in the order of struct outcome, room for the fingerprint, names */
};

/* k: zeroed. with_peer: the peer may authenticate itself later. last_secret: whether the last of several is wanted too;
 * DTLS 1.3 resumes by it. NO_MEMORY: k is as it was. */
tern_error agreed_take(struct agreed *k, const tern_allocator *heap, const struct outcome *o,
		       const struct hash_alg *hash, bool with_peer, bool last_secret);
/* Wipes k, which is zeroed then. */
void agreed_free(struct agreed *k, const tern_allocator *heap);

const struct version *agreed_version(const struct agreed *k);

/* The same as it was in the handshake, but for secrets; its spans lie in k. */
void agreed_public(const struct agreed *k, const struct provider *provider, struct outcome *o);
/* With those secrets that were kept: to be wiped. */
void agreed_outcome(const struct agreed *k, const struct provider *provider, struct outcome *o);

/* The i-th secret, to be changed in place. */
uint8_t *agreed_secret(struct agreed *k, size_t i);
/* Who the peer is, as it showed later. */
void agreed_set_peer(struct agreed *k, const struct outcome *o);

#endif
