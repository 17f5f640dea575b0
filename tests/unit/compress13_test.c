/* src/handshake/compress13.c, src/connection/config_compression.c: RFC 8879 in handshakes. */
#include "handshake/compress13.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "count_heap.h"
#include "crypto/stub/stub.h"
#include "handshake/messages13.h"
#include "handshake/pool.h"
#include "pair.h"
#include "wire/messages13.h"

#define LONG_TIME (UINT64_C(300) * 1000000000)
#define LONG_CHAIN 3000

/* A certificate of the stub provider that is long and gets shorter. */
static struct span certificate(const char *name, size_t n)
{
	static char text[2][LONG_CHAIN + 1];
	char *out = text[name[0] == 'b'];
	int head = snprintf(out, LONG_CHAIN, "E %s", name);
	memset(out + head, '.', LONG_CHAIN - (size_t)head);
	return span_of(out, n ? n : (size_t)head);
}

static tern_config *side(enum role role, size_t chain, const char *list, bool mutual)
{
	tern_config *config = new_config13(NULL);
	struct span own = certificate(role == SERVER ? "a.test" : "b.test", chain);
	struct span peer = certificate(role == SERVER ? "b.test" : "a.test", chain);
	OK(config_set_provider(config, &provider_stub));
	OK(tern_config_set_groups(config, "x25519,secp256r1"));
	OK(tern_config_set_certificate_compression(config, list));
	if (role == SERVER || mutual)
		OK(tern_config_add_keypair(config, own.p, own.n, own.p, own.n));
	if (role == CLIENT || mutual)
		OK(tern_config_add_trust(config, peer.p, peer.n));
	if (role == SERVER && mutual)
		OK(tern_config_set_client_auth(config, TERN_CLIENT_AUTH_REQUIRED));
	return config;
}

static void dial(struct pair *p)
{
	pair_dial(p, "a.test", span_of(NULL, 0));
	pair_run(p, LONG_TIME);
}

static void check_connected(struct pair *p, const char *name)
{
	if (!pair_connected(p))
		fail_msg("%s: not connected: client %s, server %s", name, tern_error_name(p->side[CLIENT].error),
			 tern_error_name(p->side[SERVER].error));
	pair_check_data(p, name);
}

static bool built_in(const char *list)
{
	for (const char *name = list; name; name = strchr(name, ',') ? strchr(name, ',') + 1 : NULL)
		if (!compression_by_name(span_of(name, strcspn(name, ","))))
			return false;
	return true;
}

/* ---- who compresses ---- */

static void both_ways(void **state)
{
	static const struct {
		const char *name, *client, *server, *from_server, *from_client;
	} cases[] = {
		{"zlib", "zlib", "zlib", "zlib", "zlib"},
		{"brotli", "brotli", "brotli", "brotli", "brotli"},
		{"zstd", "zstd", "zstd", "zstd", "zstd"},
		{"the sender prefers", "zlib,brotli", "brotli,zlib", "brotli", "zlib"},
		{"one in common", "zlib,zstd", "brotli,zlib", "zlib", "zlib"},
		{"none in common", "zlib", "brotli", "", ""},
		{"client does not", NULL, "zlib", "", ""},
		{"server does not", "zlib", NULL, "", ""},
	};
	(void)state;
	for (size_t i = 0; i < 4 * NUM(cases); i++) {
		size_t c = i / 4;
		bool mutual = i & 1;
		tern_config *server;
		struct pair p;
		if ((cases[c].client && !built_in(cases[c].client)) || (cases[c].server && !built_in(cases[c].server)))
			continue;
		server = side(SERVER, LONG_CHAIN, cases[c].server, mutual);
		OK(tern_config_set_cookie(server, i & 2));
		pair_init(&p, side(CLIENT, LONG_CHAIN, cases[c].client, mutual), server);
		dial(&p);
		check_connected(&p, cases[c].name);
		assert_string_equal(pair_info(&p, CLIENT).compression, cases[c].from_server);
		assert_string_equal(pair_info(&p, SERVER).compression, mutual ? cases[c].from_client : "");
		pair_free(&p);
	}
}

/* 3000 bytes take three datagrams plain. */
static void it_saves_datagrams(void **state)
{
	unsigned carried[2];
	(void)state;
	if (!compression_algs[0])
		skip();
	for (int i = 0; i < 2; i++) {
		const char *list = i ? tern_compression_names() : NULL;
		struct pair p;
		pair_init(&p, side(CLIENT, LONG_CHAIN, list, false), side(SERVER, LONG_CHAIN, list, false));
		dial(&p);
		check_connected(&p, "datagrams");
		carried[i] = p.carried;
		pair_free(&p);
	}
	assert_true(carried[1] + 2 <= carried[0]);
}

/* What would not get smaller goes as it is, and so does a raw key. */
static void only_when_smaller(void **state)
{
	(void)state;
	if (!compression_algs[0])
		skip();
	for (int raw = 0; raw < 2; raw++) {
		tern_config *client = side(CLIENT, 0, tern_compression_names(), false);
		tern_config *server = side(SERVER, 0, tern_compression_names(), false);
		struct pair p;
		if (raw) {
			struct span key = certificate("a.test", LONG_CHAIN);
			tern_config_free(client);
			tern_config_free(server);
			client = new_config13(NULL);
			server = new_config13(NULL);
			OK(config_set_provider(client, &provider_stub));
			OK(config_set_provider(server, &provider_stub));
			OK(tern_config_set_insecure_no_verify(client));
			OK(tern_config_add_raw_key(server, key.p, key.n));
			OK(tern_config_set_certificate_compression(client, tern_compression_names()));
			OK(tern_config_set_certificate_compression(server, tern_compression_names()));
		}
		pair_init(&p, client, server);
		assert_int_equal(server->credentials[0].compressed[0].n, 0);
		dial(&p);
		check_connected(&p, raw ? "raw key" : "short");
		assert_string_equal(pair_info(&p, CLIENT).compression, "");
		pair_free(&p);
	}
}

/* A server of DTLS 1.2 passes over the extension; a hello of DTLS 1.2 alone has none. */
static void not_in_dtls12(void **state)
{
	(void)state;
	if (!compression_algs[0])
		skip();
	for (int i = 0; i < 2; i++) {
		tern_config *client = side(CLIENT, LONG_CHAIN, tern_compression_names(), true);
		tern_config *server = side(SERVER, LONG_CHAIN, tern_compression_names(), true);
		struct pair p;
		OK(tern_config_set_versions(client, TERN_DTLS12, i ? TERN_DTLS13 : TERN_DTLS12));
		OK(tern_config_set_versions(server, TERN_DTLS12, TERN_DTLS12));
		pair_init(&p, client, server);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		assert_int_equal(!!(p.side[CLIENT].conn->hs->offered.present & HAS_COMPRESS_CERTIFICATE), i);
		pair_run(&p, LONG_TIME);
		check_connected(&p, "1.2");
		assert_string_equal(pair_info(&p, SERVER).compression, "");
		pair_free(&p);
	}
}

static tern_error verify_later(void *user, tern_conn *conn, uint64_t job, const tern_bytes *chain, size_t n, bool raw)
{
	(void)conn;
	(void)job;
	assert_int_equal(n, 1);
	assert_int_equal(chain[0].len, LONG_CHAIN);
	assert_false(raw);
	++*(unsigned *)user;
	return TERN_PENDING;
}

static void verdict_may_take_its_time(void **state)
{
	(void)state;
	if (!compression_algs[0])
		skip();
	for (int who = 0; who < 2; who++) {
		tern_config *config[2] = {side(CLIENT, LONG_CHAIN, tern_compression_names(), true),
					  side(SERVER, LONG_CHAIN, tern_compression_names(), true)};
		tern_answer answer = {.error = TERN_OK};
		unsigned asked = 0;
		struct pair p;
		OK(tern_config_set_verify(config[who], verify_later, &asked));
		pair_init(&p, config[CLIENT], config[SERVER]);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_settle(&p);
		assert_true(pair_saw(&p, (enum role)who, TERN_EVENT_PENDING));
		OK(tern_conn_resume(p.side[who].conn, p.side[who].job, &answer, p.now));
		pair_events(&p, (enum role)who);
		pair_run(&p, LONG_TIME);
		check_connected(&p, "late");
		assert_int_equal(asked, 1);
		assert_string_equal(pair_info(&p, (enum role)who).compression, compression_algs[0]->name);
		pair_free(&p);
	}
}

/* ---- what may come ---- */

enum flaw {
	NONE,
	UNKNOWN_ALGORITHM,
	OTHER_ALGORITHM, /* that was not offered */
	NO_LENGTH,
	LENGTH_SHORT,
	LENGTH_LONG,
	LENGTH_OVER_LIMIT,
	LENGTH_HUGE,
	CUT,
	NOISE,
	NOTHING,
	TRAILING, /* behind the message */
	BOMB,
	MALFORMED_INSIDE,
	CONTEXT_INSIDE,
	NO_CERTIFICATE
};

static const struct {
	const char *name;
	enum flaw flaw;
	tern_error error;
	uint8_t alert;
} flaws[] = {
	{"unknown algorithm", UNKNOWN_ALGORITHM, TERN_ERROR_ILLEGAL_PARAMETER, 47},
	{"algorithm that was not offered", OTHER_ALGORITHM, TERN_ERROR_ILLEGAL_PARAMETER, 47},
	{"length 0", NO_LENGTH, TERN_ERROR_CERTIFICATE_COMPRESSION, 42},
	{"length too short", LENGTH_SHORT, TERN_ERROR_CERTIFICATE_COMPRESSION, 42},
	{"length too long", LENGTH_LONG, TERN_ERROR_CERTIFICATE_COMPRESSION, 42},
	{"length over the limit", LENGTH_OVER_LIMIT, TERN_ERROR_CERTIFICATE_COMPRESSION, 42},
	{"length of 16 MiB", LENGTH_HUGE, TERN_ERROR_CERTIFICATE_COMPRESSION, 42},
	{"cut", CUT, TERN_ERROR_CERTIFICATE_COMPRESSION, 42},
	{"noise", NOISE, TERN_ERROR_CERTIFICATE_COMPRESSION, 42},
	{"nothing compressed", NOTHING, TERN_ERROR_DECODE, 50},
	{"a byte more", TRAILING, TERN_ERROR_DECODE, 50},
	{"bomb", BOMB, TERN_ERROR_CERTIFICATE_COMPRESSION, 42},
	{"malformed inside", MALFORMED_INSIDE, TERN_ERROR_DECODE, 50},
	{"context inside", CONTEXT_INSIDE, TERN_ERROR_ILLEGAL_PARAMETER, 47},
	{"no certificate inside", NO_CERTIFICATE, TERN_ERROR_DECODE, 50},
	{"no flaw", NONE, TERN_OK, 0},
};

#define LIMIT 16384 /* tern_limits.message_bytes of who receives */

/* The certificate message that is compressed. */
static size_t inside(enum flaw flaw, struct span chain, uint8_t *out, size_t cap)
{
	struct certificate13 message = {.list = {.chain = {chain}, .num = flaw != NO_CERTIFICATE}};
	struct wr w = wr_of(out, cap);
	if (flaw == CONTEXT_INSIDE)
		message.context = span_of("c", 1);
	put_certificate13(&w, &message);
	assert_true(wr_ok(&w));
	if (flaw == MALFORMED_INSIDE)
		out[3] ^= 1;
	if (flaw == BOMB || flaw == LENGTH_OVER_LIMIT) {
		memset(out + w.n, 0, cap - w.n);
		return flaw == BOMB ? cap : LIMIT + 1;
	}
	return w.n;
}

static size_t flawed(enum flaw flaw, const struct compression_alg *alg, struct span chain, uint8_t *out, size_t cap)
{
	static uint8_t plain[1 << 20], small[1 << 16];
	size_t n = inside(flaw, chain, plain, sizeof plain);
	struct compressed_certificate m = {.algorithm = alg->id, .uncompressed_length = (uint32_t)n};
	struct wr w = wr_of(out, cap);
	m.compressed = span_of(small, alg->compress(small, sizeof small, span_of(plain, n)));
	assert_true(m.compressed.n > 0);
	if (flaw == UNKNOWN_ALGORITHM)
		m.algorithm = 0x4001;
	if (flaw == OTHER_ALGORITHM)
		m.algorithm = alg->id == 1 ? 2 : 1;
	if (flaw == NO_LENGTH)
		m.uncompressed_length = 0;
	if (flaw == LENGTH_SHORT || flaw == BOMB)
		m.uncompressed_length = flaw == BOMB ? LIMIT : m.uncompressed_length - 1;
	if (flaw == LENGTH_LONG)
		m.uncompressed_length++;
	if (flaw == LENGTH_HUGE)
		m.uncompressed_length = 0xffffff;
	if (flaw == CUT)
		m.compressed.n--;
	if (flaw == NOISE)
		m.compressed = span_of("\xf0\x0d\xf0\x0d\xf0\x0d\xf0\x0d\xf0\x0d", 10);
	if (flaw == NOTHING)
		m.compressed.n = 0;
	put_compressed_certificate(&w, &m);
	if (flaw == TRAILING)
		wr_u8(&w, 0);
	assert_true(wr_ok(&w));
	return w.n;
}

/* The peer sends what it has in place of its compressed certificate. */
static void check_flaw(const struct compression_alg *alg, size_t f, enum role sender)
{
	static uint8_t body[1 << 16];
	struct span chain = certificate(sender == SERVER ? "a.test" : "b.test", LONG_CHAIN);
	enum role receiver = sender == SERVER ? CLIENT : SERVER;
	tern_config *config[2] = {side(CLIENT, LONG_CHAIN, alg->name, true), side(SERVER, LONG_CHAIN, alg->name, true)};
	tern_limits limits = {.size = sizeof limits, .message_bytes = LIMIT};
	size_t n = flawed(flaws[f].flaw, alg, chain, body, sizeof body);
	tern_error error = flaws[f].error;
	struct span *slot;
	struct pair p;
	char name[96];
	snprintf(name, sizeof name, "%s: %s, from the %s", alg->name, flaws[f].name,
		 sender == SERVER ? "server" : "client");
	OK(tern_config_set_limits(config[receiver], &limits));
	pair_init(&p, config[CLIENT], config[SERVER]);
	slot = &config[sender]->credentials[0].compressed[0];
	heap_free_copy(&heap_default, (void *)(uintptr_t)slot->p, slot->n);
	*slot = span_of(heap_copy(&heap_default, body, n), n);
	dial(&p);
	if (flaws[f].flaw == NO_CERTIFICATE && sender == CLIENT)
		error = TERN_ERROR_CERTIFICATE_REQUIRED;
	check_is(name, p.side[receiver].error, error);
	if (error == TERN_OK) {
		check_connected(&p, name);
	} else {
		int alert = tern_conn_failure(p.side[sender].conn).alert;
		if (alert != (error == TERN_ERROR_CERTIFICATE_REQUIRED ? 116 : flaws[f].alert))
			fail_msg("%s: alert %d", name, alert);
	}
	pair_free(&p);
}

static void flaws_end_it(void **state)
{
	(void)state;
	for (size_t a = 0; compression_algs[a]; a++)
		for (size_t f = 0; f < NUM(flaws); f++)
			for (int sender = 0; sender < 2; sender++)
				check_flaw(compression_algs[a], f, (enum role)sender);
}

/* Not even a good one, to somebody who has not offered it: who receives forgets here that it has. */
static void not_offered(void **state)
{
	(void)state;
	if (!compression_algs[0])
		skip();
	for (int receiver = 0; receiver < 2; receiver++) {
		tern_config *config[2] = {side(CLIENT, LONG_CHAIN, tern_compression_names(), true),
					  side(SERVER, LONG_CHAIN, tern_compression_names(), true)};
		struct pair p;
		OK(tern_config_set_cookie(config[SERVER], false)); /* one hello */
		pair_init(&p, config[CLIENT], config[SERVER]);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		if (receiver == CLIENT)
			p.side[CLIENT].conn->hs->offered.present &= ~(uint32_t)HAS_COMPRESS_CERTIFICATE;
		while (receiver == SERVER && !(p.side[SERVER].conn && p.side[SERVER].conn->hs->compressed[SERVER]))
			assert_true(pair_carry(&p));
		if (receiver == SERVER)
			config[SERVER]->num_compression = 0;
		pair_run(&p, LONG_TIME);
		check_is("not offered", p.side[receiver].error, TERN_ERROR_UNEXPECTED_MESSAGE);
		pair_free(&p);
	}
}

/* ---- configuration ---- */

/* RFC 8446 4.6.2: a certificate of later holds the request's context, so it is none that was compressed beforehand, and
 * the request of it does not offer what its answer could not be. */
static void not_offered_after_the_handshake(void **state)
{
	tern_config *config = new_config13(NULL);
	struct tern_pool pool = {.config = config};
	(void)state;
	if (!built_in(tern_compression_names()))
		skip();
	OK(tern_config_set_certificate_compression(config, tern_compression_names()));
	for (int late = 0; late < 2; late++) {
		struct handshake hs = {.pool = &pool, .request_context = span_of("context", late ? 7 : 0)};
		struct certificate_request13 request;
		struct extensions ext;
		uint8_t out[256];
		struct wr w = wr_of(out, sizeof out);
		struct rd r;
		OK(put_cert_request13(&hs, &w));
		r = rd_of(wr_span(&w));
		assert_true(get_certificate_request13(&r, &request) && rd_end(&r));
		assert_true(get_extensions(request.extensions, IN_CERTIFICATE_REQUEST13, &ext));
		assert_int_equal((ext.present & HAS_COMPRESS_CERTIFICATE) != 0, !late);
	}
	tern_config_free(config);
}

static void arguments(void **state)
{
	static const struct {
		const char *name, *list;
		tern_error error;
	} cases[] = {
		{"none", NULL, TERN_OK},
		{"empty", "", TERN_ERROR_UNKNOWN_NAME},
		{"unknown", "lzma", TERN_ERROR_UNKNOWN_NAME},
		{"empty name behind", "zlib,", TERN_ERROR_UNKNOWN_NAME},
		{"twice", "zlib,zlib", TERN_ERROR_UNKNOWN_NAME},
		{"number", "1", TERN_ERROR_UNKNOWN_NAME},
	};
	tern_config *config = tern_config_new(NULL);
	(void)state;
	if (compression_algs[0])
		OK(tern_config_set_certificate_compression(config, tern_compression_names()));
	for (size_t i = NUM(cases); i-- > 0;) {
		size_t before = config->num_compression;
		check_is(cases[i].name, tern_config_set_certificate_compression(config, cases[i].list), cases[i].error);
		assert_int_equal(config->num_compression, cases[i].error == TERN_OK ? 0 : before);
	}
	tern_config_free(config);
	assert_int_equal(tern_config_set_certificate_compression(NULL, NULL), TERN_ERROR_USAGE);
}

/* Whatever allocation of a pool's fails: nothing is left, and it can be tried again. */
static void memory_runs_out_at_freezing(void **state)
{
	struct span own = certificate("a.test", LONG_CHAIN);
	tern_error error = TERN_ERROR_NO_MEMORY;
	(void)state;
	if (!compression_algs[0])
		skip();
	for (size_t fail = 1; error == TERN_ERROR_NO_MEMORY && fail < 100; fail++) {
		struct count_heap heap = {0};
		tern_allocator allocator = count_heap_allocator(&heap);
		tern_config *config = tern_config_new(&allocator);
		tern_pool *pool;
		OK(config_set_provider(config, &provider_stub));
		OK(tern_config_add_keypair(config, own.p, own.n, own.p, own.n));
		OK(tern_config_set_certificate_compression(config, tern_compression_names()));
		heap.fail_at = heap.allocs + fail;
		error = tern_pool_new(&pool, config);
		if (error != TERN_OK) {
			heap.fail_at = 0;
			OK(tern_pool_new(&pool, config));
		}
		assert_true(config->credentials[0].compressed[0].n > 0);
		assert_int_equal(tern_config_set_certificate_compression(config, NULL), TERN_ERROR_USAGE);
		tern_pool_free(pool);
		tern_config_free(config);
		assert_int_equal(heap.live, 0);
	}
	assert_int_equal(error, TERN_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(it_saves_datagrams),
		cmocka_unit_test(only_when_smaller),
		cmocka_unit_test(not_in_dtls12),
		cmocka_unit_test(verdict_may_take_its_time),
		cmocka_unit_test(flaws_end_it),
		cmocka_unit_test(not_offered),
		cmocka_unit_test(not_offered_after_the_handshake),
		cmocka_unit_test(arguments),
		cmocka_unit_test(memory_runs_out_at_freezing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
