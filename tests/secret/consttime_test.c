/* No branch and no address may depend on a secret. Secrets are undefined memory, so that memcheck reports each use that
 * tells them; the controls are leaks on purpose, which it must report. The program does nothing elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/prf.h"
#include "handshake/config.h"
#include "handshake/cookie.h"
#include "secret/watched.h"
#include "usual_pair.h"

#define S UINT64_C(1000000000)

static void secret(void *p, size_t n)
{
	(void)VALGRIND_MAKE_MEM_UNDEFINED(p, n);
}

static void known(void *p, size_t n)
{
	(void)VALGRIND_MAKE_MEM_DEFINED(p, n);
}

static unsigned reported(void)
{
	return (unsigned)VALGRIND_COUNT_ERRORS;
}

/* ---- comparisons ---- */

static bool right(struct span a, struct span b)
{
	return span_equal_secret(a, b);
}

static bool with_memcmp(struct span a, struct span b)
{
	return span_equal(a, b);
}

static bool byte_by_byte(struct span a, struct span b)
{
	for (size_t i = 0; i < a.n; i++)
		if (a.p[i] != b.p[i])
			return false;
	return true;
}

static void comparisons(void **state)
{
	static const struct {
		const char *name;
		bool (*equal)(struct span a, struct span b);
		bool leaks;
	} cases[] = {
		{"span_equal_secret", right, false},
		{"control: memcmp", with_memcmp, true},
		{"control: byte by byte", byte_by_byte, true},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		for (unsigned different = 0; different < 2; different++) {
			uint8_t a[32] = {1}, b[32] = {1};
			unsigned before = reported();
			volatile bool equal;
			b[31] = (uint8_t)different;
			secret(a, sizeof a);
			equal = cases[i].equal(span_of(a, sizeof a), span_of(b, sizeof b));
			if ((reported() > before) != cases[i].leaks)
				fail_msg("%s: %u reports", cases[i].name, reported() - before);
			known((void *)&equal, sizeof equal);
			known(a, sizeof a);
			assert_int_equal(equal, !different);
		}
	}
}

/* ---- derivation ---- */

/* A table read at a secret's place. */
static void control_table(void **state)
{
	static const uint8_t table[256] = {7};
	uint8_t at = 0, out;
	unsigned before = reported();
	(void)state;
	secret(&at, 1);
	out = table[at];
	assert_true(reported() > before);
	known(&out, 1);
	assert_int_equal(out, 7);
}

static void derivation(void **state)
{
	uint8_t key[48] = {1}, out[64], digest[HASH_MAX];
	struct span seed = span_of("seed", 4);
	unsigned before = reported();
	(void)state;
	secret(key, sizeof key);
	for (int id = HASH_SHA256; id <= HASH_SHA384; id++) {
		const struct hash_alg *hash = provider_libcrypto.hash[id];
		struct hmac_key k;
		hmac_key_init(&k, hash, span_of(key, sizeof key));
		hmac(&k, digest, &seed, 1);
		hmac_key_wipe(&k);
		prf12(hash, out, sizeof out, span_of(key, sizeof key), "label", seed, seed);
		hkdf_extract(hash, digest, span_of(key, 32), span_of(key, sizeof key));
		hkdf_expand_label(hash, out, 32, span_of(digest, hash->len), "dtls13", "label", seed);
	}
	assert_int_equal(reported(), before);
}

/* ---- cookies ---- */

/* The keyring's keys as the application brought them. */
static void cookies(void **state)
{
	uint8_t ring_secret[32] = {9}, cookie[COOKIE_LEN], random[RANDOM_LEN] = {5};
	struct client_hello hello = {.version = VERSION_DTLS12, .random = span_of(random, sizeof random)};
	struct cookie_keys keys = {.generation = 0};
	tern_keyring *ring;
	unsigned before = reported();
	(void)state;
	secret(ring_secret, sizeof ring_secret);
	OK(tern_keyring_new(&ring, ring_secret, sizeof ring_secret));
	cookie_keys_refresh(&keys, ring, provider_libcrypto.hash[HASH_SHA256]);
	/* Which key it is, the wire tells. */
	known(&keys.slot[0].id, sizeof keys.slot[0].id);
	cookie_make(&keys, cookie, &hello, NULL);
	assert_true(VALGRIND_CHECK_MEM_IS_DEFINED(cookie, sizeof cookie) != 0);
	before++;
	known(cookie, sizeof cookie);
	hello.cookie = span_of(cookie, sizeof cookie);
	assert_true(cookie_valid(&keys, &hello, NULL));
	cookie[COOKIE_LEN - 1] ^= 1;
	assert_false(cookie_valid(&keys, &hello, NULL));
	tern_keyring_free(ring);
	assert_int_equal(reported(), before);
}

/* ---- whole handshakes ---- */

enum shape { CERTIFICATES, WITH_PSK, RESUMED, NUM_SHAPES };
static const char *const shapes[NUM_SHAPES] = {"certificates", "PSK", "resumed"};

static void hide_psks(tern_config *config)
{
	for (size_t i = 0; i < config->num_psks; i++)
		secret((void *)(uintptr_t)config->psks[i].key.p, config->psks[i].key.n);
}

/* What is on the wire anybody knows. */
static bool publish(struct pair *p, struct datagram_on_wire *d)
{
	(void)p;
	known(d, sizeof *d);
	return true;
}

static void prepare(struct pair *p, enum shape shape, bool dtls13)
{
	tern_config *c[2];
	for (int i = 0; i < 2; i++) {
		c[i] = dtls13 ? new_config13(NULL) : new_config(NULL);
		OK(config_set_provider(c[i], watched_provider()));
		OK(tern_config_set_groups(c[i], provider_libcrypto.groups[0]->name));
		if (shape == WITH_PSK)
			OK(tern_config_add_psk(c[i], "id", 2, "0123456789abcdef", 16));
	}
	if (shape == WITH_PSK)
		OK(tern_config_set_psk_ke(c[SERVER], dtls13));
	if (shape != WITH_PSK) {
		add_trust(c[CLIENT], &root);
		add_cert(c[SERVER], &leaf);
	}
	pair_init(p, c[CLIENT], c[SERVER]);
	hide_psks(c[CLIENT]);
	hide_psks(c[SERVER]);
	p->tap = publish;
}

static void talk(struct pair *p, enum shape shape)
{
	uint8_t session[TERN_SESSION_MAX];
	size_t n = 0;
	pair_dial(p, shape == WITH_PSK ? NULL : "a.test", span_of(NULL, 0));
	pair_run(p, 60 * S);
	if (shape == RESUMED && pair_connected(p)) {
		OK(tern_conn_session(p->side[CLIENT].conn, session, sizeof session, &n));
		pair_hang_up(p);
		pair_dial(p, "a.test", span_of(session, n));
		pair_run(p, 60 * S);
	}
}

static void handshakes(void **state)
{
	(void)state;
	for (int version = 0; version < 2; version++) {
		for (int shape = 0; shape < NUM_SHAPES; shape++) {
			struct pair p;
			unsigned before = reported();
			uint8_t out[16];
			prepare(&p, (enum shape)shape, version);
			talk(&p, (enum shape)shape);
			if (!pair_connected(&p))
				fail_msg("%s of 1.%d: not connected: %s, %s", shapes[shape], 2 + version,
					 tern_error_name(p.side[CLIENT].error), tern_error_name(p.side[SERVER].error));
			OK(tern_conn_export(p.side[CLIENT].conn, out, sizeof out, "EXPORTER-test", NULL, 0));
			/* What is exported is secret: the undefinedness came all the way. */
			assert_int_not_equal(VALGRIND_CHECK_MEM_IS_DEFINED(out, sizeof out), 0);
			before++;
			pair_check_data(&p, shapes[shape]);
			pair_free(&p);
			if (reported() != before)
				fail_msg("%s of 1.%d: %u reports", shapes[shape], 2 + version, reported() - before);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comparisons), cmocka_unit_test(control_table), cmocka_unit_test(derivation),
		cmocka_unit_test(cookies),     cmocka_unit_test(handshakes),
	};
	if (!RUNNING_ON_VALGRIND)
		return 77;
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
