/* endpoint/: datagrams in and out, by each way the kernel offers, IPv4 and IPv6, and what happens when it takes
 * nothing. */
#define _GNU_SOURCE /* struct mmsghdr */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "endpoints.h"

#include <errno.h>

static const struct way {
	const char *name, *listen;
	tern_endpoint_io io;
} ways[] = {
	{"IPv4, offload", "127.0.0.1:0", TERN_ENDPOINT_IO_OFFLOAD},
	{"IPv4, batches", "127.0.0.1:0", TERN_ENDPOINT_IO_BATCH},
	{"IPv4, plain", "127.0.0.1:0", TERN_ENDPOINT_IO_PLAIN},
	{"IPv6, offload", "[::1]:0", TERN_ENDPOINT_IO_OFFLOAD},
	{"IPv6, batches", "[::1]:0", TERN_ENDPOINT_IO_BATCH},
	{"IPv6, plain", "[::1]:0", TERN_ENDPOINT_IO_PLAIN},
};

/* Runs of one length, a shorter and a longer one, an empty one. */
static const size_t lengths[] = {100, 100, 100, 40, 100, 1000, 1000, 1000, 1000, 0, 7, 1100};

static void open_two(struct site *server, struct site *client, const char *at, tern_endpoint_io io)
{
	tern_endpoint_options options = {.size = sizeof options, .io = io};

	site_open(server, psk_config(SERVER), at, &options);
	site_open(client, psk_config(CLIENT), NULL, &options);
}

static void close_two(struct site *server, struct site *client)
{
	site_close(server);
	site_close(client);
}

static void carries_records(void **state)
{
	(void)state;
	for (size_t w = 0; w < NUM(ways); w++) {
		struct site server, client, *both[] = {&server, &client};
		uint8_t data[1200];
		print_message("%s\n", ways[w].name);
		open_two(&server, &client, ways[w].listen, ways[w].io);
		tern_address at = site_address(&server);
		tern_peer peer = site_dial(&client, &at, NULL);
		sites_until(both, 2, &server.connected, 1);
		sites_until(both, 2, &client.connected, 1);
		server.echo = true;
		for (size_t i = 0; i < NUM(lengths); i++) {
			memset(data, (int)i, sizeof data);
			OK(tern_endpoint_send(client.endpoint, peer, data, lengths[i]));
		}
		sites_until(both, 2, &client.records, NUM(lengths));
		assert_int_equal(client.len, lengths[NUM(lengths) - 1]);
		assert_int_equal(client.data[0], NUM(lengths) - 1);
		assert_int_equal(site_counters(&server).records_received, NUM(lengths));
		assert_int_equal(site_counters(&server).records_sent, NUM(lengths));
		assert_int_equal(site_counters(&client).send_failures, 0);
		assert_int_equal(site_counters(&server).datagrams_received, site_counters(&client).datagrams_sent);
		assert_int_equal(site_counters(&server).bytes_received, site_counters(&client).bytes_sent);
		close_two(&server, &client);
	}
}

/* Runs of one length, more than the batch has messages for, and one that fits no datagram. */
static void carries_many_at_once(void **state)
{
	enum { RUN = 150 };
	static uint8_t bytes[1200];
	(void)state;
	for (size_t w = 0; w < NUM(ways); w++) {
		struct site server, client, *both[] = {&server, &client};
		tern_bytes data[NUM(lengths) + RUN];
		size_t accepted;
		print_message("%s\n", ways[w].name);
		open_two(&server, &client, ways[w].listen, ways[w].io);
		tern_address at = site_address(&server);
		tern_peer peer = site_dial(&client, &at, NULL);
		sites_until(both, 2, &client.connected, 1);
		for (size_t i = 0; i < NUM(data); i++)
			data[i] = (tern_bytes){bytes + i, i < NUM(lengths) ? lengths[i] : 500};
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (uint8_t)i;
		OK(tern_endpoint_send_many(client.endpoint, peer, data, NUM(data), &accepted));
		assert_int_equal(accepted, NUM(data));
		sites_until(both, 2, &server.records, NUM(data));
		for (size_t i = 0; i < NUM(lengths); i++)
			assert_int_equal(server.firsts[i], lengths[i] ? (char)i : 0);
		assert_memory_equal(server.data, data[NUM(data) - 1].data, server.len);
		assert_int_equal(site_counters(&client).records_sent, NUM(data));
		data[3].len = 60000;
		assert_int_equal(tern_endpoint_send_many(client.endpoint, peer, data, NUM(data), &accepted),
				 TERN_ERROR_TOO_LARGE);
		assert_int_equal(accepted, 3);
		sites_until(both, 2, &server.records, NUM(data) + 3);
		OK(tern_endpoint_send_many(client.endpoint, peer, data, 0, &accepted));
		assert_int_equal(accepted, 0);
		assert_int_equal(tern_endpoint_send_many(client.endpoint, peer + 1, data, 3, &accepted),
				 TERN_ERROR_NOT_CONNECTED);
		assert_int_equal(accepted, 0);
		close_two(&server, &client);
	}
}

/* Fewer system calls than datagrams: for what goes to one peer, with all of it. */
static void saves_calls(void **state)
{
	static const struct {
		tern_endpoint_io io;
		uint64_t calls;
	} cases[] = {{TERN_ENDPOINT_IO_OFFLOAD, 1}, {TERN_ENDPOINT_IO_BATCH, 1}, {TERN_ENDPOINT_IO_PLAIN, 50}};
	tern_bytes many[50];
	(void)state;
	for (size_t i = 0; i < NUM(many); i++)
		many[i] = (tern_bytes){(const uint8_t *)"hello", 5};
	for (size_t i = 0; i < 2 * NUM(cases); i++) {
		bool together = i >= NUM(cases);
		uint64_t calls = cases[i % NUM(cases)].calls;
		struct site server, client, *both[] = {&server, &client};
		open_two(&server, &client, "127.0.0.1:0", cases[i % NUM(cases)].io);
		tern_address at = site_address(&server);
		tern_peer peer = site_dial(&client, &at, NULL);
		sites_until(both, 2, &client.connected, 1);
		sites_settle(both, 2);
		uint64_t before = site_counters(&client).send_calls;
		for (int n = 0; !together && n < 50; n++)
			OK(tern_endpoint_send(client.endpoint, peer, "hello", 5));
		if (together)
			OK(tern_endpoint_send_many(client.endpoint, peer, many, NUM(many), &(size_t){0}));
		assert_true(tern_endpoint_flush(client.endpoint));
		assert_int_equal(site_counters(&client).send_calls - before, calls);
		sites_until(both, 2, &server.records, 50);
		close_two(&server, &client);
	}
}

/* Answers leave from the address that was hit: the client's socket takes none from elsewhere. */
static void answers_from_where_it_was_hit(void **state)
{
	static const struct {
		const char *listen, *dial;
	} cases[] = {{"0.0.0.0:0", "127.0.0.2"}, {"[::]:0", "127.0.0.3"}, {"[::]:0", "[::1]"}};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct site server, client, *both[] = {&server, &client};
		char text[TERN_ADDRESS_TEXT], bound[TERN_ADDRESS_TEXT];
		tern_address to;
		tern_path path;
		open_two(&server, &client, cases[i].listen, TERN_ENDPOINT_IO_OFFLOAD);
		to = site_address(&server);
		tern_endpoint_text(bound, &to);
		snprintf(text, sizeof text, "%s%s", cases[i].dial, strrchr(bound, ':'));
		assert_true(tern_endpoint_parse(&to, text));
		tern_peer peer = site_dial(&client, &to, NULL);
		sites_until(both, 2, &client.connected, 1);
		server.echo = true;
		OK(tern_endpoint_send(client.endpoint, peer, "hello", 5));
		sites_until(both, 2, &client.records, 1);
		assert_true(tern_endpoint_path(client.endpoint, peer, &path));
		assert_memory_equal(&path.remote, &to, sizeof to);
		close_two(&server, &client);
	}
}

static struct {
	bool full;
	int error;
	unsigned asked;
} kernel;

static int stubborn_send(int fd, struct mmsghdr *messages, unsigned num)
{
	kernel.asked++;
	if (kernel.full) {
		errno = kernel.error;
		return -1;
	}
	return io_batch.send(fd, messages, num > 1 ? 2 : num); /* partly, too */
}

static int usual_receive(int fd, struct mmsghdr *messages, unsigned num)
{
	return io_batch.receive(fd, messages, num);
}

static void usual_clock(tern_time *now)
{
	io_batch.clock(now);
}

static const struct io stubborn = {stubborn_send, usual_receive, usual_clock};

/* Different lengths, so that they do not become one message. */
static unsigned send_until_full(struct site *client, tern_peer peer)
{
	uint8_t data[1200] = {0};
	unsigned accepted = 0;
	for (; accepted < 10000; accepted++) {
		tern_error error = tern_endpoint_send(client->endpoint, peer, data, 100 + accepted % 1000);
		if (error == TERN_WOULD_BLOCK)
			return accepted;
		OK(error);
	}
	fail_msg("never full");
	return 0;
}

static unsigned send_many_until_full(struct site *client, tern_peer peer)
{
	static tern_bytes many[10000];
	static uint8_t data[1200];
	size_t accepted;
	for (size_t i = 0; i < NUM(many); i++)
		many[i] = (tern_bytes){data, 100 + i / 3 % 1000};
	assert_int_equal(tern_endpoint_send_many(client->endpoint, peer, many, NUM(many), &accepted), TERN_WOULD_BLOCK);
	return (unsigned)accepted;
}

static void loses_nothing_that_was_accepted(void **state)
{
	(void)state;
	for (int round = 0; round < 4; round++) {
		struct site server, client, *both[] = {&server, &client};
		tern_endpoint_io io = round & 1 ? TERN_ENDPOINT_IO_BATCH : TERN_ENDPOINT_IO_OFFLOAD;
		open_two(&server, &client, "127.0.0.1:0", io);
		client.endpoint->io = &stubborn;
		kernel.full = false;
		kernel.error = round & 1 ? ENOBUFS : EAGAIN;
		tern_address at = site_address(&server);
		tern_peer peer = site_dial(&client, &at, NULL);
		sites_until(both, 2, &client.connected, 1);
		sites_settle(both, 2);
		kernel.full = true;
		unsigned accepted = round & 2 ? send_many_until_full(&client, peer) : send_until_full(&client, peer);
		assert_true(accepted > 10);
		assert_false(tern_endpoint_flush(client.endpoint));
		sites_settle(both, 2);
		assert_int_equal(server.records, 0);
		assert_int_equal(client.writable, 0);
		kernel.full = false;
		sites_until(both, 2, &server.records, accepted);
		sites_until(both, 2, &client.writable, 1);
		sites_settle(both, 2);
		assert_int_equal(server.records, accepted);
		assert_int_equal(client.writable, 1);
		OK(tern_endpoint_send(client.endpoint, peer, "more", 4));
		sites_until(both, 2, &server.records, accepted + 1);
		assert_int_equal(server.len, 4);
		assert_true(site_counters(&client).would_block > 0);
		close_two(&server, &client);
	}
}

/* A handshake whose datagrams find no room goes on when there is some. */
static void handshakes_wait_for_room(void **state)
{
	struct site server, client, *both[] = {&server, &client};
	(void)state;
	open_two(&server, &client, "127.0.0.1:0", TERN_ENDPOINT_IO_OFFLOAD);
	client.endpoint->io = &stubborn;
	kernel.full = true;
	kernel.error = EAGAIN;
	tern_address at = site_address(&server);
	site_dial(&client, &at, NULL);
	sites_settle(both, 2);
	assert_int_equal(server.accepted, 0);
	kernel.full = false;
	sites_until(both, 2, &client.connected, 1);
	close_two(&server, &client);
}

/* What the kernel cannot cut is sent datagram by datagram. */
static int no_segments(int fd, struct mmsghdr *messages, unsigned num)
{
	for (unsigned i = 0; i < num; i++) {
		const struct msghdr *header = &messages[i].msg_hdr;
		if (header->msg_controllen && i == 0) {
			errno = EIO;
			return -1;
		}
		if (header->msg_controllen)
			return io_batch.send(fd, messages, i);
	}
	return io_batch.send(fd, messages, num);
}

static const struct io without_segments = {no_segments, usual_receive, usual_clock};

static void does_without_segments(void **state)
{
	struct site server, client, *both[] = {&server, &client};
	(void)state;
	open_two(&server, &client, "127.0.0.1:0", TERN_ENDPOINT_IO_OFFLOAD);
	client.endpoint->io = &without_segments;
	tern_address at = site_address(&server);
	tern_peer peer = site_dial(&client, &at, NULL);
	sites_until(both, 2, &client.connected, 1);
	for (int i = 0; i < 20; i++)
		OK(tern_endpoint_send(client.endpoint, peer, "hello there", i == 19 ? 5 : 11));
	sites_until(both, 2, &server.records, 20);
	assert_int_equal(server.len, 5);
	assert_int_equal(site_counters(&client).send_failures, 0);
	close_two(&server, &client);
}

enum { SEALED = 337 }; /* a record of 300 bytes */

static struct {
	uint8_t bytes[SEALED];
	size_t n; /* of the first datagram; 0: none yet */
	bool armed; /* it takes the place of the last one that is sent with others */
} first_hello;

static int hello_at_the_end(int fd, struct mmsghdr *messages, unsigned num)
{
	struct iovec *iov = messages->msg_hdr.msg_iov;
	if (!first_hello.n) {
		first_hello.n = iov->iov_len;
		memcpy(first_hello.bytes, iov->iov_base, iov->iov_len);
	} else if (first_hello.armed && iov->iov_len > SEALED) {
		iov->iov_len -= SEALED;
		memcpy((uint8_t *)iov->iov_base + iov->iov_len, first_hello.bytes, first_hello.n);
		iov->iov_len += first_hello.n;
	}
	return io_batch.send(fd, messages, num);
}

static const struct io restarting = {hello_at_the_end, usual_receive, usual_clock};

/* What a connection has to say waits for the last of the datagrams that came together, and not for longer: the last one
 * is answered without the connection. */
static void answers_what_came_together(void **state)
{
	static const uint8_t data[300];
	struct site server, client, *both[] = {&server, &client};
	(void)state;
	open_two(&server, &client, "127.0.0.1:0", TERN_ENDPOINT_IO_OFFLOAD);
	client.endpoint->io = &restarting;
	tern_address at = site_address(&server);
	tern_peer peer = site_dial(&client, &at, NULL);
	sites_until(both, 2, &client.connected, 1);
	sites_until(both, 2, &server.connected, 1);
	sites_settle(both, 2);
	assert_true(first_hello.n >= 1 && first_hello.n <= SEALED);
	first_hello.armed = true;
	for (int i = 0; i < 5; i++)
		OK(tern_endpoint_send(client.endpoint, peer, data, sizeof data));
	sites_until(both, 2, &server.records, 4);
	assert_int_equal(site_counters(&server).retries_sent, 2);
	OK(tern_conn_close(tern_endpoint_conn(server.endpoint, server.peer), server.endpoint->now)); /* and no touch */
	for (int i = 0; i < 5; i++)
		OK(tern_endpoint_send(client.endpoint, peer, data, sizeof data));
	sites_until(both, 2, &client.num_gone, 1);
	assert_int_equal(client.gone[TERN_GONE_CLOSED_BY_PEER], 1);
	assert_int_equal(site_counters(&server).retries_sent, 3);
	close_two(&server, &client);
}

static void tells_of_no_listener(void **state)
{
	struct site server, client, *one[] = {&client};
	(void)state;
	open_two(&server, &client, "127.0.0.1:0", TERN_ENDPOINT_IO_OFFLOAD);
	tern_address at = site_address(&server);
	site_close(&server);
	tern_peer peer = site_dial(&client, &at, NULL);
	sites_until(one, 1, &client.num_gone, 1);
	assert_int_equal(client.gone[TERN_GONE_UNREACHABLE], 1);
	assert_true(client.left == peer);
	assert_int_equal(site_counters(&client).peers, 0);
	site_close(&client);
}

/* The kernel says that nobody listens before it gives what came last. */
static void hears_the_last_word_of_who_is_gone(void **state)
{
	struct site server, client, *both[] = {&server, &client};
	(void)state;
	open_two(&server, &client, "127.0.0.1:0", TERN_ENDPOINT_IO_OFFLOAD);
	tern_address at = site_address(&server);
	tern_peer peer = site_dial(&client, &at, NULL);
	sites_until(both, 2, &server.connected, 1);
	sites_until(both, 2, &client.connected, 1);
	tern_endpoint_shutdown(server.endpoint);
	sites_turn(both, 1);
	site_close(&server);
	OK(tern_endpoint_send(client.endpoint, peer, "are you there?", 14));
	sites_until(&both[1], 1, &client.num_gone, 1);
	assert_int_equal(client.gone[TERN_GONE_CLOSED_BY_PEER], 1);
	site_close(&client);
}

static void addresses_as_text(void **state)
{
	static const struct {
		const char *in, *out; /* out NULL: refused */
	} cases[] = {
		{"127.0.0.1:4444", "127.0.0.1:4444"},
		{"0.0.0.0:0", "0.0.0.0:0"},
		{"[::1]:65535", "[::1]:65535"},
		{"[2001:db8::0:1]:1", "[2001:db8::1]:1"},
		{"[fe80::1%7]:1", "[fe80::1%7]:1"},
		{"127.0.0.1", NULL},
		{"127.0.0.1:", NULL},
		{"127.0.0.1:65536", NULL},
		{"127.0.0.1:-1", NULL},
		{"127.0.0.1%1:4", NULL},
		{"::1:4444", NULL},
		{"[::1:4444", NULL},
		{"[]:1", NULL},
		{"[::1%]:1", NULL},
		{"localhost:1", NULL},
		{":1", NULL},
		{"", NULL},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		char text[TERN_ADDRESS_TEXT];
		struct sockaddr_in6 name;
		tern_address a, b;
		bool good = tern_endpoint_parse(&a, cases[i].in);
		if (good != (cases[i].out != NULL))
			fail_msg("%s", cases[i].in);
		if (!good)
			continue;
		tern_endpoint_text(text, &a);
		assert_string_equal(text, cases[i].out);
		assert_true(tern_endpoint_to_sockaddr((struct sockaddr *)&name, &a) > 0);
		assert_true(tern_endpoint_from_sockaddr(&b, (const struct sockaddr *)&name));
		assert_memory_equal(&a, &b, sizeof a);
	}
}

/* SipHash-1-3 of 0, 1, 2, ... under the key 0, 1, ..., 15, as in the vectors of its reference implementation. */
static void siphash_is_siphash(void **state)
{
	static const struct {
		size_t n;
		uint64_t hash;
	} cases[] = {
		{0, UINT64_C(0xabac0158050fc4dc)}, {1, UINT64_C(0xc9f49bf37d57ca93)}, {2, UINT64_C(0x82cb9b024dc7d44d)},
		{3, UINT64_C(0x8bf80ab8e7ddf7fb)}, {8, UINT64_C(0x369095118d299a8e)},
	};
	uint8_t bytes[16], key_bytes[16];
	uint64_t key[2];
	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		bytes[i] = key_bytes[i] = i;
	memcpy(key, key_bytes, sizeof key);
	for (size_t i = 0; i < NUM(cases); i++)
		assert_true(siphash(key, bytes, cases[i].n) == cases[i].hash);
}

/* Equal routes have one hash, and each part of a route counts. */
static void routes_hash_by_all_they_hold(void **state)
{
	static const struct route v4 = {.remote = {.bytes = {127, 0, 0, 1}, .port = 4444}, .local = {127, 0, 0, 2}},
				  v6 = {.remote = {.bytes = {[15] = 1}, .port = 4444, .v6 = 1}, .local = {[15] = 2}};
	static const uint64_t key[2] = {1, 2};
	struct route routes[11] = {v4, v4, v4, v4, v4, v6, v6, v6, v6, v6, v6};
	(void)state;
	routes[1].remote.bytes[3]++;
	routes[2].remote.port++;
	routes[3].local[3]++;
	routes[4].socket++;
	routes[6].remote.bytes[0]++;
	routes[7].remote.port++;
	routes[8].local[0]++;
	routes[9].socket++;
	routes[10].remote.scope++;
	for (size_t i = 0; i < NUM(routes); i++) {
		struct route same = routes[i];
		assert_true(siphash_route(key, &routes[i]) == siphash_route(key, &same));
		for (size_t j = 0; j < i; j++)
			assert_true(siphash_route(key, &routes[i]) != siphash_route(key, &routes[j]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(carries_records),
		cmocka_unit_test(carries_many_at_once),
		cmocka_unit_test(saves_calls),
		cmocka_unit_test(answers_from_where_it_was_hit),
		cmocka_unit_test(loses_nothing_that_was_accepted),
		cmocka_unit_test(handshakes_wait_for_room),
		cmocka_unit_test(does_without_segments),
		cmocka_unit_test(answers_what_came_together),
		cmocka_unit_test(tells_of_no_listener),
		cmocka_unit_test(hears_the_last_word_of_who_is_gone),
		cmocka_unit_test(addresses_as_text),
		cmocka_unit_test(siphash_is_siphash),
		cmocka_unit_test(routes_hash_by_all_they_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
