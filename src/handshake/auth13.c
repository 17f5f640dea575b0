#include "handshake/auth13.h"

#include "handshake/step.h"
#include "handshake/version.h"

bool auth13_allowed(const struct handshake *hs)
{
	return hs->pool->config->post_auth && hs->post_auth && (!hs->psk || hs->outcome.resumed);
}

void auth13_keep(const struct handshake *hs, struct auth_base *out)
{
	*out = (struct auth_base){.transcript = hs->transcript.state, .raw_own = hs->raw_own, .raw_peer = hs->raw_peer};
}

void auth13_set_secret(struct handshake *hs, const uint8_t *traffic_secret, size_t len)
{
	memcpy(hs->handshake_secret[CLIENT], traffic_secret, len);
}

tern_error auth13_new(struct handshake **out, enum role role, tern_pool *pool, tern_conn *conn,
		      struct record_layer *records, tern_failure *failure, const struct outcome *outcome,
		      const struct auth_base *base, struct span context, tern_time now)
{
	struct handshake *hs;
	TRY(handshake_new(&hs, role, pool, conn, records, failure, &pool->config->limits, 0, NULL, now));
	hs->script = script_auth13;
	hs->num_steps = num_script_auth13;
	hs->version = outcome->version;
	hs->outcome = *outcome;
	hs->raw_own = base->raw_own;
	hs->raw_peer = base->raw_peer;
	hs->transcript.hash = pool->provider->hash[outcome->suite->hash];
	hs->transcript.state = base->transcript;
	hs->transcript.header = outcome->version->transcript_header;
	transcript_release(&hs->transcript);
	auth13_set_secret(hs, outcome->traffic_secret[CLIENT], SECRET13_MAX);
	if (context.n) {
		hs->request_context = arena_copy(&hs->arena, context);
		if (!hs->request_context.p) {
			handshake_free(hs);
			return TERN_ERROR_NO_MEMORY;
		}
	}
	*out = hs;
	return TERN_OK;
}
