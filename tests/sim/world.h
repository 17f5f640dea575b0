/* world.h - two hosts, a path between them, and a clock that only the simulation moves.
 *
 * A world is opened once for a scenario: configs, pools and, where a session is to be resumed, a first handshake. Then
 * it is run many times, each time with fresh connections; a run is a function of its schedule alone. */
#ifndef TERN_TESTS_SIM_WORLD_H
#define TERN_TESTS_SIM_WORLD_H

#include "pcg.h"
#include "sim/ledger.h"
#include "sim/link.h"
#include "sim/scenario.h"

#define SIM_DATAGRAM_MAX 2048
#define SIM_EVENTS 1024
#define SIM_JOBS 32
#define SIM_STORED 8
#define SIM_CAUGHT 16
#define SIM_HELLOS 16

enum event_kind {
	EVENT_DATAGRAM,
	EVENT_SEND_DATA,
	EVENT_ANSWER,
	EVENT_FORGE,
	EVENT_CLOSE,
	EVENT_REKEY,
	EVENT_SEND_EARLY,
	EVENT_REQUEST,
	EVENT_REPEAT,
	EVENT_CHANGE_IDS,
	EVENT_MOVE,
	EVENT_STRIKE
};

struct event {
	uint64_t at_ns, order; /* events of one time happen in the order they were made */
	enum event_kind kind;
	uint8_t side; /* whom it concerns */
	uint16_t index; /* DATAGRAM: the buffer; ANSWER: the job */
	uint64_t number; /* DATAGRAM: for the ladder */
	uint8_t address; /* DATAGRAM: the client's, from which it came or to which it goes */
};

struct buffer {
	uint16_t n;
	bool used;
	uint8_t bytes[SIM_DATAGRAM_MAX];
};

/* One connection of a host. */
struct peer {
	tern_conn *conn;
	uint64_t serial; /* which of the run's connections; 0: none yet */
	bool connected, ended;
	unsigned repeats; /* of its flights, so far */
	unsigned early_left; /* client: records of early data to send */
	tern_error error; /* how it ended */
	uint64_t association;
	uint8_t exporter[32];
	uint64_t connected_ns;
	bool knows_random;
	uint8_t hello_random[RANDOM_LEN]; /* at the server: whose hello was accepted */
};

/* A question of the core that waits for its answer. */
struct question {
	bool used;
	uint8_t side;
	tern_conn *conn;
	uint64_t id, serial;
	tern_job_kind kind;
	size_t n;
	uint8_t data[TERN_SESSION_MAX];
};

struct stored {
	size_t id_len, n;
	uint8_t id[32];
	uint8_t blob[TERN_SESSION_MAX];
};

struct world;

struct host {
	struct world *world;
	enum role side;
	struct memory memory;
	struct pcg rng; /* what the library draws from */
	tern_error opening; /* what became of config and pool */
	tern_config *config;
	tern_pool *pool;
	struct private_key *signer; /* for late signatures */
	struct peer peers[2]; /* [1]: at the server, one that may replace the first */
	struct link link; /* outgoing */
	bool heard_pieces; /* of hellos: its pool keeps some */
	uint64_t received; /* bytes */
	uint64_t conns; /* of this run, so far */
	struct reported reported; /* the records of the next datagram */
	unsigned updates_left; /* key updates to begin */
	unsigned requests_left, proofs; /* the server's: requests to make, and their ends */
	unsigned ids_left; /* changes of connection IDs to begin */
	uint8_t heard_from; /* the server's: the client's address in the datagram that came last */
	uint64_t skew_ns; /* its clock, beside the world's; modulo 2^64 */
	int64_t skew_s; /* its calendar */
};

struct world {
	const struct scenario *scenario;
	struct schedule schedule;
	bool verbose;
	uint16_t mtu; /* that replaced the scenario's; 0: none */
	struct invariants inv;
	struct ledger ledger;
	struct host hosts[2];
	struct pcg rng; /* what the world itself draws from */
	uint64_t now_ns, start_ns, order, steps, datagrams, ticks, serial, answers;

	struct event heap[SIM_EVENTS];
	size_t num_events;
	struct buffer buffers[SIM_EVENTS];
	uint16_t free_buffers[SIM_EVENTS];
	size_t num_free;
	struct event held; /* a datagram that waits for the next one */
	bool holds;
	struct kept kept; /* records that are to be shuffled */

	struct question jobs[SIM_JOBS];
	uint8_t hellos[SIM_HELLOS][32]; /* ids of those with early data */
	size_t num_hellos;
	struct stored store[SIM_STORED], store_saved[SIM_STORED];
	size_t num_stored, num_stored_saved;
	uint8_t session[TERN_SESSION_MAX];
	size_t session_len;
	bool staging; /* the first handshake of a resumption */

	unsigned restarts_left, losses_left, forgeries_left, floods_left;
	bool skip_left; /* record numbers are to be moved on */
	unsigned moves_left;
	uint8_t address; /* the client's now: what goes to another is lost */
	uint8_t toward; /* to which of them the server sends the next datagram */
	uint32_t sent_by_then[2]; /* messages, when the attacks ended */
	bool closing;
	bool gave_up; /* somebody ended as it may */
	uint64_t closed_ns, ended_ns; /* ended: the first failure of a connection */
	uint64_t trail; /* a hash of what was sent, and when */
	struct buffer caught[SIM_CAUGHT]; /* datagrams seen lately: for whoever replays them */
	uint8_t caught_to[SIM_CAUGHT];
	size_t num_caught;

	/* Whoever stands between the two, or has one of them in hand; each may be NULL. */
	void *meddler;
	/* Sees every datagram that is sent, and may change it and what becomes of it. */
	void (*meddle)(void *user, unsigned to, struct buffer *b, struct fate *fate);
	void (*met)(void *user, unsigned side,
		    tern_conn *conn); /* a new connection, before it gets its first datagram */
	void (*traced)(void *user, unsigned side, const tern_trace *trace);
	void (*strike)(void *user, unsigned index); /* it is the time of an EVENT_STRIKE */
};

/* NULL when the scenario cannot be set up (the reason is printed). */
struct world *world_open(const struct scenario *scenario);
/* Whether it can be set up with this fault and, if not, fails as it should and gives all memory back. *reached: it came
 * to the fault. */
bool world_opens_or_fails(const struct scenario *scenario, const struct fault *fault, bool *reached);
void world_close(struct world *w);

/* One run; true when it did what the scenario promises and no invariant was violated. Else w->inv.what tells why. */
bool world_run(struct world *w, const struct schedule *schedule);
/* The same as far as the connections are still there to be looked at; world_end is to follow. */
bool world_play(struct world *w, const struct schedule *schedule);

/* The pieces of a run, for those who drive a host themselves. world_discard throws away what waits to happen, but for
 * the answers to jobs, which are given or kept. */
void world_begin(struct world *w, const struct schedule *schedule);
void world_end(struct world *w);
void world_discard(struct world *w, bool answer);
void world_check(struct world *w); /* the invariants that are no single event's */

/* Of several worlds, the one that runs must be the one that was opened last, or told so by this. */
void world_watch(struct world *w);

/* ---- between the parts of the simulator ---- */

/* Its first second in Unix time is that of any world. */
#define WORLD_START_NS (1000 * SIM_S)
#define WORLD_START_UNIX 1700000000

/* The path may do what makes a handshake fail. */
static inline bool world_is_wild(const struct world *w)
{
	return w->schedule.chaos == CHAOS_INPUT || w->schedule.chaos == CHAOS_WILD;
}
void world_at(struct world *w, uint64_t after_ns, enum event_kind kind, unsigned side, uint16_t index);
/* Both sides are connected, to each other. */
bool world_agrees(const struct world *w);
/* Of application data, by one side. */
uint32_t world_messages(const struct world *w);
/* Gives a datagram to the path, to be shuffled if the schedule says so; or as it is. */
void world_send(struct world *w, unsigned from, const uint8_t *p, size_t n);
void world_pass(struct world *w, unsigned from, const uint8_t *p, size_t n);
/* Puts a datagram of an attacker's on the way. */
void world_inject(struct world *w, unsigned to, const uint8_t *p, size_t n, uint64_t after_ns);

#endif
