/* stable.h - what a codec must hold for any input: decoded and written again it gives bytes that decode, and those
 * bytes come back unchanged. */
#ifndef TERN_FUZZ_STABLE_H
#define TERN_FUZZ_STABLE_H

#include <stdlib.h>

#include "base/reader.h"
#include "base/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void must(bool holds)
{
	if (!holds)
		abort();
}

/* Decodes one structure from r and encodes it to w; false when decoding fails. */
typedef bool recode_fn(struct rd *r, struct wr *w);

/* exact: the encoding is the very bytes that were decoded. Otherwise it may be shorter. */
static inline void check_stable(recode_fn *recode, struct span in, bool exact)
{
	uint8_t *once = malloc(in.n ? in.n : 1), *twice = malloc(in.n ? in.n : 1);
	struct wr w = wr_of(once, in.n), w2;
	struct rd r = rd_of(in), r2;
	must(once && twice);
	if (recode(&r, &w)) {
		must(wr_ok(&w));
		must(!exact || span_equal(wr_span(&w), span_of(in.p, in.n - rd_left(&r))));
		r2 = rd_of(wr_span(&w));
		w2 = wr_of(twice, w.n);
		must(recode(&r2, &w2) && rd_end(&r2));
		must(wr_ok(&w2) && span_equal(wr_span(&w), wr_span(&w2)));
	} else {
		must(r.p == in.p && w.n == 0);
	}
	free(once);
	free(twice);
}

/* Every span of a decoded struct lies in what it was decoded from. */
static inline void must_lie_in(struct span s, struct span in)
{
	must(s.n == 0 || (s.p >= in.p && s.n <= in.n && (size_t)(s.p - in.p) <= in.n - s.n));
}

#endif
