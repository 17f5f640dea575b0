/* Certificates, requests for them, their proof, and tickets. The first byte chooses what the rest is. */
#include "wire/certificate.h"

#include "stable.h"

static bool recode_chain(struct rd *r, struct wr *w)
{
	struct span in = rd_rest(r);
	struct certificate v;
	if (!get_certificate12(r, &v))
		return false;
	must(rd_end(r) && v.num <= WIRE_CHAIN_MAX);
	for (size_t i = 0; i < v.num; i++) {
		must(v.chain[i].n > 0);
		must_lie_in(v.chain[i], in);
	}
	put_certificate12(w, &v);
	return true;
}

static bool recode_raw(struct rd *r, struct wr *w)
{
	struct span v;
	if (!get_raw_certificate12(r, &v))
		return false;
	must(rd_end(r));
	put_raw_certificate12(w, v);
	return true;
}

static bool recode_request(struct rd *r, struct wr *w)
{
	struct certificate_request12 v;
	if (!get_certificate_request12(r, &v))
		return false;
	must(rd_end(r) && v.types.n > 0 && v.schemes.n > 0 && v.schemes.n % 2 == 0);
	put_certificate_request12(w, &v);
	return true;
}

static bool recode_verify(struct rd *r, struct wr *w)
{
	struct certificate_verify v;
	if (!get_certificate_verify(r, &v))
		return false;
	must(rd_end(r));
	put_certificate_verify(w, &v);
	return true;
}

static bool recode_ticket(struct rd *r, struct wr *w)
{
	struct new_session_ticket12 v;
	if (!get_new_session_ticket12(r, &v))
		return false;
	must(rd_end(r));
	put_new_session_ticket12(w, &v);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static recode_fn *const targets[] = {recode_chain, recode_raw, recode_request, recode_verify, recode_ticket};
	if (size == 0 || data[0] >= sizeof targets / sizeof targets[0])
		return 0;
	check_stable(targets[data[0]], span_of(data + 1, size - 1), true);
	return 0;
}
