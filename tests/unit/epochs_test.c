/* src/record/epochs.c: several epochs alive in DTLS 1.3, and how either version meets records of the other. RFC 9147
 * 4, 4.1, 4.2.1, 4.2.2, 4.5.2, 4.5.3, 6.1, 9.1. */
#include "record/epochs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "count_heap.h"
#include "pcg.h"
#include "record/protect.h"
#include "unit/forge13.h"

static void open13(struct layers *l, uint16_t window)
{
	layers_open(l, &provider_stub, window);
	layers_use13(l);
}

struct packet {
	uint8_t bytes[64];
	size_t n;
	uint16_t epoch;
	uint64_t seq;
};

static struct packet packet_of(struct layers *l, uint16_t epoch)
{
	struct packet p = {.epoch = epoch};
	struct wr w = wr_of(p.bytes, sizeof p.bytes);
	assert_int_equal(record_seal(&l->a, epoch, 23, span_of("data", 4), &w, &p.seq), TERN_OK);
	p.n = w.n;
	return p;
}

static struct record read_packet(struct layers *l, struct packet p)
{
	struct datagram d = {p.bytes, p.n};
	struct record r;
	assert_true(record_next(&l->b, &d, &r));
	assert_int_equal(d.n, 0);
	if (r.drop == TERN_DROP_NONE)
		assert_memory_equal(r.p, "data", 4);
	r.p = NULL;
	return r;
}

static void check(struct layers *l, const char *name, struct packet p, tern_drop want)
{
	struct record r = read_packet(l, p);
	if (r.drop != want || (want == TERN_DROP_NONE && (r.epoch != p.epoch || r.seq != p.seq)))
		fail_msg("%s: %s (epoch %u)", name, tern_drop_sentence(r.drop), r.epoch);
}

/* Four epochs; all their records in any order; the AEAD differs from one to the next. */
static void reordered(void **state)
{
	struct packet packets[4 * 16] = {0};
	struct pcg random = {7};
	struct layers l;
	size_t num = 0;
	(void)state;
	open13(&l, 64);
	for (uint16_t epoch = 2; epoch <= 5; epoch++)
		layers_key(&l, epoch, (enum aead_id)(epoch % NUM_AEADS));
	for (; num < 64; num++)
		packets[num] = packet_of(&l, (uint16_t)(2 + num % 4));
	for (size_t i = num - 1; i > 0; i--) {
		size_t other = pcg_below(&random, (uint32_t)i + 1);
		struct packet p = packets[i];
		packets[i] = packets[other];
		packets[other] = p;
	}
	for (size_t i = 0; i < num; i++)
		check(&l, "first time", packets[i], TERN_DROP_NONE);
	for (size_t i = 0; i < num; i++)
		check(&l, "second time", packets[i], TERN_DROP_REPLAYED);
	for (uint16_t epoch = 2; epoch <= 5; epoch++) {
		assert_int_equal(epochs_read(&l.b, epoch)->opened, 16);
		assert_int_equal(epochs_write(&l.a, epoch)->next_seq, 16);
	}
	layers_close(&l);
}

/* Numbers go on in an epoch that is not the newest; the overhead is that of its AEAD. */
static void writes_older(void **state)
{
	struct layers l;
	(void)state;
	open13(&l, 64);
	layers_key(&l, 2, AEAD_AES_128_GCM);
	check(&l, "before", packet_of(&l, 2), TERN_DROP_NONE);
	layers_key(&l, 3, AEAD_AES_128_CCM_8);
	for (uint64_t i = 1; i < 5; i++) {
		struct packet p = packet_of(&l, 2);
		assert_int_equal(p.seq, i);
		check(&l, "after", p, TERN_DROP_NONE);
	}
	assert_int_equal(l.a.out.next_seq, 0);
	assert_int_equal(record_overhead(&l.a, 0), 13);
	assert_int_equal(record_overhead(&l.a, 2), 22);
	assert_int_equal(record_overhead(&l.a, 3), 14);
	layers_close(&l);
}

/* What can still be read and written after each step. Bit e: epoch e. */
static void forgetting(void **state)
{
	static const struct {
		const char *name;
		uint16_t key, forget_read, forget_write;
		unsigned reads, writes;
	} steps[] = {
		{"first", 2, 0, 0, 0x04, 0x04},
		{"second", 3, 0, 0, 0x0c, 0x0c},
		{"forget nothing", 0, 2, 2, 0x0c, 0x0c},
		{"forget the handshake's", 0, 3, 0, 0x08, 0x0c},
		{"and for writing", 0, 0, 3, 0x08, 0x08},
		{"a key update", 4, 0, 0, 0x18, 0x18},
		{"another", 5, 0, 0, 0x38, 0x38},
		{"four", 6, 0, 0, 0x78, 0x78},
		{"five are too many", 7, 0, 0, 0xf0, 0xf0},
		{"out of the middle", 0, 6, 5, 0xc0, 0xe0},
		{"everything", 0, 8, 8, 0, 0},
		{"afresh", 9, 0, 0, 0x200, 0x200},
	};
	struct packet packets[10] = {0};
	struct layers l;
	(void)state;
	open13(&l, 128);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		if (steps[i].key)
			layers_key(&l, steps[i].key, AEAD_AES_128_GCM);
		if (steps[i].key)
			l.b.in.key.here[5] = l.a.out.key.here[5] = (uint8_t)steps[i].key;
		record_forget_read(&l.b, steps[i].forget_read);
		record_forget_write(&l.a, steps[i].forget_write);
		for (uint16_t epoch = 1; epoch < 10; epoch++) {
			bool reads = steps[i].reads >> epoch & 1, writes = steps[i].writes >> epoch & 1;
			struct wr w = wr_of((uint8_t[64]){0}, 64);
			if (writes)
				packets[epoch] = packet_of(&l, epoch);
			else
				assert_int_equal(record_seal(&l.a, epoch, 23, span_of("data", 4), &w, NULL),
						 TERN_ERROR_INTERNAL);
			if ((epochs_read(&l.b, epoch) != NULL) != reads)
				fail_msg("%s: epoch %u", steps[i].name, epoch);
			if (writes && reads)
				check(&l, steps[i].name, packets[epoch], TERN_DROP_NONE);
			else if (packets[epoch].n)
				assert_int_not_equal(read_packet(&l, packets[epoch]).drop, TERN_DROP_NONE);
		}
	}
	layers_close(&l);
}

/* A forgery limit ends its own epoch alone. */
static void worn(void **state)
{
	const uint64_t nearly = aead_algs[AEAD_AES_128_GCM].forgery_limit - 8;
	struct packet old, good;
	struct layers l;
	(void)state;
	open13(&l, 64);
	layers_key(&l, 2, AEAD_AES_128_GCM);
	l.b.in.forged = nearly;
	old = packet_of(&l, 2);
	layers_key(&l, 3, AEAD_AES_128_GCM);
	good = packet_of(&l, 3);
	for (size_t i = 0; i < 8; i++) {
		struct packet p = old;
		p.bytes[p.n - 1 - i] ^= 1;
		assert_non_null(epochs_read(&l.b, 2));
		check(&l, "forged", p, TERN_DROP_FORGED);
		assert_false(record_worn(&l.b) || limit_near(&l.b));
	}
	assert_null(epochs_read(&l.b, 2));
	check(&l, "old", old, TERN_DROP_EPOCH);
	check(&l, "new", good, TERN_DROP_NONE);
	l.b.in.forged = nearly;
	for (size_t i = 0; i < 8; i++) {
		struct packet p = packet_of(&l, 3);
		assert_false(record_worn(&l.b));
		p.bytes[p.n - 1] ^= 1;
		check(&l, "forged", p, TERN_DROP_FORGED);
	}
	assert_true(record_worn(&l.b) && limit_near(&l.b));
	layers_key(&l, 4, AEAD_AES_128_GCM);
	assert_false(record_worn(&l.b) || limit_near(&l.b));
	layers_close(&l);
}

/* Each epoch counts its own seals. */
static void seal_limits(void **state)
{
	struct layers l;
	struct wr w = wr_of((uint8_t[64]){0}, 64);
	(void)state;
	open13(&l, 64);
	l.pool.seal_limit = 3;
	for (uint16_t epoch = 2; epoch < 4; epoch++) {
		layers_key(&l, epoch, AEAD_AES_128_GCM);
		for (size_t i = 0; i < (epoch == 2 ? 2 : 3); i++)
			packet_of(&l, epoch);
	}
	assert_true(limit_near(&l.a));
	assert_int_equal(record_seal(&l.a, 3, 23, span_of("x", 1), &w, NULL), TERN_ERROR_LIMIT);
	packet_of(&l, 2);
	assert_int_equal(record_seal(&l.a, 2, 23, span_of("x", 1), &w, NULL), TERN_ERROR_LIMIT);
	assert_int_equal(w.n, 0);
	layers_close(&l);
}

/* Two bits name the newest epoch that has them; without keys, the next that may come. */
static void bits(void **state)
{
	static const struct {
		const char *name;
		uint16_t alive[3];
		uint16_t want[4], expected[4]; /* by the bits; want 0: none */
	} cases[] = {
		{"no keys", {0}, {0, 0, 0, 0}, {4, 1, 2, 3}},
		{"handshake", {2}, {0, 0, 2, 0}, {4, 5, 6, 3}},
		{"handshake and data", {2, 3}, {0, 0, 2, 3}, {4, 5, 6, 7}},
		{"data and key update", {3, 4}, {4, 0, 0, 3}, {8, 5, 6, 7}},
		{"the same bits twice", {2, 3, 6}, {0, 0, 6, 3}, {8, 9, 10, 7}},
		{"the last epochs", {65534, 65535}, {0, 0, 65534, 65535}, {65535, 65535, 65535, 65535}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct layers l;
		open13(&l, 64);
		for (size_t k = 0; k < 3 && cases[i].alive[k]; k++)
			layers_key(&l, cases[i].alive[k], AEAD_AES_128_GCM);
		for (uint8_t b = 0; b < 4; b++) {
			uint16_t epoch;
			bool found = epochs_by_bits(&l.b, b, &epoch);
			if (found != (cases[i].want[b] != 0) || (found && epoch != cases[i].want[b]) ||
			    epochs_expected(&l.b, b) != cases[i].expected[b])
				fail_msg("%s: bits %u", cases[i].name, b);
		}
		layers_close(&l);
	}
}

static void refused_keys(void **state)
{
	static const uint8_t bytes[AEAD_KEY_MAX];
	const struct aead_alg *aead = &aead_algs[AEAD_AES_128_GCM];
	const struct {
		const char *name;
		uint16_t epoch;
		struct epoch_key key;
	} cases[] = {
		{"epoch 0", 0, {aead, bytes, span_of(bytes, 12), bytes}},
		{"the same epoch", 3, {aead, bytes, span_of(bytes, 12), bytes}},
		{"an earlier epoch", 2, {aead, bytes, span_of(bytes, 12), bytes}},
		{"short IV", 4, {aead, bytes, span_of(bytes, 4), bytes}},
		{"long IV", 4, {aead, bytes, span_of(bytes, 13), bytes}},
		{"no key for numbers", 4, {aead, bytes, span_of(bytes, 12), NULL}},
	};
	struct layers l;
	(void)state;
	open13(&l, 64);
	layers_key(&l, 3, AEAD_AES_128_GCM);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (record_set_read(&l.b, cases[i].epoch, &cases[i].key) != TERN_ERROR_INTERNAL ||
		    record_set_write(&l.a, cases[i].epoch, &cases[i].key) != TERN_ERROR_INTERNAL)
			fail_msg("%s", cases[i].name);
	}
	check(&l, "still there", packet_of(&l, 3), TERN_DROP_NONE);
	layers_close(&l);
}

/* Wherever memory ends, the epoch there was goes on; and everything is given back. */
static void memory(void **state)
{
	static const uint8_t bytes[AEAD_KEY_MAX];
	const struct epoch_key key = {&aead_algs[AEAD_AES_128_GCM], bytes, span_of(bytes, 12), bytes};
	(void)state;
	for (size_t fail_at = 1; fail_at <= 3; fail_at++) {
		struct count_heap h = {0};
		tern_allocator heap = count_heap_allocator(&h);
		struct layers l;
		struct packet p;
		open13(&l, 64);
		layers_key(&l, 2, AEAD_AES_128_GCM);
		p = packet_of(&l, 2);
		l.pool.heap = &heap;
		l.pool.window_size = 128; /* with the node: two allocations for reading, one for writing */
		h.fail_at = fail_at;
		assert_int_equal(record_set_read(&l.b, 3, &key), fail_at < 3 ? TERN_ERROR_NO_MEMORY : TERN_OK);
		if (fail_at == 3)
			assert_int_equal(record_set_write(&l.a, 3, &key), TERN_ERROR_NO_MEMORY);
		h.fail_at = 0;
		assert_int_equal(l.b.in.epoch, fail_at < 3 ? 2 : 3);
		assert_int_equal(l.a.out.epoch, 2);
		check(&l, "before", p, TERN_DROP_NONE);
		check(&l, "after", packet_of(&l, 2), TERN_DROP_NONE);
		layers_close(&l);
		assert_int_equal(h.live, 0);
	}
}

#define HEADER(type, version, epoch, n) type, 0xfe, version, 0, epoch, 0, 0, 0, 0, 0, 7, 0, n

/* One datagram and what either version makes of it, without keys and with those of the epoch given. */
static void meets(void **state)
{
	static const struct {
		const char *name;
		bool is13;
		uint16_t keys;
		uint8_t bytes[40];
		size_t n;
		struct {
			tern_drop drop;
			uint8_t type;
			uint16_t epoch;
			size_t wire;
		} want[2];
	} cases[] = {
		{"1.3: handshake", true, 0, {HEADER(22, 0xfd, 0, 1)}, 14, {{TERN_DROP_NONE, 22, 0, 14}}},
		{"1.3: alert", true, 2, {HEADER(21, 0xfd, 0, 1)}, 14, {{TERN_DROP_NONE, 21, 0, 14}}},
		{"1.3: ACK", true, 0, {HEADER(26, 0xfd, 0, 1)}, 14, {{TERN_DROP_NONE, 26, 0, 14}}},
		{"1.3: any version", true, 0, {HEADER(22, 0x00, 0, 1)}, 14, {{TERN_DROP_NONE, 22, 0, 14}}},
		{"1.3: heartbeat", true, 0, {HEADER(24, 0xfd, 0, 1)}, 14, {{TERN_DROP_CONTENT_TYPE, 24, 0, 14}}},
		{"1.3: CID of 1.2", true, 0, {HEADER(25, 0xfd, 0, 1)}, 14, {{TERN_DROP_CONTENT_TYPE, 25, 0, 14}}},
		{"1.3: type 19", true, 0, {HEADER(19, 0xfd, 0, 1)}, 14, {{TERN_DROP_MALFORMED, 0, 0, 14}}},
		{"1.3: type 27", true, 0, {HEADER(27, 0xfd, 0, 1)}, 14, {{TERN_DROP_MALFORMED, 0, 0, 14}}},
		{"1.3: type 64", true, 0, {HEADER(64, 0xfd, 0, 1)}, 14, {{TERN_DROP_MALFORMED, 0, 0, 14}}},
		{"1.3: protected of 1.2",
		 true,
		 0,
		 {HEADER(22, 0xfd, 1, 1), 0, HEADER(23, 0xfd, 1, 0)},
		 27,
		 {{TERN_DROP_EPOCH, 22, 1, 14}, {TERN_DROP_EPOCH, 23, 1, 13}}},
		{"1.3: plaintext of a live epoch",
		 true,
		 2,
		 {HEADER(22, 0xfd, 2, 1)},
		 14,
		 {{TERN_DROP_EPOCH, 22, 2, 14}}},
		{"1.3: early, two records",
		 true,
		 0,
		 {0x2e, 1, 2, 0, 1, 9, 0x2f, 1, 2, 0, 0},
		 11,
		 {{TERN_DROP_EPOCH, 0, 2, 6}, {TERN_DROP_EPOCH, 0, 3, 5}}},
		{"1.3: early, no length", true, 0, {0x22, 1, 2, 0, 1, 9}, 6, {{TERN_DROP_EPOCH, 0, 2, 6}}},
		{"1.3: the next epoch", true, 2, {0x2f, 1, 2, 0, 0}, 5, {{TERN_DROP_EPOCH, 0, 3, 5}}},
		{"1.3: too short", true, 2, {0x2e, 1, 2, 0, 15}, 20, {{TERN_DROP_FORGED, 0, 2, 20}}},
		{"1.3: long enough to be forged", true, 2, {0x2e, 1, 2, 0, 17}, 22, {{TERN_DROP_FORGED, 0, 2, 22}}},
		{"1.3: CID", true, 2, {0x3e, 1, 2, 0, 1, 9}, 6, {{TERN_DROP_MALFORMED, 0, 0, 6}}},
		{"1.3: length beyond the end", true, 2, {0x2e, 1, 2, 0, 2, 9}, 6, {{TERN_DROP_MALFORMED, 0, 0, 6}}},
		{"1.3: half a header", true, 2, {0x2e, 1}, 2, {{TERN_DROP_MALFORMED, 0, 0, 2}}},
		{"1.2: early record of 1.3",
		 false,
		 0,
		 {0x2e, 1, 2, 0, 1, 9, HEADER(22, 0xfd, 0, 0)},
		 19,
		 {{TERN_DROP_EPOCH, 0, 2, 6}, {TERN_DROP_NONE, 22, 0, 13}}},
		{"1.2: with keys", false, 1, {0x2d, 1, 2, 0, 1, 9}, 6, {{TERN_DROP_EPOCH, 0, 5, 6}}},
		{"1.2: no length", false, 0, {0x23, 1, 2, 0, 1, 9}, 6, {{TERN_DROP_EPOCH, 0, 3, 6}}},
		{"1.2: cut short", false, 0, {0x27, 1, 0, 1}, 4, {{TERN_DROP_MALFORMED, 0, 0, 4}}},
		{"1.2: ACK", false, 0, {HEADER(26, 0xfd, 0, 1)}, 14, {{TERN_DROP_CONTENT_TYPE, 26, 0, 14}}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t bytes[40];
		struct datagram d = {bytes, cases[i].n};
		struct layers l;
		struct record r;
		memcpy(bytes, cases[i].bytes, sizeof bytes);
		layers_open(&l, &provider_stub, 64);
		if (cases[i].is13)
			layers_use13(&l);
		if (cases[i].keys)
			layers_key(&l, cases[i].keys, AEAD_AES_128_GCM);
		for (size_t k = 0; k < 2 && cases[i].want[k].wire; k++) {
			if (!record_next(&l.b, &d, &r) || r.drop != cases[i].want[k].drop ||
			    r.type != cases[i].want[k].type || r.epoch != cases[i].want[k].epoch ||
			    r.wire.n != cases[i].want[k].wire)
				fail_msg("%s: record %zu: %s", cases[i].name, k, tern_drop_sentence(r.drop));
		}
		if (record_next(&l.b, &d, &r))
			fail_msg("%s: no end", cases[i].name);
		assert_memory_equal(bytes, cases[i].bytes, sizeof bytes);
		layers_close(&l);
	}
}

/* Nothing of a key is left. */
static void wiped(void **state)
{
	static const struct record_layer none;
	struct layers l;
	(void)state;
	open13(&l, 128);
	for (uint16_t epoch = 2; epoch < 6; epoch++)
		layers_key(&l, epoch, AEAD_CHACHA20_POLY1305);
	record_forget_write(&l.a, 9);
	assert_memory_equal(&l.a.out, &none.out, sizeof none.out);
	record_forget_read(&l.b, 9);
	assert_memory_equal(&l.b.in, &none.in, sizeof none.in);
	assert_true(!l.a.older_out && !l.b.older_in);
	layers_close(&l);
	assert_memory_equal(&l.a, &none, sizeof none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reordered),	cmocka_unit_test(writes_older), cmocka_unit_test(forgetting),
		cmocka_unit_test(worn),		cmocka_unit_test(seal_limits),	cmocka_unit_test(bits),
		cmocka_unit_test(refused_keys), cmocka_unit_test(memory),	cmocka_unit_test(meets),
		cmocka_unit_test(wiped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
