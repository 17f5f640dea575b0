/* Handshake datagrams that wait while others' records are served: a ring of bytes. */
#include "endpoint.h"

struct waiting {
	uint32_t len;
	bool taken; /* ahead of its turn */
	struct route route;
};

static void put(struct backlog *backlog, size_t at, const void *bytes, size_t n)
{
	size_t first;

	at = (backlog->head + at) % BACKLOG_BYTES;
	first = BACKLOG_BYTES - at < n ? BACKLOG_BYTES - at : n;
	memcpy(backlog->bytes + at, bytes, first);
	memcpy(backlog->bytes, (const uint8_t *)bytes + first, n - first);
}

static void look(const struct backlog *backlog, size_t at, void *bytes, size_t n)
{
	size_t first;

	at = (backlog->head + at) % BACKLOG_BYTES;
	first = BACKLOG_BYTES - at < n ? BACKLOG_BYTES - at : n;
	memcpy(bytes, backlog->bytes + at, first);
	memcpy((uint8_t *)bytes + first, backlog->bytes, n - first);
}

static uint16_t *cell_of(struct backlog *backlog, const struct route *route)
{
	return &backlog->cells[siphash_route(backlog->key, route) % BACKLOG_CELLS];
}

bool backlog_holds(struct backlog *backlog, const struct route *route)
{
	return backlog->num && *cell_of(backlog, route) > 0;
}

bool backlog_put(struct backlog *backlog, const struct arrival *datagram)
{
	struct waiting waiting = {.len = (uint32_t)datagram->len, .route = datagram->route};

	if (BACKLOG_BYTES - backlog->used < sizeof waiting + datagram->len)
		return false;
	put(backlog, backlog->used, &waiting, sizeof waiting);
	put(backlog, backlog->used + sizeof waiting, datagram->bytes, datagram->len);
	backlog->used += sizeof waiting + datagram->len;
	backlog->num++;
	++*cell_of(backlog, &datagram->route);
	return true;
}

static void take(struct backlog *backlog, size_t at, const struct waiting *waiting, struct arrival *datagram,
		 uint8_t *room)
{
	look(backlog, at + sizeof *waiting, room, waiting->len);
	*datagram = (struct arrival){room, waiting->len, waiting->route};
	backlog->num--;
	--*cell_of(backlog, &waiting->route);
}

static void drop_first(struct backlog *backlog, const struct waiting *first)
{
	backlog->head = (backlog->head + sizeof *first + first->len) % BACKLOG_BYTES;
	backlog->used -= sizeof *first + first->len;
}

bool backlog_get(struct backlog *backlog, struct arrival *datagram, uint8_t *room)
{
	struct waiting waiting;

	while (backlog->used) {
		look(backlog, 0, &waiting, sizeof waiting);
		if (!waiting.taken)
			take(backlog, 0, &waiting, datagram, room);
		drop_first(backlog, &waiting);
		if (!waiting.taken)
			return true;
	}
	return false;
}

bool backlog_get_of(struct backlog *backlog, const struct route *route, struct arrival *datagram, uint8_t *room)
{
	struct waiting waiting;

	if (!backlog_holds(backlog, route))
		return false;
	for (size_t at = 0; at < backlog->used; at += sizeof waiting + waiting.len) {
		look(backlog, at, &waiting, sizeof waiting);
		if (waiting.taken || memcmp(&waiting.route, route, sizeof *route) != 0)
			continue;
		take(backlog, at, &waiting, datagram, room);
		waiting.taken = true;
		put(backlog, at, &waiting, sizeof waiting);
		return true;
	}
	return false;
}
