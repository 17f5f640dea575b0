/* src/handshake/server_hello.c: which version a hello gets, and what the versions' answers leave out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "handshake/hellos.h"
#include "handshake/version.h"
#include "usual_pair.h"

#define S UINT64_C(1000000000)

static void versions_without_the_extension(void **state)
{
	static const struct {
		const char *name;
		uint16_t version;
		const struct version *chosen;
	} cases[] = {
		{"DTLS 1.2", 0xfefd, &version12},
		{"DTLS 1.3, which is told by the extension alone", 0xfefc, &version12},
		{"a later minor", 0xfe00, &version12},
		{"a later major", 0xfdff, &version12},
		{"DTLS 1.0", 0xfeff, NULL},
		{"never was", 0xfefe, NULL},
		{"an earlier major", 0xffff, NULL},
	};
	tern_config *config = new_config(NULL);
	struct extensions ext = {0};
	(void)state;
	OK(tern_config_set_versions(config, TERN_DTLS12, TERN_DTLS13));
	for (size_t i = 0; i < NUM(cases); i++) {
		struct client_hello hello = {.version = cases[i].version};
		if (choose_version(config, &hello, &ext) != cases[i].chosen)
			fail_msg("%s", cases[i].name);
	}
	tern_config_free(config);
}

static void start(struct pair *p)
{
	tern_config *client = new_config13(NULL), *server = new_config13(NULL);
	add_trust(client, &root);
	add_cert(server, &leaf);
	OK(tern_config_set_versions(client, TERN_DTLS12, TERN_DTLS13));
	OK(tern_config_set_cookie(server, false));
	pair_init(p, client, server);
}

/* RFC 6066 3. */
static void server_name_is_answered_in_full_handshakes_alone(void **state)
{
	uint8_t session[TERN_SESSION_MAX];
	struct span none = {NULL, 0};
	struct pair p;
	size_t n;
	(void)state;
	start(&p);
	pair_dial(&p, "a.test", none);
	pair_collect(&p, CLIENT);
	while (!p.side[SERVER].conn || !p.side[SERVER].conn->hs->outcome.suite)
		assert_true(pair_carry(&p));
	assert_true(p.side[SERVER].conn->hs->offered.present & HAS_SERVER_NAME);
	pair_settle(&p);
	assert_true(pair_connected(&p));
	OK(tern_conn_session(p.side[CLIENT].conn, session, sizeof session, &n));
	pair_hang_up(&p);
	pair_dial(&p, "a.test", span_of(session, n));
	pair_collect(&p, CLIENT);
	while (!p.side[SERVER].conn || !p.side[SERVER].conn->hs->outcome.suite)
		assert_true(pair_carry(&p));
	assert_false(p.side[SERVER].conn->hs->offered.present & HAS_SERVER_NAME);
	pair_settle(&p);
	assert_true(pair_connected(&p));
	assert_true(pair_info(&p, SERVER).resumed);
	assert_string_equal(pair_info(&p, SERVER).server_name, "a.test");
	pair_free(&p);
}

/* RFC 9147 5.2: DTLS 1.3 has no HelloVerifyRequest. */
static void dtls13_behind_a_verify_request_is_refused(void **state)
{
	static const uint8_t request[] = {3, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 3, 0xfe, 0xff, 0};
	struct pair p;
	(void)state;
	start(&p);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	pair_collect(&p, CLIENT);
	p.num_queued = 0;
	pair_forge(&p, CLIENT, CONTENT_HANDSHAKE, 0, 0, request, sizeof request);
	pair_run(&p, p.now.mono_ns + S);
	check_is("client", p.side[CLIENT].error, TERN_ERROR_ILLEGAL_PARAMETER);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_without_the_extension),
		cmocka_unit_test(server_name_is_answered_in_full_handshakes_alone),
		cmocka_unit_test(dtls13_behind_a_verify_request_is_refused),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
