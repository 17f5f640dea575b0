#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/prf.h"
#include "crypto_check.h"

/* AEADs of the stub are in aead_test.c, beside those of libcrypto. */
static const struct provider *const p = &provider_stub;

static void digest(const struct hash_alg *hash, uint8_t *out, const uint8_t *in, size_t n, size_t cut)
{
	struct hash_state s, copy;
	hash->init(&s);
	hash->update(&s, in, cut);
	copy = s;
	hash->update(&copy, in + cut, n - cut);
	hash->final(&copy, out);
}

/* Every cut gives the same digest; every bit and the length matter. */
static void test_hash(void **state)
{
	static const size_t lengths[] = {0, 1, 7, 8, 9, 63, 64, 200};
	(void)state;
	for (int id = HASH_SHA256; id < NUM_HASHES; id++) {
		const struct hash_alg *hash = p->hash[id];
		const struct hash_alg *real = provider_libcrypto.hash[id];
		assert_true(hash->id == real->id && hash->len == real->len && hash->block == real->block);
		for (size_t i = 0; i < NUM(lengths); i++) {
			uint8_t in[201] = {0}, out[HASH_MAX], other[HASH_MAX];
			size_t n = lengths[i];
			digest(hash, out, in, n, 0);
			for (size_t cut = 0; cut <= n; cut++) {
				digest(hash, other, in, n, cut);
				check_bytes("cut", span_of(other, hash->len), span_of(out, hash->len));
			}
			digest(hash, other, in, n + 1, 0);
			check_true("length", memcmp(out, other, hash->len) != 0);
			for (size_t bit = 0; bit < 8 * n; bit++) {
				in[bit / 8] ^= (uint8_t)(1 << bit % 8);
				digest(hash, other, in, n, n / 2);
				for (size_t part = 0; part < hash->len; part += 16)
					check_true("bit", memcmp(out + part, other + part, 16) != 0);
				in[bit / 8] ^= (uint8_t)(1 << bit % 8);
			}
		}
	}
}

/* The PRF runs over it, and labels and seeds matter. */
static void test_prf(void **state)
{
	uint8_t a[48], b[48];
	const struct hash_alg *hash = p->hash[HASH_SHA256];
	struct span secret = text_span("secret"), seed = text_span("seed");
	(void)state;
	prf12(hash, a, sizeof a, secret, "one", seed, seed);
	prf12(hash, b, sizeof b, secret, "one", seed, seed);
	assert_memory_equal(a, b, sizeof a);
	prf12(hash, b, sizeof b, secret, "two", seed, seed);
	assert_memory_not_equal(a, b, sizeof a);
}

static tern_error sevens(void *user, uint8_t *out, size_t n)
{
	(void)user;
	memset(out, 7, n);
	return TERN_OK;
}

static void test_random(void **state)
{
	struct crypto *c = open_provider(p), *d = open_provider(p);
	uint8_t a[40], b[40], sevenths[40];
	(void)state;
	check_error("random", p->random(c, a, sizeof a), TERN_OK);
	check_error("random", p->random(d, b, sizeof b), TERN_OK);
	assert_memory_equal(a, b, sizeof a); /* deterministic */
	check_error("random", p->random(c, a, sizeof a), TERN_OK);
	assert_memory_not_equal(a, b, sizeof a);
	p->set_random(c, sevens, NULL);
	check_error("random", p->random(c, a, sizeof a), TERN_OK);
	memset(sevenths, 7, sizeof sevenths);
	assert_memory_equal(a, sevenths, sizeof a);
	p->close(c);
	p->close(d);
	p->close(NULL);
}

static void check_group(struct crypto *c, const struct group_alg *g)
{
	struct group_private priv;
	uint8_t offer[GROUP_SHARE_MAX], answer[GROUP_SHARE_MAX], one[GROUP_SECRET_MAX], two[GROUP_SECRET_MAX];
	check_error(g->name, g->offer(c, &priv, offer), TERN_OK);
	check_error(g->name, g->answer(c, span_of(offer, g->offer_len), answer, one), TERN_OK);
	check_error(g->name, g->finish(c, &priv, span_of(answer, g->answer_len), two), TERN_OK);
	check_bytes(g->name, span_of(one, g->secret_len), span_of(two, g->secret_len));
	check_error(g->name, g->answer(c, span_of(offer, g->offer_len), answer, one), TERN_OK);
	check_true(g->name, memcmp(one, two, g->secret_len) != 0);
	for (size_t i = 0; i < g->answer_len; i++) {
		answer[i] ^= 0x20;
		check_error(g->name, g->finish(c, &priv, span_of(answer, g->answer_len), two),
			    TERN_ERROR_ILLEGAL_PARAMETER);
		answer[i] ^= 0x20;
	}
	check_error(g->name, g->finish(c, &priv, span_of(answer, g->answer_len - 1u), two),
		    TERN_ERROR_ILLEGAL_PARAMETER);
	check_error(g->name, g->finish(c, &priv, span_of(answer, 0), two), TERN_ERROR_ILLEGAL_PARAMETER);
}

/* The same groups with the same sizes as libcrypto's. */
static void test_groups(void **state)
{
	struct crypto *c = open_provider(p);
	(void)state;
	for (size_t i = 0; p->groups[i] || provider_libcrypto.groups[i]; i++) {
		const struct group_alg *g = p->groups[i], *real = provider_libcrypto.groups[i];
		assert_true(g && real && g->id == real->id);
		assert_string_equal(g->name, real->name);
		assert_true(g->offer_len == real->offer_len && g->answer_len == real->answer_len);
		assert_int_equal(g->secret_len, real->secret_len);
		for (int round = 0; round < 50; round++)
			check_group(c, g);
	}
	p->close(c);
}

static void free_credential(struct credential_pem *k)
{
	for (size_t i = 0; i < k->num_chain; i++)
		heap_free_copy(&heap_default, (void *)k->chain[i].p, k->chain[i].n);
	heap_free_copy(&heap_default, (void *)k->spki.p, k->spki.n);
	p->private_key_free(k->key);
}

static const struct {
	const char *name, *chain, *key;
	tern_error error;
	enum key_type type;
} credentials[] = {
	{"P-256", "E server", "E server", TERN_OK, KEY_P256},
	{"P-384", "3 server", "3 server", TERN_OK, KEY_P384},
	{"Ed25519", "D server", "D server", TERN_OK, KEY_ED25519},
	{"RSA", "R server", "R server", TERN_OK, KEY_RSA},
	{"no key", "E server", "", TERN_OK, KEY_P256},
	{"no chain", "", "D server", TERN_OK, KEY_ED25519},
	{"neither", "", "", TERN_ERROR_BAD_PEM, 0},
	{"mismatch", "E server", "E client", TERN_ERROR_KEY_MISMATCH, 0},
	{"unknown type", "X server", "X server", TERN_ERROR_UNSUPPORTED_KEY, 0},
};

static void test_credentials(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(credentials); i++) {
		struct credential_pem k;
		const char *chain = credentials[i].chain, *key = credentials[i].key, *name = credentials[i].name;
		check_error(name, p->credential_load(&heap_default, &k, text_span(chain), text_span(key)),
			    credentials[i].error);
		if (credentials[i].error != TERN_OK)
			continue;
		check_true(name, k.key_type == credentials[i].type && (k.key != NULL) == (*key != 0));
		check_true(name, k.num_chain == (*chain != 0));
		check_bytes(name, k.spki, text_span(*chain ? chain : key));
		free_credential(&k);
	}
}

static void test_credential_memory(void **state)
{
	struct failing_heap heap;
	struct credential_pem k;
	(void)state;
	for (size_t n = 0; n < 3; n++) {
		failing_heap_init(&heap, n);
		check_error("memory", p->credential_load(&heap.allocator, &k, text_span("E a"), text_span("E a")),
			    TERN_ERROR_NO_MEMORY);
		assert_int_equal(heap.held, 0);
	}
}

static void test_signatures(void **state)
{
	struct crypto *c = open_provider(p);
	struct credential_pem k;
	struct peer_chain *peer;
	const struct scheme_alg *scheme = scheme_by_id(0x0403);
	uint8_t signature[SIGNATURE_MAX];
	size_t n;
	struct span tbs = text_span("to be signed"), leaf = text_span("E server"), other = text_span("E server2");
	(void)state;
	check_error("load", p->credential_load(&heap_default, &k, leaf, leaf), TERN_OK);
	check_error("sign", p->sign(c, k.key, scheme, tbs, signature, &n), TERN_OK);
	check_error("parse", p->chain_parse(c, &peer, k.chain, 1, false), TERN_OK);
	assert_int_equal(p->chain_key_type(peer), KEY_P256);
	check_error("good", p->verify(c, peer, scheme, tbs, span_of(signature, n)), TERN_OK);
	check_error("tbs", p->verify(c, peer, scheme, leaf, span_of(signature, n)), TERN_ERROR_BAD_SIGNATURE);
	check_error("scheme", p->verify(c, peer, scheme_by_id(0x0503), tbs, span_of(signature, n)),
		    TERN_ERROR_BAD_SIGNATURE);
	check_error("short", p->verify(c, peer, scheme, tbs, span_of(signature, n - 1)), TERN_ERROR_BAD_SIGNATURE);
	signature[n - 1] ^= 0x80;
	check_error("bit", p->verify(c, peer, scheme, tbs, span_of(signature, n)), TERN_ERROR_BAD_SIGNATURE);
	signature[n - 1] ^= 0x80;
	p->chain_free(c, peer);
	check_error("raw", p->chain_parse(c, &peer, &k.spki, 1, true), TERN_OK);
	check_error("raw", p->verify(c, peer, scheme, tbs, span_of(signature, n)), TERN_OK);
	p->chain_free(c, peer);
	check_error("other", p->chain_parse(c, &peer, &other, 1, false), TERN_OK);
	check_error("other", p->verify(c, peer, scheme, tbs, span_of(signature, n)), TERN_ERROR_BAD_SIGNATURE);
	p->chain_free(c, peer);
	free_credential(&k);
	p->close(c);
}

static const struct {
	const char *name, *leaf, *host;
	tern_error parse, check;
} chains[] = {
	{"anchored", "E for example.com", "", TERN_OK, TERN_OK},
	{"named", "E for example.com", "example.com", TERN_OK, TERN_OK},
	{"another name", "E for example.com", "example.org", TERN_OK, TERN_ERROR_CERTIFICATE_NAME},
	{"longer name", "E for example.com", "E for example.com and more", TERN_OK, TERN_ERROR_CERTIFICATE_NAME},
	{"not anchored", "E for example.con", "", TERN_OK, TERN_ERROR_CERTIFICATE_UNKNOWN_ISSUER},
	{"expired", "R expired", "", TERN_OK, TERN_ERROR_CERTIFICATE_EXPIRED},
	{"empty", "", "", TERN_ERROR_CERTIFICATE_MALFORMED, 0},
	{"unknown key", "?", "", TERN_ERROR_CERTIFICATE_UNSUPPORTED_KEY, 0},
};

static void test_chains(void **state)
{
	struct crypto *c = open_provider(p);
	struct trust *trust = NULL;
	(void)state;
	check_error("empty", p->trust_add(&trust, span_of(NULL, 0)), TERN_ERROR_BAD_PEM);
	assert_null(trust);
	check_error("add", p->trust_add(&trust, text_span("R expired")), TERN_OK);
	check_error("add", p->trust_add(&trust, text_span("E for example.com")), TERN_OK);
	for (size_t i = 0; i < NUM(chains); i++) {
		struct span leaf = text_span(chains[i].leaf), host = text_span(chains[i].host);
		struct peer_chain *peer = NULL;
		int64_t expires;
		tern_error error;
		check_error(chains[i].name, p->chain_parse(c, &peer, &leaf, 1, false), chains[i].parse);
		if (chains[i].parse != TERN_OK)
			continue;
		error = p->chain_check(c, peer, trust, PURPOSE_SERVER, 0, &expires);
		if (error == TERN_OK && host.n)
			error = p->chain_check_name(c, peer, host);
		check_error(chains[i].name, error, chains[i].check);
		check_error(chains[i].name, p->chain_check(c, peer, NULL, PURPOSE_SERVER, 0, &expires),
			    TERN_ERROR_CERTIFICATE_UNKNOWN_ISSUER);
		assert_ptr_equal(p->chain_hold(peer), peer);
		p->chain_free(c, peer);
		p->chain_free(c, peer);
	}
	p->trust_free(trust);
	trust = NULL;
	check_error("system", p->trust_add_system(&trust), TERN_OK);
	assert_non_null(trust);
	p->trust_free(trust);
	p->trust_free(NULL);
	p->close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash),	    cmocka_unit_test(test_prf),
		cmocka_unit_test(test_random),	    cmocka_unit_test(test_groups),
		cmocka_unit_test(test_credentials), cmocka_unit_test(test_credential_memory),
		cmocka_unit_test(test_signatures),  cmocka_unit_test(test_chains),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
