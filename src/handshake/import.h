/* import.h - external PSKs imported for DTLS 1.3: bound to the protocol, to one KDF and to a context, under an identity
 * that says so (RFC 9258). They may not be imported for DTLS 1.2, nor may the external key be used there (RFC 9258 4,
 * 5.1). */
#ifndef TERN_HANDSHAKE_IMPORT_H
#define TERN_HANDSHAKE_IMPORT_H

#include "crypto/crypto.h"

struct imported_psk {
	enum hash_id hash; /* of the suites it goes with */
	uint8_t key[HASH_MAX];
	size_t key_len;
	struct span external; /* the external identity, within the imported one */
};

/* identity: on the wire. epsk: the external key, of the hash. False: it is no identity imported for DTLS 1.3 and a KDF
 * that we have. */
bool import_psk(const struct provider *p, tern_psk_hash hash, struct span epsk, struct span identity,
		struct imported_psk *out);

/* What an identity says that it was imported for: the hash of its KDF, HASH_NONE for another version of (D)TLS or a KDF
 * we do not have. False: it does not look imported. */
bool imported_for(struct span identity, enum hash_id *hash);

#endif
