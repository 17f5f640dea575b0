/* cert.h - making certificates for tests, devices and small fleets, and looking at them.
 *
 * Nothing here is needed to use certificates that come from elsewhere: see tern_config_add_keypair.
 *
 * SPDX-License-Identifier: MIT */
#ifndef TERN_CERT_H
#define TERN_CERT_H

#include "tern/tern.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tern_key_type { TERN_KEY_P256, TERN_KEY_P384, TERN_KEY_ED25519, TERN_KEY_RSA3072 } tern_key_type;

#define TERN_CERT_PEM_MAX 8192 /* room for any certificate tern_cert_make makes */
#define TERN_KEY_PEM_MAX 4096 /* room for its private key */
#define TERN_FINGERPRINT_TEXT 104 /* "sha-256:" and 32 pairs of digits with colons, and the final zero */

typedef struct tern_cert_options {
	size_t size; /* sizeof(tern_cert_options) */
	tern_key_type key_type;
	const char *const *names; /* host names and IP literals; the first is also the subject's common name */
	size_t num_names; /* 1 to 64 */
	uint32_t days; /* of validity, from now on; 1 to 36500 */
	bool ca; /* may issue certificates, and do nothing else */
	const void *issuer_pem; /* the issuing CA's certificate and private key; NULL: self-signed */
	size_t issuer_len;
	const void *issuer_key_pem;
	size_t issuer_key_len;
} tern_cert_options;

/* Makes a new key and a certificate for it (X.509 version 3, RFC 5280). Writes both as PEM, zero-terminated; the
 * lengths are without the zero. Errors: TERN_ERROR_USAGE for options out of range, TERN_ERROR_UNKNOWN_NAME for a name
 * that is neither a host name nor an IP address, TERN_ERROR_BAD_CERTIFICATE_FILE, TERN_ERROR_BAD_KEY_FILE and
 * TERN_ERROR_KEY_MISMATCH for the issuer's, TERN_ERROR_BUFFER_TOO_SMALL. The caller wipes the key. */
TERN_API TERN_MUST_CHECK tern_error tern_cert_make(char certificate[TERN_CERT_PEM_MAX], size_t *certificate_len,
						   char key[TERN_KEY_PEM_MAX], size_t *key_len,
						   const tern_cert_options *options, tern_time now);

/* For a peer that knows us by a fingerprint from signalling, as in WebRTC: makes a P-256 key with a self-signed
 * certificate for a year, adds both to config as tern_config_add_keypair would, and writes what SDP's attribute
 * "fingerprint" is to say: "sha-256 4A:AD:..." (RFC 8122 5). The key exists nowhere else. */
TERN_API TERN_MUST_CHECK tern_error tern_config_make_keypair(tern_config *config,
							     char fingerprint[TERN_FINGERPRINT_TEXT], tern_time now);

/* The fingerprint of one certificate, PEM (its first one) or DER, as RFC 8122 writes it: "sha-256:4A:AD:...". */
TERN_API TERN_MUST_CHECK tern_error tern_cert_fingerprint(char out[TERN_FINGERPRINT_TEXT], const void *certificate,
							  size_t len);

typedef struct tern_cert_info {
	char subject[256], issuer[256]; /* RFC 2253 form, cut when longer */
	char names[1024]; /* of subjectAltName, with ", " between; cut when longer */
	char key_type[32]; /* "P-256", "RSA 3072", "Ed25519" */
	char fingerprint[TERN_FINGERPRINT_TEXT];
	int64_t not_before_unix_s, not_after_unix_s;
	bool ca, self_issued;
} tern_cert_info;

/* Describes the index-th certificate of a PEM file, or a DER one. TERN_ERROR_BAD_PEM: there is none of that index. Text
 * from the certificate is made printable ASCII. */
TERN_API TERN_MUST_CHECK tern_error tern_cert_describe(tern_cert_info *info, const void *certificate, size_t len,
						       size_t index);

#ifdef __cplusplus
}
#endif
#endif
