/* src/wire/hello.c */
#include "wire/hello.h"

#include "wire/extensions.h"
#include "wire_check.h"

RECODE(recode_client, client_hello, get_client_hello, put_client_hello)
RECODE(recode_server, server_hello, get_server_hello, put_server_hello)
RECODE(recode_verify, hello_verify_request, get_hello_verify_request, put_hello_verify_request)

#define RANDOM "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define ID32 "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
#define ID33 ID32 "40"

static void client_fields(void **state)
{
	struct bytes b = unhex("fefd" RANDOM "02 a1a2 03 b1b2b3 0004 c02bc02f 02 0100 0004 00170000");
	struct rd r = rd_of(span_of_bytes(&b));
	struct client_hello v;
	(void)state;
	assert_true(get_client_hello(&r, &v));
	assert_int_equal(v.version, 0xfefd);
	check_span(v.random, RANDOM);
	check_span(v.session_id, "a1a2");
	check_span(v.cookie, "b1b2b3");
	check_span(v.suites, "c02bc02f");
	check_span(v.compression, "0100");
	check_span(v.extensions, "00170000");
	assert_true(rd_end(&r));
}

static void client_round_trips(void **state)
{
	static const struct {
		const char *name, *hex;
		size_t valid_prefix; /* where the extensions could be missing */
	} cases[] = {
		{"least", "fefd" RANDOM "00 00 0002 c02b 01 00", NO_PREFIX},
		{"session id and cookie", "feff" RANDOM "20" ID32 "21" ID33 "0002 c02b 01 00", NO_PREFIX},
		{"extensions", "fefd" RANDOM "00 00 0002 c02b 01 00 0004 00170000", 42},
		{"extension block is not looked into", "fefd" RANDOM "00 00 0002 c02b 01 00 0001 00", 42},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check_message_hex(cases[i].name, recode_client, cases[i].hex, cases[i].valid_prefix);
}

static void client_refused(void **state)
{
	static const struct {
		const char *name, *hex;
	} cases[] = {
		{"session id of 33 bytes", "fefd" RANDOM "21" ID33 "00 0002 c02b 01 00"},
		{"no suites", "fefd" RANDOM "00 00 0000 01 00"},
		{"half a suite", "fefd" RANDOM "00 00 0001 c0 01 00"},
		{"one suite and a half", "fefd" RANDOM "00 00 0003 c02bc0 01 00"},
		{"no compression", "fefd" RANDOM "00 00 0002 c02b 00"},
		{"extensions longer than the rest", "fefd" RANDOM "00 00 0002 c02b 01 00 0005 00170000"},
		{"bytes behind the extensions", "fefd" RANDOM "00 00 0002 c02b 01 00 0004 00170000 00"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check_refused(cases[i].name, recode_client, cases[i].hex);
}

/* An empty block says the same as none, and is written as none. */
static void empty_extensions(void **state)
{
	struct bytes client = unhex("fefd" RANDOM "00 00 0002 c02b 01 00 0000");
	struct bytes server = unhex("fefd" RANDOM "00 c02b 00 0000");
	uint8_t out[128];
	struct wr w = wr_of(out, sizeof out);
	size_t left;
	(void)state;
	assert_true(recode_copy(recode_client, span_of_bytes(&client), &w, &left));
	check_span(wr_span(&w), "fefd" RANDOM "00 00 0002 c02b 01 00");
	w = wr_of(out, sizeof out);
	assert_true(recode_copy(recode_server, span_of_bytes(&server), &w, &left));
	check_span(wr_span(&w), "fefd" RANDOM "00 c02b 00");
}

static void server_hello_codec(void **state)
{
	struct bytes b = unhex("fefd" RANDOM "01 a1 cca9 07 0005 ff01000100");
	struct rd r = rd_of(span_of_bytes(&b));
	struct server_hello v;
	(void)state;
	assert_true(get_server_hello(&r, &v));
	assert_int_equal(v.version, 0xfefd);
	check_span(v.random, RANDOM);
	check_span(v.session_id, "a1");
	assert_int_equal(v.suite, 0xcca9);
	assert_int_equal(v.compression, 7);
	check_span(v.extensions, "ff01000100");
	check_message_hex("least", recode_server, "fefd" RANDOM "00 c02b 00", NO_PREFIX);
	check_message_hex("session id", recode_server, "fefd" RANDOM "20" ID32 "c02b 00", NO_PREFIX);
	check_message_hex("extensions", recode_server, "fefd" RANDOM "00 c02b 00 0005 ff01000100", 38);
	check_refused("session id of 33 bytes", recode_server, "fefd" RANDOM "21" ID33 "c02b 00");
	check_refused("bytes behind the extensions", recode_server, "fefd" RANDOM "00 c02b 00 0000 00");
}

static void hello_verify_request_codec(void **state)
{
	struct bytes b = unhex("feff 03 010203"), longest = {.n = 258};
	struct rd r = rd_of(span_of_bytes(&b));
	struct hello_verify_request v;
	(void)state;
	assert_true(get_hello_verify_request(&r, &v));
	assert_int_equal(v.version, 0xfeff);
	check_span(v.cookie, "010203");
	longest.p[2] = COOKIE_MAX;
	check_message("longest cookie", recode_verify, span_of_bytes(&longest), NO_PREFIX);
	check_message_hex("empty cookie", recode_verify, "feff 00", NO_PREFIX);
}

/* What cannot be said on the wire is not written. */
static void too_long(void **state)
{
	static const uint8_t zero[65536];
	static uint8_t out[70000];
	const struct span random = span_of(zero, RANDOM_LEN), suites = span_of(zero, 2), null = span_of(zero, 1);
	const struct {
		const char *name;
		struct client_hello hello;
	} cases[] = {
		{"session id", {0xfefd, random, span_of(zero, 256), {0}, suites, null, {0}}},
		{"cookie", {0xfefd, random, {0}, span_of(zero, COOKIE_MAX + 1), suites, null, {0}}},
		{"suites", {0xfefd, random, {0}, {0}, span_of(zero, 65536), null, {0}}},
		{"extensions", {0xfefd, random, {0}, {0}, suites, null, span_of(zero, 65536)}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct wr w = wr_of(out, sizeof out);
		put_client_hello(&w, &cases[i].hello);
		if (wr_ok(&w))
			fail_msg("%s: written", cases[i].name);
	}
}

static void lists(void **state)
{
	static const struct {
		const char *name, *hex;
		bool valid16, has16, has8; /* 0x0102, 0x02 */
	} cases[] = {
		{"empty", "", false, false, false},
		{"the one", "0102", true, true, true},
		{"last", "01030102", true, true, true},
		{"across two", "00010200", true, false, true},
		{"odd", "00000102 02", false, true, true},
		{"half at the end", "000001", false, false, false},
		{"not there", "01030201 0301", true, false, true},
		{"nothing like it", "01030103", true, false, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bytes b = unhex(cases[i].hex);
		struct span list = b.n ? span_of_bytes(&b) : span_of(NULL, 0);
		if (list16_valid(list) != cases[i].valid16 || list16_has(list, 0x0102) != cases[i].has16 ||
		    list8_has(list, 0x02) != cases[i].has8)
			fail_msg("%s", cases[i].name);
	}
}

static void captured_client_hello(void **state)
{
	struct bytes first = captured('C', CLIENT_HELLO, 0), second = captured('C', CLIENT_HELLO, 1);
	struct bytes verify = captured('S', HELLO_VERIFY_REQUEST, 0);
	struct rd r = rd_of(span_of_bytes(&first)), r2 = rd_of(span_of_bytes(&second));
	struct rd rv = rd_of(span_of_bytes(&verify));
	struct client_hello v, v2;
	struct hello_verify_request hvr;
	struct extensions e;
	(void)state;
	assert_true(get_client_hello(&r, &v) && get_client_hello(&r2, &v2) && get_hello_verify_request(&rv, &hvr));
	assert_int_equal(v.version, 0xfefd);
	check_span(v.random, "e58438409df70d1ae8bbdd99c00583b5f63c0ff5b1686896d232483a9dc0dd06");
	assert_int_equal(v.session_id.n, 0);
	assert_int_equal(v.cookie.n, 0);
	check_span(v.suites, "c02bcca900ff");
	check_span(v.compression, "00");
	assert_int_equal(hvr.version, 0xfeff);
	assert_true(hvr.cookie.n == 20 && span_equal(v2.cookie, hvr.cookie));
	assert_true(span_equal(v.random, v2.random) && span_equal(v.suites, v2.suites));
	assert_true(get_extensions(v.extensions, IN_CLIENT_HELLO, &e));
	assert_int_equal(e.present, HAS_SERVER_NAME | HAS_EC_POINT_FORMATS | HAS_SUPPORTED_GROUPS | HAS_SESSION_TICKET |
					    HAS_ALPN | HAS_EXTENDED_MASTER_SECRET | HAS_SIGNATURE_ALGORITHMS);
	assert_true(e.unknown); /* encrypt_then_mac */
	assert_true(span_equal(e.server_name, span_of("tern.example", 12)));
	check_span(e.ec_point_formats, "000102");
	check_span(e.supported_groups, "001d0017001e00190018");
	assert_int_equal(e.session_ticket.n, 0);
	assert_true(span_equal(e.alpn, span_of("\x04"
					       "coap"
					       "\x06"
					       "webrtc",
					       12)));
	assert_true(list16_has(e.signature_algorithms, 0x0403));
	check_message("ClientHello", recode_client, span_of_bytes(&first), 2 + 32 + 1 + 1 + 8 + 2);
	check_message("HelloVerifyRequest", recode_verify, span_of_bytes(&verify), NO_PREFIX);
}

static void captured_server_hello(void **state)
{
	struct bytes b = captured('S', SERVER_HELLO, 0);
	struct rd r = rd_of(span_of_bytes(&b));
	struct server_hello v;
	struct extensions e;
	(void)state;
	assert_true(get_server_hello(&r, &v));
	assert_int_equal(v.version, 0xfefd);
	check_span(v.random, "f3a2079df691026b4148833d67fcabc1a178d3e9a2efe80a8d2800c737db4583");
	assert_int_equal(v.session_id.n, 0);
	assert_int_equal(v.suite, 0xc02b);
	assert_int_equal(v.compression, 0);
	assert_true(get_extensions(v.extensions, IN_SERVER_HELLO12, &e));
	assert_int_equal(e.present, HAS_RENEGOTIATION_INFO | HAS_EC_POINT_FORMATS | HAS_SESSION_TICKET | HAS_ALPN |
					    HAS_EXTENDED_MASTER_SECRET);
	assert_false(e.unknown);
	assert_int_equal(e.renegotiation_info.n, 0);
	check_span(e.ec_point_formats, "000102");
	assert_true(span_equal(e.alpn, span_of("\x04"
					       "coap",
					       5)));
	check_message("ServerHello", recode_server, span_of_bytes(&b), 38);
}

/* The digest that RFC 8446 4.1.3 names, and randoms that differ from it in a bit. */
static void hello_retry(void **state)
{
	uint8_t random[RANDOM_LEN];
	struct server_hello v = {.random = span_of(hello_retry_random, RANDOM_LEN)};
	(void)state;
	check_span(v.random, "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c");
	assert_true(is_hello_retry_request(&v));
	v.random.p = random;
	memcpy(random, hello_retry_random, sizeof random);
	assert_true(is_hello_retry_request(&v));
	for (size_t i = 0; i < 8 * sizeof random; i++) {
		random[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(is_hello_retry_request(&v));
		random[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_fields),
		cmocka_unit_test(client_round_trips),
		cmocka_unit_test(client_refused),
		cmocka_unit_test(empty_extensions),
		cmocka_unit_test(server_hello_codec),
		cmocka_unit_test(hello_verify_request_codec),
		cmocka_unit_test(too_long),
		cmocka_unit_test(lists),
		cmocka_unit_test(captured_client_hello),
		cmocka_unit_test(captured_server_hello),
		cmocka_unit_test(hello_retry),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
