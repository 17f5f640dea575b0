#include "wire/kex12.h"

#define NAMED_CURVE 3 /* ECCurveType, RFC 8422 5.4 */

static bool get_share(struct rd *r, struct span *share)
{
	return rd_span8(r, share) && share->n > 0;
}

static bool get_ecdhe_params(struct rd *r, struct server_key_exchange *out)
{
	const uint8_t *start = r->p;
	uint8_t curve_type;
	if (!(rd_u8(r, &curve_type) && curve_type == NAMED_CURVE && rd_u16(r, &out->group) &&
	      get_share(r, &out->share)))
		return false;
	out->params = span_of(start, (size_t)(r->p - start));
	return true;
}

void put_ecdhe_params(struct wr *w, uint16_t group, struct span share)
{
	wr_u8(w, NAMED_CURVE);
	wr_u16(w, group);
	wr_vec8(w, share);
}

bool get_server_key_exchange(struct rd *r, struct kex12_form form, struct server_key_exchange *out)
{
	struct rd t = *r;
	struct server_key_exchange v = {0};
	if (!((!form.psk || rd_span16(&t, &v.psk_hint)) && (!form.ecdhe || get_ecdhe_params(&t, &v)) &&
	      (!form.sign || (rd_u16(&t, &v.scheme) && rd_span16(&t, &v.signature))) && rd_end(&t)))
		return false;
	*r = t;
	*out = v;
	return true;
}

void put_server_key_exchange(struct wr *w, struct kex12_form form, const struct server_key_exchange *in)
{
	if (form.psk)
		wr_vec16(w, in->psk_hint);
	if (form.ecdhe)
		put_ecdhe_params(w, in->group, in->share);
	if (form.sign) {
		wr_u16(w, in->scheme);
		wr_vec16(w, in->signature);
	}
}

bool get_client_key_exchange(struct rd *r, struct kex12_form form, struct client_key_exchange *out)
{
	struct rd t = *r;
	struct client_key_exchange v = {0};
	if (!((!form.psk || rd_span16(&t, &v.psk_identity)) && (!form.ecdhe || get_share(&t, &v.share)) && rd_end(&t)))
		return false;
	*r = t;
	*out = v;
	return true;
}

void put_client_key_exchange(struct wr *w, struct kex12_form form, const struct client_key_exchange *in)
{
	if (form.psk)
		wr_vec16(w, in->psk_identity);
	if (form.ecdhe)
		wr_vec8(w, in->share);
}
