/* tern_conn_abort and tern_conn_set_timeout. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "usual_pair.h"

#define MS UINT64_C(1000000)
#define S (1000 * MS)
#define ACCESS_DENIED 49

static const tern_protocol versions[] = {TERN_DTLS12, TERN_DTLS13};

static void set_version(tern_config *c[2], tern_protocol version)
{
	usual_configs(c);
	OK(tern_config_set_versions(c[CLIENT], version, version));
	OK(tern_config_set_versions(c[SERVER], version, version));
}

static void check_refused(struct pair *p, enum role who, const char *name)
{
	tern_failure mine = tern_conn_failure(p->side[who].conn), theirs;
	tern_event event;
	check_is(name, mine.error, TERN_ERROR_REFUSED);
	assert_true(mine.alert_sent && mine.alert == ACCESS_DENIED);
	check_is(name, tern_conn_next(p->side[who].conn, &event, p->now), TERN_ERROR_REFUSED);
	check_is(name, tern_conn_abort(p->side[who].conn, ACCESS_DENIED, p->now), TERN_ERROR_NOT_CONNECTED);
	pair_settle(p);
	theirs = tern_conn_failure(p->side[!who].conn);
	check_is(name, theirs.error, TERN_ERROR_PEER_ALERT);
	assert_true(theirs.alert_received && theirs.alert == ACCESS_DENIED);
}

static void aborts(void **state)
{
	static const struct {
		const char *name;
		enum role who;
		bool connected;
	} cases[] = {{"client, connected", CLIENT, true},
		     {"server, connected", SERVER, true},
		     {"client, in the handshake", CLIENT, false}};
	(void)state;
	for (size_t i = 0; i < 2 * NUM(cases); i++) {
		enum role who = cases[i / 2].who;
		tern_config *c[2];
		struct pair p;
		set_version(c, versions[i % 2]);
		pair_init(&p, c[CLIENT], c[SERVER]);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		while (cases[i / 2].connected ? !pair_saw(&p, who, TERN_EVENT_CONNECTED) : !p.side[SERVER].conn)
			assert_true(pair_carry(&p));
		pair_settle(&p);
		if (!cases[i / 2].connected)
			pair_hang_up(&p), pair_dial(&p, "a.test", span_of(NULL, 0)), pair_accept(&p);
		OK(tern_conn_abort(p.side[who].conn, ACCESS_DENIED, p.now));
		check_refused(&p, who, cases[i / 2].name);
		pair_free(&p);
	}
}

static void aborts_that_are_not_allowed(void **state)
{
	struct pair p;
	(void)state;
	connected_pair(&p);
	check_is("close_notify", tern_conn_abort(p.side[CLIENT].conn, 0, p.now), TERN_ERROR_USAGE);
	check_is("no alert", tern_conn_abort(p.side[CLIENT].conn, 256, p.now), TERN_ERROR_USAGE);
	pair_check_data(&p, "and nothing has changed");
	OK(tern_conn_close(p.side[CLIENT].conn, p.now));
	check_is("closed", tern_conn_abort(p.side[CLIENT].conn, ACCESS_DENIED, p.now), TERN_ERROR_NOT_CONNECTED);
	pair_free(&p);
}

/* RFC 9147 5.8.2: a first timeout for a path that somebody else has measured. */
static void timeouts(void **state)
{
	tern_timers timers = {.size = sizeof timers, .no_jitter = true};
	tern_config *c[2];
	tern_conn *client;
	struct pair p;
	uint64_t start;
	(void)state;
	usual_configs(c);
	OK(tern_config_set_timers(c[CLIENT], &timers));
	pair_init(&p, c[CLIENT], c[SERVER]);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	client = p.side[CLIENT].conn;
	start = p.now.mono_ns;
	pair_collect(&p, CLIENT);
	p.num_queued = 0;
	assert_int_equal(tern_conn_deadline(client), start + S);
	assert_int_equal(tern_conn_set_timeout(client, MS - 1), TERN_ERROR_USAGE);
	assert_int_equal(tern_conn_set_timeout(client, 60 * S + 1), TERN_ERROR_USAGE);
	assert_int_equal(tern_conn_deadline(client), start + S);
	OK(tern_conn_set_timeout(client, 80 * MS)); /* counted from the transmission */
	assert_int_equal(tern_conn_deadline(client), start + 80 * MS);
	p.now.mono_ns = start + 80 * MS;
	OK(tern_conn_tick(client, p.now));
	pair_collect(&p, CLIENT);
	assert_int_equal(tern_conn_deadline(client), start + 240 * MS); /* doubled */
	OK(tern_conn_set_timeout(client, 100 * MS));
	assert_int_equal(tern_conn_deadline(client), start + 280 * MS); /* doubled still */
	pair_settle(&p);
	assert_true(pair_connected(&p));
	pair_free(&p);
}

/* Messages after the handshake heed it too, those under way and those to come. */
static void timeouts_after_the_handshake(void **state)
{
	tern_timers timers = {.size = sizeof timers, .no_jitter = true};
	tern_config *c[2];
	struct pair p;
	(void)state;
	set_version(c, TERN_DTLS13);
	OK(tern_config_set_timers(c[CLIENT], &timers));
	connect_pair(&p, c);
	for (int i = 0; i < 10 && pair_wait(&p, p.now.mono_ns + S / 2); i++)
		pair_settle(&p);
	OK(tern_conn_rekey(p.side[CLIENT].conn, false, p.now));
	pair_collect(&p, CLIENT);
	assert_int_equal(tern_conn_deadline(p.side[CLIENT].conn), p.now.mono_ns + S);
	OK(tern_conn_set_timeout(p.side[CLIENT].conn, 200 * MS));
	assert_int_equal(tern_conn_deadline(p.side[CLIENT].conn), p.now.mono_ns + 200 * MS);
	for (int i = 0; i < 10 && pair_wait(&p, p.now.mono_ns + S / 2); i++)
		pair_settle(&p);
	OK(tern_conn_rekey(p.side[CLIENT].conn, false, p.now));
	pair_collect(&p, CLIENT);
	assert_int_equal(tern_conn_deadline(p.side[CLIENT].conn), p.now.mono_ns + 200 * MS);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aborts),
		cmocka_unit_test(aborts_that_are_not_allowed),
		cmocka_unit_test(timeouts),
		cmocka_unit_test(timeouts_after_the_handshake),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
