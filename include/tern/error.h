/* error.h - what calls return: one list of errors, with class, alert and sentence. Included by tern.h.
 *
 * SPDX-License-Identifier: MIT */
#ifndef TERN_ERROR_H
#define TERN_ERROR_H

#if defined(__GNUC__)
#define TERN_MUST_CHECK __attribute__((warn_unused_result))
#define TERN_API __attribute__((visibility("default")))
#else
#define TERN_MUST_CHECK
#define TERN_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tern_error_class {
	TERN_CLASS_OK,
	TERN_CLASS_STATUS, /* not an error: call again later */
	TERN_CLASS_USAGE, /* the caller's mistake; nothing has changed */
	TERN_CLASS_INPUT, /* a file or a setting the caller supplied is unusable; nothing has changed */
	TERN_CLASS_RESOURCE, /* memory or a budget ran out */
	TERN_CLASS_PROTOCOL, /* the peer broke the protocol, or nothing is shared with it */
	TERN_CLASS_AUTH, /* the peer is not who it should be */
	TERN_CLASS_PEER, /* the peer sent a fatal alert */
	TERN_CLASS_CRYPTO, /* the crypto provider failed */
	TERN_CLASS_TIMEOUT,
	TERN_CLASS_INTERNAL
} tern_error_class;

/* X(name, class, alert to send or -1, sentence). Alert numbers are those of RFC 8446 6. */
#define TERN_ERRORS(X)                                                                                                 \
	X(OK, OK, -1, "no error")                                                                                      \
	X(PENDING, STATUS, -1, "the answer to a job is awaited")                                                       \
	X(WOULD_BLOCK, STATUS, -1, "there is no room to send now")                                                     \
	X(ERROR_USAGE, USAGE, -1, "the call is not allowed now, or an argument is out of range")                       \
	X(ERROR_BUFFER_TOO_SMALL, USAGE, -1, "the buffer is too small")                                                \
	X(ERROR_TOO_LARGE, USAGE, -1, "the data does not fit one record on this path")                                 \
	X(ERROR_NOT_CONNECTED, USAGE, -1, "the handshake is not complete or the connection is closed")                 \
	X(ERROR_UNKNOWN_NAME, INPUT, -1, "a name in the list is not known")                                            \
	X(ERROR_BAD_PEM, INPUT, -1, "no usable PEM block was found")                                                   \
	X(ERROR_BAD_CERTIFICATE_FILE, INPUT, -1, "the certificate cannot be parsed")                                   \
	X(ERROR_BAD_KEY_FILE, INPUT, -1, "the private key cannot be parsed")                                           \
	X(ERROR_ENCRYPTED_KEY, INPUT, -1, "the private key is protected by a passphrase")                              \
	X(ERROR_UNSUPPORTED_KEY, INPUT, -1, "the key's type or size is not supported")                                 \
	X(ERROR_KEY_MISMATCH, INPUT, -1, "the private key does not belong to the certificate")                         \
	X(ERROR_BAD_FINGERPRINT, INPUT, -1, "the fingerprint is not of the form sha-256:HEX")                          \
	X(ERROR_BAD_SESSION, INPUT, -1, "the session cannot be parsed")                                                \
	X(ERROR_NO_CREDENTIALS, INPUT, -1, "the configuration has no usable certificate, PSK or trust for this role")  \
	X(ERROR_NO_MEMORY, RESOURCE, 80, "out of memory")                                                              \
	X(ERROR_BUDGET, RESOURCE, 80, "the handshake exceeds its memory budget")                                       \
	X(ERROR_LIMIT, RESOURCE, 80, "a key or sequence number limit is reached")                                      \
	X(ERROR_SYSTEM, RESOURCE, 80, "a system call failed")                                                          \
	X(ERROR_DECODE, PROTOCOL, 50, "a message from the peer is malformed")                                          \
	X(ERROR_UNEXPECTED_MESSAGE, PROTOCOL, 10, "a message came that is not allowed at this point")                  \
	X(ERROR_ILLEGAL_PARAMETER, PROTOCOL, 47, "a value in the peer's message is not allowed")                       \
	X(ERROR_PROTOCOL_VERSION, PROTOCOL, 70, "no protocol version in common with the peer")                         \
	X(ERROR_NO_SHARED_SUITE, PROTOCOL, 40, "no cipher suite in common with the peer")                              \
	X(ERROR_NO_SHARED_GROUP, PROTOCOL, 40, "no key exchange group in common with the peer")                        \
	X(ERROR_NO_SHARED_SCHEME, PROTOCOL, 40, "no signature scheme in common with the peer")                         \
	X(ERROR_NO_SHARED_ISSUER, PROTOCOL, 40, "the peer names no issuer of a certificate of ours")                   \
	X(ERROR_NO_SHARED_CERTIFICATE_TYPE, PROTOCOL, 43,                                                              \
	  "no certificate type (X.509, raw key) in common with the peer")                                              \
	X(ERROR_NO_EXTENDED_MASTER_SECRET, PROTOCOL, 40, "the peer does not offer the extended master secret")         \
	X(ERROR_RENEGOTIATION, PROTOCOL, 40, "the peer's renegotiation_info is missing or wrong")                      \
	X(ERROR_UNSUPPORTED_EXTENSION, PROTOCOL, 110, "the peer answered an extension that was not offered")           \
	X(ERROR_MISSING_EXTENSION, PROTOCOL, 109, "an extension that must be there is missing")                        \
	X(ERROR_NO_APPLICATION_PROTOCOL, PROTOCOL, 120, "no application protocol in common with the peer")             \
	X(ERROR_TOO_MANY_CIDS, PROTOCOL, 52, "the peer asks for too many connection IDs")                              \
	X(ERROR_DOWNGRADE, PROTOCOL, 47, "somebody on the path forced an older version")                               \
	X(ERROR_RECORD_OVERFLOW, PROTOCOL, 22, "a record is longer than agreed")                                       \
	X(ERROR_BAD_SIGNATURE, PROTOCOL, 51, "the peer's handshake signature is wrong")                                \
	X(ERROR_BAD_BINDER, PROTOCOL, 51, "the peer's PSK binder is wrong: it has another key for this identity")      \
	X(ERROR_BAD_FINISHED, PROTOCOL, 51,                                                                            \
	  "the peer's Finished is wrong: the two sides saw different handshakes, "                                     \
	  "or the PSK differs")                                                                                        \
	X(ERROR_UNKNOWN_PSK_IDENTITY, AUTH, 115, "the PSK identity is not known")                                      \
	X(ERROR_CERTIFICATE_REQUIRED, AUTH, 116, "the peer sent no certificate") /* DTLS 1.2: 40 */                    \
	X(ERROR_CERTIFICATE_MALFORMED, AUTH, 42, "the peer's certificate cannot be parsed")                            \
	X(ERROR_CERTIFICATE_COMPRESSION, AUTH, 42, "the peer's compressed certificate cannot be decompressed")         \
	X(ERROR_CERTIFICATE_EXPIRED, AUTH, 45, "the peer's certificate has expired")                                   \
	X(ERROR_CERTIFICATE_NOT_YET_VALID, AUTH, 45, "the peer's certificate is not valid yet")                        \
	X(ERROR_CERTIFICATE_UNKNOWN_ISSUER, AUTH, 48, "the peer's certificate does not lead to a trusted issuer")      \
	X(ERROR_CERTIFICATE_NAME, AUTH, 42, "the peer's certificate is for another name")                              \
	X(ERROR_CERTIFICATE_KEY_USAGE, AUTH, 43, "the peer's certificate may not be used for this purpose")            \
	X(ERROR_CERTIFICATE_SIGNATURE, AUTH, 42, "a signature in the peer's certificate chain is wrong")               \
	X(ERROR_CERTIFICATE_UNSUPPORTED_KEY, AUTH, 43, "the key in the peer's certificate is not supported")           \
	X(ERROR_CERTIFICATE_REJECTED, AUTH, 46, "the peer's certificate was refused")                                  \
	X(ERROR_REFUSED, AUTH, -1, "this side's application refused the peer") /* see tern_conn_abort */               \
	X(ERROR_FINGERPRINT, AUTH, 42, "the peer's certificate has another fingerprint")                               \
	X(ERROR_PEER_ALERT, PEER, -1, "the peer ended the connection with a fatal alert")                              \
	X(ERROR_RANDOM, CRYPTO, 80, "no random bytes to be had")                                                       \
	X(ERROR_CRYPTO, CRYPTO, 80, "a cryptographic operation failed")                                                \
	X(ERROR_FORGERIES, CRYPTO, -1, "too many records failed authentication under one key")                         \
	X(ERROR_TIMEOUT, TIMEOUT, -1, "the peer did not answer in time")                                               \
	X(ERROR_INTERNAL, INTERNAL, 80, "internal error: please report it")

typedef enum tern_error {
#define X(name, class, alert, sentence) TERN_##name,
	TERN_ERRORS(X)
#undef X
} tern_error;

TERN_API const char *tern_error_name(tern_error error); /* "TERN_ERROR_DECODE" */
TERN_API const char *tern_error_sentence(tern_error error); /* "a message from the peer is malformed" */
TERN_API tern_error_class tern_error_class_of(tern_error error);
TERN_API const char *tern_alert_name(unsigned alert); /* "decode_error"; "unknown" for an unassigned number */

#ifdef __cplusplus
}
#endif
#endif
