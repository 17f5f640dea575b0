/* Whoever encrypts records, they are the same bytes: each against the other, and in connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/libcrypto/libcrypto.h"
#include "crypto_check.h"
#include "handshake/config.h"
#include "pcg.h"

#undef NUM
#include "usual_pair.h"

#define LONG_TIME (UINT64_C(300) * 1000000000)

static void the_name_decides(void **state)
{
	tern_config *config = new_config(NULL);
	const char *names = tern_record_crypto_names();
	bool first = strncmp(names, PROVIDER_DEFAULT->name, strlen(PROVIDER_DEFAULT->name)) == 0;
	(void)state;
	assert_non_null(strstr(names, "libcrypto"));
	assert_ptr_equal(config->provider, PROVIDER_DEFAULT);
	check_is("libcrypto", tern_config_set_record_crypto(config, "libcrypto"), TERN_OK);
	assert_ptr_equal(config->provider, &provider_libcrypto);
	check_is("the default's name", tern_config_set_record_crypto(config, PROVIDER_DEFAULT->name),
		 first ? TERN_OK : TERN_ERROR_UNKNOWN_NAME);
	check_is("NULL", tern_config_set_record_crypto(config, NULL), TERN_OK);
	assert_ptr_equal(config->provider, PROVIDER_DEFAULT);
	check_is("no name", tern_config_set_record_crypto(config, ""), TERN_ERROR_UNKNOWN_NAME);
	check_is("a list", tern_config_set_record_crypto(config, "ipsec-mb,libcrypto"), TERN_ERROR_UNKNOWN_NAME);
	check_is("the stub", tern_config_set_record_crypto(config, "stub"), TERN_ERROR_UNKNOWN_NAME);
	assert_ptr_equal(config->provider, PROVIDER_DEFAULT);
	tern_config_free(config);
}

/* ---- connections ---- */

static const struct {
	tern_protocol version;
	const char *suite;
} cases[] = {
	{TERN_DTLS12, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
	{TERN_DTLS12, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
	{TERN_DTLS12, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
	{TERN_DTLS12, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM"},
	{TERN_DTLS12, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8"},
	{TERN_DTLS13, "TLS_AES_128_GCM_SHA256"},
	{TERN_DTLS13, "TLS_AES_256_GCM_SHA384"},
	{TERN_DTLS13, "TLS_CHACHA20_POLY1305_SHA256"},
	{TERN_DTLS13, "TLS_AES_128_CCM_SHA256"},
	{TERN_DTLS13, "TLS_AES_128_CCM_8_SHA256"},
};

static void exchange(struct pair *p, const char *name, enum role from, size_t n)
{
	uint8_t data[1100], out[PAIR_DATAGRAM];
	struct side *to = &p->side[!from];
	size_t len;
	for (size_t i = 0; i < n; i++)
		data[i] = (uint8_t)(i * 7 + n);
	check_is(name, tern_conn_seal(p->side[from].conn, out, sizeof out, &len, data, n, p->now), TERN_OK);
	out[len - 1] ^= 1;
	to->data_len = SIZE_MAX;
	pair_feed(p, !from, out, len);
	if (to->data_len != SIZE_MAX || to->error != TERN_OK)
		fail_msg("%s: a forged record was taken", name);
	out[len - 1] ^= 1;
	pair_feed(p, !from, out, len);
	if (to->data_len != n || memcmp(to->data, data, n) != 0)
		fail_msg("%s: %zu bytes did not arrive", name, n);
}

static void check_connection(size_t suite, const char *client, const char *server)
{
	static const size_t lengths[] = {0, 1, 16, 100, 1000, 1100};
	tern_config *c[2];
	struct pair p;
	char name[128];
	snprintf(name, sizeof name, "%s, %s to %s", cases[suite].suite, client, server);
	usual_configs(c);
	for (int role = 0; role < 2; role++) {
		OK(tern_config_set_record_crypto(c[role], role == CLIENT ? client : server));
		OK(tern_config_set_versions(c[role], cases[suite].version, cases[suite].version));
		OK(tern_config_set_suites(c[role], cases[suite].suite));
	}
	pair_init(&p, c[CLIENT], c[SERVER]);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	pair_run(&p, LONG_TIME);
	if (!pair_connected(&p))
		fail_msg("%s: client %s, server %s", name, tern_error_name(p.side[CLIENT].error),
			 tern_error_name(p.side[SERVER].error));
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		exchange(&p, name, CLIENT, lengths[i]);
		exchange(&p, name, SERVER, lengths[i]);
	}
	pair_free(&p);
}

static void each_understands_the_other(void **state)
{
	const char *other = strcmp(tern_record_crypto_names(), "libcrypto") ? PROVIDER_DEFAULT->name : "libcrypto";
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		check_connection(i, other, "libcrypto");
		check_connection(i, "libcrypto", other);
		check_connection(i, other, other);
	}
}

/* ---- against libcrypto ---- */

#define TEXT_MAX 2100

struct sealed {
	uint8_t nonce[AEAD_NONCE], aad[40], text[TEXT_MAX], record[TEXT_MAX + AEAD_TAG_MAX];
	size_t aad_len, n, len;
};

static void random_bytes(struct pcg *r, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)pcg_below(r, 256);
}

static void check_same(struct pcg *r, const struct aead_alg *alg, struct aead_key *one, struct aead_key *two)
{
	static struct sealed s;
	static uint8_t other[TEXT_MAX + AEAD_TAG_MAX];
	uint8_t masks[2][16];
	size_t flip;
	random_bytes(r, s.nonce, sizeof s.nonce);
	random_bytes(r, s.aad, sizeof s.aad);
	s.aad_len = pcg_below(r, sizeof s.aad + 1);
	s.n = pcg_below(r, pcg_below(r, 2) ? 70 : TEXT_MAX + 1);
	s.len = s.n + alg->tag_len;
	random_bytes(r, s.text, s.n);
	memcpy(other, s.text, s.n);
	check_error(alg->name,
		    provider_libcrypto.aead_seal(one, s.nonce, span_of(s.aad, s.aad_len), s.record, s.text, s.n),
		    TERN_OK);
	check_error(alg->name, PROVIDER_DEFAULT->aead_seal(two, s.nonce, span_of(s.aad, s.aad_len), other, other, s.n),
		    TERN_OK);
	check_bytes(alg->name, span_of(other, s.len), span_of(s.record, s.len));
	check_error(alg->name, provider_libcrypto.aead_mask(one, s.record, masks[0]), TERN_OK);
	check_error(alg->name, PROVIDER_DEFAULT->aead_mask(two, s.record, masks[1]), TERN_OK);
	check_bytes(alg->name, span_of(masks[1], 16), span_of(masks[0], 16));
	flip = pcg_below(r, (uint32_t)s.len);
	other[flip] ^= (uint8_t)(1 << pcg_below(r, 8));
	check_true(alg->name, !PROVIDER_DEFAULT->aead_open(two, s.nonce, span_of(s.aad, s.aad_len), other, s.len));
	other[flip] = s.record[flip];
	check_bytes(alg->name, span_of(other, s.len), span_of(s.record, s.len));
	check_true(alg->name, PROVIDER_DEFAULT->aead_open(two, s.nonce, span_of(s.aad, s.aad_len), other, s.len));
	check_bytes(alg->name, span_of(other, s.n), span_of(s.text, s.n));
}

/* The keys change from AEAD to AEAD, as they do in a slot of the pool's cache. */
static void both_make_the_same_bytes(void **state)
{
	struct crypto *c[2] = {open_provider(&provider_libcrypto), open_provider(PROVIDER_DEFAULT)};
	struct aead_key *one = NULL, *two = NULL;
	struct pcg r = {20};
	(void)state;
	check_error("new", provider_libcrypto.aead_new(c[0], &one), TERN_OK);
	check_error("new", PROVIDER_DEFAULT->aead_new(c[1], &two), TERN_OK);
	for (int i = 0; i < 400; i++) {
		const struct aead_alg *alg = &aead_algs[pcg_below(&r, NUM_AEADS)];
		uint8_t key[AEAD_KEY_MAX], sn[AEAD_KEY_MAX];
		random_bytes(&r, key, sizeof key);
		random_bytes(&r, sn, sizeof sn);
		check_error(alg->name, provider_libcrypto.aead_set(one, alg, key, sn), TERN_OK);
		check_error(alg->name, PROVIDER_DEFAULT->aead_set(two, alg, key, sn), TERN_OK);
		for (int k = 0; k < 8; k++)
			check_same(&r, alg, one, two);
	}
#ifdef TERN_HAS_IPSECMB
	assert_int_equal(c[1]->accelerator != NULL, provider_ipsecmb_available()); /* these were two */
#endif
	provider_libcrypto.aead_free(c[0], one);
	PROVIDER_DEFAULT->aead_free(c[1], two);
	provider_libcrypto.close(c[0]);
	PROVIDER_DEFAULT->close(c[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_name_decides),
		cmocka_unit_test(each_understands_the_other),
		cmocka_unit_test(both_make_the_same_bytes),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
