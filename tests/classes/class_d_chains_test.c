/* Chains that were verified before: what else a handshake has to see stays to be seen. Over libcrypto, whose checks of
 * a chain are counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "handshake/config.h"
#include "pair.h"

#define LONG_TIME (UINT64_C(100) * 1000000000)
#define SECOND UINT64_C(1000000000)

static unsigned checks;
static struct provider counting;

static tern_error count_check(struct crypto *c, struct peer_chain *chain, const struct trust *trust,
			      enum purpose purpose, int64_t unix_s, int64_t *expires_unix_s)
{
	checks++;
	return provider_libcrypto.chain_check(c, chain, trust, purpose, unix_s, expires_unix_s);
}

static struct cert root, short_root, good, brief, below_short, for_servers;

static int make_world(void **state)
{
	(void)state;
	counting = provider_libcrypto;
	counting.chain_check = count_check;
	cert_make(&root, &(struct cert_options){.name = "root", .ca = true});
	cert_make(&short_root, &(struct cert_options){.name = "short", .ca = true, .from = -100, .to = 600});
	cert_make(&good, &(struct cert_options){.issuer = &root, .san = "DNS:a.test,DNS:b.test"});
	cert_make(&brief, &(struct cert_options){.issuer = &root, .san = "DNS:a.test", .from = -100, .to = 600});
	cert_make(&below_short, &(struct cert_options){.issuer = &short_root, .san = "DNS:a.test"});
	cert_make(&for_servers,
		  &(struct cert_options){.issuer = &root, .san = "DNS:a.test", .extended_key_usage = "serverAuth"});
	return 0;
}

static int free_world(void **state)
{
	struct cert *all[] = {&root, &short_root, &good, &brief, &below_short, &for_servers};
	(void)state;
	for (size_t i = 0; i < NUM(all); i++)
		cert_free(all[i]);
	certs_cleanup();
	return 0;
}

static tern_error sign_nonsense(void *user, tern_conn *conn, uint64_t job, uint16_t scheme, const uint8_t *tbs,
				size_t tbs_len, uint8_t *signature, size_t cap, size_t *len)
{
	(void)user;
	(void)conn;
	(void)job;
	(void)scheme;
	(void)tbs;
	(void)tbs_len;
	memset(signature, 0x30, cap < 64 ? cap : 64);
	*len = 64;
	return TERN_OK;
}

static tern_config *config_of(bool dtls13)
{
	tern_config *c = dtls13 ? new_config13(NULL) : new_config(NULL);
	OK(config_set_provider(c, &counting));
	return c;
}

/* The same certificate, and no key to it. */
static tern_config *impostor(const struct cert *cert, bool dtls13)
{
	tern_config *c = config_of(dtls13);
	OK(tern_config_add_signer(c, cert->pem, cert->pem_len, sign_nonsense, NULL));
	return c;
}

/* The same leaf with another certificate behind it. */
static tern_config *with_more(const struct cert *cert, bool dtls13)
{
	static char chain[sizeof cert->pem + sizeof root.pem];
	tern_config *c = config_of(dtls13);
	memcpy(chain, cert->pem, cert->pem_len);
	memcpy(chain + cert->pem_len, root.pem, root.pem_len);
	OK(tern_config_add_keypair(c, chain, cert->pem_len + root.pem_len, cert->key, cert->key_len));
	return c;
}

static void serve(struct pair *p, tern_config *config)
{
	struct side *s = &p->side[SERVER];
	pair_hang_up(p);
	tern_pool_free(s->pool);
	tern_config_free(s->config);
	s->config = config;
	OK(tern_pool_new(&s->pool, config));
}

static void connect_again(struct pair *p, const char *name)
{
	pair_hang_up(p);
	checks = 0;
	pair_dial(p, name, span_of(NULL, 0));
	pair_run(p, LONG_TIME);
}

/* The second handshake, after a good one with a.test: what has changed, how it ends, and how often a chain is checked.
 */
static const struct {
	const char *name;
	const struct cert *cert, *anchor;
	int64_t unix_s, mono_s;
	const char *host; /* NULL: a.test */
	tern_config *(*server)(const struct cert *cert, bool dtls13); /* NULL: the same */
	tern_error error;
	unsigned checks;
} cases[] = {
	{"nothing", &good, &root, .checks = 0},
	{"a bit later", &good, &root, 3599, 3599, .checks = 0},
	{"another name of it", &good, &root, .host = "b.test", .checks = 0},
	{"a name that is not its own", &good, &root, .host = "c.test", .error = TERN_ERROR_CERTIFICATE_NAME},
	{"an address", &good, &root, .host = "192.0.2.1", .error = TERN_ERROR_CERTIFICATE_NAME},
	{"an hour later", &good, &root, 3600, 3600, .checks = 1},
	{"an hour later, by the date", &good, &root, 3600, 0, .checks = 1},
	{"an hour later, the date stands still", &good, &root, 0, 3600, .checks = 1},
	{"the date went back", &good, &root, -1, 1, .checks = 1},
	{"the date went back to before it", &brief, &root, -200, 1, .error = TERN_ERROR_CERTIFICATE_NOT_YET_VALID,
	 .checks = 1},
	{"it has expired", &brief, &root, 600, 600, .error = TERN_ERROR_CERTIFICATE_EXPIRED, .checks = 1},
	{"it is about to", &brief, &root, 599, 599, .checks = 0},
	{"its issuer has expired", &below_short, &short_root, 600, 600, .error = TERN_ERROR_CERTIFICATE_EXPIRED,
	 .checks = 1},
	{"no key to it", &good, &root, .server = impostor, .error = TERN_ERROR_BAD_SIGNATURE},
	{"another chain of it", &good, &root, .server = with_more, .checks = 1},
};

/* CVE-2015-1793 and -2021-3450 were chains found good once too soon; to remember one must not make more of it than it
 * was. */
static void class_D14_remembered_chains(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2 * NUM(cases); i++) {
		unsigned k = i / 2;
		bool dtls13 = i % 2;
		tern_config *client = config_of(dtls13), *server = config_of(dtls13);
		struct pair p;
		add_trust(client, cases[k].anchor);
		add_cert(server, cases[k].cert);
		pair_init(&p, client, server);
		connect_again(&p, "a.test");
		check_is(cases[k].name, p.side[CLIENT].error, TERN_OK);
		assert_int_equal(checks, 1);
		p.now.unix_s += cases[k].unix_s;
		p.now.mono_ns += (uint64_t)cases[k].mono_s * SECOND;
		if (cases[k].server)
			serve(&p, cases[k].server(cases[k].cert, dtls13));
		connect_again(&p, cases[k].host ? cases[k].host : "a.test");
		check_is(cases[k].name, p.side[CLIENT].error, cases[k].error);
		if (pair_saw(&p, CLIENT, TERN_EVENT_CONNECTED) != (cases[k].error == TERN_OK) ||
		    checks != cases[k].checks)
			fail_msg("%s: the chain was checked %u times", cases[k].name, checks);
		pair_free(&p);
	}
}

/* One pool is client and server; the chain that is good for a server comes from a client. */
static void class_D15_remembered_for_a_purpose(void **state)
{
	(void)state;
	for (unsigned dtls13 = 0; dtls13 < 2; dtls13++) {
		struct pair p;
		tern_config *both = config_of(dtls13), *unused = config_of(dtls13);
		tern_pool *own;
		add_trust(both, &root);
		add_cert(both, &for_servers);
		OK(tern_config_set_client_auth(both, TERN_CLIENT_AUTH_REQUIRED));
		add_cert(unused, &good);
		pair_init(&p, both, unused);
		own = p.side[SERVER].pool;
		p.side[SERVER].pool = p.side[CLIENT].pool;
		connect_again(&p, "a.test");
		check_is("shown by a client", p.side[SERVER].error, TERN_ERROR_CERTIFICATE_KEY_USAGE);
		assert_false(pair_saw(&p, SERVER, TERN_EVENT_CONNECTED));
		assert_int_equal(checks, 2);
		pair_hang_up(&p);
		p.side[SERVER].pool = own;
		pair_free(&p);
	}
}

/* What failed is not remembered, and what is judged otherwise is judged each time. */
static void class_D16_only_successes(void **state)
{
	enum { UNTRUSTED, TURNED_OFF, PINNED, NUM_WAYS };
	(void)state;
	for (unsigned k = UNTRUSTED; k < NUM_WAYS; k++) {
		bool trusted = k != UNTRUSTED;
		tern_config *client = config_of(false), *server = config_of(false);
		char fingerprint[TERN_FINGERPRINT_TEXT];
		struct pair p;
		add_trust(client, trusted ? &root : &short_root);
		add_cert(server, &good);
		if (k == TURNED_OFF)
			OK(tern_config_set_remembered_chains(client, 0));
		if (k == PINNED) {
			cert_fingerprint_text(&good, fingerprint);
			OK(tern_config_add_fingerprint(client, fingerprint));
		}
		pair_init(&p, client, server);
		for (unsigned times = 0; times < 2; times++) {
			connect_again(&p, "a.test");
			check_is("each time", p.side[CLIENT].error,
				 trusted ? TERN_OK : TERN_ERROR_CERTIFICATE_UNKNOWN_ISSUER);
			assert_int_equal(checks, k == PINNED ? 0 : 1); /* a fingerprint asks for no chain */
		}
		pair_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(class_D14_remembered_chains),
		cmocka_unit_test(class_D15_remembered_for_a_purpose),
		cmocka_unit_test(class_D16_only_successes),
	};
	return cmocka_run_group_tests(tests, make_world, free_world);
}
