/* resume12.h - sessions in DTLS 1.2: offered, found, taken up, made (RFC 5246 7.3, RFC 5077, RFC 7627 5.3). */
#ifndef TERN_HANDSHAKE_RESUME12_H
#define TERN_HANDSHAKE_RESUME12_H

#include "handshake/handshake.h"

/* Server: what the hello offers to resume, by ticket or by id; *found NULL when there is nothing that fits. *stale: the
 * ticket works but deserves a new one. May pend. Changes nothing. */
tern_error find_session12(struct handshake *hs, const struct client_hello *hello, const struct extensions *ext,
			  struct session **found, bool *stale);

/* Both: the handshake goes on as a resumption of s. */
void take_up_session(struct handshake *hs, const struct session *s);

/* Whether a session holds the names of this handshake in full: else none is made, since a resumed peer would bear none.
 */
bool names_fit_session(const struct outcome *o);

/* Server, after the client's Finished or in the ticket: puts the session with an id into the store. */
void store_session12(struct handshake *hs);

#endif
