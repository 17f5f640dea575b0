/* A peer that is this very library with another script: rows deleted, doubled, swapped, of another type or with another
 * body. Its transcript follows what it sends, so its Finished is right for the handshake it pretends to make. */
#include "malice/malice.h"

#include "handshake/version.h"
#include "wire/record.h"

#define ROWS_MAX 40
#define HELLO 0
#define MAIN 1

/* A row of the twisted script. */
struct mark {
	const struct step *origin;
	enum twist_kind kind; /* NUM_TWISTS: as it was */
};

/* What each role follows: the hellos', then the version's. One culprit at a time. */
static struct script {
	struct step rows[ROWS_MAX];
	struct mark marks[ROWS_MAX];
	size_t n;
} scripts[2][2];
static size_t puts_so_far[2];
static const struct malice_case *doing;
static const struct course *following;
static struct course *recording;

static const struct script *script_of(const struct handshake *hs)
{
	const struct script *hello = &scripts[hs->role][HELLO];
	return hs->script == hello->rows ? hello : hello + MAIN;
}

/* ---- what the rows do ---- */

/* Enough to be taken for a message by a reader in a hurry. */
static void put_body(struct wr *w, uint8_t type)
{
	static const uint8_t zeros[64];
	wr_bytes(w, span_of(zeros, type == CERTIFICATE ? 3 : type == SERVER_HELLO_DONE ? 0 : 32));
}

static bool counts(const struct step *s, const struct handshake *hs)
{
	return s->from == hs->role && s->put && s->message != CLIENT_HELLO && !(s->flags & STEP_RETRY);
}

static void note_put(const struct handshake *hs, const struct step *origin, size_t len)
{
	struct course *course = recording;
	bool ccs = origin->flags & STEP_SEND_ONLY;
	if (course && counts(origin, hs) && course->num_puts[hs->role] < PLAN_MAX)
		course->puts[hs->role][course->num_puts[hs->role]++] =
			(struct put){origin->message, ccs, hs->write_epoch, (uint16_t)hs->inbox.next, len, origin};
}

static tern_error twisted_put(struct handshake *hs, struct wr *w)
{
	const struct script *script = script_of(hs);
	const struct mark *m = &script->marks[hs->at];
	if (m->kind == TWIST_INSERTED) {
		put_body(w, script->rows[hs->at].message);
		return TERN_OK;
	}
	TRY(m->origin->put(hs, w));
	note_put(hs, m->origin, w->n);
	if (m->kind == TWIST_CUT && w->n)
		w->n--;
	else if (m->kind == TWIST_EMPTIED)
		w->n = 0;
	else if (m->kind == TWIST_EXTENDED)
		wr_u8(w, 0);
	return TERN_OK;
}

/* The row of a deleted message: all is done but the sending. */
static bool done_unseen(const struct handshake *hs)
{
	struct handshake *self = (struct handshake *)(uintptr_t)hs;
	const struct script *script = script_of(hs);
	const struct mark *m = &script->marks[hs->at];
	tern_error (*then)(struct handshake * hs) = script->rows[hs->at].then;
	static uint8_t scratch[32768];
	struct wr w = wr_of(scratch, sizeof scratch);
	if (m->origin->present && !m->origin->present(hs))
		return false;
	if (m->origin->put(self, &w) == TERN_OK && then)
		(void)!then(self);
	return false;
}

/* ---- making a script ---- */

static const struct twist *twist_of(size_t put)
{
	for (size_t i = 0; doing && i < doing->num_twists; i++)
		if (doing->twists[i].at == put)
			return &doing->twists[i];
	return NULL;
}

static size_t add_row(struct script *out, const struct step *from, enum twist_kind kind)
{
	size_t at = out->n++;
	out->rows[at] = *from;
	out->marks[at] = (struct mark){from, kind};
	if (from->put)
		out->rows[at].put = twisted_put;
	if (kind == TWIST_DELETED)
		out->rows[at].present = done_unseen;
	return at;
}

static void add_twisted(struct script *out, const struct step *from, const struct twist *t)
{
	size_t at = add_row(out, from, t->kind);
	if (t->kind == TWIST_INSERTED) {
		out->rows[at].message = t->type;
		out->rows[at].flags = 0;
	}
	if (t->kind == TWIST_RETYPED)
		out->rows[at].message = t->type;
	if (t->kind == TWIST_INSERTED || t->kind == TWIST_DOUBLED) {
		out->rows[at].then = NULL;
		add_row(out, from, NUM_TWISTS);
	}
}

static void swap_rows(struct script *s, size_t a, size_t b)
{
	struct step row = s->rows[a];
	struct mark mark = s->marks[a];
	s->rows[a] = s->rows[b];
	s->marks[a] = s->marks[b];
	s->rows[b] = row;
	s->marks[b] = mark;
}

/* Whether a row is put in this scenario is known from the course. */
static bool is_put(const struct step *s, const struct handshake *hs)
{
	size_t n = puts_so_far[hs->role];
	return following && n < following->num_puts[hs->role] && following->puts[hs->role][n].row == s;
}

static void make_script(struct script *out, const struct step *steps, size_t n, const struct handshake *hs)
{
	size_t swap_from = SIZE_MAX;
	out->n = 0;
	for (size_t i = 0; i < n; i++) {
		bool put = is_put(&steps[i], hs);
		const struct twist *t = put ? twist_of(puts_so_far[hs->role]++) : NULL;
		if (t && t->kind != TWIST_SWAPPED)
			add_twisted(out, &steps[i], t);
		else
			(void)add_row(out, &steps[i], NUM_TWISTS);
		if (put && swap_from != SIZE_MAX) {
			swap_rows(out, swap_from, out->n - 1);
			swap_from = SIZE_MAX;
		}
		if (t && t->kind == TWIST_SWAPPED)
			swap_from = out->n - 1;
	}
}

/* Behind ServerHello. */
static tern_error into_main(struct handshake *hs)
{
	struct script *out = &scripts[hs->role][MAIN];
	tern_error error = script_hello[num_script_hello - 1].then(hs);
	make_script(out, hs->version->script, *hs->version->num_steps, hs);
	hs->script = out->rows;
	hs->num_steps = out->n;
	hs->at = SIZE_MAX; /* the driver goes one on */
	return error;
}

static void begin(struct handshake *hs)
{
	struct script *out = &scripts[hs->role][HELLO];
	puts_so_far[hs->role] = 0;
	make_script(out, script_hello, num_script_hello, hs);
	out->rows[out->n - 1].then = into_main;
	hs->script = out->rows;
	hs->num_steps = out->n;
}

void twist_meet(tern_conn *conn, const struct course *course, const struct malice_case *c)
{
	doing = c;
	following = course;
	recording = NULL;
	begin(conn->hs);
}

void twist_record(tern_conn *conn, struct course *course)
{
	doing = NULL;
	following = NULL;
	recording = course;
	begin(conn->hs);
}
