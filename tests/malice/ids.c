/* Connection IDs: taken off, changed and put on by whoever is on the path; and a peer that gives and asks for them
 * against the rules (RFC 9146 3, RFC 9147 9). */
#include <stdio.h>

#include "handshake/keys13.h"
#include "malice/malice.h"
#include "wire/messages13.h"
#include "wire/record13.h"

size_t cid_len_of(const struct course *course, unsigned to)
{
	const uint8_t *ids = course->scenario->ids;
	return ids[to] && ids[!to] ? ids[to] - 1u : 0;
}

/* ---- on the path ---- */

enum id_tamper { ID_STRIPPED, ID_OF_ANOTHER, ID_CUT, ID_EXTENDED, ID_RANDOM, ID_ADDED, NUM_ID_TAMPERS };
static const char *const id_tamper_names[NUM_ID_TAMPERS] = {"stripped", "another", "cut",
							    "extended", "random",  "added"};

/* In place of have bytes at p + at come want. */
static size_t resize(uint8_t *p, size_t n, size_t at, size_t have, size_t want)
{
	memmove(p + at + want, p + at + have, n - at - have);
	return n + want - have;
}

size_t tamper_id(const struct stage *s, unsigned to, uint8_t *p, size_t n)
{
	bool unified = (p[0] & UNIFIED_FIXED_MASK) == UNIFIED_FIXED;
	size_t at = unified ? 1 : RECORD12_CID_AT, len = cid_len_of(s->course, to);
	switch ((enum id_tamper)s->c->number) {
	case ID_STRIPPED:
		p[0] = unified ? p[0] & (uint8_t)~UNIFIED_CID : s->c->content;
		return resize(p, n, at, len, 0);
	case ID_OF_ANOTHER:
		p[at + len - 1] ^= 1;
		return n;
	case ID_CUT:
		return resize(p, n, at, len, len - 1);
	case ID_EXTENDED:
		return resize(p, n, at + len, 0, 1);
	case ID_RANDOM:
		pcg_fill(&s->world->rng, p + at, len);
		return n;
	default:
		n = resize(p, n, at, 0, ID_ROOM);
		memset(p + at, 0x5a, ID_ROOM);
		p[0] = unified ? p[0] | UNIFIED_CID : CONTENT_TLS12_CID;
		return n;
	}
}

/* Besides: the right record comes behind it, and must be taken. */
static void tampered_ids(struct course *course, run_fn *run, void *user)
{
	static const uint8_t types[] = {CONTENT_APPLICATION_DATA, CONTENT_HANDSHAKE};
	for (size_t unit = 0; unit < course->num_units; unit++)
		for (unsigned n = 0; n < 2 * NUM_ID_TAMPERS; n++) {
			const struct unit *u = &course->units[unit];
			struct malice_case c = {.unit = unit, .victim = u->to, .tamper = TAMPER_ID};
			bool has_id = cid_len_of(course, u->to) > 0;
			c.number = n / 2;
			c.seq_offset = (int)(n & 1);
			c.content = types[unit & 1];
			c.due.void_case = u->plain || has_id == (c.number == ID_ADDED);
			snprintf(c.name, sizeof c.name, "%s/id/%zu/%s/%s", course->scenario->name, unit,
				 id_tamper_names[c.number], n & 1 ? "besides" : "instead");
			run(user, course, &c);
		}
}

/* ---- a peer with keys ---- */

#define MANY 40 /* in one message, or messages in one datagram */
#define OTHERS 7 /* different ones in it: a side keeps so many beside the one in use */

enum list_form { LIST_NONE, LIST_IN_USE, LIST_EMPTY_ONE, LIST_ONE, LIST_DOUBLED, LIST_MANY };
enum body_form { BODY_AS_IS, BODY_CUT, BODY_EXTENDED, BODY_LIST_CUT };

static const struct message_form {
	const char *name;
	uint8_t type, usage; /* usage: or how many are asked for */
	enum list_form list;
	enum body_form body;
	unsigned times;
	tern_error error;
} forms[] = {
	{"none", NEW_CONNECTION_ID, CID_SPARE, LIST_NONE, BODY_AS_IS, 1, TERN_OK},
	{"none-for-now", NEW_CONNECTION_ID, CID_IMMEDIATE, LIST_NONE, BODY_AS_IS, 1, TERN_ERROR_ILLEGAL_PARAMETER},
	{"in-use", NEW_CONNECTION_ID, CID_SPARE, LIST_IN_USE, BODY_AS_IS, 1, TERN_OK},
	{"in-use-for-now", NEW_CONNECTION_ID, CID_IMMEDIATE, LIST_IN_USE, BODY_AS_IS, 1, TERN_ERROR_BUDGET},
	{"empty", NEW_CONNECTION_ID, CID_SPARE, LIST_EMPTY_ONE, BODY_AS_IS, 1, TERN_ERROR_ILLEGAL_PARAMETER},
	{"empty-for-now", NEW_CONNECTION_ID, CID_IMMEDIATE, LIST_EMPTY_ONE, BODY_AS_IS, 1,
	 TERN_ERROR_ILLEGAL_PARAMETER},
	{"usage-2", NEW_CONNECTION_ID, 2, LIST_ONE, BODY_AS_IS, 1, TERN_ERROR_ILLEGAL_PARAMETER},
	{"usage-255", NEW_CONNECTION_ID, 255, LIST_ONE, BODY_AS_IS, 1, TERN_ERROR_ILLEGAL_PARAMETER},
	{"doubled", NEW_CONNECTION_ID, CID_SPARE, LIST_DOUBLED, BODY_AS_IS, 1, TERN_OK},
	{"doubled-for-now", NEW_CONNECTION_ID, CID_IMMEDIATE, LIST_DOUBLED, BODY_AS_IS, 1, TERN_OK},
	{"many", NEW_CONNECTION_ID, CID_SPARE, LIST_MANY, BODY_AS_IS, 1, TERN_OK},
	{"many-for-now", NEW_CONNECTION_ID, CID_IMMEDIATE, LIST_MANY, BODY_AS_IS, 1, TERN_OK},
	{"many-again", NEW_CONNECTION_ID, CID_SPARE, LIST_MANY, BODY_AS_IS, MANY, TERN_OK},
	{"cut", NEW_CONNECTION_ID, CID_SPARE, LIST_ONE, BODY_CUT, 1, TERN_ERROR_DECODE},
	{"extended", NEW_CONNECTION_ID, CID_SPARE, LIST_ONE, BODY_EXTENDED, 1, TERN_ERROR_DECODE},
	{"list-cut", NEW_CONNECTION_ID, CID_SPARE, LIST_ONE, BODY_LIST_CUT, 1, TERN_ERROR_DECODE},
	{"request-0", REQUEST_CONNECTION_ID, 0, LIST_NONE, BODY_AS_IS, 1, TERN_OK},
	{"request-1", REQUEST_CONNECTION_ID, 1, LIST_NONE, BODY_AS_IS, 1, TERN_OK},
	{"request-255", REQUEST_CONNECTION_ID, 255, LIST_NONE, BODY_AS_IS, 1, TERN_OK},
	{"request-cut", REQUEST_CONNECTION_ID, 1, LIST_NONE, BODY_CUT, 1, TERN_ERROR_DECODE},
	{"request-extended", REQUEST_CONNECTION_ID, 1, LIST_NONE, BODY_EXTENDED, 1, TERN_ERROR_DECODE},
	{"request-flood", REQUEST_CONNECTION_ID, 1, LIST_NONE, BODY_AS_IS, MANY, TERN_ERROR_TOO_MANY_CIDS},
};
#define NUM_FORMS (sizeof forms / sizeof forms[0])

/* IDs that the culprit would take, had it room. */
static void put_ids(struct wr *w, tern_conn *culprit, size_t num)
{
	struct cids *cids = &culprit->records.cids;
	uint8_t id[ID_ROOM];
	size_t same;
	for (size_t i = 0; i < num; i++) {
		memset(id, (int)(0xa0 + i % OTHERS), sizeof id);
		if (!cids_match(cids, span_of(id, sizeof id), &same) &&
		    cids_add(cids, &culprit->pool->config->heap, CID_OURS, span_of(id, sizeof id)) != TERN_OK)
			return;
		wr_vec8(w, span_of(id, sizeof id));
	}
}

static void put_list(struct wr *w, const struct message_form *form, tern_conn *culprit)
{
	static const size_t nums[] = {[LIST_ONE] = 1, [LIST_MANY] = MANY};
	bool has_id = culprit->records.cids.len[CID_OURS] > 0;
	if (form->list == LIST_EMPTY_ONE)
		wr_vec8(w, span_of(NULL, 0));
	else if (!has_id || form->list == LIST_NONE)
		return;
	else if (form->list == LIST_IN_USE)
		wr_vec8(w, cids_at(&culprit->records.cids, CID_OURS, 0));
	else if (form->list != LIST_DOUBLED)
		put_ids(w, culprit, nums[form->list]);
	else
		for (int i = 0; i < 2; i++)
			put_ids(w, culprit, 1);
}

static size_t put_message(uint8_t *out, const struct message_form *form, tern_conn *culprit, uint16_t seq)
{
	uint8_t list[MANY * (1 + ID_ROOM)], body[sizeof list + 8];
	struct wr lw = wr_of(list, sizeof list), bw = wr_of(body, sizeof body);
	struct wr w = wr_of(out, SIM_DATAGRAM_MAX);
	struct fragment f = {.type = form->type, .message_seq = seq};
	put_list(&lw, form, culprit);
	if (form->type == REQUEST_CONNECTION_ID)
		put_request_connection_id(&bw, form->usage);
	else
		put_new_connection_id(&bw, &(struct new_connection_id){wr_span(&lw), form->usage});
	if (form->body == BODY_EXTENDED)
		wr_u8(&bw, 0);
	else if (form->body == BODY_LIST_CUT)
		body[1]--;
	bw.n -= form->body == BODY_CUT;
	f.length = (uint32_t)bw.n;
	put_fragment_header(&w, &f, f.length);
	wr_bytes(&w, wr_span(&bw));
	return w.n;
}

/* Who sends without an ID is given none, and who has none is not asked for any. */
static struct outcome_due due_of(const struct stage *s, const struct malice_case *c)
{
	const struct message_form *form = &forms[c->number];
	const struct cids *cids = &conn_of(s, c->victim)->records.cids;
	bool sends = cids->len[form->type == NEW_CONNECTION_ID ? CID_PEERS : CID_OURS] > 0;
	tern_error error = form->error == TERN_ERROR_DECODE || sends ? form->error : TERN_ERROR_UNEXPECTED_MESSAGE;
	if (!s->was_connected[c->victim] || !is_13(s->course) || c->epoch < EPOCH_DATA)
		return rule_sealed_message(s, c, c->epoch);
	return (struct outcome_due){.come = error == TERN_OK ? COMPLETES : FATAL_LATE, .error = error};
}

static size_t build_id_message(struct stage *s, const struct malice_case *c, uint8_t *out, struct outcome_due *due)
{
	const struct message_form *form = &forms[c->number];
	tern_conn *victim = conn_of(s, c->victim), *culprit = conn_of(s, !c->victim);
	unsigned times = s->was_connected[c->victim] ? form->times : 1;
	size_t total = 0;
	if (!victim || !culprit)
		return 0;
	*due = due_of(s, c);
	for (unsigned i = 0; i < times; i++) {
		uint8_t message[SIM_DATAGRAM_MAX], record[SIM_DATAGRAM_MAX];
		size_t n = put_message(message, form, culprit, (uint16_t)(expected_seq(victim) + i));
		n = seal_among(s, c, message, n, record);
		if (n == 0 || total + n > SIM_DATAGRAM_MAX)
			break;
		memcpy(out + total, record, n);
		total += n;
	}
	return total;
}

static void id_messages(struct course *course, run_fn *run, void *user)
{
	for (size_t unit = 1; unit < course->num_units; unit++)
		for (unsigned n = 0; n < 2 * 3 * NUM_FORMS; n++) {
			struct malice_case c = {.unit = unit, .victim = n & 1, .build = build_id_message};
			c.content = CONTENT_HANDSHAKE;
			c.epoch = (uint16_t)(1 + n / 2 % 3);
			c.number = n / 6;
			c.type = forms[c.number].type;
			snprintf(c.name, sizeof c.name, "%s/id-message/%s/%zu/%s/epoch-%u", course->scenario->name,
				 c.victim == CLIENT ? "client" : "server", unit, forms[c.number].name, c.epoch);
			run(user, course, &c);
		}
}

void id_cases(struct course *course, run_fn *run, void *user)
{
	tampered_ids(course, run, user);
	if (cid_len_of(course, CLIENT) || cid_len_of(course, SERVER))
		id_messages(course, run, user);
}
