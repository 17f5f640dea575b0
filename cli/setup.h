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
	struct party **changed; /* where it is listed when its MTU has changed; NULL: nowhere */
	struct party *next_changed; /* of that list */
	unsigned mtu; /* the new one, while it is listed */
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

/* Reports the new MTUs of those listed (with --pmtud), and empties the list. */
void setup_tell_sizes(const struct report *report, struct party **changed);

/* Says why no endpoint can be opened with the config. Returns the exit status. */
int setup_refused(tern_error error, bool server);

/* --export LABEL:LEN. text NULL: none. */
bool parse_export(struct export_request *request, const char *text);

#endif
