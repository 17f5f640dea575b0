/* messages13.h - the handlers of DTLS 1.3 messages that script13 names (RFC 8446 4, RFC 9147 5). */
#ifndef TERN_HANDSHAKE_MESSAGES13_H
#define TERN_HANDSHAKE_MESSAGES13_H

#include "handshake/handshake.h"

tern_error put_encrypted_extensions13(struct handshake *hs, struct wr *w);
tern_error get_encrypted_extensions13(struct handshake *hs, struct span body);
tern_error put_cert_request13(struct handshake *hs, struct wr *w);
tern_error get_cert_request13(struct handshake *hs, struct span body);
/* The same after the handshake, where it has a context: kept in hs->request_context. */
tern_error get_late_cert_request13(struct handshake *hs, struct span body);
tern_error put_own_certificate13(struct handshake *hs, struct wr *w);
tern_error get_server_certificate13(struct handshake *hs, struct span body);
tern_error get_client_certificate13(struct handshake *hs, struct span body);
tern_error put_cert_verify13(struct handshake *hs, struct wr *w);
tern_error get_cert_verify13(struct handshake *hs, struct span body);
tern_error put_finished13(struct handshake *hs, struct wr *w);
tern_error get_finished13(struct handshake *hs, struct span body);

/* HelloRetryRequest: stateful on a server that asks for no cookie. */
tern_error put_retry13(struct handshake *hs, struct wr *w);
tern_error get_retry13(struct handshake *hs, struct span body);
tern_error after_retry13(struct handshake *hs);

tern_error take_client_hello13(struct handshake *hs, const struct client_hello *hello, const struct extensions *ext);
tern_error fill_server_hello13(struct handshake *hs, struct server_hello *hello, struct extensions *ext);
tern_error take_server_hello13(struct handshake *hs, const struct server_hello *hello, const struct extensions *ext);

#endif
