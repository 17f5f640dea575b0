/* handshake.h - the handshake header with its fragment fields (RFC 6347 4.2.2), alerts, and small messages. */
#ifndef TERN_WIRE_HANDSHAKE_H
#define TERN_WIRE_HANDSHAKE_H

#include "base/reader.h"
#include "base/writer.h"

#define HANDSHAKE_HEADER 12

enum message_type {
	HELLO_REQUEST = 0,
	CLIENT_HELLO = 1,
	SERVER_HELLO = 2,
	HELLO_VERIFY_REQUEST = 3,
	NEW_SESSION_TICKET = 4,
	ENCRYPTED_EXTENSIONS = 8,
	REQUEST_CONNECTION_ID = 9, /* RFC 9147 9 */
	NEW_CONNECTION_ID = 10,
	CERTIFICATE = 11,
	SERVER_KEY_EXCHANGE = 12,
	CERTIFICATE_REQUEST = 13,
	SERVER_HELLO_DONE = 14,
	CERTIFICATE_VERIFY = 15,
	CLIENT_KEY_EXCHANGE = 16,
	FINISHED = 20,
	KEY_UPDATE = 24,
	COMPRESSED_CERTIFICATE = 25, /* RFC 8879 */
	MESSAGE_HASH = 254 /* in transcripts only, RFC 8446 4.4.1 */
};

struct fragment {
	uint8_t type;
	uint32_t length; /* of the whole message */
	uint16_t message_seq;
	uint32_t offset;
	struct span body; /* of this fragment */
};

/* One fragment; a record may hold several. False also when offset + length of the fragment exceed the message. */
MUST_CHECK bool get_fragment(struct rd *r, struct fragment *out);
/* The 12 bytes of header alone. */
void put_fragment_header(struct wr *w, const struct fragment *in, uint32_t body_len);

enum alert_level { ALERT_WARNING = 1, ALERT_FATAL = 2 };
enum { ALERT_CLOSE_NOTIFY = 0, ALERT_HANDSHAKE_FAILURE = 40, ALERT_NO_RENEGOTIATION = 100 };

struct alert {
	uint8_t level, description;
};
MUST_CHECK bool get_alert(struct rd *r, struct alert *out);
void put_alert(struct wr *w, const struct alert *in);

#endif
