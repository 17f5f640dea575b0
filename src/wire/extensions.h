/* extensions.h - the extension block of hellos and of the other messages that have one, decoded once into a flat
 * struct, and a put for each body.
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
	EXT_SERVER_NAME = 0, /* RFC 6066 3 */
	EXT_MAX_FRAGMENT_LENGTH = 1, /* RFC 6066 4 */
	EXT_SUPPORTED_GROUPS = 10, /* RFC 8422 5.1.1 */
	EXT_EC_POINT_FORMATS = 11, /* RFC 8422 5.1.2 */
	EXT_SIGNATURE_ALGORITHMS = 13, /* RFC 5246 7.4.1.4.1 */
	EXT_USE_SRTP = 14, /* RFC 5764 4.1.1 */
	EXT_ALPN = 16, /* RFC 7301 */
	EXT_CLIENT_CERTIFICATE_TYPE = 19, /* RFC 7250 */
	EXT_SERVER_CERTIFICATE_TYPE = 20,
	EXT_EXTENDED_MASTER_SECRET = 23, /* RFC 7627 */
	EXT_COMPRESS_CERTIFICATE = 27, /* RFC 8879 3 */
	EXT_RECORD_SIZE_LIMIT = 28, /* RFC 8449 */
	EXT_SESSION_TICKET = 35, /* RFC 5077 */
	EXT_PRE_SHARED_KEY = 41, /* RFC 8446 4.2.11 */
	EXT_EARLY_DATA = 42, /* RFC 8446 4.2.10 */
	EXT_SUPPORTED_VERSIONS = 43, /* RFC 8446 4.2.1 */
	EXT_COOKIE = 44, /* RFC 8446 4.2.2 */
	EXT_PSK_KEY_EXCHANGE_MODES = 45, /* RFC 8446 4.2.9 */
	EXT_CERTIFICATE_AUTHORITIES = 47, /* RFC 8446 4.2.4 */
	EXT_POST_HANDSHAKE_AUTH = 49, /* RFC 8446 4.2.6 */
	EXT_SIGNATURE_ALGORITHMS_CERT = 50, /* RFC 8446 4.2.3 */
	EXT_KEY_SHARE = 51, /* RFC 8446 4.2.8 */
	EXT_CONNECTION_ID = 54, /* RFC 9146 3 */
	EXT_RRC = 61, /* RFC 9853 3 */
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
	HAS_RENEGOTIATION_INFO = 1 << 12,
	HAS_KEY_SHARE = 1 << 13,
	HAS_PRE_SHARED_KEY = 1 << 14,
	HAS_PSK_KEY_EXCHANGE_MODES = 1 << 15,
	HAS_COOKIE = 1 << 16,
	HAS_EARLY_DATA = 1 << 17,
	HAS_POST_HANDSHAKE_AUTH = 1 << 18,
	HAS_SIGNATURE_ALGORITHMS_CERT = 1 << 19,
	HAS_CERTIFICATE_AUTHORITIES = 1 << 20,
	HAS_COMPRESS_CERTIFICATE = 1 << 21,
	HAS_USE_SRTP = 1 << 22,
	HAS_CONNECTION_ID = 1 << 23,
	HAS_RRC = 1 << 24
};

/* Where a block stands. Each place has its own syntax for some extensions, and a list of those that may be there at all
 * (RFC 8446 4.2): another known one is skipped and sets `misplaced`, which the handshake answers with
 * illegal_parameter. supported_versions is read in a ServerHello of either version, so that it can be looked for before
 * that is known. */
enum extension_place {
	IN_CLIENT_HELLO,
	IN_SERVER_HELLO12,
	IN_SERVER_HELLO13,
	IN_HELLO_RETRY_REQUEST,
	IN_ENCRYPTED_EXTENSIONS,
	IN_CERTIFICATE_REQUEST13,
	IN_CERTIFICATE13, /* of one entry */
	IN_NEW_SESSION_TICKET13,
	NUM_PLACES
};

struct extensions {
	uint32_t present;
	bool unknown; /* there was one that is not in the list above */
	struct span server_name; /* client: the host_name, 1 to 65535 bytes; server: empty */
	uint8_t max_fragment_length; /* the code, 1 to 4 when legal; any value here */
	struct span supported_groups; /* u16 list, not empty */
	struct span ec_point_formats; /* u8 list, not empty */
	struct span signature_algorithms; /* u16 list, not empty */
	struct span alpn; /* list of u8-length-prefixed names, not empty, well-formed; server: exactly one */
	struct span client_certificate_types; /* client: u8 list; server: one byte */
	struct span server_certificate_types;
	struct span certificate_compressions; /* u16 list, not empty */
	uint16_t record_size_limit;
	struct span session_ticket; /* may be empty; server: always empty */
	struct span supported_versions; /* client: u16 list; server: one u16 (2 bytes) */
	struct span renegotiation_info; /* renegotiated_connection; empty in a first handshake */
	struct span key_shares; /* client: list of KeyShareEntry, well-formed, may be empty */
	uint16_t selected_group; /* server's share, or HelloRetryRequest's request */
	struct span share; /* server's share: 1 to 65535 bytes; HelloRetryRequest: empty */
	struct span psk_identities; /* client: list of PskIdentity, well-formed, not empty */
	struct span psk_binders; /* client: list of PskBinderEntry, well-formed, not empty */
	size_t psk_binders_wire; /* client: bytes of the binders with their length: what the binder hash leaves out */
	bool psk_is_last; /* client: as it must be */
	bool psks_paired; /* client: as many binders as identities, as it must be */
	uint16_t selected_identity; /* server */
	struct span psk_modes; /* u8 list, not empty */
	struct span cookie; /* 1 to 65535 bytes */
	uint32_t max_early_data; /* NewSessionTicket: bytes */
	struct span signature_algorithms_cert; /* u16 list, not empty */
	struct span certificate_authorities; /* list of u16-length-prefixed names, well-formed, not empty */
	struct span srtp_profiles; /* u16 list, not empty; server: exactly one */
	struct span srtp_mki; /* 0 to 255 bytes */
	struct span connection_id; /* 0 to 255 bytes */
	bool misplaced; /* one of the list above stands where it may not */
};

/* block: the bytes inside the outer length, as client_hello.extensions gives them. False for malformed and repeated. */
MUST_CHECK bool get_extensions(struct span block, enum extension_place place, struct extensions *out);

/* Writes what in->present says and the place allows, without the outer length: renegotiation_info, supported_versions
 * and cookie first, then supported_groups and key_share (so that the first fragment of a long hello has them), then the
 * order of the enum, pre_shared_key last. Round-trips with the getter. */
void put_extensions(struct wr *w, enum extension_place place, const struct extensions *in);

struct key_share {
	uint16_t group;
	struct span share; /* 1 to 65535 bytes */
};
MUST_CHECK bool get_key_share(struct rd *list, struct key_share *out); /* the next of key_shares */
void put_key_share(struct wr *w, const struct key_share *in);

struct psk_identity {
	struct span identity; /* 1 to 65535 bytes */
	uint32_t obfuscated_age;
};
MUST_CHECK bool get_psk_identity(struct rd *list, struct psk_identity *out); /* the next of psk_identities */
void put_psk_identity(struct wr *w, const struct psk_identity *in);
MUST_CHECK bool get_psk_binder(struct rd *list, struct span *out); /* the next of psk_binders: 32 to 255 bytes */

/* The next name of an alpn list. */
MUST_CHECK bool get_alpn_name(struct rd *r, struct span *out);

#endif
