#include "handshake/pool.h"

#include "base/heap.h"
#include "connection/hello_slots.h"
#include "handshake/chains.h"
#include "handshake/session.h"

static bool good_for_anything(const tern_config *config)
{
	return config->num_credentials || config->num_psks || config->psk || config_can_verify(config);
}

/* Where a callback judges, it is asked each time. */
static tern_error remember_chains(tern_pool *pool)
{
	const tern_config *config = pool->config;
	if (!config->trust || config->verify || !config->remembered_chains)
		return TERN_OK;
	return chains_new(&pool->chains, pool->provider, pool->crypto, &config->heap, config->remembered_chains);
}

tern_error tern_pool_new(tern_pool **out, tern_config *config)
{
	const tern_allocator *heap = &config->heap;
	tern_pool *pool;
	tern_error error;
	if (!good_for_anything(config))
		return TERN_ERROR_NO_CREDENTIALS;
	pool = heap_alloc(heap, sizeof *pool);
	if (!pool)
		return TERN_ERROR_NO_MEMORY;
	pool->config = config_hold(config);
	pool->provider = config->provider;
	pool->records = (struct record_pool){.provider = config->provider,
					     .heap = heap,
					     .seal_limit = config->limits.seal_limit,
					     .window_size = config->limits.replay_window};
	pool->scratch = heap_alloc(heap, POOL_SCRATCH);
	error = pool->scratch ? config_freeze(config) : TERN_ERROR_NO_MEMORY;
	if (error == TERN_OK)
		error = pool->provider->open(&pool->crypto, heap);
	if (error == TERN_OK)
		error = schedules_new(&pool->records.schedules, pool->provider, pool->crypto, heap, SCHEDULES_DEFAULT);
	if (error == TERN_OK)
		error = remember_chains(pool);
	if (error != TERN_OK) {
		tern_pool_free(pool);
		return error;
	}
	if (config->cookie && (config->num_credentials || config->num_psks || config->psk)) {
		pool->hello_slots = hello_slots_new(heap);
		if (!pool->hello_slots) {
			tern_pool_free(pool);
			return TERN_ERROR_NO_MEMORY;
		}
	}
	if (config->random)
		pool->provider->set_random(pool->crypto, config->random, config->random_user);
	error = pool->provider->random(pool->crypto, (uint8_t *)&pool->jitter, sizeof pool->jitter);
	if (error != TERN_OK) {
		tern_pool_free(pool);
		return error;
	}
	config_settings_hash(config, pool->settings_hash);
	ticket_keys_init(&pool->ticket_keys, pool->provider, pool->crypto, pool->records.schedules);
	cookie_keys_refresh(&pool->cookie_keys, config->keyring, pool->provider->hash[HASH_SHA256]);
	*out = pool;
	return TERN_OK;
}

/* The upper half of a linear congruential sequence (Knuth's MMIX). */
uint32_t pool_jitter(tern_pool *pool)
{
	pool->jitter = pool->jitter * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(pool->jitter >> 32);
}

struct ticket_keys *pool_ticket_keys(tern_pool *pool)
{
	ticket_keys_refresh(&pool->ticket_keys, pool->config->keyring);
	return &pool->ticket_keys;
}

void tern_pool_free(tern_pool *pool)
{
	tern_config *config;
	tern_allocator heap;
	if (!pool)
		return;
	config = pool->config;
	heap = config->heap;
	chains_free(pool->chains);
	if (pool->records.schedules)
		schedules_free(pool->records.schedules);
	if (pool->crypto)
		pool->provider->close(pool->crypto);
	hello_slots_free(&heap, pool->hello_slots);
	heap_free(&heap, pool->scratch, pool->scratch ? POOL_SCRATCH : 0);
	heap_free(&heap, pool, sizeof *pool);
	tern_config_free(config);
}
