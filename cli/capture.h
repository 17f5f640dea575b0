/* capture.h - the UDP datagrams in a file of tcpdump or Wireshark. */
#ifndef TERN_CLI_CAPTURE_H
#define TERN_CLI_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture;

/* Where a datagram comes from or goes to; compares as bytes. */
struct capture_end {
	uint8_t address[16]; /* IPv4: the first four */
	uint16_t port; /* host byte order */
	uint8_t v6, zero;
};

struct captured {
	double s; /* since 1970 */
	struct capture_end from, to;
	uint8_t *bytes; /* may be changed; valid until the next one */
	size_t len;
};

/* What was passed over. */
struct capture_skips {
	uint64_t other; /* not UDP, or damaged */
	uint64_t fragments; /* of IP */
	uint64_t cut; /* not captured whole */
};

enum { CAPTURE_END_TEXT = 64 };

/* filter: of pcap-filter(7), or NULL. Returns the status to exit with when it could not, which it has said. */
int capture_open(struct capture **capture, const char *path, const char *filter);
void capture_close(struct capture *capture);
/* false: at the end of the file, or where it is damaged, which it has said. */
bool capture_next(struct capture *capture, struct captured *datagram);
struct capture_skips capture_skipped(const struct capture *capture);
/* Whether the file could be read to its end. */
bool capture_whole(const struct capture *capture);

void capture_end_text(char text[CAPTURE_END_TEXT], const struct capture_end *end);

#endif
