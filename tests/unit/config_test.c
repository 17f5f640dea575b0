/* src/connection/config.c and the files beside it. RFC 6347 4.1.2.6, 4.2.1, 4.2.4.1, 5, RFC 9147 4.5.3, 5.1, 5.8.2, 11.
 */
#include "handshake/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "handshake/keyring.h"

#define LEN(a) (sizeof(a) / sizeof(a)[0])
#define MS UINT64_C(1000000)
#define S (1000 * MS)

/* ---- A heap that counts, and fails on demand ---- */

struct heap {
	long live; /* bytes */
	long fail_at; /* the n-th allocation from now fails; negative: none */
	long requests;
};

static void *counting_alloc(void *user, size_t n)
{
	struct heap *h = user;
	void *p;
	h->requests++;
	if (h->fail_at >= 0 && h->fail_at-- == 0)
		return NULL;
	p = malloc(n);
	if (p)
		h->live += (long)n;
	return p;
}

static void counting_free(void *user, void *p, size_t n)
{
	struct heap *h = user;
	h->live -= (long)n;
	free(p);
}

static tern_config *config_on(struct heap *h, const struct provider *provider)
{
	const tern_allocator allocator = {counting_alloc, counting_free, h};
	tern_config *c;
	*h = (struct heap){.fail_at = -1};
	c = tern_config_new(&allocator);
	assert_non_null(c);
	assert_int_equal(config_set_provider(c, provider), TERN_OK);
	return c;
}

/* ---- Policies ---- */

static void policies(void **state)
{
	static const struct {
		const char *name;
		size_t num_suites;
		uint16_t first, last;
		uint64_t first_ns;
		bool cookie, ccm8, psk;
		uint32_t steady_tries;
	} cases[] = {
		{"default", 15, 0xc02b, 0xc0a4, 1 * S, true, false, true, 1},
		{"webrtc", 6, 0xc02b, 0xcca8, 400 * MS, false, false, false, 5},
		{"iot", 10, 0xc0a8, 0xc02f, 9 * S, true, true, true, 1},
	};
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		tern_config *c = tern_config_new(NULL);
		bool ccm8 = false, psk = false;
		if (tern_config_set_policy(c, cases[i].name) != TERN_OK)
			fail_msg("%s is refused", cases[i].name);
		for (size_t k = 0; k < c->suites.num; k++) {
			const struct suite *s = suite_by_id(c->suites.id[k]);
			if (!s)
				fail_msg("%s: suite %04x", cases[i].name, c->suites.id[k]);
			ccm8 |= s->by_name_only;
			psk |= s->psk;
		}
		if (c->suites.num != cases[i].num_suites || c->suites.id[0] != cases[i].first ||
		    c->suites.id[c->suites.num - 1] != cases[i].last || ccm8 != cases[i].ccm8 || psk != cases[i].psk)
			fail_msg("%s: suites", cases[i].name);
		if (c->timers.first_ns != cases[i].first_ns || c->timers.steady_tries != cases[i].steady_tries ||
		    c->timers.size != sizeof(tern_timers) || c->cookie != cases[i].cookie)
			fail_msg("%s: timers or cookie", cases[i].name);
		const size_t pq = group_by_id(&provider_libcrypto, 0x11ec) ? 1 : 0;
		const uint16_t *groups = c->groups.id + pq;
		if (c->groups.num != 3 + pq || (pq && c->groups.id[0] != 0x11ec) || groups[0] != 23 ||
		    groups[1] != 29 || groups[2] != 24)
			fail_msg("%s: groups", cases[i].name);
		if (c->schemes.num != num_schemes || c->schemes.id[0] != 0x0403)
			fail_msg("%s: schemes", cases[i].name);
		for (size_t k = 0; k < c->schemes.num; k++) {
			const struct scheme_alg *a = scheme_by_id(c->schemes.id[k]);
			bool pkcs1 = a && a->key == KEY_RSA && !a->pss;
			if (!a || pkcs1 != (k + 3 >= c->schemes.num))
				fail_msg("%s: scheme %04x", cases[i].name, c->schemes.id[k]);
		}
		tern_config_free(c);
	}
}

static void a_new_config(void **state)
{
	static const tern_allocator no_free = {counting_alloc, NULL, NULL}, no_alloc = {NULL, counting_free, NULL};
	struct heap h;
	tern_config *c = config_on(&h, &provider_libcrypto);
	(void)state;
	assert_int_equal(c->suites.num, 15);
	assert_true(c->cookie);
	assert_true(c->tickets);
	assert_false(config_can_verify(c));
	assert_int_equal(c->limits.mtu, 1200);
	assert_int_equal(c->limits.replay_window, 64);
	assert_int_equal(c->limits.handshake_bytes, 65536);
	assert_int_equal(c->limits.message_bytes, 32768);
	assert_int_equal(c->limits.session_seconds, 86400);
	assert_int_equal(c->timers.cap_ns, 60 * S);
	assert_int_equal(c->timers.handshake_ns, 120 * S);
	assert_int_equal(c->timers.max_tries, 12);
	tern_config_free(c);
	assert_int_equal(h.live, 0);
	tern_config_free(NULL);
	assert_null(tern_config_new(&no_free));
	assert_null(tern_config_new(&no_alloc));
}

/* A provider that has not all groups of the policy. */
static void groups_the_provider_lacks(void **state)
{
	struct provider few = provider_libcrypto;
	const struct group_alg *one[2] = {group_by_id(&provider_libcrypto, 29), NULL};
	tern_config *c = tern_config_new(NULL);
	(void)state;
	few.groups = one;
	assert_int_equal(config_set_provider(c, &few), TERN_OK);
	assert_int_equal(c->groups.num, 1);
	assert_int_equal(c->groups.id[0], 29);
	assert_int_equal(tern_config_set_groups(c, "secp256r1"), TERN_ERROR_UNKNOWN_NAME);
	assert_int_equal(tern_config_set_policy(c, "iot"), TERN_OK);
	assert_int_equal(c->groups.num, 1);
	tern_config_free(c);
}

/* ---- Every setter, once right ---- */

static tern_error sign(void *user, tern_conn *conn, uint64_t job, uint16_t scheme, const uint8_t *tbs, size_t tbs_len,
		       uint8_t *signature, size_t cap, size_t *len)
{
	(void)user, (void)conn, (void)job, (void)scheme, (void)tbs, (void)tbs_len, (void)signature, (void)cap,
		(void)len;
	return TERN_PENDING;
}
static tern_error verify(void *user, tern_conn *conn, uint64_t job, const tern_bytes *chain, size_t num, bool raw)
{
	(void)user, (void)conn, (void)job, (void)chain, (void)num, (void)raw;
	return TERN_OK;
}
static tern_error find_psk(void *user, tern_conn *conn, uint64_t job, const uint8_t *identity, size_t identity_len,
			   const uint8_t *hint, size_t hint_len, tern_psk *answer)
{
	(void)user, (void)conn, (void)job, (void)identity, (void)identity_len, (void)hint, (void)hint_len, (void)answer;
	return TERN_ERROR_UNKNOWN_PSK_IDENTITY;
}
static tern_error store_get(void *user, tern_conn *conn, uint64_t job, const uint8_t *id, size_t id_len, uint8_t *out,
			    size_t cap, size_t *len)
{
	(void)user, (void)conn, (void)job, (void)id, (void)id_len, (void)out, (void)cap;
	*len = 0;
	return TERN_OK;
}
static void store_put(void *user, const uint8_t *id, size_t id_len, const uint8_t *session, size_t len, int64_t expires)
{
	(void)user, (void)id, (void)id_len, (void)session, (void)len, (void)expires;
}
static void store_del(void *user, const uint8_t *id, size_t id_len)
{
	(void)user, (void)id, (void)id_len;
}
static void keylog(void *user, const tern_conn *conn, const char *line)
{
	(void)user, (void)conn, (void)line;
}
static void trace(void *user, const tern_conn *conn, const tern_trace *what)
{
	(void)user, (void)conn, (void)what;
}
static tern_error random_sevens(void *user, uint8_t *out, size_t n)
{
	(void)user;
	memset(out, 7, n);
	return TERN_OK;
}

static int user_mark;

static tern_error do_policy(tern_config *c)
{
	return tern_config_set_policy(c, "iot");
}
static tern_error do_suites(tern_config *c)
{
	return tern_config_set_suites(c, "TLS_PSK_WITH_AES_128_CCM_8");
}
static tern_error do_groups(tern_config *c)
{
	return tern_config_set_groups(c, "secp384r1");
}
static tern_error do_schemes(tern_config *c)
{
	return tern_config_set_schemes(c, "ed25519");
}
static tern_error do_keypair(tern_config *c)
{
	return tern_config_add_keypair(c, "E pair", 6, "E pair", 6);
}
static tern_error do_raw_key(tern_config *c)
{
	return tern_config_add_raw_key(c, "D key", 5);
}
static tern_error do_signer(tern_config *c)
{
	return tern_config_add_signer(c, "R chain", 7, sign, &user_mark);
}
static tern_error do_trust(tern_config *c)
{
	return tern_config_add_trust(c, "anchor", 6);
}
static tern_error do_system_trust(tern_config *c)
{
	return tern_config_set_system_trust(c);
}
#define HEX16 "00112233445566778899aabbccddeeff"
static tern_error do_fingerprint(tern_config *c)
{
	return tern_config_add_fingerprint(c, "sha-256:" HEX16 HEX16);
}
static tern_error do_no_verify(tern_config *c)
{
	return tern_config_set_insecure_no_verify(c);
}
static tern_error do_verify(tern_config *c)
{
	return tern_config_set_verify(c, verify, &user_mark);
}
static tern_error do_client_auth(tern_config *c)
{
	return tern_config_set_client_auth(c, TERN_CLIENT_AUTH_REQUIRED);
}
static tern_error do_add_psk(tern_config *c)
{
	return tern_config_add_psk(c, "identity", 8, "key", 3);
}
static tern_error do_set_psk(tern_config *c)
{
	return tern_config_set_psk(c, find_psk, &user_mark);
}
static tern_error do_psk_hint(tern_config *c)
{
	return tern_config_set_psk_hint(c, "hint", 4);
}
static tern_error do_alpn(tern_config *c)
{
	return tern_config_set_alpn(c, "coap,webrtc");
}
static tern_error do_srtp(tern_config *c)
{
	return tern_config_set_srtp(c, "SRTP_AEAD_AES_128_GCM");
}
static tern_error do_cookie(tern_config *c)
{
	return tern_config_set_cookie(c, false);
}
static tern_error do_tickets(tern_config *c)
{
	return tern_config_set_tickets(c, false);
}
static tern_error do_must_authenticate(tern_config *c)
{
	return tern_config_set_must_authenticate(c, true);
}

static tern_error do_post_auth(tern_config *c)
{
	return tern_config_set_post_auth(c, true);
}
static tern_error do_keyring(tern_config *c)
{
	tern_keyring *k;
	tern_error error = tern_keyring_new(&k, HEX16, 32);
	if (error != TERN_OK)
		return error;
	error = tern_config_set_keyring(c, k);
	tern_keyring_free(k);
	return error;
}
static tern_error do_store(tern_config *c)
{
	static const tern_session_store store = {store_get, store_put, store_del, &user_mark};
	return tern_config_set_session_store(c, &store);
}
static tern_error do_timers(tern_config *c)
{
	static const tern_timers timers = {.size = sizeof timers, .first_ns = 50 * MS};
	return tern_config_set_timers(c, &timers);
}
static tern_error do_limits(tern_config *c)
{
	static const tern_limits limits = {.size = sizeof limits, .mtu = 1400};
	return tern_config_set_limits(c, &limits);
}
static tern_error do_keylog(tern_config *c)
{
	return tern_config_set_keylog(c, keylog, &user_mark);
}
static tern_error do_random(tern_config *c)
{
	return tern_config_set_insecure_random(c, random_sevens, &user_mark);
}
static tern_error do_trace(tern_config *c)
{
	return tern_config_set_trace(c, trace, &user_mark);
}
static tern_error do_provider(tern_config *c)
{
	return config_set_provider(c, &provider_libcrypto);
}
static tern_error do_versions(tern_config *c)
{
	return tern_config_set_versions(c, TERN_DTLS12, TERN_DTLS12);
}
static tern_error do_psk_ke(tern_config *c)
{
	return tern_config_set_psk_ke(c, true);
}
static tern_error fresh(void *user, tern_conn *conn, uint64_t job, const uint8_t *id, size_t len,
			int64_t expires_unix_s)
{
	(void)user, (void)conn, (void)job, (void)id, (void)len, (void)expires_unix_s;
	return TERN_OK;
}
static tern_error do_early_data(tern_config *c)
{
	return tern_config_set_early_data(c, 1000, fresh, NULL);
}
static tern_error do_cid_length(tern_config *c)
{
	return tern_config_set_cid_length(c, 4);
}
static size_t make_cid(void *user, tern_conn *conn, uint8_t *cid, size_t cap)
{
	(void)user, (void)conn, (void)cid, (void)cap;
	return 0;
}
static size_t cid_length(void *user, const uint8_t *bytes, size_t n)
{
	(void)user, (void)bytes, (void)n;
	return 0;
}
static tern_error do_cid(tern_config *c)
{
	static const tern_cid_codec codec = {.size = sizeof codec, .make = make_cid, .length = cid_length};
	return tern_config_set_cid(c, &codec);
}
static tern_error do_rrc(tern_config *c)
{
	return tern_config_set_rrc(c, TERN_RRC_BASIC);
}
static tern_error do_pmtud(tern_config *c)
{
	return tern_config_set_pmtud(c, true);
}
static tern_error do_conn_fingerprints(tern_config *c)
{
	return tern_config_set_conn_fingerprints(c, true);
}
static tern_error do_remembered_chains(tern_config *c)
{
	return tern_config_set_remembered_chains(c, 1024);
}

static const struct {
	const char *name;
	tern_error (*call)(tern_config *c);
	bool verifies;
} setters[] = {
	{"policy", do_policy, false},
	{"suites", do_suites, false},
	{"groups", do_groups, false},
	{"schemes", do_schemes, false},
	{"keypair", do_keypair, false},
	{"raw key", do_raw_key, false},
	{"signer", do_signer, false},
	{"trust", do_trust, true},
	{"system trust", do_system_trust, true},
	{"fingerprint", do_fingerprint, true},
	{"no verify", do_no_verify, true},
	{"verify", do_verify, true},
	{"client auth", do_client_auth, false},
	{"add psk", do_add_psk, false},
	{"set psk", do_set_psk, false},
	{"psk hint", do_psk_hint, false},
	{"alpn", do_alpn, false},
	{"srtp", do_srtp, false},
	{"cookie", do_cookie, false},
	{"tickets", do_tickets, false},
	{"must authenticate", do_must_authenticate, false},
	{"post auth", do_post_auth, false},
	{"keyring", do_keyring, false},
	{"store", do_store, false},
	{"timers", do_timers, false},
	{"limits", do_limits, false},
	{"keylog", do_keylog, false},
	{"random", do_random, false},
	{"trace", do_trace, false},
	{"provider", do_provider, false},
	{"versions", do_versions, false},
	{"psk ke", do_psk_ke, false},
	{"early data", do_early_data, false},
	{"length of connection IDs", do_cid_length, false},
	{"codec of connection IDs", do_cid, false},
	{"return routability", do_rrc, false},
	{"path MTU discovery", do_pmtud, false},
	{"fingerprints of connections", do_conn_fingerprints, true},
	{"remembered chains", do_remembered_chains, false},
};

static void setters_set(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(setters); i++) {
		struct heap h;
		tern_config *c = config_on(&h, &provider_stub);
		tern_config before;
		memcpy(&before, c, sizeof before);
		if (setters[i].call(c) != TERN_OK)
			fail_msg("%s fails", setters[i].name);
		if (memcmp(&before, c, sizeof before) == 0)
			fail_msg("%s changes nothing", setters[i].name);
		if (config_can_verify(c) != setters[i].verifies)
			fail_msg("%s: can verify", setters[i].name);
		tern_config_free(c);
		if (h.live != 0)
			fail_msg("%s leaks %ld bytes", setters[i].name, h.live);
	}
}

static void setters_without_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(setters); i++)
		for (long site = 0; site < 16; site++) {
			struct heap h;
			tern_config *c = config_on(&h, &provider_stub);
			tern_config before;
			tern_error error;
			long live = h.live;
			memcpy(&before, c, sizeof before);
			h.fail_at = site;
			error = setters[i].call(c);
			if (h.fail_at >= 0 && error != TERN_OK)
				fail_msg("%s: fails with memory", setters[i].name);
			if (h.fail_at < 0 &&
			    (error != TERN_ERROR_NO_MEMORY || memcmp(&before, c, sizeof before) || h.live != live))
				fail_msg("%s: allocation %ld failed: %s", setters[i].name, site,
					 tern_error_name(error));
			site = error == TERN_OK ? 16 : site;
			h.fail_at = -1;
			tern_config_free(c);
			if (h.live != 0)
				fail_msg("%s leaks %ld bytes", setters[i].name, h.live);
		}
}

/* So that the test above did fail somewhere. */
static void allocating_setters(void **state)
{
	static const struct {
		const char *name;
		tern_error (*call)(tern_config *c);
		long requests;
	} cases[] = {
		{"keypair", do_keypair, 3}, {"raw key", do_raw_key, 2},	  {"signer", do_signer, 2},
		{"add psk", do_add_psk, 2}, {"psk hint", do_psk_hint, 1}, {"alpn", do_alpn, 1},
	};
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct heap h;
		tern_config *c = config_on(&h, &provider_stub);
		h.requests = 0;
		assert_int_equal(cases[i].call(c), TERN_OK);
		if (h.requests != cases[i].requests)
			fail_msg("%s: %ld allocations", cases[i].name, h.requests);
		tern_config_free(c);
	}
}

static void new_without_memory(void **state)
{
	struct heap h = {.fail_at = 0};
	const tern_allocator allocator = {counting_alloc, counting_free, &h};
	(void)state;
	assert_null(tern_config_new(&allocator));
	assert_int_equal(h.live, 0);
}

/* ---- Frozen ---- */

static void frozen(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(setters); i++) {
		struct heap h;
		tern_config *c = config_on(&h, &provider_stub);
		tern_config before;
		assert_int_equal(config_freeze(c), TERN_OK);
		memcpy(&before, c, sizeof before);
		if (setters[i].call(c) != TERN_ERROR_USAGE || memcmp(&before, c, sizeof before))
			fail_msg("%s works on a frozen config", setters[i].name);
		if (setters[i].call(NULL) != TERN_ERROR_USAGE)
			fail_msg("%s works on nothing", setters[i].name);
		tern_config_free(c);
		assert_int_equal(h.live, 0);
	}
}

static void freezing_makes_a_keyring(void **state)
{
	struct heap h;
	tern_config *c = config_on(&h, &provider_libcrypto), *d = config_on(&h, &provider_libcrypto);
	struct keyring_keys a, b;
	tern_keyring *first;
	(void)state;
	assert_null(c->keyring);
	assert_int_equal(config_freeze(c), TERN_OK);
	first = c->keyring;
	assert_non_null(first);
	assert_int_equal(config_freeze(c), TERN_OK);
	assert_ptr_equal(c->keyring, first);
	assert_int_equal(config_freeze(d), TERN_OK);
	keyring_read(c->keyring, &a);
	keyring_read(d->keyring, &b);
	assert_memory_not_equal(a.current.ticket_key, b.current.ticket_key, 32);
	tern_config_free(c);
	tern_config_free(d);
}

static void freezing_keeps_a_keyring(void **state)
{
	struct heap h;
	tern_config *c = config_on(&h, &provider_stub);
	tern_keyring *k;
	(void)state;
	assert_int_equal(tern_keyring_new(&k, NULL, 0), TERN_OK);
	assert_int_equal(tern_config_set_keyring(c, k), TERN_OK);
	assert_int_equal(tern_config_set_keyring(c, k), TERN_OK);
	assert_int_equal(config_freeze(c), TERN_OK);
	assert_ptr_equal(c->keyring, k);
	tern_keyring_free(k);
	tern_config_free(c);
	assert_int_equal(h.live, 0);

	c = config_on(&h, &provider_stub);
	assert_int_equal(do_keyring(c), TERN_OK);
	assert_int_equal(tern_config_set_keyring(c, NULL), TERN_OK);
	assert_null(c->keyring);
	tern_config_free(c);
}

static void freezing_uses_insecure_random(void **state)
{
	struct heap h;
	struct keyring_keys got, expected;
	uint8_t sevens[32];
	tern_keyring *k;
	tern_config *c = config_on(&h, &provider_libcrypto);
	(void)state;
	memset(sevens, 7, sizeof sevens);
	assert_int_equal(tern_keyring_new(&k, sevens, sizeof sevens), TERN_OK);
	assert_int_equal(do_random(c), TERN_OK);
	assert_int_equal(config_freeze(c), TERN_OK);
	keyring_read(k, &expected);
	keyring_read(c->keyring, &got);
	assert_memory_equal(got.current.ticket_key, expected.current.ticket_key, 32);
	tern_keyring_free(k);
	tern_config_free(c);
}

static tern_error no_random(void *user, uint8_t *out, size_t n)
{
	(void)user, (void)out, (void)n;
	return TERN_ERROR_RANDOM;
}

/* Afterwards it is as before: not frozen, and freezing may be tried again. */
static void freezing_fails(void **state)
{
	(void)state;
	for (long site = 0; site < 3; site++) {
		struct heap h;
		tern_config *c = config_on(&h, &provider_stub);
		h.fail_at = site;
		if (config_freeze(c) != (site < 2 ? TERN_ERROR_NO_MEMORY : TERN_OK))
			fail_msg("allocation %ld", site);
		h.fail_at = -1;
		assert_int_equal(do_cookie(c), site < 2 ? TERN_OK : TERN_ERROR_USAGE);
		assert_int_equal(config_freeze(c), TERN_OK);
		tern_config_free(c);
		assert_int_equal(h.live, 0);
	}
	for (int i = 0; i < 2; i++) {
		struct heap h;
		tern_config *c = config_on(&h, i ? &provider_stub : &provider_libcrypto);
		assert_int_equal(tern_config_set_insecure_random(c, no_random, NULL), TERN_OK);
		assert_int_equal(config_freeze(c), TERN_ERROR_RANDOM);
		assert_null(c->keyring);
		assert_int_equal(do_cookie(c), TERN_OK);
		tern_config_free(c);
		assert_int_equal(h.live, 0);
	}
}

static void references(void **state)
{
	struct heap h;
	tern_config *c = config_on(&h, &provider_stub);
	(void)state;
	assert_int_equal(do_alpn(c), TERN_OK);
	assert_ptr_equal(config_hold(c), c);
	tern_config_free(c);
	assert_int_not_equal(h.live, 0);
	assert_int_equal(c->alpn.n, 12);
	tern_config_free(c);
	assert_int_equal(h.live, 0);
}

/* ---- Arguments of the setters in config.c ---- */

static void bad_arguments(void **state)
{
	static const tern_session_store stores[] = {
		{NULL, store_put, store_del, NULL},
		{store_get, NULL, store_del, NULL},
		{store_get, store_put, NULL, NULL},
	};
	struct heap h;
	tern_config *c = config_on(&h, &provider_stub);
	tern_config before;
	(void)state;
	memcpy(&before, c, sizeof before);
	assert_int_equal(tern_config_set_policy(c, NULL), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_set_policy(c, ""), TERN_ERROR_UNKNOWN_NAME);
	assert_int_equal(tern_config_set_policy(c, "Default"), TERN_ERROR_UNKNOWN_NAME);
	assert_int_equal(tern_config_set_client_auth(c, (tern_client_auth)3), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_set_client_auth(c, (tern_client_auth)-1), TERN_ERROR_USAGE);
	for (size_t i = 0; i < LEN(stores); i++)
		assert_int_equal(tern_config_set_session_store(c, &stores[i]), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_set_versions(c, TERN_DTLS13, TERN_DTLS12), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_set_versions(c, (tern_protocol)0xfeff, TERN_DTLS13), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_set_versions(c, TERN_DTLS12, (tern_protocol)0x0304), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_set_rrc(c, (tern_rrc)3), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_set_rrc(c, (tern_rrc)-1), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_set_remembered_chains(c, 1025), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_set_record_crypto(c, "abacus"), TERN_ERROR_UNKNOWN_NAME);
	assert_int_equal(tern_config_set_record_crypto(c, ""), TERN_ERROR_UNKNOWN_NAME);
	assert_memory_equal(&before, c, sizeof before);
	tern_config_free(c);
}

static void provider_after_keys(void **state)
{
	struct heap h;
	tern_config *c = config_on(&h, &provider_stub);
	(void)state;
	assert_int_equal(do_trust(c), TERN_OK);
	assert_int_equal(do_provider(c), TERN_ERROR_USAGE);
	tern_config_free(c);
	c = config_on(&h, &provider_stub);
	assert_int_equal(do_keypair(c), TERN_OK);
	assert_int_equal(do_provider(c), TERN_ERROR_USAGE);
	assert_ptr_equal(c->provider, &provider_stub);
	tern_config_free(c);
}

/* What is optional can be taken back. */
static void undone(void **state)
{
	struct heap h;
	tern_config *c = config_on(&h, &provider_stub), *untouched = config_on(&h, &provider_stub);
	(void)state;
	assert_int_equal(do_store(c), TERN_OK);
	assert_true(c->has_store);
	assert_int_equal(tern_config_set_session_store(c, NULL), TERN_OK);
	assert_int_equal(do_verify(c), TERN_OK);
	assert_int_equal(tern_config_set_verify(c, NULL, NULL), TERN_OK);
	assert_int_equal(do_alpn(c), TERN_OK);
	assert_int_equal(tern_config_set_alpn(c, NULL), TERN_OK);
	assert_int_equal(do_psk_hint(c), TERN_OK);
	assert_int_equal(tern_config_set_psk_hint(c, NULL, 0), TERN_OK);
	assert_int_equal(do_policy(c), TERN_OK);
	assert_int_equal(tern_config_set_policy(c, "webrtc"), TERN_OK);
	assert_int_equal(tern_config_set_policy(c, "default"), TERN_OK);
	assert_false(c->has_store);
	assert_null(c->store.get);
	assert_null(c->verify);
	assert_null(c->alpn.p);
	assert_null(c->psk_hint.p);
	assert_true(c->cookie);
	assert_int_equal(c->suites.num, untouched->suites.num);
	assert_memory_equal(&c->timers, &untouched->timers, sizeof c->timers);
	tern_config_free(c);
	tern_config_free(untouched);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies),
		cmocka_unit_test(a_new_config),
		cmocka_unit_test(groups_the_provider_lacks),
		cmocka_unit_test(setters_set),
		cmocka_unit_test(setters_without_memory),
		cmocka_unit_test(allocating_setters),
		cmocka_unit_test(new_without_memory),
		cmocka_unit_test(frozen),
		cmocka_unit_test(freezing_makes_a_keyring),
		cmocka_unit_test(freezing_keeps_a_keyring),
		cmocka_unit_test(freezing_uses_insecure_random),
		cmocka_unit_test(freezing_fails),
		cmocka_unit_test(references),
		cmocka_unit_test(bad_arguments),
		cmocka_unit_test(provider_after_keys),
		cmocka_unit_test(undone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
