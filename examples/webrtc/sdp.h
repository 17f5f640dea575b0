/* sdp.h - as much of SDP as an offer of a browser and our answer need (RFC 8866, RFC 8829, RFC 8842). */
#ifndef WEBRTC_SDP_H
#define WEBRTC_SDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SDP_SECTIONS 8
#define SDP_ANSWER_MAX 4096

/* One m= section. */
struct sdp_section {
	char kind[16]; /* "audio", "video", "application" */
	char protocol[32];
	char mid[16];
	unsigned payload_type; /* of the codec we take; 0: none of them */
	char codec[32]; /* as in a=rtpmap: "VP8/90000" */
	uint32_t ssrc; /* the first that it names; 0: none */
};

struct sdp_offer {
	struct sdp_section sections[SDP_SECTIONS];
	size_t num_sections;
	char fingerprints[1024]; /* comma-separated, each once */
	unsigned sctp_port; /* 0: no data channels */
};

/* Who we are. */
struct sdp_self {
	const char *ufrag, *password; /* of ICE */
	const char *fingerprint; /* "sha-256 4A:AD:..." */
	const char *setup; /* "passive": the browser is DTLS client; "active": we are */
	const char *address; /* the one candidate */
	unsigned port;
};

/* False: no offer, or one that is beyond us. */
bool sdp_read(struct sdp_offer *offer, const char *text);

/* VP8 and Opus both ways, data channels; what is anything else is declined. False: no room. */
bool sdp_answer(char out[SDP_ANSWER_MAX], const struct sdp_offer *offer, const struct sdp_self *self);

#endif
