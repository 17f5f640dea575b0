#include "handshake/psk13.h"

#include "handshake/ask.h"
#include "handshake/import.h"
#include "handshake/keys13.h"
#include "handshake/negotiate.h"
#include "wire/handshake.h"
#include "wire/record.h"

#define PSKS_OFFERED 8

static const struct hash_alg *hash_of(const struct handshake *hs, enum hash_id id)
{
	return hs->pool->provider->hash[id];
}

/* RFC 8446 7.1, RFC 9258 5.2. */
static const char *binder_label(bool resumption, bool imported)
{
	return resumption ? "res binder" : imported ? "imp binder" : "ext binder";
}

/* HMAC over the hello as far as the binders, under a key of the PSK (RFC 8446 4.2.11.2). */
static void make_binder(const struct transcript *t, const struct hash_alg *hash, struct span psk, const char *label,
			struct span hello, size_t binders_wire, uint8_t *out)
{
	struct schedule13 schedule;
	uint8_t key[SECRET13_MAX], digest[HASH_MAX];
	schedule13_start(&schedule, hash, DTLS13_PREFIX, psk);
	schedule13_binder_key(&schedule, key, label);
	transcript_digest_with(t, hash, CLIENT_HELLO, hello, hello.n - binders_wire, digest);
	schedule13_finished(hash, DTLS13_PREFIX, out, key, digest);
	wipe(key, sizeof key);
	wipe(&schedule, sizeof schedule);
}

/* ---- client ---- */

static void add_psk(struct handshake *hs, const struct offered_psk *psk)
{
	const struct suite *asked = hs->retried ? suite_by_id(hs->retry_suite) : NULL;
	if (hs->num_psks < PSKS_OFFERED && (!asked || asked->hash == psk->hash))
		hs->psks[hs->num_psks++] = *psk;
}

static void add_ticket(struct handshake *hs)
{
	const struct session *s = hs->session;
	const struct suite *suite = s ? suite_by_id(s->suite) : NULL;
	struct offered_psk psk = {.resumption = true};
	if (!s || s->version != VERSION_DTLS13 || !s->ticket_len || !suite)
		return;
	psk.identity = span_of(s->ticket, s->ticket_len);
	psk.key = span_of(s->master, hash_of(hs, suite->hash)->len);
	psk.hash = suite->hash;
	psk.obfuscated_age = (uint32_t)(((uint64_t)hs->now.unix_s - (uint64_t)s->created_unix_s) * 1000) + s->age_add;
	add_psk(hs, &psk);
}

/* One without a suite to go with would only be bytes. */
static void add_external(struct handshake *hs, const struct psk_entry *e)
{
	const struct offered_psk psk = {.identity = e->identity,
					.key = e->key,
					.external = e->external,
					.hash = e->hash,
					.imported = e->imported};
	const struct list16 *ours = &hs->pool->config->suites13;
	for (size_t i = 0; i < ours->num; i++) {
		if (suite_by_id(ours->id[i])->hash == e->hash) {
			add_psk(hs, &psk);
			return;
		}
	}
}

/* In the order in which they were added; of the two forms of an imported one that of our first suite goes first. */
static void add_externals(struct handshake *hs)
{
	const struct tern_config *config = hs->pool->config;
	enum hash_id liked = config->suites13.num ? suite_by_id(config->suites13.id[0])->hash : HASH_NONE;
	for (size_t i = 0; i < config->num_psks; i++) {
		const struct psk_entry *e = &config->psks[i];
		size_t swap = e->imported && e[1].hash == liked;
		add_external(hs, e + swap);
		if (e->imported) {
			add_external(hs, e + !swap);
			i++;
		}
	}
}

static tern_error make_room(struct handshake *hs)
{
	size_t num = (hs->session ? 1 : 0) + hs->pool->config->num_psks;
	if (hs->psks || !num)
		return TERN_OK;
	hs->psks = arena_alloc(&hs->arena, (num < PSKS_OFFERED ? num : PSKS_OFFERED) * sizeof *hs->psks);
	return hs->psks ? TERN_OK : FAIL(hs, ERROR_BUDGET, "");
}

tern_error offer_psks13(struct handshake *hs)
{
	struct extensions *ext = &hs->offered;
	uint8_t *p;
	struct wr w;
	size_t size = 0;
	hs->num_psks = 0;
	TRY(make_room(hs));
	add_ticket(hs);
	add_externals(hs);
	ext->present &= ~(uint32_t)HAS_PRE_SHARED_KEY;
	if (hs->num_psks == 0)
		return TERN_OK;
	for (size_t i = 0; i < hs->num_psks; i++)
		size += 2 + hs->psks[i].identity.n + 4 + 1 + HASH_MAX;
	p = arena_alloc(&hs->arena, size);
	if (!p)
		return FAIL(hs, ERROR_BUDGET, "");
	w = wr_of(p, size);
	for (size_t i = 0; i < hs->num_psks; i++)
		put_psk_identity(&w, &(struct psk_identity){hs->psks[i].identity, hs->psks[i].obfuscated_age});
	ext->psk_identities = wr_span(&w);
	w = wr_of(p + w.n, size - w.n);
	for (size_t i = 0; i < hs->num_psks; i++) {
		static const uint8_t zeros[HASH_MAX];
		wr_vec8(&w, span_of(zeros, hash_of(hs, hs->psks[i].hash)->len));
	}
	ext->psk_binders = wr_span(&w);
	ext->present |= HAS_PRE_SHARED_KEY;
	return TERN_OK;
}

tern_error put_binders13(struct handshake *hs, struct wr *w)
{
	struct span hello = wr_span(w);
	size_t wire = 2 + hs->offered.psk_binders.n;
	uint8_t *at = w->p + w->n - hs->offered.psk_binders.n;
	if (!wr_ok(w))
		return FAIL(hs, ERROR_BUDGET, "");
	for (size_t i = 0; i < hs->num_psks; i++) {
		const struct offered_psk *psk = &hs->psks[i];
		const struct hash_alg *hash = hash_of(hs, psk->hash);
		make_binder(&hs->transcript, hash, psk->key, binder_label(psk->resumption, psk->imported), hello, wire,
			    at + 1);
		at += 1 + hash->len;
	}
	return TERN_OK;
}

/* ---- server ---- */

bool psk_fits_modes(const struct extensions *ext, bool has_group)
{
	return (has_group && list8_has(ext->psk_modes, PSK_DHE_KE)) || list8_has(ext->psk_modes, PSK_KE);
}

/* After a HelloRetryRequest the suite is settled. */
static const struct suite *suite_with_hash(const struct handshake *hs, const struct client_hello *hello,
					   enum hash_id hash)
{
	const struct suite *settled = hs->retried ? suite_by_id(hs->retry_suite) : NULL;
	if (settled)
		return settled->hash == hash ? settled : NULL;
	return choose_suite13_with(hs->pool->config, hello, hash);
}

/* A ticket of ours that may be resumed here. The suite is left to the caller. */
static bool open_ticket(tern_pool *pool, const struct extensions *ext, struct span identity, int64_t unix_s,
			struct found_psk *out)
{
	struct session *s = &out->session;
	const struct suite *made;
	bool stale, good;
	if (!pool->config->tickets)
		return false;
	good = ticket_open(pool_ticket_keys(pool), identity, unix_s, s, &stale);
	made = good ? suite_by_id(s->suite) : NULL;
	if (!made || s->version != VERSION_DTLS13 || !span_equal(span_of(s->name, s->name_len), ext->server_name) ||
	    memcmp(s->settings_hash, pool->settings_hash, sizeof s->settings_hash) != 0)
		return false;
	out->resumption = true;
	out->suite = made;
	out->key_len = pool->provider->hash[made->hash]->len;
	memcpy(out->key, s->master, out->key_len);
	return true;
}

static bool from_ticket(struct handshake *hs, const struct client_hello *hello, const struct extensions *ext,
			struct span identity, struct found_psk *out)
{
	if (!open_ticket(hs->pool, ext, identity, hs->now.unix_s, out))
		return false;
	out->suite = suite_with_hash(hs, hello, out->suite->hash);
	return out->suite != NULL;
}

static bool take_external(struct handshake *hs, const struct client_hello *hello, const struct psk_entry *psk,
			  struct found_psk *out)
{
	out->suite = suite_with_hash(hs, hello, psk->hash);
	out->resumption = false;
	out->imported = psk->imported;
	out->external = psk->external;
	out->key_len = psk->key.n;
	memcpy(out->key, psk->key.p, psk->key.n);
	return out->suite != NULL;
}

static bool from_config(struct handshake *hs, const struct client_hello *hello, struct span identity,
			struct found_psk *out)
{
	const struct psk_entry *e = configured_psk(hs->pool->config, identity);
	return e && take_external(hs, hello, e, out);
}

/* What the application answered to an identity. */
static bool take_answer(struct handshake *hs, const struct client_hello *hello, struct span identity,
			const tern_psk *answer, struct found_psk *out)
{
	/* An external PSK without a hash of its own goes with SHA-256: RFC 8446 4.2.11. */
	struct psk_entry e = {.identity = identity,
			      .key = span_of(answer->key, answer->key_len),
			      .external = identity,
			      .hash = HASH_SHA256,
			      .imported = answer->imported};
	struct imported_psk imported;
	bool taken = true;
	if (answer->imported) {
		taken = import_psk(hs->pool->provider, answer->hash, e.key, identity, &imported);
		e.key = span_of(imported.key, imported.key_len);
		e.external = imported.external;
		e.hash = imported.hash;
	}
	taken = taken && take_external(hs, hello, &e, out);
	wipe(&imported, sizeof imported);
	return taken;
}

/* Not one that was imported for another protocol or for a KDF that no suite of both sides has. */
static bool could_be_used(const struct handshake *hs, const struct client_hello *hello, struct span identity)
{
	enum hash_id hash;
	return !imported_for(identity, &hash) || suite_with_hash(hs, hello, hash);
}

/* One that is likely no ticket, for those have an age; else the first. */
static bool likely_external(const struct handshake *hs, const struct client_hello *hello, const struct extensions *ext,
			    struct psk_identity *out, uint16_t *index)
{
	struct rd r = rd_of(ext->psk_identities), again = r;
	for (uint16_t i = 0; i < PSKS_OFFERED && get_psk_identity(&r, out); i++) {
		*index = i;
		if (out->obfuscated_age == 0 && could_be_used(hs, hello, out->identity))
			return true;
	}
	*index = 0;
	return get_psk_identity(&again, out);
}

/* The application knows identities that we do not; it is asked once. */
static tern_error from_application(struct handshake *hs, const struct client_hello *hello, const struct extensions *ext,
				   struct found_psk *out)
{
	struct psk_identity external;
	tern_psk psk = {0};
	tern_error error;
	uint16_t index;
	if (!hs->pool->config->psk || !likely_external(hs, hello, ext, &external, &index))
		return TERN_OK;
	error = ask_psk(hs, external.identity, span_of(NULL, 0), &psk);
	if (error == TERN_OK && take_answer(hs, hello, external.identity, &psk, out)) {
		out->found = true;
		out->index = index;
	}
	wipe(&psk, sizeof psk);
	return error == TERN_ERROR_UNKNOWN_PSK_IDENTITY ? TERN_OK : error;
}

static bool binder_is_right(const tern_pool *pool, const struct transcript *t, const struct extensions *ext,
			    struct span hello, const struct found_psk *psk)
{
	const struct hash_alg *hash = pool->provider->hash[psk->suite->hash];
	struct rd r = rd_of(ext->psk_binders);
	uint8_t expected[HASH_MAX];
	struct span binder = {0};
	for (size_t i = 0; i <= psk->index; i++)
		if (!get_psk_binder(&r, &binder))
			return false;
	make_binder(t, hash, span_of(psk->key, psk->key_len), binder_label(psk->resumption, psk->imported), hello,
		    ext->psk_binders_wire, expected);
	return span_equal_secret(binder, span_of(expected, hash->len));
}

bool find_first_ticket13(tern_pool *pool, const struct client_hello *hello, const struct extensions *ext,
			 struct span body, int64_t unix_s, struct found_psk *out)
{
	struct rd r = rd_of(ext->psk_identities);
	struct psk_identity first;
	struct transcript nothing;
	*out = (struct found_psk){0};
	transcript_init(&nothing, NULL);
	if (!(ext->present & HAS_PRE_SHARED_KEY) || !ext->psk_is_last || !get_psk_identity(&r, &first) ||
	    !open_ticket(pool, ext, first.identity, unix_s, out))
		return false;
	out->suite = choose_suite13_with(pool->config, hello, out->suite->hash);
	out->found = out->suite && binder_is_right(pool, &nothing, ext, body, out);
	return out->found;
}

tern_error find_psk13(struct handshake *hs, const struct client_hello *hello, const struct extensions *ext,
		      struct found_psk *out)
{
	struct rd r = rd_of(ext->psk_identities);
	struct psk_identity identity;
	*out = (struct found_psk){0};
	if (!(ext->present & HAS_PRE_SHARED_KEY))
		return TERN_OK;
	if (!ext->psk_is_last || !ext->psks_paired)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.2.11");
	if (!(ext->present & HAS_PSK_KEY_EXCHANGE_MODES))
		return FAIL(hs, ERROR_MISSING_EXTENSION, "RFC 8446 4.2.9");
	for (uint16_t i = 0; i < PSKS_OFFERED && !out->found && get_psk_identity(&r, &identity); i++) {
		out->found = from_ticket(hs, hello, ext, identity.identity, out) ||
			     from_config(hs, hello, identity.identity, out);
		out->index = i;
	}
	if (!out->found)
		TRY(from_application(hs, hello, ext, out));
	return !out->found || binder_is_right(hs->pool, &hs->transcript, ext, hs->hello, out)
		       ? TERN_OK
		       : FAIL(hs, ERROR_BAD_BINDER, "RFC 8446 4.2.11.2");
}
