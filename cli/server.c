/* server.c - tern server: many clients on one UDP socket, in one loop. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "commands.h"
#include "options.h"
#include "peers.h"
#include "report.h"
#include "setup.h"
#include "udp.h"

enum { BATCH = 64, FLIGHT_MAX = 1024, EARLY_MAX = 65536 };
static const uint64_t IDLE_NS = 600000000000, SWEEP_NS = 1000000000;

struct server {
	const struct options *options;
	struct report report;
	struct setup setup;
	struct export_request export;
	struct peers peers;
	struct address bound;
	int fd;
	bool over, told_full, told_size;
	int status;
	uint64_t sweep_ns; /* when idle peers are looked for */
	uint8_t datagram[DATAGRAM_MAX], out[DATAGRAM_MAX];
};

#define FIELD(name) offsetof(struct options, name)

static const struct option_row server_rows[] = {
	{"listen", OPTION_TEXT, FIELD(listen), "ADDR", "where to listen: HOST:PORT, PORT, [v6]:PORT; port 0 picks one",
	 0, 0},
	{"cert", OPTION_TEXTS, FIELD(cert), "FILE", "certificate chain, PEM; up to 4 pairs", 0, 0},
	{"key", OPTION_TEXTS, FIELD(key), "FILE", "its private key, PEM", 0, 0},
	{"psk", OPTION_TEXTS, FIELD(psk), "ID:HEX", "pre-shared key of a client; may be given again", 0, 0},
	{"psk-file", OPTION_TEXT, FIELD(psk_file), "FILE", "more of them: lines ID:HEX, # begins a comment", 0, 0},
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
	{"export", OPTION_TEXT, FIELD(export), "LABEL:LEN", "show LEN bytes of keying material (RFC 5705)", 0, 0},
	{"workers", OPTION_LATER, 0, "N", "worker threads", 0, 0},
	{"metrics", OPTION_LATER, 0, "ADDR", "metrics", 0, 0},
};

static const struct command_line server_line = {
	"tern server",
	"--listen ADDR (--cert FILE --key FILE | --psk ID:HEX)... [OPTION]...",
	"  tern cert self-signed --name localhost --cert cert.pem --key key.pem\n"
	"  tern server --listen 127.0.0.1:4444 --cert cert.pem --key key.pem --echo\n"
	"  tern server --listen 0.0.0.0:5684 --psk device-1:00112233445566778899aabbccddeeff\n"
	"  tern server --listen 4444 --cert cert.pem --key key.pem --ca ca.pem --require-client-cert --json\n",
	server_rows,
	sizeof server_rows / sizeof server_rows[0],
	options_shared,
	OPTIONS_NUM_SHARED,
};

static void send_to(struct server *s, const struct address *to, const uint8_t *datagram, size_t len)
{
	/* Any other error is a lost datagram, and those are expected. */
	if (udp_send(s->fd, datagram, len, to) || errno != EMSGSIZE || s->told_size)
		return;
	s->told_size = true;
	complain("--mtu: a datagram is too large for the path: give a smaller --mtu");
}

static void flush(struct server *s, const struct peer *p, struct association *a)
{
	for (int i = 0; i < FLIGHT_MAX; i++) {
		struct address to;
		tern_path path;
		size_t len = 0;
		tern_error error = tern_conn_take_path(a->conn, s->out, sizeof s->out, &len, &path, clock_now());
		if (error != TERN_OK && !a->dead) {
			report_failed(&s->report, p->party.name, a->conn);
			a->dead = true;
		}
		if (error != TERN_OK || len == 0)
			return;
		send_to(s, address_from_tern(&to, &path.remote) ? &to : &p->address, s->out, len);
	}
}

static bool is_alive(const struct association *a)
{
	return a->conn && !a->dead;
}

static const struct association *other_of(const struct peer *p, const struct association *a)
{
	return a == &p->current ? &p->candidate : &p->current;
}

/* A plaintext alert ends any handshake at that address, so a failed association is silent while the other one of its
 * peer still shakes hands. */
static bool may_speak(const struct peer *p, const struct association *a)
{
	const struct association *other = other_of(p, a);

	return !is_alive(other) || other->connected;
}

/* false: the association is over and its end was told. */
static bool check(struct server *s, struct peer *p, struct association *a, tern_error error)
{
	if (error == TERN_OK)
		return true;
	if (a->dead)
		return false;
	if (may_speak(p, a))
		flush(s, p, a);
	if (!a->dead)
		report_failed(&s->report, p->party.name, a->conn);
	a->dead = true;
	if (s->options->once && !is_alive(other_of(p, a)))
		s->status = STATUS_FAILURE;
	return false;
}

static void close_association(struct server *s, struct peer *p, struct association *a, bool by_peer)
{
	if (!is_alive(a))
		return;
	if (tern_conn_close(a->conn, clock_now()) == TERN_OK)
		flush(s, p, a);
	if (a->connected && !a->dead) {
		report_closed(&s->report, p->party.name, by_peer);
		report_stats(&s->report, p->party.name, a->conn);
	}
	a->dead = true;
}

static void echo(struct server *s, struct peer *p, struct association *a, const uint8_t *data, size_t len)
{
	size_t n = 0, max = tern_conn_max_data(a->conn);

	if (len > max) {
		complain("--echo: a record of %zu bytes does not fit the %zu that one of ours takes: give a larger "
			 "--mtu",
			 len, max);
		return;
	}
	if (!check(s, p, a, tern_conn_seal(a->conn, s->out, sizeof s->out, &n, data, len, clock_now())))
		return;
	send_to(s, &p->address, s->out, n);
	report_sent(&s->report, p->party.name, data, len, false);
}

/* Nothing can be sent before the handshake ends: it is kept behind its length. */
static void keep_early(struct association *a, const uint8_t *data, size_t len)
{
	uint8_t *grown = a->early_len + 2 + len <= EARLY_MAX ? realloc(a->early, a->early_len + 2 + len) : NULL;

	if (!grown) {
		complain("--echo: no room for so much early data: %zu bytes are not sent back", len);
		return;
	}
	a->early = grown;
	grown += a->early_len;
	grown[0] = (uint8_t)(len >> 8);
	grown[1] = (uint8_t)len;
	memcpy(grown + 2, data, len);
	a->early_len += 2 + len;
}

static void echo_early(struct server *s, struct peer *p, struct association *a)
{
	for (size_t at = 0; at < a->early_len && !a->dead;) {
		size_t len = (size_t)(a->early[at] << 8 | a->early[at + 1]);
		echo(s, p, a, a->early + at + 2, len);
		at += 2 + len;
	}
	free(a->early);
	a->early = NULL;
	a->early_len = 0;
}

/* --request-cert-after: now, or not yet. */
static void request_certificate(struct server *s, struct peer *p, struct association *a)
{
	tern_client_auth mode = s->options->require_client_cert ? TERN_CLIENT_AUTH_REQUIRED : TERN_CLIENT_AUTH_OPTIONAL;

	if (a->dead || s->options->request_cert_after < 0 || a->records != (uint64_t)s->options->request_cert_after)
		return;
	tern_error error = tern_conn_request_certificate(a->conn, mode, clock_now());
	if (error == TERN_ERROR_USAGE) {
		complain("%s: does not offer authentication after the handshake", p->party.name);
		if (s->options->require_client_cert)
			close_association(s, p, a, false);
		return;
	}
	check(s, p, a, error);
}

static void on_data(struct server *s, struct peer *p, struct association *a, const tern_event *event)
{
	if (!report_data(&s->report, p->party.name, event, !s->options->echo)) {
		s->status = complain("cannot write to stdout");
		s->over = true;
		return;
	}
	if (s->options->echo && event->kind == TERN_EVENT_EARLY_DATA)
		keep_early(a, event->data, event->len);
	else if (s->options->echo)
		echo(s, p, a, event->data, event->len);
	a->records++;
	request_certificate(s, p, a);
}

/* From now on it is found by that, wherever its datagrams come from. */
static void know_cid(struct server *s, struct peer *p, const struct association *a)
{
	tern_info info;

	tern_conn_info(a->conn, &info);
	peers_set_cid(&s->peers, p, info.own_cid, info.own_cid_len);
}

/* The peer keeps the name that it came with. */
static void follow(struct server *s, struct peer *p, const tern_path *path)
{
	struct address address;

	if (address_from_tern(&address, &path->remote))
		peers_move(&s->peers, p, &address);
}

static void on_event(struct server *s, struct peer *p, struct association *a, const tern_event *event)
{
	switch (event->kind) {
	case TERN_EVENT_CONNECTED:
		a->connected = true;
		know_cid(s, p, a);
		report_connected(&s->report, p->party.name, a->conn, &s->export);
		flush(s, p, a); /* what is sent back must not overtake it */
		echo_early(s, p, a);
		request_certificate(s, p, a);
		break;
	case TERN_EVENT_DATA:
	case TERN_EVENT_EARLY_DATA:
		on_data(s, p, a, event);
		break;
	case TERN_EVENT_CLOSED:
		close_association(s, p, a, true);
		break;
	case TERN_EVENT_LIMIT_NEAR:
		complain("%s: %s: the client should connect again", p->party.name, report_limit(event->limit));
		break;
	case TERN_EVENT_AUTHENTICATED:
	case TERN_EVENT_AUTH_DECLINED:
		report_authenticated(&s->report, p->party.name, a->conn, event->kind == TERN_EVENT_AUTH_DECLINED);
		break;
	case TERN_EVENT_PATH:
		report_path(&s->report, p->party.name, event, s->setup.verbose);
		if (event->path_event == TERN_PATH_CHANGED)
			follow(s, p, event->path);
		break;
	case TERN_EVENT_TICKET: /* a client's */
	case TERN_EVENT_PENDING: /* no callback of ours answers later */
	case TERN_EVENT_NONE:
		break;
	}
}

/* Returns whether the datagram turned out to be this association's. */
static bool feed(struct server *s, struct peer *p, struct association *a, const struct address *from, size_t len,
		 tern_time now)
{
	tern_path path = {address_tern(&s->bound), address_tern(from)};
	tern_event event = {.kind = TERN_EVENT_NONE};

	if (!check(s, p, a, tern_conn_feed(a->conn, s->datagram, len, &path, now)))
		return false;
	do {
		if (!check(s, p, a, tern_conn_next(a->conn, &event, now)))
			break;
		on_event(s, p, a, &event);
	} while (event.kind != TERN_EVENT_NONE && !a->dead && !s->over);
	bool mine = tern_conn_authenticated(a->conn);
	if (mine || !a->connected)
		p->last_ns = now.mono_ns;
	if (!a->dead)
		flush(s, p, a);
	return mine;
}

/* Buries what has died and lets a connected candidate take over: RFC 6347 4.2.8, RFC 9147 5.11. */
static void settle(struct server *s, struct peer *p)
{
	if (p->candidate.dead || (is_alive(&p->candidate) && p->candidate.connected)) {
		struct association *loser = p->candidate.dead ? &p->candidate : &p->current;
		association_free(loser);
		if (loser == &p->current)
			p->current = p->candidate;
		p->candidate = (struct association){.conn = NULL};
	}
	if (p->current.dead) {
		association_free(&p->current);
		p->current = p->candidate;
		p->candidate = (struct association){.conn = NULL};
	}
	if (p->current.conn)
		return;
	peers_remove(&s->peers, p);
	if (s->options->once)
		s->over = true;
}

static struct peer *peer_for(struct server *s, struct peer *p, const struct address *from)
{
	if (!p)
		p = peers_add(&s->peers, from);
	if (!p && !s->told_full) {
		s->told_full = true;
		complain("%d peers are connected: no more are accepted until some leave", PEERS_MAX);
	}
	return p;
}

static void accept_hello(struct server *s, struct peer *p, const struct address *from, size_t len,
			 const tern_verdict *verdict, tern_time now)
{
	tern_path path = {address_tern(&s->bound), address_tern(from)};
	tern_conn *conn;

	p = peer_for(s, p, from);
	if (!p)
		return;
	tern_error error = tern_accept(&conn, s->setup.pool, verdict, &path, now);
	if (error != TERN_OK) {
		complain("%s: cannot accept: %s", p->party.name, tern_error_sentence(error));
		if (!p->current.conn)
			peers_remove(&s->peers, p);
		return;
	}
	struct association *a = p->current.conn ? &p->candidate : &p->current;
	association_free(a);
	*a = (struct association){.conn = conn, .hello = hello_hash(s->datagram, len)};
	tern_conn_set_user(conn, &p->party);
	feed(s, p, a, from, len, now);
	settle(s, p);
}

/* Without cookies a handshake may be under way that asked for a second ClientHello. */
static bool continues(const struct peer *p, const tern_verdict *verdict)
{
	return p && verdict->message_seq > 0 && !verdict->address_proved &&
	       (is_alive(&p->candidate) || (is_alive(&p->current) && !p->current.connected));
}

/* A ClientHello that belongs to no association of its address. Returns false when it is none to be answered. */
static bool answer_hello(struct server *s, struct peer *p, const struct address *from, size_t len, tern_time now)
{
	tern_path path = {address_tern(&s->bound), address_tern(from)};
	tern_verdict verdict;
	size_t n = 0;

	if (tern_listen(s->setup.pool, &verdict, s->out, sizeof s->out, &n, s->datagram, len, &path, now) != TERN_OK)
		return false;
	if (verdict.kind == TERN_VERDICT_REPLY)
		send_to(s, from, s->out, n);
	else if (verdict.kind == TERN_VERDICT_ACCEPT && continues(p, &verdict))
		return false;
	else if (verdict.kind == TERN_VERDICT_ACCEPT)
		accept_hello(s, p, from, len, &verdict, now);
	else if (s->setup.verbose && !p)
		fprintf(stderr, "dropped %zu bytes: %s\n", len, tern_drop_sentence(verdict.drop));
	return verdict.kind != TERN_VERDICT_DROP;
}

static struct association *find_hello(struct peer *p, uint64_t hello)
{
	if (is_alive(&p->candidate) && p->candidate.hello == hello)
		return &p->candidate;
	return is_alive(&p->current) && p->current.hello == hello ? &p->current : NULL;
}

/* Whether a datagram from a known address may begin a new association. A later fragment of a hello belongs to a
 * handshake under way if there is one; without one, only to a client that has restarted. */
static bool starts_anew(const struct server *s, const struct peer *p, size_t len)
{
	tern_glance glance = tern_peek(s->datagram, len);
	bool shaking = is_alive(&p->candidate) || (is_alive(&p->current) && !p->current.connected);

	return glance.client_hello || (glance.hello_fragment && !shaking);
}

/* Who shakes hands is known by its address alone. */
static struct peer *find_peer(struct server *s, const struct address *from, size_t len)
{
	tern_bytes cid;
	struct peer *p = NULL;

	if (tern_find_cid(s->setup.config, s->datagram, len, &cid))
		p = peers_find_cid(&s->peers, cid.data, cid.len);
	return p ? p : peers_find(&s->peers, from);
}

static void on_datagram(struct server *s, const struct address *from, size_t len, tern_time now)
{
	struct peer *p = find_peer(s, from, len);

	if (!p || starts_anew(s, p, len)) {
		struct association *repeated = p ? find_hello(p, hello_hash(s->datagram, len)) : NULL;
		if (repeated) {
			feed(s, p, repeated, from, len, now);
			settle(s, p);
			return;
		}
		if (answer_hello(s, p, from, len, now) || !p)
			return;
	}
	/* Opening fails without a trace in the bytes, so the other association sees them as they came. */
	if (!is_alive(&p->candidate) || !feed(s, p, &p->candidate, from, len, now))
		feed(s, p, &p->current, from, len, now);
	settle(s, p);
}

static void receive(struct server *s)
{
	for (int i = 0; i < BATCH && !s->over; i++) {
		struct address from;
		ssize_t n = udp_receive(s->fd, s->datagram, sizeof s->datagram, &from);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n >= 0)
			on_datagram(s, &from, (size_t)n, clock_now());
	}
}

static uint64_t deadline_of(const struct association *a)
{
	return is_alive(a) ? tern_conn_deadline(a->conn) : TERN_NEVER;
}

static uint64_t next_deadline(const struct server *s)
{
	uint64_t deadline = s->peers.all ? s->sweep_ns : TERN_NEVER;

	for (const struct peer *p = s->peers.all; p; p = p->next) {
		uint64_t one = deadline_of(&p->current), two = deadline_of(&p->candidate);
		deadline = one < deadline ? one : deadline;
		deadline = two < deadline ? two : deadline;
	}
	return deadline;
}

static void tick(struct server *s, struct peer *p, struct association *a, tern_time now)
{
	if (deadline_of(a) <= now.mono_ns && check(s, p, a, tern_conn_tick(a->conn, now)))
		flush(s, p, a);
}

static void tick_all(struct server *s)
{
	tern_time now = clock_now();
	bool sweep = now.mono_ns >= s->sweep_ns;

	for (struct peer *p = s->peers.all, *next; p; p = next) {
		next = p->next;
		tick(s, p, &p->candidate, now);
		tick(s, p, &p->current, now);
		if (sweep && p->current.connected && now.mono_ns - p->last_ns > IDLE_NS)
			close_association(s, p, &p->current, false);
		settle(s, p);
	}
	if (sweep)
		s->sweep_ns = now.mono_ns + SWEEP_NS;
}

static void run(struct server *s)
{
	while (!s->over && !stop_requested()) {
		struct pollfd fd = {s->fd, POLLIN, 0};
		if (wait_until(&fd, 1, next_deadline(s)))
			receive(s);
		tick_all(s);
	}
	while (s->peers.all) {
		struct peer *p = s->peers.all;
		close_association(s, p, &p->candidate, false);
		close_association(s, p, &p->current, false);
		peers_remove(&s->peers, p);
	}
}

static int start(struct server *s)
{
	char text[ADDRESS_TEXT];
	uint64_t key;

	if (RAND_bytes((unsigned char *)&key, sizeof key) != 1)
		return complain("no random bytes to be had");
	peers_init(&s->peers, key);
	int status = setup_open(&s->setup, s->options, true);
	if (status == OPTIONS_GO)
		status = udp_listen(&s->fd, &s->bound, "--listen", s->options->listen);
	if (status != OPTIONS_GO)
		return status;
	address_text(text, &s->bound);
	report_listening(&s->report, text);
	return OPTIONS_GO;
}

int command_server(int argc, char **argv)
{
	struct options options = {.request_cert_after = -1, .cid_length = CID_UNSAID};
	struct texts operands;
	int status = options_parse(&server_line, &options, &operands, argc, argv);

	if (status != OPTIONS_GO)
		return status;
	if (operands.num)
		return usage_error("%s: unexpected argument", operands.text[0]);
	if (!options.listen)
		return usage_error("--listen is missing: give an address such as 127.0.0.1:4444");
	struct server *s = calloc(1, sizeof *s);
	if (!s)
		return complain("out of memory");
	s->options = &options;
	s->report = (struct report){.json = options.json, .server = true};
	s->fd = -1;
	stop_catch();
	status = parse_export(&s->export, options.export) ? start(s) : STATUS_USAGE;
	if (status == OPTIONS_GO) {
		run(s);
		status = s->status;
	}
	setup_close(&s->setup);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
	return status;
}
