#include "crypto/crypto.h"

#define GCM_SEALS UINT64_C(23726566) /* 2^24.5, RFC 8446 5.5 */
#define CCM_SEALS (UINT64_C(1) << 23) /* RFC 9147 4.5.3 */
#define CHACHA_SEALS ((UINT64_C(1) << 48) - 1) /* the record number ends first */
#define FORGERIES (UINT64_C(1) << 36) /* RFC 9147 4.5.3 */
#define GCM_FORGERIES_12 (UINT64_C(1) << 28) /* RFC 9325 4.4 */
#define CCM_FORGERIES UINT64_C(11863283) /* 2^23.5, RFC 9147 4.5.3 */
/* RFC 9147 4.5.3 sets no number for the short tag. The 2^7 tries that would keep the margin of the other AEADs (RFC
 * 9147 B.3) let 128 spoofed datagrams end an association. 2^16 keeps a forgery at 2^-48 under one key, and makes ending
 * it cost as much as flooding it. */
#define CCM_8_FORGERIES (UINT64_C(1) << 16)

const struct aead_alg aead_algs[NUM_AEADS] = {
	[AEAD_AES_128_GCM] = {AEAD_AES_128_GCM, "AEAD_AES_128_GCM", 16, 16, 4, 8, GCM_SEALS, FORGERIES,
			      GCM_FORGERIES_12},
	[AEAD_AES_256_GCM] = {AEAD_AES_256_GCM, "AEAD_AES_256_GCM", 32, 16, 4, 8, GCM_SEALS, FORGERIES,
			      GCM_FORGERIES_12},
	[AEAD_CHACHA20_POLY1305] = {AEAD_CHACHA20_POLY1305, "AEAD_CHACHA20_POLY1305", 32, 16, 12, 0, CHACHA_SEALS,
				    FORGERIES, FORGERIES},
	[AEAD_AES_128_CCM] = {AEAD_AES_128_CCM, "AEAD_AES_128_CCM", 16, 16, 4, 8, CCM_SEALS, CCM_FORGERIES,
			      CCM_FORGERIES},
	[AEAD_AES_128_CCM_8] = {AEAD_AES_128_CCM_8, "AEAD_AES_128_CCM_8", 16, 8, 4, 8, CCM_SEALS, CCM_8_FORGERIES,
				CCM_8_FORGERIES},
};
