#include "media.h"

#include <openssl/crypto.h>
#include <srtp2/srtp.h>
#include <stdlib.h>
#include <string.h>

struct media {
	srtp_t in, out;
};

bool media_init(void)
{
	return srtp_init() == srtp_err_status_ok;
}

/* How libsrtp2 calls the profiles; RFC 5764 4.1.2, RFC 7714 12. RTCP is always protected by the long tag. */
static bool set_profile(srtp_policy_t *policy, unsigned srtp_id)
{
	switch (srtp_id) {
	case 0x0001:
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtp);
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtcp);
		return true;
	case 0x0002:
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy->rtp);
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtcp);
		return true;
	case 0x0007:
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtp);
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtcp);
		return true;
	case 0x0008:
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtp);
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtcp);
		return true;
	default:
		return false;
	}
}

static srtp_t session(unsigned srtp_id, srtp_ssrc_type_t direction, const tern_srtp_keys *keys, bool of_client)
{
	uint8_t key[sizeof keys->client_key + sizeof keys->client_salt];
	srtp_policy_t policy = {.ssrc = {.type = direction}, .key = key, .window_size = 1024, .allow_repeat_tx = 1};
	srtp_t made = NULL;
	memcpy(key, of_client ? keys->client_key : keys->server_key, keys->key_len);
	memcpy(key + keys->key_len, of_client ? keys->client_salt : keys->server_salt, keys->salt_len);
	if (!set_profile(&policy, srtp_id) || srtp_create(&made, &policy) != srtp_err_status_ok)
		made = NULL;
	OPENSSL_cleanse(key, sizeof key);
	return made;
}

struct media *media_new(const tern_conn *conn, bool dtls_client)
{
	struct media *media = calloc(1, sizeof *media);
	tern_srtp_keys keys;
	tern_info info;
	if (!media || tern_conn_srtp_keys(conn, &keys) != TERN_OK) {
		free(media);
		return NULL;
	}
	tern_conn_info(conn, &info);
	media->in = session(info.srtp_id, ssrc_any_inbound, &keys, !dtls_client);
	media->out = session(info.srtp_id, ssrc_any_outbound, &keys, dtls_client);
	OPENSSL_cleanse(&keys, sizeof keys);
	if (media->in && media->out)
		return media;
	media_free(media);
	return NULL;
}

void media_free(struct media *media)
{
	if (!media)
		return;
	if (media->in)
		srtp_dealloc(media->in);
	if (media->out)
		srtp_dealloc(media->out);
	free(media);
}

static void turn_over(uint8_t *ssrc)
{
	static const uint8_t none[4];
	if (memcmp(ssrc, none, 4) != 0)
		ssrc[0] ^= 0x80;
}

/* One packet of a compound: its sender, and whom it speaks of (RFC 3550 6.4, RFC 4585 6.1, RFC 5104 4.3.1.1). */
static void turn_over_rtcp(uint8_t *p, size_t len)
{
	enum { SENDER_REPORT = 200, RECEIVER_REPORT = 201, TRANSPORT_FEEDBACK = 205, PAYLOAD_FEEDBACK = 206 };
	enum { FULL_INTRA_REQUEST = 4, REPORT_BLOCK = 24 };
	size_t first = len, each = REPORT_BLOCK;
	if (len >= 8)
		turn_over(p + 4);
	if (p[1] == SENDER_REPORT || p[1] == RECEIVER_REPORT)
		first = p[1] == SENDER_REPORT ? 28 : 8;
	else if (p[1] == TRANSPORT_FEEDBACK || p[1] == PAYLOAD_FEEDBACK)
		first = 8, each = (p[0] & 31) == FULL_INTRA_REQUEST && p[1] == PAYLOAD_FEEDBACK ? 8 : len;
	if (each == 8) { /* media source 0, then entries */
		first = 12;
	}
	for (size_t at = first; at + 4 <= len; at += each)
		turn_over(p + at);
}

static bool mirror_rtcp(struct media *media, uint8_t *packet, int *n)
{
	if (srtp_unprotect_rtcp(media->in, packet, n) != srtp_err_status_ok)
		return false;
	for (size_t at = 0, left = (size_t)*n; left >= 4;) {
		size_t len = 4 * (((size_t)packet[at + 2] << 8 | packet[at + 3]) + 1);
		if (len > left)
			return false;
		turn_over_rtcp(packet + at, len);
		at += len;
		left -= len;
	}
	return srtp_protect_rtcp(media->out, packet, n) == srtp_err_status_ok;
}

static bool mirror_rtp(struct media *media, uint8_t *packet, int *n)
{
	if (*n < 12 || srtp_unprotect(media->in, packet, n) != srtp_err_status_ok)
		return false;
	turn_over(packet + 8);
	return srtp_protect(media->out, packet, n) == srtp_err_status_ok;
}

bool media_mirror(struct media *media, uint8_t *packet, size_t *len, tern_packet kind)
{
	int n = (int)*len;
	bool done = kind == TERN_PACKET_SRTCP ? mirror_rtcp(media, packet, &n) : mirror_rtp(media, packet, &n);
	*len = (size_t)n;
	return done;
}
