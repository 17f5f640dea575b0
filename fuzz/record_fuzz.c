/* The records of a datagram, as those of DTLS 1.2 and as those of DTLS 1.3, with CIDs of no to two bytes. */
#include "wire/record.h"
#include "wire/record13.h"

#include "stable.h"

static size_t cid_len;

static bool recode(struct rd *r, struct wr *w)
{
	struct span in = rd_rest(r);
	struct record12 v;
	if (!get_record12_cid(r, cid_len, &v))
		return false;
	must_lie_in(v.fragment, in);
	must_lie_in(v.cid, in);
	must(v.cid.n == cid_len);
	must(v.seq <= RECORD_SEQ_MAX && v.fragment.n <= UINT16_MAX);
	put_record12_header(w, &v, (uint16_t)v.fragment.n);
	wr_bytes(w, v.fragment);
	return true;
}

static bool recode_unified(struct rd *r, struct wr *w)
{
	struct span in = rd_rest(r);
	struct unified_header v;
	if (!get_unified(r, cid_len, &v))
		return false;
	must_lie_in(v.payload, in);
	must_lie_in(v.cid, in);
	must(v.cid.n == 0 || v.cid.n == cid_len);
	must(v.header_len <= UNIFIED_HEADER_MAX && v.payload.p == in.p + v.header_len);
	must(v.epoch_bits < 4 && (v.seq_len == 2 || (v.seq_len == 1 && v.seq < 256)));
	must(v.has_length || rd_end(r));
	put_unified(w, &v, (uint16_t)v.payload.n);
	wr_bytes(w, v.payload);
	return true;
}

static void walk_unified(struct span in)
{
	struct rd r = rd_of(in);
	struct unified_header v;
	do {
		check_stable(recode_unified, rd_rest(&r), true);
	} while (get_unified(&r, cid_len, &v));
}

static void walk(struct span in)
{
	struct rd r = rd_of(in);
	struct record12 v;
	do {
		check_stable(recode, rd_rest(&r), true);
	} while (get_record12_cid(&r, cid_len, &v));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (cid_len = 0; cid_len < 3; cid_len++) {
		walk(span_of(data, size));
		walk_unified(span_of(data, size));
	}
	return 0;
}
