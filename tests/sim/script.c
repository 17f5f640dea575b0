#include "sim/script.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/reader.h"
#include "sim/host.h"

#define WORLDS 256
#define OPS_MAX 2000

/* Opening a world costs as much as many runs. */
static struct world *world_for(uint8_t choice)
{
	static struct world *worlds[WORLDS];
	size_t i = choice % num_scenarios;
	if (!worlds[i])
		worlds[i] = world_open(&scenarios[i]);
	if (!worlds[i])
		abort();
	world_watch(worlds[i]);
	return worlds[i];
}

static void must_hold(const struct world *w)
{
	if (!w->inv.failed)
		return;
	fprintf(stderr, "%s: %s\n", w->scenario->name, w->inv.what);
	abort();
}

static uint8_t byte_of(struct rd *r)
{
	uint8_t v = 0;
	return rd_u8(r, &v) ? v : 0;
}

static uint16_t short_of(struct rd *r)
{
	uint16_t v = 0;
	return rd_u16(r, &v) ? v : 0;
}

/* As many bytes as are asked for and there. */
static size_t bytes_of(struct rd *r, uint8_t *out, size_t n)
{
	struct span s;
	if (n > rd_left(r))
		n = rd_left(r);
	if (n > SIM_DATAGRAM_MAX)
		n = SIM_DATAGRAM_MAX;
	if (!rd_bytes(r, n, &s))
		return 0;
	if (n)
		memcpy(out, s.p, n);
	return n;
}

/* ---- one host alone ---- */

static void pass_time(struct host *h, struct rd *r)
{
	struct world *w = h->world;
	w->now_ns += short_of(r) * 4 * SIM_MS;
	if (host_deadline(h) <= w->now_ns)
		host_tick(h);
}

static void operate(struct host *h, struct rd *r)
{
	struct world *w = h->world;
	struct peer *p = &h->peers[0];
	uint8_t datagram[SIM_DATAGRAM_MAX];
	size_t n;
	switch (byte_of(r) % 8) {
	case SCRIPT_TIME:
		pass_time(h, r);
		break;
	case SCRIPT_ANSWER:
		world_discard(w, true);
		break;
	case SCRIPT_CLOSE:
		if (p->conn && tern_conn_close(p->conn, host_time(h)) == TERN_OK)
			host_drain(h, p);
		break;
	case SCRIPT_MTU:
		if (p->conn && tern_conn_set_mtu(p->conn, short_of(r) % 1500) == TERN_OK)
			host_drain(h, p);
		break;
	case SCRIPT_DATA:
		if (p->conn && !p->ended && tern_conn_max_data(p->conn))
			host_send_data(h);
		break;
	default:
		n = bytes_of(r, datagram, short_of(r));
		host_receive(h, datagram, n);
		break;
	}
}

static void alone(struct world *w, enum role side, struct rd *r)
{
	struct schedule quiet = {.seed = SCRIPT_SEED, .chaos = CHAOS_INPUT, .swap = NO_SWAP};
	struct host *h = &w->hosts[side];
	world_begin(w, &quiet);
	w->inv.any_data = true;
	if (side == CLIENT)
		host_connect(h);
	for (unsigned i = 0; i < OPS_MAX && rd_left(r) && !w->inv.failed; i++) {
		operate(h, r);
		world_discard(w, false);
		world_check(w);
	}
	world_end(w);
	w->inv.any_data = false;
}

/* ---- both hosts, and the input between them ---- */

struct meddler {
	struct world *world;
	struct rd input;
};

static void change_bytes(struct meddler *m, struct buffer *b)
{
	size_t at = b->n ? (size_t)short_of(&m->input) % b->n : 0, n = byte_of(&m->input) % 16;
	uint8_t bytes[16];
	n = bytes_of(&m->input, bytes, n);
	if (n > b->n - at)
		n = b->n - at;
	if (n)
		memcpy(b->bytes + at, bytes, n);
}

static const struct buffer *caught(struct meddler *m)
{
	struct world *w = m->world;
	size_t have = w->num_caught < SIM_CAUGHT ? w->num_caught : SIM_CAUGHT;
	return &w->caught[byte_of(&m->input) % have]; /* at least the one that is being sent */
}

/* The datagram up to some place, then the rest of another. */
static void splice(struct meddler *m, struct buffer *b)
{
	const struct buffer *other = caught(m);
	size_t at = short_of(&m->input) % ((size_t)b->n + 1), from = short_of(&m->input) % ((size_t)other->n + 1);
	size_t n = other->n - from;
	if (n > SIM_DATAGRAM_MAX - at)
		n = SIM_DATAGRAM_MAX - at;
	memcpy(b->bytes + at, other->bytes + from, n);
	b->n = (uint16_t)(at + n);
}

static void set_mtu(struct meddler *m, unsigned side)
{
	struct peer *p = &m->world->hosts[side].peers[0];
	uint16_t mtu = short_of(&m->input) % 1500;
	if (p->conn)
		(void)!tern_conn_set_mtu(p->conn, mtu);
}

static void meddle(void *user, unsigned to, struct buffer *b, struct fate *fate)
{
	struct meddler *m = user;
	switch (byte_of(&m->input) % 12) {
	case 1:
		fate->copies = 0;
		break;
	case 2:
		fate->copies = 2;
		fate->delay_ns[1] = SIM_MS * short_of(&m->input);
		break;
	case 3:
		fate->delay_ns[0] = SIM_MS * short_of(&m->input);
		break;
	case 4:
		change_bytes(m, b);
		break;
	case 5:
		b->n = (uint16_t)(short_of(&m->input) % ((size_t)b->n + 1));
		break;
	case 6:
		splice(m, b);
		break;
	case 7:
		*b = *caught(m);
		break;
	case 8:
		set_mtu(m, !to);
		break;
	case 9:
		b->n = (uint16_t)bytes_of(&m->input, b->bytes, byte_of(&m->input));
		break;
	default:
		break;
	}
}

static void both(struct world *w, struct rd *r)
{
	struct schedule quiet = {.seed = SCRIPT_SEED, .chaos = CHAOS_INPUT, .swap = NO_SWAP};
	struct meddler m = {w, *r};
	w->meddle = meddle;
	w->meddler = &m; /* cppcheck-suppress autoVariables ; taken back below */
	(void)world_run(w, &quiet);
	w->meddle = NULL;
	w->meddler = NULL;
}

void script_run(enum role side, const uint8_t *data, size_t size)
{
	struct rd r = rd_of(span_of(data, size));
	struct world *w = world_for(byte_of(&r));
	if (byte_of(&r) % 2 == SCRIPT_ALONE)
		alone(w, side, &r);
	else
		both(w, &r);
	must_hold(w);
}

void script_listen(const uint8_t *data, size_t size)
{
	struct schedule quiet = {.seed = SCRIPT_SEED, .chaos = CHAOS_INPUT, .swap = NO_SWAP};
	struct rd r = rd_of(span_of(data, size));
	struct world *w = world_for(byte_of(&r));
	uint8_t datagram[SIM_DATAGRAM_MAX];
	world_begin(w, &quiet);
	w->inv.any_data = true;
	for (unsigned i = 0; i < OPS_MAX && rd_left(&r) && !w->inv.failed; i++) {
		size_t n = bytes_of(&r, datagram, short_of(&r));
		host_receive(&w->hosts[SERVER], datagram, n);
		world_discard(w, false);
		world_check(w);
		host_drop(&w->hosts[SERVER]);
	}
	world_end(w);
	w->inv.any_data = false;
	must_hold(w);
}
