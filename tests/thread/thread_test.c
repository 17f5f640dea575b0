/* One client config and one server config, shared by many threads that each make pools of them, while another rotates
 * the keyring. Built with TERN_THREAD_SANITIZE it looks for races; elsewhere for connections that fail. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "usual_pair.h"

#define THREADS 8
#define CONNECTIONS 150 /* of a thread, each followed by a resumed one */
#define ATTEMPTS 5 /* a cookie does not survive two rotations */
#define DATAGRAMS 64
#define ROTATE_NS 5000000

struct shared {
	tern_config *client, *server;
	tern_keyring *keyring;
	atomic_bool over;
	atomic_uint connected, resumed, again;
};

/* One thread's. */
struct worker {
	struct shared *shared;
	tern_pool *client, *server;
	tern_conn *c, *s;
	tern_time now;
	tern_path path;
	uint8_t session[TERN_SESSION_MAX];
	size_t session_len;
	bool connected[2], data[2];
};

static bool drain(struct worker *w, tern_conn *conn, enum role who)
{
	tern_event event;
	do {
		if (tern_conn_next(conn, &event, w->now) != TERN_OK)
			return false;
		w->connected[who] |= event.kind == TERN_EVENT_CONNECTED;
		w->data[who] |= event.kind == TERN_EVENT_DATA && event.len == 5;
	} while (event.kind != TERN_EVENT_NONE);
	return true;
}

static bool at_client(struct worker *w, uint8_t *datagram, size_t n)
{
	return tern_conn_feed(w->c, datagram, n, NULL, w->now) == TERN_OK && drain(w, w->c, CLIENT);
}

static bool at_server(struct worker *w, uint8_t *datagram, size_t n)
{
	uint8_t reply[512];
	size_t reply_n = 0;
	tern_verdict verdict;
	if (!w->s) {
		if (tern_listen(w->server, &verdict, reply, sizeof reply, &reply_n, datagram, n, &w->path, w->now) !=
		    TERN_OK)
			return false;
		if (verdict.kind == TERN_VERDICT_REPLY)
			return at_client(w, reply, reply_n);
		if (verdict.kind != TERN_VERDICT_ACCEPT)
			return true;
		if (tern_accept(&w->s, w->server, &verdict, &w->path, w->now) != TERN_OK)
			return false;
	}
	return tern_conn_feed(w->s, datagram, n, NULL, w->now) == TERN_OK && drain(w, w->s, SERVER);
}

/* Carries datagrams until nothing is under way. */
static bool settle(struct worker *w)
{
	uint8_t out[2048];
	for (unsigned i = 0; i < DATAGRAMS; i++) {
		size_t n = 0;
		if (tern_conn_take(w->c, out, sizeof out, &n, w->now) != TERN_OK)
			return false;
		if (n) {
			if (!at_server(w, out, n))
				return false;
			continue;
		}
		if (w->s && tern_conn_take(w->s, out, sizeof out, &n, w->now) != TERN_OK)
			return false;
		if (n == 0)
			return true;
		if (!at_client(w, out, n))
			return false;
	}
	return false;
}

static bool say(struct worker *w, tern_conn *from, enum role to)
{
	uint8_t out[2048];
	size_t n;
	if (tern_conn_seal(from, out, sizeof out, &n, (const uint8_t *)"hello", 5, w->now) != TERN_OK)
		return false;
	return (to == CLIENT ? at_client(w, out, n) : at_server(w, out, n)) && w->data[to];
}

static void hang_up(struct worker *w)
{
	tern_conn_free(w->c);
	tern_conn_free(w->s);
	w->c = w->s = NULL;
}

static bool connect_once(struct worker *w)
{
	tern_client_options o = {.size = sizeof o, .server_name = "a.test"};
	tern_info info;
	bool good;
	memset(w->connected, 0, sizeof w->connected);
	memset(w->data, 0, sizeof w->data);
	o.session = w->session_len ? w->session : NULL;
	o.session_len = w->session_len;
	if (tern_client(&w->c, w->client, &o, w->now) != TERN_OK)
		return false;
	good = settle(w) && w->connected[CLIENT] && w->connected[SERVER] && say(w, w->c, SERVER) &&
	       say(w, w->s, CLIENT);
	if (good) {
		tern_conn_info(w->c, &info);
		atomic_fetch_add(info.resumed ? &w->shared->resumed : &w->shared->connected, 1);
		if (tern_conn_session(w->c, w->session, sizeof w->session, &w->session_len) != TERN_OK)
			w->session_len = 0;
	}
	hang_up(w);
	return good;
}

static bool connect_some_time(struct worker *w)
{
	for (unsigned i = 0; i < ATTEMPTS; i++) {
		if (connect_once(w))
			return true;
		atomic_fetch_add(&w->shared->again, 1);
	}
	return false;
}

static void *work(void *user)
{
	struct worker w = {.shared = user, .now = {UINT64_C(1000000000), NOW_S}};
	bool good = tern_pool_new(&w.client, w.shared->client) == TERN_OK &&
		    tern_pool_new(&w.server, w.shared->server) == TERN_OK;
	w.path.remote = (tern_address){.len = 1, .bytes = {1}};
	for (unsigned i = 0; i < CONNECTIONS && good; i++) {
		w.session_len = 0;
		good = connect_some_time(&w) && connect_some_time(&w);
	}
	tern_pool_free(w.client);
	tern_pool_free(w.server);
	return good ? NULL : user;
}

static void *rotate(void *user)
{
	struct shared *s = user;
	bool good = true;
	while (!atomic_load(&s->over) && good) {
		good = tern_keyring_rotate(s->keyring, NULL, 0) == TERN_OK;
		(void)nanosleep(&(struct timespec){.tv_nsec = ROTATE_NS}, NULL);
	}
	return good ? NULL : user;
}

static void share(tern_config *(*make)(const tern_allocator *))
{
	struct shared s = {.client = make(NULL), .server = make(NULL)};
	pthread_t threads[THREADS], rotator;
	unsigned bad = 0;
	void *failed;
	add_trust(s.client, &root);
	add_cert(s.server, &leaf);
	OK(tern_keyring_new(&s.keyring, NULL, 0));
	OK(tern_config_set_keyring(s.server, s.keyring));
	assert_int_equal(pthread_create(&rotator, NULL, rotate, &s), 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &s), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		bad += failed != NULL;
	}
	atomic_store(&s.over, true);
	assert_int_equal(pthread_join(rotator, &failed), 0);
	assert_null(failed);
	assert_int_equal(bad, 0);
	assert_int_equal(s.connected + s.resumed, 2 * THREADS * CONNECTIONS);
	assert_true(s.resumed > 0);
	tern_config_free(s.client);
	tern_config_free(s.server);
	tern_keyring_free(s.keyring);
}

static void dtls12(void **state)
{
	(void)state;
	share(new_config);
}

static void dtls13(void **state)
{
	(void)state;
	share(new_config13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dtls12),
		cmocka_unit_test(dtls13),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
