/* src/connection/auth.c, src/handshake/auth13.c: client authentication after the handshake (RFC 8446 4.6.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "connection/auth.h"
#include "count_heap.h"
#include "late.h"
#include "pair.h"

#define S UINT64_C(1000000000)

struct setting {
	bool no_client_cert, client_refuses, server_refuses; /* refuses: has not opted in */
	bool psk; /* external */
	bool trusts_nobody; /* the server */
	bool late_sign, late_verify;
	bool raw; /* the client's key alone */
	uint16_t mtu;
	uint8_t cert_kib; /* 0: a short one */
};

/* ---- answers that come later ---- */

static int load_signer_of_b(void **state)
{
	(void)state;
	return load_signer("E b.test");
}

static tern_error answer(struct pair *p, enum role who, tern_error error)
{
	uint8_t signature[SIGNATURE_MAX];
	tern_answer a = {.error = error};
	if (who == CLIENT && error == TERN_OK) {
		OK(provider_stub.sign(p->side[CLIENT].pool->crypto, signer, scheme_by_id(scheme_id),
				      span_of(tbs, tbs_len), signature, &a.len));
		a.data = signature;
	}
	error = tern_conn_resume(p->side[who].conn, p->side[who].job, &a, p->now);
	pair_events(p, who);
	return error;
}

/* ---- pairs ---- */

static void add_client_cert(tern_config *client, const struct setting *s)
{
	static char chain[16384];
	size_t n = s->cert_kib ? 1024u * s->cert_kib : 8;
	memset(chain, '.', sizeof chain);
	memcpy(chain, "E b.test", 8);
	if (s->raw)
		OK(tern_config_add_raw_key(client, chain, n));
	else if (s->late_sign)
		OK(tern_config_add_signer(client, chain, n, sign_later, NULL));
	else
		OK(tern_config_add_keypair(client, chain, n, chain, n));
}

static void start_with(struct pair *p, const struct setting *s, const tern_allocator *heap)
{
	tern_config *config[2] = {new_config13(heap), new_config13(heap)};
	tern_timers timers = {.size = sizeof timers, .first_ns = S, .no_jitter = true};
	tern_limits limits = {.size = sizeof limits, .mtu = s->mtu};
	for (int i = 0; i < 2; i++) {
		OK(config_set_provider(config[i], &provider_stub));
		OK(tern_config_set_groups(config[i], "x25519"));
		OK(tern_config_set_timers(config[i], &timers));
		OK(tern_config_set_limits(config[i], &limits));
		OK(tern_config_set_post_auth(config[i], !(i == CLIENT ? s->client_refuses : s->server_refuses)));
		if (s->psk)
			OK(tern_config_add_psk(config[i], "id", 2, "secret", 6));
	}
	OK(tern_config_add_keypair(config[SERVER], "E a.test", 8, "E a.test", 8));
	OK(tern_config_add_trust(config[CLIENT], "E a.test", 8));
	if (!s->no_client_cert)
		add_client_cert(config[CLIENT], s);
	if (s->late_verify)
		OK(tern_config_set_verify(config[SERVER], verify_later, NULL));
	else if (!s->trusts_nobody)
		OK(tern_config_set_insecure_no_verify(config[SERVER]));
	pair_init(p, config[CLIENT], config[SERVER]);
	pair_dial(p, "a.test", span_of(NULL, 0));
	pair_settle(p);
	assert_true(pair_connected(p));
	assert_false(pair_info(p, SERVER).has_peer_fingerprint);
}

static void start(struct pair *p, const struct setting *s)
{
	start_with(p, s, NULL);
}

static tern_error ask(struct pair *p, tern_client_auth mode)
{
	return tern_conn_request_certificate(p->side[SERVER].conn, mode, p->now);
}

static struct after *after_of(struct pair *p, enum role who)
{
	return p->side[who].conn->after;
}

static void expect_proof(struct pair *p, const char *name)
{
	for (int i = 0; i < 2; i++)
		check_is(name, p->side[i].error, TERN_OK);
	if (!pair_saw(p, SERVER, TERN_EVENT_AUTHENTICATED) || !pair_info(p, SERVER).has_peer_fingerprint)
		fail_msg("%s: not authenticated", name);
	assert_null(after_of(p, CLIENT)->posts);
	assert_null(after_of(p, SERVER)->posts);
	assert_null(after_of(p, CLIENT)->auth->hs);
	assert_null(after_of(p, SERVER)->auth->hs);
	pair_check_data(p, name);
}

/* ---- what it does ---- */

static void client_proves_itself_as_often_as_asked(void **state)
{
	struct pair p;
	(void)state;
	start(&p, &(struct setting){0});
	for (int i = 0; i < 5; i++) {
		p.side[SERVER].num_events = 0;
		OK(ask(&p, i % 2 ? TERN_CLIENT_AUTH_OPTIONAL : TERN_CLIENT_AUTH_REQUIRED));
		pair_settle(&p);
		expect_proof(&p, "again");
	}
	pair_free(&p);
}

static void verdict_is_the_configs(void **state)
{
	struct pair p;
	(void)state;
	start(&p, &(struct setting){.trusts_nobody = true});
	assert_int_equal(ask(&p, TERN_CLIENT_AUTH_REQUIRED), TERN_ERROR_NO_CREDENTIALS);
	pair_check_data(&p, "nothing has changed");
	pair_free(&p);
}

static void client_without_a_certificate_declines(void **state)
{
	(void)state;
	for (int required = 0; required < 2; required++) {
		struct pair p;
		start(&p, &(struct setting){0});
		p.side[CLIENT].config->num_credentials = 0; /* after the offer: none fits */
		OK(ask(&p, required ? TERN_CLIENT_AUTH_REQUIRED : TERN_CLIENT_AUTH_OPTIONAL));
		pair_settle(&p);
		p.side[CLIENT].config->num_credentials = 1;
		if (required) {
			check_is("required", p.side[SERVER].error, TERN_ERROR_CERTIFICATE_REQUIRED);
			check_is("required", p.side[CLIENT].error, TERN_ERROR_PEER_ALERT);
			assert_int_equal(tern_conn_failure(p.side[CLIENT].conn).alert, 116);
		} else {
			assert_true(pair_saw(&p, SERVER, TERN_EVENT_AUTH_DECLINED));
			assert_false(pair_saw(&p, SERVER, TERN_EVENT_AUTHENTICATED));
			assert_false(pair_info(&p, SERVER).has_peer_fingerprint);
			pair_check_data(&p, "declined");
		}
		pair_free(&p);
	}
}

static void who_may_not_ask(void **state)
{
	static const struct {
		const char *name;
		struct setting setting;
		enum role who;
		tern_client_auth mode;
	} cases[] = {
		{"a client", {0}, CLIENT, TERN_CLIENT_AUTH_REQUIRED},
		{"for none", {0}, SERVER, TERN_CLIENT_AUTH_NONE},
		{"for what is no mode", {0}, SERVER, (tern_client_auth)3},
		{"client did not opt in", {.client_refuses = true}, SERVER, TERN_CLIENT_AUTH_REQUIRED},
		{"client has no certificate", {.no_client_cert = true}, SERVER, TERN_CLIENT_AUTH_REQUIRED},
		{"server did not opt in", {.server_refuses = true}, SERVER, TERN_CLIENT_AUTH_REQUIRED},
		{"external PSK", {.psk = true}, SERVER, TERN_CLIENT_AUTH_REQUIRED},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct pair p;
		start(&p, &cases[i].setting);
		check_is(cases[i].name, tern_conn_request_certificate(p.side[cases[i].who].conn, cases[i].mode, p.now),
			 TERN_ERROR_USAGE);
		pair_check_data(&p, cases[i].name);
		pair_free(&p);
	}
}

static void one_request_at_a_time(void **state)
{
	struct pair p;
	(void)state;
	start(&p, &(struct setting){0});
	OK(ask(&p, TERN_CLIENT_AUTH_REQUIRED));
	assert_int_equal(ask(&p, TERN_CLIENT_AUTH_REQUIRED), TERN_ERROR_USAGE);
	pair_settle(&p);
	expect_proof(&p, "one");
	OK(tern_conn_close(p.side[SERVER].conn, p.now));
	assert_int_equal(ask(&p, TERN_CLIENT_AUTH_REQUIRED), TERN_ERROR_NOT_CONNECTED);
	pair_free(&p);
}

static void contexts_differ(void **state)
{
	uint8_t context[AUTH_CONTEXT];
	struct pair p;
	(void)state;
	start(&p, &(struct setting){0});
	OK(ask(&p, TERN_CLIENT_AUTH_REQUIRED));
	pair_settle(&p);
	memcpy(context, after_of(&p, SERVER)->auth->context, sizeof context);
	OK(ask(&p, TERN_CLIENT_AUTH_REQUIRED));
	assert_memory_not_equal(context, after_of(&p, SERVER)->auth->context, sizeof context);
	pair_free(&p);
}

static void chain_is_shown_until_the_caller_comes_back(void **state)
{
	tern_bytes chain[2];
	tern_event event = {0};
	struct pair p;
	struct datagram_on_wire *d;
	(void)state;
	start(&p, &(struct setting){0});
	OK(ask(&p, TERN_CLIENT_AUTH_REQUIRED));
	pair_collect(&p, SERVER);
	assert_true(pair_carry(&p));
	pair_collect(&p, CLIENT);
	assert_int_equal(p.num_queued, 1);
	d = &p.queue[0];
	OK(tern_conn_feed(p.side[SERVER].conn, d->bytes, d->n, NULL, p.now));
	OK(tern_conn_next(p.side[SERVER].conn, &event, p.now));
	assert_int_equal(event.kind, TERN_EVENT_AUTHENTICATED);
	assert_int_equal(tern_conn_peer_chain(p.side[SERVER].conn, chain, 2), 1);
	assert_int_equal(chain[0].len, 8);
	assert_memory_equal(chain[0].data, "E b.test", 8);
	OK(tern_conn_next(p.side[SERVER].conn, &event, p.now));
	assert_int_equal(event.kind, TERN_EVENT_NONE);
	assert_int_equal(tern_conn_peer_chain(p.side[SERVER].conn, chain, 2), 0);
	pair_free(&p);
}

/* Long chains come in many records, and what a key update does meanwhile does no harm. */
static void long_chain_over_a_small_mtu(void **state)
{
	struct pair p;
	(void)state;
	start(&p, &(struct setting){.mtu = 300, .cert_kib = 8});
	OK(ask(&p, TERN_CLIENT_AUTH_REQUIRED));
	pair_settle(&p);
	expect_proof(&p, "long");
	pair_free(&p);
}

/* The type of the certificate is settled in the handshake, for later too: RFC 7250 4.2. */
static void raw_key_after_the_handshake(void **state)
{
	struct pair p;
	(void)state;
	start(&p, &(struct setting){.raw = true});
	OK(ask(&p, TERN_CLIENT_AUTH_REQUIRED));
	pair_settle(&p);
	expect_proof(&p, "raw key");
	pair_free(&p);
}

static void costs_memory_only_while_it_runs_and_where_it_is_wanted(void **state)
{
	struct count_heap with = {0}, without = {0};
	tern_allocator heap_with = count_heap_allocator(&with), heap_without = count_heap_allocator(&without);
	struct pair a, b;
	size_t idle;
	(void)state;
	start_with(&a, &(struct setting){0}, &heap_with);
	start_with(&b, &(struct setting){.server_refuses = true, .client_refuses = true}, &heap_without);
	/* Both sides of the pair are on this heap; the server has room for a fingerprint, and the name that it keeps no
	 * longer in its connection. */
	assert_int_equal(with.live, without.live + 2 * sizeof(struct auth) + 32 + sizeof "a.test" - 1);
	assert_true(sizeof(struct auth) <= 352);
	idle = with.live;
	OK(ask(&a, TERN_CLIENT_AUTH_REQUIRED));
	pair_settle(&a);
	expect_proof(&a, "memory");
	assert_int_equal(with.live, idle);
	pair_free(&a);
	pair_free(&b);
	assert_int_equal(with.blocks, 0);
	assert_int_equal(without.blocks, 0);
}

/* ---- answers that come late ---- */

static void data_flows_while_an_answer_is_awaited(void **state)
{
	(void)state;
	for (int who = 0; who < 2; who++) {
		struct pair p;
		start(&p, &(struct setting){.late_sign = who == CLIENT, .late_verify = who == SERVER});
		OK(ask(&p, TERN_CLIENT_AUTH_REQUIRED));
		pair_settle(&p);
		assert_true(pair_saw(&p, (enum role)who, TERN_EVENT_PENDING));
		assert_int_equal(p.side[who].job_kind, who == CLIENT ? TERN_JOB_SIGN : TERN_JOB_VERIFY);
		pair_check_data(&p, "meanwhile");
		/* Nothing is repeated meanwhile, and keys may change on both sides. */
		assert_null(after_of(&p, CLIENT)->posts);
		assert_null(after_of(&p, SERVER)->posts);
		for (int i = 0; i < 2; i++) {
			OK(tern_conn_rekey(p.side[i].conn, true, p.now));
			pair_settle(&p);
			pair_check_data(&p, "new keys");
		}
		assert_int_equal(tern_conn_resume(p.side[who].conn, p.side[who].job + 1, &(tern_answer){0}, p.now),
				 TERN_ERROR_USAGE);
		check_is("answer", answer(&p, (enum role)who, TERN_OK), TERN_OK);
		assert_int_equal(tern_conn_resume(p.side[who].conn, p.side[who].job, &(tern_answer){0}, p.now),
				 TERN_ERROR_USAGE);
		pair_settle(&p);
		expect_proof(&p, "late");
		pair_free(&p);
	}
}

static void refusals_that_come_late(void **state)
{
	(void)state;
	for (int who = 0; who < 2; who++) {
		tern_error says = who == CLIENT ? TERN_ERROR_CRYPTO : TERN_ERROR_CERTIFICATE_REJECTED;
		struct pair p;
		start(&p, &(struct setting){.late_sign = who == CLIENT, .late_verify = who == SERVER});
		OK(ask(&p, TERN_CLIENT_AUTH_REQUIRED));
		pair_settle(&p);
		check_is("late", answer(&p, (enum role)who, says), says);
		pair_settle(&p);
		check_is("late", p.side[!who].error, TERN_ERROR_PEER_ALERT);
		assert_false(pair_saw(&p, SERVER, TERN_EVENT_AUTHENTICATED));
		pair_free(&p);
	}
}

static void answer_after_the_end_is_refused(void **state)
{
	struct pair p;
	(void)state;
	start(&p, &(struct setting){.late_sign = true});
	OK(ask(&p, TERN_CLIENT_AUTH_REQUIRED));
	pair_settle(&p);
	OK(tern_conn_close(p.side[CLIENT].conn, p.now));
	assert_int_equal(tern_conn_resume(p.side[CLIENT].conn, p.side[CLIENT].job, &(tern_answer){0}, p.now),
			 TERN_ERROR_USAGE);
	pair_settle(&p);
	assert_true(pair_saw(&p, SERVER, TERN_EVENT_CLOSED));
	pair_free(&p);
}

/* The answer waits for the end of a key update of the client's, the request for one of the server's: nothing may follow
 * a KeyUpdate in its epoch. */
static void key_updates_cross(void **state)
{
	(void)state;
	for (int order = 0; order < 8; order++) {
		struct pair p;
		char name[40];
		snprintf(name, sizeof name, "order %d", order);
		start(&p, &(struct setting){0});
		if (order & 1)
			OK(tern_conn_rekey(p.side[SERVER].conn, false, p.now));
		if (order & 2)
			OK(tern_conn_rekey(p.side[CLIENT].conn, true, p.now));
		OK(ask(&p, TERN_CLIENT_AUTH_REQUIRED));
		if (order & 4)
			OK(tern_conn_rekey(p.side[SERVER].conn, true, p.now));
		pair_settle(&p);
		expect_proof(&p, name);
		pair_free(&p);
	}
}

/* ---- loss ---- */

static struct {
	unsigned at, lost[2];
} wire;

static bool lose(struct pair *p, struct datagram_on_wire *d)
{
	unsigned n = wire.at++;
	(void)p;
	(void)d;
	return n != wire.lost[0] && n != wire.lost[1];
}

static bool came_through(const struct pair *p)
{
	return pair_saw(p, SERVER, TERN_EVENT_AUTHENTICATED) && p->side[CLIENT].conn->write_epoch == 4 &&
	       p->side[SERVER].conn->write_epoch == 4 && !p->side[CLIENT].conn->after->posts &&
	       !p->side[SERVER].conn->after->posts;
}

/* With a key update of either side in front, behind or between. Tells how many datagrams were sent. */
static unsigned one(const struct setting *s, int order, unsigned a, unsigned b)
{
	struct pair p;
	char name[80];
	snprintf(name, sizeof name, "MTU %u, order %d, without %u and %u", s->mtu, order, a, b);
	start(&p, s);
	p.tap = lose;
	wire.at = 0;
	wire.lost[0] = a;
	wire.lost[1] = b;
	if (order == 0)
		OK(tern_conn_rekey(p.side[CLIENT].conn, true, p.now));
	OK(ask(&p, TERN_CLIENT_AUTH_REQUIRED));
	if (order == 1)
		OK(tern_conn_rekey(p.side[SERVER].conn, true, p.now));
	for (int i = 0; i < 100 && !came_through(&p); i++) {
		pair_settle(&p);
		if (order == 2 && i == 0) {
			OK(tern_conn_rekey(p.side[SERVER].conn, true, p.now));
			pair_settle(&p);
		}
		if (!came_through(&p) && !pair_wait(&p, p.now.mono_ns + 100 * S))
			break;
	}
	if (!came_through(&p))
		fail_msg("%s: client %s, server %s, authenticated %d, epochs %u and %u", name,
			 tern_error_name(p.side[CLIENT].error), tern_error_name(p.side[SERVER].error),
			 pair_saw(&p, SERVER, TERN_EVENT_AUTHENTICATED), p.side[CLIENT].conn->write_epoch,
			 p.side[SERVER].conn->write_epoch);
	p.tap = NULL;
	pair_settle(&p);
	expect_proof(&p, name);
	pair_free(&p);
	return wire.at;
}

static void every_datagram_and_every_pair_may_be_lost(void **state)
{
	static const struct setting settings[] = {{0}, {.mtu = 256, .cert_kib = 1}};
	(void)state;
	for (size_t k = 0; k < NUM(settings); k++) {
		for (int order = 0; order < 3; order++) {
			unsigned n = one(&settings[k], order, UINT16_MAX, UINT16_MAX);
			assert_true(n >= 5 && n < 40);
			for (unsigned a = 0; a < n + 4; a++)
				for (unsigned b = a; b < n + 4; b++)
					one(&settings[k], order, a, b);
		}
	}
}

/* The answer alone tells that the request came: a client need not acknowledge it. */
static bool lose_acks(struct pair *p, struct datagram_on_wire *d)
{
	(void)p;
	return d->n > 60 || d->to != SERVER;
}

static void answer_acknowledges_the_request(void **state)
{
	struct pair p;
	unsigned before;
	(void)state;
	start(&p, &(struct setting){0});
	before = after_of(&p, CLIENT)->acks.num;
	p.tap = lose_acks;
	OK(ask(&p, TERN_CLIENT_AUTH_REQUIRED));
	pair_settle(&p);
	assert_null(after_of(&p, SERVER)->posts);
	assert_true(pair_saw(&p, SERVER, TERN_EVENT_AUTHENTICATED));
	assert_int_equal(after_of(&p, CLIENT)->acks.num, before); /* nor does ours: RFC 9147 7.1 */
	pair_free(&p);
}

/* ---- what a peer must not do ---- */

static void say(struct pair *p, enum role to, uint8_t type, const void *body, size_t n)
{
	enum role from = to == CLIENT ? SERVER : CLIENT;
	struct after *a = after_of(p, from);
	pair_say(p, to, p->side[from].conn->write_epoch, type, (uint16_t)a->send_seq++, body, n);
}

static void messages_that_nobody_asked_for(void **state)
{
	static const uint8_t types[] = {CERTIFICATE, CERTIFICATE_VERIFY, FINISHED, CERTIFICATE_REQUEST};
	static const uint8_t body[4] = {0};
	(void)state;
	for (size_t i = 0; i < NUM(types); i++) {
		for (int to = 0; to < 2; to++) {
			struct pair p;
			if (to == CLIENT && types[i] == CERTIFICATE_REQUEST)
				continue;
			start(&p, &(struct setting){0});
			say(&p, (enum role)to, types[i], body, sizeof body);
			check_is("unasked", p.side[to].error, TERN_ERROR_UNEXPECTED_MESSAGE);
			pair_free(&p);
		}
	}
}

static void request_to_a_client_that_did_not_offer(void **state)
{
	static const uint8_t body[] = {1, 7, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3};
	static const struct setting settings[] = {{.client_refuses = true}, {.no_client_cert = true}, {.psk = true}};
	(void)state;
	for (size_t i = 0; i < NUM(settings); i++) {
		struct pair p;
		start(&p, &settings[i]);
		say(&p, CLIENT, CERTIFICATE_REQUEST, body, sizeof body);
		check_is("not offered", p.side[CLIENT].error, TERN_ERROR_UNEXPECTED_MESSAGE);
		pair_free(&p);
	}
}

static void requests_that_are_wrong(void **state)
{
	static const struct {
		const char *name;
		uint8_t body[16];
		size_t n;
		tern_error error;
	} cases[] = {
		{"cut", {1, 7, 0}, 3, TERN_ERROR_DECODE},
		{"with more", {0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3, 9}, 12, TERN_ERROR_DECODE},
		{"without schemes", {1, 7, 0, 0}, 4, TERN_ERROR_MISSING_EXTENSION},
		{"with a cookie", {0, 0, 7, 0, 44, 0, 3, 0, 1, 9}, 10, TERN_ERROR_MISSING_EXTENSION},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct pair p;
		start(&p, &(struct setting){0});
		say(&p, CLIENT, CERTIFICATE_REQUEST, cases[i].body, cases[i].n);
		check_is(cases[i].name, p.side[CLIENT].error, cases[i].error);
		pair_free(&p);
	}
}

static const uint8_t request[] = {1, 7, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3};

/* While one is answered a few more may wait; each gets its answer. */
static void several_requests_wait(void **state)
{
	uint8_t body[sizeof request];
	struct pair p;
	(void)state;
	memcpy(body, request, sizeof body);
	start(&p, &(struct setting){.late_sign = true});
	for (uint8_t i = 0; i < 1 + AUTH_WAITING; i++) {
		body[1] = i;
		say(&p, CLIENT, CERTIFICATE_REQUEST, body, sizeof body);
		check_is("waiting", p.side[CLIENT].error, TERN_OK);
	}
	for (int i = 0; i < 1 + AUTH_WAITING; i++) {
		uint32_t numbered = after_of(&p, CLIENT)->send_seq;
		check_is("one of them", answer(&p, CLIENT, TERN_OK), TERN_OK);
		assert_int_equal(after_of(&p, CLIENT)->send_seq, numbered + 3);
	}
	assert_null(after_of(&p, CLIENT)->auth->hs);
	pair_free(&p);
	start(&p, &(struct setting){.late_sign = true});
	for (int i = 0; i < 2 + AUTH_WAITING; i++)
		say(&p, CLIENT, CERTIFICATE_REQUEST, request, sizeof request);
	check_is("one too many", p.side[CLIENT].error, TERN_ERROR_BUDGET);
	pair_free(&p);
}

/* An answer as the client would give it, changed in one place: at the end of one message, or in what comes next. */
enum wrong {
	WRONG_CONTEXT,
	WRONG_CERTIFICATE,
	WRONG_SIGNATURE,
	WRONG_FINISHED,
	NO_SIGNATURE,
	UPDATE_BETWEEN,
	CERTIFICATE_TWICE,
	FINISHED_TWICE,
	VERIFY_AFTER,
	SIGNED_EMPTY,
	NUM_WRONG
};
static const struct {
	const char *name;
	tern_error error;
} wrongs[NUM_WRONG] = {
	[WRONG_CONTEXT] = {"another context", TERN_ERROR_ILLEGAL_PARAMETER},
	[WRONG_CERTIFICATE] = {"certificate that is cut", TERN_ERROR_DECODE},
	[WRONG_SIGNATURE] = {"wrong signature", TERN_ERROR_BAD_SIGNATURE},
	[WRONG_FINISHED] = {"wrong Finished", TERN_ERROR_BAD_FINISHED},
	[NO_SIGNATURE] = {"no CertificateVerify", TERN_ERROR_UNEXPECTED_MESSAGE},
	[UPDATE_BETWEEN] = {"KeyUpdate in between", TERN_ERROR_UNEXPECTED_MESSAGE},
	[CERTIFICATE_TWICE] = {"Certificate twice", TERN_ERROR_UNEXPECTED_MESSAGE},
	[FINISHED_TWICE] = {"Finished twice", TERN_ERROR_UNEXPECTED_MESSAGE},
	[VERIFY_AFTER] = {"CertificateVerify behind", TERN_ERROR_UNEXPECTED_MESSAGE},
	[SIGNED_EMPTY] = {"CertificateVerify without Certificate", TERN_ERROR_UNEXPECTED_MESSAGE},
};

/* The client's answer, taken from what it would send. */
static struct flight take_answer(struct pair *p)
{
	struct flight f;
	pair_collect(p, SERVER);
	while (p->num_queued)
		assert_true(pair_carry(p));
	p->num_queued = 0;
	assert_non_null(after_of(p, CLIENT)->posts);
	f = after_of(p, CLIENT)->posts->flight;
	assert_int_equal(f.num_messages, 3);
	after_of(p, CLIENT)->send_seq -= 3;
	return f;
}

static void say_part(struct pair *p, const struct outgoing *m, enum wrong wrong)
{
	uint8_t body[512];
	size_t n = m->body.n;
	assert_true(n <= sizeof body);
	memcpy(body, m->body.p, n);
	if (wrong == WRONG_CONTEXT && m->type == CERTIFICATE)
		body[1] ^= 1;
	if (wrong == WRONG_CERTIFICATE && m->type == CERTIFICATE)
		n--;
	if ((wrong == WRONG_SIGNATURE && m->type == CERTIFICATE_VERIFY) ||
	    (wrong == WRONG_FINISHED && m->type == FINISHED))
		body[n - 1] ^= 1;
	say(p, SERVER, m->type, body, n);
	if (wrong == UPDATE_BETWEEN && m->type == CERTIFICATE)
		say(p, SERVER, KEY_UPDATE, "\0", 1);
	if ((wrong == CERTIFICATE_TWICE && m->type == CERTIFICATE) || (wrong == FINISHED_TWICE && m->type == FINISHED))
		say(p, SERVER, m->type, body, n);
}

static bool nothing_on_the_wire(struct pair *p, struct datagram_on_wire *d)
{
	(void)p;
	return d->to == CLIENT;
}

static void answers_that_are_wrong(void **state)
{
	(void)state;
	for (int wrong = 0; wrong < NUM_WRONG; wrong++) {
		struct pair p;
		struct flight f;
		start(&p, &(struct setting){0});
		p.tap = nothing_on_the_wire;
		OK(ask(&p, TERN_CLIENT_AUTH_REQUIRED));
		f = take_answer(&p);
		for (unsigned i = 0; i < 3; i++)
			if (!(wrong == NO_SIGNATURE && i == 1) && !(wrong == SIGNED_EMPTY && i == 0) &&
			    p.side[SERVER].error == TERN_OK)
				say_part(&p, &f.messages[i], (enum wrong)wrong);
		if (wrong == VERIFY_AFTER)
			say_part(&p, &f.messages[1], VERIFY_AFTER);
		check_is(wrongs[wrong].name, p.side[SERVER].error, wrongs[wrong].error);
		if (pair_saw(&p, SERVER, TERN_EVENT_AUTHENTICATED) !=
		    (wrong == FINISHED_TWICE || wrong == VERIFY_AFTER))
			fail_msg("%s: authenticated, or not", wrongs[wrong].name);
		pair_free(&p);
	}
}

/* Without memory it ends in that error, and nothing is left behind. */
static void memory_runs_out(void **state)
{
	bool whole = false;
	(void)state;
	for (size_t at = 1; !whole; at++) {
		struct count_heap h = {0};
		tern_allocator heap = count_heap_allocator(&h);
		struct pair p;
		tern_error error;
		start_with(&p, &(struct setting){.cert_kib = 1, .mtu = 400}, &heap);
		h.fail_at = h.allocs + at;
		error = ask(&p, TERN_CLIENT_AUTH_REQUIRED);
		pair_settle(&p);
		whole = h.allocs < h.fail_at;
		if (whole)
			expect_proof(&p, "memory");
		for (int i = 0; i < 2; i++)
			if (p.side[i].error != TERN_OK && p.side[i].error != TERN_ERROR_NO_MEMORY &&
			    p.side[i].error != TERN_ERROR_BUDGET && p.side[i].error != TERN_ERROR_PEER_ALERT)
				fail_msg("allocation %zu: %s", at, tern_error_name(p.side[i].error));
		assert_true(error == TERN_OK || error == TERN_ERROR_NO_MEMORY || error == TERN_ERROR_BUDGET);
		assert_true(at < 60);
		pair_free(&p);
		assert_int_equal(h.blocks, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_proves_itself_as_often_as_asked),
		cmocka_unit_test(verdict_is_the_configs),
		cmocka_unit_test(client_without_a_certificate_declines),
		cmocka_unit_test(who_may_not_ask),
		cmocka_unit_test(one_request_at_a_time),
		cmocka_unit_test(contexts_differ),
		cmocka_unit_test(chain_is_shown_until_the_caller_comes_back),
		cmocka_unit_test(long_chain_over_a_small_mtu),
		cmocka_unit_test(raw_key_after_the_handshake),
		cmocka_unit_test(costs_memory_only_while_it_runs_and_where_it_is_wanted),
		cmocka_unit_test(data_flows_while_an_answer_is_awaited),
		cmocka_unit_test(refusals_that_come_late),
		cmocka_unit_test(answer_after_the_end_is_refused),
		cmocka_unit_test(key_updates_cross),
		cmocka_unit_test(every_datagram_and_every_pair_may_be_lost),
		cmocka_unit_test(answer_acknowledges_the_request),
		cmocka_unit_test(messages_that_nobody_asked_for),
		cmocka_unit_test(request_to_a_client_that_did_not_offer),
		cmocka_unit_test(requests_that_are_wrong),
		cmocka_unit_test(several_requests_wait),
		cmocka_unit_test(answers_that_are_wrong),
		cmocka_unit_test(memory_runs_out),
	};
	return cmocka_run_group_tests(tests, load_signer_of_b, free_signer);
}
