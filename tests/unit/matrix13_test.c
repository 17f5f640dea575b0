/* DTLS 1.3 handshakes that work: suites, groups, keys, PSKs, tickets, and the ways to a second hello. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/stub/stub.h"
#include "pair.h"

#define LONG_TIME (UINT64_C(300) * 1000000000)

static struct cert root, leaf[NUM_CERT_KEYS];
static const char *const key_names[NUM_CERT_KEYS] = {"P-256", "P-384", "Ed25519", "RSA", "RSA-PSS"};

static int make_certs(void **state)
{
	(void)state;
	cert_make(&root, &(struct cert_options){.name = "root", .ca = true});
	for (int k = 0; k < NUM_CERT_KEYS; k++)
		cert_make(&leaf[k],
			  &(struct cert_options){.key = (enum cert_key)k, .issuer = &root, .san = "DNS:a.test"});
	return 0;
}

static int free_certs(void **state)
{
	(void)state;
	cert_free(&root);
	for (int k = 0; k < NUM_CERT_KEYS; k++)
		cert_free(&leaf[k]);
	certs_cleanup();
	return 0;
}

static void check_agreement(struct pair *p, const char *name)
{
	tern_info c, s;
	uint8_t a[32], b[32];
	if (!pair_connected(p))
		fail_msg("%s: not connected: client %s, server %s", name, tern_error_name(p->side[CLIENT].error),
			 tern_error_name(p->side[SERVER].error));
	c = pair_info(p, CLIENT);
	s = pair_info(p, SERVER);
	if (c.version != TERN_DTLS13 || s.version != TERN_DTLS13 || c.suite_id != s.suite_id ||
	    c.group_id != s.group_id || c.resumed != s.resumed || strcmp(c.alpn, s.alpn) != 0)
		fail_msg("%s: the sides disagree", name);
	check_is(name, tern_conn_export(p->side[CLIENT].conn, a, 32, "EXPORTER-tern", NULL, 0), TERN_OK);
	check_is(name, tern_conn_export(p->side[SERVER].conn, b, 32, "EXPORTER-tern", (const uint8_t *)"", 0), TERN_OK);
	assert_memory_equal(a, b, 32); /* RFC 8446 7.5: no context is an empty one */
	pair_check_data(p, name);
}

static void shake(struct pair *p, const char *name, struct span session)
{
	pair_dial(p, "a.test", session);
	pair_run(p, LONG_TIME);
	check_agreement(p, name);
}

static size_t take_session(struct pair *p, const char *name, uint8_t session[TERN_SESSION_MAX])
{
	size_t n;
	if (!pair_saw(p, CLIENT, TERN_EVENT_TICKET))
		fail_msg("%s: no ticket", name);
	check_is(name, tern_conn_session(p->side[CLIENT].conn, session, TERN_SESSION_MAX, &n), TERN_OK);
	pair_hang_up(p);
	return n;
}

/* ---- suites by keys by groups, full and resumed, each way to a second hello ---- */

enum retry { NO_RETRY, FOR_COOKIE, FOR_GROUP, FOR_BOTH, NUM_RETRIES };
static const char *const retries[NUM_RETRIES] = {"no retry", "cookie", "group", "cookie and group"};
static const char *const suites13[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
				       "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256",
				       "TLS_AES_128_CCM_8_SHA256"};

static void use_groups(tern_config *client, tern_config *server, const char *group, enum retry retry)
{
	const char *first = strcmp(group, "x25519") ? "x25519" : "secp256r1";
	char list[64];
	snprintf(list, sizeof list, "%s%s%s", retry >= FOR_GROUP ? first : "", retry >= FOR_GROUP ? "," : "", group);
	OK(tern_config_set_groups(client, list));
	OK(tern_config_set_groups(server, group));
	OK(tern_config_set_cookie(server, retry == FOR_COOKIE || retry == FOR_BOTH));
}

static void one_of_matrix(const char *suite, int key, const char *group, enum retry retry)
{
	char name[160];
	uint8_t session[TERN_SESSION_MAX];
	struct pair p;
	size_t n;
	tern_config *client = new_config13(NULL), *server = new_config13(NULL);
	snprintf(name, sizeof name, "%s %s %s %s", suite, key < 0 ? "PSK" : key_names[key], group, retries[retry]);
	OK(tern_config_set_suites(client, suite));
	OK(tern_config_set_suites(server, suite));
	use_groups(client, server, group, retry);
	if (key < 0) {
		OK(tern_config_add_psk(client, "id", 2, "0123456789abcdef", 16));
		OK(tern_config_add_psk(server, "id", 2, "0123456789abcdef", 16));
	} else {
		add_trust(client, &root);
		add_cert(server, &leaf[key]);
	}
	pair_init(&p, client, server);
	shake(&p, name, span_of(NULL, 0));
	assert_string_equal(pair_info(&p, CLIENT).suite, suite);
	assert_string_equal(pair_info(&p, CLIENT).group, group);
	assert_int_equal(p.replies, retry == FOR_COOKIE || retry == FOR_BOTH);
	if (!pair_info(&p, CLIENT).peer_authenticated || pair_info(&p, CLIENT).resumed)
		fail_msg("%s: the server is not authenticated", name);
	n = take_session(&p, name, session);
	shake(&p, name, span_of(session, n));
	assert_string_equal(pair_info(&p, CLIENT).group, group);
	if (!pair_info(&p, CLIENT).peer_authenticated || !pair_info(&p, CLIENT).resumed)
		fail_msg("%s: not resumed", name);
	pair_free(&p);
}

static void suites_by_keys_by_groups_by_retries_full_and_resumed(void **state)
{
	static const char *const groups[] = {"x25519", "secp256r1", "secp384r1"};
	(void)state;
	for (size_t s = 0; s < NUM(suites13); s++)
		for (int retry = 0; retry < NUM_RETRIES; retry++) {
			/* CCM-8 and a PSK for AES-256 have tests of their own. */
			if (strcmp(suites13[s], "TLS_AES_256_GCM_SHA384") != 0)
				one_of_matrix(suites13[s], -1, groups[s % NUM(groups)], (enum retry)retry);
			for (int k = 0; k < NUM_CERT_KEYS; k++)
				one_of_matrix(suites13[s], k, groups[(s + (size_t)k) % NUM(groups)], (enum retry)retry);
		}
}

/* ---- the post-quantum group, with the stub's crypto: hellos in fragments ---- */

static void stub_side(tern_config *config, bool is_server, const char *groups, uint16_t mtu)
{
	tern_limits limits = {.size = sizeof limits, .mtu = mtu};
	OK(config_set_provider(config, &provider_stub));
	OK(tern_config_set_groups(config, groups));
	OK(tern_config_set_limits(config, &limits));
	if (is_server)
		OK(tern_config_add_keypair(config, "E a.test", 8, "E a.test", 8));
	else
		OK(tern_config_add_trust(config, "E a.test", 8));
}

static void hybrid_group_with_hellos_in_fragments(void **state)
{
	static const struct {
		const char *name, *client, *server;
		const char *group;
		uint16_t mtu;
		bool cookie;
	} cases[] = {
		{"preferred", "X25519MLKEM768,x25519", "X25519MLKEM768,x25519", "X25519MLKEM768", 1200, true},
		{"preferred, no cookie", "X25519MLKEM768,x25519", "X25519MLKEM768,x25519", "X25519MLKEM768", 1200,
		 false},
		{"many fragments", "X25519MLKEM768", "X25519MLKEM768", "X25519MLKEM768", 200, true},
		{"many fragments, no cookie", "X25519MLKEM768", "X25519MLKEM768", "X25519MLKEM768", 200, false},
		{"in one datagram", "X25519MLKEM768", "X25519MLKEM768", "X25519MLKEM768", 2000, true},
		{"server without it", "X25519MLKEM768,x25519", "x25519", "x25519", 1200, true},
		{"asked for by the server", "x25519,X25519MLKEM768", "X25519MLKEM768", "X25519MLKEM768", 1200, true},
		{"asked for by the server, no cookie", "x25519,X25519MLKEM768", "X25519MLKEM768", "X25519MLKEM768",
		 1200, false},
		{"server wants a third", "X25519MLKEM768,x25519,secp384r1", "secp384r1", "secp384r1", 1200, true},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		tern_config *client = new_config13(NULL), *server = new_config13(NULL);
		struct pair p;
		stub_side(client, false, cases[i].client, cases[i].mtu);
		stub_side(server, true, cases[i].server, cases[i].mtu);
		OK(tern_config_set_cookie(server, cases[i].cookie));
		pair_init(&p, client, server);
		shake(&p, cases[i].name, span_of(NULL, 0));
		assert_string_equal(pair_info(&p, CLIENT).group, cases[i].group);
		pair_free(&p);
	}
}

/* ---- client certificates ---- */

static void client_authentication(void **state)
{
	static const struct {
		const char *name;
		tern_client_auth mode;
		int key; /* -1: none */
		tern_error error;
		bool authenticated;
	} cases[] = {
		{"not asked for", TERN_CLIENT_AUTH_NONE, CERT_P256, TERN_OK, false},
		{"optional, has one", TERN_CLIENT_AUTH_OPTIONAL, CERT_P384, TERN_OK, true},
		{"optional, has none", TERN_CLIENT_AUTH_OPTIONAL, -1, TERN_OK, false},
		{"required, P-256", TERN_CLIENT_AUTH_REQUIRED, CERT_P256, TERN_OK, true},
		{"required, Ed25519", TERN_CLIENT_AUTH_REQUIRED, CERT_ED25519, TERN_OK, true},
		{"required, RSA", TERN_CLIENT_AUTH_REQUIRED, CERT_RSA, TERN_OK, true},
		{"required, has none", TERN_CLIENT_AUTH_REQUIRED, -1, TERN_ERROR_CERTIFICATE_REQUIRED, false},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		tern_config *client = new_config13(NULL), *server = new_config13(NULL);
		uint8_t session[TERN_SESSION_MAX];
		struct pair p;
		size_t n;
		add_trust(client, &root);
		add_trust(server, &root);
		add_cert(server, &leaf[CERT_P256]);
		if (cases[i].key >= 0)
			add_cert(client, &leaf[cases[i].key]);
		OK(tern_config_set_client_auth(server, cases[i].mode));
		pair_init(&p, client, server);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_run(&p, LONG_TIME);
		check_is(cases[i].name, p.side[SERVER].error, cases[i].error);
		if (cases[i].error != TERN_OK) {
			/* RFC 8446 4.4.2.4 */
			assert_int_equal(tern_conn_failure(p.side[SERVER].conn).alert, 116);
			assert_int_equal(tern_conn_failure(p.side[CLIENT].conn).alert, 116);
			pair_free(&p);
			continue;
		}
		check_agreement(&p, cases[i].name);
		assert_int_equal(pair_info(&p, SERVER).peer_authenticated, cases[i].authenticated);
		n = take_session(&p, cases[i].name, session);
		shake(&p, cases[i].name, span_of(session, n));
		assert_true(pair_info(&p, SERVER).resumed);
		assert_int_equal(pair_info(&p, SERVER).peer_authenticated, cases[i].authenticated);
		pair_free(&p);
	}
}

static void raw_keys_both_ways(void **state)
{
	(void)state;
	for (int cookie = 0; cookie < 2; cookie++) {
		tern_config *client = new_config13(NULL), *server = new_config13(NULL);
		struct pair p;
		add_raw_key(client, &leaf[CERT_P256]);
		add_raw_key(server, &leaf[CERT_ED25519]);
		OK(tern_config_set_insecure_no_verify(client));
		OK(tern_config_set_insecure_no_verify(server));
		OK(tern_config_set_client_auth(server, TERN_CLIENT_AUTH_REQUIRED));
		OK(tern_config_set_cookie(server, cookie));
		pair_init(&p, client, server);
		shake(&p, "raw keys", span_of(NULL, 0));
		assert_true(pair_info(&p, SERVER).has_peer_fingerprint);
		assert_true(pair_info(&p, CLIENT).has_peer_fingerprint);
		pair_free(&p);
	}
}

/* ---- what goes along ---- */

/* RFC 8449 4: in DTLS 1.3 the limit counts the content type too. */
static void record_size_limit_counts_the_content_type(void **state)
{
	static const uint8_t data[1200] = {1};
	tern_config *client = new_config13(NULL), *server = new_config13(NULL);
	tern_limits limits = {.size = sizeof limits, .record_size_limit = 100};
	struct pair p;
	uint8_t out[PAIR_DATAGRAM];
	size_t n;
	(void)state;
	OK(tern_config_set_limits(client, &limits));
	limits.record_size_limit = 200;
	OK(tern_config_set_limits(server, &limits));
	add_trust(client, &root);
	add_cert(server, &leaf[CERT_P256]);
	pair_init(&p, client, server);
	shake(&p, "limits", span_of(NULL, 0));
	for (int i = 0; i < 2; i++) {
		struct side *to = &p.side[!i];
		size_t most = i == CLIENT ? 199 : 99;
		assert_int_equal(tern_conn_max_data(p.side[i].conn), most);
		OK(tern_conn_seal(p.side[i].conn, out, sizeof out, &n, data, most, p.now));
		pair_feed(&p, (enum role) !i, out, n);
		assert_int_equal(to->data_len, most);
		pair_seal(&p, (enum role) !i, CONTENT_APPLICATION_DATA, data, most + 1);
		assert_int_equal(pair_info(&p, (enum role) !i).dropped[TERN_DROP_TOO_LONG], 1);
	}
	pair_free(&p);
}

static void exporter_refuses_what_its_label_cannot_hold(void **state)
{
	tern_config *client = new_config13(NULL), *server = new_config13(NULL);
	char label[251];
	uint8_t out[32], huge[255 * 32 + 1];
	struct pair p;
	(void)state;
	memset(label, 'l', sizeof label);
	label[250] = 0;
	add_trust(client, &root);
	add_cert(server, &leaf[CERT_P256]);
	pair_init(&p, client, server);
	shake(&p, "exporter", span_of(NULL, 0));
	assert_int_equal(tern_conn_export(p.side[CLIENT].conn, out, 32, label, NULL, 0), TERN_ERROR_USAGE);
	OK(tern_conn_export(p.side[CLIENT].conn, out, 32, label + 1, NULL, 0));
	OK(tern_conn_export(p.side[CLIENT].conn, huge, sizeof huge - 1, "EXPORTER-x", NULL, 0));
	assert_int_equal(tern_conn_export(p.side[CLIENT].conn, huge, sizeof huge, "EXPORTER-x", NULL, 0),
			 TERN_ERROR_USAGE);
	pair_free(&p);
}

static void names_and_limits_are_agreed_on(void **state)
{
	tern_config *client = new_config13(NULL), *server = new_config13(NULL);
	tern_limits limits = {.size = sizeof limits, .max_fragment_length = 512};
	struct pair p;
	(void)state;
	OK(tern_config_set_limits(client, &limits));
	OK(tern_config_set_alpn(client, "a,b"));
	OK(tern_config_set_alpn(server, "b,c"));
	add_trust(client, &root);
	add_cert(server, &leaf[CERT_P256]);
	pair_init(&p, client, server);
	shake(&p, "names", span_of(NULL, 0));
	assert_string_equal(pair_info(&p, CLIENT).alpn, "b");
	assert_string_equal(pair_info(&p, SERVER).server_name, "a.test");
	assert_int_equal(tern_conn_max_data(p.side[CLIENT].conn), 512);
	assert_int_equal(tern_conn_max_data(p.side[SERVER].conn), 512);
	pair_free(&p);
}

/* The parts of a ServerHello that came before its last one settled the version are acknowledged with the rest. */
static void parts_of_a_server_hello_are_acknowledged(void **state)
{
	tern_limits limits = {.size = sizeof limits, .mtu = 96};
	tern_config *client = new_config13(NULL), *server = new_config13(NULL);
	const struct acks *acks;
	struct pair p;
	(void)state;
	add_trust(client, &root);
	add_cert(server, &leaf[CERT_P256]);
	OK(tern_config_set_limits(server, &limits));
	OK(tern_config_set_cookie(server, false));
	OK(tern_config_set_groups(client, "secp256r1")); /* whatever else libcrypto has */
	pair_init(&p, client, server);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	while (!p.side[CLIENT].conn->after)
		assert_true(pair_carry(&p));
	acks = &p.side[CLIENT].conn->after->acks;
	assert_int_equal(acks->num, 2);
	assert_int_equal(acks->records[0] >> 48, 0);
	assert_int_equal(acks->records[0] + 1, acks->records[1]);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(suites_by_keys_by_groups_by_retries_full_and_resumed),
		cmocka_unit_test(hybrid_group_with_hellos_in_fragments),
		cmocka_unit_test(client_authentication),
		cmocka_unit_test(raw_keys_both_ways),
		cmocka_unit_test(record_size_limit_counts_the_content_type),
		cmocka_unit_test(exporter_refuses_what_its_label_cannot_hold),
		cmocka_unit_test(names_and_limits_are_agreed_on),
		cmocka_unit_test(parts_of_a_server_hello_are_acknowledged),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
