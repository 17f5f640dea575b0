/* The records of a datagram. */
#include "wire/record.h"

#include "stable.h"

static bool recode(struct rd *r, struct wr *w)
{
	struct span in = rd_rest(r);
	struct record12 v;
	if (!get_record12(r, &v))
		return false;
	must_lie_in(v.fragment, in);
	must(v.seq <= RECORD_SEQ_MAX && v.fragment.n <= UINT16_MAX);
	put_record12_header(w, &v, (uint16_t)v.fragment.n);
	wr_bytes(w, v.fragment);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r = rd_of(span_of(data, size));
	struct record12 v;
	do {
		check_stable(recode, rd_rest(&r), true);
	} while (get_record12(&r, &v));
	return 0;
}
