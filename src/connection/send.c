/* What a connection sends, when, and what it tells of itself. */
#include "connection/conn.h"
#include "handshake/early13.h"
#include "handshake/keys13.h"
#include "handshake/version.h"
#include "wire/record.h"

static struct tracer tracer_of(const tern_conn *conn)
{
	const struct tern_config *config = conn->pool->config;
	return (struct tracer){config->trace, config->trace_user, conn};
}

static tern_error take_alert(tern_conn *conn, uint8_t *out, size_t cap, size_t *len)
{
	uint8_t body[2];
	struct wr bw = wr_of(body, sizeof body), w = wr_of(out, cap);
	struct alert alert = {conn->alert_level, conn->alert_description};
	const struct tracer trace = tracer_of(conn);
	uint16_t epoch = conn_told_epoch(conn);
	uint64_t seq;
	tern_error error;
	put_alert(&bw, &alert);
	error = record_seal(&conn->records, epoch, CONTENT_ALERT, wr_span(&bw), &w, &seq);
	if (error == TERN_ERROR_BUFFER_TOO_SMALL)
		return error;
	conn->alert_waits = false;
	if (error != TERN_OK) /* no record numbers left: nothing more can be said */
		return TERN_OK;
	*len = w.n;
	if (trace.fn) {
		tern_trace t = {.kind = TERN_TRACE_SENT,
				.content_type = CONTENT_ALERT,
				.epoch = epoch,
				.record_seq = seq,
				.length = (uint32_t)w.n};
		trace.fn(trace.user, conn, &t);
	}
	return TERN_OK;
}

/* Until the server has named a version, the records of hellos say DTLS 1.0, as those of OpenSSL, NSS and BoringSSL do,
 * so that to whoever inspects them they look like any other (RFC 9147 4, 5.3). */
static uint16_t plain_version(const struct handshake *hs)
{
	return hs->flight.messages[0].type == CLIENT_HELLO && !hs->retried ? VERSION_DTLS10 : VERSION_DTLS12;
}

/* The retransmission counter of the information call, kept beyond the handshake. */
static tern_error take_flight(tern_conn *conn, uint8_t *out, size_t cap, size_t *len, tern_time now)
{
	struct handshake *hs = conn->hs;
	bool fresh = true;
	TRY(carrier_reserve(conn));
	if (conn->last && last_sends(conn->last)) {
		fresh = last_begins(conn->last);
		TRY(last_take(conn->last, &conn->records, out, cap, len, tracer_of(conn)));
	} else if (hs && (conn->state != CONN_CLOSED || hs->complete) && (!hs->complete || conn->after) &&
		   flight_sends(&hs->flight)) {
		fresh = hs->flight.cursor == 0;
		conn->records.plain_version = plain_version(hs);
		TRY(flight_take(&hs->flight, &conn->records, out, cap, len, pool_jitter(conn->pool), now));
		conn->records.plain_version = VERSION_DTLS12;
		conn->retransmissions = hs->flight.retransmissions;
	} else if (conn->after) {
		bool last_word = conn->after->acks.due && conn->role == SERVER && (!hs || hs->complete);
		TRY(after_take(conn, out, cap, len, now));
		if (!last_word)
			return TERN_OK;
	}
	carrier_keep(conn, out, *len, fresh);
	return TERN_OK;
}

/* Answers to checks are not delayed by anything: RFC 9853 5.4. path NULL: the caller has one. */
static tern_error take(tern_conn *conn, uint8_t *out, size_t cap, size_t *len, tern_path *path, tern_time now)
{
	tern_error error = TERN_OK;
	*len = 0;
	if (cap < conn->mtu)
		return TERN_ERROR_BUFFER_TOO_SMALL;
	if (conn->state == CONN_OPEN)
		error = rrc_take(conn, out, cap, len, path, now);
	if (error == TERN_OK && *len == 0 && conn->state != CONN_FAILED)
		error = take_flight(conn, out, cap, len, now);
	if (error == TERN_OK && *len == 0 && conn->alert_waits)
		error = take_alert(conn, out, cap, len);
	if (*len)
		conn->taken++;
	else
		carrier_release(conn);
	if (error != TERN_OK && tern_error_class_of(error) != TERN_CLASS_USAGE)
		return conn_fail(conn, error, WHERE, "");
	return error;
}

tern_error tern_conn_take(tern_conn *conn, uint8_t *out, size_t cap, size_t *len, tern_time now)
{
	return take(conn, out, cap, len, NULL, now);
}

tern_error tern_conn_take_path(tern_conn *conn, uint8_t *out, size_t cap, size_t *len, tern_path *path, tern_time now)
{
	if (!tern_conn_path(conn, path))
		*path = (tern_path){0};
	return take(conn, out, cap, len, path, now);
}

/* We owe the next move ourselves: repeating our flight would only say that the peer's was lost. */
bool conn_awaits_answer(const tern_conn *conn)
{
	return conn->hs->job.state == JOB_ASKED;
}

/* DTLS 1.3: a client's, until it is acknowledged; after closing too, for the peer's handshake is not complete without.
 */
bool conn_repeats_last_flight(const tern_conn *conn)
{
	return conn->after && conn->hs && conn->hs->complete && !conn->peer_closed &&
	       (conn->state == CONN_OPEN || conn->state == CONN_CLOSED);
}

uint64_t tern_conn_deadline(const tern_conn *conn)
{
	uint64_t deadline = TERN_NEVER;
	if (conn->state == CONN_HANDSHAKE) {
		if (!conn_awaits_answer(conn))
			deadline = flight_deadline(&conn->hs->flight);
		if (conn->hs->give_up_ns < deadline)
			deadline = conn->hs->give_up_ns;
	} else if (conn->state != CONN_FAILED && conn->last) {
		deadline = last_expires_ns(conn->last);
	} else if (conn_repeats_last_flight(conn)) {
		deadline = flight_deadline(&conn->hs->flight);
	}
	if (conn->after && conn->state != CONN_FAILED && conn->state != CONN_CLOSED && after_deadline(conn) < deadline)
		deadline = after_deadline(conn);
	return rrc_deadline(conn) < deadline ? rrc_deadline(conn) : deadline;
}

static tern_error tick_flight(tern_conn *conn, tern_time now)
{
	uint16_t before = conn->hs->flight.mtu;
	tern_error error = flight_tick(&conn->hs->flight, now);
	/* Lowered by loss; what is lower by agreement says nothing about the path. */
	if (conn->hs->flight.mtu < before)
		conn->mtu = conn->hs->flight.mtu;
	return error;
}

/* Alerts may be lost, deadlines are not: RFC 9147 5.10. */
tern_error tern_conn_tick(tern_conn *conn, tern_time now)
{
	tern_error error = TERN_OK;
	if (conn->state == CONN_FAILED)
		return conn->failure.error;
	if (conn->state == CONN_HANDSHAKE) {
		if (now.mono_ns >= conn->hs->give_up_ns)
			error = TERN_ERROR_TIMEOUT;
		else if (!conn_awaits_answer(conn))
			error = tick_flight(conn, now);
	} else if (conn->last && now.mono_ns >= last_expires_ns(conn->last)) {
		last_free(&conn->pool->config->heap, conn->last);
		conn->last = NULL;
		carrier_end(conn);
	} else if (conn_repeats_last_flight(conn)) {
		error = flight_tick(&conn->hs->flight, now);
		if (conn->state == CONN_CLOSED)
			error = TERN_OK; /* then the peer never gets to know */
	}
	if (error == TERN_OK && conn->after && conn->state != CONN_CLOSED)
		error = after_tick(conn, now);
	if (error == TERN_OK)
		rrc_tick(conn, now);
	return error == TERN_OK ? TERN_OK : conn_fail(conn, error, WHERE, "RFC 6347 4.2.4");
}

/* ---- what fits: RFC 6347 4.1.1, 4.1.1.1, RFC 9147 4.3, 4.4 ---- */

size_t tern_conn_overhead(const tern_conn *conn)
{
	return record_overhead(&conn->records, conn->write_epoch);
}

size_t tern_conn_max_data(const tern_conn *conn)
{
	size_t overhead = tern_conn_overhead(conn);
	size_t fits = conn->mtu > overhead ? conn->mtu - overhead : 0;
	if (conn->state != CONN_OPEN)
		return 0;
	return fits < conn->records.plaintext_max_out ? fits : conn->records.plaintext_max_out;
}

/* DTLS 1.3 changes its keys by itself; 1.2 can only tell (RFC 6347 4.1, RFC 9147 4.2.1). */
void conn_note_limits(tern_conn *conn)
{
	const struct record_layer *l = &conn->records;
	bool out = conn->near_out != l->out.epoch && record_out_near(l, conn->near_jitter);
	bool in = conn->near_in != l->in.epoch && record_in_near(l, conn->near_jitter);
	tern_error error;
	if (conn->state != CONN_OPEN || (!out && !in))
		return;
	error = conn->after ? after_rekey(conn, true, true) : TERN_ERROR_LIMIT;
	if (error == TERN_ERROR_NO_MEMORY) /* it is tried again at the next record */
		return;
	if (out)
		conn->near_out = l->out.epoch;
	if (in)
		conn->near_in = l->in.epoch;
	if (error != TERN_OK)
		conn->queued |= QUEUED_KEY_NEAR;
}

static void trace_data(tern_conn *conn, uint16_t epoch, uint64_t seq, size_t n)
{
	const struct tern_config *config = conn->pool->config;
	tern_trace t;
	if (!config->trace)
		return;
	t = (tern_trace){.kind = TERN_TRACE_SENT,
			 .content_type = CONTENT_APPLICATION_DATA,
			 .epoch = epoch,
			 .record_seq = seq,
			 .length = (uint32_t)n};
	config->trace(config->trace_user, conn, &t);
}

/* One record of application data that fits. */
static tern_error seal_data(tern_conn *conn, uint16_t epoch, struct wr *w, struct span data)
{
	uint64_t seq;
	tern_error error = record_seal(&conn->records, epoch, CONTENT_APPLICATION_DATA, data, w, &seq);
	if (error == TERN_ERROR_BUFFER_TOO_SMALL)
		return error;
	if (error != TERN_OK)
		return conn_fail(conn, error, WHERE, "RFC 9147 4.5.3");
	conn->sealed++;
	trace_data(conn, epoch, seq, w->n);
	return TERN_OK;
}

static tern_error may_seal(tern_conn *conn, size_t len)
{
	if (conn->state == CONN_FAILED)
		return conn->failure.error;
	if (conn->state != CONN_OPEN)
		return TERN_ERROR_NOT_CONNECTED;
	if (len > tern_conn_max_data(conn))
		return TERN_ERROR_TOO_LARGE;
	if (record_seals_left(&conn->records) <= 1) /* the last one tells the peer */
		return CONN_FAIL(conn, ERROR_LIMIT, "RFC 9147 4.5.3");
	return TERN_OK;
}

tern_error tern_conn_seal(tern_conn *conn, uint8_t *out, size_t cap, size_t *out_len, const uint8_t *data, size_t len,
			  tern_time now)
{
	struct wr w = wr_of(out, cap);
	(void)now;
	*out_len = 0;
	TRY(may_seal(conn, len));
	TRY(seal_data(conn, conn->write_epoch, &w, span_of(data, len)));
	*out_len = w.n;
	rrc_used(conn, w.n);
	conn_note_limits(conn);
	return TERN_OK;
}

/* How many of data go side by side into cap bytes. batch: the size of the first is known. */
static void plan_batch(const tern_conn *conn, size_t cap, tern_batch *batch, const tern_bytes *data, size_t num)
{
	uint64_t left = record_seals_left(&conn->records) - 1;
	size_t len = data[0].len;
	batch->num = 0;
	batch->total = 0;
	for (size_t n = len; batch->num < num && batch->num < left && n == len;) {
		size_t size = batch->segment;
		n = data[batch->num].len;
		if (n < len)
			size = record_size(&conn->records, conn->write_epoch, n);
		if (n > len || size > cap - batch->total)
			return;
		batch->total += size;
		batch->num++;
	}
}

tern_error tern_conn_seal_many(tern_conn *conn, uint8_t *out, size_t cap, tern_batch *batch, const tern_bytes *data,
			       size_t num, tern_time now)
{
	uint16_t epoch = conn->write_epoch;
	tern_batch b;
	tern_error error;
	uint64_t seq;
	(void)now;
	*batch = (tern_batch){0};
	if (num == 0)
		return TERN_ERROR_USAGE;
	TRY(may_seal(conn, data[0].len));
	b.segment = record_size(&conn->records, epoch, data[0].len);
	plan_batch(conn, cap, &b, data, num);
	if (b.num == 0)
		return TERN_ERROR_BUFFER_TOO_SMALL;
	error = record_seal_many(&conn->records, epoch, CONTENT_APPLICATION_DATA, data, b.num, out, b.segment, &seq);
	if (error != TERN_OK)
		return conn_fail(conn, error, WHERE, "RFC 9147 4.5.3");
	conn->sealed += b.num;
	for (size_t i = 0; conn->pool->config->trace && i < b.num; i++)
		trace_data(conn, epoch, seq + i, i + 1 < b.num ? b.segment : b.total - i * b.segment);
	*batch = b;
	rrc_used(conn, b.segment);
	conn_note_limits(conn);
	return TERN_OK;
}

static bool may_send_early(const tern_conn *conn)
{
	return conn->state == CONN_HANDSHAKE && early13_may_send(conn->hs);
}

size_t tern_conn_max_early_data(const tern_conn *conn)
{
	size_t overhead = record_overhead(&conn->records, EPOCH_EARLY);
	size_t fits = conn->mtu > overhead ? conn->mtu - overhead : 0;
	if (!may_send_early(conn))
		return 0;
	fits = fits < RECORD_PLAINTEXT_MAX ? fits : RECORD_PLAINTEXT_MAX;
	return fits < conn->hs->early_left ? fits : conn->hs->early_left;
}

tern_error tern_conn_seal_early_data(tern_conn *conn, uint8_t *out, size_t cap, size_t *out_len, const uint8_t *data,
				     size_t len, tern_time now)
{
	struct wr w = wr_of(out, cap);
	(void)now;
	*out_len = 0;
	if (conn->state == CONN_FAILED)
		return conn->failure.error;
	if (!may_send_early(conn))
		return TERN_ERROR_NOT_CONNECTED;
	if (len > tern_conn_max_early_data(conn))
		return TERN_ERROR_TOO_LARGE;
	TRY(seal_data(conn, EPOCH_EARLY, &w, span_of(data, len)));
	conn->hs->early_left -= (uint32_t)len;
	*out_len = w.n;
	return TERN_OK;
}

static uint8_t copy_cid(uint8_t out[CID_MAX], struct span cid)
{
	if (cid.n)
		memcpy(out, cid.p, cid.n);
	return (uint8_t)cid.n;
}

static void tell_cids(const struct cids *cids, tern_info *info)
{
	info->own_cid_len = copy_cid(info->own_cid, cids_at(cids, CID_OURS, cids->used));
	info->peer_cid_len = copy_cid(info->peer_cid, cids_at(cids, CID_PEERS, 0));
	info->spare_cids = (uint8_t)(info->peer_cid_len ? cids_num(cids, CID_PEERS) - 1 : 0);
}

static void copy_text(char *out, size_t cap, struct span s)
{
	size_t n = s.n < cap - 1 ? s.n : cap - 1;
	if (n)
		memcpy(out, s.p, n);
	out[n] = 0;
}

void tern_conn_info(const tern_conn *conn, tern_info *info)
{
	const struct outcome *o = conn->hs ? &conn->hs->outcome : NULL;
	struct outcome kept = {.version = NULL};
	if (conn->agreed.suite)
		agreed_public(&conn->agreed, conn->pool->provider, &kept);
	if (!o)
		o = &kept;
	*info = (tern_info){.version = o->version ? (tern_protocol)o->version->number : TERN_DTLS12,
			    .suite = "",
			    .group = "",
			    .scheme = "",
			    .compression = o->compression ? o->compression->name : "",
			    .srtp = ""};
	info->connected = conn->state == CONN_OPEN;
	info->closed = conn->state == CONN_CLOSED || conn->state == CONN_FAILED;
	info->resumed = o->resumed;
	/* Not before the handshake is complete, whatever ends it. */
	info->peer_authenticated = kept.peer_authenticated;
	info->extended_master_secret = o->extended_master_secret;
	info->rrc = o->rrc;
	if (o->suite) {
		info->suite_id = o->suite->id;
		info->suite = o->suite->name;
	}
	if (o->group) {
		info->group_id = o->group->id;
		info->group = o->group->name;
	}
	if (o->srtp) {
		info->srtp_id = o->srtp->id;
		info->srtp = o->srtp->name;
	}
	if (o->scheme) {
		info->scheme_id = o->scheme->id;
		info->scheme = o->scheme->name;
	}
	copy_text(info->alpn, sizeof info->alpn, o->alpn);
	copy_text(info->server_name, sizeof info->server_name, o->server_name);
	/* Never a part of one: two identities could begin alike. */
	info->psk_identity_len = o->psk_identity.n <= sizeof info->psk_identity ? o->psk_identity.n : 0;
	if (info->psk_identity_len)
		memcpy(info->psk_identity, o->psk_identity.p, info->psk_identity_len);
	info->has_peer_fingerprint = o->has_peer_fingerprint;
	memcpy(info->peer_fingerprint, o->peer_fingerprint, sizeof info->peer_fingerprint);
	info->early_data = o->early;
	info->early_data_reason = o->early_reason;
	tell_cids(&conn->records.cids, info);
	info->rtt_ns = conn->rtt_ns;
	info->mtu = conn->mtu;
	info->datagrams_sent = conn->sealed + conn->taken;
	info->datagrams_received = conn->datagrams_received;
	info->retransmissions = conn->retransmissions;
	info->records_sealed = conn->sealed;
	info->records_opened = conn->opened;
	for (size_t i = 0; conn->dropped && i < TERN_NUM_DROPS; i++)
		info->dropped[i] = conn->dropped[i];
}
