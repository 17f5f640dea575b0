/* version.h - what a protocol version is to the rest: one const struct, pointed at once both hellos are known. After
 * that no code asks which version it is. */
#ifndef TERN_HANDSHAKE_VERSION_H
#define TERN_HANDSHAKE_VERSION_H

#include "handshake/step.h"

struct version {
	uint16_t number; /* on the wire: 0xfefd, 0xfefc */
	const struct step *script; /* from the row after ServerHello */
	const size_t *num_steps;
	const struct protection *protection;
	enum extension_place server_hello_place;
	uint8_t transcript_header; /* bytes of message header that are hashed: 12 or 4 */
	bool acknowledges; /* flights are acknowledged; else the last one is repeated on demand */
	uint16_t first_data_epoch;
	uint8_t num_secrets; /* in struct outcome, every SECRET13_MAX bytes */
	uint8_t secret_len; /* of each; 0: that of the suite's hash */
	/* The server's side of a hello it has decided to answer with this version; and its answer. */
	tern_error (*take_client_hello)(struct handshake *hs, const struct client_hello *hello,
					const struct extensions *ext);
	tern_error (*fill_server_hello)(struct handshake *hs, struct server_hello *hello, struct extensions *ext);
	/* The client's side of the answer. */
	tern_error (*take_server_hello)(struct handshake *hs, const struct server_hello *hello,
					const struct extensions *ext);
	/* After ServerHello is in the transcript: hash and, where they exist already, keys. */
	tern_error (*after_server_hello)(struct handshake *hs);
	/* Whether a key of this type may sign by the scheme. */
	bool (*scheme_fits)(const struct scheme_alg *scheme, enum key_type key);
	/* Whether a certificate with such a key serves the suite, and a client that sent these extensions. */
	bool (*suite_fits)(const struct suite *suite, enum key_type key);
	bool (*curve_fits)(enum key_type key, const struct extensions *ext);
	tern_error (*export)(const struct provider *p, const struct outcome *o, uint8_t *out, size_t n,
			     const char *label, struct span context, bool has_context);
};

extern const struct version version12, version13;

#endif
