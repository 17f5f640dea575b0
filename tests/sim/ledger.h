/* ledger.h - the records of a run as both sides report them, and what must hold of acknowledgements and key updates in
 * DTLS 1.3: an ACK names only records that came and were kept, what was acknowledged is not sent again, and nothing is
 * sent under new keys before the peer has said that it has the KeyUpdate (RFC 9147 7, 8). */
#ifndef TERN_TESTS_SIM_LEDGER_H
#define TERN_TESTS_SIM_LEDGER_H

#include "sim/invariants.h"

#define LEDGER_FRAGMENTS 8192
#define LEDGER_RECORDS 16384 /* a power of two */

/* A fragment of a handshake message in a record of its own. */
struct sent_fragment {
	uint64_t serial, seq; /* whose it is; the record's number */
	uint32_t offset, len;
	uint16_t epoch, message_seq;
	uint8_t type;
	bool acked; /* an ACK that names it came */
	bool binding; /* and so early that the sender knows it still */
};

struct ledger {
	struct invariants *inv;
	uint32_t run;
	size_t num_fragments;
	struct sent_fragment fragments[LEDGER_FRAGMENTS];
	uint64_t received[LEDGER_RECORDS]; /* hashes of connection and record number */
	uint32_t received_run[LEDGER_RECORDS]; /* the run that filled the slot */
	bool received_lost[LEDGER_RECORDS]; /* something in it was dropped */
	uint16_t received_kept[LEDGER_RECORDS]; /* fragments of it that were not, for in plaintext others may come under
						 * its number */
	size_t num_received;
	size_t reported; /* slot of the fragment that was reported last; LEDGER_RECORDS: none */
};

void ledger_start(struct ledger *l, struct invariants *inv);

/* Another datagram comes: what it repeats is another copy. */
void ledger_next(struct ledger *l);

/* A connection (by its serial) reports. */
void ledger_trace(struct ledger *l, uint64_t serial, const tern_trace *trace);

/* It sent an ACK in clear. */
void ledger_plain_ack(struct ledger *l, uint64_t serial, struct span body);

#endif
