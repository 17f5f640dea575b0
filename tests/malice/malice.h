/* malice.h - what an attacker on the path, or a peer that breaks the rules, can do to one handshake, and what must come
 * of it.
 *
 * A case is a scenario of the simulator, one misdeed, and what must come of it: computed from rules over the course
 * that the scenario takes when nobody interferes (rules.c), never from what the library did. All invariants of the
 * simulator hold at every step besides: nothing is delivered that was not sent, no nonce serves twice, windows move
 * only for what authenticates, memory is bounded and comes back. */
#ifndef TERN_TESTS_MALICE_H
#define TERN_TESTS_MALICE_H

#include "handshake/step.h"
#include "sim/host.h"

#define UNITS_MAX 96
#define PLAN_MAX 24
#define TWISTS_MAX 4
#define EPOCH_NEWEST 0xfffe /* for a sealed record: whichever the sender uses now */

/* One record on its way. Handshake messages of the chosen scenarios fit one record each. */
struct unit {
	uint8_t to, content, type;
	uint16_t epoch, message_seq;
	bool plain;
};

/* A message that a side expects, in order. */
struct due {
	uint8_t type;
	uint16_t epoch;
	bool optional;
};

/* A message that a side puts. */
struct put {
	uint8_t type; /* for ChangeCipherSpec 20, as Finished has: see ccs */
	bool ccs;
	uint16_t epoch, flight; /* flight: how many messages had come before it */
	size_t len;
	const struct step *row;
};

/* A scenario, undisturbed. */
struct course {
	const struct scenario *scenario;
	struct world *world;
	struct unit units[UNITS_MAX];
	size_t num_units; /* until the first records of data have come */
	size_t accepted; /* units that were sent when the server had a connection */
	struct due due[2][PLAN_MAX]; /* by who expects it */
	size_t num_due[2];
	struct put puts[2][PLAN_MAX]; /* behind the hellos of clients; servers: from ServerHello on */
	size_t num_puts[2];
};

enum come {
	COMPLETES, /* connected to each other, with data both ways */
	FATAL, /* the victim ends with this error, and has not been connected */
	FATAL_LATE, /* the same, but it may have been connected before */
	STALLS, /* the victim never connects, and finds no fault either, unless the culprit complains */
	CLEAN /* either they are connected to each other, or whoever ended has a reason of the peer's making */
};
struct outcome_due {
	enum come come;
	tern_error error; /* FATAL: this one; TERN_OK: any that is the peer's fault */
	bool void_case; /* the misdeed is impossible here, or no misdeed */
};

/* What a peer does to one of its own messages. */
enum twist_kind {
	TWIST_DELETED,
	TWIST_DOUBLED,
	TWIST_SWAPPED, /* with the next */
	TWIST_RETYPED,
	TWIST_CUT, /* its last byte */
	TWIST_EMPTIED,
	TWIST_EXTENDED, /* by a zero */
	TWIST_INSERTED, /* a message in front of it */
	NUM_TWISTS
};
struct twist {
	enum twist_kind kind;
	size_t at; /* which of its puts */
	uint8_t type; /* RETYPED, INSERTED */
};

/* What happens to a record on its way. */
enum tamper {
	TAMPER_NONE,
	TAMPER_DROPPED,
	TAMPER_DOUBLED,
	TAMPER_SWAPPED, /* with the next to the same side */
	TAMPER_CUT, /* a byte less, its length field as it was */
	TAMPER_EXTENDED,
	TAMPER_CUT_WELL, /* a byte less, and all lengths agree */
	TAMPER_EXTENDED_WELL,
	TAMPER_EMPTIED_WELL,
	TAMPER_RETYPED, /* another content type */
	TAMPER_FLIPPED, /* one bit */
	TAMPER_ID, /* the connection ID: enum id_tamper */
	TAMPER_ASTRAY, /* to the server, from an address that is not the client's: enum astray */
	NUM_TAMPERS
};

struct stage;
struct malice_case;

/* Makes the datagram for the victim and says what must come of it. 0 bytes: there is no such thing at this point. */
typedef size_t build_fn(struct stage *s, const struct malice_case *c, uint8_t *out, struct outcome_due *due);
/* Does whatever else it takes. */
typedef void act_fn(struct stage *s, const struct malice_case *c, struct outcome_due *due);

struct malice_case {
	char name[112];
	unsigned victim;
	struct outcome_due due;
	size_t unit; /* just before this one arrives */
	build_fn *build;
	act_fn *act;
	enum tamper tamper;
	struct twist twists[TWISTS_MAX]; /* the other side's */
	size_t num_twists;
	/* for build and act */
	uint8_t content, type;
	uint16_t epoch;
	int seq_offset;
	uint32_t number;
};

/* A case being run. */
struct stage {
	struct course *course;
	struct world *world;
	const struct malice_case *c;
	struct unit units[UNITS_MAX];
	size_t num_units;
	size_t accepted;
	tern_trace traces[2][64]; /* records that were sealed and not seen on the path yet */
	size_t num_traces[2];
	struct buffer held;
	bool holds, struck, was_connected[2];
	bool moves; /* the server is right to believe another address */
	struct outcome_due due;
};

/* course.c */
struct course *course_open(const struct scenario *s);
void course_close(struct course *course);
/* False: it did not come to what was due; the reason is printed. *counted: there was such a case. */
bool stage_run(struct course *course, const struct malice_case *c, bool verbose, bool *counted);
tern_conn *conn_of(const struct stage *s, unsigned side);
bool unit_before(const struct stage *s, size_t unit, unsigned to, bool (*is)(const struct unit *u));

/* tamper.c */
void tamper(struct stage *s, unsigned to, const uint8_t *p, size_t n);
/* ids.c: p has room for ID_ROOM more. Returns the new length. */
size_t tamper_id(const struct stage *s, unsigned to, uint8_t *p, size_t n);
#define ID_ROOM 8
size_t cid_len_of(const struct course *course,
		  unsigned to); /* of the IDs that come to this side; 0: none is agreed on */
/* checks.c */
void go_astray(struct stage *s, unsigned to, const uint8_t *p, size_t n);
bool goes_on_astray(const struct malice_case *c); /* all that follows, too */

/* peer.c: a record of the other side's, in the epoch of the case. 0 bytes: it cannot be. */
size_t seal_for(struct stage *s, const struct malice_case *c, const void *body, size_t n, uint8_t *out);
size_t seal_among(struct stage *s, const struct malice_case *c, const void *body, size_t n, uint8_t *out); /* others */
uint16_t expected_seq(const tern_conn *to); /* of the next handshake message */

/* rules.c */
/* How far the victim has come in what it expects when units have arrived. */
size_t due_at(const struct course *course, unsigned victim, size_t units);
uint16_t next_seq(const struct course *course, unsigned victim, size_t units);
/* A plaintext message to it, of no contents that make sense. */
struct outcome_due rule_plain_message(const struct course *course, const struct malice_case *c);
/* A message of the peer's under keys. */
struct outcome_due rule_sealed_message(const struct stage *s, const struct malice_case *c, uint16_t epoch);
struct outcome_due rule_twists(const struct course *course, const struct malice_case *c);
struct outcome_due rule_tamper(const struct course *course, const struct malice_case *c);
bool is_early_epoch(const struct course *course, uint16_t epoch);
bool heard_before(const struct course *course, unsigned victim, size_t units);
bool is_13(const struct course *course);

/* twist.c: makes a script of its own for the culprit; or records what a good one puts. */
void twist_meet(tern_conn *conn, const struct course *course, const struct malice_case *c);
void twist_record(tern_conn *conn, struct course *course);

/* The groups of cases; each calls run for every case it makes. */
typedef void run_fn(void *user, struct course *course, const struct malice_case *c);
typedef void cases_fn(struct course *course, run_fn *run, void *user);
cases_fn plain_message_cases, content_cases, replay_cases, hello_cases, tamper_cases, flip_cases; /* wire.c */
cases_fn sealed_message_cases, sealed_content_cases, twist_cases, twist_pair_cases; /* peer.c */
cases_fn pattern_cases; /* patterns.c */
cases_fn id_cases; /* ids.c */
cases_fn check_cases; /* checks.c */

/* Cases without a handshake; false: failed, and the reason is printed. */
bool spoofed_hellos(uint64_t count); /* flood.c */
bool cookie_replays(unsigned *cases);
bool pieces(unsigned *cases); /* pieces.c */

#endif
