#include "sdp.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "media.h"

static const char *const codecs[] = {"VP8/90000", "opus/48000/2"};

/* Browsers repeat the same fingerprint in every section. */
static bool note_fingerprint(struct sdp_offer *offer, const char *text)
{
	size_t used = strlen(offer->fingerprints), n = strlen(text);
	if (strstr(offer->fingerprints, text))
		return true;
	if (strchr(text, ',') || used + n + 2 > sizeof offer->fingerprints)
		return false;
	snprintf(offer->fingerprints + used, sizeof offer->fingerprints - used, "%s%s", used ? "," : "", text);
	return true;
}

static void note_codec(struct sdp_section *section, const char *line)
{
	unsigned payload_type;
	char codec[32];
	if (section->payload_type || sscanf(line, "a=rtpmap:%u %31s", &payload_type, codec) != 2 || payload_type > 127)
		return;
	for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++) {
		if (strcasecmp(codec, codecs[i]) == 0) {
			section->payload_type = payload_type;
			memcpy(section->codec, codec, sizeof codec);
		}
	}
}

static bool read_line(struct sdp_offer *offer, const char *line)
{
	struct sdp_section *section = offer->num_sections ? &offer->sections[offer->num_sections - 1] : NULL;
	if (strncmp(line, "m=", 2) == 0) {
		if (offer->num_sections == SDP_SECTIONS)
			return false;
		section = &offer->sections[offer->num_sections++];
		return sscanf(line, "m=%15s %*u %31s", section->kind, section->protocol) == 2;
	}
	if (strncmp(line, "a=fingerprint:", 14) == 0)
		return note_fingerprint(offer, line + 14);
	if (!section)
		return true;
	if (strncmp(line, "a=rtpmap:", 9) == 0)
		note_codec(section, line);
	else if (strncmp(line, "a=ssrc:", 7) == 0 && !section->ssrc)
		sscanf(line, "a=ssrc:%u", &section->ssrc);
	else if (strncmp(line, "a=sctp-port:", 12) == 0)
		sscanf(line, "a=sctp-port:%u", &offer->sctp_port);
	else if (strncmp(line, "a=mid:", 6) == 0)
		return sscanf(line, "a=mid:%15s", section->mid) == 1;
	return true;
}

bool sdp_read(struct sdp_offer *offer, const char *text)
{
	*offer = (struct sdp_offer){0};
	while (*text) {
		size_t n = strcspn(text, "\r\n");
		char line[1024];
		if (n < sizeof line) { /* longer ones tell nothing that is needed */
			memcpy(line, text, n);
			line[n] = 0;
			if (!read_line(offer, line))
				return false;
		}
		text += n + strspn(text + n, "\r\n");
	}
	return offer->num_sections > 0 && offer->fingerprints[0] && offer->sctp_port <= 65535;
}

struct text {
	char *at;
	size_t left;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
	va_list args;
	int n;
	va_start(args, format);
	n = vsnprintf(t->at, t->left, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= t->left)
		n = (int)t->left;
	t->at += n;
	t->left -= (size_t)n;
}

static bool is_data(const struct sdp_section *section)
{
	return strcmp(section->kind, "application") == 0;
}

static bool is_taken(const struct sdp_offer *offer, const struct sdp_section *section)
{
	return is_data(section) ? offer->sctp_port != 0 : section->payload_type != 0;
}

static void put_media(struct text *t, const struct sdp_section *section)
{
	put(t, "a=rtcp-mux\r\na=sendrecv\r\na=rtpmap:%u %s\r\na=msid:echo %s\r\n", section->payload_type,
	    section->codec, section->kind);
	if (strcmp(section->kind, "video") == 0)
		put(t, "a=rtcp-fb:%u nack\r\na=rtcp-fb:%u nack pli\r\n", section->payload_type, section->payload_type);
	if (section->ssrc)
		put(t, "a=ssrc:%u cname:echo\r\n", media_mirrored(section->ssrc));
}

static void put_section(struct text *t, const struct sdp_offer *offer, const struct sdp_section *section,
			const struct sdp_self *self)
{
	bool taken = is_taken(offer, section);
	put(t, "m=%s %d %s ", section->kind, taken ? 9 : 0, section->protocol);
	if (is_data(section))
		put(t, "webrtc-datachannel\r\n");
	else
		put(t, "%u\r\n", section->payload_type);
	put(t, "c=IN IP4 0.0.0.0\r\na=mid:%s\r\n", section->mid);
	if (!taken)
		return;
	put(t, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:%s\r\na=setup:%s\r\n", self->ufrag, self->password,
	    self->fingerprint, self->setup);
	put(t, "a=candidate:1 1 udp 2130706431 %s %u typ host\r\na=end-of-candidates\r\n", self->address, self->port);
	if (is_data(section))
		put(t, "a=sctp-port:%u\r\na=max-message-size:65536\r\n", offer->sctp_port);
	else
		put_media(t, section);
}

bool sdp_answer(char out[SDP_ANSWER_MAX], const struct sdp_offer *offer, const struct sdp_self *self)
{
	struct text t = {out, SDP_ANSWER_MAX};
	put(&t, "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-lite\r\na=group:BUNDLE");
	for (size_t i = 0; i < offer->num_sections; i++)
		if (is_taken(offer, &offer->sections[i]))
			put(&t, " %s", offer->sections[i].mid);
	put(&t, "\r\na=msid-semantic: WMS *\r\n");
	for (size_t i = 0; i < offer->num_sections; i++)
		put_section(&t, offer, &offer->sections[i], self);
	return t.left > 0;
}
