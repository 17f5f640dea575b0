/* record13.h - the unified header of protected DTLS 1.3 records (RFC 9147 4). */
#ifndef TERN_WIRE_RECORD13_H
#define TERN_WIRE_RECORD13_H

#include "base/reader.h"
#include "base/writer.h"

#define UNIFIED_HEADER_MAX 260 /* with a CID of 255 bytes */

/* The first byte: 001CSLEE. */
enum unified_bits {
	UNIFIED_FIXED_MASK = 0xe0,
	UNIFIED_FIXED = 0x20,
	UNIFIED_CID = 0x10,
	UNIFIED_SEQ16 = 0x08,
	UNIFIED_LENGTH = 0x04,
	UNIFIED_EPOCH = 0x03
};

struct unified_header {
	uint8_t epoch_bits;
	struct span cid; /* empty without the CID bit */
	uint8_t seq_len; /* 1 or 2 */
	uint16_t seq; /* as on the wire: still encrypted when decoded */
	bool has_length;
	size_t header_len; /* set when decoded */
	struct span payload; /* the encrypted record */
};
/* cid_len: of the CIDs we gave out. False when the first byte is another, bytes are missing, or there is a CID and
 * cid_len is 0 (RFC 9147 9.1). Without a length the payload is the rest of the datagram. */
MUST_CHECK bool get_unified(struct rd *r, size_t cid_len, struct unified_header *out);
/* The header alone, for length bytes of payload. The CID bit goes with a cid that is not empty. */
void put_unified(struct wr *w, const struct unified_header *in, uint16_t length);

#endif
