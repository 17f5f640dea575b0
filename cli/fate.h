/* fate.h - what a bad path does to the n-th datagram of a direction. A pure function of the rules, the flow, the
 * direction and n: time plays no part, so a run can be repeated. */
#ifndef TERN_CLI_FATE_H
#define TERN_CLI_FATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum direction { FROM_CLIENT, FROM_SERVER, NUM_DIRECTIONS };

enum { DROPS_MAX = 64 };

struct fate_rules {
	uint64_t seed;
	double loss, duplicate, reorder, corrupt; /* percent */
	uint64_t delay_ns, jitter_ns;
	size_t mtu; /* larger datagrams are lost; 0: no limit */
	struct fate_list {
		size_t num;
		struct fate_range {
			enum direction direction;
			uint64_t first, last;
		} ranges[DROPS_MAX];
	} drops;
};

struct fate {
	bool lost, duplicated, corrupted;
	bool held; /* goes after the next of its direction */
	const char *why; /* lost: "lost", "on the drop list", "over the MTU" */
	uint64_t delay_ns;
	uint64_t where; /* corrupted: byte where % len is changed by */
	uint8_t change; /* this, not 0 */
};

/* n counts from 1. flow tells several clients apart; the first is 0. */
struct fate fate_of(const struct fate_rules *rules, uint64_t flow, enum direction direction, uint64_t n, size_t len);

/* Reads "c2,s1-3": from the client the 2nd, from the server the 1st to the 3rd. */
bool fate_parse_list(struct fate_list *list, const char *text);
bool fate_listed(const struct fate_list *list, enum direction direction, uint64_t n);

#endif
