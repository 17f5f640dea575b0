/* ACKs of any bytes to a flight under way: nothing acknowledged is sent again, and the flight is finished exactly when
 * everything is acknowledged. The first two bytes give the message and the MTU; then come steps: what to do, how many
 * bytes of ACK follow, and these: raw, or each the number of a record. */
#include "wire/ack.h"

#include "flight/flight.h"
#include "stable.h"
#include "unit/layers.h"

#define BODY_MAX 2048
#define EPOCH 2
#define SENT_MAX 4096

struct twin {
	size_t n, num;
	struct {
		uint32_t offset, len;
	} sent[SENT_MAX]; /* by record number: the flight is all that is sealed under the epoch's keys */
	bool has[BODY_MAX];
};

static void note(void *user, const tern_conn *conn, const tern_trace *event)
{
	struct twin *t = user;
	(void)conn;
	if (event->kind != TERN_TRACE_SENT)
		return;
	must(event->epoch == EPOCH && event->record_seq == t->num && t->num < SENT_MAX);
	t->sent[t->num].offset = event->fragment_offset;
	t->sent[t->num++].len = event->fragment_len;
	for (uint32_t i = 0; i < event->fragment_len; i++)
		must(!t->has[event->fragment_offset + i]);
}

static void take(struct flight *f, struct record_layer *records, tern_time now)
{
	uint8_t out[2048];
	size_t len;
	must(flight_take(f, records, out, sizeof out, &len, 0, now) == TERN_OK);
	must(len <= f->mtu);
}

static void acknowledge(struct flight *f, struct twin *t, struct span ack, tern_time now)
{
	struct rd r = rd_of(ack), numbers;
	struct record_number n;
	if (!get_ack(&r, &numbers))
		return;
	while (get_record_number(&numbers, &n)) {
		bool known = n.epoch == EPOCH && n.seq < t->num && t->num - n.seq <= f->num_known;
		if (n.epoch > UINT16_MAX)
			continue;
		flight_acked(f, (uint16_t)n.epoch, n.seq, now);
		for (uint32_t i = 0; known && i < t->sent[n.seq].len; i++)
			t->has[t->sent[n.seq].offset + i] = true;
	}
	must(rd_end(&numbers));
	flight_acks_end(f, now);
}

static void step(struct flight *f, struct record_layer *records, struct twin *t, uint8_t op, struct span bytes,
		 tern_time now)
{
	uint8_t ack[2 + 16 * 255];
	struct record_number numbers[255];
	struct wr w = wr_of(ack, sizeof ack);
	size_t left = 0;
	for (size_t i = 0; i < bytes.n; i++)
		numbers[i] = (struct record_number){.epoch = EPOCH, .seq = bytes.p[i]};
	put_ack(&w, numbers, bytes.n);
	if (op & 1)
		take(f, records, now);
	if (op & 2)
		flight_set_mtu(f, (uint16_t)(op * 8));
	if (op & 4)
		flight_repeat(f, 0, now);
	must(flight_tick(f, now) == TERN_OK);
	acknowledge(f, t, op & 8 ? bytes : wr_span(&w), now);
	for (size_t i = 0; i < t->n; i++)
		left += !t->has[i];
	must((f->state == FLIGHT_FINISHED) == (left == 0));
}

static bool recode(struct rd *r, struct wr *w)
{
	static struct record_number list[4096];
	struct rd numbers;
	size_t num = 0;
	if (!get_ack(r, &numbers))
		return false;
	while (get_record_number(&numbers, &list[num]))
		num++;
	put_ack(w, list, num);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const tern_timers timers = {.first_ns = 1000, .cap_ns = 4000, .max_tries = UINT32_MAX};
	static uint8_t body[BODY_MAX];
	static struct twin t;
	struct layers l;
	struct arena arena;
	struct flight f;
	tern_time now = {.mono_ns = 1};
	check_stable(recode, span_of(data, size), true);
	if (size < 2 || size > 4096)
		return 0;
	memset(&t, 0, sizeof t);
	t.n = 1 + data[0] * 8u;
	layers_open(&l, &provider_stub, 64);
	layers_use13(&l);
	layers_key(&l, EPOCH, AEAD_AES_128_GCM);
	arena_init(&arena, &heap_default, NULL, 0, 1 << 20);
	flight_init(&f, &arena, &timers, (uint16_t)(data[1] * 8), (struct tracer){note, &t, NULL});
	f.remembers = true;
	must(flight_add(&f, &(struct outgoing){CONTENT_HANDSHAKE, CERTIFICATE, 0, EPOCH, span_of(body, t.n)}) ==
	     TERN_OK);
	must(flight_send(&f, true) == TERN_OK);
	for (size_t at = 2; at + 2 <= size && t.num < SENT_MAX - 64;) {
		size_t n = data[at + 1] < size - at - 2 ? data[at + 1] : size - at - 2;
		now.mono_ns += data[at] * 16u;
		step(&f, &l.a, &t, data[at], span_of(data + at + 2, n), now);
		at += 2 + n;
	}
	arena_free(&arena);
	layers_close(&l);
	return 0;
}
