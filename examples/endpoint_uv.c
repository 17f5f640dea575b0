/* The echo server in a libuv loop: the loop watches the endpoint's descriptor and keeps its deadline.
 *
 *     cc -o endpoint_uv endpoint_uv.c $(pkg-config --cflags --libs tern libuv)
 *     ./endpoint_uv 127.0.0.1:4444 cert.pem key.pem */
#include <stdio.h>
#include <stdlib.h>
#include <tern/endpoint.h>
#include <uv.h>

struct server {
	tern_endpoint *endpoint;
	uv_poll_t ready;
	uv_timer_t timer;
};

static void check(tern_error error)
{
	if (error == TERN_OK)
		return;
	fprintf(stderr, "endpoint_uv: %s\n", tern_error_sentence(error));
	exit(1);
}

static void on_timer(uv_timer_t *timer);

static void serve(struct server *server)
{
	tern_endpoint_event event;
	uint64_t deadline, now = uv_hrtime(); /* CLOCK_MONOTONIC, as the endpoint's */
	check(tern_endpoint_run(server->endpoint, 0));
	while (tern_endpoint_next(server->endpoint, &event), event.kind != TERN_ENDPOINT_NONE)
		if (event.kind == TERN_ENDPOINT_EVENT && event.event.kind == TERN_EVENT_DATA &&
		    tern_endpoint_send(server->endpoint, event.peer, event.event.data, event.event.len) != TERN_OK)
			fprintf(stderr, "not sent back\n");
	deadline = tern_endpoint_deadline(server->endpoint);
	uv_timer_stop(&server->timer);
	if (deadline != TERN_NEVER)
		uv_timer_start(&server->timer, on_timer, deadline > now ? (deadline - now) / 1000000 + 1 : 0, 0);
}

static void on_timer(uv_timer_t *timer)
{
	serve(timer->data);
}

static void on_ready(uv_poll_t *handle, int status, int events)
{
	(void)status, (void)events;
	serve(handle->data);
}

static size_t read_file(const char *name, char *buffer, size_t cap)
{
	FILE *file = fopen(name, "rb");
	size_t n = file ? fread(buffer, 1, cap, file) : 0;
	if (!file)
		perror(name), exit(1);
	fclose(file);
	return n;
}

int main(int argc, char **argv)
{
	static char cert[16384], key[16384];
	struct server server;
	tern_config *config = tern_config_new(NULL);
	tern_address listen;
	tern_endpoint_options options = {.size = sizeof options, .listen = &listen, .num_listen = 1};
	if (argc != 4 || !tern_endpoint_parse(&listen, argv[1])) {
		fprintf(stderr, "usage: endpoint_uv ADDRESS:PORT CERTIFICATE.pem KEY.pem\n");
		return 2;
	}
	size_t cert_len = read_file(argv[2], cert, sizeof cert), key_len = read_file(argv[3], key, sizeof key);
	check(tern_config_add_keypair(config, cert, cert_len, key, key_len));
	check(tern_endpoint_open(&server.endpoint, config, &options));
	uv_poll_init(uv_default_loop(), &server.ready, tern_endpoint_fd(server.endpoint));
	uv_timer_init(uv_default_loop(), &server.timer);
	server.ready.data = server.timer.data = &server;
	uv_poll_start(&server.ready, UV_READABLE, on_ready);
	return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
