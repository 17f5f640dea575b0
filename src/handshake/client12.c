/* The answers of a DTLS 1.2 server to our hello (RFC 5246 7.4.1.3). */
#include "handshake/answers.h"
#include "handshake/cid.h"
#include "handshake/messages12.h"
#include "handshake/negotiate.h"
#include "handshake/resume12.h"

static tern_error check_extensions(struct handshake *hs, const struct extensions *ext)
{
	TRY(check_answers(hs, ext));
	if (!(ext->present & HAS_RENEGOTIATION_INFO) || ext->renegotiation_info.n)
		return FAIL(hs, ERROR_RENEGOTIATION, "RFC 5746 3.4");
	if ((ext->present & HAS_EC_POINT_FORMATS) && !list8_has(ext->ec_point_formats, 0))
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8422 5.2");
	return TERN_OK;
}

/* Whether the server resumes what we offered; if so it must keep to it. */
static tern_error take_session(struct handshake *hs, const struct server_hello *hello, const struct extensions *ext)
{
	struct span offered = span_of(hs->session_id, hs->session_id_len);
	if (hs->session && offered.n && span_equal(offered, hello->session_id)) {
		if (hello->suite != hs->session->suite)
			return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 5246 7.4.1.3");
		if (!(ext->present & HAS_EXTENDED_MASTER_SECRET))
			return FAIL(hs, ERROR_NO_EXTENDED_MASTER_SECRET, "RFC 7627 5.3");
		take_up_session(hs, hs->session);
	}
	hs->session_id_len = (uint8_t)hello->session_id.n;
	if (hello->session_id.n)
		memcpy(hs->session_id, hello->session_id.p, hello->session_id.n);
	return TERN_OK;
}

static bool suite_offered(const struct handshake *hs, const struct suite *s)
{
	const struct list16 *ours = &hs->pool->config->suites;
	for (size_t i = 0; i < ours->num; i++)
		if (s && ours->id[i] == s->id && suite_usable(hs, s))
			return true;
	return false;
}

tern_error take_server_hello12(struct handshake *hs, const struct server_hello *hello, const struct extensions *ext)
{
	const struct suite *suite = suite_by_id(hello->suite);
	if (!suite_offered(hs, suite) || hello->compression != 0)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 5246 7.4.1.3");
	TRY(check_extensions(hs, ext));
	TRY(take_alpn(hs, ext));
	TRY(take_srtp(hs, ext));
	hs->outcome.suite = suite;
	hs->outcome.extended_master_secret = ext->present & HAS_EXTENDED_MASTER_SECRET;
	hs->ticket_promised = ext->present & HAS_SESSION_TICKET;
	take_certificate_types(hs, ext);
	take_limits(hs, ext, 0);
	TRY(cid_take(hs, ext));
	cid_limit12(hs);
	return take_session(hs, hello, ext);
}
