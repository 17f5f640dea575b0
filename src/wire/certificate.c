#include "wire/certificate.h"

#include "wire/hello.h"

static bool get_chain(struct rd *r, struct certificate *out)
{
	for (out->num = 0; !rd_end(r); out->num++)
		if (out->num == WIRE_CHAIN_MAX || !rd_span24(r, &out->chain[out->num]) || !out->chain[out->num].n)
			return false;
	return true;
}

bool get_certificate12(struct rd *r, struct certificate *out)
{
	struct rd t = *r, entries;
	struct certificate v = {0};
	struct span list;
	if (!rd_span24(&t, &list) || !rd_end(&t))
		return false;
	entries = rd_of(list);
	if (!get_chain(&entries, &v))
		return false;
	*r = t;
	*out = v;
	return true;
}

void put_certificate12(struct wr *w, const struct certificate *in)
{
	size_t mark = wr_open24(w);
	for (size_t i = 0; i < in->num; i++)
		wr_vec24(w, in->chain[i]);
	wr_close24(w, mark);
}

bool get_raw_certificate12(struct rd *r, struct span *spki)
{
	struct rd t = *r;
	struct span v;
	if (!(rd_span24(&t, &v) && rd_end(&t)))
		return false;
	*r = t;
	*spki = v;
	return true;
}

void put_raw_certificate12(struct wr *w, struct span spki)
{
	wr_vec24(w, spki);
}

/* DistinguishedName<1..2^16-1>, any number of them. */
static bool authorities_valid(struct span list)
{
	struct rd r = rd_of(list);
	struct span name;
	while (!rd_end(&r))
		if (!rd_span16(&r, &name) || !name.n)
			return false;
	return true;
}

bool get_certificate_request12(struct rd *r, struct certificate_request12 *out)
{
	struct rd t = *r;
	struct certificate_request12 v;
	if (!(rd_span8(&t, &v.types) && v.types.n > 0 && rd_span16(&t, &v.schemes) && list16_valid(v.schemes) &&
	      rd_span16(&t, &v.authorities) && authorities_valid(v.authorities) && rd_end(&t)))
		return false;
	*r = t;
	*out = v;
	return true;
}

void put_certificate_request12(struct wr *w, const struct certificate_request12 *in)
{
	wr_vec8(w, in->types);
	wr_vec16(w, in->schemes);
	wr_vec16(w, in->authorities);
}

bool get_certificate_verify(struct rd *r, struct certificate_verify *out)
{
	struct rd t = *r;
	struct certificate_verify v;
	if (!(rd_u16(&t, &v.scheme) && rd_span16(&t, &v.signature) && rd_end(&t)))
		return false;
	*r = t;
	*out = v;
	return true;
}

void put_certificate_verify(struct wr *w, const struct certificate_verify *in)
{
	wr_u16(w, in->scheme);
	wr_vec16(w, in->signature);
}

bool get_new_session_ticket12(struct rd *r, struct new_session_ticket12 *out)
{
	struct rd t = *r;
	struct new_session_ticket12 v;
	if (!(rd_u32(&t, &v.lifetime_hint) && rd_span16(&t, &v.ticket) && rd_end(&t)))
		return false;
	*r = t;
	*out = v;
	return true;
}

void put_new_session_ticket12(struct wr *w, const struct new_session_ticket12 *in)
{
	wr_u32(w, in->lifetime_hint);
	wr_vec16(w, in->ticket);
}

/* ---- DER, as far as the way to the issuer leads ---- */

enum der_tag { DER_INTEGER = 0x02, DER_SEQUENCE = 0x30, DER_VERSION = 0xa0 };

/* One element of this tag. whole: with its header; either may be NULL. */
static bool get_der(struct rd *r, uint8_t tag, struct span *content, struct span *whole)
{
	struct span all = rd_rest(r), v;
	uint64_t n = 0;
	uint8_t got, len;
	if (!rd_u8(r, &got) || got != tag || !rd_u8(r, &len))
		return false;
	if (len & 0x80 ? len > 0x83 || !rd_number(r, len & 0x7f, &n) : false)
		return false;
	if (!rd_bytes(r, len & 0x80 ? (size_t)n : len, &v))
		return false;
	if (content)
		*content = v;
	if (whole)
		*whole = span_of(all.p, all.n - rd_left(r));
	return true;
}

bool get_issuer(struct span certificate, struct span *name)
{
	struct span content;
	struct rd r = rd_of(certificate);
	for (int i = 0; i < 2; i++) { /* Certificate, TBSCertificate */
		if (!get_der(&r, DER_SEQUENCE, &content, NULL))
			return false;
		r = rd_of(content);
	}
	if (content.n && content.p[0] == DER_VERSION && !get_der(&r, DER_VERSION, NULL, NULL))
		return false;
	return get_der(&r, DER_INTEGER, NULL, NULL) && get_der(&r, DER_SEQUENCE, NULL, NULL) &&
	       get_der(&r, DER_SEQUENCE, NULL, name);
}
