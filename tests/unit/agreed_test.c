/* src/connection/agreed.c, and what an idle connection holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "count_heap.h"
#include "handshake/version.h"
#include "usual_pair.h"

#define S UINT64_C(1000000000)

static const struct provider *const provider = &provider_libcrypto;

/* Both versions, as much and as little as there may be; with and without the last secret. */
static void what_goes_in_comes_out(void **state)
{
	static const struct {
		const struct version *version;
		uint16_t suite, group, scheme, srtp;
		const char *alpn, *server_name, *psk_identity;
		bool fingerprint, with_peer, last_secret;
		size_t secrets; /* bytes of the union that come back */
		size_t apart; /* bytes that are allocated */
	} cases[] = {
		{&version12, 0xc02b, 23, 0x0403, 7, "coap", "a.test", "", true, false, true, 112, 32 + 4 + 6},
		{&version12, 0x00a8, 0, 0, 0, "", "", "device", false, false, false, 112, 0},
		{&version12, 0x00a8, 0, 0, 0, "", "", "a device of seventeen", false, false, false, 112, 21},
		{&version13, 0x1301, 29, 0x0804, 8, "h", "", "an identity", true, true, true, 3 * SECRET13_MAX + 32,
		 32 + 1 + 11},
		{&version13, 0x1302, 24, 0x0403, 0, "", "b.test", "", false, true, false, 3 * SECRET13_MAX,
		 3 * 48 + 32 + 6},
		{&version13, 0x1301, 23, 0, 0, "", "", "", false, false, false, 2 * SECRET13_MAX + 32, 0},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct count_heap heap = {0};
		tern_allocator allocator = count_heap_allocator(&heap);
		struct outcome in = {
			.version = cases[i].version,
			.suite = suite_by_id(cases[i].suite),
			.group = group_by_id(provider, cases[i].group),
			.scheme = scheme_by_id(cases[i].scheme),
			.srtp = srtp_by_id(cases[i].srtp),
			.compression = compression_algs[0],
			.extended_master_secret = i % 2,
			.resumed = i % 3,
			.peer_authenticated = i % 2 == 0,
			.has_peer_fingerprint = cases[i].fingerprint,
			.early = TERN_EARLY_DATA_REJECTED,
			.early_reason = TERN_EARLY_REASON_AGE,
			.alpn = span_of(cases[i].alpn, strlen(cases[i].alpn)),
			.server_name = span_of(cases[i].server_name, strlen(cases[i].server_name)),
			.psk_identity = span_of(cases[i].psk_identity, strlen(cases[i].psk_identity)),
		};
		const struct hash_alg *hash = provider->hash[in.suite->hash];
		size_t len = in.version->secret_len ? in.version->secret_len : hash->len;
		struct outcome out;
		struct agreed a = {0};
		for (size_t k = 0; k < sizeof in.secrets; k++)
			in.secrets[k] = (uint8_t)(k + 1);
		memset(in.peer_fingerprint, cases[i].fingerprint ? 9 : 0, sizeof in.peer_fingerprint);
		OK(agreed_take(&a, &allocator, &in, hash, cases[i].with_peer, cases[i].last_secret));
		assert_int_equal(heap.live, cases[i].apart);
		agreed_outcome(&a, provider, &out);
		for (size_t k = 0; k < sizeof in.secrets; k++)
			assert_int_equal(out.secrets[k],
					 k < cases[i].secrets && k % SECRET13_MAX < len
						 ? in.secrets[k]
						 : (in.version->num_secrets == 1 && k < len ? in.secrets[k] : 0));
		assert_ptr_equal(out.version, in.version);
		assert_ptr_equal(out.suite, in.suite);
		assert_ptr_equal(out.group, in.group);
		assert_ptr_equal(out.scheme, in.scheme);
		assert_ptr_equal(out.srtp, in.srtp);
		assert_ptr_equal(out.compression, in.compression);
		assert_true(out.extended_master_secret == in.extended_master_secret && out.resumed == in.resumed &&
			    out.peer_authenticated == in.peer_authenticated && out.early == in.early &&
			    out.early_reason == in.early_reason);
		assert_true(span_equal(out.alpn, in.alpn) && span_equal(out.server_name, in.server_name) &&
			    span_equal(out.psk_identity, in.psk_identity));
		assert_int_equal(out.has_peer_fingerprint, cases[i].fingerprint);
		assert_memory_equal(out.peer_fingerprint, in.peer_fingerprint, sizeof in.peer_fingerprint);
		/* Somebody shows who he is later: only where there is room. */
		in.has_peer_fingerprint = true;
		memset(in.peer_fingerprint, 7, sizeof in.peer_fingerprint);
		agreed_set_peer(&a, &in);
		agreed_public(&a, provider, &out);
		assert_int_equal(out.has_peer_fingerprint, cases[i].with_peer || cases[i].fingerprint);
		assert_true(span_equal(out.server_name, in.server_name));
		agreed_free(&a, &allocator);
		assert_int_equal(heap.live, 0);
	}
}

/* AES-128-GCM and SHA-256, a window of 64, certificates, a record each way and ten quiet minutes. */
static void idle_memory(void **state)
{
	static const struct {
		const char *suite;
		bool dtls13;
		size_t most[2]; /* bytes from the allocator, by role */
	} cases[] = {
		{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", false, {640, 600}},
		{"TLS_AES_128_GCM_SHA256", true, {728, 688}},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct count_heap heap[2] = {{0}};
		tern_allocator allocator[2];
		tern_config *c[2];
		struct pair p;
		for (int k = 0; k < 2; k++) {
			allocator[k] = count_heap_allocator(&heap[k]);
			c[k] = cases[i].dtls13 ? new_config13(&allocator[k]) : new_config(&allocator[k]);
			OK(tern_config_set_suites(c[k], cases[i].suite));
			OK(tern_config_set_groups(c[k], "secp256r1")); /* nothing of the hello is dropped and counted */
			OK(tern_config_set_tickets(c[k], false));
		}
		add_trust(c[CLIENT], &root);
		add_cert(c[SERVER], &leaf);
		connect_pair(&p, c);
		pair_check_data(&p, cases[i].suite);
		p.now.mono_ns += 600 * S;
		for (int k = 0; k < 2; k++) {
			size_t before, held;
			OK(tern_conn_tick(p.side[k].conn, p.now));
			pair_events(&p, (enum role)k);
			before = heap[k].live;
			tern_conn_free(p.side[k].conn);
			p.side[k].conn = NULL;
			held = before - heap[k].live;
			if (held > cases[i].most[k])
				fail_msg("%s: the %s holds %zu bytes", cases[i].suite,
					 k == CLIENT ? "client" : "server", held);
		}
		pair_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out),
		cmocka_unit_test(idle_memory),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
