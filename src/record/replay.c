#include "record/replay.h"

#include <string.h>

#include "base/heap.h"

#define WORD 64u

tern_error replay_init(struct replay *w, uint16_t size, const tern_allocator *heap)
{
	*w = (struct replay){0};
	if (size <= WORD)
		return TERN_OK;
	w->wide = heap_alloc(heap, size / 8);
	return w->wide ? TERN_OK : TERN_ERROR_NO_MEMORY;
}

void replay_free(struct replay *w, uint16_t size, const tern_allocator *heap)
{
	if (size > WORD)
		heap_free(heap, w->wide, size / 8);
	*w = (struct replay){0};
}

/* Above 64 the window is a ring: the bit of number seq is seq modulo size. */
static bool wide_test(const struct replay *w, uint16_t size, uint64_t seq)
{
	size_t bit = (size_t)(seq % size);
	return w->wide[bit / WORD] >> (bit % WORD) & 1;
}

static void wide_set(struct replay *w, uint16_t size, uint64_t seq)
{
	size_t bit = (size_t)(seq % size);
	w->wide[bit / WORD] |= UINT64_C(1) << (bit % WORD);
}

/* Forgets the bits of [next, end), whose numbers enter the window. */
static void wide_clear(struct replay *w, uint16_t size, uint64_t end)
{
	uint64_t seq = w->next;
	if (end - seq >= size) {
		memset(w->wide, 0, size / 8);
		return;
	}
	while (seq < end) {
		size_t bit = (size_t)(seq % size);
		uint64_t run = WORD - bit % WORD;
		uint64_t ones;
		if (run > end - seq)
			run = end - seq;
		ones = run == WORD ? UINT64_MAX : (UINT64_C(1) << run) - 1;
		w->wide[bit / WORD] &= ~(ones << (bit % WORD));
		seq += run;
	}
}

tern_drop replay_check(const struct replay *w, uint16_t size, uint64_t seq)
{
	uint64_t age;
	if (size == REPLAY_OFF || seq >= w->next)
		return TERN_DROP_NONE;
	age = w->next - 1 - seq;
	if (age >= size)
		return TERN_DROP_TOO_OLD;
	if (size > WORD ? wide_test(w, size, seq) : w->bits >> age & 1)
		return TERN_DROP_REPLAYED;
	return TERN_DROP_NONE;
}

static void mark_newest(struct replay *w, uint16_t size, uint64_t seq)
{
	uint64_t shift = seq - w->next + 1;
	if (size > WORD)
		wide_clear(w, size, seq);
	else
		w->bits = shift < WORD ? w->bits << shift : 0;
	w->next = seq + 1;
}

void replay_mark(struct replay *w, uint16_t size, uint64_t seq)
{
	if (seq >= w->next)
		mark_newest(w, size, seq);
	if (size == REPLAY_OFF || w->next - 1 - seq >= size)
		return;
	if (size > WORD)
		wide_set(w, size, seq);
	else
		w->bits |= UINT64_C(1) << (w->next - 1 - seq);
}
