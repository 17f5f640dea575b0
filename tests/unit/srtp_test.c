/* src/handshake/srtp.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "handshake/answers.h"
#include "usual_pair.h"

#define LABEL "EXTRACTOR-dtls_srtp"
#define CM80 "SRTP_AES128_CM_HMAC_SHA1_80"
#define CM32 "SRTP_AES128_CM_HMAC_SHA1_32"
#define GCM128 "SRTP_AEAD_AES_128_GCM"
#define GCM256 "SRTP_AEAD_AES_256_GCM"

static const tern_protocol versions[] = {TERN_DTLS12, TERN_DTLS13};

static void set(tern_config *c[2], tern_protocol version, const char *client, const char *server)
{
	usual_configs(c);
	OK(tern_config_set_versions(c[CLIENT], version, version));
	OK(tern_config_set_versions(c[SERVER], version, version));
	OK(tern_config_set_srtp(c[CLIENT], client));
	OK(tern_config_set_srtp(c[SERVER], server));
}

/* Both sides have the same keys, cut from the exporter's value in the order of RFC 5764 4.2. */
static void check_keys(const struct pair *p, const char *name, size_t key, size_t salt)
{
	uint8_t material[2 * (32 + 14)];
	tern_srtp_keys c, s;
	OK(tern_conn_srtp_keys(p->side[CLIENT].conn, &c));
	OK(tern_conn_srtp_keys(p->side[SERVER].conn, &s));
	OK(tern_conn_export(p->side[CLIENT].conn, material, 2 * (key + salt), LABEL, NULL, 0));
	if (memcmp(&c, &s, sizeof c) != 0 || c.key_len != key || c.salt_len != salt ||
	    memcmp(c.client_key, material, key) != 0 || memcmp(c.server_key, material + key, key) != 0 ||
	    memcmp(c.client_salt, material + 2 * key, salt) != 0 ||
	    memcmp(c.server_salt, material + 2 * key + salt, salt) != 0)
		fail_msg("%s: keys", name);
}

static void profiles(void **state)
{
	static const struct {
		const char *client, *server, *agreed;
		uint16_t id;
		size_t key, salt;
	} cases[] = {
		{CM80, CM80, CM80, 1, 16, 14},
		{CM32, CM32, CM32, 2, 16, 14},
		{GCM128, GCM128, GCM128, 7, 16, 12},
		{GCM256, GCM256, GCM256, 8, 32, 12},
		{GCM128 "," CM80, CM80 "," GCM128, CM80, 1, 16, 14}, /* the server's order */
		{GCM256 "," CM80, GCM128 "," CM80, CM80, 1, 16, 14},
		{GCM128, CM80, "", 0, 0, 0},
		{NULL, CM80, "", 0, 0, 0},
		{CM80, NULL, "", 0, 0, 0},
	};
	(void)state;
	for (size_t i = 0; i < 2 * NUM(cases); i++) {
		const char *agreed = cases[i / 2].agreed, *name = cases[i / 2].client ? cases[i / 2].client : "none";
		tern_config *c[2];
		tern_srtp_keys keys;
		struct pair p;
		set(c, versions[i % 2], cases[i / 2].client, cases[i / 2].server);
		connect_pair(&p, c);
		for (enum role who = CLIENT; who <= SERVER; who++) {
			tern_info info = pair_info(&p, who);
			assert_string_equal(info.srtp, agreed);
			assert_int_equal(info.srtp_id, cases[i / 2].id);
			if (!agreed[0])
				check_is(name, tern_conn_srtp_keys(p.side[who].conn, &keys), TERN_ERROR_USAGE);
		}
		if (agreed[0])
			check_keys(&p, name, cases[i / 2].key, cases[i / 2].salt);
		pair_free(&p);
	}
}

/* A resumed handshake agrees anew, and gives other keys. */
static void resumption(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(versions); i++) {
		uint8_t session[TERN_SESSION_MAX];
		tern_srtp_keys first, second;
		tern_config *c[2];
		struct pair p;
		size_t len;
		set(c, versions[i], GCM128, GCM128);
		connect_pair(&p, c);
		OK(tern_conn_srtp_keys(p.side[CLIENT].conn, &first));
		OK(tern_conn_session(p.side[CLIENT].conn, session, sizeof session, &len));
		pair_hang_up(&p);
		pair_dial(&p, "a.test", span_of(session, len));
		pair_settle(&p);
		assert_true(pair_connected(&p) && pair_info(&p, SERVER).resumed);
		check_keys(&p, "resumed", 16, 12);
		OK(tern_conn_srtp_keys(p.side[CLIENT].conn, &second));
		assert_memory_not_equal(first.client_key, second.client_key, 16);
		pair_free(&p);
	}
}

/* They are there as long as the exporter is. */
static void times(void **state)
{
	tern_config *c[2];
	tern_srtp_keys keys;
	struct pair p;
	(void)state;
	set(c, TERN_DTLS13, GCM128, GCM128);
	pair_init(&p, c[CLIENT], c[SERVER]);
	pair_dial(&p, "a.test", span_of(NULL, 0));
	assert_int_equal(tern_conn_srtp_keys(p.side[CLIENT].conn, &keys), TERN_ERROR_NOT_CONNECTED);
	pair_settle(&p);
	OK(tern_conn_close(p.side[CLIENT].conn, p.now));
	OK(tern_conn_srtp_keys(p.side[CLIENT].conn, &keys));
	pair_free(&p);
}

/* RFC 5764 4.1.1 and 4.1.3: one of what was offered, with no MKI where none was. */
static void answers_to_a_client(void **state)
{
	static const uint8_t offered[] = {0, 7, 0, 1}, second[] = {0, 1}, foreign[] = {0, 8}, mki[] = {9};
	static const struct {
		const char *name;
		struct extensions ext;
		tern_error error;
		uint16_t id;
	} cases[] = {
		{"none", {.present = 0}, TERN_OK, 0},
		{"one of them", {.present = HAS_USE_SRTP, .srtp_profiles = {second, 2}}, TERN_OK, 1},
		{"another", {.present = HAS_USE_SRTP, .srtp_profiles = {foreign, 2}}, TERN_ERROR_ILLEGAL_PARAMETER, 0},
		{"with an MKI",
		 {.present = HAS_USE_SRTP, .srtp_profiles = {second, 2}, .srtp_mki = {mki, 1}},
		 TERN_ERROR_ILLEGAL_PARAMETER,
		 0},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		tern_failure failure = {.error = TERN_OK};
		struct handshake hs = {.failure = &failure, .offered.srtp_profiles = {offered, sizeof offered}};
		check_is(cases[i].name, take_srtp(&hs, &cases[i].ext), cases[i].error);
		assert_int_equal(hs.outcome.srtp ? hs.outcome.srtp->id : 0, cases[i].id);
	}
}

/* A client's MKI is neither refused nor taken up: RFC 5764 4.1.3. */
static void answer_of_a_server(void **state)
{
	static const uint8_t asked[] = {0x12, 0x34, 0, 1}, mki[] = {9}, want[] = {0, 14, 0, 5, 0, 2, 0, 1, 0};
	const struct extensions ext = {.present = HAS_USE_SRTP,
				       .srtp_profiles = {asked, sizeof asked},
				       .srtp_mki = {mki, 1}};
	tern_config *config = new_config(NULL);
	struct tern_pool pool = {.config = config};
	tern_failure failure = {.error = TERN_OK};
	struct handshake hs = {.failure = &failure, .pool = &pool};
	struct extensions answer = {.present = 0};
	uint8_t first[256], out[16];
	struct wr w = wr_of(out, sizeof out);
	(void)state;
	OK(tern_config_set_srtp(config, GCM128 "," CM80));
	arena_init(&hs.arena, &config->heap, first, sizeof first, 0);
	OK(answer_srtp(&hs, &ext, &answer));
	put_extensions(&w, IN_ENCRYPTED_EXTENSIONS, &answer);
	assert_true(span_equal(wr_span(&w), span_of(want, sizeof want)));
	arena_init(&hs.arena, &config->heap, NULL, 0, 0);
	assert_int_equal(answer_srtp(&hs, &ext, &answer), TERN_ERROR_BUDGET);
	tern_config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profiles),
		cmocka_unit_test(resumption),
		cmocka_unit_test(times),
		cmocka_unit_test(answers_to_a_client),
		cmocka_unit_test(answer_of_a_server),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
