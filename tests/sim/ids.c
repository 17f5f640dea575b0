/* ids.c - connection IDs of DTLS 1.3 after the handshake. */
#include "connection/conn.h"
#include "sim/host.h"

static tern_error change(struct host *h, tern_conn *conn)
{
	struct world *w = h->world;
	switch (pcg_below(&w->rng, 4)) {
	case 0:
		ladder_note(w, h->side, "gives a connection ID for now");
		return tern_conn_new_cid(conn, true);
	case 1:
		ladder_note(w, h->side, "gives a spare connection ID");
		return tern_conn_new_cid(conn, false);
	case 2:
		ladder_note(w, h->side, "asks for connection IDs");
		return tern_conn_request_cids(conn, 1 + pcg_below(&w->rng, CIDS_MAX - 1));
	default:
		ladder_note(w, h->side, "sends with its next connection ID");
		return tern_conn_next_cid(conn);
	}
}

/* What cannot be now is refused as the caller's mistake, or as one too many. */
void host_change_ids(struct host *h)
{
	struct world *w = h->world;
	struct peer *p = &h->peers[0];
	tern_error error;
	if (!h->ids_left || p->ended || !p->connected)
		return;
	h->ids_left--;
	error = change(h, p->conn);
	if (h->memory.faults.happened && fault_explains(h->memory.faults.kind, error))
		host_note_end(h, p, error);
	else if (error != TERN_OK && error != TERN_ERROR_USAGE && error != TERN_ERROR_LIMIT)
		invariants_fail(&w->inv, "side %u: connection IDs: %s", h->side, tern_error_name(error));
	host_drain(h, p);
	if (h->ids_left)
		world_at(w, SIM_MS * pcg_below(&w->rng, 1u + w->scenario->updates_gap_ms), EVENT_CHANGE_IDS, h->side,
			 0);
}

bool ids_done(const struct host *h)
{
	const tern_conn *conn = h->peers[0].conn;
	const struct cid_dues *d = conn->after ? &conn->after->cids : NULL;
	return h->ids_left == 0 && (!d || (!d->wanted && !d->asked && !d->request && !d->requested));
}

/* Whatever a side may send with, its peer takes. */
void check_ids(struct world *w)
{
	struct span cid;
	size_t at;
	if (!world_agrees(w))
		return;
	for (unsigned i = 0; i < 2; i++) {
		const struct cids *from = &w->hosts[i].peers[0].conn->records.cids;
		const struct cids *to = &w->hosts[!i].peers[0].conn->records.cids;
		for (size_t k = 0; (cid = cids_at(from, CID_PEERS, k)).n; k++)
			if (!cids_match(to, cid, &at) || cids_at(to, CID_OURS, at).n != cid.n)
				invariants_fail(&w->inv, "side %u sends with an ID that its peer has given up", i);
		if (to->due != (from->len[CID_PEERS] > 0))
			invariants_fail(&w->inv, "side %u: an ID is %s", i, to->due ? "due" : "not due");
	}
}
