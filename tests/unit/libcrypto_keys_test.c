#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto_check.h"
#include "x509_make.h"

static const struct provider *const p = &provider_libcrypto;

static const struct recipe plain = {.cn = "test"};

static void free_credential(struct credential_pem *k)
{
	for (size_t i = 0; i < k->num_chain; i++)
		heap_free_copy(&heap_default, (void *)k->chain[i].p, k->chain[i].n);
	heap_free_copy(&heap_default, (void *)k->spki.p, k->spki.n);
	p->private_key_free(k->key);
}

/* Loads; a failure must leave nothing behind. */
static tern_error load(struct credential_pem *k, struct span chain, struct span key, const char *name)
{
	tern_error error = p->credential_load(&heap_default, k, chain, key);
	check_queue(name);
	if (error != TERN_OK)
		check_true(name, k->num_chain == 0 && !k->key && !k->spki.p);
	return error;
}

static const struct {
	const char *kind;
	enum key_type type;
	uint16_t schemes[6]; /* DTLS 1.2; 0 at the end */
} kinds[] = {
	{"P-256", KEY_P256, {0x0403, 0x0503}},
	{"P-384", KEY_P384, {0x0403, 0x0503}},
	{"ED25519", KEY_ED25519, {0x0807}},
	{"RSA", KEY_RSA, {0x0401, 0x0501, 0x0601, 0x0804, 0x0805}},
	{"RSA-PSS", KEY_RSA_PSS, {0x0809, 0x080a, 0x080b}},
};

static bool usable(size_t kind, uint16_t scheme)
{
	for (size_t i = 0; kinds[kind].schemes[i]; i++)
		if (kinds[kind].schemes[i] == scheme)
			return true;
	return kinds[kind].type == KEY_RSA && scheme == 0x0806;
}

/* What is signed: a digest of the right length, or any message. */
static struct span make_tbs(uint8_t *bytes, const struct scheme_alg *s)
{
	memset(bytes, 0x5a, 100);
	return span_of(bytes, s->prehash == HASH_NONE ? 100 : p->hash[s->prehash]->len);
}

static void check_signature(struct crypto *c, struct private_key *key, struct peer_chain *peer,
			    const struct scheme_alg *s)
{
	uint8_t bytes[100], signature[SIGNATURE_MAX + 1];
	struct span tbs = make_tbs(bytes, s);
	size_t n = 0;
	check_error(s->name, p->sign(c, key, s, tbs, signature, &n), TERN_OK);
	check_true(s->name, n > 0 && n <= SIGNATURE_MAX);
	check_error(s->name, p->verify(c, peer, s, tbs, span_of(signature, n)), TERN_OK);
	check_error(s->name, p->verify(c, peer, s, tbs, span_of(signature, n - 1)), TERN_ERROR_BAD_SIGNATURE);
	check_error(s->name, p->verify(c, peer, s, tbs, span_of(signature, n + 1)), TERN_ERROR_BAD_SIGNATURE);
	check_error(s->name, p->verify(c, peer, s, tbs, span_of(signature, 0)), TERN_ERROR_BAD_SIGNATURE);
	signature[n - 1] ^= 1;
	check_error(s->name, p->verify(c, peer, s, tbs, span_of(signature, n)), TERN_ERROR_BAD_SIGNATURE);
	signature[n - 1] ^= 1;
	bytes[0] ^= 1;
	check_error(s->name, p->verify(c, peer, s, tbs, span_of(signature, n)), TERN_ERROR_BAD_SIGNATURE);
	check_queue(s->name);
}

/* A signature by one scheme is not one by another of the same key and hash. */
static void check_scheme_counts(struct crypto *c, struct private_key *key, struct peer_chain *peer)
{
	const struct scheme_alg *pkcs1 = scheme_by_id(0x0401), *pss = scheme_by_id(0x0804);
	uint8_t bytes[100], signature[SIGNATURE_MAX];
	struct span tbs = make_tbs(bytes, pss);
	size_t n;
	check_error("PSS", p->sign(c, key, pss, tbs, signature, &n), TERN_OK);
	check_error("PSS as PKCS1", p->verify(c, peer, pkcs1, tbs, span_of(signature, n)), TERN_ERROR_BAD_SIGNATURE);
	check_error("PKCS1", p->sign(c, key, pkcs1, tbs, signature, &n), TERN_OK);
	check_error("PKCS1 as PSS", p->verify(c, peer, pss, tbs, span_of(signature, n)), TERN_ERROR_BAD_SIGNATURE);
}

/* RFC 8446 4.2.3 fixes the length of the salt: OpenSSL, told that length, takes our signatures. */
static void check_pss_salt(struct crypto *c, struct private_key *key, EVP_PKEY *pkey)
{
	const struct scheme_alg *s = scheme_by_id(0x0805);
	uint8_t bytes[100], signature[SIGNATURE_MAX];
	struct span tbs = make_tbs(bytes, s);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	size_t n;
	check_error("salt", p->sign(c, key, s, tbs, signature, &n), TERN_OK);
	check_true("salt", EVP_PKEY_verify_init(ctx) == 1 &&
				   EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
				   EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha384()) == 1 &&
				   EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, 48) == 1);
	check_true("salt", EVP_PKEY_verify(ctx, signature, n, tbs.p, tbs.n) == 1);
	EVP_PKEY_CTX_free(ctx);
}

/* Each kind of key, with a chain and as a raw key, by every scheme. */
static void check_kind(struct crypto *c, size_t kind, bool raw)
{
	const char *name = kinds[kind].kind;
	EVP_PKEY *pkey = make_key(name);
	X509 *x = make_certificate(&plain, pkey, NULL, NULL);
	struct text chain = certificate_pem(x), key = key_pem(pkey);
	struct credential_pem k;
	struct peer_chain *peer;
	uint8_t *der = NULL;
	int n = i2d_PUBKEY(pkey, &der);
	check_error(name, load(&k, raw ? span_of(NULL, 0) : text_bytes(chain), text_bytes(key), name), TERN_OK);
	check_true(name, k.key && k.key_type == kinds[kind].type && k.num_chain == (raw ? 0 : 1));
	check_bytes(name, k.spki, span_of(der, (size_t)n));
	check_error(name, p->chain_parse(c, &peer, raw ? &k.spki : k.chain, 1, raw), TERN_OK);
	check_true(name, p->chain_key_type(peer) == kinds[kind].type);
	for (size_t i = 0; i < num_schemes; i++) {
		uint8_t bytes[100], signature[SIGNATURE_MAX];
		struct span tbs = make_tbs(bytes, &schemes[i]);
		size_t len;
		if (usable(kind, schemes[i].id)) {
			check_signature(c, k.key, peer, &schemes[i]);
			continue;
		}
		check_error(name, p->sign(c, k.key, &schemes[i], tbs, signature, &len), TERN_ERROR_INTERNAL);
		check_error(name, p->verify(c, peer, &schemes[i], tbs, tbs), TERN_ERROR_BAD_SIGNATURE);
	}
	if (kinds[kind].type == KEY_RSA) {
		check_scheme_counts(c, k.key, peer);
		check_pss_salt(c, k.key, pkey);
	}
	p->chain_free(c, peer);
	free_credential(&k);
	OPENSSL_free(der);
	free(chain.p);
	free(key.p);
	X509_free(x);
	EVP_PKEY_free(pkey);
}

static void test_kinds(void **state)
{
	struct crypto *c = open_provider(p);
	(void)state;
	for (size_t i = 0; i < NUM(kinds); i++)
		for (int raw = 0; raw < 2; raw++)
			check_kind(c, i, raw);
	p->private_key_free(NULL);
	p->chain_free(c, NULL);
	p->close(c);
	p->close(NULL);
}

/* RFC 8032 7.1, test 2: the key, a message of one byte, the signature. */
static void test_ed25519_vector(void **state)
{
	static const char key_text[] =
		"302e020100300506032b6570042204204ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
	static const char want[] = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
				   "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
	struct crypto *c = open_provider(p);
	uint8_t der[64], signature[SIGNATURE_MAX];
	struct span key = unhex(der, sizeof der, key_text);
	BIO *bio = BIO_new(BIO_s_mem());
	struct text pem;
	struct credential_pem k;
	size_t n;
	(void)state;
	PEM_write_bio(bio, PEM_STRING_PKCS8INF, "", key.p, (long)key.n);
	pem = text_take(bio);
	check_error("load", load(&k, span_of(NULL, 0), text_bytes(pem), "load"), TERN_OK);
	check_error("sign", p->sign(c, k.key, scheme_by_id(0x0807), span_of("\x72", 1), signature, &n), TERN_OK);
	check_hex("RFC 8032 7.1", span_of(signature, n), want);
	free_credential(&k);
	free(pem.p);
	p->close(c);
}

/* A pair of matching texts and how a case bends them. */
struct pair {
	struct text chain, key, other_key, traditional, encrypted, encrypted_traditional;
};

static struct text write_key(EVP_PKEY *pkey, bool traditional, bool encrypted)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const EVP_CIPHER *cipher = encrypted ? EVP_aes_128_cbc() : NULL;
	const char *pass = encrypted ? "secret" : NULL;
	int n = encrypted ? 6 : 0;
	int ok = traditional
			 ? PEM_write_bio_PrivateKey_traditional(bio, pkey, cipher, (const uint8_t *)pass, n, NULL, NULL)
			 : PEM_write_bio_PKCS8PrivateKey(bio, pkey, cipher, pass, n, NULL, NULL);
	check_true("write key", ok == 1);
	return text_take(bio);
}

static void make_pair(struct pair *t, const char *kind)
{
	EVP_PKEY *pkey = make_key(kind), *other = make_key(kind);
	X509 *x = make_certificate(&plain, pkey, NULL, NULL);
	t->chain = certificate_pem(x);
	t->key = key_pem(pkey);
	t->other_key = key_pem(other);
	t->traditional = write_key(pkey, true, false);
	t->encrypted = write_key(pkey, false, true);
	t->encrypted_traditional = write_key(pkey, true, true);
	X509_free(x);
	EVP_PKEY_free(pkey);
	EVP_PKEY_free(other);
}

static void free_pair(struct pair *t)
{
	free(t->chain.p);
	free(t->key.p);
	free(t->other_key.p);
	free(t->traditional.p);
	free(t->encrypted.p);
	free(t->encrypted_traditional.p);
}

static const char ec_parameters[] = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
static const char bad_der[] = "-----BEGIN CERTIFICATE-----\nAAECAwQFBgc=\n-----END CERTIFICATE-----\n";
static const char bad_key_der[] = "-----BEGIN PRIVATE KEY-----\nAAECAwQFBgc=\n-----END PRIVATE KEY-----\n";

/* Parts of a file: c the chain, k the key, o another key, t the key in the traditional form, e encrypted, f encrypted
 * in the traditional form, p EC PARAMETERS, x a comment, d bad DER, b bad key DER; / cuts off the last 30 bytes so far.
 */
static const struct {
	const char *name, *chain, *key;
	tern_error error;
	size_t num_chain;
} files[] = {
	{"both", "c", "k", TERN_OK, 1},
	{"traditional", "c", "t", TERN_OK, 1},
	{"EC PARAMETERS in front", "c", "pt", TERN_OK, 1},
	{"comments", "xcx", "xkx", TERN_OK, 1},
	{"one file for both", "kc", "kc", TERN_OK, 1},
	{"one file for both, chain first", "ck", "ck", TERN_OK, 1},
	{"chain of two", "cc", "k", TERN_OK, 2},
	{"chain of eight", "cccccccc", "k", TERN_OK, 8},
	{"chain of nine", "ccccccccc", "k", TERN_ERROR_BAD_CERTIFICATE_FILE, 0},
	{"chain alone", "c", "", TERN_OK, 1},
	{"key alone", "", "k", TERN_OK, 0},
	{"neither", "", "", TERN_ERROR_BAD_PEM, 0},
	{"mismatch", "c", "o", TERN_ERROR_KEY_MISMATCH, 0},
	{"encrypted", "c", "e", TERN_ERROR_ENCRYPTED_KEY, 0},
	{"encrypted, traditional", "c", "f", TERN_ERROR_ENCRYPTED_KEY, 0},
	{"encrypted, EC PARAMETERS in front", "c", "pf", TERN_ERROR_ENCRYPTED_KEY, 0},
	{"no PEM in chain", "x", "k", TERN_ERROR_BAD_PEM, 0},
	{"no PEM in key", "c", "x", TERN_ERROR_BAD_PEM, 0},
	{"swapped", "k", "c", TERN_ERROR_BAD_PEM, 0},
	{"parameters only", "c", "p", TERN_ERROR_BAD_PEM, 0},
	{"chain cut off", "c/", "k", TERN_ERROR_BAD_CERTIFICATE_FILE, 0},
	{"second certificate cut off", "cc/", "k", TERN_ERROR_BAD_CERTIFICATE_FILE, 0},
	{"key cut off", "c", "k/", TERN_ERROR_BAD_KEY_FILE, 0},
	{"bad DER", "d", "k", TERN_ERROR_BAD_CERTIFICATE_FILE, 0},
	{"bad DER second", "cd", "k", TERN_ERROR_BAD_CERTIFICATE_FILE, 0},
	{"bad key DER", "c", "b", TERN_ERROR_BAD_KEY_FILE, 0},
};

static const char *part_text(const struct pair *t, char part)
{
	switch (part) {
	case 'c':
		return t->chain.p;
	case 'k':
		return t->key.p;
	case 'o':
		return t->other_key.p;
	case 't':
		return t->traditional.p;
	case 'e':
		return t->encrypted.p;
	case 'f':
		return t->encrypted_traditional.p;
	case 'p':
		return ec_parameters;
	case 'd':
		return bad_der;
	case 'b':
		return bad_key_der;
	default:
		return "just text\n";
	}
}

/* On an exact-size copy, so that AddressSanitizer sees an over-read. */
static struct text compose(const struct pair *t, const char *parts)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct text out;
	size_t cut = 0;
	for (; *parts; parts++) {
		if (*parts == '/')
			cut = 30;
		else
			BIO_puts(bio, part_text(t, *parts));
	}
	out = text_take(bio);
	out.n -= cut;
	out.p = realloc(out.p, out.n ? out.n : 1);
	return out;
}

static void test_files(void **state)
{
	struct pair t;
	(void)state;
	make_pair(&t, "P-256");
	for (size_t i = 0; i < NUM(files); i++) {
		struct text chain = compose(&t, files[i].chain), key = compose(&t, files[i].key);
		struct credential_pem k;
		check_error(files[i].name, load(&k, text_bytes(chain), text_bytes(key), files[i].name), files[i].error);
		if (files[i].error == TERN_OK) {
			check_true(files[i].name, k.num_chain == files[i].num_chain && !k.key == !*files[i].key);
			check_true(files[i].name, k.key_type == KEY_P256);
			free_credential(&k);
		}
		free(chain.p);
		free(key.p);
	}
	free_pair(&t);
}

static void test_unsupported(void **state)
{
	static const char *const unsupported[] = {"P-521", "RSA-1024", "ED448", "X25519"};
	(void)state;
	for (size_t i = 0; i < NUM(unsupported); i++) {
		EVP_PKEY *pkey = make_key(unsupported[i]);
		struct text key = key_pem(pkey);
		struct credential_pem k;
		check_error(unsupported[i], load(&k, span_of(NULL, 0), text_bytes(key), unsupported[i]),
			    TERN_ERROR_UNSUPPORTED_KEY);
		free(key.p);
		EVP_PKEY_free(pkey);
	}
}

/* A P-256 key whose curve is spelled out by its parameters. */
static void test_explicit_curve(void **state)
{
	EVP_PKEY *pkey = make_key("P-256");
	struct text key;
	struct credential_pem k;
	(void)state;
	check_true("explicit", EVP_PKEY_set_utf8_string_param(pkey, "encoding", "explicit") == 1);
	key = key_pem(pkey);
	check_error("explicit", load(&k, span_of(NULL, 0), text_bytes(key), "explicit"), TERN_ERROR_UNSUPPORTED_KEY);
	free(key.p);
	EVP_PKEY_free(pkey);
}

/* A mismatch of types is a mismatch too. */
static void test_mismatched_types(void **state)
{
	EVP_PKEY *rsa = make_key("RSA"), *ec = make_key("P-256");
	X509 *x = make_certificate(&plain, ec, NULL, NULL);
	struct text chain = certificate_pem(x), key = key_pem(rsa);
	struct credential_pem k;
	(void)state;
	check_error("types", load(&k, text_bytes(chain), text_bytes(key), "types"), TERN_ERROR_KEY_MISMATCH);
	free(chain.p);
	free(key.p);
	X509_free(x);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
}

/* Whatever allocation fails, nothing is kept. */
static void test_memory(void **state)
{
	struct pair t;
	struct failing_heap heap;
	struct crypto *c;
	struct credential_pem k;
	(void)state;
	make_pair(&t, "P-256");
	for (size_t n = 0; n < 3; n++) {
		failing_heap_init(&heap, n);
		check_error("load", p->credential_load(&heap.allocator, &k, text_bytes(t.chain), text_bytes(t.key)),
			    TERN_ERROR_NO_MEMORY);
		assert_int_equal(heap.held, 0);
	}
	failing_heap_init(&heap, 0);
	check_error("open", p->open(&c, &heap.allocator), TERN_ERROR_NO_MEMORY);
	assert_int_equal(heap.held, 0);
	free_pair(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),	       cmocka_unit_test(test_ed25519_vector),
		cmocka_unit_test(test_files),	       cmocka_unit_test(test_unsupported),
		cmocka_unit_test(test_explicit_curve), cmocka_unit_test(test_mismatched_types),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
