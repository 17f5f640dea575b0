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

#include "tern/config.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TERN_VERSION_TEXT "0.1.0"

/* The version of the library that is loaded, for example "0.1.0". */
TERN_API const char *tern_version(void);

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
	X(ALERT, "alert that may not be believed")                                                                     \
	X(NO_CID, "no connection ID where one was agreed on")                                                          \
	X(OTHER_CID, "connection ID of another connection")                                                            \
	X(PATH, "answer of a return routability check that nothing asked for")

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
	TERN_EVENT_AUTH_DECLINED, /* server: asked so, and it was optional, it showed no certificate */
	TERN_EVENT_PATH /* path_event, path: what became of a path */
} tern_event_kind;

/* See tern_config_set_rrc. What is sealed between PROBING and CHANGED goes where the peer was and may be lost: who can
 * wait with it should. */
typedef enum tern_path_event {
	TERN_PATH_PROBING, /* the peer's newest record came on this path, which is being checked */
	TERN_PATH_CHANGED, /* it was: this is the path from now on, for all that is sealed and taken */
	TERN_PATH_FAILED, /* it was not: the connection stays where it is */
	TERN_PATH_ALIVE, /* tern_conn_probe: the peer answered on the path in use */
	TERN_PATH_SILENT, /* tern_conn_probe: it did not */
	TERN_PATH_SEEN /* the peer's newest record came on this path, and nothing was agreed on to check it: whoever can
			* tell in another way that the peer is there calls tern_conn_set_path */
} tern_path_event;

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
	TERN_JOB_EARLY_DATA,
	TERN_JOB_FINGERPRINT /* of the peer's certificate: answered by tern_conn_set_fingerprints */
} tern_job_kind;

typedef struct tern_event {
	tern_event_kind kind;
	uint8_t *data; /* DATA, EARLY_DATA: valid until the next call on this connection */
	size_t len;
	uint64_t job; /* PENDING */
	tern_job_kind job_kind;
	tern_limit limit; /* LIMIT_NEAR */
	tern_path_event path_event; /* PATH */
	const tern_path *path; /* PATH: valid until the next call on this connection */
} tern_event;

/* Lends one received datagram until tern_conn_next says TERN_EVENT_NONE; it is decrypted in place. Feeding again before
 * that is TERN_ERROR_USAGE. path is where it came from, and the address that it came to; NULL, or a remote address of
 * length 0: not told, taken for the path in use. On a connection that has failed tern_conn_next returns its error, each
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

/* As tern_conn_take, and says where the datagram goes: *path, with addresses of length 0 where none was ever told. What
 * tern_conn_seal gives goes where tern_conn_path says. tern_conn_take is for callers with one path: it drops what would
 * go to another. Path MTU discovery probes up to cap only. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_take_path(tern_conn *conn, uint8_t *datagram, size_t cap, size_t *len,
							tern_path *path, tern_time now);

/* The path in use: as tern_client or tern_accept were told and, after the handshake, where connection IDs were agreed
 * on or tern_conn_set_path was called, still. False: none is known. */
TERN_API bool tern_conn_path(const tern_conn *conn, tern_path *path);

/* Moves the connection to another path without asking the peer: the caller vouches for it (ICE does), or moves its own
 * end. Path MTU discovery begins anew. TERN_ERROR_USAGE: no remote address; NOT_CONNECTED: closed or failed; NO_MEMORY:
 * nothing has changed. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_set_path(tern_conn *conn, const tern_path *path, tern_time now);

/* Asks the peer for a sign of life on the path in use (in tern_conn_take), which also keeps NATs from forgetting it.
 * TERN_PATH_ALIVE or SILENT follows within T (see tern_config_set_rrc), unless the path changes first. One at a time:
 * while one is under way nothing changes. USAGE: no return routability check was agreed on; NOT_CONNECTED, NO_MEMORY:
 * nothing has changed. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_probe(tern_conn *conn, tern_time now);

/* When tern_conn_tick wants to be called, mono_ns; TERN_NEVER when it does not. */
TERN_API uint64_t tern_conn_deadline(const tern_conn *conn);
TERN_API TERN_MUST_CHECK tern_error tern_conn_tick(tern_conn *conn, tern_time now);

/* Seals len bytes (at most tern_conn_max_data) of application data as one record into out; *out_len is the datagram to
 * send. data and out must not overlap, unless data starts exactly where it goes: in DTLS 1.3 at out + 3, in 1.2 at out
 * + 13 for a ChaCha20 suite, at out + 21 for all others. Where we send with a connection ID, that is its length (see
 * tern_info) more. Take what waits in tern_conn_take first: data that overtakes the handshake's last flight is lost. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_seal(tern_conn *conn, uint8_t *out, size_t cap, size_t *out_len,
						   const uint8_t *data, size_t len, tern_time now);
TERN_API size_t tern_conn_max_data(const tern_conn *conn); /* bytes that fit one record now; 0 before CONNECTED */
TERN_API size_t tern_conn_overhead(const tern_conn *conn); /* bytes a record adds to its data */

/* Several records of application data at once, each a datagram of its own, side by side in out as UDP segmentation
 * offload (UDP_SEGMENT) takes them: datagram i begins at out + i * segment, all are segment bytes long but the last,
 * which may be shorter. Cheaper than as many tern_conn_seal, and otherwise the same. Takes from data, in order, as many
 * as are as long as the first, and one shorter behind them; fewer where out is full or the key must change, never none
 * without an error (which concerns the first). No data may overlap out. */
typedef struct tern_batch {
	size_t num; /* taken from data */
	size_t segment; /* bytes of each datagram */
	size_t total; /* bytes of all */
} tern_batch;
TERN_API TERN_MUST_CHECK tern_error tern_conn_seal_many(tern_conn *conn, uint8_t *out, size_t cap, tern_batch *batch,
							const tern_bytes *data, size_t num, tern_time now);

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

/* The peer's certificate must have one of these fingerprints: comma-separated, as signalling has them, for example
 * "sha-256 4A:AD:...", up to 8; those of the strongest hash function named count, no others (RFC 8122 5.1). For
 * connections of a config with tern_config_set_conn_fingerprints, at any time before the certificate is judged: when it
 * comes first, the handshake waits (TERN_EVENT_PENDING, TERN_JOB_FINGERPRINT) and goes on within this call, as in
 * tern_conn_resume. TERN_ERROR_BAD_FINGERPRINT, TERN_ERROR_USAGE: nothing has changed. A signalling that will never
 * come is told by tern_conn_resume with an error. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_set_fingerprints(tern_conn *conn, const char *list, tern_time now);

/* Largest UDP payload from now on, 96 and the longest connection ID of the peer's to 65507; else TERN_ERROR_USAGE. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_set_mtu(tern_conn *conn, uint16_t mtu);

/* The first retransmission timeout from now on, in nanoseconds, in place of the config's and of what was learned: for a
 * caller that has measured the path by other means, such as ICE. Doublings stay; a timer that runs is set anew, counted
 * from when it was started. TERN_ERROR_USAGE: less than 1 ms or more than the longest timeout. RFC 9147 5.8.2. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_set_timeout(tern_conn *conn, uint64_t first_ns);

/* ---- Flights for carriers: where DTLS travels inside something that repeats itself, such as the checks of ICE
 * --------
 */

/* Who repeats our flights of the handshake when the peer does not answer. TERN_TIMERS_EXTERNAL: the caller does, with
 * the datagrams of tern_conn_flight, byte for byte, as a network might do it too; no timer is set for them. All else
 * goes on: acknowledgements, messages after the handshake, its deadline as a whole. A flight that waits now is offered
 * to tern_conn_take once more, so that there is something to repeat. TERN_TIMERS_OWN, the default: they are forgotten,
 * and a flight that waits has its timer from now on. Either at any time. */
typedef enum tern_timing { TERN_TIMERS_OWN, TERN_TIMERS_EXTERNAL } tern_timing;
TERN_API TERN_MUST_CHECK tern_error tern_conn_set_timers(tern_conn *conn, tern_timing timing, tern_time now);

/* Lends the sealed datagrams of our current transmission, as tern_conn_take gave them, at most max; 0 when it is
 * answered, when there is none, and with timers of our own. Without an answer of their own stay the last flight of DTLS
 * 1.2, and in 1.3 a server's acknowledgement of the client's: they are lent until data of the peer shows that it has
 * them. Valid until the next call on this connection.
 *
 * Under keys a repetition is a replay to a peer that has the first: it is dropped and brings no answer. When an answer
 * stays out, for it was lost itself, call tern_conn_retransmit. */
TERN_API size_t tern_conn_flight(const tern_conn *conn, tern_bytes *datagrams, size_t max);

/* Whoever's timers: the same fragments once more in tern_conn_take, sealed under fresh record numbers; what is
 * acknowledged is left out. Nothing happens when no flight of the handshake waits. It is not one of max_tries. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_retransmit(tern_conn *conn, tern_time now);

/* DTLS 1.3: sends a KeyUpdate (in tern_conn_take); new keys are used once the peer has acknowledged it. ask_peer: it
 * shall update its own too. Done by itself before a key's limits. USAGE in DTLS 1.2. TERN_ERROR_LIMIT, and nothing
 * changes, when the association has few message numbers left: those are kept for the limits of keys. RFC 9147 8. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_rekey(tern_conn *conn, bool ask_peer, tern_time now);

/* DTLS 1.3: gives the peer a new connection ID, from the codec or random (in tern_conn_take, once earlier ones have
 * arrived): a spare one, for when it moves; or immediate: one that it uses from then on in place of all it has, which
 * the codec is told to retire when it does. At most 7 are out, 8 with an immediate one. USAGE: DTLS 1.2, or we receive
 * none. LIMIT: no more are allowed now, or as tern_conn_rekey. The peer's requests are answered alike by themselves, of
 * what it has left behind the oldest are retired to make room. RFC 9147 9. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_new_cid(tern_conn *conn, bool immediate);

/* DTLS 1.3: asks the peer for n spare connection IDs, 1 to 7; it may send fewer. tern_info counts those that came. Ask
 * in time: USAGE while an earlier request is not answered, in DTLS 1.2, and where we send with none. LIMIT: as
 * tern_conn_rekey. RFC 9147 9. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_request_cids(tern_conn *conn, unsigned n);

/* DTLS 1.3: sends with the oldest spare connection ID from now on, and never again with the one before: for a new local
 * address, so that nobody on the path sees that it is the same connection (RFC 9147 9, 11). USAGE: there is none. */
TERN_API TERN_MUST_CHECK tern_error tern_conn_next_cid(tern_conn *conn);

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
	bool rrc; /* the return routability check was agreed on: see tern_config_set_rrc, tern_conn_probe */
	uint8_t own_cid_len, peer_cid_len; /* connection IDs in use: with which the peer sends, and we; 0: none */
	uint8_t own_cid[255], peer_cid[255];
	uint8_t spare_cids; /* DTLS 1.3: further ones of the peer's: see tern_conn_next_cid */
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

/* The connection ID in the first record of a datagram, of either version, as config's codec delimits them (see
 * tern_config_set_cid): a span into datagram. False: it has none, or none of ours; then the address tells. Nothing is
 * proved by it: tern_conn_authenticated says whether the connection could read the datagram. config: in use already. */
TERN_API bool tern_find_cid(const tern_config *config, const uint8_t *datagram, size_t len, tern_bytes *cid);

/* What shares a UDP port with DTLS, told by the first byte (RFC 7983, RFC 9443), SRTCP from SRTP by the second (RFC
 * 5761 4). Bytes 64 to 79 are a TURN channel's when they come from the TURN server, else QUIC's: the caller knows. */
typedef enum tern_packet {
	TERN_PACKET_UNKNOWN, /* nothing of these; or empty */
	TERN_PACKET_STUN,
	TERN_PACKET_ZRTP,
	TERN_PACKET_DTLS,
	TERN_PACKET_TURN_CHANNEL, /* or QUIC */
	TERN_PACKET_QUIC,
	TERN_PACKET_SRTP,
	TERN_PACKET_SRTCP
} tern_packet;
TERN_API tern_packet tern_packet_of(const uint8_t *datagram, size_t len);

#ifdef __cplusplus
}
#endif
#endif
