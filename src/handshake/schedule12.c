#include "handshake/schedule12.h"

#include "crypto/prf.h"

static const struct hash_alg *prf_hash(const struct provider *p, const struct suite *s)
{
	return p->hash[s->hash];
}

static void derive_master(struct handshake *hs)
{
	struct outcome *o = &hs->outcome;
	const struct hash_alg *hash = prf_hash(hs->pool->provider, o->suite);
	struct span premaster = span_of(hs->premaster, hs->premaster_len);
	uint8_t session_hash[HASH_MAX];
	if (o->extended_master_secret) {
		transcript_digest(&hs->transcript, hash, session_hash);
		prf12(hash, o->master, MASTER_LEN, premaster, "extended master secret",
		      span_of(session_hash, hash->len), span_of(NULL, 0));
	} else {
		prf12(hash, o->master, MASTER_LEN, premaster, "master secret", span_of(hs->client_random, RANDOM_LEN),
		      span_of(hs->server_random, RANDOM_LEN));
	}
	wipe(hs->premaster, sizeof hs->premaster);
}

static void keylog_line(const struct handshake *hs)
{
	static const char digits[] = "0123456789abcdef";
	const struct outcome *o = &hs->outcome;
	char line[14 + 2 * RANDOM_LEN + 1 + 2 * MASTER_LEN + 1] = "CLIENT_RANDOM ";
	char *p = line + 14;
	for (size_t i = 0; i < RANDOM_LEN; i++) {
		*p++ = digits[hs->client_random[i] >> 4];
		*p++ = digits[hs->client_random[i] & 15];
	}
	*p++ = ' ';
	for (size_t i = 0; i < MASTER_LEN; i++) {
		*p++ = digits[o->master[i] >> 4];
		*p++ = digits[o->master[i] & 15];
	}
	*p = 0;
	hs->pool->config->keylog(hs->pool->config->keylog_user, hs->conn, line);
	wipe(line, sizeof line);
}

void schedule12_key_block(struct epoch_key keys[2], uint8_t block[KEY_BLOCK12], const struct aead_alg *aead,
			  const struct hmac_key *master, const uint8_t *client_random, const uint8_t *server_random)
{
	size_t key = aead->key_len, iv = aead->fixed_iv_len12;
	keys[CLIENT] = (struct epoch_key){aead, block, span_of(block + 2 * key, iv), NULL};
	keys[SERVER] = (struct epoch_key){aead, block + key, span_of(block + 2 * key + iv, iv), NULL};
	prf12_keyed(master, block, 2 * (key + iv), "key expansion", span_of(server_random, RANDOM_LEN),
		    span_of(client_random, RANDOM_LEN));
}

tern_error schedule12_keys(struct handshake *hs)
{
	const struct outcome *o = &hs->outcome;
	uint8_t block[KEY_BLOCK12];
	struct epoch_key keys[2];
	enum role peer = hs->role == CLIENT ? SERVER : CLIENT;
	tern_error error;
	memcpy(hs->outcome.client_random, hs->client_random, RANDOM_LEN);
	memcpy(hs->outcome.server_random, hs->server_random, RANDOM_LEN);
	hmac_key_init(&hs->master_key, prf_hash(hs->pool->provider, o->suite), span_of(o->master, MASTER_LEN));
	schedule12_key_block(keys, block, &aead_algs[o->suite->aead], &hs->master_key, hs->client_random,
			     hs->server_random);
	error = record_set_read(hs->records, 1, &keys[peer]);
	if (error == TERN_OK)
		error = record_set_write(hs->records, 1, &keys[hs->role]);
	wipe(block, sizeof block);
	if (error != TERN_OK)
		return error;
	if (hs->pool->config->keylog)
		keylog_line(hs);
	if (hs->flight.trace.fn) {
		tern_trace t = {.kind = TERN_TRACE_KEYS, .epoch = 1};
		hs->flight.trace.fn(hs->flight.trace.user, hs->flight.trace.conn, &t);
	}
	return TERN_OK;
}

tern_error schedule12_kex_done(struct handshake *hs)
{
	derive_master(hs);
	return schedule12_keys(hs);
}

void schedule12_finished(const struct handshake *hs, enum role sender, uint8_t *out)
{
	const struct hash_alg *hash = prf_hash(hs->pool->provider, hs->outcome.suite);
	uint8_t digest[HASH_MAX];
	transcript_digest(&hs->transcript, hash, digest);
	prf12_keyed(&hs->master_key, out, FINISHED12_LEN, sender == CLIENT ? "client finished" : "server finished",
		    span_of(digest, hash->len), span_of(NULL, 0));
}

tern_error schedule12_export(const struct provider *p, const struct outcome *o, uint8_t *out, size_t n,
			     const char *label, struct span context, bool has_context)
{
	uint8_t seed[2 * RANDOM_LEN + 2];
	struct wr w = wr_of(seed, sizeof seed);
	if (context.n > 65535)
		return TERN_ERROR_USAGE;
	wr_bytes(&w, span_of(o->client_random, RANDOM_LEN));
	wr_bytes(&w, span_of(o->server_random, RANDOM_LEN));
	if (has_context)
		wr_u16(&w, (uint16_t)context.n);
	prf12(prf_hash(p, o->suite), out, n, span_of(o->master, MASTER_LEN), label, wr_span(&w), context);
	return TERN_OK;
}
