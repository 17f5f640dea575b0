#include "handshake/keys13.h"

#include "base/hex.h"
#include "handshake/schedule13.h"

#define LABEL_MAX (255 - 6) /* with the prefix in one byte of length: RFC 8446 7.1 */

static const struct hash_alg *hash_of(const struct handshake *hs)
{
	return hs->pool->provider->hash[hs->outcome.suite->hash];
}

tern_error keys13_install(struct record_layer *records, const struct suite *suite, const struct hash_alg *hash,
			  const uint8_t *secret, uint16_t epoch, bool write)
{
	const struct aead_alg *aead = &aead_algs[suite->aead];
	uint8_t key[AEAD_KEY_MAX], iv[AEAD_NONCE], sn[AEAD_KEY_MAX];
	struct epoch_key made = {aead, key, span_of(iv, sizeof iv), sn};
	tern_error error;
	schedule13_traffic_keys(hash, DTLS13_PREFIX, secret, key, aead->key_len, iv, sn);
	error = write ? record_set_write(records, epoch, &made) : record_set_read(records, epoch, &made);
	wipe(key, sizeof key);
	wipe(iv, sizeof iv);
	wipe(sn, sizeof sn);
	return error;
}

/* A line of the key log: label, client random, secret. */
static void log_secret(const struct handshake *hs, const struct hash_alg *hash, const char *label,
		       const uint8_t *secret)
{
	const struct tern_config *config = hs->pool->config;
	char line[40 + 2 * RANDOM_LEN + 1 + 2 * HASH_MAX + 1];
	size_t n = strlen(label);
	if (!config->keylog)
		return;
	memcpy(line, label, n);
	line[n++] = ' ';
	n += hex_put(line + n, span_of(hs->client_random, RANDOM_LEN));
	line[n++] = ' ';
	n += hex_put(line + n, span_of(secret, hash->len));
	line[n] = 0;
	config->keylog(config->keylog_user, hs->conn, line);
	wipe(line, sizeof line);
}

static void trace_keys(const struct handshake *hs, uint16_t epoch)
{
	tern_trace t = {.kind = TERN_TRACE_KEYS, .epoch = epoch, .writing = epoch == EPOCH_EARLY && hs->role == CLIENT};
	if (hs->flight.trace.fn)
		hs->flight.trace.fn(hs->flight.trace.user, hs->flight.trace.conn, &t);
}

/* Both secrets of a stage. */
static void stage(struct handshake *hs, uint8_t secrets[2][SECRET13_MAX], const char *const labels[2],
		  const char *const log[2], const uint8_t *digest)
{
	for (size_t i = 0; i < 2; i++) {
		schedule13_secret(&hs->schedule, secrets[i], labels[i], digest);
		log_secret(hs, hash_of(hs), log[i], secrets[i]);
	}
}

tern_error keys13_early(struct handshake *hs, const struct schedule13 *early, const struct suite *suite,
			const uint8_t *digest)
{
	uint8_t secret[SECRET13_MAX];
	tern_error error;
	schedule13_secret(early, secret, "c e traffic", digest);
	log_secret(hs, early->hash, "CLIENT_EARLY_TRAFFIC_SECRET", secret);
	error = keys13_install(hs->records, suite, early->hash, secret, EPOCH_EARLY, hs->role == CLIENT);
	wipe(secret, sizeof secret);
	if (error == TERN_OK)
		trace_keys(hs, EPOCH_EARLY);
	return error;
}

tern_error keys13_handshake(struct handshake *hs)
{
	static const char *const labels[] = {[CLIENT] = "c hs traffic", [SERVER] = "s hs traffic"};
	static const char *const log[] = {"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET"};
	enum role peer = hs->role == CLIENT ? SERVER : CLIENT;
	const struct suite *suite = hs->outcome.suite;
	uint8_t digest[HASH_MAX];
	schedule13_advance(&hs->schedule, span_of(hs->premaster, hs->premaster_len));
	wipe(hs->premaster, sizeof hs->premaster);
	transcript_digest(&hs->transcript, hash_of(hs), digest);
	stage(hs, hs->handshake_secret, labels, log, digest);
	TRY(keys13_install(hs->records, suite, hash_of(hs), hs->handshake_secret[peer], EPOCH_HANDSHAKE, false));
	TRY(keys13_install(hs->records, suite, hash_of(hs), hs->handshake_secret[hs->role], EPOCH_HANDSHAKE, true));
	hs->write_epoch = EPOCH_HANDSHAKE;
	trace_keys(hs, EPOCH_HANDSHAKE);
	return TERN_OK;
}

tern_error keys13_application(struct handshake *hs)
{
	static const char *const labels[] = {[CLIENT] = "c ap traffic", [SERVER] = "s ap traffic"};
	static const char *const log[] = {"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"};
	struct outcome *o = &hs->outcome;
	uint8_t digest[HASH_MAX];
	schedule13_master(&hs->schedule);
	transcript_digest(&hs->transcript, hash_of(hs), digest);
	stage(hs, o->traffic_secret, labels, log, digest);
	schedule13_secret(&hs->schedule, o->exporter_secret, "exp master", digest);
	log_secret(hs, hash_of(hs), "EXPORTER_SECRET", o->exporter_secret);
	/* A client reads epoch 3 as soon as it can come; a server only once the client has proved itself. */
	if (hs->role == CLIENT)
		TRY(keys13_install(hs->records, o->suite, hash_of(hs), o->traffic_secret[SERVER], EPOCH_DATA, false));
	TRY(keys13_install(hs->records, o->suite, hash_of(hs), o->traffic_secret[hs->role], EPOCH_DATA, true));
	/* A server's flight is over: what alerts and ACKs follow go under the newest keys, RFC 9147 7. */
	if (hs->role == SERVER)
		hs->write_epoch = EPOCH_DATA;
	trace_keys(hs, EPOCH_DATA);
	return TERN_OK;
}

/* Early data is over with the handshake, however late it comes: RFC 9147 5.6. */
tern_error keys13_done(struct handshake *hs)
{
	struct outcome *o = &hs->outcome;
	uint8_t digest[HASH_MAX];
	transcript_digest(&hs->transcript, hash_of(hs), digest);
	schedule13_secret(&hs->schedule, o->resumption_secret, "res master", digest);
	if (hs->role == SERVER)
		TRY(keys13_install(hs->records, o->suite, hash_of(hs), o->traffic_secret[CLIENT], EPOCH_DATA, false));
	record_forget_read(hs->records, EPOCH_HANDSHAKE);
	record_forget_write(hs->records, EPOCH_HANDSHAKE);
	hs->write_epoch = EPOCH_DATA;
	wipe(&hs->schedule, sizeof hs->schedule);
	wipe(hs->handshake_secret, sizeof hs->handshake_secret);
	return TERN_OK;
}

void keys13_finished(const struct handshake *hs, enum role sender, uint8_t *out)
{
	uint8_t digest[HASH_MAX];
	transcript_digest(&hs->transcript, hash_of(hs), digest);
	schedule13_finished(hash_of(hs), DTLS13_PREFIX, out, hs->handshake_secret[sender], digest);
}

tern_error keys13_export(const struct provider *p, const struct outcome *o, uint8_t *out, size_t n, const char *label,
			 struct span context, bool has_context)
{
	const struct hash_alg *hash = p->hash[o->suite->hash];
	(void)has_context; /* in DTLS 1.3 an absent context is an empty one: RFC 8446 7.5 */
	if (n > 255u * hash->len || strlen(label) > LABEL_MAX)
		return TERN_ERROR_USAGE;
	schedule13_exporter(hash, DTLS13_PREFIX, out, n, o->exporter_secret, label, context);
	return TERN_OK;
}
