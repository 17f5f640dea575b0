#include "handshake/ask.h"

bool configured_psk(const struct tern_config *config, struct span identity, tern_psk *out)
{
	for (size_t i = 0; i < config->num_psks; i++) {
		const struct psk_entry *e = &config->psks[i];
		if (!span_equal(e->identity, identity))
			continue;
		out->key_len = e->key.n;
		memcpy(out->key, e->key.p, e->key.n);
		return true;
	}
	return false;
}

tern_error ask_psk(struct handshake *hs, struct span identity, struct span hint, tern_psk *out)
{
	const struct tern_config *config = hs->pool->config;
	tern_error error;
	if (job_answered(hs, TERN_JOB_PSK)) {
		*out = hs->job.psk;
		error = hs->job.error;
	} else if (config->psk) {
		uint64_t id = job_next_id(hs);
		error = job_asked(hs, TERN_JOB_PSK, id,
				  config->psk(config->psk_user, hs->conn, id, identity.p, identity.n, hint.p, hint.n,
					      out));
	} else {
		error = TERN_ERROR_UNKNOWN_PSK_IDENTITY;
	}
	error = job_verdict(error, TERN_ERROR_UNKNOWN_PSK_IDENTITY);
	if (error == TERN_OK && (out->key_len == 0 || out->key_len > sizeof out->key))
		error = TERN_ERROR_UNKNOWN_PSK_IDENTITY; /* found, but without a usable key */
	return error;
}

tern_error find_psk(struct handshake *hs, struct span identity, tern_psk *out)
{
	if (configured_psk(hs->pool->config, identity, out))
		return TERN_OK;
	return ask_psk(hs, identity, span_of(NULL, 0), out);
}
