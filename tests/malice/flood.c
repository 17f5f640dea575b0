/* Hellos from addresses that are not the sender's, and cookies that are somebody else's or old. */
#include <stdio.h>
#include <stdlib.h>

#include "handshake/config.h"
#include "handshake/cookie.h"
#include "handshake/pool.h"
#include "malice/malice.h"

#define HELLO_MAX_BYTES 1400

struct hello {
	size_t n;
	uint8_t bytes[HELLO_MAX_BYTES];
};

struct door {
	struct world *world; /* of the client that writes hellos, and the server that hears them */
	struct hello hello;
	tern_path path;
};

static bool open_door(struct door *d, const char *scenario)
{
	*d = (struct door){.world = world_open(scenario_by_name(scenario))};
	d->path = (tern_path){.local = {.len = 2, .bytes = {'s', 1}},
			      .remote = {.len = 6, .bytes = {10, 0, 0, 1, 0x12, 0x34}}};
	return d->world != NULL;
}

static void close_door(struct door *d)
{
	host_drop(&d->world->hosts[CLIENT]);
	world_close(d->world);
}

static const tern_time noon = {.mono_ns = 1000 * SIM_S, .unix_s = 1700000000};

/* A client's first hello; or, after a reply, its second. */
static bool write_hello(struct door *d, const uint8_t *reply, size_t reply_n)
{
	struct host *h = &d->world->hosts[CLIENT];
	tern_client_options options = {.size = sizeof options, .server_name = "server.sim"};
	uint8_t copy[512];
	tern_conn *conn = h->peers[0].conn;
	tern_event event;
	if (!conn && tern_client(&h->peers[0].conn, h->pool, &options, noon) != TERN_OK)
		return false;
	conn = h->peers[0].conn;
	if (reply_n) {
		memcpy(copy, reply, reply_n);
		if (tern_conn_feed(conn, copy, reply_n, NULL, noon) != TERN_OK ||
		    tern_conn_next(conn, &event, noon) != TERN_OK)
			return false;
	}
	return tern_conn_take(conn, d->hello.bytes, sizeof d->hello.bytes, &d->hello.n, noon) == TERN_OK &&
	       d->hello.n != 0;
}

static tern_verdict_kind listen(struct door *d, const struct hello *h, const tern_path *path, uint8_t *reply, size_t *n)
{
	tern_verdict verdict;
	if (tern_listen(d->world->hosts[SERVER].pool, &verdict, reply, 512, n, h->bytes, h->n, path, noon) != TERN_OK)
		abort();
	return verdict.kind;
}

/* ---- floods ---- */

struct flooding {
	uint64_t in, out, answered;
};

/* Each from an address of its own, of a random of its own; every eighth is the start of a hello in fragments. */
static bool one_spoofed(struct door *d, struct pcg *rng, struct flooding *f, uint64_t number)
{
	struct hello h = d->hello;
	uint8_t reply[512];
	tern_path path = d->path;
	size_t n;
	pcg_fill(rng, path.remote.bytes, 6);
	pcg_fill(rng, h.bytes + RECORD12_HEADER + HANDSHAKE_HEADER + 2, 8);
	if (number % 8 == 7)
		h.bytes[RECORD12_HEADER + 2] += 1; /* it claims 256 bytes more */
	if (number % 16 == 15)
		h.bytes[RECORD12_HEADER + 5] ^= (uint8_t)number;
	if (listen(d, &h, &path, reply, &n) == TERN_VERDICT_ACCEPT)
		return false;
	f->in += h.n;
	f->out += n;
	f->answered += n != 0;
	return f->out <= 3 * f->in;
}

static bool flood_one(const char *scenario, uint64_t count)
{
	struct door d;
	struct flooding f = {0};
	struct pcg rng;
	bool good = open_door(&d, scenario) && write_hello(&d, NULL, 0);
	struct memory *m = &d.world->hosts[SERVER].memory;
	uint64_t calls = m->faults.calls[FAULT_MEMORY];
	size_t live = m->live;
	pcg_seed(&rng, 1, 77);
	for (uint64_t i = 0; good && i < count; i++)
		good = one_spoofed(&d, &rng, &f, i);
	good = good && m->faults.calls[FAULT_MEMORY] == calls && m->live == live && f.answered > count / 2;
	printf("%s: %llu spoofed hellos, %llu answered, %llu bytes in, %llu out, %llu allocations, %zu bytes kept\n",
	       scenario, (unsigned long long)count, (unsigned long long)f.answered, (unsigned long long)f.in,
	       (unsigned long long)f.out, (unsigned long long)(m->faults.calls[FAULT_MEMORY] - calls), m->live - live);
	close_door(&d);
	return good;
}

bool spoofed_hellos(uint64_t count)
{
	bool old = flood_one("full", count / 2);
	return flood_one("13-full", count - count / 2) && old;
}

/* ---- cookies ---- */

enum theft {
	THEFT_NONE,
	OTHER_ADDRESS,
	OTHER_PORT,
	OTHER_LENGTH, /* of the address, with the same bytes */
	OTHER_LOCAL,
	OTHER_RANDOM, /* of the hello; DTLS 1.3 covers the first hello by its transcript instead */
	OTHER_SUITES,
	OTHER_COOKIE,
	CUT_COOKIE,
	ROTATED_ONCE,
	ROTATED_TWICE,
	NUM_THEFTS
};

static const char *const thefts[NUM_THEFTS] = {
	"none",		"other-address", "other-port", "other-length", "other-local",	"other-random",
	"other-suites", "other-cookie",	 "cut-cookie", "rotated-once", "rotated-twice",
};

/* Where the suites of a hello of DTLS 1.2 are, behind the random, the session id and the cookie. */
static uint8_t *suites_of(struct hello *h, bool old)
{
	uint8_t *p = h->bytes + RECORD12_HEADER + HANDSHAKE_HEADER + 2 + RANDOM_LEN;
	p += 1 + p[0];
	return old ? p + 1 + p[0] : p + 1;
}

static bool steal(struct door *d, enum theft theft, bool old, struct hello *h, tern_path *path)
{
	uint8_t *cookie = h->bytes + RECORD12_HEADER + HANDSHAKE_HEADER + 2 + RANDOM_LEN + 1;
	unsigned rotations = theft == ROTATED_ONCE ? 1 : theft == ROTATED_TWICE ? 2 : 0;
	cookie += cookie[-1];
	if (theft == OTHER_ADDRESS)
		path->remote.bytes[0] ^= 1;
	if (theft == OTHER_PORT)
		path->remote.bytes[5] ^= 1;
	if (theft == OTHER_LENGTH)
		path->remote.len++;
	if (theft == OTHER_LOCAL)
		path->local.bytes[1] ^= 1;
	if (theft == OTHER_RANDOM)
		h->bytes[RECORD12_HEADER + HANDSHAKE_HEADER + 2] ^= 1;
	if (theft == OTHER_SUITES)
		suites_of(h, old)[2] ^= 0x40;
	if (theft == OTHER_COOKIE && old)
		cookie[4] ^= 1;
	if (theft == OTHER_COOKIE && !old)
		return false;
	if (theft == CUT_COOKIE)
		h->n--; /* the record is longer than the datagram */
	for (unsigned i = 0; i < rotations; i++) {
		uint8_t secret[32] = {(uint8_t)(1 + i)};
		if (tern_keyring_rotate(d->world->hosts[SERVER].config->keyring, secret, sizeof secret) != TERN_OK)
			return false;
	}
	return true;
}

static bool one_theft(const char *scenario, enum theft theft, bool old, unsigned *cases)
{
	struct door d;
	uint8_t reply[512];
	size_t n = 0, live;
	/* A hello of DTLS 1.3 may change where its cookie does not look: the handshake's transcript has it. */
	bool covered_later = !old && (theft == OTHER_RANDOM || theft == OTHER_SUITES);
	bool takes = theft == THEFT_NONE || theft == ROTATED_ONCE || covered_later, good;
	tern_path path;
	struct hello h;
	if (!old && theft == OTHER_COOKIE)
		return true;
	good = open_door(&d, scenario) && write_hello(&d, NULL, 0) &&
	       listen(&d, &d.hello, &d.path, reply, &n) == TERN_VERDICT_REPLY && write_hello(&d, reply, n);
	h = d.hello;
	path = d.path;
	live = d.world->hosts[SERVER].memory.live;
	good = good && steal(&d, theft, old, &h, &path);
	good = good && (listen(&d, &h, &path, reply, &n) == TERN_VERDICT_ACCEPT) == takes;
	good = good && d.world->hosts[SERVER].memory.live == live && n <= 3 * h.n;
	if (!good)
		printf("%s: cookie theft %s\n", scenario, thefts[theft]);
	(*cases)++;
	close_door(&d);
	return good;
}

bool cookie_replays(unsigned *cases)
{
	bool good = true;
	for (unsigned t = 0; t < NUM_THEFTS; t++) {
		good = one_theft("full", (enum theft)t, true, cases) && good;
		good = one_theft("13-full", (enum theft)t, false, cases) && good;
	}
	return good;
}
