/* rrc.h - messages of the return routability check (RFC 9853 4). One to a record. */
#ifndef TERN_WIRE_RRC_H
#define TERN_WIRE_RRC_H

#include "base/reader.h"
#include "base/writer.h"

#define RRC_COOKIE 8
#define RRC_LEN (1 + RRC_COOKIE)

enum rrc_type { RRC_PATH_CHALLENGE = 0, RRC_PATH_RESPONSE = 1, RRC_PATH_DROP = 2 };

struct rrc {
	uint8_t type; /* enum rrc_type, or another that is to be ignored */
	struct span cookie; /* RRC_COOKIE bytes; of other types all that follows */
};
/* False when a message of a known type is cut or too long. */
MUST_CHECK bool get_rrc(struct rd *r, struct rrc *out);
void put_rrc(struct wr *w, const struct rrc *in);

#endif
