/* Jobs of DTLS 1.3 that take their time, or fail: the other side hears of it in an epoch it can read (RFC 9147 7, 7.1).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "late.h"
#include "pair.h"

#define S UINT64_C(1000000000)

static int load_signer_of_a(void **state)
{
	(void)state;
	return load_signer("E a.test");
}

enum late { SERVER_SIGNS, CLIENT_SIGNS, CLIENT_VERIFIES, SERVER_VERIFIES, NUM_LATE };
static const char *const lates[NUM_LATE] = {"the server's signature", "the client's signature", "the client's verdict",
					    "the server's verdict"};

static void make_pair(struct pair *p, enum late late)
{
	tern_config *config[2] = {new_config13(NULL), new_config13(NULL)};
	tern_timers timers = {.size = sizeof timers, .first_ns = S, .no_jitter = true};
	bool mutual = late == CLIENT_SIGNS || late == SERVER_VERIFIES;
	for (int i = 0; i < 2; i++) {
		bool signs = late == (i == SERVER ? SERVER_SIGNS : CLIENT_SIGNS);
		bool verifies = late == (i == SERVER ? SERVER_VERIFIES : CLIENT_VERIFIES);
		OK(config_set_provider(config[i], &provider_stub));
		OK(tern_config_set_groups(config[i], "x25519"));
		OK(tern_config_set_timers(config[i], &timers));
		if (signs)
			OK(tern_config_add_signer(config[i], "E a.test", 8, sign_later, NULL));
		else if (i == SERVER || mutual)
			OK(tern_config_add_keypair(config[i], "E a.test", 8, "E a.test", 8));
		if (verifies)
			OK(tern_config_set_verify(config[i], verify_later, NULL));
		else
			OK(tern_config_add_trust(config[i], "E a.test", 8));
	}
	if (mutual)
		OK(tern_config_set_client_auth(config[SERVER], TERN_CLIENT_AUTH_REQUIRED));
	pair_init(p, config[CLIENT], config[SERVER]);
	pair_dial(p, "a.test", span_of(NULL, 0));
	pair_settle(p);
}

static enum role who_waits(enum late late)
{
	return late == SERVER_SIGNS || late == SERVER_VERIFIES ? SERVER : CLIENT;
}

static tern_error answer(struct pair *p, enum late late, tern_error error)
{
	uint8_t signature[SIGNATURE_MAX];
	tern_answer a = {.error = error};
	struct side *s = &p->side[who_waits(late)];
	if (late == SERVER_SIGNS || late == CLIENT_SIGNS) {
		OK(provider_stub.sign(s->pool->crypto, signer, scheme_by_id(scheme_id), span_of(tbs, tbs_len),
				      signature, &a.len));
		a.data = signature;
	}
	return tern_conn_resume(s->conn, s->job, &a, p->now);
}

/* The peer's flight is acknowledged meanwhile, and it does not repeat itself until it gives up. */
static void peer_is_told_to_wait(void **state)
{
	(void)state;
	for (int late = 0; late < NUM_LATE; late++) {
		enum role waits = who_waits((enum late)late);
		struct pair p;
		make_pair(&p, (enum late)late);
		if (!pair_saw(&p, waits, TERN_EVENT_PENDING))
			fail_msg("%s: not asked for", lates[late]);
		for (int i = 0; i < 5 && pair_wait(&p, p.now.mono_ns + 30 * S); i++)
			pair_settle(&p);
		if (pair_info(&p, !waits).retransmissions)
			fail_msg("%s: the peer repeated itself", lates[late]);
		check_is(lates[late], answer(&p, (enum late)late, TERN_OK), TERN_OK);
		pair_events(&p, waits);
		pair_run(&p, p.now.mono_ns + 100 * S);
		if (!pair_connected(&p))
			fail_msg("%s: not connected: client %s, server %s", lates[late],
				 tern_error_name(p.side[CLIENT].error), tern_error_name(p.side[SERVER].error));
		pair_check_data(&p, lates[late]);
		pair_free(&p);
	}
}

static void peer_is_told_of_the_failure(void **state)
{
	(void)state;
	for (int late = 0; late < NUM_LATE; late++) {
		enum role waits = who_waits((enum late)late);
		tern_error says = late >= CLIENT_VERIFIES ? TERN_ERROR_CERTIFICATE_REJECTED : TERN_ERROR_CRYPTO;
		struct pair p;
		make_pair(&p, (enum late)late);
		check_is(lates[late], answer(&p, (enum late)late, says), says);
		pair_settle(&p);
		check_is(lates[late], p.side[!waits].error, TERN_ERROR_PEER_ALERT);
		pair_free(&p);
	}
}

/* While a client waits with the server's Finished behind it, nothing in clear is believed, though no record has come
 * under the newest keys. */
static void plaintext_is_not_believed_meanwhile(void **state)
{
	struct pair p;
	(void)state;
	make_pair(&p, CLIENT_SIGNS);
	assert_true(pair_saw(&p, CLIENT, TERN_EVENT_PENDING));
	assert_int_equal(p.side[CLIENT].conn->records.in.opened, 0);
	pair_forge(&p, CLIENT, CONTENT_ALERT, 0, 99, "\2\50", 2);
	check_is("alert", p.side[CLIENT].error, TERN_OK);
	pair_forge(&p, CLIENT, CONTENT_ACK, 0, 100, "\0\0", 2);
	check_is("answer", answer(&p, CLIENT_SIGNS, TERN_OK), TERN_OK);
	pair_events(&p, CLIENT);
	pair_settle(&p);
	assert_true(pair_connected(&p));
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peer_is_told_to_wait),
		cmocka_unit_test(peer_is_told_of_the_failure),
		cmocka_unit_test(plaintext_is_not_believed_meanwhile),
	};
	return cmocka_run_group_tests(tests, load_signer_of_a, free_signer);
}
