/* chacha_block.h - the front of one ChaCha20 block: what masks record numbers (RFC 9147 4.2.3). A cipher context costs
 * twice as much to start as the block to compute. */
#ifndef TERN_CRYPTO_CHACHA_BLOCK_H
#define TERN_CRYPTO_CHACHA_BLOCK_H

#include <stdint.h>

/* The first 16 bytes of the block function under key; counter: block counter and nonce, as in RFC 8439 2.3. */
void chacha_block_front(const uint8_t key[32], const uint8_t counter[16], uint8_t out[16]);

#endif
