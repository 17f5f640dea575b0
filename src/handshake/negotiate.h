/* negotiate.h - what both sides can agree on. Pure choices: nothing is changed. */
#ifndef TERN_HANDSHAKE_NEGOTIATE_H
#define TERN_HANDSHAKE_NEGOTIATE_H

#include "handshake/handshake.h"

/* Whether our side could use the suite at all: has the PSK, can verify or show a certificate. */
bool suite_usable(const struct handshake *hs, const struct suite *s);

/* The first scheme of ours that the peer's list (u16) has and the key can make in DTLS 1.2; NULL: none. */
const struct scheme_alg *choose_scheme12(const struct tern_config *config, struct span list, enum key_type key);

/* The server's choice of everything that hangs together: suite, group, credential, scheme. */
struct choice {
	const struct suite *suite;
	const struct group_alg *group;       /* NULL unless the suite is ECDHE */
	const struct credential *credential; /* NULL with PSK */
	const struct scheme_alg *scheme;     /* NULL with PSK */
};
tern_error choose12(const struct handshake *hs, const struct client_hello *hello, const struct extensions *ext,
		    struct choice *out);

/* The first protocol of ours in the client's list; NO_APPLICATION_PROTOCOL when both have lists and share none. Empty
 * when either has no list. */
tern_error choose_alpn(const struct tern_config *config, struct span list, struct span *out);

/* Whether this side takes raw public keys from its peer: something other than a chain can vouch for them. */
bool takes_raw_keys(const struct tern_config *config);

/* Longest plaintext for a max_fragment_length code; 0: no such code (RFC 6066 4). */
uint16_t fragment_length_of(uint8_t code);
uint8_t fragment_length_code(uint16_t length);

#endif
