/* config_psk.c - pre-shared keys, plain and imported, the callback that finds them, and the server's hint. RFC 4279,
 * RFC 9258. */
#include "connection/config_parts.h"
#include "handshake/import.h"
#include "wire/imported_identity.h"

#define IDENTITY_MAX 65535
#define KEY_MAX 64

static void drop(tern_config *config, struct psk_entry *e)
{
	config_drop(config, &e->identity);
	config_drop(config, &e->key);
}

void config_drop_psks(tern_config *config)
{
	while (config->num_psks)
		drop(config, &config->psks[--config->num_psks]);
}

static bool known_identity(const tern_config *config, struct span identity)
{
	for (size_t i = 0; i < config->num_psks; i++)
		if (span_equal(config->psks[i].identity, identity))
			return true;
	return false;
}

/* *e: spans of the caller's become heap copies, in one more entry. */
static tern_error add(tern_config *config, const struct psk_entry *e)
{
	struct psk_entry copy = {.hash = e->hash, .imported = e->imported};
	tern_error error;
	TRY(config_replace(config, &copy.identity, e->identity.p, e->identity.n));
	error = config_replace(config, &copy.key, e->key.p, e->key.n);
	if (error != TERN_OK) {
		drop(config, &copy);
		return error;
	}
	copy.external = span_of(copy.identity.p + (e->external.p - e->identity.p), e->external.n);
	config->psks[config->num_psks++] = copy;
	return TERN_OK;
}

static bool usable(const void *identity, size_t identity_len, const void *key, size_t key_len)
{
	return identity && identity_len && identity_len <= IDENTITY_MAX && key && key_len && key_len <= KEY_MAX;
}

tern_error tern_config_add_psk(tern_config *config, const void *identity, size_t identity_len, const void *key,
			       size_t key_len)
{
	/* An external PSK without a hash of its own goes with SHA-256: RFC 8446 4.2.11. */
	struct psk_entry e = {.identity = span_of(identity, identity_len),
			      .key = span_of(key, key_len),
			      .external = span_of(identity, identity_len),
			      .hash = HASH_SHA256};
	TRY(config_settable(config));
	if (!usable(identity, identity_len, key, key_len))
		return TERN_ERROR_USAGE;
	if (config->num_psks == CONFIG_PSKS || known_identity(config, e.identity))
		return TERN_ERROR_USAGE;
	return add(config, &e);
}

/* For one KDF. wire: as long as the identity. */
static tern_error import_for(tern_config *config, const tern_external_psk *psk, uint16_t kdf, uint8_t *wire, size_t n)
{
	const struct imported_identity identity = {.external = span_of(psk->identity, psk->identity_len),
						   .context = span_of(psk->context, psk->context_len),
						   .protocol = TERN_DTLS13,
						   .kdf = kdf};
	struct psk_entry e = {.identity = span_of(wire, n), .imported = true};
	struct imported_psk imported;
	struct wr w = wr_of(wire, n);
	tern_error error;
	put_imported_identity(&w, &identity);
	if (known_identity(config, e.identity) ||
	    !import_psk(config->provider, psk->hash, span_of(psk->key, psk->key_len), e.identity, &imported))
		return TERN_ERROR_USAGE;
	e.key = span_of(imported.key, imported.key_len);
	e.external = imported.external;
	e.hash = imported.hash;
	error = add(config, &e);
	wipe(&imported, sizeof imported);
	return error;
}

tern_error tern_config_import_psk(tern_config *config, const tern_external_psk *psk)
{
	uint8_t *wire;
	size_t n;
	tern_error error;
	TRY(config_settable(config));
	if (!psk || psk->size != sizeof *psk || !usable(psk->identity, psk->identity_len, psk->key, psk->key_len))
		return TERN_ERROR_USAGE;
	if ((!psk->context && psk->context_len) || (unsigned)psk->hash > TERN_PSK_SHA384 ||
	    psk->context_len > IDENTITY_MAX || config->num_psks + 2 > CONFIG_PSKS)
		return TERN_ERROR_USAGE;
	n = psk->identity_len + psk->context_len + IMPORTED_IDENTITY_OVERHEAD;
	if (n > IDENTITY_MAX)
		return TERN_ERROR_USAGE;
	wire = heap_alloc(&config->heap, n);
	if (!wire)
		return TERN_ERROR_NO_MEMORY;
	error = import_for(config, psk, KDF_HKDF_SHA256, wire, n);
	if (error == TERN_OK) {
		error = import_for(config, psk, KDF_HKDF_SHA384, wire, n);
		if (error != TERN_OK)
			drop(config, &config->psks[--config->num_psks]);
	}
	heap_free(&config->heap, wire, n);
	return error;
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
