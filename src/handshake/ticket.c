/* ticket.c - sessions sealed under the keyring: ticket_id, nonce, AES-256-GCM over the session with the ticket_id as
 * additional data. Nonces are random: at one ticket per handshake, 2^32 tickets under one key are far away. */
#include "handshake/session.h"

#define ID_LEN 8
#define HEAD_LEN (ID_LEN + AEAD_NONCE)

static const struct aead_alg *ticket_aead(void)
{
	return &aead_algs[AEAD_AES_256_GCM];
}

static tern_error new_key(const struct provider *p, struct crypto *c, struct aead_key **k, const uint8_t *key)
{
	tern_error error;
	TRY(p->aead_new(c, k));
	error = p->aead_set(*k, ticket_aead(), key);
	if (error != TERN_OK)
		p->aead_free(c, *k);
	return error;
}

tern_error ticket_seal(const struct keyring_keys *keys, const struct provider *p, struct crypto *c,
		       const struct session *s, uint8_t *out, size_t cap, size_t *len)
{
	const struct keyring_slot *slot = &keys->current;
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
	memcpy(out, slot->ticket_id, ID_LEN);
	error = p->random(c, out + ID_LEN, AEAD_NONCE);
	if (error == TERN_OK)
		error = new_key(p, c, &k, slot->ticket_key);
	if (error == TERN_OK) {
		error = p->aead_seal(k, out + ID_LEN, span_of(out, ID_LEN), out + HEAD_LEN, out + HEAD_LEN, w.n);
		p->aead_free(c, k);
	}
	if (error != TERN_OK) {
		wipe(out, cap);
		return error;
	}
	*len = HEAD_LEN + w.n + ticket_aead()->tag_len;
	return TERN_OK;
}

/* One slot's try. room: TICKET_MAX bytes for the plaintext. */
static bool slot_open(const struct keyring_slot *slot, const struct provider *p, struct crypto *c, struct span ticket,
		      uint8_t *room, struct session *out)
{
	struct aead_key *k;
	size_t n = ticket.n - HEAD_LEN;
	bool good;
	struct rd r;
	if (!slot->valid || memcmp(slot->ticket_id, ticket.p, ID_LEN) != 0)
		return false;
	if (new_key(p, c, &k, slot->ticket_key) != TERN_OK)
		return false;
	memcpy(room, ticket.p + HEAD_LEN, n);
	good = p->aead_open(k, ticket.p + ID_LEN, span_of(ticket.p, ID_LEN), room, n);
	p->aead_free(c, k);
	if (!good)
		return false;
	r = rd_of(span_of(room, n - ticket_aead()->tag_len));
	return get_session(&r, out);
}

bool ticket_open(const struct keyring_keys *keys, const struct provider *p, struct crypto *c, struct span ticket,
		 int64_t unix_s, struct session *out, bool *stale)
{
	uint8_t room[TICKET_MAX];
	bool current, good;
	if (ticket.n < TICKET_OVERHEAD || ticket.n > TICKET_MAX)
		return false;
	current = slot_open(&keys->current, p, c, ticket, room, out);
	good = current || slot_open(&keys->previous, p, c, ticket, room, out);
	wipe(room, sizeof room);
	if (good && out->expires_unix_s <= unix_s) {
		session_wipe(out);
		good = false;
	}
	if (good)
		*stale = !current;
	return good;
}
