/* Record protection of DTLS 1.2: RFC 6347 4.1.2.1 over RFC 5246 6.2.3.3. No connection IDs: RFC 9146 3, 5, 6. */
#include "record/protect.h"

/* Additional data: epoch, sequence number, type, version and length of the plaintext. RFC 5246 6.2.3.3. */
#define AAD12 13

static void make_aad(uint8_t *aad, uint16_t epoch, uint64_t seq, uint8_t type, size_t n)
{
	wr_store(aad, 2, epoch);
	wr_store(aad + 2, 6, seq);
	aad[8] = type;
	wr_store(aad + 9, 2, VERSION_DTLS12);
	wr_store(aad + 11, 2, n);
}

/* With an explicit part (GCM, RFC 5288 3; CCM, RFC 6655 3): fixed IV, then that part. Without (ChaCha20, RFC 7905 2):
 * IV xor epoch and sequence number. number: the 8 bytes of whichever it is. */
static void make_nonce(uint8_t *nonce, const struct aead_alg *aead, const uint8_t *iv, const uint8_t *number)
{
	memcpy(nonce, iv, aead->fixed_iv_len12);
	if (aead->explicit_len12) {
		memcpy(nonce + aead->fixed_iv_len12, number, 8);
		return;
	}
	for (size_t i = 0; i < 8; i++)
		nonce[AEAD_NONCE - 8 + i] ^= number[i];
}

static tern_drop judge(const struct record12 *r)
{
	bool version = r->version == VERSION_DTLS12 || (r->epoch == 0 && r->version == VERSION_DTLS10);
	if (!version)
		return TERN_DROP_VERSION;
	if (r->type < CONTENT_CHANGE_CIPHER_SPEC || r->type > CONTENT_APPLICATION_DATA)
		return TERN_DROP_CONTENT_TYPE;
	return TERN_DROP_NONE;
}

static bool parse(const struct record_layer *l, struct rd *r, struct record_header *out)
{
	struct record12 h;
	if (is_unified(r))
		return unified_parse(l, r, out);
	if (!get_record12(r, &h))
		return false;
	*out = plain_header(&h, judge(&h));
	return true;
}

/* The window is asked first: RFC 6347 4.1.2.6. */
static tern_drop open_record(const struct provider *provider, struct aead_key *key, const struct read_epoch *e,
			     const struct record_header *h, uint8_t *p, size_t max, struct record *out)
{
	uint8_t nonce[AEAD_NONCE], aad[AAD12], number[8];
	size_t explicit_len = e->aead->explicit_len12, n = h->wire.n - h->len;
	uint8_t *body = p + h->len;
	tern_drop drop = replay_check(&e->window, h->seq);
	if (drop != TERN_DROP_NONE)
		return drop;
	if (n < explicit_len + e->aead->tag_len)
		return TERN_DROP_FORGED;
	n -= explicit_len + e->aead->tag_len;
	if (n > max)
		return TERN_DROP_TOO_LONG;
	make_aad(aad, h->epoch, h->seq, h->type, n);
	memcpy(number, explicit_len ? body : aad, sizeof number);
	make_nonce(nonce, e->aead, e->key.iv, number);
	body += explicit_len;
	if (!provider->aead_open(key, nonce, span_of(aad, sizeof aad), body, n + e->aead->tag_len))
		return TERN_DROP_FORGED;
	out->type = h->type;
	out->seq = h->seq;
	out->p = body;
	out->n = n;
	return TERN_DROP_NONE;
}

static size_t front(const struct write_epoch *e, bool last)
{
	(void)last;
	return (size_t)RECORD12_HEADER + e->aead->explicit_len12;
}

static size_t back(const struct write_epoch *e, size_t n)
{
	(void)n;
	return e->aead->tag_len;
}

static tern_error seal(const struct provider *provider, struct aead_key *key, const struct write_epoch *e,
		       const struct outgoing_record *r, uint8_t *out)
{
	uint8_t nonce[AEAD_NONCE], aad[AAD12];
	struct record12 h = {.type = r->type, .version = VERSION_DTLS12, .epoch = e->epoch, .seq = r->seq};
	struct wr w = wr_of(out, front(e, r->last));
	size_t length = e->aead->explicit_len12 + r->payload.n + e->aead->tag_len;
	make_aad(aad, e->epoch, r->seq, r->type, r->payload.n);
	make_nonce(nonce, e->aead, e->key.iv, aad);
	put_record12_header(&w, &h, (uint16_t)length);
	if (e->aead->explicit_len12)
		wr_bytes(&w, span_of(aad, e->aead->explicit_len12));
	return provider->aead_seal(key, nonce, span_of(aad, sizeof aad), out + w.n, r->payload.p, r->payload.n);
}

static uint64_t forgery_limit(const struct aead_alg *aead)
{
	return aead->forgery_limit12;
}

const struct protection protection12 = {parse, open_record, seal, front, back, forgery_limit, false};
