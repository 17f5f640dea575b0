#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

tern_time peer_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (tern_time){(uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec, time(NULL)};
}

/* RFC 8445 5.3: 24 and 128 bits at least; each letter here has 5. */
static bool random_text(char *out, size_t size)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	if (getrandom(out, size, 0) != (ssize_t)size)
		return false;
	for (size_t i = 0; i < size - 1; i++)
		out[i] = letters[(unsigned char)out[i] % 32];
	out[size - 1] = 0;
	return true;
}

struct peer *peer_new(tern_pool *pool, int fd, const struct sdp_offer *offer, bool dtls_client, uint64_t silence_ns)
{
	struct peer *peer = calloc(1, sizeof *peer);
	if (!peer)
		return NULL;
	peer->pool = pool;
	peer->fd = fd;
	peer->offer = *offer;
	peer->dtls_client = dtls_client;
	peer->silence_ns = silence_ns;
	peer->heard_ns = peer_now().mono_ns;
	if (random_text(peer->ufrag, sizeof peer->ufrag) && random_text(peer->password, sizeof peer->password))
		return peer;
	peer_free(peer);
	return NULL;
}

static void transmit(const struct peer *peer, const void *datagram, size_t len)
{
	sendto(peer->fd, datagram, len, 0, (const struct sockaddr *)&peer->address, sizeof peer->address);
}

void peer_free(struct peer *peer)
{
	if (!peer)
		return;
	channels_free(peer->channels);
	media_free(peer->media);
	tern_conn_free(peer->conn);
	free(peer);
}

void peer_send_packet(void *user, const void *packet, size_t len)
{
	struct peer *peer = user;
	uint8_t out[2048];
	size_t n;
	if (!peer->over && tern_conn_seal(peer->conn, out, sizeof out, &n, packet, len, peer_now()) == TERN_OK)
		transmit(peer, out, n);
}

/* ICE has proved the path, so there is no cookie and tern_listen is not needed. The browser's fingerprint came with its
 * offer; where it comes later than the certificate, Tern waits for this call. */
static tern_error begin(struct peer *peer)
{
	tern_client_options options = {.size = sizeof options};
	tern_error error = peer->dtls_client ? tern_client(&peer->conn, peer->pool, &options, peer_now())
					     : tern_accept(&peer->conn, peer->pool, NULL, NULL, peer_now());
	if (error == TERN_OK)
		error = tern_conn_set_fingerprints(peer->conn, peer->offer.fingerprints, peer_now());
	return error;
}

static void flush(struct peer *peer)
{
	uint8_t out[2048];
	size_t n;
	while (tern_conn_take(peer->conn, out, sizeof out, &n, peer_now()) == TERN_OK && n > 0)
		transmit(peer, out, n);
}

/* The handshake's last flight goes out before any data. */
static void on_connected(struct peer *peer)
{
	tern_info info;
	flush(peer);
	tern_conn_info(peer->conn, &info);
	peer->connected = true;
	peer->media = media_new(peer->conn, peer->dtls_client);
	if (peer->offer.sctp_port)
		peer->channels = channels_new(peer, peer->offer.sctp_port, tern_conn_max_data(peer->conn));
	printf("%s: DTLS %s, %s, %s, %s\n", peer->ufrag, info.version == TERN_DTLS13 ? "1.3" : "1.2", info.suite,
	       info.group, info.srtp[0] ? info.srtp : "no SRTP");
	fflush(stdout);
}

static void finish(struct peer *peer, tern_error error)
{
	if (error != TERN_OK)
		printf("%s: %s\n", peer->ufrag, tern_error_sentence(error));
	fflush(stdout);
	peer->error = error;
	peer->over = true;
}

static void on_data(struct peer *peer, const tern_event *event)
{
	peer->heard_ns = peer_now().mono_ns;
	if (peer->channels)
		channels_receive(peer->channels, event->data, event->len);
}

/* What the connection has to tell, then what it has to send. */
static void work(struct peer *peer, uint8_t *datagram, size_t len)
{
	tern_event event = {.kind = TERN_EVENT_NONE};
	tern_error error = tern_conn_feed(peer->conn, datagram, len, NULL, peer_now());
	while (error == TERN_OK) {
		error = tern_conn_next(peer->conn, &event, peer_now());
		if (error != TERN_OK || event.kind == TERN_EVENT_NONE || event.kind == TERN_EVENT_CLOSED)
			break;
		if (event.kind == TERN_EVENT_CONNECTED)
			on_connected(peer);
		else if (event.kind == TERN_EVENT_DATA)
			on_data(peer, &event);
	}
	flush(peer);
	if (error != TERN_OK || event.kind == TERN_EVENT_CLOSED)
		finish(peer, error);
}

void peer_take_request(struct peer *peer, const struct stun_request *request, const struct sockaddr_in *from)
{
	uint8_t out[STUN_ANSWER_MAX];
	size_t n = stun_answer(out, request, from, peer->password);
	tern_error error;
	sendto(peer->fd, out, n, 0, (const struct sockaddr *)from, sizeof *from);
	peer->heard_ns = peer_now().mono_ns;
	if (request->nominates || !peer->has_address)
		peer->address = *from;
	peer->has_address = true;
	if (peer->conn || peer->over || (peer->dtls_client && !request->nominates))
		return;
	error = begin(peer);
	if (error == TERN_OK)
		work(peer, NULL, 0);
	else
		finish(peer, error);
}

void peer_take(struct peer *peer, uint8_t *datagram, size_t len)
{
	tern_packet kind = tern_packet_of(datagram, len);
	if (peer->over || !peer->conn)
		return;
	if (kind == TERN_PACKET_DTLS) {
		work(peer, datagram, len);
	} else if ((kind == TERN_PACKET_SRTP || kind == TERN_PACKET_SRTCP) && peer->media &&
		   media_mirror(peer->media, datagram, &len, kind)) {
		transmit(peer, datagram, len);
		peer->mirrored++;
		peer->heard_ns = peer_now().mono_ns;
	}
}

uint64_t peer_deadline(const struct peer *peer)
{
	uint64_t deadline = peer->conn && !peer->over ? tern_conn_deadline(peer->conn) : TERN_NEVER;
	uint64_t silent = peer->heard_ns + peer->silence_ns;
	return silent < deadline ? silent : deadline;
}

bool peer_is_silent(const struct peer *peer)
{
	return peer_now().mono_ns > peer->heard_ns + peer->silence_ns;
}

void peer_tick(struct peer *peer)
{
	tern_time now = peer_now();
	if (peer->conn && !peer->over && now.mono_ns >= tern_conn_deadline(peer->conn)) {
		tern_error error = tern_conn_tick(peer->conn, now);
		if (error == TERN_OK)
			work(peer, NULL, 0);
		else
			finish(peer, error);
	}
}
