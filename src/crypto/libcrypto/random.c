#include <limits.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "crypto/libcrypto/libcrypto.h"

static tern_error draw(uint8_t *out, size_t n)
{
	if (n > INT_MAX || RAND_bytes(out, (int)n) != 1)
		return libcrypto_fail(TERN_ERROR_RANDOM);
	return TERN_OK;
}

/* A batch drawn before a fork would give parent and child the same bytes. */
static void drop_after_fork(struct crypto *c)
{
	pid_t pid = getpid();
	if (c->batch_pid == pid)
		return;
	OPENSSL_cleanse(c->batch, sizeof c->batch);
	c->batch_left = 0;
	c->batch_pid = pid;
}

tern_error libcrypto_random(struct crypto *c, uint8_t *out, size_t n)
{
	uint8_t *p;
	if (c->random_fn)
		return c->random_fn(c->random_user, out, n) == TERN_OK ? TERN_OK : TERN_ERROR_RANDOM;
	if (n > sizeof c->batch)
		return draw(out, n);
	drop_after_fork(c);
	if (c->batch_left < n) {
		c->batch_left = 0;
		TRY(draw(c->batch, sizeof c->batch));
		c->batch_left = sizeof c->batch;
	}
	p = c->batch + sizeof c->batch - c->batch_left;
	memcpy(out, p, n);
	OPENSSL_cleanse(p, n);
	c->batch_left -= n;
	return TERN_OK;
}

void libcrypto_set_random(struct crypto *c, tern_random_fn *random_fn, void *user)
{
	c->random_fn = random_fn;
	c->random_user = user;
}
