/* tern-bench-loss: how long handshakes take when datagrams get lost, beside other libraries. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loss.h"

const tern_allocator *bench_heap; /* NULL: nobody counts */

void bench_die(const char *what)
{
	fprintf(stderr, "tern-bench-loss: %s\n", what);
	exit(1);
}

/* ---- the tables ---- */

#define SUITE12 "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
#define SUITE12_OPENSSL "ECDHE-ECDSA-AES128-GCM-SHA256"
#define SUITE13 "TLS_AES_128_GCM_SHA256"

static const double losses[] = {0, 5, 10, 20, 30};
enum { NUM_LOSSES = sizeof losses / sizeof losses[0] };

struct row {
	const struct implementation *impl; /* NULL: not built in */
	const char *label;
	struct scenario scenario;
};

struct table {
	const char *name, *title;
	size_t num;
	struct row rows[12];
};

#define S12                                                                                                            \
	.suite = SUITE12, .openssl_suite = SUITE12_OPENSSL, .exchange = EXCHANGE_P256, .aead = BENCH_GCM,              \
	.certificate = CHAIN_NEW
#define S13 .suite = SUITE13, .exchange = EXCHANGE_P256, .aead = BENCH_GCM, .certificate = CHAIN_NEW, .dtls13 = true
#ifdef BENCH_WOLFSSL
#define WOLFSSL_ROW(...)                                                                                               \
	{                                                                                                              \
		&wolfssl_implementation, __VA_ARGS__                                                                   \
	}
#else
#define WOLFSSL_ROW(...)                                                                                               \
	{                                                                                                              \
		NULL, __VA_ARGS__                                                                                      \
	}
#endif

static const struct table tables[] = {
	{"defaults",
	 "each as it comes: Tern with policy \"webrtc\" (first timer 400 ms, no cookie), the others with their "
	 "defaults",
	 7,
	 {{&tern_implementation, "1.2 Tern, webrtc", {S12, .policy = "webrtc"}},
	  {&openssl_implementation, "1.2 OpenSSL", {S12}},
	  {&gnutls_implementation, "1.2 GnuTLS", {S12}},
	  WOLFSSL_ROW("1.2 wolfSSL, cookie", {S12, .cookie = true}),
	  {&tern_implementation, "1.3 Tern, webrtc", {S13, .policy = "webrtc"}},
	  WOLFSSL_ROW("1.3 wolfSSL, no cookie", {S13}),
	  WOLFSSL_ROW("1.3 wolfSSL, cookie", {S13, .cookie = true})}},
	{"same",
	 "the same for all: first timer 1 s, a cookie asked for, five minutes at most",
	 6,
	 {{&tern_implementation, "1.2 Tern", {S12, .first_ms = 1000, .patience_s = 300, .cookie = true}},
	  {&openssl_implementation, "1.2 OpenSSL", {S12, .cookie = true}},
	  {&gnutls_implementation, "1.2 GnuTLS", {S12, .cookie = true}},
	  WOLFSSL_ROW("1.2 wolfSSL", {S12, .cookie = true}),
	  {&tern_implementation, "1.3 Tern", {S13, .first_ms = 1000, .patience_s = 300, .cookie = true}},
	  WOLFSSL_ROW("1.3 wolfSSL", {S13, .cookie = true})}},
};
enum { NUM_TABLES = sizeof tables / sizeof tables[0] };

/* ---- measuring ---- */

struct cell {
	double median, p99, mean_datagrams; /* ms; infinite where too many did not end */
	unsigned failed;
};

struct options {
	unsigned handshakes;
	uint64_t seed;
	const char *json, *only;
	bool help;
};

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static double quantile_ms(const uint64_t *sorted, size_t num, double q)
{
	uint64_t ns = sorted[(size_t)((double)(num - 1) * q)];
	return ns == UINT64_MAX ? -1 : (double)ns / 1e6;
}

static struct cell measure(const struct row *row, double loss, const struct options *o)
{
	struct link_rules rules = {.loss = loss, .delay_ns = 50000000, .seed = o->seed};
	struct contestant c = {.impl = row->impl};
	uint64_t *took = calloc(o->handshakes, sizeof *took);
	struct cell cell = {0};
	unsigned datagrams = 0;
	if (!took)
		bench_die("out of memory");
	for (enum side side = 0; side < NUM_SIDES; side++) {
		c.context[side] = row->impl->context_new(&row->scenario, side);
		if (!c.context[side])
			bench_die(row->label);
	}
	for (unsigned i = 0; i < o->handshakes; i++) {
		took[i] = link_handshake(&c, &rules, i, &datagrams);
		cell.failed += took[i] == UINT64_MAX;
	}
	for (enum side side = 0; side < NUM_SIDES; side++)
		row->impl->context_free(c.context[side]);
	qsort(took, o->handshakes, sizeof *took, compare);
	cell.median = quantile_ms(took, o->handshakes, 0.5);
	cell.p99 = quantile_ms(took, o->handshakes, 0.99);
	cell.mean_datagrams = (double)datagrams / o->handshakes;
	free(took);
	return cell;
}

/* ---- printing ---- */

static void print_ms(double ms, int width)
{
	if (ms < 0)
		printf("%*s", width, "never");
	else
		printf("%*.0f", width, ms);
}

static void print_heading(const struct table *t)
{
	printf("\n%s\nmedian / 99th percentile in ms; (n): of all handshakes n did not end\n%-24s", t->title, "loss");
	for (size_t i = 0; i < NUM_LOSSES; i++)
		printf("%15.0f %%", losses[i]);
	putchar('\n');
}

static void print_cell(const struct cell *c)
{
	char failed[16] = "";
	print_ms(c->median, 6);
	printf(" /");
	print_ms(c->p99, 6);
	if (c->failed)
		snprintf(failed, sizeof failed, "(%u)", c->failed);
	printf("%-6s", failed);
	fflush(stdout);
}

static void json_cell(FILE *json, const struct table *t, const struct row *row, double loss, const struct cell *c,
		      bool first)
{
	fprintf(json,
		"%s\n  {\"table\": \"%s\", \"row\": \"%s\", \"loss\": %.0f, \"median_ms\": %.1f, \"p99_ms\": %.1f, "
		"\"failed\": %u, \"datagrams\": %.2f}",
		first ? "" : ",", t->name, row->label, loss, c->median, c->p99, c->failed, c->mean_datagrams);
}

static void run_table(const struct table *t, const struct options *o, FILE *json, bool *first)
{
	print_heading(t);
	for (size_t i = 0; i < t->num; i++) {
		const struct row *row = &t->rows[i];
		if (!row->impl || (row->impl->can && !row->impl->can(&row->scenario)))
			continue;
		if (o->only && !strstr(row->label, o->only))
			continue;
		printf("%-24s", row->label);
		for (size_t k = 0; k < NUM_LOSSES; k++) {
			struct cell cell = measure(row, losses[k], o);
			print_cell(&cell);
			if (json)
				json_cell(json, t, row, losses[k], &cell, *first);
			*first = false;
		}
		putchar('\n');
	}
}

static void print_versions(FILE *json)
{
	static const struct implementation *const all[] = {
		&tern_implementation,
		&openssl_implementation,
		&gnutls_implementation,
#ifdef BENCH_WOLFSSL
		&wolfssl_implementation,
#endif
	};
	if (json)
		fputc('{', json);
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		printf("%s%s %s", i ? ", " : "", all[i]->name, all[i]->version());
		if (json)
			fprintf(json, "\"%s\": \"%s\", ", all[i]->name, all[i]->version());
	}
	putchar('\n');
	if (json)
		fputs("\"cells\": [", json);
}

/* ---- the command line ---- */

static void usage(FILE *out)
{
	fputs("usage: tern-bench-loss [--handshakes N] [--seed N] [--only TEXT] [--json FILE]\n"
	      "  --handshakes N  in each cell (default 2000)\n"
	      "  --seed N        another seed, other datagrams lost (default 1)\n"
	      "  --only TEXT     only rows whose name contains TEXT\n"
	      "  --json FILE     the figures for programs\n",
	      out);
}

static bool number(const char *text, uint64_t most, uint64_t *out)
{
	char *end;
	*out = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == 0 && *out <= most;
}

static bool parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{"handshakes", required_argument, NULL, 'n'},
		{"seed", required_argument, NULL, 's'},
		{"only", required_argument, NULL, 'o'},
		{"json", required_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	uint64_t n;
	int c;
	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c == 'n' && number(optarg, 10000000, &n) && n > 0)
			o->handshakes = (unsigned)n;
		else if (c == 's' && number(optarg, UINT64_MAX - 1, &n))
			o->seed = n;
		else if (c == 'o')
			o->only = optarg;
		else if (c == 'j')
			o->json = optarg;
		else if (c == 'h')
			o->help = true;
		else
			return false;
	}
	return optind == argc;
}

int main(int argc, char **argv)
{
	struct options o = {.handshakes = 2000, .seed = 1};
	FILE *json = NULL;
	bool first = true;
	if (!parse(&o, argc, argv)) {
		usage(stderr);
		return 2;
	}
	if (o.help) {
		usage(stdout);
		return 0;
	}
	if (o.json && !(json = fopen(o.json, "w"))) {
		perror(o.json);
		return 1;
	}
	clock_start();
	bench_make_identity();
	print_versions(json);
	printf("%u handshakes a cell, 100 ms round trip, virtual time, ECDSA P-256, seed %llu\n", o.handshakes,
	       (unsigned long long)o.seed);
	for (size_t i = 0; i < NUM_TABLES; i++)
		run_table(&tables[i], &o, json, &first);
	if (json && (fputs("\n]}\n", json) < 0 || fclose(json) != 0)) {
		perror(o.json);
		return 1;
	}
	return 0;
}
