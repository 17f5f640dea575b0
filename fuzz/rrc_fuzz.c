/* Messages of the return routability check: what decodes is written again as it was. */
#include "wire/rrc.h"

#include "stable.h"

static bool recode(struct rd *r, struct wr *w)
{
	struct span in = rd_rest(r);
	struct rrc v;
	if (!get_rrc(r, &v))
		return false;
	must_lie_in(v.cookie, in);
	must(v.type > RRC_PATH_DROP || v.cookie.n == RRC_COOKIE);
	put_rrc(w, &v);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_stable(recode, span_of(data, size), true);
	return 0;
}
