/* endpoint/admit.c: budgets without sockets. */
#define _GNU_SOURCE /* struct mmsghdr */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "endpoints.h"

static tern_endpoint *new_endpoint(uint32_t per_prefix, uint32_t signatures_per_s)
{
	tern_endpoint *endpoint = calloc(1, sizeof *endpoint);
	assert_non_null(endpoint);
	endpoint->key[0] = 5;
	endpoint->options = (tern_endpoint_options){.max_handshakes = 1000,
						    .max_handshakes_per_prefix = per_prefix,
						    .signatures_per_s = signatures_per_s,
						    .max_peers = 1000};
	endpoint->now.mono_ns = 1000 * SECOND_NS;
	return endpoint;
}

static bool may_begin(tern_endpoint *endpoint, const char *text)
{
	struct route route = {0};
	uint16_t flags = 0;
	tern_address address;
	bool admitted;
	assert_true(tern_endpoint_parse(&address, text));
	assert_true(ip_from_address(&route.remote, &address));
	admitted = admit(endpoint, &route, &flags);
	assert_int_equal(flags, admitted ? SLOT_SERVER | SLOT_SIGNS : 0);
	return admitted;
}

/* Whoever has a /24 of IPv4 or a /56 of IPv6 has one budget, whatever the address and port. */
static void prefixes(void **state)
{
	static const struct {
		const char *name, *first, *second, *same, *other;
	} cases[] = {
		{"IPv4", "192.0.2.1:1000", "192.0.2.1:1001", "192.0.2.200:1000", "192.0.3.1:1000"},
		{"IPv6", "[2001:db8:0:100::1]:1000", "[2001:db8:0:100::1]:1001", "[2001:db8:0:1ff:9::2]:1000",
		 "[2001:db8:0:200::1]:1000"},
		{"IPv4 in IPv6", "[::ffff:192.0.2.1]:1000", "[::ffff:192.0.2.1]:1001", "[::ffff:192.0.2.200]:1000",
		 "[::ffff:192.0.3.1]:1000"},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		tern_endpoint *endpoint = new_endpoint(2, 1000);
		print_message("%s\n", cases[i].name);
		assert_true(may_begin(endpoint, cases[i].first));
		assert_true(may_begin(endpoint, cases[i].second));
		assert_false(may_begin(endpoint, cases[i].same));
		assert_int_equal(atomic_load(&endpoint->counters[COUNT_refused_prefix]), 1);
		assert_true(may_begin(endpoint, cases[i].other));
		free(endpoint);
	}
}

/* A second's worth at most is saved up, however quiet it was. */
static void allowance(void **state)
{
	tern_endpoint *endpoint = new_endpoint(1000, 4);
	(void)state;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 4; i++)
			assert_true(may_begin(endpoint, "192.0.2.1:1"));
		assert_false(may_begin(endpoint, "192.0.2.1:1"));
		endpoint->now.mono_ns += SECOND_NS / 4;
		assert_true(may_begin(endpoint, "192.0.2.1:1"));
		assert_false(may_begin(endpoint, "192.0.2.1:1"));
		endpoint->now.mono_ns += 3600 * SECOND_NS;
	}
	assert_int_equal(atomic_load(&endpoint->counters[COUNT_refused_signatures]), 6);
	free(endpoint);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes),
		cmocka_unit_test(allowance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
