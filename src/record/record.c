#include "record/record.h"

#include "record/epochs.h"
#include "record/protect.h"

void record_init(struct record_layer *l, const struct protection *protection, const struct record_pool *pool)
{
	*l = (struct record_layer){
		.protection = protection,
		.pool = pool,
		.plain_version = VERSION_DTLS12,
		.plaintext_max_in = RECORD_PLAINTEXT_MAX,
		.plaintext_max_out = RECORD_PLAINTEXT_MAX,
		.plain_in = true,
	};
}

static tern_drop take_plain(const struct record_layer *l, const struct record_header *h, uint8_t *p, struct record *out)
{
	size_t n = h->wire.n - h->len;
	if (!l->plain_in)
		return TERN_DROP_PLAINTEXT;
	/* A record size limit is about protected records alone: RFC 8449 4. */
	if (n > RECORD_PLAINTEXT_MAX)
		return TERN_DROP_TOO_LONG;
	out->p = p + h->len;
	out->n = n;
	return TERN_DROP_NONE;
}

/* DTLS 1.3: it comes before the handshake, which sets its limits and proves its sender (RFC 9147 6.1). */
static bool is_early_data(const struct record_layer *l, uint16_t epoch)
{
	return l->protection->epochs_overlap && epoch == 1;
}

static tern_drop take_protected(struct record_layer *l, const struct record_header *h, uint8_t *p, struct record *out)
{
	struct read_epoch *e = epochs_read(l, h->epoch);
	bool early = is_early_data(l, h->epoch);
	struct aead_key *key;
	tern_drop drop;
	if (!e)
		return TERN_DROP_EPOCH;
	if (schedules_get(l->pool->schedules, &e->key, &key) != TERN_OK)
		return TERN_DROP_BUDGET;
	drop = l->protection->open(l->pool->provider, key, e, h, p, early ? RECORD_PLAINTEXT_MAX : l->plaintext_max_in,
				   out);
	if (drop == TERN_DROP_FORGED && ++e->forged >= l->protection->forgery_limit(raw_key_aead(&e->key)) &&
	    e != &l->in)
		epochs_drop_older_read(l, e);
	if (drop != TERN_DROP_NONE)
		return drop;
	replay_mark(&e->window, e->window_size, out->seq); /* not before: RFC 6347 4.1.2.6, RFC 9147 4.5.1 */
	if (h->cid.n)
		cids_note(&l->cids, h->cid_index);
	e->opened += e->opened < UINT32_MAX;
	l->heard |= !early;
	return TERN_DROP_NONE;
}

bool record_next(struct record_layer *l, struct datagram *d, struct record *out)
{
	struct rd r = rd_of(span_of(d->p, d->n));
	struct record_header h;
	uint8_t *p = d->p;
	if (rd_end(&r))
		return false;
	if (!l->protection->parse(l, &r, &h)) {
		*out = (struct record){.drop = TERN_DROP_MALFORMED, .wire = rd_rest(&r)};
		d->p += d->n;
		d->n = 0;
		return true;
	}
	d->p += h.wire.n;
	d->n -= h.wire.n;
	*out = (struct record){.drop = h.drop, .type = h.type, .epoch = h.epoch, .seq = h.seq, .wire = h.wire};
	if (h.drop == TERN_DROP_NONE)
		out->drop = h.epoch == 0 ? take_plain(l, &h, p, out) : take_protected(l, &h, p, out);
	return true;
}

/* Records that may be sealed in all under a write key. */
static uint64_t seal_limit(const struct record_layer *l, const struct write_epoch *e)
{
	uint64_t limit = raw_key_aead(&e->key)->seal_limit;
	if (l->pool->seal_limit && l->pool->seal_limit < limit)
		limit = l->pool->seal_limit;
	return limit;
}

uint64_t record_seals_left(const struct record_layer *l)
{
	uint64_t limit = l->out.epoch ? seal_limit(l, &l->out) : 0;
	return l->out.next_seq < limit ? limit - l->out.next_seq : 0;
}

/* *e: NULL for epoch 0. */
static tern_error find_epoch(struct record_layer *l, uint16_t epoch, struct write_epoch **e)
{
	*e = epochs_write(l, epoch);
	if (epoch == 0)
		return l->plain_seq > RECORD_SEQ_MAX ? TERN_ERROR_LIMIT : TERN_OK;
	if (!*e)
		return TERN_ERROR_INTERNAL;
	return (*e)->next_seq >= seal_limit(l, *e) ? TERN_ERROR_LIMIT : TERN_OK;
}

static size_t front(const struct record_layer *l, const struct write_epoch *e, bool last)
{
	return e ? l->protection->front(e, l->cids.len[CID_PEERS], last) : RECORD12_HEADER;
}

static size_t back(const struct record_layer *l, const struct write_epoch *e, size_t n)
{
	return e ? l->protection->back(e, l->cids.len[CID_PEERS], n) : 0;
}

static size_t payload_max(const struct record_layer *l, const struct write_epoch *e)
{
	return e ? l->protection->payload_max(l->cids.len[CID_PEERS]) : RECORD_PLAINTEXT_MAX;
}

size_t record_overhead(const struct record_layer *l, uint16_t epoch)
{
	const struct write_epoch *e = epochs_peek_write(l, epoch);
	return front(l, e, false) + back(l, e, RECORD_PLAINTEXT_MAX);
}

static void put_plain(const struct record_layer *l, const struct outgoing_record *r, uint8_t *out)
{
	struct record12 h = {.type = r->type, .version = l->plain_version, .seq = r->seq};
	struct wr w = wr_of(out, RECORD12_HEADER);
	put_record12_header(&w, &h, (uint16_t)r->payload.n);
	if (r->payload.n && r->payload.p != out + RECORD12_HEADER)
		memcpy(out + RECORD12_HEADER, r->payload.p, r->payload.n);
}

/* The record at out, under the next number and the peer's connection ID. The number is used up even when sealing fails:
 * it never serves twice. */
static tern_error seal(const struct record_layer *l, struct write_epoch *e, struct aead_key *key,
		       struct outgoing_record *r, uint8_t *out)
{
	r->seq = e->next_seq++;
	r->cid = cids_at(&l->cids, CID_PEERS, 0);
	return l->protection->seal(l->pool->provider, key, e, r, out);
}

/* Where there is room for it. */
static tern_error put(struct record_layer *l, struct write_epoch *e, struct outgoing_record *r, uint8_t *out,
		      uint64_t *seq)
{
	if (e) {
		struct aead_key *key;
		TRY(schedules_get(l->pool->schedules, &e->key, &key));
		TRY(seal(l, e, key, r, out));
	} else {
		r->seq = l->plain_seq++;
		put_plain(l, r, out);
	}
	if (seq)
		*seq = r->seq;
	return TERN_OK;
}

/* The record r at the end of w, where it has size bytes at least. */
static tern_error append(struct record_layer *l, uint16_t epoch, struct outgoing_record *r, size_t size, struct wr *w,
			 uint64_t *seq)
{
	struct write_epoch *e;
	size_t n;
	TRY(find_epoch(l, epoch, &e));
	if (r->payload.n > payload_max(l, e))
		return TERN_ERROR_TOO_LARGE;
	n = front(l, e, true) + r->payload.n + back(l, e, r->payload.n);
	if (size) {
		if (size < n || size > record_padded_max(l, epoch))
			return TERN_ERROR_USAGE;
		r->pad = size - n;
		n = size;
	}
	if (w->bad || w->cap - w->n < n)
		return TERN_ERROR_BUFFER_TOO_SMALL;
	TRY(put(l, e, r, w->p + w->n, seq));
	w->n += n;
	return TERN_OK;
}

tern_error record_seal(struct record_layer *l, uint16_t epoch, uint8_t type, struct span payload, struct wr *w,
		       uint64_t *seq)
{
	struct outgoing_record r = {.payload = payload, .type = type, .last = true};
	return append(l, epoch, &r, 0, w, seq);
}

tern_error record_seal_padded(struct record_layer *l, uint16_t epoch, uint8_t type, struct span payload, size_t size,
			      struct wr *w, uint64_t *seq)
{
	struct outgoing_record r = {.payload = payload, .type = type, .last = true};
	return append(l, epoch, &r, size, w, seq);
}

size_t record_padded_max(const struct record_layer *l, uint16_t epoch)
{
	const struct write_epoch *e = epochs_peek_write(l, epoch);
	if (!e || !(l->protection->pads || l->cids.len[CID_PEERS]))
		return 0;
	return front(l, e, true) + l->plaintext_max_out + back(l, e, l->plaintext_max_out);
}

bool record_is_newest(const struct record_layer *l, const struct record *record)
{
	const struct read_epoch *e = &l->in;
	/* A peer whose key update was not acknowledged yet does not use the keys that we have ready for it. */
	for (const struct older_read *o = l->older_in; o && e->opened == 0; o = o->next)
		e = &o->e;
	return record->epoch && record->epoch == e->epoch && record->seq + 1 == e->window.next;
}

size_t record_size(const struct record_layer *l, uint16_t epoch, size_t n)
{
	const struct write_epoch *e = epochs_peek_write(l, epoch);
	return front(l, e, true) + n + back(l, e, n);
}

/* Nobody asks for keys in between, so that the expanded one stays. */
tern_error record_seal_many(struct record_layer *l, uint16_t epoch, uint8_t type, const tern_bytes *payloads,
			    size_t num, uint8_t *out, size_t stride, uint64_t *seq)
{
	struct outgoing_record r = {.type = type, .last = true};
	struct write_epoch *e;
	struct aead_key *key;
	TRY(find_epoch(l, epoch, &e));
	if (!e)
		return TERN_ERROR_INTERNAL;
	TRY(schedules_get(l->pool->schedules, &e->key, &key));
	*seq = e->next_seq;
	for (size_t i = 0; i < num; i++) {
		r.payload = span_of(payloads[i].data, payloads[i].len);
		TRY(seal(l, e, key, &r, out + i * stride));
	}
	return TERN_OK;
}

tern_error record_begin(struct record_layer *l, uint16_t epoch, uint8_t type, struct wr *w, struct record_mark *mark)
{
	struct write_epoch *e;
	TRY(find_epoch(l, epoch, &e));
	if (w->bad || w->cap - w->n < record_overhead(l, epoch))
		return TERN_ERROR_BUFFER_TOO_SMALL;
	*mark = (struct record_mark){.start = w->n, .payload = w->n + front(l, e, false), .epoch = epoch, .type = type};
	w->n = mark->payload;
	return TERN_OK;
}

static tern_error finish(struct record_layer *l, struct wr *w, const struct record_mark *mark, uint64_t *seq)
{
	struct outgoing_record r = {
		.payload = span_of(w->p + mark->payload, w->n - mark->payload),
		.type = mark->type,
	};
	struct write_epoch *e;
	TRY(find_epoch(l, mark->epoch, &e));
	if (w->bad || w->cap - w->n < back(l, e, r.payload.n))
		return TERN_ERROR_BUFFER_TOO_SMALL;
	if (r.payload.n > payload_max(l, e))
		return TERN_ERROR_TOO_LARGE;
	TRY(put(l, e, &r, w->p + mark->start, seq));
	w->n += back(l, e, r.payload.n);
	return TERN_OK;
}

tern_error record_end(struct record_layer *l, struct wr *w, const struct record_mark *mark, uint64_t *seq)
{
	tern_error error = finish(l, w, mark, seq);
	if (error != TERN_OK) {
		w->n = mark->start;
		w->bad = false;
	}
	return error;
}

bool record_worn(const struct record_layer *l)
{
	return l->in.epoch != 0 && l->in.forged >= l->protection->forgery_limit(raw_key_aead(&l->in.key));
}

static bool nearly(uint64_t used, uint64_t limit, uint16_t early)
{
	uint64_t eighth = limit / 8;
	return used >= limit - eighth - (eighth * early >> 16);
}

bool record_out_near(const struct record_layer *l, uint16_t early)
{
	return l->out.epoch != 0 && nearly(l->out.next_seq, seal_limit(l, &l->out), early);
}

bool record_in_near(const struct record_layer *l, uint16_t early)
{
	return l->in.epoch != 0 && nearly(l->in.forged, l->protection->forgery_limit(raw_key_aead(&l->in.key)), early);
}
