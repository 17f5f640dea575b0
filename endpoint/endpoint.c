/* Opening and closing, and what the application asks for from outside the loop. */
#include "endpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

enum { PEERS_MAX = 16000000 /* with spare ones below 2^24: see group.c */, WORKERS_MAX = 256, CID_LENGTH_MAX = 20 };
static const uint64_t MS_NS = 1000000;

static void default_u32(uint32_t *option, uint32_t value)
{
	*option = *option ? *option : value;
}

/* Centuries: more than this is never, and adds to no time so that it overflows. */
#define FAR_NS (TERN_NEVER / 2)

static bool take_options(tern_endpoint_options *to, const tern_endpoint_options *from)
{
	if (from && (from->size == 0 || (from->num_listen && !from->listen)))
		return false;
	if (from)
		memcpy(to, from, from->size < sizeof *to ? from->size : sizeof *to);
	default_u32(&to->socket_buffer, 4 << 20);
	default_u32(&to->max_peers, 65536);
	default_u32(&to->max_handshakes, 4096);
	default_u32(&to->max_handshakes_per_prefix, 1024);
	default_u32(&to->handshake_bytes, 256 << 10);
	default_u32(&to->signatures_per_s, 20000);
	to->cid_length = to->cid_length ? to->cid_length : TERN_CID_LEN;
	to->idle_ns = to->idle_ns ? to->idle_ns : UINT64_C(600000000000);
	to->idle_ns = to->idle_ns > FAR_NS ? TERN_NEVER : to->idle_ns;
	to->keep_alive_ns = to->keep_alive_ns > FAR_NS ? 0 : to->keep_alive_ns;
	return to->max_peers <= PEERS_MAX && to->max_handshakes_per_prefix <= UINT16_MAX &&
	       to->signatures_per_s <= 1000000000 && to->io <= TERN_ENDPOINT_IO_PLAIN &&
	       to->cid_length >= TERN_CID_LEN && to->cid_length <= CID_LENGTH_MAX;
}

static tern_error pool_new(struct pool **out, tern_config *config)
{
	struct pool *pool = calloc(1, sizeof *pool);
	tern_error error = pool ? tern_pool_new(&pool->pool, config) : TERN_ERROR_NO_MEMORY;

	if (error != TERN_OK) {
		free(pool);
		return error;
	}
	pool->users = 1;
	pool->config = config;
	*out = pool;
	return TERN_OK;
}

static tern_error init(tern_endpoint *endpoint)
{
	endpoint->io = endpoint->options.io == TERN_ENDPOINT_IO_PLAIN ? &io_plain : &io_batch;
	endpoint->io->clock(&endpoint->now);
	endpoint->allowance_at_ns = endpoint->now.mono_ns;
	endpoint->allowance_ns = UINT64_C(1000000000);
	endpoint->free_socket = UINT32_MAX;
	endpoint->sends.bytes = malloc(SEND_BYTES);
	endpoint->receives = receives_new();
	endpoint->backlog.bytes = malloc(BACKLOG_BYTES);
	endpoint->late = malloc(DATAGRAM_MAX);
	if (!slots_init(endpoint) || !endpoint->sends.bytes || !endpoint->receives || !endpoint->backlog.bytes ||
	    !endpoint->late)
		return TERN_ERROR_NO_MEMORY;
	endpoint->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (endpoint->epoll < 0 || getrandom(endpoint->key, sizeof endpoint->key, 0) != (ssize_t)sizeof endpoint->key)
		return TERN_ERROR_SYSTEM;
	memcpy(endpoint->backlog.key, endpoint->key, sizeof endpoint->key);
	return TERN_OK;
}

static tern_error listen_all(tern_endpoint *endpoint, const tern_address *listen, size_t num)
{
	bool v6_only = false;
	struct ip at;

	for (size_t i = 0; i < num; i++) {
		if (!ip_from_address(&at, &listen[i]))
			return TERN_ERROR_USAGE;
		v6_only = v6_only || !at.v6;
	}
	for (size_t i = 0; i < num; i++)
		if (!ip_from_address(&at, &listen[i]) || socket_listen(endpoint, &at, v6_only) == UINT32_MAX)
			return TERN_ERROR_SYSTEM;
	return TERN_OK;
}

static tern_error join(tern_endpoint *endpoint, struct group *group, uint8_t worker)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)WAKE};
	tern_error error;
	int wake;

	if (!group)
		return TERN_OK;
	error = group_join(group, endpoint, worker, &wake);
	if (error == TERN_OK && epoll_ctl(endpoint->epoll, EPOLL_CTL_ADD, wake, &event) != 0)
		error = TERN_ERROR_SYSTEM;
	return error;
}

/* shares: others will be bound to the same addresses. */
static tern_error open_one(tern_endpoint **out, tern_config *config, const tern_endpoint_options *options, bool shares,
			   struct group *group, size_t worker)
{
	tern_endpoint *endpoint = calloc(1, sizeof *endpoint);
	tern_error error;
	int number;

	if (!endpoint)
		return TERN_ERROR_NO_MEMORY;
	endpoint->epoll = -1;
	endpoint->shares = shares;
	error = take_options(&endpoint->options, options) ? TERN_OK : TERN_ERROR_USAGE;
	if (error == TERN_OK)
		error = pool_new(&endpoint->pool, config);
	if (error == TERN_OK)
		error = init(endpoint);
	if (error == TERN_OK)
		error = join(endpoint, group, (uint8_t)worker);
	if (error == TERN_OK)
		error = listen_all(endpoint, endpoint->options.listen, endpoint->options.num_listen);
	if (error == TERN_OK) {
		endpoint->options.listen = NULL; /* the caller's */
		*out = endpoint;
		return TERN_OK;
	}
	number = errno;
	tern_endpoint_free(endpoint);
	errno = number;
	return error;
}

/* NULL unless connection IDs are wanted. */
static tern_error new_group(struct group **group, size_t num, tern_config *config, const tern_endpoint_options *options)
{
	tern_endpoint_options all = {.size = sizeof all};
	tern_error error;

	*group = NULL;
	if (!take_options(&all, options) || !all.cids)
		return TERN_OK; /* what is wrong with the options is told later */
	error = group_new(group, num, all.cid_length);
	if (error == TERN_OK)
		error = group_name(*group, config);
	return error;
}

tern_error tern_endpoint_open(tern_endpoint **out, tern_config *config, const tern_endpoint_options *options)
{
	struct group *group;
	tern_error error = new_group(&group, 1, config, options);

	if (error == TERN_OK)
		error = open_one(out, config, options, false, group, 0);
	int number = errno;
	group_release(group);
	errno = number;
	return error;
}

/* The others are bound to what the first one was given. */
static tern_error open_others(tern_endpoint *workers[], size_t num, tern_config *config,
			      const tern_endpoint_options *options, struct group *group)
{
	tern_endpoint_options same = workers[0]->options;
	tern_address *bound = calloc(same.num_listen, sizeof *bound);
	tern_error error = bound ? TERN_OK : TERN_ERROR_NO_MEMORY;

	for (size_t i = 0; bound && i < same.num_listen; i++)
		ip_to_address(&bound[i], &workers[0]->sockets[i].bound);
	same.size = options->size < sizeof same ? options->size : sizeof same;
	same.listen = bound;
	for (size_t i = 1; i < num && error == TERN_OK; i++)
		error = open_one(&workers[i], config, &same, true, group, i);
	int number = errno;
	free(bound);
	errno = number;
	return error;
}

tern_error tern_endpoint_open_workers(tern_endpoint *workers[], size_t num, tern_config *config,
				      const tern_endpoint_options *options)
{
	struct group *group;
	tern_error error;

	if (num == 0 || num > WORKERS_MAX || !options || options->num_listen == 0)
		return TERN_ERROR_USAGE;
	for (size_t i = 0; i < num; i++)
		workers[i] = NULL;
	error = new_group(&group, num, config, options);
	if (error == TERN_OK)
		error = open_one(&workers[0], config, options, true, group, 0);
	if (error == TERN_OK)
		error = open_others(workers, num, config, options, group);
	int number = errno;
	group_release(group);
	for (size_t i = 0; i < num && error != TERN_OK; i++) {
		tern_endpoint_free(workers[i]);
		workers[i] = NULL;
	}
	errno = number;
	return error;
}

void tern_endpoint_free(tern_endpoint *endpoint)
{
	if (!endpoint)
		return;
	slots_free(endpoint);
	for (uint32_t i = 0; i < endpoint->num_sockets; i++)
		if (endpoint->sockets[i].fd >= 0)
			close(endpoint->sockets[i].fd);
	if (endpoint->epoll >= 0)
		close(endpoint->epoll);
	pool_release(endpoint->pool);
	group_release(endpoint->group);
	receives_free(endpoint->receives);
	free(endpoint->sockets);
	free(endpoint->sends.bytes);
	free(endpoint->backlog.bytes);
	free(endpoint->late);
	free(endpoint);
}

void tern_endpoint_shutdown(tern_endpoint *endpoint)
{
	endpoint->closing = true;
	for (uint32_t i = 1; i < endpoint->num_chunks * CHUNK; i++)
		if (slot_at(endpoint, i)->conn)
			life_close(endpoint, i, TERN_GONE_CLOSED);
}

tern_error tern_endpoint_set_config(tern_endpoint *endpoint, tern_config *config)
{
	struct pool *pool;
	tern_error error = endpoint->group ? group_name(endpoint->group, config) : TERN_OK;

	if (error == TERN_OK)
		error = pool_new(&pool, config);
	if (error != TERN_OK)
		return error;
	pool_release(endpoint->pool);
	endpoint->pool = pool;
	return TERN_OK;
}

bool tern_endpoint_bound(const tern_endpoint *endpoint, tern_address *address, size_t index)
{
	if (index >= endpoint->options.num_listen)
		return false;
	ip_to_address(address, &endpoint->sockets[index].bound); /* they were opened first */
	return true;
}

int tern_endpoint_fd(const tern_endpoint *endpoint)
{
	return endpoint->epoll;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t tern_endpoint_deadline(const tern_endpoint *endpoint)
{
	const struct sends *sends = &endpoint->sends;
	uint64_t deadline = endpoint->num_timers ? endpoint->timers[0].at_ns : TERN_NEVER;
	uint32_t silent = endpoint->connected.first;

	if (endpoint->round || endpoint->work.first || endpoint->backlog.num ||
	    (sends->num > sends->first && !sends->blocked))
		return 0;
	if (silent && endpoint->options.idle_ns != TERN_NEVER)
		deadline = earlier(deadline, slot_at(endpoint, silent)->heard_ns + endpoint->options.idle_ns);
	return deadline;
}

static int wait_ms(const tern_endpoint *endpoint, uint64_t timeout_ns)
{
	uint64_t deadline = tern_endpoint_deadline(endpoint), now = endpoint->now.mono_ns;
	uint64_t left = deadline == TERN_NEVER ? TERN_NEVER : deadline > now ? deadline - now : 0;

	left = earlier(left, timeout_ns);
	if (left == TERN_NEVER)
		return -1;
	return left / MS_NS >= INT32_MAX - 1 ? INT32_MAX : (int)((left + MS_NS - 1) / MS_NS);
}

static void unblock(tern_endpoint *endpoint, uint32_t socket)
{
	socket_want_room(endpoint, socket, false);
	endpoint->sends.blocked = false;
	if (sends_flush(endpoint))
		blocked_release(endpoint);
}

tern_error tern_endpoint_run(tern_endpoint *endpoint, uint64_t timeout_ns)
{
	struct epoll_event events[READY];
	int num;

	if (endpoint->round)
		return TERN_ERROR_USAGE;
	sends_flush(endpoint);
	endpoint->io->clock(&endpoint->now);
	num = epoll_wait(endpoint->epoll, events, READY, wait_ms(endpoint, timeout_ns));
	if (num < 0 && errno != EINTR)
		return TERN_ERROR_SYSTEM;
	endpoint->io->clock(&endpoint->now);
	endpoint->num_ready = endpoint->at_ready = 0;
	endpoint->slow = false;
	endpoint->ticks = 0;
	for (int i = 0; i < num; i++) {
		uint32_t socket = events[i].data.u32;
		if (socket == (uint32_t)WAKE) {
			group_woken(endpoint);
			endpoint->handed = true;
			continue;
		}
		if (events[i].events & EPOLLOUT)
			unblock(endpoint, socket);
		if (events[i].events & ~(uint32_t)EPOLLOUT)
			endpoint->ready[endpoint->num_ready++] = socket;
	}
	endpoint->round = true;
	return TERN_OK;
}

static tern_error dial(tern_endpoint *endpoint, uint32_t socket, uint32_t *index, const struct ip *remote,
		       const tern_dial_options *options)
{
	struct route route = {.remote = *remote, .socket = socket};
	tern_client_options client = {.size = sizeof client,
				      .server_name = options->server_name,
				      .session = options->session,
				      .session_len = options->session_len,
				      .user = options->user,
				      .early_data = options->early_data};
	tern_path path;
	tern_conn *conn;
	tern_error error;

	memcpy(route.local, endpoint->sockets[socket].bound.bytes, sizeof route.local);
	route_path(endpoint, &route, &path);
	client.path = &path;
	endpoint->io->clock(&endpoint->now);
	error = tern_client(&conn, endpoint->pool->pool, &client, endpoint->now);
	if (error != TERN_OK)
		return error;
	*index = life_begin(endpoint, conn, &route, 0);
	return *index ? TERN_OK : TERN_ERROR_NO_MEMORY;
}

tern_error tern_endpoint_dial(tern_endpoint *endpoint, tern_peer *peer, const tern_dial_options *given)
{
	tern_dial_options options = {0};
	struct ip remote, local;
	uint32_t socket, index;
	tern_error error;

	memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
	if (!ip_from_address(&remote, &options.remote) ||
	    (options.local.len && (!ip_from_address(&local, &options.local) || local.v6 != remote.v6)))
		return TERN_ERROR_USAGE;
	if (endpoint->num_slots >= endpoint->options.max_peers)
		return TERN_ERROR_BUDGET;
	socket = socket_dial(endpoint, &remote, options.local.len ? &local : NULL);
	if (socket == UINT32_MAX)
		return TERN_ERROR_SYSTEM;
	error = dial(endpoint, socket, &index, &remote, &options);
	if (error != TERN_OK) {
		socket_close(endpoint, socket);
		return error;
	}
	endpoint->sockets[socket].slot = index;
	*peer = slot_peer(endpoint, index);
	if (!life_drain(endpoint, index))
		life_end(endpoint, index, TERN_GONE_FAILED);
	else
		life_retime(endpoint, index);
	return TERN_OK;
}

void tern_endpoint_close(tern_endpoint *endpoint, tern_peer peer)
{
	uint32_t index = slot_of(endpoint, peer);

	if (index)
		life_close(endpoint, index, TERN_GONE_CLOSED);
}

tern_conn *tern_endpoint_conn(const tern_endpoint *endpoint, tern_peer peer)
{
	uint32_t index = slot_of(endpoint, peer);

	return index ? slot_at(endpoint, index)->conn : NULL;
}

void tern_endpoint_touch(tern_endpoint *endpoint, tern_peer peer)
{
	uint32_t index = slot_of(endpoint, peer);

	if (index)
		work_push(endpoint, index);
}

bool tern_endpoint_path(const tern_endpoint *endpoint, tern_peer peer, tern_path *path)
{
	uint32_t index = (uint32_t)peer;

	if (index == 0 || index / CHUNK >= endpoint->num_chunks)
		return false;
	const struct slot *slot = slot_at(endpoint, index);
	if (!slot->conn || slot->generation != peer >> 32)
		return false;
	route_path(endpoint, &slot->route, path);
	return true;
}

static uint64_t read_counter(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void tern_endpoint_stats(const tern_endpoint *endpoint, tern_endpoint_counters *counters)
{
	tern_endpoint_counters all = {.size = counters->size};

#define X(name, sentence) all.name = read_counter(&endpoint->counters[COUNT_##name]);
	TERN_ENDPOINT_COUNTERS(X)
#undef X
	all.peers = read_counter(&endpoint->peers);
	all.handshakes = read_counter(&endpoint->handshakes);
	for (int i = 0; i < TERN_NUM_DROPS; i++)
		all.dropped[i] = read_counter(&endpoint->dropped[i]);
	memcpy(counters, &all, all.size < sizeof all ? all.size : sizeof all);
}

const char *tern_gone_sentence(tern_gone_reason reason)
{
	static const char *const sentences[] = {
#define X(name, sentence) sentence,
		TERN_GONE_REASONS(X)
#undef X
	};

	return (size_t)reason < TERN_NUM_GONE_REASONS ? sentences[reason] : "unknown";
}
