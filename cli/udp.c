/* udp.c - UDP sockets, addresses, the clock and the wait. */
#define _GNU_SOURCE /* ppoll */
#include "udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "options.h"

enum { SOCKET_BUFFER = 4 << 20, SEND_WAIT_MS = 200 };

static volatile sig_atomic_t stop;

void address_text(char out[ADDRESS_TEXT], const struct address *address)
{
	char host[64] = "?", port[8] = "?";
	bool v6 = address->storage.ss_family == AF_INET6;

	getnameinfo((const struct sockaddr *)&address->storage, address->len, host, sizeof host, port, sizeof port,
		    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(out, ADDRESS_TEXT, v6 ? "[%s]:%s" : "%s:%s", host, port);
}

tern_address address_tern(const struct address *address)
{
	tern_address out = {0};

	if (address->storage.ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)&address->storage;
		memcpy(out.bytes, &v4->sin_addr, 4);
		memcpy(out.bytes + 4, &v4->sin_port, 2);
		out.host_len = 4;
		out.len = 6;
	} else if (address->storage.ss_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const void *)&address->storage;
		memcpy(out.bytes, &v6->sin6_addr, 16);
		memcpy(out.bytes + 16, &v6->sin6_scope_id, 4);
		memcpy(out.bytes + 20, &v6->sin6_port, 2);
		out.host_len = 20;
		out.len = 22;
	}
	return out;
}

bool address_from_tern(struct address *out, const tern_address *in)
{
	*out = (struct address){.len = 0};
	if (in->len == 6) {
		struct sockaddr_in *v4 = (void *)&out->storage;
		v4->sin_family = AF_INET;
		memcpy(&v4->sin_addr, in->bytes, 4);
		memcpy(&v4->sin_port, in->bytes + 4, 2);
		out->len = sizeof *v4;
	} else if (in->len == 22) {
		struct sockaddr_in6 *v6 = (void *)&out->storage;
		v6->sin6_family = AF_INET6;
		memcpy(&v6->sin6_addr, in->bytes, 16);
		memcpy(&v6->sin6_scope_id, in->bytes + 16, 4);
		memcpy(&v6->sin6_port, in->bytes + 20, 2);
		out->len = sizeof *v6;
	}
	return out->len != 0;
}

bool address_equal(const struct address *a, const struct address *b)
{
	tern_address x = address_tern(a), y = address_tern(b);

	return x.len == y.len && memcmp(x.bytes, y.bytes, x.len) == 0;
}

static bool copy_part(char *out, size_t cap, const char *from, size_t len)
{
	if (len == 0 || len >= cap)
		return false;
	memcpy(out, from, len);
	out[len] = 0;
	return true;
}

static bool port_is_number(const char *port)
{
	size_t digits = strspn(port, "0123456789");

	return digits > 0 && digits <= 5 && port[digits] == 0 && atoi(port) <= 65535;
}

bool address_cut(const char *text, char host[256], char port[8])
{
	const char *colon = strrchr(text, ':'), *port_text = colon ? colon + 1 : text;

	if (!port_is_number(port_text) || !copy_part(port, 8, port_text, strlen(port_text)))
		return false;
	if (!colon || colon == text)
		return copy_part(host, 256, "127.0.0.1", 9);
	if (text[0] == '[')
		return colon[-1] == ']' && copy_part(host, 256, text + 1, (size_t)(colon - text) - 2);
	return memchr(text, ':', (size_t)(colon - text)) == NULL && copy_part(host, 256, text, (size_t)(colon - text));
}

int address_resolve(struct addrinfo **list, const char *what, const char *text, bool passive)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0)};
	char host[256], port[8];

	*list = NULL;
	if (!address_cut(text, host, port))
		return usage_error(
			"%s %s: give an address as HOST:PORT, PORT or [v6]:PORT, the port a number up to 65535", what,
			text);
	if (!passive && atoi(port) == 0)
		return usage_error("%s %s: port 0 cannot be sent to: give the port the server listens on", what, text);
	int error = getaddrinfo(host, port, &hints, list);
	if (error)
		return complain("%s %s: cannot find the host: %s: check the name, or give an IP address", what, text,
				error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
	return OPTIONS_GO;
}

static int open_socket(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int size = SOCKET_BUFFER;

	/* Best effort: the kernel caps what it gives, and any size works. */
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) == 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	return fd;
}

int udp_listen(int *fd, struct address *bound, const char *what, const char *text)
{
	struct addrinfo *list;
	int status = address_resolve(&list, what, text, true), error = EADDRNOTAVAIL;

	if (status != OPTIONS_GO)
		return status;
	*fd = -1;
	for (struct addrinfo *a = list; a && *fd < 0; a = a->ai_next) {
		*fd = open_socket(a->ai_family);
		if (*fd >= 0 && bind(*fd, a->ai_addr, a->ai_addrlen) == 0)
			break;
		error = errno;
		if (*fd >= 0)
			close(*fd);
		*fd = -1;
	}
	freeaddrinfo(list);
	if (*fd < 0)
		return complain("%s %s: cannot listen there: %s%s", what, text, strerror(error),
				error == EADDRINUSE ? ": stop the other program, or take another port (0 picks one)"
						    : "");
	bound->len = sizeof bound->storage;
	if (getsockname(*fd, (struct sockaddr *)&bound->storage, &bound->len) != 0)
		return complain("%s %s: %s", what, text, strerror(errno));
	return OPTIONS_GO;
}

int udp_connect(const struct sockaddr *address, socklen_t len)
{
	int fd = open_socket(address->sa_family);

	if (fd >= 0 && connect(fd, address, len) != 0) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

ssize_t udp_receive(int fd, uint8_t *datagram, size_t cap, struct address *from)
{
	struct address ignored;
	ssize_t n;

	if (!from)
		from = &ignored;
	do {
		from->len = sizeof from->storage;
		n = recvfrom(fd, datagram, cap, 0, (struct sockaddr *)&from->storage, &from->len);
	} while (n < 0 && errno == EINTR);
	return n;
}

bool udp_send(int fd, const uint8_t *datagram, size_t len, const struct address *to)
{
	for (int tries = 0; tries < 3; tries++) {
		ssize_t n = sendto(fd, datagram, len, 0, to ? (const struct sockaddr *)&to->storage : NULL,
				   to ? to->len : 0);
		if (n >= 0)
			return true;
		if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
			return false;
		struct pollfd room = {fd, POLLOUT, 0};
		if (errno != EINTR && poll(&room, 1, SEND_WAIT_MS) < 0)
			return false;
	}
	errno = EAGAIN;
	return false;
}

tern_time clock_now(void)
{
	struct timespec mono, real;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &real);
	return (tern_time){(uint64_t)mono.tv_sec * 1000000000u + (uint64_t)mono.tv_nsec, real.tv_sec};
}

static void stop_note(int signal_number)
{
	(void)signal_number;
	stop = 1;
}

void stop_catch(void)
{
	struct sigaction action = {.sa_handler = stop_note};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool stop_requested(void)
{
	return stop != 0;
}

bool wait_until(struct pollfd *fds, size_t num, uint64_t deadline_ns)
{
	uint64_t now_ns = clock_now().mono_ns, left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
	struct timespec left = {(time_t)(left_ns / 1000000000u), (long)(left_ns % 1000000000u)};
	sigset_t set;

	sigprocmask(SIG_BLOCK, NULL, &set);
	sigdelset(&set, SIGINT);
	sigdelset(&set, SIGTERM);
	return ppoll(fds, num, deadline_ns == TERN_NEVER ? NULL : &left, &set) > 0;
}
