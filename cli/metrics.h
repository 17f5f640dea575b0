/* metrics.h - what the endpoints have counted, for Prometheus and its like: OpenMetrics text over HTTP, from a thread.
 */
#ifndef TERN_CLI_METRICS_H
#define TERN_CLI_METRICS_H

#include <stddef.h>

#include "tern/endpoint.h"

struct metrics;

/* Answers at text, "[HOST:]PORT", with the sums over num endpoints, which must outlive it, and says on stderr where.
 * Returns OPTIONS_GO or the exit status. */
int metrics_open(struct metrics **out, const char *text, tern_endpoint *const endpoints[], size_t num);
void metrics_close(struct metrics *metrics); /* may be NULL */

#endif
