#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pair.h"

#define CARRY_MAX 2000 /* datagrams, for one pair_settle: a storm is a defect */

void check_ok(const char *what, tern_error error)
{
	if (error != TERN_OK)
		fail_msg("%s: %s", what, tern_error_name(error));
}

void check_is(const char *name, tern_error got, tern_error want)
{
	if (got != want)
		fail_msg("%s: got %s, want %s", name, tern_error_name(got), tern_error_name(want));
}

/* ---- life ---- */

void pair_init(struct pair *p, tern_config *client, tern_config *server)
{
	memset(p, 0, sizeof *p);
	p->side[CLIENT].config = client;
	p->side[SERVER].config = server;
	for (int i = 0; i < 2; i++)
		OK(tern_pool_new(&p->side[i].pool, p->side[i].config));
	p->now = (tern_time){UINT64_C(1000000000), NOW_S};
	p->path.remote = (tern_address){.len = 6, .bytes = {127, 0, 0, 1, 0x30, 0x39}, .host_len = 4};
}

void pair_hang_up(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		struct side *s = &p->side[i];
		tern_conn_free(s->conn);
		*s = (struct side){.config = s->config, .pool = s->pool};
	}
	p->num_queued = 0;
	p->carried = 0;
	p->replies = 0;
}

void pair_free(struct pair *p)
{
	pair_hang_up(p);
	for (int i = 0; i < 2; i++) {
		tern_pool_free(p->side[i].pool);
		tern_config_free(p->side[i].config);
	}
	memset(p, 0, sizeof *p);
}

static void dial(struct pair *p, const char *name, struct span session, bool early)
{
	tern_client_options o = {.size = sizeof o,
				 .server_name = name,
				 .session = session.p,
				 .session_len = session.n,
				 .early_data = early};
	struct side *s = &p->side[CLIENT];
	s->error = tern_client(&s->conn, s->pool, &o, p->now);
}

void pair_dial(struct pair *p, const char *name, struct span session)
{
	dial(p, name, session, false);
}

void pair_dial_early(struct pair *p, const char *name, struct span session)
{
	dial(p, name, session, true);
}

void pair_accept(struct pair *p)
{
	struct side *s = &p->side[SERVER];
	OK(tern_accept(&s->conn, s->pool, NULL, &p->path, p->now));
}

/* ---- the wire ---- */

static void note_error(struct side *s, tern_error error)
{
	if (error != TERN_OK && s->error == TERN_OK)
		s->error = error;
}

static void enqueue(struct pair *p, enum role to, const uint8_t *bytes, size_t n)
{
	struct datagram_on_wire *d = &p->queue[p->num_queued];
	if (p->num_queued == PAIR_QUEUE || n > PAIR_DATAGRAM)
		fail_msg("the wire is full");
	d->to = to;
	d->n = n;
	if (n)
		memcpy(d->bytes, bytes, n);
	p->num_queued++;
}

void pair_collect(struct pair *p, enum role from)
{
	struct side *s = &p->side[from];
	uint8_t out[PAIR_DATAGRAM];
	size_t n = 1;
	for (int i = 0; s->conn && n && i < PAIR_QUEUE; i++) {
		tern_error error = tern_conn_take(s->conn, out, sizeof out, &n, p->now);
		note_error(s, error);
		if (error != TERN_OK)
			break;
		if (n)
			enqueue(p, from == CLIENT ? SERVER : CLIENT, out, n);
	}
}

bool pair_send_early(struct pair *p, const void *data, size_t n)
{
	uint8_t out[PAIR_DATAGRAM];
	size_t len;
	pair_collect(p, CLIENT);
	if (tern_conn_seal_early_data(p->side[CLIENT].conn, out, sizeof out, &len, data, n, p->now) != TERN_OK)
		return false;
	enqueue(p, SERVER, out, len);
	return true;
}

void pair_events(struct pair *p, enum role who)
{
	struct side *s = &p->side[who];
	tern_event e = {.kind = TERN_EVENT_CONNECTED};
	for (int i = 0; s->conn && e.kind != TERN_EVENT_NONE; i++) {
		tern_error error = tern_conn_next(s->conn, &e, p->now);
		note_error(s, error);
		if (error != TERN_OK)
			return;
		if (i == 1000)
			fail_msg("events without end");
		if (e.kind == TERN_EVENT_NONE)
			return;
		if (s->num_events < PAIR_EVENTS)
			s->events[s->num_events++] = e.kind;
		if (e.kind == TERN_EVENT_PENDING) {
			s->job = e.job;
			s->job_kind = e.job_kind;
		}
		if (e.kind == TERN_EVENT_EARLY_DATA) {
			if (e.len > sizeof s->early - s->early_len)
				fail_msg("too much early data");
			if (e.len)
				memcpy(s->early + s->early_len, e.data, e.len);
			s->early_len += e.len;
		}
		if (e.kind == TERN_EVENT_DATA) {
			s->data_len = e.len;
			memcpy(s->data, e.data, e.len);
		}
	}
}

/* The first datagram of a peer: as a program with a socket would go about it. */
static void meet(struct pair *p, const uint8_t *bytes, size_t n)
{
	struct side *s = &p->side[SERVER];
	uint8_t reply[512];
	size_t len;
	tern_verdict v;
	OK(tern_listen(s->pool, &v, reply, sizeof reply, &len, bytes, n, &p->path, p->now));
	if (v.kind == TERN_VERDICT_REPLY) {
		p->replies++;
		enqueue(p, CLIENT, reply, len);
	} else if (v.kind == TERN_VERDICT_ACCEPT) {
		note_error(s, tern_accept(&s->conn, s->pool, &v, &p->path, p->now));
	}
}

void pair_feed(struct pair *p, enum role to, const void *bytes, size_t n)
{
	struct side *s = &p->side[to];
	uint8_t *copy;
	if (!s->conn && to == SERVER)
		meet(p, bytes, n);
	if (!s->conn)
		return;
	copy = malloc(n ? n : 1); /* exactly as long as it is: the sanitizer sees what reads on */
	if (n)
		memcpy(copy, bytes, n);
	note_error(s, tern_conn_feed(s->conn, copy, n, &p->path, p->now));
	pair_events(p, to);
	free(copy);
}

bool pair_carry(struct pair *p)
{
	struct datagram_on_wire d;
	if (!p->num_queued) {
		pair_collect(p, CLIENT);
		pair_collect(p, SERVER);
	}
	if (!p->num_queued)
		return false;
	d = p->queue[0];
	p->num_queued--;
	memmove(p->queue, p->queue + 1, p->num_queued * sizeof *p->queue);
	if (!p->tap || p->tap(p, &d)) {
		p->carried++;
		pair_feed(p, d.to, d.bytes, d.n);
	}
	return true;
}

void pair_settle(struct pair *p)
{
	for (int i = 0; pair_carry(p); i++)
		if (i == CARRY_MAX)
			fail_msg("datagrams without end");
}

bool pair_wait(struct pair *p, uint64_t limit_ns)
{
	uint64_t first = TERN_NEVER;
	for (int i = 0; i < 2; i++)
		if (p->side[i].conn && tern_conn_deadline(p->side[i].conn) < first)
			first = tern_conn_deadline(p->side[i].conn);
	if (first >= limit_ns)
		return false;
	if (first > p->now.mono_ns) {
		p->now.unix_s += (int64_t)((first - p->now.mono_ns) / 1000000000);
		p->now.mono_ns = first;
	}
	for (int i = 0; i < 2; i++) {
		struct side *s = &p->side[i];
		if (s->conn && tern_conn_deadline(s->conn) <= p->now.mono_ns) {
			note_error(s, tern_conn_tick(s->conn, p->now));
			pair_events(p, (enum role)i);
		}
	}
	return true;
}

static bool over(const struct side *s)
{
	return s->error != TERN_OK || (s->conn && s->conn->state != CONN_HANDSHAKE);
}

void pair_run(struct pair *p, uint64_t limit_ns)
{
	uint64_t end = p->now.mono_ns + limit_ns;
	for (int i = 0; i < 1000; i++) {
		pair_settle(p);
		if ((over(&p->side[CLIENT]) && over(&p->side[SERVER])) || !pair_wait(p, end))
			break;
	}
	pair_settle(p);
}

void pair_forge(struct pair *p, enum role to, uint8_t content_type, uint16_t epoch, uint64_t seq, const void *body,
		size_t n)
{
	uint8_t out[PAIR_DATAGRAM];
	struct record12 h = {.type = content_type, .version = VERSION_DTLS12, .epoch = epoch, .seq = seq};
	struct wr w = wr_of(out, sizeof out);
	put_record12_header(&w, &h, (uint16_t)n);
	wr_bytes(&w, span_of(body, n));
	assert_true(wr_ok(&w));
	pair_feed(p, to, out, w.n);
}

void pair_seal(struct pair *p, enum role to, uint8_t content_type, const void *body, size_t n)
{
	pair_seal_in(p, to, p->side[to == CLIENT ? SERVER : CLIENT].conn->records.out.epoch, content_type, body, n);
}

void pair_seal_in(struct pair *p, enum role to, uint16_t epoch, uint8_t content_type, const void *body, size_t n)
{
	uint8_t out[PAIR_DATAGRAM];
	struct wr w = wr_of(out, sizeof out);
	struct tern_conn *from = p->side[to == CLIENT ? SERVER : CLIENT].conn;
	OK(record_seal(&from->records, epoch, content_type, span_of(body, n), &w, NULL));
	pair_feed(p, to, out, w.n);
}

void pair_say(struct pair *p, enum role to, uint16_t epoch, uint8_t type, uint16_t message_seq, const void *body,
	      size_t n)
{
	uint8_t message[PAIR_DATAGRAM];
	struct wr w = wr_of(message, sizeof message);
	put_fragment_header(&w, &(struct fragment){.type = type, .length = (uint32_t)n, .message_seq = message_seq},
			    (uint32_t)n);
	wr_bytes(&w, span_of(body, n));
	assert_true(wr_ok(&w));
	pair_seal_in(p, to, epoch, CONTENT_HANDSHAKE, message, w.n);
}

/* ---- looking ---- */

bool pair_saw(const struct pair *p, enum role who, tern_event_kind kind)
{
	const struct side *s = &p->side[who];
	for (size_t i = 0; i < s->num_events; i++)
		if (s->events[i] == kind)
			return true;
	return false;
}

bool pair_connected(const struct pair *p)
{
	return pair_saw(p, CLIENT, TERN_EVENT_CONNECTED) && pair_saw(p, SERVER, TERN_EVENT_CONNECTED);
}

tern_info pair_info(const struct pair *p, enum role who)
{
	tern_info info;
	tern_conn_info(p->side[who].conn, &info);
	return info;
}

void pair_check_data(struct pair *p, const char *name)
{
	static const char text[] = "the arctic tern";
	for (int i = 0; i < 2; i++) {
		struct side *from = &p->side[i], *to = &p->side[!i];
		uint8_t out[PAIR_DATAGRAM];
		size_t n;
		check_is(name,
			 tern_conn_seal(from->conn, out, sizeof out, &n, (const uint8_t *)text, sizeof text, p->now),
			 TERN_OK);
		to->data_len = 0;
		pair_feed(p, (enum role) !i, out, n);
		if (to->data_len != sizeof text || memcmp(to->data, text, sizeof text) != 0)
			fail_msg("%s: data of %s did not arrive", name, i == CLIENT ? "the client" : "the server");
	}
}

/* ---- configs ---- */

static tern_config *config_of(const tern_allocator *heap, tern_protocol version)
{
	tern_config *config = tern_config_new(heap);
	assert_non_null(config);
	OK(tern_config_set_versions(config, version, version));
	return config;
}

tern_config *new_config(const tern_allocator *heap)
{
	return config_of(heap, TERN_DTLS12);
}

tern_config *new_config13(const tern_allocator *heap)
{
	return config_of(heap, TERN_DTLS13);
}

void add_cert(tern_config *config, const struct cert *c)
{
	OK(tern_config_add_keypair(config, c->pem, c->pem_len, c->key, c->key_len));
}

void add_raw_key(tern_config *config, const struct cert *c)
{
	OK(tern_config_add_raw_key(config, c->key, c->key_len));
}

void add_trust(tern_config *config, const struct cert *c)
{
	OK(tern_config_add_trust(config, c->pem, c->pem_len));
}
