/* session.h - what two sides remember of each other, and its three carriers: a client's exported blob, a server's
 * store, and the ticket (RFC 5077 4; sealed under the keyring). */
#ifndef TERN_HANDSHAKE_SESSION_H
#define TERN_HANDSHAKE_SESSION_H

#include "crypto/schedules.h"
#include "handshake/keyring.h"
#include "wire/hello.h"

#define TICKET_MAX 680 /* bytes of ticket we keep as a client */
#define MASTER_LEN 48

struct session {
	uint16_t version, suite;
	uint8_t master[MASTER_LEN]; /* DTLS 1.2: the master secret; 1.3: the PSK, as long as the hash */
	uint32_t age_add; /* DTLS 1.3: what hides the ticket's age */
	uint32_t max_early_data; /* DTLS 1.3: bytes; 0: none */
	bool peer_authenticated; /* by certificate */
	int64_t created_unix_s, expires_unix_s;
	uint8_t peer_fingerprint[32]; /* SHA-256 of the leaf; zeros: none */
	uint8_t id[SESSION_ID_MAX];
	uint8_t id_len;
	uint8_t alpn_len;
	char alpn[64];
	uint8_t name_len; /* server name it belongs to */
	char name[255];
	uint8_t psk_identity_len;
	uint8_t psk_identity[128];
	uint8_t host_len; /* in a ticket only: the client's */
	uint8_t host[31];
	uint16_t ticket_len; /* client only */
	uint8_t ticket[TICKET_MAX];
	uint8_t settings_hash[16]; /* client: of the verification settings it was made under; a config that verifies
				    * otherwise does not resume it. server: the same for client authentication */
};
void session_wipe(struct session *s);

/* Versioned encoding, at most TERN_SESSION_MAX bytes with_ticket or not. Unknown versions, trailing bytes and
 * impossible lengths are refused. Extended master secret is a condition for having a session at all (RFC 7627 5.3). */
void put_session(struct wr *w, const struct session *s, bool with_ticket);
MUST_CHECK bool get_session(struct rd *r, struct session *out);

/* A keyring's ticket keys in a pool, expanded in its cache: init, then load or refresh before each use. */
struct ticket_keys {
	const struct provider *provider;
	struct crypto *crypto;
	struct schedules *schedules;
	uint64_t generation;
	struct ticket_key {
		bool valid;
		uint8_t id[8];
		struct raw_key key;
	} current, previous;
};
void ticket_keys_init(struct ticket_keys *keys, const struct provider *p, struct crypto *c, struct schedules *s);
void ticket_keys_load(struct ticket_keys *keys, const struct keyring_keys *from);
/* The same when the ring's have changed. */
void ticket_keys_refresh(struct ticket_keys *keys, tern_keyring *ring);

/* Seals s (without its ticket field) into out: ticket_id, nonce, AES-256-GCM. *len at most cap. */
#define TICKET_OVERHEAD (8 + 12 + 16)
tern_error ticket_seal(struct ticket_keys *keys, const struct session *s, uint8_t *out, size_t cap, size_t *len);
/* False: unknown key, forged, malformed or expired at unix_s; out holds nothing then. *stale: it was sealed under the
 * previous key: issue a new one. */
bool ticket_open(struct ticket_keys *keys, struct span ticket, int64_t unix_s, struct session *out, bool *stale);

/* SHA-256 (16 bytes of it) over what decides about the peer's identity in this config: trust presence, pins, verify
 * callback, client authentication mode. server_name is kept apart. */
struct tern_config;
void config_settings_hash(const struct tern_config *config, uint8_t out[16]);

#endif
