#include "handshake/answers.h"

#include "handshake/negotiate.h"
#include "wire/record.h"

tern_error check_answers(struct handshake *hs, const struct extensions *ext)
{
	if (ext->unknown || ext->misplaced || (ext->present & ~hs->offered.present))
		return FAIL(hs, ERROR_UNSUPPORTED_EXTENSION, "RFC 5246 7.4.1.4");
	if ((ext->present & HAS_MAX_FRAGMENT_LENGTH) && ext->max_fragment_length != hs->offered.max_fragment_length)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 6066 4");
	if ((ext->present & HAS_RECORD_SIZE_LIMIT) && (ext->present & HAS_MAX_FRAGMENT_LENGTH))
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8449 5");
	if ((ext->present & HAS_RECORD_SIZE_LIMIT) && ext->record_size_limit < 64)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8449 4");
	if ((ext->present & HAS_CLIENT_CERTIFICATE_TYPE) &&
	    !list8_has(hs->offered.client_certificate_types, ext->client_certificate_types.p[0]))
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 7250 4.2");
	if ((ext->present & HAS_SERVER_CERTIFICATE_TYPE) &&
	    !list8_has(hs->offered.server_certificate_types, ext->server_certificate_types.p[0]))
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 7250 4.2");
	return TERN_OK;
}

tern_error take_alpn(struct handshake *hs, const struct extensions *ext)
{
	struct rd theirs = rd_of(ext->alpn), ours = rd_of(hs->offered.alpn);
	struct span name, own;
	if (!(ext->present & HAS_ALPN) || !get_alpn_name(&theirs, &name))
		return TERN_OK;
	while (get_alpn_name(&ours, &own)) {
		if (span_equal(own, name)) {
			hs->outcome.alpn = own;
			return TERN_OK;
		}
	}
	return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 7301 3.2");
}

/* The content that a record_size_limit leaves room for. counted: what it counts besides. */
static uint16_t content_max(uint16_t limit, uint16_t counted)
{
	uint16_t content = (uint16_t)(limit - counted);
	return content < RECORD_PLAINTEXT_MAX ? content : RECORD_PLAINTEXT_MAX;
}

void take_limits(struct handshake *hs, const struct extensions *ext, uint16_t counted)
{
	if (ext->present & HAS_RECORD_SIZE_LIMIT) {
		hs->outcome.plaintext_max_out = content_max(ext->record_size_limit, counted);
		hs->records->plaintext_max_in = content_max(hs->offered.record_size_limit, counted);
	} else if (ext->present & HAS_MAX_FRAGMENT_LENGTH) {
		hs->outcome.plaintext_max_out = fragment_length_of(ext->max_fragment_length);
		hs->records->plaintext_max_in = hs->outcome.plaintext_max_out;
	}
}

void take_certificate_types(struct handshake *hs, const struct extensions *ext)
{
	hs->raw_own = (ext->present & HAS_CLIENT_CERTIFICATE_TYPE) &&
		      ext->client_certificate_types.p[0] == CERTIFICATE_RAW_PUBLIC_KEY;
	hs->raw_peer = (ext->present & HAS_SERVER_CERTIFICATE_TYPE) &&
		       ext->server_certificate_types.p[0] == CERTIFICATE_RAW_PUBLIC_KEY;
}

/* ---- the server's side ---- */

tern_error check_questions(struct handshake *hs, const struct extensions *ext)
{
	/* A DNS name is no longer and holds no NUL; C strings are made of it. */
	if (ext->server_name.n > 255 || list8_has(ext->server_name, 0))
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 6066 3");
	if ((ext->present & HAS_MAX_FRAGMENT_LENGTH) && !fragment_length_of(ext->max_fragment_length))
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 6066 4");
	if ((ext->present & HAS_RECORD_SIZE_LIMIT) && ext->record_size_limit < 64)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8449 4");
	return TERN_OK;
}

/* Record sizes: RFC 8449 5 puts record_size_limit before max_fragment_length. */
void answer_limits(struct handshake *hs, const struct extensions *ext, uint16_t counted, struct extensions *answer)
{
	uint16_t own = hs->pool->config->limits.record_size_limit;
	if (ext->present & HAS_RECORD_SIZE_LIMIT) {
		hs->outcome.plaintext_max_out = content_max(ext->record_size_limit, counted);
		answer->present |= HAS_RECORD_SIZE_LIMIT;
		answer->record_size_limit = own ? own : (uint16_t)(RECORD_PLAINTEXT_MAX + counted);
		hs->records->plaintext_max_in = content_max(answer->record_size_limit, counted);
	} else if (ext->present & HAS_MAX_FRAGMENT_LENGTH) {
		answer->present |= HAS_MAX_FRAGMENT_LENGTH;
		answer->max_fragment_length = ext->max_fragment_length;
		hs->outcome.plaintext_max_out = fragment_length_of(ext->max_fragment_length);
		hs->records->plaintext_max_in = hs->outcome.plaintext_max_out;
	}
}

/* RFC 7250 4.2: one type each, and only where the client named types. */
tern_error answer_certificate_types(struct handshake *hs, const struct extensions *ext, struct extensions *answer)
{
	static const uint8_t raw[] = {CERTIFICATE_RAW_PUBLIC_KEY}, x509[] = {CERTIFICATE_X509};
	bool may_ask_later = hs->post_auth && hs->pool->config->post_auth;
	if (ext->present & HAS_SERVER_CERTIFICATE_TYPE) {
		hs->raw_own = hs->credential->raw;
		answer->present |= HAS_SERVER_CERTIFICATE_TYPE;
		answer->server_certificate_types = span_of(hs->raw_own ? raw : x509, 1);
	}
	if ((hs->asks_client_cert || may_ask_later) && (ext->present & HAS_CLIENT_CERTIFICATE_TYPE)) {
		hs->raw_peer = takes_raw_keys(hs->pool->config) && list8_has(ext->client_certificate_types, raw[0]);
		if (!hs->raw_peer && !list8_has(ext->client_certificate_types, x509[0]))
			return hs->asks_client_cert ? FAIL(hs, ERROR_NO_SHARED_CERTIFICATE_TYPE, "RFC 7250 4.2")
						    : TERN_OK;
		answer->present |= HAS_CLIENT_CERTIFICATE_TYPE;
		answer->client_certificate_types = span_of(hs->raw_peer ? raw : x509, 1);
	}
	return TERN_OK;
}

tern_error answer_names(struct handshake *hs, const struct extensions *ext, struct span alpn, struct extensions *answer)
{
	if (ext->present & HAS_SERVER_NAME) {
		hs->outcome.server_name = arena_copy(&hs->arena, ext->server_name);
		if (!hs->outcome.server_name.p)
			return FAIL(hs, ERROR_BUDGET, "");
		answer->present |= HAS_SERVER_NAME;
	}
	if (alpn.n) {
		uint8_t *list = arena_alloc(&hs->arena, alpn.n + 1);
		struct wr w = wr_of(list, alpn.n + 1);
		if (!list)
			return FAIL(hs, ERROR_BUDGET, "");
		wr_vec8(&w, alpn);
		hs->outcome.alpn = alpn;
		answer->present |= HAS_ALPN;
		answer->alpn = wr_span(&w);
	}
	return TERN_OK;
}
