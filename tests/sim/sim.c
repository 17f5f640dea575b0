/* sim - runs handshakes through bad weather. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/campaign.h"

static const char usage[] =
	"usage: sim [--scenario NAME] [--schedules N] [--first SEED] [--wild]\n"
	"       sim [--scenario NAME] --exhaustive | --exhaustive-13 [--sample N] | --faults\n"
	"       sim --scenario NAME --seed N [--wild] [-v]          one random schedule\n"
	"       sim --scenario NAME [--drop A,B] [--duplicate A,B] [--swap A] [-v]    one scripted schedule\n"
	"       sim --scenario NAME --no-memory-client N | --no-memory-server N [-v]    the N-th allocation fails\n"
	"       sim --list\n"
	"       sim --write-corpus DIR\n"
	"Without --scenario: all. --sample: one run in N. The n-th datagram sent counts, from 0, both directions "
	"together.\n";

struct options {
	const struct scenario *scenario;
	uint64_t schedules, first, sample;
	const char *corpus;
	bool faults, exhaustive, exhaustive13, wild, verbose, one, list;
	struct schedule schedule;
};

static bool number(const char *text, uint64_t *out)
{
	char *end;
	*out = strtoull(text, &end, 10);
	return *text && *end == 0;
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

static bool with_value(struct options *o, const char *name, const char *value)
{
	uint64_t n = 0;
	if (strcmp(name, "--scenario") == 0)
		return (o->scenario = scenario_by_name(value)) != NULL;
	if (strcmp(name, "--write-corpus") == 0)
		return (o->corpus = value) != NULL;
	if (strcmp(name, "--drop") == 0)
		return (o->one = mask(value, &o->schedule.drop));
	if (strcmp(name, "--duplicate") == 0)
		return (o->one = mask(value, &o->schedule.duplicate));
	if (!number(value, &n))
		return false;
	if (strcmp(name, "--schedules") == 0)
		o->schedules = n;
	else if (strcmp(name, "--sample") == 0 && n)
		o->sample = n;
	else if (strcmp(name, "--first") == 0)
		o->first = n;
	else if (strcmp(name, "--swap") == 0 && n < 32) {
		o->schedule.swap = (int)n;
		o->one = true;
	} else if (strcmp(name, "--no-memory-client") == 0 || strcmp(name, "--no-memory-server") == 0) {
		o->schedule.no_memory[strcmp(name, "--no-memory-client") == 0 ? CLIENT : SERVER] = n;
		o->schedule.seed = 1;
		o->schedule.chaos = CHAOS_INPUT;
		o->one = true;
	} else if (strcmp(name, "--seed") == 0) {
		o->schedule.seed = n;
		o->schedule.chaos = CHAOS_RANDOM;
		o->one = true;
	} else
		return false;
	return true;
}

static bool parse(struct options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-v") == 0)
			o->verbose = true;
		else if (strcmp(argv[i], "--exhaustive") == 0)
			o->exhaustive = true;
		else if (strcmp(argv[i], "--faults") == 0)
			o->faults = true;
		else if (strcmp(argv[i], "--exhaustive-13") == 0)
			o->exhaustive13 = true;
		else if (strcmp(argv[i], "--wild") == 0)
			o->wild = true;
		else if (strcmp(argv[i], "--list") == 0)
			o->list = true;
		else if (i + 1 == argc || !with_value(o, argv[i], argv[i + 1]))
			return false;
		else
			i++;
	}
	if (o->wild && o->schedule.chaos == CHAOS_RANDOM)
		o->schedule.chaos = CHAOS_WILD;
	return !o->one || o->scenario;
}

static int run_one(const struct options *o)
{
	struct world *w = world_open(o->scenario);
	bool good;
	if (!w)
		return 1;
	w->verbose = o->verbose;
	good = world_run(w, &o->schedule);
	if (good)
		printf("%s: ok after %llu datagrams and %llu ms\n", o->scenario->name, (unsigned long long)w->datagrams,
		       (unsigned long long)((w->now_ns - w->start_ns) / SIM_MS));
	else
		printf("%s: %s\n", o->scenario->name, w->inv.what);
	world_close(w);
	return good ? 0 : 1;
}

static void list(void)
{
	for (size_t i = 0; i < num_scenarios; i++)
		printf("%s\n", scenarios[i].name);
}

int main(int argc, char **argv)
{
	struct options o = {.schedules = 10000, .sample = 1, .schedule = {.seed = 1, .swap = NO_SWAP}};
	struct tally tally = {0};
	clock_t began = clock();
	double seconds;
	if (!parse(&o, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	if (o.list) {
		list();
		return 0;
	}
	if (o.corpus)
		return write_corpus(o.corpus) ? 0 : 1;
	if (o.one || o.verbose)
		return run_one(&o);
	if (o.faults)
		run_faults(&tally, o.scenario);
	else if (o.exhaustive)
		run_exhaustive(&tally, o.scenario);
	else if (o.exhaustive13)
		run_exhaustive13(&tally, o.scenario, (unsigned)o.sample);
	else
		run_random(&tally, o.scenario, o.first, o.schedules, o.wild ? CHAOS_WILD : CHAOS_RANDOM);
	seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
	printf("%llu runs, %llu failed, %.0f runs a second\n", (unsigned long long)tally.runs,
	       (unsigned long long)tally.failed, seconds > 0 ? (double)tally.runs / seconds : 0);
	return tally.failed ? 1 : 0;
}
