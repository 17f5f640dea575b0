/* Record protection of DTLS 1.3: RFC 9147 4 over RFC 8446 5.2. */
#include "record/epochs.h"
#include "record/protect.h"
#include "wire/record13.h"

#define SAMPLE 16 /* bytes of ciphertext that make the mask: RFC 9147 4.2.3 */
#define CIPHERTEXT_MAX (RECORD_PLAINTEXT_MAX + 256)
#define FRONT 5 /* first byte, sequence number, length */
#define FRONT_LAST 3

/* The version is for nobody to look at: RFC 9147 4. Protected records of DTLS 1.2 come here too while the version is
 * not settled. */
static tern_drop judge(const struct record12 *r)
{
	bool known = r->type <= CONTENT_APPLICATION_DATA || r->type == CONTENT_ACK;
	if (!known)
		return TERN_DROP_CONTENT_TYPE;
	return r->epoch ? TERN_DROP_EPOCH : TERN_DROP_NONE;
}

static bool parse_plain(const struct record_layer *l, struct rd *r, struct record_header *out)
{
	struct rd t = *r;
	struct record12 h;
	if (is_cid12(l, r)) {
		if (!cid12_parse(l, r, out))
			return false;
		out->drop = out->drop == TERN_DROP_NONE ? TERN_DROP_EPOCH : out->drop;
		return true;
	}
	if (!get_record12(&t, &h) || h.type < CONTENT_CHANGE_CIPHER_SPEC || h.type > CONTENT_ACK)
		return false;
	*out = plain_header(&h, judge(&h));
	*r = t;
	return true;
}

/* Early data may be older than the agreement. */
static bool lacks_cid(const struct record_layer *l, const struct record_header *h)
{
	return l->cids.due && h->cid.n == 0 && h->epoch != 1;
}

/* Without keys for its epoch a record is as good as forged (RFC 9147 6.1); one with a connection ID is none, where none
 * was negotiated (RFC 9147 9.1), and where one was all have it (RFC 9147 4). */
static bool parse(const struct record_layer *l, struct rd *r, struct record_header *out)
{
	uint16_t epoch;
	if (!is_unified(r))
		return parse_plain(l, r, out);
	if (!unified_parse(l, r, out))
		return false;
	if (out->drop == TERN_DROP_EPOCH && epochs_by_bits(l, out->wire.p[0] & UNIFIED_EPOCH, &epoch)) {
		out->epoch = epoch;
		out->drop = out->wire.n - out->len > CIPHERTEXT_MAX ? TERN_DROP_TOO_LONG : TERN_DROP_NONE;
		if (lacks_cid(l, out))
			out->drop = TERN_DROP_NO_CID;
	}
	return true;
}

/* The number with these low bits that is closest to the one expected: RFC 9147 4.2.2. */
static uint64_t reconstruct(uint64_t expected, uint64_t low, unsigned bits)
{
	uint64_t round = UINT64_C(1) << bits, seq = (expected & ~(round - 1)) | low;
	if (seq + round / 2 <= expected && seq + round <= RECORD_SEQ_MAX)
		return seq + round;
	if ((seq > expected + round / 2 || seq > RECORD_SEQ_MAX) && seq >= round)
		return seq - round;
	return seq;
}

/* In two words: what is put together byte by byte, a wide load waits for. */
static void make_nonce(uint8_t *nonce, const uint8_t *iv, uint64_t seq)
{
	uint8_t number[8];
	uint64_t back, word;
	wr_store(number, sizeof number, seq);
	memcpy(&back, iv + AEAD_NONCE - sizeof back, sizeof back);
	memcpy(&word, number, sizeof word);
	back ^= word;
	memcpy(nonce, iv, AEAD_NONCE - sizeof back);
	memcpy(nonce + AEAD_NONCE - sizeof back, &back, sizeof back);
}

/* The sequence number in a header. */
static uint8_t *number_in(uint8_t *header, size_t header_len, size_t *n)
{
	*n = header[0] & UNIFIED_SEQ16 ? 2 : 1;
	return header + header_len - (header[0] & UNIFIED_LENGTH ? 2 : 0) - *n;
}

static tern_error mask_number(const struct provider *provider, struct aead_key *key, uint8_t *header, size_t header_len,
			      const uint8_t *ciphertext)
{
	uint8_t mask[16], *number;
	size_t n;
	TRY(provider->aead_mask(key, ciphertext, mask));
	number = number_in(header, header_len, &n);
	for (size_t i = 0; i < n; i++)
		number[i] ^= mask[i];
	return TERN_OK;
}

static uint64_t read_number(uint8_t *header, size_t header_len, uint64_t expected)
{
	size_t n;
	const uint8_t *number = number_in(header, header_len, &n);
	return reconstruct(expected, n == 2 ? (uint64_t)number[0] << 8 | number[1] : number[0], (unsigned)(8 * n));
}

/* The types are those of RFC 9147 4.1; others are no alert's matter: RFC 9147 4.5.2. */
static tern_drop take_inner(uint8_t *p, size_t n, struct record *out)
{
	if (!take_inner_type(p, &n, &out->type))
		return TERN_DROP_CONTENT_TYPE;
	if (out->type != CONTENT_ALERT && out->type != CONTENT_HANDSHAKE && out->type != CONTENT_APPLICATION_DATA &&
	    out->type != CONTENT_ACK && out->type != CONTENT_RETURN_ROUTABILITY_CHECK)
		return TERN_DROP_CONTENT_TYPE;
	out->p = p;
	out->n = n;
	return TERN_DROP_NONE;
}

/* The window is asked last, so that time does not tell the number: RFC 9147 4.5.1. What is dropped after it was opened
 * is sealed again, which gives the bytes that came. */
static tern_drop open_record(const struct provider *provider, struct aead_key *key, const struct read_epoch *e,
			     const struct record_header *h, uint8_t *p, size_t max, struct record *out)
{
	uint8_t header[UNIFIED_HEADER_MAX], nonce[AEAD_NONCE], *body = p + h->len;
	size_t n = h->wire.n - h->len, tag_len = raw_key_aead(&e->key)->tag_len;
	struct record inner = {0};
	tern_drop drop;
	if (n < SAMPLE)
		return TERN_DROP_FORGED;
	if (n - tag_len > max + 1)
		return TERN_DROP_TOO_LONG;
	memcpy(header, p, h->len);
	if (mask_number(provider, key, header, h->len, body) != TERN_OK)
		return TERN_DROP_BUDGET;
	out->seq = read_number(header, h->len, e->window.next);
	make_nonce(nonce, e->key.iv, out->seq);
	if (!provider->aead_open(key, nonce, span_of(header, h->len), body, n))
		return TERN_DROP_FORGED;
	drop = take_inner(body, n - tag_len, &inner);
	if (drop == TERN_DROP_NONE)
		drop = replay_check(&e->window, e->window_size, out->seq);
	out->type = inner.type;
	if (drop != TERN_DROP_NONE) {
		provider->aead_seal(key, nonce, span_of(header, h->len), body, body, n - tag_len);
		return drop;
	}
	out->p = inner.p;
	out->n = inner.n;
	return TERN_DROP_NONE;
}

static size_t front(const struct write_epoch *e, size_t cid_len, bool last)
{
	(void)e;
	return cid_len + (last ? FRONT_LAST : FRONT);
}

/* The type, zeros so that there is a sample, the tag. */
static size_t back(const struct write_epoch *e, size_t cid_len, size_t n)
{
	size_t usual = 1u + raw_key_aead(&e->key)->tag_len;
	(void)cid_len;
	return n + usual < SAMPLE ? SAMPLE - n : usual;
}

static size_t payload_max(size_t cid_len)
{
	(void)cid_len;
	return RECORD_PLAINTEXT_MAX;
}

static tern_error seal(const struct provider *provider, struct aead_key *key, const struct write_epoch *e,
		       const struct outgoing_record *r, uint8_t *out)
{
	size_t header_len = front(e, r->cid.n, r->last), n = r->payload.n;
	size_t tag_len = raw_key_aead(&e->key)->tag_len, inner = n + back(e, r->cid.n, n) + r->pad - tag_len;
	uint8_t nonce[AEAD_NONCE], *body = out + header_len;
	struct wr w = wr_of(out, header_len);
	struct unified_header h = {
		.epoch_bits = e->epoch & UNIFIED_EPOCH,
		.cid = r->cid,
		.seq_len = 2,
		.seq = (uint16_t)r->seq,
		.has_length = !r->last,
	};
	put_unified(&w, &h, (uint16_t)(inner + tag_len));
	if (n && r->payload.p != body)
		memcpy(body, r->payload.p, n);
	memset(body + n, 0, inner - n);
	body[n] = r->type;
	make_nonce(nonce, e->key.iv, r->seq);
	TRY(provider->aead_seal(key, nonce, span_of(out, header_len), body, body, inner));
	return mask_number(provider, key, out, header_len, body);
}

static uint64_t forgery_limit(const struct aead_alg *aead)
{
	return aead->forgery_limit;
}

const struct protection protection13 = {parse, open_record, seal, front, back, payload_max, forgery_limit, true, true};
