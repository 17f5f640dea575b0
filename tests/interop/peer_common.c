/* The command line, the UDP link and the conversation of every foreign peer. */
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ECHO_WAIT_MS 500 /* a line whose echo is later than this is sent again */
#define LINGER_MS 1500 /* how long a client that may be asked for its certificate stays */
#define ECHO_TRIES 60 /* so often */
#define RECORD_MAX 16384 /* the largest plaintext of a record, RFC 5246 6.2.1 */

static void say(const char *format, va_list arguments)
{
	fputs("peer: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
}

enum status peer_failed(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
	return PEER_FAILED;
}

enum status peer_cannot(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
	return PEER_CANNOT;
}

uint64_t peer_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- the link */

static bool same(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
	return a->sin_port == b->sin_port && a->sin_addr.s_addr == b->sin_addr.s_addr;
}

/* A plaintext handshake record of epoch 0 with a ClientHello in it. */
static bool is_client_hello(const uint8_t *datagram, ssize_t len)
{
	return len > 13 && datagram[0] == 22 && datagram[3] == 0 && datagram[4] == 0 && datagram[13] == 1;
}

static bool readable(int fd, int timeout_ms)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	return poll(&ready, 1, timeout_ms) > 0;
}

int link_recv(struct link *link, void *datagram, size_t cap, int timeout_ms)
{
	uint64_t end = peer_now_ms() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0);
	for (;;) {
		uint64_t now = peer_now_ms();
		if (link->replaced)
			return LINK_REPLACED;
		if (!readable(link->fd, now < end ? (int)(end - now) : 0))
			return LINK_TIMEOUT;
		uint8_t head[14];
		struct sockaddr_in from;
		socklen_t from_len = sizeof from;
		ssize_t n = recvfrom(link->fd, head, sizeof head, MSG_PEEK, (struct sockaddr *)&from, &from_len);
		bool ours = n >= 0 && (!link->server || same(&from, &link->peer));
		if (!ours && is_client_hello(head, n) && !same(&from, &link->previous)) {
			link->replaced = true;
			return LINK_REPLACED;
		}
		n = recv(link->fd, datagram, cap, 0);
		if (ours && n >= 0)
			return (int)n;
	}
}

int link_peek(struct link *link, int timeout_ms)
{
	return readable(link->fd, timeout_ms);
}

void link_send(struct link *link, const void *datagram, size_t len)
{
	/* What the kernel refuses is lost, as on any network. */
	(void)!sendto(link->fd, datagram, len, 0, (const struct sockaddr *)&link->peer, sizeof link->peer);
}

static enum status link_open(struct link *link, const struct options *options)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	memset(link, 0, sizeof *link);
	link->server = options->server;
	link->fd = socket(AF_INET, SOCK_DGRAM, 0);
	address.sin_port = options->server ? htons(options->port) : 0;
	if (link->fd < 0 || bind(link->fd, (struct sockaddr *)&address, sizeof address) != 0)
		return peer_failed("cannot bind port %u: %s", options->port, strerror(errno));
	link->peer = address;
	link->peer.sin_port = options->server ? 0 : htons(options->port);
	return PEER_OK;
}

/* Waits for a ClientHello from a new address and leaves it in the socket. */
static enum status link_accept(struct link *link, int timeout_ms)
{
	uint8_t head[14];
	link->previous = link->peer;
	link->replaced = false;
	for (;;) {
		socklen_t len = sizeof link->peer;
		if (!readable(link->fd, timeout_ms))
			return PEER_TIMEOUT;
		ssize_t n = recvfrom(link->fd, head, sizeof head, MSG_PEEK, (struct sockaddr *)&link->peer, &len);
		if (is_client_hello(head, n) && !same(&link->peer, &link->previous))
			return PEER_OK;
		(void)!recv(link->fd, head, sizeof head, 0);
	}
}

/* ---- the conversation */

static void print_line(const char *line)
{
	puts(line);
	fflush(stdout);
}

static void print_number(const char *word, unsigned number)
{
	printf("%s %u\n", word, number);
	fflush(stdout);
}

/* Until the other side closes, or is silent for as long as the whole conversation may take: its close_notify is lost.
 */
static enum status echo_until_closed(const struct library *library, const struct options *options)
{
	static uint8_t record[RECORD_MAX];
	unsigned echoed = 0;
	for (;;) {
		size_t len;
		enum status status = library->recv(record, sizeof record, &len, (int)options->timeout_s * 1000);
		if (status == PEER_CLOSED || status == PEER_TIMEOUT)
			return PEER_OK;
		echoed += status == PEER_OK;
		if (status == PEER_OK && options->key_update && echoed == options->lines)
			status = library->update();
		if (status == PEER_OK && options->post_auth && echoed == 2)
			status = library->request();
		if (status == PEER_OK)
			status = library->send(record, len);
		if (status != PEER_OK)
			return status;
	}
}

static enum status serve(const struct library *library, const struct options *options)
{
	struct link link;
	socklen_t len = sizeof link.peer;
	enum status status = link_open(&link, options);
	if (status != PEER_OK)
		return status;
	struct sockaddr_in local;
	getsockname(link.fd, (struct sockaddr *)&local, &len);
	print_number("ready", ntohs(local.sin_port));

	unsigned served = 0;
	while (status == PEER_OK && served < options->count) {
		bool resumed = false;
		status = link_accept(&link, (int)options->timeout_s * 1000);
		if (status == PEER_OK)
			status = library->handshake(&link, &resumed);
		if (status == PEER_OK) {
			served++;
			print_line(resumed ? "resumed" : "connected");
			status = echo_until_closed(library, options);
			if (options->post_auth && status == PEER_OK)
				print_line(library->proved() ? "authenticated" : "not authenticated");
		} else if (link.replaced) {
			status = PEER_OK; /* the client gave up and came again */
		}
		library->close();
	}
	close(link.fd);
	return status;
}

/* Sends one line until its echo comes. Echoes of earlier lines may come late and twice. */
static enum status ping(const struct library *library, unsigned number)
{
	char line[32], answer[RECORD_MAX];
	size_t line_len = (size_t)snprintf(line, sizeof line, "ping-%u\n", number), len;
	for (int try = 0; try < ECHO_TRIES; try++) {
		enum status status = library->send(line, line_len);
		uint64_t end = peer_now_ms() + ECHO_WAIT_MS;
		while (status == PEER_OK && peer_now_ms() < end) {
			status = library->recv(answer, sizeof answer, &len, (int)(end - peer_now_ms()));
			if (status == PEER_OK && len == line_len && memcmp(answer, line, len) == 0)
				return PEER_OK;
			if (status == PEER_OK && (len < 6 || memcmp(answer, "ping-", 5) != 0))
				return peer_failed("an answer that is no echo");
		}
		if (status == PEER_CLOSED)
			return peer_failed("closed before the echo of line %u", number);
		if (status != PEER_OK && status != PEER_TIMEOUT)
			return status;
	}
	return peer_failed("no echo of line %u", number);
}

/* The server's request may have got lost on its way: it shall find the client still there. */
static enum status linger(const struct library *library)
{
	char late[RECORD_MAX];
	uint64_t end = peer_now_ms() + LINGER_MS;
	size_t len;
	while (peer_now_ms() < end) {
		enum status status = library->recv(late, sizeof late, &len, (int)(end - peer_now_ms()));
		if (status != PEER_OK && status != PEER_TIMEOUT)
			return status;
	}
	return PEER_OK;
}

static enum status talk(const struct library *library, const struct options *options, bool *resumed)
{
	struct link link;
	enum status status = link_open(&link, options);
	if (status == PEER_OK)
		status = library->handshake(&link, resumed);
	for (unsigned i = 1; status == PEER_OK && i <= options->lines; i++) {
		if (options->key_update && i == options->lines)
			status = library->update();
		if (status == PEER_OK)
			status = ping(library, i);
	}
	if (options->post_auth && status == PEER_OK)
		status = linger(library);
	library->close();
	close(link.fd);
	if (status == PEER_OK)
		print_number("ok", options->lines);
	return status;
}

static enum status call(const struct library *library, const struct options *options)
{
	bool resumed = false;
	enum status status = talk(library, options, &resumed);
	if (status != PEER_OK || options->resume == RESUME_NONE)
		return status;
	status = talk(library, options, &resumed);
	if (status == PEER_OK && !resumed)
		return peer_failed("the second association did not resume the session");
	if (status == PEER_OK)
		print_line("resumed");
	return status;
}

/* ---- the command line */

static bool parse_psk(struct options *options, char *text)
{
	char *hex = strrchr(text, ':');
	if (!hex || strlen(hex + 1) % 2 != 0 || strlen(hex + 1) / 2 > sizeof options->psk)
		return false;
	*hex++ = '\0';
	options->psk_identity = text;
	for (; *hex; hex += 2) {
		unsigned byte;
		if (sscanf(hex, "%2x", &byte) != 1)
			return false;
		options->psk[options->psk_len++] = (uint8_t)byte;
	}
	return options->psk_len > 0;
}

static bool parse_number(unsigned *number, const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);
	*number = (unsigned)value;
	return *text != '\0' && *end == '\0' && value <= 65535;
}

static const struct option long_options[] = {
	{"port", required_argument, NULL, 'p'},
	{"cert", required_argument, NULL, 'c'},
	{"key", required_argument, NULL, 'k'},
	{"ca", required_argument, NULL, 'a'},
	{"psk", required_argument, NULL, 'P'},
	{"suite", required_argument, NULL, 's'},
	{"mtu", required_argument, NULL, 'm'},
	{"resume", required_argument, NULL, 'r'},
	{"name", required_argument, NULL, 'n'},
	{"timeout", required_argument, NULL, 't'},
	{"count", required_argument, NULL, 'C'},
	{"lines", required_argument, NULL, 'l'},
	{"cookie", no_argument, NULL, 'y'},
	{"no-cookie", no_argument, NULL, 'Y'},
	{"require-client-cert", no_argument, NULL, 'R'},
	{"dtls", required_argument, NULL, 'd'},
	{"groups", required_argument, NULL, 'g'},
	{"key-update", no_argument, NULL, 'u'},
	{"cid", required_argument, NULL, 'i'},
	{"post-auth", no_argument, NULL, 'A'},
	{0},
};

static bool parse_option(struct options *options, int option)
{
	unsigned port;
	switch (option) {
	case 'p':
		if (!parse_number(&port, optarg))
			return false;
		options->port = (uint16_t)port;
		return true;
	case 'c':
		options->cert = optarg;
		return true;
	case 'k':
		options->key = optarg;
		return true;
	case 'a':
		options->ca = optarg;
		return true;
	case 's':
		options->suite = optarg;
		return true;
	case 'n':
		options->name = optarg;
		return true;
	case 'r':
		options->resume = strcmp(optarg, "id") == 0 ? RESUME_ID : RESUME_TICKET;
		return strcmp(optarg, "id") == 0 || strcmp(optarg, "ticket") == 0;
	case 'P':
		return parse_psk(options, optarg);
	case 'm':
		return parse_number(&options->mtu, optarg);
	case 't':
		return parse_number(&options->timeout_s, optarg);
	case 'C':
		return parse_number(&options->count, optarg);
	case 'l':
		return parse_number(&options->lines, optarg);
	case 'y':
	case 'Y':
		options->cookie = option == 'y';
		return true;
	case 'R':
		options->require_client_cert = true;
		return true;
	case 'd':
		options->dtls13 = strcmp(optarg, "1.3") == 0;
		return options->dtls13 || strcmp(optarg, "1.2") == 0;
	case 'g':
		options->groups = optarg;
		return true;
	case 'i':
		options->cid = true;
		return parse_number(&options->cid_len, optarg);
	case 'u':
		options->key_update = true;
		return true;
	case 'A':
		options->post_auth = true;
		return true;
	default:
		return false;
	}
}

static bool parse(struct options *options, int argc, char **argv)
{
	int option;
	*options = (struct options){
		.cookie = true, .name = "localhost", .mtu = 1400, .timeout_s = 30, .count = 1, .lines = 3};
	if (argc < 2 || (strcmp(argv[1], "server") != 0 && strcmp(argv[1], "client") != 0))
		return false;
	options->server = strcmp(argv[1], "server") == 0;
	while ((option = getopt_long(argc - 1, argv + 1, "", long_options, NULL)) != -1) {
		if (!parse_option(options, option))
			return false;
	}
	return options->suite && (options->port != 0 || options->server);
}

int peer_main(int argc, char **argv, const struct library *library)
{
	static struct options options; /* the libraries' callbacks keep pointers to it */
	if (argc == 2 && strcmp(argv[1], "version") == 0) {
		puts(library->version());
		return 0;
	}
	if (!parse(&options, argc, argv)) {
		fprintf(stderr, "usage: %s server|client --port P --suite NAME ... (see peer.h)\n", argv[0]);
		return 2;
	}
	/* The bound that holds whatever the library does. */
	alarm(options.timeout_s + 5);
	bool newer = options.dtls13 || options.groups || options.key_update;
	enum status status = newer && !library->update ? peer_cannot("it has no DTLS 1.3") : PEER_OK;
	if (options.post_auth && !library->request)
		status = peer_cannot("it has no authentication after the handshake");
	if (status == PEER_OK)
		status = library->setup(&options);
	if (status == PEER_OK)
		status = options.server ? serve(library, &options) : call(library, &options);
	if (status == PEER_TIMEOUT)
		fprintf(stderr, "peer: nobody came in %u s\n", options.timeout_s);
	if (status == PEER_CLOSED)
		fprintf(stderr, "peer: closed by the other side\n");
	return status == PEER_OK ? 0 : status == PEER_CANNOT ? 77 : 1;
}
