/* The fragments of a handshake record, and alerts. */
#include "wire/handshake.h"

#include "stable.h"

static bool recode_fragment(struct rd *r, struct wr *w)
{
	struct span in = rd_rest(r);
	struct fragment v;
	if (!get_fragment(r, &v))
		return false;
	must_lie_in(v.body, in);
	must(v.offset <= v.length && v.body.n <= v.length - v.offset);
	put_fragment_header(w, &v, (uint32_t)v.body.n);
	wr_bytes(w, v.body);
	return true;
}

static bool recode_alert(struct rd *r, struct wr *w)
{
	struct alert v;
	if (!get_alert(r, &v))
		return false;
	must(rd_end(r));
	put_alert(w, &v);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r = rd_of(span_of(data, size));
	struct fragment v;
	check_stable(recode_alert, rd_rest(&r), true);
	do {
		check_stable(recode_fragment, rd_rest(&r), true);
	} while (get_fragment(&r, &v));
	return 0;
}
