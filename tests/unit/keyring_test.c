/* src/handshake/keyring.c, src/connection/keyring.c */
#include "handshake/keyring.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/heap.h"

#define LEN(a) (sizeof(a) / sizeof(a)[0])

static const char one[] = "first secret of a cluster, 32 and more bytes";
static const char two[] = "second secret of a cluster, 32 or more bytes";

static bool same(const struct keyring_slot *a, const struct keyring_slot *b)
{
	return a->valid == b->valid && a->id == b->id && !memcmp(a->cookie_key, b->cookie_key, 32) &&
	       !memcmp(a->ticket_id, b->ticket_id, 8) && !memcmp(a->ticket_key, b->ticket_key, 32);
}

static tern_keyring *made(const char *secret)
{
	tern_keyring *k = NULL;
	assert_int_equal(tern_keyring_new(&k, secret, secret ? strlen(secret) : 0), TERN_OK);
	return k;
}

static struct keyring_keys keys_of(tern_keyring *k)
{
	struct keyring_keys keys;
	keyring_read(k, &keys);
	return keys;
}

static void secrets(void **state)
{
	static const uint8_t bytes[64] = {1};
	static const struct {
		const char *name;
		const void *secret;
		size_t len;
		tern_error error;
	} cases[] = {
		{"32 bytes", bytes, 32, TERN_OK},      {"64 bytes", bytes, 64, TERN_OK},
		{"random", NULL, 0, TERN_OK},	       {"31 bytes", bytes, 31, TERN_ERROR_USAGE},
		{"empty", bytes, 0, TERN_ERROR_USAGE}, {"length without bytes", NULL, 32, TERN_ERROR_USAGE},
	};
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		tern_keyring *k = NULL, *rotated = made(one);
		struct keyring_keys before = keys_of(rotated), after;
		tern_error error = tern_keyring_new(&k, cases[i].secret, cases[i].len);
		if (error != cases[i].error || !k != (error != TERN_OK))
			fail_msg("new, %s: %s", cases[i].name, tern_error_name(error));
		error = tern_keyring_rotate(rotated, cases[i].secret, cases[i].len);
		after = keys_of(rotated);
		if (error != cases[i].error || same(&before.current, &after.current) != (error != TERN_OK))
			fail_msg("rotate, %s: %s", cases[i].name, tern_error_name(error));
		tern_keyring_free(k);
		tern_keyring_free(rotated);
	}
	assert_int_equal(tern_keyring_new(NULL, bytes, 32), TERN_ERROR_USAGE);
	assert_int_equal(tern_keyring_rotate(NULL, bytes, 32), TERN_ERROR_USAGE);
	tern_keyring_free(NULL);
}

static void a_cluster_agrees(void **state)
{
	tern_keyring *a = made(one), *b = made(one), *c = made(two), *r = made(NULL), *q = made(NULL);
	struct keyring_keys ka = keys_of(a), kb = keys_of(b), kc = keys_of(c), kr = keys_of(r), kq = keys_of(q);
	(void)state;
	assert_true(ka.current.valid);
	assert_false(ka.previous.valid);
	assert_true(same(&ka.current, &kb.current));
	assert_memory_not_equal(ka.current.ticket_key, kc.current.ticket_key, 32);
	assert_memory_not_equal(ka.current.ticket_id, kc.current.ticket_id, 8);
	assert_memory_not_equal(ka.current.cookie_key, kc.current.cookie_key, 32);
	assert_memory_not_equal(kr.current.ticket_key, kq.current.ticket_key, 32);
	assert_memory_not_equal(ka.current.ticket_key, ka.current.cookie_key, 32);
	assert_memory_not_equal(ka.current.ticket_key, ka.current.ticket_id, 8);
	tern_keyring_free(a);
	tern_keyring_free(b);
	tern_keyring_free(c);
	tern_keyring_free(r);
	tern_keyring_free(q);
}

/* HMAC-SHA-256 of the labels under a secret of 32 bytes 00 to 1f, from `openssl dgst -mac hmac`: members that run
 * another version of the library must derive the same. */
static void derivation_stays(void **state)
{
	static const uint8_t ticket_id[8] = {0x18, 0x21, 0x93, 0x5a, 0x65, 0x79, 0x52, 0xaa};
	uint8_t secret[32];
	tern_keyring *k;
	struct keyring_keys keys;
	(void)state;
	for (size_t i = 0; i < sizeof secret; i++)
		secret[i] = (uint8_t)i;
	assert_int_equal(tern_keyring_new(&k, secret, sizeof secret), TERN_OK);
	keys = keys_of(k);
	assert_memory_equal(keys.current.ticket_id, ticket_id, 8);
	assert_int_equal(keys.current.id, 0x99);
	tern_keyring_free(k);
}

static void rotation(void **state)
{
	tern_keyring *k = made(one), *other = made(two);
	struct keyring_keys first = keys_of(k), elsewhere = keys_of(other), second, again, third;
	uint64_t generation = keyring_generation(k);
	(void)state;
	assert_int_not_equal(generation, 0);
	assert_int_equal(tern_keyring_rotate(k, two, strlen(two)), TERN_OK);
	second = keys_of(k);
	assert_true(same(&second.previous, &first.current));
	assert_true(same(&second.current, &elsewhere.current));
	assert_int_equal(keyring_generation(k), generation + 1);

	assert_int_equal(tern_keyring_rotate(k, two, strlen(two)), TERN_OK);
	again = keys_of(k);
	assert_true(same(&again.previous, &first.current));
	assert_int_equal(keyring_generation(k), generation + 1);

	assert_int_equal(tern_keyring_rotate(k, NULL, 0), TERN_OK);
	third = keys_of(k);
	assert_true(same(&third.previous, &second.current));
	assert_false(same(&third.current, &first.current));
	tern_keyring_free(k);
	tern_keyring_free(other);
}

static void references(void **state)
{
	tern_keyring *k = made(one);
	struct keyring_keys keys;
	(void)state;
	assert_ptr_equal(keyring_hold(k), k);
	tern_keyring_free(k);
	keys = keys_of(k);
	assert_true(keys.current.valid);
	tern_keyring_free(k);
}

static void *no_memory(void *user, size_t n)
{
	(void)user;
	(void)n;
	return NULL;
}

static void without_memory(void **state)
{
	const tern_allocator none = {no_memory, heap_default.free, NULL};
	tern_keyring *k = NULL;
	(void)state;
	assert_int_equal(keyring_new_from(&k, &none, provider_stub.hash[HASH_SHA256], span_of(one, strlen(one))),
			 TERN_ERROR_NO_MEMORY);
	assert_null(k);
}

/* ---- Threads ---- */

#define ROUNDS 3000

static void *rotates(void *ring)
{
	for (int i = 0; i < ROUNDS; i++)
		if (tern_keyring_rotate(ring, i % 2 ? one : two, strlen(one)) != TERN_OK)
			return ring;
	return NULL;
}

/* Half of one secret and half of the other must never be seen. */
static void readers_see_whole_slots(void **state)
{
	tern_keyring *k = made(one), *other = made(two);
	struct keyring_slot a = keys_of(k).current, b = keys_of(other).current;
	pthread_t writer;
	void *failed;
	int torn = 0;
	(void)state;
	assert_int_equal(strlen(one), strlen(two));
	assert_int_equal(pthread_create(&writer, NULL, rotates, k), 0);
	for (int i = 0; i < ROUNDS; i++) {
		struct keyring_keys keys = keys_of(k);
		torn += !same(&keys.current, &a) && !same(&keys.current, &b);
		torn += keys.previous.valid && !same(&keys.previous, same(&keys.current, &a) ? &b : &a);
	}
	assert_int_equal(pthread_join(writer, &failed), 0);
	assert_null(failed);
	assert_int_equal(torn, 0);
	assert_int_equal(keyring_generation(k), 1 + ROUNDS);
	tern_keyring_free(k);
	tern_keyring_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets),
		cmocka_unit_test(a_cluster_agrees),
		cmocka_unit_test(derivation_stays),
		cmocka_unit_test(rotation),
		cmocka_unit_test(references),
		cmocka_unit_test(without_memory),
		cmocka_unit_test(readers_see_whole_slots),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
