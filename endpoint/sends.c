/* The batch on its way out. Records are sealed where they are sent from; those that follow each other to one peer
 * become one message, which the kernel cuts (UDP_SEGMENT). */
#include "endpoint.h"

#include <errno.h>
#include <netinet/udp.h>

enum { CONTROL_OUT = 64 };

/* What one sendmmsg is made of. */
struct headers {
	struct mmsghdr messages[SENDS];
	struct iovec iov[SENDS];
	struct sockaddr_in6 names[SENDS];
	_Alignas(8) uint8_t control[SENDS][CONTROL_OUT];
};

uint8_t *sends_room(tern_endpoint *endpoint, size_t need, size_t *room)
{
	struct sends *sends = &endpoint->sends;

	if ((sends->num == SENDS || SEND_BYTES - sends->used < need) && (sends->blocked || !sends_flush(endpoint)) &&
	    (sends->num == SENDS || SEND_BYTES - sends->used < need))
		return NULL;
	*room = SEND_BYTES - sends->used;
	return sends->bytes + sends->used;
}

/* A message may grow while all its datagrams are of one length; a shorter one ends it. */
static bool joins(const tern_endpoint *endpoint, const struct departure *last, const struct route *route, size_t len)
{
	return endpoint->sockets[route->socket].segments && last->num < SEGMENTS_MAX && len <= last->segment &&
	       last->len == (uint32_t)last->num * last->segment && last->len + len <= SEGMENTED_MAX &&
	       memcmp(&last->route, route, sizeof *route) == 0;
}

void sends_add(tern_endpoint *endpoint, const struct route *route, size_t len)
{
	struct sends *sends = &endpoint->sends;
	struct departure *last = sends->num > sends->first ? &sends->messages[sends->num - 1] : NULL;

	if (last && joins(endpoint, last, route, len)) {
		last->len += (uint32_t)len;
		last->num++;
	} else {
		sends->messages[sends->num++] =
			(struct departure){*route, (uint32_t)sends->used, (uint32_t)len, (uint16_t)len, 1, false};
	}
	sends->used += len;
}

static void add_control(struct msghdr *header, int level, int type, const void *value, size_t len)
{
	struct cmsghdr *control = (struct cmsghdr *)((uint8_t *)header->msg_control + header->msg_controllen);

	memset(control, 0, CMSG_SPACE(len));
	control->cmsg_level = level;
	control->cmsg_type = type;
	control->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(control), value, len);
	header->msg_controllen += CMSG_SPACE(len);
}

/* From the address that was hit: RFC 9853 asks for it, and a client's firewall too. */
static void add_source(struct msghdr *header, const struct socket *s, const struct route *route)
{
	struct in_pktinfo v4 = {0};
	struct in6_pktinfo v6 = {.ipi6_ifindex = route->remote.scope};

	if (s->bound.v6) {
		memcpy(&v6.ipi6_addr, route->local, 16);
		add_control(header, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof v6);
	} else {
		memcpy(&v4.ipi_spec_dst, route->local, 4);
		add_control(header, IPPROTO_IP, IP_PKTINFO, &v4, sizeof v4);
	}
}

static void put_header(const tern_endpoint *endpoint, struct headers *h, unsigned i, const struct departure *m,
		       size_t len)
{
	const struct socket *s = &endpoint->sockets[m->route.socket];
	struct msghdr *header = &h->messages[i].msg_hdr;

	h->iov[i] = (struct iovec){endpoint->sends.bytes + m->at, len};
	*header = (struct msghdr){.msg_iov = &h->iov[i], .msg_iovlen = 1, .msg_control = h->control[i]};
	if (!s->slot) {
		header->msg_name = &h->names[i];
		header->msg_namelen = ip_to_sockaddr(&h->names[i], &m->route.remote);
	}
	if (s->wildcard)
		add_source(header, s, &m->route);
	if (len > m->segment)
		add_control(header, IPPROTO_UDP, UDP_SEGMENT, &m->segment, sizeof m->segment);
	if (header->msg_controllen == 0)
		header->msg_control = NULL;
}

/* Messages that one call can send: of one socket, and a message that is to be cut here alone. *len: of the first. */
static unsigned gather(const tern_endpoint *endpoint, struct headers *h, size_t *len)
{
	const struct sends *sends = &endpoint->sends;
	const struct departure *first = &sends->messages[sends->first];
	bool cut = first->num > 1 && !endpoint->sockets[first->route.socket].segments;
	unsigned num = 0;

	*len = cut && first->len > first->segment ? first->segment : first->len;
	put_header(endpoint, h, num++, first, *len);
	for (const struct departure *m = first + 1; !cut && m < sends->messages + sends->num; m++) {
		if (m->route.socket != first->route.socket)
			break;
		put_header(endpoint, h, num++, m, m->len);
	}
	return num;
}

/* num messages are done with; of the first one, only len bytes. */
static void advance(struct sends *sends, unsigned num, size_t len)
{
	struct departure *first = &sends->messages[sends->first];

	if (len < first->len) {
		first->at += (uint32_t)len;
		first->len -= (uint32_t)len;
		first->num--;
	} else {
		sends->first += num;
	}
	if (sends->first == sends->num) {
		sends->first = sends->num = 0;
		sends->used = 0;
	}
}

static void count_sent(tern_endpoint *endpoint, const struct headers *h, unsigned num)
{
	const struct departure *m = &endpoint->sends.messages[endpoint->sends.first];
	uint64_t bytes = 0, datagrams = 0;

	for (unsigned i = 0; i < num; i++) {
		bytes += h->iov[i].iov_len;
		datagrams += (h->iov[i].iov_len + m[i].segment - 1) / (m[i].segment ? m[i].segment : 1);
	}
	COUNT(endpoint, bytes_sent, bytes);
	COUNT(endpoint, datagrams_sent, datagrams);
}

static void block(tern_endpoint *endpoint)
{
	struct sends *sends = &endpoint->sends;

	COUNT(endpoint, would_block, 1);
	sends->blocked = true;
	socket_want_room(endpoint, sends->messages[sends->first].route.socket, true);
}

/* The first message was refused. That nobody listens was said of an earlier datagram, and will be said again where
 * datagrams are received; other errors are of this one, which is lost as datagrams may be. false: there is no room. */
static bool refused(tern_endpoint *endpoint, int error, size_t len)
{
	struct sends *sends = &endpoint->sends;
	struct departure *first = &sends->messages[sends->first];
	struct socket *s = &endpoint->sockets[first->route.socket];

	if (error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS) {
		block(endpoint);
		return false;
	}
	if (error == EINTR)
		return true;
	if (error == ECONNREFUSED && !first->again) {
		first->again = true;
		return true;
	}
	if (len > first->segment) { /* the device or the path does not take it whole: datagram by datagram */
		s->segments = false;
		return true;
	}
	COUNT(endpoint, send_failures, 1);
	if (error == EMSGSIZE)
		COUNT(endpoint, send_too_large, 1);
	advance(sends, 1, len);
	return true;
}

bool sends_flush(tern_endpoint *endpoint)
{
	struct sends *sends = &endpoint->sends;
	struct headers h;

	while (sends->first < sends->num && !sends->blocked) {
		size_t len;
		unsigned num = gather(endpoint, &h, &len);
		int sent = endpoint->io->send(endpoint->sockets[sends->messages[sends->first].route.socket].fd,
					      h.messages, num);
		COUNT(endpoint, send_calls, 1);
		if (sent > 0) {
			count_sent(endpoint, &h, (unsigned)sent);
			advance(sends, (unsigned)sent, len);
		} else if (!refused(endpoint, errno, len)) {
			break;
		}
	}
	return sends->first == sends->num;
}
