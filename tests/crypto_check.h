/* crypto_check.h - hex constants and comparisons for the tests of the crypto seam. Include after cmocka.h. */
#ifndef TESTS_CRYPTO_CHECK_H
#define TESTS_CRYPTO_CHECK_H

#include <stdio.h>

#include "base/heap.h"
#include "crypto/crypto.h"

#define NUM(a) (sizeof(a) / sizeof(a)[0])

static inline uint8_t hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (uint8_t)(c - 'a' + 10);
	fail_msg("not a hex digit: %c", c);
	return 0;
}

/* The bytes of a hex text, into out. */
static inline struct span unhex(uint8_t *out, size_t cap, const char *text)
{
	size_t n = strlen(text) / 2;
	if (strlen(text) % 2 || n > cap)
		fail_msg("bad hex constant %s", text);
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
	return span_of(out, n);
}

static inline void check_bytes(const char *name, struct span got, struct span want)
{
	if (span_equal(got, want))
		return;
	print_error("%s: got ", name);
	for (size_t i = 0; i < got.n; i++)
		print_error("%02x", got.p[i]);
	fail_msg("%s: bytes differ", name);
}

static inline void check_hex(const char *name, struct span got, const char *want)
{
	uint8_t bytes[1024];
	check_bytes(name, got, unhex(bytes, sizeof bytes, want));
}

static inline void check_error(const char *name, tern_error got, tern_error want)
{
	if (got != want)
		fail_msg("%s: got %s, want %s", name, tern_error_name(got), tern_error_name(want));
}

static inline void check_true(const char *name, bool got)
{
	if (!got)
		fail_msg("%s: false", name);
}

static inline struct span text_span(const char *text)
{
	return span_of(text, strlen(text));
}

static inline struct crypto *open_provider(const struct provider *provider)
{
	struct crypto *c = NULL;
	check_error(provider->name, provider->open(&c, &heap_default), TERN_OK);
	return c;
}

/* An allocator that fails from the countdown-th allocation on, and counts what is held. */
struct failing_heap {
	tern_allocator allocator;
	size_t countdown, held;
};

static inline void *failing_alloc(void *user, size_t n)
{
	struct failing_heap *h = user;
	if (h->countdown == 0)
		return NULL;
	h->countdown--;
	h->held += n;
	return heap_default.alloc(NULL, n);
}

static inline void failing_free(void *user, void *p, size_t n)
{
	struct failing_heap *h = user;
	h->held -= n;
	heap_default.free(NULL, p, n);
}

static inline void failing_heap_init(struct failing_heap *h, size_t countdown)
{
	*h = (struct failing_heap){{failing_alloc, failing_free, h}, countdown, 0};
}

#endif
