/* Handshake datagrams that wait while others' records are served: a ring of bytes. */
#include "endpoint.h"

struct waiting {
	uint32_t len;
	struct route route;
};

static void put(struct backlog *backlog, const void *bytes, size_t n)
{
	size_t at = (backlog->head + backlog->used) % BACKLOG_BYTES, first = BACKLOG_BYTES - at;

	first = first < n ? first : n;
	memcpy(backlog->bytes + at, bytes, first);
	memcpy(backlog->bytes, (const uint8_t *)bytes + first, n - first);
	backlog->used += n;
}

static void get(struct backlog *backlog, void *bytes, size_t n)
{
	size_t first = BACKLOG_BYTES - backlog->head;

	first = first < n ? first : n;
	memcpy(bytes, backlog->bytes + backlog->head, first);
	memcpy((uint8_t *)bytes + first, backlog->bytes, n - first);
	backlog->head = (backlog->head + n) % BACKLOG_BYTES;
	backlog->used -= n;
}

static uint16_t *cell_of(struct backlog *backlog, const struct route *route)
{
	return &backlog->cells[siphash(backlog->key, route, sizeof *route) % BACKLOG_CELLS];
}

bool backlog_holds(struct backlog *backlog, const struct route *route)
{
	return backlog->num && *cell_of(backlog, route) > 0;
}

bool backlog_put(struct backlog *backlog, const struct arrival *datagram)
{
	struct waiting waiting = {(uint32_t)datagram->len, datagram->route};

	if (BACKLOG_BYTES - backlog->used < sizeof waiting + datagram->len)
		return false;
	put(backlog, &waiting, sizeof waiting);
	put(backlog, datagram->bytes, datagram->len);
	backlog->num++;
	++*cell_of(backlog, &datagram->route);
	return true;
}

bool backlog_get(struct backlog *backlog, struct arrival *datagram, uint8_t *room)
{
	struct waiting waiting;

	if (!backlog->num)
		return false;
	get(backlog, &waiting, sizeof waiting);
	get(backlog, room, waiting.len);
	backlog->num--;
	--*cell_of(backlog, &waiting.route);
	*datagram = (struct arrival){room, waiting.len, waiting.route};
	return true;
}
