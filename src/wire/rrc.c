#include "wire/rrc.h"

bool get_rrc(struct rd *r, struct rrc *out)
{
	struct rd t = *r;
	struct rrc v;
	if (!(rd_u8(&t, &v.type) && rd_bytes(&t, v.type <= RRC_PATH_DROP ? RRC_COOKIE : rd_left(&t), &v.cookie) &&
	      rd_end(&t)))
		return false;
	*r = t;
	*out = v;
	return true;
}

void put_rrc(struct wr *w, const struct rrc *in)
{
	wr_u8(w, in->type);
	wr_bytes(w, in->cookie);
}
