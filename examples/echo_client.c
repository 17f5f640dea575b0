/* Sends one line to a DTLS server and prints the answer.
 *
 *     cc -o echo_client echo_client.c $(pkg-config --cflags --libs tern)
 *     ./echo_client 4444 cert.pem "hello"        (tern server --listen 4444 --cert cert.pem --key key.pem --echo) */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <tern/tern.h>
#include <time.h>
#include <unistd.h>

static tern_time now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (tern_time){(uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec, time(NULL)};
}

static void check(tern_error error)
{
	if (error == TERN_OK)
		return;
	fprintf(stderr, "echo_client: %s\n", tern_error_sentence(error));
	exit(1);
}

int main(int argc, char **argv)
{
	static uint8_t in[65536], out[2048];
	char ca[16384];
	size_t n, ca_len;
	tern_config *config = tern_config_new(NULL);
	tern_pool *pool;
	tern_conn *conn;
	tern_event event;
	tern_client_options options = {.size = sizeof options, .server_name = "localhost"};
	struct sockaddr_in server = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	FILE *file = argc == 4 ? fopen(argv[2], "rb") : NULL;
	if (!file) {
		fprintf(stderr, "usage: echo_client PORT TRUSTED.pem TEXT\n");
		return 2;
	}
	ca_len = fread(ca, 1, sizeof ca, file);
	fclose(file);
	server.sin_port = htons((uint16_t)atoi(argv[1]));
	struct pollfd fd = {.fd = socket(AF_INET, SOCK_DGRAM, 0), .events = POLLIN};
	if (connect(fd.fd, (struct sockaddr *)&server, sizeof server) != 0)
		return perror("connect"), 1;

	check(tern_config_add_trust(config, ca, ca_len));
	check(tern_pool_new(&pool, config));
	check(tern_client(&conn, pool, &options, now()));
	for (bool answered = false; !answered;) {
		while (check(tern_conn_take(conn, out, sizeof out, &n, now())), n > 0)
			send(fd.fd, out, n, 0);
		uint64_t deadline = tern_conn_deadline(conn), t = now().mono_ns;
		poll(&fd, 1, deadline == TERN_NEVER ? 5000 : deadline > t ? (int)((deadline - t) / 1000000) + 1 : 0);
		check(tern_conn_tick(conn, now()));
		ssize_t got = recv(fd.fd, in, sizeof in, MSG_DONTWAIT);
		if (got <= 0)
			continue;
		check(tern_conn_feed(conn, in, (size_t)got, NULL, now()));
		while (check(tern_conn_next(conn, &event, now())), event.kind != TERN_EVENT_NONE) {
			if (event.kind == TERN_EVENT_CONNECTED) {
				check(tern_conn_seal(conn, out, sizeof out, &n, (uint8_t *)argv[3], strlen(argv[3]),
						     now()));
				send(fd.fd, out, n, 0);
			} else if (event.kind == TERN_EVENT_DATA) {
				printf("%.*s\n", (int)event.len, (char *)event.data);
				answered = true;
			}
		}
	}
	check(tern_conn_close(conn, now()));
	check(tern_conn_take(conn, out, sizeof out, &n, now()));
	send(fd.fd, out, n, 0);
	tern_conn_free(conn);
	tern_pool_free(pool);
	tern_config_free(config);
	return 0;
}
