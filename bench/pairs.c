/* Handshakes in lockstep: all clients make a flight, then all servers, so that one reading of the clock serves many. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define ROUNDS_MAX 8
#define RECORD_MAX 2048

struct pairs *pairs_new(const struct implementation *impl, const struct scenario *s)
{
	struct pairs *p = calloc(1, sizeof *p);
	if (!p)
		bench_die("out of memory");
	p->impl = impl;
	for (enum side side = 0; side < NUM_SIDES; side++) {
		memory_side(side);
		p->context[side] = impl->context_new(s, side);
		p->box[side] = calloc(PAIRS_MAX, sizeof *p->box[side]);
		if (!p->context[side] || !p->box[side])
			bench_die("cannot set up a context");
	}
	if (s->ticket) {
		pairs_connect(p, 1);
		memory_side(CLIENT_SIDE);
		if (!impl->keep_session(p->context[CLIENT_SIDE], p->conn[CLIENT_SIDE][0]))
			bench_die("no session to resume");
		pairs_disconnect(p);
		pairs_connect(p, 1);
		if (!impl->resumed(p->conn[SERVER_SIDE][0]))
			bench_die("the session was not resumed");
		pairs_disconnect(p);
	}
	return p;
}

void pairs_free(struct pairs *p)
{
	for (enum side side = 0; side < NUM_SIDES; side++) {
		memory_side(side);
		p->impl->context_free(p->context[side]);
		free(p->box[side]);
	}
	free(p);
}

static void add_time(struct pairs *p, enum side side, uint64_t start)
{
	uint64_t spent = cpu_ns() - start;
	p->ns[side] += spent > cpu_ns_overhead() ? spent - cpu_ns_overhead() : 0;
}

/* How many are done. */
static size_t step_all(struct pairs *p, enum side side, bool create)
{
	enum side other = side == CLIENT_SIDE ? SERVER_SIDE : CLIENT_SIDE;
	size_t done = 0;
	uint64_t start;
	memory_side(side);
	start = cpu_ns();
	for (size_t i = 0; i < p->num; i++) {
		enum progress progress;
		if (create)
			p->conn[side][i] = p->impl->conn_new(p->context[side], &p->box[side][i], &p->box[other][i]);
		progress = p->conn[side][i] ? p->impl->step(p->conn[side][i]) : PROGRESS_FAILED;
		if (progress == PROGRESS_FAILED)
			bench_die(p->impl->name);
		done += progress == PROGRESS_DONE;
	}
	add_time(p, side, start);
	return done;
}

/* What follows the handshake, acknowledgements and tickets, belongs to it. */
static bool has_mail(const struct pairs *p)
{
	for (enum side side = 0; side < NUM_SIDES; side++)
		for (size_t i = 0; i < p->num; i++)
			if (p->box[side][i].at < p->box[side][i].num)
				return true;
	return false;
}

void pairs_connect(struct pairs *p, size_t num)
{
	size_t done = 0;
	p->num = num < PAIRS_MAX ? num : PAIRS_MAX;
	for (size_t i = 0; i < p->num; i++)
		p->box[CLIENT_SIDE][i].num = p->box[CLIENT_SIDE][i].at = p->box[SERVER_SIDE][i].num =
			p->box[SERVER_SIDE][i].at = 0;
	for (int round = 0; done < 2 * p->num || has_mail(p); round++) {
		if (round == ROUNDS_MAX)
			bench_die("a handshake does not end");
		done = step_all(p, CLIENT_SIDE, round == 0);
		done += step_all(p, SERVER_SIDE, round == 0);
	}
}

void pairs_disconnect(struct pairs *p)
{
	for (enum side side = 0; side < NUM_SIDES; side++) {
		uint64_t start;
		memory_side(side);
		start = cpu_ns();
		for (size_t i = 0; i < p->num; i++)
			p->impl->conn_free(p->conn[side][i]);
		add_time(p, side, start);
	}
	p->num = 0;
}

static void empty(struct mailbox *box)
{
	box->num = box->at = 0;
}

void pairs_records(struct pairs *p, size_t num, size_t n, bool together)
{
	static const uint8_t data[RECORD_MAX];
	bool ok = n <= sizeof data && num <= MAILBOX_MAX;
	uint64_t start;
	empty(&p->box[SERVER_SIDE][0]);
	memory_side(CLIENT_SIDE);
	start = cpu_ns();
	if (together && p->impl->seal_many)
		ok = ok && p->impl->seal_many(p->conn[CLIENT_SIDE][0], data, n, num);
	else
		for (size_t i = 0; ok && i < num; i++)
			ok = p->impl->seal(p->conn[CLIENT_SIDE][0], data, n);
	add_time(p, CLIENT_SIDE, start);
	if (ok && together && p->impl->seal_many)
		p->impl->spread(p->conn[CLIENT_SIDE][0]);
	memory_side(SERVER_SIDE);
	start = cpu_ns();
	for (size_t i = 0; ok && i < num; i++)
		ok = p->impl->open(p->conn[SERVER_SIDE][0], n);
	add_time(p, SERVER_SIDE, start);
	if (!ok)
		bench_die("a record got lost");
}

void pairs_settle(struct pairs *p)
{
	bench_let_pass(600);
	for (enum side side = 0; p->impl->settle && side < NUM_SIDES; side++) {
		memory_side(side);
		for (size_t i = 0; i < p->num; i++)
			p->impl->settle(p->conn[side][i]);
	}
}

void pairs_greet(struct pairs *p)
{
	static const uint8_t data[] = "hello";
	for (size_t i = 0; i < p->num; i++) {
		for (enum side side = 0; side < NUM_SIDES; side++) {
			enum side other = side == CLIENT_SIDE ? SERVER_SIDE : CLIENT_SIDE;
			bool ok;
			empty(&p->box[other][i]);
			memory_side(side);
			ok = p->impl->seal(p->conn[side][i], data, sizeof data);
			memory_side(other);
			if (!ok || !p->impl->open(p->conn[other][i], sizeof data))
				bench_die("a record got lost");
		}
	}
}
