/* capture.c - libpcap gives packets; what is in front of the UDP payload is taken off here. */
#include "capture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "options.h"

enum { PACKET_MOST = 262144, ETHERTYPE_V4 = 0x0800, ETHERTYPE_V6 = 0x86dd, VLAN = 0x8100, SERVICE_VLAN = 0x88a8 };
enum { PROTOCOL_HOP = 0, PROTOCOL_UDP = 17, PROTOCOL_ROUTING = 43, PROTOCOL_FRAGMENT = 44, PROTOCOL_OPTIONS = 60 };
enum { UDP_HEADER = 8, EXTENSIONS_MOST = 8 };

struct capture {
	pcap_t *pcap;
	const char *path;
	int link;
	bool damaged;
	struct capture_skips skips;
	uint8_t packet[PACKET_MOST];
};

/* Links that carry IP, by what comes before it. */
static const struct link {
	int type;
	size_t header, ethertype_at; /* the same number: IP follows at once, of the version it says */
} links[] = {
	{DLT_EN10MB, 14, 12}, {DLT_LINUX_SLL, 16, 14}, {DLT_LINUX_SLL2, 20, 0}, {DLT_NULL, 4, 4},
	{DLT_LOOP, 4, 4},     {DLT_RAW, 0, 0},	       {DLT_IPV4, 0, 0},	{DLT_IPV6, 0, 0},
};

static const struct link *find_link(int type)
{
	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
		if (links[i].type == type)
			return &links[i];
	return NULL;
}

static int set_filter(struct capture *c, const char *filter)
{
	struct bpf_program program;

	if (pcap_compile(c->pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0)
		return usage_error("filter '%s': %s (see pcap-filter(7))", filter, pcap_geterr(c->pcap));
	int status = pcap_setfilter(c->pcap, &program) == 0 ? STATUS_OK : complain("%s", pcap_geterr(c->pcap));
	pcap_freecode(&program);
	return status;
}

static int open_file(struct capture *c, const char *path)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");

	if (!file)
		return complain("%s: %s", path, strerror(errno));
	c->pcap = pcap_fopen_offline(file, why); /* closes it, once it has it */
	if (!c->pcap) {
		if (file != stdin)
			fclose(file);
		return complain("%s: %s: give a file that tcpdump -w or Wireshark wrote", path, why);
	}
	c->link = pcap_datalink(c->pcap);
	if (find_link(c->link))
		return STATUS_OK;
	return complain("%s: packets of link type %s: capture at an Ethernet interface, at lo, or at any", path,
			pcap_datalink_val_to_name(c->link) ? pcap_datalink_val_to_name(c->link) : "unknown");
}

int capture_open(struct capture **out, const char *path, const char *filter)
{
	struct capture *c = calloc(1, sizeof *c);
	int status;

	if (!c)
		return complain("out of memory");
	c->path = path;
	status = open_file(c, path);
	if (status == STATUS_OK && filter)
		status = set_filter(c, filter);
	if (status == STATUS_OK)
		*out = c;
	else
		capture_close(c);
	return status;
}

void capture_close(struct capture *c)
{
	if (c && c->pcap)
		pcap_close(c->pcap);
	free(c);
}

static unsigned number16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* Bytes before IP; false: something else is in it. */
static bool skip_link(const struct link *link, const uint8_t *p, size_t n, size_t *at)
{
	unsigned type;

	*at = link->header;
	if (n < link->header)
		return false;
	if (link->header == link->ethertype_at)
		return true;
	type = number16(p + link->ethertype_at);
	while ((type == VLAN || type == SERVICE_VLAN) && n - *at >= 4) {
		type = number16(p + *at + 2);
		*at += 4;
	}
	return type == ETHERTYPE_V4 || type == ETHERTYPE_V6;
}

enum found { FOUND_UDP, FOUND_OTHER, FOUND_FRAGMENT };

/* *n becomes the length of the IP packet, which may be shorter than what was captured. */
static enum found skip_v4(const uint8_t *p, size_t *n, size_t *at, struct captured *d)
{
	size_t header = *n ? (size_t)(p[0] & 15) * 4 : 0, total = *n >= 20 ? number16(p + 2) : 0;

	if (*n < 20 || header < 20 || total < header)
		return FOUND_OTHER;
	if (number16(p + 6) & 0x3fff)
		return FOUND_FRAGMENT;
	if (p[9] != PROTOCOL_UDP)
		return FOUND_OTHER;
	*n = total;
	*at = header;
	memcpy(d->from.address, p + 12, 4);
	memcpy(d->to.address, p + 16, 4);
	return FOUND_UDP;
}

static enum found skip_v6(const uint8_t *p, size_t *n, size_t *at, struct captured *d)
{
	unsigned next;

	if (*n < 40)
		return FOUND_OTHER;
	next = p[6];
	*at = 40;
	for (int i = 0; i < EXTENSIONS_MOST && next != PROTOCOL_UDP; i++) {
		if (next == PROTOCOL_FRAGMENT)
			return FOUND_FRAGMENT;
		if ((next != PROTOCOL_HOP && next != PROTOCOL_ROUTING && next != PROTOCOL_OPTIONS) || *n - *at < 8)
			return FOUND_OTHER;
		next = p[*at];
		*at += 8 * (size_t)(p[*at + 1] + 1);
		if (*at > *n)
			return FOUND_OTHER;
	}
	if (next != PROTOCOL_UDP)
		return FOUND_OTHER;
	*n = 40 + (size_t)number16(p + 4);
	d->from.v6 = d->to.v6 = 1;
	memcpy(d->from.address, p + 8, 16);
	memcpy(d->to.address, p + 24, 16);
	return FOUND_UDP;
}

static bool read_udp(struct capture *c, size_t captured, struct captured *d)
{
	size_t at, n, header;
	uint8_t *p;
	enum found found;

	if (!skip_link(find_link(c->link), c->packet, captured, &at)) {
		c->skips.other++;
		return false;
	}
	p = c->packet + at;
	n = captured -= at;
	found = n && p[0] >> 4 == 4   ? skip_v4(p, &n, &header, d)
		: n && p[0] >> 4 == 6 ? skip_v6(p, &n, &header, d)
				      : FOUND_OTHER;
	if (found == FOUND_UDP && (n < header + UDP_HEADER || captured < header + UDP_HEADER ||
				   number16(p + header + 4) < UDP_HEADER || number16(p + header + 4) > n - header))
		found = FOUND_OTHER;
	if (found != FOUND_UDP) {
		*(found == FOUND_FRAGMENT ? &c->skips.fragments : &c->skips.other) += 1;
		return false;
	}
	d->from.port = (uint16_t)number16(p + header);
	d->to.port = (uint16_t)number16(p + header + 2);
	d->bytes = p + header + UDP_HEADER;
	d->len = number16(p + header + 4) - UDP_HEADER;
	if (header + UDP_HEADER + d->len <= captured)
		return true;
	c->skips.cut++;
	return false;
}

bool capture_next(struct capture *c, struct captured *d)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int got;

	while ((got = pcap_next_ex(c->pcap, &header, &bytes)) == 1) {
		size_t n = header->caplen < PACKET_MOST ? header->caplen : PACKET_MOST;
		memcpy(c->packet, bytes, n);
		*d = (struct captured){.s = (double)header->ts.tv_sec + (double)header->ts.tv_usec / 1e6};
		if (read_udp(c, n, d))
			return true;
	}
	if (got == PCAP_ERROR) {
		complain("%s: %s", c->path, pcap_geterr(c->pcap));
		c->damaged = true;
	}
	return false;
}

struct capture_skips capture_skipped(const struct capture *c)
{
	return c->skips;
}

bool capture_whole(const struct capture *c)
{
	return !c->damaged;
}

void capture_end_text(char text[CAPTURE_END_TEXT], const struct capture_end *end)
{
	char address[INET6_ADDRSTRLEN] = "";

	inet_ntop(end->v6 ? AF_INET6 : AF_INET, end->address, address, sizeof address);
	snprintf(text, CAPTURE_END_TEXT, end->v6 ? "[%s]:%u" : "%s:%u", address, (unsigned)end->port);
}
