#include "wire/handshake.h"

bool get_fragment(struct rd *r, struct fragment *out)
{
	struct rd t = *r;
	struct fragment v;
	if (!(rd_u8(&t, &v.type) && rd_u24(&t, &v.length) && rd_u16(&t, &v.message_seq) && rd_u24(&t, &v.offset) &&
	      rd_span24(&t, &v.body) && v.offset + v.body.n <= v.length))
		return false;
	*r = t;
	*out = v;
	return true;
}

void put_fragment_header(struct wr *w, const struct fragment *in, uint32_t body_len)
{
	wr_u8(w, in->type);
	wr_u24(w, in->length);
	wr_u16(w, in->message_seq);
	wr_u24(w, in->offset);
	wr_u24(w, body_len);
}

bool get_alert(struct rd *r, struct alert *out)
{
	struct rd t = *r;
	struct alert v;
	if (!(rd_u8(&t, &v.level) && rd_u8(&t, &v.description) && rd_end(&t)))
		return false;
	*r = t;
	*out = v;
	return true;
}

void put_alert(struct wr *w, const struct alert *in)
{
	wr_u8(w, in->level);
	wr_u8(w, in->description);
}
