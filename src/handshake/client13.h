/* client13.h - what the common client hello asks of DTLS 1.3. */
#ifndef TERN_HANDSHAKE_CLIENT13_H
#define TERN_HANDSHAKE_CLIENT13_H

#include "handshake/handshake.h"

/* Adds versions, key shares, PSK modes and PSKs to hs->offered. */
tern_error offer13(struct handshake *hs);
/* Whether DTLS 1.3 is in our hello: it is allowed, and we have something to judge the server by. */
bool offers13(const struct handshake *hs);

#endif
