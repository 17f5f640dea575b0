#include "wire/record.h"

bool get_record12_cid(struct rd *r, size_t cid_len, struct record12 *out)
{
	struct rd t = *r;
	struct record12 v;
	if (!(rd_u8(&t, &v.type) && rd_u16(&t, &v.version) && rd_u16(&t, &v.epoch) && rd_u48(&t, &v.seq) &&
	      rd_bytes(&t, cid_len, &v.cid) && rd_span16(&t, &v.fragment)))
		return false;
	*r = t;
	*out = v;
	return true;
}

bool get_record12(struct rd *r, struct record12 *out)
{
	return get_record12_cid(r, 0, out);
}

void put_record12_header(struct wr *w, const struct record12 *in, uint16_t length)
{
	wr_u8(w, in->type);
	wr_u16(w, in->version);
	wr_u16(w, in->epoch);
	wr_u48(w, in->seq);
	wr_bytes(w, in->cid);
	wr_u16(w, length);
}
