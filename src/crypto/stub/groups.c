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

static tern_error get_share(const struct group_alg *group, size_t len, struct span share, uint64_t *v)
{
	uint8_t whole[GROUP_SHARE_MAX];
	if (share.n != len)
		return TERN_ERROR_ILLEGAL_PARAMETER;
	*v = stub_load(share.p + share.n % 2, 8);
	put_number(group, whole, share.n, *v);
	if (*v == 0 || *v >= PRIME || memcmp(whole, share.p, share.n) != 0)
		return TERN_ERROR_ILLEGAL_PARAMETER;
	return TERN_OK;
}

static tern_error make_share(struct crypto *c, const struct group_alg *group, struct group_private *priv,
			     uint8_t *share, size_t len)
{
	TRY(stub_random(c, priv->bytes, 8));
	stub_store(priv->bytes, 1 + stub_load(priv->bytes, 8) % (PRIME - 1), 8);
	put_number(group, share, len, multiply(stub_load(priv->bytes, 8), GENERATOR));
	return TERN_OK;
}

static tern_error agree(const struct group_alg *group, const struct group_private *priv, size_t len, struct span peer,
			uint8_t *secret)
{
	uint64_t v;
	TRY(get_share(group, len, peer, &v));
	put_number(group, secret, group->secret_len, multiply(stub_load(priv->bytes, 8), v));
	return TERN_OK;
}

static tern_error answer(struct crypto *c, const struct group_alg *group, struct span peer, uint8_t *share,
			 uint8_t *secret)
{
	struct group_private priv;
	TRY(make_share(c, group, &priv, share, group->answer_len));
	return agree(group, &priv, group->offer_len, peer, secret);
}

#define GROUP(name, number, offer_len, answer_len, secret_len, only13)                                                 \
	static const struct group_alg name;                                                                            \
	static tern_error name##_offer(struct crypto *c, struct group_private *priv, uint8_t *share)                   \
	{                                                                                                              \
		return make_share(c, &name, priv, share, offer_len);                                                   \
	}                                                                                                              \
	static tern_error name##_answer(struct crypto *c, struct span peer, uint8_t *share, uint8_t *secret)           \
	{                                                                                                              \
		return answer(c, &name, peer, share, secret);                                                          \
	}                                                                                                              \
	static tern_error name##_finish(struct crypto *c, const struct group_private *priv, struct span peer,          \
					uint8_t *secret)                                                               \
	{                                                                                                              \
		(void)c;                                                                                               \
		return agree(&name, priv, answer_len, peer, secret);                                                   \
	}                                                                                                              \
	static const struct group_alg name = {number, #name, offer_len,	   answer_len,	  secret_len,                  \
					      only13, NULL,  name##_offer, name##_answer, name##_finish};

GROUP(secp256r1, 23, 65, 65, 32, false)
GROUP(x25519, 29, 32, 32, 32, false)
GROUP(secp384r1, 24, 97, 97, 48, false)
GROUP(X25519MLKEM768, 0x11ec, 1216, 1120, 64, true)

const struct group_alg *const stub_groups[] = {&secp256r1, &x25519, &secp384r1, &X25519MLKEM768, NULL};
