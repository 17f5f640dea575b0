/* invariants.h - what must hold at every step of every simulation, whatever the path does.
 *
 * One struct watches one run: the crypto provider and the allocators of both sides report to it, and the world tells it
 * what is sent, delivered and sealed. The first violation is kept; the world stops at it. */
#ifndef TERN_TESTS_SIM_INVARIANTS_H
#define TERN_TESTS_SIM_INVARIANTS_H

#include "connection/conn.h"
#include "crypto/crypto.h"
#include "pcg.h"
#include "record/epochs.h"
#include "sim/fault.h"

#define NONCE_SLOTS 32768 /* a power of two; a run seals less than half as many records */
#define MESSAGES_MAX 1024 /* of application data, per association and side */
#define ASSOCIATIONS 16
#define ADDRESSES 16 /* of the client, in a run */
#define DATA_HEADER 16 /* bytes that say which message this is */

struct association {
	uint64_t id; /* made of the exporter's output */
	uint32_t sent[2]; /* by side */
	uint64_t delivered[2][MESSAGES_MAX / 64]; /* by the sending side: a bit for each message */
};

/* A side's memory. The header in front of each block knows its size. */
struct memory {
	struct invariants *inv;
	size_t live, base; /* bytes; base: what configs and pools take */
	struct faults faults;
	size_t keys; /* expanded ones, in the pool's cache */
};

/* A record that was sealed. */
struct sealed {
	uint64_t nonce; /* a hash of key and nonce */
	uint32_t run; /* that filled the slot */
};

/* Of the client, beside the first one. */
struct address_bytes {
	uint64_t in, out; /* bytes that came from it to the server, and that went there */
	bool proved;
};

/* The plaintext of an ACK of DTLS 1.3. */
#define ACK_BODY_MAX 1024
struct ack_body {
	size_t n;
	uint8_t bytes[ACK_BODY_MAX];
};

struct invariants {
	bool failed;
	char what[256];

	struct sealed nonces[NONCE_SLOTS];
	uint32_t run;
	size_t num_nonces;

	struct association associations[ASSOCIATIONS];
	size_t num_associations;

	bool any_data; /* data may come from outside the run: recorded, by a fuzzer */
	uint64_t opens; /* records that authenticated */
	uint64_t signs[2]; /* private key operations by side */
	uint64_t unproved_in, unproved_out; /* bytes to and from addresses that are not proved */

	struct address_bytes addresses[ADDRESSES];

	struct ack_body acked, opened; /* sealed last; opened last */

	bool repeat_nonce; /* for the test of this module: seal with the nonce used before */
};

/* Forgets the last run. */
void invariants_start(struct invariants *inv);
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void invariants_fail(struct invariants *inv, const char *format, ...);

/* The stub provider for each side, reporting to inv; to the one that was watched last. */
void watch(struct invariants *inv, const struct provider **client, const struct provider **server);

/* An allocator that counts into m. */
tern_allocator memory_allocator(struct memory *m);

/* Application data: makes the next message of a side of an association, n bytes (at least DATA_HEADER); false when
 * there were too many. */
struct association *association_of(struct invariants *inv, uint64_t id);
bool data_make(struct invariants *inv, uint64_t id, unsigned side, uint8_t *out, size_t n);
/* What arrived at side: it must be what the other one sent, once. */
void data_arrived(struct invariants *inv, uint64_t id, unsigned side, const uint8_t *p, size_t n);

/* The replay windows of a connection around one datagram: each moves only when something authenticated under its keys.
 */
struct epoch_mark {
	uint16_t epoch; /* 0: none */
	uint64_t opened;
	struct replay window;
};
struct window_mark {
	struct epoch_mark epochs[EPOCHS_ALIVE];
	uint64_t opens;
};
struct window_mark window_before(const struct invariants *inv, const tern_conn *conn);
void window_after(struct invariants *inv, const struct window_mark *mark, const tern_conn *conn);

/* tern_listen looked at n bytes and answered reply bytes. */
void listened(struct invariants *inv, size_t n, size_t reply, bool proved);

/* A connection that follows its peer: what comes from the address and goes there, and when the server believes it.
 * RFC 9853 2. The first address was proved in the handshake, if ever. */
void address_heard(struct invariants *inv, unsigned address, size_t n);
void address_sent(struct invariants *inv, unsigned address, size_t n);
void address_proved(struct invariants *inv, unsigned address);

/* Memory of one side: received bytes and connections so far bound what may be live beyond base. */
void memory_bounded(struct invariants *inv, const struct memory *m, uint64_t received, size_t conns, size_t own);
void memory_returned(struct invariants *inv, const struct memory *m);

#endif
