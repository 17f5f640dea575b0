/* Authentication and negotiation: who is who, and what was agreed on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "crypto/stub/stub.h"
#include "handshake/suites.h"
#include "record/epochs.h"
#include "stub_pair.h"

static struct stub_pair s;

static void open_pair(int version, enum deal deal)
{
	stub_prepare(&s, version, deal);
	stub_open(&s);
}

/* Lucky 13, ROBOT, Raccoon: what is not there. */
static void class_D7_no_old_ciphers(void **state)
{
	static const char *const old[] = {"TLS_RSA_WITH_AES_128_CBC_SHA",
					  "TLS_RSA_WITH_AES_128_GCM_SHA256",
					  "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
					  "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
					  "TLS_ECDH_ECDSA_WITH_AES_128_GCM_SHA256",
					  "TLS_PSK_WITH_AES_128_CBC_SHA256"};
	tern_config *c = tern_config_new(NULL);
	(void)state;
	for (size_t i = 0; i < NUM(old); i++)
		assert_int_equal(tern_config_set_suites(c, old[i]), TERN_ERROR_UNKNOWN_NAME);
	for (size_t i = 0; i < num_suites; i++) {
		assert_true(suites[i].aead < NUM_AEADS);
		assert_true(strstr(suites[i].name, "_CBC_") == NULL);
		assert_true(suites[i].version == VERSION_DTLS13 || suites[i].ecdhe || suites[i].psk);
	}
	tern_config_free(c);
}

/* CVE-2025-11932: comparisons see every byte, the first and the last; that they take one time is for valgrind to see.
 */
static void class_D8_comparisons_see_all(void **state)
{
	uint8_t a[48], b[48];
	(void)state;
	for (size_t n = 0; n <= sizeof a; n++)
		for (size_t bit = 0; bit < 8 * n; bit++) {
			memset(a, 7, sizeof a);
			memcpy(b, a, sizeof b);
			assert_true(span_equal_secret(span_of(a, n), span_of(b, n)));
			b[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_false(span_equal_secret(span_of(a, n), span_of(b, n)));
			assert_false(span_equal_secret(span_of(a, n), span_of(a, n - 1)));
		}
	/* Finished, of which one byte is wrong. */
	for (int version = V12; version <= V13; version++) {
		open_pair(version, DEAL_CERTIFICATE);
		for (size_t at = 0; at < 12; at++) {
			struct handshake *hs;
			struct outgoing *last;
			assert_true(stub_start_at(&s, 3));
			(void)pair_carry(&s.p);
			hs = s.p.side[CLIENT].conn->hs;
			last = &hs->flight.messages[hs->flight.num_messages - 1];
			assert_int_equal(last->type, FINISHED);
			((uint8_t *)(uintptr_t)last->body.p)[at] ^= 1;
			pair_settle(&s.p);
			check_is("Finished", s.p.side[SERVER].error, TERN_ERROR_BAD_FINISHED);
		}
		stub_close(&s);
	}
}

/* CVE-2026-42010: an identity is all its bytes, the zero among them. */
static void class_D9_identities_are_not_strings(void **state)
{
	static const struct {
		const char *client, *server;
		size_t client_len, server_len;
		bool good;
	} rows[] = {{"ab\0c", "ab\0c", 4, 4, true},  {"ab", "ab\0c", 2, 4, false}, {"ab\0c", "ab", 4, 2, false},
		    {"ab\0c", "ab\0d", 4, 4, false}, {"ab", "AB", 2, 2, false},	   {"\0", "\0", 1, 1, true},
		    {"ab", "ab\0", 2, 3, false},     {"ab\0", "ab", 3, 2, false}};
	(void)state;
	for (int version = V12; version <= V13; version++)
		for (size_t i = 0; i < NUM(rows); i++) {
			stub_prepare(&s, version, DEAL_CERTIFICATE);
			for (int k = 0; k < 2; k++) {
				tern_config_free(s.config[k]);
				s.config[k] = tern_config_new(NULL);
				OK(config_set_provider(s.config[k], &provider_stub));
				OK(tern_config_set_groups(s.config[k], "x25519"));
				OK(tern_config_set_versions(s.config[k], version == V12 ? TERN_DTLS12 : TERN_DTLS13,
							    version == V12 ? TERN_DTLS12 : TERN_DTLS13));
			}
			OK(tern_config_add_psk(s.config[CLIENT], rows[i].client, rows[i].client_len, "secret", 6));
			OK(tern_config_add_psk(s.config[SERVER], rows[i].server, rows[i].server_len, "secret", 6));
			assert_int_equal(tern_config_add_psk(s.config[CLIENT], "", 0, "secret", 6), TERN_ERROR_USAGE);
			pair_init(&s.p, s.config[CLIENT], s.config[SERVER]);
			pair_dial(&s.p, "a.test", span_of(NULL, 0));
			pair_run(&s.p, LONG_TIME);
			assert_int_equal(pair_connected(&s.p), rows[i].good);
			pair_free(&s.p);
		}
}

static tern_error sign_nonsense(void *user, tern_conn *conn, uint64_t job, uint16_t scheme, const uint8_t *tbs,
				size_t tbs_len, uint8_t *signature, size_t cap, size_t *len)
{
	(void)user;
	(void)conn;
	(void)job;
	(void)scheme;
	(void)tbs_len;
	memcpy(signature, tbs, cap < 32 ? cap : 32);
	*len = 64;
	return TERN_OK;
}

static tern_error refuse(void *user, tern_conn *conn, uint64_t job, const tern_bytes *chain, size_t num_chain,
			 bool raw_key)
{
	(void)user;
	(void)conn;
	(void)job;
	(void)chain;
	(void)num_chain;
	(void)raw_key;
	return TERN_ERROR_CERTIFICATE_REJECTED;
}

/* CVE-2024-12797: who is not who it should be does not get a connection, by whichever way that is found out. */
static void class_D10_failed_authentication_fails(void **state)
{
	static const char wrong[] =
		"sha-256:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:"
		"BB:CC:DD:EE:FF";
	static const tern_error errors[] = {TERN_ERROR_CERTIFICATE_UNKNOWN_ISSUER, TERN_ERROR_FINGERPRINT,
					    TERN_ERROR_CERTIFICATE_REJECTED, TERN_ERROR_BAD_SIGNATURE,
					    TERN_ERROR_CERTIFICATE_NAME};
	(void)state;
	for (int version = V12; version <= V13; version++)
		for (unsigned how = 0; how < NUM(errors); how++)
			for (unsigned raw = 0; raw < 2; raw++) {
				tern_config *client, *server;
				if (raw && (how == 0 || how == 4))
					continue; /* a raw key has no issuer, and no name */
				stub_prepare(&s, version, DEAL_PSK);
				tern_config_free(s.config[CLIENT]);
				tern_config_free(s.config[SERVER]);
				client = s.config[CLIENT] = new_config(NULL);
				server = s.config[SERVER] = new_config(NULL);
				for (int k = 0; k < 2; k++) {
					OK(config_set_provider(s.config[k], &provider_stub));
					OK(tern_config_set_versions(s.config[k],
								    version == V12 ? TERN_DTLS12 : TERN_DTLS13,
								    version == V12 ? TERN_DTLS12 : TERN_DTLS13));
					OK(tern_config_set_groups(s.config[k], "x25519,secp256r1"));
				}
				if (how == 3)
					OK(tern_config_add_signer(server, "E a.test", 8, sign_nonsense, NULL));
				else if (raw)
					OK(tern_config_add_raw_key(server, "E a.test", 8));
				else
					OK(tern_config_add_keypair(server, "E a.test", 8, "E a.test", 8));
				if (how == 1)
					OK(tern_config_add_fingerprint(client, wrong));
				else if (how == 2)
					OK(tern_config_set_verify(client, refuse, NULL));
				else
					OK(tern_config_add_trust(client, how == 0 ? "E b.test" : "E a.test", 8));
				pair_init(&s.p, client, server);
				pair_dial(&s.p, how == 4 ? "c.test" : "a.test", span_of(NULL, 0));
				pair_run(&s.p, LONG_TIME);
				assert_false(pair_saw(&s.p, CLIENT, TERN_EVENT_CONNECTED));
				assert_false(pair_saw(&s.p, SERVER, TERN_EVENT_CONNECTED));
				check_is("not who it should be", s.p.side[CLIENT].error, errors[how]);
				assert_false(pair_info(&s.p, CLIENT).peer_authenticated);
				pair_free(&s.p);
			}
}

static bool hide_versions(struct pair *p, struct datagram_on_wire *d)
{
	(void)p;
	if (d->to == SERVER && d->bytes[0] == CONTENT_HANDSHAKE && d->bytes[RECORD12_HEADER] == CLIENT_HELLO)
		(void)!spoil_extension(d, 43, 0xfafa);
	return true;
}

/* RFC 8446 4.1.3, openssl issue 15488: who is talked down notices, and a retry does not come behind the answer. */
static void class_D11_downgrade(void **state)
{
	static const uint8_t retry[] = {0xfe, 0xff, 4, 1, 2, 3, 4};
	struct datagram_on_wire d;
	(void)state;
	open_pair(V_BOTH, DEAL_CERTIFICATE);
	s.p.tap = hide_versions;
	stub_dial(&s);
	pair_run(&s.p, LONG_TIME);
	check_is("talked down", s.p.side[CLIENT].error, TERN_ERROR_DOWNGRADE);
	stub_close(&s);
	open_pair(V12, DEAL_CERTIFICATE);
	assert_true(stub_start_at(&s, 3));
	d = s.p.queue[0];
	pair_feed(&s.p, CLIENT, d.bytes, record_len(&d));
	forge_message(&s, CLIENT, HELLO_VERIFY_REQUEST, (uint16_t)s.p.side[CLIENT].conn->hs->inbox.next, retry,
		      sizeof retry);
	check_is("a retry behind ServerHello", s.p.side[CLIENT].error, TERN_ERROR_UNEXPECTED_MESSAGE);
	stub_close(&s);
}

static uint16_t spoilt_type;
static enum role spoilt_to;

static bool spoil(struct pair *p, struct datagram_on_wire *d)
{
	uint8_t type = spoilt_to == SERVER ? CLIENT_HELLO : SERVER_HELLO;
	(void)p;
	if (d->to == spoilt_to && d->bytes[0] == CONTENT_HANDSHAKE && d->bytes[4] == 0 &&
	    d->bytes[RECORD12_HEADER] == type)
		(void)!spoil_extension(d, spoilt_type, 0);
	return true;
}

/* CVE-2023-3724, CVE-2025-11935: each extension that keys hang on, left out of each hello. */
static void class_D12_extensions_left_out(void **state)
{
	static const struct {
		int version;
		enum role to;
		uint16_t type;
		tern_error error; /* of whom it is left out to */
	} rows[] = {
		{V12, SERVER, 23, TERN_ERROR_NO_EXTENDED_MASTER_SECRET},
		{V12, CLIENT, 23, TERN_ERROR_NO_EXTENDED_MASTER_SECRET},
		{V12, CLIENT, 0xff01, TERN_ERROR_RENEGOTIATION},
		{V13, CLIENT, 51, TERN_ERROR_MISSING_EXTENSION},
		{V13, SERVER, 51, TERN_ERROR_MISSING_EXTENSION},
		{V13, SERVER, 10, TERN_ERROR_MISSING_EXTENSION},
		{V13, SERVER, 13, TERN_ERROR_MISSING_EXTENSION},
		{V13, SERVER, 43, TERN_ERROR_PROTOCOL_VERSION},
		{V13, CLIENT, 43, TERN_ERROR_PROTOCOL_VERSION},
	};
	(void)state;
	for (size_t i = 0; i < NUM(rows); i++) {
		uint8_t session[TERN_SESSION_MAX];
		size_t n;
		stub_prepare(&s, rows[i].version, DEAL_CERTIFICATE);
		OK(tern_config_set_cookie(s.config[SERVER], false));
		stub_open(&s);
		stub_dial(&s);
		pair_settle(&s.p);
		OK(tern_conn_session(s.p.side[CLIENT].conn, session, sizeof session, &n));
		pair_hang_up(&s.p);
		spoilt_type = rows[i].type;
		spoilt_to = rows[i].to;
		s.p.tap = spoil;
		/* The extended master secret is a must where a session is resumed: RFC 7627 5.3. */
		pair_dial(&s.p, "a.test", rows[i].type == 23 ? span_of(session, n) : span_of(NULL, 0));
		pair_run(&s.p, LONG_TIME);
		assert_false(pair_connected(&s.p));
		if (s.p.side[rows[i].to].error != rows[i].error)
			fail_msg("extension %u to side %d: %s", rows[i].type, (int)rows[i].to,
				 tern_error_name(s.p.side[rows[i].to].error));
		stub_close(&s);
	}
}

/* openssl issues 15095 to 15097: there is no renegotiation, whoever asks. */
static void class_D13_no_renegotiation(void **state)
{
	(void)state;
	for (int to = 0; to < 2; to++) {
		struct datagram_on_wire d;
		stub_prepare(&s, V12, DEAL_CERTIFICATE);
		stub_open(&s);
		assert_true(stub_start_at(&s, 2));
		d = s.p.queue[0];
		pair_settle(&s.p);
		assert_true(pair_connected(&s.p));
		if (to == CLIENT)
			pair_say(&s.p, CLIENT, 1, HELLO_REQUEST, 0, NULL, 0);
		else
			pair_seal(&s.p, SERVER, CONTENT_HANDSHAKE, d.bytes + RECORD12_HEADER, d.n - RECORD12_HEADER);
		assert_null(s.p.side[to].conn->hs);
		assert_int_equal(s.p.side[to].conn->alert_description, ALERT_NO_RENEGOTIATION);
		pair_collect(&s.p, (enum role)to);
		assert_int_equal(s.p.num_queued, 1);
		pair_settle(&s.p);
		pair_check_data(&s.p, "no renegotiation");
		stub_close(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(class_D7_no_old_ciphers),
		cmocka_unit_test(class_D8_comparisons_see_all),
		cmocka_unit_test(class_D9_identities_are_not_strings),
		cmocka_unit_test(class_D10_failed_authentication_fails),
		cmocka_unit_test(class_D11_downgrade),
		cmocka_unit_test(class_D12_extensions_left_out),
		cmocka_unit_test(class_D13_no_renegotiation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
