/* The rows over sockets: rounds of all contenders, and what they have in common. */
#include <arpa/inet.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "wire.h"

enum { ROUNDS_MIN = 15, TURN = 4, NUM_SCENARIOS = 2 };

/* Records go under the cheapest handshake; hellos are those of browsers, more or less. */
static const struct scenario record_scenarios[NUM_SCENARIOS] = {
	{"1.2", "TLS_PSK_WITH_AES_128_GCM_SHA256", "PSK-AES128-GCM-SHA256", EXCHANGE_NONE, BENCH_GCM, NO_CERTIFICATE,
	 false, 240, .dtls13 = false},
	{"1.3", "TLS_AES_128_GCM_SHA256", NULL, EXCHANGE_NONE, BENCH_GCM, NO_CERTIFICATE, false, 290, .dtls13 = true},
};
static const struct scenario hello_scenarios[NUM_SCENARIOS] = {
	{"1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256", EXCHANGE_P256, BENCH_GCM,
	 CHAIN_NEW, false, 1000, .dtls13 = false},
	{"1.3", "TLS_AES_128_GCM_SHA256", NULL, EXCHANGE_P256, BENCH_GCM, CHAIN_NEW, false, 950, .dtls13 = true},
};

static const struct wire_row rows[] = {
	{"1.2 wire, 1200 to one peer, GSO", "send", WIRE_SEND, &record_scenarios[0], true, 1200, false},
	{"1.3 wire, 1200 to one peer, GSO", "send", WIRE_SEND, &record_scenarios[1], true, 1200, false},
	{"1.2 wire, 1200 to one peer, GSO, many", "send", WIRE_SEND, &record_scenarios[0], true, 1200, true},
	{"1.3 wire, 1200 to one peer, GSO, many", "send", WIRE_SEND, &record_scenarios[1], true, 1200, true},
	{"1.2 wire, 1200 to one peer, GSO", "calls", WIRE_CALLS, &record_scenarios[0], true, 1200, false},
	{"1.2 wire, 1200 to one peer, GSO", "take", WIRE_RECEIVE, &record_scenarios[0], true, 1200, true},
	{"1.3 wire, 1200 to one peer, GSO", "take", WIRE_RECEIVE, &record_scenarios[1], true, 1200, true},
	{"1.2 wire, 1200 to one peer, sendmmsg", "send", WIRE_SEND, &record_scenarios[0], false, 1200, false},
	{"1.3 wire, 1200 to one peer, sendmmsg", "send", WIRE_SEND, &record_scenarios[1], false, 1200, false},
	{"1.2 wire, 1200 to one peer, sendmmsg", "calls", WIRE_CALLS, &record_scenarios[0], false, 1200, false},
	{"1.2 wire, 100 from each of 64 peers", "echo", WIRE_ECHO, &record_scenarios[0], true, 100, false},
	{"1.3 wire, 100 from each of 64 peers", "echo", WIRE_ECHO, &record_scenarios[1], true, 100, false},
	{"1.2 wire, first hello", "answer", WIRE_HELLO, &hello_scenarios[0], true, 0, false},
	{"1.3 wire, first hello", "answer", WIRE_HELLO, &hello_scenarios[1], true, 0, false},
	{"1.2 wire, first hello", "bytes", WIRE_HELLO_BYTES, &hello_scenarios[0], true, 0, false},
	{"1.3 wire, first hello", "bytes", WIRE_HELLO_BYTES, &hello_scenarios[1], true, 0, false},
};

static const struct wire_party *const parties[NUM_CONTENDERS] = {
	[TERN] = &wire_tern, [OPENSSL] = &wire_openssl, [FLOOR] = &wire_floor};

size_t wire_batch(const struct wire_row *row)
{
	return row->work == WIRE_SEND || row->work == WIRE_CALLS || row->work == WIRE_RECEIVE ? WIRE_SENDS : WIRE_PEERS;
}

/* ---- sockets ---- */

static void check(bool ok, const char *what)
{
	if (!ok)
		bench_die(what);
}

int wire_socket(struct sockaddr_in *bound)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), room = 4 << 20;

	check(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
		      getsockname(fd, (struct sockaddr *)&at, &len) == 0,
	      "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room); /* the kernel caps it */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	*bound = at;
	return fd;
}

void wire_connect(int fd, const struct sockaddr_in *to)
{
	check(connect(fd, (const struct sockaddr *)to, sizeof *to) == 0, "connect");
}

void wire_crowd_open(struct wire_crowd *crowd, size_t num, const struct sockaddr_in *server)
{
	struct sockaddr_in own;

	*crowd = (struct wire_crowd){.num = num, .epoll = epoll_create1(0)};
	for (size_t i = 0; i < num; i++) {
		struct epoll_event event = {.events = EPOLLIN};
		crowd->clients[i] = wire_socket(&own);
		wire_connect(crowd->clients[i], server);
		check(epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, crowd->clients[i], &event) == 0, "epoll");
	}
}

void wire_crowd_close(struct wire_crowd *crowd)
{
	for (size_t i = 0; i < crowd->num; i++)
		close(crowd->clients[i]);
	close(crowd->epoll);
}

void wire_crowd_send(const struct wire_crowd *crowd, const void *bytes, size_t n)
{
	for (size_t i = 0; i < crowd->num; i++)
		check(send(crowd->clients[i], bytes, n, 0) == (ssize_t)n, "send");
}

void wire_crowd_receive(const struct wire_crowd *crowd, size_t n)
{
	struct epoll_event events[WIRE_PEERS];
	uint8_t bytes[WIRE_DATAGRAM];

	(void)epoll_wait(crowd->epoll, events, WIRE_PEERS, 0);
	for (size_t i = 0; i < crowd->num; i++) {
		ssize_t got = recv(crowd->clients[i], bytes, sizeof bytes, 0);
		check(got > 0 && (n == 0 || (size_t)got == n), "an answer got lost");
	}
}

size_t wire_first_hello(const struct scenario *s, uint8_t *hello)
{
	void *context = tern_implementation.context_new(s, CLIENT_SIDE);
	struct mailbox *in = calloc(2, sizeof *in), *out = in + 1;
	void *conn = context && in ? tern_implementation.conn_new(context, in, out) : NULL;
	size_t n;

	check(conn && tern_implementation.step(conn) == PROGRESS_WAITS && out->num == 1, "a hello");
	n = out->letters[0].n;
	memcpy(hello, out->letters[0].bytes, n);
	tern_implementation.conn_free(conn);
	tern_implementation.context_free(context);
	free(in);
	return n;
}

/* ---- rounds ---- */

struct wire_field {
	const struct wire_row *row;
	void *party[NUM_CONTENDERS]; /* NULL: does not take part */
	struct samples samples[NUM_CONTENDERS];
};

static bool takes_part(const struct wire_row *row, enum contender who)
{
	return parties[who] && (row->work != WIRE_CALLS || who == FLOOR) &&
	       (row->work != WIRE_HELLO_BYTES || who == TERN);
}

static uint64_t time_batch(const struct wire_party *party, void *p)
{
	uint64_t start, spent;

	party->before(p);
	start = cpu_ns();
	party->work(p);
	spent = cpu_ns() - start;
	party->after(p);
	return spent - (spent < cpu_ns_overhead() ? spent : cpu_ns_overhead());
}

/* A turn's first batch finds in the caches what the others have left there: it does not count. */
static void run_turn(struct wire_field *f, enum contender who)
{
	const struct wire_party *party = parties[who];
	uint64_t spent = 0;

	if (!party || !f->party[who])
		return;
	(void)time_batch(party, f->party[who]);
	for (int i = 0; i < TURN; i++)
		spent += time_batch(party, f->party[who]);
	samples_add(&f->samples[who], (double)spent / (double)(TURN * wire_batch(f->row)));
}

static void run_rounds(struct wire_field *f, bool quick)
{
	uint64_t budget = quick ? 200000000 : 1500000000, start;

	start = cpu_ns();
	for (int round = 0; round < SAMPLES_MAX && (round < ROUNDS_MIN || cpu_ns() - start < budget); round++)
		for (enum contender who = 0; who < NUM_CONTENDERS; who++)
			run_turn(f, who);
}

/* Bytes for each hello, once the first ones have been answered. */
static void run_allocations(struct wire_field *f)
{
	const struct wire_party *party = parties[TERN];

	for (int round = 0; round < ROUNDS_MIN; round++) {
		uint64_t before;
		party->before(f->party[TERN]);
		before = wire_allocated();
		party->work(f->party[TERN]);
		samples_add(&f->samples[TERN], (double)(wire_allocated() - before) / (double)wire_batch(f->row));
		party->after(f->party[TERN]);
	}
}

static void run_row(struct report *r, const struct wire_row *row, bool quick)
{
	static struct wire_field f;
	double values[NUM_CONTENDERS];

	f = (struct wire_field){.row = row};
	for (enum contender who = 0; who < NUM_CONTENDERS; who++)
		f.party[who] = takes_part(row, who) ? parties[who]->open(row) : NULL;
	if (row->work == WIRE_HELLO_BYTES)
		run_allocations(&f);
	else
		run_rounds(&f, quick);
	for (enum contender who = 0; who < NUM_CONTENDERS; who++) {
		values[who] = f.samples[who].num ? samples_median(&f.samples[who]) : -1;
		if (f.party[who])
			parties[who]->close(f.party[who]);
	}
	report_row(r, row->name, row->part, values);
}

static bool can_segment(void)
{
	struct sockaddr_in at;
	int fd = wire_socket(&at), none = 0;
	bool can = setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &none, sizeof none) == 0;

	close(fd);
	return can;
}

/* The part may be named behind the row. */
static bool wanted(const struct wire_row *row, const char *only)
{
	char name[80];

	snprintf(name, sizeof name, "%s %s", row->name, row->part);
	if (only && !strstr(name, only))
		return false;
	if (row->work == WIRE_HELLO_BYTES)
		return wire_counts_allocations;
	return !row->offload || wire_batch(row) == WIRE_PEERS || can_segment();
}

void wire_bench(struct report *r, const char *only, bool quick)
{
	report_heading(r, "over loopback, CPU ns of the measured side", "wire ns");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].work != WIRE_HELLO_BYTES && wanted(&rows[i], only))
			run_row(r, &rows[i], quick);
	report_heading(r, "over loopback, bytes allocated", "bytes");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].work == WIRE_HELLO_BYTES && wanted(&rows[i], only))
			run_row(r, &rows[i], quick);
}

bool wire_alone(const char *only, long num)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		void *party;
		if (!takes_part(&rows[i], TERN) || !wanted(&rows[i], only))
			continue;
		party = wire_tern.open(&rows[i]);
		for (long k = 0; k < num; k++) {
			wire_tern.before(party);
			wire_tern.work(party);
			wire_tern.after(party);
		}
		wire_tern.close(party);
		return true;
	}
	return false;
}
