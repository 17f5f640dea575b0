#include "connection/hello_slots.h"

#include "base/heap.h"

#define NUM_SLOTS 64
#define WAYS 4 /* slots that one sender may use */
#define PATIENCE_NS (UINT64_C(10) * 1000000000) /* fragments farther apart are not of one hello */
#define OVERTAKEN_NS (UINT64_C(1) * 1000000000) /* by how much one of them may come late */

struct slot {
	uint64_t name; /* of sender and message; 0: empty */
	uint64_t since_ns; /* when its first fragment came */
	uint64_t newest_seq, newest_ns; /* the highest record number of its fragments, and when that came */
	uint32_t newest_offset;
	uint32_t length, have;
	uint8_t seen[HELLO_MAX / 8]; /* a bit for each byte; none are seen again when the hello was complete */
	uint8_t known[HELLO_MAX / 8]; /* seen now or when it was complete last */
	uint8_t bytes[HELLO_MAX];
};

struct hello_slots {
	struct slot slots[NUM_SLOTS];
};

struct hello_slots *hello_slots_new(const tern_allocator *heap)
{
	return heap_alloc(heap, sizeof(struct hello_slots));
}

void hello_slots_free(const tern_allocator *heap, struct hello_slots *s)
{
	heap_free(heap, s, sizeof *s);
}

static struct span address_span(const tern_address *a)
{
	return span_of(a->bytes, a->len < sizeof a->bytes ? a->len : sizeof a->bytes);
}

static uint64_t name_of(const struct hmac_key *key, const tern_path *path, uint16_t message_seq)
{
	static const tern_path untold;
	const tern_path *p = path ? path : &untold;
	uint8_t head[] = {p->remote.len, p->local.len, (uint8_t)(message_seq >> 8), (uint8_t)message_seq};
	uint8_t digest[HASH_MAX];
	uint64_t name;
	struct span parts[] = {
		span_of("hello slot", 10),
		span_of(head, sizeof head),
		address_span(&p->remote),
		address_span(&p->local),
	};
	hmac(key, digest, parts, sizeof parts / sizeof parts[0]);
	memcpy(&name, digest, sizeof name);
	return name | 1;
}

/* The sender's slot; else one that is empty or was complete, else a random one of its few. */
static struct slot *slot_for(struct hello_slots *s, uint64_t name, uint32_t random)
{
	struct slot *few = &s->slots[(name >> 32) % (NUM_SLOTS / WAYS) * WAYS];
	struct slot *free_one = NULL;
	for (size_t i = 0; i < WAYS; i++) {
		if (few[i].name == name)
			return &few[i];
		if (!few[i].name || few[i].have == 0)
			free_one = &few[i];
	}
	return free_one ? free_one : &few[random % WAYS];
}

enum news { NOTHING_NEW, SOMETHING_NEW, AT_ODDS };

/* What a fragment says beside what is known. At odds: somebody came back to the address with a new hello. */
static enum news compare(const struct slot *slot, const struct fragment *f)
{
	enum news news = NOTHING_NEW;
	for (size_t i = 0; i < f->body.n; i++) {
		size_t at = f->offset + i;
		if (!(slot->known[at / 8] >> (at % 8) & 1))
			news = SOMETHING_NEW;
		else if (slot->bytes[at] != f->body.p[i])
			return AT_ODDS;
	}
	return news;
}

/* A lower record number than the newest: a fragment that was overtaken on the way, if it lies as far before the other
 * in the hello as in the numbers. Otherwise the sender counts from the start again, and so does its hello. */
static bool was_overtaken(const struct slot *slot, const struct fragment *f, uint64_t seq, tern_time now)
{
	uint64_t ahead = slot->newest_offset > f->offset ? slot->newest_offset - f->offset : 0;
	return slot->newest_seq - seq <= (ahead + f->body.n - 1) / f->body.n &&
	       now.mono_ns - slot->newest_ns <= OVERTAKEN_NS;
}

static bool begins_anew(const struct slot *slot, uint64_t name, const struct fragment *f, uint64_t seq, tern_time now)
{
	enum news news;
	if (slot->name != name || slot->length != f->length || now.mono_ns - slot->since_ns > PATIENCE_NS)
		return true;
	news = compare(slot, f);
	return news == AT_ODDS ||
	       (news == SOMETHING_NEW && seq < slot->newest_seq && !was_overtaken(slot, f, seq, now));
}

static void begin(struct slot *slot, uint64_t name, uint32_t length, tern_time now)
{
	slot->name = name;
	slot->since_ns = now.mono_ns;
	slot->length = length;
	slot->have = 0;
	slot->newest_seq = 0;
	memset(slot->seen, 0, sizeof slot->seen);
	memset(slot->known, 0, sizeof slot->known);
}

static void take(struct slot *slot, const struct fragment *f, uint64_t seq, tern_time now)
{
	if (seq >= slot->newest_seq) {
		slot->newest_seq = seq;
		slot->newest_ns = now.mono_ns;
		slot->newest_offset = f->offset;
	}
	for (size_t i = 0; i < f->body.n; i++) {
		size_t at = f->offset + i;
		uint8_t bit = (uint8_t)(1u << (at % 8));
		slot->have += !(slot->seen[at / 8] & bit);
		slot->seen[at / 8] |= bit;
		slot->known[at / 8] |= bit;
		slot->bytes[at] = f->body.p[i];
	}
}

bool hello_slots_put(struct hello_slots *s, const struct hmac_key *key, const tern_path *path, const struct fragment *f,
		     uint64_t seq, uint32_t random, tern_time now, struct fragment *whole)
{
	uint64_t name = name_of(key, path, f->message_seq);
	struct slot *slot = slot_for(s, name, random);
	if (f->length > HELLO_MAX || f->body.n == 0 || f->body.n > f->length || f->offset > f->length - f->body.n)
		return false;
	if (begins_anew(slot, name, f, seq, now))
		begin(slot, name, f->length, now);
	take(slot, f, seq, now);
	if (slot->have < slot->length)
		return false;
	*whole = *f;
	whole->offset = 0;
	whole->body = span_of(slot->bytes, slot->length);
	slot->have = 0;
	memset(slot->seen, 0, sizeof slot->seen);
	return true;
}
