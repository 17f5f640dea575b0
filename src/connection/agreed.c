#include "connection/agreed.h"

#include "base/heap.h"
#include "handshake/version.h"

#define FINGERPRINT sizeof((struct outcome *)0)->peer_fingerprint

static size_t secrets_size(const struct agreed *k)
{
	return (size_t)k->num_secrets * k->secret_len;
}

static size_t names_size(const struct agreed *k)
{
	return (k->may_show_peer ? FINGERPRINT : 0) + k->alpn_len + k->server_name_len + k->psk_identity_len;
}

static size_t far_size(const struct agreed *k)
{
	size_t secrets = secrets_size(k), names = names_size(k);
	if (secrets + names <= sizeof k->here)
		return 0;
	return secrets <= sizeof k->here ? names : secrets + names;
}

static uint8_t *secrets_of(const struct agreed *k)
{
	return secrets_size(k) <= sizeof k->here ? (uint8_t *)k->here : k->far;
}

static uint8_t *fingerprint_of(const struct agreed *k)
{
	bool is_far = k->far && far_size(k) == names_size(k);
	return is_far ? k->far : secrets_of(k) + secrets_size(k);
}

static uint8_t *names_of(const struct agreed *k)
{
	return fingerprint_of(k) + (k->may_show_peer ? FINGERPRINT : 0);
}

static uint8_t *place(uint8_t *at, struct span s)
{
	if (s.n)
		memcpy(at, s.p, s.n);
	return at + s.n;
}

static void take_public(struct agreed *k, const struct outcome *o)
{
	uint8_t *at;
	k->group_id = o->group ? o->group->id : 0;
	k->srtp_id = o->srtp ? o->srtp->id : 0;
	k->compression_id = (uint8_t)(o->compression ? o->compression->id : 0);
	k->early = (uint8_t)o->early;
	k->early_reason = (uint8_t)o->early_reason;
	k->extended_master_secret = o->extended_master_secret;
	k->resumed = o->resumed;
	k->rrc = o->rrc;
	agreed_set_peer(k, o);
	at = place(names_of(k), o->alpn);
	at = place(at, o->server_name);
	(void)place(at, o->psk_identity);
}

tern_error agreed_take(struct agreed *k, const tern_allocator *heap, const struct outcome *o,
		       const struct hash_alg *hash, bool with_peer, bool last_secret)
{
	const struct version *v = o->version;
	struct agreed new = {
		.suite = o->suite,
		.num_secrets = (uint8_t)(v->num_secrets - (v->num_secrets > 1 && !last_secret)),
		.secret_len = v->secret_len ? v->secret_len : hash->len,
		.may_show_peer = with_peer || o->has_peer_fingerprint,
		.alpn_len = (uint8_t)o->alpn.n,
		.server_name_len = (uint8_t)o->server_name.n,
		.psk_identity_len = (uint16_t)o->psk_identity.n,
	};
	if (far_size(&new)) {
		new.far = heap_alloc(heap, far_size(&new));
		if (!new.far)
			return TERN_ERROR_NO_MEMORY;
	}
	*k = new;
	for (size_t i = 0; i < k->num_secrets; i++)
		memcpy(agreed_secret(k, i), (const uint8_t *)&o->secrets + i * SECRET13_MAX, k->secret_len);
	take_public(k, o);
	return TERN_OK;
}

void agreed_free(struct agreed *k, const tern_allocator *heap)
{
	heap_free(heap, k->far, far_size(k));
	wipe(k, sizeof *k);
}

const struct version *agreed_version(const struct agreed *k)
{
	return k->suite->version == version13.number ? &version13 : &version12;
}

static const struct compression_alg *compression_by_id(uint16_t id)
{
	for (size_t i = 0; compression_algs[i]; i++)
		if (compression_algs[i]->id == id)
			return compression_algs[i];
	return NULL;
}

void agreed_public(const struct agreed *k, const struct provider *provider, struct outcome *o)
{
	const uint8_t *at = names_of(k);
	*o = (struct outcome){
		.version = agreed_version(k),
		.suite = k->suite,
		.group = group_by_id(provider, k->group_id),
		.scheme = scheme_by_id(k->scheme_id),
		.srtp = srtp_by_id(k->srtp_id),
		.compression = compression_by_id(k->compression_id),
		.early = (tern_early_data)k->early,
		.early_reason = (tern_early_reason)k->early_reason,
		.extended_master_secret = k->extended_master_secret,
		.resumed = k->resumed,
		.rrc = k->rrc,
		.peer_authenticated = k->peer_authenticated,
		.has_peer_fingerprint = k->has_peer_fingerprint,
		.alpn = span_of(at, k->alpn_len),
		.server_name = span_of(at + k->alpn_len, k->server_name_len),
		.psk_identity = span_of(at + k->alpn_len + k->server_name_len, k->psk_identity_len),
	};
	if (k->has_peer_fingerprint)
		memcpy(o->peer_fingerprint, fingerprint_of(k), sizeof o->peer_fingerprint);
}

void agreed_outcome(const struct agreed *k, const struct provider *provider, struct outcome *o)
{
	agreed_public(k, provider, o);
	for (size_t i = 0; i < k->num_secrets; i++)
		memcpy((uint8_t *)&o->secrets + i * SECRET13_MAX, secrets_of(k) + i * k->secret_len, k->secret_len);
}

uint8_t *agreed_secret(struct agreed *k, size_t i)
{
	return secrets_of(k) + i * k->secret_len;
}

void agreed_set_peer(struct agreed *k, const struct outcome *o)
{
	k->peer_authenticated = o->peer_authenticated;
	k->scheme_id = o->scheme ? o->scheme->id : 0;
	k->has_peer_fingerprint = o->has_peer_fingerprint && k->may_show_peer;
	if (k->has_peer_fingerprint)
		memcpy(fingerprint_of(k), o->peer_fingerprint, sizeof o->peer_fingerprint);
}
