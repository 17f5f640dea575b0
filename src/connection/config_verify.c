/* config_verify.c - how the peer is judged: trust anchors, fingerprints, the callback. */
#include "connection/config_parts.h"

#define PEM_MAX ((size_t)1 << 24)

bool config_can_verify(const tern_config *config)
{
	return config->trust || config->num_fingerprints || config->conn_fingerprints || config->verify ||
	       config->no_verify;
}

void config_drop_trust(tern_config *config)
{
	if (config->trust)
		config->provider->trust_free(config->trust);
	config->trust = NULL;
}

/* ---- Trust ---- */

static void note_trust(tern_config *config, const char *what, struct span pem)
{
	const struct hash_alg *h = config->provider->hash[HASH_SHA256];
	struct hash_state s;
	h->init(&s);
	h->update(&s, config->trust_digest, sizeof config->trust_digest);
	h->update(&s, (const uint8_t *)what, strlen(what) + 1);
	h->update(&s, pem.p, pem.n);
	h->final(&s, config->trust_digest);
}

/* After an attempt to add: t is what the provider made of config->trust. */
static tern_error keep_trust(tern_config *config, struct trust *t, tern_error error, const char *what, struct span pem)
{
	if (error != TERN_OK) {
		if (t && !config->trust)
			config->provider->trust_free(t);
		return error;
	}
	config->trust = t;
	note_trust(config, what, pem);
	return TERN_OK;
}

tern_error tern_config_add_trust(tern_config *config, const void *pem, size_t len)
{
	struct trust *t;
	tern_error error;
	TRY(config_settable(config));
	if (!pem || !len || len > PEM_MAX)
		return TERN_ERROR_USAGE;
	t = config->trust;
	error = config->provider->trust_add(&t, span_of(pem, len));
	return keep_trust(config, t, error, "pem", span_of(pem, len));
}

tern_error tern_config_set_system_trust(tern_config *config)
{
	struct trust *t;
	tern_error error;
	TRY(config_settable(config));
	t = config->trust;
	error = config->provider->trust_add_system(&t);
	return keep_trust(config, t, error, "system", span_of("", 0));
}

tern_error tern_config_set_insecure_no_verify(tern_config *config)
{
	TRY(config_settable(config));
	config->no_verify = true;
	return TERN_OK;
}

tern_error tern_config_set_verify(tern_config *config, tern_verify_fn *verify, void *user)
{
	TRY(config_settable(config));
	config->verify = verify;
	config->verify_user = user;
	return TERN_OK;
}

/* ---- Fingerprints, RFC 8122 5 ---- */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int hex_value(char c)
{
	c = lower(c);
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The hash whose textual name starts *text, and *text behind it. SHA-1 and MD5 are refused like unknown names. */
static enum hash_id take_hash_name(const char **text, size_t *len)
{
	static const struct {
		const char *name;
		enum hash_id id;
		size_t len;
	} names[] = {{"sha-256", HASH_SHA256, 32}, {"sha-384", HASH_SHA384, 48}, {"sha-512", HASH_SHA512, 64}};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		size_t n = 0;
		while (names[i].name[n] && lower((*text)[n]) == names[i].name[n])
			n++;
		if (names[i].name[n])
			continue;
		*text += n;
		*len = names[i].len;
		return names[i].id;
	}
	return HASH_NONE;
}

/* len bytes in hex, colons between all of them or between none; *text behind them. */
static bool take_digest(const char **text, uint8_t *out, size_t len)
{
	const char *at = *text;
	bool colons = false;
	for (size_t i = 0; i < len; i++) {
		int high, low;
		if (i == 1)
			colons = *at == ':';
		if (i && colons && *at++ != ':')
			return false;
		high = hex_value(at[0]);
		low = high < 0 ? -1 : hex_value(at[1]);
		if (low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
		at += 2;
	}
	*text = at;
	return true;
}

static bool take_fingerprint(const char **text, struct fingerprint *f)
{
	size_t len;
	*f = (struct fingerprint){.hash = take_hash_name(text, &len)};
	if (f->hash == HASH_NONE || (**text != ':' && **text != ' '))
		return false;
	++*text;
	return take_digest(text, f->digest, len);
}

tern_error tern_config_add_fingerprint(tern_config *config, const char *text)
{
	struct fingerprint f;
	TRY(config_settable(config));
	if (!text || config->num_fingerprints == CONFIG_FINGERPRINTS)
		return TERN_ERROR_USAGE;
	if (!take_fingerprint(&text, &f) || *text)
		return TERN_ERROR_BAD_FINGERPRINT;
	config->fingerprints[config->num_fingerprints++] = f;
	return TERN_OK;
}

tern_error fingerprints_from_list(const char *list, struct fingerprint *out, size_t max, size_t *num)
{
	size_t n = 0;
	do {
		struct fingerprint f;
		if (!take_fingerprint(&list, &f) || (*list && *list != ','))
			return TERN_ERROR_BAD_FINGERPRINT;
		if (n && f.hash > out[0].hash)
			n = 0;
		if (n && f.hash < out[0].hash)
			continue;
		if (n == max)
			return TERN_ERROR_USAGE;
		out[n++] = f;
	} while (*list++);
	*num = n;
	return TERN_OK;
}

tern_error tern_config_set_conn_fingerprints(tern_config *config, bool on)
{
	TRY(config_settable(config));
	config->conn_fingerprints = on;
	return TERN_OK;
}
