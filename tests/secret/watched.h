/* watched.h - the real provider with memcheck at its edges. What a key exchange yields is secret: it becomes undefined,
 * and so does all that is made of it. What anybody may see becomes defined again: what was sealed, what was opened, and
 * an AEAD's key, for what libcrypto does with it is its own affair. */
#ifndef TERN_TESTS_SECRET_WATCHED_H
#define TERN_TESTS_SECRET_WATCHED_H

#include <valgrind/memcheck.h>

#include "crypto/crypto.h"

/* Const all of it, and for the whole program. */
const struct provider *watched_provider(void);

#endif
