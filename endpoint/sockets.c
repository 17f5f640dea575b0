/* Opening sockets: options, names, and epoll's watch over them. */
#include "endpoint.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { SOCKETS_FIRST = 8 };

static bool turn_on(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/* Best effort: the kernel caps the buffers, and works without offload and without the others. */
static void prepare(const tern_endpoint *endpoint, struct socket *s)
{
	int size = (int)endpoint->options.socket_buffer;

	(void)turn_on(s->fd, SOL_SOCKET, SO_RCVBUF, size);
	(void)turn_on(s->fd, SOL_SOCKET, SO_SNDBUF, size);
	/* Don't fragment, and believe no ICMP about it: RFC 8899 4.1. */
	(void)turn_on(s->fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
	if (s->bound.v6)
		(void)turn_on(s->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
	if (endpoint->options.io != TERN_ENDPOINT_IO_OFFLOAD)
		return;
	(void)turn_on(s->fd, IPPROTO_UDP, UDP_GRO, 1);
	s->segments = turn_on(s->fd, IPPROTO_UDP, UDP_SEGMENT, 0);
}

static bool is_wildcard(const struct ip *at)
{
	static const uint8_t zeros[16];

	return memcmp(at->bytes, zeros, sizeof zeros) == 0;
}

static bool tell_local(const struct socket *s)
{
	return s->bound.v6 ? turn_on(s->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
			   : turn_on(s->fd, IPPROTO_IP, IP_PKTINFO, 1);
}

static bool take_name(struct socket *s)
{
	struct sockaddr_in6 name;
	socklen_t len = sizeof name;

	return getsockname(s->fd, (struct sockaddr *)&name, &len) == 0 &&
	       ip_from_sockaddr(&s->bound, (struct sockaddr *)&name);
}

static bool watch(const tern_endpoint *endpoint, uint32_t index, int operation)
{
	const struct socket *s = &endpoint->sockets[index];
	struct epoll_event event = {.events = EPOLLIN | (s->wants_room ? (uint32_t)EPOLLOUT : 0), .data.u32 = index};

	return epoll_ctl(endpoint->epoll, operation, s->fd, &event) == 0;
}

/* Free ones are chained by their slot. */
static uint32_t socket_new(tern_endpoint *endpoint, int family)
{
	uint32_t index = endpoint->free_socket;

	if (index == UINT32_MAX) {
		uint32_t max = endpoint->num_sockets ? 2 * endpoint->num_sockets : SOCKETS_FIRST;
		struct socket *grown = realloc(endpoint->sockets, max * sizeof *grown);
		if (!grown)
			return UINT32_MAX;
		endpoint->sockets = grown;
		for (uint32_t i = endpoint->num_sockets; i < max; i++)
			grown[i] = (struct socket){.fd = -1, .slot = i + 1 < max ? i + 1 : UINT32_MAX};
		index = endpoint->num_sockets;
		endpoint->num_sockets = max;
	}
	struct socket *s = &endpoint->sockets[index];
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return UINT32_MAX;
	endpoint->free_socket = s->slot;
	*s = (struct socket){.fd = fd, .bound.v6 = family == AF_INET6};
	return index;
}

static bool open_listening(tern_endpoint *endpoint, uint32_t index, const struct ip *at, bool v6_only)
{
	struct socket *s = &endpoint->sockets[index];
	struct sockaddr_in6 name;
	socklen_t len = ip_to_sockaddr(&name, at);

	prepare(endpoint, s);
	if (at->v6 && !turn_on(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, v6_only))
		return false;
	if (endpoint->shares && !turn_on(s->fd, SOL_SOCKET, SO_REUSEPORT, 1))
		return false;
	s->wildcard = is_wildcard(at);
	if (bind(s->fd, (struct sockaddr *)&name, len) != 0 || (s->wildcard && !tell_local(s)) || !take_name(s))
		return false;
	if (endpoint->group)
		(void)group_steer(endpoint->group, s->fd); /* without it, workers hand over to each other */
	return watch(endpoint, index, EPOLL_CTL_ADD);
}

static bool open_dialing(tern_endpoint *endpoint, uint32_t index, const struct ip *remote, const struct ip *local)
{
	struct socket *s = &endpoint->sockets[index];
	struct sockaddr_in6 name, own;
	socklen_t len = ip_to_sockaddr(&name, remote), own_len = local ? ip_to_sockaddr(&own, local) : 0;

	prepare(endpoint, s);
	if (local && bind(s->fd, (struct sockaddr *)&own, own_len) != 0)
		return false;
	return connect(s->fd, (struct sockaddr *)&name, len) == 0 && take_name(s) &&
	       watch(endpoint, index, EPOLL_CTL_ADD);
}

static uint32_t kept_if(tern_endpoint *endpoint, uint32_t index, bool opened)
{
	int error = errno;

	if (opened)
		return index;
	socket_close(endpoint, index);
	errno = error;
	return UINT32_MAX;
}

uint32_t socket_listen(tern_endpoint *endpoint, const struct ip *at, bool v6_only)
{
	uint32_t index = socket_new(endpoint, at->v6 ? AF_INET6 : AF_INET);

	return index == UINT32_MAX ? index : kept_if(endpoint, index, open_listening(endpoint, index, at, v6_only));
}

uint32_t socket_dial(tern_endpoint *endpoint, const struct ip *remote, const struct ip *local)
{
	uint32_t index = socket_new(endpoint, remote->v6 ? AF_INET6 : AF_INET);

	return index == UINT32_MAX ? index : kept_if(endpoint, index, open_dialing(endpoint, index, remote, local));
}

void socket_close(tern_endpoint *endpoint, uint32_t index)
{
	struct socket *s = &endpoint->sockets[index];

	close(s->fd);
	*s = (struct socket){.fd = -1, .slot = endpoint->free_socket};
	endpoint->free_socket = index;
	if (endpoint->receives->socket == index)
		endpoint->receives->num = endpoint->receives->at = 0;
}

void socket_want_room(tern_endpoint *endpoint, uint32_t index, bool wants)
{
	endpoint->sockets[index].wants_room = wants;
	(void)watch(endpoint, index, EPOLL_CTL_MOD); /* fails for a socket that epoll does not have: none is such */
}
