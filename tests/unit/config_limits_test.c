/* src/connection/config_limits.c. RFC 6347 4.1.2.6, RFC 9147 4.5.1, 5.8.2. */
#include "handshake/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof(a)[0])

#define MS UINT64_C(1000000)
#define S (1000 * MS)
#define HOUR (3600 * S)

static void timers(void **state)
{
	static const struct {
		const char *name;
		tern_timers in;
		tern_error error;
	} cases[] = {
		{"all left alone", {0, 0, 0, 0, 0, false, false, 0, 0}, TERN_OK},
		{"least", {0, 1 * MS, 1 * MS, 1 * MS, 1, true, true, 0, 0}, TERN_OK},
		{"most", {0, HOUR, HOUR, 24 * HOUR, 255, false, false, 0, 0}, TERN_OK},
		{"first too short", {0, 1 * MS - 1, 0, 0, 0, false, false, 0, 0}, TERN_ERROR_USAGE},
		{"first over the policy's cap", {0, 61 * S, 0, 0, 0, false, false, 0, 0}, TERN_ERROR_USAGE},
		{"cap under the policy's first", {0, 0, 999 * MS, 0, 0, false, false, 0, 0}, TERN_ERROR_USAGE},
		{"cap too long", {0, 0, HOUR + 1, 0, 0, false, false, 0, 0}, TERN_ERROR_USAGE},
		{"cap overflows", {0, 0, UINT64_MAX, 0, 0, false, false, 0, 0}, TERN_ERROR_USAGE},
		{"handshake too short", {0, 0, 0, 1, 0, false, false, 0, 0}, TERN_ERROR_USAGE},
		{"handshake too long", {0, 0, 0, 24 * HOUR + 1, 0, false, false, 0, 0}, TERN_ERROR_USAGE},
		{"too many tries", {0, 0, 0, 0, 256, false, false, 0, 0}, TERN_ERROR_USAGE},
		{"most steady", {0, 0, 0, 0, 0, false, false, 255, 0}, TERN_OK},
		{"too steady", {0, 0, 0, 0, 0, false, false, 256, 0}, TERN_ERROR_USAGE},
		{"longest wait for an ACK", {0, 0, 0, 0, 0, false, false, 0, 250 * MS}, TERN_OK},
		{"too long a wait", {0, 0, 0, 0, 0, false, false, 0, 250 * MS + 1}, TERN_ERROR_USAGE},
	};
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		tern_config *c = tern_config_new(NULL);
		tern_timers t = cases[i].in, before = c->timers;
		bool right;
		t.size = sizeof t;
		if (tern_config_set_timers(c, &t) != cases[i].error)
			fail_msg("%s: error", cases[i].name);
		right = cases[i].error != TERN_OK
				? memcmp(&c->timers, &before, sizeof before) == 0
				: c->timers.first_ns == (t.first_ns ? t.first_ns : 1 * S) &&
					  c->timers.cap_ns == (t.cap_ns ? t.cap_ns : 60 * S) &&
					  c->timers.handshake_ns == (t.handshake_ns ? t.handshake_ns : 120 * S) &&
					  c->timers.max_tries == (t.max_tries ? t.max_tries : 12) &&
					  c->timers.steady_tries == (t.steady_tries ? t.steady_tries : 1) &&
					  c->timers.no_rtt == t.no_rtt && c->timers.no_jitter == t.no_jitter &&
					  c->timers.ack_ns == t.ack_ns;
		if (!right)
			fail_msg("%s: effect", cases[i].name);
		tern_config_free(c);
	}
}

static void timers_and_policies(void **state)
{
	tern_timers first = {.size = sizeof first, .first_ns = 2 * S};
	tern_timers cap = {.size = sizeof cap, .cap_ns = 30 * S};
	tern_config *c = tern_config_new(NULL);
	(void)state;
	assert_int_equal(tern_config_set_policy(c, "iot"), TERN_OK);
	assert_int_equal(tern_config_set_timers(c, &first), TERN_OK);
	assert_int_equal(c->timers.first_ns, 2 * S);
	assert_int_equal(tern_config_set_timers(c, &cap), TERN_OK);
	assert_int_equal(c->timers.first_ns, 9 * S);
	assert_int_equal(c->timers.cap_ns, 30 * S);
	assert_int_equal(tern_config_set_policy(c, "webrtc"), TERN_OK);
	assert_int_equal(c->timers.first_ns, 400 * MS);
	assert_int_equal(c->timers.cap_ns, 60 * S);
	tern_config_free(c);
}

static void limits(void **state)
{
	static const struct {
		const char *name;
		tern_limits in;
		tern_error error;
	} cases[] = {
		{"all left alone", {.mtu = 0}, TERN_OK},
		{"least MTU", {.mtu = 96}, TERN_OK},
		{"MTU too small", {.mtu = 95}, TERN_ERROR_USAGE},
		{"most MTU", {.mtu = 65507}, TERN_OK},
		{"MTU too large", {.mtu = 65508}, TERN_ERROR_USAGE},
		{"no window", {.replay_window = 1}, TERN_OK},
		{"window of 2", {.replay_window = 2}, TERN_ERROR_USAGE},
		{"window of 63", {.replay_window = 63}, TERN_ERROR_USAGE},
		{"window of 128", {.replay_window = 128}, TERN_OK},
		{"window of 100", {.replay_window = 100}, TERN_ERROR_USAGE},
		{"widest window", {.replay_window = 8192}, TERN_OK},
		{"window too wide", {.replay_window = 8256}, TERN_ERROR_USAGE},
		{"least record", {.record_size_limit = 64}, TERN_OK},
		{"record too short", {.record_size_limit = 63}, TERN_ERROR_USAGE},
		{"longest record", {.record_size_limit = 16384}, TERN_OK},
		{"record too long", {.record_size_limit = 16385}, TERN_ERROR_USAGE},
		{"fragment 512", {.max_fragment_length = 512}, TERN_OK},
		{"fragment 1024", {.max_fragment_length = 1024}, TERN_OK},
		{"fragment 2048", {.max_fragment_length = 2048}, TERN_OK},
		{"fragment 4096", {.max_fragment_length = 4096}, TERN_OK},
		{"fragment 1000", {.max_fragment_length = 1000}, TERN_ERROR_USAGE},
		{"least memory", {.handshake_bytes = 4096}, TERN_OK},
		{"too little memory", {.handshake_bytes = 4095}, TERN_ERROR_USAGE},
		{"too much memory", {.handshake_bytes = (1 << 24) + 1}, TERN_ERROR_USAGE},
		{"least message", {.message_bytes = 512}, TERN_OK},
		{"message too short", {.message_bytes = 511}, TERN_ERROR_USAGE},
		{"longest message", {.message_bytes = (1 << 24) - 1}, TERN_OK},
		{"message too long", {.message_bytes = 1 << 24}, TERN_ERROR_USAGE},
		{"all record numbers", {.seal_limit = (UINT64_C(1) << 48) - 1}, TERN_OK},
		{"more than all", {.seal_limit = UINT64_C(1) << 48}, TERN_ERROR_USAGE},
		{"a week", {.session_seconds = 604800}, TERN_OK},
		{"more than a week", {.session_seconds = 604801}, TERN_ERROR_USAGE},
	};
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		tern_config *c = tern_config_new(NULL);
		tern_limits l = cases[i].in, before = c->limits, expected;
		l.size = sizeof l;
		if (tern_config_set_limits(c, &l) != cases[i].error)
			fail_msg("%s: error", cases[i].name);
		expected = (tern_limits){
			.size = sizeof l,
			.mtu = l.mtu ? l.mtu : 1200,
			.replay_window = l.replay_window ? l.replay_window : 64,
			.record_size_limit = l.record_size_limit,
			.max_fragment_length = l.max_fragment_length,
			.handshake_bytes = l.handshake_bytes ? l.handshake_bytes : 65536,
			.message_bytes = l.message_bytes ? l.message_bytes : 32768,
			.seal_limit = l.seal_limit,
			.session_seconds = l.session_seconds ? l.session_seconds : 86400,
		};
		if (cases[i].error != TERN_OK)
			expected = before;
		if (c->limits.size != expected.size || c->limits.mtu != expected.mtu ||
		    c->limits.replay_window != expected.replay_window ||
		    c->limits.record_size_limit != expected.record_size_limit ||
		    c->limits.max_fragment_length != expected.max_fragment_length ||
		    c->limits.handshake_bytes != expected.handshake_bytes ||
		    c->limits.message_bytes != expected.message_bytes || c->limits.seal_limit != expected.seal_limit ||
		    c->limits.session_seconds != expected.session_seconds)
			fail_msg("%s: effect", cases[i].name);
		tern_config_free(c);
	}
}

/* Callers compiled against another tern.h. What lies behind their struct must not be looked at. */
static void sizes(void **state)
{
	static const struct {
		const char *name;
		size_t size;
		tern_error error;
		bool takes_first, takes_handshake;
	} cases[] = {
		{"ours", sizeof(tern_timers), TERN_OK, true, true},
		{"older, without the wait of ACKs", offsetof(tern_timers, ack_ns), TERN_OK, true, true},
		{"older, without tries", offsetof(tern_timers, max_tries), TERN_OK, true, true},
		{"older, two fields", offsetof(tern_timers, cap_ns), TERN_OK, true, false},
		{"oldest, size alone", sizeof(size_t), TERN_OK, false, false},
		{"newer", sizeof(tern_timers) + 8, TERN_ERROR_USAGE, false, false},
		{"huge", SIZE_MAX - 7, TERN_ERROR_USAGE, false, false},
		{"not set", 0, TERN_ERROR_USAGE, false, false},
		{"shorter than itself", 4, TERN_ERROR_USAGE, false, false},
		{"cuts a field", 12, TERN_ERROR_USAGE, false, false},
	};
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		const tern_timers in = {cases[i].size, 3 * S, 50 * S, 99 * S, 7, true, true, 2, 100 * MS};
		tern_config *c = tern_config_new(NULL);
		if (tern_config_set_timers(c, &in) != cases[i].error)
			fail_msg("%s: error", cases[i].name);
		if (c->timers.size != sizeof(tern_timers) ||
		    c->timers.first_ns != (cases[i].takes_first ? 3 * S : 1 * S) ||
		    c->timers.handshake_ns != (cases[i].takes_handshake ? 99 * S : 120 * S) ||
		    c->timers.max_tries != (i <= 1 ? 7 : 12) || c->timers.no_rtt != (i <= 1) ||
		    c->timers.steady_tries != (i <= 1 ? 2 : 1) || c->timers.ack_ns != (i == 0 ? 100 * MS : 0))
			fail_msg("%s: effect", cases[i].name);
		tern_config_free(c);
	}
}

static void no_struct(void **state)
{
	static const tern_limits newer = {.size = sizeof newer + 8}, none = {.size = 0};
	tern_config *c = tern_config_new(NULL);
	(void)state;
	assert_int_equal(tern_config_set_timers(c, NULL), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_set_limits(c, NULL), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_set_limits(c, &newer), TERN_ERROR_USAGE);
	assert_int_equal(tern_config_set_limits(c, &none), TERN_ERROR_USAGE);
	tern_config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers), cmocka_unit_test(timers_and_policies), cmocka_unit_test(limits),
		cmocka_unit_test(sizes),  cmocka_unit_test(no_struct),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
