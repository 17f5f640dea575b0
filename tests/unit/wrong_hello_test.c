/* ClientHello and ServerHello of both versions in their turn, with extensions that break a rule which is not of syntax
 * alone: src/handshake/{answers,server12,server13,client12,client13,psk13}.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "classes/stub_pair.h"
#include "crypto/stub/stub.h"
#include "wire/record.h"

#define BODY(text)                                                                                                     \
	{                                                                                                              \
		text, sizeof(text) - 1                                                                                 \
	}
#define SHARE                                                                                                          \
	"\x00\x1d\x00\x20"                                                                                             \
	"0123456789abcdef0123456789abcdef"
#define OFF                                                                                                            \
	{                                                                                                              \
		NULL, 0                                                                                                \
	}

enum {
	SERVER_NAME = 0,
	FRAGMENT_LENGTH = 1,
	GROUPS = 10,
	POINTS = 11,
	RECORD_SIZE = 28,
	PSK = 41,
	MODES = 45,
	SHARES = 51
};
enum { RENEGOTIATION = 0xff01, UNKNOWN = 0xfff0 };

struct edit {
	uint16_t type;
	struct {
		const char *p; /* NULL: it is left out */
		size_t n;
	} body;
};

static const struct row {
	const char *name;
	int version;
	enum role to;
	enum deal deal;
	struct edit edits[2]; /* where type and body are 0: none */
	tern_error error; /* of whom it was sent to; OK: only that the other end finds out in the end */
} rows[] = {
	{"a renegotiation", V12, SERVER, DEAL_CERTIFICATE, {{RENEGOTIATION, BODY("\1a")}}, TERN_ERROR_RENEGOTIATION},
	{"an answer to a renegotiation",
	 V12,
	 CLIENT,
	 DEAL_CERTIFICATE,
	 {{RENEGOTIATION, BODY("\1a")}},
	 TERN_ERROR_RENEGOTIATION},
	{"compressed points only",
	 V12,
	 SERVER,
	 DEAL_CERTIFICATE,
	 {{POINTS, BODY("\1\1")}},
	 TERN_ERROR_ILLEGAL_PARAMETER},
	{"compressed points only, from a server",
	 V12,
	 CLIENT,
	 DEAL_CERTIFICATE,
	 {{POINTS, BODY("\1\1")}},
	 TERN_ERROR_ILLEGAL_PARAMETER},
	{"a name with a NUL",
	 V12,
	 SERVER,
	 DEAL_CERTIFICATE,
	 {{SERVER_NAME, BODY("\0\6\0\0\3a\0b")}},
	 TERN_ERROR_ILLEGAL_PARAMETER},
	{"a name with a NUL",
	 V13,
	 SERVER,
	 DEAL_CERTIFICATE,
	 {{SERVER_NAME, BODY("\0\6\0\0\3a\0b")}},
	 TERN_ERROR_ILLEGAL_PARAMETER},
	{"no such fragment length",
	 V12,
	 SERVER,
	 DEAL_CERTIFICATE,
	 {{FRAGMENT_LENGTH, BODY("\5")}},
	 TERN_ERROR_ILLEGAL_PARAMETER},
	{"no such fragment length",
	 V13,
	 SERVER,
	 DEAL_CERTIFICATE,
	 {{FRAGMENT_LENGTH, BODY("\0")}},
	 TERN_ERROR_ILLEGAL_PARAMETER},
	{"records of 63 bytes",
	 V12,
	 SERVER,
	 DEAL_CERTIFICATE,
	 {{RECORD_SIZE, BODY("\0\x3f")}},
	 TERN_ERROR_ILLEGAL_PARAMETER},
	{"records of 63 bytes",
	 V13,
	 SERVER,
	 DEAL_CERTIFICATE,
	 {{RECORD_SIZE, BODY("\0\x3f")}},
	 TERN_ERROR_ILLEGAL_PARAMETER},
	{"records of 64 bytes", V12, SERVER, DEAL_CERTIFICATE, {{RECORD_SIZE, BODY("\0\x40")}}, TERN_OK},
	{"two shares of one group",
	 V13,
	 SERVER,
	 DEAL_CERTIFICATE,
	 {{SHARES, BODY("\0\x48" SHARE SHARE)}},
	 TERN_ERROR_ILLEGAL_PARAMETER},
	{"a share of a group that is not named",
	 V13,
	 SERVER,
	 DEAL_CERTIFICATE,
	 {{GROUPS, BODY("\0\2\0\x18")}},
	 TERN_ERROR_ILLEGAL_PARAMETER},
	{"no group that the server knows",
	 V13,
	 SERVER,
	 DEAL_CERTIFICATE,
	 {{GROUPS, BODY("\0\2\xee\xee")}, {SHARES, BODY("\0\0")}},
	 TERN_ERROR_NO_SHARED_GROUP},
	{"something behind the PSKs", V13, SERVER, DEAL_PSK, {{UNKNOWN, BODY("")}}, TERN_ERROR_ILLEGAL_PARAMETER},
	{"PSKs without modes", V13, SERVER, DEAL_PSK, {{MODES, OFF}}, TERN_ERROR_MISSING_EXTENSION},
	{"a PSK that was not offered", V13, CLIENT, DEAL_PSK, {{PSK, BODY("\0\1")}}, TERN_ERROR_ILLEGAL_PARAMETER},
	{"an extension that was not offered",
	 V13,
	 CLIENT,
	 DEAL_PSK,
	 {{UNKNOWN, BODY("")}},
	 TERN_ERROR_UNSUPPORTED_EXTENSION},
	{"a PSK where none was offered",
	 V13,
	 CLIENT,
	 DEAL_CERTIFICATE,
	 {{PSK, BODY("\0\0")}},
	 TERN_ERROR_UNSUPPORTED_EXTENSION},
	{"a share of a group that was not offered",
	 V13,
	 CLIENT,
	 DEAL_CERTIFICATE,
	 {{SHARES, BODY("\0\x17\0\1x")}},
	 TERN_ERROR_ILLEGAL_PARAMETER},
};

static const struct row *row; /* NULL: what follows is not touched */
static uint16_t other_suite; /* of ServerHello; 0: as it is */
static bool edited;

/* Where the first record ends: there the hello's extensions do too. */
static size_t hello_end(const struct datagram_on_wire *d)
{
	return RECORD12_HEADER + (size_t)(d->bytes[11] << 8 | d->bytes[12]);
}

/* Where the length of the extensions is. */
static size_t extensions_at(const struct datagram_on_wire *d)
{
	size_t at = RECORD12_HEADER + HANDSHAKE_HEADER + 2 + 32;
	at += 1u + d->bytes[at];
	if (d->bytes[RECORD12_HEADER] == SERVER_HELLO)
		return at + 3;
	at += 1u + d->bytes[at];
	at += 2u + (size_t)(d->bytes[at] << 8 | d->bytes[at + 1]);
	return at + 1u + d->bytes[at];
}

/* In place of the one that was there, behind all others. */
static void put_extension(struct datagram_on_wire *d, const struct edit *e)
{
	size_t list = extensions_at(d), end, n = 4 + e->body.n;
	edited |= spoil_extension(d, e->type, 0);
	if (!e->body.p)
		return;
	edited = true;
	end = hello_end(d);
	assert_true(d->n + n <= sizeof d->bytes);
	memmove(d->bytes + end + n, d->bytes + end, d->n - end);
	wr_store(d->bytes + end, 2, e->type);
	wr_store(d->bytes + end + 2, 2, e->body.n);
	memcpy(d->bytes + end + 4, e->body.p, e->body.n);
	d->n += n;
	end += n;
	wr_store(d->bytes + list, 2, end - list - 2);
	wr_store(d->bytes + 11, 2, end - RECORD12_HEADER);
	wr_store(d->bytes + RECORD12_HEADER + 1, 3, end - RECORD12_HEADER - HANDSHAKE_HEADER);
	wr_store(d->bytes + RECORD12_HEADER + 9, 3, end - RECORD12_HEADER - HANDSHAKE_HEADER);
}

static bool edit(struct pair *p, struct datagram_on_wire *d)
{
	uint8_t type = d->to == SERVER ? CLIENT_HELLO : SERVER_HELLO;
	(void)p;
	if (d->bytes[0] != CONTENT_HANDSHAKE || d->bytes[4] != 0 || d->bytes[RECORD12_HEADER] != type)
		return true;
	for (size_t i = 0; row && d->to == row->to && i < NUM(row->edits); i++)
		if (row->edits[i].type || row->edits[i].body.p)
			put_extension(d, &row->edits[i]);
	if (other_suite && d->to == CLIENT) {
		wr_store(d->bytes + extensions_at(d) - 3, 2, other_suite);
		edited = true;
	}
	return true;
}

static void open_pair(struct stub_pair *s, int version, enum deal deal)
{
	stub_prepare(s, version, deal);
	OK(tern_config_set_cookie(s->config[SERVER], false));
	stub_open(s);
	s->p.tap = edit;
	row = NULL;
	other_suite = 0;
	edited = false;
}

static void hellos(void **state)
{
	static struct stub_pair s;
	(void)state;
	for (size_t i = 0; i < NUM(rows); i++) {
		open_pair(&s, rows[i].version, rows[i].deal);
		row = &rows[i];
		stub_dial(&s);
		pair_run(&s.p, LONG_TIME);
		assert_true(edited);
		assert_false(pair_connected(&s.p)); /* the two do not have the same transcript in any case */
		if (row->error != TERN_OK)
			check_is(row->name, s.p.side[row->to].error, row->error);
		else
			assert_int_equal(s.p.side[CLIENT].error,
					 TERN_ERROR_UNSUPPORTED_EXTENSION); /* it asked nothing */
		stub_close(&s);
	}
}

/* The choice must go with what was offered along with it. */
static void suites_that_do_not_fit(void **state)
{
	static const struct {
		const char *name;
		int version;
		enum deal deal;
		bool resumes;
		uint16_t suite;
	} cases[] = {
		{"another one than the session's", V12, DEAL_CERTIFICATE, true, 0xcca9},
		{"one that was not offered", V12, DEAL_CERTIFICATE, false, 0x1301},
		{"one of another hash than the PSK's", V13, DEAL_PSK, false, 0x1302},
		{"one that was not offered", V13, DEAL_PSK, false, 0xc02b},
	};
	static struct stub_pair s;
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		uint8_t session[TERN_SESSION_MAX];
		size_t n = 0;
		open_pair(&s, cases[i].version, cases[i].deal);
		if (cases[i].resumes) {
			stub_dial(&s);
			pair_settle(&s.p);
			OK(tern_conn_session(s.p.side[CLIENT].conn, session, sizeof session, &n));
			pair_hang_up(&s.p);
		}
		other_suite = cases[i].suite;
		pair_dial(&s.p, "a.test", span_of(n ? session : NULL, n));
		pair_run(&s.p, LONG_TIME);
		assert_true(edited);
		check_is(cases[i].name, s.p.side[CLIENT].error, TERN_ERROR_ILLEGAL_PARAMETER);
		stub_close(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hellos),
		cmocka_unit_test(suites_that_do_not_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
