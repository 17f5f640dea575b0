/* The misbehaving peer: it has the keys. */
#include "malice/malice.h"

#include <stdio.h>

#include "record/epochs.h"
#include "wire/ack.h"

static const char *side_name(unsigned side)
{
	return side == CLIENT ? "client" : "server";
}

/* ---- records under keys ---- */

/* In an epoch that the sender can write and the victim can read; NULL: there is none. */
static tern_conn *sender(const struct stage *s, const struct malice_case *c)
{
	tern_conn *from = conn_of(s, !c->victim), *to = conn_of(s, c->victim);
	bool possible = from && to && from->state != CONN_FAILED && epochs_peek_write(&from->records, c->epoch) &&
			epochs_read(&to->records, c->epoch);
	return possible ? from : NULL;
}

size_t seal_for(struct stage *s, const struct malice_case *c, const void *body, size_t n, uint8_t *out)
{
	struct wr w = wr_of(out, SIM_DATAGRAM_MAX);
	tern_conn *from = sender(s, c);
	bool done = from && record_seal(&from->records, c->epoch, c->content, span_of(body, n), &w, NULL) == TERN_OK;
	return done ? w.n : 0;
}

size_t seal_among(struct stage *s, const struct malice_case *c, const void *body, size_t n, uint8_t *out)
{
	struct wr w = wr_of(out, SIM_DATAGRAM_MAX);
	struct record_mark mark;
	tern_conn *from = sender(s, c);
	if (!from || record_begin(&from->records, c->epoch, c->content, &w, &mark) != TERN_OK)
		return 0;
	wr_bytes(&w, span_of(body, n));
	return record_end(&from->records, &w, &mark, NULL) == TERN_OK ? w.n : 0;
}

uint16_t expected_seq(const tern_conn *to)
{
	if (to->hs && !to->hs->complete)
		return (uint16_t)to->hs->inbox.next;
	return to->after ? (uint16_t)to->after->receive_seq : 0;
}

static size_t build_sealed_message(struct stage *s, const struct malice_case *c, uint8_t *out, struct outcome_due *due)
{
	static const uint8_t zeros[4];
	uint8_t message[HANDSHAKE_HEADER + sizeof zeros];
	struct wr w = wr_of(message, sizeof message);
	tern_conn *to = conn_of(s, c->victim);
	struct fragment f = {.type = c->type, .length = 4};
	if (!to)
		return 0;
	f.message_seq = expected_seq(to);
	put_fragment_header(&w, &f, 4);
	wr_bytes(&w, span_of(zeros, sizeof zeros));
	*due = rule_sealed_message(s, c, c->epoch);
	return seal_for(s, c, message, w.n, out);
}

void sealed_message_cases(struct course *course, run_fn *run, void *user)
{
	static const uint8_t types[] = {0, 1, 2, 3, 4, 5, 8, 11, 12, 13, 14, 15, 16, 20, 24, 25, 99, 254};
	for (size_t unit = 1; unit < course->num_units; unit++)
		for (unsigned n = 0; n < 2 * 3 * sizeof types; n++) {
			struct malice_case c = {.unit = unit, .victim = n & 1, .build = build_sealed_message};
			c.content = CONTENT_HANDSHAKE;
			c.epoch = (uint16_t)(1 + n / 2 % 3);
			c.type = types[n / 6];
			snprintf(c.name, sizeof c.name, "%s/sealed-message/%s/%zu/type-%u/epoch-%u",
				 course->scenario->name, side_name(c.victim), unit, c.type, c.epoch);
			run(user, course, &c);
		}
}

static size_t sealed_body(const struct stage *s, const struct malice_case *c, uint8_t body[32])
{
	struct wr w = wr_of(body, 32);
	struct record_number far = {conn_of(s, c->victim)->records.out.epoch + 1u, 0};
	static const uint8_t alerts[][2] = {{2, 40}, {1, 100}, {2, 0}};
	memset(body, 0, 32);
	if (c->content == CONTENT_ALERT) {
		memcpy(body, alerts[c->number % 3], 2);
		return 2;
	}
	if (c->content == CONTENT_ACK) {
		put_ack(&w, &far, c->number % 3 == 1);
		return w.n;
	}
	body[0] = 1;
	return c->number % 3 ? 20 : 1;
}

static size_t build_sealed_content(struct stage *s, const struct malice_case *c, uint8_t *out, struct outcome_due *due)
{
	const struct peer *v = &s->world->hosts[c->victim].peers[0];
	uint8_t body[32];
	bool early = is_early_epoch(s->course, c->epoch);
	bool data_epoch = early || (v->connected && c->epoch == (is_13(s->course) ? 3 : 1));
	if (!v->conn || (c->content == CONTENT_APPLICATION_DATA && data_epoch))
		return 0; /* that is what it is for */
	if (c->content == CONTENT_ALERT && c->number % 3 != 1)
		*due = (struct outcome_due){.come = v->connected ? FATAL_LATE : FATAL, .error = TERN_ERROR_PEER_ALERT};
	if (c->content == CONTENT_ACK && c->number % 3 == 1 && is_13(s->course) && !early) {
		due->come = v->connected ? FATAL_LATE : FATAL;
		due->error = TERN_ERROR_ILLEGAL_PARAMETER;
	}
	/* close_notify by whatever level; it ends an open connection without an error. */
	if (c->content == CONTENT_ALERT && c->number % 3 == 2 && v->connected)
		*due = (struct outcome_due){.come = CLEAN};
	return seal_for(s, c, body, sealed_body(s, c, body), out);
}

void sealed_content_cases(struct course *course, run_fn *run, void *user)
{
	static const uint8_t types[] = {0, 1, 19, 20, 21, 22, 23, 24, 25, 26, 27, 32, 47, 63, 64, 128, 255};
	for (size_t unit = 1; unit < course->num_units; unit++)
		for (unsigned n = 0; n < 2 * 3 * 3 * sizeof types; n++) {
			struct malice_case c = {.unit = unit, .victim = n & 1, .build = build_sealed_content};
			c.epoch = (uint16_t)(1 + n / 2 % 3);
			c.number = n / 6 % 3;
			c.content = types[n / 18];
			snprintf(c.name, sizeof c.name, "%s/sealed-content/%s/%zu/type-%u/epoch-%u/%u",
				 course->scenario->name, side_name(c.victim), unit, c.content, c.epoch, c.number);
			run(user, course, &c);
		}
}

/* ---- scripts of its own ---- */

static const char *const twist_names[NUM_TWISTS] = {"deleted", "doubled", "swapped",  "retyped",
						    "cut",     "emptied", "extended", "inserted"};

/* No misdeed: the rows are not neighbors in one flight, or it is no message of this kind. */
static bool makes_sense(const struct course *course, unsigned culprit, const struct twist *t)
{
	const struct put *puts = course->puts[culprit];
	if (t->kind == TWIST_SWAPPED)
		return t->at + 1 < course->num_puts[culprit] && puts[t->at].type != SERVER_HELLO &&
		       (puts[t->at].type != FINISHED || puts[t->at].ccs) && puts[t->at].type != SERVER_HELLO_DONE;
	if (t->kind == TWIST_RETYPED)
		return !puts[t->at].ccs && puts[t->at].type != t->type;
	return true;
}

static void name_twist(struct malice_case *c, const struct twist *t, const char *join)
{
	size_t n = strlen(c->name);
	snprintf(c->name + n, sizeof c->name - n, "%s%zu-%s-%u", join, t->at, twist_names[t->kind], t->type);
}

static void one_twist(struct course *course, run_fn *run, void *user, unsigned culprit, struct twist t)
{
	struct malice_case c = {.victim = !culprit, .twists = {t}, .num_twists = 1};
	if (!makes_sense(course, culprit, &t))
		return;
	snprintf(c.name, sizeof c.name, "%s/script/%s/", course->scenario->name, side_name(culprit));
	name_twist(&c, &t, "");
	c.due = rule_twists(course, &c);
	run(user, course, &c);
}

void twist_cases(struct course *course, run_fn *run, void *user)
{
	static const uint8_t types[] = {0, 1, 2, 3, 4, 8, 11, 12, 13, 14, 15, 16, 20, 24, 99};
	for (unsigned culprit = 0; culprit < 2; culprit++)
		for (size_t at = 0; at < course->num_puts[culprit]; at++)
			for (unsigned kind = 0; kind < NUM_TWISTS; kind++) {
				bool typed = kind == TWIST_RETYPED || kind == TWIST_INSERTED;
				for (size_t k = 0; k < (typed ? sizeof types : 1); k++)
					one_twist(course, run, user, culprit,
						  (struct twist){(enum twist_kind)kind, at, typed ? types[k] : 0});
			}
}

/* Two messages at once. */
void twist_pair_cases(struct course *course, run_fn *run, void *user)
{
	for (unsigned culprit = 0; culprit < 2; culprit++)
		for (size_t a = 0; a < course->num_puts[culprit]; a++)
			for (size_t b = a + 1; b < course->num_puts[culprit]; b++)
				for (unsigned k = 0; k < 4; k++) {
					struct malice_case c = {.victim = !culprit, .num_twists = 2};
					c.twists[0] = (struct twist){k & 1 ? TWIST_DOUBLED : TWIST_DELETED, a, 0};
					c.twists[1] = (struct twist){k & 2 ? TWIST_DOUBLED : TWIST_DELETED, b, 0};
					snprintf(c.name, sizeof c.name, "%s/script2/%s/", course->scenario->name,
						 side_name(culprit));
					name_twist(&c, &c.twists[0], "");
					name_twist(&c, &c.twists[1], "+");
					c.due = rule_twists(course, &c);
					run(user, course, &c);
				}
}
