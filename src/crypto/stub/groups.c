/* Diffie-Hellman with multiplication for exponentiation: anybody can divide, but both sides get the same secret, and
 * another secret from any other pair of shares. */
#include "crypto/stub/stub.h"

#define PRIME ((UINT64_C(1) << 61) - 1)
#define GENERATOR UINT64_C(0x123456789abcdef)

static uint64_t multiply(uint64_t a, uint64_t b)
{
	return (uint64_t)((unsigned __int128)a * b % PRIME);
}

/* 8 bytes of number, the rest derived from it. NIST shares begin with the byte 4. */
static void put_number(const struct group_alg *group, uint8_t *out, size_t n, uint64_t v)
{
	size_t start = n % 2;
	if (start)
		out[0] = 4;
	for (size_t i = start; i < n; i += 8)
		stub_store(out + i, i == start ? v : stub_scramble(v + group->id + i), n - i < 8 ? n - i : 8);
}

static tern_error get_share(const struct group_alg *group, struct span share, uint64_t *v)
{
	uint8_t whole[GROUP_SHARE_MAX];
	if (share.n != group->offer_len)
		return TERN_ERROR_ILLEGAL_PARAMETER;
	*v = stub_load(share.p + share.n % 2, 8);
	put_number(group, whole, share.n, *v);
	if (*v == 0 || *v >= PRIME || memcmp(whole, share.p, share.n) != 0)
		return TERN_ERROR_ILLEGAL_PARAMETER;
	return TERN_OK;
}

static tern_error offer(struct crypto *c, const struct group_alg *group, struct group_private *priv, uint8_t *share)
{
	TRY(stub_random(c, priv->bytes, 8));
	stub_store(priv->bytes, 1 + stub_load(priv->bytes, 8) % (PRIME - 1), 8);
	put_number(group, share, group->offer_len, multiply(stub_load(priv->bytes, 8), GENERATOR));
	return TERN_OK;
}

static tern_error finish(const struct group_alg *group, const struct group_private *priv, struct span answer,
			 uint8_t *secret)
{
	uint64_t v;
	TRY(get_share(group, answer, &v));
	put_number(group, secret, group->secret_len, multiply(stub_load(priv->bytes, 8), v));
	return TERN_OK;
}

static tern_error answer(struct crypto *c, const struct group_alg *group, struct span peer, uint8_t *share,
			 uint8_t *secret)
{
	struct group_private priv;
	TRY(offer(c, group, &priv, share));
	return finish(group, &priv, peer, secret);
}

#define GROUP(name, number, share_len, secret_len)                                                                     \
	static const struct group_alg name;                                                                            \
	static tern_error name##_offer(struct crypto *c, struct group_private *priv, uint8_t *share)                   \
	{                                                                                                              \
		return offer(c, &name, priv, share);                                                                   \
	}                                                                                                              \
	static tern_error name##_answer(struct crypto *c, struct span peer, uint8_t *share, uint8_t *secret)           \
	{                                                                                                              \
		return answer(c, &name, peer, share, secret);                                                          \
	}                                                                                                              \
	static tern_error name##_finish(struct crypto *c, const struct group_private *priv, struct span peer,          \
					uint8_t *secret)                                                               \
	{                                                                                                              \
		(void)c;                                                                                               \
		return finish(&name, priv, peer, secret);                                                              \
	}                                                                                                              \
	static const struct group_alg name = {number,	  #name,	share_len,     share_len,                      \
					      secret_len, name##_offer, name##_answer, name##_finish};

GROUP(secp256r1, 23, 65, 32)
GROUP(x25519, 29, 32, 32)
GROUP(secp384r1, 24, 97, 48)

const struct group_alg *const stub_groups[] = {&secp256r1, &x25519, &secp384r1, NULL};
