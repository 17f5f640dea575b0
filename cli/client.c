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
#include "tern/endpoint.h"
#include "tuning.h"
#include "udp.h"

enum { INPUT_MAX = 65536, BATCH = 64, DEFAULT_LINGER_MS = 500 };
static const uint64_t MS_NS = 1000000;

struct client {
	struct party party; /* first: what the trace names */
	struct party *changed; /* that one, when its MTU has changed */
	const struct options *options;
	struct report report;
	struct setup setup;
	struct export_request export;
	char host[256];
	struct file session, early;
	size_t early_at; /* bytes of early that were sent */
	tern_endpoint *endpoint;
	tern_peer peer;
	tern_conn *conn; /* NULL: gone */
	bool connected, closed, over, input_ended, early_waits;
	bool blocked; /* the socket takes nothing at the moment */
	bool early_again; /* is being sent again, or its rest */
	bool more_addresses, try_next; /* refused, and there is another address */
	bool told_split, told_size;
	int status; /* to exit with, once over */
	uint64_t linger_until_ns;
	size_t num_input;
	uint8_t input[INPUT_MAX];
};

#define FIELD(name) offsetof(struct options, name)

static const struct option_row client_rows[] = {
	{"ca", OPTION_TEXTS, FIELD(ca), "FILE", "trust these CA certificates (default: the system's)", 0, 0},
	{"fingerprint", OPTION_TEXTS, FIELD(fingerprint), "TEXT", "accept this certificate: sha-256:HEX", 0, 0},
	{"insecure", OPTION_FLAG, FIELD(insecure), NULL, "accept any certificate: anyone can listen in", 0, 0},
	{"name", OPTION_TEXT, FIELD(server_name), "NAME", "the server's name (default: the host in ADDR)", 0, 0},
	{"cert", OPTION_TEXTS, FIELD(cert), "FILE", "client certificate, PEM", 0, 0},
	{"key", OPTION_TEXTS, FIELD(key), "FILE", "its private key, PEM", 0, 0},
	{"must-authenticate", OPTION_FLAG, FIELD(must_authenticate), NULL,
	 "fail when the server asks for a certificate and none fits", 0, 0},
	{"post-auth", OPTION_FLAG, FIELD(post_auth), NULL, "show it after the handshake too, if the server asks", 0, 0},
	{"psk", OPTION_TEXTS, FIELD(psk), "ID:HEX", "pre-shared key", 0, 0},
	{"psk-ke", OPTION_FLAG, FIELD(psk_ke), NULL, "DTLS 1.3: allow PSKs without a key exchange: no forward secrecy",
	 0, 0},
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
	{"bind", OPTION_TEXT, FIELD(bind), "ADDR", "the own address: HOST:PORT, port 0 picks one", 0, 0},
	{"max-fragment-length", OPTION_NUMBER, FIELD(max_fragment_length), "BYTES",
	 "ask for records of 512, 1024, 2048 or 4096 at most (RFC 6066)", 512, 4096},
};

static const struct command_line client_line = {
	"tern client",
	"ADDR [OPTION]...    (ADDR: HOST:PORT, PORT or [v6]:PORT)",
	"  echo hello | tern client 127.0.0.1:4444 --ca cert.pem --name localhost\n"
	"  tern client 127.0.0.1:4444 --fingerprint sha-256:4A:AD:...\n"
	"  tern client coap.example.org:5684 --psk device-1:00112233445566778899aabbccddeeff\n"
	"  tern client 127.0.0.1:4444 --ca cert.pem --session session.bin    (again: resumes)\n"
	"  tern client 127.0.0.1:4444 --ca cert.pem --session session.bin --early-data request.txt\n"
	"  tern client 127.0.0.1:4444 --ca cert.pem --cid-length 0 --keep-alive 25    (server: --cid-length 8)\n",
	client_rows,
	sizeof client_rows / sizeof client_rows[0],
	options_shared,
	OPTIONS_NUM_SHARED,
	NULL,
};

static void end(struct client *c, int status)
{
	c->over = true;
	if (status != STATUS_OK)
		c->status = status;
}

static void socket_failed(struct client *c, int error)
{
	if (c->over)
		return;
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
	tuning_check(c->options, &info);
	if (info.peer_authenticated || c->options->insecure)
		return;
	report_failed_text(&c->report, c->party.name, "the server was not authenticated",
			   c->options->session ? "the session came from an --insecure connection: remove its file"
					       : NULL);
	end(c, STATUS_FAILURE);
	tern_endpoint_close(c->endpoint, c->peer);
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
	case TERN_EVENT_PATH:
		report_path(&c->report, c->party.name, event->path_event, false, event->path, c->setup.verbose);
		break;
	case TERN_EVENT_CLOSED: /* comes as GONE */
	case TERN_EVENT_AUTHENTICATED: /* a server's */
	case TERN_EVENT_AUTH_DECLINED:
	case TERN_EVENT_PENDING: /* no callback of ours answers later */
	case TERN_EVENT_EARLY_DATA: /* a server's */
	case TERN_EVENT_NONE:
		break;
	}
}

static void on_gone(struct client *c, const tern_endpoint_event *event)
{
	c->closed = event->reason == TERN_GONE_CLOSED_BY_PEER;
	if (event->reason == TERN_GONE_UNREACHABLE) {
		socket_failed(c, ECONNREFUSED);
	} else if (event->reason == TERN_GONE_FAILED && !c->over) {
		report_failed(&c->report, c->party.name, event->conn);
		end(c, STATUS_FAILURE);
	} else if (event->reason == TERN_GONE_IDLE) {
		report_failed_text(&c->report, c->party.name, tern_gone_sentence(event->reason),
				   "the server or the network is gone, or --idle is shorter than its pauses");
		end(c, STATUS_FAILURE);
	} else if (c->connected && c->status == STATUS_OK) {
		report_closed(&c->report, c->party.name, event->reason);
		report_stats(&c->report, c->party.name, event->conn);
		end(c, STATUS_OK);
	} else {
		end(c, STATUS_OK);
	}
	c->conn = NULL;
}

static void tell_size(struct client *c)
{
	tern_endpoint_counters counters = {.size = sizeof counters};

	tern_endpoint_stats(c->endpoint, &counters);
	if (counters.send_too_large && !c->told_size) {
		complain("--mtu: a datagram is too large for the path: give a smaller --mtu");
		c->told_size = true;
	}
}

/* What came, and what follows from it. */
static void take_events(struct client *c)
{
	tern_endpoint_event event;

	while (tern_endpoint_next(c->endpoint, &event), event.kind != TERN_ENDPOINT_NONE) {
		setup_tell_sizes(&c->report, &c->changed);
		if (event.kind == TERN_ENDPOINT_WRITABLE)
			c->blocked = false;
		else if (event.kind == TERN_ENDPOINT_GONE)
			on_gone(c, &event);
		else if (event.kind == TERN_ENDPOINT_EVENT && !c->over)
			on_event(c, &event.event);
	}
	setup_tell_sizes(&c->report, &c->changed);
	tell_size(c);
}

/* What the endpoint refuses for more than a moment it tells of as an event. */
static bool send_record(struct client *c, const uint8_t *data, size_t len, bool early)
{
	tern_error error = early ? tern_endpoint_send_early(c->endpoint, c->peer, data, len)
				 : tern_endpoint_send(c->endpoint, c->peer, data, len);

	c->blocked = error == TERN_WOULD_BLOCK;
	if (error == TERN_OK)
		report_sent(&c->report, c->party.name, data, len, early);
	return error == TERN_OK;
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
	size_t len;

	while (c->conn && (len = next_early(c, tern_conn_max_early_data(c->conn))) > 0) {
		if (!send_record(c, c->early.bytes + c->early_at, len, true))
			return;
		c->early_at += len;
	}
}

/* What the server did not take early it gets now. */
static void send_rest_of_early(struct client *c)
{
	size_t len;
	tern_info info;

	tern_conn_info(c->conn, &info);
	if (info.early_data != TERN_EARLY_DATA_ACCEPTED && !c->early_again)
		c->early_at = 0;
	c->early_again = true;
	while (c->early_at < c->early.len) {
		len = next_early(c, tern_conn_max_data(c->conn));
		if (len == 0 || !send_record(c, c->early.bytes + c->early_at, len, false))
			return;
		c->early_at += len;
	}
	c->early_waits = false;
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

	for (int i = 0; i < BATCH && (len = next_record(c)) > 0; i++) {
		if (!send_record(c, c->input, len, false))
			return;
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
	return c->connected && !c->blocked && c->num_input > 0 && next_record(c) > 0;
}

static uint64_t next_deadline(struct client *c)
{
	uint64_t deadline = tern_endpoint_deadline(c->endpoint);

	if (more_to_send(c))
		return 0;
	return c->linger_until_ns < deadline ? c->linger_until_ns : deadline;
}

static void step(struct client *c)
{
	bool reads = c->connected && !c->input_ended && c->num_input < INPUT_MAX;
	struct pollfd fds[] = {{tern_endpoint_fd(c->endpoint), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
	bool ready = wait_until(fds, reads ? 2 : 1, next_deadline(c));

	if (tern_endpoint_run(c->endpoint, 0) != TERN_OK)
		socket_failed(c, errno);
	take_events(c);
	if (!c->over && ready && reads && fds[1].revents)
		read_input(c);
	if (!c->over && c->connected && c->early_waits)
		send_rest_of_early(c);
	if (!c->over && c->connected && !c->early_waits)
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
	if (c->connected)
		tern_endpoint_close(c->endpoint, c->peer);
	take_events(c);
	if (c->closed && c->num_input) {
		complain("stdin: the server closed first: %zu bytes of input were not sent", c->num_input);
		c->status = STATUS_FAILURE;
	}
}

/* text NULL: none. Of the addresses it stands for the first that is of the server's family. */
static int bind_address(tern_address *local, const char *text, int family)
{
	struct addrinfo *list;
	int status = text ? address_resolve(&list, "--bind", text, true) : OPTIONS_GO;

	*local = (tern_address){.len = 0};
	if (!text || status != OPTIONS_GO)
		return status;
	for (const struct addrinfo *a = list; a && !local->len; a = a->ai_next)
		if (a->ai_family == family && !tern_endpoint_from_sockaddr(local, a->ai_addr))
			local->len = 0;
	freeaddrinfo(list);
	return local->len ? OPTIONS_GO
			  : usage_error("--bind %s: the server's address is IPv%d: give one of that kind", text,
					family == AF_INET6 ? 6 : 4);
}

static int start(struct client *c, const struct addrinfo *to)
{
	tern_dial_options options = {.size = sizeof options,
				     .server_name = c->options->server_name ? c->options->server_name : c->host,
				     .session = c->session.len ? c->session.bytes : NULL,
				     .session_len = c->session.len,
				     .user = &c->party,
				     .early_data = c->early.len > 0};
	tern_error error;
	int status = bind_address(&options.local, c->options->bind, to->ai_family);

	if (status != OPTIONS_GO)
		return status;
	if (!tern_endpoint_from_sockaddr(&options.remote, to->ai_addr))
		return complain("the address is neither IPv4 nor IPv6");
	tern_endpoint_text(c->party.name, &options.remote);
	c->party.changed = &c->changed;
	c->over = c->try_next = c->blocked = c->early_again = false;
	c->status = STATUS_OK;
	c->linger_until_ns = TERN_NEVER;
	c->early_at = 0;
	c->early_waits = c->early.len > 0;
	c->more_addresses = to->ai_next != NULL;
	error = tern_endpoint_dial(c->endpoint, &c->peer, &options);
	if (error == TERN_ERROR_SYSTEM) {
		socket_failed(c, errno);
		return c->status;
	}
	if (error == TERN_ERROR_BAD_SESSION)
		return complain("--session %s: %s: remove the file, or give another", c->options->session,
				tern_error_sentence(error));
	if (error != TERN_OK)
		return complain("cannot start a connection: %s", tern_error_sentence(error));
	c->conn = tern_endpoint_conn(c->endpoint, c->peer);
	return OPTIONS_GO;
}

/* One address, from the first datagram to the close. */
static int run(struct client *c, const struct addrinfo *to)
{
	int status = start(c, to);

	if (status != OPTIONS_GO)
		return status;
	send_early(c);
	while (!c->over && !stop_requested())
		step(c);
	if (!c->try_next)
		finish(c);
	return c->status;
}

static int open_endpoint(struct client *c)
{
	tern_endpoint_options options = {.idle_ns = TERN_NEVER};
	tuning_endpoint(&options, c->options);
	tern_error error = tern_endpoint_open(&c->endpoint, c->setup.config, &options);

	if (error == TERN_OK)
		return OPTIONS_GO;
	if (error == TERN_ERROR_SYSTEM)
		return complain("cannot start: %s", strerror(errno));
	return setup_refused(error, false);
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
	status = open_endpoint(c);
	for (struct addrinfo *a = list; a && status == OPTIONS_GO; a = a->ai_next) {
		status = run(c, a);
		if (c->try_next && a->ai_next)
			status = OPTIONS_GO;
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
	struct options options = {.linger_ms = DEFAULT_LINGER_MS, .cid_length = UNSAID, .idle_s = UNSAID};
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
	tern_endpoint_free(c->endpoint);
	setup_close(&c->setup);
	file_free(&c->session);
	file_free(&c->early);
	explicit_bzero(c, sizeof *c);
	free(c);
	return status;
}
