/* link.h - the path between the two sides: what becomes of each datagram.
 *
 * A schedule is all that tells one run of a scenario from another: a seed, and either a script that names datagrams by
 * the order in which they are sent (both directions counted together, from 0) or settings drawn from the seed. */
#ifndef TERN_TESTS_SIM_LINK_H
#define TERN_TESTS_SIM_LINK_H

#include "pcg.h"
#include "sim/fault.h"
#include "sim/shuffle.h"

#define SIM_MS UINT64_C(1000000)
#define SIM_S (1000 * SIM_MS)
#define LINK_DELAY_NS (10 * SIM_MS)
#define LINK_COPIES 3
#define NO_SWAP (-1)

enum chaos {
	CHAOS_NONE, /* the script alone */
	CHAOS_RANDOM, /* what a path may do: the handshake must complete */
	CHAOS_STORM, /* the same, at its worst: half of all datagrams lost, doubled, late */
	CHAOS_INPUT, /* the script, and what a fuzzer's input does to the datagrams: it may fail, but only cleanly */
	CHAOS_FAULT, /* the script, and a fault: it may fail, but only by that, and both sides must get to know */
	CHAOS_WILD /* damaged plaintext too: it may fail, but only cleanly */
};

struct schedule {
	uint64_t seed;
	enum chaos chaos;
	struct fault fault;
	uint32_t drop, duplicate; /* bit n: the n-th datagram */
	int swap; /* this datagram and the next change places; NO_SWAP */
	struct shuffle shuffle;
};

struct link_settings {
	uint32_t loss, duplicate, reorder, corrupt; /* percent */
	uint64_t delay_ns, jitter_ns;
};

struct link {
	struct link_settings settings;
	struct pcg rng;
};

/* What becomes of one datagram: copies arrive after so long; none: it is lost. */
struct fate {
	unsigned copies;
	uint64_t delay_ns[LINK_COPIES];
	bool corrupt[LINK_COPIES];
	bool held; /* until the next one is sent */
};

void link_init(struct link *l, const struct schedule *schedule, unsigned direction);
struct fate link_fate(struct link *l, const struct schedule *schedule, uint64_t number);

#endif
