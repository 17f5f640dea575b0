/* protect.h - what differs between the record protection of DTLS 1.2 and 1.3: headers, nonces, additional data. The
 * record layer owns epochs, windows, numbers and limits, and never looks into a header. One const struct per version:
 * protect12.c is RFC 6347 4.1; the unified header of RFC 9147 4 is the other. */
#ifndef TERN_RECORD_PROTECT_H
#define TERN_RECORD_PROTECT_H

#include "record/record.h"

struct record_header {
	struct span wire; /* the whole record */
	uint64_t seq; /* as the header says, or reconstructed from it */
	size_t len; /* bytes of header */
	uint16_t epoch; /* likewise */
	uint8_t type; /* as the header says; 0 where only the plaintext says it */
	tern_drop drop; /* what is wrong with version or type; else NONE */
};

struct protection {
	/* The next record of r, plaintext or protected. False when the bytes are no record; r is then untouched. */
	bool (*parse)(const struct record_layer *l, struct rd *r, struct record_header *out);

	/* Opens the record of header h, whose bytes start at p, in place. On NONE type, p and n of out are set.
	 * TOO_LONG (more than max bytes of plaintext) and FORGED change nothing. */
	tern_drop (*open)(const struct provider *provider, struct aead_key *key, const struct read_epoch *e,
			  const struct record_header *h, uint8_t *p, size_t max, struct record *out);

	/* Makes record number seq at out: front + payload.n + back bytes. payload starts at out + front or does not
	 * overlap the record. */
	tern_error (*seal)(const struct provider *provider, struct aead_key *key, const struct write_epoch *e,
			   uint64_t seq, uint8_t type, struct span payload, uint8_t *out);

	/* Bytes of a protected record before and after its payload. */
	size_t (*front)(const struct write_epoch *e);
	size_t (*back)(const struct write_epoch *e);

	/* Failed opens that a key of this version survives. */
	uint64_t (*forgery_limit)(const struct aead_alg *aead);
};

#endif
