/* What came in: one recvmmsg at a time, datagram by datagram, where they lie. */
#include "endpoint.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>

static void reset(struct receives *r, unsigned num)
{
	for (unsigned i = 0; i < num; i++) {
		struct msghdr *header = &r->headers[i].msg_hdr;
		header->msg_namelen = sizeof r->names[i];
		header->msg_controllen = CONTROL_BYTES;
		header->msg_flags = 0;
	}
}

struct receives *receives_new(void)
{
	struct receives *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->bytes = malloc((size_t)RECEIVES * RECEIVE_STRIDE);
	for (unsigned i = 0; r->bytes && i < RECEIVES; i++) {
		r->iov[i] = (struct iovec){r->bytes + (size_t)i * RECEIVE_STRIDE, DATAGRAM_MAX};
		r->headers[i].msg_hdr = (struct msghdr){.msg_name = &r->names[i],
							.msg_iov = &r->iov[i],
							.msg_iovlen = 1,
							.msg_control = r->control[i]};
	}
	if (!r->bytes) {
		free(r);
		return NULL;
	}
	reset(r, RECEIVES);
	return r;
}

/* That nobody listens there any more is said before what the peer sent last, perhaps that it closes: that comes first.
 */
static int receive(tern_endpoint *endpoint, const struct socket *s)
{
	int num = endpoint->io->receive(s->fd, endpoint->receives->headers, RECEIVES);

	COUNT(endpoint, receive_calls, 1);
	if (num >= 0 || errno != ECONNREFUSED || !s->slot)
		return num;
	num = endpoint->io->receive(s->fd, endpoint->receives->headers, RECEIVES);
	COUNT(endpoint, receive_calls, 1);
	if (num < 0)
		life_end(endpoint, s->slot, TERN_GONE_UNREACHABLE);
	return num;
}

/* The next batch, of the next socket that is ready. */
static bool refill(tern_endpoint *endpoint)
{
	struct receives *r = endpoint->receives;

	while (endpoint->at_ready < endpoint->num_ready) {
		uint32_t index = endpoint->ready[endpoint->at_ready++];
		const struct socket *s = &endpoint->sockets[index];
		int num;
		if (s->fd < 0)
			continue;
		reset(r, r->num);
		r->socket = index;
		num = receive(endpoint, s);
		r->num = num > 0 ? (unsigned)num : 0;
		r->at = 0;
		r->offset = 0;
		if (num > 0)
			return true;
	}
	return false;
}

/* The address that was hit, and the length of the datagrams that the kernel put together. */
static void read_control(struct msghdr *header, struct route *route, size_t *segment)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		struct in_pktinfo v4;
		struct in6_pktinfo v6;
		int size;
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&size, CMSG_DATA(c), sizeof size);
			*segment = size > 0 ? (size_t)size : *segment;
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&v4, CMSG_DATA(c), sizeof v4);
			memset(route->local, 0, sizeof route->local);
			memcpy(route->local, &v4.ipi_addr, 4);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&v6, CMSG_DATA(c), sizeof v6);
			memcpy(route->local, &v6.ipi6_addr, 16);
		}
	}
}

/* What the datagrams of the message at hand have in common. false: it comes from no address that is known here. */
static bool look_at(const tern_endpoint *endpoint, struct receives *r)
{
	struct mmsghdr *header = &r->headers[r->at];

	r->route.socket = r->socket;
	r->segment = header->msg_len;
	memcpy(r->route.local, endpoint->sockets[r->socket].bound.bytes, sizeof r->route.local);
	if (header->msg_hdr.msg_controllen)
		read_control(&header->msg_hdr, &r->route, &r->segment);
	return ip_from_sockaddr(&r->route.remote, header->msg_hdr.msg_name);
}

static void go_on(struct receives *r)
{
	r->at++;
	r->offset = 0;
}

bool receives_next(tern_endpoint *endpoint, struct arrival *datagram)
{
	struct receives *r = endpoint->receives;

	for (;;) {
		if (r->at == r->num && !refill(endpoint))
			return false;
		struct mmsghdr *header = &r->headers[r->at];
		if (r->offset == 0 && !look_at(endpoint, r)) {
			go_on(r);
			continue;
		}
		size_t left = header->msg_len - r->offset;
		datagram->bytes = (uint8_t *)r->iov[r->at].iov_base + r->offset;
		datagram->len = left < r->segment ? left : r->segment;
		datagram->route = r->route;
		r->offset += datagram->len;
		if (r->offset >= header->msg_len)
			go_on(r);
		COUNT(endpoint, datagrams_received, 1);
		COUNT(endpoint, bytes_received, datagram->len);
		if (!(header->msg_hdr.msg_flags & MSG_TRUNC))
			return true;
		COUNT(endpoint, dropped_truncated, 1);
	}
}

bool receives_go_on(const tern_endpoint *endpoint)
{
	const struct receives *r = endpoint->receives;

	return r->at < r->num && r->offset > 0;
}

void receives_free(struct receives *r)
{
	if (r)
		free(r->bytes);
	free(r);
}
