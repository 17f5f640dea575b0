/* step.h - a handshake as data: rows in protocol order, both roles. Options add rows, not orderings. */
#ifndef TERN_HANDSHAKE_STEP_H
#define TERN_HANDSHAKE_STEP_H

#include "handshake/handshake.h"

enum step_flags {
	STEP_PEER_MAY_SKIP = 1, /* only the peer knows whether this message comes */
	STEP_NOT_HASHED = 2,    /* not part of the transcript */
	STEP_SEND_ONLY = 4,     /* ChangeCipherSpec: no handshake message; the receiver goes by hs->peer_ccs */
	STEP_PROTECTED = 8      /* comes under the new keys, after the peer's ChangeCipherSpec */
};

struct step {
	uint8_t message; /* message_type; for STEP_SEND_ONLY the content type */
	uint8_t from;    /* role */
	uint8_t flags;
	bool (*present)(const struct handshake *hs); /* NULL: always */
	tern_error (*put)(struct handshake *hs, struct wr *w);
	tern_error (*get)(struct handshake *hs, struct span body);
	tern_error (*then)(struct handshake *hs); /* after the message, on both sides; NULL: nothing */
};

extern const struct step script12[];
extern const size_t num_script12;

#endif
