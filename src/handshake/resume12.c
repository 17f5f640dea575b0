#include "handshake/resume12.h"

#include "handshake/negotiate.h"
#include "handshake/version.h"
#include "wire/record.h"

static tern_error from_store(struct handshake *hs, struct span id, struct session *out, bool *found)
{
	const struct tern_session_store *store = &hs->pool->config->store;
	uint8_t blob[TERN_SESSION_MAX];
	struct span got = {blob, 0};
	tern_error error;
	if (job_answered(hs, TERN_JOB_SESSION)) {
		error = hs->job.error;
		got = hs->job.data;
	} else {
		uint64_t job = job_next_id(hs);
		error = job_asked(hs, TERN_JOB_SESSION, job,
				  store->get(store->user, hs->conn, job, id.p, id.n, blob, sizeof blob, &got.n));
	}
	if (error == TERN_PENDING)
		return error;
	/* A store that fails costs a full handshake, not the connection. */
	if (error == TERN_OK && got.n && got.n <= sizeof blob) {
		struct rd r = rd_of(got);
		*found = get_session(&r, out) && out->expires_unix_s > hs->now.unix_s;
	}
	wipe(blob, sizeof blob);
	return TERN_OK;
}

static bool from_ticket(struct handshake *hs, struct span ticket, struct session *out, bool *stale)
{
	return ticket_open(pool_ticket_keys(hs->pool), ticket, hs->now.unix_s, out, stale);
}

static bool config_has_suite(const struct tern_config *config, uint16_t id)
{
	for (size_t i = 0; i < config->suites.num; i++)
		if (config->suites.id[i] == id)
			return true;
	return false;
}

static bool fits(const struct handshake *hs, const struct session *s, const struct client_hello *hello,
		 const struct extensions *ext)
{
	const struct tern_config *config = hs->pool->config;
	return s->version == VERSION_DTLS12 && config_has_suite(config, s->suite) &&
	       list16_has(hello->suites, s->suite) && span_equal(span_of(s->name, s->name_len), ext->server_name) &&
	       memcmp(s->settings_hash, hs->pool->settings_hash, sizeof s->settings_hash) == 0;
}

tern_error find_session12(struct handshake *hs, const struct client_hello *hello, const struct extensions *ext,
			  struct session **found, bool *stale)
{
	const struct tern_config *config = hs->pool->config;
	struct session s = {0};
	bool have = false;
	tern_error error = TERN_OK;
	*found = NULL;
	*stale = false;
	if (config->tickets && ext->session_ticket.n)
		have = from_ticket(hs, ext->session_ticket, &s, stale);
	else if (config->has_store && hello->session_id.n)
		error = from_store(hs, hello->session_id, &s, &have);
	if (error == TERN_OK && have && fits(hs, &s, hello, ext)) {
		/* The session was made with the extended master secret; a hello without it is an attack or a fault:
		 * RFC 7627 5.3. */
		if (!(ext->present & HAS_EXTENDED_MASTER_SECRET))
			error = FAIL(hs, ERROR_NO_EXTENDED_MASTER_SECRET, "RFC 7627 5.3");
		else if ((*found = arena_alloc(&hs->arena, sizeof s)))
			**found = s;
		else
			error = FAIL(hs, ERROR_BUDGET, "");
	}
	session_wipe(&s);
	return error;
}

void resume_identity(struct handshake *hs, const struct session *s)
{
	struct outcome *o = &hs->outcome;
	hs->resumed = true;
	o->resumed = true;
	o->peer_authenticated = s->peer_authenticated;
	for (size_t i = 0; i < sizeof s->peer_fingerprint; i++)
		o->has_peer_fingerprint |= s->peer_fingerprint[i] != 0;
	memcpy(o->peer_fingerprint, s->peer_fingerprint, sizeof s->peer_fingerprint);
	o->psk_identity = span_of(s->psk_identity, s->psk_identity_len);
}

void take_up_session(struct handshake *hs, const struct session *s)
{
	struct outcome *o = &hs->outcome;
	resume_identity(hs, s);
	o->suite = suite_by_id(s->suite);
	memcpy(o->master, s->master, MASTER_LEN);
	o->extended_master_secret = true;
}

bool names_fit_session(const struct outcome *o)
{
	const struct session *s = NULL;
	return o->server_name.n <= sizeof s->name && o->psk_identity.n <= sizeof s->psk_identity;
}

static uint8_t copy_short(void *to, size_t cap, struct span from)
{
	size_t n = from.n <= cap ? from.n : 0;
	if (n)
		memcpy(to, from.p, n);
	return (uint8_t)n;
}

/* As far as sessions can tell time: not before 1970, and with room for a lifetime. */
static int64_t session_time(int64_t unix_s)
{
	if (unix_s < 0)
		return 0;
	return unix_s < INT64_MAX - UINT32_MAX ? unix_s : INT64_MAX - UINT32_MAX;
}

uint32_t session_seconds_left(const struct session *s, int64_t unix_s)
{
	int64_t left = s->expires_unix_s - session_time(unix_s);
	if (left < 0)
		return 0;
	return left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
}

void session_from_outcome(const tern_pool *pool, const struct outcome *o, int64_t unix_s, struct session *out)
{
	*out = (struct session){.version = o->version->number,
				.suite = o->suite->id,
				.peer_authenticated = o->peer_authenticated,
				.created_unix_s = session_time(unix_s),
				.expires_unix_s = session_time(unix_s) + pool->config->limits.session_seconds};
	memcpy(out->settings_hash, pool->settings_hash, sizeof out->settings_hash);
	if (o->has_peer_fingerprint)
		memcpy(out->peer_fingerprint, o->peer_fingerprint, sizeof out->peer_fingerprint);
	out->alpn_len = copy_short(out->alpn, sizeof out->alpn, o->alpn);
	out->name_len = copy_short(out->name, sizeof out->name, o->server_name);
	out->psk_identity_len = copy_short(out->psk_identity, sizeof out->psk_identity, o->psk_identity);
}

void session_from_handshake(const struct handshake *hs, struct session *out)
{
	const struct outcome *o = &hs->outcome;
	uint32_t lifetime = hs->pool->config->limits.session_seconds;
	session_from_outcome(hs->pool, o, hs->now.unix_s, out);
	/* A resumed session does not live longer by being resumed: RFC 5246 F.1.4. */
	if (hs->resumed && hs->session) {
		out->created_unix_s = hs->session->created_unix_s;
		out->expires_unix_s = hs->session->expires_unix_s;
	}
	memcpy(out->master, o->master, MASTER_LEN);
	out->id_len = copy_short(out->id, sizeof out->id, span_of(hs->session_id, hs->session_id_len));
	if (hs->new_ticket.n && hs->new_ticket.n <= sizeof out->ticket) {
		memcpy(out->ticket, hs->new_ticket.p, hs->new_ticket.n);
		out->ticket_len = (uint16_t)hs->new_ticket.n;
		if (hs->new_ticket_lifetime && hs->new_ticket_lifetime < lifetime)
			out->expires_unix_s = session_time(hs->now.unix_s) + hs->new_ticket_lifetime;
	}
}

void store_session12(struct handshake *hs)
{
	const struct tern_session_store *store = &hs->pool->config->store;
	struct session s;
	uint8_t blob[TERN_SESSION_MAX];
	struct wr w = wr_of(blob, sizeof blob);
	if (hs->role != SERVER || hs->resumed || !hs->pool->config->has_store || !hs->session_id_len ||
	    !hs->outcome.extended_master_secret || !names_fit_session(&hs->outcome))
		return;
	session_from_handshake(hs, &s);
	put_session(&w, &s, false);
	if (wr_ok(&w))
		store->put(store->user, s.id, s.id_len, blob, w.n, s.expires_unix_s);
	session_wipe(&s);
	wipe(blob, sizeof blob);
}
