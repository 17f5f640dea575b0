#include "flight/last.h"

#include "base/deadline.h"
#include "base/heap.h"
#include "flight/plan.h"

#define REPEAT_GAP_NS UINT64_C(100000000)
#define REPEAT_BURST 8

struct last_flight {
	uint64_t expires_ns;
	uint64_t even_ns; /* when repeats are back at one per gap */
	struct plan_at at;
	uint32_t size; /* of this allocation */
	uint16_t mtu;
	uint8_t num_messages;
	bool sends;
	bool sent; /* before: what goes out is a retransmission */
	struct outgoing messages[]; /* then their bytes */
};

struct last_flight *last_new(const tern_allocator *heap, const struct flight *f, tern_time now)
{
	size_t size = sizeof(struct last_flight) + f->num_messages * sizeof(struct outgoing);
	struct last_flight *l;
	uint8_t *p;
	for (size_t i = 0; i < f->num_messages; i++)
		size += f->messages[i].body.n;
	l = heap_alloc(heap, size);
	if (!l)
		return NULL;
	l->expires_ns = later(now.mono_ns, LAST_LIFETIME_NS);
	l->size = (uint32_t)size;
	l->mtu = f->mtu;
	l->num_messages = f->num_messages;
	l->sends = flight_sends(f);
	l->sent = f->tries > 0;
	p = (uint8_t *)(l->messages + f->num_messages);
	for (size_t i = 0; i < f->num_messages; i++) {
		struct span body = f->messages[i].body;
		l->messages[i] = f->messages[i];
		l->messages[i].body.p = p;
		if (body.n)
			memcpy(p, body.p, body.n);
		p += body.n;
	}
	return l;
}

void last_free(const tern_allocator *heap, struct last_flight *l)
{
	if (l)
		heap_free(heap, l, l->size);
}

void last_again(struct last_flight *l)
{
	if (l->sends)
		return;
	l->sends = true;
	l->at = (struct plan_at){0};
}

void last_repeat(struct last_flight *l, tern_time now)
{
	uint64_t ahead_ns = l->even_ns > now.mono_ns ? l->even_ns - now.mono_ns : 0;
	if (l->sends || ahead_ns > (REPEAT_BURST - 1) * REPEAT_GAP_NS)
		return;
	l->even_ns = later(now.mono_ns, ahead_ns + REPEAT_GAP_NS);
	last_again(l);
}

bool last_sends(const struct last_flight *l)
{
	return l->sends;
}

bool last_begins(const struct last_flight *l)
{
	return l->sends && l->at.message == 0 && l->at.offset == 0;
}

tern_error last_take(struct last_flight *l, struct record_layer *records, uint8_t *out, size_t cap, size_t *len,
		     struct tracer trace)
{
	struct wr w = wr_of(out, l->mtu);
	struct plan_at at = l->at, ahead = l->at;
	struct piece piece;
	bool fresh;
	*len = 0;
	if (!l->sends)
		return TERN_OK;
	if (cap < l->mtu)
		return TERN_ERROR_BUFFER_TOO_SMALL;
	while (plan_next(&ahead, &piece, &fresh, records, l->messages, l->num_messages, l->mtu)) {
		if (fresh && w.n)
			break;
		TRY(plan_put(&piece, records, l->messages, &w, &trace, l->sent, NULL));
		at = ahead;
	}
	l->at = at;
	*len = w.n;
	if (at.message < l->num_messages)
		return TERN_OK;
	l->sends = false;
	l->sent = true;
	return TERN_OK;
}

/* Where sending stands is an offset into a message: what is left is cut anew, from the start of a datagram. */
void last_set_mtu(struct last_flight *l, uint16_t mtu)
{
	l->at.used = 0;
	l->mtu = mtu;
}

uint64_t last_expires_ns(const struct last_flight *l)
{
	return l->expires_ns;
}
