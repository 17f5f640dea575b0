/* shuffle.h - each flight's records arrive in an order of their own, some of them not at all.
 *
 * The first transmission of every flight is taken apart into its records, a datagram each. For a handshake whose
 * flights have n1, n2, ... records, the orders and the losses of all of them are a space of n1! x n2! x ... x 2^(n1 +
 * n2 + ...) schedules, each with a number. What is sent again, and what is no handshake, goes its usual way. */
#ifndef TERN_TESTS_SIM_SHUFFLE_H
#define TERN_TESTS_SIM_SHUFFLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHUFFLE_FLIGHTS 4
#define SHUFFLE_RECORDS 8 /* of a flight; longer ones stay as they are */

/* One handshake's flights after the ClientHello, in the order in which they are first sent. */
struct space {
	unsigned num_flights;
	uint8_t records[SHUFFLE_FLIGHTS];
	uint64_t size; /* how many schedules */
};

struct shuffle {
	bool on;
	struct space space;
	uint64_t id; /* below space.size */
	uint8_t order[SHUFFLE_FLIGHTS][SHUFFLE_RECORDS]; /* which record is sent i-th */
	uint32_t drop[SHUFFLE_FLIGHTS]; /* bit n: the n-th record, by its place in the flight */
};

struct world;

/* The space of the world's scenario, from a run that nothing happens to. False: that run failed. */
bool space_measure(struct world *w, struct space *space);

/* The schedule with this number. */
struct shuffle shuffle_of(const struct space *space, uint64_t id);

/* ---- for the world ---- */

#define REPORTED 64
#define KEPT_BYTES 4096

/* What a connection reported of the records it put into the datagram that is sent next. */
struct reported {
	size_t n;
	struct {
		uint32_t length;
		bool first; /* of the handshake, and not sent before */
	} records[REPORTED];
};

/* The records of a flight that is being sent. */
struct kept {
	unsigned flight; /* which comes next */
	size_t num, used;
	size_t starts[SHUFFLE_RECORDS + 1];
	uint8_t bytes[KEPT_BYTES];
};

void shuffle_report(struct reported *r, uint32_t length, bool first);
/* Takes a datagram apart, keeping records of a flight back; sends the others. */
void shuffle_send(struct world *w, unsigned from, const uint8_t *p, size_t n);
/* The side has no more to send: the flight that was kept goes out. */
void shuffle_flush(struct world *w, unsigned from);

#endif
