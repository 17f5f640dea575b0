#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "crypto_check.h"
#include "x509_make.h"

static const struct provider *const p = &provider_libcrypto;

enum who { NOBODY, ROOT, MIDDLE, OTHER_ROOT, NOT_A_CA, NO_CERT_SIGN, OLD_ROOT, SHA1_MIDDLE, SELF, NUM_WHO = SELF };

static const struct {
	enum who issuer;
	struct recipe recipe;
} authorities[NUM_WHO] = {
	[ROOT] = {SELF, {.cn = "root", .basic_constraints = "critical,CA:TRUE", .key_usage = "keyCertSign"}},
	[MIDDLE] = {ROOT, {.cn = "middle", .basic_constraints = "critical,CA:TRUE", .key_usage = "keyCertSign"}},
	[OTHER_ROOT] = {SELF, {.cn = "other root", .basic_constraints = "critical,CA:TRUE"}},
	[NOT_A_CA] = {ROOT, {.cn = "not a CA", .basic_constraints = "critical,CA:FALSE"}},
	[NO_CERT_SIGN] = {ROOT, {.cn = "no sign", .basic_constraints = "CA:TRUE", .key_usage = "digitalSignature"}},
	[OLD_ROOT] = {SELF, {.cn = "old root", .basic_constraints = "CA:TRUE", .from_days = -90, .days = 30}},
	[SHA1_MIDDLE] = {ROOT, {.cn = "SHA-1 middle", .basic_constraints = "CA:TRUE", .sha1 = true}},
};

static struct {
	EVP_PKEY *keys[NUM_WHO], *leaf_key;
	X509 *certificates[NUM_WHO];
} world;

static int make_world(void **state)
{
	(void)state;
	world.leaf_key = make_key("P-256");
	for (enum who i = ROOT; i < NUM_WHO; i++) {
		enum who issuer = authorities[i].issuer;
		world.keys[i] = make_key("P-256");
		world.certificates[i] = make_certificate(&authorities[i].recipe, world.keys[i],
							 issuer == SELF ? NULL : world.certificates[issuer],
							 issuer == SELF ? NULL : world.keys[issuer]);
	}
	return 0;
}

static int free_world(void **state)
{
	(void)state;
	EVP_PKEY_free(world.leaf_key);
	for (enum who i = ROOT; i < NUM_WHO; i++) {
		EVP_PKEY_free(world.keys[i]);
		X509_free(world.certificates[i]);
	}
	return 0;
}

#define SERVER PURPOSE_SERVER
#define CLIENT PURPOSE_CLIENT
#define UNKNOWN_ISSUER TERN_ERROR_CERTIFICATE_UNKNOWN_ISSUER
#define NAME TERN_ERROR_CERTIFICATE_NAME
#define KEY_USAGE TERN_ERROR_CERTIFICATE_KEY_USAGE
#define SAN "DNS:a.example,DNS:*.b.example,IP:192.0.2.1,IP:2001:db8::1"

/* The leaf, who signed it, what is sent with it, what is trusted (SELF: the leaf itself). */
static const struct {
	const char *name;
	struct recipe leaf;
	enum who issuer, sent, trusted;
	enum purpose purpose;
	const char *host;
	tern_error error;
} cases[] = {
	{"by the root", {.cn = "x", .san = SAN}, ROOT, NOBODY, ROOT, SERVER, "a.example", TERN_OK},
	{"root sent too", {.cn = "x", .san = SAN}, ROOT, ROOT, ROOT, SERVER, "a.example", TERN_OK},
	{"by way of another", {.cn = "x", .san = SAN}, MIDDLE, MIDDLE, ROOT, SERVER, "a.example", TERN_OK},
	{"the one between missing", {.cn = "x"}, MIDDLE, NOBODY, ROOT, SERVER, "", UNKNOWN_ISSUER},
	{"the one between trusted", {.cn = "x"}, MIDDLE, NOBODY, MIDDLE, SERVER, "", TERN_OK},
	{"another root", {.cn = "x"}, ROOT, NOBODY, OTHER_ROOT, SERVER, "", UNKNOWN_ISSUER},
	{"another root, own sent", {.cn = "x"}, ROOT, ROOT, OTHER_ROOT, SERVER, "", UNKNOWN_ISSUER},
	{"nothing trusted", {.cn = "x"}, ROOT, ROOT, NOBODY, SERVER, "", UNKNOWN_ISSUER},
	{"leaf trusted", {.cn = "x"}, ROOT, NOBODY, SELF, SERVER, "", TERN_OK},
	{"leaf trusted, another name", {.cn = "x", .san = SAN}, ROOT, NOBODY, SELF, SERVER, "c.example", NAME},
	{"self-signed", {.cn = "x"}, SELF, NOBODY, SELF, SERVER, "", TERN_OK},
	{"self-signed, untrusted", {.cn = "x"}, SELF, NOBODY, ROOT, SERVER, "", UNKNOWN_ISSUER},
	{"self-signed version 1", {.cn = "a.example", .v1 = true}, SELF, NOBODY, SELF, SERVER, "a.example", TERN_OK},
	{"version 1, another name", {.cn = "a.example", .v1 = true}, SELF, NOBODY, SELF, SERVER, "b.example", NAME},
	{"self-signed version 1 client", {.cn = "x", .v1 = true}, SELF, NOBODY, SELF, CLIENT, "", TERN_OK},
	{"self-signed CA as leaf",
	 {.cn = "x", .basic_constraints = "CA:TRUE"},
	 SELF,
	 NOBODY,
	 SELF,
	 SERVER,
	 "",
	 TERN_OK},

	{"another case", {.cn = "x", .san = SAN}, ROOT, NOBODY, ROOT, SERVER, "A.EXAMPLE", TERN_OK},
	{"dot at the end", {.cn = "x", .san = SAN}, ROOT, NOBODY, ROOT, SERVER, "a.example.", TERN_OK},
	{"wildcard", {.cn = "x", .san = SAN}, ROOT, NOBODY, ROOT, SERVER, "c.b.example", TERN_OK},
	{"wildcard, two labels", {.cn = "x", .san = SAN}, ROOT, NOBODY, ROOT, SERVER, "d.c.b.example", NAME},
	{"wildcard, no label", {.cn = "x", .san = SAN}, ROOT, NOBODY, ROOT, SERVER, "b.example", NAME},
	{"part of a label", {.cn = "x", .san = "DNS:f*.c.example"}, ROOT, NOBODY, ROOT, SERVER, "foo.c.example", NAME},
	{"leading dot", {.cn = "x", .san = SAN}, ROOT, NOBODY, ROOT, SERVER, ".example", NAME},
	{"another name", {.cn = "x", .san = SAN}, ROOT, NOBODY, ROOT, SERVER, "b", NAME},
	{"a suffix", {.cn = "x", .san = SAN}, ROOT, NOBODY, ROOT, SERVER, "aa.example", NAME},
	{"CN, no SAN", {.cn = "a.example"}, ROOT, NOBODY, ROOT, SERVER, "a.example", TERN_OK},
	{"CN beside a SAN", {.cn = "c.example", .san = SAN}, ROOT, NOBODY, ROOT, SERVER, "c.example", NAME},
	{"IPv4", {.cn = "x", .san = SAN}, ROOT, NOBODY, ROOT, SERVER, "192.0.2.1", TERN_OK},
	{"another IPv4", {.cn = "x", .san = SAN}, ROOT, NOBODY, ROOT, SERVER, "192.0.2.2", NAME},
	{"IPv6", {.cn = "x", .san = SAN}, ROOT, NOBODY, ROOT, SERVER, "2001:db8:0::1", TERN_OK},
	{"another IPv6", {.cn = "x", .san = SAN}, ROOT, NOBODY, ROOT, SERVER, "2001:db8::2", NAME},
	{"IP as CN", {.cn = "192.0.2.1"}, ROOT, NOBODY, ROOT, SERVER, "192.0.2.1", NAME},
	{"IP as DNS name", {.cn = "x", .san = "DNS:192.0.2.1"}, ROOT, NOBODY, ROOT, SERVER, "192.0.2.1", NAME},

	{"expired",
	 {.cn = "x", .from_days = -9, .days = 8},
	 ROOT,
	 NOBODY,
	 ROOT,
	 SERVER,
	 "",
	 TERN_ERROR_CERTIFICATE_EXPIRED},
	{"expired, trusted",
	 {.cn = "x", .from_days = -9, .days = 8},
	 SELF,
	 NOBODY,
	 SELF,
	 SERVER,
	 "",
	 TERN_ERROR_CERTIFICATE_EXPIRED},
	{"to come",
	 {.cn = "x", .from_days = 1, .days = 8},
	 ROOT,
	 NOBODY,
	 ROOT,
	 SERVER,
	 "",
	 TERN_ERROR_CERTIFICATE_NOT_YET_VALID},
	{"expired root", {.cn = "x"}, OLD_ROOT, NOBODY, OLD_ROOT, SERVER, "", TERN_ERROR_CERTIFICATE_EXPIRED},

	{"for servers", {.cn = "x", .ext_key_usage = "serverAuth"}, ROOT, NOBODY, ROOT, SERVER, "", TERN_OK},
	{"for servers, as client",
	 {.cn = "x", .ext_key_usage = "serverAuth"},
	 ROOT,
	 NOBODY,
	 ROOT,
	 CLIENT,
	 "",
	 KEY_USAGE},
	{"for clients", {.cn = "x", .ext_key_usage = "clientAuth"}, ROOT, NOBODY, ROOT, CLIENT, "", TERN_OK},
	{"for clients, as server",
	 {.cn = "x", .ext_key_usage = "clientAuth"},
	 ROOT,
	 NOBODY,
	 ROOT,
	 SERVER,
	 "",
	 KEY_USAGE},
	{"for both", {.cn = "x", .ext_key_usage = "clientAuth,serverAuth"}, ROOT, NOBODY, ROOT, CLIENT, "", TERN_OK},
	{"for mail", {.cn = "x", .ext_key_usage = "emailProtection"}, ROOT, NOBODY, ROOT, SERVER, "", KEY_USAGE},
	{"by no CA", {.cn = "x"}, NOT_A_CA, NOT_A_CA, ROOT, SERVER, "", KEY_USAGE},
	{"by a CA that may not sign", {.cn = "x"}, NO_CERT_SIGN, NO_CERT_SIGN, ROOT, SERVER, "", KEY_USAGE},
	{"SHA-1", {.cn = "x", .sha1 = true}, ROOT, NOBODY, ROOT, SERVER, "", TERN_ERROR_CERTIFICATE_REJECTED},
	{"SHA-1 above", {.cn = "x"}, SHA1_MIDDLE, SHA1_MIDDLE, ROOT, SERVER, "", TERN_ERROR_CERTIFICATE_REJECTED},
};

static X509 *make_leaf(const struct recipe *r, enum who issuer)
{
	return issuer == SELF ? make_certificate(r, world.leaf_key, NULL, NULL)
			      : make_certificate(r, world.leaf_key, world.certificates[issuer], world.keys[issuer]);
}

static struct trust *make_trust(X509 *x)
{
	struct trust *trust = NULL;
	struct text pem = certificate_pem(x);
	check_error("trust", p->trust_add(&trust, text_bytes(pem)), TERN_OK);
	free(pem.p);
	return trust;
}

/* DER of at most two certificates, to be freed by OPENSSL_free. */
struct sent {
	struct span der[2];
	size_t n;
};

static void send(struct sent *s, X509 *x)
{
	uint8_t *der = NULL;
	int n = i2d_X509(x, &der);
	s->der[s->n++] = span_of(der, (size_t)n);
}

static void free_sent(struct sent *s)
{
	while (s->n)
		OPENSSL_free((void *)s->der[--s->n].p);
}

/* Chain and name, as a handshake has them checked. */
static tern_error judge(struct crypto *c, struct peer_chain *peer, const struct trust *trust, enum purpose purpose,
			struct span name, int64_t unix_s)
{
	int64_t expires;
	TRY(p->chain_check(c, peer, trust, purpose, unix_s, &expires));
	return name.n ? p->chain_check_name(c, peer, name) : TERN_OK;
}

static void test_cases(void **state)
{
	struct crypto *c = open_provider(p);
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		X509 *leaf = make_leaf(&cases[i].leaf, cases[i].issuer);
		struct trust *trust = NULL;
		struct sent sent = {.n = 0};
		struct peer_chain *peer;
		if (cases[i].trusted != NOBODY)
			trust = make_trust(cases[i].trusted == SELF ? leaf : world.certificates[cases[i].trusted]);
		send(&sent, leaf);
		if (cases[i].sent != NOBODY)
			send(&sent, world.certificates[cases[i].sent]);
		check_error(cases[i].name, p->chain_parse(c, &peer, sent.der, sent.n, false), TERN_OK);
		for (int twice = 0; twice < 2; twice++) /* nothing is used up */
			check_error(cases[i].name,
				    judge(c, peer, trust, cases[i].purpose, text_span(cases[i].host), TEST_NOW),
				    cases[i].error);
		check_queue(cases[i].name);
		p->chain_free(c, peer);
		free_sent(&sent);
		p->trust_free(trust);
		X509_free(leaf);
	}
	p->close(c);
}

/* Validity is judged by the time that is passed in. */
static void test_time(void **state)
{
	static const struct {
		const char *name;
		int64_t offset;
		tern_error error;
	} times[] = {
		{"a second early", -TEST_DAY - 1, TERN_ERROR_CERTIFICATE_NOT_YET_VALID},
		{"first second", -TEST_DAY, TERN_OK},
		{"now", 0, TERN_OK},
		{"a second before the end", 30 * TEST_DAY - 1, TERN_OK},
		{"the end", 30 * TEST_DAY,
		 TERN_ERROR_CERTIFICATE_EXPIRED}, /* a second stricter than RFC 5280 4.1.2.5 */
		{"1970", -TEST_NOW, TERN_ERROR_CERTIFICATE_NOT_YET_VALID},
	};
	struct crypto *c = open_provider(p);
	X509 *leaf = make_leaf(&(struct recipe){.cn = "x"}, ROOT);
	struct trust *trust = make_trust(world.certificates[ROOT]);
	struct sent sent = {.n = 0};
	struct peer_chain *peer;
	(void)state;
	send(&sent, leaf);
	check_error("parse", p->chain_parse(c, &peer, sent.der, sent.n, false), TERN_OK);
	for (size_t i = 0; i < NUM(times); i++)
		check_error(times[i].name, judge(c, peer, trust, SERVER, span_of(NULL, 0), TEST_NOW + times[i].offset),
			    times[i].error);
	p->chain_free(c, peer);
	free_sent(&sent);
	p->trust_free(trust);
	X509_free(leaf);
	p->close(c);
}

/* Names that a text cannot hold. */
static void test_odd_names(void **state)
{
	static char longest[400];
	const struct {
		const char *name;
		struct span host;
	} names[] = {
		{"NUL inside", span_of("a.example\0.evil", 15)},
		{"NUL at the end", span_of("a.example\0", 10)},
		{"NUL alone", span_of("", 1)},
		{"too long", span_of(longest, sizeof longest)},
		{"dot", span_of(".", 1)},
	};
	struct crypto *c = open_provider(p);
	X509 *leaf = make_leaf(&(struct recipe){.cn = "x", .san = SAN}, ROOT);
	struct trust *trust = make_trust(world.certificates[ROOT]);
	struct sent sent = {.n = 0};
	struct peer_chain *peer;
	(void)state;
	memset(longest, 'a', sizeof longest);
	send(&sent, leaf);
	check_error("parse", p->chain_parse(c, &peer, sent.der, sent.n, false), TERN_OK);
	for (size_t i = 0; i < NUM(names); i++)
		check_error(names[i].name, judge(c, peer, trust, SERVER, names[i].host, TEST_NOW), NAME);
	check_error("not ended by NUL", judge(c, peer, trust, SERVER, span_of("a.exampleX", 9), TEST_NOW), TERN_OK);
	p->chain_free(c, peer);
	free_sent(&sent);
	p->trust_free(trust);
	X509_free(leaf);
	p->close(c);
}

/* One bit of the signature, of the leaf's or of the one between. */
static void test_bad_signature(void **state)
{
	struct crypto *c = open_provider(p);
	struct trust *trust = make_trust(world.certificates[ROOT]);
	(void)state;
	for (size_t which = 0; which < 2; which++) {
		X509 *leaf = make_leaf(&(struct recipe){.cn = "x"}, MIDDLE);
		struct sent sent = {.n = 0};
		struct peer_chain *peer;
		send(&sent, leaf);
		send(&sent, world.certificates[MIDDLE]);
		((uint8_t *)sent.der[which].p)[sent.der[which].n - 1] ^= 1;
		check_error("parse", p->chain_parse(c, &peer, sent.der, sent.n, false), TERN_OK);
		check_error("check", judge(c, peer, trust, SERVER, span_of(NULL, 0), TEST_NOW),
			    TERN_ERROR_CERTIFICATE_SIGNATURE);
		check_queue("check");
		p->chain_free(c, peer);
		free_sent(&sent);
		X509_free(leaf);
	}
	p->trust_free(trust);
	p->close(c);
}

static void check_parse(struct crypto *c, const char *name, const struct span *chain, size_t n, bool raw,
			tern_error want)
{
	struct peer_chain *peer = NULL;
	tern_error error = p->chain_parse(c, &peer, chain, n, raw);
	check_error(name, error, want);
	check_queue(name);
	if (error == TERN_OK)
		p->chain_free(c, peer);
	else
		assert_null(peer);
}

static void test_malformed(void **state)
{
	struct crypto *c = open_provider(p);
	X509 *leaf = make_leaf(&(struct recipe){.cn = "x"}, ROOT);
	struct sent sent = {.n = 0};
	struct span chain[2];
	uint8_t *copy;
	(void)state;
	send(&sent, leaf);
	chain[0] = sent.der[0];
	check_parse(c, "none", NULL, 0, false, TERN_ERROR_CERTIFICATE_MALFORMED);
	check_parse(c, "good", chain, 1, false, TERN_OK);
	check_parse(c, "certificate as raw key", chain, 1, true, TERN_ERROR_CERTIFICATE_MALFORMED);
	chain[1] = chain[0];
	check_parse(c, "two raw keys", chain, 2, true, TERN_ERROR_CERTIFICATE_MALFORMED);
	for (size_t n = 0; n < sent.der[0].n; n++) { /* each on an exact-size copy */
		copy = malloc(n ? n : 1);
		memcpy(copy, sent.der[0].p, n);
		chain[0] = span_of(copy, n);
		check_parse(c, "truncated", chain, 1, false, TERN_ERROR_CERTIFICATE_MALFORMED);
		free(copy);
	}
	copy = malloc(sent.der[0].n + 1);
	memcpy(copy, sent.der[0].p, sent.der[0].n);
	copy[sent.der[0].n] = 0;
	chain[0] = span_of(copy, sent.der[0].n + 1);
	check_parse(c, "one byte more", chain, 1, false, TERN_ERROR_CERTIFICATE_MALFORMED);
	chain[0] = sent.der[0];
	chain[1] = span_of(copy, 40);
	check_parse(c, "second truncated", chain, 2, false, TERN_ERROR_CERTIFICATE_MALFORMED);
	free(copy);
	free_sent(&sent);
	X509_free(leaf);
	p->close(c);
}

static void test_key_usage(void **state)
{
	static const struct {
		const char *usage;
		tern_error error;
	} usages[] = {
		{"digitalSignature", TERN_OK},
		{"digitalSignature,keyEncipherment", TERN_OK},
		{"critical,keyAgreement", TERN_ERROR_CERTIFICATE_KEY_USAGE},
		{"keyEncipherment", TERN_ERROR_CERTIFICATE_KEY_USAGE},
		{"keyCertSign", TERN_ERROR_CERTIFICATE_KEY_USAGE},
	};
	struct crypto *c = open_provider(p);
	(void)state;
	for (size_t i = 0; i < NUM(usages); i++) {
		X509 *leaf = make_leaf(&(struct recipe){.cn = "x", .key_usage = usages[i].usage}, ROOT);
		struct sent sent = {.n = 0};
		send(&sent, leaf);
		check_parse(c, usages[i].usage, sent.der, 1, false, usages[i].error);
		free_sent(&sent);
		X509_free(leaf);
	}
	p->close(c);
}

/* A public RSA key of any size, without the wait for a real one. */
static EVP_PKEY *make_rsa_public(int bits)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_new(), *e = BN_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params;
	BN_set_bit(n, bits - 1);
	BN_set_bit(n, 0);
	BN_set_word(e, RSA_F4);
	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n);
	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e);
	params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_fromdata_init(ctx);
	EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
	check_true("RSA public key", key != NULL);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	BN_free(n);
	BN_free(e);
	return key;
}

static void check_raw_key(struct crypto *c, const char *name, EVP_PKEY *key, tern_error want)
{
	uint8_t *der = NULL;
	int n = i2d_PUBKEY(key, &der);
	struct span spki = span_of(der, (size_t)n), shorter = span_of(der, (size_t)n - 1);
	struct peer_chain *peer;
	struct trust *trust;
	check_parse(c, name, &spki, 1, true, want);
	check_parse(c, name, &shorter, 1, true, TERN_ERROR_CERTIFICATE_MALFORMED);
	check_parse(c, name, &spki, 1, false, TERN_ERROR_CERTIFICATE_MALFORMED);
	if (want == TERN_OK) { /* nothing in trust vouches for it */
		trust = make_trust(world.certificates[ROOT]);
		check_error(name, p->chain_parse(c, &peer, &spki, 1, true), TERN_OK);
		check_error(name, judge(c, peer, trust, SERVER, span_of(NULL, 0), TEST_NOW), UNKNOWN_ISSUER);
		p->chain_free(c, peer);
		p->trust_free(trust);
	}
	OPENSSL_free(der);
}

static void test_raw_keys(void **state)
{
	static const struct {
		const char *kind;
		int rsa_bits;
		tern_error error;
	} keys[] = {
		{"P-256", 0, TERN_OK},
		{"P-384", 0, TERN_OK},
		{"ED25519", 0, TERN_OK},
		{"RSA 2048", 2048, TERN_OK},
		{"RSA 4096", 4096, TERN_OK},
		{"RSA 2047", 2047, TERN_ERROR_CERTIFICATE_UNSUPPORTED_KEY},
		{"RSA 4097", 4097, TERN_ERROR_CERTIFICATE_UNSUPPORTED_KEY},
		{"P-521", 0, TERN_ERROR_CERTIFICATE_UNSUPPORTED_KEY},
		{"ED448", 0, TERN_ERROR_CERTIFICATE_UNSUPPORTED_KEY},
		{"X25519", 0, TERN_ERROR_CERTIFICATE_UNSUPPORTED_KEY},
	};
	struct crypto *c = open_provider(p);
	(void)state;
	for (size_t i = 0; i < NUM(keys); i++) {
		EVP_PKEY *key = keys[i].rsa_bits ? make_rsa_public(keys[i].rsa_bits) : make_key(keys[i].kind);
		check_raw_key(c, keys[i].kind, key, keys[i].error);
		EVP_PKEY_free(key);
	}
	p->close(c);
}

static void test_trust(void **state)
{
	struct crypto *c = open_provider(p);
	struct text root = certificate_pem(world.certificates[ROOT]), key = key_pem(world.leaf_key);
	X509 *leaf = make_leaf(&(struct recipe){.cn = "x"}, ROOT);
	struct sent sent = {.n = 0};
	struct trust *trust = NULL;
	struct peer_chain *peer;
	(void)state;
	check_error("empty", p->trust_add(&trust, span_of(NULL, 0)), TERN_ERROR_BAD_PEM);
	check_error("a key", p->trust_add(&trust, text_bytes(key)), TERN_ERROR_BAD_PEM);
	check_error("cut off", p->trust_add(&trust, span_of(root.p, root.n - 30)), TERN_ERROR_BAD_CERTIFICATE_FILE);
	check_queue("trust");
	assert_null(trust);
	check_error("system", p->trust_add_system(&trust), TERN_OK);
	check_queue("system");
	send(&sent, leaf);
	check_error("parse", p->chain_parse(c, &peer, sent.der, 1, false), TERN_OK);
	check_error("system only", judge(c, peer, trust, SERVER, span_of(NULL, 0), TEST_NOW), UNKNOWN_ISSUER);
	for (int twice = 0; twice < 2; twice++)
		check_error("added", p->trust_add(&trust, text_bytes(root)), TERN_OK);
	check_error("both", judge(c, peer, trust, SERVER, span_of(NULL, 0), TEST_NOW), TERN_OK);
	p->chain_free(c, peer);
	p->trust_free(trust);
	p->trust_free(NULL);
	free_sent(&sent);
	X509_free(leaf);
	free(root.p);
	free(key.p);
	p->close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),	  cmocka_unit_test(test_time),
		cmocka_unit_test(test_odd_names), cmocka_unit_test(test_bad_signature),
		cmocka_unit_test(test_malformed), cmocka_unit_test(test_key_usage),
		cmocka_unit_test(test_raw_keys),  cmocka_unit_test(test_trust),
	};
	return cmocka_run_group_tests(tests, make_world, free_world);
}
