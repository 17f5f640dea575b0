#include "packets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int connect_to(const struct sockaddr *address, socklen_t len)
{
	int fd = socket(address->sa_family, SOCK_STREAM, 0), yes = 1;
	if (fd < 0)
		return -1;
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0 && connect(fd, address, len) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool write_all(int fd, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static bool read_all(int fd, uint8_t *out, size_t len)
{
	while (len) {
		ssize_t n = recv(fd, out, len, 0);
		if (n <= 0)
			return false;
		out += n;
		len -= (size_t)n;
	}
	return true;
}

bool packets_open(struct packets *p, uint16_t port, bool ipv6, uint64_t shim_id)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
				  .sin6_port = htons(port),
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	uint8_t id[8];
	for (unsigned i = 0; i < sizeof id; i++)
		id[i] = (uint8_t)(shim_id >> 8 * i);
	p->fd = ipv6 ? connect_to((const struct sockaddr *)&v6, sizeof v6)
		     : connect_to((const struct sockaddr *)&v4, sizeof v4);
	return p->fd >= 0 && write_all(p->fd, id, sizeof id);
}

static bool read_number(int fd, unsigned bytes, uint64_t *out)
{
	uint8_t b[8];
	if (!read_all(fd, b, bytes))
		return false;
	*out = 0;
	for (unsigned i = 0; i < bytes; i++)
		*out = *out << 8 | b[i];
	return true;
}

bool packets_read(struct packets *p, struct packet *out)
{
	uint8_t opcode;
	*out = (struct packet){.opcode = OPCODE_END};
	if (!read_all(p->fd, &opcode, 1))
		return true;
	out->opcode = opcode;
	switch (opcode) {
	case OPCODE_PACKET:
		if (!read_number(p->fd, 4, &out->number) || out->number > sizeof p->buffer)
			return false;
		out->data = p->buffer;
		out->len = out->number;
		return read_all(p->fd, out->data, out->len);
	case OPCODE_ADVANCE:
	case OPCODE_EXPECT:
		return read_number(p->fd, 8, &out->number);
	case OPCODE_MTU:
	case OPCODE_DURATION:
		return read_number(p->fd, 4, &out->number);
	default:
		return false;
	}
}

/* A runner that has hung up is seen at the next read. */
void packets_write(const struct packets *p, const uint8_t *data, size_t len)
{
	uint8_t header[5] = {OPCODE_PACKET, (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
			     (uint8_t)len};
	if (write_all(p->fd, header, sizeof header))
		(void)write_all(p->fd, data, len);
}

void packets_acknowledge(const struct packets *p)
{
	static const uint8_t ack = 't';
	(void)write_all(p->fd, &ack, 1);
}

void packets_close(struct packets *p)
{
	shutdown(p->fd, SHUT_WR);
	while (recv(p->fd, p->buffer, sizeof p->buffer, 0) > 0)
		;
	close(p->fd);
	p->fd = -1;
}
