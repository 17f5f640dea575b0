/* inspect.h - for those who look at DTLS from outside: captures, ladders, logs.
 *
 * SPDX-License-Identifier: MIT */
#ifndef TERN_INSPECT_H
#define TERN_INSPECT_H

#include "tern/tern.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The name of a handshake message type and of a record's content type as the RFCs spell it: "ClientHello",
 * "ChangeCipherSpec"; "unknown" for a number without one. Never NULL. */
TERN_API const char *tern_message_name(unsigned type);
TERN_API const char *tern_content_name(unsigned type);

/* An association watched by somebody who has its datagrams, and perhaps its key log: the lines that
 * tern_config_set_keylog, SSLKEYLOGFILE and most other libraries write (draft-ietf-tls-keylogfile). Nothing is believed
 * of what the two sides say, but as far as it tells how to read the rest. A ClientHello with another random begins
 * another association. */
typedef struct tern_inspector tern_inspector;

/* keylog: text of key_len bytes, of any number of connections; stays with the caller and must outlive the inspector.
 * NO_MEMORY, CRYPTO. */
TERN_API TERN_MUST_CHECK tern_error tern_inspector_new(tern_inspector **inspector, const char *keylog, size_t key_len);
TERN_API void tern_inspector_free(tern_inspector *inspector); /* may be NULL */

/* A datagram of one side. What is decrypted is decrypted in place; bytes that next has lent are valid until the next
 * feed. */
TERN_API void tern_inspector_feed(tern_inspector *inspector, bool from_client, uint8_t *datagram, size_t len);

/* The next thing in the datagram: a fragment of a handshake message, or a record of another type. False at its end.
 *
 * RECEIVED: all that there is to know is filled in; length is 0 for what shares its record with something before;
 * retransmission: a fragment that has been seen to its end before. data: what the record carries (alerts, ACKs,
 * application data), or the bytes of the fragment.
 * DROPPED: it could not be read; why is in drop. EPOCH: there are no keys for it, and of its content nothing is known
 * but what its header says: content_type (0 in DTLS 1.3), epoch, length. REPLAYED: a copy. */
TERN_API bool tern_inspector_next(tern_inspector *inspector, tern_trace *trace, tern_bytes *data);

/* Whether the datagram bears a connection ID of this association: to find it after an address changed. */
TERN_API bool tern_inspector_knows(const tern_inspector *inspector, bool from_client, const uint8_t *datagram,
				   size_t len);

/* What was agreed on, 0 or NULL until it is known: the name of the cipher suite, NULL also for one that Tern does not
 * know, whose records stay closed; whether the key log has secrets of this association. */
typedef struct tern_inspection {
	tern_protocol version;
	const char *suite;
	bool has_secrets;
} tern_inspection;
TERN_API tern_inspection tern_inspector_info(const tern_inspector *inspector);

#ifdef __cplusplus
}
#endif
#endif
