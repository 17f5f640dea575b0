#include <stdlib.h>
#include <string.h>

#include "bench.h"

struct tern_context {
	const struct scenario *scenario;
	enum side side;
	tern_pool *pool;
	size_t session_len; /* client: 0 none */
	uint8_t session[TERN_SESSION_MAX];
};

struct tern_side_conn {
	struct tern_context *context;
	tern_conn *conn; /* NULL: a server that waits for a cookie */
	struct mailbox *in, *out;
	bool connected;
};

static tern_error set_credentials(tern_config *config, const struct scenario *s, enum side side)
{
	if (!s->certificate)
		return tern_config_add_psk(config, BENCH_PSK_IDENTITY, strlen(BENCH_PSK_IDENTITY), bench_psk,
					   sizeof bench_psk);
	if (side == CLIENT_SIDE)
		return tern_config_add_trust(config, identity.ca, identity.ca_len);
	return tern_config_add_keypair(config, identity.cert, identity.cert_len, identity.key, identity.key_len);
}

static bool configure(tern_config *config, const struct scenario *s, enum side side)
{
	tern_limits limits = {.size = sizeof limits, .mtu = BENCH_MTU};
	tern_timers timers = {.size = sizeof timers,
			      .first_ns = s->first_ms * UINT64_C(1000000),
			      .handshake_ns = s->patience_s * UINT64_C(1000000000),
			      .no_jitter = s->first_ms != 0};
	bool psk_ke = s->dtls13 && s->exchange == EXCHANGE_NONE;
	const char *group = psk_ke ? NULL : s->exchange == EXCHANGE_X25519 ? "x25519,secp256r1" : "secp256r1";
	bool remembers = s->certificate == CHAIN_KNOWN;
	return (!s->policy || tern_config_set_policy(config, s->policy) == TERN_OK) &&
	       tern_config_set_timers(config, &timers) == TERN_OK &&
	       tern_config_set_remembered_chains(config, remembers ? 1 : 0) == TERN_OK &&
	       tern_config_set_suites(config, s->suite) == TERN_OK &&
	       tern_config_set_record_crypto(config, bench_record_crypto) == TERN_OK &&
	       tern_config_set_groups(config, group) == TERN_OK && tern_config_set_limits(config, &limits) == TERN_OK &&
	       tern_config_set_psk_ke(config, psk_ke) == TERN_OK &&
	       tern_config_set_tickets(config, s->ticket) == TERN_OK && set_credentials(config, s, side) == TERN_OK;
}

tern_config *tern_side_config(const struct scenario *s, enum side side)
{
	tern_config *config = tern_config_new(bench_heap);
	tern_protocol version = s->dtls13 ? TERN_DTLS13 : TERN_DTLS12;
	if (config && tern_config_set_versions(config, version, version) == TERN_OK && configure(config, s, side))
		return config;
	tern_config_free(config);
	return NULL;
}

static void *context_new(const struct scenario *s, enum side side)
{
	struct tern_context *context = calloc(1, sizeof *context);
	tern_config *config = tern_side_config(s, side);
	bool ok = context && config && tern_pool_new(&context->pool, config) == TERN_OK;
	tern_config_free(config);
	if (!ok) {
		free(context);
		return NULL;
	}
	context->scenario = s;
	context->side = side;
	return context;
}

static void context_free(void *p)
{
	struct tern_context *context = p;
	tern_pool_free(context->pool);
	free(context);
}

static tern_error make(tern_conn **conn, struct tern_context *context)
{
	tern_client_options options = {.size = sizeof options};
	if (context->side == SERVER_SIDE)
		return tern_accept(conn, context->pool, NULL, NULL, bench_now());
	if (context->scenario->certificate)
		options.server_name = BENCH_NAME;
	if (context->session_len) {
		options.session = context->session;
		options.session_len = context->session_len;
	}
	return tern_client(conn, context->pool, &options, bench_now());
}

static bool waits_for_cookie(const struct tern_context *context)
{
	return context->side == SERVER_SIDE && context->scenario->cookie;
}

/* The small object around the connection is the bench's own. */
static void *conn_new(void *p, struct mailbox *in, struct mailbox *out)
{
	struct tern_side_conn *c = malloc(sizeof *c);
	if (!c)
		return NULL;
	*c = (struct tern_side_conn){.context = p, .in = in, .out = out};
	if (waits_for_cookie(c->context) || make(&c->conn, c->context) == TERN_OK)
		return c;
	free(c);
	return NULL;
}

static bool send_all(struct tern_side_conn *c)
{
	if (!c->conn)
		return true;
	for (; c->out->num < MAILBOX_MAX; c->out->num++) {
		struct letter *l = &c->out->letters[c->out->num];
		if (tern_conn_take(c->conn, l->bytes, sizeof l->bytes, &l->n, bench_now()) != TERN_OK)
			return false;
		if (l->n == 0)
			return true;
	}
	return false;
}

static bool listen_to(struct tern_side_conn *c, struct letter *l)
{
	tern_path path = {.remote = {.len = 4, .bytes = {1, 2, 3, 4}}};
	struct letter *reply = &c->out->letters[c->out->num];
	tern_verdict verdict;
	if (tern_listen(c->context->pool, &verdict, reply->bytes, sizeof reply->bytes, &reply->n, l->bytes, l->n, &path,
			bench_now()) != TERN_OK)
		return false;
	c->out->num += verdict.kind == TERN_VERDICT_REPLY;
	return verdict.kind != TERN_VERDICT_ACCEPT ||
	       tern_accept(&c->conn, c->context->pool, &verdict, &path, bench_now()) == TERN_OK;
}

static bool take_letter(struct tern_side_conn *c, struct letter *l)
{
	tern_event event;
	if (!c->conn && (!listen_to(c, l) || !c->conn))
		return !c->conn;
	if (tern_conn_feed(c->conn, l->bytes, l->n, NULL, bench_now()) != TERN_OK)
		return false;
	do {
		if (tern_conn_next(c->conn, &event, bench_now()) != TERN_OK)
			return false;
		c->connected |= event.kind == TERN_EVENT_CONNECTED;
	} while (event.kind != TERN_EVENT_NONE);
	return true;
}

static enum progress step(void *p)
{
	struct tern_side_conn *c = p;
	while (c->in->at < c->in->num)
		if (!take_letter(c, &c->in->letters[c->in->at++]))
			return PROGRESS_FAILED;
	if (!send_all(c))
		return PROGRESS_FAILED;
	return c->connected ? PROGRESS_DONE : PROGRESS_WAITS;
}

static bool resumed(void *p)
{
	struct tern_side_conn *c = p;
	tern_info info;
	tern_conn_info(c->conn, &info);
	return info.resumed;
}

static bool keep_session(void *p, void *q)
{
	struct tern_context *context = p;
	struct tern_side_conn *c = q;
	return tern_conn_session(c->conn, context->session, sizeof context->session, &context->session_len) == TERN_OK;
}

static bool seal(void *p, const uint8_t *data, size_t n)
{
	struct tern_side_conn *c = p;
	struct letter *l = &c->out->letters[c->out->num];
	if (tern_conn_seal(c->conn, l->bytes, sizeof l->bytes, &l->n, data, n, bench_now()) != TERN_OK)
		return false;
	c->out->num++;
	return true;
}

/* A batch, between seal_many and spread. */
static uint8_t side_by_side[MAILBOX_MAX * BENCH_MTU];
static tern_batch batch;

static bool seal_many(void *p, const uint8_t *data, size_t n, size_t num)
{
	struct tern_side_conn *c = p;
	tern_bytes all[MAILBOX_MAX];
	for (size_t i = 0; i < num; i++)
		all[i] = (tern_bytes){data, n};
	return tern_conn_seal_many(c->conn, side_by_side, sizeof side_by_side, &batch, all, num, bench_now()) ==
		       TERN_OK &&
	       batch.num == num;
}

static void spread(void *p)
{
	struct tern_side_conn *c = p;
	for (size_t i = 0; i < batch.num; i++) {
		struct letter *l = &c->out->letters[c->out->num++];
		l->n = batch.segment;
		memcpy(l->bytes, side_by_side + i * batch.segment, batch.segment);
	}
}

static bool open_record(void *p, size_t n)
{
	struct tern_side_conn *c = p;
	struct letter *l = &c->in->letters[c->in->at++];
	tern_event event, end;
	return tern_conn_feed(c->conn, l->bytes, l->n, NULL, bench_now()) == TERN_OK &&
	       tern_conn_next(c->conn, &event, bench_now()) == TERN_OK && event.kind == TERN_EVENT_DATA &&
	       event.len == n && tern_conn_next(c->conn, &end, bench_now()) == TERN_OK && end.kind == TERN_EVENT_NONE;
}

static void conn_free(void *p)
{
	struct tern_side_conn *c = p;
	tern_conn_free(c->conn);
	free(c);
}

static void settle(void *p)
{
	if (tern_conn_tick(((struct tern_side_conn *)p)->conn, bench_now()) != TERN_OK)
		bench_die("tern_conn_tick");
}

static uint64_t deadline(void *p)
{
	struct tern_side_conn *c = p;
	return c->conn ? tern_conn_deadline(c->conn) : UINT64_MAX;
}

static enum progress timeout(void *p)
{
	struct tern_side_conn *c = p;
	return tern_conn_tick(c->conn, bench_now()) == TERN_OK ? PROGRESS_WAITS : PROGRESS_FAILED;
}

static const char *version(void)
{
	return tern_version();
}

const struct implementation tern_implementation = {
	.name = "tern",
	.version = version,
	.context_new = context_new,
	.context_free = context_free,
	.conn_new = conn_new,
	.step = step,
	.resumed = resumed,
	.keep_session = keep_session,
	.seal = seal,
	.seal_many = seal_many,
	.spread = spread,
	.open = open_record,
	.conn_free = conn_free,
	.settle = settle,
	.deadline = deadline,
	.timeout = timeout,
};
