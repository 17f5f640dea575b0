#include "flight/post.h"

#include "flight/plan.h"

/* What a fragment needs for its place in the plan and for its record numbers, and the least of a message that one
 * holds in practice. A message that needs more (long connection IDs, MTU changes) takes it from the heap. */
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

struct post *post_new(const tern_allocator *heap, const tern_timers *timers, uint16_t mtu, struct tracer trace,
		      const struct outgoing *message, uint64_t rtt_ns)
{
	size_t front = align(sizeof(struct block)), plan = FRAGMENT_COST * (1 + message->body.n / FRAGMENT_LEN);
	size_t size = front + plan + message->body.n;
	struct outgoing copy = *message;
	struct block *b = heap_alloc(heap, size);
	uint8_t *body;
	if (!b)
		return NULL;
	body = (uint8_t *)b + front + plan;
	if (copy.body.n)
		memcpy(body, copy.body.p, copy.body.n);
	copy.body.p = body;
	b->size = size;
	b->post.type = message->type;
	arena_init(&b->arena, heap, (uint8_t *)b + front, plan, MORE_MAX(message->body.n));
	flight_init(&b->post.flight, &b->arena, timers, mtu, trace);
	b->post.flight.remembers = true;
	if (rtt_ns)
		rto_sample(&b->post.flight.rto, rtt_ns);
	if (flight_add(&b->post.flight, &copy) == TERN_OK && flight_send(&b->post.flight, true) == TERN_OK)
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
