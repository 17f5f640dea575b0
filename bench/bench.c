/* bench.c - what all of the bench shares: who there is, the time, how it ends. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *bench_record_crypto;

bool bench_by_ipsecmb(const struct scenario *s)
{
	return !bench_record_crypto && s->aead != BENCH_CCM8 && strncmp(tern_record_crypto_names(), "ipsec-mb", 8) == 0;
}

static tern_time now;

tern_time bench_now(void)
{
	return now;
}

void bench_let_pass(unsigned seconds)
{
	now.mono_ns += seconds * UINT64_C(1000000000);
}

const struct implementation *const implementations[NUM_PEERS] = {
	[TERN] = &tern_implementation,
	[OPENSSL] = &openssl_implementation,
#ifdef BENCH_WOLFSSL
	[WOLF] = &wolfssl_implementation,
#endif
#ifdef BENCH_NSS
	[NSS] = &nss_implementation,
#endif
};

bool bench_can(enum contender who, const struct scenario *s)
{
	const struct implementation *impl = who == FLOOR ? NULL : implementations[who];
	return who == FLOOR || (impl && (!impl->can || impl->can(s)));
}

void bench_die(const char *what)
{
	fprintf(stderr, "tern-bench-suite: %s\n", what);
	exit(1);
}

void bench_start_time(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	now = (tern_time){(uint64_t)t.tv_sec * 1000000000, (int64_t)time(NULL)};
}
