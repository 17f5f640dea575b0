/* session_fixtures.h - sessions to encode and seal. */
#ifndef TERN_TESTS_SESSION_FIXTURES_H
#define TERN_TESTS_SESSION_FIXTURES_H

#include "handshake/session.h"

static inline struct session session_least(void)
{
	struct session s = {.version = 0xfefd, .suite = 0xc02b, .created_unix_s = 1000, .expires_unix_s = 2000};
	memset(s.master, 0xa5, sizeof s.master);
	return s;
}

/* Everything as long as it can be. */
static inline struct session session_longest(void)
{
	struct session s = session_least();
	s.peer_authenticated = true;
	s.age_add = 0xfedcba98;
	s.max_early_data = 0x89abcdef;
	memset(s.peer_fingerprint, 0xf1, sizeof s.peer_fingerprint);
	memset(s.settings_hash, 0x5e, sizeof s.settings_hash);
	memset(s.id, 0x1d, s.id_len = sizeof s.id);
	memset(s.alpn, 'a', s.alpn_len = sizeof s.alpn - 1);
	memset(s.name, 'n', s.name_len = sizeof s.name);
	memset(s.psk_identity, 'i', s.psk_identity_len = sizeof s.psk_identity);
	memset(s.host, 'h', s.host_len = sizeof s.host);
	memset(s.ticket, 't', s.ticket_len = sizeof s.ticket);
	return s;
}

static inline bool session_same(const struct session *a, const struct session *b)
{
	return a->version == b->version && a->suite == b->suite && !memcmp(a->master, b->master, MASTER_LEN) &&
	       a->age_add == b->age_add && a->max_early_data == b->max_early_data &&
	       a->peer_authenticated == b->peer_authenticated && a->created_unix_s == b->created_unix_s &&
	       a->expires_unix_s == b->expires_unix_s && !memcmp(a->peer_fingerprint, b->peer_fingerprint, 32) &&
	       span_equal(span_of(a->id, a->id_len), span_of(b->id, b->id_len)) &&
	       span_equal(span_of(a->alpn, a->alpn_len), span_of(b->alpn, b->alpn_len)) &&
	       span_equal(span_of(a->name, a->name_len), span_of(b->name, b->name_len)) &&
	       span_equal(span_of(a->psk_identity, a->psk_identity_len),
			  span_of(b->psk_identity, b->psk_identity_len)) &&
	       span_equal(span_of(a->host, a->host_len), span_of(b->host, b->host_len)) &&
	       span_equal(span_of(a->ticket, a->ticket_len), span_of(b->ticket, b->ticket_len)) &&
	       !memcmp(a->settings_hash, b->settings_hash, 16);
}

#endif
