/* Record protection of DTLS 1.2: RFC 6347 4.1.2.1 over RFC 5246 6.2.3.3; with connection IDs: RFC 9146 3, 4, 5, 6. */
#include "record/protect.h"

/* Additional data: epoch, sequence number, type, version and length of the plaintext. RFC 5246 6.2.3.3. */
#define AAD12 13
#define AAD12_CID_MAX (8 + 1 + 1 + RECORD12_HEADER + CID_MAX) /* RFC 9146 5.3 */

static void make_aad(uint8_t *aad, uint16_t epoch, uint64_t seq, uint8_t type, size_t n)
{
	wr_store(aad, 2, epoch);
	wr_store(aad + 2, 6, seq);
	aad[8] = type;
	wr_store(aad + 9, 2, VERSION_DTLS12);
	wr_store(aad + 11, 2, n);
}

/* RFC 9146 5.3: the header behind a mark that no other record has in this place, and the length of the plaintext.
 * number: where epoch and sequence number are in it. */
static struct span make_aad_cid(uint8_t aad[AAD12_CID_MAX], const struct record12 *h, size_t n, const uint8_t **number)
{
	struct wr w = wr_of(aad, AAD12_CID_MAX);
	memset(aad, 0xff, 8);
	w.n = 8;
	wr_u8(&w, CONTENT_TLS12_CID);
	wr_u8(&w, (uint8_t)h->cid.n);
	*number = aad + w.n + 3;
	put_record12_header(&w, h, (uint16_t)n);
	return wr_span(&w);
}

static struct span make_aad_of(uint8_t aad[AAD12_CID_MAX], const struct record12 *h, size_t n, const uint8_t **number)
{
	if (h->cid.n)
		return make_aad_cid(aad, h, n, number);
	make_aad(aad, h->epoch, h->seq, h->type, n);
	*number = aad;
	return span_of(aad, AAD12);
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
	bool known = r->type >= CONTENT_CHANGE_CIPHER_SPEC && r->type <= CONTENT_APPLICATION_DATA;
	if (!version)
		return TERN_DROP_VERSION;
	if (!known && (r->type != CONTENT_RETURN_ROUTABILITY_CHECK || r->epoch == 0))
		return TERN_DROP_CONTENT_TYPE;
	return TERN_DROP_NONE;
}

/* Under keys no record does without an ID that was agreed on: RFC 9146 3. */
static bool parse(const struct record_layer *l, struct rd *r, struct record_header *out)
{
	struct record12 h;
	if (is_unified(r))
		return unified_parse(l, r, out);
	if (is_cid12(l, r))
		return cid12_parse(l, r, out);
	if (!get_record12(r, &h))
		return false;
	*out = plain_header(&h, judge(&h));
	if (out->drop == TERN_DROP_NONE && h.epoch && l->cids.due)
		out->drop = TERN_DROP_NO_CID;
	return true;
}

/* The plaintext of a record with an ID, which counts its type and zeros: RFC 9146 4, 5. */
static size_t inner_max(size_t max)
{
	return max < RECORD_PLAINTEXT_MAX ? max + 1 : RECORD_PLAINTEXT_MAX;
}

static bool type_may_be_inside(uint8_t type)
{
	return (type >= CONTENT_CHANGE_CIPHER_SPEC && type <= CONTENT_APPLICATION_DATA) ||
	       type == CONTENT_RETURN_ROUTABILITY_CHECK;
}

/* The window is asked first: RFC 6347 4.1.2.6. */
static tern_drop open_record(const struct provider *provider, struct aead_key *key, const struct read_epoch *e,
			     const struct record_header *h, uint8_t *p, size_t max, struct record *out)
{
	struct record12 header = {h->type, VERSION_DTLS12, h->epoch, h->seq, h->cid, {0}};
	uint8_t nonce[AEAD_NONCE], room[AAD12_CID_MAX], number[8], type = h->type;
	const struct aead_alg *aead = raw_key_aead(&e->key);
	size_t explicit_len = aead->explicit_len12, n = h->wire.n - h->len, content;
	const uint8_t *numbers;
	uint8_t *body = p + h->len;
	tern_drop drop = replay_check(&e->window, e->window_size, h->seq);
	struct span aad;
	if (drop != TERN_DROP_NONE)
		return drop;
	if (n < explicit_len + aead->tag_len)
		return TERN_DROP_FORGED;
	n -= explicit_len + aead->tag_len;
	if (n > (h->cid.n ? inner_max(max) : max))
		return TERN_DROP_TOO_LONG;
	aad = make_aad_of(room, &header, n, &numbers);
	memcpy(number, explicit_len ? body : numbers, sizeof number);
	make_nonce(nonce, aead, e->key.iv, number);
	body += explicit_len;
	if (!provider->aead_open(key, nonce, aad, body, n + aead->tag_len))
		return TERN_DROP_FORGED;
	content = n;
	if (h->cid.n && (!take_inner_type(body, &content, &type) || !type_may_be_inside(type))) {
		provider->aead_seal(key, nonce, aad, body, body, n);
		return TERN_DROP_CONTENT_TYPE;
	}
	out->type = type;
	out->seq = h->seq;
	out->p = body;
	out->n = content;
	return TERN_DROP_NONE;
}

static size_t front(const struct write_epoch *e, size_t cid_len, bool last)
{
	(void)last;
	return RECORD12_HEADER + cid_len + raw_key_aead(&e->key)->explicit_len12;
}

static size_t back(const struct write_epoch *e, size_t cid_len, size_t n)
{
	(void)n;
	return (cid_len ? 1u : 0u) + raw_key_aead(&e->key)->tag_len;
}

static size_t payload_max(size_t cid_len)
{
	return RECORD_PLAINTEXT_MAX - (cid_len ? 1u : 0u);
}

static tern_error seal(const struct provider *provider, struct aead_key *key, const struct write_epoch *e,
		       const struct outgoing_record *r, uint8_t *out)
{
	const struct aead_alg *aead = raw_key_aead(&e->key);
	uint8_t nonce[AEAD_NONCE], room[AAD12_CID_MAX];
	struct record12 h = {r->cid.n ? CONTENT_TLS12_CID : r->type, VERSION_DTLS12, e->epoch, r->seq, r->cid, {0}};
	size_t header_len = front(e, r->cid.n, r->last), n = r->payload.n + (r->cid.n ? 1u : 0u) + r->pad;
	const uint8_t *plain = r->payload.p, *numbers;
	struct wr w = wr_of(out, header_len);
	struct span aad = make_aad_of(room, &h, n, &numbers);
	make_nonce(nonce, aead, e->key.iv, numbers);
	put_record12_header(&w, &h, (uint16_t)(aead->explicit_len12 + n + aead->tag_len));
	if (aead->explicit_len12)
		wr_bytes(&w, span_of(numbers, aead->explicit_len12));
	if (r->cid.n) { /* content, type, zeros: RFC 9146 4 */
		if (r->payload.n && plain != out + header_len)
			memcpy(out + header_len, plain, r->payload.n);
		memset(out + header_len + r->payload.n, 0, 1 + r->pad);
		out[header_len + r->payload.n] = r->type;
		plain = out + header_len;
	}
	return provider->aead_seal(key, nonce, aad, out + header_len, plain, n);
}

static uint64_t forgery_limit(const struct aead_alg *aead)
{
	return aead->forgery_limit12;
}

const struct protection protection12 = {parse,	     open_record,   seal,  front, back,
					payload_max, forgery_limit, false, false};
