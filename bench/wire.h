/* wire.h - work over UDP sockets on loopback. One thread plays both sides in turn: what the measured side does is
 * timed, what the other one does before and after is not. */
#ifndef TERN_BENCH_WIRE_H
#define TERN_BENCH_WIRE_H

#include <netinet/in.h>

#include "bench.h"

#define WIRE_SENDS 128 /* records to one peer in a batch */
#define WIRE_PEERS 64 /* each with one record or hello in a batch */
#define WIRE_DATAGRAM 1500

enum wire_work {
	WIRE_SEND, /* records, from a client to its server */
	WIRE_CALLS, /* the same datagrams, with nothing sealed: a floor beneath the floor */
	WIRE_RECEIVE, /* the same records, at the server */
	WIRE_ECHO, /* records of many clients, sent back by their server */
	WIRE_HELLO, /* first hellos of many, answered by a server that keeps nothing */
	WIRE_HELLO_BYTES /* what it allocates for them */
};

struct wire_row {
	const char *name, *part;
	enum wire_work work;
	const struct scenario *scenario;
	bool offload; /* UDP_SEGMENT and UDP_GRO */
	size_t n; /* bytes of data in a record */
	bool many; /* given to the endpoint by one call */
};

/* One batch is before, work, after. The program ends when anything gets lost. */
struct wire_party {
	void *(*open)(const struct wire_row *row); /* NULL: takes no part in the row */
	void (*before)(void *party);
	void (*work)(void *party); /* this is timed */
	void (*after)(void *party);
	void (*close)(void *party);
};
extern const struct wire_party wire_tern, wire_openssl, wire_floor;

size_t wire_batch(const struct wire_row *row); /* records, or hellos, of a batch */

/* Sockets on 127.0.0.1 that do not block; those of clients are watched by an epoll, as a program would. */
struct wire_crowd {
	int clients[WIRE_PEERS], epoll;
	size_t num;
};
int wire_socket(struct sockaddr_in *bound);
void wire_connect(int fd, const struct sockaddr_in *to);
void wire_crowd_open(struct wire_crowd *crowd, size_t num, const struct sockaddr_in *server);
void wire_crowd_close(struct wire_crowd *crowd);
void wire_crowd_send(const struct wire_crowd *crowd, const void *bytes, size_t n); /* a datagram each */
/* A datagram each, at least. n: its size; 0: any. */
void wire_crowd_receive(const struct wire_crowd *crowd, size_t n);

/* What the scenario's first hello and the answer to it weigh; hello: WIRE_DATAGRAM bytes of room. */
size_t wire_first_hello(const struct scenario *s, uint8_t *hello);

/* ---- allocated.c */

uint64_t wire_allocated(void); /* bytes asked of malloc, calloc and realloc so far, by whomever */
extern const bool wire_counts_allocations; /* false: not with this C library, or a sanitizer in its place */

/* ---- wire.c */

void wire_bench(struct report *r, const char *only, bool quick);
bool wire_alone(const char *only, long num); /* Tern's part of the first row with the text; false: there is none */

#endif
