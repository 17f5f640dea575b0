/* Flights for carriers: the datagrams of our handshake are kept as they were taken, for a caller that repeats them byte
 * for byte inside something else, and does so in place of our timer. */
#include "base/heap.h"
#include "connection/conn.h"

struct kept {
	struct kept *next;
	size_t n;
	uint8_t bytes[];
};

void carrier_drop(tern_conn *conn)
{
	while (conn->kept) {
		struct kept *next = conn->kept->next;
		heap_free(&conn->pool->config->heap, conn->kept, sizeof *conn->kept + conn->kept->n);
		conn->kept = next;
	}
}

void carrier_end(tern_conn *conn)
{
	carrier_drop(conn);
	conn->carried = false;
}

tern_error carrier_keep(tern_conn *conn, const uint8_t *datagram, size_t len, bool fresh)
{
	struct kept **at = &conn->kept, *k;
	if (!conn->carried || len == 0)
		return TERN_OK;
	if (fresh)
		carrier_drop(conn);
	k = heap_alloc(&conn->pool->config->heap, sizeof *k + len);
	if (!k)
		return TERN_ERROR_NO_MEMORY;
	k->next = NULL;
	k->n = len;
	memcpy(k->bytes, datagram, len);
	while (*at)
		at = &(*at)->next;
	*at = k;
	return TERN_OK;
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
