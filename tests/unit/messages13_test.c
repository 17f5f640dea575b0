/* src/wire/messages13.c */
#include "wire/messages13.h"

#include "wire_check.h"

RECODE(certificate_request, certificate_request13, get_certificate_request13, put_certificate_request13)
RECODE(certificate, certificate13, get_certificate13, put_certificate13)
RECODE(compressed, compressed_certificate, get_compressed_certificate, put_compressed_certificate)
RECODE(ticket, new_session_ticket13, get_new_session_ticket13, put_new_session_ticket13)
RECODE(new_cid, new_connection_id, get_new_connection_id, put_new_connection_id)

/* The others are not structs of their own. */
static bool encrypted_extensions(struct rd *r, struct wr *w)
{
	struct rd start = *r;
	struct span v = span_of(&start, 77);
	if (!get_encrypted_extensions(r, &v)) {
		assert_true(r->p == start.p && v.n == 77);
		return false;
	}
	put_encrypted_extensions(w, v);
	return true;
}

static bool key_update(struct rd *r, struct wr *w)
{
	struct rd start = *r;
	uint8_t v = 77;
	if (!get_key_update(r, &v)) {
		assert_true(r->p == start.p && v == 77);
		return false;
	}
	put_key_update(w, v);
	return true;
}

static bool request_cid(struct rd *r, struct wr *w)
{
	struct rd start = *r;
	uint8_t v = 77;
	if (!get_request_connection_id(r, &v)) {
		assert_true(r->p == start.p && v == 77);
		return false;
	}
	put_request_connection_id(w, v);
	return true;
}

/* EncryptedExtensions of RFC 8448 3. */
#define TRACE_ENCRYPTED "0022 000a00140012001d00170018001901000101010201030104 001c00024001 00000000"

static const struct {
	const char *name;
	recode_fn *recode;
	const char *hex;
} round_trip[] = {
	{"CertificateRequest", certificate_request, "00 0008 000d 0004 0002 0403"},
	{"CertificateRequest: context", certificate_request, "02 0102 0008 000d 0004 0002 0403"},
	{"CertificateRequest: no extensions", certificate_request, "00 0000"},
	{"Certificate: none", certificate, "00 000000"},
	{"Certificate: one", certificate, "00 000008 000003 303132 0000"},
	{"Certificate: two", certificate, "00 000011 000003 303132 0000 000001 33 0003 abcdef"},
	{"Certificate: context", certificate, "02 0102 000006 000001 30 0000"},
	{"CompressedCertificate", compressed, "0002 000003 000002 abcd"},
	{"CompressedCertificate: for the handshake to refuse", compressed, "ffff ffffff 000001 00"},
	{"EncryptedExtensions: none", encrypted_extensions, "0000"},
	{"EncryptedExtensions", encrypted_extensions, TRACE_ENCRYPTED},
	{"NewSessionTicket", ticket, "0000001e fad6aac5 02 0000 0003 2c035d 0008 002a 0004 00000400"},
	{"NewSessionTicket: no nonce, no extensions", ticket, "00093a80 00000000 00 0001 74 0000"},
	{"KeyUpdate: not requested", key_update, "00"},
	{"KeyUpdate: requested", key_update, "01"},
	{"KeyUpdate: for the handshake to refuse", key_update, "02"},
	{"NewConnectionId: none", new_cid, "0000 01"},
	{"NewConnectionId: one", new_cid, "0003 02 abcd 00"},
	{"NewConnectionId: three, one of them empty", new_cid, "0005 01 ab 00 01 cd 01"},
	{"NewConnectionId: a usage to be refused", new_cid, "0002 01 ab 02"},
	{"RequestConnectionId: none", request_cid, "00"},
	{"RequestConnectionId", request_cid, "ff"},
};

static void round_trips(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof round_trip / sizeof round_trip[0]; i++)
		check_message_hex(round_trip[i].name, round_trip[i].recode, round_trip[i].hex, NO_PREFIX);
}

static void refused(void **state)
{
	static const struct {
		const char *name;
		recode_fn *recode;
		const char *hex;
	} cases[] = {
		{"CertificateRequest: context passes the message", certificate_request, "04 0000 00"},
		{"CertificateRequest: extensions pass the message", certificate_request, "00 0001"},
		{"Certificate: of DTLS 1.2", certificate, "000006 000003 303132"},
		{"Certificate: empty", certificate, "00 000005 000000 0000"},
		{"Certificate: empty second one", certificate, "00 00000b 000001 30 0000 000000 0000"},
		{"Certificate: no extensions", certificate, "00 000004 000001 30"},
		{"Certificate: half a length of extensions", certificate, "00 000005 000001 30 00"},
		{"Certificate: extensions pass the list", certificate, "00 000006 000001 30 0001"},
		{"Certificate: passes the list", certificate, "00 000006 000004 30 0000"},
		{"EncryptedExtensions: empty message", encrypted_extensions, ""},
		{"EncryptedExtensions: without its length", encrypted_extensions, "000d 0004 0002 0403"},
		{"NewSessionTicket: empty ticket", ticket, "0000001e fad6aac5 02 0000 0000 0000"},
		{"NewSessionTicket: of DTLS 1.2", ticket, "0000001e 0003 2c035d"},
		{"KeyUpdate: empty", key_update, ""},
		{"KeyUpdate: two bytes", key_update, "0000"},
		{"NewConnectionId: empty", new_cid, ""},
		{"NewConnectionId: no usage", new_cid, "0002 01 ab"},
		{"NewConnectionId: two usages", new_cid, "0002 01 ab 00 00"},
		{"NewConnectionId: an ID passes the list", new_cid, "0002 02 ab 00"},
		{"NewConnectionId: the list passes the message", new_cid, "0004 01 ab 00"},
		{"RequestConnectionId: empty", request_cid, ""},
		{"RequestConnectionId: two bytes", request_cid, "0101"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check_refused(cases[i].name, cases[i].recode, cases[i].hex);
}

static void request_fields(void **state)
{
	struct bytes b = unhex("01 07 0008 000d 0004 0002 0403");
	struct rd r = rd_of(span_of_bytes(&b));
	struct certificate_request13 v;
	(void)state;
	assert_true(get_certificate_request13(&r, &v) && rd_end(&r));
	check_span(v.context, "07");
	check_span(v.extensions, "000d 0004 0002 0403");
}

static void certificate_fields(void **state)
{
	struct bytes b = unhex("01 07 000011 000003 303132 0000 000001 33 0003 abcdef");
	struct rd r = rd_of(span_of_bytes(&b));
	struct certificate13 v;
	(void)state;
	assert_true(get_certificate13(&r, &v) && rd_end(&r));
	check_span(v.context, "07");
	assert_int_equal(v.list.num, 2);
	check_span(v.list.chain[0], "303132");
	check_span(v.list.chain[1], "33");
	check_span(v.extensions[0], "");
	check_span(v.extensions[1], "abcdef");
}

static void ticket_fields(void **state)
{
	struct bytes b = unhex("00000102 03040506 02 0708 0003 090a0b 0001 0c");
	struct rd r = rd_of(span_of_bytes(&b));
	struct new_session_ticket13 v;
	(void)state;
	assert_true(get_new_session_ticket13(&r, &v) && rd_end(&r));
	assert_int_equal(v.lifetime, 0x0102);
	assert_int_equal(v.age_add, 0x03040506);
	check_span(v.nonce, "0708");
	check_span(v.ticket, "090a0b");
	check_span(v.extensions, "0c");
}

static void new_cid_fields(void **state)
{
	struct bytes b = unhex("0004 01 ab 01 cd 01");
	struct rd r = rd_of(span_of_bytes(&b));
	struct new_connection_id v;
	(void)state;
	assert_true(get_new_connection_id(&r, &v) && rd_end(&r));
	check_span(v.cids, "01 ab 01 cd");
	assert_int_equal(v.usage, CID_SPARE);
}

static void chain_length(void **state)
{
	uint8_t message[4 + 6 * (WIRE_CHAIN_MAX + 1)] = {0};
	struct certificate13 v;
	struct rd r;
	(void)state;
	for (size_t num = WIRE_CHAIN_MAX; num <= WIRE_CHAIN_MAX + 1; num++) {
		message[3] = (uint8_t)(6 * num);
		for (size_t i = 0; i < num; i++)
			message[4 + 6 * i + 2] = 1;
		r = rd_of(span_of(message, 4 + 6 * num));
		assert_int_equal(get_certificate13(&r, &v), num == WIRE_CHAIN_MAX);
		assert_int_equal(v.list.num, WIRE_CHAIN_MAX);
	}
}

static void too_long(void **state)
{
	static const uint8_t zero[65536];
	static uint8_t out[70000];
	struct wr w = wr_of(out, sizeof out);
	struct new_session_ticket13 t = {.nonce = span_of(zero, 255), .ticket = span_of(zero, 65535)};
	struct certificate_request13 request = {.context = span_of(zero, 255)};
	(void)state;
	put_new_session_ticket13(&w, &t);
	assert_true(wr_ok(&w));
	t.nonce.n = 256;
	w = wr_of(out, sizeof out);
	put_new_session_ticket13(&w, &t);
	assert_false(wr_ok(&w));
	w = wr_of(out, sizeof out);
	put_certificate_request13(&w, &request);
	assert_true(wr_ok(&w));
	request.context.n = 256;
	put_certificate_request13(&w, &request);
	assert_false(wr_ok(&w));
	w = wr_of(out, sizeof out);
	put_encrypted_extensions(&w, span_of(zero, 65535));
	assert_true(wr_ok(&w));
	w = wr_of(out, sizeof out);
	put_encrypted_extensions(&w, span_of(zero, 65536));
	assert_false(wr_ok(&w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),	  cmocka_unit_test(refused),
		cmocka_unit_test(request_fields), cmocka_unit_test(certificate_fields),
		cmocka_unit_test(ticket_fields),  cmocka_unit_test(chain_length),
		cmocka_unit_test(too_long),	  cmocka_unit_test(new_cid_fields),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
