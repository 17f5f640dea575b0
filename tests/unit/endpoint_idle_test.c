/* endpoint/: many idle peers: they have no deadlines, and when time has passed for all of them at once no call takes
 * long. */
#define _GNU_SOURCE /* struct mmsghdr */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "endpoints.h"

#include <unistd.h>

enum { PEERS = 100, DIALS = 300 };

static tern_config *config_of(tern_protocol version)
{
	tern_config *config = new_config(NULL);

	OK(tern_config_set_versions(config, version, version));
	OK(tern_config_add_psk(config, "id", 2, "sixteen bytes...", 16));
	OK(tern_config_set_tickets(config, false));
	return config;
}

/* In DTLS 1.2 the last flight is not wanted any more once the peer has sent data; in 1.3 the keys of the handshake stay
 * for some minutes. */
static void the_idle_have_no_deadline(void **state)
{
	static const struct {
		tern_protocol version;
		unsigned pass_s;
	} rows[] = {{TERN_DTLS12, 0}, {TERN_DTLS13, 300}};
	(void)state;
	for (size_t r = 0; r < NUM(rows); r++) {
		struct site server, client, *both[] = {&server, &client};
		tern_endpoint_options options = {.size = sizeof options, .idle_ns = 1000 * SECOND_NS};
		site_open(&server, config_of(rows[r].version), "127.0.0.1:0", &options);
		site_open(&client, config_of(rows[r].version), NULL, NULL);
		site_stop_clock(&server);
		tern_address at = site_address(&server);
		for (unsigned i = 0; i < 5; i++) {
			tern_peer peer = site_dial(&client, &at, NULL);
			sites_until(both, 2, &client.connected, i + 1);
			OK(tern_endpoint_send(client.endpoint, peer, "here", 4));
		}
		sites_until(both, 2, &server.records, 5);
		sites_settle(both, 2);
		site_pass(rows[r].pass_s * SECOND_NS);
		sites_settle(both, 2);
		assert_int_equal(server.endpoint->num_timers, 0);
		assert_int_equal(tern_endpoint_deadline(server.endpoint),
				 site_now.mono_ns + (1000 - rows[r].pass_s) * SECOND_NS);
		site_close(&client);
		site_close(&server);
	}
}

static void many_fall_silent_at_once(void **state)
{
	struct site server, client, *both[] = {&server, &client};
	tern_endpoint_options options = {.size = sizeof options, .idle_ns = 1000 * SECOND_NS};
	tern_endpoint_event event;
	uint64_t closed = 0;
	(void)state;
	site_open(&server, psk_config(SERVER), "127.0.0.1:0", &options);
	site_open(&client, psk_config(CLIENT), NULL, NULL);
	site_stop_clock(&server);
	tern_address at = site_address(&server);
	for (unsigned i = 0; i < PEERS; i++) {
		site_dial(&client, &at, NULL);
		sites_until(both, 2, &client.connected, i + 1);
	}
	sites_settle(both, 2);
	site_pass(1000 * SECOND_NS);
	for (unsigned gone = 0; gone < PEERS;) {
		OK(tern_endpoint_run(server.endpoint, 0));
		while (tern_endpoint_next(server.endpoint, &event), event.kind != TERN_ENDPOINT_NONE) {
			assert_int_equal(event.kind, TERN_ENDPOINT_GONE);
			assert_int_equal(event.reason, TERN_GONE_IDLE);
			assert_true(site_counters(&server).gone_idle - closed < PEERS / 2);
			closed = site_counters(&server).gone_idle;
			gone++;
		}
		assert_int_equal(gone, PEERS); /* in one round */
	}
	sites_until(both, 2, &client.gone[TERN_GONE_CLOSED_BY_PEER], PEERS);
	site_close(&client);
	site_close(&server);
}

/* All want to repeat their hello. */
static void many_deadlines_at_once(void **state)
{
	struct site client, *turns[] = {&client};
	struct sockaddr_in6 name;
	tern_address at;
	uint64_t sent;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof name;
	(void)state;
	assert_true(tern_endpoint_parse(&at, "127.0.0.1:0"));
	assert_int_equal(bind(fd, (struct sockaddr *)&name, (socklen_t)tern_endpoint_to_sockaddr((void *)&name, &at)),
			 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	assert_true(tern_endpoint_from_sockaddr(&at, (struct sockaddr *)&name));
	site_open(&client, psk_config(CLIENT), NULL, NULL);
	site_stop_clock(&client);
	for (unsigned i = 0; i < DIALS; i++)
		site_dial(&client, &at, NULL);
	sites_turn(turns, 1);
	assert_int_equal(site_counters(&client).datagrams_sent, DIALS);
	site_pass(2 * SECOND_NS);
	for (sent = DIALS; sent < 2 * DIALS; sent = site_counters(&client).datagrams_sent) {
		assert_true(tern_endpoint_deadline(client.endpoint) <= site_now.mono_ns);
		sites_turn(turns, 1);
		uint64_t more = site_counters(&client).datagrams_sent - sent;
		assert_true(more >= 1 && more <= DIALS / 2);
	}
	assert_int_equal(sent, 2 * DIALS);
	assert_true(tern_endpoint_deadline(client.endpoint) > site_now.mono_ns);
	close(fd);
	site_close(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_idle_have_no_deadline),
		cmocka_unit_test(many_fall_silent_at_once),
		cmocka_unit_test(many_deadlines_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
