/* NSS over a file descriptor of our own whose datagrams are the letters of two mailboxes; what it does of this bench:
 * certificates, and in DTLS 1.3 an external PSK with a key exchange. */
#include <cert.h>
#include <certdb.h>
#include <nspr.h>
#include <nss.h>
#include <nssb64.h>
#include <pk11pub.h>
#include <ssl.h>
#include <sslexp.h>
#include <sslproto.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

struct nss_context {
	const struct scenario *scenario;
	enum side side;
	PRFileDesc *model;
	CERTCertificate *cert; /* the server's; a client's authority */
	SECKEYPrivateKey *key; /* server */
	PK11SymKey *psk;
};

struct nss_conn {
	PRFileDesc *ssl;
	struct mailbox *in, *out;
	bool connected;
};

/* Its tickets are kept for a whole process, by name, so that a connection cannot be given one. */
static bool can(const struct scenario *s)
{
	if (s->ticket || s->aead != BENCH_GCM || s->cookie)
		return false;
	return s->certificate || (s->dtls13 && s->exchange != EXCHANGE_NONE);
}

/* ---- the file descriptor ---- */

static PRInt32 PR_CALLBACK letter_send(PRFileDesc *fd, const void *data, PRInt32 n, PRIntn flags,
				       PRIntervalTime patience)
{
	struct nss_conn *c = (struct nss_conn *)fd->secret;
	struct letter *l = &c->out->letters[c->out->num];
	(void)flags;
	(void)patience;
	if (n < 0 || c->out->num == MAILBOX_MAX || (size_t)n > sizeof l->bytes) {
		PR_SetError(PR_IO_ERROR, 0);
		return -1;
	}
	memcpy(l->bytes, data, (size_t)n);
	l->n = (size_t)n;
	c->out->num++;
	return n;
}

static PRInt32 PR_CALLBACK letter_recv(PRFileDesc *fd, void *out, PRInt32 cap, PRIntn flags, PRIntervalTime patience)
{
	struct nss_conn *c = (struct nss_conn *)fd->secret;
	struct letter *l = &c->in->letters[c->in->at];
	(void)flags;
	(void)patience;
	if (c->in->at == c->in->num || cap < 0 || (size_t)cap < l->n) {
		PR_SetError(c->in->at == c->in->num ? PR_WOULD_BLOCK_ERROR : PR_IO_ERROR, 0);
		return -1;
	}
	memcpy(out, l->bytes, l->n);
	c->in->at++;
	return (PRInt32)l->n;
}

/* It asks who the peer is, and whether waiting is allowed. */
static PRStatus PR_CALLBACK peer_name(PRFileDesc *fd, PRNetAddr *out)
{
	(void)fd;
	return PR_InitializeNetAddr(PR_IpAddrLoopback, 4433, out);
}

static PRStatus PR_CALLBACK socket_option(PRFileDesc *fd, PRSocketOptionData *out)
{
	(void)fd;
	if (out->option != PR_SockOpt_Nonblocking)
		return PR_FAILURE;
	out->value.non_blocking = PR_TRUE;
	return PR_SUCCESS;
}

/* That nothing be delayed. */
static PRStatus PR_CALLBACK set_option(PRFileDesc *fd, const PRSocketOptionData *in)
{
	(void)fd;
	(void)in;
	return PR_SUCCESS;
}

static PRStatus PR_CALLBACK forget(PRFileDesc *fd)
{
	fd->secret = NULL;
	fd->dtor(fd);
	return PR_SUCCESS;
}

static PRFileDesc *letters(struct nss_conn *c)
{
	static PRIOMethods methods;
	static PRDescIdentity layer;
	PRFileDesc *fd;
	if (!layer) {
		layer = PR_GetUniqueIdentity("letters");
		methods = *PR_GetDefaultIOMethods();
		methods.send = letter_send;
		methods.recv = letter_recv;
		methods.getpeername = peer_name;
		methods.getsocketoption = socket_option;
		methods.setsocketoption = set_option;
		methods.close = forget;
	}
	fd = PR_CreateIOLayerStub(layer, &methods);
	if (fd)
		fd->secret = (PRFilePrivate *)c;
	return fd;
}

/* ---- contexts ---- */

/* The one block of a PEM file. */
static bool decode(const char *pem, SECItem *out)
{
	const char *begin = strchr(pem + 1, '\n'), *end = begin ? strstr(begin, "-----END") : NULL;
	*out = (SECItem){siBuffer, NULL, 0};
	return end && NSSBase64_DecodeBuffer(NULL, out, begin, (unsigned)(end - begin));
}

static CERTCertificate *read_certificate(const char *pem)
{
	CERTCertificate *cert = NULL;
	SECItem der;
	if (decode(pem, &der))
		cert = CERT_NewTempCertificate(CERT_GetDefaultCertDB(), &der, NULL, PR_FALSE, PR_TRUE);
	SECITEM_FreeItem(&der, PR_FALSE);
	return cert;
}

static SECKEYPrivateKey *read_key(const char *pem, const CERTCertificate *cert)
{
	PK11SlotInfo *slot = PK11_GetInternalSlot();
	SECKEYPublicKey *public = SECKEY_ExtractPublicKey(&cert->subjectPublicKeyInfo);
	SECKEYPrivateKey *key = NULL;
	SECItem der;
	if (decode(pem, &der) && slot && public &&
	    PK11_ImportDERPrivateKeyInfoAndReturnKey(slot, &der, NULL, &public->u.ec.publicValue, PR_FALSE, PR_FALSE,
						     KU_ALL, &key, NULL) != SECSuccess)
		key = NULL;
	SECITEM_FreeItem(&der, PR_FALSE);
	SECKEY_DestroyPublicKey(public);
	PK11_FreeSlot(slot);
	return key;
}

/* A server must have a certificate even where a PSK makes do. */
static bool set_credentials(struct nss_context *context)
{
	static CERTCertTrust trusted = {CERTDB_TRUSTED_CA | CERTDB_VALID_CA, 0, 0};
	if (context->side == CLIENT_SIDE) {
		context->cert = read_certificate(identity.ca);
		return context->cert &&
		       CERT_ChangeCertTrust(CERT_GetDefaultCertDB(), context->cert, &trusted) == SECSuccess;
	}
	context->cert = read_certificate(identity.cert);
	context->key = context->cert ? read_key(identity.key, context->cert) : NULL;
	return context->key && SSL_ConfigServerCert(context->model, context->cert, context->key, NULL, 0) == SECSuccess;
}

static bool set_suite(const struct scenario *s, PRFileDesc *model)
{
	PRInt32 wanted = s->dtls13 ? TLS_AES_128_GCM_SHA256 : TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
	const PRUint16 *all = SSL_GetImplementedCiphers();
	for (PRUint16 i = 0; i < SSL_GetNumImplementedCiphers(); i++)
		if (SSL_CipherPrefSet(model, all[i], all[i] == wanted) != SECSuccess)
			return false;
	return true;
}

/* P-256 stays in the list: a certificate's curve must be one that the client names (RFC 8422 5.1). */
static bool configure(const struct scenario *s, enum side side, PRFileDesc *model)
{
	static const SSLNamedGroup groups[] = {ssl_grp_ec_curve25519, ssl_grp_ec_secp256r1};
	unsigned from = s->exchange == EXCHANGE_X25519 ? 0 : 1;
	PRUint16 version = s->dtls13 ? SSL_LIBRARY_VERSION_TLS_1_3 : SSL_LIBRARY_VERSION_TLS_1_2;
	SSLVersionRange versions = {version, version};
	bool offers_psk = side == CLIENT_SIDE && !s->certificate; /* only where sessions might be kept */
	return SSL_VersionRangeSet(model, &versions) == SECSuccess &&
	       SSL_NamedGroupConfig(model, groups + from, 2 - from) == SECSuccess &&
	       SSL_OptionSet(model, SSL_NO_CACHE, !offers_psk) == SECSuccess &&
	       SSL_OptionSet(model, SSL_ENABLE_SESSION_TICKETS, PR_FALSE) == SECSuccess &&
	       SSL_OptionSet(model, SSL_ENABLE_EXTENDED_MASTER_SECRET, PR_TRUE) == SECSuccess && set_suite(s, model);
}

static PK11SymKey *make_psk(void)
{
	PK11SlotInfo *slot = PK11_GetInternalSlot();
	uint8_t bytes[sizeof bench_psk];
	SECItem item = {siBuffer, bytes, sizeof bytes};
	PK11SymKey *psk;
	memcpy(bytes, bench_psk, sizeof bytes);
	psk = PK11_ImportSymKey(slot, CKM_HKDF_DERIVE, PK11_OriginUnwrap, CKA_DERIVE, &item, NULL);
	PK11_FreeSlot(slot);
	return psk;
}

static void context_free(void *p)
{
	struct nss_context *context = p;
	if (context->model)
		PR_Close(context->model);
	SECKEY_DestroyPrivateKey(context->key);
	if (context->cert)
		CERT_DestroyCertificate(context->cert);
	if (context->psk)
		PK11_FreeSymKey(context->psk);
	free(context);
}

static void *context_new(const struct scenario *s, enum side side)
{
	struct nss_context *context = calloc(1, sizeof *context);
	if (!context || (!NSS_IsInitialized() && NSS_NoDB_Init(NULL) != SECSuccess))
		bench_die("NSS_NoDB_Init");
	context->scenario = s;
	context->side = side;
	context->model = DTLS_ImportFD(NULL, letters(NULL));
	context->psk = make_psk();
	if (context->model && context->psk && configure(s, side, context->model) && set_credentials(context))
		return context;
	fprintf(stderr, "nss: %s\n", PR_ErrorToName(PR_GetError()));
	context_free(context);
	return NULL;
}

/* ---- connections ---- */

static bool prepare(const struct nss_context *context, PRFileDesc *ssl)
{
	static const PRUint8 name[] = BENCH_PSK_IDENTITY;
	if (SSL_ResetHandshake(ssl, context->side == SERVER_SIDE) != SECSuccess)
		return false;
	if (!context->scenario->certificate)
		return SSL_AddExternalPsk(ssl, context->psk, name, sizeof name - 1, ssl_hash_sha256) == SECSuccess;
	return context->side == SERVER_SIDE || SSL_SetURL(ssl, BENCH_NAME) == SECSuccess;
}

static void conn_free(void *p)
{
	struct nss_conn *c = p;
	if (c->ssl)
		PR_Close(c->ssl);
	free(c);
}

static void *conn_new(void *p, struct mailbox *in, struct mailbox *out)
{
	struct nss_context *context = p;
	struct nss_conn *c = malloc(sizeof *c);
	if (!c)
		bench_die("out of memory");
	*c = (struct nss_conn){.in = in, .out = out};
	c->ssl = DTLS_ImportFD(context->model, letters(c));
	if (c->ssl && prepare(context, c->ssl))
		return c;
	conn_free(c);
	return NULL;
}

/* What comes after the handshake is taken by reading. */
static enum progress step(void *p)
{
	struct nss_conn *c = p;
	uint8_t data[16];
	bool waits = false;
	if (!c->connected)
		c->connected = SSL_ForceHandshake(c->ssl) == SECSuccess;
	if (c->connected)
		while (c->in->at < c->in->num)
			if (PR_Read(c->ssl, data, sizeof data) >= 0 || PR_GetError() != PR_WOULD_BLOCK_ERROR)
				return PROGRESS_FAILED;
	if (!c->connected) {
		waits = PR_GetError() == PR_WOULD_BLOCK_ERROR;
		if (!waits)
			fprintf(stderr, "nss: %s\n", PR_ErrorToName(PR_GetError()));
		return waits ? PROGRESS_WAITS : PROGRESS_FAILED;
	}
	return PROGRESS_DONE;
}

static bool resumed(void *p)
{
	(void)p;
	return false;
}

static bool keep_session(void *p, void *q)
{
	(void)p;
	(void)q;
	return false;
}

static bool seal(void *p, const uint8_t *data, size_t n)
{
	return PR_Write(((struct nss_conn *)p)->ssl, data, (PRInt32)n) == (PRInt32)n;
}

static bool open_record(void *p, size_t n)
{
	uint8_t data[BENCH_MTU];
	return PR_Read(((struct nss_conn *)p)->ssl, data, sizeof data) == (PRInt32)n;
}

static const char *version(void)
{
	return NSS_GetVersion();
}

const struct implementation nss_implementation = {
	.name = "nss",
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
};
