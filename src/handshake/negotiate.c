#include "handshake/negotiate.h"

#include "handshake/ask.h"
#include "handshake/version.h"

bool suite_usable(const struct handshake *hs, const struct suite *s)
{
	const struct tern_config *config = hs->pool->config;
	if (s->ecdhe && config->groups.num == 0)
		return false;
	if (s->psk)
		return first_plain_psk(config) || config->psk;
	if (hs->role == CLIENT)
		return config_can_verify(config);
	for (size_t i = 0; i < config->num_credentials; i++)
		if (suite_fits_key(s, config->credentials[i].key_type))
			return true;
	return false;
}

const struct scheme_alg *choose_scheme(const struct tern_config *config, const struct version *version,
				       struct span list, const struct credential *c)
{
	const struct list16 *ours = c->schemes.num ? &c->schemes : &config->schemes;
	for (size_t i = 0; i < ours->num; i++) {
		const struct scheme_alg *scheme = scheme_by_id(ours->id[i]);
		if (version->scheme_fits(scheme, c->key_type) && list16_has(list, scheme->id))
			return scheme;
	}
	return NULL;
}

bool issuer_fits(const struct credential *c, struct span authorities)
{
	struct span issuer, name;
	for (size_t i = 0; c->only_named_issuers && i < c->num_chain; i++) {
		struct rd names = rd_of(authorities);
		if (!get_issuer(c->chain[i], &issuer))
			continue;
		while (rd_span16(&names, &name))
			if (span_equal(name, issuer))
				return true;
	}
	return !c->only_named_issuers;
}

static const struct group_alg *choose_group(const struct handshake *hs, const struct extensions *ext)
{
	const struct tern_config *config = hs->pool->config;
	for (size_t i = 0; i < config->groups.num; i++) {
		const struct group_alg *group = group_by_id(hs->pool->provider, config->groups.id[i]);
		/* Without the extension the choice is free: RFC 8422 4. */
		if (group && !group->only13 &&
		    (!(ext->present & HAS_SUPPORTED_GROUPS) || list16_has(ext->supported_groups, group->id)))
			return group;
	}
	return NULL;
}

static bool peer_takes_form(const struct credential *c, const struct extensions *ext)
{
	if (!(ext->present & HAS_SERVER_CERTIFICATE_TYPE))
		return !c->raw;
	return list8_has(ext->server_certificate_types, c->raw ? CERTIFICATE_RAW_PUBLIC_KEY : CERTIFICATE_X509);
}

bool curve_fits12(enum key_type key, const struct extensions *ext)
{
	uint16_t curve = key == KEY_P256 ? 23 : key == KEY_P384 ? 24 : 0;
	return !curve || !(ext->present & HAS_SUPPORTED_GROUPS) || list16_has(ext->supported_groups, curve);
}

bool curve_fits13(enum key_type key, const struct extensions *ext)
{
	(void)key;
	(void)ext;
	return true;
}

bool suite_fits_any_key(const struct suite *s, enum key_type key)
{
	(void)s;
	(void)key;
	return true;
}

bool scheme_fits_key13(const struct scheme_alg *scheme, enum key_type key)
{
	return scheme->key == key && (scheme->pss || (key != KEY_RSA && key != KEY_RSA_PSS));
}

static tern_error choose_credential(const struct tern_config *config, const struct version *version,
				    const struct extensions *ext, struct choice *choice)
{
	tern_error error = TERN_ERROR_NO_SHARED_SUITE;
	for (size_t i = 0; i < config->num_credentials; i++) {
		const struct credential *c = &config->credentials[i];
		if (!version->suite_fits(choice->suite, c->key_type) || !version->curve_fits(c->key_type, ext))
			continue;
		if (!peer_takes_form(c, ext)) {
			error = error == TERN_ERROR_NO_SHARED_SUITE ? TERN_ERROR_NO_SHARED_CERTIFICATE_TYPE : error;
			continue;
		}
		if (!issuer_fits(c, ext->certificate_authorities)) {
			error = error == TERN_ERROR_NO_SHARED_SUITE ? TERN_ERROR_NO_SHARED_ISSUER : error;
			continue;
		}
		error = TERN_ERROR_NO_SHARED_SCHEME;
		choice->scheme = choose_scheme(config, version, ext->signature_algorithms, c);
		choice->credential = c;
		if (choice->scheme)
			return TERN_OK;
	}
	return error;
}

tern_error choose12(const struct handshake *hs, const struct client_hello *hello, const struct extensions *ext,
		    struct choice *out)
{
	const struct tern_config *config = hs->pool->config;
	tern_error error = TERN_ERROR_NO_SHARED_SUITE; /* what came closest to success */
	for (size_t i = 0; i < config->suites.num; i++) {
		struct choice c = {.suite = suite_by_id(config->suites.id[i])};
		if (!list16_has(hello->suites, c.suite->id) || !suite_usable(hs, c.suite))
			continue;
		if (c.suite->ecdhe && !(c.group = choose_group(hs, ext))) {
			error = TERN_ERROR_NO_SHARED_GROUP;
			continue;
		}
		if (c.suite->auth != AUTH_PSK) {
			tern_error chosen = choose_credential(config, &version12, ext, &c);
			if (chosen != TERN_OK) {
				error = chosen;
				continue;
			}
		}
		*out = c;
		return TERN_OK;
	}
	return error;
}

const struct suite *choose_suite13(const struct tern_config *config, const struct client_hello *hello)
{
	for (size_t i = 0; i < config->suites13.num; i++)
		if (list16_has(hello->suites, config->suites13.id[i]))
			return suite_by_id(config->suites13.id[i]);
	return NULL;
}

const struct suite *choose_suite13_with(const struct tern_config *config, const struct client_hello *hello,
					enum hash_id hash)
{
	for (size_t i = 0; i < config->suites13.num; i++) {
		const struct suite *s = suite_by_id(config->suites13.id[i]);
		if (s->hash == hash && list16_has(hello->suites, s->id))
			return s;
	}
	return NULL;
}

static struct span share_of(const struct extensions *ext, uint16_t group)
{
	struct rd r = rd_of(ext->key_shares);
	struct key_share share;
	while (get_key_share(&r, &share))
		if (share.group == group)
			return share.share;
	return span_of(NULL, 0);
}

const struct group_alg *choose_group13(const struct tern_config *config, const struct provider *p,
				       const struct extensions *ext, struct span *share)
{
	const struct group_alg *first = NULL;
	for (size_t i = 0; i < config->groups.num; i++) {
		const struct group_alg *group = group_by_id(p, config->groups.id[i]);
		if (!group || !list16_has(ext->supported_groups, group->id))
			continue;
		*share = share_of(ext, group->id);
		if (share->n)
			return group;
		if (!first)
			first = group;
	}
	*share = span_of(NULL, 0);
	return first;
}

tern_error choose13(const struct handshake *hs, const struct client_hello *hello, const struct extensions *ext,
		    struct choice *out)
{
	const struct tern_config *config = hs->pool->config;
	struct choice c = {.suite = choose_suite13(config, hello)};
	if (hs->retried)
		c.suite = suite_by_id(hs->retry_suite);
	if (!c.suite)
		return TERN_ERROR_NO_SHARED_SUITE;
	TRY(choose_credential(config, &version13, ext, &c));
	*out = c;
	return TERN_OK;
}

tern_error choose_alpn(const struct tern_config *config, struct span list, struct span *out)
{
	struct rd ours = rd_of(config->alpn);
	struct span name, theirs;
	*out = span_of(NULL, 0);
	if (config->alpn.n == 0 || list.n == 0)
		return TERN_OK;
	while (get_alpn_name(&ours, &name)) {
		struct rd r = rd_of(list);
		while (get_alpn_name(&r, &theirs)) {
			if (span_equal(name, theirs)) {
				*out = name;
				return TERN_OK;
			}
		}
	}
	return TERN_ERROR_NO_APPLICATION_PROTOCOL;
}

bool takes_raw_keys(const struct tern_config *config)
{
	return config->num_fingerprints > 0 || config->verify || config->no_verify;
}

uint16_t fragment_length_of(uint8_t code)
{
	static const uint16_t lengths[] = {0, 512, 1024, 2048, 4096};
	return code < sizeof lengths / sizeof lengths[0] ? lengths[code] : 0;
}

uint8_t fragment_length_code(uint16_t length)
{
	for (uint8_t code = 1; code <= 4; code++)
		if (fragment_length_of(code) == length)
			return code;
	return 0;
}
