#include "handshake/early13.h"

#include "handshake/keys13.h"
#include "handshake/negotiate.h"
#include "wire/record.h"

/* How far the age of a ticket as its client tells it may be from the age we know, both ways: RFC 8446 8.3. Our clock
 * has seconds. */
#define WINDOW_S 10
#define MS 1000
#define ID_LEN 32

struct span path_host(const tern_path *path)
{
	const tern_address *a = &path->remote;
	uint8_t n = a->host_len ? a->host_len : a->len;
	return span_of(a->bytes, n <= a->len && n <= sizeof a->bytes ? n : 0);
}

/* ---- client ---- */

static bool alpn_is_offered(const struct handshake *hs, const struct session *s)
{
	struct rd names = rd_of(hs->offered.alpn);
	struct span name;
	if (s->alpn_len == 0)
		return hs->offered.alpn.n == 0;
	while (get_alpn_name(&names, &name))
		if (span_equal(name, span_of(s->alpn, s->alpn_len)))
			return true;
	return false;
}

static tern_early_reason why_not_offer(const struct handshake *hs)
{
	const struct session *s = hs->session;
	if (!hs->early_wanted)
		return TERN_EARLY_REASON_DISABLED;
	if (!s || hs->num_psks == 0 || !hs->psks[0].resumption)
		return TERN_EARLY_REASON_NO_SESSION;
	if (s->max_early_data == 0)
		return TERN_EARLY_REASON_TICKET;
	return alpn_is_offered(hs, s) ? TERN_EARLY_REASON_NONE : TERN_EARLY_REASON_ALPN;
}

void early13_offer(struct handshake *hs)
{
	struct outcome *o = &hs->outcome;
	o->early_reason = why_not_offer(hs);
	if (o->early_reason != TERN_EARLY_REASON_NONE)
		return;
	o->early = TERN_EARLY_DATA_OFFERED;
	hs->early_left = hs->session->max_early_data;
	hs->offered.present |= HAS_EARLY_DATA;
}

void early13_reject(struct handshake *hs, tern_early_reason reason)
{
	if (hs->outcome.early != TERN_EARLY_DATA_OFFERED)
		return;
	hs->outcome.early = TERN_EARLY_DATA_REJECTED;
	hs->outcome.early_reason = reason;
	record_forget_write(hs->records, EPOCH_HANDSHAKE);
}

void early13_check_choice(struct handshake *hs, bool first_psk)
{
	if (!first_psk)
		early13_reject(hs, TERN_EARLY_REASON_NOT_RESUMED);
	else if (hs->session && hs->outcome.suite->id != hs->session->suite)
		early13_reject(hs, TERN_EARLY_REASON_SUITE);
}

tern_error early13_take_answer(struct handshake *hs, const struct extensions *ext)
{
	const struct session *s = hs->session;
	bool offered = hs->outcome.early == TERN_EARLY_DATA_OFFERED;
	bool same = offered && span_equal(hs->outcome.alpn, span_of(s->alpn, s->alpn_len));
	if (!(ext->present & HAS_EARLY_DATA)) {
		early13_reject(hs, same ? TERN_EARLY_REASON_DECLINED : TERN_EARLY_REASON_ALPN);
		return TERN_OK;
	}
	if (!same)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.2.10");
	hs->outcome.early = TERN_EARLY_DATA_ACCEPTED;
	return TERN_OK;
}

bool early13_may_send(const struct handshake *hs)
{
	return hs->role == CLIENT && !hs->complete &&
	       (hs->outcome.early == TERN_EARLY_DATA_OFFERED || hs->outcome.early == TERN_EARLY_DATA_ACCEPTED);
}

/* ---- server ---- */

/* What the client takes for the ticket's age, in ms. */
static uint32_t told_age(const struct session *s, const struct extensions *ext)
{
	struct rd r = rd_of(ext->psk_identities);
	struct psk_identity first = {0};
	return get_psk_identity(&r, &first) ? first.obfuscated_age - s->age_add : 0;
}

/* When the hello should arrive by its own account. */
static int64_t expected_unix_s(const struct session *s, const struct extensions *ext)
{
	return s->created_unix_s + told_age(s, ext) / MS;
}

static bool age_is_right(const struct session *s, const struct extensions *ext, int64_t unix_s)
{
	int64_t off = unix_s - expected_unix_s(s, ext);
	return off >= -WINDOW_S && off <= WINDOW_S;
}

static bool alpn_is_chosen(const struct tern_config *config, const struct session *s, const struct extensions *ext)
{
	struct span chosen;
	return choose_alpn(config, ext->alpn, &chosen) == TERN_OK && span_equal(chosen, span_of(s->alpn, s->alpn_len));
}

static bool needs_retry(const struct early_request *r)
{
	return r->group && !r->share.n && (!r->psk->found || list8_has(r->ext->psk_modes, PSK_DHE_KE));
}

/* Everything but whether it is fresh. */
static tern_early_reason judge(const tern_pool *pool, const struct early_request *r, int64_t unix_s)
{
	const struct extensions *ext = r->ext;
	const struct found_psk *psk = r->psk;
	const struct session *s = &psk->session;
	uint32_t max = pool->config->early_max;
	if (max == 0)
		return TERN_EARLY_REASON_DISABLED;
	if (needs_retry(r))
		return TERN_EARLY_REASON_RETRY;
	if (!psk->found || !psk->resumption || psk->index != 0 || !psk_fits_modes(ext, r->group != NULL))
		return TERN_EARLY_REASON_NOT_RESUMED;
	if (s->max_early_data == 0 || s->max_early_data > max)
		return TERN_EARLY_REASON_TICKET;
	if (psk->suite->id != s->suite)
		return TERN_EARLY_REASON_SUITE;
	if (!alpn_is_chosen(pool->config, s, ext))
		return TERN_EARLY_REASON_ALPN;
	return age_is_right(s, ext, unix_s) ? TERN_EARLY_REASON_NONE : TERN_EARLY_REASON_AGE;
}

/* By the binder of the PSK that is used: no other part of a hello is both unique and beyond change (RFC 8446 8.2). */
static tern_error ask_fresh(struct handshake *hs, const struct session *s, const struct extensions *ext)
{
	const struct tern_config *config = hs->pool->config;
	struct rd r = rd_of(ext->psk_binders);
	struct span binder;
	uint64_t job;
	if (job_answered(hs, TERN_JOB_EARLY_DATA))
		return hs->job.error;
	if (!get_psk_binder(&r, &binder))
		return TERN_ERROR_INTERNAL;
	job = job_next_id(hs);
	return job_asked(hs, TERN_JOB_EARLY_DATA, job,
			 config->fresh(config->fresh_user, hs->conn, job, binder.p, ID_LEN,
				       expected_unix_s(s, ext) + WINDOW_S + 1));
}

tern_error early13_judge(struct handshake *hs, const struct early_request *request, tern_early_reason *reason)
{
	tern_error error;
	*reason = TERN_EARLY_REASON_NONE;
	if (!(request->ext->present & HAS_EARLY_DATA))
		return TERN_OK;
	if (hs->retried)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.1.2");
	*reason = judge(hs->pool, request, hs->now.unix_s);
	if (*reason != TERN_EARLY_REASON_NONE)
		return TERN_OK;
	error = ask_fresh(hs, &request->psk->session, request->ext);
	if (error != TERN_OK && error != TERN_PENDING)
		*reason = TERN_EARLY_REASON_REPLAYED;
	return error == TERN_PENDING ? error : TERN_OK;
}

void early13_decide(struct handshake *hs, tern_early_reason reason)
{
	bool accepted = reason == TERN_EARLY_REASON_NONE;
	hs->outcome.early = accepted ? TERN_EARLY_DATA_ACCEPTED : TERN_EARLY_DATA_REJECTED;
	hs->outcome.early_reason = reason;
	hs->early_left = accepted ? hs->session->max_early_data : 0;
}

bool early13_proves_address(tern_pool *pool, const struct client_hello *hello, const struct extensions *ext,
			    struct span body, const tern_path *path, int64_t unix_s)
{
	struct found_psk psk;
	struct early_request request = {.ext = ext, .psk = &psk};
	struct span host = path ? path_host(path) : span_of(NULL, 0);
	bool proved = false;
	if (!pool->config->early_max || !(ext->present & HAS_EARLY_DATA) || !host.n)
		return false;
	request.group = choose_group13(pool->config, pool->provider, ext, &request.share);
	if (find_first_ticket13(pool, hello, ext, body, unix_s, &psk))
		proved = span_equal(host, span_of(psk.session.host, psk.session.host_len)) &&
			 judge(pool, &request, unix_s) == TERN_EARLY_REASON_NONE;
	wipe(&psk, sizeof psk);
	return proved;
}

/* ---- both ---- */

tern_error early13_keys(struct handshake *hs, struct span hello)
{
	const struct suite *suite = suite_by_id(hs->session ? hs->session->suite : 0);
	struct schedule13 schedule;
	uint8_t digest[HASH_MAX];
	tern_error error;
	if (hs->outcome.early == TERN_EARLY_DATA_NONE || hs->outcome.early == TERN_EARLY_DATA_REJECTED || !suite)
		return TERN_OK;
	schedule13_start(&schedule, hs->pool->provider->hash[suite->hash], DTLS13_PREFIX,
			 span_of(hs->session->master, hs->pool->provider->hash[suite->hash]->len));
	transcript_digest_with(&hs->transcript, schedule.hash, CLIENT_HELLO, hello, hello.n, digest);
	error = keys13_early(hs, &schedule, suite, digest);
	wipe(&schedule, sizeof schedule);
	return error;
}
