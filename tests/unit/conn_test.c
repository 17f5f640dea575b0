/* The contracts of tern.h that concern one connection. RFC 6347 4.1, 4.1.1.1, 4.1.2.6, 4.1.2.7, 4.2.4, 4.2.7, 5, RFC
 * 9147 4.4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "usual_pair.h"
#include "wire/handshake.h"

#define S UINT64_C(1000000000)

static uint64_t dropped(const struct pair *p, enum role who, tern_drop reason)
{
	return pair_info(p, who).dropped[reason];
}

/* ---- making ---- */

static void nothing_to_prove_or_trust(void **state)
{
	tern_config *c = new_config(NULL);
	tern_pool *pool;
	tern_conn *conn;
	(void)state;
	check_is("neither", tern_pool_new(&pool, c), TERN_ERROR_NO_CREDENTIALS);
	add_cert(c, &leaf); /* and the config is not frozen by the attempt */
	OK(tern_pool_new(&pool, c));
	check_is("a server's", tern_client(&conn, pool, NULL, (tern_time){1, NOW_S}), TERN_ERROR_NO_CREDENTIALS);
	tern_pool_free(pool);
	tern_config_free(c);
	c = new_config(NULL);
	add_trust(c, &root);
	OK(tern_pool_new(&pool, c));
	check_is("a client's", tern_accept(&conn, pool, NULL, NULL, (tern_time){1, NOW_S}), TERN_ERROR_NO_CREDENTIALS);
	tern_pool_free(pool);
	tern_config_free(c);
}

static void options_out_of_range(void **state)
{
	struct pair p;
	tern_conn *conn = NULL;
	tern_config *c[2];
	char name[300];
	tern_client_options o = {.size = sizeof o - 8};
	tern_verdict v = {.kind = TERN_VERDICT_REPLY};
	(void)state;
	usual_configs(c);
	pair_init(&p, c[CLIENT], c[SERVER]);
	check_is("size", tern_client(&conn, p.side[CLIENT].pool, &o, p.now), TERN_ERROR_USAGE);
	memset(name, 'a', sizeof name);
	name[256] = 0;
	o = (tern_client_options){.size = sizeof o, .server_name = name};
	check_is("name", tern_client(&conn, p.side[CLIENT].pool, &o, p.now), TERN_ERROR_USAGE);
	check_is("verdict", tern_accept(&conn, p.side[SERVER].pool, &v, NULL, p.now), TERN_ERROR_USAGE);
	assert_null(conn);
	pair_free(&p);
}

/* ---- loans ---- */

static void loans(void **state)
{
	struct pair p;
	tern_event e;
	uint8_t a[64] = {0}, b[64] = {0};
	tern_conn *conn;
	(void)state;
	connected_pair(&p);
	conn = p.side[CLIENT].conn;
	OK(tern_conn_feed(conn, a, sizeof a, NULL, p.now));
	check_is("a second loan", tern_conn_feed(conn, b, sizeof b, NULL, p.now), TERN_ERROR_USAGE);
	OK(tern_conn_next(conn, &e, p.now));
	assert_int_equal(e.kind, TERN_EVENT_NONE);
	OK(tern_conn_feed(conn, b, sizeof b, NULL, p.now));
	OK(tern_conn_next(conn, &e, p.now));
	OK(tern_conn_next(conn, &e, p.now)); /* without a loan */
	assert_int_equal(e.kind, TERN_EVENT_NONE);
	assert_false(tern_conn_authenticated(conn));
	OK(tern_conn_feed(conn, b, 0, NULL, p.now));
	OK(tern_conn_next(conn, &e, p.now));
	pair_check_data(&p, "after garbage");
	assert_true(tern_conn_authenticated(conn));
	pair_free(&p);
}

/* Several records in one datagram: one event each, in order, as views into it. */
static void records_in_one_datagram(void **state)
{
	struct pair p;
	tern_event e;
	uint8_t d[512];
	size_t n = 0, len;
	(void)state;
	connected_pair(&p);
	for (int i = 0; i < 3; i++) {
		OK(tern_conn_seal(p.side[CLIENT].conn, d + n, sizeof d - n, &len, (const uint8_t *)"abc", (size_t)i,
				  p.now));
		n += len;
	}
	OK(tern_conn_feed(p.side[SERVER].conn, d, n, NULL, p.now));
	for (size_t i = 0; i < 3; i++) {
		OK(tern_conn_next(p.side[SERVER].conn, &e, p.now));
		assert_int_equal(e.kind, TERN_EVENT_DATA);
		assert_int_equal(e.len, i);
		assert_true(e.data > d && e.data < d + n);
	}
	OK(tern_conn_next(p.side[SERVER].conn, &e, p.now));
	assert_int_equal(e.kind, TERN_EVENT_NONE);
	pair_free(&p);
}

/* ---- usage errors change nothing ---- */

static void usage_errors(void **state)
{
	struct pair p;
	tern_config *c[2];
	uint8_t out[2048];
	size_t n = 1;
	tern_conn *conn;
	(void)state;
	usual_configs(c);
	pair_init(&p, c[CLIENT], c[SERVER]);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	conn = p.side[CLIENT].conn;
	check_is("seal", tern_conn_seal(conn, out, sizeof out, &n, out + 1024, 1, p.now), TERN_ERROR_NOT_CONNECTED);
	assert_int_equal(n, 0);
	assert_int_equal(tern_conn_max_data(conn), 0);
	check_is("export", tern_conn_export(conn, out, 8, "EXPORTER-x", NULL, 0), TERN_ERROR_NOT_CONNECTED);
	check_is("session", tern_conn_session(conn, out, sizeof out, &n), TERN_ERROR_USAGE);
	check_is("take", tern_conn_take(conn, out, 1199, &n, p.now), TERN_ERROR_BUFFER_TOO_SMALL);
	assert_int_equal(n, 0);
	check_is("rekey", tern_conn_rekey(conn, false, p.now), TERN_ERROR_NOT_CONNECTED);
	check_is("low MTU", tern_conn_set_mtu(conn, 95), TERN_ERROR_USAGE);
	check_is("high MTU", tern_conn_set_mtu(conn, 65508), TERN_ERROR_USAGE);
	pair_settle(&p);
	assert_true(pair_connected(&p));
	check_is("rekey of DTLS 1.2", tern_conn_rekey(conn, false, p.now), TERN_ERROR_USAGE);
	check_is("too long", tern_conn_seal(conn, out, sizeof out, &n, out, tern_conn_max_data(conn) + 1, p.now),
		 TERN_ERROR_TOO_LARGE);
	check_is("small", tern_conn_seal(conn, out, tern_conn_overhead(conn) + 9, &n, out + 1024, 10, p.now),
		 TERN_ERROR_BUFFER_TOO_SMALL);
	OK(tern_conn_seal(conn, out, tern_conn_overhead(conn) + 10, &n, out + 1024, 10, p.now));
	assert_int_equal(n, tern_conn_overhead(conn) + 10);
	assert_int_equal(out[10], 1); /* the first after Finished: nothing was lost above */
	check_is("session", tern_conn_session(conn, out, 10, &n), TERN_ERROR_BUFFER_TOO_SMALL);
	assert_true(n > 10 && n <= TERN_SESSION_MAX);
	check_is("long context", tern_conn_export(conn, out, 8, "EXPORTER-x", out, 65536), TERN_ERROR_USAGE);
	pair_check_data(&p, "after usage errors");
	assert_int_equal(tern_conn_failure(conn).error, TERN_OK);
	pair_free(&p);
}

/* ---- events ---- */

static void order_of_events(void **state)
{
	struct pair p;
	(void)state;
	connected_pair(&p);
	assert_int_equal(p.side[CLIENT].num_events, 2);
	assert_int_equal(p.side[CLIENT].events[0], TERN_EVENT_CONNECTED);
	assert_int_equal(p.side[CLIENT].events[1], TERN_EVENT_TICKET);
	assert_int_equal(p.side[SERVER].num_events, 1);
	pair_free(&p);
}

/* The handshake's memory, the peer's chain in it, is there while the application deals with CONNECTED, and no longer.
 */
static void chain_until_the_next_call(void **state)
{
	struct pair p;
	tern_config *c[2];
	tern_bytes chain[2];
	tern_event e = {.kind = TERN_EVENT_NONE};
	(void)state;
	usual_configs(c);
	pair_init(&p, c[CLIENT], c[SERVER]);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	while (!pair_saw(&p, SERVER, TERN_EVENT_CONNECTED))
		assert_true(pair_carry(&p));
	pair_collect(&p, SERVER);
	for (size_t i = 0; i < p.num_queued && e.kind == TERN_EVENT_NONE; i++) {
		OK(tern_conn_feed(p.side[CLIENT].conn, p.queue[i].bytes, p.queue[i].n, NULL, p.now));
		OK(tern_conn_next(p.side[CLIENT].conn, &e, p.now));
	}
	assert_int_equal(e.kind, TERN_EVENT_CONNECTED);
	assert_int_equal(tern_conn_peer_chain(p.side[CLIENT].conn, chain, 2), 1);
	OK(tern_conn_next(p.side[CLIENT].conn, &e, p.now));
	assert_int_equal(e.kind, TERN_EVENT_TICKET);
	assert_int_equal(tern_conn_peer_chain(p.side[CLIENT].conn, chain, 2), 0);
	assert_null(p.side[CLIENT].conn->hs);
	pair_free(&p);
}

/* ---- closing ---- */

static void close_both_ways(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct pair p;
		struct side *closer, *other;
		uint8_t out[256];
		size_t n;
		connected_pair(&p);
		closer = &p.side[i];
		other = &p.side[!i];
		OK(tern_conn_close(closer->conn, p.now));
		check_is("twice", tern_conn_close(closer->conn, p.now), TERN_ERROR_NOT_CONNECTED);
		check_is("seal", tern_conn_seal(closer->conn, out, sizeof out, &n, out, 0, p.now),
			 TERN_ERROR_NOT_CONNECTED);
		pair_settle(&p);
		assert_true(pair_saw(&p, (enum role) !i, TERN_EVENT_CLOSED));
		assert_true(pair_saw(&p, (enum role)i, TERN_EVENT_CLOSED)); /* the answer: now nothing is under way */
		check_is("closer", closer->error, TERN_OK);
		check_is("other", other->error, TERN_OK);
		assert_true(pair_info(&p, CLIENT).closed && pair_info(&p, SERVER).closed);
		assert_false(pair_info(&p, CLIENT).connected || pair_info(&p, SERVER).connected);
		check_is("seal", tern_conn_seal(other->conn, out, sizeof out, &n, out, 0, p.now),
			 TERN_ERROR_NOT_CONNECTED);
		OK(tern_conn_export(other->conn, out, 8, "EXPORTER-x", NULL, 0));
		assert_int_equal(tern_conn_deadline(closer->conn), TERN_NEVER);
		pair_free(&p);
	}
}

/* Whoever closes as soon as it is connected still owes the peer its last flight. */
static void close_at_once(void **state)
{
	struct pair p;
	tern_config *c[2];
	(void)state;
	usual_configs(c);
	pair_init(&p, c[CLIENT], c[SERVER]);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	while (!pair_saw(&p, SERVER, TERN_EVENT_CONNECTED))
		assert_true(pair_carry(&p));
	OK(tern_conn_close(p.side[SERVER].conn, p.now));
	pair_settle(&p);
	assert_true(pair_saw(&p, CLIENT, TERN_EVENT_CONNECTED));
	assert_true(pair_saw(&p, CLIENT, TERN_EVENT_CLOSED));
	check_is("client", p.side[CLIENT].error, TERN_OK);
	pair_free(&p);
}

/* And says it again to who has not heard it. */
static void closed_but_heard(void **state)
{
	struct pair p;
	tern_config *c[2];
	(void)state;
	usual_configs(c);
	pair_init(&p, c[CLIENT], c[SERVER]);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	while (!pair_saw(&p, SERVER, TERN_EVENT_CONNECTED))
		assert_true(pair_carry(&p));
	OK(tern_conn_close(p.side[SERVER].conn, p.now));
	pair_collect(&p, SERVER);
	assert_true(p.num_queued > 0);
	p.num_queued = 0; /* lost */
	assert_true(pair_wait(&p, p.now.mono_ns + UINT64_C(10000000000)));
	pair_settle(&p);
	assert_true(pair_saw(&p, CLIENT, TERN_EVENT_CONNECTED));
	check_is("client", p.side[CLIENT].error, TERN_OK);
	pair_free(&p);
}

/* What has failed says so, whatever it is asked for, and does nothing more. */
static void calls_on_a_failed_connection(void **state)
{
	uint8_t out[2048], data[] = "x";
	tern_event event;
	tern_bytes lent[4];
	tern_conn *conn;
	struct pair p;
	size_t n = 1;
	(void)state;
	connected_pair(&p);
	conn = p.side[SERVER].conn;
	OK(tern_conn_set_timers(conn, TERN_TIMERS_EXTERNAL, p.now));
	pair_seal(&p, SERVER, CONTENT_ALERT, "\2\50", 2); /* handshake_failure */
	check_is("failed", p.side[SERVER].error, TERN_ERROR_PEER_ALERT);
	check_is("tick", tern_conn_tick(conn, p.now), TERN_ERROR_PEER_ALERT);
	check_is("next", tern_conn_next(conn, &event, p.now), TERN_ERROR_PEER_ALERT);
	check_is("retransmit", tern_conn_retransmit(conn, p.now), TERN_ERROR_PEER_ALERT);
	check_is("seal", tern_conn_seal(conn, out, sizeof out, &n, data, 1, p.now), TERN_ERROR_PEER_ALERT);
	assert_int_equal(n, 0);
	check_is("early", tern_conn_seal_early_data(conn, out, sizeof out, &n, data, 1, p.now), TERN_ERROR_PEER_ALERT);
	assert_int_equal(n, 0);
	assert_int_equal(tern_conn_flight(conn, lent, 4), 0);
	check_is("close", tern_conn_close(conn, p.now), TERN_ERROR_NOT_CONNECTED);
	check_is("abort", tern_conn_abort(conn, 40, p.now), TERN_ERROR_NOT_CONNECTED);
	check_is("rekey", tern_conn_rekey(conn, true, p.now), TERN_ERROR_NOT_CONNECTED);
	check_is("probe", tern_conn_probe(conn, p.now), TERN_ERROR_NOT_CONNECTED);
	check_is("new ID", tern_conn_new_cid(conn, true), TERN_ERROR_NOT_CONNECTED);
	check_is("more IDs", tern_conn_request_cids(conn, 1), TERN_ERROR_NOT_CONNECTED);
	assert_int_equal(tern_conn_deadline(conn), TERN_NEVER);
	OK(tern_conn_take(conn, out, sizeof out, &n, p.now));
	assert_int_equal(n, 0);
	pair_free(&p);
}

static void close_in_the_handshake(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct pair p;
		tern_config *c[2];
		usual_configs(c);
		pair_init(&p, c[CLIENT], c[SERVER]);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		while (!p.side[SERVER].conn)
			assert_true(pair_carry(&p));
		OK(tern_conn_close(p.side[i].conn, p.now));
		pair_settle(&p);
		check_is("other", p.side[!i].error, TERN_ERROR_PEER_ALERT);
		assert_int_equal(tern_conn_failure(p.side[!i].conn).alert, 0);
		assert_false(pair_saw(&p, CLIENT, TERN_EVENT_CONNECTED) || pair_saw(&p, SERVER, TERN_EVENT_CONNECTED));
		check_is("export", tern_conn_export(p.side[i].conn, (uint8_t[8]){0}, 8, "EXPORTER-x", NULL, 0),
			 TERN_ERROR_NOT_CONNECTED);
		pair_free(&p);
	}
}

/* ---- forgeries ---- */

static void plaintext_after_the_handshake(void **state)
{
	static const uint8_t fatal[] = {2, 40}, close[] = {1, 0}, ccs[] = {1}, request[12] = {0},
			     hello[12] = {CLIENT_HELLO};
	static const struct {
		const char *name;
		uint8_t type;
		const uint8_t *body;
		size_t n;
	} cases[] = {{"fatal alert", CONTENT_ALERT, fatal, 2},
		     {"close_notify", CONTENT_ALERT, close, 2},
		     {"CCS", CONTENT_CHANGE_CIPHER_SPEC, ccs, 1},
		     {"HelloRequest", CONTENT_HANDSHAKE, request, 12},
		     {"ClientHello", CONTENT_HANDSHAKE, hello, 12},
		     {"data", CONTENT_APPLICATION_DATA, fatal, 2},
		     {"heartbeat", 24, fatal, 2}};
	struct pair p;
	(void)state;
	connected_pair(&p);
	for (size_t i = 0; i < NUM(cases); i++) {
		for (int to = 0; to < 2; to++) {
			static const uint16_t epochs[] = {0, 1, 2, 3, 0xffff};
			for (size_t e = 0; e < NUM(epochs); e++) {
				size_t events = p.side[to].num_events;
				pair_forge(&p, (enum role)to, cases[i].type, epochs[e], 100 + i, cases[i].body,
					   cases[i].n);
				if (p.side[to].num_events != events || tern_conn_authenticated(p.side[to].conn))
					fail_msg("%s in epoch %u is believed", cases[i].name, epochs[e]);
			}
		}
	}
	pair_settle(&p);
	assert_int_equal(p.num_queued, 0);
	pair_check_data(&p, "after forgeries");
	for (int to = 0; to < 2; to++) {
		/* The unknown type is told by its type; in epoch 1 all is forged, in others there are no keys. */
		assert_int_equal(dropped(&p, (enum role)to, TERN_DROP_PLAINTEXT), NUM(cases) - 1);
		assert_int_equal(dropped(&p, (enum role)to, TERN_DROP_FORGED), NUM(cases) - 1);
		assert_int_equal(dropped(&p, (enum role)to, TERN_DROP_EPOCH), 3 * (NUM(cases) - 1));
		assert_int_equal(dropped(&p, (enum role)to, TERN_DROP_CONTENT_TYPE), 5);
	}
	pair_free(&p);
}

/* Before there are keys an alert can only come in plaintext; what is no alert, or only a warning, is passed over. */
static void plaintext_alerts_in_the_handshake(void **state)
{
	static const struct {
		const char *name;
		uint8_t body[3];
		size_t n;
		bool ends;
	} cases[] = {
		{"fatal", {2, 40, 0}, 2, true},
		{"fatal close_notify", {2, 0, 0}, 2, true},
		{"close_notify", {1, 0, 0}, 2, true},
		{"warning", {1, 90, 0}, 2, false},
		{"no_renegotiation", {1, 100, 0}, 2, false},
		{"empty", {0}, 0, false},
		{"half", {2}, 1, false},
		{"one and a half", {2, 40, 2}, 3, false},
		{"unknown level", {3, 40, 0}, 2, false},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct pair p;
		tern_config *c[2];
		usual_configs(c);
		pair_init(&p, c[CLIENT], c[SERVER]);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_forge(&p, CLIENT, CONTENT_ALERT, 0, 77, cases[i].body, cases[i].n);
		check_is(cases[i].name, p.side[CLIENT].error, cases[i].ends ? TERN_ERROR_PEER_ALERT : TERN_OK);
		if (cases[i].ends)
			assert_int_equal(tern_conn_failure(p.side[CLIENT].conn).alert, cases[i].body[1]);
		else
			pair_settle(&p);
		assert_int_equal(pair_connected(&p), !cases[i].ends);
		pair_free(&p);
	}
}

static struct datagram_on_wire copy;

static bool keep_copy(struct pair *p, struct datagram_on_wire *d)
{
	(void)p;
	copy = *d;
	return true;
}

static void replays(void **state)
{
	struct pair p;
	uint8_t first[2048], d[256];
	size_t n;
	(void)state;
	connected_pair(&p);
	OK(tern_conn_seal(p.side[CLIENT].conn, first, sizeof first, &n, (const uint8_t *)"x", 1, p.now));
	pair_feed(&p, SERVER, first, n);
	pair_feed(&p, SERVER, first, n);
	assert_int_equal(dropped(&p, SERVER, TERN_DROP_REPLAYED), 1);
	for (int i = 0; i < 64; i++) {
		size_t len;
		OK(tern_conn_seal(p.side[CLIENT].conn, d, sizeof d, &len, d, 0, p.now));
		pair_feed(&p, SERVER, d, len);
	}
	pair_feed(&p, SERVER, first, n);
	assert_int_equal(dropped(&p, SERVER, TERN_DROP_TOO_OLD), 1);
	pair_free(&p);
}

/* The whole handshake again, from a recording, at both sides. */
static struct datagram_on_wire recording[PAIR_QUEUE];
static size_t num_recorded;

static bool record(struct pair *p, struct datagram_on_wire *d)
{
	(void)p;
	recording[num_recorded++] = *d;
	return true;
}

static void replayed_handshake(void **state)
{
	struct pair p;
	tern_config *c[2];
	(void)state;
	usual_configs(c);
	pair_init(&p, c[CLIENT], c[SERVER]);
	num_recorded = 0;
	p.tap = record;
	pair_dial(&p, "a.test", span_of(NULL, 0));
	pair_settle(&p);
	p.tap = NULL;
	for (size_t i = 0; i < num_recorded; i++)
		pair_feed(&p, recording[i].to, recording[i].bytes, recording[i].n);
	pair_settle(&p);
	pair_check_data(&p, "replayed handshake");
	assert_int_equal(p.side[CLIENT].num_events, 3);
	assert_int_equal(p.side[SERVER].num_events, 2);
	pair_free(&p);
}

/* ---- renegotiation ---- */

static void renegotiation(void **state)
{
	static const uint8_t request[12] = {HELLO_REQUEST};
	static const uint8_t hello[12] = {CLIENT_HELLO};
	(void)state;
	for (int to = 0; to < 2; to++) {
		struct pair p;
		connected_pair(&p);
		pair_seal(&p, (enum role)to, CONTENT_HANDSHAKE, to == CLIENT ? request : hello, 12);
		p.tap = keep_copy;
		p.carried = 0;
		pair_settle(&p);
		assert_int_equal(p.carried, 1); /* a protected warning */
		assert_int_equal(copy.bytes[0], CONTENT_ALERT);
		assert_int_equal(copy.bytes[4], 1);
		pair_seal(&p, (enum role)to, CONTENT_HANDSHAKE, to == CLIENT ? request : hello, 12);
		pair_settle(&p);
		assert_int_equal(p.carried, 1); /* said once */
		pair_check_data(&p, "refused");
		pair_free(&p);
	}
}

static void hello_requests_in_the_handshake(void **state)
{
	struct pair p;
	tern_config *c[2];
	(void)state;
	usual_configs(c);
	pair_init(&p, c[CLIENT], c[SERVER]);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	for (int i = 0; i < 40; i++) {
		uint8_t request[12] = {HELLO_REQUEST};
		if (p.side[CLIENT].conn->hs)
			wr_store(request + 4, 2, p.side[CLIENT].conn->hs->inbox.next);
		pair_forge(&p, CLIENT, CONTENT_HANDSHAKE, 0, 1000 + (uint64_t)i, request, 12);
		pair_carry(&p);
	}
	assert_true(pair_connected(&p));
	pair_free(&p);
}

/* ---- the last flight ---- */

static unsigned lose;

static bool lose_some(struct pair *p, struct datagram_on_wire *d)
{
	bool lost = d->to == CLIENT && p->side[SERVER].conn && p->side[SERVER].conn->state == CONN_OPEN && lose > 0;
	lose -= lost;
	return !lost;
}

static void last_flight(void **state)
{
	struct pair p;
	tern_config *c[2];
	(void)state;
	usual_configs(c);
	pair_init(&p, c[CLIENT], c[SERVER]);
	lose = 5;
	p.tap = lose_some;
	pair_dial(&p, "a.test", span_of(NULL, 0));
	pair_run(&p, 100 * S);
	assert_true(pair_connected(&p));
	assert_int_equal(lose, 0);
	assert_non_null(p.side[SERVER].conn->last);
	assert_int_not_equal(tern_conn_deadline(p.side[SERVER].conn), TERN_NEVER);
	pair_check_data(&p, "after the last flight");
	assert_null(p.side[SERVER].conn->last);
	assert_int_equal(tern_conn_deadline(p.side[SERVER].conn), TERN_NEVER);
	pair_free(&p);
}

/* Nobody needs it: it goes after 2 MSL. */
static void last_flight_expires(void **state)
{
	struct pair p;
	(void)state;
	connected_pair(&p);
	assert_true(pair_wait(&p, p.now.mono_ns + 241 * S));
	assert_null(p.side[SERVER].conn->last);
	assert_false(pair_wait(&p, TERN_NEVER));
	pair_check_data(&p, "later");
	pair_free(&p);
}

/* ---- limits ---- */

static void seal_limit(void **state)
{
	struct pair p;
	tern_config *c[2];
	tern_limits limits = {.size = sizeof limits, .seal_limit = 80};
	uint8_t out[256];
	size_t n;
	int sealed = 0;
	tern_event e;
	(void)state;
	usual_configs(c);
	OK(tern_config_set_limits(c[CLIENT], &limits));
	connect_pair(&p, c);
	for (;;) {
		tern_error error = tern_conn_seal(p.side[CLIENT].conn, out, sizeof out, &n, out, 0, p.now);
		if (error != TERN_OK) {
			check_is("at the limit", error, TERN_ERROR_LIMIT);
			assert_int_equal(n, 0);
			break;
		}
		sealed++;
		pair_feed(&p, SERVER, out, n);
		pair_events(&p, CLIENT);
		assert_int_equal(pair_saw(&p, CLIENT, TERN_EVENT_LIMIT_NEAR), sealed + 1 >= 70);
		assert_true(sealed < 100);
	}
	assert_int_equal(sealed, 78); /* and Finished, and the alert that tells the peer */
	check_is("next", tern_conn_next(p.side[CLIENT].conn, &e, p.now), TERN_ERROR_LIMIT);
	pair_settle(&p);
	check_is("seal", tern_conn_seal(p.side[CLIENT].conn, out, sizeof out, &n, out, 0, p.now), TERN_ERROR_LIMIT);
	check_is("the peer", p.side[SERVER].error, TERN_ERROR_PEER_ALERT);
	assert_int_equal(tern_conn_failure(p.side[SERVER].conn).alert, 80);
	pair_free(&p);
}

static void sequence_end(void **state)
{
	struct pair p;
	tern_config *c[2];
	uint8_t out[256];
	size_t n;
	(void)state;
	usual_configs(c);
	OK(tern_config_set_suites(c[CLIENT],
				  "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256")); /* as long as numbers last */
	connect_pair(&p, c);
	p.side[CLIENT].conn->records.out.next_seq = RECORD_SEQ_MAX - 2; /* the last may not be data */
	p.side[SERVER].conn->records.in.window.next = RECORD_SEQ_MAX - 9;
	OK(tern_conn_seal(p.side[CLIENT].conn, out, sizeof out, &n, (const uint8_t *)"z", 1, p.now));
	pair_feed(&p, SERVER, out, n);
	assert_int_equal(p.side[SERVER].data_len, 1);
	check_is("beyond", tern_conn_seal(p.side[CLIENT].conn, out, sizeof out, &n, out, 0, p.now), TERN_ERROR_LIMIT);
	pair_free(&p);
}

static void too_many_forgeries(void **state)
{
	struct pair p;
	uint8_t junk[40] = {0};
	tern_event e;
	(void)state;
	connected_pair(&p);
	p.side[SERVER].conn->records.in.forged =
		raw_key_aead(&p.side[SERVER].conn->records.in.key)->forgery_limit12 - 2;
	pair_forge(&p, SERVER, CONTENT_APPLICATION_DATA, 1, 99, junk, sizeof junk);
	assert_true(pair_saw(&p, SERVER, TERN_EVENT_LIMIT_NEAR));
	check_is("one more is allowed", p.side[SERVER].error, TERN_OK);
	pair_check_data(&p, "near the limit");
	pair_forge(&p, SERVER, CONTENT_APPLICATION_DATA, 1, 99, junk, sizeof junk);
	check_is("at the limit", p.side[SERVER].error, TERN_ERROR_FORGERIES);
	check_is("and after", tern_conn_next(p.side[SERVER].conn, &e, p.now), TERN_ERROR_FORGERIES);
	pair_free(&p);
}

/* ---- data before its time ---- */

static void data_before_connected(void **state)
{
	struct pair p;
	tern_config *c[2];
	uint8_t out[64];
	size_t n;
	(void)state;
	usual_configs(c);
	pair_init(&p, c[CLIENT], c[SERVER]);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	pair_forge(&p, CLIENT, CONTENT_APPLICATION_DATA, 0, 5, "hello", 5);
	assert_int_equal(dropped(&p, CLIENT, TERN_DROP_EARLY_DATA), 1);
	while (!pair_saw(&p, SERVER, TERN_EVENT_CONNECTED))
		assert_true(pair_carry(&p));
	OK(tern_conn_seal(p.side[SERVER].conn, out, sizeof out, &n, (const uint8_t *)"early", 5, p.now));
	pair_feed(&p, CLIENT, out, n);
	assert_int_equal(dropped(&p, CLIENT, TERN_DROP_EARLY_DATA), 2);
	assert_int_equal(p.side[CLIENT].num_events, 0);
	pair_settle(&p);
	assert_true(pair_connected(&p));
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_to_prove_or_trust),
		cmocka_unit_test(options_out_of_range),
		cmocka_unit_test(loans),
		cmocka_unit_test(records_in_one_datagram),
		cmocka_unit_test(usage_errors),
		cmocka_unit_test(order_of_events),
		cmocka_unit_test(chain_until_the_next_call),
		cmocka_unit_test(close_both_ways),
		cmocka_unit_test(close_at_once),
		cmocka_unit_test(closed_but_heard),
		cmocka_unit_test(calls_on_a_failed_connection),
		cmocka_unit_test(close_in_the_handshake),
		cmocka_unit_test(plaintext_after_the_handshake),
		cmocka_unit_test(plaintext_alerts_in_the_handshake),
		cmocka_unit_test(replays),
		cmocka_unit_test(replayed_handshake),
		cmocka_unit_test(renegotiation),
		cmocka_unit_test(hello_requests_in_the_handshake),
		cmocka_unit_test(last_flight),
		cmocka_unit_test(last_flight_expires),
		cmocka_unit_test(seal_limit),
		cmocka_unit_test(sequence_end),
		cmocka_unit_test(too_many_forgeries),
		cmocka_unit_test(data_before_connected),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
