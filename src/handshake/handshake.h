/* handshake.h - one handshake under way: what it has negotiated so far, and the driver that walks the script.
 *
 * Lives in one allocation with the first block of its arena behind it, from the first datagram to completion. Handlers
 * see messages, never datagrams; the records they cause go out through the flight. */
#ifndef TERN_HANDSHAKE_HANDSHAKE_H
#define TERN_HANDSHAKE_HANDSHAKE_H

#include "crypto/prf.h"
#include "flight/flight.h"
#include "flight/inbox.h"
#include "handshake/pool.h"
#include "handshake/schedule13.h"
#include "handshake/session.h"
#include "handshake/transcript.h"
#include "wire/certificate.h"
#include "wire/extensions.h"
#include "wire/hello.h"

#define PREMASTER_MAX (2 + 64 + 2 + 64) /* RFC 4279 2, RFC 5489 2: a secret or zeros, then the PSK */
#define OFFERED_SHARES 2
#define CLEAR_RECORDS 4
#define HANDSHAKE_ARENA_FIRST 3072 /* enough for a server's handshake with one P-256 certificate */

enum role { CLIENT, SERVER };

/* A question whose answer may come later. A handler asks before it changes anything, so that it can run again. */
enum job_state { JOB_NONE, JOB_ASKED, JOB_ANSWERED };
struct job {
	enum job_state state;
	tern_job_kind kind;
	bool announced; /* the application was told by an event */
	uint64_t id;
	uint64_t since_ns;
	tern_error error; /* the answer */
	struct span data; /* in the arena */
	tern_psk psk;
};

/* What remains of a handshake in its connection. */
struct outcome {
	const struct version *version;
	const struct suite *suite;
	const struct group_alg *group;
	const struct compression_alg *compression; /* of the peer's certificate; NULL: it came plain, or none did */
	const struct scheme_alg *scheme; /* of the peer's signature, or ours where the peer signed nothing */
	const struct srtp_profile *srtp; /* NULL: none agreed on */
	union {
		struct { /* DTLS 1.2 */
			uint8_t master[MASTER_LEN];
			uint8_t client_random[RANDOM_LEN], server_random[RANDOM_LEN]; /* for exporters */
		};
		struct { /* DTLS 1.3 */
			uint8_t traffic_secret[2][SECRET13_MAX]; /* client's, server's, of the newest epochs */
			uint8_t exporter_secret[SECRET13_MAX], resumption_secret[SECRET13_MAX];
		};
	};
	bool extended_master_secret, resumed, peer_authenticated, has_peer_fingerprint;
	uint8_t peer_fingerprint[32];
	tern_early_data early; /* DTLS 1.3 */
	tern_early_reason early_reason;
	uint16_t plaintext_max_out; /* longest plaintext the peer takes */
	struct span alpn, server_name, psk_identity; /* in the arena */
};

struct step;
struct version;

struct handshake {
	enum role role;
	tern_pool *pool;
	tern_conn *conn; /* for callbacks only: opaque here */
	struct record_layer *records; /* the connection's */
	tern_failure *failure; /* the connection's */
	tern_time now; /* of the call under way */
	uint64_t give_up_ns; /* the handshake's deadline */
	uint64_t pending_ns; /* time spent waiting for answers since our flight was sent */

	const struct version *version; /* decided by the hellos; NULL before */
	const struct step *script;
	size_t num_steps, at;
	bool complete;

	struct arena arena;
	struct inbox inbox;
	struct flight flight;
	struct transcript transcript;
	struct job job;
	uint32_t send_seq; /* message_seq of our next message; 2^16: all are used up */
	uint16_t write_epoch;
	uint32_t answered_seq; /* the peer's message_seq after those that our flight answers */
	bool peer_ccs; /* its ChangeCipherSpec came */

	struct outcome outcome;

	/* hellos */
	uint8_t client_random[RANDOM_LEN], server_random[RANDOM_LEN];
	uint8_t session_id[SESSION_ID_MAX];
	uint8_t session_id_len; /* client: what we offered; server: what we answer */
	struct span cookie; /* client: to be echoed */
	unsigned verify_requests; /* client: HelloVerifyRequests so far */
	struct session *session; /* client: offered; server: being resumed */
	bool resumed;
	bool ticket_promised; /* a NewSessionTicket will come */
	struct span new_ticket; /* client: received */
	uint32_t new_ticket_lifetime;
	struct span peer_schemes; /* what the peer can verify: u16 list in the arena */
	struct extensions offered; /* client: what was in our hello; server: what we answer */

	/* DTLS 1.3 */
	uint64_t clear_seq[CLEAR_RECORDS]; /* records of epoch 0 that brought parts of a ServerHello: to be acknowledged
					    * once it is known that they can be */
	uint8_t num_clear;
	tern_path path; /* the peer's, for the cookie */
	struct span hello; /* the body of the ClientHello being taken */
	union {
		struct schedule13 schedule;
		struct hmac_key master_key; /* DTLS 1.2: of the master secret, from schedule12_keys on */
	};
	uint8_t handshake_secret[2][SECRET13_MAX];
	bool retry_wanted, retried; /* HelloRetryRequest */
	uint16_t retry_group; /* it asks for this group; 0: cookie only */
	uint16_t retry_suite;
	const struct group_alg *share_groups[OFFERED_SHARES]; /* client: groups of the shares in our hello */
	struct group_private shares[OFFERED_SHARES];
	struct offered_psk *psks; /* client: in the arena */
	size_t num_psks;
	bool psk; /* a PSK is used */
	uint16_t psk_index;
	bool psk_without_dhe; /* psk_ke */
	bool peer_takes_tickets; /* server: it named PSK modes */
	bool early_wanted; /* client: the application wants to send early data */
	uint32_t early_left; /* bytes of early data that may still be sent, or come */
	bool post_auth; /* the client offers to authenticate itself later: RFC 8446 4.2.6 */
	struct span request_context; /* of the CertificateRequest; empty in the main handshake */

	/* authentication */
	const struct credential *credential; /* ours, once chosen */
	const struct scheme_alg *sign_scheme;
	bool raw_own, raw_peer; /* raw public keys, RFC 7250 */
	bool asks_client_cert; /* a CertificateRequest goes or came */
	bool requires_client_cert; /* server: an empty one will not do */
	bool client_cert_sent; /* it was not empty: CertificateVerify must come */
	uint8_t peer_decompresses; /* bits: which of the config's compression algorithms */
	bool compressed[2]; /* by role of who sent it: the certificate came or went compressed */
	struct peer_chain *peer; /* the peer's key */
	struct span peer_chain[WIRE_CHAIN_MAX]; /* DER, in the arena */
	size_t num_peer_chain;
	struct fingerprint *fingerprints; /* the peer's, from signalling: in the arena; NULL: not known yet */
	size_t num_fingerprints;

	/* key exchange */
	struct group_private share;
	bool has_share;
	uint8_t share_public[GROUP_SHARE_MAX];
	struct span peer_share; /* client: the server's, in the arena */
	struct span psk_hint; /* client: in the arena */
	uint8_t premaster[PREMASTER_MAX]; /* from ClientKeyExchange until the master secret is made of it */
	size_t premaster_len;
};

/* A handshake for a connection; its first block of memory comes with it. */
tern_error handshake_new(struct handshake **hs, enum role role, tern_pool *pool, tern_conn *conn,
			 struct record_layer *records, tern_failure *failure, const tern_limits *limits,
			 uint16_t first_message_seq, const tern_path *path, tern_time now);
void handshake_free(struct handshake *hs);

/* Walks the script as far as messages and answers allow. OK also when it only waits; hs->complete says it is done. */
tern_error handshake_run(struct handshake *hs, tern_time now);

/* The epoch of the messages it has come to. */
uint16_t handshake_epoch(const struct handshake *hs);

/* The answer to the job under way. USAGE when id is another, or when it is no answer. */
tern_error handshake_answer(struct handshake *hs, uint64_t id, const tern_answer *answer);

/* ---- for handlers ---- */

/* Notes the first failure and returns its error. */
#define FAIL(hs, error, rfc) failure_note((hs)->failure, TERN_##error, WHERE, rfc)
/* The same for an error that came from below. */
#define FAILED(hs, error, rfc) failure_note((hs)->failure, error, WHERE, rfc)

/* Whether an answer of this kind is in; its error is in hs->job.error. */
bool job_answered(const struct handshake *hs, tern_job_kind kind);
/* An id to pass to a callback, and what to do with what it returned: PENDING makes the job wait. */
uint64_t job_next_id(struct handshake *hs);
/* What the application said: an error that has no alert is none to end a connection with; it becomes otherwise. */
tern_error job_verdict(tern_error said, tern_error otherwise);
tern_error job_asked(struct handshake *hs, tern_job_kind kind, uint64_t id, tern_error result);

/* What a resumed session says of the peer; s stays as long as the handshake. */
void resume_identity(struct handshake *hs, const struct session *s);

/* The session this handshake made, for a ticket, a store or the client's export. */
void session_from_handshake(const struct handshake *hs, struct session *out);
/* What both versions have of it: no secret and no id yet. */
void session_from_outcome(const tern_pool *pool, const struct outcome *o, int64_t unix_s, struct session *out);
/* The lifetime to tell a client; 0 when it is over. */
uint32_t session_seconds_left(const struct session *s, int64_t unix_s);

#endif
