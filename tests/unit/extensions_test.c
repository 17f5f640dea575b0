/* src/wire/extensions.c */
#include "wire/extensions.h"

#include "wire_check.h"

/* The getters take a block, not a cursor; a cursor's rest is one. */
static bool recode(struct rd *r, struct wr *w, bool server)
{
	struct extensions v, before;
	memset(&v, 0xa5, sizeof v);
	memset(&before, 0xa5, sizeof before);
	if (!(server ? get_server_extensions(rd_rest(r), &v) : get_client_extensions(rd_rest(r), &v))) {
		assert_memory_equal(&v, &before, sizeof v);
		return false;
	}
	r->p = r->end;
	if (server)
		put_server_extensions(w, &v);
	else
		put_client_extensions(w, &v);
	return true;
}

static bool client(struct rd *r, struct wr *w)
{
	return recode(r, w, false);
}

static bool server(struct rd *r, struct wr *w)
{
	return recode(r, w, true);
}

#define RENEGOTIATION_INFO "ff01 0001 00"
#define EXTENDED_MASTER_SECRET "0017 0000"

/* One extension each; all but nothing at all of it is malformed. */
static const struct {
	const char *name;
	recode_fn *recode;
	const char *hex;
} single[] = {
	{"server_name", client, "0000 0006 0004 00 0001 61"},
	{"server_name, answered", server, "0000 0000"},
	{"max_fragment_length", client, "0001 0001 04"},
	{"max_fragment_length, unassigned", client, "0001 0001 ff"},
	{"max_fragment_length, answered", server, "0001 0001 01"},
	{"supported_groups", client, "000a 0006 0004 001d 0017"},
	{"supported_groups, answered", server, "000a 0004 0002 0017"},
	{"ec_point_formats", client, "000b 0003 02 0001"},
	{"ec_point_formats, answered", server, "000b 0002 01 00"},
	{"signature_algorithms", client, "000d 0006 0004 0403 0804"},
	{"alpn", client, "0010 0007 0005 01 61 02 6263"},
	{"alpn, answered", server, "0010 0004 0002 01 61"},
	{"client_certificate_type", client, "0013 0003 02 0200"},
	{"client_certificate_type, answered", server, "0013 0001 02"},
	{"server_certificate_type", client, "0014 0003 02 0200"},
	{"server_certificate_type, answered", server, "0014 0001 00"},
	{"extended_master_secret", client, EXTENDED_MASTER_SECRET},
	{"extended_master_secret, answered", server, EXTENDED_MASTER_SECRET},
	{"record_size_limit", client, "001c 0002 0040"},
	{"record_size_limit, answered", server, "001c 0002 ffff"},
	{"session_ticket, empty", client, "0023 0000"},
	{"session_ticket", client, "0023 0003 010203"},
	{"session_ticket, answered", server, "0023 0000"},
	{"supported_versions", client, "002b 0005 04 fefc fefd"},
	{"supported_versions, answered", server, "002b 0002 fefc"},
	{"renegotiation_info", client, RENEGOTIATION_INFO},
	{"renegotiation_info, not empty", server, "ff01 0003 02 0102"},
};

static void each_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof single / sizeof single[0]; i++)
		check_message_hex(single[i].name, single[i].recode, single[i].hex, 0);
}

/* A body one byte shorter or longer than it says itself, with the extension's own length right. */
static void bodies_of_other_lengths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof single / sizeof single[0]; i++) {
		struct bytes b = unhex(single[i].hex);
		const size_t n = b.n;
		if (b.p[1] == EXT_SESSION_TICKET && single[i].recode == client)
			continue; /* the body is opaque */
		b.p[n] = 0;
		b.n = n + 1;
		b.p[3] = (uint8_t)(b.n - 4);
		if (accepted(single[i].recode, span_of_bytes(&b)))
			fail_msg("%s: a longer body is accepted", single[i].name);
		for (b.n = 4; b.n < n; b.n++) {
			b.p[3] = (uint8_t)(b.n - 4);
			if (accepted(single[i].recode, span_of_bytes(&b)))
				fail_msg("%s: a body of %zu bytes is accepted", single[i].name, b.n - 4);
		}
	}
}

/* In the order they are written in. */
#define CLIENT_ALL                                                                                                     \
	"ff01 0001 00"                                                                                                 \
	"002b 0003 02 fefd"                                                                                            \
	"0000 0007 0005 00 0002 6162"                                                                                  \
	"0001 0001 03"                                                                                                 \
	"000a 0004 0002 0017"                                                                                          \
	"000b 0002 01 00"                                                                                              \
	"000d 0004 0002 0403"                                                                                          \
	"0010 0007 0005 01 61 02 6263"                                                                                 \
	"0013 0003 02 0200"                                                                                            \
	"0014 0002 01 02"                                                                                              \
	"0017 0000"                                                                                                    \
	"001c 0002 4001"                                                                                               \
	"0023 0001 74"

#define SERVER_ALL                                                                                                     \
	"ff01 0001 00"                                                                                                 \
	"002b 0002 fefd"                                                                                               \
	"0000 0000"                                                                                                    \
	"0001 0001 03"                                                                                                 \
	"000a 0004 0002 0017"                                                                                          \
	"000b 0002 01 00"                                                                                              \
	"000d 0004 0002 0403"                                                                                          \
	"0010 0004 0002 01 61"                                                                                         \
	"0013 0001 02"                                                                                                 \
	"0014 0001 02"                                                                                                 \
	"0017 0000"                                                                                                    \
	"001c 0002 4001"                                                                                               \
	"0023 0000"

static const uint32_t has_all = (1 << 13) - 1;

static void check_rewritten(recode_fn *codec, struct span in)
{
	uint8_t out[512];
	struct wr w = wr_of(out, sizeof out);
	size_t left;
	assert_true(recode_copy(codec, in, &w, &left));
	assert_true(wr_ok(&w) && span_equal(wr_span(&w), in));
}

static void all_of_a_client(void **state)
{
	struct bytes b = unhex(CLIENT_ALL);
	struct extensions v;
	(void)state;
	assert_true(get_client_extensions(span_of_bytes(&b), &v));
	assert_int_equal(v.present, has_all);
	assert_false(v.unknown);
	check_span(v.server_name, "6162");
	assert_int_equal(v.max_fragment_length, 3);
	check_span(v.supported_groups, "0017");
	check_span(v.ec_point_formats, "00");
	check_span(v.signature_algorithms, "0403");
	check_span(v.alpn, "01 61 02 6263");
	check_span(v.client_certificate_types, "0200");
	check_span(v.server_certificate_types, "02");
	assert_int_equal(v.record_size_limit, 0x4001);
	check_span(v.session_ticket, "74");
	check_span(v.supported_versions, "fefd");
	assert_int_equal(v.renegotiation_info.n, 0);
	check_rewritten(client, span_of_bytes(&b));
}

static void all_of_a_server(void **state)
{
	struct bytes b = unhex(SERVER_ALL);
	struct extensions v;
	(void)state;
	assert_true(get_server_extensions(span_of_bytes(&b), &v));
	assert_int_equal(v.present, has_all);
	assert_int_equal(v.server_name.n, 0);
	check_span(v.alpn, "01 61");
	check_span(v.client_certificate_types, "02");
	check_span(v.server_certificate_types, "02");
	assert_int_equal(v.session_ticket.n, 0);
	check_span(v.supported_versions, "fefd");
	check_rewritten(server, span_of_bytes(&b));
}

/* Each bit stands for one extension and is told from the others. */
static void each_bit(void **state)
{
	static const struct {
		uint16_t type;
		uint32_t bit;
	} cases[] = {
		{EXT_SERVER_NAME, HAS_SERVER_NAME},
		{EXT_MAX_FRAGMENT_LENGTH, HAS_MAX_FRAGMENT_LENGTH},
		{EXT_SUPPORTED_GROUPS, HAS_SUPPORTED_GROUPS},
		{EXT_EC_POINT_FORMATS, HAS_EC_POINT_FORMATS},
		{EXT_SIGNATURE_ALGORITHMS, HAS_SIGNATURE_ALGORITHMS},
		{EXT_ALPN, HAS_ALPN},
		{EXT_CLIENT_CERTIFICATE_TYPE, HAS_CLIENT_CERTIFICATE_TYPE},
		{EXT_SERVER_CERTIFICATE_TYPE, HAS_SERVER_CERTIFICATE_TYPE},
		{EXT_EXTENDED_MASTER_SECRET, HAS_EXTENDED_MASTER_SECRET},
		{EXT_RECORD_SIZE_LIMIT, HAS_RECORD_SIZE_LIMIT},
		{EXT_SESSION_TICKET, HAS_SESSION_TICKET},
		{EXT_SUPPORTED_VERSIONS, HAS_SUPPORTED_VERSIONS},
		{EXT_RENEGOTIATION_INFO, HAS_RENEGOTIATION_INFO},
	};
	struct bytes b = unhex(CLIENT_ALL);
	struct extensions all, one;
	(void)state;
	assert_true(get_client_extensions(span_of_bytes(&b), &all));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t out[64];
		struct wr w = wr_of(out, sizeof out);
		all.present = cases[i].bit;
		put_client_extensions(&w, &all);
		assert_true(wr_ok(&w) && w.n >= 4);
		assert_int_equal(out[0] << 8 | out[1], cases[i].type);
		assert_true(get_client_extensions(wr_span(&w), &one));
		assert_int_equal(one.present, cases[i].bit);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *name;
		recode_fn *recode;
		const char *hex;
	} cases[] = {
		{"repeated", client, EXTENDED_MASTER_SECRET EXTENDED_MASTER_SECRET},
		{"repeated in an answer", server, EXTENDED_MASTER_SECRET EXTENDED_MASTER_SECRET},
		{"repeated later", client, EXTENDED_MASTER_SECRET RENEGOTIATION_INFO EXTENDED_MASTER_SECRET},
		{"repeated, unknown", client, "fafa 0000 fafa 0001 00"},
		{"repeated later, unknown", client, "fafa 0000" RENEGOTIATION_INFO "fafa 0000"},
		{"type alone", client, "0017"},
		{"body longer than the block", client, "fafa 0002 00"},
		{"server_name: empty list", client, "0000 0002 0000"},
		{"server_name: empty name", client, "0000 0005 0003 00 0000"},
		{"server_name: another type", client, "0000 0006 0004 01 0001 61"},
		{"server_name: two names", client, "0000 000a 0008 00 0001 61 00 0001 62"},
		{"server_name: a name in an answer", server, "0000 0006 0004 00 0001 61"},
		{"supported_groups: empty list", client, "000a 0002 0000"},
		{"supported_groups: half a group", client, "000a 0005 0003 001700"},
		{"ec_point_formats: empty list", client, "000b 0001 00"},
		{"signature_algorithms: empty list", client, "000d 0002 0000"},
		{"signature_algorithms: half a scheme", client, "000d 0003 0001 04"},
		{"alpn: empty list", client, "0010 0002 0000"},
		{"alpn: empty name", client, "0010 0003 0001 00"},
		{"alpn: empty second name", client, "0010 0005 0003 01 61 00"},
		{"alpn: name passes the list", client, "0010 0004 0002 02 61"},
		{"alpn: two answers", server, "0010 0006 0004 01 61 01 62"},
		{"alpn: no answer", server, "0010 0002 0000"},
		{"alpn: empty answer", server, "0010 0003 0001 00"},
		{"client_certificate_type: empty list", client, "0013 0001 00"},
		{"client_certificate_type: two answers", server, "0013 0002 0002"},
		{"server_certificate_type: empty list", client, "0014 0001 00"},
		{"extended_master_secret: not empty", client, "0017 0001 00"},
		{"session_ticket: a ticket in an answer", server, "0023 0001 00"},
		{"supported_versions: empty list", client, "002b 0001 00"},
		{"supported_versions: half a version", client, "002b 0004 03 fefdfe"},
		{"supported_versions: a list in an answer", server, "002b 0003 02 fefd"},
		{"renegotiation_info: no vector", client, "ff01 0000"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check_refused(cases[i].name, cases[i].recode, cases[i].hex);
}

static void unknown_are_skipped(void **state)
{
	struct bytes b = unhex("fafa 0000 0016 0002 0102" EXTENDED_MASTER_SECRET "0a0a 0001 00");
	uint8_t out[16];
	struct wr w = wr_of(out, sizeof out);
	struct extensions v;
	(void)state;
	assert_true(get_client_extensions(span_of_bytes(&b), &v));
	assert_true(v.unknown);
	assert_int_equal(v.present, HAS_EXTENDED_MASTER_SECRET);
	put_client_extensions(&w, &v);
	check_span(wr_span(&w), EXTENDED_MASTER_SECRET);
}

static void none(void **state)
{
	struct extensions v;
	uint8_t out[4];
	struct wr w = wr_of(out, sizeof out);
	(void)state;
	memset(&v, 0xa5, sizeof v);
	assert_true(get_client_extensions(span_of(NULL, 0), &v));
	assert_true(v.present == 0 && !v.unknown);
	memset(&v, 0xa5, sizeof v);
	assert_true(get_server_extensions(span_of(NULL, 0), &v));
	assert_true(v.present == 0 && !v.unknown);
	put_client_extensions(&w, &v);
	assert_true(wr_ok(&w) && w.n == 0);
}

static void at_most_64(void **state)
{
	uint8_t block[4 * (WIRE_EXTENSIONS_MAX + 1)];
	struct wr w = wr_of(block, sizeof block);
	struct extensions v;
	(void)state;
	for (uint16_t i = 0; i <= WIRE_EXTENSIONS_MAX; i++) {
		wr_u16(&w, (uint16_t)(0x7f00 + i));
		wr_u16(&w, 0);
	}
	assert_true(wr_ok(&w));
	assert_true(get_client_extensions(span_of(block, sizeof block - 4), &v));
	assert_false(get_client_extensions(span_of(block, sizeof block), &v));
}

static void too_long(void **state)
{
	static const uint8_t zero[65536];
	static uint8_t out[70000];
	const struct extensions cases[] = {
		{.present = HAS_SERVER_NAME, .server_name = span_of(zero, 65531)},
		{.present = HAS_SUPPORTED_GROUPS, .supported_groups = span_of(zero, 65534)},
		{.present = HAS_EC_POINT_FORMATS, .ec_point_formats = span_of(zero, 256)},
		{.present = HAS_SESSION_TICKET, .session_ticket = span_of(zero, 65536)},
		{.present = HAS_SUPPORTED_VERSIONS, .supported_versions = span_of(zero, 256)},
		{.present = HAS_RENEGOTIATION_INFO, .renegotiation_info = span_of(zero, 256)},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct wr w = wr_of(out, sizeof out);
		put_client_extensions(&w, &cases[i]);
		if (wr_ok(&w))
			fail_msg("case %zu: written", i);
	}
}

static void alpn_names(void **state)
{
	struct bytes b = unhex("01 61 02 6263 00"), cut = unhex("02 61");
	struct rd r = rd_of(span_of_bytes(&b));
	struct span name, before;
	(void)state;
	assert_true(get_alpn_name(&r, &name));
	check_span(name, "61");
	assert_true(get_alpn_name(&r, &name));
	check_span(name, "6263");
	before = name;
	assert_false(get_alpn_name(&r, &name));
	assert_true(name.p == before.p && name.n == before.n && rd_left(&r) == 1);
	r = rd_of(span_of_bytes(&cut));
	assert_false(get_alpn_name(&r, &name));
	r = rd_of(span_of(NULL, 0));
	assert_false(get_alpn_name(&r, &name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_alone),
		cmocka_unit_test(bodies_of_other_lengths),
		cmocka_unit_test(all_of_a_client),
		cmocka_unit_test(all_of_a_server),
		cmocka_unit_test(each_bit),
		cmocka_unit_test(refused),
		cmocka_unit_test(unknown_are_skipped),
		cmocka_unit_test(none),
		cmocka_unit_test(at_most_64),
		cmocka_unit_test(too_long),
		cmocka_unit_test(alpn_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
