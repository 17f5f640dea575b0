/* fresh.c - ids of ClientHellos until they expire: rows of a few places each, chosen by the id itself, which is the
 * output of an HMAC. */
#include "fresh.h"

#include <stdlib.h>
#include <string.h>

#include "udp.h"

enum { ROWS = 4096, PLACES = 8, ID_LEN = 32 };

struct fresh {
	struct place {
		int64_t expires_unix_s;
		uint8_t id[ID_LEN];
	} rows[ROWS][PLACES];
};

tern_error fresh_ask(void *user, tern_conn *conn, uint64_t job, const uint8_t *id, size_t id_len,
		     int64_t expires_unix_s)
{
	struct fresh *fresh = user;
	struct place *row, *room = NULL;
	int64_t now = clock_now().unix_s;

	(void)conn, (void)job;
	if (id_len != ID_LEN)
		return TERN_ERROR_USAGE;
	row = fresh->rows[(id[0] << 8 | id[1]) % ROWS];
	for (size_t i = 0; i < PLACES; i++) {
		if (row[i].expires_unix_s < now)
			room = &row[i];
		else if (memcmp(row[i].id, id, ID_LEN) == 0)
			return TERN_ERROR_USAGE;
	}
	if (!room)
		return TERN_ERROR_NO_MEMORY;
	room->expires_unix_s = expires_unix_s;
	memcpy(room->id, id, ID_LEN);
	return TERN_OK;
}

struct fresh *fresh_new(void)
{
	return calloc(1, sizeof(struct fresh));
}

void fresh_free(struct fresh *fresh)
{
	free(fresh);
}
