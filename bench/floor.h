/* floor.h - what the files of the floor share. */
#ifndef TERN_BENCH_FLOOR_H
#define TERN_BENCH_FLOOR_H

#include "bench.h"

/* The hashing of one side of a handshake: transcript, keys, Finished. secret: 32 bytes. */
void floor_schedule(const struct scenario *s, const uint8_t *secret);

/* Records under one key, sealed and opened in place, by whom Tern has it done; EVP in the cheapest form it has. */
struct floor_aead;
struct floor_aead *floor_aead_new(const struct scenario *s);
void floor_aead_free(struct floor_aead *a);
void floor_aead_expand(struct floor_aead *a, bool opening); /* the key again */
/* A record of n bytes at p: explicit nonce if it has one, text, content type in DTLS 1.3, tag. False: opened with
 * another number, or otherwise than it was sealed. */
bool floor_aead_crypt(struct floor_aead *a, bool opening, uint8_t *p, size_t n, uint64_t number);

#ifdef TERN_HAS_IPSECMB
/* The same by intel-ipsec-mb, for GCM and ChaCha20-Poly1305; the caller says how much additional data there is, and
 * asks for the mask of a record number. */
struct floor_mb;
struct floor_mb *floor_mb_new(const struct scenario *s);
void floor_mb_free(struct floor_mb *mb);
void floor_mb_expand(struct floor_mb *mb);
bool floor_mb_crypt(struct floor_mb *mb, bool opening, uint8_t *p, size_t n, uint64_t number, size_t aad_len);
void floor_mb_mask(struct floor_mb *mb, const uint8_t *sample, uint8_t *mask);
#endif

#endif
