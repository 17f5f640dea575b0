/* peers.c - the server's peers by address and by connection ID. */
#include "peers.h"

#include <stdlib.h>
#include <string.h>

enum { RECORD_HEADER = 13 };

/* FNV-1a. */
static uint64_t hash_bytes(uint64_t hash, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3u;
	return hash;
}

static size_t slot_of(const struct peers *peers, const uint8_t *bytes, size_t len)
{
	uint64_t hash = hash_bytes(0xcbf29ce484222325u ^ peers->key, bytes, len);

	return (hash ^ hash >> 32) % PEER_BUCKETS;
}

static struct peer **bucket_of(struct peers *peers, const struct address *address)
{
	tern_address a = address_tern(address);

	return &peers->buckets[slot_of(peers, a.bytes, a.len)];
}

void peers_init(struct peers *peers, uint64_t key)
{
	*peers = (struct peers){.key = key};
}

struct peer *peers_find(struct peers *peers, const struct address *address)
{
	struct peer *p = *bucket_of(peers, address);

	while (p && !address_equal(&p->address, address))
		p = p->chain;
	return p;
}

struct peer *peers_find_cid(struct peers *peers, const uint8_t *cid, size_t len)
{
	struct peer *p = peers->cid_buckets[slot_of(peers, cid, len)];

	while (p && (p->cid_len != len || memcmp(p->cid, cid, len) != 0))
		p = p->cid_chain;
	return p;
}

void peers_set_cid(struct peers *peers, struct peer *peer, const uint8_t *cid, size_t len)
{
	struct peer **at = &peers->cid_buckets[slot_of(peers, peer->cid, peer->cid_len)];

	while (peer->cid_len && *at != peer)
		at = &(*at)->cid_chain;
	if (peer->cid_len)
		*at = peer->cid_chain;
	peer->cid_len = (uint8_t)len;
	if (!len)
		return;
	memcpy(peer->cid, cid, len);
	at = &peers->cid_buckets[slot_of(peers, cid, len)];
	peer->cid_chain = *at;
	*at = peer;
}

static void link_in(struct peers *peers, struct peer *peer, const struct address *address)
{
	struct peer **bucket = bucket_of(peers, address);

	peer->address = *address;
	peer->chain = *bucket;
	*bucket = peer;
}

static void unlink_from(struct peers *peers, struct peer *peer)
{
	struct peer **at = bucket_of(peers, &peer->address);

	while (*at != peer)
		at = &(*at)->chain;
	*at = peer->chain;
}

/* Who had the address before is behind it now, and is found by a connection ID only. */
void peers_move(struct peers *peers, struct peer *peer, const struct address *address)
{
	unlink_from(peers, peer);
	link_in(peers, peer, address);
}

struct peer *peers_add(struct peers *peers, const struct address *address)
{
	struct peer *p = peers->num < PEERS_MAX ? calloc(1, sizeof *p) : NULL;

	if (!p)
		return NULL;
	address_text(p->party.name, address);
	link_in(peers, p, address);
	p->next = peers->all;
	if (p->next)
		p->next->prev = p;
	peers->all = p;
	peers->num++;
	return p;
}

void association_free(struct association *a)
{
	tern_conn_free(a->conn);
	free(a->early);
	*a = (struct association){.conn = NULL};
}

void peers_remove(struct peers *peers, struct peer *peer)
{
	unlink_from(peers, peer);
	peers_set_cid(peers, peer, NULL, 0);
	if (peer->prev)
		peer->prev->next = peer->next;
	else
		peers->all = peer->next;
	if (peer->next)
		peer->next->prev = peer->prev;
	peers->num--;
	association_free(&peer->current);
	association_free(&peer->candidate);
	free(peer);
}

uint64_t hello_hash(const uint8_t *datagram, size_t len)
{
	size_t body;

	if (len < RECORD_HEADER)
		return 0;
	body = (size_t)datagram[11] << 8 | datagram[12];
	if (body > len - RECORD_HEADER)
		body = len - RECORD_HEADER;
	return hash_bytes(0xcbf29ce484222325u, datagram + RECORD_HEADER, body);
}
