/* A foreign handshake of DTLS 1.3, opened and re-derived: records, transcript, key schedule, Finished. RFC 9147 5.9. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto_check.h"
#include "flight/inbox.h"
#include "handshake/keys13.h"
#include "handshake/schedule13.h"
#include "handshake/transcript.h"
#include "unit/layers.h"
#include "vectors/wolfssl_dtls13.h"
#include "wire/ack.h"
#include "wire/messages13.h"

/* In the order of the wire; a client's first ClientHello is answered by a HelloRetryRequest. */
static const struct {
	char sender;
	uint8_t type;
	uint16_t epoch;
} messages[] = {
	{'C', CLIENT_HELLO, 0},	      {'S', SERVER_HELLO, 0},	      {'C', CLIENT_HELLO, 0},
	{'S', SERVER_HELLO, 0},	      {'S', ENCRYPTED_EXTENSIONS, 2}, {'S', CERTIFICATE_REQUEST, 2},
	{'S', CERTIFICATE, 2},	      {'S', CERTIFICATE_VERIFY, 2},   {'S', FINISHED, 2},
	{'C', CERTIFICATE, 2},	      {'C', CERTIFICATE_VERIFY, 2},   {'C', FINISHED, 2},
	{'S', NEW_SESSION_TICKET, 3},
};

struct replay_of_it {
	struct layers layers; /* b reads what the server sent, a what the client sent */
	struct inbox inbox[2]; /* by role of the sender */
	struct arena arena;
	struct transcript transcript;
	struct schedule13 schedule;
	uint8_t secret[2][SECRET13_MAX]; /* of the handshake */
	size_t num_messages, acks, alerts, lines;
};

static enum role role_of(char sender)
{
	return sender == 'C' ? CLIENT : SERVER;
}

static const struct hash_alg *sha256(void)
{
	return provider_libcrypto.hash[HASH_SHA256];
}

static void check_secret(const struct replay_of_it *t, const char *label, const uint8_t *digest, const char *want,
			 uint8_t *out)
{
	schedule13_secret(&t->schedule, out, label, digest);
	check_hex(label, span_of(out, 32), want);
}

static void install(struct replay_of_it *t, uint16_t epoch, const uint8_t *client, const uint8_t *server)
{
	const struct suite *suite = suite_by_id(0x1301);
	MUST(keys13_install(&t->layers.a, suite, sha256(), client, epoch, false));
	MUST(keys13_install(&t->layers.b, suite, sha256(), server, epoch, false));
}

static void after_server_hello(struct replay_of_it *t)
{
	uint8_t digest[HASH_MAX], shared[32];
	transcript_digest(&t->transcript, sha256(), digest);
	schedule13_start(&t->schedule, sha256(), DTLS13_PREFIX, span_of(NULL, 0));
	schedule13_advance(&t->schedule, unhex(shared, sizeof shared, wolfssl_dtls13_secrets.shared));
	check_secret(t, "c hs traffic", digest, wolfssl_dtls13_secrets.client_handshake, t->secret[CLIENT]);
	check_secret(t, "s hs traffic", digest, wolfssl_dtls13_secrets.server_handshake, t->secret[SERVER]);
	install(t, EPOCH_HANDSHAKE, t->secret[CLIENT], t->secret[SERVER]);
}

static void after_server_finished(struct replay_of_it *t)
{
	uint8_t digest[HASH_MAX], client[SECRET13_MAX], server[SECRET13_MAX], exporter[SECRET13_MAX];
	transcript_digest(&t->transcript, sha256(), digest);
	schedule13_master(&t->schedule);
	check_secret(t, "c ap traffic", digest, wolfssl_dtls13_secrets.client_data, client);
	check_secret(t, "s ap traffic", digest, wolfssl_dtls13_secrets.server_data, server);
	check_secret(t, "exp master", digest, wolfssl_dtls13_secrets.exporter, exporter);
	install(t, EPOCH_DATA, client, server);
}

static void after_client_finished(struct replay_of_it *t)
{
	uint8_t digest[HASH_MAX], resumption[SECRET13_MAX];
	transcript_digest(&t->transcript, sha256(), digest);
	check_secret(t, "res master", digest, wolfssl_dtls13_secrets.resumption, resumption);
}

static void check_finished(const struct replay_of_it *t, enum role sender, struct span body)
{
	uint8_t digest[HASH_MAX], verify_data[HASH_MAX];
	transcript_digest(&t->transcript, sha256(), digest);
	schedule13_finished(sha256(), DTLS13_PREFIX, verify_data, t->secret[sender], digest);
	check_bytes("Finished", body, span_of(verify_data, 32));
}

static void fold_first_hello(struct replay_of_it *t)
{
	uint8_t digest[HASH_MAX];
	transcript_choose(&t->transcript, sha256(), 4);
	transcript_digest(&t->transcript, sha256(), digest);
	MUST(transcript_fold(&t->transcript, digest));
}

static void take_message(struct replay_of_it *t, enum role sender, const struct message *m)
{
	size_t i = t->num_messages++;
	assert_true(i < NUM(messages));
	assert_int_equal(role_of(messages[i].sender), sender);
	assert_int_equal(messages[i].type, m->type);
	assert_int_equal(messages[i].epoch, m->epoch);
	if (m->type == NEW_SESSION_TICKET) {
		struct new_session_ticket13 ticket;
		struct rd r = rd_of(m->body);
		assert_true(get_new_session_ticket13(&r, &ticket) && rd_end(&r));
		return;
	}
	if (m->type == SERVER_HELLO && m->seq == 0)
		fold_first_hello(t);
	if (m->type == FINISHED)
		check_finished(t, sender, m->body);
	MUST(transcript_add(&t->transcript, m->type, m->seq, m->body, false));
	if (m->type == SERVER_HELLO && m->seq == 1)
		after_server_hello(t);
	if (m->type == FINISHED && sender == SERVER)
		after_server_finished(t);
	if (m->type == FINISHED && sender == CLIENT)
		after_client_finished(t);
}

static void take_fragments(struct replay_of_it *t, enum role sender, const struct record *record)
{
	struct rd r = rd_of(span_of(record->p, record->n));
	struct inbox *inbox = &t->inbox[sender];
	struct fragment f;
	struct message m;
	while (get_fragment(&r, &f)) {
		assert_int_equal(inbox_put(inbox, &f, record->epoch), TERN_DROP_NONE);
		while (inbox_next(inbox, &m)) {
			take_message(t, sender, &m);
			inbox_done(inbox);
		}
	}
	assert_true(rd_end(&r));
}

static void take_record(struct replay_of_it *t, enum role sender, const struct record *record)
{
	struct span content = span_of(record->p, record->n);
	struct rd r = rd_of(content), numbers;
	assert_int_equal(record->drop, TERN_DROP_NONE);
	switch (record->type) {
	case CONTENT_HANDSHAKE:
		take_fragments(t, sender, record);
		break;
	case CONTENT_ACK:
		t->acks++;
		assert_true(get_ack(&r, &numbers) && rd_end(&r));
		break;
	case CONTENT_ALERT:
		t->alerts++;
		check_bytes("alert", content, span_of("\1\0", 2));
		break;
	default:
		t->lines++;
		assert_int_equal(record->type, CONTENT_APPLICATION_DATA);
		check_bytes("data", content, text_span("ping-1\n"));
	}
}

static void open_replay(struct replay_of_it *t)
{
	memset(t, 0, sizeof *t);
	layers_open(&t->layers, &provider_libcrypto, 64);
	layers_use13(&t->layers);
	arena_init(&t->arena, &heap_default, NULL, 0, 65536);
	transcript_init(&t->transcript, &t->arena);
	for (size_t i = 0; i < 2; i++)
		inbox_init(&t->inbox[i], &heap_default, 0, 16384, 16384);
}

static void close_replay(struct replay_of_it *t)
{
	for (size_t i = 0; i < 2; i++)
		inbox_free(&t->inbox[i]);
	arena_free(&t->arena);
	layers_close(&t->layers);
}

static void wolfssl(void **state)
{
	static struct replay_of_it t;
	(void)state;
	open_replay(&t);
	for (size_t i = 0; i < WOLFSSL_DTLS13_NUM; i++) {
		enum role sender = role_of(wolfssl_dtls13[i].sender);
		uint8_t bytes[2048];
		struct datagram d = {bytes, unhex(bytes, sizeof bytes, wolfssl_dtls13[i].hex).n};
		struct record r;
		while (record_next(sender == CLIENT ? &t.layers.a : &t.layers.b, &d, &r))
			take_record(&t, sender, &r);
	}
	assert_int_equal(t.num_messages, NUM(messages));
	assert_int_equal(t.lines, 2);
	assert_int_equal(t.alerts, 2);
	assert_int_equal(t.acks, 2);
	close_replay(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(wolfssl)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
