/* relay.c - tern relay: forwards datagrams between clients and one server, and does to them what fate.h says.
 *
 * Each client gets a socket of its own towards the server, so the server tells them apart. What is to go out later
 * waits in one queue. Clients, queue and memory are bounded. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "fate.h"
#include "options.h"
#include "udp.h"

enum { FLOWS_MAX = 256, QUEUE_MAX = 1024, BATCH = 32 };
static const uint64_t SECOND_NS = 1000000000, MS_NS = 1000000, HELD_NS = 50000000, IDLE_NS = 300000000000;

struct relay_options {
	struct fate_rules rules;
	struct fate_list rebinds; /* before these of the client's datagrams */
	const char *listen, *to, *drop, *rebind;
	int64_t delay_ms, jitter_ms, mtu, rebind_s, seed;
	unsigned verbose;
};

struct flow {
	bool used, rebound;
	int fd;
	uint64_t id; /* in order of appearance; the first is 0 */
	struct address client;
	uint64_t began_ns, last_ns;
	uint64_t count[NUM_DIRECTIONS];
};

struct waiting {
	struct waiting *next;
	struct flow *flow;
	uint64_t flow_id, due_ns, n;
	enum direction direction;
	bool held; /* for the next of its direction */
	size_t len;
	uint8_t datagram[];
};

struct tally {
	uint64_t received, forwarded, lost, duplicated, reordered, corrupted, failed;
};

struct relay {
	const struct relay_options *options;
	int fd;
	struct address server;
	struct flow flows[FLOWS_MAX];
	uint64_t next_id;
	struct waiting *queue; /* by due_ns */
	size_t num_waiting;
	struct tally tally[NUM_DIRECTIONS];
	uint8_t datagram[DATAGRAM_MAX];
};

#define RELAY_FIELD(name) offsetof(struct relay_options, name)

static const struct option_row relay_rows[] = {
	{"listen", OPTION_TEXT, RELAY_FIELD(listen), "ADDR", "where clients come in", 0, 0},
	{"to", OPTION_TEXT, RELAY_FIELD(to), "ADDR", "the server", 0, 0},
	{"loss", OPTION_PERCENT, RELAY_FIELD(rules.loss), "P", "percent of datagrams lost", 0, 0},
	{"duplicate", OPTION_PERCENT, RELAY_FIELD(rules.duplicate), "P", "percent delivered twice", 0, 0},
	{"reorder", OPTION_PERCENT, RELAY_FIELD(rules.reorder), "P", "percent held back behind the next one", 0, 0},
	{"corrupt", OPTION_PERCENT, RELAY_FIELD(rules.corrupt), "P", "percent with one byte changed", 0, 0},
	{"delay", OPTION_NUMBER, RELAY_FIELD(delay_ms), "MS", "delay each way", 0, 60000},
	{"jitter", OPTION_NUMBER, RELAY_FIELD(jitter_ms), "MS", "up to this much more", 0, 60000},
	{"mtu", OPTION_NUMBER, RELAY_FIELD(mtu), "BYTES", "lose datagrams larger than this", 1, 65535},
	{"drop", OPTION_TEXT, RELAY_FIELD(drop), "LIST", "lose these: c2,s1-3", 0, 0},
	{"rebind-after", OPTION_NUMBER, RELAY_FIELD(rebind_s), "S", "then change the port the server sees, once", 1,
	 86400},
	{"rebind", OPTION_TEXT, RELAY_FIELD(rebind), "LIST", "change it before these of the client's: c6,c9-12", 0, 0},
	{"seed", OPTION_NUMBER, RELAY_FIELD(seed), "N", "another seed, other datagrams (default 1)", 0, INT64_MAX},
	{"verbose", OPTION_COUNT, RELAY_FIELD(verbose), NULL, "a line for every datagram", 0, 0},
};

static const struct command_line relay_line = {
	"tern relay",
	"--listen ADDR --to ADDR [OPTION]...",
	"  tern relay --listen 127.0.0.1:5555 --to 127.0.0.1:4444 --loss 20 --seed 7 -v\n"
	"  tern relay --listen 127.0.0.1:5555 --to 127.0.0.1:4444 --drop c2,s1-3\n"
	"  tern relay --listen 127.0.0.1:5555 --to 127.0.0.1:4444 --rebind c8 -v    (a NAT that forgets)\n",
	relay_rows,
	sizeof relay_rows / sizeof relay_rows[0],
	NULL,
	0,
	NULL,
};

static void tell(const struct relay *r, const struct flow *f, enum direction direction, uint64_t n, size_t len,
		 const char *what)
{
	char client[ADDRESS_TEXT];

	if (!r->options->verbose)
		return;
	address_text(client, &f->client);
	fprintf(stderr, "%s %c%llu %zu bytes: %s\n", client, direction == FROM_CLIENT ? 'c' : 's',
		(unsigned long long)n, len, what);
}

static void forward(struct relay *r, struct flow *f, enum direction direction, const uint8_t *datagram, size_t len)
{
	bool ok = direction == FROM_CLIENT ? udp_send(f->fd, datagram, len, NULL)
					   : udp_send(r->fd, datagram, len, &f->client);

	/* A refused port is the receiver's state, which the next datagram may find changed. */
	if (ok)
		r->tally[direction].forwarded++;
	else
		r->tally[direction].failed++;
}

static void insert(struct relay *r, struct waiting *w)
{
	struct waiting **at = &r->queue;

	while (*at && (*at)->due_ns <= w->due_ns)
		at = &(*at)->next;
	w->next = *at;
	*at = w;
}

static void enqueue(struct relay *r, struct flow *f, enum direction direction, uint64_t n, const uint8_t *datagram,
		    size_t len, uint64_t due_ns, bool held)
{
	struct waiting *w = r->num_waiting < QUEUE_MAX ? malloc(sizeof *w + len) : NULL;

	if (!w) {
		r->tally[direction].lost++;
		tell(r, f, direction, n, len, "lost: too many are waiting");
		return;
	}
	*w = (struct waiting){NULL, f, f->id, due_ns, n, direction, held, len};
	memcpy(w->datagram, datagram, len);
	insert(r, w);
	r->num_waiting++;
}

static void send_due(struct relay *r, uint64_t now_ns)
{
	while (r->queue && r->queue->due_ns <= now_ns) {
		struct waiting *w = r->queue;
		r->queue = w->next;
		r->num_waiting--;
		if (w->flow->used && w->flow->id == w->flow_id)
			forward(r, w->flow, w->direction, w->datagram, w->len);
		free(w);
	}
}

/* What waited for the n-th datagram of its direction, which goes out at due_ns, goes right behind it. */
static void release_held(struct relay *r, const struct flow *f, enum direction direction, uint64_t n, uint64_t due_ns)
{
	for (struct waiting **at = &r->queue; *at;) {
		struct waiting *w = *at;
		if (!w->held || w->flow != f || w->flow_id != f->id || w->direction != direction || w->n >= n) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->held = false;
		w->due_ns = due_ns;
		insert(r, w);
		at = &r->queue;
	}
}

static void send_or_wait(struct relay *r, struct flow *f, enum direction direction, uint64_t n, size_t len,
			 const struct fate *fate, uint64_t now_ns)
{
	if (fate->held)
		enqueue(r, f, direction, n, r->datagram, len, now_ns + fate->delay_ns + HELD_NS, true);
	else if (fate->delay_ns)
		enqueue(r, f, direction, n, r->datagram, len, now_ns + fate->delay_ns, false);
	else
		forward(r, f, direction, r->datagram, len);
}

static void pass(struct relay *r, struct flow *f, enum direction direction, size_t len, uint64_t now_ns)
{
	uint64_t n = ++f->count[direction];
	struct fate fate = fate_of(&r->options->rules, f->id, direction, n, len);
	struct tally *tally = &r->tally[direction];
	char what[64];

	f->last_ns = now_ns;
	tally->received++;
	if (fate.lost) {
		tally->lost++;
		tell(r, f, direction, n, len, fate.why);
		release_held(r, f, direction, n, now_ns + fate.delay_ns);
		return;
	}
	if (fate.corrupted && len)
		r->datagram[fate.where % len] ^= fate.change;
	tally->corrupted += fate.corrupted;
	tally->reordered += fate.held;
	tally->duplicated += fate.duplicated;
	snprintf(what, sizeof what, "forwarded%s%s%s", fate.corrupted ? ", corrupted" : "",
		 fate.duplicated ? ", twice" : "", fate.held ? ", held back" : "");
	tell(r, f, direction, n, len, what);
	send_or_wait(r, f, direction, n, len, &fate, now_ns);
	if (fate.duplicated)
		send_or_wait(r, f, direction, n, len, &fate, now_ns);
	if (!fate.held)
		release_held(r, f, direction, n, now_ns + fate.delay_ns);
	send_due(r, now_ns);
}

static void close_flow(struct flow *f)
{
	close(f->fd);
	f->used = false;
}

static struct flow *find_flow(struct relay *r, const struct address *client, uint64_t now_ns)
{
	struct flow *unused = NULL;

	for (size_t i = 0; i < FLOWS_MAX; i++) {
		struct flow *f = &r->flows[i];
		if (f->used && now_ns - f->last_ns > IDLE_NS)
			close_flow(f);
		if (f->used && address_equal(&f->client, client))
			return f;
		if (!f->used && !unused)
			unused = f;
	}
	int fd = unused ? udp_connect((const struct sockaddr *)&r->server.storage, r->server.len) : -1;
	if (fd < 0)
		return NULL;
	*unused = (struct flow){
		.used = true, .fd = fd, .id = r->next_id++, .client = *client, .began_ns = now_ns, .last_ns = now_ns};
	return unused;
}

static bool is_rebound_by(const struct relay *r, const struct flow *f, uint64_t now_ns)
{
	const struct relay_options *o = r->options;

	if (fate_listed(&o->rebinds, FROM_CLIENT, f->count[FROM_CLIENT] + 1))
		return true;
	return o->rebind_s && !f->rebound && now_ns - f->began_ns >= (uint64_t)o->rebind_s * SECOND_NS;
}

/* What the server still sends to the old port is lost, as behind a NAT. */
static void rebind(struct relay *r, struct flow *f, uint64_t now_ns)
{
	int fd = is_rebound_by(r, f, now_ns) ? udp_connect((const struct sockaddr *)&r->server.storage, r->server.len)
					     : -1;

	if (fd < 0)
		return;
	close(f->fd);
	f->fd = fd;
	f->rebound = true;
	if (r->options->verbose)
		fputs("the client has a new port towards the server\n", stderr);
}

static void from_clients(struct relay *r, uint64_t now_ns)
{
	for (int i = 0; i < BATCH; i++) {
		struct address from;
		ssize_t n = udp_receive(r->fd, r->datagram, sizeof r->datagram, &from);
		if (n < 0 && errno == EAGAIN)
			return;
		struct flow *f = n >= 0 ? find_flow(r, &from, now_ns) : NULL;
		if (n >= 0 && !f)
			r->tally[FROM_CLIENT].failed++;
		if (!f)
			continue;
		rebind(r, f, now_ns);
		pass(r, f, FROM_CLIENT, (size_t)n, now_ns);
	}
}

static void from_server(struct relay *r, struct flow *f, uint64_t now_ns)
{
	for (int i = 0; i < BATCH; i++) {
		ssize_t n = udp_receive(f->fd, r->datagram, sizeof r->datagram, NULL);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n >= 0)
			pass(r, f, FROM_SERVER, (size_t)n, now_ns);
	}
}

static void run(struct relay *r)
{
	while (!stop_requested()) {
		struct pollfd fds[1 + FLOWS_MAX];
		struct flow *flows[1 + FLOWS_MAX];
		size_t num = 0;
		fds[num++] = (struct pollfd){r->fd, POLLIN, 0};
		for (size_t i = 0; i < FLOWS_MAX; i++) {
			if (!r->flows[i].used)
				continue;
			flows[num] = &r->flows[i];
			fds[num++] = (struct pollfd){r->flows[i].fd, POLLIN, 0};
		}
		bool ready = wait_until(fds, num, r->queue ? r->queue->due_ns : TERN_NEVER);
		uint64_t now_ns = clock_now().mono_ns;
		send_due(r, now_ns);
		for (size_t i = 1; ready && i < num; i++) {
			if (fds[i].revents)
				from_server(r, flows[i], now_ns);
		}
		if (ready && fds[0].revents)
			from_clients(r, now_ns);
	}
}

static void print_stats(const struct relay *r)
{
	static const char *const names[] = {"client to server", "server to client"};

	for (size_t i = 0; i < NUM_DIRECTIONS; i++) {
		const struct tally *t = &r->tally[i];
		fprintf(stderr,
			"%s: %llu received, %llu forwarded, %llu lost, %llu duplicated, %llu reordered, %llu "
			"corrupted, "
			"%llu undeliverable\n",
			names[i], (unsigned long long)t->received, (unsigned long long)t->forwarded,
			(unsigned long long)t->lost, (unsigned long long)t->duplicated,
			(unsigned long long)t->reordered, (unsigned long long)t->corrupted,
			(unsigned long long)t->failed);
	}
}

static void close_all(struct relay *r)
{
	for (size_t i = 0; i < FLOWS_MAX; i++) {
		if (r->flows[i].used)
			close_flow(&r->flows[i]);
	}
	send_due(r, TERN_NEVER); /* the flows are closed: this only frees */
	close(r->fd);
}

static int open_relay(struct relay *r)
{
	struct addrinfo *list;
	struct address bound;
	char text[ADDRESS_TEXT];
	int status = address_resolve(&list, "--to", r->options->to, false);

	if (status != OPTIONS_GO)
		return status;
	memcpy(&r->server.storage, list->ai_addr, list->ai_addrlen);
	r->server.len = list->ai_addrlen;
	freeaddrinfo(list);
	status = udp_listen(&r->fd, &bound, "--listen", r->options->listen);
	if (status != OPTIONS_GO)
		return status;
	address_text(text, &bound);
	fprintf(stderr, "listening on %s\n", text);
	return OPTIONS_GO;
}

static int check_relay_options(struct relay_options *o, const struct texts *operands)
{
	if (operands->num)
		return usage_error("%s: unexpected argument", operands->text[0]);
	if (!o->listen)
		return usage_error("--listen is missing: give the address clients send to");
	if (!o->to)
		return usage_error("--to is missing: give the server's address");
	if (o->drop && !fate_parse_list(&o->rules.drops, o->drop))
		return usage_error("--drop %s: give a list such as c2,s1-3 (at most %d entries)", o->drop, DROPS_MAX);
	if (o->rebind && (!fate_parse_list(&o->rebinds, o->rebind) || strchr(o->rebind, 's')))
		return usage_error("--rebind %s: give a list such as c6,c9-12 (at most %d entries)", o->rebind,
				   DROPS_MAX);
	o->rules.seed = (uint64_t)o->seed;
	o->rules.delay_ns = (uint64_t)o->delay_ms * MS_NS;
	o->rules.jitter_ns = (uint64_t)o->jitter_ms * MS_NS;
	o->rules.mtu = (size_t)o->mtu;
	return OPTIONS_GO;
}

int command_relay(int argc, char **argv)
{
	struct relay_options options = {.seed = 1};
	struct texts operands;
	int status = options_parse(&relay_line, &options, &operands, argc, argv);

	if (status == OPTIONS_GO)
		status = check_relay_options(&options, &operands);
	if (status != OPTIONS_GO)
		return status;
	struct relay *r = calloc(1, sizeof *r);
	if (!r)
		return complain("out of memory");
	r->options = &options;
	stop_catch();
	status = open_relay(r);
	if (status == OPTIONS_GO) {
		run(r);
		close_all(r);
		print_stats(r);
		status = STATUS_OK;
	}
	free(r);
	return status;
}
