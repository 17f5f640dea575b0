/* config.h - what a connection is made from: values, configuration, keyring. Included by tern.h.
 *
 * SPDX-License-Identifier: MIT */
#ifndef TERN_CONFIG_H
#define TERN_CONFIG_H

#include "tern/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Values ---------------------------------------------------------------------------------------------------- */

/* Version numbers as on the wire: they count downwards. */
typedef enum tern_protocol { TERN_DTLS12 = 0xfefd, TERN_DTLS13 = 0xfefc } tern_protocol;

/* Time comes in with every call. mono_ns: any clock that never goes back. unix_s: seconds since 1970. */
typedef struct tern_time {
	uint64_t mono_ns;
	int64_t unix_s;
} tern_time;

#define TERN_NEVER UINT64_MAX

/* Where a datagram came from or goes to: bytes that name an address and port, whatever the caller uses for that.
 * Two addresses are the same when their bytes are. Length 0: not told. host_len: that many bytes at the start name the
 * host alone, which a ticket proves, for a client that comes back has another port; 0: the host does not stand apart.
 */
typedef struct tern_address {
	uint8_t len;
	uint8_t bytes[31];
	uint8_t host_len;
} tern_address;

typedef struct tern_path {
	tern_address local, remote;
} tern_path;

/* All memory comes from here, but for libcrypto's own and a page of random numbers for each pool. realloc is not used.
 * free gets the size that was asked for. */
typedef struct tern_allocator {
	void *(*alloc)(void *user, size_t n);
	void (*free)(void *user, void *p, size_t n);
	void *user;
} tern_allocator;

typedef struct tern_config tern_config;
typedef struct tern_keyring tern_keyring;
typedef struct tern_pool tern_pool;
typedef struct tern_conn tern_conn;

/* ---- Configuration ---------------------------------------------------------------------------------------------- */

/* A config with the policy "default". allocator NULL: malloc and free. Returns NULL when memory is out. Setters fail
 * with TERN_ERROR_USAGE once the config is in use by a pool. */
TERN_API tern_config *tern_config_new(const tern_allocator *allocator);
TERN_API void tern_config_free(tern_config *config); /* pools made from it keep their own reference */

/* The oldest and the newest version to offer and accept; default DTLS 1.2 to 1.3. A version without a suite in the list
 * is left out. */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_versions(tern_config *config, tern_protocol oldest,
							     tern_protocol newest);

/* Sets suites, groups, schemes, timers, connection IDs, whether a cookie is asked for and whether loss lowers the MTU.
 * "default": AEAD suites, first timer 1 s; a flight that is lost three times is sent in smaller datagrams, and the MTU
 * stays there. "webrtc": certificates only, first timer 400 ms, which doubles from the fifth transmission on, no
 * cookie; the MTU is kept, for media as long go the same way. "iot": PSK and raw keys with AES-128-CCM-8 in front,
 * first timer 9 s, tern_config_set_cid_length(0). */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_policy(tern_config *config, const char *name);

/* Comma-separated IANA names, in order of preference, for example
 * "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "secp256r1,x25519", "ecdsa_secp256r1_sha256,ed25519". */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_suites(tern_config *config, const char *list);
/* NULL: no group at all. What remains is plain PSK, and in DTLS 1.3 psk_ke (see tern_config_set_psk_ke), for which then
 * no key share is made in vain. */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_groups(tern_config *config, const char *list);
TERN_API TERN_MUST_CHECK tern_error tern_config_set_schemes(tern_config *config, const char *list);

/* Who encrypts records: a name out of tern_record_crypto_names; NULL, the default, is the first of them. All else is
 * libcrypto's in any case. TERN_ERROR_UNKNOWN_NAME: not in that list. */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_record_crypto(tern_config *config, const char *name);
/* Those that were built in and suit this processor, best first, with commas between: "ipsec-mb,libcrypto". */
TERN_API const char *tern_record_crypto_names(void);

/* A certificate chain, leaf first, and its private key, both PEM. Up to 4 keypairs; the first that the peer can use is
 * used. The bytes are copied. */
TERN_API TERN_MUST_CHECK tern_error tern_config_add_keypair(tern_config *config, const void *chain_pem,
							    size_t chain_len, const void *key_pem, size_t key_len);

/* A raw public key (RFC 7250): the private key alone. Used where the peer accepts raw keys. */
TERN_API TERN_MUST_CHECK tern_error tern_config_add_raw_key(tern_config *config, const void *key_pem, size_t key_len);

/* A chain whose private key is elsewhere. sign is called with the TLS SignatureScheme and what is to be signed: a
 * digest of the scheme's hash, or for Ed25519 the message. It either fills signature and *len (at most cap) and returns
 * TERN_OK, or returns TERN_PENDING and answers later by tern_conn_resume. */
typedef tern_error tern_sign_fn(void *user, tern_conn *conn, uint64_t job, uint16_t scheme, const uint8_t *tbs,
				size_t tbs_len, uint8_t *signature, size_t cap, size_t *len);
TERN_API TERN_MUST_CHECK tern_error tern_config_add_signer(tern_config *config, const void *chain_pem, size_t chain_len,
							   tern_sign_fn *sign, void *user);

/* Narrows the credential that was added last. schemes: what it may sign by, best first, in place of the config's list;
 * for keys in hardware that cannot do every scheme; NULL: all of the config's. only_named_issuers: it is used only
 * where the peer's certificate_authorities name an issuer of its chain, so that among certificates of several CAs the
 * right one is shown. TERN_ERROR_USAGE: nothing was added, or a raw key, which has no issuer. */
TERN_API TERN_MUST_CHECK tern_error tern_config_limit_credential(tern_config *config, const char *schemes,
								 bool only_named_issuers);

/* How the peer's certificate is judged. Trust anchors (PEM), the system's anchors, and fingerprints may be combined: a
 * certificate that matches a fingerprint is accepted without a chain; when only fingerprints are set, it must match
 * one. A client without any of these, without PSK and without the insecure setter trusts nobody. */
TERN_API TERN_MUST_CHECK tern_error tern_config_add_trust(tern_config *config, const void *pem, size_t len);
TERN_API TERN_MUST_CHECK tern_error tern_config_set_system_trust(tern_config *config);
TERN_API TERN_MUST_CHECK tern_error tern_config_add_fingerprint(tern_config *config, const char *text); /* RFC 8122 */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_insecure_no_verify(tern_config *config);

/* Whether each connection brings its own fingerprints (tern_conn_set_fingerprints), where certificates are made for one
 * session and signalling says whose they are, as in WebRTC: one config then serves all peers. The peer is judged by
 * them alone, whatever else is set here, and sessions are neither issued nor resumed: they would stand for a
 * certificate of another connection. Servers: see tern_config_set_client_auth too. Default false. RFC 8827 5. */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_conn_fingerprints(tern_config *config, bool on);

/* How many chains that led to a trust anchor each pool remembers, those used last; default 64, at most 1024, 0: none.
 * The next handshake with the same chain is spared reading and verifying it, a client's thereby more than half of its
 * time. It is remembered for an hour at most, never beyond the end of any certificate in it, not when a clock goes
 * back, and only for the same side; the peer's name, fingerprints and signature are checked each time. What is
 * withdrawn otherwise within the hour takes effect with a new config, or by a callback: it is asked each time, and
 * nothing is remembered then. Each takes some 6 KB, most of it libcrypto's. */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_remembered_chains(tern_config *config, size_t max);

/* Asked in place of the checks above, with the peer's chain (DER, leaf first; or one raw public key). Returns TERN_OK,
 * an error of class AUTH, or TERN_PENDING and answers by tern_conn_resume. The spans are valid during the call only. */
typedef struct tern_bytes {
	const uint8_t *data;
	size_t len;
} tern_bytes;
typedef tern_error tern_verify_fn(void *user, tern_conn *conn, uint64_t job, const tern_bytes *chain, size_t num_chain,
				  bool raw_key);
TERN_API TERN_MUST_CHECK tern_error tern_config_set_verify(tern_config *config, tern_verify_fn *verify, void *user);

typedef enum tern_client_auth {
	TERN_CLIENT_AUTH_NONE,
	TERN_CLIENT_AUTH_OPTIONAL,
	TERN_CLIENT_AUTH_REQUIRED
} tern_client_auth;
TERN_API TERN_MUST_CHECK tern_error tern_config_set_client_auth(tern_config *config, tern_client_auth mode);

/* Clients with certificates: whether the handshake fails when the server asks for one and none fits, with
 * TERN_ERROR_NO_SHARED_CERTIFICATE_TYPE, _ISSUER or _SCHEME, which tell why. Default false: it goes on without one (RFC
 * 8446 4.4.2), and what the server makes of that comes later, or never. */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_must_authenticate(tern_config *config, bool on);

/* DTLS 1.3: authentication of the client after the handshake (RFC 8446 4.6.2), default off. A client that has a
 * certificate or a signer offers it, and answers whenever the server asks: tell no server so that should not know. A
 * server keeps what it takes for tern_conn_request_certificate: 384 bytes for each connection whose client
 * offered. Not where the keys come from an external PSK. */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_post_auth(tern_config *config, bool on);

/* Pre-shared keys. Identities are byte strings of 1 to 65535 bytes (RFC 4279), keys of 1 to 64 bytes; up to 32 are
 * added, none under the same identity. A client uses the first. The callback is asked for what was not added: on a
 * server with the peer's identity, on a client with the server's hint (identity NULL: it fills answer's identity, 1 to
 * 128 bytes, and key). It returns TERN_OK, TERN_ERROR_UNKNOWN_PSK_IDENTITY, or TERN_PENDING and answers by
 * tern_conn_resume. In DTLS 1.3 a client offers what was added (the first eight) with its first message; one that has
 * the callback alone offers 1.2 only. When a client's key differs, the server fails with TERN_ERROR_BAD_BINDER in
 * DTLS 1.3, in 1.2 with TERN_ERROR_BAD_FINISHED once the client's fourth Finished does not open, and the client hears
 * decrypt_error. */
typedef enum tern_psk_hash { TERN_PSK_SHA256, TERN_PSK_SHA384 } tern_psk_hash;
typedef struct tern_psk {
	size_t identity_len, key_len;
	uint8_t identity[128]; /* a client's identity; not looked at on a server */
	uint8_t key[64];
	bool imported; /* servers: the key is external and is to be imported; see tern_config_import_psk */
	tern_psk_hash hash; /* with imported */
} tern_psk;
typedef tern_error tern_psk_fn(void *user, tern_conn *conn, uint64_t job, const uint8_t *identity, size_t identity_len,
			       const uint8_t *hint, size_t hint_len, tern_psk *answer);
TERN_API TERN_MUST_CHECK tern_error tern_config_add_psk(tern_config *config, const void *identity, size_t identity_len,
							const void *key, size_t key_len);
TERN_API TERN_MUST_CHECK tern_error tern_config_set_psk(tern_config *config, tern_psk_fn *psk, void *user);

/* An external PSK, imported for DTLS 1.3 (RFC 9258): what is used are keys derived from it, one for each KDF, bound to
 * the protocol and to a context that both sides know, for example who is client and who is server (RFC 9258 A). The
 * context goes over the wire in clear. Both sides must import it, with the same hash and context, or it is an unknown
 * identity. It is never used in DTLS 1.2, nor should its key be added there. One takes the place of two of the 32 and
 * of the eight. tern_info.psk_identity is the external identity.
 *
 * A server's callback gets the identity as it came. tern_psk_imported tells whether it was imported for DTLS 1.3 and
 * what it consists of (spans into it); the callback decides by both, and answers with the external key and imported
 * set. */
typedef struct tern_external_psk {
	size_t size; /* sizeof(tern_external_psk) */
	const void *identity, *key, *context; /* context NULL: none, which is the same as an empty one */
	size_t identity_len, key_len, context_len; /* identity and context together at most 65527 */
	tern_psk_hash hash; /* that the external PSK was made for; SHA-256 when nothing is said of it */
} tern_external_psk;
TERN_API TERN_MUST_CHECK tern_error tern_config_import_psk(tern_config *config, const tern_external_psk *psk);
TERN_API bool tern_psk_imported(const uint8_t *identity, size_t len, tern_bytes *external, tern_bytes *context);
TERN_API TERN_MUST_CHECK tern_error tern_config_set_psk_hint(tern_config *config, const void *hint, size_t len);

/* DTLS 1.3 clients: whether a PSK may be used without a key exchange beside it (psk_ke, RFC 8446 4.2.9), which is cheap
 * and has no forward secrecy. Default false; the policy "iot" sets it. Servers take it when a client offers nothing
 * else. */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_psk_ke(tern_config *config, bool on);

/* DTLS 1.3: certificate compression (RFC 8879), both ways: comma-separated algorithms in order of preference, of those
 * that tern_compression_names has; TERN_ERROR_UNKNOWN_NAME for another, or one twice. NULL: none, which is the default,
 * since the decompressor would read what a peer sends before it is known, short chains gain nothing by it, and one
 * config should do the same whatever the library was built with. It pays where a chain takes several datagrams. What
 * comes is decompressed up to tern_limits.message_bytes, in memory of at most 256 KB and four times the certificate's
 * length; own chains are compressed once, at first use of the config, and sent so where that is smaller. libzstd, and
 * all three as they compress, take their working memory from malloc. */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_certificate_compression(tern_config *config, const char *list);
/* What this library was built with, best first: "brotli,zstd,zlib" or less, "" for nothing. */
TERN_API const char *tern_compression_names(void);

/* Comma-separated application protocols in order of preference (RFC 7301), of 1 to 63 bytes each and about 1000
 * together; NULL: none. A server that shares none refuses. */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_alpn(tern_config *config, const char *list);

/* DTLS-SRTP (RFC 5764): comma-separated IANA names of protection profiles in order of preference, of
 * "SRTP_AEAD_AES_128_GCM,SRTP_AEAD_AES_256_GCM,SRTP_AES128_CM_HMAC_SHA1_80,SRTP_AES128_CM_HMAC_SHA1_32"; NULL: none,
 * which is the default. A server chooses. When nothing is shared the handshake goes on without: see tern_info. Master
 * key identifiers are not used. */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_srtp(tern_config *config, const char *list);

/* Servers: whether tern_listen asks for a cookie (default true). False only where something else proved the address. */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_cookie(tern_config *config, bool on);

/* Connection IDs (RFC 9146, in DTLS 1.3 RFC 9147 9), off by default: the peer puts one that we chose into its records,
 * by which a datagram finds its connection when the peer's address has changed; see tern_find_cid. A client offers them
 * and a server takes them; the IDs either side wants may differ in length, and may be none.
 *
 * make writes a new ID by which the peer shall reach conn and returns its length, 1 to cap (cap is 255), or 0: the peer
 * sends none. It is called within tern_client or when a ClientHello is taken, and in DTLS 1.3 when the peer gets more.
 * No ID that is in use may be the beginning of another. retire (or NULL) tells that an ID of make's is not used any
 * more, tern_conn_free included. length tells from the bytes at hand, n of them, how long the ID is that they begin
 * with; 0: not one of ours, or too few. It may be called by several threads. None may call into conn, which is not
 * complete yet when make is called first. */
typedef struct tern_cid_codec {
	size_t size; /* sizeof(tern_cid_codec) */
	size_t (*make)(void *user, tern_conn *conn, uint8_t *cid, size_t cap);
	void (*retire)(void *user, tern_conn *conn, const uint8_t *cid, size_t len);
	size_t (*length)(void *user, const uint8_t *bytes, size_t n);
	void *user;
} tern_cid_codec;
/* codec NULL: no connection IDs. The struct is copied. */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_cid(tern_config *config, const tern_cid_codec *codec);
/* Without a codec: our IDs are n random bytes, 0 to 20. 0: we send with the peer's and want none ourselves, which the
 * policy "iot" sets. */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_cid_length(tern_config *config, unsigned n);

/* For codecs of servers that are several: an ID of 8 bytes that names where its connection lives, in clear, so that a
 * balancer or another server can pass datagrams on. By bytes: 0b100 and five bits of unique[0], shard (most significant
 * byte first), worker, unique[1] to unique[4]. Boxes that route QUIC by a plain server id, under the configuration id
 * 0b100, see one of three bytes, shard and worker; others see an ID of version 2 with that host id. unique: random, or
 * otherwise never the same for two connections at a time of a worker. */
#define TERN_CID_LEN 8
TERN_API void tern_cid_format(uint8_t cid[TERN_CID_LEN], uint16_t shard, uint8_t worker, const uint8_t unique[5]);
/* What such an ID says; false when bytes (len of them) do not begin with one. shard, worker: may be NULL. */
TERN_API bool tern_cid_parse(const uint8_t *bytes, size_t len, uint16_t *shard, uint8_t *worker);

/* The return routability check (RFC 9853), agreed on beside connection IDs: how a connection learns that its peer has
 * another address. When the newest record of all comes from elsewhere, the peer is asked there before anything else is
 * sent there, and the connection moves when it answers. BASIC takes one round trip. ENHANCED, the default, asks the
 * path in use first and moves only if it is silent for T or the peer has left it: that keeps out who copies datagrams
 * and is faster than the network, and costs T where a NAT forgot us. T is three round trips, at least 150 ms, and 1 s
 * where none is known. OFF: nothing is offered, and TERN_PATH_SEEN tells what was seen.
 *
 * It costs nothing until the caller tells paths: at tern_client or tern_accept, then with every tern_conn_feed, taking
 * with tern_conn_take_path. Who tells none answers the peer's checks all the same. */
typedef enum tern_rrc { TERN_RRC_OFF, TERN_RRC_BASIC, TERN_RRC_ENHANCED } tern_rrc;
TERN_API TERN_MUST_CHECK tern_error tern_config_set_rrc(tern_config *config, tern_rrc mode);

/* Path MTU discovery (RFC 8899, DPLPMTUD) by each connection for itself, default off: looks for the largest datagram
 * the path carries, from tern_limits.mtu to mtu_max, and tern_info.mtu and tern_conn_max_data follow. While long data
 * is sent the size is confirmed every 15 s, and lowered within 25 s when it falls into a black hole; after 10 minutes
 * more is tried. The caller's sockets must not let datagrams be fragmented (IP_PMTUDISC_PROBE). Probes are padded
 * challenges of the return routability check: without that being agreed on nothing is ever acknowledged that could be
 * padded and costs nothing else, so the MTU stays as it is. In DTLS 1.2 padding also needs the peer to want a
 * connection ID. */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_pmtud(tern_config *config, bool on);

/* Cookie and ticket keys; without one the config makes its own at first use. */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_keyring(tern_config *config, tern_keyring *keyring);

/* Whether session tickets are used (RFC 5077; default true): servers issue and take them, clients ask for them. */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_tickets(tern_config *config, bool on);

/* Servers, DTLS 1.3: early data (0-RTT, RFC 8446 2.3), which a client sends with its first hello. Whoever records it
 * can send it again, so it is off by default (max_bytes 0), and fresh must be there to turn it on. Tickets then allow
 * max_bytes of it, and one whose client comes back from the same host within the ticket's clock proves its address:
 * tern_listen asks that client for no cookie.
 *
 * fresh is asked once everything else allows early data, with an id of 32 bytes that is unique to the ClientHello (the
 * start of its PSK binder, which has been checked: RFC 8446 8.2). TERN_OK: never seen before, and noted now, at once
 * for all threads and servers that take the same tickets. TERN_PENDING: answered by tern_conn_resume. Any other error:
 * seen before, or not known; the early data is refused and the handshake goes on. After expires_unix_s, at most 22 s
 * from now, such a hello is too old for early data and its id may be forgotten. What forgets ids by a restart, and not
 * the ticket keys, must refuse for as long afterwards. */
typedef tern_error tern_fresh_fn(void *user, tern_conn *conn, uint64_t job, const uint8_t *id, size_t id_len,
				 int64_t expires_unix_s);
TERN_API TERN_MUST_CHECK tern_error tern_config_set_early_data(tern_config *config, uint32_t max_bytes,
							       tern_fresh_fn *fresh, void *user);

/* Servers: where sessions with an id live. put and del never pend. get copies the session into out (at most cap bytes)
 * and returns TERN_OK with *len (0: not found), or TERN_PENDING and answers by tern_conn_resume. Sessions are secrets.
 */
typedef struct tern_session_store {
	tern_error (*get)(void *user, tern_conn *conn, uint64_t job, const uint8_t *id, size_t id_len, uint8_t *out,
			  size_t cap, size_t *len);
	void (*put)(void *user, const uint8_t *id, size_t id_len, const uint8_t *session, size_t len,
		    int64_t expires_unix_s);
	void (*del)(void *user, const uint8_t *id, size_t id_len);
	void *user;
} tern_session_store;
TERN_API TERN_MUST_CHECK tern_error tern_config_set_session_store(tern_config *config, const tern_session_store *store);

#define TERN_SESSION_MAX 1344 /* bytes an exported session takes at most */

/* Timers, in nanoseconds, 1 ms at least. Fields left 0 have the policy's value. A policy set later sets all of them
 * again. RFC 6347 4.2.4.1. */
typedef struct tern_timers {
	size_t size; /* sizeof(tern_timers) */
	uint64_t first_ns; /* first retransmission timeout before an RTT is known; default 1 s */
	uint64_t cap_ns; /* timeouts double up to this; default 60 s, at most 1 h */
	uint64_t handshake_ns; /* the whole handshake's; default 120 s ("iot": 240 s), at most 1 day */
	uint32_t max_tries; /* transmissions of one flight before giving up; default 12, at most 255 */
	bool no_rtt; /* do not learn the round trip time from the handshake */
	bool no_jitter; /* do not spread timeouts by up to 10 % */
	uint32_t steady_tries; /* so many transmissions in the same time, before it doubles; default 1, which RFC
				* 9147 5.8.2 wants where nothing is known of the path; "webrtc": 5; at most 255 */
	uint64_t ack_ns; /* DTLS 1.3: how long the ACK of a message after the handshake waits for more to tell, which
			  * saves datagrams where they are dear, and delays new keys by as much; default 0: not at all;
			  * at most 250 ms, for a peer repeats what nobody acknowledges. RFC 9147 7 */
} tern_timers;
TERN_API TERN_MUST_CHECK tern_error tern_config_set_timers(tern_config *config, const tern_timers *timers);

/* Limits. Fields left 0 have the default. */
typedef struct tern_limits {
	size_t size; /* sizeof(tern_limits) */
	uint16_t mtu; /* largest UDP payload to send; default 1200, 96 to 65507 */
	uint16_t replay_window; /* records: 64 (default) to 8192, a multiple of 64; 1 turns replay detection off */
	uint16_t record_size_limit; /* largest plaintext we take, RFC 8449: 64 to 16384; 0 does not offer it */
	uint16_t max_fragment_length; /* clients: 512, 1024, 2048 or 4096 asks for it (RFC 6066 4); 0 does not */
	uint32_t handshake_bytes; /* memory one handshake may take, and as much again for the peer's messages
				   * under way; default 65536, 4096 to 16 MiB */
	uint32_t message_bytes; /* longest handshake message accepted; default 32768, 512 to 16 MiB - 1. Under keys a
				 * longer one ends the handshake with TERN_ERROR_BUDGET; in clear it is dropped */
	uint64_t seal_limit; /* records sealed under one key, the last one no data; default by AEAD, < 2^48 */
	uint32_t session_seconds; /* lifetime of tickets and sessions; default 86400, at most 604800 */
	uint16_t mtu_max; /* up to where tern_config_set_pmtud looks: mtu to 65507; default 1472, or mtu */
} tern_limits;
TERN_API TERN_MUST_CHECK tern_error tern_config_set_limits(tern_config *config, const tern_limits *limits);

/* One line of the SSLKEYLOGFILE format per connection, without newline. Whoever reads it can decrypt everything. */
typedef void tern_keylog_fn(void *user, const tern_conn *conn, const char *line);
TERN_API TERN_MUST_CHECK tern_error tern_config_set_keylog(tern_config *config, tern_keylog_fn *keylog, void *user);

/* For tests that must repeat: every random byte, secrets included, comes from here. */
typedef tern_error tern_random_fn(void *user, uint8_t *out, size_t n);
TERN_API TERN_MUST_CHECK tern_error tern_config_set_insecure_random(tern_config *config, tern_random_fn *random,
								    void *user);

/* What happens on the wire, as it happens; for ladders and logs. */
typedef enum tern_trace_kind {
	TERN_TRACE_SENT, /* a record was put into a datagram */
	TERN_TRACE_RECEIVED, /* a record was accepted */
	TERN_TRACE_DROPPED, /* a record or datagram was dropped; drop tells why */
	TERN_TRACE_TIMER, /* the retransmission timer was set; timeout_ns */
	TERN_TRACE_TIMEOUT, /* it fired */
	TERN_TRACE_MTU, /* the MTU was lowered after repeated loss, or measured; length is the new one */
	TERN_TRACE_KEYS, /* keys for epoch are in place: both ways in a handshake, then by writing; of early data: one
			  * way */
	TERN_TRACE_KEPT /* a record that came before its keys was kept; with them it is read as if it came then */
} tern_trace_kind;
typedef struct tern_trace {
	tern_trace_kind kind;
	uint8_t content_type; /* RFC 5246 6.2.1: 20 to 23; 26 (RFC 9147 7), 27 (RFC 9853 4) */
	uint8_t message_type; /* handshake records in clear to us: type, sequence and fragment */
	bool retransmission;
	bool writing; /* KEYS: to send with */
	uint16_t epoch;
	uint16_t message_seq;
	uint64_t record_seq;
	uint32_t message_len, fragment_offset, fragment_len;
	uint32_t length; /* bytes of the record on the wire, header included */
	uint32_t drop; /* tern_drop */
	uint64_t timeout_ns;
} tern_trace;
typedef void tern_trace_fn(void *user, const tern_conn *conn, const tern_trace *trace);
TERN_API TERN_MUST_CHECK tern_error tern_config_set_trace(tern_config *config, tern_trace_fn *trace, void *user);

/* ---- Keyring: cookie and ticket keys, shared by all pools and threads -------------------------------------------- */

/* secret: at least 32 bytes that every server of a cluster shares, or NULL for random ones. Rotation keeps the previous
 * keys valid until the next rotation; to the secret that is current already it changes nothing. Thread safe. */
TERN_API TERN_MUST_CHECK tern_error tern_keyring_new(tern_keyring **keyring, const void *secret, size_t len);
TERN_API TERN_MUST_CHECK tern_error tern_keyring_rotate(tern_keyring *keyring, const void *secret, size_t len);
TERN_API void tern_keyring_free(tern_keyring *keyring);

#ifdef __cplusplus
}
#endif
#endif
