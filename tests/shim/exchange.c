/* exchange.c - the handshake, then every record back with its bytes inverted, until the runner is done. */
#include "exchange.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { RECORD_MAX = 16384, OUT_MAX = 65536, UDP_MAX = 65507 };

enum { ALERT_DECOMPRESSION_FAILURE = 30, ALERT_HANDSHAKE_FAILURE = 40, ALERT_CERTIFICATE_UNKNOWN = 46 };

/* A clock this close to a timeout counts as having reached it. */
static const uint64_t EARLY_NS = 10000000;

struct exchange {
	const struct flags *flags;
	struct callbacks *callbacks;
	struct kept *kept;
	struct packets packets;
	tern_conn *conn;
	bool resumes, connected, closed;
	uint64_t quiet_until; /* nothing may be sent before; 0: no such promise */
	uint8_t data[RECORD_MAX], out[OUT_MAX];
};

static bool complain(const struct exchange *x, tern_error error)
{
	tern_failure failure = tern_conn_failure(x->conn);
	fprintf(stderr, "shim: %s: %s", tern_error_name(error), tern_error_sentence(error));
	if (failure.error != TERN_OK)
		fprintf(stderr, " (%s, %s)", failure.where, failure.rfc);
	if (failure.alert_received)
		fprintf(stderr, " peer's alert: %s", tern_alert_name(failure.alert));
	fputc('\n', stderr);
	return false;
}

static bool mismatch(const char *what, const char *wanted, const char *got)
{
	fprintf(stderr, "shim: %s: wanted %s, got %s\n", what, wanted, got);
	return false;
}

static bool same_number(const char *what, unsigned wanted, unsigned got)
{
	if (!wanted || wanted == got)
		return true;
	fprintf(stderr, "shim: %s: wanted %u, got %u\n", what, wanted, got);
	return false;
}

/* ---- Sending ---- */

static bool flush(struct exchange *x)
{
	for (;;) {
		size_t len;
		tern_error error = tern_conn_take(x->conn, x->out, sizeof x->out, &len, x->kept->now);
		if (error != TERN_OK)
			return complain(x, error);
		if (!len)
			return true;
		packets_write(&x->packets, x->out, len);
	}
}

static bool send_data(struct exchange *x, const uint8_t *data, size_t len)
{
	tern_info info;
	size_t out_len;
	tern_error error;
	if (!flush(x))
		return false;
	tern_conn_info(x->conn, &info);
	/* The runner's records may be longer than a datagram should be. */
	if (len > tern_conn_max_data(x->conn) && tern_conn_set_mtu(x->conn, UDP_MAX) != TERN_OK)
		return mismatch("MTU", "a large one", "");
	error = tern_conn_seal(x->conn, x->out, sizeof x->out, &out_len, data, len, x->kept->now);
	if (error == TERN_OK)
		error = tern_conn_set_mtu(x->conn, info.mtu);
	if (error != TERN_OK)
		return complain(x, error);
	packets_write(&x->packets, x->out, out_len);
	return true;
}

static bool send_exported(struct exchange *x)
{
	const struct flags *f = x->flags;
	const char *context = f->export_context ? f->export_context : "";
	tern_error error;
	if (f->export_len > sizeof x->data)
		return mismatch("exporter", "a shorter length", "");
	error = tern_conn_export(x->conn, x->data, f->export_len, f->export_label ? f->export_label : "",
				 f->use_export_context ? (const uint8_t *)context : NULL, strlen(context));
	return error == TERN_OK ? send_data(x, x->data, f->export_len) : complain(x, error);
}

static bool rekey(struct exchange *x)
{
	tern_error error = tern_conn_rekey(x->conn, false, x->kept->now);
	return error == TERN_OK ? flush(x) : complain(x, error);
}

static bool tick(struct exchange *x)
{
	tern_error error = tern_conn_tick(x->conn, x->kept->now);
	return error == TERN_OK || complain(x, error);
}

/* Signing takes this long. */
static bool spend(struct exchange *x, uint64_t ns)
{
	x->kept->now.mono_ns += ns;
	return ns == 0 || (tick(x) && flush(x));
}

static bool refuse(struct exchange *x, unsigned alert)
{
	tern_error error = tern_conn_abort(x->conn, alert, x->kept->now);
	if (error != TERN_OK)
		return complain(x, error);
	return complain(x, tern_conn_failure(x->conn).error);
}

/* ---- Events ---- */

/* The runner's names of reasons, as far as its tests of DTLS have them. */
static bool same_reason(const char *wanted, tern_early_reason got)
{
	if (!wanted || (strcmp(wanted, "disabled") == 0 && got == TERN_EARLY_REASON_DISABLED))
		return true;
	return mismatch("early data", wanted, tern_early_reason_sentence(got));
}

static bool check_info(const struct exchange *x)
{
	const struct flags *f = x->flags;
	const char *alpn = f->server ? (f->select_alpn ? f->select_alpn : "") : (f->expect_alpn ? f->expect_alpn : "");
	tern_info info;
	tern_conn_info(x->conn, &info);
	if (!same_number("version", f->expect_version, info.version) ||
	    !same_number("suite", f->expect_cipher, info.suite_id) ||
	    !same_number("group", f->expect_curve, info.group_id) ||
	    !same_number("scheme", f->expect_scheme, info.scheme_id))
		return false;
	if (f->expect_server_name && strcmp(f->expect_server_name, info.server_name) != 0)
		return mismatch("server name", f->expect_server_name, info.server_name);
	if (strcmp(alpn, info.alpn) != 0)
		return mismatch("application protocol", alpn, info.alpn);
	if (!same_reason(f->expect_early_data_reason, info.early_data_reason))
		return false;
	if (info.resumed != (x->resumes && !f->expect_session_miss))
		return mismatch("resumption", info.resumed ? "none" : "one", info.resumed ? "one" : "none");
	if (f->expect_ems && !info.extended_master_secret)
		return mismatch("extended master secret", "it", "none");
	if (f->expect_no_peer_cert && info.has_peer_fingerprint)
		return mismatch("peer certificate", "none", "one");
	return true;
}

static bool on_connected(struct exchange *x)
{
	const struct flags *f = x->flags;
	x->connected = true;
	/* What an application does that judges the peer of a resumed session again. */
	if (x->resumes && f->reverify_on_resume && f->verify_fail)
		return flush(x) && refuse(x, ALERT_CERTIFICATE_UNKNOWN);
	if (!check_info(x) || !flush(x))
		return false;
	if (f->export_len && !send_exported(x))
		return false;
	if (f->send_alert)
		return refuse(x, ALERT_DECOMPRESSION_FAILURE);
	if (f->shim_writes_first && !send_data(x, (const uint8_t *)"hello", 5))
		return false;
	if (f->shim_shuts_down) {
		x->closed = true;
		return true;
	}
	return !f->key_update_before_read || rekey(x);
}

static bool on_data(struct exchange *x, const tern_event *event)
{
	const struct flags *f = x->flags;
	size_t len = event->len;
	if (len > sizeof x->data)
		return mismatch("record", "a shorter one", "");
	for (size_t i = 0; i < len; i++)
		x->data[i] = event->data[i] ^ 0xff;
	if (f->key_update && !rekey(x))
		return false;
	return send_data(x, x->data, len) && (!f->key_update_before_read || rekey(x));
}

static bool on_ticket(struct exchange *x)
{
	struct kept *kept = x->kept;
	tern_error error = tern_conn_session(x->conn, kept->session, sizeof kept->session, &kept->session_len);
	return error == TERN_OK || complain(x, error);
}

/* The peer may see nothing of it that the answer came late. */
static bool on_pending(struct exchange *x, const tern_event *event)
{
	uint8_t signature[SIGNATURE_MAX];
	tern_answer answer;
	tern_error error;
	if (event->job_kind == TERN_JOB_VERIFY && callback_refuses(x->callbacks))
		return refuse(x, ALERT_HANDSHAKE_FAILURE);
	if (event->job_kind == TERN_JOB_SIGN && !spend(x, x->flags->private_key_delay_ms * UINT64_C(1000000)))
		return false;
	error = callback_answer(x->callbacks, event, &answer, signature);
	if (error == TERN_OK)
		error = tern_conn_resume(x->conn, event->job, &answer, x->kept->now);
	return error == TERN_OK || complain(x, error);
}

static bool on_event(struct exchange *x, const tern_event *event)
{
	switch (event->kind) {
	case TERN_EVENT_CONNECTED:
		return on_connected(x);
	case TERN_EVENT_DATA:
		return on_data(x, event);
	case TERN_EVENT_TICKET:
		return on_ticket(x);
	case TERN_EVENT_PENDING:
		return on_pending(x, event);
	case TERN_EVENT_CLOSED:
		x->closed = true;
		return true;
	default:
		return true;
	}
}

static bool drain_events(struct exchange *x)
{
	while (!x->closed) {
		tern_event event;
		tern_error error = tern_conn_next(x->conn, &event, x->kept->now);
		if (error != TERN_OK)
			return complain(x, error);
		if (event.kind == TERN_EVENT_NONE)
			break;
		if (!on_event(x, &event))
			return false;
	}
	return true;
}

/* ---- Receiving ---- */

static bool on_packet(struct exchange *x, const struct packet *p)
{
	tern_error error;
	x->quiet_until = 0; /* what comes may start a timer */
	error = tern_conn_feed(x->conn, p->data, p->len, NULL, x->kept->now);
	if (error != TERN_OK)
		return complain(x, error);
	return drain_events(x) && flush(x);
}

/* Timeouts before the one that was promised are housekeeping, which must not be seen. */
static bool keep_quiet(struct exchange *x, uint64_t until)
{
	uint64_t deadline;
	while ((deadline = tern_conn_deadline(x->conn)) < x->quiet_until && deadline <= until) {
		uint64_t sent;
		tern_info info;
		tern_conn_info(x->conn, &info);
		sent = info.datagrams_sent;
		x->kept->now.mono_ns = deadline;
		if (!tick(x) || !flush(x))
			return false;
		tern_conn_info(x->conn, &info);
		if (info.datagrams_sent != sent || tern_conn_deadline(x->conn) <= deadline)
			return mismatch("next timeout", "a later one", "one that sends");
	}
	return true;
}

static bool on_advance(struct exchange *x, uint64_t ns)
{
	tern_time *now = &x->kept->now;
	uint64_t until = now->mono_ns + ns, deadline;
	packets_acknowledge(&x->packets);
	if (!keep_quiet(x, until))
		return false;
	x->quiet_until = 0;
	now->mono_ns = until;
	deadline = tern_conn_deadline(x->conn);
	if (deadline != TERN_NEVER && deadline > until && deadline - until <= EARLY_NS)
		now->mono_ns = deadline;
	return tick(x) && drain_events(x) && flush(x);
}

static bool on_expect(struct exchange *x, uint64_t ns)
{
	uint64_t now = x->kept->now.mono_ns, deadline = tern_conn_deadline(x->conn);
	uint64_t left = deadline == TERN_NEVER ? UINT64_MAX : deadline > now ? deadline - now : 0;
	if (left / 1000 == ns / 1000)
		return true;
	/* A timeout may come first that sends nothing, such as one for forgetting keys; on_advance looks at it. */
	x->quiet_until = ns < TERN_NEVER - now ? now + ns : TERN_NEVER;
	if (left < ns)
		return true;
	fprintf(stderr, "shim: next timeout: wanted %" PRIu64 " ns, got %" PRIu64 " ns\n", ns, left);
	return false;
}

static bool on_opcode(struct exchange *x, const struct packet *p)
{
	switch (p->opcode) {
	case OPCODE_PACKET:
		return on_packet(x, p);
	case OPCODE_ADVANCE:
		return on_advance(x, p->number);
	case OPCODE_EXPECT:
		return on_expect(x, p->number);
	case OPCODE_DURATION:
		if (tern_conn_set_timeout(x->conn, p->number * 1000000) != TERN_OK)
			return mismatch("timeout", "a usable one", "");
		return true;
	case OPCODE_MTU:
		if (tern_conn_set_mtu(x->conn, (uint16_t)p->number) != TERN_OK)
			return mismatch("MTU", "a usable one", "");
		return true;
	default:
		return mismatch("opcode", "one that is known", "");
	}
}

static bool loop(struct exchange *x)
{
	if (!flush(x) || !drain_events(x))
		return false;
	while (!x->closed) {
		struct packet p;
		if (!packets_read(&x->packets, &p))
			return mismatch("packet", "a whole one", "");
		if (p.opcode == OPCODE_END)
			return x->connected || mismatch("handshake", "its end", "the end of the connection");
		if (!on_opcode(x, &p))
			return false;
	}
	return true;
}

/* DTLS 1.2 has closed by itself when the peer has. */
static bool close_connection(struct exchange *x)
{
	tern_error error = tern_conn_close(x->conn, x->kept->now);
	return error == TERN_OK || (x->closed && error == TERN_ERROR_NOT_CONNECTED) || complain(x, error);
}

static tern_error start(struct exchange *x, tern_pool *pool)
{
	struct kept *kept = x->kept;
	tern_client_options options = {.size = sizeof options, .server_name = x->flags->host_name};
	if (x->flags->server)
		return tern_accept(&x->conn, pool, NULL, NULL, kept->now);
	if (x->resumes && kept->session_len) {
		options.session = kept->session;
		options.session_len = kept->session_len;
	}
	return tern_client(&x->conn, pool, &options, kept->now);
}

bool exchange_run(tern_pool *pool, struct callbacks *callbacks, struct kept *kept, bool resumes)
{
	static struct exchange x;
	tern_error error;
	bool good;
	memset(&x, 0, sizeof x);
	x.flags = callbacks->flags;
	x.callbacks = callbacks;
	x.kept = kept;
	x.resumes = resumes;
	error = start(&x, pool);
	if (error != TERN_OK) {
		fprintf(stderr, "shim: %s\n", tern_error_name(error));
		return false;
	}
	if (!packets_open(&x.packets, x.flags->port, x.flags->ipv6, x.flags->shim_id)) {
		perror("shim: connect");
		tern_conn_free(x.conn);
		return false;
	}
	good = loop(&x);
	if (good)
		good = close_connection(&x);
	(void)flush(&x); /* an alert, or close_notify */
	packets_close(&x.packets);
	tern_conn_free(x.conn);
	return good;
}
