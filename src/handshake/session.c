/* session.c - the encoding of a session. One form for all carriers: blob, store and ticket. */
#include "handshake/session.h"

#include "handshake/config.h"

#define ENCODING_VERSION 3

/* Bits of the flags byte. */
#define PEER_AUTHENTICATED 0x01
#define FLAGS_KNOWN PEER_AUTHENTICATED

/* The longest: fixed fields, six vectors with their lengths. */
#define FIXED_LEN (1 + 2 + 2 + 1 + MASTER_LEN + 4 + 4 + 8 + 8 + 32 + 16)
#define VECTORS_MAX (1 + SESSION_ID_MAX + 1 + 63 + 1 + 255 + 1 + 128 + 1 + 31)
_Static_assert(FIXED_LEN + VECTORS_MAX + 2 + TICKET_MAX <= TERN_SESSION_MAX, "a session fits its public bound");
_Static_assert(FIXED_LEN + VECTORS_MAX + 2 + TICKET_OVERHEAD <= TICKET_MAX, "our own ticket fits a client's session");

void session_wipe(struct session *s)
{
	wipe(s, sizeof *s);
}

/* A name that would not leave room for the NUL of tern_info is not one we negotiate. */
static bool possible(const struct session *s)
{
	return s->created_unix_s >= 0 && s->expires_unix_s >= 0 && s->id_len <= sizeof s->id &&
	       s->alpn_len < sizeof s->alpn && s->psk_identity_len <= sizeof s->psk_identity &&
	       s->host_len <= sizeof s->host && s->ticket_len <= sizeof s->ticket;
}

void put_session(struct wr *w, const struct session *s, bool with_ticket)
{
	if (!possible(s)) {
		w->bad = true;
		return;
	}
	wr_u8(w, ENCODING_VERSION);
	wr_u16(w, s->version);
	wr_u16(w, s->suite);
	wr_u8(w, s->peer_authenticated ? PEER_AUTHENTICATED : 0);
	wr_bytes(w, span_of(s->master, sizeof s->master));
	wr_u32(w, s->age_add);
	wr_u32(w, s->max_early_data);
	wr_u64(w, (uint64_t)s->created_unix_s);
	wr_u64(w, (uint64_t)s->expires_unix_s);
	wr_bytes(w, span_of(s->peer_fingerprint, sizeof s->peer_fingerprint));
	wr_bytes(w, span_of(s->settings_hash, sizeof s->settings_hash));
	wr_vec8(w, span_of(s->id, s->id_len));
	wr_vec8(w, span_of(s->alpn, s->alpn_len));
	wr_vec8(w, span_of(s->name, s->name_len));
	wr_vec8(w, span_of(s->psk_identity, s->psk_identity_len));
	wr_vec8(w, span_of(s->host, s->host_len));
	wr_vec16(w, span_of(s->ticket, with_ticket ? s->ticket_len : 0));
}

MUST_CHECK static bool get_field(struct rd *r, void *out, size_t n)
{
	struct span s;
	if (!rd_bytes(r, n, &s))
		return false;
	memcpy(out, s.p, n);
	return true;
}

MUST_CHECK static bool get_vec8(struct rd *r, void *out, size_t max, uint8_t *len)
{
	struct span s;
	if (!rd_span8(r, &s) || s.n > max)
		return false;
	if (s.n)
		memcpy(out, s.p, s.n);
	*len = (uint8_t)s.n;
	return true;
}

MUST_CHECK static bool get_ticket(struct rd *r, struct session *s)
{
	struct span ticket;
	if (!rd_span16(r, &ticket) || ticket.n > sizeof s->ticket)
		return false;
	if (ticket.n)
		memcpy(s->ticket, ticket.p, ticket.n);
	s->ticket_len = (uint16_t)ticket.n;
	return true;
}

MUST_CHECK static bool get_time(struct rd *r, int64_t *out)
{
	uint64_t v;
	return rd_u64(r, &v) && v <= INT64_MAX && (*out = (int64_t)v, true);
}

MUST_CHECK static bool get_fields(struct rd *r, struct session *s)
{
	uint8_t encoding, flags;
	if (!rd_u8(r, &encoding) || encoding != ENCODING_VERSION || !rd_u16(r, &s->version) || !rd_u16(r, &s->suite) ||
	    !rd_u8(r, &flags) || (flags & ~FLAGS_KNOWN))
		return false;
	s->peer_authenticated = flags & PEER_AUTHENTICATED;
	return get_field(r, s->master, sizeof s->master) && rd_u32(r, &s->age_add) && rd_u32(r, &s->max_early_data) &&
	       get_time(r, &s->created_unix_s) && get_time(r, &s->expires_unix_s) &&
	       get_field(r, s->peer_fingerprint, sizeof s->peer_fingerprint) &&
	       get_field(r, s->settings_hash, sizeof s->settings_hash) &&
	       get_vec8(r, s->id, sizeof s->id, &s->id_len) && get_vec8(r, s->alpn, sizeof s->alpn - 1, &s->alpn_len) &&
	       get_vec8(r, s->name, sizeof s->name, &s->name_len) &&
	       get_vec8(r, s->psk_identity, sizeof s->psk_identity, &s->psk_identity_len) &&
	       get_vec8(r, s->host, sizeof s->host, &s->host_len) && get_ticket(r, s) && rd_end(r);
}

bool get_session(struct rd *r, struct session *out)
{
	struct session s = {0};
	struct rd t = *r;
	bool good = get_fields(&t, &s);
	if (good) {
		*out = s;
		*r = t;
	}
	session_wipe(&s);
	return good;
}

/* ---- What a session depends on ---- */

static void hash_u8(const struct hash_alg *h, struct hash_state *s, size_t v)
{
	uint8_t byte = (uint8_t)v;
	h->update(s, &byte, 1);
}

void config_settings_hash(const struct tern_config *config, uint8_t out[16])
{
	const struct hash_alg *h = config->provider->hash[HASH_SHA256];
	struct hash_state s;
	uint8_t digest[HASH_MAX];
	h->init(&s);
	hash_u8(h, &s, config->trust != NULL);
	h->update(&s, config->trust_digest, sizeof config->trust_digest);
	hash_u8(h, &s, config->no_verify);
	hash_u8(h, &s, config->verify != NULL);
	hash_u8(h, &s, config->client_auth);
	hash_u8(h, &s, config->conn_fingerprints);
	hash_u8(h, &s, config->num_fingerprints);
	for (size_t i = 0; i < config->num_fingerprints; i++) {
		hash_u8(h, &s, config->fingerprints[i].hash);
		h->update(&s, config->fingerprints[i].digest, sizeof config->fingerprints[i].digest);
	}
	h->final(&s, digest);
	memcpy(out, digest, 16);
}
