#include "sim/host.h"

#include <stdio.h>

#define EARLY_MESSAGES 16
#define RANDOM_AT (RECORD12_HEADER + HANDSHAKE_HEADER + 2) /* of a ClientHello, in its datagram */

tern_time host_time(const struct host *h)
{
	uint64_t now = h->world->now_ns, seconds = (now - WORLD_START_NS) / SIM_S;
	return (tern_time){now + h->skew_ns, WORLD_START_UNIX + h->skew_s + (int64_t)seconds};
}

static bool has(const struct host *h, unsigned flag)
{
	return h->world->scenario->flags & flag;
}

/* Where a key serves for a few records only, a path that loses much does not let new keys come in time. */
static bool may_wear_out(const struct world *w)
{
	return w->scenario->seal_limit && (w->schedule.chaos != CHAOS_NONE || w->schedule.fault.kind);
}

void host_note_end(struct host *h, struct peer *p, tern_error error)
{
	if (p->ended)
		return;
	if (error == TERN_ERROR_LIMIT && may_wear_out(h->world))
		h->world->gave_up = true;
	p->ended = true;
	p->error = error;
	if (!h->world->ended_ns)
		h->world->ended_ns = h->world->now_ns;
	ladder_note(h->world, h->side, "ended: %s (%s %s)", tern_error_name(error), tern_conn_failure(p->conn).where,
		    tern_conn_failure(p->conn).rfc);
}

/* ---- events ---- */

static unsigned mtu_of(const struct host *h)
{
	unsigned mtu = h->side == CLIENT ? h->world->scenario->client_mtu : h->world->scenario->server_mtu;
	return mtu ? mtu : 1200;
}

static void check_outcome(struct host *h, const struct peer *p)
{
	struct invariants *inv = &h->world->inv;
	tern_info info;
	bool resumes = has(h, SIM_TICKET | SIM_STORE) && !h->world->staging;
	bool proves = has(h, SIM_MUTUAL | SIM_PSK) || h->side == CLIENT;
	tern_conn_info(p->conn, &info);
	if ((info.version == TERN_DTLS13) != scenario_is_13(h->world->scenario))
		invariants_fail(inv, "side %u: the version is %x", h->side, (unsigned)info.version);
	if (info.peer_authenticated != proves)
		invariants_fail(inv, "side %u: peer_authenticated is %d", h->side, info.peer_authenticated);
	if (info.resumed != resumes && !fault_costs_session(h->world))
		invariants_fail(inv, "side %u: resumed is %d", h->side, info.resumed);
	if (!has(h, SIM_MTU) && h->world->schedule.chaos != CHAOS_INPUT && info.mtu < 256 && mtu_of(h) >= 256)
		invariants_fail(inv, "side %u: the MTU fell to %u", h->side, info.mtu);
	if (strcmp(info.alpn, has(h, SIM_ALPN) ? "coap" : "") != 0)
		invariants_fail(inv, "side %u: the application protocol is \"%s\"", h->side, info.alpn);
}

static void on_connected(struct host *h, struct peer *p)
{
	if (p->connected)
		invariants_fail(&h->world->inv, "side %u: connected twice", h->side);
	p->connected = true;
	p->connected_ns = h->world->now_ns;
	if (tern_conn_export(p->conn, p->exporter, sizeof p->exporter, "EXPORTER-sim", NULL, 0) != TERN_OK)
		invariants_fail(&h->world->inv, "side %u: nothing to export", h->side);
	memcpy(&p->association, p->exporter, sizeof p->association);
	ladder_note(h->world, h->side, "connected");
	if (!h->world->inv.any_data)
		check_outcome(h, p);
	if (!h->world->inv.any_data)
		early_connected(h, p);
	world_at(h->world, SIM_MS * pcg_below(&h->world->rng, 50), EVENT_SEND_DATA, h->side, 0);
	if (h->updates_left && !has(h, SIM_TOGETHER))
		world_at(h->world, SIM_MS * pcg_below(&h->world->rng, 1u + h->world->scenario->updates_gap_ms),
			 EVENT_REKEY, h->side, 0);
	if (h->requests_left)
		world_at(h->world, SIM_MS * pcg_below(&h->world->rng, 1u + h->world->scenario->updates_gap_ms),
			 EVENT_REQUEST, h->side, 0);
	if (h->ids_left)
		world_at(h->world, SIM_MS * pcg_below(&h->world->rng, 1u + h->world->scenario->updates_gap_ms),
			 EVENT_CHANGE_IDS, h->side, 0);
	if (h->side == CLIENT)
		move_begin(h->world);
}

static void on_authenticated(struct host *h, struct peer *p)
{
	tern_bytes chain[1];
	tern_info info;
	tern_conn_info(p->conn, &info);
	h->proofs++;
	ladder_note(h->world, h->side, "the client has proved itself");
	if (!info.peer_authenticated || !info.has_peer_fingerprint || tern_conn_peer_chain(p->conn, chain, 1) != 1)
		invariants_fail(&h->world->inv, "side %u: a proof without a certificate", h->side);
}

static void on_event(struct host *h, struct peer *p, const tern_event *event)
{
	struct world *w = h->world;
	switch (event->kind) {
	case TERN_EVENT_CONNECTED:
		on_connected(h, p);
		break;
	case TERN_EVENT_DATA:
		if (!p->connected)
			invariants_fail(&w->inv, "side %u: data before the handshake was complete", h->side);
		data_arrived(&w->inv, p->association, h->side, event->data, event->len);
		break;
	case TERN_EVENT_EARLY_DATA:
		early_arrived(h, p, event);
		break;
	case TERN_EVENT_TICKET:
		if (w->staging && tern_conn_session(p->conn, w->session, sizeof w->session, &w->session_len) != TERN_OK)
			invariants_fail(&w->inv, "no session to export");
		break;
	case TERN_EVENT_CLOSED:
		host_note_end(h, p, TERN_OK);
		break;
	case TERN_EVENT_AUTHENTICATED:
		on_authenticated(h, p);
		break;
	case TERN_EVENT_PATH:
		path_changed(h, event);
		break;
	default:
		break;
	}
}

/* ---- sending ---- */

/* Whatever is asked with too small a buffer is refused, and the run goes on as if it had not been asked. */
static bool has_small_buffers(const struct host *h)
{
	return h->memory.faults.kind == FAULT_SMALL;
}

static void must_refuse(const struct host *h, const char *what, tern_error error, size_t len)
{
	if (error != TERN_ERROR_BUFFER_TOO_SMALL || len != 0)
		invariants_fail(&h->world->inv, "side %u: %s with too small a buffer: %s, %zu bytes", h->side, what,
				tern_error_name(error), len);
}

static void check_small_take(struct host *h, struct peer *p, uint16_t mtu)
{
	const size_t caps[] = {0, 1, mtu / 2, mtu - 1u};
	uint8_t out[SIM_DATAGRAM_MAX];
	tern_path path;
	for (size_t i = 0; has_small_buffers(h) && i < sizeof caps / sizeof caps[0]; i++) {
		size_t n = 1;
		tern_error error = tern_conn_take_path(p->conn, out, caps[i], &n, &path, host_time(h));
		must_refuse(h, "take", error, n);
	}
}

static void send_all(struct host *h, struct peer *p)
{
	struct world *w = h->world;
	uint8_t out[SIM_DATAGRAM_MAX];
	tern_path path;
	tern_info info;
	tern_error error;
	size_t n;
	for (unsigned i = 0; i < 512; i++) {
		tern_conn_info(p->conn, &info);
		check_small_take(h, p, info.mtu);
		error = tern_conn_take_path(p->conn, out, sizeof out, &n, &path, host_time(h));
		if (error != TERN_OK) {
			host_note_end(h, p, error);
			continue;
		}
		if (n == 0) {
			shuffle_flush(w, h->side);
			return;
		}
		if (n > info.mtu)
			invariants_fail(&w->inv, "side %u: a datagram of %zu bytes for an MTU of %u", h->side, n,
					info.mtu);
		turn_toward(h, &path);
		world_send(w, h->side, out, n);
	}
	invariants_fail(&w->inv, "side %u: there is no end of datagrams to take", h->side);
}

void host_drain(struct host *h, struct peer *p)
{
	struct world *w = h->world;
	tern_event event;
	tern_error error;
	for (unsigned i = 0;; i++) {
		error = tern_conn_next(p->conn, &event, host_time(h));
		if (error != TERN_OK) {
			host_note_end(h, p, error);
			break;
		}
		if (event.kind == TERN_EVENT_NONE)
			break;
		on_event(h, p, &event);
		if (i > 256) {
			invariants_fail(&w->inv, "side %u: there is no end of events", h->side);
			break;
		}
	}
	send_all(h, p);
}

static void send_data(struct host *h, const struct peer *p, const uint8_t *datagram, size_t n)
{
	tern_path path = path_of(h);
	(void)tern_conn_path(p->conn, &path);
	turn_toward(h, &path);
	world_send(h->world, h->side, datagram, n);
}

static void seal_and_send(struct host *h, struct peer *p)
{
	struct world *w = h->world;
	uint8_t data[SIM_DATAGRAM_MAX], out[SIM_DATAGRAM_MAX];
	size_t most = tern_conn_max_data(p->conn), n, out_n;
	tern_error error;
	if (most < DATA_HEADER) {
		invariants_fail(&w->inv, "side %u: only %zu bytes of data fit a record", h->side, most);
		return;
	}
	n = DATA_HEADER + pcg_below(&w->rng, most > 400 ? 400 - DATA_HEADER : (uint32_t)(most - DATA_HEADER) + 1);
	if (!data_make(&w->inv, p->association, h->side, data, n))
		return;
	for (size_t i = 0; has_small_buffers(h) && i < 2; i++) {
		out_n = 1;
		error = tern_conn_seal(p->conn, out, i ? n : 0, &out_n, data, n, host_time(h));
		must_refuse(h, "seal", error, out_n);
	}
	error = tern_conn_seal(p->conn, out, sizeof out, &out_n, data, n, host_time(h));
	if (error == TERN_ERROR_LIMIT && may_wear_out(w))
		w->gave_up = true;
	else if (fault_is_why(h, error))
		host_note_end(h, p, error);
	else if (error != TERN_OK)
		invariants_fail(&w->inv, "side %u: cannot seal: %s", h->side, tern_error_name(error));
	else
		send_data(h, p, out, out_n);
}

/* Data has to last until the last of the moves was noticed. */
static uint64_t data_gap(struct world *w, uint32_t sent)
{
	uint64_t gap = SIM_MS * (20 + pcg_below(&w->rng, 100));
	return w->scenario->moves ? gap * (1 + sent / 64) : gap;
}

/* Before the peer is connected too, data mostly comes too early: some is enough. */
void host_send_data(struct host *h)
{
	struct world *w = h->world;
	struct peer *p = &h->peers[0];
	const struct association *a;
	if (!p->connected || p->ended)
		return;
	a = association_of(&w->inv, p->association);
	if (a && (a->sent[h->side] < EARLY_MESSAGES || world_agrees(w)))
		seal_and_send(h, p);
	if (a && a->sent[h->side] < world_messages(w))
		world_at(w, data_gap(w, a->sent[h->side]), EVENT_SEND_DATA, h->side, 0);
}

/* ---- receiving ---- */

static void feed(struct host *h, struct peer *p, uint8_t *datagram, size_t n)
{
	struct world *w = h->world;
	struct window_mark mark = window_before(&w->inv, p->conn);
	uint8_t copy[SIM_DATAGRAM_MAX];
	tern_path path = path_of(h);
	tern_error error;
	memcpy(copy, datagram, n);
	ledger_next(&w->ledger);
	error = tern_conn_feed(p->conn, datagram, n, &path, host_time(h));
	if (error != TERN_OK)
		invariants_fail(&w->inv, "side %u: feed: %s", h->side, tern_error_name(error));
	host_drain(h, p);
	window_after(&w->inv, &mark, p->conn);
	if (!tern_conn_authenticated(p->conn) && !h->memory.faults.happened && memcmp(copy, datagram, n) != 0)
		invariants_fail(&w->inv, "side %u: a datagram was changed though nothing in it authenticated", h->side);
}

static void begin(struct host *h, struct peer *p)
{
	p->serial = ++h->world->serial;
	h->conns++;
}

static void introduce(struct host *h, struct peer *p)
{
	struct world *w = h->world;
	carry_begin(h, p);
	if (w->met)
		w->met(w->meddler, h->side, p->conn);
}

/* By a fault only. */
static void not_made(struct host *h, tern_error error)
{
	h->world->gave_up = true;
	if (!fault_is_why(h, error))
		invariants_fail(&h->world->inv, "side %u: no connection: %s", h->side, tern_error_name(error));
}

void host_connect(struct host *h)
{
	struct world *w = h->world;
	struct peer *p = &h->peers[0];
	tern_path path = path_of(h);
	tern_client_options options = {.size = sizeof options, .path = &path};
	tern_error error;
	tern_conn_free(p->conn);
	*p = (struct peer){0};
	if (w->scenario->certificate)
		options.server_name = "server.sim";
	if (!w->staging && w->session_len) {
		options.session = w->session;
		options.session_len = w->session_len;
		options.early_data = has(h, SIM_EARLY);
	}
	begin(h, p);
	error = tern_client(&p->conn, h->pool, &options, host_time(h));
	if (error != TERN_OK) {
		not_made(h, error);
		return;
	}
	introduce(h, p);
	send_all(h, p);
	early_begin(h, p);
}

static bool has_random(const uint8_t *datagram, size_t n)
{
	return tern_peek(datagram, n).client_hello && n >= RANDOM_AT + RANDOM_LEN;
}

/* A ClientHello of another client than the connection's: it came back after a restart. Which client a connection
 * belongs to is known from the start of its hello. */
static bool is_stranger(struct peer *p, const uint8_t *datagram, size_t n)
{
	if (!has_random(datagram, n))
		return false;
	if (!p->knows_random)
		memcpy(p->hello_random, datagram + RANDOM_AT, RANDOM_LEN);
	p->knows_random = true;
	return memcmp(p->hello_random, datagram + RANDOM_AT, RANDOM_LEN) != 0;
}

/* From now on it is no stranger. */
static void know_random(struct peer *p, const tern_verdict *verdict, const uint8_t *datagram, size_t n)
{
	p->knows_random = verdict->hello.len >= 2 + RANDOM_LEN;
	if (p->knows_random)
		memcpy(p->hello_random, verdict->hello.data + 2, RANDOM_LEN);
	else
		(void)is_stranger(p, datagram, n);
}

static void accept_at(struct host *h, struct peer *p, const tern_verdict *verdict, uint8_t *datagram, size_t n)
{
	tern_path path = path_of(h);
	tern_error error;
	tern_conn_free(p->conn);
	*p = (struct peer){0};
	know_random(p, verdict, datagram, n);
	begin(h, p);
	error = tern_accept(&p->conn, h->pool, verdict, &path, host_time(h));
	if (error == TERN_OK) {
		introduce(h, p);
		feed(h, p, datagram, n);
	} else {
		not_made(h, error);
	}
}

static void listen_at(struct host *h, struct peer *p, uint8_t *datagram, size_t n)
{
	struct world *w = h->world;
	uint8_t reply[512], copy[SIM_DATAGRAM_MAX];
	size_t reply_n = 0, live = h->memory.live;
	tern_path path = path_of(h);
	tern_verdict verdict;
	tern_error error;
	memcpy(copy, datagram, n);
	if (has_small_buffers(h))
		must_refuse(h, "listen",
			    tern_listen(h->pool, &verdict, reply, sizeof reply - 1, &reply_n, datagram, n, &path,
					host_time(h)),
			    reply_n);
	error = tern_listen(h->pool, &verdict, reply, sizeof reply, &reply_n, datagram, n, &path, host_time(h));
	if (fault_is_why(h, error))
		return;
	if (error != TERN_OK)
		invariants_fail(&w->inv, "listen: %s", tern_error_name(error));
	if (h->memory.live != live || memcmp(copy, datagram, n) != 0)
		invariants_fail(&w->inv, "listen kept memory or changed the datagram");
	h->heard_pieces |= verdict.drop == TERN_DROP_HELLO_FRAGMENTED;
	listened(&w->inv, n, reply_n, verdict.kind == TERN_VERDICT_ACCEPT);
	turn_toward(h, &path);
	if (verdict.kind == TERN_VERDICT_REPLY)
		world_send(w, SERVER, reply, reply_n);
	else if (verdict.kind == TERN_VERDICT_ACCEPT)
		accept_at(h, p, &verdict, datagram, n);
	else
		ladder_note(w, SERVER, "listen drops: %s", tern_drop_sentence(verdict.drop));
}

void host_listen_from(struct host *h, const uint8_t *remote, size_t remote_len, const uint8_t *datagram, size_t n)
{
	struct world *w = h->world;
	uint8_t reply[512];
	size_t reply_n = 0, live = h->memory.live;
	tern_path path = path_of(h);
	tern_verdict verdict;
	tern_error error;
	path.remote.len = (uint8_t)remote_len;
	memcpy(path.remote.bytes, remote, remote_len);
	error = tern_listen(h->pool, &verdict, reply, sizeof reply, &reply_n, datagram, n, &path, host_time(h));
	if (fault_is_why(h, error))
		return;
	if (error != TERN_OK || verdict.kind == TERN_VERDICT_ACCEPT || h->memory.live != live)
		invariants_fail(&w->inv, "listen: what a flood sends was accepted, or cost memory");
	h->heard_pieces |= verdict.drop == TERN_DROP_HELLO_FRAGMENTED;
	listened(&w->inv, n, reply_n, false);
}

/* The newcomer has proved itself. */
static void promote(struct host *h)
{
	if (!h->peers[1].connected)
		return;
	tern_conn_free(h->peers[0].conn);
	h->peers[0] = h->peers[1];
	h->peers[1] = (struct peer){0};
}

/* A later fragment of a hello, to a connection that is through its handshake: a client that came back. */
static bool is_returning(struct host *h, const uint8_t *datagram, size_t n)
{
	return tern_peek(datagram, n).hello_fragment && h->peers[0].connected && !h->peers[1].conn &&
	       !has(h, SIM_NO_COOKIE);
}

static void server_receive(struct host *h, uint8_t *datagram, size_t n)
{
	struct peer *current = &h->peers[0], *next = &h->peers[1];
	if (!current->conn) {
		listen_at(h, current, datagram, n);
		return;
	}
	if (is_returning(h, datagram, n) ||
	    (is_stranger(current, datagram, n) && (!next->conn || is_stranger(next, datagram, n)))) {
		listen_at(h, next, datagram, n);
	} else {
		feed(h, current, datagram, n);
		if (next->conn && !tern_conn_authenticated(current->conn))
			feed(h, next, datagram, n);
	}
	promote(h);
}

void host_receive(struct host *h, uint8_t *datagram, size_t n)
{
	h->received += n;
	if (h->side == SERVER)
		server_receive(h, datagram, n);
	else if (h->peers[0].conn)
		feed(h, &h->peers[0], datagram, n);
}

/* ---- time ---- */

void host_tick(struct host *h)
{
	struct world *w = h->world;
	for (size_t i = 0; i < 2; i++) {
		struct peer *p = &h->peers[i];
		tern_error error;
		if (!p->conn || tern_conn_deadline(p->conn) > host_time(h).mono_ns)
			continue;
		w->ticks++;
		error = tern_conn_tick(p->conn, host_time(h));
		ladder_note(w, h->side, "timer");
		if (error != TERN_OK)
			host_note_end(h, p, error);
		host_drain(h, p);
		if (tern_conn_deadline(p->conn) <= host_time(h).mono_ns)
			invariants_fail(&w->inv, "side %u: the deadline stays in the past", h->side);
	}
}

/* By the world's clock. */
uint64_t host_deadline(const struct host *h)
{
	uint64_t deadline = TERN_NEVER, now = host_time(h).mono_ns, wait;
	for (size_t i = 0; i < 2; i++) {
		uint64_t d = h->peers[i].conn ? tern_conn_deadline(h->peers[i].conn) : TERN_NEVER;
		if (d < deadline)
			deadline = d;
	}
	if (deadline == TERN_NEVER)
		return TERN_NEVER;
	wait = deadline > now ? deadline - now : 0;
	return wait < TERN_NEVER - h->world->now_ns ? h->world->now_ns + wait : TERN_NEVER - 1;
}

void host_drop(struct host *h)
{
	for (size_t i = 0; i < 2; i++) {
		tern_conn_free(h->peers[i].conn);
		h->peers[i] = (struct peer){0};
	}
}
