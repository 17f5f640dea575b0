/* imported_identity.h - what stands for an imported PSK in pre_shared_key (RFC 9258 5.1). */
#ifndef TERN_WIRE_IMPORTED_IDENTITY_H
#define TERN_WIRE_IMPORTED_IDENTITY_H

#include "base/reader.h"
#include "base/writer.h"

enum target_kdf { KDF_HKDF_SHA256 = 1, KDF_HKDF_SHA384 = 2 }; /* RFC 9258 10 */

struct imported_identity {
	struct span external; /* external_identity: 1 to 65535 bytes */
	struct span context; /* may be empty */
	uint16_t protocol, kdf; /* target_protocol, target_kdf: any value here */
};
#define IMPORTED_IDENTITY_OVERHEAD 8 /* bytes beside external and context */

/* The whole of r. */
MUST_CHECK bool get_imported_identity(struct rd *r, struct imported_identity *out);
void put_imported_identity(struct wr *w, const struct imported_identity *in);

#endif
