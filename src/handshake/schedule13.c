#include "handshake/schedule13.h"

static const uint8_t zeros[SECRET13_MAX];

static struct span none(void)
{
	return span_of(NULL, 0);
}

static void digest_of(const struct hash_alg *hash, uint8_t *out, struct span data)
{
	struct hash_state state;
	hash->init(&state);
	if (data.n)
		hash->update(&state, data.p, data.n);
	hash->final(&state, out);
}

/* Derive-Secret over no messages. */
static void derive_empty(const struct hmac_key *key, const char *prefix, uint8_t *out, const char *label)
{
	size_t len = key->hash->len;
	uint8_t digest[HASH_MAX];
	digest_of(key->hash, digest, none());
	hkdf_expand_label_keyed(key, out, len, prefix, label, span_of(digest, len));
}

/* Without input there are zeros in its place. */
static void extract(struct schedule13 *s, struct span salt, struct span input)
{
	hkdf_extract(s->hash, s->secret, salt, input.n ? input : span_of(zeros, s->hash->len));
	hmac_key_init(&s->key, s->hash, span_of(s->secret, s->hash->len));
}

void schedule13_start(struct schedule13 *s, const struct hash_alg *hash, const char *prefix, struct span psk)
{
	s->hash = hash;
	s->prefix = prefix;
	extract(s, none(), psk);
}

void schedule13_binder_key(const struct schedule13 *s, uint8_t *out, const char *label)
{
	derive_empty(&s->key, s->prefix, out, label);
}

void schedule13_advance(struct schedule13 *s, struct span shared)
{
	uint8_t salt[SECRET13_MAX];
	derive_empty(&s->key, s->prefix, salt, "derived");
	extract(s, span_of(salt, s->hash->len), shared);
	wipe(salt, sizeof salt);
}

void schedule13_master(struct schedule13 *s)
{
	schedule13_advance(s, none());
}

void schedule13_secret(const struct schedule13 *s, uint8_t *out, const char *label, const uint8_t *digest)
{
	hkdf_expand_label_keyed(&s->key, out, s->hash->len, s->prefix, label, span_of(digest, s->hash->len));
}

void schedule13_traffic_keys(const struct hash_alg *hash, const char *prefix, const uint8_t *secret, uint8_t *key,
			     size_t key_len, uint8_t *iv, uint8_t *sn)
{
	struct hmac_key k;
	hmac_key_init(&k, hash, span_of(secret, hash->len));
	hkdf_expand_label_keyed(&k, key, key_len, prefix, "key", none());
	hkdf_expand_label_keyed(&k, iv, AEAD_NONCE, prefix, "iv", none());
	hkdf_expand_label_keyed(&k, sn, key_len, prefix, "sn", none());
	hmac_key_wipe(&k);
}

void schedule13_finished(const struct hash_alg *hash, const char *prefix, uint8_t *out, const uint8_t *base_secret,
			 const uint8_t *digest)
{
	const struct span transcript = span_of(digest, hash->len);
	uint8_t key[SECRET13_MAX];
	struct hmac_key k;
	hkdf_expand_label(hash, key, hash->len, span_of(base_secret, hash->len), prefix, "finished", none());
	hmac_key_init(&k, hash, span_of(key, hash->len));
	hmac(&k, out, &transcript, 1);
	hmac_key_wipe(&k);
	wipe(key, sizeof key);
}

void schedule13_update(const struct hash_alg *hash, const char *prefix, uint8_t *secret)
{
	hkdf_expand_label(hash, secret, hash->len, span_of(secret, hash->len), prefix, "traffic upd", none());
}

void schedule13_resumption_psk(const struct hash_alg *hash, const char *prefix, uint8_t *out, const uint8_t *res_master,
			       struct span nonce)
{
	hkdf_expand_label(hash, out, hash->len, span_of(res_master, hash->len), prefix, "resumption", nonce);
}

void schedule13_exporter(const struct hash_alg *hash, const char *prefix, uint8_t *out, size_t n,
			 const uint8_t *exp_master, const char *label, struct span context)
{
	uint8_t secret[SECRET13_MAX], digest[HASH_MAX];
	struct hmac_key k;
	hmac_key_init(&k, hash, span_of(exp_master, hash->len));
	derive_empty(&k, prefix, secret, label);
	hmac_key_wipe(&k);
	digest_of(hash, digest, context);
	hkdf_expand_label(hash, out, n, span_of(secret, hash->len), prefix, "exporter", span_of(digest, hash->len));
	wipe(secret, sizeof secret);
}

void schedule13_import(const struct hash_alg *hash, const char *prefix, uint8_t *out, size_t n, struct span epsk,
		       struct span imported_identity)
{
	uint8_t secret[HASH_MAX], digest[HASH_MAX];
	hkdf_extract(hash, secret, none(), epsk);
	digest_of(hash, digest, imported_identity);
	hkdf_expand_label(hash, out, n, span_of(secret, hash->len), prefix, "derived psk", span_of(digest, hash->len));
	wipe(secret, sizeof secret);
}
