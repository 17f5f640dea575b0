/* tern-bench-million [--idle SECONDS] [--only 1.2|1.3] [N]: what N idle connections cost one process. */
#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "million.h"

static const double MS = 1e6, SECOND = 1e9;
enum { SETTLE_S = 60 };

struct options {
	uint32_t num;
	unsigned idle_s;
	tern_protocol only; /* 0: both */
};

struct child {
	pid_t pid;
	int control;
};

/* ---- the two processes */

static struct child start(void (*run)(int, tern_protocol, uint32_t, uint16_t), tern_protocol version, uint32_t num,
			  uint16_t port, int other)
{
	struct child child;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		million_die("no socket pair");
	fflush(stdout);
	child = (struct child){fork(), ends[0]};
	if (child.pid < 0)
		million_die("cannot fork");
	if (child.pid == 0) {
		close(ends[0]);
		if (other >= 0)
			close(other);
		run(ends[1], version, num, port);
		exit(0);
	}
	close(ends[1]);
	return child;
}

static void serve(int control, tern_protocol version, uint32_t num, uint16_t port)
{
	(void)port;
	million_serve(control, version, num);
}

static void order(const struct child *child, enum order order, void *report, size_t len)
{
	char letter = (char)order;

	if (write(child->control, &letter, 1) != 1 || read(child->control, report, len) != (ssize_t)len)
		million_die("a process has ended");
}

static bool finish(const struct child *child)
{
	int status;

	close(child->control);
	return waitpid(child->pid, &status, 0) == child->pid && status == 0;
}

/* ---- what is measured */

static struct server_report ask_server(const struct child *server)
{
	struct server_report r;

	order(server, ORDER_REPORT, &r, sizeof r);
	return r;
}

static void pause_ms(unsigned ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

static void print_pause(const struct server_report *r)
{
	printf("  longest call of next   %.2f ms of CPU, %.2f ms on the clock\n", (double)r->worst_cpu_ns / MS,
	       (double)r->worst_ns / MS);
}

static bool fill(const struct child *server, const struct child *clients)
{
	struct clients_report r;
	struct server_report full;

	order(clients, ORDER_FILL, &r, sizeof r);
	full = ask_server(server);
	printf("  connected              %llu of %llu in %.1f s, %.0f a second, with a record each way\n",
	       (unsigned long long)r.answered, (unsigned long long)r.asked, (double)r.ns / SECOND,
	       (double)r.answered * SECOND / (double)r.ns);
	print_pause(&full);
	printf("  resident               %.3f GB, %.3f GB of heap in use\n", (double)full.resident / SECOND,
	       (double)full.heap / SECOND);
	return r.answered == r.asked && full.peers == r.asked;
}

/* What is kept for peers that may not have heard the end of the handshake goes after 2 MSL. */
static struct server_report settle(const struct child *server)
{
	struct server_report r;

	order(server, ORDER_PASS, &r, sizeof r);
	for (unsigned i = 0; i < SETTLE_S * 10; i++) {
		pause_ms(100);
		r = ask_server(server);
		if (!r.timers)
			break;
	}
	return r;
}

static void print_memory(const struct server_report *full)
{
	double peers = (double)full->peers;

	puts("  five minutes later");
	printf("  resident               %.3f GB: %.0f bytes a connection\n", (double)full->resident / SECOND,
	       (double)(full->resident - full->resident_before) / peers);
	printf("  heap in use            %.3f GB: %.0f bytes a connection\n", (double)full->heap / SECOND,
	       (double)(full->heap - full->heap_before) / peers);
}

static bool rest(const struct child *server, unsigned seconds)
{
	struct server_report r;

	pause_ms(seconds * 1000);
	r = ask_server(server);
	printf("  idle for %3u s         %llu wakeups, %.2f ms of CPU\n", seconds, (unsigned long long)r.wakeups,
	       (double)r.cpu_ns / MS);
	return r.wakeups == 0;
}

static bool speak(const struct child *server, const struct child *clients)
{
	struct clients_report r;
	struct server_report after;

	order(clients, ORDER_SPEAK, &r, sizeof r);
	after = ask_server(server);
	printf("  1 %% speak, new address %llu of %llu answered in %.1f s, %llu paths changed, %.3f GB resident\n",
	       (unsigned long long)r.answered, (unsigned long long)r.asked, (double)r.ns / SECOND,
	       (unsigned long long)after.paths_changed, (double)after.resident / SECOND);
	print_pause(&after);
	return r.answered == r.asked && after.paths_changed == r.asked;
}

static bool expire(const struct child *server, uint64_t num)
{
	struct server_report r;
	uint64_t start = million_now_ns();

	order(server, ORDER_EXPIRE, &r, sizeof r);
	start = million_now_ns() - start;
	printf("  an hour passes at once %llu closed in %.1f s, %.2f us of CPU each\n", (unsigned long long)r.gone_idle,
	       (double)start / SECOND, (double)r.cpu_ns / 1e3 / (double)num);
	print_pause(&r);
	return r.gone_idle == num && r.peers == 0;
}

static bool measure(tern_protocol version, const struct options *o)
{
	struct child server = start(serve, version, o->num, 0, -1), clients;
	struct server_report full;
	bool ok;

	clients = start(million_connect, version, o->num, ask_server(&server).port, server.control);
	printf("DTLS %s\n", version == TERN_DTLS12 ? "1.2" : "1.3");
	ok = fill(&server, &clients);
	full = settle(&server);
	print_memory(&full);
	ok = rest(&server, o->idle_s) && ok;
	ok = speak(&server, &clients) && ok;
	ok = expire(&server, full.peers) && ok;
	ok = finish(&clients) && ok;
	return finish(&server) && ok;
}

static void usage(FILE *to)
{
	fputs("usage: tern-bench-million [--idle SECONDS] [--only 1.2|1.3] [N]\n"
	      "N connections (default 1000000) with connection IDs to one endpoint, then one in a hundred speaks from\n"
	      "another address. Exit status 1: not all were answered, or the idle endpoint did not sleep.\n",
	      to);
}

static bool parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {{"idle", required_argument, NULL, 'i'},
					      {"only", required_argument, NULL, 'o'},
					      {"help", no_argument, NULL, 'h'},
					      {0}};
	unsigned long n;
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c == 'h') {
			usage(stdout);
			exit(0);
		}
		if (c == 'i' && (n = strtoul(optarg, NULL, 10)) > 0 && n <= 3000)
			o->idle_s = (unsigned)n;
		else if (c == 'o' && (strcmp(optarg, "1.2") == 0 || strcmp(optarg, "1.3") == 0))
			o->only = optarg[2] == '2' ? TERN_DTLS12 : TERN_DTLS13;
		else
			return false;
	}
	if (optind == argc)
		return true;
	n = strtoul(argv[optind], NULL, 10);
	o->num = (uint32_t)n;
	return optind + 1 == argc && n > 0 && n <= PEERS_MAX;
}

int main(int argc, char **argv)
{
	struct options o = {.num = 1000000, .idle_s = 10};
	bool ok = true;

	if (!parse(&o, argc, argv)) {
		usage(stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0); /* each line when it is known, into a file too */
	printf("%u connections, PSK, AES-128-GCM, connection IDs of 8 bytes; the clients share the machine\n", o.num);
	for (tern_protocol version = TERN_DTLS12; version >= TERN_DTLS13; version--)
		if (!o.only || o.only == version)
			ok = measure(version, &o) && ok;
	return ok ? 0 : 1;
}
