#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "connection/hello_slots.h"
#include "connection/path.h"
#include "crypto/stub/stub.h"
#include "handshake/config.h"
#include "handshake/pool.h"
#include "sim/host.h"

#define STEPS_MAX 20000
#define TICKS_MAX 4000
#define CHAOS_LIMIT_NS (3600 * SIM_S)
#define WILD_LIMIT_NS (120 * SIM_S)
#define CLOSE_LINGER_NS (30 * SIM_S)
#define LAST_LOSSES 6
#define FORGERIES 60
#define FLOODS 100
#define MORE_13 1024 /* acknowledgements, older epochs, a ticket on its way */
#define ID_POSTS 3072 /* one NewConnectionId and one RequestConnectionId on their way, and the IDs */
#define TICKETS (2 * TERN_SESSION_MAX) /* one that is offered, one that comes */
#define REQUESTS 8192 /* the handshake's struct and its first block again, and the answer on its way */
#define POST_QUANTUM 5120 /* the hello with its key share, and copies of it */
#define MESSAGES_USUAL 64
#define RETRY_NS (2 * SIM_S) /* what is left of the old hello is not taken for a piece of the new one by then */
#define TOGETHER_MS 150 /* after the start */

/* ---- the event queue: a heap ---- */

static bool before(const struct event *a, const struct event *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void push(struct world *w, const struct event *e)
{
	size_t i = w->num_events++;
	for (; i && before(e, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = *e;
}

static struct event pop(struct world *w)
{
	struct event first = w->heap[0], last = w->heap[--w->num_events];
	size_t i = 0;
	for (;;) {
		size_t child = 2 * i + 1;
		if (child + 1 < w->num_events && before(&w->heap[child + 1], &w->heap[child]))
			child++;
		if (child >= w->num_events || !before(&w->heap[child], &last))
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	w->heap[i] = last;
	return first;
}

static void schedule_event(struct world *w, struct event e)
{
	e.order = w->order++;
	if (w->num_events == SIM_EVENTS)
		invariants_fail(&w->inv, "more than %d events wait", SIM_EVENTS);
	else
		push(w, &e);
}

void world_at(struct world *w, uint64_t after_ns, enum event_kind kind, unsigned side, uint16_t index)
{
	schedule_event(
		w, (struct event){.at_ns = w->now_ns + after_ns, .kind = kind, .side = (uint8_t)side, .index = index});
}

/* ---- the path ---- */

/* A full queue loses datagrams, as queues do. */
static bool buffer_of(struct world *w, const uint8_t *p, size_t n, uint16_t *index)
{
	if (!w->num_free || w->num_events >= SIM_EVENTS - 32)
		return false;
	*index = w->free_buffers[--w->num_free];
	w->buffers[*index].n = (uint16_t)n;
	memcpy(w->buffers[*index].bytes, p, n);
	return true;
}

static void free_buffer(struct world *w, uint16_t index)
{
	w->free_buffers[w->num_free++] = index;
}

static struct event datagram_event(struct world *w, unsigned to, uint64_t after_ns, uint16_t index, uint64_t number)
{
	return (struct event){.at_ns = w->now_ns + after_ns,
			      .kind = EVENT_DATAGRAM,
			      .side = (uint8_t)to,
			      .index = index,
			      .number = number,
			      .address = to == SERVER ? w->address : w->toward};
}

void world_inject(struct world *w, unsigned to, const uint8_t *p, size_t n, uint64_t after_ns)
{
	uint16_t index;
	struct event e;
	ladder_datagram(w, !to, p, n, 0, NULL);
	if (!buffer_of(w, p, n, &index))
		return;
	e = datagram_event(w, to, after_ns, index, 0);
	e.address = w->address;
	schedule_event(w, e);
}

static void release_held(struct world *w, uint64_t after_ns)
{
	struct event e = w->held;
	e.at_ns = w->now_ns + after_ns + 1;
	w->holds = false;
	schedule_event(w, e);
}

/* The last flight and its repetitions: what a connected side sends that is handshake. */
static bool is_last_flight(const struct world *w, unsigned from, const uint8_t *p)
{
	const struct peer *peer = &w->hosts[from].peers[0];
	const tern_conn *conn = peer->conn;
	if (!conn || conn->state != CONN_OPEN)
		return false;
	if (conn->after)
		return conn->hs && conn->role == CLIENT && conn->hs->flight.state != FLIGHT_FINISHED;
	return conn->last && p[0] != CONTENT_APPLICATION_DATA;
}

static void deliver_copies(struct world *w, unsigned to, const struct buffer *b, const struct fate *fate,
			   uint64_t number)
{
	for (unsigned i = 0; i < fate->copies; i++) {
		uint16_t index;
		if (!buffer_of(w, b->bytes, b->n, &index))
			return;
		if (fate->corrupt[i])
			damage(&w->hosts[!to].link.rng, w->buffers[index].bytes, b->n,
			       w->schedule.chaos >= CHAOS_INPUT);
		if (fate->held) {
			w->held = datagram_event(w, to, 0, index, number);
			w->holds = true;
		} else {
			schedule_event(w, datagram_event(w, to, fate->delay_ns[i], index, number));
		}
	}
}

/* Between two datagrams of a flight, as likely as not. */
static void change_mtu(struct world *w, unsigned side)
{
	struct peer *p = &w->hosts[side].peers[0];
	uint16_t mtu = (uint16_t)(96 + pcg_below(&w->rng, 400));
	if (p->conn && tern_conn_set_mtu(p->conn, mtu) == TERN_OK)
		ladder_note(w, side, "MTU %u", mtu);
}

/* ACKs in clear; those under keys are seen when they are sealed. */
static void check_plain_acks(struct world *w, unsigned from, const uint8_t *p, size_t n)
{
	struct rd r = rd_of(span_of(p, n));
	struct record12 record;
	while (get_record12(&r, &record))
		if (record.type == CONTENT_ACK && record.epoch == 0 && !w->hosts[from].peers[1].conn)
			ledger_plain_ack(&w->ledger, w->hosts[from].peers[0].serial, record.fragment);
}

static void note_trail(struct world *w, unsigned from, const uint8_t *p, size_t n)
{
	w->trail = stub_scramble(w->trail ^ w->now_ns) + from;
	for (size_t i = 0; i < n; i += 8)
		w->trail = stub_scramble(w->trail ^ stub_load(p + i, n - i < 8 ? n - i : 8)) + i;
}

void world_pass(struct world *w, unsigned from, const uint8_t *p, size_t n)
{
	uint64_t number = w->datagrams++;
	bool release = w->holds;
	struct fate fate = link_fate(&w->hosts[from].link, &w->schedule, number);
	struct buffer b;
	if (w->losses_left && is_last_flight(w, from, p)) {
		w->losses_left--;
		fate = (struct fate){0};
	}
	b.n = (uint16_t)n;
	memcpy(b.bytes, p, n);
	note_trail(w, from, p, n);
	if (from == SERVER)
		address_sent(&w->inv, w->toward, n);
	check_plain_acks(w, from, p, n);
	catch_datagram(w, !from, p, n);
	if (w->meddle)
		w->meddle(w->meddler, !from, &b, &fate);
	ladder_datagram(w, from, b.bytes, b.n, number, &fate);
	deliver_copies(w, !from, &b, &fate, number);
	if (release)
		release_held(w, fate.copies ? fate.delay_ns[0] : LINK_DELAY_NS);
	if ((w->scenario->flags & SIM_MTU) && !w->staging && pcg_percent(&w->rng, 10))
		change_mtu(w, from);
}

void world_send(struct world *w, unsigned from, const uint8_t *p, size_t n)
{
	if (w->schedule.shuffle.on && !w->staging)
		shuffle_send(w, from, p, n);
	else
		world_pass(w, from, p, n);
	w->hosts[from].reported.n = 0;
}

/* ---- what a run must come to ---- */

static unsigned ones(uint64_t v)
{
	unsigned n = 0;
	for (; v; v &= v - 1)
		n++;
	return n;
}

bool world_agrees(const struct world *w)
{
	const struct peer *c = &w->hosts[CLIENT].peers[0], *s = &w->hosts[SERVER].peers[0];
	return c->connected && s->connected && memcmp(c->exporter, s->exporter, sizeof c->exporter) == 0;
}

static unsigned delivered(const struct association *a, unsigned side, uint32_t from)
{
	unsigned n = 0;
	for (uint32_t i = from; i < a->sent[side]; i += 64 - i % 64)
		n += ones(a->delivered[side][i / 64] >> i % 64);
	return n;
}

/* Data came through both ways, some of it after the last attack. */
static bool spoke(struct world *w)
{
	const struct association *a = association_of(&w->inv, w->hosts[CLIENT].peers[0].association);
	for (unsigned i = 0; a && i < 2; i++)
		if (delivered(a, i, 0) < 2 || delivered(a, i, w->sent_by_then[i]) == 0)
			return false;
	return a != NULL;
}

static bool over(const struct peer *p)
{
	return !p->conn || p->ended;
}

static bool settled(struct world *w)
{
	const struct peer *c = &w->hosts[CLIENT].peers[0], *s = &w->hosts[SERVER].peers[0];
	if (w->gave_up)
		return true;
	/* A close that got lost is nobody's fault. */
	if (w->scenario->flags & SIM_CLOSE && !w->staging)
		return w->closing && ((over(c) && over(s)) || w->now_ns > w->closed_ns + CLOSE_LINGER_NS);
	if (w->schedule.chaos == CHAOS_FAULT && (c->ended || s->ended || w->hosts[SERVER].peers[1].ended))
		return fault_is_over(w);
	if (world_is_wild(w) && (c->ended || s->ended || (!w->strike && w->hosts[SERVER].peers[1].ended)))
		return true;
	if (w->staging && !w->session_len)
		return false;
	return world_agrees(w) && w->restarts_left == 0 && w->forgeries_left == 0 && w->floods_left == 0 &&
	       updates_done(w) && moves_done(w) && spoke(w);
}

/* Each thing the script does costs at most one timeout on each side. */
static uint64_t time_limit(const struct world *w)
{
	const struct schedule *s = &w->schedule;
	unsigned blows = ones(s->drop) + ones(s->duplicate) + (s->swap >= 0) + w->losses_left;
	uint64_t timeout = SIM_S, limit = 3 * SIM_S;
	bool late =
		w->scenario->flags & (SIM_LATE_SIGN | SIM_LATE_VERIFY | SIM_LATE_PSK | SIM_LATE_STORE | SIM_LATE_FRESH);
	for (unsigned f = 0; f < s->shuffle.space.num_flights; f++)
		blows += ones(s->shuffle.drop[f]);
	if (s->chaos == CHAOS_FAULT)
		limit += WILD_LIMIT_NS;
	else if (s->chaos != CHAOS_NONE)
		return world_is_wild(w) ? WILD_LIMIT_NS : CHAOS_LIMIT_NS;
	for (unsigned i = 0; i < blows; i++) {
		limit += timeout;
		timeout = timeout < 4 * SIM_S ? 2 * timeout : timeout;
	}
	limit += SIM_MS *
		 ((unsigned)w->scenario->updates[0] + w->scenario->updates[1] + w->scenario->epochs +
		  w->scenario->requests) *
		 (200u + w->scenario->updates_gap_ms);
	limit += SIM_S * 6 * w->scenario->moves;
	limit += SIM_MS * 100 * w->scenario->epochs * w->scenario->seal_limit;
	if (w->scenario->flags & (SIM_LOSE_LAST | SIM_FLOOD))
		limit += 4 * SIM_S;
	if (w->scenario->flags & (SIM_CLOSE | SIM_RESTART | SIM_GARBAGE | SIM_MTU))
		limit += 2 * CLOSE_LINGER_NS;
	return late ? limit + 20 * SIM_S : limit;
}

uint32_t world_messages(const struct world *w)
{
	const struct scenario *s = w->scenario;
	bool long_run = s->updates[0] || s->updates[1] || s->requests || s->epochs || s->skip_to || s->moves;
	return long_run ? MESSAGES_MAX : MESSAGES_USUAL;
}

/* ---- steps ---- */

/* What was on its way is gone: plaintext of the old association would only confuse the new one. */
static void clear_path(struct world *w)
{
	size_t n = w->num_events;
	w->holds = false;
	w->num_caught = 0;
	w->num_events = 0;
	for (size_t i = 0; i < n; i++) {
		struct event e = w->heap[i];
		if (e.kind == EVENT_DATAGRAM)
			free_buffer(w, e.index);
		else
			push(w, &e);
	}
}

static void restart_client(struct world *w)
{
	w->restarts_left--;
	clear_path(w);
	ladder_note(w, CLIENT, "vanishes and comes back");
	host_connect(&w->hosts[CLIENT]);
}

static void close_one(struct world *w)
{
	struct host *h = &w->hosts[pcg_below(&w->rng, 2)];
	struct peer *p;
	if (!h->peers[0].conn)
		h = &w->hosts[CLIENT];
	p = &h->peers[0];
	w->closing = true;
	w->closed_ns = w->now_ns;
	if (over(p) || tern_conn_close(p->conn, host_time(h)) != TERN_OK)
		return;
	ladder_note(w, h->side, "closes");
	host_drain(h, p);
	p->ended = true;
}

static void attack(struct world *w)
{
	const struct association *a;
	if (w->floods_left) {
		w->floods_left--;
		flood(w);
		world_at(w, SIM_MS * pcg_below(&w->rng, 30), EVENT_FORGE, CLIENT, 0);
		return;
	}
	if (w->forgeries_left == 0)
		return;
	forge(w);
	if (--w->forgeries_left) {
		world_at(w, SIM_MS * (1 + pcg_below(&w->rng, 60)), EVENT_FORGE, CLIENT, 0);
		return;
	}
	if (!w->hosts[CLIENT].peers[0].connected)
		return;
	a = association_of(&w->inv, w->hosts[CLIENT].peers[0].association);
	for (unsigned i = 0; a && i < 2; i++)
		w->sent_by_then[i] = a->sent[i] < world_messages(w) ? a->sent[i] : 0;
}

/* What goes to an address that the client has no more is lost. */
static void arrive(struct world *w, struct host *h, const struct event *e)
{
	struct buffer *b = &w->buffers[e->index];
	if (h->side == SERVER) {
		h->heard_from = e->address;
		address_heard(&w->inv, e->address, b->n);
	} else if (e->address != w->address) {
		ladder_note(w, CLIENT, "is not at address %u any more", e->address);
		return;
	}
	host_receive(h, b->bytes, b->n);
}

static void happen(struct world *w, const struct event *e)
{
	struct host *h = &w->hosts[e->side];
	switch (e->kind) {
	case EVENT_DATAGRAM:
		arrive(w, h, e);
		free_buffer(w, e->index);
		break;
	case EVENT_SEND_DATA:
		host_send_data(h);
		break;
	case EVENT_ANSWER:
		w->answers++;
		answer_job(w, e->index);
		break;
	case EVENT_CLOSE:
		close_one(w);
		break;
	case EVENT_FORGE:
		attack(w);
		break;
	case EVENT_REKEY:
		host_rekey(h);
		break;
	case EVENT_SEND_EARLY:
		early_send(h);
		break;
	case EVENT_REQUEST:
		host_request(h);
		break;
	case EVENT_REPEAT:
		host_repeat(h);
		break;
	case EVENT_CHANGE_IDS:
		host_change_ids(h);
		break;
	case EVENT_MOVE:
		move_client(w);
		break;
	case EVENT_STRIKE:
		w->strike(w->meddler, e->index);
		break;
	}
}

/* What a connection may hold of its own beside the usual. */
static size_t own_bytes(const struct scenario *s)
{
	size_t n = 3 * s->certificate_len + (s->moves ? sizeof(struct moves) : 0);
	if (s->versions == SIM_12)
		return n;
	n += 2 * s->certificate_len; /* which record carried which piece of it, for four transmissions */
	if (s->flags & SIM_TICKET)
		n += TICKETS;
	if (!s->client_groups)
		n += POST_QUANTUM;
	if (s->requests)
		n += REQUESTS + 3 * s->certificate_len;
	if (s->id_changes[CLIENT] + s->id_changes[SERVER])
		n += ID_POSTS;
	return n + MORE_13;
}

static void check_host(struct world *w, const struct host *h)
{
	size_t conns = (h->peers[0].conn != NULL) + (size_t)(h->peers[1].conn != NULL);
	size_t own = own_bytes(w->scenario);
	memory_bounded(&w->inv, &h->memory, h->received, conns, own);
	if (w->inv.signs[h->side] > h->conns + (h->side == CLIENT ? w->scenario->requests : 0u))
		invariants_fail(&w->inv, "side %u: %llu signatures for %llu handshakes", h->side,
				(unsigned long long)w->inv.signs[h->side], (unsigned long long)h->conns);
}

void world_check(struct world *w)
{
	check_host(w, &w->hosts[CLIENT]);
	check_host(w, &w->hosts[SERVER]);
	check_epochs(w);
	check_ids(w);
}

/* A server that has opened nothing yet takes four Finished that do not open for a PSK that differs: the one way in
 * which forged records end a handshake. */
static bool gave_up_psk(const struct world *w, const struct peer *p)
{
	return (w->scenario->flags & SIM_PSK) && !scenario_is_13(w->scenario) && p->ended &&
	       p->error == TERN_ERROR_BAD_FINISHED && p->conn->records.in.opened == 0 &&
	       p->conn->records.in.forged >= 4;
}

/* The peers that count must live; a second one at the server may be somebody's ghost. */
static void check_alive(struct world *w)
{
	if (w->schedule.chaos >= CHAOS_INPUT || (w->scenario->flags & SIM_CLOSE && w->closing))
		return;
	for (unsigned i = 0; i < 2; i++)
		w->gave_up = w->gave_up || gave_up_psk(w, &w->hosts[SERVER].peers[i]);
	for (unsigned i = 0; i < 2 && !w->gave_up; i++) {
		const struct peer *p = &w->hosts[i].peers[0];
		if (p->ended)
			invariants_fail(&w->inv, "side %u ended: %s (%s, %s)", i, tern_error_name(p->error),
					tern_conn_failure(p->conn).where, tern_conn_failure(p->conn).rfc);
	}
}

static void step(struct world *w)
{
	uint64_t deadline, other;
	fault_step(w);
	deadline = host_deadline(&w->hosts[CLIENT]);
	other = host_deadline(&w->hosts[SERVER]);
	if (other < deadline)
		deadline = other;
	if (w->num_events && w->heap[0].at_ns <= deadline) {
		struct event e = pop(w);
		w->now_ns = e.at_ns;
		happen(w, &e);
	} else if (deadline != TERN_NEVER) {
		w->now_ns = deadline > w->now_ns ? deadline : w->now_ns;
		host_tick(&w->hosts[CLIENT]);
		host_tick(&w->hosts[SERVER]);
	} else if (world_is_wild(w) || w->closing || w->ended_ns) {
		w->gave_up = true; /* all messages were meddled with, or a close got lost */
	} else {
		invariants_fail(&w->inv, "nothing more can happen");
	}
	if (w->restarts_left && world_agrees(w) && pcg_percent(&w->rng, 30))
		restart_client(w);
	if (w->skip_left && world_agrees(w))
		skip_numbers(w);
	world_check(w);
	check_alive(w);
	if (++w->steps > STEPS_MAX || w->ticks > TICKS_MAX)
		invariants_fail(&w->inv, "more than %d steps or %d ticks", STEPS_MAX, TICKS_MAX);
}

/* What the last run left of hellos in fragments: nothing of it is on its way any more. */
static void forget_hellos(struct host *h)
{
	if (h->pool->hello_slots && h->heard_pieces) {
		hello_slots_free(&h->config->heap, h->pool->hello_slots);
		h->pool->hello_slots = hello_slots_new(&h->config->heap);
	}
	h->heard_pieces = false;
}

static struct faults faults_of(const struct fault *f, unsigned side)
{
	return (struct faults){.kind = f->side == side ? f->kind : FAULT_NONE, .at = f->at};
}

static void want_updates(struct host *h)
{
	struct world *w = h->world;
	h->updates_left = w->staging ? 0 : w->scenario->updates[h->side];
	h->requests_left = w->staging || h->side == CLIENT ? 0 : w->scenario->requests;
	h->ids_left = w->staging ? 0 : w->scenario->id_changes[h->side];
	h->proofs = 0;
	if (h->side == CLIENT)
		w->moves_left = w->staging ? 0 : w->scenario->moves;
	if (h->updates_left && w->scenario->flags & SIM_TOGETHER)
		world_at(w, SIM_MS * TOGETHER_MS, EVENT_REKEY, h->side, 0);
}

void world_begin(struct world *w, const struct schedule *schedule)
{
	unsigned flags = w->staging ? 0 : w->scenario->flags;
	w->schedule = *schedule;
	pcg_seed(&w->rng, schedule->seed, 1);
	w->now_ns = w->start_ns = WORLD_START_NS;
	w->order = w->steps = w->datagrams = w->ticks = w->serial = w->answers = 0;
	w->num_events = w->num_free = w->num_caught = 0;
	w->holds = w->closing = w->gave_up = false;
	w->address = w->toward = 0;
	w->kept.flight = 0;
	w->kept.num = w->kept.used = 0;
	w->sent_by_then[0] = w->sent_by_then[1] = 0;
	w->ended_ns = w->trail = 0;
	for (uint16_t i = 0; i < SIM_EVENTS; i++)
		w->free_buffers[w->num_free++] = i;
	memset(w->jobs, 0, sizeof w->jobs);
	memcpy(w->store, w->store_saved, w->num_stored_saved * sizeof *w->store);
	w->num_stored = w->num_stored_saved;
	w->num_hellos = 0;
	w->restarts_left = flags & SIM_RESTART ? 1 : 0;
	w->losses_left = w->scenario->losses ? w->scenario->losses : LAST_LOSSES;
	if (!(flags & SIM_LOSE_LAST))
		w->losses_left = 0;
	w->forgeries_left = flags & SIM_GARBAGE ? FORGERIES : 0;
	w->floods_left = flags & SIM_FLOOD ? FLOODS : 0;
	w->skip_left = (w->scenario->skip_to || flags & SIM_WORN) && !w->staging;
	invariants_start(&w->inv);
	ledger_start(&w->ledger, &w->inv);
	w->hosts[SERVER].memory.faults = (struct faults){0};
	forget_hellos(&w->hosts[SERVER]);
	for (unsigned i = 0; i < 2; i++) {
		struct host *h = &w->hosts[i];
		pcg_seed(&h->rng, schedule->seed, 2 + i);
		link_init(&h->link, schedule, i);
		h->received = h->conns = 0;
		h->heard_from = 0;
		h->reported.n = 0;
		want_updates(h);
		h->pool->jitter = schedule->seed + i;
		h->skew_ns = 0;
		h->skew_s = 0;
		h->memory.faults = faults_of(&schedule->fault, i);
	}
	if (w->forgeries_left || w->floods_left)
		world_at(w, 0, EVENT_FORGE, CLIENT, 0);
	if (flags & SIM_CLOSE)
		world_at(w, SIM_MS * pcg_below(&w->rng, 400), EVENT_CLOSE, CLIENT, 0);
}

/* Time ran out. Damaged plaintext may have made that happen. */
static void report_stall(struct world *w)
{
	const struct peer *c = &w->hosts[CLIENT].peers[0], *s = &w->hosts[SERVER].peers[0];
	if (world_is_wild(w))
		return;
	invariants_fail(&w->inv, "after %llu ms the client is %s, the server %s, and they %s",
			(unsigned long long)((w->now_ns - w->start_ns) / SIM_MS),
			c->connected ? "connected" : "not connected", s->connected ? "connected" : "not connected",
			world_agrees(w) ? "have one key" : "have no key in common");
}

void world_end(struct world *w)
{
	for (unsigned i = 0; i < 2; i++) {
		host_drop(&w->hosts[i]);
		memory_returned(&w->inv, &w->hosts[i].memory);
	}
}

static void go_on(struct world *w)
{
	uint64_t limit = w->now_ns + time_limit(w);
	host_connect(&w->hosts[CLIENT]);
	while (!w->inv.failed && !settled(w)) {
		step(w);
		if (w->now_ns > limit && !settled(w)) {
			report_stall(w);
			break;
		}
	}
}

/* A handshake that damage ended leaves nothing behind: the next one, on a quiet path, must come through. */
static void try_again(struct world *w)
{
	static const struct schedule quiet = {.seed = 1, .swap = NO_SWAP};
	world_end(w);
	clear_path(w);
	w->now_ns += RETRY_NS;
	w->schedule.chaos = CHAOS_NONE;
	w->forgeries_left = w->floods_left = w->restarts_left = w->losses_left = 0;
	w->gave_up = false;
	w->steps = w->ticks = 0;
	for (unsigned i = 0; i < 2; i++) {
		link_init(&w->hosts[i].link, &quiet, i);
		w->hosts[i].received = 0;
		want_updates(&w->hosts[i]);
	}
	ladder_note(w, CLIENT, "tries again");
	go_on(w);
}

bool world_play(struct world *w, const struct schedule *schedule)
{
	world_begin(w, schedule);
	go_on(w);
	return !w->inv.failed;
}

bool world_run(struct world *w, const struct schedule *schedule)
{
	(void)world_play(w, schedule);
	if (schedule->chaos == CHAOS_WILD && !w->inv.failed && !w->closing && !world_agrees(w))
		try_again(w);
	fault_check(w);
	world_end(w);
	return !w->inv.failed;
}

void world_discard(struct world *w, bool answer)
{
	struct event answers[SIM_JOBS]; /* one for each job at most */
	size_t num_answers = 0;
	clear_path(w);
	while (w->num_events) {
		struct event e = pop(w);
		if (e.kind == EVENT_ANSWER)
			answers[num_answers++] = e;
	}
	for (size_t i = 0; i < num_answers; i++) {
		if (answer)
			answer_job(w, answers[i].index);
		else
			push(w, &answers[i]);
	}
}

/* ---- opening ---- */

/* The handshake whose session is resumed in every run. */
static bool stage(struct world *w)
{
	struct schedule quiet = {.seed = 1, .swap = NO_SWAP};
	bool good;
	if (!(w->scenario->flags & (SIM_TICKET | SIM_STORE)))
		return true;
	w->staging = true;
	good = world_run(w, &quiet);
	w->staging = false;
	if (!good || !w->session_len) {
		fprintf(stderr, "sim: %s: no session: %s\n", w->scenario->name, w->inv.what);
		return false;
	}
	memcpy(w->store_saved, w->store, sizeof w->store);
	w->num_stored_saved = w->num_stored;
	return true;
}

static struct world *world_new(const struct scenario *scenario, const struct fault *fault)
{
	struct world *w = calloc(1, sizeof *w);
	const struct provider *providers[2];
	bool good = true;
	if (!w)
		abort();
	w->scenario = scenario;
	watch(&w->inv, &providers[CLIENT], &providers[SERVER]);
	for (unsigned i = 0; i < 2; i++) {
		struct host *h = &w->hosts[i];
		h->world = w;
		h->side = i == CLIENT ? CLIENT : SERVER;
		h->memory.inv = &w->inv;
		h->memory.faults = faults_of(fault, i);
		h->opening = good ? host_open(h, providers[i]) : TERN_OK;
		good = good && h->opening == TERN_OK;
	}
	return w;
}

static bool is_open(const struct world *w)
{
	return w->hosts[CLIENT].opening == TERN_OK && w->hosts[SERVER].opening == TERN_OK;
}

struct world *world_open(const struct scenario *scenario)
{
	struct world *w = world_new(scenario, &(struct fault){0});
	if (!is_open(w))
		fprintf(stderr, "sim: %s: %s\n", scenario->name, tern_error_sentence(w->hosts[CLIENT].opening));
	if (is_open(w) && stage(w))
		return w;
	world_close(w);
	return NULL;
}

bool world_opens_or_fails(const struct scenario *scenario, const struct fault *fault, bool *reached)
{
	struct world *w = world_new(scenario, fault);
	tern_error error = w->hosts[fault->side].opening;
	bool good = error == TERN_OK || fault_explains(fault->kind, error);
	*reached = w->hosts[fault->side].memory.faults.happened;
	for (unsigned i = 0; i < 2; i++) {
		host_close(&w->hosts[i]);
		good = good && w->hosts[i].memory.live == 0;
	}
	good = good && !w->inv.failed && (*reached || error == TERN_OK);
	free(w);
	return good;
}

void world_watch(struct world *w)
{
	const struct provider *client, *server;
	watch(&w->inv, &client, &server);
}

void world_close(struct world *w)
{
	if (!w)
		return;
	world_watch(w);
	for (unsigned i = 0; i < 2; i++)
		host_close(&w->hosts[i]);
	free(w);
}
