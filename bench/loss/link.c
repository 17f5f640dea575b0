/* Two connections and what is on its way between them. The next thing to happen is the earliest of: a datagram that
 * arrives, a timer that fires. Computing takes no time. */
#include <string.h>

#include "../../cli/fate.h"
#include "loss.h"

enum { UNDER_WAY_MAX = 1024, HAPPENINGS_MAX = 100000 };

struct under_way {
	uint64_t due_ns, order;
	enum side to;
	struct letter letter;
};

struct link {
	const struct contestant *who;
	const struct fate_rules *rules;
	uint64_t flow, began_ns;
	void *conn[NUM_SIDES];
	struct mailbox box[NUM_SIDES]; /* what that side is to read */
	bool done[NUM_SIDES];
	uint64_t sent[NUM_SIDES];
	size_t num;
	uint64_t order;
	struct under_way under_way[UNDER_WAY_MAX];
};

static enum side other(enum side side)
{
	return side == CLIENT_SIDE ? SERVER_SIDE : CLIENT_SIDE;
}

static void post(struct link *l, enum side from)
{
	struct mailbox *out = &l->box[other(from)];
	for (size_t i = 0; i < out->num; i++) {
		struct fate fate = fate_of(l->rules, l->flow, from == CLIENT_SIDE ? FROM_CLIENT : FROM_SERVER,
					   ++l->sent[from], out->letters[i].n);
		struct under_way *u = &l->under_way[l->num];
		if (fate.lost || l->num == UNDER_WAY_MAX)
			continue;
		u->due_ns = clock_ns() + fate.delay_ns;
		u->order = l->order++;
		u->to = other(from);
		u->letter = out->letters[i];
		l->num++;
	}
	out->num = out->at = 0;
}

/* letter NULL: none came. */
static bool let_act(struct link *l, enum side side, const struct letter *letter)
{
	struct mailbox *in = &l->box[side];
	enum progress progress;
	struct letter *place = &in->letters[0];
	in->num = in->at = 0;
	if (letter) {
		*place = *letter;
		in->num = 1;
	}
	progress = l->who->impl->step(l->conn[side]);
	in->num = in->at = 0;
	l->done[side] |= progress == PROGRESS_DONE;
	post(l, side);
	return progress != PROGRESS_FAILED;
}

static size_t next_letter(const struct link *l)
{
	size_t best = l->num;
	for (size_t i = 0; i < l->num; i++)
		if (best == l->num || l->under_way[i].due_ns < l->under_way[best].due_ns ||
		    (l->under_way[i].due_ns == l->under_way[best].due_ns &&
		     l->under_way[i].order < l->under_way[best].order))
			best = i;
	return best;
}

/* The next thing happens. False: a side has failed, or nothing will ever happen. */
static bool happen(struct link *l)
{
	size_t next = next_letter(l);
	uint64_t when = next < l->num ? l->under_way[next].due_ns : UINT64_MAX;
	enum side ringing = NUM_SIDES;
	for (enum side side = 0; side < NUM_SIDES; side++) {
		uint64_t deadline = l->who->impl->deadline(l->conn[side]);
		if (deadline >= when)
			continue;
		when = deadline;
		ringing = side;
	}
	if (when >= l->began_ns + GIVE_UP_NS)
		return false;
	if (when > clock_ns())
		clock_set(when);
	if (ringing < NUM_SIDES)
		return l->who->impl->timeout(l->conn[ringing]) != PROGRESS_FAILED && let_act(l, ringing, NULL);
	struct under_way arrived = l->under_way[next];
	l->under_way[next] = l->under_way[--l->num];
	return let_act(l, arrived.to, &arrived.letter);
}

uint64_t link_handshake(const struct contestant *c, const struct link_rules *rules, uint64_t flow, unsigned *datagrams)
{
	static struct link l;
	struct fate_rules fate = {.seed = rules->seed, .loss = rules->loss, .delay_ns = rules->delay_ns};
	bool ok = true;
	l.who = c;
	l.rules = &fate;
	l.flow = flow;
	l.num = l.order = 0;
	memset(l.done, 0, sizeof l.done);
	memset(l.sent, 0, sizeof l.sent);
	l.began_ns = clock_ns();
	for (enum side side = 0; side < NUM_SIDES; side++) {
		l.box[side].num = l.box[side].at = 0;
		l.conn[side] = c->impl->conn_new(c->context[side], &l.box[side], &l.box[other(side)]);
		if (!l.conn[side])
			bench_die("cannot make a connection");
	}
	ok = let_act(&l, CLIENT_SIDE, NULL);
	for (unsigned i = 0; ok && i < HAPPENINGS_MAX && !(l.done[CLIENT_SIDE] && l.done[SERVER_SIDE]); i++)
		ok = happen(&l);
	*datagrams += (unsigned)(l.sent[CLIENT_SIDE] + l.sent[SERVER_SIDE]);
	for (enum side side = 0; side < NUM_SIDES; side++)
		c->impl->conn_free(l.conn[side]);
	return l.done[CLIENT_SIDE] && l.done[SERVER_SIDE] ? clock_ns() - l.began_ns : UINT64_MAX;
}
