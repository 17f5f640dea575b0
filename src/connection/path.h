/* path.h - where the peer is, and what must be seen before that is believed: the return routability check
 * (RFC 9853 5), as a machine without records. It is told what arrived and from where, and says what is to be sent
 * and whereto.
 *
 * A connection that keeps to one path has a struct paths and nothing more; what is needed to look at another comes and
 * goes. */
#ifndef TERN_CONNECTION_PATH_H
#define TERN_CONNECTION_PATH_H

#include "connection/pmtud.h"
#include "wire/rrc.h"

#define PATH_TRIES 3 /* challenges of one check, a third of its time apart */
#define PATH_ANSWERS 4 /* that wait to be sent */
#define PATH_CHECK_NS UINT64_C(1000000000) /* T where no round trip is known: RFC 9853 5.5 */
#define PATH_RTT_MIN_NS UINT64_C(50000000) /* T is three times this at least: the new path may be a slower one */

_Static_assert(PATH_TRIES >= PMTUD_MAX_PROBES, "each probe of a size has a cookie");

/* Challenges of which one is to be answered. Each has a cookie of its own. */
struct asked {
	uint8_t sent; /* so many */
	bool due; /* another is to be sent now */
	uint64_t next_ns, expires_ns; /* when the next is due; when all is over, TERN_NEVER: nothing is asked */
	uint64_t pace_ns;
	struct {
		uint64_t sent_ns;
		uint8_t cookie[RRC_COOKIE];
	} each[PATH_TRIES];
};

enum check_phase {
	CHECK_OLD, /* enhanced: the path in use is asked first */
	CHECK_NEW,
	CHECK_NONE
};

/* What waits to be told to the application. */
enum path_news {
	NEWS_FAILED = 1,
	NEWS_CHANGED = 2,
	NEWS_ALIVE = 4,
	NEWS_SILENT = 8,
	NEWS_SEEN = 16,
	NEWS_PROBING = 32
};

/* An answer to a challenge: to where that came from. */
struct path_answer {
	tern_path to;
	uint8_t type, cookie[RRC_COOKIE];
	size_t most; /* bytes that may go there for it */
};

struct moves {
	tern_path from; /* of the datagram being read, when that is not the current one */
	tern_path candidate; /* being checked, or told of last */
	enum check_phase phase;
	struct asked check[2]; /* by phase */
	bool old_is_newer; /* a record newer than the candidate's came on the current path */
	bool seen; /* no check was agreed on, and the application was told of the candidate */
	uint64_t in, out; /* bytes from and to the candidate, which is not validated */
	bool has_left;
	tern_path left; /* where the caller moved away from: RFC 9853 5.2 */
	struct asked probe; /* of the current path, for the application */
	struct path_answer answers[PATH_ANSWERS];
	uint8_t num_answers, news;
};

struct paths {
	const tern_allocator *heap;
	tern_path current; /* remote.len 0: never told */
	struct moves *moves; /* NULL: nothing is under way */
	struct pmtud *pmtud; /* NULL: off */
	struct asked *sized; /* of the size that pmtud probes, with it */
	bool elsewhere; /* the datagram being read came on another path */
	bool checks, enhanced; /* agreed on; the setting */
};

/* NULL when memory is out. path may be NULL. */
struct paths *paths_new(const tern_allocator *heap, const tern_path *path);
void paths_free(struct paths *p);
/* Turns path MTU discovery on. NO_MEMORY, and nothing changes. */
tern_error paths_measure(struct paths *p, uint16_t min, uint16_t base, uint16_t max);

/* Addresses that were not told are like any other. */
bool path_same(const tern_path *a, const tern_path *b);

/* A datagram begins, and ends. Without memory it is read all the same, and can move nothing. */
void paths_feed(struct paths *p, const tern_path *path);
void paths_fed(struct paths *p);

/* A record that authenticated under keys. */
struct arrived {
	size_t n; /* bytes on the wire */
	bool newest; /* of all records so far: RFC 9146 6 */
	bool has_cid;
	bool checks; /* it is itself of a return routability check */
};
void paths_arrived(struct paths *p, const struct arrived *a, uint64_t rtt_ns, tern_time now);

/* The message in a record that arrived. *rtt_ns: of what it answers, else 0. False when it answers nothing, or there is
 * no room to answer it. */
bool paths_receive(struct paths *p, const struct rrc *message, size_t n, uint64_t *rtt_ns, tern_time now);

/* What to send next, if anything. */
struct path_errand {
	enum { ERRAND_NONE, ERRAND_ANSWER, ERRAND_CHECK, ERRAND_PROBE, ERRAND_SIZE } kind;
	uint8_t type;
	uint8_t cookie[RRC_COOKIE]; /* ANSWER; else it is to be drawn, from a good source */
	const tern_path *to; /* valid until the errand is done */
	uint16_t size; /* SIZE: of the datagram */
};
/* n: bytes that a datagram with one such message has at most. current_only: what goes elsewhere is dropped, or waits,
 * for a caller who does not tell paths apart. */
struct path_errand paths_errand(struct paths *p, size_t n, bool current_only);
/* It was sent, in n bytes. */
void paths_sent(struct paths *p, const struct path_errand *e, size_t n, uint64_t rtt_ns, tern_time now);

/* The caller vouches for a path. NO_MEMORY, and nothing changes. */
tern_error paths_move(struct paths *p, const tern_path *path);
/* Asks the current path for a sign of life. */
tern_error paths_probe(struct paths *p, uint64_t rtt_ns, tern_time now);

/* One piece of news; 0: none. *path: valid until the next call. */
enum path_news paths_news(struct paths *p, const tern_path **path);

uint64_t paths_deadline(const struct paths *p);
void paths_tick(struct paths *p, uint64_t rtt_ns, tern_time now);

#endif
