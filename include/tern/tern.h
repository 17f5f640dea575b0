/* tern.h - DTLS as a sans-I/O library: datagrams in, datagrams and events out.
 *
 * Nothing here opens a socket, reads a clock, starts a thread or keeps a global. The caller owns the sockets, passes
 * the time with every call, and moves datagrams between the two:
 *
 *     tern_conn_feed(conn, datagram)      lend one received datagram
 *     tern_conn_next(conn, &event)        what it contained, one event at a time, until TERN_EVENT_NONE
 *     tern_conn_take(conn, buffer)        the next datagram to send, until none is left
 *     tern_conn_deadline(conn)            when to call tern_conn_tick
 *     tern_conn_seal(conn, buffer, data)  application data straight into a datagram
 *
 * Ownership: a config is built, frozen at first use, shared and reference counted. A pool is made from a config and
 * belongs to one thread. A connection belongs to one pool. Every *_free accepts NULL.
 *
 * Errors: every fallible call returns tern_error. Errors of class TERN_CLASS_USAGE change nothing. Any other error from
 * feed, next, tick, resume, seal or take ends the connection; tern_conn_take still yields the alert, and
 * tern_conn_failure tells what went wrong, where, and which section of which RFC was violated.
 *
 * SPDX-License-Identifier: MIT */
#ifndef TERN_TERN_H
#define TERN_TERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TERN_MUST_CHECK __attribute__((warn_unused_result))
#define TERN_API __attribute__((visibility("default")))
#else
#define TERN_MUST_CHECK
#define TERN_API
#endif

#define TERN_VERSION_TEXT "0.1.0"

/* The version of the library that is loaded, for example "0.1.0". */
TERN_API const char *tern_version(void);

/* ---- Errors ---------------------------------------------------------------------------------------------------- */

typedef enum tern_error_class {
	TERN_CLASS_OK,
	TERN_CLASS_STATUS, /* not an error: call again later */
	TERN_CLASS_USAGE, /* the caller's mistake; nothing has changed */
	TERN_CLASS_INPUT, /* a file or a setting the caller supplied is unusable; nothing has changed */
	TERN_CLASS_RESOURCE, /* memory or a budget ran out */
	TERN_CLASS_PROTOCOL, /* the peer broke the protocol, or nothing is shared with it */
	TERN_CLASS_AUTH, /* the peer is not who it should be */
	TERN_CLASS_PEER, /* the peer sent a fatal alert */
	TERN_CLASS_CRYPTO, /* the crypto provider failed */
	TERN_CLASS_TIMEOUT,
	TERN_CLASS_INTERNAL
} tern_error_class;

/* X(name, class, alert to send or -1, sentence). Alert numbers are those of RFC 8446 6. */
#define TERN_ERRORS(X)                                                                                                 \
	X(OK, OK, -1, "no error")                                                                                      \
	X(PENDING, STATUS, -1, "the answer to a job is awaited")                                                       \
	X(ERROR_USAGE, USAGE, -1, "the call is not allowed now, or an argument is out of range")                       \
	X(ERROR_BUFFER_TOO_SMALL, USAGE, -1, "the buffer is too small")                                                \
	X(ERROR_TOO_LARGE, USAGE, -1, "the data does not fit one record on this path")                                 \
	X(ERROR_NOT_CONNECTED, USAGE, -1, "the handshake is not complete or the connection is closed")                 \
	X(ERROR_UNKNOWN_NAME, INPUT, -1, "a name in the list is not known")                                            \
	X(ERROR_BAD_PEM, INPUT, -1, "no usable PEM block was found")                                                   \
	X(ERROR_BAD_CERTIFICATE_FILE, INPUT, -1, "the certificate cannot be parsed")                                   \
	X(ERROR_BAD_KEY_FILE, INPUT, -1, "the private key cannot be parsed")                                           \
	X(ERROR_ENCRYPTED_KEY, INPUT, -1, "the private key is protected by a passphrase")                              \
	X(ERROR_UNSUPPORTED_KEY, INPUT, -1, "the key's type or size is not supported")                                 \
	X(ERROR_KEY_MISMATCH, INPUT, -1, "the private key does not belong to the certificate")                         \
	X(ERROR_BAD_FINGERPRINT, INPUT, -1, "the fingerprint is not of the form sha-256:HEX")                          \
	X(ERROR_BAD_SESSION, INPUT, -1, "the session cannot be parsed")                                                \
	X(ERROR_NO_CREDENTIALS, INPUT, -1, "the configuration has no usable certificate, PSK or trust for this role")  \
	X(ERROR_NO_MEMORY, RESOURCE, 80, "out of memory")                                                              \
	X(ERROR_BUDGET, RESOURCE, 80, "the handshake exceeds its memory budget")                                       \
	X(ERROR_LIMIT, RESOURCE, 80, "a key or sequence number limit is reached")                                      \
	X(ERROR_DECODE, PROTOCOL, 50, "a message from the peer is malformed")                                          \
	X(ERROR_UNEXPECTED_MESSAGE, PROTOCOL, 10, "a message came that is not allowed at this point")                  \
	X(ERROR_ILLEGAL_PARAMETER, PROTOCOL, 47, "a value in the peer's message is not allowed")                       \
	X(ERROR_PROTOCOL_VERSION, PROTOCOL, 70, "no protocol version in common with the peer")                         \
	X(ERROR_NO_SHARED_SUITE, PROTOCOL, 40, "no cipher suite in common with the peer")                              \
	X(ERROR_NO_SHARED_GROUP, PROTOCOL, 40, "no key exchange group in common with the peer")                        \
	X(ERROR_NO_SHARED_SCHEME, PROTOCOL, 40, "no signature scheme in common with the peer")                         \
	X(ERROR_NO_SHARED_ISSUER, PROTOCOL, 40, "the peer names no issuer of a certificate of ours")                   \
	X(ERROR_NO_SHARED_CERTIFICATE_TYPE, PROTOCOL, 43,                                                              \
	  "no certificate type (X.509, raw key) in common with the peer")                                              \
	X(ERROR_NO_EXTENDED_MASTER_SECRET, PROTOCOL, 40, "the peer does not offer the extended master secret")         \
	X(ERROR_RENEGOTIATION, PROTOCOL, 40, "the peer's renegotiation_info is missing or wrong")                      \
	X(ERROR_UNSUPPORTED_EXTENSION, PROTOCOL, 110, "the peer answered an extension that was not offered")           \
	X(ERROR_MISSING_EXTENSION, PROTOCOL, 109, "an extension that must be there is missing")                        \
	X(ERROR_NO_APPLICATION_PROTOCOL, PROTOCOL, 120, "no application protocol in common with the peer")             \
	X(ERROR_DOWNGRADE, PROTOCOL, 47, "somebody on the path forced an older version")                               \
	X(ERROR_RECORD_OVERFLOW, PROTOCOL, 22, "a record is longer than agreed")                                       \
	X(ERROR_BAD_SIGNATURE, PROTOCOL, 51, "the peer's handshake signature is wrong")                                \
	X(ERROR_BAD_BINDER, PROTOCOL, 51, "the peer's PSK binder is wrong: it has another key for this identity")      \
	X(ERROR_BAD_FINISHED, PROTOCOL, 51,                                                                            \
	  "the peer's Finished is wrong: the two sides saw different handshakes, "                                     \
	  "or the PSK differs")                                                                                        \
	X(ERROR_UNKNOWN_PSK_IDENTITY, AUTH, 115, "the PSK identity is not known")                                      \
	X(ERROR_CERTIFICATE_REQUIRED, AUTH, 116, "the peer sent no certificate") /* DTLS 1.2: 40 */                    \
	X(ERROR_CERTIFICATE_MALFORMED, AUTH, 42, "the peer's certificate cannot be parsed")                            \
	X(ERROR_CERTIFICATE_COMPRESSION, AUTH, 42, "the peer's compressed certificate cannot be decompressed")         \
	X(ERROR_CERTIFICATE_EXPIRED, AUTH, 45, "the peer's certificate has expired")                                   \
	X(ERROR_CERTIFICATE_NOT_YET_VALID, AUTH, 45, "the peer's certificate is not valid yet")                        \
	X(ERROR_CERTIFICATE_UNKNOWN_ISSUER, AUTH, 48, "the peer's certificate does not lead to a trusted issuer")      \
	X(ERROR_CERTIFICATE_NAME, AUTH, 42, "the peer's certificate is for another name")                              \
	X(ERROR_CERTIFICATE_KEY_USAGE, AUTH, 43, "the peer's certificate may not be used for this purpose")            \
	X(ERROR_CERTIFICATE_SIGNATURE, AUTH, 42, "a signature in the peer's certificate chain is wrong")               \
	X(ERROR_CERTIFICATE_UNSUPPORTED_KEY, AUTH, 43, "the key in the peer's certificate is not supported")           \
	X(ERROR_CERTIFICATE_REJECTED, AUTH, 46, "the peer's certificate was refused")                                  \
	X(ERROR_REFUSED, AUTH, -1, "this side's application refused the peer") /* see tern_conn_abort */               \
	X(ERROR_FINGERPRINT, AUTH, 42, "the peer's certificate has another fingerprint")                               \
	X(ERROR_PEER_ALERT, PEER, -1, "the peer ended the connection with a fatal alert")                              \
	X(ERROR_RANDOM, CRYPTO, 80, "no random bytes to be had")                                                       \
	X(ERROR_CRYPTO, CRYPTO, 80, "a cryptographic operation failed")                                                \
	X(ERROR_FORGERIES, CRYPTO, -1, "too many records failed authentication under one key")                         \
	X(ERROR_TIMEOUT, TIMEOUT, -1, "the peer did not answer in time")                                               \
	X(ERROR_INTERNAL, INTERNAL, 80, "internal error: please report it")

typedef enum tern_error {
#define X(name, class, alert, sentence) TERN_##name,
	TERN_ERRORS(X)
#undef X
} tern_error;

TERN_API const char *tern_error_name(tern_error error); /* "TERN_ERROR_DECODE" */
TERN_API const char *tern_error_sentence(tern_error error); /* "a message from the peer is malformed" */
TERN_API tern_error_class tern_error_class_of(tern_error error);
TERN_API const char *tern_alert_name(unsigned alert); /* "decode_error"; "unknown" for an unassigned number */

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

/* All memory comes from here. realloc is not used. free gets the size that was asked for. */
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

/* Sets suites, groups, schemes, timers and whether a cookie is asked for. "default": AEAD suites, first timer 1 s.
 * "webrtc": certificates only, first timer 400 ms, no cookie. "iot": PSK and raw keys with AES-128-CCM-8 in front,
 * first timer 9 s. */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_policy(tern_config *config, const char *name);

/* Comma-separated IANA names, in order of preference, for example
 * "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "secp256r1,x25519", "ecdsa_secp256r1_sha256,ed25519". */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_suites(tern_config *config, const char *list);
/* NULL: no group at all. What remains is plain PSK, and in DTLS 1.3 psk_ke (see tern_config_set_psk_ke), for which then
 * no key share is made in vain. */
TERN_API TERN_MUST_CHECK tern_error tern_config_set_groups(tern_config *config, const char *list);
TERN_API TERN_MUST_CHECK tern_error tern_config_set_schemes(tern_config *config, const char *list);

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

/* DTLS 1.3: authentication of the client after the handshake (RFC 8446 4.6.2), default off. A client that has a
 * certificate or a signer offers it, and answers whenever the server asks: tell no server so that should not know. A
 * server keeps what it takes for tern_conn_request_certificate: 352 bytes for each connection whose client
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
	uint32_t message_bytes; /* longest handshake message accepted; default 32768, 512 to 16 MiB - 1 */
	uint64_t seal_limit; /* records sealed under one key, the last one no data; default by AEAD, < 2^48 */
	uint32_t session_seconds; /* lifetime of tickets and sessions; default 86400, at most 604800 */
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
	TERN_TRACE_MTU, /* the MTU was lowered after repeated loss; length is the new one */
	TERN_TRACE_KEYS, /* keys for epoch are in place: both ways in a handshake, then by writing; of early data: one
			  * way */
	TERN_TRACE_KEPT /* a record that came before its keys was kept; with them it is read as if it came then */
} tern_trace_kind;
typedef struct tern_trace {
	tern_trace_kind kind;
	uint8_t content_type; /* RFC 5246 6.2.1: 20 to 23 */
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

/* ---- Pool: what the connections of one thread share ---------------------------------------------------------------
 */

/* Freezes the config, even when memory runs out on the way. TERN_ERROR_NO_CREDENTIALS, and the config is not frozen,
 * when it can neither be client nor server. */
TERN_API TERN_MUST_CHECK tern_error tern_pool_new(tern_pool **pool, tern_config *config);
TERN_API void tern_pool_free(tern_pool *pool); /* after its connections */

/* ---- Server: the first datagram ------------------------------------------------------------------------------------
 */

/* Why something was dropped. X(name, sentence). */
#define TERN_DROPS(X)                                                                                                  \
	X(NONE, "not dropped")                                                                                         \
	X(MALFORMED, "not a DTLS record")                                                                              \
	X(VERSION, "record of another protocol version")                                                               \
	X(EPOCH, "no keys for this epoch")                                                                             \
	X(REPLAYED, "record number seen before")                                                                       \
	X(TOO_OLD, "record number left of the window")                                                                 \
	X(FORGED, "authentication failed")                                                                             \
	X(PLAINTEXT, "plaintext record where keys exist")                                                              \
	X(TOO_LONG, "record longer than allowed")                                                                      \
	X(CONTENT_TYPE, "content type not allowed here")                                                               \
	X(FRAGMENT, "handshake fragment malformed or at odds with an earlier one")                                     \
	X(OLD_MESSAGE, "handshake message received before")                                                            \
	X(FUTURE_MESSAGE, "handshake message too far ahead")                                                           \
	X(BUDGET, "no room to keep it")                                                                                \
	X(NOT_HELLO, "not a ClientHello")                                                                              \
	X(HELLO_FRAGMENTED, "first ClientHello in fragments")                                                          \
	X(HELLO_MALFORMED, "ClientHello malformed")                                                                    \
	X(NOTHING_SHARED, "ClientHello shares no suite or group with us")                                              \
	X(COOKIE, "cookie missing or stale: answered with a fresh one")                                                \
	X(EARLY_DATA, "application data before the handshake ended")                                                   \
	X(CLOSED, "the connection is closed")                                                                          \
	X(ALERT, "alert that may not be believed")

typedef enum tern_drop {
#define X(name, sentence) TERN_DROP_##name,
	TERN_DROPS(X)
#undef X
		TERN_NUM_DROPS
} tern_drop;
TERN_API const char *tern_drop_sentence(tern_drop drop);

typedef enum tern_verdict_kind { TERN_VERDICT_DROP, TERN_VERDICT_REPLY, TERN_VERDICT_ACCEPT } tern_verdict_kind;

/* What tern_listen found. After ACCEPT, pass it to tern_accept. */
typedef struct tern_verdict {
	tern_verdict_kind kind;
	tern_drop drop; /* DROP: why; REPLY: TERN_DROP_COOKIE */
	bool address_proved; /* ACCEPT: by a cookie, or a ticket with early data */
	uint16_t message_seq; /* of the ClientHello */
	uint64_t record_seq; /* of its record */
	tern_bytes hello; /* ACCEPT: a ClientHello that came in fragments, in the pool; else empty */
} tern_verdict;

/* Judges the first datagram of a peer. Keeps nothing and allocates nothing. REPLY: send the *reply_len bytes put into
 * reply (cap at least 512) to the peer. ACCEPT: call tern_accept, then feed it this same datagram, which is left
 * unchanged. RFC 6347 4.2.1. */
TERN_API TERN_MUST_CHECK tern_error tern_listen(tern_pool *pool, tern_verdict *verdict, uint8_t *reply, size_t cap,
						size_t *reply_len, const uint8_t *datagram, size_t len,
						const tern_path *path, tern_time now);

/* A new server connection. TERN_ERROR_NO_CREDENTIALS: it has neither certificate nor PSK. verdict NULL: the caller
 * vouches for the address and tern_listen was not asked. */
TERN_API TERN_MUST_CHECK tern_error tern_accept(tern_conn **conn, tern_pool *pool, const tern_verdict *verdict,
						const tern_path *path, tern_time now);

/* ---- Client ---------------------------------------------------------------------------------------------------------
 */

typedef struct tern_client_options {
	size_t size; /* sizeof(tern_client_options) */
	const char
		*server_name; /* host name or IP literal the certificate must be for; a host name is also sent as SNI.
			       * NULL: any name will do, which is right only where each anchor vouches for one peer */
	const void *session; /* from tern_conn_session: try to resume; NULL does not */
	size_t session_len;
	const tern_path *path;
	void *user;
	bool early_data; /* offer early data, if the session allows it: tern_conn_max_early_data says how much */
} tern_client_options;

/* A new client connection; its first flight waits in tern_conn_take. TERN_ERROR_NO_CREDENTIALS when none of the suites
 * can be used: there is neither a PSK nor any way to judge a certificate. A session that has expired or does not fit
 * the config is ignored; one that cannot be parsed is TERN_ERROR_BAD_SESSION. A connection that offers early data fails
 * with TERN_ERROR_PROTOCOL_VERSION when the server knows DTLS 1.2 only: try again without (RFC 8446 D.3). */
TERN_API TERN_MUST_CHECK tern_error tern_client(tern_conn **conn, tern_pool *pool, const tern_client_options *options,
						tern_time now);

/* ---- Connection
 * ------------------------------------------------------------------------------------------------------ */

/* Frees at once, without a word to the peer; see tern_conn_close. */
TERN_API void tern_conn_free(tern_conn *conn);

TERN_API void tern_conn_set_user(tern_conn *conn, void *user);
TERN_API void *tern_conn_user(const tern_conn *conn);

typedef enum tern_event_kind {
	TERN_EVENT_NONE, /* the datagram is used up; its loan ends */
	TERN_EVENT_CONNECTED, /* the handshake is complete and the peer is who it should be */
	TERN_EVENT_DATA, /* data, len: one record of application data, a view into the fed datagram */
	TERN_EVENT_TICKET, /* client: tern_conn_session now gives a session to resume with */
	TERN_EVENT_PENDING, /* job: an answer is awaited; see tern_conn_resume */
	TERN_EVENT_LIMIT_NEAR, /* limit: what nears its end and cannot be renewed: make a new connection soon */
	TERN_EVENT_CLOSED, /* the peer sent close_notify, of its own or in answer to ours: nothing more will come */
	TERN_EVENT_EARLY_DATA, /* server: as DATA, but before CONNECTED and perhaps sent again by somebody who recorded
				* it (to another server, or after a restart): see tern_config_set_early_data */
	TERN_EVENT_AUTHENTICATED, /* server: the client proved itself as tern_conn_request_certificate asked */
	TERN_EVENT_AUTH_DECLINED /* server: asked so, and it was optional, it showed no certificate */
} tern_event_kind;

/* Of what LIMIT_NEAR tells. */
typedef enum tern_limit {
	TERN_LIMIT_KEY, /* seven eighths of what one key may seal, or of the forgeries it may meet: in DTLS 1.2, and in
			 * 1.3 when no more key updates can be sent */
	TERN_LIMIT_MESSAGES /* DTLS 1.3: seven eighths of all handshake messages, ours or the peer's, that an
			     * association can ever number: RFC 9147 5.2 */
} tern_limit;

typedef enum tern_job_kind {
	TERN_JOB_SIGN,
	TERN_JOB_VERIFY,
	TERN_JOB_PSK,
	TERN_JOB_SESSION,
	TERN_JOB_EARLY_DATA
} tern_job_kind;

typedef struct tern_event {
	tern_event_kind kind;
	uint8_t *data; /* DATA, EARLY_DATA: valid until the next call on this connection */
	size_t len;
	uint64_t job; /* PENDING */
	tern_job_kind job_kind;
	tern_limit limit; /* LIMIT_NEAR */
} tern_event;

/* Lends one received datagram until tern_conn_next says TERN_EVENT_NONE; it is decrypted in place. Feeding again before
 * that is TERN_ERROR_USAGE. path may be NULL. On a connection that has failed tern_conn_next returns its error, each
 * time, after the events that came before it; the loan has ended then too, and when the peer repeats a handshake
 * message, tern_conn_take has the alert once more (RFC 9147 5.10). */
TERN_API TERN_MUST_CHECK tern_error tern_conn_feed(tern_conn *conn, uint8_t *datagram, size_t len,
						   const tern_path *path, tern_time now);
TERN_API TERN_MUST_CHECK tern_error tern_conn_next(tern_conn *conn, tern_event *event, tern_time now);

/* Whether anything in the last fed datagram was authenticated. */
TERN_API bool tern_conn_authenticated(const tern_conn *conn);

/* The next datagram to send: *len bytes, 0 when there is none. cap below the MTU: TERN_ERROR_BUFFER_TOO_SMALL. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_take(tern_conn *conn, uint8_t *datagram, size_t cap, size_t *len,
						   tern_time now);

/* When tern_conn_tick wants to be called, mono_ns; TERN_NEVER when it does not. */
TERN_API uint64_t tern_conn_deadline(const tern_conn *conn);
TERN_API TERN_MUST_CHECK tern_error tern_conn_tick(tern_conn *conn, tern_time now);

/* Seals len bytes (at most tern_conn_max_data) of application data as one record into out; *out_len is the datagram to
 * send. data and out must not overlap, unless data starts exactly where it goes: in DTLS 1.3 at out + 3, in 1.2 at out
 * + 13 for a ChaCha20 suite, at out + 21 for all others. Take what waits in tern_conn_take first: data that overtakes
 * the handshake's last flight is lost. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_seal(tern_conn *conn, uint8_t *out, size_t cap, size_t *out_len,
						   const uint8_t *data, size_t len, tern_time now);
TERN_API size_t tern_conn_max_data(const tern_conn *conn); /* bytes that fit one record now; 0 before CONNECTED */
TERN_API size_t tern_conn_overhead(const tern_conn *conn); /* bytes a record adds to its data */

/* Clients: the same for early data, from tern_client until CONNECTED or until the server has refused it; then, and when
 * none was offered, max is 0 and seal TERN_ERROR_NOT_CONNECTED. Send the ClientHello first (tern_conn_take), or it is
 * lost. It is never sent again by itself: after CONNECTED, tern_info tells whether the server took early data, but as
 * with all data not whether it arrived. Only what does no harm when it is repeated belongs here: RFC 8446 8. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_seal_early_data(tern_conn *conn, uint8_t *out, size_t cap,
							      size_t *out_len, const uint8_t *data, size_t len,
							      tern_time now);
TERN_API size_t tern_conn_max_early_data(const tern_conn *conn); /* bytes that fit one record and what is left */

/* The answer to a job. error: TERN_OK, or why not; what a callback may return, it may be too, save TERN_PENDING. An
 * error without an alert of its own (see TERN_ERRORS) ends the connection as CERTIFICATE_REJECTED, CRYPTO or
 * UNKNOWN_PSK_IDENTITY; a session that is not found, or a store that fails, costs a full handshake only, and early data
 * that is not known to be fresh that data. Only the fields of the job's kind are read. TERN_ERROR_USAGE, and nothing
 * changes, for a job that is unknown, late or of another connection, and for an answer without contents. The handshake
 * goes on within the call and its errors are returned. Afterwards call tern_conn_next, even without a datagram, and
 * tern_conn_take. */
typedef struct tern_answer {
	tern_error error;
	const uint8_t *data; /* SIGN: the signature. SESSION: the session, len 0 when there is none */
	size_t len;
	const tern_psk *psk; /* PSK */
} tern_answer;
TERN_API TERN_MUST_CHECK tern_error tern_conn_resume(tern_conn *conn, uint64_t job, const tern_answer *answer,
						     tern_time now);

/* Largest UDP payload from now on, 96 to 65507; else TERN_ERROR_USAGE. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_set_mtu(tern_conn *conn, uint16_t mtu);

/* The first retransmission timeout from now on, in nanoseconds, in place of the config's and of what was learned: for a
 * caller that has measured the path by other means, such as ICE. Doublings stay; a timer that runs is set anew, counted
 * from when it was started. TERN_ERROR_USAGE: less than 1 ms or more than the longest timeout. RFC 9147 5.8.2. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_set_timeout(tern_conn *conn, uint64_t first_ns);

/* DTLS 1.3: sends a KeyUpdate (in tern_conn_take); new keys are used once the peer has acknowledged it. ask_peer: it
 * shall update its own too. Done by itself before a key's limits. USAGE in DTLS 1.2. TERN_ERROR_LIMIT, and nothing
 * changes, when the association has few message numbers left: those are kept for the limits of keys. RFC 9147 8. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_rekey(tern_conn *conn, bool ask_peer, tern_time now);

/* DTLS 1.3 server: asks the client for its certificate (in tern_conn_take), judged as in a handshake; data goes on
 * meanwhile, and there is no deadline for the answer. It ends in TERN_EVENT_AUTHENTICATED; or, when the client shows
 * none, in TERN_EVENT_AUTH_DECLINED (OPTIONAL) or in the connection's end with certificate_required (REQUIRED). USAGE,
 * and nothing changes: a client, DTLS 1.2, a client that does not offer it, a config without tern_config_set_post_auth,
 * an external PSK, a request that is not answered yet. NO_CREDENTIALS: the config has nothing to judge it by. LIMIT:
 * see tern_conn_rekey. RFC 8446 4.6.2. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_request_certificate(tern_conn *conn, tern_client_auth mode,
								  tern_time now);

/* Sends close_notify (in tern_conn_take, behind what the handshake still owes the peer); afterwards nothing more can be
 * sealed and data that arrives is dropped. A peer that is still in its handshake sees it fail with alert close_notify.
 */
TERN_API TERN_MUST_CHECK tern_error tern_conn_close(tern_conn *conn, tern_time now);

/* Ends the connection with a fatal alert of the caller's choice (in tern_conn_take); it has failed then, with
 * TERN_ERROR_REFUSED. For what only the application can judge: a peer that resumes but was struck off meanwhile, a
 * server that shuts down. Take what
 * waits in tern_conn_take first: an alert that overtakes the handshake's last flight is lost. TERN_ERROR_USAGE: alert
 * is close_notify or above 255; TERN_ERROR_NOT_CONNECTED: the connection has closed or failed. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_abort(tern_conn *conn, unsigned alert, tern_time now);

/* Keying material (RFC 5705), once connected and also after closing, but not after a failure. context NULL: none, which
 * differs from an empty one. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_export(const tern_conn *conn, uint8_t *out, size_t len, const char *label,
						     const uint8_t *context, size_t context_len);

/* What SRTP is keyed with in the profile that was agreed on (RFC 5764 4.2): each side's master key and salt, of key_len
 * and salt_len bytes. When as tern_conn_export; TERN_ERROR_USAGE when no profile was agreed on. Every handshake gives
 * others, one that resumes too. */
typedef struct tern_srtp_keys {
	size_t key_len, salt_len;
	uint8_t client_key[32], server_key[32];
	uint8_t client_salt[14], server_salt[14];
} tern_srtp_keys;
TERN_API TERN_MUST_CHECK tern_error tern_conn_srtp_keys(const tern_conn *conn, tern_srtp_keys *keys);

/* Client: the session to resume with later, at most TERN_SESSION_MAX bytes. It holds secrets. TERN_ERROR_USAGE when
 * there is none (see TERN_EVENT_TICKET); TERN_ERROR_BUFFER_TOO_SMALL, and *len says how long it is. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_session(const tern_conn *conn, uint8_t *out, size_t cap, size_t *len);

/* The peer's certificate, DER, leaf first. Kept until the first tern_conn_next after CONNECTED, or AUTHENTICATED; 0
 * when there is none. */
TERN_API size_t tern_conn_peer_chain(const tern_conn *conn, tern_bytes *chain, size_t max);

typedef enum tern_early_data {
	TERN_EARLY_DATA_NONE, /* not offered */
	TERN_EARLY_DATA_OFFERED, /* client: the server has not answered yet */
	TERN_EARLY_DATA_ACCEPTED,
	TERN_EARLY_DATA_REJECTED /* nothing of it was or will be delivered: send it again, or do not */
} tern_early_data;

/* Why early data was not offered, or was rejected. A client knows what the server's answer shows. X(name, sentence). */
#define TERN_EARLY_REASONS(X)                                                                                          \
	X(NONE, "no reason")                                                                                           \
	X(DISABLED, "early data is not turned on")                                                                     \
	X(NO_SESSION, "there is no session to resume")                                                                 \
	X(TICKET, "the session does not allow early data, or less of it")                                              \
	X(NOT_RESUMED, "the session was not resumed")                                                                  \
	X(RETRY, "the server asked for a second ClientHello")                                                          \
	X(SUITE, "another cipher suite than the session's")                                                            \
	X(ALPN, "another application protocol than the session's")                                                     \
	X(AGE, "the ClientHello is older or newer than it should be")                                                  \
	X(REPLAYED, "the ClientHello is not known to be fresh")                                                        \
	X(DECLINED, "the server did not say why")

typedef enum tern_early_reason {
#define X(name, sentence) TERN_EARLY_REASON_##name,
	TERN_EARLY_REASONS(X)
#undef X
} tern_early_reason;
TERN_API const char *tern_early_reason_sentence(tern_early_reason reason);

typedef struct tern_info {
	tern_protocol version;
	bool connected, closed, resumed, peer_authenticated, extended_master_secret;
	uint16_t suite_id, group_id, scheme_id; /* IANA numbers; 0 when none */
	const char *suite, *group, *scheme; /* IANA names; "" when none */
	const char *compression; /* of the peer's certificate: IANA name; "" when it came as it is */
	uint16_t srtp_id; /* the protection profile agreed on: IANA number, 0 when none */
	const char *srtp; /* its IANA name; "" when none */
	char alpn[64];
	bool has_peer_fingerprint;
	uint8_t peer_fingerprint[32]; /* SHA-256 of the peer's leaf certificate or raw key */
	char server_name[256]; /* as the client asked; a hello whose name is longer or holds a NUL is refused */
	uint8_t psk_identity[128]; /* in full; none when it is longer than this */
	size_t psk_identity_len;
	uint64_t rtt_ns; /* as seen in the handshake; 0 unknown */
	uint16_t mtu;
	uint64_t datagrams_sent, datagrams_received, retransmissions;
	uint64_t records_sealed, records_opened;
	uint64_t dropped[TERN_NUM_DROPS];
	tern_early_data early_data;
	tern_early_reason early_data_reason; /* NONE, REJECTED: why */
} tern_info;
TERN_API void tern_conn_info(const tern_conn *conn, tern_info *info);

typedef struct tern_failure {
	tern_error error; /* TERN_OK: nothing failed */
	bool alert_sent, alert_received;
	uint8_t alert; /* sent or received */
	const char *where; /* file:line in the library */
	const char *rfc; /* for example "RFC 5246 7.4.3"; "" when none applies */
} tern_failure;
TERN_API tern_failure tern_conn_failure(const tern_conn *conn);

/* ---- Demultiplexing
 * --------------------------------------------------------------------------------------------------- */

/* What a datagram looks like from outside, without any state: for sorting datagrams onto connections. */
typedef struct tern_glance {
	bool dtls; /* first record has a known content type and fits the datagram */
	bool client_hello; /* a plaintext record with the start of a ClientHello: perhaps a restarted client */
	bool hello_fragment; /* a plaintext record with a later fragment of one */
	uint8_t content_type;
	uint16_t version, epoch;
	uint64_t record_seq;
} tern_glance;
TERN_API tern_glance tern_peek(const uint8_t *datagram, size_t len);

#ifdef __cplusplus
}
#endif
#endif
