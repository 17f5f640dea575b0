#include <limits.h>
#include <sys/mman.h>

#include <openssl/rand.h>

#include "crypto/libcrypto/libcrypto.h"

/* In pages that a child finds zeroed after a fork: what was drawn before it would otherwise be given out twice. To ask
 * for the process id each time would be a system call. */
struct random_batch {
	size_t left; /* unused bytes, at the end */
	uint8_t bytes[RANDOM_BATCH - sizeof(size_t)];
};

/* Where memory cannot be had in this way, nothing is drawn in batches. */
void libcrypto_random_open(struct crypto *c)
{
#ifdef MADV_WIPEONFORK
	void *p = mmap(NULL, sizeof *c->batch, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return;
	if (madvise(p, sizeof *c->batch, MADV_WIPEONFORK) == 0)
		c->batch = p;
	else
		(void)munmap(p, sizeof *c->batch);
#else
	(void)c;
#endif
}

void libcrypto_random_close(struct crypto *c)
{
	if (!c->batch)
		return;
	OPENSSL_cleanse(c->batch, sizeof *c->batch);
	(void)munmap(c->batch, sizeof *c->batch);
	c->batch = NULL;
}

static tern_error draw(uint8_t *out, size_t n)
{
	if (n > INT_MAX || RAND_bytes(out, (int)n) != 1)
		return libcrypto_fail(TERN_ERROR_RANDOM);
	return TERN_OK;
}

tern_error libcrypto_random(struct crypto *c, uint8_t *out, size_t n)
{
	struct random_batch *b = c->batch;
	uint8_t *p;
	if (c->random_fn)
		return c->random_fn(c->random_user, out, n) == TERN_OK ? TERN_OK : TERN_ERROR_RANDOM;
	if (!b || n > sizeof b->bytes)
		return draw(out, n);
	if (b->left < n) {
		b->left = 0;
		TRY(draw(b->bytes, sizeof b->bytes));
		b->left = sizeof b->bytes;
	}
	p = b->bytes + sizeof b->bytes - b->left;
	memcpy(out, p, n);
	OPENSSL_cleanse(p, n);
	b->left -= n;
	return TERN_OK;
}

void libcrypto_set_random(struct crypto *c, tern_random_fn *random_fn, void *user)
{
	c->random_fn = random_fn;
	c->random_user = user;
}
