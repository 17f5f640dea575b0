/* endpoint/: connection IDs: peers are found whatever address they speak from, by the worker that has them. */
#define _GNU_SOURCE /* struct mmsghdr */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "endpoints.h"
#include "pcg.h"

#include <sys/epoll.h>
#include <unistd.h>

#ifndef SO_DETACH_REUSEPORT_BPF
#define SO_DETACH_REUSEPORT_BPF 68
#endif

static const struct version {
	const char *name;
	tern_protocol version;
	uint16_t client_mtu; /* 0: the default */
	uint8_t cid_length; /* 0: the default */
} versions[] = {{"DTLS 1.2", TERN_DTLS12, 0, 0},
		{"DTLS 1.3", TERN_DTLS13, 0, 0},
		{"a hello in fragments", TERN_DTLS13, 220, 0},
		{"IDs of 13 bytes, DTLS 1.2", TERN_DTLS12, 0, 13},
		{"IDs of 20 bytes, DTLS 1.2", TERN_DTLS12, 0, 20},
		{"IDs of 20 bytes, DTLS 1.3", TERN_DTLS13, 0, 20}};

static tern_config *cid_config(tern_protocol version)
{
	tern_config *config = new_config(NULL);

	OK(tern_config_set_versions(config, version, version));
	OK(tern_config_add_psk(config, "id", 2, "sixteen bytes...", 16));
	OK(tern_config_set_cid_length(config, 0));
	OK(tern_config_set_rrc(config, TERN_RRC_BASIC));
	return config;
}

/* The peer's socket gets a port of its own choice anew, as behind a NAT that forgot it. */
static void rebind(struct site *client, tern_peer peer, const tern_address *to)
{
	const tern_endpoint *endpoint = client->endpoint;
	int old = endpoint->sockets[slot_at(endpoint, (uint32_t)peer)->route.socket].fd;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	struct sockaddr_in6 name;
	socklen_t len = (socklen_t)tern_endpoint_to_sockaddr((struct sockaddr *)&name, to);

	assert_true(fd >= 0 && connect(fd, (struct sockaddr *)&name, len) == 0);
	assert_true(dup2(fd, old) >= 0);
	close(fd);
	struct epoll_event watch = {.events = EPOLLIN, .data.u32 = slot_at(endpoint, (uint32_t)peer)->route.socket};
	assert_int_equal(epoll_ctl(endpoint->epoll, EPOLL_CTL_ADD, old, &watch), 0);
}

static void finds_who_moved(void **state)
{
	(void)state;
	for (size_t v = 0; v < NUM(versions); v++) {
		struct site server, client, *both[] = {&server, &client};
		tern_endpoint_options options = {.size = sizeof options,
						 .cids = true,
						 .cid_length = versions[v].cid_length,
						 .shard = 0x1234};
		tern_info info;
		uint16_t shard;
		uint8_t worker;
		print_message("%s\n", versions[v].name);
		site_open(&server, cid_config(versions[v].version), "127.0.0.1:0", &options);
		tern_config *small = cid_config(versions[v].version);
		OK(tern_config_set_limits(small,
					  &(tern_limits){.size = sizeof(tern_limits), .mtu = versions[v].client_mtu}));
		site_open(&client, small, NULL, NULL);
		tern_address at = site_address(&server);
		tern_peer peer = site_dial(&client, &at, NULL);
		sites_until(both, 2, &client.connected, 1);
		sites_until(both, 2, &server.connected, 1);
		tern_conn_info(tern_endpoint_conn(client.endpoint, peer), &info);
		assert_int_equal(info.peer_cid_len, versions[v].cid_length ? versions[v].cid_length : TERN_CID_LEN);
		assert_true(tern_cid_parse(info.peer_cid, info.peer_cid_len, &shard, &worker));
		assert_int_equal(shard, 0x1234);
		assert_int_equal(worker, 0);
		uint64_t strangers = site_counters(&server).dropped_stranger; /* fragments of the hello */
		for (unsigned i = 0; i < 3; i++) {
			rebind(&client, peer, &at);
			OK(tern_endpoint_send(client.endpoint, peer, "moved", 5));
			sites_until(both, 2, &server.records, i + 1);
			sites_settle(both, 2);
			assert_int_equal(site_counters(&server).paths_changed, i + 1);
			OK(tern_endpoint_send(server.endpoint, server.peer, "there?", 6));
			sites_until(both, 2, &client.records, i + 1);
		}
		assert_int_equal(site_counters(&server).dropped_stranger, strangers);
		site_close(&client);
		site_close(&server);
	}
}

/* A peer that is silent is asked for a sign of life, again and again, and its answer counts as being heard. */
static void keeps_in_touch(void **state)
{
	struct site server, client, *both[] = {&server, &client};
	tern_endpoint_options options = {.size = sizeof options,
					 .cids = true,
					 .idle_ns = 25 * SECOND_NS,
					 .keep_alive_ns = 10 * SECOND_NS};
	(void)state;
	site_open(&server, cid_config(TERN_DTLS13), "127.0.0.1:0", &options);
	site_open(&client, cid_config(TERN_DTLS13), NULL, NULL);
	site_stop_clock(&server);
	tern_address at = site_address(&server);
	site_dial(&client, &at, NULL);
	sites_until(both, 2, &client.connected, 1);
	sites_until(both, 2, &server.connected, 1);
	sites_settle(both, 2);
	for (unsigned i = 1; i <= 5; i++) {
		site_pass(9 * SECOND_NS);
		sites_settle(both, 2);
		assert_int_equal(site_counters(&server).probes, i - 1);
		site_pass(SECOND_NS);
		sites_until(both, 2, &server.alive, i);
		assert_int_equal(site_counters(&server).probes, i);
	}
	assert_int_equal(server.num_gone, 0);
	site_close(&client); /* without a word */
	for (int i = 0; i < 30 && !server.num_gone; i++) {
		site_pass(SECOND_NS);
		sites_settle(both, 1);
	}
	assert_true(server.silent > 0);
	assert_int_equal(server.gone[TERN_GONE_IDLE], 1);
	site_close(&server);
}

/* IDs that name nobody, or somebody else, do no harm. */
static void ids_prove_nothing(void **state)
{
	struct site server, client, *both[] = {&server, &client};
	tern_endpoint_options options = {.size = sizeof options, .cids = true};
	struct pcg pcg = {1};
	tern_info info;
	(void)state;
	site_open(&server, cid_config(TERN_DTLS12), "127.0.0.1:0", &options);
	site_open(&client, cid_config(TERN_DTLS12), NULL, NULL);
	tern_address at = site_address(&server);
	tern_peer peer = site_dial(&client, &at, NULL);
	sites_until(both, 2, &client.connected, 1);
	sites_until(both, 2, &server.connected, 1);
	tern_conn_info(tern_endpoint_conn(client.endpoint, peer), &info);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in6 name;
	socklen_t len = (socklen_t)tern_endpoint_to_sockaddr((struct sockaddr *)&name, &at);
	for (int i = 0; i < 1000; i++) {
		uint8_t record[64] = {25, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 1, 0};
		for (size_t b = 11; b < sizeof record; b++)
			record[b] = (uint8_t)pcg_next(&pcg);
		memcpy(record + 11, info.peer_cid, i % 3 ? 4 : 8); /* a real one, forged contents; or a real start */
		if (i % 6 == 1)
			record[11 + 3] = 1; /* there is no such worker */
		record[19] = 0;
		record[20] = 43;
		assert_int_equal(sendto(fd, record, sizeof record, 0, (struct sockaddr *)&name, len), sizeof record);
		if (i % 50 == 49)
			sites_settle(both, 1);
	}
	close(fd);
	OK(tern_endpoint_send(client.endpoint, peer, "still", 5));
	sites_until(both, 2, &server.records, 1);
	assert_int_equal(site_counters(&server).datagrams_received, 1000 + site_counters(&client).datagrams_sent);
	assert_int_equal(server.num_gone, 0);
	assert_int_equal(site_counters(&server).handed_over, 0);
	site_close(&client);
	site_close(&server);
}

/* From a socket that the server has never heard of. */
static void send_elsewhere(const tern_address *to, const uint8_t *bytes, size_t n)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in6 name;
	socklen_t len = (socklen_t)tern_endpoint_to_sockaddr((struct sockaddr *)&name, to);
	assert_true(fd >= 0 && sendto(fd, bytes, n, 0, (struct sockaddr *)&name, len) == (ssize_t)n);
	close(fd);
}

/* Whose ID it was has gone. */
static void ids_of_who_is_gone(void **state)
{
	struct site server, client, *both[] = {&server, &client};
	tern_endpoint_options options = {.size = sizeof options, .cids = true};
	uint8_t late[512];
	size_t n;
	(void)state;
	site_open(&server, cid_config(TERN_DTLS12), "127.0.0.1:0", &options);
	site_open(&client, cid_config(TERN_DTLS12), NULL, NULL);
	tern_address at = site_address(&server);
	tern_peer peer = site_dial(&client, &at, NULL);
	sites_until(both, 2, &client.connected, 1);
	sites_until(both, 2, &server.connected, 1);
	site_stop_clock(&client);
	OK(tern_conn_seal(tern_endpoint_conn(client.endpoint, peer), late, sizeof late, &n, (const uint8_t *)"late", 4,
			  site_now));
	tern_endpoint_close(client.endpoint, peer);
	sites_until(both, 2, &server.num_gone, 1);
	uint64_t strangers = site_counters(&server).dropped_stranger;
	send_elsewhere(&at, late, n);
	sites_settle(both, 1);
	assert_int_equal(site_counters(&server).dropped_stranger, strangers + 1);
	assert_int_equal(server.records, 0);
	site_close(&client);
	site_close(&server);
}

/* A record of the client's from an address that it does not have: the server asks there, and stays with the client. */
static void addresses_are_proved(void **state)
{
	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct site server, client, *both[] = {&server, &client};
		tern_endpoint_options options = {.size = sizeof options, .cids = true};
		uint8_t stolen[512];
		size_t n;
		site_open(&server, cid_config(versions[v].version), "127.0.0.1:0", &options);
		site_open(&client, cid_config(versions[v].version), NULL, NULL);
		site_stop_clock(&server);
		site_stop_clock(&client);
		tern_address at = site_address(&server);
		tern_peer peer = site_dial(&client, &at, NULL);
		sites_until(both, 2, &client.connected, 1);
		sites_until(both, 2, &server.connected, 1);
		OK(tern_conn_seal(tern_endpoint_conn(client.endpoint, peer), stolen, sizeof stolen, &n,
				  (const uint8_t *)"stolen", 6, site_now));
		send_elsewhere(&at, stolen, n);
		sites_until(both, 2, &server.records, 1);
		for (int i = 0; i < 20; i++) {
			site_pass(SECOND_NS / 4);
			sites_turn(both, 2);
		}
		OK(tern_endpoint_send(server.endpoint, server.peer, "there?", 6));
		sites_until(both, 2, &client.records, 1);
		assert_int_equal(site_counters(&server).paths_changed, 0);
		site_close(&client);
		site_close(&server);
	}
}

#define WORKERS 3
#define PEERS 24

/* filter: the kernel finds the worker itself. Without, they hand over. */
static void workers_find_who_moved(void **state)
{
	(void)state;
	for (int filter = 0; filter < 2; filter++) {
		struct site sites[WORKERS + 1], *all[WORKERS + 1], *client = &sites[WORKERS];
		tern_endpoint *workers[WORKERS];
		tern_endpoint_options options = {.size = sizeof options,
						 .cids = true,
						 .cid_length = 11,
						 .num_listen = 1};
		tern_config *config = cid_config(TERN_DTLS13);
		tern_address at;
		tern_peer peers[PEERS];
		uint64_t handed = 0;
		unsigned records = 0;
		assert_true(tern_endpoint_parse(&at, "127.0.0.1:0"));
		options.listen = &at;
		OK(tern_endpoint_open_workers(workers, WORKERS, config, &options));
		for (size_t i = 0; i < WORKERS; i++)
			sites[i] = (struct site){.endpoint = workers[i]};
		site_open(client, cid_config(TERN_DTLS13), NULL, NULL);
		for (size_t i = 0; i <= WORKERS; i++)
			all[i] = &sites[i];
		at = site_address(&sites[0]);
		if (!filter)
			assert_int_equal(setsockopt(workers[0]->sockets[0].fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF,
						    &filter, sizeof filter),
					 0);
		for (size_t i = 0; i < PEERS; i++)
			peers[i] = site_dial(client, &at, NULL);
		sites_until(all, WORKERS + 1, &client->connected, PEERS);
		sites_settle(all, WORKERS + 1);
		for (size_t i = 0; i < PEERS; i++) {
			rebind(client, peers[i], &at);
			OK(tern_endpoint_send(client->endpoint, peers[i], "moved", 5));
		}
		sites_settle(all, WORKERS + 1);
		for (size_t i = 0; i < WORKERS; i++) {
			records += sites[i].records;
			handed += site_counters(&sites[i]).handed_over;
			assert_int_equal(site_counters(&sites[i]).dropped_handover, 0);
		}
		assert_int_equal(records, PEERS);
		if (filter)
			assert_int_equal(handed, 0);
		else
			assert_true(handed > 0); /* of 24 new ports not all lead to the old worker */
		for (size_t i = 0; i < WORKERS; i++)
			tern_endpoint_free(workers[i]);
		tern_config_free(config);
		site_close(client);
	}
}

/* Two IDs of a connection have nothing in common but the place they lead to, whatever their length. */
static void ids_do_not_repeat(void **state)
{
	static const uint8_t lengths[] = {8, 9, 20};
	(void)state;
	for (size_t l = 0; l < NUM(lengths); l++) {
		struct site server, client, *both[] = {&server, &client};
		tern_endpoint_options options = {.size = sizeof options, .cids = true, .cid_length = lengths[l]};
		tern_info info, later;
		site_open(&server, cid_config(TERN_DTLS13), "127.0.0.1:0", &options);
		site_open(&client, cid_config(TERN_DTLS13), NULL, NULL);
		tern_address at = site_address(&server);
		tern_peer peer = site_dial(&client, &at, NULL);
		sites_until(both, 2, &client.connected, 1);
		sites_until(both, 2, &server.connected, 1);
		tern_conn_info(tern_endpoint_conn(client.endpoint, peer), &info);
		OK(tern_conn_request_cids(tern_endpoint_conn(client.endpoint, peer), 1));
		tern_endpoint_touch(client.endpoint, peer);
		sites_settle(both, 2);
		OK(tern_conn_next_cid(tern_endpoint_conn(client.endpoint, peer)));
		tern_conn_info(tern_endpoint_conn(client.endpoint, peer), &later);
		assert_int_equal(later.peer_cid_len, lengths[l]);
		assert_memory_equal(info.peer_cid + 1, later.peer_cid + 1, 3); /* shard and worker */
		assert_memory_not_equal(info.peer_cid + 4, later.peer_cid + 4, 4);
		if (lengths[l] > 15)
			assert_memory_not_equal(info.peer_cid + 8, later.peer_cid + 8, lengths[l] - 8u);
		rebind(&client, peer, &at);
		OK(tern_endpoint_send(client.endpoint, peer, "moved", 5));
		sites_until(both, 2, &server.records, 1);
		site_close(&client);
		site_close(&server);
	}
}

static void lengths_have_limits(void **state)
{
	static const uint8_t lengths[] = {1, 7, 21, 255};
	(void)state;
	for (size_t l = 0; l < NUM(lengths); l++) {
		tern_endpoint_options options = {.size = sizeof options, .cids = true, .cid_length = lengths[l]};
		tern_config *config = cid_config(TERN_DTLS13);
		tern_endpoint *endpoint;
		assert_int_equal(tern_endpoint_open(&endpoint, config, &options), TERN_ERROR_USAGE);
		tern_config_free(config);
	}
}

/* Each worker brings the new config. */
static void workers_change_their_config(void **state)
{
	tern_endpoint *workers[2];
	tern_endpoint_options options = {.size = sizeof options, .cids = true, .num_listen = 1};
	tern_config *config = cid_config(TERN_DTLS13), *renewed = cid_config(TERN_DTLS13),
		    *used = cid_config(TERN_DTLS13);
	tern_pool *pool;
	tern_address at;
	(void)state;
	assert_true(tern_endpoint_parse(&at, "127.0.0.1:0"));
	options.listen = &at;
	OK(tern_endpoint_open_workers(workers, 2, config, &options));
	OK(tern_endpoint_set_config(workers[0], renewed));
	OK(tern_endpoint_set_config(workers[1], renewed));
	OK(tern_pool_new(&pool, used));
	assert_int_equal(tern_endpoint_set_config(workers[0], used), TERN_ERROR_USAGE);
	tern_pool_free(pool);
	for (size_t i = 0; i < 2; i++)
		tern_endpoint_free(workers[i]);
	tern_config_free(config);
	tern_config_free(renewed);
	tern_config_free(used);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_who_moved),
		cmocka_unit_test(keeps_in_touch),
		cmocka_unit_test(ids_prove_nothing),
		cmocka_unit_test(ids_of_who_is_gone),
		cmocka_unit_test(addresses_are_proved),
		cmocka_unit_test(workers_find_who_moved),
		cmocka_unit_test(ids_do_not_repeat),
		cmocka_unit_test(lengths_have_limits),
		cmocka_unit_test(workers_change_their_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
