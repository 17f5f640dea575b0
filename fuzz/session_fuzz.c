/* Sessions from anywhere: decoded, opened as a ticket, brought to a client, and what decodes must survive the way back.
 */
#include <stdlib.h>

#include "base/heap.h"
#include "handshake/config.h"
#include "handshake/session.h"
#include "session_fixtures.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* The encoding is canonical: bytes that decode are what the decoded session encodes to. */
static bool decode(const uint8_t *data, size_t size, struct session *s)
{
	uint8_t bytes[TERN_SESSION_MAX];
	struct rd r = rd_of(span_of(data, size));
	struct wr w = wr_of(bytes, sizeof bytes);
	if (!get_session(&r, s)) {
		check(r.p == data);
		return false;
	}
	check(rd_end(&r));
	put_session(&w, s, true);
	check(wr_ok(&w) && span_equal(wr_span(&w), span_of(data, size)));
	return true;
}

static void through_a_ticket(struct ticket_keys *keys, const struct session *s)
{
	uint8_t ticket[TICKET_MAX];
	struct session out;
	size_t len;
	bool stale;
	if (s->expires_unix_s == 0)
		return;
	check(ticket_seal(keys, s, ticket, sizeof ticket, &len) == TERN_OK);
	check(ticket_open(keys, span_of(ticket, len), s->expires_unix_s - 1, &out, &stale));
	check(!stale && !memcmp(out.master, s->master, MASTER_LEN) && out.ticket_len == 0);
	check(!ticket_open(keys, span_of(ticket, len), s->expires_unix_s, &out, &stale));
}

static tern_pool *client_pool(void)
{
	static tern_pool *pool;
	tern_config *config = pool ? NULL : tern_config_new(NULL);
	if (config)
		check(config_set_provider(config, &provider_stub) == TERN_OK &&
		      tern_config_add_trust(config, "E", 1) == TERN_OK && tern_pool_new(&pool, config) == TERN_OK);
	tern_config_free(config);
	return pool;
}

/* A client refuses what is none, and offers or ignores what is one. */
static void imported(const uint8_t *data, size_t size)
{
	const tern_client_options o = {.size = sizeof o, .session = data, .session_len = size};
	struct session s;
	bool good = decode(data, size, &s);
	uint8_t out[2048];
	tern_conn *conn;
	size_t n;
	tern_error error = tern_client(&conn, client_pool(), &o, (tern_time){1, 1});
	check(error == (good ? TERN_OK : TERN_ERROR_BAD_SESSION));
	if (error != TERN_OK)
		return;
	check(tern_conn_take(conn, out, sizeof out, &n, (tern_time){1, 1}) == TERN_OK && n > 0);
	tern_conn_free(conn);
}

/* The bytes in place of some of a good encoding: gets behind the fixed fields, which chance does not. */
static void overlaid(struct ticket_keys *keys, const uint8_t *data, size_t size)
{
	uint8_t bytes[TERN_SESSION_MAX];
	struct wr w = wr_of(bytes, sizeof bytes);
	struct session s = size && data[0] & 1 ? session_longest() : session_least();
	size_t at;
	if (size < 3)
		return;
	put_session(&w, &s, true);
	at = (size_t)(data[1] << 8 | data[2]) % w.n;
	memcpy(bytes + at, data + 3, size - 3 < w.n - at ? size - 3 : w.n - at);
	imported(bytes, w.n);
	if (decode(bytes, w.n, &s))
		through_a_ticket(keys, &s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct keyring_keys ring = {.current = {.valid = true, .id = 1, .ticket_key = {1}}};
	struct ticket_keys keys;
	struct schedules *schedules;
	struct crypto *c;
	struct session s;
	bool stale;
	if (provider_stub.open(&c, &heap_default) != TERN_OK)
		return 0;
	check(schedules_new(&schedules, &provider_stub, c, &heap_default, 2) == TERN_OK);
	ticket_keys_init(&keys, &provider_stub, c, schedules);
	ticket_keys_load(&keys, &ring);
	/* libFuzzer sees through the comparison of the stub's tags: forged tickets do open, and reach the decoder. */
	if (ticket_open(&keys, span_of(data, size), 0, &s, &stale))
		check(!stale && s.expires_unix_s > 0 && s.id_len <= SESSION_ID_MAX && s.ticket_len <= TICKET_MAX);
	if (decode(data, size, &s))
		through_a_ticket(&keys, &s);
	overlaid(&keys, data, size);
	if (size)
		imported(data, size);
	schedules_free(schedules);
	provider_stub.close(c);
	return 0;
}
