/* Flights for carriers: the datagrams of our handshake are kept as they were taken, for a caller that repeats them byte
 * for byte inside something else, and does so in place of our timer. */
#include "base/heap.h"
#include "connection/conn.h"

struct kept {
	struct kept *next;
	size_t n, cap;
	uint8_t bytes[];
};

static void free_all(tern_conn *conn, struct kept **list)
{
	while (*list) {
		struct kept *k = *list;
		*list = k->next;
		heap_free(&conn->pool->config->heap, k, sizeof *k + k->cap);
	}
}

void carrier_drop(tern_conn *conn)
{
	free_all(conn, &conn->kept);
}

void carrier_end(tern_conn *conn)
{
	carrier_drop(conn);
	free_all(conn, &conn->spare);
	conn->carried = false;
}

static struct kept *new_kept(const tern_conn *conn, size_t cap)
{
	struct kept *k = heap_alloc(&conn->pool->config->heap, sizeof *k + cap);
	if (!k)
		return NULL;
	k->next = NULL;
	k->n = 0;
	k->cap = cap;
	return k;
}

tern_error carrier_reserve(tern_conn *conn)
{
	if (!conn->carried || (conn->spare && conn->spare->cap >= conn->mtu))
		return TERN_OK;
	free_all(conn, &conn->spare);
	conn->spare = new_kept(conn, conn->mtu);
	return conn->spare ? TERN_OK : TERN_ERROR_NO_MEMORY;
}

/* In as little room as it needs, or else in the one that is there. */
void carrier_keep(tern_conn *conn, const uint8_t *datagram, size_t len, bool fresh)
{
	struct kept **at = &conn->kept, *k = conn->spare;
	if (!conn->carried || !k || len == 0 || len > k->cap)
		return;
	if (fresh)
		carrier_drop(conn);
	k = new_kept(conn, len);
	if (!k) {
		k = conn->spare;
		conn->spare = NULL;
	}
	k->n = len;
	memcpy(k->bytes, datagram, len);
	while (*at)
		at = &(*at)->next;
	*at = k;
}

void carrier_release(tern_conn *conn)
{
	free_all(conn, &conn->spare);
}

/* What was taken last is not answered, and nothing newer is about to be sent for the first time. In DTLS 1.3 a server's
 * last word is the acknowledgement of the client's flight. */
static bool kept_is_current(const tern_conn *conn)
{
	const struct handshake *hs = conn->hs;
	if (conn->state == CONN_FAILED)
		return false;
	if (conn->state != CONN_HANDSHAKE && (conn->last || (conn->after && conn->role == SERVER)))
		return true;
	return hs && flight_is_on_its_way(&hs->flight) && (hs->flight.tries || hs->flight.cursor);
}

size_t tern_conn_flight(const tern_conn *conn, tern_bytes *datagrams, size_t max)
{
	size_t n = 0;
	for (const struct kept *k = conn->kept; k && n < max && kept_is_current(conn); k = k->next)
		datagrams[n++] = (tern_bytes){k->bytes, k->n};
	return n;
}

tern_error tern_conn_set_timers(tern_conn *conn, tern_timing timing, tern_time now)
{
	bool external = timing == TERN_TIMERS_EXTERNAL;
	if (timing != TERN_TIMERS_OWN && !external)
		return TERN_ERROR_USAGE;
	if (external == conn->carried)
		return TERN_OK;
	carrier_end(conn);
	conn->carried = external && (conn->hs || conn->last);
	if (conn->hs)
		flight_set_external(&conn->hs->flight, conn->carried, pool_jitter(conn->pool), now);
	if (conn->last && conn->carried)
		last_again(conn->last);
	return TERN_OK;
}

tern_error tern_conn_retransmit(tern_conn *conn, tern_time now)
{
	(void)now;
	if (conn->state == CONN_FAILED)
		return conn->failure.error;
	if (conn->last)
		last_again(conn->last);
	else if ((conn->state == CONN_HANDSHAKE && !conn_awaits_answer(conn)) || conn_repeats_last_flight(conn))
		flight_again(&conn->hs->flight);
	return TERN_OK;
}
