/* Fingerprints from signalling: src/connection/conn.c (tern_conn_set_fingerprints), config_verify.c, and
 * config_credentials.c (tern_config_make_keypair), with the waiting of src/handshake/authenticate.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "tern/cert.h"
#include "usual_pair.h"

#define S UINT64_C(1000000000)
#define WRONG "sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"

static const tern_protocol versions[] = {TERN_DTLS12, TERN_DTLS13};
static const char *const hashes[] = {"sha-256", "sha-384", "sha-512"};

/* Two sides as WebRTC has them; who each is, by all three hashes. */
struct meeting {
	struct pair p;
	char own[2][TERN_FINGERPRINT_TEXT];
	char text[2][3][256];
};

static void fingerprint_text(char out[256], const char *name, struct span der)
{
	static const char *const digests[] = {"SHA256", "SHA384", "SHA512"};
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	char *at = out + sprintf(out, "%s ", name);
	for (size_t i = 0; i < NUM(hashes); i++)
		if (strcmp(name, hashes[i]) == 0)
			assert_int_equal(EVP_Digest(der.p, der.n, digest, &n, EVP_get_digestbyname(digests[i]), NULL),
					 1);
	for (unsigned i = 0; i < n; i++)
		at += sprintf(at, i ? ":%02X" : "%02X", digest[i]);
}

static void meet(struct meeting *m, tern_protocol version)
{
	tern_config *c[2];
	const tern_time now = {S, 1700000000};
	for (enum role who = CLIENT; who <= SERVER; who++) {
		c[who] = tern_config_new(NULL);
		OK(tern_config_set_policy(c[who], "webrtc"));
		OK(tern_config_set_versions(c[who], version, version));
		OK(tern_config_make_keypair(c[who], m->own[who], now));
		OK(tern_config_set_conn_fingerprints(c[who], true));
		OK(tern_config_set_client_auth(c[who], TERN_CLIENT_AUTH_REQUIRED));
		for (size_t i = 0; i < NUM(hashes); i++)
			fingerprint_text(m->text[who][i], hashes[i], c[who]->credentials[0].chain[0]);
	}
	pair_init(&m->p, c[CLIENT], c[SERVER]);
	pair_dial(&m->p, NULL, span_of(NULL, 0));
	pair_accept(&m->p);
}

static tern_error tell(struct meeting *m, enum role who, const char *list)
{
	tern_error error = tern_conn_set_fingerprints(m->p.side[who].conn, list, m->p.now);
	if (error != TERN_ERROR_USAGE && error != TERN_ERROR_BAD_FINGERPRINT)
		pair_events(&m->p, who);
	return error;
}

static void own_fingerprint_is_as_sdp_has_it(void **state)
{
	struct meeting m = {0};
	(void)state;
	meet(&m, TERN_DTLS13);
	assert_string_equal(m.own[CLIENT], m.text[CLIENT][0]);
	assert_string_not_equal(m.own[CLIENT], m.own[SERVER]);
	assert_int_equal(tern_config_make_keypair(m.p.side[CLIENT].config, m.own[CLIENT], m.p.now), TERN_ERROR_USAGE);
	pair_free(&m.p);
}

/* The names of hash functions, from left to right; "x": a digest that is not the peer's. */
static void known_before(void **state)
{
	static const struct {
		const char *name;
		int right[3]; /* by hash: 0 not named, 1 right, -1 wrong */
		bool accepted;
	} cases[] = {
		{"SHA-256", {1, 0, 0}, true},		{"SHA-384", {0, 1, 0}, true},
		{"SHA-512", {0, 0, 1}, true},		{"all", {1, 1, 1}, true},
		{"wrong", {-1, 0, 0}, false},		{"wrong SHA-512", {0, 0, -1}, false},
		{"weaker one wrong", {-1, 0, 1}, true}, {"stronger one wrong", {1, 0, -1}, false},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases) * 4; i++) {
		tern_protocol version = versions[i & 1];
		enum role judge = i & 2 ? SERVER : CLIENT, peer = judge == CLIENT ? SERVER : CLIENT;
		struct meeting m = {0};
		char list[1024] = "";
		meet(&m, version);
		for (size_t h = 0; h < NUM(hashes); h++) {
			char one[256];
			if (!cases[i / 4].right[h])
				continue;
			strcpy(one, m.text[peer][h]);
			if (cases[i / 4].right[h] < 0)
				one[8] = one[8] == '0' ? '1' : '0';
			snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", list[0] ? "," : "", one);
		}
		OK(tell(&m, judge, list));
		OK(tell(&m, peer, m.text[judge][0]));
		pair_settle(&m.p);
		if (pair_connected(&m.p) != cases[i / 4].accepted)
			fail_msg("%s: %sconnected", cases[i / 4].name, cases[i / 4].accepted ? "not " : "");
		if (!cases[i / 4].accepted)
			check_is(cases[i / 4].name, m.p.side[judge].error, TERN_ERROR_FINGERPRINT);
		else if (!pair_info(&m.p, judge).peer_authenticated)
			fail_msg("%s: not authenticated", cases[i / 4].name);
		pair_free(&m.p);
	}
}

/* Two certificates of the same peer, by the same hash: either will do. */
static void one_of_several(void **state)
{
	struct meeting m = {0};
	char list[512];
	(void)state;
	meet(&m, TERN_DTLS13);
	snprintf(list, sizeof list, "%s,%s", WRONG, m.own[SERVER]);
	OK(tell(&m, CLIENT, list));
	OK(tell(&m, SERVER, m.own[CLIENT]));
	pair_settle(&m.p);
	assert_true(pair_connected(&m.p));
	pair_free(&m.p);
}

/* The certificate is here, and signalling is not: the handshake waits without a retransmission of its own. */
static void known_later(void **state)
{
	(void)state;
	for (size_t i = 0; i < 8; i++) {
		enum role judge = i & 2 ? SERVER : CLIENT, peer = judge == CLIENT ? SERVER : CLIENT;
		bool right = i & 4;
		struct meeting m = {0};
		meet(&m, versions[i & 1]);
		OK(tell(&m, peer, m.own[judge]));
		pair_settle(&m.p);
		assert_false(pair_connected(&m.p));
		assert_true(pair_saw(&m.p, judge, TERN_EVENT_PENDING));
		assert_int_equal(m.p.side[judge].job_kind, TERN_JOB_FINGERPRINT);
		m.p.now.mono_ns += S / 10;
		check_is("later", tell(&m, judge, right ? m.own[peer] : WRONG),
			 right ? TERN_OK : TERN_ERROR_FINGERPRINT);
		pair_settle(&m.p);
		assert_int_equal(pair_connected(&m.p), right);
		assert_int_equal(pair_info(&m.p, judge).retransmissions, 0);
		pair_free(&m.p);
	}
}

/* What waits can be ended by who waits, and by nothing else be talked into trust. */
static void given_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		enum role judge = i & 2 ? SERVER : CLIENT, peer = judge == CLIENT ? SERVER : CLIENT;
		static const tern_answer yes = {.error = TERN_OK}, no = {.error = TERN_ERROR_CERTIFICATE_REJECTED};
		struct meeting m = {0};
		struct side *s = &m.p.side[judge];
		meet(&m, versions[i & 1]);
		OK(tell(&m, peer, m.own[judge]));
		pair_settle(&m.p);
		check_is("yes", tern_conn_resume(s->conn, s->job, &yes, m.p.now), TERN_ERROR_USAGE);
		check_is("no", tern_conn_resume(s->conn, s->job, &no, m.p.now), TERN_ERROR_CERTIFICATE_REJECTED);
		pair_settle(&m.p);
		assert_false(pair_connected(&m.p));
		check_is("after", tell(&m, judge, m.own[peer]), TERN_ERROR_USAGE);
		pair_free(&m.p);
	}
}

static void corrected_before_it_is_judged(void **state)
{
	struct meeting m = {0};
	(void)state;
	meet(&m, TERN_DTLS13);
	OK(tell(&m, CLIENT, WRONG));
	OK(tell(&m, CLIENT, m.own[SERVER]));
	OK(tell(&m, SERVER, m.own[CLIENT]));
	pair_settle(&m.p);
	assert_true(pair_connected(&m.p));
	check_is("connected", tell(&m, CLIENT, m.own[SERVER]), TERN_ERROR_USAGE);
	pair_free(&m.p);
}

static void lists(void **state)
{
	static const struct {
		const char *name, *list;
		tern_error want;
	} cases[] = {
		{"one", WRONG, TERN_OK},
		{"no list", NULL, TERN_ERROR_USAGE},
		{"empty", "", TERN_ERROR_BAD_FINGERPRINT},
		{"comma at the end", WRONG ",", TERN_ERROR_BAD_FINGERPRINT},
		{"comma in front", "," WRONG, TERN_ERROR_BAD_FINGERPRINT},
		{"blank behind the comma", WRONG ", " WRONG, TERN_ERROR_BAD_FINGERPRINT},
		{"SHA-1 beside", WRONG ",sha-1 00", TERN_ERROR_BAD_FINGERPRINT},
		{"eight", WRONG "," WRONG "," WRONG "," WRONG "," WRONG "," WRONG "," WRONG "," WRONG, TERN_OK},
		{"nine", WRONG "," WRONG "," WRONG "," WRONG "," WRONG "," WRONG "," WRONG "," WRONG "," WRONG,
		 TERN_ERROR_USAGE},
	};
	struct meeting m = {0};
	(void)state;
	meet(&m, TERN_DTLS13);
	for (size_t i = 0; i < NUM(cases); i++)
		check_is(cases[i].name, tell(&m, CLIENT, cases[i].list), cases[i].want);
	pair_free(&m.p);
}

static void other_configs_have_none(void **state)
{
	struct pair p;
	tern_config *c[2];
	(void)state;
	usual_configs(c);
	pair_init(&p, c[CLIENT], c[SERVER]);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	check_is("usual", tern_conn_set_fingerprints(p.side[CLIENT].conn, WRONG, p.now), TERN_ERROR_USAGE);
	pair_free(&p);
}

/* A ticket would be good for a connection whose fingerprint nobody has looked at. */
static void nothing_is_resumed(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(versions); i++) {
		uint8_t session[TERN_SESSION_MAX];
		size_t n = 0;
		struct meeting m = {0};
		meet(&m, versions[i]);
		OK(tell(&m, CLIENT, m.own[SERVER]));
		OK(tell(&m, SERVER, m.own[CLIENT]));
		pair_settle(&m.p);
		assert_true(pair_connected(&m.p));
		assert_int_equal(tern_conn_session(m.p.side[CLIENT].conn, session, sizeof session, &n),
				 TERN_ERROR_USAGE);
		pair_free(&m.p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_fingerprint_is_as_sdp_has_it),
		cmocka_unit_test(known_before),
		cmocka_unit_test(one_of_several),
		cmocka_unit_test(known_later),
		cmocka_unit_test(given_up),
		cmocka_unit_test(corrected_before_it_is_judged),
		cmocka_unit_test(lists),
		cmocka_unit_test(other_configs_have_none),
		cmocka_unit_test(nothing_is_resumed),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
