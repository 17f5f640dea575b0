/* bench.c - tern bench: keeps a DTLS server busy, Tern's or another, and tells how fast it is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "bench.h"
#include "commands.h"
#include "tuning.h"

enum { LEAST_LENGTH = 16, SPARE_FILES = 64 };

#define FIELD(name) offsetof(struct bench_options, name)
#define COMMON(name) offsetof(struct bench_options, common.name)

static const struct option_row bench_rows[] = {
	{"handshakes", OPTION_FLAG, FIELD(handshakes), NULL, "handshakes one after the other (the default)", 0, 0},
	{"records", OPTION_FLAG, FIELD(records), NULL, "records that the server echoes", 0, 0},
	{"one-way", OPTION_FLAG, FIELD(one_way), NULL, "records that nobody answers", 0, 0},
	{"time", OPTION_NUMBER, FIELD(seconds), "SECONDS", "how long (10)", 1, 86400},
	{"connections", OPTION_NUMBER, FIELD(connections), "N", "so many at a time (handshakes 32, records 1)", 1,
	 1000000},
	{"length", OPTION_NUMBER, FIELD(length), "BYTES", "of data in a record (100)", LEAST_LENGTH, 16384},
	{"window", OPTION_NUMBER, FIELD(window), "N",
	 "records under way on each connection (1; one-way: at a time, 64)", 1, 4096},
	{"resume", OPTION_FLAG, FIELD(resume), NULL, "resume a session in each handshake", 0, 0},
	{"ca", OPTION_TEXTS, COMMON(ca), "FILE", "trust these CA certificates (default: the system's)", 0, 0},
	{"fingerprint", OPTION_TEXTS, COMMON(fingerprint), "TEXT", "accept this certificate: sha-256:HEX", 0, 0},
	{"insecure", OPTION_FLAG, COMMON(insecure), NULL, "accept any certificate", 0, 0},
	{"name", OPTION_TEXT, COMMON(server_name), "NAME", "the server's name (default: the host in ADDR)", 0, 0},
	{"cert", OPTION_TEXTS, COMMON(cert), "FILE", "client certificate, PEM", 0, 0},
	{"key", OPTION_TEXTS, COMMON(key), "FILE", "its private key, PEM", 0, 0},
	{"psk", OPTION_TEXTS, COMMON(psk), "ID:HEX", "pre-shared key", 0, 0},
};

static const struct option_letter bench_letters[] = {{'t', "time"}, {'P', "connections"}, {'l', "length"}, {0, NULL}};

static const struct command_line bench_line = {
	"tern bench",
	"ADDR [OPTION]...    (ADDR: HOST:PORT, PORT or [v6]:PORT)",
	"  tern bench 127.0.0.1:4444 --ca cert.pem --name localhost\n"
	"  tern bench 127.0.0.1:4444 --ca cert.pem --name localhost --resume -P 64 -t 30\n"
	"  tern bench 127.0.0.1:4444 --psk device-1:00112233445566778899aabbccddeeff --dtls 1.2\n"
	"  tern bench 127.0.0.1:4444 --insecure --records -l 1000 -P 8 --window 32    (tern server --echo)\n",
	bench_rows,
	sizeof bench_rows / sizeof bench_rows[0],
	options_shared,
	OPTIONS_NUM_SHARED,
	bench_letters,
};

uint64_t bench_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int check_options(struct bench_options *o)
{
	if (o->handshakes + o->records + o->one_way > 1)
		return usage_error("--handshakes, --records, --one-way: give one of them");
	if (o->resume && (o->records || o->one_way))
		return usage_error("--resume: goes with --handshakes only");
	if (!o->window)
		o->window = o->one_way ? 64 : 1;
	if (!o->connections)
		o->connections = o->records || o->one_way ? 1 : 32;
	return OPTIONS_GO;
}

/* Each connection has a socket of its own. */
static int allow_files(int64_t connections)
{
	struct rlimit limit;
	rlim_t wanted = (rlim_t)connections + SPARE_FILES;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return OPTIONS_GO;
	limit.rlim_cur = wanted;
	if (limit.rlim_max < wanted)
		limit.rlim_max = wanted;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		return complain("--connections %lld: this needs as many open files: ulimit -n %llu",
				(long long)connections, (unsigned long long)wanted);
	return OPTIONS_GO;
}

static int find_remote(struct bench *b, const char *text)
{
	struct addrinfo *list;
	char port[8];
	int status = address_resolve(&list, "ADDR", text, false);

	if (status != OPTIONS_GO)
		return status;
	if (!tern_endpoint_from_sockaddr(&b->remote, list->ai_addr) || !address_cut(text, b->host, port))
		status = complain("ADDR %s: neither IPv4 nor IPv6", text);
	freeaddrinfo(list);
	return status;
}

static int open_endpoint(struct bench *b)
{
	tern_endpoint_options options = {.max_peers = (uint32_t)b->num_lanes + SPARE_FILES, .idle_ns = TERN_NEVER};
	tuning_endpoint(&options, &b->options->common);
	tern_error error = tern_endpoint_open(&b->endpoint, b->setup.config, &options);

	return error == TERN_OK ? OPTIONS_GO : complain("cannot start: %s", tern_error_sentence(error));
}

static int prepare(struct bench *b, const char *address)
{
	int status;

	b->num_lanes = (size_t)b->options->connections;
	b->lanes = calloc(b->num_lanes, sizeof *b->lanes);
	if (!b->lanes)
		return complain("out of memory");
	if ((status = allow_files(b->options->connections)) != OPTIONS_GO ||
	    (status = setup_open(&b->setup, &b->options->common, false)) != OPTIONS_GO ||
	    (status = find_remote(b, address)) != OPTIONS_GO)
		return status;
	return open_endpoint(b);
}

int command_bench(int argc, char **argv)
{
	struct bench_options options = {.seconds = 10,
					.length = 100,
					.common.cid_length = UNSAID,
					.common.idle_s = UNSAID};
	struct texts operands;
	int status = options_parse(&bench_line, &options, &operands, argc, argv);

	if (status == OPTIONS_GO)
		status = check_options(&options);
	if (status != OPTIONS_GO)
		return status;
	if (operands.num != 1)
		return usage_error(operands.num ? "give one ADDR" : "ADDR is missing: give the server as HOST:PORT");
	struct bench *b = calloc(1, sizeof *b);
	if (!b)
		return complain("out of memory");
	b->options = &options;
	b->mode = options.records ? BENCH_RECORDS : options.one_way ? BENCH_ONE_WAY : BENCH_HANDSHAKES;
	status = prepare(b, operands.text[0]);
	if (status == OPTIONS_GO)
		status = bench_run(b);
	if (status == OPTIONS_GO)
		status = bench_report(b) ? STATUS_OK : STATUS_FAILURE;
	tern_endpoint_free(b->endpoint);
	setup_close(&b->setup);
	free(b->lanes);
	explicit_bzero(b, sizeof *b);
	free(b);
	return status;
}
