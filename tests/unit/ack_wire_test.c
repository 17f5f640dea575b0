/* src/wire/ack.c */
#include "wire/ack.h"

#include "wire_check.h"

#define NUMBERS_MAX 64

static bool recode(struct rd *r, struct wr *w)
{
	struct record_number list[NUMBERS_MAX];
	struct rd start = *r, numbers = {NULL, NULL};
	size_t num = 0;
	if (!get_ack(r, &numbers)) {
		assert_true(r->p == start.p && !numbers.p);
		return false;
	}
	while (get_record_number(&numbers, &list[num]))
		assert_true(++num < NUMBERS_MAX);
	assert_true(rd_end(&numbers)); /* none is cut */
	put_ack(w, list, num);
	return true;
}

#define NUMBER(epoch, seq) "00000000000000" epoch "00000000000000" seq

static void round_trips(void **state)
{
	static const struct {
		const char *name, *hex;
	} cases[] = {
		{"empty", "0000"},
		{"one", "0010" NUMBER("02", "07")},
		{"three, not sorted", "0030" NUMBER("02", "07") NUMBER("03", "00") NUMBER("02", "01")},
		{"twice the same", "0020" NUMBER("02", "07") NUMBER("02", "07")},
		{"largest", "0010 ffffffffffffffff ffffffffffffffff"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check_message_hex(cases[i].name, recode, cases[i].hex, NO_PREFIX);
}

static void refused(void **state)
{
	static const struct {
		const char *name, *hex;
	} cases[] = {
		{"nothing", ""},
		{"half a length", "00"},
		{"half a number", "0008 0000000000000002"},
		{"one and a half", "0018" NUMBER("02", "07") "0000000000000002"},
		{"a byte too many in the list", "0011" NUMBER("02", "07") "00"},
		{"a byte short in the list", "000f 0000000000000002 00000000000000"},
		{"list passes the record", "0020" NUMBER("02", "07")},
		{"numbers behind an empty list", "0000" NUMBER("02", "07")},
		{"numbers without a length", NUMBER("00", "07")},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check_refused(cases[i].name, recode, cases[i].hex);
}

static void fields(void **state)
{
	struct bytes b = unhex("0020 0000000000000003 0000010203040506 0102030405060708 fffefdfcfbfaf9f8");
	struct rd r = rd_of(span_of_bytes(&b)), numbers;
	struct record_number v;
	(void)state;
	assert_true(get_ack(&r, &numbers) && rd_end(&r));
	assert_true(get_record_number(&numbers, &v));
	assert_true(v.epoch == 3 && v.seq == 0x010203040506);
	assert_true(get_record_number(&numbers, &v));
	assert_true(v.epoch == 0x0102030405060708 && v.seq == 0xfffefdfcfbfaf9f8);
	assert_false(get_record_number(&numbers, &v));
	assert_true(v.epoch == 0x0102030405060708 && rd_end(&numbers));
}

/* Half a number moves nothing. */
static void cut_number(void **state)
{
	static const uint8_t bytes[16];
	(void)state;
	for (size_t n = 0; n < sizeof bytes; n++) {
		struct rd r = rd_of(span_of(bytes, n));
		struct record_number v = {77, 78};
		assert_false(get_record_number(&r, &v));
		assert_true(v.epoch == 77 && v.seq == 78 && rd_left(&r) == n);
	}
}

static void too_long(void **state)
{
	static struct record_number numbers[4096];
	static uint8_t out[70000];
	struct wr w = wr_of(out, sizeof out);
	(void)state;
	put_ack(&w, numbers, 4095);
	assert_true(wr_ok(&w) && w.n == 2 + 16 * 4095);
	w = wr_of(out, sizeof out);
	put_ack(&w, numbers, 4096);
	assert_false(wr_ok(&w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips), cmocka_unit_test(refused),  cmocka_unit_test(fields),
		cmocka_unit_test(cut_number),  cmocka_unit_test(too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
