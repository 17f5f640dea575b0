#include "flight/ack.h"

#include "base/deadline.h"
#include "base/heap.h"

#define NUMBER_LEN 16 /* on the wire */
#define SEQ_BITS 48
#define DOUBLINGS 6
#define FEW 4 /* records for a start: a flight has seldom more */

void acks_init(struct acks *a, const tern_allocator *heap)
{
	*a = (struct acks){.heap = heap, .deadline_ns = TERN_NEVER};
}

static bool make_room(struct acks *a)
{
	uint8_t room = a->room ? ACK_RECORDS : FEW;
	uint64_t *grown;
	if (a->num < a->room)
		return true;
	if (a->room == ACK_RECORDS) {
		memmove(a->records, a->records + 1, --a->num * sizeof a->records[0]);
		return true;
	}
	grown = heap_alloc(a->heap, room * sizeof *grown);
	if (!grown)
		return false;
	if (a->num)
		memcpy(grown, a->records, a->num * sizeof *grown);
	heap_free(a->heap, a->records, a->room * sizeof *a->records);
	a->records = grown;
	a->room = room;
	return true;
}

void acks_note(struct acks *a, uint16_t epoch, uint64_t seq)
{
	uint64_t record = (uint64_t)epoch << SEQ_BITS | seq;
	for (size_t i = 0; i < a->num; i++) {
		if (a->records[i] == record)
			return;
	}
	if (!make_room(a))
		return;
	a->records[a->num++] = record;
	a->repeats = 0;
}

void acks_hurry(struct acks *a)
{
	a->due = true;
	a->deadline_ns = TERN_NEVER;
}

static void tell_in(struct acks *a, uint64_t wait_ns, tern_time now)
{
	if (!a->due && a->deadline_ns == TERN_NEVER)
		a->deadline_ns = later(now.mono_ns, wait_ns);
}

void acks_arm(struct acks *a, uint64_t timeout_ns, tern_time now)
{
	tell_in(a, timeout_ns / 4, now);
}

void acks_share(struct acks *a, uint64_t wait_ns, tern_time now)
{
	if (wait_ns == 0)
		acks_hurry(a);
	else
		tell_in(a, wait_ns, now);
}

void acks_flush(struct acks *a)
{
	if (a->deadline_ns != TERN_NEVER)
		acks_hurry(a);
}

void acks_again(struct acks *a, uint64_t timeout_ns, tern_time now)
{
	a->deadline_ns = later(now.mono_ns, timeout_ns << a->repeats);
	a->repeats = a->repeats < DOUBLINGS ? a->repeats + 1 : DOUBLINGS;
}

void acks_tick(struct acks *a, tern_time now)
{
	if (a->deadline_ns != TERN_NEVER && now.mono_ns >= a->deadline_ns)
		acks_hurry(a);
}

void acks_rest(struct acks *a)
{
	if (a->deadline_ns == TERN_NEVER && !a->due)
		acks_clear(a);
}

void acks_clear(struct acks *a)
{
	heap_free(a->heap, a->records, a->room * sizeof *a->records);
	acks_init(a, a->heap);
}

/* Of what does not fit, the oldest are left out: they are the likeliest to have been told already. */
void acks_put(struct acks *a, struct wr *w)
{
	struct record_number numbers[ACK_RECORDS];
	uint64_t sorted[ACK_RECORDS];
	size_t room = w->cap - w->n, most = room < 2 ? 0 : (room - 2) / NUMBER_LEN;
	size_t num = a->num < most ? a->num : most;
	for (size_t i = 0; i < num; i++) {
		uint64_t r = a->records[a->num - num + i];
		size_t at = i;
		for (; at > 0 && r < sorted[at - 1]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = r;
	}
	for (size_t i = 0; i < num; i++)
		numbers[i] = (struct record_number){sorted[i] >> SEQ_BITS, sorted[i] & ((UINT64_C(1) << SEQ_BITS) - 1)};
	put_ack(w, numbers, num);
	a->due = false;
	a->deadline_ns = TERN_NEVER;
}
