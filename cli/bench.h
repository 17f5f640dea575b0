/* bench.h - what the files of tern bench share. */
#ifndef TERN_CLI_BENCH_H
#define TERN_CLI_BENCH_H

#include "histogram.h"
#include "options.h"
#include "setup.h"
#include "tern/endpoint.h"

enum bench_mode { BENCH_HANDSHAKES, BENCH_RECORDS, BENCH_ONE_WAY };

struct bench_options {
	struct options common; /* first: its table of options serves here too */
	bool handshakes, records, one_way, resume;
	int64_t seconds, connections, length, window;
};

/* One of the connections that are kept busy, and who is there after it when it ends. */
struct lane {
	struct party party; /* first: what the trace names */
	tern_peer peer; /* 0: none */
	uint64_t began_ns; /* its handshake */
	uint64_t heard_ns; /* the last answer, or when sending began */
	uint64_t in_flight; /* records that were not answered yet */
	bool connected;
};

struct bench_counts {
	uint64_t handshakes, resumed, failed; /* of connections */
	uint64_t sent, answered, lost; /* of records */
};

struct bench {
	const struct bench_options *options;
	enum bench_mode mode;
	struct setup setup;
	char host[256]; /* of ADDR: the server's name, unless --name says another */
	tern_address remote;
	tern_endpoint *endpoint;
	struct lane *lanes;
	size_t num_lanes, num_connected, num_dialing;
	uint64_t start_ns, end_ns, cpu_ns; /* of what is measured: when, and the CPU time of this process */
	bool measuring, blocked, stopped, told_failure;
	uint8_t session[TERN_SESSION_MAX];
	size_t session_len;
	tern_info info; /* of the connection that was made last */
	struct bench_counts counts;
	struct histogram latency;
	uint8_t payload[UINT16_MAX];
};

uint64_t bench_cpu_ns(void); /* of this process */

/* bench_load.c: runs until the time is over. Returns OPTIONS_GO or the exit status. */
int bench_run(struct bench *b);

/* bench_report.c */
void bench_progress(const struct bench *b, uint64_t now_ns);
void bench_progress_end(const struct bench *b);
bool bench_report(const struct bench *b); /* whether something was done and nothing failed */

#endif
