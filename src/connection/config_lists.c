/* config_lists.c - suites, groups, schemes and application protocols. */
#include "connection/config_parts.h"

#include "base/writer.h"
#include "connection/policy.h"

#define ALPN_NAME_MAX 63 /* tern_info holds no longer one */
#define ALPN_LIST_MAX 1024 /* a ClientHello has to stay small */

_Static_assert(CONFIG_GROUPS <= CONFIG_SUITES && CONFIG_SCHEMES <= CONFIG_SUITES, "struct list16 fits all lists");

void config_apply_groups(tern_config *config)
{
	const struct policy_list *from = &config->policy->groups;
	config->groups.num = 0;
	for (size_t i = 0; i < from->num; i++)
		if (group_by_id(config->provider, from->id[i]))
			config->groups.id[config->groups.num++] = from->id[i];
}

void config_apply_suites(tern_config *config, const uint16_t *ids, size_t num)
{
	config->suites.num = config->suites13.num = 0;
	for (size_t i = 0; i < num; i++) {
		struct list16 *to = suite_by_id(ids[i])->version == TERN_DTLS13 ? &config->suites13 : &config->suites;
		to->id[to->num++] = ids[i];
	}
}

tern_error tern_config_set_suites(tern_config *config, const char *list)
{
	struct list16 next;
	TRY(config_settable(config));
	TRY(suites_from_names(list, next.id, CONFIG_SUITES, &next.num));
	config_apply_suites(config, next.id, next.num);
	return TERN_OK;
}

tern_error tern_config_set_versions(tern_config *config, tern_protocol oldest, tern_protocol newest)
{
	bool known =
		(oldest == TERN_DTLS12 || oldest == TERN_DTLS13) && (newest == TERN_DTLS12 || newest == TERN_DTLS13);
	TRY(config_settable(config));
	if (!known || oldest < newest)
		return TERN_ERROR_USAGE;
	config->dtls12 = oldest == TERN_DTLS12;
	config->dtls13 = newest == TERN_DTLS13;
	return TERN_OK;
}

tern_error tern_config_set_psk_ke(tern_config *config, bool on)
{
	TRY(config_settable(config));
	config->psk_ke = on;
	return TERN_OK;
}

tern_error tern_config_set_groups(tern_config *config, const char *list)
{
	struct list16 next = {0};
	TRY(config_settable(config));
	if (list)
		TRY(groups_from_names(list, config->provider, next.id, CONFIG_GROUPS, &next.num));
	config->groups = next;
	return TERN_OK;
}

tern_error tern_config_set_schemes(tern_config *config, const char *list)
{
	struct list16 next;
	TRY(config_settable(config));
	TRY(schemes_from_names(list, next.id, CONFIG_SCHEMES, &next.num));
	config->schemes = next;
	return TERN_OK;
}

tern_error tern_config_set_srtp(tern_config *config, const char *list)
{
	struct list16 next = {.num = 0};
	TRY(config_settable(config));
	if (list)
		TRY(srtp_from_names(list, next.id, CONFIG_SUITES, &next.num));
	config->srtp = next;
	return TERN_OK;
}

static bool has_name(struct span wire, struct span name)
{
	for (size_t at = 0; at < wire.n; at += 1u + wire.p[at])
		if (span_equal(span_of(wire.p + at + 1, wire.p[at]), name))
			return true;
	return false;
}

/* Text to wire form. USAGE: an empty or too long name, one that comes twice, too many. */
static tern_error put_alpn(struct wr *w, const char *list)
{
	for (const char *name = list;; name++) {
		struct span s = span_of(name, strcspn(name, ","));
		if (!s.n || s.n > ALPN_NAME_MAX || has_name(wr_span(w), s))
			return TERN_ERROR_USAGE;
		wr_vec8(w, s);
		if (!wr_ok(w))
			return TERN_ERROR_USAGE;
		name += s.n;
		if (!*name)
			return TERN_OK;
	}
}

tern_error tern_config_set_alpn(tern_config *config, const char *list)
{
	uint8_t wire[ALPN_LIST_MAX];
	struct wr w = wr_of(wire, sizeof wire);
	TRY(config_settable(config));
	if (list)
		TRY(put_alpn(&w, list));
	return config_replace(config, &config->alpn, wire, w.n);
}
