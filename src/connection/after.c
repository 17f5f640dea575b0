/* What DTLS 1.3 adds to a connection: acknowledgements, tickets, key updates (RFC 9147 7, 8, RFC 8446 4.6). */
#include "base/deadline.h"
#include "base/heap.h"
#include "connection/auth.h"
#include "connection/cid.h"
#include "connection/conn.h"
#include "handshake/early13.h"
#include "handshake/keys13.h"
#include "handshake/resume12.h"
#include "handshake/version.h"
#include "wire/messages13.h"
#include "wire/record.h"

#define MESSAGE_NUMBERS 65536u /* that message_seq can give: RFC 9147 5.2 */
#define NUMBERS_KEPT 256 /* of them for keys at their limit and for answers that are due */
#define AFTER_BYTES 16384 /* of messages after the handshake that are not complete yet */
#define KEYS_LINGER_NS (UINT64_C(240) * 1000000000) /* 2 MSL: RFC 9147 5.8.1 */

static struct tracer tracer_of(const tern_conn *conn)
{
	const struct tern_config *config = conn->pool->config;
	return (struct tracer){config->trace, config->trace_user, conn};
}

static const struct hash_alg *hash_of(const tern_conn *conn)
{
	return conn->pool->provider->hash[conn->agreed.suite->hash];
}

static tern_timers timers_of(const tern_conn *conn)
{
	tern_timers timers = conn->pool->config->timers;
	if (conn->first_ns) {
		timers.first_ns = conn->first_ns;
		timers.no_rtt = true;
	}
	return timers;
}

tern_error after_new(tern_conn *conn)
{
	conn->after = heap_alloc(&conn->pool->config->heap, sizeof *conn->after);
	if (!conn->after)
		return TERN_ERROR_NO_MEMORY;
	acks_init(&conn->after->acks, &conn->pool->config->heap);
	conn->after->forget_ns = TERN_NEVER;
	return TERN_OK;
}

/* It is there from the first piece of a message to the last. NULL: memory is out. */
static struct inbox *inbox_of(const tern_conn *conn)
{
	const struct tern_config *config = conn->pool->config;
	struct after *a = conn->after;
	/* What may be a certificate is as long as one in the handshake. */
	bool long_ones = a->auth && conn->role == SERVER;
	if (a->inbox)
		return a->inbox;
	a->inbox = heap_alloc(&config->heap, sizeof *a->inbox);
	if (a->inbox)
		inbox_init(a->inbox, &config->heap, a->receive_seq,
			   long_ones ? config->limits.handshake_bytes : AFTER_BYTES,
			   long_ones ? config->limits.message_bytes : AFTER_BYTES);
	return a->inbox;
}

static void free_inbox(tern_conn *conn)
{
	struct after *a = conn->after;
	if (!a->inbox)
		return;
	inbox_free(a->inbox);
	heap_free(&conn->pool->config->heap, a->inbox, sizeof *a->inbox);
	a->inbox = NULL;
}

void after_free(tern_conn *conn)
{
	const tern_allocator *heap = &conn->pool->config->heap;
	struct after *a = conn->after;
	if (!a)
		return;
	while (a->posts) {
		struct post *next = a->posts->next;
		post_free(heap, a->posts);
		a->posts = next;
	}
	auth_free(conn);
	free_inbox(conn);
	acks_clear(&a->acks);
	heap_free(heap, a, sizeof *a);
	conn->after = NULL;
}

static void trace_keys(const tern_conn *conn, uint16_t epoch, bool writing)
{
	const struct tern_config *config = conn->pool->config;
	tern_trace t = {.kind = TERN_TRACE_KEYS, .epoch = epoch, .writing = writing};
	if (config->trace)
		config->trace(config->trace_user, conn, &t);
}

/* ---- what we send ---- */

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Key updates that we can still make: each takes an epoch and a number, and neither wraps (RFC 9147 4.2.1,
 * 5.2, 6.1, 8). */
static uint32_t updates_left(const tern_conn *conn)
{
	return least(MESSAGE_NUMBERS - conn->after->send_seq, (uint32_t)UINT16_MAX - conn->write_epoch);
}

bool after_is_rich(const tern_conn *conn)
{
	return updates_left(conn) > NUMBERS_KEPT;
}

/* Ours or the peer's: without new numbers no key can change any more. */
static void note_numbers(tern_conn *conn)
{
	struct after *a = conn->after;
	uint32_t peers = least(MESSAGE_NUMBERS - a->receive_seq, (uint32_t)UINT16_MAX - conn->records.in.epoch);
	if (a->told_messages || least(updates_left(conn), peers) > MESSAGE_NUMBERS / 8)
		return;
	a->told_messages = true;
	conn->queued |= QUEUED_MESSAGES_NEAR;
}

tern_error after_post(tern_conn *conn, struct outgoing *messages, size_t num)
{
	struct after *a = conn->after;
	const struct tern_config *config = conn->pool->config;
	tern_timers timers = timers_of(conn);
	struct post *p;
	if (MESSAGE_NUMBERS - a->send_seq < num)
		return TERN_ERROR_LIMIT;
	for (size_t i = 0; i < num; i++) {
		messages[i].message_seq = (uint16_t)(a->send_seq + i);
		messages[i].epoch = conn->write_epoch;
	}
	p = post_new(&config->heap, &timers, conn->mtu, tracer_of(conn), messages, num, conn->rtt_ns);
	if (!p)
		return TERN_ERROR_NO_MEMORY;
	p->flight.keeps_mtu = config->keeps_mtu;
	a->send_seq += (uint32_t)num;
	p->next = a->posts;
	a->posts = p;
	note_numbers(conn);
	return TERN_OK;
}

static tern_error post_message(tern_conn *conn, uint8_t type, struct span body)
{
	struct outgoing message = {.content_type = CONTENT_HANDSHAKE, .type = type, .body = body};
	return after_post(conn, &message, 1);
}

void after_answered(tern_conn *conn, uint8_t type)
{
	struct post **at = &conn->after->posts;
	while (*at) {
		struct post *p = *at;
		if (p->type != type) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		post_free(&conn->pool->config->heap, p);
	}
}

/* One at a time: RFC 9147 5.8.4. */
static bool update_under_way(const struct after *a)
{
	for (const struct post *p = a->posts; p; p = p->next)
		if (p->type == KEY_UPDATE)
			return true;
	return a->update_acked;
}

bool after_may_post(const tern_conn *conn)
{
	return !update_under_way(conn->after);
}

/* The peer may not have processed what it was not told in order: before a KeyUpdate a ticket that was given up is due.
 */
static void revive_tickets(struct after *a)
{
	for (struct post *p = a->posts; p; p = p->next)
		flight_revive(&p->flight);
}

tern_error after_rekey(tern_conn *conn, bool asks, bool must)
{
	struct after *a = conn->after;
	uint8_t body[1];
	struct wr w = wr_of(body, sizeof body);
	if (updates_left(conn) == 0 || (!must && !after_is_rich(conn)))
		return TERN_ERROR_LIMIT;
	a->update_wanted = true;
	a->update_asks |= asks;
	if (update_under_way(a))
		return TERN_OK;
	revive_tickets(a);
	put_key_update(&w, a->update_asks);
	a->update_wanted = a->update_asks = false;
	return post_message(conn, KEY_UPDATE, wr_span(&w));
}

/* Our KeyUpdate and all before it are acknowledged: the next epoch may be used (RFC 9147 8). */
static tern_error switch_write_keys(tern_conn *conn)
{
	uint8_t *secret = agreed_secret(&conn->agreed, conn->role);
	uint16_t epoch = (uint16_t)(conn->write_epoch + 1);
	schedule13_update(hash_of(conn), DTLS13_PREFIX, secret);
	TRY(keys13_install(&conn->records, conn->agreed.suite, hash_of(conn), secret, epoch, true));
	record_forget_write(&conn->records, epoch);
	conn->write_epoch = epoch;
	conn->near_jitter = (uint16_t)pool_jitter(conn->pool);
	trace_keys(conn, epoch, true);
	return TERN_OK;
}

static struct span allow_early_data(uint8_t *room, size_t cap, uint32_t max)
{
	struct extensions ext = {.present = HAS_EARLY_DATA, .max_early_data = max};
	struct wr w = wr_of(room, cap);
	put_extensions(&w, IN_NEW_SESSION_TICKET13, &ext);
	return wr_span(&w);
}

/* One ticket, once the client has proved itself. */
static tern_error offer_ticket(tern_conn *conn, tern_time now)
{
	static const uint8_t nonce[] = {0};
	const struct provider *p = conn->pool->provider;
	struct session s;
	uint8_t sealed[TERN_SESSION_MAX + TICKET_OVERHEAD], body[TERN_SESSION_MAX + TICKET_OVERHEAD + 32], age_add[4],
		extensions[8];
	struct new_session_ticket13 message = {.nonce = span_of(nonce, sizeof nonce), .ticket = {sealed, 0}};
	struct wr w = wr_of(body, sizeof body);
	struct outcome *o = &conn->hs->outcome;
	struct span host = path_host(&conn->hs->path);
	tern_error error;
	session_from_outcome(conn->pool, o, now.unix_s, &s);
	schedule13_resumption_psk(hash_of(conn), DTLS13_PREFIX, s.master, o->resumption_secret, message.nonce);
	error = p->random(conn->pool->crypto, age_add, sizeof age_add);
	memcpy(&s.age_add, age_add, sizeof age_add);
	s.max_early_data = conn->pool->config->early_max;
	s.host_len = (uint8_t)host.n;
	if (host.n)
		memcpy(s.host, host.p, host.n);
	if (error == TERN_OK)
		error = ticket_seal(pool_ticket_keys(conn->pool), &s, sealed, sizeof sealed, &message.ticket.n);
	message.lifetime = session_seconds_left(&s, now.unix_s);
	message.age_add = s.age_add;
	if (s.max_early_data)
		message.extensions = allow_early_data(extensions, sizeof extensions, s.max_early_data);
	session_wipe(&s);
	if (error != TERN_OK)
		return error;
	put_new_session_ticket13(&w, &message);
	return wr_ok(&w) ? post_message(conn, NEW_SESSION_TICKET, wr_span(&w)) : TERN_ERROR_INTERNAL;
}

tern_error after_complete(tern_conn *conn, tern_time now)
{
	const struct tern_config *config = conn->pool->config;
	struct handshake *hs = conn->hs;
	struct after *a = conn->after;
	TRY(auth_keep(conn));
	a->receive_seq = hs->inbox.next;
	a->send_seq = hs->send_seq;
	conn->near_jitter = (uint16_t)pool_jitter(conn->pool);
	a->forget_ns = later(now.mono_ns, KEYS_LINGER_NS);
	note_numbers(conn);
	if (conn->role == CLIENT)
		return TERN_OK;
	acks_hurry(&a->acks); /* nothing else acknowledges the client's last flight: RFC 9147 7.1 */
	if (config->tickets && hs->peer_takes_tickets && after_is_rich(conn) && names_fit_session(&hs->outcome))
		return offer_ticket(conn, now);
	return TERN_OK;
}

/* A client's last flight comes before all that follows. */
static bool last_flight_is_open(const tern_conn *conn)
{
	return conn->hs && flight_is_on_its_way(&conn->hs->flight);
}

/* Messages of ours that the peer has are done with. */
static tern_error sweep(tern_conn *conn, tern_time now)
{
	struct after *a = conn->after;
	struct post **at = &a->posts;
	tern_error error;
	while (*at) {
		struct post *p = *at;
		if (p->flight.state != FLIGHT_FINISHED) {
			at = &p->next;
			continue;
		}
		a->update_acked |= p->type == KEY_UPDATE;
		*at = p->next;
		post_free(&conn->pool->config->heap, p);
	}
	if (!a->update_acked || a->posts || last_flight_is_open(conn))
		return cid_go_on(conn);
	a->update_acked = false;
	TRY(switch_write_keys(conn));
	TRY(auth_go_on(conn, now));
	TRY(cid_go_on(conn));
	if (!a->update_wanted)
		return TERN_OK;
	error = after_rekey(conn, a->update_asks, true);
	if (error != TERN_ERROR_LIMIT)
		return error;
	a->update_wanted = a->update_asks = false;
	return TERN_OK;
}

/* ---- what we receive ---- */

/* False: this ticket is not to be kept. */
static bool session_of(const tern_conn *conn, const struct new_session_ticket13 *message, tern_time now,
		       struct session *s)
{
	struct outcome o;
	bool fits;
	agreed_outcome(&conn->agreed, conn->pool->provider, &o);
	fits = message->lifetime && message->ticket.n <= TICKET_MAX && names_fit_session(&o);
	if (fits) {
		session_from_outcome(conn->pool, &o, now.unix_s, s);
		schedule13_resumption_psk(hash_of(conn), DTLS13_PREFIX, s->master, o.resumption_secret, message->nonce);
		s->age_add = message->age_add;
		s->ticket_len = (uint16_t)message->ticket.n;
		memcpy(s->ticket, message->ticket.p, message->ticket.n);
		if (s->expires_unix_s > s->created_unix_s + message->lifetime)
			s->expires_unix_s = s->created_unix_s + message->lifetime;
	}
	wipe(&o, sizeof o);
	return fits;
}

static tern_error take_ticket(tern_conn *conn, struct span body, tern_time now)
{
	const tern_allocator *heap = &conn->pool->config->heap;
	struct new_session_ticket13 message;
	struct extensions ext;
	struct session s;
	uint8_t blob[TERN_SESSION_MAX];
	struct wr w = wr_of(blob, sizeof blob);
	struct rd r = rd_of(body);
	if (conn->role != CLIENT)
		return CONN_FAIL(conn, ERROR_UNEXPECTED_MESSAGE, "RFC 8446 4.6.1");
	if (!get_new_session_ticket13(&r, &message) ||
	    !get_extensions(message.extensions, IN_NEW_SESSION_TICKET13, &ext))
		return CONN_FAIL(conn, ERROR_DECODE, "RFC 8446 4.6.1");
	if (ext.misplaced)
		return CONN_FAIL(conn, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.2");
	if (!session_of(conn, &message, now, &s))
		return TERN_OK;
	s.max_early_data = ext.max_early_data;
	put_session(&w, &s, true);
	session_wipe(&s);
	if (!wr_ok(&w)) {
		wipe(blob, sizeof blob);
		return TERN_OK;
	}
	heap_free(heap, conn->session, conn->session_len);
	conn->session = heap_copy(heap, blob, w.n);
	conn->session_len = (uint16_t)(conn->session ? w.n : 0);
	wipe(blob, sizeof blob);
	if (!conn->session)
		return CONN_FAIL(conn, ERROR_NO_MEMORY, "");
	conn->queued |= QUEUED_TICKET;
	return TERN_OK;
}

static tern_error take_key_update(tern_conn *conn, const struct message *m, tern_time now)
{
	enum role peer = conn->role == CLIENT ? SERVER : CLIENT;
	uint8_t *secret = agreed_secret(&conn->agreed, peer);
	struct after *a = conn->after;
	struct rd r = rd_of(m->body);
	uint8_t request;
	tern_error error;
	if (!get_key_update(&r, &request))
		return CONN_FAIL(conn, ERROR_DECODE, "RFC 8446 4.6.3");
	if (request > 1)
		return CONN_FAIL(conn, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.6.3");
	if (m->epoch != conn->records.in.epoch || m->epoch == UINT16_MAX)
		return CONN_FAIL(conn, ERROR_UNEXPECTED_MESSAGE, "RFC 9147 8");
	schedule13_update(hash_of(conn), DTLS13_PREFIX, secret);
	error = keys13_install(&conn->records, conn->agreed.suite, hash_of(conn), secret, (uint16_t)(m->epoch + 1),
			       false);
	if (error == TERN_OK)
		trace_keys(conn, (uint16_t)(m->epoch + 1), false);
	a->forget_ns = later(now.mono_ns, KEYS_LINGER_NS);
	if (error == TERN_OK && request)
		error = after_rekey(conn, false, false);
	/* A request that cannot be met is ignored: RFC 9147 8. */
	return error == TERN_OK || error == TERN_ERROR_LIMIT ? TERN_OK : conn_fail(conn, error, WHERE, "RFC 9147 8");
}

/* What came under keys is the peer's word, and its faults are the peer's: RFC 9147 4.5.2. */
static tern_error take_message(tern_conn *conn, const struct message *m, bool *answered, tern_time now)
{
	/* A KeyUpdate ends what may be said in its epoch, and the handshake's own epochs are over: RFC 9147 8. */
	if (m->epoch < EPOCH_DATA || m->epoch < conn->records.in.epoch)
		return CONN_FAIL(conn, ERROR_UNEXPECTED_MESSAGE, "RFC 9147 8");
	switch (m->type) {
	case NEW_SESSION_TICKET:
		return take_ticket(conn, m->body, now);
	case KEY_UPDATE:
		return take_key_update(conn, m, now);
	default:
		if (cid_has(m->type))
			return cid_receive(conn, m);
		if (auth_has(m->type))
			return auth_receive(conn, m, answered, now);
		return CONN_FAIL(conn, ERROR_UNEXPECTED_MESSAGE, "RFC 8446 4.6");
	}
}

tern_error after_receive(tern_conn *conn, const struct record *record, const struct fragment *f, bool *kept,
			 tern_time now)
{
	struct after *a = conn->after;
	struct message m;
	bool answered = false, due = a->acks.due;
	uint64_t deadline_ns = a->acks.deadline_ns;
	tern_error error;
	struct inbox *in = inbox_of(conn);
	tern_drop drop = in ? inbox_put(in, f, record->epoch) : TERN_DROP_BUDGET;
	*kept = drop == TERN_DROP_NONE || drop == TERN_DROP_OLD_MESSAGE;
	if (drop != TERN_DROP_NONE)
		conn_drop(conn, drop, record->type, record->epoch, record->seq, f->body.n);
	if (*kept) /* each is acknowledged, repeats too: RFC 9147 7 */
		acks_share(&a->acks, record->epoch < EPOCH_DATA ? 0 : conn->pool->config->timers.ack_ns, now);
	while (in && inbox_next(in, &m)) {
		TRY(take_message(conn, &m, &answered, now));
		inbox_done(in);
		a->receive_seq = in->next;
	}
	if (in && !in->slots)
		free_inbox(conn);
	if (answered) { /* that acknowledges it: RFC 9147 7.1 */
		*kept = false;
		a->acks.due = due;
		a->acks.deadline_ns = deadline_ns;
	}
	note_numbers(conn);
	error = sweep(conn, now);
	return error == TERN_OK ? TERN_OK : conn_fail(conn, error, WHERE, "RFC 9147 8");
}

/* RFC 9147 7.2. During the handshake an ACK is about its own epoch and those below. Afterwards the epochs of the two
 * directions have nothing to do with each other: what counts is what we have sent. */
static bool epochs_are_possible(const tern_conn *conn, uint16_t epoch, struct rd numbers)
{
	uint16_t most = epoch < EPOCH_DATA ? epoch : conn->records.out.epoch;
	struct record_number n;
	while (get_record_number(&numbers, &n))
		if (n.epoch > most)
			return false;
	return true;
}

tern_error after_receive_ack(tern_conn *conn, const struct record *record, tern_time now)
{
	struct after *a = conn->after;
	struct rd r = rd_of(span_of(record->p, record->n)), numbers;
	struct record_number n;
	tern_error error;
	if (!get_ack(&r, &numbers)) {
		conn_drop(conn, TERN_DROP_MALFORMED, record->type, record->epoch, record->seq, record->wire.n);
		return TERN_OK;
	}
	if (!epochs_are_possible(conn, record->epoch, numbers)) {
		if (record->epoch && conn->state != CONN_CLOSED)
			return CONN_FAIL(conn, ERROR_ILLEGAL_PARAMETER, "RFC 9147 7");
		conn_drop(conn, TERN_DROP_PLAINTEXT, record->type, record->epoch, record->seq, record->wire.n);
		return TERN_OK;
	}
	if (conn->hs && record->epoch == 0)
		flight_acks_plain(&conn->hs->flight);
	while (get_record_number(&numbers, &n)) {
		if (conn->hs)
			flight_acked(&conn->hs->flight, (uint16_t)n.epoch, n.seq, now);
		for (struct post *p = a->posts; p; p = p->next)
			flight_acked(&p->flight, (uint16_t)n.epoch, n.seq, now);
	}
	if (conn->hs)
		flight_acks_end(&conn->hs->flight, now);
	for (struct post *p = a->posts; p; p = p->next)
		flight_acks_end(&p->flight, now);
	error = conn->state == CONN_OPEN ? sweep(conn, now) : TERN_OK;
	return error == TERN_OK ? TERN_OK : conn_fail(conn, error, WHERE, "RFC 9147 8");
}

/* ---- time and datagrams ---- */

/* A client whose hello was answered in part has nothing else to repeat (RFC 9147 7.2). */
static bool awaits_rest(const tern_conn *conn)
{
	const struct handshake *hs = conn->hs;
	return conn->role == CLIENT && hs && !hs->complete && hs->flight.state == FLIGHT_FINISHED;
}

static tern_error take_ack(tern_conn *conn, uint8_t *out, size_t cap, size_t *len, tern_time now)
{
	struct after *a = conn->after;
	uint16_t epoch = conn_told_epoch(conn);
	uint8_t body[2 + 16 * ACK_RECORDS];
	size_t room = conn->mtu - record_overhead(&conn->records, epoch);
	struct wr bw = wr_of(body, room < sizeof body ? room : sizeof body), w = wr_of(out, cap);
	uint64_t seq;
	tern_error error;
	acks_put(&a->acks, &bw);
	error = record_seal(&conn->records, epoch, CONTENT_ACK, wr_span(&bw), &w, &seq);
	if (error != TERN_OK)
		return error;
	*len = w.n;
	a->acks.due = false;
	if (awaits_rest(conn))
		acks_again(&a->acks, rto_timeout(&conn->hs->flight.rto, 0), now);
	if (conn->pool->config->trace) {
		tern_trace t = {.kind = TERN_TRACE_SENT,
				.content_type = CONTENT_ACK,
				.epoch = epoch,
				.record_seq = seq,
				.length = (uint32_t)w.n};
		conn->pool->config->trace(conn->pool->config->trace_user, conn, &t);
	}
	return TERN_OK;
}

tern_error after_take(tern_conn *conn, uint8_t *out, size_t cap, size_t *len, tern_time now)
{
	struct after *a = conn->after;
	if (a->acks.due)
		return take_ack(conn, out, cap, len, now);
	for (struct post *p = a->posts; p && conn->state == CONN_OPEN; p = p->next) {
		if (!flight_sends(&p->flight))
			continue;
		return flight_take(&p->flight, &conn->records, out, cap, len, pool_jitter(conn->pool), now);
	}
	return TERN_OK;
}

void after_set_mtu(tern_conn *conn, uint16_t mtu)
{
	for (struct post *p = conn->after->posts; p; p = p->next)
		flight_set_mtu(&p->flight, mtu);
}

void after_set_timeout(tern_conn *conn, uint64_t first_ns)
{
	for (struct post *p = conn->after->posts; p; p = p->next)
		flight_set_timeout(&p->flight, first_ns, pool_jitter(conn->pool));
}

/* Once closed there is nothing new to say; what the peer repeats is still acknowledged. */
void after_receive_closed(tern_conn *conn, const struct record *record, tern_time now)
{
	struct after *a = conn->after;
	struct rd r = rd_of(span_of(record->p, record->n));
	struct fragment f;
	do {
		if (!get_fragment(&r, &f) || f.message_seq >= a->receive_seq)
			return;
	} while (rd_left(&r));
	acks_note(&a->acks, record->epoch, record->seq);
	acks_hurry(&a->acks);
	if (conn->hs && record->epoch < EPOCH_DATA)
		flight_repeat(&conn->hs->flight, pool_jitter(conn->pool), now);
}

uint64_t after_deadline(const tern_conn *conn)
{
	const struct after *a = conn->after;
	uint64_t deadline = a->acks.deadline_ns < a->forget_ns ? a->acks.deadline_ns : a->forget_ns;
	for (const struct post *p = a->posts; p; p = p->next)
		if (flight_deadline(&p->flight) < deadline)
			deadline = flight_deadline(&p->flight);
	return deadline;
}

/* Old keys: to be read until the new ones have proved themselves (RFC 9147 4.2.1, 8), to be written until what was sent
 * under them has come through. */
static void forget_keys(tern_conn *conn, tern_time now)
{
	struct record_layer *l = &conn->records;
	bool proved = l->in.opened > 0, open = last_flight_is_open(conn);
	record_forget_read(l, proved ? l->in.epoch : EPOCH_DATA);
	if (!open)
		record_forget_write(l, EPOCH_DATA);
	acks_rest(&conn->after->acks);
	conn->after->forget_ns = TERN_NEVER;
	if (open || (!proved && l->older_in))
		conn->after->forget_ns = later(now.mono_ns, KEYS_LINGER_NS);
}

tern_error after_tick(tern_conn *conn, tern_time now)
{
	struct after *a = conn->after;
	acks_tick(&a->acks, now);
	if (now.mono_ns >= a->forget_ns)
		forget_keys(conn, now);
	for (struct post *p = a->posts; p; p = p->next) {
		tern_error error = flight_tick(&p->flight, now);
		/* A ticket that cannot be delivered is the client's loss alone, until a KeyUpdate is to follow it. */
		if (error == TERN_ERROR_TIMEOUT && p->type == NEW_SESSION_TICKET && !update_under_way(a))
			continue;
		TRY(error);
	}
	return conn->state == CONN_OPEN ? sweep(conn, now) : TERN_OK;
}
