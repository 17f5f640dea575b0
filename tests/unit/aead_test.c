#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto_check.h"

#ifdef TERN_HAS_IPSECMB
static const struct provider *const providers[] = {&provider_stub, &provider_libcrypto, &provider_ipsecmb};
#else
static const struct provider *const providers[] = {&provider_stub, &provider_libcrypto};
#endif
#define FIRST_REAL 1 /* known answers are not for the stub */

/* The limits are those of RFC 9147 4.5.3, RFC 8446 5.5 and RFC 9325 4.4. */
static const struct {
	enum aead_id id;
	uint8_t key_len, tag_len, fixed_iv, explicit;
	uint64_t seals, forgeries, forgeries12;
} table[NUM_AEADS] = {
	{AEAD_AES_128_GCM, 16, 16, 4, 8, 23726566, UINT64_C(1) << 36, UINT64_C(1) << 28},
	{AEAD_AES_256_GCM, 32, 16, 4, 8, 23726566, UINT64_C(1) << 36, UINT64_C(1) << 28},
	{AEAD_CHACHA20_POLY1305, 32, 16, 12, 0, UINT64_C(281474976710655), UINT64_C(1) << 36, UINT64_C(1) << 36},
	{AEAD_AES_128_CCM, 16, 16, 4, 8, 8388608, 11863283, 11863283},
	{AEAD_AES_128_CCM_8, 16, 8, 4, 8, 8388608, 65536, 65536},
};

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM_AEADS; i++) {
		const struct aead_alg *a = &aead_algs[table[i].id];
		check_true(a->name, a->id == table[i].id && a->key_len == table[i].key_len);
		check_true(a->name, a->tag_len == table[i].tag_len && a->fixed_iv_len12 == table[i].fixed_iv);
		check_true(a->name, a->explicit_len12 == table[i].explicit && a->seal_limit == table[i].seals);
		check_true(a->name,
			   a->forgery_limit == table[i].forgeries && a->forgery_limit12 == table[i].forgeries12);
		check_true(a->name, a->fixed_iv_len12 + a->explicit_len12 == AEAD_NONCE);
	}
}

/* GCM: McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B. CCM: NIST SP 800-38C example 3, and the
 * same input with a tag of 16 bytes as nettle 3.8 computes it. */
static const struct {
	const char *name;
	enum aead_id id;
	const char *key, *nonce, *aad, *plain, *sealed;
} vectors[] = {
	{"GCM 1", AEAD_AES_128_GCM, "00000000000000000000000000000000", "000000000000000000000000", "", "",
	 "58e2fccefa7e3061367f1d57a4e7455a"},
	{"GCM 4", AEAD_AES_128_GCM, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
	 "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	 "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
	 "b16aedf5aa0de657ba637b39",
	 "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa05"
	 "1ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47"},
	{"GCM 16", AEAD_AES_256_GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
	 "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	 "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
	 "b16aedf5aa0de657ba637b39",
	 "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
	 "c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
	{"RFC 8439 2.8.2", AEAD_CHACHA20_POLY1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
	 "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
	 "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a20496620492063"
	 "6f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
	 "637265656e20776f756c642062652069742e",
	 "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b"
	 "1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
	 "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"},
	{"SP 800-38C example 3", AEAD_AES_128_CCM_8, "404142434445464748494a4b4c4d4e4f", "101112131415161718191a1b",
	 "000102030405060708090a0b0c0d0e0f10111213", "202122232425262728292a2b2c2d2e2f3031323334353637",
	 "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951"},
	{"the same, tag of 16", AEAD_AES_128_CCM, "404142434445464748494a4b4c4d4e4f", "101112131415161718191a1b",
	 "000102030405060708090a0b0c0d0e0f10111213", "202122232425262728292a2b2c2d2e2f3031323334353637",
	 "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5c87ae488918de93f17dd3e4934347f44"},
};

static struct aead_key *new_key(const struct provider *p, struct crypto *c)
{
	struct aead_key *k = NULL;
	check_error(p->name, p->aead_new(c, &k), TERN_OK);
	return k;
}

/* One object for all vectors: each aead_set must replace everything of the one before. */
static void check_vectors(const struct provider *p)
{
	struct crypto *c = open_provider(p);
	struct aead_key *k = new_key(p, c);
	for (size_t twice = 0; twice < 2 * NUM(vectors); twice++) {
		size_t i = twice % NUM(vectors);
		const struct aead_alg *alg = &aead_algs[vectors[i].id];
		uint8_t key[32], nonce[12], aad[32], plain[128], out[144];
		struct span a = unhex(aad, sizeof aad, vectors[i].aad),
			    m = unhex(plain, sizeof plain, vectors[i].plain);
		unhex(key, sizeof key, vectors[i].key);
		unhex(nonce, sizeof nonce, vectors[i].nonce);
		check_error(vectors[i].name, p->aead_set(k, alg, key, NULL), TERN_OK);
		check_error(vectors[i].name, p->aead_seal(k, nonce, a, out, m.p, m.n), TERN_OK);
		check_hex(vectors[i].name, span_of(out, m.n + alg->tag_len), vectors[i].sealed);
		check_true(vectors[i].name, p->aead_open(k, nonce, a, out, m.n + alg->tag_len));
		check_bytes(vectors[i].name, span_of(out, m.n), m);
	}
	p->aead_free(c, k);
	p->close(c);
}

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = FIRST_REAL; i < NUM(providers); i++)
		check_vectors(providers[i]);
}

static void fill(uint8_t *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)((i * 37 + seed) ^ i >> 8);
}

/* A name for messages: provider, AEAD, length. */
static const char *case_name(const struct provider *p, const struct aead_alg *alg, size_t n)
{
	static char name[96];
	snprintf(name, sizeof name, "%s %s %zu bytes", p->name, alg->name, n);
	return name;
}

/* A sealed record with its nonce and additional data, laid out so that every bit of it can be flipped. */
struct record {
	uint8_t nonce[12], aad[13];
	size_t n, aad_len;
	uint8_t bytes[18432 + AEAD_TAG_MAX];
};

static void check_refused(const struct provider *p, struct aead_key *k, const char *name, struct record *r)
{
	static struct record before;
	before = *r;
	check_true(name, !p->aead_open(k, r->nonce, span_of(r->aad, r->aad_len), r->bytes, r->n));
	check_true(name, memcmp(&before, r, sizeof before) == 0);
}

static void check_flips(const struct provider *p, struct aead_key *k, const char *name, struct record *r,
			uint8_t *where, size_t n)
{
	for (size_t i = 0; i<n; i += n> 64 && i + 32 < n ? n / 5 : 1) {
		where[i] ^= (uint8_t)(1 << i % 8);
		check_refused(p, k, name, r);
		where[i] ^= (uint8_t)(1 << i % 8);
	}
}

static void check_forgeries(const struct provider *p, struct aead_key *k, const struct aead_alg *alg, struct record *r)
{
	const char *name = case_name(p, alg, r->n);
	size_t n = r->n;
	check_flips(p, k, name, r, r->bytes, r->n);
	check_flips(p, k, name, r, r->nonce, sizeof r->nonce);
	check_flips(p, k, name, r, r->aad, sizeof r->aad);
	r->aad_len--;
	check_refused(p, k, name, r);
	r->aad_len++;
	r->n--;
	check_refused(p, k, name, r);
	for (r->n = 0; r->n < alg->tag_len; r->n++)
		check_refused(p, k, name, r);
	r->n = n;
}

static void check_round_trip(const struct provider *p, struct aead_key *k, const struct aead_alg *alg, size_t n)
{
	static struct record apart, in_place;
	static uint8_t plain[18432];
	const char *name = case_name(p, alg, n);
	struct span aad = span_of(apart.aad, sizeof apart.aad);
	memset(&apart, 0, sizeof apart);
	fill(apart.nonce, sizeof apart.nonce, 3);
	fill(apart.aad, sizeof apart.aad, 4);
	fill(plain, n, 5);
	memcpy(in_place.bytes, plain, n);
	apart.n = n + alg->tag_len;
	apart.aad_len = sizeof apart.aad;
	check_error(name, p->aead_seal(k, apart.nonce, aad, apart.bytes, plain, n), TERN_OK);
	check_error(name, p->aead_seal(k, apart.nonce, aad, in_place.bytes, in_place.bytes, n), TERN_OK);
	check_bytes(name, span_of(in_place.bytes, apart.n), span_of(apart.bytes, apart.n));
	check_true(name, n < 16 || memcmp(apart.bytes, plain, n) != 0);
	check_forgeries(p, k, alg, &apart);
	name = case_name(p, alg, n);
	check_true(name, p->aead_open(k, apart.nonce, aad, apart.bytes, apart.n)); /* after all those failures */
	check_bytes(name, span_of(apart.bytes, n), span_of(plain, n));
}

/* Records as DTLS 1.2 has them, whose additional data tells their length and, for CCM, the nonce's back: in any order,
 * between others, wrong ones among them, always the same bytes as by a fresh object in the general form. */
static void check_tls12(const struct provider *p, struct crypto *c, const struct aead_alg *alg, size_t n)
{
	static struct record r;
	static uint8_t plain[18432], general[18432 + AEAD_TAG_MAX];
	struct aead_key *k = new_key(p, c), *fresh = new_key(p, c);
	const char *name = case_name(p, alg, n);
	uint8_t key[32];
	fill(key, sizeof key, 9);
	fill(plain, n, 5);
	check_error(name, p->aead_set(k, alg, key, NULL), TERN_OK);
	for (uint8_t number = 250; number != 5; number++) {
		struct span aad = span_of(r.aad, sizeof r.aad);
		memset(&r, 0, sizeof r);
		r.aad_len = sizeof r.aad;
		r.n = n + alg->tag_len;
		fill(r.nonce, 4, number % 3);
		r.aad[1] = 1;
		r.aad[7] = number;
		memcpy(r.nonce + 4, r.aad, 8);
		/* A length that is not the text's has no fast form, and the tag tells. */
		r.aad[11] = (uint8_t)((n + (number == 2)) >> 8);
		r.aad[12] = (uint8_t)(n + (number == 2));
		check_error(name, p->aead_set(fresh, alg, key, NULL), TERN_OK);
		check_error(name, p->aead_seal(fresh, r.nonce, span_of(plain, 3), general, plain, n), TERN_OK);
		check_error(name, p->aead_seal(k, r.nonce, aad, r.bytes, plain, n), TERN_OK);
		check_true(name, n < 16 || memcmp(general, r.bytes, n) == 0); /* the key stream is the nonce's */
		if (number % 4 == 0)
			check_forgeries(p, k, alg, &r);
		if (number % 3 == 0)
			check_true(name, p->aead_open(k, r.nonce, span_of(plain, 3), general, r.n));
		check_true(name, p->aead_open(number % 2 ? k : fresh, r.nonce, aad, r.bytes, r.n));
		check_bytes(name, span_of(r.bytes, n), span_of(plain, n));
	}
	p->aead_free(c, k);
	p->aead_free(c, fresh);
}

static void test_tls12(void **state)
{
	static const size_t lengths[] = {0, 1, 16, 100, 192, 193, 1200, 16384};
	(void)state;
	for (size_t i = 0; i < NUM(providers) * NUM_AEADS; i++) {
		const struct provider *p = providers[i / NUM_AEADS];
		struct crypto *c = open_provider(p);
		for (size_t l = 0; l < NUM(lengths); l++)
			check_tls12(p, c, &aead_algs[i % NUM_AEADS], lengths[l]);
		p->close(c);
	}
}

static void test_round_trips(void **state)
{
	static const size_t lengths[] = {0, 1, 7, 8, 15, 16, 17, 64, 1200, 16384, 18432};
	(void)state;
	for (size_t i = 0; i < NUM(providers) * NUM_AEADS; i++) {
		const struct provider *p = providers[i / NUM_AEADS];
		const struct aead_alg *alg = &aead_algs[i % NUM_AEADS];
		struct crypto *c = open_provider(p);
		struct aead_key *k = new_key(p, c);
		uint8_t key[AEAD_KEY_MAX];
		fill(key, sizeof key, (unsigned)i);
		check_error(alg->name, p->aead_set(k, alg, key, NULL), TERN_OK);
		for (size_t j = 0; j < NUM(lengths); j++)
			check_round_trip(p, k, alg, lengths[j]);
		p->aead_free(c, k);
		p->aead_free(c, NULL);
		p->close(c);
	}
}

/* Records of one key, one after the other, in either direction, some of them forged: what the object keeps between them
 * shows nowhere. A fresh object for each says what is right. */
static void check_sequence(const struct provider *p, struct crypto *c, const struct aead_alg *alg, struct aead_key *k,
			   const uint8_t *key, unsigned turn)
{
	static const struct {
		bool open, forged;
		size_t aad, n;
	} steps[] = {{false, false, 3, 17}, {false, false, 5, 1},    {true, false, 3, 40}, {true, false, 5, 1},
		     {true, true, 3, 33},   {true, false, 3, 1200},  {true, true, 5, 2},   {false, false, 3, 1200},
		     {false, false, 13, 7}, {false, false, 13, 256}, {false, false, 3, 9}, {true, false, 13, 31},
		     {true, false, 0, 31},  {false, false, 0, 0},    {true, true, 13, 12}, {true, false, 5, 12}};
	for (size_t i = 0; i < NUM(steps); i++) {
		uint8_t nonce[AEAD_NONCE], aad[13], text[1200], right[1200 + AEAD_TAG_MAX], got[1200 + AEAD_TAG_MAX];
		size_t n = steps[i].n, all = n + alg->tag_len;
		struct aead_key *fresh = new_key(p, c);
		fill(nonce, sizeof nonce, (unsigned)i + turn);
		fill(aad, sizeof aad, (unsigned)i);
		fill(text, sizeof text, (unsigned)(2 * i));
		check_error(alg->name, p->aead_set(fresh, alg, key, NULL), TERN_OK);
		check_error(alg->name, p->aead_seal(fresh, nonce, span_of(aad, steps[i].aad), right, text, n), TERN_OK);
		p->aead_free(c, fresh);
		memcpy(got, right, all);
		got[0] ^= steps[i].forged;
		if (!steps[i].open) {
			check_error(alg->name, p->aead_seal(k, nonce, span_of(aad, steps[i].aad), got, text, n),
				    TERN_OK);
			check_true(alg->name, memcmp(got, right, all) == 0);
			continue;
		}
		check_true(alg->name, p->aead_open(k, nonce, span_of(aad, steps[i].aad), got, all) == !steps[i].forged);
		got[0] ^= steps[i].forged;
		check_true(alg->name, memcmp(got, steps[i].forged ? right : text, steps[i].forged ? all : n) == 0);
	}
}

static void test_sequences(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(providers) * NUM_AEADS; i++) {
		const struct provider *p = providers[i / NUM_AEADS];
		const struct aead_alg *alg = &aead_algs[i % NUM_AEADS];
		struct crypto *c = open_provider(p);
		struct aead_key *k = new_key(p, c);
		for (unsigned turn = 0; turn < 3; turn++) {
			uint8_t key[AEAD_KEY_MAX];
			fill(key, sizeof key, turn);
			check_error(alg->name, p->aead_set(k, alg, key, NULL), TERN_OK);
			check_sequence(p, c, alg, k, key, turn);
		}
		p->aead_free(c, k);
		p->close(c);
	}
}

/* Another key, another AEAD of the same key length, another nonce: nothing opens. */
static void test_separation(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(providers) * NUM_AEADS; i++) {
		const struct provider *p = providers[i / NUM_AEADS];
		const struct aead_alg *alg = &aead_algs[i % NUM_AEADS];
		struct crypto *c = open_provider(p);
		struct aead_key *k = new_key(p, c);
		uint8_t key[AEAD_KEY_MAX], nonce[12] = {1}, sealed[10 + AEAD_TAG_MAX] = {0};
		fill(key, sizeof key, 9);
		check_error(alg->name, p->aead_set(k, alg, key, NULL), TERN_OK);
		check_error(alg->name, p->aead_seal(k, nonce, span_of(NULL, 0), sealed, sealed, 10), TERN_OK);
		for (size_t j = 0; j < alg->key_len; j++) {
			key[j] ^= 0x10;
			check_error(alg->name, p->aead_set(k, alg, key, NULL), TERN_OK);
			check_true(alg->name, !p->aead_open(k, nonce, span_of(NULL, 0), sealed, 10u + alg->tag_len));
			key[j] ^= 0x10;
		}
		for (size_t j = 0; j < NUM_AEADS; j++) {
			check_error(alg->name, p->aead_set(k, &aead_algs[j], key, NULL), TERN_OK);
			check_true(alg->name, p->aead_open(k, nonce, span_of(NULL, 0), sealed, 10u + alg->tag_len) ==
						      (alg->id == j));
			if (alg->id == j)
				check_error(alg->name, p->aead_seal(k, nonce, span_of(NULL, 0), sealed, sealed, 10),
					    TERN_OK);
		}
		p->aead_free(c, k);
		p->close(c);
	}
}

/* RFC 9001 A.2, A.3, A.5 (the same construction; 5 bytes each there, the others by openssl enc and by hand), FIPS 197
 * C.3. */
static const struct {
	const char *name;
	enum aead_id id;
	const char *sn_key, *sample, *mask;
} masks[] = {
	{"AES-128, client", AEAD_AES_128_GCM, "9f50449e04a0e810283a1e9933adedd2", "d1b1c98dd7689fb8ec11d242b123dc9b",
	 "437b9aec36be423400cdd115d9db3241"},
	{"AES-128, server", AEAD_AES_128_CCM_8, "c206b8d9b9f0f37644430b490eeaa314", "2cd0991cd25b0aac406a5816b6394100",
	 "2ec0d8356af53be647a841efa6c1ee97"},
	{"ChaCha20", AEAD_CHACHA20_POLY1305, "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4",
	 "5e5cd55c41f69080575d7999c25a5bfb", "aefefe7d03e4af628eb435540bed1585"},
	{"AES-256", AEAD_AES_256_GCM, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
	 "00112233445566778899aabbccddeeff", "8ea2b7ca516745bfeafc49904b496089"},
	{"AES-128", AEAD_AES_128_CCM, "000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff",
	 "69c4e0d86a7b0430d8cdb78070b4c55a"},
};

/* One object for all, twice each, and records in between do not disturb it. */
static void check_masks(const struct provider *p)
{
	struct crypto *c = open_provider(p);
	struct aead_key *k = new_key(p, c);
	for (size_t twice = 0; twice < 2 * NUM(masks); twice++) {
		size_t i = twice % NUM(masks);
		const struct aead_alg *alg = &aead_algs[masks[i].id];
		uint8_t key[32] = {1}, sn[32], sample[16], mask[16], nonce[12] = {0}, out[32];
		unhex(sn, sizeof sn, masks[i].sn_key);
		unhex(sample, sizeof sample, masks[i].sample);
		check_error(masks[i].name, p->aead_set(k, alg, key, sn), TERN_OK);
		for (size_t again = 0; again < 2; again++) {
			check_error(masks[i].name, p->aead_mask(k, sample, mask), TERN_OK);
			check_hex(masks[i].name, span_of(mask, 16), masks[i].mask);
			check_error(masks[i].name, p->aead_seal(k, nonce, span_of(key, 3), out, key, 9), TERN_OK);
		}
	}
	p->aead_free(c, k);
	p->close(c);
}

static void test_masks(void **state)
{
	(void)state;
	for (size_t i = FIRST_REAL; i < NUM(providers); i++)
		check_masks(providers[i]);
}

/* In every provider: the mask depends on the record number key and the sample alone, and a key without one has none. */
static void test_mask_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(providers) * NUM_AEADS; i++) {
		const struct provider *p = providers[i / NUM_AEADS];
		const struct aead_alg *alg = &aead_algs[i % NUM_AEADS];
		struct crypto *c = open_provider(p);
		struct aead_key *k = new_key(p, c);
		uint8_t key[32] = {1}, sn[32] = {2}, sample[16] = {3}, one[16], two[16];
		check_error(alg->name, p->aead_set(k, alg, key, NULL), TERN_OK);
		check_error(alg->name, p->aead_mask(k, sample, one), TERN_ERROR_INTERNAL);
		check_error(alg->name, p->aead_set(k, alg, key, sn), TERN_OK);
		check_error(alg->name, p->aead_mask(k, sample, one), TERN_OK);
		key[0]++;
		check_error(alg->name, p->aead_set(k, alg, key, sn), TERN_OK);
		check_error(alg->name, p->aead_mask(k, sample, two), TERN_OK);
		check_bytes(alg->name, span_of(two, 16), span_of(one, 16));
		sample[15]++;
		check_error(alg->name, p->aead_mask(k, sample, two), TERN_OK);
		check_true(alg->name, memcmp(one, two, 16) != 0);
		sample[15]--;
		sn[alg->key_len - 1]++;
		check_error(alg->name, p->aead_set(k, alg, key, sn), TERN_OK);
		check_error(alg->name, p->aead_mask(k, sample, two), TERN_OK);
		check_true(alg->name, memcmp(one, two, 16) != 0);
		check_error(alg->name, p->aead_set(k, alg, key, NULL), TERN_OK);
		check_error(alg->name, p->aead_mask(k, sample, two), TERN_ERROR_INTERNAL);
		p->aead_free(c, k);
		p->close(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	   cmocka_unit_test(test_vectors),   cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_separation), cmocka_unit_test(test_masks),     cmocka_unit_test(test_mask_keys),
		cmocka_unit_test(test_tls12),	   cmocka_unit_test(test_sequences),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
