/* auth13.h - client authentication after the handshake (RFC 8446 4.6.2): a handshake that walks script_auth13, and what
 * the main handshake leaves for it. */
#ifndef TERN_HANDSHAKE_AUTH13_H
#define TERN_HANDSHAKE_AUTH13_H

#include "handshake/handshake.h"

struct auth_base {
	struct hash_state transcript; /* from ClientHello to the client's Finished: RFC 8446 4.4 */
	bool raw_own, raw_peer;
};

/* Whether a completed handshake allows it: the client offered it, we want it, and the keys do not come from a PSK that
 * no handshake made (RFC 8446 has no such limit yet; its successor has). */
bool auth13_allowed(const struct handshake *hs);
void auth13_keep(const struct handshake *hs, struct auth_base *out);

/* A handshake at the start of script_auth13. context: a server's, copied; a client learns it from the message.
 * traffic_secret: the client's, of the epoch in which its messages are. outcome: the connection's. Of its own epochs
 * and message numbers it knows nothing: a client's messages are numbered by whoever sends them. */
tern_error auth13_new(struct handshake **out, enum role role, tern_pool *pool, tern_conn *conn,
		      struct record_layer *records, tern_failure *failure, const struct outcome *outcome,
		      const struct auth_base *base, struct span context, tern_time now);
/* The client's secret has changed by a key update while its answer was awaited. */
void auth13_set_secret(struct handshake *hs, const uint8_t *traffic_secret, size_t len);

#endif
