/* report.c - events as JSON lines on stdout, or sentences on stderr and data on stdout. */
#include "report.h"

#include <stdio.h>
#include <string.h>

#include "json.h"
#include "options.h"
#include "udp.h"

enum { EXPORT_MAX = 1024, TEXT_MAX = 512 };

static const struct {
	tern_error error;
	bool server; /* the side that reads the hint */
	const char *hint;
} error_hints[] = {
	{TERN_ERROR_CERTIFICATE_UNKNOWN_ISSUER, false,
	 "use --ca FILE with its issuer's certificate (or itself, when self-signed), or --fingerprint sha-256:HEX"},
	{TERN_ERROR_CERTIFICATE_UNKNOWN_ISSUER, true, "use --ca FILE with the certificate of the client's issuer"},
	{TERN_ERROR_CERTIFICATE_NAME, false,
	 "use --name NAME with a name in the certificate (tern cert show FILE lists them)"},
	{TERN_ERROR_FINGERPRINT, false, "the server is another one, or has a new certificate: check --fingerprint"},
	{TERN_ERROR_FINGERPRINT, true, "the client is another one, or has a new certificate: check --fingerprint"},
	{TERN_ERROR_CERTIFICATE_EXPIRED, false, "the server needs a new certificate; check this machine's clock too"},
	{TERN_ERROR_CERTIFICATE_NOT_YET_VALID, false, "check the clocks of both machines"},
	{TERN_ERROR_CERTIFICATE_REQUIRED, true, "the client must use --cert FILE --key FILE"},
	{TERN_ERROR_BAD_FINISHED, false, "check that both sides have the same --psk"},
	{TERN_ERROR_BAD_FINISHED, true, "check that both sides have the same --psk"},
	{TERN_ERROR_UNKNOWN_PSK_IDENTITY, true, "add the client's identity with --psk ID:HEX or --psk-file FILE"},
	{TERN_ERROR_NO_SHARED_SUITE, true,
	 "check --suites and --policy on both sides, and that both use a certificate, or both a PSK"},
	{TERN_ERROR_NO_SHARED_GROUP, true, "check --groups on both sides"},
	{TERN_ERROR_NO_EXTENDED_MASTER_SECRET, false, "the server is too old to be safe: it needs RFC 7627"},
	{TERN_ERROR_NO_EXTENDED_MASTER_SECRET, true, "the client is too old to be safe: it needs RFC 7627"},
	{TERN_ERROR_PROTOCOL_VERSION, false,
	 "check --dtls on both sides; a server that knows DTLS 1.2 only takes no --early-data"},
	{TERN_ERROR_PROTOCOL_VERSION, true, "check --dtls on both sides"},
	{TERN_ERROR_NO_APPLICATION_PROTOCOL, true, "check --alpn on both sides"},
	{TERN_ERROR_TIMEOUT, false,
	 "check the address, that a DTLS server runs there, and that no firewall drops UDP; a PSK that differs looks "
	 "like "
	 "this too"},
};

static const struct {
	uint8_t alert;
	bool server;
	const char *hint;
} alert_hints[] = {
	{20, false, "the server could not decrypt: check that both sides have the same --psk"},
	{40, false,
	 "nothing is shared with the server, or it wants a client certificate (--cert, --key): check --suites, "
	 "--groups, "
	 "--psk"},
	{42, true, "the client refuses this certificate: it may be for another name"},
	{45, true, "the client says that the certificate has expired or is not valid yet"},
	{46, true, "the client refuses this certificate"},
	{48, true, "the client does not trust this certificate: give it --ca or --fingerprint"},
	{48, false, "the server does not trust the client certificate: check its --ca"},
	{51, false, "check that both sides have the same --psk"},
	{51, true, "check that both sides have the same --psk"},
	{70, false, "the server speaks none of --dtls"},
	{115, false, "the server does not know this identity: check --psk ID:HEX"},
	{116, false, "use --cert FILE --key FILE"},
	{120, false, "the server shares none of --alpn"},
};

static const char *find_hint(const tern_failure *failure, bool server)
{
	if (failure->error == TERN_ERROR_PEER_ALERT) {
		for (size_t i = 0; i < sizeof alert_hints / sizeof alert_hints[0]; i++) {
			if (alert_hints[i].alert == failure->alert && alert_hints[i].server == server)
				return alert_hints[i].hint;
		}
		return NULL;
	}
	for (size_t i = 0; i < sizeof error_hints / sizeof error_hints[0]; i++) {
		if (error_hints[i].error == failure->error && error_hints[i].server == server)
			return error_hints[i].hint;
	}
	return NULL;
}

/* Bytes from the peer, fit for a terminal. */
static void printable(char out[TEXT_MAX], const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	size_t n = len < TEXT_MAX - 1 ? len : TEXT_MAX - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = p[i] >= 0x20 && p[i] < 0x7f ? (char)p[i] : '?';
	out[n] = 0;
}

static void fingerprint_text(char out[104], const uint8_t digest[32])
{
	char *p = out + sprintf(out, "sha-256:");

	for (size_t i = 0; i < 32; i++)
		p += sprintf(p, i ? ":%02X" : "%02X", digest[i]);
}

static const char *version_text(tern_protocol version)
{
	return version == TERN_DTLS13 ? "DTLS 1.3" : "DTLS 1.2";
}

static const char *early_text(tern_early_data early)
{
	return early == TERN_EARLY_DATA_ACCEPTED ? "accepted" : early == TERN_EARLY_DATA_REJECTED ? "rejected" : "none";
}

static void begin(const char *event, const char *peer)
{
	json_begin(event);
	json_text("peer", peer);
}

void report_listening(const struct report *report, const char *address)
{
	if (report->json) {
		json_begin("listening");
		json_text("address", address);
		json_end();
	}
	fprintf(stderr, "listening on %s\n", address);
	fflush(stderr);
}

static void cid_json(const char *key, const uint8_t *cid, size_t len)
{
	if (len)
		json_hex(key, cid, len);
	else
		json_text(key, NULL);
}

static void cids_text(const tern_info *info)
{
	fputs("connection IDs: ours ", stderr);
	for (size_t i = 0; i < info->own_cid_len; i++)
		fprintf(stderr, "%02x", info->own_cid[i]);
	fputs(info->own_cid_len ? ", the peer's " : "none, the peer's ", stderr);
	for (size_t i = 0; i < info->peer_cid_len; i++)
		fprintf(stderr, "%02x", info->peer_cid[i]);
	fputs(info->peer_cid_len ? "\n" : "none\n", stderr);
}

static void connected_json(const char *peer, const tern_info *info, const uint8_t *exported, size_t exported_len)
{
	char fingerprint[104] = "";

	if (info->has_peer_fingerprint)
		fingerprint_text(fingerprint, info->peer_fingerprint);
	begin("connected", peer);
	json_text("version", version_text(info->version));
	json_text("suite", info->suite);
	json_text("group", info->group);
	json_text("scheme", info->scheme);
	json_bool("resumed", info->resumed);
	json_bool("authenticated", info->peer_authenticated);
	json_text("fingerprint", fingerprint);
	json_text("compression", info->compression);
	json_text("alpn", info->alpn);
	json_text("srtp", info->srtp);
	json_text("server_name", info->server_name);
	if (info->psk_identity_len)
		json_base64("psk_identity", info->psk_identity, info->psk_identity_len);
	else
		json_text("psk_identity", NULL);
	json_text("early_data", early_text(info->early_data));
	if (info->early_data_reason)
		json_text("early_data_reason", tern_early_reason_sentence(info->early_data_reason));
	json_number("rtt_us", info->rtt_ns / 1000);
	json_number("mtu", info->mtu);
	json_bool("rrc", info->rrc);
	cid_json("own_cid", info->own_cid, info->own_cid_len);
	cid_json("peer_cid", info->peer_cid, info->peer_cid_len);
	if (exported_len)
		json_hex("export", exported, exported_len);
	json_end();
}

static void connected_text(const char *peer, const tern_info *info, bool server)
{
	char text[TEXT_MAX];

	fprintf(stderr, server ? "%s connected: %s, %s" : "connected to %s: %s, %s", peer, version_text(info->version),
		info->suite);
	if (info->group[0])
		fprintf(stderr, ", %s", info->group);
	if (info->scheme[0])
		fprintf(stderr, ", %s", info->scheme);
	fputs(info->resumed ? ", resumed" : "", stderr);
	if (info->early_data)
		fprintf(stderr, ", early data %s", early_text(info->early_data));
	if (info->early_data == TERN_EARLY_DATA_REJECTED)
		fprintf(stderr, " (%s)", tern_early_reason_sentence(info->early_data_reason));
	printable(text, info->alpn, strlen(info->alpn));
	if (text[0])
		fprintf(stderr, ", alpn %s", text);
	if (info->srtp[0])
		fprintf(stderr, ", %s", info->srtp);
	if (info->psk_identity_len) {
		printable(text, info->psk_identity, info->psk_identity_len);
		fprintf(stderr, ", identity %s", text);
	}
	if (!server && !info->peer_authenticated)
		fputs(" (the server was NOT authenticated)", stderr);
	fputc('\n', stderr);
	if (info->own_cid_len || info->peer_cid_len)
		cids_text(info);
	if (info->has_peer_fingerprint) {
		fingerprint_text(text, info->peer_fingerprint);
		fprintf(stderr, "its certificate is %s%s%s\n", text, info->compression[0] ? ", compressed by " : "",
			info->compression);
	}
}

void report_connected(const struct report *report, const char *peer, const tern_conn *conn,
		      const struct export_request *request)
{
	uint8_t exported[EXPORT_MAX];
	tern_info info;
	size_t len = request ? request->len : 0;
	tern_error error = TERN_OK;

	tern_conn_info(conn, &info);
	if (len)
		error = tern_conn_export(conn, exported, len, request->label, NULL, 0);
	if (error != TERN_OK) {
		complain("--export %s:%zu: %s", request->label, len, tern_error_sentence(error));
		len = 0;
	}
	if (report->json)
		connected_json(peer, &info, exported, len);
	else
		connected_text(peer, &info, report->server);
	if (len && !report->json) {
		fprintf(stderr, "export %s: ", request->label);
		for (size_t i = 0; i < len; i++)
			fprintf(stderr, "%02x", exported[i]);
		fputc('\n', stderr);
	}
	explicit_bzero(exported, sizeof exported);
}

void report_authenticated(const struct report *report, const char *peer, const tern_conn *conn, bool declined)
{
	char fingerprint[104] = "";
	tern_info info;

	tern_conn_info(conn, &info);
	if (!declined)
		fingerprint_text(fingerprint, info.peer_fingerprint);
	if (report->json) {
		begin("authenticated", peer);
		json_bool("authenticated", !declined && info.peer_authenticated);
		json_text("scheme", declined ? "" : info.scheme);
		json_text("fingerprint", fingerprint);
		json_end();
	} else if (declined) {
		fprintf(stderr, "%s shows no certificate\n", peer);
	} else {
		fprintf(stderr, "%s authenticated: its certificate is %s\n", peer, fingerprint);
	}
}

void report_path(const struct report *report, const char *peer, tern_path_event event, bool followed,
		 const tern_path *path, bool verbose)
{
	static const struct {
		const char *name, *sentence;
		bool often; /* only told to who wants to know all */
	} rows[] = {
		[TERN_PATH_PROBING] = {"probing", "is heard from another address, which is being checked:", true},
		[TERN_PATH_CHANGED] = {"changed", "has another address:", false},
		[TERN_PATH_FAILED] = {"failed", "did not answer from the other address:", false},
		[TERN_PATH_ALIVE] = {"alive", "is there:", true},
		[TERN_PATH_SILENT] = {"silent", "does not answer:", false},
		[TERN_PATH_SEEN] = {"seen", "is heard from another address, which nothing checks:", false},
	};
	struct address address;
	char text[ADDRESS_TEXT] = "";

	if (address_from_tern(&address, &path->remote))
		address_text(text, &address);
	if (report->json) {
		begin("path", peer);
		json_text("change", followed ? "followed" : rows[event].name);
		json_text("address", text);
		json_end();
	} else if (followed) {
		fprintf(stderr, "%s is followed to another address, which nothing checks: %s\n", peer, text);
	} else if (verbose || !rows[event].often) {
		fprintf(stderr, "%s %s %s\n", peer, rows[event].sentence, text);
	}
}

void report_mtu(const struct report *report, const char *peer, unsigned mtu)
{
	if (report->json) {
		begin("mtu", peer);
		json_number("mtu", mtu);
		json_end();
	} else {
		fprintf(stderr, "%s: datagrams of up to %u bytes from now on\n", peer, mtu);
	}
}

const char *report_limit(tern_limit limit)
{
	return limit == TERN_LIMIT_KEY ? "many records were sent under one key"
				       : "the numbers of handshake messages are nearly used up";
}

static void data_json(const char *event, const char *peer, const uint8_t *data, size_t len, bool early)
{
	begin(event, peer);
	if (early)
		json_bool("early", true);
	json_number("length", len);
	json_base64("data", data, len);
	json_end();
}

bool report_data(const struct report *report, const char *peer, const tern_event *event, bool show)
{
	if (report->json) {
		data_json("data", peer, event->data, event->len, event->kind == TERN_EVENT_EARLY_DATA);
	} else if (show) {
		fwrite(event->data, 1, event->len, stdout);
		fflush(stdout);
	}
	return !ferror(stdout);
}

void report_sent(const struct report *report, const char *peer, const uint8_t *data, size_t len, bool early)
{
	if (report->json)
		data_json("sent", peer, data, len, early);
}

void report_closed(const struct report *report, const char *peer, tern_gone_reason reason)
{
	bool by_peer = reason == TERN_GONE_CLOSED_BY_PEER;

	if (report->json) {
		begin("closed", peer);
		json_text("by", by_peer ? "peer" : "us");
		json_text("reason", tern_gone_sentence(reason));
		json_end();
	} else if (by_peer || reason == TERN_GONE_CLOSED) {
		fprintf(stderr, by_peer ? "%s closed the connection\n" : "closed the connection to %s\n", peer);
	} else {
		fprintf(stderr, "closed the connection to %s: %s\n", peer, tern_gone_sentence(reason));
	}
}

static void failed_json(const char *peer, const tern_failure *failure, const char *hint)
{
	begin("failed", peer);
	json_text("error", tern_error_name(failure->error));
	json_text("sentence", tern_error_sentence(failure->error));
	if (failure->alert_sent || failure->alert_received) {
		json_text("alert", tern_alert_name(failure->alert));
		json_text("alert_by", failure->alert_received ? "peer" : "us");
	}
	json_text("rfc", failure->rfc);
	json_text("where", failure->where);
	json_text("hint", hint);
	json_end();
}

static void failed_text(const char *peer, const tern_failure *failure, const char *hint)
{
	fprintf(stderr, "%s: %s", peer, tern_error_sentence(failure->error));
	if (failure->alert_received)
		fprintf(stderr, ": %s", tern_alert_name(failure->alert));
	else if (failure->alert_sent)
		fprintf(stderr, " (alert sent: %s)", tern_alert_name(failure->alert));
	if (failure->rfc && failure->rfc[0])
		fprintf(stderr, " [%s]", failure->rfc);
	if (failure->where && failure->where[0])
		fprintf(stderr, " [%s]", failure->where);
	fputc('\n', stderr);
	if (hint)
		fprintf(stderr, "hint: %s\n", hint);
}

void report_failed(const struct report *report, const char *peer, const tern_conn *conn)
{
	tern_failure failure = tern_conn_failure(conn);
	const char *hint = find_hint(&failure, report->server);
	tern_info info;

	fflush(stdout);
	if (report->json) {
		failed_json(peer, &failure, hint);
		report_stats(report, peer, conn);
		return;
	}
	failed_text(peer, &failure, hint);
	tern_conn_info(conn, &info);
	if (info.has_peer_fingerprint) {
		char text[104];
		fingerprint_text(text, info.peer_fingerprint);
		fprintf(stderr, "its certificate is %s\n", text);
	}
}

void report_failed_text(const struct report *report, const char *peer, const char *sentence, const char *hint)
{
	if (report->json) {
		begin("failed", peer);
		json_text("error", NULL);
		json_text("sentence", sentence);
		json_text("hint", hint);
		json_end();
		return;
	}
	fprintf(stderr, "%s: %s\n", peer, sentence);
	if (hint)
		fprintf(stderr, "hint: %s\n", hint);
}

void report_stats(const struct report *report, const char *peer, const tern_conn *conn)
{
	tern_info info;

	if (!report->json)
		return;
	tern_conn_info(conn, &info);
	begin("stats", peer);
	json_number("datagrams_sent", info.datagrams_sent);
	json_number("datagrams_received", info.datagrams_received);
	json_number("retransmissions", info.retransmissions);
	json_number("records_sealed", info.records_sealed);
	json_number("records_opened", info.records_opened);
	json_open("dropped");
	for (int i = 1; i < TERN_NUM_DROPS; i++) {
		if (info.dropped[i])
			json_number(tern_drop_sentence((tern_drop)i), info.dropped[i]);
	}
	json_close();
	json_end();
}
