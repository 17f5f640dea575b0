/* config.h - what a tern_config holds. Built by the setters in connection/config.c; immutable once frozen. */
#ifndef TERN_HANDSHAKE_CONFIG_H
#define TERN_HANDSHAKE_CONFIG_H

#include <stdatomic.h>

#include "compress/compress.h"
#include "crypto/crypto.h"
#include "handshake/suites.h"

#define CONFIG_SUITES 32
#define CONFIG_GROUPS 8
#define CONFIG_SCHEMES 16
#define CONFIG_CREDENTIALS 4
#define CONFIG_FINGERPRINTS 8
#define CONFIG_PSKS 32

struct list16 {
	uint16_t id[CONFIG_SUITES];
	size_t num;
};

struct credential {
	struct span chain[CHAIN_MAX]; /* DER, leaf first; heap copies */
	size_t num_chain; /* 0: raw public key only */
	struct span spki; /* heap copy */
	/* A CompressedCertificate of the chain by each algorithm of the config, from freezing on: heap copies. Empty:
	 * none, it would not be smaller. */
	struct span compressed[COMPRESSION_ALGS];
	bool raw; /* offered as a raw public key */
	bool only_named_issuers; /* used where the peer names an issuer of the chain */
	struct list16 schemes; /* in order of preference; empty: the config's */
	enum key_type key_type;
	struct private_key *key; /* NULL: signer */
	tern_sign_fn *sign;
	void *sign_user;
};

struct fingerprint {
	enum hash_id hash;
	uint8_t digest[HASH_MAX];
};

/* As it goes over the wire. An imported PSK has one entry for each KDF, side by side: RFC 9258 5.1. */
struct psk_entry {
	struct span identity, key; /* heap copies */
	struct span external; /* the identity as the application knows it, within identity */
	enum hash_id hash; /* of the suites of DTLS 1.3 that it goes with */
	bool imported; /* not for DTLS 1.2 */
};

struct policy; /* connection/policy.c */

struct tern_config {
	tern_allocator heap;
	atomic_uint references;
	atomic_bool frozen;
	atomic_flag freezing; /* a spinlock around the change to frozen: a few instructions */
	const struct provider *provider;

	const struct policy *policy; /* the last one set: where timers that are left 0 come from */
	struct list16 suites, suites13, groups, schemes, srtp; /* in order of preference; suites: of DTLS 1.2 */
	bool dtls12, dtls13; /* versions asked for; without those that have no suite once frozen */
	bool psk_ke;
	struct credential credentials[CONFIG_CREDENTIALS];
	size_t num_credentials;
	struct trust *trust;
	uint8_t trust_digest[32]; /* runs over all that was added to trust; zeros: nothing */
	struct fingerprint fingerprints[CONFIG_FINGERPRINTS];
	size_t num_fingerprints;
	bool conn_fingerprints; /* each connection has its own, from signalling; nothing else judges the peer */
	bool no_verify;
	tern_verify_fn *verify;
	void *verify_user;
	size_t remembered_chains; /* at most so many in each pool; 0: none */
	tern_client_auth client_auth;
	bool must_authenticate; /* a client with certificates shows one where it is asked for one */
	bool post_auth; /* client authentication after the handshake */
	struct psk_entry psks[CONFIG_PSKS];
	size_t num_psks;
	tern_psk_fn *psk;
	void *psk_user;
	struct span psk_hint; /* heap copy */
	const struct compression_alg *compression[COMPRESSION_ALGS]; /* in order of preference */
	size_t num_compression;
	uint8_t compression_ids[2 * COMPRESSION_ALGS]; /* the same as on the wire */
	struct span alpn; /* as on the wire: u8-length-prefixed names; heap copy; empty: none */
	bool cookie, tickets;
	bool keeps_mtu; /* whatever is lost */
	bool cids; /* connection IDs are offered and taken */
	uint8_t cid_length; /* of our own without a codec: random bytes; 0: we want none */
	tern_cid_codec cid_codec; /* make NULL: none */
	tern_rrc rrc;
	bool pmtud;
	uint32_t early_max; /* servers: bytes of early data; 0: none is accepted */
	tern_fresh_fn *fresh;
	void *fresh_user;
	tern_keyring *keyring;
	tern_session_store store;
	bool has_store;
	tern_timers timers; /* complete */
	tern_limits limits; /* complete */
	tern_keylog_fn *keylog;
	void *keylog_user;
	tern_trace_fn *trace;
	void *trace_user;
	tern_random_fn *random;
	void *random_user;
};

/* For tests: another provider than libcrypto. USAGE once a key, PSK or trust was added. Groups are the policy's again.
 */
tern_error config_set_provider(tern_config *config, const struct provider *provider);

/* Whether any certificate could satisfy this side (trust, pins, callback or the insecure setter). */
bool config_can_verify(const tern_config *config);

/* First use: no setter works any more; a keyring is made if there is none (random; needs the provider). */
tern_error config_freeze(tern_config *config);
tern_config *config_hold(tern_config *config); /* one more reference */

#endif
