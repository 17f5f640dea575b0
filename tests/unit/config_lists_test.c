/* src/connection/config_lists.c */
#include "handshake/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof(a)[0])

#define NAME63 "123456789012345678901234567890123456789012345678901234567890123"

static void alpn(void **state)
{
	static const struct {
		const char *name, *list;
		tern_error error;
		const char *wire;
	} cases[] = {
		{"one", "coap", TERN_OK, "\4coap"},
		{"two", "webrtc,c-webrtc", TERN_OK, "\6webrtc\10c-webrtc"},
		{"beginning of another", "h2,h", TERN_OK, "\2h2\1h"},
		{"none", NULL, TERN_OK, ""},
		{"63 bytes", NAME63, TERN_OK, "\77" NAME63},
		{"64 bytes", NAME63 "4", TERN_ERROR_USAGE, NULL},
		{"empty list", "", TERN_ERROR_USAGE, NULL},
		{"empty name in front", ",coap", TERN_ERROR_USAGE, NULL},
		{"empty name at the end", "coap,", TERN_ERROR_USAGE, NULL},
		{"empty name between", "coap,,h2", TERN_ERROR_USAGE, NULL},
		{"twice", "coap,h2,coap", TERN_ERROR_USAGE, NULL},
	};
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		tern_config *c = tern_config_new(NULL);
		const char *wire = cases[i].wire ? cases[i].wire : "\3old";
		assert_int_equal(tern_config_set_alpn(c, "old"), TERN_OK);
		if (tern_config_set_alpn(c, cases[i].list) != cases[i].error)
			fail_msg("%s: error", cases[i].name);
		if (!span_equal(c->alpn, span_of(wire, strlen(wire))))
			fail_msg("%s: wire form", cases[i].name);
		tern_config_free(c);
	}
}

/* Names of 4 bytes, 5 on the wire: 204 fit 1024 bytes. */
static void alpn_total(void **state)
{
	char list[5 * 205 + 1];
	tern_config *c = tern_config_new(NULL);
	(void)state;
	for (int i = 0; i < 205; i++) {
		const char name[5] = {'p', (char)('0' + i / 100), (char)('0' + i / 10 % 10), (char)('0' + i % 10), ','};
		memcpy(list + 5 * i, name, 5);
	}
	list[5 * 205 - 1] = 0;
	assert_int_equal(tern_config_set_alpn(c, list), TERN_ERROR_USAGE);
	list[5 * 204 - 1] = 0;
	assert_int_equal(tern_config_set_alpn(c, list), TERN_OK);
	assert_int_equal(c->alpn.n, 5 * 204);
	tern_config_free(c);
}

static void names(void **state)
{
	static const struct {
		const char *name;
		tern_error (*set)(tern_config *config, const char *list);
		const char *list;
		tern_error error;
	} cases[] = {
		{"suite", tern_config_set_suites, "TLS_PSK_WITH_AES_128_CCM_8", TERN_OK},
		{"unknown suite", tern_config_set_suites, "TLS_RSA_WITH_NULL_SHA", TERN_ERROR_UNKNOWN_NAME},
		{"no suites", tern_config_set_suites, NULL, TERN_ERROR_USAGE},
		{"groups", tern_config_set_groups, "x25519,secp384r1", TERN_OK},
		{"group twice", tern_config_set_groups, "x25519,x25519", TERN_ERROR_UNKNOWN_NAME},
		{"group's other name", tern_config_set_groups, "P-256", TERN_ERROR_UNKNOWN_NAME},
		{"no groups", tern_config_set_groups, NULL, TERN_OK},
		{"empty list of groups", tern_config_set_groups, "", TERN_ERROR_UNKNOWN_NAME},
		{"schemes", tern_config_set_schemes, "ed25519,rsa_pkcs1_sha256", TERN_OK},
		{"SHA-1", tern_config_set_schemes, "ecdsa_sha1", TERN_ERROR_UNKNOWN_NAME},
		{"second scheme unknown", tern_config_set_schemes, "ed25519,ed448", TERN_ERROR_UNKNOWN_NAME},
		{"SRTP", tern_config_set_srtp, "SRTP_AEAD_AES_256_GCM,SRTP_AES128_CM_HMAC_SHA1_32", TERN_OK},
		{"no SRTP", tern_config_set_srtp, NULL, TERN_OK},
		{"OpenSSL's name of a profile", tern_config_set_srtp, "SRTP_AES128_CM_SHA1_80",
		 TERN_ERROR_UNKNOWN_NAME},
		{"SRTP without encryption", tern_config_set_srtp, "SRTP_NULL_HMAC_SHA1_80", TERN_ERROR_UNKNOWN_NAME},
		{"SRTP profile twice", tern_config_set_srtp, "SRTP_AEAD_AES_128_GCM,SRTP_AEAD_AES_128_GCM",
		 TERN_ERROR_UNKNOWN_NAME},
		{"no schemes", tern_config_set_schemes, NULL, TERN_ERROR_USAGE},
	};
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		tern_config *c = tern_config_new(NULL);
		tern_config before;
		if (cases[i].set == tern_config_set_srtp)
			assert_int_equal(tern_config_set_srtp(c, "SRTP_AES128_CM_HMAC_SHA1_80"), TERN_OK);
		memcpy(&before, c, sizeof before);
		if (cases[i].set(c, cases[i].list) != cases[i].error)
			fail_msg("%s: error", cases[i].name);
		if ((memcmp(&before, c, sizeof before) == 0) != (cases[i].error != TERN_OK))
			fail_msg("%s: effect", cases[i].name);
		tern_config_free(c);
	}
}

static void order_is_kept(void **state)
{
	tern_config *c = tern_config_new(NULL);
	(void)state;
	assert_int_equal(tern_config_set_groups(c, "secp384r1,secp256r1"), TERN_OK);
	assert_int_equal(c->groups.num, 2);
	assert_int_equal(c->groups.id[0], 24);
	assert_int_equal(c->groups.id[1], 23);
	tern_config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alpn),
		cmocka_unit_test(alpn_total),
		cmocka_unit_test(names),
		cmocka_unit_test(order_is_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
