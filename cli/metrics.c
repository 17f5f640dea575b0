/* metrics.c - GET /metrics, one request a connection and one connection at a time: whoever is slow is left after a
 * second. */
#define _GNU_SOURCE /* accept4 */
#include "metrics.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "commands.h"
#include "options.h"
#include "udp.h"

enum { REQUEST_MAX = 4096, WAITING = 8 };
static const uint64_t PATIENCE_NS = 1000000000;

struct metrics {
	int listener;
	int stop; /* eventfd: readable when it is over */
	bool started;
	pthread_t thread;
	size_t num;
	tern_endpoint *endpoints[];
};

/* ---- The text ---- */

static void sum_up(const struct metrics *metrics, tern_endpoint_counters *sum)
{
	*sum = (tern_endpoint_counters){.size = sizeof *sum};
	for (size_t i = 0; i < metrics->num; i++) {
		tern_endpoint_counters one = {.size = sizeof one};
		tern_endpoint_stats(metrics->endpoints[i], &one);
#define X(name, sentence) sum->name += one.name;
		TERN_ENDPOINT_COUNTERS(X)
#undef X
		sum->peers += one.peers;
		sum->handshakes += one.handshakes;
		for (int drop = 0; drop < TERN_NUM_DROPS; drop++)
			sum->dropped[drop] += one.dropped[drop];
	}
}

static void put_family(FILE *out, const char *name, const char *type, const char *sentence)
{
	fprintf(out, "# HELP tern_%s %s\n# TYPE tern_%s %s\n", name, sentence, name, type);
}

static void put_dropped(FILE *out, const tern_endpoint_counters *sum)
{
	static const char *const reasons[TERN_NUM_DROPS] = {
#define X(name, sentence) #name,
		TERN_DROPS(X)
#undef X
	};

	put_family(out, "dropped_records", "counter",
		   "records dropped, of hellos and of connections that are gone, by reason");
	for (int drop = TERN_DROP_NONE + 1; drop < TERN_NUM_DROPS; drop++) {
		fputs("tern_dropped_records_total{reason=\"", out);
		for (const char *c = reasons[drop]; *c; c++)
			fputc(tolower((unsigned char)*c), out);
		fprintf(out, "\"} %" PRIu64 "\n", sum->dropped[drop]);
	}
}

static void put_counters(FILE *out, const tern_endpoint_counters *sum)
{
	const struct {
		const char *name, *sentence;
		uint64_t value;
	} rows[] = {
#define X(name, sentence) {#name, sentence, sum->name},
		TERN_ENDPOINT_COUNTERS(X)
#undef X
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		put_family(out, rows[i].name, "counter", rows[i].sentence);
		fprintf(out, "tern_%s_total %" PRIu64 "\n", rows[i].name, rows[i].value);
	}
}

static void put_text(FILE *out, const struct metrics *metrics)
{
	tern_endpoint_counters sum;

	sum_up(metrics, &sum);
	put_counters(out, &sum);
	put_dropped(out, &sum);
	put_family(out, "peers", "gauge", "connections there are, unfinished ones among them");
	fprintf(out, "tern_peers %" PRIu64 "\n", sum.peers);
	put_family(out, "handshakes", "gauge", "unfinished handshakes that peers began");
	fprintf(out, "tern_handshakes %" PRIu64 "\n# EOF\n", sum.handshakes);
}

/* ---- HTTP ---- */

/* false: too late, or it is over. */
static bool wait_for(const struct metrics *metrics, int fd, short events, uint64_t until_ns)
{
	struct pollfd fds[] = {{fd, events, 0}, {metrics->stop, POLLIN, 0}};
	uint64_t now_ns = clock_now().mono_ns;
	int ms = until_ns == TERN_NEVER ? -1 : until_ns > now_ns ? (int)((until_ns - now_ns) / 1000000) : 0;

	return poll(fds, 2, ms) > 0 && !fds[1].revents;
}

/* Up to the empty line, into zeros; what follows it is not looked at. */
static bool read_request(const struct metrics *metrics, int fd, char request[REQUEST_MAX + 1], uint64_t until_ns)
{
	size_t len = 0;

	while (len < REQUEST_MAX && !strstr(request, "\r\n\r\n")) {
		if (!wait_for(metrics, fd, POLLIN, until_ns))
			return false;
		ssize_t n = recv(fd, request + len, REQUEST_MAX - len, 0);
		if (n <= 0 && !(n < 0 && (errno == EAGAIN || errno == EINTR)))
			return false;
		len += n > 0 ? (size_t)n : 0;
		request[len] = 0;
	}
	return strstr(request, "\r\n\r\n") != NULL;
}

static bool write_all(const struct metrics *metrics, int fd, const char *text, size_t len, uint64_t until_ns)
{
	while (len > 0) {
		if (!wait_for(metrics, fd, POLLOUT, until_ns))
			return false;
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

static void answer(const struct metrics *metrics, int fd, bool found, uint64_t until_ns)
{
	char head[256], *body = NULL;
	size_t body_len = 0;
	FILE *out = open_memstream(&body, &body_len);

	if (!out)
		return;
	if (found)
		put_text(out, metrics);
	else
		fputs("There is only GET /metrics here.\n", out);
	if (fclose(out) == 0) {
		int len = snprintf(head, sizeof head,
				   "HTTP/1.1 %s\r\nContent-Type: %s; charset=utf-8\r\nContent-Length: %zu\r\n"
				   "Connection: close\r\n\r\n",
				   found ? "200 OK" : "404 Not Found",
				   found ? "application/openmetrics-text; version=1.0.0" : "text/plain", body_len);
		if (write_all(metrics, fd, head, (size_t)len, until_ns))
			(void)write_all(metrics, fd, body, body_len, until_ns);
	}
	free(body);
}

static void serve(const struct metrics *metrics, int fd)
{
	static const char wanted[] = "GET /metrics";
	uint64_t until_ns = clock_now().mono_ns + PATIENCE_NS;
	char request[REQUEST_MAX + 1] = {0};

	if (!read_request(metrics, fd, request, until_ns))
		return;
	char behind = strncmp(request, wanted, sizeof wanted - 1) == 0 ? request[sizeof wanted - 1] : 0;
	answer(metrics, fd, behind == ' ' || behind == '?', until_ns);
}

static void *work(void *user)
{
	const struct metrics *metrics = user;

	while (wait_for(metrics, metrics->listener, POLLIN, TERN_NEVER)) {
		int fd = accept4(metrics->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			serve(metrics, fd);
			close(fd);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			/* It stays readable: look again when something may have changed. */
			(void)wait_for(metrics, -1, 0, clock_now().mono_ns + PATIENCE_NS);
		}
	}
	return NULL;
}

/* ---- Life ---- */

static int open_listener(const struct addrinfo *at)
{
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
	    bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, WAITING) == 0)
		return fd;
	int number = errno;
	close(fd);
	errno = number;
	return -1;
}

static int listen_at(int *fd, const char *text)
{
	struct address bound = {.len = sizeof bound.storage};
	char where[ADDRESS_TEXT];
	struct addrinfo *list;
	int status = address_resolve(&list, "--metrics", text, true), number = EADDRNOTAVAIL;

	if (status != OPTIONS_GO)
		return status;
	for (const struct addrinfo *a = list; a && *fd < 0; a = a->ai_next) {
		*fd = open_listener(a);
		number = errno;
	}
	freeaddrinfo(list);
	if (*fd < 0 || getsockname(*fd, (struct sockaddr *)&bound.storage, &bound.len) != 0)
		return complain("--metrics %s: cannot listen there: %s", text, strerror(number));
	address_text(where, &bound);
	fprintf(stderr, "metrics at http://%s/metrics\n", where);
	return OPTIONS_GO;
}

int metrics_open(struct metrics **out, const char *text, tern_endpoint *const endpoints[], size_t num)
{
	struct metrics *metrics = calloc(1, sizeof *metrics + num * sizeof(tern_endpoint *));

	if (!metrics)
		return complain("out of memory");
	*out = metrics;
	metrics->listener = -1;
	metrics->num = num;
	for (size_t i = 0; i < num; i++)
		metrics->endpoints[i] = endpoints[i];
	metrics->stop = eventfd(0, EFD_CLOEXEC);
	if (metrics->stop < 0)
		return complain("--metrics %s: %s", text, strerror(errno));
	int status = listen_at(&metrics->listener, text);
	if (status != OPTIONS_GO)
		return status;
	metrics->started = pthread_create(&metrics->thread, NULL, work, metrics) == 0;
	return metrics->started ? OPTIONS_GO : complain("--metrics %s: cannot start a thread", text);
}

void metrics_close(struct metrics *metrics)
{
	if (!metrics)
		return;
	if (metrics->started && eventfd_write(metrics->stop, 1) == 0)
		pthread_join(metrics->thread, NULL);
	if (metrics->listener >= 0)
		close(metrics->listener);
	if (metrics->stop >= 0)
		close(metrics->stop);
	free(metrics);
}
