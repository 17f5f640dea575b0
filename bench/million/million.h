/* million.h - what the files of tern-bench-million share: many idle connections in one process, and who opens them in
 * another. The program in the middle tells both what to do, one letter at a time, and each answers with a report. */
#ifndef TERN_BENCH_MILLION_H
#define TERN_BENCH_MILLION_H

#include <netinet/in.h>
#include <stdio.h>

#include "tern/tern.h"

#define PEERS_MAX 8000000 /* the addresses of 127.0.0.0/8 are shared by the two places a peer speaks from */
#define IDLE_NS UINT64_C(3600000000000)
#define PASS_NS UINT64_C(300000000000)

enum order {
	ORDER_REPORT = 'r', /* the server: what was measured since the last report */
	ORDER_PASS = 'p', /* the server: five minutes pass at once, after which it owes nobody anything */
	ORDER_EXPIRE = 'e', /* the server: an hour passes at once; reports when all are gone */
	ORDER_FILL = 'f', /* the clients: all connect, say something and wait for the answer */
	ORDER_SPEAK = 's' /* the clients: one in a hundred says something from another address */
};

struct server_report {
	uint16_t port;
	uint64_t resident, heap; /* bytes; of the heap, what is in use */
	uint64_t resident_before, heap_before; /* before there was an endpoint */
	uint64_t peers, handshakes_failed, paths_changed, gone_idle;
	uint64_t timers; /* connections that have a deadline */
	uint64_t wakeups; /* times that the loop woke up for the endpoint */
	uint64_t cpu_ns, worst_cpu_ns, worst_ns; /* of all; of the longest call of tern_endpoint_next */
};

struct clients_report {
	uint64_t asked, answered, ns;
};

/* ---- main.c */

void million_die(const char *what) __attribute__((noreturn));
void million_ok(tern_error error, const char *what);
uint64_t million_now_ns(void);
/* For either side: a PSK, AES-128-GCM, no tickets, the return routability check. */
tern_config *million_config(tern_protocol version);

/* ---- server.c, clients.c: run until the other end of control is closed. */

void million_serve(int control, tern_protocol version, uint32_t num);
void million_connect(int control, tern_protocol version, uint32_t num, uint16_t port);

/* ---- wire.c: one socket of the clients', through which each speaks from an address of its own */

enum { WIRE_BATCH = 64, WIRE_ROOM = 2048 };

struct wire;
struct wire *wire_new(uint32_t base, uint16_t port); /* client i is at base + i; the server at that port */
void wire_free(struct wire *wire);
int wire_fd(const struct wire *wire);
uint8_t *wire_room(struct wire *wire); /* WIRE_ROOM bytes for the next datagram */
void wire_add(struct wire *wire, uint32_t index, size_t len); /* what was put there goes out with the next flush */
void wire_flush(struct wire *wire);
unsigned wire_receive(struct wire *wire); /* how many came, of which i-th returns one */
uint8_t *wire_ith(struct wire *wire, unsigned i, uint32_t *index, size_t *len);

#endif
