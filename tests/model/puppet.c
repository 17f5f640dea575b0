#include "model/puppet.h"

#include <stdio.h>
#include <stdlib.h>

#include "sim/host.h"
#include "wire/ack.h"

const uint8_t puppet_psk[16] = "0123456789abcde";

static struct said last, waiting; /* one puppet at a time; waiting: for ChangeCipherSpec */

static void must(tern_error error, const char *what)
{
	if (error == TERN_OK)
		return;
	fprintf(stderr, "model: the puppet cannot %s: %s\n", what, tern_error_name(error));
	abort();
}

void puppet_open(struct puppet *p, enum role role, const struct role_play *play, tern_pool *pool,
		 struct private_key *key, const char *certificate)
{
	*p = (struct puppet){.role = role, .play = *play, .pool = pool, .key = key, .certificate = certificate};
	p->suite = suite_by_id(play->v13 ? 0x1301 : play->psk ? 0x00a8 : 0xc02b);
	p->hash = pool->provider->hash[p->suite->hash];
	record_init(&p->records, play->v13 ? &protection13 : &protection12, &pool->records);
	for (unsigned i = 0; i < 2; i++)
		memset(p->random[i], 0x50 + (int)i, RANDOM_LEN);
	waiting = last = (struct said){0};
}

void puppet_close(struct puppet *p)
{
	record_free(&p->records);
}

/* ---- transcript and signatures ---- */

void puppet_log(struct puppet *p, uint8_t type, uint16_t seq, struct span body)
{
	struct wr w = wr_of(p->log + p->log_n, sizeof p->log - p->log_n);
	uint8_t header[HANDSHAKE_HEADER];
	struct wr hw = wr_of(header, sizeof header);
	struct fragment f = {.type = type, .length = (uint32_t)body.n, .message_seq = seq};
	put_fragment_header(&hw, &f, (uint32_t)body.n);
	wr_bytes(&w, span_of(header, p->play.v13 ? 4 : HANDSHAKE_HEADER));
	wr_bytes(&w, body);
	if (wr_ok(&w))
		p->log_n += w.n;
}

static void digest_of(const struct hash_alg *hash, struct span message, uint8_t *out)
{
	struct hash_state state;
	hash->init(&state);
	if (message.n)
		hash->update(&state, message.p, message.n);
	hash->final(&state, out);
}

void puppet_digest(const struct puppet *p, uint8_t *out)
{
	digest_of(p->hash, span_of(p->log, p->log_n), out);
}

void puppet_sign(const struct puppet *p, struct span message, struct wr *w)
{
	const struct scheme_alg *scheme = scheme_by_id(0x0403); /* ecdsa_secp256r1_sha256 */
	uint8_t digest[HASH_MAX], signature[SIGNATURE_MAX];
	struct certificate_verify v = {.scheme = scheme->id};
	size_t n;
	digest_of(p->pool->provider->hash[scheme->prehash], message, digest);
	must(p->pool->provider->sign(p->pool->crypto, p->key, scheme, span_of(digest, 32), signature, &n), "sign");
	v.signature = span_of(signature, n);
	put_certificate_verify(w, &v);
}

static const struct group_alg *x25519(const struct puppet *p)
{
	return group_by_id(p->pool->provider, 29);
}

void puppet_make_share(struct puppet *p)
{
	if (!p->sharing)
		must(x25519(p)->offer(p->pool->crypto, &p->share_private, p->share), "make a share");
	p->sharing = true;
}

void puppet_take_share(struct puppet *p, struct span share)
{
	p->peer_share_n = share.n <= sizeof p->peer_share ? share.n : 0;
	memcpy(p->peer_share, share.p, p->peer_share_n);
}

struct span puppet_secret(const struct puppet *p, uint8_t *out)
{
	if (!p->sharing || !p->peer_share_n ||
	    x25519(p)->finish(p->pool->crypto, &p->share_private, span_of(p->peer_share, p->peer_share_n), out) !=
		    TERN_OK)
		return span_of(NULL, 0);
	return span_of(out, x25519(p)->secret_len);
}

/* ---- saying ---- */

/* A signature or a MAC is not shortened but wrong. */
static void spoil(uint8_t type, struct wr *w)
{
	if (w->n == 0)
		wr_u8(w, 0);
	else if (type == FINISHED || type == CERTIFICATE_VERIFY)
		w->p[w->n - 1] ^= 1;
	else if (type != CERTIFICATE)
		w->n--;
}

static size_t seal(struct puppet *p, uint16_t epoch, uint8_t content, struct span payload, uint8_t *out)
{
	struct wr w = wr_of(out, PUPPET_DATAGRAM);
	must(record_seal(&p->records, epoch, content, payload, &w, NULL), "seal");
	return w.n;
}

static size_t say_message(struct puppet *p, const struct saying *s, uint16_t seq, uint8_t *out)
{
	uint8_t whole[PUPPET_DATAGRAM];
	struct wr body = wr_of(last.body, sizeof last.body), w = wr_of(whole, sizeof whole);
	bool retry = s->type == HELLO_RETRY_REQUEST;
	struct fragment f = {.type = retry ? SERVER_HELLO : s->type, .message_seq = seq};
	uint16_t epoch = s->form == CLEAR ? 0 : p->epoch;
	bool known =
		p->play.v13 ? puppet13_body(p, s->type, s->form, &body) : puppet12_body(p, s->type, s->form, &body);
	if (!known)
		wr_u32(&body, 0);
	if (s->form == BAD)
		spoil(s->type, &body);
	/* Before DTLS 1.3 only Finished changes the epoch. */
	if (!p->play.v13 && s->type == FINISHED && s->form != CLEAR && p->keyed)
		epoch = 1;
	last.saying = s;
	last.seq = seq;
	last.n = body.n;
	f.length = (uint32_t)body.n;
	put_fragment_header(&w, &f, (uint32_t)body.n);
	wr_bytes(&w, wr_span(&body));
	return seal(p, epoch, CONTENT_HANDSHAKE, wr_span(&w), out);
}

/* Data goes under the newest keys. */
static size_t say_other(struct puppet *p, const struct saying *s, uint8_t *out)
{
	uint8_t ccs = s->form == BAD ? 2 : 1;
	uint8_t alert[2] = {s->alert ? ALERT_FATAL : ALERT_WARNING, s->alert};
	switch (s->content) {
	case CONTENT_CHANGE_CIPHER_SPEC:
		return seal(p, 0, s->content, span_of(&ccs, 1), out);
	case CONTENT_ALERT:
		return seal(p, s->form == CLEAR ? 0 : p->epoch, s->content, span_of(alert, 2), out);
	default:
		return seal(p, s->form == CLEAR ? 0 : p->records.out.epoch, s->content, span_of("data", 4), out);
	}
}

size_t puppet_say(struct puppet *p, const struct saying *s, uint16_t message_seq, uint8_t *out)
{
	if (s->content == CONTENT_CHANGE_CIPHER_SPEC)
		last = waiting;
	else
		last = (struct said){0};
	return s->content == CONTENT_HANDSHAKE ? say_message(p, s, message_seq, out) : say_other(p, s, out);
}

void puppet_said(struct puppet *p)
{
	const struct saying *s = last.saying;
	struct span body = span_of(last.body, last.n);
	if (!s)
		return;
	if (p->play.v13)
		puppet13_said(p, s->type, body);
	if (s->type != HELLO_RETRY_REQUEST && s->type != HELLO_VERIFY_REQUEST && s->type != HELLO_REQUEST)
		puppet_log(p, s->type, last.seq, body);
	if (!p->play.v13)
		puppet12_said(p, s->type);
	else if (s->type == SERVER_HELLO || s->type == FINISHED || s->type == KEY_UPDATE)
		puppet13_heard(p, s->type, span_of(NULL, 0));
}

void puppet_not_said(struct puppet *p)
{
	if (!p->play.v13 && p->keyed && last.saying && last.saying->type == FINISHED && last.saying->form != CLEAR &&
	    !waiting.saying)
		waiting = last;
}

/* ---- hearing ---- */

static void hear_messages(struct puppet *p, const struct record *record, void (*heard)(void *user, const char *name),
			  void *user)
{
	struct rd r = rd_of(span_of(record->p, record->n));
	struct fragment f;
	while (get_fragment(&r, &f)) {
		uint8_t type = message_type_shown(f.type, f.body);
		heard(user, type == HELLO_RETRY_REQUEST ? "HelloRetryRequest" : ladder_message(f.type));
		if (type == HELLO_VERIFY_REQUEST && !p->play.v13)
			puppet12_heard(p, type, f.body);
		else if (type == HELLO_RETRY_REQUEST)
			puppet13_heard(p, type, f.body);
		if (type == HELLO_VERIFY_REQUEST || type == HELLO_RETRY_REQUEST)
			continue;
		puppet_log(p, f.type, f.message_seq, f.body);
		if (p->play.v13)
			puppet13_heard(p, f.type, f.body);
		else
			puppet12_heard(p, f.type, f.body);
	}
}

static void hear_record(struct puppet *p, const struct record *record, void (*heard)(void *user, const char *name),
			void *user)
{
	char text[64];
	switch (record->type) {
	case CONTENT_HANDSHAKE:
		hear_messages(p, record, heard, user);
		return;
	case CONTENT_CHANGE_CIPHER_SPEC:
		heard(user, "ChangeCipherSpec");
		return;
	case CONTENT_ALERT:
		(void)snprintf(text, sizeof text, "Alert(%s)", record->n == 2 ? tern_alert_name(record->p[1]) : "?");
		heard(user, text);
		return;
	default:
		heard(user, record->type == CONTENT_ACK ? "ACK" : "Data");
	}
}

void puppet_hear(struct puppet *p, uint8_t *datagram, size_t n, void (*heard)(void *user, const char *name), void *user)
{
	struct datagram d = {datagram, n};
	struct record record;
	while (record_next(&p->records, &d, &record)) {
		if (record.drop == TERN_DROP_NONE)
			hear_record(p, &record, heard, user);
		else
			heard(user, "unreadable");
	}
}
