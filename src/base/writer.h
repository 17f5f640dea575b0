/* writer.h - puts bytes into a fixed buffer.
 *
 * Overflow, and a vector longer than its length field can say, set `bad`, which stays set; puts never fail by
 * themselves. One check at the end: wr_ok. Numbers are written in network byte order. Vectors are opened and closed by
 * marks:
 *
 *     size_t m = wr_open16(w);
 *     wr_u16(w, group);
 *     wr_close16(w, m); */
#ifndef TERN_BASE_WRITER_H
#define TERN_BASE_WRITER_H

#include "base/span.h"

struct wr {
	uint8_t *p; /* start of the buffer */
	size_t n; /* bytes written */
	size_t cap;
	bool bad;
};

static inline struct wr wr_of(void *buffer, size_t cap)
{
	return (struct wr){buffer, 0, cap, false};
}

static inline bool wr_ok(const struct wr *w)
{
	return !w->bad;
}

static inline struct span wr_span(const struct wr *w)
{
	return span_of(w->p, w->n);
}

/* n bytes to be filled by the caller, or NULL on overflow. */
static inline uint8_t *wr_reserve(struct wr *w, size_t n)
{
	if (w->bad || w->cap - w->n < n) {
		w->bad = true;
		return NULL;
	}
	w->n += n;
	return w->p + w->n - n;
}

/* n at most 4. No loop: where n is a constant, compilers make one store of it. */
static inline void wr_store_low(uint8_t *p, size_t n, uint32_t v)
{
	if (n > 3)
		p[n - 4] = (uint8_t)(v >> 24);
	if (n > 2)
		p[n - 3] = (uint8_t)(v >> 16);
	if (n > 1)
		p[n - 2] = (uint8_t)(v >> 8);
	if (n > 0)
		p[n - 1] = (uint8_t)v;
}

/* n at most 8. */
static inline void wr_store(uint8_t *p, size_t n, uint64_t v)
{
	size_t high = n > 4 ? n - 4 : 0;
	wr_store_low(p, high, (uint32_t)(v >> 32));
	wr_store_low(p + high, n - high, (uint32_t)v);
}

static inline void wr_number(struct wr *w, size_t n, uint64_t v)
{
	uint8_t *p = wr_reserve(w, n);
	if (p)
		wr_store(p, n, v);
}

static inline void wr_u8(struct wr *w, uint8_t v)
{
	wr_number(w, 1, v);
}

static inline void wr_u16(struct wr *w, uint16_t v)
{
	wr_number(w, 2, v);
}

static inline void wr_u24(struct wr *w, uint32_t v)
{
	wr_number(w, 3, v);
}

static inline void wr_u32(struct wr *w, uint32_t v)
{
	wr_number(w, 4, v);
}

static inline void wr_u48(struct wr *w, uint64_t v)
{
	wr_number(w, 6, v);
}

static inline void wr_u64(struct wr *w, uint64_t v)
{
	wr_number(w, 8, v);
}

static inline void wr_bytes(struct wr *w, struct span s)
{
	uint8_t *p;
	if (!s.n)
		return;
	p = wr_reserve(w, s.n);
	if (p)
		memcpy(p, s.p, s.n);
}

static inline size_t wr_open(struct wr *w, size_t n)
{
	wr_number(w, n, 0);
	return w->n;
}

static inline void wr_close(struct wr *w, size_t mark, size_t n)
{
	if (w->bad)
		return;
	if ((uint64_t)(w->n - mark) >> (8 * n))
		w->bad = true;
	else
		wr_store(w->p + mark - n, n, w->n - mark);
}

static inline size_t wr_open8(struct wr *w)
{
	return wr_open(w, 1);
}

static inline size_t wr_open16(struct wr *w)
{
	return wr_open(w, 2);
}

static inline size_t wr_open24(struct wr *w)
{
	return wr_open(w, 3);
}

static inline void wr_close8(struct wr *w, size_t mark)
{
	wr_close(w, mark, 1);
}

static inline void wr_close16(struct wr *w, size_t mark)
{
	wr_close(w, mark, 2);
}

static inline void wr_close24(struct wr *w, size_t mark)
{
	wr_close(w, mark, 3);
}

/* Whole vectors with their length in front. */
static inline void wr_vec8(struct wr *w, struct span s)
{
	size_t mark = wr_open8(w);
	wr_bytes(w, s);
	wr_close8(w, mark);
}

static inline void wr_vec16(struct wr *w, struct span s)
{
	size_t mark = wr_open16(w);
	wr_bytes(w, s);
	wr_close16(w, mark);
}

static inline void wr_vec24(struct wr *w, struct span s)
{
	size_t mark = wr_open24(w);
	wr_bytes(w, s);
	wr_close24(w, mark);
}

#endif
