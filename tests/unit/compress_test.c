/* src/compress/compress.c, and every algorithm that is built in: what comes out is exactly as long as was said, and
 * costs no more memory than was allowed, whatever comes in. */
#include "compress/compress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "count_heap.h"
#include "pcg.h"

#define MAX 65536
#define NUM(a) (sizeof(a) / sizeof(a)[0])

static uint8_t plain[MAX], small[2 * MAX], out[MAX];

static tern_error decompress(const struct compression_alg *alg, size_t n, struct span in)
{
	struct count_heap heap = {0};
	tern_allocator allocator = count_heap_allocator(&heap);
	/* Exact copies, so that AddressSanitizer sees an over-read and an overflow. */
	uint8_t *copy = malloc(in.n ? in.n : 1), *to = malloc(n ? n : 1);
	tern_error error;
	assert_true(copy && to);
	if (in.n)
		memcpy(copy, in.p, in.n);
	error = alg->decompress(&allocator, to, n, span_of(copy, in.n));
	if (heap.live || heap.peak > COMPRESSION_MEMORY(n))
		fail_msg("%s: %zu bytes left, %zu at the worst", alg->name, heap.live, heap.peak);
	if (error == TERN_OK)
		memcpy(out, to, n);
	free(copy);
	free(to);
	return error;
}

enum { ZEROS, TEXT, NOISE };

static void fill(size_t what, size_t n)
{
	struct pcg rng;
	pcg_seed(&rng, 1, n);
	memset(plain, 0, sizeof plain);
	if (what == NOISE)
		pcg_fill(&rng, plain, n);
	for (size_t i = 0; what == TEXT && i < n; i++)
		plain[i] = (uint8_t)((size_t) "CN=a.test, O=of a kind "[i % 23] + i / 500);
}

static void names(void **state)
{
	const char *list = tern_compression_names();
	size_t i = 0;
	(void)state;
	for (; compression_algs[i]; i++) {
		const char *name = compression_algs[i]->name;
		assert_ptr_equal(compression_by_name(span_of(name, strlen(name))), compression_algs[i]);
		assert_int_equal(strncmp(list, name, strlen(name)), 0);
		list += strlen(name);
		assert_int_equal(*list, compression_algs[i + 1] ? ',' : 0);
		list += *list == ',';
	}
	assert_true(i <= COMPRESSION_ALGS);
	assert_null(compression_by_name(span_of("", 0)));
	assert_null(compression_by_name(span_of("lzma", 4)));
	assert_null(compression_by_name(span_of("zlibs", 5)));
}

static void what_goes_in_comes_out(void **state)
{
	static const size_t sizes[] = {1, 2, 100, 700, 4096, 32768, MAX};
	(void)state;
	for (size_t a = 0; compression_algs[a]; a++) {
		for (size_t i = 0; i < 3 * NUM(sizes); i++) {
			size_t n = sizes[i / 3], c;
			fill(i % 3, n);
			c = compression_algs[a]->compress(small, sizeof small, span_of(plain, n));
			assert_true(c > 0);
			if (i % 3 != NOISE && n >= 100)
				assert_true(c < n);
			assert_int_equal(decompress(compression_algs[a], n, span_of(small, c)), TERN_OK);
			assert_memory_equal(out, plain, n);
			assert_int_equal(compression_algs[a]->compress(small, c - 1, span_of(plain, n)), 0);
		}
	}
}

static void lengths_are_exact(void **state)
{
	const size_t n = 5000;
	(void)state;
	for (size_t a = 0; compression_algs[a]; a++) {
		const struct compression_alg *alg = compression_algs[a];
		static const int wrong[] = {-5000, -4999, -1, 1, 2, 5000};
		size_t c;
		fill(TEXT, n);
		c = alg->compress(small, sizeof small, span_of(plain, n));
		small[c] = 0;
		for (size_t i = 0; i < NUM(wrong); i++)
			assert_int_equal(decompress(alg, (size_t)((int)n + wrong[i]), span_of(small, c)),
					 TERN_ERROR_CERTIFICATE_COMPRESSION);
		assert_int_equal(decompress(alg, n, span_of(small, c + 1)), TERN_ERROR_CERTIFICATE_COMPRESSION);
		for (size_t i = 0; i < c; i++)
			assert_int_equal(decompress(alg, n, span_of(small, i)), TERN_ERROR_CERTIFICATE_COMPRESSION);
	}
}

/* Damage is told, or it has changed nothing that counts: brotli has no checksum. */
static void damage(void **state)
{
	const size_t n = 600;
	(void)state;
	for (size_t a = 0; compression_algs[a]; a++) {
		size_t c;
		fill(TEXT, n);
		c = compression_algs[a]->compress(small, sizeof small, span_of(plain, n));
		for (size_t i = 0; i < 8 * c; i++) {
			tern_error error;
			small[i / 8] ^= (uint8_t)(1 << i % 8);
			error = decompress(compression_algs[a], n, span_of(small, c));
			assert_true(error == TERN_OK || error == TERN_ERROR_CERTIFICATE_COMPRESSION);
			small[i / 8] ^= (uint8_t)(1 << i % 8);
		}
	}
}

/* A thousand times more than was said stops where it was said to. */
static void bombs(void **state)
{
	const size_t size = (size_t)1 << 24;
	uint8_t *zeros = calloc(size, 1);
	(void)state;
	assert_non_null(zeros);
	for (size_t a = 0; compression_algs[a]; a++) {
		size_t c = compression_algs[a]->compress(small, sizeof small, span_of(zeros, size));
		assert_true(c > 0);
		assert_int_equal(decompress(compression_algs[a], 16384, span_of(small, c)),
				 TERN_ERROR_CERTIFICATE_COMPRESSION);
	}
	free(zeros);
}

static void hand_made(void **state)
{
	static const struct {
		const char *name, *alg;
		size_t n, len;
		const char *bytes;
	} cases[] = {
		/* A window and a block of 16 MiB, of which one byte is there: the memory is not allocated. */
		{"brotli: long window", "brotli", 100, 5, "\xcf\xff\xff\xff\x00"},
		/* RFC 7932 9.1 has no windows beyond 16 MiB; the library knows some. */
		{"brotli: large window", "brotli", 100, 8, "\x11\x1e\xff\xff\xff\xff\xff\xff"},
		{"zlib: preset dictionary", "zlib", 4, 12, "\x78\xbb\x03\x7d\x01\x99\x4b\x4c\x4a\x06\x00\x00"},
		{"zlib: raw deflate", "zlib", 3, 5, "\x4b\x4c\x4a\x06\x00"},
		{"zlib: gzip", "zlib", 3, 23,
		 "\x1f\x8b\x08\0\0\0\0\0\0\x03\x4b\x4c\x4a\x06\x00\xc2\x41\x24\x35\x03\0\0\0"},
		{"zstd: skippable frame", "zstd", 3, 11, "\x50\x2a\x4d\x18\x03\0\0\0abc"},
		{"zstd: format of before the RFC", "zstd", 3, 12, "\x27\xb5\x2f\xfd\x20\x03\x19\0\0abc"},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		const struct compression_alg *alg = compression_by_name(span_of(cases[i].alg, strlen(cases[i].alg)));
		if (alg && decompress(alg, cases[i].n, span_of(cases[i].bytes, cases[i].len)) !=
				   TERN_ERROR_CERTIFICATE_COMPRESSION)
			fail_msg("%s", cases[i].name);
	}
}

/* Two frames of zstd one behind the other are not one. */
static void zstd_is_one_frame(void **state)
{
	const struct compression_alg *alg = compression_by_name(span_of("zstd", 4));
	size_t c;
	(void)state;
	if (!alg)
		return;
	fill(TEXT, 200);
	c = alg->compress(small, sizeof small, span_of(plain, 200));
	memcpy(small + c, small, c);
	assert_int_equal(decompress(alg, 400, span_of(small, 2 * c)), TERN_ERROR_CERTIFICATE_COMPRESSION);
}

static void memory_runs_out(void **state)
{
	const size_t n = 20000;
	(void)state;
	for (size_t a = 0; compression_algs[a]; a++) {
		size_t c, fail = 0;
		tern_error error = TERN_ERROR_NO_MEMORY;
		fill(TEXT, n);
		c = compression_algs[a]->compress(small, sizeof small, span_of(plain, n));
		while (error == TERN_ERROR_NO_MEMORY && fail < 100) {
			struct count_heap heap = {.fail_at = ++fail};
			tern_allocator allocator = count_heap_allocator(&heap);
			error = compression_algs[a]->decompress(&allocator, out, n, span_of(small, c));
			assert_int_equal(heap.live, 0);
		}
		assert_int_equal(error, TERN_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(what_goes_in_comes_out),
		cmocka_unit_test(lengths_are_exact),
		cmocka_unit_test(damage),
		cmocka_unit_test(bombs),
		cmocka_unit_test(hand_made),
		cmocka_unit_test(zstd_is_one_frame),
		cmocka_unit_test(memory_runs_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
