/* What a connection tells, exports and keeps, and how long its datagrams and records are. RFC 6347 4.1.1, 4.1.1.1, RFC
 * 9147 4.3, 4.4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/kdf.h>

#include "usual_pair.h"

#define S UINT64_C(1000000000)

/* ---- what others can compute too ---- */

static void prf_of_openssl(uint8_t *out, size_t n, const uint8_t *secret, size_t secret_len, const uint8_t *seed,
			   size_t seed_len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	char sha256[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, (void *)(uintptr_t)secret, secret_len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (void *)(uintptr_t)seed, seed_len),
		OSSL_PARAM_construct_end(),
	};
	assert_int_equal(EVP_KDF_derive(ctx, out, n, params), 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

static char line[256];
static unsigned lines;

static void keylog(void *user, const tern_conn *conn, const char *text)
{
	(void)user;
	assert_non_null(conn);
	lines++;
	snprintf(line, sizeof line, "%s", text);
}

static void bytes_of_hex(uint8_t *out, const char *hex, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned v;
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
		out[i] = (uint8_t)v;
	}
}

/* The key log's master secret and the hellos on the wire give the exporter's value by OpenSSL's PRF: RFC 5705 4. */
static void export_and_keylog(void **state)
{
	static const char label[] = "EXTRACTOR-dtls_srtp";
	struct pair p;
	tern_config *c[2];
	uint8_t random[64], master[48], seed[256], want[60], got[60];
	struct outcome o;
	size_t n;
	(void)state;
	usual_configs(c);
	lines = 0;
	OK(tern_config_set_keylog(c[CLIENT], keylog, NULL));
	connect_pair(&p, c);
	assert_int_equal(lines, 1);
	assert_int_equal(strlen(line), 14 + 64 + 1 + 96);
	assert_memory_equal(line, "CLIENT_RANDOM ", 14);
	bytes_of_hex(random, line + 14, 32);
	bytes_of_hex(master, line + 14 + 64 + 1, 48);
	agreed_outcome(&p.side[SERVER].conn->agreed, &provider_libcrypto, &o);
	assert_memory_equal(random, o.client_random, 32);
	memcpy(random + 32, o.server_random, 32);
	n = sizeof label - 1;
	memcpy(seed, label, n);
	memcpy(seed + n, random, 64);
	n += 64;
	prf_of_openssl(want, sizeof want, master, 48, seed, n);
	OK(tern_conn_export(p.side[SERVER].conn, got, sizeof got, label, NULL, 0));
	assert_memory_equal(got, want, sizeof want);
	memcpy(seed + n, "\0\3abc", 5); /* with a context */
	prf_of_openssl(want, sizeof want, master, 48, seed, n + 5);
	OK(tern_conn_export(p.side[CLIENT].conn, got, sizeof got, label, (const uint8_t *)"abc", 3));
	assert_memory_equal(got, want, sizeof want);
	memcpy(seed + n, "\0\0", 2); /* an empty one is not none */
	prf_of_openssl(want, sizeof want, master, 48, seed, n + 2);
	OK(tern_conn_export(p.side[CLIENT].conn, got, sizeof got, label, (const uint8_t *)"", 0));
	assert_memory_equal(got, want, sizeof want);
	pair_free(&p);
}

static void info(void **state)
{
	struct pair p;
	tern_info c, s;
	uint8_t digest[32];
	unsigned n;
	(void)state;
	connected_pair(&p);
	c = pair_info(&p, CLIENT);
	s = pair_info(&p, SERVER);
	assert_int_equal(c.version, TERN_DTLS12);
	assert_true(c.connected && !c.closed && !c.resumed && c.peer_authenticated && c.extended_master_secret);
	assert_true(s.connected && !s.peer_authenticated && !s.has_peer_fingerprint);
	assert_string_equal(c.suite, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
	assert_string_equal(c.group, "secp256r1");
	assert_string_equal(c.scheme, "ecdsa_secp256r1_sha256");
	assert_int_equal(c.group_id, 23);
	assert_int_equal(c.scheme_id, 0x0403);
	assert_true(c.has_peer_fingerprint);
	assert_int_equal(X509_digest(leaf.x, EVP_sha256(), digest, &n), 1);
	assert_memory_equal(c.peer_fingerprint, digest, 32);
	assert_string_equal(s.server_name, "a.test");
	assert_string_equal(c.alpn, "");
	assert_int_equal(c.mtu, 1200);
	assert_int_equal(c.datagrams_sent, 3); /* two hellos, one flight */
	assert_int_equal(s.datagrams_received, 2);
	assert_int_equal(c.retransmissions, 0);
	for (size_t i = 0; i < TERN_NUM_DROPS; i++)
		assert_int_equal(c.dropped[i] + s.dropped[i], 0);
	pair_free(&p);
}

/* ---- sessions ---- */

static void bad_sessions(void **state)
{
	struct pair p;
	uint8_t session[TERN_SESSION_MAX], bad[TERN_SESSION_MAX + 1];
	size_t n;
	(void)state;
	connected_pair(&p);
	OK(tern_conn_session(p.side[CLIENT].conn, session, sizeof session, &n));
	memcpy(bad, session, n);
	bad[n] = 0;
	pair_hang_up(&p);
	for (size_t len = 0; len <= n + 1; len++) {
		uint8_t *exact = malloc(len ? len : 1);
		if (len)
			memcpy(exact, bad, len);
		pair_dial(&p, "a.test", span_of(exact, len));
		check_is("cut", p.side[CLIENT].error, len == n ? TERN_OK : TERN_ERROR_BAD_SESSION);
		free(exact);
		pair_hang_up(&p);
	}
	for (size_t i = 0; i < n; i++) {
		/* Each byte wrong: refused, ignored, or a handshake that does not resume or fails; never a crash. */
		bad[i] ^= 0x55;
		pair_dial(&p, "a.test", span_of(bad, n));
		if (p.side[CLIENT].conn && i % 7 == 0)
			pair_settle(&p);
		else if (!p.side[CLIENT].conn)
			check_is("changed", p.side[CLIENT].error, TERN_ERROR_BAD_SESSION);
		bad[i] ^= 0x55;
		pair_hang_up(&p);
	}
	pair_free(&p);
}

/* ---- MTU ---- */

static size_t longest;

static bool measure(struct pair *p, struct datagram_on_wire *d)
{
	if (p->side[SERVER].conn && d->n > longest)
		longest = d->n;
	return true;
}

static void mtu_holds(void **state)
{
	static const uint16_t mtus[] = {96, 97, 128, 200, 256, 512, 576, 1000};
	(void)state;
	for (size_t i = 0; i < NUM(mtus); i++) {
		struct pair p;
		tern_config *c[2];
		usual_configs(c);
		pair_init(&p, c[CLIENT], c[SERVER]);
		p.tap = measure;
		pair_dial(&p, "a.test", span_of(NULL, 0));
		while (!p.side[SERVER].conn)
			assert_true(pair_carry(&p));
		for (int k = 0; k < 2; k++)
			OK(tern_conn_set_mtu(p.side[k].conn, mtus[i]));
		longest = 0;
		pair_settle(&p);
		assert_true(pair_connected(&p));
		if (longest > mtus[i])
			fail_msg("MTU %u: %zu bytes", mtus[i], longest);
		assert_int_equal(tern_conn_max_data(p.side[CLIENT].conn),
				 mtus[i] - tern_conn_overhead(p.side[CLIENT].conn));
		pair_check_data(&p, "small MTU");
		pair_free(&p);
	}
}

static unsigned lose;

static bool lose_some(struct pair *p, struct datagram_on_wire *d)
{
	bool lost = d->to == CLIENT && p->side[SERVER].conn && p->side[SERVER].conn->state == CONN_OPEN && lose > 0;
	lose -= lost;
	return !lost;
}

/* Limits on records are no limits on datagrams: a timeout does not confuse the two. */
static void record_limit_is_no_mtu(void **state)
{
	struct pair p;
	tern_config *c[2];
	tern_limits limits = {.size = sizeof limits, .max_fragment_length = 512};
	(void)state;
	usual_configs(c);
	OK(tern_config_set_limits(c[CLIENT], &limits));
	pair_init(&p, c[CLIENT], c[SERVER]);
	lose = 1;
	p.tap = lose_some;
	pair_dial(&p, "a.test", span_of(NULL, 0));
	pair_run(&p, 20 * S);
	assert_true(pair_connected(&p));
	assert_int_equal(lose, 0);
	assert_int_equal(pair_info(&p, CLIENT).mtu, 1200);
	assert_int_equal(tern_conn_max_data(p.side[CLIENT].conn), 512);
	pair_free(&p);
}

/* Nothing of the server's arrives for ten seconds. */
static bool lose_answers(struct pair *p, struct datagram_on_wire *d)
{
	return d->to != CLIENT || p->now.mono_ns >= *(const uint64_t *)p->user;
}

/* A flight that is lost over and over makes the MTU suspect, unless media of that size is going the same way. */
static void loss_and_mtu(void **state)
{
	static const struct {
		const char *policy;
		tern_protocol version;
		bool lowered;
	} cases[] = {
		{"default", TERN_DTLS12, true},
		{"default", TERN_DTLS13, true},
		{"webrtc", TERN_DTLS12, false},
		{"webrtc", TERN_DTLS13, false},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct pair p;
		tern_config *c[2];
		uint64_t until;
		usual_configs(c);
		for (enum role who = CLIENT; who <= SERVER; who++) {
			OK(tern_config_set_policy(c[who], cases[i].policy));
			OK(tern_config_set_versions(c[who], cases[i].version, cases[i].version));
		}
		pair_init(&p, c[CLIENT], c[SERVER]);
		until = p.now.mono_ns + 10 * S;
		p.user = &until;
		p.tap = lose_answers;
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_accept(&p);
		pair_run(&p, 60 * S);
		assert_true(pair_connected(&p));
		if ((pair_info(&p, SERVER).mtu < 1200) != cases[i].lowered)
			fail_msg("%s, %x: %u", cases[i].policy, cases[i].version, pair_info(&p, SERVER).mtu);
		assert_int_equal(pair_info(&p, CLIENT).mtu, 1200);
		pair_free(&p);
	}
}

/* The MTU may shrink while the last flight waits. */
static void mtu_shrinks_at_the_end(void **state)
{
	struct pair p;
	tern_config *c[2];
	(void)state;
	usual_configs(c);
	pair_init(&p, c[CLIENT], c[SERVER]);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	while (!pair_saw(&p, SERVER, TERN_EVENT_CONNECTED))
		assert_true(pair_carry(&p));
	OK(tern_conn_set_mtu(p.side[SERVER].conn, 200));
	for (int i = 0; i < 9; i++) {
		uint8_t out[200];
		size_t n;
		OK(tern_conn_take(p.side[SERVER].conn, out, sizeof out, &n, p.now));
		if (!n)
			break;
		pair_feed(&p, CLIENT, out, n);
	}
	assert_true(pair_connected(&p));
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(export_and_keylog),	  cmocka_unit_test(info),
		cmocka_unit_test(bad_sessions),		  cmocka_unit_test(mtu_holds),
		cmocka_unit_test(record_limit_is_no_mtu), cmocka_unit_test(loss_and_mtu),
		cmocka_unit_test(mtu_shrinks_at_the_end),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
