/* src/connection/after.c: acknowledgements, tickets and key updates (RFC 9147 7, 8). RFC
 * 9147 4.2.1, 4.4, 4.5.2, 4.5.3, 5.2, 5.10, 6.1, 7.1, 7.2, 11. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "usual_pair.h"
#include "wire/messages13.h"

#define S UINT64_C(1000000000)
#define ACK_MAX 40

/* What was sent, by role of the sender, as the trace tells it. */
static struct {
	unsigned acks, finished, updates, tickets;
	uint16_t epoch; /* of the last record */
} sent[2];
static struct pair *watched;

static void watch(void *user, const tern_conn *conn, const tern_trace *t)
{
	int who = conn == watched->side[SERVER].conn;
	(void)user;
	if (t->kind != TERN_TRACE_SENT)
		return;
	sent[who].epoch = t->epoch;
	sent[who].acks += t->content_type == CONTENT_ACK;
	sent[who].finished += t->content_type == CONTENT_HANDSHAKE && t->message_type == FINISHED;
	sent[who].updates += t->content_type == CONTENT_HANDSHAKE && t->message_type == KEY_UPDATE;
	sent[who].tickets += t->content_type == CONTENT_HANDSHAKE && t->message_type == NEW_SESSION_TICKET;
}

static uint64_t ack_ns; /* of configs made from now on */

static void start(struct pair *p, const tern_limits *limits, bool tickets)
{
	tern_config *client = new_config13(NULL), *server = new_config13(NULL);
	tern_timers timers = {
		.size = sizeof timers, .first_ns = S, .no_jitter = true, .no_rtt = true, .ack_ns = ack_ns};
	add_trust(client, &root);
	add_cert(server, &leaf);
	OK(tern_config_set_groups(client, "secp256r1"));
	OK(tern_config_set_groups(server, "secp256r1"));
	OK(tern_config_set_timers(client, &timers));
	OK(tern_config_set_timers(server, &timers));
	OK(tern_config_set_tickets(server, tickets));
	OK(tern_config_set_trace(client, watch, NULL));
	OK(tern_config_set_trace(server, watch, NULL));
	if (limits) {
		OK(tern_config_set_limits(client, limits));
		OK(tern_config_set_limits(server, limits));
	}
	pair_init(p, client, server);
	watched = p;
	memset(sent, 0, sizeof sent);
	pair_dial(p, "a.test", span_of(NULL, 0));
}

static void connect13(struct pair *p)
{
	start(p, NULL, true);
	pair_settle(p);
	assert_true(pair_connected(p));
	memset(sent, 0, sizeof sent);
}

static void expect_failure(struct pair *p, const char *name, enum role who, tern_error error)
{
	check_is(name, p->side[who].error, error);
	pair_free(p);
}

static struct after *after_of(struct pair *p, enum role who)
{
	return p->side[who].conn->after;
}

static uint16_t next_number(struct pair *p, enum role who)
{
	return (uint16_t)after_of(p, who)->send_seq;
}

static uint16_t write_epoch(struct pair *p, enum role who)
{
	return p->side[who].conn->write_epoch;
}

static uint16_t read_epoch(struct pair *p, enum role who)
{
	return p->side[who].conn->records.in.epoch;
}

/* A body of record numbers of one epoch. */
static size_t put_numbers(uint8_t out[2 + 16 * ACK_MAX], uint64_t epoch, uint64_t first, size_t num)
{
	struct record_number numbers[ACK_MAX];
	struct wr w = wr_of(out, 2 + 16 * ACK_MAX);
	for (size_t i = 0; i < num; i++)
		numbers[i] = (struct record_number){epoch, first + i};
	put_ack(&w, numbers, num);
	return w.n;
}

/* Loses acknowledgements: every datagram of the server as long as the flag is set. */
static bool deaf_client;
static bool lose_to_client(struct pair *p, struct datagram_on_wire *d)
{
	(void)p;
	return d->to != CLIENT || !deaf_client;
}

/* Until this side is connected nothing is lost. */
static void start_losing(struct pair *p, enum role who, bool tickets)
{
	start(p, NULL, tickets);
	p->tap = lose_to_client;
	deaf_client = false;
	while (!pair_saw(p, who, TERN_EVENT_CONNECTED))
		assert_true(pair_carry(p));
}

/* ---- the end of the handshake ---- */

static void ticket_is_acknowledged_and_then_done_with(void **state)
{
	struct pair p;
	(void)state;
	start(&p, NULL, true);
	pair_settle(&p);
	assert_true(pair_saw(&p, CLIENT, TERN_EVENT_TICKET));
	assert_int_equal(sent[SERVER].tickets, 1);
	assert_null(after_of(&p, SERVER)->posts);
	assert_null(p.side[CLIENT].conn->hs);
	assert_null(p.side[SERVER].conn->hs);
	pair_free(&p);
}

static void client_repeats_its_last_flight_until_it_is_acknowledged(void **state)
{
	struct pair p;
	(void)state;
	start_losing(&p, CLIENT, false);
	deaf_client = true;
	pair_settle(&p);
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(sent[CLIENT].finished, i);
		assert_int_equal(sent[SERVER].acks, i); /* each repeat is acknowledged again */
		assert_true(pair_wait(&p, p.now.mono_ns + 100 * S));
		pair_settle(&p);
	}
	deaf_client = false;
	assert_true(pair_wait(&p, p.now.mono_ns + 100 * S));
	pair_settle(&p);
	assert_int_equal(sent[CLIENT].finished, 5);
	assert_false(pair_wait(&p, p.now.mono_ns + 100 * S));
	pair_check_data(&p, "after losses");
	assert_null(p.side[CLIENT].conn->hs);
	pair_free(&p);
}

static void keys_of_the_handshake_go_after_2_MSL(void **state)
{
	struct pair p;
	(void)state;
	start_losing(&p, CLIENT, false);
	pair_settle(&p);
	for (int i = 0; i < 2; i++)
		assert_non_null(p.side[i].conn->records.older_in);
	while (pair_wait(&p, p.now.mono_ns + 300 * S))
		pair_settle(&p);
	for (int i = 0; i < 2; i++) {
		assert_null(p.side[i].conn->records.older_in);
		assert_null(p.side[i].conn->records.older_out);
	}
	pair_check_data(&p, "after 2 MSL");
	pair_free(&p);
}

/* RFC 9147 5.8.1: the flight goes on, or ends in a timeout; it does not trip over keys that went first. */
static void flight_that_is_never_acknowledged_ends_in_a_timeout(void **state)
{
	struct pair p;
	(void)state;
	start_losing(&p, CLIENT, false);
	deaf_client = true;
	for (int i = 0; i < 100 && p.side[CLIENT].error == TERN_OK; i++) {
		pair_settle(&p);
		if (!pair_wait(&p, p.now.mono_ns + 100 * S))
			break;
	}
	expect_failure(&p, "never acknowledged", CLIENT, TERN_ERROR_TIMEOUT);
}

static void closing_at_once_still_completes_the_peers_handshake(void **state)
{
	struct pair p;
	(void)state;
	start(&p, NULL, false);
	while (!pair_saw(&p, CLIENT, TERN_EVENT_CONNECTED))
		assert_true(pair_carry(&p));
	OK(tern_conn_close(p.side[CLIENT].conn, p.now));
	pair_settle(&p);
	assert_true(pair_saw(&p, SERVER, TERN_EVENT_CONNECTED));
	assert_true(pair_saw(&p, SERVER, TERN_EVENT_CLOSED));
	assert_true(pair_saw(&p, CLIENT, TERN_EVENT_CLOSED));
	pair_free(&p);
}

/* ---- key updates ---- */

static void key_update_changes_one_direction(void **state)
{
	(void)state;
	for (int who = 0; who < 2; who++) {
		struct pair p;
		connect13(&p);
		OK(tern_conn_rekey(p.side[who].conn, false, p.now));
		pair_settle(&p);
		assert_int_equal(write_epoch(&p, (enum role)who), 4);
		assert_int_equal(read_epoch(&p, (enum role) !who), 4);
		assert_int_equal(write_epoch(&p, (enum role) !who), 3);
		pair_check_data(&p, "one direction");
		pair_free(&p);
	}
}

static void key_update_may_ask_for_the_peers(void **state)
{
	(void)state;
	for (int who = 0; who < 2; who++) {
		struct pair p;
		connect13(&p);
		OK(tern_conn_rekey(p.side[who].conn, true, p.now));
		pair_settle(&p);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(write_epoch(&p, (enum role)i), 4);
			assert_int_equal(sent[i].updates, 1);
		}
		pair_check_data(&p, "both directions");
		pair_free(&p);
	}
}

static void key_updates_may_cross(void **state)
{
	(void)state;
	for (int asks = 0; asks < 4; asks++) {
		struct pair p;
		connect13(&p);
		OK(tern_conn_rekey(p.side[CLIENT].conn, asks & 1, p.now));
		OK(tern_conn_rekey(p.side[SERVER].conn, asks & 2, p.now));
		pair_collect(&p, CLIENT);
		pair_collect(&p, SERVER);
		pair_settle(&p);
		/* One more for each request that came while an update of its own was under way. */
		assert_int_equal(write_epoch(&p, CLIENT), asks & 2 ? 5 : 4);
		assert_int_equal(write_epoch(&p, SERVER), asks & 1 ? 5 : 4);
		pair_check_data(&p, "crossing");
		pair_free(&p);
	}
}

static void new_keys_are_not_used_before_the_acknowledgement(void **state)
{
	static const uint8_t data[] = "on the way";
	struct pair p;
	uint8_t out[PAIR_DATAGRAM];
	size_t n;
	(void)state;
	connect13(&p);
	p.tap = lose_to_client;
	deaf_client = true;
	OK(tern_conn_rekey(p.side[CLIENT].conn, false, p.now));
	pair_settle(&p);
	assert_int_equal(read_epoch(&p, SERVER), 4);
	OK(tern_conn_seal(p.side[CLIENT].conn, out, sizeof out, &n, data, sizeof data, p.now));
	assert_int_equal(sent[CLIENT].epoch, 3);
	pair_feed(&p, SERVER, out, n); /* the old epoch is still read */
	assert_int_equal(p.side[SERVER].data_len, sizeof data);
	/* A second one waits for the first: RFC 9147 5.8.4. */
	OK(tern_conn_rekey(p.side[CLIENT].conn, false, p.now));
	pair_settle(&p);
	assert_int_equal(sent[CLIENT].updates, 1);
	/* The lost ACK is made up for. */
	deaf_client = false;
	assert_true(pair_wait(&p, p.now.mono_ns + 10 * S));
	pair_settle(&p);
	assert_int_equal(sent[CLIENT].updates, 3);
	assert_int_equal(write_epoch(&p, CLIENT), 5);
	pair_check_data(&p, "then");
	pair_free(&p);
}

static void data_of_the_old_epoch_that_comes_late_is_taken(void **state)
{
	static const uint8_t data[] = "late";
	struct pair p;
	uint8_t out[PAIR_DATAGRAM];
	size_t n;
	(void)state;
	connect13(&p);
	OK(tern_conn_seal(p.side[CLIENT].conn, out, sizeof out, &n, data, sizeof data, p.now));
	OK(tern_conn_rekey(p.side[CLIENT].conn, false, p.now));
	pair_settle(&p);
	pair_check_data(&p, "under new keys");
	pair_feed(&p, SERVER, out, n);
	assert_int_equal(p.side[SERVER].data_len, sizeof data);
	pair_free(&p);
}

/* The old keys are not kept for good. */
static void old_read_keys_go_once_the_new_ones_are_proved(void **state)
{
	struct pair p;
	(void)state;
	connect13(&p);
	while (pair_wait(&p, p.now.mono_ns + 300 * S))
		pair_settle(&p);
	assert_null(p.side[SERVER].conn->records.older_in);
	OK(tern_conn_rekey(p.side[CLIENT].conn, false, p.now));
	pair_settle(&p);
	assert_non_null(p.side[SERVER].conn->records.older_in);
	while (pair_wait(&p, p.now.mono_ns + 300 * S) && p.now.mono_ns < 100000 * S)
		pair_settle(&p);
	assert_non_null(p.side[SERVER].conn->records.older_in); /* nothing came under the new ones */
	pair_check_data(&p, "proof");
	for (int i = 0; i < 10 && pair_wait(&p, p.now.mono_ns + 300 * S); i++)
		pair_settle(&p);
	assert_null(p.side[SERVER].conn->records.older_in);
	pair_check_data(&p, "after");
	pair_free(&p);
}

/* The client's Finished is not acknowledged yet when its KeyUpdate is: the older keys are needed still. */
static void key_update_before_the_last_flight_is_acknowledged(void **state)
{
	uint8_t body[2 + 16 * ACK_MAX];
	struct pair p;
	size_t n;
	(void)state;
	start_losing(&p, CLIENT, false);
	deaf_client = true;
	pair_settle(&p);
	deaf_client = false;
	OK(tern_conn_rekey(p.side[CLIENT].conn, false, p.now));
	pair_collect(&p, CLIENT);
	n = put_numbers(body, 3, p.side[CLIENT].conn->records.out.next_seq - 1, 1);
	pair_seal(&p, CLIENT, CONTENT_ACK, body, n);
	assert_null(after_of(&p, CLIENT)->posts);
	assert_int_equal(write_epoch(&p, CLIENT), 3); /* all before it must be acknowledged too: RFC 9147 8 */
	for (int i = 0; i < 4 && pair_wait(&p, p.now.mono_ns + 10 * S); i++)
		pair_settle(&p);
	check_is("client", p.side[CLIENT].error, TERN_OK);
	assert_int_equal(write_epoch(&p, CLIENT), 4);
	pair_check_data(&p, "then");
	pair_free(&p);
}

/* RFC 9147 7.1: an ACK names what was told before too, so that one that was lost is made up for. */
static void next_acknowledgement_makes_up_for_a_lost_one(void **state)
{
	struct pair p;
	(void)state;
	start_losing(&p, CLIENT, false);
	deaf_client = true;
	pair_settle(&p);
	deaf_client = false;
	OK(tern_conn_rekey(p.side[CLIENT].conn, false, p.now));
	pair_settle(&p);
	assert_int_equal(write_epoch(&p, CLIENT), 4);
	assert_int_equal(sent[CLIENT].finished, 1);
	pair_free(&p);
}

/* A ticket that could not be delivered for a long time must not lie between the peer and a KeyUpdate. */
static void key_update_brings_back_a_ticket_that_was_given_up(void **state)
{
	struct pair p;
	(void)state;
	start_losing(&p, SERVER, true);
	pair_collect(&p, SERVER);
	for (size_t i = 0; i < p.num_queued; i++)
		if (p.queue[i].to == CLIENT && p.queue[i].n > 100)
			memset(p.queue[i].bytes, 0, p.queue[i].n); /* the ticket */
	pair_settle(&p);
	deaf_client = true;
	while (pair_wait(&p, p.now.mono_ns + 200 * S))
		pair_settle(&p);
	check_is("given up", p.side[SERVER].error, TERN_OK);
	assert_false(pair_saw(&p, CLIENT, TERN_EVENT_TICKET));
	deaf_client = false;
	OK(tern_conn_rekey(p.side[SERVER].conn, false, p.now));
	for (int i = 0; i < 5; i++) {
		pair_settle(&p);
		(void)pair_wait(&p, p.now.mono_ns + 10 * S);
	}
	assert_true(pair_saw(&p, CLIENT, TERN_EVENT_TICKET));
	assert_int_equal(write_epoch(&p, SERVER), 4);
	assert_int_equal(read_epoch(&p, CLIENT), 4);
	pair_check_data(&p, "then");
	pair_free(&p);
}

static void keys_change_by_themselves_before_their_limit(void **state)
{
	tern_limits limits = {.size = sizeof limits, .seal_limit = 40};
	struct pair p;
	(void)state;
	start(&p, &limits, true);
	pair_settle(&p);
	for (int i = 0; i < 500; i++) {
		pair_check_data(&p, "records");
		pair_settle(&p);
	}
	assert_true(write_epoch(&p, CLIENT) > 10);
	assert_true(write_epoch(&p, SERVER) > 10);
	assert_false(pair_saw(&p, CLIENT, TERN_EVENT_LIMIT_NEAR));
	pair_free(&p);
}

static void many_key_updates(void **state)
{
	struct pair p;
	(void)state;
	connect13(&p);
	for (unsigned i = 0; i < 300; i++) {
		OK(tern_conn_rekey(p.side[i % 2].conn, i % 3 == 0, p.now));
		pair_settle(&p);
		pair_check_data(&p, "many");
	}
	assert_true(write_epoch(&p, CLIENT) > 150);
	pair_free(&p);
}

/* RFC 9147 7: where the caller wants it, ACKs of messages that follow each other go together. */
static void messages_share_an_acknowledgement(void **state)
{
	static const uint8_t ticket[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 'x', 0, 0}; /* for no time */
	struct pair p;
	uint16_t seq;
	(void)state;
	ack_ns = S / 10;
	connect13(&p);
	ack_ns = 0;
	assert_true(pair_wait(&p, p.now.mono_ns + S / 2));
	pair_settle(&p);
	assert_null(after_of(&p, SERVER)->posts); /* the ticket */
	seq = next_number(&p, SERVER);
	sent[CLIENT].acks = 0;
	for (uint16_t i = 0; i < 3; i++)
		pair_say(&p, CLIENT, 3, NEW_SESSION_TICKET, (uint16_t)(seq + i), ticket, sizeof ticket);
	pair_collect(&p, CLIENT);
	assert_int_equal(sent[CLIENT].acks, 0);
	assert_int_equal(tern_conn_deadline(p.side[CLIENT].conn), p.now.mono_ns + S / 10);
	assert_true(pair_wait(&p, p.now.mono_ns + S / 2));
	pair_settle(&p);
	assert_int_equal(sent[CLIENT].acks, 1);
	pair_say(&p, CLIENT, 3, NEW_SESSION_TICKET, (uint16_t)(seq + 3), ticket, sizeof ticket);
	OK(tern_conn_close(p.side[CLIENT].conn, p.now)); /* nothing more comes to share it */
	pair_collect(&p, CLIENT);
	assert_int_equal(sent[CLIENT].acks, 2);
	pair_free(&p);
}

/* RFC 9147 8: message_seq and epochs do not wrap. */
static void numbers_do_not_wrap(void **state)
{
	static const uint8_t asks[] = {1};
	struct pair p;
	(void)state;
	connect13(&p);
	after_of(&p, CLIENT)->send_seq = UINT16_MAX;
	assert_int_equal(tern_conn_rekey(p.side[CLIENT].conn, false, p.now), TERN_ERROR_LIMIT);
	pair_free(&p);
	/* Asked by the peer, it is no reason to end: the request is ignored. */
	for (int i = 0; i < 2; i++) {
		connect13(&p);
		if (i)
			after_of(&p, CLIENT)->send_seq = UINT16_MAX;
		else
			p.side[CLIENT].conn->write_epoch = UINT16_MAX;
		pair_say(&p, CLIENT, 3, KEY_UPDATE, next_number(&p, SERVER), asks, 1);
		check_is("asked at the limit", p.side[CLIENT].error, TERN_OK);
		assert_int_equal(read_epoch(&p, CLIENT), 4);
		assert_null(after_of(&p, CLIENT)->posts);
		pair_free(&p);
	}
}

/* ---- what a peer must not do ---- */

static void messages_that_are_not_allowed(void **state)
{
	static const uint8_t zero[] = {0}, two[] = {2}, long_body[] = {0, 0};
	static const struct {
		const char *name;
		enum role to;
		uint8_t type;
		const uint8_t *body;
		size_t n;
		tern_error error;
	} cases[] = {
		{"KeyUpdate with request 2", CLIENT, KEY_UPDATE, two, 1, TERN_ERROR_ILLEGAL_PARAMETER},
		{"KeyUpdate without body", SERVER, KEY_UPDATE, zero, 0, TERN_ERROR_DECODE},
		{"KeyUpdate with more", SERVER, KEY_UPDATE, long_body, 2, TERN_ERROR_DECODE},
		{"NewSessionTicket from a client", SERVER, NEW_SESSION_TICKET, zero, 1, TERN_ERROR_UNEXPECTED_MESSAGE},
		{"NewSessionTicket that is cut", CLIENT, NEW_SESSION_TICKET, zero, 1, TERN_ERROR_DECODE},
		{"CertificateRequest unasked", CLIENT, CERTIFICATE_REQUEST, long_body, 2,
		 TERN_ERROR_UNEXPECTED_MESSAGE},
		{"ClientHello", SERVER, CLIENT_HELLO, zero, 1, TERN_ERROR_UNEXPECTED_MESSAGE},
		{"Finished", CLIENT, FINISHED, zero, 1, TERN_ERROR_UNEXPECTED_MESSAGE},
		{"unknown", CLIENT, 99, zero, 1, TERN_ERROR_UNEXPECTED_MESSAGE},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct pair p;
		enum role from = cases[i].to == CLIENT ? SERVER : CLIENT;
		connect13(&p);
		pair_say(&p, cases[i].to, 3, cases[i].type, next_number(&p, from), cases[i].body, cases[i].n);
		expect_failure(&p, cases[i].name, cases[i].to, cases[i].error);
	}
}

static void nothing_follows_a_key_update_in_its_epoch(void **state)
{
	static const uint8_t zero[] = {0};
	struct pair p;
	uint16_t seq;
	(void)state;
	connect13(&p);
	seq = next_number(&p, CLIENT);
	pair_say(&p, SERVER, 3, KEY_UPDATE, seq, zero, 1);
	check_is("first", p.side[SERVER].error, TERN_OK);
	pair_say(&p, SERVER, 3, KEY_UPDATE, (uint16_t)(seq + 1), zero, 1);
	expect_failure(&p, "second in the same epoch", SERVER, TERN_ERROR_UNEXPECTED_MESSAGE);
}

static void messages_in_the_handshakes_epoch_come_too_late(void **state)
{
	static const uint8_t zero[] = {0};
	struct pair p;
	(void)state;
	start(&p, NULL, false);
	pair_settle(&p);
	pair_say(&p, SERVER, 2, KEY_UPDATE, next_number(&p, CLIENT), zero, 1);
	expect_failure(&p, "epoch 2", SERVER, TERN_ERROR_UNEXPECTED_MESSAGE);
}

static void change_cipher_spec_is_dropped(void **state)
{
	struct pair p;
	(void)state;
	connect13(&p);
	pair_forge(&p, CLIENT, CONTENT_CHANGE_CIPHER_SPEC, 0, 9, "\1", 1);
	check_is("CCS", p.side[CLIENT].error, TERN_OK);
	pair_check_data(&p, "still");
	pair_free(&p);
}

static void plaintext_is_dropped_once_connected(void **state)
{
	static const struct {
		const char *name;
		uint8_t type;
		const void *body;
		size_t n;
	} cases[] = {
		{"alert", CONTENT_ALERT, "\2\50", 2},
		{"close_notify", CONTENT_ALERT, "\1\0", 2},
		{"ACK of a future epoch", CONTENT_ACK, "\0\20\0\0\0\0\0\0\0\77\0\0\0\0\0\0\0\0", 18},
		{"data", CONTENT_APPLICATION_DATA, "x", 1},
		{"handshake", CONTENT_HANDSHAKE, "\0\0\0\0\0\0\0\0\0\0\0\0", 12},
	};
	struct pair p;
	(void)state;
	connect13(&p);
	for (size_t i = 0; i < NUM(cases); i++)
		for (int who = 0; who < 2; who++) {
			uint64_t before = pair_info(&p, (enum role)who).dropped[TERN_DROP_PLAINTEXT];
			pair_forge(&p, (enum role)who, cases[i].type, 0, 100 + i, cases[i].body, cases[i].n);
			check_is(cases[i].name, p.side[who].error, TERN_OK);
			assert_int_equal(pair_info(&p, (enum role)who).dropped[TERN_DROP_PLAINTEXT], before + 1);
		}
	pair_check_data(&p, "still");
	pair_free(&p);
}

/* ---- acknowledgements ---- */

static void repeated_message_is_acknowledged_again(void **state)
{
	static const uint8_t zero[] = {0};
	struct pair p;
	uint16_t seq;
	(void)state;
	connect13(&p);
	seq = next_number(&p, CLIENT);
	for (unsigned i = 0; i < 3; i++) {
		pair_say(&p, SERVER, 3, KEY_UPDATE, seq, zero, 1);
		pair_collect(&p, SERVER);
		p.num_queued = 0;
		assert_int_equal(sent[SERVER].acks, i + 1);
	}
	assert_int_equal(read_epoch(&p, SERVER), 4);
	pair_free(&p);
}

static void acks_that_are_wrong(void **state)
{
	static const struct {
		const char *name;
		uint64_t epoch, seq;
		tern_error error;
	} cases[] = {
		{"of a record that was not sent", 3, 77, TERN_OK},
		{"of an epoch long ago", 0, 0, TERN_OK},
		{"of an epoch that was skipped", 1, 0, TERN_OK},
		{"of an epoch to come", 4, 0, TERN_ERROR_ILLEGAL_PARAMETER},
		{"of an epoch beyond all", UINT64_MAX, 0, TERN_ERROR_ILLEGAL_PARAMETER},
		{"of epoch 3 in 64 bits", UINT64_C(0x10003), 0, TERN_ERROR_ILLEGAL_PARAMETER},
	};
	uint8_t body[2 + 16 * ACK_MAX];
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct pair p;
		size_t n = put_numbers(body, cases[i].epoch, cases[i].seq, 1);
		connect13(&p);
		OK(tern_conn_rekey(p.side[CLIENT].conn, false, p.now));
		pair_collect(&p, CLIENT);
		pair_seal(&p, CLIENT, CONTENT_ACK, body, n);
		check_is(cases[i].name, p.side[CLIENT].error, cases[i].error);
		assert_int_equal(write_epoch(&p, CLIENT), 3);
		pair_free(&p);
	}
}

static void malformed_ack_is_dropped(void **state)
{
	static const struct {
		const char *name;
		const void *body;
		size_t n;
	} cases[] = {
		{"nothing", "", 0},
		{"half a length", "\0", 1},
		{"too short", "\0\20\0\0", 4},
		{"half a number", "\0\1\0", 3},
		{"more behind", "\0\0\0", 3},
	};
	struct pair p;
	(void)state;
	connect13(&p);
	for (size_t i = 0; i < NUM(cases); i++) {
		pair_seal(&p, CLIENT, CONTENT_ACK, cases[i].body, cases[i].n);
		check_is(cases[i].name, p.side[CLIENT].error, TERN_OK);
		assert_int_equal(pair_info(&p, CLIENT).dropped[TERN_DROP_MALFORMED], i + 1);
	}
	pair_check_data(&p, "still");
	pair_free(&p);
}

static void empty_ack_asks_for_a_repeat(void **state)
{
	struct pair p;
	(void)state;
	connect13(&p);
	OK(tern_conn_rekey(p.side[CLIENT].conn, false, p.now));
	pair_collect(&p, CLIENT);
	p.num_queued = 0;
	p.now.mono_ns += S / 2;
	pair_seal(&p, CLIENT, CONTENT_ACK, "\0\0", 2);
	pair_collect(&p, CLIENT);
	assert_int_equal(sent[CLIENT].updates, 2);
	pair_settle(&p);
	assert_int_equal(write_epoch(&p, CLIENT), 4);
	pair_free(&p);
}

/* A record without a message is no message: nothing to acknowledge. */
static void empty_handshake_record_is_not_acknowledged(void **state)
{
	struct pair p;
	unsigned before;
	(void)state;
	connect13(&p);
	before = after_of(&p, SERVER)->acks.num;
	pair_seal(&p, SERVER, CONTENT_HANDSHAKE, "", 0);
	pair_collect(&p, SERVER);
	assert_int_equal(sent[SERVER].acks, 0);
	assert_int_equal(after_of(&p, SERVER)->acks.num, before);
	pair_free(&p);
}

static void part_of_a_flight_is_acknowledged_in_a_quarter_of_the_timeout(void **state)
{
	tern_limits limits = {.size = sizeof limits, .mtu = 300};
	struct pair p;
	uint64_t arrived;
	(void)state;
	start(&p, &limits, false);
	while (p.carried < 3)
		assert_true(pair_carry(&p)); /* hello, retry, hello */
	pair_collect(&p, SERVER);
	pair_carry(&p);
	p.num_queued = 0;
	arrived = p.now.mono_ns;
	assert_non_null(after_of(&p, CLIENT));
	assert_int_equal(sent[CLIENT].acks, 0);
	assert_int_equal(tern_conn_deadline(p.side[CLIENT].conn), arrived + S / 4);
	assert_true(pair_wait(&p, arrived + S));
	pair_settle(&p);
	assert_true(sent[CLIENT].acks >= 1);
	assert_true(pair_connected(&p)); /* the rest came at once */
	assert_int_equal(p.now.mono_ns, arrived + S / 4);
	pair_free(&p);
}

/* ---- the path ---- */

static void messages_after_the_handshake_follow_the_mtu(void **state)
{
	struct pair p;
	uint8_t out[200];
	size_t n;
	(void)state;
	start(&p, NULL, true);
	while (!pair_saw(&p, SERVER, TERN_EVENT_CONNECTED))
		assert_true(pair_carry(&p));
	OK(tern_conn_set_mtu(p.side[SERVER].conn, 150));
	for (int i = 0; i < 8; i++) {
		OK(tern_conn_take(p.side[SERVER].conn, out, sizeof out, &n, p.now));
		assert_true(n <= 150);
		if (n)
			pair_feed(&p, CLIENT, out, n);
	}
	assert_true(pair_saw(&p, CLIENT, TERN_EVENT_TICKET));
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ticket_is_acknowledged_and_then_done_with),
		cmocka_unit_test(client_repeats_its_last_flight_until_it_is_acknowledged),
		cmocka_unit_test(keys_of_the_handshake_go_after_2_MSL),
		cmocka_unit_test(flight_that_is_never_acknowledged_ends_in_a_timeout),
		cmocka_unit_test(closing_at_once_still_completes_the_peers_handshake),
		cmocka_unit_test(key_update_changes_one_direction),
		cmocka_unit_test(key_update_may_ask_for_the_peers),
		cmocka_unit_test(key_updates_may_cross),
		cmocka_unit_test(new_keys_are_not_used_before_the_acknowledgement),
		cmocka_unit_test(data_of_the_old_epoch_that_comes_late_is_taken),
		cmocka_unit_test(old_read_keys_go_once_the_new_ones_are_proved),
		cmocka_unit_test(key_update_before_the_last_flight_is_acknowledged),
		cmocka_unit_test(next_acknowledgement_makes_up_for_a_lost_one),
		cmocka_unit_test(key_update_brings_back_a_ticket_that_was_given_up),
		cmocka_unit_test(keys_change_by_themselves_before_their_limit),
		cmocka_unit_test(many_key_updates),
		cmocka_unit_test(messages_share_an_acknowledgement),
		cmocka_unit_test(numbers_do_not_wrap),
		cmocka_unit_test(messages_that_are_not_allowed),
		cmocka_unit_test(nothing_follows_a_key_update_in_its_epoch),
		cmocka_unit_test(messages_in_the_handshakes_epoch_come_too_late),
		cmocka_unit_test(change_cipher_spec_is_dropped),
		cmocka_unit_test(plaintext_is_dropped_once_connected),
		cmocka_unit_test(repeated_message_is_acknowledged_again),
		cmocka_unit_test(acks_that_are_wrong),
		cmocka_unit_test(malformed_ack_is_dropped),
		cmocka_unit_test(empty_ack_asks_for_a_repeat),
		cmocka_unit_test(empty_handshake_record_is_not_acknowledged),
		cmocka_unit_test(part_of_a_flight_is_acknowledged_in_a_quarter_of_the_timeout),
		cmocka_unit_test(messages_after_the_handshake_follow_the_mtu),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
