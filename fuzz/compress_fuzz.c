/* Decompression of what a peer sent: exactly the length it claims or an error, within the memory that is allowed, and
 * nothing left behind. Two bytes choose algorithm and length. What was compressed comes back. */
#include "compress/compress.h"
#include "count_heap.h"

#include "stable.h"

static size_t num_algs(void)
{
	size_t n = 0;
	while (compression_algs[n])
		n++;
	return n;
}

static void check_decompress(const struct compression_alg *alg, size_t n, struct span in)
{
	struct count_heap heap = {0};
	tern_allocator allocator = count_heap_allocator(&heap);
	uint8_t *out = malloc(n);
	tern_error error;
	must(out);
	error = alg->decompress(&allocator, out, n, in);
	must(error == TERN_OK || error == TERN_ERROR_CERTIFICATE_COMPRESSION);
	must(heap.live == 0 && heap.peak <= COMPRESSION_MEMORY(n));
	free(out);
}

static void check_round_trip(const struct compression_alg *alg, struct span in)
{
	size_t cap = 2 * in.n + 1024, n;
	uint8_t *small = malloc(cap), *back = malloc(in.n);
	must(small && back);
	n = alg->compress(small, cap, in);
	must(n > 0 && n <= cap);
	must(alg->decompress(&heap_default, back, in.n, span_of(small, n)) == TERN_OK);
	must(memcmp(back, in.p, in.n) == 0);
	free(small);
	free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct compression_alg *alg;
	size_t n;
	if (size < 3 || num_algs() == 0)
		return 0;
	alg = compression_algs[data[0] / 2 % num_algs()];
	n = (size_t)data[1] * data[1] / 2 + 1;
	if (data[0] & 1)
		check_round_trip(alg, span_of(data + 2, size - 2));
	else
		check_decompress(alg, n, span_of(data + 2, size - 2));
	return 0;
}
