/* Records with connection IDs, of both versions: src/record/protect12.c (RFC 9146 3, 4, 5), src/record/protect13.c (RFC
 * 9147 4, 9.1), src/record/record.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "record/protect.h"
#include "unit/layers.h"
#include "wire/record13.h"

#define SEQ UINT64_C(0x0102030405)

static const struct provider *const providers[] = {&provider_libcrypto, &provider_stub};

static size_t unhex(uint8_t *out, const char *hex)
{
	size_t n = 0;
	for (; hex[0]; hex += 2) {
		char digits[3] = {hex[0], hex[1], 0};
		out[n++] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return n;
}

static struct span cid_of(size_t n)
{
	static uint8_t bytes[CID_MAX];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(0xc0 + i);
	return span_of(bytes, n);
}

/* From a to b under epoch 1 (DTLS 1.3: 3), with b's connection ID of n bytes. */
static uint16_t open_with(struct layers *l, const struct provider *provider, bool is13, enum aead_id id, size_t n)
{
	uint16_t epoch = is13 ? 3 : 1;
	layers_open(l, provider, 64);
	if (is13)
		layers_use13(l);
	layers_key(l, epoch, id);
	if (n) {
		MUST(cids_add(&l->b.cids, &heap_default, CID_OURS, cid_of(n)));
		MUST(cids_add(&l->a.cids, &heap_default, CID_PEERS, cid_of(n)));
		l->b.cids.due = true;
	}
	return epoch;
}

static struct record read_one(struct layers *l, uint8_t *p, size_t n)
{
	struct datagram d = {p, n};
	struct record r;
	assert_true(record_next(&l->b, &d, &r));
	return r;
}

/* What is dropped has changed nothing. */
static void check_dropped(const char *name, struct layers *l, const uint8_t *bytes, size_t n, tern_drop drop)
{
	static uint8_t copy[RECORD_PLAINTEXT_MAX + 1024];
	struct replay window = l->b.in.window;
	struct record r;
	memcpy(copy, bytes, n);
	r = read_one(l, copy, n);
	if (r.drop != drop)
		fail_msg("%s: %s", name, tern_drop_sentence(r.drop));
	assert_memory_equal(copy, bytes, n);
	assert_memory_equal(&window, &l->b.in.window, sizeof window);
}

/* "tern" as application data, record 0x0102030405, of epoch 1 (DTLS 1.3: 7) under the keys of layers_key, with the ID
 * of cid_of; computed with Python's cryptography 48 from RFC 9146 4, 5.3 and RFC 9147 4. */
static const struct known {
	enum aead_id id;
	size_t cid_len;
	const char *hex;
} known12[] =
	{
		{AEAD_AES_128_GCM, 1,
		 "19fefd0001000102030405c0001d000100010203040544d921d8e1bc2075ce122368a79c035609d7386ea2"},
		{AEAD_AES_256_GCM, 1,
		 "19fefd0001000102030405c0001d00010001020304050561834ee3a15a748911017909ca3b701c445fd9e4"},
		{AEAD_CHACHA20_POLY1305, 1, "19fefd0001000102030405c00015ea7126bcced3e1a714afd4636128a84c2eca4b47c2"},
		{AEAD_AES_128_CCM, 1,
		 "19fefd0001000102030405c0001d0001000102030405b3012342ee1ffd1c01365e5584c1cf3a5b6e933d88"},
		{AEAD_AES_128_CCM_8, 1, "19fefd0001000102030405c000150001000102030405b3012342eefd04a75ac535bef1"},
		{AEAD_AES_128_GCM, 8,
		 "19fefd0001000102030405c0c1c2c3c4c5c6c7001d000100010203040544d921d8e116848ecc721687f2353560d41cfddb3"
		 "3"},
		{AEAD_AES_256_GCM, 8,
		 "19fefd0001000102030405c0c1c2c3c4c5c6c7001d00010001020304050561834ee3fbf239568ced5164b24037a93188a53"
		 "7"},
		{AEAD_CHACHA20_POLY1305, 8,
		 "19fefd0001000102030405c0c1c2c3c4c5c6c70015ea7126bcceeca99283fb85477dcdf50c22c76f61ab"},
		{AEAD_AES_128_CCM, 8,
		 "19fefd0001000102030405c0c1c2c3c4c5c6c7001d0001000102030405b3012342ee7d644cb190112783c7f8147e9fc5ba4"
		 "3"},
		{AEAD_AES_128_CCM_8, 8,
		 "19fefd0001000102030405c0c1c2c3c4c5c6c700150001000102030405b3012342ee9472d56d69ae2de6"},
		{AEAD_AES_128_GCM, 20,
		 "19fefd0001000102030405c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3001d000100010203040544d921d8e1450a68bde"
		 "1bcce22"
		 "88e42659c618b92b"},
		{AEAD_AES_256_GCM, 20,
		 "19fefd0001000102030405c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3001d00010001020304050561834ee36f80f2723"
		 "bda6339"
		 "1caf99057a5273ac"},
		{AEAD_CHACHA20_POLY1305, 20,
		 "19fefd0001000102030405c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d30015ea7126bcce58c5674115051a29289164469"
		 "afe754"
		 "2"},
		{AEAD_AES_128_CCM, 20,
		 "19fefd0001000102030405c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3001d0001000102030405b3012342ee020c9bf86"
		 "b12dbd7"
		 "9eff45cf5bff467a"},
		{AEAD_AES_128_CCM_8, 20,
		 "19fefd0001000102030405c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d300150001000102030405b3012342ee53fd71765"
		 "69e3bc"
		 "3"},
},
  known13[] = {
	  {AEAD_AES_128_GCM, 1, "3bc0f3947efceaef202de00f4d118b6e5bc5b81fff795ba270"},
	  {AEAD_AES_256_GCM, 1, "3bc0b1060586d514b07f7b60b9201625ad2925ca6d090f237e"},
	  {AEAD_CHACHA20_POLY1305, 1, "3bc090aaa18490ed000c3e020f561b8d332b5807b810065100"},
	  {AEAD_AES_128_CCM, 1, "3bc07a0e24a6cffcbb279f6b3be6f3c9e58f37834022c39b03"},
	  {AEAD_AES_128_CCM_8, 1, "3bc077b424a6cffcbbe5146c650c8ce7ec2e147f"},
	  {AEAD_AES_128_GCM, 8, "3bc0c1c2c3c4c5c6c7a5e87efceaef203766bc7661594f43bee5a07277ad4d28"},
	  {AEAD_AES_256_GCM, 8, "3bc0c1c2c3c4c5c6c7e3660586d514b09beafb716d6e1a0bb9ff312fea3c0d04"},
	  {AEAD_CHACHA20_POLY1305, 8, "3bc0c1c2c3c4c5c6c76fa3a18490ed006e1633e91360e3fb5de74ac361cf4132"},
	  {AEAD_AES_128_CCM, 8, "3bc0c1c2c3c4c5c6c74df124a6cffcbb480136df2ed43d62fca884c84fe75236"},
	  {AEAD_AES_128_CCM_8, 8, "3bc0c1c2c3c4c5c6c7edd424a6cffcbbe5146c4a886fafc006ff7b"},
	  {AEAD_AES_128_GCM, 20,
	   "3bc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3dfcc7efceaef209970d30dd0640471028270c971a52d62"},
	  {AEAD_AES_256_GCM, 20,
	   "3bc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3571c0586d514b0849981475c7f4095d9f7a29477bd8bad"},
	  {AEAD_CHACHA20_POLY1305, 20,
	   "3bc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d327c8a18490ed008b144d3e2f1b7131fed80115bb877ed7"},
	  {AEAD_AES_128_CCM, 20,
	   "3bc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3740724a6cffcbbc5d95c75ff1446db9429d216ebfa3f1c"},
	  {AEAD_AES_128_CCM_8, 20, "3bc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3e30b24a6cffcbbe5146c843dce453200f1c8"},
};

static void check_known(const struct known *k, bool is13)
{
	uint8_t want[128], got[128];
	size_t n = unhex(want, k->hex);
	struct layers l;
	struct record r;
	uint16_t epoch = is13 ? 7 : 1;
	open_with(&l, &provider_libcrypto, is13, k->id, k->cid_len);
	if (is13)
		layers_key(&l, epoch, k->id);
	l.b.in.window.next = UINT64_C(0x0102030000);
	if (layers_seal_at(&l, SEQ, true, span_of("tern", 4), got) != n || memcmp(got, want, n) != 0)
		fail_msg("%s, %zu: sealed", aead_algs[k->id].name, k->cid_len);
	r = read_one(&l, want, n);
	if (r.drop != TERN_DROP_NONE || r.seq != SEQ || r.type != 23 || r.epoch != epoch ||
	    !span_equal(span_of(r.p, r.n), span_of("tern", 4)))
		fail_msg("%s, %zu: opened: %s", aead_algs[k->id].name, k->cid_len, tern_drop_sentence(r.drop));
	layers_close(&l);
}

static void known_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof known12 / sizeof known12[0]; i++)
		check_known(&known12[i], false);
	for (size_t i = 0; i < sizeof known13 / sizeof known13[0]; i++)
		check_known(&known13[i], true);
}

/* IDs of every length, both ways of sealing, several records in a datagram, in the room they were said to need. */
static void round_trips(void **state)
{
	static const size_t lengths[] = {0, 1, 7, 1200};
	static uint8_t plain[1200], bytes[8192];
	(void)state;
	for (size_t i = 0; i < 4 * (CID_MAX + 1); i++) {
		bool is13 = i & 1;
		size_t cid_len = i / 4, overhead;
		struct span s = span_of(plain, lengths[i % 7 % 4]);
		struct wr w = wr_of(bytes, sizeof bytes);
		struct datagram d = {bytes, 0};
		struct record_mark mark;
		struct layers l;
		struct record r;
		uint16_t epoch =
			open_with(&l, providers[i / 2 % 2], is13, i % 3 ? AEAD_AES_128_GCM : AEAD_AES_128_CCM, cid_len);
		overhead = record_overhead(&l.a, epoch);
		assert_int_equal(overhead, cid_len + 16 + (is13 ? 6 : 21) + (!is13 && cid_len ? 1 : 0));
		MUST(record_begin(&l.a, epoch, 22, &w, &mark));
		wr_bytes(&w, s);
		MUST(record_end(&l.a, &w, &mark, NULL));
		assert_int_equal(w.n, s.n + overhead);
		assert_int_equal(bytes[0], is13 ? (cid_len ? 0x3f : 0x2f) : cid_len ? 25 : 22);
		MUST(record_seal(&l.a, epoch, 23, s, &w, NULL));
		d.n = w.n;
		for (uint64_t k = 0; k < 2; k++) {
			assert_true(record_next(&l.b, &d, &r));
			if (r.drop != TERN_DROP_NONE || r.seq != k || r.type != (k ? 23 : 22) ||
			    !span_equal(span_of(r.p, r.n), s))
				fail_msg("%zu: %s", i, tern_drop_sentence(r.drop));
		}
		assert_false(record_next(&l.b, &d, &r));
		layers_close(&l);
	}
}

/* Whatever bit is turned, the ID's too, the record is dropped and nothing has changed. */
static void refuses_changed(void **state)
{
	(void)state;
	for (int is13 = 0; is13 < 2; is13++) {
		uint8_t bytes[128];
		struct wr w = wr_of(bytes, sizeof bytes);
		struct layers l;
		uint16_t epoch = open_with(&l, &provider_libcrypto, is13, AEAD_AES_128_GCM, 8);
		MUST(record_seal(&l.a, epoch, 23, span_of("arctic", 6), &w, NULL));
		l.b.plain_in = false;
		for (size_t bit = 0; bit < 8 * w.n; bit++) {
			uint8_t copy[128];
			struct record r;
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			memcpy(copy, bytes, w.n);
			r = read_one(&l, copy, w.n);
			if (r.drop == TERN_DROP_NONE || memcmp(copy, bytes, w.n) != 0)
				fail_msg("%d: bit %zu", is13, bit);
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		assert_int_equal(l.b.in.opened, 0);
		assert_int_equal(l.b.in.window.next, 0);
		layers_close(&l);
	}
}

/* Under keys a record has one of our IDs, or is none of ours. */
static void judges(void **state)
{
	(void)state;
	for (int is13 = 0; is13 < 2; is13++) {
		uint8_t bytes[128];
		struct wr w = wr_of(bytes, sizeof bytes);
		struct layers l;
		struct record r;
		uint16_t epoch = open_with(&l, &provider_libcrypto, is13, AEAD_AES_128_GCM, 8);
		size_t cid_at = is13 ? 1 : 11;

		MUST(record_seal(&l.a, epoch, 23, span_of("arctic", 6), &w, NULL));
		bytes[cid_at + 7] ^= 1;
		check_dropped("another ID", &l, bytes, w.n, TERN_DROP_OTHER_CID);
		bytes[cid_at + 7] ^= 1;
		check_dropped("cut in the ID", &l, bytes, cid_at + 7, TERN_DROP_OTHER_CID);
		check_dropped("cut behind the ID", &l, bytes, cid_at + 8, TERN_DROP_MALFORMED);
		r = read_one(&l, bytes, w.n);
		assert_int_equal(r.drop, TERN_DROP_NONE);

		cids_free(&l.a.cids, &heap_default);
		w.n = 0;
		MUST(record_seal(&l.a, epoch, 23, span_of("arctic", 6), &w, NULL));
		check_dropped("no ID", &l, bytes, w.n, TERN_DROP_NO_CID);
		l.b.cids.due = false; /* offered, not yet answered */
		r = read_one(&l, bytes, w.n);
		assert_int_equal(r.drop, TERN_DROP_NONE);

		cids_free(&l.b.cids, &heap_default);
		MUST(cids_add(&l.a.cids, &heap_default, CID_PEERS, cid_of(8)));
		w.n = 0;
		MUST(record_seal(&l.a, epoch, 23, span_of("arctic", 6), &w, NULL));
		check_dropped("none negotiated", &l, bytes, w.n, TERN_DROP_MALFORMED);
		layers_close(&l);
	}
}

/* RFC 9147 4: behind a record of another connection nothing is looked at. */
static void rest_is_others_too(void **state)
{
	(void)state;
	for (int is13 = 0; is13 < 2; is13++) {
		uint8_t bytes[256];
		struct wr w = wr_of(bytes, sizeof bytes);
		struct record_mark mark;
		struct datagram d = {bytes, 0};
		struct layers l;
		struct record r;
		size_t second = 0, third = 0;
		uint16_t epoch = open_with(&l, &provider_libcrypto, is13, AEAD_AES_128_GCM, 8);
		for (int i = 0; i < 3; i++) {
			second = i == 1 ? w.n : second;
			third = w.n;
			MUST(record_begin(&l.a, epoch, 23, &w, &mark));
			wr_u8(&w, (uint8_t)i);
			MUST(record_end(&l.a, &w, &mark, NULL));
		}
		d.n = w.n;
		bytes[second + (is13 ? 1 : 11)] ^= 0x40;
		assert_true(record_next(&l.b, &d, &r));
		assert_int_equal(r.drop, TERN_DROP_NONE);
		assert_true(record_next(&l.b, &d, &r));
		assert_int_equal(r.drop, TERN_DROP_OTHER_CID);
		assert_int_equal(r.wire.n, w.n - second);
		assert_false(record_next(&l.b, &d, &r));
		r = read_one(&l, bytes + third, w.n - third);
		assert_int_equal(r.drop, TERN_DROP_NONE);
		assert_int_equal(r.p[0], 2);
		layers_close(&l);
	}
}

/* Plaintext never has the new form, and needs none of it: RFC 9146 3. */
static void plaintext(void **state)
{
	(void)state;
	for (int is13 = 0; is13 < 2; is13++) {
		uint8_t bytes[64];
		struct wr w = wr_of(bytes, sizeof bytes);
		struct record12 h = {CONTENT_TLS12_CID, VERSION_DTLS12, 0, 5, cid_of(8), {0}};
		struct layers l;
		struct record r;
		open_with(&l, &provider_libcrypto, is13, AEAD_AES_128_GCM, 8);
		put_record12_header(&w, &h, 4);
		wr_bytes(&w, span_of("tern", 4));
		check_dropped("plaintext", &l, bytes, w.n, TERN_DROP_CONTENT_TYPE);
		w.n = 0;
		h.epoch = 1;
		h.version = VERSION_DTLS10;
		put_record12_header(&w, &h, 4);
		wr_bytes(&w, span_of("tern", 4));
		check_dropped("version", &l, bytes, w.n, TERN_DROP_VERSION);
		w.n = 0;
		MUST(record_seal(&l.a, 0, 22, span_of("tern", 4), &w, NULL));
		assert_int_equal(bytes[0], 22);
		r = read_one(&l, bytes, w.n);
		assert_int_equal(r.drop, TERN_DROP_NONE);
		layers_close(&l);
	}
}

/* A record of DTLS 1.2 with a plaintext of our choice. */
static size_t forge12(const struct layers *l, struct span inner, uint8_t *out)
{
	static uint8_t aad[10 + 13 + 8];
	struct record12 h = {CONTENT_TLS12_CID, VERSION_DTLS12, 1, 9, cid_of(8), {0}};
	uint8_t nonce[AEAD_NONCE];
	struct wr w = wr_of(out, RECORD_PLAINTEXT_MAX), aw = wr_of(aad, sizeof aad);
	struct aead_key *key;
	wr_u64(&aw, UINT64_MAX);
	wr_u16(&aw, 25 << 8 | 8);
	put_record12_header(&aw, &h, (uint16_t)inner.n);
	put_record12_header(&w, &h, (uint16_t)(8 + inner.n + 16));
	wr_u64(&w, 77);
	memcpy(nonce, l->b.in.key.iv, 4);
	memcpy(nonce + 4, out + w.n - 8, 8);
	MUST(schedules_get(l->pool.schedules, (struct raw_key *)(uintptr_t)&l->b.in.key, &key));
	MUST(l->provider->aead_seal(key, nonce, wr_span(&aw), out + w.n, inner.p, inner.n));
	return w.n + inner.n + 16;
}

/* RFC 9146 4, 5: content, type, zeros, of at most 2^14 bytes together. */
static void inside(void **state)
{
	static uint8_t big[RECORD_PLAINTEXT_MAX + 1], bytes[RECORD_PLAINTEXT_MAX + 256];
	static const struct {
		const char *name;
		const char *inner;
		size_t n;
		tern_drop drop;
		size_t content;
		uint8_t type;
	} cases[] = {
		{"no padding", "ab\x17", 3, TERN_DROP_NONE, 2, 23},
		{"padding", "ab\x16\0\0\0\0", 7, TERN_DROP_NONE, 2, 22},
		{"no content", "\x15\0", 2, TERN_DROP_NONE, 0, 21},
		{"zeros in the content", "a\0\0\x17\0", 5, TERN_DROP_NONE, 3, 23},
		{"nothing", "", 0, TERN_DROP_CONTENT_TYPE, 0, 0},
		{"zeros", "\0\0\0", 3, TERN_DROP_CONTENT_TYPE, 0, 0},
		{"a type below", "ab\x13", 3, TERN_DROP_CONTENT_TYPE, 0, 0},
		{"itself", "ab\x19", 3, TERN_DROP_CONTENT_TYPE, 0, 0},
		{"ACK", "ab\x1a", 3, TERN_DROP_CONTENT_TYPE, 0, 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0] + 4; i++) {
		struct layers l;
		struct record r;
		size_t n, k = i - sizeof cases / sizeof cases[0];
		open_with(&l, &provider_libcrypto, false, AEAD_AES_128_GCM, 8);
		if (i < sizeof cases / sizeof cases[0]) {
			n = forge12(&l, span_of(cases[i].inner, cases[i].n), bytes);
			if (cases[i].drop != TERN_DROP_NONE) {
				check_dropped(cases[i].name, &l, bytes, n, cases[i].drop);
			} else {
				r = read_one(&l, bytes, n);
				if (r.drop != TERN_DROP_NONE || r.n != cases[i].content || r.type != cases[i].type)
					fail_msg("%s", cases[i].name);
			}
		} else { /* 2^14 bytes with the type, and one more; where the plaintext is limited one more than that */
			size_t inner = RECORD_PLAINTEXT_MAX + (k & 1);
			if (k & 2) {
				l.b.plaintext_max_in = 512;
				inner = 513 + (k & 1);
			}
			memset(big, 1, sizeof big);
			big[inner - 1] = 23;
			n = forge12(&l, span_of(big, inner), bytes);
			if (k & 1) {
				check_dropped("too long", &l, bytes, n, TERN_DROP_TOO_LONG);
			} else {
				r = read_one(&l, bytes, n);
				assert_int_equal(r.drop, TERN_DROP_NONE);
				assert_int_equal(r.n, inner - 1);
			}
		}
		layers_close(&l);
	}
}

/* RFC 9146 5: nor do we make longer ones. */
static void longest(void **state)
{
	static uint8_t plain[RECORD_PLAINTEXT_MAX], bytes[RECORD_PLAINTEXT_MAX + 256];
	(void)state;
	for (size_t cid_len = 0; cid_len < 2; cid_len++) {
		struct layers l;
		struct wr w = wr_of(bytes, sizeof bytes);
		open_with(&l, &provider_stub, false, AEAD_AES_128_GCM, cid_len);
		assert_int_equal(record_seal(&l.a, 1, 23, span_of(plain, sizeof plain), &w, NULL),
				 cid_len ? TERN_ERROR_TOO_LARGE : TERN_OK);
		w.n = 0;
		MUST(record_seal(&l.a, 1, 23, span_of(plain, sizeof plain - 1), &w, NULL));
		layers_close(&l);
	}
}

/* Several of ours at once, and which of them the peer uses. */
static void several(void **state)
{
	static const size_t lengths[] = {3, 9, 200};
	(void)state;
	for (int is13 = 0; is13 < 2; is13++) {
		struct layers l;
		uint16_t epoch = open_with(&l, &provider_libcrypto, is13, AEAD_AES_128_GCM, 0);
		uint8_t cid[256];
		for (size_t i = 0; i < 3; i++) {
			memset(cid, (int)(i + 1), sizeof cid);
			MUST(cids_add(&l.b.cids, &heap_default, CID_OURS, span_of(cid, lengths[i])));
		}
		l.b.cids.due = true;
		for (size_t i = 0; i < 9; i++) {
			uint8_t bytes[512];
			struct wr w = wr_of(bytes, sizeof bytes);
			struct record r;
			size_t which = i * 2 % 3, before = l.b.cids.used;
			memset(cid, (int)(which + 1), sizeof cid);
			cids_free(&l.a.cids, &heap_default);
			MUST(cids_add(&l.a.cids, &heap_default, CID_PEERS, span_of(cid, lengths[which])));
			MUST(record_seal(&l.a, epoch, 23, span_of("x", 1), &w, NULL));
			bytes[w.n - 1] ^= 1;
			check_dropped("forged", &l, bytes, w.n, TERN_DROP_FORGED);
			assert_int_equal(l.b.cids.used, before); /* nothing is believed before */
			bytes[w.n - 1] ^= 1;
			r = read_one(&l, bytes, w.n);
			assert_int_equal(r.drop, TERN_DROP_NONE);
			assert_int_equal(l.b.cids.used, which);
		}
		layers_close(&l);
	}
}

/* Early data is older than the agreement, and needs no ID; with one it is read too. */
static void early_data_is_older(void **state)
{
	(void)state;
	for (int with = 0; with < 2; with++) {
		uint8_t bytes[64];
		struct wr w = wr_of(bytes, sizeof bytes);
		struct layers l;
		layers_open(&l, &provider_libcrypto, 64);
		layers_use13(&l);
		layers_key(&l, 1, AEAD_AES_128_GCM);
		MUST(cids_add(&l.b.cids, &heap_default, CID_OURS, cid_of(8)));
		l.b.cids.due = true;
		if (with)
			MUST(cids_add(&l.a.cids, &heap_default, CID_PEERS, cid_of(8)));
		MUST(record_seal(&l.a, 1, 23, span_of("early", 5), &w, NULL));
		assert_int_equal(read_one(&l, bytes, w.n).drop, TERN_DROP_NONE);
		layers_close(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(round_trips),
		cmocka_unit_test(refuses_changed),
		cmocka_unit_test(judges),
		cmocka_unit_test(rest_is_others_too),
		cmocka_unit_test(plaintext),
		cmocka_unit_test(inside),
		cmocka_unit_test(longest),
		cmocka_unit_test(several),
		cmocka_unit_test(early_data_is_older),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
