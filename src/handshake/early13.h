/* early13.h - early data (0-RTT): offered, judged, answered (RFC 8446 4.2.10, 8, RFC 9147 5.6). Its records are those
 * of epoch 1, which only a client writes and only a server reads, until the handshake is complete. */
#ifndef TERN_HANDSHAKE_EARLY13_H
#define TERN_HANDSHAKE_EARLY13_H

#include "handshake/psk13.h"

/* The host of a path, to be sealed into a ticket and compared with it; empty: not told. */
struct span path_host(const tern_path *path);

/* ---- client ---- */

/* Offers early data when the application wants it and the first PSK allows it. */
void early13_offer(struct handshake *hs);
/* The offer has come to nothing; the keys go. Nothing happens when there was none. */
void early13_reject(struct handshake *hs, tern_early_reason reason);
/* A PSK and a suite were chosen, or none: those of the early data, or there is none. */
void early13_check_choice(struct handshake *hs, bool first_psk);
/* What EncryptedExtensions say; the protocol is known. */
tern_error early13_take_answer(struct handshake *hs, const struct extensions *ext);
/* Whether early data may be sent. */
bool early13_may_send(const struct handshake *hs);

/* ---- server ---- */

/* What a first hello asks for: a PSK found in it, its binder checked, and the group with its share (choose_group13). */
struct early_request {
	const struct extensions *ext;
	const struct found_psk *psk;
	const struct group_alg *group;
	struct span share;
};

/* Whether its early data may be accepted; may pend. NONE: it may, or none is offered. ILLEGAL_PARAMETER: offered after
 * a retry. */
tern_error early13_judge(struct handshake *hs, const struct early_request *request, tern_early_reason *reason);
/* Notes the verdict on a hello that offers early data, once hs->session is known. */
void early13_decide(struct handshake *hs, tern_early_reason reason);

/* Whether a first hello proves its address by a ticket: one that seals this host, with early data that could be
 * accepted, so that nothing of it needs another round trip. body: of the hello. */
bool early13_proves_address(tern_pool *pool, const struct client_hello *hello, const struct extensions *ext,
			    struct span body, const tern_path *path, int64_t unix_s);

/* ---- both ---- */

/* Once early data is offered, or accepted: the keys of epoch 1, from the hello whose body this is. */
tern_error early13_keys(struct handshake *hs, struct span hello);

#endif
