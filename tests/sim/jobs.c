/* jobs.c - what the core asks its application, answered at once or later. */
#include "crypto/stub/stub.h"
#include "sim/host.h"

#define WAIT_MS 3000

struct peer *peer_of(struct host *h, const tern_conn *conn)
{
	for (size_t i = 0; i < 2; i++)
		if (h->peers[i].conn == conn)
			return &h->peers[i];
	return NULL;
}

/* Notes the question; its answer comes at some time. One in four questions is answered at once, and one whose
 * connection is not yet known to the host always. */
static struct question *postpone(struct host *h, tern_conn *conn, uint64_t id, tern_job_kind kind, unsigned flag)
{
	struct world *w = h->world;
	const struct peer *p = peer_of(h, conn);
	if (!(w->scenario->flags & flag) || w->staging || !p || pcg_percent(&w->rng, 25))
		return NULL;
	for (uint16_t i = 0; i < SIM_JOBS; i++) {
		struct question *j = &w->jobs[i];
		if (j->used)
			continue;
		*j = (struct question){.used = true,
				       .side = (uint8_t)h->side,
				       .conn = conn,
				       .id = id,
				       .serial = p->serial,
				       .kind = kind};
		world_at(w, SIM_MS * pcg_below(&w->rng, WAIT_MS), EVENT_ANSWER, h->side, i);
		ladder_note(w, h->side, "job %u: the answer comes later", (unsigned)kind);
		return j;
	}
	return NULL;
}

tern_error ask_signature(void *user, tern_conn *conn, uint64_t job, uint16_t scheme, const uint8_t *tbs, size_t tbs_len,
			 uint8_t *signature, size_t cap, size_t *len)
{
	struct host *h = user;
	struct question *j = postpone(h, conn, job, TERN_JOB_SIGN, SIM_LATE_SIGN);
	const struct scheme_alg *alg = scheme_by_id(scheme);
	if (!alg || cap < SIGNATURE_MAX || fault_now(&h->memory.faults, FAULT_SIGN))
		return TERN_ERROR_CRYPTO;
	h->world->inv.signs[h->side]++;
	if (!j)
		return provider_stub.sign(NULL, h->signer, alg, span_of(tbs, tbs_len), signature, len);
	TRY(provider_stub.sign(NULL, h->signer, alg, span_of(tbs, tbs_len), j->data, &j->n));
	return TERN_PENDING;
}

tern_error ask_verdict(void *user, tern_conn *conn, uint64_t job, const tern_bytes *chain, size_t num_chain,
		       bool raw_key)
{
	struct host *h = user;
	if (num_chain != 1 || chain[0].len < 8 || raw_key != ((h->world->scenario->flags & SIM_RAW) != 0))
		return TERN_ERROR_CERTIFICATE_REJECTED;
	if (fault_now(&h->memory.faults, FAULT_CHAIN_CHECK))
		return TERN_ERROR_CRYPTO;
	return postpone(h, conn, job, TERN_JOB_VERIFY, SIM_LATE_VERIFY) ? TERN_PENDING : TERN_OK;
}

static void psk_answer(const struct world *w, tern_psk *answer)
{
	*answer = (tern_psk){.identity_len = 6, .key_len = 16, .imported = w->scenario->flags & SIM_IMPORT_PSK};
	memcpy(answer->identity, "device", 6);
	memcpy(answer->key, "0123456789abcdef", 16);
}

tern_error answer_psk(void *user, tern_conn *conn, uint64_t job, const uint8_t *identity, size_t identity_len,
		      const uint8_t *hint, size_t hint_len, tern_psk *answer)
{
	struct host *h = user;
	tern_bytes external = {identity, identity_len}, context;
	if (h->world->scenario->flags & SIM_IMPORT_PSK &&
	    !tern_psk_imported(identity, identity_len, &external, &context))
		return TERN_ERROR_UNKNOWN_PSK_IDENTITY;
	if (h->side == CLIENT && !scenario_is_13(h->world->scenario) &&
	    (hint_len != 6 || memcmp(hint, "garden", 6) != 0))
		return TERN_ERROR_UNKNOWN_PSK_IDENTITY;
	if (h->side == SERVER && (external.len != 6 || memcmp(external.data, "device", 6) != 0))
		return TERN_ERROR_UNKNOWN_PSK_IDENTITY;
	if (postpone(h, conn, job, TERN_JOB_PSK, SIM_LATE_PSK))
		return TERN_PENDING;
	psk_answer(h->world, answer);
	return TERN_OK;
}

/* ---- early data ---- */

tern_error ask_freshness(void *user, tern_conn *conn, uint64_t job, const uint8_t *id, size_t id_len,
			 int64_t expires_unix_s)
{
	struct host *h = user;
	struct world *w = h->world;
	if (id_len != 32 || expires_unix_s < host_time(h).unix_s || expires_unix_s > host_time(h).unix_s + 22)
		invariants_fail(&w->inv, "early data with an id that cannot be");
	for (size_t i = 0; i < w->num_hellos; i++)
		if (memcmp(w->hellos[i], id, 32) == 0)
			return TERN_ERROR_USAGE;
	if (w->num_hellos == SIM_HELLOS || (w->scenario->flags & SIM_NOT_FRESH))
		return TERN_ERROR_USAGE;
	memcpy(w->hellos[w->num_hellos++], id, 32);
	return postpone(h, conn, job, TERN_JOB_EARLY_DATA, SIM_LATE_FRESH) ? TERN_PENDING : TERN_OK;
}

/* ---- the session store ---- */

static struct stored *stored_find(struct world *w, const uint8_t *id, size_t id_len)
{
	for (size_t i = 0; i < w->num_stored; i++)
		if (w->store[i].id_len == id_len && memcmp(w->store[i].id, id, id_len) == 0)
			return &w->store[i];
	return NULL;
}

static tern_error store_get(void *user, tern_conn *conn, uint64_t job, const uint8_t *id, size_t id_len, uint8_t *out,
			    size_t cap, size_t *len)
{
	struct host *h = user;
	struct question *j = postpone(h, conn, job, TERN_JOB_SESSION, SIM_LATE_STORE);
	const struct stored *s = stored_find(h->world, id, id_len);
	size_t n = s && s->n <= cap ? s->n : 0;
	if (n)
		memcpy(j ? j->data : out, s->blob, n);
	*(j ? &j->n : len) = n;
	return j ? TERN_PENDING : TERN_OK;
}

static void store_put(void *user, const uint8_t *id, size_t id_len, const uint8_t *session, size_t n,
		      int64_t expires_unix_s)
{
	struct world *w = ((struct host *)user)->world;
	struct stored *s = &w->store[w->num_stored % SIM_STORED];
	(void)expires_unix_s;
	if (w->num_stored == SIM_STORED || id_len > sizeof s->id || n > sizeof s->blob)
		return;
	w->num_stored++;
	s->id_len = id_len;
	s->n = n;
	memcpy(s->id, id, id_len);
	memcpy(s->blob, session, n);
}

static void store_del(void *user, const uint8_t *id, size_t id_len)
{
	struct stored *s = stored_find(((struct host *)user)->world, id, id_len);
	if (s)
		s->n = 0;
}

const tern_session_store store_calls = {store_get, store_put, store_del, NULL};

/* ---- answers ---- */

/* A question is asked once, and only its own answer counts. */
static void answer(struct world *w, struct host *h, struct peer *p, const struct question *j)
{
	tern_psk psk;
	tern_answer a = {.error = TERN_OK, .data = j->data, .len = j->n, .psk = &psk};
	tern_error error;
	psk_answer(w, &psk);
	if (tern_conn_resume(p->conn, j->id + 1000000, &a, host_time(h)) != TERN_ERROR_USAGE)
		invariants_fail(&w->inv, "the answer to a job that was never asked was taken");
	error = tern_conn_resume(p->conn, j->id, &a, host_time(h));
	ladder_note(w, h->side, "job %u answered: %s", (unsigned)j->kind, tern_error_name(error));
	host_drain(h, p);
	if (tern_conn_resume(p->conn, j->id, &a, host_time(h)) != TERN_ERROR_USAGE)
		invariants_fail(&w->inv, "an answer was taken twice");
}

void answer_job(struct world *w, uint16_t index)
{
	struct question *j = &w->jobs[index];
	struct host *h = &w->hosts[j->side];
	struct peer *p = peer_of(h, j->conn);
	if (p && p->serial == j->serial)
		answer(w, h, p, j);
	j->used = false;
}
