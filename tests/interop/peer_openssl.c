/* A peer over OpenSSL's libssl. The BIO is ours, so that the link decides whose datagrams are read. */
#include "peer.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/time.h>

static const struct options *options;
static SSL_CTX *context;
static SSL *ssl;
static SSL_SESSION *session;
static BIO_METHOD *bio_method;
static uint8_t cookie_secret[16];

static enum status fail(const char *what)
{
	char reason[160] = "no reason given";
	if (ERR_peek_error())
		ERR_error_string_n(ERR_peek_error(), reason, sizeof reason);
	ERR_clear_error();
	return peer_failed("%s: %s", what, reason);
}

/* ---- the datagram BIO: it never waits */

static int bio_write(BIO *bio, const char *datagram, int len)
{
	link_send(BIO_get_data(bio), datagram, (size_t)len);
	return len;
}

static int bio_read(BIO *bio, char *datagram, int cap)
{
	int n = link_recv(BIO_get_data(bio), datagram, (size_t)cap, 0);
	BIO_clear_retry_flags(bio);
	if (n >= 0)
		return n;
	if (n == LINK_TIMEOUT)
		BIO_set_retry_read(bio);
	return -1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	/* 28 bytes are IPv4's and UDP's; the MTU itself is set by SSL_set_mtu */
	return command == BIO_CTRL_FLUSH ? 1 : command == BIO_CTRL_DGRAM_GET_MTU_OVERHEAD ? 28 : 0;
}

static int bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

static BIO *bio_of(struct link *link)
{
	if (!bio_method) {
		bio_method = BIO_meth_new(BIO_TYPE_DGRAM, "link");
		BIO_meth_set_write(bio_method, bio_write);
		BIO_meth_set_read(bio_method, bio_read);
		BIO_meth_set_ctrl(bio_method, bio_ctrl);
		BIO_meth_set_create(bio_method, bio_create);
	}
	BIO *bio = BIO_new(bio_method);
	BIO_set_data(bio, link);
	return bio;
}

/* ---- set-up */

static int cookie_make(SSL *s, unsigned char *cookie, unsigned int *len)
{
	(void)s;
	memcpy(cookie, cookie_secret, sizeof cookie_secret);
	*len = sizeof cookie_secret;
	return 1;
}

static int cookie_check(SSL *s, const unsigned char *cookie, unsigned int len)
{
	(void)s;
	return len == sizeof cookie_secret && memcmp(cookie, cookie_secret, len) == 0;
}

static unsigned int psk_client(SSL *s, const char *hint, char *identity, unsigned int identity_cap, unsigned char *psk,
			       unsigned int psk_cap)
{
	(void)s;
	(void)hint;
	if (strlen(options->psk_identity) >= identity_cap || options->psk_len > psk_cap)
		return 0;
	strcpy(identity, options->psk_identity);
	memcpy(psk, options->psk, options->psk_len);
	return (unsigned int)options->psk_len;
}

static unsigned int psk_server(SSL *s, const char *identity, unsigned char *psk, unsigned int psk_cap)
{
	(void)s;
	if (strcmp(identity, options->psk_identity) != 0 || options->psk_len > psk_cap)
		return 0;
	memcpy(psk, options->psk, options->psk_len);
	return (unsigned int)options->psk_len;
}

static enum status set_credentials(void)
{
	if (options->cert && (SSL_CTX_use_certificate_chain_file(context, options->cert) != 1 ||
			      SSL_CTX_use_PrivateKey_file(context, options->key, SSL_FILETYPE_PEM) != 1))
		return fail("certificate and key");
	if (options->ca && SSL_CTX_load_verify_locations(context, options->ca, NULL) != 1)
		return fail("CA");
	if (!options->server && options->ca)
		SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	if (options->require_client_cert)
		SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	if (options->psk_identity) {
		SSL_CTX_set_psk_client_callback(context, psk_client);
		SSL_CTX_set_psk_server_callback(context, psk_server);
	}
	return PEER_OK;
}

static enum status setup(const struct options *given)
{
	options = given;
	context = SSL_CTX_new(given->server ? DTLS_server_method() : DTLS_client_method());
	SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION);
	SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION);
	const char *suite = OPENSSL_cipher_name(given->suite);
	if (!suite || strcmp(suite, "(NONE)") == 0 || SSL_CTX_set_cipher_list(context, suite) != 1) {
		ERR_clear_error();
		return peer_cannot("OpenSSL has no suite %s", given->suite);
	}
	/* CCM-8 is below security level 1 in newer releases */
	SSL_CTX_set_security_level(context, 0);
	if (given->server && given->cookie) {
		RAND_bytes(cookie_secret, sizeof cookie_secret);
		SSL_CTX_set_cookie_generate_cb(context, cookie_make);
		SSL_CTX_set_cookie_verify_cb(context, cookie_check);
		SSL_CTX_set_options(context, SSL_OP_COOKIE_EXCHANGE);
	}
	SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU);
	SSL_CTX_set_session_id_context(context, (const unsigned char *)"peer", 4);
	if (given->resume == RESUME_ID)
		SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(context, given->resume == RESUME_TICKET && given->server ? SSL_SESS_CACHE_OFF
												: SSL_SESS_CACHE_BOTH);
	return set_credentials();
}

/* ---- an association */

/* Waits for the next datagram, for the library's timer, or for the caller's patience, which ends at end_ms. */
static enum status wait_for_more(uint64_t end_ms)
{
	struct link *link = BIO_get_data(SSL_get_rbio(ssl));
	struct timeval left;
	uint64_t now = peer_now_ms();
	if (now >= end_ms)
		return PEER_TIMEOUT;
	uint64_t wait = end_ms - now;
	if (DTLSv1_get_timeout(ssl, &left)) {
		uint64_t timer = (uint64_t)left.tv_sec * 1000 + (uint64_t)left.tv_usec / 1000 + 1;
		wait = timer < wait ? timer : wait;
	}
	link_peek(link, (int)wait);
	return DTLSv1_handle_timeout(ssl) < 0 ? fail("timer") : PEER_OK;
}

/* What to do after a call returned n: PEER_OK means call again. */
static enum status again(int n, uint64_t end_ms)
{
	const struct link *link = BIO_get_data(SSL_get_rbio(ssl));
	int error = SSL_get_error(ssl, n);
	if (link->replaced || error == SSL_ERROR_ZERO_RETURN)
		return PEER_CLOSED;
	if (error != SSL_ERROR_WANT_READ)
		return fail("connection");
	return wait_for_more(end_ms);
}

static enum status handshake(struct link *link, bool *resumed)
{
	BIO *bio = bio_of(link);
	uint64_t end = peer_now_ms() + options->timeout_s * 1000;
	ssl = SSL_new(context);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_mtu(ssl, options->mtu);
	if (options->server) {
		SSL_set_accept_state(ssl);
	} else {
		SSL_set_connect_state(ssl);
		SSL_set_tlsext_host_name(ssl, options->name);
		SSL_set1_host(ssl, options->name);
		if (session)
			SSL_set_session(ssl, session);
	}
	for (;;) {
		int n = SSL_do_handshake(ssl);
		if (n == 1)
			break;
		enum status status = again(n, end);
		if (status != PEER_OK)
			return status == PEER_TIMEOUT ? peer_failed("the handshake took too long") : status;
	}
	*resumed = SSL_session_reused(ssl);
	return PEER_OK;
}

static enum status send_record(const void *data, size_t len)
{
	return SSL_write(ssl, data, (int)len) == (int)len ? PEER_OK : fail("write");
}

static enum status recv_record(void *data, size_t cap, size_t *len, int timeout_ms)
{
	uint64_t end = peer_now_ms() + (uint64_t)timeout_ms;
	for (;;) {
		int n = SSL_read(ssl, data, (int)cap);
		if (n > 0) {
			*len = (size_t)n;
			return PEER_OK;
		}
		enum status status = again(n, end);
		if (status != PEER_OK)
			return status;
	}
}

static void close_association(void)
{
	if (!ssl)
		return;
	if (SSL_is_init_finished(ssl)) {
		SSL_shutdown(ssl);
		if (!options->server && options->resume != RESUME_NONE) {
			SSL_SESSION_free(session);
			session = SSL_get1_session(ssl);
		}
	}
	ERR_clear_error();
	SSL_free(ssl);
	ssl = NULL;
}

static const char *version(void)
{
	return OpenSSL_version(OPENSSL_VERSION_STRING);
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
