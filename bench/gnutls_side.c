/* GnuTLS's DTLS 1.2 with a certificate, over letters of two mailboxes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/dtls.h>
#include <gnutls/gnutls.h>

#include "bench.h"

struct gnutls_context {
	enum side side;
	bool cookie;
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priority;
};

struct gnutls_conn {
	gnutls_session_t session;
	struct mailbox *in, *out;
	uint64_t due_ns;
	bool begun, cookie_awaited, connected;
};

static bool can(const struct scenario *s)
{
	return !s->dtls13 && s->certificate && !s->ticket;
}

static ssize_t letter_write(gnutls_transport_ptr_t user, const void *data, size_t n)
{
	struct gnutls_conn *c = user;
	struct letter *l = &c->out->letters[c->out->num];
	if (c->out->num == MAILBOX_MAX || n > sizeof l->bytes)
		return -1;
	memcpy(l->bytes, data, n);
	l->n = n;
	c->out->num++;
	return (ssize_t)n;
}

static ssize_t letter_read(gnutls_transport_ptr_t user, void *out, size_t cap)
{
	struct gnutls_conn *c = user;
	struct letter *l = &c->in->letters[c->in->at];
	if (c->in->at == c->in->num || cap < l->n) {
		gnutls_transport_set_errno(c->session, EAGAIN);
		return -1;
	}
	memcpy(out, l->bytes, l->n);
	c->in->at++;
	return (ssize_t)l->n;
}

static int has_letter(gnutls_transport_ptr_t user, unsigned ms)
{
	struct gnutls_conn *c = user;
	(void)ms;
	return c->in->at < c->in->num;
}

static gnutls_datum_t datum(char *p, size_t n)
{
	return (gnutls_datum_t){(unsigned char *)p, (unsigned)n};
}

static bool set_credentials(struct gnutls_context *context)
{
	gnutls_datum_t ca = datum(identity.ca, identity.ca_len), cert = datum(identity.cert, identity.cert_len),
		       key = datum(identity.key, identity.key_len);
	if (context->side == CLIENT_SIDE)
		return gnutls_certificate_set_x509_trust_mem(context->credentials, &ca, GNUTLS_X509_FMT_PEM) == 1;
	return gnutls_certificate_set_x509_key_mem(context->credentials, &cert, &key, GNUTLS_X509_FMT_PEM) >= 0;
}

static void context_free(void *p)
{
	struct gnutls_context *context = p;
	gnutls_certificate_free_credentials(context->credentials);
	gnutls_priority_deinit(context->priority);
	free(context);
}

static void *context_new(const struct scenario *s, enum side side)
{
	static const char *const priorities[] = {
		[EXCHANGE_P256] = "NONE:+VERS-DTLS1.2:+ECDHE-ECDSA:+AES-128-GCM:+AEAD:+SIGN-ECDSA-SHA256:"
				  "+GROUP-SECP256R1:+CTYPE-X509:+COMP-NULL",
		[EXCHANGE_X25519] = "NONE:+VERS-DTLS1.2:+ECDHE-ECDSA:+AES-128-GCM:+AEAD:+SIGN-ECDSA-SHA256:"
				    "+GROUP-X25519:+GROUP-SECP256R1:+CTYPE-X509:+COMP-NULL",
	};
	struct gnutls_context *context = calloc(1, sizeof *context);
	if (!context || gnutls_certificate_allocate_credentials(&context->credentials) != 0 ||
	    gnutls_priority_init(&context->priority, priorities[s->exchange], NULL) != 0)
		bench_die("gnutls_priority_init");
	context->side = side;
	context->cookie = s->cookie && side == SERVER_SIDE;
	if (set_credentials(context))
		return context;
	context_free(context);
	return NULL;
}

static void *conn_new(void *p, struct mailbox *in, struct mailbox *out)
{
	struct gnutls_context *context = p;
	struct gnutls_conn *c = malloc(sizeof *c);
	unsigned role = context->side == CLIENT_SIDE ? GNUTLS_CLIENT : GNUTLS_SERVER;
	gnutls_session_t session;
	bool ok;
	if (!c || gnutls_init(&session, role | GNUTLS_DATAGRAM | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS) != 0)
		bench_die("out of memory");
	*c = (struct gnutls_conn){.session = session, .in = in, .out = out, .cookie_awaited = context->cookie};
	c->begun = context->side == CLIENT_SIDE;
	ok = gnutls_priority_set(session, context->priority) == 0 &&
	     gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, context->credentials) == 0;
	gnutls_transport_set_ptr(session, c);
	gnutls_transport_set_push_function(session, letter_write);
	gnutls_transport_set_pull_function(session, letter_read);
	gnutls_transport_set_pull_timeout_function(session, has_letter);
	gnutls_dtls_set_mtu(session, BENCH_MTU);
	if (context->side == CLIENT_SIDE) {
		gnutls_session_set_verify_cert(session, BENCH_NAME, 0);
		ok = ok && gnutls_server_name_set(session, GNUTLS_NAME_DNS, BENCH_NAME, strlen(BENCH_NAME)) == 0;
	}
	return ok ? c : NULL;
}

static bool only_waits(ssize_t result)
{
	return result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED;
}

/* Asks for a cookie, or goes on with the hello that has brought it. */
static void await_cookie(struct gnutls_conn *c)
{
	static char client[] = "client";
	gnutls_datum_t key = {(unsigned char *)bench_psk, 16};
	gnutls_dtls_prestate_st state = {0};
	struct letter *l = &c->in->letters[c->in->at];
	if (c->in->at == c->in->num)
		return;
	if (gnutls_dtls_cookie_verify(&key, client, sizeof client, l->bytes, l->n, &state) < 0) {
		gnutls_dtls_cookie_send(&key, client, sizeof client, &state, c, letter_write);
		c->in->at++;
		return;
	}
	gnutls_dtls_prestate_set(c->session, &state);
	c->cookie_awaited = false;
}

/* Zero may also say that the move is the peer's: then it is asked again a little later. */
static void note_timeout(struct gnutls_conn *c)
{
	unsigned ms = gnutls_dtls_get_timeout(c->session);
	c->due_ns = bench_now().mono_ns + (ms ? ms + 1 : 10) * UINT64_C(1000000);
}

/* What a done peer repeats is answered by reading. */
static enum progress step(void *p)
{
	struct gnutls_conn *c = p;
	uint8_t data[16];
	int tries = MAILBOX_MAX, result;
	c->begun |= c->in->at < c->in->num;
	if (c->cookie_awaited)
		await_cookie(c);
	if (c->cookie_awaited)
		return PROGRESS_WAITS;
	while (!c->connected) {
		result = gnutls_handshake(c->session);
		c->connected = result == GNUTLS_E_SUCCESS;
		if (result < 0 && gnutls_error_is_fatal(result))
			return PROGRESS_FAILED;
		if (!c->connected && (c->in->at == c->in->num || tries-- == 0)) {
			note_timeout(c);
			return PROGRESS_WAITS;
		}
	}
	while (c->in->at < c->in->num && tries-- > 0)
		if (!only_waits(gnutls_record_recv(c->session, data, sizeof data)))
			return PROGRESS_FAILED;
	return PROGRESS_DONE;
}

static uint64_t deadline(void *p)
{
	struct gnutls_conn *c = p;
	return c->connected || c->cookie_awaited || !c->begun ? UINT64_MAX : c->due_ns;
}

/* The next call of gnutls_handshake repeats what is due. */
static enum progress timeout(void *p)
{
	(void)p;
	return PROGRESS_WAITS;
}

static bool resumed(void *p)
{
	return gnutls_session_is_resumed(((struct gnutls_conn *)p)->session) != 0;
}

static bool keep_session(void *context, void *conn)
{
	(void)context;
	(void)conn;
	return false;
}

static bool seal(void *p, const uint8_t *data, size_t n)
{
	return gnutls_record_send(((struct gnutls_conn *)p)->session, data, n) == (ssize_t)n;
}

static bool open_record(void *p, size_t n)
{
	uint8_t data[BENCH_MTU];
	return gnutls_record_recv(((struct gnutls_conn *)p)->session, data, sizeof data) == (ssize_t)n;
}

static void conn_free(void *p)
{
	struct gnutls_conn *c = p;
	gnutls_deinit(c->session);
	free(c);
}

static const char *version(void)
{
	return gnutls_check_version(NULL);
}

const struct implementation gnutls_implementation = {
	.name = "gnutls",
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
