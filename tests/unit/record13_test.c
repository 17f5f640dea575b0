/* src/wire/record13.c. RFC 9147 4.1. */
#include "wire/record13.h"

#include "wire_check.h"

static size_t cid_len;

static bool recode(struct rd *r, struct wr *w)
{
	struct unified_header v, before;
	struct rd start = *r;
	memset(&v, 0xa5, sizeof v);
	memset(&before, 0xa5, sizeof before);
	if (!get_unified(r, cid_len, &v)) {
		assert_memory_equal(&v, &before, sizeof v);
		assert_ptr_equal(r->p, start.p);
		return false;
	}
	assert_ptr_equal(v.payload.p, start.p + v.header_len);
	put_unified(w, &v, (uint16_t)v.payload.n);
	assert_true(w->bad || w->n == v.header_len);
	wr_bytes(w, v.payload);
	return true;
}

static void forms(void **state)
{
	static const struct {
		const char *name, *hex;
		size_t cid_len, left;
		uint8_t epoch_bits, seq_len;
		uint16_t seq;
		bool has_length;
		size_t header_len;
		const char *cid, *payload;
	} cases[] = {
		{"minimal", "20 ab 010203", 0, 0, 0, 1, 0xab, false, 2, "", "010203"},
		{"16-bit number", "29 abcd 0102", 0, 0, 1, 2, 0xabcd, false, 3, "", "0102"},
		{"length", "26 ff 0002 0102 99", 0, 1, 2, 1, 0xff, true, 4, "", "0102"},
		{"16-bit number and length", "2f 0001 0001 01 2f", 0, 1, 3, 2, 1, true, 5, "", "01"},
		{"no payload", "20 00", 0, 0, 0, 1, 0, false, 2, "", ""},
		{"no payload by its length", "2c 0000 0000 01", 0, 1, 0, 2, 0, true, 5, "", ""},
		{"CID", "31 c1c2 07 01", 2, 0, 1, 1, 7, false, 4, "c1c2", "01"},
		{"CID, 16-bit number", "38 c1 0708 01", 1, 0, 0, 2, 0x0708, false, 4, "c1", "01"},
		{"CID, length", "34 c1c2c3 07 0001 01 02", 3, 1, 0, 1, 7, true, 7, "c1c2c3", "01"},
		{"everything", "3f c1c2 0708 0002 0102 03", 2, 1, 3, 2, 0x0708, true, 7, "c1c2", "0102"},
		{"no CID though there might be one", "2f 0708 0001 01", 2, 0, 3, 2, 0x0708, true, 5, "", "01"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bytes b = unhex(cases[i].hex);
		struct rd r = rd_of(span_of_bytes(&b));
		struct unified_header v;
		if (!get_unified(&r, cases[i].cid_len, &v) || rd_left(&r) != cases[i].left)
			fail_msg("%s: refused", cases[i].name);
		if (v.epoch_bits != cases[i].epoch_bits || v.seq_len != cases[i].seq_len || v.seq != cases[i].seq ||
		    v.has_length != cases[i].has_length || v.header_len != cases[i].header_len)
			fail_msg("%s: fields", cases[i].name);
		check_span(v.cid, cases[i].cid);
		check_span(v.payload, cases[i].payload);
		cid_len = cases[i].cid_len;
		b.n -= cases[i].left;
		assert_true(accepted(recode, span_of_bytes(&b)));
		/* Without a length, bytes that are missing at the end are not missed. */
		if (cases[i].has_length)
			check_round_trip(cases[i].name, recode, span_of_bytes(&b), NO_PREFIX);
		for (size_t n = 0; n < cases[i].header_len; n++) {
			if (accepted(recode, span_of(b.p, n)))
				fail_msg("%s: %zu bytes of header", cases[i].name, n);
		}
	}
}

static void refused(void **state)
{
	static const struct {
		const char *name, *hex;
		size_t cid_len;
	} cases[] = {
		{"empty", "", 0},
		{"another first byte", "40 00 01", 0},
		{"plaintext", "16 fefd 0000 000000000000 0001 00", 0},
		{"half of the mask", "1f 00 01", 0},
		{"all ones", "ff 0000 0001 00", 0},
		{"length beyond the datagram", "2c 0000 0003 0102", 0},
		{"CID where none was given out", "30 c1 00 01", 0},
		{"CID cut short", "30 c1c2", 3},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cid_len = cases[i].cid_len;
		check_refused(cases[i].name, recode, cases[i].hex);
	}
}

/* Every first byte: a header exactly when its fixed bits say so, and it comes back as it was. */
static void first_bytes(void **state)
{
	(void)state;
	for (unsigned first = 0; first < 256; first++) {
		for (cid_len = 0; cid_len < 3; cid_len++) {
			uint8_t in[12] = {(uint8_t)first, 0, 0, 0, 0, 0, 0}, out[12];
			struct wr w = wr_of(out, sizeof out);
			size_t left;
			bool want = first >> 5 == 1 && !((first & 0x10) && cid_len == 0);
			bool got = recode_copy(recode, span_of(in, sizeof in), &w, &left);
			if (got != want || (got && (memcmp(in, out, w.n) != 0 || w.n + left != sizeof in)))
				fail_msg("first byte %02x, CID of %zu", first, cid_len);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(refused),
		cmocka_unit_test(first_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
