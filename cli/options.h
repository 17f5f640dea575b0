/* options.h - command lines as tables: one row an option. Errors name the option and say what to do. */
#ifndef TERN_CLI_OPTIONS_H
#define TERN_CLI_OPTIONS_H

#include "tern/tern.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TEXTS_MAX = 64, OPTION_ROWS_MAX = 80 };

/* The values of an option that may be given again, or the operands. */
struct texts {
	size_t num;
	const char *text[TEXTS_MAX];
};

enum option_kind {
	OPTION_FLAG, /* bool */
	OPTION_COUNT, /* unsigned: how often it was given */
	OPTION_TEXT, /* const char * */
	OPTION_TEXTS, /* struct texts */
	OPTION_NUMBER, /* int64_t, from min to max */
	OPTION_PERCENT /* double, 0 to 100 */
};

struct option_row {
	const char *name;
	enum option_kind kind;
	size_t offset; /* of the field in the command's options */
	const char *value; /* what stands for the value in the help; NULL: takes none */
	const char *help;
	int64_t min, max; /* of a number */
};

/* A short form: -v is there without one. */
struct option_letter {
	char letter; /* 0 ends the table */
	const char *name; /* of the row */
};

struct command_line {
	const char *command; /* "tern client" */
	const char *usage; /* "ADDR [OPTION]..." */
	const char *examples;
	const struct option_row *rows;
	size_t num_rows;
	const struct option_row *shared; /* a second table, or NULL */
	size_t num_shared;
	const struct option_letter *letters; /* NULL: none */
};

enum { OPTIONS_GO = -1 };

/* Fills options (zeroed or preset by the caller) and operands. Returns OPTIONS_GO, or the status to exit with: help was
 * asked for, or something is wrong and was reported. */
int options_parse(const struct command_line *line, void *options, struct texts *operands, int argc, char **argv);

/* Prints "COMMAND: message" and where the help is; returns STATUS_USAGE. */
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints "COMMAND: message"; returns STATUS_FAILURE. */
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What server and client have in common; fields of only one of them stay empty in the other. */
struct options {
	bool json, insecure, echo, once, no_cookie, require_client_cert, psk_import, post_auth, psk_ke,
		must_authenticate, no_tickets, pmtud, follow;
	unsigned verbose;
	const char *psk_file, *psk_context, *psk_hash, *psk_hint, *cert_compression, *server_name, *session, *export,
		*early_file, *secret, *bind;
	const char *dtls, *policy, *suites, *groups, *schemes, *alpn, *srtp, *record_crypto, *keylog, *trace, *metrics,
		*rrc, *io;
	struct texts listen, cert, key, raw_key, ca, fingerprint, psk;
	int64_t linger_ms, early_bytes, request_cert_after, workers;
	/* 0: the default */
	int64_t mtu, mtu_max, rto_ms, handshake_s, tries, ack_delay_ms, replay_window, record_size_limit,
		max_fragment_length, session_s, keep_alive_s, socket_buffer, shard, max_peers, max_handshakes,
		max_handshakes_per_prefix, max_signatures;
	int64_t cid_length; /* UNSAID: as the policy says */
	int64_t idle_s; /* UNSAID: as the command has it; 0: never */
};
enum { OPTIONS_NUM_SHARED = 30, UNSAID = -1 };
extern const struct option_row options_shared[OPTIONS_NUM_SHARED];

/* The versions that --dtls names; otherwise says so and returns false. */
bool dtls_versions(const char *text, tern_protocol *oldest, tern_protocol *newest);

/* "text:NUMBER" cut at the last colon: returns the length of text, or 0 when it is not of that form. */
size_t cut_at_last_colon(const char *text, const char **rest);

/* Hex digits to bytes. Returns the number of bytes, 0 when text is empty, odd, too long or not hex. */
size_t hex_decode(uint8_t *out, size_t cap, const char *text);

#endif
