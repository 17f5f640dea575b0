/* src/base/error.c */
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void names_and_classes(void **state)
{
	static const struct {
		tern_error error;
		const char *name, *sentence;
		tern_error_class class;
		int alert;
	} cases[] = {
		{TERN_OK, "TERN_OK", "no error", TERN_CLASS_OK, -1},
		{TERN_PENDING, "TERN_PENDING", "the answer to a job is awaited", TERN_CLASS_STATUS, -1},
		{TERN_ERROR_USAGE, "TERN_ERROR_USAGE", "the call is not allowed now, or an argument is out of range",
		 TERN_CLASS_USAGE, -1},
		{TERN_ERROR_DECODE, "TERN_ERROR_DECODE", "a message from the peer is malformed", TERN_CLASS_PROTOCOL,
		 50},
		{TERN_ERROR_UNKNOWN_PSK_IDENTITY, "TERN_ERROR_UNKNOWN_PSK_IDENTITY", "the PSK identity is not known",
		 TERN_CLASS_AUTH, 115},
		{TERN_ERROR_INTERNAL, "TERN_ERROR_INTERNAL", "internal error: please report it", TERN_CLASS_INTERNAL,
		 80},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		tern_error e = cases[i].error;
		assert_string_equal(tern_error_name(e), cases[i].name);
		assert_string_equal(tern_error_sentence(e), cases[i].sentence);
		assert_int_equal(tern_error_class_of(e), cases[i].class);
		assert_int_equal(error_alert(e), cases[i].alert);
	}
}

static void out_of_range_is_internal(void **state)
{
	const tern_error beyond[] = {(tern_error)(TERN_ERROR_INTERNAL + 1), (tern_error)-1};
	(void)state;
	for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
		assert_string_equal(tern_error_name(beyond[i]), "TERN_ERROR_INTERNAL");
		assert_int_equal(tern_error_class_of(beyond[i]), TERN_CLASS_INTERNAL);
		assert_int_equal(error_alert(beyond[i]), 80);
	}
}

/* Every error has words of its own, and its alert is one that exists. */
static void every_error(void **state)
{
	(void)state;
	for (int e = 0; e <= (int)TERN_ERROR_INTERNAL; e++) {
		const char *name = tern_error_name((tern_error)e);
		int alert = error_alert((tern_error)e);
		assert_int_equal(strncmp(name, "TERN_", 5), 0);
		assert_true(tern_error_sentence((tern_error)e)[0] != 0);
		if (alert >= 0 && strcmp(tern_alert_name((unsigned)alert), "unknown") == 0)
			fail_msg("%s: alert %d has no name", name, alert);
		if (alert >= 0 && tern_error_class_of((tern_error)e) <= TERN_CLASS_INPUT)
			fail_msg("%s: alert for what is no failure of a connection", name);
		for (int other = 0; other < e; other++)
			if (strcmp(name, tern_error_name((tern_error)other)) == 0)
				fail_msg("%s twice", name);
	}
}

static void alerts_and_drops(void **state)
{
	(void)state;
	assert_string_equal(tern_alert_name(0), "close_notify");
	assert_string_equal(tern_alert_name(50), "decode_error");
	assert_string_equal(tern_alert_name(100), "no_renegotiation");
	assert_string_equal(tern_alert_name(120), "no_application_protocol");
	assert_string_equal(tern_alert_name(1), "unknown");
	assert_string_equal(tern_alert_name(256 + 50), "unknown");
	for (int d = 0; d < TERN_NUM_DROPS; d++)
		assert_string_not_equal(tern_drop_sentence((tern_drop)d), "unknown");
	assert_string_equal(tern_drop_sentence((tern_drop)TERN_NUM_DROPS), "unknown");
	assert_string_equal(tern_version(), TERN_VERSION_TEXT);
}

static void keeps_the_first_failure(void **state)
{
	tern_failure f = {.where = "", .rfc = ""};
	(void)state;
	assert_int_equal(failure_note(&f, TERN_ERROR_DECODE, "a.c:1", "RFC 5246 7.4"), TERN_ERROR_DECODE);
	assert_int_equal(failure_note(&f, TERN_ERROR_INTERNAL, "b.c:2", ""), TERN_ERROR_INTERNAL);
	assert_int_equal(f.error, TERN_ERROR_DECODE);
	assert_string_equal(f.where, "a.c:1");
	assert_string_equal(f.rfc, "RFC 5246 7.4");
}

static void does_not_keep_what_is_no_failure(void **state)
{
	static const tern_error errors[] = {TERN_OK, TERN_PENDING, TERN_ERROR_USAGE, TERN_ERROR_BUFFER_TOO_SMALL,
					    TERN_ERROR_BAD_PEM};
	(void)state;
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		tern_failure f = {.where = "", .rfc = ""};
		assert_int_equal(failure_note(&f, errors[i], "a.c:1", "x"), errors[i]);
		assert_int_equal(f.error, TERN_OK);
		assert_string_equal(f.where, "");
	}
}

static tern_error try_twice(tern_error first, tern_error second, int *reached)
{
	*reached = 0;
	TRY(first);
	*reached = 1;
	TRY(second);
	*reached = 2;
	return TERN_OK;
}

static void try_returns_at_once(void **state)
{
	int reached;
	(void)state;
	assert_int_equal(try_twice(TERN_OK, TERN_OK, &reached), TERN_OK);
	assert_int_equal(reached, 2);
	assert_int_equal(try_twice(TERN_ERROR_DECODE, TERN_ERROR_USAGE, &reached), TERN_ERROR_DECODE);
	assert_int_equal(reached, 0);
	assert_int_equal(try_twice(TERN_OK, TERN_PENDING, &reached), TERN_PENDING);
	assert_int_equal(reached, 1);
}

static void where_names_the_line(void **state)
{
	const char *where = WHERE, *colon = strrchr(where, ':');
	(void)state;
	assert_non_null(strstr(where, "error_test.c:"));
	assert_int_equal(atoi(colon + 1), __LINE__ - 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_classes),
		cmocka_unit_test(out_of_range_is_internal),
		cmocka_unit_test(every_error),
		cmocka_unit_test(alerts_and_drops),
		cmocka_unit_test(keeps_the_first_failure),
		cmocka_unit_test(does_not_keep_what_is_no_failure),
		cmocka_unit_test(try_returns_at_once),
		cmocka_unit_test(where_names_the_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
