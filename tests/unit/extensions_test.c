/* src/wire/extensions.c */
#include "wire/extensions.h"

#include "wire_check.h"

/* The getters take a block, not a cursor; a cursor's rest is one. */
static bool recode(struct rd *r, struct wr *w, enum extension_place place)
{
	struct extensions v, before;
	memset(&v, 0xa5, sizeof v);
	memset(&before, 0xa5, sizeof before);
	if (!get_extensions(rd_rest(r), place, &v)) {
		assert_memory_equal(&v, &before, sizeof v);
		return false;
	}
	r->p = r->end;
	put_extensions(w, place, &v);
	return true;
}

#define PLACE(name, place)                                                                                             \
	static bool name(struct rd *r, struct wr *w)                                                                   \
	{                                                                                                              \
		return recode(r, w, place);                                                                            \
	}

PLACE(client, IN_CLIENT_HELLO)
PLACE(server12, IN_SERVER_HELLO12)
PLACE(server13, IN_SERVER_HELLO13)
PLACE(retry, IN_HELLO_RETRY_REQUEST)
PLACE(encrypted, IN_ENCRYPTED_EXTENSIONS)
PLACE(request, IN_CERTIFICATE_REQUEST13)
PLACE(entry, IN_CERTIFICATE13)
PLACE(ticket, IN_NEW_SESSION_TICKET13)

static recode_fn *const places[NUM_PLACES] = {
	[IN_CLIENT_HELLO] = client,	  [IN_SERVER_HELLO12] = server12,	 [IN_SERVER_HELLO13] = server13,
	[IN_HELLO_RETRY_REQUEST] = retry, [IN_ENCRYPTED_EXTENSIONS] = encrypted, [IN_CERTIFICATE_REQUEST13] = request,
	[IN_CERTIFICATE13] = entry,	  [IN_NEW_SESSION_TICKET13] = ticket,
};

#define RENEGOTIATION_INFO "ff01 0001 00"
#define EXTENDED_MASTER_SECRET "0017 0000"
#define BYTES32 "00010203040506070809 0a0b0c0d0e0f 10111213141516171819 1a1b1c1d1e1f"
#define PRE_SHARED_KEY "0029 002c 0007 0001 61 01020304 0021 20" BYTES32

/* One extension each; all but nothing at all of it is malformed. */
static const struct {
	const char *name;
	recode_fn *recode;
	const char *hex;
} single[] = {
	{"server_name", client, "0000 0006 0004 00 0001 61"},
	{"server_name, answered", server12, "0000 0000"},
	{"max_fragment_length", client, "0001 0001 04"},
	{"max_fragment_length, unassigned", client, "0001 0001 ff"},
	{"max_fragment_length, answered", server12, "0001 0001 01"},
	{"supported_groups", client, "000a 0006 0004 001d 0017"},
	{"supported_groups, answered", server12, "000a 0004 0002 0017"},
	{"ec_point_formats", client, "000b 0003 02 0001"},
	{"ec_point_formats, answered", server12, "000b 0002 01 00"},
	{"supported_groups, encrypted", encrypted, "000a 0004 0002 001d"},
	{"signature_algorithms", client, "000d 0006 0004 0403 0804"},
	{"use_srtp", client, "000e 000a 0004 0007 0001 03 616263"},
	{"use_srtp, no MKI", client, "000e 0005 0002 0007 00"},
	{"use_srtp, answered", server12, "000e 0005 0002 0007 00"},
	{"use_srtp, encrypted", encrypted, "000e 0006 0002 0007 01 61"},
	{"alpn", client, "0010 0007 0005 01 61 02 6263"},
	{"alpn, answered", server12, "0010 0004 0002 01 61"},
	{"client_certificate_type", client, "0013 0003 02 0200"},
	{"client_certificate_type, answered", server12, "0013 0001 02"},
	{"server_certificate_type", client, "0014 0003 02 0200"},
	{"server_certificate_type, answered", server12, "0014 0001 00"},
	{"extended_master_secret", client, EXTENDED_MASTER_SECRET},
	{"extended_master_secret, answered", server12, EXTENDED_MASTER_SECRET},
	{"record_size_limit", client, "001c 0002 0040"},
	{"record_size_limit, answered", server12, "001c 0002 ffff"},
	{"session_ticket, empty", client, "0023 0000"},
	{"session_ticket", client, "0023 0003 010203"},
	{"session_ticket, answered", server12, "0023 0000"},
	{"supported_versions", client, "002b 0005 04 fefc fefd"},
	{"supported_versions, answered", server12, "002b 0002 fefc"},
	{"supported_versions, DTLS 1.3", server13, "002b 0002 fefc"},
	{"supported_versions, retry", retry, "002b 0002 fefc"},
	{"server_name, encrypted", encrypted, "0000 0000"},
	{"max_fragment_length, encrypted", encrypted, "0001 0001 01"},
	{"signature_algorithms, request", request, "000d 0004 0002 0807"},
	{"alpn, encrypted", encrypted, "0010 0004 0002 01 61"},
	{"client_certificate_type, encrypted", encrypted, "0013 0001 02"},
	{"server_certificate_type, encrypted", encrypted, "0014 0001 02"},
	{"record_size_limit, encrypted", encrypted, "001c 0002 4001"},
	{"cookie", client, "002c 0004 0002 0102"},
	{"cookie, asked for", retry, "002c 0003 0001 01"},
	{"key_share", client, "0033 000e 000c 001d 0002 0102 11ec 0002 0304"},
	{"key_share, none", client, "0033 0002 0000"},
	{"key_share, answered", server13, "0033 0006 001d 0002 0102"},
	{"key_share, retry", retry, "0033 0002 0017"},
	{"early_data", client, "002a 0000"},
	{"early_data, accepted", encrypted, "002a 0000"},
	{"early_data, ticket", ticket, "002a 0004 00000400"},
	{"psk_key_exchange_modes", client, "002d 0003 02 0100"},
	{"compress_certificate", client, "001b 0003 02 0001"},
	{"compress_certificate, request", request, "001b 0007 06 0002 0003 0001"},
	{"certificate_authorities", client, "002f 0007 0005 0003 616263"},
	{"certificate_authorities, request", request, "002f 000a 0008 0001 61 0003 616263"},
	{"post_handshake_auth", client, "0031 0000"},
	{"signature_algorithms_cert", client, "0032 0004 0002 0403"},
	{"signature_algorithms_cert, request", request, "0032 0004 0002 0403"},
	{"pre_shared_key", client, PRE_SHARED_KEY},
	{"pre_shared_key, two", client,
	 "0029 0056 000f 0001 61 00000001 0002 6263 00000002 0043 21 " BYTES32 "ff 20" BYTES32},
	{"pre_shared_key, answered", server13, "0029 0002 0001"},
	/* RFC 9146 3 */
	{"connection_id", client, "0036 0004 03 010203"},
	{"connection_id, empty", client, "0036 0001 00"},
	{"connection_id, answered", server12, "0036 0002 01 ff"},
	{"connection_id, DTLS 1.3", server13, "0036 0002 01 ff"},
	{"renegotiation_info", client, RENEGOTIATION_INFO},
	{"renegotiation_info, not empty", server12, "ff01 0003 02 0102"},
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
	"002c 0003 0001 63"                                                                                            \
	"000a 0004 0002 0017"                                                                                          \
	"0033 0008 0006 001d 0002 0102"                                                                                \
	"0000 0007 0005 00 0002 6162"                                                                                  \
	"0001 0001 03"                                                                                                 \
	"000b 0002 01 00"                                                                                              \
	"000d 0004 0002 0403"                                                                                          \
	"000e 0008 0004 0007 0001 01 6d"                                                                               \
	"0010 0007 0005 01 61 02 6263"                                                                                 \
	"0013 0003 02 0200"                                                                                            \
	"0014 0002 01 02"                                                                                              \
	"0017 0000"                                                                                                    \
	"001b 0003 02 0002"                                                                                            \
	"001c 0002 4001"                                                                                               \
	"0023 0001 74"                                                                                                 \
	"002a 0000"                                                                                                    \
	"002d 0002 01 01"                                                                                              \
	"002f 0005 0003 0001 61"                                                                                       \
	"0031 0000"                                                                                                    \
	"0032 0004 0002 0807" PRE_SHARED_KEY

#define SERVER_ALL                                                                                                     \
	"ff01 0001 00"                                                                                                 \
	"002b 0002 fefd"                                                                                               \
	"000a 0004 0002 0017"                                                                                          \
	"0000 0000"                                                                                                    \
	"0001 0001 03"                                                                                                 \
	"000b 0002 01 00"                                                                                              \
	"000e 0005 0002 0007 00"                                                                                       \
	"0010 0004 0002 01 61"                                                                                         \
	"0013 0001 02"                                                                                                 \
	"0014 0001 02"                                                                                                 \
	"0017 0000"                                                                                                    \
	"001c 0002 4001"                                                                                               \
	"0023 0000"

#define ENCRYPTED_ALL                                                                                                  \
	"000a 0004 0002 0017 0000 0000 0001 0001 03 000e 0005 0002 0007 00 0010 0004 0002 01 61 0013 0001 02"          \
	"0014 0001 02 001c 0002 4001 002a 0000"

static const uint32_t has_all = (1 << 23) - 1;
static const uint32_t has_all12 = ((1 << 13) - 1 - HAS_SIGNATURE_ALGORITHMS) | HAS_USE_SRTP;

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
	assert_true(get_extensions(span_of_bytes(&b), IN_CLIENT_HELLO, &v));
	assert_int_equal(v.present, has_all);
	assert_false(v.unknown || v.misplaced);
	check_span(v.server_name, "6162");
	assert_int_equal(v.max_fragment_length, 3);
	check_span(v.supported_groups, "0017");
	check_span(v.ec_point_formats, "00");
	check_span(v.signature_algorithms, "0403");
	check_span(v.srtp_profiles, "0007 0001");
	check_span(v.srtp_mki, "6d");
	check_span(v.alpn, "01 61 02 6263");
	check_span(v.client_certificate_types, "0200");
	check_span(v.server_certificate_types, "02");
	assert_int_equal(v.record_size_limit, 0x4001);
	check_span(v.session_ticket, "74");
	check_span(v.supported_versions, "fefd");
	assert_int_equal(v.renegotiation_info.n, 0);
	check_span(v.key_shares, "001d 0002 0102");
	check_span(v.psk_identities, "0001 61 01020304");
	check_span(v.psk_binders, "20" BYTES32);
	assert_int_equal(v.psk_binders_wire, 35);
	assert_true(v.psk_is_last);
	check_span(v.psk_modes, "01");
	check_span(v.cookie, "63");
	check_span(v.signature_algorithms_cert, "0807");
	check_span(v.certificate_authorities, "0001 61");
	check_span(v.certificate_compressions, "0002");
	check_rewritten(client, span_of_bytes(&b));
}

static void all_of_a_server(void **state)
{
	struct bytes b = unhex(SERVER_ALL);
	struct extensions v;
	(void)state;
	assert_true(get_extensions(span_of_bytes(&b), IN_SERVER_HELLO12, &v));
	assert_int_equal(v.present, has_all12);
	assert_int_equal(v.server_name.n, 0);
	check_span(v.alpn, "01 61");
	check_span(v.client_certificate_types, "02");
	check_span(v.server_certificate_types, "02");
	assert_int_equal(v.session_ticket.n, 0);
	check_span(v.supported_versions, "fefd");
	check_rewritten(server12, span_of_bytes(&b));
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
		{EXT_USE_SRTP, HAS_USE_SRTP},
		{EXT_CLIENT_CERTIFICATE_TYPE, HAS_CLIENT_CERTIFICATE_TYPE},
		{EXT_SERVER_CERTIFICATE_TYPE, HAS_SERVER_CERTIFICATE_TYPE},
		{EXT_EXTENDED_MASTER_SECRET, HAS_EXTENDED_MASTER_SECRET},
		{EXT_RECORD_SIZE_LIMIT, HAS_RECORD_SIZE_LIMIT},
		{EXT_SESSION_TICKET, HAS_SESSION_TICKET},
		{EXT_SUPPORTED_VERSIONS, HAS_SUPPORTED_VERSIONS},
		{EXT_RENEGOTIATION_INFO, HAS_RENEGOTIATION_INFO},
		{EXT_KEY_SHARE, HAS_KEY_SHARE},
		{EXT_PRE_SHARED_KEY, HAS_PRE_SHARED_KEY},
		{EXT_PSK_KEY_EXCHANGE_MODES, HAS_PSK_KEY_EXCHANGE_MODES},
		{EXT_COOKIE, HAS_COOKIE},
		{EXT_EARLY_DATA, HAS_EARLY_DATA},
		{EXT_POST_HANDSHAKE_AUTH, HAS_POST_HANDSHAKE_AUTH},
		{EXT_SIGNATURE_ALGORITHMS_CERT, HAS_SIGNATURE_ALGORITHMS_CERT},
		{EXT_CERTIFICATE_AUTHORITIES, HAS_CERTIFICATE_AUTHORITIES},
		{EXT_COMPRESS_CERTIFICATE, HAS_COMPRESS_CERTIFICATE},
	};
	struct bytes b = unhex(CLIENT_ALL);
	struct extensions all, one;
	(void)state;
	assert_true(get_extensions(span_of_bytes(&b), IN_CLIENT_HELLO, &all));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t out[64];
		struct wr w = wr_of(out, sizeof out);
		all.present = cases[i].bit;
		put_extensions(&w, IN_CLIENT_HELLO, &all);
		assert_true(wr_ok(&w) && w.n >= 4);
		assert_int_equal(out[0] << 8 | out[1], cases[i].type);
		assert_true(get_extensions(wr_span(&w), IN_CLIENT_HELLO, &one));
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
		{"repeated in an answer", server12, EXTENDED_MASTER_SECRET EXTENDED_MASTER_SECRET},
		{"repeated later", client, EXTENDED_MASTER_SECRET RENEGOTIATION_INFO EXTENDED_MASTER_SECRET},
		{"repeated, unknown", client, "fafa 0000 fafa 0001 00"},
		{"repeated later, unknown", client, "fafa 0000" RENEGOTIATION_INFO "fafa 0000"},
		{"type alone", client, "0017"},
		{"body longer than the block", client, "fafa 0002 00"},
		{"server_name: empty list", client, "0000 0002 0000"},
		{"server_name: empty name", client, "0000 0005 0003 00 0000"},
		{"server_name: another type", client, "0000 0006 0004 01 0001 61"},
		{"server_name: two names", client, "0000 000a 0008 00 0001 61 00 0001 62"},
		{"server_name: a name in an answer", server12, "0000 0006 0004 00 0001 61"},
		{"supported_groups: empty list", client, "000a 0002 0000"},
		{"supported_groups: half a group", client, "000a 0005 0003 001700"},
		{"ec_point_formats: empty list", client, "000b 0001 00"},
		{"signature_algorithms: empty list", client, "000d 0002 0000"},
		{"signature_algorithms: half a scheme", client, "000d 0003 0001 04"},
		{"use_srtp: empty list", client, "000e 0003 0000 00"},
		{"use_srtp: half a profile", client, "000e 0004 0001 00 00"},
		{"use_srtp: two answers", server12, "000e 0007 0004 0007 0001 00"},
		{"use_srtp: two encrypted answers", encrypted, "000e 0007 0004 0007 0001 00"},
		{"alpn: empty list", client, "0010 0002 0000"},
		{"alpn: empty name", client, "0010 0003 0001 00"},
		{"alpn: empty second name", client, "0010 0005 0003 01 61 00"},
		{"alpn: name passes the list", client, "0010 0004 0002 02 61"},
		{"alpn: two answers", server12, "0010 0006 0004 01 61 01 62"},
		{"alpn: no answer", server12, "0010 0002 0000"},
		{"alpn: empty answer", server12, "0010 0003 0001 00"},
		{"client_certificate_type: empty list", client, "0013 0001 00"},
		{"client_certificate_type: two answers", server12, "0013 0002 0002"},
		{"server_certificate_type: empty list", client, "0014 0001 00"},
		{"extended_master_secret: not empty", client, "0017 0001 00"},
		{"session_ticket: a ticket in an answer", server12, "0023 0001 00"},
		{"supported_versions: empty list", client, "002b 0001 00"},
		{"supported_versions: half a version", client, "002b 0004 03 fefdfe"},
		{"supported_versions: a list in an answer", server12, "002b 0003 02 fefd"},
		{"renegotiation_info: no vector", client, "ff01 0000"},
		{"cookie: empty", client, "002c 0002 0000"},
		{"cookie: asked for, empty", retry, "002c 0002 0000"},
		{"key_share: empty share", client, "0033 0006 0004 001d 0000"},
		{"key_share: empty second share", client, "0033 000b 0009 001d 0001 01 0017 0000"},
		{"key_share: share passes the list", client, "0033 0007 0005 001d 0002 01"},
		{"key_share: list without its length", client, "0033 0005 001d 0001 01"},
		{"key_share: empty answer", server13, "0033 0004 001d 0000"},
		{"key_share: a list in an answer", server13, "0033 0007 0005 001d 0001 01"},
		{"key_share: a group alone in an answer", server13, "0033 0002 001d"},
		{"key_share: a share in a retry", retry, "0033 0005 001d 0001 01"},
		{"early_data: not empty", client, "002a 0004 00000400"},
		{"early_data: not empty, accepted", encrypted, "002a 0004 00000400"},
		{"early_data: empty in a ticket", ticket, "002a 0000"},
		{"psk_key_exchange_modes: empty list", client, "002d 0001 00"},
		{"compress_certificate: empty list", client, "001b 0001 00"},
		{"compress_certificate: half an algorithm", request, "001b 0002 01 00"},
		{"compress_certificate: one and a half", client, "001b 0004 03 0001 00"},
		{"certificate_authorities: empty list", client, "002f 0002 0000"},
		{"certificate_authorities: empty name", request, "002f 0004 0002 0000"},
		{"certificate_authorities: empty second name", request, "002f 0007 0005 0001 61 0000"},
		{"certificate_authorities: name passes the list", request, "002f 0005 0003 0002 61"},
		{"post_handshake_auth: not empty", client, "0031 0001 00"},
		{"signature_algorithms_cert: empty list", client, "0032 0002 0000"},
		{"signature_algorithms_cert: half a scheme", request, "0032 0003 0001 04"},
		{"signature_algorithms: empty request", request, "000d 0002 0000"},
		{"alpn: two encrypted answers", encrypted, "0010 0006 0004 01 61 01 62"},
		{"server_name: a name, encrypted", encrypted, "0000 0006 0004 00 0001 61"},
		{"supported_versions: a list in a retry", retry, "002b 0003 02 fefc"},
		{"pre_shared_key: no identity", client, "0029 0004 0000 0000"},
		{"pre_shared_key: empty identity", client, "0029 002b 0006 0000 01020304 0021 20" BYTES32},
		{"pre_shared_key: half an age", client, "0029 002a 0005 0001 61 0102 0021 20" BYTES32},
		{"pre_shared_key: no binder", client, "0029 000b 0007 0001 61 01020304 0000"},
		{"pre_shared_key: short binder", client,
		 "0029 002b 0007 0001 61 01020304 0020 1f "
		 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e"},
		{"pre_shared_key: a list in an answer", server13, PRE_SHARED_KEY},
		{"repeated, misplaced", server13, EXTENDED_MASTER_SECRET EXTENDED_MASTER_SECRET},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check_refused(cases[i].name, cases[i].recode, cases[i].hex);
}

/* That is no matter of syntax: the handshake answers with illegal_parameter. */
static void binders_as_many_as_identities(void **state)
{
	static const struct {
		const char *hex;
		bool paired;
	} cases[] = {
		{"0029 002c 0007 0001 61 01020304 0021 20" BYTES32, true},
		{"0029 004d 0007 0001 61 01020304 0042 20" BYTES32 "20" BYTES32, false},
		{"0029 0033 000e 0001 61 01020304 0001 62 01020304 0021 20" BYTES32, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bytes b = unhex(cases[i].hex);
		struct extensions v;
		assert_true(get_extensions(span_of_bytes(&b), IN_CLIENT_HELLO, &v));
		assert_int_equal(v.psks_paired, cases[i].paired);
	}
}

static void unknown_are_skipped(void **state)
{
	struct bytes b = unhex("fafa 0000 0016 0002 0102" EXTENDED_MASTER_SECRET "0a0a 0001 00");
	uint8_t out[16];
	struct wr w = wr_of(out, sizeof out);
	struct extensions v;
	(void)state;
	assert_true(get_extensions(span_of_bytes(&b), IN_CLIENT_HELLO, &v));
	assert_true(v.unknown);
	assert_int_equal(v.present, HAS_EXTENDED_MASTER_SECRET);
	put_extensions(&w, IN_CLIENT_HELLO, &v);
	check_span(wr_span(&w), EXTENDED_MASTER_SECRET);
}

static void none(void **state)
{
	(void)state;
	for (enum extension_place place = IN_CLIENT_HELLO; place < NUM_PLACES; place++) {
		struct extensions v;
		uint8_t out[4];
		struct wr w = wr_of(out, sizeof out);
		memset(&v, 0xa5, sizeof v);
		assert_true(get_extensions(span_of(NULL, 0), place, &v));
		assert_true(v.present == 0 && !v.unknown && !v.misplaced && !v.psk_is_last);
		put_extensions(&w, place, &v);
		assert_true(wr_ok(&w) && w.n == 0);
	}
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
	assert_true(get_extensions(span_of(block, sizeof block - 4), IN_CLIENT_HELLO, &v));
	assert_false(get_extensions(span_of(block, sizeof block), IN_CLIENT_HELLO, &v));
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
		{.present = HAS_COOKIE, .cookie = span_of(zero, 65534)},
		{.present = HAS_KEY_SHARE, .key_shares = span_of(zero, 65534)},
		{.present = HAS_PRE_SHARED_KEY,
		 .psk_identities = span_of(zero, 65000),
		 .psk_binders = span_of(zero, 600)},
		{.present = HAS_PSK_KEY_EXCHANGE_MODES, .psk_modes = span_of(zero, 256)},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct wr w = wr_of(out, sizeof out);
		put_extensions(&w, IN_CLIENT_HELLO, &cases[i]);
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

/* RFC 8446 4.2 for DTLS 1.3, what remains of the older RFCs for DTLS 1.2: where each extension may be. */
static void matrix(void **state)
{
	enum {
		CH = 1 << IN_CLIENT_HELLO,
		SH12 = 1 << IN_SERVER_HELLO12,
		SH = 1 << IN_SERVER_HELLO13,
		HRR = 1 << IN_HELLO_RETRY_REQUEST,
		EE = 1 << IN_ENCRYPTED_EXTENSIONS,
		CR = 1 << IN_CERTIFICATE_REQUEST13,
		NST = 1 << IN_NEW_SESSION_TICKET13
	};
	static const struct {
		enum extension_type type;
		unsigned legal;
	} cases[] = {
		{EXT_SERVER_NAME, CH | SH12 | EE},
		{EXT_MAX_FRAGMENT_LENGTH, CH | SH12 | EE},
		{EXT_SUPPORTED_GROUPS, CH | SH12 | EE},
		{EXT_EC_POINT_FORMATS, CH | SH12},
		{EXT_SIGNATURE_ALGORITHMS, CH | CR},
		{EXT_USE_SRTP, CH | SH12 | EE},
		{EXT_ALPN, CH | SH12 | EE},
		{EXT_CLIENT_CERTIFICATE_TYPE, CH | SH12 | EE},
		{EXT_SERVER_CERTIFICATE_TYPE, CH | SH12 | EE},
		{EXT_EXTENDED_MASTER_SECRET, CH | SH12},
		{EXT_RECORD_SIZE_LIMIT, CH | SH12 | EE},
		{EXT_SESSION_TICKET, CH | SH12},
		{EXT_PRE_SHARED_KEY, CH | SH},
		{EXT_EARLY_DATA, CH | EE | NST},
		{EXT_SUPPORTED_VERSIONS, CH | SH12 | SH | HRR},
		{EXT_COOKIE, CH | HRR},
		{EXT_PSK_KEY_EXCHANGE_MODES, CH},
		{EXT_CERTIFICATE_AUTHORITIES, CH | CR},
		{EXT_COMPRESS_CERTIFICATE, CH | CR},
		{EXT_POST_HANDSHAKE_AUTH, CH},
		{EXT_SIGNATURE_ALGORITHMS_CERT, CH | CR},
		{EXT_KEY_SHARE, CH | SH | HRR},
		{EXT_CONNECTION_ID, CH | SH12 | SH},
		{EXT_RENEGOTIATION_INFO, CH | SH12},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (enum extension_place place = IN_CLIENT_HELLO; place < NUM_PLACES; place++) {
			/* A body of three bytes is wrong for each of them, and not looked at where it is misplaced. */
			const uint8_t block[] = {(uint8_t)(cases[i].type >> 8), (uint8_t)cases[i].type, 0, 3, 9, 9, 9};
			bool opaque = cases[i].type == EXT_SESSION_TICKET && place == IN_CLIENT_HELLO;
			bool legal = cases[i].legal >> place & 1;
			struct extensions v;
			if (get_extensions(span_of(block, sizeof block), place, &v) != (!legal || opaque))
				fail_msg("extension %u in place %u", cases[i].type, place);
			if (!legal && (!v.misplaced || v.unknown || v.present))
				fail_msg("extension %u in place %u: not misplaced", cases[i].type, place);
		}
}

/* What the place does not allow is not written. */
static void written_by_place(void **state)
{
	static const char *const want[NUM_PLACES] = {
		[IN_CLIENT_HELLO] = CLIENT_ALL,
		[IN_SERVER_HELLO12] = SERVER_ALL,
		[IN_SERVER_HELLO13] = "002b 0002 fefc 0033 0006 001d 0002 0102 0029 0002 0000",
		[IN_HELLO_RETRY_REQUEST] = "002b 0002 fefc 002c 0003 0001 63 0033 0002 001d",
		[IN_ENCRYPTED_EXTENSIONS] = ENCRYPTED_ALL,
		[IN_CERTIFICATE_REQUEST13] =
			"000d 0004 0002 0403 001b 0003 02 0002 002f 0005 0003 0001 61 0032 0004 0002 0807",
		[IN_CERTIFICATE13] = "",
		[IN_NEW_SESSION_TICKET13] = "002a 0004 00000400",
	};
	(void)state;
	for (enum extension_place place = IN_CLIENT_HELLO; place < NUM_PLACES; place++) {
		struct bytes b = unhex(want[place]);
		struct extensions v;
		uint8_t out[512];
		struct wr w = wr_of(out, sizeof out);
		assert_true(get_extensions(span_of_bytes(&b), place, &v));
		assert_false(v.misplaced || v.unknown);
		check_rewritten(places[place], span_of_bytes(&b));
		v.present = has_all; /* the rest is empty */
		put_extensions(&w, place, &v);
		if (!span_equal(wr_span(&w), span_of_bytes(&b)))
			fail_msg("place %u: something else is written", place);
	}
}

static void server_fields(void **state)
{
	struct bytes hello = unhex("002b 0002 fefc 0033 0006 001d 0002 0102 0029 0002 0003");
	struct bytes again = unhex("002b 0002 fefc 002c 0003 0001 63 0033 0002 0017");
	struct bytes nst = unhex("002a 0004 01020304");
	struct extensions v;
	(void)state;
	assert_true(get_extensions(span_of_bytes(&hello), IN_SERVER_HELLO13, &v));
	assert_int_equal(v.present, HAS_SUPPORTED_VERSIONS | HAS_KEY_SHARE | HAS_PRE_SHARED_KEY);
	check_span(v.supported_versions, "fefc");
	assert_int_equal(v.selected_group, 0x001d);
	check_span(v.share, "0102");
	assert_int_equal(v.selected_identity, 3);
	assert_false(v.psk_is_last);
	assert_true(get_extensions(span_of_bytes(&again), IN_HELLO_RETRY_REQUEST, &v));
	assert_int_equal(v.present, HAS_SUPPORTED_VERSIONS | HAS_KEY_SHARE | HAS_COOKIE);
	assert_int_equal(v.selected_group, 0x0017);
	assert_int_equal(v.share.n, 0);
	check_span(v.cookie, "63");
	assert_true(get_extensions(span_of_bytes(&nst), IN_NEW_SESSION_TICKET13, &v));
	assert_int_equal(v.max_early_data, 0x01020304);
}

static void psk_last(void **state)
{
	static const struct {
		const char *name, *hex;
		bool last;
	} cases[] = {
		{"alone", PRE_SHARED_KEY, true},
		{"last", EXTENDED_MASTER_SECRET PRE_SHARED_KEY, true},
		{"first", PRE_SHARED_KEY EXTENDED_MASTER_SECRET, false},
		{"before an unknown one", PRE_SHARED_KEY "fafa 0000", false},
		{"absent", EXTENDED_MASTER_SECRET, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bytes b = unhex(cases[i].hex);
		struct extensions v;
		assert_true(get_extensions(span_of_bytes(&b), IN_CLIENT_HELLO, &v));
		if (v.psk_is_last != cases[i].last)
			fail_msg("%s: wrong about being last", cases[i].name);
	}
}

/* Extensions of certificate entries that are not in the list: status_request, signed_certificate_timestamp. */
static void entries(void **state)
{
	struct bytes b = unhex("0005 0004 01000000 0012 0002 0000");
	struct extensions v;
	(void)state;
	assert_true(get_extensions(span_of_bytes(&b), IN_CERTIFICATE13, &v));
	assert_true(v.unknown && !v.misplaced && v.present == 0);
}

static void key_share_list(void **state)
{
	struct bytes b = unhex("001d 0002 0102 0017 0001 03 0018 0000");
	struct rd r = rd_of(span_of_bytes(&b));
	struct key_share v, before;
	uint8_t out[16];
	struct wr w = wr_of(out, sizeof out);
	(void)state;
	assert_true(get_key_share(&r, &v) && v.group == 0x001d);
	check_span(v.share, "0102");
	put_key_share(&w, &v);
	assert_true(get_key_share(&r, &v) && v.group == 0x0017);
	check_span(v.share, "03");
	put_key_share(&w, &v);
	check_span(wr_span(&w), "001d 0002 0102 0017 0001 03");
	before = v;
	assert_false(get_key_share(&r, &v));
	assert_true(memcmp(&v, &before, sizeof v) == 0 && rd_left(&r) == 4);
}

static void psk_lists(void **state)
{
	struct bytes ids = unhex("0002 6162 01020304 0001 63 ffffffff 0000 00000000");
	struct bytes macs = unhex("20" BYTES32 "21" BYTES32 "20 1f 00");
	struct rd r = rd_of(span_of_bytes(&ids)), b = rd_of(span_of_bytes(&macs));
	struct psk_identity v;
	struct span mac;
	uint8_t out[32];
	struct wr w = wr_of(out, sizeof out);
	(void)state;
	assert_true(get_psk_identity(&r, &v) && v.obfuscated_age == 0x01020304);
	check_span(v.identity, "6162");
	put_psk_identity(&w, &v);
	assert_true(get_psk_identity(&r, &v) && v.obfuscated_age == 0xffffffff);
	check_span(v.identity, "63");
	put_psk_identity(&w, &v);
	check_span(wr_span(&w), "0002 6162 01020304 0001 63 ffffffff");
	assert_false(get_psk_identity(&r, &v));
	assert_true(v.obfuscated_age == 0xffffffff && rd_left(&r) == 6);
	assert_true(get_psk_binder(&b, &mac));
	check_span(mac, BYTES32);
	assert_true(get_psk_binder(&b, &mac));
	check_span(mac, BYTES32 "20");
	assert_false(get_psk_binder(&b, &mac));
	assert_true(mac.n == 33 && rd_left(&b) == 2);
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
		cmocka_unit_test(binders_as_many_as_identities),
		cmocka_unit_test(unknown_are_skipped),
		cmocka_unit_test(none),
		cmocka_unit_test(at_most_64),
		cmocka_unit_test(too_long),
		cmocka_unit_test(alpn_names),
		cmocka_unit_test(matrix),
		cmocka_unit_test(written_by_place),
		cmocka_unit_test(server_fields),
		cmocka_unit_test(psk_last),
		cmocka_unit_test(entries),
		cmocka_unit_test(key_share_list),
		cmocka_unit_test(psk_lists),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
