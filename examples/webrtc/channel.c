#include "channel.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <usrsctp.h>

enum { PPID_DCEP = 50 }; /* RFC 8832 8.1 */
enum { DCEP_ACK = 2, DCEP_OPEN = 3 };

struct channels {
	struct socket *socket;
	void *peer;
};

static channels_send_fn *send_packet;

static int output(void *address, void *packet, size_t len, uint8_t tos, uint8_t set_df)
{
	const struct channels *channels = address;
	(void)tos;
	(void)set_df;
	send_packet(channels->peer, packet, len);
	return 0;
}

void channels_init(channels_send_fn *send)
{
	send_packet = send;
	usrsctp_init_nothreads(0, output, NULL);
	usrsctp_sysctl_set_sctp_ecn_enable(0);
	usrsctp_sysctl_set_sctp_blackhole(2);
}

/* An OPEN is acknowledged on its stream; all else is echoed as it came. */
static int received(struct socket *socket, union sctp_sockstore address, void *data, size_t len,
		    struct sctp_rcvinfo info, int flags, void *user)
{
	struct sctp_sndinfo back = {.snd_sid = info.rcv_sid,
				    .snd_ppid = info.rcv_ppid,
				    .snd_flags = info.rcv_flags & SCTP_UNORDERED};
	static const uint8_t ack[] = {DCEP_ACK};
	(void)address;
	(void)user;
	if (!data)
		return 1;
	if (!(flags & MSG_NOTIFICATION)) {
		const uint8_t *byte = data;
		if (ntohl(info.rcv_ppid) != PPID_DCEP)
			usrsctp_sendv(socket, data, len, NULL, 0, &back, sizeof back, SCTP_SENDV_SNDINFO, 0);
		else if (len && byte[0] == DCEP_OPEN)
			usrsctp_sendv(socket, ack, sizeof ack, NULL, 0, &back, sizeof back, SCTP_SENDV_SNDINFO, 0);
	}
	free(data);
	return 1;
}

static bool set_options(struct socket *socket, size_t packet_max)
{
	struct linger at_once = {.l_onoff = 1};
	struct sctp_paddrparams path = {.spp_flags = SPP_PMTUD_DISABLE, .spp_pathmtu = (uint32_t)packet_max};
	int on = 1;
	path.spp_address.ss_family = AF_CONN;
	return usrsctp_set_non_blocking(socket, 1) == 0 &&
	       usrsctp_setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0 &&
	       usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on) == 0 &&
	       usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof on) == 0 &&
	       usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof path) == 0;
}

struct channels *channels_new(void *peer, unsigned port, size_t packet_max)
{
	struct channels *channels = calloc(1, sizeof *channels);
	struct sockaddr_conn at = {.sconn_family = AF_CONN,
				   .sconn_port = htons((uint16_t)port),
				   .sconn_addr = channels};
	if (!channels)
		return NULL;
	channels->peer = peer;
	usrsctp_register_address(channels);
	channels->socket = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, received, NULL, 0, channels);
	if (!channels->socket || !set_options(channels->socket, packet_max) ||
	    usrsctp_bind(channels->socket, (struct sockaddr *)&at, sizeof at) != 0) {
		channels_free(channels);
		return NULL;
	}
	usrsctp_connect(channels->socket, (struct sockaddr *)&at, sizeof at); /* goes on by itself */
	return channels;
}

void channels_free(struct channels *channels)
{
	if (!channels)
		return;
	if (channels->socket)
		usrsctp_close(channels->socket);
	usrsctp_deregister_address(channels);
	free(channels);
}

void channels_receive(struct channels *channels, const void *packet, size_t len)
{
	usrsctp_conninput(channels, packet, len, 0);
}

void channels_tick(uint32_t elapsed_ms)
{
	usrsctp_handle_timers(elapsed_ms);
}
