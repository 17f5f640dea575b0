/* Workers: endpoints that share a port, each in a thread of its own, under clients in threads of theirs, while somebody
 * else reads the counters. Built with TERN_THREAD_SANITIZE it looks for races; elsewhere for records that do not come
 * back. */
#define _GNU_SOURCE /* struct mmsghdr */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "endpoints.h"

#define WORKERS 4
#define CLIENTS 3
#define PEERS 40 /* of each client */
#define ROUNDS 5
#define WAIT_NS 20000000
#define TURNS_MAX 20000

struct shared {
	tern_endpoint *workers[WORKERS];
	tern_config *client;
	tern_address at;
	atomic_bool over;
	atomic_uint answered;
};

struct thread {
	struct shared *shared;
	unsigned number;
	pthread_t id;
	bool failed;
};

static void *work(void *user)
{
	struct thread *self = user;
	tern_endpoint *endpoint = self->shared->workers[self->number];
	tern_endpoint_event event;

	while (!self->failed && !atomic_load(&self->shared->over)) {
		self->failed = tern_endpoint_run(endpoint, WAIT_NS) != TERN_OK;
		while (tern_endpoint_next(endpoint, &event), event.kind != TERN_ENDPOINT_NONE)
			if (event.kind == TERN_ENDPOINT_EVENT && event.event.kind == TERN_EVENT_DATA)
				self->failed |= tern_endpoint_send(endpoint, event.peer, event.event.data,
								   event.event.len) != TERN_OK;
	}
	return NULL;
}

/* Each peer says its next word when the last one came back. */
static bool on_client_event(struct thread *self, tern_endpoint *endpoint, const tern_endpoint_event *event)
{
	uint64_t said = 0;

	if (event->kind != TERN_ENDPOINT_EVENT)
		return false;
	if (event->event.kind == TERN_EVENT_DATA) {
		if (event->event.len != sizeof said)
			return false;
		memcpy(&said, event->event.data, sizeof said);
		atomic_fetch_add(&self->shared->answered, 1);
	} else if (event->event.kind != TERN_EVENT_CONNECTED) {
		return true;
	}
	if (said == ROUNDS)
		return true;
	said++;
	return tern_endpoint_send(endpoint, event->peer, &said, sizeof said) == TERN_OK;
}

static void *call(void *user)
{
	struct thread *self = user;
	tern_dial_options dial = {.size = sizeof dial, .remote = self->shared->at};
	tern_endpoint *endpoint;
	tern_endpoint_event event;
	tern_peer peer;

	self->failed = tern_endpoint_open(&endpoint, self->shared->client, NULL) != TERN_OK;
	if (self->failed)
		return NULL;
	for (int i = 0; i < PEERS && !self->failed; i++)
		self->failed = tern_endpoint_dial(endpoint, &peer, &dial) != TERN_OK;
	for (int i = 0; i < TURNS_MAX && !self->failed; i++) {
		if (atomic_load(&self->shared->answered) == CLIENTS * PEERS * ROUNDS)
			break;
		self->failed = tern_endpoint_run(endpoint, WAIT_NS) != TERN_OK;
		while (tern_endpoint_next(endpoint, &event), event.kind != TERN_ENDPOINT_NONE)
			self->failed |= !on_client_event(self, endpoint, &event);
	}
	tern_endpoint_free(endpoint);
	return NULL;
}

static void start(struct thread *thread, struct shared *shared, unsigned number, void *(*run)(void *))
{
	*thread = (struct thread){.shared = shared, .number = number};
	assert_int_equal(pthread_create(&thread->id, NULL, run, thread), 0);
}

static void workers_answer_everybody(void **state)
{
	struct shared shared = {.client = psk_config(CLIENT)};
	struct thread workers[WORKERS], clients[CLIENTS];
	tern_config *server = psk_config(SERVER);
	tern_endpoint_options options = {.size = sizeof options, .listen = &shared.at, .num_listen = 1};
	tern_endpoint_counters counters = {.size = sizeof counters};
	uint64_t received = 0;
	unsigned busy = 0;
	(void)state;
	assert_true(tern_endpoint_parse(&shared.at, "127.0.0.1:0"));
	OK(tern_endpoint_open_workers(shared.workers, WORKERS, server, &options));
	assert_true(tern_endpoint_bound(shared.workers[0], &shared.at, 0));
	for (unsigned i = 0; i < WORKERS; i++)
		start(&workers[i], &shared, i, work);
	for (unsigned i = 0; i < CLIENTS; i++)
		start(&clients[i], &shared, i, call);
	for (unsigned i = 0; i < CLIENTS; i++) {
		tern_endpoint_stats(shared.workers[0], &counters); /* while it runs */
		pthread_join(clients[i].id, NULL);
		assert_false(clients[i].failed);
	}
	atomic_store(&shared.over, true);
	for (unsigned i = 0; i < WORKERS; i++) {
		pthread_join(workers[i].id, NULL);
		assert_false(workers[i].failed);
		tern_endpoint_stats(shared.workers[i], &counters);
		received += counters.records_received;
		busy += counters.records_received > 0;
		tern_endpoint_free(shared.workers[i]);
	}
	assert_int_equal(atomic_load(&shared.answered), CLIENTS * PEERS * ROUNDS);
	assert_int_equal(received, CLIENTS * PEERS * ROUNDS);
	assert_true(busy > 1); /* the kernel spreads 120 addresses over 4 */
	tern_config_free(server);
	tern_config_free(shared.client);
}

static void workers_want_a_place(void **state)
{
	tern_config *config = psk_config(SERVER);
	tern_endpoint *workers[2];
	tern_address at;
	tern_endpoint_options options = {.size = sizeof options};
	(void)state;
	assert_int_equal(tern_endpoint_open_workers(workers, 2, config, &options), TERN_ERROR_USAGE);
	assert_true(tern_endpoint_parse(&at, "127.0.0.1:0"));
	options.listen = &at;
	options.num_listen = 1;
	assert_int_equal(tern_endpoint_open_workers(workers, 0, config, &options), TERN_ERROR_USAGE);
	assert_int_equal(tern_endpoint_open_workers(workers, 257, config, &options), TERN_ERROR_USAGE);
	assert_true(tern_endpoint_parse(&at, "192.0.2.1:1")); /* not ours: RFC 5737 */
	assert_int_equal(tern_endpoint_open_workers(workers, 2, config, &options), TERN_ERROR_SYSTEM);
	assert_null(workers[0]);
	tern_config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_want_a_place),
		cmocka_unit_test(workers_answer_everybody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
