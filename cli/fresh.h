/* fresh.h - which ClientHellos with early data were seen: in memory, bounded. What finds no room counts as seen. */
#ifndef TERN_CLI_FRESH_H
#define TERN_CLI_FRESH_H

#include "tern/tern.h"

struct fresh;

struct fresh *fresh_new(void); /* NULL: out of memory */
void fresh_free(struct fresh *fresh);
tern_fresh_fn fresh_ask; /* user: a struct fresh */

#endif
