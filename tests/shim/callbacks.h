/* callbacks.h - what Tern asks its caller: signatures, verdicts on the peer's certificate, stored sessions. With -async
 * each question is left open first and answered by tern_conn_resume. */
#ifndef SHIM_CALLBACKS_H
#define SHIM_CALLBACKS_H

#include <openssl/evp.h>

#include "flags.h"
#include "tern/tern.h"

enum { STORED_SESSIONS = 8, SIGNATURE_MAX = 1024, SIGNED_MAX = 1024 };

struct stored_session {
	uint8_t id[32], session[TERN_SESSION_MAX];
	size_t id_len, len;
};

/* Outlives a connection: a resumed one looks here. */
struct session_shelf {
	struct stored_session at[STORED_SESSIONS];
	size_t num, asked; /* asked: the one an open job wants; STORED_SESSIONS: none */
};

struct signer {
	EVP_PKEY *key;
	bool async;
	/* An open job */
	uint16_t scheme;
	uint8_t tbs[SIGNED_MAX];
	size_t tbs_len;
};

struct callbacks {
	const struct flags *flags;
	struct session_shelf *shelf;
	struct signer signers[FLAG_CREDENTIALS + 1];
	size_t num_signers;
};

tern_sign_fn callback_sign; /* user: struct signer */
tern_verify_fn callback_verify; /* user: struct callbacks */
tern_session_store callback_store(struct callbacks *callbacks);

/* Whether the question for the peer's certificate is answered by aborting with handshake_failure. */
bool callback_refuses(const struct callbacks *callbacks);

/* The answer to a job that was left open. The bytes it points to stay valid until the next call. */
tern_error callback_answer(struct callbacks *callbacks, const tern_event *pending, tern_answer *answer,
			   uint8_t signature[SIGNATURE_MAX]);

#endif
