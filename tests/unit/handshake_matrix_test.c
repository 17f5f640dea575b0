/* Every way to make a DTLS 1.2 handshake that ought to succeed, with real cryptography: both sides connected, in
 * agreement about what was negotiated, and data in both directions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "handshake/keyring.h"
#include "pair.h"

#define LONG_TIME UINT64_C(30000000000)

static struct cert root, leaf[NUM_CERT_KEYS], intermediate, deep, client_cert, other_client;
static const char *const key_names[NUM_CERT_KEYS] = {"P-256", "P-384", "Ed25519", "RSA", "RSA-PSS"};

static int make_certs(void **state)
{
	(void)state;
	cert_make(&root, &(struct cert_options){.name = "root", .ca = true});
	for (int i = 0; i < NUM_CERT_KEYS; i++)
		cert_make(&leaf[i],
			  &(struct cert_options){.key = (enum cert_key)i, .issuer = &root, .san = "DNS:a.test"});
	cert_make(&intermediate, &(struct cert_options){.name = "middle", .issuer = &root, .ca = true});
	cert_make(&deep, &(struct cert_options){.issuer = &intermediate, .san = "DNS:a.test"});
	cert_make(&client_cert, &(struct cert_options){.name = "client", .issuer = &root});
	cert_make(&other_client, &(struct cert_options){.key = CERT_ED25519, .name = "client", .issuer = &root});
	return 0;
}

static int free_certs(void **state)
{
	(void)state;
	cert_free(&root);
	for (int i = 0; i < NUM_CERT_KEYS; i++)
		cert_free(&leaf[i]);
	cert_free(&intermediate);
	cert_free(&deep);
	cert_free(&client_cert);
	cert_free(&other_client);
	certs_cleanup();
	return 0;
}

static tern_config *trusting(void)
{
	tern_config *config = new_config(NULL);
	add_trust(config, &root);
	return config;
}

static tern_config *serving(const struct cert *c)
{
	tern_config *config = new_config(NULL);
	add_cert(config, c);
	return config;
}

/* Both see the same handshake. */
static void check_agreement(struct pair *p, const char *name)
{
	tern_info c, s;
	uint8_t a[32], b[32];
	if (!pair_connected(p))
		fail_msg("%s: not connected: client %s, server %s", name, tern_error_name(p->side[CLIENT].error),
			 tern_error_name(p->side[SERVER].error));
	c = pair_info(p, CLIENT);
	s = pair_info(p, SERVER);
	if (c.suite_id != s.suite_id || c.resumed != s.resumed || strcmp(c.alpn, s.alpn) != 0 ||
	    !c.extended_master_secret || !s.extended_master_secret)
		fail_msg("%s: the sides disagree", name);
	check_is(name, tern_conn_export(p->side[CLIENT].conn, a, 32, "EXPORTER-tern", NULL, 0), TERN_OK);
	check_is(name, tern_conn_export(p->side[SERVER].conn, b, 32, "EXPORTER-tern", NULL, 0), TERN_OK);
	assert_memory_equal(a, b, 32);
	pair_check_data(p, name);
}

static void shake(struct pair *p, const char *name, struct span session)
{
	pair_dial(p, "a.test", session);
	pair_run(p, LONG_TIME);
	check_agreement(p, name);
}

/* ---- suites, keys, groups ---- */

static void one_of_matrix(const struct suite *s, const struct cert *c, const char *group, const char *key)
{
	char name[128];
	struct pair p;
	tern_config *client = new_config(NULL), *server = new_config(NULL);
	snprintf(name, sizeof name, "%s %s %s", s->name, key, group);
	OK(tern_config_set_suites(client, s->name));
	OK(tern_config_set_groups(client, group));
	if (c) {
		add_trust(client, &root);
		add_cert(server, c);
	} else {
		OK(tern_config_add_psk(client, "id", 2, "0123456789abcdef", 16));
		OK(tern_config_add_psk(server, "id", 2, "0123456789abcdef", 16));
	}
	OK(tern_config_set_suites(server, s->name));
	OK(tern_config_set_groups(server, group));
	pair_init(&p, client, server);
	shake(&p, name, span_of(NULL, 0));
	assert_string_equal(pair_info(&p, CLIENT).suite, s->name);
	if (s->ecdhe && strncmp(group, pair_info(&p, CLIENT).group, strlen(pair_info(&p, CLIENT).group)) != 0)
		fail_msg("%s: group is %s", name, pair_info(&p, CLIENT).group);
	if (!pair_info(&p, CLIENT).peer_authenticated)
		fail_msg("%s: the server is not authenticated", name);
	pair_free(&p);
}

static void suites_by_keys_by_groups(void **state)
{
	/* The first is what is measured; the others satisfy RFC 8422 5.1.1 where the key is on that curve. */
	static const char *const groups[] = {"secp256r1,secp384r1", "x25519,secp256r1,secp384r1",
					     "secp384r1,secp256r1"};
	unsigned run = 0;
	(void)state;
	for (size_t i = 0; i < num_suites; i++) {
		for (size_t g = 0; g < NUM(groups) && suites[i].version == VERSION_DTLS12; g++) {
			if (suites[i].auth == AUTH_PSK) {
				one_of_matrix(&suites[i], NULL, groups[g], "PSK");
				run++;
				continue;
			}
			for (int k = 0; k < NUM_CERT_KEYS; k++) {
				static const enum key_type types[] = {KEY_P256, KEY_P384, KEY_ED25519, KEY_RSA,
								      KEY_RSA_PSS};
				if (!suite_fits_key(&suites[i], types[k]))
					continue;
				one_of_matrix(&suites[i], &leaf[k], groups[g], key_names[k]);
				run++;
			}
		}
	}
	assert_int_equal(run, 3 * (5 * 3 + 3 * 2 + 10));
}

/* RFC 8422 5.1.1: no certificate on a curve that the client did not name. */
static void curve_of_the_certificate(void **state)
{
	struct pair p;
	tern_config *client = trusting(), *server = serving(&leaf[CERT_P384]);
	(void)state;
	OK(tern_config_set_groups(client, "x25519"));
	add_cert(server, &leaf[CERT_P256]);
	pair_init(&p, client, server);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	pair_settle(&p);
	check_is("neither", p.side[SERVER].error, TERN_ERROR_NO_SHARED_SUITE);
	check_is("neither", p.side[CLIENT].error, TERN_ERROR_PEER_ALERT);
	pair_free(&p);
	client = trusting();
	server = serving(&leaf[CERT_P384]);
	OK(tern_config_set_groups(client, "x25519,secp256r1"));
	add_cert(server, &leaf[CERT_P256]);
	pair_init(&p, client, server);
	shake(&p, "the second", span_of(NULL, 0));
	pair_free(&p);
}

/* No groups on one of the sides: what is left is plain PSK, however many suites with a key exchange stand before it. */
static void without_groups(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		tern_config *client = trusting(), *server = serving(&leaf[CERT_P256]);
		struct pair p;
		OK(tern_config_add_psk(client, "id", 2, "sixteen bytes...", 16));
		OK(tern_config_add_psk(server, "id", 2, "sixteen bytes...", 16));
		OK(tern_config_set_groups(i ? client : server, NULL));
		pair_init(&p, client, server);
		shake(&p, i ? "client" : "server", span_of(NULL, 0));
		assert_string_equal(pair_info(&p, CLIENT).suite, "TLS_PSK_WITH_AES_128_GCM_SHA256");
		pair_free(&p);
	}
}

/* Every scheme alone on both sides. */
static void schemes_alone(void **state)
{
	static const enum cert_key keys[NUM_KEY_TYPES] = {CERT_P256, CERT_P384, CERT_ED25519, CERT_RSA, CERT_RSA_PSS};
	(void)state;
	for (size_t i = 0; i < num_schemes; i++) {
		struct pair p;
		tern_config *client = trusting(), *server = serving(&leaf[keys[schemes[i].key]]);
		OK(tern_config_set_schemes(client, schemes[i].name));
		pair_init(&p, client, server);
		shake(&p, schemes[i].name, span_of(NULL, 0));
		assert_int_equal(pair_info(&p, CLIENT).scheme_id, schemes[i].id);
		pair_free(&p);
	}
}

/* ---- certificates ---- */

static void client_auth(void **state)
{
	static const struct {
		const char *name;
		tern_client_auth mode;
		const struct cert *cert;
		tern_error server;
		bool authenticated;
	} cases[] = {
		{"none, has one", TERN_CLIENT_AUTH_NONE, &client_cert, TERN_OK, false},
		{"optional, has one", TERN_CLIENT_AUTH_OPTIONAL, &client_cert, TERN_OK, true},
		{"optional, has none", TERN_CLIENT_AUTH_OPTIONAL, NULL, TERN_OK, false},
		{"required, has one", TERN_CLIENT_AUTH_REQUIRED, &client_cert, TERN_OK, true},
		{"required, has Ed25519", TERN_CLIENT_AUTH_REQUIRED, &other_client, TERN_OK, true},
		{"required, has RSA", TERN_CLIENT_AUTH_REQUIRED, &leaf[CERT_RSA], TERN_OK, true},
		{"required, has RSA-PSS", TERN_CLIENT_AUTH_REQUIRED, &leaf[CERT_RSA_PSS], TERN_OK, true},
		{"required, has P-384", TERN_CLIENT_AUTH_REQUIRED, &leaf[CERT_P384], TERN_OK, true},
		{"required, has none", TERN_CLIENT_AUTH_REQUIRED, NULL, TERN_ERROR_CERTIFICATE_REQUIRED, false},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct pair p;
		tern_config *client = trusting(), *server = serving(&leaf[CERT_P256]);
		if (cases[i].cert)
			add_cert(client, cases[i].cert);
		add_trust(server, &root);
		OK(tern_config_set_client_auth(server, cases[i].mode));
		pair_init(&p, client, server);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_run(&p, LONG_TIME);
		check_is(cases[i].name, p.side[SERVER].error, cases[i].server);
		if (cases[i].server == TERN_OK)
			check_agreement(&p, cases[i].name);
		if (pair_info(&p, SERVER).peer_authenticated != cases[i].authenticated)
			fail_msg("%s: peer_authenticated", cases[i].name);
		pair_free(&p);
	}
}

static void chains(void **state)
{
	struct pair p;
	tern_bytes chain[4];
	(void)state;
	pair_init(&p, trusting(), serving(&deep));
	pair_dial(&p, "a.test", span_of(NULL, 0));
	pair_run(&p, LONG_TIME);
	check_agreement(&p, "chain of three");
	/* Leaf and intermediate: the root is the client's. */
	assert_int_equal(p.side[CLIENT].config->num_credentials, 0);
	pair_hang_up(&p);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	for (int i = 0; i < 100 && !pair_saw(&p, CLIENT, TERN_EVENT_CONNECTED); i++) {
		if (tern_conn_peer_chain(p.side[CLIENT].conn, chain, 4) == 2)
			break;
		pair_carry(&p);
	}
	assert_int_equal(tern_conn_peer_chain(p.side[CLIENT].conn, chain, 4), 2);
	assert_int_equal(tern_conn_peer_chain(p.side[CLIENT].conn, chain, 1), 1);
	pair_free(&p);
}

static void raw_public_keys(void **state)
{
	static const struct {
		const char *name;
		bool server_raw, client_raw;
		enum cert_key key;
	} cases[] = {
		{"server", true, false, CERT_P256},
		{"client", false, true, CERT_P256},
		{"both", true, true, CERT_P256},
		{"both, Ed25519", true, true, CERT_ED25519},
		{"both, RSA", true, true, CERT_RSA},
		{"both, P-384", true, true, CERT_P384},
		{"both, RSA-PSS", true, true, CERT_RSA_PSS},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct pair p;
		tern_config *client = new_config(NULL), *server = new_config(NULL);
		(cases[i].server_raw ? add_raw_key : add_cert)(server, &leaf[cases[i].key]);
		(cases[i].client_raw ? add_raw_key : add_cert)(client, &leaf[cases[i].key]);
		OK(tern_config_set_insecure_no_verify(client));
		OK(tern_config_set_insecure_no_verify(server));
		OK(tern_config_set_client_auth(server, TERN_CLIENT_AUTH_REQUIRED));
		pair_init(&p, client, server);
		shake(&p, cases[i].name, span_of(NULL, 0));
		assert_true(pair_info(&p, SERVER).has_peer_fingerprint);
		assert_false(pair_info(&p, SERVER).peer_authenticated);
		pair_free(&p);
	}
}

/* ---- PSK ---- */

static void psk_and_hint(void **state)
{
	static const struct {
		const char *name, *suite, *hint;
	} cases[] = {
		{"plain", "TLS_PSK_WITH_AES_128_GCM_SHA256", NULL},
		{"plain with hint", "TLS_PSK_WITH_AES_128_GCM_SHA256", "here"},
		{"ECDHE", "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256", NULL},
		{"ECDHE with hint", "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256", "here"},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct pair p;
		tern_info info;
		tern_config *client = new_config(NULL), *server = new_config(NULL);
		OK(tern_config_add_psk(client, "one", 3, "key of one", 10));
		OK(tern_config_add_psk(server, "two", 3, "key of two", 10));
		OK(tern_config_add_psk(server, "one", 3, "key of one", 10));
		OK(tern_config_set_suites(server, cases[i].suite));
		if (cases[i].hint)
			OK(tern_config_set_psk_hint(server, cases[i].hint, strlen(cases[i].hint)));
		pair_init(&p, client, server);
		shake(&p, cases[i].name, span_of(NULL, 0));
		info = pair_info(&p, SERVER);
		assert_true(info.peer_authenticated);
		assert_int_equal(info.psk_identity_len, 3);
		assert_memory_equal(info.psk_identity, "one", 3);
		pair_free(&p);
	}
}

/* ---- extensions ---- */

static void alpn(void **state)
{
	static const struct {
		const char *name, *client, *server, *chosen;
		tern_error error;
	} cases[] = {
		{"both", "webrtc,c-webrtc", "c-webrtc", "c-webrtc", TERN_OK},
		{"the server's order", "a,b", "b,a", "b", TERN_OK},
		{"client only", "a", NULL, "", TERN_OK},
		{"server only", NULL, "a", "", TERN_OK},
		{"none in common", "a", "b", "", TERN_ERROR_NO_APPLICATION_PROTOCOL},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct pair p;
		tern_config *client = trusting(), *server = serving(&leaf[CERT_P256]);
		OK(tern_config_set_alpn(client, cases[i].client));
		OK(tern_config_set_alpn(server, cases[i].server));
		pair_init(&p, client, server);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_run(&p, LONG_TIME);
		check_is(cases[i].name, p.side[SERVER].error, cases[i].error);
		check_is(cases[i].name, p.side[CLIENT].error, cases[i].error ? TERN_ERROR_PEER_ALERT : TERN_OK);
		if (cases[i].error)
			assert_int_equal(tern_conn_failure(p.side[CLIENT].conn).alert, 120);
		else
			check_agreement(&p, cases[i].name);
		assert_string_equal(pair_info(&p, CLIENT).alpn, cases[i].chosen);
		pair_free(&p);
	}
}

static void server_names(void **state)
{
	static const struct {
		const char *name, *asked, *seen;
	} cases[] = {
		{"a name", "a.test", "a.test"},
		{"no name", NULL, ""},
		{"an IPv4 literal is not sent", "127.0.0.1", ""},
		{"nor an IPv6 one", "::1", ""},
		{"a trailing dot is not sent", "a.test.", "a.test"},
	};
	static struct cert cert;
	(void)state;
	cert_make(&cert, &(struct cert_options){.issuer = &root, .san = "DNS:a.test,IP:127.0.0.1,IP:::1"});
	for (size_t i = 0; i < NUM(cases); i++) {
		struct pair p;
		pair_init(&p, trusting(), serving(&cert));
		pair_dial(&p, cases[i].asked, span_of(NULL, 0));
		pair_run(&p, LONG_TIME);
		check_agreement(&p, cases[i].name);
		assert_string_equal(pair_info(&p, SERVER).server_name, cases[i].seen);
		pair_free(&p);
	}
	cert_free(&cert);
}

static void record_sizes(void **state)
{
	static const struct {
		const char *name;
		uint16_t client_mfl, client_rsl, server_rsl;
		size_t client_max, server_max; /* of data in a record, the MTU being 1200 */
	} cases[] = {
		{"neither", 0, 0, 0, 1163, 1163},
		{"fragment length 512", 512, 0, 0, 512, 512},
		{"fragment length 1024", 1024, 0, 0, 1024, 1024},
		{"fragment length 4096", 4096, 0, 0, 1163, 1163},
		{"the client's limit", 0, 300, 0, 1163, 300},
		{"the server's alone is not offered", 0, 0, 200, 1163, 1163},
		{"limits on both sides", 0, 300, 200, 200, 300},
		{"smallest limits", 0, 64, 64, 64, 64},
		{"a limit before a fragment length", 512, 700, 600, 600, 700},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct pair p;
		tern_config *client = trusting(), *server = serving(&deep);
		tern_limits cl = {.size = sizeof cl,
				  .max_fragment_length = cases[i].client_mfl,
				  .record_size_limit = cases[i].client_rsl};
		tern_limits sl = {.size = sizeof sl, .record_size_limit = cases[i].server_rsl};
		OK(tern_config_set_limits(client, &cl));
		OK(tern_config_set_limits(server, &sl));
		pair_init(&p, client, server);
		shake(&p, cases[i].name, span_of(NULL, 0));
		if (tern_conn_max_data(p.side[CLIENT].conn) != cases[i].client_max ||
		    tern_conn_max_data(p.side[SERVER].conn) != cases[i].server_max)
			fail_msg("%s: %zu and %zu", cases[i].name, tern_conn_max_data(p.side[CLIENT].conn),
				 tern_conn_max_data(p.side[SERVER].conn));
		pair_free(&p);
	}
}

/* ---- resumption ---- */

static struct span session_of(struct pair *p, uint8_t room[TERN_SESSION_MAX])
{
	size_t n;
	assert_true(pair_saw(p, CLIENT, TERN_EVENT_TICKET));
	OK(tern_conn_session(p->side[CLIENT].conn, room, TERN_SESSION_MAX, &n));
	return span_of(room, n);
}

struct resumption {
	const char *name;
	const char *second_name; /* asked for in the second handshake; NULL: the same */
	int64_t later; /* seconds between */
	unsigned rotations;
	bool other_server; /* another config behind the same keyring, which asks for client certificates */
	bool other_suites; /* neither side's second config has the suite */
	bool other_trust; /* the client's second config verifies otherwise */
	bool resumes, fresh_ticket;
};

static void resume_once(const struct resumption *r)
{
	struct pair p, q;
	tern_keyring *ring;
	uint8_t room[TERN_SESSION_MAX];
	struct span session;
	tern_config *client[2], *server[2];
	OK(tern_keyring_new(&ring, "a secret of thirty-two bytes or so", 34));
	for (int i = 0; i < 2; i++) {
		client[i] = trusting();
		server[i] = serving(&leaf[CERT_P256]);
		OK(tern_config_set_keyring(server[i], ring));
	}
	if (r->other_server) {
		add_trust(server[1], &root);
		OK(tern_config_set_client_auth(server[1], TERN_CLIENT_AUTH_OPTIONAL));
	}
	if (r->other_suites)
		OK(tern_config_set_suites(server[1], "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"));
	if (r->other_trust)
		add_trust(client[1], &intermediate);
	pair_init(&p, client[0], server[0]);
	pair_init(&q, client[1], server[1]);
	shake(&p, r->name, span_of(NULL, 0));
	session = session_of(&p, room);
	for (unsigned i = 0; i < r->rotations; i++)
		OK(tern_keyring_rotate(ring, NULL, 0));
	q.now.unix_s += r->later;
	pair_dial(&q, r->second_name ? r->second_name : "a.test", session);
	pair_run(&q, LONG_TIME);
	if (!r->second_name)
		check_agreement(&q, r->name);
	if (pair_info(&q, CLIENT).resumed != r->resumes)
		fail_msg("%s: resumed: %d", r->name, !r->resumes);
	if (pair_saw(&q, CLIENT, TERN_EVENT_TICKET) != r->fresh_ticket && !r->second_name)
		fail_msg("%s: ticket: %d", r->name, !r->fresh_ticket);
	if (r->resumes) {
		assert_true(pair_info(&q, CLIENT).peer_authenticated);
		assert_memory_equal(pair_info(&q, CLIENT).peer_fingerprint, pair_info(&p, CLIENT).peer_fingerprint, 32);
	}
	pair_free(&p);
	pair_free(&q);
	tern_keyring_free(ring);
}

static void tickets(void **state)
{
	static const struct resumption cases[] = {
		{.name = "at once", .resumes = true},
		{.name = "just before it expires", .later = 86399, .resumes = true},
		{.name = "expired", .later = 86400, .fresh_ticket = true},
		{.name = "for another name", .second_name = "b.test"},
		{.name = "rotated once", .rotations = 1, .resumes = true, .fresh_ticket = true},
		{.name = "rotated twice", .rotations = 2, .fresh_ticket = true},
		{.name = "the server asks for certificates now", .other_server = true, .fresh_ticket = true},
		{.name = "suite not configured any more", .other_suites = true, .fresh_ticket = true},
		{.name = "the client trusts others now", .other_trust = true, .fresh_ticket = true},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++)
		resume_once(&cases[i]);
}

/* A resumed session resumes again, and expires when the first one does. */
static void renewed_tickets_do_not_live_longer(void **state)
{
	struct pair p;
	tern_keyring *ring;
	uint8_t room[TERN_SESSION_MAX];
	struct span session;
	tern_config *server = serving(&leaf[CERT_P256]);
	(void)state;
	OK(tern_keyring_new(&ring, NULL, 0));
	OK(tern_config_set_keyring(server, ring));
	pair_init(&p, trusting(), server);
	shake(&p, "first", span_of(NULL, 0));
	session = session_of(&p, room);
	for (int i = 0; i < 3; i++) {
		pair_hang_up(&p);
		OK(tern_keyring_rotate(ring, NULL, 0));
		p.now.unix_s += 28000;
		shake(&p, "again", session);
		assert_true(pair_info(&p, SERVER).resumed);
		session = session_of(&p, room);
	}
	pair_hang_up(&p);
	p.now.unix_s += 2400;
	shake(&p, "too late", session);
	assert_false(pair_info(&p, SERVER).resumed);
	pair_free(&p);
	tern_keyring_free(ring);
}

struct shelf {
	uint8_t id[32], session[TERN_SESSION_MAX];
	size_t id_len, len;
	unsigned puts;
	int64_t expires_unix_s;
};

static tern_error shelf_get(void *user, tern_conn *conn, uint64_t job, const uint8_t *id, size_t id_len, uint8_t *out,
			    size_t cap, size_t *len)
{
	struct shelf *s = user;
	(void)conn;
	(void)job;
	*len = 0;
	if (id_len == s->id_len && memcmp(id, s->id, id_len) == 0 && s->len <= cap) {
		memcpy(out, s->session, s->len);
		*len = s->len;
	}
	return TERN_OK;
}

static void shelf_put(void *user, const uint8_t *id, size_t id_len, const uint8_t *session, size_t len,
		      int64_t expires_unix_s)
{
	struct shelf *s = user;
	s->expires_unix_s = expires_unix_s;
	memcpy(s->id, id, id_len);
	s->id_len = id_len;
	memcpy(s->session, session, len);
	s->len = len;
	s->puts++;
}

static void shelf_del(void *user, const uint8_t *id, size_t id_len)
{
	(void)user;
	(void)id;
	(void)id_len;
}

static void session_ids(void **state)
{
	struct shelf shelf = {.len = 0};
	tern_session_store store = {shelf_get, shelf_put, shelf_del, &shelf};
	struct pair p;
	uint8_t room[TERN_SESSION_MAX];
	struct span session;
	tern_config *client = trusting(), *server = serving(&leaf[CERT_P256]);
	(void)state;
	OK(tern_config_set_tickets(server, false));
	OK(tern_config_set_session_store(server, &store));
	pair_init(&p, client, server);
	shake(&p, "first", span_of(NULL, 0));
	assert_int_equal(shelf.puts, 1);
	assert_int_equal(shelf.expires_unix_s, NOW_S + 86400);
	session = session_of(&p, room);
	pair_hang_up(&p);
	shake(&p, "by id", session);
	assert_true(pair_info(&p, SERVER).resumed);
	assert_int_equal(shelf.puts, 1);
	pair_hang_up(&p);
	p.now.unix_s += 86401;
	shake(&p, "expired on both sides", session);
	assert_false(pair_info(&p, SERVER).resumed);
	p.now.unix_s -= 86401;
	shelf.len = 0;
	pair_hang_up(&p);
	shake(&p, "forgotten", span_of(room, session.n));
	assert_false(pair_info(&p, SERVER).resumed);
	pair_free(&p);
}

/* PSK sessions bring the identity along. */
static void psk_sessions(void **state)
{
	struct pair p;
	uint8_t room[TERN_SESSION_MAX];
	struct span session;
	tern_config *client = new_config(NULL), *server = new_config(NULL);
	(void)state;
	OK(tern_config_add_psk(client, "one", 3, "key of one", 10));
	OK(tern_config_add_psk(server, "one", 3, "key of one", 10));
	pair_init(&p, client, server);
	shake(&p, "first", span_of(NULL, 0));
	session = session_of(&p, room);
	pair_hang_up(&p);
	shake(&p, "resumed", session);
	assert_true(pair_info(&p, SERVER).resumed);
	assert_true(pair_info(&p, SERVER).peer_authenticated);
	assert_int_equal(pair_info(&p, SERVER).psk_identity_len, 3);
	assert_memory_equal(pair_info(&p, SERVER).psk_identity, "one", 3);
	pair_free(&p);
}

/* An identity too long for a session to hold makes no session: a resumed peer would have no name. */
static void long_identities_are_not_resumed(void **state)
{
	struct pair p;
	uint8_t id[200];
	tern_config *client = new_config(NULL), *server = new_config(NULL);
	(void)state;
	memset(id, 'i', sizeof id);
	OK(tern_config_add_psk(client, id, sizeof id, "key of one", 10));
	OK(tern_config_add_psk(server, id, sizeof id, "key of one", 10));
	pair_init(&p, client, server);
	shake(&p, "long identity", span_of(NULL, 0));
	assert_false(pair_saw(&p, CLIENT, TERN_EVENT_TICKET));
	assert_int_equal(pair_info(&p, SERVER).psk_identity_len, 0);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(suites_by_keys_by_groups),
		cmocka_unit_test(curve_of_the_certificate),
		cmocka_unit_test(without_groups),
		cmocka_unit_test(schemes_alone),
		cmocka_unit_test(client_auth),
		cmocka_unit_test(chains),
		cmocka_unit_test(raw_public_keys),
		cmocka_unit_test(psk_and_hint),
		cmocka_unit_test(alpn),
		cmocka_unit_test(server_names),
		cmocka_unit_test(record_sizes),
		cmocka_unit_test(tickets),
		cmocka_unit_test(renewed_tickets_do_not_live_longer),
		cmocka_unit_test(session_ids),
		cmocka_unit_test(psk_sessions),
		cmocka_unit_test(long_identities_are_not_resumed),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
