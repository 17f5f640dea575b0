/* ClientHello as the client makes it, for all versions it offers, and the HelloVerifyRequest that may answer it (RFC
 * 5246 7.4.1.2, RFC 6347 4.2.1, RFC 8446 4.1.2). */
#include "handshake/cid.h"
#include "handshake/client13.h"
#include "handshake/early13.h"
#include "handshake/hellos.h"
#include "handshake/negotiate.h"
#include "handshake/psk13.h"
#include "wire/record.h"

#define CLIENT_HELLO_EXTENSIONS_MAX 6144

static const uint8_t null_compression[] = {0};
static const uint8_t uncompressed_points[] = {0};

/* Whether a DTLS 1.2 suite of this kind is in our hello. */
static bool offers12(const struct handshake *hs, bool (*test)(const struct suite *))
{
	const struct list16 *ours = &hs->pool->config->suites;
	for (size_t i = 0; hs->pool->config->dtls12 && i < ours->num; i++) {
		const struct suite *s = suite_by_id(ours->id[i]);
		if (test(s) && suite_usable(hs, s))
			return true;
	}
	return false;
}

/* In DTLS 1.3 both sides prove themselves by what the first hello offers: a PSK, or how the server's certificate is
 * judged. */
bool offers13(const struct handshake *hs)
{
	const struct tern_config *config = hs->pool->config;
	bool ticket = hs->session && hs->session->version == VERSION_DTLS13;
	return config->dtls13 && (config_can_verify(config) || config->num_psks > 0 || ticket);
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
	static const uint8_t raw_only[] = {CERTIFICATE_RAW_PUBLIC_KEY},
			     both[] = {CERTIFICATE_RAW_PUBLIC_KEY, CERTIFICATE_X509};
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

static tern_error offer_authentication(struct handshake *hs, struct extensions *ext)
{
	const struct tern_config *config = hs->pool->config;
	if ((offers13(hs) && config_can_verify(config)) || offers12(hs, is_signed)) {
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
	if (config->srtp.num) {
		ext->present |= HAS_USE_SRTP;
		ext->srtp_profiles = list_in_arena(hs, &config->srtp);
		if (!ext->srtp_profiles.p)
			return TERN_ERROR_BUDGET;
	}
	return TERN_OK;
}

static void offer_limits(struct handshake *hs, struct extensions *ext)
{
	const struct tern_limits *limits = &hs->pool->config->limits;
	if (limits->max_fragment_length) {
		ext->present |= HAS_MAX_FRAGMENT_LENGTH;
		ext->max_fragment_length = fragment_length_code(limits->max_fragment_length);
	}
	if (limits->record_size_limit) {
		ext->present |= HAS_RECORD_SIZE_LIMIT;
		ext->record_size_limit = limits->record_size_limit;
	}
}

static void offer12(struct handshake *hs, struct extensions *ext)
{
	const struct tern_config *config = hs->pool->config;
	ext->present |= HAS_RENEGOTIATION_INFO | HAS_EXTENDED_MASTER_SECRET;
	if (offers12(hs, is_ecdhe)) {
		ext->present |= HAS_EC_POINT_FORMATS;
		ext->ec_point_formats = span_of(uncompressed_points, sizeof uncompressed_points);
	}
	if (config->tickets) {
		ext->present |= HAS_SESSION_TICKET;
		if (hs->session && hs->session->version == VERSION_DTLS12)
			ext->session_ticket = span_of(hs->session->ticket, hs->session->ticket_len);
	}
}

static tern_error make_offer(struct handshake *hs)
{
	const struct tern_config *config = hs->pool->config;
	struct extensions *ext = &hs->offered;
	ext->server_name = sent_name(hs->outcome.server_name);
	if (ext->server_name.n)
		ext->present |= HAS_SERVER_NAME;
	if (config->groups.num && (offers13(hs) || offers12(hs, is_ecdhe))) {
		ext->present |= HAS_SUPPORTED_GROUPS;
		ext->supported_groups = list_in_arena(hs, &config->groups);
		if (!ext->supported_groups.p)
			return TERN_ERROR_BUDGET;
	}
	TRY(offer_authentication(hs, ext));
	offer_limits(hs, ext);
	TRY(cid_offer(hs, ext));
	if (config->dtls12)
		offer12(hs, ext);
	return offers13(hs) ? offer13(hs) : TERN_OK;
}

/* With a ticket the id is random: a server that takes the ticket echoes it (RFC 5077 3.4). */
static tern_error choose_session_id(struct handshake *hs)
{
	if (!hs->session || hs->session->version != VERSION_DTLS12)
		return TERN_OK;
	if (hs->session->ticket_len) {
		hs->session_id_len = SESSION_ID_MAX;
		return hs->pool->provider->random(hs->pool->crypto, hs->session_id, SESSION_ID_MAX);
	}
	hs->session_id_len = hs->session->id_len;
	memcpy(hs->session_id, hs->session->id, hs->session->id_len);
	return TERN_OK;
}

static void put_suites(const struct handshake *hs, struct wr *w)
{
	const struct tern_config *config = hs->pool->config;
	for (size_t i = 0; offers13(hs) && i < config->suites13.num; i++)
		wr_u16(w, config->suites13.id[i]);
	for (size_t i = 0; config->dtls12 && i < config->suites.num; i++)
		if (suite_usable(hs, suite_by_id(config->suites.id[i])))
			wr_u16(w, config->suites.id[i]);
}

/* The hello stays the same after a HelloVerifyRequest but for the cookie (RFC 6347 4.2.1), and after a
 * HelloRetryRequest but for what that asked (RFC 8446 4.1.2, RFC 9147 5.1). */
tern_error put_client_hello_message(struct handshake *hs, struct wr *w)
{
	uint8_t list[4 * CONFIG_SUITES], block[CLIENT_HELLO_EXTENSIONS_MAX];
	struct wr lw = wr_of(list, sizeof list), ew = wr_of(block, sizeof block);
	struct client_hello hello = {.version = VERSION_DTLS12};
	if (hs->verify_requests == 0 && !hs->retried) {
		TRY(hs->pool->provider->random(hs->pool->crypto, hs->client_random, RANDOM_LEN));
		TRY(choose_session_id(hs));
		TRY(make_offer(hs));
	}
	put_suites(hs, &lw);
	put_extensions(&ew, IN_CLIENT_HELLO, &hs->offered);
	if (lw.n == 0) /* no suite for which it has a PSK or could judge a certificate */
		return FAIL(hs, ERROR_NO_CREDENTIALS, "RFC 5246 7.4.1.2");
	if (!wr_ok(&ew))
		return FAIL(hs, ERROR_INTERNAL, "RFC 5246 7.4.1.2");
	hello.random = span_of(hs->client_random, RANDOM_LEN);
	hello.session_id = span_of(hs->session_id, hs->session_id_len);
	hello.cookie = hs->cookie;
	hello.suites = wr_span(&lw);
	hello.compression = span_of(null_compression, sizeof null_compression);
	hello.extensions = wr_span(&ew);
	put_client_hello(w, &hello);
	if (hs->num_psks)
		TRY(put_binders13(hs, w));
	return hs->offered.present & HAS_EARLY_DATA ? early13_keys(hs, wr_span(w)) : TERN_OK;
}

/* Of its version nothing follows (RFC 6347 4.2.1), but that the server speaks DTLS 1.2 (RFC 9147 5.2). */
tern_error get_hello_verify(struct handshake *hs, struct span body)
{
	struct hello_verify_request hvr;
	struct rd r = rd_of(body);
	if (!get_hello_verify_request(&r, &hvr))
		return FAIL(hs, ERROR_DECODE, "RFC 6347 4.2.1");
	if (!hs->pool->config->dtls12)
		return FAIL(hs, ERROR_PROTOCOL_VERSION, "RFC 9147 5.3");
	if (hs->offered.present & HAS_EARLY_DATA)
		return FAIL(hs, ERROR_PROTOCOL_VERSION, "RFC 8446 D.3");
	hs->cookie = arena_copy(&hs->arena, hvr.cookie);
	if (!hs->cookie.p)
		return FAIL(hs, ERROR_BUDGET, "");
	hs->verify_requests++;
	return TERN_OK;
}
