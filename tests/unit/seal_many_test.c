/* Records sealed side by side: what arrives, how many are taken, and what ends a batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "usual_pair.h"

#define LONG_TIME (UINT64_C(300) * 1000000000)
#define MANY 12
#define ROOM 16384

static const struct {
	tern_protocol version;
	const char *suite;
	unsigned cid; /* length of the server's connection ID; 0: none is asked for */
} cases[] = {
	{TERN_DTLS12, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0},
	{TERN_DTLS12, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", 0},
	{TERN_DTLS12, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", 0},
	{TERN_DTLS12, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 8},
	{TERN_DTLS13, "TLS_AES_256_GCM_SHA384", 0},
	{TERN_DTLS13, "TLS_CHACHA20_POLY1305_SHA256", 0},
	{TERN_DTLS13, "TLS_AES_128_CCM_8_SHA256", 0},
	{TERN_DTLS13, "TLS_AES_128_GCM_SHA256", 20},
};

static unsigned traced;
static size_t traced_bytes;
static void count_sent(void *user, const tern_conn *conn, const tern_trace *t)
{
	(void)user;
	(void)conn;
	traced += t->kind == TERN_TRACE_SENT && t->content_type == CONTENT_APPLICATION_DATA;
	traced_bytes += t->kind == TERN_TRACE_SENT && t->content_type == CONTENT_APPLICATION_DATA ? t->length : 0;
}

static void connect_with(struct pair *p, size_t i)
{
	tern_config *c[2];
	usual_configs(c);
	for (int role = 0; role < 2; role++) {
		OK(tern_config_set_versions(c[role], cases[i].version, cases[i].version));
		OK(tern_config_set_suites(c[role], cases[i].suite));
		OK(tern_config_set_groups(c[role],
					  "secp256r1")); /* a hello of one datagram, of which nothing is dropped */
		OK(tern_config_set_trace(c[role], count_sent, NULL));
		if (cases[i].cid)
			OK(tern_config_set_cid_length(c[role], role == SERVER ? cases[i].cid : 0));
	}
	pair_init(p, c[CLIENT], c[SERVER]);
	pair_dial(p, "a.test", span_of(NULL, 0));
	pair_run(p, LONG_TIME);
	if (!pair_connected(p))
		fail_msg("%s: no connection", cases[i].suite);
	pair_settle(p);
}

static uint8_t text[MANY][1200];

/* Lengths, -1 at the end; how many of them make one batch. */
static const struct {
	const char *name;
	int lengths[MANY];
	size_t taken;
} batches[] = {
	{"one", {100, -1}, 1},
	{"equal", {1000, 1000, 1000, 1000, 1000, -1}, 5},
	{"a shorter one ends it", {300, 300, 299, -1}, 3},
	{"and is the last", {300, 300, 1, 300, -1}, 3},
	{"a longer one is not taken", {300, 300, 301, 300, -1}, 2},
	{"an empty one ends it", {8, 8, 0, 8, -1}, 3},
	{"all empty", {0, 0, 0, -1}, 3},
	{"shorter than padding makes them", {2, 2, 1, -1}, 3},
};

static size_t make_data(tern_bytes *data, const int *lengths)
{
	size_t n = 0;
	for (; lengths[n] >= 0; n++) {
		memset(text[n], (int)(n + 1), sizeof text[n]);
		data[n] = (tern_bytes){text[n], (size_t)lengths[n]};
	}
	return n;
}

static void check_arrival(struct pair *p, const char *name, uint8_t *out, const tern_batch *b, const tern_bytes *data)
{
	struct side *to = &p->side[SERVER];
	for (size_t i = 0; i < b->num; i++) {
		size_t at = i * b->segment, n = i + 1 < b->num ? b->segment : b->total - at;
		to->data_len = SIZE_MAX;
		pair_feed(p, SERVER, out + at, n);
		if (to->data_len != data[i].len || memcmp(to->data, data[i].data, data[i].len) != 0)
			fail_msg("%s: datagram %zu did not arrive", name, i);
	}
}

static void check_batch(struct pair *p, const char *suite, size_t i)
{
	static uint8_t out[ROOM + 1];
	tern_bytes data[MANY];
	size_t num = make_data(data, batches[i].lengths), cap;
	tern_conn *conn = p->side[CLIENT].conn;
	tern_batch b;
	char name[128];
	snprintf(name, sizeof name, "%s, %s", suite, batches[i].name);
	traced = 0;
	traced_bytes = 0;
	memset(out, 0xa5, sizeof out);
	check_is(name, tern_conn_seal_many(conn, out, ROOM, &b, data, num, p->now), TERN_OK);
	if (b.num != batches[i].taken || b.total > b.num * b.segment || b.total <= (b.num - 1) * b.segment)
		fail_msg("%s: %zu taken, %zu bytes of %zu", name, b.num, b.total, b.segment);
	if (out[b.total] != 0xa5)
		fail_msg("%s: written behind the end", name);
	if (traced != b.num || traced_bytes != b.total)
		fail_msg("%s: %u traced", name, traced);
	check_arrival(p, name, out, &b, data);
	/* A byte less than all of them need. */
	cap = b.total - 1;
	out[cap] = 0xa5;
	if (b.num == 1) {
		check_is(name, tern_conn_seal_many(conn, out, cap, &b, data, num, p->now), TERN_ERROR_BUFFER_TOO_SMALL);
		assert_int_equal(b.num, 0);
		return;
	}
	check_is(name, tern_conn_seal_many(conn, out, cap, &b, data, num, p->now), TERN_OK);
	if (b.num != batches[i].taken - 1 || b.total != b.num * b.segment || out[cap] != 0xa5)
		fail_msg("%s: %zu into %zu bytes", name, b.num, cap);
	check_arrival(p, name, out, &b, data);
}

static void they_arrive(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct pair p;
		connect_with(&p, i);
		for (size_t k = 0; k < NUM(batches); k++)
			check_batch(&p, cases[i].suite, k);
		pair_check_data(&p, cases[i].suite);
		for (int drop = 0; drop < TERN_NUM_DROPS; drop++)
			assert_int_equal(pair_info(&p, SERVER).dropped[drop], 0);
		pair_free(&p);
	}
}

static void what_may_not_be_changes_nothing(void **state)
{
	static const int lengths[MANY] = {1200, 1200, -1};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i += NUM(cases) - 1) {
		static uint8_t out[ROOM];
		tern_bytes data[MANY];
		size_t num = make_data(data, lengths);
		tern_batch b = {9, 9, 9};
		struct pair p;
		uint64_t before;
		connect_with(&p, i);
		before = p.side[CLIENT].conn->records.out.next_seq;
		check_is("none", tern_conn_seal_many(p.side[CLIENT].conn, out, ROOM, &b, data, 0, p.now),
			 TERN_ERROR_USAGE);
		assert_int_equal(b.num + b.segment + b.total, 0);
		check_is("too long", tern_conn_seal_many(p.side[CLIENT].conn, out, ROOM, &b, data, num, p.now),
			 TERN_ERROR_TOO_LARGE);
		assert_int_equal(p.side[CLIENT].conn->records.out.next_seq, before);
		OK(tern_conn_close(p.side[CLIENT].conn, p.now));
		check_is("closed", tern_conn_seal_many(p.side[CLIENT].conn, out, ROOM, &b, data, num, p.now),
			 TERN_ERROR_NOT_CONNECTED);
		pair_free(&p);
	}
}

/* The last record under a key is not for data. */
static void the_key_ends(void **state)
{
	static const int lengths[MANY] = {10, 10, 10, 10, 10, 10, -1};
	static uint8_t out[ROOM];
	tern_bytes data[MANY];
	size_t num = make_data(data, lengths);
	tern_batch b;
	struct pair p;
	(void)state;
	connect_with(&p, 0);
	p.side[CLIENT].conn->pool->records.seal_limit = p.side[CLIENT].conn->records.out.next_seq + 5;
	OK(tern_conn_seal_many(p.side[CLIENT].conn, out, ROOM, &b, data, num, p.now));
	assert_int_equal(b.num, 4);
	check_arrival(&p, "the last of the key", out, &b, data);
	check_is("no more", tern_conn_seal_many(p.side[CLIENT].conn, out, ROOM, &b, data, num, p.now),
		 TERN_ERROR_LIMIT);
	assert_int_equal(b.num, 0);
	check_is("failed", tern_conn_seal_many(p.side[CLIENT].conn, out, ROOM, &b, data, num, p.now), TERN_ERROR_LIMIT);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_arrive),
		cmocka_unit_test(what_may_not_be_changes_nothing),
		cmocka_unit_test(the_key_ends),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
