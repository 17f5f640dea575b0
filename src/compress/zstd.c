/* zstd.c - RFC 8878 by libzstd. From a whole frame into a whole buffer it needs no window, only a context of a fixed
 * size, some 160 KB, which is malloc's: its stable interface takes no allocator. */
#include <zstd.h>
#include <zstd_errors.h>

#include "compress/compress.h"

#define LEVEL 19 /* the last that wants no memory out of the ordinary */

static const uint8_t magic[] = {0x28, 0xb5, 0x2f, 0xfd};

/* One frame, of the format that has an RFC: the library would also take older ones, and frames to be skipped. */
static bool one_frame(struct span in)
{
	return in.n > sizeof magic && memcmp(in.p, magic, sizeof magic) == 0 &&
	       ZSTD_findFrameCompressedSize(in.p, in.n) == in.n;
}

static tern_error decompress(const tern_allocator *heap, uint8_t *out, size_t n, struct span in)
{
	size_t got;
	(void)heap;
	if (!one_frame(in))
		return TERN_ERROR_CERTIFICATE_COMPRESSION;
	got = ZSTD_decompress(out, n, in.p, in.n);
	if (ZSTD_isError(got) && ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation)
		return TERN_ERROR_NO_MEMORY;
	return got == n ? TERN_OK : TERN_ERROR_CERTIFICATE_COMPRESSION;
}

static size_t compress_best(uint8_t *out, size_t cap, struct span in)
{
	size_t n = ZSTD_compress(out, cap, in.p, in.n, LEVEL);
	return ZSTD_isError(n) ? 0 : n;
}

const struct compression_alg compression_zstd = {3, "zstd", decompress, compress_best};
