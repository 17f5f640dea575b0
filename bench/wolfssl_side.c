/* wolfSSL over letters of two mailboxes; DTLS 1.3 where it was built with it: Debian does from 5.9 on. */
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include <stdlib.h>
#include <string.h>

#include "bench.h"

struct wolfssl_context {
	const struct scenario *scenario;
	enum side side;
	WOLFSSL_CTX *ctx;
	WOLFSSL_SESSION *session; /* client: NULL none */
};

struct wolfssl_conn {
	const struct scenario *scenario;
	enum side side;
	WOLFSSL *ssl;
	struct mailbox *in, *out;
	bool connected;
	int seconds; /* the timeout that runs, and since when */
	uint64_t since;
};

/* In DTLS 1.2 with a certificate only; its server always asks for a cookie. */
static bool can(const struct scenario *s)
{
#ifdef WOLFSSL_DTLS13
	if (s->dtls13)
		return true;
#endif
	return !s->dtls13 && s->certificate && !s->ticket;
}

static int letter_write(WOLFSSL *ssl, char *data, int n, void *user)
{
	struct wolfssl_conn *c = user;
	struct letter *l = &c->out->letters[c->out->num];
	(void)ssl;
	if (n < 0 || c->out->num == MAILBOX_MAX || (size_t)n > sizeof l->bytes)
		return WOLFSSL_CBIO_ERR_GENERAL;
	memcpy(l->bytes, data, (size_t)n);
	l->n = (size_t)n;
	c->out->num++;
	return n;
}

static int letter_read(WOLFSSL *ssl, char *out, int cap, void *user)
{
	struct wolfssl_conn *c = user;
	struct letter *l = &c->in->letters[c->in->at];
	(void)ssl;
	if (c->in->at == c->in->num)
		return WOLFSSL_CBIO_ERR_WANT_READ;
	if (cap < 0 || (size_t)cap < l->n)
		return WOLFSSL_CBIO_ERR_GENERAL;
	memcpy(out, l->bytes, l->n);
	c->in->at++;
	return (int)l->n;
}

/* ---- contexts ---- */

static const char *suite_name(const struct scenario *s)
{
	static const char *const names[] = {"TLS13-AES128-GCM-SHA256", "TLS13-CHACHA20-POLY1305-SHA256",
					    "TLS13-AES128-CCM-8-SHA256"};
	return s->dtls13 ? names[s->aead] : s->openssl_suite;
}

#ifdef WOLFSSL_DTLS13
static unsigned psk_client(WOLFSSL *ssl, const char *hint, char *name, unsigned name_cap, unsigned char *key,
			   unsigned cap, const char **suite)
{
	const struct wolfssl_conn *c = wolfSSL_GetIOReadCtx(ssl);
	(void)hint;
	if (name_cap <= strlen(BENCH_PSK_IDENTITY) || cap < sizeof bench_psk)
		return 0;
	strcpy(name, BENCH_PSK_IDENTITY);
	memcpy(key, bench_psk, sizeof bench_psk);
	*suite = suite_name(c->scenario);
	return sizeof bench_psk;
}

static unsigned psk_server(WOLFSSL *ssl, const char *name, unsigned char *key, unsigned cap, const char **suite)
{
	const struct wolfssl_conn *c = wolfSSL_GetIOReadCtx(ssl);
	if (strcmp(name, BENCH_PSK_IDENTITY) != 0 || cap < sizeof bench_psk)
		return 0;
	memcpy(key, bench_psk, sizeof bench_psk);
	*suite = suite_name(c->scenario);
	return sizeof bench_psk;
}

static bool set_psk(WOLFSSL_CTX *ctx, const struct scenario *s)
{
	wolfSSL_CTX_set_psk_client_tls13_callback(ctx, psk_client);
	wolfSSL_CTX_set_psk_server_tls13_callback(ctx, psk_server);
	return s->exchange != EXCHANGE_NONE || wolfSSL_CTX_no_dhe_psk(ctx) == 0;
}
#else
static bool set_psk(WOLFSSL_CTX *ctx, const struct scenario *s)
{
	(void)ctx;
	(void)s;
	return false;
}
#endif

static bool set_credentials(WOLFSSL_CTX *ctx, const struct scenario *s, enum side side)
{
	if (!s->certificate)
		return set_psk(ctx, s);
	if (side == CLIENT_SIDE) {
		wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_PEER, NULL);
		return wolfSSL_CTX_load_verify_buffer(ctx, (uint8_t *)identity.ca, (long)identity.ca_len,
						      WOLFSSL_FILETYPE_PEM) == WOLFSSL_SUCCESS;
	}
	return wolfSSL_CTX_use_certificate_chain_buffer(ctx, (uint8_t *)identity.cert, (long)identity.cert_len) ==
		       WOLFSSL_SUCCESS &&
	       wolfSSL_CTX_use_PrivateKey_buffer(ctx, (uint8_t *)identity.key, (long)identity.key_len,
						 WOLFSSL_FILETYPE_PEM) == WOLFSSL_SUCCESS;
}

static bool set_group(WOLFSSL_CTX *ctx, const struct scenario *s, enum side side)
{
	int group = s->exchange == EXCHANGE_X25519 ? WOLFSSL_ECC_X25519 : WOLFSSL_ECC_SECP256R1;
#ifdef WOLFSSL_DTLS13
	if (s->dtls13)
		return wolfSSL_CTX_set_groups(ctx, &group, 1) == WOLFSSL_SUCCESS;
#endif
	return side == SERVER_SIDE || wolfSSL_CTX_UseSupportedCurve(ctx, (unsigned short)group) == WOLFSSL_SUCCESS;
}

static bool configure(WOLFSSL_CTX *ctx, const struct scenario *s, enum side side)
{
	wolfSSL_CTX_SetIORecv(ctx, letter_read);
	wolfSSL_CTX_SetIOSend(ctx, letter_write);
	wolfSSL_CTX_set_session_cache_mode(ctx, WOLFSSL_SESS_CACHE_OFF);
#ifdef WOLFSSL_DTLS13
	if (s->dtls13 && !s->ticket && side == SERVER_SIDE && wolfSSL_CTX_no_ticket_TLSv13(ctx) != 0)
		return false;
#endif
#ifdef WOLFSSL_DTLS_MTU /* else its own, which is the same */
	if (wolfSSL_CTX_dtls_set_mtu(ctx, BENCH_MTU) != WOLFSSL_SUCCESS)
		return false;
#endif
	return wolfSSL_CTX_set_cipher_list(ctx, suite_name(s)) == WOLFSSL_SUCCESS && set_group(ctx, s, side) &&
	       set_credentials(ctx, s, side);
}

static void context_free(void *p)
{
	struct wolfssl_context *context = p;
	wolfSSL_SESSION_free(context->session);
	wolfSSL_CTX_free(context->ctx);
	free(context);
}

static WOLFSSL_METHOD *method(const struct scenario *s, enum side side)
{
#ifdef WOLFSSL_DTLS13
	if (s->dtls13)
		return side == SERVER_SIDE ? wolfDTLSv1_3_server_method() : wolfDTLSv1_3_client_method();
#endif
	(void)s;
	return side == SERVER_SIDE ? wolfDTLSv1_2_server_method() : wolfDTLSv1_2_client_method();
}

static void *context_new(const struct scenario *s, enum side side)
{
	struct wolfssl_context *context = calloc(1, sizeof *context);
	if (!context || wolfSSL_Init() != WOLFSSL_SUCCESS)
		bench_die("wolfSSL_Init");
	context->scenario = s;
	context->side = side;
	context->ctx = wolfSSL_CTX_new(method(s, side));
	if (context->ctx && configure(context->ctx, s, side))
		return context;
	context_free(context);
	return NULL;
}

/* ---- connections ---- */

static bool prepare_client(const struct wolfssl_context *context, WOLFSSL *ssl)
{
	const struct scenario *s = context->scenario;
	if (context->session && wolfSSL_set_session(ssl, context->session) != WOLFSSL_SUCCESS)
		return false;
	return !s->certificate || (wolfSSL_check_domain_name(ssl, BENCH_NAME) == WOLFSSL_SUCCESS &&
				   wolfSSL_UseSNI(ssl, WOLFSSL_SNI_HOST_NAME, BENCH_NAME,
						  (unsigned short)strlen(BENCH_NAME)) == WOLFSSL_SUCCESS);
}

/* Tern's server does without a cookie here, since tern_listen is not measured: wolfSSL's too, where it can (see can).
 */
static bool prepare_server(const struct wolfssl_context *context, WOLFSSL *ssl)
{
	static char client[] = "client"; /* the cookie is made of it */
#ifdef WOLFSSL_DTLS13
	if (context->scenario->dtls13 && !context->scenario->cookie)
		return wolfSSL_disable_hrr_cookie(ssl) == WOLFSSL_SUCCESS;
#endif
	(void)context;
	return wolfSSL_dtls_set_peer(ssl, client, sizeof client) == WOLFSSL_SUCCESS;
}

static void *conn_new(void *p, struct mailbox *in, struct mailbox *out)
{
	struct wolfssl_context *context = p;
	struct wolfssl_conn *c = malloc(sizeof *c);
	WOLFSSL *ssl = wolfSSL_new(context->ctx);
	bool ok;
	if (!c || !ssl)
		bench_die("out of memory");
	*c = (struct wolfssl_conn){
		.scenario = context->scenario, .side = context->side, .ssl = ssl, .in = in, .out = out};
	wolfSSL_SetIOReadCtx(ssl, c);
	wolfSSL_SetIOWriteCtx(ssl, c);
	wolfSSL_dtls_set_using_nonblock(ssl, 1);
#ifdef HAVE_ECH
	wolfSSL_SetEchEnable(ssl, 0);
#endif
	ok = context->side == SERVER_SIDE ? prepare_server(context, ssl) : prepare_client(context, ssl);
	return ok ? c : NULL;
}

static bool only_waits(WOLFSSL *ssl, int result)
{
	int error = wolfSSL_get_error(ssl, result);
	return error == WOLFSSL_ERROR_WANT_READ;
}

/* What comes after the handshake is taken by reading. */
static enum progress step(void *p)
{
	struct wolfssl_conn *c = p;
	uint8_t data[16];
	int result;
	if (!c->connected) {
		result = wolfSSL_negotiate(c->ssl);
		c->connected = result == WOLFSSL_SUCCESS;
		if (!c->connected)
			return only_waits(c->ssl, result) ? PROGRESS_WAITS : PROGRESS_FAILED;
	}
	while (c->in->at < c->in->num) {
		result = wolfSSL_read(c->ssl, data, sizeof data);
		if (result > 0 || !only_waits(c->ssl, result))
			return PROGRESS_FAILED;
	}
	return PROGRESS_DONE;
}

/* The application keeps the time: from the last timeout on, or from when another was set. */
static uint64_t deadline(void *p)
{
	struct wolfssl_conn *c = p;
	int seconds = wolfSSL_dtls_get_current_timeout(c->ssl);
	uint64_t ns = (uint64_t)seconds * 1000000000;
	if (c->connected && !c->scenario->dtls13) /* what is last is repeated when the peer repeats */
		return UINT64_MAX;
	if (seconds != c->seconds || c->since == 0) {
		c->seconds = seconds;
		c->since = bench_now().mono_ns;
	}
#ifdef WOLFSSL_DTLS13
	if (wolfSSL_dtls13_use_quick_timeout(c->ssl))
		ns /= 4;
#endif
	return c->since + ns;
}

static enum progress timeout(void *p)
{
	struct wolfssl_conn *c = p;
	c->since = 0;
	return wolfSSL_dtls_got_timeout(c->ssl) == WOLFSSL_SUCCESS ? PROGRESS_WAITS : PROGRESS_FAILED;
}

static bool resumed(void *p)
{
	return wolfSSL_session_reused(((struct wolfssl_conn *)p)->ssl) == 1;
}

static bool keep_session(void *p, void *q)
{
	struct wolfssl_context *context = p;
	context->session = wolfSSL_get1_session(((struct wolfssl_conn *)q)->ssl);
	return context->session != NULL;
}

static bool seal(void *p, const uint8_t *data, size_t n)
{
	return wolfSSL_write(((struct wolfssl_conn *)p)->ssl, data, (int)n) == (int)n;
}

static bool open_record(void *p, size_t n)
{
	uint8_t data[BENCH_MTU];
	return wolfSSL_read(((struct wolfssl_conn *)p)->ssl, data, sizeof data) == (int)n;
}

static void conn_free(void *p)
{
	struct wolfssl_conn *c = p;
	wolfSSL_free(c->ssl);
	free(c);
}

static const char *version(void)
{
	return wolfSSL_lib_version();
}

const struct implementation wolfssl_implementation = {
	.name = "wolfssl",
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
