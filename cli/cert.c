/* cert.c - tern cert: makes certificates and shows them. */
#include "tern/cert.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "commands.h"
#include "files.h"
#include "options.h"
#include "udp.h"

enum { DEFAULT_DAYS = 365 };

struct cert_options {
	struct texts names;
	const char *key_type, *cert, *key, *ca_cert, *ca_key;
	int64_t days;
	bool force;
};

#define CERT_FIELD(name) offsetof(struct cert_options, name)

static const struct option_row cert_rows[] = {
	{"name", OPTION_TEXTS, CERT_FIELD(names), "NAME", "host name or IP address; may be given again", 0, 0},
	{"key-type", OPTION_TEXT, CERT_FIELD(key_type), "TYPE", "p256 (default), p384, ed25519 or rsa (3072 bits)", 0,
	 0},
	{"days", OPTION_NUMBER, CERT_FIELD(days), "N", "validity (default 365)", 1, 36500},
	{"cert", OPTION_TEXT, CERT_FIELD(cert), "FILE", "where the certificate goes", 0, 0},
	{"key", OPTION_TEXT, CERT_FIELD(key), "FILE", "where the private key goes, mode 0600", 0, 0},
	{"ca-cert", OPTION_TEXT, CERT_FIELD(ca_cert), "FILE", "issue: the CA's certificate", 0, 0},
	{"ca-key", OPTION_TEXT, CERT_FIELD(ca_key), "FILE", "issue: the CA's private key", 0, 0},
	{"force", OPTION_FLAG, CERT_FIELD(force), NULL, "replace existing files", 0, 0},
};

static const struct command_line cert_line = {
	"tern cert",
	"self-signed | ca | issue | show FILE [OPTION]...",
	"  tern cert self-signed --name localhost --name 127.0.0.1 --cert cert.pem --key key.pem\n"
	"  tern cert ca --name 'Example CA' --cert ca.pem --key ca-key.pem\n"
	"  tern cert issue --ca-cert ca.pem --ca-key ca-key.pem --name example.org --cert cert.pem --key key.pem\n"
	"  tern cert show cert.pem\n",
	cert_rows,
	sizeof cert_rows / sizeof cert_rows[0],
	NULL,
	0,
	NULL,
};

static const struct {
	const char *name;
	tern_key_type type;
} key_types[] = {
	{"p256", TERN_KEY_P256},
	{"p384", TERN_KEY_P384},
	{"ed25519", TERN_KEY_ED25519},
	{"rsa", TERN_KEY_RSA3072},
};

static bool find_key_type(tern_key_type *type, const char *name)
{
	for (size_t i = 0; i < sizeof key_types / sizeof key_types[0]; i++) {
		if (strcasecmp(name, key_types[i].name) == 0) {
			*type = key_types[i].type;
			return true;
		}
	}
	return false;
}

static void print_time(const char *label, int64_t unix_s)
{
	char text[64] = "?";
	time_t t = (time_t)unix_s;
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &tm);
	printf("%-12s %s", label, text);
}

static void print_info(const tern_cert_info *info, int64_t now)
{
	printf("subject      %s\n", info->subject);
	printf("issuer       %s%s\n", info->issuer, info->self_issued ? " (itself)" : "");
	printf("names        %s\n", info->names[0] ? info->names : "none");
	print_time("valid from", info->not_before_unix_s);
	puts(info->not_before_unix_s > now ? " (not yet)" : "");
	print_time("valid until", info->not_after_unix_s);
	puts(info->not_after_unix_s < now ? " (expired)" : "");
	printf("key          %s\n", info->key_type);
	printf("CA           %s\n", info->ca ? "yes" : "no");
	printf("fingerprint  %s\n", info->fingerprint);
}

static int show(const struct texts *operands)
{
	tern_cert_info info;
	struct file file;
	size_t n = 0;

	if (operands->num != 2)
		return usage_error("show needs one file: tern cert show FILE");
	if (!file_read(&file, "show", operands->text[1]))
		return STATUS_FAILURE;
	while (n < TEXTS_MAX && tern_cert_describe(&info, file.bytes, file.len, n) == TERN_OK) {
		if (n++ > 0)
			putchar('\n');
		print_info(&info, clock_now().unix_s);
	}
	file_free(&file);
	if (n == 0)
		return complain("show %s: no certificate could be read: give a PEM or DER certificate file",
				operands->text[1]);
	return STATUS_OK;
}

static int check_cert_options(const struct cert_options *options, const char *form)
{
	bool issue = strcmp(form, "issue") == 0;

	if (!options->names.num)
		return usage_error("--name is missing: give the %s",
				   strcmp(form, "ca") == 0 ? "CA's name" : "host name or IP address it is for");
	if (!options->cert)
		return usage_error("--cert is missing: give the file for the certificate");
	if (!options->key)
		return usage_error("--key is missing: give the file for the private key");
	if (issue && !options->ca_cert)
		return usage_error("--ca-cert is missing: give the CA's certificate, as made by tern cert ca");
	if (issue && !options->ca_key)
		return usage_error("--ca-key is missing: give the CA's private key, as made by tern cert ca");
	if (!issue && (options->ca_cert || options->ca_key))
		return usage_error("--ca-cert and --ca-key belong to: tern cert issue");
	return OPTIONS_GO;
}

static int explain(tern_error error, const struct cert_options *options)
{
	switch (error) {
	case TERN_ERROR_UNKNOWN_NAME:
		return usage_error("--name: give host names or IP addresses, such as localhost or 127.0.0.1");
	case TERN_ERROR_BAD_CERTIFICATE_FILE:
		return complain("--ca-cert %s: no CA certificate could be read: make one with tern cert ca",
				options->ca_cert);
	case TERN_ERROR_BAD_KEY_FILE:
		return complain("--ca-key %s: no private key could be read: give the PEM file, without passphrase",
				options->ca_key);
	case TERN_ERROR_KEY_MISMATCH:
		return complain("--ca-key %s: the key does not belong to --ca-cert %s: give a pair made together",
				options->ca_key, options->ca_cert);
	case TERN_ERROR_BUFFER_TOO_SMALL:
		return usage_error("--name: the names together are too long for one certificate: give fewer");
	default:
		return complain("cannot make the certificate: %s", tern_error_sentence(error));
	}
}

/* The key first: a certificate without its key is of no use, while a key alone can be removed. */
static int write_pair(const struct cert_options *options, const char *cert, size_t cert_len, const char *key,
		      size_t key_len)
{
	char text[TERN_FINGERPRINT_TEXT];
	FILE *existing = options->force ? NULL : fopen(options->cert, "r");

	if (existing) {
		fclose(existing);
		return complain("--cert %s: the file exists: give --force to replace it, or another name",
				options->cert);
	}
	if (!file_write("--key", options->key, 0600, options->force, key, key_len) ||
	    !file_write("--cert", options->cert, 0644, options->force, cert, cert_len))
		return STATUS_FAILURE;
	if (tern_cert_fingerprint(text, cert, cert_len) == TERN_OK)
		puts(text);
	return STATUS_OK;
}

static int make(const struct cert_options *options, tern_key_type key_type, const char *form)
{
	char cert[TERN_CERT_PEM_MAX], key[TERN_KEY_PEM_MAX];
	size_t cert_len = 0, key_len = 0;
	struct file ca = {0}, ca_key = {0};
	tern_cert_options make = {.size = sizeof make,
				  .key_type = key_type,
				  .names = options->names.text,
				  .num_names = options->names.num,
				  .days = (uint32_t)options->days,
				  .ca = strcmp(form, "ca") == 0};
	int status = STATUS_FAILURE;

	if ((!options->ca_cert || file_read(&ca, "--ca-cert", options->ca_cert)) &&
	    (!options->ca_key || file_read(&ca_key, "--ca-key", options->ca_key))) {
		if (options->ca_cert) {
			make.issuer_pem = ca.bytes, make.issuer_len = ca.len;
			make.issuer_key_pem = ca_key.bytes, make.issuer_key_len = ca_key.len;
		}
		tern_error error = tern_cert_make(cert, &cert_len, key, &key_len, &make, clock_now());
		status = error == TERN_OK ? write_pair(options, cert, cert_len, key, key_len) : explain(error, options);
	}
	explicit_bzero(key, sizeof key);
	file_free(&ca);
	file_free(&ca_key);
	return status;
}

int command_cert(int argc, char **argv)
{
	struct cert_options options = {.days = DEFAULT_DAYS};
	tern_key_type key_type = TERN_KEY_P256;
	struct texts operands;
	int status = options_parse(&cert_line, &options, &operands, argc, argv);

	if (status != OPTIONS_GO)
		return status;
	const char *form = operands.num ? operands.text[0] : "";
	if (strcmp(form, "show") == 0)
		return show(&operands);
	if (strcmp(form, "self-signed") != 0 && strcmp(form, "ca") != 0 && strcmp(form, "issue") != 0)
		return usage_error("say what to do: self-signed, ca, issue or show FILE");
	if (operands.num > 1)
		return usage_error("%s: unexpected argument", operands.text[1]);
	if (options.key_type && !find_key_type(&key_type, options.key_type))
		return usage_error("--key-type %s: give p256, p384, ed25519 or rsa", options.key_type);
	status = check_cert_options(&options, form);
	return status == OPTIONS_GO ? make(&options, key_type, form) : status;
}
