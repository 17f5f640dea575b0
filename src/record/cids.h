/* cids.h - the connection IDs of a record layer (RFC 9146, RFC 9147 9): by which the peer may reach us, and by which we
 * reach the peer. One of at most 8 bytes each way takes no memory of its own. */
#ifndef TERN_RECORD_CIDS_H
#define TERN_RECORD_CIDS_H

#include "base/reader.h"
#include "tern/tern.h"

#define CID_MAX 255 /* RFC 9146 3 */
#define CID_HERE 8 /* bytes of one that lies in the struct */
#define CIDS_MAX 8 /* kept of either kind, the one in use included */

enum cid_owner { CID_OURS, CID_PEERS };

struct cid_node;

union cid_first {
	uint8_t here[CID_HERE];
	struct cid_node *node; /* a longer one */
};

struct cids {
	union cid_first first[2]; /* by owner: ours, the oldest that is still taken; the peer's, the one we send with */
	struct cid_node *more; /* of both, each in the order they were given out */
	uint8_t len[2]; /* of the first; 0: none */
	uint8_t used; /* ours: how many were given out before the one that the peer used last */
	uint8_t replaced; /* ours: how many at the front may not be used by the peer any more, once it has seen that */
	bool due; /* protected records of the peer must have one of ours: RFC 9146 3, RFC 9147 4 */
	bool moved; /* the peer uses none of the replaced ones any more: they are to be retired */
};

/* The i-th, in order; empty: there are fewer. */
struct span cids_at(const struct cids *c, enum cid_owner owner, size_t i);
size_t cids_num(const struct cids *c, enum cid_owner owner);

/* cid: 1 to CID_MAX bytes, copied, behind the others. NO_MEMORY; BUDGET: there are CIDS_MAX. */
tern_error cids_add(struct cids *c, const tern_allocator *heap, enum cid_owner owner, struct span cid);
void cids_drop_first(struct cids *c, const tern_allocator *heap, enum cid_owner owner);
void cids_free(struct cids *c, const tern_allocator *heap);

/* Which of ours bytes begin with; false: none. */
MUST_CHECK bool cids_match(const struct cids *c, struct span bytes, size_t *i);
/* A record with our i-th was authenticated. */
void cids_note(struct cids *c, size_t i);

#endif
