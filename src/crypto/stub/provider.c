#include "crypto/stub/stub.h"

tern_error stub_random(struct crypto *c, uint8_t *out, size_t n)
{
	if (c->random_fn)
		return c->random_fn(c->random_user, out, n) == TERN_OK ? TERN_OK : TERN_ERROR_RANDOM;
	for (size_t i = 0; i < n; i += 8)
		stub_store(out + i, stub_scramble(++c->counter * UINT64_C(0x9e3779b97f4a7c15)), n - i < 8 ? n - i : 8);
	return TERN_OK;
}

static void set_random(struct crypto *c, tern_random_fn *random_fn, void *user)
{
	c->random_fn = random_fn;
	c->random_user = user;
}

static tern_error provider_open(struct crypto **c, const tern_allocator *heap)
{
	struct crypto *new = heap_alloc(heap, sizeof *new);
	if (!new)
		return TERN_ERROR_NO_MEMORY;
	new->heap = heap;
	*c = new;
	return TERN_OK;
}

static void provider_close(struct crypto *c)
{
	if (c)
		heap_free(c->heap, c, sizeof *c);
}

const struct provider provider_stub = {
	.name = "stub",
	.hash = {[HASH_SHA256] = &stub_sha256, [HASH_SHA384] = &stub_sha384, [HASH_SHA512] = &stub_sha512},
	.groups = stub_groups,
	.open = provider_open,
	.close = provider_close,
	.random = stub_random,
	.set_random = set_random,
	.aead_new = stub_aead_new,
	.aead_free = stub_aead_free,
	.aead_set = stub_aead_set,
	.aead_seal = stub_aead_seal,
	.aead_open = stub_aead_open,
	.aead_mask = stub_aead_mask,
	.credential_load = stub_credential_load,
	.private_key_free = stub_private_key_free,
	.sign = stub_sign,
	.verify = stub_verify,
	.chain_parse = stub_chain_parse,
	.chain_free = stub_chain_free,
	.chain_hold = stub_chain_hold,
	.chain_key_type = stub_chain_key_type,
	.chain_check = stub_chain_check,
	.chain_check_name = stub_chain_check_name,
	.trust_add = stub_trust_add,
	.trust_add_system = stub_trust_add_system,
	.trust_free = stub_trust_free,
};
