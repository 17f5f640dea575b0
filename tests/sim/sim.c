/* sim - runs handshakes through bad weather. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/campaign.h"

static const char usage[] =
	"usage: sim [--scenario NAME] [--schedules N] [--first SEED] [--wild | --storm]\n"
	"       sim [--scenario NAME] --exhaustive | --exhaustive-13 | --triples | --mtus | --faults [--sample N]\n"
	"       sim [--scenario NAME] --shuffles [--first ID] [--schedules N]\n"
	"       sim --scenario NAME --space    how many shuffles it has\n"
	"       sim --scenario NAME --seed N [--wild | --storm] [-v]    one random schedule\n"
	"       sim --scenario NAME --shuffle ID [-v]    one order of all records\n"
	"       sim --scenario NAME [--mtu N] [--drop A,B] [--duplicate A,B] [--swap A] [-v]    one scripted schedule\n"
	"       sim --scenario NAME --fault-client KIND:N | --fault-server KIND:N [-v]    the N-th of its kind "
	"happens\n"
	"       sim --list\n"
	"       sim --write-corpus DIR\n"
	"Without --scenario: all. --sample: one run in N. The n-th datagram sent counts, from 0, both directions "
	"together.\n";

/* What getopt_long finds: a campaign, a weather, or what takes a value. */
enum option_code {
	RANDOM = 1000,
	EXHAUSTIVE,
	EXHAUSTIVE_13,
	TRIPLES,
	MTUS,
	SHUFFLES,
	FAULTS,
	SPACE,
	LIST,
	CORPUS,
	WILD,
	STORM,
	SCENARIO,
	SCHEDULES,
	FIRST,
	SAMPLE,
	SEED,
	SHUFFLE,
	MTU,
	DROP,
	DUPLICATE,
	SWAP,
	FAULT_CLIENT,
	FAULT_SERVER
};

static const struct option long_options[] = {
	{"exhaustive", no_argument, NULL, EXHAUSTIVE},
	{"exhaustive-13", no_argument, NULL, EXHAUSTIVE_13},
	{"triples", no_argument, NULL, TRIPLES},
	{"mtus", no_argument, NULL, MTUS},
	{"shuffles", no_argument, NULL, SHUFFLES},
	{"faults", no_argument, NULL, FAULTS},
	{"space", no_argument, NULL, SPACE},
	{"list", no_argument, NULL, LIST},
	{"write-corpus", required_argument, NULL, CORPUS},
	{"wild", no_argument, NULL, WILD},
	{"storm", no_argument, NULL, STORM},
	{"scenario", required_argument, NULL, SCENARIO},
	{"schedules", required_argument, NULL, SCHEDULES},
	{"first", required_argument, NULL, FIRST},
	{"sample", required_argument, NULL, SAMPLE},
	{"seed", required_argument, NULL, SEED},
	{"shuffle", required_argument, NULL, SHUFFLE},
	{"mtu", required_argument, NULL, MTU},
	{"drop", required_argument, NULL, DROP},
	{"duplicate", required_argument, NULL, DUPLICATE},
	{"swap", required_argument, NULL, SWAP},
	{"fault-client", required_argument, NULL, FAULT_CLIENT},
	{"fault-server", required_argument, NULL, FAULT_SERVER},
	{NULL, 0, NULL, 0},
};

struct options {
	int campaign; /* RANDOM to CORPUS */
	const struct scenario *scenario;
	uint64_t schedules, first, sample;
	const char *corpus;
	bool verbose, one;
	uint16_t mtu;
	enum chaos weather;
	struct schedule schedule;
};

static bool number(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
	char *end;
	*out = strtoull(text, &end, 10);
	return *text && *text != '-' && *end == 0 && *out >= least && *out <= most;
}

static bool mask(const char *text, uint32_t *out)
{
	while (*text) {
		char *end;
		unsigned long n = strtoul(text, &end, 10);
		if (end == text || n > 31 || (*end && *end != ','))
			return false;
		*out |= UINT32_C(1) << n;
		text = *end ? end + 1 : end;
	}
	return true;
}

static bool fault(const char *text, enum role side, struct schedule *s)
{
	const char *colon = strchr(text, ':');
	*s = (struct schedule){.seed = FAULT_SEED, .chaos = CHAOS_FAULT, .swap = NO_SWAP, .fault.side = side};
	return colon && fault_by_name(text, (size_t)(colon - text), &s->fault.kind) &&
	       number(colon + 1, 1, UINT64_MAX, &s->fault.at);
}

/* What makes one run instead of many. */
static bool take_schedule(struct options *o, int code, const char *value)
{
	struct schedule *s = &o->schedule;
	uint64_t n = 0;
	o->one = true;
	switch (code) {
	case SEED:
		s->chaos = CHAOS_RANDOM;
		return number(value, 0, UINT64_MAX, &s->seed);
	case SHUFFLE:
		s->shuffle.on = true;
		return number(value, 0, UINT64_MAX, &s->shuffle.id);
	case MTU:
		if (!number(value, 96, SIM_DATAGRAM_MAX, &n))
			return false;
		o->mtu = (uint16_t)n;
		return true;
	case DROP:
		return mask(value, &s->drop);
	case DUPLICATE:
		return mask(value, &s->duplicate);
	case SWAP:
		if (!number(value, 0, 31, &n))
			return false;
		s->swap = (int)n;
		return true;
	default: /* FAULT_CLIENT, FAULT_SERVER */
		return fault(value, code == FAULT_CLIENT ? CLIENT : SERVER, s);
	}
}

static bool take_option(struct options *o, int code, const char *value)
{
	switch (code) {
	case 'v':
		o->verbose = o->one = true;
		return true;
	case WILD:
	case STORM:
		o->weather = code == WILD ? CHAOS_WILD : CHAOS_STORM;
		return true;
	case SCENARIO:
		return (o->scenario = scenario_by_name(value)) != NULL;
	case SCHEDULES:
		return number(value, 1, UINT64_MAX, &o->schedules);
	case FIRST:
		return number(value, 0, UINT64_MAX, &o->first);
	case SAMPLE:
		return number(value, 1, UINT32_MAX, &o->sample);
	default:
		break;
	}
	if (code >= SEED && code <= FAULT_SERVER)
		return take_schedule(o, code, value);
	if (code < RANDOM || code > CORPUS || o->campaign != RANDOM)
		return false;
	o->campaign = code;
	o->corpus = value;
	return true;
}

static bool parse(struct options *o, int argc, char **argv)
{
	int code;
	while ((code = getopt_long(argc, argv, "v", long_options, NULL)) != -1)
		if (!take_option(o, code, optarg))
			return false;
	if (o->schedule.chaos == CHAOS_RANDOM && o->weather)
		o->schedule.chaos = o->weather;
	return optind == argc && (o->scenario || (!o->one && o->campaign != SPACE));
}

/* The number was all there was so far. */
static bool make_shuffle(struct world *w, struct shuffle *shuffle)
{
	struct space space;
	if (!shuffle->on)
		return true;
	if (!space_measure(w, &space) || shuffle->id >= space.size)
		return false;
	*shuffle = shuffle_of(&space, shuffle->id);
	return true;
}

static int run_one(struct options *o)
{
	struct scenario scenario = *o->scenario;
	struct world *w;
	bool good;
	if (o->mtu)
		scenario.client_mtu = scenario.server_mtu = o->mtu;
	w = world_open(&scenario);
	if (!w)
		return 1;
	if (!make_shuffle(w, &o->schedule.shuffle)) {
		fprintf(stderr, "sim: %s has no shuffle %llu\n", scenario.name,
			(unsigned long long)o->schedule.shuffle.id);
		world_close(w);
		return 1;
	}
	w->verbose = o->verbose;
	good = world_run(w, &o->schedule);
	if (good)
		printf("%s: ok after %llu datagrams and %llu ms\n", scenario.name, (unsigned long long)w->datagrams,
		       (unsigned long long)((w->now_ns - w->start_ns) / SIM_MS));
	else
		printf("%s: %s\n", scenario.name, w->inv.what);
	world_close(w);
	return good ? 0 : 1;
}

static int list(void)
{
	for (size_t i = 0; i < num_scenarios; i++)
		printf("%s\n", scenarios[i].name);
	return 0;
}

static int print_space(const struct scenario *scenario)
{
	struct world *w = world_open(scenario);
	struct space space;
	bool good = w && space_measure(w, &space);
	if (good)
		printf("%llu\n", (unsigned long long)space.size);
	world_close(w);
	return good ? 0 : 1;
}

static void run_campaign(const struct options *o, struct tally *t)
{
	switch (o->campaign) {
	case EXHAUSTIVE:
		run_exhaustive(t, o->scenario);
		break;
	case EXHAUSTIVE_13:
		run_exhaustive13(t, o->scenario, (unsigned)o->sample);
		break;
	case TRIPLES:
		run_triples(t, o->scenario, (unsigned)o->sample);
		break;
	case MTUS:
		run_mtus(t, o->scenario, (unsigned)o->sample);
		break;
	case SHUFFLES:
		run_shuffles(t, o->scenario, o->first, o->schedules);
		break;
	case FAULTS:
		run_faults(t, o->scenario, (unsigned)o->sample);
		break;
	default:
		run_random(t, o->scenario, o->first, o->schedules, o->weather ? o->weather : CHAOS_RANDOM);
		break;
	}
}

int main(int argc, char **argv)
{
	struct options o = {.campaign = RANDOM,
			    .schedules = 10000,
			    .sample = 1,
			    .schedule = {.seed = 1, .swap = NO_SWAP}};
	struct tally tally = {0};
	clock_t began = clock();
	double seconds;
	if (!parse(&o, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	if (o.campaign == LIST)
		return list();
	if (o.campaign == SPACE)
		return print_space(o.scenario);
	if (o.campaign == CORPUS)
		return write_corpus(o.corpus) ? 0 : 1;
	if (o.one)
		return run_one(&o);
	run_campaign(&o, &tally);
	seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
	printf("%llu runs, %llu failed, %.0f runs a second\n", (unsigned long long)tally.runs,
	       (unsigned long long)tally.failed, seconds > 0 ? (double)tally.runs / seconds : 0);
	return tally.failed || !tally.runs ? 1 : 0;
}
