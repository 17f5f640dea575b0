/* A peer over Mbed TLS, 2.28 and 3. Its calls block and drive the timers themselves. */
#define MBEDTLS_ALLOW_PRIVATE_ACCESS /* version 3: to see which states a handshake passes */
#include "peer.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_cache.h>
#include <mbedtls/ssl_cookie.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/timing.h>
#include <mbedtls/version.h>
#include <stdio.h>
#include <string.h>
#if MBEDTLS_VERSION_MAJOR >= 3
#include <psa/crypto.h>
#endif

static const struct options *options;
static mbedtls_entropy_context entropy;
static mbedtls_ctr_drbg_context drbg;
static mbedtls_ssl_config config;
static mbedtls_x509_crt certificate, ca;
static mbedtls_pk_context key;
static mbedtls_ssl_cookie_ctx cookies;
static mbedtls_ssl_cache_context cache;
static mbedtls_ssl_ticket_context tickets;
static mbedtls_timing_delay_context timer;
static mbedtls_ssl_context ssl;
static mbedtls_ssl_session session;
static struct link *link_now;
static bool open_now, have_session, connected;
static int suites[2];

static enum status fail(const char *what, int error)
{
	char reason[160];
	mbedtls_strerror(error, reason, sizeof reason);
	return peer_failed("%s: %s", what, reason);
}

static int send_datagram(void *link, const unsigned char *datagram, size_t len)
{
	link_send(link, datagram, len);
	return (int)len;
}

static int recv_datagram(void *link, unsigned char *datagram, size_t cap, uint32_t ms)
{
	int n = link_recv(link, datagram, cap, ms == 0 || ms > 60000 ? 60000 : (int)ms);
	return n >= 0 ? n : n == LINK_TIMEOUT ? MBEDTLS_ERR_SSL_TIMEOUT : MBEDTLS_ERR_SSL_CONN_EOF;
}

/* ---- set-up */

static int parse_key(void)
{
#if MBEDTLS_VERSION_MAJOR >= 3
	return mbedtls_pk_parse_keyfile(&key, options->key, NULL, mbedtls_ctr_drbg_random, &drbg);
#else
	return mbedtls_pk_parse_keyfile(&key, options->key, NULL);
#endif
}

static void only_version_12(void)
{
#if MBEDTLS_VERSION_MAJOR >= 3
	mbedtls_ssl_conf_min_tls_version(&config, MBEDTLS_SSL_VERSION_TLS1_2);
	mbedtls_ssl_conf_max_tls_version(&config, MBEDTLS_SSL_VERSION_TLS1_2);
#else
	mbedtls_ssl_conf_min_version(&config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
	mbedtls_ssl_conf_max_version(&config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
}

static enum status set_suite(const char *iana)
{
	char name[80];
	snprintf(name, sizeof name, "%s", iana);
	for (char *c = name; *c; c++)
		*c = *c == '_' ? '-' : *c;
	suites[0] = mbedtls_ssl_get_ciphersuite_id(name);
	if (suites[0] == 0)
		return peer_cannot("Mbed TLS has no suite %s", iana);
	mbedtls_ssl_conf_ciphersuites(&config, suites);
	return PEER_OK;
}

static enum status set_credentials(void)
{
	int error = 0;
	if (options->cert) {
		error = mbedtls_x509_crt_parse_file(&certificate, options->cert);
		if (error == 0)
			error = parse_key();
		if (error == MBEDTLS_ERR_PK_UNKNOWN_PK_ALG || error == MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG ||
		    error == MBEDTLS_ERR_PK_KEY_INVALID_FORMAT)
			return peer_cannot("Mbed TLS cannot use keys of this type");
		if (error == 0)
			error = mbedtls_ssl_conf_own_cert(&config, &certificate, &key);
	}
	if (options->ca && error == 0) {
		error = mbedtls_x509_crt_parse_file(&ca, options->ca);
		mbedtls_ssl_conf_ca_chain(&config, &ca, NULL);
	}
	if (options->psk_identity && error == 0)
		error = mbedtls_ssl_conf_psk(&config, options->psk, options->psk_len,
					     (const unsigned char *)options->psk_identity,
					     strlen(options->psk_identity));
	bool verify = options->server ? options->require_client_cert : options->ca != NULL;
	mbedtls_ssl_conf_authmode(&config, verify ? MBEDTLS_SSL_VERIFY_REQUIRED : MBEDTLS_SSL_VERIFY_NONE);
	return error == 0 ? PEER_OK : fail("credentials", error);
}

static int set_server(void)
{
	int error = 0;
	if (options->cookie) {
		error = mbedtls_ssl_cookie_setup(&cookies, mbedtls_ctr_drbg_random, &drbg);
		mbedtls_ssl_conf_dtls_cookies(&config, mbedtls_ssl_cookie_write, mbedtls_ssl_cookie_check, &cookies);
	} else {
		mbedtls_ssl_conf_dtls_cookies(&config, NULL, NULL, NULL);
	}
	if (options->resume != RESUME_TICKET)
		mbedtls_ssl_conf_session_cache(&config, &cache, mbedtls_ssl_cache_get, mbedtls_ssl_cache_set);
	if (options->resume != RESUME_ID && error == 0) {
		error = mbedtls_ssl_ticket_setup(&tickets, mbedtls_ctr_drbg_random, &drbg, MBEDTLS_CIPHER_AES_256_GCM,
						 86400);
		mbedtls_ssl_conf_session_tickets_cb(&config, mbedtls_ssl_ticket_write, mbedtls_ssl_ticket_parse,
						    &tickets);
	}
	return error;
}

static void init(void)
{
#if MBEDTLS_VERSION_MAJOR >= 3
	psa_crypto_init();
#endif
	mbedtls_entropy_init(&entropy);
	mbedtls_ctr_drbg_init(&drbg);
	mbedtls_ssl_config_init(&config);
	mbedtls_x509_crt_init(&certificate);
	mbedtls_x509_crt_init(&ca);
	mbedtls_pk_init(&key);
	mbedtls_ssl_cookie_init(&cookies);
	mbedtls_ssl_cache_init(&cache);
	mbedtls_ssl_ticket_init(&tickets);
	mbedtls_ssl_session_init(&session);
}

static enum status setup(const struct options *given)
{
	options = given;
	init();
	int error = mbedtls_ctr_drbg_seed(&drbg, mbedtls_entropy_func, &entropy, NULL, 0);
	if (error == 0)
		error = mbedtls_ssl_config_defaults(&config,
						    given->server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
						    MBEDTLS_SSL_TRANSPORT_DATAGRAM, MBEDTLS_SSL_PRESET_DEFAULT);
	if (error == 0 && given->server)
		error = set_server();
	if (error != 0)
		return fail("set-up", error);
	only_version_12();
#if MBEDTLS_VERSION_MAJOR >= 3
	if (given->cid && mbedtls_ssl_conf_cid(&config, given->cid_len, MBEDTLS_SSL_UNEXPECTED_CID_IGNORE) != 0)
		return peer_cannot("Mbed TLS takes no connection IDs of %u bytes", given->cid_len);
#else
	if (given->cid)
		return peer_cannot("Mbed TLS 2.28 speaks a draft of RFC 9146");
#endif
	mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &drbg);
	mbedtls_ssl_conf_session_tickets(&config, given->resume == RESUME_ID ? MBEDTLS_SSL_SESSION_TICKETS_DISABLED
									     : MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
	enum status status = set_suite(given->suite);
	return status == PEER_OK ? set_credentials() : status;
}

/* ---- an association */

/* Version 2.28 speaks a draft of RFC 9146, under another number. */
static int offer_cid(void)
{
#if MBEDTLS_VERSION_MAJOR >= 3
	static const unsigned char cid[MBEDTLS_SSL_CID_IN_LEN_MAX] = {0xcd, 0xab};
	return mbedtls_ssl_set_cid(&ssl, MBEDTLS_SSL_CID_ENABLED, cid, options->cid_len);
#else
	return MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE;
#endif
}

static int check_cid(void)
{
#if MBEDTLS_VERSION_MAJOR >= 3
	int enabled = MBEDTLS_SSL_CID_DISABLED;
	int error = mbedtls_ssl_get_peer_cid(&ssl, &enabled, NULL, NULL);
	return error == 0 && enabled != MBEDTLS_SSL_CID_ENABLED ? MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE : error;
#else
	return MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE;
#endif
}

static int address_known(void)
{
	return options->server ? mbedtls_ssl_set_client_transport_id(&ssl, (const unsigned char *)&link_now->peer,
								     sizeof link_now->peer)
			       : 0;
}

/* Steps through the handshake, since only the states it passes tell whether it resumes: a resumption has no certificate
 * row. */
static int run(bool *resumed)
{
	int error = address_known();
	uint64_t end = peer_now_ms() + options->timeout_s * 1000;
	*resumed = true;
	while (error == 0 && ssl.state != MBEDTLS_SSL_HANDSHAKE_OVER) {
		if (ssl.state == MBEDTLS_SSL_SERVER_CERTIFICATE)
			*resumed = false;
		error = mbedtls_ssl_handshake_step(&ssl);
		if (error == MBEDTLS_ERR_SSL_HELLO_VERIFY_REQUIRED) {
			error = mbedtls_ssl_session_reset(&ssl);
			error = error ? error : address_known();
		}
		/* WANT_READ is what follows a retransmission. */
		if (error == MBEDTLS_ERR_SSL_WANT_READ && peer_now_ms() < end)
			error = 0;
	}
	return error;
}

static enum status handshake(struct link *link, bool *resumed)
{
	link_now = link;
	connected = false;
	mbedtls_ssl_init(&ssl);
	int error = mbedtls_ssl_setup(&ssl, &config);
	if (error != 0)
		return fail("set-up", error);
	open_now = true;
	mbedtls_ssl_conf_read_timeout(&config, options->timeout_s * 1000);
	mbedtls_ssl_set_bio(&ssl, link, send_datagram, NULL, recv_datagram);
	mbedtls_ssl_set_timer_cb(&ssl, &timer, mbedtls_timing_set_delay, mbedtls_timing_get_delay);
	mbedtls_ssl_set_mtu(&ssl, (uint16_t)options->mtu);
	if (!options->server)
		error = mbedtls_ssl_set_hostname(&ssl, options->name);
	if (error == 0 && options->cid)
		error = offer_cid();
	if (error == 0 && have_session)
		error = mbedtls_ssl_set_session(&ssl, &session);
	if (error == 0)
		error = run(resumed);
	if (error == 0 && options->cid)
		error = check_cid();
	if (link->replaced)
		return PEER_CLOSED;
	connected = error == 0;
	return error == 0 ? PEER_OK : fail("handshake", error);
}

static enum status send_record(const void *data, size_t len)
{
	int n = mbedtls_ssl_write(&ssl, data, len);
	return n == (int)len ? PEER_OK : fail("write", n);
}

static enum status recv_record(void *data, size_t cap, size_t *len, int timeout_ms)
{
	uint64_t now = peer_now_ms(), end = now + (uint64_t)timeout_ms;
	for (; now < end; now = peer_now_ms()) {
		mbedtls_ssl_conf_read_timeout(&config, (uint32_t)(end - now));
		int n = mbedtls_ssl_read(&ssl, data, cap);
		if (link_now->replaced || n == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
			return PEER_CLOSED;
		if (n > 0) {
			*len = (size_t)n;
			return PEER_OK;
		}
		if (n != MBEDTLS_ERR_SSL_TIMEOUT && n != MBEDTLS_ERR_SSL_WANT_READ)
			return fail("read", n);
	}
	return PEER_TIMEOUT;
}

static void close_association(void)
{
	if (!open_now)
		return;
	if (connected)
		mbedtls_ssl_close_notify(&ssl);
	if (connected && !options->server && options->resume != RESUME_NONE && !have_session)
		have_session = mbedtls_ssl_get_session(&ssl, &session) == 0;
	mbedtls_ssl_free(&ssl);
	open_now = false;
}

static const char *version(void)
{
	static char text[18];
	mbedtls_version_get_string(text);
	return text;
}

int main(int argc, char **argv)
{
	static const struct library library = {.version = version,
					       .setup = setup,
					       .handshake = handshake,
					       .send = send_record,
					       .recv = recv_record,
					       .close = close_association};
	return peer_main(argc, argv, &library);
}
