#include "wire/record13.h"

static bool get_parts(struct rd *r, size_t cid_len, uint8_t first, struct unified_header *out)
{
	struct span fragment;
	uint64_t seq;
	if ((first & UNIFIED_FIXED_MASK) != UNIFIED_FIXED || ((first & UNIFIED_CID) && cid_len == 0))
		return false;
	out->epoch_bits = first & UNIFIED_EPOCH;
	out->seq_len = first & UNIFIED_SEQ16 ? 2 : 1;
	out->has_length = first & UNIFIED_LENGTH;
	out->header_len = 1u + out->seq_len + (out->has_length ? 2u : 0u);
	out->cid = span_of(r->p, 0);
	if ((first & UNIFIED_CID) && !rd_bytes(r, cid_len, &out->cid))
		return false;
	out->header_len += out->cid.n;
	if (!rd_number(r, out->seq_len, &seq))
		return false;
	out->seq = (uint16_t)seq;
	fragment = rd_rest(r);
	if (out->has_length ? !rd_span16(r, &fragment) : !rd_bytes(r, fragment.n, &fragment))
		return false;
	out->payload = fragment;
	return true;
}

bool get_unified(struct rd *r, size_t cid_len, struct unified_header *out)
{
	struct rd t = *r;
	struct unified_header v = {0};
	uint8_t first;
	if (!(rd_u8(&t, &first) && get_parts(&t, cid_len, first, &v)))
		return false;
	*r = t;
	*out = v;
	return true;
}

void put_unified(struct wr *w, const struct unified_header *in, uint16_t length)
{
	unsigned first = UNIFIED_FIXED | (in->epoch_bits & UNIFIED_EPOCH);
	if (in->cid.n)
		first |= UNIFIED_CID;
	if (in->seq_len == 2)
		first |= UNIFIED_SEQ16;
	if (in->has_length)
		first |= UNIFIED_LENGTH;
	wr_u8(w, (uint8_t)first);
	wr_bytes(w, in->cid);
	wr_number(w, in->seq_len, in->seq);
	if (in->has_length)
		wr_u16(w, length);
}
