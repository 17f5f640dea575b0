#include "connection/cid.h"

#include "handshake/cid.h"
#include "wire/messages13.h"

#define REFUSALS_MAX 16 /* requests in a row that we can grant nothing of, or that do not await the answer */

bool cid_has(uint8_t type)
{
	return type == NEW_CONNECTION_ID || type == REQUEST_CONNECTION_ID;
}

void cid_moved(tern_conn *conn)
{
	struct cids *cids = &conn->records.cids;
	while (cids->replaced)
		cid_retire(conn->pool, conn, cids);
	cids->moved = false;
}

/* ---- what we send ---- */

static bool under_way(const tern_conn *conn, uint8_t type)
{
	for (const struct post *p = conn->after->posts; p; p = p->next)
		if (p->type == type)
			return true;
	return false;
}

static tern_error post(tern_conn *conn, uint8_t type, struct span body)
{
	struct outgoing message = {.content_type = CONTENT_HANDSHAKE, .type = type, .body = body};
	return after_post(conn, &message, 1);
}

/* One place stays free for an ID that replaces all others. */
static size_t room(const struct cids *cids, bool immediate)
{
	size_t num = cids_num(cids, CID_OURS), most = immediate ? CIDS_MAX : CIDS_MAX - 1;
	return num < most ? most - num : 0;
}

/* What the peer has left behind makes room: it is to use them in order. */
static void make_room(tern_conn *conn, size_t wanted)
{
	struct cids *cids = &conn->records.cids;
	while (cids->used && room(cids, false) < wanted)
		cid_retire(conn->pool, conn, cids);
}

/* As many as there is room for, as long as there are any to be had. */
static tern_error put_new(tern_conn *conn, struct wr *w, size_t wanted, bool immediate)
{
	struct cids *cids = &conn->records.cids;
	struct span made = {NULL, 1};
	for (size_t n = room(cids, immediate); n && wanted && made.n; n--, wanted--) {
		TRY(cid_make(conn->pool, conn, cids, &made));
		if (made.n)
			wr_vec8(w, made);
	}
	return TERN_OK;
}

/* The peer's wish comes behind one of ours. Where nothing is to be had, only the peer's is answered. */
static tern_error tell_new(tern_conn *conn, struct cid_dues *d)
{
	struct cids *cids = &conn->records.cids;
	uint8_t list[CIDS_MAX * (1 + CID_MAX)], body[sizeof list + 8];
	struct wr lw = wr_of(list, sizeof list), w = wr_of(body, sizeof body);
	bool ours = d->wanted, immediate = ours && d->immediate;
	struct new_connection_id message = {.usage = immediate ? CID_IMMEDIATE : CID_SPARE};
	size_t before = cids_num(cids, CID_OURS);
	if (!ours)
		make_room(conn, d->asked_for);
	TRY(put_new(conn, &lw, ours ? d->wanted : d->asked_for, immediate));
	message.cids = wr_span(&lw);
	if (ours) {
		d->wanted = 0;
		d->immediate = false;
	} else {
		d->asked = false;
		d->refused = lw.n ? 0 : (uint8_t)(d->refused + 1);
	}
	if (ours && !lw.n)
		return TERN_OK;
	if (immediate)
		cids->replaced = (uint8_t)before;
	put_new_connection_id(&w, &message);
	return post(conn, NEW_CONNECTION_ID, wr_span(&w));
}

static tern_error post_request(tern_conn *conn, struct cid_dues *d)
{
	uint8_t body[1];
	struct wr w = wr_of(body, sizeof body);
	put_request_connection_id(&w, d->request);
	d->request = 0;
	return post(conn, REQUEST_CONNECTION_ID, wr_span(&w));
}

/* RFC 9147 5.8.4, 9: a second NewConnectionId waits until the first is acknowledged. */
tern_error cid_go_on(tern_conn *conn)
{
	struct cid_dues *d = &conn->after->cids;
	tern_error error = TERN_OK;
	if (conn->state != CONN_OPEN || !after_may_post(conn))
		return TERN_OK;
	if ((d->wanted || d->asked) && !under_way(conn, NEW_CONNECTION_ID))
		error = tell_new(conn, d);
	if (error == TERN_OK && d->request)
		error = post_request(conn, d);
	return error == TERN_ERROR_LIMIT ? TERN_OK : error; /* no numbers are left for wishes */
}

/* ---- what we receive ---- */

static bool usable(const tern_conn *conn, struct span cid)
{
	return cid_fits_mtu(cid.n, conn->mtu);
}

static bool have(const struct cids *cids, struct span cid)
{
	struct span each;
	for (size_t i = 0; (each = cids_at(cids, CID_PEERS, i)).n; i++)
		if (span_equal(each, cid))
			return true;
	return false;
}

/* More than we keep are discarded, and what we could not send with: RFC 9147 9. */
static tern_error keep(tern_conn *conn, struct span list)
{
	struct cids *cids = &conn->records.cids;
	struct rd r = rd_of(list);
	struct span cid;
	while (rd_span8(&r, &cid)) {
		tern_error error;
		if (!usable(conn, cid) || have(cids, cid))
			continue;
		error = cids_add(cids, &conn->pool->config->heap, CID_PEERS, cid);
		if (error != TERN_OK)
			return error == TERN_ERROR_BUDGET ? TERN_OK : error;
	}
	return TERN_OK;
}

/* The old ones go when a new one is there: an alert that says that it cannot be has to bear one, too. BUDGET: the MTU
 * holds none, or none is new. */
static tern_error replace(tern_conn *conn, struct span list)
{
	const tern_allocator *heap = &conn->pool->config->heap;
	struct cids *cids = &conn->records.cids;
	size_t old = cids_num(cids, CID_PEERS);
	if (old == CIDS_MAX) {
		cids_drop_first(cids, heap, CID_PEERS);
		old--;
	}
	TRY(keep(conn, list));
	if (cids_num(cids, CID_PEERS) == old)
		return TERN_ERROR_BUDGET;
	while (old--)
		cids_drop_first(cids, heap, CID_PEERS);
	return keep(conn, list);
}

static bool holds_empty(struct span list)
{
	struct rd r = rd_of(list);
	struct span cid;
	while (rd_span8(&r, &cid))
		if (!cid.n)
			return true;
	return false;
}

/* With cid_immediate those we had are not used any more. */
static tern_error take_new(tern_conn *conn, struct span body)
{
	struct cids *cids = &conn->records.cids;
	struct new_connection_id message;
	struct rd r = rd_of(body);
	tern_error error;
	if (!get_new_connection_id(&r, &message))
		return CONN_FAIL(conn, ERROR_DECODE, "RFC 9147 9");
	if (!cids->len[CID_PEERS]) /* nor do we send with one */
		return CONN_FAIL(conn, ERROR_UNEXPECTED_MESSAGE, "RFC 9147 9");
	if (message.usage > CID_SPARE || holds_empty(message.cids) ||
	    (message.usage == CID_IMMEDIATE && !message.cids.n))
		return CONN_FAIL(conn, ERROR_ILLEGAL_PARAMETER, "RFC 9147 9");
	if (message.usage == CID_SPARE)
		conn->after->cids.requested = false;
	error = message.usage == CID_IMMEDIATE ? replace(conn, message.cids) : keep(conn, message.cids);
	return error == TERN_OK ? TERN_OK : conn_fail(conn, error, WHERE, "RFC 9147 9");
}

/* While an answer is due another request may come of a spare ID of ours that the peer took for the answer; not often,
 * though: RFC 9147 9. */
static tern_error take_request(tern_conn *conn, struct span body)
{
	struct cid_dues *d = &conn->after->cids;
	struct rd r = rd_of(body);
	uint8_t num;
	if (!get_request_connection_id(&r, &num))
		return CONN_FAIL(conn, ERROR_DECODE, "RFC 9147 9");
	if (!conn->records.cids.len[CID_OURS])
		return CONN_FAIL(conn, ERROR_UNEXPECTED_MESSAGE, "RFC 9147 9");
	if (d->asked)
		d->refused++;
	if (d->refused >= REFUSALS_MAX)
		return CONN_FAIL(conn, ERROR_TOO_MANY_CIDS, "RFC 9147 9");
	d->asked = after_is_rich(conn);
	d->asked_for = num;
	return TERN_OK;
}

tern_error cid_receive(tern_conn *conn, const struct message *m)
{
	return m->type == NEW_CONNECTION_ID ? take_new(conn, m->body) : take_request(conn, m->body);
}

/* ---- the application's wishes ---- */

static tern_error settle_wish(tern_conn *conn)
{
	tern_error error = cid_go_on(conn);
	return error == TERN_OK ? TERN_OK : conn_fail(conn, error, WHERE, "RFC 9147 9");
}

tern_error tern_conn_new_cid(tern_conn *conn, bool immediate)
{
	const struct cids *cids = &conn->records.cids;
	if (conn->state != CONN_OPEN)
		return TERN_ERROR_NOT_CONNECTED;
	if (!conn->after || !cids->len[CID_OURS])
		return TERN_ERROR_USAGE;
	if (!after_is_rich(conn) || room(cids, immediate) <= conn->after->cids.wanted)
		return TERN_ERROR_LIMIT;
	conn->after->cids.wanted++;
	conn->after->cids.immediate |= immediate;
	return settle_wish(conn);
}

tern_error tern_conn_request_cids(tern_conn *conn, unsigned n)
{
	struct cid_dues *d;
	if (conn->state != CONN_OPEN)
		return TERN_ERROR_NOT_CONNECTED;
	if (!conn->after || !conn->records.cids.len[CID_PEERS] || n == 0 || n >= CIDS_MAX ||
	    conn->after->cids.requested)
		return TERN_ERROR_USAGE;
	if (!after_is_rich(conn))
		return TERN_ERROR_LIMIT;
	d = &conn->after->cids;
	d->request = (uint8_t)n;
	d->requested = true;
	return settle_wish(conn);
}

/* For a new path, so that nobody links it to the old one: RFC 9147 9, 11. */
tern_error tern_conn_next_cid(tern_conn *conn)
{
	struct cids *cids = &conn->records.cids;
	if (conn->state != CONN_OPEN)
		return TERN_ERROR_NOT_CONNECTED;
	if (cids_num(cids, CID_PEERS) < 2)
		return TERN_ERROR_USAGE;
	cids_drop_first(cids, &conn->pool->config->heap, CID_PEERS);
	return TERN_OK;
}
