#include "handshake/import.h"

#include "handshake/keys13.h"
#include "wire/imported_identity.h"

static enum hash_id hash_of_kdf(uint16_t kdf)
{
	return kdf == KDF_HKDF_SHA256 ? HASH_SHA256 : kdf == KDF_HKDF_SHA384 ? HASH_SHA384 : HASH_NONE;
}

bool imported_for(struct span identity, enum hash_id *hash)
{
	struct imported_identity v;
	struct rd r = rd_of(identity);
	if (!get_imported_identity(&r, &v) || (v.protocol >> 8 != 0xfe && v.protocol >> 8 != 0x03))
		return false;
	*hash = v.protocol == TERN_DTLS13 ? hash_of_kdf(v.kdf) : HASH_NONE;
	return true;
}

bool import_psk(const struct provider *p, tern_psk_hash hash, struct span epsk, struct span identity,
		struct imported_psk *out)
{
	const struct hash_alg *own = p->hash[hash == TERN_PSK_SHA384 ? HASH_SHA384 : HASH_SHA256];
	struct imported_identity v;
	struct rd r = rd_of(identity);
	if (!imported_for(identity, &out->hash) || out->hash == HASH_NONE || !get_imported_identity(&r, &v))
		return false;
	out->key_len = p->hash[out->hash]->len;
	out->external = v.external;
	schedule13_import(own, DTLS13_PREFIX, out->key, out->key_len, epsk, identity);
	return true;
}

bool tern_psk_imported(const uint8_t *identity, size_t len, tern_bytes *external, tern_bytes *context)
{
	enum hash_id hash;
	struct imported_identity v;
	struct rd r = rd_of(span_of(identity, len));
	if (!imported_for(span_of(identity, len), &hash) || hash == HASH_NONE || !get_imported_identity(&r, &v))
		return false;
	*external = (tern_bytes){v.external.p, v.external.n};
	*context = (tern_bytes){v.context.p, v.context.n};
	return true;
}
