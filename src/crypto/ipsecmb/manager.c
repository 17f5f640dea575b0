#include "crypto/ipsecmb/ipsecmb.h"

#define NEEDED (IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ | IMB_FEATURE_SSE4_2)

bool provider_ipsecmb_available(void)
{
	return (imb_get_feature_flags() & NEEDED) == NEEDED;
}

static IMB_MGR *make(void)
{
	IMB_ARCH arch;
	IMB_MGR *m = alloc_mb_mgr(0);
	if (!m)
		return NULL;
	init_mb_mgr_auto(m, &arch);
	if (arch == IMB_ARCH_NONE || imb_get_errno(m) != 0 ||
	    ((m->features & IMB_FEATURE_SELF_TEST) && !(m->features & IMB_FEATURE_SELF_TEST_PASS))) {
		free_mb_mgr(m);
		return NULL;
	}
	return m;
}

IMB_MGR *ipsecmb_manager(struct crypto *c)
{
	if (!c->asked_accelerator) {
		c->asked_accelerator = true;
		c->accelerator = provider_ipsecmb_available() ? make() : NULL;
	}
	return c->accelerator;
}

void ipsecmb_manager_free(struct crypto *c)
{
	if (c->accelerator)
		free_mb_mgr(c->accelerator);
	c->accelerator = NULL;
}
