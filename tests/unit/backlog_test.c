/* endpoint/backlog.c */
#define _GNU_SOURCE /* struct mmsghdr */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "endpoint/endpoint.h"
#include "pcg.h"

#define ROUTES 3

static struct backlog new_backlog(void)
{
	struct backlog b = {.bytes = malloc(BACKLOG_BYTES), .key = {1, 2}};
	assert_non_null(b.bytes);
	return b;
}

static struct route route_of(unsigned number)
{
	return (struct route){.remote = {.port = (uint16_t)(1000 + number)}};
}

static bool put(struct backlog *b, unsigned route, uint8_t first, size_t n)
{
	static uint8_t bytes[DATAGRAM_MAX];
	struct arrival a = {bytes, n, route_of(route)};
	memset(bytes, first, n);
	return backlog_put(b, &a);
}

static void check(const struct arrival *a, unsigned route, uint8_t first, size_t n)
{
	struct route want = route_of(route);
	assert_memory_equal(&a->route, &want, sizeof want);
	assert_int_equal(a->len, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(a->bytes[i], first);
}

/* It takes so much and no more, and what was refused leaves no trace. */
static void full(void **state)
{
	struct backlog b = new_backlog();
	struct arrival a;
	static uint8_t room[DATAGRAM_MAX];
	struct route refused = route_of(9);
	unsigned taken = 0;
	(void)state;
	while (taken < 2000 && put(&b, taken % ROUTES, (uint8_t)taken, 1000))
		taken++;
	assert_true(taken >= 400 && taken <= BACKLOG_BYTES / 1000);
	assert_false(put(&b, 9, 9, 1000));
	assert_int_equal(b.num, taken);
	assert_false(backlog_holds(&b, &refused));
	for (unsigned i = 0; i < taken; i++) {
		assert_true(backlog_get(&b, &a, room));
		check(&a, i % ROUTES, (uint8_t)i, 1000);
	}
	assert_false(backlog_get(&b, &a, room));
	assert_int_equal(b.used, 0);
	free(b.bytes);
}

struct item {
	unsigned route;
	uint8_t first;
	size_t n;
};

/* The first of a list, or of a route in it. */
static size_t first_of(const struct item *list, size_t num, int route)
{
	size_t at = 0;
	while (route >= 0 && at < num && list[at].route != (unsigned)route)
		at++;
	return at;
}

/* Against a list that does the same, around the ring several times. */
static void against_a_list(void **state)
{
	static uint8_t room[DATAGRAM_MAX];
	struct backlog b = new_backlog();
	struct pcg pcg;
	struct item list[500];
	size_t num = 0;
	(void)state;
	pcg_seed(&pcg, 1, 1);
	for (unsigned step = 0; step < 6000; step++) {
		int route = (int)pcg_below(&pcg, ROUTES);
		struct route of = route_of((unsigned)route);
		struct arrival a;
		size_t at;
		if (num < 500 && pcg_percent(&pcg, step % 1000 < 500 ? 70 : 30)) {
			struct item item = {(unsigned)route, (uint8_t)step, pcg_below(&pcg, 1500)};
			if (put(&b, item.route, item.first, item.n))
				list[num++] = item;
			continue;
		}
		route = pcg_percent(&pcg, 50) ? route : -1;
		at = first_of(list, num, route);
		if (route >= 0)
			assert_int_equal(backlog_holds(&b, &of), at < num);
		assert_int_equal(route < 0 ? backlog_get(&b, &a, room) : backlog_get_of(&b, &of, &a, room), at < num);
		if (at == num)
			continue;
		check(&a, list[at].route, list[at].first, list[at].n);
		num--;
		memmove(list + at, list + at + 1, (num - at) * sizeof *list);
		assert_int_equal(b.num, num);
	}
	free(b.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full),
		cmocka_unit_test(against_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
