/* messages12.h - the handlers of DTLS 1.2 messages that script12 names. put_x and get_x of one message stand in one
 * file: client12.c and server12.c (hellos), certificates12.c, kex12.c, finish12.c. */
#ifndef TERN_HANDSHAKE_MESSAGES12_H
#define TERN_HANDSHAKE_MESSAGES12_H

#include "handshake/handshake.h"

tern_error take_client_hello12(struct handshake *hs, const struct client_hello *hello, const struct extensions *ext);
tern_error fill_server_hello12(struct handshake *hs, struct server_hello *hello, struct extensions *ext);
tern_error take_server_hello12(struct handshake *hs, const struct server_hello *hello, const struct extensions *ext);

tern_error put_own_certificate12(struct handshake *hs, struct wr *w);
tern_error get_server_certificate12(struct handshake *hs, struct span body);
tern_error put_cert_request12(struct handshake *hs, struct wr *w);
tern_error get_cert_request12(struct handshake *hs, struct span body);
tern_error get_client_certificate12(struct handshake *hs, struct span body);
tern_error put_cert_verify12(struct handshake *hs, struct wr *w);
tern_error get_cert_verify12(struct handshake *hs, struct span body);

tern_error put_server_kex12(struct handshake *hs, struct wr *w);
tern_error get_server_kex12(struct handshake *hs, struct span body);
tern_error put_hello_done12(struct handshake *hs, struct wr *w);
tern_error get_hello_done12(struct handshake *hs, struct span body);
tern_error put_client_kex12(struct handshake *hs, struct wr *w);
tern_error get_client_kex12(struct handshake *hs, struct span body);

tern_error put_ticket12(struct handshake *hs, struct wr *w);
tern_error get_ticket12(struct handshake *hs, struct span body);
tern_error put_change_cipher_spec(struct handshake *hs, struct wr *w);
tern_error put_finished12(struct handshake *hs, struct wr *w);
tern_error get_finished12(struct handshake *hs, struct span body);

#endif
