/* src/connection/config_cid.c */
#include "handshake/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof(a)[0])

static size_t make(void *user, tern_conn *conn, uint8_t *cid, size_t cap)
{
	(void)user;
	(void)conn;
	(void)cid;
	(void)cap;
	return 0;
}

/* IDs that begin with their length. */
static size_t length(void *user, const uint8_t *bytes, size_t n)
{
	assert_ptr_equal(user, &length);
	return n ? bytes[0] : 0;
}

static void setters(void **state)
{
	tern_cid_codec codec = {sizeof codec, make, NULL, length, NULL}, bad;
	tern_config *c = tern_config_new(NULL);
	(void)state;
	assert_false(c->cids);
	assert_int_equal(tern_config_set_cid_length(c, 21), TERN_ERROR_USAGE);
	assert_false(c->cids);
	assert_int_equal(tern_config_set_cid_length(c, 20), TERN_OK);
	assert_true(c->cids);
	assert_int_equal(c->cid_length, 20);
	bad = codec;
	bad.size--;
	assert_int_equal(tern_config_set_cid(c, &bad), TERN_ERROR_USAGE);
	bad = codec;
	bad.make = NULL;
	assert_int_equal(tern_config_set_cid(c, &bad), TERN_ERROR_USAGE);
	bad = codec;
	bad.length = NULL;
	assert_int_equal(tern_config_set_cid(c, &bad), TERN_ERROR_USAGE);
	assert_int_equal(c->cid_length, 20);
	assert_int_equal(tern_config_set_cid(c, &codec), TERN_OK);
	assert_ptr_equal(c->cid_codec.make, make);
	assert_int_equal(tern_config_set_cid_length(c, 0), TERN_OK);
	assert_null(c->cid_codec.make);
	assert_true(c->cids);
	assert_int_equal(tern_config_set_cid(c, NULL), TERN_OK);
	assert_false(c->cids);
	assert_int_equal(tern_config_set_policy(c, "iot"), TERN_OK); /* RFC 9147 5.1 */
	assert_true(c->cids);
	assert_int_equal(c->cid_length, 0);
	assert_int_equal(tern_config_set_policy(c, "default"), TERN_OK);
	assert_false(c->cids);
	assert_int_equal(config_freeze(c), TERN_OK);
	assert_int_equal(tern_config_set_cid_length(c, 1), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_set_cid(c, NULL), TERN_ERROR_USAGE);
	tern_config_free(c);
}

#define HEADER12 "\x19\xfe\xfd\0\1\0\0\0\0\0\7"

/* RFC 9146 4, RFC 9147 4. cid: where it is, and its length; 0: none is found. */
static void find(void **state)
{
	enum how { OFF, FIXED, CODEC };
	static const struct {
		const char *name;
		enum how how;
		const char *bytes;
		size_t n, at, len;
	} cases[] = {
		{"empty", FIXED, "", 0, 0, 0},
		{"plaintext", FIXED, "\x16\xfe\xfd\0\0\0\0\0\0\0\7\0\1x", 14, 0, 0},
		{"protected, of the usual form", FIXED, "\x17\xfe\xfd\0\1\0\0\0\0\0\7\0\4abcd", 17, 0, 0},
		{"1.2", FIXED, HEADER12 "abcd\0\1x", 18, 11, 4},
		{"1.2, ends with it", FIXED, HEADER12 "abcd", 15, 11, 4},
		{"1.2, cut", FIXED, HEADER12 "abc", 14, 0, 0},
		{"1.2, nothing", FIXED, HEADER12, 11, 0, 0},
		{"1.2, less", FIXED, HEADER12, 10, 0, 0},
		{"1.2, without IDs", OFF, HEADER12 "abcd\0\1x", 18, 0, 0},
		{"1.2, codec", CODEC, HEADER12 "\2a\0\1x", 16, 11, 2},
		{"1.2, codec, none of ours", CODEC, HEADER12 "\0a\0\1x", 16, 0, 0},
		{"1.2, codec, longer than the bytes", CODEC, HEADER12 "\6a\0\1x", 16, 0, 0},
		{"1.3", FIXED,
		 "\x3f"
		 "abcd\0\0\0\1x",
		 10, 1, 4},
		{"1.3, short header", FIXED,
		 "\x30"
		 "abcd",
		 5, 1, 4},
		{"1.3, cut", FIXED,
		 "\x30"
		 "abc",
		 4, 0, 0},
		{"1.3, nothing", FIXED, "\x3f", 1, 0, 0},
		{"1.3, no ID", FIXED,
		 "\x2f"
		 "abcd\0\0\0\1x",
		 10, 0, 0},
		{"1.3, without IDs", OFF,
		 "\x3f"
		 "abcd\0\0\0\1x",
		 10, 0, 0},
		{"1.3, codec", CODEC, "\x33\3abcd", 6, 1, 3},
		{"neither", FIXED,
		 "\x50"
		 "abcdefghijklmnop",
		 17, 0, 0},
	};
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		tern_cid_codec codec = {sizeof codec, make, NULL, length, (void *)(uintptr_t)&length};
		tern_config *c = tern_config_new(NULL);
		const uint8_t *bytes = (const uint8_t *)cases[i].bytes;
		tern_bytes cid = {NULL, 0};
		bool found;
		if (cases[i].how == FIXED)
			assert_int_equal(tern_config_set_cid_length(c, 4), TERN_OK);
		if (cases[i].how == CODEC)
			assert_int_equal(tern_config_set_cid(c, &codec), TERN_OK);
		found = tern_find_cid(c, bytes, cases[i].n, &cid);
		if (found != (cases[i].len > 0) ||
		    (found && (cid.data != bytes + cases[i].at || cid.len != cases[i].len)))
			fail_msg("%s", cases[i].name);
		tern_config_free(c);
	}
}

/* [100 and five bits][shard, shard][worker][four]: of QUIC-LB's first byte the upper three bits are the configuration,
 * of Katran's the upper two the version, behind which both look for the server. */
static void format(void **state)
{
	static const uint8_t unique[] = {0xff, 1, 2, 3, 4}, want[] = {0x9f, 0xab, 0xcd, 7, 1, 2, 3, 4};
	uint8_t cid[TERN_CID_LEN];
	uint16_t shard = 0;
	uint8_t worker = 0;
	(void)state;
	tern_cid_format(cid, 0xabcd, 7, unique);
	assert_memory_equal(cid, want, sizeof want);
	assert_true(tern_cid_parse(cid, sizeof cid, &shard, &worker));
	assert_int_equal(shard, 0xabcd);
	assert_int_equal(worker, 7);
	assert_true(tern_cid_parse(cid, sizeof cid, NULL, NULL));
	assert_false(tern_cid_parse(cid, sizeof cid - 1, &shard, &worker));
	for (unsigned first = 0; first < 256; first++) {
		cid[0] = (uint8_t)first;
		assert_true(tern_cid_parse(cid, sizeof cid, NULL, NULL) == (first >> 5 == 4));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setters),
		cmocka_unit_test(find),
		cmocka_unit_test(format),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
