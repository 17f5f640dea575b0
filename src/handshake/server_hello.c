/* Both hellos where the version is not known yet: a server decides on it by the ClientHello, a client learns it from
 * the ServerHello (RFC 8446 4.1.3, 4.2.1). */
#include "handshake/hellos.h"
#include "handshake/negotiate.h"
#include "handshake/version.h"
#include "wire/handshake.h"
#include "wire/record.h"

bool is_retry_body(struct span body)
{
	return message_type_shown(SERVER_HELLO, body) != SERVER_HELLO;
}

const struct version *choose_version(const struct tern_config *config, const struct client_hello *hello,
				     const struct extensions *ext)
{
	if (ext->present & HAS_SUPPORTED_VERSIONS) {
		if (config->dtls13 && list16_has(ext->supported_versions, VERSION_DTLS13))
			return &version13;
		return config->dtls12 && list16_has(ext->supported_versions, VERSION_DTLS12) ? &version12 : NULL;
	}
	/* DTLS versions count downwards: a higher version than 1.2 is a lower number. */
	return config->dtls12 && hello->version <= VERSION_DTLS12 ? &version12 : NULL;
}

tern_error get_client_hello_message(struct handshake *hs, struct span body)
{
	struct client_hello hello;
	struct extensions ext;
	const struct version *version;
	struct rd r = rd_of(body);
	if (!get_client_hello(&r, &hello) || !get_extensions(hello.extensions, IN_CLIENT_HELLO, &ext))
		return FAIL(hs, ERROR_DECODE, "RFC 5246 7.4.1.2");
	version = choose_version(hs->pool->config, &hello, &ext);
	if (!version || (hs->version && hs->version != version))
		return FAIL(hs, ERROR_PROTOCOL_VERSION, "RFC 8446 4.2.1");
	hs->hello = body;
	memcpy(hs->client_random, hello.random.p, RANDOM_LEN);
	TRY(version->take_client_hello(hs, &hello, &ext));
	hs->version = version;
	hs->outcome.version = version;
	hs->records->protection = version->protection;
	return TERN_OK;
}

tern_error put_server_hello_message(struct handshake *hs, struct wr *w)
{
	uint8_t block[2048];
	struct wr ew = wr_of(block, sizeof block);
	struct server_hello hello = {.version = VERSION_DTLS12, .suite = hs->outcome.suite->id};
	struct extensions ext = {0};
	TRY(hs->pool->provider->random(hs->pool->crypto, hs->server_random, RANDOM_LEN));
	TRY(hs->version->fill_server_hello(hs, &hello, &ext));
	put_extensions(&ew, hs->version->server_hello_place, &ext);
	if (!wr_ok(&ew))
		return FAIL(hs, ERROR_INTERNAL, "RFC 5246 7.4.1.3");
	hello.random = span_of(hs->server_random, RANDOM_LEN);
	hello.extensions = wr_span(&ew);
	put_server_hello(w, &hello);
	return TERN_OK;
}

/* A server that can 1.3 marks what somebody on the path pressed it into (RFC 8446 4.1.3). */
static bool downgraded(const struct server_hello *hello)
{
	static const uint8_t mark[7] = {0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44};
	const uint8_t *tail = hello->random.p + RANDOM_LEN - 8;
	return memcmp(tail, mark, sizeof mark) == 0 && tail[7] <= 1;
}

/* What the server chose; NULL, and *error, when it may not. */
static const struct version *version_chosen(const struct handshake *hs, const struct server_hello *hello,
					    const struct extensions *ext, tern_error *error)
{
	bool offered13 = hs->offered.present & HAS_SUPPORTED_VERSIONS;
	if (hello->version != VERSION_DTLS12)
		return *error = TERN_ERROR_PROTOCOL_VERSION, NULL;
	if (ext->present & HAS_SUPPORTED_VERSIONS) {
		/* A HelloVerifyRequest is of DTLS 1.2, and 1.3 has no place for its cookie: RFC 9147 5.2, 5.3. */
		if (!offered13 || !list16_has(ext->supported_versions, VERSION_DTLS13) || hs->verify_requests)
			return *error = TERN_ERROR_ILLEGAL_PARAMETER, NULL;
		return &version13;
	}
	if (hs->retried)
		return *error = TERN_ERROR_ILLEGAL_PARAMETER, NULL;
	/* A server of DTLS 1.2 cannot have given the session: RFC 8446 D.3. */
	if (!hs->pool->config->dtls12 || (hs->offered.present & HAS_EARLY_DATA))
		return *error = TERN_ERROR_PROTOCOL_VERSION, NULL;
	if (offered13 && downgraded(hello))
		return *error = TERN_ERROR_DOWNGRADE, NULL;
	return &version12;
}

/* Where the version says which extensions may be here, the version comes first. */
static bool names_version(const struct server_hello *hello)
{
	struct extensions ext;
	return get_extensions(hello->extensions, IN_SERVER_HELLO13, &ext) && (ext.present & HAS_SUPPORTED_VERSIONS);
}

tern_error get_server_hello_message(struct handshake *hs, struct span body)
{
	struct server_hello hello;
	struct extensions ext;
	const struct version *version;
	tern_error error = TERN_ERROR_INTERNAL;
	struct rd r = rd_of(body);
	if (!get_server_hello(&r, &hello) ||
	    !get_extensions(hello.extensions, names_version(&hello) ? IN_SERVER_HELLO13 : IN_SERVER_HELLO12, &ext))
		return FAIL(hs, ERROR_DECODE, "RFC 5246 7.4.1.3");
	version = version_chosen(hs, &hello, &ext, &error);
	if (!version)
		return FAILED(hs, error, "RFC 8446 4.1.3");
	memcpy(hs->server_random, hello.random.p, RANDOM_LEN);
	hs->version = version;
	hs->outcome.version = version;
	hs->records->protection = version->protection;
	return version->take_server_hello(hs, &hello, &ext);
}
