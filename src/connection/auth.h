/* auth.h - client authentication after the handshake (RFC 8446 4.6.2). Between request and answer a server keeps no
 * more than the request's context: CertificateRequest is made again when its hash is needed. */
#ifndef TERN_CONNECTION_AUTH_H
#define TERN_CONNECTION_AUTH_H

#include "connection/conn.h"
#include "handshake/auth13.h"

#define AUTH_CONTEXT 16 /* random: unique, and nobody can sign ahead of time (RFC 8446 4.3.2) */
#define AUTH_WAITING 4 /* requests that a client keeps while it answers another */

struct auth {
	struct auth_base base;
	struct handshake *hs; /* from the first message of an answer until the application was told and came back */

	/* server */
	bool asked; /* a request is open */
	bool unsent; /* it waits for the end of a key update */
	bool required;
	uint8_t context[AUTH_CONTEXT];
	uint16_t next_seq; /* the client's messages follow upon each other */

	/* client */
	uint8_t num_waiting;
	struct span waiting[AUTH_WAITING]; /* bodies of requests; heap copies */
};

/* The handshake is complete. */
tern_error auth_keep(tern_conn *conn);
void auth_free(tern_conn *conn);
bool auth_has(uint8_t type); /* whether such a message after the handshake is auth_receive's */
/* *answered: a client has answered it at once, which acknowledges it. */
tern_error auth_receive(tern_conn *conn, const struct message *m, bool *answered, tern_time now);
/* Again when a job is answered, or when messages may be posted again. */
tern_error auth_go_on(tern_conn *conn, tern_time now);
/* The authentication that awaits a job; NULL: none. */
struct handshake *auth_under_way(const tern_conn *conn);
/* The certificate that was shown, as long as it is kept; NULL: none. */
const struct handshake *auth_shown(const tern_conn *conn);
/* The application was told and came back. */
void auth_settle(tern_conn *conn);

#endif
