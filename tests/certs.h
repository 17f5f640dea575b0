/* certs.h - certificates made at run time, good and bad ones, for the tests of handshakes. Include after cmocka.h. */
#ifndef TESTS_CERTS_H
#define TESTS_CERTS_H

#include <openssl/x509.h>

#include "tern/cert.h"

#define NOW_S INT64_C(1800000000) /* the tests' clock at their start */

enum cert_key { CERT_P256, CERT_P384, CERT_ED25519, CERT_RSA, CERT_RSA_PSS, NUM_CERT_KEYS };

struct cert {
	EVP_PKEY *pkey;
	X509 *x;
	char pem[12288], key[4096]; /* the chain up to, not with, the root; zero-terminated */
	size_t pem_len, key_len;
};

struct cert_options {
	enum cert_key key;
	const struct cert *issuer; /* NULL: self-signed */
	const char *name; /* common name; "peer" when NULL */
	const char *san, *key_usage, *extended_key_usage; /* as OpenSSL writes them; NULL: none */
	int64_t from, to; /* seconds around NOW_S; both 0: a year each way */
	bool ca;
	bool damaged; /* a bit of the signature is wrong */
};

/* Keys of one type are all the same within a test program but for fresh ones. */
void cert_make(struct cert *out, const struct cert_options *options);
void cert_free(struct cert *c);
/* "sha-256:..." */
void cert_fingerprint_text(const struct cert *c, char out[TERN_FINGERPRINT_TEXT]);
void certs_cleanup(void);

#endif
