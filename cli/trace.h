/* trace.h - one line for each thing that happens on the wire. */
#ifndef TERN_CLI_TRACE_H
#define TERN_CLI_TRACE_H

#include <stdio.h>

#include "tern/tern.h"

void trace_print(FILE *out, double ms, const char *peer, const tern_trace *trace);

/* What a record carries, for people: "Certificate 0..299/412", "ApplicationData". */
void trace_content(char *out, size_t cap, const tern_trace *trace);

#endif
