/* Whatever is wrong with a peer's proof: each fault is an error of its own with its own alert, which the other side
 * hears, and nobody is connected. RFC 6347 4.1.2.1, 4.1.2.7, 4.2.7. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "pair.h"
#include "wire/handshake.h"

#define S UINT64_C(1000000000)
#define DAY INT64_C(86400)

static struct cert root, good, intermediate, bad_middle, leaf_as_ca;

static int make_certs(void **state)
{
	(void)state;
	cert_make(&root, &(struct cert_options){.name = "root", .ca = true});
	cert_make(&good, &(struct cert_options){.issuer = &root, .san = "DNS:a.test"});
	cert_make(&intermediate, &(struct cert_options){.name = "middle", .issuer = &root, .ca = true});
	cert_make(&bad_middle, &(struct cert_options){.name = "bad", .issuer = &root, .ca = true, .damaged = true});
	cert_make(&leaf_as_ca, &(struct cert_options){.name = "leaf", .issuer = &intermediate});
	return 0;
}

static int free_certs(void **state)
{
	(void)state;
	cert_free(&root);
	cert_free(&good);
	cert_free(&intermediate);
	cert_free(&bad_middle);
	cert_free(&leaf_as_ca);
	certs_cleanup();
	return 0;
}

/* who: the side that finds the fault. */
static void check_failed(struct pair *p, const char *name, enum role who, tern_error error, uint8_t alert)
{
	enum role other = who == CLIENT ? SERVER : CLIENT;
	tern_failure f = tern_conn_failure(p->side[who].conn), g = tern_conn_failure(p->side[other].conn);
	check_is(name, p->side[who].error, error);
	check_is(name, f.error, error);
	check_is(name, p->side[other].error, TERN_ERROR_PEER_ALERT);
	if (!f.alert_sent || f.alert_received || f.alert != alert)
		fail_msg("%s: alert %u", name, f.alert);
	if (!g.alert_received || g.alert_sent || g.alert != alert)
		fail_msg("%s: the other side heard %u", name, g.alert);
	/* A server whose Finished is wrong has a client's good one. */
	if (pair_saw(p, who, TERN_EVENT_CONNECTED) ||
	    (pair_saw(p, other, TERN_EVENT_CONNECTED) && !(who == CLIENT && error == TERN_ERROR_BAD_FINISHED)))
		fail_msg("%s: connected", name);
	if (pair_info(p, who).peer_authenticated || pair_info(p, who).connected || !pair_info(p, who).closed)
		fail_msg("%s: info tells otherwise", name);
}

struct fault {
	const char *name, *asked; /* asked: server name; NULL: "a.test" */
	struct cert_options cert;
	tern_error error;
	uint8_t alert;
};

static const struct fault faults[] = {
	{"expired",
	 NULL,
	 {.issuer = &root, .san = "DNS:a.test", .from = -9 * DAY, .to = -1},
	 TERN_ERROR_CERTIFICATE_EXPIRED,
	 45},
	{"not yet valid",
	 NULL,
	 {.issuer = &root, .san = "DNS:a.test", .from = 60, .to = 9 * DAY},
	 TERN_ERROR_CERTIFICATE_NOT_YET_VALID,
	 45},
	{"unknown issuer", NULL, {.issuer = NULL, .san = "DNS:a.test"}, TERN_ERROR_CERTIFICATE_UNKNOWN_ISSUER, 48},
	{"no signing key usage",
	 NULL,
	 {.issuer = &root, .san = "DNS:a.test", .key_usage = "keyAgreement"},
	 TERN_ERROR_CERTIFICATE_KEY_USAGE,
	 43},
	{"damaged leaf",
	 NULL,
	 {.issuer = &root, .san = "DNS:a.test", .damaged = true},
	 TERN_ERROR_CERTIFICATE_SIGNATURE,
	 42},
	{"damaged intermediate",
	 NULL,
	 {.issuer = &bad_middle, .san = "DNS:a.test"},
	 TERN_ERROR_CERTIFICATE_SIGNATURE,
	 42},
	{"a leaf as issuer", NULL, {.issuer = &leaf_as_ca, .san = "DNS:a.test"}, TERN_ERROR_CERTIFICATE_KEY_USAGE, 43},
};

static const struct fault server_faults[] = {
	{"another name", "b.test", {.issuer = &root, .san = "DNS:a.test"}, TERN_ERROR_CERTIFICATE_NAME, 42},
	{"a subdomain", "x.a.test", {.issuer = &root, .san = "DNS:a.test"}, TERN_ERROR_CERTIFICATE_NAME, 42},
	{"wildcard one level too high",
	 "x.y.a.test",
	 {.issuer = &root, .san = "DNS:*.a.test"},
	 TERN_ERROR_CERTIFICATE_NAME,
	 42},
	{"leading dot", ".a.test", {.issuer = &root, .san = "DNS:x.a.test"}, TERN_ERROR_CERTIFICATE_NAME, 42},
	{"another address", "127.0.0.2", {.issuer = &root, .san = "IP:127.0.0.1"}, TERN_ERROR_CERTIFICATE_NAME, 42},
	{"an address as a DNS name",
	 "127.0.0.1",
	 {.issuer = &root, .san = "DNS:127.0.0.1"},
	 TERN_ERROR_CERTIFICATE_NAME,
	 42},
	{"another IPv6 address", "::2", {.issuer = &root, .san = "IP:::1"}, TERN_ERROR_CERTIFICATE_NAME, 42},
	{"for clients only",
	 NULL,
	 {.issuer = &root, .san = "DNS:a.test", .extended_key_usage = "clientAuth"},
	 TERN_ERROR_CERTIFICATE_KEY_USAGE,
	 43},
};

static const struct fault client_faults[] = {
	{"for servers only",
	 NULL,
	 {.issuer = &root, .extended_key_usage = "serverAuth"},
	 TERN_ERROR_CERTIFICATE_KEY_USAGE,
	 43},
};

static void one_fault(const struct fault *f, enum role finder)
{
	struct pair p;
	struct cert cert;
	char name[96];
	tern_config *config[2] = {new_config(NULL), new_config(NULL)};
	snprintf(name, sizeof name, "%s, found by the %s", f->name, finder == CLIENT ? "client" : "server");
	cert_make(&cert, &f->cert);
	add_cert(config[finder == CLIENT ? SERVER : CLIENT], &cert);
	if (finder == SERVER)
		add_cert(config[SERVER], &good);
	add_trust(config[CLIENT], &root);
	add_trust(config[SERVER], &root);
	OK(tern_config_set_client_auth(config[SERVER],
				       finder == SERVER ? TERN_CLIENT_AUTH_OPTIONAL : TERN_CLIENT_AUTH_NONE));
	pair_init(&p, config[CLIENT], config[SERVER]);
	pair_dial(&p, f->asked ? f->asked : "a.test", span_of(NULL, 0));
	pair_settle(&p); /* no time passes: the alert comes at once */
	check_failed(&p, name, finder, f->error, f->alert);
	pair_free(&p);
	cert_free(&cert);
}

static void faulty_certificates(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(faults); i++) {
		one_fault(&faults[i], CLIENT);
		one_fault(&faults[i], SERVER);
	}
	for (size_t i = 0; i < NUM(server_faults); i++)
		one_fault(&server_faults[i], CLIENT);
	for (size_t i = 0; i < NUM(client_faults); i++)
		one_fault(&client_faults[i], SERVER);
}

static void matching_names(void **state)
{
	static const struct {
		const char *san, *asked;
	} cases[] = {{"DNS:a.test", "A.TEST"},	    {"DNS:*.a.test", "x.a.test"}, {"IP:127.0.0.1", "127.0.0.1"},
		     {"IP:::1", "0:0:0:0:0:0:0:1"}, {"DNS:a.test", "a.test."},	  {"DNS:b.test,DNS:a.test", "a.test"}};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct pair p;
		struct cert cert;
		tern_config *client = new_config(NULL), *server = new_config(NULL);
		cert_make(&cert, &(struct cert_options){.issuer = &root, .san = cases[i].san});
		add_cert(server, &cert);
		add_trust(client, &root);
		pair_init(&p, client, server);
		pair_dial(&p, cases[i].asked, span_of(NULL, 0));
		pair_settle(&p);
		if (!pair_connected(&p))
			fail_msg("%s for %s: %s", cases[i].san, cases[i].asked, tern_error_name(p.side[CLIENT].error));
		pair_free(&p);
		cert_free(&cert);
	}
}

/* ---- fingerprints ---- */

static void fingerprints(void **state)
{
	static const struct {
		const char *name;
		bool right, trusted;
		tern_error error;
	} cases[] = {
		{"right", true, false, TERN_OK},
		{"wrong", false, false, TERN_ERROR_FINGERPRINT},
		{"right, and an anchor of others", true, true, TERN_OK},
		{"wrong, and an anchor of others", false, true, TERN_ERROR_CERTIFICATE_UNKNOWN_ISSUER},
	};
	struct cert lone;
	char text[TERN_FINGERPRINT_TEXT];
	(void)state;
	cert_make(&lone, &(struct cert_options){.from = -9 * DAY, .to = -1}); /* a pin is about the key alone */
	for (size_t i = 0; i < NUM(cases); i++) {
		struct pair p;
		tern_config *client = new_config(NULL), *server = new_config(NULL);
		cert_fingerprint_text(cases[i].right ? &lone : &good, text);
		OK(tern_config_add_fingerprint(client, text));
		if (cases[i].trusted)
			add_trust(client, &root);
		add_cert(server, &lone);
		pair_init(&p, client, server);
		pair_dial(&p, NULL, span_of(NULL, 0));
		pair_settle(&p);
		if (cases[i].error == TERN_OK)
			assert_true(pair_connected(&p) && pair_info(&p, CLIENT).peer_authenticated);
		else
			check_failed(&p, cases[i].name, CLIENT, cases[i].error,
				     cases[i].error == TERN_ERROR_FINGERPRINT ? 42 : 48);
		pair_free(&p);
	}
	cert_free(&lone);
}

static void raw_keys_that_nobody_pinned(void **state)
{
	struct pair p;
	tern_config *client = new_config(NULL), *server = new_config(NULL);
	char text[TERN_FINGERPRINT_TEXT];
	(void)state;
	cert_fingerprint_text(&good, text); /* of the certificate, which differs from that of the key */
	OK(tern_config_add_fingerprint(client, text));
	add_raw_key(server, &good);
	pair_init(&p, client, server);
	pair_dial(&p, NULL, span_of(NULL, 0));
	pair_settle(&p);
	check_failed(&p, "raw key", CLIENT, TERN_ERROR_FINGERPRINT, 42);
	pair_free(&p);
}

/* RFC 7250 4.2: a fatal unsupported_certificate where the sides share no type of certificate. */
static void no_certificate_type_in_common(void **state)
{
	struct pair p;
	tern_config *client = new_config(NULL), *server = new_config(NULL);
	(void)state;
	add_trust(client, &root); /* takes no raw keys */
	add_raw_key(client, &good);
	add_cert(server, &good);
	add_trust(server, &root);
	OK(tern_config_set_client_auth(server, TERN_CLIENT_AUTH_REQUIRED));
	pair_init(&p, client, server);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	pair_settle(&p);
	check_failed(&p, "raw client key", SERVER, TERN_ERROR_NO_SHARED_CERTIFICATE_TYPE, 43);
	pair_free(&p);
	client = new_config(NULL);
	server = new_config(NULL);
	add_trust(client, &root);
	add_raw_key(server, &good);
	pair_init(&p, client, server);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	pair_settle(&p);
	check_failed(&p, "raw server key", SERVER, TERN_ERROR_NO_SHARED_CERTIFICATE_TYPE, 43);
	pair_free(&p);
}

/* A server that does not know client_certificate_type, and so asks for X.509. */
static bool hide_certificate_type(struct pair *p, struct datagram_on_wire *d)
{
	static const uint8_t extension[] = {0, 19, 0, 2, 1, 2};
	(void)p;
	for (size_t i = 0; d->to == SERVER && i + sizeof extension <= d->n; i++)
		if (memcmp(d->bytes + i, extension, sizeof extension) == 0)
			d->bytes[i] = 0xfa;
	return true;
}

/* Nothing came that could be unsupported. */
static void client_without_what_the_server_asks_for(void **state)
{
	struct pair p;
	tern_config *client = new_config(NULL), *server = new_config(NULL);
	(void)state;
	add_trust(client, &root);
	add_raw_key(client, &good);
	OK(tern_config_set_must_authenticate(client, true));
	add_cert(server, &good);
	add_trust(server, &root);
	OK(tern_config_set_client_auth(server, TERN_CLIENT_AUTH_OPTIONAL));
	pair_init(&p, client, server);
	p.tap = hide_certificate_type;
	pair_dial(&p, "a.test", span_of(NULL, 0));
	pair_settle(&p);
	check_failed(&p, "raw key alone", CLIENT, TERN_ERROR_NO_SHARED_CERTIFICATE_TYPE, 40);
	pair_free(&p);
}

static void no_client_certificate(void **state)
{
	struct pair p;
	tern_config *client = new_config(NULL), *server = new_config(NULL);
	(void)state;
	add_trust(client, &root);
	add_cert(server, &good);
	add_trust(server, &root);
	OK(tern_config_set_client_auth(server, TERN_CLIENT_AUTH_REQUIRED));
	pair_init(&p, client, server);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	pair_settle(&p);
	check_failed(&p, "empty certificate", SERVER, TERN_ERROR_CERTIFICATE_REQUIRED, 40);
	pair_free(&p);
}

static tern_error refuse(void *user, tern_conn *conn, uint64_t job, const tern_bytes *chain, size_t n, bool raw)
{
	(void)conn;
	(void)job;
	assert_int_equal(n, 1);
	assert_true(chain[0].len > 100 && !raw);
	return *(const tern_error *)user;
}

static void callback_refuses(void **state)
{
	static const struct {
		tern_error said, error;
		uint8_t alert;
	} cases[] = {
		{TERN_ERROR_CERTIFICATE_REJECTED, TERN_ERROR_CERTIFICATE_REJECTED, 46},
		{TERN_ERROR_CERTIFICATE_EXPIRED, TERN_ERROR_CERTIFICATE_EXPIRED, 45},
		{TERN_ERROR_CERTIFICATE_UNKNOWN_ISSUER, TERN_ERROR_CERTIFICATE_UNKNOWN_ISSUER, 48},
		{TERN_ERROR_USAGE, TERN_ERROR_CERTIFICATE_REJECTED, 46},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct pair p;
		tern_error said = cases[i].said;
		tern_config *client = new_config(NULL), *server = new_config(NULL);
		OK(tern_config_set_verify(client, refuse, &said));
		add_cert(server, &good);
		pair_init(&p, client, server);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_settle(&p);
		check_failed(&p, tern_error_name(said), CLIENT, cases[i].error, cases[i].alert);
		pair_free(&p);
	}
}

/* ---- signatures and Finished ---- */

static uint8_t damaged_type;
static int damage_at; /* from the end of the message */

/* Changes one byte of a plaintext message that fits a record. */
static bool damage(struct pair *p, struct datagram_on_wire *d)
{
	size_t at = 0;
	(void)p;
	while (at + RECORD12_HEADER + HANDSHAKE_HEADER <= d->n) {
		uint8_t *r = d->bytes + at;
		size_t n = RECORD12_HEADER + (size_t)(r[11] << 8 | r[12]);
		if (r[0] == CONTENT_HANDSHAKE && r[3] == 0 && r[4] == 0 && r[RECORD12_HEADER] == damaged_type)
			r[n - (size_t)damage_at] ^= 1;
		at += n;
	}
	return true;
}

static void bad_signatures(void **state)
{
	static const struct {
		const char *name;
		uint8_t type;
		int at;
		enum role finder;
		tern_error error;
		uint8_t alert;
	} cases[] = {
		{"ServerKeyExchange", SERVER_KEY_EXCHANGE, 1, CLIENT, TERN_ERROR_BAD_SIGNATURE, 51},
		{"ServerKeyExchange, the share", SERVER_KEY_EXCHANGE, 100, CLIENT, TERN_ERROR_BAD_SIGNATURE, 51},
		{"CertificateVerify", CERTIFICATE_VERIFY, 1, SERVER, TERN_ERROR_BAD_SIGNATURE, 51},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct pair p;
		tern_config *client = new_config(NULL), *server = new_config(NULL);
		add_trust(client, &root);
		add_cert(client, &good);
		add_cert(server, &good);
		add_trust(server, &root);
		OK(tern_config_set_client_auth(server, TERN_CLIENT_AUTH_REQUIRED));
		damaged_type = cases[i].type;
		damage_at = cases[i].at;
		pair_init(&p, client, server);
		p.tap = damage;
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_settle(&p);
		check_failed(&p, cases[i].name, cases[i].finder, cases[i].error, cases[i].alert);
		pair_free(&p);
	}
}

/* A Finished under the right keys with the wrong contents: the side that finds it has seen another message. The MTU
 * keeps the keys' datagram apart from that of Finished. */
static void bad_finished(void **state)
{
	(void)state;
	for (int finder = 0; finder < 2; finder++) {
		struct pair p;
		tern_limits limits = {.size = sizeof limits, .mtu = 96};
		tern_config *client = new_config(NULL), *server = new_config(NULL);
		struct tern_conn *conn = NULL;
		OK(tern_config_set_limits(client, &limits));
		OK(tern_config_set_cookie(server, false)); /* whose hello comes in fragments, then */
		add_trust(client, &root);
		add_cert(server, &good);
		pair_init(&p, client, server);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		for (int i = 0; i < 100 && !(conn && conn->records.in.epoch == 1); i++) {
			pair_carry(&p);
			conn = p.side[finder].conn;
		}
		assert_true(conn && conn->hs && conn->state == CONN_HANDSHAKE && conn->records.in.epoch == 1);
		OK(transcript_add(&conn->hs->transcript, HELLO_REQUEST, 9, span_of(NULL, 0), true));
		pair_settle(&p);
		check_failed(&p, finder == CLIENT ? "client" : "server", (enum role)finder, TERN_ERROR_BAD_FINISHED,
			     51);
		pair_free(&p);
	}
}

/* ---- PSK ---- */

static void psk_pair(struct pair *p, const char *suite, const char *key)
{
	tern_config *client = new_config(NULL), *server = new_config(NULL);
	OK(tern_config_add_psk(client, "me", 2, "our secret", 10));
	OK(tern_config_add_psk(server, key ? "me" : "others", key ? 2 : 6, key ? key : "our secret", 10));
	OK(tern_config_set_suites(server, suite));
	pair_init(p, client, server);
	pair_dial(p, NULL, span_of(NULL, 0));
}

static const char *const psk_suites[] = {"TLS_PSK_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256"};

static void unknown_identity(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(psk_suites); i++) {
		struct pair p;
		psk_pair(&p, psk_suites[i], NULL);
		pair_settle(&p);
		check_failed(&p, psk_suites[i], SERVER, TERN_ERROR_UNKNOWN_PSK_IDENTITY, 115);
		pair_free(&p);
	}
}

/* A wrong key makes records that do not open, which are dropped; but when only such Finished come, it is no accident.
 * RFC 4279 2 has an alert for it. */
static void wrong_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(psk_suites); i++) {
		struct pair p;
		uint64_t from;
		psk_pair(&p, psk_suites[i], "not secret");
		from = p.now.mono_ns;
		pair_run(&p, 100 * S);
		check_failed(&p, psk_suites[i], SERVER, TERN_ERROR_BAD_FINISHED, 51);
		if (p.now.mono_ns - from > 10 * S)
			fail_msg("%s: after %u s", psk_suites[i], (unsigned)((p.now.mono_ns - from) / S));
		pair_free(&p);
	}
}

/* Noise on the line is not taken for a wrong key, unless there is nothing else. */
static unsigned spoilt;

static bool spoil_finished(struct pair *p, struct datagram_on_wire *d)
{
	(void)p;
	for (size_t at = 0; at + RECORD12_HEADER <= d->n;) {
		uint8_t *r = d->bytes + at;
		size_t n = RECORD12_HEADER + (size_t)(r[11] << 8 | r[12]);
		if (r[0] == CONTENT_HANDSHAKE && r[4] == 1 && spoilt > 0) {
			r[n - 1] ^= 1;
			spoilt--;
		}
		at += n;
	}
	return true;
}

static void noise_is_no_wrong_key(void **state)
{
	struct pair p;
	(void)state;
	psk_pair(&p, psk_suites[0], "our secret");
	spoilt = 3;
	p.tap = spoil_finished;
	pair_run(&p, 60 * S);
	assert_int_equal(spoilt, 0);
	assert_true(pair_connected(&p));
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faulty_certificates),
		cmocka_unit_test(matching_names),
		cmocka_unit_test(fingerprints),
		cmocka_unit_test(raw_keys_that_nobody_pinned),
		cmocka_unit_test(no_certificate_type_in_common),
		cmocka_unit_test(client_without_what_the_server_asks_for),
		cmocka_unit_test(no_client_certificate),
		cmocka_unit_test(callback_refuses),
		cmocka_unit_test(bad_signatures),
		cmocka_unit_test(bad_finished),
		cmocka_unit_test(unknown_identity),
		cmocka_unit_test(wrong_key),
		cmocka_unit_test(noise_is_no_wrong_key),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
