/* What libcrypto's own operations cost when nothing stands around them: the least a library on libcrypto could need.
 * Objects are kept; nothing is fetched, parsed or allocated that could be made before the handshake. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "floor.h"

#define NONCE 12
#define POINT 65
#define TICKET 224

/* Records of a handshake, and their plaintext. */
enum carried { SERVER_FLIGHT, LAST_FLIGHT, ACKNOWLEDGEMENT, NEW_TICKET, NUM_CARRIED };

static size_t carried_len(const struct scenario *s, enum carried what)
{
	const size_t len[] = {
		[SERVER_FLIGHT] = s->certificate && !s->ticket ? 620 : 70, /* EncryptedExtensions to Finished */
		[LAST_FLIGHT] = s->dtls13 ? 12 + 32 : 12 + 12, /* Finished */
		[ACKNOWLEDGEMENT] = 2 + 16,
		[NEW_TICKET] = 12 + 20 + TICKET,
	};
	return len[what];
}

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
	EVP_CIPHER *ticket_cipher;
	EVP_CIPHER_CTX *ticket;
	struct floor_aead *aead;
	uint8_t key[32], digest[32], records[64][BENCH_MTU], sealed_ticket[TICKET + 16];
	uint8_t sealed[NUM_CARRIED][700];
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
	struct floor *f = calloc(1, sizeof *f);
	check(f != NULL, "out of memory");
	f->scenario = s;
	f->ticket_cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	check(f->ticket_cipher, "EVP_CIPHER_fetch");
	open_curve(f);
	open_certificate(f);
	f->aead = floor_aead_new(s);
	for (enum carried what = 0; what < NUM_CARRIED; what++)
		check(floor_aead_crypt(f->aead, false, f->sealed[what], carried_len(s, what), what), "AEAD");
	f->ticket = EVP_CIPHER_CTX_new();
	check(EVP_CipherInit_ex2(f->ticket, f->ticket_cipher, NULL, NULL, 1, NULL) == 1 &&
		      ticket_crypt(f, true, f->sealed_ticket),
	      "the ticket");
	return f;
}

void floor_free(struct floor *f)
{
	floor_aead_free(f->aead);
	EVP_CIPHER_CTX_free(f->ticket);
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

/* The parse and the chain are libcrypto's. */
static void verify_chain(struct floor *f)
{
	const uint8_t *der = f->cert_der;
	X509 *cert = d2i_X509(NULL, &der, f->cert_len);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	check(cert && ctx && X509_STORE_CTX_init(ctx, f->store, cert, NULL) == 1, "X509_STORE_CTX_init");
	X509_VERIFY_PARAM_set1_host(X509_STORE_CTX_get0_param(ctx), BENCH_NAME, 0);
	check(X509_verify_cert(ctx) == 1, "X509_verify_cert");
	X509_STORE_CTX_free(ctx);
	X509_free(cert);
}

/* The signature of the ServerKeyExchange. */
static void verify(struct floor *f)
{
	check(EVP_PKEY_verify(f->verify, f->signature, f->signature_len, f->digest, sizeof f->digest) == 1,
	      "EVP_PKEY_verify");
}

/* One record of a handshake on one of its sides. */
static void carry(struct floor *f, enum side side, enum side sender, enum carried what)
{
	bool opening = side != sender;
	if (opening)
		memcpy(f->records[0], f->sealed[what], sizeof f->sealed[what]);
	check(floor_aead_crypt(f->aead, opening, f->records[0], carried_len(f->scenario, what), what), "AEAD");
}

/* Two keys are expanded, a Finished is sealed and one opened. */
static void records12(struct floor *f, enum side side)
{
	floor_aead_expand(f->aead, false);
	floor_aead_expand(f->aead, true);
	carry(f, side, SERVER_SIDE, LAST_FLIGHT);
	carry(f, side, CLIENT_SIDE, LAST_FLIGHT);
}

/* Four keys; each flight in one record, with the acknowledgement of the last; a ticket and its own. */
static void records13(struct floor *f, enum side side)
{
	for (int i = 0; i < 4; i++)
		floor_aead_expand(f->aead, i % 2);
	carry(f, side, SERVER_SIDE, SERVER_FLIGHT);
	carry(f, side, CLIENT_SIDE, LAST_FLIGHT);
	carry(f, side, SERVER_SIDE, ACKNOWLEDGEMENT);
	if (!f->scenario->ticket)
		return;
	carry(f, side, SERVER_SIDE, NEW_TICKET);
	carry(f, side, CLIENT_SIDE, ACKNOWLEDGEMENT);
}

/* A ticket is taken; in DTLS 1.3 another one is given. */
static void tickets(struct floor *f)
{
	uint8_t ticket[sizeof f->sealed_ticket];
	memcpy(ticket, f->sealed_ticket, sizeof ticket);
	check(ticket_crypt(f, false, ticket), "the ticket");
	if (f->scenario->dtls13)
		check(ticket_crypt(f, true, ticket), "the ticket");
}

static void handshake(struct floor *f, enum side side)
{
	const struct scenario *s = f->scenario;
	bool full = s->certificate && !s->ticket, exchanges = s->dtls13 || !s->ticket;
	if (full && side == CLIENT_SIDE && s->certificate != CHAIN_KNOWN)
		verify_chain(f);
	if (full && side == CLIENT_SIDE)
		verify(f);
	if (full && side == SERVER_SIDE)
		sign(f);
	if (s->exchange == EXCHANGE_P256 && exchanges)
		exchange_p256(f);
	if (s->exchange == EXCHANGE_X25519 && exchanges)
		exchange_x25519(f);
	if (s->ticket && side == SERVER_SIDE)
		tickets(f);
	floor_schedule(s, f->key);
	if (s->dtls13)
		records13(f, side);
	else
		records12(f, side);
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
		ok = floor_aead_crypt(f->aead, false, f->records[i], n, i);
	ns[CLIENT_SIDE] += cpu_ns() - start - cpu_ns_overhead();
	start = cpu_ns();
	for (size_t i = 0; ok && i < num; i++)
		ok = floor_aead_crypt(f->aead, true, f->records[i], n, i);
	ns[SERVER_SIDE] += cpu_ns() - start - cpu_ns_overhead();
	check(ok, "AEAD");
}
