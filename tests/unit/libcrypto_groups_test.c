#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto_check.h"

static const struct provider *const p = &provider_libcrypto;

static const struct group_alg *group_by_id(uint16_t id)
{
	for (size_t i = 0; p->groups[i]; i++)
		if (p->groups[i]->id == id)
			return p->groups[i];
	fail_msg("group %u is missing", id);
	return NULL;
}

/* RFC 7748 6.1 (both sides) and NIST CAVP, KAS ECC CDH primitive, the first of P-256 and P-384. */
static const struct {
	const char *name;
	uint16_t id;
	const char *priv, *peer, *secret;
} vectors[] = {
	{"x25519 Alice", 29, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
	 "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
	 "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
	{"x25519 Bob", 29, "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
	 "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
	 "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
	{"P-256", 23, "7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534",
	 "04700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287"
	 "db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac",
	 "46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b"},
	{"P-384", 24,
	 "3cc3122a68f0d95027ad38c067916ba0eb8c38894d22e1b15618b6818a661774ad463b205da88cf699ab4d43c9cf98a1",
	 "04a7c76b970c3b5fe8b05d2838ae04ab47697b9eaf52e764592efda27fe7513272734466b400091adbf2d68c58e0c50066"
	 "ac68f19f2e1cb879aed43a9969b91a0839c4c38a49749b661efedf243451915ed0905a32b060992b468c64766fc8437a",
	 "5f9d29dc5e31a163060356213669c8ce132e22f57c9a04f40ba7fcead493b457e5621e766c40a2e3d4d6a04b25e533f1"},
};

static void check_queue(const char *name)
{
	if (ERR_peek_error())
		fail_msg("%s: left an error in OpenSSL's queue", name);
}

static void test_vectors(void **state)
{
	struct crypto *c = open_provider(p);
	(void)state;
	for (size_t i = 0; i < NUM(vectors); i++) {
		const struct group_alg *g = group_by_id(vectors[i].id);
		struct group_private priv = {0};
		uint8_t peer[GROUP_SHARE_MAX], secret[GROUP_SECRET_MAX];
		struct span share = unhex(peer, sizeof peer, vectors[i].peer);
		unhex(priv.bytes, sizeof priv.bytes, vectors[i].priv);
		check_error(vectors[i].name, g->finish(c, &priv, share, secret), TERN_OK);
		check_hex(vectors[i].name, span_of(secret, g->secret_len), vectors[i].secret);
	}
	p->close(c);
}

static void test_agreement(void **state)
{
	struct crypto *c = open_provider(p), *d = open_provider(p);
	(void)state;
	for (size_t i = 0; p->groups[i]; i++) {
		const struct group_alg *g = p->groups[i];
		for (int round = 0; round < 8; round++) {
			struct group_private priv;
			uint8_t offer[GROUP_SHARE_MAX], answer[GROUP_SHARE_MAX];
			uint8_t secret[GROUP_SECRET_MAX], same[GROUP_SECRET_MAX], other[GROUP_SECRET_MAX];
			check_error(g->name, g->offer(c, &priv, offer), TERN_OK);
			check_error(g->name, g->answer(d, span_of(offer, g->offer_len), answer, secret), TERN_OK);
			check_error(g->name, g->finish(c, &priv, span_of(answer, g->answer_len), same), TERN_OK);
			check_bytes(g->name, span_of(same, g->secret_len), span_of(secret, g->secret_len));
			check_error(g->name, g->answer(d, span_of(offer, g->offer_len), answer, other), TERN_OK);
			check_true(g->name, memcmp(secret, other, g->secret_len) != 0); /* fresh every time */
		}
	}
	p->close(c);
	p->close(d);
}

/* OpenSSL's own key agreement from the other side. */
static void check_against_evp(struct crypto *c, const struct group_alg *g, const char *curve)
{
	struct group_private priv;
	uint8_t offer[GROUP_SHARE_MAX], ours[GROUP_SECRET_MAX], theirs[GROUP_SECRET_MAX], *answer = NULL;
	size_t len = sizeof theirs, answer_len;
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve), *peer = EVP_PKEY_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	check_error(g->name, g->offer(c, &priv, offer), TERN_OK);
	check_true(g->name, EVP_PKEY_copy_parameters(peer, key) == 1 &&
				    EVP_PKEY_set1_encoded_public_key(peer, offer, g->offer_len) == 1);
	check_true(g->name, EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
				    EVP_PKEY_derive(ctx, theirs, &len) == 1);
	answer_len = EVP_PKEY_get1_encoded_public_key(key, &answer);
	check_error(g->name, g->finish(c, &priv, span_of(answer, answer_len), ours), TERN_OK);
	check_bytes(g->name, span_of(ours, g->secret_len), span_of(theirs, len));
	OPENSSL_free(answer);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	EVP_PKEY_free(key);
}

static void test_against_evp(void **state)
{
	struct crypto *c = open_provider(p);
	(void)state;
	for (int i = 0; i < 16; i++)
		check_against_evp(c, group_by_id(23), "P-256");
	for (int i = 0; i < 4; i++)
		check_against_evp(c, group_by_id(24), "P-384");
	p->close(c);
}

/* A bad share is refused by answer and by finish; what it was made from is a good one. */
static void check_bad_share(struct crypto *c, const struct group_alg *g, const char *name, struct span share)
{
	struct group_private priv;
	uint8_t ours[GROUP_SHARE_MAX], secret[GROUP_SECRET_MAX];
	check_error(name, g->offer(c, &priv, ours), TERN_OK);
	check_error(name, g->answer(c, share, ours, secret), TERN_ERROR_ILLEGAL_PARAMETER);
	check_error(name, g->finish(c, &priv, share, secret), TERN_ERROR_ILLEGAL_PARAMETER);
	check_queue(name);
}

static void test_bad_curve_shares(void **state)
{
	static const uint16_t ids[] = {23, 24};
	struct crypto *c = open_provider(p);
	(void)state;
	for (size_t i = 0; i < NUM(ids); i++) {
		const struct group_alg *g = group_by_id(ids[i]);
		struct group_private priv;
		uint8_t good[GROUP_SHARE_MAX + 1] = {0}, bad[GROUP_SHARE_MAX + 1];
		size_t n = g->offer_len, half = n / 2;
		check_error(g->name, g->offer(c, &priv, good), TERN_OK);
		check_bad_share(c, g, "empty", span_of(good, 0));
		check_bad_share(c, g, "short", span_of(good, n - 1));
		check_bad_share(c, g, "long", span_of(good, n + 1));
		check_bad_share(c, g, "infinity", span_of("", 1));
		memset(bad, 0, sizeof bad);
		check_bad_share(c, g, "infinity, padded", span_of(bad, n));
		bad[0] = 4;
		check_bad_share(c, g, "0,0", span_of(bad, n));
		memset(bad + 1, 0xff, n - 1);
		check_bad_share(c, g, "beyond the field", span_of(bad, n));
		memcpy(bad, good, n);
		bad[n - 1] ^= 1;
		check_bad_share(c, g, "not on the curve", span_of(bad, n));
		memcpy(bad, good, n);
		bad[0] = (uint8_t)(2 | (good[n - 1] & 1));
		check_bad_share(c, g, "compressed", span_of(bad, 1 + half));
		check_bad_share(c, g, "compressed, padded", span_of(bad, n));
		bad[0] = (uint8_t)(6 | (good[n - 1] & 1));
		check_bad_share(c, g, "hybrid", span_of(bad, n));
	}
	p->close(c);
}

/* The points of small order and their encodings beyond the field: RFC 7748 6.1, RFC 8422 5.11. */
static void test_bad_x25519_shares(void **state)
{
	static const char *const small_order[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	struct crypto *c = open_provider(p);
	const struct group_alg *g = group_by_id(29);
	uint8_t bytes[33] = {9};
	(void)state;
	for (size_t i = 0; i < NUM(small_order); i++)
		check_bad_share(c, g, small_order[i], unhex(bytes, sizeof bytes, small_order[i]));
	bytes[0] = 9;
	check_bad_share(c, g, "empty", span_of(bytes, 0));
	check_bad_share(c, g, "short", span_of(bytes, 31));
	check_bad_share(c, g, "long", span_of(bytes, 33));
	p->close(c);
}

/* Random bytes from a text: all of one value for some draws, then a counter. */
struct dice {
	uint8_t first, counter;
	int times, draws;
};

static tern_error roll(void *user, uint8_t *out, size_t n)
{
	struct dice *d = user;
	if (d->draws++ < d->times)
		memset(out, d->first, n);
	else
		memset(out, ++d->counter, n);
	return TERN_OK;
}

static tern_error no_random(void *user, uint8_t *out, size_t n)
{
	(void)user;
	memset(out, 0, n);
	return TERN_ERROR_TIMEOUT;
}

/* Scalars outside of 1 to order - 1 are drawn again, a limited number of times. */
static void test_scalar_range(void **state)
{
	static const uint16_t ids[] = {23, 24};
	(void)state;
	for (size_t i = 0; i < NUM(ids); i++) {
		struct crypto *c = open_provider(p);
		const struct group_alg *g = group_by_id(ids[i]);
		struct group_private priv;
		uint8_t share[GROUP_SHARE_MAX];
		struct dice high = {.first = 0xff, .times = 3}, zero = {.first = 0, .times = 3};
		struct dice forever = {.first = 0xff, .times = 1000};
		p->set_random(c, roll, &high);
		check_error(g->name, g->offer(c, &priv, share), TERN_OK);
		check_true(g->name, high.draws == 4 && priv.bytes[0] == 1);
		p->set_random(c, roll, &zero);
		check_error(g->name, g->offer(c, &priv, share), TERN_OK);
		check_true(g->name, zero.draws == 4 && priv.bytes[0] == 1);
		p->set_random(c, roll, &forever);
		check_error(g->name, g->offer(c, &priv, share), TERN_ERROR_RANDOM);
		p->set_random(c, no_random, NULL);
		check_error(g->name, g->offer(c, &priv, share), TERN_ERROR_RANDOM);
		p->close(c);
	}
}

/* The same injected bytes give the same shares and secrets. */
static void test_injected(void **state)
{
	(void)state;
	for (size_t i = 0; p->groups[i]; i++) {
		const struct group_alg *g = p->groups[i];
		uint8_t offers[2][GROUP_SHARE_MAX], answers[2][GROUP_SHARE_MAX], secrets[2][GROUP_SECRET_MAX];
		for (size_t run = 0; run < 2; run++) {
			struct crypto *c = open_provider(p);
			struct group_private priv;
			struct dice dice = {0};
			p->set_random(c, roll, &dice);
			check_error(g->name, g->offer(c, &priv, offers[run]), TERN_OK);
			check_error(g->name,
				    g->answer(c, span_of(offers[run], g->offer_len), answers[run], secrets[run]),
				    TERN_OK);
			p->close(c);
		}
		check_bytes(g->name, span_of(offers[0], g->offer_len), span_of(offers[1], g->offer_len));
		check_bytes(g->name, span_of(answers[0], g->answer_len), span_of(answers[1], g->answer_len));
		check_bytes(g->name, span_of(secrets[0], g->secret_len), span_of(secrets[1], g->secret_len));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),		  cmocka_unit_test(test_agreement),
		cmocka_unit_test(test_against_evp),	  cmocka_unit_test(test_bad_curve_shares),
		cmocka_unit_test(test_bad_x25519_shares), cmocka_unit_test(test_scalar_range),
		cmocka_unit_test(test_injected),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
