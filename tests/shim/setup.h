/* setup.h - from flags to a config. */
#ifndef SHIM_SETUP_H
#define SHIM_SETUP_H

#include "callbacks.h"

/* Fills config. TERN_ERROR_UNKNOWN_NAME: the flags want what Tern does not have. */
tern_error setup_config(tern_config *config, struct callbacks *callbacks, tern_keyring *keyring);
void setup_free(struct callbacks *callbacks);

#endif
