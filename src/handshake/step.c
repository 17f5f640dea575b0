/* The driver: takes the next present row; if it is ours, puts the message into the flight; if it is the peer's, takes
 * the next in-order message and gets it. A change of sender ends a flight. Handlers never touch the cursor, timers or
 * records. */
#include "handshake/step.h"

#include "handshake/hellos.h"
#include "handshake/version.h"

#include "wire/record.h"

bool job_answered(const struct handshake *hs, tern_job_kind kind)
{
	return hs->job.state == JOB_ANSWERED && hs->job.kind == kind;
}

uint64_t job_next_id(struct handshake *hs)
{
	return ++hs->pool->next_job;
}

tern_error job_asked(struct handshake *hs, tern_job_kind kind, uint64_t id, tern_error result)
{
	if (result == TERN_PENDING)
		hs->job = (struct job){.state = JOB_ASKED, .kind = kind, .id = id, .since_ns = hs->now.mono_ns};
	return result;
}

tern_error job_verdict(tern_error said, tern_error otherwise)
{
	return said == TERN_OK || said == TERN_PENDING || error_alert(said) >= 0 ? said : otherwise;
}

tern_error handshake_answer(struct handshake *hs, uint64_t id, const tern_answer *answer)
{
	struct job *job = &hs->job;
	if (job->state != JOB_ASKED || job->id != id || !answer || answer->error == TERN_PENDING)
		return TERN_ERROR_USAGE;
	if (job->kind == TERN_JOB_PSK && answer->error == TERN_OK) {
		if (!answer->psk || answer->psk->key_len == 0 || answer->psk->key_len > sizeof answer->psk->key ||
		    answer->psk->identity_len > sizeof answer->psk->identity)
			return TERN_ERROR_USAGE;
		job->psk = *answer->psk;
	}
	if (job->kind == TERN_JOB_FINGERPRINT && answer->error == TERN_OK && !hs->num_fingerprints)
		return TERN_ERROR_USAGE;
	if (answer->len && (job->kind == TERN_JOB_SIGN || job->kind == TERN_JOB_SESSION)) {
		job->data = arena_copy(&hs->arena, span_of(answer->data, answer->len));
		if (!job->data.p)
			return TERN_ERROR_NO_MEMORY;
	}
	job->error = answer->error;
	job->state = JOB_ANSWERED;
	return TERN_OK;
}

static void job_over(struct handshake *hs)
{
	if (hs->job.state == JOB_NONE)
		return;
	hs->pending_ns += hs->now.mono_ns - hs->job.since_ns;
	wipe(&hs->job, sizeof hs->job);
}

/* Our row. */
static tern_error step_put(struct handshake *hs, const struct step *s)
{
	struct wr w = wr_of(hs->pool->scratch, POOL_SCRATCH);
	struct outgoing out = {.content_type = CONTENT_HANDSHAKE, .type = s->message, .epoch = hs->write_epoch};
	if (hs->job.state == JOB_ASKED)
		return TERN_PENDING;
	TRY(s->put(hs, &w));
	if (!wr_ok(&w))
		return FAIL(hs, ERROR_BUDGET, "");
	out.body = arena_copy(&hs->arena, wr_span(&w));
	if (!out.body.p)
		return FAIL(hs, ERROR_BUDGET, "");
	if (s->flags & STEP_SEND_ONLY) {
		out.content_type = s->message;
		out.type = 0;
	} else {
		if (hs->send_seq > UINT16_MAX)
			return FAIL(hs, ERROR_LIMIT, "RFC 9147 5.2");
		out.message_seq = (uint16_t)hs->send_seq++;
		if (!(s->flags & STEP_NOT_HASHED))
			TRY(transcript_add(&hs->transcript, out.type, out.message_seq, out.body, true));
	}
	TRY(flight_add(&hs->flight, &out));
	job_over(hs);
	return s->then ? s->then(hs) : TERN_OK;
}

static bool is_row_of(const struct step *s, const struct message *m)
{
	return m->type == s->message &&
	       (m->type != SERVER_HELLO || is_retry_body(m->body) == ((s->flags & STEP_RETRY) != 0));
}

/* The peer's row. *waits: nothing to take yet. What has no row here is unexpected, a second HelloRetryRequest too (RFC
 * 9147 5.1). */
static tern_error step_get(struct handshake *hs, const struct step *s, bool *waits, bool *skips)
{
	struct message m;
	tern_error error;
	if (!inbox_next(&hs->inbox, &m)) {
		*waits = true;
		return TERN_OK;
	}
	/* A HelloRequest means nothing during a handshake of DTLS 1.2 (RFC 5246 7.4.1.1), and a forged one must not
	 * displace the message of its number; nor must plaintext where protection is due. */
	if ((m.type == HELLO_REQUEST && (m.epoch == 0 || !hs->version->acknowledges)) || m.epoch != s->epoch) {
		inbox_discard(&hs->inbox);
		*waits = true;
		return TERN_OK;
	}
	if (!is_row_of(s, &m)) {
		*skips = s->flags & STEP_PEER_MAY_SKIP;
		return *skips ? TERN_OK : FAIL(hs, ERROR_UNEXPECTED_MESSAGE, "RFC 5246 7.3");
	}
	if ((s->flags & STEP_AFTER_CCS) && !hs->peer_ccs) {
		*waits = true;
		return TERN_OK;
	}
	if (hs->job.state == JOB_ASKED)
		return TERN_PENDING;
	error = s->get(hs, m.body);
	if (error != TERN_OK)
		return error;
	if (!(s->flags & STEP_NOT_HASHED))
		TRY(transcript_add(&hs->transcript, m.type, m.seq, m.body, false));
	inbox_done(&hs->inbox);
	if ((s->flags & STEP_LAST) && inbox_holds(&hs->inbox, m.epoch))
		return FAIL(hs, ERROR_UNEXPECTED_MESSAGE, "RFC 5246 7.4");
	job_over(hs);
	return s->then ? s->then(hs) : TERN_OK;
}

static bool is_present(const struct handshake *hs, const struct step *s)
{
	return !s->present || s->present(hs);
}

/* The script is at its end or at a row of the peer: whatever we have put is a flight. */
static tern_error end_flight(struct handshake *hs, bool awaits_answer)
{
	if (hs->flight.state != FLIGHT_PREPARING || hs->flight.num_messages == 0)
		return TERN_OK;
	hs->pending_ns = 0;
	hs->answered_seq = hs->inbox.next;
	return flight_send(&hs->flight, awaits_answer);
}

/* The hellos are followed by the script of the version they have settled on. */
static bool has_step(struct handshake *hs)
{
	if (hs->at == hs->num_steps && hs->script == script_hello) {
		hs->script = hs->version->script;
		hs->num_steps = *hs->version->num_steps;
		hs->at = 0;
	}
	return hs->at < hs->num_steps;
}

static tern_error run(struct handshake *hs)
{
	while (has_step(hs)) {
		const struct step *s = &hs->script[hs->at];
		bool waits = false, skips = false;
		bool ours = s->from == hs->role;
		if (!is_present(hs, s) || ((s->flags & STEP_SEND_ONLY) && !ours)) {
			hs->at++;
			continue;
		}
		if (ours) {
			/* The peer's flight is complete. */
			if (hs->flight.state != FLIGHT_PREPARING)
				flight_answered(&hs->flight, hs->pending_ns, hs->now);
			TRY(step_put(hs, s));
		} else {
			TRY(end_flight(hs, true));
			TRY(step_get(hs, s, &waits, &skips));
			if (waits)
				return TERN_OK;
		}
		hs->at++;
	}
	if (hs->flight.state == FLIGHT_PREPARING)
		TRY(end_flight(hs, hs->version->acknowledges));
	else
		flight_answered(&hs->flight, hs->pending_ns, hs->now);
	hs->complete = true;
	return TERN_OK;
}

tern_error handshake_run(struct handshake *hs, tern_time now)
{
	tern_error error;
	hs->now = now;
	error = run(hs);
	if (error == TERN_PENDING)
		return TERN_OK;
	return error == TERN_OK ? TERN_OK : FAILED(hs, error, "");
}

uint16_t handshake_epoch(const struct handshake *hs)
{
	return hs->at < hs->num_steps ? hs->script[hs->at].epoch : 0;
}
