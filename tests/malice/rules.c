/* What must come of a misdeed: from the course a handshake takes undisturbed and what the RFCs say of messages out of
 * turn. A misfit under the right protection is fatal (RFC 5246 7.4, RFC 8446 4); what anybody could have sent where
 * protection is due is dropped (RFC 6347 4.1.2.7, RFC 9147 4.5.2); what is lost or damaged on the way is made good. */
#include "malice/malice.h"

#define NO_FIT SIZE_MAX

static struct outcome_due completes(void)
{
	return (struct outcome_due){.come = COMPLETES};
}

static struct outcome_due fatal(tern_error error)
{
	return (struct outcome_due){.come = FATAL, .error = error};
}

static struct outcome_due comes(enum come come)
{
	return (struct outcome_due){.come = come};
}

/* Which of what is due, from at on, the type is. */
static size_t fit(const struct course *course, unsigned victim, size_t at, uint8_t type)
{
	const struct due *due = course->due[victim];
	for (size_t i = at; i < course->num_due[victim]; i++) {
		/* Who may send a certificate compressed may send it plain: RFC 8879 4. */
		if (due[i].type == type || (due[i].type == COMPRESSED_CERTIFICATE && type == CERTIFICATE))
			return i;
		if (!due[i].optional)
			return NO_FIT;
	}
	return NO_FIT;
}

size_t due_at(const struct course *course, unsigned victim, size_t units)
{
	size_t at = 0;
	for (size_t i = 0; i < units && i < course->num_units; i++) {
		const struct unit *u = &course->units[i];
		size_t found;
		if (u->to != victim || u->content != CONTENT_HANDSHAKE || u->epoch > 2)
			continue;
		found = fit(course, victim, at, u->type);
		at = found == NO_FIT ? at : found + 1;
	}
	return at;
}

uint16_t next_seq(const struct course *course, unsigned victim, size_t units)
{
	uint16_t next = 0;
	for (size_t i = 0; i < units && i < course->num_units; i++) {
		const struct unit *u = &course->units[i];
		if (u->to == victim && u->content == CONTENT_HANDSHAKE && u->message_seq >= next)
			next = (uint16_t)(u->message_seq + 1);
	}
	return next;
}

/* Early data tells nothing of the handshake. */
bool is_early_epoch(const struct course *course, uint16_t epoch)
{
	return is_13(course) && epoch == 1;
}

bool heard_before(const struct course *course, unsigned victim, size_t units)
{
	for (size_t i = 0; i < units && i < course->num_units; i++) {
		const struct unit *u = &course->units[i];
		if (u->to == victim && u->epoch && !is_early_epoch(course, u->epoch))
			return true;
	}
	return false;
}

/* ---- one message too many ---- */

/* A client that waits for the first answer takes any of the three. */
static bool is_first_answer(uint8_t type)
{
	return type == HELLO_VERIFY_REQUEST || type == SERVER_HELLO;
}

/* A message of no sense with the number of the one that is due. */
static struct outcome_due out_of_turn(const struct course *course, unsigned victim, size_t at, uint8_t type)
{
	const struct due *due = &course->due[victim][at];
	if (type == HELLO_REQUEST && (due->epoch == 0 || !is_13(course)))
		return completes(); /* RFC 5246 7.4.1.1 */
	if (fit(course, victim, at, type) != NO_FIT || (is_first_answer(type) && is_first_answer(due->type)))
		return fatal(TERN_OK);
	return fatal(TERN_ERROR_UNEXPECTED_MESSAGE);
}

struct outcome_due rule_plain_message(const struct course *course, const struct malice_case *c)
{
	size_t at = due_at(course, c->victim, c->unit), end = course->num_due[c->victim];
	const struct due *due = course->due[c->victim];
	bool no_victim = c->victim == SERVER && c->unit < course->accepted;
	if (no_victim && (course->scenario->flags & SIM_NO_COOKIE) && c->type == CLIENT_HELLO)
		return comes(CLEAN); /* the first hello wins where no cookie is asked for */
	if (no_victim || at == end || c->seq_offset < 0 || c->seq_offset > 1 || due[at].epoch)
		return completes();
	if (c->seq_offset == 0)
		return out_of_turn(course, c->victim, at, c->type);
	/* It waits for its turn, and keeps the right one out: nothing in clear is safe from that. */
	return at + 1 < end && due[at + 1].epoch == 0 ? comes(CLEAN) : completes();
}

struct outcome_due rule_sealed_message(const struct stage *s, const struct malice_case *c, uint16_t epoch)
{
	const struct course *course = s->course;
	size_t at = due_at(course, c->victim, c->unit);
	bool over = s->world->hosts[c->victim].peers[0].connected;
	if (over && !is_13(course))
		return completes(); /* there is no renegotiation */
	if (over)
		return (struct outcome_due){.come = FATAL_LATE};
	if (at == course->num_due[c->victim])
		return comes(CLEAN);
	if (course->due[c->victim][at].epoch != epoch)
		return completes();
	return out_of_turn(course, c->victim, at, c->type);
}

/* ---- a peer with a script of its own ---- */

struct sent {
	struct put put;
	bool spoilt; /* cut, emptied, extended, or of our making */
};

static void apply(const struct twist *t, struct put put, struct sent *out, size_t *n)
{
	struct sent as_is = {put, false}, spoilt = {put, true};
	switch (t->kind) {
	case TWIST_DELETED:
		return;
	case TWIST_RETYPED:
		spoilt.put.type = t->type;
		out[(*n)++] = spoilt;
		return;
	case TWIST_INSERTED:
		spoilt.put.type = t->type;
		spoilt.put.ccs = false;
		out[(*n)++] = spoilt;
		break;
	case TWIST_DOUBLED:
		out[(*n)++] = as_is;
		break;
	case TWIST_CUT:
	case TWIST_EMPTIED:
		as_is.spoilt = put.len != 0;
		break;
	case TWIST_EXTENDED:
		as_is.spoilt = true;
		break;
	default:
		break;
	}
	out[(*n)++] = as_is;
}

/* Everything the culprit sends that its script has, in order. The epoch of what was swapped goes with the place. */
static size_t stream(const struct course *course, const struct malice_case *c, struct sent *out)
{
	const struct put *puts = course->puts[!c->victim];
	size_t n = 0;
	for (size_t i = 0; i < course->num_puts[!c->victim]; i++) {
		const struct twist *t = NULL;
		for (size_t k = 0; k < c->num_twists; k++)
			t = c->twists[k].at == i ? &c->twists[k] : t;
		if (t && t->kind == TWIST_SWAPPED) {
			struct sent a = {puts[i + 1], false}, b = {puts[i], false};
			a.put.epoch = puts[i].epoch;
			b.put.epoch = a.put.ccs && i + 2 < course->num_puts[!c->victim] ? puts[i + 2].epoch
											: puts[i + 1].epoch;
			out[n++] = a;
			out[n++] = b;
			i++;
		} else if (t) {
			apply(t, puts[i], out, &n);
		} else {
			out[n++] = (struct sent){puts[i], false};
		}
	}
	return n;
}

struct walk {
	const struct course *course;
	unsigned victim;
	size_t start, at;
	bool ccs;
};

/* What the victim must have taken before the culprit's turn comes for the put with this number. */
static size_t due_before(const struct course *course, unsigned victim, size_t at, uint16_t flight)
{
	const struct put *puts = course->puts[!victim];
	for (size_t i = 0; i < course->num_puts[!victim] && puts[i].flight < flight; i++) {
		size_t found = puts[i].ccs ? NO_FIT : fit(course, victim, at, puts[i].type);
		at = found == NO_FIT ? at : found + 1;
	}
	return at;
}

static bool turn_comes(const struct walk *w, const struct put *next)
{
	size_t need = due_before(w->course, w->victim, w->start, next->flight);
	for (size_t i = w->at; i < need; i++)
		if (!w->course->due[w->victim][i].optional)
			return false;
	return true;
}

/* What the victim makes of the next message; COMPLETES: it goes on. */
static struct outcome_due take(struct walk *w, const struct sent *s)
{
	const struct course *course = w->course;
	const struct due *due = &course->due[w->victim][w->at];
	size_t found;
	if (!turn_comes(w, &s->put))
		return comes(STALLS);
	if (s->put.ccs) {
		w->ccs |= !s->spoilt;
		return completes();
	}
	if (w->at == course->num_due[w->victim])
		return comes(is_13(course) ? FATAL_LATE : CLEAN);
	/* The endpoint takes it for another client. */
	if (s->put.type == CLIENT_HELLO && s->put.epoch == 0 && w->victim == SERVER)
		return comes(CLEAN);
	if (s->put.epoch != due->epoch || (s->put.type == HELLO_REQUEST && (due->epoch == 0 || !is_13(course))))
		return comes(STALLS);
	if (is_first_answer(s->put.type) && is_first_answer(due->type) && s->spoilt)
		return fatal(TERN_OK);
	found = fit(course, w->victim, w->at, s->put.type);
	if (found == NO_FIT)
		return fatal(TERN_ERROR_UNEXPECTED_MESSAGE);
	if (!is_13(course) && s->put.type == FINISHED && !w->ccs)
		return comes(STALLS);
	w->at = found + 1;
	return s->spoilt ? fatal(TERN_OK) : completes();
}

/* Where the hellos end: what the culprit's script has comes behind. */
static size_t start_at(const struct course *course, unsigned victim)
{
	const struct due *due = course->due[victim];
	size_t at = 0;
	while (at < course->num_due[victim] && due[at].epoch == 0 &&
	       (due[at].type == CLIENT_HELLO || due[at].type == HELLO_VERIFY_REQUEST))
		at++;
	/* A HelloRetryRequest is no row of what is twisted. */
	while (at + 1 < course->num_due[victim] && due[at].type == SERVER_HELLO && due[at + 1].type == SERVER_HELLO)
		at++;
	return at;
}

static bool hint_is_missing(const struct course *course, const struct malice_case *c)
{
	bool missing = false;
	for (size_t i = 0; i < c->num_twists; i++)
		missing |= c->victim == CLIENT && course->puts[SERVER][c->twists[i].at].type == SERVER_KEY_EXCHANGE &&
			   (c->twists[i].kind == TWIST_DELETED || c->twists[i].kind == TWIST_SWAPPED);
	return missing;
}

struct outcome_due rule_twists(const struct course *course, const struct malice_case *c)
{
	struct sent sent[2 * PLAN_MAX + 2 * TWISTS_MAX];
	size_t start = start_at(course, c->victim);
	struct walk w = {course, c->victim, start, start, false};
	size_t n = stream(course, c, sent);
	bool twisted_late = false;
	/* A client that knows its key by the hint only does not find it without. */
	if ((course->scenario->flags & SIM_PSK_HINT) && hint_is_missing(course, c))
		return comes(CLEAN);
	for (size_t i = 0; i < n; i++) {
		struct outcome_due due = take(&w, &sent[i]);
		if (due.come != COMPLETES)
			return due;
	}
	for (size_t i = 0; i < c->num_twists; i++)
		twisted_late |= c->twists[i].kind == TWIST_DELETED && !course->puts[!c->victim][c->twists[i].at].ccs;
	if (w.at < course->num_due[c->victim] && !course->due[c->victim][w.at].optional)
		return comes(STALLS);
	/* The victim had nothing to object to: then the culprit trips over its own deed. */
	return twisted_late ? comes(CLEAN) : completes();
}

/* ---- records on their way ---- */

static bool is_plain_handshake(const struct unit *u)
{
	return u->plain && u->content == CONTENT_HANDSHAKE;
}

/* Loss, repetition, disorder and damage that shows are made good. What is well formed and in clear is believed. */
struct outcome_due rule_tamper(const struct course *course, const struct malice_case *c)
{
	const struct unit *u = &course->units[c->unit];
	bool without_state = c->victim == SERVER && c->unit < course->accepted;
	switch (c->tamper) {
	case TAMPER_CUT_WELL:
	case TAMPER_EMPTIED_WELL:
		if (u->type == SERVER_HELLO_DONE)
			return (struct outcome_due){.void_case = true};
		break;
	case TAMPER_EXTENDED_WELL:
		break;
	case TAMPER_FLIPPED:
		return u->plain ? comes(CLEAN) : completes();
	default:
		return completes();
	}
	if (!u->plain || !is_plain_handshake(u))
		return completes();
	if (without_state && !(course->scenario->flags & SIM_NO_COOKIE))
		return completes();
	return fatal(TERN_OK);
}
