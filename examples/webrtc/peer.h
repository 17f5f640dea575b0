/* peer.h - one browser: an address that ICE found, a DTLS association over it, and what that keys or carries. */
#ifndef WEBRTC_PEER_H
#define WEBRTC_PEER_H

#include <netinet/in.h>
#include <tern/tern.h>

#include "channel.h"
#include "media.h"
#include "sdp.h"
#include "stun.h"

struct peer {
	char ufrag[9], password[28]; /* ours, of ICE; the first also names the peer in signalling */
	struct sdp_offer offer;
	bool dtls_client; /* we are */
	int fd;
	tern_pool *pool;
	bool has_address;
	struct sockaddr_in address; /* that ICE has nominated */
	uint64_t heard_ns; /* the last Binding request, or what its keys protect: not all agents repeat the former */
	uint64_t silence_ns; /* how long without either, until it is given up */
	tern_conn *conn; /* NULL: not begun */
	bool connected, over;
	tern_error error;
	struct media *media;
	struct channels *channels;
	uint64_t mirrored; /* packets */
};

tern_time peer_now(void);

/* NULL: memory is out. */
struct peer *peer_new(tern_pool *pool, int fd, const struct sdp_offer *offer, bool dtls_client, uint64_t silence_ns);
void peer_free(struct peer *peer);

/* A genuine Binding request of this peer. */
void peer_take_request(struct peer *peer, const struct stun_request *request, const struct sockaddr_in *from);
/* Any other datagram from its address, with MEDIA_ROOM behind it. */
void peer_take(struct peer *peer, uint8_t *datagram, size_t len);
/* When peer_tick wants to be called, in nanoseconds; TERN_NEVER. */
uint64_t peer_deadline(const struct peer *peer);
void peer_tick(struct peer *peer);
bool peer_is_silent(const struct peer *peer);
/* SCTP's, out through DTLS: a channels_send_fn. */
void peer_send_packet(void *peer, const void *packet, size_t len);

#endif
