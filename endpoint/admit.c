/* What may begin: budgets of unfinished handshakes, per prefix of addresses too, and of private-key operations; and who
 * has to leave when all places are taken. */
#include "endpoint.h"

static const uint64_t SECOND_NS = 1000000000;

/* Two cells that hold the prefix's count and, by accident, others': the smaller one is nearer to the truth. */
static void cells_of(tern_endpoint *endpoint, const struct ip *remote, uint16_t *cells[2])
{
	struct ip prefix = {.v6 = remote->v6};
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	size_t len = !remote->v6 ? 3 : memcmp(remote->bytes, mapped, sizeof mapped) == 0 ? 15 : 7;
	uint64_t hash;

	memcpy(prefix.bytes, remote->bytes, len);
	hash = siphash(endpoint->key, &prefix, sizeof prefix);
	cells[0] = &endpoint->prefixes[0][hash % PREFIX_CELLS];
	cells[1] = &endpoint->prefixes[1][(hash >> 32) % PREFIX_CELLS];
}

static void enter(uint16_t *const cells[2])
{
	for (int i = 0; i < 2; i++)
		if (*cells[i] < UINT16_MAX)
			++*cells[i];
}

static void leave(uint16_t *const cells[2])
{
	for (int i = 0; i < 2; i++)
		if (*cells[i] > 0)
			--*cells[i];
}

static uint64_t cost_ns(const tern_endpoint *endpoint)
{
	return SECOND_NS / endpoint->options.signatures_per_s;
}

/* A bucket that holds a second's worth. */
static bool take_allowance(tern_endpoint *endpoint)
{
	uint64_t gained = endpoint->now.mono_ns - endpoint->allowance_at_ns;

	endpoint->allowance_at_ns = endpoint->now.mono_ns;
	if (gained > SECOND_NS - endpoint->allowance_ns)
		endpoint->allowance_ns = SECOND_NS;
	else
		endpoint->allowance_ns += gained;
	if (endpoint->allowance_ns < cost_ns(endpoint))
		return false;
	endpoint->allowance_ns -= cost_ns(endpoint);
	return true;
}

static void give_back(tern_endpoint *endpoint)
{
	endpoint->allowance_ns += cost_ns(endpoint);
	if (endpoint->allowance_ns > SECOND_NS)
		endpoint->allowance_ns = SECOND_NS;
}

/* The oldest unfinished handshake, or else who was silent for longest. */
static bool make_room(tern_endpoint *endpoint)
{
	if (endpoint->unfinished.first)
		life_end(endpoint, endpoint->unfinished.first, TERN_GONE_EVICTED);
	else if (endpoint->connected.first)
		life_close(endpoint, endpoint->connected.first, TERN_GONE_EVICTED);
	return endpoint->num_slots < endpoint->options.max_peers;
}

bool admit(tern_endpoint *endpoint, const struct route *route, uint16_t *flags)
{
	const tern_endpoint_options *options = &endpoint->options;
	uint16_t *cells[2];

	cells_of(endpoint, &route->remote, cells);
	if (endpoint->unfinished_served >= options->max_handshakes) {
		COUNT(endpoint, refused_handshakes, 1);
	} else if (*cells[0] >= options->max_handshakes_per_prefix && *cells[1] >= options->max_handshakes_per_prefix) {
		COUNT(endpoint, refused_prefix, 1);
	} else if (!take_allowance(endpoint)) {
		COUNT(endpoint, refused_signatures, 1);
	} else if (endpoint->num_slots >= options->max_peers && !make_room(endpoint)) {
		give_back(endpoint);
		COUNT(endpoint, refused_peers, 1);
	} else {
		enter(cells);
		endpoint->unfinished_served++;
		*flags = SLOT_SERVER | SLOT_SIGNS;
		return true;
	}
	return false;
}

/* Also for a handshake that failed: it may have come so far. */
static bool may_have_signed(const tern_conn *conn)
{
	tern_info info;

	if (!conn) /* it could not be made */
		return false;
	tern_conn_info(conn, &info);
	return !info.connected || !(info.resumed || info.scheme_id == 0);
}

void admit_leave(tern_endpoint *endpoint, struct slot *slot)
{
	uint16_t *cells[2];

	if (!(slot->flags & SLOT_SIGNS))
		return;
	slot->flags &= (uint16_t)~SLOT_SIGNS;
	cells_of(endpoint, &slot->route.remote, cells);
	leave(cells);
	endpoint->unfinished_served--;
	if (!may_have_signed(slot->conn))
		give_back(endpoint);
}

void admit_moved(tern_endpoint *endpoint, const struct ip *from, const struct ip *to)
{
	uint16_t *cells[2];

	cells_of(endpoint, from, cells);
	leave(cells);
	cells_of(endpoint, to, cells);
	enter(cells);
}
