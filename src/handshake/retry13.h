/* retry13.h - HelloRetryRequest on a server: for a group, or, statelessly, for a cookie (RFC 8446 4.1.4, 4.2.2, RFC
 * 9147 5.1, 11).
 *
 * The cookie holds what the transcript needs of the first hello: the suite, the group asked for, and the hash; behind a
 * MAC that covers it and the peer's address. The retry is a function of the hello, the address and the key slot, so
 * repeats are identical and the server can write it again when the cookie comes back. */
#ifndef TERN_HANDSHAKE_RETRY13_H
#define TERN_HANDSHAKE_RETRY13_H

#include "handshake/handshake.h"

#define COOKIE13_MAX (1 + 2 + 2 + 1 + SECRET13_MAX + 16)

/* The body of the HelloRetryRequest that answers a first hello; false when nothing is shared with the client, and an
 * association is needed to tell it so. group 0: its share will do. */
bool retry13_make(const struct cookie_keys *keys, const struct provider *p, const struct tern_config *config,
		  const struct client_hello *hello, const struct extensions *ext, struct span hello_body,
		  const tern_path *path, struct wr *w);

/* Whether the cookie in a second hello is ours, for this address. */
bool retry13_cookie_valid(const struct cookie_keys *keys, struct span cookie, const tern_path *path);

/* A connection that begins with the second hello: its transcript is made from the cookie. ILLEGAL_PARAMETER when it is
 * not ours. */
tern_error retry13_take_cookie(struct handshake *hs, const struct client_hello *hello, const struct extensions *ext);

#endif
