/* Tern's part on the wire: the endpoint, on both sides where there are records. */
#include <stdlib.h>
#include <string.h>

#include "tern/endpoint.h"
#include "wire.h"

enum { TURNS_MAX = 100000 };

struct tern_party {
	const struct wire_row *row;
	tern_endpoint *server, *client; /* client NULL: a crowd sends its hello */
	tern_peer peers[WIRE_PEERS]; /* the client's */
	size_t num_peers;
	size_t served, answered; /* records that came to the server, and to the client, in this batch */
	size_t connected;
	struct wire_crowd crowd;
	uint8_t hello[WIRE_DATAGRAM];
	size_t hello_len;
};

static void check(bool ok, const char *what)
{
	if (!ok)
		bench_die(what);
}

static tern_endpoint *open_endpoint(const struct wire_row *row, enum side side)
{
	tern_config *config = tern_side_config(row->scenario, side);
	tern_endpoint_options options = {.size = sizeof options,
					 .io = row->offload ? TERN_ENDPOINT_IO_OFFLOAD : TERN_ENDPOINT_IO_BATCH};
	tern_endpoint *endpoint = NULL;
	tern_address any;

	check(config && tern_endpoint_parse(&any, "127.0.0.1:0"), "a configuration");
	options.listen = &any;
	options.num_listen = side == SERVER_SIDE;
	check(tern_endpoint_open(&endpoint, config, &options) == TERN_OK, "tern_endpoint_open");
	tern_config_free(config);
	return endpoint;
}

/* Takes what is there; the server sends records back, where that is the row's work. */
static void turn(struct tern_party *p, tern_endpoint *endpoint)
{
	bool serves = endpoint == p->server, echoes = serves && p->row->work == WIRE_ECHO;
	tern_endpoint_event event;

	check(tern_endpoint_run(endpoint, 0) == TERN_OK, "tern_endpoint_run");
	while (tern_endpoint_next(endpoint, &event), event.kind != TERN_ENDPOINT_NONE) {
		check(event.kind != TERN_ENDPOINT_GONE, "a connection is gone");
		if (event.kind != TERN_ENDPOINT_EVENT)
			continue;
		p->connected += event.event.kind == TERN_EVENT_CONNECTED;
		if (event.event.kind != TERN_EVENT_DATA)
			continue;
		check(event.event.len == p->row->n, "a record is not whole");
		p->served += serves;
		p->answered += !serves;
		check(!echoes || tern_endpoint_send(endpoint, event.peer, event.event.data, event.event.len) == TERN_OK,
		      "tern_endpoint_send");
	}
}

static void connect_all(struct tern_party *p)
{
	tern_dial_options dial = {.size = sizeof dial};

	check(tern_endpoint_bound(p->server, &dial.remote, 0), "tern_endpoint_bound");
	p->client = open_endpoint(p->row, CLIENT_SIDE);
	for (size_t i = 0; i < p->num_peers; i++)
		check(tern_endpoint_dial(p->client, &p->peers[i], &dial) == TERN_OK, "tern_endpoint_dial");
	for (int turns = 0; p->connected < 2 * p->num_peers; turns++) {
		check(turns < TURNS_MAX, "a handshake does not end");
		turn(p, p->client);
		turn(p, p->server);
	}
	turn(p, p->client); /* what follows a handshake */
	turn(p, p->server);
}

static void *open_party(const struct wire_row *row)
{
	struct tern_party *p = calloc(1, sizeof *p);
	struct sockaddr_in6 at;
	tern_address bound;

	check(p != NULL, "out of memory");
	p->row = row;
	p->num_peers = row->work == WIRE_SEND || row->work == WIRE_RECEIVE ? 1 : WIRE_PEERS;
	p->server = open_endpoint(row, SERVER_SIDE);
	if (row->work != WIRE_HELLO && row->work != WIRE_HELLO_BYTES) {
		connect_all(p);
		return p;
	}
	p->hello_len = wire_first_hello(row->scenario, p->hello);
	check(tern_endpoint_bound(p->server, &bound, 0) &&
		      tern_endpoint_to_sockaddr((struct sockaddr *)&at, &bound) > 0,
	      "tern_endpoint_bound");
	wire_crowd_open(&p->crowd, p->num_peers, (struct sockaddr_in *)&at);
	return p;
}

static void send_together(struct tern_party *p, const uint8_t *data, size_t num)
{
	tern_bytes many[WIRE_SENDS];
	size_t accepted;

	for (size_t i = 0; i < num; i++)
		many[i] = (tern_bytes){data, p->row->n};
	check(tern_endpoint_send_many(p->client, p->peers[0], many, num, &accepted) == TERN_OK,
	      "tern_endpoint_send_many");
}

static void send_records(struct tern_party *p, size_t num)
{
	static const uint8_t data[WIRE_DATAGRAM];

	for (size_t i = 0; !p->row->many && i < num; i++)
		check(tern_endpoint_send(p->client, p->peers[i % p->num_peers], data, p->row->n) == TERN_OK,
		      "tern_endpoint_send");
	if (p->row->many)
		send_together(p, data, num);
	check(tern_endpoint_flush(p->client), "tern_endpoint_flush");
}

/* Until the endpoint's count of records has come this far. */
static void take_all(struct tern_party *p, tern_endpoint *endpoint, const size_t *count, size_t num)
{
	for (int turns = 0; *count < num; turns++) {
		check(turns < TURNS_MAX, "a record got lost");
		turn(p, endpoint);
	}
}

static void before(void *party)
{
	struct tern_party *p = party;

	p->served = p->answered = 0;
	if (p->row->work == WIRE_ECHO || p->row->work == WIRE_RECEIVE)
		send_records(p, wire_batch(p->row));
	else if (p->row->work != WIRE_SEND)
		wire_crowd_send(&p->crowd, p->hello, p->hello_len);
}

static uint64_t num_retries(const struct tern_party *p)
{
	tern_endpoint_counters counters = {.size = sizeof counters};

	tern_endpoint_stats(p->server, &counters);
	return counters.retries_sent;
}

static void answer_hellos(struct tern_party *p)
{
	uint64_t wanted = num_retries(p) + p->num_peers;

	for (int turns = 0; num_retries(p) < wanted; turns++) {
		check(turns < TURNS_MAX, "a hello got lost");
		turn(p, p->server);
	}
}

static void work(void *party)
{
	struct tern_party *p = party;

	if (p->row->work == WIRE_SEND)
		send_records(p, wire_batch(p->row));
	else if (p->row->work == WIRE_ECHO || p->row->work == WIRE_RECEIVE)
		take_all(p, p->server, &p->served, wire_batch(p->row));
	else
		answer_hellos(p);
}

static void after(void *party)
{
	struct tern_party *p = party;

	if (p->row->work == WIRE_SEND)
		take_all(p, p->server, &p->served, wire_batch(p->row));
	else if (p->row->work == WIRE_ECHO)
		take_all(p, p->client, &p->answered, p->num_peers);
	else if (p->row->work != WIRE_RECEIVE)
		wire_crowd_receive(&p->crowd, 0);
}

static void close_party(void *party)
{
	struct tern_party *p = party;

	tern_endpoint_free(p->client);
	tern_endpoint_free(p->server);
	if (p->crowd.num)
		wire_crowd_close(&p->crowd);
	free(p);
}

const struct wire_party wire_tern = {open_party, before, work, after, close_party};
