/* src/wire/record.c */
#include "wire_check.h"

static bool recode(struct rd *r, struct wr *w)
{
	struct record12 v, before;
	struct rd start = *r;
	memset(&v, 0xa5, sizeof v);
	memset(&before, 0xa5, sizeof before);
	if (!get_record12(r, &v)) {
		assert_memory_equal(&v, &before, sizeof v);
		assert_ptr_equal(r->p, start.p);
		return false;
	}
	put_record12_header(w, &v, (uint16_t)v.fragment.n);
	wr_bytes(w, v.fragment);
	return true;
}

static void fields(void **state)
{
	struct bytes b = unhex("17 fefd 0102 030405060708 0003 aabbcc 15");
	struct rd r = rd_of(span_of_bytes(&b));
	struct record12 v;
	(void)state;
	assert_true(get_record12(&r, &v));
	assert_int_equal(v.type, CONTENT_APPLICATION_DATA);
	assert_int_equal(v.version, VERSION_DTLS12);
	assert_int_equal(v.epoch, 0x0102);
	assert_int_equal(v.seq, UINT64_C(0x030405060708));
	check_span(v.fragment, "aabbcc");
	assert_int_equal(rd_left(&r), 1);
	assert_false(get_record12(&r, &v));
	assert_int_equal(rd_left(&r), 1);
}

static void round_trips(void **state)
{
	static const struct {
		const char *name, *hex;
	} cases[] = {
		{"empty fragment", "16 fefd 0000 000000000000 0000"},
		{"one byte", "15 feff 0000 000000000001 0001 ff"},
		{"greatest numbers", "ff ffff ffff ffffffffffff 0002 0000"},
		{"unassigned type and version", "00 0000 0000 000000000000 0001 00"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bytes b = unhex(cases[i].hex);
		check_round_trip(cases[i].name, recode, span_of_bytes(&b), NO_PREFIX);
	}
}

/* RFC 9146 4: of a length that only the reader knows. */
static void with_cid(void **state)
{
	struct bytes b = unhex("19 fefd 0001 000000000002 c0c1c2 0002 aabb");
	struct rd r;
	struct record12 v;
	uint8_t out[32];
	struct wr w = wr_of(out, sizeof out);
	(void)state;
	for (size_t n = 0; n < b.n; n++) {
		r = rd_of(span_of(b.p, n));
		assert_false(get_record12_cid(&r, 3, &v));
		assert_int_equal(rd_left(&r), n);
	}
	r = rd_of(span_of_bytes(&b));
	assert_true(get_record12_cid(&r, 3, &v) && rd_end(&r));
	assert_int_equal(v.type, CONTENT_TLS12_CID);
	check_span(v.cid, "c0c1c2");
	check_span(v.fragment, "aabb");
	put_record12_header(&w, &v, 2);
	wr_bytes(&w, v.fragment);
	assert_true(span_equal(wr_span(&w), span_of_bytes(&b)));
	assert_int_equal(v.cid.p - b.p, RECORD12_CID_AT);
}

static void longest(void **state)
{
	enum { N = RECORD12_HEADER + 65535 };
	uint8_t *in = calloc(1, N), *out = calloc(1, N);
	struct wr w = wr_of(out, N);
	size_t left;
	(void)state;
	assert_true(in && out);
	in[11] = in[12] = 0xff;
	assert_true(recode_copy(recode, span_of(in, N), &w, &left));
	assert_int_equal(left, 0);
	assert_true(wr_ok(&w) && span_equal(wr_span(&w), span_of(in, N)));
	assert_false(recode_copy(recode, span_of(in, N - 1), &w, &left));
	free(in);
	free(out);
}

/* Every datagram of the capture is records to its end, and their sequence numbers are as OpenSSL counts them. */
static void capture(void **state)
{
	static const struct {
		uint8_t type;
		uint16_t version, epoch, length;
		uint64_t seq;
	} want[] = {
		{22, 0xfeff, 0, 181, 0}, /* ClientHello */
		{22, 0xfeff, 0, 35, 0}, /* HelloVerifyRequest */
		{22, 0xfeff, 0, 201, 1}, /* ClientHello */
		{22, 0xfefd, 0, 84, 1}, /* ServerHello */
		{22, 0xfefd, 0, 409, 2}, /* Certificate */
		{22, 0xfefd, 0, 123, 3}, /* ServerKeyExchange */
		{22, 0xfefd, 0, 60, 4}, /* CertificateRequest */
		{22, 0xfefd, 0, 12, 5}, /* ServerHelloDone */
		{22, 0xfefd, 0, 409, 2}, /* Certificate */
		{22, 0xfefd, 0, 45, 3}, /* ClientKeyExchange */
		{22, 0xfefd, 0, 88, 4}, /* CertificateVerify */
		{20, 0xfefd, 0, 1, 5}, /* ChangeCipherSpec */
		{22, 0xfefd, 1, 48, 0}, /* Finished, sealed */
		{22, 0xfefd, 0, 594, 6}, /* NewSessionTicket */
		{20, 0xfefd, 0, 1, 7}, /* ChangeCipherSpec */
		{22, 0xfefd, 1, 48, 0}, /* Finished, sealed */
	};
	size_t n = 0;
	(void)state;
	for (size_t i = 0; i < OPENSSL_DTLS12_NUM; i++) {
		struct bytes b = unhex(openssl_dtls12[i].hex);
		struct rd r = rd_of(span_of_bytes(&b));
		struct record12 v;
		for (; get_record12(&r, &v); n++) {
			assert_true(n < sizeof want / sizeof want[0]);
			assert_int_equal(v.type, want[n].type);
			assert_int_equal(v.version, want[n].version);
			assert_int_equal(v.epoch, want[n].epoch);
			assert_int_equal(v.fragment.n, want[n].length);
			assert_int_equal(v.seq, want[n].seq);
		}
		assert_true(rd_end(&r));
	}
	assert_int_equal(n, sizeof want / sizeof want[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),  cmocka_unit_test(round_trips), cmocka_unit_test(with_cid),
		cmocka_unit_test(longest), cmocka_unit_test(capture),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
