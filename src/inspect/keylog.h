/* keylog.h - lines of a key log: LABEL, client random in hex, secret in hex (draft-ietf-tls-keylogfile). */
#ifndef TERN_INSPECT_KEYLOG_H
#define TERN_INSPECT_KEYLOG_H

#include "base/span.h"

/* The secret of this label and client random: its length, at most cap; 0: there is none. */
size_t keylog_find(struct span text, const char *label, struct span client_random, uint8_t *secret, size_t cap);

#endif
