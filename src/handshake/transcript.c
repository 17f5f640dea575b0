#include "handshake/transcript.h"

#include "wire/handshake.h"

struct kept_message {
	struct kept_message *next;
	uint8_t header[HANDSHAKE_HEADER];
	struct span body;
};

void transcript_init(struct transcript *t, struct arena *arena)
{
	*t = (struct transcript){.arena = arena, .keeps = true, .header = HANDSHAKE_HEADER};
}

static tern_error keep(struct transcript *t, const uint8_t *header, struct span body, bool in_arena)
{
	struct kept_message *k = arena_alloc(t->arena, sizeof *k);
	if (!k)
		return TERN_ERROR_BUDGET;
	k->body = in_arena ? body : arena_copy(t->arena, body);
	if (body.n && !k->body.p)
		return TERN_ERROR_BUDGET;
	memcpy(k->header, header, HANDSHAKE_HEADER);
	if (t->last)
		t->last->next = k;
	else
		t->first = k;
	t->last = k;
	t->kept_bytes += HANDSHAKE_HEADER + body.n;
	return TERN_OK;
}

tern_error transcript_add(struct transcript *t, uint8_t type, uint16_t message_seq, struct span body, bool in_arena)
{
	struct fragment whole = {.type = type, .length = (uint32_t)body.n, .message_seq = message_seq};
	uint8_t header[HANDSHAKE_HEADER];
	struct wr w = wr_of(header, sizeof header);
	put_fragment_header(&w, &whole, (uint32_t)body.n);
	if (t->keeps)
		TRY(keep(t, header, body, in_arena));
	if (t->hash) {
		t->hash->update(&t->state, header, t->header);
		t->hash->update(&t->state, body.p, body.n);
	}
	return TERN_OK;
}

void transcript_restart(struct transcript *t)
{
	transcript_init(t, t->arena);
}

static void hash_kept(const struct transcript *t, const struct hash_alg *hash, struct hash_state *state)
{
	hash->init(state);
	for (const struct kept_message *k = t->first; k; k = k->next) {
		hash->update(state, k->header, t->header);
		hash->update(state, k->body.p, k->body.n);
	}
}

tern_error transcript_fold(struct transcript *t, const uint8_t *digest)
{
	const struct hash_alg *hash = t->hash;
	uint8_t header = t->header;
	transcript_restart(t);
	t->header = header;
	TRY(transcript_add(t, MESSAGE_HASH, 0, span_of(digest, hash->len), false));
	transcript_choose(t, hash, header);
	return TERN_OK;
}

void transcript_digest_with(const struct transcript *t, const struct hash_alg *hash, uint8_t type, struct span body,
			    size_t n, uint8_t *out)
{
	struct hash_state state;
	uint8_t header[4];
	header[0] = type;
	wr_store(header + 1, 3, body.n);
	if (hash == t->hash)
		state = t->state;
	else
		hash_kept(t, hash, &state);
	hash->update(&state, header, sizeof header);
	hash->update(&state, body.p, n);
	hash->final(&state, out);
}

void transcript_choose(struct transcript *t, const struct hash_alg *hash, uint8_t header)
{
	t->header = header;
	t->hash = hash;
	hash_kept(t, hash, &t->state);
}

void transcript_release(struct transcript *t)
{
	t->keeps = false;
	t->first = t->last = NULL;
	t->kept_bytes = 0;
}

void transcript_digest(const struct transcript *t, const struct hash_alg *hash, uint8_t *out)
{
	struct hash_state state;
	if (hash == t->hash)
		state = t->state;
	else
		hash_kept(t, hash, &state);
	hash->final(&state, out);
}

struct span transcript_messages(const struct transcript *t)
{
	uint8_t *p = arena_alloc(t->arena, t->kept_bytes ? t->kept_bytes : 1);
	struct wr w = wr_of(p, t->kept_bytes);
	if (!p)
		return span_of(NULL, 0);
	for (const struct kept_message *k = t->first; k; k = k->next) {
		wr_bytes(&w, span_of(k->header, HANDSHAKE_HEADER));
		wr_bytes(&w, k->body);
	}
	return wr_span(&w);
}
