/* The hellos as a DTLS 1.2 server sees them (RFC 5246 7.4.1). */
#include "handshake/answers.h"
#include "handshake/cid.h"
#include "handshake/messages12.h"
#include "handshake/negotiate.h"
#include "handshake/resume12.h"
#include "wire/record.h"

#define EMPTY_RENEGOTIATION_INFO_SCSV 0x00ff /* RFC 5746 3.3 */

static tern_error check_hello(struct handshake *hs, const struct client_hello *hello, const struct extensions *ext)
{
	if (!list8_has(hello->compression, 0))
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 5246 7.4.1.2");
	if ((ext->present & HAS_RENEGOTIATION_INFO) && ext->renegotiation_info.n)
		return FAIL(hs, ERROR_RENEGOTIATION, "RFC 5746 3.6");
	if ((ext->present & HAS_EC_POINT_FORMATS) && !list8_has(ext->ec_point_formats, 0))
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8422 5.1.2");
	return check_questions(hs, ext);
}

static tern_error take_full(struct handshake *hs, const struct choice *choice, const struct extensions *ext,
			    struct extensions *answer)
{
	const struct tern_config *config = hs->pool->config;
	hs->outcome.suite = choice->suite;
	hs->outcome.group = choice->group;
	hs->outcome.scheme = choice->scheme;
	hs->credential = choice->credential;
	hs->sign_scheme = choice->scheme;
	hs->asks_client_cert = choice->credential && config->client_auth != TERN_CLIENT_AUTH_NONE;
	if (choice->suite->ecdhe && (ext->present & HAS_EC_POINT_FORMATS)) {
		static const uint8_t uncompressed[] = {0};
		answer->present |= HAS_EC_POINT_FORMATS;
		answer->ec_point_formats = span_of(uncompressed, 1);
	}
	return choice->credential ? answer_certificate_types(hs, ext, answer) : TERN_OK;
}

/* A ticket, if the client wants one and the session may be resumed; else an id, if there is a store. */
static tern_error answer_session(struct handshake *hs, const struct client_hello *hello, const struct extensions *ext,
				 bool stale, struct extensions *answer)
{
	const struct tern_config *config = hs->pool->config;
	bool wants = config->tickets && (ext->present & HAS_SESSION_TICKET) && hs->outcome.extended_master_secret;
	hs->session_id_len = 0;
	if (wants && (!hs->resumed || stale)) {
		hs->ticket_promised = true;
		answer->present |= HAS_SESSION_TICKET;
	}
	if (hs->resumed) {
		hs->session_id_len = (uint8_t)hello->session_id.n;
		if (hello->session_id.n)
			memcpy(hs->session_id, hello->session_id.p, hello->session_id.n);
	} else if (!hs->ticket_promised && config->has_store && hs->outcome.extended_master_secret) {
		hs->session_id_len = SESSION_ID_MAX;
		return hs->pool->provider->random(hs->pool->crypto, hs->session_id, SESSION_ID_MAX);
	}
	return TERN_OK;
}

tern_error take_client_hello12(struct handshake *hs, const struct client_hello *hello, const struct extensions *ext)
{
	struct extensions *answer = &hs->offered;
	struct choice choice;
	struct span alpn;
	struct session *session;
	bool stale;
	tern_error error;
	TRY(check_hello(hs, hello, ext));
	error = choose_alpn(hs->pool->config, ext->alpn, &alpn);
	if (error != TERN_OK)
		return FAILED(hs, error, "RFC 7301 3.2");
	TRY(find_session12(hs, hello, ext, &session, &stale));
	error = session ? TERN_OK : choose12(hs, hello, ext, &choice);
	if (error != TERN_OK)
		return FAILED(hs, error, "RFC 5246 7.4.1.3");

	hs->outcome.extended_master_secret = ext->present & HAS_EXTENDED_MASTER_SECRET;
	if (hs->outcome.extended_master_secret)
		answer->present |= HAS_EXTENDED_MASTER_SECRET;
	if ((ext->present & HAS_RENEGOTIATION_INFO) || list16_has(hello->suites, EMPTY_RENEGOTIATION_INFO_SCSV))
		answer->present |= HAS_RENEGOTIATION_INFO;
	answer_limits(hs, ext, 0, answer);
	TRY(answer_names(hs, ext, alpn, answer));
	TRY(answer_srtp(hs, ext, answer));
	hs->session = session;
	if (session) {
		answer->present &= ~(uint32_t)HAS_SERVER_NAME; /* RFC 6066 3 */
		take_up_session(hs, session);
	} else {
		TRY(take_full(hs, &choice, ext, answer));
	}
	TRY(cid_answer(hs, ext, answer));
	cid_limit12(hs);
	return answer_session(hs, hello, ext, stale, answer);
}

/* "DOWNGRD" and 1: this server could have done better (RFC 8446 4.1.3). */
static const uint8_t downgrade_to_12[8] = {0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 0x01};

tern_error fill_server_hello12(struct handshake *hs, struct server_hello *hello, struct extensions *ext)
{
	if (hs->pool->config->dtls13)
		memcpy(hs->server_random + RANDOM_LEN - 8, downgrade_to_12, sizeof downgrade_to_12);
	hello->session_id = span_of(hs->session_id, hs->session_id_len);
	*ext = hs->offered;
	return TERN_OK;
}
