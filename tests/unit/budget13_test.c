/* What an association of DTLS 1.3 has only so many of: message numbers and epochs (RFC 9147 5.2, 8), records and
 * forgeries under one key (RFC 9147 4.5.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/stub/stub.h"
#include "pair.h"
#include "record/epochs.h"

#define KEPT 256 /* numbers for keys at their limit */
#define JUNK 40

static void start(struct pair *p, uint64_t seal_limit)
{
	tern_config *config[2] = {new_config13(NULL), new_config13(NULL)};
	tern_limits limits = {.size = sizeof limits, .seal_limit = seal_limit};
	for (int i = 0; i < 2; i++) {
		OK(config_set_provider(config[i], &provider_stub));
		OK(tern_config_set_groups(config[i], "x25519"));
		OK(tern_config_set_limits(config[i], &limits));
		OK(tern_config_set_post_auth(config[i], true));
		OK(tern_config_add_keypair(config[i], "E a.test", 8, "E a.test", 8));
	}
	OK(tern_config_add_trust(config[CLIENT], "E a.test", 8));
	OK(tern_config_set_insecure_no_verify(config[SERVER]));
	OK(tern_config_set_cookie(config[SERVER], false));
	pair_init(p, config[CLIENT], config[SERVER]);
}

static void connect13(struct pair *p, uint64_t seal_limit)
{
	start(p, seal_limit);
	pair_dial(p, "a.test", span_of(NULL, 0));
	pair_settle(p);
	assert_true(pair_connected(p));
	for (int i = 0; i < 2; i++)
		p->side[i].num_events = 0;
}

static struct after *after_of(struct pair *p, enum role who)
{
	return p->side[who].conn->after;
}

/* ---- message numbers ---- */

/* As if all before it had come and gone. */
static void go_on_from(struct pair *p, enum role who, uint32_t number)
{
	after_of(p, who)->send_seq = number;
	after_of(p, who == CLIENT ? SERVER : CLIENT)->receive_seq = number;
}

/* Data until the keys cannot be changed any more and are used up; the peer's keys do not wear. Tells how many updates
 * there were. */
static unsigned wear_out(struct pair *p, enum role who)
{
	uint16_t first = p->side[who].conn->write_epoch;
	uint8_t out[128];
	size_t n;
	for (unsigned i = 0;; i++) {
		tern_error error =
			tern_conn_seal(p->side[who].conn, out, sizeof out, &n, (const uint8_t *)"z", 1, p->now);
		if (error != TERN_OK) {
			check_is("worn out", error, TERN_ERROR_LIMIT);
			break;
		}
		pair_feed(p, who == CLIENT ? SERVER : CLIENT, out, n);
		pair_events(p, who);
		pair_settle(p);
		assert_true(i < 64 * 2 * KEPT);
	}
	return p->side[who].conn->write_epoch - (unsigned)first;
}

/* An application that asks for one key update after another, 70,000 times: its wishes come true until few numbers are
 * left, then they are refused and nothing ends. The rest are for keys at their limit, to the very last number. Then the
 * connection ends, and the peer is told. */
static void key_updates_to_the_last_number(void **state)
{
	(void)state;
	for (int who = 0; who < 2; who++) {
		enum role peer = who == CLIENT ? SERVER : CLIENT;
		unsigned done = 0, refused = 0, automatic;
		struct pair p;
		connect13(&p, 64);
		for (unsigned i = 0; i < 70000; i++) {
			tern_error error = tern_conn_rekey(p.side[who].conn, i % 2, p.now);
			if (error == TERN_OK)
				done++;
			else
				check_is("refused", error, TERN_ERROR_LIMIT);
			refused += error != TERN_OK;
			pair_settle(&p);
			p.carried = 0;
		}
		assert_true(done > 65000 && done + refused == 70000);
		assert_true(pair_saw(&p, (enum role)who, TERN_EVENT_LIMIT_NEAR));
		assert_true(pair_saw(&p, peer, TERN_EVENT_LIMIT_NEAR));
		assert_int_equal(p.side[who].num_events, 1);
		assert_int_equal(p.side[peer].num_events, 1);
		pair_check_data(&p, "refused, and nothing ends");
		if (who == SERVER)
			assert_int_equal(tern_conn_request_certificate(p.side[SERVER].conn, TERN_CLIENT_AUTH_OPTIONAL,
								       p.now),
					 TERN_ERROR_LIMIT);
		p.side[who].num_events = 0;
		automatic = wear_out(&p, (enum role)who);
		assert_true(automatic >= KEPT - 4 && automatic <= KEPT);
		assert_true(after_of(&p, (enum role)who)->send_seq == 65536 ||
			    p.side[who].conn->write_epoch == UINT16_MAX);
		assert_true(pair_saw(&p, (enum role)who, TERN_EVENT_LIMIT_NEAR));
		pair_settle(&p);
		check_is("told", p.side[peer].error, TERN_ERROR_PEER_ALERT);
		assert_int_equal(tern_conn_failure(p.side[peer].conn).alert, 80);
		pair_free(&p);
	}
}

/* Wishes of the peer's, each a message of its own with a number of its own: ours to answer as long as we are rich. */
static void peers_wishes_to_the_last_number(void **state)
{
	static const uint8_t asks[] = {1};
	(void)state;
	for (int to = 0; to < 2; to++) {
		enum role from = to == CLIENT ? SERVER : CLIENT;
		struct pair p;
		connect13(&p, 0);
		go_on_from(&p, (enum role)to, 65536 - KEPT - 2);
		for (unsigned i = 0; i < 6; i++) {
			OK(tern_conn_rekey(p.side[from].conn, true, p.now));
			pair_settle(&p);
		}
		assert_int_equal(after_of(&p, (enum role)to)->send_seq, 65536 - KEPT);
		assert_int_equal(p.side[to].conn->records.in.epoch, 9);
		/* The peer's very last one is taken; behind it nothing is. */
		after_of(&p, (enum role)to)->receive_seq = 65535;
		pair_say(&p, (enum role)to, 9, KEY_UPDATE, 65535, asks, 1);
		check_is("the last", p.side[to].error, TERN_OK);
		assert_int_equal(p.side[to].conn->records.in.epoch, 10);
		assert_int_equal(after_of(&p, (enum role)to)->receive_seq, 65536);
		for (uint16_t seq = 0; seq < 3; seq++)
			pair_say(&p, (enum role)to, 9, KEY_UPDATE, seq, asks, 1);
		check_is("behind the last", p.side[to].error, TERN_OK);
		assert_int_equal(p.side[to].conn->records.in.epoch, 10);
		assert_int_equal(pair_info(&p, (enum role)to).dropped[TERN_DROP_OLD_MESSAGE], 3);
		pair_free(&p);
	}
}

static void events_say_which_limit(void **state)
{
	tern_event event;
	struct pair p;
	(void)state;
	connect13(&p, 0);
	go_on_from(&p, CLIENT, 57343);
	OK(tern_conn_rekey(p.side[CLIENT].conn, false, p.now));
	OK(tern_conn_next(p.side[CLIENT].conn, &event, p.now));
	assert_int_equal(event.kind, TERN_EVENT_LIMIT_NEAR);
	assert_int_equal(event.limit, TERN_LIMIT_MESSAGES);
	pair_settle(&p);
	OK(tern_conn_rekey(p.side[CLIENT].conn, false, p.now));
	OK(tern_conn_next(p.side[CLIENT].conn, &event, p.now));
	assert_int_equal(event.kind, TERN_EVENT_NONE); /* once */
	pair_free(&p);
	/* Epochs are as few. */
	connect13(&p, 0);
	p.side[CLIENT].conn->write_epoch = UINT16_MAX;
	p.side[CLIENT].conn->records.out.epoch = UINT16_MAX;
	assert_int_equal(tern_conn_rekey(p.side[CLIENT].conn, false, p.now), TERN_ERROR_LIMIT);
	p.side[CLIENT].conn->records.out.next_seq = raw_key_aead(&p.side[CLIENT].conn->records.out.key)->seal_limit - 9;
	conn_note_limits(p.side[CLIENT].conn);
	OK(tern_conn_next(p.side[CLIENT].conn, &event, p.now));
	assert_int_equal(event.kind, TERN_EVENT_LIMIT_NEAR);
	assert_int_equal(event.limit, TERN_LIMIT_KEY);
	pair_free(&p);
}

/* A peer in the last of the epochs cannot go on from there. */
static void last_epoch_has_no_successor(void **state)
{
	static const uint8_t zero[] = {0};
	struct pair p;
	(void)state;
	connect13(&p, 0);
	p.side[SERVER].conn->records.in.epoch = p.side[CLIENT].conn->records.out.epoch = UINT16_MAX;
	pair_say(&p, SERVER, UINT16_MAX, KEY_UPDATE, (uint16_t)after_of(&p, CLIENT)->send_seq, zero, 1);
	check_is("beyond", p.side[SERVER].error, TERN_ERROR_UNEXPECTED_MESSAGE);
	pair_free(&p);
}

/* A client whose first hello has a number of its own choosing; DTLS 1.3 hashes none. */
static uint16_t first_number;
static uint32_t answered; /* what the client's flight answers, as it goes out */
static bool renumber(struct pair *p, struct datagram_on_wire *d)
{
	const struct handshake *hs = p->side[CLIENT].conn->hs;
	if (d->to == SERVER && hs && hs->complete)
		answered = hs->answered_seq;
	if (d->to == SERVER && d->bytes[0] == CONTENT_HANDSHAKE && d->bytes[13] == CLIENT_HELLO)
		wr_store(d->bytes + 13 + 4, 2, first_number);
	return true;
}

/* Five messages of the server's flight from there; a ticket is no more than a favor. */
static void handshake_at_the_end_of_the_numbers(void **state)
{
	static const struct {
		uint16_t first;
		tern_error error;
	} cases[] = {{65536 - 5 - KEPT - 2, TERN_OK},
		     {65531, TERN_OK},
		     {65532, TERN_ERROR_LIMIT},
		     {65535, TERN_ERROR_LIMIT}};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct pair p;
		char name[20];
		snprintf(name, sizeof name, "from %u", cases[i].first);
		start(&p, 0);
		p.tap = renumber;
		first_number = cases[i].first;
		pair_dial(&p, "a.test", span_of(NULL, 0));
		p.side[CLIENT].conn->hs->inbox.next = first_number;
		p.side[CLIENT].conn->hs->send_seq = first_number + 1u;
		pair_settle(&p);
		check_is(name, p.side[SERVER].error, cases[i].error);
		if (cases[i].error == TERN_OK) {
			check_is(name, p.side[CLIENT].error, TERN_OK);
			assert_true(pair_connected(&p));
			assert_int_equal(answered, first_number + 5u); /* all of the server's, and no wrap */
			assert_int_equal(pair_saw(&p, CLIENT, TERN_EVENT_TICKET), i == 0);
			assert_true(pair_saw(&p, SERVER, TERN_EVENT_LIMIT_NEAR));
			pair_check_data(&p, name);
		}
		pair_free(&p);
	}
}

/* ---- records under one key ---- */

static uint64_t update_begins(struct pair *p)
{
	const struct tern_conn *c = p->side[CLIENT].conn;
	uint16_t epoch = c->write_epoch;
	uint64_t at = 0;
	uint8_t out[128];
	size_t n;
	while (c->write_epoch == epoch) {
		at = c->records.out.next_seq;
		OK(tern_conn_seal(p->side[CLIENT].conn, out, sizeof out, &n, (const uint8_t *)"z", 1, p->now));
		pair_feed(p, SERVER, out, n);
		pair_settle(p);
	}
	return at;
}

/* Somewhere between six and seven eighths, so that two sides that talk alike do not all change at once; and it asks the
 * peer, whose key has met the same traffic. */
static void keys_change_early_and_not_all_at_one_time(void **state)
{
	uint64_t least = UINT64_MAX, most = 0;
	struct pair p;
	(void)state;
	connect13(&p, 800);
	for (unsigned i = 0; i < 30; i++) {
		uint64_t at = update_begins(&p);
		least = at < least ? at : least;
		most = at > most ? at : most;
		assert_int_equal(p.side[SERVER].conn->write_epoch, p.side[CLIENT].conn->write_epoch);
	}
	assert_true(least >= 598 && least <= 640);
	assert_true(most >= 660 && most <= 700);
	pair_free(&p);
}

/* ---- forgeries under one key ---- */

/* A record of an epoch that is none of the peer's. */
static void forge(struct pair *p, enum role to, uint16_t epoch)
{
	uint8_t junk[JUNK] = {0};
	junk[0] = (uint8_t)(0x2c | (epoch & 3)); /* a unified header with length: RFC 9147 4 */
	junk[4] = JUNK - 5;
	pair_feed(p, to, junk, sizeof junk);
}

static struct read_epoch *newest(struct pair *p, enum role who)
{
	return &p->side[who].conn->records.in;
}

/* Near the limit the peer is asked for new keys; what is forged under the old ones takes them away at the limit, and
 * nothing else. */
static void old_keys_go_at_their_limit_and_the_association_stays(void **state)
{
	struct pair p;
	uint64_t limit;
	(void)state;
	connect13(&p, 0);
	limit = raw_key_aead(&newest(&p, CLIENT)->key)->forgery_limit;
	newest(&p, CLIENT)->forged = limit - limit / 8 - 1;
	forge(&p, CLIENT, 3);
	pair_settle(&p);
	assert_int_equal(newest(&p, CLIENT)->epoch, 4);
	assert_int_equal(newest(&p, SERVER)->epoch, 4);
	assert_non_null(epochs_read(&p.side[CLIENT].conn->records, 3));
	epochs_read(&p.side[CLIENT].conn->records, 3)->forged = limit - 2;
	forge(&p, CLIENT, 3);
	assert_non_null(epochs_read(&p.side[CLIENT].conn->records, 3));
	forge(&p, CLIENT, 3);
	assert_null(epochs_read(&p.side[CLIENT].conn->records, 3));
	check_is("the association", p.side[CLIENT].error, TERN_OK);
	assert_false(pair_saw(&p, CLIENT, TERN_EVENT_LIMIT_NEAR));
	pair_check_data(&p, "the association stays");
	pair_free(&p);
}

/* A peer that does not heed the wish is asked once and no more: message numbers are few. The newest keys at their limit
 * end it. */
static void peer_that_does_not_change_its_keys(void **state)
{
	struct pair p;
	uint64_t limit;
	(void)state;
	connect13(&p, 0);
	go_on_from(&p, SERVER, 65536 - KEPT); /* it is poor and ignores wishes */
	limit = raw_key_aead(&newest(&p, CLIENT)->key)->forgery_limit;
	newest(&p, CLIENT)->forged = limit - 10;
	for (int i = 0; i < 9; i++) {
		forge(&p, CLIENT, 3);
		pair_settle(&p);
		check_is("below the limit", p.side[CLIENT].error, TERN_OK);
	}
	assert_int_equal(p.side[CLIENT].conn->write_epoch, 4);
	assert_int_equal(newest(&p, CLIENT)->epoch, 3);
	forge(&p, CLIENT, 3);
	check_is("at the limit", p.side[CLIENT].error, TERN_ERROR_FORGERIES);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_updates_to_the_last_number),
		cmocka_unit_test(peers_wishes_to_the_last_number),
		cmocka_unit_test(events_say_which_limit),
		cmocka_unit_test(last_epoch_has_no_successor),
		cmocka_unit_test(handshake_at_the_end_of_the_numbers),
		cmocka_unit_test(keys_change_early_and_not_all_at_one_time),
		cmocka_unit_test(old_keys_go_at_their_limit_and_the_association_stays),
		cmocka_unit_test(peer_that_does_not_change_its_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
