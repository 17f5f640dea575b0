/* src/connection/pmtud.c: a search against a path that carries so much and no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "connection/pmtud.h"

#define MS UINT64_C(1000000)
#define S (1000 * MS)
#define RTT (20 * MS)
#define NUM(a) (sizeof(a) / sizeof(a)[0])

struct path {
	uint16_t carries;
	unsigned lose; /* so many of those that would arrive, first */
	unsigned probes, longest; /* sent */
	tern_time now;
};

/* All that happens by itself: probes, answers, timers. False when nothing does any more. */
static bool go_on(struct pmtud *p, struct path *path)
{
	uint16_t size = pmtud_wanted(p);
	if (!size) {
		uint64_t deadline = pmtud_deadline(p);
		if (deadline == TERN_NEVER)
			return false;
		path->now.mono_ns = deadline;
		pmtud_tick(p, path->now);
		return true;
	}
	path->probes++;
	path->longest = size > path->longest ? size : path->longest;
	pmtud_sent(p, RTT, path->now);
	assert_true(pmtud_deadline(p) - path->now.mono_ns >= S); /* RFC 8899 5.1.1 */
	if (size <= path->carries && path->lose)
		path->lose--;
	else if (size <= path->carries) {
		path->now.mono_ns += RTT;
		pmtud_arrived(p, path->now);
	}
	return true;
}

static void settle(struct pmtud *p, struct path *path)
{
	for (int i = 0; go_on(p, path); i++)
		assert_true(i < 1000);
}

static void finds_what_is_carried(void **state)
{
	static const struct {
		uint16_t base, max, carries;
	} cases[] = {
		{1200, 1472, 1472}, {1200, 1472, 1471}, {1200, 1472, 1452}, {1200, 1472, 1400}, {1200, 1472, 1372},
		{1200, 1472, 1232}, {1200, 1472, 1200}, {1200, 1472, 1199}, {1200, 1472, 1000}, {1200, 1472, 548},
		{1200, 1472, 508},  {1200, 1472, 300},	{1200, 1472, 96},   {1200, 8972, 8972}, {1200, 8972, 4000},
		{1200, 8972, 1472}, {1200, 8972, 548},	{1200, 1200, 9000}, {1200, 1200, 900},	{548, 1472, 1300},
		{96, 1472, 1472},   {96, 96, 96},	{1200, 1208, 1204},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		uint16_t most = cases[i].carries < cases[i].max ? cases[i].carries : cases[i].max;
		struct path path = {.carries = cases[i].carries};
		struct pmtud p;
		pmtud_start(&p, 96, cases[i].base, cases[i].max);
		assert_int_equal(p.size, cases[i].base);
		settle(&p, &path);
		assert_int_equal(p.state, PMTUD_DONE);
		assert_true(p.size <= most && p.size + PMTUD_STEP >= most);
		assert_true(path.longest <= cases[i].max);
		assert_true(path.probes <= 60);
	}
}

/* Any two of three probes may be lost: RFC 8899 4.1. */
static void stray_losses(void **state)
{
	(void)state;
	for (unsigned lose = 0; lose < PMTUD_MAX_PROBES; lose++) {
		struct path path = {.carries = 1472, .lose = lose};
		struct pmtud p;
		pmtud_start(&p, 96, 1200, 1472);
		settle(&p, &path);
		assert_int_equal(p.size, 1472);
		assert_int_equal(path.probes, 2 + lose);
	}
}

static void found(struct pmtud *p, struct path *path)
{
	*path = (struct path){.carries = 1472};
	pmtud_start(p, 96, 1200, 1472);
	settle(p, path);
	assert_int_equal(p->size, 1472);
	path->probes = 0;
}

static void rests_without_use(void **state)
{
	struct pmtud p;
	struct path path;
	(void)state;
	found(&p, &path);
	assert_int_equal(pmtud_deadline(&p), TERN_NEVER);
	pmtud_used(&p, 100); /* what is short falls into no hole */
	assert_int_equal(pmtud_deadline(&p), TERN_NEVER);
	pmtud_used(&p, 1400);
	settle(&p, &path);
	assert_int_equal(path.probes, 1);
	assert_int_equal(p.size, 1472);
}

static void black_hole(void **state)
{
	static const uint16_t carries[] = {1471, 1300, 1200, 1199, 700, 508, 100};
	(void)state;
	for (size_t i = 0; i < NUM(carries); i++) {
		struct pmtud p;
		struct path path;
		uint64_t since;
		found(&p, &path);
		path.carries = carries[i];
		since = path.now.mono_ns;
		pmtud_used(&p, 1472);
		while (p.size > carries[i] && go_on(&p, &path))
			assert_true(path.now.mono_ns - since <= PMTUD_CONFIRM_NS + 6 * S + RTT);
		settle(&p, &path);
		assert_true(p.size <= carries[i] && p.size + PMTUD_STEP >= carries[i]);
	}
}

/* A peer that is gone says nothing about sizes. */
static void silence(void **state)
{
	struct pmtud p;
	struct path path;
	(void)state;
	found(&p, &path);
	path.carries = 0;
	pmtud_used(&p, 1472);
	settle(&p, &path);
	assert_int_equal(p.state, PMTUD_SILENT);
	assert_int_equal(p.size, 1200);
	path.carries = 1472;
	path.probes = 0;
	pmtud_used(&p, 1000);
	settle(&p, &path);
	assert_int_equal(p.size, 1472);
	assert_int_equal(path.probes, 2);
}

static void looks_for_more_later(void **state)
{
	struct pmtud p;
	struct path path = {.carries = 1300};
	uint64_t since;
	(void)state;
	pmtud_start(&p, 96, 1200, 1472);
	settle(&p, &path);
	assert_true(p.size <= 1300);
	path.carries = 1472;
	since = path.now.mono_ns;
	for (int i = 0; i < 100 && p.size < 1472; i++) {
		pmtud_used(&p, 1200);
		settle(&p, &path);
	}
	assert_int_equal(p.size, 1472);
	assert_true(path.now.mono_ns - since >= PMTUD_RAISE_NS);
	assert_true(path.now.mono_ns - since <= PMTUD_RAISE_NS + PMTUD_CONFIRM_NS + S);
}

static void limited(void **state)
{
	struct pmtud p;
	struct path path;
	(void)state;
	found(&p, &path);
	pmtud_limit(&p, 1400);
	assert_int_equal(p.size, 1400);
	pmtud_limit(&p, 1460); /* no news */
	pmtud_used(&p, 1400);
	settle(&p, &path);
	assert_int_equal(p.size, 1400);
	pmtud_limit(&p, 1000);
	assert_int_equal(p.size, 1000);
	assert_int_equal(p.base, 1000);
	/* While it searches, and while it confirms. */
	pmtud_start(&p, 96, 1200, 1472);
	pmtud_limit(&p, 1100);
	assert_int_equal(pmtud_wanted(&p), 1100);
	settle(&p, &path);
	assert_int_equal(p.size, 1100);
	pmtud_start(&p, 96, 1200, 1472);
	assert_true(go_on(&p, &path));
	assert_int_equal(pmtud_wanted(&p), 1472);
	pmtud_limit(&p, 1300);
	path.longest = 0;
	settle(&p, &path);
	assert_true(p.size <= 1300 && p.size + PMTUD_STEP >= 1300 && path.longest <= 1300);
}

/* What is answered later than its timer still counts; what is not asked does not. */
static void late_and_unasked(void **state)
{
	struct pmtud p;
	tern_time now = {0};
	(void)state;
	pmtud_start(&p, 96, 1200, 1472);
	pmtud_sent(&p, 0, now);
	now.mono_ns += 2 * S;
	pmtud_tick(&p, now);
	assert_int_equal(pmtud_wanted(&p), 1200);
	pmtud_arrived(&p, now);
	assert_int_equal(p.state, PMTUD_SEARCH);
	pmtud_start(&p, 96, 1200, 1200);
	pmtud_sent(&p, 0, now);
	pmtud_arrived(&p, now);
	assert_int_equal(p.state, PMTUD_DONE);
	pmtud_arrived(&p, now);
	assert_int_equal(p.size, 1200);
}

/* A long round trip makes for a long timer, and no time is too late. */
static void timers(void **state)
{
	struct pmtud p;
	(void)state;
	pmtud_start(&p, 96, 1200, 1472);
	pmtud_sent(&p, 2 * S, (tern_time){.mono_ns = 5 * S});
	assert_int_equal(pmtud_deadline(&p), 11 * S);
	pmtud_start(&p, 96, 1200, 1472);
	pmtud_sent(&p, UINT64_MAX, (tern_time){.mono_ns = UINT64_MAX - 5});
	assert_int_equal(pmtud_deadline(&p), TERN_NEVER - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_is_carried),
		cmocka_unit_test(stray_losses),
		cmocka_unit_test(rests_without_use),
		cmocka_unit_test(black_hole),
		cmocka_unit_test(silence),
		cmocka_unit_test(looks_for_more_later),
		cmocka_unit_test(limited),
		cmocka_unit_test(late_and_unasked),
		cmocka_unit_test(timers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
