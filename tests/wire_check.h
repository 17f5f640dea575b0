/* wire_check.h - what every codec must do, checked on exact-size copies so that AddressSanitizer sees an over-read. */
#ifndef TERN_TESTS_WIRE_CHECK_H
#define TERN_TESTS_WIRE_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/reader.h"
#include "base/writer.h"
#include "vectors/openssl_dtls12.h"
#include "wire/handshake.h"
#include "wire/record.h"

struct bytes {
	uint8_t p[2048];
	size_t n;
};

/* Blanks are skipped. */
static inline struct bytes unhex(const char *text)
{
	struct bytes out = {.n = 0};
	for (; *text; text++) {
		char digits[3] = {text[0], text[1], 0}, *end;
		if (*text == ' ')
			continue;
		assert_true(out.n < sizeof out.p);
		out.p[out.n++] = (uint8_t)strtoul(digits, &end, 16);
		assert_ptr_equal(end, digits + 2);
		text++;
	}
	return out;
}

static inline struct span span_of_bytes(const struct bytes *b)
{
	return span_of(b->p, b->n);
}

static inline void check_span(struct span got, const char *hex)
{
	struct bytes want = unhex(hex);
	assert_int_equal(got.n, want.n);
	if (want.n)
		assert_memory_equal(got.p, want.p, want.n);
}

/* Decodes one structure from r and encodes it to w; false when decoding fails. */
typedef bool recode_fn(struct rd *r, struct wr *w);

/* Defines a recode_fn that also sees to it that a failed decode changes neither the cursor nor the output. */
#define RECODE(name, type, get, put)                                                                                   \
	static bool name(struct rd *r, struct wr *w)                                                                   \
	{                                                                                                              \
		struct type v, before;                                                                                 \
		struct rd start = *r;                                                                                  \
		memset(&v, 0xa5, sizeof v);                                                                            \
		memset(&before, 0xa5, sizeof before);                                                                  \
		if (!get(r, &v)) {                                                                                     \
			assert_memory_equal(&v, &before, sizeof v);                                                    \
			assert_ptr_equal(r->p, start.p);                                                               \
			return false;                                                                                  \
		}                                                                                                      \
		put(w, &v);                                                                                            \
		return true;                                                                                           \
	}

static inline bool recode_copy(recode_fn *recode, struct span in, struct wr *w, size_t *left)
{
	uint8_t *copy = malloc(in.n ? in.n : 1);
	struct rd r;
	bool ok;
	assert_non_null(copy);
	if (in.n)
		memcpy(copy, in.p, in.n);
	r = rd_of(span_of(copy, in.n));
	ok = recode(&r, w);
	*left = rd_left(&r);
	free(copy);
	return ok;
}

static inline bool accepted(recode_fn *recode, struct span in)
{
	uint8_t out[4096];
	struct wr w = wr_of(out, sizeof out);
	size_t left;
	return recode_copy(recode, in, &w, &left);
}

static inline void check_refused(const char *name, recode_fn *recode, const char *hex)
{
	struct bytes b = unhex(hex);
	if (accepted(recode, span_of_bytes(&b)))
		fail_msg("%s: accepted", name);
}

static inline void check_accepted(const char *name, recode_fn *recode, const char *hex)
{
	struct bytes b = unhex(hex);
	if (!accepted(recode, span_of_bytes(&b)))
		fail_msg("%s: refused", name);
}

#define NO_PREFIX SIZE_MAX

/* The message comes back unchanged; every truncation is refused but the one of valid_prefix bytes, which must not be;
 * a buffer that is too small is noticed. */
static inline void check_round_trip(const char *name, recode_fn *recode, struct span in, size_t valid_prefix)
{
	uint8_t out[4096];
	struct wr w = wr_of(out, sizeof out);
	size_t left;
	if (!recode_copy(recode, in, &w, &left) || left != 0)
		fail_msg("%s: refused", name);
	if (!wr_ok(&w) || !span_equal(wr_span(&w), in))
		fail_msg("%s: comes back changed", name);
	for (size_t n = 0; n < in.n; n++) {
		if (accepted(recode, span_of(in.p, n)) != (n == valid_prefix))
			fail_msg("%s: wrong about its first %zu bytes", name, n);
		w = wr_of(out, n);
		if (!recode_copy(recode, in, &w, &left) || wr_ok(&w))
			fail_msg("%s: written to %zu bytes", name, n);
	}
}

/* A message that fills what it is decoded from: the same, and a byte too many is refused. */
static inline void check_message(const char *name, recode_fn *recode, struct span in, size_t valid_prefix)
{
	struct bytes longer = {.n = in.n + 1};
	check_round_trip(name, recode, in, valid_prefix);
	assert_true(longer.n <= sizeof longer.p);
	if (in.n)
		memcpy(longer.p, in.p, in.n);
	if (accepted(recode, span_of_bytes(&longer)))
		fail_msg("%s: a trailing byte is accepted", name);
}

static inline void check_message_hex(const char *name, recode_fn *recode, const char *hex, size_t valid_prefix)
{
	struct bytes b = unhex(hex);
	check_message(name, recode, span_of_bytes(&b), valid_prefix);
}

/* The body of the nth message of this type that sender sent in the capture, none of which is fragmented. */
static inline struct bytes captured(char sender, uint8_t type, unsigned nth)
{
	for (size_t i = 0; i < OPENSSL_DTLS12_NUM; i++) {
		struct bytes datagram = unhex(openssl_dtls12[i].hex), out;
		struct rd r = rd_of(span_of_bytes(&datagram));
		struct record12 record;
		struct fragment f;
		while (openssl_dtls12[i].sender == sender && get_record12(&r, &record)) {
			struct rd body = rd_of(record.fragment);
			if (record.type != CONTENT_HANDSHAKE || record.epoch != 0)
				continue;
			assert_true(get_fragment(&body, &f) && rd_end(&body));
			if (f.type != type || nth--)
				continue;
			out.n = f.body.n;
			memcpy(out.p, f.body.p, out.n);
			return out;
		}
	}
	fail_msg("message %u is not in the capture", type);
	return (struct bytes){.n = 0};
}

#endif
