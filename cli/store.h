/* store.h - sessions by id, in memory, bounded: the oldest makes room. */
#ifndef TERN_CLI_STORE_H
#define TERN_CLI_STORE_H

#include "tern/tern.h"

struct store;

struct store *store_new(void); /* NULL: out of memory */
void store_free(struct store *store);
tern_session_store store_callbacks(struct store *store);

#endif
