/* A binary heap of deadlines; each slot knows its place. */
#include "endpoint.h"

/* Places count from 1. */
static void place(tern_endpoint *endpoint, uint32_t at, struct timer timer)
{
	endpoint->timers[at - 1] = timer;
	slot_at(endpoint, timer.slot)->timer = at;
}

static void sift_up(tern_endpoint *endpoint, uint32_t at, struct timer timer)
{
	for (; at > 1 && endpoint->timers[at / 2 - 1].at_ns > timer.at_ns; at /= 2)
		place(endpoint, at, endpoint->timers[at / 2 - 1]);
	place(endpoint, at, timer);
}

static void sift_down(tern_endpoint *endpoint, uint32_t at, struct timer timer)
{
	for (uint32_t child = 2 * at; child <= endpoint->num_timers; at = child, child = 2 * at) {
		if (child < endpoint->num_timers && endpoint->timers[child].at_ns < endpoint->timers[child - 1].at_ns)
			child++;
		if (endpoint->timers[child - 1].at_ns >= timer.at_ns)
			break;
		place(endpoint, at, endpoint->timers[child - 1]);
	}
	place(endpoint, at, timer);
}

void timer_set(tern_endpoint *endpoint, uint32_t index, uint64_t at_ns)
{
	uint32_t at = slot_at(endpoint, index)->timer;

	if (at && endpoint->timers[at - 1].at_ns <= at_ns)
		return;
	sift_up(endpoint, at ? at : ++endpoint->num_timers, (struct timer){at_ns, index});
}

void timer_clear(tern_endpoint *endpoint, uint32_t index)
{
	uint32_t at = slot_at(endpoint, index)->timer;
	struct timer last;

	if (!at)
		return;
	slot_at(endpoint, index)->timer = 0;
	last = endpoint->timers[--endpoint->num_timers];
	if (last.slot == index)
		return;
	if (at > 1 && endpoint->timers[at / 2 - 1].at_ns > last.at_ns)
		sift_up(endpoint, at, last);
	else
		sift_down(endpoint, at, last);
}

uint32_t timer_due(tern_endpoint *endpoint)
{
	uint32_t index;

	if (!endpoint->num_timers || endpoint->timers[0].at_ns > endpoint->now.mono_ns || endpoint->ticks == TICKS)
		return 0;
	endpoint->ticks++;
	index = endpoint->timers[0].slot;
	timer_clear(endpoint, index);
	return index;
}
