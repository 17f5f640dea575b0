/* demo.c - tern demo: a handshake through a lossy path, drawn while it happens. Client and server live in this process;
 * their datagrams go over real UDP sockets on loopback, after fate.h has spoken. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "fate.h"
#include "json.h"
#include "ladder.h"
#include "options.h"
#include "report.h"
#include "tern/cert.h"
#include "trace.h"
#include "udp.h"

enum {
	PIECES_MAX = 48,
	PIECE_TEXT = 96,
	FLYING_MAX = 256,
	MTU = 512,
	FLIGHT_MAX = 256,
	MESSAGES = 3,
	STEPS_MAX = 100000,
	ALERT = 21,
	SERVER_HELLO = 2,
	HANDSHAKE_TYPE_AT = 13, /* in a plaintext datagram */
	FIRST_DATA_EPOCH = 3 /* of DTLS 1.3; 1.2 has no later one */
};
static const enum direction CLIENT = FROM_CLIENT, SERVER = FROM_SERVER;

static const uint64_t MS_NS = 1000000, FIRST_TIMEOUT_MS = 100, PATH_DELAY_MS = 10, HANDSHAKE_MS = 10000;
static const uint64_t DATA_MS = 400, KEYS_MS = 3000, CLOSE_MS = 150;
static const int64_t DEFAULT_SEED = 7;
static const double DEFAULT_LOSS = 20;

struct piece {
	char text[PIECE_TEXT];
	size_t bytes;
	bool again;
};

struct side {
	int fd;
	struct address address;
	tern_config *config;
	tern_pool *pool;
	tern_conn *conn;
	bool connected, closing, closed, failed;
	uint64_t timeout_ns; /* as last set */
	size_t num_pieces; /* of what it sends, not yet in a datagram that was drawn */
	struct piece pieces[PIECES_MAX];
	tern_drop drop; /* why the last num_dropped records were dropped, not yet told */
	unsigned num_dropped;
	unsigned num_kept; /* records that came before their keys, not yet told */
	unsigned said, received; /* application records */
	unsigned new_keys; /* after the handshake's */
	uint64_t sent, lost, again, bytes; /* datagrams; again: records */
};

struct flying {
	enum direction direction;
	uint64_t due_ns;
	size_t len;
	uint8_t datagram[MTU];
};

struct demo {
	struct fate_rules rules;
	struct report report;
	struct ladder ladder;
	tern_protocol oldest, newest;
	struct side sides[NUM_DIRECTIONS];
	uint64_t count[NUM_DIRECTIONS];
	enum direction acting; /* whose connection is being called: the trace's side */
	uint64_t began_ns;
	size_t first_flying, num_flying; /* a ring: the delay is constant, so first in, first out */
	struct flying flying[FLYING_MAX];
	uint8_t session[TERN_SESSION_MAX];
	size_t session_len;
	char fingerprint[TERN_FINGERPRINT_TEXT];
	uint64_t handshake_ns[2]; /* how long the full and the resumed one took */
};

struct demo_options {
	const char *dtls;
	double loss;
	int64_t seed;
	bool json;
};

#define DEMO_FIELD(name) offsetof(struct demo_options, name)

static const struct option_row demo_rows[] = {
	{"dtls", OPTION_TEXT, DEMO_FIELD(dtls), "VERSION", "protocol version: 1.3 (the default) or 1.2", 0, 0},
	{"loss", OPTION_PERCENT, DEMO_FIELD(loss), "P", "percent of datagrams lost, each way (default 20)", 0, 0},
	{"seed", OPTION_NUMBER, DEMO_FIELD(seed), "N", "another seed, other losses", 0, INT64_MAX},
	{"json", OPTION_FLAG, DEMO_FIELD(json), NULL, "no drawing: events on stdout, one JSON object a line", 0, 0},
};

static const struct command_line demo_line = {
	"tern demo",
	"[OPTION]...",
	"  tern demo\n"
	"  tern demo --loss 40 --seed 3\n"
	"  tern demo --loss 0\n",
	demo_rows,
	sizeof demo_rows / sizeof demo_rows[0],
	NULL,
	0,
	NULL,
};

static double elapsed_ms(const struct demo *d)
{
	return (double)(clock_now().mono_ns - d->began_ns) / 1e6;
}

static void note(struct demo *d, enum direction side, enum ladder_mood mood, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void note(struct demo *d, enum direction side, enum ladder_mood mood, const char *format, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	ladder_note(&d->ladder, elapsed_ms(d), side == CLIENT, mood, text);
}

/* ---- what is in each datagram */

static void add_piece(struct side *s, const char *text, size_t bytes, bool again)
{
	if (s->num_pieces == PIECES_MAX)
		return;
	struct piece *piece = &s->pieces[s->num_pieces++];
	*piece = (struct piece){.bytes = bytes, .again = again};
	snprintf(piece->text, sizeof piece->text, "%s %zu%s", text, bytes, again ? " (again)" : "");
}

/* Records kept, or dropped for one reason, in one line. */
static void tell_unread(struct demo *d, enum direction side)
{
	struct side *s = &d->sides[side];

	if (s->num_kept)
		note(d, side, LADDER_PLAIN, "kept %u record%s that came before the keys", s->num_kept,
		     s->num_kept == 1 ? "" : "s");
	s->num_kept = 0;
	if (s->num_dropped == 1)
		note(d, side, LADDER_PLAIN, "dropped: %s", tern_drop_sentence(s->drop));
	else if (s->num_dropped)
		note(d, side, LADDER_PLAIN, "dropped %u records: %s", s->num_dropped, tern_drop_sentence(s->drop));
	s->num_dropped = 0;
}

static void on_trace(void *user, const tern_conn *conn, const tern_trace *trace)
{
	struct demo *d = user;
	struct side *s = &d->sides[d->acting];
	char text[PIECE_TEXT - 24];

	(void)conn;
	switch (trace->kind) {
	case TERN_TRACE_SENT:
		trace_content(text, sizeof text, trace);
		if (trace->content_type == ALERT && s->closing)
			snprintf(text, sizeof text, "close_notify");
		add_piece(s, text, trace->length, trace->retransmission);
		s->again += trace->retransmission;
		break;
	case TERN_TRACE_TIMER:
		s->timeout_ns = trace->timeout_ns;
		break;
	case TERN_TRACE_TIMEOUT:
		note(d, d->acting, LADDER_TIMER, "timer: no answer within %.0f ms, sending the flight again",
		     (double)s->timeout_ns / 1e6);
		break;
	case TERN_TRACE_KEPT:
		s->num_kept++;
		break;
	case TERN_TRACE_DROPPED:
		if (trace->drop == TERN_DROP_CLOSED) /* the answer to our close_notify */
			break;
		if (s->num_dropped && s->drop != (tern_drop)trace->drop)
			tell_unread(d, d->acting);
		s->drop = (tern_drop)trace->drop;
		s->num_dropped++;
		break;
	case TERN_TRACE_MTU:
		note(d, d->acting, LADDER_TIMER, "largest datagram from now on: %u bytes", trace->length);
		break;
	case TERN_TRACE_KEYS:
		if (trace->epoch <= FIRST_DATA_EPOCH)
			break;
		s->new_keys++;
		note(d, d->acting, LADDER_GOOD, "new keys to %s with: epoch %u", trace->writing ? "send" : "receive",
		     trace->epoch);
		break;
	case TERN_TRACE_RECEIVED:
		break;
	}
}

/* ---- the path */

static void tell_datagram(struct demo *d, const struct ladder_arrow *arrow)
{
	char content[PIECES_MAX * 16] = "";

	ladder_draw(&d->ladder, arrow);
	if (!d->report.json)
		return;
	for (size_t i = 0; i < arrow->num_pieces; i++) {
		size_t len = strlen(content);
		snprintf(content + len, sizeof content - len, "%s%s", len ? ", " : "", arrow->pieces[i]);
	}
	json_begin("datagram");
	json_number("ms", (uint64_t)arrow->ms);
	json_text("from", arrow->from_client ? "client" : "server");
	json_number("length", arrow->bytes);
	json_text("content", content);
	json_bool("retransmission", arrow->again);
	json_bool("lost", arrow->lost != NULL);
	json_end();
}

/* The pieces at hand belong to this datagram as far as their bytes add up to it. */
static void draw_datagram(struct demo *d, enum direction from, size_t len, const char *lost)
{
	struct side *s = &d->sides[from];
	const char *pieces[PIECES_MAX];
	struct ladder_arrow arrow = {elapsed_ms(d), from == CLIENT, true, pieces, 0, len, lost};
	size_t bytes = 0, n = 0;

	while (n < s->num_pieces && bytes + s->pieces[n].bytes <= len) {
		pieces[n] = s->pieces[n].text;
		bytes += s->pieces[n].bytes;
		arrow.again &= s->pieces[n].again;
		n++;
	}
	arrow.num_pieces = n;
	arrow.again &= n > 0;
	tell_datagram(d, &arrow);
	memmove(s->pieces, s->pieces + n, (s->num_pieces - n) * sizeof s->pieces[0]);
	s->num_pieces -= n;
}

static void launch(struct demo *d, enum direction from, const uint8_t *datagram, size_t len)
{
	struct fate fate = fate_of(&d->rules, 0, from, ++d->count[from], len);
	struct side *s = &d->sides[from];

	draw_datagram(d, from, len, fate.why);
	s->sent++;
	s->bytes += len;
	s->lost += fate.lost;
	if (fate.lost || d->num_flying == FLYING_MAX || len > MTU)
		return;
	struct flying *f = &d->flying[(d->first_flying + d->num_flying++) % FLYING_MAX];
	f->direction = from;
	f->due_ns = clock_now().mono_ns + fate.delay_ns;
	f->len = len;
	memcpy(f->datagram, datagram, len);
}

static void land(struct demo *d)
{
	uint64_t now_ns = clock_now().mono_ns;

	while (d->num_flying && d->flying[d->first_flying].due_ns <= now_ns) {
		const struct flying *f = &d->flying[d->first_flying];
		const struct side *to = &d->sides[f->direction == CLIENT ? SERVER : CLIENT];
		if (!udp_send(d->sides[f->direction].fd, f->datagram, f->len, &to->address))
			complain("loopback: %s", strerror(errno));
		d->first_flying = (d->first_flying + 1) % FLYING_MAX;
		d->num_flying--;
	}
}

/* ---- the two sides */

static void flush(struct demo *d, enum direction side)
{
	uint8_t datagram[MTU];
	size_t len = 0;

	d->acting = side;
	for (int i = 0; i < FLIGHT_MAX; i++) {
		if (tern_conn_take(d->sides[side].conn, datagram, sizeof datagram, &len, clock_now()) != TERN_OK ||
		    !len)
			return;
		launch(d, side, datagram, len);
	}
}

static bool check(struct demo *d, enum direction side, tern_error error)
{
	static const char *const names[] = {"client", "server"};
	struct side *s = &d->sides[side];

	if (error == TERN_OK)
		return true;
	if (!s->failed) {
		s->failed = true;
		flush(d, side);
		note(d, side, LADDER_BAD, "%s", tern_error_sentence(error));
		report_failed(&d->report, names[side], s->conn);
	}
	return false;
}

static void say(struct demo *d, enum direction side, const char *text)
{
	struct side *s = &d->sides[side];
	uint8_t datagram[MTU];
	size_t len = 0;

	d->acting = side;
	if (!s->connected || s->failed ||
	    !check(d, side,
		   tern_conn_seal(s->conn, datagram, sizeof datagram, &len, (const uint8_t *)text, strlen(text),
				  clock_now())))
		return;
	s->said++;
	s->num_pieces = 0;
	snprintf(s->pieces[0].text, PIECE_TEXT, "\"%s\"", text);
	s->pieces[0].bytes = len;
	s->pieces[0].again = false;
	s->num_pieces = 1;
	launch(d, side, datagram, len);
}

static void on_connected(struct demo *d, enum direction side)
{
	static const char *const names[] = {"client", "server"};
	struct side *s = &d->sides[side];
	tern_info info;

	tern_conn_info(s->conn, &info);
	s->connected = true;
	note(d, side, LADDER_GOOD, "%s%s", side == CLIENT ? "connected, server authenticated" : "connected",
	     info.resumed ? " (resumed)" : "");
	if (d->report.json)
		report_connected(&d->report, names[side], s->conn, NULL);
}

static void on_event(struct demo *d, enum direction side, const tern_event *event)
{
	struct side *s = &d->sides[side];

	switch (event->kind) {
	case TERN_EVENT_CONNECTED:
		on_connected(d, side);
		break;
	case TERN_EVENT_DATA:
		s->received++;
		note(d, side, LADDER_PLAIN, "received \"%.*s\"", (int)event->len, (const char *)event->data);
		break;
	case TERN_EVENT_TICKET:
		if (tern_conn_session(s->conn, d->session, sizeof d->session, &d->session_len) == TERN_OK)
			note(d, side, LADDER_PLAIN, "session kept, to resume later");
		break;
	case TERN_EVENT_CLOSED:
		s->closed = s->closing = true;
		note(d, side, LADDER_PLAIN, "the other side closed");
		break;
	case TERN_EVENT_PENDING:
	case TERN_EVENT_EARLY_DATA: /* not turned on */
	case TERN_EVENT_LIMIT_NEAR:
	case TERN_EVENT_AUTHENTICATED:
	case TERN_EVENT_AUTH_DECLINED:
	case TERN_EVENT_PATH:
	case TERN_EVENT_NONE:
		break;
	}
}

static void feed(struct demo *d, enum direction side, uint8_t *datagram, size_t len)
{
	struct side *s = &d->sides[side];
	tern_event event = {.kind = TERN_EVENT_NONE};

	d->acting = side;
	if (!s->conn || s->failed || !check(d, side, tern_conn_feed(s->conn, datagram, len, NULL, clock_now())))
		return;
	do {
		if (!check(d, side, tern_conn_next(s->conn, &event, clock_now())))
			return;
		on_event(d, side, &event);
	} while (event.kind != TERN_EVENT_NONE);
	tell_unread(d, side);
	flush(d, side);
}

/* The server's first datagrams: cookie, then a connection. */
static void greet(struct demo *d, uint8_t *datagram, size_t len)
{
	struct side *s = &d->sides[SERVER];
	uint8_t reply[MTU];
	size_t n = 0;
	tern_verdict verdict;
	tern_path path = {address_tern(&s->address), address_tern(&d->sides[CLIENT].address)};
	tern_time now = clock_now();

	d->acting = SERVER;
	if (tern_listen(s->pool, &verdict, reply, sizeof reply, &n, datagram, len, &path, now) != TERN_OK)
		return;
	if (verdict.kind == TERN_VERDICT_REPLY) {
		s->num_pieces = 0;
		add_piece(s, reply[HANDSHAKE_TYPE_AT] == SERVER_HELLO ? "HelloRetryRequest" : "HelloVerifyRequest", n,
			  false);
		launch(d, SERVER, reply, n);
	} else if (verdict.kind == TERN_VERDICT_ACCEPT &&
		   tern_accept(&s->conn, s->pool, &verdict, &path, now) == TERN_OK) {
		s->num_pieces = 0;
		feed(d, SERVER, datagram, len);
	}
}

static void receive(struct demo *d, enum direction side)
{
	uint8_t datagram[MTU + 1];
	struct address from;
	ssize_t n = udp_receive(d->sides[side].fd, datagram, sizeof datagram, &from);

	/* Others on this machine can send to the port too. */
	if (n < 0 || !address_equal(&from, &d->sides[side == CLIENT ? SERVER : CLIENT].address))
		return;
	if (side == SERVER && !d->sides[SERVER].conn)
		greet(d, datagram, (size_t)n);
	else
		feed(d, side, datagram, (size_t)n);
}

static uint64_t deadline_of(const struct side *s)
{
	return s->conn && !s->failed ? tern_conn_deadline(s->conn) : TERN_NEVER;
}

static void tick(struct demo *d, enum direction side)
{
	d->acting = side;
	if (deadline_of(&d->sides[side]) <= clock_now().mono_ns &&
	    check(d, side, tern_conn_tick(d->sides[side].conn, clock_now())))
		flush(d, side);
}

typedef bool done_fn(const struct demo *d);

/* Lets things happen until done, a failure or the deadline. */
static void run(struct demo *d, done_fn *done, uint64_t ms)
{
	uint64_t end_ns = clock_now().mono_ns + ms * MS_NS;

	for (int i = 0; i < STEPS_MAX && !stop_requested(); i++) {
		struct pollfd fds[] = {{d->sides[CLIENT].fd, POLLIN, 0}, {d->sides[SERVER].fd, POLLIN, 0}};
		uint64_t deadline = end_ns;
		for (int side = 0; side < NUM_DIRECTIONS; side++) {
			uint64_t one = deadline_of(&d->sides[side]);
			deadline = one < deadline ? one : deadline;
		}
		if (d->num_flying && d->flying[d->first_flying].due_ns < deadline)
			deadline = d->flying[d->first_flying].due_ns;
		bool ready = wait_until(fds, 2, deadline);
		land(d);
		for (int side = 0; side < NUM_DIRECTIONS; side++) {
			if (ready && fds[side].revents)
				receive(d, (enum direction)side);
			tick(d, (enum direction)side);
		}
		if ((done(d) && !d->num_flying) || d->sides[CLIENT].failed || clock_now().mono_ns >= end_ns)
			return;
	}
}

/* ---- the scenes */

static bool both_connected(const struct demo *d)
{
	return d->sides[CLIENT].connected && d->sides[SERVER].connected;
}

static bool never(const struct demo *d)
{
	(void)d;
	return false;
}

static bool server_closed(const struct demo *d)
{
	return d->sides[SERVER].closed;
}

static void forget(struct side *s)
{
	tern_conn_free(s->conn);
	s->conn = NULL;
	s->connected = s->closing = s->closed = s->failed = false;
	s->num_pieces = 0;
}

static bool handshake(struct demo *d, const char *heading, bool resume)
{
	struct side *c = &d->sides[CLIENT];
	tern_path path = {address_tern(&c->address), address_tern(&d->sides[SERVER].address)};
	tern_client_options options = {.size = sizeof options, .server_name = "localhost", .path = &path};
	uint64_t start_ns = clock_now().mono_ns;

	ladder_heading(&d->ladder, heading);
	ladder_top(&d->ladder);
	if (resume) {
		options.session = d->session;
		options.session_len = d->session_len;
	}
	d->acting = CLIENT;
	tern_error error = tern_client(&c->conn, c->pool, &options, clock_now());
	if (error != TERN_OK) {
		complain("cannot start a client: %s", tern_error_sentence(error));
		return false;
	}
	flush(d, CLIENT);
	run(d, both_connected, HANDSHAKE_MS);
	d->handshake_ns[resume] = clock_now().mono_ns - start_ns;
	return both_connected(d);
}

static void exchange(struct demo *d)
{
	static const char *const words[NUM_DIRECTIONS][MESSAGES] = {
		{"the tern flies far", "from pole to pole", "and gets through"},
		{"so does a datagram", "most of the time", "until next summer"},
	};

	ladder_heading(&d->ladder, "Data both ways (what is lost stays lost: DTLS repeats handshakes, not data)");
	ladder_top(&d->ladder);
	for (int i = 0; i < MESSAGES; i++) {
		say(d, CLIENT, words[CLIENT][i]);
		say(d, SERVER, words[SERVER][i]);
		run(d, never, DATA_MS / MESSAGES / 4);
	}
}

static bool keys_are_new(const struct demo *d)
{
	return d->sides[CLIENT].new_keys >= 2 && d->sides[SERVER].new_keys >= 2;
}

/* DTLS 1.3 only: the client changes its keys and asks the server to change its own. */
static void change_keys(struct demo *d)
{
	ladder_heading(&d->ladder, "New keys for both, without a new handshake");
	ladder_top(&d->ladder);
	d->acting = CLIENT;
	if (tern_conn_rekey(d->sides[CLIENT].conn, true, clock_now()) != TERN_OK)
		return;
	flush(d, CLIENT);
	run(d, keys_are_new, KEYS_MS);
	say(d, CLIENT, "in a new plumage");
	run(d, never, DATA_MS / MESSAGES / 4);
}

/* What still lies in the sockets was for associations that are gone. */
static void drain(struct demo *d)
{
	uint8_t datagram[MTU];

	for (int i = 0; i < FLYING_MAX; i++) {
		ssize_t at_client = udp_receive(d->sides[CLIENT].fd, datagram, sizeof datagram, NULL);
		ssize_t at_server = udp_receive(d->sides[SERVER].fd, datagram, sizeof datagram, NULL);
		if (at_client < 0 && at_server < 0)
			return;
	}
}

static void part(struct demo *d)
{
	d->acting = CLIENT;
	d->sides[CLIENT].closing = true;
	if (tern_conn_close(d->sides[CLIENT].conn, clock_now()) == TERN_OK)
		flush(d, CLIENT);
	run(d, server_closed, CLOSE_MS);
	drain(d);
	forget(&d->sides[CLIENT]);
	forget(&d->sides[SERVER]);
}

static void summarize(const struct demo *d, const tern_info *full, bool resumed)
{
	const struct side *c = &d->sides[CLIENT], *s = &d->sides[SERVER];
	char text[256];

	ladder_heading(&d->ladder, "Summary");
	ladder_fact(&d->ladder, "version", full->version == TERN_DTLS13 ? "DTLS 1.3" : "DTLS 1.2");
	ladder_fact(&d->ladder, "suite", full->suite);
	snprintf(text, sizeof text, "%s, signed with %s", full->group, full->scheme);
	ladder_fact(&d->ladder, "key exchange", text);
	snprintf(text, sizeof text, "%.40s..., made for this demo, verified by the client", d->fingerprint);
	ladder_fact(&d->ladder, "certificate", text);
	snprintf(text, sizeof text,
		 "full handshake %.0f ms, resumed %.0f ms%s (%" PRIu64 " ms each way, first timeout %" PRIu64 " ms)",
		 (double)d->handshake_ns[0] / 1e6, (double)d->handshake_ns[1] / 1e6, resumed ? "" : " (not resumed)",
		 PATH_DELAY_MS, FIRST_TIMEOUT_MS);
	ladder_fact(&d->ladder, "time", text);
	snprintf(text, sizeof text, "%" PRIu64 " sent, %" PRIu64 " lost; %" PRIu64 " records were sent again",
		 (c->sent + s->sent), (c->lost + s->lost), (c->again + s->again));
	ladder_fact(&d->ladder, "datagrams", text);
	snprintf(text, sizeof text, "%" PRIu64 " from the client, %" PRIu64 " from the server", c->bytes, s->bytes);
	ladder_fact(&d->ladder, "bytes", text);
	snprintf(text, sizeof text, "%u of %u records reached the server, %u of %u the client", s->received, c->said,
		 c->received, s->said);
	ladder_fact(&d->ladder, "data", text);
	snprintf(text, sizeof text, "tern demo --loss %g --seed %" PRIu64, d->rules.loss, d->rules.seed);
	ladder_fact(&d->ladder, "the same again", text);
}

static int perform(struct demo *d)
{
	tern_info full, info;

	if (!handshake(d, "A full handshake", false))
		return STATUS_FAILURE;
	tern_conn_info(d->sides[CLIENT].conn, &full);
	exchange(d);
	if (full.version == TERN_DTLS13)
		change_keys(d);
	report_stats(&d->report, "client", d->sides[CLIENT].conn);
	report_stats(&d->report, "server", d->sides[SERVER].conn);
	part(d);
	if (!handshake(d, "The same client again: a resumed handshake", true))
		return STATUS_FAILURE;
	tern_conn_info(d->sides[CLIENT].conn, &info);
	part(d);
	summarize(d, &full, info.resumed);
	return STATUS_OK;
}

/* ---- the set-up */

static tern_error configure(struct demo *d, struct side *s)
{
	tern_limits limits = {.size = sizeof limits, .mtu = MTU};
	tern_timers timers = {.size = sizeof timers,
			      .first_ns = FIRST_TIMEOUT_MS * MS_NS,
			      .cap_ns = 4 * FIRST_TIMEOUT_MS * MS_NS,
			      .handshake_ns = HANDSHAKE_MS * MS_NS,
			      .max_tries = 30,
			      .no_rtt = true,
			      .no_jitter = true};
	tern_error error = tern_config_set_limits(s->config, &limits);

	if (error == TERN_OK)
		error = tern_config_set_versions(s->config, d->oldest, d->newest);
	if (error == TERN_OK)
		error = tern_config_set_timers(s->config, &timers);
	if (error == TERN_OK)
		error = tern_config_set_trace(s->config, on_trace, d);
	return error;
}

static tern_error make_pools(struct demo *d)
{
	char cert[TERN_CERT_PEM_MAX], key[TERN_KEY_PEM_MAX];
	static const char *const names[] = {"localhost"};
	size_t cert_len = 0, key_len = 0;
	struct side *c = &d->sides[CLIENT], *s = &d->sides[SERVER];
	tern_cert_options options = {
		.size = sizeof options, .key_type = TERN_KEY_P256, .names = names, .num_names = 1, .days = 1};
	tern_error error = tern_cert_make(cert, &cert_len, key, &key_len, &options, clock_now());

	c->config = tern_config_new(NULL);
	s->config = tern_config_new(NULL);
	if (error == TERN_OK && (!c->config || !s->config))
		error = TERN_ERROR_NO_MEMORY;
	if (error == TERN_OK)
		error = tern_cert_fingerprint(d->fingerprint, cert, cert_len);
	if (error == TERN_OK)
		error = tern_config_add_keypair(s->config, cert, cert_len, key, key_len);
	if (error == TERN_OK)
		error = tern_config_add_trust(c->config, cert, cert_len);
	for (int side = 0; error == TERN_OK && side < NUM_DIRECTIONS; side++) {
		error = configure(d, &d->sides[side]);
		if (error == TERN_OK)
			error = tern_pool_new(&d->sides[side].pool, d->sides[side].config);
	}
	explicit_bzero(key, sizeof key);
	return error;
}

static int open_demo(struct demo *d)
{
	for (int side = 0; side < NUM_DIRECTIONS; side++) {
		int status = udp_listen(&d->sides[side].fd, &d->sides[side].address, "demo", "127.0.0.1:0");
		if (status != OPTIONS_GO)
			return status;
	}
	tern_error error = make_pools(d);
	if (error != TERN_OK)
		return complain("cannot start: %s", tern_error_sentence(error));
	return OPTIONS_GO;
}

static void close_demo(struct demo *d)
{
	for (int side = 0; side < NUM_DIRECTIONS; side++) {
		struct side *s = &d->sides[side];
		tern_conn_free(s->conn);
		tern_pool_free(s->pool);
		tern_config_free(s->config);
		if (s->fd >= 0)
			close(s->fd);
	}
	explicit_bzero(d->session, sizeof d->session);
}

int command_demo(int argc, char **argv)
{
	struct demo_options options = {.loss = DEFAULT_LOSS, .seed = DEFAULT_SEED};
	struct texts operands;
	int status = options_parse(&demo_line, &options, &operands, argc, argv);

	if (status != OPTIONS_GO)
		return status;
	if (operands.num)
		return usage_error("%s: unexpected argument", operands.text[0]);
	tern_protocol oldest = TERN_DTLS12, newest = TERN_DTLS13;
	if (options.dtls && !dtls_versions(options.dtls, &oldest, &newest))
		return STATUS_USAGE;
	struct demo *d = calloc(1, sizeof *d);
	if (!d)
		return complain("out of memory");
	d->rules = (struct fate_rules){.seed = (uint64_t)options.seed,
				       .loss = options.loss,
				       .delay_ns = PATH_DELAY_MS * MS_NS};
	d->oldest = oldest;
	d->newest = newest;
	d->report = (struct report){.json = options.json};
	d->sides[CLIENT].fd = d->sides[SERVER].fd = -1;
	ladder_init(&d->ladder, options.json ? NULL : stdout);
	stop_catch();
	status = open_demo(d);
	d->began_ns = clock_now().mono_ns;
	if (status == OPTIONS_GO)
		status = perform(d);
	close_demo(d);
	free(d);
	return status;
}
