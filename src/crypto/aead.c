#include "crypto/crypto.h"

#define GCM_SEALS UINT64_C(23726566) /* 2^24.5, RFC 8446 5.5 */
#define CCM_SEALS (UINT64_C(1) << 23) /* RFC 9147 4.5.3 */
#define CHACHA_SEALS ((UINT64_C(1) << 48) - 1) /* the record number ends first */
#define FORGERIES (UINT64_C(1) << 36) /* RFC 9147 4.5.3 */
#define CCM_FORGERIES UINT64_C(11863283) /* 2^23.5, RFC 9147 4.5.3 */
/* RFC 9147 4.5.3 sets no number for the short tag. Each try succeeds with probability 2^-64, so 2^7 tries keep the
 * probability of a forgery at the 2^-57 of the other AEADs (RFC 9147 B.3). */
#define CCM_8_FORGERIES (UINT64_C(1) << 7)

const struct aead_alg aead_algs[NUM_AEADS] = {
	[AEAD_AES_128_GCM] = {AEAD_AES_128_GCM, "AEAD_AES_128_GCM", 16, 16, 4, 8, GCM_SEALS, FORGERIES},
	[AEAD_AES_256_GCM] = {AEAD_AES_256_GCM, "AEAD_AES_256_GCM", 32, 16, 4, 8, GCM_SEALS, FORGERIES},
	[AEAD_CHACHA20_POLY1305] = {AEAD_CHACHA20_POLY1305, "AEAD_CHACHA20_POLY1305", 32, 16, 12, 0, CHACHA_SEALS,
				    FORGERIES},
	[AEAD_AES_128_CCM] = {AEAD_AES_128_CCM, "AEAD_AES_128_CCM", 16, 16, 4, 8, CCM_SEALS, CCM_FORGERIES},
	[AEAD_AES_128_CCM_8] = {AEAD_AES_128_CCM_8, "AEAD_AES_128_CCM_8", 16, 8, 4, 8, CCM_SEALS, CCM_8_FORGERIES},
};
