/* A chat with a server through the endpoint in a loop of the application's own, here poll: lines of stdin go out, what
 * comes back is printed.
 *
 *     cc -o endpoint_poll endpoint_poll.c $(pkg-config --cflags --libs tern)
 *     ./endpoint_poll 127.0.0.1:4444 cert.pem */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <tern/endpoint.h>
#include <time.h>
#include <unistd.h>

static void check(tern_error error)
{
	if (error == TERN_OK)
		return;
	fprintf(stderr, "endpoint_poll: %s\n", tern_error_sentence(error));
	exit(1);
}

/* What poll wants to hear of the endpoint's deadline. */
static int milliseconds_until(uint64_t deadline_ns)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	uint64_t now = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	if (deadline_ns == TERN_NEVER)
		return -1;
	return deadline_ns > now ? (int)((deadline_ns - now) / 1000000) + 1 : 0;
}

int main(int argc, char **argv)
{
	static char ca[16384], line[1024];
	tern_dial_options dial = {.size = sizeof dial, .server_name = "localhost"};
	tern_config *config = tern_config_new(NULL);
	tern_endpoint *endpoint;
	tern_endpoint_event event;
	tern_peer server;
	bool connected = false;
	FILE *file = argc == 3 ? fopen(argv[2], "rb") : NULL;
	if (!file || !tern_endpoint_parse(&dial.remote, argv[1])) {
		fprintf(stderr, "usage: endpoint_poll ADDRESS:PORT TRUSTED.pem\n");
		return 2;
	}
	check(tern_config_add_trust(config, ca, fread(ca, 1, sizeof ca, file)));
	fclose(file);
	check(tern_endpoint_open(&endpoint, config, NULL));
	check(tern_endpoint_dial(endpoint, &server, &dial));
	for (;;) {
		struct pollfd fds[] = {{tern_endpoint_fd(endpoint), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
		poll(fds, connected ? 2 : 1, milliseconds_until(tern_endpoint_deadline(endpoint)));
		if (fds[1].revents) {
			ssize_t n = read(STDIN_FILENO, line, sizeof line);
			if (n <= 0)
				tern_endpoint_close(endpoint, server);
			else
				check(tern_endpoint_send(endpoint, server, line, (size_t)n));
		}
		check(tern_endpoint_run(endpoint, 0));
		while (tern_endpoint_next(endpoint, &event), event.kind != TERN_ENDPOINT_NONE) {
			if (event.kind == TERN_ENDPOINT_GONE) {
				fprintf(stderr, "%s\n", tern_gone_sentence(event.reason));
				tern_endpoint_free(endpoint);
				tern_config_free(config);
				return event.reason != TERN_GONE_CLOSED && event.reason != TERN_GONE_CLOSED_BY_PEER;
			}
			connected = connected || event.event.kind == TERN_EVENT_CONNECTED;
			if (event.event.kind == TERN_EVENT_DATA)
				fwrite(event.event.data, 1, event.event.len, stdout);
		}
		fflush(stdout);
	}
}
