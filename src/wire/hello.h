/* hello.h - ClientHello, HelloVerifyRequest, ServerHello (RFC 5246 7.4.1, RFC 6347 4.2.1, RFC 8446 4.1). */
#ifndef TERN_WIRE_HELLO_H
#define TERN_WIRE_HELLO_H

#include "base/reader.h"
#include "base/writer.h"

#define RANDOM_LEN 32
#define SESSION_ID_MAX 32
#define COOKIE_MAX 255

struct client_hello {
	uint16_t version;
	struct span random; /* RANDOM_LEN bytes */
	struct span session_id; /* at most SESSION_ID_MAX */
	struct span cookie; /* at most COOKIE_MAX */
	struct span suites; /* list of u16: not empty, even length */
	struct span compression; /* list of u8: not empty */
	struct span extensions; /* undecoded; empty when absent */
};
MUST_CHECK bool get_client_hello(struct rd *r, struct client_hello *out);
/* Extensions are left out altogether when empty. */
void put_client_hello(struct wr *w, const struct client_hello *in);

struct hello_verify_request {
	uint16_t version;
	struct span cookie;
};
MUST_CHECK bool get_hello_verify_request(struct rd *r, struct hello_verify_request *out);
void put_hello_verify_request(struct wr *w, const struct hello_verify_request *in);

struct server_hello {
	uint16_t version;
	struct span random;
	struct span session_id;
	uint16_t suite;
	uint8_t compression;
	struct span extensions;
};
MUST_CHECK bool get_server_hello(struct rd *r, struct server_hello *out);
void put_server_hello(struct wr *w, const struct server_hello *in);

/* A ServerHello with this random is a HelloRetryRequest (RFC 8446 4.1.3). */
extern const uint8_t hello_retry_random[RANDOM_LEN];
bool is_hello_retry_request(const struct server_hello *in);
/* The message type as people name it: 6 (RFC 8446 B.3) for a ServerHello that is a HelloRetryRequest. body: at least
 * its first bytes. */
uint8_t message_type_shown(uint8_t type, struct span body);

/* Whether a list of u16 is not empty and of even length. */
bool list16_valid(struct span list);
/* Whether a list of u16 contains v. */
bool list16_has(struct span list, uint16_t v);
/* Whether a list of u8 contains v. */
bool list8_has(struct span list, uint8_t v);

#endif
