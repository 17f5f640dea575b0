/* client.c - tern client: one connection; lines of stdin become records, records go to stdout. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "files.h"
#include "options.h"
#include "report.h"
#include "setup.h"
#include "udp.h"

enum { INPUT_MAX = 65536, BATCH = 64, FLIGHT_MAX = 1024, DEFAULT_LINGER_MS = 500 };
static const uint64_t MS_NS = 1000000;

struct client {
	struct party party; /* first: what the trace names */
	const struct options *options;
	struct report report;
	struct setup setup;
	struct export_request export;
	char host[256];
	struct file session, early;
	size_t early_at; /* bytes of early that were sent */
	tern_conn *conn;
	int fd;
	bool connected, closed, over, input_ended, early_waits;
	bool more_addresses, try_next; /* refused, and there is another address */
	bool told_split, told_size;
	int status; /* to exit with, once over */
	uint64_t linger_until_ns;
	size_t num_input;
	uint8_t input[INPUT_MAX], datagram[DATAGRAM_MAX];
};

#define FIELD(name) offsetof(struct options, name)

static const struct option_row client_rows[] = {
	{"ca", OPTION_TEXTS, FIELD(ca), "FILE", "trust these CA certificates (default: the system's)", 0, 0},
	{"fingerprint", OPTION_TEXTS, FIELD(fingerprint), "TEXT", "accept this certificate: sha-256:HEX", 0, 0},
	{"insecure", OPTION_FLAG, FIELD(insecure), NULL, "accept any certificate: anyone can listen in", 0, 0},
	{"name", OPTION_TEXT, FIELD(server_name), "NAME", "the server's name (default: the host in ADDR)", 0, 0},
	{"cert", OPTION_TEXTS, FIELD(cert), "FILE", "client certificate, PEM", 0, 0},
	{"key", OPTION_TEXTS, FIELD(key), "FILE", "its private key, PEM", 0, 0},
	{"post-auth", OPTION_FLAG, FIELD(post_auth), NULL, "show it after the handshake too, if the server asks", 0, 0},
	{"psk", OPTION_TEXTS, FIELD(psk), "ID:HEX", "pre-shared key", 0, 0},
	{"psk-import", OPTION_FLAG, FIELD(psk_import), NULL, "import the PSKs for DTLS 1.3 (RFC 9258)", 0, 0},
	{"psk-context", OPTION_TEXT, FIELD(psk_context), "TEXT", "what they are imported for; both sides say the same",
	 0, 0},
	{"psk-hash", OPTION_TEXT, FIELD(psk_hash), "NAME", "the hash they were made for: sha256 (default) or sha384", 0,
	 0},
	{"session", OPTION_TEXT, FIELD(session), "FILE", "resume the session in FILE; keep the new one there", 0, 0},
	{"early-data", OPTION_TEXT, FIELD(early_file), "FILE",
	 "send its lines first, with the hello if the session allows it (0-RTT: others may repeat it)", 0, 0},
	{"linger", OPTION_NUMBER, FIELD(linger_ms), "MS", "wait for answers after the input ends (500)", 0, 3600000},
	{"export", OPTION_TEXT, FIELD(export), "LABEL:LEN", "show LEN bytes of keying material (RFC 5705)", 0, 0},
};

static const struct command_line client_line = {
	"tern client",
	"ADDR [OPTION]...    (ADDR: HOST:PORT, PORT or [v6]:PORT)",
	"  echo hello | tern client 127.0.0.1:4444 --ca cert.pem --name localhost\n"
	"  tern client 127.0.0.1:4444 --fingerprint sha-256:4A:AD:...\n"
	"  tern client coap.example.org:5684 --psk device-1:00112233445566778899aabbccddeeff\n"
	"  tern client 127.0.0.1:4444 --ca cert.pem --session session.bin    (again: resumes)\n"
	"  tern client 127.0.0.1:4444 --ca cert.pem --session session.bin --early-data request.txt\n",
	client_rows,
	sizeof client_rows / sizeof client_rows[0],
	options_shared,
	OPTIONS_NUM_SHARED,
};

static void end(struct client *c, int status)
{
	c->over = true;
	if (status != STATUS_OK)
		c->status = status;
}

static void socket_failed(struct client *c, int error)
{
	if (c->over || error == EAGAIN || error == EINTR)
		return;
	if (error == EMSGSIZE) {
		if (!c->told_size)
			complain("--mtu: a datagram is too large for the path: give a smaller --mtu");
		c->told_size = true;
		return;
	}
	if (!c->connected && c->more_addresses) {
		c->try_next = true;
		end(c, STATUS_FAILURE);
		return;
	}
	report_failed_text(&c->report, c->party.name, strerror(error),
			   error != ECONNREFUSED ? "check the address and the network"
			   : c->connected	 ? "the server is gone"
						 : "no server listens there: check the address, or start it first");
	end(c, STATUS_FAILURE);
}

/* Sends what the connection has to send. */
static void flush(struct client *c)
{
	for (int i = 0; i < FLIGHT_MAX; i++) {
		size_t len = 0;
		tern_error error = tern_conn_take(c->conn, c->datagram, sizeof c->datagram, &len, clock_now());
		if (error != TERN_OK && !c->over) {
			report_failed(&c->report, c->party.name, c->conn);
			end(c, STATUS_FAILURE);
		}
		if (error != TERN_OK || len == 0)
			return;
		if (!udp_send(c->fd, c->datagram, len, NULL))
			socket_failed(c, errno);
	}
}

/* false: the connection is over and its end was told. */
static bool check(struct client *c, tern_error error)
{
	if (error == TERN_OK || c->over)
		return error == TERN_OK;
	flush(c); /* the alert */
	if (!c->over)
		report_failed(&c->report, c->party.name, c->conn);
	end(c, STATUS_FAILURE);
	return false;
}

static void save_session(struct client *c)
{
	uint8_t session[TERN_SESSION_MAX];
	size_t len = 0;

	if (!c->options->session)
		return;
	tern_error error = tern_conn_session(c->conn, session, sizeof session, &len);
	if (error != TERN_OK)
		complain("--session %s: %s", c->options->session, tern_error_sentence(error));
	if (error != TERN_OK || !file_write("--session", c->options->session, 0600, true, session, len))
		c->status = STATUS_FAILURE;
	explicit_bzero(session, sizeof session);
}

static void on_connected(struct client *c)
{
	tern_info info;

	c->connected = true;
	report_connected(&c->report, c->party.name, c->conn, &c->export);
	tern_conn_info(c->conn, &info);
	if (info.peer_authenticated || c->options->insecure)
		return;
	report_failed_text(&c->report, c->party.name, "the server was not authenticated",
			   c->options->session ? "the session came from an --insecure connection: remove its file"
					       : NULL);
	if (tern_conn_close(c->conn, clock_now()) == TERN_OK)
		flush(c);
	end(c, STATUS_FAILURE);
}

static void on_event(struct client *c, const tern_event *event)
{
	switch (event->kind) {
	case TERN_EVENT_CONNECTED:
		on_connected(c);
		break;
	case TERN_EVENT_DATA:
		if (!report_data(&c->report, c->party.name, event, true)) {
			complain("cannot write to stdout");
			end(c, STATUS_FAILURE);
		}
		break;
	case TERN_EVENT_TICKET:
		save_session(c);
		break;
	case TERN_EVENT_LIMIT_NEAR:
		complain("%s: connect again soon", report_limit(event->limit));
		break;
	case TERN_EVENT_CLOSED:
		c->closed = true;
		end(c, STATUS_OK);
		break;
	case TERN_EVENT_PATH: /* of one path, that of the connected socket, there is nothing to tell */
	case TERN_EVENT_AUTHENTICATED: /* a server's */
	case TERN_EVENT_AUTH_DECLINED:
	case TERN_EVENT_PENDING: /* no callback of ours answers later */
	case TERN_EVENT_EARLY_DATA: /* a server's */
	case TERN_EVENT_NONE:
		break;
	}
}

static void take_events(struct client *c)
{
	tern_event event = {.kind = TERN_EVENT_NONE};

	do {
		if (!check(c, tern_conn_next(c->conn, &event, clock_now())))
			return;
		on_event(c, &event);
	} while (event.kind != TERN_EVENT_NONE && !c->over);
}

static void receive(struct client *c)
{
	for (int i = 0; i < BATCH && !c->over; i++) {
		ssize_t n = udp_receive(c->fd, c->datagram, sizeof c->datagram, NULL);
		if (n < 0) {
			socket_failed(c, errno);
			return;
		}
		if (!check(c, tern_conn_feed(c->conn, c->datagram, (size_t)n, NULL, clock_now())))
			return;
		take_events(c);
		flush(c);
	}
}

static void send_record(struct client *c, const uint8_t *data, size_t len)
{
	size_t n = 0;

	if (!check(c, tern_conn_seal(c->conn, c->datagram, sizeof c->datagram, &n, data, len, clock_now())))
		return;
	if (!udp_send(c->fd, c->datagram, n, NULL))
		socket_failed(c, errno);
	else
		report_sent(&c->report, c->party.name, data, len, false);
}

/* Bytes of the next record in what is left of the early file: a line, or as much of it as fits. */
static size_t next_early(const struct client *c, size_t max)
{
	const uint8_t *rest = c->early.bytes + c->early_at;
	size_t left = c->early.len - c->early_at, window = left < max ? left : max;
	const uint8_t *newline = window ? memchr(rest, '\n', window) : NULL;

	return newline ? (size_t)(newline - rest) + 1 : window;
}

/* As far as the session allows; the rest waits until the connection is made. */
static void send_early(struct client *c)
{
	size_t len, n;

	while (!c->over && (len = next_early(c, tern_conn_max_early_data(c->conn))) > 0) {
		const uint8_t *data = c->early.bytes + c->early_at;
		if (!check(c, tern_conn_seal_early_data(c->conn, c->datagram, sizeof c->datagram, &n, data, len,
							clock_now())))
			return;
		if (!udp_send(c->fd, c->datagram, n, NULL))
			socket_failed(c, errno);
		else
			report_sent(&c->report, c->party.name, data, len, true);
		c->early_at += len;
	}
}

/* What the server did not take early it gets now. */
static void send_rest_of_early(struct client *c)
{
	size_t len;
	tern_info info;

	tern_conn_info(c->conn, &info);
	if (info.early_data != TERN_EARLY_DATA_ACCEPTED)
		c->early_at = 0;
	c->early_waits = false;
	while (!c->over && (len = next_early(c, tern_conn_max_data(c->conn))) > 0) {
		send_record(c, c->early.bytes + c->early_at, len);
		c->early_at += len;
	}
}

/* Bytes of the next record in the input, 0 when there is none yet. */
static size_t next_record(struct client *c)
{
	size_t max = tern_conn_max_data(c->conn), window = c->num_input < max ? c->num_input : max;
	const uint8_t *newline = memchr(c->input, '\n', window);

	if (newline)
		return (size_t)(newline - c->input) + 1;
	if (c->num_input > max && !c->told_split) {
		c->told_split = true;
		complain(
			"stdin: a line is longer than the %zu bytes that fit one record and is sent as several: give a "
			"larger --mtu, or shorter lines",
			max);
	}
	return c->num_input > max || c->input_ended ? window : 0;
}

static void send_input(struct client *c)
{
	size_t len;

	for (int i = 0; i < BATCH && !c->over && (len = next_record(c)) > 0; i++) {
		send_record(c, c->input, len);
		c->num_input -= len;
		memmove(c->input, c->input + len, c->num_input);
	}
	if (c->input_ended && c->num_input == 0 && c->linger_until_ns == TERN_NEVER)
		c->linger_until_ns = clock_now().mono_ns + (uint64_t)c->options->linger_ms * MS_NS;
}

static void read_input(struct client *c)
{
	ssize_t n = read(STDIN_FILENO, c->input + c->num_input, INPUT_MAX - c->num_input);

	if (n > 0)
		c->num_input += (size_t)n;
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		c->input_ended = true;
}

static bool more_to_send(struct client *c)
{
	return c->connected && c->num_input > 0 && next_record(c) > 0;
}

static uint64_t next_deadline(struct client *c)
{
	uint64_t deadline = tern_conn_deadline(c->conn);

	if (more_to_send(c))
		return 0;
	return c->linger_until_ns < deadline ? c->linger_until_ns : deadline;
}

static void step(struct client *c)
{
	bool reads = c->connected && !c->input_ended && c->num_input < INPUT_MAX;
	struct pollfd fds[] = {{c->fd, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
	bool ready = wait_until(fds, reads ? 2 : 1, next_deadline(c));

	if (ready && fds[0].revents)
		receive(c);
	if (!c->over && tern_conn_deadline(c->conn) <= clock_now().mono_ns &&
	    check(c, tern_conn_tick(c->conn, clock_now())))
		flush(c);
	if (!c->over && ready && reads && fds[1].revents)
		read_input(c);
	if (!c->over && c->connected && c->early_waits)
		send_rest_of_early(c);
	if (!c->over && c->connected)
		send_input(c);
	if (c->linger_until_ns <= clock_now().mono_ns)
		end(c, STATUS_OK);
}

static void finish(struct client *c)
{
	if (c->status == STATUS_OK && !c->connected) {
		report_failed_text(&c->report, c->party.name, "interrupted before the connection was made", NULL);
		c->status = STATUS_FAILURE;
	}
	if (c->connected && c->status == STATUS_OK) {
		if (tern_conn_close(c->conn, clock_now()) == TERN_OK)
			flush(c);
	}
	if (c->connected && c->status == STATUS_OK) {
		report_closed(&c->report, c->party.name, c->closed);
		report_stats(&c->report, c->party.name, c->conn);
	}
	if (c->closed && c->num_input) {
		complain("stdin: the server closed first: %zu bytes of input were not sent", c->num_input);
		c->status = STATUS_FAILURE;
	}
}

static int start(struct client *c, const struct addrinfo *to)
{
	struct address remote = {.len = to->ai_addrlen}, local = {.len = sizeof local.storage};

	memcpy(&remote.storage, to->ai_addr, to->ai_addrlen);
	address_text(c->party.name, &remote);
	c->over = c->try_next = false;
	c->status = STATUS_OK;
	c->linger_until_ns = TERN_NEVER;
	c->early_at = 0;
	c->early_waits = c->early.len > 0;
	c->more_addresses = to->ai_next != NULL;
	c->fd = udp_connect(to->ai_addr, to->ai_addrlen);
	if (c->fd < 0 || getsockname(c->fd, (struct sockaddr *)&local.storage, &local.len) != 0) {
		socket_failed(c, errno);
		return c->status;
	}
	tern_path path = {address_tern(&local), address_tern(&remote)};
	tern_client_options options = {.size = sizeof options,
				       .server_name = c->options->server_name ? c->options->server_name : c->host,
				       .session = c->session.len ? c->session.bytes : NULL,
				       .session_len = c->session.len,
				       .path = &path,
				       .user = &c->party,
				       .early_data = c->early.len > 0};
	tern_error error = tern_client(&c->conn, c->setup.pool, &options, clock_now());
	if (error == TERN_ERROR_BAD_SESSION)
		return complain("--session %s: %s: remove the file, or give another", c->options->session,
				tern_error_sentence(error));
	if (error != TERN_OK)
		return complain("cannot start a connection: %s", tern_error_sentence(error));
	return OPTIONS_GO;
}

/* One address, from the first datagram to the close. */
static int run(struct client *c, const struct addrinfo *to)
{
	int status = start(c, to);

	if (status == OPTIONS_GO) {
		flush(c);
		send_early(c);
		while (!c->over && !stop_requested())
			step(c);
		if (!c->try_next)
			finish(c);
		status = c->status;
	}
	tern_conn_free(c->conn);
	c->conn = NULL;
	if (c->fd >= 0)
		close(c->fd);
	return status;
}

static int connect_and_run(struct client *c, const char *address)
{
	struct addrinfo *list;
	char port[8];
	int status = address_resolve(&list, "ADDR", address, false);

	if (status != OPTIONS_GO)
		return status;
	if (!address_cut(address, c->host, port)) /* it was parsed before */
		return STATUS_USAGE;
	stop_catch(); /* not earlier: a look-up that hangs can be interrupted */
	for (struct addrinfo *a = list; a; a = a->ai_next) {
		status = run(c, a);
		if (!c->try_next)
			break;
	}
	freeaddrinfo(list);
	return status;
}

static bool read_session(struct client *c)
{
	if (!c->options->session || access(c->options->session, F_OK) != 0)
		return true;
	return file_read(&c->session, "--session", c->options->session);
}

static bool read_early(struct client *c)
{
	return !c->options->early_file || file_read(&c->early, "--early-data", c->options->early_file);
}

int command_client(int argc, char **argv)
{
	struct options options = {.linger_ms = DEFAULT_LINGER_MS, .cid_length = 0};
	struct texts operands;

	int status = options_parse(&client_line, &options, &operands, argc, argv);
	if (status != OPTIONS_GO)
		return status;
	if (operands.num != 1)
		return usage_error(operands.num ? "give one ADDR" : "ADDR is missing: give the server as HOST:PORT");
	if (options.early_file && !options.session)
		return usage_error("--early-data: give --session FILE too, the session to send it with");
	struct client *c = calloc(1, sizeof *c);
	if (!c)
		return complain("out of memory");
	c->options = &options;
	c->report = (struct report){.json = options.json};
	status = parse_export(&c->export, options.export) ? OPTIONS_GO : STATUS_USAGE;
	if (status == OPTIONS_GO)
		status = setup_open(&c->setup, &options, false);
	if (status == OPTIONS_GO)
		status = read_session(c) && read_early(c) ? connect_and_run(c, operands.text[0]) : STATUS_FAILURE;
	setup_close(&c->setup);
	file_free(&c->session);
	file_free(&c->early);
	explicit_bzero(c, sizeof *c);
	free(c);
	return status;
}
