/* Memory runs out at every place in turn: nothing leaks, nothing breaks, and what happens is an error or a completed
 * handshake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "count_heap.h"
#include "usual_pair.h"

#define S UINT64_C(1000000000)

enum shape { FULL, MUTUAL, PSK, RESUMED, FRAGMENTED, WIDE_WINDOW, NUM_SHAPES };
static const char *const shapes[NUM_SHAPES] = {"full", "mutual", "PSK", "resumed", "fragmented", "wide window"};
static bool dtls13;

static void make_pair(struct pair *p, enum shape shape, const tern_allocator *heap)
{
	tern_config *client = dtls13 ? new_config13(heap) : new_config(heap);
	tern_config *server = dtls13 ? new_config13(heap) : new_config(heap);
	tern_limits limits = {.size = sizeof limits,
			      .mtu = shape == FRAGMENTED ? 200 : 1200,
			      .replay_window = shape == WIDE_WINDOW ? 1024 : 64};
	OK(tern_config_set_limits(client, &limits));
	OK(tern_config_set_limits(server, &limits));
	if (shape == PSK) {
		OK(tern_config_add_psk(client, "id", 2, "secret", 6));
		OK(tern_config_add_psk(server, "id", 2, "secret", 6));
	} else {
		add_trust(client, &root);
		add_cert(client, &leaf);
		add_cert(server, &leaf);
		add_trust(server, &root);
		OK(tern_config_set_client_auth(server,
					       shape == MUTUAL ? TERN_CLIENT_AUTH_REQUIRED : TERN_CLIENT_AUTH_NONE));
	}
	OK(tern_config_set_alpn(client, "a"));
	OK(tern_config_set_alpn(server, "a"));
	pair_init(p, client, server);
}

/* In DTLS 1.3 with new keys for both. */
static void change_keys(struct pair *p)
{
	struct side *c = &p->side[CLIENT];
	if (!pair_connected(p) || c->error != TERN_OK || p->side[SERVER].error != TERN_OK)
		return;
	c->error = tern_conn_rekey(c->conn, true, p->now);
	pair_settle(p);
	for (int i = 0; i < 5 && pair_wait(p, p->now.mono_ns + 10 * S); i++)
		pair_settle(p);
}

/* Fails once at the k-th allocation, or from it on. Tells whether it came to that. */
static bool fails_at(enum shape shape, size_t k, bool once)
{
	struct count_heap h = {0};
	const tern_allocator heap = count_heap_allocator(&h);
	struct pair p;
	uint8_t session[TERN_SESSION_MAX];
	size_t n = 0, calls;
	bool reached, failed;
	make_pair(&p, shape, &heap);
	if (shape == RESUMED) {
		pair_dial(&p, "a.test", span_of(NULL, 0));
		pair_settle(&p);
		OK(tern_conn_session(p.side[CLIENT].conn, session, sizeof session, &n));
		pair_hang_up(&p);
	}
	calls = h.allocs;
	h.fail_at = h.allocs + k + 1;
	h.fail_on = !once;
	pair_dial(&p, "a.test", n ? span_of(session, n) : span_of(NULL, 0));
	pair_run(&p, 150 * S);
	if (dtls13)
		change_keys(&p);
	reached = h.allocs - calls > k;
	failed = p.side[CLIENT].error != TERN_OK || p.side[SERVER].error != TERN_OK;
	if (!pair_connected(&p) && (!reached || !failed))
		fail_msg("%s, failing at %zu: neither connected nor an error", shapes[shape], k);
	h.fail_at = 0; /* a record for which there is no expanded key is lost, no more */
	if (!failed)
		pair_check_data(&p, shapes[shape]);
	pair_free(&p);
	if (h.live)
		fail_msg("%s, failing at %zu: %zu bytes are left", shapes[shape], k, h.live);
	return reached;
}

static void every_allocation(void)
{
	for (int shape = 0; shape < NUM_SHAPES; shape++) {
		size_t k = 0;
		while (fails_at((enum shape)shape, k, false) && k < 500)
			k++;
		assert_true(k > 3 && k < 500);
		k = 0;
		while (fails_at((enum shape)shape, k, true) && k < 500)
			k++;
		assert_true(k > 3 && k < 500);
	}
}

static void every_allocation_of_1_2(void **state)
{
	(void)state;
	dtls13 = false;
	every_allocation();
}

static void every_allocation_of_1_3(void **state)
{
	(void)state;
	dtls13 = true;
	every_allocation();
}

/* Pools: made, or not. */
static void pools(void **state)
{
	(void)state;
	for (size_t k = 0;; k++) {
		struct count_heap h = {0};
		const tern_allocator heap = count_heap_allocator(&h);
		tern_config *config;
		tern_pool *pool = NULL;
		tern_error error;
		config = new_config(&heap);
		OK(tern_config_set_insecure_no_verify(config));
		h.fail_at = h.allocs + k + 1;
		h.fail_on = true;
		error = tern_pool_new(&pool, config);
		if (error == TERN_OK) {
			assert_true(k > 2);
			tern_pool_free(pool);
			tern_config_free(config);
			assert_int_equal(h.live, 0);
			return;
		}
		check_is("pool", error, TERN_ERROR_NO_MEMORY);
		tern_config_free(config);
		assert_int_equal(h.live, 0);
		assert_true(k < 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_allocation_of_1_2),
		cmocka_unit_test(every_allocation_of_1_3),
		cmocka_unit_test(pools),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
