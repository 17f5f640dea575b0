#include "record/record.h"

#include "base/heap.h"
#include "record/protect.h"

void record_init(struct record_layer *l, const struct protection *protection, const struct provider *provider,
		 struct schedules *schedules, const tern_allocator *heap, uint16_t window_size)
{
	*l = (struct record_layer){
		.protection = protection,
		.provider = provider,
		.schedules = schedules,
		.heap = heap,
		.window_size = window_size,
		.plaintext_max_in = RECORD_PLAINTEXT_MAX,
		.plaintext_max_out = RECORD_PLAINTEXT_MAX,
		.plain_in = true,
	};
}

static void forget_key(struct record_layer *l, struct raw_key *key)
{
	if (key->id)
		schedules_drop(l->schedules, key);
}

void record_free(struct record_layer *l)
{
	forget_key(l, &l->in.key);
	forget_key(l, &l->out.key);
	if (l->heap)
		replay_free(&l->in.window, l->heap);
	wipe(l, sizeof *l);
}

static void adopt_key(struct record_layer *l, struct raw_key *k, const struct aead_alg *aead, const uint8_t *key,
		      struct span iv)
{
	forget_key(l, k);
	*k = (struct raw_key){.slot = 0};
	memcpy(k->key, key, aead->key_len);
	memcpy(k->iv, iv.p, iv.n);
	schedules_adopt(l->schedules, k);
}

tern_error record_set_read(struct record_layer *l, uint16_t epoch, const struct aead_alg *aead, const uint8_t *key,
			   struct span iv)
{
	struct replay window;
	if (epoch == 0 || iv.n > AEAD_NONCE)
		return TERN_ERROR_INTERNAL;
	TRY(replay_init(&window, l->heap, l->window_size));
	replay_free(&l->in.window, l->heap);
	adopt_key(l, &l->in.key, aead, key, iv);
	l->in.epoch = epoch;
	l->in.aead = aead;
	l->in.window = window;
	l->in.opened = 0;
	l->in.forged = 0;
	return TERN_OK;
}

tern_error record_set_write(struct record_layer *l, uint16_t epoch, const struct aead_alg *aead, const uint8_t *key,
			    struct span iv)
{
	if (epoch == 0 || iv.n > AEAD_NONCE)
		return TERN_ERROR_INTERNAL;
	adopt_key(l, &l->out.key, aead, key, iv);
	l->out.epoch = epoch;
	l->out.aead = aead;
	l->out.next_seq = 0;
	return TERN_OK;
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

static tern_drop take_protected(struct record_layer *l, const struct record_header *h, uint8_t *p, struct record *out)
{
	struct read_epoch *e = &l->in;
	struct aead_key *key;
	tern_drop drop;
	if (e->epoch != h->epoch)
		return TERN_DROP_EPOCH;
	drop = replay_check(&e->window, h->seq);
	if (drop != TERN_DROP_NONE)
		return drop;
	if (schedules_get(l->schedules, &e->key, e->aead, &key) != TERN_OK)
		return TERN_DROP_BUDGET;
	drop = l->protection->open(l->provider, key, e, h, p, l->plaintext_max_in, out);
	if (drop == TERN_DROP_FORGED)
		e->forged++;
	if (drop != TERN_DROP_NONE)
		return drop;
	replay_mark(&e->window, h->seq);
	e->opened++;
	return TERN_DROP_NONE;
}

bool record_next(struct record_layer *l, struct datagram *d, struct record *out)
{
	struct rd r = rd_of(span_of(d->p + d->at, d->n - d->at));
	struct record_header h;
	uint8_t *p = d->p + d->at;
	if (rd_end(&r))
		return false;
	if (!l->protection->parse(l, &r, &h)) {
		*out = (struct record){.drop = TERN_DROP_MALFORMED, .wire = rd_rest(&r)};
		d->at = d->n;
		return true;
	}
	d->at += h.wire.n;
	*out = (struct record){.drop = h.drop, .type = h.type, .epoch = h.epoch, .seq = h.seq, .wire = h.wire};
	if (h.drop == TERN_DROP_NONE)
		out->drop = h.epoch == 0 ? take_plain(l, &h, p, out) : take_protected(l, &h, p, out);
	return true;
}

/* Records that may be sealed in all under the write key. */
static uint64_t seal_limit(const struct record_layer *l)
{
	uint64_t limit = RECORD_SEQ_MAX + 1;
	if (l->out.aead->seal_limit < limit)
		limit = l->out.aead->seal_limit;
	if (l->seal_limit && l->seal_limit < limit)
		limit = l->seal_limit;
	return limit;
}

static tern_error check_epoch(const struct record_layer *l, uint16_t epoch)
{
	if (epoch == 0)
		return l->plain_seq > RECORD_SEQ_MAX ? TERN_ERROR_LIMIT : TERN_OK;
	if (epoch != l->out.epoch)
		return TERN_ERROR_INTERNAL;
	return l->out.next_seq >= seal_limit(l) ? TERN_ERROR_LIMIT : TERN_OK;
}

static size_t front(const struct record_layer *l, uint16_t epoch)
{
	return epoch ? l->protection->front(&l->out) : RECORD12_HEADER;
}

static size_t back(const struct record_layer *l, uint16_t epoch)
{
	return epoch ? l->protection->back(&l->out) : 0;
}

size_t record_overhead(const struct record_layer *l, uint16_t epoch)
{
	return front(l, epoch) + back(l, epoch);
}

static void put_plain(struct record_layer *l, uint8_t type, struct span payload, uint8_t *out, uint64_t seq)
{
	struct record12 h = {.type = type, .version = VERSION_DTLS12, .seq = seq};
	struct wr w = wr_of(out, RECORD12_HEADER);
	put_record12_header(&w, &h, (uint16_t)payload.n);
	if (payload.n && payload.p != out + RECORD12_HEADER)
		memcpy(out + RECORD12_HEADER, payload.p, payload.n);
	l->plain_seq = seq + 1;
}

/* The record at out, where there is room for it. A number is used up even when sealing fails: it never serves twice. */
static tern_error put(struct record_layer *l, uint16_t epoch, uint8_t type, struct span payload, uint8_t *out,
		      uint64_t *seq)
{
	uint64_t number = epoch ? l->out.next_seq : l->plain_seq;
	if (epoch) {
		struct aead_key *key;
		TRY(schedules_get(l->schedules, &l->out.key, l->out.aead, &key));
		l->out.next_seq = number + 1;
		TRY(l->protection->seal(l->provider, key, &l->out, number, type, payload, out));
	} else {
		put_plain(l, type, payload, out, number);
	}
	if (seq)
		*seq = number;
	return TERN_OK;
}

tern_error record_seal(struct record_layer *l, uint16_t epoch, uint8_t type, struct span payload, struct wr *w,
		       uint64_t *seq)
{
	size_t n;
	TRY(check_epoch(l, epoch));
	if (payload.n > RECORD_PLAINTEXT_MAX)
		return TERN_ERROR_TOO_LARGE;
	n = record_overhead(l, epoch) + payload.n;
	if (w->bad || w->cap - w->n < n)
		return TERN_ERROR_BUFFER_TOO_SMALL;
	TRY(put(l, epoch, type, payload, w->p + w->n, seq));
	w->n += n;
	return TERN_OK;
}

tern_error record_begin(struct record_layer *l, uint16_t epoch, uint8_t type, struct wr *w, struct record_mark *mark)
{
	TRY(check_epoch(l, epoch));
	if (w->bad || w->cap - w->n < record_overhead(l, epoch))
		return TERN_ERROR_BUFFER_TOO_SMALL;
	*mark = (struct record_mark){.start = w->n, .payload = w->n + front(l, epoch), .epoch = epoch, .type = type};
	w->n = mark->payload;
	return TERN_OK;
}

static tern_error finish(struct record_layer *l, struct wr *w, const struct record_mark *mark, uint64_t *seq)
{
	struct span payload = span_of(w->p + mark->payload, w->n - mark->payload);
	if (w->bad || w->cap - w->n < back(l, mark->epoch))
		return TERN_ERROR_BUFFER_TOO_SMALL;
	if (payload.n > RECORD_PLAINTEXT_MAX)
		return TERN_ERROR_TOO_LARGE;
	TRY(check_epoch(l, mark->epoch));
	TRY(put(l, mark->epoch, mark->type, payload, w->p + mark->start, seq));
	w->n += back(l, mark->epoch);
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
	return l->in.epoch != 0 && l->in.forged >= l->protection->forgery_limit(l->in.aead);
}

static bool nearly(uint64_t used, uint64_t limit)
{
	return used >= limit - limit / 8;
}

bool record_limit_near(const struct record_layer *l)
{
	return (l->out.epoch != 0 && nearly(l->out.next_seq, seal_limit(l))) ||
	       (l->in.epoch != 0 && nearly(l->in.forged, l->protection->forgery_limit(l->in.aead)));
}
