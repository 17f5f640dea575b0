/* Memory safety and parsing: what a message claims against what it is. Run under AddressSanitizer too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/heap.h"
#include "flight/inbox.h"
#include "pcg.h"
#include "stub_pair.h"
#include "wire/certificate.h"
#include "wire/hello.h"
#include "wire/record13.h"

static struct stub_pair s;
static const uint8_t text[4096];

static struct fragment piece(uint16_t seq, uint8_t type, uint32_t length, uint32_t offset, size_t n)
{
	return (struct fragment){
		.type = type, .length = length, .message_seq = seq, .offset = offset, .body = {text, n}};
}

/* CVE-2014-0195, CVE-2026-33846: the first fragment says how long the message is, and whose it is. */
static void class_A1_fragment_of_another_total(void **state)
{
	struct count_heap heap = {0};
	tern_allocator allocator = count_heap_allocator(&heap);
	struct inbox in;
	struct fragment first = piece(0, CERTIFICATE, 9, 0, 4), longer = piece(0, CERTIFICATE, 4000, 5, 3995),
			other = piece(0, FINISHED, 9, 4, 5), beyond = piece(0, CERTIFICATE, 9, 5, 5);
	struct message m;
	(void)state;
	inbox_init(&in, &allocator, 0, 65536, 32768);
	assert_int_equal(inbox_put(&in, &first, 2), TERN_DROP_NONE);
	assert_int_equal(inbox_put(&in, &longer, 2), TERN_DROP_FRAGMENT);
	assert_int_equal(inbox_put(&in, &other, 2), TERN_DROP_FRAGMENT);
	assert_int_equal(inbox_put(&in, &beyond, 2), TERN_DROP_FRAGMENT);
	assert_false(inbox_next(&in, &m));
	/* Another number is another message, of whatever type. */
	longer.message_seq = 1;
	assert_int_equal(inbox_put(&in, &longer, 2), TERN_DROP_NONE);
	first.offset = 4;
	first.body.n = 5;
	assert_int_equal(inbox_put(&in, &first, 2), TERN_DROP_NONE);
	assert_true(inbox_next(&in, &m));
	assert_int_equal(m.body.n, 9);
	inbox_free(&in);
	assert_int_equal(heap.live, 0);
}

/* CVE-2026-33845, CVE-2012-2333: lengths below what is subtracted from them. */
static void class_A2_short_and_empty_fragments(void **state)
{
	struct count_heap heap = {0};
	tern_allocator allocator = count_heap_allocator(&heap);
	struct inbox in;
	uint8_t header[HANDSHAKE_HEADER + 4] = {CERTIFICATE, 0, 0, 9};
	struct fragment f;
	(void)state;
	inbox_init(&in, &allocator, 0, 65536, 32768);
	for (uint32_t offset = 0; offset <= 10; offset++) {
		struct fragment empty = piece(0, CERTIFICATE, 9, offset, 0);
		assert_int_equal(inbox_put(&in, &empty, 0), TERN_DROP_FRAGMENT);
	}
	assert_int_equal(heap.allocs, 0);
	inbox_free(&in);
	/* fragment_offset + fragment_length against length; the fragment against its record. */
	for (unsigned offset = 0; offset < 12; offset++)
		for (unsigned n = 0; n < 12; n++) {
			struct rd r = rd_of(span_of(header, sizeof header));
			header[8] = (uint8_t)offset;
			header[11] = (uint8_t)n;
			assert_int_equal(get_fragment(&r, &f), offset + n <= 9 && n <= 4);
		}
	/* Every shorter record of a connection in its handshake. */
	stub_prepare(&s, V12, DEAL_CERTIFICATE);
	stub_open(&s);
	assert_true(stub_start_at(&s, 3));
	for (size_t n = 0; n <= sizeof header; n++)
		pair_forge(&s.p, SERVER, CONTENT_HANDSHAKE, 0, 700 + n, header, n);
	stub_finish(&s, "short fragments");
	stub_close(&s);
}

/* CVE-2026-42009: whatever the order, and whatever is doubled, messages come out in theirs. */
static void class_A3_order_of_duplicates(void **state)
{
	(void)state;
	for (unsigned permutation = 0; permutation < 3125; permutation++) {
		struct inbox in;
		unsigned rest = permutation, seen = 0, next = 0;
		struct message m;
		inbox_init(&in, &heap_default, 0, 65536, 32768);
		/* Five draws of five messages, each of its own length, and some under a second type; then all of them.
		 */
		for (unsigned i = 0; i < 10; i++, rest /= 5) {
			unsigned seq = i < 5 ? rest % 5 : 9 - i;
			struct fragment f = piece((uint16_t)seq, CERTIFICATE, 10 + seq, 0, 10 + seq);
			bool fresh = !(seen >> seq & 1);
			assert_int_equal(inbox_put(&in, &f, 2) == TERN_DROP_NONE, fresh);
			seen |= 1u << seq;
			f.type = FINISHED;
			assert_true(inbox_put(&in, &f, 2) != TERN_DROP_NONE);
			while (inbox_next(&in, &m)) {
				assert_int_equal(m.seq, next);
				assert_int_equal(m.body.n, 10 + next);
				assert_int_equal(m.type, CERTIFICATE);
				next++;
				inbox_done(&in);
			}
		}
		assert_int_equal(next, 5);
		inbox_free(&in);
	}
}

/* CVE-2022-35409: a cookie's length against what is left, on buffers without slack. */
static void class_A4_cookie_length(void **state)
{
	static const uint8_t retry[] = {0xfe, 0xff, 4, 1, 2, 3, 4};
	uint8_t reply[512];
	size_t n, where = RECORD12_HEADER + HANDSHAKE_HEADER + 2 + 32;
	struct datagram_on_wire d;
	(void)state;
	for (unsigned claimed = 0; claimed < 256; claimed++) {
		uint8_t *copy = malloc(sizeof retry);
		struct hello_verify_request hvr;
		struct rd r;
		memcpy(copy, retry, sizeof retry);
		copy[2] = (uint8_t)claimed;
		r = rd_of(span_of(copy, sizeof retry));
		assert_int_equal(get_hello_verify_request(&r, &hvr), claimed == 4);
		free(copy);
	}
	stub_prepare(&s, V12, DEAL_CERTIFICATE);
	stub_open(&s);
	assert_true(stub_start_at(&s, 2));
	d = s.p.queue[0];
	where += 1u + d.bytes[where];
	assert_int_equal(d.bytes[where], 17);
	for (unsigned claimed = 0; claimed < 256; claimed++) {
		d.bytes[where] = (uint8_t)claimed;
		if (claimed != 17)
			assert_int_not_equal(knock(&s, d.bytes, d.n, &s.p.path, reply, &n).kind, TERN_VERDICT_ACCEPT);
	}
	/* Every start of it. */
	for (size_t cut = 0; cut < d.n; cut++)
		assert_int_equal(knock(&s, d.bytes, cut, &s.p.path, reply, &n).kind, TERN_VERDICT_DROP);
	stub_close(&s);
}

/* CVE-2014-8176, CVE-2013-6450: application data in the middle of a handshake is neither kept nor delivered. */
static void class_A5_data_within_the_handshake(void **state)
{
	(void)state;
	for (int version = V12; version <= V13; version++) {
		stub_prepare(&s, version, DEAL_MUTUAL);
		stub_open(&s);
		for (unsigned step = 0; stub_start_at(&s, step); step++)
			for (int to = 0; to < 2; to++) {
				stub_start_at(&s, step);
				if (!s.p.side[to].conn || s.p.side[to].conn->state != CONN_HANDSHAKE)
					continue;
				pair_forge(&s.p, (enum role)to, CONTENT_APPLICATION_DATA, 0, 800, text, 100);
				pair_forge(&s.p, (enum role)to, CONTENT_APPLICATION_DATA, 1, 8, text, 100);
				if (s.p.side[!to].conn && s.p.side[!to].conn->records.out.epoch)
					pair_seal(&s.p, (enum role)to, CONTENT_APPLICATION_DATA, text, 100);
				assert_false(pair_saw(&s.p, (enum role)to, TERN_EVENT_DATA));
				stub_finish(&s, "data within the handshake");
			}
		stub_close(&s);
	}
}

/* CVE-2009-1386, CVE-2017-7243: any record and any message as the very first. */
static void class_A6_first_message(void **state)
{
	(void)state;
	for (int version = V12; version <= V13; version++) {
		stub_prepare(&s, version, DEAL_CERTIFICATE);
		stub_open(&s);
		for (unsigned type = 0; type < 256; type++)
			for (unsigned what = 0; what < 4; what++) {
				enum role to = what & 1 ? SERVER : CLIENT;
				tern_error error;
				pair_hang_up(&s.p);
				if (to == CLIENT)
					stub_dial(&s);
				else
					pair_accept(&s.p);
				if (what & 2)
					pair_forge(&s.p, to, (uint8_t)type, 0, 0, "\1\2", type == 20 ? 1 : 2);
				else
					forge_message(&s, to, (uint8_t)type, 0, text, 4);
				error = s.p.side[to].error;
				if (error != TERN_OK && tern_error_class_of(error) != TERN_CLASS_PROTOCOL)
					fail_msg("type %u: %s", type, tern_error_name(error));
				assert_false(pair_saw(&s.p, to, TERN_EVENT_CONNECTED));
			}
		stub_close(&s);
	}
}

/* CVE-2022-46393. Connections do not use connection IDs yet (issue 5); the codec knows them, of any length. */
static void class_A7_connection_id_length(void **state)
{
	(void)state;
	for (size_t cid_len = 0; cid_len < 256; cid_len++)
		for (size_t n = 0; n < cid_len + 24; n++) {
			uint8_t *copy = calloc(1, n ? n : 1);
			struct unified_header h;
			struct rd r = rd_of(span_of(copy, n));
			size_t header = 1 + cid_len + 2;
			if (n)
				copy[0] = UNIFIED_FIXED | UNIFIED_CID | UNIFIED_SEQ16;
			assert_int_equal(get_unified(&r, cid_len, &h), cid_len != 0 && n >= header);
			if (cid_len != 0 && n >= header)
				assert_int_equal(h.cid.n + 3 + h.payload.n, n);
			free(copy);
		}
	/* Nobody who was given none may send one. */
	stub_connect(&s, V13, DEAL_CERTIFICATE);
	pair_feed(&s.p, SERVER, "\x3b\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24\25", 22);
	assert_int_equal(pair_info(&s.p, SERVER).dropped[TERN_DROP_MALFORMED], 1);
	pair_check_data(&s.p, "a connection ID");
	stub_close(&s);
}

/* Peers cannot reach an assertion: noise of every kind is the peer's fault or nobody's, never ours. */
static void class_A8_no_reachable_assertion(void **state)
{
	struct pcg rng;
	(void)state;
	pcg_seed(&rng, 1, 8);
	for (int version = V12; version <= V13; version++) {
		stub_prepare(&s, version, DEAL_MUTUAL);
		stub_open(&s);
		for (unsigned i = 0; i < 3000; i++) {
			struct datagram_on_wire d;
			(void)stub_start_at(&s, pcg_below(&rng, 7));
			if (!s.p.num_queued)
				continue;
			d = s.p.queue[0];
			for (unsigned k = 1 + pcg_below(&rng, 4); k; k--)
				d.bytes[pcg_below(&rng, (uint32_t)d.n)] = (uint8_t)pcg_next(&rng);
			pair_feed(&s.p, d.to, d.bytes, pcg_percent(&rng, 30) ? pcg_below(&rng, (uint32_t)d.n) : d.n);
			for (int k = 0; k < 2; k++)
				if (tern_error_class_of(s.p.side[k].error) >= TERN_CLASS_CRYPTO)
					fail_msg("noise: %s", tern_error_name(s.p.side[k].error));
		}
		stub_close(&s);
	}
}

/* wolfSSL CVE-2026-2646. Snapshots of connections do not exist yet; sessions are imported, and tickets are opened. */
static void class_A9_imported_blobs(void **state)
{
	uint8_t session[TERN_SESSION_MAX], spoilt[TERN_SESSION_MAX];
	size_t n;
	(void)state;
	for (int version = V12; version <= V13; version++) {
		stub_connect(&s, version, DEAL_CERTIFICATE);
		OK(tern_conn_session(s.p.side[CLIENT].conn, session, sizeof session, &n));
		for (size_t cut = 1; cut < n; cut++) {
			uint8_t *copy = malloc(cut);
			memcpy(copy, session, cut);
			pair_hang_up(&s.p);
			pair_dial(&s.p, "a.test", span_of(copy, cut));
			check_is("a session cut short", s.p.side[CLIENT].error, TERN_ERROR_BAD_SESSION);
			free(copy);
		}
		for (size_t bit = 0; bit < 8 * n; bit += 3) {
			memcpy(spoilt, session, n);
			spoilt[bit / 8] ^= (uint8_t)(1u << bit % 8);
			pair_hang_up(&s.p);
			pair_dial(&s.p, "a.test", span_of(spoilt, n));
			pair_run(&s.p, LONG_TIME);
			for (int k = 0; k < 2; k++)
				assert_true(tern_error_class_of(s.p.side[k].error) < TERN_CLASS_CRYPTO);
		}
		stub_close(&s);
	}
}

static bool double_extension(struct pair *p, struct datagram_on_wire *d)
{
	(void)p;
	if (d->to == SERVER && !spoil_extension(d, 11, 10)) /* ec_point_formats becomes a second supported_groups */
		(void)!spoil_extension(d, 13, 10);
	return true;
}

/* CVE-2014-3513, CVE-2025-11936: what is doubled is refused, and failed handshakes leave nothing behind. */
static void class_A10_duplicates_leave_nothing(void **state)
{
	static const uint8_t twice[] = {0, 10, 0, 4, 0, 2, 0, 29, 0, 10, 0, 4, 0, 2, 0, 29};
	struct extensions ext;
	(void)state;
	assert_true(get_extensions(span_of(twice, 8), IN_CLIENT_HELLO, &ext));
	assert_false(get_extensions(span_of(twice, sizeof twice), IN_CLIENT_HELLO, &ext));
	for (int version = V12; version <= V13; version++) {
		stub_prepare(&s, version, DEAL_MUTUAL);
		OK(tern_config_set_cookie(s.config[SERVER], false));
		stub_open(&s);
		for (unsigned i = 0; i < 20; i++) {
			s.p.tap = double_extension;
			stub_dial(&s);
			pair_run(&s.p, LONG_TIME);
			assert_false(pair_connected(&s.p));
			check_is("doubled", s.p.side[SERVER].error, TERN_ERROR_DECODE);
			pair_hang_up(&s.p);
			assert_int_equal(s.heap[CLIENT].live, s.idle[CLIENT]);
			assert_int_equal(s.heap[SERVER].live, s.idle[SERVER]);
		}
		stub_close(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(class_A1_fragment_of_another_total),
		cmocka_unit_test(class_A2_short_and_empty_fragments),
		cmocka_unit_test(class_A3_order_of_duplicates),
		cmocka_unit_test(class_A4_cookie_length),
		cmocka_unit_test(class_A5_data_within_the_handshake),
		cmocka_unit_test(class_A6_first_message),
		cmocka_unit_test(class_A7_connection_id_length),
		cmocka_unit_test(class_A8_no_reachable_assertion),
		cmocka_unit_test(class_A9_imported_blobs),
		cmocka_unit_test(class_A10_duplicates_leave_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
