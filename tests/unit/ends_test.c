/* Where numbers end: of records, of messages, of epochs. None of them wraps (RFC 9147 4.2, 5.2, 8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "usual_pair.h"
#include "wire/messages13.h"

static void connect_chacha(struct pair *p, bool dtls13)
{
	tern_config *c[2];
	for (int i = 0; i < 2; i++) {
		c[i] = dtls13 ? new_config13(NULL) : new_config(NULL);
		OK(tern_config_set_suites(c[i], dtls13 ? "TLS_CHACHA20_POLY1305_SHA256"
						       : "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"));
	}
	add_trust(c[CLIENT], &root);
	add_cert(c[SERVER], &leaf);
	connect_pair(p, c);
}

static void last_record_numbers(void **state)
{
	(void)state;
	for (int dtls13 = 0; dtls13 < 2; dtls13++) {
		struct pair p;
		tern_conn *conn;
		uint8_t out[PAIR_DATAGRAM];
		size_t n = 1;
		connect_chacha(&p, dtls13);
		conn = p.side[CLIENT].conn;
		conn->records.out.next_seq = RECORD_SEQ_MAX - 2;
		p.side[SERVER].conn->records.in.window.next = RECORD_SEQ_MAX - 2;
		for (int i = 0; i < 2; i++) {
			OK(tern_conn_seal(conn, out, sizeof out, &n, (const uint8_t *)"last", 4, p.now));
			pair_feed(&p, SERVER, out, n);
			assert_int_equal(p.side[SERVER].data_len, 4);
			p.side[SERVER].data_len = 0;
		}
		check_is("one more", tern_conn_seal(conn, out, sizeof out, &n, (const uint8_t *)"more", 4, p.now),
			 TERN_ERROR_LIMIT);
		assert_int_equal(n, 0);
		check_is("and again", tern_conn_seal(conn, out, sizeof out, &n, (const uint8_t *)"more", 4, p.now),
			 TERN_ERROR_LIMIT);
		assert_int_equal(tern_conn_failure(conn).error, TERN_ERROR_LIMIT);
		/* There is no number for the alert either. */
		OK(tern_conn_take(conn, out, sizeof out, &n, p.now));
		assert_int_equal(n, 0);
		pair_free(&p);
	}
}

static void last_message_numbers(void **state)
{
	struct pair p;
	tern_conn *conn;
	(void)state;
	connect_chacha(&p, true);
	conn = p.side[CLIENT].conn;
	conn->after->send_seq = UINT16_MAX - 1;
	p.side[SERVER].conn->after->inbox.next = UINT16_MAX - 1;
	OK(tern_conn_rekey(conn, false, p.now));
	pair_settle(&p);
	assert_int_equal(conn->write_epoch, 4);
	check_is("no number is left", tern_conn_rekey(conn, false, p.now), TERN_ERROR_LIMIT);
	pair_free(&p);
}

/* Whoever uses the last number has no next one: it is not taken, or the count would begin again. */
static void peers_last_message_number(void **state)
{
	struct pair p;
	tern_conn *conn;
	(void)state;
	connect_chacha(&p, true);
	conn = p.side[CLIENT].conn;
	conn->after->inbox.next = UINT16_MAX;
	pair_say(&p, CLIENT, 3, KEY_UPDATE, UINT16_MAX, "\0", 1);
	pair_settle(&p);
	assert_int_equal(conn->after->inbox.next, UINT16_MAX);
	assert_int_equal(conn->records.in.epoch, 3);
	assert_int_equal(conn->dropped[TERN_DROP_FUTURE_MESSAGE], 1);
	pair_check_data(&p, "it goes on");
	pair_free(&p);
}

static void last_epochs(void **state)
{
	struct pair p;
	tern_conn *conn;
	(void)state;
	connect_chacha(&p, true);
	conn = p.side[CLIENT].conn;
	conn->write_epoch = conn->records.out.epoch = UINT16_MAX;
	check_is("no epoch is left", tern_conn_rekey(conn, false, p.now), TERN_ERROR_LIMIT);
	pair_free(&p);

	connect_chacha(&p, true);
	conn = p.side[CLIENT].conn;
	conn->records.in.epoch = UINT16_MAX;
	p.side[SERVER].conn->records.out.epoch = UINT16_MAX;
	pair_say(&p, CLIENT, UINT16_MAX, KEY_UPDATE, conn->after->inbox.next, "\0", 1);
	check_is("a peer's KeyUpdate in the last epoch", p.side[CLIENT].error, TERN_ERROR_UNEXPECTED_MESSAGE);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_record_numbers),
		cmocka_unit_test(last_message_numbers),
		cmocka_unit_test(peers_last_message_number),
		cmocka_unit_test(last_epochs),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
