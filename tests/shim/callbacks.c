#include "callbacks.h"

#include <openssl/rsa.h>
#include <string.h>

/* ---- Signatures ---- */

static const EVP_MD *hash_of(uint16_t scheme)
{
	switch (scheme) {
	case 0x0403:
	case 0x0401:
	case 0x0804:
	case 0x0809:
		return EVP_sha256();
	case 0x0503:
	case 0x0501:
	case 0x0805:
	case 0x080a:
		return EVP_sha384();
	default:
		return EVP_sha512();
	}
}

static bool is_pss(uint16_t scheme)
{
	return scheme >= 0x0804 && scheme <= 0x080b && scheme != 0x0807;
}

static bool sign_digest(const struct signer *s, uint16_t scheme, const uint8_t *tbs, size_t n, uint8_t *out,
			size_t *len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(s->key, NULL);
	bool good = ctx && EVP_PKEY_sign_init(ctx) > 0 && EVP_PKEY_CTX_set_signature_md(ctx, hash_of(scheme)) > 0;
	if (good && is_pss(scheme))
		good = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0;
	good = good && EVP_PKEY_sign(ctx, out, len, tbs, n) > 0;
	EVP_PKEY_CTX_free(ctx);
	return good;
}

static bool sign_message(const struct signer *s, const uint8_t *tbs, size_t n, uint8_t *out, size_t *len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, s->key) > 0 &&
		    EVP_DigestSign(ctx, out, len, tbs, n) > 0;
	EVP_MD_CTX_free(ctx);
	return good;
}

static tern_error sign(const struct signer *s, uint16_t scheme, const uint8_t *tbs, size_t n, uint8_t *out, size_t *len)
{
	bool good = scheme == 0x0807 ? sign_message(s, tbs, n, out, len) : sign_digest(s, scheme, tbs, n, out, len);
	return good ? TERN_OK : TERN_ERROR_CRYPTO;
}

tern_error callback_sign(void *user, tern_conn *conn, uint64_t job, uint16_t scheme, const uint8_t *tbs, size_t tbs_len,
			 uint8_t *signature, size_t cap, size_t *len)
{
	struct signer *s = user;
	(void)conn;
	(void)job;
	*len = cap;
	if (!s->async)
		return sign(s, scheme, tbs, tbs_len, signature, len);
	if (tbs_len > sizeof s->tbs)
		return TERN_ERROR_CRYPTO;
	s->scheme = scheme;
	memcpy(s->tbs, tbs, tbs_len);
	s->tbs_len = tbs_len;
	return TERN_PENDING;
}

/* ---- The peer's certificate ---- */

/* Without a flag that asks for a check the runner wants its result ignored. */
static bool fails(const struct callbacks *callbacks)
{
	const struct flags *f = callbacks->flags;
	return f->verify_fail && (f->verify_peer || f->require_any_client_certificate || f->use_custom_verify);
}

/* BoringSSL's own callback fails with handshake_failure, that of an application with certificate_unknown. The former is
 * the alert of no verdict, so the connection is aborted in place of an answer. */
bool callback_refuses(const struct callbacks *callbacks)
{
	return fails(callbacks) && !callbacks->flags->use_custom_verify;
}

static tern_error verdict(const struct callbacks *callbacks)
{
	return fails(callbacks) ? TERN_ERROR_CERTIFICATE_REJECTED : TERN_OK;
}

tern_error callback_verify(void *user, tern_conn *conn, uint64_t job, const tern_bytes *chain, size_t num_chain,
			   bool raw_key)
{
	const struct callbacks *callbacks = user;
	(void)conn;
	(void)job;
	(void)chain;
	(void)num_chain;
	(void)raw_key;
	return callbacks->flags->async || callback_refuses(callbacks) ? TERN_PENDING : verdict(callbacks);
}

/* ---- Sessions by id ---- */

static size_t find(const struct session_shelf *shelf, const uint8_t *id, size_t id_len)
{
	size_t i = 0;
	while (i < shelf->num && (shelf->at[i].id_len != id_len || memcmp(shelf->at[i].id, id, id_len) != 0))
		i++;
	return i < shelf->num ? i : STORED_SESSIONS;
}

static tern_error session_get(void *user, tern_conn *conn, uint64_t job, const uint8_t *id, size_t id_len, uint8_t *out,
			      size_t cap, size_t *len)
{
	struct callbacks *callbacks = user;
	struct session_shelf *shelf = callbacks->shelf;
	(void)conn;
	(void)job;
	*len = 0;
	shelf->asked = find(shelf, id, id_len);
	if (callbacks->flags->async)
		return TERN_PENDING;
	if (shelf->asked == STORED_SESSIONS || shelf->at[shelf->asked].len > cap)
		return TERN_OK;
	*len = shelf->at[shelf->asked].len;
	memcpy(out, shelf->at[shelf->asked].session, *len);
	return TERN_OK;
}

static void session_put(void *user, const uint8_t *id, size_t id_len, const uint8_t *session, size_t len,
			int64_t expires_unix_s)
{
	struct session_shelf *shelf = ((struct callbacks *)user)->shelf;
	struct stored_session *s;
	(void)expires_unix_s;
	if (shelf->num == STORED_SESSIONS || id_len > sizeof s->id || len > sizeof s->session)
		return;
	s = &shelf->at[shelf->num++];
	memcpy(s->id, id, id_len);
	s->id_len = id_len;
	memcpy(s->session, session, len);
	s->len = len;
}

static void session_del(void *user, const uint8_t *id, size_t id_len)
{
	struct session_shelf *shelf = ((struct callbacks *)user)->shelf;
	size_t i = find(shelf, id, id_len);
	if (i != STORED_SESSIONS)
		shelf->at[i] = shelf->at[--shelf->num];
}

tern_session_store callback_store(struct callbacks *callbacks)
{
	return (tern_session_store){session_get, session_put, session_del, callbacks};
}

/* ---- Answers ---- */

/* One handshake signs once, so the signer with something to sign is the one that was asked. */
static tern_error answer_signature(struct callbacks *callbacks, tern_answer *answer, uint8_t signature[SIGNATURE_MAX])
{
	for (size_t i = 0; i < callbacks->num_signers; i++) {
		struct signer *s = &callbacks->signers[i];
		if (!s->tbs_len)
			continue;
		answer->data = signature;
		answer->len = SIGNATURE_MAX;
		answer->error = sign(s, s->scheme, s->tbs, s->tbs_len, signature, &answer->len);
		s->tbs_len = 0;
		return TERN_OK;
	}
	return TERN_ERROR_INTERNAL;
}

tern_error callback_answer(struct callbacks *callbacks, const tern_event *pending, tern_answer *answer,
			   uint8_t signature[SIGNATURE_MAX])
{
	static const uint8_t nothing[1];
	const struct session_shelf *shelf = callbacks->shelf;
	*answer = (tern_answer){.error = TERN_OK, .data = nothing};
	switch (pending->job_kind) {
	case TERN_JOB_SIGN:
		return answer_signature(callbacks, answer, signature);
	case TERN_JOB_VERIFY:
		answer->error = verdict(callbacks);
		return TERN_OK;
	case TERN_JOB_SESSION:
		if (shelf->asked != STORED_SESSIONS) {
			answer->data = shelf->at[shelf->asked].session;
			answer->len = shelf->at[shelf->asked].len;
		}
		return TERN_OK;
	case TERN_JOB_PSK:
	case TERN_JOB_EARLY_DATA:
	case TERN_JOB_FINGERPRINT:
		break;
	}
	return TERN_ERROR_INTERNAL;
}
