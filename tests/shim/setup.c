#include "setup.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRY(expr)                                                                                                      \
	do {                                                                                                           \
		tern_error try_error = (expr);                                                                         \
		if (try_error != TERN_OK)                                                                              \
			return try_error;                                                                              \
	} while (0)

enum { FILE_MAX = 1 << 18, LIST_MAX = 1024 };
static const uint64_t MS = 1000000;

/* ---- Lists of names ---- */

struct named {
	uint16_t id;
	const char *name;
};

static const struct named groups[] = {
	{23, "secp256r1"},
	{24, "secp384r1"},
	{29, "x25519"},
	{0x11ec, "X25519MLKEM768"},
};

static const struct named schemes[] = {
	{0x0403, "ecdsa_secp256r1_sha256"}, {0x0503, "ecdsa_secp384r1_sha384"}, {0x0807, "ed25519"},
	{0x0804, "rsa_pss_rsae_sha256"},    {0x0805, "rsa_pss_rsae_sha384"},	{0x0806, "rsa_pss_rsae_sha512"},
	{0x0401, "rsa_pkcs1_sha256"},	    {0x0501, "rsa_pkcs1_sha384"},	{0x0601, "rsa_pkcs1_sha512"},
};

static void append(char list[LIST_MAX], const char *name, size_t len)
{
	size_t n = strlen(list);
	if (n + len + 2 > LIST_MAX)
		return;
	if (n)
		list[n++] = ',';
	memcpy(list + n, name, len);
	list[n + len] = '\0';
}

/* The names of those numbers that Tern knows; tests list more than any one library has. */
static void names_of(const struct numbers *numbers, const struct named *named, size_t num, char list[LIST_MAX])
{
	list[0] = '\0';
	for (size_t i = 0; i < numbers->num; i++)
		for (size_t k = 0; k < num; k++)
			if (named[k].id == numbers->at[i])
				append(list, named[k].name, strlen(named[k].name));
}

static tern_error set_groups(tern_config *config, const struct flags *f)
{
	char list[LIST_MAX];
	if (!f->curves.num)
		return TERN_OK;
	names_of(&f->curves, groups, sizeof groups / sizeof groups[0], list);
	return list[0] ? tern_config_set_groups(config, list) : TERN_ERROR_UNKNOWN_NAME;
}

static tern_error set_schemes(tern_config *config, const struct flags *f)
{
	char list[LIST_MAX];
	if (!f->verify_prefs.num)
		return TERN_OK;
	names_of(&f->verify_prefs, schemes, sizeof schemes / sizeof schemes[0], list);
	return list[0] ? tern_config_set_schemes(config, list) : TERN_ERROR_UNKNOWN_NAME;
}

/* -cipher has the form of OpenSSL's lists. Only lists of names are understood, and the words for all. */
static tern_error set_suites(tern_config *config, const char *list)
{
	char names[LIST_MAX] = "", all[LIST_MAX];
	if (!list || strncmp(list, "ALL", 3) == 0)
		return TERN_OK;
	while (*list) {
		size_t len = strcspn(list, ":");
		char one[LIST_MAX] = "";
		append(one, list, len);
		if (tern_config_set_suites(config, one) == TERN_OK)
			append(names, list, len);
		list += len + (list[len] == ':');
	}
	if (!names[0])
		return TERN_ERROR_UNKNOWN_NAME;
	snprintf(all, sizeof all, "TLS_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384,TLS_CHACHA20_POLY1305_SHA256,%.900s",
		 names);
	return tern_config_set_suites(config, all);
}

static tern_error set_versions(tern_config *config, const struct flags *f)
{
	/* The numbers count downwards. */
	bool dtls12 = !f->no_tls12 && (!f->min_version || f->min_version >= TERN_DTLS12);
	bool dtls13 = !f->no_tls13 && (!f->max_version || f->max_version <= TERN_DTLS13);
	if ((f->max_version && f->max_version > TERN_DTLS12) || (!dtls12 && !dtls13))
		return TERN_ERROR_UNKNOWN_NAME;
	return tern_config_set_versions(config, dtls12 ? TERN_DTLS12 : TERN_DTLS13, dtls13 ? TERN_DTLS13 : TERN_DTLS12);
}

/* ---- Application protocols ---- */

/* From the form they have on the wire, one byte of length before each. */
static tern_error advertise_alpn(tern_config *config, const char *wire)
{
	char list[LIST_MAX] = "";
	size_t n = strlen(wire);
	for (size_t i = 0; i < n; i += 1 + (size_t)wire[i]) {
		if ((size_t)wire[i] > n - i - 1)
			return TERN_ERROR_UNKNOWN_NAME;
		append(list, wire + i + 1, (size_t)wire[i]);
	}
	return tern_config_set_alpn(config, list);
}

static tern_error set_alpn(tern_config *config, const struct flags *f)
{
	if (f->advertise_alpn)
		return advertise_alpn(config, f->advertise_alpn);
	if (f->select_alpn && !f->decline_alpn)
		return tern_config_set_alpn(config, f->select_alpn);
	/* A server refuses when none of its protocols is among the client's. */
	return f->reject_alpn ? tern_config_set_alpn(config, "none of the client's") : TERN_OK;
}

/* OpenSSL has other names for some profiles than IANA. */
static tern_error set_srtp(tern_config *config, const char *list)
{
	static const char *const names[][2] = {{"SRTP_AES128_CM_SHA1_80", "SRTP_AES128_CM_HMAC_SHA1_80"},
					       {"SRTP_AES128_CM_SHA1_32", "SRTP_AES128_CM_HMAC_SHA1_32"}};
	char ours[LIST_MAX] = "";
	while (list && *list) {
		size_t len = strcspn(list, ":");
		for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
			if (strlen(names[i][0]) == len && strncmp(names[i][0], list, len) == 0)
				append(ours, names[i][1], strlen(names[i][1]));
		list += len + (list[len] == ':');
	}
	return ours[0] ? tern_config_set_srtp(config, ours) : TERN_OK;
}

/* ---- Credentials ---- */

struct file {
	uint8_t bytes[FILE_MAX];
	size_t len;
};

static struct file *read_file(const char *path)
{
	struct file *file = malloc(sizeof *file);
	FILE *f = path ? fopen(path, "rb") : NULL;
	if (file)
		file->len = f ? fread(file->bytes, 1, sizeof file->bytes, f) : 0;
	if (f)
		fclose(f);
	return file;
}

static tern_error add_signer(tern_config *config, struct callbacks *callbacks, const struct file *chain,
			     const struct file *key)
{
	struct signer *s = &callbacks->signers[callbacks->num_signers];
	BIO *bio = BIO_new_mem_buf(key->bytes, (int)key->len);
	s->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
	s->async = true;
	BIO_free(bio);
	if (!s->key)
		return TERN_ERROR_BAD_KEY_FILE;
	callbacks->num_signers++;
	return tern_config_add_signer(config, chain->bytes, chain->len, callback_sign, s);
}

static tern_error limit_credential(tern_config *config, const struct flag_credential *c)
{
	char list[LIST_MAX];
	names_of(&c->signing_prefs, schemes, sizeof schemes / sizeof schemes[0], list);
	if (c->signing_prefs.num && !list[0])
		return TERN_ERROR_UNKNOWN_NAME;
	return tern_config_limit_credential(config, list[0] ? list : NULL, c->must_match_issuer);
}

struct decoded {
	uint8_t bytes[LIST_MAX];
	size_t len;
};

static bool decode(struct decoded *out, const char *base64)
{
	size_t n = base64 ? strlen(base64) : 0;
	int len = n / 4 * 3 <= sizeof out->bytes ? EVP_DecodeBlock(out->bytes, (const uint8_t *)base64, (int)n) : -1;
	if (len < 0)
		return false;
	out->len = (size_t)len;
	for (size_t i = 1; i <= 2 && i <= n && base64[n - i] == '='; i++)
		out->len--;
	return true;
}

static tern_error import_psk(tern_config *config, const struct flag_credential *c)
{
	struct decoded key, identity, context;
	if (!decode(&key, c->psk_key) || !decode(&identity, c->psk_identity) || !decode(&context, c->psk_context))
		return TERN_ERROR_UNKNOWN_NAME;
	return tern_config_import_psk(config,
				      &(tern_external_psk){.size = sizeof(tern_external_psk),
							   .identity = identity.bytes,
							   .identity_len = identity.len,
							   .key = key.bytes,
							   .key_len = key.len,
							   .context = context.bytes,
							   .context_len = context.len,
							   .hash = c->psk_sha384 ? TERN_PSK_SHA384 : TERN_PSK_SHA256});
}

static tern_error add_credential(tern_config *config, struct callbacks *callbacks, const struct flag_credential *c)
{
	struct file *chain, *key;
	tern_error error = TERN_ERROR_NO_MEMORY;
	if (c->kind == CREDENTIAL_PSK)
		return import_psk(config, c);
	if (!c->key_file)
		return TERN_OK;
	chain = read_file(c->cert_file);
	key = read_file(c->key_file);
	if (chain && key && c->kind == CREDENTIAL_RAW_KEY)
		error = tern_config_add_raw_key(config, key->bytes, key->len);
	else if (chain && key && (callbacks->flags->async || callbacks->flags->private_key_delay_ms))
		error = add_signer(config, callbacks, chain, key);
	else if (chain && key)
		error = tern_config_add_keypair(config, chain->bytes, chain->len, key->bytes, key->len);
	free(chain);
	free(key);
	return error == TERN_OK ? limit_credential(config, c) : error;
}

/* The credential without a -new-*-credential comes last, as the runner expects. */
static tern_error add_credentials(tern_config *config, struct callbacks *callbacks)
{
	const struct flags *f = callbacks->flags;
	for (size_t i = 0; i < f->num_more; i++)
		TRY(add_credential(config, callbacks, &f->more[i]));
	return add_credential(config, callbacks, &f->credential);
}

static tern_error set_psk(tern_config *config, const struct flags *f)
{
	const char *identity = f->psk_identity ? f->psk_identity : "";
	if (!f->psk)
		return TERN_OK;
	if (!*identity)
		return TERN_ERROR_UNKNOWN_NAME;
	if (f->server)
		TRY(tern_config_set_psk_hint(config, identity, strlen(identity)));
	return tern_config_add_psk(config, identity, strlen(identity), f->psk, strlen(f->psk));
}

/* ---- The rest ---- */

/* What BoringSSL does, which the runner takes for granted. */
static tern_error set_timers(tern_config *config, const struct flags *f)
{
	uint64_t first_ns = (f->initial_timeout_ms ? f->initial_timeout_ms : 400) * MS;
	tern_timers timers = {
		.size = sizeof timers,
		.first_ns = first_ns,
		.cap_ns = 60000 * MS,
		.handshake_ns = 86400000 * MS,
		.max_tries = 13,
		.no_rtt = true,
		.no_jitter = true,
		.ack_ns = first_ns / 4,
	};
	return tern_config_set_timers(config, &timers);
}

static tern_error set_limits(tern_config *config, const struct flags *f)
{
	tern_limits limits = {
		.size = sizeof limits,
		.mtu = (uint16_t)f->mtu,
		.message_bytes = f->max_cert_list ? f->max_cert_list : 100 << 10, /* BoringSSL's */
		.handshake_bytes = 1 << 20,
		.replay_window = 256, /* as wide as BoringSSL's */
	};
	return tern_config_set_limits(config, &limits);
}

static tern_error set_client_auth(tern_config *config, const struct flags *f)
{
	if (!f->server)
		return tern_config_set_must_authenticate(config, true); /* as BoringSSL's clients do */
	if (f->verify_peer)
		return tern_config_set_client_auth(config, TERN_CLIENT_AUTH_OPTIONAL);
	return f->require_any_client_certificate ? tern_config_set_client_auth(config, TERN_CLIENT_AUTH_REQUIRED)
						 : TERN_OK;
}

/* A client that has PSKs wants nothing else unless it is told to. */
static bool judges_certificates(const struct flags *f)
{
	bool has_psks = f->credential.kind == CREDENTIAL_PSK;
	for (size_t i = 0; i < f->num_more; i++)
		has_psks |= f->more[i].kind == CREDENTIAL_PSK;
	return f->server || !has_psks || f->verify_peer || f->use_custom_verify;
}

tern_error setup_config(tern_config *config, struct callbacks *callbacks, tern_keyring *keyring)
{
	const struct flags *f = callbacks->flags;
	tern_session_store store = callback_store(callbacks);
	TRY(set_timers(config, f));
	TRY(set_limits(config, f));
	TRY(set_versions(config, f));
	TRY(set_suites(config, f->cipher));
	TRY(set_groups(config, f));
	TRY(set_schemes(config, f));
	TRY(set_alpn(config, f));
	TRY(set_srtp(config, f->srtp_profiles));
	TRY(add_credentials(config, callbacks));
	TRY(set_psk(config, f));
	TRY(set_client_auth(config, f));
	if (judges_certificates(f))
		TRY(tern_config_set_verify(config, callback_verify, callbacks));
	TRY(tern_config_set_tickets(config, !f->no_ticket && !f->skip_ticket));
	TRY(tern_config_set_keyring(config, keyring));
	TRY(tern_config_set_cookie(config, false));
	return tern_config_set_session_store(config, &store);
}

void setup_free(struct callbacks *callbacks)
{
	for (size_t i = 0; i < callbacks->num_signers; i++)
		EVP_PKEY_free(callbacks->signers[i].key);
	callbacks->num_signers = 0;
}
