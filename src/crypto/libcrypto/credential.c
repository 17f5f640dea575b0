#include "crypto/libcrypto/libcrypto.h"

/* What credential_load holds on its way; freed as a whole. */
struct loading {
	STACK_OF(X509) * certificates; /* NULL: no chain */
	EVP_PKEY *key; /* NULL: no key */
	EVP_PKEY *public; /* borrowed: the leaf's, or key */
};

static tern_error parse(struct loading *l, struct span chain_pem, struct span key_pem)
{
	if (chain_pem.n) {
		TRY(libcrypto_pem_certificates(&l->certificates, chain_pem));
		l->public = X509_get0_pubkey(sk_X509_value(l->certificates, 0));
		if (!l->public)
			return TERN_ERROR_UNSUPPORTED_KEY;
	}
	if (key_pem.n || !chain_pem.n)
		TRY(libcrypto_pem_private_key(&l->key, key_pem));
	if (l->public && l->key && EVP_PKEY_eq(l->public, l->key) != 1)
		return TERN_ERROR_KEY_MISMATCH;
	if (!l->public)
		l->public = l->key;
	return TERN_OK;
}

/* Takes over the bytes that an i2d function made; n is what it returned. */
static tern_error keep_der(const tern_allocator *heap, struct span *out, uint8_t *der, int n)
{
	if (n <= 0)
		return TERN_ERROR_NO_MEMORY;
	*out = span_of(heap_copy(heap, der, (size_t)n), (size_t)n);
	OPENSSL_free(der);
	return out->p ? TERN_OK : TERN_ERROR_NO_MEMORY;
}

static tern_error keep_chain(const tern_allocator *heap, struct credential_pem *out,
			     const STACK_OF(X509) * certificates)
{
	int num = sk_X509_num(certificates);
	if (num > CHAIN_MAX)
		return TERN_ERROR_BAD_CERTIFICATE_FILE;
	for (int i = 0; i < num; i++) {
		uint8_t *der = NULL;
		int n = i2d_X509(sk_X509_value(certificates, i), &der);
		TRY(keep_der(heap, &out->chain[i], der, n));
		out->num_chain++;
	}
	return TERN_OK;
}

static tern_error keep(const tern_allocator *heap, struct credential_pem *out, struct loading *l)
{
	uint8_t *der = NULL;
	int n;
	if (!libcrypto_key_type(l->public, &out->key_type))
		return TERN_ERROR_UNSUPPORTED_KEY;
	if (l->certificates)
		TRY(keep_chain(heap, out, l->certificates));
	n = l->certificates ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(sk_X509_value(l->certificates, 0)), &der)
			    : i2d_PUBKEY(l->key, &der);
	TRY(keep_der(heap, &out->spki, der, n));
	if (!l->key)
		return TERN_OK;
	out->key = heap_alloc(heap, sizeof *out->key);
	if (!out->key)
		return TERN_ERROR_NO_MEMORY;
	*out->key = (struct private_key){heap, l->key, out->key_type};
	l->key = NULL;
	return TERN_OK;
}

static void discard(const tern_allocator *heap, struct credential_pem *out)
{
	for (size_t i = 0; i < out->num_chain; i++)
		heap_free_copy(heap, (void *)out->chain[i].p, out->chain[i].n);
	if (out->spki.p)
		heap_free_copy(heap, (void *)out->spki.p, out->spki.n);
	libcrypto_private_key_free(out->key);
	*out = (struct credential_pem){0};
}

tern_error libcrypto_credential_load(const tern_allocator *heap, struct credential_pem *out, struct span chain_pem,
				     struct span key_pem)
{
	struct loading l = {0};
	tern_error error;
	*out = (struct credential_pem){0};
	error = parse(&l, chain_pem, key_pem);
	if (error == TERN_OK)
		error = keep(heap, out, &l);
	libcrypto_certificates_free(l.certificates);
	EVP_PKEY_free(l.key);
	if (error == TERN_OK)
		return TERN_OK;
	discard(heap, out);
	return libcrypto_fail(error);
}

void libcrypto_private_key_free(struct private_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	heap_free(key->heap, key, sizeof *key);
}
