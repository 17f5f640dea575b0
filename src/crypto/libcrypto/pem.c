#include <limits.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "crypto/libcrypto/libcrypto.h"

#define BLOCKS_MAX 4096 /* a system's whole trust store has a few hundred */

struct block {
	char *name, *header;
	uint8_t *data;
	long n;
};

static void block_free(struct block *b)
{
	OPENSSL_free(b->name);
	OPENSSL_free(b->header);
	OPENSSL_clear_free(b->data, (size_t)b->n);
	*b = (struct block){0};
}

enum step { STEP_BLOCK, STEP_END, STEP_DAMAGED };

static enum step next_block(BIO *bio, struct block *b)
{
	*b = (struct block){0};
	if (PEM_read_bio(bio, &b->name, &b->header, &b->data, &b->n) == 1)
		return STEP_BLOCK;
	return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE ? STEP_END : STEP_DAMAGED;
}

static bool is_certificate(const struct block *b)
{
	return strcmp(b->name, PEM_STRING_X509) == 0 || strcmp(b->name, PEM_STRING_X509_OLD) == 0;
}

static tern_error add_certificate(STACK_OF(X509) * certificates, const struct block *b)
{
	const uint8_t *p = b->data;
	X509 *x = d2i_X509(NULL, &p, b->n);
	if (!x || p != b->data + b->n) {
		X509_free(x);
		return TERN_ERROR_BAD_CERTIFICATE_FILE;
	}
	if (!sk_X509_push(certificates, x)) {
		X509_free(x);
		return TERN_ERROR_NO_MEMORY;
	}
	return TERN_OK;
}

static tern_error read_certificates(BIO *bio, STACK_OF(X509) * certificates)
{
	for (int i = 0; i < BLOCKS_MAX; i++) {
		struct block b;
		tern_error error;
		switch (next_block(bio, &b)) {
		case STEP_END:
			return sk_X509_num(certificates) > 0 ? TERN_OK : TERN_ERROR_BAD_PEM;
		case STEP_DAMAGED:
			return TERN_ERROR_BAD_CERTIFICATE_FILE;
		case STEP_BLOCK:
			error = is_certificate(&b) ? add_certificate(certificates, &b) : TERN_OK;
			block_free(&b);
			TRY(error);
		}
	}
	return TERN_ERROR_BAD_CERTIFICATE_FILE;
}

void libcrypto_certificates_free(STACK_OF(X509) * certificates)
{
	sk_X509_pop_free(certificates, X509_free);
}

tern_error libcrypto_pem_certificates(STACK_OF(X509) * *out, struct span pem)
{
	BIO *bio = pem.n && pem.n <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	STACK_OF(X509) *certificates = sk_X509_new_null();
	tern_error error = bio && certificates ? read_certificates(bio, certificates) : TERN_ERROR_BAD_PEM;
	BIO_free(bio);
	ERR_clear_error();
	if (error == TERN_OK)
		*out = certificates;
	else
		libcrypto_certificates_free(certificates);
	return error;
}

static bool is_private_key(const struct block *b)
{
	static const char suffix[] = "PRIVATE KEY";
	size_t n = strlen(b->name), tail = sizeof suffix - 1;
	return n >= tail && strcmp(b->name + n - tail, suffix) == 0;
}

/* The passphrase is looked for here, not by OpenSSL, which would ask for it on the terminal. */
static tern_error decode_key(EVP_PKEY **out, const struct block *b)
{
	const uint8_t *p = b->data;
	if (strcmp(b->name, PEM_STRING_PKCS8) == 0 || strstr(b->header, "ENCRYPTED"))
		return TERN_ERROR_ENCRYPTED_KEY;
	*out = d2i_AutoPrivateKey(NULL, &p, b->n);
	return *out ? TERN_OK : TERN_ERROR_BAD_KEY_FILE;
}

static tern_error read_key(BIO *bio, EVP_PKEY **out)
{
	for (int i = 0; i < BLOCKS_MAX; i++) {
		struct block b;
		tern_error error;
		switch (next_block(bio, &b)) {
		case STEP_END:
			return TERN_ERROR_BAD_PEM;
		case STEP_DAMAGED:
			return TERN_ERROR_BAD_KEY_FILE;
		case STEP_BLOCK:
			if (is_private_key(&b)) {
				error = decode_key(out, &b);
				block_free(&b);
				return error;
			}
			block_free(&b);
		}
	}
	return TERN_ERROR_BAD_KEY_FILE;
}

tern_error libcrypto_pem_private_key(EVP_PKEY **out, struct span pem)
{
	BIO *bio = pem.n && pem.n <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	tern_error error = bio ? read_key(bio, out) : TERN_ERROR_BAD_PEM;
	BIO_free(bio);
	ERR_clear_error();
	return error;
}
