/* reader.h - a bounded cursor over received bytes.
 *
 * Every getter returns false and leaves the cursor and its outputs untouched when the bytes do not suffice. A message
 * is decoded by one conjunction of getters that ends in rd_end. Numbers are in network byte order. */
#ifndef TERN_BASE_READER_H
#define TERN_BASE_READER_H

#include "base/span.h"

#define MUST_CHECK __attribute__((warn_unused_result))

struct rd {
	const uint8_t *p, *end;
};

static inline struct rd rd_of(struct span s)
{
	return (struct rd){s.p, s.n ? s.p + s.n : s.p};
}

static inline size_t rd_left(const struct rd *r)
{
	return (size_t)(r->end - r->p);
}

MUST_CHECK static inline bool rd_end(const struct rd *r)
{
	return r->p == r->end;
}

/* What is left, without moving. */
static inline struct span rd_rest(const struct rd *r)
{
	return span_of(r->p, rd_left(r));
}

MUST_CHECK static inline bool rd_bytes(struct rd *r, size_t n, struct span *out)
{
	if (rd_left(r) < n)
		return false;
	*out = span_of(r->p, n);
	if (n)
		r->p += n; /* not on a null pointer */
	return true;
}

/* n at most 4. No loop: where n is a constant, compilers make one load of it. */
static inline uint32_t rd_load_low(const uint8_t *p, size_t n)
{
	uint32_t v = 0;
	if (n > 3)
		v |= (uint32_t)p[n - 4] << 24;
	if (n > 2)
		v |= (uint32_t)p[n - 3] << 16;
	if (n > 1)
		v |= (uint32_t)p[n - 2] << 8;
	if (n > 0)
		v |= p[n - 1];
	return v;
}

/* The n-byte number (n at most 8). */
MUST_CHECK static inline bool rd_number(struct rd *r, size_t n, uint64_t *out)
{
	size_t high = n > 4 ? n - 4 : 0;
	if (rd_left(r) < n)
		return false;
	*out = (uint64_t)rd_load_low(r->p, high) << 32 | rd_load_low(r->p + high, n - high);
	r->p += n;
	return true;
}

MUST_CHECK static inline bool rd_u8(struct rd *r, uint8_t *out)
{
	uint64_t v;
	return rd_number(r, 1, &v) && (*out = (uint8_t)v, true);
}

MUST_CHECK static inline bool rd_u16(struct rd *r, uint16_t *out)
{
	uint64_t v;
	return rd_number(r, 2, &v) && (*out = (uint16_t)v, true);
}

MUST_CHECK static inline bool rd_u24(struct rd *r, uint32_t *out)
{
	uint64_t v;
	return rd_number(r, 3, &v) && (*out = (uint32_t)v, true);
}

MUST_CHECK static inline bool rd_u32(struct rd *r, uint32_t *out)
{
	uint64_t v;
	return rd_number(r, 4, &v) && (*out = (uint32_t)v, true);
}

MUST_CHECK static inline bool rd_u48(struct rd *r, uint64_t *out)
{
	return rd_number(r, 6, out);
}

MUST_CHECK static inline bool rd_u64(struct rd *r, uint64_t *out)
{
	return rd_number(r, 8, out);
}

/* A vector behind an n-byte length (n at most 3). */
MUST_CHECK static inline bool rd_span(struct rd *r, size_t n, struct span *out)
{
	struct rd t = *r;
	uint64_t len;
	if (!rd_number(&t, n, &len) || !rd_bytes(&t, (size_t)len, out))
		return false;
	*r = t;
	return true;
}

MUST_CHECK static inline bool rd_span8(struct rd *r, struct span *out)
{
	return rd_span(r, 1, out);
}

MUST_CHECK static inline bool rd_span16(struct rd *r, struct span *out)
{
	return rd_span(r, 2, out);
}

MUST_CHECK static inline bool rd_span24(struct rd *r, struct span *out)
{
	return rd_span(r, 3, out);
}

#endif
