/* Making, feeding and freeing connections: the public calls around one association. */
#include "connection/conn.h"
#include "connection/auth.h"
#include "connection/cid.h"
#include "connection/path.h"

#include "connection/config_parts.h"
#include "handshake/answers.h"
#include "handshake/cid.h"
#include "handshake/keys13.h"
#include "handshake/version.h"
#include "wire/record.h"

/* DTLS 1.2 has no certificate_required (RFC 5246 7.4.6). unsupported_certificate is a server's (RFC 7250 4.2), and a
 * client's for a certificate that came, not for one that it lacks. */
static int alert_of(const tern_conn *conn, tern_error error)
{
	bool handshake_failure = (error == TERN_ERROR_CERTIFICATE_REQUIRED && !conn->after) ||
				 (error == TERN_ERROR_NO_SHARED_CERTIFICATE_TYPE && conn->role == CLIENT);
	return handshake_failure ? ALERT_HANDSHAKE_FAILURE : error_alert(error);
}

tern_error conn_fail(tern_conn *conn, tern_error error, const char *where, const char *rfc)
{
	int alert;
	/* What is nobody's failure would leave the connection dead without a reason. */
	if (tern_error_class_of(error) <= TERN_CLASS_INPUT)
		error = TERN_ERROR_INTERNAL;
	alert = alert_of(conn, error);
	failure_note(&conn->failure, error, where, rfc);
	if (conn->state == CONN_FAILED)
		return conn->failure.error;
	if (alert >= 0 && conn->state != CONN_CLOSED) {
		conn_alert(conn, ALERT_FATAL, (uint8_t)alert);
		conn->failure.alert_sent = true;
		conn->failure.alert = (uint8_t)alert;
	}
	conn->state = CONN_FAILED;
	return conn->failure.error;
}

static void report(const tern_conn *conn, const tern_trace *trace)
{
	const struct tern_config *config = conn->pool->config;
	if (config->trace)
		config->trace(config->trace_user, conn, trace);
}

void conn_drop(tern_conn *conn, tern_drop reason, uint8_t content_type, uint16_t epoch, uint64_t seq, size_t len)
{
	tern_trace t = {.kind = TERN_TRACE_DROPPED,
			.content_type = content_type,
			.epoch = epoch,
			.record_seq = seq,
			.length = (uint32_t)len,
			.drop = reason};
	if (!conn->dropped)
		conn->dropped = heap_alloc(&conn->pool->config->heap, TERN_NUM_DROPS * sizeof *conn->dropped);
	if (conn->dropped)
		conn->dropped[reason]++;
	report(conn, &t);
}

/* DTLS 1.3: what makes the handshake's keys is in the server's flight itself, which may wait to be taken still.
 * Otherwise the highest: RFC 9147 7. */
uint16_t conn_told_epoch(const tern_conn *conn)
{
	const struct handshake *hs = conn->hs;
	if (!hs || (hs->complete && !conn->after))
		return conn->write_epoch;
	return flight_told_epoch(&hs->flight, conn->write_epoch);
}

void conn_alert(tern_conn *conn, uint8_t level, uint8_t description)
{
	if (conn->alert_waits && conn->alert_level == ALERT_FATAL)
		return;
	conn->alert_waits = true;
	conn->alert_level = level;
	conn->alert_description = description;
}

static tern_error conn_new(tern_conn **out, tern_pool *pool, enum role role, uint16_t first_message_seq,
			   const tern_path *path, tern_time now)
{
	const struct tern_config *config = pool->config;
	tern_conn *conn = heap_alloc(&config->heap, sizeof *conn);
	tern_error error;
	if (!conn)
		return TERN_ERROR_NO_MEMORY;
	conn->pool = pool;
	conn->role = role;
	conn->mtu = config->limits.mtu;
	record_init(&conn->records, config->dtls13 ? &protection13 : &protection12, &pool->records);
	error = handshake_new(&conn->hs, role, pool, conn, &conn->records, &conn->failure, &config->limits,
			      first_message_seq, path, now);
	if (error != TERN_OK) {
		tern_conn_free(conn);
		return error;
	}
	*out = conn;
	return TERN_OK;
}

/* A hello that tern_listen put together has no datagram of its own to come in. An error of the handshake is told by the
 * next call on the connection. */
static tern_error take_hello(tern_conn **out, const tern_verdict *verdict, tern_time now)
{
	tern_conn *conn = *out;
	struct fragment f = {.type = CLIENT_HELLO,
			     .length = (uint32_t)verdict->hello.len,
			     .message_seq = verdict->message_seq,
			     .body = {verdict->hello.data, verdict->hello.len}};
	tern_error error = TERN_ERROR_INTERNAL;
	if (inbox_put(&conn->hs->inbox, &f, 0) == TERN_DROP_NONE) {
		error = conn_advance(conn, now) == TERN_OK ? inbox_keep(&conn->hs->inbox) : TERN_OK;
	}
	if (error != TERN_OK) {
		tern_conn_free(conn);
		*out = NULL;
	}
	return error;
}

tern_error tern_accept(tern_conn **out, tern_pool *pool, const tern_verdict *verdict, const tern_path *path,
		       tern_time now)
{
	const struct tern_config *config = pool->config;
	if (!config->num_credentials && !config->num_psks && !config->psk)
		return TERN_ERROR_NO_CREDENTIALS;
	if (verdict && verdict->kind != TERN_VERDICT_ACCEPT)
		return TERN_ERROR_USAGE;
	TRY(conn_new(out, pool, SERVER, verdict ? verdict->message_seq : 0, path, now));
	/* The first ServerHello takes the record number of the hello: RFC 6347 4.2.1. */
	(*out)->records.plain_seq = verdict ? verdict->record_seq : 0;
	return verdict && verdict->hello.len ? take_hello(out, verdict, now) : TERN_OK;
}

/* A session that does not fit what this connection asks for is ignored. */
static tern_error load_session(struct handshake *hs, struct span blob, tern_time now)
{
	struct session *s = arena_alloc(&hs->arena, sizeof *s);
	struct rd r = rd_of(blob);
	const struct suite *suite;
	const struct list16 *ours;
	bool configured = false;
	if (!s)
		return TERN_ERROR_BUDGET;
	if (!get_session(&r, s))
		return TERN_ERROR_BAD_SESSION;
	suite = suite_by_id(s->suite);
	ours = s->version == VERSION_DTLS13 ? &hs->pool->config->suites13 : &hs->pool->config->suites;
	for (size_t i = 0; suite && suite->version == s->version && i < ours->num; i++)
		configured |= ours->id[i] == s->suite;
	if (configured && !hs->pool->config->conn_fingerprints && s->expires_unix_s > now.unix_s &&
	    (s->ticket_len || s->id_len) &&
	    memcmp(s->settings_hash, hs->pool->settings_hash, sizeof s->settings_hash) == 0 &&
	    span_equal(span_of(s->name, s->name_len), hs->outcome.server_name))
		hs->session = s;
	return TERN_OK;
}

tern_error tern_client(tern_conn **out, tern_pool *pool, const tern_client_options *options, tern_time now)
{
	static const tern_client_options none = {.size = sizeof none};
	const tern_client_options *o = options ? options : &none;
	tern_error error = TERN_OK;
	size_t name_len = o->server_name ? strlen(o->server_name) : 0;
	tern_conn *conn;
	if (o->size != sizeof *o || name_len > 255)
		return TERN_ERROR_USAGE;
	TRY(conn_new(&conn, pool, CLIENT, 0, o->path, now));
	conn->user = o->user;
	conn->hs->early_wanted = o->early_data;
	if (name_len) {
		conn->hs->outcome.server_name = arena_copy(&conn->hs->arena, span_of(o->server_name, name_len));
		if (!conn->hs->outcome.server_name.p)
			error = TERN_ERROR_NO_MEMORY;
	}
	if (error == TERN_OK && o->session)
		error = load_session(conn->hs, span_of(o->session, o->session_len), now);
	if (error == TERN_OK)
		error = handshake_run(conn->hs, now);
	if (error != TERN_OK) {
		tern_conn_free(conn);
		return error;
	}
	*out = conn;
	return TERN_OK;
}

void tern_conn_free(tern_conn *conn)
{
	const tern_allocator *heap;
	if (!conn)
		return;
	heap = &conn->pool->config->heap;
	handshake_free(conn->hs);
	carrier_end(conn);
	after_free(conn);
	last_free(heap, conn->last);
	cid_retire_all(conn->pool, conn, &conn->records.cids);
	paths_free(conn->paths);
	record_free(&conn->records);
	agreed_free(&conn->agreed, heap);
	heap_free(heap, conn->dropped, TERN_NUM_DROPS * sizeof *conn->dropped);
	heap_free(heap, conn->stash, sizeof *conn->stash);
	heap_free(heap, conn->session, conn->session_len);
	heap_free(heap, conn, sizeof *conn);
}

void tern_conn_set_user(tern_conn *conn, void *user)
{
	conn->user = user;
}

void *tern_conn_user(const tern_conn *conn)
{
	return conn->user;
}

tern_error tern_conn_feed(tern_conn *conn, uint8_t *datagram, size_t len, const tern_path *path, tern_time now)
{
	(void)now;
	if (conn->loaned)
		return TERN_ERROR_USAGE;
	if (conn->paths)
		paths_feed(conn->paths, path);
	conn->datagram = (struct datagram){datagram, len};
	conn->loaned = true;
	conn->authenticated = false;
	conn->datagrams_received++;
	return TERN_OK;
}

bool tern_conn_authenticated(const tern_conn *conn)
{
	return conn->authenticated;
}

/* The handshake that may await answers. */
static struct handshake *asking(const tern_conn *conn)
{
	return conn->state == CONN_HANDSHAKE ? conn->hs : auth_under_way(conn);
}

/* A job may be answered, or the connection have failed, before the application came to ask for events. */
static void drop_stale_events(tern_conn *conn)
{
	const struct handshake *hs = asking(conn);
	if (!hs || hs->job.state != JOB_ASKED)
		conn->queued &= (uint8_t)~QUEUED_PENDING;
}

static bool pop_event(tern_conn *conn, tern_event *event)
{
	static const struct {
		enum queued bit;
		tern_event_kind kind;
	} order[] = {{QUEUED_PENDING, TERN_EVENT_PENDING},
		     {QUEUED_CONNECTED, TERN_EVENT_CONNECTED},
		     {QUEUED_TICKET, TERN_EVENT_TICKET},
		     {QUEUED_AUTHENTICATED, TERN_EVENT_AUTHENTICATED},
		     {QUEUED_AUTH_DECLINED, TERN_EVENT_AUTH_DECLINED},
		     {QUEUED_KEY_NEAR, TERN_EVENT_LIMIT_NEAR},
		     {QUEUED_MESSAGES_NEAR, TERN_EVENT_LIMIT_NEAR},
		     {QUEUED_CLOSED, TERN_EVENT_CLOSED}};
	if (!conn->queued)
		return conn->paths && rrc_event(conn, event);
	drop_stale_events(conn);
	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		if (!(conn->queued & order[i].bit))
			continue;
		conn->queued &= (uint8_t)~order[i].bit;
		event->kind = order[i].kind;
		if (event->kind == TERN_EVENT_PENDING) {
			event->job = asking(conn)->job.id;
			event->job_kind = asking(conn)->job.kind;
		}
		if (order[i].bit == QUEUED_MESSAGES_NEAR)
			event->limit = TERN_LIMIT_MESSAGES;
		return true;
	}
	return conn->paths && rrc_event(conn, event);
}

/* The handshake's memory goes once the application has seen CONNECTED and come back; early records when they are read.
 */
static void settle(tern_conn *conn)
{
	if (conn->state == CONN_HANDSHAKE || (conn->queued & QUEUED_CONNECTED))
		return;
	auth_settle(conn);
	/* In DTLS 1.3 a client repeats its last flight until it is acknowledged. */
	if (conn->hs && conn->hs->complete && !(conn->after && flight_is_on_its_way(&conn->hs->flight))) {
		handshake_free(conn->hs);
		conn->hs = NULL;
		if (conn->role == CLIENT && !conn->last)
			carrier_end(conn);
	}
	if (conn->hs || !conn->stash || conn->stash->ready)
		return;
	heap_free(&conn->pool->config->heap, conn->stash, sizeof *conn->stash);
	conn->stash = NULL;
}

#define STASH_LENGTH 2

/* Records that had come too early, then those of the datagram. */
static bool next_record(tern_conn *conn, struct record *record)
{
	struct stash *stash = conn->stash;
	while (stash && stash->ready && stash->at < stash->n) {
		struct datagram d = {.p = stash->bytes + stash->at + STASH_LENGTH};
		d.n = (size_t)stash->bytes[stash->at] << 8 | stash->bytes[stash->at + 1];
		stash->at += STASH_LENGTH + d.n;
		if (record_next(&conn->records, &d, record))
			return true;
	}
	if (stash && stash->ready) {
		stash->ready = false;
		stash->n = stash->at = 0;
	}
	return conn->loaned && record_next(&conn->records, &conn->datagram, record);
}

/* RFC 6347 4.1, RFC 9147 4.2.1. */
static bool stash_record(tern_conn *conn, const struct record *record)
{
	const tern_allocator *heap = &conn->pool->config->heap;
	tern_trace t = {.kind = TERN_TRACE_KEPT,
			.content_type = record->type,
			.epoch = record->epoch,
			.record_seq = record->seq,
			.length = (uint32_t)record->wire.n};
	if (!conn->hs || conn->hs->complete || record->epoch <= conn->records.in.epoch || record->seq >= 64)
		return false;
	if (!conn->stash)
		conn->stash = heap_alloc(heap, sizeof *conn->stash);
	if (!conn->stash || conn->stash->ready || STASH_LENGTH + record->wire.n > STASH_MAX - conn->stash->n)
		return false;
	wr_store(conn->stash->bytes + conn->stash->n, STASH_LENGTH, record->wire.n);
	memcpy(conn->stash->bytes + conn->stash->n + STASH_LENGTH, record->wire.p, record->wire.n);
	conn->stash->n += STASH_LENGTH + record->wire.n;
	report(conn, &t);
	return true;
}

/* Another PSK than ours gives keys that open nothing. One record that does not open says nothing, so it is dropped; but
 * when a client's Finished never opens, however often it comes, silence would only let both sides run into their
 * deadlines. RFC 4279 2 asks for decrypt_error (RFC 6347 4.1.2.1 for bad_record_mac), RFC 6347 4.1.2.7 allows an alert.
 * With certificates this cannot happen but by meddling. */
#define WRONG_PSK_TRIES 4
static bool psk_differs(const struct tern_conn *conn, const struct record *record)
{
	const struct handshake *hs = conn->hs;
	return hs && !hs->complete && !hs->resumed && hs->role == SERVER && hs->peer_ccs && hs->outcome.suite->psk &&
	       record->type == CONTENT_HANDSHAKE && conn->records.in.opened == 0 &&
	       conn->records.in.forged >= WRONG_PSK_TRIES;
}

/* Without keys for it there is no early data; its records are no sign of anything else (RFC 8446 4.2.10). */
static bool is_refused_early_data(const tern_conn *conn, const struct record *record)
{
	const struct handshake *hs = conn->hs;
	return record->drop == TERN_DROP_EPOCH && conn->role == SERVER && conn->after && hs && !hs->complete &&
	       (record->epoch & 3) == EPOCH_EARLY;
}

/* What does not open changes nothing (RFC 6347 5, RFC 9147 4.5.2, 11) until there is too much of it (RFC 9147 4.5.3).
 */
static tern_error take_record(tern_conn *conn, struct record *record, tern_event *event, tern_time now)
{
	if (is_refused_early_data(conn, record))
		record->drop = TERN_DROP_EARLY_DATA;
	if (record->drop == TERN_DROP_EPOCH && stash_record(conn, record))
		return TERN_OK;
	if (record->drop != TERN_DROP_NONE) {
		conn_drop(conn, record->drop, record->type, record->epoch, record->seq, record->wire.n);
		if (record->drop == TERN_DROP_FORGED && record_worn(&conn->records))
			return CONN_FAIL(conn, ERROR_FORGERIES, "RFC 9325 4.4");
		if (record->drop == TERN_DROP_FORGED && psk_differs(conn, record))
			return CONN_FAIL(conn, ERROR_BAD_FINISHED, "RFC 4279 2");
		return TERN_OK;
	}
	conn->opened++;
	conn->authenticated |= record->epoch != 0;
	if (conn->records.cids.moved)
		cid_moved(conn);
	if (conn->paths && record->epoch && conn->state == CONN_OPEN)
		rrc_arrived(conn, record, now);
	return conn_receive(conn, record, event, now);
}

static void end_loan(tern_conn *conn)
{
	conn->loaned = false;
	conn->datagram = (struct datagram){0};
	if (conn->paths)
		paths_fed(conn->paths);
}

/* Alerts get lost too: a peer that repeats itself is told again (RFC 6347 4.2.7, RFC 9147 5.10). */
static void repeat_alert(tern_conn *conn)
{
	struct record record;
	while (conn->failure.alert_sent && conn->loaned && record_next(&conn->records, &conn->datagram, &record)) {
		bool opened = record.drop == TERN_DROP_NONE;
		conn->authenticated |= opened && record.epoch != 0;
		conn->alert_waits |= opened && record.type == CONTENT_HANDSHAKE;
	}
}

tern_error tern_conn_next(tern_conn *conn, tern_event *event, tern_time now)
{
	struct record record;
	*event = (tern_event){0};
	settle(conn);
	for (;;) {
		if (pop_event(conn, event))
			return TERN_OK;
		if (conn->state == CONN_FAILED) {
			repeat_alert(conn);
			end_loan(conn);
			return conn->failure.error;
		}
		if (!next_record(conn, &record))
			break;
		if (conn->state == CONN_CLOSED) {
			conn->authenticated |= record.drop == TERN_DROP_NONE && record.epoch != 0;
			conn_receive_closed(conn, &record, now);
			continue;
		}
		if (take_record(conn, &record, event, now) == TERN_OK && event->kind != TERN_EVENT_NONE)
			return TERN_OK;
		conn_note_limits(conn);
	}
	end_loan(conn);
	if (conn->hs && !conn->hs->complete) {
		tern_error error = inbox_keep(&conn->hs->inbox);
		if (error != TERN_OK)
			return conn_fail(conn, error, WHERE, "");
	}
	return TERN_OK;
}

tern_error tern_conn_resume(tern_conn *conn, uint64_t job, const tern_answer *answer, tern_time now)
{
	struct handshake *hs = asking(conn);
	tern_error error;
	if (!hs)
		return TERN_ERROR_USAGE;
	error = handshake_answer(hs, job, answer);
	if (error == TERN_ERROR_USAGE)
		return error;
	if (error == TERN_OK && conn->state == CONN_HANDSHAKE)
		return conn_advance(conn, now);
	if (error == TERN_OK)
		error = auth_go_on(conn, now);
	return error == TERN_OK ? TERN_OK : conn_fail(conn, error, WHERE, "");
}

uint16_t conn_mtu_min(const tern_conn *conn)
{
	size_t longest = 0;
	struct span cid;
	for (size_t i = 0; (cid = cids_at(&conn->records.cids, CID_PEERS, i)).n; i++)
		longest = cid.n > longest ? cid.n : longest;
	return (uint16_t)(MTU_MIN + longest);
}

tern_error tern_conn_set_fingerprints(tern_conn *conn, const char *list, tern_time now)
{
	static const tern_answer known = {.error = TERN_OK};
	struct handshake *hs = asking(conn);
	struct fingerprint found[CONN_FINGERPRINTS];
	size_t num;
	if (!hs || !list || !conn->pool->config->conn_fingerprints)
		return TERN_ERROR_USAGE;
	TRY(fingerprints_from_list(list, found, CONN_FINGERPRINTS, &num));
	if (!hs->fingerprints)
		hs->fingerprints = arena_alloc(&hs->arena, sizeof found);
	if (!hs->fingerprints)
		return CONN_FAIL(conn, ERROR_BUDGET, "");
	memcpy(hs->fingerprints, found, num * sizeof *found);
	hs->num_fingerprints = num;
	if (hs->job.state != JOB_ASKED || hs->job.kind != TERN_JOB_FINGERPRINT)
		return TERN_OK;
	return tern_conn_resume(conn, hs->job.id, &known, now);
}

void conn_set_mtu(tern_conn *conn, uint16_t mtu)
{
	conn->mtu = mtu;
	if (conn->hs)
		flight_set_mtu(&conn->hs->flight, mtu);
	if (conn->last)
		last_set_mtu(conn->last, mtu);
	if (conn->after)
		after_set_mtu(conn, mtu);
}

/* RFC 6347 4.1.1.1, RFC 9147 4.4. */
tern_error tern_conn_set_mtu(tern_conn *conn, uint16_t mtu)
{
	struct pmtud *measured = conn->paths ? conn->paths->pmtud : NULL;
	if (mtu < conn_mtu_min(conn) || mtu > MTU_MAX)
		return TERN_ERROR_USAGE;
	if (measured)
		pmtud_limit(measured, mtu);
	conn_set_mtu(conn, measured ? measured->size : mtu);
	return TERN_OK;
}

tern_error tern_conn_set_timeout(tern_conn *conn, uint64_t first_ns)
{
	const tern_timers *timers = &conn->pool->config->timers;
	if (first_ns < TIMEOUT_MIN_NS || first_ns > timers->cap_ns)
		return TERN_ERROR_USAGE;
	conn->first_ns = first_ns;
	if (conn->hs)
		flight_set_timeout(&conn->hs->flight, first_ns, pool_jitter(conn->pool));
	if (conn->after)
		after_set_timeout(conn, first_ns);
	return TERN_OK;
}

tern_error tern_conn_rekey(tern_conn *conn, bool ask_peer, tern_time now)
{
	tern_error error;
	if (conn->state != CONN_OPEN)
		return TERN_ERROR_NOT_CONNECTED;
	if (!conn->after)
		return TERN_ERROR_USAGE;
	(void)now;
	error = after_rekey(conn, ask_peer, false);
	return error == TERN_OK || error == TERN_ERROR_LIMIT ? error : conn_fail(conn, error, WHERE, "RFC 9147 8");
}

tern_error tern_conn_close(tern_conn *conn, tern_time now)
{
	(void)now;
	if (conn->state == CONN_FAILED || conn->state == CONN_CLOSED)
		return TERN_ERROR_NOT_CONNECTED;
	conn_alert(conn, ALERT_WARNING, ALERT_CLOSE_NOTIFY);
	conn->state = CONN_CLOSED;
	if (conn->after && (!conn->hs || conn->hs->complete))
		acks_flush(&conn->after->acks);
	return TERN_OK;
}

tern_error tern_conn_abort(tern_conn *conn, unsigned alert, tern_time now)
{
	(void)now;
	if (alert == ALERT_CLOSE_NOTIFY || alert > UINT8_MAX)
		return TERN_ERROR_USAGE;
	if (conn->state == CONN_FAILED || conn->state == CONN_CLOSED)
		return TERN_ERROR_NOT_CONNECTED;
	conn_alert(conn, ALERT_FATAL, (uint8_t)alert);
	conn->failure.alert_sent = true;
	conn->failure.alert = (uint8_t)alert;
	(void)CONN_FAIL(conn, ERROR_REFUSED, "");
	return TERN_OK;
}

/* What was agreed on, while it is of use; to be wiped. */
static bool recall(const tern_conn *conn, struct outcome *o)
{
	if (!conn->agreed.suite || (conn->state != CONN_OPEN && conn->state != CONN_CLOSED))
		return false;
	agreed_outcome(&conn->agreed, conn->pool->provider, o);
	return true;
}

tern_error tern_conn_export(const tern_conn *conn, uint8_t *out, size_t len, const char *label, const uint8_t *context,
			    size_t context_len)
{
	struct outcome o;
	tern_error error;
	if (!recall(conn, &o))
		return TERN_ERROR_NOT_CONNECTED;
	error = o.version->export(conn->pool->provider, &o, out, len, label, span_of(context, context_len),
				  context != NULL);
	wipe(&o, sizeof o);
	return error;
}

tern_error tern_conn_srtp_keys(const tern_conn *conn, tern_srtp_keys *keys)
{
	struct outcome o;
	tern_error error;
	if (!recall(conn, &o))
		return TERN_ERROR_NOT_CONNECTED;
	error = o.srtp ? srtp_keys(conn->pool->provider, &o, keys) : TERN_ERROR_USAGE;
	wipe(&o, sizeof o);
	return error;
}

tern_error tern_conn_session(const tern_conn *conn, uint8_t *out, size_t cap, size_t *len)
{
	*len = conn->session_len;
	if (!conn->session)
		return TERN_ERROR_USAGE;
	if (cap < conn->session_len)
		return TERN_ERROR_BUFFER_TOO_SMALL;
	memcpy(out, conn->session, conn->session_len);
	return TERN_OK;
}

size_t tern_conn_peer_chain(const tern_conn *conn, tern_bytes *chain, size_t max)
{
	const struct handshake *shown = auth_shown(conn), *hs = shown ? shown : conn->hs;
	size_t n = hs ? hs->num_peer_chain : 0;
	for (size_t i = 0; i < n && i < max; i++)
		chain[i] = (tern_bytes){hs->peer_chain[i].p, hs->peer_chain[i].n};
	return n < max ? n : max;
}

tern_failure tern_conn_failure(const tern_conn *conn)
{
	tern_failure failure = conn->failure;
	if (!failure.where)
		failure.where = "";
	if (!failure.rfc)
		failure.rfc = "";
	return failure;
}
