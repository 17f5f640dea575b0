/* endpoint.h - what the files of the endpoint share: its tables, and which file does what with them.
 *
 * A slot is one association. Slots live in chunks that never move and are named by index; index 0 is none. A connection
 * is either unfinished, in a queue by age, or connected, in a queue by when it was heard: the head of each is what
 * eviction and the idle timeout look at, so that an idle peer costs no timer. */
#ifndef TERN_ENDPOINT_ENDPOINT_H
#define TERN_ENDPOINT_ENDPOINT_H

#define _GNU_SOURCE /* struct mmsghdr, in6_pktinfo */
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "tern/endpoint.h"

enum {
	DATAGRAM_MAX = 65535, /* bytes of any UDP payload */
	CHUNK = 256, /* slots */
	FLIGHT_MAX = 1024, /* datagrams taken from a connection at a time: more is a defect */
	SENDS = 64, /* messages of a batch */
	SEND_BYTES = 262144,
	SEGMENTS_MAX = 64, /* of one message: the kernel's UDP_MAX_SEGMENTS */
	SEGMENTED_MAX = 64000, /* bytes of such a message, below what fits an IP packet */
	RECEIVES = 32,
	RECEIVE_STRIDE = DATAGRAM_MAX + 1 + 17 * 64, /* not a power of two, or all would share few lines of the cache */
	CONTROL_BYTES = 128,
	PREFIX_CELLS = 4096,
	BACKLOG_BYTES = 524288,
	BACKLOG_CELLS = 1024,
	WAKE = -1, /* what epoll calls the call of another worker; sockets have their index */
	READY = 64, /* sockets looked at in one run */
	TICKS = 128 /* deadlines in one run */
};

/* ---- Addresses and routes. Every byte is defined, so that they compare and hash as bytes. */

struct ip {
	uint8_t bytes[16]; /* IPv4: the first four */
	uint32_t scope;
	uint16_t port; /* in network order */
	uint8_t v6, zero;
};

/* How a datagram came, and how its answers go. */
struct route {
	struct ip remote;
	uint8_t local[16]; /* the address of ours that was hit */
	uint32_t socket; /* index */
};

/* ---- Counters: written by one thread, read by any. */

enum counter {
#define X(name, sentence) COUNT_##name,
	TERN_ENDPOINT_COUNTERS(X)
#undef X
		NUM_COUNTERS
};

/* ---- Slots */

enum slot_flag {
	SLOT_SERVER = 1,
	SLOT_CONNECTED = 2,
	SLOT_CANDIDATE = 4, /* begun from the address of a connection that still lives: RFC 6347 4.2.8, RFC 9147 5.11 */
	SLOT_DYING = 8, /* only its GONE is still to be told */
	SLOT_WORK = 16, /* in the queue of work */
	SLOT_BLOCKED = 32, /* in the queue of those that could not send */
	SLOT_SIGNS = 64, /* has taken from the budget of private-key operations */
	SLOT_HASHED = 128,
	SLOT_OWES = 256 /* what its connection says waits for room */
};

struct slot {
	tern_conn *conn; /* NULL: free */
	struct pool *pool;
	struct route route;
	uint64_t heard_ns; /* unfinished: when it began */
	uint64_t keep_ns; /* when it is to be probed */
	uint32_t generation;
	uint32_t hash_next; /* of its bucket; of the free ones */
	uint32_t prev, next; /* of its queue */
	uint32_t work_next;
	uint32_t timer; /* its place in the heap, from 1 */
	uint32_t hello; /* hash of the ClientHello it began with */
	uint32_t bytes; /* received before it was connected */
	uint32_t retransmissions; /* that were counted */
	uint16_t flags;
	uint8_t reason;
};

struct queue {
	uint32_t first, last;
};

/* Connections of one config; the endpoint's current one is held by it too. */
struct pool {
	tern_pool *pool;
	tern_config *config; /* held by it */
	size_t users;
};

struct timer {
	uint64_t at_ns;
	uint32_t slot;
};

/* ---- Sockets */

struct socket {
	int fd; /* -1: free */
	struct ip bound;
	uint32_t slot; /* of a dialed connection; 0: it listens */
	bool wildcard; /* each datagram tells which address it was sent to */
	bool segments; /* UDP_SEGMENT works */
	bool wants_room; /* epoll watches for it */
};

/* What the kernel is asked through, so that tests may answer in its place. Results as those of the system calls. */
struct io {
	int (*send)(int fd, struct mmsghdr *messages, unsigned num);
	int (*receive)(int fd, struct mmsghdr *messages, unsigned num);
	void (*clock)(tern_time *now);
};

struct departure {
	struct route route;
	uint32_t at, len;
	uint16_t segment, num; /* num datagrams of segment bytes each, the last one perhaps shorter */
	bool again; /* was refused for an earlier one's sake */
};

/* Datagrams sealed and not yet sent, in order. */
struct sends {
	uint8_t *bytes;
	size_t used;
	unsigned first, num; /* messages; those before first are sent */
	bool blocked; /* a socket takes nothing */
	bool told; /* TERN_WOULD_BLOCK was said */
	struct departure messages[SENDS];
};

/* One recvmmsg, and how far it has been worked through. */
struct receives {
	uint8_t *bytes;
	unsigned num, at; /* messages */
	size_t offset; /* in the one at hand; 0: it was not looked at */
	size_t segment; /* of the one at hand: the length of its datagrams, the last one's perhaps less */
	struct route route; /* of the one at hand */
	uint32_t socket;
	struct mmsghdr headers[RECEIVES];
	struct iovec iov[RECEIVES];
	struct sockaddr_in6 names[RECEIVES];
	_Alignas(8) uint8_t control[RECEIVES][CONTROL_BYTES];
};

struct arrival {
	uint8_t *bytes;
	size_t len;
	struct route route;
};

/* Datagrams of handshakes that wait for their turn: a ring, each behind its length and route. */
struct backlog {
	uint8_t *bytes;
	size_t head, used;
	size_t num; /* below 2^16: each takes more than 8 bytes */
	uint64_t key[2];
	uint16_t cells[BACKLOG_CELLS]; /* how many there are of routes with one hash */
};

/* What an address has: the connection and the one that is about to replace it; 0: none. */
struct found {
	uint32_t current, candidate;
};

/* What next is at: a slot whose events are being told, perhaps of a datagram. */
struct course {
	uint32_t slot; /* 0: nothing */
	uint32_t second; /* takes the datagram if it was not the first one's */
	bool feeds; /* the datagram is still to be fed */
	bool fed;
	bool accepted; /* and that the peer is there is still to be told */
	struct arrival datagram;
};

struct tern_endpoint {
	const struct io *io;
	tern_time now;
	bool round; /* next has not said NONE */
	bool closing;
	bool shares; /* its addresses with other workers */
	bool handed; /* another worker has handed something over */
	uint8_t worker;
	struct group *group; /* NULL: no connection IDs */
	bool slow; /* this round a datagram of a handshake was worked on */
	tern_endpoint_options options;
	struct pool *pool;

	struct slot **chunks;
	uint32_t num_chunks, max_chunks, free_slot, num_slots, unfinished_served;
	uint32_t *buckets;
	uint32_t num_buckets; /* a power of two */
	uint64_t key[2];
	struct route sought; /* last, and what was found; void once the table has changed */
	struct found found;
	bool found_holds;
	struct queue unfinished, connected, work, blocked;
	uint32_t goner; /* whose GONE was told: freed by the following call */
	struct timer *timers; /* room for every slot */
	uint32_t num_timers;
	uint32_t ticks; /* timers that were due in this round */

	struct socket *sockets;
	uint32_t num_sockets, free_socket;
	int epoll;
	uint32_t ready[READY];
	unsigned num_ready, at_ready;

	struct sends sends;
	struct receives *receives;
	struct backlog backlog;
	uint8_t *late; /* the datagram of it that is at hand */
	struct course course;
	uint32_t undrained; /* a slot that has not said what it has to, since its next datagram is at hand already */
	uint32_t behind; /* a slot that has just connected: what came behind its handshake is next */

	uint16_t prefixes[2][PREFIX_CELLS]; /* unfinished handshakes, by two hashes of their prefix */
	uint64_t allowance_ns, allowance_at_ns; /* of private-key operations, as time */

	_Atomic uint64_t counters[NUM_COUNTERS];
	_Atomic uint64_t peers, handshakes;
	_Atomic uint64_t dropped[TERN_NUM_DROPS];
};

static inline void count_up(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

#define COUNT(endpoint, name, n) count_up(&(endpoint)->counters[COUNT_##name], n)

/* ---- address.c */

bool ip_from_sockaddr(struct ip *ip, const struct sockaddr *from);
bool ip_from_address(struct ip *ip, const tern_address *from);
socklen_t ip_to_sockaddr(struct sockaddr_in6 *out, const struct ip *ip);
void ip_to_address(tern_address *out, const struct ip *ip);
/* What a path of the core's means for a connection with this route: the socket, too. false: it tells nothing. */
bool route_from_path(const tern_endpoint *endpoint, struct route *route, const tern_path *path);
void route_path(const tern_endpoint *endpoint, const struct route *route, tern_path *path);

/* ---- siphash.c: SipHash-1-3, keyed, so that nobody can choose what collides */

uint64_t siphash(const uint64_t key[2], const void *bytes, size_t n);
uint64_t siphash_route(const uint64_t key[2], const struct route *route);

/* ---- slots.c */

bool slots_init(tern_endpoint *endpoint);
void slots_free(tern_endpoint *endpoint);
static inline struct slot *slot_at(const tern_endpoint *endpoint, uint32_t index)
{
	return &endpoint->chunks[index / CHUNK][index % CHUNK];
}
uint32_t slot_new(tern_endpoint *endpoint); /* 0: no memory */
uint32_t slot_next(tern_endpoint *endpoint); /* what slot_new will return */
void slot_free(tern_endpoint *endpoint, uint32_t index);
tern_peer slot_peer(const tern_endpoint *endpoint, uint32_t index);
uint32_t slot_of(const tern_endpoint *endpoint, tern_peer peer); /* 0: gone, or going */
void slot_hash(tern_endpoint *endpoint, uint32_t index); /* by its route */
void slot_unhash(tern_endpoint *endpoint, uint32_t index);
void slot_set_candidate(tern_endpoint *endpoint, uint32_t index, bool is);
struct found slots_find(const tern_endpoint *endpoint, const struct route *route);
void queue_push(tern_endpoint *endpoint, struct queue *queue, uint32_t index);
void queue_remove(tern_endpoint *endpoint, struct queue *queue, uint32_t index);
void work_push(tern_endpoint *endpoint, uint32_t index); /* once */
uint32_t work_pop(tern_endpoint *endpoint);
void blocked_push(tern_endpoint *endpoint, uint32_t index);
void blocked_release(tern_endpoint *endpoint); /* all become work */

/* ---- timers.c: a heap by time. An entry may be too early, never too late. */

void timer_set(tern_endpoint *endpoint, uint32_t index, uint64_t at_ns); /* a later time than is set waits its turn */
void timer_clear(tern_endpoint *endpoint, uint32_t index);
uint32_t timer_due(tern_endpoint *endpoint); /* taken out; 0: none, or enough for this round */

/* ---- sockets.c. What fails leaves errno. */

uint32_t socket_listen(tern_endpoint *endpoint, const struct ip *at, bool v6_only); /* UINT32_MAX: failed */
uint32_t socket_dial(tern_endpoint *endpoint, const struct ip *remote, const struct ip *local);
void socket_close(tern_endpoint *endpoint, uint32_t index);
void socket_want_room(tern_endpoint *endpoint, uint32_t index, bool wants);

/* ---- io.c */

extern const struct io io_batch, io_plain;

/* ---- sends.c */

/* Where the next datagram may be put, at least need bytes; NULL: there is no room now. */
uint8_t *sends_room(tern_endpoint *endpoint, size_t need, size_t *room);
void sends_add(tern_endpoint *endpoint, const struct route *route, size_t len); /* what was put there */
bool sends_flush(tern_endpoint *endpoint); /* false: some have to wait */

/* ---- receives.c */

struct receives *receives_new(void);
void receives_free(struct receives *receives);
/* The next datagram that came to one of the sockets that are ready. */
bool receives_next(tern_endpoint *endpoint, struct arrival *datagram);
/* Whether the next one came with the last one, from the same address. */
bool receives_go_on(const tern_endpoint *endpoint);

/* ---- backlog.c */

bool backlog_put(struct backlog *backlog, const struct arrival *datagram);
/* Whether something of this route waits; by accident, of another one. */
bool backlog_holds(struct backlog *backlog, const struct route *route);
/* The oldest one, and the oldest one of a route, whatever waits before it; false when there is none. room:
 * DATAGRAM_MAX. */
bool backlog_get(struct backlog *backlog, struct arrival *datagram, uint8_t *room);
bool backlog_get_of(struct backlog *backlog, const struct route *route, struct arrival *datagram, uint8_t *room);

/* ---- group.c: connection IDs, and datagrams between workers */

tern_error group_new(struct group **group, size_t num, uint8_t cid_length);
void group_release(struct group *group);
tern_error group_join(struct group *group, tern_endpoint *endpoint, uint8_t worker, int *wake); /* holds it */
tern_error group_name(struct group *group, tern_config *config); /* the config takes its IDs from the group */
bool group_steer(const struct group *group, int fd);
/* Around whatever may make an ID, which then names the slot of the course at hand. */
void group_enter(tern_endpoint *endpoint);
void group_leave(tern_endpoint *endpoint);
/* Where the ID in a datagram points to; false: there is none of ours. */
bool group_find(const tern_endpoint *endpoint, const struct arrival *arrival, uint8_t *worker, uint32_t *index);
void group_hand_over(tern_endpoint *endpoint, uint8_t worker, const struct arrival *arrival);
void group_woken(const tern_endpoint *endpoint);
bool group_take(tern_endpoint *endpoint, struct arrival *arrival); /* false: nothing was handed over */

/* ---- admit.c: what may begin */

bool admit(tern_endpoint *endpoint, const struct route *route, uint16_t *flags); /* counts what it refuses */
/* Its handshake has ended; conn NULL: could not begin. */
void admit_leave(tern_endpoint *endpoint, struct slot *slot);
/* What is counted with one prefix is counted with another from now on. */
void admit_moved(tern_endpoint *endpoint, const struct ip *from, const struct ip *to);

/* ---- dispatch.c */

/* Whose datagram this is; begins a course, or answers, drops or puts it off. late: it was put off before. */
void dispatch(tern_endpoint *endpoint, const struct arrival *datagram, bool late);

/* ---- life.c */

void pool_release(struct pool *pool);
/* Everything that waits in the connection goes into the batch. false: it failed. */
bool life_drain(tern_endpoint *endpoint, uint32_t index);
void life_retime(tern_endpoint *endpoint, uint32_t index);
void life_follow(tern_endpoint *endpoint, uint32_t index); /* to where the connection is now */
void life_keep(tern_endpoint *endpoint, uint32_t index); /* probes it, if that is due */
void life_connected(tern_endpoint *endpoint, uint32_t index);
void life_heard(tern_endpoint *endpoint, uint32_t index);
/* Says what is still to be said, out of all tables; GONE follows. */
void life_end(tern_endpoint *endpoint, uint32_t index, tern_gone_reason reason);
/* The same after closing properly. */
void life_close(tern_endpoint *endpoint, uint32_t index, tern_gone_reason reason);
void life_sweep(tern_endpoint *endpoint); /* some of those silent for too long; they are work then */
uint32_t life_begin(tern_endpoint *endpoint, tern_conn *conn, const struct route *route, uint16_t flags);

#endif
