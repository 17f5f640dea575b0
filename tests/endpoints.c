#define _GNU_SOURCE /* struct mmsghdr */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "endpoints.h"

#define TURNS_MAX 200000
#define SETTLE 20

tern_config *psk_config_on(const tern_allocator *heap)
{
	tern_config *config = new_config(heap);

	OK(tern_config_set_suites(config, "TLS_PSK_WITH_AES_128_GCM_SHA256"));
	OK(tern_config_add_psk(config, "id", 2, "sixteen bytes...", 16));
	OK(tern_config_set_tickets(config, false));
	return config;
}

tern_config *psk_config(enum role role)
{
	(void)role;
	return psk_config_on(NULL);
}

void site_open(struct site *site, tern_config *config, const char *at, const tern_endpoint_options *options)
{
	tern_endpoint_options all = {.size = sizeof all};
	tern_address address;

	*site = (struct site){.config = config};
	if (options)
		all = *options;
	if (at) {
		assert_true(tern_endpoint_parse(&address, at));
		all.listen = &address;
		all.num_listen = 1;
	}
	OK(tern_endpoint_open(&site->endpoint, config, &all));
}

void site_close(struct site *site)
{
	tern_endpoint_free(site->endpoint);
	tern_config_free(site->config);
	*site = (struct site){0};
}

tern_address site_address(const struct site *site)
{
	tern_address address;

	assert_true(tern_endpoint_bound(site->endpoint, &address, 0));
	return address;
}

tern_peer site_dial(struct site *site, const tern_address *to, const char *from)
{
	tern_dial_options options = {.size = sizeof options, .remote = *to, .server_name = "a.test"};
	tern_peer peer = 0;

	if (from)
		assert_true(tern_endpoint_parse(&options.local, from));
	OK(tern_endpoint_dial(site->endpoint, &peer, &options));
	assert_true(peer != 0);
	return peer;
}

tern_time site_now;

static void stopped_clock(tern_time *now)
{
	*now = site_now;
}

static int usual_send(int fd, struct mmsghdr *messages, unsigned num)
{
	return io_batch.send(fd, messages, num);
}

static int usual_receive(int fd, struct mmsghdr *messages, unsigned num)
{
	return io_batch.receive(fd, messages, num);
}

static const struct io timeless = {usual_send, usual_receive, stopped_clock};

void site_stop_clock(struct site *site)
{
	io_batch.clock(&site_now);
	site->endpoint->io = &timeless;
}

void site_pass(uint64_t ns)
{
	site_now.mono_ns += ns;
	site_now.unix_s += (int64_t)(ns / SECOND_NS);
}

static void note(struct site *site, char letter)
{
	if (site->num_order < sizeof site->order - 1)
		site->order[site->num_order++] = letter;
}

static void on_event(struct site *site, const tern_endpoint_event *event)
{
	bool path = event->event.kind == TERN_EVENT_PATH;

	site->alive += path && event->event.path_event == TERN_PATH_ALIVE;
	site->silent += path && event->event.path_event == TERN_PATH_SILENT;
	if (event->event.kind == TERN_EVENT_CONNECTED) {
		site->connected++;
		site->peer = event->peer;
		note(site, 'C');
	} else if (event->event.kind == TERN_EVENT_DATA) {
		if (site->records < sizeof site->firsts && event->event.len)
			site->firsts[site->records] = (char)event->event.data[0];
		site->records++;
		site->len = event->event.len;
		assert_true(site->len <= SITE_DATA);
		if (site->len)
			memcpy(site->data, event->event.data, site->len);
		note(site, 'D');
		if (site->echo)
			OK(tern_endpoint_send(site->endpoint, event->peer, event->event.data, event->event.len));
	}
}

static void take(struct site *site)
{
	tern_endpoint_event event;

	while (tern_endpoint_next(site->endpoint, &event), event.kind != TERN_ENDPOINT_NONE) {
		assert_int_equal(event.peer == 0, event.kind == TERN_ENDPOINT_WRITABLE);
		switch (event.kind) {
		case TERN_ENDPOINT_ACCEPTED:
			site->accepted++;
			note(site, 'A');
			break;
		case TERN_ENDPOINT_EVENT:
			on_event(site, &event);
			break;
		case TERN_ENDPOINT_WRITABLE:
			site->writable++;
			note(site, 'W');
			break;
		case TERN_ENDPOINT_GONE:
			site->gone[event.reason]++;
			site->num_gone++;
			site->left = event.peer;
			site->error = tern_conn_failure(event.conn).error;
			note(site, 'G');
			break;
		case TERN_ENDPOINT_NONE:
			break;
		}
	}
}

void sites_turn(struct site *sites[], size_t num)
{
	for (size_t i = 0; i < num; i++) {
		OK(tern_endpoint_run(sites[i]->endpoint, 0));
		take(sites[i]);
	}
}

void sites_until(struct site *sites[], size_t num, const unsigned *count, unsigned want)
{
	for (unsigned i = 0; *count < want; i++) {
		if (i == TURNS_MAX)
			fail_msg("%u of %u after %u turns", *count, want, i);
		sites_turn(sites, num);
	}
}

void sites_settle(struct site *sites[], size_t num)
{
	for (int i = 0; i < SETTLE; i++)
		sites_turn(sites, num);
}

tern_endpoint_counters site_counters(const struct site *site)
{
	tern_endpoint_counters counters = {.size = sizeof counters};

	tern_endpoint_stats(site->endpoint, &counters);
	return counters;
}

void two_open_with(struct two *t, tern_config *server, tern_config *client, const tern_endpoint_options *options)
{
	site_open(&t->server, server, "127.0.0.1:0", options);
	site_open(&t->client, client, NULL, NULL);
	t->both[0] = &t->server;
	t->both[1] = &t->client;
	t->at = site_address(&t->server);
}

void two_open(struct two *t, const tern_endpoint_options *options)
{
	two_open_with(t, psk_config(SERVER), psk_config(CLIENT), options);
}

void two_close(struct two *t)
{
	site_close(&t->client);
	site_close(&t->server);
}

tern_peer two_connect(struct two *t, tern_peer *client)
{
	tern_peer peer = site_dial(&t->client, &t->at, NULL);

	if (client)
		*client = peer;
	sites_until(t->both, 2, &t->client.connected, t->client.connected + 1);
	sites_until(t->both, 2, &t->server.connected, t->client.connected);
	return t->server.peer;
}
