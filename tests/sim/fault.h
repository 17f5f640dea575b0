/* fault.h - one call of one side that fails, or one step of its clock that is no step: what a schedule may ask for. */
#ifndef TERN_TESTS_SIM_FAULT_H
#define TERN_TESTS_SIM_FAULT_H

#include "crypto/crypto.h"

/* X(name, what it is called in commands, the error its side may end with; OK: none, it must go on) */
#define FAULTS(X)                                                                                                      \
	X(MEMORY, "memory", NO_MEMORY) /* or BUDGET */                                                                 \
	X(RANDOM, "random", ERROR_RANDOM)                                                                              \
	X(AEAD_SET, "aead-set", ERROR_CRYPTO)                                                                          \
	X(SEAL, "seal", ERROR_CRYPTO)                                                                                  \
	X(OPEN, "open", OK)                                                                                            \
	X(MASK, "mask", ERROR_CRYPTO)                                                                                  \
	X(OFFER, "offer", ERROR_CRYPTO)                                                                                \
	X(ANSWER, "answer", ERROR_CRYPTO)                                                                              \
	X(FINISH, "finish", ERROR_CRYPTO)                                                                              \
	X(SIGN, "sign", ERROR_CRYPTO)                                                                                  \
	X(VERIFY, "verify", ERROR_CRYPTO)                                                                              \
	X(CHAIN_PARSE, "chain-parse", ERROR_CRYPTO)                                                                    \
	X(CHAIN_CHECK, "chain-check", ERROR_CRYPTO)                                                                    \
	X(MONO_FORWARD, "mono-forward", OK)                                                                            \
	X(MONO_BACK, "mono-back", OK)                                                                                  \
	X(MONO_END, "mono-end", ERROR_TIMEOUT)                                                                         \
	X(UNIX_FORWARD, "unix-forward", OK)                                                                            \
	X(UNIX_BACK, "unix-back", OK)                                                                                  \
	X(UNIX_NEGATIVE, "unix-negative", OK)                                                                          \
	X(SMALL, "small", OK) /* all buffers are too small at first */

enum fault_kind {
	FAULT_NONE,
#define X(name, command, error) FAULT_##name,
	FAULTS(X)
#undef X
		NUM_FAULTS
};
#define FAULT_CLOCKS FAULT_MONO_FORWARD /* from here to below FAULT_SMALL: at a step of the world's */

struct fault {
	enum fault_kind kind;
	unsigned side;
	uint64_t at; /* the call that fails, from 1 */
};

/* A side's: how often each kind could have happened, and whether it did. */
struct faults {
	enum fault_kind kind; /* NONE: it is the other side's */
	uint64_t at, calls[NUM_FAULTS];
	bool happened;
};

const char *fault_name(enum fault_kind kind);
bool fault_by_name(const char *name, size_t n, enum fault_kind *kind);
/* What a connection may end with. */
bool fault_explains(enum fault_kind kind, tern_error error);

/* Counts a call; true when it is the one that fails. */
bool fault_now(struct faults *f, enum fault_kind kind);

/* The groups, verification and certificates of a provider whose contexts' heap belongs to a struct memory. */
void fault_provider(struct provider *p);

#endif
