/* Early data of DTLS 1.3 over NSS, as far as early.py asks for it: in one process, since NSS keeps sessions in memory.
 *
 * usage: nss_early client PORT | nss_early server PORT. Both have a key and certificate "own" in the database in the
 * working directory.
 *
 * The client connects twice; the second time it writes "early" before its handshake, which is to take a while. It
 * prints what comes back. The server prints "ready", serves two associations one after the other, echoes, and prints
 * what it reads before and after the handshake. Both print, of each association, "early N": whether early data was
 * accepted. */
#include <nspr.h>
#include <nss.h>
#include <pk11pub.h>
#include <ssl.h>
#include <sslexp.h>
#include <sslproto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASSOCIATIONS = 2, LIMIT_S = 8, LINGER_MS = 300, TRIES = 100, WINDOW_S = 3 };

static SECStatus take_any(void *user, PRFileDesc *s, PRBool check, PRBool server)
{
	(void)user, (void)s, (void)check, (void)server;
	return SECSuccess;
}

static void need(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "nss_early: %s: %s\n", what, PR_ErrorToName(PR_GetError()));
	exit(1);
}

static PRFileDesc *make_dtls(PRFileDesc *udp, int server)
{
	const PRSocketOptionData nonblocking = {.option = PR_SockOpt_Nonblocking, .value.non_blocking = PR_TRUE};
	const SSLVersionRange versions = {SSL_LIBRARY_VERSION_TLS_1_3, SSL_LIBRARY_VERSION_TLS_1_3};
	const SSLNamedGroup groups[] = {ssl_grp_ec_curve25519, ssl_grp_ec_secp256r1};
	PRFileDesc *s;

	need(PR_SetSocketOption(udp, &nonblocking) == PR_SUCCESS, "socket");
	s = DTLS_ImportFD(NULL, udp);
	need(s != NULL, "import");
	need(SSL_VersionRangeSet(s, &versions) == SECSuccess, "versions");
	need(SSL_NamedGroupConfig(s, groups, 2) == SECSuccess, "groups");
	need(SSL_OptionSet(s, SSL_ENABLE_0RTT_DATA, PR_TRUE) == SECSuccess, "early data");
	need(SSL_OptionSet(s, SSL_ENABLE_SESSION_TICKETS, PR_TRUE) == SECSuccess, "tickets");
	need(SSL_OptionSet(s, SSL_NO_CACHE, PR_FALSE) == SECSuccess, "cache");
	need(SSL_AuthCertificateHook(s, take_any, NULL) == SECSuccess, "hook");
	need(SSL_ResetHandshake(s, server ? PR_TRUE : PR_FALSE) == SECSuccess, "role");
	return s;
}

/* Whether the handshake is complete now. */
static int advance(PRFileDesc *s, int complete)
{
	SSLChannelInfo info;

	if (complete)
		return 1;
	if (SSL_ForceHandshake(s) != SECSuccess) {
		need(PR_GetError() == PR_WOULD_BLOCK_ERROR, "handshake");
		return 0;
	}
	need(SSL_GetChannelInfo(s, &info, sizeof info) == SECSuccess, "info");
	printf("early %d\n", info.earlyDataAccepted ? 1 : 0);
	return 1;
}

static void wait_for_more(PRFileDesc *s)
{
	PRPollDesc poll = {s, PR_POLL_READ, 0};

	PR_Poll(&poll, 1, PR_MillisecondsToInterval(20));
}

/* The first tries only begin the handshake. */
static void write_early(PRFileDesc *s)
{
	PRInt32 n = -1;

	for (int i = 0; i < TRIES && n < 0; i++) {
		n = PR_Write(s, "early\n", 6);
		need(n >= 0 || PR_GetError() == PR_WOULD_BLOCK_ERROR, "early write");
	}
	need(n == 6, "early write");
}

static void call(const PRNetAddr *to, int again)
{
	PRIntervalTime end = PR_IntervalNow() + PR_SecondsToInterval(LIMIT_S);
	PRFileDesc *udp = PR_OpenUDPSocket(PR_AF_INET), *s;
	int complete = 0, written = 0, wanted = again ? 2 : 1, got = 0;
	char data[2048];

	need(udp && PR_Connect(udp, to, PR_INTERVAL_NO_TIMEOUT) == PR_SUCCESS, "connect");
	s = make_dtls(udp, 0);
	need(SSL_SetURL(s, "localhost") == SECSuccess, "name");
	if (again)
		write_early(s);
	while (PR_IntervalNow() < end) {
		complete = advance(s, complete);
		if (complete && !written++)
			need(PR_Write(s, "late\n", 5) == 5, "write");
		PRInt32 n = PR_Read(s, data, sizeof data);
		if (n > 0)
			printf("read %.*s", (int)n, data);
		if (n > 0 && ++got == wanted) /* a ticket may be under way */
			end = PR_IntervalNow() + PR_MillisecondsToInterval(LINGER_MS);
		wait_for_more(s);
	}
	need(got >= wanted, "no echo");
	PR_Close(s);
}

static void serve(const PRNetAddr *at, CERTCertificate *cert, SECKEYPrivateKey *key, SSLAntiReplayContext *replay)
{
	const PRSocketOptionData reuse = {.option = PR_SockOpt_Reuseaddr, .value.reuse_addr = PR_TRUE};
	PRIntervalTime end = PR_IntervalNow() + PR_SecondsToInterval(LIMIT_S);
	PRFileDesc *udp = PR_OpenUDPSocket(PR_AF_INET), *s;
	PRNetAddr from;
	char data[2048];
	int complete = 0;

	need(udp && PR_SetSocketOption(udp, &reuse) == PR_SUCCESS && PR_Bind(udp, at) == PR_SUCCESS, "bind");
	printf("ready\n");
	need(PR_RecvFrom(udp, data, 1, PR_MSG_PEEK, &from, PR_SecondsToInterval(LIMIT_S)) >= 0, "nobody came");
	need(PR_Connect(udp, &from, PR_INTERVAL_NO_TIMEOUT) == PR_SUCCESS, "connect");
	s = make_dtls(udp, 1);
	need(SSL_ConfigServerCert(s, cert, key, NULL, 0) == SECSuccess, "certificate");
	need(SSL_SetAntiReplayContext(s, replay) == SECSuccess, "replays");
	for (PRInt32 n = -1; n != 0 && PR_IntervalNow() < end; wait_for_more(s)) {
		complete = advance(s, complete);
		n = PR_Read(s, data, sizeof data);
		if (n <= 0)
			continue;
		printf("%s %.*s", complete ? "read" : "before", (int)n, data);
		if (complete)
			need(PR_Write(s, data, n) == n, "write");
	}
	PR_Close(s);
}

static void serve_all(const PRNetAddr *at)
{
	CERTCertificate *cert = PK11_FindCertFromNickname("own", NULL);
	SECKEYPrivateKey *key = cert ? PK11_FindKeyByAnyCert(cert, NULL) : NULL;
	SSLAntiReplayContext *replay = NULL;

	need(key != NULL, "certificate own");
	need(SSL_ConfigServerSessionIDCache(0, 0, 0, ".") == SECSuccess, "cache");
	need(SSL_CreateAntiReplayContext(PR_Now(), WINDOW_S * PR_USEC_PER_SEC, 7, 14, &replay) == SECSuccess,
	     "replays");
	PR_Sleep(PR_SecondsToInterval(2 * WINDOW_S)); /* before that it remembers nothing and accepts nothing */
	for (int i = 0; i < ASSOCIATIONS; i++)
		serve(at, cert, key, replay);
}

int main(int argc, char **argv)
{
	PRNetAddr address;

	if (argc != 3)
		return 2;
	setvbuf(stdout, NULL, _IONBF, 0);
	need(NSS_Init("sql:.") == SECSuccess, "database");
	need(NSS_SetDomesticPolicy() == SECSuccess, "policy");
	PR_InitializeNetAddr(PR_IpAddrLoopback, (PRUint16)atoi(argv[2]), &address);
	if (strcmp(argv[1], "server") == 0)
		serve_all(&address);
	for (int i = 0; strcmp(argv[1], "client") == 0 && i < ASSOCIATIONS; i++)
		call(&address, i > 0);
	return 0;
}
