/* src/handshake/session.c */
#include "handshake/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "handshake/config.h"
#include "session_fixtures.h"

#define LEN(a) (sizeof(a) / sizeof(a)[0])

/* Offsets in the encoding of session_longest. */
enum {
	AT_ENCODING = 0,
	AT_FLAGS = 5,
	AT_AGE_ADD = 6 + MASTER_LEN,
	AT_CREATED = AT_AGE_ADD + 4 + 4,
	AT_EXPIRES = AT_CREATED + 8,
	AT_ID = AT_EXPIRES + 8 + 32 + 16,
	AT_ALPN = AT_ID + 1 + 32,
	AT_NAME = AT_ALPN + 1 + 63,
	AT_IDENTITY = AT_NAME + 1 + 255,
	AT_HOST = AT_IDENTITY + 1 + 128,
	AT_TICKET = AT_HOST + 1 + 31,
	AT_END = AT_TICKET + 2 + TICKET_MAX
};

static void round_trips(void **state)
{
	const struct {
		const char *name;
		struct session s;
		bool with_ticket;
	} cases[] = {
		{"least", session_least(), true},
		{"longest", session_longest(), true},
		{"longest without ticket", session_longest(), false},
	};
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		uint8_t bytes[TERN_SESSION_MAX];
		struct wr w = wr_of(bytes, sizeof bytes);
		struct session expected = cases[i].s, out;
		struct rd r;
		put_session(&w, &cases[i].s, cases[i].with_ticket);
		r = rd_of(wr_span(&w));
		if (!wr_ok(&w) || !get_session(&r, &out) || !rd_end(&r))
			fail_msg("%s: not decoded", cases[i].name);
		if (!cases[i].with_ticket)
			expected.ticket_len = 0;
		if (!session_same(&out, &expected))
			fail_msg("%s: differs", cases[i].name);
	}
}

static size_t put_longest(uint8_t bytes[TERN_SESSION_MAX])
{
	struct session s = session_longest();
	struct wr w = wr_of(bytes, TERN_SESSION_MAX);
	put_session(&w, &s, true);
	assert_true(wr_ok(&w));
	assert_int_equal(w.n, AT_END);
	return w.n;
}

/* On a refusal the output keeps what it had. */
static bool refused(const uint8_t *bytes, size_t n)
{
	struct session out = {.suite = 0x1234};
	struct rd r = rd_of(span_of(bytes, n));
	return !get_session(&r, &out) && out.suite == 0x1234 && out.master[0] == 0 && r.p == bytes;
}

static void cut_and_extended(void **state)
{
	uint8_t bytes[TERN_SESSION_MAX + 1] = {0};
	size_t n = put_longest(bytes);
	(void)state;
	for (size_t i = 0; i < n; i++)
		if (!refused(bytes, i))
			fail_msg("cut to %zu bytes", i);
	assert_true(refused(bytes, n + 1));
	assert_false(refused(bytes, n));
}

static void impossible(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t value;
	} cases[] = {
		{"encoding 0", AT_ENCODING, 0},
		{"encoding 1", AT_ENCODING, 1},
		{"encoding 2", AT_ENCODING, 2},
		{"encoding 4", AT_ENCODING, 4},
		{"unknown flag", AT_FLAGS, 0x03},
		{"another unknown flag", AT_FLAGS, 0x80},
		{"created before 1970", AT_CREATED, 0xff},
		{"expires before 1970", AT_EXPIRES, 0x80},
		{"id of 33", AT_ID, 33},
		{"protocol of 64", AT_ALPN, 64},
		{"identity of 129", AT_IDENTITY, 129},
		{"ticket of 896", AT_TICKET, 3},
		{"name of 254", AT_NAME, 254},
	};
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		uint8_t bytes[TERN_SESSION_MAX];
		size_t n = put_longest(bytes);
		bytes[cases[i].at] = cases[i].value;
		if (!refused(bytes, n))
			fail_msg("%s", cases[i].name);
	}
}

/* A vector longer than its field with all bytes there: only its own check can refuse it. */
static void vectors_too_long(void **state)
{
	static const struct {
		const char *name;
		size_t at, max;
	} cases[] = {{"id", AT_ID, 32},
		     {"protocol", AT_ALPN, 63},
		     {"identity", AT_IDENTITY, 128},
		     {"host", AT_HOST, 31}};
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		uint8_t bytes[TERN_SESSION_MAX + 1];
		size_t n = put_longest(bytes), at = cases[i].at;
		memmove(bytes + at + 2, bytes + at + 1, n - at - 1);
		bytes[at] = (uint8_t)(cases[i].max + 1);
		if (!refused(bytes, n + 1))
			fail_msg("%s", cases[i].name);
	}
}

static void ticket_too_long(void **state)
{
	uint8_t bytes[TERN_SESSION_MAX + 1] = {0};
	size_t n = put_longest(bytes);
	(void)state;
	wr_store(bytes + AT_TICKET, 2, TICKET_MAX + 1);
	assert_true(refused(bytes, n + 1));
}

static void not_written(void **state)
{
	struct session s[6];
	uint8_t bytes[TERN_SESSION_MAX + 64];
	(void)state;
	for (size_t i = 0; i < LEN(s); i++)
		s[i] = session_longest();
	s[0].id_len++;
	s[1].alpn_len++;
	s[2].psk_identity_len++;
	s[3].ticket_len++;
	s[4].expires_unix_s = -1;
	s[5].host_len++;
	for (size_t i = 0; i < LEN(s); i++) {
		struct wr w = wr_of(bytes, sizeof bytes);
		put_session(&w, &s[i], true);
		if (wr_ok(&w))
			fail_msg("case %zu", i);
	}
}

static void wiped(void **state)
{
	static const struct session zero;
	struct session s = session_longest();
	(void)state;
	session_wipe(&s);
	assert_memory_equal(&s, &zero, sizeof s);
}

/* ---- config_settings_hash ---- */

static tern_error judge(void *user, tern_conn *conn, uint64_t job, const tern_bytes *chain, size_t num_chain,
			bool raw_key)
{
	(void)user, (void)conn, (void)job, (void)chain, (void)num_chain, (void)raw_key;
	return TERN_OK;
}

#define PIN "sha-256:00112233445566778899aabbccddeeff00112233445566778899aabbccddee"

static tern_error plain(tern_config *c)
{
	return tern_config_set_policy(c, "default");
}
static tern_error trust_a(tern_config *c)
{
	return tern_config_add_trust(c, "anchor a", 8);
}
static tern_error trust_b(tern_config *c)
{
	return tern_config_add_trust(c, "anchor b", 8);
}
static tern_error trust_system(tern_config *c)
{
	return tern_config_set_system_trust(c);
}
static tern_error pin_a(tern_config *c)
{
	return tern_config_add_fingerprint(c, PIN "0a");
}
static tern_error pin_b(tern_config *c)
{
	return tern_config_add_fingerprint(c, PIN "0b");
}
static tern_error insecure(tern_config *c)
{
	return tern_config_set_insecure_no_verify(c);
}
static tern_error callback(tern_config *c)
{
	return tern_config_set_verify(c, judge, NULL);
}
static tern_error optional(tern_config *c)
{
	return tern_config_set_client_auth(c, TERN_CLIENT_AUTH_OPTIONAL);
}
static tern_error required(tern_config *c)
{
	return tern_config_set_client_auth(c, TERN_CLIENT_AUTH_REQUIRED);
}

static tern_error (*const settings[])(tern_config *) = {plain, trust_a,	 trust_b,  trust_system, pin_a,
							pin_b, insecure, callback, optional,	 required};

static void hash_of(uint8_t out[16], size_t setting)
{
	tern_config *c = tern_config_new(NULL);
	assert_non_null(c);
	assert_int_equal(config_set_provider(c, &provider_stub), TERN_OK);
	assert_int_equal(settings[setting](c), TERN_OK);
	config_settings_hash(c, out);
	tern_config_free(c);
}

static void settings_tell_configs_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(settings); i++)
		for (size_t j = 0; j < LEN(settings); j++) {
			uint8_t a[16], b[16];
			hash_of(a, i);
			hash_of(b, j);
			if ((memcmp(a, b, 16) == 0) != (i == j))
				fail_msg("settings %zu and %zu", i, j);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),	   cmocka_unit_test(cut_and_extended),
		cmocka_unit_test(impossible),	   cmocka_unit_test(vectors_too_long),
		cmocka_unit_test(ticket_too_long), cmocka_unit_test(not_written),
		cmocka_unit_test(wiped),	   cmocka_unit_test(settings_tell_configs_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
