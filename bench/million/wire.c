/* Batches in and out; IP_PKTINFO says which client's address a datagram leaves from and came to. */
#define _GNU_SOURCE /* struct mmsghdr, in_pktinfo */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "million.h"

struct batch {
	struct mmsghdr headers[WIRE_BATCH];
	struct iovec iov[WIRE_BATCH];
	_Alignas(8) uint8_t control[WIRE_BATCH][CMSG_SPACE(sizeof(struct in_pktinfo))];
	uint8_t bytes[WIRE_BATCH][WIRE_ROOM];
	unsigned num;
};

struct wire {
	int fd;
	uint32_t base;
	struct sockaddr_in server;
	struct batch in, out;
};

static void prepare(struct batch *batch, struct sockaddr_in *to)
{
	for (unsigned i = 0; i < WIRE_BATCH; i++) {
		struct msghdr *m = &batch->headers[i].msg_hdr;
		batch->iov[i] = (struct iovec){batch->bytes[i], WIRE_ROOM};
		*m = (struct msghdr){.msg_iov = &batch->iov[i], .msg_iovlen = 1, .msg_control = batch->control[i]};
		m->msg_name = to;
		m->msg_namelen = to ? sizeof *to : 0;
	}
}

struct wire *wire_new(uint32_t base, uint16_t port)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	struct wire *wire = calloc(1, sizeof *wire);
	int on = 1, bytes = 4 << 20;

	if (!wire)
		million_die("no memory");
	wire->base = base;
	wire->server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
	wire->server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	prepare(&wire->out, &wire->server);
	prepare(&wire->in, NULL);
	wire->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (wire->fd < 0 || setsockopt(wire->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0 ||
	    setsockopt(wire->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) != 0 ||
	    bind(wire->fd, (struct sockaddr *)&any, sizeof any) != 0)
		million_die("cannot open a socket");
	return wire;
}

void wire_free(struct wire *wire)
{
	close(wire->fd);
	free(wire);
}

int wire_fd(const struct wire *wire)
{
	return wire->fd;
}

uint8_t *wire_room(struct wire *wire)
{
	if (wire->out.num == WIRE_BATCH)
		wire_flush(wire);
	return wire->out.bytes[wire->out.num];
}

void wire_add(struct wire *wire, uint32_t index, size_t len)
{
	struct batch *out = &wire->out;
	struct msghdr *m = &out->headers[out->num].msg_hdr;
	struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(wire->base + index)};
	struct cmsghdr *c;

	out->iov[out->num].iov_len = len;
	m->msg_controllen = sizeof out->control[0];
	c = CMSG_FIRSTHDR(m);
	*c = (struct cmsghdr){.cmsg_level = IPPROTO_IP,
			      .cmsg_type = IP_PKTINFO,
			      .cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo))};
	memcpy(CMSG_DATA(c), &info, sizeof info);
	out->num++;
}

/* What the kernel refuses for good is lost, as on any wire. */
void wire_flush(struct wire *wire)
{
	struct batch *out = &wire->out;

	for (unsigned at = 0; at < out->num;) {
		int sent = sendmmsg(wire->fd, out->headers + at, out->num - at, 0);
		if (sent > 0) {
			at += (unsigned)sent;
		} else if (errno == EAGAIN) {
			struct pollfd room = {.fd = wire->fd, .events = POLLOUT};
			(void)poll(&room, 1, 10);
		} else {
			at++;
		}
	}
	out->num = 0;
}

unsigned wire_receive(struct wire *wire)
{
	struct batch *in = &wire->in;
	int num;

	for (unsigned i = 0; i < WIRE_BATCH; i++) {
		in->headers[i].msg_hdr.msg_controllen = sizeof in->control[0];
		in->iov[i].iov_len = WIRE_ROOM;
	}
	num = recvmmsg(wire->fd, in->headers, WIRE_BATCH, MSG_DONTWAIT, NULL);
	in->num = num > 0 ? (unsigned)num : 0;
	return in->num;
}

uint8_t *wire_ith(struct wire *wire, unsigned i, uint32_t *index, size_t *len)
{
	struct msghdr *m = &wire->in.headers[i].msg_hdr;
	struct in_pktinfo info = {0};

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
			memcpy(&info, CMSG_DATA(c), sizeof info);
	*index = ntohl(info.ipi_addr.s_addr) - wire->base;
	*len = wire->in.headers[i].msg_len;
	return wire->in.bytes[i];
}
