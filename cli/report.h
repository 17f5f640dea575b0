/* report.h - what server, client and demo tell: events as JSON lines on stdout, or sentences on stderr and data on
 * stdout. */
#ifndef TERN_CLI_REPORT_H
#define TERN_CLI_REPORT_H

#include "tern/endpoint.h"
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

/* A connection's path is looked into, or has changed; or not. followed: it is taken without being checked. */
void report_path(const struct report *report, const char *peer, tern_path_event event, bool followed,
		 const tern_path *path, bool verbose);

/* The largest datagram has another size from now on. */
void report_mtu(const struct report *report, const char *peer, unsigned mtu);

/* What nears its end, as the start of a sentence. */
const char *report_limit(tern_limit limit);

/* Received and sent application data, early or not. show: without --json, whether received data goes to stdout.
 * report_data returns false when stdout takes no more. */
bool report_data(const struct report *report, const char *peer, const tern_event *event, bool show);
void report_sent(const struct report *report, const char *peer, const uint8_t *data, size_t len, bool early);

void report_closed(const struct report *report, const char *peer, tern_gone_reason reason);

/* Why a connection failed, with a hint what to do. */
void report_failed(const struct report *report, const char *peer, const tern_conn *conn);

/* A failure outside any connection's protocol: the socket's, a timer of ours. */
void report_failed_text(const struct report *report, const char *peer, const char *sentence, const char *hint);

void report_stats(const struct report *report, const char *peer, const tern_conn *conn);

#endif
