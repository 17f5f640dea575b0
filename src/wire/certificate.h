/* certificate.h - Certificate, CertificateRequest, CertificateVerify, and the ticket (RFC 5246 7.4.2, 7.4.4, 7.4.8,
 * RFC 7250 3, RFC 5077 3.3). */
#ifndef TERN_WIRE_CERTIFICATE_H
#define TERN_WIRE_CERTIFICATE_H

#include "base/reader.h"
#include "base/writer.h"

enum certificate_type { CERTIFICATE_X509 = 0, CERTIFICATE_RAW_PUBLIC_KEY = 2 }; /* RFC 7250 */
enum client_certificate_type { CLIENT_CERT_RSA_SIGN = 1, CLIENT_CERT_ECDSA_SIGN = 64 }; /* RFC 5246, RFC 8422 */

#define WIRE_CHAIN_MAX 10

struct certificate {
	struct span chain[WIRE_CHAIN_MAX]; /* DER, leaf first, none empty; num 0: no certificate */
	size_t num;
};
/* False when malformed or longer than WIRE_CHAIN_MAX. */
MUST_CHECK bool get_certificate12(struct rd *r, struct certificate *out);
void put_certificate12(struct wr *w, const struct certificate *in);
/* The issuer's DistinguishedName, DER with its header, as certificate_authorities has it (RFC 5280 4.1, RFC
 * 8446 4.2.4).
 */
MUST_CHECK bool get_issuer(struct span certificate, struct span *name);
/* RFC 7250: a single SubjectPublicKeyInfo in place of the list; empty: none. */
MUST_CHECK bool get_raw_certificate12(struct rd *r, struct span *spki);
void put_raw_certificate12(struct wr *w, struct span spki);

struct certificate_request12 {
	struct span types; /* u8 list, not empty */
	struct span schemes; /* u16 list, not empty */
	struct span authorities; /* list of u16-length-prefixed names, well-formed; may be empty */
};
MUST_CHECK bool get_certificate_request12(struct rd *r, struct certificate_request12 *out);
void put_certificate_request12(struct wr *w, const struct certificate_request12 *in);

struct certificate_verify {
	uint16_t scheme;
	struct span signature;
};
MUST_CHECK bool get_certificate_verify(struct rd *r, struct certificate_verify *out);
void put_certificate_verify(struct wr *w, const struct certificate_verify *in);

struct new_session_ticket12 {
	uint32_t lifetime_hint; /* seconds */
	struct span ticket; /* may be empty */
};
MUST_CHECK bool get_new_session_ticket12(struct rd *r, struct new_session_ticket12 *out);
void put_new_session_ticket12(struct wr *w, const struct new_session_ticket12 *in);

#endif
