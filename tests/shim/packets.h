/* packets.h - datagrams and the clock over the runner's TCP connection. */
#ifndef SHIM_PACKETS_H
#define SHIM_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum opcode {
	OPCODE_END = 0, /* the runner has closed the connection */
	OPCODE_PACKET = 'P',
	OPCODE_ADVANCE = 'T', /* number: nanoseconds; answer with packets_acknowledge first */
	OPCODE_MTU = 'M', /* number: bytes */
	OPCODE_EXPECT = 'E', /* number: nanoseconds to the next timeout, or UINT64_MAX for none */
	OPCODE_DURATION = 'U' /* number: milliseconds */
};

enum { PACKET_MAX = 65536 };

struct packets {
	int fd;
	uint8_t buffer[PACKET_MAX];
};

struct packet {
	enum opcode opcode;
	uint64_t number;
	uint8_t *data; /* in the buffer, until the next read */
	size_t len;
};

bool packets_open(struct packets *p, uint16_t port, bool ipv6, uint64_t shim_id);
/* Waits for the next one; false for an opcode or a length that is not known. */
bool packets_read(struct packets *p, struct packet *out);
void packets_write(const struct packets *p, const uint8_t *data, size_t len);
void packets_acknowledge(const struct packets *p);
/* Says that nothing more will come and waits for the runner to close, so that it reads all there is. */
void packets_close(struct packets *p);

#endif
