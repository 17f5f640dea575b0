/* negotiate.h - what both sides can agree on. Pure choices: nothing is changed. */
#ifndef TERN_HANDSHAKE_NEGOTIATE_H
#define TERN_HANDSHAKE_NEGOTIATE_H

#include "handshake/handshake.h"

/* Whether our side could use the suite at all: has the PSK, can verify or show a certificate. */
bool suite_usable(const struct handshake *hs, const struct suite *s);

/* The first scheme of the credential's, or else of ours, that the peer's list (u16) has and the key can make in a
 * version; NULL: none. */
const struct scheme_alg *choose_scheme(const struct tern_config *config, const struct version *version,
				       struct span list, const struct credential *c);

/* Whether the peer's certificate_authorities allow the credential. authorities: u16-length-prefixed names, or empty. */
bool issuer_fits(const struct credential *c, struct span authorities);

/* The server's choice of everything that hangs together: suite, group, credential, scheme. */
struct choice {
	const struct suite *suite;
	const struct group_alg *group; /* NULL unless the suite is ECDHE */
	const struct credential *credential; /* NULL with PSK */
	const struct scheme_alg *scheme; /* NULL with PSK */
};
tern_error choose12(const struct handshake *hs, const struct client_hello *hello, const struct extensions *ext,
		    struct choice *out);

/* DTLS 1.3: suite, group and the rest are independent. share empty: the client named the group but sent no share for
 * it. A group whose share is there comes before one that would cost a round trip. NULL: none in common. */
const struct suite *choose_suite13(const struct tern_config *config, const struct client_hello *hello);
/* The first with this hash: a PSK goes with one only. */
const struct suite *choose_suite13_with(const struct tern_config *config, const struct client_hello *hello,
					enum hash_id hash);
const struct group_alg *choose_group13(const struct tern_config *config, const struct provider *p,
				       const struct extensions *ext, struct span *share);
tern_error choose13(const struct handshake *hs, const struct client_hello *hello, const struct extensions *ext,
		    struct choice *out);
/* In DTLS 1.3 a scheme names the curve too, and PKCS#1 v1.5 is gone (RFC 8446 4.2.3). */
bool scheme_fits_key13(const struct scheme_alg *scheme, enum key_type key);
bool suite_fits_any_key(const struct suite *s, enum key_type key);
/* In DTLS 1.2 the key in the server's certificate has to be on a curve that the client named (RFC 8422 5.1.1). */
bool curve_fits12(enum key_type key, const struct extensions *ext);
bool curve_fits13(enum key_type key, const struct extensions *ext);

/* The first protocol of ours in the client's list; NO_APPLICATION_PROTOCOL when both have lists and share none. Empty
 * when either has no list. */
tern_error choose_alpn(const struct tern_config *config, struct span list, struct span *out);

/* Whether this side takes raw public keys from its peer: something other than a chain can vouch for them. */
bool takes_raw_keys(const struct tern_config *config);

/* Longest plaintext for a max_fragment_length code; 0: no such code (RFC 6066 4). */
uint16_t fragment_length_of(uint8_t code);
uint8_t fragment_length_code(uint16_t length);

#endif
