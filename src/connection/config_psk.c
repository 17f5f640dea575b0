/* config_psk.c - pre-shared keys, the callback that finds them, and the server's hint. RFC 4279. */
#include "connection/config_parts.h"

#define IDENTITY_MAX 65535
#define KEY_MAX 64

void config_drop_psks(tern_config *config)
{
	while (config->num_psks) {
		struct psk_entry *e = &config->psks[--config->num_psks];
		config_drop(config, &e->identity);
		config_drop(config, &e->key);
	}
}

static bool known_identity(const tern_config *config, struct span identity)
{
	for (size_t i = 0; i < config->num_psks; i++)
		if (span_equal(config->psks[i].identity, identity))
			return true;
	return false;
}

tern_error tern_config_add_psk(tern_config *config, const void *identity, size_t identity_len, const void *key,
			       size_t key_len)
{
	struct psk_entry e = {0};
	tern_error error;
	TRY(config_settable(config));
	if (!identity || !identity_len || identity_len > IDENTITY_MAX || !key || !key_len || key_len > KEY_MAX)
		return TERN_ERROR_USAGE;
	if (config->num_psks == CONFIG_PSKS || known_identity(config, span_of(identity, identity_len)))
		return TERN_ERROR_USAGE;
	TRY(config_replace(config, &e.identity, identity, identity_len));
	error = config_replace(config, &e.key, key, key_len);
	if (error != TERN_OK) {
		config_drop(config, &e.identity);
		return error;
	}
	config->psks[config->num_psks++] = e;
	return TERN_OK;
}

tern_error tern_config_set_psk(tern_config *config, tern_psk_fn *psk, void *user)
{
	TRY(config_settable(config));
	config->psk = psk;
	config->psk_user = user;
	return TERN_OK;
}

tern_error tern_config_set_psk_hint(tern_config *config, const void *hint, size_t len)
{
	TRY(config_settable(config));
	if ((!hint && len) || len > IDENTITY_MAX)
		return TERN_ERROR_USAGE;
	return config_replace(config, &config->psk_hint, hint, len);
}
