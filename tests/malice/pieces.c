/* Fragments of one message in all combinations, against a model that keeps a byte and a flag for every byte: for short
 * messages every sequence of three pieces, zero-length ones and such as overlap included; for longer ones every pair of
 * pieces, and samples of many. */
#include <stdio.h>

#include "malice/malice.h"
#include "pcg.h"
#include "unit/inbox_model.h"

#define EXHAUSTED 5 /* bytes: all sequences of three */
#define PAIRED 16 /* all pairs */
#define LONGEST 64

struct bench {
	struct count_heap heap;
	tern_allocator allocator;
	struct inbox in;
	struct model model;
	unsigned runs;
};

static const uint8_t bytes[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-?!";

static void start(struct bench *b)
{
	b->heap = (struct count_heap){0};
	b->allocator = count_heap_allocator(&b->heap);
	inbox_init(&b->in, &b->allocator, 0, 65536, 32768);
	b->model = (struct model){0};
}

static void stop(struct bench *b)
{
	inbox_free(&b->in);
	CHECK(b->heap.live == 0);
	b->runs++;
}

static void put(struct bench *b, uint32_t length, uint32_t offset, uint32_t n, uint16_t epoch, uint8_t type)
{
	uint8_t datagram[LONGEST];
	struct fragment f = {.type = type, .length = length, .offset = offset, .body = {datagram, n}};
	memcpy(datagram, bytes + offset, n);
	model_put(&b->model, &b->in, &b->heap, &f, epoch);
	model_keep(&b->model, &b->in, &b->heap, datagram, sizeof datagram);
}

static uint32_t num_parts(uint32_t length)
{
	return (length + 1) * (length + 2) / 2;
}

/* The which-th of all pieces that lie within the message. */
static void part(uint32_t length, uint32_t which, uint32_t *offset, uint32_t *n)
{
	for (*offset = 0; which > length - *offset; ++*offset)
		which -= length - *offset + 1;
	*n = which;
}

static void put_part(struct bench *b, uint32_t length, uint32_t which, uint16_t epoch)
{
	uint32_t offset, n;
	part(length, which, &offset, &n);
	put(b, length, offset, n, epoch, CERTIFICATE);
}

static void all_triples(struct bench *b, uint32_t length, uint16_t epoch)
{
	uint32_t parts = num_parts(length);
	for (uint32_t i = 0; i < parts * parts * parts; i++) {
		start(b);
		put_part(b, length, i % parts, epoch);
		put_part(b, length, i / parts % parts, epoch);
		put_part(b, length, i / parts / parts, epoch);
		stop(b);
	}
}

/* Then the whole: whatever came before, it is complete. */
static void all_pairs(struct bench *b, uint32_t length, uint16_t epoch)
{
	uint32_t parts = num_parts(length);
	struct message m;
	for (uint32_t i = 0; i < parts * parts; i++) {
		start(b);
		put_part(b, length, i % parts, epoch);
		put_part(b, length, i / parts, epoch);
		put(b, length, 0, length, epoch, CERTIFICATE);
		CHECK(inbox_next(&b->in, &m) && m.body.n == length && memcmp(m.body.p, bytes, length) == 0);
		stop(b);
	}
}

/* Pieces of the right message and of wrong ones: other totals, types and epochs. */
static void samples(struct bench *b, unsigned count)
{
	struct pcg rng;
	pcg_seed(&rng, 1, 5);
	for (unsigned i = 0; i < count; i++) {
		uint32_t length = 1 + pcg_below(&rng, LONGEST);
		start(b);
		for (unsigned k = 0; k < 24; k++) {
			bool odd = pcg_percent(&rng, 15);
			uint32_t total = odd ? pcg_below(&rng, LONGEST + 1) : length;
			uint32_t offset = pcg_below(&rng, total + 1), n = pcg_below(&rng, total - offset + 1);
			if (pcg_percent(&rng, 5))
				model_done(&b->model, &b->in);
			put(b, total, offset, n, pcg_percent(&rng, 10) ? 1 : 0,
			    pcg_percent(&rng, 10) ? FINISHED : CERTIFICATE);
		}
		stop(b);
	}
}

bool pieces(unsigned *cases)
{
	static struct bench b;
	b.runs = 0;
	for (uint16_t epoch = 0; epoch < 2; epoch++) {
		for (uint32_t length = 0; length <= EXHAUSTED; length++)
			all_triples(&b, length, epoch);
		for (uint32_t length = 1; length <= PAIRED; length++)
			all_pairs(&b, length, epoch);
	}
	samples(&b, 20000);
	printf("pieces: %u messages in pieces\n", b.runs);
	*cases += b.runs != 0;
	return true;
}
