#include "handshake/authenticate.h"

#include "handshake/negotiate.h"
#include "handshake/version.h"

static void digest_of(const struct hash_alg *hash, struct span message, uint8_t *out)
{
	struct hash_state state;
	hash->init(&state);
	hash->update(&state, message.p, message.n);
	hash->final(&state, out);
}

/* What a scheme signs: the digest by its hash, or the message. digest: HASH_MAX bytes. */
static struct span tbs_of(const struct handshake *hs, const struct scheme_alg *scheme, struct span message,
			  uint8_t *digest)
{
	const struct hash_alg *hash = hs->pool->provider->hash[scheme->prehash];
	if (!hash)
		return message;
	digest_of(hash, message, digest);
	return span_of(digest, hash->len);
}

static tern_error tbs_of_transcript(const struct handshake *hs, const struct scheme_alg *scheme, uint8_t *digest,
				    struct span *tbs)
{
	const struct hash_alg *hash = hs->pool->provider->hash[scheme->prehash];
	if (!hash) {
		*tbs = transcript_messages(&hs->transcript);
		return tbs->p ? TERN_OK : TERN_ERROR_BUDGET;
	}
	transcript_digest(&hs->transcript, hash, digest);
	*tbs = span_of(digest, hash->len);
	return TERN_OK;
}

static tern_error sign_tbs(struct handshake *hs, struct span tbs, uint8_t *signature, size_t *len)
{
	const struct credential *c = hs->credential;
	tern_error error;
	*len = 0;
	if (c->key) {
		error = hs->pool->provider->sign(hs->pool->crypto, c->key, hs->sign_scheme, tbs, signature, len);
	} else if (job_answered(hs, TERN_JOB_SIGN)) {
		error = hs->job.error;
		*len = hs->job.data.n;
		if (error == TERN_OK && *len <= SIGNATURE_MAX)
			memcpy(signature, hs->job.data.p, *len);
	} else {
		uint64_t id = job_next_id(hs);
		error = job_asked(hs, TERN_JOB_SIGN, id,
				  c->sign(c->sign_user, hs->conn, id, hs->sign_scheme->id, tbs.p, tbs.n, signature,
					  SIGNATURE_MAX, len));
	}
	error = job_verdict(error, TERN_ERROR_CRYPTO);
	if (error == TERN_PENDING)
		return error;
	if (error == TERN_OK && (*len == 0 || *len > SIGNATURE_MAX))
		error = TERN_ERROR_CRYPTO;
	return error == TERN_OK ? TERN_OK : FAILED(hs, error, "");
}

tern_error sign_bytes(struct handshake *hs, struct span message, uint8_t *signature, size_t *len)
{
	uint8_t digest[HASH_MAX];
	return sign_tbs(hs, tbs_of(hs, hs->sign_scheme, message, digest), signature, len);
}

tern_error sign_transcript12(struct handshake *hs, uint8_t *signature, size_t *len)
{
	uint8_t digest[HASH_MAX];
	struct span tbs;
	TRY(tbs_of_transcript(hs, hs->sign_scheme, digest, &tbs));
	return sign_tbs(hs, tbs, signature, len);
}

/* NULL when it is not ours or does not fit the peer's key. */
static const struct scheme_alg *acceptable_scheme(const struct handshake *hs, uint16_t id)
{
	const struct tern_config *config = hs->pool->config;
	const struct scheme_alg *scheme = scheme_by_id(id);
	bool ours = false;
	for (size_t i = 0; i < config->schemes.num; i++)
		ours |= config->schemes.id[i] == id;
	if (!scheme || !ours || !hs->version->scheme_fits(scheme, hs->pool->provider->chain_key_type(hs->peer)))
		return NULL;
	return scheme;
}

static tern_error verify_tbs(struct handshake *hs, const struct scheme_alg *scheme, struct span tbs,
			     struct span signature)
{
	tern_error error = hs->pool->provider->verify(hs->pool->crypto, hs->peer, scheme, tbs, signature);
	if (error != TERN_OK)
		return FAILED(hs, error, "RFC 5246 4.7");
	hs->outcome.scheme = scheme;
	return TERN_OK;
}

tern_error verify_bytes(struct handshake *hs, uint16_t id, struct span message, struct span signature)
{
	const struct scheme_alg *scheme = acceptable_scheme(hs, id);
	uint8_t digest[HASH_MAX];
	if (!scheme)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 5246 7.4.1.4.1");
	return verify_tbs(hs, scheme, tbs_of(hs, scheme, message, digest), signature);
}

tern_error verify_transcript12(struct handshake *hs, uint16_t id, struct span signature)
{
	const struct scheme_alg *scheme = acceptable_scheme(hs, id);
	uint8_t digest[HASH_MAX];
	struct span tbs;
	if (!scheme)
		return FAIL(hs, ERROR_ILLEGAL_PARAMETER, "RFC 5246 7.4.1.4.1");
	TRY(tbs_of_transcript(hs, scheme, digest, &tbs));
	return verify_tbs(hs, scheme, tbs, signature);
}

/* In DTLS 1.2 the types say which keys may sign. */
static bool type_is_asked_for(const struct credential *c, struct span types)
{
	bool rsa = c->key_type == KEY_RSA || c->key_type == KEY_RSA_PSS;
	return !types.p || list8_has(types, rsa ? CLIENT_CERT_RSA_SIGN : CLIENT_CERT_ECDSA_SIGN);
}

tern_error choose_own_credential(struct handshake *hs, struct span types, struct span authorities, struct span list)
{
	const struct tern_config *config = hs->pool->config;
	tern_error why = TERN_ERROR_NO_SHARED_CERTIFICATE_TYPE; /* none fits: what came closest to success */
	for (size_t i = 0; i < config->num_credentials && !hs->credential; i++) {
		const struct credential *c = &config->credentials[i];
		if (c->raw != hs->raw_own)
			continue;
		if (!issuer_fits(c, authorities)) {
			why = why == TERN_ERROR_NO_SHARED_CERTIFICATE_TYPE ? TERN_ERROR_NO_SHARED_ISSUER : why;
			continue;
		}
		why = TERN_ERROR_NO_SHARED_SCHEME;
		if (!type_is_asked_for(c, types))
			continue;
		hs->sign_scheme = choose_scheme(config, hs->version, list, c);
		if (hs->sign_scheme)
			hs->credential = c;
	}
	hs->client_cert_sent = hs->credential != NULL;
	if (hs->credential || !config->num_credentials || !config->must_authenticate)
		return TERN_OK;
	return FAILED(hs, why, "RFC 8446 4.4.2.3");
}

static bool pinned(const struct handshake *hs, struct span leaf)
{
	const struct tern_config *config = hs->pool->config;
	uint8_t digest[HASH_MAX];
	for (size_t i = 0; i < config->num_fingerprints; i++) {
		const struct fingerprint *f = &config->fingerprints[i];
		const struct hash_alg *hash = hs->pool->provider->hash[f->hash];
		digest_of(hash, leaf, digest);
		if (memcmp(digest, f->digest, hash->len) == 0)
			return true;
	}
	return false;
}

static tern_error ask_verify(struct handshake *hs)
{
	const struct tern_config *config = hs->pool->config;
	tern_bytes chain[WIRE_CHAIN_MAX];
	uint64_t id;
	if (job_answered(hs, TERN_JOB_VERIFY))
		return job_verdict(hs->job.error, TERN_ERROR_CERTIFICATE_REJECTED);
	for (size_t i = 0; i < hs->num_peer_chain; i++)
		chain[i] = (tern_bytes){hs->peer_chain[i].p, hs->peer_chain[i].n};
	id = job_next_id(hs);
	return job_verdict(job_asked(hs, TERN_JOB_VERIFY, id,
				     config->verify(config->verify_user, hs->conn, id, chain, hs->num_peer_chain,
						    hs->raw_peer)),
			   TERN_ERROR_CERTIFICATE_REJECTED);
}

static tern_error decide(struct handshake *hs)
{
	const struct tern_config *config = hs->pool->config;
	enum purpose purpose = hs->role == CLIENT ? PURPOSE_SERVER : PURPOSE_CLIENT;
	struct span name = hs->role == CLIENT ? hs->outcome.server_name : span_of(NULL, 0);
	hs->outcome.peer_authenticated = true;
	if (config->verify)
		return ask_verify(hs);
	if (pinned(hs, hs->peer_chain[0]))
		return TERN_OK;
	if (config->trust && !hs->raw_peer)
		return hs->pool->provider->chain_check(hs->pool->crypto, hs->peer, config->trust, purpose, name,
						       hs->now.unix_s);
	hs->outcome.peer_authenticated = false;
	if (config->no_verify)
		return TERN_OK;
	return config->num_fingerprints ? TERN_ERROR_FINGERPRINT : TERN_ERROR_CERTIFICATE_UNKNOWN_ISSUER;
}

static tern_error take_chain(struct handshake *hs, const struct span *chain, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		hs->peer_chain[i] = arena_copy(&hs->arena, chain[i]);
		if (!hs->peer_chain[i].p)
			return TERN_ERROR_BUDGET;
	}
	hs->num_peer_chain = n;
	digest_of(hs->pool->provider->hash[HASH_SHA256], chain[0], hs->outcome.peer_fingerprint);
	hs->outcome.has_peer_fingerprint = true;
	return hs->pool->provider->chain_parse(hs->pool->crypto, &hs->peer, hs->peer_chain, n, hs->raw_peer);
}

tern_error judge_peer(struct handshake *hs, const struct span *chain, size_t n)
{
	tern_error error = hs->peer ? TERN_OK : take_chain(hs, chain, n);
	if (error == TERN_OK)
		error = decide(hs);
	if (error == TERN_OK || error == TERN_PENDING)
		return error;
	return FAILED(hs, error, "RFC 5246 7.4.2");
}
