/* Resource exhaustion: what anybody's datagrams may cost, in memory, time and signatures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "handshake/pool.h"
#include "record/epochs.h"
#include "stub_pair.h"
#include "wire/certificate.h"
#include "wire/record13.h"

static struct stub_pair s;
static const uint8_t zeros[2000];

static void open_pair(int version, enum deal deal)
{
	stub_prepare(&s, version, deal);
	stub_open(&s);
}

/* CVE-2009-1377, CVE-2022-29189: records of an epoch whose keys are not there yet. */
static void class_B1_records_of_later_epochs(void **state)
{
	(void)state;
	for (int version = V12; version <= V13; version++) {
		open_pair(version, DEAL_MUTUAL);
		assert_true(stub_start_at(&s, 3));
		for (int to = 0; to < 2; to++) {
			size_t live = s.heap[to].live;
			for (unsigned i = 0; i < 3000; i++) {
				uint8_t unified[1000] = {UNIFIED_FIXED | UNIFIED_SEQ16 | 2, (uint8_t)(i >> 8),
							 (uint8_t)i};
				pair_forge(&s.p, (enum role)to, CONTENT_HANDSHAKE, 1, i, zeros, 1000);
				pair_feed(&s.p, (enum role)to, unified, sizeof unified);
				assert_true(s.heap[to].live <= live + sizeof(struct stash) + 512);
			}
		}
		stub_finish(&s, "records of later epochs");
		stub_close(&s);
	}
}

/* CVE-2014-3506, CVE-2016-2179: messages ahead of their turn, in clear, each begun and none finished. */
static void class_B2_messages_ahead(void **state)
{
	(void)state;
	open_pair(V12, DEAL_MUTUAL);
	assert_true(stub_start_at(&s, 3));
	for (int to = 0; to < 2; to++) {
		struct tern_conn *c = s.p.side[to].conn;
		size_t live = s.heap[to].live;
		for (unsigned i = 0; i < 4000; i++) {
			forge_message(&s, (enum role)to, CERTIFICATE, (uint16_t)(c->hs->inbox.next + 2 + i % 400),
				      zeros, 900);
			assert_true(s.heap[to].live <= live + c->hs->inbox.budget);
			assert_true(c->hs->inbox.used <= 12 * (900 + 128));
		}
		inbox_free(&c->hs->inbox);
		assert_true(s.heap[to].live <= live);
	}
	stub_close(&s);
}

/* CVE-2016-6308, "HollowByte": memory goes with bytes that came, not with bytes that were announced. */
static void class_B3_claimed_lengths(void **state)
{
	(void)state;
	open_pair(V12, DEAL_MUTUAL);
	for (uint32_t claimed = 100; claimed <= 32768; claimed *= 2)
		for (unsigned ahead = 0; ahead < 12; ahead++) {
			uint8_t message[HANDSHAKE_HEADER + 1];
			struct wr w = wr_of(message, sizeof message);
			struct fragment f = {.type = CERTIFICATE, .length = claimed};
			size_t live;
			assert_true(stub_start_at(&s, 3));
			f.message_seq = (uint16_t)(s.p.side[SERVER].conn->hs->inbox.next + ahead);
			put_fragment_header(&w, &f, 1);
			wr_u8(&w, 1);
			live = s.heap[SERVER].live;
			pair_forge(&s.p, SERVER, CONTENT_HANDSHAKE, 0, 5, message, sizeof message);
			assert_true(s.heap[SERVER].live <= live + 256);
		}
	stub_close(&s);
}

/* CVE-2014-3507, CVE-2022-29190: nothing at all, a hundred thousand times. */
static void class_B4_empty_fragments(void **state)
{
	uint8_t datagram[40 * (RECORD12_HEADER + HANDSHAKE_HEADER)];
	struct wr w = wr_of(datagram, sizeof datagram);
	size_t live, allocs;
	(void)state;
	open_pair(V12, DEAL_MUTUAL);
	assert_true(stub_start_at(&s, 3));
	for (unsigned i = 0; i < 40; i++) {
		struct record12 h = {.type = CONTENT_HANDSHAKE, .version = VERSION_DTLS12, .seq = 50 + i};
		struct fragment f = {.type = CERTIFICATE, .length = 900, .offset = i % 5 * 200};
		f.message_seq = (uint16_t)(s.p.side[SERVER].conn->hs->inbox.next + i % 8);
		put_record12_header(&w, &h, HANDSHAKE_HEADER);
		put_fragment_header(&w, &f, 0);
	}
	assert_true(wr_ok(&w));
	live = s.heap[SERVER].live;
	allocs = s.heap[SERVER].allocs;
	for (unsigned i = 0; i < 2500; i++)
		pair_feed(&s.p, SERVER, datagram, w.n);
	assert_int_equal(s.heap[SERVER].live, live);
	assert_int_equal(s.heap[SERVER].allocs, allocs);
	stub_finish(&s, "empty fragments");
	stub_close(&s);
}

static uintptr_t lowest, highest;

static void measure_stack(void *user, const tern_conn *conn, const tern_trace *trace)
{
	uintptr_t at = (uintptr_t)__builtin_frame_address(0);
	(void)user;
	(void)conn;
	if (trace->kind != TERN_TRACE_RECEIVED && trace->kind != TERN_TRACE_DROPPED)
		return;
	lowest = at < lowest ? at : lowest;
	highest = at > highest ? at : highest;
}

/* CVE-2014-0221: many messages in one record and many records in one datagram use no more stack than few. */
static void class_B5_no_recursion(void **state)
{
	uint8_t record[150 * HANDSHAKE_HEADER];
	struct wr w = wr_of(record, sizeof record);
	uintptr_t depth[2];
	(void)state;
	for (unsigned many = 0; many < 2; many++) {
		stub_prepare(&s, V12, DEAL_MUTUAL);
		OK(tern_config_set_trace(s.config[SERVER], measure_stack, NULL));
		stub_open(&s);
		lowest = UINTPTR_MAX;
		highest = 0;
		assert_true(stub_start_at(&s, 3));
		w.n = 0;
		for (unsigned i = 0; i < (many ? 150 : 1); i++)
			put_fragment_header(&w, &(struct fragment){.type = HELLO_REQUEST, .message_seq = 2}, 0);
		pair_forge(&s.p, SERVER, CONTENT_HANDSHAKE, 0, 5, record, w.n);
		stub_finish(&s, "many messages");
		depth[many] = highest - lowest;
		stub_close(&s);
	}
	assert_true(depth[1] <= depth[0] + 64);
}

/* coturn, wolfSSL issue 4850: a stranger's hello leaves nothing behind; see also malice --hellos. */
static void class_B6_no_state_before_the_cookie(void **state)
{
	uint8_t reply[512];
	(void)state;
	for (int version = V12; version <= V13; version++) {
		size_t live, allocs, n;
		open_pair(version, DEAL_CERTIFICATE);
		assert_true(stub_start_at(&s, 0));
		live = s.heap[SERVER].live;
		allocs = s.heap[SERVER].allocs;
		for (unsigned i = 0; i < 20000; i++) {
			tern_path path = {
				.remote = {.len = 6,
					   .bytes = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, 1, 1}}};
			tern_verdict v = knock(&s, s.p.queue[0].bytes, s.p.queue[0].n, &path, reply, &n);
			assert_int_equal(v.kind, TERN_VERDICT_REPLY);
		}
		assert_int_equal(s.heap[SERVER].live, live);
		assert_int_equal(s.heap[SERVER].allocs, allocs);
		stub_close(&s);
	}
}

/* Californium CVE-2022-39368: a hundred handshakes that fail, then one that does not. */
static void class_B7_failures_leave_no_mark(void **state)
{
	static const uint8_t alert[] = {2, 40};
	(void)state;
	for (int version = V12; version <= V13; version++) {
		open_pair(version, DEAL_MUTUAL);
		for (unsigned i = 0; i < 100; i++) {
			(void)stub_start_at(&s, i % 7);
			for (int to = 0; to < 2; to++)
				if (s.p.side[to].conn && i % 2)
					forge_message(&s, (enum role)to, (uint8_t)(i % 30),
						      s.p.side[to].conn->hs
							      ? (uint16_t)s.p.side[to].conn->hs->inbox.next
							      : (uint16_t)0,
						      zeros, 7);
				else if (s.p.side[to].conn)
					pair_forge(&s.p, (enum role)to, CONTENT_ALERT, 0, 70, alert, 2);
			pair_hang_up(&s.p);
			for (int k = 0; k < 2; k++)
				assert_true(s.heap[k].live <= s.idle[k] + KEPT_KEYS);
		}
		stub_dial(&s);
		stub_finish(&s, "after a hundred failures");
		stub_close(&s);
	}
}

/* Erlang CVE-2026-55950: what kills one connection does not reach another of the same pool. */
static void class_B8_storms_stay_apart(void **state)
{
	struct pair other = {0};
	(void)state;
	stub_connect(&s, V12, DEAL_CERTIFICATE);
	other.now = s.p.now;
	other.path.remote = (tern_address){.len = 6, .bytes = {127, 0, 0, 1, 0x30, 0x3a}};
	for (int k = 0; k < 2; k++) {
		other.side[k].pool = s.p.side[k].pool;
		other.side[k].config = s.p.side[k].config;
	}
	for (unsigned i = 0; i < 300; i++) {
		pair_dial(&other, "a.test", span_of(NULL, 0));
		for (unsigned k = 0; k < i % 6; k++)
			(void)pair_carry(&other);
		if (other.side[SERVER].conn && i % 3 == 0)
			pair_forge(&other, SERVER, CONTENT_ALERT, 0, 9, "\2\50", 2);
		pair_hang_up(&other);
		if (i % 50 == 0)
			pair_check_data(&s.p, "in a storm");
	}
	pair_check_data(&s.p, "after the storm");
	stub_close(&s);
}

static unsigned signatures;

static tern_error count_signature(void *user, tern_conn *conn, uint64_t job, uint16_t scheme, const uint8_t *tbs,
				  size_t tbs_len, uint8_t *signature, size_t cap, size_t *len)
{
	(void)user;
	(void)conn;
	(void)job;
	(void)scheme;
	(void)tbs;
	(void)tbs_len;
	signatures++;
	memset(signature, 1, cap < 64 ? cap : 64);
	*len = 64;
	return TERN_OK;
}

/* Hazel PR 72: the hello with the right cookie, again and again, costs one signature. */
static void class_B9_one_signature(void **state)
{
	struct datagram_on_wire hello;
	(void)state;
	for (int version = V12; version <= V13; version++) {
		stub_prepare(&s, version, DEAL_CERTIFICATE);
		tern_config_free(s.config[SERVER]);
		s.config[SERVER] = stub_config(&s, SERVER, version, DEAL_PSK);
		OK(tern_config_add_signer(s.config[SERVER], "E a.test", 8, count_signature, NULL));
		stub_open(&s);
		signatures = 0;
		assert_true(stub_start_at(&s, 2));
		hello = s.p.queue[0];
		for (unsigned i = 0; i < 200; i++) {
			pair_feed(&s.p, SERVER, hello.bytes, hello.n);
			pair_collect(&s.p, SERVER);
			s.p.num_queued = 0;
		}
		assert_int_equal(signatures, 1);
		stub_close(&s);
	}
}

/* Botan PR 5835: a repeated message asks for our flight a few times per timeout, no more. */
static void class_B10_replays_of_flights(void **state)
{
	struct datagram_on_wire hello;
	unsigned sent = 0;
	(void)state;
	open_pair(V12, DEAL_CERTIFICATE);
	assert_true(stub_start_at(&s, 2));
	hello = s.p.queue[0];
	assert_true(stub_start_at(&s, 3));
	s.p.num_queued = 0;
	for (unsigned i = 0; i < 1000; i++) {
		s.p.now.mono_ns += 900000; /* 0.9 s in all */
		pair_feed(&s.p, SERVER, hello.bytes, hello.n);
		pair_collect(&s.p, SERVER);
		sent += (unsigned)s.p.num_queued;
		s.p.num_queued = 0;
	}
	assert_true(sent > 0 && sent <= 5);
	/* After the handshake: the client's Finished, which is a fresh record each time. */
	assert_true(stub_start_at(&s, 4));
	pair_settle(&s.p);
	assert_true(pair_connected(&s.p));
	for (sent = 0; sent < 1000; sent++) {
		uint8_t message[HANDSHAKE_HEADER + 12] = {FINISHED, 0, 0, 12, 0, 3, 0, 0, 0, 0, 0, 12};
		s.p.now.mono_ns += 900000;
		pair_seal(&s.p, SERVER, CONTENT_HANDSHAKE, message, sizeof message);
		pair_collect(&s.p, SERVER);
	}
	assert_true(s.p.num_queued > 0 && s.p.num_queued <= 18);
	stub_close(&s);
}

/* After the handshake: requests of all kinds, without end. */
static void class_B11_floods_under_keys(void **state)
{
	size_t live;
	(void)state;
	stub_connect(&s, V12, DEAL_CERTIFICATE);
	for (unsigned i = 0; i < 1000; i++) {
		pair_say(&s.p, CLIENT, 1, HELLO_REQUEST, (uint16_t)i, NULL, 0);
		pair_collect(&s.p, CLIENT);
	}
	assert_int_equal(s.p.num_queued, 1); /* no_renegotiation */
	stub_close(&s);

	stub_connect(&s, V13, DEAL_CERTIFICATE);
	live = s.heap[SERVER].live;
	for (unsigned i = 0; i < 500; i++) {
		OK(tern_conn_rekey(s.p.side[CLIENT].conn, true, s.p.now));
		pair_settle(&s.p);
		assert_true(s.heap[SERVER].live <= live + 8192);
	}
	assert_true(s.p.side[SERVER].conn->records.in.epoch == 503);
	pair_check_data(&s.p, "key updates");
	stub_close(&s);
}

/* GnuTLS CVE-2025-14831: long chains and long messages end at a limit, before anything is made of them. */
static void class_B12_absurd_sizes(void **state)
{
	uint8_t body[3 + 40 * 4], big[HANDSHAKE_HEADER + 1];
	struct wr w = wr_of(body, sizeof body), bw = wr_of(big, sizeof big);
	(void)state;
	open_pair(V12, DEAL_CERTIFICATE);
	/* A Certificate of forty. */
	wr_store(body, 3, sizeof body - 3);
	w.n = 3;
	for (unsigned i = 0; i < 40; i++) {
		wr_u24(&w, 1);
		wr_u8(&w, 'E');
	}
	assert_true(wr_ok(&w));
	assert_true(stub_start_at(&s, 3));
	s.p.queue[0].n =
		RECORD12_HEADER + (size_t)(s.p.queue[0].bytes[11] << 8 | s.p.queue[0].bytes[12]); /* ServerHello */
	(void)pair_carry(&s.p);
	forge_message(&s, CLIENT, CERTIFICATE, (uint16_t)s.p.side[CLIENT].conn->hs->inbox.next, body, w.n);
	assert_int_equal(tern_error_class_of(s.p.side[CLIENT].error), TERN_CLASS_PROTOCOL);
	/* A message longer than what is agreed to. */
	assert_true(stub_start_at(&s, 3));
	put_fragment_header(&bw, &(struct fragment){.type = CERTIFICATE, .length = 32769, .message_seq = 1}, 1);
	wr_u8(&bw, 0);
	pair_forge(&s.p, CLIENT, CONTENT_HANDSHAKE, 0, 50, big, bw.n);
	assert_int_equal(pair_info(&s.p, CLIENT).dropped[TERN_DROP_FRAGMENT], 1);
	stub_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(class_B1_records_of_later_epochs),
		cmocka_unit_test(class_B2_messages_ahead),
		cmocka_unit_test(class_B3_claimed_lengths),
		cmocka_unit_test(class_B4_empty_fragments),
		cmocka_unit_test(class_B5_no_recursion),
		cmocka_unit_test(class_B6_no_state_before_the_cookie),
		cmocka_unit_test(class_B7_failures_leave_no_mark),
		cmocka_unit_test(class_B8_storms_stay_apart),
		cmocka_unit_test(class_B9_one_signature),
		cmocka_unit_test(class_B10_replays_of_flights),
		cmocka_unit_test(class_B11_floods_under_keys),
		cmocka_unit_test(class_B12_absurd_sizes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
