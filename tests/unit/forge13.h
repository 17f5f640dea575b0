/* forge13.h - DTLS 1.3 records by hand, in every form of header and with any inside, for a reader that has the key. */
#ifndef TERN_TESTS_FORGE13_H
#define TERN_TESTS_FORGE13_H

#include "unit/layers.h"
#include "wire/record13.h"

/* form: UNIFIED_SEQ16 and UNIFIED_LENGTH. inner: content, type, zeros. Returns the bytes put at out. */
static inline size_t forge13(const struct layers *l, struct read_epoch *e, unsigned form, uint64_t seq,
			     struct span inner, uint8_t *out)
{
	uint8_t nonce[AEAD_NONCE], mask[16], *p = out;
	size_t n = inner.n + raw_key_aead(&e->key)->tag_len, seq_len = form & UNIFIED_SEQ16 ? 2 : 1;
	struct aead_key *key;
	*p++ = (uint8_t)(UNIFIED_FIXED | form | (e->epoch & 3));
	wr_store(p, seq_len, seq);
	p += seq_len;
	if (form & UNIFIED_LENGTH) {
		wr_store(p, 2, n);
		p += 2;
	}
	memcpy(nonce, e->key.iv, sizeof nonce);
	for (size_t i = 0; i < 8; i++)
		nonce[4 + i] ^= (uint8_t)(seq >> (56 - 8 * i));
	MUST(schedules_get(l->pool.schedules, &e->key, &key));
	MUST(l->provider->aead_seal(key, nonce, span_of(out, (size_t)(p - out)), p, inner.p, inner.n));
	MUST(l->provider->aead_mask(key, p, mask));
	for (size_t i = 0; i < seq_len; i++)
		out[1 + i] ^= mask[i];
	return (size_t)(p - out) + n;
}

static const unsigned forms13[] = {0, UNIFIED_SEQ16, UNIFIED_LENGTH, UNIFIED_SEQ16 | UNIFIED_LENGTH};
#define NUM_FORMS13 4

#endif
