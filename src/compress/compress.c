#include "compress/compress.h"

/* Those first that make real chains smallest. */
const struct compression_alg *const compression_algs[] = {
#if TERN_HAS_BROTLI
	&compression_brotli,
#endif
#if TERN_HAS_ZSTD
	&compression_zstd,
#endif
#if TERN_HAS_ZLIB
	&compression_zlib,
#endif
	NULL,
};

const struct compression_alg *compression_by_name(struct span name)
{
	for (size_t i = 0; compression_algs[i]; i++)
		if (span_equal(name, span_of(compression_algs[i]->name, strlen(compression_algs[i]->name))))
			return compression_algs[i];
	return NULL;
}

const char *tern_compression_names(void)
{
	static const char names[] = ""
#if TERN_HAS_BROTLI
				    ",brotli"
#endif
#if TERN_HAS_ZSTD
				    ",zstd"
#endif
#if TERN_HAS_ZLIB
				    ",zlib"
#endif
		;
	return names[0] ? names + 1 : names;
}
