/* What is learned, and the alphabets: every message of the version, good and bad, what belongs to the other role, and
 * what is no handshake message. */
#include "model/model.h"

#define MESSAGE(name, type)                                                                                            \
	{                                                                                                              \
		name, CONTENT_HANDSHAKE, type, GOOD, 0                                                                 \
	}
#define BOTH(name, type)                                                                                               \
	MESSAGE(name, type),                                                                                           \
	{                                                                                                              \
		"bad-" name, CONTENT_HANDSHAKE, type, BAD, 0                                                           \
	}
#define FINISHED_ALL                                                                                                   \
	BOTH("Finished", FINISHED),                                                                                    \
	{                                                                                                              \
		"clear-Finished", CONTENT_HANDSHAKE, FINISHED, CLEAR, 0                                                \
	}
#define CERTIFICATE_ALL                                                                                                \
	BOTH("Certificate", CERTIFICATE),                                                                              \
	{                                                                                                              \
		"empty-Certificate", CONTENT_HANDSHAKE, CERTIFICATE, EMPTY, 0                                          \
	}
#define OTHERS                                                                                                         \
	{"ChangeCipherSpec", CONTENT_CHANGE_CIPHER_SPEC, 0, GOOD, 0},                                                  \
		{"bad-ChangeCipherSpec", CONTENT_CHANGE_CIPHER_SPEC, 0, BAD, 0},                                       \
		{"Data", CONTENT_APPLICATION_DATA, 0, GOOD, 0}, {"clear-Data", CONTENT_APPLICATION_DATA, 0, CLEAR, 0}, \
		{"close_notify", CONTENT_ALERT, 0, GOOD, 0}, {"fatal-alert", CONTENT_ALERT, 0, GOOD, 40},              \
		{"clear-fatal-alert", CONTENT_ALERT, 0, CLEAR, 40}, MESSAGE("unknown-message", 99)

static const struct saying to_server12[] = {
	BOTH("ClientHello", CLIENT_HELLO),
	CERTIFICATE_ALL,
	BOTH("ClientKeyExchange", CLIENT_KEY_EXCHANGE),
	BOTH("CertificateVerify", CERTIFICATE_VERIFY),
	FINISHED_ALL,
	MESSAGE("ServerHello", SERVER_HELLO),
	MESSAGE("HelloRequest", HELLO_REQUEST),
	OTHERS,
};

static const struct saying to_client12[] = {
	BOTH("HelloVerifyRequest", HELLO_VERIFY_REQUEST),
	BOTH("ServerHello", SERVER_HELLO),
	BOTH("Certificate", CERTIFICATE),
	BOTH("ServerKeyExchange", SERVER_KEY_EXCHANGE),
	BOTH("CertificateRequest", CERTIFICATE_REQUEST),
	BOTH("ServerHelloDone", SERVER_HELLO_DONE),
	FINISHED_ALL,
	MESSAGE("ClientHello", CLIENT_HELLO),
	MESSAGE("HelloRequest", HELLO_REQUEST),
	OTHERS,
};

static const struct saying to_server13[] = {
	BOTH("ClientHello", CLIENT_HELLO),
	CERTIFICATE_ALL,
	BOTH("CertificateVerify", CERTIFICATE_VERIFY),
	FINISHED_ALL,
	BOTH("KeyUpdate", KEY_UPDATE),
	MESSAGE("ServerHello", SERVER_HELLO),
	MESSAGE("HelloRequest", HELLO_REQUEST),
	OTHERS,
};

static const struct saying to_client13[] = {
	MESSAGE("HelloVerifyRequest", HELLO_VERIFY_REQUEST),
	BOTH("HelloRetryRequest", HELLO_RETRY_REQUEST),
	BOTH("ServerHello", SERVER_HELLO),
	BOTH("EncryptedExtensions", ENCRYPTED_EXTENSIONS),
	BOTH("CertificateRequest", CERTIFICATE_REQUEST),
	BOTH("Certificate", CERTIFICATE),
	BOTH("CertificateVerify", CERTIFICATE_VERIFY),
	FINISHED_ALL,
	BOTH("NewSessionTicket", NEW_SESSION_TICKET),
	BOTH("KeyUpdate", KEY_UPDATE),
	MESSAGE("ClientHello", CLIENT_HELLO),
	OTHERS,
};

#define WORDS(list) list, sizeof list / sizeof list[0]
#define PLAY12                                                                                                         \
	{                                                                                                              \
		false, false                                                                                           \
	}
#define PLAY12_PSK                                                                                                     \
	{                                                                                                              \
		false, true                                                                                            \
	}
#define PLAY13                                                                                                         \
	{                                                                                                              \
		true, false                                                                                            \
	}
#define PLAY13_PSK                                                                                                     \
	{                                                                                                              \
		true, true                                                                                             \
	}

const struct kind kinds[] = {
	{"server12", "A server of DTLS 1.2", SERVER, PLAY12, false, WORDS(to_server12)},
	{"server12-mutual", "A server of DTLS 1.2 that wants a certificate", SERVER, PLAY12, true, WORDS(to_server12)},
	{"server12-psk", "A server of DTLS 1.2 with a PSK", SERVER, PLAY12_PSK, false, WORDS(to_server12)},
	{"client12", "A client of DTLS 1.2", CLIENT, PLAY12, true, WORDS(to_client12)},
	{"client12-psk", "A client of DTLS 1.2 with a PSK", CLIENT, PLAY12_PSK, false, WORDS(to_client12)},
	{"server13", "A server of DTLS 1.3", SERVER, PLAY13, false, WORDS(to_server13)},
	{"server13-mutual", "A server of DTLS 1.3 that wants a certificate", SERVER, PLAY13, true, WORDS(to_server13)},
	{"server13-psk", "A server of DTLS 1.3 with a PSK", SERVER, PLAY13_PSK, false, WORDS(to_server13)},
	{"client13", "A client of DTLS 1.3", CLIENT, PLAY13, true, WORDS(to_client13)},
	{"client13-psk", "A client of DTLS 1.3 with a PSK", CLIENT, PLAY13_PSK, false, WORDS(to_client13)},
};
const size_t num_kinds = sizeof kinds / sizeof kinds[0];
