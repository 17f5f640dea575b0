/* endpoint/: the life of connections: from the first datagram to the last event, restarts, eviction, idleness, budgets,
 * configs that change, and many at once. */
#define _GNU_SOURCE /* struct mmsghdr */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "count_heap.h"
#include "endpoints.h"
#include "usual_pair.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

static void from_hello_to_goodbye(void **state)
{
	struct two t;
	tern_peer client, server;
	tern_path path;
	(void)state;
	two_open(&t, NULL);
	assert_true(tern_endpoint_deadline(t.server.endpoint) == TERN_NEVER);
	server = two_connect(&t, &client);
	assert_non_null(tern_endpoint_conn(t.server.endpoint, server));
	assert_true(tern_endpoint_path(t.client.endpoint, client, &path));
	assert_memory_equal(&path.remote, &t.at, sizeof t.at);
	tern_endpoint_close(t.client.endpoint, client);
	assert_null(tern_endpoint_conn(t.client.endpoint, client));
	assert_int_equal(tern_endpoint_send(t.client.endpoint, client, "x", 1), TERN_ERROR_NOT_CONNECTED);
	sites_until(t.both, 2, &t.server.gone[TERN_GONE_CLOSED_BY_PEER], 1);
	assert_int_equal(t.client.gone[TERN_GONE_CLOSED], 1);
	assert_true(t.server.left == server);
	assert_string_equal(t.server.order, "ACG");
	assert_string_equal(t.client.order, "CG");
	assert_int_equal(site_counters(&t.server).peers, 0);
	assert_int_equal(site_counters(&t.server).gone_closed_by_peer, 1);
	assert_int_equal(site_counters(&t.server).handshakes_completed, 1);
	assert_int_equal(site_counters(&t.server).retries_sent, 1);
	two_close(&t);
}

/* Numbers are never used again: an old one names nobody. */
static void old_numbers_name_nobody(void **state)
{
	struct two t;
	tern_peer client, first, second;
	(void)state;
	two_open(&t, NULL);
	first = two_connect(&t, &client);
	tern_endpoint_close(t.client.endpoint, client);
	sites_until(t.both, 2, &t.server.num_gone, 1);
	second = two_connect(&t, NULL);
	assert_true(first != second);
	assert_int_equal((uint32_t)first, (uint32_t)second); /* the place is the same */
	assert_int_equal(tern_endpoint_send(t.server.endpoint, first, "x", 1), TERN_ERROR_NOT_CONNECTED);
	assert_null(tern_endpoint_conn(t.server.endpoint, first));
	tern_endpoint_close(t.server.endpoint, first);
	tern_endpoint_touch(t.server.endpoint, first);
	static const tern_peer nonsense[] = {0, 1, UINT64_MAX, UINT64_C(1) << 32, UINT32_MAX};
	for (size_t i = 0; i < NUM(nonsense); i++)
		assert_null(tern_endpoint_conn(t.server.endpoint, nonsense[i]));
	OK(tern_endpoint_send(t.server.endpoint, second, "x", 1));
	sites_until(t.both, 2, &t.client.records, 1);
	two_close(&t);
}

static void run_wants_its_events_taken(void **state)
{
	struct two t;
	(void)state;
	two_open(&t, NULL);
	OK(tern_endpoint_run(t.server.endpoint, 0));
	assert_int_equal(tern_endpoint_run(t.server.endpoint, 0), TERN_ERROR_USAGE);
	assert_true(tern_endpoint_deadline(t.server.endpoint) == 0);
	sites_settle(&t.both[1], 1);
	two_close(&t);
}

static void bad_options(void **state)
{
	static const tern_address nowhere = {.len = 5};
	static const tern_endpoint_options cases[] = {
		{.size = 0},
		{.size = sizeof cases[0], .num_listen = 1},
		{.size = sizeof cases[0], .listen = &nowhere, .num_listen = 1},
		{.size = sizeof cases[0], .max_peers = 1 << 24},
		{.size = sizeof cases[0], .max_handshakes_per_prefix = 65536},
		{.size = sizeof cases[0], .io = (tern_endpoint_io)3},
	};
	tern_config *config = psk_config(SERVER);
	tern_endpoint *endpoint = NULL;
	tern_address at;
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++)
		assert_int_equal(tern_endpoint_open(&endpoint, config, &cases[i]), TERN_ERROR_USAGE);
	assert_true(tern_endpoint_parse(&at, "192.0.2.1:1")); /* not ours: RFC 5737 */
	tern_endpoint_options options = {.size = sizeof options, .listen = &at, .num_listen = 1};
	errno = 0;
	assert_int_equal(tern_endpoint_open(&endpoint, config, &options), TERN_ERROR_SYSTEM);
	assert_int_equal(errno, EADDRNOTAVAIL);
	assert_null(endpoint);
	tern_config_free(config);
}

/* RFC 6347 4.2.8: the old association lives until the new one is connected. */
static void a_client_restarts_on_its_port(void **state)
{
	struct two t;
	char from[TERN_ADDRESS_TEXT];
	tern_peer client, first;
	tern_path path;
	(void)state;
	two_open(&t, NULL);
	first = two_connect(&t, &client);
	assert_true(tern_endpoint_path(t.server.endpoint, first, &path));
	tern_endpoint_text(from, &path.remote);
	site_close(&t.client); /* without a word */
	site_open(&t.client, psk_config(CLIENT), NULL, NULL);
	site_dial(&t.client, &t.at, from);
	sites_until(t.both, 2, &t.client.connected, 1);
	sites_until(t.both, 2, &t.server.num_gone, 1);
	assert_int_equal(t.server.gone[TERN_GONE_REPLACED], 1);
	assert_true(t.server.left == first);
	assert_true(t.server.peer != first);
	OK(tern_endpoint_send(t.server.endpoint, t.server.peer, "again", 5));
	sites_until(t.both, 2, &t.client.records, 1);
	assert_int_equal(site_counters(&t.server).peers, 1);
	two_close(&t);
}

/* Somebody at the address of a connection that lives who has not the key: it lives on. */
static void a_failed_restart_changes_nothing(void **state)
{
	struct two t;
	struct site liar, *others[] = {&t.server, &liar};
	tern_config *config = new_config(NULL);
	tern_peer client, first, dialed;
	(void)state;
	two_open(&t, NULL);
	first = two_connect(&t, &client);
	OK(tern_config_set_suites(config, "TLS_PSK_WITH_AES_128_GCM_SHA256"));
	OK(tern_config_add_psk(config, "id", 2, "another key.....", 16));
	site_open(&liar, config, NULL, NULL);
	dialed = site_dial(&liar, &t.at, NULL);
	/* It gets the client's own socket in place of its own. */
	struct socket *own = &t.client.endpoint->sockets[slot_at(t.client.endpoint, (uint32_t)client)->route.socket];
	struct socket *liars = &liar.endpoint->sockets[slot_at(liar.endpoint, (uint32_t)dialed)->route.socket];
	assert_true(dup2(own->fd, liars->fd) >= 0);
	struct epoll_event watch = {.events = EPOLLIN, .data.u32 = (uint32_t)(liars - liar.endpoint->sockets)};
	assert_int_equal(epoll_ctl(liar.endpoint->epoll, EPOLL_CTL_ADD, liars->fd, &watch), 0);
	site_stop_clock(&t.server);
	site_stop_clock(&liar);
	for (int i = 0; i < 300 && !(liar.num_gone && t.server.num_gone); i++) {
		sites_settle(others, 2);
		site_pass(SECOND_NS);
	}
	assert_int_equal(liar.gone[TERN_GONE_FAILED], 1);
	assert_int_equal(t.server.gone[TERN_GONE_FAILED], 1);
	assert_true(t.server.left != first);
	site_close(&liar);
	t.server.echo = true;
	OK(tern_endpoint_send(t.client.endpoint, client, "still", 5));
	sites_until(t.both, 2, &t.client.records, 1);
	assert_int_equal(site_counters(&t.server).peers, 1);
	two_close(&t);
}

static void the_silent_are_closed(void **state)
{
	tern_endpoint_options options = {.size = sizeof options, .idle_ns = 100 * SECOND_NS};
	struct two t;
	tern_peer busy, server;
	(void)state;
	two_open(&t, &options);
	site_stop_clock(&t.server);
	two_connect(&t, NULL);
	server = t.server.peer;
	two_connect(&t, &busy);
	assert_true(tern_endpoint_deadline(t.server.endpoint) <= site_now.mono_ns + 100 * SECOND_NS);
	site_pass(60 * SECOND_NS);
	OK(tern_endpoint_send(t.client.endpoint, busy, "here", 4));
	sites_until(t.both, 2, &t.server.records, 1);
	site_pass(40 * SECOND_NS - 1);
	sites_settle(t.both, 2);
	assert_int_equal(t.server.num_gone, 0);
	site_pass(1);
	sites_until(t.both, 2, &t.server.num_gone, 1);
	assert_int_equal(t.server.gone[TERN_GONE_IDLE], 1);
	assert_true(t.server.left == server);
	sites_until(t.both, 2, &t.client.gone[TERN_GONE_CLOSED_BY_PEER], 1);
	site_pass(60 * SECOND_NS);
	sites_until(t.both, 2, &t.server.num_gone, 2);
	two_close(&t);
}

static void what_is_far_off_never_comes(void **state)
{
	tern_endpoint_options options = {.size = sizeof options,
					 .idle_ns = TERN_NEVER - 1,
					 .keep_alive_ns = TERN_NEVER - 1};
	struct two t;
	(void)state;
	two_open(&t, &options);
	site_stop_clock(&t.server);
	two_connect(&t, NULL);
	sites_settle(t.both, 2);
	site_pass(1000 * SECOND_NS); /* what is left of the handshake is forgotten */
	sites_settle(t.both, 2);
	assert_true(tern_endpoint_deadline(t.server.endpoint) == TERN_NEVER);
	assert_int_equal(t.server.num_gone, 0);
	two_close(&t);
}

/* What does not authenticate is no sign of life, wherever it comes from. */
static void garbage_keeps_nobody_alive(void **state)
{
	static const uint8_t forged[60] = {23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 99, 0, 47};
	tern_endpoint_options options = {.size = sizeof options, .idle_ns = 100 * SECOND_NS};
	struct two t;
	tern_peer peer;
	(void)state;
	two_open(&t, &options);
	site_stop_clock(&t.server);
	two_connect(&t, &peer);
	const struct tern_endpoint *client = t.client.endpoint;
	int fd = client->sockets[slot_at(client, (uint32_t)peer)->route.socket].fd;
	for (int i = 0; i < 3; i++) {
		site_pass(33 * SECOND_NS);
		assert_int_equal(send(fd, forged, sizeof forged, 0), sizeof forged);
		sites_settle(t.both, 1);
	}
	assert_int_equal(site_counters(&t.server).dropped_unopened, 3);
	site_pass(SECOND_NS);
	sites_until(t.both, 2, &t.server.gone[TERN_GONE_IDLE], 1);
	two_close(&t);
}

/* Leaves a handshake unfinished at the server: the client says no more after its second hello. */
static void half_open(struct two *t)
{
	struct site client, *turns[] = {&client};
	unsigned want = t->server.accepted + 1;

	site_open(&client, psk_config(CLIENT), NULL, NULL);
	site_dial(&client, &t->at, NULL);
	for (int i = 0; i < 1000 && t->server.accepted < want; i++) {
		sites_turn(&t->both[0], 1);
		if (t->server.accepted < want)
			sites_turn(turns, 1);
	}
	assert_int_equal(t->server.accepted, want);
	site_close(&client);
}

/* The unfinished first, oldest first; then who was silent for longest. */
static void room_is_made_in_order(void **state)
{
	tern_endpoint_options options = {.size = sizeof options, .max_peers = 4};
	struct two t;
	tern_peer client[3], server[3];
	(void)state;
	two_open(&t, &options);
	site_stop_clock(&t.server);
	for (int i = 0; i < 3; i++) {
		server[i] = two_connect(&t, &client[i]);
		site_pass(SECOND_NS);
	}
	OK(tern_endpoint_send(t.client.endpoint, client[0], "here", 4));
	sites_until(t.both, 2, &t.server.records, 1);
	half_open(&t);
	assert_int_equal(site_counters(&t.server).peers, 4);
	assert_int_equal(site_counters(&t.server).handshakes, 1);
	two_connect(&t, NULL); /* displaces the unfinished one */
	assert_int_equal(t.server.gone[TERN_GONE_EVICTED], 1);
	assert_int_equal(site_counters(&t.server).gone_evicted_unfinished, 1);
	assert_int_equal(site_counters(&t.server).handshakes, 0);
	two_connect(&t, NULL); /* the second was silent longer than the first */
	assert_int_equal(site_counters(&t.server).gone_evicted, 1);
	assert_true(t.server.left == server[1]);
	two_connect(&t, NULL);
	assert_true(t.server.left == server[2]);
	two_connect(&t, NULL);
	assert_true(t.server.left == server[0]);
	assert_int_equal(site_counters(&t.server).peers, 4);
	sites_until(t.both, 2, &t.client.gone[TERN_GONE_CLOSED_BY_PEER], 3); /* they are told */
	two_close(&t);
}

/* Two handshakes at one address: a plaintext alert of the one that fails would end the other, too. */
static void a_failed_one_says_nothing(void **state)
{
	static const uint8_t out_of_turn[] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 12,
					      14, 0,	0,    0, 0, 2, 0, 0, 0, 0, 0, 0};
	struct two t;
	char from[TERN_ADDRESS_TEXT];
	tern_path path;
	(void)state;
	two_open(&t, NULL);
	site_stop_clock(&t.server);
	half_open(&t);
	const struct tern_endpoint *server = t.server.endpoint, *client = t.client.endpoint;
	route_path(server, &slot_at(server, server->unfinished.first)->route, &path);
	tern_endpoint_text(from, &path.remote);
	tern_peer peer = site_dial(&t.client, &t.at, from);
	for (int i = 0; i < 1000 && t.server.accepted < 2; i++) {
		sites_turn(&t.both[1], 1);
		sites_settle(&t.both[0], 1);
	}
	assert_int_equal(site_counters(&t.server).handshakes, 2);
	uint64_t sent = site_counters(&t.server).datagrams_sent;
	int fd = client->sockets[slot_at(client, (uint32_t)peer)->route.socket].fd;
	assert_int_equal(send(fd, out_of_turn, sizeof out_of_turn, 0), sizeof out_of_turn);
	sites_settle(&t.both[0], 1);
	assert_int_equal(t.server.gone[TERN_GONE_FAILED], 1);
	assert_int_equal(site_counters(&t.server).datagrams_sent, sent);
	assert_int_equal(send(fd, out_of_turn, sizeof out_of_turn, 0), sizeof out_of_turn);
	sites_settle(&t.both[0], 1);
	assert_int_equal(t.server.gone[TERN_GONE_FAILED], 2);
	assert_int_equal(site_counters(&t.server).datagrams_sent, sent + 1); /* nobody else is there now */
	two_close(&t);
}

static void dials_have_a_limit_too(void **state)
{
	tern_endpoint_options options = {.size = sizeof options, .max_peers = 1};
	tern_dial_options dial = {.size = sizeof dial};
	struct site client;
	tern_peer peer;
	(void)state;
	site_open(&client, psk_config(CLIENT), NULL, &options);
	assert_true(tern_endpoint_parse(&dial.remote, "127.0.0.1:9"));
	OK(tern_endpoint_dial(client.endpoint, &peer, &dial));
	assert_int_equal(tern_endpoint_dial(client.endpoint, &peer, &dial), TERN_ERROR_BUDGET);
	site_close(&client);
}

/* What is refused is counted, and answered when there is room again. */
static void budgets_refuse(void **state)
{
	static const struct {
		const char *name;
		tern_endpoint_options options;
		size_t counter;
	} cases[] = {
		{"handshakes",
		 {.size = sizeof cases[0].options, .max_handshakes = 2},
		 offsetof(tern_endpoint_counters, refused_handshakes)},
		{"prefix",
		 {.size = sizeof cases[0].options, .max_handshakes_per_prefix = 2},
		 offsetof(tern_endpoint_counters, refused_prefix)},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct two t;
		tern_endpoint_counters counters;
		uint64_t refused;
		print_message("%s\n", cases[i].name);
		two_open(&t, &cases[i].options);
		site_stop_clock(&t.server);
		half_open(&t);
		half_open(&t);
		site_dial(&t.client, &t.at, NULL);
		sites_settle(t.both, 2);
		counters = site_counters(&t.server);
		memcpy(&refused, (uint8_t *)&counters + cases[i].counter, sizeof refused);
		assert_int_equal(refused, 1);
		assert_int_equal(t.server.accepted, 2);
		assert_int_equal(t.client.connected, 0);
		site_pass(200 * SECOND_NS); /* past the deadline of handshakes */
		sites_until(t.both, 2, &t.server.gone[TERN_GONE_FAILED], 2);
		assert_int_equal(site_counters(&t.server).handshakes_timed_out, 2);
		assert_int_equal(site_counters(&t.server).handshakes, 0);
		two_connect(&t, NULL);
		two_close(&t);
	}
}

/* Without a private-key operation, what was taken is given back. */
static void private_key_operations_have_a_budget(void **state)
{
	tern_endpoint_options options = {.size = sizeof options, .signatures_per_s = 2};
	(void)state;
	for (int psk = 0; psk < 2; psk++) {
		struct two t;
		tern_config *c[2];
		usual_configs(c);
		site_open(&t.server, psk ? psk_config(SERVER) : c[SERVER], "127.0.0.1:0", &options);
		site_open(&t.client, psk ? psk_config(CLIENT) : c[CLIENT], NULL, NULL);
		if (psk) {
			tern_config_free(c[CLIENT]);
			tern_config_free(c[SERVER]);
		}
		t.both[0] = &t.server;
		t.both[1] = &t.client;
		t.at = site_address(&t.server);
		site_stop_clock(&t.server);
		t.server.endpoint->allowance_at_ns = site_now.mono_ns;
		two_connect(&t, NULL);
		two_connect(&t, NULL);
		site_dial(&t.client, &t.at, NULL);
		sites_settle(t.both, 2);
		assert_int_equal(site_counters(&t.server).refused_signatures, psk ? 0 : 1);
		assert_int_equal(t.client.connected, psk ? 3 : 2);
		site_pass(SECOND_NS / 2);
		two_connect(&t, NULL);
		two_close(&t);
	}
}

static void too_many_bytes_before_connecting(void **state)
{
	tern_endpoint_options options = {.size = sizeof options, .handshake_bytes = 64};
	struct two t;
	(void)state;
	two_open(&t, &options);
	site_dial(&t.client, &t.at, NULL);
	sites_until(t.both, 2, &t.server.num_gone, 1);
	assert_int_equal(t.server.gone[TERN_GONE_OVERSIZED], 1);
	assert_int_equal(site_counters(&t.server).handshakes, 0);
	two_close(&t);
}

/* Records of others go before a handshake's datagrams, of which one is worked on at a time. */
static void handshakes_wait_for_records(void **state)
{
	struct two t;
	struct site late[3], *turns[3];
	tern_peer client;
	(void)state;
	two_open(&t, NULL);
	two_connect(&t, &client);
	for (int i = 0; i < 3; i++) { /* to where the next hello has the cookie */
		turns[i] = &late[i];
		site_open(&late[i], psk_config(CLIENT), NULL, NULL);
		site_dial(&late[i], &t.at, NULL);
	}
	sites_turn(turns, 3);
	sites_settle(&t.both[0], 1);
	sites_turn(turns, 3);
	OK(tern_endpoint_send(t.client.endpoint, client, "data", 4));
	assert_true(tern_endpoint_flush(t.client.endpoint));
	t.server.num_order = 0;
	sites_turn(&t.both[0], 1);
	assert_memory_equal(t.server.order, "DA", 2);
	assert_int_equal(t.server.num_order, 2);
	assert_true(tern_endpoint_deadline(t.server.endpoint) == 0); /* there is more */
	OK(tern_endpoint_send(t.client.endpoint, client, "data", 4));
	assert_true(tern_endpoint_flush(t.client.endpoint));
	sites_turn(&t.both[0], 1);
	assert_memory_equal(t.server.order, "DADA", 4);
	assert_int_equal(t.server.num_order, 4);
	for (int i = 0; i < 3; i++)
		site_close(&late[i]);
	two_close(&t);
}

/* So does the rest of a handshake that is under way. */
static void flights_wait_for_records(void **state)
{
	struct two t;
	struct site late, *turns[] = {&late};
	tern_peer client;
	(void)state;
	two_open(&t, NULL);
	two_connect(&t, &client);
	site_open(&late, psk_config(CLIENT), NULL, NULL);
	site_dial(&late, &t.at, NULL);
	for (int i = 0; i < 2; i++) { /* two hellos; the server's flight */
		sites_turn(turns, 1);
		sites_settle(&t.both[0], 1);
	}
	sites_turn(turns, 1); /* the client's */
	OK(tern_endpoint_send(t.client.endpoint, client, "data", 4));
	assert_true(tern_endpoint_flush(t.client.endpoint));
	t.server.num_order = 0;
	sites_settle(&t.both[0], 1);
	assert_memory_equal(t.server.order, "DC", 2);
	assert_int_equal(t.server.num_order, 2);
	site_close(&late);
	two_close(&t);
}

/* A peer for whom there is no memory is refused, and costs none of the budgets. */
static void no_memory_for_a_peer(void **state)
{
	tern_endpoint_options options = {.size = sizeof options, .signatures_per_s = 1};
	struct count_heap heap = {0};
	tern_allocator allocator = count_heap_allocator(&heap);
	struct two t;
	(void)state;
	two_open_with(&t, psk_config_on(&allocator), psk_config(CLIENT), &options);
	site_stop_clock(&t.server); /* no allowance comes by itself */
	t.server.endpoint->allowance_at_ns = site_now.mono_ns;
	heap.fail_at = heap.allocs + 1;
	heap.fail_on = true;
	site_dial(&t.client, &t.at, NULL);
	sites_settle(t.both, 2);
	assert_int_equal(site_counters(&t.server).refused_memory, 1);
	assert_int_equal(site_counters(&t.server).handshakes, 0);
	assert_int_equal(site_counters(&t.server).peers, 0);
	heap.fail_at = 0;
	two_connect(&t, NULL);
	assert_int_equal(site_counters(&t.server).refused_signatures, 0);
	two_close(&t);
}

/* Early data arrives with its hello, which waits its turn. */
static void what_follows_a_waiting_hello_waits_too(void **state)
{
	static const uint8_t data_record[] = {23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 0, 3, 1, 2, 3};
	struct two t;
	(void)state;
	two_open(&t, NULL);
	tern_peer peer = site_dial(&t.client, &t.at, NULL);
	sites_turn(&t.both[1], 1);
	sites_turn(&t.both[0], 1); /* asks for a cookie */
	sites_turn(&t.both[1], 1);
	const struct tern_endpoint *client = t.client.endpoint;
	int fd = client->sockets[slot_at(client, (uint32_t)peer)->route.socket].fd;
	assert_int_equal(send(fd, data_record, sizeof data_record, 0), sizeof data_record);
	sites_until(t.both, 2, &t.client.connected, 1);
	assert_int_equal(site_counters(&t.server).dropped_stranger, 0);
	assert_int_equal(site_counters(&t.server).handshakes_completed, 1);
	two_close(&t);
}

static tern_config *config13(void)
{
	tern_config *config = psk_config(SERVER);

	OK(tern_config_set_versions(config, TERN_DTLS13, TERN_DTLS13));
	OK(tern_config_set_suites(config, "TLS_AES_128_GCM_SHA256"));
	return config;
}

/* What came behind a waiting Finished stays ahead of what comes once the peer is connected. The side that is connected
 * first is the client in DTLS 1.3, the server in DTLS 1.2. */
static void check_order(struct site *first, struct site *second)
{
	struct site *pair[] = {first, second};

	for (int i = 0; i < 10 && !first->connected; i++) {
		sites_turn(&pair[1], 1);
		sites_turn(&pair[0], 1);
	}
	assert_int_equal(first->connected, 1);
	assert_int_equal(second->connected, 0);
	for (int turn = 0; turn < 8; turn++) {
		char digit = (char)('1' + turn);
		OK(tern_endpoint_send(first->endpoint, first->peer, &digit, 1));
		assert_true(tern_endpoint_flush(first->endpoint));
		if (turn == 0)
			continue; /* the first two come with Finished */
		sites_turn(&pair[1], 1);
		assert_int_equal(second->connected, 1);
		assert_int_equal(second->records, turn + 1);
		assert_memory_equal(second->firsts, "12345678", second->records);
	}
}

static void records_keep_their_order(void **state)
{
	struct two t;
	(void)state;
	two_open_with(&t, config13(), config13(), NULL);
	site_dial(&t.client, &t.at, NULL);
	check_order(&t.client, &t.server);
	two_close(&t);
	two_open(&t, NULL);
	site_dial(&t.client, &t.at, NULL);
	check_order(&t.server, &t.client);
	two_close(&t);
}

static void send_raw(const struct two *t, const void *bytes, size_t n)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in6 name;
	socklen_t len = (socklen_t)tern_endpoint_to_sockaddr((struct sockaddr *)&name, &t->at);
	assert_true(fd >= 0 && sendto(fd, bytes, n, 0, (struct sockaddr *)&name, len) == (ssize_t)n);
	close(fd);
}

static void garbage_costs_nothing(void **state)
{
	static const uint8_t data_record[] = {23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 0, 3, 1, 2, 3};
	static const uint8_t hello_start[] = {22, 0xfe, 0xfd, 0,  0, 0, 0, 0, 0, 0, 1, 0, 13,
					      1,  0,	0,    50, 0, 0, 0, 0, 0, 0, 0, 1, 9};
	struct two t;
	(void)state;
	two_open(&t, NULL);
	send_raw(&t, "", 0);
	send_raw(&t, "garbage", 7);
	send_raw(&t, data_record, sizeof data_record);
	send_raw(&t, hello_start, sizeof hello_start);
	sites_settle(t.both, 2);
	assert_int_equal(site_counters(&t.server).datagrams_received, 4);
	assert_int_equal(site_counters(&t.server).dropped_stranger, 4);
	assert_int_equal(site_counters(&t.server).peers, 0);
	assert_int_equal(site_counters(&t.server).dropped[TERN_DROP_NOT_HELLO], 1);
	assert_int_equal(t.server.endpoint->num_chunks, 0); /* nothing was allocated */
	two_connect(&t, NULL);
	two_close(&t);
}

/* Those that are connected keep theirs. */
static void certificates_change_without_a_restart(void **state)
{
	struct two t;
	struct cert other;
	tern_config *c[2], *renewed = new_config(NULL);
	tern_info info;
	uint8_t before[32];
	tern_peer first, second;
	(void)state;
	cert_make(&other, &(struct cert_options){.issuer = &root, .san = "DNS:a.test", .key = CERT_ED25519});
	add_cert(renewed, &other);
	usual_configs(c);
	site_open(&t.server, c[SERVER], "127.0.0.1:0", NULL);
	site_open(&t.client, c[CLIENT], NULL, NULL);
	t.both[0] = &t.server;
	t.both[1] = &t.client;
	t.at = site_address(&t.server);
	two_connect(&t, &first);
	OK(tern_endpoint_set_config(t.server.endpoint, renewed));
	tern_config_free(renewed);
	two_connect(&t, &second);
	tern_conn_info(tern_endpoint_conn(t.client.endpoint, first), &info);
	memcpy(before, info.peer_fingerprint, sizeof before);
	tern_conn_info(tern_endpoint_conn(t.client.endpoint, second), &info);
	assert_memory_not_equal(before, info.peer_fingerprint, sizeof before);
	t.server.echo = true;
	OK(tern_endpoint_send(t.client.endpoint, first, "x", 1));
	OK(tern_endpoint_send(t.client.endpoint, second, "y", 1));
	sites_until(t.both, 2, &t.client.records, 2);
	cert_free(&other);
	two_close(&t);
}

static void shutting_down_tells_everybody(void **state)
{
	struct two t;
	(void)state;
	two_open(&t, NULL);
	for (int i = 0; i < 5; i++)
		two_connect(&t, NULL);
	tern_endpoint_shutdown(t.server.endpoint);
	sites_until(t.both, 2, &t.server.gone[TERN_GONE_CLOSED], 5);
	sites_until(t.both, 2, &t.client.gone[TERN_GONE_CLOSED_BY_PEER], 5);
	site_dial(&t.client, &t.at, NULL);
	sites_settle(t.both, 2);
	assert_int_equal(t.server.accepted, 5);
	two_close(&t);
}

#define MANY 1000

/* All of them at once, each with what it said coming back to itself. */
static void a_thousand_peers(void **state)
{
	static tern_peer peers[MANY];
	struct two t;
	(void)state;
	two_open(&t, NULL);
	t.server.echo = true;
	for (int i = 0; i < MANY; i++)
		peers[i] = site_dial(&t.client, &t.at, NULL);
	sites_until(t.both, 2, &t.client.connected, MANY);
	for (int i = 0; i < MANY; i++)
		OK(tern_endpoint_send(t.client.endpoint, peers[i], &peers[i], sizeof peers[i]));
	sites_until(t.both, 2, &t.client.records, MANY);
	assert_int_equal(site_counters(&t.server).peers, MANY);
	assert_int_equal(site_counters(&t.server).records_received, MANY);
	for (int i = 0; i < MANY; i += 2)
		tern_endpoint_close(t.client.endpoint, peers[i]);
	sites_until(t.both, 2, &t.server.num_gone, MANY / 2);
	for (int i = 1; i < MANY; i += 2)
		OK(tern_endpoint_send(t.client.endpoint, peers[i], "again", 5));
	sites_until(t.both, 2, &t.client.records, MANY + MANY / 2);
	assert_int_equal(site_counters(&t.server).peers, MANY / 2);
	two_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_hello_to_goodbye),
		cmocka_unit_test(old_numbers_name_nobody),
		cmocka_unit_test(run_wants_its_events_taken),
		cmocka_unit_test(bad_options),
		cmocka_unit_test(a_client_restarts_on_its_port),
		cmocka_unit_test(a_failed_restart_changes_nothing),
		cmocka_unit_test(the_silent_are_closed),
		cmocka_unit_test(what_is_far_off_never_comes),
		cmocka_unit_test(garbage_keeps_nobody_alive),
		cmocka_unit_test(room_is_made_in_order),
		cmocka_unit_test(a_failed_one_says_nothing),
		cmocka_unit_test(dials_have_a_limit_too),
		cmocka_unit_test(budgets_refuse),
		cmocka_unit_test(private_key_operations_have_a_budget),
		cmocka_unit_test(too_many_bytes_before_connecting),
		cmocka_unit_test(handshakes_wait_for_records),
		cmocka_unit_test(flights_wait_for_records),
		cmocka_unit_test(no_memory_for_a_peer),
		cmocka_unit_test(what_follows_a_waiting_hello_waits_too),
		cmocka_unit_test(records_keep_their_order),
		cmocka_unit_test(garbage_costs_nothing),
		cmocka_unit_test(certificates_change_without_a_restart),
		cmocka_unit_test(shutting_down_tells_everybody),
		cmocka_unit_test(a_thousand_peers),
	};

	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
