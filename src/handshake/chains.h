/* chains.h - peers' certificate chains that were verified, remembered in a pool, so that the next handshake with the
 * same peer is spared parsing and path building.
 *
 * What is remembered is a success of chain_check and nothing else: that this chain led to these anchors for this
 * purpose under this policy, at that time. It holds from that moment of either clock on, for an hour of either, and no
 * longer than the first certificate that was used. Name, fingerprint and the peer's signature are no part of it: they
 * are checked in each handshake, against the very objects that were made of the chain then. */
#ifndef TERN_HANDSHAKE_CHAINS_H
#define TERN_HANDSHAKE_CHAINS_H

#include "handshake/config.h"

#define CHAINS_DEFAULT 64
#define CHAINS_MAX 1024
#define CHAIN_LIFETIME_S 3600
#define CHAIN_ID_LEN 32

struct chains;

/* num: at most so many, 1 at least. */
tern_error chains_new(struct chains **c, const struct provider *provider, struct crypto *crypto,
		      const tern_allocator *heap, size_t num);
void chains_free(struct chains *c);

/* Which chain, for what purpose, by which of the config's settings: a SHA-256 of all that. settings:
 * pool->settings_hash, in which the anchors are. */
void chains_id(const struct provider *provider, const uint8_t settings[16], enum purpose purpose,
	       const struct span *chain, size_t n, uint8_t id[CHAIN_ID_LEN]);

/* A reference to what was remembered, ended by chain_free; NULL: nothing that holds now. */
struct peer_chain *chains_find(struct chains *c, const uint8_t id[CHAIN_ID_LEN], tern_time now);
/* Remembers a chain that chain_check found good now, in place of the one unused for longest when there are too many. */
void chains_note(struct chains *c, const uint8_t id[CHAIN_ID_LEN], struct peer_chain *chain, int64_t expires_unix_s,
		 tern_time now);

#endif
