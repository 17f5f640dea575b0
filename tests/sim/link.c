#include "sim/link.h"

/* From a path that is almost good to one that loses and doubles every other datagram. */
static uint32_t some_percent(struct pcg *rng)
{
	static const uint32_t choices[] = {0, 1, 5, 10, 20, 35, 50};
	return choices[pcg_below(rng, sizeof choices / sizeof choices[0])];
}

static const struct link_settings storm = {
	.loss = 50, .duplicate = 50, .reorder = 50, .corrupt = 10, .delay_ns = 50 * SIM_MS, .jitter_ns = 50 * SIM_MS};
static bool is_scripted(const struct schedule *schedule)
{
	return schedule->chaos == CHAOS_NONE || schedule->chaos == CHAOS_INPUT || schedule->chaos == CHAOS_FAULT;
}

void link_init(struct link *l, const struct schedule *schedule, unsigned direction)
{
	*l = (struct link){.settings = {.delay_ns = LINK_DELAY_NS}};
	pcg_seed(&l->rng, schedule->seed, 16 + direction);
	if (is_scripted(schedule))
		return;
	if (schedule->chaos == CHAOS_STORM) {
		l->settings = storm;
		return;
	}
	l->settings = (struct link_settings){
		.loss = some_percent(&l->rng),
		.duplicate = some_percent(&l->rng),
		.reorder = some_percent(&l->rng),
		.delay_ns = SIM_MS * (1 + pcg_below(&l->rng, 200)),
		.jitter_ns = SIM_MS * pcg_below(&l->rng, 100),
	};
	if (pcg_percent(&l->rng, 30))
		l->settings.corrupt = some_percent(&l->rng) / 2;
}

static uint64_t some_delay(struct link *l)
{
	const struct link_settings *s = &l->settings;
	uint64_t delay = s->delay_ns;
	if (s->jitter_ns)
		delay += pcg_below(&l->rng, (uint32_t)s->jitter_ns);
	if (pcg_percent(&l->rng, s->reorder))
		delay += SIM_MS * pcg_below(&l->rng, 2000);
	return delay;
}

static struct fate scripted(struct link *l, const struct schedule *schedule, uint64_t number)
{
	struct fate f = {.copies = 1, .delay_ns = {l->settings.delay_ns, l->settings.delay_ns + SIM_MS}};
	if (number < 32 && (schedule->drop >> number & 1))
		f.copies = 0;
	else if (number < 32 && (schedule->duplicate >> number & 1))
		f.copies = 2;
	f.held = schedule->swap >= 0 && (uint64_t)schedule->swap == number;
	return f;
}

struct fate link_fate(struct link *l, const struct schedule *schedule, uint64_t number)
{
	struct fate f = {0};
	if (is_scripted(schedule))
		return scripted(l, schedule, number);
	if (!pcg_percent(&l->rng, l->settings.loss))
		f.copies = 1;
	while (f.copies && f.copies < LINK_COPIES && pcg_percent(&l->rng, l->settings.duplicate))
		f.copies++;
	for (unsigned i = 0; i < f.copies; i++) {
		f.delay_ns[i] = some_delay(l);
		f.corrupt[i] = pcg_percent(&l->rng, l->settings.corrupt);
	}
	return f;
}
