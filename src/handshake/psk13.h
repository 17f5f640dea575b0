/* psk13.h - pre-shared keys of DTLS 1.3: tickets and external ones, offered and taken up, with their binders (RFC 8446
 * 4.2.11). */
#ifndef TERN_HANDSHAKE_PSK13_H
#define TERN_HANDSHAKE_PSK13_H

#include "handshake/handshake.h"

enum { PSK_KE = 0, PSK_DHE_KE = 1 }; /* RFC 8446 4.2.9 */

struct offered_psk {
	struct span identity, key;
	struct span external; /* the identity as the application knows it */
	enum hash_id hash;
	bool resumption, imported;
	uint32_t obfuscated_age;
};

/* Client: the identities of hs->offered, with room for their binders. After a HelloRetryRequest those that fit its
 * suite. */
tern_error offer_psks13(struct handshake *hs);
/* Client: fills the binders of the hello in w. */
tern_error put_binders13(struct handshake *hs, struct wr *w);

/* Server: a PSK that can be used, its binder checked. */
struct found_psk {
	bool found;
	uint16_t index;
	const struct suite *suite;
	uint8_t key[64];
	size_t key_len;
	bool resumption, imported;
	struct session session; /* resumption */
	struct span external; /* the identity as the application knows it */
};
/* May pend. Changes nothing. BAD_FINISHED-like: DECRYPT for a wrong binder. */
tern_error find_psk13(struct handshake *hs, const struct client_hello *hello, const struct extensions *ext,
		      struct found_psk *out);

/* The same of the first PSK alone, where there is no handshake yet; it must be a ticket. body: of the hello. */
bool find_first_ticket13(tern_pool *pool, const struct client_hello *hello, const struct extensions *ext,
			 struct span body, int64_t unix_s, struct found_psk *out);

/* Server: whether a PSK can be used in one of the modes the client named. has_group: a group is shared. */
bool psk_fits_modes(const struct extensions *ext, bool has_group);

#endif
