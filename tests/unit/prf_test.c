#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/prf.h"
#include "crypto_check.h"

/* Digests of "abc", FIPS 180-4 examples. */
static const struct {
	const char *name;
	enum hash_id hash;
	const char *digest;
} digests[] = {
	{"SHA-256", HASH_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"SHA-384", HASH_SHA384,
	 "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
	{"SHA-512", HASH_SHA512,
	 "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
	 "454d4423643ce80e2a9ac94fa54ca49f"},
};

static void test_snapshot(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(digests); i++) {
		const struct hash_alg *hash = provider_libcrypto.hash[digests[i].hash];
		struct hash_state s, copy;
		uint8_t out[HASH_MAX];
		hash->init(&s);
		hash->update(&s, (const uint8_t *)"ab", 2);
		copy = s;
		hash->update(&s, (const uint8_t *)"xyz", 3);
		hash->final(&s, out);
		hash->update(&copy, (const uint8_t *)"c", 1);
		hash->final(&copy, out);
		check_hex(digests[i].name, span_of(out, hash->len), digests[i].digest);
		assert_int_equal(hash->id, digests[i].hash);
	}
}

/* RFC 4231 4.2, 4.3, 4.7. */
static const struct {
	const char *name;
	uint8_t key_byte; /* repeated key_len times; 0: the key is "Jefe" */
	size_t key_len;
	const char *data, *mac[NUM_HASHES];
} hmacs[] = {
	{"RFC 4231 case 1",
	 0x0b,
	 20,
	 "Hi There",
	 {[HASH_SHA256] = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
	  [HASH_SHA384] =
		  "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
	  [HASH_SHA512] = "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
			  "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"}},
	{"RFC 4231 case 2",
	 0,
	 4,
	 "what do ya want for nothing?",
	 {[HASH_SHA256] = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
	  [HASH_SHA384] =
		  "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
	  [HASH_SHA512] = "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
			  "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"}},
	{"RFC 4231 case 6",
	 0xaa,
	 131,
	 "Test Using Larger Than Block-Size Key - Hash Key First",
	 {[HASH_SHA256] = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
	  [HASH_SHA384] =
		  "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
	  [HASH_SHA512] = "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
			  "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"}},
};

static void test_hmac(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(hmacs); i++) {
		uint8_t key[131], out[HASH_MAX];
		struct span data = text_span(hmacs[i].data), parts[3];
		memset(key, hmacs[i].key_byte, sizeof key);
		if (!hmacs[i].key_byte)
			memcpy(key, "Jefe", 4);
		parts[0] = span_of(data.p, 3);
		parts[1] = span_of(NULL, 0);
		parts[2] = span_of(data.p + 3, data.n - 3);
		for (int id = HASH_SHA256; id < NUM_HASHES; id++) {
			struct hmac_key k;
			hmac_key_init(&k, provider_libcrypto.hash[id], span_of(key, hmacs[i].key_len));
			for (int twice = 0; twice < 2; twice++) { /* the keyed state is not used up */
				hmac(&k, out, parts, 3);
				check_hex(hmacs[i].name, span_of(out, k.hash->len), hmacs[i].mac[id]);
			}
			hmac_key_wipe(&k);
		}
	}
}

/* The vectors for the TLS 1.2 PRF that circulate on the IETF's TLS list; label "test label". */
static const struct {
	const char *name;
	enum hash_id hash;
	const char *secret, *seed, *out;
} prfs[] = {
	{"P_SHA256", HASH_SHA256, "9bbe436ba940f017b17652849a71db35", "a0ba9f936cda311827a6f796ffd5198c",
	 "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af"
	 "0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
	 "87347b66"},
	{"P_SHA384", HASH_SHA384, "b80b733d6ceefcdc71566ea48e5567df", "cd665cf6a8447dd6ff8b27555edb7465",
	 "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe34f82b1233c9146a0"
	 "e534cb400fed2700884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d918425"
	 "9b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee691c8f3a26854308d5eaa3be85e099070"
	 "3d73e56f"},
};

static void test_prf12(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(prfs); i++) {
		uint8_t secret[16], seed[16], want[256], out[257];
		struct span s = unhex(secret, sizeof secret, prfs[i].secret),
			    z = unhex(seed, sizeof seed, prfs[i].seed);
		struct span w = unhex(want, sizeof want, prfs[i].out);
		for (size_t n = 0; n <= w.n; n++) { /* every length is a prefix, and nothing is written behind it */
			size_t cut = n % (z.n + 1);
			memset(out, 0xee, sizeof out);
			prf12(provider_libcrypto.hash[prfs[i].hash], out, n, s, "test label", span_of(z.p, cut),
			      span_of(z.p + cut, z.n - cut));
			check_bytes(prfs[i].name, span_of(out, n), span_of(w.p, n));
			assert_int_equal(out[n], 0xee);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_prf12),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
