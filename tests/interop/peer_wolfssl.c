/* A peer over wolfSSL, as Debian builds it: no MTU of its own to set in old releases, and always a cookie in DTLS 1.2.
 */
#include "peer.h"

/* The configuration comes first, whatever the alphabet says. */
#include <wolfssl/options.h>

#include <stdio.h>
#include <string.h>
#include <wolfssl/error-ssl.h>
#include <wolfssl/ssl.h>

static const struct options *options;
static WOLFSSL_CTX *context;
static WOLFSSL *ssl;
static WOLFSSL_SESSION *session;
static struct link *link_now;
static char suite_now[80]; /* by wolfSSL's name */

static enum status fail(const char *what, int error)
{
	char reason[WOLFSSL_MAX_ERROR_SZ];
	return peer_failed("%s: %s", what, wolfSSL_ERR_error_string((unsigned long)error, reason));
}

/* ---- the link */

static int send_datagram(WOLFSSL *s, char *datagram, int len, void *link)
{
	(void)s;
	link_send(link, datagram, (size_t)len);
	return len;
}

static int recv_datagram(WOLFSSL *s, char *datagram, int cap, void *link)
{
	(void)s;
	int n = link_recv(link, datagram, (size_t)cap, 0);
	return n >= 0 ? n : n == LINK_TIMEOUT ? WOLFSSL_CBIO_ERR_WANT_READ : WOLFSSL_CBIO_ERR_CONN_CLOSE;
}

/* ---- set-up */

static int cookie_make(WOLFSSL *s, unsigned char *cookie, int cap, void *user)
{
	(void)s;
	(void)user;
	memset(cookie, 0x5c, (size_t)cap);
	return cap;
}

static unsigned int psk_client(WOLFSSL *s, const char *hint, char *identity, unsigned int identity_cap,
			       unsigned char *psk, unsigned int psk_cap)
{
	(void)s;
	(void)hint;
	if (strlen(options->psk_identity) >= identity_cap || options->psk_len > psk_cap)
		return 0;
	strcpy(identity, options->psk_identity);
	memcpy(psk, options->psk, options->psk_len);
	return (unsigned int)options->psk_len;
}

static unsigned int psk_server(WOLFSSL *s, const char *identity, unsigned char *psk, unsigned int psk_cap)
{
	(void)s;
	if (strcmp(identity, options->psk_identity) != 0 || options->psk_len > psk_cap)
		return 0;
	memcpy(psk, options->psk, options->psk_len);
	return (unsigned int)options->psk_len;
}

/* wolfSSL's name for an IANA one: TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256 is ECDHE-PSK-AES128-GCM-SHA256, and ChaCha20's
 * end without the hash; TLS_AES_128_GCM_SHA256 is TLS13-AES128-GCM-SHA256. */
static void suite_name(char *name, size_t cap, const char *iana)
{
	const char *with = strstr(iana, "WITH_");
	if (with)
		snprintf(name, cap, "%.*s%s", (int)(with - iana - 4), iana + 4, with + 5);
	else
		snprintf(name, cap, "TLS13_%s", iana + 4);
	char *chacha = with ? strstr(name, "POLY1305") : NULL;
	if (chacha)
		chacha[8] = '\0';
	char *aes = strstr(name, "AES_");
	if (aes)
		memmove(aes + 3, aes + 4, strlen(aes + 4) + 1);
	for (char *c = name; *c; c++)
		*c = *c == '_' ? '-' : *c;
}

#ifdef WOLFSSL_DTLS13
static unsigned int psk_client13(WOLFSSL *s, const char *hint, char *identity, unsigned int identity_cap,
				 unsigned char *psk, unsigned int psk_cap, const char **suite)
{
	*suite = suite_now;
	return psk_client(s, hint, identity, identity_cap, psk, psk_cap);
}

static unsigned int psk_server13(WOLFSSL *s, const char *identity, unsigned char *psk, unsigned int psk_cap,
				 const char **suite)
{
	*suite = suite_now;
	return psk_server(s, identity, psk, psk_cap);
}

static const struct {
	const char *name;
	int id;
} groups[] = {
	{"x25519", WOLFSSL_ECC_X25519},
	{"secp256r1", WOLFSSL_ECC_SECP256R1},
	{"secp384r1", WOLFSSL_ECC_SECP384R1},
#ifdef WOLFSSL_HAVE_MLKEM
	{"X25519MLKEM768", WOLFSSL_X25519MLKEM768},
#endif
};

static enum status set_groups(const char *list)
{
	int ids[8], num = 0;
	char names[128];
	snprintf(names, sizeof names, "%s", list);
	for (char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
		size_t i = 0;
		while (i < sizeof groups / sizeof groups[0] && strcmp(groups[i].name, name) != 0)
			i++;
		if (i == sizeof groups / sizeof groups[0] || num == 8)
			return peer_cannot("wolfSSL, as Debian builds it, has no group %s", name);
		ids[num++] = groups[i].id;
	}
	return wolfSSL_CTX_set_groups(context, ids, num) == WOLFSSL_SUCCESS ? PEER_OK : peer_failed("groups %s", list);
}

static WOLFSSL_METHOD *method13(void)
{
	return options->server ? wolfDTLSv1_3_server_method() : wolfDTLSv1_3_client_method();
}

static enum status setup13(void)
{
	if (options->psk_identity) {
		wolfSSL_CTX_set_psk_client_tls13_callback(context, psk_client13);
		wolfSSL_CTX_set_psk_server_tls13_callback(context, psk_server13);
	}
	return options->groups ? set_groups(options->groups) : PEER_OK;
}

static enum status prepare13(void)
{
#ifdef HAVE_ECH
	/* Its padding is of random length and would make the ClientHello outgrow a small MTU now and then. */
	wolfSSL_SetEchEnable(ssl, 0);
#endif
	if (options->server) {
		int ok = options->cookie ? wolfSSL_send_hrr_cookie(ssl, NULL, 0) : wolfSSL_disable_hrr_cookie(ssl);
		if (ok != WOLFSSL_SUCCESS)
			return fail("cookie", ok);
#ifdef WOLFSSL_DTLS_CH_FRAG
		wolfSSL_dtls13_allow_ch_frag(ssl, 1);
#endif
	}
	return PEER_OK;
}

static enum status update_keys(void)
{
	int ok = wolfSSL_update_keys(ssl);
	return ok == WOLFSSL_SUCCESS ? PEER_OK : fail("key update", wolfSSL_get_error(ssl, ok));
}
#else
static WOLFSSL_METHOD *method13(void)
{
	return NULL;
}

static enum status setup13(void)
{
	return PEER_FAILED;
}

static enum status prepare13(void)
{
	return PEER_FAILED;
}
#define update_keys NULL
#endif

#if defined(WOLFSSL_DTLS13) && defined(WOLFSSL_POST_HANDSHAKE_AUTH)
static enum status offer_post_auth(void)
{
	int ok = wolfSSL_allow_post_handshake_auth(ssl);
	return ok == 0 ? PEER_OK : fail("post-handshake authentication", ok);
}

static enum status request_certificate(void)
{
	int ok = wolfSSL_request_certificate(ssl);
	return ok == WOLFSSL_SUCCESS ? PEER_OK : fail("request", wolfSSL_get_error(ssl, ok));
}

static bool has_proved(void)
{
	WOLFSSL_X509 *certificate = wolfSSL_get_peer_certificate(ssl);
	bool there = certificate != NULL;
	wolfSSL_X509_free(certificate);
	return there;
}
#else
static enum status offer_post_auth(void)
{
	return PEER_FAILED;
}
#define request_certificate NULL
#define has_proved NULL
#endif

static enum status set_credentials(void)
{
	int ok = WOLFSSL_SUCCESS;
	if (options->cert)
		ok = wolfSSL_CTX_use_certificate_chain_file(context, options->cert);
	if (options->cert && ok == WOLFSSL_SUCCESS)
		ok = wolfSSL_CTX_use_PrivateKey_file(context, options->key, WOLFSSL_FILETYPE_PEM);
	if (options->ca && ok == WOLFSSL_SUCCESS)
		ok = wolfSSL_CTX_load_verify_locations(context, options->ca, NULL);
	if (ok != WOLFSSL_SUCCESS)
		return fail("credentials", ok);
	int mode = options->require_client_cert	     ? WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT
		   : !options->server && options->ca ? WOLFSSL_VERIFY_PEER
						     : WOLFSSL_VERIFY_NONE;
	if (options->post_auth && options->server)
		mode |= WOLFSSL_VERIFY_POST_HANDSHAKE;
	wolfSSL_CTX_set_verify(context, mode, NULL);
	if (options->psk_identity) {
		wolfSSL_CTX_set_psk_client_callback(context, psk_client);
		wolfSSL_CTX_set_psk_server_callback(context, psk_server);
	}
	return PEER_OK;
}

static enum status setup(const struct options *given)
{
	options = given;
	if (given->server && !given->cookie && !given->dtls13)
		return peer_cannot("a wolfSSL server always asks for a cookie");
	wolfSSL_Init();
	context = wolfSSL_CTX_new(given->dtls13	  ? method13()
				  : given->server ? wolfDTLSv1_2_server_method()
						  : wolfDTLSv1_2_client_method());
	if (!context)
		return peer_failed("no context");
	suite_name(suite_now, sizeof suite_now, given->suite);
	if (wolfSSL_CTX_set_cipher_list(context, suite_now) != WOLFSSL_SUCCESS)
		return peer_cannot("wolfSSL, as Debian builds it, has no suite %s", given->suite);
	wolfSSL_CTX_SetIORecv(context, recv_datagram);
	wolfSSL_CTX_SetIOSend(context, send_datagram);
	wolfSSL_CTX_SetGenCookie(context, cookie_make);
	if (given->resume == RESUME_ID)
		wolfSSL_CTX_NoTicketTLSv12(context);
	else if (!given->server)
		wolfSSL_CTX_UseSessionTicket(context);
#ifdef WOLFSSL_DTLS_MTU
	wolfSSL_CTX_dtls_set_mtu(context, (unsigned short)given->mtu);
#endif
	enum status status = given->dtls13 ? setup13() : PEER_OK;
	return status == PEER_OK ? set_credentials() : status;
}

/* ---- an association */

/* What to do after a call returned n: PEER_OK means call again. Waits for a datagram, the library's timer or end_ms. */
static enum status again(int n, uint64_t end_ms, bool timers)
{
	int error = wolfSSL_get_error(ssl, n);
	uint64_t now = peer_now_ms();
	if (link_now->replaced || error == WOLFSSL_ERROR_ZERO_RETURN)
		return PEER_CLOSED;
	if (error != WOLFSSL_ERROR_WANT_READ)
		return fail("connection", error);
	if (now >= end_ms)
		return PEER_TIMEOUT;
	uint64_t timer = (uint64_t)wolfSSL_dtls_get_current_timeout(ssl) * 1000, wait = end_ms - now;
	bool timer_first = timers && timer < wait;
	if (link_peek(link_now, (int)(timer_first ? timer : wait)) == 0 && timer_first &&
	    wolfSSL_dtls_got_timeout(ssl) != WOLFSSL_SUCCESS)
		return peer_failed("the timer ran out");
	return PEER_OK;
}

#ifdef WOLFSSL_DTLS_CID
static bool offer_cid(void)
{
	static unsigned char cid[255] = {0xcd, 0xab};
	return wolfSSL_dtls_cid_use(ssl) == WOLFSSL_SUCCESS &&
	       wolfSSL_dtls_cid_set(ssl, cid, options->cid_len) == WOLFSSL_SUCCESS;
}

static bool has_cid(void)
{
	return wolfSSL_dtls_cid_is_enabled(ssl) == 1;
}
#else
static bool offer_cid(void)
{
	return false;
}

static bool has_cid(void)
{
	return false;
}
#endif

static enum status prepare(void)
{
	ssl = wolfSSL_new(context);
	if (!ssl)
		return peer_failed("no object");
	wolfSSL_SetIOReadCtx(ssl, link_now);
	wolfSSL_SetIOWriteCtx(ssl, link_now);
	wolfSSL_dtls_set_using_nonblock(ssl, 1);
	if (options->cid && !offer_cid())
		return peer_cannot("wolfSSL takes no connection IDs of %u bytes", options->cid_len);
	if (options->server)
		return options->dtls13 ? prepare13() : PEER_OK;
	wolfSSL_UseSNI(ssl, WOLFSSL_SNI_HOST_NAME, options->name, (unsigned short)strlen(options->name));
	if (options->ca)
		wolfSSL_check_domain_name(ssl, options->name);
	if (session && wolfSSL_set_session(ssl, session) != WOLFSSL_SUCCESS)
		return peer_failed("the session cannot be used again");
	enum status status = options->post_auth ? offer_post_auth() : PEER_OK;
	return status == PEER_OK && options->dtls13 ? prepare13() : status;
}

static enum status handshake(struct link *link, bool *resumed)
{
	uint64_t end = peer_now_ms() + options->timeout_s * 1000;
	link_now = link;
	enum status status = prepare();
	while (status == PEER_OK) {
		int n = options->server ? wolfSSL_accept(ssl) : wolfSSL_connect(ssl);
		if (n == WOLFSSL_SUCCESS)
			break;
		status = again(n, end, true);
		if (status == PEER_TIMEOUT)
			return peer_failed("the handshake took too long");
	}
	*resumed = status == PEER_OK && wolfSSL_session_reused(ssl) != 0;
	if (status == PEER_OK && options->cid && !has_cid())
		return peer_failed("no connection IDs were agreed on");
	return status;
}

static enum status send_record(const void *data, size_t len)
{
	int n = wolfSSL_write(ssl, data, (int)len);
	return n == (int)len ? PEER_OK : fail("write", wolfSSL_get_error(ssl, n));
}

static enum status recv_record(void *data, size_t cap, size_t *len, int timeout_ms)
{
	uint64_t end = peer_now_ms() + (uint64_t)timeout_ms;
	for (;;) {
		int n = wolfSSL_read(ssl, data, (int)cap);
		if (n > 0) {
			*len = (size_t)n;
			return PEER_OK;
		}
		/* The timers of DTLS 1.3 go on: acknowledgements, tickets, key updates. */
		enum status status = again(n, end, options->dtls13);
		if (status != PEER_OK)
			return status;
	}
}

static void close_association(void)
{
	if (!ssl)
		return;
	if (wolfSSL_is_init_finished(ssl)) {
		wolfSSL_shutdown(ssl);
		if (!options->server && options->resume != RESUME_NONE && !session)
			session = wolfSSL_get1_session(ssl);
	}
	wolfSSL_free(ssl);
	ssl = NULL;
}

static const char *version(void)
{
	return wolfSSL_lib_version();
}

int main(int argc, char **argv)
{
	static const struct library library = {.version = version,
					       .setup = setup,
					       .handshake = handshake,
					       .send = send_record,
					       .recv = recv_record,
					       .update = update_keys,
					       .request = request_certificate,
					       .proved = has_proved,
					       .close = close_association};
	return peer_main(argc, argv, &library);
}
