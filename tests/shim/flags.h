/* flags.h - what the runner asks of one connection. */
#ifndef SHIM_FLAGS_H
#define SHIM_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FLAG_CREDENTIALS = 4, FLAG_NUMBERS = 24 };

struct blob {
	uint8_t *data;
	size_t len;
};

struct numbers {
	uint16_t at[FLAG_NUMBERS];
	size_t num;
};

enum credential_kind { CREDENTIAL_X509, CREDENTIAL_RAW_KEY, CREDENTIAL_PSK };

struct flag_credential {
	enum credential_kind kind;
	const char *cert_file, *key_file;
	struct numbers signing_prefs;
	bool must_match_issuer;
	const char *psk_key, *psk_identity, *psk_context; /* base64 */
	bool psk_sha384;
};

struct flags {
	uint16_t port;
	uint64_t shim_id;
	bool ipv6, dtls, server, async;
	bool is_handshaker_supported, ignored;
	unsigned resume_count;

	struct flag_credential credential; /* the one before any -new-*-credential */
	struct flag_credential more[FLAG_CREDENTIALS];
	size_t num_more;
	struct numbers verify_prefs;

	bool verify_peer, require_any_client_certificate, verify_fail, use_custom_verify, reverify_on_resume;
	struct numbers curves;
	const char *cipher;
	unsigned min_version, max_version;
	bool no_tls12, no_tls13;
	const char *psk, *psk_identity;

	const char *host_name, *advertise_alpn, *select_alpn, *srtp_profiles;
	bool decline_alpn, reject_alpn;
	bool no_ticket, renew_ticket, skip_ticket;
	unsigned private_key_delay_ms, mtu, initial_timeout_ms, max_cert_list;
	uint64_t resumption_delay_s;

	unsigned expect_version, expect_cipher, expect_curve, expect_scheme;
	const char *expect_server_name, *expect_alpn, *expect_early_data_reason;
	bool expect_session_miss, expect_ems, expect_no_peer_cert;

	unsigned export_len;
	const char *export_label, *export_context;
	bool use_export_context;
	bool shim_writes_first, send_alert, shim_shuts_down, check_close_notify, key_update_before_read, key_update;
};

enum { FLAGS_INITIAL, FLAGS_RESUME, FLAGS_CONNECTIONS };

/* False: *unknown is the flag that is not implemented, or whose value is not understood. */
bool flags_parse(struct flags flags[FLAGS_CONNECTIONS], int argc, char **argv, const char **unknown);

#endif
