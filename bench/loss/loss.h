/* loss.h - handshakes over a link that loses datagrams, in virtual time. */
#ifndef TERN_BENCH_LOSS_H
#define TERN_BENCH_LOSS_H

#include "bench.h"

/* ---- clock.c: the time that everybody sees, libraries too ---- */

void clock_start(void);
void clock_set(uint64_t mono_ns); /* since clock_start */
uint64_t clock_ns(void);

/* ---- link.c ---- */

#define GIVE_UP_NS UINT64_C(300000000000)

struct link_rules {
	double loss; /* percent of datagrams, each way */
	uint64_t delay_ns; /* one way */
	uint64_t seed;
};

struct contestant {
	const struct implementation *impl;
	void *context[NUM_SIDES];
};

/* One handshake. flow: its number; what happens to the n-th datagram of a direction depends on that, not on who sends
 * it. Returns nanoseconds until both sides are done, or UINT64_MAX: one gave up, or GIVE_UP_NS have passed. */
uint64_t link_handshake(const struct contestant *c, const struct link_rules *rules, uint64_t flow, unsigned *datagrams);

#endif
