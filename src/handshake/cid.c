#include "handshake/cid.h"

static tern_error new_bytes(const tern_pool *pool, tern_conn *conn, uint8_t bytes[CID_MAX], size_t *n)
{
	const struct tern_config *config = pool->config;
	const tern_cid_codec *codec = &config->cid_codec;
	*n = codec->make ? codec->make(codec->user, conn, bytes, CID_MAX) : config->cid_length;
	if (*n > CID_MAX)
		return TERN_ERROR_INTERNAL;
	return codec->make || !*n ? TERN_OK : pool->provider->random(pool->crypto, bytes, *n);
}

static void tell_retired(const tern_pool *pool, tern_conn *conn, struct span cid)
{
	const tern_cid_codec *codec = &pool->config->cid_codec;
	if (codec->retire)
		codec->retire(codec->user, conn, cid.p, cid.n);
}

tern_error cid_make(const tern_pool *pool, tern_conn *conn, struct cids *cids, struct span *made)
{
	uint8_t bytes[CID_MAX];
	size_t n, same;
	tern_error error;
	*made = span_of(NULL, 0);
	TRY(new_bytes(pool, conn, bytes, &n));
	if (n == 0 || cids_match(cids, span_of(bytes, n), &same))
		return TERN_OK; /* one that is ours already is nothing new */
	error = cids_add(cids, &pool->config->heap, CID_OURS, span_of(bytes, n));
	if (error != TERN_OK)
		tell_retired(pool, conn, span_of(bytes, n));
	else
		*made = cids_at(cids, CID_OURS, cids_num(cids, CID_OURS) - 1);
	return error;
}

void cid_retire(const tern_pool *pool, tern_conn *conn, struct cids *cids)
{
	tell_retired(pool, conn, cids_at(cids, CID_OURS, 0));
	cids_drop_first(cids, &pool->config->heap, CID_OURS);
}

void cid_retire_all(const tern_pool *pool, tern_conn *conn, struct cids *cids)
{
	while (cids->len[CID_OURS])
		cid_retire(pool, conn, cids);
	cids->due = cids->moved = false;
}

/* ---- client ---- */

tern_error cid_offer(struct handshake *hs, struct extensions *ext)
{
	tern_error error;
	if (!hs->pool->config->cids)
		return TERN_OK;
	error = cid_make(hs->pool, hs->conn, &hs->records->cids, &ext->connection_id);
	if (error != TERN_OK)
		return FAILED(hs, error, "RFC 9146 3");
	if (hs->pool->config->rrc != TERN_RRC_OFF)
		ext->present |= HAS_RRC;
	ext->present |= HAS_CONNECTION_ID; /* an empty one says that we can send with the peer's: RFC 9147 5.1 */
	return TERN_OK;
}

/* An empty ID is one that is not sent. */
static tern_error use_peers(struct handshake *hs, struct span cid)
{
	struct cids *cids = &hs->records->cids;
	cids->due = cids->len[CID_OURS] > 0;
	return cid.n ? cids_add(cids, &hs->pool->config->heap, CID_PEERS, cid) : TERN_OK;
}

tern_error cid_take(struct handshake *hs, const struct extensions *ext)
{
	tern_error error;
	if (!(ext->present & HAS_CONNECTION_ID)) {
		cid_retire_all(hs->pool, hs->conn, &hs->records->cids);
		return TERN_OK;
	}
	if (!cid_fits_mtu(ext->connection_id.n, hs->flight.mtu))
		return FAIL(hs, ERROR_BUDGET, "RFC 9146 3");
	hs->outcome.rrc = ext->present & HAS_RRC;
	error = use_peers(hs, ext->connection_id);
	return error == TERN_OK ? TERN_OK : FAILED(hs, error, "RFC 9146 3");
}

/* ---- server ---- */

/* It goes without where the client's ID would leave no room in a datagram. */
tern_error cid_answer(struct handshake *hs, const struct extensions *ext, struct extensions *answer)
{
	tern_error error;
	if (!hs->pool->config->cids || !(ext->present & HAS_CONNECTION_ID) ||
	    !cid_fits_mtu(ext->connection_id.n, hs->flight.mtu))
		return TERN_OK;
	error = cid_make(hs->pool, hs->conn, &hs->records->cids, &answer->connection_id);
	if (error == TERN_OK)
		error = use_peers(hs, ext->connection_id);
	if (error != TERN_OK)
		return FAILED(hs, error, "RFC 9146 3");
	answer->present |= HAS_CONNECTION_ID;
	hs->outcome.rrc = (ext->present & HAS_RRC) && hs->pool->config->rrc != TERN_RRC_OFF;
	if (hs->outcome.rrc) /* never without the other: RFC 9853 3 */
		answer->present |= HAS_RRC;
	return TERN_OK;
}

void cid_limit12(struct handshake *hs)
{
	if (hs->records->cids.len[CID_PEERS])
		hs->outcome.plaintext_max_out--;
}
