/* src/handshake/ticket.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/heap.h"
#include "handshake/session.h"
#include "session_fixtures.h"

#define LEN(a) (sizeof(a) / sizeof(a)[0])

static const struct provider *const providers[] = {&provider_libcrypto, &provider_stub};

struct world {
	const struct provider *p;
	struct crypto *c;
	tern_keyring *ring;
	struct schedules *schedules;
	struct keyring_keys keys; /* taken over before each use */
	struct ticket_keys loaded;
	struct session s;
	uint8_t ticket[TICKET_MAX + 1];
	size_t len;
};

/* Under these keys, whatever the ring has. */
static tern_error seal(struct world *w, const struct keyring_keys *keys, uint8_t *out, size_t cap, size_t *len)
{
	ticket_keys_load(&w->loaded, keys);
	return ticket_seal(&w->loaded, &w->s, out, cap, len);
}

static bool opens_under(struct world *w, const struct keyring_keys *keys, struct span ticket, int64_t unix_s,
			struct session *out, bool *stale)
{
	ticket_keys_load(&w->loaded, keys);
	return ticket_open(&w->loaded, ticket, unix_s, out, stale);
}

static struct world world_new(const struct provider *p)
{
	static const char secret[] = "a secret of at least thirty-two bytes";
	struct world w = {.p = p, .s = session_longest()};
	assert_int_equal(p->open(&w.c, &heap_default), TERN_OK);
	assert_int_equal(tern_keyring_new(&w.ring, secret, strlen(secret)), TERN_OK);
	keyring_read(w.ring, &w.keys);
	assert_int_equal(schedules_new(&w.schedules, p, w.c, &heap_default, 4), TERN_OK);
	ticket_keys_init(&w.loaded, p, w.c, w.schedules);
	assert_int_equal(seal(&w, &w.keys, w.ticket, TICKET_MAX, &w.len), TERN_OK);
	w.s.ticket_len = 0;
	return w;
}

static void world_free(struct world *w)
{
	tern_keyring_free(w->ring);
	schedules_free(w->schedules);
	w->p->close(w->c);
}

static void rotate(struct world *w)
{
	assert_int_equal(tern_keyring_rotate(w->ring, NULL, 0), TERN_OK);
	keyring_read(w->ring, &w->keys);
}

static bool opens(struct world *w, size_t len, int64_t unix_s, struct session *out, bool *stale)
{
	return opens_under(w, &w->keys, span_of(w->ticket, len), unix_s, out, stale);
}

static void rotations(void **state)
{
	static const struct {
		const char *name;
		int rotations;
		bool opens, stale;
	} cases[] = {{"none", 0, true, false}, {"one", 1, true, true}, {"two", 2, false, false}};
	(void)state;
	for (size_t p = 0; p < LEN(providers); p++)
		for (size_t i = 0; i < LEN(cases); i++) {
			struct world w = world_new(providers[p]);
			struct session out;
			bool stale;
			for (int n = 0; n < cases[i].rotations; n++)
				rotate(&w);
			if (opens(&w, w.len, 1999, &out, &stale) != cases[i].opens)
				fail_msg("%s, %s rotations: opening", providers[p]->name, cases[i].name);
			if (cases[i].opens && (stale != cases[i].stale || !session_same(&out, &w.s)))
				fail_msg("%s, %s rotations: content", providers[p]->name, cases[i].name);
			world_free(&w);
		}
}

/* A pool's keys follow its ring, and take nothing of a key that is gone from the cache. */
static void refreshing(void **state)
{
	(void)state;
	for (size_t p = 0; p < LEN(providers); p++) {
		struct world w = world_new(providers[p]);
		struct session out;
		bool stale = false;
		ticket_keys_refresh(&w.loaded, w.ring);
		for (int rotations = 0; rotations < 4; rotations++) {
			bool good = ticket_open(&w.loaded, span_of(w.ticket, w.len), 1999, &out, &stale);
			if (good != (rotations < 2) || (good && stale != (rotations == 1)))
				fail_msg("%s: after %d rotations", w.p->name, rotations);
			assert_int_equal(tern_keyring_rotate(w.ring, NULL, 0), TERN_OK);
			ticket_keys_refresh(&w.loaded, w.ring);
			ticket_keys_refresh(&w.loaded, w.ring);
		}
		world_free(&w);
	}
}

static void expiry(void **state)
{
	static const struct {
		const char *name;
		int64_t unix_s;
		bool opens;
	} cases[] = {{"long before", 0, true},
		     {"a second before", 1999, true},
		     {"then", 2000, false},
		     {"after", 3000, false}};
	struct world w = world_new(&provider_libcrypto);
	struct session out;
	bool stale;
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++)
		if (opens(&w, w.len, cases[i].unix_s, &out, &stale) != cases[i].opens)
			fail_msg("%s", cases[i].name);
	world_free(&w);
}

static void damage(void **state)
{
	(void)state;
	for (size_t p = 0; p < LEN(providers); p++) {
		struct world w = world_new(providers[p]);
		struct session out = {.suite = 0x1234};
		bool stale;
		for (size_t n = 0; n < w.len; n++)
			if (opens(&w, n, 1000, &out, &stale))
				fail_msg("%s: cut to %zu bytes", w.p->name, n);
		assert_false(opens(&w, w.len + 1, 1000, &out, &stale));
		for (size_t bit = 0; bit < 8 * w.len; bit++) {
			w.ticket[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (opens(&w, w.len, 1000, &out, &stale))
				fail_msg("%s: bit %zu turned", w.p->name, bit);
			w.ticket[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		assert_int_equal(out.suite, 0x1234);
		assert_true(opens(&w, w.len, 1000, &out, &stale));
		world_free(&w);
	}
}

static void longer_than_any(void **state)
{
	static const uint8_t bytes[TICKET_MAX + 4096];
	struct world w = world_new(&provider_libcrypto);
	struct session out;
	bool stale;
	(void)state;
	w.keys.current = (struct keyring_slot){.valid = true};
	assert_false(opens_under(&w, &w.keys, span_of(bytes, sizeof bytes), 0, &out, &stale));
	assert_false(opens_under(&w, &w.keys, span_of(NULL, 0), 0, &out, &stale));
	world_free(&w);
}

/* A server that never rotated has an empty previous slot: all zeros, which anybody could seal under. */
static void zero_key(void **state)
{
	struct world w = world_new(&provider_libcrypto);
	struct keyring_keys zero = {.current = {.valid = true}}, fresh;
	tern_keyring *ring;
	struct session out;
	bool stale;
	(void)state;
	assert_int_equal(seal(&w, &zero, w.ticket, sizeof w.ticket, &w.len), TERN_OK);
	assert_true(opens_under(&w, &zero, span_of(w.ticket, w.len), 1000, &out, &stale));
	assert_false(opens(&w, w.len, 1000, &out, &stale));
	assert_int_equal(tern_keyring_new(&ring, NULL, 0), TERN_OK);
	keyring_read(ring, &fresh);
	assert_false(opens_under(&w, &fresh, span_of(w.ticket, w.len), 1000, &out, &stale));
	tern_keyring_free(ring);
	world_free(&w);
}

/* A key that is no more is not used because its id still matches, nor one whose id collides. */
static void ids_choose_but_do_not_prove(void **state)
{
	struct world w = world_new(&provider_libcrypto);
	struct session out;
	bool stale;
	(void)state;
	w.keys.previous = w.keys.current;
	w.keys.current.ticket_key[0] ^= 1;
	assert_true(opens(&w, w.len, 1000, &out, &stale));
	assert_true(stale);
	w.keys.previous.valid = false;
	assert_false(opens(&w, w.len, 1000, &out, &stale));
	world_free(&w);
}

/* Authentic, but not a session: from a member that runs another version. */
static void sealed_but_malformed(void **state)
{
	struct world w = world_new(&provider_libcrypto);
	struct aead_key *k;
	struct session out;
	bool stale;
	uint8_t *body = w.ticket + 8 + AEAD_NONCE;
	(void)state;
	assert_int_equal(w.p->aead_new(w.c, &k), TERN_OK);
	assert_int_equal(w.p->aead_set(k, &aead_algs[AEAD_AES_256_GCM], w.keys.current.ticket_key, NULL), TERN_OK);
	for (uint8_t encoding = 2; encoding < 5; encoding++) {
		struct wr plain = wr_of(body, 512);
		struct session s = session_least();
		put_session(&plain, &s, false);
		body[0] = encoding;
		assert_int_equal(w.p->aead_seal(k, w.ticket + 8, span_of(w.ticket, 8), body, body, plain.n), TERN_OK);
		assert_int_equal(opens(&w, TICKET_OVERHEAD + plain.n, 1000, &out, &stale), encoding == 3);
	}
	w.p->aead_free(w.c, k);
	world_free(&w);
}

static void room(void **state)
{
	(void)state;
	for (size_t p = 0; p < LEN(providers); p++) {
		struct world w = world_new(providers[p]);
		size_t full = w.len;
		for (size_t cap = 0; cap <= full; cap++) {
			size_t len = 77;
			tern_error error = seal(&w, &w.keys, w.ticket, cap, &len);
			if (error != (cap < full ? TERN_ERROR_BUFFER_TOO_SMALL : TERN_OK) ||
			    len != (cap < full ? 77 : full))
				fail_msg("%s: %zu of %zu bytes", w.p->name, cap, full);
		}
		world_free(&w);
	}
}

static void nonces_differ(void **state)
{
	struct world w = world_new(&provider_libcrypto);
	uint8_t again[TICKET_MAX];
	size_t len;
	(void)state;
	assert_int_equal(seal(&w, &w.keys, again, sizeof again, &len), TERN_OK);
	assert_int_equal(len, w.len);
	assert_memory_equal(again, w.ticket, 8);
	assert_memory_not_equal(again + 8, w.ticket + 8, AEAD_NONCE);
	world_free(&w);
}

static tern_error no_random(void *user, uint8_t *out, size_t n)
{
	(void)user, (void)out, (void)n;
	return TERN_ERROR_RANDOM;
}

static void without_random(void **state)
{
	(void)state;
	for (size_t p = 0; p < LEN(providers); p++) {
		static const uint8_t zeros[TICKET_MAX];
		struct world w = world_new(providers[p]);
		w.p->set_random(w.c, no_random, NULL);
		assert_int_equal(seal(&w, &w.keys, w.ticket, TICKET_MAX, &w.len), TERN_ERROR_RANDOM);
		assert_memory_equal(w.ticket, zeros, TICKET_MAX);
		world_free(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rotations),
		cmocka_unit_test(refreshing),
		cmocka_unit_test(expiry),
		cmocka_unit_test(damage),
		cmocka_unit_test(longer_than_any),
		cmocka_unit_test(zero_key),
		cmocka_unit_test(ids_choose_but_do_not_prove),
		cmocka_unit_test(sealed_but_malformed),
		cmocka_unit_test(room),
		cmocka_unit_test(nonces_differ),
		cmocka_unit_test(without_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
