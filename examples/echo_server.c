/* Answers one client after the other on UDP port 4444 of loopback with what it sent; the cookie keeps spoofers out.
 *
 *     cc -o echo_server echo_server.c $(pkg-config --cflags --libs tern)
 *     ./echo_server 4444 cert.pem key.pem */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <tern/tern.h>
#include <time.h>

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
	fprintf(stderr, "echo_server: %s\n", tern_error_sentence(error));
	exit(1);
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

/* Whatever the datagram contains; false when the connection is over. */
static bool serve(tern_conn *conn, int fd, const struct sockaddr_in *peer, uint8_t *in, size_t n)
{
	static uint8_t out[2048];
	tern_event event = {.kind = TERN_EVENT_NONE};
	tern_error error = tern_conn_feed(conn, in, n, NULL, now());
	while (error == TERN_OK && (error = tern_conn_next(conn, &event, now())) == TERN_OK) {
		if (event.kind == TERN_EVENT_NONE || event.kind == TERN_EVENT_CLOSED)
			break;
		if (event.kind == TERN_EVENT_DATA &&
		    tern_conn_seal(conn, out, sizeof out, &n, event.data, event.len, now()) == TERN_OK)
			sendto(fd, out, n, 0, (const struct sockaddr *)peer, sizeof *peer);
	}
	while (tern_conn_take(conn, out, sizeof out, &n, now()) == TERN_OK && n > 0)
		sendto(fd, out, n, 0, (const struct sockaddr *)peer, sizeof *peer);
	return error == TERN_OK && event.kind != TERN_EVENT_CLOSED;
}

int main(int argc, char **argv)
{
	static uint8_t in[65536], reply[2048];
	static char cert[16384], key[16384];
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, peer = {0}, from;
	struct pollfd fd = {.fd = socket(AF_INET, SOCK_DGRAM, 0), .events = POLLIN};
	tern_config *config = tern_config_new(NULL);
	tern_pool *pool;
	tern_conn *conn = NULL;
	if (argc != 4)
		return fprintf(stderr, "usage: echo_server PORT CERT.pem KEY.pem\n"), 2;
	at.sin_port = htons((uint16_t)atoi(argv[1]));
	if (bind(fd.fd, (struct sockaddr *)&at, sizeof at) != 0)
		return perror("bind"), 1;
	check(tern_config_add_keypair(config, cert, read_file(argv[2], cert, sizeof cert), key,
				      read_file(argv[3], key, sizeof key)));
	check(tern_pool_new(&pool, config));
	for (;;) {
		uint64_t deadline = conn ? tern_conn_deadline(conn) : TERN_NEVER, t = now().mono_ns;
		poll(&fd, 1, deadline == TERN_NEVER ? -1 : deadline > t ? (int)((deadline - t) / 1000000) + 1 : 0);
		socklen_t from_len = sizeof from;
		ssize_t got = recvfrom(fd.fd, in, sizeof in, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
		bool alive = conn && tern_conn_tick(conn, now()) == TERN_OK;
		bool known = conn && memcmp(&from, &peer, sizeof peer) == 0;
		if (got > 0 && !known) {
			/* A stranger: no state until it has shown that it receives what we send to its address. */
			tern_verdict verdict;
			size_t reply_len;
			tern_path path = {.remote = {.len = 6}};
			memcpy(path.remote.bytes, &from.sin_addr, 4);
			memcpy(path.remote.bytes + 4, &from.sin_port, 2);
			check(tern_listen(pool, &verdict, reply, sizeof reply, &reply_len, in, (size_t)got, &path,
					  now()));
			if (verdict.kind == TERN_VERDICT_REPLY)
				sendto(fd.fd, reply, reply_len, 0, (struct sockaddr *)&from, sizeof from);
			if (verdict.kind != TERN_VERDICT_ACCEPT)
				continue;
			tern_conn_free(conn);
			check(tern_accept(&conn, pool, &verdict, &path, now()));
			peer = from;
			alive = true;
		}
		if (alive && !serve(conn, fd.fd, &peer, in, got > 0 ? (size_t)got : 0)) {
			tern_conn_free(conn);
			conn = NULL;
		}
	}
}
