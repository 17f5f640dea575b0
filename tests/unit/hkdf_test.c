/* hkdf_extract and hkdf_expand_label of src/crypto/prf.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "crypto/prf.h"
#include "crypto_check.h"

/* RFC 5869 A.1 to A.3. */
static const struct {
	const char *name, *salt, *ikm, *prk;
} extracts[] = {
	{"RFC 5869 A.1", "000102030405060708090a0b0c", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	 "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"},
	{"RFC 5869 A.2",
	 "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f"
	 "909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
	 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
	 "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
	 "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244"},
	{"RFC 5869 A.3", "", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	 "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04"},
};

static void extract(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(extracts); i++) {
		const struct hash_alg *hash = provider_libcrypto.hash[HASH_SHA256];
		uint8_t salt[80], ikm[80], out[33];
		out[32] = 0xee;
		hkdf_extract(hash, out, unhex(salt, sizeof salt, extracts[i].salt),
			     unhex(ikm, sizeof ikm, extracts[i].ikm));
		check_hex(extracts[i].name, span_of(out, 32), extracts[i].prk);
		assert_int_equal(out[32], 0xee);
	}
}

/* RFC 8448 3: "tls13 derived" under the early secret, the key and the IV of the server's handshake data, and the PSK of
 * its ticket. */
static const struct {
	const char *label, *secret, *context, *out;
} expands[] = {
	{"derived", "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a",
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	 "6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba"},
	{"key", "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38", "",
	 "3fce516009c21727d0f2e4e86ee403bc"},
	{"iv", "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38", "", "5d313eb2671276ee13000b30"},
	{"resumption", "7df235f2031d2a051287d02b0241b0bfdaf86cc856231f2d5aba46c434ec196c", "0000",
	 "4ecd0eb6ec3b4d87f5d6028f922ca4c5851a277fd41311c9e62d2c9492e1c4f3"},
};

static void expand_label(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(expands); i++) {
		uint8_t secret[32], context[32], want[32], out[33];
		struct span w = unhex(want, sizeof want, expands[i].out);
		memset(out, 0xee, sizeof out);
		hkdf_expand_label(provider_libcrypto.hash[HASH_SHA256], out, w.n,
				  unhex(secret, sizeof secret, expands[i].secret), "tls13 ", expands[i].label,
				  unhex(context, sizeof context, expands[i].context));
		check_bytes(expands[i].label, span_of(out, w.n), w);
		assert_int_equal(out[w.n], 0xee);
	}
}

/* HKDF-Expand-Label by OpenSSL. */
static void oracle(const char *digest, uint8_t *out, size_t n, struct span secret, const char *prefix,
		   const char *label, struct span context)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	char mode[] = "EXPAND_ONLY";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, mode, 0),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret.p, secret.n),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, (char *)prefix, strlen(prefix)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, (char *)label, strlen(label)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_DATA, (void *)context.p, context.n),
		OSSL_PARAM_construct_end(),
	};
	if (EVP_KDF_derive(ctx, out, n, params) != 1)
		fail_msg("%s: OpenSSL fails", label);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

static void against_openssl(void **state)
{
	static const struct {
		const char *name;
		enum hash_id id;
	} hashes[] = {{"SHA256", HASH_SHA256}, {"SHA384", HASH_SHA384}};
	static const char *const labels[] = {"k", "c hs traffic", "EXPORTER-a-label-of-some-length"};
	static const size_t lengths[] = {1, 12, 16, 31, 32, 33, 48, 49, 96, 97, 255, 300, 8160};
	static uint8_t want[8160], out[8161];
	uint8_t secret[48], context[48];
	(void)state;
	for (size_t i = 0; i < sizeof secret; i++)
		secret[i] = (uint8_t)(7 * i), context[i] = (uint8_t)(255 - i);
	for (size_t h = 0; h < NUM(hashes); h++) {
		const struct hash_alg *hash = provider_libcrypto.hash[hashes[h].id];
		for (size_t i = 0; i < NUM(labels) * NUM(lengths); i++) {
			const char *label = labels[i % NUM(labels)];
			size_t n = lengths[i / NUM(labels)];
			struct span c = span_of(context, i % 2 ? hash->len : 0);
			oracle(hashes[h].name, want, n, span_of(secret, hash->len), "dtls13", label, c);
			out[n] = 0xee;
			hkdf_expand_label(hash, out, n, span_of(secret, hash->len), "dtls13", label, c);
			check_bytes(label, span_of(out, n), span_of(want, n));
			assert_int_equal(out[n], 0xee);
		}
	}
}

static void in_place(void **state)
{
	const struct hash_alg *hash = provider_libcrypto.hash[HASH_SHA384];
	uint8_t secret[48] = {1, 2, 3}, want[48];
	(void)state;
	hkdf_expand_label(hash, want, 48, span_of(secret, 48), "dtls13", "traffic upd", span_of(NULL, 0));
	hkdf_expand_label(hash, secret, 48, span_of(secret, 48), "dtls13", "traffic upd", span_of(NULL, 0));
	assert_memory_equal(secret, want, 48);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(extract),
		cmocka_unit_test(expand_label),
		cmocka_unit_test(against_openssl),
		cmocka_unit_test(in_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
