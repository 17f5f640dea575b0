/* Jobs: answered well, badly, late, twice, for another id, or never; the peer meanwhile repeats itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pair.h"

#define S UINT64_C(1000000000)

static struct cert root, server_cert, client_cert;

static int make_certs(void **state)
{
	(void)state;
	cert_make(&root, &(struct cert_options){.name = "root", .ca = true});
	cert_make(&server_cert, &(struct cert_options){.issuer = &root, .san = "DNS:a.test"});
	cert_make(&client_cert, &(struct cert_options){.issuer = &root});
	return 0;
}

static int free_certs(void **state)
{
	(void)state;
	cert_free(&root);
	cert_free(&server_cert);
	cert_free(&client_cert);
	certs_cleanup();
	return 0;
}

/* What the callbacks do: note the question and wait. */
static struct {
	unsigned asked;
	uint64_t job;
	uint8_t tbs[64];
	size_t tbs_len;
	EVP_PKEY *key;
	tern_error at_once;
} desk;

static tern_error wait_verify(void *user, tern_conn *conn, uint64_t job, const tern_bytes *chain, size_t n, bool raw)
{
	(void)user;
	(void)conn;
	(void)chain;
	(void)n;
	(void)raw;
	desk.asked++;
	desk.job = job;
	return desk.at_once;
}

static tern_error wait_sign(void *user, tern_conn *conn, uint64_t job, uint16_t scheme, const uint8_t *tbs,
			    size_t tbs_len, uint8_t *signature, size_t cap, size_t *len)
{
	(void)user;
	(void)conn;
	(void)signature;
	(void)cap;
	(void)len;
	assert_int_equal(scheme, 0x0403);
	assert_int_equal(tbs_len, 32);
	desk.asked++;
	desk.job = job;
	memcpy(desk.tbs, tbs, tbs_len);
	desk.tbs_len = tbs_len;
	return desk.at_once;
}

static tern_error wait_psk(void *user, tern_conn *conn, uint64_t job, const uint8_t *identity, size_t identity_len,
			   const uint8_t *hint, size_t hint_len, tern_psk *answer)
{
	(void)user;
	(void)conn;
	(void)identity;
	(void)identity_len;
	(void)hint;
	(void)hint_len;
	(void)answer;
	desk.asked++;
	desk.job = job;
	return desk.at_once;
}

static tern_error wait_get(void *user, tern_conn *conn, uint64_t job, const uint8_t *id, size_t id_len, uint8_t *out,
			   size_t cap, size_t *len)
{
	(void)user;
	(void)conn;
	(void)id;
	(void)id_len;
	(void)out;
	(void)cap;
	*len = 0;
	desk.asked++;
	desk.job = job;
	return desk.at_once;
}

static uint8_t shelf[TERN_SESSION_MAX];
static size_t shelf_len;

static void shelf_put(void *user, const uint8_t *id, size_t id_len, const uint8_t *session, size_t len, int64_t expires)
{
	(void)user;
	(void)id;
	(void)id_len;
	(void)expires;
	memcpy(shelf, session, len);
	shelf_len = len;
}

static void shelf_del(void *user, const uint8_t *id, size_t id_len)
{
	(void)user;
	(void)id;
	(void)id_len;
}

/* ---- the kinds of jobs, each at the side that is asked ---- */

enum kind { CLIENT_VERIFY, SERVER_VERIFY, SERVER_SIGN, CLIENT_SIGN, SERVER_PSK, CLIENT_PSK, SERVER_SESSION, NUM_KINDS };

static const struct {
	const char *name;
	enum role asked;
	tern_job_kind job;
	tern_error refusal, want; /* an answer, and what it comes to at this side */
	uint8_t alert;
} kinds[NUM_KINDS] = {
	{"client verifies", CLIENT, TERN_JOB_VERIFY, TERN_ERROR_CERTIFICATE_REJECTED, TERN_ERROR_CERTIFICATE_REJECTED,
	 46},
	{"server verifies", SERVER, TERN_JOB_VERIFY, TERN_ERROR_FINGERPRINT, TERN_ERROR_FINGERPRINT, 42},
	{"server signs", SERVER, TERN_JOB_SIGN, TERN_ERROR_CRYPTO, TERN_ERROR_CRYPTO, 80},
	{"client signs", CLIENT, TERN_JOB_SIGN, TERN_ERROR_CRYPTO, TERN_ERROR_CRYPTO, 80},
	{"server looks for a PSK", SERVER, TERN_JOB_PSK, TERN_ERROR_UNKNOWN_PSK_IDENTITY,
	 TERN_ERROR_UNKNOWN_PSK_IDENTITY, 115},
	{"client looks for a PSK", CLIENT, TERN_JOB_PSK, TERN_ERROR_UNKNOWN_PSK_IDENTITY,
	 TERN_ERROR_UNKNOWN_PSK_IDENTITY, 115},
	{"server looks for a session", SERVER, TERN_JOB_SESSION, TERN_ERROR_CRYPTO, TERN_OK, 0},
};

static tern_config *psk_config(bool callback)
{
	tern_config *config = new_config(NULL);
	if (callback)
		OK(tern_config_set_psk(config, wait_psk, NULL));
	else
		OK(tern_config_add_psk(config, "me", 2, "our secret", 10));
	return config;
}

static void signer(tern_config *config, const struct cert *c, bool waits)
{
	if (waits)
		OK(tern_config_add_signer(config, c->pem, c->pem_len, wait_sign, NULL));
	else
		add_cert(config, c);
	desk.key = c->pkey;
}

static void make_configs(enum kind kind, tern_config **client, tern_config **server)
{
	static const tern_session_store store = {wait_get, shelf_put, shelf_del, NULL};
	if (kind == SERVER_PSK || kind == CLIENT_PSK) {
		*client = psk_config(kind == CLIENT_PSK);
		*server = psk_config(kind == SERVER_PSK);
		return;
	}
	*client = new_config(NULL);
	*server = new_config(NULL);
	add_trust(*client, &root);
	add_trust(*server, &root);
	signer(*client, &client_cert, kind == CLIENT_SIGN);
	if (kind != CLIENT_SIGN)
		signer(*server, &server_cert, kind == SERVER_SIGN);
	else
		add_cert(*server, &server_cert);
	OK(tern_config_set_client_auth(*server, TERN_CLIENT_AUTH_REQUIRED));
	if (kind == CLIENT_VERIFY)
		OK(tern_config_set_verify(*client, wait_verify, NULL));
	if (kind == SERVER_VERIFY)
		OK(tern_config_set_verify(*server, wait_verify, NULL));
	if (kind == SERVER_SESSION) {
		OK(tern_config_set_tickets(*server, false));
		OK(tern_config_set_session_store(*server, &store));
	}
}

/* Up to the point where the job is asked. */
static void start(struct pair *p, enum kind kind)
{
	tern_config *client, *server;
	struct span session = {NULL, 0};
	uint8_t room[TERN_SESSION_MAX];
	memset(&desk, 0, sizeof desk);
	desk.at_once = TERN_PENDING;
	make_configs(kind, &client, &server);
	pair_init(p, client, server);
	if (kind == SERVER_SESSION) {
		size_t n;
		pair_dial(p, "a.test", session);
		pair_run(p, 10 * S);
		assert_true(pair_connected(p));
		OK(tern_conn_session(p->side[CLIENT].conn, room, sizeof room, &n));
		session = span_of(room, n);
		pair_hang_up(p);
	}
	pair_dial(p, "a.test", session);
	pair_settle(p);
	if (desk.asked != 1 || p->side[kinds[kind].asked].num_events != 1 ||
	    p->side[kinds[kind].asked].events[0] != TERN_EVENT_PENDING)
		fail_msg("%s: asked %u times", kinds[kind].name, desk.asked);
	assert_int_equal(p->side[kinds[kind].asked].job, desk.job);
	assert_int_equal(p->side[kinds[kind].asked].job_kind, kinds[kind].job);
}

static tern_error answer(struct pair *p, enum kind kind, uint64_t job, tern_error error)
{
	struct side *s = &p->side[kinds[kind].asked];
	uint8_t signature[512];
	tern_psk psk = {.identity_len = 2, .key_len = 10, .identity = "me", .key = "our secret"};
	tern_answer a = {.error = error};
	tern_error result;
	if (kinds[kind].job == TERN_JOB_SIGN && error == TERN_OK) {
		EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(desk.key, NULL);
		a.len = sizeof signature;
		assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
		assert_int_equal(EVP_PKEY_sign(ctx, signature, &a.len, desk.tbs, desk.tbs_len), 1);
		EVP_PKEY_CTX_free(ctx);
		a.data = signature;
	}
	if (kinds[kind].job == TERN_JOB_SESSION && error == TERN_OK) {
		a.data = shelf;
		a.len = shelf_len;
	}
	a.psk = &psk;
	result = tern_conn_resume(s->conn, job, &a, p->now);
	if (result != TERN_ERROR_USAGE)
		pair_events(p, kinds[kind].asked);
	return result;
}

static void answered_well(void **state)
{
	(void)state;
	for (int k = 0; k < NUM_KINDS; k++) {
		struct pair p;
		start(&p, (enum kind)k);
		p.now.mono_ns += S / 10;
		check_is(kinds[k].name, answer(&p, (enum kind)k, desk.job, TERN_OK), TERN_OK);
		check_is(kinds[k].name, answer(&p, (enum kind)k, desk.job, TERN_OK), TERN_ERROR_USAGE); /* twice */
		pair_settle(&p);
		if (!pair_connected(&p))
			fail_msg("%s: not connected without a retransmission", kinds[k].name);
		check_is(kinds[k].name, answer(&p, (enum kind)k, desk.job, TERN_OK), TERN_ERROR_USAGE); /* late */
		assert_int_equal(desk.asked, 1);
		assert_int_equal(pair_info(&p, SERVER).resumed, k == SERVER_SESSION);
		pair_check_data(&p, kinds[k].name);
		pair_free(&p);
	}
}

static void answered_with_an_error(void **state)
{
	(void)state;
	for (int k = 0; k < NUM_KINDS; k++) {
		struct pair p;
		struct side *asked, *other;
		start(&p, (enum kind)k);
		asked = &p.side[kinds[k].asked];
		other = &p.side[kinds[k].asked == CLIENT ? SERVER : CLIENT];
		check_is(kinds[k].name, answer(&p, (enum kind)k, desk.job, kinds[k].refusal), kinds[k].want);
		pair_settle(&p);
		check_is(kinds[k].name, tern_conn_failure(asked->conn).error, kinds[k].want);
		if (kinds[k].want == TERN_OK) {
			assert_true(pair_connected(&p));
		} else {
			check_is(kinds[k].name, other->error, TERN_ERROR_PEER_ALERT);
			assert_int_equal(tern_conn_failure(other->conn).alert, kinds[k].alert);
			assert_false(pair_info(&p, kinds[k].asked).peer_authenticated);
		}
		pair_free(&p);
	}
}

/* An application that answers with what is no verdict ends the connection all the same, and the peer hears of it. */
static void answered_with_nonsense(void **state)
{
	static const tern_error nonsense[] = {TERN_ERROR_USAGE, TERN_ERROR_BAD_PEM, TERN_ERROR_NOT_CONNECTED,
					      TERN_ERROR_PEER_ALERT, TERN_ERROR_TIMEOUT};
	(void)state;
	for (int k = 0; k < NUM_KINDS; k++) {
		for (size_t i = 0; i < NUM(nonsense); i++) {
			struct pair p;
			struct side *asked, *other;
			if (kinds[k].want == TERN_OK)
				continue;
			start(&p, (enum kind)k);
			asked = &p.side[kinds[k].asked];
			other = &p.side[kinds[k].asked == CLIENT ? SERVER : CLIENT];
			if (answer(&p, (enum kind)k, desk.job, nonsense[i]) == TERN_OK)
				fail_msg("%s: %s is taken for a yes", kinds[k].name, tern_error_name(nonsense[i]));
			pair_settle(&p);
			if (tern_conn_failure(asked->conn).error == TERN_OK ||
			    !tern_conn_failure(asked->conn).alert_sent)
				fail_msg("%s: %s is no failure", kinds[k].name, tern_error_name(nonsense[i]));
			check_is(kinds[k].name, other->error, TERN_ERROR_PEER_ALERT);
			pair_free(&p);
		}
		if (kinds[k].want != TERN_OK) {
			struct pair p;
			tern_config *client, *server;
			memset(&desk, 0, sizeof desk);
			desk.at_once = TERN_ERROR_USAGE;
			make_configs((enum kind)k, &client, &server);
			pair_init(&p, client, server);
			pair_dial(&p, "a.test", span_of(NULL, 0));
			pair_settle(&p);
			check_is(kinds[k].name, p.side[kinds[k].asked == CLIENT ? SERVER : CLIENT].error,
				 TERN_ERROR_PEER_ALERT);
			pair_free(&p);
		}
	}
}

/* PENDING is no answer; nor is one without contents. */
static void unusable_answers_change_nothing(void **state)
{
	(void)state;
	for (int k = 0; k < NUM_KINDS; k++) {
		struct pair p;
		struct side *s;
		tern_psk empty = {.identity_len = 2, .key_len = 0, .identity = "me"};
		start(&p, (enum kind)k);
		s = &p.side[kinds[k].asked];
		check_is(kinds[k].name, answer(&p, (enum kind)k, desk.job + 1, TERN_OK), TERN_ERROR_USAGE);
		check_is(kinds[k].name, answer(&p, (enum kind)k, 0, TERN_OK), TERN_ERROR_USAGE);
		check_is(kinds[k].name, answer(&p, (enum kind)k, desk.job, TERN_PENDING), TERN_ERROR_USAGE);
		check_is(kinds[k].name, tern_conn_resume(s->conn, desk.job, NULL, p.now), TERN_ERROR_USAGE);
		if (kinds[k].job == TERN_JOB_PSK) {
			tern_answer a = {.error = TERN_OK};
			check_is(kinds[k].name, tern_conn_resume(s->conn, desk.job, &a, p.now), TERN_ERROR_USAGE);
			a.psk = &empty;
			check_is(kinds[k].name, tern_conn_resume(s->conn, desk.job, &a, p.now), TERN_ERROR_USAGE);
		}
		check_is(kinds[k].name, answer(&p, (enum kind)k, desk.job, TERN_OK), TERN_OK);
		pair_settle(&p);
		assert_true(pair_connected(&p));
		pair_free(&p);
	}
}

static unsigned sent_by_asked;
static enum role watched;

static bool count_sent(struct pair *p, struct datagram_on_wire *d)
{
	(void)p;
	sent_by_asked += d->to != watched;
	return true;
}

/* Silence while the answer is awaited: no retransmissions of ours, no second job when the peer repeats itself; then the
 * deadline of the handshake. */
static void never_answered(void **state)
{
	(void)state;
	for (int k = 0; k < NUM_KINDS; k++) {
		struct pair p;
		uint64_t from;
		start(&p, (enum kind)k);
		watched = kinds[k].asked;
		sent_by_asked = 0;
		p.tap = count_sent;
		from = p.now.mono_ns;
		while (p.side[watched].error == TERN_OK && pair_wait(&p, from + 200 * S))
			pair_settle(&p);
		check_is(kinds[k].name, p.side[watched].error, TERN_ERROR_TIMEOUT);
		assert_int_equal(p.now.mono_ns - from, 120 * S);
		if (desk.asked != 1 || sent_by_asked)
			fail_msg("%s: asked %u times, sent %u datagrams", kinds[k].name, desk.asked, sent_by_asked);
		check_is(kinds[k].name, answer(&p, (enum kind)k, desk.job, TERN_OK), TERN_ERROR_USAGE);
		pair_free(&p);
	}
}

/* A long wait costs nothing but time. */
static void answered_after_the_peer_repeated_itself(void **state)
{
	(void)state;
	for (int k = 0; k < NUM_KINDS; k++) {
		struct pair p;
		uint64_t from;
		start(&p, (enum kind)k);
		from = p.now.mono_ns;
		while (pair_wait(&p, from + 20 * S))
			pair_settle(&p);
		check_is(kinds[k].name, answer(&p, (enum kind)k, desk.job, TERN_OK), TERN_OK);
		pair_run(&p, 20 * S);
		if (!pair_connected(&p) || desk.asked != 1)
			fail_msg("%s: not connected", kinds[k].name);
		pair_free(&p);
	}
}

static void freed_while_pending(void **state)
{
	(void)state;
	for (int k = 0; k < NUM_KINDS; k++) {
		struct pair p;
		start(&p, (enum kind)k);
		pair_free(&p);
	}
}

static void closed_while_pending(void **state)
{
	(void)state;
	for (int k = 0; k < NUM_KINDS; k++) {
		struct pair p;
		start(&p, (enum kind)k);
		OK(tern_conn_close(p.side[kinds[k].asked].conn, p.now));
		check_is(kinds[k].name, answer(&p, (enum kind)k, desk.job, TERN_OK), TERN_ERROR_USAGE);
		pair_settle(&p);
		check_is(kinds[k].name, p.side[kinds[k].asked == CLIENT ? SERVER : CLIENT].error,
			 TERN_ERROR_PEER_ALERT);
		pair_free(&p);
	}
}

/* An event does not outlive its job: who answers before looking gets no event for a job that is over. */
static void no_event_for_an_answered_job(void **state)
{
	struct pair p;
	struct side *s;
	tern_event e;
	uint64_t first;
	tern_config *client = new_config(NULL), *server = new_config(NULL);
	tern_answer yes = {.error = TERN_OK};
	(void)state;
	memset(&desk, 0, sizeof desk);
	desk.at_once = TERN_PENDING;
	OK(tern_config_set_verify(client, wait_verify, NULL));
	signer(client, &client_cert, true);
	add_cert(server, &server_cert);
	add_trust(server, &root);
	OK(tern_config_set_client_auth(server, TERN_CLIENT_AUTH_REQUIRED));
	pair_init(&p, client, server);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	pair_settle(&p);
	s = &p.side[CLIENT];
	first = desk.job;
	OK(tern_conn_resume(s->conn, first, &yes, p.now)); /* and the signature is asked for */
	assert_int_equal(desk.asked, 2);
	assert_int_not_equal(desk.job, first);
	yes.error = TERN_ERROR_CRYPTO;
	check_is("sign", tern_conn_resume(s->conn, desk.job, &yes, p.now), TERN_ERROR_CRYPTO);
	check_is("next", tern_conn_next(s->conn, &e, p.now), TERN_ERROR_CRYPTO);
	assert_int_equal(e.kind, TERN_EVENT_NONE);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answered_well),
		cmocka_unit_test(answered_with_an_error),
		cmocka_unit_test(answered_with_nonsense),
		cmocka_unit_test(unusable_answers_change_nothing),
		cmocka_unit_test(never_answered),
		cmocka_unit_test(answered_after_the_peer_repeated_itself),
		cmocka_unit_test(freed_while_pending),
		cmocka_unit_test(closed_while_pending),
		cmocka_unit_test(no_event_for_an_answered_job),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
