/* flags.c - the runner's command line. Each flag is a row; what it means is decided where it is used. */
#include "flags.h"

#include <stdlib.h>
#include <string.h>

enum kind {
	KIND_NOTHING, /* takes effect on the runner's own checks or on an API of another style; accepted without effect
		       */
	KIND_NOTHING_VALUE,
	KIND_BOOL,
	KIND_UNSIGNED,
	KIND_U64,
	KIND_TEXT,
	KIND_NUMBERS,
	KIND_NEW_X509,
	KIND_NEW_RAW_KEY,
	KIND_NEW_PSK,
	KIND_CREDENTIAL_TEXT,
	KIND_PSK_SHA384,
	KIND_CERT_FILE,
	KIND_KEY_FILE,
	KIND_SIGNING_PREFS,
	KIND_MATCH_ISSUER,
	KIND_PORT
};

struct row {
	const char *name;
	enum kind kind;
	size_t offset;
};

#define AT(field) offsetof(struct flags, field)

static const struct row rows[] = {
	{"-port", KIND_PORT, 0},
	{"-shim-id", KIND_U64, AT(shim_id)},
	{"-ipv6", KIND_BOOL, AT(ipv6)},
	{"-dtls", KIND_BOOL, AT(dtls)},
	{"-server", KIND_BOOL, AT(server)},
	{"-async", KIND_BOOL, AT(async)},
	{"-is-handshaker-supported", KIND_BOOL, AT(is_handshaker_supported)},
	{"-resume-count", KIND_UNSIGNED, AT(resume_count)},

	/* Credentials, and how the peer's is judged */
	{"-cert-file", KIND_CERT_FILE, 0},
	{"-key-file", KIND_KEY_FILE, 0},
	{"-new-x509-credential", KIND_NEW_X509, 0},
	{"-new-rpk-credential", KIND_NEW_RAW_KEY, 0},
	{"-new-psk-credential", KIND_NEW_PSK, 0},
	{"-psk-importer-key", KIND_CREDENTIAL_TEXT, offsetof(struct flag_credential, psk_key)},
	{"-psk-importer-identity", KIND_CREDENTIAL_TEXT, offsetof(struct flag_credential, psk_identity)},
	{"-psk-importer-context", KIND_CREDENTIAL_TEXT, offsetof(struct flag_credential, psk_context)},
	{"-psk-importer-sha256", KIND_NOTHING, 0},
	{"-psk-importer-sha384", KIND_PSK_SHA384, 0},
	{"-expect-selected-credential", KIND_NOTHING_VALUE, 0},
	{"-signing-prefs", KIND_SIGNING_PREFS, 0},
	{"-must-match-issuer", KIND_MATCH_ISSUER, 0},
	{"-verify-prefs", KIND_NUMBERS, AT(verify_prefs)},
	{"-verify-peer", KIND_BOOL, AT(verify_peer)},
	{"-verify-fail", KIND_BOOL, AT(verify_fail)},
	{"-use-custom-verify-callback", KIND_BOOL, AT(use_custom_verify)},
	{"-require-any-client-certificate", KIND_BOOL, AT(require_any_client_certificate)},
	{"-reverify-on-resume", KIND_BOOL, AT(reverify_on_resume)},
	{"-expect-verify-result", KIND_NOTHING, 0},
	{"-trust-cert", KIND_NOTHING_VALUE, 0},
	{"-available-client-cert-types", KIND_NOTHING_VALUE, 0}, /* a client offers what it has */
	{"-expect-no-peer-cert", KIND_BOOL, AT(expect_no_peer_cert)},
	{"-use-old-client-cert-callback", KIND_NOTHING, 0},
	{"-expect-peer-signature-algorithm", KIND_UNSIGNED, AT(expect_scheme)},

	/* What is negotiated */
	{"-curves", KIND_NUMBERS, AT(curves)},
	{"-cipher", KIND_TEXT, AT(cipher)},
	{"-min-version", KIND_UNSIGNED, AT(min_version)},
	{"-max-version", KIND_UNSIGNED, AT(max_version)},
	{"-no-tls12", KIND_BOOL, AT(no_tls12)},
	{"-no-tls13", KIND_BOOL, AT(no_tls13)},
	{"-no-tls11", KIND_NOTHING, 0},
	{"-no-tls1", KIND_NOTHING, 0},
	{"-psk", KIND_TEXT, AT(psk)},
	{"-psk-identity", KIND_TEXT, AT(psk_identity)},
	{"-host-name", KIND_TEXT, AT(host_name)},
	{"-advertise-alpn", KIND_TEXT, AT(advertise_alpn)},
	{"-select-alpn", KIND_TEXT, AT(select_alpn)},
	{"-decline-alpn", KIND_BOOL, AT(decline_alpn)},
	{"-reject-alpn", KIND_BOOL, AT(reject_alpn)},
	{"-srtp-profiles", KIND_TEXT, AT(srtp_profiles)},
	{"-no-ticket", KIND_BOOL, AT(no_ticket)},
	{"-mtu", KIND_UNSIGNED, AT(mtu)},
	{"-initial-timeout-duration-ms", KIND_UNSIGNED, AT(initial_timeout_ms)},
	{"-resumption-delay", KIND_U64, AT(resumption_delay_s)},
	{"-max-cert-list", KIND_UNSIGNED, AT(max_cert_list)},
	{"-implicit-handshake", KIND_NOTHING, 0},
	{"-use-early-callback", KIND_NOTHING, 0},
	{"-use-ticket-callback", KIND_NOTHING, 0},
	{"-renew-ticket", KIND_BOOL, AT(renew_ticket)},
	{"-skip-ticket", KIND_BOOL, AT(skip_ticket)},
	{"-private-key-delay-ms", KIND_UNSIGNED, AT(private_key_delay_ms)},
	{"-use-ticket-aead-callback", KIND_NOTHING, 0},
	{"-quic-use-legacy-codepoint", KIND_NOTHING_VALUE, 0},

	/* What must come out of it */
	{"-expect-version", KIND_UNSIGNED, AT(expect_version)},
	{"-expect-cipher", KIND_UNSIGNED, AT(expect_cipher)},
	{"-expect-curve-id", KIND_UNSIGNED, AT(expect_curve)},
	{"-expect-server-name", KIND_TEXT, AT(expect_server_name)},
	{"-expect-alpn", KIND_TEXT, AT(expect_alpn)},
	{"-expect-early-data-reason", KIND_TEXT, AT(expect_early_data_reason)},
	{"-expect-session-miss", KIND_BOOL, AT(expect_session_miss)},
	{"-expect-extended-master-secret", KIND_BOOL, AT(expect_ems)},
	{"-expect-secure-renegotiation", KIND_NOTHING, 0},
	{"-expect-hrr", KIND_NOTHING, 0},
	{"-expect-no-hrr", KIND_NOTHING, 0},
	{"-expect-no-session", KIND_NOTHING, 0},
	{"-expect-session-id", KIND_NOTHING, 0},
	{"-expect-no-session-id", KIND_NOTHING, 0},
	{"-expect-ticket-renewal", KIND_NOTHING, 0},
	{"-expect-advertised-alpn", KIND_NOTHING_VALUE, 0},
	{"-expect-msg-callback", KIND_NOTHING_VALUE, 0},

	/* What is done once connected */
	{"-export-keying-material", KIND_UNSIGNED, AT(export_len)},
	{"-export-label", KIND_TEXT, AT(export_label)},
	{"-export-context", KIND_TEXT, AT(export_context)},
	{"-use-export-context", KIND_BOOL, AT(use_export_context)},
	{"-shim-writes-first", KIND_BOOL, AT(shim_writes_first)},
	{"-send-alert", KIND_BOOL, AT(send_alert)},
	{"-shim-shuts-down", KIND_BOOL, AT(shim_shuts_down)},
	{"-check-close-notify", KIND_BOOL, AT(check_close_notify)},
	{"-key-update-before-read", KIND_BOOL, AT(key_update_before_read)},
	{"-key-update", KIND_BOOL, AT(key_update)},
};

static const struct row *find_row(const char *name)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static bool takes_value(enum kind kind)
{
	return kind != KIND_NOTHING && kind != KIND_BOOL && kind != KIND_MATCH_ISSUER && kind != KIND_NEW_PSK &&
	       kind != KIND_PSK_SHA384 && kind != KIND_NEW_X509 && kind != KIND_NEW_RAW_KEY;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *out)
{
	char *end;
	if (*text < '0' || *text > '9')
		return false;
	*out = strtoull(text, &end, 10);
	return !*end && *out <= max;
}

/* The credential that -cert-file and -key-file speak of. */
static struct flag_credential *current(struct flags *f)
{
	return f->num_more ? &f->more[f->num_more - 1] : &f->credential;
}

static bool new_credential(struct flags *f, enum credential_kind kind)
{
	if (f->num_more == FLAG_CREDENTIALS)
		return false;
	f->more[f->num_more++] = (struct flag_credential){.kind = kind};
	return true;
}

static bool add_number(struct numbers *list, const char *value)
{
	uint64_t n;
	if (list->num == FLAG_NUMBERS || !parse_number(value, UINT16_MAX, &n))
		return false;
	list->at[list->num++] = (uint16_t)n;
	return true;
}

static bool apply(struct flags *f, const struct row *row, const char *value)
{
	void *field = (uint8_t *)f + row->offset;
	uint64_t n = 0;
	switch (row->kind) {
	case KIND_NOTHING:
	case KIND_NOTHING_VALUE:
		return true;
	case KIND_BOOL:
		*(bool *)field = true;
		return true;
	case KIND_UNSIGNED:
		if (!parse_number(value, UINT32_MAX, &n))
			return false;
		*(unsigned *)field = (unsigned)n;
		return true;
	case KIND_U64:
		return parse_number(value, UINT64_MAX, field);
	case KIND_PORT:
		if (!parse_number(value, UINT16_MAX, &n))
			return false;
		f->port = (uint16_t)n;
		return true;
	case KIND_TEXT:
		*(const char **)field = value;
		return true;
	case KIND_NUMBERS:
		return add_number(field, value);
	case KIND_NEW_X509:
		return new_credential(f, CREDENTIAL_X509);
	case KIND_NEW_RAW_KEY:
		return new_credential(f, CREDENTIAL_RAW_KEY);
	case KIND_NEW_PSK:
		return new_credential(f, CREDENTIAL_PSK);
	case KIND_CREDENTIAL_TEXT:
		*(const char **)(void *)((uint8_t *)current(f) + row->offset) = value;
		return true;
	case KIND_PSK_SHA384:
		current(f)->psk_sha384 = true;
		return true;
	case KIND_CERT_FILE:
		current(f)->cert_file = value;
		return true;
	case KIND_SIGNING_PREFS:
		return add_number(&current(f)->signing_prefs, value);
	case KIND_MATCH_ISSUER:
		current(f)->must_match_issuer = true;
		return true;
	case KIND_KEY_FILE:
		current(f)->key_file = value;
		return true;
	}
	return false;
}

/* Takes a prefix such as -on-resume off the name. */
static bool take_prefix(const char **name, const char *prefix)
{
	size_t n = strlen(prefix);
	if (strncmp(*name, prefix, n) != 0 || (*name)[n] != '-')
		return false;
	*name += n;
	return true;
}

bool flags_parse(struct flags flags[FLAGS_CONNECTIONS], int argc, char **argv, const char **unknown)
{
	memset(flags, 0, FLAGS_CONNECTIONS * sizeof *flags);
	for (int i = 1; i < argc; i++) {
		const char *name = argv[i], *value = NULL;
		bool initial = take_prefix(&name, "-on-initial"), resume = take_prefix(&name, "-on-resume");
		const struct row *row = find_row(name);
		*unknown = argv[i];
		if (!row || (takes_value(row->kind) && ++i == argc))
			return false;
		if (takes_value(row->kind))
			value = argv[i];
		if (!resume && !apply(&flags[FLAGS_INITIAL], row, value))
			return false;
		if (!initial && !apply(&flags[FLAGS_RESUME], row, value))
			return false;
	}
	return true;
}
