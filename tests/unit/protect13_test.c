/* src/record/protect13.c. RFC 9147 4.2.2, 4.2.3, 4.5.1, 4.5.2, 11. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "record/protect.h"
#include "unit/forge13.h"

static const struct provider *const providers[] = {&provider_libcrypto, &provider_stub};

static void open13(struct layers *l, const struct provider *provider, uint16_t window)
{
	layers_open(l, provider, window);
	layers_use13(l);
}

static size_t unhex(uint8_t *out, const char *hex)
{
	size_t n = 0;
	for (; hex[0]; hex += 2) {
		char digits[3] = {hex[0], hex[1], 0};
		out[n++] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return n;
}

static struct record read_one(struct layers *l, uint8_t *p, size_t n)
{
	struct datagram d = {p, n};
	struct record r;
	assert_true(record_next(&l->b, &d, &r));
	return r;
}

/* "tern" as application data, record 0x0102030405 of epoch 7 under the keys of layers_key; computed with Python's
 * cryptography 48 from RFC 9147 4. */
static const struct {
	enum aead_id id;
	bool last;
	const char *hex;
} known[] = {
	{AEAD_AES_128_GCM, true, "2b2d297efceaef201982f09dadfa9ed6b614a663e8fc0fc6"},
	{AEAD_AES_128_GCM, false, "2fd87300157efceaef206f47fa5ad62015906e355497f8cf955e"},
	{AEAD_AES_256_GCM, true, "2b8b1e0586d514b0de769db6ae809b9b78cdbc045abbed16"},
	{AEAD_AES_256_GCM, false, "2f6c2d00150586d514b0a46279f42030614dc9fe178962eebe3c"},
	{AEAD_CHACHA20_POLY1305, true, "2ba50da18490ed003669affee8769ccb561e44b61975b44e"},
	{AEAD_CHACHA20_POLY1305, false, "2f3a000015a18490ed009be5793da1d97cc6997227b83e3b4fe9"},
	{AEAD_AES_128_CCM, true, "2b558024a6cffcbbddd953cb6f15f0ed7a0d476860afe7d9"},
	{AEAD_AES_128_CCM, false, "2f6fc5001524a6cffcbb7e8cf3661a8b72ab2e39572843c2d720"},
	{AEAD_AES_128_CCM_8, true, "2b453824a6cffcbbe5146cef2146414266ce31"},
	{AEAD_AES_128_CCM_8, false, "2f7cec001024a6cffcbbe5146cb27416a61cc5e996"},
};

static void known_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		uint8_t want[64], got[64];
		size_t n = unhex(want, known[i].hex);
		struct layers l;
		struct record r;
		open13(&l, &provider_libcrypto, 64);
		layers_key(&l, 7, known[i].id);
		l.b.in.window.next = UINT64_C(0x0102030000);
		if (layers_seal_at(&l, UINT64_C(0x0102030405), known[i].last, span_of("tern", 4), got) != n ||
		    memcmp(got, want, n) != 0)
			fail_msg("%s: sealed", aead_algs[known[i].id].name);
		r = read_one(&l, want, n);
		if (r.drop != TERN_DROP_NONE || r.seq != UINT64_C(0x0102030405) || r.type != 23 || r.epoch != 7 ||
		    !span_equal(span_of(r.p, r.n), span_of("tern", 4)))
			fail_msg("%s: opened", aead_algs[known[i].id].name);
		layers_close(&l);
	}
}

/* Both ways of sealing, into datagrams of two records; all that goes in comes out, in the room it was said to need. */
static void round_trips(void **state)
{
	static const size_t lengths[] = {0, 1, 2, 6, 7, 8, 15, 16, 17, 1200, RECORD_PLAINTEXT_MAX};
	static uint8_t plain[RECORD_PLAINTEXT_MAX], bytes[2 * RECORD_PLAINTEXT_MAX + 64];
	(void)state;
	for (size_t i = 0; i < sizeof plain; i++)
		plain[i] = (uint8_t)(i * 7 % 5);
	for (size_t i = 0; i < 2 * NUM_AEADS * (sizeof lengths / sizeof lengths[0]); i++) {
		enum aead_id id = (enum aead_id)(i / 2 % NUM_AEADS);
		struct span s = span_of(plain, lengths[i / 2 / NUM_AEADS]);
		size_t padded = id == AEAD_AES_128_CCM_8 && s.n < 7 ? 7 : s.n;
		struct wr w = wr_of(bytes, sizeof bytes);
		struct datagram d = {bytes, 0};
		struct record_mark mark;
		struct layers l;
		struct record r;
		open13(&l, providers[i % 2], 64);
		layers_key(&l, 2, id);
		assert_int_equal(record_overhead(&l.a, 2), 5 + 1 + aead_algs[id].tag_len);
		MUST(record_begin(&l.a, 2, 22, &w, &mark));
		wr_bytes(&w, s);
		MUST(record_end(&l.a, &w, &mark, NULL));
		assert_int_equal(w.n, padded + record_overhead(&l.a, 2));
		assert_int_equal(bytes[0], 0x2e);
		MUST(record_seal(&l.a, 2, 26, s, &w, NULL));
		assert_int_equal(w.n, 2 * padded + 2 * record_overhead(&l.a, 2) - 2);
		d.n = w.n;
		for (uint64_t k = 0; k < 2; k++) {
			assert_true(record_next(&l.b, &d, &r));
			if (r.drop != TERN_DROP_NONE || r.seq != k || r.epoch != 2 || r.type != (k ? 26 : 22) ||
			    !span_equal(span_of(r.p, r.n), s))
				fail_msg("%s %s %zu: %s", l.provider->name, aead_algs[id].name, s.n,
					 tern_drop_sentence(r.drop));
		}
		assert_false(record_next(&l.b, &d, &r));
		layers_close(&l);
	}
}

/* A buffer of every size: enough, or nothing happened. */
static void room(void **state)
{
	(void)state;
	for (size_t n = 0; n < 10; n++) {
		uint8_t bytes[64];
		struct layers l;
		struct record_mark mark;
		size_t most = 64, pad = n < 7 ? 7 - n : 0;
		open13(&l, &provider_stub, 64);
		layers_key(&l, 2, AEAD_AES_128_CCM_8);
		for (size_t cap = 0; cap < most; cap++) {
			struct wr w = wr_of(bytes, cap);
			size_t need = 3 + n + 1 + pad + 8;
			tern_error want = cap < need ? TERN_ERROR_BUFFER_TOO_SMALL : TERN_OK;
			assert_int_equal(record_seal(&l.a, 2, 23, span_of("123456789", n), &w, NULL), want);
			assert_int_equal(w.n, want == TERN_OK ? need : 0);
			w = wr_of(bytes, cap);
			want = cap < need + 2 ? TERN_ERROR_BUFFER_TOO_SMALL : TERN_OK;
			if (record_begin(&l.a, 2, 23, &w, &mark) != TERN_OK) {
				assert_int_equal(w.n, 0);
				assert_true(cap < need + 2);
				continue;
			}
			wr_bytes(&w, span_of("123456789", n));
			assert_int_equal(record_end(&l.a, &w, &mark, NULL), want);
			assert_int_equal(w.n, want == TERN_OK ? need + 2 : 0);
		}
		layers_close(&l);
	}
}

/* Every gap that the bits can tell, in every form, around every wrap: the number is found. One more, and it is not. */
static void numbers(void **state)
{
	static const uint64_t expected[] = {0,
					    1,
					    127,
					    128,
					    129,
					    255,
					    256,
					    257,
					    32767,
					    32768,
					    65535,
					    65536,
					    65537,
					    (UINT64_C(1) << 32) - 1,
					    UINT64_C(1) << 32,
					    (UINT64_C(1) << 32) + 40000,
					    RECORD_SEQ_MAX - 32768,
					    RECORD_SEQ_MAX - 1,
					    RECORD_SEQ_MAX,
					    RECORD_SEQ_MAX + 1};
	struct layers l;
	(void)state;
	open13(&l, &provider_stub, 1);
	layers_key(&l, 2, AEAD_AES_128_GCM);
	for (size_t i = 0; i < sizeof expected / sizeof expected[0] * NUM_FORMS13; i++) {
		unsigned form = forms13[i % NUM_FORMS13];
		int64_t half = form & UNIFIED_SEQ16 ? 32768 : 128, start = (int64_t)expected[i / NUM_FORMS13];
		for (int64_t gap = -half; gap <= half; gap++) {
			uint8_t bytes[64];
			struct record r;
			size_t n;
			int64_t seq = start + gap;
			bool tie = gap == -half && start + half <= (int64_t)RECORD_SEQ_MAX;
			if (seq < 0 || seq > (int64_t)RECORD_SEQ_MAX)
				continue;
			n = forge13(&l, &l.b.in, form, (uint64_t)seq, span_of("x\x17", 2), bytes);
			l.b.in.window.next = (uint64_t)start;
			r = read_one(&l, bytes, n);
			if (r.drop != (tie ? TERN_DROP_FORGED : TERN_DROP_NONE) || (r.seq == (uint64_t)seq) == tie)
				fail_msg("form %x, expected %lld, gap %lld: %s", form, (long long)start, (long long)gap,
					 tern_drop_sentence(r.drop));
		}
	}
	layers_close(&l);
}

/* One window for all forms of header. */
static void replays(void **state)
{
	static const struct {
		unsigned form;
		uint64_t seq;
		tern_drop want;
	} steps[] = {
		{0, 5, TERN_DROP_NONE},
		{UNIFIED_SEQ16, 5, TERN_DROP_REPLAYED},
		{UNIFIED_SEQ16 | UNIFIED_LENGTH, 100, TERN_DROP_NONE},
		{0, 36, TERN_DROP_TOO_OLD},
		{UNIFIED_LENGTH, 37, TERN_DROP_NONE},
		{UNIFIED_SEQ16, 37, TERN_DROP_REPLAYED},
		{0, 99, TERN_DROP_NONE},
		{UNIFIED_LENGTH, 228, TERN_DROP_NONE},
		{UNIFIED_SEQ16, 32997, TERN_DROP_NONE},
		{UNIFIED_SEQ16, 32900, TERN_DROP_TOO_OLD},
		{0, 32997, TERN_DROP_REPLAYED},
		{0, 32998, TERN_DROP_NONE},
	};
	(void)state;
	for (size_t p = 0; p < 2; p++) {
		struct layers l;
		uint64_t opened = 0;
		open13(&l, providers[p], 64);
		layers_key(&l, 3, AEAD_CHACHA20_POLY1305);
		for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
			uint8_t bytes[64], before[64];
			struct record r;
			size_t n = forge13(&l, &l.b.in, steps[i].form, steps[i].seq, span_of("data\x17", 5), bytes);
			/* Damaged first: that must not count as received. */
			bytes[n - 1] ^= 1;
			assert_int_equal(read_one(&l, bytes, n).drop, TERN_DROP_FORGED);
			bytes[n - 1] ^= 1;
			memcpy(before, bytes, n);
			r = read_one(&l, bytes, n);
			opened += steps[i].want == TERN_DROP_NONE;
			if (r.drop != steps[i].want || r.seq != steps[i].seq || r.type != 23)
				fail_msg("step %zu: %s", i, tern_drop_sentence(r.drop));
			if (r.drop != TERN_DROP_NONE)
				assert_memory_equal(bytes, before, n);
		}
		assert_int_equal(l.b.in.opened, opened);
		assert_int_equal(l.b.in.forged, sizeof steps / sizeof steps[0]);
		layers_close(&l);
	}
}

/* What a record may hold inside. Whatever is dropped has left its bytes and counts as neither forged nor received. */
static void insides(void **state)
{
	static const struct {
		const char *name, *inner;
		size_t n;
		tern_drop want;
		uint8_t type;
		size_t want_n;
	} cases[] = {
		{"data", "ab\x17", 3, TERN_DROP_NONE, 23, 2},
		{"padded", "ab\x17\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 19, TERN_DROP_NONE, 23, 2},
		{"data that ends in zeros", "a\0\0\x17\0", 5, TERN_DROP_NONE, 23, 3},
		{"nothing at all", "", 0, TERN_DROP_CONTENT_TYPE, 0, 0},
		{"empty data", "\x17\0\0\0\0\0\0\0", 8, TERN_DROP_NONE, 23, 0},
		{"alert", "\x02\x28\x15\0\0\0\0\0", 8, TERN_DROP_NONE, 21, 2},
		{"handshake", "12345678\x16", 9, TERN_DROP_NONE, 22, 8},
		{"ACK", "\0\0\x1a\0\0\0\0\0", 8, TERN_DROP_NONE, 26, 2},
		{"no type", "\0\0\0\0\0\0\0\0", 8, TERN_DROP_CONTENT_TYPE, 0, 0},
		{"ChangeCipherSpec", "\x01\x14\0\0\0\0\0\0", 8, TERN_DROP_CONTENT_TYPE, 20, 0},
		{"heartbeat", "\x01\x18\0\0\0\0\0\0", 8, TERN_DROP_CONTENT_TYPE, 24, 0},
		{"CID of DTLS 1.2", "\x01\x19\0\0\0\0\0\0", 8, TERN_DROP_CONTENT_TYPE, 25, 0},
		{"return_routability_check", "\x01\x1b\0\0\0\0\0\0", 8, TERN_DROP_NONE, 27, 1},
		{"type 28", "\x01\x1c\0\0\0\0\0\0", 8, TERN_DROP_CONTENT_TYPE, 28, 0},
		{"type 255", "\x01\xff\0\0\0\0\0\0", 8, TERN_DROP_CONTENT_TYPE, 255, 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0] * NUM_AEADS * 2; i++) {
		size_t c = i / 2 / NUM_AEADS;
		enum aead_id id = (enum aead_id)(i / 2 % NUM_AEADS);
		uint8_t bytes[64], before[64];
		struct layers l;
		struct record r;
		size_t n;
		if (id == AEAD_AES_128_CCM_8 && cases[c].n < 8)
			continue; /* too short for a sample: see short_ciphertexts */
		open13(&l, providers[i % 2], 64);
		layers_key(&l, 3, id);
		n = forge13(&l, &l.b.in, forms13[i % NUM_FORMS13], 9, span_of(cases[c].inner, cases[c].n), bytes);
		memcpy(before, bytes, n);
		r = read_one(&l, bytes, n);
		if (r.drop != cases[c].want || r.type != cases[c].type || r.n != cases[c].want_n)
			fail_msg("%s, %s: %s", aead_algs[id].name, cases[c].name, tern_drop_sentence(r.drop));
		assert_int_equal(l.b.in.opened, r.drop == TERN_DROP_NONE);
		assert_int_equal(l.b.in.window.next, r.drop == TERN_DROP_NONE ? 10 : 0);
		assert_int_equal(l.b.in.forged, 0);
		if (r.drop == TERN_DROP_NONE)
			assert_memory_equal(r.p, cases[c].inner, r.n);
		else
			assert_memory_equal(bytes, before, n);
		layers_close(&l);
	}
}

/* No ciphertext below a sample is ours to open, though the tag of 8 bytes would be right. */
static void short_ciphertexts(void **state)
{
	(void)state;
	for (size_t inner = 0; inner < 10; inner++) {
		uint8_t bytes[64] = {0}, before[64];
		tern_drop want = inner < 8 ? TERN_DROP_FORGED : TERN_DROP_NONE;
		struct layers l;
		size_t n;
		open13(&l, &provider_libcrypto, 64);
		layers_key(&l, 3, AEAD_AES_128_CCM_8);
		n = forge13(&l, &l.b.in, UNIFIED_SEQ16, 0, span_of("\x17\x17\x17\x17\x17\x17\x17\x17\x17\x17", inner),
			    bytes);
		memcpy(before, bytes, sizeof before);
		assert_int_equal(read_one(&l, bytes, n).drop, want);
		assert_int_equal(l.b.in.forged, want == TERN_DROP_FORGED);
		assert_int_equal(memcmp(before, bytes, n) == 0, want == TERN_DROP_FORGED);
		layers_close(&l);
	}
}

static void too_long(void **state)
{
	static uint8_t bytes[RECORD_PLAINTEXT_MAX + 600], inner[RECORD_PLAINTEXT_MAX + 300];
	static const struct {
		const char *name;
		size_t n;
		uint16_t max;
		tern_drop want;
	} cases[] = {
		{"longest", RECORD_PLAINTEXT_MAX + 1, RECORD_PLAINTEXT_MAX, TERN_DROP_NONE},
		{"one more", RECORD_PLAINTEXT_MAX + 2, RECORD_PLAINTEXT_MAX, TERN_DROP_TOO_LONG},
		{"longest ciphertext", RECORD_PLAINTEXT_MAX + 240, RECORD_PLAINTEXT_MAX, TERN_DROP_TOO_LONG},
		{"longer", RECORD_PLAINTEXT_MAX + 241, RECORD_PLAINTEXT_MAX, TERN_DROP_TOO_LONG},
		{"as agreed", 101, 100, TERN_DROP_NONE},
		{"longer than agreed", 102, 100, TERN_DROP_TOO_LONG},
	};
	struct layers l;
	(void)state;
	open13(&l, &provider_stub, 64);
	layers_key(&l, 3, AEAD_AES_256_GCM);
	inner[0] = CONTENT_APPLICATION_DATA; /* the rest is padding, which counts: RFC 8446 5.4 */
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t n = forge13(&l, &l.b.in, forms13[i % NUM_FORMS13], i, span_of(inner, cases[i].n), bytes);
		l.b.plaintext_max_in = cases[i].max;
		if (read_one(&l, bytes, n).drop != cases[i].want)
			fail_msg("%s", cases[i].name);
	}
	assert_int_equal(l.b.in.forged, 0);
	layers_close(&l);
}

/* Whatever bit is turned, header included, the record is dropped and nothing has changed. */
static void refuses_changed(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM_AEADS * NUM_FORMS13; i++) {
		uint8_t bytes[64], before[64];
		struct layers l;
		size_t n;
		open13(&l, &provider_libcrypto, 64);
		layers_key(&l, 3, (enum aead_id)(i / NUM_FORMS13));
		l.b.plain_in = false;
		n = forge13(&l, &l.b.in, forms13[i % NUM_FORMS13], 77, span_of("several\x17", 8), bytes);
		for (size_t bit = 0; bit < 8 * n; bit++) {
			struct datagram d = {bytes, n};
			struct replay window = l.b.in.window;
			struct record r;
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			memcpy(before, bytes, n);
			while (record_next(&l.b, &d, &r)) {
				if (r.drop == TERN_DROP_NONE)
					fail_msg("AEAD and form %zu: bit %zu", i, bit);
			}
			assert_memory_equal(before, bytes, n);
			assert_memory_equal(&window, &l.b.in.window, sizeof window);
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		assert_int_equal(read_one(&l, bytes, n).drop, TERN_DROP_NONE);
		layers_close(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),     cmocka_unit_test(round_trips), cmocka_unit_test(room),
		cmocka_unit_test(numbers),	     cmocka_unit_test(replays),	    cmocka_unit_test(insides),
		cmocka_unit_test(short_ciphertexts), cmocka_unit_test(too_long),    cmocka_unit_test(refuses_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
