/* One run of a scenario with somebody in the middle: every record travels alone, and before a chosen one arrives the
 * misdeed happens. */
#include <stdio.h>
#include <stdlib.h>

#include "malice/malice.h"
#include "wire/record13.h"

bool is_13(const struct course *course)
{
	return scenario_is_13(course->scenario);
}

tern_conn *conn_of(const struct stage *s, unsigned side)
{
	return s->world->hosts[side].peers[0].conn;
}

/* ---- seeing ---- */

static void on_trace_of(void *user, unsigned side, const tern_trace *t)
{
	struct stage *s = user;
	if (t->kind == TERN_TRACE_SENT && s->num_traces[side] < 64)
		s->traces[side][s->num_traces[side]++] = *t;
}

/* What tern_listen answers is not traced: it is no connection's. */
static bool pop_trace(struct stage *s, unsigned side, const struct unit *u, tern_trace *t)
{
	if (!s->num_traces[side] || (s->traces[side][0].epoch == 0) != u->plain)
		return false;
	*t = s->traces[side][0];
	memmove(s->traces[side], s->traces[side] + 1, --s->num_traces[side] * sizeof *t);
	return true;
}

static void read_plain(struct unit *u, const uint8_t *p, size_t n)
{
	struct rd r = rd_of(span_of(p, n)), body;
	struct record12 record;
	struct fragment f;
	u->plain = get_record12(&r, &record) && record.epoch == 0;
	if (!u->plain)
		return;
	u->content = record.type;
	body = rd_of(record.fragment);
	if (record.type == CONTENT_HANDSHAKE && get_fragment(&body, &f)) {
		u->type = f.type;
		u->message_seq = f.message_seq;
	}
}

static void note_unit(struct stage *s, unsigned to, const uint8_t *p, size_t n)
{
	struct unit u = {.to = (uint8_t)to};
	tern_trace t;
	read_plain(&u, p, n);
	if (pop_trace(s, !to, &u, &t) && !u.plain) {
		u.content = t.content_type;
		u.type = t.message_type;
		u.epoch = t.epoch;
		u.message_seq = t.message_seq;
	}
	if (s->num_units < UNITS_MAX)
		s->units[s->num_units] = u;
	s->num_units++;
}

static size_t record_len(const uint8_t *p, size_t n, size_t cid_len)
{
	struct rd r = rd_of(span_of(p, n));
	struct record12 record;
	struct unified_header unified;
	/* By the first byte: the rest of a protected record may look like anything. */
	if (n && (p[0] & UNIFIED_FIXED_MASK) == UNIFIED_FIXED)
		return get_unified(&r, cid_len, &unified) ? unified.header_len + unified.payload.n : n;
	if (n && p[0] == CONTENT_TLS12_CID)
		return get_record12_cid(&r, cid_len, &record) ? RECORD12_HEADER + cid_len + record.fragment.n : n;
	return get_record12(&r, &record) ? RECORD12_HEADER + record.fragment.n : n;
}

/* ---- doing ---- */

static bool is_tampered_with(const struct malice_case *c, size_t at)
{
	return c->tamper && (at == c->unit || (at > c->unit && goes_on_astray(c)));
}

static void one_record(struct stage *s, unsigned to, const uint8_t *p, size_t n)
{
	const struct malice_case *c = s->c;
	size_t at = s->num_units;
	note_unit(s, to, p, n);
	if (c && at == c->unit && (c->build || c->act))
		world_at(s->world, LINK_DELAY_NS, EVENT_STRIKE, c->victim, 0);
	if (c && (s->holds || is_tampered_with(c, at)))
		tamper(s, to, p, n);
	else
		world_inject(s->world, to, p, n, LINK_DELAY_NS);
}

static void on_datagram(void *user, unsigned to, struct buffer *b, struct fate *fate)
{
	struct stage *s = user;
	size_t len;
	for (size_t at = 0; at < b->n; at += len) {
		len = record_len(b->bytes + at, b->n - at, cid_len_of(s->course, to));
		one_record(s, to, b->bytes + at, len);
	}
	fate->copies = 0;
}

static void on_strike(void *user, unsigned index)
{
	struct stage *s = user;
	uint8_t out[SIM_DATAGRAM_MAX];
	size_t n;
	(void)index;
	s->struck = true;
	for (unsigned i = 0; i < 2; i++)
		s->was_connected[i] = s->world->hosts[i].peers[0].connected;
	if (s->c->act) {
		s->c->act(s, s->c, &s->due);
		return;
	}
	n = s->c->build(s, s->c, out, &s->due);
	if (n == 0) {
		s->due.void_case = true;
		return;
	}
	ladder_datagram(s->world, !s->c->victim, out, n, 0, NULL);
	host_receive(&s->world->hosts[s->c->victim], out, n);
}

/* How many units came until the hello that is being accepted; early data may be on its way behind it. */
static size_t units_until_hello(const struct stage *s)
{
	size_t n = s->num_units < UNITS_MAX ? s->num_units : UNITS_MAX;
	while (n > 0 &&
	       !(s->units[n - 1].to == SERVER && s->units[n - 1].plain && s->units[n - 1].type == CLIENT_HELLO))
		n--;
	return n;
}

static void on_meeting(void *user, unsigned side, tern_conn *conn)
{
	struct stage *s = user;
	if (side == SERVER && s->world->hosts[SERVER].peers[0].conn == conn)
		s->accepted = units_until_hello(s);
	if (!s->c) {
		twist_record(conn, s->course);
	} else if (s->c->num_twists && side != s->c->victim) {
		s->world->hosts[side].conns += 4; /* it may sign a message twice */
		twist_meet(conn, s->course, s->c);
	}
}

static void stage_open(struct stage *s, struct course *course, const struct malice_case *c)
{
	struct world *w = course->world;
	*s = (struct stage){0};
	s->course = course;
	s->world = w;
	s->c = c;
	if (c)
		s->due = c->due;
	world_watch(w);
	w->meddler = s;
	w->meddle = on_datagram;
	w->met = on_meeting;
	w->traced = on_trace_of;
	w->strike = on_strike;
}

static void stage_close(struct stage *s)
{
	struct world *w = s->world;
	world_end(w);
	w->meddler = NULL;
	w->meddle = NULL;
	w->met = NULL;
	w->traced = NULL;
	w->strike = NULL;
}

/* ---- what came of it ---- */

static bool is_peers_fault(tern_error error)
{
	tern_error_class class = tern_error_class_of(error);
	return class == TERN_CLASS_PROTOCOL || class == TERN_CLASS_AUTH || class == TERN_CLASS_PEER ||
	       error == TERN_ERROR_BUDGET || error == TERN_ERROR_TIMEOUT;
}

/* A fault that has an alert was told to the peer. */
static bool is_told(const struct peer *p)
{
	tern_failure f = tern_conn_failure(p->conn);
	return error_alert(p->error) < 0 || f.alert_sent;
}

static const char *fatal_problem(const struct stage *s, const struct peer *v)
{
	if (!v->ended || v->error == TERN_OK)
		return "the victim should have failed";
	if (s->due.error != TERN_OK && v->error != s->due.error)
		return "the victim failed for another reason";
	if (!is_peers_fault(v->error))
		return "the victim failed for a reason that is not the peer's";
	if (s->due.come == FATAL && v->connected)
		return "the victim was connected before it failed";
	return is_told(v) ? NULL : "no alert was sent";
}

/* Other keys look like another PSK to a server of DTLS 1.2. */
static bool gave_up_psk(const struct stage *s)
{
	const struct peer *v = &s->world->hosts[SERVER].peers[0];
	return (s->course->scenario->flags & SIM_PSK) && !is_13(s->course) && s->c->victim == SERVER &&
	       v->error == TERN_ERROR_BAD_FINISHED;
}

/* Nobody but the client proves an address. */
static bool is_misled(const struct stage *s)
{
	const tern_conn *server = conn_of(s, SERVER);
	tern_path path;
	return server && !s->moves && (s->course->scenario->ids[SERVER] || s->course->scenario->ids[CLIENT]) &&
	       tern_conn_path(server, &path) && path.remote.bytes[1] != 1 + s->world->address;
}

static const char *problem(const struct stage *s)
{
	const struct world *w = s->world;
	const struct peer *v = &w->hosts[s->c->victim].peers[0], *o = &w->hosts[!s->c->victim].peers[0];
	if (w->inv.failed)
		return w->inv.what;
	if (is_misled(s))
		return "the server believes that the client has moved";
	switch (s->due.come) {
	case COMPLETES:
		return !v->ended && !o->ended && world_agrees(w) && !w->gave_up ? NULL : "they are not both connected";
	case FATAL:
	case FATAL_LATE:
		return fatal_problem(s, v);
	case STALLS:
		if (v->connected)
			return "the victim is connected";
		return !v->ended || v->error == TERN_ERROR_PEER_ALERT || v->error == TERN_ERROR_TIMEOUT ||
				       gave_up_psk(s)
			       ? NULL
			       : "the victim finds fault";
	default:
		if (v->ended && v->error != TERN_OK && !is_peers_fault(v->error))
			return "the victim failed for a reason that is not the peer's";
		if (!v->ended && !o->ended && v->connected && o->connected && !world_agrees(w))
			return "both are connected, but not to each other";
		return NULL;
	}
}

static void report(const struct stage *s, const char *what)
{
	static const char *const comes[] = {"to complete", "to fail", "to fail", "to stall", "to end cleanly"};
	const struct peer *c = &s->world->hosts[CLIENT].peers[0], *v = &s->world->hosts[SERVER].peers[0];
	printf("%s: %s (due: the %s %s %s; client %s %s, server %s %s)\n", s->c->name, what,
	       s->c->victim == CLIENT ? "client" : "server", comes[s->due.come],
	       s->due.error ? tern_error_name(s->due.error) : "", c->connected ? "connected" : "not connected",
	       tern_error_name(c->error), v->connected ? "connected" : "not connected", tern_error_name(v->error));
}

bool stage_run(struct course *course, const struct malice_case *c, bool verbose, bool *counted)
{
	static const struct schedule schedule = {.seed = 1, .chaos = CHAOS_INPUT, .swap = NO_SWAP};
	static struct stage one;
	struct stage *s = &one;
	const char *what;
	stage_open(s, course, c);
	s->world->verbose = verbose;
	(void)world_play(s->world, &schedule);
	what = problem(s);
	*counted = !s->due.void_case && (s->struck || !(c->build || c->act));
	if (*counted && what)
		report(s, what);
	stage_close(s);
	if (*counted && !what && s->world->inv.failed)
		report(s, what = s->world->inv.what);
	return !*counted || !what;
}

/* ---- undisturbed ---- */

static void expect(struct course *course, unsigned who, struct due due)
{
	if (course->num_due[who] < PLAN_MAX)
		course->due[who][course->num_due[who]++] = due;
}

static bool has_due(const struct course *course, unsigned who, uint8_t type)
{
	for (size_t i = 0; i < course->num_due[who]; i++)
		if (course->due[who][i].type == type)
			return true;
	return false;
}

static bool plain_psk(const struct course *course)
{
	const char *list = course->scenario->suites;
	return list && strncmp(list, "TLS_PSK_WITH", 12) == 0 && !is_13(course);
}

/* What a client must take or leave, wherever the server does not send it: RFC 5246 7.4.4, RFC 4279 2, RFC 8446 4.3.2.
 */
static void expect_optional(struct course *course, const struct unit *u)
{
	bool before_done = u->type == SERVER_HELLO_DONE, request = has_due(course, CLIENT, CERTIFICATE_REQUEST);
	if (before_done && plain_psk(course) && !has_due(course, CLIENT, SERVER_KEY_EXCHANGE))
		expect(course, CLIENT, (struct due){SERVER_KEY_EXCHANGE, 0, true});
	if (before_done && has_due(course, CLIENT, CERTIFICATE) && !request)
		expect(course, CLIENT, (struct due){CERTIFICATE_REQUEST, 0, true});
	if (is_13(course) && (u->type == CERTIFICATE || u->type == COMPRESSED_CERTIFICATE) && !request)
		expect(course, CLIENT, (struct due){CERTIFICATE_REQUEST, 2, true});
}

/* Repetitions and what comes after the handshake are not expected. */
static void expect_unit(struct course *course, const struct unit *u, unsigned *next)
{
	struct due due = {u->type, u->epoch, false};
	if (u->content != CONTENT_HANDSHAKE || u->message_seq < next[u->to] || u->epoch > 2)
		return;
	next[u->to] = u->message_seq + 1u;
	if (u->to == CLIENT)
		expect_optional(course, u);
	due.optional = u->type == CERTIFICATE_REQUEST || (u->type == SERVER_KEY_EXCHANGE && plain_psk(course));
	expect(course, u->to, due);
}

static void learn(struct course *course, const struct stage *s)
{
	unsigned next[2] = {0, 0}, data = 0;
	for (size_t i = 0; i < s->num_units && i < UNITS_MAX && data < 2; i++) {
		course->units[course->num_units++] = s->units[i];
		expect_unit(course, &s->units[i], next);
		data += s->units[i].content == CONTENT_APPLICATION_DATA;
	}
	course->accepted = s->accepted;
}

struct course *course_open(const struct scenario *scenario)
{
	static const struct schedule schedule = {.seed = 1, .swap = NO_SWAP};
	struct course *course = calloc(1, sizeof *course);
	static struct stage one;
	struct stage *s = &one;
	bool good;
	if (!course)
		abort();
	course->scenario = scenario;
	course->world = world_open(scenario);
	if (!course->world)
		abort();
	stage_open(s, course, NULL);
	good = world_play(s->world, &schedule);
	if (good)
		learn(course, s);
	else
		printf("%s: %s\n", scenario->name, s->world->inv.what);
	stage_close(s);
	if (good)
		return course;
	course_close(course);
	return NULL;
}

void course_close(struct course *course)
{
	if (course)
		world_close(course->world);
	free(course);
}
