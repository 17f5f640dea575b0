#include "flight/flight.h"

#include "base/deadline.h"
#include "flight/plan.h"

#define MTU_FLOOR 256 /* how far loss alone lowers the MTU */
#define FRAGMENT_LEAST                                                                                                 \
	44 /* bytes of a message that any MTU leaves room for: MTU_MIN holds them and the longest frame */
#define MTU_PATIENCE 3 /* unanswered transmissions until the MTU is suspected */

#define REMEMBERED 4 /* transmissions whose record numbers are recognized in an ACK */

struct sent_record {
	uint64_t seq;
	struct piece piece;
	uint16_t epoch;
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

/* Cuts the gaps into pieces; into may be NULL. INTERNAL when the MTU does not hold every message. */
static tern_error cut(const struct flight *f, const struct record_layer *records, const struct piece *gaps,
		      size_t num_gaps, struct piece *into, size_t *num)
{
	uint32_t used = 0;
	*num = 0;
	for (size_t i = 0; i < num_gaps; i++) {
		struct piece gap = gaps[i], piece;
		struct outgoing part = f->messages[gap.message];
		struct plan_at at = {.used = used};
		bool fresh;
		part.body.n = gap.len;
		while (plan_next(&at, &piece, &fresh, records, &part, 1, f->mtu)) {
			if (into)
				into[*num] = (struct piece){gap.offset + piece.offset, piece.len, gap.message};
			++*num;
		}
		if (at.message == 0)
			return TERN_ERROR_INTERNAL;
		used = at.used;
	}
	return TERN_OK;
}

/* Puts neighbors in the plan back together, so that it holds what a new plan has to cut. */
static void join_plan(struct flight *f)
{
	size_t n = 0;
	for (size_t i = 0; i < f->num_planned; i++) {
		struct piece p = f->plan[i], *last = n ? &f->plan[n - 1] : NULL;
		if (last && last->message == p.message && last->offset + last->len == p.offset)
			last->len += p.len;
		else
			f->plan[n++] = p;
	}
	f->num_planned = (uint16_t)n;
	f->planned_mtu = 0;
	f->cursor = 0;
}

static struct piece *grown_plan(struct flight *f, size_t num)
{
	struct piece *plan = num <= UINT16_MAX ? arena_alloc(f->arena, num * sizeof *plan) : NULL;
	if (plan)
		f->cap_planned = (uint16_t)num;
	return plan;
}

/* It grows when the peer wants a longer connection ID. */
static uint16_t frame_of(const struct flight *f, const struct record_layer *records)
{
	size_t frame = 0;
	for (size_t i = 0; i < f->num_messages; i++) {
		size_t overhead = record_overhead(records, f->messages[i].epoch);
		frame = overhead > frame ? overhead : frame;
	}
	return (uint16_t)(frame + HANDSHAKE_HEADER);
}

static tern_error make_plan(struct flight *f, const struct record_layer *records)
{
	struct piece whole[FLIGHT_MESSAGES], *gaps = f->plan, *plan = f->plan;
	size_t num_gaps, num;
	if (f->num_planned) {
		join_plan(f);
		num_gaps = f->num_planned;
	} else {
		gaps = whole;
		for (num_gaps = 0; num_gaps < f->num_messages; num_gaps++)
			whole[num_gaps] = (struct piece){0, (uint32_t)f->messages[num_gaps].body.n, (uint8_t)num_gaps};
	}
	TRY(cut(f, records, gaps, num_gaps, NULL, &num));
	if (num > f->cap_planned) {
		plan = grown_plan(f, num);
		if (!plan)
			return TERN_ERROR_BUDGET;
	} else if (gaps == plan) {
		/* Every gap gives a piece or more, so at the end of the array it is read before it is overwritten. */
		gaps = plan + f->cap_planned - num_gaps;
		memmove(gaps, plan, num_gaps * sizeof *plan);
	}
	TRY(cut(f, records, gaps, num_gaps, plan, &num));
	f->plan = plan;
	f->num_planned = (uint16_t)num;
	f->planned_mtu = f->mtu;
	f->frame = frame_of(f, records);
	f->cursor = 0;
	return TERN_OK;
}

/* Room for the record numbers of REMEMBERED transmissions of the plan; what is remembered stays. */
static tern_error reserve_sent(struct flight *f)
{
	uint32_t cap = (uint32_t)f->num_planned * REMEMBERED;
	struct sent_record *grown;
	if (cap <= f->cap_sent)
		return TERN_OK;
	grown = arena_alloc(f->arena, cap * sizeof *grown);
	if (!grown)
		return TERN_ERROR_BUDGET;
	for (uint32_t i = f->num_sent - f->num_known; i < f->num_sent; i++)
		grown[i % cap] = f->sent[i % f->cap_sent];
	f->sent = grown;
	f->cap_sent = cap;
	return TERN_OK;
}

static void remember(struct flight *f, const struct piece *p, uint64_t seq)
{
	struct sent_record *r;
	if (!f->remembers)
		return;
	r = &f->sent[f->num_sent++ % f->cap_sent];
	if (f->num_known < f->cap_sent)
		f->num_known++;
	*r = (struct sent_record){.seq = seq, .piece = *p, .epoch = f->messages[p->message].epoch};
}

static void arm(struct flight *f, uint64_t from_ns, uint64_t timeout_ns)
{
	tern_trace event = {.kind = TERN_TRACE_TIMER, .timeout_ns = timeout_ns};
	if (f->external)
		return;
	f->deadline_ns = later(from_ns, timeout_ns);
	trace_report(&f->trace, &event);
}

/* One transmission is out. */
static void sent(struct flight *f, uint32_t random, tern_time now)
{
	if (f->tries++ == 0)
		f->first_sent_ns = now.mono_ns;
	f->sent_ns = now.mono_ns;
	f->state = f->awaits_answer ? FLIGHT_WAITING : FLIGHT_FINISHED;
	if (f->awaits_answer)
		arm(f, now.mono_ns, rto_timeout(&f->rto, random));
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
	if (f->planned_mtu != f->mtu || f->frame < frame_of(f, records))
		TRY(make_plan(f, records));
	if (f->remembers)
		TRY(reserve_sent(f));
	if (f->cursor == 0) {
		f->longest = 0;
		f->num_before = f->num_sent;
	}
	for (cursor = f->cursor; cursor < f->num_planned; cursor++) {
		const struct piece *p = &f->plan[cursor];
		uint64_t seq;
		if (w.n && w.cap - w.n < plan_record_len(records, f->messages, p))
			break;
		TRY(plan_put(p, records, f->messages, &w, &f->trace, f->tries > 0, &seq));
		remember(f, p, seq);
	}
	f->cursor = cursor;
	if (w.n > f->longest)
		f->longest = (uint16_t)w.n;
	*len = w.n;
	if (cursor == f->num_planned)
		sent(f, random, now);
	return TERN_OK;
}

/* Of a flight that was sent once: RFC 9147 5.8.2. */
static void learn_round_trip(struct flight *f, uint64_t pending_ns, tern_time now)
{
	uint64_t elapsed = now.mono_ns - f->first_sent_ns;
	if (now.mono_ns < f->first_sent_ns) /* a clock that went back tells nothing */
		return;
	if (f->state == FLIGHT_WAITING && f->tries == 1 && pending_ns < elapsed)
		rto_sample(&f->rto, elapsed - pending_ns);
}

void flight_answered(struct flight *f, uint64_t pending_ns, tern_time now)
{
	learn_round_trip(f, pending_ns, now);
	rto_reset(&f->rto);
	f->mtu_fired = 0;
	f->state = FLIGHT_PREPARING;
	f->num_messages = 0;
	f->num_planned = 0;
	f->planned_mtu = 0;
	f->cursor = 0;
	f->num_sent = 0;
	f->num_known = 0;
	f->doubtful = false;
	f->tries = 0;
	f->deadline_ns = TERN_NEVER;
}

void flight_answer_begins(struct flight *f, uint64_t pending_ns, tern_time now)
{
	if (!f->remembers || !flight_is_on_its_way(f))
		return;
	learn_round_trip(f, pending_ns, now);
	f->state = FLIGHT_FINISHED;
	f->deadline_ns = TERN_NEVER;
}

static void send_again(struct flight *f)
{
	f->state = FLIGHT_SENDING;
	f->cursor = 0;
	f->deadline_ns = TERN_NEVER;
	f->retransmissions++;
}

/* Once more, and all of it where only plaintext said that some had come. */
static void repeat_all(struct flight *f)
{
	if (f->doubtful) {
		f->num_planned = 0;
		f->planned_mtu = 0;
		f->doubtful = false;
	}
	send_again(f);
}

static bool too_soon(const struct flight *f, uint32_t random, tern_time now)
{
	return now.mono_ns - f->sent_ns < rto_timeout(&f->rto, random) / 4;
}

void flight_repeat(struct flight *f, uint32_t random, tern_time now)
{
	bool acknowledged = f->state == FLIGHT_FINISHED && f->awaits_answer;
	if ((f->state != FLIGHT_WAITING && f->state != FLIGHT_FINISHED) || acknowledged)
		return;
	if (!too_soon(f, random, now))
		repeat_all(f);
}

void flight_again(struct flight *f)
{
	if (f->state == FLIGHT_WAITING)
		repeat_all(f);
}

void flight_set_external(struct flight *f, bool external, uint32_t random, tern_time now)
{
	if (f->external == external)
		return;
	f->external = external;
	if (external)
		flight_again(f);
	else if (f->state == FLIGHT_WAITING)
		arm(f, now.mono_ns, rto_timeout(&f->rto, random));
}

void flight_revive(struct flight *f)
{
	if (f->state != FLIGHT_WAITING || f->deadline_ns != TERN_NEVER)
		return;
	f->rto.fired = 0;
	f->mtu_fired = 0;
	send_again(f);
}

static const struct sent_record *find_sent(const struct flight *f, uint16_t epoch, uint64_t seq, bool *recent)
{
	for (uint32_t i = f->num_sent; i > f->num_sent - f->num_known; i--) {
		const struct sent_record *r = &f->sent[(i - 1) % f->cap_sent];
		if (r->seq == seq && r->epoch == epoch) {
			*recent = i > f->num_before;
			return r;
		}
	}
	return NULL;
}

/* Room for one piece more; without memory none. */
static bool room_in_plan(struct flight *f)
{
	struct piece *plan;
	if (f->num_planned < f->cap_planned)
		return true;
	plan = grown_plan(f, 2 * (size_t)f->cap_planned);
	if (!plan)
		return false;
	memcpy(plan, f->plan, f->num_planned * sizeof *plan);
	f->plan = plan;
	return true;
}

static bool touches(const struct piece *p, const struct piece *acked)
{
	return p->message == acked->message &&
	       (acked->len == 0 || (p->offset < acked->offset + acked->len && acked->offset < p->offset + p->len));
}

/* Takes acked's bytes out of the plan's pieces from first to before past, which they touch: at either end something may
 * be left, when the plan's MTU is not the one of acked. */
static bool take_out(struct flight *f, size_t first, size_t past, const struct piece *acked)
{
	struct piece parts[2], head = f->plan[first], tail = f->plan[past - 1];
	uint32_t end = acked->offset + acked->len;
	size_t n = 0, num_head;
	if (head.offset < acked->offset)
		parts[n++] = (struct piece){head.offset, acked->offset - head.offset, head.message};
	num_head = n;
	if (tail.offset + tail.len > end)
		parts[n++] = (struct piece){end, tail.offset + tail.len - end, tail.message};
	if (n > past - first && !room_in_plan(f))
		return false;
	memmove(f->plan + first + n, f->plan + past, (f->num_planned - past) * sizeof *f->plan);
	memcpy(f->plan + first, parts, n * sizeof *parts);
	f->num_planned = (uint16_t)(f->num_planned - (past - first) + n);
	if (f->cursor >= past)
		f->cursor = (uint16_t)(f->cursor - (past - first) + n);
	else if (f->cursor > first)
		f->cursor = (uint16_t)(first + num_head);
	return true;
}

void flight_acked(struct flight *f, uint16_t epoch, uint64_t seq, tern_time now)
{
	const struct sent_record *r;
	size_t first = 0, past;
	bool recent;
	(void)now;
	f->ack.numbers = true;
	r = find_sent(f, epoch, seq, &recent);
	if (!r)
		return;
	while (first < f->num_planned && !touches(&f->plan[first], &r->piece))
		first++;
	for (past = first; past < f->num_planned && touches(&f->plan[past], &r->piece);)
		past++;
	if (past == first || !take_out(f, first, past, &r->piece))
		return;
	f->ack.news = true;
	f->ack.recent |= recent;
}

void flight_acks_plain(struct flight *f)
{
	f->ack.plain = true;
}

void flight_acks_end(struct flight *f, tern_time now)
{
	bool numbers = f->ack.numbers, news = f->ack.news, recent = f->ack.recent;
	if (news)
		f->doubtful = f->ack.plain;
	memset(&f->ack, 0, sizeof f->ack);
	if (!f->remembers || (f->state != FLIGHT_SENDING && f->state != FLIGHT_WAITING))
		return;
	if (f->state == FLIGHT_WAITING && f->doubtful && f->num_planned == 0) {
		if (news && !f->external)
			f->deadline_ns = later(now.mono_ns, f->rto.cap_ns);
		return;
	}
	if (news && f->num_planned == 0 && !f->doubtful) {
		learn_round_trip(f, 0, now);
		f->state = FLIGHT_FINISHED;
		f->deadline_ns = TERN_NEVER;
	} else if (f->state == FLIGHT_SENDING) {
		/* What this transmission had still to send may all be acknowledged now. */
		if (news && f->cursor == f->num_planned)
			sent(f, 0, now);
	} else if ((news || !numbers) && (recent || !too_soon(f, 0, now))) {
		send_again(f);
	}
}

/* Large datagrams may be what is lost. A flight of small ones has other troubles. A hello stays whole: a server that
 * keeps no state yet cannot put one together, and would never answer. */
static void lower_mtu(struct flight *f)
{
	uint16_t floor = f->mtu < MTU_FLOOR ? MTU_MIN : MTU_FLOOR, mtu;
	if (floor < f->frame + FRAGMENT_LEAST)
		floor = (uint16_t)(f->frame + FRAGMENT_LEAST);
	mtu = f->mtu / 2 > floor ? f->mtu / 2 : floor;
	if (f->keeps_mtu || f->longest <= floor || mtu == f->mtu || f->messages[0].type == CLIENT_HELLO)
		return;
	f->mtu = mtu;
	trace_report(&f->trace, &(tern_trace){.kind = TERN_TRACE_MTU, .length = mtu});
}

/* Only transmissions that the timer asked for are counted: whoever repeats a message of the peer's must not make us
 * give up sooner. */
tern_error flight_tick(struct flight *f, tern_time now)
{
	uint32_t unanswered = f->rto.fired + 1;
	if (f->state != FLIGHT_WAITING || now.mono_ns < f->deadline_ns)
		return TERN_OK;
	trace_report(&f->trace, &(tern_trace){.kind = TERN_TRACE_TIMEOUT});
	f->deadline_ns = TERN_NEVER;
	if (unanswered >= f->max_tries)
		return TERN_ERROR_TIMEOUT;
	rto_back_off(&f->rto);
	if (unanswered - f->mtu_fired >= MTU_PATIENCE)
		lower_mtu(f);
	repeat_all(f);
	return TERN_OK;
}

uint16_t flight_told_epoch(const struct flight *f, uint16_t otherwise)
{
	bool begun = f->cursor > 0 && f->cursor < f->num_planned;
	if ((f->state != FLIGHT_PREPARING && f->state != FLIGHT_SENDING) || f->tries || !f->num_messages)
		return otherwise;
	return f->messages[begun ? f->plan[f->cursor].message : 0].epoch;
}

uint64_t flight_deadline(const struct flight *f)
{
	return f->deadline_ns;
}

void flight_set_timeout(struct flight *f, uint64_t first_ns, uint32_t random)
{
	rto_set_first(&f->rto, first_ns);
	if (f->state == FLIGHT_WAITING && f->deadline_ns != TERN_NEVER)
		arm(f, f->sent_ns, rto_timeout(&f->rto, random));
}

void flight_set_mtu(struct flight *f, uint16_t mtu)
{
	f->mtu = mtu < MTU_MIN ? MTU_MIN : mtu;
	f->mtu_fired = f->rto.fired;
}
