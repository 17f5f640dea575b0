/* cid.h - connection IDs in the hellos of both versions (RFC 9146 3, RFC 9147 9), and how ours are made and given up.
 * The record layer holds them. */
#ifndef TERN_HANDSHAKE_CID_H
#define TERN_HANDSHAKE_CID_H

#include "handshake/handshake.h"

/* A new one of ours, behind the others. *made: empty when the codec gives none; or a span into cids. NO_MEMORY, BUDGET
 * (there are CIDS_MAX), RANDOM, INTERNAL (the codec's is too long). */
tern_error cid_make(const tern_pool *pool, tern_conn *conn, struct cids *cids, struct span *made);
/* The first of ours is not used any more. */
void cid_retire(const tern_pool *pool, tern_conn *conn, struct cids *cids);
void cid_retire_all(const tern_pool *pool, tern_conn *conn, struct cids *cids);

/* Whether records with the peer's still hold a message's fragment within the MTU. */
static inline bool cid_fits_mtu(size_t cid_len, uint16_t mtu)
{
	return MTU_MIN + cid_len <= mtu;
}

/* Client: in a first hello; and the answer, or that there is none. */
tern_error cid_offer(struct handshake *hs, struct extensions *ext);
tern_error cid_take(struct handshake *hs, const struct extensions *ext);
/* Server. */
tern_error cid_answer(struct handshake *hs, const struct extensions *ext, struct extensions *answer);

/* DTLS 1.2, when limits are agreed on: a record with an ID has its type in the plaintext, where the peer may count it.
 */
void cid_limit12(struct handshake *hs);

#endif
