#include "http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { REQUEST_MAX = 65536, PATIENCE_S = 1 };

int http_listen(uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
	    bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 64) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* The bytes of the body, once the header is whole. */
static size_t content_length(const char *header)
{
	for (const char *line = strstr(header, "\r\n"); line; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, "content-length:", 15) == 0)
			return strtoul(line + 15, NULL, 10);
	}
	return 0;
}

/* A whole request, zero-terminated; NULL when it is too long, late or broken off. */
static char *receive(int fd, char *buffer, size_t cap, char **body)
{
	size_t n = 0;
	while (n < cap - 1) {
		ssize_t got = recv(fd, buffer + n, cap - 1 - n, 0);
		if (got <= 0)
			return NULL;
		n += (size_t)got;
		buffer[n] = 0;
		*body = strstr(buffer, "\r\n\r\n");
		if (!*body)
			continue;
		*body += 4;
		if (n - (size_t)(*body - buffer) >= content_length(buffer))
			return buffer;
	}
	return NULL;
}

static void send_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
		if (sent <= 0)
			return;
		bytes += sent;
		n -= (size_t)sent;
	}
}

static void answer(int fd, const struct http_reply *reply, bool found)
{
	char header[256];
	int n = snprintf(header, sizeof header,
			 "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
			 "Connection: close\r\n\r\n",
			 found ? "200 OK" : "404 Not Found", found ? reply->type : "text/plain",
			 found ? reply->len : 0);
	send_all(fd, header, (size_t)n);
	if (found)
		send_all(fd, reply->body, reply->len);
}

void http_serve(int listener, http_handler *handle, void *user)
{
	static char buffer[REQUEST_MAX];
	static struct http_reply reply;
	struct timeval patience = {.tv_sec = PATIENCE_S};
	struct http_request request = {.method = ""};
	char *body;
	int fd = accept(listener, NULL, NULL);
	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (receive(fd, buffer, sizeof buffer, &body) &&
	    sscanf(buffer, "%7s %127s", request.method, request.path) == 2) {
		request.body = body;
		reply.len = 0;
		answer(fd, &reply, handle(user, &request, &reply));
	}
	close(fd);
}
