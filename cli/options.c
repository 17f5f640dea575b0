/* options.c - command lines as tables, on getopt_long. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"

enum { LETTERS_MAX = 8, FIRST_ROW = 1000, HELP_COLUMN = 28 };

static const char *command_name = "tern";

#define FIELD(name) offsetof(struct options, name)

const struct option_row options_shared[OPTIONS_NUM_SHARED] = {
	{"raw-key", OPTION_TEXTS, FIELD(raw_key), "FILE", "a raw public key instead (RFC 7250): the private key, PEM",
	 0, 0},
	{"dtls", OPTION_TEXT, FIELD(dtls), "VERSION", "protocol versions: 1.2, 1.3 or 1.2,1.3 (the default)", 0, 0},
	{"policy", OPTION_TEXT, FIELD(policy), "NAME", "default, webrtc or iot: suites, groups and timers at once", 0,
	 0},
	{"suites", OPTION_TEXT, FIELD(suites), "LIST", "cipher suites by IANA name, best first", 0, 0},
	{"groups", OPTION_TEXT, FIELD(groups), "LIST", "key exchange groups, best first: x25519,secp256r1", 0, 0},
	{"schemes", OPTION_TEXT, FIELD(schemes), "LIST", "signature schemes, best first: ecdsa_secp256r1_sha256", 0, 0},
	{"alpn", OPTION_TEXT, FIELD(alpn), "LIST", "application protocols, best first", 0, 0},
	{"cert-compression", OPTION_TEXT, FIELD(cert_compression), "LIST",
	 "compress certificates (DTLS 1.3): zlib,brotli,zstd", 0, 0},
	{"srtp", OPTION_TEXT, FIELD(srtp), "PROFILES", "DTLS-SRTP protection profiles, best first", 0, 0},
	{"no-tickets", OPTION_FLAG, FIELD(no_tickets), NULL, "neither issue nor ask for session tickets", 0, 0},
	{"record-crypto", OPTION_TEXT, FIELD(record_crypto), "NAME",
	 "who encrypts records: ipsec-mb where it is built in, or libcrypto", 0, 0},
	{"cid-length", OPTION_NUMBER, FIELD(cid_length), "N", "agree on connection IDs, ours of N bytes", 0, 20},
	{"rrc", OPTION_TEXT, FIELD(rrc), "MODE",
	 "how a peer's new address is checked (RFC 9853): off, basic, enhanced (default)", 0, 0},
	{"keep-alive", OPTION_NUMBER, FIELD(keep_alive_s), "S", "ask a peer for a sign of life when silent so long", 1,
	 86400},
	{"idle", OPTION_NUMBER, FIELD(idle_s), "S", "close when the peer was silent for so long; 0: never", 0,
	 31536000},
	{"mtu", OPTION_NUMBER, FIELD(mtu), "BYTES", "largest UDP payload to send (default 1200)", 96, 65507},
	{"pmtud", OPTION_FLAG, FIELD(pmtud), NULL, "look for the largest that the path carries (RFC 8899)", 0, 0},
	{"mtu-max", OPTION_NUMBER, FIELD(mtu_max), "BYTES", "look no further than this (default 1472)", 96, 65507},
	{"rto", OPTION_NUMBER, FIELD(rto_ms), "MS", "first retransmission timeout (default 1000)", 1, 60000},
	{"tries", OPTION_NUMBER, FIELD(tries), "N", "send a flight so often before giving up (default 12)", 1, 255},
	{"handshake-timeout", OPTION_NUMBER, FIELD(handshake_s), "S", "give a handshake so long (default 120)", 1,
	 86400},
	{"ack-delay", OPTION_NUMBER, FIELD(ack_delay_ms), "MS",
	 "wait so long with ACKs after the handshake (DTLS 1.3; default 0)", 1, 250},
	{"replay-window", OPTION_NUMBER, FIELD(replay_window), "N", "records: a multiple of 64 (64), 1: none", 1, 8192},
	{"record-size-limit", OPTION_NUMBER, FIELD(record_size_limit), "BYTES", "the largest record to take (RFC 8449)",
	 64, 16384},
	{"io", OPTION_TEXT, FIELD(io), "KIND", "system calls: offload (default), batch or plain", 0, 0},
	{"socket-buffer", OPTION_NUMBER, FIELD(socket_buffer), "BYTES", "ask the kernel for so much (default 4 MiB)",
	 4096, 1 << 30},
	{"keylog", OPTION_TEXT, FIELD(keylog), "FILE",
	 "append the secrets, for tern decode and Wireshark; also SSLKEYLOGFILE", 0, 0},
	{"trace", OPTION_TEXT, FIELD(trace), "FILE", "write a line for every record sent, received, dropped", 0, 0},
	{"json", OPTION_FLAG, FIELD(json), NULL, "events on stdout, one JSON object a line, nothing else", 0, 0},
	{"verbose", OPTION_COUNT, FIELD(verbose), NULL, "the trace on stderr", 0, 0},
};

static void print_message(const char *format, va_list arguments)
{
	fflush(stdout);
	fprintf(stderr, "%s: ", command_name);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
}

int usage_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print_message(format, arguments);
	va_end(arguments);
	fprintf(stderr, "`%s --help` lists the options.\n", command_name);
	return STATUS_USAGE;
}

int complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print_message(format, arguments);
	va_end(arguments);
	return STATUS_FAILURE;
}

static const struct option_row *row_at(const struct command_line *line, size_t i)
{
	return i < line->num_rows ? &line->rows[i] : &line->shared[i - line->num_rows];
}

static size_t num_rows(const struct command_line *line)
{
	return line->num_rows + (line->shared ? line->num_shared : 0);
}

static char letter_of(const struct command_line *line, const struct option_row *row)
{
	if (row->kind == OPTION_COUNT)
		return 'v';
	for (const struct option_letter *l = line->letters; l && l->letter; l++) {
		if (strcmp(l->name, row->name) == 0)
			return l->letter;
	}
	return 0;
}

static void print_help(const struct command_line *line)
{
	printf("usage: %s %s\n\n", line->command, line->usage);
	for (size_t i = 0; i < num_rows(line); i++) {
		const struct option_row *row = row_at(line, i);
		char left[64], letter[2] = {letter_of(line, row), 0};
		snprintf(left, sizeof left, "%s%s%s--%s%s%s", letter[0] ? "-" : "", letter, letter[0] ? ", " : "",
			 row->name, row->value ? " " : "", row->value ? row->value : "");
		printf("  %-*s %s\n", HELP_COLUMN, left, row->help);
	}
	printf("  %-*s %s\n", HELP_COLUMN, "-h, --help", "this text");
	printf("\nExamples:\n%s", line->examples);
}

static int take_text(const struct option_row *row, const char **field, const char *value)
{
	if (*field)
		return usage_error("--%s is given twice: give it once", row->name);
	*field = value;
	return OPTIONS_GO;
}

static int take_texts(const struct option_row *row, struct texts *field, const char *value)
{
	if (field->num == TEXTS_MAX)
		return usage_error("--%s is given more than %d times", row->name, TEXTS_MAX);
	field->text[field->num++] = value;
	return OPTIONS_GO;
}

static int take_number(const struct option_row *row, int64_t *field, const char *value)
{
	char *end;

	errno = 0;
	long long n = strtoll(value, &end, 10);
	if (end == value || *end || errno || n < row->min || n > row->max)
		return usage_error("--%s %s: give a whole number from %lld to %lld", row->name, value,
				   (long long)row->min, (long long)row->max);
	*field = n;
	return OPTIONS_GO;
}

static int take_percent(const struct option_row *row, double *field, const char *value)
{
	char *end;
	double n = strtod(value, &end);

	if (end == value || *end || !(n >= 0 && n <= 100))
		return usage_error("--%s %s: give percent, a number from 0 to 100", row->name, value);
	*field = n;
	return OPTIONS_GO;
}

static int take_option(const struct option_row *row, void *options, const char *value)
{
	void *field = (char *)options + row->offset;

	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return OPTIONS_GO;
	case OPTION_COUNT:
		++*(unsigned *)field;
		return OPTIONS_GO;
	case OPTION_TEXT:
		return take_text(row, field, value);
	case OPTION_TEXTS:
		return take_texts(row, field, value);
	case OPTION_NUMBER:
		return take_number(row, field, value);
	case OPTION_PERCENT:
		return take_percent(row, field, value);
	}
	return OPTIONS_GO;
}

static void fill_getopt(struct option *table, const struct command_line *line)
{
	for (size_t i = 0; i < num_rows(line); i++) {
		const struct option_row *row = row_at(line, i);
		table[i] = (struct option){row->name, row->value ? required_argument : no_argument, NULL,
					   FIRST_ROW + (int)i};
	}
	table[num_rows(line)] = (struct option){"help", no_argument, NULL, 'h'};
}

/* The row that a letter stands for, or NULL. */
static const struct option_row *row_of_letter(const struct command_line *line, int letter)
{
	for (size_t i = 0; i < num_rows(line); i++) {
		if (letter && letter_of(line, row_at(line, i)) == letter)
			return row_at(line, i);
	}
	return NULL;
}

static void fill_letters(char *out, const struct command_line *line)
{
	*out++ = ':';
	*out++ = 'h';
	*out++ = 'v';
	for (const struct option_letter *l = line->letters; l && l->letter; l++) {
		*out++ = l->letter;
		*out++ = ':';
	}
	*out = 0;
}

static int take_getopt(const struct command_line *line, void *options, int c, const char *given)
{
	if (c == 'h') {
		print_help(line);
		return STATUS_OK;
	}
	if (c == ':')
		return usage_error("%s needs a value", given);
	if (c < FIRST_ROW && row_of_letter(line, c))
		return take_option(row_of_letter(line, c), options, optarg);
	if (c < FIRST_ROW)
		return usage_error("%s is not an option here, takes no value, or is short for more than one", given);
	return take_option(row_at(line, (size_t)(c - FIRST_ROW)), options, optarg);
}

int options_parse(const struct command_line *line, void *options, struct texts *operands, int argc, char **argv)
{
	struct option table[OPTION_ROWS_MAX + 1] = {{0}};
	char letters[2 * LETTERS_MAX + 4];
	int c;

	command_name = line->command;
	fill_getopt(table, line);
	fill_letters(letters, line);
	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, letters, table, NULL)) != -1) {
		const char *given = optind > 0 && optind <= argc ? argv[optind - 1] : "";
		int status = take_getopt(line, options, c, given);
		if (status != OPTIONS_GO)
			return status;
	}
	for (operands->num = 0; optind < argc; optind++) {
		if (operands->num == TEXTS_MAX)
			return usage_error("too many arguments");
		operands->text[operands->num++] = argv[optind];
	}
	return OPTIONS_GO;
}

bool dtls_versions(const char *text, tern_protocol *oldest, tern_protocol *newest)
{
	static const struct {
		const char *text;
		tern_protocol oldest, newest;
	} forms[] = {{"1.2", TERN_DTLS12, TERN_DTLS12},
		     {"1.3", TERN_DTLS13, TERN_DTLS13},
		     {"1.2,1.3", TERN_DTLS12, TERN_DTLS13},
		     {"1.3,1.2", TERN_DTLS12, TERN_DTLS13}};

	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if (strcmp(text, forms[i].text) != 0)
			continue;
		*oldest = forms[i].oldest;
		*newest = forms[i].newest;
		return true;
	}
	usage_error("--dtls %s: say 1.2, 1.3 or 1.2,1.3", text);
	return false;
}

size_t cut_at_last_colon(const char *text, const char **rest)
{
	const char *colon = strrchr(text, ':');

	if (!colon)
		return 0;
	*rest = colon + 1;
	return (size_t)(colon - text);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

size_t hex_decode(uint8_t *out, size_t cap, const char *text)
{
	size_t digits = strlen(text);

	if (digits % 2 || digits / 2 > cap)
		return 0;
	for (size_t i = 0; i < digits; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
		if (high < 0 || low < 0)
			return 0;
		out[i / 2] = (uint8_t)(high << 4 | low);
	}
	return digits / 2;
}
