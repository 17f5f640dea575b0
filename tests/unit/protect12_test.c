/* src/record/protect12.c, with the provider that does real cryptography. RFC 6347 4.1.2.1, 4.1.2.6, RFC 9146 3, 5. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "record/protect.h"
#include "unit/layers.h"

/* Protected records of OpenSSL 3.0 (s_server and s_client over loopback): key and IV from the key log's master secret,
 * Finished, application data, and the text of the latter. */
static const struct recorded {
	const char *name;
	enum aead_id aead;
	const char *key, *iv, *finished, *data, *text;
} recorded[] = {
	{"ECDHE-ECDSA-AES128-GCM-SHA256 client", AEAD_AES_128_GCM, "cab21a55166cd2fcdf0fba3da9d1508b", "51eb35bf",
	 "16fefd000100000000000000304ad50aae7f98b67d4fa99a569e391eb6e0b2ca626e6ae5f2efdae88390d83482c085c2"
	 "ebcaf99dbb9058e5feb22636ee",
	 "17fefd0001000000000001001f4ad50aae7f98b67ecaca10bedf446601f397789d3b1d2cc7e20169061b33d8", "arctic\n"},
	{"ECDHE-ECDSA-AES128-GCM-SHA256 server", AEAD_AES_128_GCM, "9d709d94c6f73e7364daa41e42c37885", "75657eca",
	 "16fefd00010000000000000030be05c998e0d744255a4109355f7196555cd473ad8f6fe1799b8a5b7c0de63ba8eddf27"
	 "c1644189d442cc908a8b831072",
	 "17fefd0001000000000001001dbe05c998e0d744268e435ac2ccc11d7d62e900aeaf81628e0f92c15772", "tern\n"},
	{"ECDHE-ECDSA-AES256-GCM-SHA384 client", AEAD_AES_256_GCM,
	 "665d9c307521d77cfc23f77b34040e9a263262f56358f769a8d2e93dafbb1cbc", "afa321eb",
	 "16fefd00010000000000000030438de0fb8d96d32f6f126632e0f3a7e59b70c7ce7eb76692846d7e3c8f71601039ffce"
	 "7af04c2d03829fee0e01fda495",
	 "17fefd0001000000000001001f438de0fb8d96d330cfceced76e58cfb4717f1a70d37878ea5c91ca30f16bdc", "arctic\n"},
	{"ECDHE-ECDSA-AES256-GCM-SHA384 server", AEAD_AES_256_GCM,
	 "493fb04e25b71b2b254d13db10cb922cc144c94ab3ccd5bcb1e5126e2239c84b", "b2ab8a7a",
	 "16fefd00010000000000000030d8d3784f29fb60e3488ef4844186b03faaab659d9fcb7e3f4da2e6c028441bf6a7e0aa"
	 "17377592620fa92d5fa1c43ac3",
	 "17fefd0001000000000001001dd8d3784f29fb60e44c6d8b2d1f5bf1ce891a7face2dfe733a99d2c5e13", "tern\n"},
	{"ECDHE-ECDSA-CHACHA20-POLY1305 client", AEAD_CHACHA20_POLY1305,
	 "8ec70c5e23ebd6e862c034646a3b55ccf2b6868309411bcd9323f4665978a4bc", "53d7751b68ab61c40fb9dd4e",
	 "16fefd000100000000000000286f372e48ccf7962eb3731516c6f1e6d8752f5d4321465a4b3ddb528eb1062f9d9c58e5"
	 "ba13948ee8",
	 "17fefd000100000000000100174e623e330097b16b2584be8f2b503222f4464b93ff8345", "arctic\n"},
	{"ECDHE-ECDSA-CHACHA20-POLY1305 server", AEAD_CHACHA20_POLY1305,
	 "e591ad55b43bde58ccfd569f47f447c0647ae8672793b4688af59f86f99d426b", "39c9c88828f79aaebca090e6",
	 "16fefd0001000000000000002867bea7cc322216e61a5ee57eb84188a05282b6af8eb272ef7526d0c4ecb4db128cf9dd"
	 "4b87dbe7b1",
	 "17fefd00010000000000010015da78760e2f8c7ef78c01906425d09baf1b6265beb3", "tern\n"},
	{"ECDHE-ECDSA-AES128-CCM client", AEAD_AES_128_CCM, "3b516c34806c285048c96f219d16152e", "b091e1b2",
	 "16fefd000100000000000000300001000000000000c713d36de7294b09c77316253be160755151a43a959c718a8fff41"
	 "e6850458196db50d917e404519",
	 "17fefd0001000000000001001f0001000000000001b94615936b7b7f454e8abd365c28b7cb5f0063b4e2623d", "arctic\n"},
	{"ECDHE-ECDSA-AES128-CCM server", AEAD_AES_128_CCM, "0aca9884a7773b6e04e2b4b4814d0ccc", "0021d10e",
	 "16fefd000100000000000000300001000000000000244d91db1b251464c997954b15a88fc0e23b36ab140d4bcb7081bf"
	 "bf9ae251744276efaabf85ada1",
	 "17fefd0001000000000001001d0001000000000001af7803c7cfa58b05e161b7e64479af8934844bc54c", "tern\n"},
	{"ECDHE-ECDSA-AES128-CCM8 client", AEAD_AES_128_CCM_8, "21f88c62edfc7d0b95a92254c16a40c2", "cc8d2380",
	 "16fefd00010000000000000028000100000000000002ab5dcd7a00aa529939a3a56d721d456c0a4cda48eed624716b35"
	 "57938c74ec",
	 "17fefd000100000000000100170001000000000001bebc6ce9fad57d9e476f5186e67243", "arctic\n"},
	{"ECDHE-ECDSA-AES128-CCM8 server", AEAD_AES_128_CCM_8, "e410cc9b7c25557d305197e6c8b07fef", "883d950f",
	 "16fefd000100000000000000280001000000000000c46d12302b0478cc44f6892ffe786cb165f55c3eab1673567b3dbd"
	 "b5be5d44aa",
	 "17fefd000100000000000100150001000000000001f8579843ae904c2a952e67fb39", "tern\n"},
};

#define NUM_RECORDED (sizeof recorded / sizeof recorded[0])

static size_t unhex(uint8_t *out, const char *hex)
{
	size_t n = 0;
	for (; hex[0]; hex += 2) {
		char digits[3] = {hex[0], hex[1], 0};
		out[n++] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return n;
}

static void set_keys(struct layers *l, const struct recorded *r)
{
	uint8_t key[AEAD_KEY_MAX], iv[AEAD_NONCE];
	size_t iv_len = unhex(iv, r->iv);
	struct epoch_key k = {&aead_algs[r->aead], key, span_of(iv, iv_len), NULL};
	assert_int_equal(unhex(key, r->key), aead_algs[r->aead].key_len);
	assert_int_equal(iv_len, aead_algs[r->aead].fixed_iv_len12);
	assert_int_equal(record_set_read(&l->b, 1, &k), TERN_OK);
	assert_int_equal(record_set_write(&l->a, 1, &k), TERN_OK);
}

/* Both records in one datagram; OpenSSL's explicit nonces start anywhere. */
static void opens_recorded(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM_RECORDED; i++) {
		const struct recorded *r = &recorded[i];
		uint8_t bytes[256];
		size_t n = unhex(bytes, r->finished);
		struct datagram d = {bytes, n + unhex(bytes + n, r->data)};
		struct layers l;
		struct record rec;
		layers_open(&l, &provider_libcrypto, 64);
		set_keys(&l, r);
		if (!record_next(&l.b, &d, &rec) || rec.drop != TERN_DROP_NONE)
			fail_msg("%s: %s", r->name, tern_drop_sentence(rec.drop));
		assert_int_equal(rec.type, CONTENT_HANDSHAKE);
		assert_int_equal(rec.n, 24);
		assert_int_equal(rec.p[0], 20);
		assert_true(record_next(&l.b, &d, &rec));
		if (rec.drop != TERN_DROP_NONE || !span_equal(span_of(rec.p, rec.n), span_of(r->text, strlen(r->text))))
			fail_msg("%s: data", r->name);
		assert_int_equal(rec.type, CONTENT_APPLICATION_DATA);
		assert_int_equal(rec.seq, 1);
		assert_false(record_next(&l.b, &d, &rec));
		assert_int_equal(l.b.in.opened, 2);
		layers_close(&l);
	}
}

/* Whatever bit is turned, the record is dropped and nothing has changed. */
static void refuses_changed(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM_RECORDED; i++) {
		uint8_t bytes[256], before[256];
		size_t n = unhex(bytes, recorded[i].data);
		struct layers l;
		layers_open(&l, &provider_libcrypto, 64);
		set_keys(&l, &recorded[i]);
		l.b.plain_in = false;
		for (size_t bit = 0; bit < 8 * n; bit++) {
			struct datagram d = {bytes, n};
			struct replay window = l.b.in.window;
			struct record rec;
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			memcpy(before, bytes, n);
			assert_true(record_next(&l.b, &d, &rec));
			if (rec.drop == TERN_DROP_NONE || memcmp(before, bytes, n) != 0)
				fail_msg("%s: bit %zu", recorded[i].name, bit);
			assert_memory_equal(&window, &l.b.in.window, sizeof window);
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		assert_int_equal(l.b.in.opened, 0);
		assert_true(l.b.in.forged > 8 * (n - RECORD12_HEADER) - 1);
		layers_close(&l);
	}
}

/* The way out is the way in: what OpenSSL made comes out of the sealing function too, where its nonce is ours (RFC
 * 7905). */
static void seals_recorded(void **state)
{
	size_t done = 0;
	(void)state;
	for (size_t i = 0; i < NUM_RECORDED; i++) {
		const struct recorded *r = &recorded[i];
		uint8_t want[256], got[256];
		size_t n = unhex(want, r->data);
		struct wr w = wr_of(got, sizeof got);
		struct layers l;
		uint64_t seq;
		if (aead_algs[r->aead].explicit_len12)
			continue;
		layers_open(&l, &provider_libcrypto, 64);
		set_keys(&l, r);
		l.a.out.next_seq = 1;
		assert_int_equal(record_seal(&l.a, 1, CONTENT_APPLICATION_DATA, span_of(r->text, strlen(r->text)), &w,
					     &seq),
				 TERN_OK);
		assert_int_equal(seq, 1);
		assert_int_equal(w.n, n);
		assert_memory_equal(got, want, n);
		layers_close(&l);
		done++;
	}
	assert_int_equal(done, 2);
}

static const struct provider *const providers[] = {&provider_libcrypto, &provider_stub};

static void round_trips(void **state)
{
	static const size_t lengths[] = {0, 1, 15, 16, 17, 1200, RECORD_PLAINTEXT_MAX};
	static uint8_t plain[RECORD_PLAINTEXT_MAX], bytes[RECORD_PLAINTEXT_MAX + 64];
	(void)state;
	for (size_t i = 0; i < sizeof plain; i++)
		plain[i] = (uint8_t)(i * 7);
	for (size_t p = 0; p < 2; p++) {
		for (size_t a = 0; a < NUM_AEADS; a++) {
			struct layers l;
			layers_open(&l, providers[p], 64);
			layers_key(&l, 1, (enum aead_id)a);
			for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
				struct wr w = wr_of(bytes, sizeof bytes);
				struct datagram d = {bytes, 0};
				struct record rec;
				struct span s = span_of(lengths[i] ? plain : NULL, lengths[i]);
				assert_int_equal(record_seal(&l.a, 1, CONTENT_APPLICATION_DATA, s, &w, NULL), TERN_OK);
				assert_int_equal(w.n, lengths[i] + record_overhead(&l.a, 1));
				d.n = w.n;
				if (!record_next(&l.b, &d, &rec) || rec.drop != TERN_DROP_NONE ||
				    !span_equal(span_of(rec.p, rec.n), s))
					fail_msg("%s %s %zu", providers[p]->name, aead_algs[a].name, lengths[i]);
				assert_int_equal(rec.seq, i);
			}
			layers_close(&l);
		}
	}
}

/* The nonce on the wire is the peer's business: wolfSSL draws it at random. */
static void any_explicit_nonce(void **state)
{
	uint8_t bytes[128], nonce[AEAD_NONCE] = {0}, aad[13] = {0, 1, 0, 0, 0, 0, 0, 9, 23, 0xfe, 0xfd, 0, 4};
	static const uint8_t key[] = "sixteen byte key", iv[4] = {1, 2, 3, 4}, explicit_part[] = "anything";
	const struct aead_alg *gcm = &aead_algs[AEAD_AES_128_GCM];
	struct record12 h = {.type = 23, .version = VERSION_DTLS12, .epoch = 1, .seq = 9};
	struct wr w = wr_of(bytes, sizeof bytes);
	struct layers l;
	struct aead_key *k;
	struct datagram d;
	struct record rec;
	(void)state;
	layers_open(&l, &provider_libcrypto, 64);
	assert_int_equal(record_set_read(&l.b, 1, &(struct epoch_key){gcm, key, span_of(iv, 4), NULL}), TERN_OK);
	memcpy(nonce, iv, 4);
	memcpy(nonce + 4, explicit_part, 8);
	put_record12_header(&w, &h, 8 + 4 + 16);
	wr_bytes(&w, span_of(explicit_part, 8));
	assert_int_equal(l.provider->aead_new(l.crypto, &k), TERN_OK);
	assert_int_equal(l.provider->aead_set(k, gcm, key, NULL), TERN_OK);
	assert_int_equal(l.provider->aead_seal(k, nonce, span_of(aad, 13), bytes + w.n, (const uint8_t *)"tern", 4),
			 TERN_OK);
	l.provider->aead_free(l.crypto, k);
	d = (struct datagram){bytes, w.n + 4 + 16};
	assert_true(record_next(&l.b, &d, &rec));
	assert_int_equal(rec.drop, TERN_DROP_NONE);
	assert_true(span_equal(span_of(rec.p, rec.n), span_of("tern", 4)));
	layers_close(&l);
}

/* Ours is epoch and sequence number, RFC 5288 3. */
static void our_explicit_nonce(void **state)
{
	static const uint8_t want[] = {23, 0xfe, 0xfd, 0, 3, 0, 0, 1, 0, 0, 5, 0, 25, 0, 3, 0, 0, 1, 0, 0, 5};
	uint8_t bytes[64];
	struct wr w = wr_of(bytes, sizeof bytes);
	struct layers l;
	(void)state;
	layers_open(&l, &provider_stub, 64);
	layers_key(&l, 3, AEAD_AES_256_GCM);
	l.a.out.next_seq = 0x01000005;
	assert_int_equal(record_seal(&l.a, 3, 23, span_of("x", 1), &w, NULL), TERN_OK);
	assert_memory_equal(bytes, want, sizeof want);
	layers_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_recorded),     cmocka_unit_test(refuses_changed),
		cmocka_unit_test(seals_recorded),     cmocka_unit_test(round_trips),
		cmocka_unit_test(any_explicit_nonce), cmocka_unit_test(our_explicit_nonce),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
