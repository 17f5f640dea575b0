/* The handshakes of DTLS 1.2, full and abbreviated, as one script (RFC 5246 7.3, RFC 6347 4.2.4, 4.2.5, RFC 5077
 * 3.1). */
#include "handshake/messages12.h"
#include "handshake/negotiate.h"
#include "handshake/schedule12.h"
#include "handshake/version.h"
#include "wire/record.h"

static bool full(const struct handshake *hs)
{
	return !hs->resumed;
}

static bool resumed(const struct handshake *hs)
{
	return hs->resumed;
}

static bool with_certificate(const struct handshake *hs)
{
	return full(hs) && hs->outcome.suite->auth != AUTH_PSK;
}

/* Plain PSK has a ServerKeyExchange only if there is a hint: the server's choice. */
static bool with_server_kex(const struct handshake *hs)
{
	return full(hs) && (hs->outcome.suite->ecdhe || hs->role == CLIENT || hs->pool->config->psk_hint.n);
}

static bool kex_is_ecdhe(const struct handshake *hs)
{
	return with_server_kex(hs) && hs->outcome.suite->ecdhe;
}

static bool kex_is_plain_psk(const struct handshake *hs)
{
	return with_server_kex(hs) && !hs->outcome.suite->ecdhe;
}

/* Only the server knows; a client learns it from the message. */
static bool with_cert_request(const struct handshake *hs)
{
	return with_certificate(hs) && (hs->role == CLIENT || hs->asks_client_cert);
}

static bool with_client_certificate(const struct handshake *hs)
{
	return full(hs) && hs->asks_client_cert;
}

static bool with_cert_verify(const struct handshake *hs)
{
	return full(hs) && hs->client_cert_sent;
}

static bool with_ticket(const struct handshake *hs)
{
	return hs->ticket_promised;
}

/* After ServerHello. */
static tern_error choose_hash(struct handshake *hs)
{
	transcript_choose(&hs->transcript, hs->pool->provider->hash[hs->outcome.suite->hash], HANDSHAKE_HEADER);
	if (hs->resumed || (hs->role == SERVER && !hs->asks_client_cert))
		transcript_release(&hs->transcript);
	return hs->resumed ? schedule12_keys(hs) : TERN_OK;
}

static tern_error no_signature_comes(struct handshake *hs)
{
	if (!hs->asks_client_cert)
		transcript_release(&hs->transcript);
	return TERN_OK;
}

static tern_error signature_came(struct handshake *hs)
{
	transcript_release(&hs->transcript);
	return TERN_OK;
}

static tern_error to_epoch_1(struct handshake *hs)
{
	hs->write_epoch = 1;
	return TERN_OK;
}

/* clang-format off */
const struct step script12[] = {
	/* message                       from    flags                                 epoch present                  put                       get                       then */
	{CERTIFICATE,                    SERVER, 0,                                    0,    with_certificate,        put_own_certificate12,    get_server_certificate12, NULL},
	{SERVER_KEY_EXCHANGE,            SERVER, 0,                                    0,    kex_is_ecdhe,            put_server_kex12,         get_server_kex12,         NULL},
	{SERVER_KEY_EXCHANGE,            SERVER, STEP_PEER_MAY_SKIP,                   0,    kex_is_plain_psk,        put_server_kex12,         get_server_kex12,         NULL},
	{CERTIFICATE_REQUEST,            SERVER, STEP_PEER_MAY_SKIP,                   0,    with_cert_request,       put_cert_request12,       get_cert_request12,       NULL},
	{SERVER_HELLO_DONE,              SERVER, 0,                                    0,    full,                    put_hello_done12,         get_hello_done12,         no_signature_comes},
	{CERTIFICATE,                    CLIENT, 0,                                    0,    with_client_certificate, put_own_certificate12,    get_client_certificate12, NULL},
	{CLIENT_KEY_EXCHANGE,            CLIENT, 0,                                    0,    full,                    put_client_kex12,         get_client_kex12,         schedule12_kex_done},
	{CERTIFICATE_VERIFY,             CLIENT, 0,                                    0,    with_cert_verify,        put_cert_verify12,        get_cert_verify12,        signature_came},
	{CONTENT_CHANGE_CIPHER_SPEC,     CLIENT, STEP_SEND_ONLY,                       0,    full,                    put_change_cipher_spec,   NULL,                     to_epoch_1},
	{FINISHED,                       CLIENT, STEP_AFTER_CCS | STEP_LAST,           1,    full,                    put_finished12,           get_finished12,           NULL},
	{NEW_SESSION_TICKET,             SERVER, 0,                                    0,    with_ticket,             put_ticket12,             get_ticket12,             NULL},
	{CONTENT_CHANGE_CIPHER_SPEC,     SERVER, STEP_SEND_ONLY,                       0,    NULL,                    put_change_cipher_spec,   NULL,                     to_epoch_1},
	{FINISHED,                       SERVER, STEP_AFTER_CCS | STEP_LAST,           1,    NULL,                    put_finished12,           get_finished12,           NULL},
	{CONTENT_CHANGE_CIPHER_SPEC,     CLIENT, STEP_SEND_ONLY,                       0,    resumed,                 put_change_cipher_spec,   NULL,                     to_epoch_1},
	{FINISHED,                       CLIENT, STEP_AFTER_CCS | STEP_LAST,           1,    resumed,                 put_finished12,           get_finished12,           NULL},
};
/* clang-format on */
const size_t num_script12 = sizeof script12 / sizeof script12[0];

const struct version version12 = {
	.number = VERSION_DTLS12,
	.script = script12,
	.num_steps = &num_script12,
	.protection = &protection12,
	.server_hello_place = IN_SERVER_HELLO12,
	.transcript_header = HANDSHAKE_HEADER,
	.acknowledges = false,
	.first_data_epoch = 1,
	.num_secrets = 1,
	.secret_len = MASTER_LEN + 2 * RANDOM_LEN,
	.take_client_hello = take_client_hello12,
	.fill_server_hello = fill_server_hello12,
	.take_server_hello = take_server_hello12,
	.after_server_hello = choose_hash,
	.scheme_fits = scheme_fits_key12,
	.suite_fits = suite_fits_key,
	.curve_fits = curve_fits12,
	.export = schedule12_export,
};
