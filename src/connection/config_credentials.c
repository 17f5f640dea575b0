/* config_credentials.c - what we prove ourselves with: keypairs, raw keys, signers. */
#include "connection/config_parts.h"
#include "tern/cert.h"

#define PEM_MAX ((size_t)1 << 24)

_Static_assert(sizeof(((struct credential *)0)->chain) == sizeof(((struct credential_pem *)0)->chain),
	       "a chain moves as it is");

static void drop(tern_config *config, struct credential *c)
{
	for (size_t i = 0; i < c->num_chain; i++)
		config_drop(config, &c->chain[i]);
	for (size_t i = 0; i < COMPRESSION_ALGS; i++)
		config_drop(config, &c->compressed[i]);
	config_drop(config, &c->spki);
	if (c->key)
		config->provider->private_key_free(c->key);
	*c = (struct credential){0};
}

void config_drop_credentials(tern_config *config)
{
	while (config->num_credentials)
		drop(config, &config->credentials[--config->num_credentials]);
}

static bool usable_pem(const void *p, size_t n)
{
	return p && n && n <= PEM_MAX;
}

/* Parses and, when that went well, takes one more credential; *out stays in the config. */
static tern_error add(tern_config *config, struct credential **out, struct span chain_pem, struct span key_pem)
{
	struct credential_pem pem = {0};
	struct credential *c;
	if (config->num_credentials == CONFIG_CREDENTIALS)
		return TERN_ERROR_USAGE;
	TRY(config->provider->credential_load(&config->heap, &pem, chain_pem, key_pem));
	c = &config->credentials[config->num_credentials++];
	memcpy(c->chain, pem.chain, sizeof c->chain);
	c->num_chain = pem.num_chain;
	c->spki = pem.spki;
	c->key = pem.key;
	c->key_type = pem.key_type;
	*out = c;
	return TERN_OK;
}

tern_error tern_config_add_keypair(tern_config *config, const void *chain_pem, size_t chain_len, const void *key_pem,
				   size_t key_len)
{
	struct credential *c;
	TRY(config_settable(config));
	if (!usable_pem(chain_pem, chain_len) || !usable_pem(key_pem, key_len))
		return TERN_ERROR_USAGE;
	return add(config, &c, span_of(chain_pem, chain_len), span_of(key_pem, key_len));
}

tern_error tern_config_make_keypair(tern_config *config, char fingerprint[TERN_FINGERPRINT_TEXT], tern_time now)
{
	static const char *const names[] = {"tern.invalid"};
	const tern_cert_options options = {
		.size = sizeof options, .key_type = TERN_KEY_P256, .names = names, .num_names = 1, .days = 365};
	char chain[TERN_CERT_PEM_MAX], key[TERN_KEY_PEM_MAX], text[TERN_FINGERPRINT_TEXT];
	size_t chain_len, key_len;
	tern_error error;
	TRY(config_settable(config));
	TRY(tern_cert_make(chain, &chain_len, key, &key_len, &options, now));
	error = tern_cert_fingerprint(text, chain, chain_len);
	if (error == TERN_OK)
		error = tern_config_add_keypair(config, chain, chain_len, key, key_len);
	wipe(key, sizeof key);
	if (error != TERN_OK)
		return error;
	memcpy(fingerprint, text, sizeof text);
	*strchr(fingerprint, ':') = ' '; /* RFC 8122 5: the name of the hash stands apart */
	return TERN_OK;
}

tern_error tern_config_add_raw_key(tern_config *config, const void *key_pem, size_t key_len)
{
	struct credential *c;
	TRY(config_settable(config));
	if (!usable_pem(key_pem, key_len))
		return TERN_ERROR_USAGE;
	TRY(add(config, &c, span_of(NULL, 0), span_of(key_pem, key_len)));
	c->raw = true;
	return TERN_OK;
}

tern_error tern_config_add_signer(tern_config *config, const void *chain_pem, size_t chain_len, tern_sign_fn *sign,
				  void *user)
{
	struct credential *c;
	TRY(config_settable(config));
	if (!usable_pem(chain_pem, chain_len) || !sign)
		return TERN_ERROR_USAGE;
	TRY(add(config, &c, span_of(chain_pem, chain_len), span_of(NULL, 0)));
	c->sign = sign;
	c->sign_user = user;
	return TERN_OK;
}

tern_error tern_config_limit_credential(tern_config *config, const char *list, bool only_named_issuers)
{
	struct list16 next = {.num = 0};
	struct credential *c;
	TRY(config_settable(config));
	if (config->num_credentials == 0)
		return TERN_ERROR_USAGE;
	c = &config->credentials[config->num_credentials - 1];
	if (c->raw && only_named_issuers)
		return TERN_ERROR_USAGE;
	if (list)
		TRY(schemes_from_names(list, next.id, CONFIG_SCHEMES, &next.num));
	c->schemes = next;
	c->only_named_issuers = only_named_issuers;
	return TERN_OK;
}
