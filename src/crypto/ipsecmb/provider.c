#include "crypto/ipsecmb/ipsecmb.h"

static tern_error provider_open(struct crypto **c, const tern_allocator *heap)
{
	return provider_libcrypto.open(c, heap);
}

static void provider_close(struct crypto *c)
{
	if (c)
		ipsecmb_manager_free(c);
	provider_libcrypto.close(c);
}

const struct provider provider_ipsecmb = {
	.name = "ipsec-mb",
	.open = provider_open,
	.close = provider_close,
	.aead_new = ipsecmb_aead_new,
	.aead_free = ipsecmb_aead_free,
	.aead_set = ipsecmb_aead_set,
	.aead_seal = ipsecmb_aead_seal,
	.aead_open = ipsecmb_aead_open,
	.aead_mask = ipsecmb_aead_mask,
	LIBCRYPTO_BESIDES_AEADS,
};
