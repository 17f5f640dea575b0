#include "connection/auth.h"

#include "base/heap.h"
#include "handshake/keys13.h"
#include "handshake/version.h"

static struct auth *auth_of(const tern_conn *conn)
{
	return conn->after ? conn->after->auth : NULL;
}

tern_error auth_keep(tern_conn *conn)
{
	if (!auth13_allowed(conn->hs))
		return TERN_OK;
	conn->after->auth = heap_alloc(&conn->pool->config->heap, sizeof *conn->after->auth);
	if (!conn->after->auth)
		return TERN_ERROR_NO_MEMORY;
	auth13_keep(conn->hs, &conn->after->auth->base);
	return TERN_OK;
}

static void end_script(struct auth *auth)
{
	handshake_free(auth->hs);
	auth->hs = NULL;
}

void auth_free(tern_conn *conn)
{
	const tern_allocator *heap = &conn->pool->config->heap;
	struct auth *auth = auth_of(conn);
	if (!auth)
		return;
	end_script(auth);
	for (size_t i = 0; i < auth->num_waiting; i++)
		heap_free_copy(heap, (void *)(uintptr_t)auth->waiting[i].p, auth->waiting[i].n);
	heap_free(heap, auth, sizeof *auth);
	conn->after->auth = NULL;
}

bool auth_has(uint8_t type)
{
	return type == CERTIFICATE_REQUEST || type == CERTIFICATE || type == CERTIFICATE_VERIFY || type == FINISHED;
}

static tern_error begin_script(tern_conn *conn, struct span context, tern_time now)
{
	struct auth *auth = auth_of(conn);
	struct outcome o;
	tern_error error;
	agreed_outcome(&conn->agreed, conn->pool->provider, &o);
	error = auth13_new(&auth->hs, conn->role, conn->pool, conn, &conn->records, &conn->failure, &o, &auth->base,
			   context, now);
	wipe(&o, sizeof o);
	return error;
}

/* A message that is whole, as the next one of the script. What it was lent goes away with the call. */
static tern_error hand_over(struct handshake *hs, uint8_t type, uint16_t seq, struct span body)
{
	struct fragment whole = {.type = type, .length = (uint32_t)body.n, .message_seq = seq, .body = body};
	tern_drop drop = inbox_put(&hs->inbox, &whole, EPOCH_DATA);
	if (drop == TERN_DROP_BUDGET)
		return FAIL(hs, ERROR_BUDGET, "");
	return drop == TERN_DROP_NONE ? TERN_OK : FAIL(hs, ERROR_UNEXPECTED_MESSAGE, "RFC 8446 4.6.2");
}

static tern_error run_script(tern_conn *conn, tern_time now)
{
	struct handshake *hs = auth_of(conn)->hs;
	TRY(handshake_run(hs, now));
	if (hs->job.state == JOB_ASKED && !hs->job.announced) {
		hs->job.announced = true;
		conn->queued |= QUEUED_PENDING;
	}
	return inbox_keep(&hs->inbox);
}

/* ---- server ---- */

/* The script as far as the client's messages. first_seq: the message_seq of the first of them, once that is known. */
static tern_error begin_request(tern_conn *conn, uint32_t first_seq, tern_time now)
{
	struct auth *auth = auth_of(conn);
	TRY(begin_script(conn, span_of(auth->context, sizeof auth->context), now));
	auth->hs->requires_client_cert = auth->required;
	auth->hs->inbox.next = first_seq;
	return handshake_run(auth->hs, now);
}

static tern_error send_request(tern_conn *conn, tern_time now)
{
	struct auth *auth = auth_of(conn);
	TRY(begin_request(conn, 0, now));
	TRY(after_post(conn, auth->hs->flight.messages, auth->hs->flight.num_messages));
	end_script(auth);
	auth->unsent = false;
	return TERN_OK;
}

tern_error tern_conn_request_certificate(tern_conn *conn, tern_client_auth mode, tern_time now)
{
	struct auth *auth = auth_of(conn);
	tern_error error;
	if (conn->state != CONN_OPEN)
		return TERN_ERROR_NOT_CONNECTED;
	if (conn->role != SERVER || !auth || auth->asked ||
	    (mode != TERN_CLIENT_AUTH_OPTIONAL && mode != TERN_CLIENT_AUTH_REQUIRED))
		return TERN_ERROR_USAGE;
	if (!config_can_verify(conn->pool->config))
		return TERN_ERROR_NO_CREDENTIALS;
	if (!after_is_rich(conn))
		return TERN_ERROR_LIMIT;
	end_script(auth);
	conn->queued &= (uint8_t) ~(QUEUED_AUTHENTICATED | QUEUED_AUTH_DECLINED);
	auth->asked = auth->unsent = true;
	auth->required = mode == TERN_CLIENT_AUTH_REQUIRED;
	error = conn->pool->provider->random(conn->pool->crypto, auth->context, sizeof auth->context);
	if (error == TERN_OK)
		error = auth_go_on(conn, now);
	return error == TERN_OK ? TERN_OK : conn_fail(conn, error, WHERE, "");
}

static tern_error judge_answer(tern_conn *conn, tern_time now)
{
	struct auth *auth = auth_of(conn);
	TRY(run_script(conn, now));
	if (!auth->hs->complete)
		return TERN_OK;
	auth->asked = false;
	if (auth->hs->client_cert_sent)
		agreed_set_peer(&conn->agreed, &auth->hs->outcome);
	conn->queued |= auth->hs->client_cert_sent ? QUEUED_AUTHENTICATED : QUEUED_AUTH_DECLINED;
	return TERN_OK;
}

/* The first message shows that the request has come. All have the secret of their epoch, whatever comes behind them. */
static tern_error begin_answer(tern_conn *conn, const struct message *m, tern_time now)
{
	struct auth *auth = auth_of(conn);
	after_answered(conn, CERTIFICATE_REQUEST);
	TRY(begin_request(conn, m->seq, now));
	auth->next_seq = m->seq;
	return TERN_OK;
}

static tern_error take_answer(tern_conn *conn, const struct message *m, tern_time now)
{
	struct auth *auth = auth_of(conn);
	bool begins = auth && auth->asked && !auth->unsent && !auth->hs && m->type == CERTIFICATE;
	bool follows = auth && auth->asked && auth->hs && m->type != CERTIFICATE && m->seq == auth->next_seq;
	if (!begins && !follows)
		return CONN_FAIL(conn, ERROR_UNEXPECTED_MESSAGE, "RFC 8446 4.6.2");
	if (begins)
		TRY(begin_answer(conn, m, now));
	if (!auth->hs) /* for analyzers, who cannot see that the script is still there */
		return CONN_FAIL(conn, ERROR_INTERNAL, "");
	auth->next_seq++;
	TRY(hand_over(auth->hs, m->type, m->seq, m->body));
	return judge_answer(conn, now);
}

/* ---- client ---- */

static tern_error begin_next(tern_conn *conn, tern_time now)
{
	struct auth *auth = auth_of(conn);
	struct span request = auth->waiting[0];
	tern_error error;
	auth->num_waiting--;
	memmove(auth->waiting, auth->waiting + 1, auth->num_waiting * sizeof auth->waiting[0]);
	error = begin_script(conn, span_of(NULL, 0), now);
	if (error == TERN_OK)
		error = hand_over(auth->hs, CERTIFICATE_REQUEST, 0, request);
	if (error == TERN_OK) /* it lies where it lay: kept by run_script if it is not taken at once */
		error = run_script(conn, now);
	heap_free_copy(&conn->pool->config->heap, (void *)(uintptr_t)request.p, request.n);
	return error;
}

static tern_error answer_requests(tern_conn *conn, tern_time now)
{
	struct auth *auth = auth_of(conn);
	if (auth->hs) {
		auth13_set_secret(auth->hs, agreed_secret(&conn->agreed, CLIENT), conn->agreed.secret_len);
		TRY(run_script(conn, now));
	}
	for (;;) {
		if (auth->hs && !auth->hs->complete)
			return TERN_OK;
		if (auth->hs)
			TRY(after_post(conn, auth->hs->flight.messages, auth->hs->flight.num_messages));
		end_script(auth);
		if (!auth->num_waiting)
			return TERN_OK;
		TRY(begin_next(conn, now));
	}
}

static tern_error take_request(tern_conn *conn, const struct message *m, bool *answered, tern_time now)
{
	struct auth *auth = auth_of(conn);
	uint8_t *copy;
	if (!auth)
		return CONN_FAIL(conn, ERROR_UNEXPECTED_MESSAGE, "RFC 8446 4.6.2");
	if (auth->num_waiting == AUTH_WAITING)
		return CONN_FAIL(conn, ERROR_BUDGET, "RFC 8446 4.6.2");
	copy = heap_copy(&conn->pool->config->heap, m->body.p, m->body.n);
	if (!copy)
		return TERN_ERROR_NO_MEMORY;
	auth->waiting[auth->num_waiting++] = span_of(copy, m->body.n);
	TRY(auth_go_on(conn, now));
	*answered = !auth->num_waiting && !auth->hs;
	return TERN_OK;
}

/* ---- both ---- */

tern_error auth_receive(tern_conn *conn, const struct message *m, bool *answered, tern_time now)
{
	bool asks = m->type == CERTIFICATE_REQUEST;
	tern_error error;
	if (asks != (conn->role == CLIENT))
		return CONN_FAIL(conn, ERROR_UNEXPECTED_MESSAGE, "RFC 8446 4.6.2");
	error = asks ? take_request(conn, m, answered, now) : take_answer(conn, m, now);
	return error == TERN_OK ? TERN_OK : conn_fail(conn, error, WHERE, "RFC 8446 4.6.2");
}

tern_error auth_go_on(tern_conn *conn, tern_time now)
{
	struct auth *auth = auth_of(conn);
	if (!auth)
		return TERN_OK;
	if (conn->role == CLIENT)
		return after_may_post(conn) ? answer_requests(conn, now) : TERN_OK;
	if (auth->unsent)
		return after_may_post(conn) ? send_request(conn, now) : TERN_OK;
	return auth->hs && auth->asked ? judge_answer(conn, now) : TERN_OK;
}

struct handshake *auth_under_way(const tern_conn *conn)
{
	struct auth *auth = auth_of(conn);
	return auth && conn->state == CONN_OPEN && auth->hs && !auth->hs->complete ? auth->hs : NULL;
}

const struct handshake *auth_shown(const tern_conn *conn)
{
	struct auth *auth = auth_of(conn);
	return auth && auth->hs && auth->hs->complete ? auth->hs : NULL;
}

void auth_settle(tern_conn *conn)
{
	if (auth_shown(conn) && !(conn->queued & (QUEUED_AUTHENTICATED | QUEUED_AUTH_DECLINED)))
		end_script(auth_of(conn));
}
