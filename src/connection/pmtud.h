/* pmtud.h - which datagram sizes a path carries: DPLPMTUD (RFC 8899 5). Decides what to probe and what an answer or
 * silence means; how a probe is made and acknowledged is the caller's matter. Sizes are UDP payloads. */
#ifndef TERN_CONNECTION_PMTUD_H
#define TERN_CONNECTION_PMTUD_H

#include "tern/tern.h"

#define PMTUD_MAX_PROBES 3
#define PMTUD_STEP 8 /* a search ends when it could gain no more than this */
#define PMTUD_CONFIRM_NS UINT64_C(15000000000)
#define PMTUD_RAISE_NS UINT64_C(600000000000)
#define PMTUD_PROBE_NS UINT64_C(1000000000) /* the least that RFC 8899 5.1.1 allows: an answer is never delayed */

enum pmtud_state {
	PMTUD_BASE, /* is the size that should fit everywhere carried? */
	PMTUD_FLOOR, /* it is not: is anything? */
	PMTUD_SEARCH,
	PMTUD_DONE, /* SEARCH_COMPLETE: confirmed now and then while data is sent */
	PMTUD_SILENT /* nothing is answered: that says nothing about sizes */
};

struct pmtud {
	enum pmtud_state state;
	uint16_t size; /* PLPMTU: what the path is taken to carry */
	uint16_t min, base, max; /* MIN_PLPMTU, BASE_PLPMTU, MAX_PLPMTU */
	uint16_t failed; /* the smallest size above size that was lost; max + 1: none */
	uint16_t probing; /* PROBED_SIZE; 0: none is under way */
	uint8_t count; /* PROBE_COUNT: of this size, sent */
	bool wanted; /* a probe is to be sent now */
	bool used; /* long data was sent since the size was confirmed */
	uint64_t timer_ns; /* a probe is under way: PROBE_TIMER; else when to confirm, once there is use */
	uint64_t raise_ns; /* when to look for more */
};

/* The first path: it is taken to carry base until more is known. min <= base <= max. */
void pmtud_start(struct pmtud *p, uint16_t min, uint16_t base, uint16_t max);
/* Another path. */
void pmtud_restart(struct pmtud *p);
/* The caller knows a bound: the size of a probe it cannot send, or what a router said. */
void pmtud_limit(struct pmtud *p, uint16_t most);

/* The size of the probe to send now; 0: none. */
uint16_t pmtud_wanted(const struct pmtud *p);
/* It was sent. rtt_ns: 0 when unknown. */
void pmtud_sent(struct pmtud *p, uint64_t rtt_ns, tern_time now);
/* One of the probes of the size under way arrived. */
void pmtud_arrived(struct pmtud *p, tern_time now);
/* A datagram of data of n bytes was sent. */
void pmtud_used(struct pmtud *p, size_t n);

uint64_t pmtud_deadline(const struct pmtud *p); /* TERN_NEVER: none */
void pmtud_tick(struct pmtud *p, tern_time now);

#endif
