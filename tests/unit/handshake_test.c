/* src/wire/handshake.c */
#include "wire_check.h"

static bool recode(struct rd *r, struct wr *w)
{
	struct fragment v, before;
	struct rd start = *r;
	memset(&v, 0xa5, sizeof v);
	memset(&before, 0xa5, sizeof before);
	if (!get_fragment(r, &v)) {
		assert_memory_equal(&v, &before, sizeof v);
		assert_ptr_equal(r->p, start.p);
		return false;
	}
	put_fragment_header(w, &v, (uint32_t)v.body.n);
	wr_bytes(w, v.body);
	return true;
}

RECODE(recode_alert, alert, get_alert, put_alert)

static void fields(void **state)
{
	struct bytes b = unhex("0b 010203 0405 000607 000002 aabb 14");
	struct rd r = rd_of(span_of_bytes(&b));
	struct fragment v;
	(void)state;
	assert_true(get_fragment(&r, &v));
	assert_int_equal(v.type, CERTIFICATE);
	assert_int_equal(v.length, 0x010203);
	assert_int_equal(v.message_seq, 0x0405);
	assert_int_equal(v.offset, 0x000607);
	check_span(v.body, "aabb");
	assert_int_equal(rd_left(&r), 1);
}

static void round_trips(void **state)
{
	static const struct {
		const char *name, *hex;
	} cases[] = {
		{"empty message", "0e 000000 0005 000000 000000"},
		{"whole message", "01 000003 0000 000000 000003 010203"},
		{"first fragment", "01 000004 0000 000000 000002 0102"},
		{"last fragment", "01 000004 0000 000002 000002 0304"},
		{"empty fragment at the end", "01 000004 0000 000004 000000"},
		{"empty fragment in the middle", "01 000004 0000 000002 000000"},
		{"end of the longest message", "ff ffffff ffff fffffe 000001 00"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bytes b = unhex(cases[i].hex);
		check_round_trip(cases[i].name, recode, span_of_bytes(&b), NO_PREFIX);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *name, *hex;
	} cases[] = {
		{"offset behind the message", "01 000004 0000 000005 000000"},
		{"fragment passes the end", "01 000004 0000 000003 000002 0102"},
		{"fragment longer than the message", "01 000001 0000 000000 000002 0102"},
		{"body of an empty message", "0e 000000 0000 000000 000001 00"},
		{"greatest offset and a byte", "01 ffffff 0000 ffffff 000001 00"},
		{"longer than there is", "01 000004 0000 000000 000004 010203"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check_refused(cases[i].name, recode, cases[i].hex);
}

static void alerts(void **state)
{
	struct bytes b = unhex("02 64");
	struct rd r = rd_of(span_of_bytes(&b));
	struct alert v;
	(void)state;
	assert_true(get_alert(&r, &v));
	assert_int_equal(v.level, ALERT_FATAL);
	assert_int_equal(v.description, ALERT_NO_RENEGOTIATION);
	check_message_hex("close_notify", recode_alert, "0100", NO_PREFIX);
	check_message_hex("unassigned", recode_alert, "ffff", NO_PREFIX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),
		cmocka_unit_test(round_trips),
		cmocka_unit_test(refused),
		cmocka_unit_test(alerts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
