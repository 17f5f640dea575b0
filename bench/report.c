#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "bench.h"
#include "connection/conn.h"
#include "handshake/pool.h"

struct report {
	FILE *json; /* NULL: none */
	const char *unit;
	size_t rows;
	const char *title; /* printed before the first row under it; NULL afterwards */
};

struct report *report_new(const char *json_path)
{
	struct report *r = calloc(1, sizeof *r);
	if (!r)
		bench_die("out of memory");
	if (json_path && !(r->json = fopen(json_path, "w")))
		bench_die(json_path);
	printf("tern %s beside libssl %s, on the same libcrypto; records by %s\n", tern_version(),
	       OpenSSL_version(OPENSSL_VERSION_STRING), tern_record_crypto_names());
	if (r->json)
		fprintf(r->json, "{\"tern\":\"%s\",\"openssl\":\"%s\",\"record_crypto\":\"%s\",\"rows\":[",
			tern_version(), OpenSSL_version(OPENSSL_VERSION_STRING), tern_record_crypto_names());
	return r;
}

void report_heading(struct report *r, const char *title, const char *unit)
{
	r->unit = unit;
	r->title = title;
}

static void json_row(struct report *r, const char *name, const char *part, const char *unit, const double *values)
{
	static const char *const names[NUM_CONTENDERS] = {"tern", "openssl", "wolfssl", "nss", "floor"};
	if (!r->json)
		return;
	fprintf(r->json, "%s\n{\"name\":\"%s\",\"part\":\"%s\",\"unit\":\"%s\"", r->rows++ ? "," : "", name, part,
		unit);
	for (int i = 0; i < NUM_CONTENDERS; i++)
		if (values[i] >= 0)
			fprintf(r->json, ",\"%s\":%.2f", names[i], values[i]);
	fputc('}', r->json);
}

static void print_value(bool known, int width, int decimals, double value)
{
	if (known)
		printf(" %*.*f", width, decimals, value);
	else
		printf(" %*s", width, "-");
}

static double best_peer(const double values[NUM_CONTENDERS])
{
	double best = -1;
	for (enum contender who = TERN + 1; who < NUM_PEERS; who++)
		if (values[who] >= 0 && (best < 0 || values[who] < best))
			best = values[who];
	return best;
}

static void print_heading(const char *title)
{
	printf("\n%-47s", title);
	for (enum contender who = 0; who < NUM_PEERS; who++)
		if (implementations[who])
			printf(" %9s", implementations[who]->name);
	printf(" %10s %9s %10s\n", "tern/best", "floor", "tern/floor");
}

void report_row(struct report *r, const char *name, const char *part, const double values[NUM_CONTENDERS])
{
	double best = best_peer(values);
	if (r->title)
		print_heading(r->title);
	r->title = NULL;
	printf("%-40s %-6s", name, part);
	for (enum contender who = 0; who < NUM_PEERS; who++)
		if (implementations[who])
			print_value(values[who] >= 0, 9, 1, values[who]);
	print_value(best > 0 && values[TERN] >= 0, 10, 2, values[TERN] / best);
	print_value(values[FLOOR] >= 0, 9, 1, values[FLOOR]);
	print_value(values[TERN] >= 0 && values[FLOOR] > 0, 10, 2, values[TERN] / values[FLOOR]);
	putchar('\n');
	fflush(stdout);
	json_row(r, name, part, r->unit, values);
}

static void memory_line(struct report *r, const char *name, const char *part, const char *unit, double own,
			double below, double openssl)
{
	const double values[NUM_CONTENDERS] = {own + below, openssl > 0 ? openssl : -1, -1, -1, -1};
	printf("%-22s %-8s", name, part);
	print_value(true, 9, 0, own);
	print_value(true, 9, 0, below);
	print_value(openssl > 0, 9, 0, openssl);
	printf("  %s\n", unit);
	json_row(r, name, part, unit, values);
}

void report_memory(struct report *r, const struct memory_row *rows, const struct scenario *const *scenarios, size_t num)
{
	static const char *const parts[NUM_SIDES] = {"client", "server"};
	printf("\n%-31s %9s %9s %9s\n", "memory", "tern own", "libcrypto", "openssl");
	for (size_t i = 0; i < num; i++) {
		const struct memory_row *tern = &rows[NUM_MEMORY * i + MEMORY_TERN];
		const struct memory_row *openssl = &rows[NUM_MEMORY * i + MEMORY_OPENSSL];
		const char *name = scenarios[i]->name;
		for (enum side side = 0; side < NUM_SIDES; side++) {
			memory_line(r, name, parts[side], "bytes held idle", (double)tern->idle[side][0],
				    (double)tern->idle[side][1], (double)openssl->idle[side][1]);
			memory_line(r, name, parts[side], "bytes of expanded keys in the pool's cache", 0,
				    (double)tern->cached[side], 0);
			memory_line(r, name, parts[side], "bytes at the peak of a handshake",
				    (double)tern->handshake[side][0].peak, (double)tern->handshake[side][1].peak,
				    (double)openssl->handshake[side][1].peak);
			memory_line(r, name, parts[side], "mallocs in a handshake",
				    (double)tern->handshake[side][0].allocations,
				    (double)tern->handshake[side][1].allocations,
				    (double)openssl->handshake[side][1].allocations);
		}
	}
	printf("mallocs a record: tern seals %.2f, opens %.2f; openssl seals %.2f, opens %.2f\n",
	       rows[MEMORY_TERN].per_record[CLIENT_SIDE], rows[MEMORY_TERN].per_record[SERVER_SIDE],
	       rows[MEMORY_OPENSSL].per_record[CLIENT_SIDE], rows[MEMORY_OPENSSL].per_record[SERVER_SIDE]);
}

void report_sizes(struct report *r)
{
	static const struct {
		const char *name;
		size_t n;
	} sizes[] = {
		{"tern_conn", sizeof(struct tern_conn)},
		{"  record_layer", sizeof(struct record_layer)},
		{"    raw_key", sizeof(struct raw_key)},
		{"  agreed", sizeof(struct agreed)},
		{"  failure", sizeof(tern_failure)},
		{"  dropped", sizeof(((struct tern_conn *)0)->dropped)},
		{"after, DTLS 1.3", sizeof(struct after)},
		{"  acks", sizeof(struct acks)},
		{"handshake", sizeof(struct handshake)},
		{"  its first arena block", HANDSHAKE_ARENA_FIRST},
		{"  inbox", sizeof(struct inbox)},
		{"  flight", sizeof(struct flight)},
		{"  transcript", sizeof(struct transcript)},
		{"session", sizeof(struct session)},
		{"tern_pool, its message", sizeof(struct tern_pool) + POOL_SCRATCH},
	};
	printf("\nsizeof, bytes\n");
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		const double values[NUM_CONTENDERS] = {(double)sizes[i].n, -1, -1, -1, -1};
		printf("%-31s %9zu\n", sizes[i].name, sizes[i].n);
		json_row(r, sizes[i].name + strspn(sizes[i].name, " "), "sizeof", "bytes", values);
	}
}

bool report_end(struct report *r)
{
	bool ok = true;
	if (r->json) {
		fprintf(r->json, "\n]}\n");
		ok = !ferror(r->json);
		ok &= fclose(r->json) == 0;
	}
	free(r);
	return ok;
}
