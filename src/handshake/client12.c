/* The hellos as a DTLS 1.2 client sees them (RFC 5246 7.4.1, RFC 6347 4.2.1). */
#include "handshake/messages12.h"
#include "handshake/negotiate.h"
#include "handshake/resume12.h"
#include "wire/record.h"

static const uint8_t null_compression[] = {0};
static const uint8_t uncompressed_points[] = {0};

static bool offers(const struct handshake *hs, bool (*test)(const struct suite *))
{
	const struct list16 *ours = &hs->pool->config->suites;
	for (size_t i = 0; i < ours->num; i++) {
		const struct suite *s = suite_by_id(ours->id[i]);
		if (test(s) && suite_usable(hs, s))
			return true;
	}
	return false;
}

static bool is_ecdhe(const struct suite *s)
{
	return s->ecdhe;
}

static bool is_signed(const struct suite *s)
{
	return s->auth != AUTH_PSK;
}

static struct span list_in_arena(struct handshake *hs, const struct list16 *list)
{
	uint8_t *p = arena_alloc(&hs->arena, 2 * list->num + 1);
	struct wr w = wr_of(p, p ? 2 * list->num : 0);
	for (size_t i = 0; p && i < list->num; i++)
		wr_u16(&w, list->id[i]);
	return wr_span(&w);
}

/* Which certificate types we show and take, when raw public keys are among them (RFC 7250 4.1). */
static void offer_certificate_types(struct handshake *hs, struct extensions *ext)
{
	static const uint8_t raw_only[] = {CERTIFICATE_RAW_PUBLIC_KEY}, both[] = {CERTIFICATE_RAW_PUBLIC_KEY, CERTIFICATE_X509};
	const struct tern_config *config = hs->pool->config;
	bool raw = false, x509 = false;
	for (size_t i = 0; i < config->num_credentials; i++) {
		raw |= config->credentials[i].raw;
		x509 |= !config->credentials[i].raw;
	}
	if (raw) {
		ext->present |= HAS_CLIENT_CERTIFICATE_TYPE;
		ext->client_certificate_types = x509 ? span_of(both, 2) : span_of(raw_only, 1);
	}
	if (takes_raw_keys(config)) {
		static const uint8_t x509_first[] = {CERTIFICATE_X509, CERTIFICATE_RAW_PUBLIC_KEY};
		ext->present |= HAS_SERVER_CERTIFICATE_TYPE;
		ext->server_certificate_types = span_of(x509_first, 2);
	}
}

static bool is_ip_literal(struct span name)
{
	bool digits_and_dots = true;
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == ':')
			return true;
		digits_and_dots &= (name.p[i] >= '0' && name.p[i] <= '9') || name.p[i] == '.';
	}
	return digits_and_dots;
}

/* RFC 6066 3: without a trailing dot, and never an address. */
static struct span sent_name(struct span name)
{
	if (name.n && name.p[name.n - 1] == '.')
		name.n--;
	return is_ip_literal(name) ? span_of(NULL, 0) : name;
}

static tern_error make_offer(struct handshake *hs)
{
	const struct tern_config *config = hs->pool->config;
	struct extensions *ext = &hs->offered;
	ext->present = HAS_RENEGOTIATION_INFO | HAS_EXTENDED_MASTER_SECRET;
	ext->server_name = sent_name(hs->outcome.server_name);
	if (ext->server_name.n)
		ext->present |= HAS_SERVER_NAME;
	if (offers(hs, is_ecdhe)) {
		ext->present |= HAS_SUPPORTED_GROUPS | HAS_EC_POINT_FORMATS;
		ext->supported_groups = list_in_arena(hs, &config->groups);
		if (!ext->supported_groups.p)
			return TERN_ERROR_BUDGET;
		ext->ec_point_formats = span_of(uncompressed_points, sizeof uncompressed_points);
	}
	if (offers(hs, is_signed)) {
		ext->present |= HAS_SIGNATURE_ALGORITHMS;
		ext->signature_algorithms = list_in_arena(hs, &config->schemes);
		if (!ext->signature_algorithms.p)
			return TERN_ERROR_BUDGET;
		offer_certificate_types(hs, ext);
	}
	if (config->alpn.n) {
		ext->present |= HAS_ALPN;
		ext->alpn = config->alpn;
	}
	if (config->tickets) {
		ext->present |= HAS_SESSION_TICKET;
		if (hs->session)
			ext->session_ticket = span_of(hs->session->ticket, hs->session->ticket_len);
	}
	if (config->limits.max_fragment_length) {
		ext->present |= HAS_MAX_FRAGMENT_LENGTH;
		ext->max_fragment_length = fragment_length_code(config->limits.max_fragment_length);
	}
	if (config->limits.record_size_limit) {
		ext->present |= HAS_RECORD_SIZE_LIMIT;
		ext->record_size_limit = config->limits.record_size_limit;
	}
	return TERN_OK;
}

/* With a ticket the id is random: a server that takes the ticket echoes it (RFC 5077 3.4). */
static tern_error choose_session_id(struct handshake *hs)
{
	if (!hs->session)
		return TERN_OK;
	if (hs->session->ticket_len) {
		hs->session_id_len = SESSION_ID_MAX;
		return hs->pool->provider->random(hs->pool->crypto, hs->session_id, SESSION_ID_MAX);
	}
	hs->session_id_len = hs->session->id_len;
	memcpy(hs->session_id, hs->session->id, hs->session->id_len);
	return TERN_OK;
}

/* The hello is the same after each HelloVerifyRequest but for the cookie (RFC 6347 4.2.1). */
tern_error put_client_hello12(struct handshake *hs, struct wr *w)
{
	const struct list16 *ours = &hs->pool->config->suites;
	uint8_t list[2 * CONFIG_SUITES], block[2048];
	struct wr lw = wr_of(list, sizeof list), ew = wr_of(block, sizeof block);
	struct client_hello hello = {.version = VERSION_DTLS12};
	if (hs->verify_requests == 0) {
		TRY(hs->pool->provider->random(hs->pool->crypto, hs->outcome.client_random, RANDOM_LEN));
		TRY(choose_session_id(hs));
		TRY(make_offer(hs));
	}
	for (size_t i = 0; i < ours->num; i++)
		if (suite_usable(hs, suite_by_id(ours->id[i])))
			wr_u16(&lw, ours->id[i]);
	put_client_extensions(&ew, &hs->offered);
	if (lw.n == 0) /* no suite for which it has a PSK or could judge a certificate */
		return FAIL(hs, ERROR_NO_CREDENTIALS, "RFC 5246 7.4.1.2");
	if (!wr_ok(&ew))
		return FAIL(hs, ERROR_INTERNAL, "RFC 5246 7.4.1.2");
	hello.random = span_of(hs->outcome.client_random, RANDOM_LEN);
	hello.session_id = span_of(hs->session_id, hs->session_id_len);
	hello.cookie = hs->cookie;
	hello.suites = wr_span(&lw);
	hello.compression = span_of(null_compression, sizeof null_compression);
	hello.extensions = wr_span(&ew);
	put_client_hello(w, &hello);
	return TERN_OK;
}

tern_error get_hello_verify12(struct handshake *hs, struct span body)
{
	struct hello_verify_request hvr;
	struct rd r = rd_of(body);
	if (!get_hello_verify_request(&r, &hvr) || !rd_end(&r))
		return FAIL(hs, ERROR_DECODE, "RFC 6347 4.2.1");
	hs->cookie = arena_copy(&hs->arena, hvr.cookie);
	if (!hs->cookie.p)
		return FAIL(hs, ERROR_BUDGET, "");
	hs->verify_requests++;
	return TERN_OK;
}

static tern_error check_extensions(struct handshake *hs, const struct extensions *ext)
{
	if (ext->unknown || (ext->present & ~hs->offered.present))
		return FAIL(hs, ERROR_UNSUPPORTED_EXTENSION, "RFC 5246 7.4.1.4");
	if (!(ext->present & HAS_RENEGOTIATION_INFO) || ext->renegotiation_info.n)
		return FAIL(hs, ERROR_RENEGOTIATION, "RFC 5746 3.4");
	if ((ext->present & HAS_EC_POINT_FORMATS) && !list8_has(ext->ec_point_formats, 0))
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 8422 5.2");
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

static tern_error take_alpn(struct handshake *hs, const struct extensions *ext)
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

static void take_limits(struct handshake *hs, const struct extensions *ext)
{
	if (ext->present & HAS_RECORD_SIZE_LIMIT) {
		hs->outcome.plaintext_max_out = ext->record_size_limit < RECORD_PLAINTEXT_MAX ? ext->record_size_limit
											      : RECORD_PLAINTEXT_MAX;
		hs->records->plaintext_max_in = hs->offered.record_size_limit;
	} else if (ext->present & HAS_MAX_FRAGMENT_LENGTH) {
		hs->outcome.plaintext_max_out = fragment_length_of(ext->max_fragment_length);
		hs->records->plaintext_max_in = hs->outcome.plaintext_max_out;
	}
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

tern_error get_server_hello12(struct handshake *hs, struct span body)
{
	struct server_hello hello;
	struct extensions ext;
	struct rd r = rd_of(body);
	const struct suite *suite;
	if (!get_server_hello(&r, &hello) || !rd_end(&r) || !get_server_extensions(hello.extensions, &ext))
		return FAIL(hs, ERROR_DECODE, "RFC 5246 7.4.1.3");
	if (hello.version != VERSION_DTLS12)
		return FAIL(hs, ERROR_PROTOCOL_VERSION, "RFC 5246 7.4.1.3");
	suite = suite_by_id(hello.suite);
	if (!suite_offered(hs, suite) || hello.compression != 0)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 5246 7.4.1.3");
	TRY(check_extensions(hs, &ext));
	TRY(take_alpn(hs, &ext));
	memcpy(hs->outcome.server_random, hello.random.p, RANDOM_LEN);
	hs->outcome.suite = suite;
	hs->outcome.extended_master_secret = ext.present & HAS_EXTENDED_MASTER_SECRET;
	hs->ticket_promised = ext.present & HAS_SESSION_TICKET;
	hs->raw_own = (ext.present & HAS_CLIENT_CERTIFICATE_TYPE) &&
		      ext.client_certificate_types.p[0] == CERTIFICATE_RAW_PUBLIC_KEY;
	hs->raw_peer = (ext.present & HAS_SERVER_CERTIFICATE_TYPE) &&
		       ext.server_certificate_types.p[0] == CERTIFICATE_RAW_PUBLIC_KEY;
	take_limits(hs, &ext);
	return take_session(hs, &hello, &ext);
}
