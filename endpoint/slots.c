/* Slots: where they live, how they are found, the queues they stand in. */
#include "endpoint.h"

#include <errno.h>
#include <stdlib.h>

/* Goners that were not told yet stand beside the peers that took their place. */
enum { SPARE = 1024 };

/* The tables have their size from the start, so that nothing pauses while they grow; the kernel gives memory for what
 * is used of them. */
bool slots_init(tern_endpoint *endpoint)
{
	uint32_t max = endpoint->options.max_peers;

	for (endpoint->num_buckets = 64; endpoint->num_buckets < max; endpoint->num_buckets *= 2)
		;
	endpoint->max_chunks = (max + SPARE) / CHUNK + 1;
	endpoint->chunks = calloc(endpoint->max_chunks, sizeof(void *));
	endpoint->timers = malloc((size_t)endpoint->max_chunks * CHUNK * sizeof *endpoint->timers);
	endpoint->buckets = calloc(endpoint->num_buckets, sizeof *endpoint->buckets);
	return endpoint->chunks && endpoint->timers && endpoint->buckets;
}

void slots_free(tern_endpoint *endpoint)
{
	for (uint32_t i = 1; i < endpoint->num_chunks * CHUNK; i++) {
		struct slot *slot = slot_at(endpoint, i);
		tern_conn_free(slot->conn);
		pool_release(slot->pool);
	}
	for (uint32_t i = 0; i < endpoint->num_chunks; i++)
		free(endpoint->chunks[i]);
	free(endpoint->chunks);
	free(endpoint->timers);
	free(endpoint->buckets);
}

static bool add_chunk(tern_endpoint *endpoint)
{
	uint32_t first = endpoint->num_chunks * CHUNK;
	struct slot *chunk = NULL;

	if (endpoint->num_chunks < endpoint->max_chunks)
		chunk = calloc(CHUNK, sizeof *chunk);
	if (!chunk)
		return false;
	endpoint->chunks[endpoint->num_chunks++] = chunk;
	for (uint32_t i = CHUNK, end = first ? 0 : 1; i-- > end;) {
		chunk[i].hash_next = endpoint->free_slot;
		endpoint->free_slot = first + i;
	}
	return true;
}

uint32_t slot_next(tern_endpoint *endpoint)
{
	return endpoint->free_slot || add_chunk(endpoint) ? endpoint->free_slot : 0;
}

uint32_t slot_new(tern_endpoint *endpoint)
{
	uint32_t index = slot_next(endpoint), generation;
	struct slot *slot;

	if (!index)
		return 0;
	slot = slot_at(endpoint, index);
	endpoint->free_slot = slot->hash_next;
	generation = slot->generation + 1;
	*slot = (struct slot){.generation = generation ? generation : 1};
	return index;
}

void slot_free(tern_endpoint *endpoint, uint32_t index)
{
	struct slot *slot = slot_at(endpoint, index);

	tern_conn_free(slot->conn);
	pool_release(slot->pool);
	*slot = (struct slot){.generation = slot->generation, .hash_next = endpoint->free_slot};
	endpoint->free_slot = index;
}

tern_peer slot_peer(const tern_endpoint *endpoint, uint32_t index)
{
	return (uint64_t)slot_at(endpoint, index)->generation << 32 | index;
}

uint32_t slot_of(const tern_endpoint *endpoint, tern_peer peer)
{
	uint32_t index = (uint32_t)peer;
	const struct slot *slot;

	if (index == 0 || index / CHUNK >= endpoint->num_chunks)
		return 0;
	slot = slot_at(endpoint, index);
	return slot->conn && slot->generation == peer >> 32 && !(slot->flags & SLOT_DYING) ? index : 0;
}

static uint32_t *bucket_of(const tern_endpoint *endpoint, const struct route *route)
{
	uint64_t hash = siphash_route(endpoint->key, route);

	return &endpoint->buckets[hash & (endpoint->num_buckets - 1)];
}

void slot_hash(tern_endpoint *endpoint, uint32_t index)
{
	struct slot *slot = slot_at(endpoint, index);
	uint32_t *bucket = bucket_of(endpoint, &slot->route);

	slot->hash_next = *bucket;
	*bucket = index;
	slot->flags |= SLOT_HASHED;
	endpoint->found_holds = false;
}

void slot_unhash(tern_endpoint *endpoint, uint32_t index)
{
	struct slot *slot = slot_at(endpoint, index);
	uint32_t *at;

	if (!(slot->flags & SLOT_HASHED))
		return;
	for (at = bucket_of(endpoint, &slot->route); *at != index; at = &slot_at(endpoint, *at)->hash_next)
		;
	*at = slot->hash_next;
	slot->flags &= (uint16_t)~SLOT_HASHED;
	endpoint->found_holds = false;
}

void slot_set_candidate(tern_endpoint *endpoint, uint32_t index, bool is)
{
	struct slot *slot = slot_at(endpoint, index);

	slot->flags = (uint16_t)(is ? slot->flags | SLOT_CANDIDATE : slot->flags & ~SLOT_CANDIDATE);
	endpoint->found_holds = false;
}

struct found slots_find(const tern_endpoint *endpoint, const struct route *route)
{
	uint32_t index = *bucket_of(endpoint, route);
	struct found found = {0, 0};

	while (index) {
		const struct slot *slot = slot_at(endpoint, index);
		if (memcmp(&slot->route, route, sizeof *route) == 0)
			*(slot->flags & SLOT_CANDIDATE ? &found.candidate : &found.current) = index;
		index = slot->hash_next;
	}
	return found;
}

void queue_push(tern_endpoint *endpoint, struct queue *queue, uint32_t index)
{
	struct slot *slot = slot_at(endpoint, index);

	slot->prev = queue->last;
	slot->next = 0;
	*(queue->last ? &slot_at(endpoint, queue->last)->next : &queue->first) = index;
	queue->last = index;
}

void queue_remove(tern_endpoint *endpoint, struct queue *queue, uint32_t index)
{
	struct slot *slot = slot_at(endpoint, index);

	*(slot->prev ? &slot_at(endpoint, slot->prev)->next : &queue->first) = slot->next;
	*(slot->next ? &slot_at(endpoint, slot->next)->prev : &queue->last) = slot->prev;
	slot->prev = slot->next = 0;
}

static void chain_push(tern_endpoint *endpoint, struct queue *queue, uint32_t index)
{
	slot_at(endpoint, index)->work_next = 0;
	*(queue->last ? &slot_at(endpoint, queue->last)->work_next : &queue->first) = index;
	queue->last = index;
}

void work_push(tern_endpoint *endpoint, uint32_t index)
{
	struct slot *slot = slot_at(endpoint, index);

	if (slot->flags & (SLOT_WORK | SLOT_BLOCKED))
		return;
	slot->flags |= SLOT_WORK;
	chain_push(endpoint, &endpoint->work, index);
}

uint32_t work_pop(tern_endpoint *endpoint)
{
	uint32_t index = endpoint->work.first;
	struct slot *slot;

	if (!index)
		return 0;
	slot = slot_at(endpoint, index);
	endpoint->work.first = slot->work_next;
	if (!slot->work_next)
		endpoint->work.last = 0;
	slot->flags &= (uint16_t)~SLOT_WORK;
	return index;
}

void blocked_push(tern_endpoint *endpoint, uint32_t index)
{
	struct slot *slot = slot_at(endpoint, index);

	if (slot->flags & (SLOT_WORK | SLOT_BLOCKED))
		return;
	slot->flags |= SLOT_BLOCKED;
	chain_push(endpoint, &endpoint->blocked, index);
}

void blocked_release(tern_endpoint *endpoint)
{
	for (uint32_t index = endpoint->blocked.first, next; index; index = next) {
		struct slot *slot = slot_at(endpoint, index);
		next = slot->work_next;
		slot->flags &= (uint16_t)~SLOT_BLOCKED;
		work_push(endpoint, index);
	}
	endpoint->blocked = (struct queue){0, 0};
}
