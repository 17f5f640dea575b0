/* Counts bytes and allocations by side: Tern's through its allocator, libcrypto's and libssl's through
 * CRYPTO_set_mem_functions. A block counts as malloc's usable size and the eight bytes in front of it. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "bench.h"

#define IDLE_PAIRS 32
#define RECORDS 32

static struct tally tallies[NUM_SIDES][2]; /* [1]: libcrypto */
static enum side current;

const tern_allocator *bench_heap;

void memory_side(enum side side)
{
	current = side;
}

static void *counted(struct tally *t, void *p)
{
	if (!p)
		return NULL;
	t->live += (long)malloc_usable_size(p) + 8;
	t->allocations++;
	if (t->live > t->peak)
		t->peak = t->live;
	return p;
}

static void uncount(struct tally *t, void *p)
{
	if (p)
		t->live -= (long)malloc_usable_size(p) + 8;
}

static void *own_alloc(void *user, size_t n)
{
	(void)user;
	return counted(&tallies[current][0], malloc(n));
}

static void own_free(void *user, void *p, size_t n)
{
	(void)user;
	(void)n;
	uncount(&tallies[current][0], p);
	free(p);
}

static void *lib_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return counted(&tallies[current][1], malloc(n));
}

static void *lib_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	uncount(&tallies[current][1], p);
	return counted(&tallies[current][1], realloc(p, n));
}

static void lib_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	uncount(&tallies[current][1], p);
	free(p);
}

/* ---- what is measured ---- */

static void one_handshake(struct pairs *p, struct memory_row *row)
{
	struct tally before[NUM_SIDES][2];
	for (enum side side = 0; side < NUM_SIDES; side++)
		for (int owner = 0; owner < 2; owner++)
			tallies[side][owner].peak = tallies[side][owner].live;
	memcpy(before, tallies, sizeof before);
	pairs_connect(p, 1);
	pairs_greet(p);
	pairs_disconnect(p);
	for (enum side side = 0; side < NUM_SIDES; side++)
		for (int owner = 0; owner < 2; owner++) {
			row->handshake[side][owner].peak = tallies[side][owner].peak - before[side][owner].peak;
			row->handshake[side][owner].allocations =
				tallies[side][owner].allocations - before[side][owner].allocations;
		}
}

static size_t allocations_of(enum side side)
{
	return tallies[side][0].allocations + tallies[side][1].allocations;
}

/* Bytes by side and owner that num connections hold when nothing has happened for some minutes. */
static void hold(struct pairs *p, long held[NUM_SIDES][2])
{
	struct tally before[NUM_SIDES][2];
	memcpy(before, tallies, sizeof before);
	pairs_connect(p, IDLE_PAIRS);
	pairs_greet(p);
	pairs_settle(p);
	for (enum side side = 0; side < NUM_SIDES; side++)
		for (int owner = 0; owner < 2; owner++)
			held[side][owner] = tallies[side][owner].live - before[side][owner].live;
}

/* The first time fills the pool's cache of expanded keys, which stays when the connections go. The second time shows
 * what is theirs. */
static void idle(struct pairs *p, struct memory_row *row)
{
	long first[NUM_SIDES][2], second[NUM_SIDES][2];
	size_t allocations[NUM_SIDES];
	hold(p, first);
	pairs_disconnect(p);
	hold(p, second);
	for (enum side side = 0; side < NUM_SIDES; side++) {
		long all = first[side][0] + first[side][1] - second[side][0] - second[side][1];
		for (int owner = 0; owner < 2; owner++)
			row->idle[side][owner] = second[side][owner] / IDLE_PAIRS;
		row->cached[side] = all / IDLE_PAIRS;
		allocations[side] = allocations_of(side);
	}
	pairs_records(p, RECORDS, 256, false);
	for (enum side side = 0; side < NUM_SIDES; side++)
		row->per_record[side] = (double)(allocations_of(side) - allocations[side]) / RECORDS;
	pairs_disconnect(p);
}

static void measure(const struct implementation *impl, const struct scenario *s, struct memory_row *row)
{
	struct pairs *p;
	p = pairs_new(impl, s);
	pairs_connect(p, 1); /* what is made at first use and kept is not this handshake's */
	pairs_greet(p);
	pairs_disconnect(p);
	one_handshake(p, row);
	idle(p, row);
	pairs_free(p);
}

static void child(int out, const struct scenario *const *scenarios, size_t num)
{
	static const tern_allocator heap = {own_alloc, own_free, NULL};
	bench_heap = &heap;
	bench_make_identity();
	for (size_t i = 0; i < num; i++) {
		struct memory_row rows[NUM_MEMORY] = {0};
		measure(&tern_implementation, scenarios[i], &rows[MEMORY_TERN]);
		if (bench_can(OPENSSL, scenarios[i]))
			measure(&openssl_implementation, scenarios[i], &rows[MEMORY_OPENSSL]);
		if (write(out, rows, sizeof rows) != (ssize_t)sizeof rows)
			_exit(1);
	}
	_exit(0);
}

/* rows: NUM_MEMORY for each scenario. */
void memory_measure(struct memory_row *rows, const struct scenario *const *scenarios, size_t num)
{
	int ends[2], status;
	size_t want = NUM_MEMORY * num * sizeof *rows, got = 0;
	pid_t pid;
	if (pipe(ends) != 0 || (pid = fork()) < 0)
		bench_die("fork");
	if (pid == 0) {
		close(ends[0]);
		if (!CRYPTO_set_mem_functions(lib_malloc, lib_realloc, lib_free))
			bench_die("CRYPTO_set_mem_functions");
		child(ends[1], scenarios, num);
	}
	close(ends[1]);
	while (got < want) {
		ssize_t n = read(ends[0], (uint8_t *)rows + got, want - got);
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	close(ends[0]);
	if (waitpid(pid, &status, 0) != pid || status != 0 || got != want)
		bench_die("memory could not be measured");
}
