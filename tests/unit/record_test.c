/* src/record/record.c. RFC 6347 4.1, 4.1.1.1, 4.1.2.1, 4.1.2.6, 4.1.2.7, RFC 9147 4, 4.2.1, 4.3, 4.4, 4.5.1, 4.5.3. */
#include "record/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "count_heap.h"
#include "record/protect.h"
#include "unit/layers.h"

#define HEADER(type, version, epoch, seq, len) type, 0xfe, version, 0, epoch, 0, 0, 0, 0, 0, seq, 0, len

/* Each row is a datagram for a reader with keys for epoch 1. */
static void judges(void **state)
{
	static const struct {
		const char *name;
		uint8_t bytes[48];
		size_t n;
		bool no_plain;
		struct {
			tern_drop drop;
			uint8_t type;
			size_t n;
		} want[3];
		size_t num;
	} cases[] = {
		{.name = "empty datagram"},
		{"plaintext", {HEADER(22, 0xfd, 0, 7, 2), 1, 2}, 15, false, {{TERN_DROP_NONE, 22, 2}}, 1},
		{"plaintext of version 1.0", {HEADER(22, 0xff, 0, 7, 1), 1}, 14, false, {{TERN_DROP_NONE, 22, 1}}, 1},
		{"plaintext without payload", {HEADER(22, 0xfd, 0, 7, 0)}, 13, false, {{TERN_DROP_NONE, 22, 0}}, 1},
		{"plaintext of version 1.1",
		 {HEADER(22, 0xfe, 0, 7, 1), 1},
		 14,
		 false,
		 {{TERN_DROP_VERSION, 22, 0}},
		 1},
		{"protected of version 1.0",
		 {HEADER(23, 0xff, 1, 7, 1), 1},
		 14,
		 false,
		 {{TERN_DROP_VERSION, 23, 0}},
		 1},
		{"type 19", {HEADER(19, 0xfd, 0, 7, 1), 1}, 14, false, {{TERN_DROP_CONTENT_TYPE, 19, 0}}, 1},
		{"type 24", {HEADER(24, 0xfd, 0, 7, 1), 1}, 14, false, {{TERN_DROP_CONTENT_TYPE, 24, 0}}, 1},
		{"type 20", {HEADER(20, 0xfd, 0, 7, 1), 1}, 14, false, {{TERN_DROP_NONE, 20, 1}}, 1},
		{"type 23", {HEADER(23, 0xfd, 0, 7, 1), 1}, 14, false, {{TERN_DROP_NONE, 23, 1}}, 1},
		{"no keys for the epoch", {HEADER(23, 0xfd, 2, 7, 1), 1}, 14, false, {{TERN_DROP_EPOCH, 23, 0}}, 1},
		{"shorter than nonce and tag",
		 {HEADER(23, 0xfd, 1, 7, 1), 1},
		 14,
		 false,
		 {{TERN_DROP_FORGED, 23, 0}},
		 1},
		{"a byte shorter than nonce and tag",
		 {HEADER(23, 0xfd, 1, 7, 23)},
		 36,
		 false,
		 {{TERN_DROP_FORGED, 23, 0}},
		 1},
		{"forged", {HEADER(23, 0xfd, 1, 7, 24)}, 37, false, {{TERN_DROP_FORGED, 23, 0}}, 1},
		{"plaintext gate", {HEADER(21, 0xfd, 0, 7, 2), 2, 0}, 15, true, {{TERN_DROP_PLAINTEXT, 21, 0}}, 1},
		{"cut short", {HEADER(22, 0xfd, 0, 7, 2), 1}, 14, false, {{TERN_DROP_MALFORMED, 0, 0}}, 1},
		{"half a header", {22, 0xfe, 0xfd}, 3, false, {{TERN_DROP_MALFORMED, 0, 0}}, 1},
		{"a dropped record is stepped over",
		 {HEADER(22, 0xfd, 2, 7, 1), 1, HEADER(22, 0xfd, 0, 8, 1), 5, 99},
		 29,
		 false,
		 {{TERN_DROP_EPOCH, 22, 0}, {TERN_DROP_NONE, 22, 1}, {TERN_DROP_MALFORMED, 0, 0}},
		 3},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t bytes[48];
		struct datagram d = {bytes, cases[i].n};
		struct record r;
		struct layers l;
		memcpy(bytes, cases[i].bytes, sizeof bytes);
		layers_open(&l, &provider_stub, 64);
		layers_key(&l, 1, AEAD_AES_128_GCM);
		l.b.plain_in = !cases[i].no_plain;
		for (size_t k = 0; k < cases[i].num; k++) {
			if (!record_next(&l.b, &d, &r) || r.drop != cases[i].want[k].drop ||
			    r.type != cases[i].want[k].type || r.n != cases[i].want[k].n)
				fail_msg("%s: record %zu: %s", cases[i].name, k, tern_drop_sentence(r.drop));
		}
		if (record_next(&l.b, &d, &r) || d.n)
			fail_msg("%s: no end", cases[i].name);
		assert_memory_equal(bytes, cases[i].bytes, sizeof bytes);
		assert_int_equal(l.b.in.window.next, 0);
		layers_close(&l);
	}
}

static size_t seal_one(struct layers *l, uint16_t epoch, uint8_t *out, size_t cap, uint64_t seq)
{
	struct wr w = wr_of(out, cap);
	if (epoch)
		l->a.out.next_seq = seq;
	assert_int_equal(record_seal(&l->a, epoch, 23, span_of("data", 4), &w, NULL), TERN_OK);
	return w.n;
}

static struct record read_one(struct layers *l, uint8_t *p, size_t n)
{
	struct datagram d = {p, n};
	struct record r;
	assert_true(record_next(&l->b, &d, &r));
	return r;
}

static void replays(void **state)
{
	static const struct {
		uint64_t seq;
		tern_drop want;
	} steps[] = {
		{5, TERN_DROP_NONE},	  {5, TERN_DROP_REPLAYED},
		{100, TERN_DROP_NONE},	  {36, TERN_DROP_TOO_OLD},
		{37, TERN_DROP_NONE},	  {99, TERN_DROP_NONE},
		{99, TERN_DROP_REPLAYED}, {RECORD_SEQ_MAX - 1, TERN_DROP_NONE},
	};
	struct layers l;
	(void)state;
	layers_open(&l, &provider_stub, 64);
	layers_key(&l, 1, AEAD_CHACHA20_POLY1305);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		uint8_t bytes[64];
		struct record r;
		size_t n = seal_one(&l, 1, bytes, sizeof bytes, steps[i].seq);
		/* Damaged first: that must not count as received. */
		bytes[n - 1] ^= 1;
		assert_int_not_equal(read_one(&l, bytes, n).drop, TERN_DROP_NONE);
		bytes[n - 1] ^= 1;
		r = read_one(&l, bytes, n);
		if (r.drop != steps[i].want)
			fail_msg("step %zu: %s", i, tern_drop_sentence(r.drop));
		assert_int_equal(r.seq, steps[i].seq);
	}
	assert_int_equal(l.b.in.opened, 5);
	assert_int_equal(l.b.in.forged, 5);
	layers_close(&l);
}

static void too_long(void **state)
{
	static uint8_t bytes[RECORD_PLAINTEXT_MAX + 100];
	struct record12 h = {.type = 22, .version = VERSION_DTLS12};
	struct wr w = wr_of(bytes, sizeof bytes);
	struct layers l;
	(void)state;
	layers_open(&l, &provider_stub, 64);
	layers_key(&l, 1, AEAD_AES_128_GCM);
	put_record12_header(&w, &h, RECORD_PLAINTEXT_MAX + 1);
	assert_int_equal(read_one(&l, bytes, RECORD12_HEADER + RECORD_PLAINTEXT_MAX + 1).drop, TERN_DROP_TOO_LONG);
	l.b.plaintext_max_in = 3;
	assert_int_equal(read_one(&l, bytes, seal_one(&l, 1, bytes, 64, 0)).drop, TERN_DROP_TOO_LONG);
	assert_int_equal(l.b.in.forged, 0);
	assert_int_equal(read_one(&l, bytes, seal_one(&l, 0, bytes, 64, 0)).drop, TERN_DROP_NONE);
	l.b.plaintext_max_in = 4;
	assert_int_equal(read_one(&l, bytes, seal_one(&l, 1, bytes, 64, 0)).drop, TERN_DROP_NONE);
	w = wr_of(bytes, sizeof bytes);
	assert_int_equal(record_seal(&l.a, 1, 23, span_of(bytes, RECORD_PLAINTEXT_MAX + 1), &w, NULL),
			 TERN_ERROR_TOO_LARGE);
	assert_int_equal(w.n, 0);
	layers_close(&l);
}

/* Neither call writes or uses up a number when it fails. */
static void limits(void **state)
{
	static const struct {
		const char *name;
		uint16_t epoch;
		uint64_t setting, next;
		bool near, may;
	} cases[] = {
		{"first", 1, 0, 0, false, true},
		{"setting: last but one in eight", 1, 80, 69, false, true},
		{"setting: seven eighths", 1, 80, 70, true, true},
		{"setting: last", 1, 80, 79, true, true},
		{"setting: used up", 1, 80, 80, true, false},
		{"setting of one", 1, 1, 0, false, true},
		{"setting of one, used up", 1, 1, 1, true, false},
		{"setting above the AEAD's", 1, UINT64_MAX, UINT64_C(1) << 23, true, false},
		{"AEAD: last", 1, 0, (UINT64_C(1) << 23) - 1, true, true},
		{"AEAD: used up", 1, 0, UINT64_C(1) << 23, true, false},
		{"plaintext numbers: last", 0, 80, RECORD_SEQ_MAX, false, true},
		{"plaintext numbers: used up", 0, 80, RECORD_SEQ_MAX + 1, false, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		tern_error want = cases[i].may ? TERN_OK : TERN_ERROR_LIMIT, got;
		uint8_t bytes[64];
		struct wr w = wr_of(bytes, sizeof bytes);
		struct record_mark mark;
		struct layers l;
		uint64_t *next;
		layers_open(&l, &provider_stub, 64);
		layers_key(&l, 1, AEAD_AES_128_CCM);
		l.pool.seal_limit = cases[i].setting;
		next = cases[i].epoch ? &l.a.out.next_seq : &l.a.plain_seq;
		*next = cases[i].next;
		if (limit_near(&l.a) != cases[i].near)
			fail_msg("%s: near", cases[i].name);
		got = record_begin(&l.a, cases[i].epoch, 23, &w, &mark);
		if (got != want)
			fail_msg("%s: begin %s", cases[i].name, tern_error_name(got));
		w = wr_of(bytes, sizeof bytes);
		got = record_seal(&l.a, cases[i].epoch, 23, span_of("x", 1), &w, NULL);
		if (got != want || (w.n == 0) != (got != TERN_OK) || *next != cases[i].next + (got == TERN_OK))
			fail_msg("%s: seal %s", cases[i].name, tern_error_name(got));
		layers_close(&l);
	}
}

static void record_numbers_end(void **state)
{
	uint8_t bytes[64];
	struct wr w = wr_of(bytes, sizeof bytes);
	struct layers l;
	(void)state;
	layers_open(&l, &provider_stub, 64);
	layers_key(&l, 1, AEAD_CHACHA20_POLY1305);
	l.a.out.next_seq = RECORD_SEQ_MAX - 1; /* of a limit one below the numbers' */
	assert_int_equal(record_seal(&l.a, 1, 23, span_of("x", 1), &w, NULL), TERN_OK);
	assert_int_equal(record_seal(&l.a, 1, 23, span_of("x", 1), &w, NULL), TERN_ERROR_LIMIT);
	layers_close(&l);
}

static void wears_out(void **state)
{
	const uint64_t limit = aead_algs[AEAD_AES_128_CCM_8].forgery_limit12, near = limit - limit / 8;
	uint8_t bytes[64];
	struct layers l;
	(void)state;
	layers_open(&l, &provider_stub, 64);
	assert_false(record_worn(&l.b) || limit_near(&l.b));
	layers_key(&l, 1, AEAD_AES_128_CCM_8);
	l.b.in.forged = near - 16;
	for (uint64_t i = near - 16; i < limit; i++) {
		size_t n = seal_one(&l, 1, bytes, sizeof bytes, 16);
		assert_false(record_worn(&l.b));
		assert_int_equal(limit_near(&l.b), i >= near);
		bytes[n - 1] ^= 1;
		assert_int_equal(read_one(&l, bytes, n).drop, TERN_DROP_FORGED);
	}
	assert_true(record_worn(&l.b));
	/* The count is the key's. */
	layers_key(&l, 2, AEAD_AES_128_CCM_8);
	assert_false(record_worn(&l.b) || limit_near(&l.b));
	layers_close(&l);
}

static void room(void **state)
{
	(void)state;
	for (uint16_t epoch = 0; epoch < 2; epoch++) {
		uint8_t bytes[64];
		struct record_mark mark;
		struct layers l;
		size_t need;
		layers_open(&l, &provider_stub, 64);
		layers_key(&l, 1, AEAD_AES_128_GCM);
		need = record_overhead(&l.a, epoch) + 4;
		assert_int_equal(need, epoch ? 41 : 17);
		for (size_t cap = 0; cap <= need; cap++) {
			tern_error want = cap < need ? TERN_ERROR_BUFFER_TOO_SMALL : TERN_OK;
			struct wr w = wr_of(bytes, cap);
			assert_int_equal(record_seal(&l.a, epoch, 22, span_of("data", 4), &w, NULL), want);
			assert_int_equal(w.n, want == TERN_OK ? cap : 0);
			w = wr_of(bytes, cap);
			if (record_begin(&l.a, epoch, 22, &w, &mark) != TERN_OK) {
				assert_int_equal(w.n, 0);
				assert_true(cap < need - 4);
				continue;
			}
			wr_bytes(&w, span_of("data", 4));
			assert_int_equal(record_end(&l.a, &w, &mark, NULL), want);
			assert_int_equal(w.n, want == TERN_OK ? cap : 0);
			assert_true(wr_ok(&w));
		}
		/* Two seals of the whole size: the others used up no number. */
		assert_int_equal(epoch ? l.a.out.next_seq : l.a.plain_seq, 2);
		assert_int_equal(record_seal(&l.a, 2, 22, span_of("data", 4), &(struct wr){bytes, 0, 64, false}, NULL),
				 TERN_ERROR_INTERNAL);
		layers_close(&l);
	}
}

/* In place and from elsewhere, the bytes are the same; several records share a datagram. */
static void two_ways(void **state)
{
	uint8_t one[256], two[256];
	struct wr w1 = wr_of(one, sizeof one), w2 = wr_of(two, sizeof two);
	struct layers l;
	struct record r;
	struct datagram d = {one, 0};
	(void)state;
	layers_open(&l, &provider_stub, 64);
	layers_key(&l, 1, AEAD_AES_128_GCM);
	for (uint16_t epoch = 0; epoch < 2; epoch++) {
		struct record_mark mark;
		uint64_t seq;
		assert_int_equal(record_seal(&l.a, epoch, 22, span_of("message", 7), &w1, &seq), TERN_OK);
		assert_int_equal(seq, 0);
		l.a.plain_seq = l.a.out.next_seq = 0;
		assert_int_equal(record_begin(&l.a, epoch, 22, &w2, &mark), TERN_OK);
		wr_bytes(&w2, span_of("message", 7));
		assert_int_equal(record_end(&l.a, &w2, &mark, &seq), TERN_OK);
		assert_int_equal(seq, 0);
	}
	assert_true(span_equal(wr_span(&w1), wr_span(&w2)));
	d.n = w1.n;
	for (uint16_t epoch = 0; epoch < 2; epoch++) {
		assert_true(record_next(&l.b, &d, &r));
		assert_int_equal(r.drop, TERN_DROP_NONE);
		assert_int_equal(r.epoch, epoch);
		assert_true(span_equal(span_of(r.p, r.n), span_of("message", 7)));
	}
	layers_close(&l);
}

/* Data that stands already where its record puts it. */
static void equal_buffers(void **state)
{
	uint8_t bytes[64];
	struct layers l;
	struct record r;
	(void)state;
	layers_open(&l, &provider_stub, 64);
	layers_key(&l, 1, AEAD_AES_128_CCM);
	for (uint16_t epoch = 0; epoch < 2; epoch++) {
		struct wr w = wr_of(bytes, sizeof bytes);
		size_t front = epoch ? RECORD12_HEADER + 8 : RECORD12_HEADER;
		memcpy(bytes + front, "data", 4);
		assert_int_equal(record_seal(&l.a, epoch, 23, span_of(bytes + front, 4), &w, NULL), TERN_OK);
		r = read_one(&l, bytes, w.n);
		assert_int_equal(r.drop, TERN_DROP_NONE);
		assert_true(span_equal(span_of(r.p, r.n), span_of("data", 4)));
	}
	layers_close(&l);
}

static void new_epoch(void **state)
{
	uint8_t old[64], bytes[64];
	struct epoch_key none;
	struct layers l;
	size_t n, old_n;
	(void)state;
	layers_open(&l, &provider_stub, 128);
	layers_key(&l, 1, AEAD_AES_128_GCM);
	old_n = seal_one(&l, 1, old, sizeof old, 3);
	n = seal_one(&l, 1, bytes, sizeof bytes, 4);
	assert_int_equal(read_one(&l, bytes, n).drop, TERN_DROP_NONE);
	layers_key(&l, 2, AEAD_AES_256_GCM);
	none = (struct epoch_key){&aead_algs[AEAD_AES_256_GCM], l.a.out.key.here, span_of("", 0), NULL};
	assert_int_equal(l.a.out.next_seq, 0);
	assert_int_equal(read_one(&l, old, old_n).drop, TERN_DROP_EPOCH);
	n = seal_one(&l, 2, bytes, sizeof bytes, 0);
	assert_int_equal(read_one(&l, bytes, n).drop, TERN_DROP_NONE);
	assert_int_equal(record_set_read(&l.b, 0, &none), TERN_ERROR_INTERNAL);
	record_free(&l.b);
	for (size_t i = 0; i < sizeof l.b.in.key.here; i++)
		assert_int_equal(l.b.in.key.here[i], 0);
	record_init(&l.b, &protection12, &l.pool);
	layers_close(&l);
}

/* Memory that runs out is nobody's forgery, and does not cost the keys we have. */
static void out_of_memory(void **state)
{
	struct count_heap h = {0};
	tern_allocator heap = count_heap_allocator(&h);
	static const uint8_t key[AEAD_KEY_MAX] = {1};
	uint8_t bytes[64], before[64];
	struct layers l;
	struct record r;
	size_t n;
	(void)state;
	layers_open(&l, &provider_stub, 64);
	layers_key(&l, 1, AEAD_AES_128_GCM);
	n = seal_one(&l, 1, bytes, sizeof bytes, 0);
	memcpy(before, bytes, n);
	l.pool.heap = &heap;
	l.pool.window_size = 128;
	h.fail_at = 1;
	assert_int_equal(record_set_read(&l.b, 2,
					 &(struct epoch_key){&aead_algs[AEAD_AES_128_GCM], key, span_of(key, 4), NULL}),
			 TERN_ERROR_NO_MEMORY);
	assert_int_equal(l.b.in.epoch, 1);
	/* The cache of the reader cannot expand the key. */
	h.fail_at = 0;
	schedules_free(l.pool.schedules);
	l.provider->close(l.crypto);
	assert_int_equal(l.provider->open(&l.crypto, &heap), TERN_OK);
	assert_int_equal(schedules_new(&l.pool.schedules, &provider_stub, l.crypto, &heap, 1), TERN_OK);
	h.fail_at = h.allocs + 1;
	r = read_one(&l, bytes, n);
	assert_int_equal(r.drop, TERN_DROP_BUDGET);
	assert_int_equal(l.b.in.forged, 0);
	assert_memory_equal(bytes, before, n);
	h.fail_at = h.allocs + 1;
	assert_int_equal(record_seal(&l.a, 1, 23, span_of("x", 1), &(struct wr){before, 0, 64, false}, NULL),
			 TERN_ERROR_NO_MEMORY);
	assert_int_equal(l.a.out.next_seq, 1);
	assert_int_equal(read_one(&l, bytes, n).drop, TERN_DROP_NONE);
	layers_close(&l);
	assert_int_equal(h.live, 0);
}

/* An idle connection is to be small. */
static void size(void **state)
{
	(void)state;
	print_message("sizeof(struct record_layer) = %zu\n", sizeof(struct record_layer));
	assert_true(sizeof(struct record_layer) <= 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges),
		cmocka_unit_test(replays),
		cmocka_unit_test(too_long),
		cmocka_unit_test(limits),
		cmocka_unit_test(record_numbers_end),
		cmocka_unit_test(wears_out),
		cmocka_unit_test(room),
		cmocka_unit_test(two_ways),
		cmocka_unit_test(equal_buffers),
		cmocka_unit_test(new_epoch),
		cmocka_unit_test(out_of_memory),
		cmocka_unit_test(size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
