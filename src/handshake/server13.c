/* The hellos as a DTLS 1.3 server sees them (RFC 8446 4.1, 4.2.8, 4.2.11, RFC 9147 5.3). */
#include "handshake/answers.h"
#include "handshake/cid.h"
#include "handshake/client13.h"
#include "handshake/compress13.h"
#include "handshake/early13.h"
#include "handshake/keys13.h"
#include "handshake/messages13.h"
#include "handshake/negotiate.h"
#include "handshake/psk13.h"
#include "handshake/retry13.h"
#include "handshake/version.h"
#include "wire/messages13.h"
#include "wire/record.h"

static tern_error check_hello(struct handshake *hs, const struct client_hello *hello, const struct extensions *ext)
{
	if (hello->compression.n != 1 || hello->compression.p[0] != 0 || hello->cookie.n)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 9147 5.3");
	if (!(ext->present & HAS_PRE_SHARED_KEY) &&
	    (!(ext->present & HAS_SUPPORTED_GROUPS) || !(ext->present & HAS_SIGNATURE_ALGORITHMS)))
		return FAIL(hs, ERROR_MISSING_EXTENSION, "RFC 8446 9.2");
	if (!(ext->present & HAS_SUPPORTED_GROUPS) != !(ext->present & HAS_KEY_SHARE))
		return FAIL(hs, ERROR_MISSING_EXTENSION, "RFC 8446 9.2");
	return check_questions(hs, ext);
}

/* Every share must be for a group that was named, and no group twice. */
static bool shares_are_sane(const struct extensions *ext)
{
	struct rd r = rd_of(ext->key_shares);
	struct key_share share, other;
	while (get_key_share(&r, &share)) {
		struct rd rest = r;
		if (!list16_has(ext->supported_groups, share.group))
			return false;
		while (get_key_share(&rest, &other))
			if (other.group == share.group)
				return false;
	}
	return true;
}

static tern_error use_psk(struct handshake *hs, const struct found_psk *psk, const struct extensions *ext,
			  bool has_group)
{
	bool dhe = has_group && list8_has(ext->psk_modes, PSK_DHE_KE);
	if (!psk_fits_modes(ext, has_group))
		return TERN_OK; /* not usable: go on with a certificate */
	hs->psk = true;
	hs->psk_index = psk->index;
	hs->psk_without_dhe = !dhe;
	hs->outcome.suite = psk->suite;
	schedule13_start(&hs->schedule, hs->pool->provider->hash[psk->suite->hash], DTLS13_PREFIX,
			 span_of(psk->key, psk->key_len));
	if (psk->resumption) {
		hs->session = arena_alloc(&hs->arena, sizeof *hs->session);
		if (!hs->session)
			return FAIL(hs, ERROR_BUDGET, "");
		*hs->session = psk->session;
		resume_identity(hs, hs->session);
		return TERN_OK;
	}
	hs->outcome.psk_identity = arena_copy(&hs->arena, psk->external);
	hs->outcome.peer_authenticated = true; /* true once its Finished is verified */
	return hs->outcome.psk_identity.p ? TERN_OK : FAIL(hs, ERROR_BUDGET, "");
}

/* knows_psk: but not how to use it as the client wants. */
static tern_error use_certificate(struct handshake *hs, const struct client_hello *hello, const struct extensions *ext,
				  bool knows_psk)
{
	bool may_sign = (ext->present & HAS_SIGNATURE_ALGORITHMS) && (ext->present & HAS_SUPPORTED_GROUPS);
	struct choice choice;
	tern_error error;
	if (knows_psk && hs->pool->config->num_credentials == 0)
		return FAIL(hs, ERROR_NO_SHARED_GROUP, "RFC 8446 4.2.9");
	if ((ext->present & HAS_PRE_SHARED_KEY) && hs->pool->config->num_credentials == 0)
		return FAIL(hs, ERROR_UNKNOWN_PSK_IDENTITY, "RFC 8446 4.2.11");
	if (!may_sign)
		return FAIL(hs, ERROR_MISSING_EXTENSION, "RFC 8446 4.2.3");
	error = choose13(hs, hello, ext, &choice);
	if (error != TERN_OK)
		return FAILED(hs, error, "RFC 8446 4.1.1");
	hs->outcome.suite = choice.suite;
	hs->outcome.scheme = choice.scheme;
	hs->credential = choice.credential;
	take_compression13(hs, ext);
	hs->sign_scheme = choice.scheme;
	hs->asks_client_cert = hs->pool->config->client_auth != TERN_CLIENT_AUTH_NONE;
	hs->requires_client_cert = hs->pool->config->client_auth == TERN_CLIENT_AUTH_REQUIRED;
	schedule13_start(&hs->schedule, hs->pool->provider->hash[choice.suite->hash], DTLS13_PREFIX, span_of(NULL, 0));
	return TERN_OK;
}

/* Our share, and the shared secret; or a HelloRetryRequest for a share we can answer. */
static tern_error use_group(struct handshake *hs, const struct group_alg *group, struct span share)
{
	tern_error error;
	if (!group)
		return FAIL(hs, ERROR_NO_SHARED_GROUP, "RFC 8446 4.1.1");
	hs->outcome.group = group;
	if (!share.n) {
		if (hs->retried)
			return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.1.2");
		hs->retry_wanted = true;
		hs->retry_group = group->id;
		return TERN_OK;
	}
	error = group->answer(hs->pool->crypto, share, hs->share_public, hs->premaster);
	if (error != TERN_OK)
		return FAILED(hs, error, "RFC 8446 4.2.8");
	hs->premaster_len = group->secret_len;
	return TERN_OK;
}

static tern_error answer_encrypted(struct handshake *hs, const struct extensions *ext)
{
	struct span alpn;
	tern_error error = choose_alpn(hs->pool->config, ext->alpn, &alpn);
	if (error != TERN_OK)
		return FAILED(hs, error, "RFC 7301 3.2");
	answer_limits(hs, ext, 1, &hs->offered);
	TRY(answer_names(hs, ext, alpn, &hs->offered));
	TRY(answer_srtp(hs, ext, &hs->offered));
	if (hs->session)
		hs->offered.present &= ~(uint32_t)HAS_SERVER_NAME; /* RFC 6066 3 */
	if (hs->outcome.early == TERN_EARLY_DATA_ACCEPTED)
		hs->offered.present |= HAS_EARLY_DATA;
	return hs->credential ? answer_certificate_types(hs, ext, &hs->offered) : TERN_OK;
}

/* Of a first hello: the second is judged afresh. */
static void forget_choices(struct handshake *hs)
{
	hs->psk = hs->psk_without_dhe = hs->resumed = hs->asks_client_cert = false;
	hs->session = NULL;
	hs->credential = NULL;
	hs->outcome.resumed = hs->outcome.peer_authenticated = hs->outcome.has_peer_fingerprint = false;
	hs->outcome.psk_identity = span_of(NULL, 0);
}

/* What a HelloRetryRequest asked for is there, and nothing else in its place. */
static bool heeds_retry(const struct handshake *hs, const struct client_hello *hello, const struct extensions *ext)
{
	struct rd r = rd_of(ext->key_shares);
	struct key_share share;
	if (!list16_has(hello->suites, hs->retry_suite))
		return false;
	return !hs->retry_group || (get_key_share(&r, &share) && rd_end(&r) && share.group == hs->retry_group);
}

tern_error take_client_hello13(struct handshake *hs, const struct client_hello *hello, const struct extensions *ext)
{
	struct found_psk psk;
	struct early_request request = {.ext = ext, .psk = &psk};
	tern_early_reason reason;
	tern_error error;
	bool knows_psk;
	TRY(check_hello(hs, hello, ext));
	if (!shares_are_sane(ext))
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.2.8");
	if ((ext->present & HAS_COOKIE) && !hs->retried)
		TRY(retry13_take_cookie(hs, hello, ext));
	if (hs->retried && !heeds_retry(hs, hello, ext))
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.1.2");
	error = find_psk13(hs, hello, ext, &psk);
	if (error != TERN_OK)
		return error == TERN_PENDING ? error : FAILED(hs, error, "RFC 8446 4.2.11");
	request.group = choose_group13(hs->pool->config, hs->pool->provider, ext, &request.share);
	error = early13_judge(hs, &request, &reason);
	if (error == TERN_OK)
		forget_choices(hs);
	if (error == TERN_OK && psk.found)
		error = use_psk(hs, &psk, ext, request.group != NULL);
	knows_psk = psk.found;
	wipe(&psk, sizeof psk);
	if (error == TERN_OK && !hs->psk)
		error = use_certificate(hs, hello, ext, knows_psk);
	if (error != TERN_OK)
		return error;
	if (hs->retried && hs->outcome.suite->id != hs->retry_suite)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8446 4.1.4");
	if (!hs->transcript.hash)
		transcript_choose(&hs->transcript, hs->pool->provider->hash[hs->outcome.suite->hash],
				  version13.transcript_header);
	hs->peer_takes_tickets = ext->present & HAS_PSK_KEY_EXCHANGE_MODES;
	hs->post_auth = ext->present & HAS_POST_HANDSHAKE_AUTH;
	if (!hs->psk_without_dhe)
		TRY(use_group(hs, request.group, request.share));
	if (ext->present & HAS_EARLY_DATA)
		early13_decide(hs, reason);
	else if (!hs->pool->config->early_max && hs->outcome.early == TERN_EARLY_DATA_NONE)
		hs->outcome.early_reason = TERN_EARLY_REASON_DISABLED;
	if (hs->retry_wanted && !hs->retried)
		return TERN_OK;
	TRY(answer_encrypted(hs, ext));
	TRY(cid_answer(hs, ext, &hs->offered));
	return early13_keys(hs, hs->hello);
}

/* No session id: RFC 9147 5 forbids the echo. */
tern_error fill_server_hello13(struct handshake *hs, struct server_hello *hello, struct extensions *ext)
{
	static const uint8_t version[] = {0xfe, 0xfc};
	(void)hello;
	ext->present = HAS_SUPPORTED_VERSIONS;
	ext->supported_versions = span_of(version, sizeof version);
	if (!hs->psk_without_dhe) {
		ext->present |= HAS_KEY_SHARE;
		ext->selected_group = hs->outcome.group->id;
		ext->share = span_of(hs->share_public, hs->outcome.group->answer_len);
	}
	if (hs->psk) {
		ext->present |= HAS_PRE_SHARED_KEY;
		ext->selected_identity = hs->psk_index;
	}
	ext->present |= hs->offered.present & (HAS_CONNECTION_ID | HAS_RRC); /* in clear: RFC 9147 9.1 */
	ext->connection_id = hs->offered.connection_id;
	return TERN_OK;
}

tern_error put_encrypted_extensions13(struct handshake *hs, struct wr *w)
{
	uint8_t block[1024];
	struct wr ew = wr_of(block, sizeof block);
	put_extensions(&ew, IN_ENCRYPTED_EXTENSIONS, &hs->offered);
	if (!wr_ok(&ew))
		return FAIL(hs, ERROR_INTERNAL, "RFC 8446 4.3.1");
	put_encrypted_extensions(w, wr_span(&ew));
	return TERN_OK;
}
