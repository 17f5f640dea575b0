/* Any bytes as a datagram, with keys for epoch 1. The first byte chooses the AEAD; the second says how many records are
 * sealed properly and put in front, with numbers, lengths and perhaps one damaged bit from the input. */
#include <stdio.h>

#include "unit/layers.h"

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The layers of the whole run; keys are set anew for every input. */
static struct layers l;

static void put_sealed(struct wr *w, const uint8_t **data, size_t *n, size_t num)
{
	for (; num && *n >= 4; num--, *data += 4, *n -= 4) {
		const uint8_t *p = *data;
		size_t start = w->n, len = p[1] % 64u;
		uint8_t payload[64];
		memset(payload, p[0], sizeof payload);
		l.a.out.next_seq = p[0];
		MUST(record_seal(&l.a, 1, (uint8_t)(20 + p[2] % 4), span_of(payload, len), w, NULL));
		if (p[3] & 1)
			w->p[start + p[3] * (w->n - start) / 256] ^= (uint8_t)(1u << p[2] / 32);
	}
}

/* Reads it all; returns how many protected records were accepted. */
static size_t read_all(uint8_t *bytes, size_t n)
{
	static uint8_t before[70000];
	struct datagram d = {bytes, n, 0};
	struct record r;
	size_t accepted = 0, records = 0;
	memcpy(before, bytes, n);
	for (;;) {
		struct read_epoch was = l.b.in;
		size_t at = d.at;
		if (!record_next(&l.b, &d, &r))
			break;
		CHECK(d.at > at && d.at <= n && ++records <= n / RECORD12_HEADER + 1);
		CHECK(r.wire.p == bytes + at && r.wire.n == d.at - at);
		if (r.drop == TERN_DROP_NONE) {
			CHECK(r.p >= r.wire.p && r.p + r.n <= r.wire.p + r.wire.n);
			CHECK(r.type >= 20 && r.type <= 23 && r.n <= RECORD_PLAINTEXT_MAX);
		}
		if (r.drop == TERN_DROP_NONE && r.epoch == 1) {
			CHECK(l.b.in.opened == was.opened + 1 && l.b.in.window.next > r.seq);
			memcpy(before + at, bytes + at, r.wire.n);
			accepted++;
			continue;
		}
		CHECK(memcmp(bytes, before, n) == 0);
		CHECK(l.b.in.opened == was.opened && l.b.in.forged == was.forged + (r.drop == TERN_DROP_FORGED));
		CHECK(memcmp(&l.b.in.window, &was.window, sizeof was.window) == 0);
	}
	CHECK(d.at == n);
	return accepted;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t bytes[70000], again[70000];
	struct wr w = wr_of(bytes, sizeof bytes);
	size_t sealed;
	if (n < 2 || n > 65000)
		return 0;
	if (!l.provider)
		layers_open(&l, &provider_stub, 64);
	layers_key(&l, 1, (enum aead_id)(data[0] % NUM_AEADS));
	l.b.plain_in = data[0] & 0x80;
	l.b.plaintext_max_in = data[0] & 0x40 ? 32 : RECORD_PLAINTEXT_MAX;
	sealed = data[1] % 16;
	data += 2;
	n -= 2;
	put_sealed(&w, &data, &n, sealed);
	wr_bytes(&w, span_of(data, n));
	memcpy(again, bytes, w.n);
	read_all(bytes, w.n);
	/* The second time, nothing protected is new. */
	CHECK(read_all(again, w.n) == 0);
	return 0;
}
