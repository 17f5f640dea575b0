/* libssl over a BIO of our own whose datagrams are the letters of two mailboxes. */
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "bench.h"

struct openssl_context {
	const struct scenario *scenario;
	enum side side;
	SSL_CTX *ctx;
	BIO_METHOD *method;
	SSL_SESSION *session; /* client: NULL none */
};

struct openssl_conn {
	SSL *ssl;
	struct mailbox *in, *out;
};

/* ---- the BIO ---- */

static int letter_write(BIO *bio, const char *data, int n)
{
	struct openssl_conn *c = BIO_get_data(bio);
	struct letter *l = &c->out->letters[c->out->num];
	if (n < 0 || c->out->num == MAILBOX_MAX || (size_t)n > sizeof l->bytes)
		return -1;
	memcpy(l->bytes, data, (size_t)n);
	l->n = (size_t)n;
	c->out->num++;
	return n;
}

static int letter_read(BIO *bio, char *out, int cap)
{
	struct openssl_conn *c = BIO_get_data(bio);
	struct letter *l = &c->in->letters[c->in->at];
	BIO_clear_retry_flags(bio);
	if (c->in->at == c->in->num) {
		BIO_set_retry_read(bio);
		return -1;
	}
	if (cap < 0 || (size_t)cap < l->n)
		return -1;
	memcpy(out, l->bytes, l->n);
	c->in->at++;
	return (int)l->n;
}

static long letter_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

static int letter_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

static BIO_METHOD *letter_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "letters");
	if (!m || !BIO_meth_set_write(m, letter_write) || !BIO_meth_set_read(m, letter_read) ||
	    !BIO_meth_set_ctrl(m, letter_ctrl) || !BIO_meth_set_create(m, letter_create))
		bench_die("BIO_meth_new");
	return m;
}

/* ---- contexts ---- */

static unsigned psk_client(SSL *ssl, const char *hint, char *name, unsigned name_cap, unsigned char *key, unsigned cap)
{
	(void)ssl;
	(void)hint;
	if (name_cap <= strlen(BENCH_PSK_IDENTITY) || cap < sizeof bench_psk)
		return 0;
	strcpy(name, BENCH_PSK_IDENTITY);
	memcpy(key, bench_psk, sizeof bench_psk);
	return sizeof bench_psk;
}

static unsigned psk_server(SSL *ssl, const char *name, unsigned char *key, unsigned cap)
{
	(void)ssl;
	if (strcmp(name, BENCH_PSK_IDENTITY) != 0 || cap < sizeof bench_psk)
		return 0;
	memcpy(key, bench_psk, sizeof bench_psk);
	return sizeof bench_psk;
}

static X509 *read_certificate(const char *pem, size_t n)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)n);
	X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	BIO_free(bio);
	return x;
}

static bool set_keypair(SSL_CTX *ctx)
{
	BIO *bio = BIO_new_mem_buf(identity.key, (int)identity.key_len);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
	X509 *cert = read_certificate(identity.cert, identity.cert_len);
	bool ok = key && cert && SSL_CTX_use_certificate(ctx, cert) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1;
	X509_free(cert);
	EVP_PKEY_free(key);
	BIO_free(bio);
	return ok;
}

static bool set_trust(SSL_CTX *ctx)
{
	X509 *ca = read_certificate(identity.ca, identity.ca_len);
	bool ok = ca && X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca) == 1;
	X509_free(ca);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return ok;
}

static bool set_credentials(SSL_CTX *ctx, const struct scenario *s, enum side side)
{
	if (s->certificate)
		return side == CLIENT_SIDE ? set_trust(ctx) : set_keypair(ctx);
	SSL_CTX_set_psk_client_callback(ctx, psk_client);
	SSL_CTX_set_psk_server_callback(ctx, psk_server);
	return true;
}

/* One client, one cookie: the exchange is what counts here. */
static int make_cookie(SSL *ssl, unsigned char *cookie, unsigned *len)
{
	(void)ssl;
	memcpy(cookie, bench_psk, *len = sizeof bench_psk);
	return 1;
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, unsigned len)
{
	(void)ssl;
	return len == sizeof bench_psk && memcmp(cookie, bench_psk, len) == 0;
}

/* P-256 stays in the list: a certificate's curve must be one that the client names (RFC 8422 5.1). */
static bool configure(SSL_CTX *ctx, const struct scenario *s, enum side side)
{
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | (s->ticket ? 0 : SSL_OP_NO_TICKET) |
					 (s->cookie ? SSL_OP_COOKIE_EXCHANGE : 0));
	SSL_CTX_set_cookie_generate_cb(ctx, make_cookie);
	SSL_CTX_set_cookie_verify_cb(ctx, check_cookie);
	return SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(ctx, s->openssl_suite) == 1 &&
	       SSL_CTX_set1_groups_list(ctx, s->exchange == EXCHANGE_X25519 ? "X25519:P-256" : "P-256") == 1 &&
	       set_credentials(ctx, s, side);
}

static void context_free(void *p)
{
	struct openssl_context *context = p;
	SSL_SESSION_free(context->session);
	SSL_CTX_free(context->ctx);
	BIO_meth_free(context->method);
	free(context);
}

static void *context_new(const struct scenario *s, enum side side)
{
	struct openssl_context *context = calloc(1, sizeof *context);
	if (!context)
		return NULL;
	context->scenario = s;
	context->side = side;
	context->method = letter_method();
	context->ctx = SSL_CTX_new(DTLS_method());
	if (context->ctx && configure(context->ctx, s, side))
		return context;
	ERR_print_errors_fp(stderr);
	context_free(context);
	return NULL;
}

struct ssl_ctx_st *openssl_side_ctx(void *context)
{
	return ((struct openssl_context *)context)->ctx;
}

/* ---- connections ---- */

static bool prepare_client(const struct openssl_context *context, SSL *ssl)
{
	SSL_set_connect_state(ssl);
	if (context->session && SSL_set_session(ssl, context->session) != 1)
		return false;
	return !context->scenario->certificate ||
	       (SSL_set1_host(ssl, BENCH_NAME) == 1 && SSL_set_tlsext_host_name(ssl, BENCH_NAME) == 1);
}

static void *conn_new(void *p, struct mailbox *in, struct mailbox *out)
{
	struct openssl_context *context = p;
	struct openssl_conn *c = malloc(sizeof *c);
	BIO *bio = BIO_new(context->method);
	SSL *ssl = SSL_new(context->ctx);
	if (!c || !bio || !ssl)
		bench_die("out of memory");
	*c = (struct openssl_conn){ssl, in, out};
	BIO_set_data(bio, c);
	SSL_set_bio(c->ssl, bio, bio);
	SSL_set_mtu(c->ssl, BENCH_MTU);
	if (context->side == SERVER_SIDE)
		SSL_set_accept_state(c->ssl);
	else if (!prepare_client(context, c->ssl))
		return NULL;
	return c;
}

/* What a done peer repeats is answered by reading. */
static enum progress step(void *p)
{
	struct openssl_conn *c = p;
	int result = SSL_do_handshake(c->ssl);
	uint8_t data[16];
	if (result == 1 && c->in->at < c->in->num && SSL_read(c->ssl, data, sizeof data) > 0)
		return PROGRESS_FAILED;
	if (result == 1)
		return PROGRESS_DONE;
	return SSL_get_error(c->ssl, result) == SSL_ERROR_WANT_READ ? PROGRESS_WAITS : PROGRESS_FAILED;
}

static uint64_t deadline(void *p)
{
	struct timeval left;
	if (DTLSv1_get_timeout(((struct openssl_conn *)p)->ssl, &left) != 1)
		return UINT64_MAX;
	return bench_now().mono_ns + (uint64_t)left.tv_sec * 1000000000 + (uint64_t)left.tv_usec * 1000;
}

static enum progress timeout(void *p)
{
	return DTLSv1_handle_timeout(((struct openssl_conn *)p)->ssl) >= 0 ? PROGRESS_WAITS : PROGRESS_FAILED;
}

static bool resumed(void *p)
{
	return SSL_session_reused(((struct openssl_conn *)p)->ssl) == 1;
}

static bool keep_session(void *p, void *q)
{
	struct openssl_context *context = p;
	context->session = SSL_get1_session(((struct openssl_conn *)q)->ssl);
	return context->session != NULL;
}

static bool seal(void *p, const uint8_t *data, size_t n)
{
	return SSL_write(((struct openssl_conn *)p)->ssl, data, (int)n) == (int)n;
}

static bool open_record(void *p, size_t n)
{
	uint8_t data[BENCH_MTU];
	return SSL_read(((struct openssl_conn *)p)->ssl, data, sizeof data) == (int)n;
}

/* Without the flags libssl would take the connection for broken off and spoil its session. */
static void conn_free(void *p)
{
	struct openssl_conn *c = p;
	SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(c->ssl);
	free(c);
}

static bool can(const struct scenario *s)
{
	return s->openssl_suite != NULL;
}

static const char *version(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}

const struct implementation openssl_implementation = {
	.name = "openssl",
	.version = version,
	.context_new = context_new,
	.context_free = context_free,
	.conn_new = conn_new,
	.step = step,
	.resumed = resumed,
	.keep_session = keep_session,
	.seal = seal,
	.open = open_record,
	.conn_free = conn_free,
	.can = can,
	.deadline = deadline,
	.timeout = timeout,
};
