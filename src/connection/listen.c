/* The first datagram of a peer, judged without keeping anything (RFC 6347 4.2.1). Exactly one message of it is looked at. */
#include "handshake/cookie.h"
#include "handshake/pool.h"
#include "wire/handshake.h"
#include "wire/record.h"

#define REPLY_MIN 512

struct first {
	struct record12 record;
	struct fragment fragment;
	struct client_hello hello;
};

static tern_drop read_first(struct span datagram, struct first *f, bool *whole)
{
	struct rd r = rd_of(datagram), body;
	if (!get_record12(&r, &f->record))
		return TERN_DROP_MALFORMED;
	if (f->record.type != CONTENT_HANDSHAKE || f->record.epoch != 0)
		return TERN_DROP_NOT_HELLO;
	if (f->record.version != VERSION_DTLS10 && f->record.version != VERSION_DTLS12)
		return TERN_DROP_VERSION;
	body = rd_of(f->record.fragment);
	if (!get_fragment(&body, &f->fragment))
		return TERN_DROP_FRAGMENT;
	if (f->fragment.type != CLIENT_HELLO)
		return TERN_DROP_NOT_HELLO;
	*whole = f->fragment.body.n == f->fragment.length;
	if (!*whole)
		return TERN_DROP_NONE;
	body = rd_of(f->fragment.body);
	return get_client_hello(&body, &f->hello) && rd_end(&body) ? TERN_DROP_NONE : TERN_DROP_HELLO_MALFORMED;
}

/* With the record number of the hello, and message_seq as if no state was kept. Version 1.0 as RFC 6347 4.2.1 wants. */
static size_t put_retry(struct wr *w, const struct first *f, struct span cookie)
{
	struct record12 header = {CONTENT_HANDSHAKE, VERSION_DTLS10, 0, f->record.seq, {0}};
	struct hello_verify_request hvr = {VERSION_DTLS10, cookie};
	uint32_t body = (uint32_t)(3 + cookie.n);
	struct fragment fragment = {.type = HELLO_VERIFY_REQUEST, .length = body, .message_seq = f->fragment.message_seq};
	put_record12_header(w, &header, (uint16_t)(HANDSHAKE_HEADER + body));
	put_fragment_header(w, &fragment, body);
	put_hello_verify_request(w, &hvr);
	return wr_ok(w) ? w->n : 0;
}

tern_error tern_listen(tern_pool *pool, tern_verdict *verdict, uint8_t *reply, size_t cap, size_t *reply_len,
		       const uint8_t *datagram, size_t len, const tern_path *path, tern_time now)
{
	const struct tern_config *config = pool->config;
	struct first f;
	bool whole = false;
	uint8_t cookie[COOKIE_LEN];
	struct wr w = wr_of(reply, cap);
	(void)now;
	if (cap < REPLY_MIN)
		return TERN_ERROR_BUFFER_TOO_SMALL;
	*verdict = (tern_verdict){.kind = TERN_VERDICT_DROP};
	*reply_len = 0;
	verdict->drop = read_first(span_of(datagram, len), &f, &whole);
	if (verdict->drop != TERN_DROP_NONE)
		return TERN_OK;
	verdict->message_seq = f.fragment.message_seq;
	verdict->record_seq = f.record.seq;
	if (!config->cookie) {
		verdict->kind = TERN_VERDICT_ACCEPT;
		return TERN_OK;
	}
	if (!whole) {
		verdict->drop = TERN_DROP_HELLO_FRAGMENTED;
		return TERN_OK;
	}
	cookie_keys_refresh(&pool->cookie_keys, config->keyring, pool->provider->hash[HASH_SHA256]);
	if (cookie_valid(&pool->cookie_keys, &f.hello, path)) {
		verdict->kind = TERN_VERDICT_ACCEPT;
		verdict->address_proved = true;
		return TERN_OK;
	}
	cookie_make(&pool->cookie_keys, cookie, &f.hello, path);
	*reply_len = put_retry(&w, &f, span_of(cookie, sizeof cookie));
	verdict->kind = TERN_VERDICT_REPLY;
	verdict->drop = TERN_DROP_COOKIE;
	return TERN_OK;
}

tern_glance tern_peek(const uint8_t *datagram, size_t len)
{
	tern_glance glance = {0};
	struct rd r = rd_of(span_of(datagram, len)), body;
	struct record12 record;
	struct fragment fragment;
	if (!get_record12(&r, &record) || record.type < CONTENT_CHANGE_CIPHER_SPEC || record.type > CONTENT_APPLICATION_DATA)
		return glance;
	glance.dtls = record.version == VERSION_DTLS10 || record.version == VERSION_DTLS12;
	glance.content_type = record.type;
	glance.version = record.version;
	glance.epoch = record.epoch;
	glance.record_seq = record.seq;
	body = rd_of(record.fragment);
	glance.client_hello = glance.dtls && record.epoch == 0 && record.type == CONTENT_HANDSHAKE &&
			      get_fragment(&body, &fragment) && fragment.type == CLIENT_HELLO && fragment.offset == 0;
	return glance;
}
