/* setup.h - from the options of server and client to a config, with errors that name the option and the file. */
#ifndef TERN_CLI_SETUP_H
#define TERN_CLI_SETUP_H

#include <stdio.h>

#include "options.h"
#include "report.h"
#include "tern/tern.h"
#include "udp.h"

/* What the user pointer of every connection points at first: whom the trace names. */
struct party {
	char name[ADDRESS_TEXT];
};

struct setup {
	tern_config *config;
	struct store *store; /* servers: sessions by id */
	struct fresh *fresh; /* servers that take early data */
	FILE *keylog, *trace;
	bool verbose;
	uint64_t began_ns;
};

/* Returns OPTIONS_GO or the exit status; setup_close is due in any case. */
int setup_open(struct setup *setup, const struct options *options, bool server);
void setup_close(struct setup *setup);

/* Says why no endpoint can be opened with the config. Returns the exit status. */
int setup_refused(tern_error error, bool server);

/* --export LABEL:LEN. text NULL: none. */
bool parse_export(struct export_request *request, const char *text);

#endif
