/* mint.c - makes certificates (tern/cert.h): a fresh key, RFC 5280 fields, and a signature by itself or by a CA.
 * Nothing of this runs in a handshake. */
#include "tern/cert.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { SERIAL_BYTES = 16, NAMES_MAX = 64, NAME_MAX_LEN = 253, BACKDATE_S = 300, DAY_S = 86400, COMMON_NAME_MAX = 64 };

struct issuer {
	X509 *certificate;
	EVP_PKEY *key;
};

static EVP_PKEY *make_key(tern_key_type type)
{
	switch (type) {
	case TERN_KEY_P256:
		return EVP_EC_gen("P-256");
	case TERN_KEY_P384:
		return EVP_EC_gen("P-384");
	case TERN_KEY_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case TERN_KEY_RSA3072:
		return EVP_RSA_gen(3072);
	}
	return NULL;
}

static bool is_host_name(const char *name)
{
	size_t len = strlen(name), label = 0;

	if (len == 0 || len > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
		bool wildcard = c == '*' && i == 0 && name[1] == '.';
		label = c == '.' ? 0 : label + 1;
		if ((c == '.' && (i == 0 || name[i - 1] == '.')) || label > 63)
			return false;
		if (!letter && !wildcard && c != '.' && !(c == '-' && label > 1))
			return false;
	}
	return true;
}

static bool add_name(GENERAL_NAMES *list, const char *text)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_OCTET_STRING *ip = a2i_IPADDRESS(text);
	ASN1_IA5STRING *dns = ip ? NULL : ASN1_IA5STRING_new();

	if (name && ip) {
		GENERAL_NAME_set0_value(name, GEN_IPADD, ip);
	} else if (name && dns && ASN1_STRING_set(dns, text, (int)strlen(text))) {
		GENERAL_NAME_set0_value(name, GEN_DNS, dns);
	} else {
		ASN1_OCTET_STRING_free(ip);
		ASN1_IA5STRING_free(dns);
		GENERAL_NAME_free(name);
		return false;
	}
	if (sk_GENERAL_NAME_push(list, name) > 0)
		return true;
	GENERAL_NAME_free(name);
	return false;
}

static bool add_names(X509 *x, const tern_cert_options *options)
{
	GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();
	bool ok = list != NULL;

	for (size_t i = 0; ok && i < options->num_names; i++)
		ok = add_name(list, options->names[i]);
	ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, list, 0, X509V3_ADD_APPEND) == 1;
	sk_GENERAL_NAME_pop_free(list, GENERAL_NAME_free);
	return ok;
}

static bool add_extension(X509 *x, X509V3_CTX *context, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, nid, value);
	bool ok = extension && X509_add_ext(x, extension, -1) == 1;

	X509_EXTENSION_free(extension);
	return ok;
}

/* RFC 5280 4.2.1. A self-signed end certificate is no CA; it is trusted as it stands. */
static bool add_extensions(X509 *x, X509 *issuer, const tern_cert_options *options)
{
	X509V3_CTX context;
	bool rsa = options->key_type == TERN_KEY_RSA3072;

	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	if (!add_extension(x, &context, NID_subject_key_identifier, "hash"))
		return false;
	if (issuer != x && !add_extension(x, &context, NID_authority_key_identifier, "keyid"))
		return false;
	if (options->ca)
		return add_extension(x, &context, NID_basic_constraints, "critical,CA:TRUE") &&
		       add_extension(x, &context, NID_key_usage, "critical,keyCertSign,cRLSign");
	return add_extension(x, &context, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(x, &context, NID_key_usage,
			     rsa ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature") &&
	       add_extension(x, &context, NID_ext_key_usage, "serverAuth,clientAuth") && add_names(x, options);
}

static bool set_subject(X509 *x, const char *name)
{
	X509_NAME *subject = X509_get_subject_name(x);
	int len = (int)strnlen(name, COMMON_NAME_MAX);

	return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, len, -1, 0) == 1;
}

static bool set_serial(X509 *x)
{
	unsigned char bytes[SERIAL_BYTES];
	BIGNUM *number;

	if (RAND_bytes(bytes, sizeof bytes) != 1)
		return false;
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
	number = BN_bin2bn(bytes, sizeof bytes, NULL);
	bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) != NULL;
	BN_free(number);
	return ok;
}

static bool set_validity(X509 *x, uint32_t days, int64_t now)
{
	return ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(now - BACKDATE_S)) &&
	       ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(now + (int64_t)days * DAY_S));
}

static bool sign(X509 *x, EVP_PKEY *key)
{
	const EVP_MD *md = EVP_sha256();

	if (EVP_PKEY_is_a(key, "ED25519"))
		md = NULL;
	else if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) > 256)
		md = EVP_sha384();
	return X509_sign(x, key, md) > 0;
}

static X509 *build(EVP_PKEY *key, const struct issuer *issuer, const tern_cert_options *options, tern_time now)
{
	X509 *x = X509_new();
	X509 *from = issuer->certificate ? issuer->certificate : x;

	if (x && X509_set_version(x, X509_VERSION_3) && set_serial(x) && set_validity(x, options->days, now.unix_s) &&
	    X509_set_pubkey(x, key) && set_subject(x, options->names[0]) &&
	    X509_set_issuer_name(x, X509_get_subject_name(from)) && add_extensions(x, from, options) &&
	    sign(x, issuer->key ? issuer->key : key))
		return x;
	X509_free(x);
	return NULL;
}

/* No terminal is asked for a passphrase: a library does not do that. */
static int no_passphrase(char *buffer, int size, int writing, void *user)
{
	(void)buffer, (void)size, (void)writing, (void)user;
	return -1;
}

static tern_error read_issuer(struct issuer *issuer, const tern_cert_options *options)
{
	BIO *certificate = BIO_new_mem_buf(options->issuer_pem, (int)options->issuer_len);
	BIO *key = BIO_new_mem_buf(options->issuer_key_pem, (int)options->issuer_key_len);
	tern_error error = TERN_OK;

	if (certificate && key) {
		issuer->certificate = PEM_read_bio_X509(certificate, NULL, no_passphrase, NULL);
		issuer->key = PEM_read_bio_PrivateKey(key, NULL, no_passphrase, NULL);
	}
	if (!certificate || !key)
		error = TERN_ERROR_NO_MEMORY;
	else if (!issuer->certificate || X509_check_ca(issuer->certificate) < 1)
		error = TERN_ERROR_BAD_CERTIFICATE_FILE;
	else if (!issuer->key)
		error = TERN_ERROR_BAD_KEY_FILE;
	else if (X509_check_private_key(issuer->certificate, issuer->key) != 1)
		error = TERN_ERROR_KEY_MISMATCH;
	BIO_free(certificate);
	BIO_free(key);
	return error;
}

static bool copy_out(char *out, size_t cap, size_t *len, BIO *bio)
{
	char *bytes;
	long n = BIO_get_mem_data(bio, &bytes);

	if (n <= 0 || (size_t)n >= cap)
		return false;
	memcpy(out, bytes, (size_t)n);
	out[n] = 0;
	*len = (size_t)n;
	return true;
}

static tern_error write_pem(char *certificate, size_t *certificate_len, char *key, size_t *key_len, X509 *x,
			    EVP_PKEY *pkey)
{
	BIO *x_out = BIO_new(BIO_s_mem()), *key_out = BIO_new(BIO_s_secmem());
	tern_error error = TERN_ERROR_CRYPTO;

	if (x_out && key_out && PEM_write_bio_X509(x_out, x) == 1 &&
	    PEM_write_bio_PKCS8PrivateKey(key_out, pkey, NULL, NULL, 0, NULL, NULL) == 1)
		error = copy_out(certificate, TERN_CERT_PEM_MAX, certificate_len, x_out) &&
					copy_out(key, TERN_KEY_PEM_MAX, key_len, key_out)
				? TERN_OK
				: TERN_ERROR_BUFFER_TOO_SMALL;
	BIO_free(x_out);
	BIO_free(key_out);
	return error;
}

static tern_error check_options(const tern_cert_options *options)
{
	if (options->size != sizeof *options || options->num_names < 1 || options->num_names > NAMES_MAX ||
	    options->days < 1 || options->days > 36500 || options->issuer_len > INT32_MAX ||
	    options->issuer_key_len > INT32_MAX || !options->issuer_pem != !options->issuer_key_pem)
		return TERN_ERROR_USAGE;
	for (size_t i = 0; i < options->num_names; i++) {
		ASN1_OCTET_STRING *ip = a2i_IPADDRESS(options->names[i]);
		bool ok = ip || options->ca || is_host_name(options->names[i]);
		ASN1_OCTET_STRING_free(ip);
		if (!ok)
			return TERN_ERROR_UNKNOWN_NAME;
	}
	return TERN_OK;
}

tern_error tern_cert_make(char certificate[TERN_CERT_PEM_MAX], size_t *certificate_len, char key[TERN_KEY_PEM_MAX],
			  size_t *key_len, const tern_cert_options *options, tern_time now)
{
	struct issuer issuer = {NULL, NULL};
	tern_error error = check_options(options);

	if (error == TERN_OK && options->issuer_pem)
		error = read_issuer(&issuer, options);
	if (error == TERN_OK) {
		EVP_PKEY *pkey = make_key(options->key_type);
		X509 *x = pkey ? build(pkey, &issuer, options, now) : NULL;
		error = x ? write_pem(certificate, certificate_len, key, key_len, x, pkey) : TERN_ERROR_CRYPTO;
		X509_free(x);
		EVP_PKEY_free(pkey);
	}
	X509_free(issuer.certificate);
	EVP_PKEY_free(issuer.key);
	ERR_clear_error();
	return error;
}
