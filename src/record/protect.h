/* protect.h - what differs between the record protection of DTLS 1.2 and 1.3: headers, nonces, additional data, and
 * when the window is asked. The record layer owns epochs, windows, numbers and limits, and never looks into a header.
 * One const struct per version: protect12.c is RFC 6347 4.1, protect13.c the unified header of RFC 9147 4. */
#ifndef TERN_RECORD_PROTECT_H
#define TERN_RECORD_PROTECT_H

#include "record/record.h"

struct record_header {
	struct span wire; /* the whole record */
	uint64_t seq; /* as the header says; 0 where it is encrypted */
	size_t len; /* bytes of header */
	uint16_t epoch; /* as the header says, or reconstructed from it */
	uint8_t type; /* as the header says; 0 where only the plaintext says it */
	tern_drop drop; /* what is wrong with it before any key is asked; else NONE */
	struct span cid; /* ours, in the header; empty: none */
	size_t cid_index; /* which of ours */
};

struct outgoing_record {
	uint64_t seq;
	struct span payload;
	struct span cid; /* the peer's; empty: none */
	uint8_t type;
	bool last; /* nothing follows it in its datagram */
	size_t pad; /* zeros behind the type, where there is one inside; else 0 */
};

struct protection {
	/* The next record of r, plaintext or protected. False when the bytes are no record; r is then untouched. */
	bool (*parse)(const struct record_layer *l, struct rd *r, struct record_header *out);

	/* Opens the record of header h, whose bytes start at p, in place. On NONE type, seq, p and n of out are set,
	 * and the window of e has not seen the number. All else leaves the bytes as they were: TOO_LONG (more than max
	 * bytes of plaintext), REPLAYED, TOO_OLD, CONTENT_TYPE, FORGED, BUDGET; type and seq of out are set as far as
	 * known. */
	tern_drop (*open)(const struct provider *provider, struct aead_key *key, const struct read_epoch *e,
			  const struct record_header *h, uint8_t *p, size_t max, struct record *out);

	/* Makes the record at out: front + payload.n + back bytes. payload starts at out + front or does not overlap
	 * the record. */
	tern_error (*seal)(const struct provider *provider, struct aead_key *key, const struct write_epoch *e,
			   const struct outgoing_record *r, uint8_t *out);

	/* Bytes of a protected record before its payload (last: of its datagram), and after a payload of n bytes. back
	 * is most for n = 0, and n + back never falls as n grows. cid_len: of the peer's connection ID, 0: none. */
	size_t (*front)(const struct write_epoch *e, size_t cid_len, bool last);
	size_t (*back)(const struct write_epoch *e, size_t cid_len, size_t n);

	/* Longest payload of a record. */
	size_t (*payload_max)(size_t cid_len);

	/* Failed opens that a key of this version survives. */
	uint64_t (*forgery_limit)(const struct aead_alg *aead);

	bool epochs_overlap; /* new keys leave the older ones alive */
	bool pads; /* zeros may follow the type inside, without a connection ID too */
};

/* Content, type, zeros: RFC 8446 5.4, RFC 9146 4. *n becomes the length of the content; false: there is no type. */
static inline bool take_inner_type(const uint8_t *p, size_t *n, uint8_t *type)
{
	while (*n && p[*n - 1] == 0)
		--*n;
	if (*n == 0)
		return false;
	*type = p[--*n];
	return true;
}

/* ---- headers.c: whose record it is. Either protection knows the records of the other one, to drop them. */

/* The 13-byte header, of DTLS 1.2 and of plaintext. */
struct record_header plain_header(const struct record12 *r, tern_drop drop);

/* A record of type tls12_cid, where connection IDs of ours exist (RFC 9146 4); its drop is NONE, or OTHER_CID, which is
 * all of the datagram that is left. False as parse. */
bool is_cid12(const struct record_layer *l, const struct rd *r);
bool cid12_parse(const struct record_layer *l, struct rd *r, struct record_header *out);

/* A unified header at r (RFC 9147 4): of a record for which there are no keys, until somebody finds them; or of another
 * connection. False as parse. */
bool is_unified(const struct rd *r);
bool unified_parse(const struct record_layer *l, struct rd *r, struct record_header *out);

#endif
