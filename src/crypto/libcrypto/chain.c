#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "crypto/libcrypto/libcrypto.h"

#define NAME_MAX_LEN 255
#define AUTH_LEVEL 2 /* 112 bits: refuses SHA-1 and MD5 signatures and RSA below 2048 bits */
#define DEPTH_MAX 10

static X509 *parse_certificate(struct span der)
{
	const uint8_t *p = der.p;
	X509 *x = der.n && der.n <= INT32_MAX ? d2i_X509(NULL, &p, (long)der.n) : NULL;
	if (x && p == der.p + der.n)
		return x;
	X509_free(x);
	return NULL;
}

static tern_error check_leaf(const struct peer_chain *chain)
{
	if (X509_check_purpose(chain->leaf, -1, -1) != 1)
		return TERN_ERROR_CERTIFICATE_MALFORMED;
	/* All bits are set when there is no key usage. */
	if (!(X509_get_key_usage(chain->leaf) & KU_DIGITAL_SIGNATURE))
		return TERN_ERROR_CERTIFICATE_KEY_USAGE;
	return TERN_OK;
}

static tern_error parse_x509(struct peer_chain *chain, const struct span *der, size_t n)
{
	chain->others = sk_X509_new_null();
	if (!chain->others)
		return TERN_ERROR_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		X509 *x = parse_certificate(der[i]);
		if (!x)
			return TERN_ERROR_CERTIFICATE_MALFORMED;
		if (i == 0) {
			chain->leaf = x;
		} else if (!sk_X509_push(chain->others, x)) {
			X509_free(x);
			return TERN_ERROR_NO_MEMORY;
		}
	}
	chain->pkey = X509_get_pubkey(chain->leaf);
	if (!chain->pkey || !libcrypto_key_type(chain->pkey, &chain->type))
		return TERN_ERROR_CERTIFICATE_UNSUPPORTED_KEY;
	return check_leaf(chain);
}

static tern_error parse_raw(struct peer_chain *chain, struct span der)
{
	const uint8_t *p = der.p;
	X509_PUBKEY *spki = der.n && der.n <= INT32_MAX ? d2i_X509_PUBKEY(NULL, &p, (long)der.n) : NULL;
	if (!spki || p != der.p + der.n) {
		X509_PUBKEY_free(spki);
		return TERN_ERROR_CERTIFICATE_MALFORMED;
	}
	chain->pkey = X509_PUBKEY_get(spki);
	X509_PUBKEY_free(spki);
	if (!chain->pkey || !libcrypto_key_type(chain->pkey, &chain->type))
		return TERN_ERROR_CERTIFICATE_UNSUPPORTED_KEY;
	return TERN_OK;
}

tern_error libcrypto_chain_parse(struct crypto *c, struct peer_chain **out, const struct span *chain, size_t n,
				 bool raw_key)
{
	struct peer_chain *new;
	tern_error error;
	if (n == 0 || (raw_key && n != 1))
		return TERN_ERROR_CERTIFICATE_MALFORMED;
	new = heap_alloc(c->heap, sizeof *new);
	if (!new)
		return TERN_ERROR_NO_MEMORY;
	new->heap = c->heap;
	new->references = 1;
	error = raw_key ? parse_raw(new, chain[0]) : parse_x509(new, chain, n);
	if (error != TERN_OK) {
		libcrypto_chain_free(c, new);
		return libcrypto_fail(error);
	}
	*out = new;
	return TERN_OK;
}

void libcrypto_chain_free(struct crypto *c, struct peer_chain *chain)
{
	(void)c;
	if (!chain || --chain->references)
		return;
	X509_free(chain->leaf);
	libcrypto_certificates_free(chain->others);
	EVP_PKEY_CTX_free(chain->verify_ctx);
	EVP_PKEY_free(chain->pkey);
	heap_free(chain->heap, chain, sizeof *chain);
}

struct peer_chain *libcrypto_chain_hold(struct peer_chain *chain)
{
	libcrypto_certificates_free(chain->others);
	chain->others = NULL;
	chain->references++;
	return chain;
}

enum key_type libcrypto_chain_key_type(const struct peer_chain *chain)
{
	return chain->type;
}

static tern_error error_of(int x509_error)
{
	switch (x509_error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return TERN_ERROR_CERTIFICATE_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return TERN_ERROR_CERTIFICATE_NOT_YET_VALID;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
		return TERN_ERROR_CERTIFICATE_UNKNOWN_ISSUER;
	case X509_V_ERR_INVALID_PURPOSE:
	case X509_V_ERR_INVALID_CA:
	case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
	case X509_V_ERR_KEYUSAGE_NO_DIGITAL_SIGNATURE:
		return TERN_ERROR_CERTIFICATE_KEY_USAGE;
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
	case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
		return TERN_ERROR_CERTIFICATE_SIGNATURE;
	case X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY:
	case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
	case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
	case X509_V_ERR_INVALID_EXTENSION:
		return TERN_ERROR_CERTIFICATE_MALFORMED;
	case X509_V_ERR_OUT_OF_MEM:
		return TERN_ERROR_NO_MEMORY;
	default:
		return TERN_ERROR_CERTIFICATE_REJECTED;
	}
}

/* The earliest end of what was used, the anchor too. Counted from unix_s, at which all of it is valid. */
static bool first_end(const STACK_OF(X509) * path, int64_t unix_s, int64_t *out)
{
	ASN1_TIME *now = ASN1_TIME_set(NULL, (time_t)unix_s);
	bool ok = now != NULL;
	*out = INT64_MAX;
	for (int i = 0; ok && i < sk_X509_num(path); i++) {
		int days, seconds;
		int64_t end;
		ok = ASN1_TIME_diff(&days, &seconds, now, X509_get0_notAfter(sk_X509_value(path, i))) == 1;
		end = ok ? unix_s + (int64_t)days * 86400 + seconds : 0;
		*out = end < *out ? end : *out;
	}
	ASN1_TIME_free(now);
	return ok;
}

static tern_error set_param(X509_STORE_CTX *ctx, enum purpose purpose, int64_t unix_s)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	int id = purpose == PURPOSE_SERVER ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT;
	if (X509_STORE_CTX_set_purpose(ctx, id) != 1)
		return TERN_ERROR_CRYPTO;
	X509_VERIFY_PARAM_set_time(param, (time_t)unix_s);
	X509_VERIFY_PARAM_set_depth(param, DEPTH_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	/* Any certificate of the caller's is an anchor: a CA, one below it, or the peer's own. */
	return X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST) == 1
		       ? TERN_OK
		       : TERN_ERROR_CRYPTO;
}

static tern_error check(X509_STORE_CTX *ctx, const struct peer_chain *chain, const struct trust *trust,
			enum purpose purpose, int64_t unix_s, int64_t *expires_unix_s)
{
	if (X509_STORE_CTX_init(ctx, trust->store, chain->leaf, chain->others) != 1)
		return TERN_ERROR_NO_MEMORY;
	TRY(set_param(ctx, purpose, unix_s));
	if (X509_verify_cert(ctx) != 1)
		return error_of(X509_STORE_CTX_get_error(ctx));
	return first_end(X509_STORE_CTX_get0_chain(ctx), unix_s, expires_unix_s) ? TERN_OK : TERN_ERROR_NO_MEMORY;
}

tern_error libcrypto_chain_check(struct crypto *c, struct peer_chain *chain, const struct trust *trust,
				 enum purpose purpose, int64_t unix_s, int64_t *expires_unix_s)
{
	X509_STORE_CTX *ctx;
	tern_error error;
	(void)c;
	/* Nothing vouches for a raw public key. */
	if (!chain->leaf || !trust)
		return TERN_ERROR_CERTIFICATE_UNKNOWN_ISSUER;
	ctx = X509_STORE_CTX_new();
	if (!ctx)
		return libcrypto_fail(TERN_ERROR_NO_MEMORY);
	error = check(ctx, chain, trust, purpose, unix_s, expires_unix_s);
	X509_STORE_CTX_free(ctx);
	libcrypto_fail(error);
	return error;
}

/* A leading dot would make OpenSSL accept every subdomain; a trailing one means the same name. */
tern_error libcrypto_chain_check_name(struct crypto *c, const struct peer_chain *chain, struct span name)
{
	char text[NAME_MAX_LEN + 1];
	int matches;
	(void)c;
	if (!chain->leaf || name.n == 0 || name.n > NAME_MAX_LEN || memchr(name.p, 0, name.n) || name.p[0] == '.')
		return TERN_ERROR_CERTIFICATE_NAME;
	memcpy(text, name.p, name.n);
	text[name.n] = 0;
	matches = X509_check_ip_asc(chain->leaf, text, 0);
	if (matches == -2) { /* no address */
		if (name.n > 1 && text[name.n - 1] == '.')
			text[name.n - 1] = 0;
		matches = X509_check_host(chain->leaf, text, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL);
	}
	libcrypto_fail(TERN_OK);
	if (matches == 1)
		return TERN_OK;
	return matches == 0 ? TERN_ERROR_CERTIFICATE_NAME : TERN_ERROR_NO_MEMORY;
}
