/* store.c - sessions by id, in memory, for all workers. Entries form a ring in order of arrival; look-up goes by a hash
 * chain. */
#include "store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 4096, BUCKETS = 4096, ID_MAX = 32, NOBODY = -1 };

struct entry {
	int next; /* in its chain */
	size_t id_len, len; /* id_len 0: unused */
	uint8_t id[ID_MAX];
	uint8_t session[TERN_SESSION_MAX];
};

struct store {
	pthread_mutex_t lock;
	size_t oldest; /* the next to be overwritten */
	int buckets[BUCKETS];
	struct entry entries[ENTRIES];
};

/* The ids are random bytes of ours, so any few of them spread well. */
static int *bucket_of(struct store *s, const uint8_t *id, size_t id_len)
{
	uint32_t hash = 0;

	for (size_t i = 0; i < id_len; i++)
		hash = hash * 31 + id[i];
	return &s->buckets[hash % BUCKETS];
}

static int *find(struct store *s, const uint8_t *id, size_t id_len)
{
	int *at = bucket_of(s, id, id_len);

	while (*at != NOBODY) {
		struct entry *e = &s->entries[*at];
		if (e->id_len == id_len && memcmp(e->id, id, id_len) == 0)
			break;
		at = &e->next;
	}
	return at;
}

static void remove_at(struct store *s, int *at)
{
	struct entry *e = &s->entries[*at];

	*at = e->next;
	explicit_bzero(e, sizeof *e);
}

static tern_error get(void *user, tern_conn *conn, uint64_t job, const uint8_t *id, size_t id_len, uint8_t *out,
		      size_t cap, size_t *len)
{
	struct store *s = user;

	(void)conn, (void)job;
	*len = 0;
	pthread_mutex_lock(&s->lock);
	int at = *find(s, id, id_len);
	if (at != NOBODY && s->entries[at].len <= cap) {
		*len = s->entries[at].len;
		memcpy(out, s->entries[at].session, *len);
	}
	pthread_mutex_unlock(&s->lock);
	return TERN_OK;
}

static void forget(struct store *s, const uint8_t *id, size_t id_len)
{
	int *at = find(s, id, id_len);

	if (*at != NOBODY)
		remove_at(s, at);
}

static void del(void *user, const uint8_t *id, size_t id_len)
{
	struct store *s = user;

	pthread_mutex_lock(&s->lock);
	forget(s, id, id_len);
	pthread_mutex_unlock(&s->lock);
}

static void keep(struct store *s, const uint8_t *id, size_t id_len, const uint8_t *session, size_t len)
{
	struct entry *e = &s->entries[s->oldest];

	forget(s, id, id_len);
	if (e->id_len)
		forget(s, e->id, e->id_len);
	*e = (struct entry){.id_len = id_len, .len = len};
	memcpy(e->id, id, id_len);
	memcpy(e->session, session, len);
	int *bucket = bucket_of(s, id, id_len);
	e->next = *bucket;
	*bucket = (int)s->oldest;
	s->oldest = (s->oldest + 1) % ENTRIES;
}

/* Expiry is not looked at: the session itself says when it ends, and the core checks that. */
static void put(void *user, const uint8_t *id, size_t id_len, const uint8_t *session, size_t len,
		int64_t expires_unix_s)
{
	struct store *s = user;

	(void)expires_unix_s;
	if (id_len == 0 || id_len > ID_MAX || len > TERN_SESSION_MAX)
		return;
	pthread_mutex_lock(&s->lock);
	keep(s, id, id_len, session, len);
	pthread_mutex_unlock(&s->lock);
}

struct store *store_new(void)
{
	struct store *s = calloc(1, sizeof *s);

	for (size_t i = 0; s && i < BUCKETS; i++)
		s->buckets[i] = NOBODY;
	if (s)
		pthread_mutex_init(&s->lock, NULL);
	return s;
}

void store_free(struct store *store)
{
	if (!store)
		return;
	pthread_mutex_destroy(&store->lock);
	explicit_bzero(store, sizeof *store);
	free(store);
}

tern_session_store store_callbacks(struct store *store)
{
	return (tern_session_store){get, put, del, store};
}
