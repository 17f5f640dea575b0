/* record.h - datagrams to records and back: epochs, protection, replay windows, limits (RFC 6347 4.1, RFC 9147 4).
 *
 * Knows nothing of handshake messages, connections or time. What is wrong with a received record is a reason to drop
 * it, never an error; nothing changes then, the datagram's bytes included. Epoch 0 is plaintext: no keys and no replay
 * window (nothing authenticates it). The newest keyed epochs sit in the struct; DTLS 1.3 hangs older ones beside them.
 */
#ifndef TERN_RECORD_RECORD_H
#define TERN_RECORD_RECORD_H

#include "base/writer.h"
#include "crypto/schedules.h"
#include "record/cids.h"
#include "record/replay.h"
#include "wire/record.h"

struct read_epoch {
	struct raw_key key;
	struct replay window;
	uint64_t forged;
	uint32_t opened; /* at most UINT32_MAX */
	uint16_t epoch; /* 0: no keys yet */
	uint16_t window_size;
};

struct write_epoch {
	struct raw_key key;
	uint64_t next_seq;
	uint16_t epoch; /* 0: no keys yet */
};

/* What the record layers of one pool have in common. */
struct record_pool {
	const struct provider *provider;
	struct schedules *schedules;
	const tern_allocator *heap;
	uint64_t seal_limit; /* records under one key; 0: what the AEAD allows */
	uint16_t window_size; /* for new read epochs */
};

struct protection; /* how headers, nonces and additional data are made */
extern const struct protection protection12, protection13;

struct record_layer {
	const struct protection *protection; /* of keyed epochs */
	const struct record_pool *pool;
	struct read_epoch in; /* the newest epochs */
	struct write_epoch out;
	struct older_read *older_in; /* DTLS 1.3: those before, newest first, each allocated */
	struct older_write *older_out;
	uint64_t plain_seq; /* next record number of epoch 0; a server's begins with its client's: RFC 6347 4.2.1 */
	uint16_t plain_version; /* said by plaintext records that go out; DTLS 1.2's at first */
	uint16_t plaintext_max_in; /* longest plaintext accepted: 2^14, or as agreed (RFC 8449, RFC 6066 4) */
	uint16_t plaintext_max_out; /* longest plaintext the peer takes, for those who cut messages into records */
	bool heard : 1; /* a record was opened under keys that the peer's plaintext is behind: not of early data */
	bool plain_in : 1; /* plaintext records are still taken; set at first, cleared at completion */
	struct cids cids; /* see record_free, which frees them */
};

/* pool: stays as long as l. */
void record_init(struct record_layer *l, const struct protection *protection, const struct record_pool *pool);
/* Wipes all keys. */
void record_free(struct record_layer *l);

/* Keys for the next epoch, as one direction of a version derives them. */
struct epoch_key {
	const struct aead_alg *aead;
	const uint8_t *key; /* aead->key_len bytes */
	struct span iv;
	const uint8_t *sn_key; /* DTLS 1.3: aead->key_len bytes; NULL in DTLS 1.2 */
};

/* The epoch becomes the newest of its direction, with an empty window (RFC 6347 4.1.2.6, RFC 9147 4.5.1). Where the
 * protection has several epochs alive at once (DTLS 1.3), the one before stays usable until it is forgotten; four are
 * alive at most, the oldest gives way. NO_MEMORY (nothing changed). INTERNAL: epoch 0, or in DTLS 1.3 one that is not
 * above the newest, or no sn_key. */
tern_error record_set_read(struct record_layer *l, uint16_t epoch, const struct epoch_key *key);
tern_error record_set_write(struct record_layer *l, uint16_t epoch, const struct epoch_key *key);

/* Wipes all keyed epochs of the direction below this one. */
void record_forget_read(struct record_layer *l, uint16_t below);
void record_forget_write(struct record_layer *l, uint16_t below);

/* What is left of a datagram being read. */
struct datagram {
	uint8_t *p;
	size_t n;
};

struct record {
	tern_drop drop; /* TERN_DROP_NONE: the rest is valid */
	uint8_t type; /* content type; set for dropped records too where the header could be read */
	uint16_t epoch;
	uint64_t seq; /* dropped records of DTLS 1.3: 0 before it was decrypted */
	uint8_t *p; /* plaintext, inside the datagram */
	size_t n;
	struct span wire; /* the whole record as it came (dropped records: unchanged) */
};

/* The next record of the datagram; false at its end. Bytes that are no record end the datagram with one MALFORMED. What
 * is dropped has changed nothing: RFC 6347 4.1.2.7, RFC 9146 6, RFC 9147 4.1, 4.3, 4.5.2, 6.1, 11.
 * With connection IDs agreed on, records without one of ours are dropped under keys, but for those of early data, whose
 * sender may not know it yet. Behind one of another connection nothing is read, since its length is not known.
 * Drops: NO_CID, OTHER_CID (all of the datagram that is left), MALFORMED, VERSION (DTLS 1.2; epoch 0: neither 0xfeff
 * nor 0xfefd; else not 0xfefd), CONTENT_TYPE (outside 20 to 23; under keys 27 is taken too; DTLS 1.3: or 26, and
 * under keys not 20), EPOCH (no keys), PLAINTEXT (epoch 0 with plain_in cleared), REPLAYED, TOO_OLD, TOO_LONG, FORGED;
 * BUDGET when there is no memory for the expanded key. Whether a forgery limit is reached is record_worn's answer.
 *
 * Either protection tells the protected records of the other version from garbage: they are dropped as EPOCH. A unified
 * header has two bits of epoch: without keys the record's epoch is the next above the newest with these bits, its
 * number 0. */
bool record_next(struct record_layer *l, struct datagram *d, struct record *out);

/* Whether this record, just opened, is the newest of all: of the newest epoch in which any was, and none of a higher
 * number. RFC 9146 6. */
bool record_is_newest(const struct record_layer *l, const struct record *record);

/* Appends one record with payload to w, in the plain form of either RFC (RFC 6347 4.1, RFC 9146 3) or protected. epoch:
 * 0 or a live write epoch. The record ends its datagram: in DTLS 1.3 its header leaves out the length. LIMIT: this key
 * or the record numbers are used up (nothing was written; RFC 9147 4.2.1). INTERNAL: no such epoch. BUFFER_TOO_SMALL:
 * no room in w (nothing was written). TOO_LARGE: more than 2^14 bytes (RFC 6347 4.1.1.1, RFC 9147 4.4). *seq: the
 * record's number; may be NULL. */
tern_error record_seal(struct record_layer *l, uint16_t epoch, uint8_t type, struct span payload, struct wr *w,
		       uint64_t *seq);

/* The same, padded with zeros to a record of size bytes: RFC 8446 5.4. USAGE: that is less than it has without; or
 * this epoch knows no padding. */
tern_error record_seal_padded(struct record_layer *l, uint16_t epoch, uint8_t type, struct span payload, size_t size,
			      struct wr *w, uint64_t *seq);
/* The longest record that can be made so, as far as the peer takes it; 0: this epoch knows no padding. */
size_t record_padded_max(const struct record_layer *l, uint16_t epoch);

/* Bytes of a record that record_seal makes of n bytes of payload. */
size_t record_size(const struct record_layer *l, uint16_t epoch, size_t n);
/* num records, each the only one of its datagram, at out, out + stride and so on, where there is room for them; for
 * each there is a number and a use of the key (record_seals_left). *seq: the first one's number. */
tern_error record_seal_many(struct record_layer *l, uint16_t epoch, uint8_t type, const tern_bytes *payloads,
			    size_t num, uint8_t *out, size_t stride, uint64_t *seq);

/* The same in two steps, for payload that is assembled in place: between them the caller writes it to w. After
 * record_begin, w has room for it only as far as room for the tag is left: use record_overhead. When record_end fails,
 * w is as it was before record_begin, a sticky error of the payload's writer included. */
struct record_mark {
	size_t start, payload;
	uint16_t epoch;
	uint8_t type;
};
tern_error record_begin(struct record_layer *l, uint16_t epoch, uint8_t type, struct wr *w, struct record_mark *mark);
tern_error record_end(struct record_layer *l, struct wr *w, const struct record_mark *mark, uint64_t *seq);

/* Bytes a record of this epoch, made by record_begin, adds to its payload: header, explicit nonce, type, tag.
 * record_seal adds no more. Exception: in DTLS 1.3 a payload of n < 7 bytes under an 8-byte tag is padded by 7 - n
 * bytes. */
size_t record_overhead(const struct record_layer *l, uint16_t epoch);

/* The forgery limit of the newest read key is reached: the association must end (RFC 9147 4.5.3). An older epoch at its
 * limit is forgotten by itself. */
bool record_worn(const struct record_layer *l);
/* Records that the newest write key may seal yet. */
uint64_t record_seals_left(const struct record_layer *l);
/* Of the write key's seal limit or record numbers; of the newest read key's forgery limit: at least 7/8 are used; or,
 * as early goes to UINT16_MAX, 6/8. */
bool record_out_near(const struct record_layer *l, uint16_t early);
bool record_in_near(const struct record_layer *l, uint16_t early);

#endif
