/* endpoint/: what the kernel, the memory and the application may do to it: errors of system calls, no room, connections
 * that cannot be made, arguments that are wrong. */
#define _GNU_SOURCE /* struct mmsghdr */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "endpoints.h"
#include "usual_pair.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/udp.h>
#include <sys/un.h>

/* ---- connections that cannot be made ---- */

/* With room for one handshake: what a failure took from the budgets it gives back. */
static const tern_endpoint_options tight = {.size = sizeof tight,
					    .max_handshakes = 1,
					    .max_handshakes_per_prefix = 1,
					    .signatures_per_s = 1};

/* Whom it trusts is all that it was told: it could listen, but accept nobody. */
static void without_credentials(void **state)
{
	tern_config *config = new_config(NULL);
	struct two t;
	(void)state;
	add_trust(config, &root);
	two_open_with(&t, config, psk_config(CLIENT), &tight);
	site_dial(&t.client, &t.at, NULL);
	sites_settle(t.both, 2);
	assert_int_equal(t.server.accepted, 0);
	assert_int_equal(site_counters(&t.server).refused_memory, 1);
	assert_int_equal(site_counters(&t.server).peers, 0);
	assert_int_equal(site_counters(&t.server).handshakes, 0);
	two_close(&t);
}

static unsigned open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned num = 0;
	assert_non_null(dir);
	while (readdir(dir))
		num++;
	closedir(dir);
	return num;
}

/* Nothing is left of a dial that fails, and the next one works. */
static void dials_that_fail(void **state)
{
	static const struct {
		const char *name, *remote, *local, *session;
		tern_error error;
		int number;
	} cases[] = {
		{"to nowhere", NULL, NULL, NULL, TERN_ERROR_USAGE, 0},
		{"from the other family", "127.0.0.1:9", "[::1]:0", NULL, TERN_ERROR_USAGE, 0},
		{"from an address that is not ours", "127.0.0.1:9", "192.0.2.1:0", NULL, TERN_ERROR_SYSTEM,
		 EADDRNOTAVAIL},
		{"with a session that is none", "127.0.0.1:9", NULL, "none", TERN_ERROR_BAD_SESSION, 0},
	};
	static const tern_address bad_local = {.len = 1};
	tern_dial_options options = {.size = sizeof options};
	tern_peer peer = 0;
	struct two t;
	unsigned before;
	(void)state;
	two_open(&t, NULL);
	before = open_files();
	for (size_t i = 0; i < NUM(cases); i++) {
		options = (tern_dial_options){.size = sizeof options, .session = cases[i].session, .session_len = 4};
		assert_true(!cases[i].remote || tern_endpoint_parse(&options.remote, cases[i].remote));
		assert_true(!cases[i].local || tern_endpoint_parse(&options.local, cases[i].local));
		errno = 0;
		check_is(cases[i].name, tern_endpoint_dial(t.client.endpoint, &peer, &options), cases[i].error);
		assert_int_equal(errno == cases[i].number || !cases[i].number, 1);
		assert_int_equal(peer, 0);
		assert_int_equal(open_files(), before);
	}
	options = (tern_dial_options){.size = sizeof options, .remote = t.at, .local = bad_local};
	assert_int_equal(tern_endpoint_dial(t.client.endpoint, &peer, &options), TERN_ERROR_USAGE);
	assert_int_equal(site_counters(&t.client).handshakes_started, 0);
	two_connect(&t, NULL);
	two_close(&t);
}

static void addresses_that_are_none(void **state)
{
	static const tern_address bad = {.len = 5};
	struct sockaddr_un path = {.sun_family = AF_UNIX};
	struct sockaddr_in6 name;
	char text[TERN_ADDRESS_TEXT];
	tern_address address;
	struct two t;
	(void)state;
	tern_endpoint_text(text, &bad);
	assert_string_equal(text, "?");
	assert_int_equal(tern_endpoint_to_sockaddr((struct sockaddr *)&name, &bad), 0);
	assert_false(tern_endpoint_from_sockaddr(&address, (struct sockaddr *)&path));
	two_open(&t, NULL);
	assert_true(tern_endpoint_bound(t.server.endpoint, &address, 0));
	assert_false(tern_endpoint_bound(t.server.endpoint, &address, 1));
	assert_false(tern_endpoint_bound(t.client.endpoint, &address, 0));
	two_close(&t);
}

static void sends_that_are_refused(void **state)
{
	static uint8_t data[65536];
	struct two t;
	tern_peer client;
	(void)state;
	two_open(&t, NULL);
	two_connect(&t, &client);
	assert_int_equal(tern_endpoint_send(t.client.endpoint, client, data, sizeof data), TERN_ERROR_TOO_LARGE);
	assert_int_equal(tern_endpoint_send(t.client.endpoint, client, data, 10000), TERN_ERROR_TOO_LARGE);
	assert_int_equal(tern_endpoint_send(t.client.endpoint, client + 1, data, 1), TERN_ERROR_NOT_CONNECTED);
	assert_int_equal(tern_endpoint_send(t.client.endpoint, client + CHUNK, data, 1), TERN_ERROR_NOT_CONNECTED);
	assert_int_equal(tern_endpoint_send(t.client.endpoint, 0, data, 1), TERN_ERROR_NOT_CONNECTED);
	tern_endpoint_touch(t.client.endpoint, client + 1);
	tern_endpoint_close(t.client.endpoint, client + 1);
	OK(tern_endpoint_send(t.client.endpoint, client, data, 1));
	sites_until(t.both, 2, &t.server.records, 1);
	assert_int_equal(t.server.num_gone + t.client.num_gone, 0);
	two_close(&t);
}

/* The keys of DTLS 1.2 do not change: at their end the peer is gone. */
static void the_end_of_a_key(void **state)
{
	tern_limits limits = {.size = sizeof limits, .seal_limit = 20};
	tern_config *config = psk_config(CLIENT);
	struct two t;
	tern_peer client;
	tern_error error = TERN_OK;
	(void)state;
	OK(tern_config_set_limits(config, &limits));
	two_open_with(&t, psk_config(SERVER), config, NULL);
	two_connect(&t, &client);
	for (int i = 0; i < 40 && error == TERN_OK; i++)
		error = tern_endpoint_send(t.client.endpoint, client, "x", 1);
	assert_int_equal(error, TERN_ERROR_LIMIT);
	assert_int_equal(tern_endpoint_send(t.client.endpoint, client, "x", 1), TERN_ERROR_NOT_CONNECTED);
	sites_until(t.both, 2, &t.client.gone[TERN_GONE_FAILED], 1);
	sites_settle(t.both, 2);
	assert_int_equal(site_counters(&t.server).records_received, site_counters(&t.client).records_sent);
	two_close(&t);
}

/* ---- what the kernel says ---- */

static struct {
	int error; /* of sends */
	unsigned times; /* from now on */
	unsigned strange; /* datagrams with a name of no family, then so many */
	unsigned cut; /* that are marked as cut off */
} kernel;

static int failing_send(int fd, struct mmsghdr *messages, unsigned num)
{
	if (kernel.times) {
		kernel.times--;
		errno = kernel.error;
		return -1;
	}
	return io_batch.send(fd, messages, num);
}

static int odd_receive(int fd, struct mmsghdr *messages, unsigned num)
{
	int got = io_batch.receive(fd, messages, num);

	for (int i = 0; i < got; i++) {
		if (kernel.strange) {
			kernel.strange--;
			((struct sockaddr *)messages[i].msg_hdr.msg_name)->sa_family = AF_UNSPEC;
		} else if (kernel.cut) {
			kernel.cut--;
			messages[i].msg_hdr.msg_flags |= MSG_TRUNC;
		}
	}
	return got;
}

static void usual_clock(tern_time *now)
{
	io_batch.clock(now);
}

static const struct io faulty = {failing_send, odd_receive, usual_clock};

/* What is not the datagram's fault is tried again; what is loses it alone. */
static void errors_of_sends(void **state)
{
	static const struct {
		const char *name;
		int error;
		unsigned times;
		uint64_t lost, too_large;
	} cases[] = {
		{"a signal", EINTR, 1, 0, 0},
		{"nobody listened to an earlier one", ECONNREFUSED, 1, 0, 0},
		{"nobody listens", ECONNREFUSED, 2, 1, 0},
		{"beyond the path's MTU", EMSGSIZE, 1, 1, 1},
		{"a firewall", EPERM, 1, 1, 0},
		{"no route", ENETUNREACH, 1, 1, 0},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct two t;
		tern_peer client;
		print_message("%s\n", cases[i].name);
		two_open(&t, NULL);
		two_connect(&t, &client);
		t.client.endpoint->io = &faulty;
		kernel.error = cases[i].error;
		kernel.times = cases[i].times;
		OK(tern_endpoint_send(t.client.endpoint, client, "first", 5));
		assert_true(tern_endpoint_flush(t.client.endpoint));
		OK(tern_endpoint_send(t.client.endpoint, client, "second", 6));
		sites_until(t.both, 2, &t.server.records, 2 - (unsigned)cases[i].lost);
		sites_settle(t.both, 2);
		assert_int_equal(t.server.len, 6);
		assert_int_equal(site_counters(&t.client).send_failures, cases[i].lost);
		assert_int_equal(site_counters(&t.client).send_too_large, cases[i].too_large);
		assert_int_equal(t.client.num_gone, 0);
		two_close(&t);
	}
}

static void datagrams_that_cannot_be_used(void **state)
{
	struct two t;
	tern_peer client;
	(void)state;
	two_open(&t, NULL);
	two_connect(&t, &client);
	uint64_t before = site_counters(&t.server).datagrams_received;
	t.server.endpoint->io = &faulty;
	kernel.times = 0;
	kernel.strange = 1;
	kernel.cut = 1;
	for (unsigned i = 0; i < 3; i++) {
		OK(tern_endpoint_send(t.client.endpoint, client, "123", i + 1));
		sites_settle(t.both, 2);
	}
	assert_int_equal(t.server.records, 1);
	assert_int_equal(t.server.len, 3);
	assert_int_equal(site_counters(&t.server).dropped_truncated, 1);
	assert_int_equal(site_counters(&t.server).datagrams_received, before + 2);
	two_close(&t);
}

/* Nothing goes out while blocked says so; epoll goes on to say that there is room, as it does for ENOBUFS. */
static bool blocked;

static int blocking_send(int fd, struct mmsghdr *messages, unsigned num)
{
	if (blocked) {
		errno = ENOBUFS;
		return -1;
	}
	return io_batch.send(fd, messages, num);
}

static const struct io blocking = {blocking_send, odd_receive, usual_clock};

/* Different lengths, so that they do not become one message. */
static unsigned fill(struct site *site, tern_peer peer)
{
	static const uint8_t data[SENDS + 1];
	unsigned accepted = 0;

	kernel.strange = kernel.cut = 0;
	site->endpoint->io = &blocking;
	blocked = true;
	for (; accepted <= SENDS; accepted++) {
		tern_error error = tern_endpoint_send(site->endpoint, peer, data, accepted + 1);
		if (error == TERN_WOULD_BLOCK)
			return accepted;
		OK(error);
	}
	fail_msg("never full");
	return 0;
}

static void a_dial_waits_for_room(void **state)
{
	struct two t;
	tern_peer client, waits;
	(void)state;
	two_open(&t, NULL);
	two_connect(&t, &client);
	unsigned accepted = fill(&t.client, client);
	waits = site_dial(&t.client, &t.at, NULL);
	sites_settle(t.both, 2);
	/* Its hello is what waits first. */
	assert_int_equal(tern_endpoint_send(t.client.endpoint, waits, "x", 1), TERN_WOULD_BLOCK);
	assert_int_equal(t.server.accepted, 1);
	blocked = false;
	sites_until(t.both, 2, &t.client.connected, 2);
	sites_until(t.both, 2, &t.client.writable, 1);
	assert_int_equal(t.server.records, accepted);
	OK(tern_endpoint_send(t.client.endpoint, waits, "x", 1));
	sites_until(t.both, 2, &t.server.records, accepted + 1);
	two_close(&t);
}

/* Who is closed while there is no room is told once there is, and not gone before. */
static void a_close_waits_for_room(void **state)
{
	(void)state;
	for (int server_closes = 0; server_closes < 2; server_closes++) {
		struct two t;
		tern_peer peer[2];
		(void)state;
		two_open(&t, NULL);
		peer[0] = two_connect(&t, &peer[1]);
		struct site *closes = server_closes ? &t.server : &t.client;
		struct site *other = server_closes ? &t.client : &t.server;
		unsigned accepted = fill(closes, peer[!server_closes]);
		tern_endpoint_close(closes->endpoint, peer[!server_closes]);
		sites_settle(t.both, 2);
		assert_int_equal(closes->num_gone, 0);
		assert_int_equal(other->num_gone, 0);
		blocked = false;
		sites_until(t.both, 2, &closes->gone[TERN_GONE_CLOSED], 1);
		sites_until(t.both, 2, &other->gone[TERN_GONE_CLOSED_BY_PEER], 1);
		assert_int_equal(other->records, accepted);
		assert_int_equal(site_counters(closes).peers, 0);
		two_close(&t);
	}
}

/* More of them than there is room for at once. */
static void a_shutdown_waits_for_room(void **state)
{
	enum { PEERS = 2 * SENDS };
	struct two t;
	(void)state;
	two_open(&t, NULL);
	for (int i = 0; i < PEERS; i++)
		site_dial(&t.client, &t.at, NULL);
	sites_until(t.both, 2, &t.client.connected, PEERS);
	sites_until(t.both, 2, &t.server.connected, PEERS);
	sites_settle(t.both, 2);
	t.server.endpoint->io = &blocking;
	blocked = true;
	tern_endpoint_shutdown(t.server.endpoint);
	sites_settle(t.both, 2);
	blocked = false;
	sites_until(t.both, 2, &t.client.gone[TERN_GONE_CLOSED_BY_PEER], PEERS);
	sites_until(t.both, 2, &t.server.gone[TERN_GONE_CLOSED], PEERS);
	two_close(&t);
}

/* An answer to a stranger is dropped, the stranger will ask again. */
static void a_stranger_does_not_wait(void **state)
{
	struct two t;
	tern_peer server, client;
	(void)state;
	two_open(&t, NULL);
	server = two_connect(&t, &client);
	fill(&t.server, server);
	site_stop_clock(&t.client);
	site_dial(&t.client, &t.at, NULL);
	sites_settle(t.both, 2);
	assert_int_equal(site_counters(&t.server).dropped_reply, 1);
	blocked = false;
	sites_settle(t.both, 2);
	assert_int_equal(t.client.connected, 1);
	site_pass(3 * SECOND_NS);
	sites_until(t.both, 2, &t.client.connected, 2);
	two_close(&t);
}

/* ---- the backlog ---- */

enum { FLOOD_LEN = 2013, FLOOD_SEGMENTS = 32 };

/* Each message is many datagrams that the kernel has put together: the start of a hello, which has to wait for its
 * turn. */
static int flooding_receive(int fd, struct mmsghdr *messages, unsigned num)
{
	static const uint8_t start[FLOOD_LEN] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0x7, 0xd0, 1, 0, 0x20};
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = 9, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int segment = FLOOD_LEN;

	(void)fd;
	for (unsigned i = 0; i < num; i++) {
		struct msghdr *header = &messages[i].msg_hdr;
		struct cmsghdr *control = header->msg_control;
		for (size_t k = 0; k < FLOOD_SEGMENTS; k++)
			memcpy((uint8_t *)header->msg_iov->iov_base + k * FLOOD_LEN, start, FLOOD_LEN);
		memcpy(header->msg_name, &from, sizeof from);
		messages[i].msg_len = FLOOD_LEN * FLOOD_SEGMENTS;
		header->msg_controllen = CMSG_SPACE(sizeof segment);
		*control = (struct cmsghdr){CMSG_LEN(sizeof segment), IPPROTO_UDP, UDP_GRO};
		memcpy(CMSG_DATA(control), &segment, sizeof segment);
	}
	return (int)num;
}

static const struct io flooding = {failing_send, flooding_receive, usual_clock};

/* Datagrams that have to wait take no more memory than was set aside; afterwards all goes on. */
static void a_flood_of_what_has_to_wait(void **state)
{
	struct two t;
	tern_endpoint_counters counters;
	(void)state;
	kernel.times = 0;
	two_open(&t, NULL);
	t.server.endpoint->io = &flooding;
	site_dial(&t.client, &t.at, NULL);
	assert_true(tern_endpoint_flush(t.client.endpoint)); /* epoll has something to say */
	sites_turn(t.both, 1);
	counters = site_counters(&t.server);
	assert_int_equal(counters.datagrams_received, RECEIVES * FLOOD_SEGMENTS);
	/* They had their turn. */
	assert_true(counters.dropped_stranger >= 200 && counters.dropped_stranger <= BACKLOG_BYTES / FLOOD_LEN);
	assert_int_equal(counters.dropped_backlog, RECEIVES * FLOOD_SEGMENTS - counters.dropped_stranger);
	t.server.endpoint->io = &io_batch;
	sites_until(t.both, 2, &t.client.connected, 1);
	two_close(&t);
}

/* ---- what the application does to a connection ---- */

/* The core is told things behind the endpoint's back, which then only has to be told to look. */
static void a_touch_sends_what_waits(void **state)
{
	struct two t;
	tern_peer client;
	tern_time now;
	(void)state;
	two_open(&t, NULL);
	two_connect(&t, &client);
	io_batch.clock(&now);
	OK(tern_conn_close(tern_endpoint_conn(t.client.endpoint, client), now));
	sites_settle(t.both, 2);
	assert_int_equal(t.server.num_gone, 0);
	tern_endpoint_touch(t.client.endpoint, client);
	assert_int_equal(tern_endpoint_deadline(t.client.endpoint), 0);
	sites_until(t.both, 2, &t.server.gone[TERN_GONE_CLOSED_BY_PEER], 1);
	two_close(&t);
}

/* The one peer that a server accepts moves to another prefix at once. */
static bool move_the_accepted(struct site *server)
{
	tern_endpoint_event event;
	tern_path path;
	bool accepted = false;

	OK(tern_endpoint_run(server->endpoint, 0));
	while (tern_endpoint_next(server->endpoint, &event), event.kind != TERN_ENDPOINT_NONE) {
		if (event.kind != TERN_ENDPOINT_ACCEPTED)
			continue;
		accepted = true;
		assert_true(tern_endpoint_path(server->endpoint, event.peer, &path));
		path.remote.bytes[2] = 9; /* 127.0.9.1 */
		OK(tern_conn_set_path(event.conn, &path, site_now));
		tern_endpoint_touch(server->endpoint, event.peer);
	}
	return accepted;
}

/* What a handshake takes from the budget of its prefix it gives back to the same, wherever it has gone meanwhile. */
static void a_handshake_that_moves(void **state)
{
	tern_endpoint_options options = {.size = sizeof options, .max_handshakes_per_prefix = 1};
	struct two t;
	(void)state;
	two_open(&t, &options);
	site_stop_clock(&t.server);
	site_dial(&t.client, &t.at, NULL);
	for (int i = 0; !move_the_accepted(&t.server); i++) {
		assert_true(i < 1000);
		sites_turn(&t.both[1], 1);
	}
	assert_int_equal(site_counters(&t.server).paths_changed, 1);
	site_close(&t.client);
	site_open(&t.client, psk_config(CLIENT), NULL, NULL);
	site_pass(200 * SECOND_NS); /* past the deadline of handshakes */
	sites_until(t.both, 1, &t.server.gone[TERN_GONE_FAILED], 1);
	two_connect(&t, NULL);
	assert_int_equal(site_counters(&t.server).refused_prefix, 0);
	two_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_credentials),
		cmocka_unit_test(dials_that_fail),
		cmocka_unit_test(addresses_that_are_none),
		cmocka_unit_test(sends_that_are_refused),
		cmocka_unit_test(the_end_of_a_key),
		cmocka_unit_test(errors_of_sends),
		cmocka_unit_test(datagrams_that_cannot_be_used),
		cmocka_unit_test(a_dial_waits_for_room),
		cmocka_unit_test(a_close_waits_for_room),
		cmocka_unit_test(a_shutdown_waits_for_room),
		cmocka_unit_test(a_stranger_does_not_wait),
		cmocka_unit_test(a_flood_of_what_has_to_wait),
		cmocka_unit_test(a_touch_sends_what_waits),
		cmocka_unit_test(a_handshake_that_moves),
	};

	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
