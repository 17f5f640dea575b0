/* The first datagram of a peer, judged without keeping anything (RFC 6347 4.2.1, 5, RFC 9147 5.1, 11). Exactly one
 * message of it is looked at. */
#include "connection/hello_slots.h"
#include "handshake/cookie.h"
#include "handshake/early13.h"
#include "handshake/hellos.h"
#include "handshake/pool.h"
#include "handshake/retry13.h"
#include "handshake/version.h"
#include "wire/handshake.h"
#include "wire/record.h"

#define REPLY_MIN 512

struct first {
	struct record12 record;
	struct fragment fragment;
	struct client_hello hello;
	struct extensions extensions;
};

static tern_drop read_hello(struct first *f)
{
	struct rd body = rd_of(f->fragment.body);
	return get_client_hello(&body, &f->hello) &&
			       get_extensions(f->hello.extensions, IN_CLIENT_HELLO, &f->extensions)
		       ? TERN_DROP_NONE
		       : TERN_DROP_HELLO_MALFORMED;
}

/* any_version: DTLS 1.3 gives a record's version no meaning (RFC 9147 4). */
static tern_drop read_first(struct span datagram, bool any_version, struct first *f)
{
	struct rd r = rd_of(datagram), body;
	if (!get_record12(&r, &f->record))
		return TERN_DROP_MALFORMED;
	if (f->record.type != CONTENT_HANDSHAKE || f->record.epoch != 0)
		return TERN_DROP_NOT_HELLO;
	if (!any_version && f->record.version != VERSION_DTLS10 && f->record.version != VERSION_DTLS12)
		return TERN_DROP_VERSION;
	body = rd_of(f->record.fragment);
	if (!get_fragment(&body, &f->fragment))
		return TERN_DROP_FRAGMENT;
	return f->fragment.type == CLIENT_HELLO ? TERN_DROP_NONE : TERN_DROP_NOT_HELLO;
}

/* A hello in fragments is put together in the pool. HELLO_FRAGMENTED: not complete yet. */
static tern_error make_whole(tern_pool *pool, struct first *f, const tern_path *path, tern_time now,
			     tern_verdict *verdict)
{
	struct fragment whole;
	uint32_t random;
	if (f->fragment.body.n == f->fragment.length)
		return TERN_OK;
	verdict->drop = TERN_DROP_HELLO_FRAGMENTED;
	TRY(pool->provider->random(pool->crypto, (uint8_t *)&random, sizeof random));
	if (!pool->hello_slots || !hello_slots_put(pool->hello_slots, &pool->cookie_keys.slot[0].key, path,
						   &f->fragment, f->record.seq, random, now, &whole))
		return TERN_OK;
	f->fragment = whole;
	verdict->drop = TERN_DROP_NONE;
	verdict->hello = (tern_bytes){whole.body.p, whole.body.n};
	return TERN_OK;
}

/* RFC 9147 5.1: as a function of hello, address and keys, so that a repeated hello gets the same. */
static bool put_retry13(struct wr *w, const tern_pool *pool, const struct first *f, const tern_path *path)
{
	struct record12 header = {.type = CONTENT_HANDSHAKE, .version = VERSION_DTLS12, .seq = f->record.seq};
	struct fragment fragment = {.type = SERVER_HELLO, .message_seq = f->fragment.message_seq};
	uint8_t body[256];
	struct wr bw = wr_of(body, sizeof body);
	if (!retry13_make(&pool->cookie_keys, pool->provider, pool->config, &f->hello, &f->extensions, f->fragment.body,
			  path, &bw))
		return false;
	fragment.length = (uint32_t)bw.n;
	put_record12_header(w, &header, (uint16_t)(HANDSHAKE_HEADER + bw.n));
	put_fragment_header(w, &fragment, (uint32_t)bw.n);
	wr_bytes(w, wr_span(&bw));
	return wr_ok(w);
}

/* A cookie of DTLS 1.3 that is not ours ends the attempt at once, so that the client starts afresh (RFC 9147 5.1); so
 * does one in the place of DTLS 1.2 (RFC 9147 5.3). */
static void put_refusal(struct wr *w, const struct first *f)
{
	struct record12 header = {.type = CONTENT_ALERT, .version = VERSION_DTLS12, .seq = f->record.seq};
	struct alert alert = {ALERT_FATAL, (uint8_t)error_alert(TERN_ERROR_ILLEGAL_PARAMETER)};
	put_record12_header(w, &header, 2);
	put_alert(w, &alert);
}

/* Never by a HelloVerifyRequest: RFC 9147 5.2. */
static void judge13(tern_pool *pool, const struct first *f, const tern_path *path, struct wr *w, tern_time now,
		    tern_verdict *verdict)
{
	bool first = !(f->extensions.present & HAS_COOKIE) && f->hello.cookie.n == 0;
	if (first && early13_proves_address(pool, &f->hello, &f->extensions, f->fragment.body, path, now.unix_s)) {
		verdict->kind = TERN_VERDICT_ACCEPT;
		verdict->address_proved = true;
	} else if (first) {
		bool made = put_retry13(w, pool, f, path);
		verdict->kind = made ? TERN_VERDICT_REPLY : TERN_VERDICT_DROP;
		verdict->drop = made ? TERN_DROP_COOKIE : TERN_DROP_NOTHING_SHARED;
	} else if (f->hello.cookie.n == 0 && retry13_cookie_valid(&pool->cookie_keys, f->extensions.cookie, path)) {
		verdict->kind = TERN_VERDICT_ACCEPT;
		verdict->address_proved = true;
	} else {
		put_refusal(w, f);
		verdict->kind = TERN_VERDICT_REPLY;
		verdict->drop = TERN_DROP_COOKIE;
	}
}

/* With the record number of the hello, and message_seq as if no state was kept. Version 1.0 as RFC 6347 4.2.1 wants. */
static void put_retry12(struct wr *w, const struct first *f, struct span cookie)
{
	struct record12 header = {.type = CONTENT_HANDSHAKE, .version = VERSION_DTLS10, .seq = f->record.seq};
	struct hello_verify_request hvr = {VERSION_DTLS10, cookie};
	uint32_t body = (uint32_t)(3 + cookie.n);
	struct fragment fragment = {.type = HELLO_VERIFY_REQUEST,
				    .length = body,
				    .message_seq = f->fragment.message_seq};
	put_record12_header(w, &header, (uint16_t)(HANDSHAKE_HEADER + body));
	put_fragment_header(w, &fragment, body);
	put_hello_verify_request(w, &hvr);
}

static void judge12(const tern_pool *pool, const struct first *f, const tern_path *path, struct wr *w,
		    tern_verdict *verdict)
{
	uint8_t cookie[COOKIE_LEN];
	if (cookie_valid(&pool->cookie_keys, &f->hello, path)) {
		verdict->kind = TERN_VERDICT_ACCEPT;
		verdict->address_proved = true;
		return;
	}
	cookie_make(&pool->cookie_keys, cookie, &f->hello, path);
	put_retry12(w, f, span_of(cookie, sizeof cookie));
	verdict->kind = TERN_VERDICT_REPLY;
	verdict->drop = TERN_DROP_COOKIE;
}

tern_error tern_listen(tern_pool *pool, tern_verdict *verdict, uint8_t *reply, size_t cap, size_t *reply_len,
		       const uint8_t *datagram, size_t len, const tern_path *path, tern_time now)
{
	const struct tern_config *config = pool->config;
	struct first f;
	struct wr w = wr_of(reply, cap);
	if (cap < REPLY_MIN)
		return TERN_ERROR_BUFFER_TOO_SMALL;
	*verdict = (tern_verdict){.kind = TERN_VERDICT_DROP};
	*reply_len = 0;
	verdict->drop = read_first(span_of(datagram, len), config->dtls13, &f);
	if (verdict->drop != TERN_DROP_NONE)
		return TERN_OK;
	verdict->message_seq = f.fragment.message_seq;
	verdict->record_seq = f.record.seq;
	if (!config->cookie) {
		verdict->kind = TERN_VERDICT_ACCEPT;
		return TERN_OK;
	}
	cookie_keys_refresh(&pool->cookie_keys, config->keyring, pool->provider->hash[HASH_SHA256]);
	TRY(make_whole(pool, &f, path, now, verdict));
	if (verdict->drop == TERN_DROP_NONE)
		verdict->drop = read_hello(&f);
	if (verdict->drop != TERN_DROP_NONE)
		return TERN_OK;
	if (choose_version(config, &f.hello, &f.extensions) == &version13)
		judge13(pool, &f, path, &w, now, verdict);
	else
		judge12(pool, &f, path, &w, verdict);
	if (verdict->kind != TERN_VERDICT_ACCEPT)
		verdict->hello = (tern_bytes){NULL, 0};
	*reply_len = verdict->kind == TERN_VERDICT_REPLY ? w.n : 0;
	return TERN_OK;
}

tern_glance tern_peek(const uint8_t *datagram, size_t len)
{
	tern_glance glance = {0};
	struct rd r = rd_of(span_of(datagram, len)), body;
	struct record12 record;
	struct fragment fragment;
	if (!get_record12(&r, &record) || record.type < CONTENT_CHANGE_CIPHER_SPEC ||
	    record.type > CONTENT_APPLICATION_DATA)
		return glance;
	glance.dtls = true; /* whatever version it names: RFC 9147 4 */
	glance.content_type = record.type;
	glance.version = record.version;
	glance.epoch = record.epoch;
	glance.record_seq = record.seq;
	body = rd_of(record.fragment);
	if (record.epoch == 0 && record.type == CONTENT_HANDSHAKE && get_fragment(&body, &fragment) &&
	    fragment.type == CLIENT_HELLO) {
		glance.client_hello = fragment.offset == 0;
		glance.hello_fragment = fragment.offset != 0;
	}
	return glance;
}
