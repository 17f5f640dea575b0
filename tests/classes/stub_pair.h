/* stub_pair.h - for the tests of classes of vulnerabilities: a pair over the stub provider, whose memory is counted,
 * and ways to put wrong things onto its wire. Include after cmocka.h. */
#ifndef TERN_TESTS_STUB_PAIR_H
#define TERN_TESTS_STUB_PAIR_H

#include "count_heap.h"
#include "handshake/config.h"
#include "handshake/step.h"
#include "pair.h"
#include "wire/handshake.h"

#define LONG_TIME (UINT64_C(100) * 1000000000)

enum deal { DEAL_CERTIFICATE, DEAL_MUTUAL, DEAL_PSK };
enum { V12 = 12, V13 = 13, V_BOTH = 0 };

struct stub_pair {
	struct pair p;
	struct count_heap heap[2];
	size_t idle[2]; /* live bytes of configs and pools */
	tern_config *config[2]; /* until opened */
};

static inline tern_config *stub_config(struct stub_pair *s, enum role side, int version, enum deal deal)
{
	tern_allocator heap = count_heap_allocator(&s->heap[side]);
	tern_config *c = tern_config_new(&heap);
	bool shows = side == SERVER || deal == DEAL_MUTUAL, asks = side == CLIENT || deal == DEAL_MUTUAL;
	const char *own = side == CLIENT ? "E b.test" : "E a.test", *peer = side == CLIENT ? "E a.test" : "E b.test";
	assert_non_null(c);
	if (version)
		OK(tern_config_set_versions(c, version == V12 ? TERN_DTLS12 : TERN_DTLS13,
					    version == V12 ? TERN_DTLS12 : TERN_DTLS13));
	OK(config_set_provider(c, &provider_stub));
	OK(tern_config_set_groups(c, "x25519,secp256r1")); /* hellos of one datagram */
	if (deal == DEAL_PSK) {
		OK(tern_config_add_psk(c, "id", 2, "secret", 6));
		return c;
	}
	if (shows)
		OK(tern_config_add_keypair(c, own, 8, own, 8));
	if (asks)
		OK(tern_config_add_trust(c, peer, 8));
	if (side == SERVER && deal == DEAL_MUTUAL)
		OK(tern_config_set_client_auth(c, TERN_CLIENT_AUTH_REQUIRED));
	return c;
}

/* Between the two a test may still set what it wants of config[]. */
static inline void stub_prepare(struct stub_pair *s, int version, enum deal deal)
{
	*s = (struct stub_pair){0};
	for (int i = 0; i < 2; i++)
		s->config[i] = stub_config(s, (enum role)i, version, deal);
}

static inline void stub_open(struct stub_pair *s)
{
	pair_init(&s->p, s->config[CLIENT], s->config[SERVER]);
	for (int i = 0; i < 2; i++)
		s->idle[i] = s->heap[i].live;
}

static inline void stub_dial(struct stub_pair *s)
{
	pair_dial(&s->p, "a.test", span_of(NULL, 0));
	check_is("dial", s->p.side[CLIENT].error, TERN_OK);
}

static inline void stub_connect(struct stub_pair *s, int version, enum deal deal)
{
	stub_prepare(s, version, deal);
	stub_open(s);
	stub_dial(s);
	pair_settle(&s->p);
	assert_true(pair_connected(&s->p));
}

/* Key objects are kept for the next connection by pools, within bounds. */
#define KEPT_KEYS 16384

static inline void stub_close(struct stub_pair *s)
{
	pair_hang_up(&s->p);
	for (int i = 0; i < 2; i++)
		assert_true(s->heap[i].live <= s->idle[i] + KEPT_KEYS);
	pair_free(&s->p);
	assert_int_equal(s->heap[CLIENT].live + s->heap[SERVER].live, 0);
}

/* A handshake from its start, with that many datagrams carried. False: there are not so many. */
static inline bool stub_start_at(struct stub_pair *s, unsigned step)
{
	pair_hang_up(&s->p);
	s->p.tap = NULL;
	stub_dial(s);
	while (s->p.carried < step)
		if (!pair_carry(&s->p))
			return false;
	pair_collect(&s->p, CLIENT);
	pair_collect(&s->p, SERVER);
	return s->p.num_queued > 0;
}

static inline void stub_finish(struct stub_pair *s, const char *name)
{
	pair_run(&s->p, LONG_TIME);
	if (!pair_connected(&s->p))
		fail_msg("%s: not connected: client %s, server %s", name, tern_error_name(s->p.side[CLIENT].error),
			 tern_error_name(s->p.side[SERVER].error));
	pair_check_data(&s->p, name);
}

/* What the server's door says to a datagram of this very length, from 127.0.0.1:12345 or elsewhere. */
static inline tern_verdict knock(struct stub_pair *s, const void *bytes, size_t n, const tern_path *path,
				 uint8_t *reply, size_t *reply_n)
{
	uint8_t *copy = malloc(n ? n : 1);
	tern_verdict v;
	assert_non_null(copy);
	if (n)
		memcpy(copy, bytes, n);
	OK(tern_listen(s->p.side[SERVER].pool, &v, reply, 512, reply_n, copy, n, path, s->p.now));
	free(copy);
	return v;
}

/* One plaintext handshake message in a record. */
static inline void forge_message(struct stub_pair *s, enum role to, uint8_t type, uint16_t seq, const void *body,
				 size_t n)
{
	uint8_t message[PAIR_DATAGRAM];
	struct wr w = wr_of(message, sizeof message);
	put_fragment_header(&w, &(struct fragment){.type = type, .length = (uint32_t)n, .message_seq = seq},
			    (uint32_t)n);
	wr_bytes(&w, span_of(body, n));
	assert_true(wr_ok(&w));
	pair_forge(&s->p, to, CONTENT_HANDSHAKE, 0, 900, message, w.n);
}

/* Of its first record. */
static inline size_t record_len(const struct datagram_on_wire *d)
{
	bool unified = (d->bytes[0] & 0xe0) == 0x20;
	return unified ? 5 + (size_t)(d->bytes[3] << 8 | d->bytes[4])
		       : RECORD12_HEADER + (size_t)(d->bytes[11] << 8 | d->bytes[12]);
}

static inline size_t num_events(const struct pair *p, enum role who, tern_event_kind kind)
{
	size_t n = 0;
	for (size_t i = 0; i < p->side[who].num_events; i++)
		n += p->side[who].events[i] == kind;
	return n;
}

/* Removes or, when rename is not 0, renames an extension of the plaintext hello that is a datagram's only message.
 * False: it is not there. */
static inline bool spoil_extension(struct datagram_on_wire *d, uint16_t type, uint16_t rename)
{
	size_t at = RECORD12_HEADER + HANDSHAKE_HEADER, list,
	       end = RECORD12_HEADER + (size_t)(d->bytes[11] << 8 | d->bytes[12]);
	bool client = d->bytes[RECORD12_HEADER] == CLIENT_HELLO;
	size_t n;
	at += 2 + 32;
	at += 1u + d->bytes[at];
	if (client) {
		at += 1u + d->bytes[at];
		at += 2u + (size_t)(d->bytes[at] << 8 | d->bytes[at + 1]);
		at += 1u + d->bytes[at];
	} else {
		at += 3;
	}
	list = at;
	for (at += 2; at + 4 <= end; at += 4 + n) {
		n = (size_t)(d->bytes[at + 2] << 8 | d->bytes[at + 3]);
		if ((d->bytes[at] << 8 | d->bytes[at + 1]) != type)
			continue;
		if (rename) {
			wr_store(d->bytes + at, 2, rename);
			return true;
		}
		memmove(d->bytes + at, d->bytes + at + 4 + n, d->n - at - 4 - n);
		d->n -= 4 + n;
		end -= 4 + n;
		wr_store(d->bytes + list, 2, end - list - 2);
		wr_store(d->bytes + 11, 2, end - RECORD12_HEADER);
		wr_store(d->bytes + RECORD12_HEADER + 1, 3, end - RECORD12_HEADER - HANDSHAKE_HEADER);
		wr_store(d->bytes + RECORD12_HEADER + 9, 3, end - RECORD12_HEADER - HANDSHAKE_HEADER);
		return true;
	}
	return false;
}

#endif
