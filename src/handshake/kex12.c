/* ServerKeyExchange, ServerHelloDone, ClientKeyExchange: ECDHE, PSK and both together (RFC 8422 5.4 and 5.7, RFC 4279
 * 2, RFC 5489 2). */
#include "wire/kex12.h"
#include "handshake/ask.h"
#include "handshake/authenticate.h"
#include "handshake/messages12.h"

static struct kex12_form form_of(const struct handshake *hs)
{
	const struct suite *s = hs->outcome.suite;
	return (struct kex12_form){.psk = s->psk, .ecdhe = s->ecdhe, .sign = s->auth != AUTH_PSK};
}

/* What the server signs: both randoms and its parameters. */
static void signed_params(const struct handshake *hs, struct wr *w, struct span params)
{
	wr_bytes(w, span_of(hs->client_random, RANDOM_LEN));
	wr_bytes(w, span_of(hs->server_random, RANDOM_LEN));
	wr_bytes(w, params);
}

#define SIGNED_PARAMS_MAX (2 * RANDOM_LEN + 4 + 255)

tern_error put_server_kex12(struct handshake *hs, struct wr *w)
{
	const struct group_alg *group = hs->outcome.group;
	struct server_key_exchange ske = {.psk_hint = hs->pool->config->psk_hint};
	uint8_t params[SIGNED_PARAMS_MAX], tbs[SIGNED_PARAMS_MAX], signature[SIGNATURE_MAX];
	struct wr pw = wr_of(params, sizeof params), tw = wr_of(tbs, sizeof tbs);
	if (group) {
		/* Once, though signing may pend and bring us here again. */
		if (!hs->has_share)
			TRY(group->offer(hs->pool->crypto, &hs->share, hs->share_public));
		hs->has_share = true;
		ske.group = group->id;
		ske.share = span_of(hs->share_public, group->offer_len);
	}
	if (hs->credential) {
		put_ecdhe_params(&pw, ske.group, ske.share);
		signed_params(hs, &tw, wr_span(&pw));
		TRY(sign_bytes(hs, wr_span(&tw), signature, &ske.signature.n));
		ske.signature.p = signature;
		ske.scheme = hs->sign_scheme->id;
	}
	put_server_key_exchange(w, form_of(hs), &ske);
	return TERN_OK;
}

tern_error get_server_kex12(struct handshake *hs, struct span body)
{
	struct kex12_form form = form_of(hs);
	struct server_key_exchange ske = {0};
	struct rd r = rd_of(body);
	uint8_t tbs[SIGNED_PARAMS_MAX];
	struct wr tw = wr_of(tbs, sizeof tbs);
	if (!get_server_key_exchange(&r, form, &ske))
		return FAIL(hs, ERROR_DECODE, "RFC 8422 5.4");
	if (form.ecdhe) {
		const struct group_alg *group = group_by_id(hs->pool->provider, ske.group);
		if (!group || group->only13 || !list16_has(hs->offered.supported_groups, ske.group))
			return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8422 5.4");
		if (form.sign) {
			signed_params(hs, &tw, ske.params);
			TRY(verify_bytes(hs, ske.scheme, wr_span(&tw), ske.signature));
		}
		hs->outcome.group = group;
		hs->peer_share = arena_copy(&hs->arena, ske.share);
		if (!hs->peer_share.p)
			return FAIL(hs, ERROR_BUDGET, "");
	}
	if (form.psk) {
		hs->psk_hint = arena_copy(&hs->arena, ske.psk_hint);
		if (!hs->psk_hint.p)
			return FAIL(hs, ERROR_BUDGET, "");
	}
	return TERN_OK;
}

tern_error put_hello_done12(struct handshake *hs, struct wr *w)
{
	(void)hs;
	(void)w;
	return TERN_OK;
}

tern_error get_hello_done12(struct handshake *hs, struct span body)
{
	return body.n == 0 ? TERN_OK : FAIL(hs, ERROR_DECODE, "RFC 5246 7.4.5");
}

/* RFC 4279 2, RFC 5489 2: the other secret (or as many zeros as the PSK is long), then the PSK, each with its length.
 */
static void premaster_with_psk(struct handshake *hs, struct span secret, const tern_psk *psk)
{
	struct wr w = wr_of(hs->premaster, sizeof hs->premaster);
	static const uint8_t zeros[sizeof psk->key];
	wr_vec16(&w, secret.n ? secret : span_of(zeros, psk->key_len));
	wr_vec16(&w, span_of(psk->key, psk->key_len));
	hs->premaster_len = w.n;
}

static void premaster_from(struct handshake *hs, struct span secret, const tern_psk *psk)
{
	if (psk) {
		premaster_with_psk(hs, secret, psk);
		return;
	}
	if (secret.n)
		memcpy(hs->premaster, secret.p, secret.n);
	hs->premaster_len = secret.n;
}

static void take_key(tern_psk *out, const struct psk_entry *e)
{
	out->key_len = e->key.n;
	memcpy(out->key, e->key.p, e->key.n);
}

/* A key that is for import is good for nothing else: RFC 9258 4. */
static tern_error ask_plain_psk(struct handshake *hs, struct span identity, tern_psk *out)
{
	tern_error error = ask_psk(hs, identity, hs->psk_hint, out);
	if (error == TERN_PENDING)
		return error;
	if (error == TERN_OK && out->imported)
		error = TERN_ERROR_UNKNOWN_PSK_IDENTITY;
	return error == TERN_OK ? TERN_OK : FAILED(hs, error, "RFC 4279 2");
}

static tern_error client_psk(struct handshake *hs, tern_psk *out, struct span *identity)
{
	const struct psk_entry *e = first_plain_psk(hs->pool->config);
	if (e) {
		take_key(out, e);
		*identity = e->identity;
		return TERN_OK;
	}
	TRY(ask_plain_psk(hs, span_of(NULL, 0), out));
	if (!out->identity_len || out->identity_len > sizeof out->identity)
		return FAIL(hs, ERROR_UNKNOWN_PSK_IDENTITY, "RFC 4279 2");
	*identity = span_of(out->identity, out->identity_len);
	return TERN_OK;
}

static tern_error server_psk(struct handshake *hs, struct span identity, tern_psk *out)
{
	const struct psk_entry *e = configured_psk(hs->pool->config, identity);
	if (!e || e->imported)
		return ask_plain_psk(hs, identity, out);
	take_key(out, e);
	return TERN_OK;
}

static tern_error keep_identity(struct handshake *hs, struct span identity)
{
	hs->outcome.psk_identity = arena_copy(&hs->arena, identity);
	return hs->outcome.psk_identity.p ? TERN_OK : FAIL(hs, ERROR_BUDGET, "");
}

tern_error put_client_kex12(struct handshake *hs, struct wr *w)
{
	const struct suite *s = hs->outcome.suite;
	const struct group_alg *group = hs->outcome.group;
	struct client_key_exchange cke = {0};
	uint8_t share[GROUP_SHARE_MAX], secret[GROUP_SECRET_MAX];
	struct span shared = {0};
	tern_psk psk = {0};
	tern_error error = TERN_OK;
	if (s->psk) {
		TRY(client_psk(hs, &psk, &cke.psk_identity));
		error = keep_identity(hs, cke.psk_identity);
	}
	if (error == TERN_OK && s->ecdhe) {
		error = group->answer(hs->pool->crypto, hs->peer_share, share, secret);
		shared = span_of(secret, group->secret_len);
		cke.share = span_of(share, group->answer_len);
	}
	if (error == TERN_OK) {
		premaster_from(hs, shared, s->psk ? &psk : NULL);
		put_client_key_exchange(w, form_of(hs), &cke);
	}
	wipe(secret, sizeof secret);
	wipe(&psk, sizeof psk);
	return error == TERN_OK ? TERN_OK : FAILED(hs, error, "RFC 8422 5.11");
}

tern_error get_client_kex12(struct handshake *hs, struct span body)
{
	const struct suite *s = hs->outcome.suite;
	struct kex12_form form = form_of(hs);
	struct client_key_exchange cke = {0};
	struct rd r = rd_of(body);
	uint8_t secret[GROUP_SECRET_MAX];
	struct span shared = {0};
	tern_psk psk = {0};
	tern_error error = TERN_OK;
	if (!get_client_key_exchange(&r, form, &cke))
		return FAIL(hs, ERROR_DECODE, "RFC 8422 5.7");
	if (s->psk) {
		TRY(server_psk(hs, cke.psk_identity, &psk));
		error = keep_identity(hs, cke.psk_identity);
	}
	if (error == TERN_OK && s->ecdhe) {
		error = hs->outcome.group->finish(hs->pool->crypto, &hs->share, cke.share, secret);
		shared = span_of(secret, hs->outcome.group->secret_len);
		wipe(&hs->share, sizeof hs->share);
	}
	if (error == TERN_OK)
		premaster_from(hs, shared, s->psk ? &psk : NULL);
	wipe(secret, sizeof secret);
	wipe(&psk, sizeof psk);
	return error == TERN_OK ? TERN_OK : FAILED(hs, error, "RFC 8422 5.11");
}
