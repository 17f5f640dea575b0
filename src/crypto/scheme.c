#include "crypto/crypto.h"

const struct scheme_alg schemes[] = {
	{0x0403, "ecdsa_secp256r1_sha256", KEY_P256, HASH_SHA256, false},
	{0x0503, "ecdsa_secp384r1_sha384", KEY_P384, HASH_SHA384, false},
	{0x0807, "ed25519", KEY_ED25519, HASH_NONE, false},
	{0x0804, "rsa_pss_rsae_sha256", KEY_RSA, HASH_SHA256, true},
	{0x0805, "rsa_pss_rsae_sha384", KEY_RSA, HASH_SHA384, true},
	{0x0806, "rsa_pss_rsae_sha512", KEY_RSA, HASH_SHA512, true},
	{0x0809, "rsa_pss_pss_sha256", KEY_RSA_PSS, HASH_SHA256, true},
	{0x080a, "rsa_pss_pss_sha384", KEY_RSA_PSS, HASH_SHA384, true},
	{0x080b, "rsa_pss_pss_sha512", KEY_RSA_PSS, HASH_SHA512, true},
	{0x0401, "rsa_pkcs1_sha256", KEY_RSA, HASH_SHA256, false},
	{0x0501, "rsa_pkcs1_sha384", KEY_RSA, HASH_SHA384, false},
	{0x0601, "rsa_pkcs1_sha512", KEY_RSA, HASH_SHA512, false},
};

const size_t num_schemes = sizeof schemes / sizeof schemes[0];

const struct scheme_alg *scheme_by_id(uint16_t id)
{
	for (size_t i = 0; i < num_schemes; i++)
		if (schemes[i].id == id)
			return &schemes[i];
	return NULL;
}

static bool is_ecdsa(enum key_type key)
{
	return key == KEY_P256 || key == KEY_P384;
}

bool scheme_fits_key12(const struct scheme_alg *scheme, enum key_type key)
{
	return scheme->key == key || (is_ecdsa(scheme->key) && is_ecdsa(key));
}
