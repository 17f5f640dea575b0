/* SipHash-1-3 (Aumasson, Bernstein): one round a word, three at the end, as hash tables use it. */
#include "endpoint.h"

struct state {
	uint64_t a, b, c, d;
};

static inline uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static inline struct state sip_round(struct state v)
{
	v.a += v.b;
	v.b = rotate(v.b, 13) ^ v.a;
	v.a = rotate(v.a, 32);
	v.c += v.d;
	v.d = rotate(v.d, 16) ^ v.c;
	v.a += v.d;
	v.d = rotate(v.d, 21) ^ v.a;
	v.c += v.b;
	v.b = rotate(v.b, 17) ^ v.c;
	v.c = rotate(v.c, 32);
	return v;
}

static inline struct state absorb(struct state v, uint64_t word)
{
	v.d ^= word;
	v = sip_round(v);
	v.a ^= word;
	return v;
}

uint64_t siphash(const uint64_t key[2], const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	struct state v = {key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
			  key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
	uint64_t word;

	for (size_t left = n; left >= 8; left -= 8, p += 8) {
		memcpy(&word, p, 8);
		v = absorb(v, word);
	}
	word = 0;
	memcpy(&word, p, n % 8);
	v = absorb(v, word | (uint64_t)n << 56);
	v.c ^= 0xff;
	for (int i = 0; i < 3; i++)
		v = sip_round(v);
	return v.a ^ v.b ^ v.c ^ v.d;
}

/* What is not zero of an IPv4 route fits 16 bytes; no IPv6 route hashes so few. */
uint64_t siphash_route(const uint64_t key[2], const struct route *route)
{
	uint32_t packed[4] = {[2] = route->socket, [3] = route->remote.port};

	if (route->remote.v6)
		return siphash(key, route, sizeof *route);
	memcpy(&packed[0], route->remote.bytes, 4);
	memcpy(&packed[1], route->local, 4);
	return siphash(key, packed, sizeof packed);
}
