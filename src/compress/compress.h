/* compress.h - the seam to whoever compresses certificates (RFC 8879). An algorithm is a const struct; which ones there
 * are was decided when the library was built. */
#ifndef TERN_COMPRESS_COMPRESS_H
#define TERN_COMPRESS_COMPRESS_H

#include "base/error.h"
#include "base/span.h"

#define COMPRESSION_ALGS 3 /* that could be built in */

struct compression_alg {
	uint16_t id; /* IANA CertificateCompressionAlgorithm */
	const char *name; /* IANA name */
	/* All of in, and nothing more or less than n bytes of out. Takes time linear in both, and memory of at most
	 * COMPRESSION_MEMORY(n). CERTIFICATE_COMPRESSION for anything else, NO_MEMORY. */
	tern_error (*decompress)(const tern_allocator *heap, uint8_t *out, size_t n, struct span in);
	/* As small as it gets. Returns the length, 0: it does not fit. Its working memory is malloc's. */
	size_t (*compress)(uint8_t *out, size_t cap, struct span in);
};

/* What is passed from heap: a decoder of brotli may ask for megabytes on a peer's word. What compressors make of a
 * certificate wants a tenth of this. */
#define COMPRESSION_MEMORY(n) (((size_t)1 << 18) + 4 * (n))

/* Those that are built in, best first; NULL at the end. */
extern const struct compression_alg *const compression_algs[];
const struct compression_alg *compression_by_name(struct span name); /* NULL: not built in */

extern const struct compression_alg compression_zlib, compression_brotli, compression_zstd;

#endif
