#include "sim/invariants.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/schedules.h"
#include "crypto/stub/stub.h"

/* What a connection with its handshake may take before the peer's bytes count: the handshake with the first block of
 * its arena, the connection, one message on the way, and as much again for what is derived and copied. */
#define CONN_BYTES 13312

void invariants_start(struct invariants *inv)
{
	inv->failed = false;
	inv->what[0] = 0;
	inv->run++;
	inv->num_nonces = 0;
	inv->num_associations = 0;
	inv->opens = 0;
	inv->signs[0] = inv->signs[1] = 0;
	inv->unproved_in = inv->unproved_out = 0;
	memset(inv->addresses, 0, sizeof inv->addresses);
}

void invariants_fail(struct invariants *inv, const char *format, ...)
{
	va_list args;
	if (inv->failed)
		return;
	inv->failed = true;
	va_start(args, format);
	(void)vsnprintf(inv->what, sizeof inv->what, format, args);
	va_end(args);
}

/* ---- crypto ---- */

/* The provider's functions have no place for a pointer of ours: whoever runs is the one that is watching. */
static struct invariants *watching;

struct watched_key {
	struct aead_key *inner;
	struct memory *owner;
	uint64_t hash; /* of the key's bytes */
	size_t tag_len;
	bool sealed, opened;
	uint8_t last[AEAD_NONCE], last_opened[AEAD_NONCE];
};

static tern_error make_key(struct crypto *c, struct watched_key **out)
{
	struct watched_key *w = heap_alloc(c->heap, sizeof *w);
	tern_error error;
	if (!w)
		return TERN_ERROR_NO_MEMORY;
	w->owner = c->heap->user;
	error = provider_stub.aead_new(c, &w->inner);
	if (error != TERN_OK)
		heap_free(c->heap, w, sizeof *w);
	else
		*out = w;
	return error;
}

/* Expanded keys are the pool's, and there are only so many. */
static tern_error watched_new(struct crypto *c, struct aead_key **k)
{
	struct memory *m = c->heap->user;
	size_t before = m->live;
	struct watched_key *w;
	TRY(make_key(c, &w));
	m->base += m->live - before;
	if (++m->keys > SCHEDULES_DEFAULT)
		invariants_fail(m->inv, "more than %d keys are expanded", SCHEDULES_DEFAULT);
	*k = (struct aead_key *)w;
	return TERN_OK;
}

static void watched_free(struct crypto *c, struct aead_key *k)
{
	struct memory *m = c->heap->user;
	size_t before = m->live;
	struct watched_key *w = (struct watched_key *)k;
	provider_stub.aead_free(c, w->inner);
	heap_free(c->heap, w, sizeof *w);
	m->base -= before - m->live;
	m->keys--;
}

static uint64_t hash_of(uint64_t start, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i += 8)
		start = stub_scramble(start ^ stub_load(p + i, n - i < 8 ? n - i : 8)) + i;
	return start;
}

static tern_error watched_set(struct aead_key *k, const struct aead_alg *alg, const uint8_t *key, const uint8_t *sn_key)
{
	struct watched_key *w = (struct watched_key *)k;
	if (fault_now(&w->owner->faults, FAULT_AEAD_SET))
		return TERN_ERROR_CRYPTO;
	w->hash = hash_of(alg->id, key, alg->key_len);
	w->tag_len = alg->tag_len;
	w->sealed = w->opened = false;
	return provider_stub.aead_set(w->inner, alg, key, sn_key);
}

/* Whoever opened a record may seal it again to restore the bytes that came; those are no news to anybody. */
static bool restores(const struct watched_key *w, const uint8_t *nonce)
{
	return w->opened && memcmp(w->last_opened, nonce, AEAD_NONCE) == 0;
}

static void check_nonce(const struct watched_key *w, const uint8_t *nonce)
{
	struct invariants *inv = watching;
	uint64_t hash = hash_of(w->hash, nonce, AEAD_NONCE);
	size_t i = hash & (NONCE_SLOTS - 1);
	for (; inv->nonces[i].run == inv->run; i = (i + 1) & (NONCE_SLOTS - 1))
		if (inv->nonces[i].nonce == hash)
			invariants_fail(inv, "a nonce was used twice under one key");
	if (inv->num_nonces++ > NONCE_SLOTS / 2)
		invariants_fail(inv, "more than %d records sealed in one run", NONCE_SLOTS / 2);
	inv->nonces[i] = (struct sealed){.nonce = hash, .run = inv->run};
}

/* Of a record's plaintext in DTLS 1.3: content, type, zeros. Whether it is one, the trace tells. */
static void note_ack(struct ack_body *out, const uint8_t *p, size_t n)
{
	while (n && p[n - 1] == 0)
		n--;
	if (n == 0 || p[n - 1] != CONTENT_ACK || n - 1 > sizeof out->bytes)
		return;
	memcpy(out->bytes, p, n - 1);
	out->n = n - 1;
}

static tern_error watched_seal(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *out,
			       const uint8_t *in, size_t n)
{
	struct watched_key *w = (struct watched_key *)k;
	if (fault_now(&w->owner->faults, FAULT_SEAL))
		return TERN_ERROR_CRYPTO;
	if (watching->repeat_nonce && w->sealed)
		nonce = w->last;
	else
		memcpy(w->last, nonce, AEAD_NONCE);
	w->sealed = true;
	note_ack(&watching->acked, in, n);
	if (!restores(w, nonce))
		check_nonce(w, nonce);
	return provider_stub.aead_seal(w->inner, nonce, aad, out, in, n);
}

static bool watched_open(struct aead_key *k, const uint8_t *nonce, struct span aad, uint8_t *p, size_t n)
{
	struct watched_key *w = (struct watched_key *)k;
	if (fault_now(&w->owner->faults, FAULT_OPEN) || !provider_stub.aead_open(w->inner, nonce, aad, p, n))
		return false;
	watching->opens++;
	w->opened = true;
	memcpy(w->last_opened, nonce, AEAD_NONCE);
	note_ack(&watching->opened, p, n - w->tag_len);
	return true;
}

static tern_error watched_mask(struct aead_key *k, const uint8_t sample[16], uint8_t mask[16])
{
	struct watched_key *w = (struct watched_key *)k;
	return fault_now(&w->owner->faults, FAULT_MASK) ? TERN_ERROR_CRYPTO
							: provider_stub.aead_mask(w->inner, sample, mask);
}

static tern_error watched_sign(struct crypto *c, struct private_key *key, const struct scheme_alg *scheme,
			       struct span tbs, uint8_t *signature, size_t *len)
{
	struct memory *m = c->heap->user;
	return fault_now(&m->faults, FAULT_SIGN) ? TERN_ERROR_CRYPTO
						 : provider_stub.sign(c, key, scheme, tbs, signature, len);
}

static tern_error client_sign(struct crypto *c, struct private_key *key, const struct scheme_alg *scheme,
			      struct span tbs, uint8_t *signature, size_t *len)
{
	watching->signs[CLIENT]++;
	return watched_sign(c, key, scheme, tbs, signature, len);
}

static tern_error server_sign(struct crypto *c, struct private_key *key, const struct scheme_alg *scheme,
			      struct span tbs, uint8_t *signature, size_t *len)
{
	watching->signs[SERVER]++;
	return watched_sign(c, key, scheme, tbs, signature, len);
}

static struct provider watched(tern_error (*sign)(struct crypto *, struct private_key *, const struct scheme_alg *,
						  struct span, uint8_t *, size_t *))
{
	struct provider p = provider_stub;
	p.name = "watched stub";
	p.aead_new = watched_new;
	p.aead_free = watched_free;
	p.aead_set = watched_set;
	p.aead_seal = watched_seal;
	p.aead_open = watched_open;
	p.aead_mask = watched_mask;
	p.sign = sign;
	fault_provider(&p);
	return p;
}

void watch(struct invariants *inv, const struct provider **client, const struct provider **server)
{
	static struct provider providers[2];
	watching = inv;
	providers[CLIENT] = watched(client_sign);
	providers[SERVER] = watched(server_sign);
	*client = &providers[CLIENT];
	*server = &providers[SERVER];
}

/* ---- memory ---- */

union block {
	size_t n;
	max_align_t align;
};

static void *counted_alloc(void *user, size_t n)
{
	struct memory *m = user;
	union block *b = fault_now(&m->faults, FAULT_MEMORY) ? NULL : malloc(sizeof *b + n);
	if (!b)
		return NULL;
	b->n = n;
	m->live += n;
	return b + 1;
}

static void counted_free(void *user, void *p, size_t n)
{
	struct memory *m = user;
	union block *b = (union block *)p - 1;
	if (b->n != n)
		invariants_fail(m->inv, "%zu bytes were freed as %zu", b->n, n);
	m->live -= b->n;
	free(b);
}

tern_allocator memory_allocator(struct memory *m)
{
	return (tern_allocator){counted_alloc, counted_free, m};
}

void memory_bounded(struct invariants *inv, const struct memory *m, uint64_t received, size_t conns, size_t own)
{
	uint64_t bound = m->base + 2 * received + conns * (CONN_BYTES + own);
	if (m->live > bound)
		invariants_fail(inv, "%zu bytes are live; %zu connections that received %llu bytes may have %llu",
				m->live, conns, (unsigned long long)received, (unsigned long long)bound);
}

void memory_returned(struct invariants *inv, const struct memory *m)
{
	if (m->live > m->base)
		invariants_fail(inv, "%zu bytes are still live after the run", m->live - m->base);
}

/* ---- data ---- */

struct association *association_of(struct invariants *inv, uint64_t id)
{
	for (size_t i = 0; i < inv->num_associations; i++)
		if (inv->associations[i].id == id)
			return &inv->associations[i];
	if (inv->num_associations == ASSOCIATIONS) {
		invariants_fail(inv, "more than %d associations in one run", ASSOCIATIONS);
		return NULL;
	}
	inv->associations[inv->num_associations] = (struct association){.id = id};
	return &inv->associations[inv->num_associations++];
}

static void message_bytes(uint64_t id, unsigned side, uint32_t number, uint8_t *out, size_t n)
{
	struct pcg rng;
	stub_store(out, id, 8);
	stub_store(out + 8, number, 4);
	stub_store(out + 12, side, 2);
	stub_store(out + 14, n, 2);
	pcg_seed(&rng, id + number, side);
	pcg_fill(&rng, out + DATA_HEADER, n - DATA_HEADER);
}

bool data_make(struct invariants *inv, uint64_t id, unsigned side, uint8_t *out, size_t n)
{
	struct association *a = association_of(inv, id);
	if (!a || a->sent[side] == MESSAGES_MAX)
		return false;
	message_bytes(id, side, a->sent[side]++, out, n);
	return true;
}

void data_arrived(struct invariants *inv, uint64_t id, unsigned side, const uint8_t *p, size_t n)
{
	struct association *a = association_of(inv, id);
	unsigned from = !side;
	uint8_t expected[2048];
	uint64_t number;
	if (!a || inv->any_data)
		return;
	if (n < DATA_HEADER || n > sizeof expected) {
		invariants_fail(inv, "%zu bytes were delivered that nobody sent", n);
		return;
	}
	number = stub_load(p + 8, 4);
	message_bytes(id, from, (uint32_t)number, expected, n);
	if (number >= a->sent[from] || memcmp(expected, p, n) != 0)
		invariants_fail(inv, "a message was delivered that nobody sent");
	else if (a->delivered[from][number / 64] >> number % 64 & 1)
		invariants_fail(inv, "message %u was delivered twice", (unsigned)number);
	else
		a->delivered[from][number / 64] |= UINT64_C(1) << number % 64;
}

/* ---- records ---- */

static struct epoch_mark mark_of(const struct read_epoch *e)
{
	return (struct epoch_mark){e->epoch, e->opened, e->window};
}

struct window_mark window_before(const struct invariants *inv, const tern_conn *conn)
{
	struct window_mark mark = {.opens = inv->opens, .epochs = {mark_of(&conn->records.in)}};
	const struct older_read *o = conn->records.older_in;
	for (size_t i = 1; o && i < EPOCHS_ALIVE; o = o->next)
		mark.epochs[i++] = mark_of(&o->e);
	return mark;
}

static const struct epoch_mark *mark_for(const struct window_mark *mark, uint16_t epoch)
{
	for (size_t i = 0; i < EPOCHS_ALIVE; i++)
		if (mark->epochs[i].epoch == epoch)
			return &mark->epochs[i];
	return NULL;
}

/* How many records were taken in one epoch. */
static uint64_t taken(struct invariants *inv, const struct epoch_mark *before, const struct read_epoch *e)
{
	const struct replay *w = &e->window;
	if (!before)
		return e->opened;
	if (e->opened == before->opened && (w->next != before->window.next || w->bits != before->window.bits))
		invariants_fail(inv, "the replay window of epoch %u moved though nothing authenticated", e->epoch);
	return e->opened - before->opened;
}

void window_after(struct invariants *inv, const struct window_mark *mark, const tern_conn *conn)
{
	const struct read_epoch *in = &conn->records.in;
	uint64_t opened = taken(inv, mark_for(mark, in->epoch), in);
	for (const struct older_read *o = conn->records.older_in; o; o = o->next)
		opened += taken(inv, mark_for(mark, o->e.epoch), &o->e);
	if (opened > inv->opens - mark->opens)
		invariants_fail(inv, "records were taken that did not authenticate");
}

void listened(struct invariants *inv, size_t n, size_t reply, bool proved)
{
	if (proved)
		return;
	inv->unproved_in += n;
	inv->unproved_out += reply;
	if (inv->unproved_out > 3 * inv->unproved_in)
		invariants_fail(inv, "%llu bytes went to an unproved address that had sent %llu",
				(unsigned long long)inv->unproved_out, (unsigned long long)inv->unproved_in);
}

void address_heard(struct invariants *inv, unsigned address, size_t n)
{
	if (address < ADDRESSES)
		inv->addresses[address].in += n;
	else
		invariants_fail(inv, "more than %d addresses in one run", ADDRESSES);
}

void address_sent(struct invariants *inv, unsigned address, size_t n)
{
	struct address_bytes *a = &inv->addresses[address < ADDRESSES ? address : 0];
	a->out += n;
	if (a != inv->addresses && !a->proved && a->out > 3 * a->in)
		invariants_fail(inv, "%llu bytes went to address %u, which is not proved and had sent %llu",
				(unsigned long long)a->out, address, (unsigned long long)a->in);
}

/* Who was not asked there cannot have answered. */
void address_proved(struct invariants *inv, unsigned address)
{
	struct address_bytes *a = &inv->addresses[address < ADDRESSES ? address : 0];
	if (a->in == 0 || a->out == 0)
		invariants_fail(inv, "address %u is believed, and was not asked", address);
	a->proved = true;
}
