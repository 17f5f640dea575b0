/* src/handshake/negotiate.c: which credential fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "handshake/negotiate.h"
#include "handshake/version.h"
#include "usual_pair.h"

#define LONG_TIME (UINT64_C(300) * 1000000000)

/* The names of a list of authorities: the issuer's own, one that begins alike, one that is cut. */
static struct span names(uint8_t *out, size_t cap, bool alike, bool issuer)
{
	struct wr w = wr_of(out, cap);
	struct span name;
	tern_config *c = new_config(NULL);
	add_cert(c, &leaf);
	assert_true(get_issuer(c->credentials[0].chain[0], &name));
	if (alike) {
		size_t mark = wr_open16(&w);
		wr_bytes(&w, name);
		wr_u8(&w, 0);
		wr_close16(&w, mark);
		wr_vec16(&w, span_of(name.p, name.n - 1));
	}
	if (issuer)
		wr_vec16(&w, name);
	tern_config_free(c);
	assert_true(wr_ok(&w));
	return wr_span(&w);
}

static void issuers(void **state)
{
	static const struct {
		const char *name;
		bool only, alike, issuer, fits;
	} cases[] = {
		{"not asked, none named", false, false, false, true},
		{"not asked, others named", false, true, false, true},
		{"none named", true, false, false, false},
		{"others named", true, true, false, false},
		{"named", true, false, true, true},
		{"named behind others", true, true, true, true},
	};
	tern_config *c = new_config(NULL);
	(void)state;
	add_cert(c, &leaf);
	for (size_t i = 0; i < NUM(cases); i++) {
		uint8_t list[512];
		struct span authorities = names(list, sizeof list, cases[i].alike, cases[i].issuer);
		OK(tern_config_limit_credential(c, NULL, cases[i].only));
		if (issuer_fits(&c->credentials[0], authorities) != cases[i].fits)
			fail_msg("%s", cases[i].name);
	}
	tern_config_free(c);
}

/* A credential's own list comes in place of the config's, in its order. */
static void schemes_of_a_credential(void **state)
{
	static const uint8_t peer[] = {4, 3, 5, 3, 8, 7};
	static const struct {
		const char *list;
		uint16_t chosen;
	} cases[] = {
		{NULL, 0x0403},
		{"ecdsa_secp384r1_sha384,ecdsa_secp256r1_sha256", 0x0503},
		{"ed25519", 0},
	};
	tern_config *c = new_config(NULL);
	(void)state;
	OK(tern_config_set_schemes(c, "ecdsa_secp256r1_sha256,ecdsa_secp384r1_sha384"));
	add_cert(c, &leaf);
	for (size_t i = 0; i < NUM(cases); i++) {
		const struct scheme_alg *scheme;
		OK(tern_config_limit_credential(c, cases[i].list, false));
		scheme = choose_scheme(c, &version12, span_of(peer, sizeof peer), &c->credentials[0]);
		assert_int_equal(scheme ? scheme->id : 0, cases[i].chosen);
	}
	tern_config_free(c);
}

/* A server whose only certificate waits for its issuer to be named says so; with a second one it goes on. */
static void servers(void **state)
{
	static const tern_protocol versions[] = {TERN_DTLS12, TERN_DTLS13};
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		tern_config *c[2];
		struct pair p;
		usual_configs(c);
		OK(tern_config_limit_credential(c[SERVER], NULL, true));
		if (i & 2)
			add_cert(c[SERVER], &leaf);
		for (int who = 0; who < 2; who++)
			OK(tern_config_set_versions(c[who], versions[i & 1], versions[i & 1]));
		pair_init(&p, c[CLIENT], c[SERVER]);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_run(&p, LONG_TIME);
		check_is("server", p.side[SERVER].error, i & 2 ? TERN_OK : TERN_ERROR_NO_SHARED_ISSUER);
		assert_int_equal(pair_connected(&p), (i & 2) != 0);
		pair_free(&p);
	}
}

/* A client whose only certificate waits for its issuer to be named goes on without, unless it must show one. */
static void clients(void **state)
{
	static const tern_protocol versions[] = {TERN_DTLS12, TERN_DTLS13};
	(void)state;
	for (size_t i = 0; i < 8; i++) {
		bool has = i & 2, must = i & 4;
		tern_config *c[2];
		struct pair p;
		usual_configs(c);
		OK(tern_config_set_client_auth(c[SERVER], TERN_CLIENT_AUTH_OPTIONAL));
		add_trust(c[SERVER], &root);
		OK(tern_config_set_must_authenticate(c[CLIENT], must));
		if (has) {
			add_cert(c[CLIENT], &leaf);
			OK(tern_config_limit_credential(c[CLIENT], NULL, true));
		}
		for (int who = 0; who < 2; who++)
			OK(tern_config_set_versions(c[who], versions[i & 1], versions[i & 1]));
		pair_init(&p, c[CLIENT], c[SERVER]);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_run(&p, LONG_TIME);
		check_is("client", p.side[CLIENT].error, has && must ? TERN_ERROR_NO_SHARED_ISSUER : TERN_OK);
		assert_int_equal(pair_connected(&p), !has || !must);
		pair_free(&p);
	}
}

/* RFC 5280 4.1: nothing is read beyond what a certificate, or a part of one, holds. */
static void issuers_of_parts(void **state)
{
	tern_config *c = new_config(NULL);
	struct span whole, name;
	(void)state;
	add_cert(c, &leaf);
	whole = c->credentials[0].chain[0];
	assert_true(get_issuer(whole, &name));
	for (size_t n = 0; n < whole.n; n++)
		if (get_issuer(span_of(whole.p, n), &name))
			fail_msg("%zu of %zu bytes", n, whole.n);
	assert_false(get_issuer(span_of((const uint8_t *)"\x30\x84\0\0\0\1\0", 7), &name));
	assert_false(get_issuer(span_of((const uint8_t *)"\x30\x80\0\0", 4), &name));
	tern_config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(issuers), cmocka_unit_test(schemes_of_a_credential), cmocka_unit_test(servers),
		cmocka_unit_test(clients), cmocka_unit_test(issuers_of_parts),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
