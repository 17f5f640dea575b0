/* src/inspect: what an onlooker with and without the key log sees of associations of either version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "inspect/keylog.h"
#include "tern/inspect.h"
#include "usual_pair.h"

#define LONG_TIME (UINT64_C(300) * 1000000000)
#define TAKEN_MAX 128
#define HELLO "hello, world"

/* Everything that flew, and the key log of the client. */
static struct taken {
	size_t num;
	struct datagram_on_wire datagrams[TAKEN_MAX];
	char keylog[16384];
	size_t keylog_len;
} taken;

static bool take(struct pair *p, struct datagram_on_wire *d)
{
	(void)p;
	assert_true(taken.num < TAKEN_MAX);
	taken.datagrams[taken.num++] = *d;
	return true;
}

static void keylog(void *user, const tern_conn *conn, const char *line)
{
	(void)user;
	(void)conn;
	taken.keylog_len +=
		(size_t)snprintf(taken.keylog + taken.keylog_len, sizeof taken.keylog - taken.keylog_len, "%s\n", line);
	assert_true(taken.keylog_len < sizeof taken.keylog);
}

static const struct setting {
	const char *name;
	tern_protocol version;
	const char *suite;
	unsigned client_cid, server_cid;
	uint16_t mtu;
	const char *messages; /* in the order in which they flew, fragments once; NULL: without a cookie */
} settings[] = {
#define FULL12                                                                                                         \
	"ClientHello HelloVerifyRequest ClientHello ServerHello Certificate ServerKeyExchange ServerHelloDone "        \
	"ClientKeyExchange Finished NewSessionTicket Finished "
#define FULL13                                                                                                         \
	"ClientHello HelloRetryRequest ClientHello ServerHello EncryptedExtensions Certificate CertificateVerify "     \
	"Finished Finished NewSessionTicket "
	{"1.2", TERN_DTLS12, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0, 0, 0, FULL12},
	{"1.2, ChaCha20", TERN_DTLS12, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", 0, 0, 0, FULL12},
	{"1.2, SHA-384", TERN_DTLS12, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 0, 0, 0, FULL12},
	{"1.2, connection IDs", TERN_DTLS12, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", 20, 8, 0, FULL12},
	{"1.2, small datagrams", TERN_DTLS12, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0, 0, 256, FULL12},
	{"1.3", TERN_DTLS13, "TLS_AES_128_GCM_SHA256", 0, 0, 0, FULL13},
	{"1.3, SHA-384", TERN_DTLS13, "TLS_AES_256_GCM_SHA384", 0, 0, 0, FULL13},
	{"1.3, connection IDs", TERN_DTLS13, "TLS_CHACHA20_POLY1305_SHA256", 3, 20, 0, FULL13},
	{"1.3, an ID one way", TERN_DTLS13, "TLS_AES_128_CCM_SHA256", 0, 8, 0, FULL13},
	{"1.3, small datagrams", TERN_DTLS13, "TLS_AES_128_GCM_SHA256", 0, 0, 256, FULL13},
};

static void configure(tern_config *c[2], const struct setting *s)
{
	tern_limits limits = {.size = sizeof limits, .mtu = s->mtu};
	usual_configs(c);
	for (int role = 0; role < 2; role++) {
		OK(tern_config_set_versions(c[role], s->version, s->version));
		OK(tern_config_set_suites(c[role], s->suite));
		OK(tern_config_set_groups(c[role], "secp256r1"));
		OK(tern_config_set_cid_length(c[role], role == CLIENT ? s->client_cid : s->server_cid));
		if (s->mtu)
			OK(tern_config_set_limits(c[role], &limits));
	}
	OK(tern_config_set_cookie(c[SERVER], s->messages != NULL));
	OK(tern_config_set_keylog(c[CLIENT], keylog, NULL));
}

static void say(struct pair *p, enum role from)
{
	struct datagram_on_wire d = {.to = from == CLIENT ? SERVER : CLIENT};
	OK(tern_conn_seal(p->side[from].conn, d.bytes, sizeof d.bytes, &d.n, (const uint8_t *)HELLO, strlen(HELLO),
			  p->now));
	take(p, &d);
	pair_feed(p, d.to, d.bytes, d.n);
}

/* A handshake, a record each way; in DTLS 1.3 twice new keys, and a record each way with each. */
static void talk(const struct setting *s)
{
	tern_config *c[2];
	struct pair p;
	memset(&taken, 0, sizeof taken);
	configure(c, s);
	pair_init(&p, c[CLIENT], c[SERVER]);
	p.tap = take;
	pair_dial(&p, "a.test", span_of(NULL, 0));
	pair_run(&p, LONG_TIME);
	assert_true(pair_connected(&p));
	for (int i = 0; i < (s->version == TERN_DTLS13 ? 3 : 1); i++) {
		say(&p, CLIENT);
		say(&p, SERVER);
		if (s->version == TERN_DTLS12)
			break;
		OK(tern_conn_rekey(p.side[CLIENT].conn, true, p.now));
		pair_settle(&p);
		while (pair_wait(&p, 1000000000))
			pair_settle(&p);
	}
	pair_free(&p);
}

struct seen {
	char messages[1024];
	unsigned data, records, closed, copies, again;
	uint16_t epoch;
	tern_inspection info;
};

static void note(struct seen *seen, const tern_trace *t, const tern_bytes *data)
{
	char name[40];
	seen->records++;
	seen->copies += t->kind == TERN_TRACE_DROPPED && t->drop == TERN_DROP_REPLAYED;
	seen->closed += t->kind == TERN_TRACE_DROPPED && t->drop == TERN_DROP_EPOCH;
	if (t->kind != TERN_TRACE_RECEIVED)
		return;
	seen->again += t->retransmission;
	seen->epoch = t->epoch > seen->epoch ? t->epoch : seen->epoch;
	if (t->content_type == CONTENT_APPLICATION_DATA && data->len == strlen(HELLO) &&
	    memcmp(data->data, HELLO, data->len) == 0)
		seen->data++;
	snprintf(name, sizeof name, "%s ", tern_message_name(t->message_type));
	if (t->content_type == CONTENT_HANDSHAKE && t->fragment_offset == 0 && strcmp(name, "KeyUpdate ") != 0)
		strncat(seen->messages, name, sizeof seen->messages - strlen(seen->messages) - 1);
}

static void look(tern_inspector *inspector, struct seen *seen, const struct datagram_on_wire *taken_one)
{
	struct datagram_on_wire d = *taken_one;
	tern_trace trace;
	tern_bytes data;
	size_t sum = 0;
	tern_inspector_feed(inspector, d.to == SERVER, d.bytes, d.n);
	while (tern_inspector_next(inspector, &trace, &data)) {
		note(seen, &trace, &data);
		sum += trace.length;
	}
	assert_int_equal(sum, d.n);
	seen->info = tern_inspector_info(inspector);
}

static struct seen watch(size_t keylog_len, int times)
{
	struct seen seen = {0};
	tern_inspector *inspector;
	OK(tern_inspector_new(&inspector, taken.keylog, keylog_len));
	for (size_t i = 0; i < taken.num; i++)
		for (int n = 0; n < times; n++)
			look(inspector, &seen, &taken.datagrams[i]);
	tern_inspector_free(inspector);
	return seen;
}

static void everything_with_the_secrets(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(settings); i++) {
		const struct setting *s = &settings[i];
		struct seen seen;
		print_message("%s\n", s->name);
		talk(s);
		seen = watch(taken.keylog_len, 1);
		assert_int_equal(seen.info.version, s->version);
		assert_string_equal(seen.info.suite, s->suite);
		assert_true(seen.info.has_secrets);
		assert_int_equal(seen.closed + seen.copies + seen.again, 0);
		assert_string_equal(seen.messages, s->messages);
		assert_int_equal(seen.data, s->version == TERN_DTLS13 ? 6 : 2);
		assert_int_equal(seen.epoch, s->version == TERN_DTLS13 ? 6 : 1);
	}
}

static void headers_without_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(settings); i++) {
		const struct setting *s = &settings[i];
		struct seen seen;
		talk(s);
		seen = watch(0, 1);
		assert_int_equal(seen.info.version, s->version);
		assert_string_equal(seen.info.suite, s->suite);
		assert_false(seen.info.has_secrets);
		assert_true(seen.closed >= 4 && seen.records > seen.closed);
		assert_int_equal(seen.data + seen.copies, 0);
		assert_int_equal(seen.epoch, 0);
	}
}

/* In plaintext as fragments that came before, under keys by their numbers. */
static void copies_are_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(settings); i++) {
		struct seen once, twice;
		talk(&settings[i]);
		once = watch(taken.keylog_len, 1);
		twice = watch(taken.keylog_len, 2);
		assert_int_equal(twice.records, 2 * once.records);
		assert_int_equal(twice.data, once.data);
		assert_true(twice.copies > 0 && twice.again > 0);
	}
}

/* Another association at the same addresses, and another client's key log in front. */
static void the_next_one(void **state)
{
	static struct taken first;
	struct seen seen = {0};
	tern_inspector *inspector;
	char *both;
	(void)state;
	talk(&settings[0]);
	first = taken;
	talk(&settings[7]);
	both = malloc(first.keylog_len + taken.keylog_len);
	assert_non_null(both);
	memcpy(both, first.keylog, first.keylog_len);
	memcpy(both + first.keylog_len, taken.keylog, taken.keylog_len);
	OK(tern_inspector_new(&inspector, both, first.keylog_len + taken.keylog_len));
	for (size_t i = 0; i < first.num; i++)
		look(inspector, &seen, &first.datagrams[i]);
	assert_int_equal(seen.info.version, TERN_DTLS12);
	for (size_t i = 0; i < taken.num; i++)
		look(inspector, &seen, &taken.datagrams[i]);
	assert_int_equal(seen.info.version, TERN_DTLS13);
	assert_int_equal(seen.closed + seen.copies, 0);
	assert_int_equal(seen.data, 2 + 6);
	tern_inspector_free(inspector);
	free(both);
}

/* A client that dials again from its port, with hellos as long and of the same number. */
static void the_same_once_more(void **state)
{
	static const struct setting plain[] = {
		{"1.2", TERN_DTLS12, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0, 8, 0, NULL},
		{"1.3", TERN_DTLS13, "TLS_AES_128_GCM_SHA256", 8, 0, 0, NULL},
		{"1.3, small datagrams", TERN_DTLS13, "TLS_AES_128_GCM_SHA256", 8, 8, 256, NULL},
	};
	(void)state;
	for (size_t i = 0; i < NUM(plain); i++) {
		static struct taken first;
		static char both[2 * sizeof first.keylog];
		struct seen seen = {0};
		tern_inspector *inspector;
		talk(&plain[i]);
		first = taken;
		talk(&plain[i]);
		memcpy(both, first.keylog, first.keylog_len);
		memcpy(both + first.keylog_len, taken.keylog, taken.keylog_len);
		OK(tern_inspector_new(&inspector, both, first.keylog_len + taken.keylog_len));
		for (size_t n = 0; n < first.num; n++)
			look(inspector, &seen, &first.datagrams[n]);
		for (size_t n = 0; n < taken.num; n++)
			look(inspector, &seen, &taken.datagrams[n]);
		assert_int_equal(seen.closed + seen.copies + seen.again, 0);
		assert_int_equal(seen.data, plain[i].version == TERN_DTLS13 ? 12 : 4);
		tern_inspector_free(inspector);
	}
}

static void connection_ids_tell_whose(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(settings); i++) {
		const struct setting *s = &settings[i];
		const struct datagram_on_wire *last[2] = {NULL, NULL};
		struct seen seen = {0};
		tern_inspector *inspector;
		uint8_t none = 0;
		talk(s);
		OK(tern_inspector_new(&inspector, NULL, 0));
		for (size_t n = 0; n < taken.num; n++) {
			look(inspector, &seen, &taken.datagrams[n]);
			last[taken.datagrams[n].to] = &taken.datagrams[n];
		}
		for (int to = 0; to < 2; to++) {
			bool has = (to == SERVER ? s->server_cid : s->client_cid) != 0;
			const struct datagram_on_wire *d = last[to];
			for (int side = 0; side < 2; side++) /* as from either */
				assert_int_equal(tern_inspector_knows(inspector, side == CLIENT, d->bytes, d->n),
						 has && side != to);
		}
		assert_false(tern_inspector_knows(inspector, true, &none, 0));
		tern_inspector_free(inspector);
	}
}

static tern_error always_fresh(void *user, tern_conn *conn, uint64_t job, const uint8_t *id, size_t id_len,
			       int64_t expires_unix_s)
{
	(void)user, (void)conn, (void)job, (void)id, (void)id_len, (void)expires_unix_s;
	return TERN_OK;
}

static void early_data(void **state)
{
	static const char early[] = "early";
	uint8_t session[TERN_SESSION_MAX];
	tern_config *c[2];
	tern_inspector *inspector;
	struct seen seen = {0};
	struct pair p;
	size_t n;
	bool found = false;
	(void)state;
	memset(&taken, 0, sizeof taken);
	configure(c, &settings[6]);
	OK(tern_config_set_cookie(c[SERVER], false));
	OK(tern_config_set_early_data(c[SERVER], 1000, always_fresh, NULL));
	pair_init(&p, c[CLIENT], c[SERVER]);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	pair_run(&p, LONG_TIME);
	assert_true(pair_connected(&p));
	OK(tern_conn_session(p.side[CLIENT].conn, session, sizeof session, &n));
	pair_hang_up(&p);
	p.now.unix_s += 10;
	p.tap = take;
	pair_dial_early(&p, "a.test", span_of(session, n));
	assert_true(pair_send_early(&p, early, sizeof early));
	pair_run(&p, LONG_TIME);
	assert_true(pair_connected(&p));
	pair_free(&p);
	OK(tern_inspector_new(&inspector, taken.keylog, taken.keylog_len));
	for (size_t i = 0; i < taken.num; i++) {
		struct datagram_on_wire d = taken.datagrams[i];
		tern_trace t;
		tern_bytes data;
		tern_inspector_feed(inspector, d.to == SERVER, d.bytes, d.n);
		while (tern_inspector_next(inspector, &t, &data)) {
			note(&seen, &t, &data);
			found |= t.epoch == 1 && t.content_type == CONTENT_APPLICATION_DATA &&
				 data.len == sizeof early && memcmp(data.data, early, sizeof early) == 0;
		}
	}
	assert_true(found);
	assert_int_equal(seen.closed, 0);
	tern_inspector_free(inspector);
}

static void key_logs(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} cases[] = {
		{"LABEL 0102 aabbCC\n", 3},
		{"LABEL 0102 aabbcc", 3},
		{"# a comment\n\nLABEL 0103 00\nLABEL 0102 aabbcc\r\n", 3},
		{"LABEL2 0102 aabbcc\n", 0},
		{"LABE 0102 aabbcc\n", 0},
		{"LABEL 010 aabbcc\n", 0},
		{"LABEL 0102\n", 0},
		{"LABEL 0102 \n", 0},
		{"LABEL 0102 aabbc\n", 0},
		{"LABEL 0102 aabbccdd\n", 0}, /* longer than there is room for */
		{"LABEL", 0},
		{"", 0},
	};
	static const uint8_t random[] = {1, 2}, secret[] = {0xaa, 0xbb, 0xcc};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		uint8_t out[3];
		size_t n = keylog_find(span_of(cases[i].text, strlen(cases[i].text)), "LABEL", span_of(random, 2), out,
				       sizeof out);
		if (n != cases[i].len || memcmp(out, secret, n) != 0)
			fail_msg("%zu bytes of %s", n, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_with_the_secrets),
		cmocka_unit_test(headers_without_them),
		cmocka_unit_test(copies_are_told),
		cmocka_unit_test(the_next_one),
		cmocka_unit_test(the_same_once_more),
		cmocka_unit_test(connection_ids_tell_whose),
		cmocka_unit_test(early_data),
		cmocka_unit_test(key_logs),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
