/* suites.h - cipher suites as data. Protocol code asks a suite for its parts and never which one it is. */
#ifndef TERN_HANDSHAKE_SUITES_H
#define TERN_HANDSHAKE_SUITES_H

#include "crypto/crypto.h"
#include "wire/kex12.h"

enum suite_auth { AUTH_PSK, AUTH_ECDSA, AUTH_RSA }; /* AUTH_ECDSA includes Ed25519, RFC 8422 5.10 */

struct suite {
	uint16_t id; /* IANA */
	const char *name; /* IANA */
	uint8_t psk, ecdhe; /* what makes the premaster secret */
	enum suite_auth auth; /* what signs: AUTH_PSK is nobody */
	enum aead_id aead;
	enum hash_id hash; /* of the PRF and the transcript */
	bool by_name_only; /* offered only when asked for by name or policy: CCM-8 */
	uint16_t version; /* DTLS 1.3: psk, ecdhe and auth mean nothing, they are negotiated apart */
};
extern const struct suite suites[];
extern const size_t num_suites;

const struct suite *suite_by_id(uint16_t id); /* NULL: not supported */

/* Whether the certificate key can serve the suite. */
bool suite_fits_key(const struct suite *s, enum key_type key);

/* What DTLS-SRTP is negotiated for: a cipher of SRTP and the lengths of its master key and salt (RFC 5764 4.1.2, RFC
 * 7714 14.2). Those without encryption are left out. */
struct srtp_profile {
	uint16_t id; /* IANA */
	const char *name; /* IANA */
	uint8_t key_len, salt_len;
};
#define SRTP_KEY_MAX 32
#define SRTP_SALT_MAX 14
const struct srtp_profile *srtp_by_id(uint16_t id); /* NULL: not supported */

/* Comma-separated IANA names into ids; UNKNOWN_NAME for a name that is not ours or comes twice, USAGE for too many. */
tern_error suites_from_names(const char *list, uint16_t *ids, size_t max, size_t *num);
tern_error groups_from_names(const char *list, const struct provider *p, uint16_t *ids, size_t max, size_t *num);
tern_error schemes_from_names(const char *list, uint16_t *ids, size_t max, size_t *num);
tern_error srtp_from_names(const char *list, uint16_t *ids, size_t max, size_t *num);
/* NULL: not supported, or not available at run time. */
const struct group_alg *group_by_id(const struct provider *p, uint16_t id);

#endif
