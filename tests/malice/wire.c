/* The attacker on the path: sees everything, sends anything, has no keys. */
#include "malice/malice.h"

#include <stdio.h>

#include "connection/hello_slots.h"
#include "wire/ack.h"
#include "wire/record13.h"

static const uint8_t message_types[] = {HELLO_REQUEST,
					CLIENT_HELLO,
					SERVER_HELLO,
					HELLO_VERIFY_REQUEST,
					NEW_SESSION_TICKET,
					5,
					6,
					ENCRYPTED_EXTENSIONS,
					9,
					10,
					CERTIFICATE,
					SERVER_KEY_EXCHANGE,
					CERTIFICATE_REQUEST,
					SERVER_HELLO_DONE,
					CERTIFICATE_VERIFY,
					CLIENT_KEY_EXCHANGE,
					17,
					FINISHED,
					21,
					22,
					23,
					KEY_UPDATE,
					25,
					99,
					MESSAGE_HASH};

static const char *side_name(unsigned side)
{
	return side == CLIENT ? "client" : "server";
}

static size_t plain(uint8_t *out, uint8_t content, uint16_t epoch, uint64_t seq, const void *body, size_t n)
{
	struct record12 h = {.type = content, .version = VERSION_DTLS12, .epoch = epoch, .seq = seq};
	struct wr w = wr_of(out, SIM_DATAGRAM_MAX);
	put_record12_header(&w, &h, (uint16_t)n);
	wr_bytes(&w, span_of(body, n));
	return w.n;
}

/* ---- handshake messages in clear ---- */

/* Whole, or as a first piece that claims to be one of more: number is the length it claims. */
static size_t build_plain_message(struct stage *s, const struct malice_case *c, uint8_t *out, struct outcome_due *due)
{
	static const uint8_t zeros[4];
	uint8_t message[HANDSHAKE_HEADER + sizeof zeros];
	struct wr w = wr_of(message, sizeof message);
	int seq = (int)next_seq(s->course, c->victim, c->unit) + c->seq_offset;
	struct fragment f = {.type = c->type, .length = c->number, .message_seq = (uint16_t)seq};
	if (seq < 0)
		return 0;
	put_fragment_header(&w, &f, sizeof zeros);
	wr_bytes(&w, span_of(zeros, sizeof zeros));
	*due = rule_plain_message(s->course, c);
	/* A piece lies there and must not keep out the message whose number it has. */
	if (c->number > sizeof zeros && !(c->type == CLIENT_HELLO && due->come == CLEAN))
		due->come = COMPLETES;
	return plain(out, CONTENT_HANDSHAKE, 0, 4000, message, w.n);
}

void plain_message_cases(struct course *course, run_fn *run, void *user)
{
	static const struct {
		int offset;
		uint32_t length;
	} forms[] = {{-1, 4}, {0, 4}, {1, 4}, {12, 4}, {0, 4000}, {1, 4000}};
	for (size_t unit = 0; unit < course->num_units; unit++)
		for (unsigned n = 0; n < 2 * 6 * sizeof message_types; n++) {
			struct malice_case c = {.unit = unit, .victim = n & 1, .build = build_plain_message};
			c.number = forms[n / 2 % 6].length;
			c.seq_offset = forms[n / 2 % 6].offset;
			c.type = message_types[n / 12];
			snprintf(c.name, sizeof c.name, "%s/plain-message/%s/%zu/type-%u/seq%+d/of-%u",
				 course->scenario->name, side_name(c.victim), unit, c.type, c.seq_offset, c.number);
			run(user, course, &c);
		}
}

/* ---- content types and epochs ---- */

static size_t content_body(uint8_t content, uint8_t variant, uint8_t *body)
{
	static const uint8_t alerts[][2] = {{2, 40}, {1, 0}, {1, 100}, {2, 0}};
	static const uint8_t acks[][18] = {{0, 0}, {0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}};
	memset(body, 0, 32);
	switch (content) {
	case CONTENT_CHANGE_CIPHER_SPEC:
		body[0] = 1;
		return 1;
	case CONTENT_ALERT:
		memcpy(body, alerts[variant % 4], 2);
		return 2;
	case CONTENT_ACK:
		memcpy(body, acks[variant % 2], 18);
		return variant % 2 ? 18 : 2;
	default:
		return variant ? 32 : 5;
	}
}

static struct outcome_due rule_content(const struct course *course, const struct malice_case *c)
{
	struct outcome_due due = {.come = COMPLETES};
	bool no_victim = c->victim == SERVER && c->unit < course->accepted;
	bool ends = c->content == CONTENT_ALERT && c->epoch == 0 && c->number % 4 != 2;
	/* An alert in clear is believed until the peer was heard under keys. */
	if (ends && !no_victim && !heard_before(course, c->victim, c->unit))
		due = (struct outcome_due){.come = FATAL, .error = TERN_ERROR_PEER_ALERT};
	return due;
}

static size_t build_content(struct stage *s, const struct malice_case *c, uint8_t *out, struct outcome_due *due)
{
	uint8_t body[32];
	size_t n = content_body(c->content, (uint8_t)c->number, body);
	*due = rule_content(s->course, c);
	return plain(out, c->content, c->epoch, 50, body, n);
}

/* Any bits in the header of DTLS 1.3. */
static size_t build_unified(struct stage *s, const struct malice_case *c, uint8_t *out, struct outcome_due *due)
{
	(void)due;
	pcg_fill(&s->world->rng, out, 60);
	out[0] = c->content;
	return c->number ? 60 : 7;
}

static void one_content(struct course *course, run_fn *run, void *user, size_t unit, unsigned victim, unsigned content)
{
	static const uint16_t epochs[] = {0, 1, 2, 3, 4, 0xffff};
	unsigned variants = content == CONTENT_ALERT ? 4 : 2;
	for (unsigned n = 0; n < 6 * variants; n++) {
		struct malice_case c = {.unit = unit, .victim = victim, .content = (uint8_t)content};
		c.build = build_content;
		c.epoch = epochs[n / variants];
		c.number = n % variants;
		snprintf(c.name, sizeof c.name, "%s/content/%s/%zu/type-%u/epoch-%u/%u", course->scenario->name,
			 side_name(victim), unit, content, c.epoch, c.number);
		run(user, course, &c);
	}
}

void content_cases(struct course *course, run_fn *run, void *user)
{
	static const uint8_t types[] = {0, 1, 19, 20, 21, 22, 23, 24, 25, 26, 27, 63, 64, 128, 254, 255};
	for (size_t unit = 0; unit < course->num_units; unit++)
		for (unsigned victim = 0; victim < 2; victim++) {
			for (size_t i = 0; i < sizeof types; i++)
				one_content(course, run, user, unit, victim, types[i]);
			for (unsigned first = 0x20; first < 0x80; first++) {
				struct malice_case c = {.unit = unit,
							.victim = victim,
							.content = (uint8_t)(first / 2 + 0x10),
							.number = first & 1,
							.build = build_unified};
				snprintf(c.name, sizeof c.name, "%s/unified/%s/%zu/first-%02x/%u",
					 course->scenario->name, side_name(victim), unit, c.content, c.number);
				run(user, course, &c);
			}
		}
}

/* ---- replays ---- */

static size_t build_replay(struct stage *s, const struct malice_case *c, uint8_t *out, struct outcome_due *due)
{
	const struct world *w = s->world;
	const struct buffer *b = &w->caught[c->number];
	struct rd r = rd_of(span_of(b->bytes, b->n));
	struct record12 record;
	if (c->number >= w->num_caught || c->number >= SIM_CAUGHT)
		return 0;
	/* Reflected: what is in clear could be the peer's. */
	if (w->caught_to[c->number] != c->victim && get_record12(&r, &record) && record.epoch == 0)
		due->come = CLEAN;
	memcpy(out, b->bytes, b->n);
	return b->n;
}

void replay_cases(struct course *course, run_fn *run, void *user)
{
	for (size_t unit = 1; unit < course->num_units; unit++)
		for (unsigned n = 0; n < 2 * SIM_CAUGHT; n++) {
			struct malice_case c = {.unit = unit, .victim = n & 1, .number = n / 2, .build = build_replay};
			snprintf(c.name, sizeof c.name, "%s/replay/to-%s/%zu/datagram-%u", course->scenario->name,
				 side_name(c.victim), unit, c.number);
			run(user, course, &c);
		}
}

/* ---- a forged ClientHello against an association ---- */

static bool due_is_hello(const struct course *course, const struct malice_case *c)
{
	size_t at = due_at(course, SERVER, c->unit);
	return at < course->num_due[SERVER] && course->due[SERVER][at].type == CLIENT_HELLO;
}

/* The client's own first hello with another random, as somebody would send it who wants the association gone. fed: the
 * endpoint does not see that it is another client's. */
static void act_hello(struct stage *s, const struct malice_case *c, struct outcome_due *due)
{
	struct world *w = s->world;
	struct host *h = &w->hosts[SERVER];
	struct buffer b = w->caught[c->number / 4];
	tern_conn *conn = h->peers[0].conn;
	tern_event event;
	if (c->number / 4 >= w->num_caught || w->caught_to[c->number / 4] != SERVER || !conn ||
	    !tern_peek(b.bytes, b.n).client_hello || w->num_caught > SIM_CAUGHT) {
		due->void_case = true;
		return;
	}
	if (due_is_hello(s->course, c) && (c->number & 2))
		due->come = CLEAN; /* no cookie was asked for: whoever comes first wins */
	if (c->number & 2)
		b.bytes[RECORD12_HEADER + HANDSHAKE_HEADER + 5] ^= 0x55;
	ladder_note(w, SERVER, "a forged ClientHello");
	if (!(c->number & 1)) {
		host_receive(h, b.bytes, b.n);
		return;
	}
	if (tern_conn_feed(conn, b.bytes, b.n, NULL, host_time(h)) != TERN_OK)
		invariants_fail(&w->inv, "feed refuses");
	while (tern_conn_next(conn, &event, host_time(h)) == TERN_OK && event.kind != TERN_EVENT_NONE)
		continue;
	host_drain(h, &h->peers[0]);
}

void hello_cases(struct course *course, run_fn *run, void *user)
{
	for (size_t unit = 1; unit < course->num_units; unit++)
		for (unsigned n = 0; n < 4 * 3; n++) {
			struct malice_case c = {.unit = unit, .victim = SERVER, .number = n, .act = act_hello};
			snprintf(c.name, sizeof c.name, "%s/hello/%zu/datagram-%u/%s/%s", course->scenario->name, unit,
				 n / 4, n & 2 ? "forged" : "again", n & 1 ? "fed" : "heard");
			run(user, course, &c);
		}
}

/* ---- records changed on their way ---- */

void tamper_cases(struct course *course, run_fn *run, void *user)
{
	static const char *const names[NUM_TAMPERS] = {"",	   "dropped",	    "doubled",
						       "swapped",  "cut",	    "extended",
						       "cut-well", "extended-well", "emptied-well",
						       "retyped",  "flipped"};
	static const uint8_t types[] = {20, 21, 22, 23, 26, 63};
	for (size_t unit = 0; unit < course->num_units; unit++)
		for (unsigned t = TAMPER_DROPPED; t < TAMPER_FLIPPED; t++)
			for (size_t k = 0; k < (t == TAMPER_RETYPED ? sizeof types : 1); k++) {
				const struct unit *u = &course->units[unit];
				struct malice_case c = {.unit = unit, .victim = u->to, .tamper = (enum tamper)t};
				bool well = t >= TAMPER_CUT_WELL && t <= TAMPER_EMPTIED_WELL;
				c.content = types[k];
				if ((t == TAMPER_RETYPED && (is_13(course) ? !u->plain : 0)) || (well && !u->plain) ||
				    (t == TAMPER_RETYPED && u->content == types[k]))
					continue;
				c.due = rule_tamper(course, &c);
				snprintf(c.name, sizeof c.name, "%s/tamper/%zu/%s/%u", course->scenario->name, unit,
					 names[t], t == TAMPER_RETYPED ? (unsigned)types[k] : 0u);
				run(user, course, &c);
			}
}

/* One bit of every byte of the first 80. */
void flip_cases(struct course *course, run_fn *run, void *user)
{
	for (size_t unit = 0; unit < course->num_units; unit++)
		for (unsigned byte = 0; byte < 80; byte++) {
			struct malice_case c = {.unit = unit,
						.victim = course->units[unit].to,
						.tamper = TAMPER_FLIPPED};
			c.number = 8 * byte + (byte + (unsigned)unit) % 8;
			c.due = rule_tamper(course, &c);
			snprintf(c.name, sizeof c.name, "%s/flip/%zu/bit-%u", course->scenario->name, unit, c.number);
			run(user, course, &c);
		}
}
