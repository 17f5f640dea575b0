/* Authentication, keys and nonces. */
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
static const uint8_t zeros[256];

static void open_pair(int version, enum deal deal)
{
	stub_prepare(&s, version, deal);
	stub_open(&s);
}

/* ---- a peer that leaves out a message of its own ---- */

static bool never(const struct handshake *hs)
{
	(void)hs;
	return false;
}

static struct step cut_script[32];

/* From now on the handshake does not send this message, and its transcript does not miss it. */
static void leave_out(struct handshake *hs, uint8_t message)
{
	assert_true(hs->num_steps <= NUM(cut_script));
	memcpy(cut_script, hs->script, hs->num_steps * sizeof cut_script[0]);
	for (size_t i = 0; i < hs->num_steps; i++)
		if (cut_script[i].message == message && cut_script[i].from == hs->role)
			cut_script[i].present = never;
	hs->script = cut_script;
}

/* The client has taken ServerHello, and nothing more, when it starts to cheat. */
static void client_leaves_out(uint8_t message)
{
	struct datagram_on_wire d;
	size_t n;
	assert_true(stub_start_at(&s, 3));
	d = s.p.queue[0];
	s.p.num_queued = 0;
	n = record_len(&d);
	pair_feed(&s.p, CLIENT, d.bytes, n);
	leave_out(s.p.side[CLIENT].conn->hs, message);
	pair_feed(&s.p, CLIENT, d.bytes + n, d.n - n);
	pair_run(&s.p, LONG_TIME);
}

/* CVE-2020-2655, CVE-2022-25640: a certificate without its proof, a proof without certificate, neither. */
static void class_D1_no_proof_is_optional(void **state)
{
	static const uint8_t left_out[] = {CERTIFICATE_VERIFY, CERTIFICATE, FINISHED};
	(void)state;
	for (int version = V12; version <= V13; version++) {
		open_pair(version, DEAL_MUTUAL);
		for (size_t i = 0; i < sizeof left_out; i++) {
			client_leaves_out(left_out[i]);
			assert_false(pair_saw(&s.p, SERVER, TERN_EVENT_CONNECTED));
			if (i == 1 || (i == 0 && version == V13))
				check_is("left out", s.p.side[SERVER].error, TERN_ERROR_UNEXPECTED_MESSAGE);
		}
		pair_hang_up(&s.p);
		stub_dial(&s);
		stub_finish(&s, "all in place");
		stub_close(&s);
	}
}

/* CVE-2019-20786: data in clear, in every state. */
static void class_D2_plaintext_data(void **state)
{
	(void)state;
	for (int version = V12; version <= V13; version++) {
		open_pair(version, DEAL_CERTIFICATE);
		for (unsigned step = 0; step < 12; step++)
			for (int to = 0; to < 2; to++) {
				(void)stub_start_at(&s, step);
				if (!s.p.side[to].conn)
					continue;
				for (unsigned seq = 0; seq < 70; seq++)
					pair_forge(&s.p, (enum role)to, CONTENT_APPLICATION_DATA, 0, seq, zeros, 30);
				assert_false(pair_saw(&s.p, (enum role)to, TERN_EVENT_DATA));
				stub_finish(&s, "data in clear");
			}
		stub_close(&s);
	}
}

/* wolfSSL issues 8579, 8627: what belongs under one key does not come under another. */
static void class_D3_wrong_epoch(void **state)
{
	struct tern_conn *server;
	uint8_t finished[32] = {0};
	(void)state;
	open_pair(V13, DEAL_CERTIFICATE);
	/* Data under the keys of the handshake, before and after its end. */
	for (unsigned step = 4; step < 6; step++) {
		(void)stub_start_at(&s, step);
		server = s.p.side[SERVER].conn;
		assert_true(epochs_peek_write(&server->records, 2) && epochs_read(&s.p.side[CLIENT].conn->records, 2));
		pair_seal_in(&s.p, CLIENT, 2, CONTENT_APPLICATION_DATA, zeros, 30);
		assert_false(pair_saw(&s.p, CLIENT, TERN_EVENT_DATA));
		assert_int_equal(pair_info(&s.p, CLIENT).dropped[TERN_DROP_EARLY_DATA], 1);
		stub_finish(&s, "data under keys of the handshake");
	}
	/* A message of after the handshake under its keys; Finished under the keys of data. */
	pair_say(&s.p, CLIENT, 2, KEY_UPDATE, (uint16_t)s.p.side[CLIENT].conn->after->receive_seq, zeros, 1);
	check_is("KeyUpdate in epoch 2", s.p.side[CLIENT].error, TERN_ERROR_UNEXPECTED_MESSAGE);
	assert_true(stub_start_at(&s, 3));
	s.p.num_queued = 0;
	server = s.p.side[SERVER].conn;
	assert_int_equal(server->hs->script[server->hs->at].message, FINISHED);
	forge_message(&s, SERVER, FINISHED, (uint16_t)server->hs->inbox.next, finished, sizeof finished);
	check_is("Finished in clear", s.p.side[SERVER].error, TERN_OK);
	assert_int_equal(pair_info(&s.p, SERVER).dropped[TERN_DROP_PLAINTEXT], 1);
	stub_finish(&s, "Finished in clear");
	stub_close(&s);
	/* DTLS 1.2: a message of the handshake in clear where it is protected, and the other way round. */
	open_pair(V12, DEAL_CERTIFICATE);
	assert_true(stub_start_at(&s, 3));
	forge_message(&s, SERVER, FINISHED, 2, finished, 12);
	check_is("Finished too early", s.p.side[SERVER].error, TERN_ERROR_UNEXPECTED_MESSAGE);
	stub_close(&s);
}

static tern_error no_random(void *user, uint8_t *out, size_t n)
{
	unsigned *left = user;
	if (*left == 0)
		return TERN_ERROR_RANDOM;
	--*left;
	memset(out, 0x5a, n);
	return TERN_OK;
}

/* CVE-2020-11501: randoms are random, and without any nothing goes on. */
static void class_D4_randoms(void **state)
{
	static uint8_t seen[64][32];
	(void)state;
	for (int version = V12; version <= V13; version++) {
		open_pair(version, DEAL_CERTIFICATE);
		for (unsigned i = 0; i < 64; i++) {
			const struct handshake *hs;
			assert_true(stub_start_at(&s, 3));
			hs = s.p.side[SERVER].conn->hs;
			memcpy(seen[i], i & 1 ? hs->client_random : hs->server_random, 32);
			assert_memory_not_equal(seen[i], zeros, 8);
			/* The stub's random numbers are the same on both sides. */
			for (unsigned k = i & 1; k < i; k += 2)
				assert_memory_not_equal(seen[i], seen[k], 8);
		}
		stub_close(&s);
		for (unsigned side = 0; side < 2; side++)
			for (unsigned draws = 0; draws < 12; draws++) {
				unsigned left = 1000; /* the pool draws too */
				stub_prepare(&s, version, DEAL_CERTIFICATE);
				OK(tern_config_set_insecure_random(s.config[side], no_random, &left));
				pair_init(&s.p, s.config[CLIENT], s.config[SERVER]);
				left = draws;
				pair_dial(&s.p, "a.test", span_of(NULL, 0));
				if (side == SERVER)
					pair_accept(&s.p);
				pair_run(&s.p, LONG_TIME);
				if (left == 0 && !pair_connected(&s.p) && s.p.side[side].error != TERN_OK)
					check_is("without random bytes", s.p.side[side].error, TERN_ERROR_RANDOM);
				if (draws == 0)
					assert_false(pair_connected(&s.p));
				pair_free(&s.p);
			}
	}
}

/* CVE-2020-13777: keys of tickets are there from the first, and are nobody else's. */
static void class_D5_ticket_keys(void **state)
{
	uint8_t session[TERN_SESSION_MAX];
	size_t n;
	(void)state;
	for (int version = V12; version <= V13; version++) {
		struct keyring_keys keys;
		tern_keyring *other;
		stub_connect(&s, version, DEAL_CERTIFICATE);
		keyring_read(s.config[SERVER]->keyring, &keys);
		assert_memory_not_equal(keys.current.ticket_key, zeros, 32);
		assert_memory_not_equal(keys.current.cookie_key, zeros, 32);
		assert_memory_not_equal(keys.current.ticket_key, keys.current.cookie_key, 32);
		OK(tern_conn_session(s.p.side[CLIENT].conn, session, sizeof session, &n));
		for (unsigned rotations = 0; rotations < 3; rotations++) {
			pair_hang_up(&s.p);
			pair_dial(&s.p, "a.test", span_of(session, n));
			stub_finish(&s, "with a ticket");
			assert_int_equal(pair_info(&s.p, SERVER).resumed, rotations < 2);
			OK(tern_keyring_rotate(s.config[SERVER]->keyring, NULL, 0));
		}
		stub_close(&s);
		/* Another server's. */
		stub_prepare(&s, version, DEAL_CERTIFICATE);
		OK(tern_keyring_new(&other, NULL, 0));
		OK(tern_config_set_keyring(s.config[SERVER], other));
		tern_keyring_free(other);
		stub_open(&s);
		pair_dial(&s.p, "a.test", span_of(session, n));
		stub_finish(&s, "with another server's ticket");
		assert_false(pair_info(&s.p, SERVER).resumed);
		stub_close(&s);
	}
}

/* CVE-2026-26014: a number serves once, also where a message is sent again, and the last one is the last. */
static void class_D6_no_nonce_twice(void **state)
{
	uint8_t out[PAIR_DATAGRAM];
	size_t n;
	(void)state;
	for (int version = V12; version <= V13; version++) {
		struct write_epoch *e;
		uint64_t before;
		open_pair(version, DEAL_CERTIFICATE);
		assert_true(stub_start_at(&s, version == V12
						      ? 5
						      : 3)); /* a protected flight of the server's is on its way */
		e = &s.p.side[SERVER].conn->records.out;
		if (version == V13)
			e = epochs_write(&s.p.side[SERVER].conn->records, 2);
		before = e->next_seq;
		s.p.num_queued = 0;
		assert_true(before > 0);
		assert_true(pair_wait(&s.p, s.p.now.mono_ns + LONG_TIME));
		pair_settle(&s.p);
		assert_true(e->next_seq > before || version == V13);
		stub_finish(&s, "sent again");
		e = &s.p.side[CLIENT].conn->records.out;
		e->key.aead = AEAD_CHACHA20_POLY1305; /* for its limit, one below the numbers' */
		e->next_seq = RECORD_SEQ_MAX - 1;
		assert_int_equal(record_seal(&s.p.side[CLIENT].conn->records, e->epoch, CONTENT_ALERT,
					     span_of(zeros, 2), &(struct wr){.p = out, .cap = sizeof out}, NULL),
				 TERN_OK);
		assert_int_equal(e->next_seq, RECORD_SEQ_MAX);
		assert_int_equal(tern_conn_seal(s.p.side[CLIENT].conn, out, sizeof out, &n, zeros, 9, s.p.now),
				 TERN_ERROR_LIMIT);
		e->key.aead = AEAD_AES_128_GCM;
		stub_close(&s);
	}
	/* The nonce of DTLS 1.2 is the number, on the wire too: RFC 5288 3 leaves that to us. */
	stub_connect(&s, V12, DEAL_CERTIFICATE);
	OK(tern_conn_seal(s.p.side[CLIENT].conn, out, sizeof out, &n, zeros, 9, s.p.now));
	assert_memory_equal(out + 3, out + RECORD12_HEADER, 8);
	stub_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(class_D1_no_proof_is_optional), cmocka_unit_test(class_D2_plaintext_data),
		cmocka_unit_test(class_D3_wrong_epoch),		 cmocka_unit_test(class_D4_randoms),
		cmocka_unit_test(class_D5_ticket_keys),		 cmocka_unit_test(class_D6_no_nonce_twice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
