/* ask.h - pre-shared keys from the configuration or the application; the answer may pend. */
#ifndef TERN_HANDSHAKE_ASK_H
#define TERN_HANDSHAKE_ASK_H

#include "handshake/handshake.h"

/* What was added to the configuration under an identity as it goes over the wire; NULL: nothing. */
const struct psk_entry *configured_psk(const struct tern_config *config, struct span identity);

/* The first that is not imported, NULL: none. DTLS 1.2 knows no others. */
const struct psk_entry *first_plain_psk(const struct tern_config *config);

/* The callback's answer: for a peer's identity, or for a client (identity empty) to the server's hint. */
tern_error ask_psk(struct handshake *hs, struct span identity, struct span hint, tern_psk *out);

#endif
