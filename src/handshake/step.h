/* step.h - a handshake as data: rows in protocol order, both roles. Options add rows, not orderings. */
#ifndef TERN_HANDSHAKE_STEP_H
#define TERN_HANDSHAKE_STEP_H

#include "handshake/handshake.h"

enum step_flags {
	STEP_PEER_MAY_SKIP = 1, /* only the peer knows whether this message comes */
	STEP_NOT_HASHED = 2, /* not part of the transcript */
	STEP_SEND_ONLY = 4, /* ChangeCipherSpec: no handshake message; the receiver goes by hs->peer_ccs */
	STEP_AFTER_CCS = 8, /* DTLS 1.2: not before the peer's ChangeCipherSpec */
	STEP_RETRY = 16, /* the ServerHello that is a HelloRetryRequest (RFC 8446 4.1.3) */
	STEP_LAST = 32 /* the sender's last in this epoch */
};

struct step {
	uint8_t message; /* message_type; for STEP_SEND_ONLY the content type */
	uint8_t from; /* role */
	uint8_t flags;
	uint16_t epoch; /* that the peer's message must come in */
	bool (*present)(const struct handshake *hs); /* NULL: always */
	tern_error (*put)(struct handshake *hs, struct wr *w);
	tern_error (*get)(struct handshake *hs, struct span body);
	tern_error (*then)(struct handshake *hs); /* after the message, on both sides; NULL: nothing */
};

/* The hellos of all versions; then each version's own. */
extern const struct step script_hello[], script12[], script13[];
/* Client authentication after the handshake of DTLS 1.3. */
extern const struct step script_auth13[];
extern const size_t num_script_hello, num_script12, num_script13, num_script_auth13;

#endif
