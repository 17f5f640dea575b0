/* src/handshake/cookie.c */
#include "handshake/cookie.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof(a)[0])
#define SPAN(text) span_of(text, sizeof text - 1)

static const char secret[] = "a secret of at least thirty-two bytes";
static const char later[] = "another secret of thirty-two bytes or more";
static const char latest[] = "one more secret of thirty-two bytes or more";

struct world {
	tern_keyring *ring;
	struct cookie_keys keys;
	struct client_hello hello;
	tern_path path;
};

static tern_address address(const char *text, uint16_t port)
{
	tern_address a = {.len = (uint8_t)(strlen(text) + 2)};
	memcpy(a.bytes, text, strlen(text));
	a.bytes[a.len - 2] = (uint8_t)(port >> 8);
	a.bytes[a.len - 1] = (uint8_t)port;
	return a;
}

static const struct hash_alg *sha256(void)
{
	return provider_libcrypto.hash[HASH_SHA256];
}

static struct world world_new(const char *ring_secret)
{
	struct world w = {.hello = {.version = 0xfefd,
				    .random = SPAN("0123456789abcdef0123456789abcdef"),
				    .session_id = SPAN("id"),
				    .suites = SPAN("\xc0\x2b\xc0\x2f"),
				    .compression = SPAN("\0"),
				    .extensions = SPAN("extensions")},
			  .path = {.local = address("10.0.0.1", 4433), .remote = address("192.0.2.7", 50000)}};
	assert_int_equal(tern_keyring_new(&w.ring, ring_secret, strlen(ring_secret)), TERN_OK);
	cookie_keys_refresh(&w.keys, w.ring, sha256());
	return w;
}

static void rotate(struct world *w, const char *next)
{
	assert_int_equal(tern_keyring_rotate(w->ring, next, strlen(next)), TERN_OK);
	cookie_keys_refresh(&w->keys, w->ring, sha256());
}

/* What an attacker, or a client in another situation, changes between getting a cookie and showing it. */
static void nothing(struct world *w)
{
	(void)w;
}
static void other_port(struct world *w)
{
	w->path.remote = address("192.0.2.7", 50001);
}
static void other_address(struct world *w)
{
	w->path.remote = address("192.0.2.8", 50000);
}
static void other_local(struct world *w)
{
	w->path.local = address("10.0.0.2", 4433);
}
static void swapped(struct world *w)
{
	tern_address a = w->path.local;
	w->path.local = w->path.remote;
	w->path.remote = a;
}
static void untold(struct world *w)
{
	w->path = (tern_path){0};
}
static void other_version(struct world *w)
{
	w->hello.version = 0xfeff;
}
static void other_random(struct world *w)
{
	w->hello.random = SPAN("0123456789abcdef0123456789abcdeg");
}
static void other_session_id(struct world *w)
{
	w->hello.session_id = SPAN("iD");
}
static void other_suites(struct world *w)
{
	w->hello.suites = SPAN("\xc0\x2f\xc0\x2b");
}
static void other_compression(struct world *w)
{
	w->hello.compression = SPAN("\1");
}
static void other_extensions(struct world *w)
{
	w->hello.extensions = SPAN("extensionz");
}
static void no_extensions(struct world *w)
{
	w->hello.extensions = span_of(NULL, 0);
}
static void bytes_moved(struct world *w)
{
	w->hello.suites = SPAN("\xc0\x2b\xc0");
	w->hello.compression = SPAN("\x2f\0");
}
static void bytes_moved_to_the_address(struct world *w)
{
	w->hello.compression = SPAN("");
	w->path.remote.len++;
	memmove(w->path.remote.bytes + 1, w->path.remote.bytes, 12);
	w->path.remote.bytes[0] = 0;
}
static void one_rotation(struct world *w)
{
	rotate(w, later);
}
static void two_rotations(struct world *w)
{
	rotate(w, later);
	rotate(w, latest);
}
static void same_secret_elsewhere(struct world *w)
{
	tern_keyring_free(w->ring);
	assert_int_equal(tern_keyring_new(&w->ring, secret, strlen(secret)), TERN_OK);
	w->keys = (struct cookie_keys){0};
	cookie_keys_refresh(&w->keys, w->ring, sha256());
}
static void other_secret_same_id(struct world *w)
{
	uint8_t id = w->keys.slot[0].id;
	rotate(w, later);
	rotate(w, latest);
	w->keys.slot[0].id = w->keys.slot[1].id = id;
}
static void both_slots_with_one_id(struct world *w)
{
	uint8_t id = w->keys.slot[0].id;
	rotate(w, later);
	w->keys.slot[0].id = id;
}

static void replay(void **state)
{
	static const struct {
		const char *name;
		void (*change)(struct world *w);
		bool valid;
	} cases[] = {
		{"unchanged", nothing, true},
		{"other port", other_port, false},
		{"other address", other_address, false},
		{"other local address", other_local, false},
		{"addresses swapped", swapped, false},
		{"no addresses", untold, false},
		{"other version", other_version, false},
		{"other random", other_random, false},
		{"other session id", other_session_id, true},
		{"suites in another order", other_suites, false},
		{"other compression", other_compression, false},
		{"other extensions", other_extensions, true},
		{"no extensions", no_extensions, true},
		{"bytes moved from suites to compression", bytes_moved, false},
		{"bytes moved from compression to the address", bytes_moved_to_the_address, false},
		{"after one rotation", one_rotation, true},
		{"after two rotations", two_rotations, false},
		{"another member of the cluster", same_secret_elsewhere, true},
		{"another key under the same id", other_secret_same_id, false},
		{"previous key, both slots with one id", both_slots_with_one_id, true},
	};
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct world w = world_new(secret);
		uint8_t cookie[COOKIE_LEN];
		cookie_make(&w.keys, cookie, &w.hello, &w.path);
		w.hello.cookie = span_of(cookie, COOKIE_LEN);
		cases[i].change(&w);
		if (cookie_valid(&w.keys, &w.hello, &w.path) != cases[i].valid)
			fail_msg("%s", cases[i].name);
		tern_keyring_free(w.ring);
	}
}

static void damaged(void **state)
{
	struct world w = world_new(secret);
	uint8_t cookie[COOKIE_LEN + 1] = {0};
	(void)state;
	cookie_make(&w.keys, cookie, &w.hello, &w.path);
	for (size_t n = 0; n <= COOKIE_LEN + 1; n++) {
		w.hello.cookie = span_of(cookie, n);
		assert_int_equal(cookie_valid(&w.keys, &w.hello, &w.path), n == COOKIE_LEN);
	}
	w.hello.cookie = span_of(cookie, COOKIE_LEN);
	for (size_t bit = 0; bit < 8 * COOKIE_LEN; bit++) {
		cookie[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(cookie_valid(&w.keys, &w.hello, &w.path));
		cookie[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_true(cookie_valid(&w.keys, &w.hello, &w.path));
	tern_keyring_free(w.ring);
}

/* The slot that was never filled has the id 0 and would have a key of zeros. */
static void a_fresh_ring_has_no_zero_key(void **state)
{
	static const uint8_t zeros[32];
	struct world w = world_new(secret);
	struct cookie_keys zero = {.slot[0] = {.valid = true, .id = 0}};
	uint8_t cookie[COOKIE_LEN];
	(void)state;
	hmac_key_init(&zero.slot[0].key, sha256(), span_of(zeros, sizeof zeros));
	cookie_make(&zero, cookie, &w.hello, &w.path);
	w.hello.cookie = span_of(cookie, COOKIE_LEN);
	assert_true(cookie_valid(&zero, &w.hello, &w.path));
	assert_false(cookie_valid(&w.keys, &w.hello, &w.path));
	tern_keyring_free(w.ring);
}

static void paths_not_told(void **state)
{
	static const tern_path empty;
	struct world w = world_new(secret);
	uint8_t cookie[COOKIE_LEN];
	(void)state;
	cookie_make(&w.keys, cookie, &w.hello, NULL);
	w.hello.cookie = span_of(cookie, COOKIE_LEN);
	assert_true(cookie_valid(&w.keys, &w.hello, NULL));
	assert_true(cookie_valid(&w.keys, &w.hello, &empty));
	assert_false(cookie_valid(&w.keys, &w.hello, &w.path));
	/* A length beyond the field is not followed out of it. */
	w.path.remote.len = 255;
	cookie_make(&w.keys, cookie, &w.hello, &w.path);
	w.path.remote.len = sizeof w.path.remote.bytes;
	assert_true(cookie_valid(&w.keys, &w.hello, &w.path));
	tern_keyring_free(w.ring);
}

/* Keys are made again when the ring has changed, and only then. */
static void refreshing(void **state)
{
	struct world w = world_new(secret);
	struct cookie_keys before = w.keys;
	(void)state;
	assert_int_equal(w.keys.generation, keyring_generation(w.ring));
	w.keys.slot[1].id ^= 1;
	cookie_keys_refresh(&w.keys, w.ring, sha256());
	assert_int_not_equal(w.keys.slot[1].id, before.slot[1].id);
	rotate(&w, later);
	assert_int_equal(w.keys.generation, keyring_generation(w.ring));
	assert_true(w.keys.slot[1].valid);
	assert_int_equal(w.keys.slot[1].id, before.slot[0].id);
	tern_keyring_free(w.ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replay),
		cmocka_unit_test(damaged),
		cmocka_unit_test(a_fresh_ring_has_no_zero_key),
		cmocka_unit_test(paths_not_told),
		cmocka_unit_test(refreshing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
