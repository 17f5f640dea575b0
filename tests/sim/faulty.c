/* faulty.c - what may come of a fault: nothing, or an error that says what it was, at a side whose peer gets to know.
 */
#include "sim/host.h"

#define FORWARD_NS (3600 * SIM_S)
#define BACK_NS (20 * SIM_S)
#define END_NS (UINT64_MAX - 100000 * SIM_S)
#define YEARS_S INT64_C(315360000)
#define LAST_WORDS_NS (30 * SIM_S) /* after a failure, until the peer must know */

bool fault_is_why(const struct host *h, tern_error error)
{
	return h->memory.faults.happened && fault_explains(h->memory.faults.kind, error);
}

bool fault_costs_session(const struct world *w)
{
	enum fault_kind kind = w->schedule.fault.kind;
	return kind == FAULT_MEMORY || kind == FAULT_AEAD_SET || kind == FAULT_OPEN || kind >= FAULT_UNIX_FORWARD;
}

static void jump(struct host *h, enum fault_kind kind)
{
	switch (kind) {
	case FAULT_MONO_FORWARD:
		h->skew_ns += FORWARD_NS;
		break;
	case FAULT_MONO_BACK:
		h->skew_ns -= BACK_NS;
		break;
	case FAULT_MONO_END:
		h->skew_ns = END_NS - h->world->now_ns;
		break;
	case FAULT_UNIX_FORWARD:
		h->skew_s += YEARS_S;
		break;
	case FAULT_UNIX_BACK:
		h->skew_s -= YEARS_S;
		break;
	default:
		h->skew_s = -1 - WORLD_START_UNIX;
		break;
	}
	ladder_note(h->world, h->side, "its clock jumps: %s", fault_name(kind));
}

void fault_step(struct world *w)
{
	for (unsigned i = 0; i < 2 && w->schedule.chaos == CHAOS_FAULT; i++) {
		struct host *h = &w->hosts[i];
		for (int kind = FAULT_CLOCKS; kind < FAULT_SMALL; kind++)
			if (fault_now(&h->memory.faults, (enum fault_kind)kind))
				jump(h, (enum fault_kind)kind);
	}
}

static bool has_failed(const struct peer *p)
{
	return p->ended && p->error != TERN_OK;
}

static bool over(const struct peer *p)
{
	return !p->conn || p->ended;
}

bool fault_is_over(const struct world *w)
{
	return (over(&w->hosts[CLIENT].peers[0]) && over(&w->hosts[SERVER].peers[0])) ||
	       w->now_ns > w->ended_ns + LAST_WORDS_NS;
}

/* Where nothing gets lost, and nobody forges, restarts, moves or closes, an alert arrives. */
static bool must_learn(const struct world *w)
{
	unsigned unsure = SIM_GARBAGE | SIM_RESTART | SIM_CLOSE | SIM_FLOOD | SIM_LOSE_LAST;
	return !(w->scenario->flags & unsure) && !w->scenario->skip_to && !w->scenario->moves &&
	       w->schedule.fault.kind != FAULT_MONO_END;
}

static void check_end(struct world *w, const struct host *h, const struct peer *p)
{
	const struct faults *f = &h->memory.faults;
	const struct peer *other = &w->hosts[!h->side].peers[0];
	tern_failure failure = tern_conn_failure(p->conn);
	if (f->happened && fault_explains(f->kind, p->error))
		return;
	/* Whose peer's clock has run out waits in vain. */
	if (w->schedule.fault.kind == FAULT_MONO_END &&
	    (p->error == TERN_ERROR_TIMEOUT || p->error == TERN_ERROR_LIMIT))
		return;
	if (p->error == TERN_ERROR_PEER_ALERT && failure.alert_received && (has_failed(other) || !must_learn(w)))
		return;
	invariants_fail(&w->inv, "side %u ended: %s (%s, %s), which the fault does not explain", h->side,
			tern_error_name(p->error), failure.where, failure.rfc);
}

void fault_check(struct world *w)
{
	for (unsigned i = 0; i < 2 && w->schedule.chaos == CHAOS_FAULT && !w->staging; i++) {
		const struct host *h = &w->hosts[i];
		const struct peer *p = &h->peers[0], *other = &w->hosts[!i].peers[0];
		for (size_t k = 0; k < 2; k++)
			if (has_failed(&h->peers[k]))
				check_end(w, h, &h->peers[k]);
		if (has_failed(p) && other->conn && !other->ended && must_learn(w))
			invariants_fail(&w->inv, "side %u failed: %s, and its peer did not get to know", i,
					tern_error_name(p->error));
		if (p->ended && tern_conn_max_data(p->conn))
			invariants_fail(&w->inv, "side %u has ended and would still send", i);
	}
}
