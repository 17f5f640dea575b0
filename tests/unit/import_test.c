/* src/handshake/import.c: RFC 9258, its derivations and handshakes with imported PSKs. */
#include "handshake/import.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/stub/stub.h"
#include "handshake/keys13.h"
#include "pair.h"
#include "wire_check.h"

#define LONG_TIME (UINT64_C(300) * 1000000000)
#define SHA384_ONLY "TLS_AES_256_GCM_SHA384"
#define SHA384_FIRST "TLS_AES_256_GCM_SHA384,TLS_AES_128_GCM_SHA256"

/* ---- derivations ---- */

#define NO_CONTEXT "0008 6465766963652d31 0000 fefc"
#define CONTEXT "0008 6465766963652d31 0012 636c69656e7420312c207365727665722032 fefc"

/* RFC 9258 has no examples. These were computed apart from this library, with HMAC and SHA-2 of Python, from the
 * external PSK 000102...0f of "device-1", without context and with "client 1, server 2". */
static const struct {
	const char *name;
	tern_psk_hash own;
	enum hash_id target;
	const char *identity, *ipsk, *binder_key;
} answers[] = {
	{"256 to 256", TERN_PSK_SHA256, HASH_SHA256, NO_CONTEXT "0001",
	 "886459e3b358144f57bed6079b0ea3b432f2d5d74764a261680d76bf45a15ead",
	 "6eb8cb3654cade1d54dc976ca579a783b0fa9642d525eef1842296ba7a8f813c"},
	{"256 to 256, context", TERN_PSK_SHA256, HASH_SHA256, CONTEXT "0001",
	 "4f0a55faf8a07b50da9d9cb3b9585dcd00ff8cba78358a1e2da9e683689ae9c9",
	 "bfc48687b502d85fd4233900a9542d6de92d88af4fac4090551a561396df0bc6"},
	{"256 to 384", TERN_PSK_SHA256, HASH_SHA384, NO_CONTEXT "0002",
	 "a37db42bc668c9fbf30b4644779997e2880613efe71a8e6c9dfff90d4224a77180f252ab43aaf29f9ff98acc35dd68a2",
	 "ccb69bf3cb6d04d46f672cc76669d30585059c35c31a0419e75c5a1e24fc70e8ca26d4a80b2900be4199a1d8ad363bc4"},
	{"256 to 384, context", TERN_PSK_SHA256, HASH_SHA384, CONTEXT "0002",
	 "3e6443ee061bad8cc0d6b1722ac0e1fdbdf2ad7274c6b5a5cde4a5b20b4bc16173c4d5d33f05d79ca5356566849fe7e3",
	 "9c5d7a005b2f0353fcdd6bc362165e458f0038e425088e7d5692baaeb4cb1dd4f8da9096433b31e9a1951d1ab0456bc7"},
	{"384 to 256", TERN_PSK_SHA384, HASH_SHA256, NO_CONTEXT "0001",
	 "2d87df763a43a12cb5ae72fb3e9520dd3e24ac1ac03e02cb77651c520cc369f8",
	 "96d8a8727d9acaed6dd1fe2cb2ff719956aaef9e2d82ccf19141227216e7c841"},
	{"384 to 384, context", TERN_PSK_SHA384, HASH_SHA384, CONTEXT "0002",
	 "8e95fd09eeb9b6224299815faa9028dbc5af526720a8efd65f700a5c4b522ff2d28f65b9810eebb291ad77fd52d46b6b",
	 "3d104cdea66401bc02e77620c762744f2ecabffd99155054c1a966634bbe6d73444957b0fb832aec94ff9fc4fe4d9b79"},
};

static void known_answers(void **state)
{
	struct bytes key = unhex("000102030405060708090a0b0c0d0e0f");
	(void)state;
	for (size_t i = 0; i < NUM(answers); i++) {
		struct bytes identity = unhex(answers[i].identity);
		const struct hash_alg *hash = provider_libcrypto.hash[answers[i].target];
		struct imported_psk psk;
		struct schedule13 schedule;
		uint8_t binder_key[SECRET13_MAX];
		if (!import_psk(&provider_libcrypto, answers[i].own, span_of_bytes(&key), span_of_bytes(&identity),
				&psk) ||
		    psk.hash != answers[i].target)
			fail_msg("%s", answers[i].name);
		check_span(span_of(psk.key, psk.key_len), answers[i].ipsk);
		check_span(psk.external, "6465766963652d31");
		schedule13_start(&schedule, hash, DTLS13_PREFIX, span_of(psk.key, psk.key_len));
		schedule13_binder_key(&schedule, binder_key, "imp binder");
		check_span(span_of(binder_key, hash->len), answers[i].binder_key);
	}
}

static void what_an_identity_was_imported_for(void **state)
{
	static const struct {
		const char *name, *hex;
		bool looks, ours;
		enum hash_id hash;
	} cases[] = {
		{"DTLS 1.3, SHA-256", "0002 6964 0000 fefc 0001", true, true, HASH_SHA256},
		{"DTLS 1.3, SHA-384", "0002 6964 0000 fefc 0002", true, true, HASH_SHA384},
		{"DTLS 1.3, another KDF", "0002 6964 0000 fefc 0003", true, false, HASH_NONE},
		{"DTLS 1.3, reserved KDF", "0002 6964 0000 fefc 0000", true, false, HASH_NONE},
		{"DTLS 1.2", "0002 6964 0000 fefd 0001", true, false, HASH_NONE},
		{"TLS 1.3", "0002 6964 0000 0304 0001", true, false, HASH_NONE},
		{"of that form by chance", "0002 6964 0000 6162 6364", false, false, HASH_NONE},
		{"plain", "6964", false, false, HASH_NONE},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct bytes in = unhex(cases[i].hex);
		enum hash_id hash = HASH_NONE;
		tern_bytes external = {NULL, 0}, context = {NULL, 9};
		if (imported_for(span_of_bytes(&in), &hash) != cases[i].looks || hash != cases[i].hash)
			fail_msg("%s: for", cases[i].name);
		if (tern_psk_imported(in.p, in.n, &external, &context) != cases[i].ours)
			fail_msg("%s: public", cases[i].name);
		if (cases[i].ours ? external.len != 2 || external.data != in.p + 2 || context.len != 0
				  : !!external.data)
			fail_msg("%s: parts", cases[i].name);
	}
}

/* ---- handshakes ---- */

static const tern_external_psk usual = {
	.size = sizeof usual,
	.identity = "device-1",
	.key = "0123456789abcdef",
	.context = "c to s",
	.identity_len = 8,
	.key_len = 16,
	.context_len = 6,
};

static tern_config *side13(void)
{
	tern_config *config = new_config13(NULL);
	OK(config_set_provider(config, &provider_stub));
	return config;
}

static void import(tern_config *config, const tern_external_psk *psk)
{
	OK(tern_config_import_psk(config, psk));
}

static void check_identity(struct pair *p, const char *name, const char *identity)
{
	for (int i = 0; i < 2; i++) {
		tern_info info = pair_info(p, (enum role)i);
		if (info.psk_identity_len != strlen(identity) ||
		    memcmp(info.psk_identity, identity, info.psk_identity_len) != 0)
			fail_msg("%s: identity", name);
		assert_true(info.peer_authenticated);
	}
}

static void check_connected(struct pair *p, const char *name)
{
	if (!pair_connected(p))
		fail_msg("%s: not connected: client %s, server %s", name, tern_error_name(p->side[CLIENT].error),
			 tern_error_name(p->side[SERVER].error));
	pair_check_data(p, name);
}

/* One key for each KDF: whatever suites the two sides share, it fits, with and without a retry. */
static void goes_with_every_suite(void **state)
{
	static const struct {
		const char *name, *client, *server, *suite;
	} cases[] = {
		{"both hashes", NULL, NULL, "TLS_AES_128_GCM_SHA256"},
		{"client likes SHA-384", SHA384_FIRST, NULL, "TLS_AES_256_GCM_SHA384"},
		{"server has SHA-384 alone", NULL, SHA384_ONLY, "TLS_AES_256_GCM_SHA384"},
		{"client has SHA-384 alone", SHA384_ONLY, NULL, "TLS_AES_256_GCM_SHA384"},
		{"client has SHA-256 alone", "TLS_CHACHA20_POLY1305_SHA256", NULL, "TLS_CHACHA20_POLY1305_SHA256"},
	};
	(void)state;
	for (size_t i = 0; i < 4 * NUM(cases); i++) {
		tern_config *client = side13(), *server = side13();
		size_t c = i / 4;
		struct pair p;
		if (cases[c].client)
			OK(tern_config_set_suites(client, cases[c].client));
		if (cases[c].server)
			OK(tern_config_set_suites(server, cases[c].server));
		if (i & 1)
			OK(tern_config_set_groups(server, "secp384r1"));
		OK(tern_config_set_cookie(server, i & 2));
		import(client, &usual);
		import(server, &usual);
		pair_init(&p, client, server);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_run(&p, LONG_TIME);
		check_connected(&p, cases[c].name);
		check_identity(&p, cases[c].name, "device-1");
		assert_string_equal(pair_info(&p, SERVER).suite, cases[c].suite);
		pair_free(&p);
	}
}

enum difference { SAME, CONTEXT_DIFFERS, NO_CONTEXT_THERE, HASH_DIFFERS, KEY_DIFFERS, IDENTITY_DIFFERS, PLAIN_THERE };

static void both_sides_must_import_the_same(void **state)
{
	static const struct {
		const char *name;
		enum difference difference;
		tern_error error;
	} cases[] = {
		{"same", SAME, TERN_OK},
		{"context", CONTEXT_DIFFERS, TERN_ERROR_UNKNOWN_PSK_IDENTITY},
		{"no context", NO_CONTEXT_THERE, TERN_ERROR_UNKNOWN_PSK_IDENTITY},
		{"identity", IDENTITY_DIFFERS, TERN_ERROR_UNKNOWN_PSK_IDENTITY},
		{"plain on the server", PLAIN_THERE, TERN_ERROR_UNKNOWN_PSK_IDENTITY},
		{"hash", HASH_DIFFERS, TERN_ERROR_BAD_BINDER},
		{"key", KEY_DIFFERS, TERN_ERROR_BAD_BINDER},
	};
	(void)state;
	for (size_t i = 0; i < 2 * NUM(cases); i++) {
		tern_config *client = side13(), *server = side13();
		tern_external_psk other = usual;
		enum difference d = cases[i / 2].difference;
		struct pair p;
		other.context = d == CONTEXT_DIFFERS ? "s to c" : usual.context;
		other.context_len = d == NO_CONTEXT_THERE ? 0 : usual.context_len;
		other.identity = d == IDENTITY_DIFFERS ? "device-2" : usual.identity;
		other.key = d == KEY_DIFFERS ? "0123456789abcdeg" : usual.key;
		other.hash = d == HASH_DIFFERS ? TERN_PSK_SHA384 : TERN_PSK_SHA256;
		import(client, &usual);
		if (d == PLAIN_THERE)
			OK(tern_config_add_psk(server, usual.identity, usual.identity_len, usual.key, usual.key_len));
		else
			import(server, &other);
		OK(tern_config_set_cookie(server, i % 2));
		pair_init(&p, client, server);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_run(&p, LONG_TIME);
		check_is(cases[i / 2].name, p.side[SERVER].error, cases[i / 2].error);
		if (cases[i / 2].error == TERN_OK)
			check_connected(&p, cases[i / 2].name);
		pair_free(&p);
	}
}

/* RFC 9258 5.2: the same bytes as identity and key, imported on one side and plain on the other, do not go together. */
static void binders_tell_imported_from_plain(void **state)
{
	(void)state;
	for (int who = 0; who < 2; who++) {
		tern_config *config[2] = {side13(), side13()};
		struct psk_entry *e;
		struct pair p;
		import(config[!who], &usual);
		e = &config[!who]->psks[0];
		OK(tern_config_add_psk(config[who], e->identity.p, e->identity.n, e->key.p, e->key.n));
		pair_init(&p, config[CLIENT], config[SERVER]);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_run(&p, LONG_TIME);
		check_is("binder", p.side[SERVER].error, TERN_ERROR_BAD_BINDER);
		pair_free(&p);
	}
}

/* A client may offer both forms; the server takes the one it has. */
static void beside_a_plain_one(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		tern_config *client = side13(), *server = side13();
		struct pair p;
		if (i & 1)
			import(client, &usual);
		OK(tern_config_add_psk(client, "plain", 5, "another key", 11));
		if (!(i & 1))
			import(client, &usual);
		if (i & 2)
			import(server, &usual);
		else
			OK(tern_config_add_psk(server, "plain", 5, "another key", 11));
		pair_init(&p, client, server);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_run(&p, LONG_TIME);
		check_connected(&p, "beside");
		check_identity(&p, "beside", i & 2 ? "device-1" : "plain");
		pair_free(&p);
	}
}

/* RFC 9258 4, 5.1: never in DTLS 1.2, whose hello does not even name the suites. */
static void not_in_dtls12(void **state)
{
	(void)state;
	for (int who = 0; who < 3; who++) {
		tern_config *config[2] = {new_config(NULL), new_config(NULL)};
		struct pair p;
		for (int i = 0; i < 2; i++) {
			OK(config_set_provider(config[i], &provider_stub));
			if (who == i || who == 2)
				import(config[i], &usual);
			else
				OK(tern_config_add_psk(config[i], usual.identity, usual.identity_len, usual.key,
						       usual.key_len));
		}
		pair_init(&p, config[CLIENT], config[SERVER]);
		if (who != SERVER) {
			tern_client_options options = {.size = sizeof options};
			tern_conn *conn;
			check_is("client", tern_client(&conn, p.side[CLIENT].pool, &options, p.now),
				 TERN_ERROR_NO_CREDENTIALS);
		} else {
			pair_dial(&p, "a.test", span_of(NULL, 0));
			pair_run(&p, LONG_TIME);
			check_is("server", p.side[SERVER].error, TERN_ERROR_NO_SHARED_SUITE);
		}
		pair_free(&p);
	}
}

/* ---- look-ups ---- */

static struct desk {
	unsigned asked;
	bool late;
	tern_psk psk;
	uint8_t external[64], context[64];
	bool imported;
} desk;

static tern_error on_psk(void *user, tern_conn *conn, uint64_t job, const uint8_t *identity, size_t identity_len,
			 const uint8_t *hint, size_t hint_len, tern_psk *answer)
{
	tern_bytes external, context;
	(void)user;
	(void)conn;
	(void)job;
	(void)hint;
	(void)hint_len;
	desk.asked++;
	desk.imported = tern_psk_imported(identity, identity_len, &external, &context);
	if (desk.imported) {
		memcpy(desk.external, external.data, external.len);
		memcpy(desk.context, context.data, context.len);
	}
	*answer = desk.psk;
	return desk.late ? TERN_PENDING : TERN_OK;
}

static void application_looks_up(void **state)
{
	static const struct {
		const char *name, *server_suites;
		bool client_imports, server_imports;
		tern_psk_hash hash;
		tern_error error;
	} cases[] = {
		{"imported", NULL, true, true, TERN_PSK_SHA256, TERN_OK},
		{"the second of its forms", SHA384_ONLY, true, true, TERN_PSK_SHA256, TERN_OK},
		{"another hash", NULL, true, true, TERN_PSK_SHA384, TERN_ERROR_BAD_BINDER},
		{"as a plain one", NULL, true, false, TERN_PSK_SHA256, TERN_ERROR_BAD_BINDER},
		{"a plain identity as imported", NULL, false, true, TERN_PSK_SHA256, TERN_ERROR_UNKNOWN_PSK_IDENTITY},
		{"plain", NULL, false, false, TERN_PSK_SHA256, TERN_OK},
	};
	(void)state;
	for (size_t i = 0; i < 4 * NUM(cases); i++) {
		tern_config *client = side13(), *server = side13();
		size_t c = i / 4;
		tern_answer answer = {.psk = &desk.psk};
		struct pair p;
		desk = (struct desk){.late = i & 1, .psk = {.key_len = usual.key_len, .hash = cases[c].hash}};
		memcpy(desk.psk.key, usual.key, usual.key_len);
		desk.psk.imported = cases[c].server_imports;
		if (cases[c].client_imports)
			import(client, &usual);
		else
			OK(tern_config_add_psk(client, usual.identity, usual.identity_len, usual.key, usual.key_len));
		if (cases[c].server_suites)
			OK(tern_config_set_suites(server, cases[c].server_suites));
		OK(tern_config_set_psk(server, on_psk, NULL));
		OK(tern_config_set_cookie(server, i & 2));
		pair_init(&p, client, server);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_settle(&p);
		if (desk.late) {
			assert_true(pair_saw(&p, SERVER, TERN_EVENT_PENDING));
			p.side[SERVER].error =
				tern_conn_resume(p.side[SERVER].conn, p.side[SERVER].job, &answer, p.now);
		}
		pair_run(&p, LONG_TIME);
		check_is(cases[c].name, p.side[SERVER].error, cases[c].error);
		assert_int_equal(desk.asked, 1);
		assert_int_equal(desk.imported, cases[c].client_imports);
		if (desk.imported) {
			assert_string_equal((const char *)desk.external, "device-1");
			assert_string_equal((const char *)desk.context, "c to s");
		}
		if (cases[c].error == TERN_OK) {
			check_connected(&p, cases[c].name);
			check_identity(&p, cases[c].name, "device-1");
		}
		pair_free(&p);
	}
}

/* Nor does an application's answer that is marked for import serve in DTLS 1.2, on either side. */
static void look_up_for_dtls12(void **state)
{
	(void)state;
	for (int who = 0; who < 2; who++) {
		tern_config *config[2] = {new_config(NULL), new_config(NULL)};
		struct pair p;
		for (int i = 0; i < 2; i++)
			OK(config_set_provider(config[i], &provider_stub));
		desk = (struct desk){.psk = {.identity_len = 8, .identity = "device-1", .key_len = 4, .key = "okay"}};
		desk.psk.imported = true;
		OK(tern_config_set_psk(config[who], on_psk, NULL));
		OK(tern_config_add_psk(config[!who], "device-1", 8, "okay", 4));
		pair_init(&p, config[CLIENT], config[SERVER]);
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_run(&p, LONG_TIME);
		check_is("1.2", p.side[who].error, TERN_ERROR_UNKNOWN_PSK_IDENTITY);
		pair_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(what_an_identity_was_imported_for),
		cmocka_unit_test(goes_with_every_suite),
		cmocka_unit_test(both_sides_must_import_the_same),
		cmocka_unit_test(binders_tell_imported_from_plain),
		cmocka_unit_test(beside_a_plain_one),
		cmocka_unit_test(not_in_dtls12),
		cmocka_unit_test(application_looks_up),
		cmocka_unit_test(look_up_for_dtls12),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
