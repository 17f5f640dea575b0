/* src/handshake/early13.c, called by itself: what a server may answer, and what a client may offer again. */
#include "handshake/early13.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NUM(a) (sizeof(a) / sizeof(a)[0])

static void check_is(const char *name, tern_error got, tern_error want)
{
	if (got != want)
		fail_msg("%s: %s, not %s", name, tern_error_name(got), tern_error_name(want));
}

/* A server that accepts what it may not. */
static void answers_that_may_not_be(void **state)
{
	static const struct {
		const char *name;
		tern_early_data early;
		bool answered;
		const char *alpn;
		tern_error error;
		tern_early_data then;
	} cases[] = {
		{"accepted", TERN_EARLY_DATA_OFFERED, true, "a", TERN_OK, TERN_EARLY_DATA_ACCEPTED},
		{"declined", TERN_EARLY_DATA_OFFERED, false, "a", TERN_OK, TERN_EARLY_DATA_REJECTED},
		{"another protocol", TERN_EARLY_DATA_OFFERED, true, "b", TERN_ERROR_ILLEGAL_PARAMETER,
		 TERN_EARLY_DATA_OFFERED},
		{"no protocol", TERN_EARLY_DATA_OFFERED, true, "", TERN_ERROR_ILLEGAL_PARAMETER,
		 TERN_EARLY_DATA_OFFERED},
		{"not resumed", TERN_EARLY_DATA_REJECTED, true, "a", TERN_ERROR_ILLEGAL_PARAMETER,
		 TERN_EARLY_DATA_REJECTED},
		{"not resumed, declined", TERN_EARLY_DATA_REJECTED, false, "b", TERN_OK, TERN_EARLY_DATA_REJECTED},
		{"never offered", TERN_EARLY_DATA_NONE, false, "b", TERN_OK, TERN_EARLY_DATA_NONE},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct session s = {.alpn = "a", .alpn_len = 1};
		struct record_layer records = {0};
		tern_failure failure = {0};
		struct handshake hs = {
			.role = CLIENT,
			.records = &records,
			.failure = &failure,
			.session = &s,
			.outcome = {.early = cases[i].early, .alpn = span_of(cases[i].alpn, strlen(cases[i].alpn))},
		};
		struct extensions ext = {.present = cases[i].answered ? HAS_EARLY_DATA : 0};
		check_is(cases[i].name, early13_take_answer(&hs, &ext), cases[i].error);
		assert_int_equal(hs.outcome.early, cases[i].then);
	}
}

/* RFC 8446 4.1.2: not in a second hello. */
static void none_after_a_retry(void **state)
{
	tern_failure failure = {0};
	struct tern_config config = {0};
	tern_pool pool = {.config = &config};
	struct handshake hs = {.role = SERVER, .failure = &failure, .retried = true, .pool = &pool};
	struct found_psk psk = {0};
	struct extensions ext = {.present = HAS_EARLY_DATA};
	struct early_request request = {.ext = &ext, .psk = &psk};
	tern_early_reason reason;
	(void)state;
	check_is("offered", early13_judge(&hs, &request, &reason), TERN_ERROR_ILLEGAL_PARAMETER);
	ext.present = 0;
	check_is("not offered", early13_judge(&hs, &request, &reason), TERN_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_that_may_not_be),
		cmocka_unit_test(none_after_a_retry),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
