#include "flight/post.h"

#include "flight/plan.h"

/* What a fragment needs for its place in the plan and for its record numbers, and the least of a message that one
 * holds in practice. Messages that need more (long connection IDs, MTU changes) take it from the heap. */
#define FRAGMENT_COST 128
#define FRAGMENT_LEN 64
#define MORE_MAX(n) (8192 + 64 * (size_t)(n))

struct block {
	struct post post;
	struct arena arena;
	size_t size;
};

static size_t align(size_t n)
{
	return (n + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
}

/* at: where the bodies go, one behind the other. */
static bool add_copies(struct flight *f, const struct outgoing *messages, size_t num, uint8_t *at)
{
	for (size_t i = 0; i < num; i++) {
		struct outgoing copy = messages[i];
		if (copy.body.n)
			memcpy(at, copy.body.p, copy.body.n);
		copy.body.p = at;
		at += copy.body.n;
		if (flight_add(f, &copy) != TERN_OK)
			return false;
	}
	return flight_send(f, true) == TERN_OK;
}

struct post *post_new(const tern_allocator *heap, const tern_timers *timers, uint16_t mtu, struct tracer trace,
		      const struct outgoing *messages, size_t num, uint64_t rtt_ns)
{
	size_t front = align(sizeof(struct block)), bytes = 0, plan, size;
	struct block *b;
	for (size_t i = 0; i < num; i++)
		bytes += messages[i].body.n;
	plan = FRAGMENT_COST * (num + bytes / FRAGMENT_LEN);
	size = front + plan + bytes;
	b = heap_alloc(heap, size);
	if (!b)
		return NULL;
	b->size = size;
	b->post.type = messages[0].type;
	arena_init(&b->arena, heap, (uint8_t *)b + front, plan, MORE_MAX(bytes));
	flight_init(&b->post.flight, &b->arena, timers, mtu, trace);
	b->post.flight.remembers = true;
	if (rtt_ns)
		rto_sample(&b->post.flight.rto, rtt_ns);
	if (add_copies(&b->post.flight, messages, num, (uint8_t *)b + front + plan))
		return &b->post;
	post_free(heap, &b->post);
	return NULL;
}

void post_free(const tern_allocator *heap, struct post *p)
{
	struct block *b = (struct block *)p;
	if (!b)
		return;
	arena_free(&b->arena);
	heap_free(heap, b, b->size);
}
