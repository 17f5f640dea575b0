/* updates.c - key updates, record numbers and certificate requests of DTLS 1.3. */
#include "connection/auth.h"
#include "sim/host.h"

#define BEFORE 5 /* records until the number that is skipped to */
#define AGAIN_MS 20 /* until a side that cannot update yet tries again */
#define HASTY_PERCENT 20 /* of key updates are begun while another is on its way */

static bool under_way(const tern_conn *conn)
{
	const struct after *a = conn->after;
	for (const struct post *p = a->posts; p; p = p->next)
		if (p->type == KEY_UPDATE)
			return true;
	return a->update_acked || a->update_wanted;
}

void host_rekey(struct host *h)
{
	struct world *w = h->world;
	struct peer *p = &h->peers[0];
	bool asks = (w->scenario->flags & SIM_ASK_UPDATE) && pcg_percent(&w->rng, 50);
	tern_error error;
	if (!h->updates_left || p->ended)
		return;
	if (p->connected && (!under_way(p->conn) || pcg_percent(&w->rng, HASTY_PERCENT))) {
		h->updates_left--;
		error = tern_conn_rekey(p->conn, asks, host_time(h));
		ladder_note(w, h->side, "updates its keys%s", asks ? " and asks for the peer's" : "");
		if (h->memory.faults.happened && fault_explains(h->memory.faults.kind, error))
			host_note_end(h, p, error);
		else if (error != TERN_OK)
			invariants_fail(&w->inv, "side %u: rekey: %s", h->side, tern_error_name(error));
		host_drain(h, p);
	}
	if (h->updates_left)
		world_at(w, SIM_MS * (AGAIN_MS + pcg_below(&w->rng, 1u + w->scenario->updates_gap_ms)), EVENT_REKEY,
			 h->side, 0);
}

void host_request(struct host *h)
{
	struct world *w = h->world;
	struct peer *p = &h->peers[0];
	tern_error error;
	if (p->ended || !p->connected)
		return;
	error = tern_conn_request_certificate(p->conn, TERN_CLIENT_AUTH_REQUIRED, host_time(h));
	if (error == TERN_OK) {
		h->requests_left--;
		ladder_note(w, h->side, "asks for the client's certificate");
	} else if (h->memory.faults.happened && fault_explains(h->memory.faults.kind, error)) {
		host_note_end(h, p, error);
	} else if (error != TERN_ERROR_USAGE || !p->conn->after->auth->asked) {
		invariants_fail(&w->inv, "request: %s", tern_error_name(error));
	}
	host_drain(h, p);
	if (h->requests_left && !p->ended)
		world_at(w, SIM_MS * (AGAIN_MS + pcg_below(&w->rng, 1u + w->scenario->updates_gap_ms)), EVENT_REQUEST,
			 h->side, 0);
}

static bool limit_near(const struct record_layer *l)
{
	return record_out_near(l, UINT16_MAX) || record_in_near(l, UINT16_MAX);
}

static bool side_done(const struct host *h, const struct host *other)
{
	const struct scenario *s = h->world->scenario;
	const tern_conn *conn = h->peers[0].conn, *peer = other->peers[0].conn;
	return h->updates_left == 0 && ids_done(h) && !under_way(conn) && !limit_near(&conn->records) &&
	       conn->write_epoch == peer->records.in.epoch && conn->write_epoch >= 3 + s->epochs &&
	       (conn->write_epoch > 3 || conn->records.out.next_seq > s->skip_to);
}

bool updates_done(const struct world *w)
{
	if (!scenario_is_13(w->scenario) || w->staging)
		return true;
	return !w->skip_left && w->hosts[SERVER].proofs == w->scenario->requests &&
	       side_done(&w->hosts[CLIENT], &w->hosts[SERVER]) && side_done(&w->hosts[SERVER], &w->hosts[CLIENT]);
}

static void skip(const struct world *w, tern_conn *from, tern_conn *to)
{
	struct replay *window = &to->records.in.window;
	if (w->scenario->skip_to < from->records.out.next_seq + BEFORE)
		return;
	from->records.out.next_seq = window->next = w->scenario->skip_to - BEFORE;
	window->bits = 0;
}

static void wear_out(struct record_layer *l)
{
	uint64_t limit = raw_key_aead(&l->in.key)->forgery_limit;
	l->in.forged = limit - limit / 8 - 1;
}

/* What is on its way is lost by this. */
static void skip_both(const struct world *w, tern_conn *c, tern_conn *s)
{
	skip(w, c, s);
	skip(w, s, c);
	ladder_note(w, CLIENT, "record numbers go on from %llu", (unsigned long long)w->scenario->skip_to - BEFORE);
}

void skip_numbers(struct world *w)
{
	tern_conn *c = w->hosts[CLIENT].peers[0].conn, *s = w->hosts[SERVER].peers[0].conn;
	if (c->records.out.epoch != s->records.in.epoch || s->records.out.epoch != c->records.in.epoch)
		return;
	if (w->scenario->skip_to)
		skip_both(w, c, s);
	if (w->scenario->flags & SIM_WORN) {
		wear_out(&c->records);
		wear_out(&s->records);
	}
	w->skip_left = false;
}

/* Nobody writes under keys that the other cannot have. */
void check_epochs(struct world *w)
{
	if (!scenario_is_13(w->scenario) || !world_agrees(w))
		return;
	for (unsigned i = 0; i < 2; i++) {
		const tern_conn *from = w->hosts[i].peers[0].conn, *to = w->hosts[!i].peers[0].conn;
		if (from->write_epoch > to->records.in.epoch)
			invariants_fail(&w->inv, "side %u writes in epoch %u, and its peer reads up to %u", i,
					from->write_epoch, to->records.in.epoch);
	}
}
