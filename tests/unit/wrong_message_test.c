/* Messages where they do not belong: every type at every step of every kind of handshake, in plaintext and protected,
 * to both sides; and every message of a good handshake deleted, doubled, swapped, cut, extended or of another type.
 * Whatever happens, nobody is connected who has not seen the peer's proof. RFC 6347 4.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "handshake/step.h"
#include "pair.h"
#include "wire/handshake.h"

#define S UINT64_C(1000000000)
#define MESSAGE_MAX 1100

enum kind { PLAIN, MUTUAL, PSK, ECDHE_PSK, RESUMED, NUM_KINDS };
static const char *const kinds[NUM_KINDS] = {"certificate", "mutual", "PSK", "ECDHE-PSK", "resumed"};
static struct pair pairs[NUM_KINDS];
static uint8_t session[TERN_SESSION_MAX];
static size_t session_len;

/* With the stub provider handshakes cost nothing, so there can be thousands. */
static tern_config *stub_config(enum kind kind, bool server)
{
	tern_config *config = new_config(NULL);
	OK(config_set_provider(config, &provider_stub));
	OK(tern_config_set_cookie(config, false));
	if (kind == PSK || kind == ECDHE_PSK) {
		OK(tern_config_add_psk(config, "id", 2, "secret", 6));
		OK(tern_config_set_suites(config, kind == PSK ? "TLS_PSK_WITH_AES_128_GCM_SHA256"
							      : "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256"));
		if (kind == PSK && server)
			OK(tern_config_set_psk_hint(config, "hint", 4));
		return config;
	}
	OK(tern_config_add_trust(config, "E a.test", 8));
	OK(tern_config_add_keypair(config, "E a.test", 8, "E a.test", 8));
	if (kind == MUTUAL && server)
		OK(tern_config_set_client_auth(config, TERN_CLIENT_AUTH_REQUIRED));
	return config;
}

static int make_pairs(void **state)
{
	(void)state;
	for (int k = 0; k < NUM_KINDS; k++)
		pair_init(&pairs[k], stub_config((enum kind)k, false), stub_config((enum kind)k, true));
	pair_dial(&pairs[RESUMED], "a.test", span_of(NULL, 0));
	pair_settle(&pairs[RESUMED]);
	OK(tern_conn_session(pairs[RESUMED].side[CLIENT].conn, session, sizeof session, &session_len));
	pair_hang_up(&pairs[RESUMED]);
	return 0;
}

static int free_pairs(void **state)
{
	(void)state;
	for (int k = 0; k < NUM_KINDS; k++)
		pair_free(&pairs[k]);
	return 0;
}

static void start(enum kind kind)
{
	struct pair *p = &pairs[kind];
	pair_hang_up(p);
	p->tap = NULL;
	pair_dial(p, "a.test", kind == RESUMED ? span_of(session, session_len) : span_of(NULL, 0));
	check_is(kinds[kind], p->side[CLIENT].error, TERN_OK);
}

/* ---- a wire of single messages ---- */

/* One record, with one message if it is a handshake record in plaintext. */
struct unit {
	enum role to;
	size_t n;
	uint8_t bytes[MESSAGE_MAX];
};

#define UNITS_MAX 24
static struct unit units[UNITS_MAX];
static size_t num_units;

static void split(const struct datagram_on_wire *d)
{
	for (size_t at = 0; at + RECORD12_HEADER <= d->n;) {
		size_t n = RECORD12_HEADER + (size_t)(d->bytes[at + 11] << 8 | d->bytes[at + 12]);
		assert_true(num_units < UNITS_MAX && n <= MESSAGE_MAX);
		units[num_units].to = d->to;
		units[num_units].n = n;
		memcpy(units[num_units++].bytes, d->bytes + at, n);
		at += n;
	}
}

static void collect(struct pair *p)
{
	p->num_queued = 0;
	pair_collect(p, CLIENT);
	pair_collect(p, SERVER);
	for (size_t i = 0; i < p->num_queued; i++)
		split(&p->queue[i]);
	p->num_queued = 0;
}

static bool pop(struct pair *p, struct unit *u)
{
	if (!num_units)
		collect(p);
	if (!num_units)
		return false;
	*u = units[0];
	num_units--;
	memmove(units, units + 1, num_units * sizeof *units);
	return true;
}

static void deliver(struct pair *p, const struct unit *u)
{
	pair_feed(p, u->to, u->bytes, u->n);
}

static size_t deliver_until_quiet(struct pair *p)
{
	struct unit u;
	size_t n = 0;
	for (; n < 400 && pop(p, &u); n++)
		deliver(p, &u);
	return n;
}

/* Nobody is connected unless both went through the same handshake, proofs and all. */
static void check_outcome(struct pair *p, enum kind kind, const char *name)
{
	uint8_t exported[2][16];
	for (int i = 0; i < 2; i++) {
		struct side *s = &p->side[i];
		if (s->error != TERN_OK && tern_error_class_of(s->error) != TERN_CLASS_PROTOCOL &&
		    tern_error_class_of(s->error) != TERN_CLASS_PEER &&
		    tern_error_class_of(s->error) != TERN_CLASS_AUTH)
			fail_msg("%s: %s", name, tern_error_name(s->error));
		if (!pair_saw(p, (enum role)i, TERN_EVENT_CONNECTED))
			continue;
		if (!pair_info(p, (enum role)i).peer_authenticated && (i == CLIENT || kind == MUTUAL || kind == PSK))
			fail_msg("%s: connected to a stranger", name);
	}
	if (!pair_connected(p) || p->side[CLIENT].error != TERN_OK || p->side[SERVER].error != TERN_OK)
		return;
	OK(tern_conn_export(p->side[CLIENT].conn, exported[0], 16, "EXPORTER-x", NULL, 0));
	OK(tern_conn_export(p->side[SERVER].conn, exported[1], 16, "EXPORTER-x", NULL, 0));
	if (memcmp(exported[0], exported[1], 16) != 0)
		fail_msg("%s: both connected, but not with each other", name);
	pair_check_data(p, name);
}

/* ---- every type at every step ---- */

static const uint8_t types[] = {HELLO_REQUEST,
				CLIENT_HELLO,
				SERVER_HELLO,
				HELLO_VERIFY_REQUEST,
				NEW_SESSION_TICKET,
				CERTIFICATE,
				SERVER_KEY_EXCHANGE,
				CERTIFICATE_REQUEST,
				SERVER_HELLO_DONE,
				CERTIFICATE_VERIFY,
				CLIENT_KEY_EXCHANGE,
				FINISHED,
				99};

/* What the script of a side waits for; 0xff: nothing (it is complete). */
static bool awaits(const struct tern_conn *c, uint8_t type)
{
	const struct handshake *hs = c->hs;
	for (size_t at = hs->at; at < hs->num_steps; at++) {
		const struct step *s = &hs->script[at];
		if (s->from == hs->role || (s->present && !s->present(hs)))
			continue;
		if (s->flags & STEP_SEND_ONLY)
			continue;
		if (s->message == type)
			return true;
		if (!(s->flags & STEP_PEER_MAY_SKIP))
			return false;
	}
	return false;
}

static bool awaits_protected(const struct tern_conn *c)
{
	return awaits(c, FINISHED);
}

static void inject(struct pair *p, enum kind kind, enum role to, uint8_t type, bool protected, size_t step)
{
	struct tern_conn *c = p->side[to].conn, *from = p->side[to == CLIENT ? SERVER : CLIENT].conn;
	uint8_t message[HANDSHAKE_HEADER + 4] = {type, 0, 0, 4};
	bool expected, hears;
	char name[96];
	snprintf(name, sizeof name, "%s, to the %s, %s type %u before record %zu", kinds[kind],
		 to == CLIENT ? "client" : "server", protected ? "protected" : "plaintext", type, step);
	message[11] = 4;
	if (!c || !c->hs || c->state != CONN_HANDSHAKE)
		return;
	if (protected && (!from || from->records.out.epoch == 0 || c->records.in.epoch == 0))
		return;
	wr_store(message + 4, 2, c->hs->inbox.next);
	expected = awaits(c, type);
	hears = type != HELLO_REQUEST && awaits_protected(c) == protected;
	if (protected)
		pair_seal(p, to, CONTENT_HANDSHAKE, message, sizeof message);
	else
		pair_forge(p, to, CONTENT_HANDSHAKE, 0, 5000 + step, message, sizeof message);
	if (pair_saw(p, to, TERN_EVENT_CONNECTED))
		fail_msg("%s: connected", name);
	if (!hears)
		check_is(name, p->side[to].error, TERN_OK); /* dropped */
	else if (!expected)
		check_is(name, p->side[to].error, TERN_ERROR_UNEXPECTED_MESSAGE);
	if (p->side[to].error != TERN_OK && tern_error_class_of(p->side[to].error) != TERN_CLASS_PROTOCOL &&
	    tern_error_class_of(p->side[to].error) != TERN_CLASS_AUTH)
		fail_msg("%s: %s", name, tern_error_name(p->side[to].error));
}

static void every_type_at_every_step(void **state)
{
	unsigned injected = 0;
	(void)state;
	for (int kind = 0; kind < NUM_KINDS; kind++) {
		size_t steps;
		num_units = 0;
		start((enum kind)kind);
		steps = deliver_until_quiet(&pairs[kind]);
		assert_true(steps > 3 && steps < UNITS_MAX);
		for (size_t step = 0; step < steps; step++) {
			for (size_t t = 0; t < 4 * NUM(types); t++) {
				struct pair *p = &pairs[kind];
				struct unit u;
				char name[64];
				start((enum kind)kind);
				num_units = 0;
				for (size_t i = 0; i < step && pop(p, &u); i++)
					deliver(p, &u);
				collect(p);
				inject(p, (enum kind)kind, t & 1 ? CLIENT : SERVER, types[t / 4], t & 2, step);
				deliver_until_quiet(p);
				snprintf(name, sizeof name, "%s, after type %u before record %zu", kinds[kind],
					 types[t / 4], step);
				check_outcome(p, (enum kind)kind, name);
				injected++;
			}
		}
	}
	assert_true(injected > 1500);
}

/* ---- a good handshake made wrong ---- */

enum change { DELETED, DOUBLED, SWAPPED, CUT, EXTENDED, RETYPED, EMPTIED, NUM_CHANGES };
static const char *const changes[NUM_CHANGES] = {
	"deleted",	   "doubled", "swapped with the next", "cut by a byte", "extended by a byte",
	"of another type", "emptied"};

/* The lengths in the record and in the message agree with what is there. */
static void set_lengths(struct unit *u)
{
	size_t body = u->n - RECORD12_HEADER - HANDSHAKE_HEADER;
	wr_store(u->bytes + 11, 2, u->n - RECORD12_HEADER);
	wr_store(u->bytes + RECORD12_HEADER + 1, 3, body);
	wr_store(u->bytes + RECORD12_HEADER + 9, 3, body);
}

static bool is_plain_message(const struct unit *u)
{
	return u->bytes[0] == CONTENT_HANDSHAKE && u->bytes[4] == 0;
}

static void change_and_deliver(struct pair *p, struct unit *u, enum change change, size_t step)
{
	struct unit next;
	bool message = is_plain_message(u);
	switch (change) {
	case DELETED:
		return;
	case DOUBLED:
		deliver(p, u);
		break;
	case SWAPPED:
		if (pop(p, &next))
			deliver(p, &next);
		break;
	case CUT:
		u->n -= u->n > (message ? RECORD12_HEADER + HANDSHAKE_HEADER : RECORD12_HEADER);
		break;
	case EXTENDED:
		u->bytes[u->n++] = 0;
		break;
	case RETYPED:
		u->bytes[message ? RECORD12_HEADER : 0] = message ? types[step % NUM(types)] : CONTENT_APPLICATION_DATA;
		break;
	default:
		u->n = message ? RECORD12_HEADER + HANDSHAKE_HEADER : RECORD12_HEADER;
		break;
	}
	if (message && change >= CUT)
		set_lengths(u);
	else if (change >= CUT)
		wr_store(u->bytes + 11, 2, u->n - RECORD12_HEADER);
	deliver(p, u);
}

/* Ending with all timers run out: what is merely lost, doubled or late is made good. */
static void every_message_made_wrong(void **state)
{
	(void)state;
	for (int kind = 0; kind < NUM_KINDS; kind++) {
		size_t steps;
		num_units = 0;
		start((enum kind)kind);
		steps = deliver_until_quiet(&pairs[kind]);
		for (size_t step = 0; step < steps; step++) {
			for (int change = 0; change < NUM_CHANGES; change++) {
				struct pair *p = &pairs[kind];
				struct unit u;
				char name[96];
				uint64_t end;
				snprintf(name, sizeof name, "%s, record %zu %s", kinds[kind], step, changes[change]);
				start((enum kind)kind);
				num_units = 0;
				end = p->now.mono_ns + 300 * S;
				for (size_t i = 0; i < step && pop(p, &u); i++)
					deliver(p, &u);
				if (pop(p, &u))
					change_and_deliver(p, &u, (enum change)change, step);
				deliver_until_quiet(p);
				for (int i = 0; i < 40 && !pair_connected(p) && pair_wait(p, end); i++)
					deliver_until_quiet(p);
				if (change <= SWAPPED && (!pair_connected(p) || p->side[CLIENT].error != TERN_OK ||
							  p->side[SERVER].error != TERN_OK))
					fail_msg("%s: client %s, server %s", name,
						 tern_error_name(p->side[CLIENT].error),
						 tern_error_name(p->side[SERVER].error));
				check_outcome(p, (enum kind)kind, name);
			}
		}
	}
}

/* RFC 5246 7.1: a good Finished counts for nothing without ChangeCipherSpec before it. */
static void no_finished_without_ccs(void **state)
{
	(void)state;
	for (int kind = 0; kind < NUM_KINDS; kind++) {
		for (int deaf = 0; deaf < 2; deaf++) {
			struct pair *p = &pairs[kind];
			struct unit u;
			uint64_t end;
			num_units = 0;
			start((enum kind)kind);
			end = p->now.mono_ns + 300 * S;
			do {
				for (int i = 0; i < 400 && pop(p, &u); i++)
					if (u.to != (enum role)deaf || u.bytes[0] != CONTENT_CHANGE_CIPHER_SPEC)
						deliver(p, &u);
			} while (p->side[deaf].error == TERN_OK && pair_wait(p, end));
			if (pair_saw(p, (enum role)deaf, TERN_EVENT_CONNECTED))
				fail_msg("%s: connected without ChangeCipherSpec", kinds[kind]);
			check_is(kinds[kind], p->side[deaf].error, TERN_ERROR_TIMEOUT);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_at_every_step),
		cmocka_unit_test(every_message_made_wrong),
		cmocka_unit_test(no_finished_without_ccs),
	};
	return cmocka_run_group_tests(tests, make_pairs, free_pairs);
}
