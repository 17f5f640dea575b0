/* The server: an endpoint, and a look at its own memory and time. */
#include "endpoint/endpoint.h"

#include <malloc.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "million.h"

static const uint64_t MS_NS = 1000000;

struct server {
	tern_endpoint *endpoint;
	int control;
	uint64_t resident_before, heap_before;
	uint64_t wakeups, worst_cpu_ns, worst_ns, told_cpu_ns;
};

static uint64_t shift_ns; /* what has passed at once */

static void shifted_clock(tern_time *now)
{
	io_batch.clock(now);
	now->mono_ns += shift_ns;
	now->unix_s += (int64_t)(shift_ns / 1000 / MS_NS);
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000 * MS_NS + (uint64_t)t.tv_nsec;
}

static uint64_t resident(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	if (!file || fscanf(file, "%*u %lu", &pages) != 1)
		million_die("cannot read /proc/self/statm");
	fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Walks all that is free. */
static uint64_t heap_in_use(void)
{
	struct mallinfo2 heap = mallinfo2();

	return heap.uordblks + heap.hblkhd;
}

static void next(struct server *server, tern_endpoint_event *event)
{
	uint64_t cpu = cpu_ns(), wall = million_now_ns();

	tern_endpoint_next(server->endpoint, event);
	wall = million_now_ns() - wall;
	cpu = cpu_ns() - cpu;
	server->worst_cpu_ns = cpu > server->worst_cpu_ns ? cpu : server->worst_cpu_ns;
	server->worst_ns = wall > server->worst_ns ? wall : server->worst_ns;
}

static void answer(struct server *server, tern_peer peer)
{
	tern_error error = tern_endpoint_send(server->endpoint, peer, "heard", 5);

	if (error == TERN_WOULD_BLOCK)
		return; /* it asks again */
	million_ok(error, "an answer");
}

static void work(struct server *server)
{
	tern_endpoint_event event;

	million_ok(tern_endpoint_run(server->endpoint, 0), "run");
	while (next(server, &event), event.kind != TERN_ENDPOINT_NONE) {
		if (event.kind != TERN_ENDPOINT_EVENT)
			continue;
		/* What was answered before the new address was believed went to the old one. */
		if (event.event.kind == TERN_EVENT_DATA ||
		    (event.event.kind == TERN_EVENT_PATH && event.event.path_event == TERN_PATH_CHANGED))
			answer(server, event.peer);
	}
}

static void report(struct server *server)
{
	tern_endpoint_counters counters = {.size = sizeof counters};
	struct server_report r = {.resident = resident(), .cpu_ns = cpu_ns() - server->told_cpu_ns};
	tern_address bound;

	r.heap = heap_in_use();
	r.resident_before = server->resident_before;
	r.heap_before = server->heap_before;
	if (!tern_endpoint_bound(server->endpoint, &bound, 0))
		million_die("not bound");
	r.port = (uint16_t)(bound.bytes[4] << 8 | bound.bytes[5]);
	tern_endpoint_stats(server->endpoint, &counters);
	r.peers = counters.peers;
	r.handshakes_failed = counters.handshakes_failed;
	r.paths_changed = counters.paths_changed;
	r.gone_idle = counters.gone_idle;
	r.timers = server->endpoint->num_timers;
	r.wakeups = server->wakeups;
	r.worst_ns = server->worst_ns;
	r.worst_cpu_ns = server->worst_cpu_ns;
	if (write(server->control, &r, sizeof r) != (ssize_t)sizeof r)
		million_die("cannot report");
	server->wakeups = server->worst_ns = server->worst_cpu_ns = 0;
	server->told_cpu_ns = cpu_ns();
}

static void expire(struct server *server)
{
	tern_endpoint_counters counters = {.size = sizeof counters, .peers = 1};

	shift_ns += IDLE_NS;
	while (counters.peers) {
		work(server);
		tern_endpoint_stats(server->endpoint, &counters);
	}
	report(server);
}

static int timeout_ms(const tern_endpoint *endpoint)
{
	uint64_t deadline = tern_endpoint_deadline(endpoint);
	tern_time now;

	shifted_clock(&now);
	if (deadline == TERN_NEVER)
		return -1;
	deadline = deadline > now.mono_ns ? (deadline - now.mono_ns + MS_NS - 1) / MS_NS : 0;
	return deadline < INT32_MAX ? (int)deadline : INT32_MAX;
}

static void loop(struct server *server)
{
	struct pollfd fds[] = {{.fd = tern_endpoint_fd(server->endpoint), .events = POLLIN},
			       {.fd = server->control, .events = POLLIN}};
	char order;

	for (;;) {
		int ready = poll(fds, 2, timeout_ms(server->endpoint));
		if (fds[0].revents || ready == 0) {
			server->wakeups++;
			work(server);
		}
		if (!fds[1].revents)
			continue;
		if (read(server->control, &order, 1) != 1)
			return;
		shift_ns += order == ORDER_PASS ? PASS_NS : 0;
		if (order == ORDER_EXPIRE)
			expire(server);
		else
			report(server);
	}
}

void million_serve(int control, tern_protocol version, uint32_t num)
{
	tern_config *config = million_config(version);
	struct io io = {io_batch.send, io_batch.receive, shifted_clock};
	struct server server = {.control = control, .resident_before = resident(), .heap_before = heap_in_use()};
	tern_address at;
	tern_endpoint_options options = {.size = sizeof options,
					 .listen = &at,
					 .num_listen = 1,
					 .cids = true,
					 .max_peers = num,
					 .idle_ns = IDLE_NS};

	/* Or glibc's malloc puts small blocks by, and when a large one is wanted joins all of them at once. */
	mallopt(M_MXFAST, 0);
	if (!tern_endpoint_parse(&at, "127.0.0.1:0"))
		million_die("no address");
	million_ok(tern_endpoint_open(&server.endpoint, config, &options), "open");
	server.endpoint->io = &io;
	loop(&server);
	tern_endpoint_free(server.endpoint);
	tern_config_free(config);
}
