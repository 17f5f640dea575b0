/* The headers of records of either version, which arrive side by side while the version is not settled: RFC 6347 4.1,
 * RFC 9146 4, RFC 9147 4. */
#include "record/epochs.h"
#include "record/protect.h"
#include "wire/record13.h"

struct record_header plain_header(const struct record12 *r, tern_drop drop)
{
	return (struct record_header){
		.wire = span_of(r->fragment.p - RECORD12_HEADER - r->cid.n, RECORD12_HEADER + r->cid.n + r->fragment.n),
		.seq = r->seq,
		.len = RECORD12_HEADER + r->cid.n,
		.epoch = r->epoch,
		.type = r->type,
		.drop = drop,
		.cid = r->cid,
	};
}

/* RFC 9147 4 asks for it; RFC 9146 leaves no other way, the length of the ID being unknown. */
static struct record_header others_rest(struct rd *r, uint8_t type)
{
	struct record_header h = {.wire = rd_rest(r), .type = type, .drop = TERN_DROP_OTHER_CID};
	r->p = r->end;
	return h;
}

bool is_cid12(const struct record_layer *l, const struct rd *r)
{
	return rd_left(r) && r->p[0] == CONTENT_TLS12_CID && l->cids.len[CID_OURS];
}

/* Plaintext never has this form: RFC 9146 3. */
bool cid12_parse(const struct record_layer *l, struct rd *r, struct record_header *out)
{
	struct span bytes = rd_rest(r);
	struct record12 h;
	size_t i;
	if (bytes.n < RECORD12_CID_AT)
		return false;
	if (!cids_match(&l->cids, span_of(bytes.p + RECORD12_CID_AT, bytes.n - RECORD12_CID_AT), &i)) {
		*out = others_rest(r, CONTENT_TLS12_CID);
		return true;
	}
	if (!get_record12_cid(r, cids_at(&l->cids, CID_OURS, i).n, &h))
		return false;
	*out = plain_header(&h, h.version != VERSION_DTLS12 ? TERN_DROP_VERSION
				: h.epoch == 0		    ? TERN_DROP_CONTENT_TYPE
							    : TERN_DROP_NONE);
	out->cid_index = i;
	return true;
}

/* By its first three bits: RFC 9147 4.1. */
bool is_unified(const struct rd *r)
{
	return rd_left(r) && (r->p[0] & UNIFIED_FIXED_MASK) == UNIFIED_FIXED;
}

bool unified_parse(const struct record_layer *l, struct rd *r, struct record_header *out)
{
	struct unified_header h;
	const uint8_t *start = r->p;
	size_t cid_len = 0, i = 0;
	if ((start[0] & UNIFIED_CID) && l->cids.len[CID_OURS]) {
		if (!cids_match(&l->cids, span_of(start + 1, rd_left(r) - 1), &i)) {
			*out = others_rest(r, 0);
			return true;
		}
		cid_len = cids_at(&l->cids, CID_OURS, i).n;
	}
	if (!get_unified(r, cid_len, &h))
		return false;
	*out = (struct record_header){
		.wire = span_of(start, h.header_len + h.payload.n),
		.len = h.header_len,
		.epoch = epochs_expected(l, h.epoch_bits),
		.drop = TERN_DROP_EPOCH,
		.cid = h.cid,
		.cid_index = i,
	};
	return true;
}
