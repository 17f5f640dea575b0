/* Whose datagram it is. A client that restarts speaks from the address of a connection that is still there, so an
 * address may have two: the current one, and a candidate that takes its place once it is connected (RFC 6347 4.2.8,
 * RFC 9147 5.11). */
#include "endpoint.h"

enum { HANDSHAKE = 22, RECORD_HEADER = 13, HELLO_MIN = RECORD_HEADER + 12, REPLY_MAX = 512 };

static bool is_connected(const tern_endpoint *endpoint, uint32_t index)
{
	return (slot_at(endpoint, index)->flags & SLOT_CONNECTED) != 0;
}

/* The ClientHello in the first record, as a number: repeated ones differ in the record's header only. */
static uint32_t hello_hash(const tern_endpoint *endpoint, const struct arrival *d)
{
	size_t body;

	if (d->len < RECORD_HEADER)
		return 0;
	body = (size_t)d->bytes[11] << 8 | d->bytes[12];
	if (body > d->len - RECORD_HEADER)
		body = d->len - RECORD_HEADER;
	return (uint32_t)siphash(endpoint->key, d->bytes + RECORD_HEADER, body) | 1;
}

static void begin_course(tern_endpoint *endpoint, uint32_t index, uint32_t second, const struct arrival *d)
{
	endpoint->course = (struct course){.slot = index, .second = second, .feeds = true, .datagram = *d};
}

static void put_off(tern_endpoint *endpoint, const struct arrival *d)
{
	if (!backlog_put(&endpoint->backlog, d))
		COUNT(endpoint, dropped_backlog, 1);
}

/* Datagrams of one peer often follow each other. */
static struct found find(tern_endpoint *endpoint, const struct route *route)
{
	if (!endpoint->found_holds || memcmp(&endpoint->sought, route, sizeof *route) != 0) {
		endpoint->found = slots_find(endpoint, route);
		endpoint->sought = *route;
		endpoint->found_holds = true;
	}
	return endpoint->found;
}

/* One of them has not finished its handshake. */
static bool is_shaking(const tern_endpoint *endpoint, const struct found *f)
{
	return f->candidate || (f->current && !is_connected(endpoint, f->current));
}

/* Whether a datagram from a known address may begin a new association. A later fragment of a hello belongs to a
 * handshake under way if there is one; without one, only to a client that has restarted. */
static bool starts_anew(const tern_endpoint *endpoint, const struct found *f, const tern_glance *glance)
{
	return glance->client_hello || (glance->hello_fragment && !is_shaking(endpoint, f));
}

static uint32_t find_hello(const tern_endpoint *endpoint, const struct found *f, uint32_t hello)
{
	if (f->candidate && slot_at(endpoint, f->candidate)->hello == hello)
		return f->candidate;
	return f->current && slot_at(endpoint, f->current)->hello == hello ? f->current : 0;
}

static void accept_hello(tern_endpoint *endpoint, const struct found *f, const struct arrival *d,
			 const tern_verdict *verdict, const tern_path *path)
{
	tern_conn *conn;
	uint16_t flags;
	uint32_t index;

	if (endpoint->closing || !admit(endpoint, &d->route, &flags))
		return;
	endpoint->course.slot =
		slot_next(endpoint); /* a hello that came in fragments is answered, with an ID, at once */
	tern_error error = tern_accept(&conn, endpoint->pool->pool, verdict, path, endpoint->now);
	endpoint->course.slot = 0;
	index = life_begin(endpoint, error == TERN_OK ? conn : NULL, &d->route, flags);
	if (!index) {
		COUNT(endpoint, refused_memory, 1);
		return;
	}
	if (f->candidate)
		life_end(endpoint, f->candidate, TERN_GONE_REPLACED);
	/* Making room may have taken the current one. */
	if (f->current && !(slot_at(endpoint, f->current)->flags & SLOT_DYING))
		slot_set_candidate(endpoint, index, true);
	slot_at(endpoint, index)->hello = hello_hash(endpoint, d);
	begin_course(endpoint, index, 0, d);
	endpoint->course.accepted = true;
	endpoint->slow = true;
}

static void reply(tern_endpoint *endpoint, const struct route *route, const uint8_t *bytes, size_t len)
{
	size_t room;
	uint8_t *to = sends_room(endpoint, len, &room);

	if (!to) {
		COUNT(endpoint, dropped_reply, 1);
		return;
	}
	memcpy(to, bytes, len);
	sends_add(endpoint, route, len);
	COUNT(endpoint, retries_sent, 1);
}

/* A ClientHello that belongs to no association of its address. Returns false when it is none to be answered. */
static bool answer_hello(tern_endpoint *endpoint, const struct found *f, const struct arrival *d, bool late)
{
	uint8_t answer[REPLY_MAX];
	tern_verdict verdict;
	tern_path path;
	size_t len = 0;

	route_path(endpoint, &d->route, &path);
	if (tern_listen(endpoint->pool->pool, &verdict, answer, sizeof answer, &len, d->bytes, d->len, &path,
			endpoint->now) != TERN_OK)
		return false;
	if (verdict.drop != TERN_DROP_NONE && verdict.drop < TERN_NUM_DROPS && !f->current)
		count_up(&endpoint->dropped[verdict.drop], 1);
	if (verdict.kind == TERN_VERDICT_DROP)
		return false;
	if (verdict.kind == TERN_VERDICT_REPLY) {
		reply(endpoint, &d->route, answer, len);
		return true;
	}
	/* Without cookies a handshake may be under way that asked for a second ClientHello. */
	if (verdict.message_seq > 0 && !verdict.address_proved && is_shaking(endpoint, f))
		return false;
	if (late)
		accept_hello(endpoint, f, d, &verdict, &path);
	else
		put_off(endpoint, d);
	return true;
}

/* Whether the pool keeps nothing of this hello: then it may be judged now and again later. */
static bool is_whole(const struct arrival *d)
{
	return d->len >= HELLO_MIN && memcmp(d->bytes + RECORD_HEADER + 1, d->bytes + RECORD_HEADER + 9, 3) == 0;
}

static void feed(tern_endpoint *endpoint, uint32_t index, uint32_t second, const struct arrival *d, bool late)
{
	if (late || (is_connected(endpoint, index) && !second)) {
		begin_course(endpoint, index, second, d);
		endpoint->slow = endpoint->slow || late;
	} else {
		put_off(endpoint, d);
	}
}

static bool is_handshake(const struct arrival *d)
{
	return d->len > 0 && d->bytes[0] == HANDSHAKE;
}

/* For an address that the endpoint listens at. */
static void dispatch_served(tern_endpoint *endpoint, const struct arrival *d, bool late)
{
	struct found f = find(endpoint, &d->route);
	tern_glance glance = {.client_hello = !f.current};

	if (f.current && is_handshake(d))
		glance = tern_peek(d->bytes, d->len);
	if (!f.current || starts_anew(endpoint, &f, &glance)) {
		uint32_t repeated = f.current ? find_hello(endpoint, &f, hello_hash(endpoint, d)) : 0;
		if (repeated) {
			feed(endpoint, repeated, 0, d, late);
			return;
		}
		if (!late && glance.client_hello && d->len > HELLO_MIN && is_handshake(d) && !is_whole(d)) {
			put_off(endpoint, d);
			return;
		}
		if (answer_hello(endpoint, &f, d, late))
			return;
		if (!f.current && !late && backlog_holds(&endpoint->backlog, &d->route)) {
			put_off(endpoint, d); /* early data behind its hello */
			return;
		}
		if (!f.current) {
			COUNT(endpoint, dropped_stranger, 1);
			return;
		}
	}
	/* Opening fails without a trace in the bytes, so the other association sees them as they came. */
	if (f.candidate)
		feed(endpoint, f.candidate, f.current, d, late);
	else
		feed(endpoint, f.current, 0, d, late);
}

/* By connection ID, whatever address it came from. */
static bool dispatch_named(tern_endpoint *endpoint, const struct arrival *d, bool late)
{
	const struct slot *slot;
	uint32_t index;
	uint8_t worker;

	if (!group_find(endpoint, d, &worker, &index))
		return false;
	if (worker != endpoint->worker) {
		group_hand_over(endpoint, worker, d);
		return true;
	}
	if (index == 0 || index / CHUNK >= endpoint->num_chunks)
		return false;
	slot = slot_at(endpoint, index);
	if (!slot->conn || (slot->flags & (SLOT_SERVER | SLOT_DYING)) != SLOT_SERVER)
		return false;
	feed(endpoint, index, 0, d, late);
	return true;
}

void dispatch(tern_endpoint *endpoint, const struct arrival *datagram, bool late)
{
	uint32_t dialed = endpoint->sockets[datagram->route.socket].slot;

	if (!dialed && !dispatch_named(endpoint, datagram, late))
		dispatch_served(endpoint, datagram, late);
	else if (!dialed)
		return;
	else if (!(slot_at(endpoint, dialed)->flags & SLOT_DYING))
		feed(endpoint, dialed, 0, datagram, late);
}
