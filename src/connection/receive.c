/* What an opened record means to a connection. */
#include "connection/conn.h"
#include "handshake/auth13.h"
#include "handshake/keys13.h"
#include "handshake/resume12.h"
#include "handshake/version.h"
#include "wire/record.h"

static void trace_received(tern_conn *conn, const struct record *record, const struct fragment *f)
{
	const struct tern_config *config = conn->pool->config;
	tern_trace t;
	if (!config->trace)
		return;
	t = (tern_trace){.kind = TERN_TRACE_RECEIVED,
			 .content_type = record->type,
			 .epoch = record->epoch,
			 .record_seq = record->seq,
			 .length = (uint32_t)record->wire.n};
	if (f) {
		t.message_type = f->offset ? f->type : message_type_shown(f->type, f->body);
		t.message_seq = f->message_seq;
		t.message_len = f->length;
		t.fragment_offset = f->offset;
		t.fragment_len = (uint32_t)f->body.n;
	}
	config->trace(config->trace_user, conn, &t);
}

/* ---- completion ---- */

/* The peer's answer to a request of later has room too. A server has given its ticket by then. */
static tern_error keep_outcome(tern_conn *conn)
{
	const struct handshake *hs = conn->hs;
	const struct hash_alg *hash = conn->pool->provider->hash[hs->outcome.suite->hash];
	bool with_peer = conn->role == SERVER && conn->after && auth13_allowed(hs);
	return agreed_take(&conn->agreed, &conn->pool->config->heap, &hs->outcome, hash, with_peer,
			   conn->role == CLIENT);
}

/* A client keeps what it needs to resume: only with the extended master secret (RFC 7627 5.3). */
static tern_error keep_session(tern_conn *conn)
{
	struct handshake *hs = conn->hs;
	struct session s;
	uint8_t blob[TERN_SESSION_MAX];
	struct wr w = wr_of(blob, sizeof blob);
	bool fresh = hs->new_ticket.n || (!hs->resumed && hs->session_id_len && !hs->ticket_promised);
	if (conn->role != CLIENT || !fresh || !hs->outcome.extended_master_secret || !names_fit_session(&hs->outcome))
		return TERN_OK;
	session_from_handshake(hs, &s);
	put_session(&w, &s, true);
	session_wipe(&s);
	if (wr_ok(&w)) {
		conn->session = heap_copy(&conn->pool->config->heap, blob, w.n);
		conn->session_len = (uint16_t)(conn->session ? w.n : 0);
	}
	wipe(blob, sizeof blob);
	if (!conn->session)
		return TERN_ERROR_NO_MEMORY;
	conn->queued |= QUEUED_TICKET;
	return TERN_OK;
}

static tern_error complete(tern_conn *conn, tern_time now)
{
	struct handshake *hs = conn->hs;
	tern_error error;
	conn->rtt_ns = hs->flight.rto.rtt_ns;
	error = keep_outcome(conn);
	if (error == TERN_OK)
		error = conn->after ? after_complete(conn, now) : keep_session(conn);
	if (error == TERN_OK)
		error = rrc_complete(conn);
	if (error == TERN_OK && !conn->after && hs->flight.num_messages && !hs->flight.awaits_answer &&
	    hs->flight.state != FLIGHT_PREPARING) {
		conn->last = last_new(&conn->pool->config->heap, &hs->flight, now);
		if (!conn->last)
			error = TERN_ERROR_NO_MEMORY;
	}
	if (error != TERN_OK)
		return conn_fail(conn, error, WHERE, "");
	carrier_drop(conn);
	conn->records.plain_in = false; /* until now the old epoch was heard: RFC 6347 4.1 */
	conn->state = CONN_OPEN;
	conn->queued |= QUEUED_CONNECTED;
	return TERN_OK;
}

tern_error conn_advance(tern_conn *conn, tern_time now)
{
	struct handshake *hs = conn->hs;
	uint16_t epoch = conn->records.in.epoch;
	uint32_t answered = hs->answered_seq;
	tern_error error = handshake_run(hs, now);
	conn->write_epoch = hs->write_epoch;
	if (error == TERN_OK && hs->version && hs->version->acknowledges && !conn->after) {
		hs->flight.remembers = true;
		error = after_new(conn);
		for (size_t i = 0; error == TERN_OK && i < hs->num_clear; i++)
			acks_note(&conn->after->acks, 0, hs->clear_seq[i]);
	}
	if (conn->after && hs->answered_seq != answered)
		acks_clear(&conn->after->acks); /* our answer says it all */
	if (conn->stash && conn->stash->n && conn->records.in.epoch != epoch)
		conn->stash->ready = true;
	if (error != TERN_OK)
		return conn_fail(conn, error, WHERE, "");
	conn->records.plaintext_max_out = hs->outcome.plaintext_max_out;
	if (hs->job.state == JOB_ASKED && !hs->job.announced) {
		hs->job.announced = true;
		conn->queued |= QUEUED_PENDING;
		if (conn->after) /* our answer may take its time */
			acks_arm(&conn->after->acks, rto_timeout(&hs->flight.rto, 0), now);
	}
	return hs->complete ? complete(conn, now) : TERN_OK;
}

/* ---- handshake ---- */

/* However many pieces it comes in, a Finished is repeated once. */
static bool is_finished_end(const struct fragment *f)
{
	return f->type == FINISHED && f->offset + f->body.n == f->length;
}

/* After completion in DTLS 1.2: only a repeated Finished and attempts at renegotiation are left, both under keys. */
static void post_handshake(tern_conn *conn, const struct fragment *f, tern_time now)
{
	if (conn->last && is_finished_end(f)) {
		last_repeat(conn->last, now);
	} else if (f->type == (conn->role == CLIENT ? HELLO_REQUEST : CLIENT_HELLO)) {
		/* Once: an answer to every request would be a reflector under keys. RFC 5746 4.5, RFC 5246 7.4.1.1. */
		if (!conn->alert_no_renegotiation)
			conn_alert(conn, ALERT_WARNING, ALERT_NO_RENEGOTIATION);
		conn->alert_no_renegotiation = true;
	}
}

/* The peer sends again what our flight answers: ours got lost. Its last message speaks for the flight. Once a message
 * behind it came, the peer has ours, and repeats because something of its own was lost. */
static tern_error on_old_message(tern_conn *conn, const struct fragment *f, tern_time now)
{
	struct handshake *hs = conn->hs;
	if (f->message_seq + 1u != hs->inbox.next || hs->inbox.next != hs->answered_seq)
		return TERN_OK;
	flight_repeat(&hs->flight, pool_jitter(conn->pool), now);
	return TERN_OK;
}

/* Part of a flight is here, or a part out of order: the peer shall know which (RFC 9147 7.1). That it is here tells
 * that ours has arrived (RFC 9147 7.2). */
static void owe_ack(tern_conn *conn, bool in_order)
{
	struct handshake *hs = conn->hs;
	if (!conn->after || hs->complete)
		return;
	flight_answer_begins(&hs->flight, hs->pending_ns, hs->now);
	/* While an answer of ours is awaited, messages wait in order. */
	if (!in_order && hs->job.state != JOB_ASKED)
		acks_hurry(&conn->after->acks);
	else
		acks_arm(&conn->after->acks, rto_timeout(&hs->flight.rto, 0), hs->now);
}

static tern_error handshake_fragment(tern_conn *conn, const struct record *record, const struct fragment *f, bool *kept,
				     tern_time now)
{
	struct handshake *hs = conn->hs;
	uint32_t expected = hs->inbox.next, answered = hs->answered_seq;
	size_t gaps = inbox_gaps(&hs->inbox);
	tern_drop drop = inbox_put(&hs->inbox, f, record->epoch);
	bool in_order = f->message_seq == expected && inbox_gaps(&hs->inbox) <= gaps;
	/* Of what our flight has answered already, that is the acknowledgement. */
	*kept = drop == TERN_DROP_NONE || (drop == TERN_DROP_OLD_MESSAGE && f->message_seq >= answered);
	if (drop != TERN_DROP_NONE)
		conn_drop(conn, drop, record->type, record->epoch, record->seq, f->body.n);
	if (drop == TERN_DROP_OLD_MESSAGE)
		return on_old_message(conn, f, now);
	/* In clear anybody may claim that much. */
	if (drop != TERN_DROP_NONE && record->epoch && f->length > hs->inbox.message_max)
		return CONN_FAIL(conn, ERROR_BUDGET, "");
	if (drop != TERN_DROP_NONE)
		return TERN_OK;
	TRY(conn_advance(conn, now));
	if (hs->answered_seq == answered)
		owe_ack(conn, in_order);
	else
		*kept = false; /* our answer acknowledges it */
	return TERN_OK;
}

/* DTLS 1.3: a peer that repeats its flight of the handshake did not get our last one. */
static tern_error after_fragment(tern_conn *conn, const struct record *record, const struct fragment *f, bool *kept,
				 tern_time now)
{
	if (conn->hs && record->epoch < agreed_version(&conn->agreed)->first_data_epoch)
		flight_repeat(&conn->hs->flight, pool_jitter(conn->pool), now);
	return after_receive(conn, record, f, kept, now);
}

/* DTLS 1.3: after the hellos all messages are protected; in clear there are only repetitions. */
static bool may_be_clear(const tern_conn *conn, const struct record *record, const struct fragment *f)
{
	const struct handshake *hs = conn->hs;
	if (record->epoch || !conn->after)
		return true;
	return hs && !hs->complete && (handshake_epoch(hs) == 0 || f->message_seq < hs->inbox.next);
}

static tern_error receive_handshake(tern_conn *conn, const struct record *record, tern_time now)
{
	struct rd r = rd_of(span_of(record->p, record->n));
	struct fragment f;
	bool all_kept = record->n > 0;
	while (rd_left(&r)) {
		bool kept = true;
		if (!get_fragment(&r, &f)) {
			conn_drop(conn, TERN_DROP_FRAGMENT, record->type, record->epoch, record->seq, record->wire.n);
			return TERN_OK;
		}
		if (!may_be_clear(conn, record, &f)) {
			conn_drop(conn, TERN_DROP_PLAINTEXT, record->type, record->epoch, record->seq, record->wire.n);
			return TERN_OK;
		}
		trace_received(conn, record, &f);
		if (conn->hs && !conn->hs->complete)
			TRY(handshake_fragment(conn, record, &f, &kept, now));
		else if (conn->after)
			TRY(after_fragment(conn, record, &f, &kept, now));
		else
			post_handshake(conn, &f, now);
		all_kept &= kept;
	}
	/* Only what was kept in full may be acknowledged: RFC 9147 7. */
	if (conn->after && all_kept)
		acks_note(&conn->after->acks, record->epoch, record->seq);
	else if (all_kept && conn->hs && !conn->hs->complete && conn->hs->num_clear < CLEAR_RECORDS)
		conn->hs->clear_seq[conn->hs->num_clear++] = record->seq;
	return TERN_OK;
}

static tern_error receive_change_cipher_spec(tern_conn *conn, const struct record *record, tern_time now)
{
	if (!conn->hs || conn->hs->complete || conn->after || record->epoch != 0 || record->n != 1 ||
	    record->p[0] != 1) {
		conn_drop(conn, TERN_DROP_CONTENT_TYPE, record->type, record->epoch, record->seq, record->wire.n);
		return TERN_OK;
	}
	trace_received(conn, record, NULL);
	conn->hs->peer_ccs = true;
	return conn_advance(conn, now);
}

/* ---- alerts and data ---- */

/* The peer is done with the handshake: nobody will ask for our last flight again. */
static void peer_is_done(tern_conn *conn)
{
	if (conn->state != CONN_HANDSHAKE && !conn->hs)
		carrier_end(conn);
	if (!conn->last || last_sends(conn->last))
		return;
	last_free(&conn->pool->config->heap, conn->last);
	conn->last = NULL;
}

static tern_error receive_alert(tern_conn *conn, const struct record *record)
{
	struct rd r = rd_of(span_of(record->p, record->n));
	struct alert alert;
	/* Plaintext is believed only while nothing better can have come: a peer that has proved its keys uses them. */
	bool believed = record->epoch != 0 || !conn->records.heard;
	if (!get_alert(&r, &alert) || !believed) {
		conn_drop(conn, TERN_DROP_ALERT, record->type, record->epoch, record->seq, record->wire.n);
		return TERN_OK;
	}
	trace_received(conn, record, NULL);
	if (alert.description == ALERT_CLOSE_NOTIFY && conn->state == CONN_OPEN) {
		conn_alert(conn, ALERT_WARNING, ALERT_CLOSE_NOTIFY);
		conn->state = CONN_CLOSED;
		conn->peer_closed = true;
		conn->queued |= QUEUED_CLOSED;
		peer_is_done(conn);
	} else if (alert.level == ALERT_FATAL || alert.description == ALERT_CLOSE_NOTIFY) {
		conn->failure.alert_received = true;
		conn->failure.alert = alert.description;
		return CONN_FAIL(conn, ERROR_PEER_ALERT, "RFC 5246 7.2.2");
	}
	return TERN_OK;
}

/* The epoch of early data in DTLS 1.3; in 1.2 it is that of all data. */
static bool is_early(const tern_conn *conn, const struct record *record)
{
	return record->epoch == EPOCH_EARLY && conn->after;
}

/* Its keys are there only while it may come. More than the ticket allows cannot be the network's doing. */
static tern_error receive_early_data(tern_conn *conn, const struct record *record, tern_event *event)
{
	struct handshake *hs = conn->hs;
	trace_received(conn, record, NULL);
	if (record->n > hs->early_left)
		return CONN_FAIL(conn, ERROR_UNEXPECTED_MESSAGE, "RFC 8446 4.2.10");
	hs->early_left -= (uint32_t)record->n;
	event->kind = TERN_EVENT_EARLY_DATA;
	event->data = record->p;
	event->len = record->n;
	return TERN_OK;
}

/* Data in front of Finished is not delivered: RFC 6347 4.2.4, RFC 9147 5.8.1. */
static tern_error receive_data(tern_conn *conn, struct record *record, tern_event *event)
{
	if (is_early(conn, record))
		return receive_early_data(conn, record, event);
	if (conn->state != CONN_OPEN || record->epoch < agreed_version(&conn->agreed)->first_data_epoch) {
		conn_drop(conn, TERN_DROP_EARLY_DATA, record->type, record->epoch, record->seq, record->wire.n);
		return TERN_OK;
	}
	trace_received(conn, record, NULL);
	peer_is_done(conn);
	event->kind = TERN_EVENT_DATA;
	event->data = record->p;
	event->len = record->n;
	return TERN_OK;
}

/* Plaintext is believed only while nothing better can have come. */
static tern_error receive_ack(tern_conn *conn, const struct record *record, tern_time now)
{
	if (record->epoch == 0 && conn->records.heard) {
		conn_drop(conn, TERN_DROP_PLAINTEXT, record->type, record->epoch, record->seq, record->wire.n);
		return TERN_OK;
	}
	trace_received(conn, record, NULL);
	return after_receive_ack(conn, record, now);
}

/* RFC 9853 3. */
static void receive_check(tern_conn *conn, const struct record *record, tern_time now)
{
	bool agreed = conn->state == CONN_OPEN && conn->agreed.rrc &&
		      record->epoch >= agreed_version(&conn->agreed)->first_data_epoch;
	tern_drop drop = TERN_DROP_CONTENT_TYPE;
	if (agreed) {
		trace_received(conn, record, NULL);
		drop = rrc_receive(conn, record, now);
	}
	if (drop != TERN_DROP_NONE)
		conn_drop(conn, drop, record->type, record->epoch, record->seq, record->wire.n);
}

static bool is_close_notify(const struct record *record)
{
	struct rd r = rd_of(span_of(record->p, record->n));
	struct alert alert;
	return record->type == CONTENT_ALERT && get_alert(&r, &alert) && alert.description == ALERT_CLOSE_NOTIFY;
}

static bool is_finished(const struct record *record)
{
	struct rd r = rd_of(span_of(record->p, record->n));
	struct fragment f;
	return record->type == CONTENT_HANDSHAKE && get_fragment(&r, &f) && is_finished_end(&f);
}

/* No more data, wherever its number stands: RFC 9147 5.10. */
void conn_receive_closed(tern_conn *conn, const struct record *record, tern_time now)
{
	bool believed = record->drop == TERN_DROP_NONE && record->epoch != 0;
	if (believed && is_close_notify(record) && !conn->peer_closed) {
		conn->peer_closed = true;
		conn->queued |= QUEUED_CLOSED;
		peer_is_done(conn);
	} else if (believed && is_finished(record) && conn->last) {
		last_repeat(conn->last, now);
	} else if (believed && record->type == CONTENT_HANDSHAKE && conn->after) {
		trace_received(conn, record, NULL);
		after_receive_closed(conn, record, now);
	} else if (believed && record->type == CONTENT_ACK && conn->after) {
		trace_received(conn, record, NULL);
		if (after_receive_ack(conn, record, now) != TERN_OK)
			return;
	} else {
		conn_drop(conn, TERN_DROP_CLOSED, record->type, record->epoch, record->seq, record->wire.n);
	}
}

tern_error conn_receive(tern_conn *conn, struct record *record, tern_event *event, tern_time now)
{
	if (is_early(conn, record) && record->type != CONTENT_APPLICATION_DATA && record->type != CONTENT_ALERT) {
		conn_drop(conn, TERN_DROP_CONTENT_TYPE, record->type, record->epoch, record->seq, record->wire.n);
		return TERN_OK;
	}
	switch (record->type) {
	case CONTENT_HANDSHAKE:
		return receive_handshake(conn, record, now);
	case CONTENT_CHANGE_CIPHER_SPEC:
		return receive_change_cipher_spec(conn, record, now);
	case CONTENT_ALERT:
		return receive_alert(conn, record);
	case CONTENT_ACK:
		/* Before DTLS 1.3 is settled an ACK means nothing: RFC 9147 7. */
		if (conn->after)
			return receive_ack(conn, record, now);
		conn_drop(conn, TERN_DROP_CONTENT_TYPE, record->type, record->epoch, record->seq, record->wire.n);
		return TERN_OK;
	case CONTENT_RETURN_ROUTABILITY_CHECK:
		receive_check(conn, record, now);
		return TERN_OK;
	default:
		return receive_data(conn, record, event);
	}
}
