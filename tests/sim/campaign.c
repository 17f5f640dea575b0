#include "sim/campaign.h"

#include <stdio.h>

static void put_list(const char *option, uint32_t mask)
{
	const char *separator = option;
	for (unsigned i = 0; i < 32; i++) {
		if (!(mask >> i & 1))
			continue;
		printf("%s%s%u", separator == option ? " " : "", separator, i);
		if (separator == option)
			separator = ",";
	}
}

static void put_command(const struct world *w, const struct schedule *s)
{
	static const char *const weather[] = {[CHAOS_WILD] = " --wild", [CHAOS_STORM] = " --storm"};
	printf("  replay: build/sim --scenario %s", w->scenario->name);
	if (w->mtu)
		printf(" --mtu %u", w->mtu);
	if (s->chaos == CHAOS_RANDOM || weather[s->chaos])
		printf(" --seed %llu%s", (unsigned long long)s->seed, weather[s->chaos] ? weather[s->chaos] : "");
	if (s->shuffle.on)
		printf(" --shuffle %llu", (unsigned long long)s->shuffle.id);
	if (s->fault.kind)
		printf(" --fault-%s %s:%llu", s->fault.side == CLIENT ? "client" : "server", fault_name(s->fault.kind),
		       (unsigned long long)s->fault.at);
	put_list("--drop ", s->drop);
	put_list("--duplicate ", s->duplicate);
	if (s->swap >= 0)
		printf(" --swap %d", s->swap);
	printf(" -v\n");
}

static void run(struct tally *t, struct world *w, const struct schedule *s)
{
	t->runs++;
	if (world_run(w, s))
		return;
	t->failed++;
	printf("%s: %s\n", w->scenario->name, w->inv.what);
	put_command(w, s);
}

/* One in sample. */
static void try_one(struct tally *t, struct world *w, const struct schedule *s, unsigned sample)
{
	if (t->considered++ % sample == 0)
		run(t, w, s);
}

/* Every subset of the first datagrams is lost. */
static void exhaust(struct tally *t, struct world *w, unsigned datagrams, unsigned sample)
{
	struct schedule s = {.seed = 1, .swap = NO_SWAP};
	for (s.drop = 0; s.drop < UINT32_C(1) << datagrams; s.drop++)
		try_one(t, w, &s, sample);
}

/* Every single one and every pair. */
static void pairs(struct tally *t, struct world *w, unsigned datagrams, unsigned sample, bool drop)
{
	struct schedule s = {.seed = 1, .swap = NO_SWAP};
	for (unsigned i = 0; i < datagrams; i++) {
		for (unsigned j = i; j < datagrams; j++) {
			*(drop ? &s.drop : &s.duplicate) = UINT32_C(1) << i | UINT32_C(1) << j;
			try_one(t, w, &s, sample);
		}
	}
}

static void triples(struct tally *t, struct world *w, unsigned datagrams, unsigned sample)
{
	struct schedule s = {.seed = 1, .swap = NO_SWAP};
	for (unsigned i = 0; i < datagrams; i++) {
		for (unsigned j = i + 1; j < datagrams; j++) {
			for (unsigned k = j + 1; k < datagrams; k++) {
				s.drop = UINT32_C(1) << i | UINT32_C(1) << j | UINT32_C(1) << k;
				try_one(t, w, &s, sample);
			}
		}
	}
}

static void swaps(struct tally *t, struct world *w, unsigned datagrams, unsigned sample)
{
	struct schedule s = {.seed = 1, .swap = NO_SWAP};
	for (s.swap = 0; s.swap < (int)datagrams; s.swap++)
		try_one(t, w, &s, sample);
}

/* A scripted run depends on nothing random that matters; late answers and attackers do. */
static bool is_exhaustible(const struct scenario *s)
{
	return !(s->flags & (SIM_LATE_SIGN | SIM_LATE_VERIFY | SIM_LATE_PSK | SIM_LATE_STORE | SIM_LATE_FRESH |
			     SIM_GARBAGE | SIM_CLOSE | SIM_FLOOD));
}

/* Hundreds of key updates fail in no other places than a few. */
static bool is_long(const struct scenario *s)
{
	return s->updates[CLIENT] + s->updates[SERVER] > 20;
}

static bool open_world(struct tally *t, const struct scenario *s, struct world **w)
{
	*w = world_open(s);
	if (*w)
		return true;
	t->failed++;
	return false;
}

void run_exhaustive(struct tally *t, const struct scenario *scenario)
{
	for (size_t i = 0; i < num_scenarios; i++) {
		const struct scenario *s = &scenarios[i];
		struct world *w;
		if (scenario ? scenario != s : !is_exhaustible(s) || s->versions != SIM_12)
			continue;
		if (!open_world(t, s, &w))
			continue;
		exhaust(t, w, EXHAUSTIVE_DATAGRAMS, 1);
		pairs(t, w, EXHAUSTIVE_DATAGRAMS, 1, false);
		swaps(t, w, EXHAUSTIVE_DATAGRAMS, 1);
		world_close(w);
	}
}

void run_exhaustive13(struct tally *t, const struct scenario *scenario, unsigned sample)
{
	for (size_t i = 0; i < num_scenarios; i++) {
		const struct scenario *s = &scenarios[i];
		struct world *w;
		if (scenario ? scenario != s : !is_exhaustible(s) || s->versions == SIM_12)
			continue;
		if (!open_world(t, s, &w))
			continue;
		if (s->flags & SIM_ALL_SUBSETS)
			exhaust(t, w, SUBSET_DATAGRAMS, sample);
		pairs(t, w, PAIR_DATAGRAMS, sample, true);
		pairs(t, w, PAIR_DATAGRAMS, sample, false);
		swaps(t, w, PAIR_DATAGRAMS, sample);
		world_close(w);
	}
}

void run_triples(struct tally *t, const struct scenario *scenario, unsigned sample)
{
	for (size_t i = 0; i < num_scenarios; i++) {
		const struct scenario *s = &scenarios[i];
		struct world *w;
		if ((scenario ? scenario != s : !is_exhaustible(s) || is_long(s)) || !open_world(t, s, &w))
			continue;
		triples(t, w, PAIR_DATAGRAMS, sample);
		world_close(w);
	}
}

/* The first transmissions of its flights are the whole handshake. */
static bool is_shufflable(const struct scenario *s)
{
	return is_exhaustible(s) && !is_long(s) &&
	       !(s->flags & (SIM_MTU | SIM_RESTART | SIM_LOSE_LAST | SIM_TOGETHER)) && !s->skip_to && !s->epochs;
}

static void shuffle_some(struct tally *t, struct world *w, const struct space *space, uint64_t first, uint64_t step,
			 uint64_t count)
{
	struct schedule s = {.seed = 1, .swap = NO_SWAP};
	for (uint64_t n = 0, id = first; n < count && id < space->size; n++, id += step) {
		s.shuffle = shuffle_of(space, id);
		run(t, w, &s);
	}
}

void run_shuffles(struct tally *t, const struct scenario *scenario, uint64_t first, uint64_t count)
{
	uint64_t share = scenario ? count : (count + num_scenarios - 1) / num_scenarios;
	for (size_t i = 0; i < num_scenarios; i++) {
		const struct scenario *s = &scenarios[i];
		struct space space;
		struct world *w;
		if ((scenario ? scenario != s : !is_shufflable(s)) || !open_world(t, s, &w))
			continue;
		if (!space_measure(w, &space))
			t->failed++;
		else if (scenario)
			shuffle_some(t, w, &space, first, 1, share);
		else
			shuffle_some(t, w, &space, first, 1 + space.size / share, share);
		world_close(w);
	}
}

/* What has no MTU of its own, and at every MTU the same datagrams count. */
static bool has_every_mtu(const struct scenario *s)
{
	return is_exhaustible(s) && !s->client_mtu && !s->server_mtu && !s->certificate_len && !s->skip_to &&
	       !s->epochs && !s->updates[0] && !s->updates[1] && !s->max_fragment_length && !s->record_size_limit &&
	       !(s->flags & (SIM_MTU | SIM_RESTART | SIM_LOSE_LAST));
}

/* A retry is never in fragments, so its datagram has to fit. */
static uint16_t least_mtu(const struct scenario *s)
{
	return s->flags & SIM_NO_COOKIE ? 96 : 256;
}

static void try_mtu(struct tally *t, const struct scenario *s, uint16_t mtu, unsigned sample)
{
	struct scenario narrow = *s;
	struct schedule schedule = {.seed = mtu, .swap = NO_SWAP};
	struct world *w;
	narrow.client_mtu = narrow.server_mtu = mtu;
	if (!open_world(t, &narrow, &w))
		return;
	w->mtu = mtu;
	run(t, w, &schedule);
	for (unsigned i = 0; i < MTU_DATAGRAMS; i++) {
		schedule.drop = UINT32_C(1) << i;
		try_one(t, w, &schedule, sample);
	}
	world_close(w);
}

void run_mtus(struct tally *t, const struct scenario *scenario, unsigned sample)
{
	for (size_t i = 0; i < num_scenarios; i++) {
		const struct scenario *s = &scenarios[i];
		if (scenario ? scenario != s : !has_every_mtu(s))
			continue;
		for (uint16_t mtu = least_mtu(s); mtu <= 1500; mtu++)
			try_mtu(t, s, mtu, sample);
	}
}

/* An hour later nobody has the keys any more that what got lost should be sent or read with. */
static bool is_bad_time(const struct scenario *s, enum fault_kind kind)
{
	return (kind == FAULT_MONO_FORWARD || kind == FAULT_MONO_END) &&
	       (s->flags & SIM_LOSE_LAST || s->skip_to || s->moves_at_once);
}

/* What comes again and again in a long run fails in few ways. */
static uint64_t gap(const struct scenario *s, const struct fault *f)
{
	bool is_clock = f->kind >= FAULT_CLOCKS;
	if (s->updates[CLIENT] + s->updates[SERVER] > 100)
		return f->at > 60 ? 401 : 1;
	if (s->losses || s->epochs)
		return f->at > 100 ? 67 : 1;
	return is_clock && f->at > 60 ? 7 : 1;
}

/* Each call of a clean run that may fail, at one side. */
static void fail_each(struct tally *t, struct world *w, enum role side, unsigned sample)
{
	struct schedule s = {.seed = FAULT_SEED, .chaos = CHAOS_FAULT, .swap = NO_SWAP, .fault.side = side};
	uint64_t calls[NUM_FAULTS], trail;
	run(t, w, &s);
	memcpy(calls, w->hosts[side].memory.faults.calls, sizeof calls);
	trail = w->trail;
	for (int kind = FAULT_NONE + 1; kind < FAULT_SMALL; kind++) {
		s.fault.kind = (enum fault_kind)kind;
		if (is_bad_time(w->scenario, s.fault.kind))
			continue;
		for (s.fault.at = 1; s.fault.at <= calls[kind]; s.fault.at += gap(w->scenario, &s.fault))
			try_one(t, w, &s, sample);
	}
	s.fault = (struct fault){FAULT_SMALL, side, 1};
	run(t, w, &s);
	if (w->trail != trail) {
		t->failed++;
		printf("%s: a buffer that was too small has changed something\n", w->scenario->name);
		put_command(w, &s);
	}
}

/* Configs and pools: each allocation, and each call of the provider. */
static void fail_opening(struct tally *t, const struct scenario *s, enum role side, unsigned sample)
{
	for (int kind = FAULT_NONE + 1; kind < FAULT_CLOCKS; kind++) {
		struct fault f = {(enum fault_kind)kind, side, 0};
		bool reached = true;
		while (reached) {
			f.at += f.at ? sample : 1;
			t->runs++;
			if (world_opens_or_fails(s, &f, &reached))
				continue;
			t->failed++;
			printf("%s: opening it with %s:%llu at side %u went wrong\n", s->name, fault_name(f.kind),
			       (unsigned long long)f.at, f.side);
		}
	}
}

void run_faults(struct tally *t, const struct scenario *scenario, unsigned sample)
{
	for (size_t i = 0; i < num_scenarios; i++) {
		const struct scenario *s = &scenarios[i];
		struct world *w;
		if ((scenario && scenario != s) || !open_world(t, s, &w))
			continue;
		fail_each(t, w, CLIENT, sample);
		fail_each(t, w, SERVER, sample);
		world_close(w);
		fail_opening(t, s, CLIENT, sample);
		fail_opening(t, s, SERVER, sample);
	}
}

void run_random(struct tally *t, const struct scenario *scenario, uint64_t first, uint64_t schedules, enum chaos chaos)
{
	uint64_t share = scenario ? schedules : (schedules + num_scenarios - 1) / num_scenarios;
	for (size_t i = 0; i < num_scenarios; i++) {
		struct schedule s = {.chaos = chaos, .swap = NO_SWAP};
		struct world *w;
		if ((scenario && scenario != &scenarios[i]) || !open_world(t, &scenarios[i], &w))
			continue;
		for (uint64_t n = 0; n < share; n++) {
			s.seed = first + n;
			run(t, w, &s);
		}
		world_close(w);
	}
}
