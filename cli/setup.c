/* setup.c - from options to a config. What the core refuses is explained by the option that brought it. */
#define _GNU_SOURCE /* memmem */
#include "setup.h"

#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "files.h"
#include "fresh.h"
#include "store.h"
#include "trace.h"
#include "tuning.h"

enum { KEY_MAX = 64, IDENTITY_MAX = 128, LINE_LIMIT = 512, EXPORT_LIMIT = 1024 };

static void keylog_line(void *user, const tern_conn *conn, const char *line)
{
	struct setup *setup = user;

	(void)conn;
	fprintf(setup->keylog, "%s\n", line);
	fflush(setup->keylog);
}

/* Told of later: here a call into the library is under way. */
static void note_size(struct party *party, unsigned mtu)
{
	if (!party->mtu && party->changed) {
		party->next_changed = *party->changed;
		*party->changed = party;
	}
	party->mtu = mtu;
}

void setup_tell_sizes(const struct report *report, struct party **changed)
{
	while (*changed) {
		struct party *party = *changed;
		*changed = party->next_changed;
		report_mtu(report, party->name, party->mtu);
		party->mtu = 0;
	}
}

static void trace_record(void *user, const tern_conn *conn, const tern_trace *trace)
{
	struct setup *setup = user;
	struct party *party = conn ? tern_conn_user(conn) : NULL;
	double ms = (double)(clock_now().mono_ns - setup->began_ns) / 1e6;

	if (trace->kind == TERN_TRACE_MTU && party)
		note_size(party, trace->length);
	if (setup->trace) {
		trace_print(setup->trace, ms, party ? party->name : "", trace);
		fflush(setup->trace);
	}
	if (setup->verbose)
		trace_print(stderr, ms, party ? party->name : "", trace);
}

/* The error of one call, told under the option's name; a list given on the command line is a usage error. */
static int option_error(tern_error error, const char *option, const char *value, const char *advice)
{
	if (error == TERN_OK)
		return OPTIONS_GO;
	return usage_error("%s %s: %s: %s", option, value, tern_error_sentence(error), advice);
}

static int file_error(tern_error error, const char *option, const char *path, const char *advice)
{
	if (error == TERN_OK)
		return OPTIONS_GO;
	return complain("%s %s: %s: %s", option, path, tern_error_sentence(error), advice);
}

static bool holds_private_key(const struct file *file)
{
	static const char end[] = "PRIVATE KEY-----";

	return file->len && memmem(file->bytes, file->len, end, sizeof end - 1) != NULL;
}

static int add_keypair(tern_config *config, const char *cert_path, const char *key_path)
{
	struct file cert, key;

	if (!file_read(&cert, "--cert", cert_path))
		return STATUS_FAILURE;
	if (!file_read(&key, "--key", key_path)) {
		file_free(&cert);
		return STATUS_FAILURE;
	}
	tern_error error = tern_config_add_keypair(config, cert.bytes, cert.len, key.bytes, key.len);
	if (error == TERN_ERROR_BAD_PEM && !holds_private_key(&key))
		error = TERN_ERROR_BAD_KEY_FILE;
	file_free(&cert);
	file_free(&key);
	switch (error) {
	case TERN_ERROR_BAD_KEY_FILE:
	case TERN_ERROR_UNSUPPORTED_KEY:
		return file_error(error, "--key", key_path, "give a PEM private key: P-256, P-384, Ed25519 or RSA");
	case TERN_ERROR_ENCRYPTED_KEY:
		return file_error(error, "--key", key_path, "remove it with: openssl pkey -in FILE -out NEW");
	case TERN_ERROR_KEY_MISMATCH:
		return complain("--key %s: the private key does not belong to --cert %s: give the pair made together",
				key_path, cert_path);
	default:
		return file_error(error, "--cert", cert_path, "give a PEM file, the own certificate first");
	}
}

static int add_raw_key(tern_config *config, const char *path)
{
	struct file key;

	if (!file_read(&key, "--raw-key", path))
		return STATUS_FAILURE;
	tern_error error = tern_config_add_raw_key(config, key.bytes, key.len);
	file_free(&key);
	return file_error(error, "--raw-key", path, "give a PEM private key: P-256, P-384, Ed25519 or RSA");
}

static int add_credentials(tern_config *config, const struct options *o)
{
	if (o->cert.num > o->key.num)
		return usage_error("--key is missing: give the private key of --cert %s",
				   o->cert.text[o->cert.num - 1]);
	if (o->key.num > o->cert.num)
		return usage_error("--cert is missing: give the certificate of --key %s", o->key.text[o->key.num - 1]);
	for (size_t i = 0; i < o->cert.num; i++) {
		int status = add_keypair(config, o->cert.text[i], o->key.text[i]);
		if (status != OPTIONS_GO)
			return status;
	}
	for (size_t i = 0; i < o->raw_key.num; i++) {
		int status = add_raw_key(config, o->raw_key.text[i]);
		if (status != OPTIONS_GO)
			return status;
	}
	return OPTIONS_GO;
}

static tern_error import_psk(tern_config *config, const struct options *o, const char *id, size_t id_len,
			     const uint8_t *key, size_t key_len)
{
	const tern_external_psk psk = {
		.size = sizeof psk,
		.identity = id,
		.identity_len = id_len,
		.key = key,
		.key_len = key_len,
		.context = o->psk_context,
		.context_len = o->psk_context ? strlen(o->psk_context) : 0,
		.hash = o->psk_hash && strcmp(o->psk_hash, "sha384") == 0 ? TERN_PSK_SHA384 : TERN_PSK_SHA256,
	};
	return tern_config_import_psk(config, &psk);
}

static int add_psk(tern_config *config, const struct options *o, const char *text)
{
	uint8_t key[KEY_MAX];
	const char *hex = "";
	size_t id_len = cut_at_last_colon(text, &hex), key_len = hex_decode(key, sizeof key, hex);
	tern_error error = TERN_ERROR_USAGE;

	if (id_len && id_len <= IDENTITY_MAX && key_len)
		error = o->psk_import ? import_psk(config, o, text, id_len, key, key_len)
				      : tern_config_add_psk(config, text, id_len, key, key_len);
	explicit_bzero(key, sizeof key);
	return error == TERN_OK ? OPTIONS_GO : STATUS_USAGE;
}

static int add_psk_file(tern_config *config, const struct options *o)
{
	const char *path = o->psk_file;
	struct file file;
	size_t line_number = 0;
	int status = OPTIONS_GO;

	if (!file_read(&file, "--psk-file", path))
		return STATUS_FAILURE;
	for (size_t at = 0; at < file.len && status == OPTIONS_GO;) {
		char line[LINE_LIMIT];
		const uint8_t *newline = memchr(file.bytes + at, '\n', file.len - at);
		size_t len = newline ? (size_t)(newline - file.bytes) - at : file.len - at;
		snprintf(line, sizeof line, "%.*s", len < LINE_LIMIT ? (int)len : LINE_LIMIT - 1,
			 (const char *)file.bytes + at);
		line[strcspn(line, "\r")] = 0;
		at += len + 1;
		line_number++;
		if (line[0] && line[0] != '#' && add_psk(config, o, line) != OPTIONS_GO)
			status = complain("--psk-file %s: line %zu is not ID:HEX with a key of 1 to %d bytes", path,
					  line_number, KEY_MAX);
		explicit_bzero(line, sizeof line);
	}
	file_free(&file);
	return status;
}

static int add_psks(tern_config *config, const struct options *o)
{
	if (!o->psk_import && (o->psk_context || o->psk_hash))
		return usage_error("%s says how PSKs are imported: give --psk-import too",
				   o->psk_context ? "--psk-context" : "--psk-hash");
	if (o->psk_hash && strcmp(o->psk_hash, "sha256") != 0 && strcmp(o->psk_hash, "sha384") != 0)
		return usage_error("--psk-hash %s: say sha256 or sha384", o->psk_hash);
	if (o->psk_import && !o->psk.num && !o->psk_file)
		return usage_error("--psk-import: give what is to be imported with --psk ID:HEX");
	for (size_t i = 0; i < o->psk.num; i++) {
		/* The key is not repeated in the message: it would end in logs. */
		if (add_psk(config, o, o->psk.text[i]) != OPTIONS_GO)
			return usage_error(
				"--psk: give ID:HEX, an identity of 1 to %d bytes and a key of 1 to %d bytes in "
				"hex digits, two a byte",
				IDENTITY_MAX, KEY_MAX);
	}
	return o->psk_file ? add_psk_file(config, o) : OPTIONS_GO;
}

static int add_trust(tern_config *config, const struct options *o)
{
	for (size_t i = 0; i < o->ca.num; i++) {
		struct file file;
		if (!file_read(&file, "--ca", o->ca.text[i]))
			return STATUS_FAILURE;
		tern_error error = tern_config_add_trust(config, file.bytes, file.len);
		file_free(&file);
		if (error != TERN_OK)
			return file_error(error, "--ca", o->ca.text[i], "give a PEM file of CA certificates");
	}
	for (size_t i = 0; i < o->fingerprint.num; i++) {
		tern_error error = tern_config_add_fingerprint(config, o->fingerprint.text[i]);
		if (error != TERN_OK)
			return option_error(error, "--fingerprint", o->fingerprint.text[i],
					    "tern cert show FILE prints it");
	}
	return OPTIONS_GO;
}

static int set_verification(tern_config *config, const struct options *o, bool server)
{
	bool chosen = o->ca.num || o->fingerprint.num;
	int status = add_trust(config, o);
	tern_error error = TERN_OK;

	if (status != OPTIONS_GO)
		return status;
	if (o->insecure && chosen)
		return usage_error("--insecure: leave it out, or leave --ca and --fingerprint out");
	if (server && o->require_client_cert && !chosen)
		return usage_error("--require-client-cert: say whom to trust with --ca FILE or --fingerprint");
	if (server && o->request_cert_after >= 0 && !chosen)
		return usage_error("--request-cert-after: say whom to trust with --ca FILE or --fingerprint");
	if (server ? o->request_cert_after >= 0 : o->post_auth)
		error = tern_config_set_post_auth(config, true);
	else if (server && chosen)
		error = tern_config_set_client_auth(config, o->require_client_cert ? TERN_CLIENT_AUTH_REQUIRED
										   : TERN_CLIENT_AUTH_OPTIONAL);
	if (error != TERN_OK)
		return complain("%s", tern_error_sentence(error));
	if (!server && o->insecure)
		error = tern_config_set_insecure_no_verify(config);
	else if (!server && !chosen && !o->psk.num)
		error = tern_config_set_system_trust(config);
	if (error != TERN_OK)
		return complain("cannot load the system's trusted certificates: %s: use --ca FILE",
				tern_error_sentence(error));
	return OPTIONS_GO;
}

static int set_compression(tern_config *config, const char *list)
{
	const char *names = tern_compression_names();

	if (!names[0])
		return usage_error("--cert-compression %s: this tern was built without any: leave it out", list);
	if (tern_config_set_certificate_compression(config, list) != TERN_OK)
		return usage_error("--cert-compression %s: give names out of %s, with commas between, none twice", list,
				   names);
	return OPTIONS_GO;
}

static int set_lists(tern_config *config, const struct options *o)
{
	int status = OPTIONS_GO;

	if (o->policy)
		status = option_error(tern_config_set_policy(config, o->policy), "--policy", o->policy,
				      "give default, webrtc or iot");
	if (status == OPTIONS_GO && o->suites)
		status = option_error(tern_config_set_suites(config, o->suites), "--suites", o->suites,
				      "give IANA names such as TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
	if (status == OPTIONS_GO && o->groups)
		status = option_error(tern_config_set_groups(config, strcmp(o->groups, "none") == 0 ? NULL : o->groups),
				      "--groups", o->groups, "give IANA names: x25519, secp256r1, secp384r1; or none");
	if (status == OPTIONS_GO && o->schemes)
		status = option_error(tern_config_set_schemes(config, o->schemes), "--schemes", o->schemes,
				      "give IANA names such as ecdsa_secp256r1_sha256, ed25519");
	if (status == OPTIONS_GO && o->alpn)
		status = option_error(tern_config_set_alpn(config, o->alpn), "--alpn", o->alpn,
				      "give names of 1 to 63 bytes, with commas between");
	if (status == OPTIONS_GO && o->cert_compression)
		status = set_compression(config, o->cert_compression);
	if (status == OPTIONS_GO && o->srtp)
		status = option_error(tern_config_set_srtp(config, o->srtp), "--srtp", o->srtp,
				      "give IANA names such as SRTP_AEAD_AES_128_GCM");
	if (status == OPTIONS_GO && o->record_crypto)
		status = option_error(tern_config_set_record_crypto(config, o->record_crypto), "--record-crypto",
				      o->record_crypto, tern_record_crypto_names());
	if (status == OPTIONS_GO && o->cid_length != UNSAID &&
	    tern_config_set_cid_length(config, (unsigned)o->cid_length) != TERN_OK)
		status = usage_error("--cid-length %lld: cannot be used", (long long)o->cid_length);
	return status;
}

static int open_logs(struct setup *setup, const struct options *o)
{
	const char *from_environment = getenv("SSLKEYLOGFILE");
	tern_error error = TERN_OK;

	setup->verbose = o->verbose > 0;
	if (o->keylog)
		setup->keylog = file_append("--keylog", o->keylog);
	else if (from_environment && from_environment[0])
		setup->keylog = file_append("SSLKEYLOGFILE", from_environment);
	if ((o->keylog || (from_environment && from_environment[0])) && !setup->keylog)
		return STATUS_FAILURE;
	if (o->trace && !(setup->trace = file_append("--trace", o->trace)))
		return STATUS_FAILURE;
	if (setup->keylog)
		error = tern_config_set_keylog(setup->config, keylog_line, setup);
	if (error == TERN_OK && (setup->trace || setup->verbose || o->pmtud))
		error = tern_config_set_trace(setup->config, trace_record, setup);
	return error == TERN_OK ? OPTIONS_GO : complain("--keylog, --trace: %s", tern_error_sentence(error));
}

static int add_store(struct setup *setup)
{
	setup->store = store_new();
	if (!setup->store)
		return complain("out of memory");
	tern_session_store callbacks = store_callbacks(setup->store);
	tern_error error = tern_config_set_session_store(setup->config, &callbacks);
	return error == TERN_OK ? OPTIONS_GO : complain("cannot keep sessions: %s", tern_error_sentence(error));
}

static int take_early_data(struct setup *setup, const struct options *o)
{
	if (!o->early_bytes)
		return OPTIONS_GO;
	setup->fresh = fresh_new();
	if (!setup->fresh)
		return complain("out of memory");
	tern_error error = tern_config_set_early_data(setup->config, (uint32_t)o->early_bytes, fresh_ask, setup->fresh);
	return error == TERN_OK ? OPTIONS_GO : complain("--early-data: %s", tern_error_sentence(error));
}

int setup_refused(tern_error error, bool server)
{
	if (error == TERN_ERROR_NO_CREDENTIALS && server)
		return usage_error(
			"give --cert FILE and --key FILE (tern cert self-signed makes them), or --psk ID:HEX");
	return complain("cannot start: %s", tern_error_sentence(error));
}

static int set_versions(tern_config *config, const struct options *o)
{
	tern_protocol oldest, newest;

	if (!o->dtls)
		return OPTIONS_GO;
	if (!dtls_versions(o->dtls, &oldest, &newest))
		return STATUS_USAGE;
	if (tern_config_set_versions(config, oldest, newest) != TERN_OK)
		return usage_error("--dtls %s: not possible", o->dtls);
	return OPTIONS_GO;
}

int setup_open(struct setup *setup, const struct options *o, bool server)
{
	int status;

	*setup = (struct setup){.config = tern_config_new(NULL), .began_ns = clock_now().mono_ns};
	if (!setup->config)
		return complain("out of memory");
	if ((status = set_versions(setup->config, o)) != OPTIONS_GO)
		return status;
	if (server && !o->cert.num && !o->key.num && !o->raw_key.num && !o->psk.num && !o->psk_file)
		return usage_error(
			"give --cert FILE and --key FILE (tern cert self-signed makes them), or --psk ID:HEX");
	if ((status = set_lists(setup->config, o)) != OPTIONS_GO ||
	    (status = add_psks(setup->config, o)) != OPTIONS_GO ||
	    (status = add_credentials(setup->config, o)) != OPTIONS_GO ||
	    (status = set_verification(setup->config, o, server)) != OPTIONS_GO ||
	    (status = tuning_config(setup->config, o, server)) != OPTIONS_GO ||
	    (status = open_logs(setup, o)) != OPTIONS_GO)
		return status;
	if (server && ((status = add_store(setup)) != OPTIONS_GO || (status = take_early_data(setup, o)) != OPTIONS_GO))
		return status;
	return OPTIONS_GO;
}

void setup_close(struct setup *setup)
{
	tern_config_free(setup->config);
	store_free(setup->store);
	fresh_free(setup->fresh);
	if (setup->keylog)
		fclose(setup->keylog);
	if (setup->trace)
		fclose(setup->trace);
}

bool parse_export(struct export_request *request, const char *text)
{
	const char *number = "";
	size_t len = text ? cut_at_last_colon(text, &number) : 0;
	char *end;

	*request = (struct export_request){.len = 0};
	if (!text)
		return true;
	long n = strtol(number, &end, 10);
	if (len == 0 || len >= sizeof request->label || end == number || *end || n < 1 || n > EXPORT_LIMIT) {
		usage_error("--export %s: give LABEL:LEN, LEN from 1 to %d bytes", text, EXPORT_LIMIT);
		return false;
	}
	memcpy(request->label, text, len);
	request->len = (size_t)n;
	return true;
}
