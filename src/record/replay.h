/* replay.h - the sliding window of record numbers (RFC 6347 4.1.2.6, RFC 9147 4.5.1). Checked before a record is opened
 * (DTLS 1.2) or after (DTLS 1.3), moved only when it was authenticated. */
#ifndef TERN_RECORD_REPLAY_H
#define TERN_RECORD_REPLAY_H

#include "tern/tern.h"

#define REPLAY_OFF 1 /* window size that turns detection off */

struct replay {
	uint64_t next; /* one past the highest number accepted */
	union {
		uint64_t bits; /* the window when size is 64: bit i stands for next - 1 - i */
		uint64_t *wide; /* the window above 64: size / 64 words, allocated apart */
	};
};

/* size: REPLAY_OFF, or 64 to 8192 in steps of 64; the same for all calls, and kept by the caller. NO_MEMORY possible
 * above 64 only. */
tern_error replay_init(struct replay *w, uint16_t size, const tern_allocator *heap);
void replay_free(struct replay *w, uint16_t size, const tern_allocator *heap);

/* TERN_DROP_NONE (new), TERN_DROP_REPLAYED or TERN_DROP_TOO_OLD. */
tern_drop replay_check(const struct replay *w, uint16_t size, uint64_t seq);
void replay_mark(struct replay *w, uint16_t size, uint64_t seq);

#endif
