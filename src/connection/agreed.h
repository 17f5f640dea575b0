/* agreed.h - what stays of a handshake in its connection: one allocation, no larger than the suite's secrets and the
 * names that were agreed on. */
#ifndef TERN_CONNECTION_AGREED_H
#define TERN_CONNECTION_AGREED_H

#include "handshake/handshake.h"

struct agreed {
	const struct version *version;
	const struct suite *suite;
	uint32_t size; /* of the allocation */
	uint16_t group_id, scheme_id, srtp_id, compression_id; /* 0: none */
	uint16_t psk_identity_len;
	uint8_t alpn_len, server_name_len;
	uint8_t num_secrets, secret_len;
	uint8_t early, early_reason;
	bool extended_master_secret, resumed, peer_authenticated, has_peer_fingerprint;
	bool may_show_peer; /* there is room for a fingerprint */
	uint8_t bytes[]; /* secrets in the order of struct outcome, room for the fingerprint, names */
};

/* with_peer: the peer may authenticate itself later. last_secret: whether the last of several is wanted too; DTLS 1.3
 * resumes by it. NULL: memory is out. */
struct agreed *agreed_new(const tern_allocator *heap, const struct outcome *o, const struct hash_alg *hash,
			  bool with_peer, bool last_secret);
void agreed_free(const tern_allocator *heap, struct agreed *k);

/* The same as it was in the handshake, but for secrets; its spans lie in k. */
void agreed_public(const struct agreed *k, const struct provider *provider, struct outcome *o);
/* With those secrets that were kept: to be wiped. */
void agreed_outcome(const struct agreed *k, const struct provider *provider, struct outcome *o);

/* The i-th secret, to be changed in place. */
uint8_t *agreed_secret(struct agreed *k, size_t i);
/* Who the peer is, as it showed later. */
void agreed_set_peer(struct agreed *k, const struct outcome *o);

#endif
