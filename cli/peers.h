/* peers.h - the server's peers by address, and by connection ID where they have one: bounded hash tables.
 *
 * A peer has one association, and a second one while a restarted client at the same address proves itself
 * (RFC 6347 4.2.8). */
#ifndef TERN_CLI_PEERS_H
#define TERN_CLI_PEERS_H

#include "setup.h"
#include "tern/tern.h"
#include "udp.h"

enum { PEERS_MAX = 8192, PEER_BUCKETS = 8192 };

struct association {
	tern_conn *conn; /* NULL: there is none */
	bool connected, dead;
	uint64_t records; /* of data that came */
	uint64_t hello; /* hash of the ClientHello it began with, to know a repeated one */
	uint8_t *early; /* early data that is to be echoed once it is connected: each record behind its length */
	size_t early_len;
};

struct peer {
	struct party party; /* first: every connection's user pointer is this */
	struct address address;
	struct association current, candidate;
	uint64_t last_ns; /* when it was last heard */
	uint8_t cid[255], cid_len; /* by which its datagrams are known, wherever they come from; 0: none */
	struct peer *chain; /* the next of its bucket */
	struct peer *cid_chain;
	struct peer *prev, *next; /* all peers */
};

struct peers {
	struct peer *buckets[PEER_BUCKETS]; /* by address */
	struct peer *cid_buckets[PEER_BUCKETS];
	struct peer *all;
	size_t num;
	uint64_t key; /* makes the buckets unforeseeable */
};

void peers_init(struct peers *peers, uint64_t key);
struct peer *peers_find(struct peers *peers, const struct address *address);
struct peer *peers_add(struct peers *peers, const struct address *address); /* NULL: the table is full */
struct peer *peers_find_cid(struct peers *peers, const uint8_t *cid, size_t len);
void peers_set_cid(struct peers *peers, struct peer *peer, const uint8_t *cid, size_t len); /* in place of another */
void peers_move(struct peers *peers, struct peer *peer, const struct address *address);
void association_free(struct association *a); /* leaves an empty one */
void peers_remove(struct peers *peers, struct peer *peer); /* frees its connections too */

/* The ClientHello in the first record, as a number; repeated ones differ in the record's header only. */
uint64_t hello_hash(const uint8_t *datagram, size_t len);

#endif
