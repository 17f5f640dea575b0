/* Requirements of RFC 9147 that no other file looks at, section by section: RFC 9147 4, 4.2.1, 4.5.2, 4.5.3,
 * 5, 5.1, 5.2, 5.3, 5.5, 5.8.1, 5.8.2, 5.10, 7, 7.1, 7.2, 9, and where the draft of its successor is stricter, that.
 * docs/requirements has the list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "usual_pair.h"
#include "wire/extensions.h"
#include "wire/hello.h"

#define S UINT64_C(1000000000)
#define NO_MTU 0
#define SENT_MAX 64

/* Handshake records and ACKs, as the trace tells of them. */
static struct {
	tern_trace t;
	enum role by;
} sent[SENT_MAX];
static size_t num_sent;

static void watch(void *user, const tern_conn *conn, const tern_trace *t)
{
	enum role *by = user;
	(void)conn;
	if (t->kind != TERN_TRACE_SENT || num_sent == SENT_MAX)
		return;
	sent[num_sent].t = *t;
	sent[num_sent++].by = *by;
}

static unsigned count(enum role by, uint8_t content_type, uint8_t message_type)
{
	unsigned n = 0;
	for (size_t i = 0; i < num_sent; i++)
		n += sent[i].by == by && sent[i].t.content_type == content_type &&
		     (content_type != CONTENT_HANDSHAKE || sent[i].t.message_type == message_type);
	return n;
}

static void set_up(struct pair *p, uint16_t mtu)
{
	static enum role roles[] = {CLIENT, SERVER};
	tern_config *c[2] = {new_config13(NULL), new_config13(NULL)};
	tern_timers timers = {.size = sizeof timers, .first_ns = S, .no_jitter = true, .no_rtt = true};
	tern_limits limits = {.size = sizeof limits, .mtu = mtu};
	for (int i = 0; i < 2; i++) {
		OK(tern_config_set_groups(c[i], "secp256r1"));
		OK(tern_config_set_timers(c[i], &timers));
		OK(tern_config_set_limits(c[i], &limits));
		OK(tern_config_set_tickets(c[i], false));
		OK(tern_config_set_trace(c[i], watch, &roles[i]));
	}
	OK(tern_config_set_cookie(c[SERVER], false));
	add_trust(c[CLIENT], &root);
	add_cert(c[SERVER], &leaf);
	num_sent = 0;
	pair_init(p, c[CLIENT], c[SERVER]);
	pair_dial(p, "a.test", span_of(NULL, 0));
}

static void connect13(struct pair *p)
{
	set_up(p, NO_MTU);
	pair_settle(p);
	assert_true(pair_connected(p));
	num_sent = 0;
}

/* ---- records ---- */

static bool change_version(struct pair *p, struct datagram_on_wire *d)
{
	(void)p;
	if (d->bytes[0] == CONTENT_HANDSHAKE)
		wr_store(d->bytes + 1, 2, 0x1234);
	return true;
}

/* RFC 9147 4: of plaintext records, whoever sends them; a server's first look included. */
static void version_of_a_record_is_not_looked_at(void **state)
{
	(void)state;
	for (int cookie = 0; cookie < 2; cookie++) {
		tern_config *c[2] = {new_config13(NULL), new_config13(NULL)};
		struct pair p;
		add_trust(c[CLIENT], &root);
		add_cert(c[SERVER], &leaf);
		OK(tern_config_set_groups(c[CLIENT], "secp256r1"));
		OK(tern_config_set_cookie(c[SERVER], cookie));
		pair_init(&p, c[CLIENT], c[SERVER]);
		p.tap = change_version;
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_settle(&p);
		assert_true(pair_connected(&p));
		assert_int_equal(p.replies, cookie);
		pair_free(&p);
	}
}

/* RFC 9147 4.2.1, 5.5: a retransmission is the same message in the same epoch, in a record of its own. */
static void retransmission_keeps_epoch_and_bytes(void **state)
{
	struct pair p;
	size_t first, again;
	(void)state;
	set_up(&p, NO_MTU);
	assert_true(pair_carry(&p));
	pair_collect(&p, SERVER);
	p.num_queued = 0; /* the server's flight is lost */
	first = 1;
	again = num_sent;
	assert_true(again >= 6);
	p.now.mono_ns += S;
	OK(tern_conn_tick(p.side[SERVER].conn, p.now));
	pair_collect(&p, SERVER);
	assert_int_equal(num_sent - again, again - first);
	for (size_t i = first; i < again; i++) {
		const tern_trace *a = &sent[i].t, *b = &sent[again + i - first].t;
		assert_int_equal(a->epoch, b->epoch);
		assert_int_equal(a->message_type, b->message_type);
		assert_int_equal(a->message_seq, b->message_seq);
		assert_int_equal(a->fragment_offset, b->fragment_offset);
		assert_int_equal(a->fragment_len, b->fragment_len);
		assert_true(b->retransmission && b->record_seq > a->record_seq);
	}
	assert_int_equal(sent[again].t.epoch, 0);
	assert_int_equal(sent[num_sent - 1].t.epoch, 2);
	pair_settle(&p); /* and the transcript is one of either transmission */
	assert_true(pair_connected(&p));
	pair_free(&p);
}

/* RFC 9147 4.5.3: at seven eighths of what the AEAD bears the peer is asked to change its keys; at the limit it ends.
 */
static void forgeries_bring_new_keys_and_then_the_end(void **state)
{
	struct pair p;
	uint8_t junk[40] = {0x2f, 0, 0, 0, 35};
	struct read_epoch *in;
	uint64_t limit;
	(void)state;
	connect13(&p);
	in = &p.side[SERVER].conn->records.in;
	limit = raw_key_aead(&in->key)->forgery_limit;
	in->forged = limit - limit / 4 - 2; /* from there on, sooner or later */
	pair_feed(&p, SERVER, junk, sizeof junk);
	pair_settle(&p);
	assert_int_equal(num_sent, 0);
	in->forged = limit - limit / 8;
	pair_feed(&p, SERVER, junk, sizeof junk);
	pair_settle(&p);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(count((enum role)i, CONTENT_HANDSHAKE, KEY_UPDATE), 1);
		assert_int_equal(p.side[i].conn->write_epoch, 4);
	}
	pair_check_data(&p, "under new keys");
	assert_int_equal(in->epoch, 4);
	assert_int_equal(in->forged, 0);
	in->forged = limit - 2;
	junk[0] = 0x2c;
	pair_feed(&p, SERVER, junk, sizeof junk);
	check_is("one more is allowed", p.side[SERVER].error, TERN_OK);
	pair_feed(&p, SERVER, junk, sizeof junk);
	check_is("at the limit", p.side[SERVER].error, TERN_ERROR_FORGERIES);
	pair_free(&p);
}

/* ---- hellos ---- */

/* The body of the hello on the wire. */
static void decode_hello(const struct pair *p, struct client_hello *hello, struct extensions *ext)
{
	struct rd r = rd_of(span_of(p->queue[0].bytes, p->queue[0].n)), body;
	struct record12 record;
	struct fragment f;
	assert_true(get_record12(&r, &record));
	assert_int_equal(record.version, VERSION_DTLS10);
	body = rd_of(record.fragment);
	assert_true(get_fragment(&body, &f) && f.body.n == f.length);
	body = rd_of(f.body);
	assert_true(get_client_hello(&body, hello) && rd_end(&body));
	assert_true(get_extensions(hello->extensions, IN_CLIENT_HELLO, ext));
}

/* RFC 9147 5.3 */
static void legacy_fields_of_a_hello(void **state)
{
	struct pair p;
	struct client_hello hello;
	struct extensions ext;
	(void)state;
	set_up(&p, NO_MTU);
	pair_collect(&p, CLIENT);
	decode_hello(&p, &hello, &ext);
	assert_int_equal(hello.version, VERSION_DTLS12);
	assert_int_equal(hello.session_id.n, 0);
	assert_int_equal(hello.cookie.n, 0);
	assert_int_equal(ext.supported_versions.n, 2);
	assert_int_equal(ext.supported_versions.p[1], 0xfc);
	pair_free(&p);
}

/* Clients and servers of both versions; the client has a session of DTLS 1.2 to offer. */
static void dial_with_session12(struct pair *p)
{
	tern_config *c[2], *both[2];
	tern_pool *pool;
	static uint8_t session[TERN_SESSION_MAX];
	size_t n;
	usual_configs(c);
	connect_pair(p, c);
	OK(tern_conn_session(p->side[CLIENT].conn, session, sizeof session, &n));
	pair_hang_up(p);
	for (int i = 0; i < 2; i++) {
		both[i] = tern_config_new(NULL);
		OK(tern_config_set_groups(both[i], "secp256r1"));
		if (i == CLIENT) {
			add_trust(both[i], &root);
		} else {
			add_cert(both[i], &leaf);
			OK(tern_config_set_cookie(both[i], false));
		}
		OK(tern_pool_new(&pool, both[i]));
		tern_pool_free(p->side[i].pool);
		tern_config_free(p->side[i].config);
		p->side[i].pool = pool;
		p->side[i].config = both[i];
	}
	pair_dial(p, "a.test", span_of(session, n));
	pair_collect(p, CLIENT);
}

static unsigned ccs_seen;
static size_t echo_len;

static bool look_for_compatibility(struct pair *p, struct datagram_on_wire *d)
{
	struct rd r = rd_of(span_of(d->bytes, d->n)), body;
	struct record12 record;
	struct server_hello hello;
	struct fragment f;
	(void)p;
	while (rd_left(&r) && r.p[0] < 32 && get_record12(&r, &record)) {
		ccs_seen += record.type == CONTENT_CHANGE_CIPHER_SPEC;
		body = rd_of(record.fragment);
		if (record.type == CONTENT_HANDSHAKE && get_fragment(&body, &f) && f.type == SERVER_HELLO) {
			body = rd_of(f.body);
			assert_true(get_server_hello(&body, &hello));
			echo_len = hello.session_id.n;
		}
	}
	return true;
}

/* RFC 9147 5: no compatibility mode; RFC 9147 5.3: a session of before is offered by its id. */
static void server_echoes_no_session_id_and_nobody_sends_ccs(void **state)
{
	struct pair p;
	struct client_hello hello;
	struct extensions ext;
	(void)state;
	dial_with_session12(&p);
	decode_hello(&p, &hello, &ext);
	assert_int_equal(hello.session_id.n, SESSION_ID_MAX);
	p.tap = look_for_compatibility;
	ccs_seen = 0;
	echo_len = 99;
	pair_settle(&p);
	assert_true(pair_connected(&p));
	assert_int_equal(pair_info(&p, CLIENT).version, TERN_DTLS13);
	assert_int_equal(echo_len, 0);
	assert_int_equal(ccs_seen, 0);
	pair_free(&p);
}

/* The ServerHello on its way gets the client's session id. */
static uint8_t client_session_id[SESSION_ID_MAX];
static bool put_echo(struct pair *p, struct datagram_on_wire *d)
{
	enum { AT = RECORD12_HEADER + HANDSHAKE_HEADER + 2 + RANDOM_LEN };
	uint8_t body[PAIR_DATAGRAM];
	uint32_t length;
	(void)p;
	if (d->to != CLIENT || d->bytes[0] != CONTENT_HANDSHAKE || d->bytes[13] != SERVER_HELLO)
		return true;
	assert_int_equal(d->bytes[AT], 0);
	memcpy(body, d->bytes + AT + 1, d->n - AT - 1);
	d->bytes[AT] = SESSION_ID_MAX;
	memcpy(d->bytes + AT + 1, client_session_id, SESSION_ID_MAX);
	memcpy(d->bytes + AT + 1 + SESSION_ID_MAX, body, d->n - AT - 1);
	d->n += SESSION_ID_MAX;
	length = (uint32_t)d->bytes[11] * 256 + d->bytes[12] + SESSION_ID_MAX;
	wr_store(d->bytes + 11, 2, length);
	wr_store(d->bytes + 14, 3, length - HANDSHAKE_HEADER);
	wr_store(d->bytes + 22, 3, length - HANDSHAKE_HEADER);
	return true;
}

/* RFC 9147 5; the draft of its successor has the client refuse it. */
static void echoed_session_id_is_refused(void **state)
{
	struct pair p;
	struct client_hello hello;
	struct extensions ext;
	(void)state;
	dial_with_session12(&p);
	decode_hello(&p, &hello, &ext);
	memcpy(client_session_id, hello.session_id.p, SESSION_ID_MAX);
	p.tap = put_echo;
	pair_settle(&p);
	check_is("client", p.side[CLIENT].error, TERN_ERROR_ILLEGAL_PARAMETER);
	pair_free(&p);
}

/* RFC 9147 5.3: by the server that keeps nothing too, which would only ask for another hello of the kind. */
static void legacy_cookie_is_refused(void **state)
{
	struct pair p;
	uint8_t d[PAIR_DATAGRAM], reply[512];
	enum { AT = RECORD12_HEADER + HANDSHAKE_HEADER + 2 + RANDOM_LEN + 1 };
	size_t n, len;
	tern_verdict v;
	(void)state;
	set_up(&p, NO_MTU);
	pair_collect(&p, CLIENT);
	n = p.queue[0].n;
	memcpy(d, p.queue[0].bytes, AT);
	assert_int_equal(p.queue[0].bytes[AT], 0);
	d[AT] = 4;
	memcpy(d + AT + 1, "abcd", 4);
	memcpy(d + AT + 5, p.queue[0].bytes + AT + 1, n - AT - 1);
	n += 4;
	wr_store(d + 11, 2, n - RECORD12_HEADER);
	wr_store(d + 14, 3, n - RECORD12_HEADER - HANDSHAKE_HEADER);
	wr_store(d + 22, 3, n - RECORD12_HEADER - HANDSHAKE_HEADER);
	p.num_queued = 0;
	for (int cookie = 0; cookie < 2; cookie++) {
		tern_config *server = new_config13(NULL);
		tern_pool *pool;
		tern_conn *conn;
		tern_event e;
		add_cert(server, &leaf);
		OK(tern_config_set_cookie(server, cookie));
		OK(tern_pool_new(&pool, server));
		OK(tern_listen(pool, &v, reply, sizeof reply, &len, d, n, &p.path, p.now));
		if (cookie) {
			assert_int_equal(v.kind, TERN_VERDICT_REPLY);
			assert_int_equal(len, RECORD12_HEADER + 2);
			assert_int_equal(reply[0], CONTENT_ALERT);
			assert_int_equal(reply[14], 47);
		} else {
			assert_int_equal(v.kind, TERN_VERDICT_ACCEPT);
			OK(tern_accept(&conn, pool, &v, &p.path, p.now));
			OK(tern_conn_feed(conn, d, n, &p.path, p.now));
			check_is("server", tern_conn_next(conn, &e, p.now), TERN_ERROR_ILLEGAL_PARAMETER);
			tern_conn_free(conn);
		}
		tern_pool_free(pool);
		tern_config_free(server);
	}
	pair_free(&p);
}

/* RFC 9147 5.2: the draft of its successor says that message_seq does not wrap. */
static void message_seq_does_not_wrap_in_a_handshake(void **state)
{
	struct pair p;
	(void)state;
	for (int near = 0; near < 2; near++) {
		set_up(&p, NO_MTU);
		pair_accept(&p);
		p.side[SERVER].conn->hs->send_seq = near ? UINT16_MAX - 3 : UINT16_MAX - 4;
		pair_settle(&p);
		check_is(near ? "beyond" : "just fits", p.side[SERVER].error, near ? TERN_ERROR_LIMIT : TERN_OK);
		for (size_t i = 1; i < num_sent; i++)
			assert_true(sent[i].t.message_seq != 0 || sent[i].by == CLIENT ||
				    sent[i].t.content_type != CONTENT_HANDSHAKE);
		pair_free(&p);
	}
}

/* ---- flights ---- */

static unsigned passed; /* datagrams of the server that get through */
static bool lose_the_rest(struct pair *p, struct datagram_on_wire *d)
{
	(void)p;
	if (d->to == SERVER)
		return true;
	if (passed == 0)
		return false;
	passed--;
	return true;
}

/* RFC 9147 7.2: a hello whose answer has begun to come has arrived. */
static void part_of_the_answer_stops_the_timer(void **state)
{
	struct pair p;
	(void)state;
	set_up(&p, 300);
	p.tap = lose_the_rest;
	passed = 1;
	pair_settle(&p);
	assert_non_null(p.side[CLIENT].conn->after); /* ServerHello was in it */
	assert_false(pair_saw(&p, CLIENT, TERN_EVENT_CONNECTED));
	for (int i = 0; i < 12 && pair_wait(&p, p.now.mono_ns + 10 * S); i++)
		pair_settle(&p);
	assert_int_equal(count(CLIENT, CONTENT_HANDSHAKE, CLIENT_HELLO), 1);
	assert_true(count(CLIENT, CONTENT_ACK, 0) >= 1);
	assert_true(count(SERVER, CONTENT_HANDSHAKE, FINISHED) >= 2);
	passed = 1000;
	pair_run(&p, 100 * S);
	assert_true(pair_connected(&p));
	assert_int_equal(count(CLIENT, CONTENT_HANDSHAKE, CLIENT_HELLO), 1);
	pair_free(&p);
}

/* RFC 9147 7.2 leaves such a client nothing to repeat but its ACK, and the server's timer may stand still. */
static void ack_of_a_part_is_repeated(void **state)
{
	struct pair p;
	tern_conn *client;
	(void)state;
	set_up(&p, 300);
	p.tap = lose_the_rest;
	passed = 1;
	pair_settle(&p);
	client = p.side[CLIENT].conn;
	for (int i = 0; i < 4; i++) {
		p.now.mono_ns = tern_conn_deadline(client);
		OK(tern_conn_tick(client, p.now));
		pair_collect(&p, CLIENT);
		p.num_queued = 0; /* all of them are lost */
	}
	assert_int_equal(count(CLIENT, CONTENT_ACK, 0), 4);
	assert_int_equal(count(CLIENT, CONTENT_HANDSHAKE, CLIENT_HELLO), 1);
	passed = 1000;
	for (int i = 0; i < 4 && !pair_connected(&p); i++) {
		p.now.mono_ns = tern_conn_deadline(client);
		OK(tern_conn_tick(client, p.now));
		pair_settle(&p);
	}
	assert_true(pair_connected(&p));
	pair_free(&p);
}

/* A server learns the round trip from the first record of the answer. */
static void round_trip_ends_when_the_answer_begins(void **state)
{
	tern_config *c[2] = {new_config13(NULL), new_config13(NULL)};
	tern_limits limits = {.size = sizeof limits, .mtu = 300};
	struct pair p;
	(void)state;
	for (int i = 0; i < 2; i++) {
		OK(tern_config_set_groups(c[i], "secp256r1"));
		OK(tern_config_set_limits(c[i], &limits));
	}
	OK(tern_config_set_cookie(c[SERVER], false));
	add_trust(c[CLIENT], &root);
	add_cert(c[SERVER], &leaf);
	pair_init(&p, c[CLIENT], c[SERVER]);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	assert_true(pair_carry(&p));
	pair_collect(&p, SERVER);
	assert_true(p.num_queued > 1);
	p.now.mono_ns += S / 10;
	assert_true(pair_carry(&p));
	p.now.mono_ns += S / 10;
	pair_settle(&p);
	assert_true(pair_connected(&p));
	assert_int_equal(pair_info(&p, CLIENT).rtt_ns, S / 10);
	pair_free(&p);
}

/* RFC 9147 5.8.1: what comes under the data's keys in front of the client's Finished waits for it. */
static void data_in_front_of_finished_waits(void **state)
{
	struct pair p;
	struct datagram_on_wire finished;
	uint8_t out[256];
	size_t n;
	(void)state;
	set_up(&p, NO_MTU);
	while (!pair_saw(&p, CLIENT, TERN_EVENT_CONNECTED))
		assert_true(pair_carry(&p));
	pair_collect(&p, CLIENT);
	assert_int_equal(p.num_queued, 1);
	finished = p.queue[0];
	p.num_queued = 0;
	OK(tern_conn_seal(p.side[CLIENT].conn, out, sizeof out, &n, (const uint8_t *)"early", 5, p.now));
	pair_feed(&p, SERVER, out, n);
	assert_int_equal(p.side[SERVER].num_events, 0);
	assert_int_equal(p.side[SERVER].data_len, 0);
	pair_feed(&p, SERVER, finished.bytes, finished.n);
	assert_int_equal(p.side[SERVER].num_events, 2);
	assert_int_equal(p.side[SERVER].events[0], TERN_EVENT_CONNECTED);
	assert_int_equal(p.side[SERVER].events[1], TERN_EVENT_DATA);
	assert_int_equal(p.side[SERVER].data_len, 5);
	pair_free(&p);
}

/* ---- alerts ---- */

/* RFC 9147 5.10, RFC 6347 4.2.7: the alert may be lost; a peer that repeats itself is told again. */
static void alert_is_sent_again_to_a_peer_that_repeats_itself(void **state)
{
	(void)state;
	for (int v13 = 0; v13 < 2; v13++) {
		tern_config *c[2];
		struct pair p;
		uint8_t junk[40] = {CONTENT_APPLICATION_DATA, 0xfe, 0xfd};
		usual_configs(c);
		for (int i = 0; v13 && i < 2; i++) {
			OK(tern_config_set_versions(c[i], TERN_DTLS13, TERN_DTLS13));
			OK(tern_config_set_groups(c[i], "secp256r1"));
		}
		OK(tern_config_set_alpn(c[CLIENT], "a"));
		OK(tern_config_set_alpn(c[SERVER], "b"));
		pair_init(&p, c[CLIENT], c[SERVER]);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		while (p.side[SERVER].error == TERN_OK)
			assert_true(pair_carry(&p));
		check_is("server", p.side[SERVER].error, TERN_ERROR_NO_APPLICATION_PROTOCOL);
		for (int i = 0; i < 3; i++) {
			p.num_queued = 0;
			pair_collect(&p, SERVER);
			assert_int_equal(p.num_queued, 1); /* which is lost, but for the last */
			assert_int_equal(p.queue[0].bytes[0], CONTENT_ALERT);
			if (i == 2)
				break;
			pair_feed(&p, SERVER, junk, sizeof junk); /* that says nothing */
			p.num_queued = 0;
			pair_collect(&p, SERVER);
			assert_int_equal(p.num_queued, 0);
			assert_true(pair_wait(&p, p.now.mono_ns + 10 * S));
			pair_collect(&p, CLIENT);
			assert_true(p.num_queued > 0);
			while (p.num_queued && p.queue[0].to == SERVER)
				assert_true(pair_carry(&p));
		}
		pair_settle(&p);
		check_is("client", p.side[CLIENT].error, TERN_ERROR_PEER_ALERT);
		assert_int_equal(tern_conn_failure(p.side[CLIENT].conn).alert, 120);
		pair_free(&p);
	}
}

/* RFC 9147 5.10 */
static void data_behind_a_closure_alert_is_ignored(void **state)
{
	(void)state;
	for (int v13 = 0; v13 < 2; v13++) {
		struct pair p;
		static const uint8_t close_notify[] = {1, 0};
		if (v13)
			connect13(&p);
		else
			connected_pair(&p);
		pair_seal(&p, SERVER, CONTENT_ALERT, close_notify, 2);
		assert_true(pair_saw(&p, SERVER, TERN_EVENT_CLOSED));
		pair_seal(&p, SERVER, CONTENT_APPLICATION_DATA, "after", 5);
		assert_false(pair_saw(&p, SERVER, TERN_EVENT_DATA));
		assert_int_equal(pair_info(&p, SERVER).dropped[TERN_DROP_CLOSED], 1);
		pair_free(&p);
	}
}

/* ---- acknowledgements ---- */

/* RFC 9147 7: before the version is settled an ACK means nothing, not even that it is one. */
static void ack_in_front_of_the_server_hello_is_ignored(void **state)
{
	static const uint8_t ack[] = {0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	struct pair p;
	(void)state;
	set_up(&p, NO_MTU);
	pair_collect(&p, CLIENT);
	pair_forge(&p, CLIENT, CONTENT_ACK, 0, 9, ack, sizeof ack);
	assert_int_equal(pair_info(&p, CLIENT).dropped[TERN_DROP_CONTENT_TYPE], 1);
	assert_int_equal(tern_conn_deadline(p.side[CLIENT].conn), p.now.mono_ns + S);
	pair_settle(&p);
	assert_true(pair_connected(&p));
	pair_free(&p);
}

/* RFC 9147 7: what is too far ahead to be kept is not acknowledged. */
static void what_is_not_kept_is_not_acknowledged(void **state)
{
	struct pair p;
	uint16_t next;
	(void)state;
	connect13(&p);
	next = (uint16_t)p.side[CLIENT].conn->after->send_seq;
	pair_say(&p, SERVER, 3, KEY_UPDATE, (uint16_t)(next + 12), "\0", 1);
	pair_settle(&p);
	assert_int_equal(pair_info(&p, SERVER).dropped[TERN_DROP_FUTURE_MESSAGE], 1);
	assert_int_equal(count(SERVER, CONTENT_ACK, 0), 0);
	pair_say(&p, SERVER, 3, KEY_UPDATE, (uint16_t)(next + 11), "\0", 1);
	pair_settle(&p);
	assert_int_equal(count(SERVER, CONTENT_ACK, 0), 1);
	pair_free(&p);
}

/* RFC 9147 7.1: neither data nor alerts, nor what does not open. */
static void only_handshake_records_are_acknowledged(void **state)
{
	struct pair p;
	uint8_t junk[40] = {0x2f, 0, 0, 0, 35};
	(void)state;
	connect13(&p);
	pair_check_data(&p, "data");
	pair_seal(&p, SERVER, CONTENT_ALERT, "\1\132", 2);
	pair_seal(&p, SERVER, CONTENT_ACK, "\0\0", 2);
	pair_feed(&p, SERVER, junk, sizeof junk);
	pair_settle(&p);
	check_is("server", p.side[SERVER].error, TERN_OK);
	assert_int_equal(pair_info(&p, SERVER).dropped[TERN_DROP_FORGED], 1);
	assert_int_equal(count(SERVER, CONTENT_ACK, 0) + count(CLIENT, CONTENT_ACK, 0), 0);
	pair_free(&p);
}

/* RFC 9147 7: in the handshake in no lower epoch than what it speaks of, afterwards in the highest. */
static void epoch_of_acknowledgements(void **state)
{
	struct pair p;
	const tern_trace *last = &sent[0].t;
	(void)state;
	set_up(&p, 300);
	p.tap = lose_the_rest;
	passed = 2;
	pair_settle(&p);
	assert_true(pair_wait(&p, p.now.mono_ns + S / 2));
	pair_collect(&p, CLIENT);
	last = &sent[num_sent - 1].t;
	assert_int_equal(last->content_type, CONTENT_ACK);
	assert_int_equal(last->epoch, 2);
	passed = 1000;
	pair_run(&p, 100 * S);
	assert_true(pair_connected(&p));
	for (size_t i = 0; i < num_sent; i++)
		if (sent[i].by == SERVER && sent[i].t.content_type == CONTENT_ACK)
			assert_int_equal(sent[i].t.epoch, 3);
	OK(tern_conn_rekey(p.side[SERVER].conn, false, p.now));
	pair_settle(&p);
	num_sent = 0;
	OK(tern_conn_rekey(p.side[CLIENT].conn, false, p.now));
	pair_settle(&p);
	assert_int_equal(count(SERVER, CONTENT_ACK, 0), 1);
	assert_int_equal(sent[num_sent - 1].t.epoch, 4);
	pair_free(&p);
}

/* RFC 9147 7.1: a piece that is not the next of its message is a sign of disruption; what joins on to it is none. */
static void piece_out_of_order_is_acknowledged_at_once(void **state)
{
	struct pair p;
	struct datagram_on_wire d[PAIR_QUEUE];
	size_t n = 0;
	(void)state;
	set_up(&p, 110);
	while (p.side[SERVER].conn == NULL || p.side[SERVER].conn->hs->flight.state == FLIGHT_PREPARING)
		assert_true(pair_carry(&p));
	pair_collect(&p, SERVER);
	for (; n < p.num_queued; n++)
		d[n] = p.queue[n];
	p.num_queued = 0;
	assert_true(n > 6); /* two with the hello, five with the certificate */
	num_sent = 0;
	for (size_t i = 0; i < 4; i++)
		pair_feed(&p, CLIENT, d[i].bytes, d[i].n);
	pair_collect(&p, CLIENT);
	assert_int_equal(count(CLIENT, CONTENT_ACK, 0), 0);
	pair_feed(&p, CLIENT, d[5].bytes, d[5].n);
	pair_collect(&p, CLIENT);
	assert_int_equal(count(CLIENT, CONTENT_ACK, 0), 1);
	pair_feed(&p, CLIENT, d[6].bytes, d[6].n);
	pair_collect(&p, CLIENT);
	assert_int_equal(count(CLIENT, CONTENT_ACK, 0), 1);
	p.num_queued = 0;
	pair_run(&p, 100 * S);
	assert_true(pair_connected(&p));
	pair_free(&p);
}

/* ---- connection IDs, which nobody negotiated ---- */

/* RFC 9147 9: their messages end the connection. RFC 9147 9.1, 4: records that bear one are dropped, and with them the
 * rest of their datagram. */
static void connection_ids_are_not_taken(void **state)
{
	static const uint8_t spare[] = {0, 2, 1, 7, 1}, want[] = {1};
	static const struct {
		uint8_t type;
		const uint8_t *body;
		size_t n;
	} messages[] = {{10, spare, sizeof spare}, {9, want, sizeof want}};
	struct pair p;
	uint8_t d[128];
	size_t n;
	(void)state;
	for (size_t i = 0; i < 2 * NUM(messages); i++) {
		enum role to = i % 2 ? SERVER : CLIENT;
		connect13(&p);
		pair_say(&p, to, 3, messages[i / 2].type, (uint16_t)p.side[!to].conn->after->send_seq,
			 messages[i / 2].body, messages[i / 2].n);
		check_is("message", p.side[to].error, TERN_ERROR_UNEXPECTED_MESSAGE);
		pair_free(&p);
	}
	connect13(&p);
	memcpy(d, "\x3f\x07\0\0\0\x10", 6);
	memset(d + 6, 9, 16);
	OK(tern_conn_seal(p.side[CLIENT].conn, d + 21, sizeof d - 21, &n, (const uint8_t *)"behind", 6, p.now));
	pair_feed(&p, SERVER, d, 21 + n);
	assert_int_equal(p.side[SERVER].data_len, 0);
	assert_int_equal(pair_info(&p, SERVER).dropped[TERN_DROP_MALFORMED], 1);
	pair_feed(&p, SERVER, d + 21, n);
	assert_int_equal(p.side[SERVER].data_len, 6);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_of_a_record_is_not_looked_at),
		cmocka_unit_test(retransmission_keeps_epoch_and_bytes),
		cmocka_unit_test(forgeries_bring_new_keys_and_then_the_end),
		cmocka_unit_test(legacy_fields_of_a_hello),
		cmocka_unit_test(server_echoes_no_session_id_and_nobody_sends_ccs),
		cmocka_unit_test(echoed_session_id_is_refused),
		cmocka_unit_test(legacy_cookie_is_refused),
		cmocka_unit_test(message_seq_does_not_wrap_in_a_handshake),
		cmocka_unit_test(part_of_the_answer_stops_the_timer),
		cmocka_unit_test(ack_of_a_part_is_repeated),
		cmocka_unit_test(round_trip_ends_when_the_answer_begins),
		cmocka_unit_test(data_in_front_of_finished_waits),
		cmocka_unit_test(alert_is_sent_again_to_a_peer_that_repeats_itself),
		cmocka_unit_test(data_behind_a_closure_alert_is_ignored),
		cmocka_unit_test(ack_in_front_of_the_server_hello_is_ignored),
		cmocka_unit_test(what_is_not_kept_is_not_acknowledged),
		cmocka_unit_test(only_handshake_records_are_acknowledged),
		cmocka_unit_test(epoch_of_acknowledgements),
		cmocka_unit_test(piece_out_of_order_is_acknowledged_at_once),
		cmocka_unit_test(connection_ids_are_not_taken),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
