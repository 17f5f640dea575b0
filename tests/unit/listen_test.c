/* src/connection/listen.c: what the first datagram of a stranger comes to. RFC 6347 4.2.1, 5, RFC 9147 5.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "count_heap.h"
#include "pair.h"
#include "wire/handshake.h"
#include "wire/hello.h"

static const uint8_t random32[32] = {1, 2, 3};
static const uint8_t suites_of_hello[] = {0xc0, 0x2b, 0, 0xa8};
static const uint8_t extensions_of_hello[] = {0, 23, 0, 0};

struct first {
	struct client_hello hello;
	struct record12 record;
	struct fragment fragment;
	uint32_t cut; /* bytes of the hello that are not there */
	uint8_t bytes[1024];
	size_t n;
};

static struct first usual(void)
{
	static const uint8_t null[] = {0};
	struct first f = {
		.hello = {.version = VERSION_DTLS12,
			  .random = span_of(random32, 32),
			  .suites = span_of(suites_of_hello, sizeof suites_of_hello),
			  .compression = span_of(null, 1),
			  .extensions = span_of(extensions_of_hello, sizeof extensions_of_hello)},
		.record = {.type = CONTENT_HANDSHAKE, .version = VERSION_DTLS12, .seq = 7},
		.fragment = {.type = CLIENT_HELLO},
	};
	return f;
}

static void build(struct first *f)
{
	uint8_t body[512];
	struct wr b = wr_of(body, sizeof body), w = wr_of(f->bytes, sizeof f->bytes);
	put_client_hello(&b, &f->hello);
	assert_true(wr_ok(&b));
	f->fragment.length = (uint32_t)b.n;
	put_record12_header(&w, &f->record, (uint16_t)(HANDSHAKE_HEADER + b.n - f->cut));
	put_fragment_header(&w, &f->fragment, (uint32_t)b.n - f->cut);
	wr_bytes(&w, span_of(body, b.n - f->cut));
	assert_true(wr_ok(&w));
	f->n = w.n;
}

struct room {
	struct count_heap heap;
	tern_config *config;
	tern_keyring *ring;
	tern_pool *pool;
	tern_path path;
	tern_verdict v;
	uint8_t reply[512];
	size_t reply_len;
};

static void open_room(struct room *r, bool cookie)
{
	const tern_allocator heap = count_heap_allocator(&r->heap);
	r->heap = (struct count_heap){0};
	r->config = new_config(&heap);
	OK(tern_config_add_psk(r->config, "id", 2, "secret", 6));
	OK(tern_config_set_cookie(r->config, cookie));
	OK(tern_keyring_new(&r->ring, NULL, 0));
	OK(tern_config_set_keyring(r->config, r->ring));
	OK(tern_pool_new(&r->pool, r->config));
	r->path = (tern_path){.local = {.len = 6, .bytes = {127, 0, 0, 1, 1, 1}},
			      .remote = {.len = 6, .bytes = {127, 0, 0, 1, 2, 2}}};
}

static void close_room(struct room *r)
{
	tern_pool_free(r->pool);
	tern_config_free(r->config);
	tern_keyring_free(r->ring);
	assert_int_equal(r->heap.live, 0);
}

static void judge(struct room *r, const uint8_t *bytes, size_t n)
{
	uint8_t before[1024];
	assert_true(n <= sizeof before);
	if (n)
		memcpy(before, bytes, n);
	memset(r->reply, 0xee, sizeof r->reply);
	OK(tern_listen(r->pool, &r->v, r->reply, sizeof r->reply, &r->reply_len, bytes, n, &r->path,
		       (tern_time){1, NOW_S}));
	if (n)
		assert_memory_equal(before, bytes, n); /* unchanged */
	assert_int_equal(r->reply_len > 0, r->v.kind == TERN_VERDICT_REPLY);
	assert_true(r->reply_len <= 3 * n);
}

/* The cookie of the reply, checked from outside in. */
static struct span cookie_of(struct room *r, uint64_t record_seq, uint16_t message_seq)
{
	struct rd d = rd_of(span_of(r->reply, r->reply_len)), m, b;
	struct record12 record;
	struct fragment f;
	struct hello_verify_request hvr;
	assert_int_equal(r->v.kind, TERN_VERDICT_REPLY);
	assert_true(get_record12(&d, &record) && rd_end(&d));
	assert_int_equal(record.type, CONTENT_HANDSHAKE);
	assert_int_equal(record.version, VERSION_DTLS10);
	assert_int_equal(record.epoch, 0);
	assert_int_equal(record.seq, record_seq);
	m = rd_of(record.fragment);
	assert_true(get_fragment(&m, &f) && rd_end(&m));
	assert_int_equal(f.type, HELLO_VERIFY_REQUEST);
	assert_int_equal(f.message_seq, message_seq);
	assert_int_equal(f.body.n, f.length); /* never fragmented */
	b = rd_of(f.body);
	assert_true(get_hello_verify_request(&b, &hvr) && rd_end(&b));
	assert_int_equal(hvr.version, VERSION_DTLS10);
	assert_true(hvr.cookie.n > 0 && hvr.cookie.n <= 32);
	return hvr.cookie;
}

static void verdicts(void **state)
{
	struct room r;
	struct first f = usual(), other;
	static const struct {
		const char *name;
		uint8_t content, type;
		uint16_t version, epoch;
		tern_verdict_kind kind;
		tern_drop drop;
	} cases[] = {
		{"hello", 22, 1, 0xfefd, 0, TERN_VERDICT_REPLY, TERN_DROP_COOKIE},
		{"record of 1.0", 22, 1, 0xfeff, 0, TERN_VERDICT_REPLY, TERN_DROP_COOKIE},
		{"record of TLS", 22, 1, 0x0303, 0, TERN_VERDICT_DROP, TERN_DROP_VERSION},
		{"epoch 1", 22, 1, 0xfefd, 1, TERN_VERDICT_DROP, TERN_DROP_NOT_HELLO},
		{"alert", 21, 1, 0xfefd, 0, TERN_VERDICT_DROP, TERN_DROP_NOT_HELLO},
		{"CCS", 20, 1, 0xfefd, 0, TERN_VERDICT_DROP, TERN_DROP_NOT_HELLO},
		{"data", 23, 1, 0xfefd, 0, TERN_VERDICT_DROP, TERN_DROP_NOT_HELLO},
		{"ServerHello", 22, 2, 0xfefd, 0, TERN_VERDICT_DROP, TERN_DROP_NOT_HELLO},
		{"Finished", 22, 20, 0xfefd, 0, TERN_VERDICT_DROP, TERN_DROP_NOT_HELLO},
	};
	(void)state;
	open_room(&r, true);
	for (size_t i = 0; i < NUM(cases); i++) {
		other = usual();
		other.record.type = cases[i].content;
		other.record.version = cases[i].version;
		other.record.epoch = cases[i].epoch;
		other.fragment.type = cases[i].type;
		build(&other);
		judge(&r, other.bytes, other.n);
		if (r.v.kind != cases[i].kind || r.v.drop != cases[i].drop)
			fail_msg("%s: verdict %d, drop %d", cases[i].name, r.v.kind, r.v.drop);
	}
	build(&f);
	for (size_t n = 0; n < f.n; n++) { /* cut anywhere */
		judge(&r, f.bytes, n);
		assert_int_equal(r.v.kind, TERN_VERDICT_DROP);
		assert_int_equal(r.v.drop, TERN_DROP_MALFORMED);
	}
	other = usual();
	other.cut = 10;
	build(&other);
	judge(&r, other.bytes, other.n);
	assert_int_equal(r.v.drop, TERN_DROP_HELLO_FRAGMENTED);
	other = usual();
	other.hello.suites = span_of(suites_of_hello, 3);
	build(&other);
	judge(&r, other.bytes, other.n);
	assert_int_equal(r.v.drop, TERN_DROP_HELLO_MALFORMED);
	check_is("small reply",
		 tern_listen(r.pool, &r.v, r.reply, 511, &r.reply_len, f.bytes, f.n, &r.path, (tern_time){1, NOW_S}),
		 TERN_ERROR_BUFFER_TOO_SMALL);
	close_room(&r);
}

static void cookies(void **state)
{
	struct room r;
	struct first f = usual(), g;
	uint8_t cookie[64];
	struct span c;
	static const uint8_t other_suites[] = {0, 0xa8, 0xc0, 0x2b}, id[] = {9};
	static const uint8_t other_random[RANDOM_LEN] = {1};
	(void)state;
	open_room(&r, true);
	f.fragment.message_seq = 0;
	build(&f);
	judge(&r, f.bytes, f.n);
	c = cookie_of(&r, 7, 0);
	memcpy(cookie, c.p, c.n);
	c.p = cookie;
	f.hello.cookie = c;
	f.record.seq = 8;
	f.fragment.message_seq = 1;
	build(&f);
	judge(&r, f.bytes, f.n);
	assert_int_equal(r.v.kind, TERN_VERDICT_ACCEPT);
	assert_true(r.v.address_proved);
	assert_int_equal(r.v.message_seq, 1);
	assert_int_equal(r.v.record_seq, 8);
	/* From elsewhere, or with other parameters, it proves nothing. */
	for (int i = 0; i < 8; i++) {
		tern_path path = r.path;
		g = f;
		switch (i) {
		case 0:
			r.path.remote.bytes[3] = 2;
			break;
		case 1:
			r.path.remote.bytes[5] = 3;
			break;
		case 2:
			r.path.local.bytes[5] = 3;
			break;
		case 3:
			r.path.remote.len = 5;
			break;
		case 4:
			g.hello.version = VERSION_DTLS10;
			break;
		case 5:
			g.hello.suites = span_of(other_suites, 4);
			break;
		case 6:
			g.hello.random = span_of(other_random, sizeof other_random);
			break;
		default:
			g.hello.cookie.n--;
			break;
		}
		build(&g);
		judge(&r, g.bytes, g.n);
		if (r.v.kind != TERN_VERDICT_REPLY)
			fail_msg("parameter %d is not bound", i);
		(void)cookie_of(&r, 8, 1); /* a second request: with the numbers of the second hello */
		r.path = path;
	}
	/* What clients do not repeat faithfully is not asked of them. */
	g = f;
	g.hello.session_id = span_of(id, 1);
	g.hello.extensions = span_of(NULL, 0);
	build(&g);
	judge(&r, g.bytes, g.n);
	assert_int_equal(r.v.kind, TERN_VERDICT_ACCEPT);
	for (size_t i = 0; i < c.n; i++) {
		cookie[i] ^= 1;
		build(&f);
		judge(&r, f.bytes, f.n);
		assert_int_equal(r.v.kind, TERN_VERDICT_REPLY);
		cookie[i] ^= 1;
	}
	OK(tern_keyring_rotate(r.ring, NULL, 0));
	build(&f);
	judge(&r, f.bytes, f.n);
	assert_int_equal(r.v.kind, TERN_VERDICT_ACCEPT); /* the previous key still counts */
	OK(tern_keyring_rotate(r.ring, NULL, 0));
	judge(&r, f.bytes, f.n);
	assert_int_equal(r.v.kind, TERN_VERDICT_REPLY);
	close_room(&r);
}

static void without_cookie(void **state)
{
	struct room r;
	struct first f = usual();
	(void)state;
	open_room(&r, false);
	build(&f);
	judge(&r, f.bytes, f.n);
	assert_int_equal(r.v.kind, TERN_VERDICT_ACCEPT);
	assert_false(r.v.address_proved);
	f.cut = 10; /* the rest may come behind it */
	build(&f);
	judge(&r, f.bytes, f.n);
	assert_int_equal(r.v.kind, TERN_VERDICT_ACCEPT);
	f = usual();
	f.fragment.type = SERVER_HELLO;
	build(&f);
	judge(&r, f.bytes, f.n);
	assert_int_equal(r.v.kind, TERN_VERDICT_DROP);
	close_room(&r);
}

static void strangers_cost_no_memory(void **state)
{
	struct room r;
	struct first f = usual();
	size_t calls;
	(void)state;
	open_room(&r, true);
	build(&f);
	judge(&r, f.bytes, f.n);
	calls = r.heap.allocs;
	for (uint32_t i = 0; i < 100000; i++) {
		wr_store(r.path.remote.bytes, 4, i);
		OK(tern_listen(r.pool, &r.v, r.reply, sizeof r.reply, &r.reply_len, f.bytes, f.n, &r.path,
			       (tern_time){1, NOW_S}));
		if (r.v.kind != TERN_VERDICT_REPLY)
			fail_msg("not answered");
	}
	assert_int_equal(r.heap.allocs, calls);
	close_room(&r);
}

/* Only one message is looked at: what follows it in the datagram changes nothing. */
static void trailing_records(void **state)
{
	struct room r;
	struct first f = usual();
	uint8_t both[1024], first_reply[512];
	size_t n, len;
	(void)state;
	open_room(&r, true);
	build(&f);
	judge(&r, f.bytes, f.n);
	len = r.reply_len;
	memcpy(first_reply, r.reply, len);
	memcpy(both, f.bytes, f.n);
	n = f.n;
	memcpy(both + n, f.bytes, f.n);
	n += f.n;
	judge(&r, both, n);
	assert_int_equal(r.reply_len, len);
	assert_memory_equal(r.reply, first_reply, len);
	memset(both + f.n, 0xff, 20);
	judge(&r, both, f.n + 20);
	assert_int_equal(r.v.kind, TERN_VERDICT_REPLY);
	close_room(&r);
}

/* A cookie that went stale in between: the client answers a second request, and gets through. */
static void two_requests(void **state)
{
	struct pair p;
	tern_config *client = new_config(NULL), *server = new_config(NULL);
	tern_keyring *ring;
	(void)state;
	OK(tern_config_add_psk(client, "id", 2, "secret", 6));
	OK(tern_config_add_psk(server, "id", 2, "secret", 6));
	OK(tern_keyring_new(&ring, NULL, 0));
	OK(tern_config_set_keyring(server, ring));
	pair_init(&p, client, server);
	pair_dial(&p, NULL, span_of(NULL, 0));
	assert_true(pair_carry(&p)); /* hello */
	OK(tern_keyring_rotate(ring, NULL, 0));
	OK(tern_keyring_rotate(ring, NULL, 0));
	pair_settle(&p);
	assert_int_equal(p.replies, 2);
	assert_true(pair_connected(&p));
	pair_check_data(&p, "two requests");
	/* A third time is too much. */
	pair_hang_up(&p);
	pair_dial(&p, NULL, span_of(NULL, 0));
	for (int i = 0; i < 20 && p.replies < 3; i++) {
		OK(tern_keyring_rotate(ring, NULL, 0));
		OK(tern_keyring_rotate(ring, NULL, 0));
		assert_true(pair_carry(&p));
	}
	pair_settle(&p);
	check_is("three requests", p.side[CLIENT].error, TERN_ERROR_UNEXPECTED_MESSAGE);
	pair_free(&p);
	tern_keyring_free(ring);
}

static void glances(void **state)
{
	static const struct {
		const char *name;
		uint8_t bytes[40];
		size_t n;
		bool dtls, hello;
		uint16_t epoch;
		uint64_t seq;
	} cases[] = {
		{"hello", {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 12, 1, 0, 0, 0}, 25, true, true, 0, 9},
		{"start of a hello",
		 {22, 254, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 1, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 2},
		 27,
		 true,
		 true,
		 0,
		 0},
		{"later piece",
		 {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 1, 0, 0, 9, 0, 0, 0, 0, 5, 0, 0, 2},
		 27,
		 true,
		 false,
		 0,
		 0},
		{"ServerHello", {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 2}, 25, true, false, 0, 0},
		{"protected", {22, 254, 253, 0, 1, 0, 0, 0, 0, 0, 5, 0, 12, 1}, 25, true, false, 1, 5},
		{"data", {23, 254, 253, 0, 3, 0, 1, 0, 0, 0, 0, 0, 1, 1}, 14, true, false, 3, UINT64_C(1) << 32},
		{"too short", {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 12, false, false, 0, 0},
		{"shorter than it says", {23, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0}, 14, false, false, 0, 0},
		{"STUN", {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, 20, false, false, 0, 0},
		{"RTP", {0x80, 96}, 40, false, false, 0, 0},
		{"another version", {22, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 13, true, false, 0, 0},
		{"nothing", {0}, 0, false, false, 0, 0},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		tern_glance g = tern_peek(cases[i].bytes, cases[i].n);
		if (g.dtls != cases[i].dtls || g.client_hello != cases[i].hello ||
		    (g.dtls && g.epoch != cases[i].epoch) || (g.dtls && g.record_seq != cases[i].seq))
			fail_msg("%s: dtls %d, hello %d", cases[i].name, g.dtls, g.client_hello);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),	    cmocka_unit_test(cookies),
		cmocka_unit_test(without_cookie),   cmocka_unit_test(strangers_cost_no_memory),
		cmocka_unit_test(trailing_records), cmocka_unit_test(two_requests),
		cmocka_unit_test(glances),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
