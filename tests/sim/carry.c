/* Carriers: hosts that repeat the datagrams of their flights byte for byte, in place of the timers or beside them. */
#include "sim/host.h"

#define LENT_MAX 32
#define ASKS_EVERY 6 /* repetitions until it asks for fresh records */
#define OWN_PERCENT 20 /* of the time the timers are the connection's own */

static void again(struct host *h)
{
	world_at(h->world, SIM_MS * h->world->scenario->repeat_ms, EVENT_REPEAT, h->side, 0);
}

static void set_timers(struct host *h, struct peer *p, tern_timing timing)
{
	if (tern_conn_set_timers(p->conn, timing, host_time(h)) != TERN_OK)
		invariants_fail(&h->world->inv, "side %u: the timers cannot be set", h->side);
}

void carry_begin(struct host *h, struct peer *p)
{
	if (!h->world->scenario->repeat_ms || h->world->staging)
		return;
	set_timers(h, p, TERN_TIMERS_EXTERNAL);
	again(h);
}

static void ask(struct host *h, struct peer *p)
{
	if (tern_conn_retransmit(p->conn, host_time(h)) != TERN_OK)
		invariants_fail(&h->world->inv, "side %u: a retransmission is refused", h->side);
}

void host_repeat(struct host *h)
{
	struct world *w = h->world;
	struct peer *p = &h->peers[0];
	tern_bytes lent[LENT_MAX];
	size_t n;
	if (!p->conn || p->ended)
		return;
	n = tern_conn_flight(p->conn, lent, LENT_MAX);
	if (n)
		ladder_note(w, h->side, "repeats %zu datagrams as they were", n);
	for (size_t i = 0; i < n; i++)
		world_pass(w, h->side, lent[i].data, lent[i].len);
	if (++p->repeats % ASKS_EVERY == 0)
		ask(h, p);
	set_timers(h, p, pcg_percent(&w->rng, OWN_PERCENT) ? TERN_TIMERS_OWN : TERN_TIMERS_EXTERNAL);
	host_drain(h, p);
	again(h);
}
