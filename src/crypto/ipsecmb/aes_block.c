#include <immintrin.h>

#include "crypto/ipsecmb/ipsecmb.h"

/* The library's own call for a block knows AES-128 alone. Only processors with these instructions come here. */
__attribute__((target("aes,sse2"))) void ipsecmb_aes_block(const uint8_t *round_keys, unsigned rounds,
							   const uint8_t in[16], uint8_t out[16])
{
	const __m128i *k = (const __m128i *)(const void *)round_keys;
	__m128i block = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(const void *)in), _mm_loadu_si128(k));
	for (unsigned i = 1; i < rounds; i++)
		block = _mm_aesenc_si128(block, _mm_loadu_si128(k + i));
	block = _mm_aesenclast_si128(block, _mm_loadu_si128(k + rounds));
	_mm_storeu_si128((__m128i *)(void *)out, block);
}
