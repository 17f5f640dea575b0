/* extensions.h - the extension block of both hellos, decoded once into a flat struct, and a put for each body.
 *
 * Syntax is checked here: a repeated extension, a malformed body of a known extension, or an empty list that may not be
 * empty is a decode error, and so are more than WIRE_EXTENSIONS_MAX extensions. Unknown extensions are skipped. What an
 * extension means is the handshake's affair. */
#ifndef TERN_WIRE_EXTENSIONS_H
#define TERN_WIRE_EXTENSIONS_H

#include "base/reader.h"
#include "base/writer.h"

#define WIRE_EXTENSIONS_MAX 64

enum extension_type {
	EXT_SERVER_NAME = 0,            /* RFC 6066 3 */
	EXT_MAX_FRAGMENT_LENGTH = 1,    /* RFC 6066 4 */
	EXT_SUPPORTED_GROUPS = 10,      /* RFC 8422 5.1.1 */
	EXT_EC_POINT_FORMATS = 11,      /* RFC 8422 5.1.2 */
	EXT_SIGNATURE_ALGORITHMS = 13,  /* RFC 5246 7.4.1.4.1 */
	EXT_ALPN = 16,                  /* RFC 7301 */
	EXT_CLIENT_CERTIFICATE_TYPE = 19, /* RFC 7250 */
	EXT_SERVER_CERTIFICATE_TYPE = 20,
	EXT_EXTENDED_MASTER_SECRET = 23, /* RFC 7627 */
	EXT_RECORD_SIZE_LIMIT = 28,     /* RFC 8449 */
	EXT_SESSION_TICKET = 35,        /* RFC 5077 */
	EXT_SUPPORTED_VERSIONS = 43,    /* RFC 8446 4.2.1 */
	EXT_RENEGOTIATION_INFO = 0xff01 /* RFC 5746 */
};

/* Bits of struct extensions.present; each extension above has one. */
enum extension_bit {
	HAS_SERVER_NAME = 1 << 0,
	HAS_MAX_FRAGMENT_LENGTH = 1 << 1,
	HAS_SUPPORTED_GROUPS = 1 << 2,
	HAS_EC_POINT_FORMATS = 1 << 3,
	HAS_SIGNATURE_ALGORITHMS = 1 << 4,
	HAS_ALPN = 1 << 5,
	HAS_CLIENT_CERTIFICATE_TYPE = 1 << 6,
	HAS_SERVER_CERTIFICATE_TYPE = 1 << 7,
	HAS_EXTENDED_MASTER_SECRET = 1 << 8,
	HAS_RECORD_SIZE_LIMIT = 1 << 9,
	HAS_SESSION_TICKET = 1 << 10,
	HAS_SUPPORTED_VERSIONS = 1 << 11,
	HAS_RENEGOTIATION_INFO = 1 << 12
};

struct extensions {
	uint32_t present;
	bool unknown;                 /* there was one that is not in the list above */
	struct span server_name;      /* client: the host_name, 1 to 65535 bytes; server: empty */
	uint8_t max_fragment_length;  /* the code, 1 to 4 when legal; any value here */
	struct span supported_groups; /* u16 list, not empty */
	struct span ec_point_formats; /* u8 list, not empty */
	struct span signature_algorithms; /* u16 list, not empty */
	struct span alpn;             /* list of u8-length-prefixed names, not empty, well-formed; server: exactly one */
	struct span client_certificate_types; /* client: u8 list; server: one byte */
	struct span server_certificate_types;
	uint16_t record_size_limit;
	struct span session_ticket;   /* may be empty; server: always empty */
	struct span supported_versions; /* client: u16 list; server: one u16 (2 bytes) */
	struct span renegotiation_info; /* renegotiated_connection; empty in a first handshake */
};

/* block: the bytes inside the outer length, as client_hello.extensions gives them. */
MUST_CHECK bool get_client_extensions(struct span block, struct extensions *out);
MUST_CHECK bool get_server_extensions(struct span block, struct extensions *out);

/* Write what in->present says, in the order of the list above except that renegotiation_info and supported versions come
 * first, without the outer length. Round-trips with the getters. */
void put_client_extensions(struct wr *w, const struct extensions *in);
void put_server_extensions(struct wr *w, const struct extensions *in);

/* The next name of an alpn list. */
MUST_CHECK bool get_alpn_name(struct rd *r, struct span *out);

#endif
