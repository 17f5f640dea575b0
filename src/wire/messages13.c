#include "wire/messages13.h"

bool get_certificate_request13(struct rd *r, struct certificate_request13 *out)
{
	struct rd t = *r;
	struct certificate_request13 v;
	if (!(rd_span8(&t, &v.context) && rd_span16(&t, &v.extensions) && rd_end(&t)))
		return false;
	*r = t;
	*out = v;
	return true;
}

void put_certificate_request13(struct wr *w, const struct certificate_request13 *in)
{
	wr_vec8(w, in->context);
	wr_vec16(w, in->extensions);
}

static bool get_entries(struct rd *r, struct certificate13 *out)
{
	struct span *chain = out->list.chain;
	size_t i;
	for (i = 0; !rd_end(r); i++)
		if (!(i < WIRE_CHAIN_MAX && rd_span24(r, &chain[i]) && chain[i].n > 0 &&
		      rd_span16(r, &out->extensions[i])))
			return false;
	out->list.num = i;
	return true;
}

bool get_certificate13(struct rd *r, struct certificate13 *out)
{
	struct rd t = *r, entries;
	struct certificate13 v = {0};
	struct span list;
	if (!(rd_span8(&t, &v.context) && rd_span24(&t, &list) && rd_end(&t)))
		return false;
	entries = rd_of(list);
	if (!get_entries(&entries, &v))
		return false;
	*r = t;
	*out = v;
	return true;
}

void put_certificate13(struct wr *w, const struct certificate13 *in)
{
	size_t mark;
	wr_vec8(w, in->context);
	mark = wr_open24(w);
	for (size_t i = 0; i < in->list.num; i++) {
		wr_vec24(w, in->list.chain[i]);
		wr_vec16(w, in->extensions[i]);
	}
	wr_close24(w, mark);
}

bool get_compressed_certificate(struct rd *r, struct compressed_certificate *out)
{
	struct rd t = *r;
	struct compressed_certificate v;
	if (!(rd_u16(&t, &v.algorithm) && rd_u24(&t, &v.uncompressed_length) && rd_span24(&t, &v.compressed) &&
	      v.compressed.n > 0 && rd_end(&t)))
		return false;
	*r = t;
	*out = v;
	return true;
}

void put_compressed_certificate(struct wr *w, const struct compressed_certificate *in)
{
	wr_u16(w, in->algorithm);
	wr_u24(w, in->uncompressed_length);
	wr_vec24(w, in->compressed);
}

bool get_encrypted_extensions(struct rd *r, struct span *block)
{
	struct rd t = *r;
	struct span v;
	if (!(rd_span16(&t, &v) && rd_end(&t)))
		return false;
	*r = t;
	*block = v;
	return true;
}

void put_encrypted_extensions(struct wr *w, struct span block)
{
	wr_vec16(w, block);
}

bool get_new_session_ticket13(struct rd *r, struct new_session_ticket13 *out)
{
	struct rd t = *r;
	struct new_session_ticket13 v;
	if (!(rd_u32(&t, &v.lifetime) && rd_u32(&t, &v.age_add) && rd_span8(&t, &v.nonce) && rd_span16(&t, &v.ticket) &&
	      v.ticket.n > 0 && rd_span16(&t, &v.extensions) && rd_end(&t)))
		return false;
	*r = t;
	*out = v;
	return true;
}

void put_new_session_ticket13(struct wr *w, const struct new_session_ticket13 *in)
{
	wr_u32(w, in->lifetime);
	wr_u32(w, in->age_add);
	wr_vec8(w, in->nonce);
	wr_vec16(w, in->ticket);
	wr_vec16(w, in->extensions);
}

bool get_key_update(struct rd *r, uint8_t *request)
{
	struct rd t = *r;
	uint8_t v;
	if (!(rd_u8(&t, &v) && rd_end(&t)))
		return false;
	*r = t;
	*request = v;
	return true;
}

void put_key_update(struct wr *w, uint8_t request)
{
	wr_u8(w, request);
}

bool get_new_connection_id(struct rd *r, struct new_connection_id *out)
{
	struct rd t = *r, list;
	struct new_connection_id v;
	struct span cid;
	if (!(rd_span16(&t, &v.cids) && rd_u8(&t, &v.usage) && rd_end(&t)))
		return false;
	list = rd_of(v.cids);
	while (rd_span8(&list, &cid))
		;
	if (!rd_end(&list))
		return false;
	*r = t;
	*out = v;
	return true;
}

void put_new_connection_id(struct wr *w, const struct new_connection_id *in)
{
	wr_vec16(w, in->cids);
	wr_u8(w, in->usage);
}

bool get_request_connection_id(struct rd *r, uint8_t *num_cids)
{
	struct rd t = *r;
	uint8_t v;
	if (!(rd_u8(&t, &v) && rd_end(&t)))
		return false;
	*r = t;
	*num_cids = v;
	return true;
}

void put_request_connection_id(struct wr *w, uint8_t num_cids)
{
	wr_u8(w, num_cids);
}
