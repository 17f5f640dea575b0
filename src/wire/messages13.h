/* messages13.h - the messages that DTLS 1.3 has or shapes differently (RFC 8446 4.3, 4.4, 4.6). Hellos are in hello.h,
 * extension blocks in extensions.h, CertificateVerify in certificate.h. */
#ifndef TERN_WIRE_MESSAGES13_H
#define TERN_WIRE_MESSAGES13_H

#include "wire/certificate.h"

struct certificate_request13 {
	struct span context; /* empty in the main handshake */
	struct span extensions; /* undecoded block */
};
MUST_CHECK bool get_certificate_request13(struct rd *r, struct certificate_request13 *out);
void put_certificate_request13(struct wr *w, const struct certificate_request13 *in);

struct certificate13 {
	struct span context;
	struct certificate list; /* DER (or one SubjectPublicKeyInfo), leaf first */
	struct span extensions[WIRE_CHAIN_MAX]; /* of each entry, undecoded */
};
/* False when malformed or longer than WIRE_CHAIN_MAX. */
MUST_CHECK bool get_certificate13(struct rd *r, struct certificate13 *out);
void put_certificate13(struct wr *w, const struct certificate13 *in);

/* RFC 8879 4. */
struct compressed_certificate {
	uint16_t algorithm;
	uint32_t uncompressed_length; /* bytes of a certificate13; any value here */
	struct span compressed; /* not empty */
};
#define COMPRESSED_CERTIFICATE_OVERHEAD 8 /* bytes beside compressed */
MUST_CHECK bool get_compressed_certificate(struct rd *r, struct compressed_certificate *out);
void put_compressed_certificate(struct wr *w, const struct compressed_certificate *in);

/* RFC 8446 4.2: EncryptedExtensions is a block behind its length. */
MUST_CHECK bool get_encrypted_extensions(struct rd *r, struct span *block);
void put_encrypted_extensions(struct wr *w, struct span block);

struct new_session_ticket13 {
	uint32_t lifetime; /* seconds */
	uint32_t age_add;
	struct span nonce; /* 0 to 255 bytes */
	struct span ticket; /* not empty */
	struct span extensions; /* undecoded block */
};
MUST_CHECK bool get_new_session_ticket13(struct rd *r, struct new_session_ticket13 *out);
void put_new_session_ticket13(struct wr *w, const struct new_session_ticket13 *in);

/* KeyUpdate: the one byte is checked to be 0 or 1 by the handshake, not here. */
MUST_CHECK bool get_key_update(struct rd *r, uint8_t *request);
void put_key_update(struct wr *w, uint8_t request);

/* RFC 9147 9: a list of ConnectionIds, each behind a byte of length and maybe empty; that it is well-formed is checked
 * here, what usage is by whoever takes it. */
enum connection_id_usage { CID_IMMEDIATE = 0, CID_SPARE = 1 };
struct new_connection_id {
	struct span cids;
	uint8_t usage;
};
MUST_CHECK bool get_new_connection_id(struct rd *r, struct new_connection_id *out);
void put_new_connection_id(struct wr *w, const struct new_connection_id *in);

MUST_CHECK bool get_request_connection_id(struct rd *r, uint8_t *num_cids);
void put_request_connection_id(struct wr *w, uint8_t num_cids);

#endif
