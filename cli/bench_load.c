/* bench_load.c - the load of tern bench: lanes, each a connection after the other or one that is kept busy. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "commands.h"
#include "report.h"

enum { DIALING_MAX = 256 }; /* handshakes at a time while the lanes of a record run are opened */
static const uint64_t SECOND_NS = 1000000000, TICK_NS = 100000000, LOST_NS = 1000000000;

static volatile sig_atomic_t stop_asked;

static void on_stop(int signal)
{
	(void)signal;
	stop_asked = 1;
}

static void catch_stop(void)
{
	struct sigaction action = {.sa_handler = on_stop};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static uint64_t now_ns(void)
{
	return clock_now().mono_ns;
}

/* ---- connections ---- */

static int dial(struct bench *b, struct lane *lane)
{
	tern_dial_options options = {
		.size = sizeof options,
		.remote = b->remote,
		.server_name = b->options->common.server_name ? b->options->common.server_name : b->host,
		.session = b->session_len ? b->session : NULL,
		.session_len = b->session_len,
		.user = lane,
	};
	tern_error error;

	tern_endpoint_text(lane->party.name, &b->remote);
	lane->connected = false;
	lane->in_flight = 0;
	lane->began_ns = now_ns();
	error = tern_endpoint_dial(b->endpoint, &lane->peer, &options);
	if (error != TERN_OK)
		return complain("cannot start a connection: %s", tern_error_sentence(error));
	b->num_dialing++;
	return OPTIONS_GO;
}

static void begin_measuring(struct bench *b)
{
	b->measuring = true;
	b->start_ns = now_ns();
	b->end_ns = b->start_ns + (uint64_t)b->options->seconds * SECOND_NS;
	b->cpu_ns = bench_cpu_ns();
	b->counts = (struct bench_counts){.failed = b->counts.failed};
	memset(&b->latency, 0, sizeof b->latency);
}

/* ---- records ---- */

static bool lane_sends(struct bench *b, struct lane *lane)
{
	uint64_t now = now_ns();
	tern_error error;

	memcpy(b->payload, &now, sizeof now);
	memcpy(b->payload + sizeof now, &b->counts.sent, sizeof b->counts.sent);
	error = tern_endpoint_send(b->endpoint, lane->peer, b->payload, (size_t)b->options->length);
	b->blocked = error == TERN_WOULD_BLOCK;
	if (error != TERN_OK)
		return false;
	b->counts.sent++;
	lane->in_flight++;
	return true;
}

static void fill_window(struct bench *b, struct lane *lane)
{
	while (lane->connected && !b->blocked && lane->in_flight < (uint64_t)b->options->window)
		if (!lane_sends(b, lane))
			return;
}

static void on_answer(struct bench *b, struct lane *lane, const tern_event *event)
{
	uint64_t sent, now = now_ns();

	if (!b->measuring || b->mode != BENCH_RECORDS || event->len != (size_t)b->options->length)
		return;
	memcpy(&sent, event->data, sizeof sent);
	b->counts.answered++;
	if (sent >= b->start_ns && sent <= now)
		histogram_add(&b->latency, now - sent);
	lane->heard_ns = now;
	lane->in_flight -= lane->in_flight > 0;
	fill_window(b, lane);
}

/* What was under way on lanes that were silent for too long is lost: they begin anew. */
static void look_after_lanes(struct bench *b, uint64_t now)
{
	for (size_t i = 0; b->mode == BENCH_RECORDS && i < b->num_lanes; i++) {
		struct lane *lane = &b->lanes[i];
		if (!lane->connected || now - lane->heard_ns < LOST_NS)
			continue;
		b->counts.lost += lane->in_flight;
		lane->in_flight = 0;
		lane->heard_ns = now;
		fill_window(b, lane);
	}
}

/* One way there is no answer to wait for: each lane sends a burst, and what came of it is looked at. */
static void send_burst(struct bench *b)
{
	for (size_t i = 0; i < b->num_lanes && !b->blocked; i++) {
		b->lanes[i].in_flight = 0;
		fill_window(b, &b->lanes[i]);
	}
	tern_endpoint_flush(b->endpoint);
}

static void begin_records(struct bench *b)
{
	begin_measuring(b);
	for (size_t i = 0; b->mode == BENCH_RECORDS && i < b->num_lanes; i++) {
		b->lanes[i].heard_ns = b->start_ns;
		fill_window(b, &b->lanes[i]);
	}
}

/* ---- events ---- */

static int fill_lanes(struct bench *b)
{
	size_t wanted = b->mode == BENCH_HANDSHAKES || b->num_lanes < DIALING_MAX ? b->num_lanes : DIALING_MAX;
	int status = OPTIONS_GO;

	for (size_t i = 0; i < b->num_lanes && b->num_dialing < wanted && status == OPTIONS_GO; i++) {
		if (!b->lanes[i].peer)
			status = dial(b, &b->lanes[i]);
	}
	return status;
}

static void on_connected(struct bench *b, struct lane *lane, const tern_conn *conn)
{
	lane->connected = true;
	b->num_connected++;
	b->num_dialing--;
	b->counts.handshakes++;
	tern_conn_info(conn, &b->info);
	b->counts.resumed += b->info.resumed;
	if (b->mode == BENCH_HANDSHAKES) {
		histogram_add(&b->latency, now_ns() - lane->began_ns);
		tern_endpoint_close(b->endpoint, lane->peer);
	} else if ((size_t)b->options->length > tern_conn_max_data(conn)) {
		complain("--length %lld: %zu bytes fit one record here: give a larger --mtu",
			 (long long)b->options->length, tern_conn_max_data(conn));
		b->stopped = true;
		b->counts.failed++;
	} else if (b->num_connected == b->num_lanes && !b->measuring) {
		begin_records(b);
	}
}

static void tell_failure(struct bench *b, const tern_endpoint_event *event)
{
	struct report report = {.json = false};
	char name[TERN_ADDRESS_TEXT];

	b->counts.failed++;
	if (b->told_failure)
		return;
	b->told_failure = true;
	bench_progress_end(b);
	tern_endpoint_text(name, &b->remote);
	if (event->reason == TERN_GONE_FAILED)
		report_failed(&report, name, event->conn);
	else
		report_failed_text(&report, name, tern_gone_sentence(event->reason),
				   event->reason == TERN_GONE_UNREACHABLE ? "check the address, or start the server"
									  : NULL);
}

/* A lane of handshakes goes on with the next; a record run that loses a connection, or never had it, is over. */
static void on_gone(struct bench *b, struct lane *lane, const tern_endpoint_event *event)
{
	bool meant = event->reason == TERN_GONE_CLOSED;

	lane->peer = 0;
	b->num_connected -= lane->connected;
	b->num_dialing -= !lane->connected;
	lane->connected = false;
	if (b->stopped || meant)
		return;
	tell_failure(b, event);
	if (b->mode != BENCH_HANDSHAKES || b->counts.handshakes == 0)
		b->stopped = true;
}

static void on_ticket(struct bench *b, tern_conn *conn)
{
	if (!b->options->resume || b->session_len)
		return;
	if (tern_conn_session(conn, b->session, sizeof b->session, &b->session_len) != TERN_OK)
		b->session_len = 0;
}

static void on_event(struct bench *b, const tern_endpoint_event *event)
{
	struct lane *lane = event->conn ? tern_conn_user(event->conn) : NULL;

	if (event->kind == TERN_ENDPOINT_WRITABLE)
		b->blocked = false;
	if (!lane)
		return;
	if (event->kind == TERN_ENDPOINT_GONE)
		on_gone(b, lane, event);
	else if (event->kind == TERN_ENDPOINT_EVENT && event->event.kind == TERN_EVENT_CONNECTED)
		on_connected(b, lane, event->conn);
	else if (event->kind == TERN_ENDPOINT_EVENT && event->event.kind == TERN_EVENT_DATA)
		on_answer(b, lane, &event->event);
	else if (event->kind == TERN_ENDPOINT_EVENT && event->event.kind == TERN_EVENT_TICKET)
		on_ticket(b, event->conn);
}

static int turn(struct bench *b, uint64_t timeout_ns)
{
	tern_endpoint_event event;
	tern_error error = tern_endpoint_run(b->endpoint, timeout_ns);

	if (error != TERN_OK)
		return complain("cannot receive: %s", tern_error_sentence(error));
	for (tern_endpoint_next(b->endpoint, &event); event.kind != TERN_ENDPOINT_NONE;
	     tern_endpoint_next(b->endpoint, &event))
		on_event(b, &event);
	b->stopped |= stop_asked != 0;
	return OPTIONS_GO;
}

/* ---- runs ---- */

/* A session to resume: from a connection that is not counted. */
static int fetch_session(struct bench *b)
{
	uint64_t until = now_ns() + 5 * SECOND_NS;
	enum bench_mode mode = b->mode;
	int status;

	b->mode = BENCH_ONE_WAY; /* so that it stays open until the ticket has come */
	status = dial(b, &b->lanes[0]);
	while (status == OPTIONS_GO && !b->session_len && !b->stopped && now_ns() < until)
		status = turn(b, TICK_NS);
	b->mode = mode;
	if (status == OPTIONS_GO && b->stopped)
		return STATUS_FAILURE;
	if (status == OPTIONS_GO && !b->session_len)
		return complain("--resume: the server gives no session to resume");
	tern_endpoint_close(b->endpoint, b->lanes[0].peer);
	while (status == OPTIONS_GO && b->lanes[0].peer)
		status = turn(b, 0);
	return status;
}

static int work(struct bench *b)
{
	uint64_t tick = now_ns();
	int status = OPTIONS_GO;

	while (status == OPTIONS_GO && !b->stopped && !(b->measuring && now_ns() >= b->end_ns)) {
		bool busy = b->mode == BENCH_ONE_WAY && b->measuring && !b->blocked;
		status = fill_lanes(b);
		if (status == OPTIONS_GO && busy)
			send_burst(b);
		if (status == OPTIONS_GO)
			status = turn(b, busy ? 0 : TICK_NS);
		if (now_ns() - tick < TICK_NS)
			continue;
		tick = now_ns();
		look_after_lanes(b, tick);
		bench_progress(b, tick);
	}
	return status;
}

int bench_run(struct bench *b)
{
	int status = OPTIONS_GO;

	catch_stop();
	if (b->options->resume)
		status = fetch_session(b);
	if (status != OPTIONS_GO)
		return status;
	if (b->mode == BENCH_HANDSHAKES)
		begin_measuring(b);
	status = work(b);
	b->end_ns = now_ns();
	b->cpu_ns = bench_cpu_ns() - b->cpu_ns;
	bench_progress_end(b);
	if (status == OPTIONS_GO && !(b->measuring && b->info.version))
		status = STATUS_FAILURE; /* nothing was ever connected; what failed was told */
	return status;
}
