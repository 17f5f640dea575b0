/* The hellos as a DTLS 1.2 server sees them (RFC 5246 7.4.1). */
#include "handshake/messages12.h"
#include "handshake/negotiate.h"
#include "handshake/resume12.h"
#include "wire/record.h"

#define EMPTY_RENEGOTIATION_INFO_SCSV 0x00ff /* RFC 5746 3.3 */

static tern_error check_hello(struct handshake *hs, const struct client_hello *hello, const struct extensions *ext)
{
	/* DTLS versions count downwards. */
	if (hello->version > VERSION_DTLS12 || hello->version >> 8 != 0xfe)
		return FAIL(hs, ERROR_PROTOCOL_VERSION, "RFC 6347 4.2.1");
	/* Where it is there, it alone counts: RFC 8446 4.2.1. */
	if ((ext->present & HAS_SUPPORTED_VERSIONS) && !list16_has(ext->supported_versions, VERSION_DTLS12))
		return FAIL(hs, ERROR_PROTOCOL_VERSION, "RFC 8446 4.2.1");
	if (!list8_has(hello->compression, 0))
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 5246 7.4.1.2");
	/* A DNS name is no longer and holds no NUL; C strings are made of it. */
	if (ext->server_name.n > 255 || list8_has(ext->server_name, 0))
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 6066 3");
	if ((ext->present & HAS_RENEGOTIATION_INFO) && ext->renegotiation_info.n)
		return FAIL(hs, ERROR_RENEGOTIATION, "RFC 5746 3.6");
	if ((ext->present & HAS_EC_POINT_FORMATS) && !list8_has(ext->ec_point_formats, 0))
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8422 5.1.2");
	if ((ext->present & HAS_MAX_FRAGMENT_LENGTH) && !fragment_length_of(ext->max_fragment_length))
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 6066 4");
	if ((ext->present & HAS_RECORD_SIZE_LIMIT) && ext->record_size_limit < 64)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8449 4");
	return TERN_OK;
}

/* Record sizes: RFC 8449 5 puts record_size_limit before max_fragment_length. */
static void answer_limits(struct handshake *hs, const struct extensions *ext, struct extensions *answer)
{
	uint16_t own = hs->pool->config->limits.record_size_limit;
	if (ext->present & HAS_RECORD_SIZE_LIMIT) {
		hs->outcome.plaintext_max_out =
			ext->record_size_limit < RECORD_PLAINTEXT_MAX ? ext->record_size_limit : RECORD_PLAINTEXT_MAX;
		answer->present |= HAS_RECORD_SIZE_LIMIT;
		answer->record_size_limit = own ? own : RECORD_PLAINTEXT_MAX;
		hs->records->plaintext_max_in = answer->record_size_limit;
	} else if (ext->present & HAS_MAX_FRAGMENT_LENGTH) {
		answer->present |= HAS_MAX_FRAGMENT_LENGTH;
		answer->max_fragment_length = ext->max_fragment_length;
		hs->outcome.plaintext_max_out = fragment_length_of(ext->max_fragment_length);
		hs->records->plaintext_max_in = hs->outcome.plaintext_max_out;
	}
}

/* RFC 7250 4.2: one type each, and only where the client named types. */
static tern_error answer_certificate_types(struct handshake *hs, const struct extensions *ext, struct extensions *answer)
{
	static const uint8_t raw[] = {CERTIFICATE_RAW_PUBLIC_KEY}, x509[] = {CERTIFICATE_X509};
	if (ext->present & HAS_SERVER_CERTIFICATE_TYPE) {
		hs->raw_own = hs->credential->raw;
		answer->present |= HAS_SERVER_CERTIFICATE_TYPE;
		answer->server_certificate_types = span_of(hs->raw_own ? raw : x509, 1);
	}
	if (hs->asks_client_cert && (ext->present & HAS_CLIENT_CERTIFICATE_TYPE)) {
		hs->raw_peer = takes_raw_keys(hs->pool->config) && list8_has(ext->client_certificate_types, raw[0]);
		if (!hs->raw_peer && !list8_has(ext->client_certificate_types, x509[0]))
			return FAIL(hs, ERROR_NO_SHARED_CERTIFICATE_TYPE, "RFC 7250 4.2");
		answer->present |= HAS_CLIENT_CERTIFICATE_TYPE;
		answer->client_certificate_types = span_of(hs->raw_peer ? raw : x509, 1);
	}
	return TERN_OK;
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

static tern_error keep_names(struct handshake *hs, const struct extensions *ext, struct span alpn, struct extensions *answer)
{
	if (ext->present & HAS_SERVER_NAME) {
		hs->outcome.server_name = arena_copy(&hs->arena, ext->server_name);
		if (!hs->outcome.server_name.p)
			return FAIL(hs, ERROR_BUDGET, "");
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

tern_error get_client_hello12(struct handshake *hs, struct span body)
{
	struct client_hello hello;
	struct extensions ext;
	struct extensions *answer = &hs->offered;
	struct choice choice;
	struct span alpn;
	struct session *session;
	bool stale;
	tern_error error;
	struct rd r = rd_of(body);
	if (!get_client_hello(&r, &hello) || !rd_end(&r) || !get_client_extensions(hello.extensions, &ext))
		return FAIL(hs, ERROR_DECODE, "RFC 5246 7.4.1.2");
	TRY(check_hello(hs, &hello, &ext));
	error = choose_alpn(hs->pool->config, ext.alpn, &alpn);
	if (error != TERN_OK)
		return FAILED(hs, error, "RFC 7301 3.2");
	TRY(find_session12(hs, &hello, &ext, &session, &stale));
	error = session ? TERN_OK : choose12(hs, &hello, &ext, &choice);
	if (error != TERN_OK)
		return FAILED(hs, error, "RFC 5246 7.4.1.3");

	memcpy(hs->outcome.client_random, hello.random.p, RANDOM_LEN);
	hs->outcome.extended_master_secret = ext.present & HAS_EXTENDED_MASTER_SECRET;
	if (hs->outcome.extended_master_secret)
		answer->present |= HAS_EXTENDED_MASTER_SECRET;
	if ((ext.present & HAS_RENEGOTIATION_INFO) || list16_has(hello.suites, EMPTY_RENEGOTIATION_INFO_SCSV))
		answer->present |= HAS_RENEGOTIATION_INFO;
	answer_limits(hs, &ext, answer);
	TRY(keep_names(hs, &ext, alpn, answer));
	hs->session = session;
	if (session)
		take_up_session(hs, session);
	else
		TRY(take_full(hs, &choice, &ext, answer));
	if (hs->outcome.server_name.n && !session)
		answer->present |= HAS_SERVER_NAME; /* RFC 6066 3: not when resuming */
	return answer_session(hs, &hello, &ext, stale, answer);
}

tern_error put_server_hello12(struct handshake *hs, struct wr *w)
{
	uint8_t block[512];
	struct wr ew = wr_of(block, sizeof block);
	struct server_hello hello = {.version = VERSION_DTLS12, .suite = hs->outcome.suite->id};
	TRY(hs->pool->provider->random(hs->pool->crypto, hs->outcome.server_random, RANDOM_LEN));
	put_server_extensions(&ew, &hs->offered);
	if (!wr_ok(&ew))
		return FAIL(hs, ERROR_INTERNAL, "RFC 5246 7.4.1.3");
	hello.random = span_of(hs->outcome.server_random, RANDOM_LEN);
	hello.session_id = span_of(hs->session_id, hs->session_id_len);
	hello.extensions = wr_span(&ew);
	put_server_hello(w, &hello);
	return TERN_OK;
}
