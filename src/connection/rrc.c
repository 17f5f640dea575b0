/* The return routability check at work: its records, and the paths of a connection (RFC 9853). */
#include "connection/conn.h"
#include "connection/path.h"
#include "handshake/version.h"
#include "wire/record.h"

/* Without a connection ID nothing leads to us from elsewhere, and nothing has to be kept. */
tern_error rrc_complete(tern_conn *conn)
{
	const struct tern_config *config = conn->pool->config;
	const tern_path *path = &conn->hs->path;
	bool follows = path->remote.len && (conn->agreed.rrc || conn->records.cids.len[CID_OURS]);
	size_t max = record_padded_max(&conn->records, conn->write_epoch);
	bool measures = config->pmtud && conn->agreed.rrc && max >= conn->mtu;
	if (!follows && !measures)
		return TERN_OK;
	TRY(rrc_paths(conn, path));
	if (!measures)
		return TERN_OK;
	max = max < config->limits.mtu_max ? max : config->limits.mtu_max;
	return paths_measure(conn->paths, conn_mtu_min(conn), conn->mtu, (uint16_t)(max > conn->mtu ? max : conn->mtu));
}

tern_error rrc_paths(tern_conn *conn, const tern_path *path)
{
	const struct tern_config *config = conn->pool->config;
	if (conn->paths)
		return TERN_OK;
	conn->paths = paths_new(&config->heap, path);
	if (!conn->paths)
		return TERN_ERROR_NO_MEMORY;
	conn->paths->checks = conn->agreed.rrc;
	conn->paths->enhanced = config->rrc == TERN_RRC_ENHANCED;
	return TERN_OK;
}

/* What was measured is what flights and data may take from now on. */
static void follow_size(tern_conn *conn)
{
	const struct pmtud *p = conn->paths->pmtud;
	const struct tern_config *config = conn->pool->config;
	if (!p || p->size == conn->mtu)
		return;
	conn_set_mtu(conn, p->size);
	if (config->trace) {
		tern_trace t = {.kind = TERN_TRACE_MTU, .length = p->size};
		config->trace(config->trace_user, conn, &t);
	}
}

void rrc_arrived(tern_conn *conn, const struct record *record, tern_time now)
{
	struct arrived a = {
		.n = record->wire.n,
		.newest = record_is_newest(&conn->records, record),
		.has_cid = conn->records.cids.len[CID_OURS] > 0,
		.checks = record->type == CONTENT_RETURN_ROUTABILITY_CHECK,
	};
	paths_arrived(conn->paths, &a, conn->rtt_ns, now);
}

/* RFC 6298 2. A new path has nothing to do with the old one. */
static void learn_rtt(tern_conn *conn, uint64_t rtt_ns, bool moved)
{
	if (!rtt_ns || conn->first_ns || conn->pool->config->timers.no_rtt)
		return;
	if (conn->rtt_ns && !moved)
		rtt_ns = conn->rtt_ns - conn->rtt_ns / 8 + rtt_ns / 8;
	conn->rtt_ns = rtt_ns ? rtt_ns : 1;
}

tern_drop rrc_receive(tern_conn *conn, const struct record *record, tern_time now)
{
	struct rd r = rd_of(span_of(record->p, record->n));
	struct rrc message;
	uint64_t rtt_ns;
	tern_path before;
	if (!get_rrc(&r, &message))
		return TERN_DROP_MALFORMED;
	if (rrc_paths(conn, NULL) != TERN_OK)
		return TERN_DROP_BUDGET;
	before = conn->paths->current;
	if (!paths_receive(conn->paths, &message, record->wire.n, &rtt_ns, now))
		return message.type == RRC_PATH_CHALLENGE ? TERN_DROP_BUDGET : TERN_DROP_PATH;
	learn_rtt(conn, rtt_ns, !path_same(&before, &conn->paths->current));
	follow_size(conn);
	return TERN_DROP_NONE;
}

/* ---- sending ---- */

static void trace_sent(const tern_conn *conn, uint64_t seq, size_t n)
{
	const struct tern_config *config = conn->pool->config;
	tern_trace t = {.kind = TERN_TRACE_SENT,
			.content_type = CONTENT_RETURN_ROUTABILITY_CHECK,
			.epoch = conn->write_epoch,
			.record_seq = seq,
			.length = (uint32_t)n};
	if (config->trace)
		config->trace(config->trace_user, conn, &t);
}

static tern_error seal_message(tern_conn *conn, const struct path_errand *e, struct wr *w)
{
	struct record_layer *l = &conn->records;
	struct rrc message = {e->type, span_of(e->cookie, RRC_COOKIE)};
	uint8_t body[RRC_LEN];
	struct wr bw = wr_of(body, sizeof body);
	uint64_t seq;
	put_rrc(&bw, &message);
	if (e->size)
		TRY(record_seal_padded(l, conn->write_epoch, CONTENT_RETURN_ROUTABILITY_CHECK, wr_span(&bw), e->size, w,
				       &seq));
	else
		TRY(record_seal(l, conn->write_epoch, CONTENT_RETURN_ROUTABILITY_CHECK, wr_span(&bw), w, &seq));
	trace_sent(conn, seq, w->n);
	return TERN_OK;
}

/* A probe that the caller has no room for is none to look further for. */
static struct path_errand next_errand(tern_conn *conn, size_t cap, bool current_only)
{
	size_t n = record_overhead(&conn->records, conn->write_epoch) + RRC_LEN;
	struct path_errand e = paths_errand(conn->paths, n, current_only);
	if (e.kind != ERRAND_SIZE || e.size <= cap)
		return e;
	pmtud_limit(conn->paths->pmtud, (uint16_t)cap);
	follow_size(conn);
	return paths_errand(conn->paths, n, current_only);
}

tern_error rrc_take(tern_conn *conn, uint8_t *out, size_t cap, size_t *len, tern_path *path, tern_time now)
{
	struct wr w = wr_of(out, cap);
	struct path_errand e;
	if (!conn->paths || record_seals_left(&conn->records) <= 1) /* the last one tells the peer */
		return TERN_OK;
	e = next_errand(conn, cap, path == NULL);
	if (e.kind == ERRAND_NONE)
		return TERN_OK;
	if (e.kind != ERRAND_ANSWER)
		TRY(conn->pool->provider->random(conn->pool->crypto, e.cookie, RRC_COOKIE));
	TRY(seal_message(conn, &e, &w));
	*len = w.n;
	if (path)
		*path = *e.to;
	paths_sent(conn->paths, &e, w.n, conn->rtt_ns, now);
	conn_note_limits(conn);
	return TERN_OK;
}

void rrc_used(tern_conn *conn, size_t n)
{
	if (conn->paths && conn->paths->pmtud)
		pmtud_used(conn->paths->pmtud, n);
}

/* ---- time and events ---- */

uint64_t rrc_deadline(const tern_conn *conn)
{
	return conn->paths && conn->state == CONN_OPEN ? paths_deadline(conn->paths) : TERN_NEVER;
}

void rrc_tick(tern_conn *conn, tern_time now)
{
	if (!conn->paths || conn->state != CONN_OPEN)
		return;
	paths_tick(conn->paths, conn->rtt_ns, now);
	follow_size(conn);
}

bool rrc_event(tern_conn *conn, tern_event *event)
{
	static const struct {
		enum path_news news;
		tern_path_event event;
	} rows[] = {{NEWS_PROBING, TERN_PATH_PROBING}, {NEWS_CHANGED, TERN_PATH_CHANGED},
		    {NEWS_FAILED, TERN_PATH_FAILED},   {NEWS_ALIVE, TERN_PATH_ALIVE},
		    {NEWS_SILENT, TERN_PATH_SILENT},   {NEWS_SEEN, TERN_PATH_SEEN}};
	enum path_news news = paths_news(conn->paths, &event->path);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (rows[i].news != news)
			continue;
		event->kind = TERN_EVENT_PATH;
		event->path_event = rows[i].event;
	}
	return news != 0;
}

/* ---- the calls ---- */

bool tern_conn_path(const tern_conn *conn, tern_path *path)
{
	const tern_path *known = conn->paths ? &conn->paths->current : conn->hs ? &conn->hs->path : NULL;
	if (!known || !known->remote.len)
		return false;
	*path = *known;
	return true;
}

static bool is_over(const tern_conn *conn)
{
	return conn->state == CONN_CLOSED || conn->state == CONN_FAILED;
}

tern_error tern_conn_set_path(tern_conn *conn, const tern_path *path, tern_time now)
{
	(void)now;
	if (!path || !path->remote.len)
		return TERN_ERROR_USAGE;
	if (is_over(conn))
		return TERN_ERROR_NOT_CONNECTED;
	if (conn->state == CONN_HANDSHAKE) {
		conn->hs->path = *path;
		return TERN_OK;
	}
	if (!conn->paths)
		return rrc_paths(conn, path);
	TRY(paths_move(conn->paths, path));
	follow_size(conn);
	return TERN_OK;
}

tern_error tern_conn_probe(tern_conn *conn, tern_time now)
{
	if (conn->state != CONN_OPEN)
		return TERN_ERROR_NOT_CONNECTED;
	if (!conn->agreed.rrc)
		return TERN_ERROR_USAGE;
	TRY(rrc_paths(conn, NULL));
	return paths_probe(conn->paths, conn->rtt_ns, now);
}
