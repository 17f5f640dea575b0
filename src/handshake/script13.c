/* The handshake of DTLS 1.3 behind the hellos (RFC 8446 2, RFC 9147 5, 5.7), and its Finished. */
#include "handshake/compress13.h"
#include "handshake/keys13.h"
#include "handshake/messages13.h"
#include "handshake/negotiate.h"
#include "handshake/version.h"
#include "wire/handshake.h"
#include "wire/record.h"

tern_error put_finished13(struct handshake *hs, struct wr *w)
{
	uint8_t verify_data[HASH_MAX];
	keys13_finished(hs, hs->role, verify_data);
	wr_bytes(w, span_of(verify_data, hs->transcript.hash->len));
	return TERN_OK;
}

tern_error get_finished13(struct handshake *hs, struct span body)
{
	uint8_t expected[HASH_MAX];
	keys13_finished(hs, hs->role == CLIENT ? SERVER : CLIENT, expected);
	if (body.n != hs->transcript.hash->len)
		return FAIL(hs, ERROR_DECODE, "RFC 8446 4.4.4");
	if (!span_equal_secret(span_of(expected, body.n), body))
		return FAIL(hs, ERROR_BAD_FINISHED, "RFC 8446 4.4.4");
	return TERN_OK;
}

/* A certificate comes in one of two messages: what we send is settled, what the peer sends shows. */
static bool may_be_compressed(const struct handshake *hs, enum role from)
{
	return hs->role == from ? sends_compressed13(hs) : takes_compressed13(hs);
}

static bool with_certificate(const struct handshake *hs)
{
	return !hs->psk;
}

static bool with_compressed_certificate(const struct handshake *hs)
{
	return with_certificate(hs) && may_be_compressed(hs, SERVER);
}

static bool with_plain_certificate(const struct handshake *hs)
{
	return with_certificate(hs) && !hs->compressed[SERVER];
}

/* Only the server knows; a client learns it from the message. */
static bool with_cert_request(const struct handshake *hs)
{
	return !hs->psk && (hs->role == CLIENT || hs->asks_client_cert);
}

static bool with_client_certificate(const struct handshake *hs)
{
	return hs->asks_client_cert;
}

static bool with_compressed_client_certificate(const struct handshake *hs)
{
	return with_client_certificate(hs) && may_be_compressed(hs, CLIENT);
}

static bool with_plain_client_certificate(const struct handshake *hs)
{
	return with_client_certificate(hs) && !hs->compressed[CLIENT];
}

static bool with_cert_verify(const struct handshake *hs)
{
	return hs->client_cert_sent;
}

static tern_error after_server_hello(struct handshake *hs)
{
	transcript_release(&hs->transcript);
	return keys13_handshake(hs);
}

/* clang-format off */
const struct step script13[] = {
	/* message                  from    flags               epoch            present                             put                         get                         then */
	{ENCRYPTED_EXTENSIONS,   SERVER, 0,                  EPOCH_HANDSHAKE, NULL,                               put_encrypted_extensions13, get_encrypted_extensions13, NULL},
	{CERTIFICATE_REQUEST,    SERVER, STEP_PEER_MAY_SKIP, EPOCH_HANDSHAKE, with_cert_request,                  put_cert_request13,         get_cert_request13,         NULL},
	{COMPRESSED_CERTIFICATE, SERVER, STEP_PEER_MAY_SKIP, EPOCH_HANDSHAKE, with_compressed_certificate,        put_compressed13,           get_server_compressed13,    NULL},
	{CERTIFICATE,            SERVER, 0,                  EPOCH_HANDSHAKE, with_plain_certificate,             put_own_certificate13,      get_server_certificate13,   NULL},
	{CERTIFICATE_VERIFY,     SERVER, 0,                  EPOCH_HANDSHAKE, with_certificate,                   put_cert_verify13,          get_cert_verify13,          NULL},
	{FINISHED,               SERVER, STEP_LAST,          EPOCH_HANDSHAKE, NULL,                               put_finished13,             get_finished13,             keys13_application},
	{COMPRESSED_CERTIFICATE, CLIENT, STEP_PEER_MAY_SKIP, EPOCH_HANDSHAKE, with_compressed_client_certificate, put_compressed13,           get_client_compressed13,    NULL},
	{CERTIFICATE,            CLIENT, 0,                  EPOCH_HANDSHAKE, with_plain_client_certificate,      put_own_certificate13,      get_client_certificate13,   NULL},
	{CERTIFICATE_VERIFY,     CLIENT, 0,                  EPOCH_HANDSHAKE, with_cert_verify,                   put_cert_verify13,          get_cert_verify13,          NULL},
	{FINISHED,               CLIENT, STEP_LAST,          EPOCH_HANDSHAKE, NULL,                               put_finished13,             get_finished13,             keys13_done},
};

/* RFC 8446 4.6.2: the epoch is the one that the connection gives the client's messages. */
const struct step script_auth13[] = {
	/* message             from    flags               epoch            present                  put                         get                         then */
	{CERTIFICATE_REQUEST,  SERVER, 0,                  EPOCH_DATA,      NULL,                    put_cert_request13,         get_late_cert_request13,    NULL},
	{CERTIFICATE,          CLIENT, 0,                  EPOCH_DATA,      NULL,                    put_own_certificate13,      get_client_certificate13,   NULL},
	{CERTIFICATE_VERIFY,   CLIENT, 0,                  EPOCH_DATA,      with_cert_verify,        put_cert_verify13,          get_cert_verify13,          NULL},
	{FINISHED,             CLIENT, 0,                  EPOCH_DATA,      NULL,                    put_finished13,             get_finished13,             NULL},
};
/* clang-format on */
const size_t num_script13 = sizeof script13 / sizeof script13[0];
const size_t num_script_auth13 = sizeof script_auth13 / sizeof script_auth13[0];

const struct version version13 = {
	.number = VERSION_DTLS13,
	.script = script13,
	.num_steps = &num_script13,
	.protection = &protection13,
	.server_hello_place = IN_SERVER_HELLO13,
	.transcript_header = 4,
	.acknowledges = true,
	.first_data_epoch = EPOCH_DATA,
	.num_secrets = 4,
	.take_client_hello = take_client_hello13,
	.fill_server_hello = fill_server_hello13,
	.take_server_hello = take_server_hello13,
	.after_server_hello = after_server_hello,
	.scheme_fits = scheme_fits_key13,
	.suite_fits = suite_fits_any_key,
	.curve_fits = curve_fits13,
	.export = keys13_export,
};
