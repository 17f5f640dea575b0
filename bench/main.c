#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define ROUNDS_MIN 15
#define HANDSHAKE_BATCH 8
#define RECORD_BATCH 64

#define ECDSA12 "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
#define ECDSA12_OPENSSL "ECDHE-ECDSA-AES128-GCM-SHA256"
#define GCM13 "TLS_AES_128_GCM_SHA256"

static const struct scenario handshakes[] = {
	{"1.2 ECDSA, P-256", ECDSA12, ECDSA12_OPENSSL, EXCHANGE_P256, BENCH_GCM, CHAIN_NEW, false, 1000,
	 .dtls13 = false},
	{"1.2 ECDSA, P-256, known", ECDSA12, ECDSA12_OPENSSL, EXCHANGE_P256, BENCH_GCM, CHAIN_KNOWN, false, 1000,
	 .dtls13 = false},
	{"1.2 ECDSA, X25519", ECDSA12, ECDSA12_OPENSSL, EXCHANGE_X25519, BENCH_GCM, CHAIN_NEW, false, 930,
	 .dtls13 = false},
	{"1.2 ticket", ECDSA12, ECDSA12_OPENSSL, EXCHANGE_P256, BENCH_GCM, CHAIN_NEW, true, 480, .dtls13 = false},
	{"1.2 PSK", "TLS_PSK_WITH_AES_128_GCM_SHA256", "PSK-AES128-GCM-SHA256", EXCHANGE_NONE, BENCH_GCM,
	 NO_CERTIFICATE, false, 240, .dtls13 = false},
	{"1.2 ECDHE-PSK, P-256", "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-PSK-CHACHA20-POLY1305",
	 EXCHANGE_P256, BENCH_CHACHA, NO_CERTIFICATE, false, 400, .dtls13 = false},
	{"1.2 ECDHE-PSK, X25519", "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-PSK-CHACHA20-POLY1305",
	 EXCHANGE_X25519, BENCH_CHACHA, NO_CERTIFICATE, false, 340, .dtls13 = false},
	{"1.3 ECDSA, P-256", GCM13, NULL, EXCHANGE_P256, BENCH_GCM, CHAIN_NEW, false, 950, .dtls13 = true},
	{"1.3 ECDSA, P-256, known", GCM13, NULL, EXCHANGE_P256, BENCH_GCM, CHAIN_KNOWN, false, 950, .dtls13 = true},
	{"1.3 ECDSA, X25519", GCM13, NULL, EXCHANGE_X25519, BENCH_GCM, CHAIN_NEW, false, 880, .dtls13 = true},
	{"1.3 ticket, P-256", GCM13, NULL, EXCHANGE_P256, BENCH_GCM, CHAIN_NEW, true, 780, .dtls13 = true},
	{"1.3 psk_ke", GCM13, NULL, EXCHANGE_NONE, BENCH_GCM, NO_CERTIFICATE, false, 290, .dtls13 = true},
	{"1.3 psk_dhe_ke, P-256", GCM13, NULL, EXCHANGE_P256, BENCH_GCM, NO_CERTIFICATE, false, 440, .dtls13 = true},
	{"1.3 psk_dhe_ke, X25519", GCM13, NULL, EXCHANGE_X25519, BENCH_GCM, NO_CERTIFICATE, false, 370, .dtls13 = true},
};

/* libssl counts the strength of CCM_8 as 64 bits, below its default level. */
static const struct scenario records[] = {
	{"1.2 AES-128-GCM", "TLS_PSK_WITH_AES_128_GCM_SHA256", "PSK-AES128-GCM-SHA256", EXCHANGE_NONE, BENCH_GCM, false,
	 false, 240, .dtls13 = false},
	{"1.2 ChaCha20-Poly1305", "TLS_PSK_WITH_CHACHA20_POLY1305_SHA256", "PSK-CHACHA20-POLY1305", EXCHANGE_NONE,
	 BENCH_CHACHA, false, false, 240, .dtls13 = false},
	{"1.2 AES-128-CCM-8", "TLS_PSK_WITH_AES_128_CCM_8", "PSK-AES128-CCM8:@SECLEVEL=0", EXCHANGE_NONE, BENCH_CCM8,
	 false, false, 240, .dtls13 = false},
	{"1.3 AES-128-GCM", GCM13, NULL, EXCHANGE_NONE, BENCH_GCM, false, false, 290, .dtls13 = true},
	{"1.3 ChaCha20-Poly1305", "TLS_CHACHA20_POLY1305_SHA256", NULL, EXCHANGE_NONE, BENCH_CHACHA, false, false, 290,
	 .dtls13 = true},
	{"1.3 AES-128-CCM-8", "TLS_AES_128_CCM_8_SHA256", NULL, EXCHANGE_NONE, BENCH_CCM8, false, false, 290,
	 .dtls13 = true},
};

static const size_t record_sizes[] = {16, 256, 1200};

struct options {
	bool quick, help;
	const char *json, *only, *alone;
};

/* ---- measuring ---- */

/* Everybody who takes part in one row. */
struct field {
	struct pairs *pairs[NUM_PEERS]; /* NULL: does not take part */
	struct floor *floor;
	size_t record_size; /* 0: handshakes */
	bool together; /* records are sealed side by side by those who can */
	struct samples samples[NUM_CONTENDERS][NUM_SIDES];
};

static void run_batch(struct field *f, enum contender who)
{
	size_t num = f->record_size ? RECORD_BATCH : HANDSHAKE_BATCH;
	uint64_t ns[NUM_SIDES] = {0};
	if (who != FLOOR && !f->pairs[who])
		return;
	if (who == FLOOR) {
		if (f->record_size)
			floor_records(f->floor, num, f->record_size, ns);
		else
			floor_handshakes(f->floor, num, ns);
	} else {
		struct pairs *p = f->pairs[who];
		memset(p->ns, 0, sizeof p->ns);
		if (f->record_size) {
			pairs_records(p, num, f->record_size, f->together);
		} else {
			pairs_connect(p, num);
			pairs_disconnect(p);
		}
		memcpy(ns, p->ns, sizeof ns);
	}
	for (enum side side = 0; side < NUM_SIDES; side++)
		samples_add(&f->samples[who][side], (double)ns[side] / (double)num);
}

static void run_rounds(struct field *f, const struct options *o)
{
	uint64_t budget = o->quick ? 100000000 : 1500000000, start;
	for (enum contender who = 0; who < NUM_CONTENDERS; who++) /* warms up */
		run_batch(f, who);
	memset(f->samples, 0, sizeof f->samples);
	start = cpu_ns();
	for (int round = 0; round < SAMPLES_MAX; round++) {
		if (round >= ROUNDS_MIN && cpu_ns() - start > budget)
			break;
		for (enum contender who = 0; who < NUM_CONTENDERS; who++)
			run_batch(f, who);
	}
}

/* parts: NULL for what is not shown. */
static void report_field(struct report *r, struct field *f, const char *name, const char *const *parts, double unit_ns)
{
	for (enum side side = 0; side < NUM_SIDES && parts[side]; side++) {
		double values[NUM_CONTENDERS];
		for (enum contender who = 0; who < NUM_CONTENDERS; who++)
			values[who] = f->samples[who][side].num ? samples_median(&f->samples[who][side]) / unit_ns : -1;
		report_row(r, name, parts[side], values);
	}
}

static void field_open(struct field *f, const struct scenario *s)
{
	for (enum contender who = 0; who < NUM_PEERS; who++)
		f->pairs[who] = bench_can(who, s) ? pairs_new(implementations[who], s) : NULL;
	f->floor = floor_new(s);
}

static void field_close(struct field *f)
{
	for (enum contender who = 0; who < NUM_PEERS; who++)
		if (f->pairs[who])
			pairs_free(f->pairs[who]);
	floor_free(f->floor);
}

static bool wanted(const struct options *o, const char *name)
{
	return !o->only || strstr(name, o->only);
}

static void bench_handshakes(struct report *r, const struct options *o)
{
	static const char *const parts[] = {"client", "server"};
	static struct field f;
	report_heading(r, "handshake, CPU us of one side", "us");
	for (size_t i = 0; i < sizeof handshakes / sizeof handshakes[0]; i++) {
		if (!wanted(o, handshakes[i].name))
			continue;
		f = (struct field){0};
		field_open(&f, &handshakes[i]);
		run_rounds(&f, o);
		report_field(r, &f, handshakes[i].name, parts, 1000);
		field_close(&f);
	}
}

static void bench_record(struct report *r, const struct options *o, const struct scenario *s, const char *suffix)
{
	static const char *const parts[2][NUM_SIDES] = {{"seal", "open"}, {"seal", NULL}};
	static struct field f;
	size_t sizes = sizeof record_sizes / sizeof record_sizes[0];
	f = (struct field){0};
	field_open(&f, s);
	for (enum contender who = 0; who < NUM_PEERS; who++)
		if (f.pairs[who])
			pairs_connect(f.pairs[who], 1);
	for (size_t k = 0; k < 2 * sizes; k++) {
		char name[64];
		f.together = k >= sizes;
		f.record_size = record_sizes[k % sizes];
		snprintf(name, sizeof name, "%s%s, %zu%s", s->name, suffix, f.record_size, f.together ? ", many" : "");
		run_rounds(&f, o);
		report_field(r, &f, name, parts[f.together], 1);
	}
	for (enum contender who = 0; who < NUM_PEERS; who++)
		if (f.pairs[who])
			pairs_disconnect(f.pairs[who]);
	field_close(&f);
}

static void bench_records(struct report *r, const struct options *o)
{
	report_heading(r, "record, CPU ns", "ns");
	for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
		bool choice = bench_by_ipsecmb(&records[i]);
		if (!wanted(o, records[i].name))
			continue;
		bench_record(r, o, &records[i], "");
		if (!choice)
			continue;
		bench_record_crypto = "libcrypto";
		bench_record(r, o, &records[i], " by libcrypto");
		bench_record_crypto = NULL;
	}
}

static const struct scenario *find(const struct options *o, const struct scenario *from, size_t num)
{
	for (size_t i = 0; i < num; i++)
		if (wanted(o, from[i].name))
			return &from[i];
	return NULL;
}

static const struct scenario *named(const char *name)
{
	for (size_t i = 0; i < sizeof handshakes / sizeof handshakes[0]; i++)
		if (strcmp(handshakes[i].name, name) == 0)
			return &handshakes[i];
	bench_die(name);
}

static const struct implementation *find_implementation(const char *name)
{
	for (enum contender who = 0; who < NUM_PEERS; who++)
		if (implementations[who] && strcmp(name, implementations[who]->name) == 0)
			return implementations[who];
	bench_die("--alone names no implementation that is built in");
}

/* One implementation, one row, again and again: what a profiler wants. */
static void run_alone(const struct options *o, const char *count)
{
	const struct implementation *impl = find_implementation(o->alone);
	const struct scenario *s = find(o, handshakes, sizeof handshakes / sizeof handshakes[0]);
	const struct scenario *r = find(o, records, sizeof records / sizeof records[0]);
	long num = count ? strtol(count, NULL, 10) : 100;
	struct pairs *p;
	if (!s && !r && impl == &tern_implementation && wire_alone(o->only, num))
		return;
	if (!s && !r)
		bench_die("--only names no row");
	p = pairs_new(impl, s ? s : r);
	for (long k = 0; s && k < num; k++) {
		pairs_connect(p, 1);
		pairs_disconnect(p);
	}
	if (!s) {
		pairs_connect(p, 1);
		for (long k = 0; k < num; k++)
			pairs_records(p, RECORD_BATCH, record_sizes[2], false);
		pairs_disconnect(p);
	}
	pairs_free(p);
}

static void usage(FILE *out)
{
	fputs("usage: tern-bench-suite [--quick] [--json FILE] [--only TEXT]\n"
	      "       tern-bench-suite --alone NAME --only TEXT [COUNT]\n"
	      "  --quick      less time for each row\n"
	      "  --json FILE  the figures for programs\n"
	      "  --only TEXT  only rows whose name contains TEXT\n"
	      "  --alone      measures nothing: COUNT handshakes, or COUNT times 64 records of 1200 bytes, of one\n"
	      "               implementation (tern, openssl, wolfssl, nss), for a profiler; or COUNT batches of Tern's "
	      "over "
	      "sockets\n",
	      out);
}

static bool parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{"quick", no_argument, NULL, 'q'},	{"json", required_argument, NULL, 'j'},
		{"only", required_argument, NULL, 'o'}, {"alone", required_argument, NULL, 'a'},
		{"help", no_argument, NULL, 'h'},	{0},
	};
	int c;
	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 'q':
			o->quick = true;
			break;
		case 'j':
			o->json = optarg;
			break;
		case 'o':
			o->only = optarg;
			break;
		case 'a':
			o->alone = optarg;
			break;
		case 'h':
			o->help = true;
			break;
		default:
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	static const char *const names[] = {"1.2 ECDSA, P-256",	 "1.2 ECDSA, P-256, known",
					    "1.2 ticket",	 "1.2 PSK",
					    "1.3 ECDSA, P-256",	 "1.3 ECDSA, P-256, known",
					    "1.3 ticket, P-256", "1.3 psk_ke"};
	enum { NUM_IN_MEMORY = sizeof names / sizeof names[0] };
	const struct scenario *in_memory[NUM_IN_MEMORY];
	struct memory_row rows[NUM_MEMORY * NUM_IN_MEMORY] = {0};
	struct options o = {0};
	struct report *r;
	if (!parse(&o, argc, argv)) {
		usage(stderr);
		return 2;
	}
	if (o.help) {
		usage(stdout);
		return 0;
	}
	bench_start_time();
	for (size_t i = 0; i < NUM_IN_MEMORY; i++)
		in_memory[i] = named(names[i]);
	if (!o.only)
		memory_measure(rows, in_memory, NUM_IN_MEMORY);
	bench_make_identity();
	if (o.alone) {
		run_alone(&o, argv[optind]);
		return 0;
	}
	stats_calibrate();
	r = report_new(o.json);
	bench_handshakes(r, &o);
	bench_records(r, &o);
	wire_bench(r, o.only, o.quick);
	if (!o.only) {
		report_memory(r, rows, in_memory, NUM_IN_MEMORY);
		report_sizes(r);
	}
	return report_end(r) ? 0 : 1;
}
