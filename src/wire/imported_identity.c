#include "wire/imported_identity.h"

bool get_imported_identity(struct rd *r, struct imported_identity *out)
{
	struct rd t = *r;
	struct imported_identity v;
	if (!(rd_span16(&t, &v.external) && v.external.n > 0 && rd_span16(&t, &v.context) && rd_u16(&t, &v.protocol) &&
	      rd_u16(&t, &v.kdf) && rd_end(&t)))
		return false;
	*r = t;
	*out = v;
	return true;
}

void put_imported_identity(struct wr *w, const struct imported_identity *in)
{
	wr_vec16(w, in->external);
	wr_vec16(w, in->context);
	wr_u16(w, in->protocol);
	wr_u16(w, in->kdf);
}
