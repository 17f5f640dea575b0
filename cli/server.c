/* server.c - tern server: many clients on an endpoint, or on several that share a port, each in a thread of its own. */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "metrics.h"
#include "options.h"
#include "report.h"
#include "setup.h"
#include "tern/endpoint.h"
#include "tuning.h"
#include "udp.h"

enum { WORKERS_MAX = 64, EARLY_MAX = 65536 };
static const uint64_t LOOK_UP_NS = 200000000; /* how often a worker sees whether it is over */

/* What is known of a client beside its connection. */
struct peer {
	struct party party; /* first: its connection's user pointer is this */
	tern_peer id;
	uint64_t records; /* of data that came */
	uint8_t *early; /* early data that is to be echoed once it is connected: each record behind its length */
	size_t early_len;
	struct peer *prev, *next; /* of its worker */
};

struct worker {
	struct server *server;
	tern_endpoint *endpoint;
	pthread_t thread;
	struct peer *peers;
	struct party *changed; /* whose MTU has changed */
	tern_endpoint_counters seen; /* that were told of */
};

struct server {
	const struct options *options;
	struct report report;
	struct setup setup;
	struct export_request export;
	struct worker workers[WORKERS_MAX];
	size_t num_workers;
	struct metrics *metrics;
	pthread_mutex_t lock; /* what workers report, and status */
	atomic_bool over;
	int status;
};

#define FIELD(name) offsetof(struct options, name)

static const struct option_row server_rows[] = {
	{"listen", OPTION_TEXTS, FIELD(listen), "ADDR",
	 "where to listen: HOST:PORT, PORT, [v6]:PORT; port 0 picks one; may be given again", 0, 0},
	{"cert", OPTION_TEXTS, FIELD(cert), "FILE", "certificate chain, PEM; up to 4 pairs", 0, 0},
	{"key", OPTION_TEXTS, FIELD(key), "FILE", "its private key, PEM", 0, 0},
	{"psk", OPTION_TEXTS, FIELD(psk), "ID:HEX", "pre-shared key of a client; may be given again", 0, 0},
	{"psk-file", OPTION_TEXT, FIELD(psk_file), "FILE", "more of them: lines ID:HEX, # begins a comment", 0, 0},
	{"psk-hint", OPTION_TEXT, FIELD(psk_hint), "TEXT", "tells clients which identity to use (DTLS 1.2)", 0, 0},
	{"psk-import", OPTION_FLAG, FIELD(psk_import), NULL, "import the PSKs for DTLS 1.3 (RFC 9258)", 0, 0},
	{"psk-context", OPTION_TEXT, FIELD(psk_context), "TEXT", "what they are imported for; both sides say the same",
	 0, 0},
	{"psk-hash", OPTION_TEXT, FIELD(psk_hash), "NAME", "the hash they were made for: sha256 (default) or sha384", 0,
	 0},
	{"ca", OPTION_TEXTS, FIELD(ca), "FILE", "ask for a client certificate of these CAs", 0, 0},
	{"fingerprint", OPTION_TEXTS, FIELD(fingerprint), "TEXT", "ask for this client certificate: sha-256:HEX", 0, 0},
	{"require-client-cert", OPTION_FLAG, FIELD(require_client_cert), NULL, "refuse clients without one", 0, 0},
	{"request-cert-after", OPTION_NUMBER, FIELD(request_cert_after), "N",
	 "ask for it after N records of data (DTLS 1.3), not in the handshake", 0, INT64_MAX},
	{"echo", OPTION_FLAG, FIELD(echo), NULL, "send every record back, instead of to stdout", 0, 0},
	{"once", OPTION_FLAG, FIELD(once), NULL, "exit after the first peer is gone", 0, 0},
	{"no-cookie", OPTION_FLAG, FIELD(no_cookie), NULL, "do not make clients prove their address first", 0, 0},
	{"early-data", OPTION_NUMBER, FIELD(early_bytes), "BYTES",
	 "take so much from a client that comes back, with its hello (0-RTT)", 0, UINT32_MAX},
	{"session-lifetime", OPTION_NUMBER, FIELD(session_s), "S", "of tickets and sessions (default 86400)", 1,
	 604800},
	{"secret", OPTION_TEXT, FIELD(secret), "FILE",
	 "cookie and ticket keys come from this: for restarts, and servers that are several", 0, 0},
	{"export", OPTION_TEXT, FIELD(export), "LABEL:LEN", "show LEN bytes of keying material (RFC 5705)", 0, 0},
	{"workers", OPTION_NUMBER, FIELD(workers), "N", "worker threads, each with a socket of its own (1)", 1,
	 WORKERS_MAX},
	{"shard", OPTION_NUMBER, FIELD(shard), "N", "of the connection IDs, for balancers (default 0)", 0, 65535},
	{"follow", OPTION_FLAG, FIELD(follow), NULL, "follow clients to new addresses that nothing can check", 0, 0},
	{"max-peers", OPTION_NUMBER, FIELD(max_peers), "N", "serve so many at a time (default 65536)", 1, 16000000},
	{"max-handshakes", OPTION_NUMBER, FIELD(max_handshakes), "N", "unfinished at a time (default 4096)", 1,
	 16000000},
	{"max-handshakes-per-prefix", OPTION_NUMBER, FIELD(max_handshakes_per_prefix), "N",
	 "of one IPv4 /24 or IPv6 /56 (default 1024)", 1, 65535},
	{"max-signatures", OPTION_NUMBER, FIELD(max_signatures), "N", "full handshakes begun in a second (20000)", 1,
	 1000000000},
	{"metrics", OPTION_TEXT, FIELD(metrics), "ADDR",
	 "show what is counted over HTTP, at ADDR/metrics: HOST:PORT or PORT", 0, 0},
};
_Static_assert(sizeof server_rows / sizeof server_rows[0] + OPTIONS_NUM_SHARED <= OPTION_ROWS_MAX, "the longest table");

static const struct command_line server_line = {
	"tern server",
	"--listen ADDR (--cert FILE --key FILE | --psk ID:HEX)... [OPTION]...",
	"  tern cert self-signed --name localhost --cert cert.pem --key key.pem\n"
	"  tern server --listen 127.0.0.1:4444 --cert cert.pem --key key.pem --echo\n"
	"  tern server --listen 0.0.0.0:5684 --psk device-1:00112233445566778899aabbccddeeff\n"
	"  tern server --listen 4444 --cert cert.pem --key key.pem --ca ca.pem --require-client-cert --json\n"
	"  tern server --listen 4444 --cert cert.pem --key key.pem --echo --cid-length 8 --keep-alive 25 --pmtud\n",
	server_rows,
	sizeof server_rows / sizeof server_rows[0],
	options_shared,
	OPTIONS_NUM_SHARED,
	NULL,
};

static struct peer *peer_of(const tern_endpoint_event *event)
{
	return tern_conn_user(event->conn);
}

static void on_accepted(struct worker *w, const tern_endpoint_event *event)
{
	struct peer *p = calloc(1, sizeof *p);
	tern_path path;

	if (!p || !tern_endpoint_path(w->endpoint, event->peer, &path)) {
		complain("out of memory");
		free(p);
		tern_endpoint_close(w->endpoint, event->peer);
		return;
	}
	p->id = event->peer;
	tern_endpoint_text(p->party.name, &path.remote);
	p->party.changed = &w->changed;
	p->next = w->peers;
	if (p->next)
		p->next->prev = p;
	w->peers = p;
	tern_conn_set_user(event->conn, &p->party);
}

static void echo(struct worker *w, struct peer *p, const uint8_t *data, size_t len)
{
	size_t max = tern_conn_max_data(tern_endpoint_conn(w->endpoint, p->id));
	tern_error error;

	if (len > max) {
		complain("--echo: a record of %zu bytes does not fit the %zu that one of ours takes: give a larger "
			 "--mtu",
			 len, max);
		return;
	}
	error = tern_endpoint_send(w->endpoint, p->id, data, len);
	if (error == TERN_WOULD_BLOCK)
		complain("--echo: the network takes nothing: a record of %zu bytes is not sent back", len);
	if (error == TERN_OK)
		report_sent(&w->server->report, p->party.name, data, len, false);
}

/* Nothing can be sent before the handshake ends: it is kept behind its length. */
static void keep_early(struct peer *p, const uint8_t *data, size_t len)
{
	uint8_t *grown = p->early_len + 2 + len <= EARLY_MAX ? realloc(p->early, p->early_len + 2 + len) : NULL;

	if (!grown) {
		complain("--echo: no room for so much early data: %zu bytes are not sent back", len);
		return;
	}
	p->early = grown;
	grown += p->early_len;
	grown[0] = (uint8_t)(len >> 8);
	grown[1] = (uint8_t)len;
	memcpy(grown + 2, data, len);
	p->early_len += 2 + len;
}

static void echo_early(struct worker *w, struct peer *p)
{
	for (size_t at = 0; at < p->early_len && tern_endpoint_conn(w->endpoint, p->id);) {
		size_t len = (size_t)(p->early[at] << 8 | p->early[at + 1]);
		echo(w, p, p->early + at + 2, len);
		at += 2 + len;
	}
	free(p->early);
	p->early = NULL;
	p->early_len = 0;
}

/* --request-cert-after: now, or not yet. */
static void request_certificate(struct worker *w, struct peer *p)
{
	const struct options *options = w->server->options;
	tern_client_auth mode = options->require_client_cert ? TERN_CLIENT_AUTH_REQUIRED : TERN_CLIENT_AUTH_OPTIONAL;
	tern_conn *conn = tern_endpoint_conn(w->endpoint, p->id);

	if (!conn || options->request_cert_after < 0 || p->records != (uint64_t)options->request_cert_after)
		return;
	if (tern_conn_request_certificate(conn, mode, clock_now()) == TERN_ERROR_USAGE) {
		complain("%s: does not offer authentication after the handshake", p->party.name);
		if (options->require_client_cert)
			tern_endpoint_close(w->endpoint, p->id);
	}
	tern_endpoint_touch(w->endpoint, p->id);
}

static void on_data(struct worker *w, struct peer *p, const tern_event *event)
{
	struct server *s = w->server;

	if (!report_data(&s->report, p->party.name, event, !s->options->echo)) {
		s->status = complain("cannot write to stdout");
		s->over = true;
		return;
	}
	if (s->options->echo && event->kind == TERN_EVENT_EARLY_DATA)
		keep_early(p, event->data, event->len);
	else if (s->options->echo)
		echo(w, p, event->data, event->len);
	p->records++;
	request_certificate(w, p);
}

/* The peer keeps the name that it came with. --follow: nothing checks where it is now, so it is believed. */
static void on_path(struct worker *w, struct peer *p, const tern_event *event)
{
	const struct server *s = w->server;
	tern_path path = *event->path;
	bool follows = s->options->follow && event->path_event == TERN_PATH_SEEN;

	if (follows)
		follows = tern_conn_set_path(tern_endpoint_conn(w->endpoint, p->id), &path, clock_now()) == TERN_OK;
	if (follows)
		tern_endpoint_touch(w->endpoint, p->id);
	report_path(&s->report, p->party.name, event->path_event, follows, &path, s->setup.verbose);
}

static void on_event(struct worker *w, struct peer *p, const tern_endpoint_event *outer)
{
	const tern_event *event = &outer->event;
	struct server *s = w->server;

	switch (event->kind) {
	case TERN_EVENT_CONNECTED:
		report_connected(&s->report, p->party.name, outer->conn, &s->export);
		echo_early(w, p);
		request_certificate(w, p);
		break;
	case TERN_EVENT_DATA:
	case TERN_EVENT_EARLY_DATA:
		on_data(w, p, event);
		break;
	case TERN_EVENT_LIMIT_NEAR:
		complain("%s: %s: the client should connect again", p->party.name, report_limit(event->limit));
		break;
	case TERN_EVENT_AUTHENTICATED:
	case TERN_EVENT_AUTH_DECLINED:
		report_authenticated(&s->report, p->party.name, outer->conn, event->kind == TERN_EVENT_AUTH_DECLINED);
		break;
	case TERN_EVENT_PATH:
		on_path(w, p, event);
		break;
	case TERN_EVENT_CLOSED: /* comes as GONE */
	case TERN_EVENT_TICKET: /* a client's */
	case TERN_EVENT_PENDING: /* no callback of ours answers later */
	case TERN_EVENT_NONE:
		break;
	}
}

/* A restarted client has two connections for a while, and is gone with the last of them. */
static bool has_another(const struct worker *w, const struct peer *p)
{
	const struct peer *other = w->peers;

	while (other && (other == p || strcmp(other->party.name, p->party.name) != 0))
		other = other->next;
	return other != NULL;
}

static void peer_free(struct worker *w, struct peer *p)
{
	if (p->prev)
		p->prev->next = p->next;
	else
		w->peers = p->next;
	if (p->next)
		p->next->prev = p->prev;
	free(p->early);
	free(p);
}

static void on_gone(struct worker *w, struct peer *p, const tern_endpoint_event *event)
{
	struct server *s = w->server;
	const char *name = p->party.name;
	bool last = !has_another(w, p);

	if (event->reason == TERN_GONE_FAILED) {
		report_failed(&s->report, name, event->conn);
		if (s->options->once && last)
			s->status = STATUS_FAILURE;
	} else if (event->connected && event->reason != TERN_GONE_REPLACED) {
		report_closed(&s->report, name, event->reason);
		report_stats(&s->report, name, event->conn);
	}
	peer_free(w, p);
	if (s->options->once && last)
		s->over = true;
}

/* With --echo alone nothing is said about data, and no worker waits for another. */
static bool is_quiet(const struct server *s, const tern_endpoint_event *event)
{
	return event->kind == TERN_ENDPOINT_EVENT && event->event.kind == TERN_EVENT_DATA && s->options->echo &&
	       !s->options->json;
}

static void take_event(struct worker *w, const tern_endpoint_event *event)
{
	struct server *s = w->server;
	struct peer *p = event->conn ? peer_of(event) : NULL;
	bool quiet = is_quiet(s, event);

	if (!quiet)
		pthread_mutex_lock(&s->lock);
	if (event->kind == TERN_ENDPOINT_ACCEPTED)
		on_accepted(w, event);
	else if (event->kind == TERN_ENDPOINT_EVENT && p)
		on_event(w, p, event);
	else if (event->kind == TERN_ENDPOINT_GONE && p)
		on_gone(w, p, event);
	if (!quiet)
		pthread_mutex_unlock(&s->lock);
}

static void tell_sizes(struct worker *w)
{
	pthread_mutex_lock(&w->server->lock);
	setup_tell_sizes(&w->server->report, &w->changed);
	pthread_mutex_unlock(&w->server->lock);
}

/* What no connection tells of. */
static void tell_counters(struct worker *w)
{
	tern_endpoint_counters now = {.size = sizeof now};

	tern_endpoint_stats(w->endpoint, &now);
	if (now.send_too_large && !w->seen.send_too_large)
		complain("--mtu: a datagram is too large for the path: give a smaller --mtu");
	if (w->server->setup.verbose && now.dropped_stranger != w->seen.dropped_stranger)
		for (int i = 0; i < TERN_NUM_DROPS; i++)
			if (now.dropped[i] != w->seen.dropped[i])
				fprintf(stderr, "dropped: %s\n", tern_drop_sentence((tern_drop)i));
	w->seen = now;
}

static void take_events(struct worker *w, bool until_over)
{
	tern_endpoint_event event;

	do {
		tern_endpoint_next(w->endpoint, &event);
		if (w->changed)
			tell_sizes(w);
		take_event(w, &event);
	} while (event.kind != TERN_ENDPOINT_NONE && !(until_over && w->server->over));
	tell_counters(w);
}

static void say_goodbye(struct worker *w)
{
	tern_endpoint_shutdown(w->endpoint);
	take_events(w, false);
}

static void *work(void *user)
{
	struct worker *w = user;

	while (!w->server->over) {
		if (tern_endpoint_run(w->endpoint, LOOK_UP_NS) != TERN_OK)
			break;
		take_events(w, true);
	}
	say_goodbye(w);
	return NULL;
}

/* The first worker is this thread, which alone hears signals. */
static void lead(struct server *s)
{
	struct worker *w = &s->workers[0];

	while (!s->over && !stop_requested()) {
		struct pollfd fd = {tern_endpoint_fd(w->endpoint), POLLIN, 0};
		uint64_t deadline = tern_endpoint_deadline(w->endpoint), now = clock_now().mono_ns;
		if (s->num_workers > 1 && deadline > now + LOOK_UP_NS)
			deadline = now + LOOK_UP_NS;
		wait_until(&fd, 1, deadline);
		if (tern_endpoint_run(w->endpoint, 0) != TERN_OK)
			break;
		take_events(w, true);
	}
	s->over = true;
	say_goodbye(w);
}

static void run(struct server *s)
{
	size_t started = 1;

	for (; started < s->num_workers; started++)
		if (pthread_create(&s->workers[started].thread, NULL, work, &s->workers[started]) != 0) {
			s->status = complain("--workers: cannot start a thread");
			s->over = true;
			break;
		}
	lead(s);
	for (size_t i = 1; i < started; i++)
		pthread_join(s->workers[i].thread, NULL);
}

static tern_error open_at(struct server *s, const tern_address *listen)
{
	tern_endpoint_options options = {.listen = listen, .num_listen = s->options->listen.num};
	tern_endpoint *endpoints[WORKERS_MAX];
	tern_error error;

	tuning_endpoint(&options, s->options);
	options.cids = s->options->cid_length > 0;
	options.cid_length = options.cids ? (uint8_t)s->options->cid_length : 0;
	error = s->num_workers > 1 ? tern_endpoint_open_workers(endpoints, s->num_workers, s->setup.config, &options)
				   : tern_endpoint_open(&endpoints[0], s->setup.config, &options);
	for (size_t i = 0; error == TERN_OK && i < s->num_workers; i++)
		s->workers[i] = (struct worker){.server = s, .endpoint = endpoints[i]};
	return error;
}

/* A name stands for the first of its addresses that is one of ours; where several are given, each for its first. */
static tern_error open_first(struct server *s, struct addrinfo *const lists[])
{
	const size_t num = s->options->listen.num;
	tern_address listen[TEXTS_MAX];
	tern_error error = TERN_ERROR_SYSTEM;

	for (size_t i = 1; i < num; i++)
		if (!tern_endpoint_from_sockaddr(&listen[i], lists[i]->ai_addr))
			return TERN_ERROR_USAGE;
	for (const struct addrinfo *a = lists[0]; a && error == TERN_ERROR_SYSTEM; a = num > 1 ? NULL : a->ai_next)
		error = tern_endpoint_from_sockaddr(&listen[0], a->ai_addr) ? open_at(s, listen) : TERN_ERROR_USAGE;
	return error;
}

static int open_endpoints(struct server *s)
{
	const struct texts *listen = &s->options->listen;
	struct addrinfo *lists[TEXTS_MAX] = {NULL};
	int status = OPTIONS_GO, number = 0;
	size_t num = 0;
	tern_error error = TERN_OK;

	while (status == OPTIONS_GO && num < listen->num) {
		status = address_resolve(&lists[num], "--listen", listen->text[num], true);
		num += status == OPTIONS_GO;
	}
	if (status == OPTIONS_GO) {
		error = open_first(s, lists);
		number = errno;
	}
	while (num)
		freeaddrinfo(lists[--num]);
	if (error != TERN_OK && error != TERN_ERROR_SYSTEM)
		return setup_refused(error, true);
	if (error == TERN_ERROR_SYSTEM)
		return complain("--listen %s%s: cannot listen there: %s%s", listen->text[0],
				listen->num > 1 ? " and the others" : "", strerror(number),
				number == EADDRINUSE ? ": stop the other program, or take another port (0 picks one)"
						     : "");
	return status;
}

static int open_metrics(struct server *s)
{
	tern_endpoint *endpoints[WORKERS_MAX];

	for (size_t i = 0; i < s->num_workers; i++)
		endpoints[i] = s->workers[i].endpoint;
	return metrics_open(&s->metrics, s->options->metrics, endpoints, s->num_workers);
}

static int start(struct server *s)
{
	char text[TERN_ADDRESS_TEXT];
	tern_address bound;

	s->num_workers = (size_t)s->options->workers;
	int status = setup_open(&s->setup, s->options, true);
	if (status == OPTIONS_GO)
		status = open_endpoints(s);
	if (status == OPTIONS_GO && s->options->metrics)
		status = open_metrics(s);
	for (size_t i = 0; status == OPTIONS_GO && tern_endpoint_bound(s->workers[0].endpoint, &bound, i); i++) {
		tern_endpoint_text(text, &bound);
		report_listening(&s->report, text);
	}
	return status;
}

static void server_free(struct server *s)
{
	metrics_close(s->metrics);
	for (size_t i = 0; i < s->num_workers; i++) {
		tern_endpoint_free(s->workers[i].endpoint);
		for (struct peer *p = s->workers[i].peers, *next; p; p = next) {
			next = p->next;
			peer_free(&s->workers[i], p);
		}
	}
	setup_close(&s->setup);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int command_server(int argc, char **argv)
{
	struct options options = {.request_cert_after = -1, .workers = 1, .cid_length = UNSAID, .idle_s = UNSAID};
	struct texts operands;
	int status = options_parse(&server_line, &options, &operands, argc, argv);

	if (status != OPTIONS_GO)
		return status;
	if (operands.num)
		return usage_error("%s: unexpected argument", operands.text[0]);
	if (!options.listen.num)
		return usage_error("--listen is missing: give an address such as 127.0.0.1:4444");
	if (options.cid_length > 0 && options.cid_length < TERN_CID_LEN)
		return usage_error(
			"--cid-length %lld: a server's connection IDs say where the connection lives: give %d to 20 "
			"bytes, or 0 for none",
			(long long)options.cid_length, TERN_CID_LEN);
	if (options.follow && options.cid_length <= 0)
		return usage_error("--follow: clients are known by connection IDs: give --cid-length %d too",
				   TERN_CID_LEN);
#ifdef M_MXFAST
	mallopt(M_MXFAST, 0); /* small blocks put by are joined all at once, which stops a server of many peers */
#endif
	struct server *s = calloc(1, sizeof *s);
	if (!s)
		return complain("out of memory");
	s->options = &options;
	s->report = (struct report){.json = options.json, .server = true};
	pthread_mutex_init(&s->lock, NULL);
	stop_catch();
	status = parse_export(&s->export, options.export) ? start(s) : STATUS_USAGE;
	if (status == OPTIONS_GO) {
		run(s);
		status = s->status;
	}
	server_free(s);
	return status;
}
