/* host.h - one side: its config and pool, its connections, and how an endpoint drives them. */
#ifndef TERN_TESTS_SIM_HOST_H
#define TERN_TESTS_SIM_HOST_H

#include "sim/world.h"

/* setup.c: config and pool for the world's scenario. */
tern_error host_open(struct host *h, const struct provider *provider);
void host_close(struct host *h);

/* jobs.c: the callbacks the configs need, and their late answers. */
tern_error ask_signature(void *user, tern_conn *conn, uint64_t job, uint16_t scheme, const uint8_t *tbs, size_t tbs_len,
			 uint8_t *signature, size_t cap, size_t *len);
tern_error ask_verdict(void *user, tern_conn *conn, uint64_t job, const tern_bytes *chain, size_t num_chain,
		       bool raw_key);
tern_error answer_psk(void *user, tern_conn *conn, uint64_t job, const uint8_t *identity, size_t identity_len,
		      const uint8_t *hint, size_t hint_len, tern_psk *answer);
struct peer *peer_of(struct host *h, const tern_conn *conn); /* NULL: not known yet */
tern_error ask_freshness(void *user, tern_conn *conn, uint64_t job, const uint8_t *id, size_t id_len,
			 int64_t expires_unix_s);
extern const tern_session_store store_calls; /* user: the host */
void answer_job(struct world *w, uint16_t index);

/* trace.c: what a connection reports of itself. user: the host. */
void on_trace(void *user, const tern_conn *conn, const tern_trace *trace);

/* updates.c: key updates, record numbers and certificate requests of DTLS 1.3. */
/* Both sides have done what the scenario wants, and none is under way. */
bool updates_done(const struct world *w);
void skip_numbers(struct world *w);
void check_epochs(struct world *w);
void check_ids(struct world *w);

/* moves.c: the client gets another address, as behind a NAT. */
void move_begin(struct world *w); /* the client is connected, and has not sent its last flight */
void move_client(struct world *w);
bool moves_done(const struct world *w); /* and the server sends to the last one */
void path_changed(struct host *h, const tern_event *event);
tern_path path_of(const struct host *h); /* of the datagram that came last */
void turn_toward(struct host *h, const tern_path *path); /* what is sent next goes there */

/* host.c: what an endpoint does. */
tern_time host_time(const struct host *h); /* by its own clock */
void host_connect(struct host *h); /* a client */
void host_receive(struct host *h, uint8_t *datagram, size_t n);
void host_tick(struct host *h); /* whatever is due */
uint64_t host_deadline(const struct host *h);
void host_send_data(struct host *h);
void host_rekey(struct host *h);
void host_request(struct host *h); /* the client's certificate, from a server */
/* carry.c: flights that are repeated byte for byte. */
void carry_begin(struct host *h, struct peer *p); /* a new connection */
void host_repeat(struct host *h);
void host_change_ids(struct host *h);
bool ids_done(const struct host *h); /* all changes are made and told */
/* early.c: data before the handshake is complete. */
void early_begin(struct host *h, struct peer *p); /* a client that has its hello on the way */
void early_send(struct host *h);
void early_arrived(struct host *h, const struct peer *p, const tern_event *event);
void early_connected(struct host *h, const struct peer *p);
/* The server is shown a hello that was seen on the path, as if another had sent it. */
void early_steal(struct world *w);
/* Lets the server judge a datagram from another address than the client's. */
void host_listen_from(struct host *h, const uint8_t *remote, size_t remote_len, const uint8_t *datagram, size_t n);
void host_drain(struct host *h, struct peer *p); /* events, then datagrams */
void host_note_end(struct host *h, struct peer *p, tern_error error);
void host_drop(struct host *h); /* all connections */

/* faulty.c: what a fault may come to. */
bool fault_is_why(const struct host *h, tern_error error); /* what came may come of it */
bool fault_costs_session(const struct world *w); /* a ticket that cannot be opened, or is too old by now */
void fault_step(struct world *w); /* clocks */
bool fault_is_over(const struct world *w);
void fault_check(struct world *w); /* at the end of a run */

/* forge.c: an attacker on the path. */
void forge(struct world *w);
void flood(struct world *w);
void catch_datagram(struct world *w, unsigned to, const uint8_t *p, size_t n);
/* Damages bytes that are under protection, or, if wild, any. */
void damage(struct pcg *rng, uint8_t *p, size_t n, bool wild);

/* ladder.c: for a reader. */
const char *ladder_type(uint8_t content_type);
const char *ladder_message(uint8_t message_type);
void ladder_datagram(const struct world *w, unsigned from, const uint8_t *p, size_t n, uint64_t number,
		     const struct fate *fate);
void ladder_note(const struct world *w, unsigned side, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
