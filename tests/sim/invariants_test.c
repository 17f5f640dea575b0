/* The simulator under test: what is broken must be noticed, and a run must repeat itself. */
#include "sim/invariants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "sim/world.h"

static const struct scenario plain = {.name = "plain", .certificate = "E server.sim"};
static const struct scenario without_replay = {.name = "without replay detection",
					       .flags = SIM_NO_REPLAY,
					       .certificate = "E server.sim"};
static const struct scenario plain13 = {.name = "plain 1.3", .versions = SIM_13, .certificate = "E server.sim"};
static const struct scenario without_replay13 = {.name = "1.3 without replay detection",
						 .versions = SIM_13,
						 .flags = SIM_NO_REPLAY,
						 .certificate = "E server.sim"};
/* ---- sabotage, done while a datagram is on its way ---- */

static void repeat_nonce(void *user, unsigned to, struct buffer *b, struct fate *fate)
{
	struct world *w = user;
	(void)to;
	(void)b;
	(void)fate;
	w->inv.repeat_nonce = w->datagrams > 6;
}

static void sign_again(void *user, unsigned to, struct buffer *b, struct fate *fate)
{
	struct world *w = user;
	(void)to;
	(void)b;
	(void)fate;
	w->inv.signs[SERVER]++;
}

static void take_memory(void *user, unsigned to, struct buffer *b, struct fate *fate)
{
	struct world *w = user;
	(void)to;
	(void)b;
	(void)fate;
	w->hosts[SERVER].memory.live += 20000;
}

static void leak_memory(void *user, unsigned to, struct buffer *b, struct fate *fate)
{
	struct world *w = user;
	(void)to;
	(void)b;
	(void)fate;
	if (w->datagrams == 1)
		w->hosts[CLIENT].memory.live += 1;
}

static void lose_all(void *user, unsigned to, struct buffer *b, struct fate *fate)
{
	(void)user;
	(void)to;
	(void)b;
	fate->copies = 0;
}

static void double_all(void *user, unsigned to, struct buffer *b, struct fate *fate)
{
	(void)user;
	(void)to;
	(void)b;
	*fate = (struct fate){.copies = 2, .delay_ns = {LINK_DELAY_NS, LINK_DELAY_NS}};
}

/* Another server's exporter: the keys are the same, what is compared is not. */
static void confuse_exporters(void *user, unsigned to, struct buffer *b, struct fate *fate)
{
	struct world *w = user;
	(void)to;
	(void)b;
	(void)fate;
	w->hosts[SERVER].peers[0].exporter[31] = (uint8_t)~w->hosts[CLIENT].peers[0].exporter[31];
}

static void write_ahead(void *user, unsigned to, struct buffer *b, struct fate *fate)
{
	struct world *w = user;
	(void)to;
	(void)b;
	(void)fate;
	if (world_agrees(w))
		w->hosts[CLIENT].peers[0].conn->write_epoch = 9;
}

static void kill_handshake(void *user, unsigned to, struct buffer *b, struct fate *fate)
{
	struct world *w = user;
	(void)to;
	(void)fate;
	if (w->datagrams == 4)
		b->bytes[40] ^= 1;
}

static void test_sabotage(void **state)
{
	static const struct {
		const char *name;
		const struct scenario *scenario;
		void (*meddle)(void *, unsigned, struct buffer *, struct fate *);
		const char *says;
	} cases[] = {
		{"nothing", &plain, NULL, ""},
		{"replay detection does its work", &plain, double_all, ""},
		{"nonce twice", &plain, repeat_nonce, "used twice"},
		{"no replay detection", &without_replay, double_all, "delivered twice"},
		{"second signature", &plain, sign_again, "signatures for"},
		{"too much memory", &plain, take_memory, "bytes are live"},
		{"leak", &plain, leak_memory, "still live after"},
		{"exporters differ", &plain, confuse_exporters, "no key in common"},
		{"connection dies", &plain, kill_handshake, "ended"},
		{"nothing, 1.3", &plain13, NULL, ""},
		{"replay detection does its work, 1.3", &plain13, double_all, ""},
		{"nonce twice, 1.3", &plain13, repeat_nonce, "used twice"},
		{"no replay detection, 1.3", &without_replay13, double_all, "delivered twice"},
		{"second signature, 1.3", &plain13, sign_again, "signatures for"},
		{"epoch ahead of the peer, 1.3", &plain13, write_ahead, "its peer reads up to"},
		{"never done", &plain, lose_all, "not connected"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct schedule s = {.seed = 1, .swap = NO_SWAP};
		struct world *w = world_open(cases[i].scenario);
		bool good;
		assert_non_null(w);
		w->meddle = cases[i].meddle;
		w->meddler = w;
		good = world_run(w, &s);
		if (good != (cases[i].says[0] == 0) || !strstr(w->inv.what, cases[i].says))
			fail_msg("%s: \"%s\"", cases[i].name, w->inv.what);
		world_close(w);
	}
}

static void test_data(void **state)
{
	static struct invariants inv;
	uint8_t message[40];
	(void)state;
	invariants_start(&inv);
	assert_true(data_make(&inv, 7, CLIENT, message, sizeof message));
	data_arrived(&inv, 7, SERVER, message, sizeof message);
	assert_false(inv.failed);
	data_arrived(&inv, 7, SERVER, message, sizeof message);
	assert_true(inv.failed);

	invariants_start(&inv);
	assert_true(data_make(&inv, 7, CLIENT, message, sizeof message));
	message[39] ^= 1;
	data_arrived(&inv, 7, SERVER, message, sizeof message);
	assert_true(inv.failed);

	invariants_start(&inv);
	assert_true(data_make(&inv, 7, CLIENT, message, sizeof message));
	data_arrived(&inv, 7, CLIENT, message, sizeof message); /* back at its sender */
	assert_true(inv.failed);

	invariants_start(&inv);
	assert_true(data_make(&inv, 7, CLIENT, message, sizeof message));
	data_arrived(&inv, 8, SERVER, message, sizeof message); /* in another association */
	assert_true(inv.failed);
}

static void test_listen(void **state)
{
	static struct invariants inv;
	(void)state;
	invariants_start(&inv);
	listened(&inv, 100, 300, false);
	listened(&inv, 10, 5000, true);
	assert_false(inv.failed);
	listened(&inv, 100, 301, false);
	assert_true(inv.failed);
}

static void test_addresses(void **state)
{
	static struct invariants inv;
	(void)state;
	invariants_start(&inv);
	address_sent(&inv, 0, 5000); /* where the handshake was */
	address_heard(&inv, 1, 100);
	address_sent(&inv, 1, 300);
	address_proved(&inv, 1);
	address_sent(&inv, 1, 5000);
	address_heard(&inv, 2, 100);
	address_sent(&inv, 2, 300);
	assert_false(inv.failed);
	address_sent(&inv, 2, 1);
	assert_true(inv.failed);
	invariants_start(&inv);
	address_heard(&inv, 1, 100);
	address_proved(&inv, 1); /* nothing was asked there */
	assert_true(inv.failed);
	invariants_start(&inv);
	address_heard(&inv, ADDRESSES, 1);
	assert_true(inv.failed);
}

static void test_window(void **state)
{
	static struct invariants inv;
	static tern_conn conn;
	struct window_mark mark;
	(void)state;
	conn.records.in.epoch = 1;
	invariants_start(&inv);
	mark = window_before(&inv, &conn);
	window_after(&inv, &mark, &conn);
	assert_false(inv.failed);
	conn.records.in.window.next++;
	window_after(&inv, &mark, &conn);
	assert_true(inv.failed);

	invariants_start(&inv);
	mark = window_before(&inv, &conn);
	conn.records.in.opened++;
	window_after(&inv, &mark, &conn);
	assert_true(inv.failed);
}

static void test_allocator(void **state)
{
	static struct invariants inv;
	struct memory m = {.inv = &inv};
	tern_allocator heap = memory_allocator(&m);
	void *p;
	(void)state;
	invariants_start(&inv);
	p = heap.alloc(heap.user, 10);
	assert_int_equal(m.live, 10);
	heap.free(heap.user, p, 10);
	assert_false(inv.failed);
	p = heap.alloc(heap.user, 10);
	heap.free(heap.user, p, 11);
	assert_true(inv.failed);
	assert_int_equal(m.live, 0);
}

/* A record that came more than once is sealed as often to restore its bytes, whoever sealed it first; that is no second
 * use of its nonce. Another record under it is. */
static void test_nonces(void **state)
{
	static struct invariants inv;
	struct memory m = {.inv = &inv};
	const tern_allocator heap = memory_allocator(&m);
	const uint8_t key[AEAD_KEY_MAX] = {1}, nonce[AEAD_NONCE] = {2};
	const struct provider *p, *server;
	uint8_t record[8 + AEAD_TAG_MAX] = {3}, came[sizeof record];
	struct aead_key *theirs, *ours;
	struct crypto *c;
	(void)state;
	invariants_start(&inv);
	watch(&inv, &p, &server);
	assert_int_equal(p->open(&c, &heap), TERN_OK);
	assert_int_equal(provider_stub.aead_new(c, &theirs), TERN_OK);
	assert_int_equal(p->aead_new(c, &ours), TERN_OK);
	assert_int_equal(provider_stub.aead_set(theirs, &aead_algs[AEAD_AES_128_GCM], key, NULL), TERN_OK);
	assert_int_equal(p->aead_set(ours, &aead_algs[AEAD_AES_128_GCM], key, NULL), TERN_OK);
	assert_int_equal(provider_stub.aead_seal(theirs, nonce, span_of(NULL, 0), came, record, 8), TERN_OK);
	for (int i = 0; i < 3; i++) {
		memcpy(record, came, sizeof record);
		assert_true(p->aead_open(ours, nonce, span_of(NULL, 0), record, sizeof record));
		assert_int_equal(p->aead_seal(ours, nonce, span_of(NULL, 0), record, record, 8), TERN_OK);
		assert_memory_equal(record, came, sizeof record);
		assert_false(inv.failed);
	}
	assert_int_equal(p->aead_set(ours, &aead_algs[AEAD_AES_128_GCM], key, NULL), TERN_OK);
	assert_int_equal(p->aead_seal(ours, nonce, span_of(NULL, 0), record, record, 8), TERN_OK);
	assert_false(inv.failed);
	assert_int_equal(p->aead_seal(ours, nonce, span_of(NULL, 0), record, record, 8), TERN_OK);
	assert_true(inv.failed);
	provider_stub.aead_free(c, theirs);
	p->aead_free(c, ours);
	p->close(c);
}

/* ---- runs repeat themselves ---- */

static void note_datagram(void *user, unsigned to, struct buffer *b, struct fate *fate)
{
	uint64_t *sum = user;
	for (size_t i = 0; i < b->n; i++)
		*sum = *sum * 31 + b->bytes[i];
	*sum = *sum * 31 + to + fate->copies;
}

static uint64_t sum_of(struct world *w, uint64_t seed)
{
	struct schedule s = {.seed = seed, .chaos = CHAOS_RANDOM, .swap = NO_SWAP};
	uint64_t sum = 0;
	w->meddle = note_datagram;
	w->meddler = &sum; /* cppcheck-suppress autoVariables ; taken back below */
	assert_true(world_run(w, &s));
	w->meddle = NULL;
	w->meddler = NULL;
	return sum;
}

/* In any order, and in a world of its own. */
static void test_repeats(void **state)
{
	(void)state;
	for (size_t i = 0; i < num_scenarios; i++) {
		struct world *w = world_open(&scenarios[i]);
		uint64_t one, two, again, elsewhere;
		assert_non_null(w);
		one = sum_of(w, 1);
		two = sum_of(w, 2);
		again = sum_of(w, 1);
		world_close(w);
		w = world_open(&scenarios[i]);
		elsewhere = sum_of(w, 1);
		world_close(w);
		if (one != again || one != elsewhere || one == two)
			fail_msg("%s does not repeat itself, or always does the same", scenarios[i].name);
	}
}

/* Scenarios whose point is something rare must really do it. */
static void test_does_what_it_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < num_scenarios; i++) {
		unsigned flags = scenarios[i].flags;
		struct world *w = world_open(&scenarios[i]);
		uint64_t answers = 0, forgeries = 0, losses = 0, restarts = 0;
		assert_non_null(w);
		for (uint64_t seed = 0; seed < 20; seed++) {
			struct schedule s = {.seed = seed, .swap = NO_SWAP};
			assert_true(world_run(w, &s));
			answers += w->answers;
			forgeries += w->forgeries_left < 50;
			losses += w->losses_left == 0;
			restarts += w->restarts_left == 0;
		}
		world_close(w);
		if (((flags & (SIM_LATE_SIGN | SIM_LATE_VERIFY | SIM_LATE_PSK | SIM_LATE_STORE)) && answers < 10) ||
		    ((flags & SIM_GARBAGE) && forgeries < 5) || losses < 20 || restarts < 20)
			fail_msg("%s: %d answers, %d runs with forgeries, %d with losses", scenarios[i].name,
				 (int)answers, (int)forgeries, (int)losses);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sabotage),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_listen),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_allocator),
		cmocka_unit_test(test_nonces),
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_does_what_it_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
