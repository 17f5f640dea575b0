/* Messages of DTLS 1.3 in their turn and under the right keys, whose bodies break a rule that is not of syntax alone:
 * the extensions that answer, and the contexts of requests and certificates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/stub/stub.h"
#include "pair.h"

#define BODY(text) text, sizeof(text) - 1

/* Versions may not be said again: an extension that is known and has no place there. */
#define MISPLACED "\x00\x2b\x00\x02\xfe\xfc"
#define SCHEMES "\x00\x0d\x00\x04\x00\x02\x04\x03"
#define LEAF                                                                                                           \
	"\x00\x00\x08"                                                                                                 \
	"E a.test"

static const struct {
	const char *name;
	uint8_t type;
	const char *body;
	size_t n;
	tern_error want;
} rows[] = {
	{"nothing at all is fine", ENCRYPTED_EXTENSIONS, BODY("\0\0"), TERN_OK},
	{"the protocol is one that was offered", ENCRYPTED_EXTENSIONS,
	 BODY("\x00\x0b\x00\x10\x00\x07\x00\x05\x04"
	      "coap"),
	 TERN_OK},
	{"a protocol that was not offered", ENCRYPTED_EXTENSIONS,
	 BODY("\x00\x0b\x00\x10\x00\x07\x00\x05\x04"
	      "stun"),
	 TERN_ERROR_ILLEGAL_PARAMETER},
	{"another fragment length than was asked for", ENCRYPTED_EXTENSIONS, BODY("\x00\x05\x00\x01\x00\x01\x02"),
	 TERN_ERROR_ILLEGAL_PARAMETER},
	{"records of 63 bytes", ENCRYPTED_EXTENSIONS, BODY("\x00\x06\x00\x1c\x00\x02\x00\x3f"),
	 TERN_ERROR_ILLEGAL_PARAMETER},
	{"two limits at once", ENCRYPTED_EXTENSIONS, BODY("\x00\x0b\x00\x01\x00\x01\x01\x00\x1c\x00\x02\x01\x00"),
	 TERN_ERROR_ILLEGAL_PARAMETER},
	{"an extension out of place", ENCRYPTED_EXTENSIONS, BODY("\x00\x06" MISPLACED), TERN_ERROR_ILLEGAL_PARAMETER},
	{"a request", CERTIFICATE_REQUEST, BODY("\x00\x00\x08" SCHEMES), TERN_OK},
	{"a request with a context", CERTIFICATE_REQUEST,
	 BODY("\x01"
	      "a\x00\x08" SCHEMES),
	 TERN_ERROR_ILLEGAL_PARAMETER},
	{"a request, with an extension out of place", CERTIFICATE_REQUEST, BODY("\x00\x00\x0e" SCHEMES MISPLACED),
	 TERN_ERROR_ILLEGAL_PARAMETER},
	{"a request without schemes", CERTIFICATE_REQUEST, BODY("\x00\x00\x00"), TERN_ERROR_MISSING_EXTENSION},
	{"a certificate", CERTIFICATE, BODY("\x00\x00\x00\x0d" LEAF "\x00\x00"), TERN_OK},
	{"a certificate for a context", CERTIFICATE,
	 BODY("\x01"
	      "a\x00\x00\x0d" LEAF "\x00\x00"),
	 TERN_ERROR_ILLEGAL_PARAMETER},
	{"a certificate, with an extension out of place", CERTIFICATE,
	 BODY("\x00\x00\x00\x13" LEAF "\x00\x06" MISPLACED), TERN_ERROR_ILLEGAL_PARAMETER},
	{"a certificate, with an answer to nothing", CERTIFICATE,
	 BODY("\x00\x00\x00\x11" LEAF "\x00\x04\xff\xaa\x00\x00"), TERN_ERROR_UNSUPPORTED_EXTENSION},
	{"a certificate, with half an extension", CERTIFICATE, BODY("\x00\x00\x00\x10" LEAF "\x00\x03\xff\xaa\x00"),
	 TERN_ERROR_DECODE},
};

static void make_pair(struct pair *p)
{
	static const tern_limits limits = {.size = sizeof limits, .record_size_limit = 256, .max_fragment_length = 512};
	tern_config *config[2] = {new_config13(NULL), new_config13(NULL)};
	for (int i = 0; i < 2; i++) {
		OK(config_set_provider(config[i], &provider_stub));
		OK(tern_config_set_groups(config[i], "x25519"));
	}
	OK(tern_config_set_cookie(config[SERVER], false));
	OK(tern_config_set_alpn(config[CLIENT], "coap"));
	OK(tern_config_set_limits(config[CLIENT], &limits));
	OK(tern_config_add_keypair(config[SERVER], "E a.test", 8, "E a.test", 8));
	OK(tern_config_add_trust(config[CLIENT], "E a.test", 8));
	pair_init(p, config[CLIENT], config[SERVER]);
}

/* Of the server's flight the client gets ServerHello; the rest is ours to say. */
static void to_the_servers_turn(struct pair *p)
{
	struct datagram_on_wire d;
	struct rd r;
	struct record12 h;
	pair_hang_up(p);
	pair_dial(p, "a.test", span_of(NULL, 0));
	assert_true(pair_carry(p));
	pair_collect(p, SERVER);
	assert_true(p->num_queued > 0);
	d = p->queue[0];
	p->num_queued = 0;
	r = rd_of(span_of(d.bytes, d.n));
	assert_true(get_record12(&r, &h));
	pair_feed(p, CLIENT, d.bytes, RECORD12_HEADER + h.fragment.n);
}

static void bodies_from_a_server(void **state)
{
	static struct pair p;
	(void)state;
	make_pair(&p);
	for (size_t i = 0; i < NUM(rows); i++) {
		uint16_t seq = 1;
		to_the_servers_turn(&p);
		if (rows[i].type != ENCRYPTED_EXTENSIONS)
			pair_say(&p, CLIENT, 2, ENCRYPTED_EXTENSIONS, seq++, "\0\0", 2);
		check_is(rows[i].name, p.side[CLIENT].error, TERN_OK);
		pair_say(&p, CLIENT, 2, rows[i].type, seq, rows[i].body, rows[i].n);
		check_is(rows[i].name, p.side[CLIENT].error, rows[i].want);
		if (rows[i].want == TERN_OK && p.side[CLIENT].conn->hs->inbox.next != seq + 1u)
			fail_msg("%s: was not taken", rows[i].name);
	}
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_from_a_server),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
