/* ask.h - pre-shared keys from the configuration or the application; the answer may pend. */
#ifndef TERN_HANDSHAKE_ASK_H
#define TERN_HANDSHAKE_ASK_H

#include "handshake/handshake.h"

/* The key of an identity that was added to the configuration. */
bool configured_psk(const struct tern_config *config, struct span identity, tern_psk *out);

/* The key of an identity: configured, else the callback's. UNKNOWN_PSK_IDENTITY, PENDING. */
tern_error find_psk(struct handshake *hs, struct span identity, tern_psk *out);

/* The callback's answer: for a peer's identity, or for a client (identity empty) to the server's hint. */
tern_error ask_psk(struct handshake *hs, struct span identity, struct span hint, tern_psk *out);

#endif
