/* Reliability bugs that amount to denial of service. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "flight/ack.h"
#include "record/epochs.h"
#include "stub_pair.h"
#include "wire/ack.h"

static struct stub_pair s;

static void open_pair(int version, enum deal deal)
{
	stub_prepare(&s, version, deal);
	stub_open(&s);
}

/* openssl issue 32584: records on either side of each place where a number gets another byte. */
static void class_E1_record_numbers_wrap(void **state)
{
	(void)state;
	for (int version = V12; version <= V13; version++)
		for (unsigned bits = 8; bits < 48; bits += 8) {
			uint64_t start = (UINT64_C(1) << bits) - 4;
			stub_connect(&s, version, DEAL_CERTIFICATE);
			for (int k = 0; k < 2; k++) {
				s.p.side[k].conn->records.out.key.aead = AEAD_CHACHA20_POLY1305;
				s.p.side[!k].conn->records.in.key.aead = AEAD_CHACHA20_POLY1305;
				s.p.side[k].conn->records.out.next_seq = start;
				s.p.side[!k].conn->records.in.window.next = start;
			}
			for (unsigned i = 0; i < 9; i++)
				pair_check_data(&s.p, "around a wrap");
			assert_int_equal(s.p.side[SERVER].conn->records.in.window.next, start + 9);
			/* Lost across the wrap: start again below it, and skip it. */
			for (int k = 0; k < 2; k++) {
				s.p.side[k].conn->records.out.next_seq = 2 * start + 4;
				s.p.side[!k].conn->records.in.window.next = 2 * start + 4;
				pair_check_data(&s.p, "below a wrap");
				s.p.side[k].conn->records.out.next_seq += 8;
				pair_check_data(&s.p, "beyond a wrap");
			}
			/* Sixty lost, then the next. */
			s.p.side[CLIENT].conn->records.out.next_seq += 60;
			pair_check_data(&s.p, "behind a gap");
			for (int k = 0; k < 2; k++) {
				s.p.side[k].conn->records.out.key.aead = AEAD_AES_128_GCM;
				s.p.side[k].conn->records.in.key.aead = AEAD_AES_128_GCM;
			}
			stub_close(&s);
		}
}

/* openssl issue 32891: one lost ACK, of Finished or of a KeyUpdate, and nobody can read anybody. */
static void class_E2_lost_acknowledgements(void **state)
{
	(void)state;
	for (unsigned lost = 0; lost < 6; lost++) {
		open_pair(V13, DEAL_CERTIFICATE);
		for (unsigned step = 0; stub_start_at(&s, step); step++) {
			stub_start_at(&s, step);
			s.p.num_queued = 0; /* all that is under way */
			stub_finish(&s, "a lost datagram");
		}
		stub_close(&s);
		stub_connect(&s, V13, DEAL_CERTIFICATE);
		OK(tern_conn_rekey(s.p.side[CLIENT].conn, true, s.p.now));
		for (unsigned i = 0; i < lost && pair_carry(&s.p); i++)
			continue;
		pair_collect(&s.p, CLIENT);
		pair_collect(&s.p, SERVER);
		s.p.num_queued = 0;
		pair_check_data(&s.p, "between keys");
		for (unsigned i = 0; i < 10 && pair_wait(&s.p, s.p.now.mono_ns + LONG_TIME); i++)
			pair_settle(&s.p);
		assert_int_equal(s.p.side[CLIENT].conn->records.out.epoch, 4);
		assert_int_equal(s.p.side[SERVER].conn->records.out.epoch, 4);
		pair_check_data(&s.p, "under new keys");
		stub_close(&s);
	}
}

/* wolfSSL issue 8855: what is repeated does not put off the ACK that is due. */
static void class_E3_the_ack_timer_runs(void **state)
{
	struct acks a;
	tern_time now = {.mono_ns = 1000};
	(void)state;
	acks_init(&a, &heap_default);
	acks_arm(&a, 4000, now);
	assert_int_equal(a.deadline_ns, 2000);
	for (now.mono_ns = 1000; now.mono_ns < 2000; now.mono_ns += 100) {
		acks_arm(&a, 4000, now);
		acks_tick(&a, now);
		assert_false(a.due);
		assert_int_equal(a.deadline_ns, 2000);
	}
	acks_tick(&a, now);
	assert_true(a.due);
	/* In a handshake: the client has a part of the server's flight and gets it again and again. */
	open_pair(V13, DEAL_CERTIFICATE);
	assert_true(stub_start_at(&s, 3));
	{
		struct datagram_on_wire d = s.p.queue[0];
		size_t hello = RECORD12_HEADER + (size_t)(d.bytes[11] << 8 | d.bytes[12]);
		size_t part = hello + 5 + (size_t)(d.bytes[hello + 3] << 8 | d.bytes[hello + 4]);
		uint64_t due;
		s.p.num_queued = 0;
		pair_feed(&s.p, CLIENT, d.bytes, part);
		due = s.p.side[CLIENT].conn->after->acks.deadline_ns;
		assert_true(due != TERN_NEVER);
		for (unsigned i = 0; i < 20; i++) {
			s.p.now.mono_ns += 1000000;
			pair_feed(&s.p, CLIENT, d.bytes, part);
			assert_int_equal(s.p.side[CLIENT].conn->after->acks.deadline_ns, due);
		}
		stub_finish(&s, "a part again and again");
	}
	stub_close(&s);
	acks_clear(&a);
}

/* wolfSSL PR 11177: what could not be kept is not acknowledged, and comes again. */
static void class_E4_no_ack_without_memory(void **state)
{
	static uint8_t message[HANDSHAKE_HEADER + 60] = {NEW_SESSION_TICKET, 0, 0, 120};
	struct after *after;
	size_t acked;
	(void)state;
	stub_connect(&s, V13, DEAL_CERTIFICATE);
	after = s.p.side[CLIENT].conn->after;
	wr_store(message + 4, 2, after->receive_seq);
	message[11] = 60; /* the first half */
	acked = after->acks.num;
	s.heap[CLIENT].fail_at = s.heap[CLIENT].allocs + 1;
	s.heap[CLIENT].fail_on = true;
	pair_seal(&s.p, CLIENT, CONTENT_HANDSHAKE, message, sizeof message);
	check_is("without memory", s.p.side[CLIENT].error, TERN_OK);
	assert_int_equal(after->acks.num, acked);
	s.heap[CLIENT].fail_at = 0;
	pair_seal(&s.p, CLIENT, CONTENT_HANDSHAKE, message, sizeof message);
	assert_int_equal(after->acks.num, acked + 1);
	stub_close(&s);
}

/* wolfSSL issue 10315, openssl issue 32063: each datagram of the exchange of cookies lost, doubled, late. */
static void class_E5_cookie_exchange(void **state)
{
	(void)state;
	for (int version = V12; version <= V13; version++) {
		open_pair(version, DEAL_CERTIFICATE);
		for (unsigned step = 0; step < 4; step++)
			for (unsigned what = 0; what < 4; what++) {
				struct datagram_on_wire d;
				assert_true(stub_start_at(&s, step));
				d = s.p.queue[0];
				if (what == 0)
					s.p.num_queued = 0;
				else if (what == 1)
					s.p.queue[s.p.num_queued++] = d;
				else if (what == 2)
					(void)pair_wait(&s.p, s.p.now.mono_ns + LONG_TIME); /* late: it is sent again */
				stub_finish(&s, "cookies");
				pair_feed(&s.p, d.to, d.bytes, d.n); /* and once more, when all is over */
				pair_check_data(&s.p, "cookies");
			}
		stub_close(&s);
	}
}

static unsigned greatest;

static bool measure(struct pair *p, struct datagram_on_wire *d)
{
	(void)p;
	greatest = d->n > greatest ? (unsigned)d->n : greatest;
	return true;
}

/* openssl issues 25380, 27640: a hello in two to ten fragments, in order and in reverse. */
static void class_E6_hello_in_fragments(void **state)
{
	static const uint16_t mtus[] = {1200, 900, 700, 500, 400, 300, 250};
	(void)state;
	for (size_t i = 0; i < NUM(mtus); i++)
		for (unsigned reverse = 0; reverse < 2; reverse++) {
			tern_limits limits = {.size = sizeof limits, .mtu = mtus[i]};
			size_t live;
			stub_prepare(&s, V13, DEAL_CERTIFICATE);
			OK(tern_config_set_groups(s.config[CLIENT], "X25519MLKEM768,x25519"));
			OK(tern_config_set_groups(s.config[SERVER], "X25519MLKEM768,x25519"));
			OK(tern_config_set_limits(s.config[CLIENT], &limits));
			stub_open(&s);
			stub_dial(&s);
			greatest = 0;
			s.p.tap = measure;
			pair_collect(&s.p, CLIENT);
			assert_true(s.p.num_queued >= 2 && s.p.num_queued <= 12);
			for (size_t k = 0; reverse && k < s.p.num_queued / 2; k++) {
				struct datagram_on_wire d = s.p.queue[k];
				s.p.queue[k] = s.p.queue[s.p.num_queued - 1 - k];
				s.p.queue[s.p.num_queued - 1 - k] = d;
			}
			live = s.heap[SERVER].live;
			while (!s.p.side[SERVER].conn && pair_carry(&s.p))
				if (!s.p.side[SERVER].conn)
					assert_int_equal(s.heap[SERVER].live, live);
			stub_finish(&s, "a hello in fragments");
			assert_string_equal(pair_info(&s.p, CLIENT).group, "X25519MLKEM768");
			stub_close(&s);
		}
}

/* wolfSSL PR 11016: many epochs, few of them alive, and an end to their number. */
static void class_E7_epochs(void **state)
{
	size_t live[2];
	(void)state;
	stub_connect(&s, V13, DEAL_CERTIFICATE);
	live[0] = s.heap[0].live;
	live[1] = s.heap[1].live;
	for (unsigned i = 1; i <= 700; i++) {
		unsigned alive = 1;
		OK(tern_conn_rekey(s.p.side[i & 1].conn, i % 3 == 0, s.p.now));
		pair_settle(&s.p);
		for (const struct older_read *o = s.p.side[SERVER].conn->records.older_in; o; o = o->next)
			alive++;
		assert_true(alive <= EPOCHS_ALIVE);
		assert_true(s.heap[0].live <= live[0] + 4096 && s.heap[1].live <= live[1] + 4096);
		pair_check_data(&s.p, "another epoch");
	}
	assert_true(s.p.side[SERVER].conn->records.in.epoch > 353);
	s.p.side[CLIENT].conn->write_epoch = UINT16_MAX;
	assert_int_equal(tern_conn_rekey(s.p.side[CLIENT].conn, false, s.p.now), TERN_ERROR_LIMIT);
	stub_close(&s);
}

/* wolfSSL issue 8666: numbers in an ACK rise, and one of an epoch that never was is no ACK. */
static void class_E8_acknowledged_numbers(void **state)
{
	static const struct record_number given[] = {{3, 9}, {2, 5}, {3, 1}, {2, 70000}, {0, 2}, {3, 9}, {2, 4}};
	struct record_number last = {0, 0}, n;
	struct acks a;
	uint8_t body[200];
	struct wr w = wr_of(body, sizeof body);
	struct rd r, numbers;
	unsigned count = 0;
	(void)state;
	acks_init(&a, &heap_default);
	for (size_t i = 0; i < NUM(given); i++)
		acks_note(&a, (uint16_t)given[i].epoch, given[i].seq);
	acks_put(&a, &w);
	r = rd_of(wr_span(&w));
	assert_true(get_ack(&r, &numbers) && rd_end(&r));
	while (get_record_number(&numbers, &n)) {
		assert_true(n.epoch > last.epoch || (n.epoch == last.epoch && n.seq > last.seq));
		last = n;
		count++;
	}
	assert_int_equal(count, 6);
	for (uint64_t epoch = 0; epoch < 8; epoch++)
		for (int to = 0; to < 2; to++) {
			struct record_number named = {epoch, 1};
			stub_connect(&s, V13, DEAL_CERTIFICATE);
			w = wr_of(body, sizeof body);
			put_ack(&w, &named, 1);
			pair_seal(&s.p, (enum role)to, CONTENT_ACK, body, w.n);
			check_is("an ACK", s.p.side[to].error, epoch > 3 ? TERN_ERROR_ILLEGAL_PARAMETER : TERN_OK);
			stub_close(&s);
		}
	acks_clear(&a);
}

/* wolfSSL issue 612, openssl issue 2439: whose flight was lost sends again, and gets its answer again. */
static void class_E9_flights_are_repeated(void **state)
{
	(void)state;
	for (int version = V12; version <= V13; version++) {
		open_pair(version, DEAL_MUTUAL);
		for (unsigned step = 0; stub_start_at(&s, step); step++)
			for (unsigned times = 1; times <= 3; times++) {
				stub_start_at(&s, step);
				for (unsigned i = 0; i < times; i++) {
					s.p.num_queued = 0;
					(void)pair_wait(&s.p, s.p.now.mono_ns + LONG_TIME);
					pair_collect(&s.p, CLIENT);
					pair_collect(&s.p, SERVER);
				}
				stub_finish(&s, "lost thrice");
			}
		/* The last flight, lost when the sender is through already: a fresh copy of what it answers brings it.
		 */
		assert_true(stub_start_at(&s, 4));
		while (!pair_saw(&s.p, version == V12 ? SERVER : CLIENT, TERN_EVENT_CONNECTED) && pair_carry(&s.p))
			continue;
		pair_collect(&s.p, CLIENT);
		pair_collect(&s.p, SERVER);
		s.p.num_queued = 0;
		stub_finish(&s, "the last flight");
		stub_close(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(class_E1_record_numbers_wrap),
		cmocka_unit_test(class_E2_lost_acknowledgements),
		cmocka_unit_test(class_E3_the_ack_timer_runs),
		cmocka_unit_test(class_E4_no_ack_without_memory),
		cmocka_unit_test(class_E5_cookie_exchange),
		cmocka_unit_test(class_E6_hello_in_fragments),
		cmocka_unit_test(class_E7_epochs),
		cmocka_unit_test(class_E8_acknowledged_numbers),
		cmocka_unit_test(class_E9_flights_are_repeated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
