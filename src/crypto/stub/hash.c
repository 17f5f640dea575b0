#include "crypto/stub/stub.h"

struct mix {
	uint64_t a, b;
	uint64_t total; /* bytes taken in */
	uint8_t partial[8]; /* the total % 8 bytes not yet mixed */
};

_Static_assert(sizeof(struct mix) <= sizeof(struct hash_state), "the mix fits");

static void mix_init(struct mix *m, uint64_t seed)
{
	*m = (struct mix){.a = stub_scramble(seed), .b = stub_scramble(~seed)};
}

/* For a fixed state a bijection of the word, and for a fixed word one of the state. */
static void mix_word(struct mix *m, uint64_t word)
{
	m->a = (m->a ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	m->a ^= m->a >> 32;
	m->b = (m->b << 23 | m->b >> 41) + m->a;
}

static void mix_update(struct mix *m, const uint8_t *p, size_t n)
{
	size_t held = m->total % 8;
	m->total += n;
	if (held) {
		size_t take = n < 8 - held ? n : 8 - held;
		memcpy(m->partial + held, p, take);
		if (held + take < 8)
			return;
		mix_word(m, stub_load(m->partial, 8));
		p += take;
		n -= take;
	}
	for (; n >= 8; p += 8, n -= 8)
		mix_word(m, stub_load(p, 8));
	if (n)
		memcpy(m->partial, p, n);
}

static void mix_final(struct mix *m, uint8_t *out, size_t n)
{
	mix_word(m, stub_load(m->partial, m->total % 8));
	mix_word(m, m->total);
	mix_word(m, 0);
	for (size_t i = 0; i < n; i += 8)
		stub_store(out + i, stub_scramble(m->a ^ stub_scramble(m->b + i)), n - i < 8 ? n - i : 8);
}

static struct mix *mix_of(struct hash_state *s)
{
	return (void *)s->opaque;
}

static void sha256_init(struct hash_state *s)
{
	mix_init(mix_of(s), HASH_SHA256);
}

static void sha384_init(struct hash_state *s)
{
	mix_init(mix_of(s), HASH_SHA384);
}

static void sha512_init(struct hash_state *s)
{
	mix_init(mix_of(s), HASH_SHA512);
}

static void update(struct hash_state *s, const uint8_t *p, size_t n)
{
	if (n)
		mix_update(mix_of(s), p, n);
}

static void final32(struct hash_state *s, uint8_t *out)
{
	mix_final(mix_of(s), out, 32);
}

static void final48(struct hash_state *s, uint8_t *out)
{
	mix_final(mix_of(s), out, 48);
}

static void final64(struct hash_state *s, uint8_t *out)
{
	mix_final(mix_of(s), out, 64);
}

const struct hash_alg stub_sha256 = {HASH_SHA256, 32, 64, sha256_init, update, final32};
const struct hash_alg stub_sha384 = {HASH_SHA384, 48, 128, sha384_init, update, final48};
const struct hash_alg stub_sha512 = {HASH_SHA512, 64, 128, sha512_init, update, final64};

void stub_digest(uint8_t *out, size_t n, const struct span *parts, size_t num_parts)
{
	struct mix m;
	mix_init(&m, num_parts);
	for (size_t i = 0; i < num_parts; i++) {
		uint8_t len[8];
		stub_store(len, parts[i].n, sizeof len);
		mix_update(&m, len, sizeof len);
		if (parts[i].n)
			mix_update(&m, parts[i].p, parts[i].n);
	}
	mix_final(&m, out, n);
}
