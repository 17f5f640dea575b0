/* http.h - a web server of four requests, for signalling: one at a time, each connection good for one. Not for the open
 * Internet. */
#ifndef WEBRTC_HTTP_H
#define WEBRTC_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_REPLY_MAX 65536

struct http_request {
	char method[8], path[128];
	const char *body; /* zero-terminated */
};

struct http_reply {
	const char *type; /* "text/html" */
	size_t len;
	char body[HTTP_REPLY_MAX];
};

/* False: 404. */
typedef bool http_handler(void *user, const struct http_request *request, struct http_reply *reply);

/* A socket that listens on loopback; -1: errno tells. */
int http_listen(uint16_t port);
/* Takes one connection of it, if there is one, and serves it. */
void http_serve(int listener, http_handler *handle, void *user);

#endif
