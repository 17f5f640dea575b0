#include "handshake/suites.h"

#include "wire/record.h"

/* RFC 5289 3, RFC 7251 2, RFC 7905 3, RFC 5487 2, RFC 6655 3 and 4, RFC 8442 3.
 * Nobody defined CCM for ECDHE_RSA. RC4 has no place in DTLS: RFC 6347 4.1.2.2. */
const struct suite suites[] = {
	{0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0, 1, AUTH_ECDSA, AEAD_AES_128_GCM, HASH_SHA256, false,
	 VERSION_DTLS12},
	{0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 0, 1, AUTH_ECDSA, AEAD_AES_256_GCM, HASH_SHA384, false,
	 VERSION_DTLS12},
	{0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", 0, 1, AUTH_ECDSA, AEAD_CHACHA20_POLY1305, HASH_SHA256,
	 false, VERSION_DTLS12},
	{0xc0ac, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", 0, 1, AUTH_ECDSA, AEAD_AES_128_CCM, HASH_SHA256, false,
	 VERSION_DTLS12},
	{0xc0ae, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", 0, 1, AUTH_ECDSA, AEAD_AES_128_CCM_8, HASH_SHA256, true,
	 VERSION_DTLS12},

	{0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0, 1, AUTH_RSA, AEAD_AES_128_GCM, HASH_SHA256, false,
	 VERSION_DTLS12},
	{0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 0, 1, AUTH_RSA, AEAD_AES_256_GCM, HASH_SHA384, false,
	 VERSION_DTLS12},
	{0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 0, 1, AUTH_RSA, AEAD_CHACHA20_POLY1305, HASH_SHA256,
	 false, VERSION_DTLS12},

	{0x00a8, "TLS_PSK_WITH_AES_128_GCM_SHA256", 1, 0, AUTH_PSK, AEAD_AES_128_GCM, HASH_SHA256, false,
	 VERSION_DTLS12},
	{0x00a9, "TLS_PSK_WITH_AES_256_GCM_SHA384", 1, 0, AUTH_PSK, AEAD_AES_256_GCM, HASH_SHA384, false,
	 VERSION_DTLS12},
	{0xccab, "TLS_PSK_WITH_CHACHA20_POLY1305_SHA256", 1, 0, AUTH_PSK, AEAD_CHACHA20_POLY1305, HASH_SHA256, false,
	 VERSION_DTLS12},
	{0xc0a4, "TLS_PSK_WITH_AES_128_CCM", 1, 0, AUTH_PSK, AEAD_AES_128_CCM, HASH_SHA256, false, VERSION_DTLS12},
	{0xc0a8, "TLS_PSK_WITH_AES_128_CCM_8", 1, 0, AUTH_PSK, AEAD_AES_128_CCM_8, HASH_SHA256, true, VERSION_DTLS12},

	{0xd001, "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256", 1, 1, AUTH_PSK, AEAD_AES_128_GCM, HASH_SHA256, false,
	 VERSION_DTLS12},
	{0xd002, "TLS_ECDHE_PSK_WITH_AES_256_GCM_SHA384", 1, 1, AUTH_PSK, AEAD_AES_256_GCM, HASH_SHA384, false,
	 VERSION_DTLS12},
	{0xccac, "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256", 1, 1, AUTH_PSK, AEAD_CHACHA20_POLY1305, HASH_SHA256,
	 false, VERSION_DTLS12},
	{0xd005, "TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256", 1, 1, AUTH_PSK, AEAD_AES_128_CCM, HASH_SHA256, false,
	 VERSION_DTLS12},
	{0xd003, "TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256", 1, 1, AUTH_PSK, AEAD_AES_128_CCM_8, HASH_SHA256, true,
	 VERSION_DTLS12},

	/* RFC 8446 B.4: nothing but AEAD and hash. */
	{0x1301, "TLS_AES_128_GCM_SHA256", 0, 0, AUTH_PSK, AEAD_AES_128_GCM, HASH_SHA256, false, VERSION_DTLS13},
	{0x1302, "TLS_AES_256_GCM_SHA384", 0, 0, AUTH_PSK, AEAD_AES_256_GCM, HASH_SHA384, false, VERSION_DTLS13},
	{0x1303, "TLS_CHACHA20_POLY1305_SHA256", 0, 0, AUTH_PSK, AEAD_CHACHA20_POLY1305, HASH_SHA256, false,
	 VERSION_DTLS13},
	{0x1304, "TLS_AES_128_CCM_SHA256", 0, 0, AUTH_PSK, AEAD_AES_128_CCM, HASH_SHA256, false, VERSION_DTLS13},
	{0x1305, "TLS_AES_128_CCM_8_SHA256", 0, 0, AUTH_PSK, AEAD_AES_128_CCM_8, HASH_SHA256, true, VERSION_DTLS13},
};
const size_t num_suites = sizeof suites / sizeof suites[0];

const struct suite *suite_by_id(uint16_t id)
{
	for (size_t i = 0; i < num_suites; i++)
		if (suites[i].id == id)
			return &suites[i];
	return NULL;
}

bool suite_fits_key(const struct suite *s, enum key_type key)
{
	switch (s->auth) {
	case AUTH_ECDSA:
		return key == KEY_P256 || key == KEY_P384 || key == KEY_ED25519;
	case AUTH_RSA:
		return key == KEY_RSA || key == KEY_RSA_PSS;
	case AUTH_PSK:
		return false;
	}
	return false;
}

static bool group_available(const struct group_alg *g)
{
	return !g->available || g->available();
}

const struct group_alg *group_by_id(const struct provider *p, uint16_t id)
{
	for (const struct group_alg *const *g = p->groups; *g; g++)
		if ((*g)->id == id)
			return group_available(*g) ? *g : NULL;
	return NULL;
}

/* RFC 5764 4.1.2, RFC 7714 14.2. */
static const struct srtp_profile srtp_profiles[] = {
	{0x0001, "SRTP_AES128_CM_HMAC_SHA1_80", 16, 14},
	{0x0002, "SRTP_AES128_CM_HMAC_SHA1_32", 16, 14},
	{0x0007, "SRTP_AEAD_AES_128_GCM", 16, 12},
	{0x0008, "SRTP_AEAD_AES_256_GCM", 32, 12},
};
#define NUM_SRTP_PROFILES (sizeof srtp_profiles / sizeof srtp_profiles[0])

const struct srtp_profile *srtp_by_id(uint16_t id)
{
	for (size_t i = 0; i < NUM_SRTP_PROFILES; i++)
		if (srtp_profiles[i].id == id)
			return &srtp_profiles[i];
	return NULL;
}

/* ---- Lists of names ---- */

static bool same_name(const char *name, struct span s)
{
	return strlen(name) == s.n && memcmp(name, s.p, s.n) == 0;
}

/* These find the id of a name; false when it is not known. */
typedef bool find_name(const struct provider *p, struct span name, uint16_t *id);

static bool find_suite(const struct provider *p, struct span name, uint16_t *id)
{
	(void)p;
	for (size_t i = 0; i < num_suites; i++)
		if (same_name(suites[i].name, name))
			return *id = suites[i].id, true;
	return false;
}

static bool find_group(const struct provider *p, struct span name, uint16_t *id)
{
	for (const struct group_alg *const *g = p->groups; *g; g++)
		if (same_name((*g)->name, name) && group_available(*g))
			return *id = (*g)->id, true;
	return false;
}

static bool find_scheme(const struct provider *p, struct span name, uint16_t *id)
{
	(void)p;
	for (size_t i = 0; i < num_schemes; i++)
		if (same_name(schemes[i].name, name))
			return *id = schemes[i].id, true;
	return false;
}

static bool find_srtp(const struct provider *p, struct span name, uint16_t *id)
{
	(void)p;
	for (size_t i = 0; i < NUM_SRTP_PROFILES; i++)
		if (same_name(srtp_profiles[i].name, name))
			return *id = srtp_profiles[i].id, true;
	return false;
}

static bool listed(const uint16_t *ids, size_t num, uint16_t id)
{
	for (size_t i = 0; i < num; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* *num is set on success only; ids may be left half filled. */
static tern_error from_names(find_name *find, const struct provider *p, const char *list, uint16_t *ids, size_t max,
			     size_t *num)
{
	size_t n = 0;
	if (!list)
		return TERN_ERROR_USAGE;
	for (const char *name = list;; name++) {
		size_t len = strcspn(name, ",");
		uint16_t id;
		if (!find(p, span_of(name, len), &id) || listed(ids, n, id))
			return TERN_ERROR_UNKNOWN_NAME;
		if (n == max)
			return TERN_ERROR_USAGE;
		ids[n++] = id;
		name += len;
		if (!*name)
			break;
	}
	*num = n;
	return TERN_OK;
}

tern_error suites_from_names(const char *list, uint16_t *ids, size_t max, size_t *num)
{
	return from_names(find_suite, NULL, list, ids, max, num);
}

tern_error groups_from_names(const char *list, const struct provider *p, uint16_t *ids, size_t max, size_t *num)
{
	return from_names(find_group, p, list, ids, max, num);
}

tern_error schemes_from_names(const char *list, uint16_t *ids, size_t max, size_t *num)
{
	return from_names(find_scheme, NULL, list, ids, max, num);
}

tern_error srtp_from_names(const char *list, uint16_t *ids, size_t max, size_t *num)
{
	return from_names(find_srtp, NULL, list, ids, max, num);
}
