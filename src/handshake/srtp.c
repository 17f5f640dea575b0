/* use_srtp (RFC 5764 4.1): an answer in ServerHello of DTLS 1.2, in EncryptedExtensions of 1.3. No MKI is used. */
#include "handshake/answers.h"

#include "handshake/version.h"

static struct span profile_in_arena(struct handshake *hs, uint16_t id)
{
	uint8_t *p = arena_alloc(&hs->arena, 2);
	struct wr w = wr_of(p, p ? 2 : 0);
	wr_u16(&w, id);
	return wr_span(&w);
}

/* Without a profile in common the extension is left out and the handshake goes on: RFC 5764 4.1.1. */
tern_error answer_srtp(struct handshake *hs, const struct extensions *ext, struct extensions *answer)
{
	const struct list16 *ours = &hs->pool->config->srtp;
	for (size_t i = 0; (ext->present & HAS_USE_SRTP) && i < ours->num; i++) {
		if (!list16_has(ext->srtp_profiles, ours->id[i]))
			continue;
		answer->srtp_profiles = profile_in_arena(hs, ours->id[i]);
		if (!answer->srtp_profiles.p)
			return FAIL(hs, ERROR_BUDGET, "");
		answer->present |= HAS_USE_SRTP;
		hs->outcome.srtp = srtp_by_id(ours->id[i]);
		return TERN_OK;
	}
	return TERN_OK;
}

tern_error take_srtp(struct handshake *hs, const struct extensions *ext)
{
	struct rd r = rd_of(ext->srtp_profiles);
	uint16_t id;
	if (!(ext->present & HAS_USE_SRTP))
		return TERN_OK;
	if (!rd_u16(&r, &id) || !list16_has(hs->offered.srtp_profiles, id) || ext->srtp_mki.n)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 5764 4.1.1");
	hs->outcome.srtp = srtp_by_id(id);
	return TERN_OK;
}

#define SRTP_LABEL "EXTRACTOR-dtls_srtp"

tern_error srtp_keys(const struct provider *p, const struct outcome *o, tern_srtp_keys *out)
{
	const struct srtp_profile *profile = o->srtp;
	uint8_t material[2 * (SRTP_KEY_MAX + SRTP_SALT_MAX)];
	size_t key = profile->key_len, salt = profile->salt_len;
	tern_error error = o->version->export(p, o, material, 2 * (key + salt), SRTP_LABEL, span_of(NULL, 0), false);
	*out = (tern_srtp_keys){0};
	if (error != TERN_OK)
		return error;
	out->key_len = key;
	out->salt_len = salt;
	memcpy(out->client_key, material, key);
	memcpy(out->server_key, material + key, key);
	memcpy(out->client_salt, material + 2 * key, salt);
	memcpy(out->server_salt, material + 2 * key + salt, salt);
	wipe(material, sizeof material);
	return TERN_OK;
}
