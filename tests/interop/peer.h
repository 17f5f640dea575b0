/* What the foreign peers share: one command line, one UDP link, one echo conversation. A peer_X.c fills in struct
 * library over the library it is named after; peer_main does the rest.
 *
 * usage: peer_X server|client --port P --suite NAME [--dtls 1.2|1.3] [--cert F --key F] [--ca F]
 *               [--require-client-cert] [--psk ID:HEX] [--groups LIST] [--cookie|--no-cookie] [--mtu N]
 *               [--resume id|ticket] [--cid N] [--key-update] [--post-auth] [--name HOST] [--timeout S] [--count N]
 * [--lines N]
 *
 * or: peer_X version, which prints the library's.
 *
 * The server prints "ready PORT", serves COUNT associations one after the other, echoes every record, and prints
 * "resumed" when an association resumed a session; with --post-auth it asks for the client's certificate before the
 * second echo and prints "authenticated" at the end. The client sends LINES lines "ping-1\n"..., waits for each one's
 * echo, sending it again when the echo is late, prints "ok LINES"; with --resume it does so twice, resuming, and prints
 * "resumed". Exit 0; 1 for a failure; 77 when the library cannot do what was asked, with the reason on stderr. */
#ifndef TERN_TESTS_PEER_H
#define TERN_TESTS_PEER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum resume { RESUME_NONE, RESUME_ID, RESUME_TICKET };

struct options {
	bool server, require_client_cert, cookie;
	bool dtls13; /* DTLS 1.3 and nothing else; otherwise 1.2 and nothing else */
	bool post_auth; /* the client's certificate is asked for after the handshake */
	bool key_update; /* renew the own keys, and ask the other side to, before the last line */
	const char *groups; /* IANA names, the best first; NULL: the library's own choice */
	uint16_t port;
	const char *cert, *key, *ca;
	const char *psk_identity; /* NULL: no PSK */
	uint8_t psk[64];
	size_t psk_len;
	const char *suite; /* one IANA name */
	enum resume resume;
	const char *name; /* what the server's certificate must be for */
	bool cid; /* agree on connection IDs, the own ones of cid_len bytes; fail without the other side's */
	unsigned cid_len, mtu, timeout_s, count, lines;
};

/* One end of a UDP conversation. A server's end belongs to the address whose ClientHello came first. */
struct link {
	int fd;
	bool server;
	bool replaced; /* another client's ClientHello is waiting: this association is over */
	struct sockaddr_in peer; /* where to send; a server: whom to listen to */
	struct sockaddr_in previous;
};

enum { LINK_TIMEOUT = -1, LINK_REPLACED = -2 };

/* Waits at most timeout_ms for the next datagram of the link's peer: its length, or one of the above. */
int link_recv(struct link *link, void *datagram, size_t cap, int timeout_ms);
/* Waits at most timeout_ms for a datagram of any sender; 1 when there is one, 0 when not. */
int link_peek(struct link *link, int timeout_ms);
void link_send(struct link *link, const void *datagram, size_t len);

enum status { PEER_OK, PEER_FAILED, PEER_CLOSED, PEER_TIMEOUT, PEER_CANNOT };

/* The functions below say on stderr why they return PEER_FAILED or PEER_CANNOT. */
struct library {
	const char *(*version)(void); /* the library's, not the headers' */
	enum status (*setup)(const struct options *options);
	/* One association, to the end of its handshake. A client resumes the previous one's session when asked to
	 * resume. */
	enum status (*handshake)(struct link *link, bool *resumed);
	enum status (*send)(const void *data, size_t len);
	/* PEER_OK and *len, PEER_TIMEOUT, PEER_CLOSED (by the peer, or replaced), PEER_FAILED. */
	enum status (*recv)(void *data, size_t cap, size_t *len, int timeout_ms);
	/* Starts a key update both ways. NULL: the library has no DTLS 1.3, and --groups is not for it. */
	enum status (*update)(void);
	/* Server: asks for the client's certificate now, and tells whether it came. NULL: the library cannot, and a
	 * client of it cannot answer. */
	enum status (*request)(void);
	bool (*proved)(void);
	/* Sends close_notify, keeps the session if it is to be resumed, frees the rest. Also after a failed handshake.
	 */
	void (*close)(void);
};

int peer_main(int argc, char **argv, const struct library *library);

/* Print "peer: ..." on stderr and return the status. */
__attribute__((format(printf, 1, 2))) enum status peer_failed(const char *format, ...);
__attribute__((format(printf, 1, 2))) enum status peer_cannot(const char *format, ...);

uint64_t peer_now_ms(void);

#endif
