/* src/wire/names.c */
#include "tern/inspect.h"

#include <string.h>

#include "wire_check.h"

static void message_names(void **state)
{
	static const struct {
		unsigned type;
		const char *name;
	} cases[] = {
		{HELLO_REQUEST, "HelloRequest"},
		{CLIENT_HELLO, "ClientHello"},
		{SERVER_HELLO, "ServerHello"},
		{HELLO_VERIFY_REQUEST, "HelloVerifyRequest"},
		{NEW_SESSION_TICKET, "NewSessionTicket"},
		{ENCRYPTED_EXTENSIONS, "EncryptedExtensions"},
		{CERTIFICATE, "Certificate"},
		{SERVER_KEY_EXCHANGE, "ServerKeyExchange"},
		{CERTIFICATE_REQUEST, "CertificateRequest"},
		{SERVER_HELLO_DONE, "ServerHelloDone"},
		{CERTIFICATE_VERIFY, "CertificateVerify"},
		{CLIENT_KEY_EXCHANGE, "ClientKeyExchange"},
		{FINISHED, "Finished"},
		{KEY_UPDATE, "KeyUpdate"},
		{6, "HelloRetryRequest"}, /* a ServerHello on the wire */
		{7, "unknown"},
		{255, "unknown"},
		{256 + CLIENT_HELLO, "unknown"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_string_equal(tern_message_name(cases[i].type), cases[i].name);
}

static void content_names(void **state)
{
	static const struct {
		unsigned type;
		const char *name;
	} cases[] = {
		{CONTENT_CHANGE_CIPHER_SPEC, "ChangeCipherSpec"},
		{CONTENT_ALERT, "Alert"},
		{CONTENT_HANDSHAKE, "Handshake"},
		{CONTENT_APPLICATION_DATA, "ApplicationData"},
		{25, "tls12_cid"},
		{CONTENT_ACK, "ACK"},
		{0, "unknown"},
		{19, "unknown"},
		{256 + CONTENT_ALERT, "unknown"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_string_equal(tern_content_name(cases[i].type), cases[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_names),
		cmocka_unit_test(content_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
