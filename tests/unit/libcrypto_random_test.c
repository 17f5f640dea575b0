#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "crypto/libcrypto/libcrypto.h"
#include "crypto_check.h"

static const struct provider *const p = &provider_libcrypto;

/* Pieces of every size around the batch: none is left untouched, none comes twice. */
static void test_pieces(void **state)
{
	static const size_t sizes[] = {16, 32, 500, RANDOM_BATCH - 8, RANDOM_BATCH - 7, RANDOM_BATCH, 6000};
	struct crypto *c = open_provider(p);
	uint8_t before[6000] = {0}, now[6000];
	(void)state;
	for (int i = 0; i < 600; i++) {
		size_t n = sizes[(size_t)i % NUM(sizes)];
		memset(now, 0, sizeof now);
		check_error("random", p->random(c, now, n), TERN_OK);
		for (size_t part = 0; part + 16 <= n; part += 16)
			assert_memory_not_equal(now + part, before, 16);
		assert_memory_not_equal(now + n - 16, before + 5984, 16);
		memcpy(before, now, 16);
	}
	check_error("none", p->random(c, now, 0), TERN_OK);
	p->close(c);
}

/* Parent and child draw from what was one batch. */
static void test_fork(void **state)
{
	struct crypto *c = open_provider(p);
	uint8_t ours[32], theirs[32];
	int ends[2], status;
	pid_t child;
	(void)state;
	check_error("first", p->random(c, ours, sizeof ours), TERN_OK);
	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		bool ok = p->random(c, theirs, sizeof theirs) == TERN_OK;
		_exit(ok && write(ends[1], theirs, sizeof theirs) == sizeof theirs ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(read(ends[0], theirs, sizeof theirs), sizeof theirs);
	check_error("second", p->random(c, ours, sizeof ours), TERN_OK);
	assert_memory_not_equal(ours, theirs, sizeof ours);
	close(ends[0]);
	close(ends[1]);
	p->close(c);
}

static tern_error counter(void *user, uint8_t *out, size_t n)
{
	uint8_t *next = user;
	for (size_t i = 0; i < n; i++)
		out[i] = (*next)++;
	return *next > 100 ? TERN_ERROR_TIMEOUT : TERN_OK;
}

static void test_injected(void **state)
{
	struct crypto *c = open_provider(p);
	uint8_t next = 0, out[50];
	(void)state;
	check_error("batch", p->random(c, out, sizeof out), TERN_OK);
	p->set_random(c, counter, &next);
	check_error("injected", p->random(c, out, 50), TERN_OK);
	for (uint8_t i = 0; i < 50; i++)
		assert_int_equal(out[i], i);
	check_error("injected", p->random(c, out, 50), TERN_OK);
	check_error("source fails", p->random(c, out, 50), TERN_ERROR_RANDOM);
	p->set_random(c, NULL, NULL);
	check_error("back", p->random(c, out, 50), TERN_OK);
	p->close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_injected),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
