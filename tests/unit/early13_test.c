/* src/handshake/early13.c: early data of DTLS 1.3, accepted, refused for each reason, sent again by others, out of
 * order, too much (RFC 8446 4.2.10, 8, RFC 9147 5.6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/stub/stub.h"
#include "handshake/early13.h"
#include "handshake/keys13.h"
#include "pair.h"
#include "record/epochs.h"

#define LONG_TIME (UINT64_C(300) * 1000000000)
#define SECRET "0123456789abcdef0123456789abcdef"
#define EARLY "early bird"
#define MAX_BYTES 1000
#define ON                                                                                                             \
	{                                                                                                              \
		.max = MAX_BYTES                                                                                       \
	}
#define COOKIE                                                                                                         \
	{                                                                                                              \
		.max = MAX_BYTES, .cookie = true                                                                       \
	}

/* The application's memory of hellos. */
struct memory {
	tern_error answer; /* to what was not seen before */
	unsigned asked, num;
	uint8_t ids[16][32];
	int64_t expires_unix_s;
};

static tern_error is_fresh(void *user, tern_conn *conn, uint64_t job, const uint8_t *id, size_t id_len,
			   int64_t expires_unix_s)
{
	struct memory *m = user;
	(void)conn, (void)job;
	assert_int_equal(id_len, 32);
	m->asked++;
	m->expires_unix_s = expires_unix_s;
	for (unsigned i = 0; i < m->num; i++)
		if (memcmp(m->ids[i], id, 32) == 0)
			return TERN_ERROR_USAGE;
	assert_true(m->num < NUM(m->ids));
	memcpy(m->ids[m->num++], id, 32);
	return m->answer;
}

/* What one side is configured with; fields left empty have the default. */
struct setting {
	const char *suites, *alpn, *groups;
	uint32_t max; /* server */
	bool cookie; /* server */
	const char *secret; /* server: of its tickets */
	bool also12;
};

static tern_config *make_side(const struct setting *s, enum role role, struct memory *memory)
{
	tern_config *config = new_config13(NULL);
	tern_keyring *keyring;
	const char *secret = s->secret ? s->secret : SECRET;
	OK(config_set_provider(config, &provider_stub));
	if (s->also12)
		OK(tern_config_set_versions(config, TERN_DTLS12, TERN_DTLS13));
	OK(tern_config_set_groups(config, s->groups ? s->groups : "x25519"));
	if (s->suites)
		OK(tern_config_set_suites(config, s->suites));
	if (s->alpn)
		OK(tern_config_set_alpn(config, s->alpn));
	if (role == CLIENT) {
		OK(tern_config_add_trust(config, "E a.test", 8));
		return config;
	}
	OK(tern_keyring_new(&keyring, secret, strlen(secret)));
	OK(tern_config_set_keyring(config, keyring));
	tern_keyring_free(keyring);
	OK(tern_config_add_keypair(config, "E a.test", 8, "E a.test", 8));
	OK(tern_config_set_cookie(config, s->cookie));
	if (s->max)
		OK(tern_config_set_early_data(config, s->max, is_fresh, memory));
	return config;
}

static void replace(struct pair *p, enum role role, tern_config *config)
{
	struct side *s = &p->side[role];
	tern_pool_free(s->pool);
	tern_config_free(s->config);
	s->config = config;
	OK(tern_pool_new(&s->pool, config));
}

/* A pair that has met before. */
struct met {
	struct pair p;
	struct memory memory;
	uint8_t session[TERN_SESSION_MAX];
	size_t session_len;
};

static void meet_with(struct met *m, const struct setting *client, const struct setting *server)
{
	memset(m, 0, sizeof *m);
	pair_init(&m->p, make_side(client, CLIENT, NULL), make_side(server, SERVER, &m->memory));
	pair_dial(&m->p, "a.test", span_of(NULL, 0));
	pair_run(&m->p, LONG_TIME);
	assert_true(pair_connected(&m->p));
	OK(tern_conn_session(m->p.side[CLIENT].conn, m->session, sizeof m->session, &m->session_len));
	pair_hang_up(&m->p);
	m->p.now.unix_s += 1000;
}

static const struct setting usual = ON, with_cookie = COOKIE;

static void meet_usual(struct met *m)
{
	meet_with(m, &usual, &usual);
}

static void dial_early(struct met *m)
{
	pair_dial_early(&m->p, "a.test", span_of(m->session, m->session_len));
	OK(m->p.side[CLIENT].error);
}

static bool send_early(struct met *m)
{
	return pair_send_early(&m->p, EARLY, sizeof EARLY - 1);
}

static void check_early(const struct met *m, const char *name, bool accepted, size_t times)
{
	const struct side *s = &m->p.side[SERVER];
	tern_info info = pair_info(&m->p, CLIENT);
	if (s->early_len != times * (sizeof EARLY - 1))
		fail_msg("%s: %zu bytes of early data", name, s->early_len);
	if (times)
		assert_memory_equal(s->early, EARLY, sizeof EARLY - 1);
	if ((info.early_data == TERN_EARLY_DATA_ACCEPTED) != accepted)
		fail_msg("%s: the client was told %d", name, (int)info.early_data);
	assert_false(pair_saw(&m->p, CLIENT, TERN_EVENT_EARLY_DATA));
}

/* Epoch 1 is gone. */
static void check_keys_are_gone(const struct met *m, const char *name)
{
	for (int i = 0; i < 2; i++) {
		struct record_layer *l = &m->p.side[i].conn->records;
		if (epochs_read(l, EPOCH_EARLY) || epochs_write(l, EPOCH_EARLY))
			fail_msg("%s: side %d still has the keys of early data", name, i);
	}
	assert_int_equal(tern_conn_max_early_data(m->p.side[CLIENT].conn), 0);
}

static void run(struct met *m, const char *name)
{
	pair_run(&m->p, LONG_TIME);
	if (!pair_connected(&m->p))
		fail_msg("%s: not connected: client %s, server %s", name, tern_error_name(m->p.side[CLIENT].error),
			 tern_error_name(m->p.side[SERVER].error));
	check_keys_are_gone(m, name);
	assert_int_equal(pair_info(&m->p, SERVER).dropped[TERN_DROP_FORGED], 0);
	pair_check_data(&m->p, name);
}

/* ---- the verdict ---- */

#define AES "TLS_AES_128_GCM_SHA256"
#define BOTH_SUITES "TLS_CHACHA20_POLY1305_SHA256,TLS_AES_128_GCM_SHA256"
#define CURVES "x25519,secp384r1"

/* At the first meeting and at the second. */
static const struct verdict_case {
	const char *name;
	struct setting client, server;
	struct setting client_later, server_later;
	int64_t held_s; /* how long the hello is under way */
	tern_error answer;
	bool moves, other_port; /* the client has another host */
	unsigned replies;
	bool offered;
	tern_early_reason client_reason, server_reason;
} verdict_cases[] = {
	{"accepted", .server = ON, .server_later = ON, .offered = true},
	{"accepted, cookies are asked for", .server = COOKIE, .server_later = COOKIE, .offered = true},
	{"accepted, another port", .server = COOKIE, .server_later = COOKIE, .other_port = true, .offered = true},
	{"accepted, of 10 s ago", .server = COOKIE, .server_later = COOKIE, .held_s = 10, .offered = true},
	{"accepted, from 10 s ahead", .server = COOKIE, .server_later = COOKIE, .held_s = -10, .offered = true},
	{"accepted, ALPN", .client = {.alpn = "b"}, .server = {.max = MAX_BYTES, .alpn = "a,b"},
	 .client_later = {.alpn = "b"}, .server_later = {.max = MAX_BYTES, .alpn = "a,b"}, .offered = true},
	{"turned off", .server = ON, .offered = true, .client_reason = TERN_EARLY_REASON_DECLINED,
	 .server_reason = TERN_EARLY_REASON_DISABLED},
	{"turned off, cookies are asked for", .server = ON, .server_later = {.cookie = true}, .replies = 1,
	 .offered = true, .client_reason = TERN_EARLY_REASON_RETRY, .server_reason = TERN_EARLY_REASON_DISABLED},
	{"less than the ticket allows", .server = ON, .server_later = {.max = MAX_BYTES - 1}, .offered = true,
	 .client_reason = TERN_EARLY_REASON_DECLINED, .server_reason = TERN_EARLY_REASON_TICKET},
	{"the ticket allows none", .server_later = ON, .client_reason = TERN_EARLY_REASON_TICKET},
	{"another ticket key", .server = ON,
	 .server_later = {.max = MAX_BYTES, .secret = "another secret of at least 32 bytes"}, .offered = true,
	 .client_reason = TERN_EARLY_REASON_NOT_RESUMED, .server_reason = TERN_EARLY_REASON_NOT_RESUMED},
	{"another ticket key, cookies are asked for", .server = COOKIE,
	 .server_later = {.max = MAX_BYTES, .cookie = true, .secret = "another secret of at least 32 bytes"},
	 .replies = 1, .offered = true, .client_reason = TERN_EARLY_REASON_RETRY},
	{"another suite", .client = {.suites = BOTH_SUITES}, .server = {.max = MAX_BYTES, .suites = AES},
	 .client_later = {.suites = BOTH_SUITES}, .server_later = {.max = MAX_BYTES, .suites = BOTH_SUITES},
	 .offered = true, .client_reason = TERN_EARLY_REASON_SUITE, .server_reason = TERN_EARLY_REASON_SUITE},
	{"another protocol", .client = {.alpn = "a,b"}, .server = {.max = MAX_BYTES, .alpn = "a"},
	 .client_later = {.alpn = "a,b"}, .server_later = {.max = MAX_BYTES, .alpn = "b,a"}, .offered = true,
	 .client_reason = TERN_EARLY_REASON_ALPN, .server_reason = TERN_EARLY_REASON_ALPN},
	{"no protocol any more", .client = {.alpn = "a"}, .server = {.max = MAX_BYTES, .alpn = "a"},
	 .client_later = {.alpn = "a"}, .server_later = ON, .offered = true, .client_reason = TERN_EARLY_REASON_ALPN,
	 .server_reason = TERN_EARLY_REASON_ALPN},
	{"the client left the protocol", .client = {.alpn = "a"}, .server = {.max = MAX_BYTES, .alpn = "a,b"},
	 .client_later = {.alpn = "b"}, .server_later = {.max = MAX_BYTES, .alpn = "a,b"},
	 .client_reason = TERN_EARLY_REASON_ALPN},
	{"the client has protocols now", .server = ON, .client_later = {.alpn = "a"}, .server_later = ON,
	 .client_reason = TERN_EARLY_REASON_ALPN},
	{"of 11 s ago", .server = ON, .server_later = ON, .held_s = 11, .offered = true,
	 .client_reason = TERN_EARLY_REASON_DECLINED, .server_reason = TERN_EARLY_REASON_AGE},
	{"from 11 s ahead", .server = ON, .server_later = ON, .held_s = -11, .offered = true,
	 .client_reason = TERN_EARLY_REASON_DECLINED, .server_reason = TERN_EARLY_REASON_AGE},
	{"of 11 s ago, cookies are asked for", .server = COOKIE, .server_later = COOKIE, .held_s = 11, .replies = 1,
	 .offered = true, .client_reason = TERN_EARLY_REASON_RETRY},
	{"another group", .client = {.groups = CURVES}, .server = ON, .client_later = {.groups = CURVES},
	 .server_later = {.max = MAX_BYTES, .groups = "secp384r1"}, .offered = true,
	 .client_reason = TERN_EARLY_REASON_RETRY, .server_reason = TERN_EARLY_REASON_RETRY},
	{"another group, cookies are asked for", .client = {.groups = CURVES}, .server = COOKIE,
	 .client_later = {.groups = CURVES}, .server_later = {.max = MAX_BYTES, .cookie = true, .groups = "secp384r1"},
	 .replies = 1, .offered = true, .client_reason = TERN_EARLY_REASON_RETRY},
	{"another host", .server = COOKIE, .server_later = COOKIE, .moves = true, .replies = 1, .offered = true,
	 .client_reason = TERN_EARLY_REASON_RETRY},
	{"another host, no cookie", .server = ON, .server_later = ON, .moves = true, .offered = true},
	{"not known to be fresh", .server = ON, .server_later = ON, .answer = TERN_ERROR_CRYPTO, .offered = true,
	 .client_reason = TERN_EARLY_REASON_DECLINED, .server_reason = TERN_EARLY_REASON_REPLAYED},
	{"not known to be fresh, cookies are asked for", .server = COOKIE, .server_later = COOKIE,
	 .answer = TERN_ERROR_USAGE, .offered = true, .client_reason = TERN_EARLY_REASON_DECLINED,
	 .server_reason = TERN_EARLY_REASON_REPLAYED},
};

static void check_reasons(const struct met *m, const struct verdict_case *c)
{
	tern_info info[2] = {pair_info(&m->p, CLIENT), pair_info(&m->p, SERVER)};
	tern_early_reason want[2] = {c->client_reason, c->server_reason};
	for (int i = 0; i < 2; i++) {
		bool heard = c->offered && (i == CLIENT || c->replies == 0);
		bool accepted = heard && c->client_reason == TERN_EARLY_REASON_NONE;
		tern_early_data state = accepted ? TERN_EARLY_DATA_ACCEPTED
					: heard	 ? TERN_EARLY_DATA_REJECTED
						 : TERN_EARLY_DATA_NONE;
		if (info[i].early_data_reason != want[i])
			fail_msg("%s: side %d says: %s", c->name, i,
				 tern_early_reason_sentence(info[i].early_data_reason));
		if (info[i].early_data != state)
			fail_msg("%s: side %d says %d", c->name, i, (int)info[i].early_data);
	}
}

/* With the HelloRetryRequest, not only in the end. */
static void check_retry_takes_keys(struct met *m)
{
	tern_conn *client = m->p.side[CLIENT].conn;
	while (!client->hs->retried && pair_carry(&m->p))
		;
	assert_null(epochs_write(&client->records, EPOCH_EARLY));
}

static void verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(verdict_cases); i++) {
		const struct verdict_case *c = &verdict_cases[i];
		bool accepted = c->offered && c->client_reason == TERN_EARLY_REASON_NONE;
		struct met m;
		meet_with(&m, &c->client, &c->server);
		replace(&m.p, CLIENT, make_side(&c->client_later, CLIENT, NULL));
		replace(&m.p, SERVER, make_side(&c->server_later, SERVER, &m.memory));
		m.memory.answer = c->answer;
		m.p.path.remote.bytes[0] ^= c->moves;
		m.p.path.remote.bytes[5] ^= c->other_port;
		dial_early(&m);
		if (send_early(&m) != c->offered)
			fail_msg("%s: sending early data", c->name);
		m.p.now.unix_s += c->held_s;
		if (c->client_reason == TERN_EARLY_REASON_RETRY)
			check_retry_takes_keys(&m);
		run(&m, c->name);
		check_early(&m, c->name, accepted, accepted);
		check_reasons(&m, c);
		if (m.p.replies != c->replies)
			fail_msg("%s: %u replies", c->name, m.p.replies);
		if (c->server_reason != TERN_EARLY_REASON_NONE && c->replies == 0)
			assert_int_equal(pair_info(&m.p, SERVER).dropped[TERN_DROP_EARLY_DATA], 1);
		pair_free(&m.p);
	}
}

static void nothing_without_being_asked(void **state)
{
	struct met m;
	(void)state;
	meet_usual(&m);
	pair_dial(&m.p, "a.test", span_of(m.session, m.session_len));
	assert_false(send_early(&m));
	run(&m, "not asked for");
	assert_true(pair_info(&m.p, SERVER).resumed);
	assert_int_equal(pair_info(&m.p, CLIENT).early_data, TERN_EARLY_DATA_NONE);
	assert_int_equal(pair_info(&m.p, CLIENT).early_data_reason, TERN_EARLY_REASON_DISABLED);
	assert_int_equal(m.memory.asked, 0);
	pair_hang_up(&m.p);
	pair_dial_early(&m.p, "a.test", span_of(NULL, 0));
	assert_false(send_early(&m));
	run(&m, "no session");
	assert_int_equal(pair_info(&m.p, CLIENT).early_data_reason, TERN_EARLY_REASON_NO_SESSION);
	pair_free(&m.p);
}

static void setter(void **state)
{
	struct memory memory = {0};
	tern_config *config = make_side(&usual, SERVER, &memory);
	tern_pool *pool;
	(void)state;
	check_is("no hook", tern_config_set_early_data(config, 1, NULL, NULL), TERN_ERROR_USAGE);
	OK(tern_config_set_early_data(config, 0, NULL, NULL));
	OK(tern_config_set_early_data(config, UINT32_MAX, is_fresh, &memory));
	OK(tern_pool_new(&pool, config));
	check_is("in use", tern_config_set_early_data(config, 0, NULL, NULL), TERN_ERROR_USAGE);
	tern_pool_free(pool);
	tern_config_free(config);
}

/* ---- sent again ---- */

/* Somebody recorded all that the client sent first, and sends it to a server that has the same memory. */
static void replayed_hello_delivers_nothing(void **state)
{
	(void)state;
	for (int cookie = 0; cookie < 2; cookie++) {
		const struct setting s = {.max = MAX_BYTES, .cookie = cookie};
		struct datagram_on_wire recorded[PAIR_QUEUE];
		size_t num;
		struct met m;
		meet_with(&m, &usual, &s);
		dial_early(&m);
		assert_true(send_early(&m));
		num = m.p.num_queued;
		memcpy(recorded, m.p.queue, num * sizeof recorded[0]);
		run(&m, "first");
		check_early(&m, "first", true, 1);
		assert_true(m.memory.expires_unix_s - m.p.now.unix_s > 9);
		assert_true(m.memory.expires_unix_s - m.p.now.unix_s <= 22);
		pair_hang_up(&m.p);
		for (size_t i = 0; i < num; i++)
			pair_feed(&m.p, SERVER, recorded[i].bytes, recorded[i].n);
		assert_int_equal(m.memory.asked, 2);
		assert_int_equal(m.p.side[SERVER].early_len, 0);
		assert_int_equal(pair_info(&m.p, SERVER).early_data_reason, TERN_EARLY_REASON_REPLAYED);
		assert_int_equal(pair_info(&m.p, SERVER).dropped[TERN_DROP_EARLY_DATA], 1);
		pair_hang_up(&m.p);
		/* Once its id may be forgotten it is too old. */
		m.p.now.unix_s = m.memory.expires_unix_s;
		pair_accept(&m.p);
		for (size_t i = 0; i < num; i++)
			pair_feed(&m.p, SERVER, recorded[i].bytes, recorded[i].n);
		assert_int_equal(m.memory.asked, 2);
		assert_int_equal(m.p.side[SERVER].early_len, 0);
		assert_int_equal(pair_info(&m.p, SERVER).early_data_reason, TERN_EARLY_REASON_AGE);
		pair_free(&m.p);
	}
}

static void record_counts_once(void **state)
{
	struct met m;
	(void)state;
	meet_usual(&m);
	dial_early(&m);
	assert_true(send_early(&m));
	assert_true(send_early(&m));
	pair_accept(&m.p);
	for (int i = 0; i < 3; i++) {
		for (size_t k = 0; k < 3; k++)
			pair_feed(&m.p, SERVER, m.p.queue[k].bytes, m.p.queue[k].n);
	}
	assert_int_equal(pair_info(&m.p, SERVER).dropped[TERN_DROP_REPLAYED], 4);
	run(&m, "each three times");
	check_early(&m, "each three times", true, 2);
	pair_free(&m.p);
}

/* ---- the address ---- */

static void check_listen(struct met *m, const char *name, const struct datagram_on_wire *d, const tern_path *path,
			 tern_verdict_kind want)
{
	uint8_t reply[512];
	size_t len;
	tern_verdict v;
	OK(tern_listen(m->p.side[SERVER].pool, &v, reply, sizeof reply, &len, d->bytes, d->n, path, m->p.now));
	if (v.kind != want || v.address_proved != (want == TERN_VERDICT_ACCEPT) || len > d->n)
		fail_msg("%s: %d", name, (int)v.kind);
	assert_int_equal(m->memory.asked, 0);
}

/* Anything but the client's own fresh hello from its own host has to bring a cookie. */
static void only_the_host_in_the_ticket_is_proved(void **state)
{
	struct met m;
	struct datagram_on_wire hello, changed;
	tern_path path;
	(void)state;
	meet_with(&m, &usual, &with_cookie);
	dial_early(&m);
	pair_collect(&m.p, CLIENT);
	hello = m.p.queue[0];
	path = m.p.path;
	check_listen(&m, "its own", &hello, &path, TERN_VERDICT_ACCEPT);
	path.remote.bytes[4] ^= 1;
	check_listen(&m, "another port", &hello, &path, TERN_VERDICT_ACCEPT);
	for (size_t i = 0; i < 4; i++) {
		path = m.p.path;
		path.remote.bytes[i] ^= 0x80;
		check_listen(&m, "another host", &hello, &path, TERN_VERDICT_REPLY);
	}
	path = m.p.path;
	path.remote.host_len = 0;
	check_listen(&m, "host and port as one", &hello, &path, TERN_VERDICT_REPLY);
	path.remote.host_len = 3;
	check_listen(&m, "part of the host", &hello, &path, TERN_VERDICT_REPLY);
	path.remote = (tern_address){.host_len = 4};
	check_listen(&m, "impossible host", &hello, &path, TERN_VERDICT_REPLY);
	check_listen(&m, "no path", &hello, NULL, TERN_VERDICT_REPLY);
	changed = hello;
	changed.bytes[changed.n - 1] ^= 1;
	check_listen(&m, "wrong binder", &changed, &m.p.path, TERN_VERDICT_REPLY);
	changed = hello;
	changed.bytes[13 + 12 + 2] ^= 1;
	check_listen(&m, "wrong random", &changed, &m.p.path, TERN_VERDICT_REPLY);
	m.p.now.unix_s += 11;
	check_listen(&m, "old", &hello, &m.p.path, TERN_VERDICT_REPLY);
	m.p.now.unix_s -= 22;
	check_listen(&m, "from the future", &hello, &m.p.path, TERN_VERDICT_REPLY);
	pair_hang_up(&m.p);
	m.p.now.unix_s += 11;
	pair_dial(&m.p, "a.test", span_of(m.session, m.session_len));
	pair_collect(&m.p, CLIENT);
	check_listen(&m, "without early data", &m.p.queue[0], &m.p.path, TERN_VERDICT_REPLY);
	replace(&m.p, SERVER, make_side(&(struct setting){.cookie = true}, SERVER, NULL));
	check_listen(&m, "turned off", &hello, &m.p.path, TERN_VERDICT_REPLY);
	pair_free(&m.p);
}

/* ---- how much ---- */

static void client_keeps_to_the_limit(void **state)
{
	static const uint8_t zeros[PAIR_DATAGRAM];
	struct met m;
	size_t max;
	(void)state;
	meet_with(&m, &usual, &(struct setting){.max = 2000});
	dial_early(&m);
	max = tern_conn_max_early_data(m.p.side[CLIENT].conn);
	assert_true(max > 1100 && max < 1200);
	assert_int_equal(tern_conn_max_data(m.p.side[CLIENT].conn), 0);
	assert_false(pair_send_early(&m.p, zeros, max + 1));
	assert_true(pair_send_early(&m.p, zeros, max));
	assert_int_equal(tern_conn_max_early_data(m.p.side[CLIENT].conn), 2000 - max);
	assert_false(pair_send_early(&m.p, zeros, 2000 - max + 1));
	assert_true(pair_send_early(&m.p, zeros, 2000 - max));
	assert_int_equal(tern_conn_max_early_data(m.p.side[CLIENT].conn), 0);
	assert_false(pair_send_early(&m.p, zeros, 1));
	assert_true(pair_send_early(&m.p, zeros, 0));
	run(&m, "all of it");
	assert_int_equal(m.p.side[SERVER].early_len, 2000);
	assert_false(pair_send_early(&m.p, zeros, 0));
	pair_free(&m.p);
}

static void more_than_allowed_is_the_clients_error(void **state)
{
	static const uint8_t zeros[MAX_BYTES];
	struct met m;
	(void)state;
	meet_usual(&m);
	dial_early(&m);
	m.p.side[CLIENT].conn->hs->early_left++;
	assert_true(pair_send_early(&m.p, zeros, MAX_BYTES));
	assert_true(pair_send_early(&m.p, zeros, 1));
	pair_run(&m.p, LONG_TIME);
	check_is("server", m.p.side[SERVER].error, TERN_ERROR_UNEXPECTED_MESSAGE);
	check_is("client", m.p.side[CLIENT].error, TERN_ERROR_PEER_ALERT);
	assert_int_equal(m.p.side[SERVER].early_len, MAX_BYTES);
	pair_free(&m.p);
}

/* ---- order ---- */

static void records_before_their_hello_wait(void **state)
{
	struct met m;
	(void)state;
	meet_usual(&m);
	dial_early(&m);
	assert_true(send_early(&m));
	assert_true(send_early(&m));
	assert_int_equal(m.p.num_queued, 3);
	pair_accept(&m.p);
	pair_feed(&m.p, SERVER, m.p.queue[2].bytes, m.p.queue[2].n);
	pair_feed(&m.p, SERVER, m.p.queue[1].bytes, m.p.queue[1].n);
	assert_int_equal(m.p.side[SERVER].early_len, 0);
	pair_feed(&m.p, SERVER, m.p.queue[0].bytes, m.p.queue[0].n);
	m.p.num_queued = 0;
	run(&m, "out of order");
	check_early(&m, "out of order", true, 2);
	pair_free(&m.p);
}

static void refused_records_that_waited_are_dropped(void **state)
{
	struct met m;
	(void)state;
	meet_usual(&m);
	m.memory.answer = TERN_ERROR_USAGE;
	dial_early(&m);
	assert_true(send_early(&m));
	pair_accept(&m.p);
	pair_feed(&m.p, SERVER, m.p.queue[1].bytes, m.p.queue[1].n);
	pair_feed(&m.p, SERVER, m.p.queue[0].bytes, m.p.queue[0].n);
	m.p.num_queued = 0;
	run(&m, "refused");
	check_early(&m, "refused", false, 0);
	assert_int_equal(pair_info(&m.p, SERVER).dropped[TERN_DROP_EARLY_DATA], 1);
	pair_free(&m.p);
}

/* In one datagram behind the hello. */
static void hello_and_data_together(void **state)
{
	struct met m;
	struct datagram_on_wire d;
	(void)state;
	meet_with(&m, &usual, &with_cookie);
	dial_early(&m);
	assert_true(send_early(&m));
	d = m.p.queue[0];
	memcpy(d.bytes + d.n, m.p.queue[1].bytes, m.p.queue[1].n);
	d.n += m.p.queue[1].n;
	m.p.num_queued = 0;
	pair_feed(&m.p, SERVER, d.bytes, d.n);
	run(&m, "together");
	check_early(&m, "together", true, 1);
	pair_free(&m.p);
}

/* The client may go on until it is connected; what comes to the server after that is late. */
static void until_the_handshake_ends(void **state)
{
	struct met m;
	struct datagram_on_wire late;
	(void)state;
	meet_usual(&m);
	dial_early(&m);
	assert_true(send_early(&m));
	pair_accept(&m.p);
	pair_carry(&m.p);
	pair_carry(&m.p);
	pair_collect(&m.p, SERVER); /* its flight gets lost */
	m.p.num_queued = 0;
	assert_true(send_early(&m));
	assert_true(send_early(&m));
	assert_int_equal(m.p.num_queued, 2);
	late = m.p.queue[1];
	m.p.num_queued = 1;
	run(&m, "late");
	check_early(&m, "late", true, 2);
	pair_feed(&m.p, SERVER, late.bytes, late.n);
	assert_int_equal(m.p.side[SERVER].early_len, 2 * (sizeof EARLY - 1));
	assert_int_equal(pair_info(&m.p, SERVER).dropped[TERN_DROP_EPOCH], 1);
	check_is("server", m.p.side[SERVER].error, TERN_OK);
	pair_free(&m.p);
}

/* Only data belongs into epoch 1, and alerts. */
static void nothing_but_data_in_epoch_1(void **state)
{
	static const struct {
		uint8_t type;
		tern_drop drop;
		tern_error error;
	} cases[] = {
		{CONTENT_HANDSHAKE, TERN_DROP_CONTENT_TYPE, TERN_OK},
		{CONTENT_ACK, TERN_DROP_CONTENT_TYPE, TERN_OK},
		{CONTENT_ALERT, TERN_DROP_NONE, TERN_ERROR_PEER_ALERT},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		static const uint8_t body[] = {2, 80};
		struct met m;
		meet_usual(&m);
		dial_early(&m);
		pair_accept(&m.p);
		pair_carry(&m.p);
		pair_seal_in(&m.p, SERVER, EPOCH_EARLY, cases[i].type, body, sizeof body);
		check_is("server", m.p.side[SERVER].error, cases[i].error);
		if (cases[i].drop)
			assert_int_equal(pair_info(&m.p, SERVER).dropped[cases[i].drop], 1);
		if (cases[i].error == TERN_OK)
			run(&m, "went on");
		pair_free(&m.p);
	}
}

/* Early data says nothing about the keys of the handshake: a client that cannot make them may still say so in clear. */
static void plaintext_alert_is_believed_still(void **state)
{
	static const uint8_t alert[] = {2, 47};
	struct met m;
	(void)state;
	meet_usual(&m);
	dial_early(&m);
	assert_true(send_early(&m));
	pair_accept(&m.p);
	pair_carry(&m.p);
	pair_carry(&m.p);
	check_early(&m, "before the alert", false, 1);
	pair_forge(&m.p, SERVER, CONTENT_ALERT, 0, 7, alert, sizeof alert);
	check_is("server", m.p.side[SERVER].error, TERN_ERROR_PEER_ALERT);
	pair_free(&m.p);
}

static void note_line(void *user, const tern_conn *conn, const char *line)
{
	char(*lines)[200] = user;
	(void)conn;
	if (strncmp(line, "CLIENT_EARLY_TRAFFIC_SECRET ", 28) == 0)
		snprintf(lines[lines[0][0] != 0], sizeof lines[0], "%s", line);
}

static void both_log_one_secret(void **state)
{
	struct met m;
	char lines[2][200] = {""};
	tern_config *client = make_side(&usual, CLIENT, NULL), *server;
	(void)state;
	meet_usual(&m);
	server = make_side(&usual, SERVER, &m.memory);
	OK(tern_config_set_keylog(client, note_line, lines));
	OK(tern_config_set_keylog(server, note_line, lines));
	replace(&m.p, CLIENT, client);
	replace(&m.p, SERVER, server);
	dial_early(&m);
	run(&m, "logged");
	assert_int_equal(strlen(lines[0]), 28 + 64 + 1 + 64);
	assert_string_equal(lines[0], lines[1]);
	pair_free(&m.p);
}

/* ---- an answer that takes its time ---- */

static void freshness_may_be_told_later(void **state)
{
	static const tern_error answers[] = {TERN_OK, TERN_ERROR_USAGE, TERN_ERROR_CRYPTO};
	(void)state;
	for (size_t i = 0; i < NUM(answers); i++) {
		bool accepted = answers[i] == TERN_OK;
		tern_answer answer = {.error = answers[i]};
		struct met m;
		meet_with(&m, &usual, &with_cookie);
		m.memory.answer = TERN_PENDING;
		dial_early(&m);
		assert_true(send_early(&m));
		pair_settle(&m.p);
		assert_true(pair_saw(&m.p, SERVER, TERN_EVENT_PENDING));
		assert_int_equal(m.p.side[SERVER].job_kind, TERN_JOB_EARLY_DATA);
		assert_int_equal(m.p.side[SERVER].early_len, 0);
		OK(tern_conn_resume(m.p.side[SERVER].conn, m.p.side[SERVER].job, &answer, m.p.now));
		pair_events(&m.p, SERVER);
		assert_int_equal(m.p.side[SERVER].early_len, accepted ? sizeof EARLY - 1 : 0);
		run(&m, "late");
		check_early(&m, "late", accepted, accepted);
		assert_int_equal(m.memory.asked, 1);
		pair_free(&m.p);
	}
}

/* ---- other servers ---- */

/* RFC 8446 D.3. */
static void server_of_1_2_ends_the_attempt(void **state)
{
	const struct setting both = {.groups = "x25519,secp256r1", .also12 = true};
	(void)state;
	for (int cookie = 0; cookie < 2; cookie++) {
		tern_config *old = new_config(NULL);
		struct met m;
		meet_with(&m, &both, &usual);
		OK(config_set_provider(old, &provider_stub));
		OK(tern_config_add_keypair(old, "E a.test", 8, "E a.test", 8));
		OK(tern_config_set_cookie(old, cookie));
		replace(&m.p, SERVER, old);
		dial_early(&m);
		assert_true(send_early(&m));
		pair_run(&m.p, LONG_TIME);
		check_is("client", m.p.side[CLIENT].error, TERN_ERROR_PROTOCOL_VERSION);
		pair_hang_up(&m.p);
		pair_dial(&m.p, "a.test", span_of(m.session, m.session_len));
		pair_run(&m.p, LONG_TIME);
		assert_true(pair_connected(&m.p));
		pair_free(&m.p);
	}
}

/* A server that accepts what it may not. */
static void answers_that_may_not_be(void **state)
{
	static const struct {
		const char *name;
		tern_early_data early;
		bool answered;
		const char *alpn;
		tern_error error;
		tern_early_data then;
	} cases[] = {
		{"accepted", TERN_EARLY_DATA_OFFERED, true, "a", TERN_OK, TERN_EARLY_DATA_ACCEPTED},
		{"declined", TERN_EARLY_DATA_OFFERED, false, "a", TERN_OK, TERN_EARLY_DATA_REJECTED},
		{"another protocol", TERN_EARLY_DATA_OFFERED, true, "b", TERN_ERROR_ILLEGAL_PARAMETER,
		 TERN_EARLY_DATA_OFFERED},
		{"no protocol", TERN_EARLY_DATA_OFFERED, true, "", TERN_ERROR_ILLEGAL_PARAMETER,
		 TERN_EARLY_DATA_OFFERED},
		{"not resumed", TERN_EARLY_DATA_REJECTED, true, "a", TERN_ERROR_ILLEGAL_PARAMETER,
		 TERN_EARLY_DATA_REJECTED},
		{"not resumed, declined", TERN_EARLY_DATA_REJECTED, false, "b", TERN_OK, TERN_EARLY_DATA_REJECTED},
		{"never offered", TERN_EARLY_DATA_NONE, false, "b", TERN_OK, TERN_EARLY_DATA_NONE},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct session s = {.alpn = "a", .alpn_len = 1};
		struct record_layer records = {0};
		tern_failure failure = {0};
		struct handshake hs = {
			.role = CLIENT,
			.records = &records,
			.failure = &failure,
			.session = &s,
			.outcome = {.early = cases[i].early, .alpn = span_of(cases[i].alpn, strlen(cases[i].alpn))},
		};
		struct extensions ext = {.present = cases[i].answered ? HAS_EARLY_DATA : 0};
		check_is(cases[i].name, early13_take_answer(&hs, &ext), cases[i].error);
		assert_int_equal(hs.outcome.early, cases[i].then);
	}
}

/* RFC 8446 4.1.2: not in a second hello. */
static void none_after_a_retry(void **state)
{
	tern_failure failure = {0};
	struct handshake hs = {.role = SERVER, .failure = &failure, .retried = true};
	struct found_psk psk = {0};
	struct extensions ext = {.present = HAS_EARLY_DATA};
	struct early_request request = {.ext = &ext, .psk = &psk};
	tern_early_reason reason;
	(void)state;
	check_is("offered", early13_judge(&hs, &request, &reason), TERN_ERROR_ILLEGAL_PARAMETER);
	ext.present = 0;
	check_is("not offered", early13_judge(&hs, &request, &reason), TERN_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(nothing_without_being_asked),
		cmocka_unit_test(setter),
		cmocka_unit_test(replayed_hello_delivers_nothing),
		cmocka_unit_test(record_counts_once),
		cmocka_unit_test(only_the_host_in_the_ticket_is_proved),
		cmocka_unit_test(client_keeps_to_the_limit),
		cmocka_unit_test(more_than_allowed_is_the_clients_error),
		cmocka_unit_test(records_before_their_hello_wait),
		cmocka_unit_test(refused_records_that_waited_are_dropped),
		cmocka_unit_test(hello_and_data_together),
		cmocka_unit_test(until_the_handshake_ends),
		cmocka_unit_test(nothing_but_data_in_epoch_1),
		cmocka_unit_test(plaintext_alert_is_believed_still),
		cmocka_unit_test(both_log_one_secret),
		cmocka_unit_test(freshness_may_be_told_later),
		cmocka_unit_test(server_of_1_2_ends_the_attempt),
		cmocka_unit_test(answers_that_may_not_be),
		cmocka_unit_test(none_after_a_retry),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
