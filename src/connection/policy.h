/* policy.h - named sets of suites, groups, schemes and timers. */
#ifndef TERN_CONNECTION_POLICY_H
#define TERN_CONNECTION_POLICY_H

#include "base/span.h"
#include "tern/tern.h"

struct policy_list {
	const uint16_t *id;
	size_t num;
};

struct policy {
	const char *name;
	struct policy_list suites, groups, schemes; /* in order of preference; groups a provider lacks are left out */
	tern_timers timers;
	bool cookie;
	bool psk_ke;
	bool keeps_mtu; /* loss does not lower it */
	bool cids; /* send with the peer's, want none */
};

const struct policy *policy_by_name(const char *name); /* NULL: there is none */

#endif
