/* Every datagram, and every pair of datagrams, of a DTLS 1.3 connection is lost in turn: handshake, ticket and key
 * updates come through all the same. Time passes by hand. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/stub/stub.h"
#include "pair.h"

#define S UINT64_C(1000000000)
#define NOBODY UINT_MAX
#define MOST 40 /* datagrams of the longest shape without loss */

enum shape { FULL, MUTUAL, RETRY, PSK, FRAGMENTED, NUM_SHAPES };
static const char *const shapes[NUM_SHAPES] = {"full", "mutual", "retry for a group, no cookie", "PSK",
					       "fragmented, hybrid"};

static struct {
	unsigned at, lost[2];
} wire;

static bool lose(struct pair *p, struct datagram_on_wire *d)
{
	unsigned n = wire.at++;
	(void)p;
	(void)d;
	return n != wire.lost[0] && n != wire.lost[1];
}

static void certificates(tern_config *client, tern_config *server, bool mutual)
{
	OK(tern_config_add_keypair(server, "E a.test", 8, "E a.test", 8));
	OK(tern_config_add_trust(client, "E a.test", 8));
	if (!mutual)
		return;
	OK(tern_config_add_keypair(client, "E b.test", 8, "E b.test", 8));
	OK(tern_config_add_trust(server, "E b.test", 8));
	OK(tern_config_set_client_auth(server, TERN_CLIENT_AUTH_REQUIRED));
}

static void make_pair(struct pair *p, enum shape shape)
{
	tern_config *config[2] = {new_config13(NULL), new_config13(NULL)};
	tern_timers timers = {.size = sizeof timers, .first_ns = S, .no_jitter = true};
	tern_limits limits = {.size = sizeof limits, .mtu = shape == FRAGMENTED ? 500 : 1200};
	for (int i = 0; i < 2; i++) {
		OK(config_set_provider(config[i], &provider_stub));
		OK(tern_config_set_timers(config[i], &timers));
		OK(tern_config_set_limits(config[i], &limits));
	}
	if (shape == PSK) {
		OK(tern_config_add_psk(config[CLIENT], "id", 2, "secret", 6));
		OK(tern_config_add_psk(config[SERVER], "id", 2, "secret", 6));
	} else {
		certificates(config[CLIENT], config[SERVER], shape == MUTUAL);
	}
	if (shape == RETRY) {
		OK(tern_config_set_cookie(config[SERVER], false));
		OK(tern_config_set_groups(config[CLIENT], "x25519,secp384r1"));
		OK(tern_config_set_groups(config[SERVER], "secp384r1"));
	}
	if (shape == FRAGMENTED)
		for (int i = 0; i < 2; i++)
			OK(tern_config_set_groups(config[i], "X25519MLKEM768"));
	pair_init(p, config[CLIENT], config[SERVER]);
}

static bool has_come_through(const struct pair *p)
{
	return pair_saw(p, CLIENT, TERN_EVENT_TICKET) && p->side[CLIENT].conn->write_epoch == 4 &&
	       p->side[SERVER].conn->write_epoch == 4;
}

static void come_through(struct pair *p, const char *name)
{
	pair_run(p, 300 * S);
	if (!pair_connected(p))
		fail_msg("%s: not connected: client %s, server %s", name, tern_error_name(p->side[CLIENT].error),
			 tern_error_name(p->side[SERVER].error));
	check_is(name, tern_conn_rekey(p->side[CLIENT].conn, true, p->now), TERN_OK);
	for (int i = 0; i < 100 && !has_come_through(p); i++) {
		pair_settle(p);
		if (!pair_wait(p, p->now.mono_ns + 100 * S))
			break;
	}
	for (int i = 0; i < 2; i++)
		check_is(name, p->side[i].error, TERN_OK);
	if (!has_come_through(p))
		fail_msg("%s: ticket %d, epochs %u and %u", name, pair_saw(p, CLIENT, TERN_EVENT_TICKET),
			 p->side[CLIENT].conn->write_epoch, p->side[SERVER].conn->write_epoch);
}

/* Tells how many datagrams were sent. */
static unsigned one(enum shape shape, unsigned a, unsigned b)
{
	struct pair p;
	char name[100];
	uint64_t began;
	snprintf(name, sizeof name, "%s, without %u and %u", shapes[shape], a, b);
	make_pair(&p, shape);
	p.tap = lose;
	wire.at = 0;
	wire.lost[0] = a;
	wire.lost[1] = b;
	began = p.now.mono_ns;
	pair_dial(&p, "a.test", span_of(NULL, 0));
	come_through(&p, name);
	/* Two losses cost two timeouts, the second doubled, and what an ACK waits. */
	if (p.now.mono_ns - began > 8 * S)
		fail_msg("%s: took %u ms", name, (unsigned)((p.now.mono_ns - began) / 1000000));
	p.tap = NULL;
	pair_settle(&p);
	pair_check_data(&p, name);
	pair_free(&p);
	return wire.at;
}

static void every_datagram_and_every_pair_may_be_lost(void **state)
{
	(void)state;
	for (int shape = 0; shape < NUM_SHAPES; shape++) {
		unsigned n = one((enum shape)shape, NOBODY, NOBODY);
		assert_true(n >= 8 && n < MOST);
		/* What is sent again comes behind: the losses reach into it. */
		for (unsigned a = 0; a < n + 4; a++)
			for (unsigned b = a; b < n + 4; b++)
				one((enum shape)shape, a, b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_datagram_and_every_pair_may_be_lost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
