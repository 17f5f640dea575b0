/* Which version comes of what both sides allow; and that nobody on the path can press it down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "usual_pair.h"

#define LONG_TIME (UINT64_C(300) * 1000000000)

enum range { ONLY12, ONLY13, BOTH, NUM_RANGES };
static const char *const ranges[NUM_RANGES] = {"1.2", "1.3", "1.2 and 1.3"};

static tern_config *config_of(enum range range)
{
	tern_config *config = new_config(NULL);
	OK(tern_config_set_versions(config, range == ONLY13 ? TERN_DTLS13 : TERN_DTLS12,
				    range == ONLY12 ? TERN_DTLS12 : TERN_DTLS13));
	return config;
}

static void make_pair(struct pair *p, enum range client, enum range server, bool cookie)
{
	tern_config *c = config_of(client), *s = config_of(server);
	add_trust(c, &root);
	add_cert(s, &leaf);
	OK(tern_config_set_cookie(s, cookie));
	pair_init(p, c, s);
	pair_dial(p, "a.test", span_of(NULL, 0));
}

static void the_newest_that_both_allow(void **state)
{
	(void)state;
	for (int c = 0; c < NUM_RANGES; c++)
		for (int s = 0; s < NUM_RANGES; s++)
			for (int cookie = 0; cookie < 2; cookie++) {
				struct pair p;
				char name[80];
				snprintf(name, sizeof name, "client %s, server %s%s", ranges[c], ranges[s],
					 cookie ? ", cookie" : "");
				make_pair(&p, (enum range)c, (enum range)s, cookie);
				pair_run(&p, LONG_TIME);
				if (c + s == ONLY12 + ONLY13) {
					/* One of them notices, the other is told. */
					enum role notices = c == ONLY13 && cookie ? CLIENT : SERVER;
					check_is(name, p.side[notices].error, TERN_ERROR_PROTOCOL_VERSION);
					check_is(name, p.side[!notices].error,
						 p.side[!notices].conn ? TERN_ERROR_PEER_ALERT : TERN_OK);
					pair_free(&p);
					continue;
				}
				if (!pair_connected(&p))
					fail_msg("%s: client %s, server %s", name,
						 tern_error_name(p.side[CLIENT].error),
						 tern_error_name(p.side[SERVER].error));
				assert_int_equal(pair_info(&p, CLIENT).version,
						 c == ONLY12 || s == ONLY12 ? TERN_DTLS12 : TERN_DTLS13);
				assert_int_equal(pair_info(&p, SERVER).version, pair_info(&p, CLIENT).version);
				pair_check_data(&p, name);
				pair_free(&p);
			}
}

/* ---- downgrade ---- */

/* Takes DTLS 1.3 out of the list of a ClientHello: the extension's type becomes an unknown one. */
static bool hide_version(struct pair *p, struct datagram_on_wire *d)
{
	static const uint8_t versions[] = {0, 43, 0, 5, 4, 0xfe, 0xfc, 0xfe, 0xfd};
	(void)p;
	for (size_t i = 0; d->to == SERVER && i + sizeof versions <= d->n; i++)
		if (memcmp(d->bytes + i, versions, sizeof versions) == 0)
			d->bytes[i] = 0x7a;
	return true;
}

static void client_notices_that_it_was_pressed_down(void **state)
{
	(void)state;
	for (int cookie = 0; cookie < 2; cookie++) {
		struct pair p;
		make_pair(&p, BOTH, BOTH, cookie);
		p.tap = hide_version;
		pair_run(&p, LONG_TIME);
		check_is("downgrade", p.side[CLIENT].error, TERN_ERROR_DOWNGRADE);
		assert_int_equal(tern_conn_failure(p.side[SERVER].conn).alert, 47);
		pair_free(&p);
	}
}

static uint8_t random_tail[8];
static bool note_random(struct pair *p, struct datagram_on_wire *d)
{
	(void)p;
	if (d->to == CLIENT && d->bytes[0] == CONTENT_HANDSHAKE && d->bytes[13] == SERVER_HELLO)
		memcpy(random_tail, d->bytes + 13 + 12 + 2 + 24, 8);
	return true;
}

static void server_marks_1_2_only_when_it_could_do_better(void **state)
{
	static const uint8_t mark[8] = {0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 1};
	(void)state;
	for (int s = 0; s < NUM_RANGES; s++) {
		struct pair p;
		if (s == ONLY13)
			continue;
		make_pair(&p, ONLY12, (enum range)s, false);
		p.tap = note_random;
		pair_run(&p, LONG_TIME);
		assert_true(pair_connected(&p)); /* a client of 1.2 does not mind */
		assert_int_equal(memcmp(random_tail, mark, 8) == 0, s == BOTH);
		pair_free(&p);
	}
}

/* Whether the server is tern or something older: a mark for 1.1 and below counts too. */
static bool mark_as_11(struct pair *p, struct datagram_on_wire *d)
{
	static const uint8_t mark[8] = {0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 0};
	(void)p;
	if (d->to == CLIENT && d->bytes[0] == CONTENT_HANDSHAKE && d->bytes[13] == SERVER_HELLO)
		memcpy(d->bytes + 13 + 12 + 2 + 24, mark, 8);
	return true;
}

static void mark_of_1_1_counts_too(void **state)
{
	struct pair p;
	(void)state;
	make_pair(&p, BOTH, ONLY12, true);
	p.tap = mark_as_11;
	pair_run(&p, LONG_TIME);
	check_is("mark", p.side[CLIENT].error, TERN_ERROR_DOWNGRADE);
	pair_free(&p);
}

/* ---- HelloVerifyRequest and 1.3 do not go together: RFC 9147 5.2, 5.3 ---- */

static void verify_request_of(struct pair *p, uint16_t seq)
{
	static const uint8_t body[] = {0xfe, 0xff, 4, 1, 2, 3, 4};
	uint8_t out[64];
	struct wr w = wr_of(out, sizeof out);
	put_fragment_header(&w,
			    &(struct fragment){.type = HELLO_VERIFY_REQUEST, .length = sizeof body, .message_seq = seq},
			    sizeof body);
	wr_bytes(&w, span_of(body, sizeof body));
	pair_forge(p, CLIENT, CONTENT_HANDSHAKE, 0, seq, out, w.n);
}

static void server_hello13_after_a_verify_request_is_refused(void **state)
{
	struct pair p;
	(void)state;
	make_pair(&p, BOTH, BOTH, false);
	verify_request_of(&p, 0);
	check_is("verified", p.side[CLIENT].error, TERN_OK);
	pair_collect(&p, CLIENT);
	pair_settle(&p);
	check_is("server", p.side[SERVER].error, TERN_ERROR_ILLEGAL_PARAMETER); /* its legacy_cookie is not empty */
	pair_free(&p);
}

static void client_of_1_3_alone_takes_no_verify_request(void **state)
{
	struct pair p;
	(void)state;
	make_pair(&p, ONLY13, ONLY13, true);
	verify_request_of(&p, 0);
	check_is("client", p.side[CLIENT].error, TERN_ERROR_PROTOCOL_VERSION);
	pair_free(&p);
}

/* ---- clients that could not do 1.3 after all ---- */

/* DTLS 1.3 wants a PSK with its first message; who waits for the hint offers 1.2 alone. */
static tern_error answer_psk(void *user, tern_conn *conn, uint64_t job, const uint8_t *identity, size_t identity_len,
			     const uint8_t *hint, size_t hint_len, tern_psk *answer)
{
	(void)user;
	(void)conn;
	(void)job;
	(void)identity;
	(void)identity_len;
	(void)hint;
	(void)hint_len;
	*answer = (tern_psk){.identity_len = 2, .key_len = 6, .identity = "id", .key = "secret"};
	return TERN_OK;
}

static void client_that_asks_for_its_psk_offers_1_2_alone(void **state)
{
	tern_config *client = config_of(BOTH), *server = config_of(BOTH);
	struct pair p;
	(void)state;
	OK(tern_config_set_psk(client, answer_psk, NULL));
	OK(tern_config_set_psk(server, answer_psk, NULL));
	pair_init(&p, client, server);
	pair_dial(&p, NULL, span_of(NULL, 0));
	pair_run(&p, LONG_TIME);
	assert_true(pair_connected(&p));
	assert_int_equal(pair_info(&p, CLIENT).version, TERN_DTLS12);
	pair_check_data(&p, "PSK by callback");
	pair_free(&p);
}

static void client_that_could_judge_nobody_is_refused(void **state)
{
	(void)state;
	for (int range = 0; range < NUM_RANGES; range++) {
		tern_config *client = config_of((enum range)range), *server = config_of(BOTH);
		struct pair p;
		add_cert(client, &leaf);
		add_cert(server, &leaf);
		pair_init(&p, client, server);
		pair_dial(&p, NULL, span_of(NULL, 0));
		check_is(ranges[range], p.side[CLIENT].error, TERN_ERROR_NO_CREDENTIALS);
		pair_free(&p);
	}
}

/* ---- sessions do not cross versions ---- */

static void session_of_one_version_is_offered_for_that_alone(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		tern_config *server = config_of(BOTH);
		struct pair p;
		uint8_t session[TERN_SESSION_MAX];
		size_t n;
		tern_pool *other_pool;
		tern_config *client = config_of(first ? ONLY13 : ONLY12), *other = config_of(BOTH);
		add_trust(client, &root);
		add_trust(other, &root);
		add_cert(server, &leaf);
		OK(tern_pool_new(&other_pool, other));
		pair_init(&p, client, server);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_run(&p, LONG_TIME);
		assert_true(pair_connected(&p));
		OK(tern_conn_session(p.side[CLIENT].conn, session, sizeof session, &n));
		pair_hang_up(&p);
		tern_pool_free(p.side[CLIENT].pool);
		tern_config_free(p.side[CLIENT].config);
		p.side[CLIENT].pool = other_pool;
		p.side[CLIENT].config = other;
		pair_dial(&p, "a.test", span_of(session, n));
		pair_run(&p, LONG_TIME);
		assert_true(pair_connected(&p));
		assert_int_equal(pair_info(&p, CLIENT).version, TERN_DTLS13);
		assert_int_equal(pair_info(&p, CLIENT).resumed, first == 1);
		pair_free(&p);
	}
}

static uint16_t hello_versions[2]; /* of the records of hellos, by message_seq */
static bool others_said_dtls12;

static bool look_for_versions(struct pair *p, struct datagram_on_wire *d)
{
	struct rd r = rd_of(span_of(d->bytes, d->n)), body;
	struct record12 record;
	struct fragment f;
	(void)p;
	while (d->to == SERVER && rd_left(&r) && r.p[0] < 32 && get_record12(&r, &record)) {
		body = rd_of(record.fragment);
		if (record.type == CONTENT_HANDSHAKE && !record.epoch && get_fragment(&body, &f) &&
		    f.type == CLIENT_HELLO)
			hello_versions[f.message_seq & 1] = record.version;
		else
			others_said_dtls12 &= record.version == VERSION_DTLS12;
	}
	return true;
}

/* RFC 9147 5.3: a hello may say what others have long said, but not after a HelloRetryRequest; and nothing else may,
 * such as the last flight of a client that resumes, which goes out when the handshake's memory has gone. */
static void version_of_the_records_of_hellos(void **state)
{
	(void)state;
	for (int range = 0; range < NUM_RANGES; range++) {
		static uint8_t session[TERN_SESSION_MAX];
		struct pair p;
		size_t n;
		make_pair(&p, (enum range)range, BOTH, true);
		p.tap = look_for_versions;
		others_said_dtls12 = true;
		pair_run(&p, LONG_TIME);
		assert_true(pair_connected(&p));
		assert_int_equal(hello_versions[0], VERSION_DTLS10);
		assert_int_equal(hello_versions[1], range == ONLY12 ? VERSION_DTLS10 : VERSION_DTLS12);
		OK(tern_conn_session(p.side[CLIENT].conn, session, sizeof session, &n));
		pair_hang_up(&p);
		pair_dial(&p, "a.test", span_of(session, n));
		pair_run(&p, LONG_TIME);
		assert_true(pair_info(&p, CLIENT).resumed);
		assert_true(others_said_dtls12);
		pair_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_that_both_allow),
		cmocka_unit_test(client_notices_that_it_was_pressed_down),
		cmocka_unit_test(server_marks_1_2_only_when_it_could_do_better),
		cmocka_unit_test(mark_of_1_1_counts_too),
		cmocka_unit_test(server_hello13_after_a_verify_request_is_refused),
		cmocka_unit_test(client_of_1_3_alone_takes_no_verify_request),
		cmocka_unit_test(client_that_asks_for_its_psk_offers_1_2_alone),
		cmocka_unit_test(client_that_could_judge_nobody_is_refused),
		cmocka_unit_test(session_of_one_version_is_offered_for_that_alone),
		cmocka_unit_test(version_of_the_records_of_hellos),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
