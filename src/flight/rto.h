/* rto.h - the retransmission timeout: 1.5 times the round trip, doubling, jittered (RFC 6347 4.2.4.1, RFC 9147 5.8.2).
 * Each flight begins with the round trip or the first value again. */
#ifndef TERN_FLIGHT_RTO_H
#define TERN_FLIGHT_RTO_H

#include "tern/tern.h"

#define RTO_FLOOR_NS UINT64_C(50000000)

struct rto {
	uint64_t first_ns, cap_ns; /* settings */
	uint64_t rtt_ns; /* smoothed; 0: unknown */
	uint32_t steady_tries; /* setting: transmissions before the timeout doubles; 0 is 1 */
	uint32_t fired; /* how often, for the flight under way */
	bool learns, jitters;
};

void rto_init(struct rto *r, const tern_timers *timers);
/* A round trip of something sent once. */
void rto_sample(struct rto *r, uint64_t rtt_ns);
/* Another first timeout, and nothing is learned any more; what fired stays. */
void rto_set_first(struct rto *r, uint64_t first_ns);
/* A new flight: it has not fired yet. */
void rto_reset(struct rto *r);
/* The timer fired. */
void rto_back_off(struct rto *r);
/* The timeout now; random: any 32 random bits, for the jitter (adds up to 10 %). At least RTO_FLOOR_NS or first_ns if
 * that is smaller, at most cap_ns (before jitter). */
uint64_t rto_timeout(const struct rto *r, uint32_t random);

#endif
