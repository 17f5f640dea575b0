/* src/handshake/schedule13.c. RFC 9147 5.9. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/prf.h"
#include "crypto_check.h"
#include "handshake/schedule13.h"

#define TLS "tls13 "
#define DTLS "dtls13"

enum stage { EARLY, HANDSHAKE, MASTER };

/* RFC 8448 3 and 4. The digests of the transcripts before Finished, which it does not show, were computed from the
 * messages it does. */
static const struct trace {
	const char *name, *psk, *shared, *early, *handshake, *master;
} traces[] = {
	{"1-RTT", "", "8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d",
	 "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a",
	 "1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac",
	 "18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919"},
	{"resumed", "4ecd0eb6ec3b4d87f5d6028f922ca4c5851a277fd41311c9e62d2c9492e1c4f3",
	 "f44194756ff9ec9d25180635d66ea6824c6ab3bf179977be37f723570e7ccb2e",
	 "9b2188e9b2fc6d64d71dc329900e20bb41915000f678aa839cbb797cb7d8332c",
	 "005cb112fd8eb4ccc623bb88a07c64b3ede1605363fc7d0df8c7ce4ff0fb4ae6",
	 "e2d32d4ed66dd37897a0e80c84107503ce58bf8aad4cb55a5002d77ecb890ece"},
};

static const struct {
	size_t trace;
	enum stage stage;
	const char *label, *digest, *secret;
} secrets[] = {
	{0, HANDSHAKE, "c hs traffic", "860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8",
	 "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21"},
	{0, HANDSHAKE, "s hs traffic", "860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8",
	 "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38"},
	{0, MASTER, "c ap traffic", "9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13",
	 "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5"},
	{0, MASTER, "s ap traffic", "9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13",
	 "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643"},
	{0, MASTER, "exp master", "9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13",
	 "fe22f881176eda18eb8f44529e6792c50c9a3f89452f68d8ae311b4309d3cf50"},
	{0, MASTER, "res master", "209145a96ee8e2a122ff810047cc952684658d6049e86429426db87c54ad143d",
	 "7df235f2031d2a051287d02b0241b0bfdaf86cc856231f2d5aba46c434ec196c"},
	{1, EARLY, "c e traffic", "08ad0fa05d7c7233b1775ba2ff9f4c5b8b59276b7f227f13a976245f5d960913",
	 "3fbbe6a60deb66c30a32795aba0eff7eaa10105586e7be5c09678d63b6caab62"},
	{1, EARLY, "e exp master", "08ad0fa05d7c7233b1775ba2ff9f4c5b8b59276b7f227f13a976245f5d960913",
	 "b2026866610937d7423e5be90862ccf24c0e6091186d34f812089ff5be2ef7df"},
	{1, HANDSHAKE, "c hs traffic", "f736cb34fe25e701551bee6fd24c1cc7102a7daf9405cb15d97aafe16f757d03",
	 "2faac08f851d35fea3604fcb4de82dc62c9b164a70974d0462e27f1ab278700f"},
	{1, HANDSHAKE, "s hs traffic", "f736cb34fe25e701551bee6fd24c1cc7102a7daf9405cb15d97aafe16f757d03",
	 "fe927ae271312e8bf0275b581c54eef020450dc4ecffaa05a1a35d27518e7803"},
	{1, MASTER, "c ap traffic", "b0aeffc46a2cfe33114e6fd7d51f9f04b1ca3c497dab08934a774a9d9ad7dbf3",
	 "2abbf2b8e381d23dbebe1dd2a7d16a8bf484cb4950d23fb7fb7fa8547062d9a1"},
	{1, MASTER, "s ap traffic", "b0aeffc46a2cfe33114e6fd7d51f9f04b1ca3c497dab08934a774a9d9ad7dbf3",
	 "cc21f1bf8feb7dd5fa505bd9c4b468a9984d554a993dc49e6d285598fb672691"},
	{1, MASTER, "exp master", "b0aeffc46a2cfe33114e6fd7d51f9f04b1ca3c497dab08934a774a9d9ad7dbf3",
	 "3fd93d4ffddc98e64b14dd107aedf8ee4add23f4510f58a4592d0b201bee56b4"},
	{1, MASTER, "res master", "c3c122e0bd907a4a3ff6112d8fd53dbf89c773d9552e8b6b9d56d361b3a97bf6",
	 "5e95bdf1f89005ea2e9aa0ba85e728e3c19c5fe0c699e3f5bee59faebd0b5406"},
};

static const struct {
	const char *name, *secret, *key, *iv;
} keys[] = {
	{"1-RTT, server, handshake data", "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38",
	 "3fce516009c21727d0f2e4e86ee403bc", "5d313eb2671276ee13000b30"},
	{"1-RTT, server, application data", "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
	 "9f02283b6c9c07efc26bb9f2ac92e356", "cf782b88dd83549aadf1e984"},
	{"1-RTT, server, handshake data", "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21",
	 "dbfaa693d1762c5b666af5d950258d01", "5bd3c71b836e0b76bb73265f"},
	{"1-RTT, client, application data", "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
	 "17422dda596ed5d9acd890e3c63f5051", "5b78923dee08579033e523d9"},
	{"resumed, client, early application data", "3fbbe6a60deb66c30a32795aba0eff7eaa10105586e7be5c09678d63b6caab62",
	 "920205a5b7bf2115e6fc5c2942834f54", "6d475f0993c8e564610db2b9"},
	{"resumed, server, handshake data", "fe927ae271312e8bf0275b581c54eef020450dc4ecffaa05a1a35d27518e7803",
	 "27c6bdc0a3dcea39a47326d79bc9e4ee", "9569ecdd4d0536705e9ef725"},
	{"resumed, server, application data", "cc21f1bf8feb7dd5fa505bd9c4b468a9984d554a993dc49e6d285598fb672691",
	 "e857c690a34c5a9129d833619684f95e", "0685d6b561aab9ef1013faf9"},
	{"resumed, client, handshake data", "2faac08f851d35fea3604fcb4de82dc62c9b164a70974d0462e27f1ab278700f",
	 "b1530806f4adfeac83f1413032bbfa82", "eb50c16be7654abf99dd06d9"},
	{"resumed, client, application data", "2abbf2b8e381d23dbebe1dd2a7d16a8bf484cb4950d23fb7fb7fa8547062d9a1",
	 "3cf122f301c6358ca7989553250efd72", "ab1aec26aa78b8fc1176b9ac"},
};

static const struct {
	const char *name, *base, *digest, *verify_data;
} finisheds[] = {
	{"1-RTT, server", "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38",
	 "edb7725fa7a3473b031ec8ef65a2485493900138a2b91291407d7951a06110ed",
	 "9b9b141d906337fbd2cbdce71df4deda4ab42c309572cb7fffee5454b78f0718"},
	{"1-RTT, client", "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21",
	 "9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13",
	 "a8ec436d677634ae525ac1fcebe11a039ec17694fac6e98527b642f2edd5ce61"},
	{"resumed, server", "fe927ae271312e8bf0275b581c54eef020450dc4ecffaa05a1a35d27518e7803",
	 "04055455ef74b2322ba366cbc4cfe02723434b37b9b3671bb5a3006056d8f02f",
	 "48d3e0e1b3d907c6acff145e16090388c77b05c050b634ab1a88bbd0dd1a34b2"},
	{"resumed, client", "2faac08f851d35fea3604fcb4de82dc62c9b164a70974d0462e27f1ab278700f",
	 "9f23a00c1f08fc18807b8b68237b565df20d4c50dd8e49ef612e1a5bb16c5867",
	 "7230a9c952c25cd6138fc5e6628308c41c5335dd81b9f96bcea50fd32bda416d"},
	{"binder", "69fe131a3bbad5d63c64eebcc30e395b9d8107726a13d074e389dbc8a4e47256",
	 "63224b2e4573f2d3454ca84b9d009a04f6be9e05711a8396473aefa01e924a14",
	 "3add4fb2d8fdf822a0ca3cf7678ef5e88dae990141c5924d57bb6fa31b9e5f9d"},
};

static const struct hash_alg *sha256(void)
{
	return provider_libcrypto.hash[HASH_SHA256];
}

static void check_secret(const char *name, const uint8_t *got, const char *want)
{
	check_hex(name, span_of(got, sha256()->len), want);
}

static struct schedule13 schedule_at(const struct trace *t, const char *prefix, enum stage stage)
{
	uint8_t psk[32], shared[32];
	struct schedule13 s;
	memset(&s, 0xa5, sizeof s);
	schedule13_start(&s, sha256(), prefix, unhex(psk, sizeof psk, t->psk));
	if (stage >= HANDSHAKE)
		schedule13_advance(&s, unhex(shared, sizeof shared, t->shared));
	if (stage >= MASTER)
		schedule13_master(&s);
	return s;
}

static void stages(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(traces); i++) {
		const char *want[] = {traces[i].early, traces[i].handshake, traces[i].master};
		for (enum stage stage = EARLY; stage <= MASTER; stage++) {
			struct schedule13 s = schedule_at(&traces[i], TLS, stage);
			check_secret(traces[i].name, s.secret, want[stage]);
			assert_ptr_equal(s.hash, sha256());
			assert_string_equal(s.prefix, TLS);
		}
	}
}

static void derived_secrets(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(secrets); i++) {
		struct schedule13 s = schedule_at(&traces[secrets[i].trace], TLS, secrets[i].stage);
		uint8_t digest[32], out[SECRET13_MAX];
		unhex(digest, sizeof digest, secrets[i].digest);
		schedule13_secret(&s, out, secrets[i].label, digest);
		check_secret(secrets[i].label, out, secrets[i].secret);
	}
}

static void traffic_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(keys); i++) {
		uint8_t secret[32], key[17], iv[13], sn[17], want[16];
		unhex(secret, sizeof secret, keys[i].secret);
		key[16] = iv[12] = sn[16] = 0xee;
		schedule13_traffic_keys(sha256(), TLS, secret, key, 16, iv, sn);
		check_hex(keys[i].name, span_of(key, 16), keys[i].key);
		check_hex(keys[i].name, span_of(iv, 12), keys[i].iv);
		hkdf_expand_label(sha256(), want, 16, span_of(secret, 32), TLS, "sn", span_of(NULL, 0));
		check_bytes(keys[i].name, span_of(sn, 16), span_of(want, 16)); /* TLS has none: RFC 9147 4.2.3 */
		assert_true(key[16] == 0xee && iv[12] == 0xee && sn[16] == 0xee);
	}
}

static void finished(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(finisheds); i++) {
		uint8_t base[32], digest[32], out[SECRET13_MAX];
		unhex(base, sizeof base, finisheds[i].base);
		unhex(digest, sizeof digest, finisheds[i].digest);
		schedule13_finished(sha256(), TLS, out, base, digest);
		check_secret(finisheds[i].name, out, finisheds[i].verify_data);
	}
}

/* The binder key of RFC 8448 4 is the base of its binder. */
static void binder_keys(void **state)
{
	static const char *const others[] = {"ext binder", "imp binder"};
	const struct schedule13 s = schedule_at(&traces[1], TLS, EARLY);
	uint8_t out[SECRET13_MAX], other[SECRET13_MAX];
	(void)state;
	schedule13_binder_key(&s, out, "res binder");
	check_secret("res binder", out, finisheds[NUM(finisheds) - 1].base);
	for (size_t i = 0; i < NUM(others); i++) {
		schedule13_binder_key(&s, other, others[i]);
		check_true(others[i], memcmp(out, other, 32) != 0);
	}
}

/* The ticket of RFC 8448 3 is the PSK of RFC 8448 4. */
static void resumption(void **state)
{
	static const uint8_t nonce[] = {0, 0};
	uint8_t res_master[32], out[SECRET13_MAX];
	(void)state;
	unhex(res_master, sizeof res_master, "7df235f2031d2a051287d02b0241b0bfdaf86cc856231f2d5aba46c434ec196c");
	schedule13_resumption_psk(sha256(), TLS, out, res_master, span_of(nonce, sizeof nonce));
	check_secret("resumption", out, traces[1].psk);
}

/* Secrets without an example in RFC 8448 are put together from hkdf_expand_label, which has its own oracle. */
static void update(void **state)
{
	uint8_t secret[32], want[32];
	(void)state;
	unhex(secret, sizeof secret, keys[0].secret);
	hkdf_expand_label(sha256(), want, 32, span_of(secret, 32), DTLS, "traffic upd", span_of(NULL, 0));
	schedule13_update(sha256(), DTLS, secret);
	check_bytes("update", span_of(secret, 32), span_of(want, 32));
}

static void exporter(void **state)
{
	static const char empty[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	static const struct {
		const char *name, *context, *digest;
		size_t n;
	} cases[] = {
		{"no context", "", empty, 32}, {"context", "abc", abc, 32}, {"short", "abc", abc, 1},
		{"long", "abc", abc, 300},     {"nothing", "abc", abc, 0},
	};
	uint8_t exp_master[32], digest[32], secret[32], want[300], out[301];
	(void)state;
	unhex(exp_master, sizeof exp_master, "fe22f881176eda18eb8f44529e6792c50c9a3f89452f68d8ae311b4309d3cf50");
	for (size_t i = 0; i < NUM(cases); i++) {
		unhex(digest, sizeof digest, empty);
		hkdf_expand_label(sha256(), secret, 32, span_of(exp_master, 32), DTLS, "EXPORTER-test",
				  span_of(digest, 32));
		unhex(digest, sizeof digest, cases[i].digest);
		hkdf_expand_label(sha256(), want, cases[i].n, span_of(secret, 32), DTLS, "exporter",
				  span_of(digest, 32));
		memset(out, 0xee, sizeof out);
		schedule13_exporter(sha256(), DTLS, out, cases[i].n, exp_master, "EXPORTER-test",
				    text_span(cases[i].context));
		check_bytes(cases[i].name, span_of(out, cases[i].n), span_of(want, cases[i].n));
		assert_int_equal(out[cases[i].n], 0xee);
	}
}

/* What every function makes of the same inputs under a prefix, in order. */
static size_t everything(const char *prefix, uint8_t out[][SECRET13_MAX])
{
	static const uint8_t zeros[SECRET13_MAX];
	const struct hash_alg *hash = sha256();
	struct schedule13 s = schedule_at(&traces[1], prefix, EARLY);
	size_t n = 0;
	schedule13_binder_key(&s, out[n++], "res binder");
	schedule13_secret(&s, out[n++], "c e traffic", zeros);
	s = schedule_at(&traces[1], prefix, HANDSHAKE);
	memcpy(out[n++], s.secret, hash->len);
	s = schedule_at(&traces[1], prefix, MASTER);
	memcpy(out[n++], s.secret, hash->len);
	schedule13_traffic_keys(hash, prefix, zeros, out[n], 16, out[n + 1], out[n + 2]);
	n += 3;
	schedule13_finished(hash, prefix, out[n++], zeros, zeros);
	schedule13_update(hash, prefix, out[n++]);
	schedule13_resumption_psk(hash, prefix, out[n++], zeros, span_of(zeros, 1));
	schedule13_exporter(hash, prefix, out[n++], 32, zeros, "EXPORTER-test", span_of(NULL, 0));
	return n;
}

/* Nothing is the same under the labels of DTLS and of TLS, nor with a blank behind the prefix. */
static void other_prefixes(void **state)
{
	static const char *const wrong[] = {TLS, "dtls13 ", "tls13", ""};
	uint8_t right[16][SECRET13_MAX] = {{0}};
	size_t n = everything(DTLS, right);
	(void)state;
	for (size_t i = 0; i < NUM(wrong); i++) {
		uint8_t out[16][SECRET13_MAX] = {{0}};
		assert_int_equal(everything(wrong[i], out), n);
		for (size_t j = 0; j < n; j++)
			if (memcmp(out[j], right[j], 12) == 0)
				fail_msg("value %zu is the same under \"%s\"", j, wrong[i]);
	}
}

/* An empty input is as many zeros as the hash is long. */
static void zeros_for_nothing(void **state)
{
	static const enum hash_id ids[] = {HASH_SHA256, HASH_SHA384};
	static const uint8_t zeros[SECRET13_MAX];
	(void)state;
	for (size_t i = 0; i < NUM(ids); i++) {
		const struct hash_alg *hash = provider_libcrypto.hash[ids[i]];
		const struct span none = span_of(NULL, 0), zero = span_of(zeros, hash->len);
		struct schedule13 s, t;
		schedule13_start(&s, hash, DTLS, none);
		schedule13_start(&t, hash, DTLS, zero);
		assert_memory_equal(s.secret, t.secret, hash->len);
		schedule13_advance(&s, none);
		schedule13_advance(&t, zero);
		assert_memory_equal(s.secret, t.secret, hash->len);
		schedule13_advance(&s, zero);
		schedule13_master(&t);
		assert_memory_equal(s.secret, t.secret, hash->len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stages),	  cmocka_unit_test(derived_secrets),
		cmocka_unit_test(traffic_keys),	  cmocka_unit_test(finished),
		cmocka_unit_test(binder_keys),	  cmocka_unit_test(resumption),
		cmocka_unit_test(update),	  cmocka_unit_test(exporter),
		cmocka_unit_test(other_prefixes), cmocka_unit_test(zeros_for_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
