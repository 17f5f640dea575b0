/* hellos.h - the hello messages, before the version is known (RFC 5246 7.4.1, RFC 8446 4.1, RFC 9147 5.3). */
#ifndef TERN_HANDSHAKE_HELLOS_H
#define TERN_HANDSHAKE_HELLOS_H

#include "handshake/handshake.h"

tern_error put_client_hello_message(struct handshake *hs, struct wr *w);
tern_error get_client_hello_message(struct handshake *hs, struct span body);
tern_error get_hello_verify(struct handshake *hs, struct span body);
tern_error put_server_hello_message(struct handshake *hs, struct wr *w);
tern_error get_server_hello_message(struct handshake *hs, struct span body);

/* Whether the body of a ServerHello is that of a HelloRetryRequest. */
bool is_retry_body(struct span body);

/* The version a server answers a hello with; NULL: none in common. */
const struct version *choose_version(const struct tern_config *config, const struct client_hello *hello,
				     const struct extensions *ext);

#endif
