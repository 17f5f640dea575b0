/* When a connection is gone, so are its secrets: none is left anywhere in the process's memory, be it the heap (of
 * libcrypto too) or the stack. What is looked for is kept inverted, so that the search does not find itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "handshake/config.h"
#include "handshake/keyring.h"
#include "handshake/pool.h"
#include "handshake/version.h"
#include "record/epochs.h"
#include "usual_pair.h"

#define S UINT64_C(1000000000)
#define NEEDLE 16 /* bytes of a secret that give it away */
#define NEEDLES 4096
#define REGION_MAX (UINT64_C(1) << 28)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static struct {
	const char *name;
	uint8_t inverted[NEEDLE];
} needles[NEEDLES];
static size_t num_needles;

static void invert(uint8_t out[NEEDLE], const uint8_t *p)
{
	for (size_t i = 0; i < NEEDLE; i++)
		out[i] = p[i] ^ 0xff;
}

/* A secret, unless it is known or there is none yet. */
static void remember(const char *name, const void *p)
{
	uint8_t inverted[NEEDLE];
	size_t same = 0;
	invert(inverted, p);
	for (size_t i = 0; i < NEEDLE; i++)
		same += inverted[i] == inverted[0];
	if (same == NEEDLE)
		return;
	for (size_t i = 0; i < num_needles; i++)
		if (memcmp(needles[i].inverted, inverted, NEEDLE) == 0)
			return;
	assert_true(num_needles < NEEDLES);
	needles[num_needles].name = name;
	memcpy(needles[num_needles++].inverted, inverted, NEEDLE);
}

/* ---- searching ---- */

/* The first two bytes of a needle choose those to compare with. */
static uint8_t heads[65536 / 8];

static bool may_begin(const uint8_t *p)
{
	unsigned head = (unsigned)p[0] << 8 | p[1];
	return heads[head / 8] >> head % 8 & 1;
}

static const char *needle_at(const uint8_t *p)
{
	for (size_t i = 0; i < num_needles; i++) {
		size_t n = 0;
		while (n < NEEDLE && p[n] + needles[i].inverted[n] == 0xff)
			n++;
		if (n == NEEDLE)
			return needles[i].name;
	}
	return NULL;
}

static unsigned search(const uint8_t *p, size_t n, const char *where, bool quiet)
{
	unsigned found = 0;
	for (size_t i = 0; i + NEEDLE <= n; i++) {
		const char *name = may_begin(p + i) ? needle_at(p + i) : NULL;
		if (!name)
			continue;
		found++;
		if (!quiet && found < 8)
			print_message("%s is left at %p, in %s", name, (const void *)(p + i), where);
	}
	return found;
}

/* Everything that can be written to. */
static unsigned search_all(bool quiet)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	unsigned found = 0;
	assert_non_null(maps);
	memset(heads, 0, sizeof heads);
	for (size_t i = 0; i < num_needles; i++) {
		unsigned head = (unsigned)(needles[i].inverted[0] ^ 0xff) << 8 | (needles[i].inverted[1] ^ 0xff);
		heads[head / 8] |= (uint8_t)(1u << head % 8);
	}
	while (fgets(line, sizeof line, maps)) {
		unsigned long from, to;
		char access[8];
		if (sscanf(line, "%lx-%lx %7s", &from, &to, access) != 3 || strncmp(access, "rw", 2) != 0 ||
		    strstr(line, "[vv") || to - from > REGION_MAX)
			continue;
		found += search((const uint8_t *)from, to - from, line, quiet); /* NOLINT(performance-no-int-to-ptr) */
	}
	assert_int_equal(fclose(maps), 0);
	return found;
}

/* ---- what is secret ---- */

static void remember_epochs(const struct record_layer *l)
{
	remember("a read key", raw_key_bytes(&l->in.key));
	remember("a write key", raw_key_bytes(&l->out.key));
	if (raw_key_sn(&l->in.key))
		remember("a record number key", raw_key_sn(&l->in.key));
	if (raw_key_sn(&l->out.key))
		remember("a record number key", raw_key_sn(&l->out.key));
	for (const struct older_read *o = l->older_in; o; o = o->next)
		remember("an older read key", raw_key_bytes(&o->e.key));
	for (const struct older_write *o = l->older_out; o; o = o->next)
		remember("an older write key", raw_key_bytes(&o->e.key));
}

static void remember_outcome(const struct outcome *o)
{
	if (!o->version || !o->version->acknowledges) { /* DTLS 1.2 */
		remember("the master secret", o->master);
		return;
	}
	remember("the client's traffic secret", o->traffic_secret[CLIENT]);
	remember("the server's traffic secret", o->traffic_secret[SERVER]);
	remember("the exporter secret", o->exporter_secret);
	remember("the resumption secret", o->resumption_secret);
}

static void remember_agreed(const struct agreed *k)
{
	struct outcome o;
	agreed_outcome(k, &provider_libcrypto, &o);
	remember_outcome(&o);
	wipe(&o, sizeof o);
}

static void remember_handshake(const struct handshake *hs)
{
	remember_outcome(&hs->outcome);
	remember("the client's handshake secret", hs->handshake_secret[CLIENT]);
	remember("the server's handshake secret", hs->handshake_secret[SERVER]);
	remember("the secret of the schedule", hs->schedule.secret);
	remember("a private share", hs->share.bytes);
	for (size_t i = 0; i < OFFERED_SHARES; i++)
		remember("a private share", hs->shares[i].bytes);
	remember("the premaster secret", hs->premaster);
}

static void remember_pair(const struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		const tern_conn *conn = p->side[i].conn;
		if (!conn)
			continue;
		remember_epochs(&conn->records);
		if (conn->agreed.suite)
			remember_agreed(&conn->agreed);
		if (conn->hs)
			remember_handshake(conn->hs);
	}
}

static bool watch(struct pair *p, struct datagram_on_wire *d)
{
	(void)d;
	remember_pair(p);
	return true;
}

/* ---- connections and their ends ---- */

enum shape { CERTIFICATES, WITH_PSK, NUM_SHAPES };
static const char psk[] = "a pre-shared key";

static void prepare(struct pair *p, enum shape shape, bool dtls13)
{
	tern_config *c[2];
	for (int i = 0; i < 2; i++) {
		c[i] = dtls13 ? new_config13(NULL) : new_config(NULL);
		if (shape == WITH_PSK)
			OK(tern_config_add_psk(c[i], "id", 2, psk, 16));
	}
	if (shape == CERTIFICATES) {
		add_trust(c[CLIENT], &root);
		add_cert(c[SERVER], &leaf);
	}
	pair_init(p, c[CLIENT], c[SERVER]);
	p->tap = watch;
}

/* After so many datagrams: all of a handshake and of what follows it. */
static void run_for(struct pair *p, unsigned datagrams, bool *complete)
{
	pair_dial(p, p->side[CLIENT].config->num_psks ? NULL : "a.test", span_of(NULL, 0));
	for (unsigned i = 0; i < datagrams && pair_carry(p); i++)
		remember_pair(p);
	*complete = pair_connected(p) && p->carried < datagrams;
	remember_pair(p);
}

enum end { FREED, CLOSED, BROKEN, NUM_ENDS };
static const char *const ends[NUM_ENDS] = {"freed", "closed", "broken"};

static void end(struct pair *p, enum end how)
{
	static const uint8_t alert[] = {2, 40};
	for (int i = 0; i < 2; i++) {
		if (!p->side[i].conn)
			continue;
		if (how == CLOSED)
			(void)!tern_conn_close(p->side[i].conn, p->now);
		if (how == BROKEN)
			pair_forge(p, (enum role)i, CONTENT_ALERT, 0, 100, alert, sizeof alert);
	}
	if (how != FREED)
		pair_settle(p);
	remember_pair(p);
	pair_hang_up(p);
}

static void nothing_stays(bool dtls13)
{
	for (int shape = 0; shape < NUM_SHAPES; shape++) {
		struct pair p;
		bool complete = false;
		prepare(&p, (enum shape)shape, dtls13);
		for (unsigned n = 1; n < 30 && !complete; n++) {
			for (int how = 0; how < NUM_ENDS; how++) {
				num_needles = 0;
				run_for(&p, n, &complete);
				end(&p, (enum end)how);
				memset(p.queue, 0, sizeof p.queue);
				if (search_all(false))
					fail_msg("shape %d, %s after %u datagrams", shape, ends[how], n);
			}
		}
		assert_true(complete && num_needles >= (dtls13 ? 8 : 3));
		pair_free(&p);
	}
}

static void dtls12(void **state)
{
	(void)state;
	if (SANITIZED)
		skip();
	nothing_stays(false);
}

static void dtls13(void **state)
{
	(void)state;
	if (SANITIZED)
		skip();
	nothing_stays(true);
}

/* Those of configs and keyrings go with them. */
static void shared_secrets(void **state)
{
	struct pair p;
	struct keyring_keys keys;
	bool complete;
	(void)state;
	if (SANITIZED)
		skip();
	num_needles = 0;
	prepare(&p, WITH_PSK, true);
	keyring_read(p.side[SERVER].config->keyring, &keys);
	remember("the ticket key", keys.current.ticket_key);
	remember("the cookie key", keys.current.cookie_key);
	wipe(&keys, sizeof keys);
	remember("the PSK", p.side[SERVER].config->psks[0].key.p);
	run_for(&p, 30, &complete);
	assert_true(complete);
	end(&p, CLOSED);
	pair_free(&p);
	/* The PSK is in this program's text too, which cannot be written to. */
	assert_int_equal(search_all(false), 0);
}

/* A secret that stays must be found, on the heap and on the stack, freed or not. */
static void control(void **state)
{
	static const uint8_t secret[NEEDLE] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 11, 12, 13, 14, 15, 16};
	uint8_t on_stack[NEEDLE], *on_heap;
	(void)state;
	if (SANITIZED)
		skip();
	on_heap = malloc(4 * NEEDLE);
	assert_non_null(on_heap);
	num_needles = 0;
	remember("the control", secret);
	assert_int_equal(search_all(true), 0);
	memcpy(on_heap + 2 * NEEDLE, secret, NEEDLE);
	assert_int_equal(search_all(true), 1);
	memcpy(on_stack, secret, NEEDLE);
	assert_int_equal(search_all(true), 2);
	wipe(on_stack, NEEDLE);
	free(on_heap);
	assert_int_equal(search_all(true), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control),
		cmocka_unit_test(dtls12),
		cmocka_unit_test(dtls13),
		cmocka_unit_test(shared_secrets),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
