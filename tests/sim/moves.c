/* moves.c - a client whose address changes without its knowing, and a server that looks for it (RFC 9146 6, RFC 9853).
 */
#include "sim/host.h"

#define AGAIN_MS 50 /* until a client that is not connected yet moves */

tern_path path_of(const struct host *h)
{
	tern_address client = {.len = 2, .bytes = {'c', 1}, .host_len = 1};
	tern_address server = {.len = 2, .bytes = {'s', 1}, .host_len = 1};
	if (h->side == CLIENT)
		return (tern_path){.local = client, .remote = server};
	client.bytes[1] = (uint8_t)(1 + h->heard_from);
	return (tern_path){.local = server, .remote = client};
}

static uint8_t address_in(const tern_path *path)
{
	return path->remote.len == 2 && path->remote.bytes[0] == 'c' ? (uint8_t)(path->remote.bytes[1] - 1) : 0;
}

void turn_toward(struct host *h, const tern_path *path)
{
	if (h->side == SERVER)
		h->world->toward = address_in(path);
}

/* Without a server that is connected, only where all that the client still says goes under keys, with an ID. */
static bool may_move(const struct world *w)
{
	return world_agrees(w) || (w->scenario->moves_at_once && w->hosts[CLIENT].peers[0].connected);
}

void move_begin(struct world *w)
{
	if (w->moves_left && w->scenario->moves_at_once)
		move_client(w);
	else if (w->moves_left)
		world_at(w, SIM_MS * pcg_below(&w->rng, 1u + w->scenario->moves_gap_ms), EVENT_MOVE, CLIENT, 0);
}

void move_client(struct world *w)
{
	if (!w->moves_left || w->hosts[CLIENT].peers[0].ended)
		return;
	if (may_move(w)) {
		w->moves_left--;
		w->address++;
		ladder_note(w, CLIENT, "has address %u", w->address);
	}
	if (w->moves_left)
		world_at(w, SIM_MS * (AGAIN_MS + pcg_below(&w->rng, 1u + w->scenario->moves_gap_ms)), EVENT_MOVE,
			 CLIENT, 0);
}

bool moves_done(const struct world *w)
{
	tern_path path;
	if (!w->scenario->moves || w->staging)
		return true;
	return w->moves_left == 0 && tern_conn_path(w->hosts[SERVER].peers[0].conn, &path) &&
	       address_in(&path) == w->address;
}

void path_changed(struct host *h, const tern_event *event)
{
	static const char *const words[] = {"looks for its peer at", "goes on with",	   "stays, and leaves",
					    "is answered at",	     "is not answered at", "sees"};
	ladder_note(h->world, h->side, "%s address %u", words[event->path_event], address_in(event->path));
	if (h->side == CLIENT && !world_is_wild(h->world))
		invariants_fail(&h->world->inv, "the client thinks that the server has moved");
	else if (event->path_event == TERN_PATH_CHANGED)
		address_proved(&h->world->inv, address_in(event->path));
}
