/* Every message of DTLS 1.3 at every step, in plaintext and under every key the sender has: none makes a connection out
 * of turn, plaintext behind the hellos changes nothing, and what an authenticated peer says at the wrong time ends it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/stub/stub.h"
#include "handshake/step.h"
#include "pair.h"
#include "record/epochs.h"

#define LONG_TIME (UINT64_C(300) * 1000000000)
#define STEPS_MAX 30

enum kind { CERTIFICATES, MUTUAL, COMPRESSED, PSK, COOKIE, GROUP, NUM_KINDS };
static const char *const kinds[NUM_KINDS] = {"certificate", "mutual", "compression",
					     "PSK",	    "cookie", "retry for a group"};
static struct pair pairs[NUM_KINDS];

static void make_pair(enum kind kind)
{
	tern_config *config[2] = {new_config13(NULL), new_config13(NULL)};
	for (int i = 0; i < 2; i++) {
		OK(config_set_provider(config[i], &provider_stub));
		OK(tern_config_set_groups(config[i], "x25519")); /* a hello in one datagram */
		if (kind == COMPRESSED && tern_compression_names()[0])
			OK(tern_config_set_certificate_compression(config[i], tern_compression_names()));
	}
	OK(tern_config_set_cookie(config[SERVER], kind == COOKIE));
	if (kind == PSK) {
		OK(tern_config_add_psk(config[CLIENT], "id", 2, "secret", 6));
		OK(tern_config_add_psk(config[SERVER], "id", 2, "secret", 6));
	} else {
		OK(tern_config_add_keypair(config[SERVER], "E a.test", 8, "E a.test", 8));
		OK(tern_config_add_trust(config[CLIENT], "E a.test", 8));
	}
	if (kind == MUTUAL || kind == COMPRESSED) {
		OK(tern_config_add_keypair(config[CLIENT], "E b.test", 8, "E b.test", 8));
		OK(tern_config_add_trust(config[SERVER], "E b.test", 8));
		OK(tern_config_set_client_auth(config[SERVER], TERN_CLIENT_AUTH_REQUIRED));
	}
	if (kind == GROUP) {
		OK(tern_config_set_groups(config[CLIENT], "x25519,secp384r1"));
		OK(tern_config_set_groups(config[SERVER], "secp384r1"));
	}
	pair_init(&pairs[kind], config[CLIENT], config[SERVER]);
}

static int open_pairs(void **state)
{
	(void)state;
	for (int k = 0; k < NUM_KINDS; k++)
		make_pair((enum kind)k);
	return 0;
}

static int close_pairs(void **state)
{
	(void)state;
	for (int k = 0; k < NUM_KINDS; k++)
		pair_free(&pairs[k]);
	return 0;
}

/* With the datagrams in front of the step carried. False: that many there are not. */
static bool start(enum kind kind, unsigned step)
{
	struct pair *p = &pairs[kind];
	pair_hang_up(p);
	pair_dial(p, "a.test", span_of(NULL, 0));
	check_is(kinds[kind], p->side[CLIENT].error, TERN_OK);
	while (p->carried < step)
		if (!pair_carry(p))
			return false;
	pair_collect(p, CLIENT);
	pair_collect(p, SERVER);
	return p->num_queued > 0;
}

static const uint8_t types[] = {HELLO_REQUEST,
				CLIENT_HELLO,
				SERVER_HELLO,
				HELLO_VERIFY_REQUEST,
				NEW_SESSION_TICKET,
				5,
				ENCRYPTED_EXTENSIONS,
				9,
				10,
				CERTIFICATE,
				12,
				CERTIFICATE_REQUEST,
				14,
				CERTIFICATE_VERIFY,
				16,
				FINISHED,
				KEY_UPDATE,
				COMPRESSED_CERTIFICATE,
				99,
				MESSAGE_HASH};

/* Whether the script of a side has a place for the type next. */
static bool awaits(const struct handshake *hs, uint8_t type)
{
	for (size_t at = hs->at; at < hs->num_steps; at++) {
		const struct step *s = &hs->script[at];
		if (s->from == hs->role || (s->present && !s->present(hs)))
			continue;
		if (s->message == type)
			return true;
		if (!(s->flags & STEP_PEER_MAY_SKIP))
			return false;
	}
	return false;
}

/* Whether anything was injected. */
static bool inject(struct pair *p, enum kind kind, enum role to, uint8_t type, uint16_t epoch, unsigned step)
{
	static const uint8_t body[4] = {0};
	struct tern_conn *c = p->side[to].conn, *from = p->side[to == CLIENT ? SERVER : CLIENT].conn;
	bool hears, expected;
	char name[96];
	snprintf(name, sizeof name, "%s, to the %s, type %u in epoch %u before datagram %u", kinds[kind],
		 to == CLIENT ? "client" : "server", type, epoch, step);
	if (!c || !c->hs || c->state != CONN_HANDSHAKE || !from)
		return false;
	if (epoch && (!epochs_peek_write(&from->records, epoch) || !epochs_read(&c->records, epoch)))
		return false;
	hears = epoch == handshake_epoch(c->hs) && !(type == HELLO_REQUEST && epoch == 0);
	expected = awaits(c->hs, type);
	pair_say(p, to, epoch, type, (uint16_t)c->hs->inbox.next, body, sizeof body);
	if (pair_saw(p, to, TERN_EVENT_CONNECTED))
		fail_msg("%s: connected", name);
	if (!hears)
		check_is(name, p->side[to].error, TERN_OK);
	else if (!expected)
		check_is(name, p->side[to].error, TERN_ERROR_UNEXPECTED_MESSAGE);
	else if (tern_error_class_of(p->side[to].error) != TERN_CLASS_PROTOCOL &&
		 tern_error_class_of(p->side[to].error) != TERN_CLASS_AUTH)
		fail_msg("%s: %s", name, tern_error_name(p->side[to].error));
	if (hears)
		return true;
	pair_run(p, LONG_TIME);
	if (!pair_connected(p))
		fail_msg("%s: not connected then: client %s, server %s", name, tern_error_name(p->side[CLIENT].error),
			 tern_error_name(p->side[SERVER].error));
	pair_check_data(p, name);
	return true;
}

static void every_type_at_every_step_in_every_epoch(void **state)
{
	unsigned injected[4] = {0};
	(void)state;
	for (int kind = 0; kind < NUM_KINDS; kind++)
		for (unsigned step = 0; step < STEPS_MAX && start((enum kind)kind, step); step++)
			for (size_t t = 0; t < NUM(types); t++)
				for (uint16_t epoch = 0; epoch <= 3; epoch++)
					for (int to = 0; to < 2; to++) {
						start((enum kind)kind, step);
						injected[epoch] += inject(&pairs[kind], (enum kind)kind, (enum role)to,
									  types[t], epoch, step);
					}
	assert_true(injected[0] > 200);
	assert_true(injected[2] > 50);
}

/* Nobody on the path can have claimed that; to wait for it would be to wait for the deadline. */
static bool claim_too_much(struct pair *p, enum role to)
{
	static const uint8_t beginning[] = {CERTIFICATE, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 4, 0, 1, 2, 3};
	struct tern_conn *c = p->side[to].conn, *from = p->side[1 - to].conn;
	if (!c || !from || c->state != CONN_HANDSHAKE || !epochs_peek_write(&from->records, 2) ||
	    !epochs_read(&c->records, 2))
		return false;
	pair_seal_in(p, to, 2, CONTENT_HANDSHAKE, beginning, sizeof beginning);
	check_is("65536 bytes", p->side[to].error, TERN_ERROR_BUDGET);
	return true;
}

static void longer_than_allowed_under_keys(void **state)
{
	unsigned claimed = 0;
	(void)state;
	for (int kind = 0; kind < NUM_KINDS; kind++)
		for (unsigned step = 0; step < STEPS_MAX && start((enum kind)kind, step); step++)
			for (int to = 0; to < 2; to++) {
				start((enum kind)kind, step);
				claimed += claim_too_much(&pairs[kind], (enum role)to);
			}
	assert_true(claimed >= 6);
}

/* It comes first, and is no matter until the handshake is complete. */
static void something_behind_finished_comes_first(void **state)
{
	static const uint8_t body[32] = {0};
	unsigned said = 0;
	(void)state;
	for (int kind = 0; kind < NUM_KINDS; kind++)
		for (int to = 0; to < 2; to++) {
			struct pair *p = &pairs[kind];
			for (unsigned step = 0; step < STEPS_MAX && start((enum kind)kind, step); step++) {
				struct tern_conn *c = p->side[to].conn, *from = p->side[1 - to].conn;
				if (!c || !from || c->state != CONN_HANDSHAKE || !c->hs ||
				    handshake_epoch(c->hs) != 2 || !epochs_peek_write(&from->records, 2) ||
				    from->hs == NULL || from->hs->flight.num_messages == 0)
					continue;
				pair_say(p, (enum role)to, 2, FINISHED, (uint16_t)from->hs->send_seq, body,
					 sizeof body);
				check_is("not yet", p->side[to].error, TERN_OK);
				pair_run(p, LONG_TIME);
				check_is(kinds[kind], p->side[to].error, TERN_ERROR_UNEXPECTED_MESSAGE);
				said++;
				break;
			}
		}
	assert_true(said >= 6);
}

/* What was in place is swapped, doubled, or comes in reverse: it makes no difference in the end. */
static void any_order_of_datagrams(void **state)
{
	(void)state;
	for (int kind = 0; kind < NUM_KINDS; kind++)
		for (unsigned step = 0; step < STEPS_MAX && start((enum kind)kind, step); step++)
			for (int change = 0; change < 3; change++) {
				struct pair *p = &pairs[kind];
				struct datagram_on_wire d;
				char name[96];
				snprintf(name, sizeof name, "%s, change %d of datagram %u", kinds[kind], change, step);
				start((enum kind)kind, step);
				if (change < 2 || p->num_queued < 2) {
					for (int i = 0; i <= change; i++)
						pair_feed(p, p->queue[0].to, p->queue[0].bytes, p->queue[0].n);
				} else {
					d = p->queue[0];
					p->queue[0] = p->queue[p->num_queued - 1];
					p->queue[p->num_queued - 1] = d;
				}
				pair_run(p, LONG_TIME);
				if (!pair_connected(p))
					fail_msg("%s: not connected: client %s, server %s", name,
						 tern_error_name(p->side[CLIENT].error),
						 tern_error_name(p->side[SERVER].error));
				pair_settle(p);
				pair_check_data(p, name);
			}
}

/* An alert in clear is believed until the peer was heard under keys, and then no more. */
static void plaintext_alerts(void **state)
{
	(void)state;
	for (int kind = 0; kind < NUM_KINDS; kind++)
		for (unsigned step = 1; step < STEPS_MAX && start((enum kind)kind, step); step++)
			for (int to = 0; to < 2; to++) {
				struct pair *p = &pairs[kind];
				struct tern_conn *c;
				bool heard;
				start((enum kind)kind, step);
				c = p->side[to].conn;
				if (!c || c->state != CONN_HANDSHAKE)
					continue;
				heard = c->records.heard;
				pair_forge(p, (enum role)to, CONTENT_ALERT, 0, 999, "\2\50", 2);
				check_is(kinds[kind], p->side[to].error, heard ? TERN_OK : TERN_ERROR_PEER_ALERT);
			}
}

/* An ACK in clear cannot speak of what was sent under keys: it would silence a server. */
static void plaintext_ack_of_protected_records(void **state)
{
	static const uint8_t ack[] = {0, 16, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0};
	struct pair *p = &pairs[CERTIFICATES];
	(void)state;
	assert_true(start(CERTIFICATES, 1));
	p->num_queued = 0; /* the server's flight is lost */
	pair_forge(p, SERVER, CONTENT_ACK, 0, 999, ack, sizeof ack);
	check_is("ACK", p->side[SERVER].error, TERN_OK);
	assert_int_equal(p->side[SERVER].conn->hs->flight.num_planned, p->side[SERVER].conn->hs->flight.cap_planned);
	pair_run(p, LONG_TIME);
	assert_true(pair_connected(p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_at_every_step_in_every_epoch),
		cmocka_unit_test(longer_than_allowed_under_keys),
		cmocka_unit_test(something_behind_finished_comes_first),
		cmocka_unit_test(any_order_of_datagrams),
		cmocka_unit_test(plaintext_alerts),
		cmocka_unit_test(plaintext_ack_of_protected_records),
	};
	return cmocka_run_group_tests(tests, open_pairs, close_pairs);
}
