#include "handshake/ask.h"

const struct psk_entry *configured_psk(const struct tern_config *config, struct span identity)
{
	for (size_t i = 0; i < config->num_psks; i++)
		if (span_equal(config->psks[i].identity, identity))
			return &config->psks[i];
	return NULL;
}

const struct psk_entry *first_plain_psk(const struct tern_config *config)
{
	for (size_t i = 0; i < config->num_psks; i++)
		if (!config->psks[i].imported)
			return &config->psks[i];
	return NULL;
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
