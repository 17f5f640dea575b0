/* Addresses: records that come from where the client is not, and messages of the return routability check out of place
 * (RFC 9146 6, RFC 9853). The server goes where the client has proved to be, and nowhere else. */
#include <stdio.h>

#include "connection/path.h"
#include "malice/malice.h"
#include "wire/record13.h"

#define AWAY 5
#define THIRD 6

/* ---- records that go astray ---- */

enum astray { ASTRAY_MOVED, ASTRAY_COPY_FIRST, ASTRAY_COPY_LATER, ASTRAY_STORM, NUM_ASTRAYS };
static const char *const astray_names[NUM_ASTRAYS] = {"moved", "copied-first", "copied-later", "storm"};

bool goes_on_astray(const struct malice_case *c)
{
	return c->tamper == TAMPER_ASTRAY && c->number == ASTRAY_STORM;
}

static void pass_from(struct stage *s, uint8_t address, unsigned to, const uint8_t *p, size_t n)
{
	struct world *w = s->world;
	uint8_t here = w->address;
	w->address = to == SERVER ? address : here;
	world_inject(w, to, p, n, LINK_DELAY_NS);
	w->address = here;
}

void go_astray(struct stage *s, unsigned to, const uint8_t *p, size_t n)
{
	enum astray how = (enum astray)s->c->number;
	if (how == ASTRAY_COPY_LATER)
		pass_from(s, s->world->address, to, p, n);
	pass_from(s, how == ASTRAY_STORM ? (uint8_t)(1 + s->num_units % (ADDRESSES - 1)) : AWAY, to, p, n);
	if (how == ASTRAY_COPY_FIRST)
		pass_from(s, s->world->address, to, p, n);
}

static void astray_cases(struct course *course, run_fn *run, void *user)
{
	for (size_t unit = 0; unit < course->num_units; unit++)
		for (unsigned n = 0; n < NUM_ASTRAYS; n++) {
			const struct unit *u = &course->units[unit];
			struct malice_case c = {.unit = unit, .victim = SERVER, .number = n, .tamper = TAMPER_ASTRAY};
			c.due.void_case = u->plain || u->to != SERVER;
			snprintf(c.name, sizeof c.name, "%s/astray/%zu/%s", course->scenario->name, unit,
				 astray_names[n]);
			run(user, course, &c);
		}
}

static void arrive_from(struct stage *s, uint8_t address, const uint8_t *p, size_t n)
{
	uint8_t copy[SIM_DATAGRAM_MAX];
	struct host *h = &s->world->hosts[SERVER];
	memcpy(copy, p, n);
	ladder_note(s->world, SERVER, "hears %zu bytes from address %u", n, address);
	ladder_datagram(s->world, CLIENT, p, n, 0, NULL);
	h->heard_from = address;
	address_heard(&s->world->inv, address, n);
	host_receive(h, copy, n);
	h->heard_from = s->world->address;
}

static bool is_protected(const struct buffer *b)
{
	struct rd r = rd_of(span_of(b->bytes, b->n));
	struct record12 record;
	if (b->bytes[0] == CONTENT_TLS12_CID || (b->bytes[0] & UNIFIED_FIXED_MASK) == UNIFIED_FIXED)
		return true;
	return get_record12(&r, &record) && record.epoch != 0;
}

/* What does not authenticate gets nothing sent to where it comes from. */
static void act_replay(struct stage *s, const struct malice_case *c, struct outcome_due *due)
{
	struct world *w = s->world;
	const struct buffer *b = &w->caught[c->number];
	const tern_conn *server = conn_of(s, SERVER);
	uint64_t opened;
	if (c->number >= w->num_caught || w->caught_to[c->number] != SERVER || !server || !is_protected(b)) {
		due->void_case = true;
		return;
	}
	opened = server->opened;
	arrive_from(s, AWAY, b->bytes, b->n);
	if (server->opened == opened && w->inv.addresses[AWAY].out)
		invariants_fail(&w->inv, "a replay from elsewhere is answered there");
}

static void replays_from_elsewhere(struct course *course, run_fn *run, void *user)
{
	for (size_t unit = 1; unit < course->num_units; unit++)
		for (unsigned n = 0; n < SIM_CAUGHT; n++) {
			struct malice_case c = {.unit = unit, .victim = SERVER, .number = n, .act = act_replay};
			snprintf(c.name, sizeof c.name, "%s/replay-elsewhere/%zu/datagram-%u", course->scenario->name,
				 unit, n);
			run(user, course, &c);
		}
}

/* ---- messages of a peer with keys ---- */

enum shape { SHAPE_EXACT, SHAPE_CUT, SHAPE_EXTENDED, SHAPE_EMPTY, SHAPE_FLOOD, NUM_SHAPES };
static const char *const shape_names[NUM_SHAPES] = {"exact", "cut", "extended", "empty", "flood"};
static const uint8_t types[] = {RRC_PATH_CHALLENGE, RRC_PATH_RESPONSE, RRC_PATH_DROP, 3, 255};
#define FLOOD 20

static size_t put_check(uint8_t *out, uint8_t type, const uint8_t *cookie, enum shape shape)
{
	size_t n = shape == SHAPE_CUT ? RRC_LEN - 1 : shape == SHAPE_EXTENDED ? RRC_LEN + 1 : RRC_LEN;
	memset(out, 0, RRC_LEN + 1);
	out[0] = type;
	memcpy(out + 1, cookie, RRC_COOKIE);
	return shape == SHAPE_EMPTY ? 0 : n;
}

/* Whatever is asked for by nobody, or where it cannot be, changes nothing. */
static size_t build_check(struct stage *s, const struct malice_case *c, uint8_t *out, struct outcome_due *due)
{
	uint8_t body[RRC_LEN + 1], cookie[RRC_COOKIE] = {0};
	size_t len = put_check(body, c->type, cookie, (enum shape)c->number), total = 0;
	unsigned times = c->number == SHAPE_FLOOD ? FLOOD : 1;
	(void)due;
	for (unsigned i = 0; i < times; i++) {
		size_t n = seal_among(s, c, body, len, out + total);
		total += n;
		if (!n || total > SIM_DATAGRAM_MAX / 2)
			break;
	}
	return total;
}

static void unasked_checks(struct course *course, run_fn *run, void *user)
{
	for (size_t unit = 1; unit < course->num_units; unit++)
		for (unsigned n = 0; n < 2 * 3 * NUM_SHAPES * sizeof types; n++) {
			struct malice_case c = {.unit = unit, .victim = n & 1, .build = build_check};
			c.content = CONTENT_RETURN_ROUTABILITY_CHECK;
			c.epoch = (uint16_t)(1 + n / 2 % 3);
			c.number = n / 6 % NUM_SHAPES;
			c.type = types[n / 6 / NUM_SHAPES];
			snprintf(c.name, sizeof c.name, "%s/check/%s/%zu/type-%u/%s/epoch-%u", course->scenario->name,
				 c.victim == CLIENT ? "client" : "server", unit, c.type, shape_names[c.number],
				 c.epoch);
			run(user, course, &c);
		}
}

/* ---- while the server looks into an address ---- */

enum cookie { COOKIE_RIGHT, COOKIE_NEARLY, COOKIE_ZEROS, NUM_COOKIES };
static const char *const cookie_names[NUM_COOKIES] = {"right", "nearly", "zeros"};
static const uint8_t froms[] = {0, AWAY, THIRD};

static size_t seal_check(struct stage *s, const struct malice_case *c, uint8_t type, const uint8_t *cookie,
			 enum shape shape, uint8_t *out)
{
	struct malice_case sealed = *c;
	uint8_t body[RRC_LEN + 1];
	sealed.content = CONTENT_RETURN_ROUTABILITY_CHECK;
	sealed.epoch = conn_of(s, CLIENT)->write_epoch;
	return seal_for(s, &sealed, body, put_check(body, type, cookie, shape), out);
}

static void expect_address(struct stage *s, uint8_t address)
{
	tern_path path;
	if (!tern_conn_path(conn_of(s, SERVER), &path) || path.remote.bytes[1] != 1 + address)
		invariants_fail(&s->world->inv, "the server is not at address %u", address);
}

/* The client itself is heard from elsewhere, the server asks, and an answer comes: of this type, with that cookie, from
 * there. Then the very same comes once more, from a third address. */
static void act_answer(struct stage *s, const struct malice_case *c, struct outcome_due *due)
{
	uint8_t out[SIM_DATAGRAM_MAX], cookie[RRC_COOKIE] = {0};
	const struct paths *p = s->was_connected[CLIENT] && s->was_connected[SERVER] ? conn_of(s, SERVER)->paths : NULL;
	uint8_t from = froms[c->epoch];
	bool moves;
	size_t n;
	due->void_case = !p || !p->checks || p->moves || !cid_len_of(s->course, SERVER);
	if (due->void_case)
		return;
	n = seal_check(s, c, 255, cookie, SHAPE_EXACT, out);
	arrive_from(s, AWAY, out, n);
	if (!p->moves || p->moves->phase == CHECK_NONE || !p->moves->check[p->moves->phase].sent) {
		invariants_fail(&s->world->inv, "the server does not ask");
		return;
	}
	if (c->content != COOKIE_ZEROS)
		memcpy(cookie, p->moves->check[p->moves->phase].each[0].cookie, sizeof cookie);
	cookie[RRC_COOKIE - 1] ^= c->content == COOKIE_NEARLY;
	moves = p->moves->phase == CHECK_NEW && c->type == RRC_PATH_RESPONSE && c->content == COOKIE_RIGHT &&
		c->number == SHAPE_EXACT && from == AWAY;
	n = seal_check(s, c, c->type, cookie, (enum shape)c->number, out);
	for (int again = 0; again < 2; again++) {
		arrive_from(s, again ? THIRD : from, out, n);
		expect_address(s, moves ? AWAY : 0);
	}
	s->moves = moves;
	if (moves) /* it proved the address: what it did not get there is its own fault */
		due->come = CLEAN;
}

static void answers(struct course *course, run_fn *run, void *user)
{
	for (size_t unit = 1; unit < course->num_units; unit++)
		for (unsigned n = 0; n < 3 * NUM_COOKIES * SHAPE_FLOOD * sizeof types; n++) {
			struct malice_case c = {.unit = unit, .victim = SERVER, .act = act_answer};
			c.epoch = (uint16_t)(n % 3);
			c.content = (uint8_t)(n / 3 % NUM_COOKIES);
			c.number = n / 3 / NUM_COOKIES % SHAPE_FLOOD;
			c.type = types[n / 3 / NUM_COOKIES / SHAPE_FLOOD];
			snprintf(c.name, sizeof c.name, "%s/answer/%zu/type-%u/%s/%s/from-%u", course->scenario->name,
				 unit, c.type, cookie_names[c.content], shape_names[c.number], froms[c.epoch]);
			run(user, course, &c);
		}
}

void check_cases(struct course *course, run_fn *run, void *user)
{
	if (!course->scenario->ids[CLIENT] || !course->scenario->ids[SERVER])
		return;
	astray_cases(course, run, user);
	replays_from_elsewhere(course, run, user);
	unasked_checks(course, run, user);
	answers(course, run, user);
}
