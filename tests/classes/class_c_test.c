/* Spoofing and interference by somebody who has no keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "handshake/keyring.h"
#include "record/epochs.h"
#include "stub_pair.h"
#include "wire/record13.h"

static struct stub_pair s;
static uint8_t reply[512];
static const uint8_t zeros[256];

static void open_pair(int version, enum deal deal)
{
	stub_prepare(&s, version, deal);
	stub_open(&s);
}

static struct datagram_on_wire hello_at(unsigned step)
{
	assert_true(stub_start_at(&s, step));
	assert_int_equal(s.p.queue[0].to, SERVER);
	return s.p.queue[0];
}

/* CTX289674: a reflector. The cookie is on by itself, and its request is smaller than three hellos. */
static void class_C1_no_reflection(void **state)
{
	(void)state;
	for (int version = V12; version <= V13; version++) {
		struct datagram_on_wire d;
		size_t n;
		open_pair(version, DEAL_CERTIFICATE);
		d = hello_at(0);
		assert_int_equal(knock(&s, d.bytes, d.n, &s.p.path, reply, &n).kind, TERN_VERDICT_REPLY);
		assert_true(n > 0 && n <= 3 * d.n);
		/* Until the client proved its address nobody signs or sends a certificate. */
		assert_null(s.p.side[SERVER].conn);
		stub_close(&s);
	}
}

/* CVE-2022-34293, CVE-2022-2576: every kind of hello has to show a cookie. */
static void class_C2_no_way_around_the_cookie(void **state)
{
	static const enum deal deals[] = {DEAL_CERTIFICATE, DEAL_MUTUAL, DEAL_PSK};
	uint8_t session[TERN_SESSION_MAX];
	size_t session_len, n;
	(void)state;
	for (int version = V12; version <= V13; version++)
		for (unsigned k = 0; k < 3; k++) {
			struct datagram_on_wire d;
			stub_prepare(&s, version, deals[k]);
			if (deals[k] == DEAL_PSK && version == V12)
				OK(tern_config_set_suites(s.config[CLIENT], "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256"));
			stub_open(&s);
			stub_dial(&s);
			pair_settle(&s.p);
			OK(tern_conn_session(s.p.side[CLIENT].conn, session, sizeof session, &session_len));
			for (unsigned resumes = 0; resumes < 3; resumes++) {
				if (resumes == 2)
					session[session_len / 2] ^= 1; /* a ticket that is none */
				pair_hang_up(&s.p);
				pair_dial(&s.p, "a.test", resumes ? span_of(session, session_len) : span_of(NULL, 0));
				if (s.p.side[CLIENT].error != TERN_OK)
					continue;
				pair_collect(&s.p, CLIENT);
				d = s.p.queue[0];
				assert_int_equal(knock(&s, d.bytes, d.n, &s.p.path, reply, &n).kind,
						 TERN_VERDICT_REPLY);
				pair_settle(&s.p);
				assert_int_equal(s.p.replies, 1);
			}
			stub_close(&s);
		}
}

/* openssl issue 15297: what a cookie is good for, and how long. */
static void class_C3_what_the_cookie_binds(void **state)
{
	(void)state;
	for (int version = V12; version <= V13; version++)
		for (unsigned what = 0; what < 8; what++) {
			struct datagram_on_wire d;
			size_t n, random = RECORD12_HEADER + HANDSHAKE_HEADER + 2;
			tern_path path;
			uint8_t secret[KEYRING_SECRET_MIN] = {1};
			/* DTLS 1.3 binds the first hello by the transcript; the second may differ from it. */
			bool good = what == 0 || what == 1 || (version == V13 && what >= 6);
			open_pair(version, DEAL_CERTIFICATE);
			d = hello_at(2);
			path = s.p.path;
			for (unsigned i = 0; i < (what == 1 ? 1 : what == 2 ? 2 : 0); i++) {
				secret[1] = (uint8_t)i;
				OK(tern_keyring_rotate(s.config[SERVER]->keyring, secret, sizeof secret));
			}
			path.remote.bytes[0] ^= what == 3; /* the address */
			path.remote.bytes[5] ^= what == 4; /* the port */
			if (what == 5)
				path.remote.len++;
			d.bytes[random] ^= what == 6;
			if (what == 7) { /* the suites, behind session id and cookie */
				size_t at = random + 32;
				at += 1u + d.bytes[at];
				at += 1u + d.bytes[at];
				d.bytes[at + 2] ^= 0x20;
			}
			assert_int_equal(knock(&s, d.bytes, d.n, &path, reply, &n).kind == TERN_VERDICT_ACCEPT, good);
			stub_close(&s);
		}
}

/* Mbed TLS 2.22.0: a ClientHello in clear to an association that lives. */
static void class_C4_hello_to_a_live_association(void **state)
{
	(void)state;
	for (int version = V12; version <= V13; version++) {
		struct datagram_on_wire d[2];
		open_pair(version, DEAL_CERTIFICATE);
		d[0] = hello_at(0);
		d[1] = hello_at(2);
		pair_settle(&s.p);
		assert_true(pair_connected(&s.p));
		for (unsigned i = 0; i < 64; i++) {
			struct datagram_on_wire *h = &d[i & 1];
			h->bytes[RECORD12_HEADER + HANDSHAKE_HEADER + 2 + i % 32] ^= 1;
			h->bytes[RECORD12_HEADER + 5] = (uint8_t)(i / 2); /* any message_seq */
			h->bytes[10] = (uint8_t)i;
			pair_feed(&s.p, SERVER, h->bytes, h->n);
			assert_false(tern_conn_authenticated(s.p.side[SERVER].conn));
			check_is("hello", s.p.side[SERVER].error, TERN_OK);
		}
		pair_collect(&s.p, SERVER);
		assert_int_equal(s.p.num_queued, 0);
		pair_check_data(&s.p, "forged hellos");
		stub_close(&s);
	}
}

static struct replay window_of(enum role who)
{
	return s.p.side[who].conn->records.in.window;
}

/* openssl PR 32622, wolfSSL issue 6368: what comes in clear when there are keys. */
static void class_C5_plaintext_behind_keys(void **state)
{
	static const struct {
		uint8_t type;
		uint8_t body[18];
		size_t n;
	} lies[] = {
		{CONTENT_ALERT, {2, 40}, 2},
		{CONTENT_ALERT, {1, 0}, 2},
		{CONTENT_CHANGE_CIPHER_SPEC, {1}, 1},
		{CONTENT_ACK, {0, 0}, 2},
		{CONTENT_ACK, {0, 16, 0, 0, 0, 0, 0, 0, 0, 3}, 18},
		{CONTENT_HANDSHAKE, {CLIENT_HELLO, 0, 0, 6, 0, 3, 0, 0, 0, 0, 0, 6}, 18},
		{CONTENT_HANDSHAKE, {KEY_UPDATE, 0, 0, 1, 0, 9, 0, 0, 0, 0, 0, 1}, 13},
		{CONTENT_APPLICATION_DATA, {1, 2, 3}, 3},
	};
	(void)state;
	for (int version = V12; version <= V13; version++) {
		stub_connect(&s, version, DEAL_CERTIFICATE);
		pair_check_data(&s.p, "before");
		for (size_t i = 0; i < NUM(lies); i++)
			for (unsigned epoch = 0; epoch < 65536; epoch += epoch < 5 ? 1 : 4369)
				for (int to = 0; to < 2; to++) {
					struct replay before = window_of((enum role)to);
					s.p.side[to].num_events = 0;
					pair_forge(&s.p, (enum role)to, lies[i].type, (uint16_t)epoch, 9, lies[i].body,
						   lies[i].n);
					check_is("a lie", s.p.side[to].error, TERN_OK);
					assert_int_equal(s.p.side[to].num_events, 0);
					assert_true(before.next == window_of((enum role)to).next &&
						    before.bits == window_of((enum role)to).bits);
				}
		pair_collect(&s.p, CLIENT);
		pair_collect(&s.p, SERVER);
		assert_int_equal(s.p.num_queued, 0);
		pair_check_data(&s.p, "after");
		stub_close(&s);
	}
}

/* CVE-2016-2181: the window moves for what authenticates only. */
static void class_C6_window_after_authentication(void **state)
{
	uint8_t out[PAIR_DATAGRAM];
	size_t n;
	(void)state;
	for (int version = V12; version <= V13; version++) {
		stub_connect(&s, version, DEAL_CERTIFICATE);
		for (unsigned i = 0; i < 200; i++) {
			struct replay before = window_of(SERVER), after;
			OK(tern_conn_seal(s.p.side[CLIENT].conn, out, sizeof out, &n, zeros, 40, s.p.now));
			out[n - 1] ^= 1;
			pair_feed(&s.p, SERVER, out, n);
			after = window_of(SERVER);
			assert_true(before.next == after.next && before.bits == after.bits);
			/* DTLS 1.2 has the number in the header: as far ahead as it goes. */
			if (version == V12) {
				wr_store(out + 5, 6, RECORD_SEQ_MAX - i);
				pair_feed(&s.p, SERVER, out, n);
				assert_true(window_of(SERVER).next == before.next);
			}
		}
		assert_true(pair_info(&s.p, SERVER).dropped[TERN_DROP_FORGED] >= 200);
		pair_check_data(&s.p, "behind forgeries");
		/* And what authenticated once does so no more. */
		OK(tern_conn_seal(s.p.side[CLIENT].conn, out, sizeof out, &n, zeros, 40, s.p.now));
		s.p.side[SERVER].num_events = 0;
		pair_feed(&s.p, SERVER, out, n);
		pair_feed(&s.p, SERVER, out, n);
		assert_int_equal(num_events(&s.p, SERVER, TERN_EVENT_DATA), 1);
		stub_close(&s);
	}
}

/* wolfSSL 5.5.0: everything twice, then garbage. */
static void class_C7_duplicates_are_no_fault(void **state)
{
	(void)state;
	for (int version = V12; version <= V13; version++) {
		open_pair(version, DEAL_MUTUAL);
		for (unsigned step = 0; stub_start_at(&s, step); step++)
			for (unsigned times = 1; times < 4; times++) {
				struct datagram_on_wire d;
				stub_start_at(&s, step);
				d = s.p.queue[0];
				for (unsigned i = 0; i < times; i++)
					pair_feed(&s.p, d.to, d.bytes, d.n);
				d.bytes[d.n / 2] ^= d.bytes[3] || d.bytes[4] ? 0x10 : 0; /* damaged where it shows */
				pair_feed(&s.p, d.to, d.bytes, d.n);
				pair_feed(&s.p, d.to, zeros, sizeof zeros);
				stub_finish(&s, "doubled");
			}
		stub_close(&s);
	}
}

/* One record of a datagram. */
static size_t record_of(const struct datagram_on_wire *d, size_t at)
{
	return RECORD12_HEADER + (size_t)(d->bytes[at + 11] << 8 | d->bytes[at + 12]);
}

/* openssl issue 32363: the same messages in any order come to the same, a HelloRequest among them. */
static void class_C8_order_does_not_matter(void **state)
{
	(void)state;
	open_pair(V12, DEAL_CERTIFICATE);
	for (unsigned permutation = 0; permutation < 24; permutation++)
		for (unsigned request = 0; request < 3; request++) {
			struct datagram_on_wire d;
			size_t start[4], at = 0, order[4] = {0, 1, 2, 3}, rest = permutation;
			assert_true(stub_start_at(&s, 3));
			d = s.p.queue[0];
			s.p.num_queued = 0;
			for (size_t i = 0; i < 4; i++, at += record_of(&d, at))
				start[i] = at;
			assert_int_equal(at, d.n);
			for (size_t i = 3; i; rest /= i + 1, i--) {
				size_t k = rest % (i + 1), swap = order[i];
				order[i] = order[k];
				order[k] = swap;
			}
			for (size_t i = 0; i < 4; i++) {
				if (request == 1 || (request == 2 && i == 2))
					forge_message(&s, CLIENT, HELLO_REQUEST,
						      (uint16_t)s.p.side[CLIENT].conn->hs->inbox.next, NULL, 0);
				pair_feed(&s.p, CLIENT, d.bytes + start[order[i]], record_of(&d, start[order[i]]));
			}
			check_is("in any order", s.p.side[CLIENT].error, TERN_OK);
			assert_int_equal(s.p.side[CLIENT].conn->hs->flight.state, FLIGHT_SENDING);
			stub_finish(&s, "in any order");
		}
	stub_close(&s);
}

/* Enable Security 2023: the first hello from anywhere does not win; the one that shows its cookie does. */
static void class_C9_race_for_the_first_hello(void **state)
{
	struct datagram_on_wire d;
	tern_path thief = {.remote = {.len = 6, .bytes = {10, 9, 8, 7, 6, 5}}};
	tern_verdict v;
	size_t n;
	(void)state;
	for (int version = V12; version <= V13; version++) {
		open_pair(version, DEAL_CERTIFICATE);
		d = hello_at(0);
		assert_int_equal(knock(&s, d.bytes, d.n, &thief, reply, &n).kind, TERN_VERDICT_REPLY);
		d = hello_at(2);
		v = knock(&s, d.bytes, d.n, &thief, reply, &n);
		assert_int_not_equal(v.kind, TERN_VERDICT_ACCEPT);
		assert_int_equal(tern_accept(&s.p.side[SERVER].conn, s.p.side[SERVER].pool, &v, &thief, s.p.now),
				 TERN_ERROR_USAGE);
		assert_null(s.p.side[SERVER].conn);
		stub_finish(&s, "behind a thief");
		stub_close(&s);
	}
}

/* RRC draft. Addresses do not change before there are connection IDs (issue 5); a copy from elsewhere is a copy. */
static void class_C10_no_change_of_address(void **state)
{
	uint8_t out[PAIR_DATAGRAM], copy[PAIR_DATAGRAM];
	tern_path elsewhere = {.remote = {.len = 6, .bytes = {10, 9, 8, 7, 6, 5}}};
	size_t n;
	(void)state;
	for (int version = V12; version <= V13; version++) {
		struct side *server;
		tern_path before;
		stub_connect(&s, version, DEAL_CERTIFICATE);
		server = &s.p.side[SERVER];
		before = s.p.path;
		OK(tern_conn_seal(s.p.side[CLIENT].conn, out, sizeof out, &n, zeros, 40, s.p.now));
		memcpy(copy, out, n);
		pair_feed(&s.p, SERVER, out, n);
		server->num_events = 0;
		OK(tern_conn_feed(server->conn, copy, n, &elsewhere, s.p.now));
		pair_events(&s.p, SERVER);
		assert_int_equal(server->num_events, 0);
		assert_false(tern_conn_authenticated(server->conn));
		assert_int_equal(pair_info(&s.p, SERVER).dropped[TERN_DROP_REPLAYED], 1);
		assert_memory_equal(&before, &s.p.path, sizeof before);
		pair_check_data(&s.p, "a copy from elsewhere");
		stub_close(&s);
	}
}

/* wolfSSL PR 11177. Nothing to strip before there are connection IDs (issue 5); their records are not taken for others.
 */
static void class_C11_records_of_connection_ids(void **state)
{
	uint8_t out[PAIR_DATAGRAM];
	size_t n;
	(void)state;
	stub_connect(&s, V12, DEAL_CERTIFICATE);
	OK(tern_conn_seal(s.p.side[CLIENT].conn, out, sizeof out, &n, zeros, 40, s.p.now));
	out[0] = 25; /* tls12_cid */
	pair_feed(&s.p, SERVER, out, n);
	out[0] = CONTENT_HANDSHAKE; /* another type under the same keys */
	pair_feed(&s.p, SERVER, out, n);
	assert_int_equal(pair_info(&s.p, SERVER).dropped[TERN_DROP_CONTENT_TYPE], 1);
	assert_int_equal(pair_info(&s.p, SERVER).dropped[TERN_DROP_FORGED], 1);
	out[0] = CONTENT_APPLICATION_DATA;
	pair_feed(&s.p, SERVER, out, n);
	assert_true(pair_saw(&s.p, SERVER, TERN_EVENT_DATA));
	stub_close(&s);
}

/* RFC 9146 3, RFC 9147 4: the same with IDs agreed on: without one of ours a record is not even tried, whatever its
 * keys; with another's none of the datagram is. */
static void class_C11_stripped_connection_ids(void **state)
{
	(void)state;
	for (int version = V12; version <= V13; version++) {
		uint8_t out[PAIR_DATAGRAM], copy[PAIR_DATAGRAM];
		size_t n, at = version == V12 ? 11 : 1;
		struct cids ids;
		stub_prepare(&s, version, DEAL_CERTIFICATE);
		OK(tern_config_set_cid_length(s.config[CLIENT], 0));
		OK(tern_config_set_cid_length(s.config[SERVER], 8));
		stub_open(&s);
		pair_dial(&s.p, "a.test", span_of(NULL, 0));
		pair_settle(&s.p);
		assert_true(pair_connected(&s.p));
		ids = s.p.side[CLIENT].conn->records.cids;
		assert_int_equal(ids.len[CID_PEERS], 8);
		s.p.side[CLIENT].conn->records.cids = (struct cids){0};
		OK(tern_conn_seal(s.p.side[CLIENT].conn, out, sizeof out, &n, zeros, 40, s.p.now));
		s.p.side[CLIENT].conn->records.cids = ids;
		pair_feed(&s.p, SERVER, out, n);
		assert_int_equal(pair_info(&s.p, SERVER).dropped[TERN_DROP_NO_CID], 1);
		OK(tern_conn_seal(s.p.side[CLIENT].conn, out, sizeof out, &n, zeros, 40, s.p.now));
		memcpy(copy, out, n);
		copy[at] ^= 1;
		pair_feed(&s.p, SERVER, copy, n);
		assert_int_equal(pair_info(&s.p, SERVER).dropped[TERN_DROP_OTHER_CID], 1);
		assert_int_equal(s.p.side[SERVER].conn->records.in.forged, 0);
		assert_false(pair_saw(&s.p, SERVER, TERN_EVENT_DATA));
		pair_feed(&s.p, SERVER, out, n);
		assert_true(pair_saw(&s.p, SERVER, TERN_EVENT_DATA));
		stub_close(&s);
	}
}

/* RFC 9147 4.5.3: forgeries under a key are counted, and end it; short tags are nobody's default. */
static void class_C12_guessing_short_tags(void **state)
{
	(void)state;
	for (int version = V12; version <= V13; version++) {
		struct read_epoch *e;
		stub_connect(&s, version, DEAL_CERTIFICATE);
		assert_true(pair_info(&s.p, CLIENT).suite != NULL);
		for (size_t i = 0; i < s.config[CLIENT]->suites.num; i++)
			assert_true(suite_by_id(s.config[CLIENT]->suites.id[i])->aead != AEAD_AES_128_CCM_8);
		for (size_t i = 0; i < s.config[CLIENT]->suites13.num; i++)
			assert_true(suite_by_id(s.config[CLIENT]->suites13.id[i])->aead != AEAD_AES_128_CCM_8);
		e = &s.p.side[SERVER].conn->records.in;
		e->key.aead = AEAD_AES_128_CCM_8;
		e->forged = aead_algs[AEAD_AES_128_CCM_8].forgery_limit12 - 2; /* in both versions */
		for (unsigned i = 0; i < 2; i++) {
			uint8_t unified[40] = {UNIFIED_FIXED | UNIFIED_SEQ16 | 3, 0, 9};
			check_is("below the limit", s.p.side[SERVER].error, TERN_OK);
			if (version == V12)
				pair_forge(&s.p, SERVER, CONTENT_APPLICATION_DATA, 1, 99, zeros, 40);
			else
				pair_feed(&s.p, SERVER, unified, sizeof unified);
		}
		check_is("at the limit", s.p.side[SERVER].error, TERN_ERROR_FORGERIES);
		e->key.aead = AEAD_AES_128_GCM;
		stub_close(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(class_C1_no_reflection),
		cmocka_unit_test(class_C2_no_way_around_the_cookie),
		cmocka_unit_test(class_C3_what_the_cookie_binds),
		cmocka_unit_test(class_C4_hello_to_a_live_association),
		cmocka_unit_test(class_C5_plaintext_behind_keys),
		cmocka_unit_test(class_C6_window_after_authentication),
		cmocka_unit_test(class_C7_duplicates_are_no_fault),
		cmocka_unit_test(class_C8_order_does_not_matter),
		cmocka_unit_test(class_C9_race_for_the_first_hello),
		cmocka_unit_test(class_C10_no_change_of_address),
		cmocka_unit_test(class_C11_records_of_connection_ids),
		cmocka_unit_test(class_C11_stripped_connection_ids),
		cmocka_unit_test(class_C12_guessing_short_tags),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
