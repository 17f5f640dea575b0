/* The clients: plain connections of the core, each at its own address of 127.0.0.0/8, so many at work at a time. */
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "million.h"
#include "tests/pcg.h"

enum { OPENING = 256, SPEAKING = 1024, PATIENCE_S = 60 };
static const uint64_t REPEAT_NS = 2000000000; /* a question that was not answered is asked again */
static const uint32_t HOME = 0x7f010000, ABROAD = 0x7f800000;

enum state { NEW, SHAKING, ASKING, IDLE };

struct clients {
	tern_pool *pool;
	tern_conn **conns;
	uint8_t *states; /* enum state */
	uint32_t num;
	struct wire *home, *abroad, *here; /* here: where they speak from now */
	tern_time now;
	uint32_t active[SPEAKING];
	uint64_t asked_ns[SPEAKING];
	unsigned num_active;
};

static void read_clock(struct clients *c)
{
	c->now = (tern_time){million_now_ns(), time(NULL)};
}

static void drain(struct clients *c, uint32_t i)
{
	size_t len;

	for (;;) {
		million_ok(tern_conn_take(c->conns[i], wire_room(c->here), WIRE_ROOM, &len, c->now), "take");
		if (!len)
			return;
		wire_add(c->here, i, len);
	}
}

static void ask(struct clients *c, uint32_t i)
{
	size_t len;

	drain(c, i);
	million_ok(tern_conn_seal(c->conns[i], wire_room(c->here), WIRE_ROOM, &len, (const uint8_t *)"well?", 5,
				  c->now),
		   "seal");
	wire_add(c->here, i, len);
	c->states[i] = ASKING;
}

static void receive(struct clients *c, uint32_t i, uint8_t *bytes, size_t len)
{
	tern_event event;

	million_ok(tern_conn_feed(c->conns[i], bytes, len, NULL, c->now), "feed");
	do {
		million_ok(tern_conn_next(c->conns[i], &event, c->now), "a client's handshake");
		if (event.kind == TERN_EVENT_CONNECTED)
			ask(c, i);
		else if (event.kind == TERN_EVENT_DATA)
			c->states[i] = IDLE;
	} while (event.kind != TERN_EVENT_NONE);
	drain(c, i);
}

/* Whoever speaks from abroad does not hear what comes home. */
static void receive_all(struct clients *c)
{
	uint32_t index;
	size_t len;

	while (c->here != c->home && wire_receive(c->home))
		;
	for (unsigned i = 0, n = wire_receive(c->here); i < n; i++) {
		uint8_t *bytes = wire_ith(c->here, i, &index, &len);
		if (index < c->num && c->conns[index])
			receive(c, index, bytes, len);
	}
}

static void begin(struct clients *c, uint32_t i)
{
	tern_client_options options = {.size = sizeof options};

	c->asked_ns[c->num_active] = c->now.mono_ns;
	c->active[c->num_active++] = i;
	if (c->conns[i]) {
		ask(c, i);
		return;
	}
	million_ok(tern_client(&c->conns[i], c->pool, &options, c->now), "a client");
	c->states[i] = SHAKING;
	drain(c, i);
}

/* Forgets who is done, and does what is due. Returns how many are done. */
static unsigned look_after(struct clients *c)
{
	unsigned left = 0, done;

	for (unsigned a = 0; a < c->num_active; a++) {
		uint32_t i = c->active[a];
		if (c->states[i] == IDLE)
			continue;
		if (tern_conn_deadline(c->conns[i]) <= c->now.mono_ns) {
			million_ok(tern_conn_tick(c->conns[i], c->now), "a client's timer");
			drain(c, i);
		}
		if (c->states[i] == ASKING && c->now.mono_ns - c->asked_ns[a] > REPEAT_NS) {
			ask(c, i);
			c->asked_ns[a] = c->now.mono_ns;
		}
		c->active[left] = i;
		c->asked_ns[left++] = c->asked_ns[a];
	}
	done = c->num_active - left;
	c->num_active = left;
	return done;
}

/* Those of the list, or all; at most window of them at a time. */
static void run(struct clients *c, const uint32_t *list, uint32_t num, unsigned window, struct clients_report *report)
{
	uint64_t start, heard;
	uint32_t begun = 0;

	read_clock(c);
	start = heard = c->now.mono_ns;
	*report = (struct clients_report){.asked = num};
	while (report->answered < num && c->now.mono_ns - heard < PATIENCE_S * UINT64_C(1000000000)) {
		struct pollfd fds[] = {{.fd = wire_fd(c->here), .events = POLLIN}};
		unsigned done;
		for (int i = 0; i < WIRE_BATCH && begun < num && c->num_active < window; i++, begun++)
			begin(c, list ? list[begun] : begun);
		wire_flush(c->here);
		(void)poll(fds, 1, 10);
		read_clock(c);
		receive_all(c);
		done = look_after(c);
		heard = done ? c->now.mono_ns : heard;
		report->answered += done;
	}
	wire_flush(c->here);
	report->ns = c->now.mono_ns - start;
}

/* One in a hundred, at least one, each at most once. */
static void speak(struct clients *c, struct clients_report *report)
{
	uint32_t num = c->num / 100 ? c->num / 100 : 1;
	uint32_t *all = calloc(c->num, sizeof *all);
	struct pcg pcg = {1};

	if (!all)
		million_die("no memory");
	for (uint32_t i = 0; i < c->num; i++)
		all[i] = i;
	for (uint32_t i = 0; i < num; i++) {
		uint32_t chosen = i + pcg_below(&pcg, c->num - i), other = all[chosen];
		all[chosen] = all[i];
		all[i] = other;
	}
	c->here = c->abroad;
	run(c, all, num, SPEAKING, report);
	free(all);
}

void million_connect(int control, tern_protocol version, uint32_t num, uint16_t port)
{
	tern_config *config = million_config(version);
	struct clients *c = calloc(1, sizeof *c);
	struct clients_report report;
	char order;

	if (!c)
		million_die("no memory");
	c->num = num;
	c->conns = calloc(num, sizeof(void *));
	c->states = calloc(num, 1);
	if (!c->conns || !c->states)
		million_die("no memory");
	c->here = c->home = wire_new(HOME, port);
	c->abroad = wire_new(ABROAD, port);
	million_ok(tern_config_set_cid_length(config, 0), "connection IDs");
	million_ok(tern_pool_new(&c->pool, config), "a pool");
	while (read(control, &order, 1) == 1) {
		if (order == ORDER_FILL)
			run(c, NULL, num, OPENING, &report);
		else
			speak(c, &report);
		if (write(control, &report, sizeof report) != (ssize_t)sizeof report)
			million_die("cannot report");
	}
	for (uint32_t i = 0; i < num; i++)
		tern_conn_free(c->conns[i]);
	wire_free(c->home);
	wire_free(c->abroad);
	tern_pool_free(c->pool);
	tern_config_free(config);
	free(c->states);
	free(c->conns);
	free(c);
}
