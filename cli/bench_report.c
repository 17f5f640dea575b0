/* bench_report.c - what tern bench tells: a line as it runs, and the figures. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "bench.h"
#include "json.h"

static double seconds(const struct bench *b, uint64_t until_ns)
{
	return (double)(until_ns - b->start_ns) / 1e9;
}

static uint64_t work_done(const struct bench *b)
{
	switch (b->mode) {
	case BENCH_HANDSHAKES:
		return b->counts.handshakes;
	case BENCH_RECORDS:
		return b->counts.answered;
	case BENCH_ONE_WAY:
		return b->counts.sent;
	}
	return 0;
}

static bool shows_progress(const struct bench *b)
{
	return isatty(STDERR_FILENO) && !b->options->common.verbose;
}

void bench_progress(const struct bench *b, uint64_t now_ns)
{
	if (!shows_progress(b))
		return;
	if (!b->measuring)
		fprintf(stderr, "\r%zu of %zu connected \033[K", b->num_connected, b->num_lanes);
	else
		fprintf(stderr, "\r%.0f s: %.0f %s a second, %" PRIu64 " failed, %" PRIu64 " lost \033[K",
			seconds(b, now_ns), (double)work_done(b) / seconds(b, now_ns),
			b->mode == BENCH_HANDSHAKES ? "handshakes" : "records", b->counts.failed, b->counts.lost);
}

void bench_progress_end(const struct bench *b)
{
	if (shows_progress(b))
		fputs("\r\033[K", stderr);
}

static const double quantiles[] = {0.5, 0.9, 0.99, 0.999};
static const char *const quantile_names[] = {"p50", "p90", "p99", "p99.9"};
enum { NUM_QUANTILES = sizeof quantiles / sizeof quantiles[0] };

static void print_duration(const char *name, uint64_t ns)
{
	if (ns < 1000000)
		printf("  %s %.1f us", name, (double)ns / 1e3);
	else
		printf("  %s %.2f ms", name, (double)ns / 1e6);
}

static void print_latency(const struct bench *b)
{
	if (!b->latency.num)
		return;
	printf("latency    ");
	for (size_t i = 0; i < NUM_QUANTILES; i++)
		print_duration(quantile_names[i], histogram_quantile(&b->latency, quantiles[i]));
	print_duration("max", b->latency.max_ns);
	putchar('\n');
}

static double megabits(const struct bench *b)
{
	return (double)work_done(b) * (double)b->options->length * 8 / 1e6 / seconds(b, b->end_ns);
}

static void print_text(const struct bench *b)
{
	double s = seconds(b, b->end_ns), cpu_us = (double)b->cpu_ns / 1e3;
	uint64_t done = work_done(b);
	const char *version = b->info.version == TERN_DTLS13 ? "DTLS 1.3" : "DTLS 1.2";

	printf("connection   %s %s%s%s, %zu at a time\n", version, b->info.suite, b->info.group[0] ? " " : "",
	       b->info.group, b->num_lanes);
	if (b->mode == BENCH_HANDSHAKES) {
		printf("handshakes   %" PRIu64 " in %.1f s: %.0f a second", done, s, (double)done / s);
		printf(", %" PRIu64 " resumed, %" PRIu64 " failed\n", b->counts.resumed, b->counts.failed);
	} else {
		printf("records      %" PRIu64 " %s in %.1f s: %.0f a second, %.1f Mbit/s of data\n", done,
		       b->mode == BENCH_RECORDS ? "answered" : "sent", s, (double)done / s, megabits(b));
	}
	if (b->mode == BENCH_RECORDS)
		printf("lost         %" PRIu64 " of %" PRIu64 "\n", b->counts.lost, b->counts.sent);
	print_latency(b);
	if (done)
		printf("CPU here     %.0f %%, %.2f us for each\n", cpu_us / s / 1e4, cpu_us / (double)done);
}

static void print_json(const struct bench *b)
{
	static const char *const modes[] = {"handshakes", "records", "one-way"};

	json_begin("bench");
	json_text("mode", modes[b->mode]);
	json_number("version", b->info.version);
	json_text("suite", b->info.suite);
	json_text("group", b->info.group);
	json_number("connections", b->num_lanes);
	json_number("ns", b->end_ns - b->start_ns);
	json_number("cpu_ns", b->cpu_ns);
	json_number("handshakes", b->counts.handshakes);
	json_number("resumed", b->counts.resumed);
	json_number("failed", b->counts.failed);
	json_number("length", b->mode == BENCH_HANDSHAKES ? 0 : (uint64_t)b->options->length);
	json_number("sent", b->counts.sent);
	json_number("answered", b->counts.answered);
	json_number("lost", b->counts.lost);
	json_open("latency_ns");
	for (size_t i = 0; i < NUM_QUANTILES; i++)
		json_number(quantile_names[i], histogram_quantile(&b->latency, quantiles[i]));
	json_number("max", b->latency.max_ns);
	json_close();
	json_end();
}

bool bench_report(const struct bench *b)
{
	if (b->options->common.json)
		print_json(b);
	else
		print_text(b);
	return work_done(b) > 0 && b->counts.failed == 0;
}
