/* P-256 and P-384 by EC_POINT_mul on kept objects: an EVP_PKEY per handshake costs about as much as the mathematics.
 * RFC 8422 5.4, 5.11; RFC 7748 6.1. X25519MLKEM768: draft-ietf-tls-ecdhe-mlkem 4. */
#include <openssl/core_names.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>

#include "crypto/libcrypto/libcrypto.h"

#define SCALAR_TRIES 64
#define CURVE_SHARE_MAX 97 /* P-384, uncompressed */
#define X25519_LEN 32

static tern_error curve_open(struct curve *curve, int nid, size_t field_len)
{
	curve->field_len = field_len;
	curve->group = EC_GROUP_new_by_curve_name(nid);
	if (!curve->group)
		return TERN_ERROR_CRYPTO;
	curve->point = EC_POINT_new(curve->group);
	curve->result = EC_POINT_new(curve->group);
	return curve->point && curve->result ? TERN_OK : TERN_ERROR_NO_MEMORY;
}

tern_error libcrypto_groups_open(struct crypto *c)
{
	c->bn = BN_CTX_secure_new();
	c->scalar = BN_new();
	c->x25519 = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
	if (!c->bn || !c->scalar || !c->x25519)
		return TERN_ERROR_NO_MEMORY;
	if (EVP_PKEY_fromdata_init(c->x25519) != 1)
		return TERN_ERROR_CRYPTO;
	BN_set_flags(c->scalar, BN_FLG_CONSTTIME);
	TRY(curve_open(&c->curves[CURVE_P256], NID_X9_62_prime256v1, 32));
	return curve_open(&c->curves[CURVE_P384], NID_secp384r1, 48);
}

void libcrypto_groups_close(struct crypto *c)
{
	for (size_t i = 0; i < NUM_CURVES; i++) {
		EC_POINT_clear_free(c->curves[i].point);
		EC_POINT_clear_free(c->curves[i].result);
		EC_GROUP_free(c->curves[i].group);
	}
	BN_clear_free(c->scalar);
	BN_CTX_free(c->bn);
	EVP_PKEY_CTX_free(c->x25519);
}

/* A uniform number from 1 to the order minus 1, in bytes and in c->scalar. */
static tern_error draw_scalar(struct crypto *c, const struct curve *curve, uint8_t *bytes)
{
	const BIGNUM *order = EC_GROUP_get0_order(curve->group);
	for (int i = 0; i < SCALAR_TRIES; i++) {
		TRY(libcrypto_random(c, bytes, curve->field_len));
		if (!BN_bin2bn(bytes, (int)curve->field_len, c->scalar))
			return TERN_ERROR_NO_MEMORY;
		if (!BN_is_zero(c->scalar) && BN_ucmp(c->scalar, order) < 0)
			return TERN_OK;
	}
	return TERN_ERROR_RANDOM;
}

/* c->scalar times point, or times the generator: an uncompressed point of 1 + 2 * field_len bytes. */
static tern_error multiply(struct crypto *c, const struct curve *curve, bool generator, uint8_t *out)
{
	size_t len = 1 + 2 * curve->field_len;
	bool ok =
		EC_POINT_mul(curve->group, curve->result, generator ? c->scalar : NULL, generator ? NULL : curve->point,
			     generator ? NULL : c->scalar, c->bn) &&
		EC_POINT_point2oct(curve->group, curve->result, POINT_CONVERSION_UNCOMPRESSED, out, len, c->bn) == len;
	return ok ? TERN_OK : TERN_ERROR_CRYPTO;
}

/* The peer's share to curve->point: RFC 8422 5.11 wants the uncompressed form and a point on the curve. */
static tern_error load_share(struct crypto *c, const struct curve *curve, struct span share)
{
	if (share.n != 1 + 2 * curve->field_len || share.p[0] != POINT_CONVERSION_UNCOMPRESSED ||
	    !EC_POINT_oct2point(curve->group, curve->point, share.p, share.n, c->bn))
		return TERN_ERROR_ILLEGAL_PARAMETER;
	return TERN_OK;
}

/* The shared secret of c->scalar and curve->point: the x-coordinate. */
static tern_error curve_secret(struct crypto *c, const struct curve *curve, uint8_t *secret)
{
	uint8_t product[CURVE_SHARE_MAX];
	tern_error error = multiply(c, curve, false, product);
	if (error == TERN_OK)
		memcpy(secret, product + 1, curve->field_len);
	wipe(product, sizeof product);
	return error;
}

static tern_error ec_done(struct crypto *c, tern_error error)
{
	BN_clear(c->scalar);
	return error == TERN_OK ? error : libcrypto_fail(error);
}

static tern_error ec_offer(struct crypto *c, enum curve_id id, struct group_private *priv, uint8_t *share)
{
	const struct curve *curve = &c->curves[id];
	tern_error error = draw_scalar(c, curve, priv->bytes);
	if (error == TERN_OK)
		error = multiply(c, curve, true, share);
	return ec_done(c, error);
}

static tern_error answer_parts(struct crypto *c, const struct curve *curve, struct span offer, uint8_t *share,
			       uint8_t *secret)
{
	struct group_private priv;
	tern_error error;
	TRY(load_share(c, curve, offer));
	error = draw_scalar(c, curve, priv.bytes);
	wipe(&priv, sizeof priv);
	TRY(error);
	TRY(multiply(c, curve, true, share));
	return curve_secret(c, curve, secret);
}

static tern_error ec_answer(struct crypto *c, enum curve_id id, struct span offer, uint8_t *share, uint8_t *secret)
{
	return ec_done(c, answer_parts(c, &c->curves[id], offer, share, secret));
}

static tern_error ec_finish(struct crypto *c, enum curve_id id, const struct group_private *priv, struct span answer,
			    uint8_t *secret)
{
	const struct curve *curve = &c->curves[id];
	tern_error error = load_share(c, curve, answer);
	if (error == TERN_OK && !BN_bin2bn(priv->bytes, (int)curve->field_len, c->scalar))
		error = TERN_ERROR_NO_MEMORY;
	if (error == TERN_OK)
		error = curve_secret(c, curve, secret);
	return ec_done(c, error);
}

static tern_error p256_offer(struct crypto *c, struct group_private *priv, uint8_t *share)
{
	return ec_offer(c, CURVE_P256, priv, share);
}

static tern_error p256_answer(struct crypto *c, struct span offer, uint8_t *share, uint8_t *secret)
{
	return ec_answer(c, CURVE_P256, offer, share, secret);
}

static tern_error p256_finish(struct crypto *c, const struct group_private *priv, struct span answer, uint8_t *secret)
{
	return ec_finish(c, CURVE_P256, priv, answer, secret);
}

static tern_error p384_offer(struct crypto *c, struct group_private *priv, uint8_t *share)
{
	return ec_offer(c, CURVE_P384, priv, share);
}

static tern_error p384_answer(struct crypto *c, struct span offer, uint8_t *share, uint8_t *secret)
{
	return ec_answer(c, CURVE_P384, offer, share, secret);
}

static tern_error p384_finish(struct crypto *c, const struct group_private *priv, struct span answer, uint8_t *secret)
{
	return ec_finish(c, CURVE_P384, priv, answer, secret);
}

/* Computes the public key, which costs as much as half a derivation. */
static EVP_PKEY *x25519_private(const struct group_private *priv)
{
	return EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, priv->bytes, X25519_LEN);
}

/* The same when priv has the public key behind the private one. */
static EVP_PKEY *x25519_pair(struct crypto *c, const struct group_private *priv)
{
	EVP_PKEY *key = NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, (void *)priv->bytes, X25519_LEN),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(priv->bytes + X25519_LEN),
						  X25519_LEN),
		OSSL_PARAM_construct_end(),
	};
	return EVP_PKEY_fromdata(c->x25519, &key, EVP_PKEY_KEYPAIR, params) == 1 ? key : NULL;
}

static tern_error x25519_public(EVP_PKEY *key, uint8_t *share)
{
	size_t len = X25519_LEN;
	return key && EVP_PKEY_get_raw_public_key(key, share, &len) == 1 && len == X25519_LEN ? TERN_OK
											      : TERN_ERROR_CRYPTO;
}

static bool x25519_derive(EVP_PKEY *key, EVP_PKEY *peer, uint8_t *secret)
{
	size_t len = X25519_LEN;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	bool ok = ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1 &&
		  EVP_PKEY_derive(ctx, secret, &len) == 1 && len == X25519_LEN;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

/* RFC 8422 5.11: an all-zero secret comes from a point of small order and ends the handshake. libcrypto's derivation
 * fails for such points, and for nothing else a peer can choose; the comparison does not rely on that. */
static tern_error x25519_secret(EVP_PKEY *key, struct span share, uint8_t *secret)
{
	static const uint8_t zero[X25519_LEN];
	EVP_PKEY *peer;
	bool ok;
	if (share.n != X25519_LEN)
		return TERN_ERROR_ILLEGAL_PARAMETER;
	peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, share.p, share.n);
	if (!peer || !key) {
		EVP_PKEY_free(peer);
		return TERN_ERROR_CRYPTO;
	}
	ok = x25519_derive(key, peer, secret) &&
	     !span_equal_secret(span_of(secret, X25519_LEN), span_of(zero, X25519_LEN));
	EVP_PKEY_free(peer);
	return ok ? TERN_OK : TERN_ERROR_ILLEGAL_PARAMETER;
}

static tern_error x25519_offer(struct crypto *c, struct group_private *priv, uint8_t *share)
{
	EVP_PKEY *key;
	tern_error error;
	TRY(libcrypto_random(c, priv->bytes, X25519_LEN));
	key = x25519_private(priv);
	error = x25519_public(key, share);
	EVP_PKEY_free(key);
	if (error == TERN_OK)
		memcpy(priv->bytes + X25519_LEN, share, X25519_LEN);
	return error == TERN_OK ? error : libcrypto_fail(error);
}

static tern_error x25519_answer(struct crypto *c, struct span offer, uint8_t *share, uint8_t *secret)
{
	struct group_private priv;
	EVP_PKEY *key;
	tern_error error;
	TRY(libcrypto_random(c, priv.bytes, X25519_LEN));
	key = x25519_private(&priv);
	wipe(&priv, sizeof priv);
	error = x25519_public(key, share);
	if (error == TERN_OK)
		error = x25519_secret(key, offer, secret);
	EVP_PKEY_free(key);
	return error == TERN_OK ? error : libcrypto_fail(error);
}

static tern_error x25519_finish(struct crypto *c, const struct group_private *priv, struct span answer, uint8_t *secret)
{
	EVP_PKEY *key = x25519_pair(c, priv);
	tern_error error = x25519_secret(key, answer, secret);
	EVP_PKEY_free(key);
	return error == TERN_OK ? error : libcrypto_fail(error);
}

static tern_error hybrid_offer(struct crypto *c, struct group_private *priv, uint8_t *share)
{
	TRY(x25519_offer(c, priv, share + MLKEM768_PUBLIC));
	return libcrypto_mlkem768_offer(c, priv->bytes + X25519_LEN, share);
}

static tern_error hybrid_answer(struct crypto *c, struct span offer, uint8_t *share, uint8_t *secret)
{
	if (offer.n != MLKEM768_PUBLIC + X25519_LEN)
		return TERN_ERROR_ILLEGAL_PARAMETER;
	TRY(libcrypto_mlkem768_answer(c, span_of(offer.p, MLKEM768_PUBLIC), share, secret));
	return x25519_answer(c, span_of(offer.p + MLKEM768_PUBLIC, X25519_LEN), share + MLKEM768_CIPHERTEXT,
			     secret + MLKEM768_SECRET);
}

static tern_error hybrid_finish(struct crypto *c, const struct group_private *priv, struct span answer, uint8_t *secret)
{
	if (answer.n != MLKEM768_CIPHERTEXT + X25519_LEN)
		return TERN_ERROR_ILLEGAL_PARAMETER;
	TRY(libcrypto_mlkem768_finish(priv->bytes + X25519_LEN, span_of(answer.p, MLKEM768_CIPHERTEXT), secret));
	return x25519_finish(c, priv, span_of(answer.p + MLKEM768_CIPHERTEXT, X25519_LEN), secret + MLKEM768_SECRET);
}

static const struct group_alg p256 = {23, "secp256r1", 65, 65, 32, false, NULL, p256_offer, p256_answer, p256_finish};
static const struct group_alg p384 = {24, "secp384r1", 97, 97, 48, false, NULL, p384_offer, p384_answer, p384_finish};
static const struct group_alg x25519 = {29,    "x25519", X25519_LEN,   X25519_LEN,    X25519_LEN,
					false, NULL,	 x25519_offer, x25519_answer, x25519_finish};
static const struct group_alg hybrid = {.id = 0x11ec,
					.name = "X25519MLKEM768",
					.offer_len = MLKEM768_PUBLIC + X25519_LEN,
					.answer_len = MLKEM768_CIPHERTEXT + X25519_LEN,
					.secret_len = MLKEM768_SECRET + X25519_LEN,
					.only13 = true,
					.available = libcrypto_mlkem768_available,
					.offer = hybrid_offer,
					.answer = hybrid_answer,
					.finish = hybrid_finish};

/* In order of cost, the cheapest first. */
const struct group_alg *const libcrypto_groups[] = {&p256, &x25519, &p384, &hybrid, NULL};
