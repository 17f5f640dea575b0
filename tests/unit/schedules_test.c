#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/schedules.h"
#include "crypto_check.h"

/* The stub provider with counters. */
static struct {
	int sets, fail_set;
	int objects, fail_new;
} counts;

static tern_error counting_new(struct crypto *c, struct aead_key **k)
{
	if (counts.fail_new)
		return TERN_ERROR_NO_MEMORY;
	counts.objects++;
	return provider_stub.aead_new(c, k);
}

static void counting_free(struct crypto *c, struct aead_key *k)
{
	counts.objects--;
	provider_stub.aead_free(c, k);
}

static tern_error counting_set(struct aead_key *k, const struct aead_alg *alg, const uint8_t *key,
			       const uint8_t *sn_key)
{
	static const uint8_t ruined[AEAD_KEY_MAX];
	counts.sets++;
	check_error("set", provider_stub.aead_set(k, alg, counts.fail_set ? ruined : key, sn_key), TERN_OK);
	return counts.fail_set ? TERN_ERROR_CRYPTO : TERN_OK;
}

struct fixture {
	struct provider provider;
	struct crypto *crypto;
	struct schedules *schedules;
	uint64_t adopted;
};

static void setup(struct fixture *f, size_t slots)
{
	memset(&counts, 0, sizeof counts);
	f->adopted = 0;
	f->provider = provider_stub;
	f->provider.aead_new = counting_new;
	f->provider.aead_free = counting_free;
	f->provider.aead_set = counting_set;
	f->crypto = open_provider(&provider_stub);
	check_error("new", schedules_new(&f->schedules, &f->provider, f->crypto, &heap_default, slots), TERN_OK);
}

static void teardown(struct fixture *f)
{
	schedules_free(f->schedules);
	assert_int_equal(counts.objects, 0);
	provider_stub.close(f->crypto);
}

static const struct aead_alg *alg_of(uint64_t id)
{
	return &aead_algs[id % NUM_AEADS];
}

static void adopt(struct fixture *f, struct raw_key *k)
{
	uint64_t id = ++f->adopted;
	uint8_t key[AEAD_KEY_MAX], sn[AEAD_KEY_MAX];
	size_t len = alg_of(id)->key_len;
	memset(key, (int)id, sizeof key);
	key[len - 1] = (uint8_t)(id >> 8);
	memset(sn, (int)id + 1, sizeof sn);
	check_error("adopt", schedules_adopt(f->schedules, k, alg_of(id), key, id % 2 ? sn : NULL), TERN_OK);
	assert_int_equal(k->id, id);
	assert_memory_equal(raw_key_bytes(k), key, len);
	assert_true(!raw_key_sn(k) == (id % 2 == 0));
	if (raw_key_sn(k))
		assert_memory_equal(raw_key_sn(k), sn, len);
}

/* What a key has apart goes with it. */
static void drop_all(struct fixture *f, struct raw_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		schedules_drop(f->schedules, &keys[i]);
}

static void check_key(struct fixture *f, struct raw_key *k)
{
	struct aead_key *cached, *fresh;
	uint8_t nonce[12] = {7}, a[4 + AEAD_TAG_MAX], b[4 + AEAD_TAG_MAX], mask_a[16] = {0}, mask_b[16] = {0};
	check_error("get", schedules_get(f->schedules, k, &cached), TERN_OK);
	check_error("new", provider_stub.aead_new(f->crypto, &fresh), TERN_OK);
	check_error("set", provider_stub.aead_set(fresh, alg_of(k->id), raw_key_bytes(k), raw_key_sn(k)), TERN_OK);
	check_error("seal", provider_stub.aead_seal(cached, nonce, span_of("x", 1), a, nonce, 4), TERN_OK);
	check_error("seal", provider_stub.aead_seal(fresh, nonce, span_of("x", 1), b, nonce, 4), TERN_OK);
	check_error("mask", provider_stub.aead_mask(cached, a, mask_a), k->has_sn ? TERN_OK : TERN_ERROR_INTERNAL);
	check_error("mask", provider_stub.aead_mask(fresh, a, mask_b), k->has_sn ? TERN_OK : TERN_ERROR_INTERNAL);
	check_bytes("mask", span_of(mask_a, 16), span_of(mask_b, 16));
	provider_stub.aead_free(f->crypto, fresh);
	check_bytes("sealed", span_of(a, 4u + alg_of(k->id)->tag_len), span_of(b, 4u + alg_of(k->id)->tag_len));
}

static void test_hit(void **state)
{
	struct fixture f;
	struct raw_key keys[4] = {0};
	(void)state;
	setup(&f, 4);
	for (size_t i = 0; i < 4; i++)
		adopt(&f, &keys[i]);
	assert_int_equal(counts.objects, 0); /* nothing is made ahead */
	for (size_t i = 0; i < 40; i++)
		check_key(&f, &keys[i % 4]);
	assert_int_equal(counts.sets, 4);
	assert_int_equal(counts.objects, 4);
	drop_all(&f, keys, NUM(keys));
	teardown(&f);
}

/* More keys than slots, ids of dropped keys never reused; against no model but the key bytes. */
static void test_churn(void **state)
{
	struct fixture f;
	struct raw_key keys[40] = {0};
	uint64_t last = 0, random = 1;
	(void)state;
	setup(&f, 8);
	for (int i = 0; i < 20000; i++) {
		struct raw_key *k = &keys[(random = random * 6364136223846793005u + 1442695040888963407u) >> 58 & 31];
		if (!k->id) {
			adopt(&f, k);
			assert_true(k->id > last);
			last = k->id;
		} else if (random >> 40 & 7) {
			check_key(&f, k);
		} else {
			schedules_drop(f.schedules, k);
			assert_int_equal(k->id, 0);
			assert_int_equal(k->here[0], 0);
		}
	}
	assert_true(counts.objects <= 8);
	drop_all(&f, keys, NUM(keys));
	teardown(&f);
}

/* A key in constant use stays while others pass through. */
static void test_second_chance(void **state)
{
	struct fixture f;
	struct raw_key hot = {0}, cold[64] = {0};
	(void)state;
	setup(&f, 4);
	adopt(&f, &hot);
	check_key(&f, &hot);
	for (size_t i = 0; i < 64; i++) {
		adopt(&f, &cold[i]);
		check_key(&f, &cold[i]);
		check_key(&f, &hot);
	}
	assert_int_equal(counts.sets, 65);
	drop_all(&f, &hot, 1);
	drop_all(&f, cold, NUM(cold));
	teardown(&f);
}

static void test_drop(void **state)
{
	struct fixture f;
	struct raw_key a = {0}, b = {0}, c = {0}, none = {0};
	struct aead_key *out;
	(void)state;
	setup(&f, 2);
	adopt(&f, &a);
	adopt(&f, &b);
	adopt(&f, &c);
	check_key(&f, &a);
	check_key(&f, &b);
	check_key(&f, &c); /* pushes a out */
	assert_int_equal(a.slot, c.slot);
	schedules_drop(f.schedules, &a); /* must not touch c's slot */
	assert_int_equal(counts.objects, 2);
	check_key(&f, &c);
	assert_int_equal(counts.sets, 3);
	schedules_drop(f.schedules, &b);
	assert_int_equal(counts.objects, 2); /* the object waits for another key */
	assert_int_equal(counts.sets, 4); /* and has forgotten this one: see below */
	adopt(&f, &a);
	check_key(&f, &a); /* takes b's place, not c's */
	check_key(&f, &c);
	assert_int_equal(counts.sets, 5);
	schedules_drop(f.schedules, &none);
	check_error("no key", schedules_get(f.schedules, &none, &out), TERN_ERROR_INTERNAL);
	drop_all(&f, &a, 1);
	drop_all(&f, &c, 1);
	teardown(&f);
}

/* An object whose key was dropped seals otherwise than before; if it cannot be made to, it is freed. */
static void test_forgets(void **state)
{
	static const uint8_t nonce[AEAD_NONCE], text[16];
	uint8_t before[32], after[32];
	struct fixture f;
	struct raw_key a = {0};
	struct aead_key *key;
	(void)state;
	setup(&f, 4);
	for (int i = 0; i < 8; i++) {
		adopt(&f, &a);
		check_error("get", schedules_get(f.schedules, &a, &key), TERN_OK);
		check_error("seal", f.provider.aead_seal(key, nonce, span_of(NULL, 0), before, text, sizeof text),
			    TERN_OK);
		schedules_drop(f.schedules, &a);
		assert_int_equal(counts.objects, 1); /* the same one each time */
		check_error("seal", f.provider.aead_seal(key, nonce, span_of(NULL, 0), after, text, sizeof text),
			    TERN_OK);
		assert_memory_not_equal(before, after, sizeof before);
	}
	adopt(&f, &a);
	check_error("get", schedules_get(f.schedules, &a, &key), TERN_OK);
	counts.fail_set = 1;
	schedules_drop(f.schedules, &a);
	assert_int_equal(counts.objects, 0);
	counts.fail_set = 0;
	adopt(&f, &a);
	check_key(&f, &a);
	drop_all(&f, &a, 1);
	teardown(&f);
}

static void test_failures(void **state)
{
	struct fixture f;
	struct failing_heap heap;
	struct raw_key a = {0}, b = {0};
	struct aead_key *out;
	struct schedules *s;
	(void)state;
	setup(&f, 1);
	check_error("no slots", schedules_new(&s, &f.provider, f.crypto, &heap_default, 0), TERN_ERROR_USAGE);
	check_error("too many", schedules_new(&s, &f.provider, f.crypto, &heap_default, UINT16_MAX + 1),
		    TERN_ERROR_USAGE);
	failing_heap_init(&heap, 0);
	check_error("memory", schedules_new(&s, &f.provider, f.crypto, &heap.allocator, 1), TERN_ERROR_NO_MEMORY);
	schedules_free(NULL);
	adopt(&f, &a);
	adopt(&f, &b);
	counts.fail_new = 1;
	check_error("new fails", schedules_get(f.schedules, &a, &out), TERN_ERROR_NO_MEMORY);
	counts.fail_new = 0;
	check_key(&f, &a);
	counts.fail_set = 1;
	check_error("set fails", schedules_get(f.schedules, &b, &out), TERN_ERROR_CRYPTO);
	counts.fail_set = 0;
	check_key(&f, &a); /* whose slot may hold half of b */
	check_key(&f, &b);
	drop_all(&f, &a, 1);
	drop_all(&f, &b, 1);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hit),  cmocka_unit_test(test_churn),   cmocka_unit_test(test_second_chance),
		cmocka_unit_test(test_drop), cmocka_unit_test(test_forgets), cmocka_unit_test(test_failures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
