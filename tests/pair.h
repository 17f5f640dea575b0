/* pair.h - a client and a server in one process, with a wire between them that a test works by hand: datagrams can be
 * watched, dropped, held, changed and forged, and time passes when the test says so. Include after cmocka.h. */
#ifndef TESTS_PAIR_H
#define TESTS_PAIR_H

#include "certs.h"
#include "connection/conn.h"
#include "wire/record.h"

#define PAIR_DATAGRAM 2048
#define PAIR_QUEUE 64
#define PAIR_EVENTS 64

#define NUM(a) (sizeof(a) / sizeof(a)[0])

struct datagram_on_wire {
	enum role to;
	size_t n;
	uint8_t bytes[PAIR_DATAGRAM];
};

struct pair;
/* What happens to a datagram on its way: false loses it. It may be changed in place. */
typedef bool pair_tap(struct pair *p, struct datagram_on_wire *d);

struct side {
	tern_config *config;
	tern_pool *pool;
	tern_conn *conn; /* NULL: not yet */
	tern_error error; /* what a call returned first */
	tern_event_kind events[PAIR_EVENTS];
	size_t num_events;
	uint64_t job; /* of the last PENDING event */
	tern_job_kind job_kind;
	uint8_t data[PAIR_DATAGRAM]; /* of the last DATA event */
	size_t data_len;
	uint8_t early[PAIR_DATAGRAM]; /* of all EARLY_DATA events */
	size_t early_len;
};

struct pair {
	struct side side[2]; /* by role */
	tern_time now;
	tern_path path; /* of the client, as the server sees it */
	struct datagram_on_wire queue[PAIR_QUEUE];
	size_t num_queued;
	pair_tap *tap;
	void *user;
	unsigned carried; /* datagrams that arrived */
	unsigned replies; /* HelloVerifyRequests */
};

/* Makes pools of the two configs and takes the configs over. */
void pair_init(struct pair *p, tern_config *client, tern_config *server);
void pair_free(struct pair *p);
/* Frees the connections, and both sides' records of them; pools stay. */
void pair_hang_up(struct pair *p);

/* A new client connection; name and session may be NULL. */
void pair_dial(struct pair *p, const char *name, struct span session);
/* The same, offering early data. */
void pair_dial_early(struct pair *p, const char *name, struct span session);
/* Early data onto the wire, behind what waits to be sent; false, and nothing is sent, when it may not be. */
bool pair_send_early(struct pair *p, const void *data, size_t n);
/* A new server connection that tern_listen was not asked about. */
void pair_accept(struct pair *p);

/* Everything that wants to be sent goes onto the wire. */
void pair_collect(struct pair *p, enum role from);
/* Carries the oldest datagram, if any; false when the wire is empty. */
bool pair_carry(struct pair *p);
/* Carries until nothing is under way; no time passes. */
void pair_settle(struct pair *p);
/* Time passes until the next deadline of either side, whose tick is called. False when there is none within limit. */
bool pair_wait(struct pair *p, uint64_t limit_ns);
/* Settles and waits until both sides are connected or have failed, or limit_ns have passed. */
void pair_run(struct pair *p, uint64_t limit_ns);
/* Hands bytes to one side as a datagram. */
void pair_feed(struct pair *p, enum role to, const void *bytes, size_t n);
/* The caller's next until NONE or an error. */
void pair_events(struct pair *p, enum role who);
void pair_forge(struct pair *p, enum role to, uint8_t content_type, uint16_t epoch, uint64_t seq, const void *body,
		size_t n);
/* A record of the other side under its newest keys; or under those of an epoch, 0: in plaintext. */
void pair_seal(struct pair *p, enum role to, uint8_t content_type, const void *body, size_t n);
void pair_seal_in(struct pair *p, enum role to, uint16_t epoch, uint8_t content_type, const void *body, size_t n);
/* A handshake message of the other side in such a record. */
void pair_say(struct pair *p, enum role to, uint16_t epoch, uint8_t type, uint16_t message_seq, const void *body,
	      size_t n);

bool pair_saw(const struct pair *p, enum role who, tern_event_kind kind);
bool pair_connected(const struct pair *p);
/* A record each way. */
void pair_check_data(struct pair *p, const char *name);
tern_info pair_info(const struct pair *p, enum role who);

/* A config; what fails fails the test. */
tern_config *new_config(const tern_allocator *heap); /* DTLS 1.2 only */
tern_config *new_config13(const tern_allocator *heap); /* DTLS 1.3 only */
void add_cert(tern_config *config, const struct cert *c);
void add_raw_key(tern_config *config, const struct cert *c);
void add_trust(tern_config *config, const struct cert *c);

#define OK(expr) check_ok(#expr, expr)
void check_ok(const char *what, tern_error error);
void check_is(const char *name, tern_error got, tern_error want);

#endif
