/* The simulator under test: an end that no fault explains must be noticed, and so must a peer that is left waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/world.h"

static const struct scenario plain = {.name = "plain", .certificate = "E server.sim"};
static const struct scenario plain13 = {.name = "plain 1.3", .versions = SIM_13, .certificate = "E server.sim"};

static void nothing(void *user, unsigned to, struct buffer *b, struct fate *fate)
{
	(void)user;
	(void)to;
	(void)b;
	(void)fate;
}

static void change_hello(void *user, unsigned to, struct buffer *b, struct fate *fate)
{
	const struct world *w = user;
	(void)to;
	(void)fate;
	if (w->datagrams == 4)
		b->bytes[40] ^= 1;
}

/* After the failure, nothing of the server's arrives. */
static void lose_alert(void *user, unsigned to, struct buffer *b, struct fate *fate)
{
	const struct world *w = user;
	(void)b;
	if (to == CLIENT && w->ended_ns)
		*fate = (struct fate){0};
}

static void blame_nobody(void *user, unsigned to, struct buffer *b, struct fate *fate)
{
	struct world *w = user;
	nothing(user, to, b, fate);
	w->hosts[SERVER].memory.faults.happened = false;
}

static void sabotage(void **state)
{
	static const struct {
		const char *name;
		const struct scenario *scenario;
		struct fault fault;
		void (*meddle)(void *, unsigned, struct buffer *, struct fate *);
		const char *says;
	} cases[] = {
		{"nothing", &plain, {FAULT_NONE, 0, 0}, nothing, ""},
		{"a changed hello", &plain, {FAULT_NONE, 0, 0}, change_hello, "does not explain"},
		{"a signature that fails", &plain, {FAULT_SIGN, SERVER, 1}, nothing, ""},
		{"it fails, and nobody hears of it", &plain, {FAULT_SIGN, SERVER, 1}, lose_alert, "not get to know"},
		{"it fails for no reason", &plain, {FAULT_SIGN, SERVER, 1}, blame_nobody, "does not explain"},
		{"1.3: a signature that fails", &plain13, {FAULT_SIGN, SERVER, 1}, nothing, ""},
		{"1.3: it fails, and nobody hears of it",
		 &plain13,
		 {FAULT_SIGN, SERVER, 1},
		 lose_alert,
		 "not get to know"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct schedule s = {.seed = 2, .chaos = CHAOS_FAULT, .swap = NO_SWAP, .fault = cases[i].fault};
		struct world *w = world_open(cases[i].scenario);
		assert_non_null(w);
		w->meddle = cases[i].meddle;
		w->meddler = w;
		(void)world_run(w, &s);
		if (w->inv.failed != (cases[i].says[0] != 0) || !strstr(w->inv.what, cases[i].says))
			fail_msg("%s: \"%s\"", cases[i].name, w->inv.what);
		world_close(w);
	}
}

static void names(void **state)
{
	enum fault_kind kind;
	(void)state;
	for (int i = FAULT_NONE + 1; i < NUM_FAULTS; i++) {
		const char *name = fault_name((enum fault_kind)i);
		assert_true(fault_by_name(name, strlen(name), &kind));
		assert_int_equal(kind, i);
		assert_false(fault_explains((enum fault_kind)i, TERN_OK));
		assert_false(fault_explains((enum fault_kind)i, TERN_ERROR_INTERNAL));
	}
	assert_false(fault_by_name("nothing", 7, &kind));
	assert_true(fault_explains(FAULT_MEMORY, TERN_ERROR_BUDGET));
	assert_false(fault_explains(FAULT_SEAL, TERN_ERROR_BUDGET));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sabotage),
		cmocka_unit_test(names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
