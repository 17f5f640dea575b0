#include "flight/flight.h"

#include "flight/plan.h"

#define MTU_FLOOR 256 /* how far loss alone lowers the MTU */
#define MTU_PATIENCE 3 /* unanswered transmissions until the MTU is suspected */

struct planned {
	struct piece piece;
};

void flight_init(struct flight *f, struct arena *arena, const tern_timers *timers, uint16_t mtu, struct tracer trace)
{
	*f = (struct flight){
		.arena = arena,
		.max_tries = timers->max_tries,
		.deadline_ns = TERN_NEVER,
		.trace = trace,
	};
	rto_init(&f->rto, timers);
	flight_set_mtu(f, mtu);
}

tern_error flight_add(struct flight *f, const struct outgoing *message)
{
	if (f->state != FLIGHT_PREPARING)
		return TERN_ERROR_INTERNAL;
	if (f->num_messages == FLIGHT_MESSAGES)
		return TERN_ERROR_BUDGET;
	f->messages[f->num_messages++] = *message;
	return TERN_OK;
}

tern_error flight_send(struct flight *f, bool awaits_answer)
{
	if (f->state != FLIGHT_PREPARING || f->num_messages == 0)
		return TERN_ERROR_INTERNAL;
	f->state = FLIGHT_SENDING;
	f->awaits_answer = awaits_answer;
	return TERN_OK;
}

bool flight_sends(const struct flight *f)
{
	return f->state == FLIGHT_SENDING;
}

/* Walks the whole flight; into may be NULL. INTERNAL when the MTU does not hold every message. */
static tern_error cut(const struct flight *f, const struct record_layer *records, struct planned *into, size_t *num,
		      size_t *longest)
{
	struct plan_at at = {0};
	struct piece piece;
	bool fresh;
	*num = 0;
	*longest = 0;
	while (plan_next(&at, &piece, &fresh, records, f->messages, f->num_messages, f->mtu)) {
		if (into)
			into[*num].piece = piece;
		++*num;
		if (at.used > *longest)
			*longest = at.used;
	}
	return at.message == f->num_messages ? TERN_OK : TERN_ERROR_INTERNAL;
}

static tern_error make_plan(struct flight *f, const struct record_layer *records)
{
	size_t num, longest;
	TRY(cut(f, records, NULL, &num, &longest));
	if (num > UINT16_MAX)
		return TERN_ERROR_BUDGET;
	if (num > f->cap_planned) {
		struct planned *plan = arena_alloc(f->arena, num * sizeof *plan);
		if (!plan)
			return TERN_ERROR_BUDGET;
		f->plan = plan;
		f->cap_planned = (uint16_t)num;
	}
	TRY(cut(f, records, f->plan, &num, &longest));
	f->num_planned = (uint16_t)num;
	f->planned_mtu = f->mtu;
	f->longest = (uint16_t)longest;
	f->cursor = 0;
	return TERN_OK;
}

static uint64_t later(uint64_t t, uint64_t by)
{
	return by < TERN_NEVER - t ? t + by : TERN_NEVER - 1;
}

/* One transmission is out. */
static void sent(struct flight *f, uint32_t random, tern_time now)
{
	tern_trace event = {.kind = TERN_TRACE_TIMER};
	if (f->tries++ == 0)
		f->first_sent_ns = now.mono_ns;
	f->sent_ns = now.mono_ns;
	f->state = f->awaits_answer ? FLIGHT_WAITING : FLIGHT_FINISHED;
	if (!f->awaits_answer)
		return;
	event.timeout_ns = rto_timeout(&f->rto, random);
	f->deadline_ns = later(now.mono_ns, event.timeout_ns);
	trace_report(&f->trace, &event);
}

tern_error flight_take(struct flight *f, struct record_layer *records, uint8_t *out, size_t cap, size_t *len,
		       uint32_t random, tern_time now)
{
	struct wr w = wr_of(out, f->mtu);
	uint16_t cursor;
	*len = 0;
	if (f->state != FLIGHT_SENDING)
		return TERN_OK;
	if (cap < f->mtu)
		return TERN_ERROR_BUFFER_TOO_SMALL;
	if (f->planned_mtu != f->mtu)
		TRY(make_plan(f, records));
	for (cursor = f->cursor; cursor < f->num_planned; cursor++) {
		const struct piece *p = &f->plan[cursor].piece;
		if (w.n && w.cap - w.n < plan_record_len(records, f->messages, p))
			break;
		TRY(plan_put(p, records, f->messages, &w, &f->trace, f->tries > 0));
	}
	f->cursor = cursor;
	*len = w.n;
	if (cursor == f->num_planned)
		sent(f, random, now);
	return TERN_OK;
}

void flight_answered(struct flight *f, uint64_t pending_ns, tern_time now)
{
	uint64_t elapsed = now.mono_ns - f->first_sent_ns;
	if (f->state == FLIGHT_WAITING && f->tries == 1 && pending_ns < elapsed)
		rto_sample(&f->rto, elapsed - pending_ns);
	rto_reset(&f->rto);
	f->state = FLIGHT_PREPARING;
	f->num_messages = 0;
	f->num_planned = 0;
	f->planned_mtu = 0;
	f->cursor = 0;
	f->tries = 0;
	f->deadline_ns = TERN_NEVER;
}

static void send_again(struct flight *f)
{
	f->state = FLIGHT_SENDING;
	f->cursor = 0;
	f->deadline_ns = TERN_NEVER;
	f->retransmissions++;
}

void flight_repeat(struct flight *f, uint32_t random, tern_time now)
{
	if (f->state != FLIGHT_WAITING && f->state != FLIGHT_FINISHED)
		return;
	if (now.mono_ns - f->sent_ns < rto_timeout(&f->rto, random) / 4)
		return;
	send_again(f);
}

/* Large datagrams may be what is lost. A flight of small ones has other troubles. A hello stays whole: a server that keeps
 * no state yet cannot put one together, and would never answer. */
static void lower_mtu(struct flight *f)
{
	uint16_t floor = f->mtu < MTU_FLOOR ? MTU_MIN : MTU_FLOOR;
	uint16_t mtu = f->mtu / 2 > floor ? f->mtu / 2 : floor;
	if (f->longest <= floor || mtu == f->mtu || f->messages[0].type == CLIENT_HELLO)
		return;
	f->mtu = mtu;
	trace_report(&f->trace, &(tern_trace){.kind = TERN_TRACE_MTU, .length = mtu});
}

/* Only transmissions that the timer asked for are counted: whoever repeats a message of the peer's must not make us
 * give up sooner. */
tern_error flight_tick(struct flight *f, tern_time now)
{
	uint32_t unanswered = f->rto.doublings + 1;
	if (f->state != FLIGHT_WAITING || now.mono_ns < f->deadline_ns)
		return TERN_OK;
	trace_report(&f->trace, &(tern_trace){.kind = TERN_TRACE_TIMEOUT});
	f->deadline_ns = TERN_NEVER;
	if (unanswered >= f->max_tries)
		return TERN_ERROR_TIMEOUT;
	rto_back_off(&f->rto);
	if (unanswered >= MTU_PATIENCE)
		lower_mtu(f);
	send_again(f);
	return TERN_OK;
}

uint64_t flight_deadline(const struct flight *f)
{
	return f->deadline_ns;
}

void flight_set_mtu(struct flight *f, uint16_t mtu)
{
	f->mtu = mtu < MTU_MIN ? MTU_MIN : mtu;
}
