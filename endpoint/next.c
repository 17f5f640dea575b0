/* The loop's inside: what is to be done, one thing after the other, until one of them is an event. */
#include "endpoint.h"

static void tell(tern_endpoint *endpoint, tern_endpoint_event *event, tern_endpoint_event_kind kind, uint32_t index)
{
	const struct slot *slot = slot_at(endpoint, index);

	event->kind = kind;
	if (kind != TERN_ENDPOINT_EVENT)
		event->event = (tern_event){.kind = TERN_EVENT_NONE};
	event->peer = slot_peer(endpoint, index);
	event->conn = slot->conn;
	event->connected = (slot->flags & SLOT_CONNECTED) != 0;
	event->reason = (tern_gone_reason)slot->reason;
}

/* What came together is answered together, when all of it was worked on. */
static bool drain_later(tern_endpoint *endpoint, uint32_t index)
{
	bool later = receives_go_on(endpoint) && (!endpoint->undrained || endpoint->undrained == index);

	if (later)
		endpoint->undrained = index;
	else if (endpoint->undrained == index)
		endpoint->undrained = 0;
	return later;
}

static void drain(tern_endpoint *endpoint, uint32_t index)
{
	if (!life_drain(endpoint, index))
		life_end(endpoint, index, TERN_GONE_FAILED);
	else
		life_retime(endpoint, index);
}

static void end_course(tern_endpoint *endpoint)
{
	struct course *course = &endpoint->course;
	uint32_t index = course->slot;
	struct slot *slot = slot_at(endpoint, index);
	bool connected = (slot->flags & SLOT_CONNECTED) != 0;
	bool mine = course->fed && tern_conn_authenticated(slot->conn);

	if (mine)
		life_heard(endpoint, index);
	else if (!course->fed)
		life_follow(endpoint, index); /* the application may have moved it */
	else if (course->fed && connected && !course->second)
		COUNT(endpoint, dropped_unopened, 1);
	if (!mine || !connected || !drain_later(endpoint, index))
		drain(endpoint, index);
	if (course->fed && !mine && course->second)
		*course = (struct course){.slot = course->second, .feeds = true, .datagram = course->datagram};
	else
		course->slot = 0;
}

/* false: the connection is over. */
static bool feed(tern_endpoint *endpoint, struct slot *slot)
{
	struct course *course = &endpoint->course;
	tern_path path;

	course->feeds = false;
	course->fed = true;
	if (!(slot->flags & SLOT_CONNECTED)) {
		slot->bytes += (uint32_t)course->datagram.len;
		if (slot->bytes > endpoint->options.handshake_bytes) {
			life_end(endpoint, course->slot, TERN_GONE_OVERSIZED);
			return false;
		}
	}
	route_path(endpoint, &course->datagram.route, &path);
	if (tern_conn_feed(slot->conn, course->datagram.bytes, course->datagram.len, &path, endpoint->now) == TERN_OK)
		return true;
	life_end(endpoint, course->slot, TERN_GONE_FAILED);
	return false;
}

static void step_course(tern_endpoint *endpoint, tern_endpoint_event *event)
{
	struct course *course = &endpoint->course;
	struct slot *slot = slot_at(endpoint, course->slot);

	if (slot->flags & SLOT_DYING) {
		course->slot = 0;
		return;
	}
	if (course->accepted) {
		course->accepted = false;
		tell(endpoint, event, TERN_ENDPOINT_ACCEPTED, course->slot);
		return;
	}
	if (course->feeds && !feed(endpoint, slot))
		return;
	if (tern_conn_next(slot->conn, &event->event, endpoint->now) != TERN_OK) {
		life_end(endpoint, course->slot, TERN_GONE_FAILED);
		return;
	}
	switch (event->event.kind) {
	case TERN_EVENT_NONE:
		end_course(endpoint);
		return;
	case TERN_EVENT_CLOSED:
		life_close(endpoint, course->slot, TERN_GONE_CLOSED_BY_PEER);
		return;
	case TERN_EVENT_CONNECTED:
		life_connected(endpoint, course->slot);
		endpoint->behind = course->slot;
		break;
	case TERN_EVENT_PATH:
		if (event->event.path_event == TERN_PATH_CHANGED)
			life_follow(endpoint, course->slot);
		break;
	case TERN_EVENT_DATA:
	case TERN_EVENT_EARLY_DATA:
		COUNT(endpoint, records_received, 1);
		break;
	default:
		break;
	}
	tell(endpoint, event, TERN_ENDPOINT_EVENT, course->slot);
}

/* Once what it says last has found room. A dialed connection's socket goes with it, so there it has to be out. */
static bool may_go(tern_endpoint *endpoint, uint32_t index)
{
	const struct slot *slot = slot_at(endpoint, index);

	if (slot->flags & SLOT_OWES)
		(void)life_drain(endpoint, index);
	return !(slot->flags & SLOT_OWES) && ((slot->flags & SLOT_SERVER) || sends_flush(endpoint));
}

static void step_work(tern_endpoint *endpoint, tern_endpoint_event *event)
{
	uint32_t index = work_pop(endpoint);
	const struct slot *slot = slot_at(endpoint, index);

	if (!(slot->flags & SLOT_DYING)) {
		endpoint->course = (struct course){.slot = index};
	} else if (may_go(endpoint, index)) {
		tell(endpoint, event, TERN_ENDPOINT_GONE, index);
		endpoint->goner = index;
	} else {
		blocked_push(endpoint, index);
	}
}

static void step_timer(tern_endpoint *endpoint, uint32_t index)
{
	struct slot *slot = slot_at(endpoint, index);

	life_keep(endpoint, index);
	if (tern_conn_deadline(slot->conn) > endpoint->now.mono_ns)
		endpoint->course = (struct course){.slot = index};
	else if (tern_conn_tick(slot->conn, endpoint->now) != TERN_OK)
		life_end(endpoint, index, TERN_GONE_FAILED);
	else
		endpoint->course = (struct course){.slot = index};
}

/* What a peer sent right behind its handshake comes before what it sends from now on. */
static void step_behind(tern_endpoint *endpoint)
{
	const struct slot *slot = slot_at(endpoint, endpoint->behind);
	struct arrival datagram;

	if (slot->conn && backlog_get_of(&endpoint->backlog, &slot->route, &datagram, endpoint->late))
		dispatch(endpoint, &datagram, true);
	else
		endpoint->behind = 0;
}

static void step_undrained(tern_endpoint *endpoint)
{
	const struct slot *slot = slot_at(endpoint, endpoint->undrained);

	if (slot->conn && !(slot->flags & SLOT_DYING))
		endpoint->course = (struct course){.slot = endpoint->undrained};
	endpoint->undrained = 0;
}

static bool step_late(tern_endpoint *endpoint)
{
	struct arrival datagram;

	if (endpoint->slow || !backlog_get(&endpoint->backlog, &datagram, endpoint->late))
		return false;
	dispatch(endpoint, &datagram, true);
	return true;
}

/* false: nothing is left to do. */
static bool step(tern_endpoint *endpoint, tern_endpoint_event *event)
{
	struct arrival datagram;
	uint32_t index;

	if (endpoint->course.slot) {
		step_course(endpoint, event);
	} else if (endpoint->undrained && !receives_go_on(endpoint)) {
		step_undrained(endpoint);
	} else if (endpoint->work.first) {
		step_work(endpoint, event);
	} else if (endpoint->behind) {
		step_behind(endpoint);
	} else if (receives_next(endpoint, &datagram)) {
		dispatch(endpoint, &datagram, false);
	} else if (endpoint->handed) {
		endpoint->handed = group_take(endpoint, &datagram);
		if (endpoint->handed)
			dispatch(endpoint, &datagram, false);
	} else if ((index = timer_due(endpoint)) != 0) {
		step_timer(endpoint, index);
	} else if (!step_late(endpoint)) {
		life_sweep(endpoint);
		sends_flush(endpoint);
		return endpoint->work.first != 0;
	}
	return true;
}

static void free_goner(tern_endpoint *endpoint)
{
	struct slot *slot = slot_at(endpoint, endpoint->goner);

	if (!(slot->flags & SLOT_SERVER))
		socket_close(endpoint, slot->route.socket);
	slot_free(endpoint, endpoint->goner);
	endpoint->goner = 0;
}

void tern_endpoint_next(tern_endpoint *endpoint, tern_endpoint_event *event)
{
	*event = (tern_endpoint_event){.kind = TERN_ENDPOINT_NONE};
	if (endpoint->goner)
		free_goner(endpoint);
	group_enter(endpoint);
	while (step(endpoint, event))
		if (event->kind != TERN_ENDPOINT_NONE)
			break;
	group_leave(endpoint);
	if (event->kind == TERN_ENDPOINT_NONE && endpoint->sends.told && !endpoint->sends.blocked) {
		endpoint->sends.told = false;
		event->kind = TERN_ENDPOINT_WRITABLE;
	}
	atomic_store_explicit(&endpoint->peers, endpoint->num_slots, memory_order_relaxed);
	atomic_store_explicit(&endpoint->handshakes, endpoint->unfinished_served, memory_order_relaxed);
	endpoint->round = event->kind != TERN_ENDPOINT_NONE;
}
