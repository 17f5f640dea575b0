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
	libcrypto_random_close(c);
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
	libcrypto_random_open(new);
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
	.hash = {[HASH_SHA256] = &libcrypto_sha256,
		 [HASH_SHA384] = &libcrypto_sha384,
		 [HASH_SHA512] = &libcrypto_sha512},
	.groups = libcrypto_groups,
	.open = provider_open,
	.close = provider_close,
	.random = libcrypto_random,
	.set_random = libcrypto_set_random,
	.aead_new = libcrypto_aead_new,
	.aead_free = libcrypto_aead_free,
	.aead_set = libcrypto_aead_set,
	.aead_seal = libcrypto_aead_seal,
	.aead_open = libcrypto_aead_open,
	.aead_mask = libcrypto_aead_mask,
	.credential_load = libcrypto_credential_load,
	.private_key_free = libcrypto_private_key_free,
	.sign = libcrypto_sign,
	.verify = libcrypto_verify,
	.chain_parse = libcrypto_chain_parse,
	.chain_free = libcrypto_chain_free,
	.chain_hold = libcrypto_chain_hold,
	.chain_key_type = libcrypto_chain_key_type,
	.chain_check = libcrypto_chain_check,
	.chain_check_name = libcrypto_chain_check_name,
	.trust_add = libcrypto_trust_add,
	.trust_add_system = libcrypto_trust_add_system,
	.trust_free = libcrypto_trust_free,
};
