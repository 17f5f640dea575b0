/* src/wire/certificate.c */
#include "wire/certificate.h"

#include "wire/hello.h"
#include "wire_check.h"

RECODE(recode_chain, certificate, get_certificate12, put_certificate12)
RECODE(recode_request, certificate_request12, get_certificate_request12, put_certificate_request12)
RECODE(recode_verify, certificate_verify, get_certificate_verify, put_certificate_verify)
RECODE(recode_ticket, new_session_ticket12, get_new_session_ticket12, put_new_session_ticket12)

static void put_raw(struct wr *w, const struct span *spki)
{
	put_raw_certificate12(w, *spki);
}

RECODE(recode_raw, span, get_raw_certificate12, put_raw)

static const struct {
	const char *name;
	recode_fn *recode;
	const char *hex;
} round_trip[] = {
	{"no certificate", recode_chain, "000000"},
	{"one certificate", recode_chain, "000006 000003 010203"},
	{"two certificates", recode_chain, "00000a 000003 010203 000001 04"},
	{"ten certificates", recode_chain,
	 "000028 00000101 00000102 00000103 00000104 00000105 00000106 00000107 00000108 00000109 0000010a"},
	{"no raw key", recode_raw, "000000"},
	{"a raw key", recode_raw, "000003 010203"},
	{"request without authorities", recode_request, "01 40 0002 0403 0000"},
	{"request with two authorities", recode_request, "02 0140 0004 04030804 0007 0001aa 0002bbcc"},
	{"signature", recode_verify, "0403 0003 010203"},
	{"empty signature", recode_verify, "0403 0000"},
	{"ticket", recode_ticket, "00001c20 0003 010203"},
	{"empty ticket", recode_ticket, "ffffffff 0000"},
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
	{"empty certificate", recode_chain, "000003 000000"},
	{"empty second certificate", recode_chain, "000007 00000101 000000"},
	{"half a length", recode_chain, "000002 0000"},
	{"certificate passes the list", recode_chain, "000004 00000201 02"},
	{"eleven certificates", recode_chain,
	 "00002c 00000101 00000102 00000103 00000104 00000105 00000106 00000107 00000108 00000109 0000010a 0000010b"},
	{"no certificate types", recode_request, "00 0002 0403 0000"},
	{"no schemes", recode_request, "01 40 0000 0000"},
	{"half a scheme", recode_request, "01 40 0003 040308 0000"},
	{"empty name", recode_request, "01 40 0002 0403 0002 0000"},
	{"half a name length", recode_request, "01 40 0002 0403 0001 00"},
	{"name passes the list", recode_request, "01 40 0002 0403 0003 0002aa"},
	{"empty name after a name", recode_request, "01 40 0002 0403 0005 0001aa 0000"},
};

static void refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
		check_refused(malformed[i].name, malformed[i].recode, malformed[i].hex);
}

static void fields(void **state)
{
	struct bytes chain = unhex("00000a 000003 010203 000001 04"), raw = unhex("000002 0506");
	struct bytes request = unhex("02 0140 0004 04030804 0003 0001aa"), ticket = unhex("00001c20 0001 07");
	struct rd r = rd_of(span_of_bytes(&chain));
	struct certificate c;
	struct span spki;
	struct certificate_request12 cr;
	struct new_session_ticket12 t;
	(void)state;
	assert_true(get_certificate12(&r, &c));
	assert_int_equal(c.num, 2);
	check_span(c.chain[0], "010203");
	check_span(c.chain[1], "04");
	r = rd_of(span_of_bytes(&raw));
	assert_true(get_raw_certificate12(&r, &spki));
	check_span(spki, "0506");
	r = rd_of(span_of_bytes(&request));
	assert_true(get_certificate_request12(&r, &cr));
	check_span(cr.types, "0140");
	check_span(cr.schemes, "04030804");
	check_span(cr.authorities, "0001aa");
	r = rd_of(span_of_bytes(&ticket));
	assert_true(get_new_session_ticket12(&r, &t));
	assert_int_equal(t.lifetime_hint, 7200);
	check_span(t.ticket, "07");
}

static void too_long(void **state)
{
	static const uint8_t zero[65536];
	static uint8_t out[140000];
	const struct certificate_request12 cr = {span_of(zero, 256), span_of(zero, 2), {0}};
	const struct certificate_verify cv = {0x0403, span_of(zero, 65536)};
	const struct new_session_ticket12 t = {1, span_of(zero, 65536)};
	struct wr w[3];
	(void)state;
	for (size_t i = 0; i < 3; i++)
		w[i] = wr_of(out, sizeof out);
	put_certificate_request12(&w[0], &cr);
	put_certificate_verify(&w[1], &cv);
	put_new_session_ticket12(&w[2], &t);
	for (size_t i = 0; i < 3; i++)
		assert_false(wr_ok(&w[i]));
}

static void capture(void **state)
{
	struct bytes server = captured('S', CERTIFICATE, 0), client = captured('C', CERTIFICATE, 0);
	struct bytes request = captured('S', CERTIFICATE_REQUEST, 0), verify = captured('C', CERTIFICATE_VERIFY, 0);
	struct bytes ticket = captured('S', NEW_SESSION_TICKET, 0);
	struct rd r = rd_of(span_of_bytes(&server));
	struct certificate c;
	struct certificate_request12 cr;
	struct certificate_verify cv;
	struct new_session_ticket12 t;
	(void)state;
	assert_true(get_certificate12(&r, &c));
	assert_int_equal(c.num, 1);
	assert_int_equal(c.chain[0].n, 391);
	check_span(span_of(c.chain[0].p, 4), "30820183");
	assert_true(span_equal(span_of_bytes(&server), span_of_bytes(&client)));
	r = rd_of(span_of_bytes(&request));
	assert_true(get_certificate_request12(&r, &cr));
	check_span(cr.types, "010240");
	assert_true(list16_has(cr.schemes, 0x0403));
	assert_int_equal(cr.authorities.n, 0);
	r = rd_of(span_of_bytes(&verify));
	assert_true(get_certificate_verify(&r, &cv));
	assert_int_equal(cv.scheme, 0x0403);
	assert_int_equal(cv.signature.n, 72);
	r = rd_of(span_of_bytes(&ticket));
	assert_true(get_new_session_ticket12(&r, &t));
	assert_int_equal(t.lifetime_hint, 7200);
	assert_int_equal(t.ticket.n, 576);
	check_message("Certificate", recode_chain, span_of_bytes(&server), NO_PREFIX);
	check_message("CertificateRequest", recode_request, span_of_bytes(&request), NO_PREFIX);
	check_message("CertificateVerify", recode_verify, span_of_bytes(&verify), NO_PREFIX);
	check_message("NewSessionTicket", recode_ticket, span_of_bytes(&ticket), NO_PREFIX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips), cmocka_unit_test(refused), cmocka_unit_test(fields),
		cmocka_unit_test(too_long),    cmocka_unit_test(capture),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
