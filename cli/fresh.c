/* fresh.c - ids of ClientHellos until they expire: rows of a few places each, chosen by the id itself, which is the
 * output of an HMAC. All workers ask the same ones. */
#include "fresh.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "udp.h"

enum { ROWS = 4096, PLACES = 8, ID_LEN = 32 };

struct fresh {
	pthread_mutex_t lock;
	struct place {
		int64_t expires_unix_s;
		uint8_t id[ID_LEN];
	} rows[ROWS][PLACES];
};

static tern_error note(struct place row[PLACES], const uint8_t *id, int64_t now, int64_t expires_unix_s)
{
	struct place *room = NULL;

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

tern_error fresh_ask(void *user, tern_conn *conn, uint64_t job, const uint8_t *id, size_t id_len,
		     int64_t expires_unix_s)
{
	struct fresh *fresh = user;
	tern_error error;

	(void)conn, (void)job;
	if (id_len != ID_LEN)
		return TERN_ERROR_USAGE;
	pthread_mutex_lock(&fresh->lock);
	error = note(fresh->rows[(id[0] << 8 | id[1]) % ROWS], id, clock_now().unix_s, expires_unix_s);
	pthread_mutex_unlock(&fresh->lock);
	return error;
}

struct fresh *fresh_new(void)
{
	struct fresh *fresh = calloc(1, sizeof *fresh);

	if (fresh)
		pthread_mutex_init(&fresh->lock, NULL);
	return fresh;
}

void fresh_free(struct fresh *fresh)
{
	if (fresh)
		pthread_mutex_destroy(&fresh->lock);
	free(fresh);
}
