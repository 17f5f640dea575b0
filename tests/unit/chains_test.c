#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "count_heap.h"
#include "crypto_check.h"
#include "handshake/chains.h"

static const struct provider *const p = &provider_stub;

#define S UINT64_C(1000000000)
#define START ((tern_time){5 * S, 1000000})

struct bench {
	struct count_heap heap;
	tern_allocator allocator;
	struct crypto *c;
	struct chains *chains;
};

static void open_bench(struct bench *b, size_t num)
{
	*b = (struct bench){.heap = {.live = 0}};
	b->allocator = count_heap_allocator(&b->heap);
	check_error("open", p->open(&b->c, &b->allocator), TERN_OK);
	check_error("new", chains_new(&b->chains, p, b->c, &b->allocator, num), TERN_OK);
}

static void close_bench(struct bench *b)
{
	chains_free(b->chains);
	p->close(b->c);
	assert_int_equal(b->heap.live, 0);
}

static void id_of(unsigned i, uint8_t id[CHAIN_ID_LEN])
{
	memset(id, 0, CHAIN_ID_LEN);
	id[CHAIN_ID_LEN - 1] = (uint8_t)i;
}

/* A chain that nobody but chains holds afterwards. */
static struct peer_chain *note(struct bench *b, unsigned i, int64_t expires_unix_s, tern_time now)
{
	struct span leaf = text_span("E leaf");
	struct peer_chain *peer;
	uint8_t id[CHAIN_ID_LEN];
	id_of(i, id);
	check_error("parse", p->chain_parse(b->c, &peer, &leaf, 1, false), TERN_OK);
	chains_note(b->chains, id, peer, expires_unix_s, now);
	p->chain_free(b->c, peer);
	return peer;
}

static bool found(struct bench *b, unsigned i, tern_time now)
{
	uint8_t id[CHAIN_ID_LEN];
	struct peer_chain *peer;
	id_of(i, id);
	peer = chains_find(b->chains, id, now);
	p->chain_free(b->c, peer);
	return peer != NULL;
}

static void test_time(void **state)
{
	static const struct {
		const char *name;
		int64_t unix_s, mono_s, expires;
		bool holds;
	} cases[] = {
		{"at once", 0, 0, INT64_MAX, true},
		{"to the last second", 3599, 3599, INT64_MAX, true},
		{"an hour", 3600, 0, INT64_MAX, false},
		{"an hour of the other clock", 0, 3600, INT64_MAX, false},
		{"one clock back", -1, 0, INT64_MAX, false},
		{"the other clock back", 0, -1, INT64_MAX, false},
		{"before its end", 9, 0, 1000010, true},
		{"at its end", 10, 0, 1000010, false},
		{"far future", INT64_MAX - 1000000, 0, INT64_MAX, false},
		{"far past", INT64_MIN + 1, 0, INT64_MAX, false},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct bench b;
		tern_time now = START;
		open_bench(&b, 2);
		(void)note(&b, 1, cases[i].expires, now);
		now.unix_s = cases[i].unix_s < -1 ? cases[i].unix_s : now.unix_s + cases[i].unix_s;
		now.mono_ns += (uint64_t)cases[i].mono_s * S;
		check_true(cases[i].name, found(&b, 1, now) == cases[i].holds);
		/* What did not hold is gone, whatever the clocks say next. */
		check_true(cases[i].name, found(&b, 1, START) == cases[i].holds);
		close_bench(&b);
	}
}

/* The one unused for longest gives way. */
static void test_bound(void **state)
{
	struct bench b;
	size_t full;
	(void)state;
	open_bench(&b, 3);
	for (unsigned i = 0; i < 3; i++)
		(void)note(&b, i, INT64_MAX, START);
	full = b.heap.live;
	assert_true(found(&b, 0, START));
	(void)note(&b, 3, INT64_MAX, START);
	assert_true(found(&b, 0, START) && !found(&b, 1, START) && found(&b, 2, START) && found(&b, 3, START));
	for (unsigned i = 4; i < 200; i++)
		(void)note(&b, i, INT64_MAX, START);
	assert_int_equal(b.heap.live, full);
	assert_true(found(&b, 199, START) && found(&b, 197, START) && !found(&b, 196, START));
	(void)note(&b, 199, INT64_MAX, START);
	assert_int_equal(b.heap.live, full);
	assert_true(found(&b, 197, START));
	close_bench(&b);
	assert_int_equal(chains_new(&b.chains, p, b.c, &b.allocator, 0), TERN_ERROR_USAGE);
	assert_int_equal(chains_new(&b.chains, p, b.c, &b.allocator, CHAINS_MAX + 1), TERN_ERROR_USAGE);
	chains_free(NULL);
}

/* What was found stays with who found it. */
static void test_references(void **state)
{
	struct bench b;
	struct peer_chain *peer, *noted;
	uint8_t id[CHAIN_ID_LEN];
	(void)state;
	open_bench(&b, 1);
	noted = note(&b, 7, INT64_MAX, START);
	id_of(7, id);
	peer = chains_find(b.chains, id, START);
	assert_ptr_equal(peer, noted);
	(void)note(&b, 8, INT64_MAX, START);
	assert_int_equal(p->chain_key_type(peer), KEY_P256);
	chains_note(b.chains, id, peer, INT64_MAX, START); /* the same once more */
	p->chain_free(b.c, peer);
	assert_true(found(&b, 7, START) && !found(&b, 8, START));
	close_bench(&b);
}

/* Everything that a check depends on makes another id, and so does where one certificate ends. */
static void test_id(void **state)
{
	static const struct {
		const char *parts[3];
		enum purpose purpose;
		uint8_t settings;
	} cases[] = {
		{{"ab"}, PURPOSE_SERVER, 0},	  {{"ab"}, PURPOSE_CLIENT, 0},
		{{"ab"}, PURPOSE_SERVER, 1},	  {{"ac"}, PURPOSE_SERVER, 0},
		{{"a", "b"}, PURPOSE_SERVER, 0},  {{"ab", "c"}, PURPOSE_SERVER, 0},
		{{"a", "bc"}, PURPOSE_SERVER, 0}, {{"a", "b", "c"}, PURPOSE_SERVER, 0},
	};
	uint8_t ids[NUM(cases)][CHAIN_ID_LEN], settings[16] = {0}, again[CHAIN_ID_LEN];
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct span chain[3];
		size_t n = 0;
		for (; n < 3 && cases[i].parts[n]; n++)
			chain[n] = text_span(cases[i].parts[n]);
		settings[15] = cases[i].settings;
		chains_id(&provider_libcrypto, settings, cases[i].purpose, chain, n, ids[i]);
		chains_id(&provider_libcrypto, settings, cases[i].purpose, chain, n, again);
		assert_memory_equal(ids[i], again, sizeof again);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(ids[i], ids[k], CHAIN_ID_LEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_id),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
