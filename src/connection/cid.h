/* cid.h - connection IDs after the handshake of DTLS 1.3 (RFC 9147 9): NewConnectionId and RequestConnectionId, each a
 * flight of its own, one of a kind at a time. */
#ifndef TERN_CONNECTION_CID_H
#define TERN_CONNECTION_CID_H

#include "connection/conn.h"
#include "flight/inbox.h"

/* A NewConnectionId or a RequestConnectionId, which no other type is. */
bool cid_has(uint8_t type);
tern_error cid_receive(tern_conn *conn, const struct message *m);
/* Posts what is due, as far as it may be now. NO_MEMORY and what making IDs gives. */
tern_error cid_go_on(tern_conn *conn);
/* The peer uses the new ones now: gives up those that they replace. */
void cid_moved(tern_conn *conn);

#endif
