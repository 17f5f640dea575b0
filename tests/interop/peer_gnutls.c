/* A peer over GnuTLS. Its handshake and its reads block and drive the timers themselves, through the pull functions. */
#include "peer.h"

#include <errno.h>
#include <gnutls/dtls.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATAGRAM_MAX 2048
#define SESSIONS_MAX 8

static const struct options *options;
static gnutls_certificate_credentials_t certificates;
static gnutls_psk_client_credentials_t psk_client;
static gnutls_psk_server_credentials_t psk_server;
static gnutls_priority_t priority;
static gnutls_datum_t cookie_key, ticket_key;
static gnutls_session_t session;
static gnutls_datum_t saved; /* the client's session */
static struct link *link_now;
static struct {
	gnutls_datum_t id, data;
} sessions[SESSIONS_MAX]; /* the server's */
static size_t num_sessions;

/* The ClientHello whose cookie was right: checked before there is a session, then read by it. */
static uint8_t first[DATAGRAM_MAX];
static int first_len = -1;

static enum status fail(const char *what, int error)
{
	if (error == GNUTLS_E_FATAL_ALERT_RECEIVED)
		return peer_failed("%s: alert %s", what, gnutls_alert_get_name(gnutls_alert_get(session)));
	return peer_failed("%s: %s", what, gnutls_strerror(error));
}

/* ---- the link */

static ssize_t push(gnutls_transport_ptr_t link, const void *datagram, size_t len)
{
	link_send(link, datagram, len);
	return (ssize_t)len;
}

static ssize_t pull(gnutls_transport_ptr_t link, void *datagram, size_t cap)
{
	if (first_len >= 0) {
		size_t n = (size_t)first_len < cap ? (size_t)first_len : cap;
		memcpy(datagram, first, n);
		first_len = -1;
		return (ssize_t)n;
	}
	int n = link_recv(link, datagram, cap, 0);
	if (n < 0)
		gnutls_transport_set_errno(session, n == LINK_TIMEOUT ? EAGAIN : ECONNRESET);
	return n < 0 ? -1 : n;
}

static int pull_wait(gnutls_transport_ptr_t link, unsigned int ms)
{
	return first_len >= 0 ? 1 : link_peek(link, ms > 60000 ? 60000 : (int)ms);
}

/* ---- set-up */

/* GnuTLS's own name for an IANA one: no WITH_, and ChaCha20's and CCM's without the hash. */
static bool known_suite(const char *iana)
{
	char name[80], plain[80];
	const char *with = strstr(iana, "WITH_");
	if (!with)
		return false;
	snprintf(name, sizeof name, "%.*s%s", (int)(with - iana), iana, with + 5);
	snprintf(plain, sizeof plain, "%s", name);
	char *hash = strstr(plain, "_SHA");
	if (hash)
		*hash = '\0';
	for (size_t i = 0;; i++) {
		unsigned char id[2];
		const char *suite = gnutls_cipher_suite_info(i, id, NULL, NULL, NULL, NULL);
		if (!suite)
			return false;
		if (strcmp(suite, name) == 0 || strcmp(suite, plain) == 0)
			return true;
	}
}

static void dashes(char *text)
{
	for (; *text; text++)
		*text = *text == '_' ? '-' : *text;
}

/* TLS_KX_WITH_CIPHER[_SHAn]: its two halves, dashed, are the priority string's words. */
static enum status set_priority(const char *iana)
{
	char kx[40], cipher[40], text[240];
	const char *with = strstr(iana, "_WITH_");
	if (!known_suite(iana))
		return peer_cannot("GnuTLS has no suite %s", iana);
	snprintf(kx, sizeof kx, "%.*s", (int)(with - iana - 4), iana + 4);
	snprintf(cipher, sizeof cipher, "%s", with + 6);
	char *hash = strstr(cipher, "_SHA");
	if (hash)
		*hash = '\0';
	dashes(kx);
	dashes(cipher);
	snprintf(text, sizeof text, "NONE:+VERS-DTLS1.2:+COMP-NULL:+%s:+%s:+AEAD:+SIGN-ALL:+GROUP-ALL:+CTYPE-X509%s",
		 kx, cipher, options->resume == RESUME_ID ? ":%NO_TICKETS" : "");
	int error = gnutls_priority_init(&priority, text, NULL);
	return error == 0 ? PEER_OK : fail(text, error);
}

static int psk_key(gnutls_session_t s, const char *identity, gnutls_datum_t *key)
{
	(void)s;
	if (strcmp(identity, options->psk_identity) != 0)
		return -1;
	key->data = gnutls_malloc(options->psk_len);
	key->size = (unsigned int)options->psk_len;
	memcpy(key->data, options->psk, options->psk_len);
	return 0;
}

static enum status set_credentials(void)
{
	int error = gnutls_certificate_allocate_credentials(&certificates);
	if (options->cert && error >= 0)
		error = gnutls_certificate_set_x509_key_file(certificates, options->cert, options->key,
							     GNUTLS_X509_FMT_PEM);
	if (options->ca && error >= 0)
		error = gnutls_certificate_set_x509_trust_file(certificates, options->ca, GNUTLS_X509_FMT_PEM);
	if (options->psk_identity && error >= 0) {
		gnutls_datum_t key = {(unsigned char *)options->psk, (unsigned int)options->psk_len};
		gnutls_psk_allocate_server_credentials(&psk_server);
		gnutls_psk_set_server_credentials_function(psk_server, psk_key);
		gnutls_psk_allocate_client_credentials(&psk_client);
		error = gnutls_psk_set_client_credentials(psk_client, options->psk_identity, &key, GNUTLS_PSK_KEY_RAW);
	}
	return error >= 0 ? PEER_OK : fail("credentials", error);
}

static enum status setup(const struct options *given)
{
	options = given;
	gnutls_key_generate(&cookie_key, GNUTLS_COOKIE_KEY_SIZE);
	gnutls_session_ticket_key_generate(&ticket_key);
	enum status status = set_priority(given->suite);
	return status == PEER_OK ? set_credentials() : status;
}

/* ---- the server's sessions */

static bool equal(gnutls_datum_t a, gnutls_datum_t b)
{
	return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static gnutls_datum_t copy(gnutls_datum_t from)
{
	gnutls_datum_t to = {gnutls_malloc(from.size), from.size};
	memcpy(to.data, from.data, from.size);
	return to;
}

static int store(void *user, gnutls_datum_t id, gnutls_datum_t data)
{
	(void)user;
	if (num_sessions == SESSIONS_MAX)
		return -1;
	sessions[num_sessions].id = copy(id);
	sessions[num_sessions++].data = copy(data);
	return 0;
}

static gnutls_datum_t retrieve(void *user, gnutls_datum_t id)
{
	(void)user;
	for (size_t i = num_sessions; i-- > 0;) {
		if (equal(sessions[i].id, id))
			return copy(sessions[i].data);
	}
	return (gnutls_datum_t){0};
}

static int forget(void *user, gnutls_datum_t id)
{
	(void)user;
	for (size_t i = 0; i < num_sessions; i++) {
		if (equal(sessions[i].id, id))
			sessions[i].id.size = 0;
	}
	return 0;
}

/* ---- an association */

/* Answers ClientHellos with HelloVerifyRequest until one has the right cookie, which stays in first. */
static enum status exchange_cookie(struct link *link, gnutls_dtls_prestate_st *prestate)
{
	uint64_t end = peer_now_ms() + options->timeout_s * 1000;
	while (peer_now_ms() < end) {
		int n = link_recv(link, first, sizeof first, (int)(end - peer_now_ms()));
		if (n == LINK_REPLACED)
			return PEER_CLOSED;
		if (n < 0)
			break;
		if (gnutls_dtls_cookie_verify(&cookie_key, &link->peer, sizeof link->peer, first, (size_t)n,
					      prestate) == 0) {
			first_len = n;
			return PEER_OK;
		}
		gnutls_dtls_cookie_send(&cookie_key, &link->peer, sizeof link->peer, prestate, link, push);
	}
	return peer_failed("no ClientHello with the cookie came");
}

static void prepare_server(void)
{
	gnutls_certificate_server_set_request(session,
					      options->require_client_cert ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_IGNORE);
	if (options->require_client_cert)
		gnutls_session_set_verify_cert(session, NULL, 0);
	if (options->psk_identity)
		gnutls_credentials_set(session, GNUTLS_CRD_PSK, psk_server);
	if (options->resume != RESUME_ID)
		gnutls_session_ticket_enable_server(session, &ticket_key);
	if (options->resume != RESUME_TICKET) {
		gnutls_db_set_store_function(session, store);
		gnutls_db_set_retrieve_function(session, retrieve);
		gnutls_db_set_remove_function(session, forget);
	}
}

static void prepare_client(void)
{
	gnutls_server_name_set(session, GNUTLS_NAME_DNS, options->name, strlen(options->name));
	if (options->ca)
		gnutls_session_set_verify_cert(session, options->name, 0);
	if (options->psk_identity)
		gnutls_credentials_set(session, GNUTLS_CRD_PSK, psk_client);
	if (saved.data)
		gnutls_session_set_data(session, saved.data, saved.size);
}

static enum status handshake(struct link *link, bool *resumed)
{
	gnutls_dtls_prestate_st prestate = {0};
	bool cookie = options->server && options->cookie;
	link_now = link;
	first_len = -1;
	if (cookie) {
		enum status status = exchange_cookie(link, &prestate);
		if (status != PEER_OK)
			return status;
	}
	gnutls_init(&session, (options->server ? GNUTLS_SERVER : GNUTLS_CLIENT) | GNUTLS_DATAGRAM);
	if (cookie)
		gnutls_dtls_prestate_set(session, &prestate);
	gnutls_priority_set(session, priority);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, certificates);
	(options->server ? prepare_server : prepare_client)();
	gnutls_transport_set_ptr(session, link);
	gnutls_transport_set_push_function(session, push);
	gnutls_transport_set_pull_function(session, pull);
	gnutls_transport_set_pull_timeout_function(session, pull_wait);
	gnutls_dtls_set_mtu(session, options->mtu);
	gnutls_handshake_set_timeout(session, options->timeout_s * 1000);
	int error;
	do {
		error = gnutls_handshake(session);
	} while (error < 0 && !gnutls_error_is_fatal(error) && !link->replaced);
	if (link->replaced)
		return PEER_CLOSED;
	if (error < 0) {
		gnutls_alert_send_appropriate(session, error);
		return fail("handshake", error);
	}
	*resumed = gnutls_session_is_resumed(session) != 0;
	return PEER_OK;
}

static enum status send_record(const void *data, size_t len)
{
	ssize_t n = gnutls_record_send(session, data, len);
	return n == (ssize_t)len ? PEER_OK : fail("write", (int)n);
}

static enum status recv_record(void *data, size_t cap, size_t *len, int timeout_ms)
{
	uint64_t now = peer_now_ms(), end = now + (uint64_t)timeout_ms;
	for (; now < end; now = peer_now_ms()) {
		gnutls_record_set_timeout(session, (unsigned int)(end - now));
		ssize_t n = gnutls_record_recv(session, data, cap);
		if (link_now->replaced || n == 0)
			return PEER_CLOSED;
		if (n > 0) {
			*len = (size_t)n;
			return PEER_OK;
		}
		if (n != GNUTLS_E_TIMEDOUT && gnutls_error_is_fatal((int)n))
			return fail("read", (int)n);
	}
	return PEER_TIMEOUT;
}

static void close_association(void)
{
	if (!session)
		return;
	gnutls_bye(session, GNUTLS_SHUT_WR);
	if (!options->server && options->resume != RESUME_NONE && !saved.data)
		gnutls_session_get_data2(session, &saved);
	gnutls_deinit(session);
	session = NULL;
}

static const char *version(void)
{
	return gnutls_check_version(NULL);
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
