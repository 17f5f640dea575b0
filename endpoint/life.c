/* A connection's way from its first datagram to its end. */
#include "endpoint.h"

#include <stdlib.h>

enum { SWEPT = 32 }; /* closed at a time, for when many have fallen silent at once */
static const uint64_t GRAIN_NS = 250000000;

void pool_release(struct pool *pool)
{
	if (!pool || --pool->users)
		return;
	tern_pool_free(pool->pool);
	free(pool);
}

/* conn NULL: it could not be made. */
uint32_t life_begin(tern_endpoint *endpoint, tern_conn *conn, const struct route *route, uint16_t flags)
{
	uint32_t index = conn ? slot_new(endpoint) : 0;
	struct slot none = {.route = *route, .flags = flags, .conn = conn},
		    *slot = index ? slot_at(endpoint, index) : NULL;

	if (!slot) {
		if (flags & SLOT_SIGNS)
			admit_leave(endpoint, &none);
		tern_conn_free(conn);
		return 0;
	}
	slot->conn = conn;
	slot->pool = endpoint->pool;
	slot->pool->users++;
	slot->route = *route;
	slot->flags = flags;
	slot->heard_ns = endpoint->now.mono_ns;
	if (flags & SLOT_SERVER) {
		slot_hash(endpoint, index);
		queue_push(endpoint, &endpoint->unfinished, index);
	}
	endpoint->num_slots++;
	COUNT(endpoint, handshakes_started, 1);
	return index;
}

/* A dialed connection's socket knows one address only. */
static tern_error take_into(tern_endpoint *endpoint, struct slot *slot, struct route *route, uint8_t *to, size_t room,
			    size_t *len)
{
	struct route other = slot->route;
	tern_path path;
	tern_error error;

	*route = slot->route;
	if (!(slot->flags & SLOT_SERVER))
		return tern_conn_take(slot->conn, to, room, len, endpoint->now);
	error = tern_conn_take_path(slot->conn, to, room, len, &path, endpoint->now);
	if (error == TERN_OK && *len && route_from_path(endpoint, &other, &path))
		*route = other;
	return error;
}

/* One datagram of what waits in the connection. *len 0: nothing does. false: there is no room now. */
static bool take(tern_endpoint *endpoint, struct slot *slot, struct route *route, size_t *len, tern_error *error)
{
	size_t room, need = 2048;
	uint8_t *to;

	*len = 0;
	while ((to = sends_room(endpoint, need, &room)) != NULL) {
		*error = take_into(endpoint, slot, route, to, room, len);
		if (*error != TERN_ERROR_BUFFER_TOO_SMALL)
			return true;
		need = DATAGRAM_MAX;
	}
	return false;
}

/* Also the alert of a connection that has failed. */
bool life_drain(tern_endpoint *endpoint, uint32_t index)
{
	struct slot *slot = slot_at(endpoint, index);
	bool failed = false;

	slot->flags &= (uint16_t)~SLOT_OWES;
	for (int i = 0; i < FLIGHT_MAX; i++) {
		struct route route;
		tern_error error;
		size_t len;
		if (!take(endpoint, slot, &route, &len, &error)) {
			slot->flags |= SLOT_OWES;
			blocked_push(endpoint, index);
			break;
		}
		if (error != TERN_OK && failed)
			break;
		failed = failed || error != TERN_OK;
		if (error == TERN_OK && len == 0)
			break;
		if (len)
			sends_add(endpoint, &route, len);
	}
	return !failed;
}

void life_retime(tern_endpoint *endpoint, uint32_t index)
{
	const struct slot *slot = slot_at(endpoint, index);
	uint64_t deadline = tern_conn_deadline(slot->conn);

	if ((slot->flags & SLOT_CONNECTED) && endpoint->options.keep_alive_ns && slot->keep_ns < deadline)
		deadline = slot->keep_ns;
	if (deadline == TERN_NEVER)
		timer_clear(endpoint, index);
	else
		timer_set(endpoint, index, deadline);
}

/* USAGE: no return routability check was agreed on, so there is nothing to ask by. */
void life_keep(tern_endpoint *endpoint, uint32_t index)
{
	struct slot *slot = slot_at(endpoint, index);

	if (!endpoint->options.keep_alive_ns || !(slot->flags & SLOT_CONNECTED) ||
	    slot->keep_ns > endpoint->now.mono_ns)
		return;
	slot->keep_ns = endpoint->now.mono_ns + endpoint->options.keep_alive_ns;
	if (tern_conn_probe(slot->conn, endpoint->now) == TERN_OK)
		COUNT(endpoint, probes, 1);
}

void life_follow(tern_endpoint *endpoint, uint32_t index)
{
	struct slot *slot = slot_at(endpoint, index);
	struct route route = slot->route;
	tern_path path;

	if (!(slot->flags & SLOT_SERVER) || !tern_conn_path(slot->conn, &path) ||
	    !route_from_path(endpoint, &route, &path) || memcmp(&route, &slot->route, sizeof route) == 0)
		return;
	slot_unhash(endpoint, index);
	if (slot->flags & SLOT_SIGNS)
		admit_moved(endpoint, &slot->route.remote, &route.remote);
	slot->route = route;
	slot_hash(endpoint, index);
	COUNT(endpoint, paths_changed, 1);
}

static void count_retransmissions(tern_endpoint *endpoint, struct slot *slot, const tern_info *info)
{
	COUNT(endpoint, retransmissions, info->retransmissions - slot->retransmissions);
	slot->retransmissions = (uint32_t)info->retransmissions;
}

/* The one that the same address had, or is about to have. */
static uint32_t other_of(const tern_endpoint *endpoint, uint32_t index)
{
	struct found found;

	if (!(slot_at(endpoint, index)->flags & SLOT_SERVER))
		return 0;
	found = slots_find(endpoint, &slot_at(endpoint, index)->route);
	return found.current == index ? found.candidate : found.current;
}

void life_connected(tern_endpoint *endpoint, uint32_t index)
{
	struct slot *slot = slot_at(endpoint, index);
	tern_info info;

	if (slot->flags & SLOT_SERVER)
		queue_remove(endpoint, &endpoint->unfinished, index);
	slot->flags |= SLOT_CONNECTED;
	slot->heard_ns = endpoint->now.mono_ns;
	slot->keep_ns = slot->heard_ns + endpoint->options.keep_alive_ns;
	queue_push(endpoint, &endpoint->connected, index);
	admit_leave(endpoint, slot);
	tern_conn_info(slot->conn, &info);
	COUNT(endpoint, handshakes_completed, 1);
	COUNT(endpoint, handshakes_resumed, info.resumed);
	COUNT(endpoint, rtt_samples, info.rtt_ns != 0);
	COUNT(endpoint, rtt_sum_ns, info.rtt_ns);
	count_retransmissions(endpoint, slot, &info);
	if (slot->flags & SLOT_CANDIDATE) { /* RFC 6347 4.2.8, RFC 9147 5.11 */
		life_end(endpoint, other_of(endpoint, index), TERN_GONE_REPLACED);
		slot_set_candidate(endpoint, index, false);
	}
	if (!life_drain(endpoint, index)) /* what the application sends now must not overtake it */
		life_end(endpoint, index, TERN_GONE_FAILED);
}

/* The queue is in order of when they were heard, give or take a grain that is small beside the idle timeout: moving
 * costs more than the rest of a record's way here. */
void life_heard(tern_endpoint *endpoint, uint32_t index)
{
	struct slot *slot = slot_at(endpoint, index);
	uint64_t grain = endpoint->options.idle_ns / 64, now = endpoint->now.mono_ns;

	if (!(slot->flags & SLOT_CONNECTED) || now - slot->heard_ns < (grain < GRAIN_NS ? grain : GRAIN_NS))
		return;
	slot->heard_ns = now;
	slot->keep_ns = now + endpoint->options.keep_alive_ns;
	queue_remove(endpoint, &endpoint->connected, index);
	queue_push(endpoint, &endpoint->connected, index);
}

/* A plaintext alert ends any handshake at that address, so one that failed is silent while another one still shakes
 * hands there. */
static bool may_speak(const tern_endpoint *endpoint, uint32_t index)
{
	uint32_t other = other_of(endpoint, index);

	return !other || (slot_at(endpoint, other)->flags & SLOT_CONNECTED);
}

static void count_end(tern_endpoint *endpoint, struct slot *slot, tern_gone_reason reason)
{
	static const enum counter counters[TERN_NUM_GONE_REASONS] = {
		[TERN_GONE_CLOSED_BY_PEER] = COUNT_gone_closed_by_peer,
		[TERN_GONE_CLOSED] = COUNT_gone_closed,
		[TERN_GONE_FAILED] = COUNT_gone_failed,
		[TERN_GONE_IDLE] = COUNT_gone_idle,
		[TERN_GONE_EVICTED] = COUNT_gone_evicted,
		[TERN_GONE_REPLACED] = COUNT_gone_replaced,
		[TERN_GONE_OVERSIZED] = COUNT_gone_oversized,
		[TERN_GONE_UNREACHABLE] = COUNT_gone_unreachable,
	};
	bool connected = (slot->flags & SLOT_CONNECTED) != 0;
	tern_info info;

	tern_conn_info(slot->conn, &info);
	count_retransmissions(endpoint, slot, &info);
	for (int i = 0; i < TERN_NUM_DROPS; i++)
		if (info.dropped[i])
			count_up(&endpoint->dropped[i], info.dropped[i]);
	if (reason == TERN_GONE_EVICTED && !connected)
		COUNT(endpoint, gone_evicted_unfinished, 1);
	else
		count_up(&endpoint->counters[counters[reason]], 1);
	if (!connected)
		COUNT(endpoint, handshakes_failed, 1);
	if (!connected && tern_conn_failure(slot->conn).error == TERN_ERROR_TIMEOUT)
		COUNT(endpoint, handshakes_timed_out, 1);
}

static void end(tern_endpoint *endpoint, uint32_t index, tern_gone_reason reason, bool speaks)
{
	struct slot *slot = slot_at(endpoint, index);
	uint32_t other;

	slot->flags |= SLOT_DYING;
	slot->flags &= (uint16_t)~SLOT_OWES;
	if (speaks)
		(void)life_drain(endpoint, index);
	other = other_of(endpoint, index);
	if (other && !(slot->flags & SLOT_CANDIDATE))
		slot_set_candidate(endpoint, other, false);
	slot->reason = (uint8_t)reason;
	slot_unhash(endpoint, index);
	if (slot->flags & SLOT_CONNECTED)
		queue_remove(endpoint, &endpoint->connected, index);
	else if (slot->flags & SLOT_SERVER)
		queue_remove(endpoint, &endpoint->unfinished, index);
	timer_clear(endpoint, index);
	admit_leave(endpoint, slot);
	count_end(endpoint, slot, reason);
	endpoint->num_slots--;
	work_push(endpoint, index);
}

void life_end(tern_endpoint *endpoint, uint32_t index, tern_gone_reason reason)
{
	if (!(slot_at(endpoint, index)->flags & SLOT_DYING))
		end(endpoint, index, reason, reason == TERN_GONE_FAILED && may_speak(endpoint, index));
}

void life_close(tern_endpoint *endpoint, uint32_t index, tern_gone_reason reason)
{
	const struct slot *slot = slot_at(endpoint, index);

	if (!(slot->flags & SLOT_DYING))
		end(endpoint, index, reason, tern_conn_close(slot->conn, endpoint->now) == TERN_OK);
}

void life_sweep(tern_endpoint *endpoint)
{
	const uint64_t idle_ns = endpoint->options.idle_ns;

	if (idle_ns == TERN_NEVER)
		return;
	for (uint32_t n = 0, i; n < SWEPT && (i = endpoint->connected.first) != 0; n++) {
		if (endpoint->now.mono_ns - slot_at(endpoint, i)->heard_ns < idle_ns)
			break;
		life_close(endpoint, i, TERN_GONE_IDLE);
	}
}
