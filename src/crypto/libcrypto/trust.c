#include <openssl/x509_vfy.h>

#include "crypto/libcrypto/libcrypto.h"

/* *trust, made when NULL. */
static struct trust *store_of(struct trust *trust)
{
	if (trust)
		return trust;
	trust = heap_alloc(&heap_default, sizeof *trust);
	if (!trust)
		return NULL;
	trust->store = X509_STORE_new();
	if (!trust->store) {
		libcrypto_trust_free(trust);
		return NULL;
	}
	return trust;
}

tern_error libcrypto_trust_add(struct trust **trust, struct span pem)
{
	STACK_OF(X509) * anchors;
	struct trust *t;
	bool ok;
	TRY(libcrypto_pem_certificates(&anchors, pem));
	t = store_of(*trust);
	ok = t != NULL;
	for (int i = 0; ok && i < sk_X509_num(anchors); i++)
		ok = X509_STORE_add_cert(t->store, sk_X509_value(anchors, i)) == 1;
	libcrypto_certificates_free(anchors);
	if (t)
		*trust = t;
	return ok ? TERN_OK : libcrypto_fail(TERN_ERROR_NO_MEMORY);
}

tern_error libcrypto_trust_add_system(struct trust **trust)
{
	struct trust *t = store_of(*trust);
	if (!t)
		return libcrypto_fail(TERN_ERROR_NO_MEMORY);
	*trust = t;
	return X509_STORE_set_default_paths(t->store) == 1 ? TERN_OK : libcrypto_fail(TERN_ERROR_NO_MEMORY);
}

void libcrypto_trust_free(struct trust *trust)
{
	if (!trust)
		return;
	X509_STORE_free(trust->store);
	heap_free(&heap_default, trust, sizeof *trust);
}
