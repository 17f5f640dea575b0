/* brotli.c - RFC 7932 by libbrotli. */
#include <brotli/decode.h>
#include <brotli/encode.h>

#include "compress/compress.h"
#include "compress/memory.h"

static tern_error decompress(const tern_allocator *heap, uint8_t *out, size_t n, struct span in)
{
	struct compress_memory memory = {heap, COMPRESSION_MEMORY(n), false};
	BrotliDecoderState *s = BrotliDecoderCreateInstance(compress_alloc, compress_free, &memory);
	bool good = s != NULL;
	if (good) {
		good = BrotliDecoderDecompressStream(s, &in.n, &in.p, &n, &out, NULL) ==
			       BROTLI_DECODER_RESULT_SUCCESS &&
		       in.n == 0 && n == 0;
		BrotliDecoderDestroyInstance(s);
	}
	if (good)
		return TERN_OK;
	return memory.ran_out ? TERN_ERROR_NO_MEMORY : TERN_ERROR_CERTIFICATE_COMPRESSION;
}

static size_t compress_best(uint8_t *out, size_t cap, struct span in)
{
	size_t n = cap;
	return BrotliEncoderCompress(BROTLI_MAX_QUALITY, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, in.n, in.p, &n,
				     out)
		       ? n
		       : 0;
}

const struct compression_alg compression_brotli = {2, "brotli", decompress, compress_best};
