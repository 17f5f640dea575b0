#include <openssl/err.h>

#include "crypto/libcrypto/libcrypto.h"

tern_error libcrypto_fail(tern_error error)
{
	ERR_clear_error();
	return error;
}

static void provider_close(struct crypto *c)
{
	if (!c)
		return;
	libcrypto_aeads_close(c);
	libcrypto_groups_close(c);
	EVP_PKEY_CTX_free(c->sign_ctx);
	heap_free(c->heap, c, sizeof *c);
}

static tern_error open_parts(struct crypto *c)
{
	TRY(libcrypto_aeads_open(c));
	return libcrypto_groups_open(c);
}

static tern_error provider_open(struct crypto **c, const tern_allocator *heap)
{
	struct crypto *new = heap_alloc(heap, sizeof *new);
	tern_error error;
	if (!new)
		return TERN_ERROR_NO_MEMORY;
	new->heap = heap;
	error = open_parts(new);
	if (error != TERN_OK) {
		provider_close(new);
		return libcrypto_fail(error);
	}
	*c = new;
	return TERN_OK;
}

const struct provider provider_libcrypto = {
	.name = "libcrypto",
	.open = provider_open,
	.close = provider_close,
	.aead_new = libcrypto_aead_new,
	.aead_free = libcrypto_aead_free,
	.aead_set = libcrypto_aead_set,
	.aead_seal = libcrypto_aead_seal,
	.aead_open = libcrypto_aead_open,
	.aead_mask = libcrypto_aead_mask,
	LIBCRYPTO_BESIDES_AEADS,
};
