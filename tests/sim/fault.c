#include "sim/fault.h"

#include <string.h>

#include "crypto/stub/stub.h"
#include "sim/invariants.h"

static const struct {
	const char *name;
	tern_error error;
} kinds[NUM_FAULTS] = {[FAULT_NONE] = {"none", TERN_OK},
#define TERN_NO_MEMORY TERN_ERROR_NO_MEMORY
#define X(fault, command, error) [FAULT_##fault] = {command, TERN_##error},
		       FAULTS(X)
#undef X
#undef TERN_NO_MEMORY
};

const char *fault_name(enum fault_kind kind)
{
	return kinds[kind].name;
}

bool fault_by_name(const char *name, size_t n, enum fault_kind *kind)
{
	for (size_t i = 1; i < NUM_FAULTS; i++) {
		if (strlen(kinds[i].name) != n || memcmp(kinds[i].name, name, n) != 0)
			continue;
		*kind = (enum fault_kind)i;
		return true;
	}
	return false;
}

bool fault_explains(enum fault_kind kind, tern_error error)
{
	if (kind == FAULT_MEMORY && error == TERN_ERROR_BUDGET)
		return true;
	return error != TERN_OK && kinds[kind].error == error;
}

bool fault_now(struct faults *f, enum fault_kind kind)
{
	bool now = ++f->calls[kind] == f->at && f->kind == kind;
	f->happened |= now;
	return now;
}

/* ---- provider ---- */

static bool fails(const struct crypto *c, enum fault_kind kind)
{
	struct memory *m = c->heap->user;
	return fault_now(&m->faults, kind);
}

/* The functions of a group do not say which group they are of. */
#define GROUP(i)                                                                                                       \
	static tern_error offer##i(struct crypto *c, struct group_private *priv, uint8_t *share)                       \
	{                                                                                                              \
		return fails(c, FAULT_OFFER) ? TERN_ERROR_CRYPTO : stub_groups[i]->offer(c, priv, share);              \
	}                                                                                                              \
	static tern_error answer##i(struct crypto *c, struct span peer, uint8_t *share, uint8_t *secret)               \
	{                                                                                                              \
		return fails(c, FAULT_ANSWER) ? TERN_ERROR_CRYPTO : stub_groups[i]->answer(c, peer, share, secret);    \
	}                                                                                                              \
	static tern_error finish##i(struct crypto *c, const struct group_private *priv, struct span peer,              \
				    uint8_t *secret)                                                                   \
	{                                                                                                              \
		return fails(c, FAULT_FINISH) ? TERN_ERROR_CRYPTO : stub_groups[i]->finish(c, priv, peer, secret);     \
	}

GROUP(0)
GROUP(1)
GROUP(2)
GROUP(3)

static tern_error verify(struct crypto *c, struct peer_chain *peer, const struct scheme_alg *scheme, struct span tbs,
			 struct span signature)
{
	return fails(c, FAULT_VERIFY) ? TERN_ERROR_CRYPTO : stub_verify(c, peer, scheme, tbs, signature);
}

static tern_error chain_parse(struct crypto *c, struct peer_chain **out, const struct span *chain, size_t n,
			      bool raw_key)
{
	return fails(c, FAULT_CHAIN_PARSE) ? TERN_ERROR_CRYPTO : stub_chain_parse(c, out, chain, n, raw_key);
}

static tern_error chain_check(struct crypto *c, struct peer_chain *chain, const struct trust *trust,
			      enum purpose purpose, int64_t unix_s, int64_t *expires_unix_s)
{
	return fails(c, FAULT_CHAIN_CHECK) ? TERN_ERROR_CRYPTO
					   : stub_chain_check(c, chain, trust, purpose, unix_s, expires_unix_s);
}

void fault_provider(struct provider *p)
{
	static struct group_alg groups[4];
	static const struct group_alg *list[5];
#define X(i)                                                                                                           \
	groups[i] = *stub_groups[i];                                                                                   \
	groups[i].offer = offer##i;                                                                                    \
	groups[i].answer = answer##i;                                                                                  \
	groups[i].finish = finish##i;                                                                                  \
	list[i] = &groups[i];
	X(0)
	X(1)
	X(2)
	X(3)
#undef X
	p->groups = list;
	p->verify = verify;
	p->chain_parse = chain_parse;
	p->chain_check = chain_check;
}
