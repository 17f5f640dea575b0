/* The faults that model learning has found in other stacks (dtls-fuzzer's catalogue and its like), by name. */
#include <stdio.h>

#include "malice/malice.h"
#include "record/epochs.h"
#include "wire/ack.h"

/* ---- scripts ---- */

struct change {
	enum twist_kind kind;
	uint8_t message; /* the culprit's own */
	uint8_t type;
};

static const struct pattern {
	const char *name;
	unsigned culprit;
	int version; /* 12, 13, 0: both */
	unsigned wants, lacks; /* flags of the scenario */
	struct change changes[TWISTS_MAX];
	size_t num;
	enum come come;
	tern_error error;
} patterns[] = {
	{"EarlyFinished",
	 CLIENT,
	 12,
	 SIM_MUTUAL,
	 SIM_TICKET,
	 {{TWIST_DELETED, CERTIFICATE, 0},
	  {TWIST_DELETED, CLIENT_KEY_EXCHANGE, 0},
	  {TWIST_DELETED, CERTIFICATE_VERIFY, 0}},
	 3,
	 STALLS,
	 TERN_OK},
	{"EarlyFinished",
	 CLIENT,
	 13,
	 SIM_MUTUAL,
	 0,
	 {{TWIST_DELETED, CERTIFICATE, 0}, {TWIST_DELETED, CERTIFICATE_VERIFY, 0}},
	 2,
	 FATAL,
	 TERN_ERROR_UNEXPECTED_MESSAGE},
	{"EarlyServerFinished",
	 SERVER,
	 13,
	 0,
	 SIM_PSK | SIM_TICKET | SIM_MUTUAL,
	 {{TWIST_DELETED, CERTIFICATE, 0}, {TWIST_DELETED, CERTIFICATE_VERIFY, 0}},
	 2,
	 FATAL,
	 TERN_ERROR_UNEXPECTED_MESSAGE},
	{"FinishedBeforeCCS", CLIENT, 12, 0, 0, {{TWIST_SWAPPED, CONTENT_CHANGE_CIPHER_SPEC, 0}}, 1, STALLS, TERN_OK},
	{"FinishedBeforeCCS", SERVER, 12, 0, 0, {{TWIST_SWAPPED, CONTENT_CHANGE_CIPHER_SPEC, 0}}, 1, STALLS, TERN_OK},
	{"FinishedWithoutCCS", CLIENT, 12, 0, 0, {{TWIST_DELETED, CONTENT_CHANGE_CIPHER_SPEC, 0}}, 1, STALLS, TERN_OK},
	{"FinishedWithoutCCS", SERVER, 12, 0, 0, {{TWIST_DELETED, CONTENT_CHANGE_CIPHER_SPEC, 0}}, 1, STALLS, TERN_OK},
	{"MultipleCCS", CLIENT, 12, 0, 0, {{TWIST_DOUBLED, CONTENT_CHANGE_CIPHER_SPEC, 0}}, 1, COMPLETES, TERN_OK},
	{"MultipleCCS", SERVER, 12, 0, 0, {{TWIST_DOUBLED, CONTENT_CHANGE_CIPHER_SPEC, 0}}, 1, COMPLETES, TERN_OK},
	{"UnrequestedCertificate",
	 CLIENT,
	 12,
	 0,
	 SIM_MUTUAL | SIM_TICKET | SIM_STORE,
	 {{TWIST_INSERTED, CLIENT_KEY_EXCHANGE, CERTIFICATE}},
	 1,
	 FATAL,
	 TERN_ERROR_UNEXPECTED_MESSAGE},
	{"UnrequestedCertificate",
	 CLIENT,
	 13,
	 0,
	 SIM_MUTUAL,
	 {{TWIST_INSERTED, FINISHED, CERTIFICATE}},
	 1,
	 FATAL,
	 TERN_ERROR_UNEXPECTED_MESSAGE},
	{"CertificateVerifyWithoutCertificate",
	 CLIENT,
	 13,
	 0,
	 SIM_MUTUAL,
	 {{TWIST_INSERTED, FINISHED, CERTIFICATE_VERIFY}},
	 1,
	 FATAL,
	 TERN_ERROR_UNEXPECTED_MESSAGE},
	{"CertificateWithoutVerify",
	 CLIENT,
	 12,
	 SIM_MUTUAL,
	 SIM_TICKET,
	 {{TWIST_DELETED, CERTIFICATE_VERIFY, 0}},
	 1,
	 STALLS,
	 TERN_OK},
	{"CertificateWithoutVerify",
	 CLIENT,
	 13,
	 SIM_MUTUAL,
	 0,
	 {{TWIST_DELETED, CERTIFICATE_VERIFY, 0}},
	 1,
	 FATAL,
	 TERN_ERROR_UNEXPECTED_MESSAGE},
	{"CertificateWithoutVerify",
	 SERVER,
	 13,
	 0,
	 SIM_PSK | SIM_TICKET,
	 {{TWIST_DELETED, CERTIFICATE_VERIFY, 0}},
	 1,
	 FATAL,
	 TERN_ERROR_UNEXPECTED_MESSAGE},
	{"WithoutCertificate",
	 CLIENT,
	 12,
	 SIM_MUTUAL,
	 SIM_TICKET,
	 {{TWIST_DELETED, CERTIFICATE, 0}},
	 1,
	 FATAL,
	 TERN_ERROR_UNEXPECTED_MESSAGE},
	{"WithoutServerKeyExchange",
	 SERVER,
	 12,
	 0,
	 SIM_PSK | SIM_TICKET | SIM_STORE,
	 {{TWIST_DELETED, SERVER_KEY_EXCHANGE, 0}},
	 1,
	 FATAL,
	 TERN_ERROR_UNEXPECTED_MESSAGE},
	{"WithoutServerCertificate",
	 SERVER,
	 12,
	 0,
	 SIM_PSK | SIM_TICKET | SIM_STORE,
	 {{TWIST_DELETED, CERTIFICATE, 0}},
	 1,
	 FATAL,
	 TERN_ERROR_UNEXPECTED_MESSAGE},
	{"CertificateVerifyFirst",
	 CLIENT,
	 12,
	 SIM_MUTUAL,
	 SIM_TICKET,
	 {{TWIST_SWAPPED, CLIENT_KEY_EXCHANGE, 0}},
	 1,
	 FATAL,
	 TERN_ERROR_UNEXPECTED_MESSAGE},
	{"CertificateVerifyFirst",
	 CLIENT,
	 13,
	 SIM_MUTUAL,
	 0,
	 {{TWIST_SWAPPED, CERTIFICATE, 0}},
	 1,
	 FATAL,
	 TERN_ERROR_UNEXPECTED_MESSAGE},
	{"HandshakeCompletedWithInvalidMessageSequence",
	 CLIENT,
	 12,
	 SIM_MUTUAL,
	 SIM_TICKET,
	 {{TWIST_DOUBLED, CERTIFICATE, 0}},
	 1,
	 FATAL,
	 TERN_ERROR_UNEXPECTED_MESSAGE},
	{"HandshakeCompletedWithInvalidMessageSequence",
	 CLIENT,
	 12,
	 0,
	 SIM_TICKET | SIM_STORE,
	 {{TWIST_INSERTED, CLIENT_KEY_EXCHANGE, SERVER_HELLO_DONE}},
	 1,
	 FATAL,
	 TERN_ERROR_UNEXPECTED_MESSAGE},
	{"HandshakeCompletedWithInvalidMessageSequence",
	 SERVER,
	 13,
	 0,
	 0,
	 {{TWIST_DOUBLED, ENCRYPTED_EXTENSIONS, 0}},
	 1,
	 FATAL,
	 TERN_ERROR_UNEXPECTED_MESSAGE},
	{"InvalidHandshakeStart",
	 SERVER,
	 0,
	 0,
	 0,
	 {{TWIST_RETYPED, SERVER_HELLO, FINISHED}},
	 1,
	 FATAL,
	 TERN_ERROR_UNEXPECTED_MESSAGE},
	{"ServerHelloFlightRestart",
	 SERVER,
	 12,
	 0,
	 SIM_TICKET | SIM_STORE,
	 {{TWIST_DOUBLED, SERVER_HELLO, 0}},
	 1,
	 FATAL,
	 TERN_ERROR_UNEXPECTED_MESSAGE},
	{"HelloVerifyRequestBehindServerHello",
	 SERVER,
	 12,
	 0,
	 SIM_PSK | SIM_TICKET | SIM_STORE,
	 {{TWIST_INSERTED, CERTIFICATE, HELLO_VERIFY_REQUEST}},
	 1,
	 FATAL,
	 TERN_ERROR_UNEXPECTED_MESSAGE},
	{"TicketBeforeFinished",
	 CLIENT,
	 13,
	 0,
	 0,
	 {{TWIST_INSERTED, FINISHED, NEW_SESSION_TICKET}},
	 1,
	 FATAL,
	 TERN_ERROR_UNEXPECTED_MESSAGE},
	{"KeyUpdateBeforeFinished",
	 CLIENT,
	 13,
	 0,
	 0,
	 {{TWIST_INSERTED, FINISHED, KEY_UPDATE}},
	 1,
	 FATAL,
	 TERN_ERROR_UNEXPECTED_MESSAGE},
	{"KeyUpdateBeforeFinished",
	 SERVER,
	 13,
	 0,
	 0,
	 {{TWIST_INSERTED, FINISHED, KEY_UPDATE}},
	 1,
	 FATAL,
	 TERN_ERROR_UNEXPECTED_MESSAGE},
};

static bool find_put(const struct course *course, unsigned culprit, uint8_t message, size_t *at)
{
	bool ccs = message == CONTENT_CHANGE_CIPHER_SPEC && !is_13(course);
	for (*at = 0; *at < course->num_puts[culprit]; ++*at) {
		const struct put *p = &course->puts[culprit][*at];
		/* Finished and ChangeCipherSpec share a number; what is meant by 20 alone is the former. */
		if (p->type == message && (p->ccs || message != FINISHED || !ccs))
			return true;
	}
	return false;
}

static bool fits(const struct course *course, const struct pattern *p)
{
	unsigned flags = course->scenario->flags;
	return (p->version == 0 || (p->version == 13) == is_13(course)) && (flags & p->wants) == p->wants &&
	       !(flags & p->lacks);
}

static void script_pattern(struct course *course, const struct pattern *p, run_fn *run, void *user)
{
	struct malice_case c = {.victim = !p->culprit, .num_twists = p->num, .due = {p->come, p->error, false}};
	if (!fits(course, p))
		return;
	for (size_t i = 0; i < p->num; i++) {
		c.twists[i] = (struct twist){p->changes[i].kind, 0, p->changes[i].type};
		if (!find_put(course, p->culprit, p->changes[i].message, &c.twists[i].at))
			return;
	}
	snprintf(c.name, sizeof c.name, "%s/pattern/%s/%s/%u-%u", course->scenario->name, p->name,
		 p->culprit == CLIENT ? "client" : "server", p->changes[0].message, p->changes[0].type);
	run(user, course, &c);
}

/* ---- records ---- */

static size_t one_plain(uint8_t *out, uint8_t type, uint16_t seq, const void *body, size_t n, bool ccs)
{
	struct record12 h = {.type = ccs ? CONTENT_CHANGE_CIPHER_SPEC : CONTENT_HANDSHAKE,
			     .version = VERSION_DTLS12,
			     .seq = 900};
	struct fragment f = {.type = type, .length = (uint32_t)n, .message_seq = seq};
	struct wr w = wr_of(out, 512);
	put_record12_header(&w, &h, (uint16_t)(ccs ? 1 : HANDSHAKE_HEADER + n));
	if (ccs)
		wr_u8(&w, 1);
	else {
		put_fragment_header(&w, &f, (uint32_t)n);
		wr_bytes(&w, span_of(body, n));
	}
	return w.n;
}

/* ChangeCipherSpec where nobody expects it, thrice. */
static size_t build_ccs(struct stage *s, const struct malice_case *c, uint8_t *out, struct outcome_due *due)
{
	size_t n = 0;
	(void)s;
	(void)c;
	(void)due;
	for (unsigned i = 0; i < 3; i++)
		n += one_plain(out + n, 0, 0, NULL, 0, true);
	return n;
}

/* Two retries may be, a third is a loop. */
static size_t build_verify_loop(struct stage *s, const struct malice_case *c, uint8_t *out, struct outcome_due *due)
{
	static const uint8_t body[] = {0xfe, 0xff, 4, 1, 2, 3, 4};
	size_t at = due_at(s->course, CLIENT, c->unit), n = 0;
	uint16_t next = next_seq(s->course, CLIENT, c->unit);
	if (at != 0 || is_13(s->course) || s->course->scenario->versions != SIM_12)
		return 0;
	for (uint16_t i = 0; i < 3; i++)
		n += one_plain(out + n, HELLO_VERIFY_REQUEST, (uint16_t)(next + i), body, sizeof body, false);
	*due = (struct outcome_due){.come = FATAL, .error = TERN_ERROR_UNEXPECTED_MESSAGE};
	return n;
}

/* The server's first answer again, later; number 1: under the next number, as if it were another. */
static size_t build_first_answer(struct stage *s, const struct malice_case *c, uint8_t *out, struct outcome_due *due)
{
	const struct world *w = s->world;
	const struct buffer *b = &w->caught[1];
	size_t at = due_at(s->course, CLIENT, c->unit);
	if (w->num_caught < 2 || w->caught_to[1] != CLIENT || (w->scenario->flags & SIM_NO_COOKIE))
		return 0;
	memcpy(out, b->bytes, b->n);
	if (c->number == 0)
		return b->n;
	wr_store(out + RECORD12_HEADER + 4, 2, next_seq(s->course, CLIENT, c->unit));
	if (at == 0)
		return 0;
	/* A second HelloVerifyRequest is no fault of itself; a second HelloRetryRequest is. */
	if (at < s->course->num_due[CLIENT] && s->course->due[CLIENT][at].epoch == 0)
		due->come = is_13(s->course) || at > 1 ? FATAL : CLEAN;
	return b->n;
}

static size_t sealed(struct stage *s, unsigned from, uint8_t content, const void *body, size_t n, uint8_t *out)
{
	struct wr w = wr_of(out, 400);
	struct record_mark mark;
	tern_conn *conn = conn_of(s, from);
	if (record_begin(&conn->records, conn->records.out.epoch, content, &w, &mark) != TERN_OK)
		return 0;
	wr_bytes(&w, span_of(body, n));
	return record_end(&conn->records, &w, &mark, NULL) == TERN_OK ? w.n : 0;
}

/* number 0: a fatal alert, 1: close_notify; then data in the same datagram, which must not come through. */
static size_t build_continue(struct stage *s, const struct malice_case *c, uint8_t *out, struct outcome_due *due)
{
	static const uint8_t alerts[][2] = {{2, 40}, {1, 0}}, data[] = "nobody may read this anymore";
	size_t n;
	if (!s->was_connected[0] || !s->was_connected[1] ||
	    conn_of(s, !c->victim)->records.out.epoch < (is_13(s->course) ? 3 : 1))
		return 0;
	n = sealed(s, !c->victim, CONTENT_ALERT, alerts[c->number], 2, out);
	n += sealed(s, !c->victim, CONTENT_APPLICATION_DATA, data, sizeof data, out + n);
	*due = (struct outcome_due){.come = CLEAN};
	if (c->number == 0)
		*due = (struct outcome_due){.come = FATAL_LATE, .error = TERN_ERROR_PEER_ALERT};
	return n;
}

/* A Finished of other contents under the number of the right one. */
static size_t build_finished_again(struct stage *s, const struct malice_case *c, uint8_t *out, struct outcome_due *due)
{
	uint8_t message[HANDSHAKE_HEADER + 12] = {0};
	struct wr w = wr_of(message, sizeof message);
	uint16_t seq = 0;
	(void)due;
	for (size_t i = 0; i < c->unit; i++)
		if (s->course->units[i].to == c->victim && s->course->units[i].type == FINISHED)
			seq = s->course->units[i].message_seq;
	if (!s->was_connected[0] || !s->was_connected[1])
		return 0;
	put_fragment_header(&w, &(struct fragment){.type = FINISHED, .length = 12, .message_seq = seq}, 12);
	return sealed(s, !c->victim, CONTENT_HANDSHAKE, message, sizeof message, out);
}

static const struct {
	const char *name;
	build_fn *build;
	uint32_t number;
	int victim; /* -1: both */
} recorded[] = {
	{"CrashOnCCS", build_ccs, 0, -1},
	{"HVRLoop", build_verify_loop, 0, CLIENT},
	{"HVRRetransmission", build_first_answer, 0, CLIENT},
	{"SecondRetry", build_first_answer, 1, CLIENT},
	{"ContinueAfterFatalAlert", build_continue, 0, -1},
	{"ContinueAfterCloseNotify", build_continue, 1, -1},
	{"InvalidFinishedAsRetransmission", build_finished_again, 0, -1},
};

/* An ACK in clear of all that the server has sent in clear, while ServerHello is lost: it must come again. */
static size_t build_silence(struct stage *s, const struct malice_case *c, uint8_t *out, struct outcome_due *due)
{
	struct record_number named[20];
	uint8_t body[2 + sizeof named];
	struct wr bw = wr_of(body, sizeof body), w = wr_of(out, SIM_DATAGRAM_MAX);
	struct record12 h = {.type = CONTENT_ACK, .version = VERSION_DTLS12, .seq = 77};
	(void)s;
	(void)c;
	(void)due;
	for (unsigned i = 0; i < 20; i++)
		named[i] = (struct record_number){0, i};
	put_ack(&bw, named, 20);
	put_record12_header(&w, &h, (uint16_t)bw.n);
	wr_bytes(&w, wr_span(&bw));
	return w.n;
}

static void silence_pattern(struct course *course, run_fn *run, void *user)
{
	for (size_t unit = 0; is_13(course) && unit < course->num_units; unit++) {
		struct malice_case c = {.unit = unit,
					.victim = SERVER,
					.build = build_silence,
					.tamper = TAMPER_DROPPED};
		if (course->units[unit].to != CLIENT || course->units[unit].type != SERVER_HELLO)
			continue;
		snprintf(c.name, sizeof c.name, "%s/pattern/SilencedServerHello/%zu", course->scenario->name, unit);
		run(user, course, &c);
	}
}

void pattern_cases(struct course *course, run_fn *run, void *user)
{
	silence_pattern(course, run, user);
	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
		script_pattern(course, &patterns[i], run, user);
	for (size_t i = 0; i < sizeof recorded / sizeof recorded[0]; i++)
		for (size_t unit = 0; unit < course->num_units; unit++)
			for (int victim = 0; victim < 2; victim++) {
				struct malice_case c = {.unit = unit, .victim = (unsigned)victim};
				c.build = recorded[i].build;
				c.number = recorded[i].number;
				if (recorded[i].victim >= 0 && recorded[i].victim != victim)
					continue;
				snprintf(c.name, sizeof c.name, "%s/pattern/%s/%s/%zu", course->scenario->name,
					 recorded[i].name, victim == CLIENT ? "client" : "server", unit);
				run(user, course, &c);
			}
}
