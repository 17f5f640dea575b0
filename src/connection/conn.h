/* conn.h - one association: its record layer, its handshake while there is one, and what stays of it. */
#ifndef TERN_CONNECTION_CONN_H
#define TERN_CONNECTION_CONN_H

#include "connection/agreed.h"
#include "flight/ack.h"
#include "flight/last.h"
#include "flight/post.h"

#define TIMEOUT_MIN_NS UINT64_C(1000000)
#define CONN_FINGERPRINTS 8
#define MTU_MAX 65507 /* the largest UDP payload of IPv4 */

enum conn_state { CONN_HANDSHAKE, CONN_OPEN, CONN_CLOSED, CONN_FAILED };

/* Events that wait to be told, in the order they are told. */
enum queued {
	QUEUED_PENDING = 1,
	QUEUED_CONNECTED = 2,
	QUEUED_TICKET = 4,
	QUEUED_AUTHENTICATED = 8,
	QUEUED_AUTH_DECLINED = 16,
	QUEUED_KEY_NEAR = 32,
	QUEUED_MESSAGES_NEAR = 64,
	QUEUED_CLOSED = 128
};

/* Records of the next epoch that came before its keys: kept, within bounds, while a handshake runs. Each stands behind
 * two bytes of length, for it may be without a length of its own. */
#define STASH_MAX 4096
struct stash {
	size_t n, at; /* bytes used; where reading stands */
	bool ready; /* the keys are there now */
	uint8_t bytes[STASH_MAX];
};

/* DTLS 1.3: what is to be said about connection IDs. */
struct cid_dues {
	uint8_t wanted; /* new ones of ours to be told */
	bool immediate; /* that replace all before */
	bool asked; /* the peer awaits an answer */
	uint8_t asked_for; /* it wants so many */
	uint8_t refused; /* answers in a row that gave none */
	uint8_t request; /* as many are to be asked for; 0: none */
	bool requested; /* the peer has not answered yet */
};

/* DTLS 1.3: messages after the handshake. */
struct after {
	struct acks acks;
	struct inbox *inbox; /* NULL: no pieces of messages are kept */
	struct post *posts; /* ours that are not acknowledged */
	struct auth *auth; /* authentication after the handshake; NULL: not agreed on */
	uint64_t forget_ns; /* when the keys of the handshake go; TERN_NEVER: they are gone */
	uint32_t receive_seq, send_seq; /* message_seq of the peer's next and our next; 2^16: all are used up */
	bool update_wanted; /* a KeyUpdate of ours is due */
	bool update_asks; /* it asks for the peer's */
	bool update_acked; /* the peer has it; messages before it may be open still */
	bool told_messages; /* that their numbers near their end */
	struct cid_dues cids;
};

struct kept; /* carrier.c */

struct tern_conn {
	tern_pool *pool;
	void *user;
	struct handshake *hs; /* NULL some time after completion */
	struct last_flight *last;
	struct after *after; /* NULL in DTLS 1.2 */
	uint32_t *dropped; /* by reason; NULL: nothing was */
	struct stash *stash;
	struct kept *spare; /* room for one more */
	struct kept *kept; /* datagrams of the last transmission, while carried */
	struct paths *paths; /* NULL: nothing to tell apart */
	uint8_t *session; /* client: encoded, to be exported */
	uint16_t session_len;

	enum role role : 8;
	enum conn_state state : 8;
	uint8_t queued;
	bool loaned, authenticated;
	bool carried; /* the caller repeats our flights of the handshake */
	bool peer_closed;
	bool alert_waits, alert_no_renegotiation;
	uint8_t alert_level, alert_description;
	uint16_t write_epoch, mtu;
	uint16_t near_jitter; /* how much before seven eighths of a limit keys change, new with each */
	uint16_t near_out, near_in; /* the newest epochs whose keys were seen to near their limit; 0: none */

	struct record_layer records;
	struct agreed agreed;
	struct datagram datagram;
	tern_failure failure;

	uint64_t first_ns; /* first timeout that the caller has set; 0: the config's */
	uint64_t rtt_ns;
	uint64_t datagrams_received, opened, sealed;
	uint32_t taken; /* datagrams: those sent without data */
	uint32_t retransmissions;
};

/* Ends the connection by its first failure: notes it, queues the alert. Returns error. */
tern_error conn_fail(tern_conn *conn, tern_error error, const char *where, const char *rfc);
#define CONN_FAIL(conn, error, rfc) conn_fail(conn, TERN_##error, WHERE, rfc)

/* Sees whether a key or a record number nears its end: DTLS 1.3 changes keys, 1.2 queues LIMIT_NEAR. Once per epoch. */
void conn_note_limits(tern_conn *conn);

/* Counts and traces a drop; it is not counted when there is no memory to begin with it. */
void conn_drop(tern_conn *conn, tern_drop reason, uint8_t content_type, uint16_t epoch, uint64_t seq, size_t len);

/* receive.c: one record that was opened. DATA is put into event; other events are queued. */
tern_error conn_receive(tern_conn *conn, struct record *record, tern_event *event, tern_time now);

/* The same after closing: the peer's close_notify, or that it has not seen our last flight. */
void conn_receive_closed(tern_conn *conn, const struct record *record, tern_time now);

/* Walks the handshake on and takes care of what follows: queued jobs, completion. */
tern_error conn_advance(tern_conn *conn, tern_time now);

/* after.c: what DTLS 1.3 does with handshake records besides the handshake itself. */
tern_error after_new(tern_conn *conn);
void after_free(tern_conn *conn);
/* The handshake is complete: a server offers tickets. */
tern_error after_complete(tern_conn *conn, tern_time now);
/* One fragment of a message after the handshake. *kept: its record may be acknowledged. */
tern_error after_receive(tern_conn *conn, const struct record *record, const struct fragment *f, bool *kept,
			 tern_time now);
tern_error after_receive_ack(tern_conn *conn, const struct record *record, tern_time now);
/* The next datagram of a post-handshake message or an ACK. */
tern_error after_take(tern_conn *conn, uint8_t *out, size_t cap, size_t *len, tern_time now);
void after_set_mtu(tern_conn *conn, uint16_t mtu);
void after_set_timeout(tern_conn *conn, uint64_t first_ns);
uint64_t after_deadline(const tern_conn *conn);
tern_error after_tick(tern_conn *conn, tern_time now);
/* A handshake record after closing. */
void after_receive_closed(tern_conn *conn, const struct record *record, tern_time now);
/* A KeyUpdate of ours, as soon as none is on its way. LIMIT, and nothing changes: epochs or message_seq are used up;
 * or, unless a key's limit demands it (must), nearly so. */
tern_error after_rekey(tern_conn *conn, bool asks, bool must);
/* Messages of ours as one flight: their numbers and epoch are given here. Not while a KeyUpdate is under way. LIMIT
 * when not all of them can be numbered. */
tern_error after_post(tern_conn *conn, struct outgoing *messages, size_t num);
/* A KeyUpdate of ours ends what may be said in its epoch: until it is acknowledged nothing may be posted. */
bool after_may_post(const tern_conn *conn);
/* Whether numbers may be spent on what need not be. */
bool after_is_rich(const tern_conn *conn);
/* Messages of this type are answered: they need no acknowledgement any more. */
void after_answered(tern_conn *conn, uint8_t type);

/* rrc.c: paths and the return routability check. Where paths is NULL most of it does nothing. */
tern_error rrc_complete(tern_conn *conn); /* the handshake is */
tern_error rrc_paths(tern_conn *conn, const tern_path *path); /* conn->paths, if there are none */
/* A record was opened under keys; paths is not NULL. */
void rrc_arrived(tern_conn *conn, const struct record *record, tern_time now);
/* A message of the check: NONE, or why it is dropped. */
tern_drop rrc_receive(tern_conn *conn, const struct record *record, tern_time now);
/* The next datagram of the check or a probe, and whereto; path NULL: only along the current path. */
tern_error rrc_take(tern_conn *conn, uint8_t *out, size_t cap, size_t *len, tern_path *path, tern_time now);
void rrc_used(tern_conn *conn, size_t n); /* by a datagram of data of n bytes */
uint64_t rrc_deadline(const tern_conn *conn);
void rrc_tick(tern_conn *conn, tern_time now);
bool rrc_event(tern_conn *conn, tern_event *event); /* where there are paths */

void conn_set_mtu(tern_conn *conn, uint16_t mtu);
/* What must fit with any connection ID that we may send with. */
uint16_t conn_mtu_min(const tern_conn *conn);

/* The newest epoch we write in that the peer can read by now. */
uint16_t conn_told_epoch(const tern_conn *conn);

/* carrier.c: room for one datagram, before it is sealed: what is sealed must go out. NO_MEMORY. */
tern_error carrier_reserve(tern_conn *conn);
/* A datagram of our handshake that was taken; fresh: the first of a transmission. */
void carrier_keep(tern_conn *conn, const uint8_t *datagram, size_t len, bool fresh);
/* Nothing is to be sent: the room is not needed. */
void carrier_release(tern_conn *conn);
/* They answer nothing any more. */
void carrier_drop(tern_conn *conn);
/* The peer has all of our handshake. */
void carrier_end(tern_conn *conn);

/* Whether a client of DTLS 1.3 repeats its last flight still, because nothing acknowledges it. */
bool conn_repeats_last_flight(const tern_conn *conn);
/* Whether the next move is ours, so that repeating our flight would only say that the peer's was lost. */
bool conn_awaits_answer(const tern_conn *conn);

/* Queues an alert; replaces one that waits unless that is fatal. */
void conn_alert(tern_conn *conn, uint8_t level, uint8_t description);

#endif
