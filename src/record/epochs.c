#include "record/epochs.h"

#include "base/heap.h"
#include "record/protect.h"

static void wipe_read(struct record_layer *l, struct read_epoch *e)
{
	if (e->key.id) {
		schedules_drop(l->pool->schedules, &e->key);
		replay_free(&e->window, e->window_size, l->pool->heap);
	}
	wipe(e, sizeof *e);
}

static void wipe_write(struct record_layer *l, struct write_epoch *e)
{
	if (e->key.id)
		schedules_drop(l->pool->schedules, &e->key);
	wipe(e, sizeof *e);
}

static void free_read(struct record_layer *l, struct older_read **at)
{
	struct older_read *node = *at;
	*at = node->next;
	wipe_read(l, &node->e);
	heap_free(l->pool->heap, node, sizeof *node);
}

static void free_write(struct record_layer *l, struct older_write **at)
{
	struct older_write *node = *at;
	*at = node->next;
	wipe_write(l, &node->e);
	heap_free(l->pool->heap, node, sizeof *node);
}

void record_forget_read(struct record_layer *l, uint16_t below)
{
	struct older_read **at = &l->older_in;
	if (l->in.epoch < below)
		wipe_read(l, &l->in);
	while (*at) {
		if ((*at)->e.epoch < below)
			free_read(l, at);
		else
			at = &(*at)->next;
	}
}

void record_forget_write(struct record_layer *l, uint16_t below)
{
	struct older_write **at = &l->older_out;
	if (l->out.epoch < below)
		wipe_write(l, &l->out);
	while (*at) {
		if ((*at)->e.epoch < below)
			free_write(l, at);
		else
			at = &(*at)->next;
	}
}

void record_free(struct record_layer *l)
{
	wipe_read(l, &l->in);
	wipe_write(l, &l->out);
	while (l->older_in)
		free_read(l, &l->older_in);
	while (l->older_out)
		free_write(l, &l->older_out);
	if (l->pool)
		cids_free(&l->cids, l->pool->heap);
	wipe(l, sizeof *l);
}

void epochs_drop_older_read(struct record_layer *l, const struct read_epoch *e)
{
	for (struct older_read **at = &l->older_in; *at; at = &(*at)->next) {
		if (&(*at)->e == e) {
			free_read(l, at);
			return;
		}
	}
}

/* k: to be wiped when it has been copied to its place. */
static tern_error adopt(struct record_layer *l, struct raw_key *k, const struct epoch_key *from)
{
	*k = (struct raw_key){0};
	memcpy(k->iv, from->iv.p, from->iv.n);
	return schedules_adopt(l->pool->schedules, k, from->aead, from->key, from->sn_key);
}

/* Where epochs live side by side, numbers only grow (RFC 9147 4.2.1): a key that came twice would bring its nonces
 * again. */
static bool may_follow(const struct record_layer *l, uint16_t newest, uint16_t epoch, const struct epoch_key *key)
{
	if (epoch == 0 || key->iv.n > AEAD_NONCE)
		return false;
	if (!l->protection->epochs_overlap)
		return true;
	return epoch > newest && key->sn_key && key->iv.n == AEAD_NONCE;
}

/* The newest becomes the first of the older ones. */
static void shelve_read(struct record_layer *l, struct older_read *node)
{
	struct older_read **at = &l->older_in;
	node->e = l->in;
	node->next = l->older_in;
	l->older_in = node;
	for (size_t alive = 1; *at; alive++) {
		if (alive >= EPOCHS_ALIVE)
			free_read(l, at);
		else
			at = &(*at)->next;
	}
}

static void shelve_write(struct record_layer *l, struct older_write *node)
{
	struct older_write **at = &l->older_out;
	node->e = l->out;
	node->next = l->older_out;
	l->older_out = node;
	for (size_t alive = 1; *at; alive++) {
		if (alive >= EPOCHS_ALIVE)
			free_write(l, at);
		else
			at = &(*at)->next;
	}
}

/* Takes over window and k. */
static tern_error set_read(struct record_layer *l, uint16_t epoch, const struct replay *window, const struct raw_key *k)
{
	if (l->protection->epochs_overlap && l->in.epoch) {
		struct older_read *node = heap_alloc(l->pool->heap, sizeof *node);
		if (!node)
			return TERN_ERROR_NO_MEMORY;
		shelve_read(l, node);
	} else {
		wipe_read(l, &l->in);
	}
	l->in = (struct read_epoch){.window = *window, .epoch = epoch, .window_size = l->pool->window_size};
	l->in.key = *k; /* not within the literal, which may be a copy on the stack */
	return TERN_OK;
}

/* The window begins anew: RFC 6347 4.1.2.6, RFC 9147 4.5.1. */
tern_error record_set_read(struct record_layer *l, uint16_t epoch, const struct epoch_key *key)
{
	struct replay window;
	struct raw_key k;
	tern_error error;
	if (!may_follow(l, l->in.epoch, epoch, key))
		return TERN_ERROR_INTERNAL;
	TRY(replay_init(&window, l->pool->window_size, l->pool->heap));
	error = adopt(l, &k, key);
	if (error == TERN_OK)
		error = set_read(l, epoch, &window, &k);
	if (error != TERN_OK) {
		replay_free(&window, l->pool->window_size, l->pool->heap);
		schedules_drop(l->pool->schedules, &k);
	}
	wipe(&k, sizeof k);
	return error;
}

static tern_error set_write(struct record_layer *l, uint16_t epoch, const struct raw_key *k)
{
	if (l->protection->epochs_overlap && l->out.epoch) {
		struct older_write *node = heap_alloc(l->pool->heap, sizeof *node);
		if (!node)
			return TERN_ERROR_NO_MEMORY;
		shelve_write(l, node);
	} else {
		wipe_write(l, &l->out);
	}
	l->out = (struct write_epoch){.epoch = epoch};
	l->out.key = *k;
	return TERN_OK;
}

tern_error record_set_write(struct record_layer *l, uint16_t epoch, const struct epoch_key *key)
{
	struct raw_key k;
	tern_error error;
	if (!may_follow(l, l->out.epoch, epoch, key))
		return TERN_ERROR_INTERNAL;
	error = adopt(l, &k, key);
	if (error == TERN_OK)
		error = set_write(l, epoch, &k);
	if (error != TERN_OK)
		schedules_drop(l->pool->schedules, &k);
	wipe(&k, sizeof k);
	return error;
}

struct read_epoch *epochs_read(struct record_layer *l, uint16_t epoch)
{
	if (l->in.epoch == epoch)
		return epoch ? &l->in : NULL;
	for (struct older_read *o = l->older_in; o; o = o->next) {
		if (o->e.epoch == epoch)
			return &o->e;
	}
	return NULL;
}

const struct write_epoch *epochs_peek_write(const struct record_layer *l, uint16_t epoch)
{
	if (l->out.epoch == epoch)
		return epoch ? &l->out : NULL;
	for (const struct older_write *o = l->older_out; o; o = o->next) {
		if (o->e.epoch == epoch)
			return &o->e;
	}
	return NULL;
}

struct write_epoch *epochs_write(struct record_layer *l, uint16_t epoch)
{
	return (struct write_epoch *)epochs_peek_write(l, epoch);
}

bool epochs_by_bits(const struct record_layer *l, uint8_t bits, uint16_t *epoch)
{
	const struct older_read *o = l->older_in;
	*epoch = l->in.epoch;
	while (*epoch && (*epoch & 3) != bits) {
		*epoch = o ? o->e.epoch : 0;
		o = o ? o->next : NULL;
	}
	return *epoch != 0;
}

uint16_t epochs_expected(const struct record_layer *l, uint8_t bits)
{
	unsigned ahead = (bits - l->in.epoch - 1u) % 4 + 1;
	return (uint16_t)(l->in.epoch + ahead <= UINT16_MAX ? l->in.epoch + ahead : l->in.epoch);
}
