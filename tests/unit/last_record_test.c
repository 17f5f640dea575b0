/* Where record numbers end: they do not wrap (RFC 6347 4.1, RFC 9147 4.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "usual_pair.h"

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
		OK(tern_conn_seal(conn, out, sizeof out, &n, (const uint8_t *)"last", 4, p.now));
		pair_feed(&p, SERVER, out, n);
		assert_int_equal(p.side[SERVER].data_len, 4);
		check_is("one more", tern_conn_seal(conn, out, sizeof out, &n, (const uint8_t *)"more", 4, p.now),
			 TERN_ERROR_LIMIT);
		assert_int_equal(n, 0);
		check_is("and again", tern_conn_seal(conn, out, sizeof out, &n, (const uint8_t *)"more", 4, p.now),
			 TERN_ERROR_LIMIT);
		assert_int_equal(tern_conn_failure(conn).error, TERN_ERROR_LIMIT);
		/* The last number of all is the alert's. */
		OK(tern_conn_take(conn, out, sizeof out, &n, p.now));
		assert_true(n > 0);
		OK(tern_conn_take(conn, out, sizeof out, &n, p.now));
		assert_int_equal(n, 0);
		pair_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_record_numbers),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
