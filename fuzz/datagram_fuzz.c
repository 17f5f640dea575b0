/* Any bytes as a datagram. DTLS 1.2 with keys for epoch 1, or DTLS 1.3 with keys for epochs 2 and 3. The first byte
 * chooses the version and the AEAD; the second says how many records are sealed properly and put in front, with
 * numbers, lengths, epochs, headers and perhaps one damaged bit from the input. */
#include <stdio.h>

#include "record/epochs.h"
#include "unit/layers.h"

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Layers and keys are new for every input. */
static struct layers l;
static bool is13;

static void put_sealed(struct wr *w, const uint8_t **data, size_t *n, size_t num)
{
	for (; num && *n >= 4; num--, *data += 4, *n -= 4) {
		const uint8_t *p = *data;
		size_t start = w->n, len = p[1] % 64u;
		uint8_t payload[64], type = (uint8_t)(20 + p[2] % (is13 ? 7 : 4));
		uint16_t epoch = is13 ? 2 + (p[3] >> 2 & 1) : 1;
		struct record_mark mark;
		memset(payload, p[0], sizeof payload);
		epochs_write(&l.a, epoch)->next_seq = p[0];
		if (p[3] & 2) {
			MUST(record_seal(&l.a, epoch, type, span_of(payload, len), w, NULL));
		} else {
			MUST(record_begin(&l.a, epoch, type, w, &mark));
			wr_bytes(w, span_of(payload, len));
			MUST(record_end(&l.a, w, &mark, NULL));
		}
		if (p[3] & 1)
			w->p[start + p[3] * (w->n - start) / 256] ^= (uint8_t)(1u << p[2] / 32);
	}
}

/* What a record may change: of the newest read epoch and of the one before. */
struct counts {
	size_t epochs;
	uint64_t opened, forged;
	struct replay windows[2];
};

static struct counts count(void)
{
	struct counts c;
	memset(&c, 0, sizeof c);
	for (uint16_t epoch = 1; epoch < 4; epoch++) {
		const struct read_epoch *e = epochs_read(&l.b, epoch);
		if (!e)
			continue;
		c.opened += e->opened;
		c.forged += e->forged;
		c.windows[c.epochs++] = e->window;
	}
	return c;
}

static void check_accepted(const struct record *r)
{
	bool ack = is13 && r->type == CONTENT_ACK;
	CHECK(r->p >= r->wire.p && r->p + r->n <= r->wire.p + r->wire.n);
	CHECK(ack || (r->type >= 20 && r->type <= 23));
	CHECK(r->n <= (r->epoch ? l.b.plaintext_max_in : RECORD_PLAINTEXT_MAX));
	CHECK(r->epoch ? epochs_read(&l.b, r->epoch)->window.next > r->seq : l.b.plain_in);
}

/* Reads it all; returns how many protected records were accepted. */
static size_t read_all(uint8_t *bytes, size_t n)
{
	static uint8_t before[70000];
	struct datagram d = {bytes, n};
	struct record r;
	size_t accepted = 0, records = 0;
	memcpy(before, bytes, n);
	for (;;) {
		struct counts was = count(), is;
		size_t at = (size_t)(d.p - bytes);
		if (!record_next(&l.b, &d, &r))
			break;
		is = count();
		CHECK(d.p > bytes + at && d.n == n - (size_t)(d.p - bytes) && ++records <= n / 2 + 1);
		CHECK(r.wire.p == bytes + at && r.wire.n == (size_t)(d.p - bytes) - at);
		if (r.drop == TERN_DROP_NONE)
			check_accepted(&r);
		if (r.drop == TERN_DROP_NONE && r.epoch) {
			CHECK(is.opened == was.opened + 1 && is.forged == was.forged);
			memcpy(before + at, bytes + at, r.wire.n);
			accepted++;
			continue;
		}
		CHECK(memcmp(bytes, before, n) == 0);
		if (is.epochs != was.epochs) {
			CHECK(is13 && r.drop == TERN_DROP_FORGED && r.epoch == 2); /* worn */
			continue;
		}
		CHECK(is.opened == was.opened && is.forged == was.forged + (r.drop == TERN_DROP_FORGED));
		CHECK(memcmp(is.windows, was.windows, sizeof is.windows) == 0);
	}
	CHECK(d.p == bytes + n && d.n == 0);
	return accepted;
}

static void prepare(uint8_t choice)
{
	if (!l.provider)
		layers_open(&l, &provider_stub, 64);
	is13 = choice & 0x20;
	record_free(&l.a);
	record_free(&l.b);
	for (size_t i = 0; i < 2; i++)
		record_init(i ? &l.a : &l.b, is13 ? &protection13 : &protection12, &l.pool);
	for (uint16_t epoch = is13 ? 2 : 1; epoch < (is13 ? 4 : 2); epoch++)
		layers_key(&l, epoch, (enum aead_id)(choice % NUM_AEADS));
	l.b.plain_in = choice & 0x80;
	l.b.plaintext_max_in = choice & 0x40 ? 32 : RECORD_PLAINTEXT_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t bytes[70000], again[70000];
	struct wr w = wr_of(bytes, sizeof bytes);
	size_t sealed;
	if (n < 2 || n > 65000)
		return 0;
	prepare(data[0]);
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
