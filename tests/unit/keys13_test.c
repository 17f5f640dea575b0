/* src/handshake/keys13.c: the epoch of what a server says between its flight and the end of the handshake. RFC 9147 7.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "usual_pair.h"

#define S UINT64_C(1000000000)

static tern_trace last[2]; /* record sent, by role of the sender */
static unsigned acks;
static struct pair *watched;

static void watch(void *user, const tern_conn *conn, const tern_trace *t)
{
	(void)user;
	if (t->kind != TERN_TRACE_SENT)
		return;
	last[conn == watched->side[SERVER].conn] = *t;
	acks += t->content_type == CONTENT_ACK;
}

static tern_error wait_verify(void *user, tern_conn *conn, uint64_t job, const tern_bytes *chain, size_t num_chain,
			      bool raw_key)
{
	(void)user;
	(void)conn;
	(void)job;
	(void)chain;
	(void)num_chain;
	(void)raw_key;
	return TERN_PENDING;
}

static void start(struct pair *p, bool client_cert, tern_verify_fn *server_verify)
{
	tern_timers timers = {.size = sizeof timers, .first_ns = S, .no_jitter = true, .no_rtt = true};
	tern_config *client = new_config13(NULL), *server = new_config13(NULL);
	add_trust(client, &root);
	add_trust(server, &root);
	add_cert(server, &leaf);
	if (client_cert)
		add_cert(client, &leaf);
	OK(tern_config_set_client_auth(server, TERN_CLIENT_AUTH_REQUIRED));
	OK(tern_config_set_verify(server, server_verify, NULL));
	OK(tern_config_set_timers(server, &timers));
	OK(tern_config_set_cookie(server, false));
	OK(tern_config_set_trace(client, watch, NULL));
	OK(tern_config_set_trace(server, watch, NULL));
	pair_init(p, client, server);
	watched = p;
	memset(last, 0, sizeof last);
	acks = 0;
	pair_dial(p, "a.test", span_of(NULL, 0));
}

/* The client has ended the handshake for its part and reads the newest keys. */
static void alert_about_the_clients_flight(void **state)
{
	struct pair p;
	(void)state;
	start(&p, false, NULL);
	pair_settle(&p);
	check_is("server", p.side[SERVER].error, TERN_ERROR_CERTIFICATE_REQUIRED);
	assert_int_equal(last[SERVER].content_type, CONTENT_ALERT);
	assert_int_equal(last[SERVER].epoch, 3);
	check_is("client", p.side[CLIENT].error, TERN_ERROR_PEER_ALERT);
	pair_free(&p);
}

/* An answer that comes soon costs no datagram. RFC 9147 7.1. */
static void pending_answer_is_acknowledged_after_a_quarter_of_the_timeout(void **state)
{
	const tern_answer yes = {.error = TERN_OK};
	struct pair p;
	uint64_t arrived;
	(void)state;
	start(&p, true, wait_verify);
	pair_settle(&p);
	assert_true(pair_saw(&p, SERVER, TERN_EVENT_PENDING));
	arrived = p.now.mono_ns;
	assert_int_equal(acks, 0);
	assert_true(pair_wait(&p, arrived + S));
	assert_int_equal(p.now.mono_ns, arrived + S / 4);
	pair_settle(&p);
	assert_int_equal(acks, 1);
	assert_int_equal(last[SERVER].content_type, CONTENT_ACK);
	assert_int_equal(last[SERVER].epoch, 3);
	OK(tern_conn_resume(p.side[SERVER].conn, p.side[SERVER].job, &yes, p.now));
	pair_events(&p, SERVER);
	pair_settle(&p);
	assert_true(pair_connected(&p));
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alert_about_the_clients_flight),
		cmocka_unit_test(pending_answer_is_acknowledged_after_a_quarter_of_the_timeout),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
