#include "handshake/handshake.h"

#include "base/deadline.h"
#include "handshake/step.h"
#include "wire/record.h"

struct handshake_block {
	struct handshake hs;
	_Alignas(16) uint8_t first[HANDSHAKE_ARENA_FIRST];
};

tern_error handshake_new(struct handshake **out, enum role role, tern_pool *pool, tern_conn *conn,
			 struct record_layer *records, tern_failure *failure, const tern_limits *limits,
			 uint16_t first_message_seq, const tern_path *path, tern_time now)
{
	const struct tern_config *config = pool->config;
	struct tracer tracer = {config->trace, config->trace_user, conn};
	struct handshake_block *b = heap_alloc(&config->heap, sizeof *b);
	struct handshake *hs;
	if (!b)
		return TERN_ERROR_NO_MEMORY;
	hs = &b->hs;
	hs->role = role;
	hs->pool = pool;
	hs->conn = conn;
	hs->records = records;
	hs->failure = failure;
	hs->now = now;
	hs->give_up_ns = later(now.mono_ns, config->timers.handshake_ns);
	hs->script = script_hello;
	hs->num_steps = num_script_hello;
	if (path)
		hs->path = *path;
	hs->send_seq = first_message_seq;
	hs->outcome.plaintext_max_out = RECORD_PLAINTEXT_MAX;
	arena_init(&hs->arena, &config->heap, b->first, sizeof b->first, limits->handshake_bytes);
	inbox_init(&hs->inbox, &config->heap, first_message_seq, limits->handshake_bytes, limits->message_bytes);
	flight_init(&hs->flight, &hs->arena, &config->timers, limits->mtu, tracer);
	hs->flight.keeps_mtu = config->keeps_mtu;
	transcript_init(&hs->transcript, &hs->arena);
	*out = hs;
	return TERN_OK;
}

void handshake_free(struct handshake *hs)
{
	const tern_allocator *heap;
	if (!hs)
		return;
	heap = &hs->pool->config->heap;
	if (hs->peer)
		hs->pool->provider->chain_free(hs->pool->crypto, hs->peer);
	inbox_free(&hs->inbox);
	arena_free(&hs->arena);
	heap_free(heap, hs, sizeof(struct handshake_block));
}
