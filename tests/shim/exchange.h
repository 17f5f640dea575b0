/* exchange.h - one connection with the runner. */
#ifndef SHIM_EXCHANGE_H
#define SHIM_EXCHANGE_H

#include "callbacks.h"
#include "packets.h"

/* What one connection leaves to the next. */
struct kept {
	struct session_shelf shelf;
	uint8_t session[TERN_SESSION_MAX];
	size_t session_len;
	tern_time now;
};

/* False: it has said on standard error why. */
bool exchange_run(tern_pool *pool, struct callbacks *callbacks, struct kept *kept, bool resumes);

#endif
