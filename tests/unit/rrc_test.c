/* src/connection/rrc.c: two connections, and a server whose client's address changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "connection/path.h"
#include "count_heap.h"
#include "usual_pair.h"

#define MS UINT64_C(1000000)
#define DELAY (20 * MS) /* one way */
#define FLYING 64
#define EVENTS_MAX 128

/* Addresses are one byte: the server's is 1, the client's, as the server sees it, nat. */
struct flying {
	enum role to;
	uint64_t at_ns;
	tern_path path; /* as the receiver sees it */
	size_t n;
	uint8_t bytes[PAIR_DATAGRAM];
};

struct net {
	struct pair pair;
	uint8_t nat, dead; /* dead: this address reaches nobody; 0: all do */
	uint16_t carries[2]; /* by receiver: larger datagrams are lost; 0: all arrive */
	uint32_t drop; /* bit n: the n-th datagram since it was set to anything */
	unsigned num;
	struct flying flying[FLYING];
	size_t num_flying;
	tern_path_event events[2][EVENTS_MAX];
	tern_path at[2][EVENTS_MAX];
	size_t num_events[2];
	unsigned data[2]; /* records of data received */
	size_t in[256], out[256]; /* bytes at the server by address */
};

static tern_path path_of(uint8_t local, uint8_t remote)
{
	return (tern_path){.local = {.len = 1, .bytes = {local}}, .remote = {.len = 1, .bytes = {remote}}};
}

static tern_conn *conn_of(struct net *net, enum role role)
{
	return net->pair.side[role].conn;
}

static void fly(struct net *net, enum role from, const tern_path *path, const uint8_t *bytes, size_t n)
{
	enum role to = from == CLIENT ? SERVER : CLIENT;
	struct flying *f = &net->flying[net->num_flying];
	uint8_t remote = path->remote.bytes[0];
	bool lost = (net->num < 32 && net->drop >> net->num & 1) || (net->carries[to] && n > net->carries[to]);
	net->num++;
	if (from == SERVER)
		net->out[remote] += n;
	lost |= from == SERVER && (remote == net->dead || (remote != net->nat && net->dead));
	if (lost)
		return;
	assert_true(net->num_flying < FLYING);
	*f = (struct flying){.to = to, .at_ns = net->pair.now.mono_ns + DELAY, .n = n};
	f->path = from == CLIENT ? path_of(1, net->nat) : path_of(path->remote.bytes[0], 1);
	memcpy(f->bytes, bytes, n);
	net->num_flying++;
}

static void collect(struct net *net, enum role from)
{
	uint8_t out[PAIR_DATAGRAM];
	tern_path path;
	size_t n = 1;
	for (int i = 0; n; i++) {
		assert_true(i < 32);
		OK(tern_conn_take_path(conn_of(net, from), out, sizeof out, &n, &path, net->pair.now));
		if (n)
			fly(net, from, &path, out, n);
	}
}

static void drain(struct net *net, enum role who)
{
	tern_event e;
	for (int i = 0; i < 100; i++) {
		OK(tern_conn_next(conn_of(net, who), &e, net->pair.now));
		if (e.kind == TERN_EVENT_NONE)
			break;
		net->data[who] += e.kind == TERN_EVENT_DATA;
		if (e.kind != TERN_EVENT_PATH)
			continue;
		assert_true(net->num_events[who] < EVENTS_MAX);
		net->events[who][net->num_events[who]] = e.path_event;
		net->at[who][net->num_events[who]++] = *e.path;
	}
	collect(net, who);
}

static void arrive(struct net *net, enum role to, const tern_path *path, uint8_t *bytes, size_t n)
{
	if (to == SERVER)
		net->in[path->remote.bytes[0]] += n;
	OK(tern_conn_feed(conn_of(net, to), bytes, n, path, net->pair.now));
	drain(net, to);
}

static size_t first_to_land(const struct net *net)
{
	size_t first = 0;
	for (size_t i = 1; i < net->num_flying; i++)
		if (net->flying[i].at_ns < net->flying[first].at_ns)
			first = i;
	return first;
}

static void land(struct net *net, size_t i)
{
	struct flying f = net->flying[i];
	net->num_flying--;
	memmove(&net->flying[i], &net->flying[i + 1], (net->num_flying - i) * sizeof f);
	net->pair.now.mono_ns = f.at_ns;
	arrive(net, f.to, &f.path, f.bytes, f.n);
}

/* What happens next, at or before end. */
static bool go_on(struct net *net, uint64_t end)
{
	uint64_t deadline = TERN_NEVER;
	size_t i = first_to_land(net);
	for (int s = 0; s < 2; s++)
		if (tern_conn_deadline(net->pair.side[s].conn) < deadline)
			deadline = tern_conn_deadline(net->pair.side[s].conn);
	if (net->num_flying && net->flying[i].at_ns <= deadline && net->flying[i].at_ns <= end) {
		land(net, i);
		return true;
	}
	if (deadline > end)
		return false;
	net->pair.now.mono_ns = deadline > net->pair.now.mono_ns ? deadline : net->pair.now.mono_ns;
	for (int s = 0; s < 2; s++) {
		OK(tern_conn_tick(net->pair.side[s].conn, net->pair.now));
		drain(net, (enum role)s);
	}
	return true;
}

static void run(struct net *net, uint64_t ns)
{
	uint64_t end = net->pair.now.mono_ns + ns;
	for (int i = 0; go_on(net, end); i++)
		assert_true(i < 10000);
	net->pair.now.mono_ns = end;
}

static void send(struct net *net, enum role from, size_t n)
{
	static const uint8_t data[PAIR_DATAGRAM];
	uint8_t out[PAIR_DATAGRAM];
	size_t len;
	tern_path path = path_of(10, 1); /* of who has nothing to tell apart */
	OK(tern_conn_seal(conn_of(net, from), out, sizeof out, &len, data, n, net->pair.now));
	assert_true(tern_conn_path(conn_of(net, from), &path) || from == CLIENT);
	fly(net, from, &path, out, len);
	collect(net, from);
}

/* ---- setting up ---- */

struct setting {
	const char *name;
	bool old; /* DTLS 1.2 */
	tern_rrc client, server;
	unsigned client_cid, server_cid; /* lengths */
	bool pmtud;
};

static uint32_t told_mtu[2]; /* by the trace, last */

static void watch_mtu(void *user, const tern_conn *conn, const tern_trace *t)
{
	(void)user;
	if (t->kind == TERN_TRACE_MTU)
		told_mtu[conn->role] = t->length;
}

static tern_config *config_of(const struct setting *s, tern_rrc rrc, unsigned cid, const tern_allocator *heap)
{
	tern_config *c = s->old ? new_config(heap) : new_config13(heap);
	OK(tern_config_set_cid_length(c, cid));
	OK(tern_config_set_rrc(c, rrc));
	OK(tern_config_set_pmtud(c, s->pmtud));
	OK(tern_config_set_trace(c, watch_mtu, NULL));
	return c;
}

static void open_net(struct net *net, const struct setting *s)
{
	tern_config *c[2] = {config_of(s, s->client, s->client_cid, NULL),
			     config_of(s, s->server, s->server_cid, NULL)};
	tern_path path = path_of(10, 1);
	tern_client_options o = {.size = sizeof o, .server_name = "a.test", .path = &path};
	memset(net, 0, sizeof *net);
	net->nat = 10;
	add_trust(c[CLIENT], &root);
	add_cert(c[SERVER], &leaf);
	pair_init(&net->pair, c[CLIENT], c[SERVER]);
	net->pair.path = path_of(1, 10);
	OK(tern_client(&net->pair.side[CLIENT].conn, net->pair.side[CLIENT].pool, &o, net->pair.now));
	for (int i = 0; i < 20 && !pair_connected(&net->pair); i++) {
		net->pair.now.mono_ns += DELAY;
		if (!pair_carry(&net->pair))
			break;
	}
	assert_true(pair_connected(&net->pair));
	pair_settle(&net->pair);
	collect(net, CLIENT);
	collect(net, SERVER);
	run(net, 2000 * MS);
}

static void close_net(struct net *net)
{
	pair_free(&net->pair);
}

static uint64_t dropped(struct net *net, tern_drop drop)
{
	tern_info info;
	tern_conn_info(conn_of(net, SERVER), &info);
	return info.dropped[drop];
}

static void check_path(struct net *net, enum role who, uint8_t local, uint8_t remote)
{
	tern_path path, want = path_of(local, remote);
	assert_true(tern_conn_path(conn_of(net, who), &path));
	assert_memory_equal(&path, &want, sizeof path);
}

static void check_events(const struct net *net, enum role who, const tern_path_event *want, size_t num)
{
	assert_int_equal(net->num_events[who], num);
	for (size_t i = 0; i < num; i++)
		assert_int_equal(net->events[who][i], want[i]);
}

#define EVENTS(net, ...)                                                                                               \
	check_events(net, SERVER, (const tern_path_event[]){__VA_ARGS__},                                              \
		     sizeof((const tern_path_event[]){__VA_ARGS__}) / sizeof(tern_path_event))

static const struct setting settings[] = {
	{"1.3 basic", false, TERN_RRC_BASIC, TERN_RRC_BASIC, 0, 8, false},
	{"1.3 enhanced", false, TERN_RRC_ENHANCED, TERN_RRC_ENHANCED, 0, 8, false},
	{"1.2 basic", true, TERN_RRC_BASIC, TERN_RRC_BASIC, 0, 8, false},
	{"1.2 enhanced", true, TERN_RRC_ENHANCED, TERN_RRC_ENHANCED, 0, 8, false},
	{"1.3 both ways", false, TERN_RRC_ENHANCED, TERN_RRC_ENHANCED, 8, 20, false},
	{"1.2 both ways", true, TERN_RRC_ENHANCED, TERN_RRC_ENHANCED, 20, 8, false},
};

/* ---- tests ---- */

static void agreement(void **state)
{
	static const struct {
		const char *name;
		struct setting s;
		bool agreed;
	} cases[] = {
		{"both", {"", false, TERN_RRC_BASIC, TERN_RRC_ENHANCED, 0, 8, false}, true},
		{"client off", {"", false, TERN_RRC_OFF, TERN_RRC_ENHANCED, 0, 8, false}, false},
		{"server off", {"", false, TERN_RRC_ENHANCED, TERN_RRC_OFF, 0, 8, false}, false},
		{"1.2", {"", true, TERN_RRC_BASIC, TERN_RRC_ENHANCED, 0, 8, false}, true},
		{"1.2 server off", {"", true, TERN_RRC_BASIC, TERN_RRC_OFF, 0, 8, false}, false},
		{"nobody wants an ID", {"", false, TERN_RRC_BASIC, TERN_RRC_BASIC, 0, 0, false}, true},
	};
	(void)state;
	for (size_t i = 0; i < NUM(cases); i++) {
		struct net net;
		tern_error want = cases[i].agreed ? TERN_OK : TERN_ERROR_USAGE;
		open_net(&net, &cases[i].s);
		for (int s = 0; s < 2; s++) {
			tern_info info;
			tern_conn_info(net.pair.side[s].conn, &info);
			assert_int_equal(info.rrc, cases[i].agreed);
			check_is(cases[i].name, tern_conn_probe(net.pair.side[s].conn, net.pair.now), want);
		}
		close_net(&net);
	}
}

/* Data goes on while the client's address changes. What the client sends all arrives. */
static void rebinding(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(settings); i++) {
		struct net net;
		uint64_t since = 0;
		open_net(&net, &settings[i]);
		net.data[SERVER] = 0;
		for (int n = 0; n < 200; n++) {
			if (n == 100) {
				net.nat = 20;
				net.dead = 10;
				since = net.pair.now.mono_ns;
			}
			send(&net, CLIENT, 500);
			send(&net, SERVER, 500);
			run(&net, 5 * MS);
			if (n == 100 || !since)
				continue;
			if (conn_of(&net, SERVER)->paths->current.remote.bytes[0] == 20) {
				assert_true(net.pair.now.mono_ns - since < 400 * MS);
				since = 0;
			}
		}
		run(&net, 1000 * MS);
		assert_int_equal(net.data[SERVER], 200);
		check_path(&net, SERVER, 1, 20);
		EVENTS(&net, TERN_PATH_PROBING, TERN_PATH_CHANGED);
		assert_int_equal(net.at[SERVER][1].remote.bytes[0], 20);
		assert_null(conn_of(&net, SERVER)->paths->moves);
		net.data[CLIENT] = 0;
		send(&net, SERVER, 100);
		run(&net, 100 * MS);
		assert_int_equal(net.data[CLIENT], 1);
		close_net(&net);
	}
}

/* The acknowledgement of a key update goes where the client was: it goes on under the old keys until it is found. */
static void rebinding_amid_a_key_update(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(settings); i++) {
		struct net net;
		if (settings[i].old)
			continue;
		open_net(&net, &settings[i]);
		OK(tern_conn_rekey(conn_of(&net, CLIENT), false, net.pair.now));
		collect(&net, CLIENT);
		run(&net, DELAY);
		assert_int_equal(conn_of(&net, SERVER)->records.in.epoch, conn_of(&net, CLIENT)->write_epoch + 1);
		net.nat = 20;
		net.dead = 10;
		net.num_flying = 0;
		for (int n = 0; n < 100; n++) {
			send(&net, CLIENT, 100);
			run(&net, 50 * MS);
		}
		check_path(&net, SERVER, 1, 20);
		assert_int_equal(conn_of(&net, SERVER)->records.in.epoch, conn_of(&net, CLIENT)->write_epoch);
		close_net(&net);
	}
}

/* Any one or two of the datagrams from the rebinding on are lost: the server follows, or does at the next record. */
static void losses(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(settings); i++) {
		for (unsigned a = 1; a < 10; a++) {
			for (unsigned b = a; b < 10; b++) {
				struct net net;
				open_net(&net, &settings[i]);
				net.nat = 20;
				net.dead = 10;
				net.num = 0;
				net.drop = 1u << a | 1u << b;
				send(&net, CLIENT, 500);
				run(&net, 1500 * MS);
				check_path(&net, SERVER, 1, 20);
				close_net(&net);
			}
		}
	}
}

/* A datagram of the client's comes from another address. Nobody is there. */
static void spoofed(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(settings); i++) {
		struct net net;
		open_net(&net, &settings[i]);
		net.nat = 66;
		memset(net.in, 0, sizeof net.in);
		memset(net.out, 0, sizeof net.out);
		send(&net, CLIENT, 10);
		run(&net, DELAY);
		net.nat = 10;
		net.dead = 66;
		for (int n = 0; n < 20; n++) {
			send(&net, SERVER, 500);
			run(&net, 50 * MS);
		}
		assert_true(net.in[66] && net.out[66] <= 3 * net.in[66]);
		check_path(&net, SERVER, 1, 10);
		EVENTS(&net, TERN_PATH_PROBING, TERN_PATH_FAILED);
		assert_null(conn_of(&net, SERVER)->paths->moves);
		close_net(&net);
	}
}

static void check_unmoved(struct net *net)
{
	check_path(net, SERVER, 1, 10);
	assert_int_equal(net->num_events[SERVER], 0);
	assert_null(conn_of(net, SERVER)->paths->moves);
	assert_int_equal(net->out[66], 0);
}

/* An old record, whether it came before or was held back, says nothing of where the client is. RFC 9146 6. */
static void old_records(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * NUM(settings); i++) {
		struct net net;
		struct flying held;
		open_net(&net, &settings[i / 2]);
		net.data[SERVER] = 0;
		send(&net, CLIENT, 10);
		held = net.flying[0];
		net.num_flying = i % 2;
		send(&net, CLIENT, 10);
		run(&net, 100 * MS);
		held.path = path_of(1, 66);
		arrive(&net, SERVER, &held.path, held.bytes, held.n);
		assert_int_equal(net.data[SERVER], 2);
		check_unmoved(&net);
		close_net(&net);
	}
}

/* Without an ID of its own nothing leads a server to a client that has moved: what comes so is not followed. */
static void without_an_id(void **state)
{
	(void)state;
	for (int old = 0; old < 2; old++) {
		const struct setting s = {"", old, TERN_RRC_BASIC, TERN_RRC_BASIC, 8, 0, false};
		struct net net;
		open_net(&net, &s);
		net.nat = 66;
		send(&net, CLIENT, 10);
		run(&net, 100 * MS);
		check_unmoved(&net);
		close_net(&net);
	}
}

/* What was known of the old path's round trips says nothing of the new one's. */
static void round_trips(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(settings); i++) {
		struct net net;
		if (settings[i].server == TERN_RRC_ENHANCED)
			continue;
		open_net(&net, &settings[i]);
		conn_of(&net, SERVER)->rtt_ns = 10000 * MS;
		net.nat = 20;
		send(&net, CLIENT, 10);
		run(&net, 3 * DELAY);
		EVENTS(&net, TERN_PATH_PROBING, TERN_PATH_CHANGED);
		assert_int_equal(conn_of(&net, SERVER)->rtt_ns, 2 * DELAY);
		close_net(&net);
	}
}

/* The last record that a key may seal is for telling of the end. */
static void worn_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(settings); i++) {
		struct net net;
		uint8_t out[PAIR_DATAGRAM];
		tern_path path;
		size_t n;
		open_net(&net, &settings[i]);
		conn_of(&net, SERVER)->pool->records.seal_limit = conn_of(&net, SERVER)->records.out.next_seq + 1;
		OK(tern_conn_probe(conn_of(&net, SERVER), net.pair.now));
		OK(tern_conn_take_path(conn_of(&net, SERVER), out, sizeof out, &n, &path, net.pair.now));
		assert_int_equal(n, 0);
		close_net(&net);
	}
}

/* RFC 9146 6. Somebody who sees all that the client sends brings it to the server sooner, from his own address, and
 * what the server sends there to the client. The enhanced check keeps him out. */
static void faster_copies(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(settings); i++) {
		bool enhanced = settings[i].server == TERN_RRC_ENHANCED;
		struct net net;
		open_net(&net, &settings[i]);
		for (int n = 0; n < 50; n++) {
			size_t before;
			net.nat = 66;
			before = net.num_flying;
			send(&net, CLIENT, 100);
			assert_int_equal(net.num_flying, before + 1);
			net.flying[before].at_ns -= DELAY / 2;
			net.flying[net.num_flying] = net.flying[before];
			net.flying[net.num_flying].at_ns += DELAY / 2;
			net.flying[net.num_flying++].path = path_of(1, 10);
			run(&net, 30 * MS);
		}
		run(&net, 1000 * MS);
		check_path(&net, SERVER, 1, enhanced ? 10 : 66);
		assert_true(dropped(&net, TERN_DROP_REPLAYED) >= 50);
		close_net(&net);
	}
}

/* Without a check the application is told, and decides: RFC 9146 6. */
static void told_only(void **state)
{
	static const struct setting s = {"", false, TERN_RRC_OFF, TERN_RRC_OFF, 0, 8, false};
	struct net net;
	tern_path path = path_of(1, 20);
	(void)state;
	open_net(&net, &s);
	net.nat = 20;
	send(&net, CLIENT, 100);
	send(&net, CLIENT, 100);
	run(&net, 5000 * MS);
	EVENTS(&net, TERN_PATH_SEEN);
	check_path(&net, SERVER, 1, 10);
	OK(tern_conn_set_path(conn_of(&net, SERVER), &path, net.pair.now));
	check_path(&net, SERVER, 1, 20);
	send(&net, CLIENT, 100);
	run(&net, 100 * MS);
	EVENTS(&net, TERN_PATH_SEEN);
	assert_null(conn_of(&net, SERVER)->paths->moves);
	close_net(&net);
}

/* The client moves its own end: the server asks where it was, and learns that it left. */
static void migration(void **state)
{
	struct net net;
	tern_path path = path_of(20, 1);
	uint64_t since;
	(void)state;
	for (size_t i = 0; i < NUM(settings); i++) {
		open_net(&net, &settings[i]);
		net.nat = 20;
		OK(tern_conn_set_path(conn_of(&net, CLIENT), &path, net.pair.now));
		since = net.pair.now.mono_ns;
		send(&net, CLIENT, 100);
		while (conn_of(&net, SERVER)->paths->current.remote.bytes[0] != 20)
			assert_true(go_on(&net, since + 145 * MS));
		check_path(&net, CLIENT, 20, 1);
		run(&net, 1000 * MS);
		close_net(&net);
	}
}

static void probing(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(settings); i++) {
		struct net net;
		uint64_t since;
		open_net(&net, &settings[i]);
		OK(tern_conn_probe(conn_of(&net, SERVER), net.pair.now));
		collect(&net, SERVER);
		run(&net, 2 * DELAY);
		EVENTS(&net, TERN_PATH_ALIVE);
		assert_true(net.at[SERVER][0].remote.bytes[0] == 10);
		net.nat = 20;
		net.dead = 10;
		since = net.pair.now.mono_ns;
		net.num = 0;
		OK(tern_conn_probe(conn_of(&net, SERVER), net.pair.now));
		collect(&net, SERVER);
		run(&net, 1000 * MS);
		EVENTS(&net, TERN_PATH_ALIVE, TERN_PATH_SILENT);
		assert_int_equal(net.num, PATH_TRIES);
		assert_true(since + 1000 * MS == net.pair.now.mono_ns);
		assert_null(conn_of(&net, SERVER)->paths->moves);
		close_net(&net);
	}
}

/* The client told no path, and answers all the same. */
static void one_path_callers(void **state)
{
	struct net net;
	tern_path path;
	uint8_t out[PAIR_DATAGRAM];
	size_t n;
	(void)state;
	open_net(&net, &settings[1]);
	paths_free(conn_of(&net, CLIENT)->paths);
	conn_of(&net, CLIENT)->paths = NULL;
	assert_false(tern_conn_path(conn_of(&net, CLIENT), &path));
	OK(tern_conn_probe(conn_of(&net, SERVER), net.pair.now));
	OK(tern_conn_take_path(conn_of(&net, SERVER), out, sizeof out, &n, &path, net.pair.now));
	assert_true(n > 0 && path.remote.bytes[0] == 10);
	OK(tern_conn_feed(conn_of(&net, CLIENT), out, n, NULL, net.pair.now));
	pair_events(&net.pair, CLIENT);
	OK(tern_conn_take(conn_of(&net, CLIENT), out, sizeof out, &n, net.pair.now));
	assert_true(n > 0);
	path = path_of(1, 10);
	arrive(&net, SERVER, &path, out, n);
	EVENTS(&net, TERN_PATH_ALIVE);
	close_net(&net);
}

static void check_received(struct net *net, tern_drop drop, uint8_t type, const char *body, size_t n)
{
	uint64_t before = dropped(net, drop);
	pair_seal(&net->pair, SERVER, type, body, n);
	assert_int_equal(dropped(net, drop), before + (drop != TERN_DROP_NONE));
	assert_int_equal(net->pair.side[SERVER].error, TERN_OK);
}

static void bad_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM(settings); i++) {
		struct net net;
		static const struct setting off[2] = {{"", false, TERN_RRC_OFF, TERN_RRC_OFF, 0, 8, false},
						      {"", true, TERN_RRC_OFF, TERN_RRC_OFF, 0, 8, false}};
		open_net(&net, &settings[i]);
		net.pair.path = path_of(1, 10);
		check_received(&net, TERN_DROP_MALFORMED, CONTENT_RETURN_ROUTABILITY_CHECK, "", 0);
		check_received(&net, TERN_DROP_MALFORMED, CONTENT_RETURN_ROUTABILITY_CHECK, "\0001234567", 8);
		check_received(&net, TERN_DROP_PATH, CONTENT_RETURN_ROUTABILITY_CHECK, "\00112345678", 9);
		check_received(&net, TERN_DROP_PATH, CONTENT_RETURN_ROUTABILITY_CHECK, "\00212345678", 9);
		check_received(&net, TERN_DROP_NONE, CONTENT_RETURN_ROUTABILITY_CHECK, "\003", 1); /* unknown */
		close_net(&net);
		open_net(&net, &off[settings[i].old]);
		check_received(&net, TERN_DROP_CONTENT_TYPE, CONTENT_RETURN_ROUTABILITY_CHECK, "\00012345678", 9);
		close_net(&net);
	}
}

static void set_path(void **state)
{
	struct net net;
	tern_path path = path_of(1, 30), none = {.local = path.local};
	(void)state;
	open_net(&net, &settings[0]);
	check_is("none", tern_conn_set_path(conn_of(&net, SERVER), NULL, net.pair.now), TERN_ERROR_USAGE);
	check_is("no remote", tern_conn_set_path(conn_of(&net, SERVER), &none, net.pair.now), TERN_ERROR_USAGE);
	OK(tern_conn_close(conn_of(&net, SERVER), net.pair.now));
	check_is("closed", tern_conn_set_path(conn_of(&net, SERVER), &path, net.pair.now), TERN_ERROR_NOT_CONNECTED);
	check_is("closed", tern_conn_probe(conn_of(&net, SERVER), net.pair.now), TERN_ERROR_NOT_CONNECTED);
	close_net(&net);
}

static void path_mtu(void **state)
{
	static const uint16_t carries[] = {548, 700, 1200, 1232, 1400, 1452, 1472};
	for (size_t v = 0; v < 2; v++) {
		for (size_t i = 0; i < NUM(carries); i++) {
			struct setting s = {"", v, TERN_RRC_ENHANCED, TERN_RRC_BASIC, 8, 8, true};
			struct net net;
			tern_info info;
			(void)state;
			open_net(&net, &s);
			net.carries[CLIENT] = 1472;
			net.carries[SERVER] = carries[i];
			for (int n = 0; n < 60; n++) {
				size_t most = tern_conn_max_data(conn_of(&net, CLIENT));
				send(&net, CLIENT, most);
				run(&net, 1000 * MS);
			}
			tern_conn_info(conn_of(&net, CLIENT), &info);
			assert_true(info.mtu <= carries[i] && info.mtu + PMTUD_STEP >= carries[i]);
			assert_int_equal(info.mtu, told_mtu[CLIENT]);
			assert_int_equal(tern_conn_max_data(conn_of(&net, CLIENT)) +
						 tern_conn_overhead(conn_of(&net, CLIENT)),
					 info.mtu);
			tern_conn_info(conn_of(&net, SERVER), &info);
			assert_int_equal(info.mtu, 1472);
			close_net(&net);
		}
	}
}

/* Nothing is looked for that the application has ruled out. */
static void path_mtu_has_a_bound(void **state)
{
	static const struct setting s = {"", false, TERN_RRC_ENHANCED, TERN_RRC_BASIC, 8, 8, true};
	static const uint16_t bounds[] = {900, 1200, 1300};
	(void)state;
	for (size_t i = 0; i < NUM(bounds); i++) {
		struct net net;
		tern_info info;
		open_net(&net, &s);
		OK(tern_conn_set_mtu(conn_of(&net, CLIENT), bounds[i]));
		for (int n = 0; n < 60; n++) {
			send(&net, CLIENT, tern_conn_max_data(conn_of(&net, CLIENT)));
			run(&net, 1000 * MS);
			tern_conn_info(conn_of(&net, CLIENT), &info);
			assert_true(info.mtu <= bounds[i]);
		}
		assert_true(info.mtu + PMTUD_STEP >= bounds[i]);
		close_net(&net);
	}
}

/* Without a check and without connection IDs a path is what the caller says. */
static void set_path_for_who_had_none(void **state)
{
	static const struct setting s = {"", false, TERN_RRC_OFF, TERN_RRC_OFF, 0, 0, false};
	tern_path path = path_of(1, 30), got;
	struct net net;
	(void)state;
	open_net(&net, &s);
	assert_false(tern_conn_path(conn_of(&net, SERVER), &got));
	OK(tern_conn_set_path(conn_of(&net, SERVER), &path, net.pair.now));
	assert_true(tern_conn_path(conn_of(&net, SERVER), &got));
	assert_memory_equal(&got, &path, sizeof got);
	path = path_of(1, 31);
	OK(tern_conn_set_path(conn_of(&net, SERVER), &path, net.pair.now));
	assert_true(tern_conn_path(conn_of(&net, SERVER), &got));
	assert_memory_equal(&got, &path, sizeof got);
	close_net(&net);
}

/* Whether a path still carries long datagrams is asked when one of them was sent, however many short ones were. */
static void many_short_ones_are_not_long(void **state)
{
	static const uint8_t text[1100];
	static const tern_bytes small[] = {{text, 90}, {text, 90}, {text, 90}, {text, 90}, {text, 90},
					   {text, 90}, {text, 90}, {text, 90}, {text, 90}, {text, 90}},
				large[] = {{text, 1100}, {text, 1100}, {text, 90}};
	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct setting s = {"", v, TERN_RRC_ENHANCED, TERN_RRC_BASIC, 8, 8, true};
		uint8_t out[16384];
		struct net net;
		tern_batch b;
		open_net(&net, &s);
		tern_conn *conn = conn_of(&net, CLIENT);
		OK(tern_conn_seal_many(conn, out, sizeof out, &b, small, NUM(small), net.pair.now));
		assert_int_equal(b.num, NUM(small));
		assert_false(conn->paths->pmtud->used);
		OK(tern_conn_seal_many(conn, out, sizeof out, &b, large, NUM(large), net.pair.now));
		assert_int_equal(b.num, NUM(large));
		assert_true(conn->paths->pmtud->used);
		close_net(&net);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agreement),
		cmocka_unit_test(rebinding),
		cmocka_unit_test(rebinding_amid_a_key_update),
		cmocka_unit_test(losses),
		cmocka_unit_test(spoofed),
		cmocka_unit_test(old_records),
		cmocka_unit_test(without_an_id),
		cmocka_unit_test(round_trips),
		cmocka_unit_test(worn_keys),
		cmocka_unit_test(faster_copies),
		cmocka_unit_test(told_only),
		cmocka_unit_test(migration),
		cmocka_unit_test(probing),
		cmocka_unit_test(one_path_callers),
		cmocka_unit_test(bad_messages),
		cmocka_unit_test(set_path),
		cmocka_unit_test(path_mtu),
		cmocka_unit_test(path_mtu_has_a_bound),
		cmocka_unit_test(set_path_for_who_had_none),
		cmocka_unit_test(many_short_ones_are_not_long),
	};
	return cmocka_run_group_tests(tests, make_certs, free_certs);
}
