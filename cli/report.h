/* report.h - what server, client and demo tell: events as JSON lines on stdout, or sentences on stderr and data on
 * stdout. */
#ifndef TERN_CLI_REPORT_H
#define TERN_CLI_REPORT_H

#include "tern/tern.h"

struct report {
	bool json;
	bool server;
};

/* Keying material to show once connected (--export LABEL:LEN). */
struct export_request {
	char label[128]; /* "": none */
	size_t len;
};

void report_listening(const struct report *report, const char *address);
void report_connected(const struct report *report, const char *peer, const tern_conn *conn,
		      const struct export_request *request);

/* The client answered the request for its certificate. */
void report_authenticated(const struct report *report, const char *peer, const tern_conn *conn, bool declined);

/* A connection's path is looked into, or has changed; or not. */
void report_path(const struct report *report, const char *peer, const tern_event *event, bool verbose);

/* What nears its end, as the start of a sentence. */
const char *report_limit(tern_limit limit);

/* Received and sent application data, early or not. show: without --json, whether received data goes to stdout.
 * report_data returns false when stdout takes no more. */
bool report_data(const struct report *report, const char *peer, const tern_event *event, bool show);
void report_sent(const struct report *report, const char *peer, const uint8_t *data, size_t len, bool early);

void report_closed(const struct report *report, const char *peer, bool by_peer);

/* Why a connection failed, with a hint what to do. */
void report_failed(const struct report *report, const char *peer, const tern_conn *conn);

/* A failure outside any connection's protocol: the socket's, a timer of ours. */
void report_failed_text(const struct report *report, const char *peer, const char *sentence, const char *hint);

void report_stats(const struct report *report, const char *peer, const tern_conn *conn);

#endif
