/* src/handshake/psk13.c: PSKs and tickets of DTLS 1.3, offered, taken up, or passed over (RFC
 * 8446 4.2.9, 4.2.11, 4.6.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/stub/stub.h"
#include "pair.h"
#include "wire/messages13.h"

#define LONG_TIME (UINT64_C(300) * 1000000000)
#define KEY "0123456789abcdef"

static tern_config *side13(void)
{
	tern_config *config = new_config13(NULL);
	OK(config_set_provider(config, &provider_stub));
	return config;
}

static void add_psk(tern_config *config, const char *identity, const char *key)
{
	OK(tern_config_add_psk(config, identity, strlen(identity), key, strlen(key)));
}

static void show_certificate(tern_config *server)
{
	OK(tern_config_add_keypair(server, "E a.test", 8, "E a.test", 8));
}

static void trust_certificate(tern_config *client)
{
	OK(tern_config_add_trust(client, "E a.test", 8));
}

static void dial(struct pair *p, struct span session)
{
	pair_dial(p, "a.test", session);
	pair_run(p, LONG_TIME);
}

static void check_connected(struct pair *p, const char *name)
{
	if (!pair_connected(p))
		fail_msg("%s: not connected: client %s, server %s", name, tern_error_name(p->side[CLIENT].error),
			 tern_error_name(p->side[SERVER].error));
	pair_check_data(p, name);
}

static size_t take_session(struct pair *p, uint8_t session[TERN_SESSION_MAX])
{
	size_t n;
	OK(tern_conn_session(p->side[CLIENT].conn, session, TERN_SESSION_MAX, &n));
	pair_hang_up(p);
	return n;
}

/* A ServerHello loses its last extension, pre_shared_key. */
static bool forget_psk(struct pair *p, struct datagram_on_wire *d)
{
	enum { HELLO = 25, EXTENSIONS = HELLO + 2 + 32 + 1 + 2 + 1, PSK_LEN = 6 };
	static const uint8_t extension[PSK_LEN] = {0, 41, 0, 2, 0, 0};
	size_t end = 13 + ((size_t)d->bytes[11] << 8 | d->bytes[12]);
	(void)p;
	if (d->to != CLIENT || d->bytes[0] != CONTENT_HANDSHAKE || d->bytes[13] != 2)
		return true;
	assert_memory_equal(d->bytes + end - PSK_LEN, extension, PSK_LEN);
	memmove(d->bytes + end - PSK_LEN, d->bytes + end, d->n - end);
	d->n -= PSK_LEN;
	d->bytes[12] -= PSK_LEN; /* record, message, fragment, extensions: all shorter than 256 */
	d->bytes[16] -= PSK_LEN;
	d->bytes[24] -= PSK_LEN;
	d->bytes[EXTENSIONS + 1] -= PSK_LEN;
	return true;
}

/* It has asked for none and could judge none: RFC 8446 4.2.3. */
static void client_without_certificates_takes_none(void **state)
{
	tern_config *client = side13(), *server = side13();
	struct pair p;
	(void)state;
	add_psk(client, "one", KEY);
	add_psk(server, "one", KEY);
	show_certificate(server);
	OK(tern_config_set_groups(client, "x25519"));
	OK(tern_config_set_groups(server, "x25519"));
	OK(tern_config_set_cookie(server, false));
	pair_init(&p, client, server);
	p.tap = forget_psk;
	dial(&p, span_of(NULL, 0));
	check_is("client", p.side[CLIENT].error, TERN_ERROR_MISSING_EXTENSION);
	pair_free(&p);
}

/* ---- which one is used ---- */

static void server_takes_the_first_it_knows(void **state)
{
	(void)state;
	for (int cookie = 0; cookie < 2; cookie++) {
		tern_config *client = side13(), *server = side13();
		struct pair p;
		add_psk(client, "one", "another key");
		add_psk(client, "two", "yet another");
		add_psk(client, "three", KEY);
		add_psk(server, "three", KEY);
		OK(tern_config_set_cookie(server, cookie));
		pair_init(&p, client, server);
		dial(&p, span_of(NULL, 0));
		check_connected(&p, "third");
		for (int i = 0; i < 2; i++) {
			tern_info info = pair_info(&p, (enum role)i);
			assert_int_equal(info.psk_identity_len, 5);
			assert_memory_equal(info.psk_identity, "three", 5);
			assert_true(info.peer_authenticated);
			assert_false(info.resumed);
		}
		pair_free(&p);
	}
}

static void wrong_key_is_a_wrong_binder(void **state)
{
	(void)state;
	for (int cookie = 0; cookie < 2; cookie++) {
		tern_config *client = side13(), *server = side13();
		struct pair p;
		add_psk(client, "id", KEY);
		add_psk(server, "id", "not that one");
		show_certificate(server);
		OK(tern_config_set_cookie(server, cookie));
		pair_init(&p, client, server);
		dial(&p, span_of(NULL, 0));
		check_is("server", p.side[SERVER].error, TERN_ERROR_BAD_BINDER);
		check_is("client", p.side[CLIENT].error, TERN_ERROR_PEER_ALERT);
		assert_int_equal(tern_conn_failure(p.side[CLIENT].conn).alert, 51);
		pair_free(&p);
	}
}

/* The hello in place: its two identities made one by the length of the first, or its two binders. */
static bool merges_binders;

static bool merge_two(struct pair *p, struct datagram_on_wire *d)
{
	static const uint8_t identities[] = {0, 3, 'o', 'n', 'e', 0, 0, 0, 0, 0, 3, 't', 'w', 'o', 0, 0, 0, 0};
	size_t n = sizeof identities;
	(void)p;
	for (size_t i = 0; d->to == SERVER && i + n + 3 < d->n; i++) {
		if (memcmp(d->bytes + i, identities, n) != 0)
			continue;
		if (merges_binders)
			d->bytes[i + n + 2] = 32 + 1 + 32;
		else
			d->bytes[i + 1] = (uint8_t)(n - 2 - 4);
	}
	return true;
}

static void as_many_binders_as_identities(void **state)
{
	(void)state;
	for (int binders = 0; binders < 2; binders++) {
		tern_config *client = side13(), *server = side13();
		struct pair p;
		add_psk(client, "one", KEY);
		add_psk(client, "two", KEY);
		add_psk(server, "one", KEY);
		OK(tern_config_set_groups(client, "x25519")); /* a hello in one datagram */
		OK(tern_config_set_cookie(server, false));
		merges_binders = binders;
		pair_init(&p, client, server);
		p.tap = merge_two;
		dial(&p, span_of(NULL, 0));
		check_is("server", p.side[SERVER].error, TERN_ERROR_ILLEGAL_PARAMETER);
		pair_free(&p);
	}
}

static void unknown_identity(void **state)
{
	static const struct {
		const char *name;
		bool shows, trusts;
		tern_error error;
	} cases[] = {
		{"nothing else", false, false, TERN_ERROR_UNKNOWN_PSK_IDENTITY},
		{"client could judge a certificate", false, true, TERN_ERROR_UNKNOWN_PSK_IDENTITY},
		{"server could show a certificate", true, false, TERN_ERROR_MISSING_EXTENSION},
		{"certificate instead", true, true, TERN_OK},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		tern_config *client = side13(), *server = side13();
		struct pair p;
		add_psk(client, "nobody", KEY);
		add_psk(server, "id", KEY);
		if (cases[i].shows)
			show_certificate(server);
		if (cases[i].trusts)
			trust_certificate(client);
		pair_init(&p, client, server);
		dial(&p, span_of(NULL, 0));
		check_is(cases[i].name, p.side[SERVER].error, cases[i].error);
		if (cases[i].error == TERN_OK)
			check_connected(&p, cases[i].name);
		pair_free(&p);
	}
}

/* An external PSK goes with SHA-256, whatever suite the server likes best; a retry must not come between. */
static void suite_goes_with_the_psk(void **state)
{
	static const char list[] = "TLS_AES_256_GCM_SHA384,TLS_CHACHA20_POLY1305_SHA256,TLS_AES_128_GCM_SHA256";
	(void)state;
	for (int i = 0; i < 8; i++) {
		tern_config *client = side13(), *server = side13();
		struct pair p;
		if (i & 4)
			OK(tern_config_set_groups(client, "x25519,secp384r1"));
		if (i & 4)
			OK(tern_config_set_groups(server, "secp384r1"));
		OK(tern_config_set_suites(client, list));
		OK(tern_config_set_suites(server, list));
		OK(tern_config_set_cookie(server, i & 1));
		add_psk(client, "id", KEY);
		if (i & 2)
			add_psk(client, "other", KEY);
		add_psk(server, i & 2 ? "other" : "id", KEY);
		pair_init(&p, client, server);
		dial(&p, span_of(NULL, 0));
		check_connected(&p, "SHA-256");
		assert_string_equal(pair_info(&p, SERVER).suite, "TLS_CHACHA20_POLY1305_SHA256");
		pair_free(&p);
	}
}

static void psk_without_key_exchange_only_where_both_allow_it(void **state)
{
	static const struct {
		const char *name;
		const char *client_groups, *server_groups;
		bool allowed, cookie, connects, without;
	} cases[] = {
		{"a group is shared", "x25519", "x25519", true, true, true, false},
		{"no group is shared, allowed", "x25519", "secp384r1", true, false, true, true},
		{"no group is shared, allowed, cookie", "x25519", "secp384r1", true, true, true, true},
		{"the client has no group, allowed", NULL, "secp384r1", true, false, true, true},
		{"the client has no group, allowed, cookie", NULL, "secp384r1", true, true, true, true},
		{"the server has no group, allowed", "x25519", NULL, true, true, true, true},
		{"no group at all", NULL, NULL, true, true, true, true},
		{"no group is shared, not allowed", "x25519", "secp384r1", false, false, false, false},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		tern_config *client = side13(), *server = side13();
		struct pair p;
		add_psk(client, "id", KEY);
		add_psk(server, "id", KEY);
		OK(tern_config_set_groups(client, cases[i].client_groups));
		OK(tern_config_set_groups(server, cases[i].server_groups));
		OK(tern_config_set_psk_ke(client, cases[i].allowed));
		OK(tern_config_set_cookie(server, cases[i].cookie));
		pair_init(&p, client, server);
		dial(&p, span_of(NULL, 0));
		if (cases[i].connects) {
			check_connected(&p, cases[i].name);
			assert_string_equal(pair_info(&p, CLIENT).group, cases[i].without ? "" : "x25519");
		} else {
			assert_false(pair_connected(&p));
			check_is(cases[i].name, p.side[SERVER].error, TERN_ERROR_NO_SHARED_GROUP);
		}
		pair_free(&p);
	}
}

/* ---- the application's ---- */

static struct {
	unsigned asked;
	uint8_t identity[128];
	size_t identity_len;
	tern_error says;
} desk;

static tern_error on_psk(void *user, tern_conn *conn, uint64_t job, const uint8_t *identity, size_t identity_len,
			 const uint8_t *hint, size_t hint_len, tern_psk *answer)
{
	(void)user;
	(void)conn;
	(void)job;
	(void)hint;
	(void)hint_len;
	desk.asked++;
	desk.identity_len = identity_len < sizeof desk.identity ? identity_len : sizeof desk.identity;
	memcpy(desk.identity, identity, desk.identity_len);
	*answer = (tern_psk){.key_len = sizeof KEY - 1, .key = KEY};
	return desk.says;
}

static void application_is_asked_and_may_take_its_time(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		tern_config *client = side13(), *server = side13();
		bool late = i & 1, refuses = i & 4;
		tern_psk psk = {.key_len = sizeof KEY - 1, .key = KEY};
		tern_answer answer = {.error = refuses ? TERN_ERROR_UNKNOWN_PSK_IDENTITY : TERN_OK, .psk = &psk};
		struct pair p;
		memset(&desk, 0, sizeof desk);
		desk.says = late ? TERN_PENDING : answer.error;
		add_psk(client, "id", KEY);
		OK(tern_config_set_psk(server, on_psk, NULL));
		OK(tern_config_set_cookie(server, i & 2));
		pair_init(&p, client, server);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_settle(&p);
		if (late) {
			assert_true(pair_saw(&p, SERVER, TERN_EVENT_PENDING));
			assert_false(pair_connected(&p));
			pair_wait(&p, LONG_TIME); /* the client repeats its hello: no second question */
			pair_settle(&p);
			p.side[SERVER].error =
				tern_conn_resume(p.side[SERVER].conn, p.side[SERVER].job, &answer, p.now);
		}
		pair_run(&p, LONG_TIME);
		assert_int_equal(desk.asked, 1);
		assert_int_equal(desk.identity_len, 2);
		if (refuses) {
			check_is("refused", p.side[SERVER].error, TERN_ERROR_UNKNOWN_PSK_IDENTITY);
			assert_int_equal(tern_conn_failure(p.side[CLIENT].conn).alert, 115);
		} else {
			check_connected(&p, "asked");
		}
		pair_free(&p);
	}
}

/* ---- tickets ---- */

/* The keys of the ticket are gone: what is offered behind it is used, by whoever knows it. */
static void ticket_that_no_longer_opens_falls_back(void **state)
{
	static const struct {
		const char *name;
		bool configured, callback, certificate;
	} cases[] = {
		{"to a configured PSK", true, false, false},
		{"to a PSK of the application", false, true, false},
		{"to a certificate", false, false, true},
	};
	(void)state;
	for (size_t i = 0; i < 2 * NUM(cases); i++) {
		tern_config *client = side13(), *server = side13();
		tern_keyring *ring;
		uint8_t session[TERN_SESSION_MAX];
		struct pair p;
		size_t n, c = i / 2;
		memset(&desk, 0, sizeof desk);
		OK(tern_keyring_new(&ring, NULL, 0));
		OK(tern_config_set_keyring(server, ring));
		OK(tern_config_set_cookie(server, i % 2));
		if (cases[c].certificate) {
			show_certificate(server);
			trust_certificate(client);
		} else {
			add_psk(client, "id", KEY);
		}
		if (cases[c].configured)
			add_psk(server, "id", KEY);
		if (cases[c].callback)
			OK(tern_config_set_psk(server, on_psk, NULL));
		pair_init(&p, client, server);
		dial(&p, span_of(NULL, 0));
		check_connected(&p, cases[c].name);
		n = take_session(&p, session);
		OK(tern_keyring_rotate(ring, NULL, 0));
		dial(&p, span_of(session, n));
		check_connected(&p, cases[c].name);
		assert_true(pair_info(&p, CLIENT).resumed); /* one rotation is no harm */
		pair_hang_up(&p);
		OK(tern_keyring_rotate(ring, NULL, 0));
		dial(&p, span_of(session, n));
		check_connected(&p, cases[c].name);
		assert_false(pair_info(&p, CLIENT).resumed);
		pair_free(&p);
		tern_keyring_free(ring);
	}
}

static void ticket_goes_with_its_hash(void **state)
{
	(void)state;
	for (int cookie = 0; cookie < 2; cookie++) {
		tern_config *client = side13(), *server = side13();
		uint8_t session[TERN_SESSION_MAX];
		struct pair p;
		size_t n;
		tern_pool *all_pool;
		tern_config *all = side13();
		show_certificate(server);
		trust_certificate(client);
		trust_certificate(all);
		OK(tern_config_set_cookie(server, cookie));
		OK(tern_config_set_suites(client, "TLS_AES_256_GCM_SHA384"));
		OK(tern_pool_new(&all_pool, all));
		pair_init(&p, client, server);
		dial(&p, span_of(NULL, 0));
		check_connected(&p, "SHA-384");
		n = take_session(&p, session);
		tern_pool_free(p.side[CLIENT].pool);
		tern_config_free(p.side[CLIENT].config);
		p.side[CLIENT].config = all;
		p.side[CLIENT].pool = all_pool;
		dial(&p, span_of(session, n));
		check_connected(&p, "the server prefers SHA-256");
		assert_true(pair_info(&p, CLIENT).resumed);
		assert_string_equal(pair_info(&p, CLIENT).suite, "TLS_AES_256_GCM_SHA384");
		pair_free(&p);
	}
}

static void ticket_is_for_its_name_and_time(void **state)
{
	static const struct {
		const char *name, *sni;
		int64_t later;
		bool resumed;
	} cases[] = {
		{"at once", "a.test", 0, true},		  {"a second before its end", "a.test", 86399, true},
		{"at its end", "a.test", 86400, false},	  {"long after", "a.test", 10000000, false},
		{"for another name", "b.test", 0, false},
	};
	tern_config *client = side13(), *server = side13();
	uint8_t session[TERN_SESSION_MAX];
	struct pair p;
	size_t n;
	tern_time began;
	(void)state;
	OK(tern_config_add_keypair(server, "E a.test b.test", 15, "E a.test b.test", 15));
	OK(tern_config_add_trust(client, "E a.test b.test", 15));
	pair_init(&p, client, server);
	began = p.now;
	dial(&p, span_of(NULL, 0));
	check_connected(&p, "first");
	n = take_session(&p, session);
	for (size_t i = 0; i < NUM(cases); i++) {
		p.now = began;
		p.now.unix_s += cases[i].later;
		pair_dial(&p, cases[i].sni, span_of(session, n));
		pair_run(&p, LONG_TIME);
		check_connected(&p, cases[i].name);
		if (pair_info(&p, CLIENT).resumed != cases[i].resumed)
			fail_msg("%s: resumed is %d", cases[i].name, !cases[i].resumed);
		pair_hang_up(&p);
	}
	pair_free(&p);
}

/* RFC 8446 4.6.1: at most as long as the server says, at most a week, and 0 not at all. */
static void client_keeps_a_ticket_for_its_lifetime(void **state)
{
	static const struct {
		uint32_t lifetime;
		int64_t seconds; /* 0: no session */
	} cases[] = {{0, 0}, {1, 1}, {3600, 3600}, {604800, 604800}, {604801, 604800}, {UINT32_MAX, 604800}};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		tern_config *client = side13(), *server = side13();
		struct new_session_ticket13 ticket = {.lifetime = cases[i].lifetime,
						      .nonce = span_of("", 0),
						      .ticket = span_of("opaque", 6)};
		uint8_t body[64], blob[TERN_SESSION_MAX];
		tern_limits limits = {.size = sizeof limits, .session_seconds = 604800};
		struct wr w = wr_of(body, sizeof body);
		struct session s;
		struct pair p;
		struct rd r;
		size_t n;
		show_certificate(server);
		trust_certificate(client);
		OK(tern_config_set_limits(client, &limits));
		OK(tern_config_set_tickets(server, false));
		pair_init(&p, client, server);
		dial(&p, span_of(NULL, 0));
		check_connected(&p, "no ticket");
		assert_false(pair_saw(&p, CLIENT, TERN_EVENT_TICKET));
		put_new_session_ticket13(&w, &ticket);
		pair_say(&p, CLIENT, 3, NEW_SESSION_TICKET, (uint16_t)p.side[SERVER].conn->after->send_seq, body, w.n);
		check_is("ticket", p.side[CLIENT].error, TERN_OK);
		assert_int_equal(pair_saw(&p, CLIENT, TERN_EVENT_TICKET), cases[i].seconds > 0);
		if (cases[i].seconds) {
			OK(tern_conn_session(p.side[CLIENT].conn, blob, sizeof blob, &n));
			r = rd_of(span_of(blob, n));
			assert_true(get_session(&r, &s));
			assert_int_equal(s.expires_unix_s - p.now.unix_s, cases[i].seconds);
		}
		pair_free(&p);
	}
}

/* Without PSKs and tickets a client names no PSK modes, and a server sends it no tickets: RFC 8446 4.2.9. */
static void no_tickets_where_a_side_wants_none(void **state)
{
	(void)state;
	for (int who = 0; who < 2; who++) {
		tern_config *config[2] = {side13(), side13()};
		struct pair p;
		show_certificate(config[SERVER]);
		trust_certificate(config[CLIENT]);
		OK(tern_config_set_tickets(config[who], false));
		pair_init(&p, config[CLIENT], config[SERVER]);
		dial(&p, span_of(NULL, 0));
		check_connected(&p, "no tickets");
		pair_settle(&p);
		assert_false(pair_saw(&p, CLIENT, TERN_EVENT_TICKET));
		assert_null(p.side[SERVER].conn->after->posts);
		pair_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_without_certificates_takes_none),
		cmocka_unit_test(server_takes_the_first_it_knows),
		cmocka_unit_test(wrong_key_is_a_wrong_binder),
		cmocka_unit_test(as_many_binders_as_identities),
		cmocka_unit_test(unknown_identity),
		cmocka_unit_test(suite_goes_with_the_psk),
		cmocka_unit_test(psk_without_key_exchange_only_where_both_allow_it),
		cmocka_unit_test(application_is_asked_and_may_take_its_time),
		cmocka_unit_test(ticket_that_no_longer_opens_falls_back),
		cmocka_unit_test(ticket_goes_with_its_hash),
		cmocka_unit_test(ticket_is_for_its_name_and_time),
		cmocka_unit_test(client_keeps_a_ticket_for_its_lifetime),
		cmocka_unit_test(no_tickets_where_a_side_wants_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
