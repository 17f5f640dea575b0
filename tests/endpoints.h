/* endpoints.h - endpoints on loopback for tests: what they told is counted, and the clock is real unless a test brings
 * its own. Include after cmocka.h. */
#ifndef TESTS_ENDPOINTS_H
#define TESTS_ENDPOINTS_H

#include "endpoint/endpoint.h"
#include "pair.h"

#define SITE_DATA 2048
#define SECOND_NS UINT64_C(1000000000)

struct site {
	tern_config *config;
	tern_endpoint *endpoint;
	bool echo;
	unsigned accepted, connected, records, writable, num_gone;
	unsigned alive, silent; /* answers to probes */
	unsigned gone[TERN_NUM_GONE_REASONS];
	tern_peer peer; /* of the last CONNECTED */
	tern_peer left; /* of the last GONE */
	tern_error error; /* of the last failure */
	uint8_t data[SITE_DATA]; /* of the last record */
	size_t len;
	char firsts[64]; /* first byte of each record */
	char order[64]; /* what came, one letter each: Accepted, Connected, Data, Writable, Gone */
	size_t num_order;
};

/* A config with one PSK, by role; DTLS 1.2 with the cheapest suite. */
tern_config *psk_config(enum role role);
tern_config *psk_config_on(const tern_allocator *heap);
/* Takes the config over. at NULL: nowhere. */
void site_open(struct site *site, tern_config *config, const char *at, const tern_endpoint_options *options);
void site_close(struct site *site);
tern_address site_address(const struct site *site);
/* Where its client is bound may be NULL. */
tern_peer site_dial(struct site *site, const tern_address *to, const char *from);
/* One round of each; waits a moment at most. */
void sites_turn(struct site *sites[], size_t num);
/* Rounds until *count is want, or the test fails. */
void sites_until(struct site *sites[], size_t num, const unsigned *count, unsigned want);
/* Rounds enough that whatever is under way has arrived. */
void sites_settle(struct site *sites[], size_t num);
/* From now on time passes when the test says so, for all such sites alike. */
extern tern_time site_now;
void site_stop_clock(struct site *site);
void site_pass(uint64_t ns);
tern_endpoint_counters site_counters(const struct site *site);

/* A server on loopback and a client. */
struct two {
	struct site server, client;
	struct site *both[2];
	tern_address at; /* the server's */
};

/* Takes the configs over; the options, which may be NULL, are the server's. */
void two_open_with(struct two *t, tern_config *server, tern_config *client, const tern_endpoint_options *options);
void two_open(struct two *t, const tern_endpoint_options *options);
void two_close(struct two *t);
/* A peer more; returns the server's number for it. client, which may be NULL: the client's. */
tern_peer two_connect(struct two *t, tern_peer *client);

#endif
