/* What libcrypto's own operations cost when nothing stands around them: the least a library on libcrypto could need.
 * Objects are kept; nothing is fetched, parsed or allocated that could be made before the handshake. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "bench.h"

#define NONCE 12
#define AAD 13
#define EXPLICIT 8
#define POINT 65
#define FINISHED_RECORD 24 /* handshake header and verify_data */
#define TICKET 224

struct floor {
	const struct scenario *scenario;
	EC_GROUP *group;
	EC_POINT *point;
	BN_CTX *bn;
	BIGNUM *scalar;
	uint8_t peer_point[POINT], peer_x25519[32], scalar_bytes[32];
	EVP_PKEY_CTX *sign, *verify;
	uint8_t signature[128];
	size_t signature_len;
	X509_STORE *store;
	uint8_t *cert_der;
	long cert_len;
	EVP_CIPHER *cipher, *ticket_cipher;
	EVP_CIPHER_CTX *sealing, *opening, *ticket;
	int tag_len;
	uint8_t key[32], digest[32], records[64][BENCH_MTU], sealed_ticket[TICKET + 16];
};

static void check(bool ok, const char *what)
{
	if (!ok)
		bench_die(what);
}

/* ---- setting up ---- */

static void open_curve(struct floor *f)
{
	size_t n = 32;
	EVP_PKEY *peer = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	f->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	f->point = EC_POINT_new(f->group);
	f->bn = BN_CTX_new();
	memset(f->scalar_bytes, 0x5a, sizeof f->scalar_bytes);
	f->scalar = BN_bin2bn(f->scalar_bytes, sizeof f->scalar_bytes, NULL);
	BN_set_flags(f->scalar, BN_FLG_CONSTTIME);
	check(EC_POINT_point2oct(f->group, EC_GROUP_get0_generator(f->group), POINT_CONVERSION_UNCOMPRESSED,
				 f->peer_point, POINT, f->bn) == POINT,
	      "EC_POINT_point2oct");
	check(peer && EVP_PKEY_get_raw_public_key(peer, f->peer_x25519, &n) == 1, "X25519");
	EVP_PKEY_free(peer);
}

static void open_certificate(struct floor *f)
{
	BIO *ca_bio = BIO_new_mem_buf(identity.ca, (int)identity.ca_len);
	BIO *cert_bio = BIO_new_mem_buf(identity.cert, (int)identity.cert_len);
	BIO *key_bio = BIO_new_mem_buf(identity.key, (int)identity.key_len);
	X509 *ca = PEM_read_bio_X509(ca_bio, NULL, NULL, NULL), *cert = PEM_read_bio_X509(cert_bio, NULL, NULL, NULL);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
	check(ca && cert && key, "the bench's certificate");
	f->store = X509_STORE_new();
	check(X509_STORE_add_cert(f->store, ca) == 1, "X509_STORE_add_cert");
	f->cert_len = i2d_X509(cert, &f->cert_der);
	f->sign = EVP_PKEY_CTX_new(key, NULL);
	f->verify = EVP_PKEY_CTX_new(key, NULL);
	f->signature_len = sizeof f->signature;
	check(EVP_PKEY_sign_init(f->sign) == 1 && EVP_PKEY_verify_init(f->verify) == 1 &&
		      EVP_PKEY_sign(f->sign, f->signature, &f->signature_len, f->digest, sizeof f->digest) == 1,
	      "EVP_PKEY_sign");
	EVP_PKEY_free(key);
	X509_free(ca);
	X509_free(cert);
	BIO_free(ca_bio);
	BIO_free(cert_bio);
	BIO_free(key_bio);
}

/* The form of TLS 1.2 is the cheapest: libcrypto makes nonces, takes all of a record in one call and works in place. */
static EVP_CIPHER_CTX *open_aead(const struct floor *f, bool sealing)
{
	static const int fixed[] = {[BENCH_GCM] = -1, [BENCH_CHACHA] = NONCE, [BENCH_CCM8] = 4};
	uint8_t iv[NONCE] = {0};
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	check(ctx && EVP_CipherInit_ex2(ctx, f->cipher, NULL, NULL, sealing, NULL) == 1 &&
		      EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, NONCE, NULL) == 1,
	      "EVP_CipherInit");
	if (f->scenario->aead == BENCH_CCM8)
		check(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, f->tag_len, NULL) == 1, "tag length");
	check(EVP_CipherInit_ex2(ctx, NULL, f->key, NULL, sealing, NULL) == 1 &&
		      EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IV_FIXED, fixed[f->scenario->aead], iv) == 1,
	      "key");
	return ctx;
}

static bool ticket_crypt(struct floor *f, bool sealing, uint8_t *p)
{
	uint8_t nonce[NONCE] = {0};
	int n;
	return EVP_CipherInit_ex2(f->ticket, NULL, f->key, nonce, sealing, NULL) &&
	       (sealing || EVP_CIPHER_CTX_ctrl(f->ticket, EVP_CTRL_AEAD_SET_TAG, 16, p + TICKET)) &&
	       EVP_CipherUpdate(f->ticket, p, &n, p, TICKET) && EVP_CipherFinal_ex(f->ticket, p + TICKET, &n) &&
	       (!sealing || EVP_CIPHER_CTX_ctrl(f->ticket, EVP_CTRL_AEAD_GET_TAG, 16, p + TICKET));
}

struct floor *floor_new(const struct scenario *s)
{
	static const char *const names[] = {"AES-128-GCM", "ChaCha20-Poly1305", "AES-128-CCM"};
	struct floor *f = calloc(1, sizeof *f);
	check(f != NULL, "out of memory");
	f->scenario = s;
	f->tag_len = s->aead == BENCH_CCM8 ? 8 : 16;
	f->cipher = EVP_CIPHER_fetch(NULL, names[s->aead], NULL);
	f->ticket_cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	check(f->cipher && f->ticket_cipher, "EVP_CIPHER_fetch");
	open_curve(f);
	open_certificate(f);
	f->sealing = open_aead(f, true);
	f->opening = open_aead(f, false);
	f->ticket = EVP_CIPHER_CTX_new();
	check(EVP_CipherInit_ex2(f->ticket, f->ticket_cipher, NULL, NULL, 1, NULL) == 1 &&
		      ticket_crypt(f, true, f->sealed_ticket),
	      "the ticket");
	return f;
}

void floor_free(struct floor *f)
{
	EVP_CIPHER_CTX_free(f->sealing);
	EVP_CIPHER_CTX_free(f->opening);
	EVP_CIPHER_CTX_free(f->ticket);
	EVP_CIPHER_free(f->cipher);
	EVP_CIPHER_free(f->ticket_cipher);
	EVP_PKEY_CTX_free(f->sign);
	EVP_PKEY_CTX_free(f->verify);
	X509_STORE_free(f->store);
	OPENSSL_free(f->cert_der);
	BN_free(f->scalar);
	BN_CTX_free(f->bn);
	EC_POINT_free(f->point);
	EC_GROUP_free(f->group);
	free(f);
}

/* ---- the operations ---- */

/* Our own key and share, then the secret. */
static void exchange_p256(struct floor *f)
{
	uint8_t out[POINT];
	check(EC_POINT_mul(f->group, f->point, f->scalar, NULL, NULL, f->bn) &&
		      EC_POINT_point2oct(f->group, f->point, POINT_CONVERSION_UNCOMPRESSED, out, POINT, f->bn) &&
		      EC_POINT_oct2point(f->group, f->point, f->peer_point, POINT, f->bn) &&
		      EC_POINT_mul(f->group, f->point, NULL, f->point, f->scalar, f->bn) &&
		      EC_POINT_point2oct(f->group, f->point, POINT_CONVERSION_UNCOMPRESSED, out, POINT, f->bn),
	      "P-256");
}

static void exchange_x25519(struct floor *f)
{
	uint8_t secret[32];
	size_t n = sizeof secret;
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, f->scalar_bytes, 32);
	EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, f->peer_x25519, 32);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	check(ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1 &&
		      EVP_PKEY_derive(ctx, secret, &n) == 1,
	      "X25519");
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	EVP_PKEY_free(peer);
}

static void sign(struct floor *f)
{
	uint8_t signature[128];
	size_t n = sizeof signature;
	check(EVP_PKEY_sign(f->sign, signature, &n, f->digest, sizeof f->digest) == 1, "EVP_PKEY_sign");
}

/* The parse and the chain are libcrypto's; then the signature of the ServerKeyExchange. */
static void verify(struct floor *f)
{
	const uint8_t *der = f->cert_der;
	X509 *cert = d2i_X509(NULL, &der, f->cert_len);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	check(cert && ctx && X509_STORE_CTX_init(ctx, f->store, cert, NULL) == 1, "X509_STORE_CTX_init");
	X509_VERIFY_PARAM_set1_host(X509_STORE_CTX_get0_param(ctx), BENCH_NAME, 0);
	check(X509_verify_cert(ctx) == 1, "X509_verify_cert");
	check(EVP_PKEY_verify(f->verify, f->signature, f->signature_len, f->digest, sizeof f->digest) == 1,
	      "EVP_PKEY_verify");
	X509_STORE_CTX_free(ctx);
	X509_free(cert);
}

static void hmac_pads(SHA256_CTX *inner, SHA256_CTX *outer, const uint8_t *key)
{
	uint8_t block[64];
	memset(block, 0x36, sizeof block);
	for (size_t i = 0; i < 32; i++)
		block[i] ^= key[i];
	SHA256_Init(inner);
	SHA256_Update(inner, block, sizeof block);
	for (size_t i = 0; i < sizeof block; i++)
		block[i] ^= 0x36 ^ 0x5c;
	SHA256_Init(outer);
	SHA256_Update(outer, block, sizeof block);
}

static void hmac(const SHA256_CTX *inner, const SHA256_CTX *outer, size_t n, uint8_t *out)
{
	static const uint8_t text[160];
	SHA256_CTX s = *inner;
	SHA256_Update(&s, text, n);
	SHA256_Final(out, &s);
	s = *outer;
	SHA256_Update(&s, out, 32);
	SHA256_Final(out, &s);
}

/* blocks of output from a seed of n bytes, label included: RFC 5246 5. */
static void prf(const SHA256_CTX *inner, const SHA256_CTX *outer, size_t n, int blocks, uint8_t *out)
{
	hmac(inner, outer, n, out);
	for (int i = 0; i < blocks; i++) {
		if (i)
			hmac(inner, outer, 32, out);
		hmac(inner, outer, 32 + n, out);
	}
}

/* Transcript; master secret unless it is resumed; key block; two Finished. */
static void key_schedule(struct floor *f)
{
	static const uint8_t messages[2048];
	SHA256_CTX hash, inner, outer;
	uint8_t out[32];
	SHA256_Init(&hash);
	SHA256_Update(&hash, messages, f->scenario->hashed);
	SHA256_Final(out, &hash);
	if (!f->scenario->ticket) {
		hmac_pads(&inner, &outer, f->key);
		prf(&inner, &outer, 22 + 32, 2, out);
	}
	hmac_pads(&inner, &outer, f->key);
	prf(&inner, &outer, 13 + 64, f->scenario->aead == BENCH_CHACHA ? 3 : 2, out);
	prf(&inner, &outer, 15 + 32, 1, out);
	prf(&inner, &outer, 15 + 32, 1, out);
}

/* A record of n bytes at p: explicit nonce, if it has one, text, tag. */
static bool crypt_record(struct floor *f, EVP_CIPHER_CTX *ctx, uint8_t *p, size_t n, uint64_t number)
{
	uint8_t aad[AAD] = {0};
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_AAD, aad, sizeof aad),
		OSSL_PARAM_construct_end(),
	};
	size_t front = f->scenario->aead == BENCH_CHACHA ? 0 : EXPLICIT;
	size_t len = front + n + (ctx == f->opening ? (size_t)f->tag_len : 0);
	memcpy(aad, &number, sizeof number);
	aad[AAD - 2] = (uint8_t)(len >> 8);
	aad[AAD - 1] = (uint8_t)len;
	return EVP_CIPHER_CTX_set_params(ctx, params) == 1 &&
	       EVP_Cipher(ctx, p, p, (unsigned)(front + n) + (unsigned)f->tag_len) > 0;
}

/* Two keys are expanded, a Finished is sealed and one opened. */
static void finished_records(struct floor *f)
{
	check(EVP_EncryptInit_ex2(f->sealing, NULL, f->key, NULL, NULL) &&
		      EVP_DecryptInit_ex2(f->opening, NULL, f->key, NULL, NULL) &&
		      crypt_record(f, f->sealing, f->records[0], FINISHED_RECORD, 0) &&
		      crypt_record(f, f->opening, f->records[0], FINISHED_RECORD, 0),
	      "AEAD");
}

static void handshake(struct floor *f, enum side side)
{
	const struct scenario *s = f->scenario;
	bool full = s->certificate && !s->ticket;
	uint8_t ticket[sizeof f->sealed_ticket];
	if (full && side == CLIENT_SIDE)
		verify(f);
	if (full && side == SERVER_SIDE)
		sign(f);
	if (s->exchange == EXCHANGE_P256 && !s->ticket)
		exchange_p256(f);
	if (s->exchange == EXCHANGE_X25519 && !s->ticket)
		exchange_x25519(f);
	if (s->ticket && side == SERVER_SIDE) {
		memcpy(ticket, f->sealed_ticket, sizeof ticket);
		check(ticket_crypt(f, false, ticket), "the ticket");
	}
	key_schedule(f);
	finished_records(f);
}

void floor_handshakes(struct floor *f, size_t num, uint64_t ns[NUM_SIDES])
{
	for (enum side side = 0; side < NUM_SIDES; side++) {
		uint64_t start = cpu_ns();
		for (size_t i = 0; i < num; i++)
			handshake(f, side);
		ns[side] += cpu_ns() - start - cpu_ns_overhead();
	}
}

void floor_records(struct floor *f, size_t num, size_t n, uint64_t ns[NUM_SIDES])
{
	bool ok = num <= sizeof f->records / sizeof f->records[0];
	uint64_t start = cpu_ns();
	for (size_t i = 0; ok && i < num; i++)
		ok = crypt_record(f, f->sealing, f->records[i], n, i);
	ns[CLIENT_SIDE] += cpu_ns() - start - cpu_ns_overhead();
	start = cpu_ns();
	for (size_t i = 0; ok && i < num; i++)
		ok = crypt_record(f, f->opening, f->records[i], n, i);
	ns[SERVER_SIDE] += cpu_ns() - start - cpu_ns_overhead();
	check(ok, "AEAD");
}
