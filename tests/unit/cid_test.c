/* src/handshake/cid.c: connection IDs are agreed on in the hellos, used from then on, and given up. RFC 9146 3, RFC
 * 9147 5.1, 9, 9.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "count_heap.h"
#include "usual_pair.h"
#include "wire/record13.h"

#define NONE SIZE_MAX /* no connection IDs configured */

/* A codec that keeps count, for IDs that begin with their length. */
struct counting {
	size_t n; /* bytes of each; 0: none */
	unsigned made, retired;
	uint8_t live[256]; /* by second byte, which numbers them */
};

static size_t count_make(void *user, tern_conn *conn, uint8_t *cid, size_t cap)
{
	struct counting *c = user;
	assert_non_null(conn);
	assert_int_equal(cap, 255);
	if (!c->n)
		return 0;
	memset(cid, 0x11, c->n);
	cid[0] = (uint8_t)c->n;
	if (c->n > 1)
		cid[1] = (uint8_t)++c->made;
	c->live[c->n > 1 ? cid[1] : 0] = 1;
	return c->n;
}

static void count_retire(void *user, tern_conn *conn, const uint8_t *cid, size_t len)
{
	struct counting *c = user;
	assert_non_null(conn);
	assert_int_equal(len, c->n);
	assert_int_equal(cid[0], len);
	assert_int_equal(c->live[len > 1 ? cid[1] : 0], 1); /* once */
	c->live[len > 1 ? cid[1] : 0] = 0;
	c->retired++;
}

static size_t count_length(void *user, const uint8_t *bytes, size_t n)
{
	(void)user;
	return n ? bytes[0] : 0;
}

static bool any_live(const struct counting *c)
{
	for (size_t i = 0; i < sizeof c->live; i++)
		if (c->live[i])
			return true;
	return false;
}

static struct counting counting[2];

static void set_codec(tern_config *config, enum role role, size_t n)
{
	tern_cid_codec codec = {sizeof codec, count_make, count_retire, count_length, &counting[role]};
	counting[role] = (struct counting){.n = n};
	if (n != NONE)
		OK(tern_config_set_cid(config, &codec));
}

static void configs(tern_config *c[2], tern_protocol version)
{
	usual_configs(c);
	for (int i = 0; i < 2; i++)
		OK(tern_config_set_versions(c[i], version, version));
	for (int i = 0; i < 2; i++) /* a hello of one datagram, of which nothing is dropped */
		OK(tern_config_set_groups(c[i], "x25519,secp256r1"));
}

/* ---- what the records on the wire have ---- */

static struct {
	unsigned with, without, plain; /* records under keys with an ID and without one; in plaintext */
} wire[2]; /* by receiver */

static bool look(struct pair *p, struct datagram_on_wire *d)
{
	struct rd r = rd_of(span_of(d->bytes, d->n));
	struct record12 h;
	struct unified_header u;
	size_t n = counting[d->to].n;
	(void)p;
	while (rd_left(&r)) {
		if (r.p[0] == CONTENT_TLS12_CID) {
			assert_true(get_record12_cid(&r, n, &h));
			assert_int_equal(h.cid.p[0], n);
			wire[d->to].with++;
		} else if ((r.p[0] & UNIFIED_FIXED_MASK) == UNIFIED_FIXED) {
			assert_true(get_unified(&r, n, &u));
			assert_true(u.cid.n == 0 || u.cid.p[0] == n);
			wire[d->to].with += u.cid.n != 0;
			wire[d->to].without += u.cid.n == 0;
		} else {
			assert_true(get_record12(&r, &h));
			wire[d->to].without += h.epoch != 0;
			wire[d->to].plain += h.epoch == 0;
		}
	}
	return true;
}

static void check_side(const char *name, const struct pair *p, enum role who, size_t own, size_t peers)
{
	tern_info info = pair_info(p, who);
	if (info.own_cid_len != own || info.peer_cid_len != peers || info.spare_cids)
		fail_msg("%s: %d has %u and %u", name, who, info.own_cid_len, info.peer_cid_len);
	if (own && info.own_cid[0] != own)
		fail_msg("%s: own", name);
	if (peers && info.peer_cid[0] != peers)
		fail_msg("%s: peer's", name);
	if (own ? wire[who].without || !wire[who].with : wire[who].with || !wire[who].without)
		fail_msg("%s: records to %d: %u with, %u without", name, who, wire[who].with, wire[who].without);
	assert_true(wire[who].plain > 0);
}

/* All pairs of lengths, with cookies and without them, in both versions. */
static void lengths(void **state)
{
	static const size_t ns[] = {NONE, 0, 1, 8, 9, 20, 255};
	(void)state;
	for (size_t i = 0; i < 2 * NUM(ns) * NUM(ns); i++) {
		size_t client = ns[i / 2 % NUM(ns)], server = ns[i / 2 / NUM(ns)];
		bool both = client != NONE && server != NONE;
		char name[64];
		tern_config *c[2];
		struct pair p;
		configs(c, i & 1 ? TERN_DTLS13 : TERN_DTLS12);
		set_codec(c[CLIENT], CLIENT, client);
		set_codec(c[SERVER], SERVER, server);
		OK(tern_config_set_cookie(c[SERVER], i % 3 != 0));
		snprintf(name, sizeof name, "%zu", i);
		memset(wire, 0, sizeof wire);
		pair_init(&p, c[CLIENT], c[SERVER]);
		p.tap = look;
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_settle(&p);
		if (!pair_connected(&p))
			fail_msg("%s: %s, %s", name, tern_error_name(p.side[CLIENT].error),
				 tern_error_name(p.side[SERVER].error));
		p.tap = NULL;
		pair_check_data(&p, name);
		check_side(name, &p, CLIENT, both ? client : 0, both ? server : 0);
		check_side(name, &p, SERVER, both ? server : 0, both ? client : 0);
		for (int k = 0; k < 2; k++) {
			tern_info info = pair_info(&p, (enum role)k);
			for (size_t drop = 0; drop < TERN_NUM_DROPS; drop++)
				assert_int_equal(info.dropped[drop], 0);
		}
		/* What was not agreed on is given up at once. */
		assert_true(any_live(&counting[CLIENT]) == (both && client));
		assert_true(any_live(&counting[SERVER]) == (both && server));
		pair_free(&p);
		assert_false(any_live(&counting[CLIENT]));
		assert_false(any_live(&counting[SERVER]));
	}
}

/* The built-in IDs: random, so each handshake has others, one that resumes too. */
static void built_in(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		tern_config *c[2];
		struct pair p;
		tern_info info;
		uint8_t session[TERN_SESSION_MAX], before[2][8];
		size_t n;
		configs(c, i ? TERN_DTLS13 : TERN_DTLS12);
		OK(tern_config_set_cid_length(c[CLIENT], 20));
		OK(tern_config_set_cid_length(c[SERVER], 8));
		connect_pair(&p, c);
		info = pair_info(&p, CLIENT);
		assert_int_equal(info.own_cid_len, 20);
		assert_int_equal(info.peer_cid_len, 8);
		memcpy(before[CLIENT], info.own_cid, 8);
		memcpy(before[SERVER], info.peer_cid, 8);
		info = pair_info(&p, SERVER);
		assert_memory_equal(info.own_cid, before[SERVER], 8);
		assert_memory_equal(info.peer_cid, before[CLIENT], 8);
		OK(tern_conn_session(p.side[CLIENT].conn, session, sizeof session, &n));
		pair_hang_up(&p);
		pair_dial(&p, "a.test", span_of(session, n));
		pair_settle(&p);
		assert_true(pair_connected(&p));
		info = pair_info(&p, CLIENT);
		assert_true(info.resumed);
		assert_int_equal(info.own_cid_len, 20);
		assert_int_equal(info.peer_cid_len, 8);
		assert_memory_not_equal(info.own_cid, before[CLIENT], 8);
		assert_memory_not_equal(info.peer_cid, before[SERVER], 8);
		pair_check_data(&p, "resumed");
		pair_free(&p);
	}
}

/* ---- what somebody on the path, or a peer, may try ---- */

static void connected_with(struct pair *p, tern_protocol version, size_t n)
{
	tern_config *c[2];
	configs(c, version);
	set_codec(c[CLIENT], CLIENT, n);
	set_codec(c[SERVER], SERVER, n);
	connect_pair(p, c);
}

/* A record of the client's under keys as if there were no IDs: RFC 9146 3, RFC 9147 4. */
static void stripped(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct pair p;
		struct tern_conn *server;
		struct cids none = {0}, saved;
		tern_info info;
		uint8_t out[64];
		size_t n;
		connected_with(&p, i ? TERN_DTLS13 : TERN_DTLS12, 8);
		server = p.side[SERVER].conn;
		saved = p.side[CLIENT].conn->records.cids;
		p.side[CLIENT].conn->records.cids = none;
		OK(tern_conn_seal(p.side[CLIENT].conn, out, sizeof out, &n, (const uint8_t *)"x", 1, p.now));
		pair_feed(&p, SERVER, out, n);
		info = pair_info(&p, SERVER);
		assert_int_equal(info.dropped[TERN_DROP_NO_CID], 1);
		assert_int_equal(p.side[SERVER].data_len, 0);
		assert_false(tern_conn_authenticated(server));
		p.side[CLIENT].conn->records.cids = saved;
		/* Nor is the type rewritten in vain: what was sealed with the ID opens with it alone. */
		OK(tern_conn_seal(p.side[CLIENT].conn, out, sizeof out, &n, (const uint8_t *)"x", 1, p.now));
		if (i) {
			out[0] &= (uint8_t)~UNIFIED_CID;
			memmove(out + 1, out + 9, n - 9);
		} else {
			out[0] = CONTENT_APPLICATION_DATA;
			memmove(out + 11, out + 19, n - 19);
		}
		pair_feed(&p, SERVER, out, n - 8);
		assert_int_equal(pair_info(&p, SERVER).dropped[TERN_DROP_NO_CID], 2);
		pair_check_data(&p, "after");
		pair_free(&p);
	}
}

static void wrong(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct pair p;
		uint8_t out[64], before[64];
		size_t n, at = i ? 1 : 11;
		connected_with(&p, i ? TERN_DTLS13 : TERN_DTLS12, 8);
		for (size_t k = 0; k < 8; k++) {
			OK(tern_conn_seal(p.side[CLIENT].conn, out, sizeof out, &n, (const uint8_t *)"x", 1, p.now));
			out[at + k] ^= 1;
			memcpy(before, out, n);
			pair_feed(&p, SERVER, out, n);
			assert_memory_equal(before, out, n);
			assert_int_equal(pair_info(&p, SERVER).dropped[TERN_DROP_OTHER_CID], k + 1);
			assert_int_equal(p.side[SERVER].data_len, 0);
		}
		assert_int_equal(p.side[SERVER].conn->records.in.forged, 0);
		pair_check_data(&p, "after");
		pair_free(&p);
	}
}

/* Where none was agreed on a record with one is nothing: RFC 9147 9.1. */
static void unasked(void **state)
{
	static const size_t ns[] = {NONE, 0};
	(void)state;
	for (size_t i = 0; i < 2 * NUM(ns); i++) {
		struct pair p;
		uint8_t out[64];
		size_t n;
		uint64_t before;
		connected_with(&p, i & 1 ? TERN_DTLS13 : TERN_DTLS12, ns[i / 2]);
		OK(cids_add(&p.side[CLIENT].conn->records.cids, &heap_default, CID_PEERS, span_of("\0\0", 2)));
		OK(tern_conn_seal(p.side[CLIENT].conn, out, sizeof out, &n, (const uint8_t *)"x", 1, p.now));
		before = p.side[SERVER].conn->opened;
		pair_feed(&p, SERVER, out, n);
		assert_int_equal(p.side[SERVER].conn->opened, before);
		assert_int_equal(p.side[SERVER].data_len, 0);
		assert_int_equal(p.side[SERVER].error, TERN_OK);
		pair_free(&p);
	}
}

/* RFC 9146 1, 6: from another address a datagram finds its connection by its ID, and is read; what is sent goes where
 * the caller sends it. */
static void address_changes(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct pair p;
		uint8_t out[64];
		size_t n;
		tern_bytes cid;
		tern_info info;
		connected_with(&p, i ? TERN_DTLS13 : TERN_DTLS12, 8);
		for (uint8_t port = 1; port < 4; port++) {
			p.path.remote.bytes[5] = port;
			OK(tern_conn_seal(p.side[CLIENT].conn, out, sizeof out, &n, (const uint8_t *)"x", 1, p.now));
			assert_true(tern_find_cid(p.side[SERVER].config, out, n, &cid));
			info = pair_info(&p, SERVER);
			assert_int_equal(cid.len, info.own_cid_len);
			assert_memory_equal(cid.data, info.own_cid, cid.len);
			p.side[SERVER].data_len = 0;
			pair_feed(&p, SERVER, out, n);
			assert_int_equal(p.side[SERVER].data_len, 1);
			assert_true(tern_conn_authenticated(p.side[SERVER].conn));
		}
		pair_check_data(&p, "after");
		pair_free(&p);
	}
}

/* ---- room ---- */

/* A server goes without where the client's ID leaves no room for a message; a client, which asked, cannot go on. */
static void no_room(void **state)
{
	static const struct {
		uint16_t mtu;
		size_t cid_len;
		bool fits;
	} cases[] = {{350, 255, false}, {351, 255, true}, {96, 1, false}, {97, 1, true}};
	(void)state;
	for (size_t i = 0; i < 4 * NUM(cases); i++) {
		enum role small = i & 1 ? SERVER : CLIENT;
		const bool is13 = i & 2;
		struct pair p;
		tern_config *c[2];
		tern_limits limits = {.size = sizeof limits, .mtu = cases[i / 4].mtu};
		configs(c, is13 ? TERN_DTLS13 : TERN_DTLS12);
		set_codec(c[small], small, 0);
		set_codec(c[!small], small == CLIENT ? SERVER : CLIENT, cases[i / 4].cid_len);
		OK(tern_config_set_limits(c[small], &limits));
		OK(tern_config_set_cookie(c[SERVER], false)); /* the hello may come in fragments */
		pair_init(&p, c[CLIENT], c[SERVER]);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_run(&p, UINT64_C(60000000000));
		if (cases[i / 4].fits || small == SERVER) {
			assert_true(pair_connected(&p));
			pair_check_data(&p, "data");
			assert_int_equal(pair_info(&p, small).peer_cid_len,
					 cases[i / 4].fits ? cases[i / 4].cid_len : 0);
		} else {
			check_is("client", p.side[CLIENT].error, TERN_ERROR_BUDGET);
		}
		if (cases[i / 4].fits && cases[i / 4].cid_len == 255) {
			check_is("mtu", tern_conn_set_mtu(p.side[small].conn, 350), TERN_ERROR_USAGE);
			OK(tern_conn_set_mtu(p.side[small].conn, 351));
			assert_true(tern_conn_max_data(p.side[small].conn) > 32);
		}
		pair_free(&p);
		assert_false(any_live(&counting[CLIENT]) || any_live(&counting[SERVER]));
	}
}

/* Loss lowers the MTU, but never below what a record with the ID takes. */
static void mtu_floor(void **state)
{
	struct pair p;
	tern_config *c[2];
	tern_timers timers = {.size = sizeof timers, .first_ns = 1000000000, .no_jitter = true};
	uint8_t out[PAIR_DATAGRAM];
	size_t n;
	(void)state;
	configs(c, TERN_DTLS13);
	set_codec(c[CLIENT], CLIENT, 255);
	set_codec(c[SERVER], SERVER, 0);
	OK(tern_config_set_timers(c[SERVER], &timers));
	pair_init(&p, c[CLIENT], c[SERVER]);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	while (!p.side[SERVER].conn)
		assert_true(pair_carry(&p));
	for (int i = 0; i < 6; i++) {
		tern_conn *server = p.side[SERVER].conn;
		do {
			OK(tern_conn_take(server, out, sizeof out, &n, p.now));
		} while (n);
		p.now.mono_ns = tern_conn_deadline(server);
		OK(tern_conn_tick(server, p.now));
	}
	assert_true(pair_info(&p, SERVER).mtu < 400);
	pair_settle(&p);
	pair_run(&p, UINT64_C(300000000000));
	assert_true(pair_connected(&p));
	pair_check_data(&p, "data");
	pair_free(&p);
}

/* ---- faults ---- */

static size_t too_long_make(void *user, tern_conn *conn, uint8_t *cid, size_t cap)
{
	(void)user;
	(void)conn;
	memset(cid, 1, cap);
	return cap + 1;
}

static void codec_at_fault(void **state)
{
	tern_cid_codec codec = {sizeof codec, too_long_make, NULL, count_length, NULL};
	tern_config *c[2];
	struct pair p;
	(void)state;
	configs(c, TERN_DTLS12);
	OK(tern_config_set_cid(c[CLIENT], &codec));
	pair_init(&p, c[CLIENT], c[SERVER]);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	check_is("client", p.side[CLIENT].error, TERN_ERROR_INTERNAL);
	pair_free(&p);
	configs(c, TERN_DTLS12);
	OK(tern_config_set_cid_length(c[CLIENT], 0));
	OK(tern_config_set_cid(c[SERVER], &codec));
	pair_init(&p, c[CLIENT], c[SERVER]);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	pair_settle(&p);
	check_is("server", p.side[SERVER].error, TERN_ERROR_INTERNAL);
	pair_free(&p);
}

/* Each allocation fails once: what was made is given up. */
static void out_of_memory(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		for (size_t at = 1;; at++) {
			struct count_heap heap[2] = {{0}, {0}};
			tern_allocator rooms[2];
			tern_config *c[2];
			struct pair p;
			bool whole;
			for (int k = 0; k < 2; k++) {
				rooms[k] = count_heap_allocator(&heap[k]);
				c[k] = i ? new_config13(&rooms[k]) : new_config(&rooms[k]);
				set_codec(c[k], (enum role)k, 20);
			}
			add_trust(c[CLIENT], &root);
			add_cert(c[SERVER], &leaf);
			pair_init(&p, c[CLIENT], c[SERVER]);
			heap[at % 2].fail_at = heap[at % 2].allocs + at / 2 + 1;
			pair_dial(&p, "a.test", span_of(NULL, 0));
			pair_settle(&p);
			heap[at % 2].fail_at = 0;
			whole = pair_connected(&p) && p.side[CLIENT].error == TERN_OK &&
				p.side[SERVER].error == TERN_OK;
			if (whole)
				pair_check_data(&p, "data");
			pair_free(&p);
			assert_false(any_live(&counting[CLIENT]) || any_live(&counting[SERVER]));
			assert_int_equal(heap[0].live + heap[1].live, 0);
			if (whole && at > 100)
				break;
			assert_true(at < 1000);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths),	   cmocka_unit_test(built_in),	cmocka_unit_test(stripped),
		cmocka_unit_test(address_changes), cmocka_unit_test(wrong),	cmocka_unit_test(unasked),
		cmocka_unit_test(no_room),	   cmocka_unit_test(mtu_floor), cmocka_unit_test(codec_at_fault),
		cmocka_unit_test(out_of_memory),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
