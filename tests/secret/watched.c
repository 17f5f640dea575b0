#include "secret/watched.h"

#include "base/span.h"

static tern_error aead_set(struct aead_key *k, const struct aead_alg *alg, const uint8_t *key, const uint8_t *sn_key)
{
	uint8_t public_key[AEAD_KEY_MAX], public_sn[AEAD_KEY_MAX];
	tern_error error;
	memcpy(public_key, key, alg->key_len);
	VALGRIND_MAKE_MEM_DEFINED(public_key, sizeof public_key);
	if (sn_key)
		memcpy(public_sn, sn_key, alg->key_len);
	VALGRIND_MAKE_MEM_DEFINED(public_sn, sizeof public_sn);
	error = provider_libcrypto.aead_set(k, alg, public_key, sn_key ? public_sn : NULL);
	wipe(public_key, sizeof public_key);
	wipe(public_sn, sizeof public_sn);
	return error;
}

static tern_error aead_seal(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *out, const uint8_t *in,
			    size_t n)
{
	uint8_t public_nonce[AEAD_NONCE];
	tern_error error;
	memcpy(public_nonce, nonce, AEAD_NONCE);
	VALGRIND_MAKE_MEM_DEFINED(public_nonce, AEAD_NONCE);
	error = provider_libcrypto.aead_seal(k, public_nonce, aad, out, in, n);
	VALGRIND_MAKE_MEM_DEFINED(out, n + AEAD_TAG_MAX);
	VALGRIND_MAKE_MEM_DEFINED(&error, sizeof error);
	return error;
}

static bool aead_open(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *p, size_t n)
{
	uint8_t public_nonce[AEAD_NONCE];
	bool good;
	memcpy(public_nonce, nonce, AEAD_NONCE);
	VALGRIND_MAKE_MEM_DEFINED(public_nonce, AEAD_NONCE);
	good = provider_libcrypto.aead_open(k, public_nonce, aad, p, n);
	VALGRIND_MAKE_MEM_DEFINED(p, n);
	VALGRIND_MAKE_MEM_DEFINED(&good, sizeof good);
	return good;
}

/* The functions of a group do not say which group they are of: this is about the first. */
static const struct group_alg *inner;

static tern_error answer(struct crypto *c, struct span offer, uint8_t *share, uint8_t *secret)
{
	tern_error error = inner->answer(c, offer, share, secret);
	if (error == TERN_OK)
		VALGRIND_MAKE_MEM_UNDEFINED(secret, inner->secret_len);
	return error;
}

static tern_error finish(struct crypto *c, const struct group_private *priv, struct span peer, uint8_t *secret)
{
	tern_error error = inner->finish(c, priv, peer, secret);
	if (error == TERN_OK)
		VALGRIND_MAKE_MEM_UNDEFINED(secret, inner->secret_len);
	return error;
}

const struct provider *watched_provider(void)
{
	static struct provider p;
	static struct group_alg group;
	static const struct group_alg *groups[2] = {&group, NULL};
	inner = provider_libcrypto.groups[0];
	group = *inner;
	group.answer = answer;
	group.finish = finish;
	p = provider_libcrypto;
	p.name = "libcrypto under memcheck";
	p.groups = groups;
	p.aead_set = aead_set;
	p.aead_seal = aead_seal;
	p.aead_open = aead_open;
	return &p;
}
