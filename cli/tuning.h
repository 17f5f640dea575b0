/* tuning.h - numbers and modes of server and client: timers, limits, paths, sockets; into a config and an endpoint. */
#ifndef TERN_CLI_TUNING_H
#define TERN_CLI_TUNING_H

#include "options.h"
#include "tern/endpoint.h"

/* Returns OPTIONS_GO or the exit status; it has said why. */
int tuning_config(tern_config *config, const struct options *options, bool server);

/* What the options say goes into to, which holds the command's defaults; its size is set. tuning_config has checked. */
void tuning_endpoint(tern_endpoint_options *to, const struct options *options);

/* Once a client is connected: complains of what it was asked for and the server does not agree to. */
void tuning_check(const struct options *options, const tern_info *info);

#endif
