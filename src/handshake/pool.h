/* pool.h - what the connections of one thread reuse. */
#ifndef TERN_HANDSHAKE_POOL_H
#define TERN_HANDSHAKE_POOL_H

#include "crypto/schedules.h"
#include "handshake/config.h"
#include "handshake/cookie.h"
#include "handshake/session.h"
#include "record/record.h"

#define POOL_SCRATCH 40960 /* longest handshake message we make */

struct tern_pool {
	tern_config *config;
	const struct provider *provider;
	struct crypto *crypto;
	struct record_pool records;
	struct cookie_keys cookie_keys;
	struct ticket_keys ticket_keys; /* see pool_ticket_keys */
	uint64_t jitter; /* see pool_jitter */
	uint64_t next_job; /* ids of jobs are unique in the pool */
	uint8_t settings_hash[16]; /* of the config, for sessions */
	struct chains *chains; /* NULL: none are remembered */
	struct hello_slots *hello_slots; /* servers that ask for cookies; else NULL */
	uint8_t *scratch; /* POOL_SCRATCH bytes in which a message is written before it is copied exactly */
};

/* For the spreading of timeouts. Nobody gains by guessing it, so it is no draw from the provider. */
uint32_t pool_jitter(struct tern_pool *pool);

/* As the keyring has them now. */
struct ticket_keys *pool_ticket_keys(struct tern_pool *pool);

#endif
