/* zlib.c - RFC 1950 by zlib. */
#include <zlib.h>

#include "compress/compress.h"
#include "compress/memory.h"

static voidpf alloc_items(voidpf memory, uInt items, uInt size)
{
	return compress_alloc(memory, (size_t)items * size);
}

static tern_error decompress(const tern_allocator *heap, uint8_t *out, size_t n, struct span in)
{
	struct compress_memory memory = {heap, COMPRESSION_MEMORY(n), false};
	z_stream s = {.next_in = (Bytef *)(uintptr_t)in.p,
		      .avail_in = (uInt)in.n,
		      .next_out = out,
		      .avail_out = (uInt)n,
		      .zalloc = alloc_items,
		      .zfree = compress_free,
		      .opaque = &memory};
	bool good = inflateInit(&s) == Z_OK;
	if (good) {
		good = inflate(&s, Z_FINISH) == Z_STREAM_END && s.avail_in == 0 && s.avail_out == 0;
		inflateEnd(&s);
	}
	if (good)
		return TERN_OK;
	return memory.ran_out ? TERN_ERROR_NO_MEMORY : TERN_ERROR_CERTIFICATE_COMPRESSION;
}

static size_t compress_best(uint8_t *out, size_t cap, struct span in)
{
	uLongf n = cap;
	return compress2(out, &n, in.p, in.n, Z_BEST_COMPRESSION) == Z_OK ? n : 0;
}

const struct compression_alg compression_zlib = {1, "zlib", decompress, compress_best};
