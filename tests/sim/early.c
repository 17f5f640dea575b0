/* early.c - early data of DTLS 1.3: what a client sends of it, and what must hold of it. It is delivered before the
 * handshake is complete or not at all, at most once whatever server connection its records come to, and only where the
 * server says that it accepts it. Its messages are those of an association of their own, for there are no keys in
 * common yet. */
#include "sim/host.h"
#include "wire/record.h"

#define EARLY_MESSAGES 8
#define EARLY_MARK (UINT64_C(0xea) << 56)

static uint64_t association_before(const struct peer *p)
{
	return EARLY_MARK | p->serial;
}

void early_begin(struct host *h, struct peer *p)
{
	struct world *w = h->world;
	if (!(w->scenario->flags & SIM_EARLY) || w->staging)
		return;
	p->early_left = EARLY_MESSAGES;
	early_send(h);
}

/* One message, and the next some time later: into the handshake's end, and beyond. */
void early_send(struct host *h)
{
	struct world *w = h->world;
	struct peer *p = &h->peers[0];
	uint8_t data[SIM_DATAGRAM_MAX], out[SIM_DATAGRAM_MAX];
	size_t most = p->conn ? tern_conn_max_early_data(p->conn) : 0, n, out_n;
	tern_error error;
	if (!p->early_left || p->ended)
		return;
	p->early_left--;
	if (p->early_left)
		world_at(w, SIM_MS * pcg_below(&w->rng, 40), EVENT_SEND_EARLY, h->side, 0);
	if (most < DATA_HEADER)
		return;
	if (p->connected)
		invariants_fail(&w->inv, "early data may be sent though the handshake is complete");
	n = DATA_HEADER + pcg_below(&w->rng, most > 400 ? 400 - DATA_HEADER : (uint32_t)(most - DATA_HEADER) + 1);
	if (!data_make(&w->inv, association_before(p), h->side, data, n))
		return;
	error = tern_conn_seal_early_data(p->conn, out, sizeof out, &out_n, data, n, host_time(h));
	if (fault_is_why(h, error))
		host_note_end(h, p, error);
	else if (error != TERN_OK)
		invariants_fail(&w->inv, "cannot seal early data: %s", tern_error_name(error));
	else
		world_send(w, h->side, out, out_n);
}

void early_arrived(struct host *h, const struct peer *p, const tern_event *event)
{
	struct world *w = h->world;
	tern_info info;
	uint64_t id = 0;
	tern_conn_info(p->conn, &info);
	if (p->connected || h->side != SERVER || info.early_data != TERN_EARLY_DATA_ACCEPTED)
		invariants_fail(&w->inv, "side %u: early data where there can be none", h->side);
	if (w->inv.any_data)
		return;
	for (size_t i = 0; i < 8 && event->len >= DATA_HEADER; i++)
		id |= (uint64_t)event->data[i] << (8 * i);
	data_arrived(&w->inv, id, h->side, event->data, event->len);
}

/* Both sides say the same; a server that asked for a second hello without keeping anything knows nothing of it. */
void early_connected(struct host *h, const struct peer *p)
{
	struct world *w = h->world;
	const struct peer *client = &w->hosts[CLIENT].peers[0];
	bool offers = (w->scenario->flags & SIM_EARLY) && !w->staging;
	tern_info info, other;
	if (fault_costs_session(w))
		return;
	tern_conn_info(p->conn, &info);
	if (h->side == CLIENT) {
		if ((info.early_data == TERN_EARLY_DATA_NONE) == offers || info.early_data == TERN_EARLY_DATA_OFFERED)
			invariants_fail(&w->inv, "the client says %d of its early data", (int)info.early_data);
		return;
	}
	if (!client->connected || memcmp(client->exporter, p->exporter, sizeof p->exporter) != 0)
		return;
	tern_conn_info(client->conn, &other);
	if ((info.early_data == TERN_EARLY_DATA_ACCEPTED) != (other.early_data == TERN_EARLY_DATA_ACCEPTED))
		invariants_fail(&w->inv, "early data: the client says %d, the server %d", (int)other.early_data,
				(int)info.early_data);
}

void early_steal(struct world *w)
{
	static const uint8_t elsewhere[] = {'x', 1};
	size_t have = w->num_caught < SIM_CAUGHT ? w->num_caught : SIM_CAUGHT, i;
	if (!have || !(w->scenario->flags & SIM_EARLY) || (w->scenario->flags & SIM_NO_COOKIE))
		return;
	i = pcg_below(&w->rng, (uint32_t)have);
	if (w->caught_to[i] == SERVER)
		host_listen_from(&w->hosts[SERVER], elsewhere, sizeof elsewhere, w->caught[i].bytes, w->caught[i].n);
}
