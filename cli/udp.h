/* udp.h - UDP sockets, addresses, the clock and the wait: all that the core leaves to its caller. */
#ifndef TERN_CLI_UDP_H
#define TERN_CLI_UDP_H

#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "tern/tern.h"

enum { DATAGRAM_MAX = 65536, ADDRESS_TEXT = 96 };

struct address {
	struct sockaddr_storage storage;
	socklen_t len;
};

void address_text(char out[ADDRESS_TEXT], const struct address *address); /* "127.0.0.1:4444", "[::1]:4444" */
tern_address address_tern(const struct address *address);
bool address_from_tern(struct address *out, const tern_address *in); /* false: it is none of address_tern's */
bool address_equal(const struct address *a, const struct address *b);

/* "[HOST:]PORT" or "[v6]:PORT" cut in two; no HOST is 127.0.0.1. false: not of this form. */
bool address_cut(const char *text, char host[256], char port[8]);

/* Every address a name stands for; what is the option, for the message. Returns OPTIONS_GO or the exit status. */
int address_resolve(struct addrinfo **list, const char *what, const char *text, bool passive);

/* A non-blocking socket bound to text; *bound is where (port 0 picks one). Returns OPTIONS_GO or the exit status. */
int udp_listen(int *fd, struct address *bound, const char *what, const char *text);

/* A non-blocking socket connected to the address; -1: errno says why. */
int udp_connect(const struct sockaddr *address, socklen_t len);

/* The next datagram: its length, or -1 when there is none (EAGAIN) or the socket reports an error (errno, for example
 * ECONNREFUSED). from may be NULL. */
ssize_t udp_receive(int fd, uint8_t *datagram, size_t cap, struct address *from);

/* Sends a datagram, waiting shortly for room. to NULL: the connected peer. false: errno says why. */
bool udp_send(int fd, const uint8_t *datagram, size_t len, const struct address *to);

tern_time clock_now(void);

/* SIGINT and SIGTERM are kept for wait_until, which is the only place where they are let in. */
void stop_catch(void);
bool stop_requested(void);

/* Waits until a descriptor is ready, the clock reaches deadline_ns (TERN_NEVER: none) or a stop is requested. Returns
 * whether descriptors are to be looked at. */
bool wait_until(struct pollfd *fds, size_t num, uint64_t deadline_ns);

#endif
