#include "connection/policy.h"

#define MS UINT64_C(1000000)
#define S (1000 * MS)

/* CCM-8 is in no list but that of "iot": its tag is short (RFC 9147 4.5.3). */
static const uint16_t default_suites[] = {
	0x1301, 0x1302, 0x1303, 0x1304, /* DTLS 1.3 */
	0xc02b, 0xc02f, 0xd001, 0x00a8, /* AES-128-GCM: ECDHE_ECDSA, ECDHE_RSA, ECDHE_PSK, PSK */
	0xc02c, 0xc030, 0xd002, 0x00a9, /* AES-256-GCM */
	0xcca9, 0xcca8, 0xccac, 0xccab, /* ChaCha20-Poly1305 */
	0xc0ac, 0xd005, 0xc0a4, /* AES-128-CCM, which ECDHE_RSA does not have */
};

static const uint16_t webrtc_suites[] = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8};

/* The order of kinds within an AEAD: PSK, ECDHE_PSK, ECDHE_ECDSA, ECDHE_RSA. */
static const uint16_t iot_suites[] = {
	0x1305, 0x1304, 0x1301, /* DTLS 1.3 */
	0xc0a8, 0xd003, 0xc0ae, /* AES-128-CCM-8, RFC 7925 4.2 and 4.3 */
	0xc0a4, 0xd005, 0xc0ac, /* AES-128-CCM */
	0x00a8, 0xd001, 0xc02b, 0xc02f, /* AES-128-GCM */
};

/* X25519MLKEM768 where libcrypto has it, secp256r1, which is the cheapest, x25519, secp384r1 */
static const uint16_t all_groups[] = {0x11ec, 23, 29, 24};

/* PKCS #1 v1.5 last: for peers that know nothing else. */
static const uint16_t all_schemes[] = {
	0x0403, 0x0503, 0x0807, /* ECDSA with SHA-256, SHA-384; Ed25519 */
	0x0804, 0x0805, 0x0806, /* RSA-PSS with an RSA key */
	0x0809, 0x080a, 0x080b, /* RSA-PSS with an RSA-PSS key */
	0x0401, 0x0501, 0x0601, /* RSA PKCS #1 v1.5 */
};

#define LIST(ids)                                                                                                      \
	{                                                                                                              \
		ids, sizeof(ids) / sizeof(ids)[0]                                                                      \
	}

/* "default": RFC 6347 4.2.1, 4.2.4.1, 5, RFC 9147 5.1, 5.8.2, 11. "webrtc": RFC 8827 leaves timers alone; the path was
 * just probed by ICE and is about to carry media, beside which a flight is nothing, so it is worth four more tries
 * before the timer doubles; and media as long as it go the same way, so it is not for its length that it is lost.
 * "iot": RFC 7925 11; the longer handshake is room for five transmissions at that pace; connection IDs as RFC 9147 5.1
 * asks of those who need none themselves. */
static const struct policy policies[] = {
	{
		.name = "default",
		.suites = LIST(default_suites),
		.groups = LIST(all_groups),
		.schemes = LIST(all_schemes),
		.timers = {sizeof(tern_timers), 1 * S, 60 * S, 120 * S, 12, false, false, 1, 0},
		.cookie = true,
	},
	{
		.name = "webrtc",
		.suites = LIST(webrtc_suites),
		.groups = LIST(all_groups),
		.schemes = LIST(all_schemes),
		.timers = {sizeof(tern_timers), 400 * MS, 60 * S, 120 * S, 12, false, false, 5, 0},
		.cookie = false,
		.keeps_mtu = true,
	},
	{
		.name = "iot",
		.suites = LIST(iot_suites),
		.groups = LIST(all_groups),
		.schemes = LIST(all_schemes),
		.timers = {sizeof(tern_timers), 9 * S, 60 * S, 240 * S, 12, false, false, 1, 0},
		.cookie = true,
		.psk_ke = true,
		.cids = true,
	},
};

const struct policy *policy_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++)
		if (strcmp(policies[i].name, name) == 0)
			return &policies[i];
	return NULL;
}
