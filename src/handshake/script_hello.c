/* The hellos of all versions as one script: it ends with the version decided. Two HelloVerifyRequests (RFC 6347 4.2.1,
 * 5) or one HelloRetryRequest (RFC 9147 5.1) may come in between. */
#include "handshake/hellos.h"
#include "handshake/messages13.h"
#include "handshake/step.h"
#include "handshake/version.h"

static bool at_client(const struct handshake *hs)
{
	return hs->role == CLIENT;
}

static bool verified_once(const struct handshake *hs)
{
	return hs->verify_requests >= 1;
}

static bool verified_twice(const struct handshake *hs)
{
	return hs->verify_requests >= 2;
}

static bool may_retry(const struct handshake *hs)
{
	return hs->role == CLIENT ? hs->offered.present & HAS_SUPPORTED_VERSIONS : hs->retry_wanted;
}

/* A server whose retry was stateless begins with the second hello. */
static bool retried(const struct handshake *hs)
{
	return hs->role == CLIENT ? hs->retried : hs->retry_wanted;
}

/* RFC 6347 4.2.6 */
static tern_error forget_hello(struct handshake *hs)
{
	transcript_restart(&hs->transcript);
	return TERN_OK;
}

static tern_error after_server_hello(struct handshake *hs)
{
	return hs->version->after_server_hello(hs);
}

/* clang-format off */
const struct step script_hello[] = {
	/* message             from    flags                                 epoch present         put                       get                       then */
	{CLIENT_HELLO,         CLIENT, 0,                                    0,    NULL,           put_client_hello_message, get_client_hello_message, NULL},
	{HELLO_VERIFY_REQUEST, SERVER, STEP_PEER_MAY_SKIP | STEP_NOT_HASHED, 0,    at_client,      NULL,                     get_hello_verify,         forget_hello},
	{CLIENT_HELLO,         CLIENT, 0,                                    0,    verified_once,  put_client_hello_message, NULL,                     NULL},
	{HELLO_VERIFY_REQUEST, SERVER, STEP_PEER_MAY_SKIP | STEP_NOT_HASHED, 0,    verified_once,  NULL,                     get_hello_verify,         forget_hello},
	{CLIENT_HELLO,         CLIENT, 0,                                    0,    verified_twice, put_client_hello_message, NULL,                     NULL},
	{SERVER_HELLO,         SERVER, STEP_PEER_MAY_SKIP | STEP_RETRY,      0,    may_retry,      put_retry13,              get_retry13,              NULL},
	{CLIENT_HELLO,         CLIENT, 0,                                    0,    retried,        put_client_hello_message, get_client_hello_message, NULL},
	{SERVER_HELLO,         SERVER, 0,                                    0,    NULL,           put_server_hello_message, get_server_hello_message, after_server_hello},
};
/* clang-format on */
const size_t num_script_hello = sizeof script_hello / sizeof script_hello[0];
