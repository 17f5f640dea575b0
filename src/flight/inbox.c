#include "flight/inbox.h"

#include "base/heap.h"

#define RANGES_MAX 64

struct range {
	uint32_t begin, end;
};

/* A message under way. The bytes at hand lie one after the other, without the holes between the ranges: a complete
 * message is a single run, and memory grows with what was received. */
struct inbox_slot {
	struct inbox_slot *next;
	struct range *ranges; /* in order; neither overlapping nor touching */
	uint8_t *bytes;
	uint32_t num_bytes, cap_bytes;
	uint32_t length;
	uint16_t seq, epoch;
	uint8_t type;
	uint8_t num_ranges, cap_ranges;
};

void inbox_init(struct inbox *in, const tern_allocator *heap, uint32_t first_seq, uint32_t budget, uint32_t message_max)
{
	*in = (struct inbox){.heap = heap, .next = first_seq, .budget = budget, .message_max = message_max};
}

static void discharge(struct inbox *in, void *p, size_t n)
{
	if (!p)
		return;
	heap_free(in->heap, p, n);
	in->used -= (uint32_t)n;
}

static struct inbox_slot *find(const struct inbox *in, uint32_t seq)
{
	struct inbox_slot *s = in->slots;
	while (s && s->seq != seq)
		s = s->next;
	return s;
}

/* s may be NULL. */
static void free_slot(struct inbox *in, struct inbox_slot *s)
{
	struct inbox_slot **at = &in->slots;
	if (!s)
		return;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	discharge(in, s->ranges, s->cap_ranges * sizeof *s->ranges);
	discharge(in, s->bytes, s->cap_bytes);
	discharge(in, s, sizeof *s);
}

/* The message farthest ahead of seq makes room: those before it are needed first. */
static bool evict(struct inbox *in, uint16_t seq)
{
	struct inbox_slot *farthest = NULL;
	for (struct inbox_slot *s = in->slots; s; s = s->next)
		if (s->seq > (farthest ? farthest->seq : seq))
			farthest = s;
	free_slot(in, farthest);
	return farthest != NULL;
}

/* n bytes for message seq. */
static void *charge(struct inbox *in, uint16_t seq, size_t n)
{
	void *p;
	if (n > in->budget)
		return NULL;
	while (n > in->budget - in->used)
		if (!evict(in, seq))
			return NULL;
	p = heap_alloc(in->heap, n);
	if (p)
		in->used += (uint32_t)n;
	return p;
}

static void free_whole(struct inbox *in)
{
	if (in->has_whole)
		discharge(in, (void *)in->lent.body.p, in->lent.body.n);
	in->has_whole = false;
}

void inbox_free(struct inbox *in)
{
	while (in->slots)
		free_slot(in, in->slots);
	free_whole(in);
	*in = (struct inbox){0};
}

/* Room for need bytes. At most twice of what was received is taken, and never more than the message is long. */
static bool grow_bytes(struct inbox *in, struct inbox_slot *s, uint32_t need)
{
	uint32_t cap = s->length / 2 < need ? s->length : 2 * need;
	uint8_t *p;
	if (need <= s->cap_bytes)
		return true;
	p = charge(in, s->seq, cap);
	if (!p) {
		cap = need;
		p = charge(in, s->seq, cap);
	}
	if (!p)
		return false;
	if (s->num_bytes)
		memcpy(p, s->bytes, s->num_bytes);
	discharge(in, s->bytes, s->cap_bytes);
	s->bytes = p;
	s->cap_bytes = cap;
	return true;
}

static bool grow_ranges(struct inbox *in, struct inbox_slot *s, size_t need)
{
	size_t cap = s->cap_ranges ? 2 * (size_t)s->cap_ranges : 2;
	struct range *p;
	if (need <= s->cap_ranges)
		return true;
	if (need > RANGES_MAX)
		return false;
	p = charge(in, s->seq, cap * sizeof *p);
	if (!p)
		return false;
	if (s->num_ranges)
		memcpy(p, s->ranges, s->num_ranges * sizeof *p);
	discharge(in, s->ranges, s->cap_ranges * sizeof *p);
	s->ranges = p;
	s->cap_ranges = (uint8_t)cap;
	return true;
}

/* What a fragment does to a slot: ranges first to last - 1 touch it and become one with it. */
struct merge {
	size_t first, last;
	struct range all; /* the range they become */
	uint32_t before; /* bytes in the ranges in front */
	uint32_t had; /* bytes in those that touch */
};

static struct merge plan_merge(const struct inbox_slot *s, struct range f)
{
	struct merge m = {.all = f};
	while (m.first < s->num_ranges && s->ranges[m.first].end < f.begin) {
		m.before += s->ranges[m.first].end - s->ranges[m.first].begin;
		m.first++;
	}
	m.last = m.first;
	while (m.last < s->num_ranges && s->ranges[m.last].begin <= f.end) {
		const struct range *r = &s->ranges[m.last++];
		m.had += r->end - r->begin;
		if (r->begin < m.all.begin)
			m.all.begin = r->begin;
		if (r->end > m.all.end)
			m.all.end = r->end;
	}
	return m;
}

/* Moves what is there to its place, last first, and fills the holes from the fragment. Bytes that came first stay. */
static void merge_bytes(struct inbox_slot *s, const struct merge *m, const struct fragment *f)
{
	uint8_t *run = s->bytes + m->before;
	uint32_t size = m->all.end - m->all.begin, hole_end = m->all.end, at = m->had;
	memmove(run + size, run + m->had, s->num_bytes - m->before - m->had);
	for (size_t i = m->last; i > m->first; i--) {
		const struct range *r = &s->ranges[i - 1];
		uint32_t n = r->end - r->begin;
		at -= n;
		memmove(run + (r->begin - m->all.begin), run + at, n);
		if (r->end < hole_end)
			memcpy(run + (r->end - m->all.begin), f->body.p + (r->end - f->offset), hole_end - r->end);
		hole_end = r->begin;
	}
	if (hole_end > m->all.begin)
		memcpy(run, f->body.p, hole_end - m->all.begin);
	s->num_bytes += size - m->had;
}

static void merge_ranges(struct inbox_slot *s, const struct merge *m)
{
	size_t tail = s->num_ranges - m->last;
	if (m->first + 1 != m->last)
		memmove(s->ranges + m->first + 1, s->ranges + m->last, tail * sizeof *s->ranges);
	s->ranges[m->first] = m->all;
	s->num_ranges = (uint8_t)(m->first + 1 + tail);
}

static tern_drop add(struct inbox *in, struct inbox_slot *s, const struct fragment *f)
{
	struct range r = {f->offset, f->offset + (uint32_t)f->body.n};
	struct merge m = plan_merge(s, r);
	uint32_t more = m.all.end - m.all.begin - m.had;
	if (more == 0)
		return TERN_DROP_OLD_MESSAGE;
	if (!grow_ranges(in, s, m.first + 1 + (s->num_ranges - m.last)) || !grow_bytes(in, s, s->num_bytes + more))
		return TERN_DROP_BUDGET;
	merge_bytes(s, &m, f);
	merge_ranges(s, &m);
	return TERN_DROP_NONE;
}

static tern_drop start(struct inbox *in, const struct fragment *f, uint16_t epoch)
{
	struct inbox_slot *s = charge(in, f->message_seq, sizeof *s);
	tern_drop drop;
	if (!s)
		return TERN_DROP_BUDGET;
	s->type = f->type;
	s->length = f->length;
	s->seq = f->message_seq;
	s->epoch = epoch;
	s->next = in->slots;
	in->slots = s;
	if (f->length == 0)
		return TERN_DROP_NONE;
	drop = add(in, s, f);
	if (drop != TERN_DROP_NONE)
		free_slot(in, s);
	return drop;
}

/* A piece without bytes tells nothing, unless it is the whole of an empty message. */
static bool sound(const struct inbox *in, const struct fragment *f)
{
	return f->length <= in->message_max && f->offset <= f->length && f->body.n <= f->length - f->offset &&
	       (f->body.n != 0 || f->length == 0);
}

static void lend(struct inbox *in, const struct fragment *f, uint16_t epoch)
{
	in->has_view = true;
	in->lent = (struct message){f->type, f->message_seq, epoch, f->body};
}

/* What was protected takes the place of what anybody could have sent. In clear nobody can tell which of two that do not
 * agree is the peer's, so the newer takes the place of the older: what the peer repeats gets through. */
static bool displaces(const struct inbox_slot *s, const struct fragment *f, uint16_t epoch)
{
	bool at_odds = s->type != f->type || s->length != f->length;
	bool whole = f->body.n == f->length && s->num_bytes != s->length;
	return s->epoch == 0 && (epoch != 0 || at_odds || whole);
}

/* Whether f may belong to the message of s and says something new. */
static tern_drop compare(const struct inbox_slot *s, const struct fragment *f, uint16_t epoch)
{
	if (s->type != f->type || s->length != f->length || s->epoch != epoch)
		return TERN_DROP_FRAGMENT;
	return s->num_bytes == s->length ? TERN_DROP_OLD_MESSAGE : TERN_DROP_NONE;
}

tern_drop inbox_put(struct inbox *in, const struct fragment *f, uint16_t epoch)
{
	struct inbox_slot *s = find(in, f->message_seq);
	bool is_next = f->message_seq == in->next;
	if (f->message_seq < in->next || (is_next && (in->has_view || in->has_whole)))
		return TERN_DROP_OLD_MESSAGE;
	if (f->message_seq - in->next >= INBOX_WINDOW)
		return TERN_DROP_FUTURE_MESSAGE;
	if (!sound(in, f))
		return TERN_DROP_FRAGMENT;
	if (s && displaces(s, f, epoch)) {
		free_slot(in, s);
		s = NULL;
	}
	if (s) {
		tern_drop drop = compare(s, f, epoch);
		if (drop != TERN_DROP_NONE)
			return drop;
	}
	if (is_next && f->body.n == f->length) {
		free_slot(in, s);
		lend(in, f, epoch);
		return TERN_DROP_NONE;
	}
	return s ? add(in, s, f) : start(in, f, epoch);
}

bool inbox_has(const struct inbox *in, uint32_t seq)
{
	return find(in, seq) != NULL;
}

bool inbox_holds(const struct inbox *in, uint16_t epoch)
{
	const struct inbox_slot *s = in->slots;
	while (s && s->epoch != epoch)
		s = s->next;
	return s != NULL;
}

bool inbox_next(struct inbox *in, struct message *out)
{
	const struct inbox_slot *s = find(in, in->next);
	if (in->has_view || in->has_whole) {
		*out = in->lent;
		return true;
	}
	if (!s || s->num_bytes != s->length)
		return false;
	*out = (struct message){s->type, s->seq, s->epoch, span_of(s->bytes, s->num_bytes)};
	return true;
}

size_t inbox_gaps(const struct inbox *in)
{
	const struct inbox_slot *s = find(in, in->next);
	return s && s->num_ranges ? s->num_ranges - (s->ranges[0].begin == 0 ? 1u : 0u) : 0;
}

void inbox_discard(struct inbox *in)
{
	in->has_view = false;
	free_whole(in);
	free_slot(in, find(in, in->next));
}

void inbox_done(struct inbox *in)
{
	inbox_discard(in);
	in->next++;
}

tern_error inbox_keep(struct inbox *in)
{
	size_t n = in->lent.body.n;
	uint8_t *p = NULL;
	if (!in->has_view)
		return TERN_OK;
	if (n) {
		p = charge(in, in->lent.seq, n);
		if (!p)
			return n > in->budget - in->used ? TERN_ERROR_BUDGET : TERN_ERROR_NO_MEMORY;
		memcpy(p, in->lent.body.p, n);
	}
	in->lent.body = span_of(p, n);
	in->has_whole = true;
	in->has_view = false;
	return TERN_OK;
}
