#include "sim/shuffle.h"

#include "sim/host.h"

static uint64_t factorial(unsigned n)
{
	uint64_t product = 1;
	for (unsigned i = 2; i <= n; i++)
		product *= i;
	return product;
}

bool space_measure(struct world *w, struct space *space)
{
	struct schedule s = {.seed = 1, .swap = NO_SWAP, .shuffle = {.on = true}};
	bool good = world_run(w, &s);
	*space = w->schedule.shuffle.space;
	space->size = 1;
	for (unsigned f = 0; f < space->num_flights; f++)
		space->size *= factorial(space->records[f]) << space->records[f];
	return good;
}

/* The index-th order of n records. */
static void order_of(uint8_t *order, unsigned n, uint64_t index)
{
	uint8_t left[SHUFFLE_RECORDS];
	for (unsigned i = 0; i < n; i++)
		left[i] = (uint8_t)i;
	for (unsigned i = 0; i < n; i++) {
		uint64_t rest = factorial(n - 1 - i);
		unsigned pick = (unsigned)(index / rest);
		index %= rest;
		order[i] = left[pick];
		for (unsigned j = pick; j + 1 < n - i; j++)
			left[j] = left[j + 1];
	}
}

struct shuffle shuffle_of(const struct space *space, uint64_t id)
{
	struct shuffle s = {.on = true, .space = *space, .id = id};
	for (unsigned f = 0; f < space->num_flights; f++) {
		unsigned n = space->records[f];
		s.drop[f] = (uint32_t)(id & ((UINT64_C(1) << n) - 1));
		id >>= n;
		order_of(s.order[f], n, id % factorial(n));
		id /= factorial(n);
	}
	return s;
}

void shuffle_report(struct reported *r, uint32_t length, bool first)
{
	if (r->n == REPORTED)
		return;
	r->records[r->n].length = length;
	r->records[r->n++].first = first;
}

/* What was reported is what the datagram consists of; else nothing is known of it. */
static bool is_known(const struct reported *r, size_t n)
{
	size_t total = 0;
	for (size_t i = 0; i < r->n; i++)
		total += r->records[i].length;
	return total == n;
}

static bool keep(struct kept *k, const uint8_t *p, size_t n)
{
	if (k->flight == SHUFFLE_FLIGHTS || k->num == SHUFFLE_RECORDS || n > sizeof k->bytes - k->used)
		return false;
	memcpy(k->bytes + k->used, p, n);
	k->used += n;
	k->starts[++k->num] = k->used;
	return true;
}

void shuffle_send(struct world *w, unsigned from, const uint8_t *p, size_t n)
{
	struct host *h = &w->hosts[from];
	if (!is_known(&h->reported, n)) {
		world_pass(w, from, p, n);
		return;
	}
	for (size_t i = 0; i < h->reported.n; i++) {
		size_t length = h->reported.records[i].length;
		if (!h->reported.records[i].first || !keep(&w->kept, p, length))
			world_pass(w, from, p, length);
		p += length;
	}
}

static void pass_kept(struct world *w, unsigned from, unsigned record)
{
	const struct kept *k = &w->kept;
	world_pass(w, from, k->bytes + k->starts[record], k->starts[record + 1] - k->starts[record]);
}

/* A flight of which more or less is sent than in the quiet run, because something was lost, goes as it is. */
void shuffle_flush(struct world *w, unsigned from)
{
	struct shuffle *s = &w->schedule.shuffle;
	struct kept *k = &w->kept;
	unsigned f = k->flight;
	if (!s->on || k->num == 0)
		return;
	for (unsigned i = 0; i < k->num; i++) {
		if (!s->space.size || s->space.records[f] != k->num)
			pass_kept(w, from, i);
		else if (!(s->drop[f] >> s->order[f][i] & 1))
			pass_kept(w, from, s->order[f][i]);
	}
	if (!s->space.size) {
		s->space.records[f] = (uint8_t)k->num;
		s->space.num_flights = f + 1;
	}
	k->flight++;
	k->num = k->used = 0;
}
