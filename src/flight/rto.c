#include "flight/rto.h"

/* Far beyond any real round trip; keeps the arithmetic below from overflowing. */
#define RTT_MAX_NS (UINT64_MAX / 4)

void rto_init(struct rto *r, const tern_timers *timers)
{
	*r = (struct rto){
		.first_ns = timers->first_ns,
		.cap_ns = timers->cap_ns,
		.steady_tries = timers->steady_tries,
		.learns = !timers->no_rtt,
		.jitters = !timers->no_jitter,
	};
}

void rto_sample(struct rto *r, uint64_t rtt_ns)
{
	if (!r->learns)
		return;
	if (rtt_ns > RTT_MAX_NS)
		rtt_ns = RTT_MAX_NS;
	if (r->rtt_ns)
		rtt_ns = r->rtt_ns - r->rtt_ns / 8 + rtt_ns / 8;
	r->rtt_ns = rtt_ns ? rtt_ns : 1;
}

void rto_set_first(struct rto *r, uint64_t first_ns)
{
	r->first_ns = first_ns;
	r->rtt_ns = 0;
	r->learns = false;
}

void rto_reset(struct rto *r)
{
	r->fired = 0;
}

void rto_back_off(struct rto *r)
{
	r->fired++;
}

uint64_t rto_timeout(const struct rto *r, uint32_t random)
{
	uint64_t floor = r->first_ns < RTO_FLOOR_NS ? r->first_ns : RTO_FLOOR_NS;
	uint64_t t = r->rtt_ns ? r->rtt_ns + r->rtt_ns / 2 : r->first_ns;
	if (t < floor)
		t = floor;
	for (uint32_t i = r->steady_tries ? r->steady_tries - 1 : 0; i < r->fired && t < r->cap_ns; i++)
		t = t > UINT64_MAX / 2 ? UINT64_MAX : 2 * t;
	if (t > r->cap_ns)
		t = r->cap_ns;
	if (r->jitters && t < UINT64_MAX / 2)
		t += t / 10000 * (random % 1001);
	return t;
}
