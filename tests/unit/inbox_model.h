/* inbox_model.h - a naive twin of the inbox: a byte and a flag per byte of every message. Used by the unit test and by
 * the fuzz target; a difference aborts. */
#ifndef TERN_TESTS_INBOX_MODEL_H
#define TERN_TESTS_INBOX_MODEL_H

#include <stdio.h>
#include <stdlib.h>

#include "count_heap.h"
#include "flight/inbox.h"

#define MODEL_MAX 512 /* longest message */
#define MODEL_RANGES 64 /* most pieces of a message */
#define MODEL_CONSTANT 112 /* bytes of heap for a message beyond its pieces and twice its bytes */

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

struct model_message {
	bool exists, lent; /* lent: view or copy of one; nothing is added to it */
	uint8_t type;
	uint16_t epoch;
	uint32_t length;
	bool have[MODEL_MAX];
	uint8_t bytes[MODEL_MAX];
};

struct model {
	uint16_t next;
	struct model_message messages[INBOX_WINDOW];
};

static size_t model_count(const struct model_message *m)
{
	size_t n = 0;
	for (size_t i = 0; i < m->length; i++)
		n += m->have[i];
	return n;
}

static size_t model_runs(const struct model_message *m)
{
	size_t n = 0;
	for (size_t i = 0; i < m->length; i++)
		n += m->have[i] && (i == 0 || !m->have[i - 1]);
	return n;
}

static void model_add(struct model_message *m, const struct fragment *f)
{
	for (size_t i = 0; i < f->body.n; i++) {
		if (!m->have[f->offset + i])
			m->bytes[f->offset + i] = f->body.p[i];
		m->have[f->offset + i] = true;
	}
}

static bool model_displaces(const struct model_message *m, const struct fragment *f, uint16_t epoch)
{
	bool at_odds = m->type != f->type || m->length != f->length;
	bool whole = f->body.n == f->length && model_count(m) != m->length;
	return m->exists && m->epoch == 0 && (epoch != 0 || at_odds || whole);
}

/* What a fragment does to message m when the inbox takes it. */
static struct model_message model_after(const struct model *model, const struct fragment *f, uint16_t epoch)
{
	struct model_message m = model->messages[f->message_seq % INBOX_WINDOW];
	bool lent = f->message_seq == model->next && f->body.n == f->length;
	if (!m.exists || lent || model_displaces(&m, f, epoch))
		m = (struct model_message){true, lent, f->type, epoch, f->length, {0}, {0}};
	model_add(&m, f);
	return m;
}

static tern_drop model_verdict(const struct model *model, const struct fragment *f, uint16_t epoch, uint32_t max)
{
	const struct model_message *m = &model->messages[f->message_seq % INBOX_WINDOW];
	struct model_message after;
	if (f->message_seq < model->next || (f->message_seq == model->next && m->lent))
		return TERN_DROP_OLD_MESSAGE;
	if (f->message_seq >= model->next + INBOX_WINDOW)
		return TERN_DROP_FUTURE_MESSAGE;
	if (f->length > max || f->offset + f->body.n > f->length || (f->length && !f->body.n))
		return TERN_DROP_FRAGMENT;
	if (!m->exists || model_displaces(m, f, epoch))
		return TERN_DROP_NONE;
	if (m->type != f->type || m->length != f->length || m->epoch != epoch)
		return TERN_DROP_FRAGMENT;
	if (model_count(m) == m->length)
		return TERN_DROP_OLD_MESSAGE;
	after = model_after(model, f, epoch);
	if (after.lent)
		return TERN_DROP_NONE;
	if (model_count(&after) == model_count(m))
		return TERN_DROP_OLD_MESSAGE;
	return model_runs(&after) > MODEL_RANGES ? TERN_DROP_BUDGET : TERN_DROP_NONE;
}

/* Memory is charged exactly, and to what was received. */
static void model_check_memory(const struct model *model, const struct inbox *in, const struct count_heap *heap)
{
	size_t most = 0;
	for (size_t i = 0; i < INBOX_WINDOW; i++) {
		const struct model_message *m = &model->messages[i];
		if (m->exists)
			most += MODEL_CONSTANT + 2 * model_count(m) + 32 * model_runs(m);
	}
	CHECK(in->used == heap->live);
	CHECK(in->used <= in->budget);
	CHECK(in->used <= most);
}

static void model_check_next(const struct model *model, struct inbox *in)
{
	const struct model_message *m = &model->messages[model->next % INBOX_WINDOW];
	bool complete = m->exists && model_count(m) == m->length;
	struct message got;
	CHECK(in->next == model->next);
	CHECK(inbox_next(in, &got) == complete);
	if (!complete)
		return;
	CHECK(got.seq == model->next && got.type == m->type && got.epoch == m->epoch);
	CHECK(span_equal(got.body, span_of(m->bytes, m->length)));
}

/* Messages ahead of seq may have made room for it, if room was scarce. */
static void model_evict(struct model *model, const struct inbox *in, uint16_t seq, uint32_t used_before)
{
	for (uint16_t i = 0; i < INBOX_WINDOW; i++) {
		struct model_message *m = &model->messages[(model->next + i) % INBOX_WINDOW];
		if (!m->exists || m->lent || inbox_has(in, model->next + (uint32_t)i))
			continue;
		CHECK(model->next + i > seq);
		CHECK(used_before + 2 * MODEL_MAX + 1024 > in->budget);
		*m = (struct model_message){0};
	}
}

static void model_put(struct model *model, struct inbox *in, const struct count_heap *heap, const struct fragment *f,
		      uint16_t epoch)
{
	struct model_message *m = &model->messages[f->message_seq % INBOX_WINDOW];
	tern_drop want = model_verdict(model, f, epoch, in->message_max);
	uint32_t used = in->used;
	tern_drop got = inbox_put(in, f, epoch);
	/* When the budget gives out is the inbox's own affair. */
	CHECK(got == want || (got == TERN_DROP_BUDGET && want == TERN_DROP_NONE));
	if (got == TERN_DROP_NONE)
		*m = model_after(model, f, epoch);
	else if (want == TERN_DROP_NONE && model_displaces(m, f, epoch))
		*m = (struct model_message){0};
	model_evict(model, in, f->message_seq, used);
	model_check_memory(model, in, heap);
	model_check_next(model, in);
}

static void model_done(struct model *model, struct inbox *in)
{
	struct model_message *m = &model->messages[model->next % INBOX_WINDOW];
	if (!m->exists || model_count(m) != m->length)
		return;
	*m = (struct model_message){0};
	model->next++;
	inbox_done(in);
	model_check_next(model, in);
}

static void model_discard(struct model *model, struct inbox *in)
{
	model->messages[model->next % INBOX_WINDOW] = (struct model_message){0};
	inbox_discard(in);
	model_check_next(model, in);
}

/* The datagram of the fragment goes away: its bytes change under a view. */
static void model_keep(struct model *model, struct inbox *in, const struct count_heap *heap, uint8_t *datagram,
		       size_t n)
{
	bool viewed = in->has_view;
	uint32_t used = in->used;
	tern_error error = inbox_keep(in);
	CHECK(error == TERN_OK || viewed);
	if (error != TERN_OK)
		model_discard(model, in);
	model_evict(model, in, model->next, used);
	memset(datagram, 0xee, n);
	model_check_memory(model, in, heap);
	model_check_next(model, in);
}

#endif
