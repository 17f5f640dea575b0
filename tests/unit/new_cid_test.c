/* src/connection/cid.c: NewConnectionId and RequestConnectionId. RFC 9147 5.8.4, 9. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "usual_pair.h"
#include "wire/messages13.h"

#define S UINT64_C(1000000000)

/* IDs of 9 bytes by number, for both sides alike. */
static struct {
	uint8_t made, retired;
	bool live[256];
	bool none; /* there are no more */
	bool same; /* there is but one */
} ids[2];

static size_t make(void *user, tern_conn *conn, uint8_t *cid, size_t cap)
{
	size_t who = (size_t)(uintptr_t)user;
	(void)conn;
	(void)cap;
	if (ids[who].none)
		return 0;
	memset(cid, 0x55, 9);
	if (ids[who].same) {
		cid[0] = 0;
		return 9;
	}
	cid[0] = ids[who].made;
	ids[who].live[ids[who].made++] = true;
	return 9;
}

static void retire(void *user, tern_conn *conn, const uint8_t *cid, size_t len)
{
	size_t who = (size_t)(uintptr_t)user;
	(void)conn;
	assert_int_equal(len, 9);
	assert_true(ids[who].live[cid[0]]);
	ids[who].live[cid[0]] = false;
	ids[who].retired++;
}

static size_t length(void *user, const uint8_t *bytes, size_t n)
{
	(void)user;
	(void)bytes;
	(void)n;
	return 9;
}

static unsigned sent[2][256]; /* handshake messages by sender and type, repeats included */
static struct pair *watched;

static void watch(void *user, const tern_conn *conn, const tern_trace *t)
{
	(void)user;
	if (t->kind == TERN_TRACE_SENT && t->content_type == CONTENT_HANDSHAKE)
		sent[conn == watched->side[SERVER].conn][t->message_type]++;
}

static void connect_with(struct pair *p, bool client, bool server)
{
	const bool on[2] = {client, server};
	tern_config *c[2];
	tern_timers timers = {.size = sizeof timers, .first_ns = S, .no_jitter = true, .no_rtt = true};
	usual_configs(c);
	for (int i = 0; i < 2; i++) {
		tern_cid_codec codec = {sizeof codec, make, retire, length, (void *)(uintptr_t)i};
		OK(tern_config_set_versions(c[i], TERN_DTLS13, TERN_DTLS13));
		OK(tern_config_set_timers(c[i], &timers));
		OK(tern_config_set_tickets(c[i], false));
		OK(tern_config_set_trace(c[i], watch, NULL));
		if (on[i])
			OK(tern_config_set_cid(c[i], &codec));
		else
			OK(tern_config_set_cid_length(c[i], 0));
	}
	memset(ids, 0, sizeof ids);
	watched = p;
	connect_pair(p, c);
	memset(sent, 0, sizeof sent);
}

static void hang_up(struct pair *p)
{
	pair_free(p);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(ids[i].made, ids[i].retired);
}

/* The number of the ID that a side sends with, and how many spare ones it has. */
static void check_peers(const struct pair *p, enum role who, uint8_t number, uint8_t spare)
{
	tern_info info = pair_info(p, who);
	assert_int_equal(info.peer_cid_len, 9);
	assert_int_equal(info.peer_cid[0], number);
	assert_int_equal(info.spare_cids, spare);
}

static unsigned live(enum role who)
{
	return (unsigned)ids[who].made - ids[who].retired;
}

static void send_data(struct pair *p, enum role from)
{
	uint8_t out[256];
	size_t n;
	OK(tern_conn_seal(p->side[from].conn, out, sizeof out, &n, (const uint8_t *)"x", 1, p->now));
	p->side[!from].data_len = 0;
	pair_feed(p, !from, out, n);
	assert_int_equal(p->side[!from].data_len, 1);
}

/* A spare ID that crosses a request looks like its answer: who asks again then has done nothing wrong. */
static void answer_in_doubt(void **state)
{
	static const uint8_t one[] = {1};
	struct pair p;
	(void)state;
	connect_with(&p, true, true);
	OK(tern_conn_new_cid(p.side[SERVER].conn, false)); /* so that the answer has to wait */
	for (unsigned i = 0; i < 2; i++)
		pair_say(&p, SERVER, 3, REQUEST_CONNECTION_ID, (uint16_t)(p.side[CLIENT].conn->after->send_seq + i),
			 one, 1);
	check_is("server", p.side[SERVER].error, TERN_OK);
	pair_settle(&p);
	check_peers(&p, CLIENT, 0, 2);
	hang_up(&p);
}

/* One that replaces the others is used at once; the old one is heard until the peer has moved. */
static void immediate(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		enum role who = (enum role)i, peer = (enum role) !i;
		struct pair p;
		uint8_t old[256];
		size_t n;
		connect_with(&p, true, true);
		check_peers(&p, peer, 0, 0);
		OK(tern_conn_seal(p.side[peer].conn, old, sizeof old, &n, (const uint8_t *)"old", 3, p.now));
		OK(tern_conn_new_cid(p.side[who].conn, true));
		pair_collect(&p, who);
		pair_feed(&p, who, old, n); /* before the peer knows */
		assert_int_equal(p.side[who].data_len, 3);
		assert_int_equal(live(who), 2);
		pair_settle(&p);
		check_peers(&p, peer, 1, 0);
		assert_int_equal(sent[who][NEW_CONNECTION_ID], 1);
		send_data(&p, peer);
		assert_int_equal(live(who), 1);
		assert_true(ids[who].live[1]);
		assert_int_equal(pair_info(&p, who).own_cid[0], 1);
		/* What came under the old one now would be late. */
		p.side[who].data_len = 0;
		pair_feed(&p, who, old, n);
		assert_int_equal(p.side[who].data_len, 0);
		assert_int_equal(pair_info(&p, who).dropped[TERN_DROP_OTHER_CID], 1);
		pair_check_data(&p, "after");
		hang_up(&p);
	}
}

/* Spare ones are used in the order they came, each for another path (RFC 9147 9, 11), and the ones before stay ours. */
static void spare(void **state)
{
	struct pair p;
	(void)state;
	connect_with(&p, true, true);
	check_is("none yet", tern_conn_next_cid(p.side[CLIENT].conn), TERN_ERROR_USAGE);
	for (uint8_t i = 1; i < CIDS_MAX - 1; i++) {
		OK(tern_conn_new_cid(p.side[SERVER].conn, false));
		if (i % 2)
			pair_settle(&p);
	}
	check_is("as many as may be", tern_conn_new_cid(p.side[SERVER].conn, false), TERN_ERROR_LIMIT);
	pair_settle(&p);
	check_peers(&p, CLIENT, 0, CIDS_MAX - 2);
	for (uint8_t i = 1; i < CIDS_MAX - 1; i++) {
		OK(tern_conn_next_cid(p.side[CLIENT].conn));
		check_peers(&p, CLIENT, i, (uint8_t)(CIDS_MAX - 2 - i));
		send_data(&p, CLIENT);
		assert_int_equal(pair_info(&p, SERVER).own_cid[0], i);
		assert_int_equal(live(SERVER), CIDS_MAX - 1);
	}
	check_is("all used", tern_conn_next_cid(p.side[CLIENT].conn), TERN_ERROR_USAGE);
	/* There is always room for one that replaces them all. */
	OK(tern_conn_new_cid(p.side[SERVER].conn, true));
	check_is("that too", tern_conn_new_cid(p.side[SERVER].conn, true), TERN_ERROR_LIMIT);
	pair_settle(&p);
	check_peers(&p, CLIENT, CIDS_MAX - 1, 0);
	send_data(&p, CLIENT);
	assert_int_equal(live(SERVER), 1);
	OK(tern_conn_new_cid(p.side[SERVER].conn, true));
	pair_settle(&p);
	hang_up(&p);
}

/* The nth message of the test to the client, with num IDs from number on; usage as RFC 9147 9 counts them: 0 immediate,
 * 1 spare. */
static void say_new(struct pair *p, uint16_t nth, uint8_t number, size_t num, uint8_t usage)
{
	uint8_t body[2 + 10 * 16 + 1] = {0};
	size_t n = 2;
	assert_true(num <= 16);
	for (size_t i = 0; i < num; i++, n += 10) {
		body[n] = 9;
		memset(body + n + 1, number + (int)i, 9);
	}
	wr_store(body, 2, n - 2);
	body[n++] = usage;
	pair_say(p, CLIENT, 3, NEW_CONNECTION_ID, (uint16_t)(p->side[SERVER].conn->after->send_seq + nth), body, n);
	check_is("new IDs", p->side[CLIENT].error, TERN_OK);
}

/* A peer may give more than we keep, and replace them all when we can keep no more. */
static void a_full_list_is_replaced(void **state)
{
	static const size_t nums[] = {1, 3, CIDS_MAX, 16};
	(void)state;
	for (size_t i = 0; i < NUM(nums); i++) {
		struct pair p;
		connect_with(&p, true, true);
		say_new(&p, 0, 0x40, 16, 1);
		check_peers(&p, CLIENT, 0, CIDS_MAX - 1);
		say_new(&p, 1, 0x80, nums[i], 0);
		check_peers(&p, CLIENT, 0x80, (uint8_t)((nums[i] < CIDS_MAX ? nums[i] : CIDS_MAX) - 1));
		hang_up(&p);
	}
}

/* Asked for, they come; what was left behind makes room for more. */
static void requests(void **state)
{
	struct pair p;
	(void)state;
	connect_with(&p, true, true);
	check_is("0", tern_conn_request_cids(p.side[CLIENT].conn, 0), TERN_ERROR_USAGE);
	check_is("too many", tern_conn_request_cids(p.side[CLIENT].conn, CIDS_MAX), TERN_ERROR_USAGE);
	for (unsigned round = 0; round < 30; round++) {
		unsigned want = round % (CIDS_MAX - 1) + 1;
		tern_info info;
		OK(tern_conn_request_cids(p.side[CLIENT].conn, want));
		check_is("unanswered", tern_conn_request_cids(p.side[CLIENT].conn, 1), TERN_ERROR_USAGE);
		pair_settle(&p);
		assert_int_equal(sent[CLIENT][REQUEST_CONNECTION_ID], round + 1);
		assert_int_equal(sent[SERVER][NEW_CONNECTION_ID], round + 1);
		info = pair_info(&p, CLIENT);
		assert_int_equal(info.spare_cids, want < CIDS_MAX - 2 ? want : CIDS_MAX - 2);
		while (pair_info(&p, CLIENT).spare_cids) {
			OK(tern_conn_next_cid(p.side[CLIENT].conn));
			send_data(&p, CLIENT);
		}
		assert_true(live(SERVER) <= CIDS_MAX - 1);
	}
	hang_up(&p);
}

/* Whoever asks on and on without using any is told to stop; so is who does not wait for the answer. */
static void too_many(void **state)
{
	static const uint8_t one[] = {1};
	struct pair p;
	unsigned n;
	(void)state;
	connect_with(&p, true, true);
	for (n = 0; n < 100 && p.side[SERVER].error == TERN_OK; n++) {
		if (tern_conn_request_cids(p.side[CLIENT].conn, CIDS_MAX - 1) != TERN_OK)
			break;
		pair_settle(&p);
	}
	check_is("server", p.side[SERVER].error, TERN_ERROR_TOO_MANY_CIDS);
	check_is("client", p.side[CLIENT].error, TERN_ERROR_PEER_ALERT);
	assert_int_equal(tern_conn_failure(p.side[CLIENT].conn).alert, 52);
	assert_string_equal(tern_alert_name(52), "too_many_cids_requested");
	assert_int_equal(n, 18); /* one is granted, 16 are refused */
	hang_up(&p);

	connect_with(&p, true, true);
	OK(tern_conn_new_cid(p.side[SERVER].conn, false)); /* so that the answer has to wait */
	for (n = 0; n < 100 && p.side[SERVER].error == TERN_OK; n++)
		pair_say(&p, SERVER, 3, REQUEST_CONNECTION_ID, (uint16_t)(p.side[CLIENT].conn->after->send_seq + n),
			 one, 1);
	check_is("server", p.side[SERVER].error, TERN_ERROR_TOO_MANY_CIDS);
	assert_int_equal(n, 17);
	hang_up(&p);
}

/* RFC 9147 5.8.4, 9: one message of each kind at a time, and none behind a KeyUpdate. */
static void one_at_a_time(void **state)
{
	struct pair p;
	(void)state;
	connect_with(&p, true, true);
	for (unsigned i = 0; i < 3; i++)
		OK(tern_conn_new_cid(p.side[SERVER].conn, false));
	pair_collect(&p, SERVER);
	assert_int_equal(sent[SERVER][NEW_CONNECTION_ID], 1);
	pair_settle(&p);
	assert_int_equal(sent[SERVER][NEW_CONNECTION_ID], 2); /* the two that waited, in one */
	check_peers(&p, CLIENT, 0, 3);

	OK(tern_conn_rekey(p.side[SERVER].conn, false, p.now));
	OK(tern_conn_new_cid(p.side[SERVER].conn, true));
	OK(tern_conn_request_cids(p.side[SERVER].conn, 2));
	pair_collect(&p, SERVER);
	assert_int_equal(sent[SERVER][KEY_UPDATE], 1);
	assert_int_equal(sent[SERVER][NEW_CONNECTION_ID], 2);
	assert_int_equal(sent[SERVER][REQUEST_CONNECTION_ID], 0);
	pair_settle(&p);
	assert_int_equal(sent[SERVER][NEW_CONNECTION_ID], 3);
	assert_int_equal(sent[SERVER][REQUEST_CONNECTION_ID], 1);
	check_peers(&p, CLIENT, 4, 0);
	check_peers(&p, SERVER, 0, 2);
	pair_check_data(&p, "after");
	hang_up(&p);
}

static unsigned lose;
static bool lose_some(struct pair *p, struct datagram_on_wire *d)
{
	(void)p;
	(void)d;
	return !lose || !lose--;
}

/* Whichever datagrams are lost, both sides get there. */
static void through_loss(void **state)
{
	(void)state;
	for (unsigned losses = 0; losses < 8; losses++) {
		struct pair p;
		connect_with(&p, true, true);
		OK(tern_conn_new_cid(p.side[SERVER].conn, true));
		OK(tern_conn_request_cids(p.side[SERVER].conn, 3));
		OK(tern_conn_new_cid(p.side[CLIENT].conn, false));
		p.tap = lose_some;
		lose = losses;
		for (int i = 0; i < 100; i++) {
			pair_settle(&p);
			if (!pair_wait(&p, p.now.mono_ns + 60 * S))
				break;
		}
		check_is("client", p.side[CLIENT].error, TERN_OK);
		check_is("server", p.side[SERVER].error, TERN_OK);
		check_peers(&p, CLIENT, 1, 0);
		check_peers(&p, SERVER, 0, 4);
		assert_null(p.side[CLIENT].conn->after->posts);
		assert_null(p.side[SERVER].conn->after->posts);
		pair_check_data(&p, "after");
		hang_up(&p);
	}
}

/* What the rules forbid, by whether the receiver wants IDs and whether it sends with one. */
static void judged(void **state)
{
	static const struct {
		const char *name;
		uint8_t type;
		const char *body;
		size_t n;
		tern_error plain, with; /* without IDs, and with them both ways */
	} cases[] = {
		{"spare", NEW_CONNECTION_ID, "\0\2\1x\1", 5, TERN_ERROR_UNEXPECTED_MESSAGE, TERN_OK},
		{"immediate", NEW_CONNECTION_ID, "\0\2\1x\0", 5, TERN_ERROR_UNEXPECTED_MESSAGE, TERN_OK},
		{"no spare ones", NEW_CONNECTION_ID, "\0\0\1", 3, TERN_ERROR_UNEXPECTED_MESSAGE, TERN_OK},
		{"request", REQUEST_CONNECTION_ID, "\1", 1, TERN_ERROR_UNEXPECTED_MESSAGE, TERN_OK},
		{"request of none", REQUEST_CONNECTION_ID, "\0", 1, TERN_ERROR_UNEXPECTED_MESSAGE, TERN_OK},
		{"none at once", NEW_CONNECTION_ID, "\0\0\0", 3, TERN_ERROR_UNEXPECTED_MESSAGE,
		 TERN_ERROR_ILLEGAL_PARAMETER},
		{"an empty one", NEW_CONNECTION_ID, "\0\3\1x\0\1", 6, TERN_ERROR_UNEXPECTED_MESSAGE,
		 TERN_ERROR_ILLEGAL_PARAMETER},
		{"another usage", NEW_CONNECTION_ID, "\0\2\1x\2", 5, TERN_ERROR_UNEXPECTED_MESSAGE,
		 TERN_ERROR_ILLEGAL_PARAMETER},
		{"malformed", NEW_CONNECTION_ID, "\0\2\3x\1", 5, TERN_ERROR_DECODE, TERN_ERROR_DECODE},
		{"more behind it", NEW_CONNECTION_ID, "\0\2\1x\1\0", 6, TERN_ERROR_DECODE, TERN_ERROR_DECODE},
		{"request, malformed", REQUEST_CONNECTION_ID, "\1\1", 2, TERN_ERROR_DECODE, TERN_ERROR_DECODE},
	};
	(void)state;
	for (size_t i = 0; i < 4 * NUM(cases); i++) {
		enum role to = i & 1 ? SERVER : CLIENT;
		bool with = i & 2;
		struct pair p;
		connect_with(&p, with, with);
		pair_say(&p, to, 3, cases[i / 4].type, (uint16_t)p.side[!to].conn->after->send_seq, cases[i / 4].body,
			 cases[i / 4].n);
		check_is(cases[i / 4].name, p.side[to].error, with ? cases[i / 4].with : cases[i / 4].plain);
		hang_up(&p);
	}
}

/* Of one-sided agreements each message goes one way only. */
static void one_sided(void **state)
{
	struct pair p;
	(void)state;
	connect_with(&p, false, true); /* the client sends with the server's, and wants none */
	check_is("client", tern_conn_new_cid(p.side[CLIENT].conn, false), TERN_ERROR_USAGE);
	check_is("server", tern_conn_request_cids(p.side[SERVER].conn, 1), TERN_ERROR_USAGE);
	OK(tern_conn_request_cids(p.side[CLIENT].conn, 2));
	OK(tern_conn_new_cid(p.side[SERVER].conn, true));
	pair_settle(&p);
	check_is("client", p.side[CLIENT].error, TERN_OK);
	check_is("server", p.side[SERVER].error, TERN_OK);
	assert_int_equal(pair_info(&p, CLIENT).peer_cid_len, 9);
	assert_int_equal(pair_info(&p, SERVER).peer_cid_len, 0);
	pair_check_data(&p, "data");
	hang_up(&p);
}

/* A codec that has no more: requests are answered with none, and there is nothing to tell otherwise. */
static void codec_without(void **state)
{
	struct pair p;
	(void)state;
	connect_with(&p, true, true);
	ids[SERVER].none = true;
	OK(tern_conn_new_cid(p.side[SERVER].conn, true));
	pair_settle(&p);
	assert_int_equal(sent[SERVER][NEW_CONNECTION_ID], 0);
	assert_int_equal(p.side[SERVER].conn->records.cids.replaced, 0);
	OK(tern_conn_request_cids(p.side[CLIENT].conn, 2));
	pair_settle(&p);
	assert_int_equal(sent[SERVER][NEW_CONNECTION_ID], 1);
	check_peers(&p, CLIENT, 0, 0);
	OK(tern_conn_request_cids(p.side[CLIENT].conn, 2)); /* it was answered */
	hang_up(&p);
}

/* An ID that is ours already is nothing new, and stays. */
static void codec_repeats_itself(void **state)
{
	struct pair p;
	(void)state;
	connect_with(&p, true, true);
	ids[SERVER].same = true;
	for (int immediate = 0; immediate < 2; immediate++) {
		OK(tern_conn_new_cid(p.side[SERVER].conn, immediate));
		pair_settle(&p);
	}
	assert_int_equal(sent[SERVER][NEW_CONNECTION_ID], 0);
	assert_int_equal(cids_num(&p.side[SERVER].conn->records.cids, CID_OURS), 1);
	assert_int_equal(live(SERVER), 1);
	send_data(&p, CLIENT);
	hang_up(&p);
}

/* More than are kept are discarded, and so is what the MTU does not hold; a long one makes messages shorter. */
static void kept(void **state)
{
	uint8_t body[2 + 40 * 256 + 1];
	struct pair p;
	struct wr w = wr_of(body, sizeof body);
	struct new_connection_id message = {.usage = CID_SPARE};
	uint8_t list[256], cid[200];
	struct wr lw = wr_of(list, sizeof list);
	(void)state;
	connect_with(&p, true, true);
	for (uint8_t i = 1; i < 20; i++)
		wr_vec8(&lw, span_of(&i, 1));
	message.cids = wr_span(&lw);
	put_new_connection_id(&w, &message);
	pair_say(&p, CLIENT, 3, NEW_CONNECTION_ID, (uint16_t)p.side[SERVER].conn->after->send_seq, body, w.n);
	check_is("client", p.side[CLIENT].error, TERN_OK);
	check_peers(&p, CLIENT, 0, CIDS_MAX - 1);
	hang_up(&p);

	memset(cid, 0x77, sizeof cid);
	for (int i = 0; i < 2; i++) {
		connect_with(&p, true, true);
		OK(tern_conn_set_mtu(p.side[CLIENT].conn, (uint16_t)(MTU_MIN + sizeof cid - (i ? 1 : 0))));
		lw = wr_of(list, sizeof list);
		w = wr_of(body, sizeof body);
		wr_vec8(&lw, span_of(cid, sizeof cid));
		message = (struct new_connection_id){wr_span(&lw), CID_IMMEDIATE};
		put_new_connection_id(&w, &message);
		/* A flight that was cut for a shorter one is cut anew. */
		OK(tern_conn_request_cids(p.side[CLIENT].conn, 1));
		pair_collect(&p, CLIENT);
		pair_say(&p, CLIENT, 3, NEW_CONNECTION_ID, (uint16_t)p.side[SERVER].conn->after->send_seq, body, w.n);
		check_is("client", p.side[CLIENT].error, i ? TERN_ERROR_BUDGET : TERN_OK);
		if (i) { /* its alert bears the ID that there was */
			pair_settle(&p);
			check_is("server", p.side[SERVER].error, TERN_ERROR_PEER_ALERT);
		}
		if (!i) {
			assert_int_equal(pair_info(&p, CLIENT).peer_cid_len, sizeof cid);
			check_is("mtu", tern_conn_set_mtu(p.side[CLIENT].conn, MTU_MIN + sizeof cid - 1),
				 TERN_ERROR_USAGE);
			p.num_queued = 0;
			assert_true(pair_wait(&p, TERN_NEVER));
			pair_collect(&p, CLIENT);
			assert_true(p.num_queued > 0);
			check_is("client", p.side[CLIENT].error, TERN_OK);
		}
		hang_up(&p);
	}
}

static void not_now(void **state)
{
	tern_config *c[2];
	struct pair p;
	(void)state;
	connect_with(&p, true, true);
	OK(tern_conn_close(p.side[CLIENT].conn, p.now));
	check_is("closed", tern_conn_new_cid(p.side[CLIENT].conn, false), TERN_ERROR_NOT_CONNECTED);
	check_is("closed", tern_conn_request_cids(p.side[CLIENT].conn, 1), TERN_ERROR_NOT_CONNECTED);
	check_is("closed", tern_conn_next_cid(p.side[CLIENT].conn), TERN_ERROR_NOT_CONNECTED);
	hang_up(&p);
	usual_configs(c); /* DTLS 1.2 has no such messages: RFC 9146 3 */
	OK(tern_config_set_cid_length(c[CLIENT], 8));
	OK(tern_config_set_cid_length(c[SERVER], 8));
	connect_pair(&p, c);
	check_is("1.2", tern_conn_new_cid(p.side[CLIENT].conn, false), TERN_ERROR_USAGE);
	check_is("1.2", tern_conn_request_cids(p.side[CLIENT].conn, 1), TERN_ERROR_USAGE);
	check_is("1.2", tern_conn_next_cid(p.side[CLIENT].conn), TERN_ERROR_USAGE);
	pair_check_data(&p, "1.2");
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_in_doubt), cmocka_unit_test(immediate),
		cmocka_unit_test(spare),	   cmocka_unit_test(a_full_list_is_replaced),
		cmocka_unit_test(requests),	   cmocka_unit_test(too_many),
		cmocka_unit_test(one_at_a_time),   cmocka_unit_test(through_loss),
		cmocka_unit_test(judged),	   cmocka_unit_test(one_sided),
		cmocka_unit_test(codec_without),   cmocka_unit_test(kept),
		cmocka_unit_test(not_now),	   cmocka_unit_test(codec_repeats_itself),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
