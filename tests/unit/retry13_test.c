/* src/handshake/retry13.c, and what both sides make of a second hello (RFC 8446 4.1.2, 4.1.4, RFC 9147 5.1). RFC 9147
 * 4, 5, 11. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "count_heap.h"
#include "crypto/stub/stub.h"
#include "pair.h"
#include "wire/extensions.h"

#define LONG_TIME (UINT64_C(300) * 1000000000)

static void make_pair(struct pair *p, const char *client_groups, const char *server_groups, bool cookie)
{
	tern_config *client = new_config13(NULL), *server = new_config13(NULL);
	OK(config_set_provider(client, &provider_stub));
	OK(config_set_provider(server, &provider_stub));
	OK(tern_config_set_groups(client, client_groups));
	OK(tern_config_set_groups(server, server_groups));
	OK(tern_config_add_keypair(server, "E a.test", 8, "E a.test", 8));
	OK(tern_config_add_trust(client, "E a.test", 8));
	OK(tern_config_set_cookie(server, cookie));
	pair_init(p, client, server);
	pair_dial(p, "a.test", span_of(NULL, 0));
	pair_collect(p, CLIENT);
}

/* ---- a client and its HelloRetryRequests ---- */

struct retry {
	const char *name;
	uint32_t present;
	uint16_t version, suite, group, legacy_version;
	uint8_t compression, echo;
	bool unknown, misplaced;
	tern_error error;
};

static size_t put_retry_body(uint8_t out[256], const struct retry *r)
{
	static const uint8_t cookie[] = {1, 2, 3}, echo[] = {9};
	uint8_t version[] = {(uint8_t)(r->version >> 8), (uint8_t)r->version}, block[128];
	struct wr ew = wr_of(block, sizeof block), w = wr_of(out, 256);
	struct server_hello hello = {.version = r->legacy_version, .suite = r->suite, .compression = r->compression};
	struct extensions ext = {.present = r->present, .selected_group = r->group};
	ext.supported_versions = span_of(version, 2);
	ext.cookie = span_of(cookie, sizeof cookie);
	put_extensions(&ew, IN_HELLO_RETRY_REQUEST, &ext);
	if (r->unknown)
		wr_u32(&ew, 0x7a7a0000);
	if (r->misplaced)
		wr_u32(&ew, 0x00170000); /* extended_master_secret */
	hello.random = span_of(hello_retry_random, RANDOM_LEN);
	hello.session_id = span_of(echo, r->echo);
	hello.extensions = wr_span(&ew);
	put_server_hello(&w, &hello);
	assert_true(wr_ok(&ew) && wr_ok(&w));
	return w.n;
}

static void hear_retry(struct pair *p, const struct retry *r, uint16_t seq)
{
	uint8_t body[256], out[300];
	size_t n = put_retry_body(body, r);
	struct wr w = wr_of(out, sizeof out);
	put_fragment_header(&w, &(struct fragment){.type = SERVER_HELLO, .length = (uint32_t)n, .message_seq = seq},
			    (uint32_t)n);
	wr_bytes(&w, span_of(body, n));
	pair_forge(p, CLIENT, CONTENT_HANDSHAKE, 0, seq, out, w.n);
}

#define V HAS_SUPPORTED_VERSIONS
#define K HAS_KEY_SHARE
#define C HAS_COOKIE
static const struct retry good = {"cookie", V | C, 0xfefc, 0x1301, 0, 0xfefd, 0, 0, false, false, TERN_OK};

static void client_checks_a_retry(void **state)
{
	static const struct retry cases[] = {
		{"cookie", V | C, 0xfefc, 0x1301, 0, 0xfefd, 0, 0, false, false, TERN_OK},
		{"group", V | K, 0xfefc, 0x1301, 24, 0xfefd, 0, 0, false, false, TERN_OK},
		{"both", V | K | C, 0xfefc, 0x1302, 24, 0xfefd, 0, 0, false, false, TERN_OK},
		{"nothing changes", V, 0xfefc, 0x1301, 0, 0xfefd, 0, 0, false, false, TERN_ERROR_ILLEGAL_PARAMETER},
		{"group with a share already", V | K, 0xfefc, 0x1301, 29, 0xfefd, 0, 0, false, false,
		 TERN_ERROR_ILLEGAL_PARAMETER},
		{"group with a share already, and cookie", V | K | C, 0xfefc, 0x1301, 29, 0xfefd, 0, 0, false, false,
		 TERN_ERROR_ILLEGAL_PARAMETER},
		{"group not offered", V | K, 0xfefc, 0x1301, 23, 0xfefd, 0, 0, false, false,
		 TERN_ERROR_ILLEGAL_PARAMETER},
		{"group unknown", V | K, 0xfefc, 0x1301, 0x7777, 0xfefd, 0, 0, false, false,
		 TERN_ERROR_ILLEGAL_PARAMETER},
		{"suite of 1.2", V | C, 0xfefc, 0xc02b, 0, 0xfefd, 0, 0, false, false, TERN_ERROR_ILLEGAL_PARAMETER},
		{"suite not offered", V | C, 0xfefc, 0x1305, 0, 0xfefd, 0, 0, false, false,
		 TERN_ERROR_ILLEGAL_PARAMETER},
		{"compression", V | C, 0xfefc, 0x1301, 0, 0xfefd, 1, 0, false, false, TERN_ERROR_ILLEGAL_PARAMETER},
		{"echo of what was not said", V | C, 0xfefc, 0x1301, 0, 0xfefd, 0, 1, false, false,
		 TERN_ERROR_ILLEGAL_PARAMETER},
		{"no version", C, 0xfefc, 0x1301, 0, 0xfefd, 0, 0, false, false, TERN_ERROR_MISSING_EXTENSION},
		{"version 1.2", V | C, 0xfefd, 0x1301, 0, 0xfefd, 0, 0, false, false, TERN_ERROR_ILLEGAL_PARAMETER},
		{"legacy version", V | C, 0xfefc, 0x1301, 0, 0xfefc, 0, 0, false, false, TERN_ERROR_PROTOCOL_VERSION},
		{"unknown extension", V | C, 0xfefc, 0x1301, 0, 0xfefd, 0, 0, true, false,
		 TERN_ERROR_UNSUPPORTED_EXTENSION},
		{"misplaced extension", V | C, 0xfefc, 0x1301, 0, 0xfefd, 0, 0, false, true,
		 TERN_ERROR_ILLEGAL_PARAMETER},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct pair p;
		make_pair(&p, "x25519,secp384r1", "x25519", false);
		hear_retry(&p, &cases[i], 0);
		check_is(cases[i].name, p.side[CLIENT].error, cases[i].error);
		pair_free(&p);
	}
}

static void second_retry_is_refused(void **state)
{
	struct pair p;
	(void)state;
	make_pair(&p, "x25519,secp384r1", "x25519", false);
	hear_retry(&p, &good, 0);
	check_is("first", p.side[CLIENT].error, TERN_OK);
	pair_collect(&p, CLIENT);
	hear_retry(&p, &good, 0); /* a repeat of the first is none */
	check_is("repeated", p.side[CLIENT].error, TERN_OK);
	hear_retry(&p, &good, 1);
	check_is("second", p.side[CLIENT].error, TERN_ERROR_UNEXPECTED_MESSAGE);
	pair_free(&p);
}

/* The body of the hello in the first datagram for the server. */
static struct span hello_on_wire(const struct pair *p)
{
	for (size_t i = p->num_queued; i > 0; i--)
		if (p->queue[i - 1].to == SERVER)
			return span_of(p->queue[i - 1].bytes + 25, p->queue[i - 1].n - 25);
	fail_msg("no hello");
	return span_of(NULL, 0);
}

static void decode(struct span body, struct client_hello *hello, struct extensions *ext)
{
	struct rd r = rd_of(body);
	assert_true(get_client_hello(&r, hello) && rd_end(&r));
	assert_true(get_extensions(hello->extensions, IN_CLIENT_HELLO, ext));
}

/* RFC 8446 4.1.2: all else stays as it was. */
static void second_hello_changes_only_what_was_asked(void **state)
{
	(void)state;
	for (int group = 0; group < 2; group++) {
		struct retry r = good;
		struct client_hello first, second;
		struct extensions before, now;
		uint8_t copy[2048];
		struct span body;
		struct pair p;
		r.present |= group ? K : 0;
		r.group = 24;
		make_pair(&p, "x25519,secp384r1", "x25519", false);
		body = hello_on_wire(&p);
		memcpy(copy, body.p, body.n);
		decode(span_of(copy, body.n), &first, &before);
		hear_retry(&p, &r, 0);
		pair_collect(&p, CLIENT);
		decode(hello_on_wire(&p), &second, &now);
		assert_true(span_equal(first.random, second.random));
		assert_true(span_equal(first.session_id, second.session_id));
		assert_true(span_equal(first.suites, second.suites));
		assert_int_equal(second.cookie.n, 0);
		assert_int_equal(now.present, before.present | C);
		assert_int_equal(now.cookie.n, 3);
		assert_true(span_equal(before.supported_groups, now.supported_groups));
		assert_true(span_equal(before.signature_algorithms, now.signature_algorithms));
		assert_true(span_equal(before.psk_modes, now.psk_modes));
		assert_int_equal(span_equal(before.key_shares, now.key_shares), !group);
		pair_free(&p);
	}
}

/* ---- a server and the second hello ---- */

/* Edits of a second hello on its way, by bytes of the same length. */
static struct {
	const uint8_t *from, *to;
	size_t n;
	unsigned hits;
} edit;
static unsigned hellos;

static bool edit_second(struct pair *p, struct datagram_on_wire *d)
{
	(void)p;
	if (d->to != SERVER || d->bytes[0] != CONTENT_HANDSHAKE || d->bytes[3] | d->bytes[4] || ++hellos != 2)
		return true;
	for (size_t i = 25; i + edit.n <= d->n; i++)
		if (memcmp(d->bytes + i, edit.from, edit.n) == 0) {
			memcpy(d->bytes + i, edit.to, edit.n);
			edit.hits++;
			break;
		}
	return true;
}

#define BYTES(...) ((const uint8_t[]){__VA_ARGS__})

static void server_notices_another_second_hello(void **state)
{
	const struct {
		const char *name;
		const uint8_t *from, *to;
		size_t n;
		bool cookie;
		tern_error server, client;
	} cases[] = {
		{"the retry's suite is gone", BYTES(0x13, 0x01, 0x13, 0x02), BYTES(0x13, 0x44, 0x13, 0x02), 4, false,
		 TERN_ERROR_ILLEGAL_PARAMETER, TERN_ERROR_PEER_ALERT},
		{"the retry's suite is gone, cookie", BYTES(0x13, 0x01, 0x13, 0x02), BYTES(0x13, 0x44, 0x13, 0x02), 4,
		 true, TERN_ERROR_ILLEGAL_PARAMETER, TERN_ERROR_PEER_ALERT},
		{"the share is for another group", BYTES(0, 24, 0, 97), BYTES(0, 29, 0, 97), 4, false,
		 TERN_ERROR_ILLEGAL_PARAMETER, TERN_ERROR_PEER_ALERT},
		{"the share is for another group, cookie", BYTES(0, 24, 0, 97), BYTES(0, 29, 0, 97), 4, true,
		 TERN_ERROR_ILLEGAL_PARAMETER, TERN_ERROR_PEER_ALERT},
		{"a name in it, seen by the transcript alone", BYTES('a', '.', 't', 'e', 's', 't'),
		 BYTES('b', '.', 't', 'e', 's', 't'), 6, false, TERN_OK, TERN_OK},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct pair p;
		make_pair(&p, "x25519,secp384r1", "secp384r1", cases[i].cookie);
		memset(&edit, 0, sizeof edit);
		edit.from = cases[i].from;
		edit.to = cases[i].to;
		edit.n = cases[i].n;
		hellos = 0;
		p.tap = edit_second;
		pair_run(&p, LONG_TIME);
		if (edit.hits != 1)
			fail_msg("%s: no such bytes", cases[i].name);
		if (pair_saw(&p, SERVER, TERN_EVENT_CONNECTED) || pair_saw(&p, CLIENT, TERN_EVENT_CONNECTED))
			fail_msg("%s: connected", cases[i].name);
		if (cases[i].server != TERN_OK)
			check_is(cases[i].name, p.side[SERVER].error, cases[i].server);
		if (cases[i].client != TERN_OK)
			check_is(cases[i].name, p.side[CLIENT].error, cases[i].client);
		pair_free(&p);
	}
}

/* ---- tern_listen ---- */

struct room {
	struct pair p; /* makes the hellos */
	uint8_t first[600], second[600]; /* datagrams of the client */
	size_t first_len, second_len;
	uint8_t reply[512];
	size_t reply_len;
	tern_verdict v;
};

static void listen_to(struct room *r, const uint8_t *bytes, size_t n)
{
	OK(tern_listen(r->p.side[SERVER].pool, &r->v, r->reply, sizeof r->reply, &r->reply_len, bytes, n, &r->p.path,
		       r->p.now));
}

static void keep_hello(struct pair *p, uint8_t out[600], size_t *n)
{
	*n = p->queue[p->num_queued - 1].n;
	assert_true(*n <= 600 && p->queue[p->num_queued - 1].to == SERVER);
	memcpy(out, p->queue[p->num_queued - 1].bytes, *n);
	p->num_queued = 0;
}

static void open_room(struct room *r)
{
	make_pair(&r->p, "x25519", "x25519", true);
	keep_hello(&r->p, r->first, &r->first_len);
	listen_to(r, r->first, r->first_len);
	assert_int_equal(r->v.kind, TERN_VERDICT_REPLY);
	pair_feed(&r->p, CLIENT, r->reply, r->reply_len);
	pair_collect(&r->p, CLIENT);
	keep_hello(&r->p, r->second, &r->second_len);
}

static void retry_is_a_function_of_hello_address_and_key(void **state)
{
	struct room r;
	uint8_t copy[512];
	size_t n;
	(void)state;
	open_room(&r);
	listen_to(&r, r.first, r.first_len);
	n = r.reply_len;
	memcpy(copy, r.reply, n);
	assert_true(n <= 3 * r.first_len);
	for (int i = 0; i < 3; i++) {
		r.p.now.mono_ns += 1000000000;
		listen_to(&r, r.first, r.first_len);
		assert_int_equal(r.reply_len, n);
		assert_memory_equal(r.reply, copy, n);
	}
	r.p.path.remote.bytes[5] ^= 1;
	listen_to(&r, r.first, r.first_len);
	assert_memory_not_equal(r.reply, copy, n);
	r.p.path.remote.bytes[5] ^= 1;
	r.first[40] ^= 1; /* in the random */
	listen_to(&r, r.first, r.first_len);
	assert_memory_not_equal(r.reply, copy, n);
	pair_free(&r.p);
}

static void check_refused(struct room *r, const char *name)
{
	static const uint8_t alert[] = {CONTENT_ALERT, 0xfe, 0xfd, 0, 0};
	if (r->v.kind != TERN_VERDICT_REPLY || r->reply_len != 15 || memcmp(r->reply, alert, 5) != 0 ||
	    r->reply[13] != 2 || r->reply[14] != 47)
		fail_msg("%s: not refused by illegal_parameter", name);
}

static void cookie_is_bound_to_the_address(void **state)
{
	struct room r;
	(void)state;
	open_room(&r);
	listen_to(&r, r.second, r.second_len);
	assert_int_equal(r.v.kind, TERN_VERDICT_ACCEPT);
	assert_true(r.v.address_proved);
	for (int i = 0; i < 6; i++) {
		r.p.path.remote.bytes[i] ^= 0x10;
		listen_to(&r, r.second, r.second_len);
		check_refused(&r, "another address");
		r.p.path.remote.bytes[i] ^= 0x10;
	}
	r.p.path.local = (tern_address){.len = 6, .bytes = {127, 0, 0, 1, 1, 1}};
	listen_to(&r, r.second, r.second_len);
	check_refused(&r, "another local address");
	pair_free(&r.p);
}

static void cookie_lives_for_one_rotation(void **state)
{
	struct room r;
	tern_keyring *ring;
	(void)state;
	open_room(&r);
	ring = r.p.side[SERVER].config->keyring;
	OK(tern_keyring_rotate(ring, NULL, 0));
	listen_to(&r, r.second, r.second_len);
	assert_int_equal(r.v.kind, TERN_VERDICT_ACCEPT);
	/* And the handshake goes on with it. */
	pair_feed(&r.p, SERVER, r.second, r.second_len);
	pair_run(&r.p, LONG_TIME);
	assert_true(pair_connected(&r.p));
	OK(tern_keyring_rotate(ring, NULL, 0));
	listen_to(&r, r.second, r.second_len);
	check_refused(&r, "two rotations");
	pair_free(&r.p);
}

static void damaged_cookie_is_refused(void **state)
{
	static const uint8_t type[] = {0, 44};
	struct room r;
	size_t at = 25, n;
	(void)state;
	open_room(&r);
	while (memcmp(r.second + at, type, 2) != 0)
		at++;
	n = (size_t)(r.second[at + 4] << 8 | r.second[at + 5]);
	for (size_t i = 0; i < n; i++) {
		r.second[at + 6 + i] ^= 0x20;
		listen_to(&r, r.second, r.second_len);
		check_refused(&r, "damaged");
		r.second[at + 6 + i] ^= 0x20;
	}
	listen_to(&r, r.second, r.second_len);
	assert_int_equal(r.v.kind, TERN_VERDICT_ACCEPT);
	pair_free(&r.p);
}

/* Whether a client hears its refusal, and does not go on for long with a server that forgot it. */
static void client_of_a_stale_cookie_is_told(void **state)
{
	struct room r;
	(void)state;
	open_room(&r);
	for (int i = 0; i < 2; i++)
		OK(tern_keyring_rotate(r.p.side[SERVER].config->keyring, NULL, 0));
	listen_to(&r, r.second, r.second_len);
	pair_feed(&r.p, CLIENT, r.reply, r.reply_len);
	check_is("client", r.p.side[CLIENT].error, TERN_ERROR_PEER_ALERT);
	assert_int_equal(tern_conn_failure(r.p.side[CLIENT].conn).alert, 47);
	pair_free(&r.p);
}

static void listening_allocates_nothing(void **state)
{
	struct count_heap h = {0};
	const tern_allocator heap = count_heap_allocator(&h);
	struct room r;
	tern_config *server;
	tern_pool *pool;
	size_t calls, held;
	(void)state;
	open_room(&r);
	server = new_config13(&heap);
	OK(config_set_provider(server, &provider_stub));
	OK(tern_config_set_groups(server, "x25519,X25519MLKEM768"));
	OK(tern_config_add_keypair(server, "E a.test", 8, "E a.test", 8));
	OK(tern_pool_new(&pool, server));
	calls = h.allocs;
	held = h.live;
	for (unsigned i = 0; i < 2000; i++) {
		const uint8_t *bytes = i % 2 ? r.second : r.first;
		r.p.path.remote.bytes[4] = (uint8_t)i;
		r.p.path.remote.bytes[5] = (uint8_t)(i >> 8);
		OK(tern_listen(pool, &r.v, r.reply, sizeof r.reply, &r.reply_len, bytes,
			       i % 2 ? r.second_len : r.first_len, &r.p.path, r.p.now));
		assert_int_equal(r.v.kind, TERN_VERDICT_REPLY);
		assert_true(r.reply_len <= 3 * r.first_len);
	}
	assert_int_equal(h.allocs, calls);
	assert_int_equal(h.live, held);
	tern_pool_free(pool);
	tern_config_free(server);
	pair_free(&r.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_checks_a_retry),
		cmocka_unit_test(second_retry_is_refused),
		cmocka_unit_test(second_hello_changes_only_what_was_asked),
		cmocka_unit_test(server_notices_another_second_hello),
		cmocka_unit_test(retry_is_a_function_of_hello_address_and_key),
		cmocka_unit_test(cookie_is_bound_to_the_address),
		cmocka_unit_test(cookie_lives_for_one_rotation),
		cmocka_unit_test(damaged_cookie_is_refused),
		cmocka_unit_test(client_of_a_stale_cookie_is_told),
		cmocka_unit_test(listening_allocates_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
