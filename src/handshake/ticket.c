/* ticket.c - sessions sealed under the keyring: ticket_id, nonce, AES-256-GCM over the session with the ticket_id as
 * additional data. Nonces are random: at one ticket per handshake, 2^32 tickets under one key are far away. */
#include "handshake/session.h"

#define ID_LEN 8
#define HEAD_LEN (ID_LEN + AEAD_NONCE)

static const struct aead_alg *ticket_aead(void)
{
	return &aead_algs[AEAD_AES_256_GCM];
}

void ticket_keys_init(struct ticket_keys *keys, const struct provider *p, struct crypto *c, struct schedules *s)
{
	*keys = (struct ticket_keys){.provider = p, .crypto = c, .schedules = s};
}

static void key_load(struct ticket_keys *keys, struct ticket_key *k, const struct keyring_slot *from)
{
	_Static_assert(sizeof from->ticket_key == AEAD_KEY_MAX, "a ticket key is an AES-256 key");
	schedules_drop(keys->schedules, &k->key);
	k->valid = from->valid;
	memcpy(k->id, from->ticket_id, ID_LEN);
	/* Without a record number key it takes no memory. */
	(void)!schedules_adopt(keys->schedules, &k->key, ticket_aead(), from->ticket_key, NULL);
}

void ticket_keys_load(struct ticket_keys *keys, const struct keyring_keys *from)
{
	key_load(keys, &keys->current, &from->current);
	key_load(keys, &keys->previous, &from->previous);
}

void ticket_keys_refresh(struct ticket_keys *keys, tern_keyring *ring)
{
	struct keyring_keys now;
	/* Read before the keys, as cookie_keys_refresh does. */
	uint64_t generation = keyring_generation(ring);
	if (keys->generation == generation)
		return;
	keyring_read(ring, &now);
	ticket_keys_load(keys, &now);
	keys->generation = generation;
	wipe(&now, sizeof now);
}

tern_error ticket_seal(struct ticket_keys *keys, const struct session *s, uint8_t *out, size_t cap, size_t *len)
{
	const struct provider *p = keys->provider;
	struct aead_key *k;
	struct wr w;
	tern_error error;
	if (cap < TICKET_OVERHEAD)
		return TERN_ERROR_BUFFER_TOO_SMALL;
	w = wr_of(out + HEAD_LEN, cap - TICKET_OVERHEAD);
	put_session(&w, s, false);
	if (!wr_ok(&w)) {
		wipe(out, cap);
		return TERN_ERROR_BUFFER_TOO_SMALL;
	}
	memcpy(out, keys->current.id, ID_LEN);
	error = p->random(keys->crypto, out + ID_LEN, AEAD_NONCE);
	if (error == TERN_OK)
		error = schedules_get(keys->schedules, &keys->current.key, &k);
	if (error == TERN_OK)
		error = p->aead_seal(k, out + ID_LEN, span_of(out, ID_LEN), out + HEAD_LEN, out + HEAD_LEN, w.n);
	if (error != TERN_OK) {
		wipe(out, cap);
		return error;
	}
	*len = HEAD_LEN + w.n + ticket_aead()->tag_len;
	return TERN_OK;
}

/* One key's try. room: TICKET_MAX bytes for the plaintext. */
static bool key_open(struct ticket_keys *keys, struct ticket_key *from, struct span ticket, uint8_t *room,
		     struct session *out)
{
	struct aead_key *k;
	size_t n = ticket.n - HEAD_LEN;
	struct rd r;
	if (!from->valid || memcmp(from->id, ticket.p, ID_LEN) != 0)
		return false;
	if (schedules_get(keys->schedules, &from->key, &k) != TERN_OK)
		return false;
	memcpy(room, ticket.p + HEAD_LEN, n);
	if (!keys->provider->aead_open(k, ticket.p + ID_LEN, span_of(ticket.p, ID_LEN), room, n))
		return false;
	r = rd_of(span_of(room, n - ticket_aead()->tag_len));
	return get_session(&r, out);
}

bool ticket_open(struct ticket_keys *keys, struct span ticket, int64_t unix_s, struct session *out, bool *stale)
{
	uint8_t room[TICKET_MAX];
	bool current, good;
	if (ticket.n < TICKET_OVERHEAD || ticket.n > TICKET_MAX)
		return false;
	current = key_open(keys, &keys->current, ticket, room, out);
	good = current || key_open(keys, &keys->previous, ticket, room, out);
	wipe(room, sizeof room);
	if (good && out->expires_unix_s <= unix_s) {
		session_wipe(out);
		good = false;
	}
	if (good)
		*stale = !current;
	return good;
}
