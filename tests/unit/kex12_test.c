/* src/wire/kex12.c */
#include "wire/kex12.h"

#include "wire_check.h"

static const struct kex12_form psk = {.psk = true};
static const struct kex12_form ecdhe = {.ecdhe = true, .sign = true};
static const struct kex12_form ecdhe_psk = {.psk = true, .ecdhe = true};

/* The codecs of one form, in the shape that RECODE wants. */
#define FORM(form)                                                                                                     \
	static bool get_server_##form(struct rd *r, struct server_key_exchange *v)                                     \
	{                                                                                                              \
		return get_server_key_exchange(r, form, v);                                                            \
	}                                                                                                              \
	static void put_server_##form(struct wr *w, const struct server_key_exchange *v)                               \
	{                                                                                                              \
		put_server_key_exchange(w, form, v);                                                                   \
	}                                                                                                              \
	static bool get_client_##form(struct rd *r, struct client_key_exchange *v)                                     \
	{                                                                                                              \
		return get_client_key_exchange(r, form, v);                                                            \
	}                                                                                                              \
	static void put_client_##form(struct wr *w, const struct client_key_exchange *v)                               \
	{                                                                                                              \
		put_client_key_exchange(w, form, v);                                                                   \
	}                                                                                                              \
	RECODE(server_##form, server_key_exchange, get_server_##form, put_server_##form)                               \
	RECODE(client_##form, client_key_exchange, get_client_##form, put_client_##form)

FORM(psk)
FORM(ecdhe)
FORM(ecdhe_psk)

static const struct {
	const char *name;
	recode_fn *recode;
	const char *hex;
} round_trip[] = {
	{"server: hint", server_psk, "0003 010203"},
	{"server: empty hint", server_psk, "0000"},
	{"server: share and signature", server_ecdhe, "03 0017 03 040102 0403 0002 aabb"},
	{"server: empty signature", server_ecdhe, "03 001d 01 01 0807 0000"},
	{"server: hint and share", server_ecdhe_psk, "0001 61 03 0017 03 040102"},
	{"server: empty hint and share", server_ecdhe_psk, "0000 03 0017 03 040102"},
	{"client: identity", client_psk, "0003 010203"},
	{"client: empty identity", client_psk, "0000"},
	{"client: share", client_ecdhe, "03 040102"},
	{"client: identity and share", client_ecdhe_psk, "0001 61 03 040102"},
};

static void round_trips(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof round_trip / sizeof round_trip[0]; i++)
		check_message_hex(round_trip[i].name, round_trip[i].recode, round_trip[i].hex, NO_PREFIX);
}

static const struct {
	const char *name;
	recode_fn *recode;
	const char *hex;
} malformed[] = {
	{"server: explicit_prime", server_ecdhe, "01 0017 03 040102 0403 0002 aabb"},
	{"server: explicit_char2", server_ecdhe, "02 0017 03 040102 0403 0002 aabb"},
	{"server: unassigned curve type", server_ecdhe, "00 0017 03 040102 0403 0002 aabb"},
	{"server: empty share", server_ecdhe, "03 0017 00 0403 0002 aabb"},
	{"server: no signature", server_ecdhe, "03 0017 03 040102"},
	{"server: signature where none belongs", server_ecdhe_psk, "0000 03 0017 03 040102 0403 0002 aabb"},
	{"server: no hint", server_ecdhe_psk, "03 0017 03 040102"},
	{"server: share where none belongs", server_psk, "0000 03 0017 03 040102"},
	{"client: empty share", client_ecdhe, "00"},
	{"client: empty share after an identity", client_ecdhe_psk, "0001 61 00"},
	{"client: identity without a share", client_ecdhe_psk, "0001 61"},
	{"client: share where none belongs", client_psk, "0001 61 03 040102"},
};

static void refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
		check_refused(malformed[i].name, malformed[i].recode, malformed[i].hex);
}

static void fields(void **state)
{
	const struct kex12_form all = {true, true, true};
	struct bytes server = unhex("0002 6869 03 0017 03 040102 0403 0002 aabb"), client = unhex("0002 6964 01 09");
	struct rd r = rd_of(span_of_bytes(&server));
	struct server_key_exchange s;
	struct client_key_exchange c;
	uint8_t out[16];
	struct wr w = wr_of(out, sizeof out);
	(void)state;
	assert_true(get_server_key_exchange(&r, all, &s));
	check_span(s.psk_hint, "6869");
	assert_int_equal(s.group, 0x0017);
	check_span(s.share, "040102");
	check_span(s.params, "03 0017 03 040102");
	assert_int_equal(s.scheme, 0x0403);
	check_span(s.signature, "aabb");
	put_ecdhe_params(&w, s.group, s.share);
	assert_true(wr_ok(&w) && span_equal(wr_span(&w), s.params));
	r = rd_of(span_of_bytes(&client));
	assert_true(get_client_key_exchange(&r, all, &c));
	check_span(c.psk_identity, "6964");
	check_span(c.share, "09");
}

/* What a form leaves out is empty in the struct. */
static void left_out(void **state)
{
	struct bytes b = unhex("0001 61");
	struct rd r = rd_of(span_of_bytes(&b));
	struct server_key_exchange s;
	struct client_key_exchange c;
	(void)state;
	memset(&s, 0xa5, sizeof s);
	memset(&c, 0xa5, sizeof c);
	assert_true(get_server_key_exchange(&r, psk, &s));
	assert_true(s.group == 0 && s.share.n == 0 && s.params.n == 0 && s.scheme == 0 && s.signature.n == 0);
	r = rd_of(span_of_bytes(&b));
	assert_true(get_client_key_exchange(&r, psk, &c));
	assert_int_equal(c.share.n, 0);
}

static void too_long(void **state)
{
	static const uint8_t zero[65536];
	static uint8_t out[70000];
	struct wr w = wr_of(out, sizeof out);
	(void)state;
	put_ecdhe_params(&w, 0x0017, span_of(zero, 255));
	assert_true(wr_ok(&w));
	put_ecdhe_params(&w, 0x0017, span_of(zero, 256));
	assert_false(wr_ok(&w));
	w = wr_of(out, sizeof out);
	put_client_key_exchange(&w, psk, &(struct client_key_exchange){.psk_identity = span_of(zero, 65535)});
	assert_true(wr_ok(&w));
	w = wr_of(out, sizeof out);
	put_client_key_exchange(&w, psk, &(struct client_key_exchange){.psk_identity = span_of(zero, 65536)});
	assert_false(wr_ok(&w));
}

static void capture(void **state)
{
	struct bytes server = captured('S', SERVER_KEY_EXCHANGE, 0), client = captured('C', CLIENT_KEY_EXCHANGE, 0);
	struct rd r = rd_of(span_of_bytes(&server));
	struct server_key_exchange s;
	struct client_key_exchange c;
	(void)state;
	assert_true(get_server_key_exchange(&r, ecdhe, &s));
	assert_int_equal(s.group, 0x001d);
	assert_int_equal(s.share.n, 32);
	assert_int_equal(s.params.n, 36);
	assert_ptr_equal(s.params.p, server.p);
	assert_int_equal(s.scheme, 0x0403);
	assert_int_equal(s.signature.n, 71);
	r = rd_of(span_of_bytes(&client));
	assert_true(get_client_key_exchange(&r, ecdhe, &c));
	assert_int_equal(c.share.n, 32);
	check_message("ServerKeyExchange", server_ecdhe, span_of_bytes(&server), NO_PREFIX);
	check_message("ClientKeyExchange", client_ecdhe, span_of_bytes(&client), NO_PREFIX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips), cmocka_unit_test(refused),  cmocka_unit_test(fields),
		cmocka_unit_test(left_out),    cmocka_unit_test(too_long), cmocka_unit_test(capture),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
