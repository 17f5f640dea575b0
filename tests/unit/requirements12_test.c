/* Requirements of DTLS 1.2 that no other file looks at: RFC 6347 4.1, 4.2.1, 4.2.3, 4.2.5, 4.2.6, RFC 9146 3, 5, 6.
 * docs/requirements has the list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "usual_pair.h"
#include "wire/hello.h"

#define S UINT64_C(1000000000)
#define HELLO_AT (RECORD12_HEADER + HANDSHAKE_HEADER)

static void start(struct pair *p)
{
	tern_config *c[2];
	tern_timers timers = {.size = sizeof timers, .first_ns = S, .no_jitter = true};
	usual_configs(c);
	OK(tern_config_set_timers(c[CLIENT], &timers));
	OK(tern_config_set_timers(c[SERVER], &timers));
	pair_init(p, c[CLIENT], c[SERVER]);
	pair_dial(p, "a.test", span_of(NULL, 0));
}

static uint64_t record_seq(const uint8_t *record)
{
	uint64_t seq = 0;
	for (size_t i = 5; i < 11; i++)
		seq = seq << 8 | record[i];
	return seq;
}

/* Where the record behind this one starts; n: the datagram's end. */
static size_t behind(const uint8_t *datagram, size_t at, size_t n)
{
	size_t next = at + RECORD12_HEADER + ((size_t)datagram[at + 11] << 8 | datagram[at + 12]);
	assert_true(next <= n);
	return next;
}

/* ---- hellos ---- */

/* RFC 6347 4.2.1: of the version in a HelloVerifyRequest nothing follows. */
static void version_of_a_verify_request_means_nothing(void **state)
{
	static const struct {
		uint16_t record, message;
	} cases[] = {{VERSION_DTLS10, VERSION_DTLS10},
		     {VERSION_DTLS12, VERSION_DTLS12},
		     {VERSION_DTLS10, VERSION_DTLS12},
		     {VERSION_DTLS12, VERSION_DTLS10}};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct pair p;
		start(&p);
		assert_true(pair_carry(&p));
		assert_int_equal(p.queue[0].bytes[HANDSHAKE_HEADER + 1], HELLO_VERIFY_REQUEST);
		wr_store(p.queue[0].bytes + 1, 2, cases[i].record);
		wr_store(p.queue[0].bytes + HELLO_AT, 2, cases[i].message);
		pair_settle(&p);
		assert_true(pair_connected(&p));
		assert_int_equal(pair_info(&p, CLIENT).version, TERN_DTLS12);
		pair_free(&p);
	}
}

static size_t take_hello(struct pair *p, uint8_t *out)
{
	size_t n;
	pair_collect(p, CLIENT);
	n = p->queue[0].n - HELLO_AT;
	memcpy(out, p->queue[0].bytes + HELLO_AT, n);
	return n;
}

/* RFC 6347 4.2.1: all but the cookie is repeated, the extensions included. */
static void second_hello_differs_by_its_cookie(void **state)
{
	uint8_t first[PAIR_DATAGRAM], second[PAIR_DATAGRAM];
	size_t n1, n2, at = 2 + RANDOM_LEN, cookie;
	struct pair p;
	(void)state;
	start(&p);
	n1 = take_hello(&p, first);
	assert_true(pair_carry(&p)); /* the hello */
	assert_true(pair_carry(&p)); /* the request */
	n2 = take_hello(&p, second);
	at += 1u + first[at];
	assert_int_equal(first[at], 0);
	cookie = second[at];
	assert_true(cookie > 0);
	assert_int_equal(n2, n1 + cookie);
	assert_memory_equal(first, second, at);
	assert_memory_equal(first + at + 1, second + at + 1 + cookie, n1 - at - 1);
	pair_free(&p);
}

/* RFC 6347 4.2.1: without state a server answers under the number of the hello; with it, it counts on. */
static void first_answers_take_the_number_of_the_hello(void **state)
{
	struct pair p;
	size_t at = 0;
	uint64_t seq = 0;
	(void)state;
	start(&p);
	p.side[CLIENT].conn->records.plain_seq = 500;
	assert_true(pair_carry(&p));
	assert_int_equal(record_seq(p.queue[0].bytes), 500); /* HelloVerifyRequest */
	assert_true(pair_carry(&p));
	pair_collect(&p, CLIENT);
	assert_int_equal(record_seq(p.queue[0].bytes), 501);
	assert_true(pair_carry(&p));
	pair_collect(&p, SERVER);
	assert_int_equal(p.queue[0].to, CLIENT);
	for (size_t d = 0; d < p.num_queued; d++)
		for (at = 0; at < p.queue[d].n; at = behind(p.queue[d].bytes, at, p.queue[d].n))
			assert_int_equal(record_seq(p.queue[d].bytes + at), 501 + seq++);
	assert_true(seq >= 4);
	pair_settle(&p);
	assert_true(pair_connected(&p));
	pair_free(&p);
}

/* ---- flights ---- */

/* The client's flight that ends in Finished, in one datagram: its records. */
static size_t clients_last(struct pair *p, size_t at[], size_t max)
{
	size_t num = 0;
	for (;;) {
		if (!p->num_queued) {
			pair_collect(p, CLIENT);
			pair_collect(p, SERVER);
		}
		assert_true(p->num_queued > 0);
		if (p->queue[0].bytes[RECORD12_HEADER] == CLIENT_KEY_EXCHANGE)
			break;
		assert_true(pair_carry(p));
	}
	assert_int_equal(p->num_queued, 1);
	for (size_t i = 0; i < p->queue[0].n && num < max; i = behind(p->queue[0].bytes, i, p->queue[0].n))
		at[num++] = i;
	return num;
}

/* RFC 6347 4.1: though a record of the new epoch has been opened, the old one is heard until the handshake is over. */
static void old_epoch_is_heard_until_the_end(void **state)
{
	struct pair p;
	struct datagram_on_wire d;
	size_t at[4];
	(void)state;
	start(&p);
	assert_int_equal(clients_last(&p, at, 4), 3); /* ClientKeyExchange, ChangeCipherSpec, Finished */
	d = p.queue[0];
	p.num_queued = 0;
	pair_feed(&p, SERVER, d.bytes, at[1]);
	pair_feed(&p, SERVER, d.bytes + at[2], d.n - at[2]);
	assert_true(p.side[SERVER].conn->records.heard);
	assert_false(pair_saw(&p, SERVER, TERN_EVENT_CONNECTED));
	pair_feed(&p, SERVER, d.bytes, at[1]);
	assert_int_equal(pair_info(&p, SERVER).dropped[TERN_DROP_PLAINTEXT], 0);
	assert_int_equal(pair_info(&p, SERVER).dropped[TERN_DROP_OLD_MESSAGE], 1);
	pair_feed(&p, SERVER, d.bytes + at[1], at[2] - at[1]);
	assert_true(pair_saw(&p, SERVER, TERN_EVENT_CONNECTED));
	pair_feed(&p, SERVER, d.bytes, at[1]);
	assert_int_equal(pair_info(&p, SERVER).dropped[TERN_DROP_PLAINTEXT], 1);
	pair_settle(&p);
	assert_true(pair_connected(&p));
	pair_free(&p);
}

/* RFC 6347 4.1, 4.2.5: ChangeCipherSpec goes again with its Finished, each in the epoch it had. */
static void retransmission_holds_change_cipher_spec(void **state)
{
	struct pair p;
	struct datagram_on_wire first;
	size_t at[4], again[4];
	(void)state;
	start(&p);
	assert_int_equal(clients_last(&p, at, 4), 3);
	first = p.queue[0];
	p.num_queued = 0;
	p.now.mono_ns += S;
	OK(tern_conn_tick(p.side[CLIENT].conn, p.now));
	pair_collect(&p, CLIENT);
	assert_int_equal(clients_last(&p, again, 4), 3);
	for (size_t i = 0; i < 3; i++) {
		const uint8_t *a = first.bytes + at[i], *b = p.queue[0].bytes + again[i];
		static const uint8_t types[] = {CONTENT_HANDSHAKE, CONTENT_CHANGE_CIPHER_SPEC, CONTENT_HANDSHAKE};
		assert_int_equal(b[0], types[i]);
		assert_int_equal(a[4], i == 2); /* epoch */
		assert_int_equal(b[4], i == 2);
		assert_true(record_seq(b) > record_seq(a));
	}
	pair_settle(&p);
	assert_true(pair_connected(&p));
	pair_free(&p);
}

static unsigned cut;

/* Two fragments that overlap by a byte, the later first. */
static void put_halves(struct wr *w, struct record12 h, struct fragment f)
{
	size_t half = f.body.n / 2;
	for (int i = 0; i < 2; i++) {
		size_t from = i ? 0 : half - 1, to = i ? half : f.body.n;
		h.seq += 1000;
		put_record12_header(w, &h, (uint16_t)(HANDSHAKE_HEADER + to - from));
		f.offset = (uint32_t)from;
		put_fragment_header(w, &f, (uint32_t)(to - from));
		wr_bytes(w, span_of(f.body.p + from, to - from));
		cut++;
	}
}

static bool refragment(struct pair *p, struct datagram_on_wire *d)
{
	uint8_t out[PAIR_DATAGRAM];
	struct wr w = wr_of(out, sizeof out);
	struct rd r = rd_of(span_of(d->bytes, d->n)), body;
	struct record12 h;
	struct fragment f;
	if (!p->side[SERVER].conn)
		return true; /* a hello that is answered without state stays whole */
	while (get_record12(&r, &h)) {
		body = rd_of(h.fragment);
		if (h.type == CONTENT_HANDSHAKE && h.epoch == 0 && get_fragment(&body, &f) && f.body.n > 2) {
			put_halves(&w, h, f);
			continue;
		}
		put_record12_header(&w, &h, (uint16_t)h.fragment.n);
		wr_bytes(&w, h.fragment);
	}
	assert_true(wr_ok(&w));
	memcpy(d->bytes, out, w.n);
	d->n = w.n;
	return true;
}

/* RFC 6347 4.2.3, 4.2.6: Finished does not know how messages were cut, nor of the first hello and what answered it. */
static void finished_is_blind_to_fragments_and_cookies(void **state)
{
	struct pair p;
	(void)state;
	start(&p);
	p.tap = refragment;
	cut = 0;
	pair_settle(&p);
	assert_true(pair_connected(&p));
	assert_int_equal(p.replies, 1);
	assert_true(cut >= 8); /* four of the server, ClientKeyExchange; ServerHelloDone has nothing to cut */
	assert_int_equal(pair_info(&p, CLIENT).retransmissions + pair_info(&p, SERVER).retransmissions, 0);
	pair_free(&p);
}

/* ---- connection IDs, which nobody negotiated ---- */

#define TLS12_CID 25

static unsigned with_cid;
static bool look_for_cid(struct pair *p, struct datagram_on_wire *d)
{
	(void)p;
	for (size_t at = 0; at < d->n; at = behind(d->bytes, at, d->n))
		with_cid += d->bytes[at] == TLS12_CID;
	return true;
}

/* RFC 9146 3, 5: the records are those of RFC 6347, and others are dropped without a trace. */
static void records_bear_no_connection_id(void **state)
{
	struct pair p;
	struct tern_conn *server;
	uint8_t junk[48] = {0};
	(void)state;
	start(&p);
	p.tap = look_for_cid;
	with_cid = 0;
	pair_settle(&p);
	assert_true(pair_connected(&p));
	pair_check_data(&p, "data");
	assert_int_equal(with_cid, 0);
	server = p.side[SERVER].conn;
	for (uint16_t epoch = 0; epoch < 2; epoch++) {
		pair_forge(&p, SERVER, TLS12_CID, epoch, 700, junk, sizeof junk);
		assert_int_equal(pair_info(&p, SERVER).dropped[TERN_DROP_CONTENT_TYPE], epoch + 1u);
	}
	assert_int_equal(server->records.in.forged, 0);
	assert_true(server->records.in.window.next < 700);
	pair_settle(&p);
	assert_int_equal(p.num_queued, 0);
	pair_check_data(&p, "after");
	pair_free(&p);
}

/* RFC 9146 3: a server must not answer what was not offered (RFC 5246 7.4.1.4). */
static bool answer_connection_id(struct pair *p, struct datagram_on_wire *d)
{
	static const uint8_t connection_id[] = {0, 54, 0, 1, 0};
	size_t n = behind(d->bytes, 0, d->n), extensions;
	uint8_t rest[PAIR_DATAGRAM];
	(void)p;
	if (d->to != CLIENT || d->bytes[RECORD12_HEADER] != SERVER_HELLO)
		return true;
	extensions = HELLO_AT + 2 + RANDOM_LEN;
	extensions += 1u + d->bytes[extensions] + 3;
	memcpy(rest, d->bytes + n, d->n - n);
	memcpy(d->bytes + n, connection_id, sizeof connection_id);
	memcpy(d->bytes + n + sizeof connection_id, rest, d->n - n);
	d->n += sizeof connection_id;
	d->bytes[12] = (uint8_t)(d->bytes[12] + sizeof connection_id);
	d->bytes[16] = (uint8_t)(d->bytes[16] + sizeof connection_id);
	d->bytes[24] = (uint8_t)(d->bytes[24] + sizeof connection_id);
	d->bytes[extensions + 1] = (uint8_t)(d->bytes[extensions + 1] + sizeof connection_id);
	return true;
}

static void connection_id_unasked_is_refused(void **state)
{
	struct pair p;
	(void)state;
	start(&p);
	p.tap = answer_connection_id;
	pair_settle(&p);
	check_is("client", p.side[CLIENT].error, TERN_ERROR_UNSUPPORTED_EXTENSION);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_of_a_verify_request_means_nothing),
		cmocka_unit_test(second_hello_differs_by_its_cookie),
		cmocka_unit_test(first_answers_take_the_number_of_the_hello),
		cmocka_unit_test(old_epoch_is_heard_until_the_end),
		cmocka_unit_test(retransmission_holds_change_cipher_spec),
		cmocka_unit_test(finished_is_blind_to_fragments_and_cookies),
		cmocka_unit_test(records_bear_no_connection_id),
		cmocka_unit_test(connection_id_unasked_is_refused),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
