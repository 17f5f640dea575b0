/* src/connection/carrier.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/stub/stub.h"
#include "pair.h"

#define S UINT64_C(1000000000)
#define NEVER_LOST 64
#define FLIGHT 16

static const tern_protocol versions[] = {TERN_DTLS12, TERN_DTLS13};

/* What goes over the wire the first time: a bit for each datagram that is lost. */
static struct {
	unsigned at;
	uint64_t lost;
} wire;

static bool lose(struct pair *p, struct datagram_on_wire *d)
{
	unsigned n = wire.at++;
	(void)p;
	(void)d;
	return n >= NEVER_LOST || !(wire.lost >> n & 1);
}

static void make_pair(struct pair *p, tern_protocol version)
{
	const tern_timers timers = {.size = sizeof timers, .first_ns = S, .no_jitter = true};
	const tern_limits limits = {.size = sizeof limits, .mtu = 300};
	tern_config *c[2];
	for (int i = 0; i < 2; i++) {
		c[i] = version == TERN_DTLS12 ? new_config(NULL) : new_config13(NULL);
		OK(config_set_provider(c[i], &provider_stub));
		OK(tern_config_set_timers(c[i], &timers));
		OK(tern_config_set_limits(c[i], &limits));
	}
	OK(tern_config_add_keypair(c[SERVER], "E a.test", 8, "E a.test", 8));
	OK(tern_config_add_trust(c[CLIENT], "E a.test", 8));
	OK(tern_config_set_cookie(c[SERVER], false));
	pair_init(p, c[CLIENT], c[SERVER]);
	wire.at = 0;
	wire.lost = 0;
	p->tap = lose;
	pair_dial(p, "a.test", span_of(NULL, 0));
	pair_accept(p);
}

static void set(struct pair *p, enum role who, tern_timing timing)
{
	OK(tern_conn_set_timers(p->side[who].conn, timing, p->now));
}

static void make_carried(struct pair *p, tern_protocol version)
{
	make_pair(p, version);
	set(p, CLIENT, TERN_TIMERS_EXTERNAL);
	set(p, SERVER, TERN_TIMERS_EXTERNAL);
}

static size_t lent(const struct pair *p, enum role who)
{
	tern_bytes flight[FLIGHT];
	return tern_conn_flight(p->side[who].conn, flight, FLIGHT);
}

/* Everything that who lends arrives, as it is. */
static size_t repeat(struct pair *p, enum role who)
{
	tern_bytes flight[FLIGHT];
	struct datagram_on_wire copies[FLIGHT];
	size_t n = tern_conn_flight(p->side[who].conn, flight, FLIGHT);
	for (size_t i = 0; i < n; i++) {
		copies[i].n = flight[i].len;
		memcpy(copies[i].bytes, flight[i].data, flight[i].len);
	}
	for (size_t i = 0; i < n; i++)
		pair_feed(p, who == CLIENT ? SERVER : CLIENT, copies[i].bytes, copies[i].n);
	return n;
}

static void lends_what_was_taken(void **state)
{
	(void)state;
	for (size_t v = 0; v < NUM(versions); v++) {
		tern_bytes flight[FLIGHT];
		struct pair p;
		make_carried(&p, versions[v]);
		for (enum role who = CLIENT; who <= SERVER; who++) {
			size_t first = p.num_queued, n;
			assert_int_equal(lent(&p, who), 0);
			pair_collect(&p, who);
			n = tern_conn_flight(p.side[who].conn, flight, FLIGHT);
			assert_int_equal(n, p.num_queued - first);
			assert_true(n >= (who == CLIENT ? 1 : 2));
			for (size_t i = 0; i < n; i++) {
				assert_int_equal(flight[i].len, p.queue[first + i].n);
				assert_memory_equal(flight[i].data, p.queue[first + i].bytes, flight[i].len);
			}
			assert_int_equal(tern_conn_flight(p.side[who].conn, flight, 1), 1);
			while (who == CLIENT && p.num_queued)
				assert_true(pair_carry(&p));
		}
		pair_free(&p);
	}
}

/* No timer of ours: what is left is the handshake's own deadline. */
static void no_timer(void **state)
{
	(void)state;
	for (size_t v = 0; v < NUM(versions); v++) {
		struct pair p;
		make_carried(&p, versions[v]);
		wire.lost = 1;
		pair_settle(&p);
		assert_int_equal(tern_conn_deadline(p.side[CLIENT].conn), p.side[CLIENT].conn->hs->give_up_ns);
		p.now.mono_ns += 100 * S;
		OK(tern_conn_tick(p.side[CLIENT].conn, p.now));
		pair_collect(&p, CLIENT);
		assert_int_equal(p.num_queued, 0);
		pair_free(&p);
	}
}

/* Whatever of a handshake is lost the first time: repetitions bring it through, and nothing is sealed anew. */
static void repetitions_come_through(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * 512; i++) {
		struct pair p;
		make_carried(&p, versions[i & 1]);
		wire.lost = i >> 1;
		for (int round = 0; round < 20; round++) {
			pair_settle(&p);
			if (pair_connected(&p) && !lent(&p, CLIENT))
				break;
			repeat(&p, CLIENT);
			repeat(&p, SERVER);
		}
		if (!pair_connected(&p) || lent(&p, CLIENT))
			fail_msg("%zu: client %s, server %s, %zu lent", i, tern_error_name(p.side[CLIENT].error),
				 tern_error_name(p.side[SERVER].error), lent(&p, CLIENT));
		assert_int_equal(pair_info(&p, CLIENT).retransmissions, 0);
		assert_int_equal(pair_info(&p, SERVER).retransmissions, 0);
		p.tap = NULL;
		pair_settle(&p);
		pair_check_data(&p, "repeated");
		assert_int_equal(lent(&p, SERVER), 0);
		pair_free(&p);
	}
}

/* A network that delivers everything again and again: what was there is dropped, and nothing comes of it. */
static void repetitions_harm_nothing(void **state)
{
	(void)state;
	for (size_t v = 0; v < NUM(versions); v++) {
		struct pair p;
		unsigned taken;
		make_carried(&p, versions[v]);
		while (pair_carry(&p)) {
			for (int times = 0; times < 3; times++) {
				repeat(&p, CLIENT);
				repeat(&p, SERVER);
			}
		}
		assert_true(pair_connected(&p));
		taken = p.carried;
		assert_true(pair_info(&p, CLIENT).dropped[TERN_DROP_REPLAYED] > 0);
		pair_free(&p);
		make_carried(&p, versions[v]);
		pair_settle(&p);
		assert_int_equal(taken, p.carried); /* as many without */
		pair_free(&p);
	}
}

/* The same fragments under other numbers, at once, whoever has the timers. */
static void asked_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct pair p;
		struct datagram_on_wire first;
		make_pair(&p, versions[i & 1]);
		if (i & 2)
			set(&p, CLIENT, TERN_TIMERS_EXTERNAL);
		OK(tern_conn_retransmit(p.side[CLIENT].conn, p.now)); /* nothing waits yet */
		pair_collect(&p, CLIENT);
		first = p.queue[0];
		p.num_queued = 0;
		OK(tern_conn_retransmit(p.side[CLIENT].conn, p.now));
		pair_collect(&p, CLIENT);
		assert_true(p.num_queued >= 1);
		assert_int_equal(p.queue[0].n, first.n);
		assert_memory_not_equal(p.queue[0].bytes, first.bytes, RECORD12_HEADER);
		assert_memory_equal(p.queue[0].bytes + RECORD12_HEADER, first.bytes + RECORD12_HEADER,
				    first.n - RECORD12_HEADER);
		assert_int_equal(lent(&p, CLIENT), i & 2 ? p.num_queued : 0);
		assert_int_equal(pair_info(&p, CLIENT).retransmissions, 1);
		pair_run(&p, 10 * S);
		assert_true(pair_connected(&p));
		pair_free(&p);
	}
}

/* The server's last word is lost. Under keys a repetition is a replay, so it brings no answer: a retransmission does.
 */
static void an_answer_is_asked_for_again(void **state)
{
	(void)state;
	for (size_t v = 0; v < NUM(versions); v++) {
		struct pair p;
		make_pair(&p, versions[v]);
		set(&p, CLIENT, TERN_TIMERS_EXTERNAL);
		while (p.side[SERVER].conn->state != CONN_OPEN)
			assert_true(pair_carry(&p));
		pair_collect(&p, SERVER);
		assert_true(p.num_queued > 0);
		p.num_queued = 0;
		p.now.mono_ns += S / 2;
		assert_true(repeat(&p, CLIENT) > 0);
		pair_collect(&p, SERVER);
		assert_int_equal(p.num_queued, 0);
		OK(tern_conn_retransmit(p.side[CLIENT].conn, p.now));
		pair_settle(&p);
		assert_true(pair_connected(&p));
		assert_int_equal(lent(&p, CLIENT), 0);
		pair_free(&p);
	}
}

static void switched_both_ways(void **state)
{
	(void)state;
	for (size_t v = 0; v < NUM(versions); v++) {
		struct pair p;
		tern_conn *conn;
		make_pair(&p, versions[v]);
		conn = p.side[CLIENT].conn;
		wire.lost = UINT64_MAX;
		pair_settle(&p);
		assert_int_equal(tern_conn_deadline(conn), p.now.mono_ns + S);
		p.now.mono_ns += S / 2;
		set(&p, CLIENT, TERN_TIMERS_EXTERNAL);
		set(&p, CLIENT, TERN_TIMERS_EXTERNAL); /* as it is */
		assert_int_equal(tern_conn_deadline(conn), conn->hs->give_up_ns);
		assert_int_equal(lent(&p, CLIENT), 0);
		pair_settle(&p);
		assert_true(lent(&p, CLIENT) > 0);
		OK(tern_conn_set_timeout(conn, 2 * S));
		assert_int_equal(tern_conn_deadline(conn), conn->hs->give_up_ns);
		p.now.mono_ns += S;
		set(&p, CLIENT, TERN_TIMERS_OWN);
		assert_int_equal(lent(&p, CLIENT), 0);
		assert_int_equal(tern_conn_deadline(conn), p.now.mono_ns + 2 * S);
		wire.lost = 0;
		pair_run(&p, 10 * S);
		assert_true(pair_connected(&p));
		assert_int_equal(tern_conn_set_timers(conn, (tern_timing)2, p.now), TERN_ERROR_USAGE);
		pair_free(&p);
	}
}

/* In the middle of the server's flight, with its last flight on the way, and when all is over. */
static void switched_at_any_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * 16; i++) {
		struct pair p;
		unsigned steps = 0;
		make_pair(&p, versions[i & 1]);
		while (pair_carry(&p) || (!pair_connected(&p) && pair_wait(&p, p.now.mono_ns + 100 * S))) {
			tern_timing timing = ++steps % (i / 2 + 2) ? TERN_TIMERS_OWN : TERN_TIMERS_EXTERNAL;
			set(&p, CLIENT, timing);
			set(&p, SERVER, timing);
			if (steps == 1000)
				fail_msg("%zu: no end", i);
		}
		assert_true(pair_connected(&p));
		pair_check_data(&p, "switched");
		pair_free(&p);
	}
}

/* Once the peer's data has come there is nothing to be lent, and nothing is kept. */
static void over(void **state)
{
	(void)state;
	for (size_t v = 0; v < NUM(versions); v++) {
		struct pair p;
		make_carried(&p, versions[v]);
		pair_settle(&p);
		assert_int_equal(lent(&p, CLIENT), 0);
		assert_true(lent(&p, SERVER) > 0);
		pair_check_data(&p, "over");
		for (enum role who = CLIENT; who <= SERVER; who++)
			assert_true(!p.side[who].conn->kept && !p.side[who].conn->spare);
		set(&p, CLIENT, TERN_TIMERS_OWN);
		set(&p, CLIENT, TERN_TIMERS_EXTERNAL);
		OK(tern_conn_retransmit(p.side[CLIENT].conn, p.now));
		pair_check_data(&p, "after");
		pair_free(&p);
	}
}

/* A handshake that has failed asks for nothing more. */
static void failed(void **state)
{
	(void)state;
	for (size_t v = 0; v < NUM(versions); v++) {
		struct pair p;
		make_carried(&p, versions[v]);
		pair_collect(&p, CLIENT);
		assert_true(lent(&p, CLIENT) > 0);
		pair_forge(&p, CLIENT, CONTENT_ALERT, 0, 9, "\2\50", 2);
		check_is("client", p.side[CLIENT].error, TERN_ERROR_PEER_ALERT);
		assert_int_equal(lent(&p, CLIENT), 0);
		pair_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lends_what_was_taken),
		cmocka_unit_test(no_timer),
		cmocka_unit_test(repetitions_come_through),
		cmocka_unit_test(repetitions_harm_nothing),
		cmocka_unit_test(asked_for),
		cmocka_unit_test(an_answer_is_asked_for_again),
		cmocka_unit_test(switched_both_ways),
		cmocka_unit_test(switched_at_any_time),
		cmocka_unit_test(over),
		cmocka_unit_test(failed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
