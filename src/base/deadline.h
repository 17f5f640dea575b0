/* deadline.h - points of time to come. */
#ifndef TERN_BASE_DEADLINE_H
#define TERN_BASE_DEADLINE_H

#include "tern/tern.h"

/* TERN_NEVER is not reached by adding: what is far off stays a deadline. */
static inline uint64_t later(uint64_t from_ns, uint64_t by_ns)
{
	return by_ns < TERN_NEVER - from_ns ? from_ns + by_ns : TERN_NEVER - 1;
}

#endif
