/* malice - thousands of misdeeds, each with what must come of it. */
#include <stdio.h>
#include <stdlib.h>

#include "malice/malice.h"

static const char usage[] = "usage: malice [--scenario NAME] [--group NAME] [--hellos N]\n"
			    "       malice --case NAME [-v]     one case again, with a ladder\n"
			    "       malice --list               the names of all cases\n";

static const struct {
	const char *name;
	bool ids_only; /* of the rest its like has enough */
} chosen[] = {
	{"full", false},
	{"no-cookie", false},
	{"mutual", false},
	{"psk", false},
	{"psk-hint", false},
	{"ecdhe-psk", false},
	{"ticket", false},
	{"store", false},
	{"raw-keys", false},
	{"13-full", false},
	{"13-no-cookie", false},
	{"13-mutual", false},
	{"13-psk", false},
	{"13-psk-ke", false},
	{"13-ticket", false},
	{"13-ticket-psk", false},
	{"13-group", false},
	{"13-group-cookie", false},
	{"both", false},
	{"old-server", false},
	{"old-client", false},
	{"13-early", false},
	{"13-early-refused", false},
	{"13-compressed-mutual", false},
	{"13-psk-imported", false},
	{"13-request-mutual", false},
	{"cid", false},
	{"13-cid", false},
	{"cid-basic", true},
	{"13-cid-basic", true},
	{"cid-server", true},
	{"13-cid-client", true},
};
#define NUM_CHOSEN (sizeof chosen / sizeof chosen[0])

static const struct group {
	const char *name;
	cases_fn *cases;
} groups[] = {
	{"plain-message", plain_message_cases},
	{"content", content_cases},
	{"replay", replay_cases},
	{"hello", hello_cases},
	{"tamper", tamper_cases},
	{"flip", flip_cases},
	{"sealed-message", sealed_message_cases},
	{"sealed-content", sealed_content_cases},
	{"script", twist_cases},
	{"script2", twist_pair_cases},
	{"pattern", pattern_cases},
	{"id", id_cases},
	{"check", check_cases},
};
#define NUM_GROUPS (sizeof groups / sizeof groups[0])

struct options {
	const char *scenario, *group, *one;
	bool list, verbose;
	uint64_t hellos;
};

struct tally {
	const struct options *options;
	unsigned passed, failed;
};

static void count(struct tally *t, bool good)
{
	t->passed += good;
	t->failed += !good;
}

static void run_case(void *user, struct course *course, const struct malice_case *c)
{
	struct tally *t = user;
	const struct options *o = t->options;
	bool counted, good;
	if (c->due.void_case || (o->one && strcmp(o->one, c->name) != 0))
		return;
	if (o->list) {
		printf("%s\n", c->name);
		return;
	}
	good = stage_run(course, c, o->verbose, &counted);
	if (counted)
		count(t, good);
	if (!good)
		printf("  replay: build/malice --case %s -v\n", c->name);
}

static bool wanted(const char *filter, const char *name)
{
	return !filter || strcmp(filter, name) == 0;
}

static bool starts_with(const char *text, const char *start)
{
	size_t n = strlen(start);
	return strncmp(text, start, n) == 0 && text[n] == '/';
}

static bool is_about_ids(const struct group *g)
{
	return g->cases == id_cases || g->cases == check_cases;
}

static void run_scenario(struct tally *t, const char *name, bool ids_only)
{
	const struct options *o = t->options;
	struct course *course;
	if (!wanted(o->scenario, name) || (o->one && !starts_with(o->one, name)))
		return;
	course = course_open(scenario_by_name(name));
	if (!course) {
		count(t, false);
		return;
	}
	for (size_t i = 0; i < NUM_GROUPS; i++) {
		struct tally before = *t;
		if (!wanted(o->group, groups[i].name) || (ids_only && !is_about_ids(&groups[i])))
			continue;
		groups[i].cases(course, run_case, t);
		if (!o->one && !o->list && o->verbose)
			printf("%s/%s: %u passed, %u failed\n", name, groups[i].name, t->passed - before.passed,
			       t->failed - before.failed);
	}
	course_close(course);
}

/* What needs no handshake. */
static void run_others(struct tally *t)
{
	const struct options *o = t->options;
	unsigned cases = 0;
	if (o->one || o->list || o->scenario || o->group)
		return;
	count(t, spoofed_hellos(o->hellos));
	count(t, cookie_replays(&cases));
	count(t, pieces(&cases));
	t->passed += cases;
}

static bool parse(struct options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (strcmp(argv[i], "-v") == 0) {
			o->verbose = true;
			continue;
		}
		if (strcmp(argv[i], "--list") == 0) {
			o->list = true;
			continue;
		}
		if (!value)
			return false;
		if (strcmp(argv[i], "--case") == 0)
			o->one = value;
		else if (strcmp(argv[i], "--scenario") == 0)
			o->scenario = value;
		else if (strcmp(argv[i], "--group") == 0)
			o->group = value;
		else if (strcmp(argv[i], "--hellos") == 0)
			o->hellos = strtoull(value, NULL, 10);
		else
			return false;
		i++;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct options o = {.hellos = 1000000};
	struct tally t = {.options = &o};
	if (!parse(&o, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	for (size_t i = 0; i < NUM_CHOSEN; i++)
		run_scenario(&t, chosen[i].name, chosen[i].ids_only);
	run_others(&t);
	if (!o.list)
		printf("%u passed, %u failed, 0 skipped\n", t.passed, t.failed);
	return t.failed || (!o.list && !t.passed) ? 1 : 0;
}
